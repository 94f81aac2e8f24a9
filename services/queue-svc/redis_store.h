/* The streams in Redis.
 *
 * Keys: the nine streams, each with the consumer group "workers" created at 0; "queue:epoch", a
 * random word that goes when the data goes; "queue:paused", the set of types that are paused;
 * "bucket:<name>", the token buckets.
 *
 * The consumer of the group is this process, not the worker: one read serves all workers. An entry
 * is acknowledged when task-svc has its claim or outcome, and leaves by XTRIM MINID below the
 * oldest pending or undelivered one. XDEL is never used, because it makes the group's lag unknown;
 * neither is MAXLEN, which may remove what nobody has seen. */
#ifndef QT_QUEUE_SVC_REDIS_STORE_H
#define QT_QUEUE_SVC_REDIS_STORE_H

#include "redis/conn.h"
#include "services/queue-svc/store.h"

typedef struct qt_redis_store_options {
    qt_redis_options redis;
    size_t connections;       /* for calls; the hub has two more */
    int64_t claim_idle_ms;    /* an entry that is pending for so long is delivered again */
    int64_t consumer_idle_ms; /* a consumer without pending entries is forgotten after so long */
} qt_redis_store_options;

typedef struct qt_redis_store qt_redis_store;

/* Connects nothing yet. */
qt_code qt_redis_store_new(const qt_redis_store_options *options, qt_redis_store **ret_store,
                           qt_err *err);
/* No call may be running. NULL is allowed. */
void qt_redis_store_free(qt_redis_store *store);
/* The port; valid as long as the store. */
qt_store qt_redis_store_port(qt_redis_store *store);

/* Makes the groups and checks that Redis keeps what it is given: maxmemory-policy noeviction and
 * appendonly yes. FAILED_PRECONDITION-like SETTING_INVALID says what is wrong; a server that does
 * not answer is QUEUE_UNAVAILABLE. */
qt_code qt_redis_store_check(qt_redis_store *store, qt_err *err);

#endif
