/* What sweep.c (planning) and sweep_block.c (running) share. */
#ifndef QT_SIM_SWEEP_INTERNAL_H
#define QT_SIM_SWEEP_INTERNAL_H

#include "sim/sweep.h"

enum {
    QT_SWEEP_MAX_TABLES = 8,
    QT_SWEEP_TABLE_LOW_BITS = 6, /* see qt_phase_tables */
};

typedef enum qt_sweep_kind {
    QT_SWEEP_MATRIX,
    QT_SWEEP_REAL,
    QT_SWEEP_FLIP,
    QT_SWEEP_PHASES,
} qt_sweep_kind;

typedef struct qt_sweep_op {
    qt_sweep_kind kind;
    size_t tbit;         /* weight of the target inside the block */
    size_t cmask;        /* controls inside the block */
    uint64_t outer_mask; /* controls outside */
    double m[8];
    /* PHASES: those inside the block (as a table of factors, or one by one), and those that also
     * depend on qubits outside. */
    const double *table; /* 2^local_bits real parts, then imaginary parts; NULL: one by one */
    size_t first_local, local_count;
    size_t first_residual, residual_count;
} qt_sweep_op;

typedef struct qt_residual_term {
    size_t local_mask; /* of positions; may be 0 */
    uint64_t outer_mask;
    double re, im;
} qt_residual_term;

/* Runs the sweep that is in the sweeper on all blocks. */
void qt_sweep_blocks(qt_sweeper *sweeper);

#endif
