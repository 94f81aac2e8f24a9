#include "services/backend-svc/qbraid_json.h"

#include "base/cleanup.h"
#include "rpc/message.h"
#include "services/backend-svc/counts.h"
#include "services/backend-svc/vendor.h"

#include <string.h>
#include <strings.h>

static char *text_of(const char *s) {
    return (char *)(uintptr_t)s; /* protobuf-c does not write to it */
}

/* ---- jobs ---- */

qt_job_phase qt_qbraid_phase(const char *status) {
    static const struct {
        const char *status;
        qt_job_phase phase;
    } rows[] = {
        {"INITIALIZING", QT_PHASE_QUEUED},   {"QUEUED", QT_PHASE_QUEUED},
        {"VALIDATING", QT_PHASE_QUEUED},     {"RUNNING", QT_PHASE_RUNNING},
        {"CANCELLING", QT_PHASE_CANCELLING}, {"HOLD", QT_PHASE_HELD},
        {"COMPLETED", QT_PHASE_COMPLETED},   {"FAILED", QT_PHASE_FAILED},
        {"CANCELLED", QT_PHASE_CANCELLED},   {"CANCELED", QT_PHASE_CANCELLED},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        if (strcasecmp(rows[i].status, status) == 0) {
            return rows[i].phase;
        }
    }
    return QT_PHASE_UNKNOWN;
}

qt_code qt_qbraid_data(const qt_json_node *root, const qt_json_node **ret_data, qt_err *err) {
    const qt_json_node *data = qt_json_get(root, "data");
    if (qt_json_is(qt_json_get(root, "success"), QT_JSON_FALSE) || data == NULL ||
        data->type == QT_JSON_NULL) {
        return qt_fail(err, PROVIDER_REPLY_INVALID, "qbraid's reply reports no success or no data");
    }
    *ret_data = data;
    return QT_OK;
}

void qt_qbraid_job(const qt_json_node *job, qt_job_report *ret_report) {
    static const char *const ids[] = {"jobQrn", "qrn", NULL};
    static const char *const messages[] = {"statusMsg", "statusText", "error", NULL};
    const qt_json_node *message = qt_json_get_any(job, messages);
    const qt_json_node *inner = qt_json_get(message, "message");
    qt_job_report r = {.job_id = qt_json_text(qt_json_get_any(job, ids)),
                       .status = qt_vendor_text(qt_json_get(job, "status")),
                       .queue_position = qt_vendor_count(qt_json_get(job, "queuePosition")),
                       .message = qt_vendor_text(inner != NULL ? inner : message)};
    r.phase = qt_qbraid_phase(r.status);
    qt_vendor_read_cost(qt_json_get(job, "cost"), &r);
    *ret_report = r;
}

bool qt_qbraid_is_of_task(const qt_json_node *job, const char *task_id) {
    const char *tag = qt_json_text(qt_json_get(qt_json_get(job, "tags"), "qtask"));
    return tag != NULL && strcasecmp(tag, task_id) == 0;
}

bool qt_qbraid_has_next(const qt_json_node *root, size_t page, size_t limit) {
    const qt_json_node *pagination = qt_json_get(root, "pagination");
    const qt_json_node *next = qt_json_get(pagination, "hasNext");
    const qt_json_node *data = qt_json_get(root, "data");
    double total = 0;
    double of_page = 0;
    if (qt_json_is(next, QT_JSON_TRUE) || qt_json_is(next, QT_JSON_FALSE)) {
        return next->type == QT_JSON_TRUE;
    }
    if (qt_json_value(qt_json_get(pagination, "limit"), &of_page) && of_page >= 1) {
        limit = of_page < (double)limit ? (size_t)of_page : limit;
    }
    if (qt_json_value(qt_json_get(pagination, "total"), &total)) {
        return total > (double)page * (double)limit;
    }
    size_t count = 0;
    for (const qt_json_node *c = data != NULL ? data->child : NULL; c != NULL; c = c->next) {
        count++;
    }
    return count >= limit;
}

/* ---- devices ---- */

static Qtaskdist__V1__DeviceStatus device_status(const char *status) {
    if (strcasecmp(status, "ONLINE") == 0 || strcasecmp(status, "AVAILABLE") == 0) {
        return QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_ONLINE;
    }
    if (strcasecmp(status, "RETIRED") == 0) {
        return QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_RETIRED;
    }
    return QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_OFFLINE;
}

static qt_code read_formats(const qt_json_node *list, qt_arena *arena,
                            Qtaskdist__V1__Device *device, qt_err *err) {
    void *memory = NULL;
    size_t count = 0;
    const qt_json_node *first = qt_json_is(list, QT_JSON_ARRAY) ? list->child : NULL;
    for (const qt_json_node *c = first; c != NULL; c = c->next) {
        count++;
    }
    QT_TRY(qt_arena_try_calloc(arena, count + 1, sizeof(char *), &memory, err));
    device->formats = memory;
    for (const qt_json_node *c = first; c != NULL; c = c->next) {
        if (qt_json_text(c) != NULL) {
            device->formats[device->n_formats++] = text_of(qt_json_text(c));
        }
    }
    return QT_OK;
}

/* Whether a price is given, which may be as a text; negative ones are none. */
static bool read_price(const qt_json_node *pricing, const char *name, double *ret_price) {
    double value = 0;
    if (!qt_json_value(qt_json_get(pricing, name), &value) || value < 0) {
        return false;
    }
    *ret_price = value;
    return true;
}

static void read_prices(const qt_json_node *pricing, Qtaskdist__V1__Device *device) {
    static char unit[] = "credits";
    bool per_job = read_price(pricing, "perTask", &device->price_per_job);
    bool per_shot = read_price(pricing, "perShot", &device->price_per_shot);
    bool per_minute = read_price(pricing, "perMinute", &device->price_per_minute);
    device->price_known = per_job || per_shot || per_minute;
    device->price_unit = unit;
}

static bool is_simulator(const qt_json_node *node, const char *qrn) {
    const char *type = qt_json_text(qt_json_get(node, "deviceType"));
    return type != NULL ? strcasecmp(type, "SIMULATOR") == 0 : strstr(qrn, ":sim:") != NULL;
}

qt_code qt_qbraid_device(const qt_json_node *node, qt_arena *arena,
                         Qtaskdist__V1__Device **ret_device, qt_err *err) {
    static const char *const names[] = {"qrn", "deviceQrn", NULL};
    static const char *const qubits[] = {"numberQubits", "numQubits", NULL};
    static const char *const depths[] = {"queueDepth", "pendingJobs", NULL};
    static const char *const texts[] = {"description", "deviceDescription", "name", NULL};
    static char provider[] = "qbraid";
    const char *qrn = qt_json_text(qt_json_get_any(node, names));
    Qtaskdist__V1__Device *device = NULL;
    if (qrn == NULL) {
        return qt_fail(err, PROVIDER_REPLY_INVALID, "qbraid lists a device without a name");
    }
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__device__descriptor, &device, err));
    device->name = text_of(qrn);
    device->provider = provider;
    device->provider_status = text_of(qt_vendor_text(qt_json_get(node, "status")));
    device->status = device_status(device->provider_status);
    device->num_qubits = qt_vendor_count(qt_json_get_any(node, qubits));
    device->queue_depth = qt_vendor_count(qt_json_get_any(node, depths));
    device->simulator = is_simulator(node, qrn);
    device->description = text_of(qt_vendor_text(qt_json_get_any(node, texts)));
    read_prices(qt_json_get(node, "pricing"), device);
    QT_TRY(read_formats(qt_json_get(node, "runInputTypes"), arena, device, err));
    *ret_device = device;
    return QT_OK;
}

/* ---- results ---- */

qt_code qt_qbraid_result(const qt_json_node *data, const qt_layout *layout, uint32_t shots,
                         qt_arena *arena, Qtaskdist__V1__TaskResult *result, qt_job_report *report,
                         qt_err *err) {
    const qt_json_node *inner = qt_json_get(data, "resultData");
    const qt_json_node *from = inner != NULL ? inner : data;
    const qt_json_node *counts = qt_json_get(from, "measurementCounts");
    const qt_json_node *probabilities = qt_json_get(from, "measurementProbabilities");
    qt_vendor_read_cost(qt_json_get(data, "cost"), report);
    if (qt_json_is(counts, QT_JSON_OBJECT)) {
        return qt_counts_of_bits(counts, layout, arena, result, err);
    }
    if (qt_json_is(probabilities, QT_JSON_OBJECT)) {
        return qt_counts_of_probabilities(probabilities, layout, shots, arena, result, err);
    }
    return qt_fail(err, PROVIDER_REPLY_INVALID, "qbraid's result has no counts");
}
