/* Field numbers are those of opentelemetry/proto/collector/trace/v1/trace_service.proto and
 * opentelemetry/proto/trace/v1/trace.proto. A message's length stands in a varint of always four
 * bytes, which every reader takes, so that it can be filled in afterwards. */
#include "trace/otlp.h"

#include <stdio.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
enum { LENGTH_BYTES = 4, STATUS_ERROR = 2 };

/* ---- wire ---- */

static void put_varint(qt_buf *out, uint64_t v) {
    while (v > 127) {
        qt_buf_add_char(out, (char)(uint8_t)(v | 128));
        v >>= 7;
    }
    qt_buf_add_char(out, (char)v);
}

static void put_tag(qt_buf *out, unsigned field, unsigned type) {
    put_varint(out, field << 3 | type);
}

static void put_bytes(qt_buf *out, unsigned field, const void *data, size_t len) {
    put_tag(out, field, BYTES);
    put_varint(out, len);
    qt_buf_add(out, data, len);
}

static void put_text(qt_buf *out, unsigned field, const char *text) {
    put_bytes(out, field, text, strlen(text));
}

static void put_time(qt_buf *out, unsigned field, int64_t us) {
    uint64_t ns = (uint64_t)us * 1000;
    put_tag(out, field, FIXED64);
    for (int i = 0; i < 8; i++) {
        qt_buf_add_char(out, (char)(uint8_t)(ns >> (8 * i)));
    }
}

/* Starts a message; close() with what it returns. */
static size_t open_message(qt_buf *out, unsigned field) {
    static const char room[LENGTH_BYTES] = {0};
    put_tag(out, field, BYTES);
    qt_buf_add(out, room, sizeof room);
    return out->len;
}

static void close_message(qt_buf *out, size_t start) {
    if (out->failed) {
        return;
    }
    size_t len = out->len - start;
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        uint8_t more = i < LENGTH_BYTES - 1 ? 128 : 0;
        out->data[start - LENGTH_BYTES + i] = (char)(uint8_t)((len >> (7 * i) & 127) | more);
    }
}

/* ---- attributes ---- */

static void put_text_attribute(qt_buf *out, unsigned field, const char *key, const char *value,
                               size_t len) {
    size_t pair = open_message(out, field);
    put_text(out, 1, key);
    size_t any = open_message(out, 2);
    put_bytes(out, 1, value, len);
    close_message(out, any);
    close_message(out, pair);
}

static void put_int_attribute(qt_buf *out, unsigned field, const char *key, int64_t value) {
    size_t pair = open_message(out, field);
    put_text(out, 1, key);
    size_t any = open_message(out, 2);
    put_tag(out, 3, VARINT);
    put_varint(out, (uint64_t)value);
    close_message(out, any);
    close_message(out, pair);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(const char *text, size_t len, char *to, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < cap; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        to[n++] = low >= 0 ? (char)(high * 16 + low) : text[i];
        i += low >= 0 ? 2 : 0;
    }
    to[n] = '\0';
}

void qt_otlp_each_pair(const char *text, void (*fn)(void *arg, const char *key, const char *value),
                       void *arg) {
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        const char *start = text + strspn(text, " \t");
        const char *equals = memchr(text, '=', len);
        if (equals != NULL && equals > start) {
            char key[64];
            char value[257];
            decode(start, (size_t)(equals - start), key, sizeof key);
            decode(equals + 1, (size_t)(text + len - equals - 1), value, sizeof value);
            fn(arg, key, value);
        }
        text += len + (text[len] == ',' ? 1 : 0);
    }
}

static void put_pair(void *arg, const char *key, const char *value) {
    put_text_attribute(arg, 1, key, value, strlen(value));
}

static void put_resource(qt_buf *out, const qt_otlp_resource *r) {
    size_t resource = open_message(out, 1);
    put_pair(out, "service.name", r->service);
    put_pair(out, "service.namespace", "qtaskdist");
    put_pair(out, "service.version", r->version);
    put_pair(out, "service.instance.id", r->instance);
    qt_otlp_each_pair(r->attributes, put_pair, out);
    close_message(out, resource);
}

/* ---- spans ---- */

static void put_status(qt_buf *out, const qt_trace_span *span) {
    if (!span->is_error) {
        return;
    }
    size_t status = open_message(out, 15);
    put_text(out, 2, span->error);
    put_tag(out, 3, VARINT);
    put_varint(out, STATUS_ERROR);
    close_message(out, status);
}

static void put_link(qt_buf *out, const qt_trace_ctx *link) {
    if (!qt_trace_is_set(link)) {
        return;
    }
    size_t message = open_message(out, 13);
    put_bytes(out, 1, link->trace_id, sizeof link->trace_id);
    put_bytes(out, 2, link->span_id, sizeof link->span_id);
    close_message(out, message);
}

static void put_span(qt_buf *out, const qt_trace_span *span) {
    size_t message = open_message(out, 2);
    put_bytes(out, 1, span->ctx.trace_id, sizeof span->ctx.trace_id);
    put_bytes(out, 2, span->ctx.span_id, sizeof span->ctx.span_id);
    if (span->has_parent) {
        put_bytes(out, 4, span->parent_id, sizeof span->parent_id);
    }
    put_text(out, 5, span->name);
    put_tag(out, 6, VARINT);
    put_varint(out, (uint64_t)span->kind);
    put_time(out, 7, span->start_us);
    put_time(out, 8, span->end_us);
    for (size_t i = 0; i < span->attribute_count; i++) {
        const qt_trace_attribute *a = &span->attributes[i];
        if (a->is_text) {
            put_text_attribute(out, 9, a->key, span->text + a->text_at, a->text_len);
        } else {
            put_int_attribute(out, 9, a->key, a->number);
        }
    }
    put_link(out, &span->link);
    put_status(out, span);
    put_tag(out, 16, FIXED32);
    const char flags[4] = {(char)span->ctx.flags, 0, 0, 0};
    qt_buf_add(out, flags, sizeof flags);
    close_message(out, message);
}

void qt_otlp_encode(const qt_otlp_resource *resource, const qt_trace_span *first, qt_buf *out) {
    size_t resource_spans = open_message(out, 1);
    put_resource(out, resource);
    size_t scope_spans = open_message(out, 2);
    size_t scope = open_message(out, 1);
    put_text(out, 1, "qtaskdist");
    put_text(out, 2, resource->version);
    close_message(out, scope);
    for (const qt_trace_span *span = first; span != NULL; span = span->next) {
        put_span(out, span);
    }
    close_message(out, scope_spans);
    close_message(out, resource_spans);
}
