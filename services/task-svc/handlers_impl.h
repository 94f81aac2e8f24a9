/* What the handler files share. Internal. */
#ifndef QT_TASK_SVC_HANDLERS_IMPL_H
#define QT_TASK_SVC_HANDLERS_IMPL_H

#include "qtaskdist/v1/job_store_service.rpc.h"
#include "qtaskdist/v1/task_service.rpc.h"
#include "qtaskdist/v1/task_worker_service.rpc.h"
#include "services/task-svc/codec.h"
#include "services/task-svc/handlers.h"

static inline qt_app *qt_handlers_app(const qt_rpc_ctx *ctx) {
    return qt_rpc_self(ctx);
}

/* Hands one operation to the committer and answers the call with the task that comes out. The
 * operation lives in the call's arena; the caller has set its kind, id and values. */
qt_code qt_handlers_commit_one(qt_rpc_ctx *ctx, qt_task_op *op, qt_err *err);

/* Many operations of one call. `convert` runs for each after its commit, one at a time, while
 * op->row is valid; it may be NULL. `answer` runs once, after the last, and finishes the call. */
typedef struct qt_op_group qt_op_group;
struct qt_op_group {
    qt_rpc_ctx *ctx;
    qt_task_op *ops;
    size_t count;
    void (*convert)(qt_op_group *group, size_t i);
    void (*answer)(qt_op_group *group);
    void *resp;
};
/* Makes the group in the call's arena, its operations zeroed. */
qt_code qt_handlers_group_new(qt_rpc_ctx *ctx, size_t count, qt_op_group **ret_group, qt_err *err);
/* Defers the call and hands all operations over. Those whose code is set already count as done. */
void qt_handlers_group_commit(qt_op_group *group);
/* Fails the call when an operation failed for a reason that lies not in its task (the database is
 * away, too much to do): the worker sends all again, which is safe. */
bool qt_handlers_group_failed(qt_op_group *group);

/* ---- handlers_create.c ---- */
qt_code qt_handle_create(qt_rpc_ctx *ctx, const Qtaskdist__V1__CreateTaskRequest *req,
                         Qtaskdist__V1__Task **ret_resp, qt_err *err);
qt_code qt_handle_batch_create(qt_rpc_ctx *ctx, const Qtaskdist__V1__BatchCreateTasksRequest *req,
                               Qtaskdist__V1__BatchCreateTasksResponse **ret_resp, qt_err *err);
/* A payload as it is stored, with what its circuit is made of added to meta_data. At most
 * max_errors of a broken circuit are told (0: the default). */
qt_code qt_handlers_store_payload(qt_app *app, qt_arena *arena, Qtaskdist__V1__TaskType type,
                                  const Qtaskdist__V1__TaskPayload *payload,
                                  Qtaskdist__V1__Task__MetaDataEntry *const *meta,
                                  size_t meta_count, size_t max_errors, qt_row *row, qt_err *err);

/* New meta_data of a task, as JSON: what is stored of its circuit stays. */
qt_code qt_handlers_replace_meta(qt_arena *arena, qt_span stored,
                                 Qtaskdist__V1__Task__MetaDataEntry *const *meta, size_t count,
                                 qt_span *ret_json, qt_err *err);

/* ---- handlers_change.c ---- */
qt_code qt_handle_update(qt_rpc_ctx *ctx, const Qtaskdist__V1__UpdateTaskRequest *req,
                         Qtaskdist__V1__Task **ret_resp, qt_err *err);
qt_code qt_handle_enqueue(qt_rpc_ctx *ctx, const Qtaskdist__V1__EnqueueTaskRequest *req,
                          Qtaskdist__V1__Task **ret_resp, qt_err *err);
qt_code qt_handle_cancel(qt_rpc_ctx *ctx, const Qtaskdist__V1__CancelTaskRequest *req,
                         Qtaskdist__V1__Task **ret_resp, qt_err *err);
qt_code qt_handle_retry(qt_rpc_ctx *ctx, const Qtaskdist__V1__RetryTaskRequest *req,
                        Qtaskdist__V1__Task **ret_resp, qt_err *err);
qt_code qt_handle_delete(qt_rpc_ctx *ctx, const Qtaskdist__V1__DeleteTaskRequest *req,
                         Qtaskdist__V1__DeleteTaskResponse **ret_resp, qt_err *err);

/* ---- handlers_read.c ---- */
qt_code qt_handle_get(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetTaskRequest *req,
                      Qtaskdist__V1__Task **ret_resp, qt_err *err);
qt_code qt_handle_list(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListTasksRequest *req,
                       Qtaskdist__V1__ListTasksResponse **ret_resp, qt_err *err);
qt_code qt_handle_wait(qt_rpc_ctx *ctx, const Qtaskdist__V1__WaitTaskRequest *req,
                       Qtaskdist__V1__Task **ret_resp, qt_err *err);
qt_code qt_handle_events(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListTaskEventsRequest *req,
                         Qtaskdist__V1__ListTaskEventsResponse **ret_resp, qt_err *err);
qt_code qt_handle_watch(qt_rpc_ctx *ctx, const Qtaskdist__V1__WatchTasksRequest *req, qt_err *err);
qt_code qt_handle_result(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetTaskResultRequest *req,
                         qt_err *err);

/* ---- handlers_worker.c ---- */
qt_code qt_handle_claim(qt_rpc_ctx *ctx, const Qtaskdist__V1__ClaimTasksRequest *req,
                        Qtaskdist__V1__ClaimTasksResponse **ret_resp, qt_err *err);
qt_code qt_handle_heartbeat(qt_rpc_ctx *ctx, const Qtaskdist__V1__HeartbeatRequest *req,
                            Qtaskdist__V1__HeartbeatResponse **ret_resp, qt_err *err);
qt_code qt_handle_complete(qt_rpc_ctx *ctx, const Qtaskdist__V1__CompleteTasksRequest *req,
                           Qtaskdist__V1__CompleteTasksResponse **ret_resp, qt_err *err);

/* A change that nobody waits for; when it cannot be made now, somebody asks again later. */
void qt_handlers_push_background(qt_app *app, qt_task_op_kind kind, const qt_uuid *id,
                                 int64_t fence, int32_t progress);

/* ---- handlers_jobs.c ---- */
extern const qt_job_store_service_ops qt_job_store_ops;

#endif
