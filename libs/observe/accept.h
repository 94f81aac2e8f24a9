/* Which of the two formats a scraper wants. Private to libs/observe. */
#ifndef QT_OBSERVE_ACCEPT_H
#define QT_OBSERVE_ACCEPT_H

#include "base/metrics.h"

/* From the Accept header (NULL: none), by RFC 9110's weights; OpenMetrics only in its versions 1.x
 * and 0.0.1, and only when it is named: a client that takes anything gets Prometheus' text. */
qt_metrics_format qt_accept_format(const char *accept);

#endif
