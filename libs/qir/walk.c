/* The walk through one function: paths, branches on measurements, loops on measurements. */
#include "qir/reader.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WALK_DEPTH = 500 };

/* No block: a path that stops only in jumps of a loop. */
#define NOWHERE 0xFFFFFFFEU

/* A path that comes to a block: the values of the block's phi nodes, or for the exit the value
 * that is returned. */
typedef struct arrival {
    uint32_t block;
    bool reached; /* false: the path ended in a jump of a loop */
    qt_sym *values;
    uint32_t count;
} arrival;

static void arrival_done(arrival *a) {
    free(a->values);
    *a = (arrival){0};
}

static void arrival_move(arrival *to, arrival *from) {
    arrival_done(to);
    *to = *from;
    *from = (arrival){0};
}

static LLVMValueRef first_phi(const qt_cfg *cfg, uint32_t block) {
    LLVMValueRef v = LLVMGetFirstInstruction(cfg->blocks[block]);
    return v != NULL && LLVMGetInstructionOpcode(v) == LLVMPHI ? v : NULL;
}

static LLVMValueRef next_phi(LLVMValueRef phi) {
    LLVMValueRef v = LLVMGetNextInstruction(phi);
    return v != NULL && LLVMGetInstructionOpcode(v) == LLVMPHI ? v : NULL;
}

static uint32_t value_count(const qt_frame *f, uint32_t block) {
    const qt_cfg *cfg = &f->info->cfg;
    if (block == cfg->block_count) {
        LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(f->info->function));
        return LLVMGetTypeKind(type) != LLVMVoidTypeKind;
    }
    uint32_t count = 0;
    for (LLVMValueRef phi = first_phi(cfg, block); phi != NULL; phi = next_phi(phi)) {
        count++;
    }
    return count;
}

static LLVMValueRef incoming_value(LLVMValueRef phi, LLVMBasicBlockRef from) {
    for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
        if (LLVMGetIncomingBlock(phi, i) == from) {
            return LLVMGetIncomingValue(phi, i);
        }
    }
    return NULL;
}

static qt_code new_arrival(const qt_frame *f, uint32_t block, arrival *ret_arrival, qt_err *err) {
    arrival a = {.block = block, .reached = true, .count = value_count(f, block)};
    if (a.count > 0) {
        void *mem = NULL;
        QT_TRY(qt_try_calloc(a.count, sizeof *a.values, &mem, err));
        a.values = mem;
    }
    arrival_done(ret_arrival);
    *ret_arrival = a;
    return QT_OK;
}

/* Along the edge between two blocks. *ret_arrival is overwritten. */
static qt_code go_to(qt_reader *r, qt_frame *f, uint32_t from, uint32_t to, arrival *ret_arrival,
                     qt_err *err) {
    const qt_cfg *cfg = &f->info->cfg;
    QT_TRY(new_arrival(f, to, ret_arrival, err));
    uint32_t i = 0;
    for (LLVMValueRef phi = first_phi(cfg, to); phi != NULL; phi = next_phi(phi), i++) {
        LLVMValueRef v = incoming_value(phi, cfg->blocks[from]);
        if (v == NULL) {
            return qt_reader_refuse(r, err, "a phi node without a value for the path taken");
        }
        QT_TRY(qt_frame_get(r, f, v, &ret_arrival->values[i], err));
    }
    return QT_OK;
}

static qt_code bind(qt_frame *f, const arrival *a, qt_err *err) {
    uint32_t i = 0;
    for (LLVMValueRef phi = first_phi(&f->info->cfg, a->block); phi != NULL;
         phi = next_phi(phi), i++) {
        QT_TRY(qt_frame_set(f, phi, a->values[i], err));
    }
    return QT_OK;
}

/* All at once: values may be made of the variables that are assigned. */
static qt_code assign_all(qt_reader *r, const uint32_t *variables, const arrival *a, qt_err *err) {
    for (uint32_t i = 0; i < a->count && a->count > 1; i++) {
        if (qt_sym_is_symbolic(a->values[i])) {
            QT_TRY(qt_sym_copy(r, a->values[i], &a->values[i], err));
        }
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (qt_sym_is_number(a->values[i])) {
            QT_TRY(qt_sym_assign(r, variables[i], a->values[i], err));
        }
    }
    return QT_OK;
}

static qt_code check_pointers(qt_reader *r, const qt_sym *expected, const arrival *a, qt_err *err) {
    for (uint32_t i = 0; i < a->count; i++) {
        if (!qt_sym_is_number(a->values[i]) && !qt_sym_same(expected[i], a->values[i])) {
            return qt_reader_refuse(r, err, "a pointer depends on a measurement");
        }
    }
    return QT_OK;
}

static qt_code new_variables(qt_reader *r, const arrival *a, uint32_t *variables, qt_err *err) {
    for (uint32_t i = 0; i < a->count; i++) {
        variables[i] = QT_NO_INDEX;
        if (qt_sym_is_number(a->values[i])) {
            QT_TRY(qt_sym_new_variable(r, a->values[i], &variables[i], err));
        }
    }
    return QT_OK;
}

static qt_code values_of(qt_reader *r, const uint32_t *variables, const arrival *like,
                         qt_sym *values, qt_err *err) {
    for (uint32_t i = 0; i < like->count; i++) {
        values[i] = like->values[i];
        if (qt_sym_is_number(like->values[i])) {
            QT_TRY(qt_sym_of_variable(r, like->values[i], variables[i], &values[i], err));
        }
    }
    return QT_OK;
}

static qt_code walk(qt_reader *r, qt_frame *f, arrival *at, bool inside, uint32_t stop,
                    arrival *out, qt_err *err);

/* The path goes back to the head of the loop being walked. */
static qt_code loop_again(qt_reader *r, qt_frame_loop *loop, const arrival *a, qt_err *err) {
    QT_TRY(check_pointers(r, loop->header_values, a, err));
    QT_TRY(assign_all(r, loop->header_variables, a, err));
    return r->building ? qt_build_continue(&r->builder, err) : QT_OK;
}

static qt_code loop_leave(qt_reader *r, qt_frame_loop *loop, const arrival *a, qt_err *err) {
    if (!loop->left) {
        loop->left = true;
        QT_TRY(new_variables(r, a, loop->exit_variables, err));
        for (uint32_t i = 0; i < a->count; i++) {
            loop->exit_values[i] = a->values[i];
        }
    }
    QT_TRY(check_pointers(r, loop->exit_values, a, err));
    QT_TRY(assign_all(r, loop->exit_variables, a, err));
    return r->building ? qt_build_break(&r->builder, err) : QT_OK;
}

static uint32_t post_dominator(const qt_cfg *cfg, uint32_t block) {
    uint32_t p = cfg->post_dominator[block];
    return p == QT_PTRMAP_NONE ? cfg->block_count : p;
}

static uint32_t loop_exit(const qt_cfg *cfg, uint32_t loop) {
    uint32_t exit = post_dominator(cfg, cfg->loops[loop].header);
    while (qt_cfg_in_loop(cfg, loop, exit)) {
        exit = post_dominator(cfg, exit);
    }
    return exit;
}

typedef struct loop_memory {
    uint32_t *header_variables, *exit_variables;
    qt_sym *header_values;
    arrival exit;
} loop_memory;

static void loop_memory_done(loop_memory *m) {
    free(m->header_variables);
    free(m->exit_variables);
    free(m->header_values);
    arrival_done(&m->exit);
}

static qt_code loop_memory_init(loop_memory *m, const qt_frame *f, uint32_t count, uint32_t exit,
                                qt_err *err) {
    void *mem = NULL;
    QT_TRY(new_arrival(f, exit, &m->exit, err));
    QT_TRY(qt_try_calloc(count + 1U, sizeof(uint32_t), &mem, err));
    m->header_variables = mem;
    QT_TRY(qt_try_calloc(m->exit.count + 1U, sizeof(uint32_t), &mem, err));
    m->exit_variables = mem;
    QT_TRY(qt_try_calloc(count + 1U, sizeof(qt_sym), &mem, err));
    m->header_values = mem;
    return QT_OK;
}

static qt_code begin_while(qt_reader *r, qt_err *err) {
    r->nesting++;
    r->loop_depth++;
    uint32_t always = 0;
    QT_TRY(qt_sym_expr(r, qt_sym_int(1, 1), &always, err));
    return r->building ? qt_build_while(&r->builder, always, err) : QT_OK;
}

static qt_code end_while(qt_reader *r, qt_err *err) {
    r->nesting--;
    r->loop_depth--;
    return r->building ? qt_build_end_block(&r->builder, err) : QT_OK;
}

/* WHILE (true): paths that come back continue, paths that go to the exit break. */
static qt_code run_loop(qt_reader *r, qt_frame *f, arrival *at, uint32_t exit, qt_err *err) {
    QT_CLEANUP(loop_memory_done) loop_memory m = {.header_variables = NULL};
    QT_TRY(loop_memory_init(&m, f, at->count, exit, err));
    QT_TRY(qt_reader_spill(r, f, at->block, exit, err));
    QT_TRY(new_variables(r, at, m.header_variables, err));
    QT_TRY(assign_all(r, m.header_variables, at, err));
    QT_TRY(begin_while(r, err));
    QT_TRY(values_of(r, m.header_variables, at, m.header_values, err));
    if (at->count > 0) {
        memcpy(at->values, m.header_values, at->count * sizeof *at->values);
    }
    qt_frame_loop loop = {.outer = f->loops,
                          .header = at->block,
                          .exit = exit,
                          .header_variables = m.header_variables,
                          .header_values = m.header_values,
                          .exit_variables = m.exit_variables,
                          .exit_values = m.exit.values};
    f->loops = &loop;
    QT_CLEANUP(arrival_done) arrival end = {.block = 0};
    qt_code code = walk(r, f, at, true, NOWHERE, &end, err);
    f->loops = loop.outer;
    QT_TRY(code);
    QT_TRY(end_while(r, err));
    if (!loop.left) {
        return qt_reader_refuse(r, err, "a loop that never ends");
    }
    QT_TRY(values_of(r, m.exit_variables, &m.exit, m.exit.values, err));
    arrival_move(at, &m.exit);
    return QT_OK;
}

/* Branches on measurements. */

typedef struct arm {
    uint32_t to;     /* block */
    int64_t *values; /* of a switch */
    size_t count, cap;
} arm;

typedef struct branch {
    uint32_t block, join;
    qt_sym condition;
    arm *arms;
    size_t arm_count;
    bool is_switch;
    size_t first_merge;
    uint32_t merge_count;
    uint32_t *variables;
    arrival result; /* at the join */
    bool *differs;
    qt_record_arms records;
} branch;

static void branch_done(branch *b) {
    for (size_t i = 0; i < b->arm_count; i++) {
        free(b->arms[i].values);
    }
    free(b->arms);
    free(b->variables);
    free(b->differs);
    arrival_done(&b->result);
    qt_record_arms_done(&b->records);
}

/* All loops that a path from here may leave before the paths meet again run for a number of times
 * that depends on a measurement. */
static bool mark_loops(qt_reader *r, qt_frame *f, uint32_t block, uint32_t join) {
    qt_cfg *cfg = &f->info->cfg;
    bool marked = false;
    for (uint32_t l = cfg->loop_of[block]; l != QT_PTRMAP_NONE; l = cfg->loops[l].parent) {
        if (!cfg->loops[l].dynamic && !qt_cfg_in_loop(cfg, l, join)) {
            cfg->loops[l].dynamic = true;
            marked = true;
        }
    }
    r->restart = r->restart || marked;
    return marked;
}

static qt_code add_arm(branch *b, uint32_t to, qt_err *err) {
    void *mem = b->arms;
    QT_TRY(qt_try_realloc(&mem, (b->arm_count + 1) * sizeof *b->arms, err));
    b->arms = mem;
    b->arms[b->arm_count++] = (arm){.to = to};
    return QT_OK;
}

/* Arm 0 is the default; cases that go there too need no arm. */
static qt_code add_case(branch *b, uint32_t to, uint64_t value, qt_err *err) {
    size_t i = 0;
    while (i < b->arm_count && b->arms[i].to != to) {
        i++;
    }
    if (i == 0) {
        return QT_OK;
    }
    if (i == b->arm_count) {
        QT_TRY(add_arm(b, to, err));
    }
    arm *a = &b->arms[i];
    QT_TRY(qt_reader_grow(&a->values, &a->cap, a->count + 1, sizeof *a->values, err));
    a->values[a->count++] = (int64_t)value;
    return QT_OK;
}

static qt_code find_arms(qt_reader *r, qt_frame *f, LLVMValueRef end, branch *b, qt_err *err) {
    const qt_cfg *cfg = &f->info->cfg;
    b->is_switch = LLVMGetInstructionOpcode(end) == LLVMSwitch;
    uint32_t first = cfg->first_successor[b->block];
    uint32_t count = cfg->first_successor[b->block + 1] - first;
    QT_TRY(add_arm(b, cfg->successors[first], err));
    if (!b->is_switch) {
        return add_arm(b, cfg->successors[first + 1], err);
    }
    for (uint32_t i = 1; i < count; i++) {
        QT_TRY(qt_reader_step(r, err));
        uint64_t value = LLVMConstIntGetZExtValue(LLVMGetOperand(end, 2 * i));
        QT_TRY(add_case(b, cfg->successors[first + i], value, err));
    }
    return QT_OK;
}

static qt_code branch_init(qt_reader *r, qt_frame *f, LLVMValueRef end, branch *b, qt_err *err) {
    QT_TRY(find_arms(r, f, end, b, err));
    QT_TRY(new_arrival(f, b->join, &b->result, err));
    b->result.reached = false;
    b->merge_count = b->result.count;
    b->first_merge = r->merge_count;
    b->records.base = r->record_count;
    void *mem = NULL;
    QT_TRY(qt_try_calloc(b->merge_count + 1U, sizeof(uint32_t), &mem, err));
    b->variables = mem;
    QT_TRY(qt_try_calloc(b->merge_count + 1U, sizeof(bool), &mem, err));
    b->differs = mem;
    size_t old = r->merge_cap;
    QT_TRY(qt_reader_grow(&r->merges, &r->merge_cap, r->merge_count + b->merge_count + 1, 1, err));
    memset(r->merges + old, 0, r->merge_cap - old);
    r->merge_count += b->merge_count;
    return QT_OK;
}

static qt_code open_arm(qt_reader *r, const branch *b, size_t i, qt_err *err) {
    if (!r->building) {
        return QT_OK;
    }
    if (!b->is_switch) {
        return i == 0 ? qt_build_if(&r->builder, b->condition.index, err)
                      : qt_build_else(&r->builder, err);
    }
    if (i == 0) {
        QT_TRY(qt_build_switch(&r->builder, b->condition.index, err));
    }
    /* The default comes last: arm 0 is opened behind all others. */
    const arm *a = &b->arms[i + 1 < b->arm_count ? i + 1 : 0];
    return qt_build_case(&r->builder, a->values, a->count, err);
}

static size_t arm_at(const branch *b, size_t i) {
    return !b->is_switch ? i : i + 1 < b->arm_count ? i + 1 : 0;
}

/* An arm came to the join: values that differ between arms go to variables. */
static qt_code end_arm(qt_reader *r, branch *b, const arrival *a, qt_err *err) {
    QT_TRY(qt_reader_end_arm(r, &b->records, err));
    if (!a->reached) {
        return QT_OK;
    }
    for (uint32_t i = 0; i < b->merge_count; i++) {
        if (!b->result.reached) {
            b->result.values[i] = a->values[i];
        } else if (!qt_sym_same(b->result.values[i], a->values[i])) {
            if (!qt_sym_is_number(a->values[i])) {
                return qt_reader_refuse(r, err, "a pointer depends on a measurement");
            }
            b->differs[i] = true;
        }
        if (r->building && r->merges[b->first_merge + i]) {
            if (!b->result.reached) {
                QT_TRY(qt_sym_new_variable(r, a->values[i], &b->variables[i], err));
            }
            QT_TRY(qt_sym_assign(r, b->variables[i], a->values[i], err));
        }
    }
    b->result.reached = true;
    return QT_OK;
}

static qt_code end_branch(qt_reader *r, branch *b, qt_err *err) {
    r->nesting--;
    if (r->building) {
        QT_TRY(qt_build_end_block(&r->builder, err));
    }
    QT_TRY(qt_reader_end_arms(r, &b->records, err));
    for (uint32_t i = 0; b->result.reached && i < b->merge_count; i++) {
        uint8_t *merged = &r->merges[b->first_merge + i];
        *merged = r->building ? *merged : b->differs[i];
        if (*merged) {
            QT_TRY(qt_sym_of_variable(r, b->result.values[i], b->variables[i], &b->result.values[i],
                                      err));
        }
    }
    return QT_OK;
}

static qt_code run_arms(qt_reader *r, qt_frame *f, branch *b, qt_err *err) {
    for (size_t i = 0; i < b->arm_count; i++) {
        QT_TRY(open_arm(r, b, i, err));
        QT_CLEANUP(arrival_done) arrival at = {.block = 0};
        QT_CLEANUP(arrival_done) arrival out = {.block = 0};
        QT_TRY(go_to(r, f, b->block, b->arms[arm_at(b, i)].to, &at, err));
        QT_TRY(walk(r, f, &at, false, b->join, &out, err));
        QT_TRY(end_arm(r, b, &out, err));
    }
    return QT_OK;
}

/* *at becomes where the arms meet; not reached when none comes there. */
static qt_code run_branch(qt_reader *r, qt_frame *f, LLVMValueRef end, qt_sym condition,
                          arrival *at, qt_err *err) {
    QT_CLEANUP(branch_done)
    branch b = {.block = at->block,
                .join = post_dominator(&f->info->cfg, at->block),
                .condition = condition};
    if (mark_loops(r, f, b.block, b.join)) {
        return qt_fail(err, INTERNAL, "run again"); /* seen by nobody */
    }
    if (f->info->cfg.irreducible) {
        return qt_reader_refuse(r, err, "a branch on a measurement among loops with two entries");
    }
    QT_TRY(branch_init(r, f, end, &b, err));
    for (size_t i = 0; i < b.arm_count; i++) {
        if (b.arms[i].to != b.join) {
            QT_TRY(qt_reader_spill(r, f, b.arms[i].to, b.join, err));
        }
    }
    r->nesting++;
    QT_TRY(run_arms(r, f, &b, err));
    QT_TRY(end_branch(r, &b, err));
    arrival_move(at, &b.result);
    return QT_OK;
}

/* Instructions and ends of blocks. */

static qt_code run_instruction(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    bool done = false;
    r->at = v;
    QT_TRY(qt_reader_step(r, err));
    if (LLVMGetInstructionOpcode(v) == LLVMCall) {
        return qt_reader_call(r, f, v, err);
    }
    QT_TRY(qt_reader_arith(r, f, v, &done, err));
    if (!done) {
        QT_TRY(qt_reader_memory(r, f, v, &done, err));
    }
    return done ? QT_OK : qt_reader_refuse(r, err, "an instruction that is not supported");
}

/* The successor that a known condition picks. */
static uint32_t known_successor(const qt_cfg *cfg, LLVMValueRef end, uint32_t block,
                                qt_sym condition) {
    uint32_t first = cfg->first_successor[block];
    if (LLVMGetInstructionOpcode(end) == LLVMBr) {
        return cfg->successors[first + (condition.i != 0 ? 0 : 1)];
    }
    uint32_t count = cfg->first_successor[block + 1] - first;
    for (uint32_t i = 1; i < count; i++) {
        if (LLVMConstIntGetZExtValue(LLVMGetOperand(end, 2 * i)) == condition.i) {
            return cfg->successors[first + i];
        }
    }
    return cfg->successors[first];
}

static qt_code do_return(qt_reader *r, qt_frame *f, LLVMValueRef end, arrival *at, qt_err *err) {
    QT_TRY(new_arrival(f, f->info->cfg.block_count, at, err));
    if (at->count > 0 && LLVMGetNumOperands(end) > 0) {
        return qt_frame_get(r, f, LLVMGetOperand(end, 0), &at->values[0], err);
    }
    return QT_OK;
}

/* Runs the block that *at is in; *at becomes where it leads. */
static qt_code run_block(qt_reader *r, qt_frame *f, arrival *at, qt_err *err) {
    const qt_cfg *cfg = &f->info->cfg;
    QT_TRY(bind(f, at, err));
    LLVMValueRef end = LLVMGetBasicBlockTerminator(cfg->blocks[at->block]);
    for (LLVMValueRef v = LLVMGetFirstInstruction(cfg->blocks[at->block]); v != end;
         v = LLVMGetNextInstruction(v)) {
        if (LLVMGetInstructionOpcode(v) != LLVMPHI) {
            QT_TRY(run_instruction(r, f, v, err));
        }
    }
    r->at = end;
    QT_TRY(qt_reader_step(r, err));
    LLVMOpcode op = LLVMGetInstructionOpcode(end);
    if (op == LLVMRet) {
        return do_return(r, f, end, at, err);
    }
    if (op != LLVMBr && op != LLVMSwitch) {
        return qt_reader_refuse(r, err, "a block that ends in neither br, switch nor ret");
    }
    uint32_t block = at->block;
    if (LLVMGetNumSuccessors(end) == 1) {
        return go_to(r, f, block, cfg->successors[cfg->first_successor[block]], at, err);
    }
    qt_sym condition = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(end, 0), &condition, err));
    if (condition.kind == QT_SYM_EXPR) {
        return run_branch(r, f, end, condition, at, err);
    }
    if (condition.kind != QT_SYM_INT) {
        return qt_reader_refuse(r, err, "a branch on something that is no integer");
    }
    return go_to(r, f, block, known_successor(cfg, end, block, condition), at, err);
}

/* Follows a path until it comes to `stop` or ends in a jump of a loop. `inside`: *at is the head
 * of the loop being walked, and the path starts there instead of coming back. */
static qt_code walk_path(qt_reader *r, qt_frame *f, arrival *at, bool inside, uint32_t stop,
                         arrival *out, qt_err *err) {
    qt_cfg *cfg = &f->info->cfg;
    for (; at->reached; inside = false) {
        qt_frame_loop *loop = f->loops;
        if (!inside && loop != NULL && at->block == loop->header) {
            return loop_again(r, loop, at, err);
        }
        if (loop != NULL && at->block == loop->exit) {
            return loop_leave(r, loop, at, err);
        }
        if (at->block == stop) {
            arrival_move(out, at);
            return QT_OK;
        }
        uint32_t l = qt_cfg_loop_at(cfg, at->block);
        if (!inside && l != QT_PTRMAP_NONE && cfg->loops[l].dynamic) {
            QT_TRY(run_loop(r, f, at, loop_exit(cfg, l), err));
            continue;
        }
        QT_TRY(run_block(r, f, at, err));
    }
    return QT_OK;
}

static qt_code walk(qt_reader *r, qt_frame *f, arrival *at, bool inside, uint32_t stop,
                    arrival *out, qt_err *err) {
    if (++r->walk_depth > MAX_WALK_DEPTH) {
        return qt_fail(err, NESTING_TOO_DEEP, "branches on measurements are nested deeper than %d",
                       MAX_WALK_DEPTH);
    }
    QT_TRY(walk_path(r, f, at, inside, stop, out, err));
    r->walk_depth--;
    return QT_OK;
}

qt_code qt_reader_run(qt_reader *r, qt_frame *f, qt_sym *ret_value, qt_err *err) {
    if (!f->info->analysed) {
        f->info->analysed = true;
        QT_TRY(qt_cfg_init(&f->info->cfg, f->info->function, err));
    }
    QT_CLEANUP(arrival_done) arrival at = {.block = 0};
    QT_CLEANUP(arrival_done) arrival out = {.block = 0};
    QT_TRY(new_arrival(f, 0, &at, err));
    f->info->active = true;
    qt_code code = walk(r, f, &at, false, f->info->cfg.block_count, &out, err);
    f->info->active = false;
    QT_TRY(code);
    if (!out.reached) {
        return qt_reader_refuse(r, err, "a function that never returns");
    }
    *ret_value = out.count > 0 ? out.values[0] : (qt_sym){.kind = QT_SYM_NONE};
    return QT_OK;
}
