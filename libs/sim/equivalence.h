/* Whether two circuits mean the same, shown exactly, for circuits of few qubits.
 *
 * Circuits whose measurements can all wait for the end, and measure the same qubits into the same
 * bits, are compared by their states before the measurements, up to global phase. All others are
 * compared by the exact distribution of their visible bits: every measurement is followed into
 * both outcomes; branches of less than 1e-12 are left out, and what was left out is allowed as
 * deviation. The start is |0...0>, as in every run. */
#ifndef QT_SIM_EQUIVALENCE_H
#define QT_SIM_EQUIVALENCE_H

#include "circuit/circuit.h"

typedef enum qt_equivalence_method {
    QT_EQUIVALENCE_STATE,
    QT_EQUIVALENCE_DISTRIBUTION,
} qt_equivalence_method;

/* "state", "distribution". Static storage. */
const char *qt_equivalence_method_name(qt_equivalence_method method);

typedef struct qt_equivalence_options {
    uint32_t max_qubits;       /* that either circuit uses; 0: 16 */
    uint64_t max_branches;     /* of both together; 0: 65,536 */
    uint64_t max_memory_bytes; /* of states; 0: 1 GiB */
    int64_t max_ms;            /* 0: 30,000 */
    bool ignore_bits;          /* compare states only: the second circuit has no bits of its own */
    bool (*cancelled)(void *self); /* as in qt_sim_options */
    void *self;
} qt_equivalence_options;

typedef struct qt_equivalence {
    bool equivalent;
    qt_equivalence_method method;
    uint64_t branches;    /* of both; 1 each by state */
    double deviation;     /* 1 - |<a|b>|, or the largest difference of two probabilities */
    char difference[128]; /* "" when equivalent */
} qt_equivalence;

/* VERIFY_LIMIT with what is over which limit; CIRCUIT_RUN_ERROR, CALL_CANCELLED, OUT_OF_MEMORY.
 * Circuits that differ are no failure. */
qt_code qt_sim_compare(const qt_circuit *a, const qt_circuit *b,
                       const qt_equivalence_options *options, qt_equivalence *ret_result,
                       qt_err *err);

#endif
