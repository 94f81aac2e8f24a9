/* What exec.c (the program), branch.c (measurement and branches) share. */
#ifndef QT_SIM_EXEC_INTERNAL_H
#define QT_SIM_EXEC_INTERNAL_H

#include "sim/env.h"
#include "sim/exec.h"
#include "sim/key.h"

/* A split that still has outcomes to follow. */
typedef struct qt_frame {
    size_t pc; /* of the measurement or reset */
    uint64_t steps;
    size_t recorded; /* bits of the record before it */
    qt_tally outcomes;
    size_t next;   /* the outcome to follow next */
    uint64_t *env; /* copy of the environment's memory */
    bool saved;    /* the state before the event is in saves[save] */
    size_t save;
} qt_frame;

/* Measurements that stand next to each other, read at once; or one reset. */
typedef struct qt_event {
    bool reset;
    size_t next_pc;
    uint32_t *qubits; /* in the engine */
    size_t qubit_count;
    /* In program order: the classical bit, and which of `qubits` it gets (QT_NO_INDEX: 0). */
    uint32_t *clbits;
    uint32_t *sources;
    size_t clbit_count;
    size_t cap; /* of the three arrays */
} qt_event;

typedef struct qt_run {
    const qt_circuit *circuit;
    const qt_plan *plan;
    const qt_sim_options *options;
    qt_engine *engine;
    qt_watch *watch;
    qt_tally *counts;
    qt_rng rng;
    qt_env env;
    qt_key_layout layout;
    uint64_t *key;
    uint32_t *gate_qubits; /* QT_MAX_GATE_QUBITS */

    size_t pc;
    uint64_t steps;
    uint64_t shots; /* of the branch */
    uint64_t shots_done;

    qt_event event;
    uint64_t *outcome;           /* bits of the event */
    size_t outcome_cap;          /* words */
    uint64_t *record;            /* what every event of this branch gave, bit by bit */
    size_t recorded, record_cap; /* bits, words */
    /* While a branch is run again: events take their outcomes from the record up to here. */
    size_t replay_from, replay_to;
    bool replaying;

    qt_frame *frames;
    size_t frame_count, frame_cap;
    qt_engine_save **saves;
    size_t saves_used, save_cap;
} qt_run;

/* Sets up what the named fields (circuit to counts) ask for; done is safe on zeroed memory. */
qt_code qt_run_init(qt_run *run, qt_err *err);
void qt_run_done(qt_run *run);

/* Runs one operation that is not in the tail. */
qt_code qt_run_step(qt_run *run, qt_err *err);

/* Reports progress; CALL_CANCELLED when that was asked for. */
qt_code qt_run_check(qt_run *run, qt_err *err);
/* MEASURE (with those that follow it directly) or RESET at run->pc. */
qt_code qt_run_event(qt_run *run, qt_err *err);
/* Goes on with the next outcome of the innermost split; there must be one. */
qt_code qt_run_next_branch(qt_run *run, qt_err *err);
/* Runs the gates of the tail and samples its measurements for all shots of the branch. */
qt_code qt_run_tail(qt_run *run, qt_err *err);
qt_code qt_run_gate(qt_run *run, const qt_op *op, qt_err *err);
/* Counts the bits as they are for this many shots. */
qt_code qt_run_count(qt_run *run, uint64_t shots, qt_err *err);
void qt_run_branches_done(qt_run *run);

#endif
