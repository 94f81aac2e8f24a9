/* Memory that the runs of this process share. A run waits until enough is free, so that two large
 * ones follow each other instead of failing together. */
#ifndef QT_SIM_SVC_BUDGET_H
#define QT_SIM_SVC_BUDGET_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct qt_budget {
    uint64_t limit_bytes;
    uint64_t free_bytes;
    pthread_mutex_t lock;
    pthread_cond_t given;
} qt_budget;

/* Who waits: polled every 50 ms; true ends the wait. cancelled NULL: never. */
typedef struct qt_cancel {
    bool (*cancelled)(void *self);
    void *self;
} qt_cancel;

void qt_budget_init(qt_budget *budget, uint64_t limit_bytes);
void qt_budget_done(qt_budget *budget);
/* Takes from min_bytes up to want_bytes, as much as is free, and waits for the minimum, which is
 * at most the limit. CALL_CANCELLED when the wait was ended. Any thread. */
qt_code qt_budget_take(qt_budget *budget, uint64_t min_bytes, uint64_t want_bytes,
                       const qt_cancel *cancel, uint64_t *ret_bytes, qt_err *err);
void qt_budget_give(qt_budget *budget, uint64_t bytes);

/* Bytes of memory of this machine, or of its container when that has less. */
uint64_t qt_machine_memory_bytes(void);

#endif
