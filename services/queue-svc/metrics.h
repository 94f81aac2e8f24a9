/* What queue-svc counts; see metrics.def. */
#ifndef QT_QUEUE_SVC_METRICS_H
#define QT_QUEUE_SVC_METRICS_H

#include "base/metrics.h"
#include "services/queue-svc/store.h"

#define QT_METRICS_DEF "services/queue-svc/metrics.def"
#include "base/metrics_enum.inc"
#undef QT_METRICS_DEF

/* Adds to a counter or gauge (QT_QUEUE_METRIC_…); label as the table says, NULL when it has none.
 * Any thread. */
void qt_queue_count(int metric, const char *label, double delta);
/* Sets a gauge. */
void qt_queue_show(int metric, const char *label, double value);

/* From now on each scrape reads what the streams hold; the store is kept until hide. */
void qt_queue_metrics_show_store(qt_store *store);
void qt_queue_metrics_hide_store(qt_store *store);

#endif
