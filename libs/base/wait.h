/* Condition variables whose timed waits go by the monotonic clock, so that nobody waits longer or
 * shorter when the wall clock is set. */
#ifndef QT_BASE_WAIT_H
#define QT_BASE_WAIT_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* In place of pthread_cond_init(). */
void qt_cond_init(pthread_cond_t *cond);
/* The time in `ms` milliseconds (now when negative), for pthread_cond_timedwait() with such a
 * condition. */
struct timespec qt_cond_deadline(int64_t ms);

#endif
