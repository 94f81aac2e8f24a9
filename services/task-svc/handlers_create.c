#include "services/task-svc/handlers_impl.h"

#include "base/clock.h"
#include "base/diagnostics.h"
#include "rpc/status.h"
#include "services/task-svc/circuit_check.h"
#include "services/task-svc/validate.h"
#include "task/page_token.h"

#include <stdio.h>
#include <string.h>

enum { FACTS = 4, ROW_BYTES = 512, MAX_BATCH_ERRORS = 1000 };

typedef Qtaskdist__V1__Task__MetaDataEntry meta_entry;

/* ---- meta_data ---- */

static qt_code new_number(qt_arena *arena, const char *key, double value, meta_entry **ret_entry,
                          qt_err *err) {
    meta_entry *entry = NULL;
    QT_TRY(
        qt_rpc_message_new(arena, &qtaskdist__v1__task__meta_data_entry__descriptor, &entry, err));
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__scalar__descriptor, &entry->value, err));
    entry->key = (char *)(uintptr_t)key; /* static storage */
    entry->value->kind_case = QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE;
    entry->value->number_value = value;
    *ret_entry = entry;
    return QT_OK;
}

static bool is_fact(const char *key, meta_entry *const *facts) {
    for (size_t i = 0; i < FACTS; i++) {
        if (strcmp(key, facts[i]->key) == 0) {
            return true;
        }
    }
    return false;
}

/* The user's entries, then the facts; the service's word wins. */
static qt_code add_facts(qt_arena *arena, meta_entry *const *meta, size_t count,
                         meta_entry *const facts[FACTS], qt_span *ret_json, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(arena, count + FACTS, sizeof(meta_entry *), &memory, err));
    meta_entry **all = memory;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_fact(meta[i]->key, facts)) {
            all[n++] = meta[i];
        }
    }
    memcpy(all + n, facts, FACTS * sizeof *facts);
    return qt_meta_to_json(arena, all, n + FACTS, ret_json, err);
}

static const char *const fact_keys[FACTS] = {"num_qubits", "depth", "gate_count",
                                             "estimated_runtime"};

static qt_code merge_meta(qt_arena *arena, meta_entry *const *meta, size_t count,
                          const qt_circuit_facts *known, qt_span *ret_json, qt_err *err) {
    if (!known->is_known) {
        return qt_meta_to_json(arena, meta, count, ret_json, err);
    }
    const double values[FACTS] = {known->num_qubits, known->depth, (double)known->gate_count,
                                  known->estimated_runtime};
    meta_entry *facts[FACTS];
    for (size_t i = 0; i < FACTS; i++) {
        QT_TRY(new_number(arena, fact_keys[i], values[i], &facts[i], err));
    }
    return add_facts(arena, meta, count, facts, ret_json, err);
}

static meta_entry *find_entry(meta_entry *const *meta, size_t count, const char *key) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(meta[i]->key, key) == 0) {
            return meta[i];
        }
    }
    return NULL;
}

qt_code qt_handlers_replace_meta(qt_arena *arena, qt_span stored, meta_entry *const *meta,
                                 size_t count, qt_span *ret_json, qt_err *err) {
    meta_entry **old = NULL;
    size_t old_count = 0;
    meta_entry *facts[FACTS];
    QT_TRY(qt_meta_from_json(arena, stored, &old, &old_count, err));
    for (size_t i = 0; i < FACTS; i++) {
        facts[i] = find_entry(old, old_count, fact_keys[i]);
        if (facts[i] == NULL) {
            return qt_meta_to_json(arena, meta, count, ret_json, err); /* it was not measured */
        }
    }
    return add_facts(arena, meta, count, facts, ret_json, err);
}

qt_code qt_handlers_store_payload(qt_app *app, qt_arena *arena, Qtaskdist__V1__TaskType type,
                                  const Qtaskdist__V1__TaskPayload *payload,
                                  meta_entry *const *meta, size_t meta_count, size_t max_errors,
                                  qt_row *row, qt_err *err) {
    qt_circuit_facts facts;
    QT_TRY(qt_circuit_check(app->config, type, payload, max_errors, arena, &facts, err));
    QT_TRY(merge_meta(arena, meta, meta_count, &facts, &row->meta_data, err));
    return qt_pb_pack(arena, &payload->base, &row->spec, err);
}

/* ---- create ---- */

static qt_code hash_request(qt_arena *arena, const Qtaskdist__V1__CreateTaskRequest *req,
                            int64_t *ret_hash, qt_err *err) {
    qt_span bytes = {0};
    QT_TRY(qt_pb_pack(arena, &req->base, &bytes, err));
    *ret_hash = (int64_t)qt_hash_bytes(QT_HASH_START, bytes.p, bytes.len);
    return QT_OK;
}

static qt_code keep_trace(qt_arena *arena, const qt_trace_ctx *trace, qt_row *row, qt_err *err) {
    void *bytes = NULL;
    if (!qt_trace_is_set(trace)) {
        return QT_OK;
    }
    QT_TRY(qt_arena_try_alloc(arena, QT_TRACE_PACKED_BYTES, &bytes, err));
    qt_trace_pack(trace, bytes);
    row->trace = (qt_span){bytes, QT_TRACE_PACKED_BYTES};
    return QT_OK;
}

static void fill_row(const Qtaskdist__V1__CreateTaskRequest *req, qt_row *row) {
    row->id = qt_uuid7_make(qt_clock_system());
    row->project = qt_span_of(req->project[0] != '\0' ? req->project : "default");
    row->type = (int32_t)req->task_type;
    row->priority = req->priority != QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_UNSPECIFIED
                        ? (int32_t)req->priority
                        : (int32_t)QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_NORMAL;
    row->max_retries = req->max_retries_oneof_case != 0 ? req->max_retries : QT_DEFAULT_MAX_RETRIES;
    row->scheduled_us = qt_pb_time_us(req->scheduled_for);
}

/* Checks the request and makes the operation of it; everything in the arena. */
static qt_code make_create(qt_app *app, qt_arena *arena,
                           const Qtaskdist__V1__CreateTaskRequest *req, size_t max_errors,
                           qt_task_op *op, qt_err *err) {
    QT_TRY(qt_validate_create(app->config, req, err));
    qt_row *row = &op->create.row;
    fill_row(req, row);
    QT_TRY(qt_handlers_store_payload(app, arena, req->task_type, req->payload,
                                     (meta_entry *const *)req->meta_data, req->n_meta_data,
                                     max_errors, row, err));
    if (req->idempotency_key[0] != '\0') {
        op->create.idem_key = qt_span_of(req->idempotency_key);
        QT_TRY(hash_request(arena, req, &op->create.request_hash, err));
    }
    op->kind = QT_TASK_OP_CREATE;
    op->id = row->id;
    op->create.enqueue = req->enqueue != 0;
    op->bytes = ROW_BYTES + row->spec.len + row->meta_data.len;
    return QT_OK;
}

qt_code qt_handle_create(qt_rpc_ctx *ctx, const Qtaskdist__V1__CreateTaskRequest *req,
                         Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)ret_resp;
    void *op = NULL;
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(qt_task_op), &op, err));
    qt_task_op *create = op;
    QT_TRY(make_create(qt_handlers_app(ctx), qt_rpc_arena(ctx), req, 0, create, err));
    QT_TRY(keep_trace(qt_rpc_arena(ctx), qt_rpc_trace(ctx), &create->create.row, err));
    return qt_handlers_commit_one(ctx, op, err);
}

/* ---- batch ---- */

static qt_code fill_result(qt_op_group *group, size_t i, Qtaskdist__V1__BatchCreateTasksResult *to,
                           qt_err *err) {
    qt_arena *arena = qt_rpc_arena(group->ctx);
    qt_task_op *op = &group->ops[i];
    if (op->code == QT_OK) {
        void *id = NULL;
        QT_TRY(qt_arena_try_alloc(arena, QT_UUID_TEXT_BYTES, &id, err));
        qt_uuid_format(&op->id, id);
        to->task_id = id;
        return QT_OK;
    }
    char prefix[32];
    snprintf(prefix, sizeof prefix, "tasks[%zu].", i);
    qt_err_prefix_field(&op->err, prefix);
    to->error = qt_rpc_err_to_status(&op->err, qt_rpc_request_id(group->ctx), arena);
    return to->error != NULL ? QT_OK : qt_fail(err, MEMORY_LIMIT, "no room for the answer");
}

static qt_code fill_batch(qt_op_group *group, Qtaskdist__V1__BatchCreateTasksResponse *resp,
                          qt_err *err) {
    qt_arena *arena = qt_rpc_arena(group->ctx);
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(arena, group->count, sizeof *resp->results, &memory, err));
    resp->results = memory;
    for (size_t i = 0; i < group->count; i++) {
        QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__batch_create_tasks_result__descriptor,
                                  &resp->results[i], err));
        QT_TRY(fill_result(group, i, resp->results[i], err));
        resp->created_count += group->ops[i].code == QT_OK;
    }
    resp->n_results = group->count;
    return QT_OK;
}

static void answer_batch(qt_op_group *group) {
    Qtaskdist__V1__BatchCreateTasksResponse *resp = group->resp;
    qt_err err;
    if (fill_batch(group, resp, &err) != QT_OK) {
        qt_rpc_fail(group->ctx, &err);
    } else {
        qt_rpc_reply(group->ctx, &resp->base);
    }
}

static qt_code check_batch(const qt_app *app, const Qtaskdist__V1__BatchCreateTasksRequest *req,
                           qt_err *err) {
    if (req->n_tasks == 0) {
        return qt_fail_field(err, FIELD_REQUIRED, "tasks", "the batch has no tasks");
    }
    if (req->n_tasks > (size_t)app->config->max_batch_tasks) {
        return qt_fail_field(err, FIELD_INVALID, "tasks", "%zu tasks, at most %lld are allowed",
                             req->n_tasks, (long long)app->config->max_batch_tasks);
    }
    return QT_OK;
}

/* Each task of a batch has a trace of its own, which goes back to the request's by a link: one
 * trace with thousands of tasks is of no use. Each is sampled for itself. */
static qt_code make_batch_item(qt_rpc_ctx *ctx, const Qtaskdist__V1__CreateTaskRequest *req,
                               size_t max_errors, qt_task_op *op, qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    qt_trace_ctx trace = *qt_rpc_trace(ctx);
    qt_trace_span *span = NULL;
    if (qt_trace_enabled()) {
        trace = qt_trace_begin("create task", QT_TRACE_INTERNAL, NULL, &span);
        qt_trace_link(span, qt_rpc_trace(ctx));
    }
    qt_code code = make_create(qt_handlers_app(ctx), arena, req, max_errors, op, err);
    qt_trace_end(span, code != QT_OK ? err : NULL);
    QT_TRY(code);
    return keep_trace(arena, &trace, &op->create.row, err);
}

qt_code qt_handle_batch_create(qt_rpc_ctx *ctx, const Qtaskdist__V1__BatchCreateTasksRequest *req,
                               Qtaskdist__V1__BatchCreateTasksResponse **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_app *app = qt_handlers_app(ctx);
    qt_op_group *group = NULL;
    Qtaskdist__V1__BatchCreateTasksResponse *resp = NULL;
    QT_TRY(check_batch(app, req, err));
    QT_TRY(qt_handlers_group_new(ctx, req->n_tasks, &group, err));
    QT_TRY(qt_rpc_message_new(qt_rpc_arena(ctx),
                              &qtaskdist__v1__batch_create_tasks_response__descriptor, &resp, err));
    /* The answer to a batch of broken programs stays small. */
    size_t max_errors = MAX_BATCH_ERRORS / req->n_tasks;
    max_errors = max_errors > 0 ? max_errors : 1;
    max_errors = max_errors < QT_MAX_DIAGNOSTICS ? max_errors : QT_MAX_DIAGNOSTICS;
    for (size_t i = 0; i < req->n_tasks; i++) {
        qt_task_op *op = &group->ops[i];
        op->code = make_batch_item(ctx, req->tasks[i], max_errors, op, &op->err);
    }
    group->resp = resp;
    group->answer = answer_batch;
    qt_handlers_group_commit(group);
    return QT_OK;
}
