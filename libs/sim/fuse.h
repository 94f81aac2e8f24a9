/* The queue of gates of the statevector engine: collects primitives and merges them.
 *
 *  - A matrix on one qubit is multiplied into the one before it when nothing touched the qubit in
 *    between.
 *  - Phases (all diagonal gates) are collected in groups; a phase joins the last group unless a
 *    matrix stands in between on one of its qubits. A phase of one qubit is multiplied into the
 *    last matrix of that qubit when that has no controls.
 *
 * Order matters between two operations only when they share a qubit on which one of them is not
 * diagonal; a control is diagonal on its qubit. One thread. */
#ifndef QT_SIM_FUSE_H
#define QT_SIM_FUSE_H

#include "sim/gates.h"

/* The factor re + i im where all qubits of the mask are 1. */
typedef struct qt_phase_term {
    uint64_t mask;
    double re, im;
} qt_phase_term;

typedef enum qt_fused_kind { QT_FUSED_MATRIX, QT_FUSED_PHASES } qt_fused_kind;

typedef struct qt_fused_op {
    qt_fused_kind kind;
    bool done; /* for the sweeps */
    uint32_t target;
    uint64_t controls;
    qt_mat2 mat;
    qt_phase_term *terms;
    size_t term_count, terms_cap;
} qt_fused_op;

typedef struct qt_fuser {
    qt_fused_op *ops;
    size_t count, cap;
    /* By qubit: 1 + the last operation that is not diagonal on it, and the last of all. */
    size_t last_general[64];
    size_t last_any[64];
    size_t last_group;         /* 1 + the last PHASES operation; 0: none */
    double phase_re, phase_im; /* global phase */
} qt_fuser;

void qt_fuser_init(qt_fuser *fuser);
/* Releases; safe on zeroed memory and twice. */
void qt_fuser_done(qt_fuser *fuser);
/* Empties, keeps the memory. */
void qt_fuser_clear(qt_fuser *fuser);
qt_code qt_fuser_matrix(qt_fuser *fuser, uint32_t target, uint64_t controls, const qt_mat2 *mat,
                        qt_err *err);
qt_code qt_fuser_phase(qt_fuser *fuser, uint64_t mask, double re, double im, qt_err *err);
/* Puts the global phase into one of the operations; before they are applied. */
qt_code qt_fuser_finish(qt_fuser *fuser, qt_err *err);

#endif
