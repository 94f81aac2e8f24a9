/* Calls of JobStoreService. Replies live in the arena. Any thread. */
#ifndef QT_BACKEND_SVC_JOBSTORE_H
#define QT_BACKEND_SVC_JOBSTORE_H

#include "rpc/client.h"

#include <qtaskdist/v1/job_store.pb-c.h>
#include <stdbool.h>

/* By task: a record without a state when there is none. By job, when job_id is not NULL:
 * JOB_NOT_FOUND. */
qt_code qt_jobstore_get(qt_rpc_channel *task, const char *task_id, const char *job_id,
                        qt_arena *arena, Qtaskdist__V1__JobRecord **ret_record, qt_err *err);
qt_code qt_jobstore_begin(qt_rpc_channel *task, const Qtaskdist__V1__BeginJobRequest *req,
                          qt_arena *arena, Qtaskdist__V1__JobRecord **ret_record, qt_err *err);
/* Made again for a while when task-svc does not answer: what is not recorded is in doubt. */
qt_code qt_jobstore_record(qt_rpc_channel *task, const Qtaskdist__V1__RecordJobRequest *req,
                           qt_arena *arena, Qtaskdist__V1__JobRecord **ret_record, qt_err *err);
qt_code qt_jobstore_update(qt_rpc_channel *task, Qtaskdist__V1__JobUpdate **updates, size_t count,
                           qt_err *err);

#endif
