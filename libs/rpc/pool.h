/* A bounded pool of threads with a bounded queue. Internal. */
#ifndef QT_RPC_POOL_H
#define QT_RPC_POOL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct qt_rpc_pool qt_rpc_pool;

/* `run` is called with each submitted item, on any of the threads. */
qt_code qt_rpc_pool_new(size_t threads, size_t queue_limit, void (*run)(void *item),
                        qt_rpc_pool **ret_pool, qt_err *err);
/* False when the queue is full. Any thread. */
bool qt_rpc_pool_submit(qt_rpc_pool *pool, void *item);
typedef struct qt_rpc_pool_load {
    size_t threads;
    size_t busy;
    size_t queued;
} qt_rpc_pool_load;
/* As it is at this moment. Any thread. */
qt_rpc_pool_load qt_rpc_pool_get_load(qt_rpc_pool *pool);
/* Runs what is queued, joins the threads and frees. Nothing may be submitted any more. NULL is
 * allowed. */
void qt_rpc_pool_free(qt_rpc_pool *pool);

#endif
