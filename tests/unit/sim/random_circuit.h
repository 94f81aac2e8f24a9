/* Random circuits with a seed, and the comparison of counts with exact probabilities. */
#ifndef QT_TESTS_RANDOM_CIRCUIT_H
#define QT_TESTS_RANDOM_CIRCUIT_H

#include "reference_sim.h"
#include "sim/rng.h"
#include "sim/sim.h"

typedef struct random_options {
    uint32_t qubits;
    uint32_t clbits; /* in two registers, the second of one bit */
    unsigned ops;
    bool clifford; /* Clifford gates only */
    bool dynamic;  /* measurements, resets, conditions and assignments in between */
    bool measure;  /* all qubits that have a bit at the end */
} random_options;

/* The test fails when it cannot be built. */
qt_circuit *random_circuit(uint64_t seed, random_options options);
/* Each count within 5 standard deviations and 2, and no outcome of probability 0. */
void check_counts(const qt_sim_result *result, const ref_distribution *expected);

#endif
