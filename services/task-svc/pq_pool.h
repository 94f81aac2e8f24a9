/* Connections for calls that run at the same time: each takes one and gives it back. There are as
 * many as calls ran at once. Any thread. */
#ifndef QT_TASK_SVC_PQ_POOL_H
#define QT_TASK_SVC_PQ_POOL_H

#include "pq/pq.h"

#include <pthread.h>

typedef struct qt_pq_spare qt_pq_spare;
struct qt_pq_spare {
    qt_pq_spare *next;
    qt_pq *pq;
};

typedef struct qt_pq_pool {
    qt_pq_options options;
    pthread_mutex_t lock;
    qt_pq_spare *spares;
    size_t spare_count;
    size_t count; /* of all connections */
} qt_pq_pool;

/* The strings of the options are kept. */
void qt_pq_pool_init(qt_pq_pool *pool, const qt_pq_options *options);
/* All connections must have been given back. */
void qt_pq_pool_done(qt_pq_pool *pool);

qt_pq_spare *qt_pq_pool_take(qt_pq_pool *pool);
void qt_pq_pool_give(qt_pq_pool *pool, qt_pq_spare *spare);

/* How many there are, and how many of them are taken. */
void qt_pq_pool_connections(qt_pq_pool *pool, size_t *ret_count, size_t *ret_busy);

/* qt_pq_run() on a connection of the pool. One that broke while it was idle is worth a second try
 * on a new connection, so the statement must be one that may run twice. */
qt_code qt_pq_pool_run(qt_pq_pool *pool, size_t statement, const qt_pq_params *params,
                       PGresult **ret_rows, qt_err *err);

#endif
