#include "program/wire.h"

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
