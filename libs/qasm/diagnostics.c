#include "base/alloc.h"
#include "base/utf8.h"
#include "qasm/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SOURCE_BYTES = 160, MAX_MESSAGE_BYTES = 240 };

void qt_diagnostics_done(qt_diagnostics *diagnostics) {
    for (size_t i = 0; i < diagnostics->count; i++) {
        free(diagnostics->items[i].message);
        free(diagnostics->items[i].hint);
        free(diagnostics->items[i].source);
    }
    free(diagnostics->items);
    *diagnostics = (qt_diagnostics){0};
}

static qasm_source *source_of(qasm_context *ctx, const char *at) {
    for (size_t i = ctx->source_count; i > 1; i--) {
        qasm_source *s = &ctx->sources[i - 1];
        if (at >= s->text && at <= s->text + s->len) {
            return s;
        }
    }
    return &ctx->sources[0];
}

/* A copy without bytes that are no UTF-8 and without control characters. */
static char *copy_text(const char *s, size_t len) {
    void *copy = NULL;
    qt_err err;
    if (qt_try_malloc(len + 1, &copy, &err) != QT_OK) {
        return NULL;
    }
    char *text = copy;
    memcpy(text, s, len);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        text[i] = (uint8_t)text[i] < ' ' || text[i] == 0x7F ? ' ' : text[i];
    }
    size_t bad = 0;
    while (!qt_utf8_valid(text, len, &bad)) {
        text[bad] = '?';
    }
    return text;
}

static char *copy_line(const qasm_source *source, size_t start) {
    const char *line = source->text + start;
    size_t left = source->len - start;
    size_t max = left < MAX_SOURCE_BYTES ? left : MAX_SOURCE_BYTES;
    const char *end = memchr(line, '\n', max);
    size_t len = end != NULL ? (size_t)(end - line) : max;
    bool cut = len == MAX_SOURCE_BYTES && len < left;
    while (cut && len > 0 && ((uint8_t)line[len] & 0xC0U) == 0x80U) {
        len--; /* not in the middle of a character */
    }
    return copy_text(line, len);
}

static qt_code add(qasm_context *ctx, qt_diagnostic d) {
    if (ctx->diagnostics.count == ctx->diagnostics_cap) {
        size_t cap = ctx->diagnostics_cap == 0 ? 4 : ctx->diagnostics_cap * 2;
        void *items = ctx->diagnostics.items;
        qt_err err;
        if (qt_try_realloc(&items, cap * sizeof d, &err) != QT_OK) {
            return QT_RESOURCE_EXHAUSTED;
        }
        ctx->diagnostics.items = items;
        ctx->diagnostics_cap = cap;
    }
    ctx->diagnostics.items[ctx->diagnostics.count++] = d;
    return QT_OK;
}

static qt_code report(qasm_context *ctx, const char *at, qt_reason reason, const char *hint,
                      const char *message) {
    qasm_source *source = source_of(ctx, at);
    size_t offset = (size_t)(at - source->text);
    size_t start = 0;
    qt_diagnostic d = {.reason = reason};
    d.line = qasm_source_line(source, offset, &start);
    d.column = (uint32_t)(offset - start + 1);
    char text[2 * MAX_MESSAGE_BYTES];
    snprintf(text, sizeof text, "%s%s%s%s", source->name != NULL ? "in the included file '" : "",
             source->name != NULL ? source->name : "", source->name != NULL ? "': " : "", message);
    d.message = copy_text(text, strlen(text));
    d.hint = hint != NULL ? copy_text(hint, strlen(hint)) : NULL;
    d.source = copy_line(source, start);
    bool complete = d.message != NULL && d.source != NULL && (hint == NULL || d.hint != NULL);
    if (!complete || add(ctx, d) != QT_OK) {
        free(d.message);
        free(d.hint);
        free(d.source);
        return qasm_no_memory(ctx);
    }
    if (reason == QT_REASON_CIRCUIT_TOO_LARGE ||
        ctx->diagnostics.count >= ctx->options.max_errors) {
        ctx->fatal = true;
    }
    return QT_INVALID_ARGUMENT;
}

qt_code qasm_fail(qasm_context *ctx, const char *at, qt_reason reason, const char *hint,
                  const char *fmt, ...) {
    if (ctx->fatal || ctx->quiet) {
        return QT_INVALID_ARGUMENT;
    }
    char message[MAX_MESSAGE_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return report(ctx, at, reason, hint, message);
}

qt_code qasm_unknown(qasm_context *ctx, const char *at, const char *what, const char *name,
                     size_t len, bool (*accept)(const qasm_name *name)) {
    const qasm_name *similar = qasm_names_similar(&ctx->names, name, len, accept);
    char hint[80];
    snprintf(hint, sizeof hint, "did you mean '%s'?", similar != NULL ? similar->text : "");
    int shown = len < 60 ? (int)len : 60;
    return qasm_fail(ctx, at, QT_REASON_CIRCUIT_SYNTAX, similar != NULL ? hint : NULL,
                     "%s '%.*s' is not declared", what, shown, name);
}

qt_code qasm_warn(qasm_context *ctx, const char *at, const char *fmt, ...) {
    qasm_source *source = source_of(ctx, at);
    size_t start = 0;
    size_t offset = (size_t)(at - source->text);
    uint32_t line = qasm_source_line(source, offset, &start);
    char message[MAX_MESSAGE_BYTES];
    int n = snprintf(message, sizeof message, "%u:%zu: ", line, offset - start + 1);
    va_list args;
    va_start(args, fmt);
    vsnprintf(message + n, sizeof message - (size_t)n, fmt, args);
    va_end(args);
    QASM_BUILD(ctx, at, qt_build_warning(&ctx->builder, message, err));
    return QT_OK;
}
