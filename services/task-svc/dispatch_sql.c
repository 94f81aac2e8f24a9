#include "services/task-svc/dispatch_sql.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

enum {
    LOCK,
    COUNT,
    TASKS,
    DUE,
    READY,
    EXPIRED,
    DISPATCHED,
    EPOCH,
    SET_EPOCH,
    MAKE_PARTITIONS,
    DROP_PARTITIONS,
    TIDY_JOBS,
    TIDY_IDEM,
    TIDY_WORKERS,
    STATEMENTS
};

enum { DAYS_AHEAD = 7, TIDY_BATCH = 5000 };

static const char *const statements[STATEMENTS] = {
    [LOCK] = "SELECT pg_try_advisory_lock($1::bigint)",
    [COUNT] = "SELECT q.type,"
              " (SELECT count(*) FROM task_active a WHERE a.state = 5 AND a.type = q.type),"
              " EXISTS (SELECT 1 FROM task_active a WHERE a.state = 4 AND a.type = q.type),"
              " (SELECT count(*) FROM task_active a WHERE a.state IN (6, 7) AND a.type = q.type)"
              " FROM queue_cfg q",
    /* One branch per partial index. The numbers of statuses: task/state.h. */
    [TASKS] = "SELECT type, 1, count(*) FROM task_active WHERE state = 1 GROUP BY type"
              " UNION ALL"
              " SELECT type, CASE state WHEN 2 THEN 1 ELSE 2 END, count(*) FROM task_active"
              " WHERE state IN (2, 3) GROUP BY 1, 2"
              " UNION ALL SELECT type, 2, count(*) FROM task_active WHERE state = 4 GROUP BY type"
              " UNION ALL SELECT type, 2, count(*) FROM task_active WHERE state = 5 GROUP BY type"
              " UNION ALL"
              " SELECT type, CASE state WHEN 6 THEN 3 ELSE 6 END, count(*) FROM task_active"
              " WHERE state IN (6, 7) GROUP BY 1, 2",
    [DUE] = "SELECT id, fence, dispatch_seq FROM task_active"
            " WHERE state IN (2, 3) AND run_at <= now() ORDER BY run_at LIMIT 1000",
    /* The projects by a loose index scan, then the front of each one's line. Each starts at a
     * random part of its first turn: when the window has room for one task only, chance is fair
     * where an order of the names would starve the last. */
    [READY] =
        "WITH RECURSIVE p(project) AS ("
        " (SELECT project FROM task_active WHERE state = 4 AND type = $1::smallint"
        "  AND priority = $2::smallint ORDER BY project LIMIT 1)"
        " UNION ALL"
        " SELECT (SELECT a.project FROM task_active a WHERE a.state = 4 AND a.type = $1::smallint"
        "  AND a.priority = $2::smallint AND a.project > p.project ORDER BY a.project LIMIT 1)"
        " FROM p WHERE p.project IS NOT NULL),"
        " q AS MATERIALIZED (SELECT p.project, random() AS start, coalesce(c.weight, 1) AS weight"
        "  FROM p LEFT JOIN project_cfg c ON c.project = p.project WHERE p.project IS NOT NULL)"
        " SELECT t.id, t.fence, t.dispatch_seq FROM q"
        " CROSS JOIN LATERAL (SELECT a.id, a.fence, a.dispatch_seq,"
        "  row_number() OVER (ORDER BY a.run_at, a.id) AS n"
        "  FROM task_active a WHERE a.state = 4 AND a.type = $1::smallint"
        "  AND a.priority = $2::smallint AND a.project = q.project"
        "  ORDER BY a.run_at, a.id LIMIT $3::bigint) t"
        " ORDER BY (t.n - 1 + q.start) / q.weight LIMIT $3::bigint",
    [EXPIRED] = "SELECT t.id, t.fence, t.dispatch_seq, EXISTS (SELECT 1 FROM backend_job j"
                " WHERE j.task_id = t.id AND (j.state = 2 OR j.job_id IS NOT NULL))"
                " FROM task_active t"
                " LEFT JOIN worker w ON w.key = t.worker_key"
                " WHERE t.state IN (6, 7)"
                " AND (w.key IS NULL OR w.lease_until < clock_timestamp()) LIMIT 1000",
    [DISPATCHED] = "SELECT id, fence, dispatch_seq FROM task_active WHERE state = 5"
                   " AND type = $1::smallint AND priority = $2::smallint"
                   " AND dispatched_at < $3::timestamptz ORDER BY dispatched_at LIMIT 1000",
    [EPOCH] = "SELECT epoch FROM queue_cfg WHERE type = $1::smallint",
    [SET_EPOCH] = "UPDATE queue_cfg SET epoch = $2::text WHERE type = $1::smallint",
    [MAKE_PARTITIONS] = "SELECT task_make_partitions($1::integer)",
    [DROP_PARTITIONS] = "SELECT task_drop_partitions($1::integer)",
    /* Costs count for the spend limit longer, perhaps. The numbers of states: jobs.h. */
    [TIDY_JOBS] =
        "DELETE FROM backend_job WHERE task_id IN (SELECT j.task_id FROM backend_job j"
        " WHERE j.task_id < task_day_start((now() AT TIME ZONE 'UTC')::date - $1::integer)"
        " AND j.created_at < now() - $2::integer * interval '1 day'"
        " AND j.state NOT IN (1, 2, 3)"
        " AND NOT EXISTS (SELECT 1 FROM task_active a WHERE a.id = j.task_id)"
        " AND NOT EXISTS (SELECT 1 FROM task_done d WHERE d.id = j.task_id)"
        " LIMIT $3::integer)",
    [TIDY_IDEM] = "DELETE FROM idem WHERE ctid IN (SELECT ctid FROM idem"
                  " WHERE expires_at < now() LIMIT $1::integer)",
    [TIDY_WORKERS] = "DELETE FROM worker w WHERE lease_until < now() - interval '1 hour'"
                     " AND NOT EXISTS (SELECT 1 FROM task_active t"
                     " WHERE t.worker_key = w.key AND t.state IN (6, 7))",
};

qt_pq *qt_dispatch_sql_new(const char *url, int64_t connect_timeout_ms,
                           int64_t command_timeout_ms) {
    const qt_pq_options options = {.url = url,
                                   .application_name = "task-svc dispatcher",
                                   .server_options = "-c jit=off -c enable_seqscan=off",
                                   .connect_timeout_ms = connect_timeout_ms,
                                   .command_timeout_ms = command_timeout_ms,
                                   .statements = statements,
                                   .statement_count = STATEMENTS};
    return qt_pq_new(&options);
}

qt_code qt_dispatch_sql_lock(qt_pq *pq, int64_t key, bool *ret_mine, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_pq_param_int8(&params, key);
    QT_TRY(qt_pq_run(pq, LOCK, &params, &rows, err));
    *ret_mine = qt_pq_get_bool(rows, 0, 0);
    return QT_OK;
}

qt_code qt_dispatch_sql_count(qt_pq *pq, qt_type_counts *ret_counts, qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    QT_TRY(qt_pq_run(pq, COUNT, NULL, &rows, err));
    for (int r = 0; r < PQntuples(rows); r++) {
        int64_t type = qt_pq_get_int(rows, r, 0);
        if (type > 0 && type < QT_TASK_TYPES) {
            ret_counts[type] = (qt_type_counts){.dispatched = qt_pq_get_int(rows, r, 1),
                                                .has_line = qt_pq_get_bool(rows, r, 2),
                                                .running = qt_pq_get_int(rows, r, 3)};
        }
    }
    return QT_OK;
}

static void add_count(qt_task_count *counts, size_t *count, int32_t type, qt_task_status status,
                      int64_t n) {
    for (size_t i = 0; i < *count; i++) {
        if (counts[i].type == type && counts[i].status == status) {
            counts[i].count += n;
            return;
        }
    }
    if (*count < QT_TASK_COUNTS) {
        counts[(*count)++] = (qt_task_count){type, status, n};
    }
}

qt_code qt_dispatch_sql_tasks(qt_pq *pq, qt_task_count *ret_counts, size_t *ret_count,
                              qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    QT_TRY(qt_pq_run(pq, TASKS, NULL, &rows, err));
    *ret_count = 0;
    for (int r = 0; r < PQntuples(rows); r++) {
        add_count(ret_counts, ret_count, (int32_t)qt_pq_get_int(rows, r, 0),
                  (qt_task_status)qt_pq_get_int(rows, r, 1), qt_pq_get_int(rows, r, 2));
    }
    return QT_OK;
}

static qt_code find(qt_pq *pq, size_t statement, const qt_pq_params *params, qt_found *found,
                    size_t *ret_count, qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    QT_TRY(qt_pq_run(pq, statement, params, &rows, err));
    size_t count = (size_t)PQntuples(rows);
    count = count < QT_FIND_LIMIT ? count : QT_FIND_LIMIT;
    for (size_t i = 0; i < count; i++) {
        qt_pq_get_uuid(rows, (int)i, 0, found[i].id.bytes);
        found[i].fence = qt_pq_get_int(rows, (int)i, 1);
        found[i].dispatch_seq = (int32_t)qt_pq_get_int(rows, (int)i, 2);
        found[i].has_job = PQnfields(rows) > 3 && qt_pq_get_bool(rows, (int)i, 3);
    }
    *ret_count = count;
    return QT_OK;
}

qt_code qt_dispatch_sql_due(qt_pq *pq, qt_found *found, size_t *ret_count, qt_err *err) {
    return find(pq, DUE, NULL, found, ret_count, err);
}

qt_code qt_dispatch_sql_expired(qt_pq *pq, qt_found *found, size_t *ret_count, qt_err *err) {
    return find(pq, EXPIRED, NULL, found, ret_count, err);
}

qt_code qt_dispatch_sql_ready(qt_pq *pq, int32_t type, int32_t priority, int64_t limit,
                              qt_found *found, size_t *ret_count, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    qt_pq_param_int2(&params, type);
    qt_pq_param_int2(&params, priority);
    qt_pq_param_int8(&params, limit < QT_FIND_LIMIT ? limit : QT_FIND_LIMIT);
    return find(pq, READY, &params, found, ret_count, err);
}

qt_code qt_dispatch_sql_dispatched(qt_pq *pq, int32_t type, int32_t priority, int64_t before_us,
                                   qt_found *found, size_t *ret_count, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    qt_pq_param_int2(&params, type);
    qt_pq_param_int2(&params, priority);
    qt_pq_param_time(&params, before_us);
    return find(pq, DISPATCHED, &params, found, ret_count, err);
}

qt_code qt_dispatch_sql_epoch(qt_pq *pq, int32_t type, char *ret_epoch, size_t cap, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_pq_param_int2(&params, type);
    QT_TRY(qt_pq_run(pq, EPOCH, &params, &rows, err));
    qt_span epoch = PQntuples(rows) > 0 ? qt_pq_get_span(rows, 0, 0) : (qt_span){0};
    snprintf(ret_epoch, cap, "%.*s", (int)epoch.len, epoch.p != NULL ? epoch.p : "");
    return QT_OK;
}

static qt_code run_only(qt_pq *pq, size_t statement, const qt_pq_params *params, qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    return qt_pq_run(pq, statement, params, &rows, err);
}

qt_code qt_dispatch_sql_set_epoch(qt_pq *pq, int32_t type, const char *epoch, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    qt_pq_param_int2(&params, type);
    qt_pq_param_span(&params, (qt_span){epoch, strlen(epoch)});
    return run_only(pq, SET_EPOCH, &params, err);
}

static qt_code run_int(qt_pq *pq, size_t statement, int32_t value, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    qt_pq_param_int4(&params, value);
    return run_only(pq, statement, &params, err);
}

static qt_code drop_old(qt_pq *pq, int64_t keep_days, int64_t spend_days, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_TRY(run_int(pq, DROP_PARTITIONS, (int32_t)keep_days, err));
    qt_pq_param_int4(&params, (int32_t)keep_days);
    qt_pq_param_int4(&params, (int32_t)spend_days);
    qt_pq_param_int4(&params, TIDY_BATCH);
    return run_only(pq, TIDY_JOBS, &params, err);
}

qt_code qt_dispatch_sql_tidy(qt_pq *pq, int64_t keep_days, int64_t spend_days, qt_err *err) {
    QT_TRY(run_int(pq, MAKE_PARTITIONS, DAYS_AHEAD, err));
    if (keep_days > 0) {
        QT_TRY(drop_old(pq, keep_days, spend_days, err));
    }
    QT_TRY(run_int(pq, TIDY_IDEM, TIDY_BATCH, err));
    return run_only(pq, TIDY_WORKERS, NULL, err);
}
