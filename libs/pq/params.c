#include "pq/params.h"

#include <string.h>

/* Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's time starts. */
#define EPOCH_2000_US 946684800000000

enum { ARRAY_HEADER_BYTES = 20 };

static void store_u32(char *out, uint32_t v) {
    for (int i = 0; i < 4; i++) {
        out[i] = (char)(v >> (24 - 8 * i));
    }
}

static void store_u64(char *out, uint64_t v) {
    store_u32(out, (uint32_t)(v >> 32));
    store_u32(out + 4, (uint32_t)v);
}

static void add_u32(qt_buf *buf, uint32_t v) {
    char bytes[4];
    store_u32(bytes, v);
    qt_buf_add(buf, bytes, sizeof bytes);
}

/* ---- columns ---- */

void qt_pq_column_done(qt_pq_column *column) {
    qt_buf_done(&column->buf);
}

static void start_column(qt_pq_column *column, Oid type) {
    if (column->count == 0) {
        column->type = column->type != 0 ? column->type : type;
        const char header[ARRAY_HEADER_BYTES] = {0};
        qt_buf_add(&column->buf, header, sizeof header);
    }
    column->count++;
}

static void add_element(qt_pq_column *column, Oid type, const void *data, size_t len) {
    start_column(column, type);
    add_u32(&column->buf, (uint32_t)len);
    qt_buf_add(&column->buf, data, len);
}

void qt_pq_column_null(qt_pq_column *column) {
    start_column(column, QT_PQ_TEXT);
    column->has_null = true;
    add_u32(&column->buf, UINT32_MAX);
}

void qt_pq_column_bool(qt_pq_column *column, bool v) {
    const char byte = v ? 1 : 0;
    add_element(column, QT_PQ_BOOL, &byte, 1);
}

void qt_pq_column_int2(qt_pq_column *column, int32_t v) {
    const char bytes[2] = {(char)((uint32_t)v >> 8), (char)v};
    add_element(column, QT_PQ_INT2, bytes, sizeof bytes);
}

void qt_pq_column_int4(qt_pq_column *column, int32_t v) {
    char bytes[4];
    store_u32(bytes, (uint32_t)v);
    add_element(column, QT_PQ_INT4, bytes, sizeof bytes);
}

void qt_pq_column_int8(qt_pq_column *column, int64_t v) {
    char bytes[8];
    store_u64(bytes, (uint64_t)v);
    add_element(column, QT_PQ_INT8, bytes, sizeof bytes);
}

void qt_pq_column_time(qt_pq_column *column, int64_t us) {
    if (us == 0) {
        qt_pq_column_null(column);
        return;
    }
    char bytes[8];
    store_u64(bytes, (uint64_t)(us - EPOCH_2000_US));
    add_element(column, QT_PQ_TIMESTAMPTZ, bytes, sizeof bytes);
}

void qt_pq_column_uuid(qt_pq_column *column, const uint8_t uuid[16]) {
    add_element(column, QT_PQ_UUID, uuid, 16);
}

void qt_pq_column_span(qt_pq_column *column, qt_span v) {
    if (v.p == NULL) {
        qt_pq_column_null(column);
    } else {
        add_element(column, QT_PQ_TEXT, v.p, v.len);
    }
}

/* Header: dimensions, has nulls, element type, length, lower bound. */
static void finish_column(qt_pq_column *column) {
    if (column->count == 0) {
        start_column(column, QT_PQ_TEXT);
        column->count = 0;
    }
    if (column->buf.failed) {
        return;
    }
    char *header = column->buf.data;
    store_u32(header, column->count > 0 ? 1 : 0);
    store_u32(header + 4, column->has_null ? 1 : 0);
    store_u32(header + 8, column->type);
    store_u32(header + 12, column->count);
    store_u32(header + 16, 1);
    if (column->count == 0) {
        column->buf.len = 12; /* an array without dimensions */
    }
}

/* ---- parameters ---- */

void qt_pq_params_done(qt_pq_params *params) {
    qt_buf_done(&params->buf);
    params->count = 0;
}

void qt_pq_params_clear(qt_pq_params *params) {
    qt_buf_clear(&params->buf);
    params->count = 0;
}

static void add_value(qt_pq_params *params, const char *value, size_t offset, int len) {
    if (params->count == QT_PQ_MAX_PARAMS) {
        params->buf.failed = true;
        return;
    }
    params->values[params->count] = value;
    params->offsets[params->count] = offset;
    params->lengths[params->count] = len;
    params->count++;
}

static void add_copy(qt_pq_params *params, const void *data, size_t len) {
    size_t offset = params->buf.len;
    qt_buf_add(&params->buf, data, len);
    add_value(params, NULL, offset, (int)len);
}

void qt_pq_param_null(qt_pq_params *params) {
    add_value(params, NULL, 0, -1);
}

void qt_pq_param_bool(qt_pq_params *params, bool v) {
    const char byte = v ? 1 : 0;
    add_copy(params, &byte, 1);
}

void qt_pq_param_int2(qt_pq_params *params, int32_t v) {
    const char bytes[2] = {(char)((uint32_t)v >> 8), (char)v};
    add_copy(params, bytes, sizeof bytes);
}

void qt_pq_param_int4(qt_pq_params *params, int32_t v) {
    char bytes[4];
    store_u32(bytes, (uint32_t)v);
    add_copy(params, bytes, sizeof bytes);
}

void qt_pq_param_int8(qt_pq_params *params, int64_t v) {
    char bytes[8];
    store_u64(bytes, (uint64_t)v);
    add_copy(params, bytes, sizeof bytes);
}

void qt_pq_param_time(qt_pq_params *params, int64_t us) {
    if (us == 0) {
        qt_pq_param_null(params);
    } else {
        qt_pq_param_int8(params, us - EPOCH_2000_US);
    }
}

void qt_pq_param_uuid(qt_pq_params *params, const uint8_t uuid[16]) {
    add_copy(params, uuid, 16);
}

void qt_pq_param_span(qt_pq_params *params, qt_span v) {
    if (v.p == NULL) {
        qt_pq_param_null(params);
    } else {
        add_value(params, v.p, 0, (int)v.len);
    }
}

void qt_pq_param_column(qt_pq_params *params, qt_pq_column *column) {
    finish_column(column);
    if (column->buf.failed) {
        params->buf.failed = true;
        return;
    }
    add_value(params, column->buf.data, 0, (int)column->buf.len);
}

qt_code qt_pq_params_check(const qt_pq_params *params, qt_err *err) {
    return qt_buf_check(&params->buf, err);
}

/* ---- rows ---- */

static const uint8_t *value_of(const PGresult *rows, int row, int column) {
    return (const uint8_t *)PQgetvalue(rows, row, column);
}

bool qt_pq_get_bool(const PGresult *rows, int row, int column) {
    return PQgetlength(rows, row, column) == 1 && *value_of(rows, row, column) != 0;
}

int64_t qt_pq_get_int(const PGresult *rows, int row, int column) {
    int len = PQgetlength(rows, row, column);
    const uint8_t *p = value_of(rows, row, column);
    uint64_t v = len > 0 && (p[0] & 0x80U) != 0 ? UINT64_MAX : 0; /* the sign goes on */
    for (int i = 0; i < len && i < 8; i++) {
        v = v << 8 | p[i];
    }
    return (int64_t)v;
}

int64_t qt_pq_get_time(const PGresult *rows, int row, int column) {
    return PQgetisnull(rows, row, column) ? 0 : qt_pq_get_int(rows, row, column) + EPOCH_2000_US;
}

void qt_pq_get_uuid(const PGresult *rows, int row, int column, uint8_t ret_uuid[16]) {
    if (PQgetlength(rows, row, column) == 16) {
        memcpy(ret_uuid, value_of(rows, row, column), 16);
    } else {
        memset(ret_uuid, 0, 16);
    }
}

qt_span qt_pq_get_span(const PGresult *rows, int row, int column) {
    if (PQgetisnull(rows, row, column)) {
        return (qt_span){0};
    }
    return (qt_span){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)};
}
