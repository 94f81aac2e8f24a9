/* Finding the reports of jobs by id, while a provider's lists are read. One thread. */
#ifndef QT_BACKEND_SVC_REPORTS_H
#define QT_BACKEND_SVC_REPORTS_H

#include "services/backend-svc/provider.h"

typedef struct qt_report_index {
    qt_job_report **sorted; /* by job id */
    size_t count;
    size_t missing; /* not found yet */
} qt_report_index;

/* The index lives in the arena. */
qt_code qt_report_index_make(qt_job_report *reports, size_t count, qt_arena *arena,
                             qt_report_index *ret_index, qt_err *err);
/* Stores news of a job if it is asked for; the first news of a job counts. */
void qt_report_index_put(qt_report_index *index, const qt_job_report *news);

#endif
