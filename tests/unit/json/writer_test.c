#include "json/writer.h"

#include "base/cleanup.h"
#include "json_test.h"

#include <math.h>

START_TEST(test_everything) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_json_writer w = qt_json_writer_make(&out);
    qt_json_open_object(&w);
    qt_json_pair(&w, "a", "x\"\\\b\f\n\r\t\x01\x7F/");
    qt_json_pair(&w, "left out", NULL);
    qt_json_key(&w, "n");
    qt_json_open_array(&w);
    qt_json_i64(&w, INT64_MIN);
    qt_json_u64(&w, UINT64_MAX);
    qt_json_double(&w, 0.25);
    qt_json_double(&w, (double)NAN);
    qt_json_float(&w, INFINITY);
    qt_json_double(&w, -(double)INFINITY);
    qt_json_bool(&w, true);
    qt_json_null(&w);
    qt_json_open_object(&w);
    qt_json_close_object(&w);
    qt_json_str_n(&w, "a\0b", 3);
    qt_json_close_array(&w);
    qt_json_key(&w, "z\n");
    qt_json_raw(&w, "[1]", 3);
    qt_json_close_object(&w);
    ck_assert_str_eq(qt_buf_str(&out),
                     "{\"a\":\"x\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7F/\",\"n\":["
                     "-9223372036854775808,18446744073709551615,0.25,\"NaN\",\"Infinity\","
                     "\"-Infinity\",true,null,{},\"a\\u0000b\"],\"z\\n\":[1]}");
}
END_TEST

START_TEST(test_limit) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf out = {.limit_bytes = 8};
    qt_json_writer w = qt_json_writer_make(&out);
    qt_json_str(&w, "longer than eight bytes");
    ck_assert_int_eq(qt_buf_check(&out, &err), QT_RESOURCE_EXHAUSTED);
}
END_TEST

TCase *writer_cases(void) {
    TCase *tc = tcase_create("writer");
    tcase_add_test(tc, test_everything);
    tcase_add_test(tc, test_limit);
    return tc;
}
