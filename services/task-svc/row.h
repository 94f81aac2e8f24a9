/* A task as it is stored, and the one list of its columns.
 *
 * Texts and bytes belong to whoever made the row (an arena, or a database result). Times are
 * microseconds since 1970, 0 for none. */
#ifndef QT_TASK_SVC_ROW_H
#define QT_TASK_SVC_ROW_H

#include "base/arena.h"
#include "pq/params.h"
#include "task/state.h"
#include "task/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QT_TASK_TYPES = 4, QT_TASK_PRIORITIES = 4 }; /* numbers run from 1 */

typedef struct qt_row {
    qt_uuid id;
    qt_span project;
    int32_t type;
    int32_t priority;
    int32_t state; /* qt_task_state */
    int32_t attempt;
    int32_t retry_count;
    int32_t max_retries;
    int32_t crash_count;
    int32_t progress;
    int32_t dispatch_seq;
    int64_t fence;
    int64_t outcome_key; /* of the last accepted outcome: its fence, or see qt_deferred_key() */
    int64_t worker_key;
    int64_t version;
    int64_t created_us;
    int64_t updated_us;
    int64_t scheduled_us;
    int64_t run_us; /* SCHEDULED, DELAYED: when it is due; READY: its place in the line */
    int64_t dispatched_us;
    int64_t started_us;
    qt_span error;
    qt_span error_reason;
    qt_span spec;      /* a packed TaskPayload; NULL when it was not asked for */
    qt_span meta_data; /* JSON; NULL when it was not asked for */
    qt_span trace;     /* packed context of the trace that it was created in; NULL: none */
    int64_t finished_us;
    qt_span result; /* a packed TaskResult */
} qt_row;

typedef enum qt_column_kind {
    QT_COLUMN_UUID,
    QT_COLUMN_INT2,
    QT_COLUMN_INT4,
    QT_COLUMN_INT8,
    QT_COLUMN_TIME,
    QT_COLUMN_TEXT,
    QT_COLUMN_BYTEA,
    QT_COLUMN_JSONB,
} qt_column_kind;

/* When a column is written. */
typedef enum qt_column_use {
    QT_COLUMN_FIXED,   /* on insert only */
    QT_COLUMN_CHANGES, /* with every move */
    QT_COLUMN_LARGE,   /* on insert, and when a user changes it */
    QT_COLUMN_DONE,    /* in task_done only */
} qt_column_use;

typedef struct qt_column {
    const char *name;
    qt_column_kind kind;
    qt_column_use use;
    size_t offset; /* of the field in qt_row */
} qt_column;

/* In the order of the tables; those of task_active come first. */
extern const qt_column qt_columns[];
enum { QT_ACTIVE_COLUMNS = 26, QT_DONE_COLUMNS = 28 };

/* "smallint", ...: the type of the parameter that carries it. */
const char *qt_column_sql_type(const qt_column *column);
/* Appends the field to an array parameter. */
void qt_column_put(const qt_column *column, const qt_row *row, qt_pq_column *out);
/* An empty array parameter for the column. */
qt_pq_column qt_column_array(const qt_column *column);

/* Reads columns `first ...` of a result into `count` fields, as in qt_columns. Spans point into
 * the result. */
void qt_row_read(const PGresult *rows, int row, int first, size_t count, qt_row *ret_row);
/* Copies what the spans point to into the arena. */
qt_code qt_row_keep(qt_arena *arena, qt_row *row, qt_err *err);

#endif
