#include "redis/pool.h"

#include "base/alloc.h"

#include <pthread.h>
#include <stdlib.h>

struct qt_redis_pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    size_t count;
    size_t free_count;
    qt_redis *free_ones[]; /* a stack: the one that was used last is taken first */
};

qt_code qt_redis_pool_new(const qt_redis_options *options, size_t count, qt_redis_pool **ret_pool,
                          qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_redis_pool) + count * sizeof(qt_redis *), &memory, err));
    qt_redis_pool *pool = memory;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->given, NULL);
    while (pool->count < count) {
        qt_code code = qt_redis_new(options, &pool->free_ones[pool->count], err);
        if (code != QT_OK) {
            qt_redis_pool_free(pool);
            return code;
        }
        pool->free_count = ++pool->count;
    }
    *ret_pool = pool;
    return QT_OK;
}

void qt_redis_pool_free(qt_redis_pool *pool) {
    if (pool == NULL) {
        return;
    }
    for (size_t i = 0; i < pool->free_count; i++) {
        qt_redis_free(pool->free_ones[i]);
    }
    pthread_cond_destroy(&pool->given);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

qt_redis *qt_redis_pool_take(qt_redis_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    while (pool->free_count == 0) {
        pthread_cond_wait(&pool->given, &pool->lock);
    }
    qt_redis *redis = pool->free_ones[--pool->free_count];
    pthread_mutex_unlock(&pool->lock);
    return redis;
}

void qt_redis_pool_give(qt_redis_pool *pool, qt_redis *redis) {
    pthread_mutex_lock(&pool->lock);
    pool->free_ones[pool->free_count++] = redis;
    pthread_cond_signal(&pool->given);
    pthread_mutex_unlock(&pool->lock);
}

size_t qt_redis_pool_busy(qt_redis_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    size_t busy = pool->count - pool->free_count;
    pthread_mutex_unlock(&pool->lock);
    return busy;
}

qt_code qt_redis_pool_run(qt_redis_pool *pool, const qt_redis_batch *batch,
                          void (*on_reply)(void *arg, size_t i, const redisReply *reply), void *arg,
                          qt_err *err) {
    qt_redis *redis = qt_redis_pool_take(pool);
    qt_code code = qt_redis_run(redis, batch, on_reply, arg, err);
    qt_redis_pool_give(pool, redis);
    return code;
}
