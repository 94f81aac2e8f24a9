#include "services/backend-svc/local.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "rpc/message.h"
#include "services/backend-svc/devices.h"

#include <qtaskdist/v1/sim_service.rpc.h>
#include <string.h>

static const char device_name[] = "local";

/* protobuf-c's strings are not const; it does not write to them. */
static char *text_of(const char *s) {
    return (char *)(uintptr_t)s;
}

static bool owns(void *self, const char *device) {
    (void)self;
    return strcmp(device, device_name) == 0;
}

static qt_code describe(const qt_local *local, qt_arena *arena, Qtaskdist__V1__Device **ret_device,
                        qt_err *err) {
    static char openqasm2[] = "openqasm2";
    static char openqasm3[] = "openqasm3";
    static char *formats[] = {openqasm2, openqasm3};
    Qtaskdist__V1__Device *device = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__device__descriptor, &device, err));
    QT_TRY(qt_device_refreshed(device, qt_clock_wall_us(qt_clock_system()), arena, err));
    device->name = text_of(device_name);
    device->provider = text_of(device_name);
    device->description = text_of("The simulators of sim-svc, without noise.");
    device->simulator = 1;
    device->price_known = 1; /* free */
    device->price_unit = text_of("credits");
    device->formats = formats;
    device->n_formats = QT_ARRAY_LEN(formats);
    device->status = QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_OFFLINE;

    const Qtaskdist__V1__GetLimitsRequest req = QTASKDIST__V1__GET_LIMITS_REQUEST__INIT;
    const qt_rpc_call call = {.timeout_ms = local->device_timeout_ms, .idempotent = true};
    Qtaskdist__V1__GetLimitsResponse *limits = NULL;
    qt_err offline;
    if (qt_sim_service_get_limits(local->sim, &call, &req, arena, &limits, &offline) == QT_OK) {
        device->status = QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_ONLINE;
        device->num_qubits = limits->max_qubits_statevector;
    }
    *ret_device = device;
    return QT_OK;
}

static qt_code list_devices(void *self, qt_arena *arena, Qtaskdist__V1__Device ***ret_devices,
                            size_t *ret_count, qt_err *err) {
    void *list = NULL;
    QT_TRY(qt_arena_try_calloc(arena, 1, sizeof(Qtaskdist__V1__Device *), &list, err));
    Qtaskdist__V1__Device **devices = list;
    QT_TRY(describe(self, arena, &devices[0], err));
    *ret_devices = devices;
    *ret_count = 1;
    return QT_OK;
}

/* The fields of a simulation; those of a device run do not hold there. */
static Qtaskdist__V1__TaskPayload simulation_of(const Qtaskdist__V1__TaskPayload *payload) {
    Qtaskdist__V1__TaskPayload p = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    p.circuit_type = payload->circuit_type;
    p.circuit_data = payload->circuit_data;
    p.inputs = payload->inputs;
    p.n_inputs = payload->n_inputs;
    p.shots = payload->shots;
    p.seed_oneof_case = payload->seed_oneof_case;
    p.seed = payload->seed;
    return p;
}

static qt_code run(void *self, const char *task_id, const Qtaskdist__V1__TaskPayload *payload,
                   const qt_run_watch *watch, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    const qt_local *local = self;
    Qtaskdist__V1__TaskPayload simulation = simulation_of(payload);
    Qtaskdist__V1__SimulateRequest req = QTASKDIST__V1__SIMULATE_REQUEST__INIT;
    req.payload = &simulation;
    const qt_rpc_call call = {.timeout_ms = local->run_timeout_ms,
                              .idempotent = true,
                              .request_id = task_id,
                              .cancelled = watch->cancelled,
                              .self = watch->self};
    Qtaskdist__V1__SimulateResponse *resp = NULL;
    QT_TRY(qt_sim_service_simulate(local->sim, &call, &req, arena, &resp, err));
    if (resp->result == NULL) {
        return qt_fail(err, INTERNAL, "sim-svc answered without a result");
    }
    resp->result->job_id = text_of(task_id);
    resp->result->backend_name = text_of(device_name);
    *ret_result = resp->result;
    return QT_OK;
}

qt_provider qt_local_provider(qt_local *local) {
    static const qt_provider_ops ops = {
        .name = device_name, .owns = owns, .list_devices = list_devices, .run = run};
    return (qt_provider){.ops = &ops, .self = local};
}
