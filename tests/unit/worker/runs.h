/* What the tasks of these tests do, by their number. */
#ifndef QT_TESTS_WORKER_RUNS_H
#define QT_TESTS_WORKER_RUNS_H

#include "fake_port.h"

enum {
    CLAIM_AFTER_MS = 30,
    HEARTBEAT_MS = 20,
    /* Tasks from LONG on run until they are told to stop or released; others end at once. */
    LONG = 1000,
    FAILING = 900, /* fails with INVALID_ARGUMENT */
    FAILING_UNAVAILABLE = 901,
    LARGE = 902, /* has a result that is too large */
};

extern atomic_bool release; /* long tasks end */
extern atomic_int running;  /* long tasks */

qt_worker *start_worker(size_t threads);
/* Waits until so many long tasks run. */
void wait_running(int count);
TCase *fault_case(void);

#endif
