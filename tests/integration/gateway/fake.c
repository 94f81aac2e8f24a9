/* What the fake services answer. GetTask: by the task id. WaitTask: when fake_release() is called
 * or the caller goes away. CreateTask and UpdateTask: what they were asked for. */
#include "rig.h"

#include "qtaskdist/v1/queue_service.rpc.h"
#include "qtaskdist/v1/sim_service.rpc.h"
#include "qtaskdist/v1/task_service.rpc.h"
#include "rpc/status.h"

#include <stdio.h>
#include <string.h>

static Qtaskdist__V1__Task *new_task(qt_rpc_ctx *ctx, const char *id) {
    Qtaskdist__V1__Task *task =
        (Qtaskdist__V1__Task *)qt_rpc_message(ctx, &qtaskdist__v1__task__descriptor);
    task->task_id = qt_arena_strdup(qt_rpc_arena(ctx), id);
    task->status = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_PENDING;
    return task;
}

static void copy_meta_data(qt_rpc_ctx *ctx, const Qtaskdist__V1__CreateTaskRequest *req,
                           Qtaskdist__V1__Task *task) {
    task->meta_data =
        qt_arena_alloc(qt_rpc_arena(ctx), (req->n_meta_data + 1) * sizeof *task->meta_data);
    for (size_t i = 0; i < req->n_meta_data; i++) {
        Qtaskdist__V1__Task__MetaDataEntry *entry =
            (Qtaskdist__V1__Task__MetaDataEntry *)qt_rpc_message(
                ctx, &qtaskdist__v1__task__meta_data_entry__descriptor);
        entry->key = req->meta_data[i]->key;
        entry->value = req->meta_data[i]->value;
        task->meta_data[task->n_meta_data++] = entry;
    }
}

static qt_code create_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__CreateTaskRequest *req,
                           Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)err;
    Qtaskdist__V1__Task *task = new_task(ctx, "new");
    task->task_type = req->task_type;
    task->payload = req->payload;
    copy_meta_data(ctx, req, task);
    task->scheduled_for = req->scheduled_for;
    task->priority = req->priority;
    task->project = req->project;
    task->version = INT64_MAX;
    if (req->max_retries_oneof_case ==
        QTASKDIST__V1__CREATE_TASK_REQUEST__MAX_RETRIES_ONEOF_MAX_RETRIES) {
        task->max_retries = req->max_retries;
    }
    if (req->enqueue) {
        task->status = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_QUEUED;
    }
    *ret_resp = task;
    return QT_OK;
}

static qt_code get_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetTaskRequest *req,
                        Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    const char *id = req->task_id;
    if (strcmp(id, "missing") == 0) {
        return qt_fail(err, TASK_NOT_FOUND, "task %s", id);
    }
    if (strcmp(id, "busy") == 0) {
        qt_code code = qt_fail(err, OVERLOADED, "too much");
        err->retry_after_ms = 1500;
        return code;
    }
    if (strcmp(id, "field") == 0) {
        return qt_fail_field(err, SHOTS_OUT_OF_RANGE, "payload.shots", "too many shots");
    }
    if (strcmp(id, "bug") == 0) {
        return qt_fail(err, INTERNAL, "the secret of the machine room");
    }
    if (strcmp(id, "store") == 0) {
        return qt_fail(err, STORE_UNAVAILABLE, "PostgreSQL is away");
    }
    Qtaskdist__V1__Task *task = new_task(ctx, id);
    task->error = qt_arena_strdup(qt_rpc_arena(ctx), qt_rpc_request_id(ctx));
    char trace[QT_TRACEPARENT_BYTES];
    qt_trace_format(qt_rpc_trace(ctx), trace);
    task->project = qt_arena_strdup(qt_rpc_arena(ctx), trace);
    *ret_resp = task;
    return QT_OK;
}

static qt_code list_tasks(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListTasksRequest *req,
                          Qtaskdist__V1__ListTasksResponse **ret_resp, qt_err *err) {
    (void)err;
    Qtaskdist__V1__ListTasksResponse *resp = (Qtaskdist__V1__ListTasksResponse *)qt_rpc_message(
        ctx, &qtaskdist__v1__list_tasks_response__descriptor);
    resp->next_page_token =
        qt_arena_printf(qt_rpc_arena(ctx), "%zu,%zu,%s,%d,%d", req->n_status, req->n_task_type,
                        req->n_label > 0 ? req->label[0] : "", (int)req->page_size,
                        req->created_after != NULL ? (int)req->created_after->seconds : 0);
    size_t count = req->page_size > 0 ? (size_t)req->page_size : 0;
    resp->tasks = qt_arena_alloc(qt_rpc_arena(ctx), (count + 1) * sizeof *resp->tasks);
    for (size_t i = 0; i < count; i++) {
        resp->tasks[resp->n_tasks++] = new_task(ctx, "listed");
    }
    *ret_resp = resp;
    return QT_OK;
}

static qt_code update_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__UpdateTaskRequest *req,
                           Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)err;
    Qtaskdist__V1__Task *task = new_task(ctx, req->task_id);
    char *mask = qt_arena_strdup(qt_rpc_arena(ctx), "");
    for (size_t i = 0; req->update_mask != NULL && i < req->update_mask->n_paths; i++) {
        mask = qt_arena_printf(qt_rpc_arena(ctx), "%s%s;", mask, req->update_mask->paths[i]);
    }
    task->error = mask;
    if (req->task != NULL) {
        task->max_retries = req->task->max_retries;
        task->priority = req->task->priority;
    }
    *ret_resp = task;
    return QT_OK;
}

static qt_code cancel_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__CancelTaskRequest *req,
                           Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)err;
    Qtaskdist__V1__Task *task = new_task(ctx, req->task_id);
    task->error = req->reason;
    *ret_resp = task;
    return QT_OK;
}

static qt_code enqueue_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__EnqueueTaskRequest *req,
                            Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)err;
    Qtaskdist__V1__Task *task = new_task(ctx, req->task_id);
    task->task_type = req->task_type;
    *ret_resp = task;
    return QT_OK;
}

static qt_code delete_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__DeleteTaskRequest *req,
                           Qtaskdist__V1__DeleteTaskResponse **ret_resp, qt_err *err) {
    (void)req;
    (void)err;
    *ret_resp = (Qtaskdist__V1__DeleteTaskResponse *)qt_rpc_message(
        ctx, &qtaskdist__v1__delete_task_response__descriptor);
    return QT_OK;
}

/* Task i of a batch is refused when its type is not given. */
static qt_code batch_create_tasks(qt_rpc_ctx *ctx,
                                  const Qtaskdist__V1__BatchCreateTasksRequest *req,
                                  Qtaskdist__V1__BatchCreateTasksResponse **ret_resp, qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    Qtaskdist__V1__BatchCreateTasksResponse *resp =
        (Qtaskdist__V1__BatchCreateTasksResponse *)qt_rpc_message(
            ctx, &qtaskdist__v1__batch_create_tasks_response__descriptor);
    resp->results = qt_arena_alloc(arena, (req->n_tasks + 1) * sizeof *resp->results);
    for (size_t i = 0; i < req->n_tasks; i++) {
        Qtaskdist__V1__BatchCreateTasksResult *result =
            (Qtaskdist__V1__BatchCreateTasksResult *)qt_rpc_message(
                ctx, &qtaskdist__v1__batch_create_tasks_result__descriptor);
        resp->results[resp->n_results++] = result;
        if (req->tasks[i]->task_type != 0) {
            result->task_id = qt_arena_printf(arena, "id-%zu", i);
            resp->created_count++;
            continue;
        }
        qt_code code = qt_fail_field(err, FIELD_REQUIRED, "task_type", "task_type is required");
        (void)code;
        result->error = qt_rpc_err_to_status(err, "", arena);
    }
    *ret_resp = resp;
    return QT_OK;
}

/* ---- WatchTasks: what the project says, from after_version + 1 on ---- */

static qt_code send_change(qt_rpc_ctx *ctx, int64_t version, qt_err *err) {
    Qtaskdist__V1__WatchTasksResponse resp = QTASKDIST__V1__WATCH_TASKS_RESPONSE__INIT;
    Qtaskdist__V1__TaskEvent event = QTASKDIST__V1__TASK_EVENT__INIT;
    event.task_id = (char *)(uintptr_t) "watched";
    event.to = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_QUEUED;
    resp.event = &event;
    resp.version = version;
    return qt_rpc_stream_send(ctx, &resp.base, err);
}

static qt_code watch_tasks(qt_rpc_ctx *ctx, const Qtaskdist__V1__WatchTasksRequest *req,
                           qt_err *err) {
    fake_services *fake = qt_rpc_self(ctx);
    int64_t version = req->after_version;
    int count = 0;
    if (strcmp(req->project, "missing") == 0) {
        return qt_fail(err, TASK_NOT_FOUND, "nothing to watch");
    }
    if (strcmp(req->project, "endless") == 0) {
        while (send_change(ctx, ++version, err) == QT_OK) {
        }
        atomic_fetch_add(&fake->cancelled, 1);
        return err->code;
    }
    if (sscanf(req->project, "n%d", &count) == 1 || sscanf(req->project, "late%d", &count) == 1) {
        for (int i = 0; i < count; i++) {
            QT_TRY(send_change(ctx, ++version, err));
        }
    }
    return strncmp(req->project, "late", 4) == 0 ? qt_fail(err, OVERLOADED, "too late") : QT_OK;
}

/* ---- WaitTask ---- */

static qt_rpc_ctx *take_held(fake_services *fake, size_t i) {
    pthread_mutex_lock(&fake->lock);
    qt_rpc_ctx *ctx = fake->held[i];
    fake->held[i] = NULL;
    pthread_mutex_unlock(&fake->lock);
    return ctx;
}

typedef struct holder {
    fake_services *fake;
    size_t index;
} holder;

static void on_cancel(void *arg) {
    const holder *h = arg;
    fake_services *fake = h->fake;
    qt_rpc_ctx *ctx = take_held(fake, h->index);
    if (ctx == NULL) {
        return;
    }
    qt_err err;
    qt_code code = qt_fail(&err, CALL_CANCELLED, "the caller went away");
    (void)code;
    qt_rpc_fail(ctx, &err);
    atomic_fetch_add(&fake->cancelled, 1);
}

static qt_code wait_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__WaitTaskRequest *req,
                         Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)req;
    (void)ret_resp;
    fake_services *fake = qt_rpc_self(ctx);
    holder *h = qt_arena_alloc(qt_rpc_arena(ctx), sizeof *h);
    pthread_mutex_lock(&fake->lock);
    bool full = fake->held_count == sizeof fake->held / sizeof *fake->held;
    if (!full) {
        *h = (holder){.fake = fake, .index = fake->held_count};
        fake->held[fake->held_count++] = ctx;
    }
    pthread_mutex_unlock(&fake->lock);
    if (full) {
        return qt_fail(err, OVERLOADED, "too many");
    }
    qt_rpc_defer(ctx);
    qt_rpc_on_cancel(ctx, on_cancel, h);
    atomic_fetch_add(&fake->waiting, 1);
    return QT_OK;
}

void fake_release(fake_services *fake) {
    for (size_t i = 0; i < fake->held_count; i++) {
        qt_rpc_ctx *ctx = take_held(fake, i);
        if (ctx != NULL) {
            Qtaskdist__V1__Task task = QTASKDIST__V1__TASK__INIT;
            char id[] = "waited";
            task.task_id = id;
            qt_rpc_reply(ctx, &task.base);
        }
    }
}

/* ---- the other services ---- */

static qt_code get_limits(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetLimitsRequest *req,
                          Qtaskdist__V1__GetLimitsResponse **ret_resp, qt_err *err) {
    (void)req;
    (void)err;
    Qtaskdist__V1__GetLimitsResponse *resp = (Qtaskdist__V1__GetLimitsResponse *)qt_rpc_message(
        ctx, &qtaskdist__v1__get_limits_response__descriptor);
    resp->max_memory_bytes = UINT64_C(1) << 60;
    *ret_resp = resp;
    return QT_OK;
}

static qt_code simulate(qt_rpc_ctx *ctx, const Qtaskdist__V1__SimulateRequest *req,
                        Qtaskdist__V1__SimulateResponse **ret_resp, qt_err *err) {
    (void)err;
    Qtaskdist__V1__SimulateResponse *resp = (Qtaskdist__V1__SimulateResponse *)qt_rpc_message(
        ctx, &qtaskdist__v1__simulate_response__descriptor);
    resp->result =
        (Qtaskdist__V1__TaskResult *)qt_rpc_message(ctx, &qtaskdist__v1__task_result__descriptor);
    resp->result->text = req->payload != NULL ? req->payload->circuit_data : NULL;
    *ret_resp = resp;
    return QT_OK;
}

static qt_code pause_queue(qt_rpc_ctx *ctx, const Qtaskdist__V1__PauseQueueRequest *req,
                           Qtaskdist__V1__PauseQueueResponse **ret_resp, qt_err *err) {
    if (req->task_type != QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT) {
        return qt_fail(err, FIELD_INVALID, "not the type of the test");
    }
    *ret_resp = (Qtaskdist__V1__PauseQueueResponse *)qt_rpc_message(
        ctx, &qtaskdist__v1__pause_queue_response__descriptor);
    return QT_OK;
}

void fake_register(qt_rpc_server *server, fake_services *fake) {
    static const qt_task_service_ops task_ops = {.create_task = create_task,
                                                 .batch_create_tasks = batch_create_tasks,
                                                 .get_task = get_task,
                                                 .list_tasks = list_tasks,
                                                 .update_task = update_task,
                                                 .enqueue_task = enqueue_task,
                                                 .cancel_task = cancel_task,
                                                 .delete_task = delete_task,
                                                 .wait_task = wait_task,
                                                 .watch_tasks = watch_tasks};
    static const qt_sim_service_ops sim_ops = {.get_limits = get_limits, .simulate = simulate};
    static const qt_queue_service_ops queue_ops = {.pause_queue = pause_queue};
    qt_task_service_register(server, &task_ops, fake);
    qt_sim_service_register(server, &sim_ops, fake);
    qt_queue_service_register(server, &queue_ops, fake);
    qt_rpc_server_set_flags(server, QT_TASK_SERVICE_WAIT_TASK_PATH, QT_RPC_INLINE);
}
