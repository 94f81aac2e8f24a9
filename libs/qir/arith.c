/* Integer and floating-point instructions: computed when the operands are known, built as
 * expressions otherwise. LLVM's integers have no sign, so expressions are UINT of their width
 * (BOOL for i1), cast to INT and back where an instruction is signed. */
#include "qir/arith.h"

int64_t qt_arith_signed(qt_sym v) {
    unsigned shift = 64U - v.width;
    return (int64_t)(v.i << shift) >> shift;
}

unsigned qt_arith_deeper(qt_sym a, qt_sym b) {
    return (a.depth > b.depth ? a.depth : b.depth) + 1U;
}

qt_code qt_arith_operands_of(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_arith_operands *o,
                             qt_err *err) {
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &o->a, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 1), &o->b, err));
    o->width = o->a.width;
    o->depth = qt_arith_deeper(o->a, o->b);
    if (!qt_sym_is_number(o->a) || !qt_sym_is_number(o->b)) {
        return qt_reader_refuse(r, err, "arithmetic on pointers");
    }
    return QT_OK;
}

/* Division with a known result; false for what LLVM leaves undefined. */
static bool divide(LLVMOpcode op, qt_sym a, qt_sym b, uint64_t *ret_i) {
    bool is_signed = op == LLVMSDiv || op == LLVMSRem;
    bool overflows = is_signed && qt_arith_signed(b) == -1 && qt_arith_signed(a) == INT64_MIN;
    if (b.i == 0 || overflows) {
        return false;
    }
    switch ((int)op) {
    case LLVMUDiv:
        *ret_i = a.i / b.i;
        break;
    case LLVMURem:
        *ret_i = a.i % b.i;
        break;
    case LLVMSDiv:
        *ret_i = (uint64_t)(qt_arith_signed(a) / qt_arith_signed(b));
        break;
    default:
        *ret_i = (uint64_t)(qt_arith_signed(a) % qt_arith_signed(b));
        break;
    }
    return true;
}

static bool fold_shift(LLVMOpcode op, qt_sym a, qt_sym b, uint64_t *ret_i) {
    if (b.i >= a.width) {
        return false;
    }
    *ret_i = op == LLVMShl    ? a.i << b.i
             : op == LLVMLShr ? a.i >> b.i
                              : (uint64_t)(qt_arith_signed(a) >> b.i);
    return true;
}

static bool fold_integer(LLVMOpcode op, qt_sym a, qt_sym b, uint64_t *ret_i) {
    switch ((int)op) {
    case LLVMAdd:
        *ret_i = a.i + b.i;
        return true;
    case LLVMSub:
        *ret_i = a.i - b.i;
        return true;
    case LLVMMul:
        *ret_i = a.i * b.i;
        return true;
    case LLVMAnd:
        *ret_i = a.i & b.i;
        return true;
    case LLVMOr:
        *ret_i = a.i | b.i;
        return true;
    case LLVMXor:
        *ret_i = a.i ^ b.i;
        return true;
    case LLVMShl:
    case LLVMLShr:
    case LLVMAShr:
        return fold_shift(op, a, b, ret_i);
    default:
        return divide(op, a, b, ret_i);
    }
}

/* Operators for i1, which is BOOL: and, or as they are, add, sub and xor as "differs". */
static bool bool_operator(LLVMOpcode op, qt_operator *ret_op) {
    if (op == LLVMAnd || op == LLVMMul) {
        *ret_op = QT_OPERATOR_AND;
    } else if (op == LLVMOr) {
        *ret_op = QT_OPERATOR_OR;
    } else if (op == LLVMXor || op == LLVMAdd || op == LLVMSub) {
        *ret_op = QT_OPERATOR_NE;
    } else {
        return false;
    }
    return true;
}

static qt_operator integer_operator(LLVMOpcode op) {
    switch ((int)op) {
    case LLVMAdd:
        return QT_OPERATOR_ADD;
    case LLVMSub:
        return QT_OPERATOR_SUB;
    case LLVMMul:
        return QT_OPERATOR_MUL;
    case LLVMUDiv:
    case LLVMSDiv:
        return QT_OPERATOR_DIV;
    case LLVMURem:
    case LLVMSRem:
        return QT_OPERATOR_MOD;
    case LLVMAnd:
        return QT_OPERATOR_BIT_AND;
    case LLVMOr:
        return QT_OPERATOR_BIT_OR;
    case LLVMXor:
        return QT_OPERATOR_BIT_XOR;
    case LLVMShl:
        return QT_OPERATOR_SHL;
    default:
        return QT_OPERATOR_SHR;
    }
}

static bool is_signed_op(LLVMOpcode op) {
    return op == LLVMSDiv || op == LLVMSRem || op == LLVMAShr;
}

qt_code qt_arith_signed_expr(qt_reader *r, qt_sym v, uint32_t *ret_expr, qt_err *err) {
    uint32_t x = 0;
    QT_TRY(qt_sym_expr(r, v, &x, err));
    if (v.width == 1) { /* true is -1 */
        QT_TRY(qt_sym_cast(r, QT_TYPE_INT, 2, x, &x, err));
        return qt_sym_unary(r, QT_OPERATOR_NEG, QT_TYPE_INT, 2, x, ret_expr, err);
    }
    return qt_sym_cast(r, QT_TYPE_INT, v.width, x, ret_expr, err);
}

static qt_code signed_binary(qt_reader *r, LLVMOpcode op, const qt_arith_operands *o,
                             uint32_t *ret_expr, qt_err *err) {
    uint32_t a = 0;
    uint32_t b = 0;
    QT_TRY(qt_arith_signed_expr(r, o->a, &a, err));
    if (op == LLVMAShr) {
        QT_TRY(qt_sym_expr(r, o->b, &b, err));
    } else {
        QT_TRY(qt_arith_signed_expr(r, o->b, &b, err));
    }
    QT_TRY(qt_sym_binary(r, integer_operator(op), QT_TYPE_INT, o->width, a, b, ret_expr, err));
    return qt_sym_cast(r, QT_TYPE_UINT, o->width, *ret_expr, ret_expr, err);
}

/* An arithmetic shift has no operator for INT in OpenQASM: sign ? ~(~a >> b) : a >> b. */
static qt_code arithmetic_shift(qt_reader *r, const qt_arith_operands *o, qt_sym *ret_sym,
                                qt_err *err) {
    uint32_t a = 0;
    uint32_t b = 0;
    QT_TRY(qt_sym_expr(r, o->a, &a, err));
    QT_TRY(qt_sym_expr(r, o->b, &b, err));
    uint32_t sign = 0;
    uint32_t plain = 0;
    uint32_t turned = 0;
    QT_TRY(qt_sym_expr(r, qt_sym_int(o->width, (uint64_t)1 << (o->width - 1)), &sign, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_GE, QT_TYPE_BOOL, 1, a, sign, &sign, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_SHR, QT_TYPE_UINT, o->width, a, b, &plain, err));
    QT_TRY(qt_sym_unary(r, QT_OPERATOR_BIT_NOT, QT_TYPE_UINT, o->width, a, &turned, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_SHR, QT_TYPE_UINT, o->width, turned, b, &turned, err));
    QT_TRY(qt_sym_unary(r, QT_OPERATOR_BIT_NOT, QT_TYPE_UINT, o->width, turned, &turned, err));
    qt_sym condition = {.kind = QT_SYM_EXPR, .width = 1, .depth = 2, .index = sign};
    qt_sym yes = {.kind = QT_SYM_EXPR, .width = (uint8_t)o->width, .depth = 3, .index = turned};
    qt_sym no = {.kind = QT_SYM_EXPR, .width = (uint8_t)o->width, .depth = 1, .index = plain};
    return qt_sym_select(r, condition, yes, no, ret_sym, err);
}

static qt_code integer(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    LLVMOpcode op = LLVMGetInstructionOpcode(v);
    qt_arith_operands o = {0};
    QT_TRY(qt_arith_operands_of(r, f, v, &o, err));
    if (o.a.kind == QT_SYM_INT && o.b.kind == QT_SYM_INT) {
        uint64_t i = 0;
        if (!fold_integer(op, o.a, o.b, &i)) {
            return qt_reader_refuse(r, err, "division by zero or a shift that is too wide");
        }
        return qt_frame_set(f, v, qt_sym_int(o.width, i), err);
    }
    qt_sym result = {0};
    if (op == LLVMAShr && o.width > 1) {
        QT_TRY(arithmetic_shift(r, &o, &result, err));
        return qt_frame_set(f, v, result, err);
    }
    uint32_t x = 0;
    qt_operator bool_op = QT_OPERATOR_AND;
    if (o.width > 1 && is_signed_op(op)) {
        QT_TRY(signed_binary(r, op, &o, &x, err));
    } else {
        uint32_t a = 0;
        uint32_t b = 0;
        if (o.width == 1 && !bool_operator(op, &bool_op)) {
            return qt_reader_refuse(r, err, "division or shift of i1");
        }
        QT_TRY(qt_sym_expr(r, o.a, &a, err));
        QT_TRY(qt_sym_expr(r, o.b, &b, err));
        qt_type type = o.width == 1 ? QT_TYPE_BOOL : QT_TYPE_UINT;
        qt_operator use = o.width == 1 ? bool_op : integer_operator(op);
        QT_TRY(qt_sym_binary(r, use, type, o.width, a, b, &x, err));
    }
    QT_TRY(qt_sym_from_expr(r, x, o.width, false, o.depth + 2, &result, err));
    return qt_frame_set(f, v, result, err);
}

static bool fold_compare(LLVMIntPredicate p, qt_sym a, qt_sym b) {
    int64_t x = qt_arith_signed(a);
    int64_t y = qt_arith_signed(b);
    switch (p) {
    case LLVMIntEQ:
        return a.i == b.i;
    case LLVMIntNE:
        return a.i != b.i;
    case LLVMIntUGT:
        return a.i > b.i;
    case LLVMIntUGE:
        return a.i >= b.i;
    case LLVMIntULT:
        return a.i < b.i;
    case LLVMIntULE:
        return a.i <= b.i;
    case LLVMIntSGT:
        return x > y;
    case LLVMIntSGE:
        return x >= y;
    case LLVMIntSLT:
        return x < y;
    case LLVMIntSLE:
        return x <= y;
    }
    return false;
}

static qt_operator compare_operator(LLVMIntPredicate p, bool *ret_signed) {
    *ret_signed = p >= LLVMIntSGT;
    switch (p) {
    case LLVMIntEQ:
        return QT_OPERATOR_EQ;
    case LLVMIntNE:
        return QT_OPERATOR_NE;
    case LLVMIntUGT:
    case LLVMIntSGT:
        return QT_OPERATOR_GT;
    case LLVMIntUGE:
    case LLVMIntSGE:
        return QT_OPERATOR_GE;
    case LLVMIntULT:
    case LLVMIntSLT:
        return QT_OPERATOR_LT;
    case LLVMIntULE:
    case LLVMIntSLE:
        return QT_OPERATOR_LE;
    }
    return QT_OPERATOR_EQ;
}

/* Pointers are compared for equality only. */
static qt_code compare_pointers(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_sym a, qt_sym b,
                                qt_err *err) {
    LLVMIntPredicate p = LLVMGetICmpPredicate(v);
    if (p != LLVMIntEQ && p != LLVMIntNE) {
        return qt_reader_refuse(r, err, "an order of pointers");
    }
    bool same = a.kind == b.kind && qt_sym_same(a, b);
    return qt_frame_set(f, v, qt_sym_int(1, same == (p == LLVMIntEQ)), err);
}

/* x == true is x, x != true is !x, and the like. */
static qt_code compare_bool(qt_reader *r, qt_frame *f, LLVMValueRef v, const qt_arith_operands *o,
                            qt_err *err) {
    qt_sym known = o->a.kind == QT_SYM_INT ? o->a : o->b;
    qt_sym other = o->a.kind == QT_SYM_INT ? o->b : o->a;
    bool wanted = (LLVMGetICmpPredicate(v) == LLVMIntEQ) == (known.i != 0);
    if (wanted) {
        return qt_frame_set(f, v, other, err);
    }
    uint32_t x = 0;
    QT_TRY(qt_sym_unary(r, QT_OPERATOR_NOT, QT_TYPE_BOOL, 1, other.index, &x, err));
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, 1, false, o->depth, &result, err));
    return qt_frame_set(f, v, result, err);
}

static qt_code compare(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_arith_operands o = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &o.a, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 1), &o.b, err));
    if (!qt_sym_is_number(o.a) || !qt_sym_is_number(o.b)) {
        return compare_pointers(r, f, v, o.a, o.b, err);
    }
    o.depth = qt_arith_deeper(o.a, o.b);
    LLVMIntPredicate p = LLVMGetICmpPredicate(v);
    if (o.a.kind == QT_SYM_INT && o.b.kind == QT_SYM_INT) {
        return qt_frame_set(f, v, qt_sym_int(1, fold_compare(p, o.a, o.b)), err);
    }
    bool equality = p == LLVMIntEQ || p == LLVMIntNE;
    if (o.a.width == 1 && equality && (o.a.kind == QT_SYM_INT || o.b.kind == QT_SYM_INT)) {
        return compare_bool(r, f, v, &o, err);
    }
    bool is_signed = false;
    qt_operator op = compare_operator(p, &is_signed);
    uint32_t a = 0;
    uint32_t b = 0;
    if (is_signed) {
        QT_TRY(qt_arith_signed_expr(r, o.a, &a, err));
        QT_TRY(qt_arith_signed_expr(r, o.b, &b, err));
    } else {
        QT_TRY(qt_sym_expr(r, o.a, &a, err));
        QT_TRY(qt_sym_expr(r, o.b, &b, err));
    }
    uint32_t x = 0;
    QT_TRY(qt_sym_binary(r, op, QT_TYPE_BOOL, 1, a, b, &x, err));
    qt_sym result = {0};
    QT_TRY(qt_sym_from_expr(r, x, 1, false, o.depth + 1, &result, err));
    return qt_frame_set(f, v, result, err);
}

static qt_code same(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym a = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &a, err));
    return qt_frame_set(f, v, a, err);
}

static qt_code choose(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym condition = {0};
    qt_arith_operands o = {0};
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &condition, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 1), &o.a, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 2), &o.b, err));
    qt_sym result = {0};
    QT_TRY(qt_sym_select(r, condition, o.a, o.b, &result, err));
    return qt_frame_set(f, v, result, err);
}

static qt_code id_from_integer(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    uint64_t id = 0;
    QT_TRY(qt_frame_get_known(r, f, LLVMGetOperand(v, 0), "the number of a qubit or result", &id,
                              err));
    return qt_frame_set(f, v, (qt_sym){.kind = QT_SYM_ID, .i = id}, err);
}

static qt_code integer_from_id(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err) {
    qt_sym a = {0};
    unsigned width = 0;
    QT_TRY(qt_arith_int_width(r, v, &width, err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(v, 0), &a, err));
    if (a.kind != QT_SYM_ID) {
        return qt_reader_refuse(r, err, "the address of something that is no qubit or result");
    }
    return qt_frame_set(f, v, qt_sym_int(width, a.i), err);
}

qt_code qt_reader_arith(qt_reader *r, qt_frame *f, LLVMValueRef v, bool *ret_done, qt_err *err) {
    *ret_done = true;
    LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(v));
    if (kind == LLVMVectorTypeKind || kind == LLVMScalableVectorTypeKind) {
        return qt_reader_refuse(r, err, "vectors");
    }
    switch ((int)LLVMGetInstructionOpcode(v)) {
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
        return integer(r, f, v, err);
    case LLVMICmp:
        return compare(r, f, v, err);
    case LLVMZExt:
    case LLVMSExt:
    case LLVMTrunc:
        return qt_arith_resize(r, f, v, err);
    case LLVMSelect:
        return choose(r, f, v, err);
    case LLVMFAdd:
    case LLVMFSub:
    case LLVMFMul:
    case LLVMFDiv:
    case LLVMFRem:
        return qt_arith_float(r, f, v, err);
    case LLVMFNeg:
        return qt_arith_negate(r, f, v, err);
    case LLVMFCmp:
        return qt_arith_compare_floats(r, f, v, err);
    case LLVMFPExt:
    case LLVMFPTrunc:
    case LLVMBitCast:
    case LLVMFreeze:
        return same(r, f, v, err);
    case LLVMSIToFP:
    case LLVMUIToFP:
        return qt_arith_to_float(r, f, v, LLVMGetInstructionOpcode(v) == LLVMSIToFP, err);
    case LLVMFPToSI:
    case LLVMFPToUI:
        return qt_arith_from_float(r, f, v, LLVMGetInstructionOpcode(v) == LLVMFPToSI, err);
    case LLVMIntToPtr:
        return id_from_integer(r, f, v, err);
    case LLVMPtrToInt:
        return integer_from_id(r, f, v, err);
    default:
        *ret_done = false;
        return QT_OK;
    }
}
