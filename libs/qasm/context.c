#include "qasm/context.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Of this thread, so that others do not matter. */
static int64_t processor_time_us(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static qt_qasm_options with_defaults(const qt_qasm_options *options) {
    qt_qasm_options o = options != NULL ? *options : (qt_qasm_options){0};
    enum { MAX_BYTES = 4 << 20, MAX_NESTING = 256, MAX_TOKENS = 1000000000, MAX_MS = 700 };
    o.max_bytes = o.max_bytes > 0 ? o.max_bytes : MAX_BYTES;
    o.max_tokens = o.max_tokens > 0 ? o.max_tokens : MAX_TOKENS;
    o.max_nesting = o.max_nesting > 0 ? o.max_nesting : MAX_NESTING;
    o.max_ms = o.max_ms > 0 ? o.max_ms : MAX_MS;
    o.limits = qt_circuit_limits_or_defaults(&o.limits);
    return o;
}

qt_code qasm_context_init(qasm_context *ctx, const char *text, size_t len,
                          const qt_qasm_options *options, qt_err *err) {
    *ctx = (qasm_context){.options = with_defaults(options), .err = err};
    if (len > ctx->options.max_bytes) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "1:1: the program has %zu bytes, %zu are allowed",
                       len, ctx->options.max_bytes);
    }
    QT_TRY(qt_builder_init(&ctx->builder, &ctx->options.limits, err));
    /* Definitions and symbols: a part of what the circuit may take. */
    enum { CIRCUIT_SHARE = 8 };
    qt_arena_init(&ctx->arena, ctx->options.limits.max_bytes / CIRCUIT_SHARE);
    ctx->sources[0] = (qasm_source){.text = {.start = text, .len = len}};
    ctx->source_count = 1;
    ctx->bytes = len;
    ctx->start_us = processor_time_us();
    qt_diagnostics_init(&ctx->diagnostics, ctx->options.max_errors);
    return QT_OK;
}

void qasm_context_done(qasm_context *ctx) {
    qt_builder_done(&ctx->builder);
    qasm_names_done(&ctx->names);
    qt_arena_done(&ctx->arena);
    qt_diagnostics_done(&ctx->diagnostics);
    for (size_t i = 0; i < ctx->source_count; i++) {
        free(ctx->sources[i].owned);
    }
    ctx->source_count = 0;
}

qt_code qasm_check_time(qasm_context *ctx, const char *at) {
    enum { BYTES_PER_MS = 5000 }; /* reading takes a fiftieth of that */
    int64_t max_ms = ctx->options.max_ms + (int64_t)(ctx->bytes / BYTES_PER_MS);
    if (processor_time_us() - ctx->start_us < max_ms * 1000) {
        return QT_OK;
    }
    ctx->quiet = false;
    return qasm_too_large(ctx, at, "the program takes more than %lld ms", (long long)max_ms);
}

qt_code qasm_check_tokens(qasm_context *ctx, const char *at) {
    if (ctx->tokens > ctx->options.max_tokens) {
        ctx->quiet = false;
        return qasm_too_large(ctx, at, "the program has more than %zu tokens",
                              ctx->options.max_tokens);
    }
    return QT_OK;
}

qt_code qasm_tick(qasm_context *ctx, const char *at, uint64_t steps) {
    enum { STEPS_PER_LOOK = 1 << 14 };
    ctx->work += steps;
    if (ctx->work < STEPS_PER_LOOK) {
        return QT_OK;
    }
    ctx->work = 0;
    return qasm_check_time(ctx, at);
}

qt_code qasm_no_memory(qasm_context *ctx) {
    ctx->fatal = true;
    return qt_fail(ctx->err, OUT_OF_MEMORY, "no memory to parse the program");
}

void *qasm_alloc(qasm_context *ctx, size_t size) {
    enum { BLOCK_OVERHEAD = 4096 };
    void *p = qt_arena_alloc(&ctx->arena, size);
    if (p != NULL) {
        return p;
    }
    size_t limit = ctx->arena.limit_bytes;
    if (size > limit || ctx->arena.used_bytes > limit - size ||
        limit - size - ctx->arena.used_bytes < BLOCK_OVERHEAD) {
        (void)qasm_too_large(ctx, ctx->sources[0].text.start,
                             "the definitions take more than %zu bytes", limit);
    } else {
        (void)qasm_no_memory(ctx);
    }
    return NULL;
}

char *qasm_strndup(qasm_context *ctx, const char *s, size_t len) {
    char *copy = qasm_alloc(ctx, len + 1);
    if (copy != NULL) {
        memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

qt_code qasm_grow(qasm_context *ctx, void **array, size_t *cap, size_t need, size_t item_bytes) {
    enum { FIRST = 16 };
    size_t next = *cap == 0 ? FIRST : *cap * 2;
    next = next > need ? next : need;
    void *bigger = next <= SIZE_MAX / item_bytes ? qasm_alloc(ctx, next * item_bytes) : NULL;
    if (bigger == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    if (*cap > 0) {
        memcpy(bigger, *array, *cap * item_bytes);
    }
    *array = bigger;
    *cap = next;
    return QT_OK;
}

qt_code qasm_built(qasm_context *ctx, const char *at, qt_code code, const qt_err *err) {
    if (err->reason == QT_REASON_CIRCUIT_TOO_LARGE) {
        return qasm_fail(ctx, at, err->reason, NULL, "%s", err->msg);
    }
    ctx->fatal = true;
    *ctx->err = *err;
    return code;
}
