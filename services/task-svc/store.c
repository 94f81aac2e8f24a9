#include "services/task-svc/store.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "services/task-svc/store_sql.h"

#include <stdlib.h>

/* Plans are made once and never from the statistics of an empty table. */
static const char writer_options[] = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
                                     " -c jit=off -c idle_in_transaction_session_timeout=60000";

qt_pq *qt_store_writer_new(const char *url, int64_t connect_timeout_ms,
                           int64_t command_timeout_ms) {
    const qt_pq_options options = {.url = url,
                                   .application_name = "task-svc writer",
                                   .server_options = writer_options,
                                   .connect_timeout_ms = connect_timeout_ms,
                                   .command_timeout_ms = command_timeout_ms,
                                   .statements = qt_sql_texts(),
                                   .statement_count = QT_SQL_COUNT_};
    return qt_pq_new(&options);
}

/* One statement of array parameters. */
typedef struct sheet {
    qt_pq_column columns[QT_DONE_COLUMNS];
    size_t count;
    qt_pq_params params;
} sheet;

static void sheet_done(sheet *s) {
    for (size_t i = 0; i < s->count; i++) {
        qt_pq_column_done(&s->columns[i]);
    }
    qt_pq_params_done(&s->params);
}

static qt_pq_column *sheet_add(sheet *s, Oid type) {
    s->columns[s->count] = (qt_pq_column){.type = type};
    return &s->columns[s->count++];
}

static qt_code sheet_send(sheet *s, qt_pq *pq, size_t statement, size_t *sent, qt_err *err) {
    for (size_t i = 0; i < s->count; i++) {
        qt_pq_param_column(&s->params, &s->columns[i]);
    }
    QT_TRY(qt_pq_pipe_send(pq, statement, &s->params, err));
    (*sent)++;
    return QT_OK;
}

static void clear_all(PGresult **results, size_t count) {
    for (size_t i = 0; i < count; i++) {
        PQclear(results[i]);
    }
}

static qt_code finish_pipe(qt_pq *pq, size_t sent, qt_err *err) {
    PGresult *results[QT_SQL_COUNT_] = {0};
    QT_TRY(qt_pq_pipe_finish(pq, results, sent, err));
    clear_all(results, sent);
    return QT_OK;
}

/* A pipeline that could not be filled is of no use any more. */
static qt_code give_up(qt_pq *pq, qt_code code) {
    qt_pq_drop(pq);
    return code;
}

/* The first statement of the first pipeline of a transaction. */
static qt_code send_begin(qt_pq *pq, bool opens, size_t *sent, qt_err *err) {
    if (opens) {
        QT_TRY(qt_pq_pipe_send(pq, QT_SQL_BEGIN, NULL, err));
        (*sent)++;
    }
    return QT_OK;
}

void qt_store_rollback(qt_pq *pq) {
    qt_err err;
    if (qt_pq_is_connected(pq) && qt_pq_exec(pq, "ROLLBACK", &err) != QT_OK) {
        qt_pq_drop(pq);
    }
}

/* ---- idempotency keys ---- */

static void add_keys(sheet *s, const qt_idem *items, size_t count) {
    qt_pq_column *project = sheet_add(s, QT_PQ_TEXT);
    qt_pq_column *key = sheet_add(s, QT_PQ_TEXT);
    for (size_t i = 0; i < count; i++) {
        qt_pq_column_span(project, items[i].project);
        qt_pq_column_span(key, items[i].key);
    }
}

static qt_code send_idem(qt_pq *pq, const qt_idem *items, size_t count, int64_t keep_hours,
                         size_t *sent, qt_err *err) {
    QT_CLEANUP(sheet_done) sheet keys = {0};
    QT_CLEANUP(sheet_done) sheet put = {0};
    QT_CLEANUP(sheet_done) sheet again = {0};
    add_keys(&keys, items, count);
    add_keys(&put, items, count);
    add_keys(&again, items, count);
    qt_pq_column *id = sheet_add(&put, QT_PQ_UUID);
    qt_pq_column *hash = sheet_add(&put, QT_PQ_INT8);
    for (size_t i = 0; i < count; i++) {
        qt_pq_column_uuid(id, items[i].id.bytes);
        qt_pq_column_int8(hash, items[i].request_hash);
    }
    QT_TRY(sheet_send(&keys, pq, QT_SQL_IDEM_EXPIRE, sent, err));
    for (size_t i = 0; i < put.count; i++) {
        qt_pq_param_column(&put.params, &put.columns[i]);
    }
    qt_pq_param_int8(&put.params, keep_hours);
    QT_TRY(qt_pq_pipe_send(pq, QT_SQL_IDEM_PUT, &put.params, err));
    (*sent)++;
    return sheet_send(&again, pq, QT_SQL_IDEM_GET, sent, err);
}

qt_code qt_store_idem(qt_pq *pq, bool opens, qt_idem *items, size_t count, int64_t keep_hours,
                      qt_err *err) {
    PGresult *results[4] = {0};
    size_t sent = 0;
    QT_TRY(qt_pq_pipe_begin(pq, err));
    qt_code code = send_begin(pq, opens, &sent, err);
    if (code == QT_OK) {
        code = send_idem(pq, items, count, keep_hours, &sent, err);
    }
    if (code != QT_OK) {
        return give_up(pq, code);
    }
    QT_TRY(qt_pq_pipe_finish(pq, results, sent, err));
    const PGresult *rows = results[sent - 1];
    for (int r = 0; r < PQntuples(rows); r++) {
        size_t n = (size_t)qt_pq_get_int(rows, r, 0) - 1;
        if (n < count) {
            qt_pq_get_uuid(rows, r, 1, items[n].id.bytes);
            items[n].request_hash = qt_pq_get_int(rows, r, 2);
        }
    }
    clear_all(results, sent);
    return QT_OK;
}

/* ---- load ---- */

static qt_code read_entries(const PGresult *rows, qt_entry *const *entries, size_t count,
                            size_t columns, qt_arena *arena, qt_err *err) {
    for (int r = 0; r < PQntuples(rows); r++) {
        size_t n = (size_t)qt_pq_get_int(rows, r, 0) - 1;
        if (n >= count) {
            continue;
        }
        qt_row row;
        qt_row_read(rows, r, 1, columns, &row);
        QT_TRY(qt_row_keep(arena, &row, err));
        entries[n]->row = row;
        entries[n]->stored = (qt_task_state)row.state;
    }
    return QT_OK;
}

/* Which tasks, and how much of them. */
typedef struct load_list {
    qt_entry *const *entries;
    size_t count;
} load_list;

static qt_code send_load(qt_pq *pq, size_t statement, const load_list *list, size_t *sent,
                         qt_err *err) {
    QT_CLEANUP(sheet_done) sheet s = {0};
    qt_pq_column *id = sheet_add(&s, QT_PQ_UUID);
    qt_pq_column *want = sheet_add(&s, QT_PQ_INT4);
    for (size_t i = 0; i < list->count; i++) {
        qt_pq_column_uuid(id, list->entries[i]->row.id.bytes);
        qt_pq_column_int4(want, list->entries[i]->want);
    }
    qt_pq_param_column(&s.params, id);
    qt_pq_param_column(&s.params, want);
    QT_TRY(qt_pq_pipe_send(pq, statement, &s.params, err));
    (*sent)++;
    return QT_OK;
}

static qt_code load_active(qt_pq *pq, bool opens, const load_list *list, qt_arena *arena,
                           int64_t *ret_fence, qt_err *err) {
    PGresult *results[3] = {0};
    size_t sent = 0;
    QT_TRY(qt_pq_pipe_begin(pq, err));
    qt_code code = send_begin(pq, opens, &sent, err);
    if (code == QT_OK) {
        code = send_load(pq, QT_SQL_LOAD_ACTIVE, list, &sent, err);
    }
    if (code == QT_OK && ret_fence != NULL) {
        code = qt_pq_pipe_send(pq, QT_SQL_FENCES, NULL, err); /* behind the locks */
        sent++;
    }
    if (code != QT_OK) {
        return give_up(pq, code);
    }
    QT_TRY(qt_pq_pipe_finish(pq, results, sent, err));
    code = read_entries(results[opens ? 1 : 0], list->entries, list->count, QT_ACTIVE_COLUMNS,
                        arena, err);
    if (ret_fence != NULL && code == QT_OK) {
        *ret_fence = qt_pq_get_int(results[sent - 1], 0, 0);
    }
    clear_all(results, sent);
    return code;
}

/* Those of the list that are not active may be done. */
static qt_code select_missing(const load_list *list, qt_arena *arena, load_list *ret_missing,
                              qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_alloc(arena, list->count * sizeof(qt_entry *), &memory, err));
    qt_entry **entries = memory;
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->entries[i]->row.state == QT_TASK_NONE) {
            entries[count++] = list->entries[i];
        }
    }
    *ret_missing = (load_list){entries, count};
    return QT_OK;
}

static qt_code load_done(qt_pq *pq, const load_list *list, qt_arena *arena, qt_err *err) {
    load_list missing;
    PGresult *result = NULL;
    size_t sent = 0;
    QT_TRY(select_missing(list, arena, &missing, err));
    if (missing.count == 0) {
        return QT_OK;
    }
    QT_TRY(qt_pq_pipe_begin(pq, err));
    qt_code code = send_load(pq, QT_SQL_LOAD_DONE, &missing, &sent, err);
    if (code != QT_OK) {
        return give_up(pq, code);
    }
    QT_TRY(qt_pq_pipe_finish(pq, &result, sent, err));
    code = read_entries(result, missing.entries, missing.count, QT_DONE_COLUMNS, arena, err);
    PQclear(result);
    return code;
}

qt_code qt_store_load(qt_pq *pq, bool opens, qt_entry *const *entries, size_t count,
                      qt_arena *arena, int64_t *ret_fence, qt_err *err) {
    const load_list list = {entries, count};
    QT_TRY(load_active(pq, opens, &list, arena, ret_fence, err));
    return load_done(pq, &list, arena, err);
}

/* ---- save ---- */

static bool is_final(const qt_entry *e) {
    return qt_task_is_final((qt_task_state)e->row.state);
}

static bool is_inserted(const qt_entry *e) {
    return e->stored == QT_TASK_NONE && e->row.state != QT_TASK_NONE;
}

static bool is_reopened(const qt_entry *e) {
    return qt_task_is_final(e->stored) && e->row.state != QT_TASK_NONE;
}

static bool is_large_changed(const qt_entry *e) {
    return e->is_large_changed && e->stored != QT_TASK_NONE && e->row.state != QT_TASK_NONE;
}

static bool is_updated(const qt_entry *e) {
    return !is_inserted(e) && !is_reopened(e) && e->row.state != QT_TASK_NONE && !is_final(e);
}

static bool is_finished(const qt_entry *e) {
    return is_final(e);
}

static bool is_deleted_active(const qt_entry *e) {
    return e->row.state == QT_TASK_NONE && e->stored != QT_TASK_NONE &&
           !qt_task_is_final(e->stored);
}

static bool is_deleted_done(const qt_entry *e) {
    return e->row.state == QT_TASK_NONE && qt_task_is_final(e->stored);
}

static bool is_deleted(const qt_entry *e) {
    return e->row.state == QT_TASK_NONE && e->stored != QT_TASK_NONE;
}

/* In this order: a task may be inserted and finished by one batch. */
static const struct {
    int statement;
    bool (*applies)(const qt_entry *entry);
} steps[] = {
    {QT_SQL_INSERT, is_inserted},
    {QT_SQL_TO_ACTIVE, is_reopened},
    {QT_SQL_UPDATE_LARGE, is_large_changed},
    {QT_SQL_UPDATE, is_updated},
    {QT_SQL_TO_DONE, is_finished},
    {QT_SQL_DELETE_ACTIVE, is_deleted_active},
    {QT_SQL_DELETE_DONE, is_deleted_done},
    {QT_SQL_DELETE_EVENTS, is_deleted},
};

static qt_code send_step(qt_pq *pq, size_t step, const qt_save *save, size_t *sent, qt_err *err) {
    QT_CLEANUP(sheet_done) sheet s = {0};
    int statement = steps[step].statement;
    const qt_column *used[QT_DONE_COLUMNS];
    size_t rows = 0;
    for (size_t i = 0; i < QT_DONE_COLUMNS; i++) {
        if (qt_sql_has_column(statement, &qt_columns[i])) {
            used[s.count] = &qt_columns[i];
            s.columns[s.count++] = qt_column_array(&qt_columns[i]);
        }
    }
    for (size_t e = 0; e < save->entry_count; e++) {
        const qt_entry *entry = save->entries[e];
        if (!entry->is_changed || !steps[step].applies(entry)) {
            continue;
        }
        rows++;
        for (size_t i = 0; i < s.count; i++) {
            qt_column_put(used[i], &entry->row, &s.columns[i]);
        }
    }
    return rows > 0 ? sheet_send(&s, pq, (size_t)statement, sent, err) : QT_OK;
}

static qt_code send_events(qt_pq *pq, const qt_save *save, size_t *sent, qt_err *err) {
    QT_CLEANUP(sheet_done) sheet s = {0};
    if (save->event_count == 0) {
        return QT_OK;
    }
    qt_pq_column *id = sheet_add(&s, QT_PQ_UUID);
    qt_pq_column *version = sheet_add(&s, QT_PQ_INT8);
    qt_pq_column *at = sheet_add(&s, QT_PQ_TIMESTAMPTZ);
    qt_pq_column *from = sheet_add(&s, QT_PQ_INT2);
    qt_pq_column *to = sheet_add(&s, QT_PQ_INT2);
    qt_pq_column *reason = sheet_add(&s, QT_PQ_TEXT);
    qt_pq_column *attempt = sheet_add(&s, QT_PQ_INT4);
    qt_pq_column *project = sheet_add(&s, QT_PQ_TEXT);
    for (size_t i = 0; i < save->event_count; i++) {
        const qt_task_event *event = &save->events[i];
        qt_pq_column_uuid(id, event->id.bytes);
        qt_pq_column_int8(version, event->version);
        qt_pq_column_time(at, event->at_us);
        qt_pq_column_int2(from, (int32_t)event->from);
        qt_pq_column_int2(to, (int32_t)event->to);
        qt_pq_column_span(reason, event->reason);
        qt_pq_column_int4(attempt, event->attempt);
        qt_pq_column_span(project, event->project);
    }
    return sheet_send(&s, pq, QT_SQL_EVENTS, sent, err);
}

static qt_code send_leases(qt_pq *pq, const qt_save *save, size_t *sent, qt_err *err) {
    QT_CLEANUP(sheet_done) sheet s = {0};
    if (save->lease_count == 0) {
        return QT_OK;
    }
    qt_pq_column *key = sheet_add(&s, QT_PQ_INT8);
    qt_pq_column *name = sheet_add(&s, QT_PQ_TEXT);
    for (size_t i = 0; i < save->lease_count; i++) {
        qt_pq_column_int8(key, save->leases[i].key);
        qt_pq_column_span(name, save->leases[i].name);
    }
    qt_pq_param_column(&s.params, key);
    qt_pq_param_column(&s.params, name);
    qt_pq_param_int8(&s.params, save->lease_ms);
    QT_TRY(qt_pq_pipe_send(pq, QT_SQL_LEASES, &s.params, err));
    (*sent)++;
    return QT_OK;
}

static qt_code send_save(qt_pq *pq, bool opens, const qt_save *save, size_t *sent, qt_err *err) {
    QT_TRY(send_begin(pq, opens, sent, err));
    for (size_t i = 0; i < QT_ARRAY_LEN(steps); i++) {
        QT_TRY(send_step(pq, i, save, sent, err));
    }
    QT_TRY(send_events(pq, save, sent, err));
    QT_TRY(send_leases(pq, save, sent, err));
    QT_TRY(qt_pq_pipe_send(pq, QT_SQL_COMMIT, NULL, err));
    (*sent)++;
    return QT_OK;
}

qt_code qt_store_save(qt_pq *pq, bool opens, const qt_save *save, qt_err *err) {
    size_t sent = 0;
    QT_TRY(qt_pq_pipe_begin(pq, err));
    qt_code code = send_save(pq, opens, save, &sent, err);
    if (code != QT_OK) {
        return give_up(pq, code);
    }
    return finish_pipe(pq, sent, err);
}
