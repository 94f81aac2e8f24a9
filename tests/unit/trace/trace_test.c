/* Contexts, sampling, what a collector gets, and what happens when it does not want it. */
#include "trace/trace.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/server.h"
#include "testlib.h"
#include "trace/otlp.h"
#include "trace/sampler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define UNSAMPLED "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

/* ---- contexts ---- */

START_TEST(traceparent) {
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {PARENT, true},
        {UNSAMPLED, true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
        {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more", false},
        {PARENT "-more", false},
        {PARENT " ", false},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01", false},
        {"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", false},
        {"", false},
        {NULL, false},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_trace_ctx ctx;
        ck_assert_msg(qt_trace_parse(rows[i].text, &ctx) == rows[i].ok, "row %zu", i);
        ck_assert(qt_trace_is_set(&ctx) == rows[i].ok);
    }
}
END_TEST

static qt_trace_ctx context(const char *text) {
    qt_trace_ctx ctx;
    ck_assert(qt_trace_parse(text, &ctx));
    return ctx;
}

START_TEST(there_and_back) {
    char text[QT_TRACEPARENT_BYTES];
    uint8_t packed[QT_TRACE_PACKED_BYTES];
    qt_trace_ctx ctx = context(PARENT);
    qt_trace_ctx again;
    qt_trace_format(&ctx, text);
    ck_assert_str_eq(text, PARENT);
    qt_trace_pack(&ctx, packed);
    ck_assert(qt_trace_unpack(packed, sizeof packed, &again));
    ck_assert_mem_eq(&ctx, &again, sizeof ctx);
    ck_assert(!qt_trace_unpack(packed, sizeof packed - 1, &again));
    ck_assert(!qt_trace_is_set(&again));
    ck_assert(!qt_trace_unpack(NULL, 0, &again));
    qt_trace_format(&again, text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(scopes_nest) {
    qt_trace_ctx outer_ctx = context(PARENT);
    qt_trace_scope outer, inner;
    ck_assert(!qt_trace_is_set(qt_trace_current()));
    qt_trace_enter(&outer, &outer_ctx, "r-1");
    qt_trace_enter(&inner, NULL, NULL);
    ck_assert(!qt_trace_is_set(qt_trace_current()));
    qt_trace_leave(&inner);
    ck_assert_mem_eq(qt_trace_current(), &outer_ctx, sizeof outer_ctx);
    qt_trace_leave(&outer);
    ck_assert(!qt_trace_is_set(qt_trace_current()));
}
END_TEST

START_TEST(log_lines_carry_the_scope) {
    int fds[2];
    char line[2048] = {0};
    qt_trace_ctx ctx = context(PARENT);
    qt_trace_scope scope;
    ck_assert_int_eq(pipe(fds), 0);
    qt_log_init("test", QT_LOG_INFO);
    qt_log_set_fd(fds[1]);
    qt_trace_enter(&scope, &ctx, "r-7");
    qt_log(INFO, "inside");
    qt_trace_leave(&scope);
    qt_log(INFO, "outside");
    qt_log_set_fd(1);
    ck_assert_int_gt(read(fds[0], line, sizeof line - 1), 0);
    const char *outside = strstr(line, "outside");
    ck_assert_ptr_nonnull(outside);
    const char *trace = strstr(line, "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
                                     "\"span_id\":\"b7ad6b7169203331\",\"request_id\":\"r-7\"");
    ck_assert_msg(trace != NULL && trace < outside, "%s", line);
    ck_assert_ptr_null(strstr(outside, "trace_id"));
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* ---- sampling ---- */

static double share_of(const qt_trace_sampler *sampler, const qt_trace_ctx *parent) {
    enum { TRIES = 20000 };
    int taken = 0;
    uint64_t state = 1;
    for (int i = 0; i < TRIES; i++) {
        uint8_t id[QT_TRACE_ID_BYTES];
        for (size_t j = 0; j < sizeof id; j++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
            id[j] = (uint8_t)(state >> 56);
        }
        taken += qt_trace_sampler_takes(sampler, parent, id);
    }
    return (double)taken / TRIES;
}

START_TEST(samplers) {
    static const struct {
        const char *name, *arg;
        double root, under_sampled, under_unsampled;
    } rows[] = {
        {"always_on", "", 1, 1, 1},
        {"always_off", "", 0, 0, 0},
        {"traceidratio", "0.25", 0.25, 0.25, 0.25},
        {"traceidratio", "1", 1, 1, 1},
        {"traceidratio", "0", 0, 0, 0},
        {"parentbased_always_on", "", 1, 1, 0},
        {"parentbased_always_off", "", 0, 1, 0},
        {"parentbased_traceidratio", "0.25", 0.25, 1, 0},
    };
    qt_trace_ctx sampled = context(PARENT);
    qt_trace_ctx unsampled = context(UNSAMPLED);
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_err err;
        qt_trace_sampler s;
        ck_assert_ok(qt_trace_sampler_make(rows[i].name, rows[i].arg, &s, &err));
        ck_assert_double_eq_tol(share_of(&s, NULL), rows[i].root, 0.02);
        ck_assert_double_eq_tol(share_of(&s, &sampled), rows[i].under_sampled, 0.02);
        ck_assert_double_eq_tol(share_of(&s, &unsampled), rows[i].under_unsampled, 0.02);
    }
}
END_TEST

START_TEST(bad_samplers) {
    static const char *const rows[][2] = {
        {"sometimes", ""},     {"", ""},
        {"traceidratio", "2"}, {"traceidratio", "-0.1"},
        {"traceidratio", ""},  {"parentbased_traceidratio", "nan"},
        {"parentbased_", "1"}};
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_err err;
        qt_trace_sampler s;
        ck_assert_int_eq(qt_trace_sampler_make(rows[i][0], rows[i][1], &s, &err),
                         QT_INVALID_ARGUMENT);
        ck_assert_int_eq(err.reason, QT_REASON_SETTING_INVALID);
        ck_assert_ptr_nonnull(strstr(err.msg, "OTEL_TRACES_SAMPLER"));
    }
}
END_TEST

/* ---- a collector ---- */

typedef struct collector {
    qt_http_server *http;
    char url[64];
    int status;
    pthread_mutex_t lock;
    qt_buf bodies;
    atomic_int requests;
    atomic_bool holds; /* answers wait */
    qt_http_request *held;
    char key[64]; /* header api-key */
} collector;

static void on_request(void *self, qt_http_request *http) {
    collector *c = self;
    size_t len;
    const char *body = qt_http_body(http, &len);
    const char *key = qt_http_header(http, "api-key");
    pthread_mutex_lock(&c->lock);
    qt_buf_add(&c->bodies, body, len);
    snprintf(c->key, sizeof c->key, "%s", key != NULL ? key : "");
    bool hold = atomic_load(&c->holds);
    c->held = hold ? http : NULL;
    pthread_mutex_unlock(&c->lock);
    atomic_fetch_add(&c->requests, 1);
    if (!hold) {
        qt_http_reply(http, c->status, NULL, NULL);
    }
}

static void on_refuse(void *self, qt_http_request *http, qt_http_refusal why) {
    (void)self;
    (void)why;
    qt_http_reply(http, 400, NULL, NULL);
}

static void collector_start(collector *c, int status) {
    qt_err err;
    *c = (collector){.status = status, .lock = PTHREAD_MUTEX_INITIALIZER};
    const qt_http_options options = {.listen_addr = "127.0.0.1:0",
                                     .threads = 2,
                                     .max_body_bytes = 1 << 24,
                                     .max_header_bytes = 16384,
                                     .max_uri_bytes = 1024,
                                     .max_connections = 10,
                                     .idle_timeout_s = 60};
    const qt_http_handler handler = {on_request, on_refuse, c};
    ck_assert_ok(qt_http_server_new(&options, &handler, &c->http, &err));
    snprintf(c->url, sizeof c->url, "http://127.0.0.1:%d/", qt_http_server_port(c->http));
}

static void collector_stop(collector *c) {
    qt_http_server_stop(c->http, 5000);
    qt_http_server_free(c->http);
    qt_buf_done(&c->bodies);
}

static qt_trace_options options_for(const char *url) {
    return (qt_trace_options){.service = "test-svc",
                              .endpoint = url,
                              .traces_endpoint = "",
                              .protocol = "http/protobuf",
                              .headers = "api-key=a%20b",
                              .resource = "deployment.environment=prod%2Fone",
                              .sampler = "parentbased_always_on",
                              .sampler_arg = "",
                              .max_queue = 64,
                              .max_batch = 16,
                              .delay_ms = 20,
                              .timeout_ms = 5000};
}

static bool contains(const qt_buf *buf, const void *bytes, size_t len) {
    return buf->len > 0 && memmem(buf->data, buf->len, bytes, len) != NULL;
}

static double spans(const char *outcome) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    char name[96];
    snprintf(name, sizeof name, "\nqt_trace_spans_total{outcome=\"%s\"} ", outcome);
    qt_metrics_write(&text, QT_METRICS_PROMETHEUS);
    const char *at = strstr(qt_buf_str(&text), name);
    return at != NULL ? strtod(at + strlen(name), NULL) : 0;
}

START_TEST(spans_arrive) {
    qt_err err;
    collector c;
    collector_start(&c, 200);
    qt_trace_options options = options_for(c.url);
    ck_assert_ok(qt_trace_start(&options, &err));
    qt_trace_ctx parent = context(PARENT);
    qt_trace_span *span = NULL;
    qt_trace_ctx ctx = qt_trace_begin("work", QT_TRACE_SERVER, &parent, &span);
    ck_assert_ptr_nonnull(span);
    ck_assert_mem_eq(ctx.trace_id, parent.trace_id, sizeof ctx.trace_id);
    ck_assert_mem_ne(ctx.span_id, parent.span_id, sizeof ctx.span_id);
    qt_trace_str(span, "qt.word", "h\xC3\xA9llo");
    qt_trace_str(span, "qt.bad", "\xFFno utf-8");
    qt_trace_int(span, "qt.number", 42);
    (void)qt_fail(&err, TASK_NOT_FOUND, "no task");
    qt_trace_end(span, &err);
    qt_trace_stop();
    ck_assert_int_eq(atomic_load(&c.requests), 1);
    ck_assert_str_eq(c.key, "a b");
    static const char *const texts[] = {"work",     "h\xC3\xA9llo",   "?no utf-8",
                                        "test-svc", "TASK_NOT_FOUND", "prod/one"};
    for (size_t i = 0; i < QT_ARRAY_LEN(texts); i++) {
        ck_assert_msg(contains(&c.bodies, texts[i], strlen(texts[i])), "no %s", texts[i]);
    }
    ck_assert(contains(&c.bodies, ctx.trace_id, sizeof ctx.trace_id));
    ck_assert(contains(&c.bodies, ctx.span_id, sizeof ctx.span_id));
    ck_assert(contains(&c.bodies, parent.span_id, sizeof parent.span_id));
    ck_assert_double_eq(spans("exported"), 1);
    collector_stop(&c);
}
END_TEST

START_TEST(unsampled_spans_do_not_exist) {
    qt_err err;
    collector c;
    collector_start(&c, 200);
    qt_trace_options options = options_for(c.url);
    ck_assert_ok(qt_trace_start(&options, &err));
    qt_trace_ctx parent = context(UNSAMPLED);
    qt_trace_span *span = NULL;
    qt_trace_ctx ctx = qt_trace_begin("work", QT_TRACE_SERVER, &parent, &span);
    ck_assert_ptr_null(span);
    ck_assert(qt_trace_is_set(&ctx) && !qt_trace_is_sampled(&ctx));
    qt_trace_str(span, "a", "b");
    qt_trace_end(span, NULL);
    qt_trace_ctx none = qt_trace_unsampled();
    ck_assert(qt_trace_is_set(&none) && !qt_trace_is_sampled(&none));
    qt_trace_stop();
    ck_assert_int_eq(atomic_load(&c.requests), 0);
    collector_stop(&c);
}
END_TEST

START_TEST(without_export_contexts_pass) {
    qt_trace_ctx parent = context(PARENT);
    qt_trace_span *span = NULL;
    qt_trace_ctx ctx = qt_trace_begin("work", QT_TRACE_SERVER, &parent, &span);
    ck_assert_ptr_null(span);
    ck_assert_mem_eq(&ctx, &parent, sizeof ctx);
    ctx = qt_trace_begin("work", QT_TRACE_SERVER, NULL, &span);
    ck_assert(!qt_trace_is_set(&ctx));
    ctx = qt_trace_unsampled();
    ck_assert(!qt_trace_is_set(&ctx));
}
END_TEST

static void make_spans(int count) {
    for (int i = 0; i < count; i++) {
        qt_trace_span *span = NULL;
        qt_trace_begin("many", QT_TRACE_INTERNAL, NULL, &span);
        qt_trace_end(span, NULL);
    }
}

static bool has_held(void *arg) {
    collector *c = arg;
    pthread_mutex_lock(&c->lock);
    bool held = c->held != NULL;
    pthread_mutex_unlock(&c->lock);
    return held;
}

/* The collector hangs with the first batch in its hands: the queue fills, the rest is dropped, and
 * nobody who ends a span waits. */
START_TEST(a_full_queue_drops) {
    qt_err err;
    collector c;
    collector_start(&c, 200);
    atomic_store(&c.holds, true);
    qt_trace_options options = options_for(c.url);
    ck_assert_ok(qt_trace_start(&options, &err));
    make_spans(16);
    ck_assert(qt_test_wait(has_held, &c, 5000));
    make_spans(64 + 100);
    ck_assert_double_eq(spans("dropped"), 100);
    atomic_store(&c.holds, false);
    qt_http_reply(c.held, 200, NULL, NULL);
    qt_trace_stop();
    ck_assert_double_eq(spans("exported"), 16 + 64);
    collector_stop(&c);
}
END_TEST

START_TEST(a_refused_batch_is_lost) {
    qt_err err;
    collector c;
    collector_start(&c, 400);
    qt_log_set_fd(-1);
    qt_trace_options options = options_for(c.url);
    ck_assert_ok(qt_trace_start(&options, &err));
    make_spans(3);
    qt_trace_stop();
    ck_assert_double_eq(spans("lost"), 3);
    ck_assert_double_eq(spans("exported"), 0);
    collector_stop(&c);
}
END_TEST

static bool has_two_requests(void *arg) {
    return atomic_load(&((collector *)arg)->requests) >= 2;
}

START_TEST(a_busy_collector_is_asked_again) {
    qt_err err;
    collector c;
    collector_start(&c, 503);
    qt_log_set_fd(-1);
    qt_trace_options options = options_for(c.url);
    ck_assert_ok(qt_trace_start(&options, &err));
    make_spans(1);
    ck_assert(qt_test_wait(has_two_requests, &c, 5000));
    qt_trace_stop();
    ck_assert_double_eq(spans("lost"), 1);
    collector_stop(&c);
}
END_TEST

START_TEST(bad_settings) {
    qt_err err;
    qt_trace_options options = options_for("collector:4318");
    ck_assert_int_eq(qt_trace_start(&options, &err), QT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.msg, "OTEL_EXPORTER_OTLP_ENDPOINT"));
    options = options_for("http://127.0.0.1:1");
    options.protocol = "grpc";
    ck_assert_int_eq(qt_trace_start(&options, &err), QT_INVALID_ARGUMENT);
    ck_assert(!qt_trace_enabled());
}
END_TEST

/* ---- pairs ---- */

static void add_pair(void *arg, const char *key, const char *value) {
    qt_buf_printf(arg, "%s=%s;", key, value);
}

START_TEST(pairs) {
    static const char *const rows[][2] = {
        {"", ""},
        {"a=b", "a=b;"},
        {"a=b,c=d", "a=b;c=d;"},
        {" a=1 , b=2", "a=1 ;b=2;"},
        {"a=%41%2c%zz%4", "a=A,%zz%4;"},
        {"=x,novalue,,k=", "k=;"},
        {"k==", "k==;"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        QT_CLEANUP(qt_buf_done) qt_buf out = {0};
        qt_otlp_each_pair(rows[i][0], add_pair, &out);
        ck_assert_str_eq(qt_buf_str(&out), rows[i][1]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trace");
    TCase *tc = tcase_create("trace");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, traceparent);
    tcase_add_test(tc, there_and_back);
    tcase_add_test(tc, scopes_nest);
    tcase_add_test(tc, log_lines_carry_the_scope);
    tcase_add_test(tc, samplers);
    tcase_add_test(tc, bad_samplers);
    tcase_add_test(tc, spans_arrive);
    tcase_add_test(tc, unsampled_spans_do_not_exist);
    tcase_add_test(tc, without_export_contexts_pass);
    tcase_add_test(tc, a_full_queue_drops);
    tcase_add_test(tc, a_refused_batch_is_lost);
    tcase_add_test(tc, a_busy_collector_is_asked_again);
    tcase_add_test(tc, bad_settings);
    tcase_add_test(tc, pairs);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
