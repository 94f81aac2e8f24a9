#include "sim/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct worker {
    qt_pool *pool;
    pthread_t thread;
    unsigned number;
} worker;

struct qt_pool {
    pthread_mutex_t lock;
    pthread_cond_t start;
    pthread_cond_t finished;
    unsigned threads; /* with the caller */
    unsigned busy;    /* workers that have not finished this turn */
    unsigned long turn;
    bool stop;
    qt_pool_fn fn;
    void *arg;
    size_t count;
    worker workers[];
};

static void run_part(const qt_pool *pool, unsigned number) {
    size_t begin = pool->count * number / pool->threads;
    size_t end = pool->count * (number + 1) / pool->threads;
    if (begin < end) {
        pool->fn(pool->arg, number, begin, end);
    }
}

static void *work(void *arg) {
    const worker *self = arg;
    qt_pool *pool = self->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->turn == seen && !pool->stop) {
            pthread_cond_wait(&pool->start, &pool->lock);
        }
        if (pool->stop) {
            break;
        }
        seen = pool->turn;
        pthread_mutex_unlock(&pool->lock);
        run_part(pool, self->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0) {
            pthread_cond_signal(&pool->finished);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

qt_pool *qt_pool_new(unsigned threads) {
    if (threads < 2) {
        return NULL;
    }
    qt_pool *pool = calloc(1, sizeof *pool + (threads - 1) * sizeof *pool->workers);
    if (pool == NULL) {
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->threads = 1;
    while (pool->threads < threads) {
        worker *w = &pool->workers[pool->threads - 1];
        w->pool = pool;
        w->number = pool->threads;
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            break;
        }
        pool->threads++;
    }
    return pool;
}

void qt_pool_free(qt_pool *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i + 1 < pool->threads; i++) {
        pthread_join(pool->workers[i].thread, NULL);
    }
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->finished);
    free(pool);
}

unsigned qt_pool_threads(const qt_pool *pool) {
    return pool == NULL ? 1 : pool->threads;
}

void qt_pool_run(qt_pool *pool, qt_pool_fn fn, void *arg, size_t count) {
    if (pool == NULL || pool->threads == 1) {
        if (count > 0) {
            fn(arg, 0, 0, count);
        }
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->arg = arg;
    pool->count = count;
    pool->busy = pool->threads - 1;
    pool->turn++;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    run_part(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0) {
        pthread_cond_wait(&pool->finished, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}
