/* Rules on the functions of an Adaptive profile program. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "qir/checker.h"

#include <stdlib.h>
#include <string.h>

/* One function: its graph, and the values that depend on a measurement. */
typedef struct function_state {
    qt_cfg cfg;
    qt_ptrmap measured;
    unsigned returns;
    bool is_entry;
} function_state;

static void function_state_done(function_state *s) {
    qt_cfg_done(&s->cfg);
    qt_ptrmap_done(&s->measured);
}

static bool is_measured(const function_state *s, LLVMValueRef v) {
    return qt_ptrmap_get(&s->measured, v) != QT_PTRMAP_NONE;
}

/* What quantum functions return, what is computed from that, and phi nodes behind a branch on it.
 * Memory is not followed. */
static bool depends(const function_state *s, LLVMValueRef v, uint32_t block) {
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    if (op == LLVMCall) {
        qt_call_kind kind = qt_checker_call_kind(v);
        bool reads = kind == QT_CALL_GATE || kind == QT_CALL_RUNTIME;
        LLVMTypeKind type = LLVMGetTypeKind(LLVMTypeOf(v));
        return reads && type != LLVMVoidTypeKind && type != LLVMPointerTypeKind;
    }
    for (int i = 0; i < LLVMGetNumOperands(v); i++) {
        if (is_measured(s, LLVMGetOperand(v, (unsigned)i))) {
            return true;
        }
    }
    if (op != LLVMPHI || block == 0) {
        return false;
    }
    LLVMBasicBlockRef above = s->cfg.blocks[s->cfg.dominator[block]];
    LLVMValueRef end = LLVMGetBasicBlockTerminator(above);
    return LLVMGetNumSuccessors(end) > 1 && is_measured(s, LLVMGetOperand(end, 0));
}

static qt_code find_measured(function_state *s, qt_err *err) {
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < s->cfg.order_count; i++) {
            uint32_t block = s->cfg.order[i];
            for (LLVMValueRef v = LLVMGetFirstInstruction(s->cfg.blocks[block]); v != NULL;
                 v = LLVMGetNextInstruction(v)) {
                if (!is_measured(s, v) && depends(s, v, block)) {
                    QT_TRY(qt_ptrmap_set(&s->measured, v, 0, err));
                    changed = true;
                }
            }
        }
    }
    return QT_OK;
}

/* Loops. */

static bool ends_on_measurement(const function_state *s, uint32_t loop) {
    for (uint32_t i = 0; i < s->cfg.order_count; i++) {
        uint32_t block = s->cfg.order[i];
        bool leaves = false;
        for (uint32_t k = s->cfg.first_successor[block]; k < s->cfg.first_successor[block + 1];
             k++) {
            leaves = leaves || !qt_cfg_in_loop(&s->cfg, loop, s->cfg.successors[k]);
        }
        LLVMValueRef end = LLVMGetBasicBlockTerminator(s->cfg.blocks[block]);
        if (leaves && qt_cfg_in_loop(&s->cfg, loop, block) && LLVMGetNumSuccessors(end) > 1 &&
            is_measured(s, LLVMGetOperand(end, 0))) {
            return true;
        }
    }
    return false;
}

static void check_loops(qt_checker *c, const function_state *s) {
    if (s->cfg.irreducible && c->has.backwards_branching == 0) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_CYCLE, "a loop with two entries");
    }
    for (uint32_t l = 0; l < s->cfg.loop_count; l++) {
        c->block_number = s->cfg.loops[l].header;
        c->block = s->cfg.blocks[c->block_number];
        if (c->has.backwards_branching == 0) {
            qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_CYCLE, "a loop begins at this block");
        } else if (c->has.backwards_branching == 1 && ends_on_measurement(s, l)) {
            qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_CYCLE_KIND, "the loop of this block");
        }
    }
    c->block = NULL;
}

/* Instructions. */

typedef enum instruction_kind {
    NOT_ALLOWED,
    INTEGER,  /* and comparisons and casts of integers */
    FLOATING, /* the same of floating-point numbers */
    SELECT,
    PHI,
    ARRAY,
    TO_POINTER,
    CALL,
    BRANCH,
    SWITCH,
    RETURN,
} instruction_kind;

static instruction_kind kind_of(LLVMOpcode op) {
    switch ((int)op) {
    case LLVMAdd:
    case LLVMSub:
    case LLVMMul:
    case LLVMUDiv:
    case LLVMSDiv:
    case LLVMURem:
    case LLVMSRem:
    case LLVMAnd:
    case LLVMOr:
    case LLVMXor:
    case LLVMShl:
    case LLVMLShr:
    case LLVMAShr:
    case LLVMICmp:
    case LLVMZExt:
    case LLVMSExt:
    case LLVMTrunc:
        return INTEGER;
    case LLVMFAdd:
    case LLVMFSub:
    case LLVMFMul:
    case LLVMFDiv:
    case LLVMFCmp:
    case LLVMFPExt:
    case LLVMFPTrunc:
        return FLOATING;
    case LLVMSelect:
        return SELECT;
    case LLVMPHI:
        return PHI;
    case LLVMAlloca:
    case LLVMLoad:
    case LLVMStore:
    case LLVMGetElementPtr:
    case LLVMExtractValue:
    case LLVMInsertValue:
        return ARRAY;
    case LLVMIntToPtr:
        return TO_POINTER;
    case LLVMCall:
        return CALL;
    case LLVMBr:
        return BRANCH;
    case LLVMSwitch:
        return SWITCH;
    case LLVMRet:
        return RETURN;
    default:
        return NOT_ALLOWED;
    }
}

static bool is_pointer(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMPointerTypeKind;
}

static bool is_cast(LLVMOpcode op) {
    return op == LLVMZExt || op == LLVMSExt || op == LLVMTrunc || op == LLVMFPExt ||
           op == LLVMFPTrunc;
}

/* Casts may stand before a record even when the type is not listed. */
static bool is_only_recorded(LLVMValueRef v) {
    for (LLVMUseRef use = LLVMGetFirstUse(v); use != NULL; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (LLVMIsACallInst(user) == NULL || qt_checker_call_kind(user) != QT_CALL_RECORD) {
            return false;
        }
    }
    return true;
}

static void check_type(qt_checker *c, LLVMTypeRef type, bool pointers) {
    if (qt_checker_has_type(c, type) || (pointers && is_pointer(type))) {
        return;
    }
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    bool is_float =
        kind == LLVMDoubleTypeKind || kind == LLVMFloatTypeKind || kind == LLVMHalfTypeKind;
    qt_qir_rule rule = is_float                      ? QT_QIR_RULE_ADAPTIVE_FLOAT
                       : kind == LLVMIntegerTypeKind ? QT_QIR_RULE_ADAPTIVE_INTEGER
                       : is_pointer(type)            ? QT_QIR_RULE_ADAPTIVE_POINTER
                                                     : QT_QIR_RULE_ADAPTIVE_INSTRUCTION;
    char *text = LLVMPrintTypeToString(type);
    qt_checker_add(c, rule, "%s", text);
    LLVMDisposeMessage(text);
}

/* LLVM 16's C interface does not show nuw, nsw and exact; the text does. */
static void check_wrap_flags(qt_checker *c, LLVMValueRef v) {
    char *text = LLVMPrintValueToString(v);
    static const char *const flags[] = {" nuw ", " nsw ", " exact "};
    for (size_t i = 0; i < QT_ARRAY_LEN(flags); i++) {
        if (strstr(text, flags[i]) != NULL) {
            qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_WRAP, "it has%s", flags[i]);
        }
    }
    LLVMDisposeMessage(text);
}

static void check_computation(qt_checker *c, LLVMValueRef v, instruction_kind kind) {
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    LLVMTypeRef operand = LLVMTypeOf(LLVMGetOperand(v, 0));
    bool pointers = op == LLVMICmp && (c->has.dynamic_qubits || c->has.dynamic_results);
    check_type(c, operand, pointers);
    if (LLVMTypeOf(v) != operand && !(is_cast(op) && is_only_recorded(v))) {
        check_type(c, LLVMTypeOf(v), false);
    }
    if (kind == INTEGER) {
        check_wrap_flags(c, v);
    }
}

static void check_select(qt_checker *c, LLVMValueRef v) {
    LLVMTypeRef type = LLVMTypeOf(v);
    if (is_pointer(type)) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_POINTER, "select");
    } else if (LLVMGetTypeKind(type) != LLVMIntegerTypeKind) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_SELECT, "it chooses another type");
    } else {
        check_type(c, type, false);
    }
}

static void check_to_pointer(qt_checker *c, const function_state *s, LLVMValueRef v) {
    if (is_measured(s, LLVMGetOperand(v, 0))) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_POINTER_RESULT, "inttoptr of a measured value");
    } else if (c->has.backwards_branching == 0) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_POINTER, "inttoptr outside of a call");
    }
}

static bool is_label_address(LLVMValueRef v) {
    return LLVMGetInstructionOpcode(v) == LLVMGetElementPtr && is_only_recorded(v);
}

static void check_return(qt_checker *c, function_state *s, LLVMValueRef v) {
    if (++s->returns == 2 && !c->has.multiple_returns) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_RETURNS, "this is the second");
    }
    LLVMValueRef code = LLVMGetNumOperands(v) > 0 ? LLVMGetOperand(v, 0) : NULL;
    if (s->is_entry && code != NULL && LLVMIsAConstantInt(code) != NULL &&
        LLVMGetIntTypeWidth(LLVMTypeOf(code)) <= 64 && LLVMConstIntGetZExtValue(code) > 63) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_EXIT_CODE, "%lld", LLVMConstIntGetSExtValue(code));
    }
}

static void check_call(qt_checker *c, const function_state *s, LLVMValueRef v) {
    qt_call_kind kind = qt_checker_call_kind(v);
    qt_checker_call(c, v);
    if (!s->is_entry && (kind == QT_CALL_INITIALIZE || kind == QT_CALL_RECORD)) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_FUNCTION_CALL, "this is another function");
    }
}

static void check_instruction(qt_checker *c, function_state *s, LLVMValueRef v) {
    instruction_kind kind = kind_of(LLVMGetInstructionOpcode(v));
    switch (kind) {
    case NOT_ALLOWED:
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_INSTRUCTION, "it is in none of them");
        break;
    case INTEGER:
    case FLOATING:
        check_computation(c, v, kind);
        break;
    case SELECT:
        check_select(c, v);
        break;
    case PHI:
        check_type(c, LLVMTypeOf(v), false);
        break;
    case ARRAY:
        if (!c->has.arrays && !is_label_address(v)) {
            qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_ARRAYS, "the flag is not set");
        }
        break;
    case TO_POINTER:
        check_to_pointer(c, s, v);
        break;
    case CALL:
        check_call(c, s, v);
        break;
    case SWITCH:
        if (!c->has.multiple_targets) {
            qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_SWITCH, "the flag is not set");
        }
        if (LLVMIsAConstantInt(LLVMGetOperand(v, 0)) == NULL) {
            check_type(c, LLVMTypeOf(LLVMGetOperand(v, 0)), false);
        }
        break;
    case RETURN:
        check_return(c, s, v);
        break;
    case BRANCH:
        break;
    }
}

/* Where initialize and records stand in a block of the entry point. */
static void check_order(qt_checker *c, const function_state *s, LLVMValueRef v, bool first,
                        bool *recorded) {
    bool is_call = LLVMIsACallInst(v) != NULL;
    qt_call_kind kind = is_call ? qt_checker_call_kind(v) : QT_CALL_OTHER;
    if (!s->is_entry || kind == QT_CALL_IGNORED) {
        return;
    }
    if ((kind == QT_CALL_INITIALIZE) != first) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_INITIALIZE, "%s",
                       first ? "this is the first instruction" : "this is not the first");
    }
    bool ends = LLVMGetInstructionOpcode(v) == LLVMRet;
    if (*recorded && kind != QT_CALL_RECORD && !ends) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_OUTPUT_LAST, "this comes behind a record");
        *recorded = false;
    }
    *recorded = *recorded || kind == QT_CALL_RECORD;
}

static void check_block(qt_checker *c, function_state *s, uint32_t block) {
    bool recorded = false;
    bool first = block == 0;
    c->block = s->cfg.blocks[block];
    c->block_number = block;
    for (LLVMValueRef v = LLVMGetFirstInstruction(c->block); v != NULL;
         v = LLVMGetNextInstruction(v)) {
        c->instruction = v;
        check_instruction(c, s, v);
        check_order(c, s, v, first, &recorded);
        first = first && LLVMIsACallInst(v) != NULL && qt_checker_call_kind(v) == QT_CALL_IGNORED;
    }
    c->instruction = NULL;
    c->block = NULL;
}

static void check_function_type(qt_checker *c) {
    if (!c->has.ir_functions) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_FUNCTIONS, "the flag is not set");
    }
    LLVMTypeRef returns = LLVMGetReturnType(LLVMGlobalGetValueType(c->function));
    bool good = LLVMGetTypeKind(returns) == LLVMVoidTypeKind || qt_checker_has_type(c, returns);
    for (unsigned i = 0; i < LLVMCountParams(c->function); i++) {
        LLVMTypeRef type = LLVMTypeOf(LLVMGetParam(c->function, i));
        good = good && (is_pointer(type) || qt_checker_has_type(c, type));
    }
    if (!good) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_FUNCTION_TYPE, "this function does not");
    }
}

static qt_code check_function(qt_checker *c, LLVMValueRef function, qt_err *err) {
    QT_CLEANUP(function_state_done) function_state s = {.is_entry = function == c->entry};
    c->function = function;
    QT_TRY(qt_cfg_init(&s.cfg, function, err));
    QT_TRY(find_measured(&s, err));
    if (!s.is_entry) {
        check_function_type(c);
    }
    check_loops(c, &s);
    for (uint32_t i = 0; i < s.cfg.block_count; i++) {
        check_block(c, &s, i);
    }
    return QT_OK;
}

/* Recursion: depth first over calls, with the functions on the path marked. */

typedef struct call_path {
    LLVMValueRef function;
    LLVMValueRef next; /* instruction to look at */
} call_path;

enum { ON_PATH = 1, DONE = 2 };

static LLVMValueRef next_instruction(LLVMValueRef v) {
    LLVMValueRef next = LLVMGetNextInstruction(v);
    LLVMBasicBlockRef block = LLVMGetInstructionParent(v);
    while (next == NULL && (block = LLVMGetNextBasicBlock(block)) != NULL) {
        next = LLVMGetFirstInstruction(block);
    }
    return next;
}

typedef struct call_search {
    qt_ptrmap marks;
    call_path *path;
    size_t depth;
} call_search;

static void call_search_done(call_search *s) {
    qt_ptrmap_done(&s->marks);
    free(s->path);
}

static qt_code enter(call_search *s, LLVMValueRef function, qt_err *err) {
    QT_TRY(qt_ptrmap_set(&s->marks, function, ON_PATH, err));
    LLVMBasicBlockRef first = LLVMGetFirstBasicBlock(function);
    s->path[s->depth++] = (call_path){.function = function, .next = LLVMGetFirstInstruction(first)};
    return QT_OK;
}

static qt_code follow(qt_checker *c, call_search *s, qt_err *err) {
    while (s->depth > 0) {
        call_path *top = &s->path[s->depth - 1];
        LLVMValueRef v = top->next;
        if (v == NULL) {
            QT_TRY(qt_ptrmap_set(&s->marks, top->function, DONE, err));
            s->depth--;
            continue;
        }
        top->next = next_instruction(v);
        LLVMValueRef called = LLVMIsACallInst(v) != NULL ? qt_llvm_called(v) : NULL;
        if (called == NULL || LLVMIsDeclaration(called)) {
            continue;
        }
        uint32_t mark = qt_ptrmap_get(&s->marks, called);
        if (mark == ON_PATH) {
            c->function = top->function;
            c->instruction = v;
            qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_RECURSION, "this call closes the circle");
            c->instruction = NULL;
        } else if (mark == QT_PTRMAP_NONE) {
            QT_TRY(enter(s, called, err));
        }
    }
    return QT_OK;
}

static qt_code check_recursion(qt_checker *c, size_t function_count, qt_err *err) {
    QT_CLEANUP(call_search_done) call_search s = {.depth = 0};
    void *mem = NULL;
    QT_TRY(qt_try_calloc(function_count + 1, sizeof *s.path, &mem, err));
    s.path = mem;
    for (LLVMValueRef f = LLVMGetFirstFunction(c->module->module); f != NULL;
         f = LLVMGetNextFunction(f)) {
        if (!LLVMIsDeclaration(f) && qt_ptrmap_get(&s.marks, f) == QT_PTRMAP_NONE) {
            QT_TRY(enter(&s, f, err));
            QT_TRY(follow(c, &s, err));
        }
    }
    return QT_OK;
}

qt_code qt_checker_adaptive(qt_checker *c, qt_err *err) {
    size_t count = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(c->module->module); f != NULL;
         f = LLVMGetNextFunction(f)) {
        if (!LLVMIsDeclaration(f)) {
            count++;
            QT_TRY(check_function(c, f, err));
        }
    }
    return check_recursion(c, count, err);
}
