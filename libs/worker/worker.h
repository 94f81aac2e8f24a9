/* The loop of a service that runs tasks: lease, run, claim when it takes long, complete, ack.
 *
 * Threads of a worker: the fetcher leases messages; the runners run one task each; the clerk
 * claims tasks that are not finished after claim_after_ms and sends heartbeats for the claimed
 * ones; the completer sends outcomes, many in one call, and acknowledges their messages. Each
 * survives restarts of queue-svc, task-svc and Redis: a call that fails with UNAVAILABLE is made
 * again after a pause.
 *
 * Guarantees: a message is acknowledged only when task-svc has the claim or the outcome. A task
 * that was delivered before is claimed before it runs, so that task-svc counts the workers that it
 * kills. A claimed task is told to stop before the lease ends when no heartbeat gets through, when
 * task-svc says that it was taken away, or when a cancel was asked for. */
#ifndef QT_WORKER_WORKER_H
#define QT_WORKER_WORKER_H

#include "worker/port.h"

#include <stdbool.h>

typedef struct qt_worker qt_worker;
typedef struct qt_worker_task qt_worker_task;

/* What runs tasks. */
typedef struct qt_worker_runner {
    /* Runs one task; called by any runner thread. On success *ret_result is a message in `arena`
     * (or static). How a failure is treated follows from its code and reason; see
     * worker/failure.h. Must return soon after qt_worker_task_cancelled() turned true, with any
     * failure. */
    qt_code (*run)(void *self, qt_worker_task *task, Qtaskdist__V1__TaskType type,
                   const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
    void *self;
} qt_worker_runner;

typedef struct qt_worker_options {
    const char *name;                     /* of the service, for the worker's id; kept */
    const Qtaskdist__V1__TaskType *types; /* that are leased; kept */
    size_t type_count;
    size_t threads; /* tasks at a time; 0: none is leased */
    int64_t lease_wait_ms;
    int64_t claim_after_ms;
    int64_t heartbeat_ms;
    size_t max_result_bytes; /* a larger result fails with RESULT_TOO_LARGE; 0: 4 MiB */
} qt_worker_options;

/* Starts the threads. */
qt_code qt_worker_new(const qt_worker_options *options, const qt_worker_runner *runner,
                      const qt_worker_port *port, qt_worker **ret_worker, qt_err *err);
/* Stops leasing, gives back what has not started, waits up to grace_ms for what runs, stops and
 * gives back the rest, and sends all outcomes. Once. */
void qt_worker_drain(qt_worker *worker, int64_t grace_ms);
/* Drains without grace if that has not been done. NULL is allowed. */
void qt_worker_free(qt_worker *worker);

/* "<name>-<host>-<pid>-<random>". */
const char *qt_worker_id(const qt_worker *worker);

/* ---- inside run() ---- */

/* Whether the work is in vain: cancelled, taken away, lease lost, or the service stops. */
bool qt_worker_task_cancelled(const qt_worker_task *task);
/* Progress, 0 to 100. Cheap. */
void qt_worker_task_progress(qt_worker_task *task, int percent);
/* UUID; valid as long as the task. */
const char *qt_worker_task_id(const qt_worker_task *task);

#endif
