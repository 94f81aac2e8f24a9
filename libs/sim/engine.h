/* What the executor asks of a simulation method.
 *
 * An engine holds one quantum state over qubits 0 .. n-1, at first |0...0>. It can keep copies of
 * it (saves) to come back to. Qubits are the engine's own numbers. One thread calls an engine. */
#ifndef QT_SIM_ENGINE_H
#define QT_SIM_ENGINE_H

#include "circuit/circuit.h"
#include "sim/rng.h"
#include "sim/tally.h"

/* A gate with its parameters known. */
typedef struct qt_engine_gate {
    qt_gate gate;
    const uint32_t *qubits; /* controls first */
    size_t qubit_count;
    size_t control_count;
    const double *params;
} qt_engine_gate;

typedef struct qt_engine_save qt_engine_save;

typedef struct qt_engine_ops {
    /* NULL is allowed. */
    void (*free)(void *self);
    /* Back to |0...0>. */
    qt_code (*restart)(void *self, qt_err *err);
    qt_code (*gate)(void *self, const qt_engine_gate *gate, qt_err *err);
    /* Applies what was put off, so that the state is up to date. */
    qt_code (*flush)(void *self, qt_err *err);
    /* The probability of reading 1. */
    qt_code (*prob_one)(void *self, uint32_t qubit, double *ret_p, qt_err *err);
    /* Projects on what was read: bit i of outcome belongs to qubits[i]; a qubit may stand there
     * twice. The outcome must have a probability above 0. */
    qt_code (*collapse)(void *self, const uint32_t *qubits, size_t count, const uint64_t *outcome,
                        qt_err *err);
    /* Reads the qubits `shots` times, each time anew from the same state, which stays. Adds to the
     * tally, whose keys have a bit per qubit. */
    qt_code (*sample)(void *self, const uint32_t *qubits, size_t count, uint64_t shots, qt_rng *rng,
                      qt_tally *tally, qt_err *err);
    /* Copies the state. *save is NULL or one from before, which is overwritten. */
    qt_code (*save)(void *self, qt_engine_save **save, qt_err *err);
    /* Makes the copy the state again. `last`: the copy's content is not needed any more. */
    qt_code (*restore)(void *self, qt_engine_save *save, bool last, qt_err *err);
    void (*free_save)(qt_engine_save *save);
} qt_engine_ops;

typedef struct qt_engine {
    const qt_engine_ops *ops;
    void *self;
    uint64_t state_bytes; /* of the state, and of a copy */
} qt_engine;

/* Asked now and then by a running engine, with the fraction (0 to 1) of the queued gates that it
 * has applied; true stops it with CALL_CANCELLED. */
typedef struct qt_engine_stop {
    bool (*asked)(void *self, double fraction);
    void *self;
} qt_engine_stop;

#endif
