#include "base/cleanup.h"
#include "base/clock.h"
#include "gateway/gateway_impl.h"

#include <stdio.h>

#define QT_METRICS_DEF "gateway/metrics.def"
#include "base/metrics_enum.inc"
#include "base/metrics_table.inc"

static void add_active(double delta) {
    qt_series_add(qt_series_get(&qt_metric_table[QT_GATEWAY_ACTIVE], NULL, NULL, NULL), delta);
}

void qt_stats_begin(void) {
    add_active(1);
}

void qt_stats_end(const qt_exchange *x, int status) {
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    int64_t us = qt_clock_mono_us(qt_clock_system()) - x->start_us;
    qt_series_observe(qt_series_get(&qt_metric_table[QT_GATEWAY_SECONDS], x->method, text, NULL),
                      (double)us / 1e6);
    add_active(-1);
    qt_trace_int(x->span, "http.response.status_code", status);
    qt_trace_end(x->span, status >= 500 ? &(qt_err){.reason = QT_REASON_INTERNAL} : NULL);
}
