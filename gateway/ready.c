/* /readyz: asks every service at once for its health; the last answer writes ours. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "gateway/gateway_impl.h"
#include "gateway/wire.h"
#include "json/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 2000, SERVING = 1 };

typedef struct check {
    struct round *round;
    bool serving;
    char message[128];
} check;

typedef struct round {
    qt_exchange *x;
    pthread_mutex_t lock;
    size_t missing;
    check checks[QT_GATEWAY_UPSTREAMS];
} round;

static void write_checks(const round *r, bool all, qt_buf *out) {
    const qt_gateway *g = r->x->gateway;
    qt_json_writer w = qt_json_writer_make(out);
    qt_json_open_object(&w);
    qt_json_pair(&w, "status", all ? "ready" : "not_ready");
    qt_json_key(&w, "services");
    qt_json_open_object(&w);
    for (size_t i = 0; i < g->upstream_count; i++) {
        qt_json_key(&w, g->upstreams[i].name);
        qt_json_str(&w, r->checks[i].serving ? "serving" : r->checks[i].message);
    }
    qt_json_close_object(&w);
    qt_json_close_object(&w);
}

static void finish(void *arg, qt_http_request *http) {
    (void)http;
    round *r = arg;
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    bool all = true;
    for (size_t i = 0; i < r->x->gateway->upstream_count; i++) {
        all = all && (r->checks[i].serving || !r->x->gateway->upstreams[i].needed);
    }
    all = all && !atomic_load(&r->x->gateway->draining);
    write_checks(r, all, &out);
    qt_exchange *x = r->x;
    pthread_mutex_destroy(&r->lock);
    free(r);
    qt_answer_status(x, all ? 200 : 503, &out);
}

/* HealthCheckResponse{status = 1}. */
static bool is_serving(const qt_rpc_raw_reply *reply) {
    qt_wire_reader r = qt_wire_reader_make(reply->body, reply->body_len);
    qt_wire_field f;
    return reply->code == QT_OK && qt_wire_next(&r, &f) == QT_WIRE_FIELD && f.number == 1 &&
           f.value == SERVING;
}

static void on_reply(void *arg, const qt_rpc_raw_reply *reply) {
    check *c = arg;
    round *r = c->round;
    c->serving = is_serving(reply);
    const char *why = reply->code == QT_OK ? "not_serving" : qt_code_name(reply->code);
    for (size_t i = 0; i + 1 < sizeof c->message && why[i] != '\0'; i++) {
        bool upper = why[i] >= 'A' && why[i] <= 'Z';
        c->message[i] = upper ? (char)(why[i] - 'A' + 'a') : why[i];
    }
    pthread_mutex_lock(&r->lock);
    bool last = --r->missing == 0;
    pthread_mutex_unlock(&r->lock);
    if (last) {
        qt_http_continue(r->x->http, finish, r);
    }
}

void qt_ready(qt_exchange *x) {
    const qt_gateway *g = x->gateway;
    size_t count = g->upstream_count;
    round *r = qt_xcalloc(1, sizeof *r);
    r->x = x;
    r->missing = count;
    pthread_mutex_init(&r->lock, NULL);
    for (size_t i = 0; i < count; i++) {
        r->checks[i].round = r;
    }
    for (size_t i = 0; i < count; i++) {
        qt_rpc_call call = {.timeout_ms = TIMEOUT_MS, .request_id = x->request_id};
        qt_rpc_raw_async(g->upstreams[i].channel, "/grpc.health.v1.Health/Check", &call, NULL, 0,
                         on_reply, &r->checks[i]);
    }
}
