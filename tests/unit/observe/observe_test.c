/* /metrics over HTTP, and which format a scraper gets. */
#include "observe/observe.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "observe/accept.h"
#include "testlib.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

START_TEST(accept_header) {
    static const struct {
        const char *accept;
        qt_metrics_format format;
    } rows[] = {
        {NULL, QT_METRICS_PROMETHEUS},
        {"", QT_METRICS_PROMETHEUS},
        {"*/*", QT_METRICS_PROMETHEUS},
        {"text/plain", QT_METRICS_PROMETHEUS},
        {"application/openmetrics-text", QT_METRICS_OPENMETRICS},
        {"Application/OpenMetrics-Text ; version=1.0.0", QT_METRICS_OPENMETRICS},
        {"application/openmetrics-text;version=2.0.0", QT_METRICS_PROMETHEUS},
        {"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
         "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         QT_METRICS_OPENMETRICS},
        {"application/openmetrics-text;q=0.5, text/plain", QT_METRICS_PROMETHEUS},
        {"application/openmetrics-text;q=0", QT_METRICS_PROMETHEUS},
        {"application/openmetrics-text;q=none", QT_METRICS_PROMETHEUS},
        {"application/openmetrics-text;q=0.00000000001", QT_METRICS_PROMETHEUS},
        {",,;;, application/openmetrics-text", QT_METRICS_OPENMETRICS},
        {";q=", QT_METRICS_PROMETHEUS},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        ck_assert_msg(qt_accept_format(rows[i].accept) == rows[i].format, "row %zu", i);
    }
}
END_TEST

typedef struct reply {
    long status;
    qt_buf head;
    qt_buf body;
} reply;

static size_t keep(char *data, size_t size, size_t count, void *buf) {
    qt_buf_add(buf, data, size * count);
    return size * count;
}

static void reply_done(reply *r) {
    qt_buf_done(&r->head);
    qt_buf_done(&r->body);
}

static reply get(int port, const char *method, const char *path, const char *accept) {
    reply r = {0};
    char url[128];
    char header[128];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    snprintf(header, sizeof header, "Accept: %s", accept);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r.body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &r.head);
    CURLcode code = curl_easy_perform(curl);
    ck_assert_msg(code == CURLE_OK, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return r;
}

#define AUTO_REPLY QT_CLEANUP(reply_done) reply

static qt_observe *start(const char *addr) {
    qt_err err;
    qt_observe *observe = NULL;
    qt_observe_options options = {
        .service = "test-svc", .metrics_addr = addr, .trace = {.sampler = "always_on"}};
    ck_assert_ok(qt_observe_start(&options, &observe, &err));
    return observe;
}

static void assert_says(const reply *r, const char *text) {
    ck_assert_msg(strstr(qt_buf_str(&r->body), text) != NULL, "no %s in\n%s", text,
                  qt_buf_str(&r->body));
}

START_TEST(metrics_page) {
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = start("127.0.0.1:0");
    int port = qt_observe_port(observe);
    AUTO_REPLY plain = get(port, "GET", "/metrics", "*/*");
    ck_assert_int_eq(plain.status, 200);
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&plain.head), "text/plain; version=0.0.4"));
    assert_says(&plain, "qt_build_info{service=\"test-svc\",version=\"" QT_VERSION "\"} 1\n");
    assert_says(&plain, "# TYPE process_cpu_seconds_total counter\n");
    assert_says(&plain, "process_open_fds ");
    AUTO_REPLY open = get(port, "GET", "/metrics", "application/openmetrics-text");
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&open.head), "application/openmetrics-text"));
    assert_says(&open, "# TYPE process_cpu_seconds counter\n");
    assert_says(&open, "# EOF\n");
}
END_TEST

/* The number behind a name at the start of a line. */
static double value_of(const reply *r, const char *name) {
    const char *at = strstr(qt_buf_str(&r->body), name);
    ck_assert_ptr_nonnull(at);
    return strtod(at + strlen(name), NULL);
}

START_TEST(process_metrics_are_plausible) {
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = start("127.0.0.1:0");
    AUTO_REPLY r = get(qt_observe_port(observe), "GET", "/metrics", "*/*");
    double now = (double)time(NULL);
    double start_s = value_of(&r, "\nprocess_start_time_seconds ");
    ck_assert_double_le(start_s, now + 2);
    ck_assert_double_gt(start_s, now - 600);
    ck_assert_double_gt(value_of(&r, "\nprocess_resident_memory_bytes "), 1e6);
    ck_assert_double_ge(value_of(&r, "\nprocess_virtual_memory_bytes "),
                        value_of(&r, "\nprocess_resident_memory_bytes "));
    ck_assert_double_ge(value_of(&r, "\nprocess_threads "), 2);
    ck_assert_double_ge(value_of(&r, "\nprocess_open_fds "), 3);
    ck_assert_double_ge(value_of(&r, "\nprocess_max_fds "), value_of(&r, "\nprocess_open_fds "));
}
END_TEST

START_TEST(other_pages) {
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = start("127.0.0.1:0");
    AUTO_REPLY other = get(qt_observe_port(observe), "GET", "/metrics2", "*/*");
    ck_assert_int_eq(other.status, 404);
    AUTO_REPLY post = get(qt_observe_port(observe), "POST", "/metrics", "*/*");
    ck_assert_int_eq(post.status, 405);
}
END_TEST

START_TEST(off) {
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = start("off");
    ck_assert_int_eq(qt_observe_port(observe), 0);
}
END_TEST

START_TEST(address_in_use) {
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = start("127.0.0.1:0");
    char addr[32];
    qt_err err;
    qt_observe *second = NULL;
    snprintf(addr, sizeof addr, "127.0.0.1:%d", qt_observe_port(observe));
    qt_observe_options options = {
        .service = "test-svc", .metrics_addr = addr, .trace = {.sampler = "always_on"}};
    ck_assert_int_ne(qt_observe_start(&options, &second, &err), QT_OK);
    ck_assert_ptr_nonnull(strstr(err.msg, "METRICS_ADDR"));
    ck_assert_ptr_null(second);
}
END_TEST

int main(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    Suite *suite = suite_create("observe");
    TCase *tc = tcase_create("observe");
    tcase_add_test(tc, accept_header);
    tcase_add_test(tc, metrics_page);
    tcase_add_test(tc, process_metrics_are_plausible);
    tcase_add_test(tc, other_pages);
    tcase_add_test(tc, off);
    tcase_add_test(tc, address_in_use);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
