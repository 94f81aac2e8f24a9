/* Errors to google.rpc.Status and back. */
#include "rpc/status.h"

#include "base/cleanup.h"
#include "base/diagnostics.h"
#include "testlib.h"

#include <google/rpc/error_details.pb-c.h>
#include <stdio.h>
#include <string.h>

static void pack(const qt_err *err, qt_buf *out) {
    qt_rpc_err_to_status_bytes(err, "req-7", out);
    ck_assert(!out->failed);
    ck_assert_uint_gt(out->len, 0);
}

static qt_code back(qt_code code, const qt_buf *bytes, qt_err *ret_err) {
    return qt_rpc_err_from_status(code, "text", (const uint8_t *)bytes->data, bytes->len, ret_err);
}

START_TEST(test_round_trip) {
    qt_err err;
    qt_err got;
    (void)qt_fail_field(&err, FIELD_INVALID, "tasks[3].payload.shots", "no \xc3\xa4pfel");
    err.retry_after_ms = 2750;
    QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
    pack(&err, &bytes);
    ck_assert_int_eq(back(err.code, &bytes, &got), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(got.reason, QT_REASON_FIELD_INVALID);
    ck_assert_str_eq(got.field, err.field);
    ck_assert_int_eq(got.retry_after_ms, 2750);
}
END_TEST

START_TEST(test_message) {
    qt_err err;
    (void)qt_fail(&err, TASK_NOT_FOUND, "no task x");
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    const Google__Rpc__Status *status = qt_rpc_err_to_status(&err, "req-7", &arena);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(status->code, QT_NOT_FOUND);
    ck_assert_str_eq(status->message, "no task x");
    ck_assert_uint_eq(status->n_details, 1);
    ck_assert_str_eq(status->details[0]->type_url, "type.googleapis.com/google.rpc.ErrorInfo");
    Google__Rpc__ErrorInfo *info = google__rpc__error_info__unpack(
        NULL, status->details[0]->value.len, status->details[0]->value.data);
    ck_assert_str_eq(info->reason, "TASK_NOT_FOUND");
    ck_assert_str_eq(info->domain, "qtaskdist");
    ck_assert_str_eq(info->metadata[0]->key, "request_id");
    ck_assert_str_eq(info->metadata[0]->value, "req-7");
    google__rpc__error_info__free_unpacked(info, NULL);
}
END_TEST

/* A list of `count` errors, each on a line of its own. */
static qt_diagnostics many_errors(size_t count, const char *message) {
    static const char lines[] = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
    qt_text text = {.start = lines, .len = sizeof lines - 1};
    qt_diagnostics list = {0};
    qt_err err;
    for (size_t i = 0; i < count; i++) {
        const qt_finding finding = {
            .reason = QT_REASON_CIRCUIT_SYNTAX, .offset = 2 * i, .message = message};
        ck_assert_ok(qt_diagnostics_add(&list, &text, &finding, &err));
    }
    return list;
}

static Google__Rpc__BadRequest *bad_request_of(const qt_diagnostics *list, qt_arena *arena) {
    qt_err err;
    ck_assert_int_eq(qt_diagnostics_raise(list, &err), QT_INVALID_ARGUMENT);
    snprintf(err.field, sizeof err.field, "payload.circuit_data");
    const Google__Rpc__Status *status = qt_rpc_err_to_status(&err, "req-7", arena);
    ck_assert_ptr_nonnull(status);
    ck_assert_uint_eq(status->n_details, 2);
    ck_assert_str_eq(status->details[1]->type_url, "type.googleapis.com/google.rpc.BadRequest");
    return google__rpc__bad_request__unpack(NULL, status->details[1]->value.len,
                                            status->details[1]->value.data);
}

START_TEST(test_each_error_is_a_violation) {
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = many_errors(3, "it is wrong");
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Google__Rpc__BadRequest *bad = bad_request_of(&list, &arena);
    ck_assert_uint_eq(bad->n_field_violations, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(bad->field_violations[i]->field, "payload.circuit_data");
        ck_assert_str_eq(bad->field_violations[i]->reason, "CIRCUIT_SYNTAX");
    }
    ck_assert_str_eq(bad->field_violations[2]->description, "3:1: it is wrong");
    google__rpc__bad_request__free_unpacked(bad, NULL);
}
END_TEST

START_TEST(test_violations_fit_the_trailers) {
    char message[1001];
    memset(message, 'm', 1000);
    message[1000] = '\0';
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = many_errors(10, message);
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Google__Rpc__BadRequest *bad = bad_request_of(&list, &arena);
    ck_assert_uint_eq(bad->n_field_violations, 3);
    google__rpc__bad_request__free_unpacked(bad, NULL);
}
END_TEST

START_TEST(test_internal_is_masked) {
    qt_err err;
    (void)qt_fail(&err, INTERNAL, "password=1234");
    QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
    pack(&err, &bytes);
    ck_assert_ptr_null(memmem(bytes.data, bytes.len, "1234", 4));
}
END_TEST

START_TEST(test_garbage_is_no_harm) {
    qt_err err;
    const qt_buf garbage = {.data = (char[]){"\x1a\x05\x0a"}, .len = 3};
    ck_assert_int_eq(back(QT_UNAVAILABLE, &garbage, &err), QT_UNAVAILABLE);
    ck_assert_int_eq(err.reason, QT_REASON_SERVICE_UNAVAILABLE);
    ck_assert_str_eq(err.msg, "text");
}
END_TEST

START_TEST(test_code_of_the_core_gets_a_reason) {
    static const struct {
        qt_code code;
        qt_reason reason;
    } cases[] = {
        {QT_CANCELLED, QT_REASON_CALL_CANCELLED},
        {QT_DEADLINE_EXCEEDED, QT_REASON_DEADLINE_EXCEEDED},
        {QT_UNAVAILABLE, QT_REASON_SERVICE_UNAVAILABLE},
        {QT_RESOURCE_EXHAUSTED, QT_REASON_MESSAGE_TOO_LARGE},
        {QT_UNIMPLEMENTED, QT_REASON_METHOD_UNKNOWN},
        {QT_INTERNAL, QT_REASON_REMOTE_ERROR},
        {QT_OK, QT_REASON_REMOTE_ERROR},
    };
    const qt_buf none = {0};
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        qt_err err;
        qt_code code = back(cases[i].code, &none, &err);
        ck_assert_int_ne(code, QT_OK);
        ck_assert_int_eq(err.reason, cases[i].reason);
    }
}
END_TEST

START_TEST(test_each_allocation_may_fail) {
    qt_err err;
    (void)qt_fail_field(&err, FIELD_INVALID, "payload", "bad");
    err.retry_after_ms = 1;
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
        qt_rpc_err_to_status_bytes(&err, "req", &bytes);
        qt_err got;
        qt_code code = back(QT_INVALID_ARGUMENT, &bytes, &got);
        ck_assert_int_eq(code, QT_INVALID_ARGUMENT);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_status");
    TCase *tcase = tcase_create("status");
    tcase_add_test(tcase, test_round_trip);
    tcase_add_test(tcase, test_message);
    tcase_add_test(tcase, test_each_error_is_a_violation);
    tcase_add_test(tcase, test_violations_fit_the_trailers);
    tcase_add_test(tcase, test_internal_is_masked);
    tcase_add_test(tcase, test_garbage_is_no_harm);
    tcase_add_test(tcase, test_code_of_the_core_gets_a_reason);
    tcase_add_test(tcase, test_each_allocation_may_fail);
    suite_add_tcase(suite, tcase);
    return qt_test_run(suite);
}
