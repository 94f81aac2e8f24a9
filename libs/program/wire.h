/* Programs in requests: the protobuf enums as kinds and targets. */
#ifndef QT_PROGRAM_WIRE_H
#define QT_PROGRAM_WIRE_H

#include "program/program.h"

#include <qtaskdist/v1/task.pb-c.h>

/* What a conversion is asked for. Texts are borrowed from the payload. */
typedef struct qt_program_conversion {
    qt_program_target target;
    qt_qir_options qir; /* without the version, which the target has */
    bool bitcode;
    bool verify;
    bool keep_loops;
} qt_program_conversion;

/* UNSPECIFIED is QASM. Python code is refused with CIRCUIT_TYPE_UNSUPPORTED and how to export it,
 * what is no type with FIELD_INVALID, both about `field`. */
qt_code qt_program_kind_decode(Qtaskdist__V1__CircuitType type, const char *field,
                               qt_program_kind *ret_kind, qt_err *err);
enum {
    QT_MAX_INPUT_NAME_BYTES = 256,
    QT_MAX_INPUT_VALUE_BYTES = 65536,
};
/* One entry of a map of inputs; its value as OpenQASM text, from the arena where it is a number.
 * FIELD_INVALID about `field`. */
qt_code qt_program_input_decode(const char *name, const Qtaskdist__V1__Scalar *value,
                                const char *field, qt_arena *arena, qt_qasm_input *ret_input,
                                qt_err *err);
/* All inputs of a payload, in the arena. */
qt_code qt_program_inputs_decode(const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                                 const qt_qasm_input **ret_inputs, size_t *ret_count, qt_err *err);

/* UNSPECIFIED is QIR 1.0. */
qt_code qt_program_target_decode(Qtaskdist__V1__ConvertTarget target, const char *field,
                                 qt_program_target *ret_target, qt_err *err);
Qtaskdist__V1__ConvertTarget qt_program_target_encode(qt_program_target target);
/* The conversion fields of a payload. FIELD_INVALID for values that are none and for a name that is
 * no entry point's, FIELD_NOT_ALLOWED for QIR options with another target; the field's path starts
 * with "payload.". */
qt_code qt_program_conversion_decode(const Qtaskdist__V1__TaskPayload *payload,
                                     qt_program_conversion *ret_conversion, qt_err *err);
Qtaskdist__V1__QirProfile qt_program_profile_encode(qt_qir_profile profile);
/* UNSPECIFIED is AUTO. */
qt_code qt_program_profile_decode(Qtaskdist__V1__QirProfile profile, const char *field,
                                  qt_qir_profile *ret_profile, qt_err *err);

#endif
