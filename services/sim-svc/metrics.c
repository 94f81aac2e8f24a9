#include "services/sim-svc/metrics.h"

#include "base/cleanup.h"
#include "base/clock.h"

#define QT_METRICS_DEF "services/sim-svc/metrics.def"
#include "base/metrics_table.inc"

static qt_series *series(int metric, const char *v0, const char *v1) {
    return qt_series_get(&qt_metric_table[metric], v0, v1, NULL);
}

/* A collector. */
static void show(void *arg) {
    qt_budget *budget = arg;
    pthread_mutex_lock(&budget->lock);
    uint64_t used = budget->limit_bytes - budget->free_bytes;
    pthread_mutex_unlock(&budget->lock);
    qt_series_set(series(QT_SIM_METRIC_LIMIT, NULL, NULL), (double)budget->limit_bytes);
    qt_series_set(series(QT_SIM_METRIC_USED, NULL, NULL), (double)used);
}

void qt_sim_metrics_show(qt_budget *budget) {
    qt_metrics_add_collector(show, budget);
}

void qt_sim_metrics_hide(qt_budget *budget) {
    qt_metrics_remove_collector(show, budget);
}

static double seconds_since(int64_t start_us) {
    return (double)(qt_clock_mono_us(qt_clock_system()) - start_us) / 1e6;
}

void qt_sim_metrics_run(const qt_sim_estimate *estimate, uint32_t qubits, uint32_t shots,
                        qt_code code, int64_t start_us) {
    const char *method = qt_sim_method_name(estimate->method);
    qt_series_observe(series(QT_SIM_METRIC_SECONDS, method, qt_code_name(code)),
                      seconds_since(start_us));
    qt_series_observe(series(QT_SIM_METRIC_QUBITS, method, NULL), qubits);
    qt_series_observe(series(QT_SIM_METRIC_MEMORY, method, NULL), (double)estimate->memory_bytes);
    if (code == QT_OK) {
        qt_series_add(series(QT_SIM_METRIC_SHOTS, method, NULL), shots);
    }
}

void qt_sim_metrics_wait(int64_t start_us) {
    qt_series_observe(series(QT_SIM_METRIC_WAIT, NULL, NULL), seconds_since(start_us));
}
