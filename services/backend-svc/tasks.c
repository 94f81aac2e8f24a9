#include "base/clock.h"
#include "services/backend-svc/handlers.h"
#include "services/backend-svc/run.h"
#include "task/retry.h"
#include "task/uuid.h"

static bool task_cancelled(void *self) {
    return qt_worker_task_cancelled(self);
}

static bool is_old(const qt_backend *backend, const char *task_id) {
    qt_uuid id;
    qt_err ignored;
    if (qt_uuid_parse(task_id, &id, &ignored) != QT_OK) {
        return false;
    }
    int64_t age_us = qt_clock_wall_us(qt_clock_system()) - qt_uuid7_time_us(&id);
    return age_us / 1000 > backend->limits.give_up_ms;
}

/* A provider that is away costs no retries, for a while; a little jitter keeps those apart who wait
 * for the same moment. */
static void soften(const qt_backend *backend, const char *task_id, qt_err *err) {
    enum { OUTAGE_MS = 2000, QUOTA_MS = 200 };
    bool is_outage = err->code == QT_UNAVAILABLE || err->code == QT_DEADLINE_EXCEEDED;
    bool is_quota = err->reason == QT_REASON_QUOTA_EXHAUSTED;
    bool is_wait = err->reason == QT_REASON_JOB_PENDING || err->reason == QT_REASON_JOB_IN_DOUBT;
    if (is_wait || (!is_outage && !is_quota)) {
        return;
    }
    if (is_outage && is_old(backend, task_id)) {
        err->retry_after_ms = 0;
        return;
    }
    uint64_t jitter_ms = is_quota ? QUOTA_MS : OUTAGE_MS;
    err->retry_after_ms += 1 + (int64_t)(qt_random_u64() % jitter_ms);
}

static qt_code run(void *self, qt_worker_task *task, Qtaskdist__V1__TaskType type,
                   const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    const qt_backend *backend = self;
    const qt_provider *p = NULL;
    const char *id = qt_worker_task_id(task);
    if (type != QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN) {
        return qt_fail(err, TYPE_MISMATCH, "backend-svc runs no tasks of type %d", (int)type);
    }
    QT_TRY(qt_registry_find(backend->registry, payload->backend_name, &p, err));
    const qt_run_watch watch = {.cancelled = task_cancelled, .self = task};
    if (p->ops->run != NULL) {
        return p->ops->run(p->self, id, payload, &watch, arena, ret_result, err);
    }
    const qt_run step = {.backend = backend,
                         .provider = p,
                         .task_id = id,
                         .payload = payload,
                         .watch = &watch,
                         .arena = arena};
    qt_code code = qt_run_step(&step, ret_result, err);
    if (code != QT_OK) {
        soften(backend, id, err);
    }
    return code;
}

qt_worker_runner qt_backend_task_runner(const qt_backend *backend) {
    return (qt_worker_runner){.run = run, .self = (void *)(uintptr_t)backend};
}
