/* What tableau.c and tableau_sample.c share. */
#ifndef QT_SIM_TABLEAU_INTERNAL_H
#define QT_SIM_TABLEAU_INTERNAL_H

#include "sim/clifford.h"
#include "sim/tableau.h"

/* A plane has a bit per operator: `half` words for destabilizers, then as many for stabilizers.
 * Operator i of each kind is bit i of its half. */
typedef struct qt_tableau {
    uint32_t qubits;
    size_t half;
    uint64_t *memory;
    size_t words;      /* of memory */
    uint64_t *x, *z;   /* a plane per qubit */
    uint64_t *sign;    /* a plane: 1 is - */
    uint64_t *scratch; /* three planes, not part of the state */
    qt_clifford_cache cache;
} qt_tableau;

static inline uint64_t *qt_tableau_x(const qt_tableau *t, uint32_t qubit) {
    return t->x + qubit * 2 * t->half;
}

static inline uint64_t *qt_tableau_z(const qt_tableau *t, uint32_t qubit) {
    return t->z + qubit * 2 * t->half;
}

/* See qt_engine_ops. */
qt_code qt_tableau_sample(void *self, const uint32_t *qubits, size_t count, uint64_t shots,
                          qt_rng *rng, qt_tally *tally, qt_err *err);

#endif
