#include "services/task-svc/pq_pool.h"

#include "base/alloc.h"

#include <stdlib.h>

void qt_pq_pool_init(qt_pq_pool *pool, const qt_pq_options *options) {
    *pool = (qt_pq_pool){.options = *options};
    pthread_mutex_init(&pool->lock, NULL);
}

void qt_pq_pool_done(qt_pq_pool *pool) {
    while (pool->spares != NULL) {
        qt_pq_spare *s = pool->spares;
        pool->spares = s->next;
        qt_pq_free(s->pq);
        free(s);
    }
    pthread_mutex_destroy(&pool->lock);
}

qt_pq_spare *qt_pq_pool_take(qt_pq_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    qt_pq_spare *s = pool->spares;
    if (s != NULL) {
        pool->spares = s->next;
        pool->spare_count--;
    } else {
        pool->count++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (s == NULL) {
        s = qt_xcalloc(1, sizeof *s);
        s->pq = qt_pq_new(&pool->options);
    }
    return s;
}

void qt_pq_pool_give(qt_pq_pool *pool, qt_pq_spare *spare) {
    pthread_mutex_lock(&pool->lock);
    spare->next = pool->spares;
    pool->spares = spare;
    pool->spare_count++;
    pthread_mutex_unlock(&pool->lock);
}

void qt_pq_pool_connections(qt_pq_pool *pool, size_t *ret_count, size_t *ret_busy) {
    pthread_mutex_lock(&pool->lock);
    *ret_count = pool->count;
    *ret_busy = pool->count - pool->spare_count;
    pthread_mutex_unlock(&pool->lock);
}

qt_code qt_pq_pool_run(qt_pq_pool *pool, size_t statement, const qt_pq_params *params,
                       PGresult **ret_rows, qt_err *err) {
    qt_pq_spare *s = qt_pq_pool_take(pool);
    bool was_connected = qt_pq_is_connected(s->pq);
    qt_code code = qt_pq_run(s->pq, statement, params, ret_rows, err);
    if (code != QT_OK && was_connected && !qt_pq_is_connected(s->pq)) {
        code = qt_pq_run(s->pq, statement, params, ret_rows, err);
    }
    qt_pq_pool_give(pool, s);
    return code;
}
