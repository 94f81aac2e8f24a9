#include "services/task-svc/reader.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "services/task-svc/list_sql.h"
#include "services/task-svc/pq_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GET, FINAL, EVENTS, LEASE, HELD, ORPHANS, CHANGES, HORIZON, PROJECT_KEY, STATEMENTS };

struct qt_reader {
    qt_pq_pool pool;
    char server_options[160];
    const char *statements[STATEMENTS];
    char *get_sql;
};

/* ---- connections ---- */

static char *make_get_sql(void) {
    qt_buf sql = {0};
    const char *const tables[] = {"task_active", "task_done"};
    for (size_t t = 0; t < QT_ARRAY_LEN(tables); t++) {
        qt_buf_add_str(&sql, t > 0 ? " UNION ALL SELECT u.n" : "SELECT u.n");
        qt_list_sql_columns(&sql, t == 0, false);
        qt_buf_printf(&sql,
                      " FROM unnest($1::uuid[]) WITH ORDINALITY u(id, n)"
                      " JOIN %s a ON a.id = u.id",
                      tables[t]);
    }
    return qt_buf_take(&sql, NULL);
}

qt_reader *qt_reader_new(const qt_reader_options *options) {
    qt_reader *reader = qt_xcalloc(1, sizeof *reader);
    reader->get_sql = make_get_sql();
    reader->statements[GET] = reader->get_sql;
    reader->statements[FINAL] = "SELECT u.n FROM unnest($1::uuid[]) WITH ORDINALITY u(id, n)"
                                " WHERE NOT EXISTS (SELECT 1 FROM task_active a WHERE a.id = u.id)";
    reader->statements[EVENTS] = "SELECT version, at, from_status, to_status, reason, attempt"
                                 " FROM task_event WHERE task_id = $1::uuid ORDER BY version";
    reader->statements[LEASE] =
        "INSERT INTO worker (key, name, lease_until, held)"
        " VALUES ($1::bigint, $2::text, clock_timestamp() + $3::bigint * interval '1 ms',"
        " $4::integer) ON CONFLICT (key) DO UPDATE"
        " SET lease_until = excluded.lease_until, held = excluded.held";
    reader->statements[HELD] =
        "SELECT u.n, a.state, a.attempt, a.fence, a.progress"
        " FROM unnest($1::uuid[]) WITH ORDINALITY u(id, n) JOIN task_active a ON a.id = u.id";
    reader->statements[ORPHANS] =
        "SELECT id, fence FROM task_active WHERE worker_key = $1::bigint AND state IN (6, 7)"
        " AND started_at < clock_timestamp() - $2::bigint * interval '1 ms'"
        " AND id <> ALL ($3::uuid[])";
    reader->statements[CHANGES] =
        "SELECT xact, task_id, version, at, from_status, to_status, attempt,"
        " hashtextextended(project, 0), reason FROM task_event"
        " WHERE xact >= $1::bigint AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        " AND (xact, task_id, version) > ($1::bigint, $2::uuid, $3::bigint)"
        " ORDER BY xact, task_id, version LIMIT $4::bigint";
    reader->statements[HORIZON] = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
    reader->statements[PROJECT_KEY] = "SELECT hashtextextended($1::text, 0)";
    snprintf(reader->server_options, sizeof reader->server_options,
             "-c jit=off -c enable_seqscan=off -c synchronous_commit=off"
             " -c statement_timeout=%lld",
             (long long)options->read_timeout_ms);
    const qt_pq_options pool = {.url = options->url,
                                .application_name = "task-svc reader",
                                .server_options = reader->server_options,
                                .connect_timeout_ms = options->connect_timeout_ms,
                                .command_timeout_ms = options->read_timeout_ms + 5000,
                                .statements = reader->statements,
                                .statement_count = STATEMENTS};
    qt_pq_pool_init(&reader->pool, &pool);
    return reader;
}

void qt_reader_free(qt_reader *reader) {
    if (reader == NULL) {
        return;
    }
    qt_pq_pool_done(&reader->pool);
    free(reader->get_sql);
    free(reader);
}

void qt_reader_connections(qt_reader *reader, size_t *ret_count, size_t *ret_busy) {
    qt_pq_pool_connections(&reader->pool, ret_count, ret_busy);
}

qt_code qt_reader_ping(qt_reader *reader, qt_err *err) {
    qt_pq_spare *s = qt_pq_pool_take(&reader->pool);
    qt_code code = qt_pq_exec(s->pq, "SELECT 1", err);
    if (code != QT_OK) {
        code = qt_pq_exec(s->pq, "SELECT 1", err);
    }
    qt_pq_pool_give(&reader->pool, s);
    return code;
}

/* ---- tasks ---- */

static void id_column(const qt_uuid *ids, size_t count, qt_pq_column *column) {
    column->type = QT_PQ_UUID;
    for (size_t i = 0; i < count; i++) {
        qt_pq_column_uuid(column, ids[i].bytes);
    }
}

qt_code qt_reader_get(qt_reader *reader, const qt_uuid *ids, size_t count, qt_arena *arena,
                      qt_row *rows, qt_err *err) {
    QT_CLEANUP(qt_pq_column_done) qt_pq_column column = {0};
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *result = NULL;
    id_column(ids, count, &column);
    qt_pq_param_column(&params, &column);
    QT_TRY(qt_pq_pool_run(&reader->pool, GET, &params, &result, err));
    for (size_t i = 0; i < count; i++) {
        rows[i] = (qt_row){.id = ids[i]};
    }
    for (int r = 0; r < PQntuples(result); r++) {
        size_t n = (size_t)qt_pq_get_int(result, r, 0) - 1;
        if (n < count) {
            qt_row_read(result, r, 1, QT_DONE_COLUMNS, &rows[n]);
            QT_TRY(qt_row_keep(arena, &rows[n], err));
        }
    }
    return QT_OK;
}

qt_code qt_reader_are_final(qt_reader *reader, const qt_uuid *ids, size_t count, bool *ret_final,
                            qt_err *err) {
    QT_CLEANUP(qt_pq_column_done) qt_pq_column column = {0};
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *result = NULL;
    id_column(ids, count, &column);
    qt_pq_param_column(&params, &column);
    QT_TRY(qt_pq_pool_run(&reader->pool, FINAL, &params, &result, err));
    for (size_t i = 0; i < count; i++) {
        ret_final[i] = false;
    }
    for (int r = 0; r < PQntuples(result); r++) {
        size_t n = (size_t)qt_pq_get_int(result, r, 0) - 1;
        if (n < count) {
            ret_final[n] = true;
        }
    }
    return QT_OK;
}

qt_code qt_reader_list(qt_reader *reader, const qt_list_query *query, qt_arena *arena,
                       qt_row **ret_rows, size_t *ret_count, bool *ret_more, qt_err *err) {
    QT_CLEANUP(qt_list_sql_done) qt_list_sql list = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *result = NULL;
    void *memory = NULL;
    QT_TRY(qt_list_sql_make(&list, query, err));
    qt_pq_spare *s = qt_pq_pool_take(&reader->pool);
    qt_code code = qt_pq_run_sql(s->pq, qt_buf_str(&list.sql), &list.params, &result, err);
    qt_pq_pool_give(&reader->pool, s);
    QT_TRY(code);
    size_t count = (size_t)PQntuples(result);
    size_t found = count > 0 ? (size_t)qt_pq_get_int(result, 0, 0) : 0;
    count = count < query->limit ? count : query->limit;
    QT_TRY(qt_arena_try_calloc(arena, count + 1, sizeof(qt_row), &memory, err));
    qt_row *rows = memory;
    for (size_t i = 0; i < count; i++) {
        qt_row_read(result, (int)i, 1, QT_DONE_COLUMNS, &rows[i]);
        QT_TRY(qt_row_keep(arena, &rows[i], err));
    }
    *ret_rows = rows;
    *ret_count = count;
    *ret_more = found > count;
    return QT_OK;
}

qt_code qt_reader_events(qt_reader *reader, const qt_uuid *id, qt_arena *arena,
                         qt_task_event **ret_events, size_t *ret_count, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *result = NULL;
    void *memory = NULL;
    qt_pq_param_uuid(&params, id->bytes);
    QT_TRY(qt_pq_pool_run(&reader->pool, EVENTS, &params, &result, err));
    size_t count = (size_t)PQntuples(result);
    QT_TRY(qt_arena_try_calloc(arena, count + 1, sizeof(qt_task_event), &memory, err));
    qt_task_event *events = memory;
    for (size_t i = 0; i < count; i++) {
        int r = (int)i;
        qt_span reason = qt_pq_get_span(result, r, 4);
        events[i] = (qt_task_event){.id = *id,
                                    .version = qt_pq_get_int(result, r, 0),
                                    .at_us = qt_pq_get_time(result, r, 1),
                                    .from = (qt_task_status)qt_pq_get_int(result, r, 2),
                                    .to = (qt_task_status)qt_pq_get_int(result, r, 3),
                                    .attempt = (int32_t)qt_pq_get_int(result, r, 5)};
        events[i].reason = (qt_span){qt_arena_strndup(arena, reason.p, reason.len), reason.len};
        if (events[i].reason.p == NULL) {
            return qt_fail(err, MEMORY_LIMIT, "no room for the events");
        }
    }
    *ret_events = events;
    *ret_count = count;
    return QT_OK;
}

/* ---- changes ---- */

static qt_change *change_of(const PGresult *rows, int r) {
    qt_span reason = qt_pq_get_span(rows, r, 8);
    qt_change *change = malloc(sizeof *change + reason.len + 1);
    if (change == NULL) {
        return NULL;
    }
    *change = (qt_change){
        .key = {.xact = qt_pq_get_int(rows, r, 0), .version = qt_pq_get_int(rows, r, 2)},
        .at_us = qt_pq_get_time(rows, r, 3),
        .from = (qt_task_status)qt_pq_get_int(rows, r, 4),
        .to = (qt_task_status)qt_pq_get_int(rows, r, 5),
        .attempt = (int32_t)qt_pq_get_int(rows, r, 6),
        .project_key = qt_pq_get_int(rows, r, 7)};
    qt_pq_get_uuid(rows, r, 1, change->key.id.bytes);
    memcpy(change->reason, reason.p, reason.len);
    change->reason[reason.len] = '\0';
    return change;
}

qt_code qt_reader_changes(qt_reader *reader, const qt_change_key *behind, qt_change **ret_changes,
                          size_t limit, size_t *ret_count, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *result = NULL;
    qt_pq_param_int8(&params, behind->xact);
    qt_pq_param_uuid(&params, behind->id.bytes);
    qt_pq_param_int8(&params, behind->version);
    qt_pq_param_int8(&params, (int64_t)limit);
    QT_TRY(qt_pq_pool_run(&reader->pool, CHANGES, &params, &result, err));
    for (int r = 0; r < PQntuples(result); r++) {
        ret_changes[r] = change_of(result, r);
        if (ret_changes[r] == NULL) {
            while (r > 0) {
                free(ret_changes[--r]);
            }
            return qt_fail(err, OUT_OF_MEMORY, "no room for changes");
        }
    }
    *ret_count = (size_t)PQntuples(result);
    return QT_OK;
}

static qt_code read_number(qt_reader *reader, size_t statement, const qt_pq_params *params,
                           int64_t *ret_number, qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *result = NULL;
    QT_TRY(qt_pq_pool_run(&reader->pool, statement, params, &result, err));
    *ret_number = qt_pq_get_int(result, 0, 0);
    return QT_OK;
}

qt_code qt_reader_horizon(qt_reader *reader, int64_t *ret_xact, qt_err *err) {
    return read_number(reader, HORIZON, NULL, ret_xact, err);
}

qt_code qt_reader_project_key(qt_reader *reader, qt_span project, int64_t *ret_key, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    qt_pq_param_span(&params, project);
    return read_number(reader, PROJECT_KEY, &params, ret_key, err);
}

/* ---- heartbeats ---- */

static qt_code send_heartbeat(qt_pq *pq, const qt_heartbeat *hb, qt_err *err) {
    QT_CLEANUP(qt_pq_column_done) qt_pq_column ids = {.type = QT_PQ_UUID};
    QT_CLEANUP(qt_pq_column_done) qt_pq_column same = {.type = QT_PQ_UUID};
    QT_CLEANUP(qt_pq_params_done) qt_pq_params lease = {0};
    QT_CLEANUP(qt_pq_params_done) qt_pq_params held = {0};
    QT_CLEANUP(qt_pq_params_done) qt_pq_params orphans = {0};
    for (size_t i = 0; i < hb->held_count; i++) {
        qt_pq_column_uuid(&ids, hb->held[i].id.bytes);
        qt_pq_column_uuid(&same, hb->held[i].id.bytes);
    }
    qt_pq_param_int8(&lease, hb->key);
    qt_pq_param_span(&lease, hb->name);
    qt_pq_param_int8(&lease, hb->lease_ms);
    qt_pq_param_int4(&lease, (int32_t)hb->held_count);
    qt_pq_param_column(&held, &ids);
    qt_pq_param_int8(&orphans, hb->key);
    qt_pq_param_int8(&orphans, hb->orphan_ms);
    qt_pq_param_column(&orphans, &same);
    QT_TRY(qt_pq_pipe_send(pq, LEASE, &lease, err));
    QT_TRY(qt_pq_pipe_send(pq, HELD, &held, err));
    return qt_pq_pipe_send(pq, ORPHANS, &orphans, err);
}

static void read_held(const PGresult *rows, qt_heartbeat *hb) {
    for (int r = 0; r < PQntuples(rows); r++) {
        size_t n = (size_t)qt_pq_get_int(rows, r, 0) - 1;
        if (n >= hb->held_count) {
            continue;
        }
        qt_held *held = &hb->held[n];
        int64_t state = qt_pq_get_int(rows, r, 1);
        held->is_cancelling = state == QT_TASK_CANCELLING;
        held->is_held = (state == QT_TASK_RUNNING || held->is_cancelling) &&
                        qt_pq_get_int(rows, r, 2) == held->attempt &&
                        qt_pq_get_int(rows, r, 3) == held->fence;
        held->progress = (int32_t)qt_pq_get_int(rows, r, 4);
    }
}

static qt_code read_orphans(const PGresult *rows, qt_heartbeat *hb, qt_arena *arena, qt_err *err) {
    void *memory = NULL;
    size_t count = (size_t)PQntuples(rows);
    QT_TRY(qt_arena_try_calloc(arena, count + 1, sizeof(qt_orphan), &memory, err));
    hb->orphans = memory;
    hb->orphan_count = count;
    for (size_t i = 0; i < count; i++) {
        qt_pq_get_uuid(rows, (int)i, 0, hb->orphans[i].id.bytes);
        hb->orphans[i].fence = qt_pq_get_int(rows, (int)i, 1);
    }
    return QT_OK;
}

static qt_code heartbeat_once(qt_pq *pq, qt_heartbeat *hb, qt_arena *arena, qt_err *err) {
    PGresult *results[3] = {0};
    QT_TRY(qt_pq_pipe_begin(pq, err));
    qt_code code = send_heartbeat(pq, hb, err);
    if (code != QT_OK) {
        qt_pq_drop(pq);
        return code;
    }
    QT_TRY(qt_pq_pipe_finish(pq, results, 3, err));
    read_held(results[1], hb);
    code = read_orphans(results[2], hb, arena, err);
    for (size_t i = 0; i < 3; i++) {
        PQclear(results[i]);
    }
    return code;
}

qt_code qt_reader_heartbeat(qt_reader *reader, qt_heartbeat *heartbeat, qt_arena *arena,
                            qt_err *err) {
    qt_pq_spare *s = qt_pq_pool_take(&reader->pool);
    bool was_connected = qt_pq_is_connected(s->pq);
    qt_code code = heartbeat_once(s->pq, heartbeat, arena, err);
    if (code != QT_OK && was_connected && !qt_pq_is_connected(s->pq)) {
        code = heartbeat_once(s->pq, heartbeat, arena, err);
    }
    qt_pq_pool_give(&reader->pool, s);
    return code;
}
