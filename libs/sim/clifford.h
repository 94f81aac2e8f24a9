/* Clifford gates as what they do to Pauli operators. Any thread. */
#ifndef QT_SIM_CLIFFORD_H
#define QT_SIM_CLIFFORD_H

#include "circuit/circuit.h"

/* On one or two of the gate's qubits; the others are left alone. A Pauli operator on them is a
 * number: bit 0 and 1 are x and z of the first, bits 2 and 3 of the second; x = z = 1 is Y. */
typedef struct qt_clifford {
    uint8_t qubit_count; /* 0 to 2 */
    uint8_t operands[2]; /* which of the gate's qubits, controls first */
    uint8_t image[16];   /* of every Pauli operator */
    uint16_t negative;   /* bit p: the image of p has the sign - */
} qt_clifford;

/* False when the gate is not Clifford (to 1e-10 in its matrix). Global phases do not matter. */
bool qt_clifford_make(qt_gate gate, size_t control_count, const double *params,
                      qt_clifford *ret_clifford);

/* Remembers gates made before. Zeroed memory is an empty one. */
enum { QT_CLIFFORD_CACHE = 64 };
typedef struct qt_clifford_cache {
    struct {
        bool used, is_clifford;
        uint8_t gate;
        size_t control_count;
        double params[3];
        qt_clifford clifford;
    } items[QT_CLIFFORD_CACHE];
} qt_clifford_cache;

/* NULL when the gate is not Clifford. Valid until the next call. */
const qt_clifford *qt_clifford_get(qt_clifford_cache *cache, qt_gate gate, size_t control_count,
                                   const double *params);

#endif
