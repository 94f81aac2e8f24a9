/* Classical expressions of a circuit as instructions of the Adaptive profile. */
#include "base/cleanup.h"
#include "qir/value.h"

#include <string.h>

#define TWO_PI 6.28318530717958647692528676655900577

enum { MAX_CONSTANT_POWER = 64 };

static const char *const function_names[] = {
    [QT_FUNC_SIN] = "sin",           [QT_FUNC_COS] = "cos",       [QT_FUNC_TAN] = "tan",
    [QT_FUNC_ARCSIN] = "arcsin",     [QT_FUNC_ARCCOS] = "arccos", [QT_FUNC_ARCTAN] = "arctan",
    [QT_FUNC_EXP] = "exp",           [QT_FUNC_LOG] = "log",       [QT_FUNC_SQRT] = "sqrt",
    [QT_FUNC_CEILING] = "ceiling",   [QT_FUNC_FLOOR] = "floor",   [QT_FUNC_ABS] = "abs",
    [QT_FUNC_POPCOUNT] = "popcount", [QT_FUNC_ROTL] = "rotl",     [QT_FUNC_ROTR] = "rotr",
};

static const qt_expr *node(qt_qir_flow *flow, uint32_t expr) {
    return &qt_qir_flow_emitter(flow)->circuit->exprs[expr];
}

static qt_code refuse(qt_err *err, const char *what) {
    return qt_fail(err, CIRCUIT_UNSUPPORTED, "QIR's Adaptive profile cannot compute %s at run time",
                   what);
}

static qt_qir_value i64(int64_t i) {
    return qt_qir_int(QT_QIR_I64, i);
}

/* An integer of `width` bits as double: the weights of its bits are added up, because the profile
 * has no conversion. Exact up to 53 bits. */
static qt_qir_value integer_to_float(qt_qir_flow *flow, qt_qir_value v, bool is_signed,
                                     uint32_t width, double unit) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    if (v.class == QT_QIR_I1) {
        return qt_qir_flow_choose(flow, v, qt_qir_float(unit), qt_qir_float(0));
    }
    if (v.is_constant) {
        return qt_qir_float(is_signed ? (double)v.i * unit : (double)(uint64_t)v.i * unit);
    }
    qt_qir_value sum = qt_qir_float(0);
    double weight = unit;
    for (unsigned i = 0; i < width; i++, weight *= 2) {
        double signed_weight = is_signed && i + 1 == width ? -weight : weight;
        qt_qir_value part = qt_qir_flow_choose(flow, qt_qir_bit_of(e, v, i),
                                               qt_qir_float(signed_weight), qt_qir_float(0));
        sum = i == 0 ? part : qt_qir_binary(e, QT_QIR_F64, "fadd", sum, part);
    }
    return sum;
}

static double power_of_two(uint32_t n) {
    double p = 1;
    for (uint32_t i = 0; i < n; i++) {
        p *= 2;
    }
    return p;
}

static qt_code to_float(qt_qir_flow *flow, qt_qir_value v, qt_type from, uint32_t width, qt_type to,
                        uint32_t to_width, qt_qir_value *ret_value, qt_err *err) {
    if (v.class == QT_QIR_F64) {
        if (to == QT_TYPE_ANGLE && from != QT_TYPE_ANGLE) {
            return refuse(err, "a float's remainder of 2 pi (cast to angle)");
        }
        *ret_value = v;
        return QT_OK;
    }
    double unit = to == QT_TYPE_ANGLE ? TWO_PI / power_of_two(to_width) : 1;
    *ret_value = integer_to_float(flow, v, from == QT_TYPE_INT, width, unit);
    return QT_OK;
}

qt_code qt_qir_convert(qt_qir_flow *flow, qt_qir_value v, qt_type from, uint32_t from_width,
                       qt_type to, uint32_t to_width, qt_qir_value *ret_value, qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_qir_class class = qt_qir_class_of(to, to_width);
    if (class == QT_QIR_F64) {
        return to_float(flow, v, from, from_width, to, to_width, ret_value, err);
    }
    if (v.class == QT_QIR_F64 && to != QT_TYPE_BOOL) {
        return refuse(err, "an integer from a float (cast)");
    }
    if (class == QT_QIR_I1) {
        bool low_bit = to == QT_TYPE_BIT && v.class == QT_QIR_I64;
        *ret_value = low_bit ? qt_qir_bit_of(e, v, 0) : qt_qir_truth(e, v);
        return QT_OK;
    }
    bool to_signed = to == QT_TYPE_INT;
    bool fits = v.class == QT_QIR_I1 ||
                (from == to ? from_width <= to_width
                            : from != QT_TYPE_INT && from_width < to_width + !to_signed);
    v = qt_qir_widen(e, v);
    *ret_value = fits ? v : qt_qir_wrap(e, v, to_signed, to_width);
    return QT_OK;
}

static qt_code eval_as(qt_qir_flow *flow, uint32_t expr, qt_type type, uint32_t width,
                       qt_qir_value *ret_value, qt_err *err) {
    const qt_expr *x = node(flow, expr);
    qt_qir_value v = {0};
    QT_TRY(qt_qir_eval(flow, expr, &v, err));
    return qt_qir_convert(flow, v, (qt_type)x->type, x->width, type, width, ret_value, err);
}

qt_code qt_qir_eval_truth(qt_qir_flow *flow, uint32_t expr, qt_qir_value *ret_value, qt_err *err) {
    qt_qir_value v = {0};
    QT_TRY(qt_qir_eval(flow, expr, &v, err));
    *ret_value = qt_qir_truth(qt_qir_flow_emitter(flow), v);
    return QT_OK;
}

static qt_qir_value register_value(qt_qir_flow *flow, const qt_register *reg) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_qir_value sum = i64(0);
    for (uint32_t i = 0; i < reg->size; i++) {
        qt_qir_value bit = qt_qir_widen(e, qt_qir_flow_bit(flow, reg->first + i));
        if (bit.is_constant && bit.i == 0) {
            continue;
        }
        if (i > 0) {
            bit = qt_qir_binary(e, QT_QIR_I64, "shl", bit, i64(i));
        }
        sum = sum.is_constant && sum.i == 0 ? bit : qt_qir_binary(e, QT_QIR_I64, "or", sum, bit);
    }
    return sum;
}

static qt_code eval_register(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                             qt_err *err) {
    const qt_register *reg = &qt_qir_flow_emitter(flow)->circuit->registers[x->u.a];
    if (reg->size > 64) {
        return refuse(err, "arithmetic on a bit register of more than 64 bits");
    }
    *ret_value = reg->size == 1 ? qt_qir_flow_bit(flow, reg->first) : register_value(flow, reg);
    return QT_OK;
}

/* One bit picked by a value: all bits are read, those at other places are masked away. */
static qt_code eval_register_at(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                                qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    const qt_register *reg = &e->circuit->registers[x->u.a];
    qt_qir_value index = {0};
    QT_TRY(eval_as(flow, x->u.b, QT_TYPE_INT, 64, &index, err));
    if (index.is_constant && index.i >= 0 && index.i < reg->size) {
        *ret_value = qt_qir_flow_bit(flow, reg->first + (uint32_t)index.i);
        return QT_OK;
    }
    qt_qir_value found = qt_qir_int(QT_QIR_I1, 0);
    for (uint32_t i = 0; i < reg->size; i++) {
        qt_qir_value here = qt_qir_binary(e, QT_QIR_I1, "icmp eq", index, i64(i));
        found = qt_qir_select(e, here, qt_qir_flow_bit(flow, reg->first + i), found);
    }
    *ret_value = found;
    return QT_OK;
}

static bool is_bitwise(qt_operator op) {
    return op == QT_OPERATOR_BIT_AND || op == QT_OPERATOR_BIT_OR || op == QT_OPERATOR_BIT_XOR;
}

static const char *bitwise_name(qt_operator op) {
    return op == QT_OPERATOR_BIT_AND ? "and" : op == QT_OPERATOR_BIT_OR ? "or" : "xor";
}

/* Whether single bits of it can be had without its whole value. */
static bool has_bits(qt_qir_flow *flow, uint32_t expr) {
    const qt_expr *x = node(flow, expr);
    switch ((qt_expr_kind)x->kind) {
    case QT_EXPR_INT:
    case QT_EXPR_WIDE:
    case QT_EXPR_BIT:
    case QT_EXPR_REG:
        return true;
    case QT_EXPR_UNARY:
        return x->op == QT_OPERATOR_BIT_NOT && has_bits(flow, x->u.a);
    case QT_EXPR_BINARY:
        return is_bitwise((qt_operator)x->op) && has_bits(flow, x->u.a) && has_bits(flow, x->u.b);
    case QT_EXPR_FLOAT:
    case QT_EXPR_REG_AT:
    case QT_EXPR_VAR:
    case QT_EXPR_CALL:
    case QT_EXPR_CAST:
    case QT_EXPR_BIT_OF:
        return false;
    }
    return false;
}

static qt_code bitwise_bit(qt_qir_flow *flow, const qt_expr *x, uint32_t index,
                           qt_qir_value *ret_value, qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_qir_value a = {0};
    QT_TRY(qt_qir_eval_bit(flow, x->u.a, index, &a, err));
    if (x->kind == QT_EXPR_UNARY) {
        *ret_value = qt_qir_not(e, a);
        return QT_OK;
    }
    qt_qir_value b = {0};
    QT_TRY(qt_qir_eval_bit(flow, x->u.b, index, &b, err));
    *ret_value = qt_qir_binary(e, QT_QIR_I1, bitwise_name((qt_operator)x->op), a, b);
    return QT_OK;
}

static qt_qir_value known_bit(qt_qir_flow *flow, const qt_expr *x, uint32_t index) {
    const qt_circuit *c = qt_qir_flow_emitter(flow)->circuit;
    uint64_t word = 0;
    if (x->kind == QT_EXPR_INT) {
        bool negative = x->type == QT_TYPE_INT && x->i < 0;
        word = index < 64 ? (uint64_t)x->i >> index : negative;
    } else if (index / 64 < x->u.b) {
        word = c->wide_words[x->u.a + index / 64] >> (index % 64);
    }
    return qt_qir_int(QT_QIR_I1, (int64_t)(word & 1));
}

qt_code qt_qir_eval_bit(qt_qir_flow *flow, uint32_t expr, uint32_t index, qt_qir_value *ret_value,
                        qt_err *err) {
    const qt_expr *x = node(flow, expr);
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    if (!has_bits(flow, expr)) {
        qt_qir_value v = {0};
        QT_TRY(qt_qir_eval(flow, expr, &v, err));
        v = v.class == QT_QIR_I1 && index == 0 ? v : qt_qir_widen(e, v);
        *ret_value = v.class == QT_QIR_I1 ? v : qt_qir_bit_of(e, v, index < 64 ? index : 63);
        return QT_OK;
    }
    if (x->kind == QT_EXPR_UNARY || x->kind == QT_EXPR_BINARY) {
        return bitwise_bit(flow, x, index, ret_value, err);
    }
    if (x->kind == QT_EXPR_REG) {
        const qt_register *reg = &e->circuit->registers[x->u.a];
        *ret_value = index < reg->size ? qt_qir_flow_bit(flow, reg->first + index)
                                       : qt_qir_int(QT_QIR_I1, 0);
    } else if (x->kind == QT_EXPR_BIT) {
        *ret_value = index == 0 ? qt_qir_flow_bit(flow, x->u.a) : qt_qir_int(QT_QIR_I1, 0);
    } else {
        *ret_value = known_bit(flow, x, index);
    }
    return QT_OK;
}

static uint32_t bits_of(qt_qir_flow *flow, uint32_t expr) {
    const qt_expr *x = node(flow, expr);
    const qt_circuit *c = qt_qir_flow_emitter(flow)->circuit;
    if (x->kind == QT_EXPR_REG) {
        return c->registers[x->u.a].size;
    }
    return x->kind == QT_EXPR_INT ? 64 : x->width;
}

/* a == b as a chain of i1, which needs no integers and holds for any width. */
static qt_code equal_bits(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                          qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    uint32_t width = bits_of(flow, x->u.a);
    width = bits_of(flow, x->u.b) > width ? bits_of(flow, x->u.b) : width;
    qt_qir_value all = qt_qir_int(QT_QIR_I1, 1);
    for (uint32_t i = 0; i < width && !(all.is_constant && all.i == 0); i++) {
        qt_qir_value a = {0};
        qt_qir_value b = {0};
        QT_TRY(qt_qir_eval_bit(flow, x->u.a, i, &a, err));
        QT_TRY(qt_qir_eval_bit(flow, x->u.b, i, &b, err));
        qt_qir_value same = {0};
        if (a.is_constant || b.is_constant) {
            qt_qir_value known = a.is_constant ? a : b;
            qt_qir_value other = a.is_constant ? b : a;
            same = known.i != 0 ? other : qt_qir_not(e, other);
        } else {
            same = qt_qir_not(e, qt_qir_binary(e, QT_QIR_I1, "xor", a, b));
        }
        if (same.is_constant) {
            all = same.i != 0 ? all : same;
        } else {
            all = all.is_constant ? same : qt_qir_binary(e, QT_QIR_I1, "and", all, same);
        }
    }
    *ret_value = x->op == QT_OPERATOR_NE ? qt_qir_not(e, all) : all;
    return QT_OK;
}

static const char *compare_name(qt_operator op, qt_qir_class class, bool is_signed) {
    static const char *const names[][3] = {
        {"icmp eq", "icmp eq", "fcmp oeq"},   {"icmp ne", "icmp ne", "fcmp une"},
        {"icmp ult", "icmp slt", "fcmp olt"}, {"icmp ule", "icmp sle", "fcmp ole"},
        {"icmp ugt", "icmp sgt", "fcmp ogt"}, {"icmp uge", "icmp sge", "fcmp oge"}};
    return names[op - QT_OPERATOR_EQ][class == QT_QIR_F64 ? 2 : is_signed];
}

static qt_code eval_compare(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                            qt_err *err) {
    const qt_expr *a = node(flow, x->u.a);
    const qt_expr *b = node(flow, x->u.b);
    bool equality = x->op == QT_OPERATOR_EQ || x->op == QT_OPERATOR_NE;
    if (equality && has_bits(flow, x->u.a) && has_bits(flow, x->u.b)) {
        return equal_bits(flow, x, ret_value, err);
    }
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_qir_value left = {0};
    qt_qir_value right = {0};
    QT_TRY(qt_qir_eval(flow, x->u.a, &left, err));
    QT_TRY(qt_qir_eval(flow, x->u.b, &right, err));
    if (left.class == QT_QIR_F64 || right.class == QT_QIR_F64) {
        QT_TRY(to_float(flow, left, (qt_type)a->type, a->width, QT_TYPE_FLOAT, 64, &left, err));
        QT_TRY(to_float(flow, right, (qt_type)b->type, b->width, QT_TYPE_FLOAT, 64, &right, err));
    } else if (!equality || left.class != right.class) {
        left = qt_qir_widen(e, left);
        right = qt_qir_widen(e, right);
    }
    bool is_signed = a->type == QT_TYPE_INT || b->type == QT_TYPE_INT;
    const char *op = compare_name((qt_operator)x->op, (qt_qir_class)left.class, is_signed);
    *ret_value = qt_qir_binary(e, QT_QIR_I1, op, left, right);
    return QT_OK;
}

/* Division by zero is undefined in LLVM: the divisor becomes 1 and the result 0. */
static qt_qir_value divide(qt_qir_emitter *e, const char *op, qt_qir_value a, qt_qir_value b) {
    if (b.is_constant && b.i != 0) {
        return qt_qir_binary(e, QT_QIR_I64, op, a, b);
    }
    qt_qir_value zero = qt_qir_not(e, qt_qir_truth(e, b));
    qt_qir_value safe = qt_qir_select(e, zero, i64(1), b);
    return qt_qir_select(e, zero, i64(0), qt_qir_binary(e, QT_QIR_I64, op, a, safe));
}

/* Shifts by 64 and more are undefined in LLVM: here they give 0, or the sign for ashr. */
static qt_qir_value shift(qt_qir_emitter *e, const char *op, qt_qir_value a, qt_qir_value b) {
    if (b.is_constant && (uint64_t)b.i < 64) {
        return qt_qir_binary(e, QT_QIR_I64, op, a, b);
    }
    qt_qir_value fits = qt_qir_binary(e, QT_QIR_I1, "icmp ult", b, i64(64));
    bool keeps_sign = strcmp(op, "ashr") == 0;
    qt_qir_value by = qt_qir_select(e, fits, b, i64(63));
    qt_qir_value shifted = qt_qir_binary(e, QT_QIR_I64, op, a, by);
    return keeps_sign ? shifted : qt_qir_select(e, fits, shifted, i64(0));
}

static qt_code power(qt_qir_emitter *e, const char *op, qt_qir_value a, qt_qir_value b,
                     qt_qir_value *ret_value, qt_err *err) {
    double exponent = !b.is_constant ? -1 : b.class == QT_QIR_F64 ? b.f : (double)b.i;
    if (!(exponent >= 0 && exponent <= MAX_CONSTANT_POWER) || exponent != (double)(int)exponent) {
        return refuse(err, "a power whose exponent is not a small constant");
    }
    qt_qir_value product = a.class == QT_QIR_F64 ? qt_qir_float(1) : i64(1);
    for (int i = 0; i < (int)exponent; i++) {
        product = i == 0 ? a : qt_qir_binary(e, (qt_qir_class)a.class, op, product, a);
    }
    *ret_value = product;
    return QT_OK;
}

static qt_code float_arithmetic(qt_qir_emitter *e, const qt_expr *x, qt_qir_value a, qt_qir_value b,
                                qt_qir_value *ret_value, qt_err *err) {
    if (x->type == QT_TYPE_ANGLE) {
        return refuse(err, "arithmetic on angles");
    }
    const char *op = x->op == QT_OPERATOR_ADD   ? "fadd"
                     : x->op == QT_OPERATOR_SUB ? "fsub"
                     : x->op == QT_OPERATOR_MUL ? "fmul"
                     : x->op == QT_OPERATOR_DIV ? "fdiv"
                                                : NULL;
    if (x->op == QT_OPERATOR_POW) {
        return power(e, "fmul", a, b, ret_value, err);
    }
    if (op == NULL) {
        return refuse(err, "the remainder of floats");
    }
    *ret_value = qt_qir_binary(e, QT_QIR_F64, op, a, b);
    return QT_OK;
}

static const char *integer_op(qt_operator op, bool is_signed) {
    if (is_bitwise(op)) {
        return bitwise_name(op);
    }
    return op == QT_OPERATOR_ADD   ? "add"
           : op == QT_OPERATOR_SUB ? "sub"
           : op == QT_OPERATOR_MUL ? "mul"
           : op == QT_OPERATOR_DIV ? (is_signed ? "sdiv" : "udiv")
           : op == QT_OPERATOR_MOD ? (is_signed ? "srem" : "urem")
           : op == QT_OPERATOR_SHL ? "shl"
                                   : (is_signed ? "ashr" : "lshr");
}

static qt_code integer_arithmetic(qt_qir_emitter *e, const qt_expr *x, qt_qir_value a,
                                  qt_qir_value b, qt_qir_value *ret_value, qt_err *err) {
    bool is_signed = x->type == QT_TYPE_INT;
    qt_operator op = (qt_operator)x->op;
    const char *name = integer_op(op, is_signed);
    qt_qir_value v = {0};
    if (op == QT_OPERATOR_POW) {
        QT_TRY(power(e, "mul", a, b, &v, err));
    } else if (op == QT_OPERATOR_DIV || op == QT_OPERATOR_MOD) {
        v = divide(e, name, a, b);
    } else if (op == QT_OPERATOR_SHL || op == QT_OPERATOR_SHR) {
        v = shift(e, name, a, b);
    } else {
        v = qt_qir_binary(e, QT_QIR_I64, name, a, b);
    }
    *ret_value = is_bitwise(op) ? v : qt_qir_wrap(e, v, is_signed, x->width);
    return QT_OK;
}

static qt_code eval_logic(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                          qt_err *err) {
    qt_qir_value a = {0};
    qt_qir_value b = {0};
    QT_TRY(qt_qir_eval_truth(flow, x->u.a, &a, err));
    QT_TRY(qt_qir_eval_truth(flow, x->u.b, &b, err));
    const char *op = x->op == QT_OPERATOR_AND ? "and" : "or";
    *ret_value = qt_qir_binary(qt_qir_flow_emitter(flow), QT_QIR_I1, op, a, b);
    return QT_OK;
}

static qt_code eval_binary(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                           qt_err *err) {
    if (x->op >= QT_OPERATOR_EQ) {
        return eval_compare(flow, x, ret_value, err);
    }
    if (x->op == QT_OPERATOR_AND || x->op == QT_OPERATOR_OR) {
        return eval_logic(flow, x, ret_value, err);
    }
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_type type = (qt_type)x->type;
    bool shifts = x->op == QT_OPERATOR_SHL || x->op == QT_OPERATOR_SHR;
    qt_qir_value a = {0};
    qt_qir_value b = {0};
    QT_TRY(eval_as(flow, x->u.a, type, x->width, &a, err));
    QT_TRY(eval_as(flow, x->u.b, shifts ? QT_TYPE_UINT : type, shifts ? 64 : x->width, &b, err));
    if (a.class == QT_QIR_F64) {
        return float_arithmetic(e, x, a, b, ret_value, err);
    }
    if (a.class == QT_QIR_I1 && b.class == QT_QIR_I1 && is_bitwise((qt_operator)x->op)) {
        *ret_value = qt_qir_binary(e, QT_QIR_I1, bitwise_name((qt_operator)x->op), a, b);
        return QT_OK;
    }
    bool narrow = a.class == QT_QIR_I1;
    QT_TRY(integer_arithmetic(e, x, qt_qir_widen(e, a), qt_qir_widen(e, b), &a, err));
    *ret_value = narrow ? qt_qir_bit_of(e, a, 0) : a;
    return QT_OK;
}

static qt_code eval_unary(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                          qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    if (x->op == QT_OPERATOR_NOT) {
        QT_TRY(qt_qir_eval_truth(flow, x->u.a, ret_value, err));
        *ret_value = qt_qir_not(e, *ret_value);
        return QT_OK;
    }
    qt_qir_value a = {0};
    QT_TRY(eval_as(flow, x->u.a, (qt_type)x->type, x->width, &a, err));
    if (a.class == QT_QIR_F64) {
        if (x->type == QT_TYPE_ANGLE) {
            return refuse(err, "arithmetic on angles");
        }
        *ret_value = qt_qir_binary(e, QT_QIR_F64, "fsub", qt_qir_float(-0.0), a);
    } else if (a.class == QT_QIR_I1) {
        *ret_value = x->op == QT_OPERATOR_BIT_NOT ? qt_qir_not(e, a) : a;
    } else {
        a = x->op == QT_OPERATOR_BIT_NOT ? qt_qir_binary(e, QT_QIR_I64, "xor", a, i64(-1))
                                         : qt_qir_binary(e, QT_QIR_I64, "sub", i64(0), a);
        *ret_value = qt_qir_wrap(e, a, x->type == QT_TYPE_INT, x->width);
    }
    return QT_OK;
}

static qt_code eval_popcount(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                             qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_qir_value sum = i64(0);
    for (uint32_t i = 0; i < node(flow, x->u.a)->width; i++) {
        qt_qir_value bit = {0};
        QT_TRY(qt_qir_eval_bit(flow, x->u.a, i, &bit, err));
        bit = qt_qir_widen(e, bit);
        sum = i == 0 ? bit : qt_qir_binary(e, QT_QIR_I64, "add", sum, bit);
    }
    *ret_value = sum;
    return QT_OK;
}

/* rotl and rotr of `width` bits by a constant or a value, taken modulo the width. */
static qt_code eval_rotate(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                           qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    int64_t width = x->width;
    qt_qir_value a = {0};
    qt_qir_value by = {0};
    QT_TRY(eval_as(flow, x->u.a, (qt_type)x->type, x->width, &a, err));
    QT_TRY(eval_as(flow, x->u.b, QT_TYPE_INT, 64, &by, err));
    if (width < 2 || width > 64) {
        *ret_value = a;
        return width > 64 ? refuse(err, "a rotation of more than 64 bits") : QT_OK;
    }
    if (x->op == QT_FUNC_ROTR) {
        by = qt_qir_binary(e, QT_QIR_I64, "sub", i64(0), by);
    }
    by = qt_qir_binary(e, QT_QIR_I64, "srem", by, i64(width));
    by = qt_qir_binary(e, QT_QIR_I64, "add", by, i64(width));
    by = qt_qir_binary(e, QT_QIR_I64, "srem", by, i64(width));
    qt_qir_value rest = qt_qir_binary(e, QT_QIR_I64, "sub", i64(width), by);
    qt_qir_value high = shift(e, "shl", a, by);
    qt_qir_value low = shift(e, "lshr", a, rest);
    a = qt_qir_binary(e, QT_QIR_I64, "or", high, low);
    *ret_value = qt_qir_wrap(e, a, x->type == QT_TYPE_INT, x->width);
    return QT_OK;
}

static qt_code eval_abs(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value, qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_qir_value a = {0};
    QT_TRY(eval_as(flow, x->u.a, (qt_type)x->type, x->width, &a, err));
    if (a.class == QT_QIR_F64) {
        qt_qir_value negative = qt_qir_binary(e, QT_QIR_I1, "fcmp olt", a, qt_qir_float(0));
        qt_qir_value minus = qt_qir_binary(e, QT_QIR_F64, "fsub", qt_qir_float(-0.0), a);
        *ret_value = qt_qir_flow_choose(flow, negative, minus, a);
        return QT_OK;
    }
    a = qt_qir_widen(e, a);
    qt_qir_value negative = qt_qir_binary(e, QT_QIR_I1, "icmp slt", a, i64(0));
    qt_qir_value minus = qt_qir_binary(e, QT_QIR_I64, "sub", i64(0), a);
    *ret_value = qt_qir_select(e, negative, minus, a);
    return QT_OK;
}

static qt_code eval_call(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                         qt_err *err) {
    switch (x->op) {
    case QT_FUNC_POPCOUNT:
        return eval_popcount(flow, x, ret_value, err);
    case QT_FUNC_ROTL:
    case QT_FUNC_ROTR:
        return eval_rotate(flow, x, ret_value, err);
    case QT_FUNC_ABS:
        return eval_abs(flow, x, ret_value, err);
    default:
        return qt_fail(err, CIRCUIT_UNSUPPORTED,
                       "QIR's Adaptive profile cannot compute the function %s at run time",
                       x->op < QT_ARRAY_LEN(function_names) ? function_names[x->op] : "?");
    }
}

static qt_code eval_bit_of(qt_qir_flow *flow, const qt_expr *x, qt_qir_value *ret_value,
                           qt_err *err) {
    qt_qir_emitter *e = qt_qir_flow_emitter(flow);
    qt_qir_value index = {0};
    qt_qir_value a = {0};
    QT_TRY(eval_as(flow, x->u.b, QT_TYPE_INT, 64, &index, err));
    if (index.is_constant && index.i >= 0 && index.i <= UINT32_MAX) {
        return qt_qir_eval_bit(flow, x->u.a, (uint32_t)index.i, ret_value, err);
    }
    QT_TRY(qt_qir_eval(flow, x->u.a, &a, err));
    if (a.class == QT_QIR_F64) {
        return refuse(err, "the bits of an angle");
    }
    *ret_value = qt_qir_bit_of(e, shift(e, "lshr", qt_qir_widen(e, a), index), 0);
    return QT_OK;
}

qt_code qt_qir_eval(qt_qir_flow *flow, uint32_t expr, qt_qir_value *ret_value, qt_err *err) {
    const qt_expr *x = node(flow, expr);
    switch ((qt_expr_kind)x->kind) {
    case QT_EXPR_INT:
        *ret_value = qt_qir_int(qt_qir_class_of((qt_type)x->type, x->width), x->i);
        return QT_OK;
    case QT_EXPR_WIDE:
        return refuse(err, "arithmetic on integers of more than 64 bits");
    case QT_EXPR_FLOAT:
        *ret_value = qt_qir_float(x->f);
        return QT_OK;
    case QT_EXPR_BIT:
        *ret_value = qt_qir_flow_bit(flow, x->u.a);
        return QT_OK;
    case QT_EXPR_REG:
        return eval_register(flow, x, ret_value, err);
    case QT_EXPR_REG_AT:
        return eval_register_at(flow, x, ret_value, err);
    case QT_EXPR_VAR:
        *ret_value = qt_qir_flow_variable(flow, x->u.a);
        return QT_OK;
    case QT_EXPR_UNARY:
        return eval_unary(flow, x, ret_value, err);
    case QT_EXPR_BINARY:
        return eval_binary(flow, x, ret_value, err);
    case QT_EXPR_CALL:
        return eval_call(flow, x, ret_value, err);
    case QT_EXPR_CAST:
        return eval_as(flow, x->u.a, (qt_type)x->type, x->width, ret_value, err);
    case QT_EXPR_BIT_OF:
        return eval_bit_of(flow, x, ret_value, err);
    }
    return qt_fail(err, INTERNAL, "unknown kind of expression");
}
