/* Inside libs/qir: the control flow graph of one LLVM function: blocks by number, immediate
 * post-dominators, natural loops. Block number block_count stands for the exit that every ret
 * goes to. */
#ifndef QT_QIR_CFG_H
#define QT_QIR_CFG_H

#include "qir/ptrmap.h"

#include <llvm-c/Core.h>
#include <stdbool.h>

typedef struct qt_cfg_loop {
    uint32_t header;
    uint32_t parent; /* enclosing loop, or QT_PTRMAP_NONE */
    bool dynamic;    /* for the walker: how often it runs depends on a measurement */
} qt_cfg_loop;

typedef struct qt_cfg {
    LLVMBasicBlockRef *blocks; /* reachable or not, in the order of the function */
    uint32_t block_count;
    uint32_t *first_successor; /* block_count + 1 entries into successors[] */
    uint32_t *successors;
    uint32_t *order;    /* reachable blocks in reverse post-order */
    uint32_t *position; /* of a block in order[]; QT_PTRMAP_NONE when it cannot be reached */
    uint32_t order_count;
    uint32_t *dominator;      /* immediate, of each reachable block; the entry's is itself */
    uint32_t *post_dominator; /* immediate, of each reachable block; block_count is the exit */
    uint32_t *loop_of;        /* innermost loop of a block, or QT_PTRMAP_NONE */
    qt_cfg_loop *loops;
    uint32_t loop_count;
    bool irreducible; /* a cycle without one entry */
    bool has_stores;
    qt_ptrmap block_number;
} qt_cfg;

/* Safe on zeroed memory. */
void qt_cfg_done(qt_cfg *cfg);
/* *cfg is zeroed memory; it is to be released also on failure. */
qt_code qt_cfg_init(qt_cfg *cfg, LLVMValueRef function, qt_err *err);
uint32_t qt_cfg_block(const qt_cfg *cfg, LLVMBasicBlockRef block);
bool qt_cfg_in_loop(const qt_cfg *cfg, uint32_t loop, uint32_t block);
bool qt_cfg_dominates(const qt_cfg *cfg, uint32_t a, uint32_t b);
/* The loop with this header, or QT_PTRMAP_NONE. */
uint32_t qt_cfg_loop_at(const qt_cfg *cfg, uint32_t header);

#endif
