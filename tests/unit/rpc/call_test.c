/* Unary calls end to end: success, errors, deadlines, cancels, limits, deferred replies. */
#include "rig.h"

#include "base/cleanup.h"
#include "base/metrics.h"
#include "rpc/status.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rig r;

static void set_up(void) {
    rig_init(&r);
    rig_start(&r);
}

static void tear_down(void) {
    rig_release(&r);
    rig_done(&r);
}

START_TEST(test_ok) {
    qt_err err;
    ck_assert_ok(rig_get(&r, "ok", &rig_call, &err));
    ck_assert_ok(rig_get(&r, "big", &rig_call, &err));
}
END_TEST

START_TEST(test_inline_echo) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__CreateTaskRequest req = QTASKDIST__V1__CREATE_TASK_REQUEST__INIT;
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    char text[] = "OPENQASM 3;";
    payload.circuit_data = text;
    payload.shots = 7;
    req.payload = &payload;
    Qtaskdist__V1__Task *task = NULL;
    ck_assert_ok(qt_task_service_create_task(r.channel, &rig_call, &req, &arena, &task, &err));
    ck_assert_str_eq(task->payload->circuit_data, text);
    ck_assert_uint_eq(task->payload->shots, 7);
}
END_TEST

START_TEST(test_error_has_reason) {
    qt_err err;
    ck_assert_int_eq(rig_get(&r, "not-found", &rig_call, &err), QT_NOT_FOUND);
    ck_assert_int_eq(err.reason, QT_REASON_TASK_NOT_FOUND);
    ck_assert_str_eq(err.msg, "no task not-found");
    ck_assert_str_eq(err.field, "");
}
END_TEST

START_TEST(test_error_has_field_and_delay) {
    qt_err err;
    ck_assert_int_eq(rig_get(&r, "field", &rig_call, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_FIELD_INVALID);
    ck_assert_str_eq(err.field, "payload.shots");
    ck_assert_int_eq(err.retry_after_ms, 1500);
}
END_TEST

START_TEST(test_internal_is_masked) {
    qt_err err;
    ck_assert_int_eq(rig_get(&r, "internal", &rig_call, &err), QT_INTERNAL);
    ck_assert_ptr_null(strstr(err.msg, "secret"));
}
END_TEST

START_TEST(test_unimplemented) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__RetryTaskRequest req = QTASKDIST__V1__RETRY_TASK_REQUEST__INIT;
    Qtaskdist__V1__Task *task = NULL;
    ck_assert_int_eq(qt_task_service_retry_task(r.channel, &rig_call, &req, &arena, &task, &err),
                     QT_UNIMPLEMENTED);
    ck_assert_int_eq(err.reason, QT_REASON_METHOD_UNIMPLEMENTED);
    ProtobufCMessage *resp = NULL;
    ck_assert_int_eq(qt_rpc_unary(r.channel, "/no.Such/Method", &rig_call, &req.base,
                                  &qtaskdist__v1__task__descriptor, &arena, &resp, &err),
                     QT_UNIMPLEMENTED);
    ck_assert_int_eq(err.reason, QT_REASON_METHOD_UNKNOWN);
}
END_TEST

START_TEST(test_deadline) {
    qt_err err;
    const qt_rpc_call call = {.timeout_ms = 100};
    ck_assert_int_eq(rig_get(&r, "sleep", &call, &err), QT_DEADLINE_EXCEEDED);
    ck_assert_int_eq(err.reason, QT_REASON_DEADLINE_EXCEEDED);
    rig_wait_count(&r.cancelled, 1); /* the server side ends too */
}
END_TEST

static bool handler_runs(void *arg) {
    return atomic_load(&((rig *)arg)->running) > 0;
}

START_TEST(test_caller_cancels) {
    qt_err err;
    const qt_rpc_call call = {.timeout_ms = 20000, .cancelled = handler_runs, .self = &r};
    ck_assert_int_eq(rig_get(&r, "sleep", &call, &err), QT_CANCELLED);
    ck_assert_int_eq(err.reason, QT_REASON_CALL_CANCELLED);
    rig_wait_count(&r.cancelled, 1);
}
END_TEST

START_TEST(test_deferred) {
    qt_err err;
    for (int i = 0; i < 200; i++) {
        ck_assert_ok(rig_get(&r, "defer", &rig_call, &err));
    }
    ck_assert_int_eq(rig_get(&r, "defer-fail", &rig_call, &err), QT_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(err.reason, QT_REASON_OVERLOADED);
}
END_TEST

START_TEST(test_deferred_is_told_of_the_cancel) {
    qt_err err;
    const qt_rpc_call call = {.timeout_ms = 100};
    ck_assert_int_eq(rig_get(&r, "hold", &call, &err), QT_DEADLINE_EXCEEDED);
    rig_wait_count(&r.cancelled, 1);
    ck_assert_int_eq(rig_release(&r), 1); /* a reply to nobody is fine */
}
END_TEST

START_TEST(test_request_id_and_trace) {
    qt_err err;
    char text[256];
    const char *trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    qt_trace_ctx ctx;
    ck_assert(qt_trace_parse(trace, &ctx));
    const qt_rpc_call call = {.timeout_ms = 10000, .request_id = "req-1", .trace = &ctx};
    char want[256];
    snprintf(want, sizeof want, "req-1|%s||req-1", trace);
    ck_assert_ok(rig_get_text(&r, "id", &call, text, sizeof text, &err));
    ck_assert_str_eq(text, want);
    const qt_rpc_call bad = {.timeout_ms = 10000, .request_id = "a\nb"};
    ck_assert_ok(rig_get_text(&r, "id", &bad, text, sizeof text, &err));
    ck_assert_str_eq(text + strcspn(text, "|"), "|||none");
    ck_assert(strcspn(text, "|") > 16); /* one was made */
}
END_TEST

START_TEST(test_call_needs_a_timeout) {
    qt_err err;
    const qt_rpc_call call = {.timeout_ms = 0};
    ck_assert_int_eq(rig_get(&r, "ok", &call, &err), QT_DEADLINE_EXCEEDED);
}
END_TEST

/* Both sides are in this process, so each of their checked allocations fails once. */
START_TEST(test_each_allocation_may_fail) {
    qt_err warm;
    ck_assert_int_eq(rig_get(&r, "ok", &rig_call, &warm), QT_OK); /* the health watch stands */
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_code code = rig_get(&r, "ok", &rig_call, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
        code = rig_get(&r, "field", &rig_call, &err);
        ck_assert(code == QT_INVALID_ARGUMENT || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

/* ---- raw calls ---- */

typedef struct raw_result {
    atomic_int done;
    qt_code code;
    qt_reason reason;
    size_t body_len;
    int64_t retry_after_ms;
} raw_result;

static void keep_reply(void *arg, const qt_rpc_raw_reply *reply) {
    raw_result *result = arg;
    result->code = reply->code;
    result->body_len = reply->body_len;
    result->retry_after_ms = reply->retry_after_ms;
    if (reply->code != QT_OK) {
        qt_err err;
        (void)qt_rpc_err_from_status(reply->code, reply->message, reply->status_details,
                                     reply->status_details_len, &err);
        result->reason = err.reason;
    }
    atomic_fetch_add(&result->done, 1);
}

/* A GetTaskRequest by hand: field 1, length, text. */
static size_t raw_request(const char *id, uint8_t body[64]) {
    size_t len = strlen(id);
    body[0] = 0x0a;
    body[1] = (uint8_t)len;
    memcpy(body + 2, id, len);
    return len + 2;
}

static raw_result raw_get(const char *id, const qt_rpc_call *call) {
    static raw_result result;
    memset(&result, 0, sizeof result);
    uint8_t body[64];
    qt_rpc_raw_async(r.channel, QT_TASK_SERVICE_GET_TASK_PATH, call, body, raw_request(id, body),
                     keep_reply, &result);
    rig_wait_count(&result.done, 1);
    return result;
}

START_TEST(test_raw) {
    raw_result ok = raw_get("ok", &rig_call);
    ck_assert_int_eq(ok.code, QT_OK);
    ck_assert_uint_eq(ok.body_len, 4);
    const qt_rpc_call no_time = {.timeout_ms = -5};
    ck_assert_int_eq(raw_get("ok", &no_time).code, QT_DEADLINE_EXCEEDED);
    raw_result bad = raw_get("field", &rig_call);
    ck_assert_int_eq(bad.code, QT_INVALID_ARGUMENT);
    ck_assert_int_eq(bad.reason, QT_REASON_FIELD_INVALID);
    ck_assert_int_eq(bad.retry_after_ms, 1500);
}
END_TEST

START_TEST(test_raw_cancel) {
    const qt_rpc_call call = {.timeout_ms = 20000, .cancelled = handler_runs, .self = &r};
    raw_result result = raw_get("sleep", &call);
    ck_assert_int_eq(result.code, QT_CANCELLED);
    rig_wait_count(&r.cancelled, 1);
}
END_TEST

/* ---- limits ---- */

enum { FLOOD = 40 };

static void *hold_one(void *arg) {
    qt_err err;
    const qt_rpc_call call = {.timeout_ms = 20000};
    *(qt_code *)arg = rig_get(&r, "sleep", &call, &err);
    return NULL;
}

/* One thread and a queue of one: the third call at a time is refused. */
START_TEST(test_pool_overflow) {
    rig_done(&r);
    rig_init(&r);
    r.options.worker_threads = 1;
    r.options.queue_limit = 1;
    r.options.grace_ms = 0;
    rig_start(&r);
    pthread_t threads[2];
    qt_code codes[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_one, &codes[i]), 0);
    }
    rig_wait_count(&r.running, 1);
    qt_err err = {0};
    const qt_rpc_call call = {.timeout_ms = 500};
    qt_code code = QT_OK;
    /* The other thread's call may come after ours; then ours waits and times out. */
    for (int tries = 0; tries < FLOOD && code != QT_RESOURCE_EXHAUSTED; tries++) {
        code = rig_get(&r, "sleep", &call, &err);
    }
    ck_assert_int_eq(code, QT_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(err.reason, QT_REASON_OVERLOADED);
    ck_assert_int_gt(err.retry_after_ms, 0);
    qt_rpc_server_stop(r.server); /* cancels what sleeps */
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_ne(codes[i], QT_OK);
    }
}
END_TEST

START_TEST(test_oversize_request) {
    rig_done(&r);
    rig_init(&r);
    r.options.max_message_bytes = 65536;
    rig_start(&r);
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__CreateTaskRequest req = QTASKDIST__V1__CREATE_TASK_REQUEST__INIT;
    QT_AUTO_FREE char *text = qt_xcalloc(1, 100001);
    memset(text, 'a', 100000);
    req.project = text;
    Qtaskdist__V1__Task *task = NULL;
    ck_assert_int_eq(qt_task_service_create_task(r.channel, &rig_call, &req, &arena, &task, &err),
                     QT_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(err.reason, QT_REASON_MESSAGE_TOO_LARGE);
    ck_assert_ok(rig_get(&r, "ok", &rig_call, &err)); /* the connection lives */
}
END_TEST

START_TEST(test_default_deadline) {
    rig_done(&r);
    rig_init(&r);
    r.options.default_deadline_ms = 100;
    rig_start(&r);
    /* A client without a deadline: the longest one is infinite for the core. */
    const qt_rpc_call call = {.timeout_ms = INT64_MAX / 1000};
    qt_err err;
    ck_assert_int_eq(rig_get(&r, "sleep", &call, &err), QT_DEADLINE_EXCEEDED);
    ck_assert_int_eq(rig_get(&r, "hold", &call, &err), QT_DEADLINE_EXCEEDED);
    rig_wait_count(&r.cancelled, 2);
}
END_TEST

START_TEST(test_bad_messages_are_refused) {
    static const struct {
        const char *bytes;
        size_t len;
        qt_reason reason;
    } cases[] = {
        {"\x0a\x02\xc3\x28", 4, QT_REASON_UTF8_INVALID},
        {"\x0a\x03"
         "a\0b",
         5, QT_REASON_UTF8_INVALID},
        {"\x0b\x0c", 2, QT_REASON_MESSAGE_MALFORMED},
        {"\x0a\x7f", 2, QT_REASON_MESSAGE_MALFORMED},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        raw_result result = {0};
        qt_rpc_raw_async(r.channel, QT_TASK_SERVICE_GET_TASK_PATH, &rig_call,
                         (const uint8_t *)cases[i].bytes, cases[i].len, keep_reply, &result);
        rig_wait_count(&result.done, 1);
        ck_assert_int_eq(result.code, QT_INVALID_ARGUMENT);
        ck_assert_int_eq(result.reason, cases[i].reason);
    }
}
END_TEST

START_TEST(test_metrics) {
    qt_err err;
    ck_assert_ok(rig_get(&r, "ok", &rig_call, &err));
    ck_assert_int_eq(rig_get(&r, "not-found", &rig_call, &err), QT_NOT_FOUND);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_metrics_write(&text, QT_METRICS_PROMETHEUS);
    const char *all = qt_buf_str(&text);
    static const char *const lines[] = {
        "qt_rpc_server_seconds_count{method=\"qtaskdist.v1.TaskService/GetTask\",code=\"OK\"} 1\n",
        "qt_rpc_server_seconds_count{method=\"qtaskdist.v1.TaskService/GetTask\","
        "code=\"NOT_FOUND\"} 1\n",
        "qt_rpc_server_in_flight{method=\"qtaskdist.v1.TaskService/GetTask\"} 0\n",
        "qt_rpc_client_seconds_count{method=\"qtaskdist.v1.TaskService/GetTask\","
        "code=\"NOT_FOUND\"} 1\n",
        "qt_rpc_pool_queue_length 0\n",
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(lines); i++) {
        ck_assert_msg(strstr(all, lines[i]) != NULL, "missing: %s in\n%s", lines[i], all);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_call");
    TCase *tcase = tcase_create("call");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_ok);
    tcase_add_test(tcase, test_inline_echo);
    tcase_add_test(tcase, test_error_has_reason);
    tcase_add_test(tcase, test_error_has_field_and_delay);
    tcase_add_test(tcase, test_internal_is_masked);
    tcase_add_test(tcase, test_unimplemented);
    tcase_add_test(tcase, test_deadline);
    tcase_add_test(tcase, test_caller_cancels);
    tcase_add_test(tcase, test_deferred);
    tcase_add_test(tcase, test_deferred_is_told_of_the_cancel);
    tcase_add_test(tcase, test_request_id_and_trace);
    tcase_add_test(tcase, test_call_needs_a_timeout);
    tcase_add_test(tcase, test_each_allocation_may_fail);
    tcase_add_test(tcase, test_raw);
    tcase_add_test(tcase, test_raw_cancel);
    tcase_add_test(tcase, test_pool_overflow);
    tcase_add_test(tcase, test_oversize_request);
    tcase_add_test(tcase, test_default_deadline);
    tcase_add_test(tcase, test_bad_messages_are_refused);
    tcase_add_test(tcase, test_metrics);
    suite_add_tcase(suite, tcase);
    return qt_test_run(suite);
}
