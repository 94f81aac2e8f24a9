/* A few threads that work on parts of one array together.
 *
 * qt_pool_run() splits the numbers 0 .. count-1 into one range per thread and returns when all are
 * done; the calling thread takes the first range. One caller at a time. */
#ifndef QT_SIM_POOL_H
#define QT_SIM_POOL_H

#include <stddef.h>

typedef struct qt_pool qt_pool;

/* Fewer threads than asked for when the machine gives no more; NULL for one thread or without
 * memory, which every function takes as a pool of one. */
qt_pool *qt_pool_new(unsigned threads);
void qt_pool_free(qt_pool *pool);
unsigned qt_pool_threads(const qt_pool *pool);
/* worker is the number of the thread, from 0 (the caller). */
typedef void (*qt_pool_fn)(void *arg, unsigned worker, size_t begin, size_t end);
void qt_pool_run(qt_pool *pool, qt_pool_fn fn, void *arg, size_t count);

#endif
