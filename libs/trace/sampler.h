/* Which new traces are recorded. Private to libs/trace. */
#ifndef QT_TRACE_SAMPLER_H
#define QT_TRACE_SAMPLER_H

#include "trace/trace.h"

typedef struct qt_trace_sampler {
    bool follows_parent;
    uint64_t threshold; /* a trace is sampled when the half of its last 8 bytes is below */
} qt_trace_sampler;

/* From the names of OTEL_TRACES_SAMPLER and the argument. SETTING_INVALID. */
qt_code qt_trace_sampler_make(const char *name, const char *arg, qt_trace_sampler *ret_sampler,
                              qt_err *err);
/* `parent` may be none. Traces that one service samples are sampled by all with the same ratio. */
bool qt_trace_sampler_takes(const qt_trace_sampler *sampler, const qt_trace_ctx *parent,
                            const uint8_t trace_id[QT_TRACE_ID_BYTES]);

#endif
