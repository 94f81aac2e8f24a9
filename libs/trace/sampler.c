#include "trace/sampler.h"

#include <stdlib.h>
#include <string.h>

#define ALL (UINT64_C(1) << 63)

static qt_code ratio_of(const char *arg, uint64_t *ret_threshold, qt_err *err) {
    char *end = NULL;
    double ratio = strtod(arg, &end);
    if (end == arg || *end != '\0' || !(ratio >= 0 && ratio <= 1)) {
        return qt_fail(err, SETTING_INVALID,
                       "OTEL_TRACES_SAMPLER_ARG: '%.40s' is no ratio from 0 to 1", arg);
    }
    *ret_threshold = ratio >= 1 ? ALL : (uint64_t)(ratio * (double)ALL);
    return QT_OK;
}

qt_code qt_trace_sampler_make(const char *name, const char *arg, qt_trace_sampler *ret_sampler,
                              qt_err *err) {
    static const char prefix[] = "parentbased_";
    bool follows = strncmp(name, prefix, sizeof prefix - 1) == 0;
    const char *rest = follows ? name + sizeof prefix - 1 : name;
    uint64_t threshold = 0;
    if (strcmp(rest, "always_on") == 0) {
        threshold = ALL;
    } else if (strcmp(rest, "traceidratio") == 0) {
        QT_TRY(ratio_of(arg, &threshold, err));
    } else if (strcmp(rest, "always_off") != 0) {
        return qt_fail(err, SETTING_INVALID,
                       "OTEL_TRACES_SAMPLER: '%.40s' is none of always_on, always_off and "
                       "traceidratio, or parentbased_ and one of them",
                       name);
    }
    *ret_sampler = (qt_trace_sampler){.follows_parent = follows, .threshold = threshold};
    return QT_OK;
}

bool qt_trace_sampler_takes(const qt_trace_sampler *sampler, const qt_trace_ctx *parent,
                            const uint8_t trace_id[QT_TRACE_ID_BYTES]) {
    if (sampler->follows_parent && qt_trace_is_set(parent)) {
        return qt_trace_is_sampled(parent);
    }
    uint64_t low = 0;
    for (size_t i = 8; i < QT_TRACE_ID_BYTES; i++) {
        low = low << 8 | trace_id[i];
    }
    return low >> 1 < sampler->threshold;
}
