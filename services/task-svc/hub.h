/* WaitTask: calls that wait for a task to be final, without a thread each.
 *
 * A commit of this replica wakes the calls of its tasks; a poll finds what other replicas wrote.
 * One thread reads the tasks and answers. */
#ifndef QT_TASK_SVC_HUB_H
#define QT_TASK_SVC_HUB_H

#include "rpc/server.h"
#include "services/task-svc/reader.h"

typedef struct qt_hub qt_hub;

qt_code qt_hub_new(qt_reader *reader, int64_t poll_ms, qt_hub **ret_hub, qt_err *err);
/* Answers all waiting calls with SHUTTING_DOWN, stops the thread. NULL is allowed. */
void qt_hub_free(qt_hub *hub);

/* Takes over a deferred WaitTask call: it is answered when the task is final or timeout_ms have
 * passed. OVERLOADED when too many wait; then the call is still the caller's. */
qt_code qt_hub_wait(qt_hub *hub, qt_rpc_ctx *ctx, const qt_uuid *id, int64_t timeout_ms,
                    qt_err *err);
/* The task is final now, or gone. Any thread, never blocks for long. */
void qt_hub_final(qt_hub *hub, const qt_uuid *id);
/* How many calls wait. Any thread. */
size_t qt_hub_count(qt_hub *hub);
/* All waiting calls are answered with what is known; for a service that stops. */
void qt_hub_drain(qt_hub *hub);

#endif
