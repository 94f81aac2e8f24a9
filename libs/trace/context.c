#include "trace/trace.h"

#include "base/log.h"

#include <string.h>

/* Where the fields of a traceparent start. */
enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, LENGTH = QT_TRACEPARENT_BYTES - 1 };

static const qt_trace_ctx none;
static _Thread_local const qt_trace_scope *current;

static bool is_zero(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

bool qt_trace_is_set(const qt_trace_ctx *ctx) {
    return ctx != NULL && !is_zero(ctx->trace_id, sizeof ctx->trace_id);
}

bool qt_trace_is_sampled(const qt_trace_ctx *ctx) {
    return qt_trace_is_set(ctx) && (ctx->flags & QT_TRACE_SAMPLED) != 0;
}

/* One more than a digit's value; 0 for others. W3C allows no upper case. */
static const uint8_t digit_plus_1[256] = {['0'] = 1, 2,  3,          4,  5,  6,  7,  8,
                                          9,         10, ['a'] = 11, 12, 13, 14, 15, 16};

/* Without branches, which random digits would make go wrong each other time. */
static bool read_hex(const char *text, uint8_t *bytes, size_t len) {
    bool ok = true;
    for (size_t i = 0; i < len; i++) {
        unsigned high = digit_plus_1[(uint8_t)text[2 * i]];
        unsigned low = digit_plus_1[(uint8_t)text[2 * i + 1]];
        ok &= (high != 0) & (low != 0);
        bytes[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    return ok;
}

static void write_hex(const uint8_t *bytes, size_t len, char *text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * len] = '\0';
}

static bool parse(const char *text, qt_trace_ctx *ctx) {
    uint8_t version = 0;
    if (text == NULL || strnlen(text, LENGTH) < LENGTH || text[TRACE_AT - 1] != '-' ||
        text[SPAN_AT - 1] != '-' || text[FLAGS_AT - 1] != '-' || !read_hex(text, &version, 1)) {
        return false;
    }
    bool ends_well = text[LENGTH] == '\0' || (version > 0 && text[LENGTH] == '-');
    return version != 0xff && ends_well &&
           read_hex(text + TRACE_AT, ctx->trace_id, sizeof ctx->trace_id) &&
           read_hex(text + SPAN_AT, ctx->span_id, sizeof ctx->span_id) &&
           read_hex(text + FLAGS_AT, &ctx->flags, 1) && qt_trace_is_set(ctx) &&
           !is_zero(ctx->span_id, sizeof ctx->span_id);
}

bool qt_trace_parse(const char *traceparent, qt_trace_ctx *ret_ctx) {
    qt_trace_ctx ctx = none;
    bool ok = parse(traceparent, &ctx);
    *ret_ctx = ok ? ctx : none;
    return ok;
}

void qt_trace_format(const qt_trace_ctx *ctx, char ret_text[QT_TRACEPARENT_BYTES]) {
    ret_text[0] = '\0';
    if (qt_trace_is_set(ctx)) {
        memcpy(ret_text, "00-", TRACE_AT);
        write_hex(ctx->trace_id, sizeof ctx->trace_id, ret_text + TRACE_AT);
        ret_text[SPAN_AT - 1] = '-';
        write_hex(ctx->span_id, sizeof ctx->span_id, ret_text + SPAN_AT);
        ret_text[FLAGS_AT - 1] = '-';
        write_hex(&ctx->flags, 1, ret_text + FLAGS_AT);
    }
}

void qt_trace_pack(const qt_trace_ctx *ctx, uint8_t ret_bytes[QT_TRACE_PACKED_BYTES]) {
    memcpy(ret_bytes, ctx->trace_id, QT_TRACE_ID_BYTES);
    memcpy(ret_bytes + QT_TRACE_ID_BYTES, ctx->span_id, QT_SPAN_ID_BYTES);
    ret_bytes[QT_TRACE_PACKED_BYTES - 1] = ctx->flags;
}

bool qt_trace_unpack(const void *bytes, size_t len, qt_trace_ctx *ret_ctx) {
    *ret_ctx = none;
    if (bytes == NULL || len != QT_TRACE_PACKED_BYTES) {
        return false;
    }
    const uint8_t *at = bytes;
    memcpy(ret_ctx->trace_id, at, QT_TRACE_ID_BYTES);
    memcpy(ret_ctx->span_id, at + QT_TRACE_ID_BYTES, QT_SPAN_ID_BYTES);
    ret_ctx->flags = at[QT_TRACE_PACKED_BYTES - 1];
    return qt_trace_is_set(ret_ctx);
}

static void show_in_log(const qt_trace_scope *scope) {
    bool traced = scope != NULL && qt_trace_is_set(&scope->ctx);
    qt_log_set_context(&(qt_log_context){.trace_id = traced ? scope->trace_id : NULL,
                                         .span_id = traced ? scope->span_id : NULL,
                                         .request_id = scope != NULL ? scope->request_id : NULL});
}

void qt_trace_enter(qt_trace_scope *scope, const qt_trace_ctx *ctx, const char *request_id) {
    scope->ctx = ctx != NULL ? *ctx : none;
    scope->request_id = request_id;
    scope->outer = current;
    if (qt_trace_is_set(&scope->ctx)) {
        write_hex(scope->ctx.trace_id, sizeof scope->ctx.trace_id, scope->trace_id);
        write_hex(scope->ctx.span_id, sizeof scope->ctx.span_id, scope->span_id);
    }
    current = scope;
    show_in_log(scope);
}

void qt_trace_leave(qt_trace_scope *scope) {
    current = scope->outer;
    show_in_log(current);
}

const qt_trace_ctx *qt_trace_current(void) {
    return current != NULL ? &current->ctx : &none;
}
