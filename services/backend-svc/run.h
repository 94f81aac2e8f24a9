/* One look at a task whose work is a job at a provider: submits it, follows it, reads its result.
 *
 * The task's record in task-svc says how far it is, so any replica can go on where another was
 * killed. A task that has to wait leaves with JOB_PENDING or JOB_IN_DOUBT, and comes back. */
#ifndef QT_BACKEND_SVC_RUN_H
#define QT_BACKEND_SVC_RUN_H

#include "services/backend-svc/service.h"

typedef struct qt_run {
    const qt_backend *backend;
    const qt_provider *provider; /* one that takes jobs */
    const char *task_id;
    const Qtaskdist__V1__TaskPayload *payload;
    const qt_run_watch *watch;
    qt_arena *arena;
} qt_run;

/* The result lives in the arena. */
qt_code qt_run_step(const qt_run *run, Qtaskdist__V1__TaskResult **ret_result, qt_err *err);

/* The result of a record whose job is completed; JOB_PENDING when it is not readable yet. */
qt_code qt_run_fetch_result(const qt_backend *backend, const qt_provider *provider,
                            const Qtaskdist__V1__JobRecord *record, qt_arena *arena,
                            Qtaskdist__V1__TaskResult **ret_result, qt_err *err);

#endif
