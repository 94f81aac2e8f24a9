/* Inside libs/qasm: base gates to real powers, and 2x2 matrices.
 *
 * A power takes the principal value: an eigenvalue e^{ia} with -pi < a <= pi becomes e^{iea}. */
#ifndef QT_QASM_POWER_H
#define QT_QASM_POWER_H

#include "circuit/circuit.h"

#include <complex.h>

/* A base gate with known parameters. */
typedef struct qasm_prim {
    qt_gate gate;
    double p[3];
} qasm_prim;

typedef struct qasm_matrix {
    double complex m[2][2];
} qasm_matrix;

enum { QASM_MAX_POWER_PRIMS = 4 };

bool qasm_is_integer(double e);

/* The gates (on the same qubits, in any order) whose product is prim^e. Returns their number. */
size_t qasm_power(const qasm_prim *prim, double e, qasm_prim ret_prims[QASM_MAX_POWER_PRIMS]);

/* Of a gate on one qubit, or of GPHASE. */
qasm_matrix qasm_matrix_of(const qasm_prim *prim);
qasm_matrix qasm_matrix_mul(const qasm_matrix *a, const qasm_matrix *b);
qasm_matrix qasm_matrix_power(const qasm_matrix *m, double e);
/* e^{ig} U(t, p, l) of a unitary matrix. */
void qasm_matrix_angles(const qasm_matrix *m, double *ret_g, double ret_p[3]);

#endif
