#include "services/sim-svc/core.h"

static bool task_cancelled(void *self) {
    return qt_worker_task_cancelled(self);
}

static void task_progress(void *self, int percent) {
    qt_worker_task_progress(self, percent);
}

static qt_code run(void *self, qt_worker_task *task, Qtaskdist__V1__TaskType type,
                   const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    const char *id = qt_worker_task_id(task);
    qt_job_watch watch = {.cancel = {.cancelled = task_cancelled, .self = task},
                          .progress = task_progress};
    switch (type) {
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE:
        return qt_sim_core_simulate(self, payload, id, &watch, arena, ret_result, err);
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT:
        return qt_sim_core_convert(self, payload, id, &watch.cancel, arena, ret_result, err);
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_UNSPECIFIED:
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN:
    case _QTASKDIST__V1__TASK_TYPE_IS_INT_SIZE:
    default:
        return qt_fail(err, TYPE_MISMATCH, "sim-svc runs no tasks of type %d", (int)type);
    }
}

qt_worker_runner qt_sim_task_runner(qt_sim_core *core) {
    return (qt_worker_runner){.run = run, .self = core};
}
