#include "services/queue-svc/metrics.h"

#include "base/cleanup.h"
#include "base/log.h"

#define QT_METRICS_DEF "services/queue-svc/metrics.def"
#include "base/metrics_table.inc"

void qt_queue_count(int metric, const char *label, double delta) {
    qt_series_add(qt_series_get(&qt_metric_table[metric], label, NULL, NULL), delta);
}

void qt_queue_show(int metric, const char *label, double value) {
    qt_series_set(qt_series_get(&qt_metric_table[metric], label, NULL, NULL), value);
}

static void show_stream(int stream, const qt_stream_stats *s) {
    const char *name = qt_stream_name(stream);
    qt_queue_show(QT_QUEUE_METRIC_DEPTH, name, (double)s->lag);
    qt_queue_show(QT_QUEUE_METRIC_PENDING, name, (double)s->pending);
    qt_queue_show(QT_QUEUE_METRIC_LENGTH, name, (double)s->length);
    qt_queue_show(QT_QUEUE_METRIC_OLDEST_AGE, name, (double)s->oldest_age_ms / 1000);
}

/* When Redis does not answer the gauges keep what they had, and `up` says so. */
static void show_store(void *arg) {
    const qt_store *store = arg;
    qt_queue_stats stats;
    qt_err err;
    bool up = store->ops->stats(store->self, &stats, &err) == QT_OK;
    qt_queue_show(QT_QUEUE_METRIC_UP, NULL, up);
    if (!up) {
        qt_log_err(DEBUG, "no statistics of the streams", &err);
        return;
    }
    for (int i = 0; i < QT_STREAMS; i++) {
        show_stream(i, &stats.streams[i]);
    }
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        qt_queue_show(QT_QUEUE_METRIC_PAUSED, qt_queue_type_name(type),
                      (stats.paused & 1U << type) != 0);
    }
}

void qt_queue_metrics_show_store(qt_store *store) {
    qt_metrics_add_collector(show_store, store);
}

void qt_queue_metrics_hide_store(qt_store *store) {
    qt_metrics_remove_collector(show_store, store);
}
