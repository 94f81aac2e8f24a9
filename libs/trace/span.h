/* A span's memory, between trace.c, the exporter and the encoder. Private to libs/trace. */
#ifndef QT_TRACE_SPAN_H
#define QT_TRACE_SPAN_H

#include "trace/trace.h"

enum {
    QT_TRACE_ATTRIBUTES = 12,
    QT_TRACE_TEXT_BYTES = 512,
    QT_TRACE_VALUE_BYTES = 128,
    QT_TRACE_NAME_BYTES = 96,
    QT_TRACE_ERROR_BYTES = 48
};

typedef struct qt_trace_attribute {
    const char *key;
    bool is_text;
    uint16_t text_at; /* in the span's text */
    uint16_t text_len;
    int64_t number;
} qt_trace_attribute;

struct qt_trace_span {
    qt_trace_span *next; /* in the exporter's queue */
    qt_trace_kind kind;
    qt_trace_ctx ctx;
    uint8_t parent_id[QT_SPAN_ID_BYTES];
    bool has_parent;
    bool is_error;
    qt_trace_ctx link;
    int64_t start_us; /* since 1970 */
    int64_t end_us;
    int64_t mono_us; /* the monotonic clock at start_us */
    size_t attribute_count;
    qt_trace_attribute attributes[QT_TRACE_ATTRIBUTES];
    size_t text_len;
    char error[QT_TRACE_ERROR_BYTES];
    char name[QT_TRACE_NAME_BYTES];
    char text[QT_TRACE_TEXT_BYTES];
};

#endif
