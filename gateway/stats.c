#include "base/cleanup.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "gateway/gateway_impl.h"

#include <stdio.h>

enum { REQUESTS, SECONDS, ACTIVE };

static const qt_metric_desc descs[] = {
    [REQUESTS] = {QT_METRIC_COUNTER,
                  "qt_gateway_requests_total",
                  "Answered HTTP requests.",
                  {"method", "status"}},
    [SECONDS] = {QT_METRIC_HISTOGRAM,
                 "qt_gateway_request_seconds",
                 "Time from the complete request to its answer.",
                 {"method"}},
    [ACTIVE] = {QT_METRIC_GAUGE, "qt_gateway_active_requests", "Requests being answered.", {NULL}},
};

void qt_stats_init(void) {
    qt_metrics_register(descs, QT_ARRAY_LEN(descs));
}

static void add_active(double delta) {
    qt_series_add(qt_series_get(&descs[ACTIVE], NULL, NULL, NULL), delta);
}

void qt_stats_begin(void) {
    add_active(1);
}

void qt_stats_end(const qt_exchange *x, int status) {
    char text[16];
    snprintf(text, sizeof text, "%d", status);
    int64_t us = qt_clock_mono_us(qt_clock_system()) - x->start_us;
    qt_series_add(qt_series_get(&descs[REQUESTS], x->method, text, NULL), 1);
    qt_series_observe(qt_series_get(&descs[SECONDS], x->method, NULL, NULL), (double)us / 1e6);
    add_active(-1);
}
