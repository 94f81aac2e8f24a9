#include "rpc/pool.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <pthread.h>
#include <stdlib.h>

struct qt_rpc_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    void (*run)(void *item);
    void **ring; /* `limit` places */
    size_t limit;
    size_t head;
    size_t count;
    size_t busy;
    bool stopping;
    pthread_t *threads;
    size_t thread_count;
};

/* The next item, for a thread that has done one before unless this is its first. */
static void *take(qt_rpc_pool *pool, bool is_first) {
    pthread_mutex_lock(&pool->lock);
    pool->busy -= is_first ? 0 : 1;
    while (pool->count == 0 && !pool->stopping) {
        pthread_cond_wait(&pool->wake, &pool->lock);
    }
    void *item = NULL;
    if (pool->count > 0) {
        item = pool->ring[pool->head];
        pool->head = (pool->head + 1) % pool->limit;
        pool->count--;
        pool->busy++;
    }
    pthread_mutex_unlock(&pool->lock);
    return item;
}

static void *worker(void *arg) {
    qt_rpc_pool *pool = arg;
    pthread_setname_np(pthread_self(), "rpc-worker");
    void *item = take(pool, true);
    while (item != NULL) {
        pool->run(item);
        item = take(pool, false);
    }
    return NULL;
}

static qt_code start_threads(qt_rpc_pool *pool, size_t threads, qt_err *err) {
    for (; pool->thread_count < threads; pool->thread_count++) {
        if (pthread_create(&pool->threads[pool->thread_count], NULL, worker, pool) != 0) {
            return qt_fail(err, IO_ERROR, "no thread for the pool");
        }
    }
    return QT_OK;
}

QT_CLEANUP_PTR(pool_free_p, qt_rpc_pool, qt_rpc_pool_free);

qt_code qt_rpc_pool_new(size_t threads, size_t queue_limit, void (*run)(void *item),
                        qt_rpc_pool **ret_pool, qt_err *err) {
    QT_CLEANUP(pool_free_p) qt_rpc_pool *pool = qt_xcalloc(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->run = run;
    pool->limit = queue_limit;
    void *ring = NULL;
    void *ids = NULL;
    QT_TRY(qt_try_calloc(queue_limit, sizeof *pool->ring, &ring, err));
    pool->ring = ring;
    QT_TRY(qt_try_calloc(threads, sizeof *pool->threads, &ids, err));
    pool->threads = ids;
    QT_TRY(start_threads(pool, threads, err));
    *ret_pool = QT_TAKE(pool);
    return QT_OK;
}

bool qt_rpc_pool_submit(qt_rpc_pool *pool, void *item) {
    pthread_mutex_lock(&pool->lock);
    bool fits = pool->count < pool->limit;
    if (fits) {
        pool->ring[(pool->head + pool->count) % pool->limit] = item;
        pool->count++;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return fits;
}

qt_rpc_pool_load qt_rpc_pool_get_load(qt_rpc_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    qt_rpc_pool_load load = {
        .threads = pool->thread_count, .busy = pool->busy, .queued = pool->count};
    pthread_mutex_unlock(&pool->lock);
    return load;
}

void qt_rpc_pool_free(qt_rpc_pool *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool->ring);
    free(pool);
}
