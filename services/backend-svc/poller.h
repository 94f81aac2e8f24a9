/* Follows all open jobs of one provider, for all replicas: one of them, the holder of a lease in
 * task-svc, lists the provider's jobs and stores what changed, which wakes the tasks that wait.
 *
 * It also cleans up after tasks that nobody waits for any more (cancelled, failed, deleted): their
 * jobs are cancelled at the provider, and a submit in doubt is resolved first. A job that ends
 * before the cancel arrives keeps its end and its cost.
 *
 * How often: every quarter of the time since a job's state last changed, within limits, and never
 * more than a share of the quota's flow. */
#ifndef QT_BACKEND_SVC_POLLER_H
#define QT_BACKEND_SVC_POLLER_H

#include "services/backend-svc/quota.h"
#include "services/backend-svc/service.h"

typedef struct qt_poller qt_poller;

typedef struct qt_poller_options {
    const qt_backend *backend;   /* kept */
    const qt_provider *provider; /* kept */
    const char *holder;          /* name of this replica; kept */
    int64_t min_ms;
    int64_t max_ms;
    int64_t sweep_ms;
    double flow_per_second; /* of requests that polls may make; 0: no limit */
} qt_poller_options;

/* Starts its thread. */
qt_code qt_poller_new(const qt_poller_options *options, qt_poller **ret_poller, qt_err *err);
/* Ends it and gives the lease back. NULL is allowed. */
void qt_poller_free(qt_poller *poller);
/* The pause until the next poll. For tests. */
int64_t qt_poller_interval_ms(const qt_poller_options *options, int64_t youngest_ms,
                              size_t requests);

#endif
