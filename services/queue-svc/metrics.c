#include "services/queue-svc/metrics.h"

#include "base/cleanup.h"

static const qt_metric_desc table[] = {
    [QT_QUEUE_METRIC_ENQUEUED] = {QT_METRIC_COUNTER,
                                  "qt_queue_enqueued_total",
                                  "Entries added to the streams.",
                                  {"stream"}},
    [QT_QUEUE_METRIC_DELIVERED] = {QT_METRIC_COUNTER,
                                   "qt_queue_delivered_total",
                                   "Entries handed to workers.",
                                   {"stream"}},
    [QT_QUEUE_METRIC_RECLAIMED] = {QT_METRIC_COUNTER,
                                   "qt_queue_reclaimed_total",
                                   "Entries taken back from workers that never acknowledged them.",
                                   {"stream"}},
    [QT_QUEUE_METRIC_ACKED] = {QT_METRIC_COUNTER,
                               "qt_queue_acked_total",
                               "Entries acknowledged.",
                               {NULL}},
    [QT_QUEUE_METRIC_WAITERS] = {QT_METRIC_GAUGE,
                                 "qt_queue_waiters",
                                 "Calls of LeaseMessages that wait.",
                                 {NULL}},
    [QT_QUEUE_METRIC_STORE_ERRORS] = {QT_METRIC_COUNTER,
                                      "qt_queue_store_errors_total",
                                      "Calls of Redis by the delivering thread that failed.",
                                      {NULL}},
};

void qt_queue_metrics_register(void) {
    qt_metrics_register(table, QT_ARRAY_LEN(table));
}

void qt_queue_count(qt_queue_metric metric, const char *label, double delta) {
    qt_series_add(qt_series_get(&table[metric], label, NULL, NULL), delta);
}
