#include "base/utf8.h"
#include "suites.h"

#include <string.h>

static qt_code find(qt_err *err) {
    return qt_fail(err, TASK_NOT_FOUND, "task %s", "t-1");
}

START_TEST(raise_fills_everything) {
    qt_err err;
    ck_assert_int_eq(find(&err), QT_NOT_FOUND);
    ck_assert_int_eq(err.code, QT_NOT_FOUND);
    ck_assert_int_eq(err.reason, QT_REASON_TASK_NOT_FOUND);
    ck_assert_str_eq(err.msg, "task t-1");
    ck_assert_str_eq(err.field, "");
    ck_assert_int_gt(err.line, 0);
    ck_assert_int_eq(qt_wrap(&err, "get"), QT_NOT_FOUND);
    ck_assert_str_eq(err.msg, "get: task t-1");
}
END_TEST

START_TEST(field_gets_its_prefix) {
    qt_err err;
    ck_assert_int_eq(qt_fail_field(&err, FIELD_REQUIRED, "payload.shots", "missing"),
                     QT_INVALID_ARGUMENT);
    qt_err_prefix_field(&err, "tasks[3].");
    ck_assert_str_eq(err.field, "tasks[3].payload.shots");
    find(&err);
    qt_err_prefix_field(&err, "tasks[3].");
    ck_assert_str_eq(err.field, "");
}
END_TEST

START_TEST(long_messages_stay_valid_utf8) {
    /* Every cut position inside a sequence of four bytes is met once. */
    for (size_t shift = 0; shift < 4; shift++) {
        char text[600];
        memset(text, 'a', shift);
        for (size_t i = shift; i + 4 < sizeof text; i += 4) {
            memcpy(text + i, "\xF0\x9F\x98\x80", 4);
        }
        text[shift + 4 * 140] = '\0';
        qt_err err;
        ck_assert_int_eq(qt_fail_field(&err, FIELD_INVALID, text, "%s", text), QT_INVALID_ARGUMENT);
        ck_assert(qt_utf8_valid(err.msg, strlen(err.msg), NULL));
        ck_assert(qt_utf8_valid(err.field, strlen(err.field), NULL));
        ck_assert_uint_gt(strlen(err.msg), sizeof err.msg - 8);
    }
}
END_TEST

START_TEST(names_and_numbers_match) {
    for (int i = 1; i < QT_REASON_COUNT_; i++) {
        qt_reason reason = (qt_reason)i;
        ck_assert_int_eq(qt_reason_from_name(qt_reason_name(reason)), reason);
        ck_assert_int_ne(qt_reason_code(reason), QT_OK);
        ck_assert_uint_gt(strlen(qt_reason_text(reason)), 0);
    }
    ck_assert_int_eq(qt_reason_from_name("NO_SUCH"), QT_REASON_NONE);
    ck_assert_int_eq(qt_reason_from_name(NULL), QT_REASON_NONE);
    ck_assert_str_eq(qt_code_name(QT_UNAUTHENTICATED), "UNAUTHENTICATED");
    ck_assert_str_eq(qt_code_name((qt_code)99), "UNKNOWN");
}
END_TEST

START_TEST(remote_errors_keep_what_is_known) {
    qt_err err;
    ck_assert_int_eq(qt_err_raise_remote(&err, QT_ABORTED, "FENCED", "late"), QT_ABORTED);
    ck_assert_int_eq(err.reason, QT_REASON_FENCED);
    ck_assert_int_eq(qt_err_raise_remote(&err, QT_NOT_FOUND, "NEW_WORD", "x"), QT_NOT_FOUND);
    ck_assert_int_eq(err.reason, QT_REASON_REMOTE_ERROR);
    ck_assert_int_eq(qt_err_raise_remote(&err, QT_OK, NULL, NULL), QT_UNKNOWN);
}
END_TEST

void add_err_tests(Suite *suite) {
    TCase *tc = tcase_create("err");
    tcase_add_test(tc, raise_fills_everything);
    tcase_add_test(tc, field_gets_its_prefix);
    tcase_add_test(tc, long_messages_stay_valid_utf8);
    tcase_add_test(tc, names_and_numbers_match);
    tcase_add_test(tc, remote_errors_keep_what_is_known);
    suite_add_tcase(suite, tc);
}
