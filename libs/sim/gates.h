/* The matrices of gates.def, and how any gate with any controls is made of three primitives: a
 * 2x2 matrix on one qubit with controls, a phase on the states in which some qubits are 1, and a
 * swap of two qubits. */
#ifndef QT_SIM_GATES_H
#define QT_SIM_GATES_H

#include "circuit/circuit.h"

/* Row-major: m[0] m[1] / m[2] m[3]. */
typedef struct qt_mat2 {
    double re[4];
    double im[4];
} qt_mat2;

/* Whether the gate has one qubit; then its matrix. */
bool qt_gate_mat2(qt_gate gate, const double *params, qt_mat2 *ret_mat);
/* a * b: b is applied first. */
qt_mat2 qt_mat2_mul(const qt_mat2 *a, const qt_mat2 *b);

/* The parameters of a GATE; NULL when it has none. */
static inline const double *qt_gate_params(const qt_circuit *circuit, const qt_op *op) {
    bool none = qt_gate_get_info((qt_gate)op->sub)->param_count == 0;
    return none ? NULL : circuit->params + op->param;
}

/* Where the primitives go. Qubits are given as the circuit numbers them, below 64; a mask has a
 * bit per qubit. */
typedef struct qt_gate_sink {
    qt_code (*matrix)(void *self, uint32_t target, uint64_t controls, const qt_mat2 *mat,
                      qt_err *err);
    /* The factor re + i im where all qubits of the mask are 1; an empty mask: everywhere. */
    qt_code (*phase)(void *self, uint64_t mask, double re, double im, qt_err *err);
    qt_code (*swap)(void *self, uint32_t a, uint32_t b, qt_err *err);
    void *self;
} qt_gate_sink;

/* Sends the primitives of one gate, in order. qubits: control_count controls, then its own. */
qt_code qt_gate_lower(const qt_gate_sink *sink, qt_gate gate, const uint32_t *qubits,
                      size_t qubit_count, size_t control_count, const double *params, qt_err *err);

#endif
