#include "program/wire.h"

#include "base/cleanup.h"

#include <math.h>
#include <string.h>

enum { MAX_ENTRY_NAME = 128 };

/* kinds.def and targets.def stand in the order of the protobuf enums. */
#define SAME_KIND(name)                                                                            \
    _Static_assert((int)QT_PROGRAM_##name + 1 ==                                                   \
                       (int)QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_##name,                      \
                   "kinds.def and the proto differ")
#define SAME_TARGET(name)                                                                          \
    _Static_assert((int)QT_PROGRAM_TO_##name + 1 ==                                                \
                       (int)QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_##name,                  \
                   "targets.def and the proto differ")
#define QT_PROGRAM_KIND(name, text) SAME_KIND(name);
#include "program/kinds.def"
#undef QT_PROGRAM_KIND
#define QT_PROGRAM_TARGET(name, text) SAME_TARGET(name);
#include "program/targets.def"
#undef QT_PROGRAM_TARGET

qt_code qt_program_kind_decode(Qtaskdist__V1__CircuitType type, const char *field,
                               qt_program_kind *ret_kind, qt_err *err) {
    int number = (int)type;
    if (type == QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_QISKIT) {
        return qt_fail_field(err, CIRCUIT_TYPE_UNSUPPORTED, field,
                             "Qiskit Python code is never run; send OpenQASM: "
                             "qiskit.qasm3.dumps(circuit), circuit_type openqasm3");
    }
    if (type == QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_CIRQ) {
        return qt_fail_field(err, CIRCUIT_TYPE_UNSUPPORTED, field,
                             "Cirq Python code is never run; send OpenQASM: "
                             "cirq.qasm(circuit), circuit_type openqasm2");
    }
    if (number < 0 || number > QT_PROGRAM_KIND_COUNT_) {
        return qt_fail_field(err, FIELD_INVALID, field, "%d is no circuit type", number);
    }
    *ret_kind = number == 0 ? QT_PROGRAM_QASM : (qt_program_kind)(number - 1);
    return QT_OK;
}

static qt_code number_text(double number, const char *name, const char *field, qt_arena *arena,
                           const char **ret_text, qt_err *err) {
    if (!isfinite(number)) {
        return qt_fail_field(err, FIELD_INVALID, field, "\"%s\" is not a finite number", name);
    }
    *ret_text = qt_arena_printf(arena, "%.17g", number);
    return *ret_text != NULL ? QT_OK : qt_fail(err, MEMORY_LIMIT, "no memory for the inputs");
}

qt_code qt_program_input_decode(const char *name, const Qtaskdist__V1__Scalar *value,
                                const char *field, qt_arena *arena, qt_qasm_input *ret_input,
                                qt_err *err) {
    qt_qasm_input input = {.name = name};
    if (name[0] == '\0' || strlen(name) > QT_MAX_INPUT_NAME_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, field, "a name has 1 to %d bytes",
                             (int)QT_MAX_INPUT_NAME_BYTES);
    }
    switch (value != NULL ? (int)value->kind_case : 0) {
    case QTASKDIST__V1__SCALAR__KIND_STRING_VALUE:
        input.value = value->string_value;
        break;
    case QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE:
        QT_TRY(number_text(value->number_value, name, field, arena, &input.value, err));
        break;
    case QTASKDIST__V1__SCALAR__KIND_BOOL_VALUE:
        input.value = value->bool_value ? "true" : "false";
        break;
    default:
        return qt_fail_field(err, FIELD_INVALID, field, "\"%s\" is no string, number or boolean",
                             name);
    }
    if (strlen(input.value) > QT_MAX_INPUT_VALUE_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, field, "the value of \"%s\" is over %d bytes",
                             name, (int)QT_MAX_INPUT_VALUE_BYTES);
    }
    *ret_input = input;
    return QT_OK;
}

qt_code qt_program_inputs_decode(const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                                 const qt_qasm_input **ret_inputs, size_t *ret_count, qt_err *err) {
    static const char field[] = "payload.inputs";
    void *memory = NULL;
    if (payload->n_inputs > QT_MAX_PROGRAM_INPUTS) {
        return qt_fail_field(err, FIELD_INVALID, field, "more than %d inputs",
                             (int)QT_MAX_PROGRAM_INPUTS);
    }
    QT_TRY(qt_arena_try_calloc(arena, payload->n_inputs + 1, sizeof(qt_qasm_input), &memory, err));
    qt_qasm_input *inputs = memory;
    for (size_t i = 0; i < payload->n_inputs; i++) {
        QT_TRY(qt_program_input_decode(payload->inputs[i]->key, payload->inputs[i]->value, field,
                                       arena, &inputs[i], err));
    }
    *ret_inputs = inputs;
    *ret_count = payload->n_inputs;
    return QT_OK;
}

qt_code qt_program_target_decode(Qtaskdist__V1__ConvertTarget target, const char *field,
                                 qt_program_target *ret_target, qt_err *err) {
    int number = (int)target;
    if (number < 0 || number > QT_PROGRAM_TARGET_COUNT_) {
        return qt_fail_field(err, FIELD_INVALID, field, "%d is no target", number);
    }
    *ret_target = number == 0 ? QT_PROGRAM_TO_QIR_1_0 : (qt_program_target)(number - 1);
    return QT_OK;
}

Qtaskdist__V1__ConvertTarget qt_program_target_encode(qt_program_target target) {
    return (Qtaskdist__V1__ConvertTarget)((int)target + 1);
}

/* ---- conversions ---- */

qt_code qt_program_profile_decode(Qtaskdist__V1__QirProfile profile, const char *field,
                                  qt_qir_profile *ret_profile, qt_err *err) {
    switch ((int)profile) {
    case QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_UNSPECIFIED:
    case QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_AUTO:
        *ret_profile = QT_QIR_AUTO;
        return QT_OK;
    case QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_BASE:
        *ret_profile = QT_QIR_BASE;
        return QT_OK;
    case QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_ADAPTIVE:
        *ret_profile = QT_QIR_ADAPTIVE;
        return QT_OK;
    default:
        return qt_fail_field(err, FIELD_INVALID, field, "%d is no profile", (int)profile);
    }
}

Qtaskdist__V1__QirProfile qt_program_profile_encode(qt_qir_profile profile) {
    switch (profile) {
    case QT_QIR_BASE:
        return QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_BASE;
    case QT_QIR_ADAPTIVE:
        return QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_ADAPTIVE;
    case QT_QIR_AUTO:
        break;
    }
    return QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_AUTO;
}

static qt_code decode_encoding(Qtaskdist__V1__QirEncoding encoding, bool *ret_bitcode,
                               qt_err *err) {
    int number = (int)encoding;
    if (number < 0 || number > (int)QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_BITCODE) {
        return qt_fail_field(err, FIELD_INVALID, "payload.encoding", "%d is no encoding", number);
    }
    *ret_bitcode = encoding == QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_BITCODE;
    return QT_OK;
}

static qt_code decode_gates(Qtaskdist__V1__QirGateSet gates, qt_qir_gates *ret_gates, qt_err *err) {
    int number = (int)gates;
    if (number < 0 || number > (int)QTASKDIST__V1__QIR_GATE_SET__QIR_GATE_SET_FULL) {
        return qt_fail_field(err, FIELD_INVALID, "payload.gate_set", "%d is no gate set", number);
    }
    bool full = gates == QTASKDIST__V1__QIR_GATE_SET__QIR_GATE_SET_FULL;
    *ret_gates = full ? QT_QIR_GATES_FULL : QT_QIR_GATES_MINIMAL;
    return QT_OK;
}

static qt_code check_entry_point(const char *name, qt_err *err) {
    bool good = strlen(name) <= MAX_ENTRY_NAME && (name[0] < '0' || name[0] > '9') &&
                strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$") ==
                    strlen(name);
    return good ? QT_OK
                : qt_fail_field(err, FIELD_INVALID, "payload.entry_point",
                                "a name of up to %d letters, digits, '_', '.' and '$'",
                                (int)MAX_ENTRY_NAME);
}

/* Options of QIR that are set although the target is none. */
static qt_code check_not_qir(const Qtaskdist__V1__TaskPayload *p, qt_program_target target,
                             qt_err *err) {
    const struct {
        const char *field;
        bool is_set;
    } fields[] = {
        {"payload.profile", p->profile != 0},
        {"payload.encoding", p->encoding != 0},
        {"payload.entry_point", p->entry_point[0] != '\0'},
        {"payload.gate_set", p->gate_set != 0},
        {"payload.barrier_calls", p->barrier_calls != 0},
        {"payload.initialize_call", p->initialize_call_oneof_case != 0},
        {"payload.global_phase_calls", p->global_phase_calls != 0},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(fields); i++) {
        if (fields[i].is_set) {
            return qt_fail_field(err, FIELD_NOT_ALLOWED, fields[i].field,
                                 "the field holds for QIR, not for the target %s",
                                 qt_program_target_name(target));
        }
    }
    return QT_OK;
}

qt_code qt_program_conversion_decode(const Qtaskdist__V1__TaskPayload *payload,
                                     qt_program_conversion *ret_conversion, qt_err *err) {
    qt_program_conversion c = {.verify = payload->verify != 0,
                               .keep_loops = payload->keep_loops != 0};
    QT_TRY(qt_program_target_decode(payload->target, "payload.target", &c.target, err));
    QT_TRY(qt_program_profile_decode(payload->profile, "payload.profile", &c.qir.profile, err));
    QT_TRY(decode_encoding(payload->encoding, &c.bitcode, err));
    QT_TRY(decode_gates(payload->gate_set, &c.qir.gates, err));
    QT_TRY(check_entry_point(payload->entry_point, err));
    if (!qt_program_target_is_qir(c.target)) {
        QT_TRY(check_not_qir(payload, c.target, err));
    }
    c.qir.entry_point = payload->entry_point;
    c.qir.barriers = payload->barrier_calls != 0;
    c.qir.global_phase = payload->global_phase_calls != 0;
    c.qir.no_initialize = payload->initialize_call_oneof_case ==
                              QTASKDIST__V1__TASK_PAYLOAD__INITIALIZE_CALL_ONEOF_INITIALIZE_CALL &&
                          !payload->initialize_call;
    *ret_conversion = c;
    return QT_OK;
}
