/* A slow, obvious state vector for a few qubits: what the written gates are compared with. */
#ifndef QT_TESTS_QIR_DENSE_H
#define QT_TESTS_QIR_DENSE_H

#include "circuit/circuit.h"

#include <complex.h>

enum { DENSE_MAX_QUBITS = 8, DENSE_MAX_STATES = 256 };

typedef struct dense {
    unsigned qubit_count;
    double complex amps[DENSE_MAX_STATES]; /* qubit 0 is the lowest bit of the index */
} dense;

/* Some fixed state in which no two amplitudes are alike. */
void dense_init(dense *d, unsigned qubit_count);
void dense_gate(dense *d, qt_gate gate, const uint32_t *qubits, unsigned control_count,
                const double *params);
/* The gates of a circuit, which has nothing else. */
void dense_circuit(dense *d, const qt_circuit *circuit);
/* The calls in the text of a QIR module, line by line. Other calls and lines are skipped. */
void dense_qir(dense *d, const char *text);
/* |<a|b>|, or the real part of <a|b> when the global phase counts. */
double dense_overlap(const dense *a, const dense *b, bool with_phase);

#endif
