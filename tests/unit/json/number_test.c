#include "json/number.h"

#include "json_test.h"

#include <float.h>
#include <math.h>
#include <string.h>

START_TEST(test_i64) {
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-0.0e5", true, 0},
        {"0e999999999999999999999", true, 0},
        {"1", true, 1},
        {"-1", true, -1},
        {"1.0", true, 1},
        {"1.50e1", true, 15},
        {"1e5", true, 100000},
        {"1E+2", true, 100},
        {"120e-1", true, 12},
        {"100000000000000000000e-19", true, 10},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9.223372036854775807e18", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"1e19", false, 0},
        {"1e99999999999999999999", false, 0},
        {"1e-99999999999999999999", false, 0},
        {"0.5", false, 0},
        {"1.5", false, 0},
        {"1e-1", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"01", false, 0},
        {"1.", false, 0},
        {"0x1", false, 0},
        {"1e", false, 0},
        {"NaN", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = 77;
        bool ok = qt_json_parse_i64(rows[i].text, strlen(rows[i].text), &value);
        ck_assert_msg(ok == rows[i].ok, "%s", rows[i].text);
        ck_assert_int_eq(value, ok ? rows[i].value : 77);
    }
}
END_TEST

START_TEST(test_u64) {
    uint64_t v = 0;
    ck_assert(qt_json_parse_u64("18446744073709551615", 20, &v));
    ck_assert_uint_eq(v, UINT64_MAX);
    ck_assert(!qt_json_parse_u64("18446744073709551616", 20, &v));
    ck_assert(!qt_json_parse_u64("-1", 2, &v));
    ck_assert(qt_json_parse_u64("-0", 2, &v));
    ck_assert_uint_eq(v, 0);
}
END_TEST

START_TEST(test_double) {
    double v = 0;
    ck_assert(qt_json_parse_double("1.7976931348623157e308", 22, &v));
    ck_assert(v == DBL_MAX);
    ck_assert(!qt_json_parse_double("1e309", 5, &v));
    ck_assert(!qt_json_parse_double("-1e309", 6, &v));
    ck_assert(!qt_json_parse_double("nan", 3, &v));
    ck_assert(!qt_json_parse_double("0x10", 4, &v));
    ck_assert(!qt_json_parse_double("", 0, &v));
    ck_assert(qt_json_parse_double("1e-999", 6, &v));
    ck_assert(v == 0);
    ck_assert(qt_json_parse_double("-0", 2, &v));
    ck_assert(v == 0 && signbit(v));
    char many[2000];
    memset(many, '1', sizeof many);
    ck_assert(!qt_json_parse_double(many, sizeof many, &v));
}
END_TEST

START_TEST(test_format) {
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {100, "100"},
        {1e21, "1e+21"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {5e-324, "4.94065645841247e-324"},
    };
    char text[QT_JSON_DOUBLE_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_uint_eq(qt_json_format_double(rows[i].value, text), strlen(rows[i].text));
        ck_assert_str_eq(text, rows[i].text);
    }
    ck_assert_uint_eq(qt_json_format_float(0.1F, text), 3);
    ck_assert_str_eq(text, "0.1");
    qt_json_format_float(FLT_MAX, text);
    ck_assert_str_eq(text, "3.4028235e+38");
}
END_TEST

TCase *number_cases(void) {
    TCase *tc = tcase_create("number");
    tcase_add_test(tc, test_i64);
    tcase_add_test(tc, test_u64);
    tcase_add_test(tc, test_double);
    tcase_add_test(tc, test_format);
    return tc;
}
