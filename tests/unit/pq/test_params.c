/* What goes out as a binary parameter comes back the same. */
#include "suites.h"

#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

static const char *const echo[] = {
    "SELECT $1::bool, $2::smallint, $3::integer, $4::bigint, $5::timestamptz, $6::uuid, $7::text,"
    " $8::bytea, $9::text",
    "SELECT * FROM unnest($1::bool[], $2::smallint[], $3::integer[], $4::bigint[],"
    " $5::timestamptz[], $6::uuid[], $7::text[], $8::bytea[])",
    "SELECT cardinality($1::integer[]), $2::timestamptz = '2026-11-24T10:00:00.123456Z'",
};

static const uint8_t some_uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255};

START_TEST(scalars) {
    qt_err err;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(echo, 3);
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    uint8_t uuid[16];
    qt_pq_param_bool(&params, true);
    qt_pq_param_int2(&params, -2);
    qt_pq_param_int4(&params, INT32_MIN);
    qt_pq_param_int8(&params, INT64_MAX);
    qt_pq_param_time(&params, -DAY_US);
    qt_pq_param_uuid(&params, some_uuid);
    qt_pq_param_span(&params, (qt_span){"gr\xc3\xbc\xc3\x9f", 6});
    qt_pq_param_span(&params, (qt_span){"\0\1\2", 3});
    qt_pq_param_span(&params, (qt_span){0});
    ck_assert_ok(qt_pq_run(pq, 0, &params, &rows, &err));
    ck_assert(qt_pq_get_bool(rows, 0, 0));
    ck_assert_int_eq(qt_pq_get_int(rows, 0, 1), -2);
    ck_assert_int_eq(qt_pq_get_int(rows, 0, 2), INT32_MIN);
    ck_assert_int_eq(qt_pq_get_int(rows, 0, 3), INT64_MAX);
    ck_assert_int_eq(qt_pq_get_time(rows, 0, 4), -DAY_US);
    qt_pq_get_uuid(rows, 0, 5, uuid);
    ck_assert_mem_eq(uuid, some_uuid, 16);
    ck_assert_mem_eq(qt_pq_get_span(rows, 0, 6).p, "gr\xc3\xbc\xc3\x9f", 6);
    ck_assert_uint_eq(qt_pq_get_span(rows, 0, 7).len, 3);
    ck_assert_ptr_null(qt_pq_get_span(rows, 0, 8).p);
}
END_TEST

enum { COLUMNS = 8, ROWS = 1000 };

static void fill(qt_pq_column columns[COLUMNS], int row) {
    bool is_null = row % 7 == 3;
    qt_pq_column_bool(&columns[0], row % 2 == 0);
    qt_pq_column_int2(&columns[1], row - 500);
    qt_pq_column_int4(&columns[2], row * 1000000);
    qt_pq_column_int8(&columns[3], INT64_C(-1) * row * INT64_C(1000000000000));
    qt_pq_column_time(&columns[4], is_null ? 0 : row * DAY_US);
    qt_pq_column_uuid(&columns[5], some_uuid);
    qt_pq_column_span(&columns[6], is_null ? (qt_span){0} : (qt_span){"abcdefg", (size_t)row % 8});
    qt_pq_column_span(&columns[7], (qt_span){"\0\0\0\0\0", (size_t)row % 6});
}

static void check(const PGresult *rows, int row) {
    bool is_null = row % 7 == 3;
    ck_assert(qt_pq_get_bool(rows, row, 0) == (row % 2 == 0));
    ck_assert_int_eq(qt_pq_get_int(rows, row, 1), row - 500);
    ck_assert_int_eq(qt_pq_get_int(rows, row, 2), row * 1000000);
    ck_assert_int_eq(qt_pq_get_int(rows, row, 3), INT64_C(-1) * row * INT64_C(1000000000000));
    ck_assert_int_eq(qt_pq_get_time(rows, row, 4), is_null ? 0 : row * DAY_US);
    qt_span text = qt_pq_get_span(rows, row, 6);
    ck_assert(is_null ? text.p == NULL : text.len == (size_t)row % 8);
    ck_assert_uint_eq(qt_pq_get_span(rows, row, 7).len, (size_t)row % 6);
}

START_TEST(arrays) {
    qt_err err;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(echo, 3);
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_pq_column columns[COLUMNS] = {{.type = QT_PQ_BOOL},        {.type = QT_PQ_INT2},
                                     {.type = QT_PQ_INT4},        {.type = QT_PQ_INT8},
                                     {.type = QT_PQ_TIMESTAMPTZ}, {.type = QT_PQ_UUID},
                                     {.type = QT_PQ_TEXT},        {.type = QT_PQ_BYTEA}};
    for (int row = 0; row < ROWS; row++) {
        fill(columns, row);
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        qt_pq_param_column(&params, &columns[i]);
    }
    ck_assert_ok(qt_pq_run(pq, 1, &params, &rows, &err));
    ck_assert_int_eq(PQntuples(rows), ROWS);
    for (int row = 0; row < ROWS; row++) {
        check(rows, row);
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        qt_pq_column_done(&columns[i]);
    }
}
END_TEST

START_TEST(empty_array_and_epoch) {
    qt_err err;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(echo, 3);
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_column_done) qt_pq_column column = {.type = QT_PQ_INT4};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_pq_param_column(&params, &column);
    qt_pq_param_time(&params, INT64_C(1795514400123456));
    ck_assert_ok(qt_pq_run(pq, 2, &params, &rows, &err));
    ck_assert_int_eq(qt_pq_get_int(rows, 0, 0), 0);
    ck_assert(qt_pq_get_bool(rows, 0, 1));
}
END_TEST

/* A column or value that did not fit is reported before anything is sent. */
START_TEST(no_memory) {
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_pq_params params = {0};
        qt_pq_column column = {.type = QT_PQ_INT8};
        for (int i = 0; i < 5000; i++) {
            qt_pq_column_int8(&column, i);
        }
        qt_pq_param_column(&params, &column);
        qt_pq_param_int8(&params, 1);
        qt_code code = qt_pq_params_check(&params, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
        ck_assert(code != QT_OK || !qt_alloc_failed());
        qt_pq_column_done(&column);
        qt_pq_params_done(&params);
    }
}
END_TEST

START_TEST(too_many_parameters) {
    qt_err err;
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    for (int i = 0; i < QT_PQ_MAX_PARAMS + 1; i++) {
        qt_pq_param_null(&params);
    }
    ck_assert_int_eq(qt_pq_params_check(&params, &err), QT_RESOURCE_EXHAUSTED);
}
END_TEST

TCase *params_cases(void) {
    TCase *tc = tcase_create("params");
    tcase_add_test(tc, scalars);
    tcase_add_test(tc, arrays);
    tcase_add_test(tc, empty_array_and_epoch);
    tcase_add_test(tc, no_memory);
    tcase_add_test(tc, too_many_parameters);
    return tc;
}
