/* Applies a queue of fused operations to a statevector in few passes over its memory.
 *
 * A sweep picks up to QT_SWEEP_BITS qubits, the lowest always among them, and applies every
 * operation whose target is one of them and that no earlier, skipped operation stands against.
 * It works block by block: 2^QT_SWEEP_BITS amplitudes are gathered into a buffer that fits the
 * cache, all operations of the sweep run on it, and it is put back. Controls and phases on the
 * other qubits are the same for a whole block. The rest of the queue is left for the next sweep.
 *
 * Blocks are independent, so any number of threads gives the same amplitudes. */
#ifndef QT_SIM_SWEEP_H
#define QT_SIM_SWEEP_H

#include "sim/fuse.h"
#include "sim/kernels.h"
#include "sim/pool.h"

#include <stdatomic.h>

enum {
    QT_SWEEP_BITS = 12,
    QT_SWEEP_LOW_BITS = 6, /* always local: gathered runs are at least 512 bytes */
};

struct qt_sweep_op;
struct qt_residual_term;

typedef struct qt_sweeper {
    const qt_kernels *kernels;
    qt_pool *pool; /* NULL: one thread */
    unsigned qubits;
    double *re, *im; /* the state, 2^qubits amplitudes */
    /* Asked from the calling thread between blocks, see qt_engine_stop. NULL: never. */
    bool (*stop)(void *self, double fraction);
    void *stop_self;
    void *allocation;
    double *memory;        /* inside it, aligned: buffers of the threads, then phase tables */
    size_t buffer_doubles; /* of one thread */

    /* The sweep that is being made. */
    uint64_t local_mask;
    unsigned local_bits;
    int8_t position[64]; /* of a qubit inside the block; -1: not local */
    unsigned run_bits;   /* lowest qubits that are local without a gap */
    size_t *chunks;      /* where the runs of a block start */
    struct qt_sweep_op *ops;
    size_t op_count, ops_cap;
    qt_phase_term *local_terms; /* masks are of positions */
    size_t local_count, local_cap;
    struct qt_residual_term *residual_terms;
    size_t residual_count, residual_cap;
    size_t table_count;
    double fraction_before, fraction_after; /* of the queue that is done, around this sweep */
    atomic_bool stopped;
} qt_sweeper;

/* Bytes that the buffers take for this many qubits and threads. */
size_t qt_sweeper_bytes(unsigned qubits, unsigned threads);
/* kernels, pool, qubits, re, im, stop and stop_self are set; allocates. */
qt_code qt_sweeper_init(qt_sweeper *sweeper, qt_err *err);
/* Releases; safe on zeroed memory and twice. */
void qt_sweeper_done(qt_sweeper *sweeper);
/* Applies all operations. CALL_CANCELLED when stopped: the state is then worthless. */
qt_code qt_sweeper_run(qt_sweeper *sweeper, qt_fuser *fuser, qt_err *err);

#endif
