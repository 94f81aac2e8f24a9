/* What the operands of instructions stand for in one call of a function. */
#include "qir/reader.h"

#include <stdlib.h>

void qt_frame_done(qt_frame *f) {
    qt_ptrmap_done(&f->values);
    free(f->syms);
    *f = (qt_frame){0};
}

qt_code qt_frame_set(qt_frame *f, LLVMValueRef v, qt_sym sym, qt_err *err) {
    uint32_t index = qt_ptrmap_get(&f->values, v);
    if (index == QT_PTRMAP_NONE) {
        QT_TRY(qt_reader_grow(&f->syms, &f->sym_cap, f->sym_count + 1, sizeof *f->syms, err));
        index = (uint32_t)f->sym_count++;
        QT_TRY(qt_ptrmap_set(&f->values, v, index, err));
    }
    f->syms[index] = sym;
    return QT_OK;
}

static qt_code get_integer(qt_reader *r, LLVMValueRef v, qt_sym *ret_sym, qt_err *err) {
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(v));
    if (width > 64) {
        return qt_reader_refuse(r, err, "an integer of %u bits", width);
    }
    *ret_sym = qt_sym_int(width, LLVMConstIntGetZExtValue(v));
    return QT_OK;
}

static qt_code get_constant_pointer(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym,
                                    qt_err *err) {
    uint64_t id = 0;
    if (qt_llvm_pointer_id(v, &id)) {
        *ret_sym = (qt_sym){.kind = QT_SYM_ID, .i = id};
        return QT_OK;
    }
    if (LLVMIsAGlobalVariable(v) != NULL) {
        *ret_sym = (qt_sym){.kind = QT_SYM_GLOBAL, .global = v};
        return QT_OK;
    }
    bool is_expr = LLVMIsAConstantExpr(v) != NULL;
    if (is_expr && LLVMGetConstOpcode(v) == LLVMBitCast) {
        return get_constant_pointer(r, f, LLVMGetOperand(v, 0), ret_sym, err);
    }
    if (is_expr && LLVMGetConstOpcode(v) == LLVMGetElementPtr) {
        return qt_reader_gep(r, f, v, ret_sym, err);
    }
    return qt_reader_refuse(r, err, "a constant pointer that is no qubit, result or global");
}

static qt_code get_constant(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym,
                            qt_err *err) {
    LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(v));
    if (LLVMIsUndef(v)) { /* poison too: any value will do */
        *ret_sym = kind == LLVMIntegerTypeKind  ? qt_sym_int(LLVMGetIntTypeWidth(LLVMTypeOf(v)), 0)
                   : kind == LLVMDoubleTypeKind ? qt_sym_float(0)
                                                : (qt_sym){.kind = QT_SYM_NONE};
        return QT_OK;
    }
    if (LLVMIsAConstantInt(v) != NULL) {
        return get_integer(r, v, ret_sym, err);
    }
    if (LLVMIsAConstantFP(v) != NULL) {
        LLVMBool loses = 0;
        *ret_sym = qt_sym_float(LLVMConstRealGetDouble(v, &loses));
        return QT_OK;
    }
    if (kind == LLVMPointerTypeKind) {
        return get_constant_pointer(r, f, v, ret_sym, err);
    }
    if (kind == LLVMArrayTypeKind || kind == LLVMStructTypeKind) {
        return qt_reader_constant_aggregate(r, f, v, ret_sym, err);
    }
    return qt_reader_refuse(r, err, "a constant of a kind that is not supported");
}

qt_code qt_frame_get(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym *ret_sym, qt_err *err) {
    if (LLVMIsConstant(v)) {
        return get_constant(r, f, v, ret_sym, err);
    }
    uint32_t index = qt_ptrmap_get(&f->values, v);
    if (index == QT_PTRMAP_NONE) {
        return qt_reader_refuse(r, err, "an operand that has no value here");
    }
    *ret_sym = f->syms[index];
    return QT_OK;
}

qt_code qt_frame_get_known(qt_reader *r, qt_frame *f, LLVMValueRef v, const char *what,
                           uint64_t *ret_i, qt_err *err) {
    qt_sym sym = {0};
    QT_TRY(qt_frame_get(r, f, v, &sym, err));
    if (sym.kind != QT_SYM_INT) {
        return qt_reader_refuse(r, err, "%s depends on a measurement", what);
    }
    *ret_i = sym.i;
    return QT_OK;
}
