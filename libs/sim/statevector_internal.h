/* What statevector.c and statevector_sample.c share. */
#ifndef QT_SIM_STATEVECTOR_INTERNAL_H
#define QT_SIM_STATEVECTOR_INTERNAL_H

#include "sim/fuse.h"
#include "sim/kernels.h"
#include "sim/pool.h"
#include "sim/statevector.h"
#include "sim/sweep.h"

typedef struct qt_amplitudes {
    void *allocation;
    double *re, *im; /* inside it */
} qt_amplitudes;

struct qt_statevector {
    unsigned qubits; /* that are stored: at least QT_LANE_BITS */
    qt_amplitudes state;
    uint8_t place[64]; /* of a qubit in the index */
    double *sums;      /* one per block of qt_statevector_sum_block() amplitudes */
    const qt_kernels *kernels;
    qt_pool *pool;
    qt_fuser fuser;
    qt_sweeper sweeper;
    qt_engine_stop stop;
};

static inline size_t qt_statevector_sum_block(const qt_statevector *sv) {
    size_t size = (size_t)1 << sv->qubits;
    return size < QT_SUM_BLOCK ? size : QT_SUM_BLOCK;
}

static inline size_t qt_statevector_sum_count(const qt_statevector *sv) {
    return ((size_t)1 << sv->qubits) / qt_statevector_sum_block(sv);
}

/* The sum of |amplitude|^2 over the indices with (index & mask) == value; leaves the partial sums
 * in sv->sums. Always added in the same order. */
double qt_statevector_sum(qt_statevector *sv, uint64_t mask, uint64_t value);

/* See qt_engine_ops. */
qt_code qt_statevector_sample(void *self, const uint32_t *qubits, size_t count, uint64_t shots,
                              qt_rng *rng, qt_tally *tally, qt_err *err);

#endif
