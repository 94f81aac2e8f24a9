/* The committer: group commit for operations on tasks.
 *
 * Each lane is a thread with its own connection. It takes what has gathered (up to a number of
 * operations or bytes), applies it in one transaction of array statements, and calls done() of
 * each operation after the commit. There is no timer: while one commit waits for the disk, the
 * next batch gathers. Operations on one task go to one lane and keep their order.
 *
 * An error of the database fails the one operation that causes it: the batch is halved until it
 * stands alone. When the connection is lost, the outcome is unknown, so the batch is run again;
 * all operations are safe to repeat. When PostgreSQL stays away they fail with STORE_UNAVAILABLE.
 */
#ifndef QT_TASK_SVC_COMMITTER_H
#define QT_TASK_SVC_COMMITTER_H

#include "services/task-svc/domain.h"

typedef struct qt_committer qt_committer;

typedef struct qt_committer_options {
    const char *url; /* kept */
    int64_t connect_timeout_ms;
    int64_t command_timeout_ms;
    int64_t lanes;
    int64_t batch;       /* operations */
    int64_t batch_bytes; /* of the operations' weights */
    int64_t queue_limit; /* operations waiting per lane; workers' reports may use twice as much */
    int64_t retry_ms;    /* how long a batch is run again while PostgreSQL is away */
    int64_t lease_ms;
    int64_t max_crashes;
    int64_t max_job_crashes;
    int64_t inline_bytes;
    int64_t idempotency_hours;
    /* See qt_domain.take_window. */
    bool (*take_window)(void *self, int32_t type);
    /* What a commit changed; called before the operations' done(). Must not block. */
    void (*committed)(void *self, const qt_entry *const *entries, size_t count);
    void *self;
} qt_committer_options;

/* Starts the lanes. */
qt_code qt_committer_new(const qt_committer_options *options, qt_committer **ret_committer,
                         qt_err *err);
/* Finishes what waits, stops the lanes. NULL is allowed. */
void qt_committer_free(qt_committer *committer);

/* Hands an operation over. OVERLOADED (with a retry delay) when the lane's queue is full, and then
 * done() is not called. Any thread. */
qt_code qt_committer_push(qt_committer *committer, qt_task_op *op, qt_err *err);
/* Hands many over; done() is called at once for those that are refused. */
void qt_committer_push_all(qt_committer *committer, qt_task_op *const *ops, size_t count);
/* How many operations wait. */
size_t qt_committer_backlog(qt_committer *committer);

#endif
