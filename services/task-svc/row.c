#include "services/task-svc/row.h"

#include "base/cleanup.h"

#include <string.h>

#define COLUMN(name, kind, use, field)                                                             \
    { name, QT_COLUMN_##kind, QT_COLUMN_##use, offsetof(qt_row, field) }

const qt_column qt_columns[QT_DONE_COLUMNS] = {
    COLUMN("id", UUID, FIXED, id),
    COLUMN("project", TEXT, FIXED, project),
    COLUMN("type", INT2, FIXED, type),
    COLUMN("priority", INT2, CHANGES, priority),
    COLUMN("state", INT2, CHANGES, state),
    COLUMN("attempt", INT4, CHANGES, attempt),
    COLUMN("retry_count", INT4, CHANGES, retry_count),
    COLUMN("max_retries", INT4, CHANGES, max_retries),
    COLUMN("crash_count", INT4, CHANGES, crash_count),
    COLUMN("progress", INT4, CHANGES, progress),
    COLUMN("dispatch_seq", INT4, CHANGES, dispatch_seq),
    COLUMN("fence", INT8, CHANGES, fence),
    COLUMN("outcome_key", INT8, CHANGES, outcome_key),
    COLUMN("worker_key", INT8, CHANGES, worker_key),
    COLUMN("version", INT8, CHANGES, version),
    COLUMN("created_at", TIME, FIXED, created_us),
    COLUMN("updated_at", TIME, CHANGES, updated_us),
    COLUMN("scheduled_for", TIME, CHANGES, scheduled_us),
    COLUMN("run_at", TIME, CHANGES, run_us),
    COLUMN("dispatched_at", TIME, CHANGES, dispatched_us),
    COLUMN("started_at", TIME, CHANGES, started_us),
    COLUMN("error", TEXT, CHANGES, error),
    COLUMN("error_reason", TEXT, CHANGES, error_reason),
    COLUMN("spec", BYTEA, LARGE, spec),
    COLUMN("meta_data", JSONB, LARGE, meta_data),
    COLUMN("trace", BYTEA, FIXED, trace),
    COLUMN("finished_at", TIME, DONE, finished_us),
    COLUMN("result", BYTEA, DONE, result),
};

static const struct {
    const char *sql;
    Oid oid;
} kinds[] = {
    [QT_COLUMN_UUID] = {"uuid", QT_PQ_UUID},
    [QT_COLUMN_INT2] = {"smallint", QT_PQ_INT2},
    [QT_COLUMN_INT4] = {"integer", QT_PQ_INT4},
    [QT_COLUMN_INT8] = {"bigint", QT_PQ_INT8},
    [QT_COLUMN_TIME] = {"timestamptz", QT_PQ_TIMESTAMPTZ},
    [QT_COLUMN_TEXT] = {"text", QT_PQ_TEXT},
    [QT_COLUMN_BYTEA] = {"bytea", QT_PQ_BYTEA},
    [QT_COLUMN_JSONB] = {"text", QT_PQ_TEXT}, /* cast in the statement */
};

const char *qt_column_sql_type(const qt_column *column) {
    return kinds[column->kind].sql;
}

qt_pq_column qt_column_array(const qt_column *column) {
    return (qt_pq_column){.type = kinds[column->kind].oid};
}

static const void *field_of(const qt_column *column, const qt_row *row) {
    return (const char *)row + column->offset;
}

void qt_column_put(const qt_column *column, const qt_row *row, qt_pq_column *out) {
    const void *field = field_of(column, row);
    switch (column->kind) {
    case QT_COLUMN_UUID:
        qt_pq_column_uuid(out, ((const qt_uuid *)field)->bytes);
        return;
    case QT_COLUMN_INT2:
        qt_pq_column_int2(out, *(const int32_t *)field);
        return;
    case QT_COLUMN_INT4:
        qt_pq_column_int4(out, *(const int32_t *)field);
        return;
    case QT_COLUMN_INT8:
        qt_pq_column_int8(out, *(const int64_t *)field);
        return;
    case QT_COLUMN_TIME:
        qt_pq_column_time(out, *(const int64_t *)field);
        return;
    case QT_COLUMN_TEXT:
    case QT_COLUMN_BYTEA:
    case QT_COLUMN_JSONB:
        qt_pq_column_span(out, *(const qt_span *)field);
        return;
    }
}

static void read_field(const PGresult *rows, int r, int c, const qt_column *column, qt_row *row) {
    void *field = (char *)row + column->offset;
    switch (column->kind) {
    case QT_COLUMN_UUID:
        qt_pq_get_uuid(rows, r, c, ((qt_uuid *)field)->bytes);
        return;
    case QT_COLUMN_INT2:
    case QT_COLUMN_INT4:
        *(int32_t *)field = (int32_t)qt_pq_get_int(rows, r, c);
        return;
    case QT_COLUMN_INT8:
        *(int64_t *)field = qt_pq_get_int(rows, r, c);
        return;
    case QT_COLUMN_TIME:
        *(int64_t *)field = qt_pq_get_time(rows, r, c);
        return;
    case QT_COLUMN_TEXT:
    case QT_COLUMN_BYTEA:
    case QT_COLUMN_JSONB:
        *(qt_span *)field = qt_pq_get_span(rows, r, c);
        return;
    }
}

void qt_row_read(const PGresult *rows, int row, int first, size_t count, qt_row *ret_row) {
    *ret_row = (qt_row){0};
    for (size_t i = 0; i < count; i++) {
        read_field(rows, row, first + (int)i, &qt_columns[i], ret_row);
    }
}

qt_code qt_row_keep(qt_arena *arena, qt_row *row, qt_err *err) {
    qt_span *spans[] = {&row->project,   &row->error,  &row->error_reason, &row->spec,
                        &row->meta_data, &row->result, &row->trace};
    for (size_t i = 0; i < QT_ARRAY_LEN(spans); i++) {
        void *copy = NULL;
        if (spans[i]->p == NULL) {
            continue;
        }
        QT_TRY(qt_arena_try_alloc(arena, spans[i]->len + 1, &copy, err));
        memcpy(copy, spans[i]->p, spans[i]->len);
        ((char *)copy)[spans[i]->len] = '\0';
        spans[i]->p = copy;
    }
    return QT_OK;
}
