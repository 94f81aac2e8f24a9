#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "trace/exporter.h"
#include "trace/sampler.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Set by start, before spans are made, and by stop, after the last. */
static _Atomic(qt_exporter *) exporter;
static qt_trace_sampler sampler;

/* ---- ids ---- */

/* SplitMix64, seeded once per thread: ids have to be unique, not secret. */
static uint64_t random_u64(void) {
    static _Thread_local uint64_t state;
    if (state == 0 && getrandom(&state, sizeof state, 0) != sizeof state) {
        state = (uint64_t)qt_clock_wall_us(qt_clock_system()) ^ (uint64_t)(uintptr_t)&state;
    }
    uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return z != 0 ? z : 1;
}

static void fill_random(uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t r = random_u64();
        memcpy(bytes + i, &r, sizeof r);
    }
}

/* ---- spans ---- */

bool qt_trace_enabled(void) {
    return atomic_load_explicit(&exporter, memory_order_relaxed) != NULL;
}

qt_trace_ctx qt_trace_unsampled(void) {
    qt_trace_ctx ctx = {.flags = 0};
    if (qt_trace_enabled()) {
        fill_random(ctx.trace_id, sizeof ctx.trace_id);
        fill_random(ctx.span_id, sizeof ctx.span_id);
    }
    return ctx;
}

/* Copies valid UTF-8, cut at a character; what is none loses its non-ASCII bytes. */
static size_t copy_text(char *to, size_t cap, const char *value) {
    size_t len = strnlen(value, cap);
    while (len == cap || (len > 0 && len < strlen(value) && ((uint8_t)value[len] & 0xC0) == 0x80)) {
        len--;
    }
    bool valid = qt_utf8_valid(value, len, NULL);
    for (size_t i = 0; i < len; i++) {
        to[i] = valid || (uint8_t)value[i] < 0x80 ? value[i] : '?';
    }
    to[len] = '\0';
    return len;
}

static qt_trace_span *new_span(const char *name, qt_trace_kind kind, const qt_trace_ctx *ctx,
                               const qt_trace_ctx *parent) {
    qt_trace_span *span = qt_xmalloc(sizeof *span);
    memset(span, 0, offsetof(qt_trace_span, name)); /* texts need not be cleared */
    copy_text(span->name, sizeof span->name, name);
    span->kind = kind;
    span->ctx = *ctx;
    span->has_parent = qt_trace_is_set(parent);
    if (span->has_parent) {
        memcpy(span->parent_id, parent->span_id, sizeof span->parent_id);
    }
    span->start_us = qt_clock_wall_us(qt_clock_system());
    span->mono_us = qt_clock_mono_us(qt_clock_system());
    return span;
}

qt_trace_ctx qt_trace_begin(const char *name, qt_trace_kind kind, const qt_trace_ctx *parent,
                            qt_trace_span **ret_span) {
    bool is_child = qt_trace_is_set(parent);
    qt_trace_ctx ctx = {.flags = 0};
    *ret_span = NULL;
    if (is_child) {
        ctx = *parent;
    }
    if (!qt_trace_enabled()) {
        return ctx; /* passed on as it is */
    }
    if (!is_child) {
        fill_random(ctx.trace_id, sizeof ctx.trace_id);
    }
    fill_random(ctx.span_id, sizeof ctx.span_id);
    bool takes = qt_trace_sampler_takes(&sampler, parent, ctx.trace_id);
    ctx.flags = takes ? ctx.flags | QT_TRACE_SAMPLED : ctx.flags & (uint8_t)~QT_TRACE_SAMPLED;
    if (takes) {
        *ret_span = new_span(name, kind, &ctx, parent);
    }
    return ctx;
}

void qt_trace_rename(qt_trace_span *span, const char *name) {
    if (span != NULL) {
        copy_text(span->name, sizeof span->name, name);
    }
}

void qt_trace_began_at(qt_trace_span *span, int64_t wall_us) {
    if (span != NULL && wall_us > 0 && wall_us < span->start_us) {
        span->mono_us -= span->start_us - wall_us;
        span->start_us = wall_us;
    }
}

void qt_trace_link(qt_trace_span *span, const qt_trace_ctx *other) {
    if (span != NULL && other != NULL) {
        span->link = *other;
    }
}

static qt_trace_attribute *add_attribute(qt_trace_span *span, const char *key) {
    if (span == NULL || span->attribute_count == QT_TRACE_ATTRIBUTES) {
        return NULL;
    }
    qt_trace_attribute *a = &span->attributes[span->attribute_count++];
    *a = (qt_trace_attribute){.key = key};
    return a;
}

void qt_trace_str(qt_trace_span *span, const char *key, const char *value) {
    qt_trace_attribute *a = value != NULL ? add_attribute(span, key) : NULL;
    if (a == NULL) {
        return;
    }
    size_t room = sizeof span->text - span->text_len;
    size_t cap = room < QT_TRACE_VALUE_BYTES ? room : (size_t)QT_TRACE_VALUE_BYTES;
    a->is_text = true;
    a->text_at = (uint16_t)span->text_len;
    a->text_len = cap > 0 ? (uint16_t)copy_text(span->text + span->text_len, cap, value) : 0;
    span->text_len += a->text_len + (cap > 0 ? 1U : 0U);
}

void qt_trace_int(qt_trace_span *span, const char *key, int64_t value) {
    qt_trace_attribute *a = add_attribute(span, key);
    if (a != NULL) {
        a->number = value;
    }
}

void qt_trace_end(qt_trace_span *span, const qt_err *err) {
    if (span == NULL) {
        return;
    }
    qt_exporter *e = atomic_load(&exporter);
    if (e == NULL) {
        free(span);
        return;
    }
    if (err != NULL) {
        span->is_error = true;
        copy_text(span->error, sizeof span->error, qt_reason_name(err->reason));
    }
    span->end_us = span->start_us + (qt_clock_mono_us(qt_clock_system()) - span->mono_us);
    qt_exporter_push(e, span);
}

/* ---- life ---- */

static bool is_empty(const char *text) {
    return text == NULL || text[0] == '\0';
}

qt_code qt_trace_start(const qt_trace_options *options, qt_err *err) {
    qt_exporter *e = NULL;
    QT_TRY(qt_trace_sampler_make(options->sampler, options->sampler_arg, &sampler, err));
    if (is_empty(options->endpoint) && is_empty(options->traces_endpoint)) {
        return QT_OK;
    }
    QT_TRY(qt_exporter_new(options, &e, err));
    atomic_store(&exporter, e);
    return QT_OK;
}

void qt_trace_stop(void) {
    qt_exporter *e = atomic_exchange(&exporter, NULL);
    if (e != NULL) {
        qt_exporter_free(e);
    }
}
