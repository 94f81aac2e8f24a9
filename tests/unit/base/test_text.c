#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "suites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

START_TEST(utf8_table) {
    static const struct {
        const char *text;
        size_t len;
        bool valid;
        size_t bad_at;
    } rows[] = {
        {"", 0, true, 0},
        {"plain ascii, long enough for words", 34, true, 0},
        {"\xC3\xA9", 2, true, 0},
        {"\xE2\x82\xAC", 3, true, 0},
        {"\xF0\x9F\x98\x80", 4, true, 0},
        {"\xF4\x8F\xBF\xBF", 4, true, 0},
        {"a\0b", 3, true, 0},
        {"\xC0\x80", 2, false, 0},
        {"\xC1\xBF", 2, false, 0},
        {"\xE0\x80\x80", 3, false, 0},
        {"\xED\xA0\x80", 3, false, 0},
        {"\xF0\x80\x80\x80", 4, false, 0},
        {"\xF4\x90\x80\x80", 4, false, 0},
        {"\xF5\x80\x80\x80", 4, false, 0},
        {"12345678\xFF", 9, false, 8},
        {"ab\xE2\x82", 4, false, 2},
        {"\x80", 1, false, 0},
        {"\xC3\x28", 2, false, 0},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        size_t at = 99;
        ck_assert_msg(qt_utf8_valid(rows[i].text, rows[i].len, &at) == rows[i].valid, "row %zu", i);
        if (!rows[i].valid) {
            ck_assert_uint_eq(at, rows[i].bad_at);
        }
    }
}
END_TEST

START_TEST(rfc3339) {
    char text[QT_RFC3339_BYTES];
    qt_format_rfc3339(0, text);
    ck_assert_str_eq(text, "1970-01-01T00:00:00.000000Z");
    qt_format_rfc3339(1767225599123456, text);
    ck_assert_str_eq(text, "2025-12-31T23:59:59.123456Z");
    qt_format_rfc3339(-1, text);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999999Z");
}
END_TEST

START_TEST(clocks_move) {
    const qt_clock *clock = qt_clock_system();
    int64_t a = qt_clock_mono_us(clock);
    ck_assert_int_ge(qt_clock_mono_us(clock), a);
    ck_assert_int_gt(qt_clock_wall_us(clock), 1700000000LL * 1000000);
    qt_fake_clock fake;
    qt_fake_clock_init(&fake, 5000);
    fake.now_us += 2000;
    ck_assert_int_eq(qt_clock_mono_ms(&fake.clock), 7);
}
END_TEST

/* What one log call writes; static storage. */
static const char *logged(void (*call)(void)) {
    static char text[20000];
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    qt_log_init("test-svc", QT_LOG_INFO);
    qt_log_set_fd(fileno(f));
    call();
    qt_log_set_fd(1);
    rewind(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void log_pairs(void) {
    qt_log(DEBUG, "not shown");
    qt_log(INFO, "hello \"you\"\n", QT_KV_STR("id", "a\\b\x01"), QT_KV_STR("none", NULL),
           QT_KV_INT("n", -5), QT_KV_NUM("x", 0.5), QT_KV_NUM("nan", NAN));
}

START_TEST(log_line_is_json) {
    const char *line = logged(log_pairs);
    const char *rest = strstr(line, "\"level\":");
    ck_assert_ptr_nonnull(rest);
    ck_assert_str_eq(rest, "\"level\":\"info\",\"service\":\"test-svc\",\"msg\":\"hello "
                           "\\\"you\\\"\\u000a\",\"id\":\"a\\\\b\\u0001\",\"n\":-5,\"x\":0.5,"
                           "\"nan\":null}\n");
    ck_assert_int_eq(strncmp(line, "{\"ts\":\"20", 9), 0);
}
END_TEST

static void log_long(void) {
    static char big[20000];
    memset(big, 'x', sizeof big - 1);
    qt_log(ERROR, "m", QT_KV_STR("bad", "\xFF\xC3\xA9"), QT_KV_STR("big", big),
           QT_KV_INT("after", 1));
}

START_TEST(log_line_is_cut_and_cleaned) {
    const char *line = logged(log_long);
    ck_assert_uint_le(strlen(line), 8192);
    ck_assert_ptr_nonnull(strstr(line, "\"bad\":\"\xEF\xBF\xBD\xC3\xA9\""));
    ck_assert_str_eq(line + strlen(line) - 2, "}\n");
}
END_TEST

START_TEST(log_levels) {
    qt_err err;
    qt_log_level level = QT_LOG_INFO;
    ck_assert_ok(qt_log_level_parse("warn", &level, &err));
    ck_assert_int_eq(level, QT_LOG_WARN);
    ck_assert_int_eq(qt_log_level_parse("loud", &level, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(level, QT_LOG_WARN);
}
END_TEST

void add_text_tests(Suite *suite) {
    TCase *tc = tcase_create("text");
    tcase_add_test(tc, utf8_table);
    tcase_add_test(tc, rfc3339);
    tcase_add_test(tc, clocks_move);
    tcase_add_test(tc, log_line_is_json);
    tcase_add_test(tc, log_line_is_cut_and_cleaned);
    tcase_add_test(tc, log_levels);
    suite_add_tcase(suite, tc);
}
