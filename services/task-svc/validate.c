#include "services/task-svc/validate.h"

#include "base/cleanup.h"
#include "program/wire.h"

#include <math.h>
#include <string.h>

enum {
    MAX_META_ENTRIES = 64,
    MAX_META_KEY_BYTES = 64,
    MAX_META_VALUE_BYTES = 1024,
    MAX_KEY_BYTES = 255,
    MAX_RETRIES = 100,
    MAX_PROJECT_BYTES = 63,
    MAX_NAME_BYTES = 128,
};

/* 9999-12-31T23:59:59Z, the last second that a Timestamp may name. */
#define LAST_SECOND 253402300799

static qt_code check_enum(const ProtobufCEnumDescriptor *type, int value, const char *field,
                          qt_err *err) {
    if (protobuf_c_enum_descriptor_get_value(type, value) == NULL) {
        return qt_fail_field(err, FIELD_INVALID, field, "%d is no %s", value, type->short_name);
    }
    return QT_OK;
}

/* ---- payload ---- */

static qt_code check_circuit(const qt_config *config, const Qtaskdist__V1__TaskPayload *payload,
                             qt_err *err) {
    qt_program_kind kind = QT_PROGRAM_QASM;
    QT_TRY(qt_program_kind_decode(payload->circuit_type, "payload.circuit_type", &kind, err));
    size_t len = strlen(payload->circuit_data);
    if (len == 0) {
        return qt_fail_field(err, FIELD_REQUIRED, "payload.circuit_data", "the circuit is missing");
    }
    if (len > (size_t)config->max_circuit_bytes) {
        return qt_fail_field(err, CIRCUIT_TOO_LARGE, "payload.circuit_data",
                             "the circuit has %zu bytes, at most %lld are allowed", len,
                             (long long)config->max_circuit_bytes);
    }
    return QT_OK;
}

static const char *type_word(Qtaskdist__V1__TaskType type) {
    switch ((int)type) {
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE:
        return "simulate";
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT:
        return "c_qir_convert";
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN:
        return "backend_run";
    default:
        return "this";
    }
}

/* A field that is set although it does not hold for the type. */
static qt_code check_fields(Qtaskdist__V1__TaskType type, const Qtaskdist__V1__TaskPayload *p,
                            qt_err *err) {
    bool simulate = type == QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE;
    bool convert = type == QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT;
    bool backend = type == QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN;
    const struct {
        const char *field;
        bool is_set;
        bool holds;
    } fields[] = {
        {"payload.shots", p->shots != 0, simulate || backend},
        {"payload.seed", p->seed_oneof_case != 0, simulate || backend},
        {"payload.simulator_id", p->simulator_id[0] != '\0', simulate},
        {"payload.method", p->method != 0, simulate},
        {"payload.target", p->target != 0, convert},
        {"payload.profile", p->profile != 0, convert},
        {"payload.encoding", p->encoding != 0, convert},
        {"payload.entry_point", p->entry_point[0] != '\0', convert},
        {"payload.verify", p->verify != 0, convert},
        {"payload.gate_set", p->gate_set != 0, convert},
        {"payload.barrier_calls", p->barrier_calls != 0, convert},
        {"payload.initialize_call", p->initialize_call_oneof_case != 0, convert},
        {"payload.keep_loops", p->keep_loops != 0, convert},
        {"payload.global_phase_calls", p->global_phase_calls != 0, convert},
        {"payload.backend_name", p->backend_name[0] != '\0', backend},
        {"payload.wait_for_completion", p->wait_for_completion_oneof_case != 0, backend},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(fields); i++) {
        if (fields[i].is_set && !fields[i].holds) {
            return qt_fail_field(err, FIELD_NOT_ALLOWED, fields[i].field,
                                 "the field does not hold for a %s task", type_word(type));
        }
    }
    return QT_OK;
}

static qt_code check_simulator(const Qtaskdist__V1__TaskPayload *p, qt_err *err) {
    static const struct {
        const char *id;
        Qtaskdist__V1__SimulationMethod method;
    } ids[] = {
        {"", QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_UNSPECIFIED},
        {"auto", QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_UNSPECIFIED},
        {"qasm_simulator", QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_UNSPECIFIED},
        {"statevector", QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STATEVECTOR},
        {"stabilizer", QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STABILIZER},
    };
    QT_TRY(check_enum(&qtaskdist__v1__simulation_method__descriptor, (int)p->method,
                      "payload.method", err));
    for (size_t i = 0; i < QT_ARRAY_LEN(ids); i++) {
        if (strcmp(ids[i].id, p->simulator_id) != 0) {
            continue;
        }
        if (ids[i].method != QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_UNSPECIFIED &&
            p->method > QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_AUTO &&
            p->method != ids[i].method) {
            return qt_fail_field(err, FIELD_INVALID, "payload.method",
                                 "the method contradicts simulator_id \"%s\"", p->simulator_id);
        }
        return QT_OK;
    }
    return qt_fail_field(err, FIELD_INVALID, "payload.simulator_id",
                         "no simulator \"%.64s\"; there are auto, statevector, stabilizer and "
                         "qasm_simulator",
                         p->simulator_id);
}

static qt_code check_convert(const Qtaskdist__V1__TaskPayload *p, qt_err *err) {
    qt_program_conversion conversion;
    return qt_program_conversion_decode(p, &conversion, err);
}

static qt_code check_backend(const Qtaskdist__V1__TaskPayload *p, qt_err *err) {
    size_t len = strlen(p->backend_name);
    if (len == 0) {
        return qt_fail_field(err, FIELD_REQUIRED, "payload.backend_name",
                             "a backend_run names its device");
    }
    if (len > MAX_NAME_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, "payload.backend_name", "at most %d bytes",
                             (int)MAX_NAME_BYTES);
    }
    return QT_OK;
}

qt_code qt_validate_payload(const qt_config *config, Qtaskdist__V1__TaskType type,
                            const Qtaskdist__V1__TaskPayload *payload, qt_err *err) {
    if (payload == NULL) {
        return qt_fail_field(err, FIELD_REQUIRED, "payload", "the payload is missing");
    }
    QT_TRY(check_circuit(config, payload, err));
    QT_TRY(check_fields(type, payload, err));
    if (payload->shots > config->max_shots) {
        return qt_fail_field(err, SHOTS_OUT_OF_RANGE, "payload.shots",
                             "%u shots, at most %lld are allowed", payload->shots,
                             (long long)config->max_shots);
    }
    switch ((int)type) {
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE:
        return check_simulator(payload, err);
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT:
        return check_convert(payload, err);
    case QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN:
        return check_backend(payload, err);
    default:
        return qt_fail_field(err, FIELD_REQUIRED, "task_type", "the task type is missing");
    }
}

/* ---- the rest of a task ---- */

static qt_code check_meta_value(const Qtaskdist__V1__Scalar *value, const char *key, qt_err *err) {
    int kind = value != NULL ? (int)value->kind_case : 0;
    if (kind == QTASKDIST__V1__SCALAR__KIND__NOT_SET) {
        return qt_fail_field(err, FIELD_INVALID, "meta_data",
                             "\"%s\" is no string, number or boolean", key);
    }
    if (kind == QTASKDIST__V1__SCALAR__KIND_STRING_VALUE &&
        strlen(value->string_value) > MAX_META_VALUE_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, "meta_data",
                             "the value of \"%s\" is over %d bytes", key,
                             (int)MAX_META_VALUE_BYTES);
    }
    if (kind == QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE && !isfinite(value->number_value)) {
        return qt_fail_field(err, FIELD_INVALID, "meta_data", "\"%s\" is not a finite number", key);
    }
    return QT_OK;
}

qt_code qt_validate_meta(Qtaskdist__V1__Task__MetaDataEntry *const *entries, size_t count,
                         qt_err *err) {
    if (count > MAX_META_ENTRIES) {
        return qt_fail_field(err, FIELD_INVALID, "meta_data", "%zu entries, at most %d are allowed",
                             count, (int)MAX_META_ENTRIES);
    }
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(entries[i]->key);
        if (len == 0 || len > MAX_META_KEY_BYTES) {
            return qt_fail_field(err, FIELD_INVALID, "meta_data", "a key has 1 to %d bytes",
                                 (int)MAX_META_KEY_BYTES);
        }
        QT_TRY(check_meta_value(entries[i]->value, entries[i]->key, err));
    }
    return QT_OK;
}

qt_code qt_validate_project(const char *project, qt_err *err) {
    size_t len = strlen(project);
    if (len > MAX_PROJECT_BYTES ||
        strspn(project, "abcdefghijklmnopqrstuvwxyz0123456789-") != len) {
        return qt_fail_field(err, FIELD_INVALID, "project", "1 to %d characters of [a-z0-9-]",
                             (int)MAX_PROJECT_BYTES);
    }
    return QT_OK;
}

qt_code qt_validate_max_retries(int32_t max_retries, qt_err *err) {
    if (max_retries < 0 || max_retries > MAX_RETRIES) {
        return qt_fail_field(err, FIELD_INVALID, "max_retries", "0 to %d", (int)MAX_RETRIES);
    }
    return QT_OK;
}

qt_code qt_validate_priority(Qtaskdist__V1__TaskPriority priority, qt_err *err) {
    return check_enum(&qtaskdist__v1__task_priority__descriptor, (int)priority, "priority", err);
}

qt_code qt_validate_time(const Google__Protobuf__Timestamp *time, const char *field, qt_err *err) {
    if (time != NULL && (time->seconds < 0 || time->seconds > LAST_SECOND || time->nanos < 0 ||
                         time->nanos > 999999999)) {
        return qt_fail_field(err, FIELD_INVALID, field, "not a time from 1970 to 9999");
    }
    return QT_OK;
}

qt_code qt_validate_id(const char *text, const char *field, qt_uuid *ret_id, qt_err *err) {
    if (text == NULL || text[0] == '\0') {
        return qt_fail_field(err, FIELD_REQUIRED, field, "the task id is missing");
    }
    if (qt_uuid_parse(text, ret_id, err) != QT_OK) {
        return qt_fail_field(err, ID_INVALID, field, "not a UUID of 36 characters");
    }
    return QT_OK;
}

qt_code qt_validate_worker(const char *worker_id, qt_err *err) {
    size_t len = strlen(worker_id);
    if (len == 0 || len > MAX_NAME_BYTES) {
        return qt_fail_field(err, FIELD_REQUIRED, "worker_id", "1 to %d bytes",
                             (int)MAX_NAME_BYTES);
    }
    return QT_OK;
}

qt_code qt_validate_create(const qt_config *config, const Qtaskdist__V1__CreateTaskRequest *req,
                           qt_err *err) {
    if (req->task_type == QTASKDIST__V1__TASK_TYPE__TASK_TYPE_UNSPECIFIED) {
        return qt_fail_field(err, FIELD_REQUIRED, "task_type", "the task type is missing");
    }
    QT_TRY(
        check_enum(&qtaskdist__v1__task_type__descriptor, (int)req->task_type, "task_type", err));
    QT_TRY(qt_validate_payload(config, req->task_type, req->payload, err));
    if (req->max_retries_oneof_case != 0) {
        QT_TRY(qt_validate_max_retries(req->max_retries, err));
    }
    QT_TRY(qt_validate_time(req->scheduled_for, "scheduled_for", err));
    QT_TRY(qt_validate_priority(req->priority, err));
    QT_TRY(qt_validate_project(req->project, err));
    if (strlen(req->idempotency_key) > MAX_KEY_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, "idempotency_key", "at most %d bytes",
                             (int)MAX_KEY_BYTES);
    }
    return qt_validate_meta((Qtaskdist__V1__Task__MetaDataEntry *const *)req->meta_data,
                            req->n_meta_data, err);
}
