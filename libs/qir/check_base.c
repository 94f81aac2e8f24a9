/* Rules on the structure of a Base profile program. */
#include "qir/checker.h"

#include <string.h>

typedef struct base_state {
    qt_ptrmap measured; /* qubits, by number + 1 */
    qt_ptrmap labels;   /* by hash */
} base_state;

static void set(qt_checker *c, qt_ptrmap *map, uint64_t key) {
    qt_err ignored;
    if (qt_ptrmap_set(map, (const void *)(uintptr_t)key, 0, &ignored) != QT_OK) {
        c->failed = true;
    }
}

static bool has(const qt_ptrmap *map, uint64_t key) {
    return qt_ptrmap_get(map, (const void *)(uintptr_t)key) != QT_PTRMAP_NONE;
}

static uint64_t hash_of(const char *text, size_t len) {
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
    }
    return hash | 1;
}

/* The four blocks in the order in which they run; false when there is no such chain. */
static bool find_chain(qt_checker *c, LLVMBasicBlockRef *chain) {
    unsigned count = LLVMCountBasicBlocks(c->entry);
    if (count != 4) {
        qt_checker_add(c, QT_QIR_RULE_BASE_BLOCKS, "it has %u", count);
        return false;
    }
    LLVMBasicBlockRef block = LLVMGetEntryBasicBlock(c->entry);
    for (unsigned i = 0; i < 4; i++) {
        chain[i] = block;
        LLVMValueRef end = LLVMGetBasicBlockTerminator(block);
        unsigned successors = LLVMGetNumSuccessors(end);
        if (successors != (i < 3 ? 1U : 0U)) {
            qt_checker_add(c, QT_QIR_RULE_BASE_BLOCKS, "block %u of 4 has %u successors", i + 1,
                           successors);
            return false;
        }
        block = successors > 0 ? LLVMGetSuccessor(end, 0) : NULL;
    }
    return true;
}

static void check_uses(qt_checker *c, base_state *s, LLVMValueRef call, qt_call_kind kind) {
    for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
        uint64_t id = 0;
        LLVMValueRef v = LLVMGetOperand(call, i);
        if (qt_checker_role(call, i) == QT_ARGUMENT_QUBIT && qt_llvm_pointer_id(v, &id) &&
            id < UINT64_MAX && has(&s->measured, id + 1)) {
            qt_checker_add(c, QT_QIR_RULE_BASE_QUBIT_USE, "qubit %llu", (unsigned long long)id);
        }
    }
    for (unsigned i = 0; kind == QT_CALL_IRREVERSIBLE && i < LLVMGetNumArgOperands(call); i++) {
        uint64_t id = 0;
        if (qt_checker_role(call, i) == QT_ARGUMENT_QUBIT &&
            qt_llvm_pointer_id(LLVMGetOperand(call, i), &id) && id < UINT64_MAX) {
            set(c, &s->measured, id + 1);
        }
    }
}

static void check_label_use(qt_checker *c, base_state *s, LLVMValueRef call) {
    for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
        const char *text = NULL;
        size_t len = 0;
        if (qt_checker_role(call, i) != QT_ARGUMENT_LABEL ||
            !qt_llvm_label(LLVMGetOperand(call, i), &text, &len)) {
            continue;
        }
        uint64_t hash = hash_of(text, len);
        if (has(&s->labels, hash)) {
            qt_checker_add(c, QT_QIR_RULE_LABEL_UNIQUE, "\"%.*s\" was used before", (int)len, text);
        }
        set(c, &s->labels, hash);
    }
}

/* What does not belong into block `place` (0 to 3) of the chain. */
static void check_place(qt_checker *c, unsigned place, qt_call_kind kind) {
    static const struct {
        qt_call_kind kind;
        qt_qir_rule rule;
    } belongs[] = {{QT_CALL_INITIALIZE, QT_QIR_RULE_BASE_INITIALIZE},
                   {QT_CALL_GATE, QT_QIR_RULE_BASE_GATES},
                   {QT_CALL_IRREVERSIBLE, QT_QIR_RULE_BASE_MEASUREMENTS},
                   {QT_CALL_RECORD, QT_QIR_RULE_BASE_OUTPUT}};
    if (kind != belongs[place].kind && kind != QT_CALL_IGNORED) {
        qt_checker_add(c, belongs[place].rule, "this call stands in the wrong block");
    }
}

static void check_end(qt_checker *c, LLVMValueRef end) {
    LLVMOpcode op = LLVMGetInstructionOpcode(end);
    if (op == LLVMRet) {
        LLVMValueRef code = LLVMGetNumOperands(end) > 0 ? LLVMGetOperand(end, 0) : NULL;
        if (code != NULL && !(LLVMIsConstant(code) && LLVMIsNull(code))) {
            qt_checker_add(c, QT_QIR_RULE_BASE_EXIT_CODE, "it returns something else");
        }
    } else if (op != LLVMBr || LLVMGetNumSuccessors(end) != 1) {
        qt_checker_add(c, QT_QIR_RULE_BASE_INSTRUCTION, "it branches");
    }
}

/* place: of the block in the chain, or 4 when there is no chain. */
static void check_block(qt_checker *c, base_state *s, LLVMBasicBlockRef block, unsigned place) {
    unsigned initializations = 0;
    c->block = block;
    for (LLVMValueRef v = LLVMGetFirstInstruction(block); v != NULL;
         v = LLVMGetNextInstruction(v)) {
        c->instruction = v;
        if (LLVMIsATerminatorInst(v) != NULL) {
            check_end(c, v);
            continue;
        }
        if (LLVMGetInstructionOpcode(v) != LLVMCall) {
            qt_checker_add(c, QT_QIR_RULE_BASE_INSTRUCTION, "it is none of these");
            continue;
        }
        qt_call_kind kind = qt_checker_call_kind(v);
        initializations += kind == QT_CALL_INITIALIZE;
        qt_checker_call(c, v);
        check_uses(c, s, v, kind);
        check_label_use(c, s, v);
        if (place < 4) {
            check_place(c, place, kind);
        }
    }
    c->instruction = NULL;
    if (place == 0 && initializations == 0) {
        qt_checker_add(c, QT_QIR_RULE_BASE_INITIALIZE, "the call is missing");
    }
    c->block = NULL;
}

static void check_entry(qt_checker *c) {
    base_state s = {.measured = {0}};
    LLVMBasicBlockRef chain[4];
    c->function = c->entry;
    if (find_chain(c, chain)) {
        for (c->block_number = 0; c->block_number < 4; c->block_number++) {
            check_block(c, &s, chain[c->block_number], c->block_number);
        }
    } else {
        c->block_number = 0;
        for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(c->entry); b != NULL;
             b = LLVMGetNextBasicBlock(b), c->block_number++) {
            check_block(c, &s, b, 4);
        }
    }
    qt_ptrmap_done(&s.measured);
    qt_ptrmap_done(&s.labels);
}

void qt_checker_base(qt_checker *c) {
    for (LLVMValueRef f = LLVMGetFirstFunction(c->module->module); f != NULL;
         f = LLVMGetNextFunction(f)) {
        if (!LLVMIsDeclaration(f) && f != c->entry && c->entry != NULL) {
            c->function = f;
            qt_checker_add(c, QT_QIR_RULE_BASE_ONE_FUNCTION, "this one is defined too");
        }
    }
    c->function = NULL;
    if (c->entry != NULL) {
        check_entry(c);
    }
}
