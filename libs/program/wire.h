/* Programs in requests: the protobuf enums as kinds and targets. */
#ifndef QT_PROGRAM_WIRE_H
#define QT_PROGRAM_WIRE_H

#include "program/program.h"

#include <qtaskdist/v1/task.pb-c.h>

/* UNSPECIFIED is QASM. Python code is refused with CIRCUIT_TYPE_UNSUPPORTED and how to export it,
 * what is no type with FIELD_INVALID, both about `field`. */
qt_code qt_program_kind_decode(Qtaskdist__V1__CircuitType type, const char *field,
                               qt_program_kind *ret_kind, qt_err *err);
/* UNSPECIFIED is QIR 1.0. */
qt_code qt_program_target_decode(Qtaskdist__V1__ConvertTarget target, const char *field,
                                 qt_program_target *ret_target, qt_err *err);
Qtaskdist__V1__ConvertTarget qt_program_target_encode(qt_program_target target);

#endif
