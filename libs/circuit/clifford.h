/* Inside libs/circuit: which gates keep Pauli operators Pauli operators. */
#ifndef QT_CIRCUIT_CLIFFORD_H
#define QT_CIRCUIT_CLIFFORD_H

#include "circuit/circuit.h"

/* Whether a gate with constant parameters (angles to 1e-12) is Clifford, up to global phase. */
bool qt_gate_is_clifford(qt_gate gate, unsigned control_count, const double *params);

#endif
