/* Casts between numbers, and floating-point instructions. */
#include "qir/arith.h"

#include <math.h>

qt_code qt_arith_int_width(qt_reader *r, LLVMValueRef v, unsigned *ret_width, qt_err *err) {
    LLVMTypeRef type = LLVMTypeOf(v);
    unsigned width = LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 65;
    if (width > 64) {
        return qt_reader_refuse(r, err, "a type other than integers of up to 64 bits");
    }
    *ret_width = width;
    return QT_OK;
}

static qt_code widen_symbol(qt_reader *r, qt_sym a, bool is_signed, unsigned width,
                            uint32_t *ret_expr, qt_err *err) {
    if (is_signed) {
        QT_TRY(qt_arith_signed_expr(r, a, ret_expr, err));
        QT_TRY(qt_sym_cast(r, QT_TYPE_INT, width, *ret_expr, ret_expr, err));
    } else {
        QT_TRY(qt_sym_expr(r, a, ret_expr, err));
    }
    return qt_sym_cast(r, QT_TYPE_UINT, width, *ret_expr, ret_expr, err);
}

static qt_code cut_symbol(qt_reader *r, qt_sym a, unsigned width, uint32_t *ret_expr, qt_err *err) {
    uint32_t x = 0;
    QT_TRY(qt_sym_expr(r, a, &x, err));
    if (width > 1) {
        return qt_sym_cast(r, QT_TYPE_UINT, width, x, ret_expr, err);
    }
    uint32_t one = 0;
    QT_TRY(qt_sym_expr(r, qt_sym_int(a.width, 1), &one, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_BIT_AND, QT_TYPE_UINT, a.width, x, one, &x, err));
    return qt_sym_binary(r, QT_OPERATOR_EQ, QT_TYPE_BOOL, 1, x, one, ret_expr, err);
}

qt_code qt_arith_resize(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    unsigned width = 0;
    qt_sym a = {0};
    QT_TRY(qt_arith_int_width(r, v, &width, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &a, err));
    if (a.kind == QT_SYM_INT) {
        uint64_t i = op == LLVMSExt ? (uint64_t)qt_arith_signed(a) : a.i;
        return qt_frame_set(f, v, qt_sym_int(width, i), err);
    }
    if (a.kind != QT_SYM_EXPR) {
        return qt_reader_refuse(r, err, "a cast of something that is no integer");
    }
    uint32_t x = 0;
    if (op == LLVMTrunc) {
        QT_TRY(cut_symbol(r, a, width, &x, err));
    } else {
        QT_TRY(widen_symbol(r, a, op == LLVMSExt, width, &x, err));
    }
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, width, false, a.depth + 3U, &result, err));
    return qt_frame_set(f, v, result, err);
}

qt_code qt_arith_to_float(qt_reader *r, qt_frame *f, LLVMValueRef v, bool is_signed, qt_err *err) {
    qt_sym a = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &a, err));
    if (a.kind == QT_SYM_INT) {
        double value = is_signed ? (double)qt_arith_signed(a) : (double)a.i;
        return qt_frame_set(f, v, qt_sym_float(value), err);
    }
    uint32_t x = 0;
    if (is_signed) {
        QT_TRY(qt_arith_signed_expr(r, a, &x, err));
    } else {
        QT_TRY(qt_sym_expr(r, a, &x, err));
        QT_TRY(qt_sym_cast(r, QT_TYPE_UINT, a.width == 1 ? 2 : a.width, x, &x, err));
    }
    QT_TRY(qt_sym_cast(r, QT_TYPE_FLOAT, 64, x, &x, err));
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, 64, true, a.depth + 3U, &result, err));
    return qt_frame_set(f, v, result, err);
}

qt_code qt_arith_from_float(qt_reader *r, qt_frame *f, LLVMValueRef v, bool is_signed,
                            qt_err *err) {
    unsigned width = 0;
    qt_sym a = {0};
    QT_TRY(qt_arith_int_width(r, v, &width, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &a, err));
    if (a.kind == QT_SYM_FLOAT) {
        if (!(fabs(a.f) < 9.2e18)) {
            return qt_reader_refuse(r, err, "a float that fits no integer");
        }
        uint64_t i = is_signed || a.f < 0 ? (uint64_t)(int64_t)a.f : (uint64_t)a.f;
        return qt_frame_set(f, v, qt_sym_int(width, i), err);
    }
    uint32_t x = 0;
    QT_TRY(qt_sym_expr(r, a, &x, err));
    if (is_signed) {
        QT_TRY(qt_sym_cast(r, QT_TYPE_INT, width == 1 ? 2 : width, x, &x, err));
    }
    QT_TRY(qt_sym_cast(r, QT_TYPE_UINT, width == 1 ? 2 : width, x, &x, err));
    qt_sym wide = {.kind = QT_SYM_EXPR, .width = width == 1 ? 2 : (uint8_t)width, .index = x};
    if (width == 1) {
        QT_TRY(cut_symbol(r, wide, 1, &x, err));
    }
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, width, false, a.depth + 4U, &result, err));
    return qt_frame_set(f, v, result, err);
}

/* Floats. Single and half precision are computed in double precision. */

static double fold_float(LLVMOpcode op, double a, double b) {
    switch ((int)op) {
    case LLVMFAdd:
        return a + b;
    case LLVMFSub:
        return a - b;
    case LLVMFMul:
        return a * b;
    case LLVMFDiv:
        return a / b;
    default:
        return fmod(a, b);
    }
}

static qt_operator float_operator(LLVMOpcode op) {
    switch ((int)op) {
    case LLVMFAdd:
        return QT_OPERATOR_ADD;
    case LLVMFSub:
        return QT_OPERATOR_SUB;
    case LLVMFMul:
        return QT_OPERATOR_MUL;
    default:
        return QT_OPERATOR_DIV;
    }
}

qt_code qt_arith_float(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    qt_arith_operands o = {0};
    QT_TRY(qt_arith_operands_of(r, f, v, &o, err));
    if (o.a.kind == QT_SYM_FLOAT && o.b.kind == QT_SYM_FLOAT) {
        return qt_frame_set(f, v, qt_sym_float(fold_float(op, o.a.f, o.b.f)), err);
    }
    if (op == LLVMFRem) {
        return qt_reader_refuse(r, err, "frem on values that depend on a measurement");
    }
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t x = 0;
    QT_TRY(qt_sym_expr(r, o.a, &a, err));
    QT_TRY(qt_sym_expr(r, o.b, &b, err));
    QT_TRY(qt_sym_binary(r, float_operator(op), QT_TYPE_FLOAT, 64, a, b, &x, err));
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, 64, true, o.depth, &result, err));
    return qt_frame_set(f, v, result, err);
}

qt_code qt_arith_negate(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym a = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &a, err));
    if (a.kind == QT_SYM_FLOAT) {
        return qt_frame_set(f, v, qt_sym_float(-a.f), err);
    }
    uint32_t x = 0;
    QT_TRY(qt_sym_expr(r, a, &x, err));
    QT_TRY(qt_sym_unary(r, QT_OPERATOR_NEG, QT_TYPE_FLOAT, 64, x, &x, err));
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, 64, true, a.depth + 1U, &result, err));
    return qt_frame_set(f, v, result, err);
}

/* Ordered and unordered predicates agree but on NaN, which QIR does not have; which of less,
 * equal and greater make it true is in the low three bits of LLVM's number. */
qt_code qt_arith_compare_floats(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    static const qt_operator by_bits[8] = {
        [1] = QT_OPERATOR_EQ, [2] = QT_OPERATOR_GT, [3] = QT_OPERATOR_GE,
        [4] = QT_OPERATOR_LT, [5] = QT_OPERATOR_LE, [6] = QT_OPERATOR_NE};
    unsigned bits = (unsigned)LLVMGetFCmpPredicate(v) & 7U;
    qt_arith_operands o = {0};
    QT_TRY(qt_arith_operands_of(r, f, v, &o, err));
    if (o.a.kind == QT_SYM_FLOAT && o.b.kind == QT_SYM_FLOAT) {
        unsigned is = o.a.f == o.b.f ? 1U : o.a.f > o.b.f ? 2U : 4U;
        return qt_frame_set(f, v, qt_sym_int(1, (bits & is) != 0), err);
    }
    if (bits == 0 || bits == 7) {
        return qt_frame_set(f, v, qt_sym_int(1, bits == 7), err);
    }
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t x = 0;
    QT_TRY(qt_sym_expr(r, o.a, &a, err));
    QT_TRY(qt_sym_expr(r, o.b, &b, err));
    QT_TRY(qt_sym_binary(r, by_bits[bits], QT_TYPE_BOOL, 1, a, b, &x, err));
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, 1, false, o.depth, &result, err));
    return qt_frame_set(f, v, result, err);
}
