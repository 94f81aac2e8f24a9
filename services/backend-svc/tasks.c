#include "services/backend-svc/handlers.h"

static bool task_cancelled(void *self) {
    return qt_worker_task_cancelled(self);
}

static qt_code run(void *self, qt_worker_task *task, Qtaskdist__V1__TaskType type,
                   const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    const qt_provider *p = NULL;
    if (type != QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN) {
        return qt_fail(err, TYPE_MISMATCH, "backend-svc runs no tasks of type %d", (int)type);
    }
    QT_TRY(qt_registry_find(self, payload->backend_name, &p, err));
    const qt_run_watch watch = {.cancelled = task_cancelled, .self = task};
    return p->ops->run(p->self, qt_worker_task_id(task), payload, &watch, arena, ret_result, err);
}

qt_worker_runner qt_backend_task_runner(const qt_registry *registry) {
    return (qt_worker_runner){.run = run, .self = (void *)(uintptr_t)registry};
}
