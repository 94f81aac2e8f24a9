/* Where the part of a circuit begins whose measurements can all be sampled at the end. */
#ifndef QT_SIM_TAIL_H
#define QT_SIM_TAIL_H

#include "circuit/circuit.h"

/* A RESET is left out of the tail unless it has no effect there: its qubit was not used before, or
 * is not used after. `end`: see qt_plan. */
qt_code qt_tail_find(const qt_circuit *circuit, size_t end, size_t *ret_tail, qt_err *err);

#endif
