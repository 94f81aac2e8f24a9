#include "services/backend-svc/handlers.h"

#include "base/log.h"
#include "rpc/message.h"
#include "services/backend-svc/devices.h"
#include "services/backend-svc/jobstore.h"
#include "services/backend-svc/metrics.h"
#include "services/backend-svc/run.h"

#include <qtaskdist/v1/backend_service.rpc.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_SHOTS = 1024 };

typedef Qtaskdist__V1__JobRecord record_t;

/* The path of a resource is no field of the request. */
static qt_code as_resource(qt_err *err) {
    err->field[0] = '\0';
    return err->code;
}

/* ---- devices ---- */

static int by_name(const void *a, const void *b) {
    const Qtaskdist__V1__Device *const *x = a;
    const Qtaskdist__V1__Device *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static qt_code add_devices(qt_rpc_ctx *ctx, const qt_provider *p,
                           Qtaskdist__V1__ListDevicesResponse *resp, qt_err *err) {
    Qtaskdist__V1__Device **devices = NULL;
    size_t count = 0;
    void *list = NULL;
    QT_TRY(qt_devices_list(p, qt_rpc_arena(ctx), &devices, &count, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), resp->n_devices + count + 1, sizeof *devices,
                               &list, err));
    if (resp->n_devices > 0) {
        memcpy(list, resp->devices, resp->n_devices * sizeof *devices);
    }
    if (count > 0) {
        memcpy((Qtaskdist__V1__Device **)list + resp->n_devices, devices, count * sizeof *devices);
    }
    resp->devices = list;
    resp->n_devices += count;
    return QT_OK;
}

/* A provider that does not answer hides its own devices only, unless it was asked for by name. */
static qt_code list_devices(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListDevicesRequest *req,
                            Qtaskdist__V1__ListDevicesResponse **ret_resp, qt_err *err) {
    const qt_backend *backend = qt_rpc_self(ctx);
    Qtaskdist__V1__ListDevicesResponse *resp = NULL;
    QT_TRY(qt_rpc_message_new(qt_rpc_arena(ctx), &qtaskdist__v1__list_devices_response__descriptor,
                              &resp, err));
    for (size_t i = 0; i < backend->registry->count; i++) {
        const qt_provider *p = &backend->registry->providers[i];
        bool is_named = strcmp(req->provider, p->ops->name) == 0;
        if (req->provider[0] != '\0' && !is_named) {
            continue;
        }
        if (add_devices(ctx, p, resp, err) != QT_OK) {
            if (is_named) {
                return err->code;
            }
            qt_log_err(WARN, "a provider's devices are left out", err,
                       QT_KV_STR("provider", p->ops->name));
        }
    }
    if (resp->n_devices > 0) {
        qsort(resp->devices, resp->n_devices, sizeof *resp->devices, by_name);
    }
    *ret_resp = resp;
    return QT_OK;
}

static qt_code find_device(qt_rpc_ctx *ctx, const char *name, const char *field,
                           Qtaskdist__V1__Device **ret_device, qt_err *err) {
    const qt_backend *backend = qt_rpc_self(ctx);
    const qt_provider *p = NULL;
    if (name[0] == '\0') {
        return qt_fail_field(err, FIELD_REQUIRED, field, "the device's name is missing");
    }
    if (qt_registry_find(backend->registry, name, &p, err) != QT_OK) {
        return as_resource(err);
    }
    return qt_devices_get(p, name, qt_rpc_arena(ctx), ret_device, err);
}

static qt_code get_device(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetDeviceRequest *req,
                          Qtaskdist__V1__Device **ret_resp, qt_err *err) {
    return find_device(ctx, req->name, "name", ret_resp, err);
}

static qt_code estimate_cost(qt_rpc_ctx *ctx, const Qtaskdist__V1__EstimateCostRequest *req,
                             Qtaskdist__V1__EstimateCostResponse **ret_resp, qt_err *err) {
    Qtaskdist__V1__Device *device = NULL;
    QT_TRY(find_device(ctx, req->backend_name, "backend_name", &device, err));
    Qtaskdist__V1__EstimateCostResponse *resp = NULL;
    QT_TRY(qt_rpc_message_new(qt_rpc_arena(ctx), &qtaskdist__v1__estimate_cost_response__descriptor,
                              &resp, err));
    resp->available =
        qt_device_cost(device, req->shots > 0 ? req->shots : DEFAULT_SHOTS, &resp->cost);
    resp->unit = device->price_unit;
    *ret_resp = resp;
    return QT_OK;
}

/* ---- jobs ---- */

static const qt_provider *provider_of(const qt_backend *backend, const record_t *record) {
    for (size_t i = 0; i < backend->registry->count; i++) {
        const qt_provider *p = &backend->registry->providers[i];
        if (strcmp(p->ops->name, record->provider) == 0 && p->ops->run == NULL) {
            return p;
        }
    }
    return NULL;
}

static Qtaskdist__V1__TaskStatus status_of(const qt_provider *p, const record_t *record) {
    switch (record->state) {
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_COMPLETED:
        return QTASKDIST__V1__TASK_STATUS__TASK_STATUS_COMPLETED;
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_FAILED:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_REJECTED:
        return QTASKDIST__V1__TASK_STATUS__TASK_STATUS_FAILED;
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_CANCELLED:
        return QTASKDIST__V1__TASK_STATUS__TASK_STATUS_CANCELLED;
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_INTENT:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTING:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTED:
    case _QTASKDIST__V1__JOB_STATE_IS_INT_SIZE:
    default:
        break;
    }
    qt_job_phase phase = p != NULL ? p->ops->phase(record->provider_status) : QT_PHASE_QUEUED;
    if (phase == QT_PHASE_CANCELLING || record->cancel_count > 0) {
        return QTASKDIST__V1__TASK_STATUS__TASK_STATUS_CANCELLING;
    }
    return phase == QT_PHASE_RUNNING ? QTASKDIST__V1__TASK_STATUS__TASK_STATUS_PROCESSING
                                     : QTASKDIST__V1__TASK_STATUS__TASK_STATUS_QUEUED;
}

static qt_code make_job(qt_rpc_ctx *ctx, const qt_provider *p, const record_t *record,
                        Qtaskdist__V1__Job **ret_job, qt_err *err) {
    Qtaskdist__V1__Job *job = NULL;
    QT_TRY(qt_rpc_message_new(qt_rpc_arena(ctx), &qtaskdist__v1__job__descriptor, &job, err));
    job->job_id = record->job_id;
    job->task_id = record->task_id;
    job->backend_name = record->backend_name;
    job->provider_status = record->provider_status;
    job->queue_position = record->queue_position;
    job->status = status_of(p, record);
    job->result = record->result;
    job->cost = record->cost;
    job->cost_known = record->cost_known;
    job->error = record->message;
    *ret_job = job;
    return QT_OK;
}

/* Reads the result of a job that nobody waited for, once, and keeps it. One that cannot be read now
 * is left out. */
static void add_result(qt_rpc_ctx *ctx, const qt_provider *p, record_t *record) {
    const qt_backend *backend = qt_rpc_self(ctx);
    qt_arena *arena = qt_rpc_arena(ctx);
    Qtaskdist__V1__RecordJobRequest req = QTASKDIST__V1__RECORD_JOB_REQUEST__INIT;
    record_t *stored = NULL;
    qt_err err;
    if (record->result != NULL || p == NULL ||
        record->state != QTASKDIST__V1__JOB_STATE__JOB_STATE_COMPLETED) {
        return;
    }
    if (qt_run_fetch_result(backend, p, record, arena, &record->result, &err) != QT_OK) {
        qt_log_err(INFO, "a job's result cannot be read now", &err,
                   QT_KV_STR("job_id", record->job_id));
        return;
    }
    req.task_id = record->task_id;
    req.outcome = QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_RESULT;
    req.result = record->result;
    if (qt_jobstore_record(backend->task, &req, arena, &stored, &err) != QT_OK) {
        qt_log_err(WARN, "a job's result could not be stored", &err,
                   QT_KV_STR("job_id", record->job_id));
    }
}

static qt_code read_job(qt_rpc_ctx *ctx, const char *job_id, record_t **ret_record, qt_err *err) {
    const qt_backend *backend = qt_rpc_self(ctx);
    if (job_id[0] == '\0') {
        return qt_fail_field(err, FIELD_REQUIRED, "job_id", "the job's id is missing");
    }
    return qt_jobstore_get(backend->task, NULL, job_id, qt_rpc_arena(ctx), ret_record, err);
}

static qt_code get_job(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetJobRequest *req,
                       Qtaskdist__V1__Job **ret_resp, qt_err *err) {
    record_t *record = NULL;
    QT_TRY(read_job(ctx, req->job_id, &record, err));
    const qt_provider *p = provider_of(qt_rpc_self(ctx), record);
    add_result(ctx, p, record);
    return make_job(ctx, p, record, ret_resp, err);
}

static qt_code cancel_job(qt_rpc_ctx *ctx, const Qtaskdist__V1__CancelJobRequest *req,
                          Qtaskdist__V1__Job **ret_resp, qt_err *err) {
    const qt_backend *backend = qt_rpc_self(ctx);
    record_t *record = NULL;
    Qtaskdist__V1__JobUpdate update = QTASKDIST__V1__JOB_UPDATE__INIT;
    Qtaskdist__V1__JobUpdate *updates[] = {&update};
    QT_TRY(read_job(ctx, req->job_id, &record, err));
    const qt_provider *p = provider_of(backend, record);
    if (p == NULL) {
        return qt_fail(err, PROVIDER_KEY_INVALID, "provider '%.40s' is not set up",
                       record->provider);
    }
    if (record->state == QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTED) {
        QT_TRY(p->ops->cancel(p->self, record->job_id, err));
        qt_backend_count(QT_BACKEND_CANCELS, p->ops->name, "accepted", 1);
        update.task_id = record->task_id;
        update.queue_position = record->queue_position;
        update.cancel_sent = 1;
        QT_TRY(qt_jobstore_update(backend->task, updates, 1, err));
        record->cancel_count++;
    }
    return make_job(ctx, p, record, ret_resp, err);
}

void qt_backend_handlers_register(qt_rpc_server *server, const qt_backend *backend) {
    static const qt_backend_service_ops ops = {.list_devices = list_devices,
                                               .get_device = get_device,
                                               .estimate_cost = estimate_cost,
                                               .get_job = get_job,
                                               .cancel_job = cancel_job};
    qt_backend_service_register(server, &ops, (void *)(uintptr_t)backend);
}
