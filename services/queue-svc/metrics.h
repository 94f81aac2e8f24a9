/* What queue-svc counts. */
#ifndef QT_QUEUE_SVC_METRICS_H
#define QT_QUEUE_SVC_METRICS_H

#include "base/metrics.h"

typedef enum qt_queue_metric {
    QT_QUEUE_METRIC_ENQUEUED,
    QT_QUEUE_METRIC_DELIVERED,
    QT_QUEUE_METRIC_RECLAIMED,
    QT_QUEUE_METRIC_ACKED,
    QT_QUEUE_METRIC_WAITERS,
    QT_QUEUE_METRIC_STORE_ERRORS,
} qt_queue_metric;

/* Once, before the others. */
void qt_queue_metrics_register(void);
/* Adds to a counter or gauge; label as the table says, NULL when it has none. Any thread. */
void qt_queue_count(qt_queue_metric metric, const char *label, double delta);

#endif
