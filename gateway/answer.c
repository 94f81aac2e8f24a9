/* Answers: headers that all have, and errors as google.rpc.Status in JSON. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "gateway/gateway_impl.h"
#include "gateway/gzip.h"
#include "gateway/wire.h"
#include "gateway/wire_to_json.h"
#include "rpc/status.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"

enum { HTTP_CLIENT_CLOSED = 499, GZIP_MIN_BYTES = 1024 };

int qt_http_status(qt_code code, qt_reason reason) {
    switch ((int)reason) {
    case QT_REASON_HTTP_METHOD_NOT_ALLOWED:
        return 405;
    case QT_REASON_BODY_TOO_LARGE:
        return 413;
    case QT_REASON_URI_TOO_LONG:
        return 414;
    case QT_REASON_MEDIA_TYPE_UNSUPPORTED:
        return 415;
    default:
        break;
    }
    static const int rows[] = {
        [QT_OK] = 200,
        [QT_CANCELLED] = HTTP_CLIENT_CLOSED,
        [QT_UNKNOWN] = 500,
        [QT_INVALID_ARGUMENT] = 400,
        [QT_DEADLINE_EXCEEDED] = 504,
        [QT_NOT_FOUND] = 404,
        [QT_ALREADY_EXISTS] = 409,
        [QT_PERMISSION_DENIED] = 403,
        [QT_RESOURCE_EXHAUSTED] = 429,
        [QT_FAILED_PRECONDITION] = 400,
        [QT_ABORTED] = 409,
        [QT_OUT_OF_RANGE] = 400,
        [QT_UNIMPLEMENTED] = 501,
        [QT_INTERNAL] = 500,
        [QT_UNAVAILABLE] = 503,
        [QT_DATA_LOSS] = 500,
        [QT_UNAUTHENTICATED] = 401,
    };
    return (size_t)code < QT_ARRAY_LEN(rows) ? rows[code] : 500;
}

static void common_headers(qt_exchange *x, const char *content_type) {
    bool page = content_type != NULL && strncmp(content_type, "text/html", 9) == 0;
    qt_door_add_headers(x);
    qt_http_add_header(x->http, "X-Request-Id", x->request_id);
    qt_http_add_header(x->http, "X-Content-Type-Options", "nosniff");
    qt_http_add_header(x->http, "X-Frame-Options", "DENY");
    qt_http_add_header(x->http, "Referrer-Policy", "no-referrer");
    qt_http_add_header(x->http, "Cache-Control", "no-store");
    qt_http_add_header(x->http, "Content-Security-Policy",
                       page ? "default-src 'none'; script-src 'self'; style-src 'self'; "
                              "connect-src 'self'; img-src 'self'; base-uri 'none'; "
                              "form-action 'none'; frame-ancestors 'none'"
                            : "default-src 'none'; frame-ancestors 'none'");
}

/* Compresses the answer if the client takes that and it is worth it. */
static bool pack(qt_exchange *x, const void *data, size_t len, qt_buf *out) {
    int64_t level = x->gateway->options.gzip_level;
    qt_err err;
    if (level <= 0 || len < GZIP_MIN_BYTES) {
        return false;
    }
    qt_http_add_header(x->http, "Vary", "Accept-Encoding, Origin");
    if (!qt_gzip_accepted(qt_http_header(x->http, "Accept-Encoding")) ||
        qt_gzip_deflate(data, len, (int)level, out, &err) != QT_OK) {
        return false;
    }
    qt_http_add_header(x->http, "Content-Encoding", "gzip");
    return true;
}

static void finish(qt_exchange *x, int status, const char *content_type, qt_buf *body) {
    QT_CLEANUP(qt_buf_done) qt_buf packed = {0};
    bool is_packed = body != NULL && pack(x, qt_buf_str(body), body->len, &packed);
    common_headers(x, content_type);
    qt_stats_end(x, status);
    qt_buf_done(&x->body);
    if (is_packed) {
        qt_buf_done(body);
    }
    qt_http_reply(x->http, status, content_type, is_packed ? &packed : body);
}

void qt_answer_ok(qt_exchange *x, const char *content_type, qt_buf *body) {
    finish(x, 200, content_type, body);
}

void qt_answer_status(qt_exchange *x, int status, qt_buf *json) {
    finish(x, status, JSON_TYPE, json);
}

void qt_answer_static(qt_exchange *x, const char *content_type, const void *data, size_t len) {
    QT_CLEANUP(qt_buf_done) qt_buf packed = {0};
    if (pack(x, data, len, &packed)) {
        common_headers(x, content_type);
        qt_stats_end(x, 200);
        qt_http_reply(x->http, 200, content_type, &packed);
        return;
    }
    common_headers(x, content_type);
    qt_stats_end(x, 200);
    qt_http_reply_static(x->http, 200, content_type, data, len);
}

static void log_failure(const qt_exchange *x, int status, const qt_err *err) {
    int64_t ms = (qt_clock_mono_us(qt_clock_system()) - x->start_us) / 1000;
    qt_trace_scope scope;
    qt_trace_enter(&scope, &x->trace, x->request_id);
    if (status >= 500) {
        qt_log_err(WARN, "request failed", err, QT_KV_STR("method", x->method),
                   QT_KV_INT("status", status), QT_KV_STR("caller", x->caller),
                   QT_KV_INT("ms", ms));
    } else {
        qt_log_err(DEBUG, "request refused", err, QT_KV_STR("method", x->method),
                   QT_KV_INT("status", status), QT_KV_STR("caller", x->caller),
                   QT_KV_INT("ms", ms));
    }
    qt_trace_leave(&scope);
}

void qt_answer_stream(qt_exchange *x, const char *content_type, void (*drained)(void *arg),
                      void *arg) {
    common_headers(x, content_type);
    qt_http_stream_begin(x->http, 200, content_type, drained, arg);
}

void qt_answer_stream_end(qt_exchange *x, const qt_err *err) {
    int status = err != NULL ? qt_http_status(err->code, err->reason) : 200;
    if (err != NULL) {
        log_failure(x, status, err);
    }
    qt_stats_end(x, status);
    qt_buf_done(&x->body);
    qt_http_stream_end(x->http);
}

void qt_answer_nothing(qt_exchange *x) {
    enum { NO_CONTENT = 204 };
    finish(x, NO_CONTENT, NULL, NULL);
}

/* Texts may quote a request, which may hold anything. */
static void write_text(qt_json_writer *w, const char *text) {
    if (qt_utf8_valid(text, strlen(text), NULL)) {
        qt_json_str(w, text);
        return;
    }
    QT_CLEANUP(qt_buf_done) qt_buf ascii = {0};
    for (const char *p = text; *p != '\0'; p++) {
        qt_buf_add_char(&ascii, (unsigned char)*p < 0x80 ? *p : '?');
    }
    qt_json_str(w, qt_buf_str(&ascii));
}

/* {"code", "status", "message", "details"}; details that cannot be read are left out. */
static void write_status(qt_exchange *x, qt_code code, const char *message, const uint8_t *status,
                         size_t len, qt_buf *out) {
    const qt_gateway *g = x->gateway;
    qt_err err;
    qt_json_writer w = qt_json_writer_make(out);
    qt_json_open_object(&w);
    qt_json_key(&w, "code");
    qt_json_i64(&w, code);
    qt_json_pair(&w, "status", qt_code_name(code));
    qt_json_key(&w, "message");
    write_text(&w, message);
    qt_json_key(&w, "details");
    QT_CLEANUP(qt_buf_done) qt_buf details = {0};
    qt_json_writer d = qt_json_writer_make(&details);
    if (qt_wire_field_to_json(g->schema, g->status_message, g->status_details, status, len, &d,
                              &err) == QT_OK) {
        qt_json_raw(&w, qt_buf_str(&details), details.len);
    } else {
        qt_json_raw(&w, "[]", 2);
    }
    qt_json_close_object(&w);
}

static void add_retry_after(qt_exchange *x, int status, int64_t retry_after_ms) {
    if (retry_after_ms <= 0 && status != 429 && status != 503) {
        return;
    }
    char text[24];
    int64_t seconds = (retry_after_ms + 999) / 1000;
    snprintf(text, sizeof text, "%lld", (long long)(seconds > 0 ? seconds : 1));
    qt_http_add_header(x->http, "Retry-After", text);
}

static void answer_failure(qt_exchange *x, const qt_err *err, const char *message,
                           const uint8_t *details, size_t len) {
    QT_CLEANUP(qt_buf_done) qt_buf body = {0};
    int status = qt_http_status(err->code, err->reason);
    log_failure(x, status, err);
    write_status(x, err->code, message, details, len, &body);
    add_retry_after(x, status, err->retry_after_ms);
    finish(x, status, JSON_TYPE, &body);
}

/* Texts of an error may quote bytes that are no text. */
static qt_err clean_error(const qt_err *err) {
    qt_err clean = *err;
    if (!qt_utf8_valid(clean.field, strlen(clean.field), NULL)) {
        clean.field[0] = '\0';
    }
    if (!qt_utf8_valid(clean.msg, strlen(clean.msg), NULL)) {
        snprintf(clean.msg, sizeof clean.msg, "%s", qt_reason_text(clean.reason));
    }
    return clean;
}

void qt_answer_write_error(qt_exchange *x, const qt_err *err, qt_buf *out) {
    QT_CLEANUP(qt_buf_done) qt_buf details = {0};
    qt_err clean = clean_error(err);
    qt_rpc_err_to_status_bytes(&clean, x->request_id, &details);
    write_status(x, clean.code, qt_rpc_public_message(&clean),
                 (const uint8_t *)qt_buf_str(&details), details.len, out);
}

void qt_answer_error(qt_exchange *x, const qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf details = {0};
    qt_err clean = clean_error(err);
    qt_rpc_err_to_status_bytes(&clean, x->request_id, &details);
    answer_failure(x, &clean, qt_rpc_public_message(&clean), (const uint8_t *)qt_buf_str(&details),
                   details.len);
}

/* A status that came without details: from gRPC itself, not from our service. */
static void explain(const qt_exchange *x, qt_err *err) {
    const char *name = x->upstream->name;
    qt_code code = QT_OK;
    switch ((int)x->code) {
    case QT_UNAVAILABLE:
        code = qt_fail(err, SERVICE_UNAVAILABLE, "%s does not answer", name);
        break;
    case QT_DEADLINE_EXCEEDED:
        code = qt_fail(err, DEADLINE_EXCEEDED, "%s did not answer within %lld ms", name,
                       (long long)x->timeout_ms);
        break;
    case QT_CANCELLED:
        code = qt_fail(err, CALL_CANCELLED, "the call to %s was cancelled", name);
        break;
    case QT_UNIMPLEMENTED:
        code = qt_fail(err, METHOD_UNIMPLEMENTED, "%s does not implement %s", name, x->method);
        break;
    default:
        code = qt_err_raise_remote(err, x->code, "", x->message);
        break;
    }
    (void)code;
}

void qt_answer_upstream_error(qt_exchange *x) {
    qt_err err;
    if (x->body.len == 0) {
        explain(x, &err);
        err.retry_after_ms = x->retry_after_ms;
        qt_answer_error(x, &err);
        return;
    }
    QT_CLEANUP(qt_buf_done) qt_buf details = x->body;
    x->body = (qt_buf){0};
    (void)qt_rpc_err_from_status(x->code, x->message, (const uint8_t *)details.data, details.len,
                                 &err);
    answer_failure(x, &err, x->message, (const uint8_t *)details.data, details.len);
}
