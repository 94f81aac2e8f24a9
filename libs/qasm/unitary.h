/* Inside libs/qasm: a unitary matrix as gates.
 *
 * The matrix is reduced column by column by rotations of two basis states each (Givens), so that
 * 2^n x 2^n numbers take up to 2^(n-1) (2^n - 1) of them; each becomes one controlled U between
 * cnot and x that bring the two states next to each other (Nielsen and Chuang 2010, section
 * 4.5). Exact to rounding, phase included. */
#ifndef QT_QASM_UNITARY_H
#define QT_QASM_UNITARY_H

#include "circuit/builder.h"

#include <complex.h>

enum { QASM_MAX_UNITARY_QUBITS = 6, QASM_MAX_UNITARY_DIM = 1 << QASM_MAX_UNITARY_QUBITS };

/* The largest entry of |m m* - 1|; m has dim rows of dim numbers. */
double qasm_unitary_error(const double complex *m, size_t dim);
/* Appends the gates; qubits[0] is the highest bit of an index into the matrix, which is
 * overwritten. */
qt_code qasm_build_unitary(qt_builder *b, double complex *m, const uint32_t *qubits, size_t count,
                           qt_err *err);

#endif
