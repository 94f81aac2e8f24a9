/* Errors of a program: from a place in one of the sources to the list. */
#include "base/diagnostics.h"

#include "qasm/context.h"

#include <stdio.h>
#include <string.h>

enum { MAX_MESSAGE_BYTES = 240 };

static qt_text *source_of(qasm_context *ctx, const char *at) {
    for (size_t i = ctx->source_count; i > 1; i--) {
        qt_text *t = &ctx->sources[i - 1].text;
        if (at >= t->start && at <= t->start + t->len) {
            return t;
        }
    }
    return &ctx->sources[0].text;
}

static qt_code report(qasm_context *ctx, const char *at, qt_finding finding) {
    qt_text *text = source_of(ctx, at);
    finding.offset = (size_t)(at - text->start);
    if (qt_diagnostics_add(&ctx->diagnostics, text, &finding, ctx->err) != QT_OK) {
        ctx->fatal = true;
        return QT_RESOURCE_EXHAUSTED;
    }
    ctx->fatal = ctx->fatal || finding.reason == QT_REASON_CIRCUIT_TOO_LARGE ||
                 qt_diagnostics_is_full(&ctx->diagnostics);
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
    return report(ctx, at, (qt_finding){.reason = reason, .hint = hint, .message = message});
}

void qasm_ensure_reported(qasm_context *ctx, const char *at) {
    if (ctx->diagnostics.count == 0 && !ctx->fatal) {
        (void)qasm_syntax(ctx, at, "this statement has no meaning");
    }
}

qt_code qasm_expected(qasm_context *ctx, const char *at, const char *what, const char *found) {
    if (ctx->fatal || ctx->quiet) {
        return QT_INVALID_ARGUMENT;
    }
    char message[MAX_MESSAGE_BYTES];
    snprintf(message, sizeof message, "expected %s, found %s", what, found);
    return report(
        ctx, at,
        (qt_finding){.reason = QT_REASON_CIRCUIT_SYNTAX, .expected = what, .message = message});
}

qt_code qasm_unknown(qasm_context *ctx, const char *at, const char *what, qasm_name *name,
                     bool (*accept)(const qasm_name *name)) {
    if (name->reported) {
        return QT_INVALID_ARGUMENT;
    }
    name->reported = !ctx->quiet;
    const qasm_name *similar = qasm_names_similar(&ctx->names, name->text, name->len, accept);
    char hint[80];
    snprintf(hint, sizeof hint, "did you mean '%s'?", similar != NULL ? similar->text : "");
    return qasm_fail(ctx, at, QT_REASON_CIRCUIT_SYNTAX, similar != NULL ? hint : NULL,
                     "%s '%.60s' is not declared", what, name->text);
}

qt_code qasm_no_include(qasm_context *ctx, const char *at, const char *gate, const char *file) {
    char hint[60];
    if (ctx->told_include) {
        return QT_INVALID_ARGUMENT;
    }
    ctx->told_include = !ctx->quiet;
    snprintf(hint, sizeof hint, "include \"%s\" is missing", file);
    return qasm_fail(ctx, at, QT_REASON_CIRCUIT_SYNTAX, hint, "the gate '%.60s' is not declared",
                     gate);
}

qt_code qasm_warn(qasm_context *ctx, const char *at, const char *fmt, ...) {
    qt_text *text = source_of(ctx, at);
    size_t start = 0;
    size_t offset = (size_t)(at - text->start);
    uint32_t line = qt_text_line(text, offset, &start);
    char message[MAX_MESSAGE_BYTES];
    int n = snprintf(message, sizeof message, "%u:%zu: ", line, offset - start + 1);
    va_list args;
    va_start(args, fmt);
    vsnprintf(message + n, sizeof message - (size_t)n, fmt, args);
    va_end(args);
    QASM_BUILD(ctx, at, qt_build_warning(&ctx->builder, message, err));
    return QT_OK;
}
