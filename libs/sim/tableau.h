/* The stabilizer method: a state that Clifford gates can reach is kept as n Pauli operators that
 * leave it unchanged (stabilizers) and n partners (destabilizers), after Aaronson and Gottesman.
 * Bits are stored qubit by qubit, so that a gate works on 64 operators at once. */
#ifndef QT_SIM_TABLEAU_H
#define QT_SIM_TABLEAU_H

#include "sim/engine.h"

/* Of the state. */
uint64_t qt_tableau_bytes(uint32_t qubits);
/* METHOD_UNSUITABLE with the first operation before `end` that is not Clifford. */
qt_code qt_tableau_check(const qt_circuit *circuit, size_t end, qt_err *err);

qt_code qt_tableau_new(uint32_t qubits, qt_engine *ret_engine, qt_err *err);

#endif
