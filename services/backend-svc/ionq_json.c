#include "services/backend-svc/ionq_json.h"

#include "base/cleanup.h"
#include "rpc/message.h"
#include "services/backend-svc/vendor.h"

#include <string.h>
#include <strings.h>

static char *text_of(const char *s) {
    return (char *)(uintptr_t)s; /* protobuf-c does not write to it */
}

qt_job_phase qt_ionq_phase(const char *status) {
    static const struct {
        const char *status;
        qt_job_phase phase;
    } rows[] = {
        {"submitted", QT_PHASE_QUEUED},    {"ready", QT_PHASE_QUEUED},
        {"started", QT_PHASE_RUNNING},     {"running", QT_PHASE_RUNNING},
        {"completed", QT_PHASE_COMPLETED}, {"failed", QT_PHASE_FAILED},
        {"canceled", QT_PHASE_CANCELLED},  {"cancelled", QT_PHASE_CANCELLED},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        if (strcasecmp(rows[i].status, status) == 0) {
            return rows[i].phase;
        }
    }
    return QT_PHASE_UNKNOWN;
}

/* "code: error" of a failure. */
static const char *failure_text(const qt_json_node *failure) {
    static const char *const names[] = {"error", "message", "code", NULL};
    return qt_vendor_text(qt_json_get_any(failure, names));
}

void qt_ionq_job(const qt_json_node *job, qt_job_report *ret_report) {
    qt_job_report r = {.job_id = qt_json_text(qt_json_get(job, "id")),
                       .status = qt_vendor_text(qt_json_get(job, "status")),
                       .message = failure_text(qt_json_get(job, "failure"))};
    r.phase = qt_ionq_phase(r.status);
    qt_vendor_read_cost(qt_json_get(job, "cost"), &r);
    *ret_report = r;
}

bool qt_ionq_is_of_task(const qt_json_node *job, const char *task_id) {
    const char *tag = qt_json_text(qt_json_get(qt_json_get(job, "metadata"), "qtask"));
    return tag != NULL && strcasecmp(tag, task_id) == 0;
}

const qt_json_node *qt_ionq_jobs(const qt_json_node *root) {
    const qt_json_node *jobs = qt_json_get(root, "jobs");
    jobs = qt_json_is(root, QT_JSON_ARRAY) ? root : jobs;
    return qt_json_is(jobs, QT_JSON_ARRAY) ? jobs : NULL;
}

const char *qt_ionq_next(const qt_json_node *root) {
    const char *next = qt_json_text(qt_json_get(root, "next"));
    return next != NULL && next[0] != '\0' ? next : NULL;
}

/* ---- devices ---- */

static Qtaskdist__V1__DeviceStatus device_status(const char *status) {
    static const char *const online[] = {"available", "running", "degraded"};
    for (size_t i = 0; i < QT_ARRAY_LEN(online); i++) {
        if (strcasecmp(status, online[i]) == 0) {
            return QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_ONLINE;
        }
    }
    return strcasecmp(status, "retired") == 0 ? QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_RETIRED
                                              : QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_OFFLINE;
}

qt_code qt_ionq_device(const qt_json_node *node, qt_arena *arena,
                       Qtaskdist__V1__Device **ret_device, qt_err *err) {
    static const char *const names[] = {"backend", "name", "id", NULL};
    static char provider[] = "ionq";
    static char unit[] = "usd";
    static char format[] = "ionq";
    static char *formats[] = {format};
    const char *name = qt_json_text(qt_json_get_any(node, names));
    Qtaskdist__V1__Device *device = NULL;
    if (name == NULL) {
        return qt_fail(err, PROVIDER_REPLY_INVALID, "ionq lists a backend without a name");
    }
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__device__descriptor, &device, err));
    device->name = qt_arena_printf(arena, "ionq.%s", name);
    if (device->name == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for a device");
    }
    device->provider = provider;
    device->provider_status = text_of(qt_vendor_text(qt_json_get(node, "status")));
    device->status = device_status(device->provider_status);
    device->num_qubits = qt_vendor_count(qt_json_get(node, "qubits"));
    device->queue_depth = qt_vendor_count(qt_json_get(node, "queue_depth"));
    device->simulator = strncmp(name, "simulator", strlen("simulator")) == 0;
    device->price_known = device->simulator; /* free */
    device->price_unit = unit;
    device->formats = formats;
    device->n_formats = QT_ARRAY_LEN(formats);
    *ret_device = device;
    return QT_OK;
}
