#include "task/retry.h"

#include <stddef.h>
#include <sys/random.h>
#include <time.h>

/* Base 1 s, cap 10 min; a task that was lost with its worker goes to another within a second. */
static const qt_retry_policy policies[QT_FAILURE_CLASS_COUNT] = {
    [QT_FAILURE_RETRYABLE] = {.again = true, .counts = true, .delay = {1000, 600000}},
    [QT_FAILURE_THROTTLED] = {.again = true, .waits_told = true, .delay = {1000, 600000}},
    [QT_FAILURE_SNOOZE] = {.again = true, .waits_told = true, .delay = {0, 0}},
    [QT_FAILURE_DRAINED] = {.again = true, .at_once = true},
    [QT_FAILURE_CRASH] = {.again = true, .delay = {1000, 10000}},
};

const qt_retry_policy *qt_retry_policy_of(qt_failure_class failure_class) {
    size_t i = (size_t)failure_class;
    return &policies[i < QT_FAILURE_CLASS_COUNT ? i : QT_FAILURE_PERMANENT];
}

int64_t qt_backoff_ms(const qt_backoff *backoff, int n, uint64_t random) {
    int64_t ceiling = backoff->base_ms;
    for (int i = 1; i < n && ceiling < backoff->cap_ms; i++) {
        ceiling *= 2;
    }
    if (ceiling > backoff->cap_ms) {
        ceiling = backoff->cap_ms;
    }
    return (int64_t)(random % (uint64_t)(ceiling + 1));
}

uint64_t qt_random_u64(void) {
    uint64_t v = 0;
    if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v) {
        struct timespec ts; /* jitter needs no secrecy */
        clock_gettime(CLOCK_MONOTONIC, &ts);
        v = (uint64_t)ts.tv_nsec * 0x9E3779B97F4A7C15U;
    }
    return v;
}
