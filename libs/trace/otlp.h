/* Spans as ExportTraceServiceRequest. Private to libs/trace. */
#ifndef QT_TRACE_OTLP_H
#define QT_TRACE_OTLP_H

#include "base/buf.h"
#include "trace/span.h"

/* What all spans of a process share. */
typedef struct qt_otlp_resource {
    const char *service;
    const char *attributes; /* "key=value,…", percent-encoded; "" for none */
    const char *version;
    char instance[64]; /* "<host>-<pid>" */
} qt_otlp_resource;

/* Appends the message for a list of spans. */
void qt_otlp_encode(const qt_otlp_resource *resource, const qt_trace_span *first, qt_buf *out);

/* Calls fn for each pair of "key=value,key2=value2", percent-decoded, as W3C Baggage writes it.
 * Pieces without '=' or key are skipped; values are cut at 256 bytes. */
void qt_otlp_each_pair(const char *text, void (*fn)(void *arg, const char *key, const char *value),
                       void *arg);

#endif
