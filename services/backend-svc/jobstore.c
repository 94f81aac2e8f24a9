#include "services/backend-svc/jobstore.h"

#include "base/cleanup.h"
#include "task/retry.h"

#include <qtaskdist/v1/job_store_service.rpc.h>
#include <time.h>

enum { CALL_MS = 10000, RECORD_TRIES = 8, MAX_UPDATES = 1000 };

qt_code qt_jobstore_get(qt_rpc_channel *task, const char *task_id, const char *job_id,
                        qt_arena *arena, Qtaskdist__V1__JobRecord **ret_record, qt_err *err) {
    Qtaskdist__V1__GetJobRecordRequest req = QTASKDIST__V1__GET_JOB_RECORD_REQUEST__INIT;
    const qt_rpc_call call = {.timeout_ms = CALL_MS, .idempotent = true};
    if (job_id != NULL) {
        req.job_id = (char *)(uintptr_t)job_id;
    } else {
        req.task_id = (char *)(uintptr_t)task_id;
    }
    return qt_job_store_service_get_job_record(task, &call, &req, arena, ret_record, err);
}

qt_code qt_jobstore_begin(qt_rpc_channel *task, const Qtaskdist__V1__BeginJobRequest *req,
                          qt_arena *arena, Qtaskdist__V1__JobRecord **ret_record, qt_err *err) {
    const qt_rpc_call call = {.timeout_ms = CALL_MS}; /* a second try would get no permit */
    return qt_job_store_service_begin_job(task, &call, req, arena, ret_record, err);
}

static void pause_ms(int64_t ms) {
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

static bool is_passing(const qt_err *err) {
    return err->code == QT_UNAVAILABLE || err->code == QT_DEADLINE_EXCEEDED ||
           err->code == QT_RESOURCE_EXHAUSTED;
}

qt_code qt_jobstore_record(qt_rpc_channel *task, const Qtaskdist__V1__RecordJobRequest *req,
                           qt_arena *arena, Qtaskdist__V1__JobRecord **ret_record, qt_err *err) {
    static const qt_backoff backoff = {.base_ms = 100, .cap_ms = 2000};
    const qt_rpc_call call = {.timeout_ms = CALL_MS, .idempotent = true};
    qt_code code = QT_OK;
    for (int try = 1; try <= RECORD_TRIES; try++) {
        code = qt_job_store_service_record_job(task, &call, req, arena, ret_record, err);
        if (code == QT_OK || !is_passing(err)) {
            break;
        }
        pause_ms(qt_backoff_ms(&backoff, try, qt_random_u64()));
    }
    return code;
}

qt_code qt_jobstore_update(qt_rpc_channel *task, Qtaskdist__V1__JobUpdate **updates, size_t count,
                           qt_err *err) {
    const qt_rpc_call call = {.timeout_ms = CALL_MS, .idempotent = true};
    for (size_t done = 0; done < count;) {
        QT_CLEANUP(qt_arena_done) qt_arena arena;
        qt_arena_init(&arena, 0);
        Qtaskdist__V1__UpdateJobsRequest req = QTASKDIST__V1__UPDATE_JOBS_REQUEST__INIT;
        Qtaskdist__V1__UpdateJobsResponse *resp = NULL;
        req.updates = updates + done;
        req.n_updates = count - done < MAX_UPDATES ? count - done : MAX_UPDATES;
        QT_TRY(qt_job_store_service_update_jobs(task, &call, &req, &arena, &resp, err));
        done += req.n_updates;
    }
    return QT_OK;
}
