/* Inside libs/qir: what the functions are that QIR programs call. */
#ifndef QT_QIR_FUNCTIONS_H
#define QT_QIR_FUNCTIONS_H

#include "circuit/circuit.h"

typedef enum qt_qir_what {
    QT_QIR_DOES_UNKNOWN,
    QT_QIR_DOES_GATE,
    QT_QIR_DOES_MEASURE, /* (qubit, result), or (qubit) and returns the result */
    QT_QIR_DOES_MEASURE_RESET,
    QT_QIR_DOES_RESET,
    QT_QIR_DOES_BARRIER,
    QT_QIR_DOES_READ_RESULT,
    QT_QIR_DOES_ROTATE_PAULI, /* (pauli i2, angle, qubit) */
    QT_QIR_DOES_INITIALIZE,
    QT_QIR_DOES_RECORD_RESULT,
    QT_QIR_DOES_RECORD_RESULT_ARRAY,
    QT_QIR_DOES_RECORD_BOOL,
    QT_QIR_DOES_RECORD_INT,
    QT_QIR_DOES_RECORD_FLOAT,
    QT_QIR_DOES_RECORD_TUPLE,
    QT_QIR_DOES_RECORD_ARRAY,
    QT_QIR_DOES_QUBIT_ALLOCATE,
    QT_QIR_DOES_QUBIT_RELEASE,
    QT_QIR_DOES_RESULT_ALLOCATE,
    QT_QIR_DOES_QUBIT_ARRAY_ALLOCATE,
    QT_QIR_DOES_QUBIT_ARRAY_RELEASE,
    QT_QIR_DOES_RESULT_ARRAY_ALLOCATE,
    QT_QIR_DOES_RESULT_ZERO,
    QT_QIR_DOES_RESULT_ONE,
    QT_QIR_DOES_RESULT_EQUAL,
    QT_QIR_DOES_OLD_QUBIT_ARRAY,
    QT_QIR_DOES_OLD_ARRAY,
    QT_QIR_DOES_OLD_ELEMENT,
    QT_QIR_DOES_OLD_SIZE,
    QT_QIR_DOES_NOTHING,
} qt_qir_what;

typedef struct qt_qir_function {
    qt_qir_what what;
    qt_gate gate;
    uint8_t control_count;
    bool negated; /* the angles change their sign */
} qt_qir_function;

/* UNKNOWN when the name is not in functions.def. LLVM's own markers (llvm.dbg. and the like) do
 * nothing. */
qt_qir_function qt_qir_find_function(const char *name, size_t len);

#endif
