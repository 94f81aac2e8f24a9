#include "services/task-svc/handlers_impl.h"

#include "services/task-svc/validate.h"
#include "task/page_token.h"

#include <stdio.h>
#include <string.h>

enum {
    DEFAULT_PAGE = 50,
    MAX_PAGE = 1000,
    MAX_FILTER_VALUES = 32,
    DEFAULT_WAIT_S = 30,
    MAX_WAIT_S = 60,
    CHUNK_BYTES = 256 * 1024,
    MAX_WATCHED = 1000,
};

static qt_code no_task(const char *task_id, qt_err *err) {
    return qt_fail(err, TASK_NOT_FOUND, "no task %.36s", task_id);
}

static qt_code read_one(qt_rpc_ctx *ctx, const char *task_id, qt_row *ret_row, qt_err *err) {
    qt_uuid id;
    QT_TRY(qt_validate_id(task_id, "task_id", &id, err));
    QT_TRY(qt_reader_get(qt_handlers_app(ctx)->reader, &id, 1, qt_rpc_arena(ctx), ret_row, err));
    return ret_row->state == QT_TASK_NONE ? no_task(task_id, err) : QT_OK;
}

qt_code qt_handle_get(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetTaskRequest *req,
                      Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    qt_row row;
    QT_TRY(read_one(ctx, req->task_id, &row, err));
    return qt_task_from_row(qt_rpc_arena(ctx), &row, false, ret_resp, err);
}

/* The stored bytes are the message already. */
qt_code qt_handle_result(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetTaskResultRequest *req,
                         qt_err *err) {
    qt_row row;
    QT_TRY(read_one(ctx, req->task_id, &row, err));
    if (row.state != QT_TASK_COMPLETED) {
        return qt_fail(err, ILLEGAL_STATE_CHANGE, "the task is %s and has no result",
                       qt_task_status_name(qt_task_status_of((qt_task_state)row.state)));
    }
    for (size_t at = 0; at < row.result.len; at += CHUNK_BYTES) {
        size_t left = row.result.len - at;
        Qtaskdist__V1__GetTaskResultResponse part = QTASKDIST__V1__GET_TASK_RESULT_RESPONSE__INIT;
        part.chunk.data = (uint8_t *)(uintptr_t)(row.result.p + at);
        part.chunk.len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        QT_TRY(qt_rpc_stream_send(ctx, &part.base, err));
    }
    return QT_OK;
}

qt_code qt_handle_wait(qt_rpc_ctx *ctx, const Qtaskdist__V1__WaitTaskRequest *req,
                       Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)ret_resp;
    qt_uuid id;
    QT_TRY(qt_validate_id(req->task_id, "task_id", &id, err));
    if (req->timeout_seconds < 0 || req->timeout_seconds > MAX_WAIT_S) {
        return qt_fail_field(err, FIELD_INVALID, "timeout_seconds", "0 to %d", (int)MAX_WAIT_S);
    }
    int64_t seconds = req->timeout_seconds != 0 ? req->timeout_seconds : DEFAULT_WAIT_S;
    qt_rpc_defer(ctx);
    return qt_hub_wait(qt_handlers_app(ctx)->hub, ctx, &id, seconds * 1000, err);
}

/* ---- watching ---- */

static qt_code read_ids(qt_rpc_ctx *ctx, const Qtaskdist__V1__WatchTasksRequest *req,
                        qt_watch_filter *filter, qt_err *err) {
    void *memory = NULL;
    if (req->n_task_ids > MAX_WATCHED) {
        return qt_fail_field(err, FIELD_INVALID, "task_ids", "%zu ids, at most %d are allowed",
                             req->n_task_ids, (int)MAX_WATCHED);
    }
    QT_TRY(
        qt_arena_try_calloc(qt_rpc_arena(ctx), req->n_task_ids + 1, sizeof(qt_uuid), &memory, err));
    qt_uuid *ids = memory;
    for (size_t i = 0; i < req->n_task_ids; i++) {
        char path[64];
        snprintf(path, sizeof path, "task_ids[%zu]", i);
        QT_TRY(qt_validate_id(req->task_ids[i], path, &ids[i], err));
    }
    filter->ids = ids;
    filter->id_count = req->n_task_ids;
    return QT_OK;
}

qt_code qt_handle_watch(qt_rpc_ctx *ctx, const Qtaskdist__V1__WatchTasksRequest *req, qt_err *err) {
    qt_watch_filter filter = {.after_version = req->after_version};
    QT_TRY(read_ids(ctx, req, &filter, err));
    if (req->project[0] != '\0') {
        QT_TRY(qt_validate_project(req->project, err));
        filter.project = qt_span_of(req->project); /* the request lives as long as the call */
    }
    if (req->after_version < 0) {
        return qt_fail_field(err, FIELD_INVALID, "after_version", "is negative");
    }
    qt_rpc_defer(ctx);
    return qt_watch_add(qt_handlers_app(ctx)->watch, ctx, &filter, err);
}

/* ---- events ---- */

static qt_code event_message(qt_rpc_ctx *ctx, const char *task_id, const qt_task_event *event,
                             Qtaskdist__V1__TaskEvent **ret_event, qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    Qtaskdist__V1__TaskEvent *to = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__task_event__descriptor, &to, err));
    QT_TRY(qt_pb_time(arena, event->at_us, &to->time, err));
    to->task_id = (char *)(uintptr_t)task_id; /* the request lives as long as the call */
    to->version = event->version;
    to->from = (Qtaskdist__V1__TaskStatus)event->from;
    to->to = (Qtaskdist__V1__TaskStatus)event->to;
    to->attempt = event->attempt;
    char *reason =
        qt_arena_strndup(arena, event->reason.p != NULL ? event->reason.p : "", event->reason.len);
    if (reason == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no room for the events");
    }
    to->reason = reason;
    *ret_event = to;
    return QT_OK;
}

qt_code qt_handle_events(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListTaskEventsRequest *req,
                         Qtaskdist__V1__ListTaskEventsResponse **ret_resp, qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    qt_uuid id;
    qt_task_event *events = NULL;
    size_t count = 0;
    QT_TRY(qt_validate_id(req->task_id, "task_id", &id, err));
    QT_TRY(qt_reader_events(qt_handlers_app(ctx)->reader, &id, arena, &events, &count, err));
    if (count == 0) {
        return no_task(req->task_id, err); /* every task has an event of its creation */
    }
    Qtaskdist__V1__ListTaskEventsResponse *resp = NULL;
    void *list = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__list_task_events_response__descriptor, &resp,
                              err));
    QT_TRY(qt_arena_try_calloc(arena, count, sizeof *resp->events, &list, err));
    resp->events = list;
    for (size_t i = 0; i < count; i++) {
        QT_TRY(event_message(ctx, req->task_id, &events[i], &resp->events[i], err));
    }
    resp->n_events = count;
    *ret_resp = resp;
    return QT_OK;
}

/* ---- list ---- */

/* The filters of a list, with room for what the query points to. */
typedef struct filters {
    qt_list_query query;
    int32_t states[QT_TASK_STATE_COUNT];
    int32_t types[MAX_FILTER_VALUES];
    qt_span keys[QT_MAX_LABELS];
    qt_span values[QT_MAX_LABELS];
    qt_uuid before;
    uint64_t hash;
} filters;

static void add_to_hash(filters *f, const void *data, size_t len) {
    f->hash = qt_hash_bytes(f->hash, &len, sizeof len);
    f->hash = qt_hash_bytes(f->hash, data, len);
}

static bool wants_status(const Qtaskdist__V1__ListTasksRequest *req, qt_task_status status) {
    for (size_t i = 0; i < req->n_status; i++) {
        if ((int)req->status[i] == (int)status) {
            return true;
        }
    }
    return false;
}

static qt_code set_states(filters *f, const Qtaskdist__V1__ListTasksRequest *req, qt_err *err) {
    for (size_t i = 0; i < req->n_status; i++) {
        if (protobuf_c_enum_descriptor_get_value(&qtaskdist__v1__task_status__descriptor,
                                                 (int)req->status[i]) == NULL) {
            return qt_fail_field(err, FIELD_INVALID, "status", "%d is no status",
                                 (int)req->status[i]);
        }
    }
    if (req->n_status > 0 && !wants_status(req, QT_TASK_STATUS_NONE)) {
        for (int state = 1; state < QT_TASK_STATE_COUNT; state++) {
            if (wants_status(req, qt_task_status_of((qt_task_state)state))) {
                f->states[f->query.state_count++] = state;
            }
        }
    }
    f->query.states = f->states;
    add_to_hash(f, f->states, f->query.state_count * sizeof *f->states);
    return QT_OK;
}

static qt_code set_types(filters *f, const Qtaskdist__V1__ListTasksRequest *req, qt_err *err) {
    if (req->n_task_type > MAX_FILTER_VALUES) {
        return qt_fail_field(err, FIELD_INVALID, "task_type", "at most %d values",
                             (int)MAX_FILTER_VALUES);
    }
    for (size_t i = 0; i < req->n_task_type; i++) {
        int type = (int)req->task_type[i];
        if (type <= 0 || type >= QT_TASK_TYPES) {
            return qt_fail_field(err, FIELD_INVALID, "task_type", "%d is no task type", type);
        }
        f->types[f->query.type_count++] = type;
    }
    f->query.types = f->types;
    add_to_hash(f, f->types, f->query.type_count * sizeof *f->types);
    return QT_OK;
}

static qt_code set_labels(filters *f, const Qtaskdist__V1__ListTasksRequest *req, qt_err *err) {
    if (req->n_label > QT_MAX_LABELS) {
        return qt_fail_field(err, FIELD_INVALID, "label", "at most %d labels", (int)QT_MAX_LABELS);
    }
    for (size_t i = 0; i < req->n_label; i++) {
        const char *text = req->label[i];
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            return qt_fail_field(err, FIELD_INVALID, "label", "'%.60s' is not key=value", text);
        }
        f->keys[i] = (qt_span){text, (size_t)(equals - text)};
        f->values[i] = qt_span_of(equals + 1);
        add_to_hash(f, text, strlen(text));
    }
    f->query.label_keys = f->keys;
    f->query.label_values = f->values;
    f->query.label_count = req->n_label;
    return QT_OK;
}

static qt_code set_times(filters *f, const Qtaskdist__V1__ListTasksRequest *req, qt_err *err) {
    QT_TRY(qt_validate_time(req->created_after, "created_after", err));
    QT_TRY(qt_validate_time(req->created_before, "created_before", err));
    f->query.created_after_us = qt_pb_time_us(req->created_after);
    f->query.created_before_us = qt_pb_time_us(req->created_before);
    add_to_hash(f, &f->query.created_after_us, sizeof f->query.created_after_us);
    add_to_hash(f, &f->query.created_before_us, sizeof f->query.created_before_us);
    return QT_OK;
}

static qt_code set_page(filters *f, const Qtaskdist__V1__ListTasksRequest *req, qt_err *err) {
    if (req->page_size < 0 || req->page_size > MAX_PAGE) {
        return qt_fail_field(err, FIELD_INVALID, "page_size", "0 to %d", (int)MAX_PAGE);
    }
    f->query.limit = req->page_size != 0 ? (size_t)req->page_size : DEFAULT_PAGE;
    f->query.omit_large = req->omit_large_fields != 0;
    if (req->page_token[0] != '\0') {
        QT_TRY(qt_page_token_parse(req->page_token, f->hash, &f->before, err));
        f->query.before = &f->before;
    }
    return QT_OK;
}

static qt_code read_filters(qt_app *app, const Qtaskdist__V1__ListTasksRequest *req, filters *f,
                            qt_err *err) {
    *f = (filters){.hash = QT_HASH_START};
    QT_TRY(qt_validate_project(req->project, err));
    if (req->project[0] != '\0') {
        f->query.project = qt_span_of(req->project);
    }
    add_to_hash(f, req->project, strlen(req->project));
    QT_TRY(set_states(f, req, err));
    QT_TRY(set_types(f, req, err));
    QT_TRY(set_labels(f, req, err));
    QT_TRY(set_times(f, req, err));
    f->query.max_bytes = app->config->rpc_max_message_bytes / 2;
    return set_page(f, req, err);
}

static qt_code set_token(qt_arena *arena, const filters *f, const qt_row *last,
                         Qtaskdist__V1__ListTasksResponse *resp, qt_err *err) {
    void *token = NULL;
    QT_TRY(qt_arena_try_alloc(arena, QT_PAGE_TOKEN_BYTES, &token, err));
    qt_page_token_make(&last->id, f->hash, token);
    resp->next_page_token = token;
    return QT_OK;
}

qt_code qt_handle_list(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListTasksRequest *req,
                       Qtaskdist__V1__ListTasksResponse **ret_resp, qt_err *err) {
    qt_app *app = qt_handlers_app(ctx);
    qt_arena *arena = qt_rpc_arena(ctx);
    filters f;
    qt_row *rows = NULL;
    size_t count = 0;
    bool more = false;
    Qtaskdist__V1__ListTasksResponse *resp = NULL;
    void *list = NULL;
    QT_TRY(read_filters(app, req, &f, err));
    QT_TRY(qt_reader_list(app->reader, &f.query, arena, &rows, &count, &more, err));
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__list_tasks_response__descriptor, &resp, err));
    QT_TRY(qt_arena_try_calloc(arena, count, sizeof *resp->tasks, &list, err));
    resp->tasks = list;
    for (size_t i = 0; i < count; i++) {
        QT_TRY(qt_task_from_row(arena, &rows[i], f.query.omit_large, &resp->tasks[i], err));
    }
    resp->n_tasks = count;
    if (more && count > 0) {
        QT_TRY(set_token(arena, &f, &rows[count - 1], resp, err));
    }
    *ret_resp = resp;
    return QT_OK;
}
