/* alloca, load, store, getelementptr and aggregates. Memory is counted in slots: one for each
 * scalar. A slot that is stored to under a branch on a measurement lives in a variable of the
 * circuit from then on. */
#include "qir/reader.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SLOTS = 1 << 20, MAX_TYPE_DEPTH = 64 };

static qt_code count_slots(qt_reader *r, LLVMTypeRef type, unsigned depth, uint64_t *ret_count,
                           qt_err *err) {
    uint64_t count = 0;
    uint64_t inner = 0;
    if (depth > MAX_TYPE_DEPTH) {
        return qt_reader_refuse(r, err, "a type that is nested too deep");
    }
    switch ((int)LLVMGetTypeKind(type)) {
    case LLVMIntegerTypeKind:
    case LLVMHalfTypeKind:
    case LLVMFloatTypeKind:
    case LLVMDoubleTypeKind:
    case LLVMPointerTypeKind:
        count = 1;
        break;
    case LLVMArrayTypeKind:
        QT_TRY(count_slots(r, LLVMGetElementType(type), depth + 1, &inner, err));
        count = LLVMGetArrayLength(type);
        count = inner > 0 && count > MAX_SLOTS / inner ? MAX_SLOTS + 1ULL : count * inner;
        break;
    case LLVMStructTypeKind:
        for (unsigned i = 0; i < LLVMCountStructElementTypes(type) && count <= MAX_SLOTS; i++) {
            LLVMTypeRef element = LLVMStructGetTypeAtIndex(type, i);
            QT_TRY(count_slots(r, element, depth + 1, &inner, err));
            count += inner;
        }
        break;
    default:
        return qt_reader_refuse(r, err, "memory of a type that is not supported");
    }
    if (count > MAX_SLOTS) {
        return qt_reader_refuse(r, err, "memory of more than %d values", MAX_SLOTS);
    }
    *ret_count = count;
    return QT_OK;
}

static unsigned scalar_bytes(LLVMTypeRef type) {
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    if (kind == LLVMArrayTypeKind) {
        return scalar_bytes(LLVMGetElementType(type));
    }
    unsigned bits = kind == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type)
                    : kind == LLVMFloatTypeKind ? 32
                    : kind == LLVMHalfTypeKind  ? 16
                                                : 64;
    return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

qt_code qt_reader_new_object(qt_reader *r, uint64_t count, LLVMValueRef origin,
                             uint32_t *ret_object, qt_err *err) {
    if (count > MAX_SLOTS) {
        return qt_reader_refuse(r, err, "memory of more than %d values", MAX_SLOTS);
    }
    r->steps += (size_t)count;
    QT_TRY(qt_reader_step(r, err));
    QT_TRY(
        qt_reader_grow(&r->objects, &r->object_cap, r->object_count + 1, sizeof *r->objects, err));
    qt_sym_object *o = &r->objects[r->object_count];
    *o = (qt_sym_object){
        .count = (size_t)count, .origin = origin, .slot_bytes = 8, .made_at = r->nesting};
    *ret_object = (uint32_t)r->object_count++;
    void *mem = NULL;
    QT_TRY(qt_try_calloc((size_t)count + 1, sizeof *o->slots, &mem, err));
    o->slots = mem;
    QT_TRY(qt_try_malloc(((size_t)count + 1) * sizeof *o->variables, &mem, err));
    o->variables = mem;
    memset(o->variables, 0xFF, ((size_t)count + 1) * sizeof *o->variables);
    return QT_OK;
}

static qt_code make_alloca(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    uint64_t times = 0;
    uint64_t slots = 0;
    uint32_t object = 0;
    LLVMTypeRef type = LLVMGetAllocatedType(v);
    QT_TRY(qt_frame_get_known(r, f, LLVMGetOperand(v, 0), "the size of an alloca", &times, err));
    QT_TRY(count_slots(r, type, 0, &slots, err));
    if (times > MAX_SLOTS) {
        return qt_reader_refuse(r, err, "memory of more than %d values", MAX_SLOTS);
    }
    QT_TRY(qt_reader_new_object(r, slots * times, v, &object, err));
    r->objects[object].slot_bytes = scalar_bytes(type);
    return qt_frame_set(f, v, (qt_sym){.kind = QT_SYM_MEMORY, .index = object}, err);
}

/* Slots before element `index` of a type; *type becomes the element's. */
static qt_code step_into(qt_reader *r, LLVMTypeRef *type, uint64_t index, uint64_t *offset,
                         qt_err *err) {
    uint64_t slots = 0;
    if (LLVMGetTypeKind(*type) == LLVMArrayTypeKind) {
        *type = LLVMGetElementType(*type);
        QT_TRY(count_slots(r, *type, 0, &slots, err));
        *offset += index * slots;
        return QT_OK;
    }
    if (LLVMGetTypeKind(*type) != LLVMStructTypeKind ||
        index >= LLVMCountStructElementTypes(*type)) {
        return qt_reader_refuse(r, err, "an index into a type that has no elements");
    }
    for (unsigned i = 0; i < index; i++) {
        QT_TRY(count_slots(r, LLVMStructGetTypeAtIndex(*type, i), 0, &slots, err));
        *offset += slots;
    }
    *type = LLVMStructGetTypeAtIndex(*type, (unsigned)index);
    return QT_OK;
}

static bool is_byte(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 8;
}

qt_code qt_reader_gep(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym, qt_err *err) {
    qt_sym base = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &base, err));
    if (base.kind != QT_SYM_MEMORY && base.kind != QT_SYM_GLOBAL) {
        return qt_reader_refuse(r, err, "an address inside of something that is no memory");
    }
    LLVMTypeRef type = LLVMGetGEPSourceElementType(v);
    uint64_t offset = 0;
    for (int i = 1; i < LLVMGetNumOperands(v); i++) {
        uint64_t index = 0;
        LLVMValueRef operand = LLVMGetOperand(v, (unsigned)i);
        QT_TRY(qt_frame_get_known(r, f, operand, "an index", &index, err));
        if (i > 1) {
            QT_TRY(step_into(r, &type, index, &offset, err));
            continue;
        }
        uint64_t slots = 0;
        QT_TRY(count_slots(r, type, 0, &slots, err));
        bool bytes = is_byte(type) && base.kind == QT_SYM_MEMORY;
        offset = bytes ? index / r->objects[base.index].slot_bytes : index * slots;
    }
    if (base.kind == QT_SYM_GLOBAL) {
        base.index += (uint32_t)offset;
    } else {
        base.i += offset;
    }
    *ret_sym = base;
    return QT_OK;
}

static qt_code find_slot(qt_reader *r, qt_sym pointer, qt_sym_object **ret_object, qt_err *err) {
    if (pointer.kind != QT_SYM_MEMORY) {
        return qt_reader_refuse(r, err, "memory at an address that is not known");
    }
    qt_sym_object *o = &r->objects[pointer.index];
    if (pointer.i >= o->count) {
        return qt_reader_refuse(r, err, "memory outside of what was allocated");
    }
    *ret_object = o;
    return QT_OK;
}

qt_code qt_reader_load(qt_reader *r, qt_sym pointer, qt_sym *ret_sym, qt_err *err) {
    qt_sym_object *o = NULL;
    QT_TRY(find_slot(r, pointer, &o, err));
    qt_sym v = o->slots[pointer.i];
    uint32_t variable = o->variables[pointer.i];
    if (v.kind == QT_SYM_NONE) {
        return qt_reader_refuse(r, err, "memory that nothing was stored to");
    }
    if (variable == QT_NO_INDEX) {
        *ret_sym = v;
        return QT_OK;
    }
    QT_TRY(qt_sym_of_variable(r, v, variable, &v, err));
    return qt_sym_copy(r, v, ret_sym, err);
}

/* Under a branch that the memory is older than. */
static qt_code store_guarded(qt_reader *r, qt_sym pointer, qt_sym v, qt_err *err) {
    qt_sym_object *o = &r->objects[pointer.index];
    qt_sym old = o->slots[pointer.i];
    bool is_number = qt_sym_is_number(v);
    if (o->variables[pointer.i] == QT_NO_INDEX) {
        if (old.kind == v.kind && qt_sym_same(old, v)) {
            return QT_OK;
        }
        if (old.kind != QT_SYM_NONE) {
            return qt_reader_refuse(r, err, "memory whose content depends on a measurement");
        }
        o->slots[pointer.i] = v;
        if (!is_number) {
            return QT_OK;
        }
        uint32_t variable = 0;
        QT_TRY(qt_sym_new_variable(r, v, &variable, err));
        r->objects[pointer.index].variables[pointer.i] = variable;
    } else if (!is_number) {
        return qt_reader_refuse(r, err, "memory whose content depends on a measurement");
    }
    return qt_sym_assign(r, r->objects[pointer.index].variables[pointer.i], v, err);
}

qt_code qt_reader_store(qt_reader *r, qt_sym pointer, qt_sym v, qt_err *err) {
    qt_sym_object *o = NULL;
    QT_TRY(find_slot(r, pointer, &o, err));
    if (r->nesting > o->made_at) {
        return store_guarded(r, pointer, v, err);
    }
    o->slots[pointer.i] = v;
    o->variables[pointer.i] = QT_NO_INDEX;
    return QT_OK;
}

static bool is_aggregate(LLVMTypeRef type) {
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    return kind == LLVMArrayTypeKind || kind == LLVMStructTypeKind;
}

static qt_code new_aggregate(qt_reader *r, LLVMTypeRef type, qt_sym *ret_sym, qt_err *err) {
    uint64_t count = 0;
    QT_TRY(count_slots(r, type, 0, &count, err));
    uint32_t object = 0;
    QT_TRY(qt_reader_new_object(r, count, NULL, &object, err));
    *ret_sym = (qt_sym){.kind = QT_SYM_AGGREGATE, .index = object};
    return QT_OK;
}

static qt_code load_aggregate(qt_reader *r, LLVMTypeRef type, qt_sym from, qt_sym *ret_sym,
                              qt_err *err) {
    qt_sym whole = {0};
    QT_TRY(new_aggregate(r, type, &whole, err));
    for (size_t i = 0; i < r->objects[whole.index].count; i++, from.i++) {
        qt_sym v = {0};
        QT_TRY(qt_reader_load(r, from, &v, err));
        r->objects[whole.index].slots[i] = v;
    }
    *ret_sym = whole;
    return QT_OK;
}

static qt_code store_aggregate(qt_reader *r, qt_sym to, qt_sym whole, qt_err *err) {
    for (size_t i = 0; i < r->objects[whole.index].count; i++, to.i++) {
        QT_TRY(qt_reader_store(r, to, r->objects[whole.index].slots[i], err));
    }
    return QT_OK;
}

static qt_code load_global(qt_reader *r, qt_frame *f, qt_sym pointer, qt_sym *ret_sym,
                           qt_err *err) {
    LLVMValueRef value = LLVMGetInitializer(pointer.global);
    if (value == NULL || !LLVMIsGlobalConstant(pointer.global)) {
        return qt_reader_refuse(r, err, "a global variable that is not constant");
    }
    qt_sym v = {0};
    QT_TRY(qt_frame_get(r, f, value, &v, err));
    if (v.kind == QT_SYM_AGGREGATE) {
        v.kind = QT_SYM_MEMORY;
        v.i = pointer.index;
        return qt_reader_load(r, v, ret_sym, err);
    }
    *ret_sym = v;
    return QT_OK;
}

static qt_code do_load(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym pointer = {0};
    qt_sym value = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &pointer, err));
    if (pointer.kind == QT_SYM_GLOBAL) {
        QT_TRY(load_global(r, f, pointer, &value, err));
    } else if (is_aggregate(LLVMTypeOf(v))) {
        QT_TRY(load_aggregate(r, LLVMTypeOf(v), pointer, &value, err));
    } else {
        QT_TRY(qt_reader_load(r, pointer, &value, err));
    }
    return qt_frame_set(f, v, value, err);
}

static qt_code do_store(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym value = {0};
    qt_sym pointer = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &value, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 1), &pointer, err));
    if (value.kind == QT_SYM_AGGREGATE) {
        return store_aggregate(r, pointer, value, err);
    }
    return qt_reader_store(r, pointer, value, err);
}

/* The slots that the indices of extractvalue and insertvalue lead to. */
static qt_code element_at(qt_reader *r, LLVMValueRef v, LLVMTypeRef *type, uint64_t *ret_offset,
                          qt_err *err) {
    *ret_offset = 0;
    const unsigned *indices = LLVMGetIndices(v);
    for (unsigned i = 0; i < LLVMGetNumIndices(v); i++) {
        QT_TRY(step_into(r, type, indices[i], ret_offset, err));
    }
    return QT_OK;
}

static qt_code extract(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym whole = {0};
    uint64_t offset = 0;
    LLVMTypeRef type = LLVMTypeOf(LLVMGetOperand(v, 0));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &whole, err));
    QT_TRY(element_at(r, v, &type, &offset, err));
    if (whole.kind != QT_SYM_AGGREGATE) {
        return qt_reader_refuse(r, err, "an element of an undefined value");
    }
    qt_sym part = {.kind = QT_SYM_MEMORY, .index = whole.index, .i = offset};
    if (is_aggregate(type)) {
        QT_TRY(load_aggregate(r, type, part, &part, err));
    } else {
        QT_TRY(qt_reader_load(r, part, &part, err));
    }
    return qt_frame_set(f, v, part, err);
}

static qt_code insert(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym whole = {0};
    qt_sym part = {0};
    qt_sym fresh = {0};
    uint64_t offset = 0;
    LLVMTypeRef type = LLVMTypeOf(v);
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &whole, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 1), &part, err));
    QT_TRY(new_aggregate(r, type, &fresh, err));
    QT_TRY(element_at(r, v, &type, &offset, err));
    qt_sym_object *o = &r->objects[fresh.index];
    if (whole.kind == QT_SYM_AGGREGATE) {
        memcpy(o->slots, r->objects[whole.index].slots, o->count * sizeof *o->slots);
    }
    size_t count = part.kind == QT_SYM_AGGREGATE ? r->objects[part.index].count : 1;
    if (offset + count > o->count) {
        return qt_reader_refuse(r, err, "an index outside of a value");
    }
    const qt_sym *from = part.kind == QT_SYM_AGGREGATE ? r->objects[part.index].slots : &part;
    memcpy(o->slots + offset, from, count * sizeof *from);
    return qt_frame_set(f, v, fresh, err);
}

static qt_code fill_from_constant(qt_reader *r, qt_frame *f, LLVMValueRef v, uint32_t object,
                                  size_t *at, qt_err *err) {
    LLVMTypeRef type = LLVMTypeOf(v);
    if (!is_aggregate(type)) {
        qt_sym part = {0};
        QT_TRY(qt_frame_get(r, f, v, &part, err));
        r->objects[object].slots[(*at)++] = part;
        return QT_OK;
    }
    unsigned count = LLVMGetTypeKind(type) == LLVMArrayTypeKind ? LLVMGetArrayLength(type)
                                                                : LLVMCountStructElementTypes(type);
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef element = LLVMGetAggregateElement(v, i);
        if (element == NULL) {
            return qt_reader_refuse(r, err, "a constant of a kind that is not supported");
        }
        QT_TRY(fill_from_constant(r, f, element, object, at, err));
    }
    return QT_OK;
}

qt_code qt_reader_constant_aggregate(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym,
                                     qt_err *err) {
    qt_sym whole = {0};
    QT_TRY(new_aggregate(r, LLVMTypeOf(v), &whole, err));
    size_t at = 0;
    QT_TRY(fill_from_constant(r, f, v, whole.index, &at, err));
    *ret_sym = whole;
    return QT_OK;
}

qt_code qt_reader_memory(qt_reader *r, qt_frame *f, LLVMValueRef v, bool *ret_done, qt_err *err) {
    *ret_done = true;
    qt_sym pointer = {0};
    switch ((int)LLVMGetInstructionOpcode(v)) {
    case LLVMAlloca:
        return make_alloca(r, f, v, err);
    case LLVMGetElementPtr:
        QT_TRY(qt_reader_gep(r, f, v, &pointer, err));
        return qt_frame_set(f, v, pointer, err);
    case LLVMLoad:
        return do_load(r, f, v, err);
    case LLVMStore:
        return do_store(r, f, v, err);
    case LLVMExtractValue:
        return extract(r, f, v, err);
    case LLVMInsertValue:
        return insert(r, f, v, err);
    default:
        *ret_done = false;
        return QT_OK;
    }
}

/* Spilling. */

/* The alloca that an address is computed from, or NULL when that is not plain. */
static LLVMValueRef alloca_of(LLVMValueRef pointer) {
    while (LLVMIsAInstruction(pointer) != NULL &&
           (LLVMGetInstructionOpcode(pointer) == LLVMGetElementPtr ||
            LLVMGetInstructionOpcode(pointer) == LLVMBitCast)) {
        pointer = LLVMGetOperand(pointer, 0);
    }
    return LLVMIsAAllocaInst(pointer);
}

static qt_code spill_object(qt_reader *r, size_t object, qt_err *err) {
    for (size_t i = 0; i < r->objects[object].count; i++) {
        qt_sym v = r->objects[object].slots[i];
        if (r->objects[object].variables[i] != QT_NO_INDEX || !qt_sym_is_number(v)) {
            continue;
        }
        uint32_t variable = 0;
        QT_TRY(qt_sym_new_variable(r, v, &variable, err));
        QT_TRY(qt_sym_assign(r, variable, v, err));
        r->objects[object].variables[i] = variable;
    }
    return QT_OK;
}

/* origin NULL: all that an alloca made. */
static qt_code spill_origin(qt_reader *r, LLVMValueRef origin, qt_err *err) {
    for (size_t i = 0; i < r->object_count; i++) {
        QT_TRY(qt_reader_step(r, err));
        LLVMValueRef made_by = r->objects[i].origin;
        if (made_by != NULL && (origin == NULL || made_by == origin)) {
            QT_TRY(spill_object(r, i, err));
        }
    }
    return QT_OK;
}

static qt_code spill_block(qt_reader *r, LLVMBasicBlockRef block, qt_err *err) {
    for (LLVMValueRef v = LLVMGetFirstInstruction(block); v != NULL;
         v = LLVMGetNextInstruction(v)) {
        QT_TRY(qt_reader_step(r, err));
        LLVMOpcode op = LLVMGetInstructionOpcode(v);
        if (op == LLVMStore) {
            QT_TRY(spill_origin(r, alloca_of(LLVMGetOperand(v, 1)), err));
        } else if (op == LLVMCall && qt_llvm_called(v) != NULL &&
                   !LLVMIsDeclaration(qt_llvm_called(v))) {
            QT_TRY(spill_origin(r, NULL, err));
        }
    }
    return QT_OK;
}

qt_code qt_reader_spill(qt_reader *r, qt_frame *f, uint32_t begin, uint32_t end, qt_err *err) {
    const qt_cfg *cfg = &f->info->cfg;
    if (r->object_count == 0) {
        return QT_OK;
    }
    void *mem = NULL;
    QT_TRY(qt_try_calloc((size_t)cfg->block_count + 1, sizeof(bool), &mem, err));
    QT_AUTO_FREE bool *seen = mem;
    QT_TRY(qt_try_calloc((size_t)cfg->block_count + 1, sizeof(uint32_t), &mem, err));
    QT_AUTO_FREE uint32_t *stack = mem;
    uint32_t depth = 1;
    stack[0] = begin;
    seen[begin] = true;
    while (depth > 0) {
        uint32_t block = stack[--depth];
        QT_TRY(spill_block(r, cfg->blocks[block], err));
        for (uint32_t k = cfg->first_successor[block]; k < cfg->first_successor[block + 1]; k++) {
            uint32_t to = cfg->successors[k];
            if (to != end && !seen[to]) {
                seen[to] = true;
                stack[depth++] = to;
            }
        }
    }
    return QT_OK;
}
