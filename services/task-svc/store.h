/* The statements by which the committer reads and writes tasks.
 *
 * One transaction: qt_store_idem(), qt_store_load() and qt_store_save(), which commits; the first
 * two may be left out. The first that is called must be told that it `opens` the transaction. After
 * a failure qt_store_rollback(). Entries must be in the order of their ids, so that two
 * transactions cannot wait for each other. */
#ifndef QT_TASK_SVC_STORE_H
#define QT_TASK_SVC_STORE_H

#include "pq/pq.h"
#include "services/task-svc/domain.h"

/* A fence block holds this many fences; a transaction may use no more. */
enum { QT_FENCE_BLOCK = 10000 };

/* A connection for writing, not connected yet. The strings are kept. */
qt_pq *qt_store_writer_new(const char *url, int64_t connect_timeout_ms, int64_t command_timeout_ms);

/* A create with an idempotency key. */
typedef struct qt_idem {
    qt_span project;
    qt_span key;
    qt_uuid id;           /* in: id of the new task; out: of the task that has the key */
    int64_t request_hash; /* in: of this request; out: of the first */
} qt_idem;

/* Stores keys that are new and reads all; `items` must be in the order of project and key. */
qt_code qt_store_idem(qt_pq *pq, bool opens, qt_idem *items, size_t count, int64_t keep_hours,
                      qt_err *err);
/* Locks and reads entries by entry->row.id; one that is not found gets state NONE. Texts are copied
 * to the arena. With ret_fence (may be NULL) it also takes a block of fences. */
qt_code qt_store_load(qt_pq *pq, bool opens, qt_entry *const *entries, size_t count,
                      qt_arena *arena, int64_t *ret_fence, qt_err *err);

/* A lease to begin or to renew. */
typedef struct qt_lease {
    int64_t key;
    qt_span name;
} qt_lease;

typedef struct qt_save {
    const qt_entry *const *entries; /* those that changed are written */
    size_t entry_count;
    const qt_task_event *events;
    size_t event_count;
    const qt_lease *leases; /* in the order of their keys */
    size_t lease_count;
    int64_t lease_ms;
} qt_save;

/* Writes and commits. */
qt_code qt_store_save(qt_pq *pq, bool opens, const qt_save *save, qt_err *err);
/* After a failure; drops the connection when even that fails. */
void qt_store_rollback(qt_pq *pq);

#endif
