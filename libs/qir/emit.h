/* Inside libs/qir: the writer's state and how single lines of text are made.
 *
 * Lines are appended to `text`; running out of memory is found once, at the end. */
#ifndef QT_QIR_EMIT_H
#define QT_QIR_EMIT_H

#include "base/buf.h"
#include "circuit/decompose.h"
#include "qir/qir.h"

typedef enum qt_qis {
#define QT_QIS(name, function, qubits, params, full) QT_QIS_##name,
#include "qir/qis.def"
#undef QT_QIS
    QT_QIS_COUNT_
} qt_qis;

typedef struct qt_qis_info {
    const char *function;
    uint8_t qubit_count;
    uint8_t param_count;
    bool full_only;
} qt_qis_info;

extern const qt_qis_info qt_qis_table[QT_QIS_COUNT_];

/* Runtime functions and measurement, by how they are declared. */
enum {
    QT_USES_MZ = 1,
    QT_USES_READ_RESULT = 2,
    QT_USES_RESULT_RECORD = 4,
    QT_USES_ARRAY_RECORD = 8,
    QT_USES_BOOL_RECORD = 16,
    QT_USES_TUPLE_RECORD = 32,
};

typedef struct qt_qir_emitter {
    const qt_circuit *circuit;
    qt_qir_options options;
    qt_buf text;
    qt_qir_info info;
    qt_gate_set gates; /* that have a function */
    bool used[QT_QIS_COUNT_];
    unsigned uses;        /* QT_USES_... */
    uint32_t value_count; /* SSA values %t0 ... so far */
    const char *qubit;    /* "%Qubit* " or "ptr " */
    const char *result;   /* "%Result* " or "ptr " */
    const char *label;    /* "i8* " or "ptr " */
} qt_qir_emitter;

void qt_qir_emitter_init(qt_qir_emitter *e, const qt_circuit *circuit,
                         const qt_qir_options *options);

/* One call of a function of qis.def. angle is NULL without parameter. */
void qt_qir_call(qt_qir_emitter *e, qt_qis qis, const qt_angle *angle, const uint32_t *qubits);
void qt_qir_call_mz(qt_qir_emitter *e, uint32_t qubit, uint32_t result);

/* "ptr null" or "ptr inttoptr (i64 3 to ptr)", with or without `attribute` ("writeonly "). */
void qt_qir_put_pointer(qt_qir_emitter *e, const char *type, const char *attribute, uint32_t id);
/* 0x400921FB54442D18: the exact bits, as LLVM reads doubles. */
void qt_qir_put_double(qt_qir_emitter *e, double value);

/* Where gates go: as calls of the chosen gate set, see circuit/decompose.h. An angle's value is
 * the number of the SSA value %tN. */
qt_gate_sink qt_qir_sink(qt_qir_emitter *e);

/* A gate with constant parameters or a barrier; anything else writes nothing (qir.c). */
void qt_qir_put_static_op(qt_qir_emitter *e, const qt_op *op);

/* The parts of a module around the body (module.c). Output is recorded by `record`. */
void qt_qir_put_header(qt_qir_emitter *e);
void qt_qir_put_footer(qt_qir_emitter *e);
/* The records of all visible bit registers. bit_result[clbit] is the result that a bit is in;
 * bit_value[clbit] (may be NULL) is an SSA value "%t7", "true" or "false" instead, or NULL. */
void qt_qir_put_records(qt_qir_emitter *e, const uint32_t *bit_result,
                        const char *const *bit_value);

/* Adaptive (flow.c): the blocks of the body, behind the label "body:". */
qt_code qt_qir_put_adaptive(qt_qir_emitter *e, qt_err *err);

#endif
