/* A number for what a circuit does, for caches and comparisons. */
#ifndef QT_CIRCUIT_HASH_H
#define QT_CIRCUIT_HASH_H

#include "circuit/circuit.h"

typedef struct qt_circuit_hash {
    uint64_t low;
    uint64_t high;
} qt_circuit_hash;

/* Equal for circuits with the same operations on registers of the same sizes, whatever their
 * names, notes, warnings and the layout of their pools. The same on every machine. 128 bits, not
 * safe against somebody who looks for collisions. OUT_OF_MEMORY. */
qt_code qt_circuit_get_hash(const qt_circuit *circuit, qt_circuit_hash *ret_hash, qt_err *err);

#endif
