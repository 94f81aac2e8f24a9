/* What workers count; see metrics.def. Private to libs/worker. */
#ifndef QT_WORKER_METRICS_H
#define QT_WORKER_METRICS_H

#include "worker/internal.h"

#define QT_METRICS_DEF "worker/metrics.def"
#include "base/metrics_enum.inc"
#undef QT_METRICS_DEF

/* Shows the worker until hide. */
void qt_worker_metrics_show(qt_worker *worker);
void qt_worker_metrics_hide(qt_worker *worker);
/* Adds 1 to a counter with that label; NULL: none. */
void qt_worker_count(int metric, const char *label);
/* A run ended; the outcome is in the task. */
void qt_worker_metrics_run(const qt_worker_task *task, int64_t start_us, int64_t end_us);

#endif
