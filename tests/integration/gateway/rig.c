#include "rig.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "qt_descriptors.h"
#include "json/reader.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const task_services[] = {"qtaskdist.v1.TaskService", NULL};
static const char *const queue_services[] = {"qtaskdist.v1.QueueService", NULL};
static const char *const sim_services[] = {"qtaskdist.v1.SimService", NULL};
static const char *const backend_services[] = {"qtaskdist.v1.BackendService", NULL};

static void start_services(rig *r) {
    qt_err err;
    snprintf(r->target, sizeof r->target, "unix:%s/fake", r->dir);
    qt_rpc_server_options options = {.service = "fake",
                                     .listen_addr = r->target,
                                     .worker_threads = 4,
                                     .queue_limit = 1000,
                                     .max_message_bytes = 64 << 20,
                                     .max_concurrent = 1000,
                                     .max_metadata_bytes = 16384,
                                     .default_deadline_ms = 60000,
                                     .grace_ms = 1000};
    ck_assert_ok(qt_rpc_server_new(&options, &r->server, &err));
    fake_register(r->server, &r->fake);
    ck_assert_ok(qt_rpc_server_start(r->server, &err));
    qt_rpc_server_set_serving(r->server, NULL, true);
}

static void start_gateway(rig *r) {
    qt_err err;
    char nowhere[192];
    snprintf(nowhere, sizeof nowhere, "unix:%s/nobody", r->dir);
    const qt_rpc_channel_options there = {.target = r->target, .max_message_bytes = 64 << 20};
    const qt_rpc_channel_options not_there = {.target = nowhere};
    const qt_upstream_options upstreams[] = {{"task-svc", task_services, &there},
                                             {"queue-svc", queue_services, &there},
                                             {"sim-svc", sim_services, &there},
                                             {"backend-svc", backend_services, &not_there}};
    qt_gateway_options options = {.descriptor_set = qt_descriptor_set,
                                  .descriptor_set_len = qt_descriptor_set_len,
                                  .upstreams = upstreams,
                                  .upstream_count = QT_ARRAY_LEN(upstreams),
                                  .call_timeout_ms = 10000,
                                  .max_call_timeout_ms = 20000,
                                  .max_body_bytes = 1 << 20};
    if (r->change != NULL) {
        r->change(&options);
    }
    ck_assert_ok(qt_gateway_new(&options, &r->gateway, &err));
}

static void start_http(rig *r) {
    qt_err err;
    const qt_http_options options = {.listen_addr = "127.0.0.1:0",
                                     .threads = 2,
                                     .max_body_bytes = 1 << 20,
                                     .max_header_bytes = 32768,
                                     .max_uri_bytes = 4096,
                                     .max_connections = 200,
                                     .idle_timeout_s = 30};
    const qt_http_handler handler = qt_gateway_handler(r->gateway);
    ck_assert_ok(qt_http_server_new(&options, &handler, &r->http, &err));
    snprintf(r->base, sizeof r->base, "http://127.0.0.1:%d", qt_http_server_port(r->http));
}

void rig_start(rig *r) {
    rig_start_with(r, NULL);
}

void rig_start_with(rig *r, void (*change)(qt_gateway_options *options)) {
    *r = (rig){.dir = qt_test_dir_new(), .change = change};
    qt_log_init("gateway", QT_LOG_ERROR);
    pthread_mutex_init(&r->fake.lock, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    start_services(r);
    start_gateway(r);
    start_http(r);
}

void rig_done(rig *r) {
    fake_release(&r->fake);
    if (r->http != NULL) {
        qt_http_server_stop(r->http, 5000);
        qt_http_server_free(r->http);
    }
    qt_gateway_free(r->gateway);
    qt_rpc_server_stop(r->server);
    qt_rpc_server_free(r->server);
    pthread_mutex_destroy(&r->fake.lock);
    curl_global_cleanup();
    qt_test_dir_remove(r->dir);
    free(r->dir);
}

static size_t collect(char *data, size_t size, size_t count, void *out) {
    qt_buf_add(out, data, size * count);
    return size * count;
}

static struct curl_slist *header_list(const ask *a) {
    struct curl_slist *list = NULL;
    bool typed = false;
    for (size_t i = 0; i < QT_ARRAY_LEN(a->headers) && a->headers[i] != NULL; i++) {
        typed = typed || strncmp(a->headers[i], "Content-Type", 12) == 0;
        list = curl_slist_append(list, a->headers[i]);
    }
    return typed ? list : curl_slist_append(list, "Content-Type: application/json");
}

answer rig_ask(const rig *r, const ask *a) {
    char url[8192];
    qt_buf head = {0};
    qt_buf body = {0};
    answer out = {0};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header_list(a);
    snprintf(url, sizeof url, "%s%s", r->base, a->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, a->timeout_ms > 0 ? a->timeout_ms : 20000L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
    if (a->body != NULL) {
        size_t len = a->body_len > 0 ? a->body_len : strlen(a->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, a->body);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, a->method);
    curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(a->method, "HEAD") == 0 ? 1L : 0L);
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out.status);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    out.head = qt_buf_take(&head, NULL);
    out.body = qt_buf_take(&body, &out.body_len);
    return out;
}

void answer_done(answer *a) {
    free(a->head);
    free(a->body);
    *a = (answer){0};
}

answer rig_send(const rig *r, const char *method, const char *path, const char *body, long status) {
    answer a = rig_ask(r, &(ask){.method = method, .path = path, .body = body});
    ck_assert_msg(a.status == status, "%s %s: %ld %s", method, path, a.status, a.body);
    return a;
}

answer rig_get(const rig *r, const char *path, long status) {
    return rig_send(r, "GET", path, NULL, status);
}

void assert_says(const answer *a, const char *text) {
    ck_assert_msg(strstr(a->body, text) != NULL, "no %s in %s", text, a->body);
}

void assert_header(const answer *a, const char *line) {
    ck_assert_msg(strstr(a->head, line) != NULL, "no %s in %s", line, a->head);
}

static void assert_json(const answer *a) {
    qt_err err;
    QT_CLEANUP(qt_json_reader_done) qt_json_reader r;
    qt_json_reader_init(&r, a->body, a->body_len, 64);
    qt_json_token t;
    do {
        ck_assert_ok(qt_json_next(&r, &t, &err));
    } while (t.type != QT_JSON_END);
}

void assert_error(const answer *a, const char *code, const char *reason, const char *field) {
    char text[256];
    assert_json(a);
    assert_header(a, "Content-Type: application/json");
    snprintf(text, sizeof text, "\"status\":\"%s\"", code);
    assert_says(a, text);
    snprintf(text, sizeof text, "\"reason\":\"%s\"", reason);
    assert_says(a, text);
    if (field != NULL) {
        snprintf(text, sizeof text, "\"field\":\"%s\"", field);
        assert_says(a, text);
    }
}
