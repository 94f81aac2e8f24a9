/* Binary parameters of statements, and binary values of rows.
 *
 * A column collects one array parameter, element by element, for `unnest($n)`. */
#ifndef QT_PQ_PARAMS_H
#define QT_PQ_PARAMS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OIDs of the server's built-in types; fixed for ever (pg_type.dat). */
enum {
    QT_PQ_BOOL = 16,
    QT_PQ_BYTEA = 17,
    QT_PQ_INT8 = 20,
    QT_PQ_INT2 = 21,
    QT_PQ_INT4 = 23,
    QT_PQ_TEXT = 25,
    QT_PQ_TIMESTAMPTZ = 1184,
    QT_PQ_UUID = 2950,
};

/* Bytes that somebody else owns; p NULL is SQL's NULL. */
typedef struct qt_span {
    const char *p;
    size_t len;
} qt_span;

/* A zeroed column of an element type is empty. */
typedef struct qt_pq_column {
    qt_buf buf;
    Oid type;
    uint32_t count;
    bool has_null;
} qt_pq_column;

void qt_pq_column_done(qt_pq_column *column);
void qt_pq_column_null(qt_pq_column *column);
void qt_pq_column_bool(qt_pq_column *column, bool v);
void qt_pq_column_int2(qt_pq_column *column, int32_t v);
void qt_pq_column_int4(qt_pq_column *column, int32_t v);
void qt_pq_column_int8(qt_pq_column *column, int64_t v);
/* Microseconds since 1970; 0 is NULL. */
void qt_pq_column_time(qt_pq_column *column, int64_t us);
void qt_pq_column_uuid(qt_pq_column *column, const uint8_t uuid[16]);
/* Text or bytea; a NULL span is NULL. */
void qt_pq_column_span(qt_pq_column *column, qt_span v);

enum { QT_PQ_MAX_PARAMS = 40 };

/* The parameters of one statement. A zeroed one is empty. */
typedef struct qt_pq_params {
    qt_buf buf; /* values that are not the caller's */
    size_t count;
    size_t offsets[QT_PQ_MAX_PARAMS]; /* in buf, when values[] is NULL */
    const char *values[QT_PQ_MAX_PARAMS];
    int lengths[QT_PQ_MAX_PARAMS]; /* -1: NULL */
} qt_pq_params;

void qt_pq_params_done(qt_pq_params *params);
void qt_pq_params_clear(qt_pq_params *params);
void qt_pq_param_null(qt_pq_params *params);
void qt_pq_param_bool(qt_pq_params *params, bool v);
void qt_pq_param_int2(qt_pq_params *params, int32_t v);
void qt_pq_param_int4(qt_pq_params *params, int32_t v);
void qt_pq_param_int8(qt_pq_params *params, int64_t v);
void qt_pq_param_time(qt_pq_params *params, int64_t us);
void qt_pq_param_uuid(qt_pq_params *params, const uint8_t uuid[16]);
/* The bytes must stay until the statement was sent. */
void qt_pq_param_span(qt_pq_params *params, qt_span v);
/* The column must stay until the statement was sent; it takes no more elements. */
void qt_pq_param_column(qt_pq_params *params, qt_pq_column *column);
/* MEMORY_LIMIT when something did not fit. */
qt_code qt_pq_params_check(const qt_pq_params *params, qt_err *err);

/* Values of a binary row; NULL reads as 0, "" or a NULL span. */
bool qt_pq_get_bool(const PGresult *rows, int row, int column);
/* INT2, INT4 or INT8, by its length. */
int64_t qt_pq_get_int(const PGresult *rows, int row, int column);
/* Microseconds since 1970. */
int64_t qt_pq_get_time(const PGresult *rows, int row, int column);
void qt_pq_get_uuid(const PGresult *rows, int row, int column, uint8_t ret_uuid[16]);
/* Valid until the result is cleared. */
qt_span qt_pq_get_span(const PGresult *rows, int row, int column);

#endif
