/* What the parts of backend-svc share. Any thread; nothing changes after start. */
#ifndef QT_BACKEND_SVC_SERVICE_H
#define QT_BACKEND_SVC_SERVICE_H

#include "rpc/client.h"
#include "services/backend-svc/provider.h"

#include <qtaskdist/v1/job_store.pb-c.h>

typedef struct qt_backend_limits {
    int64_t submit_ms;        /* a submit takes no longer */
    int64_t listing_delay_ms; /* an accepted job shows in the provider's list after that */
    int64_t snooze_min_ms;
    int64_t snooze_max_ms;
    int64_t give_up_ms;                   /* of a task's age */
    int64_t watchdog_ms[QT_PHASE_COUNT_]; /* 0: none */
    int64_t result_wait_ms;
} qt_backend_limits;

typedef struct qt_backend {
    const qt_registry *registry;
    qt_rpc_channel *sim;
    qt_rpc_channel *task; /* JobStoreService */
    qt_backend_limits limits;
} qt_backend;

#endif
