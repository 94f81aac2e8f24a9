/* Calls that fail: HTTP status, google.rpc.Status, reason and place. */
#include "rig.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

static rig r;

static void setup(void) {
    rig_start(&r);
}

static void teardown(void) {
    rig_done(&r);
}

static const struct {
    const char *method;
    const char *path;
    const char *body;
    long status;
    const char *code;
    const char *reason;
    const char *field;
    const char *says;
} rows[] = {
    /* Of the services. */
    {"GET", "/v1/tasks/missing", NULL, 404, "NOT_FOUND", "TASK_NOT_FOUND", NULL, "task missing"},
    {"GET", "/v1/tasks/busy", NULL, 429, "RESOURCE_EXHAUSTED", "OVERLOADED", NULL,
     "\"retry_delay\":\"1.500s\""},
    {"GET", "/v1/tasks/field", NULL, 400, "INVALID_ARGUMENT", "SHOTS_OUT_OF_RANGE", "payload.shots",
     "too many shots"},
    {"GET", "/v1/tasks/bug", NULL, 500, "INTERNAL", "INTERNAL", NULL, "internal error"},
    {"GET", "/v1/tasks/store", NULL, 503, "UNAVAILABLE", "STORE_UNAVAILABLE", NULL, "away"},
    {"POST", "/v1/tasks/7/retry", NULL, 501, "UNIMPLEMENTED", "METHOD_UNIMPLEMENTED", NULL, ""},
    {"GET", "/v1/devices", NULL, 503, "UNAVAILABLE", "SERVICE_UNAVAILABLE", NULL, "backend-svc"},
    /* Of the gateway. */
    {"GET", "/v1/tasks:watch?project=missing", NULL, 404, "NOT_FOUND", "TASK_NOT_FOUND", NULL, ""},
    {"GET", "/nothing", NULL, 404, "NOT_FOUND", "ROUTE_NOT_FOUND", NULL, "/nothing"},
    {"GET", "/v1/tasks/", NULL, 404, "NOT_FOUND", "ROUTE_NOT_FOUND", NULL, "/v1/tasks/"},
    {"GET", "/v1/%FF", NULL, 404, "NOT_FOUND", "ROUTE_NOT_FOUND", NULL, ""},
    {"GET", "/v1/\xFF", NULL, 404, "NOT_FOUND", "ROUTE_NOT_FOUND", NULL, ""},
    {"POST", "/qtaskdist.v1.TaskWorkerService/ClaimTasks", "{}", 404, "NOT_FOUND",
     "ROUTE_NOT_FOUND", NULL, ""},
    {"DELETE", "/v1/tasks", NULL, 405, "UNIMPLEMENTED", "HTTP_METHOD_NOT_ALLOWED", NULL, ""},
    {"POST", "/healthz", "{}", 405, "UNIMPLEMENTED", "HTTP_METHOD_NOT_ALLOWED", NULL, ""},
    {"POST", "/v1/tasks", NULL, 400, "INVALID_ARGUMENT", "BODY_REQUIRED", NULL, "JSON body"},
    {"PATCH", "/v1/tasks/7", NULL, 400, "INVALID_ARGUMENT", "BODY_REQUIRED", NULL, ""},
    {"POST", "/v1/tasks", "{\"task_type\":}", 400, "INVALID_ARGUMENT", "JSON_SYNTAX", NULL, "1:14"},
    {"POST", "/v1/tasks", "{\"task_typ\":1}", 400, "INVALID_ARGUMENT", "FIELD_UNKNOWN", "task_typ",
     "did you mean task_type"},
    {"POST", "/v1/tasks", "{\"payload\":{\"shots\":-1}}", 400, "INVALID_ARGUMENT", "FIELD_INVALID",
     "payload.shots", ""},
    {"POST", "/v1/tasks", "{\"task_type\":\"x\"}", 400, "INVALID_ARGUMENT", "FIELD_INVALID",
     "task_type", "simulate, c_qir_convert, backend_run"},
    {"POST", "/v1/tasks", "{\"project\":\"\xFF\"}", 400, "INVALID_ARGUMENT", "UTF8_INVALID", NULL,
     ""},
    {"POST", "/v1/tasks:batchCreate", "{\"tasks\":[{},{\"payload\":{\"shot\":1}}]}", 400,
     "INVALID_ARGUMENT", "FIELD_UNKNOWN", "tasks[1].payload.shot", "shots"},
    {"GET", "/v1/tasks?page_sise=1", NULL, 400, "INVALID_ARGUMENT", "FIELD_UNKNOWN", "page_sise",
     "page_size"},
    {"GET", "/v1/tasks/%zz", NULL, 400, "INVALID_ARGUMENT", "FIELD_INVALID", NULL, ""},
    {"GET", "/v1/tasks/%FF", NULL, 400, "INVALID_ARGUMENT", "UTF8_INVALID", "task_id", ""},
    {"GET", "/v1/tasks/a%00b", NULL, 400, "INVALID_ARGUMENT", "UTF8_INVALID", "task_id", "NUL"},
    {"POST", "/v1/queues/none/pause", NULL, 400, "INVALID_ARGUMENT", "FIELD_INVALID", "task_type",
     ""},
};

START_TEST(test_row) {
    AUTO_ANSWER a = rig_send(&r, rows[_i].method, rows[_i].path, rows[_i].body, rows[_i].status);
    assert_error(&a, rows[_i].code, rows[_i].reason, rows[_i].field);
    assert_says(&a, rows[_i].says);
    ck_assert_ptr_null(strstr(a.body, "secret"));
}
END_TEST

START_TEST(test_headers_of_errors) {
    AUTO_ANSWER busy = rig_get(&r, "/v1/tasks/busy", 429);
    assert_header(&busy, "Retry-After: 2");
    AUTO_ANSWER down = rig_get(&r, "/v1/devices", 503);
    assert_header(&down, "Retry-After: 1");
    AUTO_ANSWER method = rig_send(&r, "PUT", "/v1/tasks", "{}", 405);
    assert_header(&method, "Allow: GET, POST");
    AUTO_ANSWER own = rig_send(&r, "PUT", "/", "{}", 405);
    assert_header(&own, "Allow: GET");
}
END_TEST

START_TEST(test_content_type) {
    static const struct {
        const char *header;
        long status;
    } types[] = {
        {"Content-Type:", 200}, /* none at all */
        {"Content-Type: application/json", 200},
        {"Content-Type: Application/JSON ; charset=utf-8", 200},
        {"Content-Type: text/plain", 415},
        {"Content-Type: application/x-www-form-urlencoded", 415},
        {"Content-Type: application/jsonx", 415},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(types); i++) {
        AUTO_ANSWER a = rig_ask(&r, &(ask){.method = "POST",
                                           .path = "/v1/tasks",
                                           .body = "{\"project\":\"p\"}",
                                           .headers = {types[i].header}});
        ck_assert_msg(a.status == types[i].status, "%s: %ld", types[i].header, a.status);
        if (a.status == 415) {
            assert_error(&a, "INVALID_ARGUMENT", "MEDIA_TYPE_UNSUPPORTED", NULL);
        }
    }
}
END_TEST

START_TEST(test_too_large) {
    enum { LEN = 3 << 20 };
    static const char *const headers[] = {NULL, "Transfer-Encoding: chunked", "Expect:"};
    QT_AUTO_FREE char *body = malloc(LEN);
    memset(body, ' ', LEN);
    for (size_t i = 0; i < QT_ARRAY_LEN(headers); i++) {
        AUTO_ANSWER a = rig_ask(&r, &(ask){.method = "POST",
                                           .path = "/v1/tasks",
                                           .body = body,
                                           .body_len = LEN,
                                           .headers = {headers[i]}});
        ck_assert_int_eq(a.status, 413);
        assert_error(&a, "RESOURCE_EXHAUSTED", "BODY_TOO_LARGE", NULL);
    }
    char path[6000] = "/v1/tasks?page_token=";
    memset(path + strlen(path), 'a', 5000);
    AUTO_ANSWER uri = rig_get(&r, path, 414);
    assert_error(&uri, "INVALID_ARGUMENT", "URI_TOO_LONG", NULL);
}
END_TEST

START_TEST(test_nesting_bomb) {
    enum { LEN = 500000 };
    QT_AUTO_FREE char *body = malloc(LEN);
    memset(body, '[', LEN);
    AUTO_ANSWER a =
        rig_ask(&r, &(ask){.method = "POST", .path = "/v1/tasks", .body = body, .body_len = LEN});
    ck_assert_int_eq(a.status, 400);
    assert_error(&a, "INVALID_ARGUMENT", "NESTING_TOO_DEEP", NULL);
}
END_TEST

START_TEST(test_timeout) {
    static const char *const headers[] = {"X-Timeout-Ms: 60", "Grpc-Timeout: 60m"};
    for (size_t i = 0; i < QT_ARRAY_LEN(headers); i++) {
        AUTO_ANSWER a = rig_ask(
            &r, &(ask){.method = "GET", .path = "/v1/tasks/7/wait", .headers = {headers[i]}});
        ck_assert_int_eq(a.status, 504);
        assert_error(&a, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", NULL);
    }
    static const char *const wrong[] = {"X-Timeout-Ms: soon", "X-Timeout-Ms: -1", "Grpc-Timeout: 5",
                                        "Grpc-Timeout: 99999999999S"};
    for (size_t i = 0; i < QT_ARRAY_LEN(wrong); i++) {
        AUTO_ANSWER a =
            rig_ask(&r, &(ask){.method = "GET", .path = "/v1/tasks/7", .headers = {wrong[i]}});
        ck_assert_msg(a.status == 400, "%s: %ld", wrong[i], a.status);
        assert_error(&a, "INVALID_ARGUMENT", "FIELD_INVALID", NULL);
    }
}
END_TEST

TCase *errors_cases(void) {
    TCase *tc = tcase_create("errors");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_row, 0, QT_ARRAY_LEN(rows));
    tcase_add_test(tc, test_headers_of_errors);
    tcase_add_test(tc, test_content_type);
    tcase_add_test(tc, test_too_large);
    tcase_add_test(tc, test_nesting_bomb);
    tcase_add_test(tc, test_timeout);
    return tc;
}
