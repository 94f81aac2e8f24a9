/* One call: match the path, build the request message, send it, and when the answer is there, go
 * on on a thread of the HTTP server. */
#include "base/cleanup.h"
#include "gateway/bind.h"
#include "gateway/gateway_impl.h"
#include "gateway/gzip.h"
#include "gateway/json_to_wire.h"
#include "gateway/wire_to_json.h"
#include "rpc/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A stream that names no timeout lasts until one side ends it. */
enum { MAX_JSON_DEPTH = 64, STREAM_MS = INT32_MAX };

/* ---- timeouts ---- */

static bool parse_count(const char *text, size_t len, int64_t *ret_value) {
    int64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        v = v * 10 + (text[i] - '0');
    }
    *ret_value = v;
    return len > 0 && len <= 10;
}

/* gRPC's form: digits and one of H M S m u n. */
static bool parse_grpc_timeout(const char *text, int64_t *ret_ms) {
    size_t len = strlen(text);
    int64_t v;
    if (len < 2 || !parse_count(text, len - 1, &v)) {
        return false;
    }
    switch (text[len - 1]) {
    case 'H':
        *ret_ms = v * 3600000;
        return true;
    case 'M':
        *ret_ms = v * 60000;
        return true;
    case 'S':
        *ret_ms = v * 1000;
        return true;
    case 'm':
        *ret_ms = v;
        return true;
    case 'u':
        *ret_ms = v / 1000;
        return true;
    case 'n':
        *ret_ms = v / 1000000;
        return true;
    default:
        return false;
    }
}

static qt_code read_timeout(qt_exchange *x, qt_err *err) {
    const qt_gateway_options *o = &x->gateway->options;
    const char *own = qt_http_header(x->http, "X-Timeout-Ms");
    const char *grpc = qt_http_header(x->http, "Grpc-Timeout");
    bool streams = x->route->method->server_streaming;
    int64_t ms = streams ? STREAM_MS : o->call_timeout_ms;
    if (own != NULL && !parse_count(own, strlen(own), &ms)) {
        return qt_fail_field(err, FIELD_INVALID, "X-Timeout-Ms",
                             "header X-Timeout-Ms is no number of milliseconds");
    }
    if (own == NULL && grpc != NULL && !parse_grpc_timeout(grpc, &ms)) {
        return qt_fail_field(err, FIELD_INVALID, "Grpc-Timeout",
                             "header Grpc-Timeout is no timeout like 1500m");
    }
    ms = ms < 1 ? 1 : ms;
    bool is_asked = own != NULL || grpc != NULL;
    bool is_capped = ms > o->max_call_timeout_ms && (is_asked || !streams);
    x->timeout_ms = is_capped ? o->max_call_timeout_ms : ms;
    return QT_OK;
}

/* ---- the request ---- */

static bool is_json_type(const char *value) {
    static const char type[] = "application/json";
    size_t len = sizeof type - 1;
    if (strncasecmp(value, type, len) != 0) {
        return false;
    }
    value += len;
    value += strspn(value, " \t");
    return *value == '\0' || *value == ';';
}

static bool carries_body(const qt_exchange *x) {
    const char *method = x->route->rule->http_method;
    return strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;
}

/* The body without its compression; lives as long as the request. */
static qt_code unpack_body(qt_exchange *x, const char **ret_body, size_t *ret_len, qt_err *err) {
    *ret_body = qt_http_body(x->http, ret_len);
    const char *encoding = qt_http_header(x->http, "Content-Encoding");
    if (encoding == NULL || *ret_len == 0 || strcasecmp(encoding, "identity") == 0) {
        return QT_OK;
    }
    if (strcasecmp(encoding, "gzip") != 0) {
        return qt_fail(err, MEDIA_TYPE_UNSUPPORTED, "the body's encoding must be gzip, not %.40s",
                       encoding);
    }
    qt_buf_clear(&x->body); /* empty until the upstream answers */
    QT_TRY(qt_gzip_inflate(*ret_body, *ret_len, (size_t)x->gateway->options.max_body_bytes,
                           &x->body, err));
    *ret_body = qt_buf_str(&x->body);
    *ret_len = x->body.len;
    return QT_OK;
}

/* The body as JSON; *ret_json is NULL when the call has none. Where an annotation names no body
 * its fields may still come as one, like query parameters. */
static qt_code read_body(qt_exchange *x, const char **ret_json, size_t *ret_len, qt_err *err) {
    const qt_route *route = x->route;
    bool wanted = route->whole_body || route->body_field != NULL;
    size_t len;
    const char *body;
    *ret_json = NULL;
    QT_TRY(unpack_body(x, &body, &len, err));
    if (!wanted && (len == 0 || !carries_body(x))) {
        return QT_OK;
    }
    if (len == 0 && route->whole_body && route->template.variable_count > 0) {
        body = "{}"; /* the path says which; everything else is optional */
        len = 2;
    }
    if (len == 0) {
        return qt_fail(err, BODY_REQUIRED, "%s needs a JSON body", x->method);
    }
    const char *type = qt_http_header(x->http, "Content-Type");
    if (type != NULL && !is_json_type(type)) {
        return qt_fail(err, MEDIA_TYPE_UNSUPPORTED, "the body must be application/json, not %.80s",
                       type);
    }
    *ret_json = body;
    *ret_len = len;
    return QT_OK;
}

static qt_code build_message(qt_exchange *x, const qt_route_match *match, qt_buf *out,
                             qt_err *err) {
    qt_json_to_wire_input in = {.schema = x->gateway->schema,
                                .message = x->route->method->input,
                                .body_field = x->route->body_field,
                                .mask_field = x->route->mask_field,
                                .max_depth = MAX_JSON_DEPTH};
    size_t query_len;
    const char *query = qt_http_query(x->http, &query_len);
    qt_binding *bindings;
    QT_TRY(qt_bind_request(match, query, query_len, qt_http_arena(x->http), &bindings,
                           &in.binding_count, err));
    in.bindings = bindings;
    QT_TRY(read_body(x, &in.json, &in.json_len, err));
    return qt_json_to_wire(&in, out, err);
}

/* ---- the answer ---- */

static qt_code write_response(qt_exchange *x, qt_buf *out, qt_err *err) {
    const qt_schema *schema = x->gateway->schema;
    const qt_message *m = x->route->method->output;
    const qt_field *f = x->route->response_field;
    const uint8_t *data = (const uint8_t *)qt_buf_str(&x->body);
    qt_json_writer w = qt_json_writer_make(out);
    return f != NULL ? qt_wire_field_to_json(schema, m, f, data, x->body.len, &w, err)
                     : qt_wire_to_json(schema, m, data, x->body.len, &w, err);
}

static void finish(void *arg, qt_http_request *http) {
    (void)http;
    qt_exchange *x = arg;
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_err err;
    if (x->code != QT_OK) {
        qt_answer_upstream_error(x);
    } else if (qt_buf_check(&x->body, &err) != QT_OK || write_response(x, &out, &err) != QT_OK) {
        qt_answer_error(x, &err);
    } else {
        qt_answer_ok(x, "application/json", &out);
    }
}

void qt_exchange_take_reply(qt_exchange *x, const qt_rpc_raw_reply *reply) {
    x->code = reply->code;
    x->retry_after_ms = reply->retry_after_ms;
    snprintf(x->message, sizeof x->message, "%s", reply->message != NULL ? reply->message : "");
    if (reply->code == QT_OK) {
        qt_buf_add(&x->body, reply->body, reply->body_len);
    } else {
        qt_buf_add(&x->body, reply->status_details, reply->status_details_len);
    }
}

/* On the channel's thread, which has other calls to look after: copies and lets go. */
static void on_reply(void *arg, const qt_rpc_raw_reply *reply) {
    qt_exchange *x = arg;
    qt_exchange_take_reply(x, reply);
    qt_http_continue(x->http, finish, x);
}

static bool is_gone(void *self) {
    return qt_http_gone(self);
}

static void call_upstream(qt_exchange *x, qt_buf *message) {
    qt_rpc_call call = {.timeout_ms = x->timeout_ms,
                        .idempotent = strcmp(x->route->rule->http_method, "GET") == 0,
                        .request_id = x->request_id,
                        .trace = &x->trace,
                        .cancelled = is_gone,
                        .self = x->http};
    qt_rpc_raw_async(x->upstream->channel, x->route->method->rpc_path, &call,
                     (const uint8_t *)qt_buf_str(message), message->len, on_reply, x);
}

static qt_code find_route(qt_exchange *x, qt_route_match *match, qt_err *err) {
    size_t len;
    const char *path = qt_http_path(x->http, &len);
    qt_code code =
        qt_router_match(x->gateway->router, qt_http_method(x->http), path, len, match, err);
    if (code != QT_OK) {
        if (match->allow[0] != '\0') {
            qt_http_add_header(x->http, "Allow", match->allow);
        }
        return code;
    }
    const qt_method *m = match->route->method;
    const char *dot = strrchr(m->service, '.');
    x->route = match->route;
    x->upstream = x->gateway->route_upstreams[match->route->index];
    const char *name = qt_arena_printf(qt_http_arena(x->http), "%s.%s",
                                       dot != NULL ? dot + 1 : m->service, m->name);
    x->method = name != NULL ? name : "none";
    if (m->client_streaming) {
        return qt_fail(err, METHOD_UNIMPLEMENTED, "%s takes a stream, which REST cannot",
                       x->method);
    }
    return QT_OK;
}

static void begin_span(qt_exchange *x) {
    x->trace = qt_trace_begin("HTTP", QT_TRACE_SERVER, &x->trace, &x->span);
    qt_trace_str(x->span, "http.request.method", qt_http_method(x->http));
    qt_trace_str(x->span, "qt.request_id", x->request_id);
}

/* As soon as the route is known. */
static void name_span(qt_exchange *x) {
    char name[128];
    snprintf(name, sizeof name, "%.16s %s", qt_http_method(x->http), x->method);
    qt_trace_rename(x->span, name);
    qt_trace_str(x->span, "http.route", x->method);
}

static qt_code prepare(qt_exchange *x, qt_buf *message, qt_err *err) {
    qt_route_match match;
    QT_TRY(qt_door_enter(x, err));
    QT_TRY(find_route(x, &match, err));
    name_span(x);
    QT_TRY(qt_door_check_scope(x, err));
    QT_TRY(read_timeout(x, err));
    return build_message(x, &match, message, err);
}

void qt_proxy(qt_exchange *x) {
    QT_CLEANUP(qt_buf_done) qt_buf message = {0};
    qt_err err;
    begin_span(x);
    if (prepare(x, &message, &err) != QT_OK) {
        qt_answer_error(x, &err);
    } else {
        qt_buf_done(&x->body); /* of the request; now the answer's */
        (x->route->method->server_streaming ? qt_stream_proxy : call_upstream)(x, &message);
    }
}
