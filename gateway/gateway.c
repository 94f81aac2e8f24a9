#include "gateway/gateway.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "gateway/gateway_impl.h"
#include "gateway/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- making one ---- */

static bool serves(const qt_upstream *u, const char *service) {
    for (const char *const *p = u->services; *p != NULL; p++) {
        if (strcmp(*p, service) == 0) {
            return true;
        }
    }
    return false;
}

static qt_code find_upstreams(qt_gateway *g, qt_err *err) {
    g->route_upstreams = qt_xcalloc(g->router->count + 1, sizeof *g->route_upstreams);
    for (size_t i = 0; i < g->router->count; i++) {
        const char *service = g->router->routes[i].method->service;
        for (size_t j = 0; j < g->upstream_count; j++) {
            if (serves(&g->upstreams[j], service)) {
                g->route_upstreams[i] = &g->upstreams[j];
            }
        }
        if (g->route_upstreams[i] == NULL) {
            return qt_fail(err, INTERNAL, "no address is known for %s", service);
        }
    }
    return QT_OK;
}

/* Marks the upstreams that are in the list; all of them for an empty one. */
static qt_code mark_needed(qt_gateway *g, const char *list, qt_err *err) {
    bool all = list == NULL || list[strspn(list, " ,")] == '\0';
    for (size_t i = 0; i < g->upstream_count; i++) {
        g->upstreams[i].needed = all;
    }
    while (!all && list[0] != '\0') {
        size_t len = strcspn(list, " ,");
        bool found = false;
        for (size_t i = 0; i < g->upstream_count; i++) {
            const char *name = g->upstreams[i].name;
            bool same = strlen(name) == len && memcmp(name, list, len) == 0;
            g->upstreams[i].needed = g->upstreams[i].needed || same;
            found = found || same;
        }
        if (!found) {
            return qt_fail(err, SETTING_INVALID, "READY_SERVICES: no service is called \"%.*s\"",
                           len < 40 ? (int)len : 40, list);
        }
        list += len;
        list += strspn(list, " ,");
    }
    return QT_OK;
}

static qt_code open_upstreams(qt_gateway *g, const qt_gateway_options *options, qt_err *err) {
    for (size_t i = 0; i < options->upstream_count && i < QT_GATEWAY_UPSTREAMS; i++) {
        qt_upstream *u = &g->upstreams[g->upstream_count];
        snprintf(u->name, sizeof u->name, "%s", options->upstreams[i].name);
        u->services = options->upstreams[i].services;
        QT_TRY(qt_rpc_channel_new(options->upstreams[i].channel, &u->channel, err));
        g->upstream_count++;
    }
    return QT_OK;
}

qt_code qt_gateway_new(const qt_gateway_options *options, qt_gateway **ret_gateway, qt_err *err) {
    QT_CLEANUP(qt_gateway_free_p) qt_gateway *g = qt_xcalloc(1, sizeof *g);
    g->options = *options;
    g->options.rate_burst = options->rate_burst > 1 ? options->rate_burst : 1;
    g->rate = qt_rate_new();
    QT_TRY(qt_schema_new(options->descriptor_set, options->descriptor_set_len, &g->schema, err));
    QT_TRY(qt_router_new(g->schema, &g->router, err));
    g->status_message = qt_schema_message(g->schema, "google.rpc.Status");
    g->status_details = g->status_message != NULL
                            ? qt_message_field(g->status_message, "details", strlen("details"))
                            : NULL;
    if (g->status_details == NULL) {
        return qt_fail(err, DATA_CORRUPT, "the descriptor set has no google.rpc.Status");
    }
    if (options->api_keys_file != NULL && options->api_keys_file[0] != '\0') {
        QT_TRY(qt_keys_open(options->api_keys_file, &g->keys, err));
    }
    QT_TRY(qt_streams_new(&g->streams, err));
    QT_TRY(open_upstreams(g, options, err));
    QT_TRY(mark_needed(g, options->ready_services, err));
    QT_TRY(find_upstreams(g, err));
    QT_TRY(qt_openapi_write(g->schema, g->router, &g->openapi, err));
    *ret_gateway = QT_TAKE(g);
    return QT_OK;
}

void qt_gateway_drain(qt_gateway *gateway) {
    atomic_store(&gateway->draining, true);
}

void qt_gateway_free(qt_gateway *gateway) {
    if (gateway == NULL) {
        return;
    }
    for (size_t i = 0; i < gateway->upstream_count; i++) {
        qt_rpc_channel_free(gateway->upstreams[i].channel);
    }
    free(gateway->route_upstreams);
    qt_buf_done(&gateway->openapi);
    qt_streams_free(gateway->streams);
    qt_keys_close(gateway->keys);
    qt_rate_free(gateway->rate);
    qt_router_free(gateway->router);
    qt_schema_free(gateway->schema);
    free(gateway);
}

void qt_gateway_free_p(qt_gateway **gateway) {
    qt_gateway_free(*gateway);
}

/* ---- a request ---- */

static bool is_id(const char *id) {
    size_t len = strlen(id);
    return len > 0 && len < QT_REQUEST_ID_BYTES &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static void set_request_id(qt_exchange *x) {
    const char *given = qt_http_header(x->http, "X-Request-Id");
    if (given != NULL && is_id(given)) {
        snprintf(x->request_id, sizeof x->request_id, "%s", given);
        return;
    }
    uint64_t random[2] = {0};
    ssize_t got = getrandom(random, sizeof random, 0);
    (void)got; /* cannot be short below 256 bytes; zeros would only be less unique */
    snprintf(x->request_id, sizeof x->request_id, "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
}

/* NULL when out of memory. */
static qt_exchange *begin(qt_gateway *g, qt_http_request *http) {
    qt_exchange *x = qt_arena_alloc(qt_http_arena(http), sizeof *x);
    if (x == NULL) {
        return NULL;
    }
    *x = (qt_exchange){.gateway = g,
                       .http = http,
                       .method = "none",
                       .start_us = qt_clock_mono_us(qt_clock_system())};
    (void)qt_trace_parse(qt_http_header(http, "traceparent"), &x->trace);
    set_request_id(x);
    qt_stats_begin();
    return x;
}

static void out_of_memory(qt_http_request *http) {
    static const char body[] = "{\"code\":8,\"status\":\"RESOURCE_EXHAUSTED\","
                               "\"message\":\"out of memory\",\"details\":[]}";
    qt_http_reply_static(http, 429, "application/json", body, sizeof body - 1);
}

static void on_request(void *self, qt_http_request *http) {
    qt_exchange *x = begin(self, http);
    if (x == NULL) {
        out_of_memory(http);
    } else if (!qt_door_preflight(x) && !qt_own_path(x)) {
        qt_proxy(x);
    }
}

static void on_refuse(void *self, qt_http_request *http, qt_http_refusal why) {
    qt_gateway *g = self;
    qt_exchange *x = begin(g, http);
    if (x == NULL) {
        out_of_memory(http);
        return;
    }
    qt_err err;
    qt_code code = QT_OK;
    switch (why) {
    case QT_HTTP_BODY_TOO_LARGE:
        code = qt_fail(&err, BODY_TOO_LARGE, "the body is larger than %lld bytes",
                       (long long)g->options.max_body_bytes);
        break;
    case QT_HTTP_URI_TOO_LONG:
        code = qt_fail(&err, URI_TOO_LONG, "path and query are too long");
        break;
    case QT_HTTP_AMBIGUOUS_LENGTH:
        code = qt_fail(&err, MESSAGE_MALFORMED,
                       "Content-Length and Transfer-Encoding exclude each other");
        break;
    }
    (void)code;
    qt_answer_error(x, &err);
}

qt_http_handler qt_gateway_handler(qt_gateway *gateway) {
    return (qt_http_handler){.on_request = on_request, .on_refuse = on_refuse, .self = gateway};
}
