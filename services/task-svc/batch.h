/* One transaction of the committer: operations in, database changed, outcomes in the operations. */
#ifndef QT_TASK_SVC_BATCH_H
#define QT_TASK_SVC_BATCH_H

#include "services/task-svc/committer.h"
#include "services/task-svc/store.h"

/* Which workers' leases were renewed lately, so that not every claim writes one. */
typedef struct qt_lease_cache qt_lease_cache;
qt_lease_cache *qt_lease_cache_new(void);
void qt_lease_cache_free(qt_lease_cache *cache);

typedef struct qt_batch {
    const qt_committer_options *options;
    qt_lease_cache *leases;
    qt_pq *pq;
    int64_t now_us; /* by the database's clock */
    qt_arena *arena;
    qt_task_op **ops;
    size_t op_count;

    bool is_open;       /* the transaction has begun */
    qt_entry **entries; /* in the order of their ids */
    size_t entry_count;
    qt_entry **entry_of; /* of each operation */
    const qt_task_event *events;
    size_t event_count;
} qt_batch;

/* Runs it once. On success every operation has its outcome; `entries` and `events` live in the
 * arena. On failure nothing was changed, unless the connection was lost: then nobody knows. */
qt_code qt_batch_run(qt_batch *batch, qt_err *err);

#endif
