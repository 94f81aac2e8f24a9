#include "rpc/metrics.h"

#include "base/cleanup.h"
#include "base/clock.h"

#define QT_METRICS_DEF "rpc/metrics.def"
#include "base/metrics_table.inc"

qt_series *qt_rpc_series(int id, const char *path, const char *code) {
    const char *method = path != NULL && path[0] == '/' ? path + 1 : path;
    return qt_series_get(&qt_metric_table[id], method, code, NULL);
}

void qt_rpc_metrics_client(const char *path, qt_code code, int64_t start_us, int tries) {
    int64_t us = qt_clock_mono_us(qt_clock_system()) - start_us;
    qt_series_observe(qt_rpc_series(QT_RPC_CLIENT_SECONDS, path, qt_code_name(code)),
                      (double)us / 1e6);
    if (tries > 1) {
        qt_series_add(qt_rpc_series(QT_RPC_CLIENT_RETRIES, path, NULL), tries - 1);
    }
}
