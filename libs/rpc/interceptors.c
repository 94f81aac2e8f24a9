/* What happens around every call, in one ordered table. */
#include "rpc/server_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <grpc/grpc_security.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* err is NULL after success. */
typedef struct interceptor {
    qt_code (*before)(qt_rpc_ctx *ctx, qt_err *err);   /* NULL: nothing */
    void (*after)(qt_rpc_ctx *ctx, const qt_err *err); /* NULL: nothing */
} interceptor;

/* ---- request id and trace ---- */

static bool is_plain(const uint8_t *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* Copies a metadata value of at most cap - 1 plain characters; "" otherwise. */
static void copy_metadata(const qt_rpc_ctx *ctx, const char *key, char *to, size_t cap) {
    const grpc_slice *value = qt_core_find_metadata(&ctx->metadata, key);
    size_t len = value != NULL ? GRPC_SLICE_LENGTH(*value) : 0;
    to[0] = '\0';
    if (len > 0 && len < cap && is_plain(GRPC_SLICE_START_PTR(*value), len)) {
        memcpy(to, GRPC_SLICE_START_PTR(*value), len);
        to[len] = '\0';
    }
}

static const char *path_of(const qt_rpc_ctx *ctx) {
    return ctx->entry != NULL ? ctx->entry->method->path : "/unknown";
}

/* Calls of gRPC's own services belong to no trace unless their caller says so. */
static bool is_own_service(const qt_rpc_ctx *ctx) {
    static const char prefix[] = "/grpc.";
    return strncmp(path_of(ctx), prefix, sizeof prefix - 1) == 0;
}

static void begin_span(qt_rpc_ctx *ctx) {
    char traceparent[QT_TRACEPARENT_BYTES + 32]; /* later versions may be longer */
    qt_trace_ctx parent;
    copy_metadata(ctx, QT_MD_TRACEPARENT, traceparent, sizeof traceparent);
    if (qt_trace_parse(traceparent, &parent) || !is_own_service(ctx)) {
        ctx->trace = qt_trace_begin(path_of(ctx) + 1, QT_TRACE_SERVER, &parent, &ctx->span);
        qt_trace_str(ctx->span, "rpc.system", "grpc");
        qt_trace_str(ctx->span, "qt.request_id", ctx->request_id);
    }
}

static qt_code trace_before(qt_rpc_ctx *ctx, qt_err *err) {
    (void)err;
    copy_metadata(ctx, QT_MD_REQUEST_ID, ctx->request_id, sizeof ctx->request_id);
    if (ctx->request_id[0] == '\0') {
        uint64_t n = atomic_fetch_add(&ctx->server->id_count, 1);
        snprintf(ctx->request_id, sizeof ctx->request_id, "%s-%" PRIx64, ctx->server->id_prefix, n);
    }
    begin_span(ctx);
    return QT_OK;
}

static void trace_after(qt_rpc_ctx *ctx, const qt_err *err) {
    qt_trace_int(ctx->span, "rpc.grpc.status_code", err != NULL ? (int)err->code : 0);
    qt_trace_end(ctx->span, err);
    ctx->span = NULL;
}

/* ---- identity ---- */

/* A name that does not fit is no identity; a cut one could be somebody else's. */
static bool take_property(const grpc_auth_context *auth, const char *name, qt_rpc_ctx *ctx) {
    grpc_auth_property_iterator it = grpc_auth_context_find_properties_by_name(auth, name);
    const grpc_auth_property *property = grpc_auth_property_iterator_next(&it);
    if (property == NULL || property->value_length >= sizeof ctx->identity ||
        !is_plain((const uint8_t *)property->value, property->value_length)) {
        return false;
    }
    memcpy(ctx->identity, property->value, property->value_length);
    ctx->identity[property->value_length] = '\0';
    return property->value_length > 0;
}

static qt_code identity_before(qt_rpc_ctx *ctx, qt_err *err) {
    (void)err;
    const char *ca_file = ctx->server->options.tls_ca_file;
    if (ca_file == NULL || ca_file[0] == '\0') {
        return QT_OK;
    }
    grpc_auth_context *auth = grpc_call_auth_context(ctx->call);
    if (auth != NULL && grpc_auth_context_peer_is_authenticated(auth)) {
        bool found = take_property(auth, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME, ctx) ||
                     take_property(auth, GRPC_PEER_DNS_PROPERTY_NAME, ctx) ||
                     take_property(auth, GRPC_X509_CN_PROPERTY_NAME, ctx);
        (void)found;
    }
    grpc_auth_context_release(auth);
    return QT_OK;
}

/* ---- deadline ---- */

/* A call without a deadline gets the default; a stream lives until one side ends it. */
static qt_code deadline_before(qt_rpc_ctx *ctx, qt_err *err) {
    int64_t left_us = qt_core_remaining_us(ctx->details.deadline);
    ctx->has_own_deadline = left_us != INT64_MAX;
    bool unary = ctx->entry != NULL && ctx->entry->method->unary != NULL && !ctx->entry->bidi;
    if (!ctx->has_own_deadline && unary) {
        left_us = ctx->server->options.default_deadline_ms * 1000;
    }
    ctx->deadline_us = left_us < INT64_MAX - ctx->start_us ? ctx->start_us + left_us : INT64_MAX;
    if (left_us == 0) {
        return qt_fail(err, DEADLINE_EXCEEDED, "the call's time was over when it came");
    }
    return QT_OK;
}

/* ---- concurrency ---- */

/* Calls at a time over all connections. The pool has its own limit; this one bounds what is
 * deferred or still being read. */
static qt_code concurrency_before(qt_rpc_ctx *ctx, qt_err *err) {
    enum { CONNECTIONS_WORTH = 16, RETRY_MS = 200 };
    size_t limit = (size_t)ctx->server->options.max_concurrent * CONNECTIONS_WORTH;
    if (atomic_load(&ctx->server->running) > limit) {
        qt_code code = qt_fail(err, OVERLOADED, "%zu calls are running already", limit);
        err->retry_after_ms = RETRY_MS;
        return code;
    }
    return QT_OK;
}

/* ---- log ---- */

static qt_log_level level_of(const qt_err *err) {
    static const bool is_ours[QT_CODE_COUNT] = {
        [QT_UNKNOWN] = true,  [QT_DEADLINE_EXCEEDED] = true, [QT_RESOURCE_EXHAUSTED] = true,
        [QT_INTERNAL] = true, [QT_UNAVAILABLE] = true,       [QT_DATA_LOSS] = true,
    };
    if (err == NULL) {
        return QT_LOG_DEBUG;
    }
    size_t code = (size_t)err->code;
    return code >= QT_CODE_COUNT || is_ours[code] ? QT_LOG_WARN : QT_LOG_INFO;
}

static int64_t elapsed_us(const qt_rpc_ctx *ctx) {
    return qt_clock_mono_us(qt_clock_system()) - ctx->start_us;
}

static void log_after(qt_rpc_ctx *ctx, const qt_err *err) {
    qt_log_level level = level_of(err);
    if (!qt_log_enabled(level)) {
        return;
    }
    const char *identity = ctx->identity[0] != '\0' ? ctx->identity : NULL;
    const char *field = err != NULL && err->field[0] != '\0' ? err->field : NULL;
    const qt_kv kvs[] = {
        QT_KV_STR("method", path_of(ctx)),
        QT_KV_STR("code", qt_code_name(err != NULL ? err->code : QT_OK)),
        QT_KV_STR("reason", err != NULL ? qt_reason_name(err->reason) : NULL),
        QT_KV_STR("error", err != NULL ? err->msg : NULL),
        QT_KV_STR("field", field),
        QT_KV_STR("peer", identity),
        QT_KV_NUM("ms", (double)elapsed_us(ctx) / 1000.0),
    };
    qt_trace_scope scope;
    qt_trace_enter(&scope, &ctx->trace, ctx->request_id);
    qt_log_write(level, err != NULL ? "call failed" : "call", kvs, QT_ARRAY_LEN(kvs));
    qt_trace_leave(&scope);
}

/* ---- metrics ---- */

static qt_rpc_entry *counted_entry(const qt_rpc_ctx *ctx) {
    return ctx->entry != NULL ? ctx->entry : &ctx->server->unknown;
}

static qt_series *seconds_series(const qt_rpc_ctx *ctx, qt_code code) {
    qt_rpc_entry *entry = counted_entry(ctx);
    size_t i = (size_t)code < QT_CODE_COUNT ? (size_t)code : QT_UNKNOWN;
    qt_series *series = atomic_load_explicit(&entry->seconds[i], memory_order_acquire);
    if (series == NULL) {
        series = qt_rpc_series(QT_RPC_SERVER_SECONDS, path_of(ctx), qt_code_name((qt_code)i));
        atomic_store_explicit(&entry->seconds[i], series, memory_order_release);
    }
    return series;
}

static qt_code metrics_before(qt_rpc_ctx *ctx, qt_err *err) {
    (void)err;
    qt_series_add(counted_entry(ctx)->in_flight, 1);
    return QT_OK;
}

static void metrics_after(qt_rpc_ctx *ctx, const qt_err *err) {
    qt_series_add(counted_entry(ctx)->in_flight, -1);
    qt_series_observe(seconds_series(ctx, err != NULL ? err->code : QT_OK),
                      (double)elapsed_us(ctx) / 1e6);
}

/* ---- the table ---- */

static const interceptor interceptors[] = {
    {.before = trace_before, .after = trace_after},
    {.before = metrics_before, .after = metrics_after},
    {.after = log_after},
    {.before = identity_before},
    {.before = concurrency_before},
    {.before = deadline_before},
};

qt_code qt_rpc_interceptors_before(qt_rpc_ctx *ctx, qt_err *err) {
    while (ctx->interceptors_run < QT_ARRAY_LEN(interceptors)) {
        const interceptor *i = &interceptors[ctx->interceptors_run++];
        if (i->before != NULL) {
            QT_TRY(i->before(ctx, err));
        }
    }
    return QT_OK;
}

void qt_rpc_interceptors_after(qt_rpc_ctx *ctx, const qt_err *err) {
    while (ctx->interceptors_run > 0) {
        const interceptor *i = &interceptors[--ctx->interceptors_run];
        if (i->after != NULL) {
            i->after(ctx, err);
        }
    }
}
