#include "services/task-svc/store_sql.h"

#include "base/buf.h"
#include "services/task-svc/op.h"

#include <pthread.h>
#include <string.h>

static const char *texts[QT_SQL_COUNT_] = {
    [QT_SQL_BEGIN] = "BEGIN",
    [QT_SQL_COMMIT] = "COMMIT",
    [QT_SQL_IDEM_EXPIRE] = "DELETE FROM idem i USING unnest($1::text[], $2::text[]) u(project, key)"
                           " WHERE i.project = u.project AND i.key = u.key"
                           " AND i.expires_at < now()",
    [QT_SQL_IDEM_PUT] = "INSERT INTO idem (project, key, task_id, request_hash, expires_at)"
                        " SELECT u.*, now() + $5::bigint * interval '1 hour'"
                        " FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[]) u"
                        " ON CONFLICT DO NOTHING",
    [QT_SQL_IDEM_GET] = "SELECT u.n, i.task_id, i.request_hash"
                        " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY u(project, key, n)"
                        " JOIN idem i ON i.project = u.project AND i.key = u.key",
    [QT_SQL_FENCES] = "SELECT nextval('task_fence')",
    [QT_SQL_LEASES] = "INSERT INTO worker (key, name, lease_until)"
                      " SELECT u.*, clock_timestamp() + $3::bigint * interval '1 ms'"
                      " FROM unnest($1::bigint[], $2::text[]) u"
                      " ON CONFLICT (key) DO UPDATE SET lease_until = excluded.lease_until",
    [QT_SQL_EVENTS] =
        "INSERT INTO task_event (task_id, version, at, from_status, to_status, reason, attempt,"
        " project, xact)"
        " SELECT u.*, (SELECT pg_current_xact_id()::text::bigint)"
        " FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::smallint[],"
        " $5::smallint[], $6::text[], $7::integer[], $8::text[]) u",
    [QT_SQL_DELETE_EVENTS] = "DELETE FROM task_event e USING unnest($1::uuid[]) u(id)"
                             " WHERE e.task_id = u.id",
    [QT_SQL_DELETE_ACTIVE] = "DELETE FROM task_active a USING unnest($1::uuid[]) u(id)"
                             " WHERE a.id = u.id",
    [QT_SQL_DELETE_DONE] = "DELETE FROM task_done a USING unnest($1::uuid[]) u(id)"
                           " WHERE a.id = u.id",
};

bool qt_sql_has_column(int statement, const qt_column *column) {
    if (column == &qt_columns[0]) {
        return true;
    }
    switch (statement) {
    case QT_SQL_INSERT:
        return column->use != QT_COLUMN_DONE;
    case QT_SQL_UPDATE:
    case QT_SQL_TO_ACTIVE:
        return column->use == QT_COLUMN_CHANGES;
    case QT_SQL_UPDATE_LARGE:
        return column->use == QT_COLUMN_LARGE;
    case QT_SQL_TO_DONE:
        return column->use == QT_COLUMN_CHANGES || column->use == QT_COLUMN_DONE;
    default:
        return false;
    }
}

static void add_comma(qt_buf *sql, bool *is_first) {
    if (!*is_first) {
        qt_buf_add_str(sql, ", ");
    }
    *is_first = false;
}

/* unnest($1::uuid[], ...) u(id, ...) */
static void add_unnest(qt_buf *sql, int statement) {
    bool is_first = true;
    int n = 0;
    qt_buf_add_str(sql, "unnest(");
    for (size_t i = 0; i < QT_DONE_COLUMNS; i++) {
        if (qt_sql_has_column(statement, &qt_columns[i])) {
            add_comma(sql, &is_first);
            qt_buf_printf(sql, "$%d::%s[]", ++n, qt_column_sql_type(&qt_columns[i]));
        }
    }
    qt_buf_add_str(sql, ") u(");
    is_first = true;
    for (size_t i = 0; i < QT_DONE_COLUMNS; i++) {
        if (qt_sql_has_column(statement, &qt_columns[i])) {
            add_comma(sql, &is_first);
            qt_buf_add_str(sql, qt_columns[i].name);
        }
    }
    qt_buf_add_str(sql, ")");
}

static void add_names(qt_buf *sql, size_t count) {
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        add_comma(sql, &is_first);
        qt_buf_add_str(sql, qt_columns[i].name);
    }
}

/* The new value of a column where the statement has one, else the old one. */
static void add_value(qt_buf *sql, int statement, const qt_column *column) {
    bool is_new = qt_sql_has_column(statement, column) && column != &qt_columns[0];
    bool is_json = is_new && column->kind == QT_COLUMN_JSONB;
    qt_buf_printf(sql, "%s.%s%s", is_new ? "u" : "a", column->name, is_json ? "::jsonb" : "");
}

static void add_values(qt_buf *sql, int statement, size_t count) {
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        add_comma(sql, &is_first);
        add_value(sql, statement, &qt_columns[i]);
    }
}

static void make_insert(qt_buf *sql) {
    qt_buf_add_str(sql, "INSERT INTO task_active (");
    add_names(sql, QT_ACTIVE_COLUMNS);
    qt_buf_add_str(sql, ") SELECT u.id");
    for (size_t i = 1; i < QT_ACTIVE_COLUMNS; i++) {
        qt_buf_add_str(sql, ", ");
        add_value(sql, QT_SQL_INSERT, &qt_columns[i]);
    }
    qt_buf_add_str(sql, " FROM ");
    add_unnest(sql, QT_SQL_INSERT);
}

static void make_update(qt_buf *sql, int statement) {
    bool is_first = true;
    qt_buf_add_str(sql, "UPDATE task_active a SET ");
    for (size_t i = 1; i < QT_ACTIVE_COLUMNS; i++) {
        if (qt_sql_has_column(statement, &qt_columns[i])) {
            add_comma(sql, &is_first);
            qt_buf_printf(sql, "%s = ", qt_columns[i].name);
            add_value(sql, statement, &qt_columns[i]);
        }
    }
    qt_buf_add_str(sql, " FROM ");
    add_unnest(sql, statement);
    qt_buf_add_str(sql, " WHERE a.id = u.id");
}

static void make_transfer(qt_buf *sql, int statement, const char *from, const char *to,
                          size_t count) {
    qt_buf_printf(sql, "WITH gone AS (DELETE FROM %s a USING ", from);
    add_unnest(sql, statement);
    qt_buf_add_str(sql, " WHERE a.id = u.id RETURNING ");
    add_values(sql, statement, count);
    qt_buf_printf(sql, ") INSERT INTO %s (", to);
    add_names(sql, count);
    qt_buf_add_str(sql, ") SELECT * FROM gone");
}

/* $1 ids, $2 what is wanted of each (QT_WANT_...). */
static void make_load(qt_buf *sql, const char *table, size_t count) {
    qt_buf_add_str(sql, "SELECT u.n, ");
    for (size_t i = 0; i < count; i++) {
        const qt_column *column = &qt_columns[i];
        const char *comma = i > 0 ? ", " : "";
        if (strcmp(column->name, "spec") == 0) {
            qt_buf_printf(sql, "%sCASE WHEN octet_length(a.spec) <= u.want THEN a.spec END", comma);
        } else if (strcmp(column->name, "meta_data") == 0) {
            qt_buf_printf(sql, "%sCASE WHEN u.want = %d THEN a.meta_data::text END", comma,
                          QT_WANT_ALL);
        } else if (strcmp(column->name, "result") == 0) {
            qt_buf_printf(sql, "%sCASE WHEN u.want = %d THEN a.result END", comma, QT_WANT_ALL);
        } else {
            qt_buf_printf(sql, "%sa.%s", comma, column->name);
        }
    }
    qt_buf_printf(sql,
                  " FROM unnest($1::uuid[], $2::int4[]) WITH ORDINALITY u(id, want, n)"
                  " JOIN %s a ON a.id = u.id ORDER BY a.id FOR UPDATE OF a",
                  table);
}

static void keep(int statement, qt_buf *sql) {
    texts[statement] = qt_buf_take(sql, NULL);
}

static void make_all(void) {
    qt_buf sql = {0};
    make_insert(&sql);
    keep(QT_SQL_INSERT, &sql);
    make_update(&sql, QT_SQL_UPDATE);
    keep(QT_SQL_UPDATE, &sql);
    make_update(&sql, QT_SQL_UPDATE_LARGE);
    keep(QT_SQL_UPDATE_LARGE, &sql);
    make_transfer(&sql, QT_SQL_TO_DONE, "task_active", "task_done", QT_DONE_COLUMNS);
    keep(QT_SQL_TO_DONE, &sql);
    make_transfer(&sql, QT_SQL_TO_ACTIVE, "task_done", "task_active", QT_ACTIVE_COLUMNS);
    keep(QT_SQL_TO_ACTIVE, &sql);
    make_load(&sql, "task_active", QT_ACTIVE_COLUMNS);
    keep(QT_SQL_LOAD_ACTIVE, &sql);
    make_load(&sql, "task_done", QT_DONE_COLUMNS);
    keep(QT_SQL_LOAD_DONE, &sql);
}

const char *const *qt_sql_texts(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_all);
    return texts;
}
