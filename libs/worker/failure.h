/* How a failed attempt is treated. */
#ifndef QT_WORKER_FAILURE_H
#define QT_WORKER_FAILURE_H

#include "base/err.h"

#include <qtaskdist/v1/task_worker.pb-c.h>

/* Permanent when the same circuit would fail again (wrong input, too large, not implemented);
 * snoozed when the work goes on at a device; throttled when the error says when to come back;
 * retryable otherwise. */
Qtaskdist__V1__FailureClass qt_failure_class(const qt_err *err);
/* The text for the user: the message with the field's path in front (but for the program itself,
 * whose errors start with line:column), or a fixed text for INTERNAL and UNKNOWN, whose message is
 * for the log only. Of err->diagnostics all that fit, a line each. */
void qt_failure_text(const qt_err *err, char *ret_text, size_t cap);

#endif
