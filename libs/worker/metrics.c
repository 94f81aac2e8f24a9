#include "worker/metrics.h"

#include "base/cleanup.h"
#include "task/state.h"

#define QT_METRICS_DEF "worker/metrics.def"
#include "base/metrics_table.inc"

static void set(int metric, double value) {
    qt_series_set(qt_series_get(&qt_metric_table[metric], NULL, NULL, NULL), value);
}

/* A collector. */
static void show(void *arg) {
    qt_worker *w = arg;
    pthread_mutex_lock(&w->lock);
    size_t running = w->running_count;
    size_t waiting = w->waiting.count;
    size_t outcomes = w->outcomes.count;
    pthread_mutex_unlock(&w->lock);
    set(QT_WORKER_METRIC_SLOTS, (double)w->options.threads);
    set(QT_WORKER_METRIC_BUSY, (double)running);
    set(QT_WORKER_METRIC_WAITING, (double)waiting);
    set(QT_WORKER_METRIC_OUTCOMES, (double)outcomes);
}

void qt_worker_metrics_show(qt_worker *worker) {
    qt_metrics_add_collector(show, worker);
}

void qt_worker_metrics_hide(qt_worker *worker) {
    qt_metrics_remove_collector(show, worker);
}

void qt_worker_count(int metric, const char *label) {
    qt_series_add(qt_series_get(&qt_metric_table[metric], label, NULL, NULL), 1);
}

static const char *outcome_of(const qt_worker_task *task) {
    static const char *const classes[] = {"permanent", "retryable", "permanent", "throttled",
                                          "drained",   "snooze",    "cancelled"};
    size_t class = (size_t)task->failure.failure_class;
    if (task->result != NULL) {
        return "completed";
    }
    return class < QT_ARRAY_LEN(classes) ? classes[class] : "permanent";
}

void qt_worker_metrics_run(const qt_worker_task *task, int64_t start_us, int64_t end_us) {
    const char *type = qt_task_type_name((int)task->message->task_type);
    double wait_us = (double)start_us - (double)task->leased_ms * 1000;
    qt_series_add(
        qt_series_get(&qt_metric_table[QT_WORKER_METRIC_TASKS], type, outcome_of(task), NULL), 1);
    qt_series_observe(qt_series_get(&qt_metric_table[QT_WORKER_METRIC_RUN], type, NULL, NULL),
                      (double)(end_us - start_us) / 1e6);
    qt_series_observe(qt_series_get(&qt_metric_table[QT_WORKER_METRIC_SLOT_WAIT], type, NULL, NULL),
                      wait_us > 0 ? wait_us / 1e6 : 0);
}
