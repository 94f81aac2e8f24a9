#include "qir/cfg.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define NONE QT_PTRMAP_NONE

void qt_cfg_done(qt_cfg *cfg) {
    free(cfg->blocks);
    free(cfg->first_successor);
    free(cfg->successors);
    free(cfg->order);
    free(cfg->position);
    free(cfg->dominator);
    free(cfg->post_dominator);
    free(cfg->loop_of);
    free(cfg->loops);
    qt_ptrmap_done(&cfg->block_number);
    *cfg = (qt_cfg){0};
}

uint32_t qt_cfg_block(const qt_cfg *cfg, LLVMBasicBlockRef block) {
    return qt_ptrmap_get(&cfg->block_number, block);
}

static qt_code new_numbers(size_t count, uint32_t **ret_numbers, qt_err *err) {
    void *mem = NULL;
    QT_TRY(qt_try_malloc((count + 1) * sizeof(uint32_t), &mem, err));
    memset(mem, 0xFF, (count + 1) * sizeof(uint32_t));
    *ret_numbers = mem;
    return QT_OK;
}

static qt_code number_blocks(qt_cfg *cfg, LLVMValueRef function, qt_err *err) {
    cfg->block_count = LLVMCountBasicBlocks(function);
    void *mem = NULL;
    QT_TRY(qt_try_calloc(cfg->block_count + 1, sizeof *cfg->blocks, &mem, err));
    cfg->blocks = mem;
    uint32_t i = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b != NULL;
         b = LLVMGetNextBasicBlock(b)) {
        cfg->blocks[i] = b;
        QT_TRY(qt_ptrmap_set(&cfg->block_number, b, i, err));
        i++;
    }
    return QT_OK;
}

static uint32_t count_successors(LLVMBasicBlockRef block) {
    LLVMValueRef end = LLVMGetBasicBlockTerminator(block);
    return end != NULL ? LLVMGetNumSuccessors(end) : 0;
}

static qt_code find_successors(qt_cfg *cfg, qt_err *err) {
    QT_TRY(new_numbers(cfg->block_count + 1, &cfg->first_successor, err));
    uint32_t count = 0;
    for (uint32_t i = 0; i < cfg->block_count; i++) {
        cfg->first_successor[i] = count;
        count += count_successors(cfg->blocks[i]);
    }
    cfg->first_successor[cfg->block_count] = count;
    QT_TRY(new_numbers(count, &cfg->successors, err));
    for (uint32_t i = 0; i < cfg->block_count; i++) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(cfg->blocks[i]);
        for (uint32_t k = cfg->first_successor[i]; k < cfg->first_successor[i + 1]; k++) {
            uint32_t which = k - cfg->first_successor[i];
            cfg->successors[k] = qt_cfg_block(cfg, LLVMGetSuccessor(end, which));
        }
    }
    return QT_OK;
}

/* Depth first without recursion; `next` is the successor to visit next. */
static qt_code find_order(qt_cfg *cfg, qt_err *err) {
    QT_AUTO_FREE uint32_t *stack = NULL;
    QT_AUTO_FREE uint32_t *next = NULL;
    QT_TRY(new_numbers(cfg->block_count, &stack, err));
    QT_TRY(new_numbers(cfg->block_count, &next, err));
    QT_TRY(new_numbers(cfg->block_count, &cfg->order, err));
    QT_TRY(new_numbers(cfg->block_count, &cfg->position, err));
    uint32_t depth = 1;
    uint32_t free_place = cfg->block_count;
    stack[0] = 0;
    next[0] = cfg->first_successor[0];
    while (depth > 0) {
        uint32_t block = stack[depth - 1];
        if (next[block] == cfg->first_successor[block + 1]) {
            cfg->order[--free_place] = block;
            depth--;
            continue;
        }
        uint32_t to = cfg->successors[next[block]++];
        if (next[to] == NONE) {
            next[to] = cfg->first_successor[to];
            stack[depth++] = to;
        }
    }
    cfg->order_count = cfg->block_count - free_place;
    memmove(cfg->order, cfg->order + free_place, cfg->order_count * sizeof *cfg->order);
    for (uint32_t i = 0; i < cfg->order_count; i++) {
        cfg->position[cfg->order[i]] = i;
    }
    return QT_OK;
}

/* Who comes to each block, as lists: head[] of each block, then link[] of edges. */
typedef struct predecessors {
    uint32_t *head, *link, *from;
} predecessors;

static void predecessors_done(predecessors *p) {
    free(p->head);
    free(p->link);
    free(p->from);
}

static qt_code predecessors_init(predecessors *p, const qt_cfg *cfg, qt_err *err) {
    uint32_t edges = cfg->first_successor[cfg->block_count];
    QT_TRY(new_numbers(cfg->block_count, &p->head, err));
    QT_TRY(new_numbers(edges, &p->link, err));
    QT_TRY(new_numbers(edges, &p->from, err));
    for (uint32_t i = 0; i < cfg->order_count; i++) {
        uint32_t from = cfg->order[i];
        for (uint32_t k = cfg->first_successor[from]; k < cfg->first_successor[from + 1]; k++) {
            p->from[k] = from;
            p->link[k] = p->head[cfg->successors[k]];
            p->head[cfg->successors[k]] = k;
        }
    }
    return QT_OK;
}

/* Cooper, Harvey and Kennedy: the nearest common ancestor in a tree of immediate dominators,
 * where `rank` grows away from the root. */
static uint32_t common(const uint32_t *tree, const uint32_t *rank, uint32_t a, uint32_t b) {
    while (a != b) {
        while (rank[a] > rank[b]) {
            a = tree[a];
        }
        while (rank[b] > rank[a]) {
            b = tree[b];
        }
    }
    return a;
}

static qt_code find_dominators(qt_cfg *cfg, const predecessors *p, qt_err *err) {
    QT_TRY(new_numbers(cfg->block_count, &cfg->dominator, err));
    cfg->dominator[0] = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 1; i < cfg->order_count; i++) {
            uint32_t block = cfg->order[i];
            uint32_t found = NONE;
            for (uint32_t e = p->head[block]; e != NONE; e = p->link[e]) {
                uint32_t from = p->from[e];
                if (cfg->dominator[from] != NONE) {
                    found =
                        found == NONE ? from : common(cfg->dominator, cfg->position, found, from);
                }
            }
            changed = changed || cfg->dominator[block] != found;
            cfg->dominator[block] = found;
        }
    }
    return QT_OK;
}

static uint32_t post_dominator_of(const qt_cfg *cfg, const uint32_t *rank, uint32_t block) {
    uint32_t found = NONE;
    uint32_t begin = cfg->first_successor[block];
    uint32_t end = cfg->first_successor[block + 1];
    if (begin == end) {
        return cfg->block_count;
    }
    for (uint32_t k = begin; k < end; k++) {
        uint32_t to = cfg->successors[k];
        if (cfg->post_dominator[to] == NONE) {
            continue;
        }
        found = found == NONE ? to : common(cfg->post_dominator, rank, found, to);
    }
    return found;
}

/* Reverse post-order of the reversed graph, whose root is the exit: rank[] of each block that
 * reaches a ret, and order[] without the exit; returns how many. */
static qt_code find_reverse_order(const qt_cfg *cfg, const predecessors *p, uint32_t *rank,
                                  uint32_t *order, uint32_t *ret_count, qt_err *err) {
    QT_AUTO_FREE uint32_t *stack = NULL;
    QT_AUTO_FREE uint32_t *next = NULL;
    QT_TRY(new_numbers(cfg->block_count, &stack, err));
    QT_TRY(new_numbers(cfg->block_count, &next, err));
    uint32_t free_place = cfg->block_count;
    for (uint32_t i = 0; i < cfg->order_count; i++) {
        uint32_t root = cfg->order[i];
        bool ends = cfg->first_successor[root] == cfg->first_successor[root + 1];
        uint32_t depth = 0;
        if (ends) {
            stack[depth++] = root;
            next[root] = p->head[root];
            rank[root] = 0;
        }
        while (depth > 0) {
            uint32_t block = stack[depth - 1];
            uint32_t edge = next[block];
            if (edge == NONE) {
                order[--free_place] = block;
                depth--;
                continue;
            }
            next[block] = p->link[edge];
            uint32_t from = p->from[edge];
            if (rank[from] == NONE) {
                rank[from] = 0; /* seen */
                next[from] = p->head[from];
                stack[depth++] = from;
            }
        }
    }
    *ret_count = cfg->block_count - free_place;
    memmove(order, order + free_place, *ret_count * sizeof *order);
    for (uint32_t i = 0; i < *ret_count; i++) {
        rank[order[i]] = i + 1;
    }
    return QT_OK;
}

/* On the reversed graph; blocks that never reach a ret stay without. */
static qt_code find_post_dominators(qt_cfg *cfg, const predecessors *p, qt_err *err) {
    uint32_t exit = cfg->block_count;
    QT_AUTO_FREE uint32_t *rank = NULL;
    QT_AUTO_FREE uint32_t *order = NULL;
    uint32_t count = 0;
    QT_TRY(new_numbers(cfg->block_count + 1, &rank, err));
    QT_TRY(new_numbers(cfg->block_count, &order, err));
    QT_TRY(new_numbers(cfg->block_count + 1, &cfg->post_dominator, err));
    QT_TRY(find_reverse_order(cfg, p, rank, order, &count, err));
    rank[exit] = 0;
    cfg->post_dominator[exit] = exit;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t found = post_dominator_of(cfg, rank, order[i]);
            changed = changed || cfg->post_dominator[order[i]] != found;
            cfg->post_dominator[order[i]] = found;
        }
    }
    return QT_OK;
}

bool qt_cfg_dominates(const qt_cfg *cfg, uint32_t a, uint32_t b) {
    while (b != a && b != 0) {
        b = cfg->dominator[b];
    }
    return a == b;
}

bool qt_cfg_in_loop(const qt_cfg *cfg, uint32_t loop, uint32_t block) {
    if (block >= cfg->block_count) {
        return false;
    }
    uint32_t l = cfg->loop_of[block];
    while (l != NONE && l != loop) {
        l = cfg->loops[l].parent;
    }
    return l == loop;
}

uint32_t qt_cfg_loop_at(const qt_cfg *cfg, uint32_t header) {
    uint32_t l = header < cfg->block_count ? cfg->loop_of[header] : NONE;
    while (l != NONE && cfg->loops[l].header != header) {
        l = cfg->loops[l].parent;
    }
    return l;
}

/* Puts a block, or the whole loop that it is in already, into loop `l`. */
static void add_to_loop(qt_cfg *cfg, uint32_t l, uint32_t block, uint32_t *stack, uint32_t *depth) {
    uint32_t inner = cfg->loop_of[block];
    if (inner == NONE) {
        cfg->loop_of[block] = l;
        stack[(*depth)++] = block;
        return;
    }
    while (cfg->loops[inner].parent != NONE && inner != l) {
        inner = cfg->loops[inner].parent;
    }
    if (inner != l) {
        cfg->loops[inner].parent = l;
        stack[(*depth)++] = cfg->loops[inner].header;
    }
}

static void collect_loop(qt_cfg *cfg, const predecessors *p, uint32_t header, uint32_t *stack) {
    uint32_t l = cfg->loop_count;
    uint32_t depth = 0;
    for (uint32_t e = p->head[header]; e != NONE; e = p->link[e]) {
        bool back = cfg->position[p->from[e]] >= cfg->position[header];
        if (!back || !qt_cfg_dominates(cfg, header, p->from[e])) {
            continue;
        }
        if (cfg->loop_count == l) {
            cfg->loops[cfg->loop_count++] = (qt_cfg_loop){.header = header, .parent = NONE};
            cfg->loop_of[header] = l;
        }
        add_to_loop(cfg, l, p->from[e], stack, &depth);
    }
    while (depth > 0) {
        uint32_t block = stack[--depth];
        for (uint32_t e = block == header ? NONE : p->head[block]; e != NONE; e = p->link[e]) {
            add_to_loop(cfg, l, p->from[e], stack, &depth);
        }
    }
}

/* Headers from the inside out: a header comes later in the order than that of a loop around. */
static qt_code find_loops(qt_cfg *cfg, const predecessors *p, qt_err *err) {
    QT_AUTO_FREE uint32_t *stack = NULL;
    QT_TRY(new_numbers((size_t)cfg->block_count * 2, &stack, err));
    QT_TRY(new_numbers(cfg->block_count, &cfg->loop_of, err));
    void *mem = NULL;
    QT_TRY(qt_try_calloc(cfg->block_count + 1, sizeof *cfg->loops, &mem, err));
    cfg->loops = mem;
    for (uint32_t i = cfg->order_count; i-- > 0;) {
        collect_loop(cfg, p, cfg->order[i], stack);
    }
    for (uint32_t i = 0; i < cfg->order_count; i++) {
        uint32_t from = cfg->order[i];
        for (uint32_t k = cfg->first_successor[from]; k < cfg->first_successor[from + 1]; k++) {
            uint32_t to = cfg->successors[k];
            bool back = cfg->position[to] <= i;
            cfg->irreducible = cfg->irreducible || (back && !qt_cfg_dominates(cfg, to, from));
        }
    }
    return QT_OK;
}

static void find_stores(qt_cfg *cfg) {
    for (uint32_t i = 0; i < cfg->block_count && !cfg->has_stores; i++) {
        for (LLVMValueRef v = LLVMGetFirstInstruction(cfg->blocks[i]); v != NULL;
             v = LLVMGetNextInstruction(v)) {
            cfg->has_stores = cfg->has_stores || LLVMGetInstructionOpcode(v) == LLVMStore;
        }
    }
}

qt_code qt_cfg_init(qt_cfg *cfg, LLVMValueRef function, qt_err *err) {
    QT_TRY(number_blocks(cfg, function, err));
    QT_TRY(find_successors(cfg, err));
    QT_TRY(find_order(cfg, err));
    QT_CLEANUP(predecessors_done) predecessors p = {0};
    QT_TRY(predecessors_init(&p, cfg, err));
    QT_TRY(find_dominators(cfg, &p, err));
    QT_TRY(find_post_dominators(cfg, &p, err));
    QT_TRY(find_loops(cfg, &p, err));
    find_stores(cfg);
    return QT_OK;
}
