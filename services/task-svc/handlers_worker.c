#include "services/task-svc/handlers_impl.h"

#include "base/alloc.h"
#include "services/task-svc/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 1000, OP_BYTES = 512, MAX_MESSAGE_BYTES = 4096 };

static qt_code check_call(const char *worker_id, size_t count, const char *field, qt_err *err) {
    QT_TRY(qt_validate_worker(worker_id, err));
    if (count > MAX_ITEMS) {
        return qt_fail_field(err, FIELD_INVALID, field, "%zu items, at most %d are allowed", count,
                             (int)MAX_ITEMS);
    }
    return QT_OK;
}

static qt_code item_id(const char *text, const char *list, size_t i, qt_uuid *ret_id, qt_err *err) {
    char path[64];
    snprintf(path, sizeof path, "%s[%zu].task_id", list, i);
    return qt_validate_id(text, path, ret_id, err);
}

/* ---- claim ---- */

typedef struct claim_call {
    const Qtaskdist__V1__ClaimTasksRequest *req;
    Qtaskdist__V1__ClaimTasksResponse *resp;
} claim_call;

static qt_code fill_claim(qt_op_group *group, size_t i, qt_err *err) {
    const claim_call *call = group->resp;
    const qt_task_op *op = &group->ops[i];
    Qtaskdist__V1__ClaimedTask *to = call->resp->tasks[i];
    if (op->code != QT_OK || op->row == NULL) {
        const char *reason = op->code != QT_OK ? qt_reason_name(op->err.reason) : "TASK_NOT_FOUND";
        to->reason = (char *)(uintptr_t)reason;
        return QT_OK;
    }
    to->claimed = 1;
    to->task_type = (Qtaskdist__V1__TaskType)op->row->type;
    to->attempt = op->claim.ret_attempt;
    to->fence = op->claim.ret_fence;
    if (call->req->omit_payload || op->row->spec.p == NULL) {
        return QT_OK;
    }
    return qt_pb_unpack(qt_rpc_arena(group->ctx), &qtaskdist__v1__task_payload__descriptor,
                        op->row->spec, &to->payload, err);
}

static void convert_claim(qt_op_group *group, size_t i) {
    qt_err err;
    qt_code code = fill_claim(group, i, &err);
    if (code != QT_OK) {
        group->ops[i].code = code;
        group->ops[i].err = err;
    }
}

static void answer_claim(qt_op_group *group) {
    const claim_call *call = group->resp;
    if (!qt_handlers_group_failed(group)) {
        qt_rpc_reply(group->ctx, &call->resp->base);
    }
}

static qt_code new_claim_response(qt_rpc_ctx *ctx, const Qtaskdist__V1__ClaimTasksRequest *req,
                                  Qtaskdist__V1__ClaimTasksResponse **ret_resp, qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    Qtaskdist__V1__ClaimTasksResponse *resp = NULL;
    void *list = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__claim_tasks_response__descriptor, &resp, err));
    QT_TRY(qt_arena_try_calloc(arena, req->n_items, sizeof *resp->tasks, &list, err));
    resp->tasks = list;
    for (size_t i = 0; i < req->n_items; i++) {
        QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__claimed_task__descriptor, &resp->tasks[i],
                                  err));
        resp->tasks[i]->task_id = req->items[i]->task_id;
    }
    resp->n_tasks = req->n_items;
    resp->lease_ms = qt_handlers_app(ctx)->config->lease_ms;
    *ret_resp = resp;
    return QT_OK;
}

/* The reply must stay below the limit of a message: the first payload comes in any case, the others
 * if they fit into an equal share of half the limit. The worker claims the rest again. */
static int32_t claim_want(const qt_app *app, const Qtaskdist__V1__ClaimTasksRequest *req,
                          size_t i) {
    if (req->omit_payload) {
        return QT_WANT_SMALL;
    }
    int64_t half = app->config->rpc_max_message_bytes / 2;
    return i == 0 ? QT_WANT_SPEC : (int32_t)(half / (int64_t)req->n_items);
}

static qt_code make_claims(qt_rpc_ctx *ctx, const Qtaskdist__V1__ClaimTasksRequest *req,
                           qt_op_group *group, qt_err *err) {
    qt_span worker = qt_span_of(req->worker_id);
    for (size_t i = 0; i < req->n_items; i++) {
        qt_task_op *op = &group->ops[i];
        QT_TRY(item_id(req->items[i]->task_id, "items", i, &op->id, err));
        op->kind = QT_TASK_OP_CLAIM;
        op->bytes = OP_BYTES;
        op->want = claim_want(qt_handlers_app(ctx), req, i);
        op->claim = (qt_claim){.worker_key = qt_worker_key(worker),
                               .worker = worker,
                               .dispatch_seq = req->items[i]->dispatch_seq};
    }
    return QT_OK;
}

qt_code qt_handle_claim(qt_rpc_ctx *ctx, const Qtaskdist__V1__ClaimTasksRequest *req,
                        Qtaskdist__V1__ClaimTasksResponse **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_op_group *group = NULL;
    void *memory = NULL;
    QT_TRY(check_call(req->worker_id, req->n_items, "items", err));
    QT_TRY(qt_handlers_group_new(ctx, req->n_items, &group, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(claim_call), &memory, err));
    claim_call *call = memory;
    call->req = req;
    QT_TRY(new_claim_response(ctx, req, &call->resp, err));
    QT_TRY(make_claims(ctx, req, group, err));
    group->resp = call;
    group->convert = convert_claim;
    group->answer = answer_claim;
    qt_handlers_group_commit(group);
    return QT_OK;
}

/* ---- complete ---- */

static qt_code set_result(qt_rpc_ctx *ctx, const Qtaskdist__V1__TaskResult *result,
                          qt_outcome *outcome, qt_err *err) {
    enum { MAX_SECONDS = 1000000 };
    QT_TRY(qt_pb_pack(qt_rpc_arena(ctx), &result->base, &outcome->result, err));
    if (result->seconds > 0 && result->seconds < MAX_SECONDS) {
        outcome->elapsed_us = (int64_t)(result->seconds * 1e6);
    }
    int64_t limit = qt_handlers_app(ctx)->config->max_result_bytes;
    if (outcome->result.len <= (size_t)limit) {
        outcome->is_result = true;
        return QT_OK;
    }
    outcome->result = (qt_span){0};
    outcome->failure_class = QT_FAILURE_PERMANENT;
    outcome->reason = qt_span_of(qt_reason_name(QT_REASON_RESULT_TOO_LARGE));
    outcome->message = qt_span_of("the result is larger than allowed; ask for fewer shots");
    return QT_OK;
}

static void set_failure(const Qtaskdist__V1__TaskFailure *failure, qt_outcome *outcome) {
    const Google__Protobuf__Duration *after = failure->retry_after;
    outcome->failure_class = (qt_failure_class)failure->failure_class;
    outcome->reason = qt_span_of(failure->reason);
    outcome->message = qt_span_of(failure->message);
    if (outcome->message.len > MAX_MESSAGE_BYTES) {
        outcome->message.len = MAX_MESSAGE_BYTES;
        while ((outcome->message.p[outcome->message.len] & 0xC0) == 0x80) {
            outcome->message.len--; /* not inside a character */
        }
    }
    if (after != NULL && after->seconds >= 0 && after->seconds < INT64_MAX / 1000000) {
        outcome->retry_after_ms = after->seconds * 1000 + after->nanos / 1000000;
    }
}

static qt_code make_completion(qt_rpc_ctx *ctx, const char *worker_id,
                               const Qtaskdist__V1__CompleteTasksItem *item, qt_task_op *op,
                               qt_err *err) {
    op->kind = QT_TASK_OP_COMPLETE;
    op->outcome = (qt_outcome){.worker = qt_span_of(worker_id),
                               .attempt = item->attempt,
                               .fence = item->fence,
                               .dispatch_seq = item->dispatch_seq};
    switch ((int)item->outcome_case) {
    case QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_RESULT:
        QT_TRY(set_result(ctx, item->result, &op->outcome, err));
        break;
    case QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_FAILURE:
        set_failure(item->failure, &op->outcome);
        break;
    default:
        return qt_fail_field(err, FIELD_REQUIRED, "outcome", "neither a result nor a failure");
    }
    op->bytes = OP_BYTES + op->outcome.result.len;
    return QT_OK;
}

static void answer_complete(qt_op_group *group) {
    Qtaskdist__V1__CompleteTasksResponse *resp = group->resp;
    if (qt_handlers_group_failed(group)) {
        return;
    }
    for (size_t i = 0; i < group->count; i++) {
        const qt_task_op *op = &group->ops[i];
        resp->results[i]->accepted = op->code == QT_OK;
        if (op->code != QT_OK) {
            resp->results[i]->reason = (char *)(uintptr_t)qt_reason_name(op->err.reason);
        }
    }
    qt_rpc_reply(group->ctx, &resp->base);
}

static qt_code new_complete_response(qt_rpc_ctx *ctx,
                                     const Qtaskdist__V1__CompleteTasksRequest *req,
                                     Qtaskdist__V1__CompleteTasksResponse **ret_resp, qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    Qtaskdist__V1__CompleteTasksResponse *resp = NULL;
    void *list = NULL;
    QT_TRY(
        qt_rpc_message_new(arena, &qtaskdist__v1__complete_tasks_response__descriptor, &resp, err));
    QT_TRY(qt_arena_try_calloc(arena, req->n_items, sizeof *resp->results, &list, err));
    resp->results = list;
    for (size_t i = 0; i < req->n_items; i++) {
        QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__complete_tasks_result__descriptor,
                                  &resp->results[i], err));
        resp->results[i]->task_id = req->items[i]->task_id;
    }
    resp->n_results = req->n_items;
    *ret_resp = resp;
    return QT_OK;
}

qt_code qt_handle_complete(qt_rpc_ctx *ctx, const Qtaskdist__V1__CompleteTasksRequest *req,
                           Qtaskdist__V1__CompleteTasksResponse **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_op_group *group = NULL;
    Qtaskdist__V1__CompleteTasksResponse *resp = NULL;
    QT_TRY(check_call(req->worker_id, req->n_items, "items", err));
    QT_TRY(qt_handlers_group_new(ctx, req->n_items, &group, err));
    QT_TRY(new_complete_response(ctx, req, &resp, err));
    for (size_t i = 0; i < req->n_items; i++) {
        qt_task_op *op = &group->ops[i];
        char prefix[32];
        snprintf(prefix, sizeof prefix, "items[%zu].", i);
        QT_TRY(item_id(req->items[i]->task_id, "items", i, &op->id, err));
        if (make_completion(ctx, req->worker_id, req->items[i], op, err) != QT_OK) {
            qt_err_prefix_field(err, prefix);
            return err->code;
        }
    }
    group->resp = resp;
    group->answer = answer_complete;
    qt_handlers_group_commit(group);
    return QT_OK;
}

/* ---- heartbeat ---- */

static void background_done(qt_task_op *op) {
    free(op);
}

void qt_handlers_push_background(qt_app *app, qt_task_op_kind kind, const qt_uuid *id,
                                 int64_t fence, int32_t progress) {
    qt_err err;
    qt_task_op *op = qt_xcalloc(1, sizeof *op);
    op->kind = kind;
    op->id = *id;
    op->bytes = OP_BYTES;
    op->done = background_done;
    op->guard.fence = fence;
    op->guard.progress = progress;
    if (qt_committer_push(app->committer, op, &err) != QT_OK) {
        free(op);
    }
}

static qt_code read_held(qt_rpc_ctx *ctx, const Qtaskdist__V1__HeartbeatRequest *req,
                         qt_heartbeat *heartbeat, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), req->n_tasks, sizeof(qt_held), &memory, err));
    heartbeat->held = memory;
    heartbeat->held_count = req->n_tasks;
    for (size_t i = 0; i < req->n_tasks; i++) {
        const Qtaskdist__V1__HeldTask *task = req->tasks[i];
        QT_TRY(item_id(task->task_id, "tasks", i, &heartbeat->held[i].id, err));
        heartbeat->held[i].attempt = task->attempt;
        heartbeat->held[i].fence = task->fence;
    }
    return QT_OK;
}

static qt_code new_lists(qt_rpc_ctx *ctx, size_t count, Qtaskdist__V1__HeartbeatResponse **ret_resp,
                         qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    Qtaskdist__V1__HeartbeatResponse *resp = NULL;
    void *cancels = NULL;
    void *fenced = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__heartbeat_response__descriptor, &resp, err));
    QT_TRY(qt_arena_try_calloc(arena, count, sizeof(char *), &cancels, err));
    QT_TRY(qt_arena_try_calloc(arena, count, sizeof(char *), &fenced, err));
    resp->cancel_task_ids = cancels;
    resp->fenced_task_ids = fenced;
    *ret_resp = resp;
    return QT_OK;
}

static void follow_progress(qt_app *app, const Qtaskdist__V1__HeldTask *task, const qt_held *held) {
    bool is_news = task->progress > held->progress && task->progress <= 100;
    if (held->is_held && is_news) {
        qt_handlers_push_background(app, QT_TASK_OP_PROGRESS, &held->id, held->fence,
                                    task->progress);
    }
}

qt_code qt_handle_heartbeat(qt_rpc_ctx *ctx, const Qtaskdist__V1__HeartbeatRequest *req,
                            Qtaskdist__V1__HeartbeatResponse **ret_resp, qt_err *err) {
    qt_app *app = qt_handlers_app(ctx);
    qt_span name = qt_span_of(req->worker_id);
    Qtaskdist__V1__HeartbeatResponse *resp = NULL;
    QT_TRY(check_call(req->worker_id, req->n_tasks, "tasks", err));
    qt_heartbeat heartbeat = {.key = qt_worker_key(name),
                              .name = name,
                              .lease_ms = app->config->lease_ms,
                              .orphan_ms = app->config->orphan_ms};
    QT_TRY(read_held(ctx, req, &heartbeat, err));
    QT_TRY(qt_reader_heartbeat(app->reader, &heartbeat, qt_rpc_arena(ctx), err));
    QT_TRY(new_lists(ctx, req->n_tasks, &resp, err));
    resp->lease_ms = app->config->lease_ms;
    for (size_t i = 0; i < req->n_tasks; i++) {
        const qt_held *held = &heartbeat.held[i];
        if (!held->is_held) {
            resp->fenced_task_ids[resp->n_fenced_task_ids++] = req->tasks[i]->task_id;
        } else if (held->is_cancelling) {
            resp->cancel_task_ids[resp->n_cancel_task_ids++] = req->tasks[i]->task_id;
        }
        follow_progress(app, req->tasks[i], held);
    }
    for (size_t i = 0; i < heartbeat.orphan_count; i++) {
        qt_handlers_push_background(app, QT_TASK_OP_ORPHAN, &heartbeat.orphans[i].id,
                                    heartbeat.orphans[i].fence, 0);
    }
    *ret_resp = resp;
    return QT_OK;
}
