/* Distributed tracing: W3C trace context, spans, and their export by OTLP/HTTP.
 *
 *   qt_trace_span *span = NULL;
 *   qt_trace_ctx ctx = qt_trace_begin("commit", QT_TRACE_INTERNAL, parent, &span);
 *   …                                   (ctx is the parent of what is done meanwhile)
 *   qt_trace_str(span, "qt.task_id", id);
 *   qt_trace_end(span, NULL);
 *
 * A span that is not sampled is NULL: every function takes NULL and does nothing. Without
 * qt_trace_start() all spans are, and contexts that come from outside are passed on as they are.
 * Ending a span never blocks: it goes into a bounded queue, from which a thread sends; what does
 * not fit is counted and dropped.
 *
 * Formats: traceparent is W3C Trace Context, level 1 (www.w3.org/TR/trace-context); spans go out as
 * ExportTraceServiceRequest of opentelemetry-proto 1.x, protobuf-encoded. */
#ifndef QT_TRACE_TRACE_H
#define QT_TRACE_TRACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QT_TRACE_ID_BYTES = 16,
    QT_SPAN_ID_BYTES = 8,
    QT_TRACEPARENT_BYTES = 56,  /* of the text, with its NUL */
    QT_TRACE_PACKED_BYTES = 25, /* as it is stored: trace id, span id, flags */
    QT_TRACE_SAMPLED = 1,       /* of the flags */
};

/* Where in which trace. A zeroed one is none. */
typedef struct qt_trace_ctx {
    uint8_t trace_id[QT_TRACE_ID_BYTES];
    uint8_t span_id[QT_SPAN_ID_BYTES];
    uint8_t flags;
} qt_trace_ctx;

/* ---- contexts ---- */

bool qt_trace_is_set(const qt_trace_ctx *ctx);
bool qt_trace_is_sampled(const qt_trace_ctx *ctx);
/* From "00-<32 hex>-<16 hex>-<2 hex>"; false (and a zeroed context) when it is none. Later
 * versions may have more behind it. NULL is allowed. */
bool qt_trace_parse(const char *traceparent, qt_trace_ctx *ret_ctx);
/* "" for none. */
void qt_trace_format(const qt_trace_ctx *ctx, char ret_text[QT_TRACEPARENT_BYTES]);
void qt_trace_pack(const qt_trace_ctx *ctx, uint8_t ret_bytes[QT_TRACE_PACKED_BYTES]);
/* False (and a zeroed context) when the bytes are none. */
bool qt_trace_unpack(const void *bytes, size_t len, qt_trace_ctx *ret_ctx);
/* What a call that belongs to no trace sends, so that its server starts none: not sampled. None
 * when this process does not trace. */
qt_trace_ctx qt_trace_unsampled(void);

/* ---- the thread's context: parent of its calls, and in its log lines ---- */

/* Lives on the stack; entered and left on the same thread, innermost first. */
typedef struct qt_trace_scope {
    qt_trace_ctx ctx;
    char trace_id[2 * QT_TRACE_ID_BYTES + 1];
    char span_id[2 * QT_SPAN_ID_BYTES + 1];
    const char *request_id;
    const struct qt_trace_scope *outer;
} qt_trace_scope;

/* `request_id` is kept until leave; NULL: none. */
void qt_trace_enter(qt_trace_scope *scope, const qt_trace_ctx *ctx, const char *request_id);
void qt_trace_leave(qt_trace_scope *scope);
/* Of the innermost scope; a zeroed one outside of all. Never NULL. */
const qt_trace_ctx *qt_trace_current(void);

/* ---- spans ---- */

typedef struct qt_trace_span qt_trace_span;

/* The numbers of OTLP. */
typedef enum qt_trace_kind {
    QT_TRACE_INTERNAL = 1,
    QT_TRACE_SERVER = 2,
    QT_TRACE_CLIENT = 3,
    QT_TRACE_PRODUCER = 4,
    QT_TRACE_CONSUMER = 5,
} qt_trace_kind;

/* Starts a span. With a parent it is of that trace, else (NULL or none) the first of a new one,
 * which the sampler decides about. Returns the span's context, sampled or not. `name` is copied,
 * and cut after 95 bytes; keys of attributes are static storage. */
qt_trace_ctx qt_trace_begin(const char *name, qt_trace_kind kind, const qt_trace_ctx *parent,
                            qt_trace_span **ret_span);
/* Another name, when it is known better. */
void qt_trace_rename(qt_trace_span *span, const char *name);
/* Moves the start to that time (microseconds since 1970). */
void qt_trace_began_at(qt_trace_span *span, int64_t wall_us);
/* A span of another trace that this one goes back to; at most one. */
void qt_trace_link(qt_trace_span *span, const qt_trace_ctx *other);
/* At most 12 attributes; texts are copied, and cut after 128 bytes. NULL is left out. */
void qt_trace_str(qt_trace_span *span, const char *key, const char *value);
void qt_trace_int(qt_trace_span *span, const char *key, int64_t value);
/* Ends it; err NULL: all is well. */
void qt_trace_end(qt_trace_span *span, const qt_err *err);

/* ---- export ---- */

typedef struct qt_trace_options {
    const char *service;         /* "task-svc" */
    const char *endpoint;        /* "http://collector:4318", to which /v1/traces is added */
    const char *traces_endpoint; /* as it is; wins over `endpoint` */
    const char *protocol;        /* "http/protobuf"; no other is known */
    const char *headers;         /* "key=value,key2=value2", percent-encoded; a secret */
    const char *resource;        /* attributes in the same form */
    const char *sampler;         /* see OTEL_TRACES_SAMPLER in docs/settings.md */
    const char *sampler_arg;     /* ratio from 0 to 1 */
    int64_t max_queue;           /* spans that wait; more are dropped */
    int64_t max_batch;           /* spans of one request */
    int64_t delay_ms;            /* between two requests, unless a batch is full before */
    int64_t timeout_ms;          /* of a request */
} qt_trace_options;

/* Starts the export; without endpoints nothing starts, and that is fine. Texts must live until
 * stop. SETTING_INVALID. Before other threads begin spans. */
qt_code qt_trace_start(const qt_trace_options *options, qt_err *err);
/* Whether spans are made. */
bool qt_trace_enabled(void);
/* Sends what waits, within the request's timeout, and stops. Does nothing when nothing was
 * started. */
void qt_trace_stop(void);

#endif
