/* The statevector method: all 2^n amplitudes in double precision, real and imaginary parts in two
 * arrays. Gates are queued and merged (sim/fuse.h) and applied in sweeps (sim/sweep.h). Results
 * are the same for any number of threads and with or without AVX2. */
#ifndef QT_SIM_STATEVECTOR_H
#define QT_SIM_STATEVECTOR_H

#include "sim/engine.h"

enum { QT_STATEVECTOR_MAX_QUBITS = 48 };

typedef struct qt_statevector qt_statevector;

/* Of the amplitudes; UINT64_MAX when there are more than that. */
uint64_t qt_statevector_bytes(uint32_t qubits);
/* Of everything that a run needs once besides: buffers, partial sums. */
uint64_t qt_statevector_extra_bytes(uint32_t qubits, unsigned threads);

/* An engine over this many qubits, which are at most QT_STATEVECTOR_MAX_QUBITS. */
qt_code qt_statevector_new(uint32_t qubits, unsigned threads, qt_engine_stop stop,
                           qt_engine *ret_engine, qt_err *err);

/* The amplitude of a basis state (qubit 0 is the lowest bit), for tests; flush before. */
void qt_statevector_amplitude(const qt_statevector *sv, uint64_t index, double *ret_re,
                              double *ret_im);
/* Sets all 2^qubits amplitudes, for tests. */
void qt_statevector_set(qt_statevector *sv, const double *re, const double *im);

#endif
