/* What task-svc counts; see metrics.def. Any thread. */
#ifndef QT_TASK_SVC_METRICS_H
#define QT_TASK_SVC_METRICS_H

#include "base/metrics.h"
#include "services/task-svc/domain.h"

#define QT_METRICS_DEF "services/task-svc/metrics.def"
#include "base/metrics_enum.inc"
#undef QT_METRICS_DEF

/* A series without labels, or with one. */
qt_series *qt_task_series(int metric, const char *label);
/* What a transaction moved. */
void qt_task_metrics_events(const qt_task_event *events, size_t count);
/* Tasks of one type and status. */
void qt_task_metrics_tasks(int32_t type, qt_task_status status, int64_t count);

#endif
