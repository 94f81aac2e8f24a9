/* Calls that succeed: what reaches the service, and what comes back. */
#include "rig.h"

#include "base/cleanup.h"

#include <string.h>

static rig r;

static void setup(void) {
    rig_start(&r);
}

static void teardown(void) {
    rig_done(&r);
}

START_TEST(test_create) {
    static const char body[] =
        "{\"task_type\":\"simulate\",\"payload\":{\"circuit_type\":\"OPENQASM2\",\"circuitData\":"
        "\"h q[0];\\n\",\"shots\":\"100\",\"seed\":0},\"max_retries\":5,\"priority\":\"high\","
        "\"scheduled_for\":\"2026-01-31T23:59:59.5+01:00\",\"enqueue\":true,"
        "\"meta_data\":{\"team\":\"a\",\"n\":1.5,\"b\":true},\"project\":\"p\"}";
    static const char *const paths[] = {"/v1/tasks", "/tasks"};
    for (size_t i = 0; i < QT_ARRAY_LEN(paths); i++) {
        AUTO_ANSWER a = rig_send(&r, "POST", paths[i], body, 200);
        ck_assert_str_eq(
            a.body,
            "{\"task_id\":\"new\",\"task_type\":\"simulate\",\"status\":\"queued\",\"payload\":{"
            "\"circuit_type\":\"openqasm2\",\"circuit_data\":\"h q[0];\\n\",\"shots\":100,"
            "\"seed\":0,\"simulator_id\":\"\",\"method\":\"unspecified\","
            "\"target\":\"unspecified\",\"profile\":\"unspecified\",\"encoding\":\"unspecified\","
            "\"entry_point\":\"\",\"verify\":false,\"backend_name\":\"\","
            "\"gate_set\":\"unspecified\",\"barrier_calls\":false,"
            "\"global_phase_calls\":false,\"keep_loops\":false,\"inputs\":{}},\"result\":null,"
            "\"error\":\"\",\"retry_count\":0,\"max_retries\":5,\"created_at\":null,"
            "\"updated_at\":null,\"scheduled_for\":\"2026-01-31T22:59:59.500Z\",\"meta_data\":{"
            "\"team\":\"a\",\"n\":1.5,\"b\":true},\"error_reason\":\"\",\"priority\":\"high\","
            "\"project\":\"p\",\"attempt\":0,\"started_at\":null,\"finished_at\":null,"
            "\"progress\":0,\"version\":\"9223372036854775807\"}");
    }
}
END_TEST

START_TEST(test_headers) {
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    AUTO_ANSWER a = rig_ask(
        &r, &(ask){.method = "GET",
                   .path = "/v1/tasks/x",
                   .headers = {"X-Request-Id: my-id.7",
                               "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
                               "01"}});
    ck_assert_int_eq(a.status, 200);
    assert_header(&a, "X-Request-Id: my-id.7");
    assert_header(&a, "X-Content-Type-Options: nosniff");
    assert_header(&a, "Content-Security-Policy: default-src 'none'");
    assert_says(&a, "\"error\":\"my-id.7\"");
    assert_says(&a, trace);
}
END_TEST

START_TEST(test_bad_ids_are_replaced) {
    AUTO_ANSWER a = rig_ask(&r, &(ask){.method = "GET",
                                       .path = "/v1/tasks/x",
                                       .headers = {"X-Request-Id: a b\"c", "traceparent: 00-x"}});
    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_null(strstr(a.body, "a b"));
    assert_says(&a, "\"project\":\"\"");
}
END_TEST

START_TEST(test_ids_with_colons_and_slashes) {
    static const char *const rows[][2] = {
        {"/v1/tasks/qbraid:qbraid:sim:sv", "\"task_id\":\"qbraid:qbraid:sim:sv\""},
        {"/v1/tasks/a%3Ab", "\"task_id\":\"a:b\""},
        {"/v1/tasks/a%2Fb", "\"task_id\":\"a/b\""},
        {"/v1/tasks/h%C3%A9", "\"task_id\":\"h\xC3\xA9\""},
        {"/tasks/x", "\"task_id\":\"x\""},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        AUTO_ANSWER a = rig_get(&r, rows[i][0], 200);
        assert_says(&a, rows[i][1]);
    }
}
END_TEST

START_TEST(test_query) {
    AUTO_ANSWER a = rig_get(&r,
                            "/v1/tasks?status=pending&status=QUEUED&task_type=c_qir_convert&"
                            "label=team%3Da+b&page_size=2&createdAfter=1970-01-01T00:01:00Z",
                            200);
    assert_says(&a, "\"next_page_token\":\"2,1,team=a b,2,60\"");
    assert_says(&a, "\"task_id\":\"listed\"");
}
END_TEST

START_TEST(test_patch) {
    AUTO_ANSWER a = rig_send(&r, "PATCH", "/v1/tasks/7",
                             "{\"maxRetries\":3,\"priority\":\"low\",\"scheduled_for\":null}", 200);
    assert_says(&a, "\"error\":\"max_retries;priority;scheduled_for;\"");
    assert_says(&a, "\"max_retries\":3");
    assert_says(&a, "\"task_id\":\"7\"");
    AUTO_ANSWER given = rig_send(&r, "PATCH", "/v1/tasks/7?update_mask=priority,metaData",
                                 "{\"max_retries\":3}", 200);
    assert_says(&given, "\"error\":\"priority;meta_data;\"");
}
END_TEST

START_TEST(test_batch) {
    AUTO_ANSWER a = rig_send(&r, "POST", "/v1/tasks:batchCreate",
                             "{\"tasks\":[{\"task_type\":\"simulate\"},{}]}", 200);
    ck_assert_str_eq(
        a.body,
        "{\"results\":[{\"task_id\":\"id-0\",\"error\":null},{\"task_id\":\"\",\"error\":{"
        "\"code\":3,\"message\":\"task_type is required\",\"details\":[{\"@type\":"
        "\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"FIELD_REQUIRED\",\"domain\":"
        "\"qtaskdist\",\"metadata\":{}},{\"@type\":\"type.googleapis.com/google.rpc.BadRequest\","
        "\"field_violations\":[{\"field\":\"task_type\",\"description\":\"task_type is "
        "required\",\"reason\":\"FIELD_REQUIRED\"}]"
        "}]}}],\"created_count\":1}");
}
END_TEST

START_TEST(test_bodies) {
    AUTO_ANSWER none = rig_send(&r, "POST", "/v1/tasks/7/cancel", NULL, 200);
    assert_says(&none, "\"task_id\":\"7\"");
    AUTO_ANSWER some = rig_send(&r, "POST", "/v1/tasks/7/cancel", "{\"reason\":\"late\"}", 200);
    assert_says(&some, "\"error\":\"late\"");
    AUTO_ANSWER empty = rig_send(&r, "POST", "/tasks/7/enqueue", NULL, 200);
    assert_says(&empty, "\"task_type\":\"unspecified\"");
    AUTO_ANSWER extra =
        rig_send(&r, "POST", "/tasks/7/enqueue", "{\"task_type\":\"simulate\"}", 200);
    assert_says(&extra, "\"task_type\":\"simulate\"");
    AUTO_ANSWER gone = rig_send(&r, "DELETE", "/v1/tasks/7", NULL, 200);
    ck_assert_str_eq(gone.body, "{}");
    AUTO_ANSWER field =
        rig_send(&r, "POST", "/v1/simulate", "{\"circuit_data\":\"OPENQASM 2.0;\"}", 200);
    assert_says(&field, "\"text\":\"OPENQASM 2.0;\"");
    AUTO_ANSWER paused = rig_send(&r, "POST", "/v1/queues/c-qir-convert/pause", NULL, 200);
    ck_assert_str_eq(paused.body, "{}");
    AUTO_ANSWER limits = rig_get(&r, "/v1/limits", 200);
    assert_says(&limits, "\"max_memory_bytes\":\"1152921504606846976\"");
}
END_TEST

START_TEST(test_large) {
    enum { LEN = 1000000 };
    QT_CLEANUP(qt_buf_done) qt_buf body = {0};
    qt_buf_add_str(&body, "{\"circuit_data\":\"");
    for (size_t i = 0; i < LEN; i++) {
        qt_buf_add_char(&body, (char)('a' + i % 26));
    }
    qt_buf_add_str(&body, "\"}");
    AUTO_ANSWER a = rig_send(&r, "POST", "/v1/simulate", body.data, 200);
    ck_assert_uint_gt(a.body_len, LEN);
    ck_assert_ptr_nonnull(strstr(a.body, "xyzabc"));
    AUTO_ANSWER many = rig_get(&r, "/v1/tasks?page_size=1000", 200);
    ck_assert_uint_gt(many.body_len, 100000);
}
END_TEST

START_TEST(test_head) {
    AUTO_ANSWER a = rig_ask(&r, &(ask){.method = "HEAD", .path = "/v1/tasks/x"});
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.body_len, 0);
}
END_TEST

TCase *calls_cases(void) {
    TCase *tc = tcase_create("calls");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_create);
    tcase_add_test(tc, test_headers);
    tcase_add_test(tc, test_bad_ids_are_replaced);
    tcase_add_test(tc, test_ids_with_colons_and_slashes);
    tcase_add_test(tc, test_query);
    tcase_add_test(tc, test_patch);
    tcase_add_test(tc, test_batch);
    tcase_add_test(tc, test_bodies);
    tcase_add_test(tc, test_large);
    tcase_add_test(tc, test_head);
    return tc;
}
