/* What backend-svc counts; see metrics.def. */
#ifndef QT_BACKEND_SVC_METRICS_H
#define QT_BACKEND_SVC_METRICS_H

#include "base/metrics.h"

#define QT_METRICS_DEF "services/backend-svc/metrics.def"
#include "base/metrics_enum.inc"
#undef QT_METRICS_DEF

/* Adds to a counter (QT_BACKEND_...); labels as the table says. Any thread. */
void qt_backend_count(int metric, const char *provider, const char *label, double delta);
/* Sets a gauge. */
void qt_backend_show(int metric, const char *provider, const char *label, double value);
/* Counts one request; status 0: it failed. */
void qt_backend_count_request(const char *provider, const char *route, int status);

#endif
