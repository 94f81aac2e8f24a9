#include "services/sim-svc/budget.h"

#include "base/wait.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

enum { POLL_MS = 50 };

void qt_budget_init(qt_budget *budget, uint64_t limit_bytes) {
    budget->limit_bytes = budget->free_bytes = limit_bytes;
    pthread_mutex_init(&budget->lock, NULL);
    qt_cond_init(&budget->given);
}

void qt_budget_done(qt_budget *budget) {
    pthread_cond_destroy(&budget->given);
    pthread_mutex_destroy(&budget->lock);
}

static void wait_a_moment(qt_budget *budget) {
    const struct timespec at = qt_cond_deadline(POLL_MS);
    pthread_cond_timedwait(&budget->given, &budget->lock, &at);
}

static bool is_cancelled(const qt_cancel *cancel) {
    return cancel->cancelled != NULL && cancel->cancelled(cancel->self);
}

qt_code qt_budget_take(qt_budget *budget, uint64_t min_bytes, uint64_t want_bytes,
                       const qt_cancel *cancel, uint64_t *ret_bytes, qt_err *err) {
    assert(min_bytes <= budget->limit_bytes && min_bytes <= want_bytes);
    pthread_mutex_lock(&budget->lock);
    while (budget->free_bytes < min_bytes && !is_cancelled(cancel)) {
        wait_a_moment(budget);
    }
    uint64_t bytes = budget->free_bytes < want_bytes ? budget->free_bytes : want_bytes;
    bool enough = bytes >= min_bytes;
    budget->free_bytes -= enough ? bytes : 0;
    pthread_mutex_unlock(&budget->lock);
    if (!enough) {
        return qt_fail(err, CALL_CANCELLED, "cancelled while waiting for memory");
    }
    *ret_bytes = bytes;
    return QT_OK;
}

void qt_budget_give(qt_budget *budget, uint64_t bytes) {
    pthread_mutex_lock(&budget->lock);
    budget->free_bytes += bytes;
    pthread_cond_broadcast(&budget->given);
    pthread_mutex_unlock(&budget->lock);
}

/* The number in a file; UINT64_MAX without one. */
static uint64_t limit_in(const char *path) {
    unsigned long long bytes = 0;
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return UINT64_MAX;
    }
    bool found = fscanf(f, "%llu", &bytes) == 1; /* "max" when there is none */
    fclose(f);
    return found && bytes > 0 ? bytes : UINT64_MAX;
}

/* A container sees its own group at the top: of version 2, or of version 1, whose number is larger
 * than any machine when there is no limit. */
static uint64_t container_limit(void) {
    uint64_t v2 = limit_in("/sys/fs/cgroup/memory.max");
    uint64_t v1 = limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    return v1 < v2 ? v1 : v2;
}

uint64_t qt_machine_memory_bytes(void) {
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t container = container_limit();
    return container < machine ? container : machine;
}
