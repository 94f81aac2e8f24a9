/* The gateway's own paths, many clients at once, clients that leave, and the stop. */
#include "rig.h"

#include "base/cleanup.h"
#include "base/metrics.h"
#include "gateway/probe.h"
#include "qt_descriptors.h"

#include <stdio.h>
#include <string.h>

static rig r;

static void setup(void) {
    rig_start(&r);
}

static void teardown(void) {
    rig_done(&r);
}

START_TEST(test_own_paths) {
    AUTO_ANSWER health = rig_get(&r, "/healthz", 200);
    ck_assert_str_eq(health.body, "{\"status\":\"ok\"}");
    AUTO_ANSWER ready = rig_get(&r, "/readyz", 503);
    ck_assert_str_eq(
        ready.body, "{\"status\":\"not_ready\",\"services\":{\"task-svc\":\"serving\",\"queue-svc\""
                    ":\"serving\",\"sim-svc\":\"serving\",\"backend-svc\":\"unavailable\"}}");
    qt_rpc_server_set_serving(r.server, NULL, false);
    AUTO_ANSWER lame = rig_get(&r, "/readyz", 503);
    ck_assert_ptr_null(strstr(lame.body, "\"task-svc\":\"serving\""));
}
END_TEST

static void need_two(qt_gateway_options *options) {
    options->ready_services = "task-svc, sim-svc";
}

/* Services that are scaled to zero are no reason to send no requests. */
START_TEST(test_ready_services) {
    rig some;
    rig_start_with(&some, need_two);
    AUTO_ANSWER ready = rig_get(&some, "/readyz", 200);
    ck_assert_str_eq(ready.body,
                     "{\"status\":\"ready\",\"services\":{\"task-svc\":\"serving\",\"queue-svc\""
                     ":\"serving\",\"sim-svc\":\"serving\",\"backend-svc\":\"unavailable\"}}");
    qt_http_server_drain(some.http);
    qt_gateway_drain(some.gateway);
    AUTO_ANSWER stopping = rig_get(&some, "/readyz", 503);
    AUTO_ANSWER health = rig_get(&some, "/healthz", 200);
    AUTO_ANSWER task = rig_get(&some, "/v1/tasks/x", 200);
    rig_done(&some);
}
END_TEST

START_TEST(test_ready_services_are_checked) {
    qt_err err;
    qt_gateway *gateway = NULL;
    const qt_gateway_options options = {.descriptor_set = qt_descriptor_set,
                                        .descriptor_set_len = qt_descriptor_set_len,
                                        .ready_services = "task-svc,tasks"};
    ck_assert_int_eq(qt_gateway_new(&options, &gateway, &err), QT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.msg, "\"task-svc\""));
}
END_TEST

START_TEST(test_metrics) {
    AUTO_ANSWER health = rig_get(&r, "/healthz", 200);
    AUTO_ANSWER task = rig_get(&r, "/v1/tasks/missing", 404);
    AUTO_ANSWER none = rig_get(&r, "/nothing/here", 404);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_metrics_write(&text, QT_METRICS_PROMETHEUS);
    static const char *const lines[] = {
        "qt_gateway_request_seconds_count{route=\"/healthz\",code=\"200\"} 1\n",
        "qt_gateway_request_seconds_count{route=\"TaskService.GetTask\",code=\"404\"} 1\n",
        "qt_gateway_request_seconds_count{route=\"none\",code=\"404\"} 1\n",
        "qt_gateway_active_requests 0\n",
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(lines); i++) {
        ck_assert_msg(strstr(qt_buf_str(&text), lines[i]) != NULL, "missing: %s in\n%s", lines[i],
                      qt_buf_str(&text));
    }
}
END_TEST

START_TEST(test_pages) {
    static const char *const rows[][2] = {
        {"/", "text/html"},
        {"/docs", "text/html"},
        {"/index.js", "text/javascript"},
        {"/docs.js", "text/javascript"},
        {"/style.css", "text/css"},
        {"/openapi.json", "application/json"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        char line[64];
        AUTO_ANSWER a = rig_get(&r, rows[i][0], 200);
        snprintf(line, sizeof line, "Content-Type: %s", rows[i][1]);
        assert_header(&a, line);
        ck_assert_uint_gt(a.body_len, 100);
    }
    AUTO_ANSWER page = rig_get(&r, "/", 200);
    assert_header(&page, "script-src 'self'");
    ck_assert_ptr_null(strstr(page.body, "<script>"));
    ck_assert_ptr_null(strstr(page.body, "onclick"));
}
END_TEST

START_TEST(test_probe) {
    qt_err err;
    ck_assert_ok(qt_gateway_probe(r.base + strlen("http://"), 2000, &err));
    char nowhere[32];
    snprintf(nowhere, sizeof nowhere, "0.0.0.0:%d", qt_test_free_port());
    ck_assert_int_eq(qt_gateway_probe(nowhere, 200, &err), QT_UNAVAILABLE);
    ck_assert_int_eq(qt_gateway_probe("nonsense", 200, &err), QT_INVALID_ARGUMENT);
}
END_TEST

enum { CLIENTS = 8, CALLS = 50 };

static void *client(void *arg) {
    size_t *good = arg;
    for (int i = 0; i < CALLS; i++) {
        static const char *const paths[] = {"/v1/tasks/x", "/v1/tasks?page_size=3", "/healthz",
                                            "/v1/tasks/missing"};
        AUTO_ANSWER a = rig_ask(&r, &(ask){.method = "GET", .path = paths[i % 4]});
        *good += a.status == (i % 4 == 3 ? 404 : 200);
    }
    return NULL;
}

START_TEST(test_many_clients) {
    pthread_t threads[CLIENTS];
    size_t good[CLIENTS] = {0};
    for (size_t i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, client, &good[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(good[i], CALLS);
    }
}
END_TEST

static bool is_cancelled(void *arg) {
    (void)arg;
    return atomic_load(&r.fake.cancelled) == 1;
}

START_TEST(test_client_leaves) {
    AUTO_ANSWER a =
        rig_ask(&r, &(ask){.method = "GET", .path = "/v1/tasks/7/wait", .timeout_ms = 300});
    ck_assert_int_eq(a.status, 0);
    ck_assert(qt_test_wait(is_cancelled, NULL, 5000));
    AUTO_ANSWER next = rig_get(&r, "/v1/tasks/x", 200);
    assert_says(&next, "\"task_id\":\"x\"");
}
END_TEST

static void *waiter(void *arg) {
    answer *a = arg;
    *a = rig_ask(&r, &(ask){.method = "GET", .path = "/v1/tasks/7/wait"});
    return NULL;
}

static bool all_wait(void *arg) {
    return atomic_load(&r.fake.waiting) == *(int *)arg;
}

static void start_waiters(pthread_t *threads, answer *answers, int count) {
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, waiter, &answers[i]), 0);
    }
    ck_assert(qt_test_wait(all_wait, &count, 10000));
}

/* More long calls than threads: none of them keeps a thread. */
START_TEST(test_long_calls) {
    enum { COUNT = 30 };
    pthread_t threads[COUNT];
    answer answers[COUNT] = {0};
    start_waiters(threads, answers, COUNT);
    AUTO_ANSWER other = rig_get(&r, "/v1/tasks/x", 200);
    assert_says(&other, "\"task_id\":\"x\"");
    fake_release(&r.fake);
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(answers[i].status, 200);
        assert_says(&answers[i], "\"task_id\":\"waited\"");
        answer_done(&answers[i]);
    }
}
END_TEST

static void *stopper(void *arg) {
    qt_http_server_stop(r.http, *(int64_t *)arg);
    return NULL;
}

static bool refuses(void *arg) {
    (void)arg;
    qt_err err;
    return qt_gateway_probe(r.base + strlen("http://"), 200, &err) != QT_OK;
}

/* A stop waits for the call that runs; new connections are not taken. */
START_TEST(test_stop_drains) {
    pthread_t waiting;
    pthread_t stopping;
    answer a = {0};
    int64_t grace_ms = 20000;
    start_waiters(&waiting, &a, 1);
    ck_assert_int_eq(pthread_create(&stopping, NULL, stopper, &grace_ms), 0);
    ck_assert(qt_test_wait(refuses, NULL, 10000));
    fake_release(&r.fake);
    pthread_join(waiting, NULL);
    pthread_join(stopping, NULL);
    ck_assert_int_eq(a.status, 200);
    assert_header(&a, "Connection: close");
    answer_done(&a);
}
END_TEST

/* When the grace is over the call is cancelled and answered. */
START_TEST(test_stop_aborts) {
    pthread_t waiting;
    answer a = {0};
    int64_t grace_ms = 50;
    start_waiters(&waiting, &a, 1);
    stopper(&grace_ms);
    pthread_join(waiting, NULL);
    ck_assert_int_eq(a.status, 499);
    assert_error(&a, "CANCELLED", "CALL_CANCELLED", NULL);
    answer_done(&a);
}
END_TEST

START_TEST(test_service_goes) {
    AUTO_ANSWER before = rig_get(&r, "/v1/tasks/x", 200);
    qt_rpc_server_stop(r.server);
    AUTO_ANSWER down = rig_send(&r, "POST", "/v1/tasks", "{\"project\":\"p\"}", 503);
    assert_error(&down, "UNAVAILABLE", "SERVICE_UNAVAILABLE", NULL);
    assert_says(&down, "task-svc");
    assert_says(&before, "\"task_id\":\"x\"");
}
END_TEST

TCase *server_cases(void) {
    TCase *tc = tcase_create("server");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_own_paths);
    tcase_add_test(tc, test_ready_services);
    tcase_add_test(tc, test_ready_services_are_checked);
    tcase_add_test(tc, test_metrics);
    tcase_add_test(tc, test_pages);
    tcase_add_test(tc, test_probe);
    tcase_add_test(tc, test_many_clients);
    tcase_add_test(tc, test_client_leaves);
    tcase_add_test(tc, test_long_calls);
    tcase_add_test(tc, test_stop_drains);
    tcase_add_test(tc, test_stop_aborts);
    tcase_add_test(tc, test_service_goes);
    return tc;
}
