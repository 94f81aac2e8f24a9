/* A few connections that many threads share: each call takes one and gives it back. */
#ifndef QT_REDIS_POOL_H
#define QT_REDIS_POOL_H

#include "redis/conn.h"

#include <stddef.h>

typedef struct qt_redis_pool qt_redis_pool;

/* Connects nothing yet. */
qt_code qt_redis_pool_new(const qt_redis_options *options, size_t count, qt_redis_pool **ret_pool,
                          qt_err *err);
/* All connections must have been given back. NULL is allowed. */
void qt_redis_pool_free(qt_redis_pool *pool);

/* Waits until a connection is free. Any thread. */
qt_redis *qt_redis_pool_take(qt_redis_pool *pool);
void qt_redis_pool_give(qt_redis_pool *pool, qt_redis *redis);
/* How many connections are in use. Any thread. */
size_t qt_redis_pool_busy(qt_redis_pool *pool);

/* qt_redis_run() on any connection of the pool. Any thread. */
qt_code qt_redis_pool_run(qt_redis_pool *pool, const qt_redis_batch *batch,
                          void (*on_reply)(void *arg, size_t i, const redisReply *reply), void *arg,
                          qt_err *err);

#endif
