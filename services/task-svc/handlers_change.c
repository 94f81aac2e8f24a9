#include "services/task-svc/handlers_impl.h"

#include "base/cleanup.h"
#include "services/task-svc/validate.h"

#include <stdio.h>
#include <string.h>

enum { OP_BYTES = 512, MAX_REASON_BYTES = 256 };

/* A zeroed operation on the task of that id, in the call's arena. */
static qt_code new_op(qt_rpc_ctx *ctx, qt_task_op_kind kind, const char *task_id,
                      qt_task_op **ret_op, qt_err *err) {
    qt_uuid id;
    void *memory = NULL;
    QT_TRY(qt_validate_id(task_id, "task_id", &id, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(qt_task_op), &memory, err));
    qt_task_op *op = memory;
    op->kind = kind;
    op->id = id;
    op->bytes = OP_BYTES;
    *ret_op = op;
    return QT_OK;
}

qt_code qt_handle_enqueue(qt_rpc_ctx *ctx, const Qtaskdist__V1__EnqueueTaskRequest *req,
                          Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_task_op *op = NULL;
    QT_TRY(new_op(ctx, QT_TASK_OP_ENQUEUE, req->task_id, &op, err));
    op->enqueue.type = (int32_t)req->task_type;
    return qt_handlers_commit_one(ctx, op, err);
}

qt_code qt_handle_cancel(qt_rpc_ctx *ctx, const Qtaskdist__V1__CancelTaskRequest *req,
                         Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_task_op *op = NULL;
    if (strlen(req->reason) > MAX_REASON_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, "reason", "at most %d bytes",
                             (int)MAX_REASON_BYTES);
    }
    QT_TRY(new_op(ctx, QT_TASK_OP_CANCEL, req->task_id, &op, err));
    op->cancel.reason = qt_span_of(req->reason);
    return qt_handlers_commit_one(ctx, op, err);
}

qt_code qt_handle_retry(qt_rpc_ctx *ctx, const Qtaskdist__V1__RetryTaskRequest *req,
                        Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_task_op *op = NULL;
    QT_TRY(new_op(ctx, QT_TASK_OP_RETRY, req->task_id, &op, err));
    return qt_handlers_commit_one(ctx, op, err);
}

static void delete_done(qt_task_op *op) {
    qt_rpc_ctx *ctx = op->arg;
    const Qtaskdist__V1__DeleteTaskResponse resp = QTASKDIST__V1__DELETE_TASK_RESPONSE__INIT;
    if (op->code != QT_OK) {
        qt_rpc_fail(ctx, &op->err);
    } else {
        qt_rpc_reply(ctx, &resp.base);
    }
}

qt_code qt_handle_delete(qt_rpc_ctx *ctx, const Qtaskdist__V1__DeleteTaskRequest *req,
                         Qtaskdist__V1__DeleteTaskResponse **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_task_op *op = NULL;
    QT_TRY(new_op(ctx, QT_TASK_OP_DELETE, req->task_id, &op, err));
    op->done = delete_done;
    return qt_handlers_commit_one(ctx, op, err);
}

/* ---- update ---- */

static const struct {
    const char *name;
    uint32_t field;
} updatable[] = {
    {"payload", QT_UPDATE_PAYLOAD},
    {"max_retries", QT_UPDATE_MAX_RETRIES},
    {"scheduled_for", QT_UPDATE_SCHEDULED_FOR},
    {"meta_data", QT_UPDATE_META_DATA},
    {"priority", QT_UPDATE_PRIORITY},
    {"status", QT_UPDATE_STATUS},
};

static qt_code find_field(const char *path, uint32_t *ret_field, qt_err *err) {
    for (size_t i = 0; i < QT_ARRAY_LEN(updatable); i++) {
        if (strcmp(path, updatable[i].name) == 0) {
            *ret_field = updatable[i].field;
            return QT_OK;
        }
    }
    if (protobuf_c_message_descriptor_get_field_by_name(&qtaskdist__v1__task__descriptor, path) !=
        NULL) {
        return qt_fail_field(err, FIELD_READ_ONLY, path, "the field cannot be changed");
    }
    if (strchr(path, '.') != NULL) {
        return qt_fail_field(err, FIELD_INVALID, "update_mask",
                             "'%.60s': whole fields of the task only", path);
    }
    return qt_fail_field(err, FIELD_UNKNOWN, path, "a task has no field '%.60s'", path);
}

static qt_code read_mask(const Qtaskdist__V1__UpdateTaskRequest *req, uint32_t *ret_fields,
                         qt_err *err) {
    const Google__Protobuf__FieldMask *mask = req->update_mask;
    uint32_t fields = 0;
    if (req->task == NULL) {
        return qt_fail_field(err, FIELD_REQUIRED, "task", "the new values are missing");
    }
    if (mask == NULL || mask->n_paths == 0) {
        return qt_fail_field(err, FIELD_REQUIRED, "update_mask", "it names no field to change");
    }
    for (size_t i = 0; i < mask->n_paths; i++) {
        uint32_t field = 0;
        QT_TRY(find_field(mask->paths[i], &field, err));
        fields |= field;
    }
    *ret_fields = fields;
    return QT_OK;
}

static qt_code check_status(Qtaskdist__V1__TaskStatus status, qt_err *err) {
    if (protobuf_c_enum_descriptor_get_value(&qtaskdist__v1__task_status__descriptor,
                                             (int)status) == NULL ||
        status == QTASKDIST__V1__TASK_STATUS__TASK_STATUS_UNSPECIFIED) {
        return qt_fail_field(err, FIELD_INVALID, "status", "%d is no status", (int)status);
    }
    return QT_OK;
}

static qt_code check_values(const Qtaskdist__V1__Task *task, uint32_t fields, qt_err *err) {
    if (fields & QT_UPDATE_MAX_RETRIES) {
        QT_TRY(qt_validate_max_retries(task->max_retries, err));
    }
    if (fields & QT_UPDATE_SCHEDULED_FOR) {
        QT_TRY(qt_validate_time(task->scheduled_for, "scheduled_for", err));
    }
    if (fields & QT_UPDATE_PRIORITY) {
        QT_TRY(qt_validate_priority(task->priority, err));
    }
    if (fields & QT_UPDATE_META_DATA) {
        QT_TRY(qt_validate_meta(task->meta_data, task->n_meta_data, err));
    }
    if (fields & QT_UPDATE_STATUS) {
        QT_TRY(check_status(task->status, err));
    }
    return QT_OK;
}

/* A new payload needs the task's type, and its circuit's facts go into meta_data. */
static qt_code set_payload(qt_rpc_ctx *ctx, const Qtaskdist__V1__Task *task, const qt_row *now,
                           qt_task_op *op, qt_err *err) {
    qt_app *app = qt_handlers_app(ctx);
    qt_arena *arena = qt_rpc_arena(ctx);
    Qtaskdist__V1__TaskType type = (Qtaskdist__V1__TaskType)now->type;
    Qtaskdist__V1__Task__MetaDataEntry **meta = task->meta_data;
    size_t count = task->n_meta_data;
    if (!(op->update.fields & QT_UPDATE_META_DATA)) {
        meta = NULL;
        count = 0;
        QT_TRY(qt_meta_from_json(arena, now->meta_data, &meta, &count, err));
    }
    QT_TRY(qt_validate_payload(app->config, type, task->payload, err));
    QT_TRY(qt_handlers_store_payload(app, arena, type, task->payload, meta, count, 0,
                                     &op->update.values, err));
    op->update.fields |= QT_UPDATE_META_DATA;
    return QT_OK;
}

/* Values that depend on what is stored. */
static qt_code set_large(qt_rpc_ctx *ctx, const Qtaskdist__V1__Task *task, qt_task_op *op,
                         qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    qt_row now;
    QT_TRY(qt_reader_get(qt_handlers_app(ctx)->reader, &op->id, 1, arena, &now, err));
    if (now.state == QT_TASK_NONE) {
        return qt_fail(err, TASK_NOT_FOUND, "no task has this id");
    }
    if (op->update.fields & QT_UPDATE_PAYLOAD) {
        return set_payload(ctx, task, &now, op, err);
    }
    return qt_handlers_replace_meta(arena, now.meta_data, task->meta_data, task->n_meta_data,
                                    &op->update.values.meta_data, err);
}

static qt_code set_values(qt_rpc_ctx *ctx, const Qtaskdist__V1__Task *task, qt_task_op *op,
                          qt_err *err) {
    qt_row *values = &op->update.values;
    values->max_retries = task->max_retries;
    values->scheduled_us = qt_pb_time_us(task->scheduled_for);
    values->priority = task->priority != QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_UNSPECIFIED
                           ? (int32_t)task->priority
                           : (int32_t)QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_NORMAL;
    op->update.status = (qt_task_status)task->status;
    if (op->update.fields & (QT_UPDATE_PAYLOAD | QT_UPDATE_META_DATA)) {
        return set_large(ctx, task, op, err);
    }
    return QT_OK;
}

qt_code qt_handle_update(qt_rpc_ctx *ctx, const Qtaskdist__V1__UpdateTaskRequest *req,
                         Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_task_op *op = NULL;
    QT_TRY(new_op(ctx, QT_TASK_OP_UPDATE, req->task_id, &op, err));
    QT_TRY(read_mask(req, &op->update.fields, err));
    QT_TRY(check_values(req->task, op->update.fields, err));
    QT_TRY(set_values(ctx, req->task, op, err));
    op->bytes += op->update.values.spec.len + op->update.values.meta_data.len;
    return qt_handlers_commit_one(ctx, op, err);
}
