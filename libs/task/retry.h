/* When a task is tried again. */
#ifndef QT_TASK_RETRY_H
#define QT_TASK_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Exponential backoff with full jitter: a random delay up to base * 2^(n-1), at most the cap. */
typedef struct qt_backoff {
    int64_t base_ms;
    int64_t cap_ms;
} qt_backoff;

/* Delay before try n (from 1), for a random number. */
int64_t qt_backoff_ms(const qt_backoff *backoff, int n, uint64_t random);

/* How a failed attempt is treated; the numbers of qtaskdist.v1.FailureClass. */
typedef enum qt_failure_class {
    QT_FAILURE_UNSPECIFIED = 0,
    QT_FAILURE_RETRYABLE = 1,
    QT_FAILURE_PERMANENT = 2,
    QT_FAILURE_THROTTLED = 3,
    QT_FAILURE_DRAINED = 4,
    QT_FAILURE_SNOOZE = 5,
    QT_FAILURE_CANCELLED = 6,
    QT_FAILURE_CRASH = 7, /* the worker was lost; never sent by a worker */
} qt_failure_class;

enum { QT_FAILURE_CLASS_COUNT = 8 };

typedef struct qt_retry_policy {
    bool again;       /* tried again at all */
    bool counts;      /* uses one of max_retries */
    bool at_once;     /* without delay */
    bool waits_told;  /* at least retry_after */
    qt_backoff delay; /* the rest */
} qt_retry_policy;

/* Static storage; permanent for a class that is unknown. */
const qt_retry_policy *qt_retry_policy_of(qt_failure_class failure_class);

/* Random bits of the system. Any thread. */
uint64_t qt_random_u64(void);

#endif
