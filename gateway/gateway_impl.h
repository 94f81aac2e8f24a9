/* What the parts of the gateway share. Private to gateway/. */
#ifndef QT_GATEWAY_IMPL_H
#define QT_GATEWAY_IMPL_H

#include "base/buf.h"
#include "gateway/gateway.h"
#include "gateway/keys.h"
#include "gateway/rate.h"
#include "gateway/router.h"
#include "gateway/schema.h"
#include "http/server.h"

#include <stdatomic.h>

enum { QT_REQUEST_ID_BYTES = 129 };

typedef struct qt_streams qt_streams;

typedef struct qt_upstream {
    char name[64];
    const char *const *services;
    qt_rpc_channel *channel;
    bool needed; /* by /readyz */
} qt_upstream;

struct qt_gateway {
    qt_gateway_options options;
    qt_schema *schema;
    qt_router *router;
    qt_upstream upstreams[QT_GATEWAY_UPSTREAMS];
    size_t upstream_count;
    const qt_upstream **route_upstreams; /* one per route */
    const qt_message *status_message;    /* google.rpc.Status */
    const qt_field *status_details;
    qt_buf openapi;
    qt_keys *keys; /* NULL: everybody may come in */
    qt_rate *rate;
    qt_streams *streams;
    atomic_bool draining;
};

/* One request on its way; lives in the request's arena. */
typedef struct qt_exchange {
    qt_gateway *gateway;
    qt_http_request *http;
    const char *method;    /* name for logs and metrics: "TaskService.GetTask", "healthz", "none" */
    const qt_route *route; /* NULL for the gateway's own paths */
    const qt_upstream *upstream;
    int64_t start_us;
    int64_t timeout_ms;
    char request_id[QT_REQUEST_ID_BYTES];
    qt_trace_ctx trace;             /* the client's, then of our span */
    qt_trace_span *span;            /* NULL: none, or not sampled */
    char caller[QT_KEY_NAME_BYTES]; /* name of the API key, "" if none */
    qt_scope scope;                 /* what the caller may do */
    /* The upstream's answer, copied. */
    qt_code code;
    char message[256];
    int64_t retry_after_ms;
    qt_buf body; /* the response, or the status details */
} qt_exchange;

/* ---- gateway/answer.c: every answer leaves through one of these ---- */

/* A JSON text, or another one of the gateway's own; takes the buffer. */
void qt_answer_ok(qt_exchange *x, const char *content_type, qt_buf *body);
void qt_answer_static(qt_exchange *x, const char *content_type, const void *data, size_t len);
/* The same with a status other than 200 (readyz). */
void qt_answer_status(qt_exchange *x, int status, qt_buf *json);
/* 204. */
void qt_answer_nothing(qt_exchange *x);
/* Begins an answer in parts; see qt_http_stream_begin(). */
void qt_answer_stream(qt_exchange *x, const char *content_type, void (*drained)(void *arg),
                      void *arg);
/* Appends what an error answer has as its body. */
void qt_answer_write_error(qt_exchange *x, const qt_err *err, qt_buf *out);
/* Its end; err is NULL when all went well. */
void qt_answer_stream_end(qt_exchange *x, const qt_err *err);
/* An error of the gateway itself. */
void qt_answer_error(qt_exchange *x, const qt_err *err);
/* The upstream's error in x->code, message, body (serialized google.rpc.Status). */
void qt_answer_upstream_error(qt_exchange *x);

/* HTTP status of an error. */
int qt_http_status(qt_code code, qt_reason reason);

/* ---- gateway/door.c: who may come in ---- */

/* Knows the caller by its API key and counts its rate. UNAUTHENTICATED, RATE_LIMITED. */
qt_code qt_door_enter(qt_exchange *x, qt_err *err);
/* Whether the caller may use x->route. PERMISSION_DENIED. */
qt_code qt_door_check_scope(const qt_exchange *x, qt_err *err);
/* The headers of an answer that let pages of allowed origins read it. */
void qt_door_add_headers(qt_exchange *x);
/* Answers and returns true when a browser asks whether an allowed origin may send a request. */
bool qt_door_preflight(qt_exchange *x);

/* ---- gateway/proxy.c ---- */

/* Finds the route and calls its service. */
void qt_proxy(qt_exchange *x);
/* Keeps an upstream's answer in x. */
void qt_exchange_take_reply(qt_exchange *x, const qt_rpc_raw_reply *reply);

/* ---- gateway/stream.c: server streams ---- */

qt_code qt_streams_new(qt_streams **ret_streams, qt_err *err);
/* All requests are answered. NULL is allowed. */
void qt_streams_free(qt_streams *streams);
/* Calls the service with the message, and answers with what it streams: as server-sent events,
 * NDJSON or a JSON array, by Accept. */
void qt_stream_proxy(qt_exchange *x, qt_buf *message);

/* ---- gateway/own.c: the gateway's own paths ---- */

/* Answers and returns true when the path is one of them. */
bool qt_own_path(qt_exchange *x);

/* ---- gateway/ready.c ---- */

/* Asks all services for their health and answers. */
void qt_ready(qt_exchange *x);

/* ---- gateway/stats.c ---- */

void qt_stats_begin(void);
void qt_stats_end(const qt_exchange *x, int status);

#endif
