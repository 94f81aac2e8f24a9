/* Inside libs/sim: a circuit run exactly, for qt_sim_compare(). One thread. */
#ifndef QT_SIM_EXACT_H
#define QT_SIM_EXACT_H

#include "sim/exec_internal.h"
#include "sim/statevector.h"

/* Probabilities are kept in a tally in these units; those of a second circuit are subtracted. */
#define QT_EXACT_UNIT 0x1p62

/* A split whose outcome 1 is still to be followed. */
typedef struct qt_exact_split {
    size_t pc; /* of the measurement or reset */
    uint64_t steps;
    double p; /* of outcome 1 */
    uint64_t *env;
} qt_exact_split;

typedef struct qt_exact {
    qt_run run;
    qt_plan plan;
    qt_sim_options options;
    qt_watch watch;
    qt_engine engine;
    qt_exact_split *splits;
    qt_engine_save **saves; /* one per split */
    size_t split_count, split_cap;
    uint32_t *tail_bits; /* which engine qubit (or QT_NO_INDEX: 0) a bit gets in the tail */
    uint8_t *in_tail;    /* whether it does */
    uint64_t branches, max_branches;
    double left_out; /* probability of branches that were not followed */
    double sign;     /* 1, or -1 for the circuit that is subtracted */
} qt_exact;

/* options: of a run; they are kept. `counts` may be NULL for a state alone. */
qt_code qt_exact_init(qt_exact *x, const qt_circuit *circuit, const qt_sim_options *options,
                      qt_tally *counts, qt_err *err);
/* Safe on zeroed memory. */
void qt_exact_done(qt_exact *x);
/* Adds every outcome with its probability. VERIFY_LIMIT over max_branches. */
qt_code qt_exact_run(qt_exact *x, qt_err *err);
/* Applies all gates from the tail on and notes its measurements in tail_bits. */
qt_code qt_exact_run_tail_gates(qt_exact *x, qt_err *err);

#endif
