/* A slow, obvious simulator that the fast one is compared with: all amplitudes as C complex
 * numbers, every gate as a matrix written down from circuit/gates.def, every measurement followed
 * into both outcomes with its exact probability. For small circuits; aborts on what it does not
 * know (loops, switch, wide expressions). */
#ifndef QT_TESTS_REFERENCE_SIM_H
#define QT_TESTS_REFERENCE_SIM_H

#include "circuit/circuit.h"

#include <complex.h>

typedef struct ref_outcome {
    char *key; /* as in qt_count */
    double p;
} ref_outcome;

typedef struct ref_distribution {
    ref_outcome *outcomes; /* distinct, in no order; outcomes below 1e-12 are left out */
    size_t count, cap;
} ref_distribution;

/* Applies one gate to 2^qubits amplitudes. qubits: controls first. */
void ref_apply(double complex *state, uint32_t num_qubits, qt_gate gate, const uint32_t *qubits,
               size_t qubit_count, size_t control_count, const double *params);
/* The amplitudes after all gates of a circuit without measurements; free(). */
double complex *ref_state(const qt_circuit *circuit);
/* The exact distribution of the keys. */
void ref_run(const qt_circuit *circuit, ref_distribution *ret_distribution);
void ref_distribution_done(ref_distribution *distribution);
double ref_probability(const ref_distribution *distribution, const char *key);

#endif
