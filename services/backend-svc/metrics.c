#include "services/backend-svc/metrics.h"

#include "base/cleanup.h"

#include <stdio.h>

#define QT_METRICS_DEF "services/backend-svc/metrics.def"
#include "base/metrics_table.inc"

void qt_backend_count(int metric, const char *provider, const char *label, double delta) {
    qt_series_add(qt_series_get(&qt_metric_table[metric], provider, label, NULL), delta);
}

void qt_backend_show(int metric, const char *provider, const char *label, double value) {
    qt_series_set(qt_series_get(&qt_metric_table[metric], provider, label, NULL), value);
}

void qt_backend_count_request(const char *provider, const char *route, int status) {
    char code[16];
    snprintf(code, sizeof code, "%d", status);
    qt_series_add(qt_series_get(&qt_metric_table[QT_BACKEND_REQUESTS], provider, route,
                                status > 0 ? code : "failed"),
                  1);
}
