/* Inside libs/qir, the Adaptive profile: structured control flow becomes blocks and branches, and
 * what programs keep in variables becomes SSA values that meet in phi nodes.
 *
 * The state is one value for each slot: a variable, a classical bit that the program assigns, or
 * the counter of a loop. Bits that are only measured have no slot; they live in their result. A
 * join collects the state of each block that jumps to it. The head of a loop is written before
 * its last jumps are known, so its phi nodes are inserted when the loop is closed. */
#ifndef QT_QIR_FLOW_H
#define QT_QIR_FLOW_H

#include "qir/value.h"

enum { QT_QIR_BLOCK_BODY = 0, QT_QIR_BLOCK_OUTPUT = 1, QT_QIR_FIRST_BLOCK = 2 };

typedef struct qt_qir_edge {
    uint32_t from;        /* block */
    qt_qir_value *values; /* of all slots */
} qt_qir_edge;

typedef struct qt_qir_join {
    uint32_t block;
    qt_qir_edge *edges;
    size_t count, cap;
} qt_qir_join;

typedef struct qt_qir_loop {
    struct qt_qir_loop *outer;
    uint32_t end; /* operation ENDWHILE or ENDFOR */
    qt_qir_join *leave;
    qt_qir_join *again;
    unsigned result_depth; /* branches on results around the loop */
    bool conditional;      /* how often it runs depends on a result */
} qt_qir_loop;

struct qt_qir_flow {
    qt_qir_emitter *e;
    const qt_circuit *circuit;
    qt_qir_value *values; /* of each slot now */
    uint8_t *classes;     /* qt_qir_class of each slot */
    size_t slot_count;
    uint32_t *bit_slot; /* of each classical bit, or QT_NO_INDEX */
    bool *measured;     /* whether a bit is measured anywhere */
    uint32_t block;     /* that is being written */
    uint32_t block_count;
    bool dead; /* behind a jump: what follows is not reached */
    unsigned nesting;
    unsigned result_depth; /* enclosing branches whose condition depends on a result */
    uint32_t spare_result; /* for measurements whose outcome is thrown away */
    bool spare_used;
    qt_qir_loop *loops;
    qt_qir_join output;
};

uint32_t qt_qir_new_block(qt_qir_flow *flow);
/* Starts a block; what is written next belongs to it. */
void qt_qir_begin_block(qt_qir_flow *flow, uint32_t block);
void qt_qir_put_block_name(qt_qir_flow *flow, uint32_t block);
void qt_qir_branch(qt_qir_flow *flow, qt_qir_value condition, uint32_t yes, uint32_t no);

void qt_qir_join_done(qt_qir_join *j);
/* The block being written is one of those that come to the join. */
qt_code qt_qir_join_add(qt_qir_flow *flow, qt_qir_join *j, qt_err *err);
/* Goes to the join; nothing when the block is dead already. */
qt_code qt_qir_jump(qt_qir_flow *flow, qt_qir_join *j, qt_err *err);
/* Goes on behind the join with the merged state; nothing is written when nobody comes there. */
void qt_qir_place(qt_qir_flow *flow, qt_qir_join *j);
void qt_qir_put_phi(qt_qir_flow *flow, qt_buf *text, const qt_qir_join *j, size_t slot,
                    uint32_t ssa);

/* The state now, in memory that is the caller's (free). */
qt_code qt_qir_copy_values(const qt_qir_flow *flow, qt_qir_value **ret_values, qt_err *err);
void qt_qir_set_slot(qt_qir_flow *flow, size_t slot, qt_qir_value v);
qt_qir_value qt_qir_read_result(qt_qir_flow *flow, uint32_t result);

/* assign.c: operations on classical values. */
void qt_qir_put_measure(qt_qir_flow *flow, const qt_op *op);
qt_code qt_qir_put_assign(qt_qir_flow *flow, const qt_op *op, qt_err *err);
qt_code qt_qir_put_dynamic_gate(qt_qir_flow *flow, const qt_op *op, qt_err *err);

/* control.c: operations begin up to end - 1. */
qt_code qt_qir_put_range(qt_qir_flow *flow, uint32_t begin, uint32_t end, qt_err *err);

#endif
