/* Operators of OpenQASM 3 on classical values. */
#include <math.h>
#include <string.h>

#include "qasm/gates.h"
#include "qasm/value.h"

static bool is_comparison(qt_operator op) {
    return op >= QT_OPERATOR_EQ;
}

static bool is_bitwise(qt_operator op) {
    return op >= QT_OPERATOR_BIT_AND && op <= QT_OPERATOR_BIT_XOR;
}

static bool is_shift(qt_operator op) {
    return op == QT_OPERATOR_SHL || op == QT_OPERATOR_SHR;
}

static qt_code no_operator(qasm_context *ctx, const qasm_value *a, const qasm_value *b,
                           const char *at) {
    return qasm_syntax(ctx, at, "this operator does not take %s and %s", qasm_type_name(a->type),
                       qasm_type_name(b->type));
}

static uint32_t max_width(const qasm_value *a, const qasm_value *b) {
    return a->width > b->width ? a->width : b->width;
}

static uint32_t bits_of(const qasm_value *v) {
    uint64_t u = (int64_t)v->u < 0 ? ~v->u : v->u;
    uint32_t sign = v->type == TYPE_INT ? 1 : 0;
    return (u == 0 ? 1 : 64 - (uint32_t)__builtin_clzll(u)) + sign;
}

/* The type in which two integers meet. A literal takes the other's type. */
static void integer_type(const qasm_value *a, const qasm_value *b, uint8_t *ret_type,
                         uint32_t *ret_width) {
    if (a->literal != b->literal) {
        const qasm_value *literal = a->literal ? a : b;
        const qasm_value *other = a->literal ? b : a;
        bool negative = (int64_t)literal->u < 0;
        uint8_t type = other->type == TYPE_INT || negative ? TYPE_INT : TYPE_UINT;
        uint32_t bits = bits_of(literal);
        *ret_type = type;
        *ret_width = other->width > bits ? other->width : bits;
        *ret_width = *ret_width > 64 ? 64 : *ret_width;
        return;
    }
    bool int_a = a->type == TYPE_INT;
    bool int_b = b->type == TYPE_INT;
    const qasm_value *sign = int_a ? a : b;
    const qasm_value *unsign = int_a ? b : a;
    bool is_signed = int_a && int_b;
    if (int_a != int_b) {
        is_signed = sign->width > unsign->width;
    }
    *ret_type = is_signed ? TYPE_INT : TYPE_UINT;
    *ret_width = max_width(a, b);
}

/* Comparisons look at whole values, so both sides become 64 bits wide. */
static void comparison_type(const qasm_value *a, const qasm_value *b, uint8_t *ret_type,
                            uint32_t *ret_width) {
    const qasm_value *big = a->type == TYPE_INT ? b : a;
    bool negative = (a->known && a->type == TYPE_INT && (int64_t)a->u < 0) ||
                    (b->known && b->type == TYPE_INT && (int64_t)b->u < 0);
    bool is_unsigned = big->type != TYPE_INT && big->width == 64 && !negative;
    *ret_type = is_unsigned ? TYPE_UINT : TYPE_INT;
    *ret_width = 64;
}

static qt_code common_type(qasm_context *ctx, qt_operator op, const qasm_value *a,
                           const qasm_value *b, const char *at, uint8_t *ret_type,
                           uint32_t *ret_width) {
    bool angle = a->type == TYPE_ANGLE || b->type == TYPE_ANGLE;
    bool real = a->type == TYPE_FLOAT || b->type == TYPE_FLOAT;
    bool adds = op == QT_OPERATOR_ADD || op == QT_OPERATOR_SUB || is_comparison(op);
    if (angle && (adds || is_bitwise(op))) {
        *ret_type = TYPE_ANGLE;
        *ret_width = a->type != TYPE_ANGLE   ? b->width
                     : b->type != TYPE_ANGLE ? a->width
                                             : max_width(a, b);
        return QT_OK;
    }
    if (real || angle) {
        *ret_type = TYPE_FLOAT;
        *ret_width = 64;
        return is_bitwise(op) ? no_operator(ctx, a, b, at) : QT_OK;
    }
    if (is_bitwise(op) && a->type == b->type && a->type <= TYPE_BIT) {
        *ret_type = a->type;
        *ret_width = max_width(a, b);
    } else if (is_comparison(op)) {
        comparison_type(a, b, ret_type, ret_width);
    } else {
        integer_type(a, b, ret_type, ret_width);
    }
    return QT_OK;
}

static qt_code integer_power(qasm_context *ctx, const qasm_value *a, const qasm_value *b,
                             const char *at, qasm_value *ret) {
    int64_t e = (int64_t)b->u;
    if (e < 0 && b->type == TYPE_INT) {
        double f = pow((double)(int64_t)a->u, (double)e);
        if (!isfinite(f)) {
            return qasm_syntax(ctx, at, "the value is not a finite number");
        }
        *ret = qasm_float_value(f);
        return QT_OK;
    }
    uint64_t base = a->u;
    uint64_t result = 1;
    for (uint64_t k = b->u; k > 0; k >>= 1) {
        result = (k & 1) != 0 ? result * base : result;
        base *= base;
    }
    ret->u = result;
    return QT_OK;
}

static qt_code division(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                        const char *at, qasm_value *ret) {
    if (b->u == 0) {
        return qasm_syntax(ctx, at, "division by zero");
    }
    bool minus_one = a->type == TYPE_INT && b->u == UINT64_MAX;
    bool div = op == QT_OPERATOR_DIV;
    if (minus_one) {
        ret->u = div ? 0 - a->u : 0;
    } else if (a->type == TYPE_INT) {
        int64_t x = (int64_t)a->u;
        int64_t y = (int64_t)b->u;
        ret->u = (uint64_t)(div ? x / y : x % y);
    } else {
        ret->u = div ? a->u / b->u : a->u % b->u;
    }
    return QT_OK;
}

static qt_code fold_integers(qasm_context *ctx, qt_operator op, const qasm_value *a,
                             const qasm_value *b, const char *at, qasm_value *ret) {
    switch ((int)op) {
    case QT_OPERATOR_ADD:
        ret->u = a->u + b->u;
        return QT_OK;
    case QT_OPERATOR_SUB:
        ret->u = a->u - b->u;
        return QT_OK;
    case QT_OPERATOR_MUL:
        ret->u = a->u * b->u;
        return QT_OK;
    case QT_OPERATOR_DIV:
    case QT_OPERATOR_MOD:
        return division(ctx, op, a, b, at, ret);
    case QT_OPERATOR_POW:
        return integer_power(ctx, a, b, at, ret);
    case QT_OPERATOR_BIT_AND:
        ret->u = a->u & b->u;
        return QT_OK;
    case QT_OPERATOR_BIT_OR:
        ret->u = a->u | b->u;
        return QT_OK;
    case QT_OPERATOR_BIT_XOR:
        ret->u = a->u ^ b->u;
        return QT_OK;
    default:
        return no_operator(ctx, a, b, at);
    }
}

bool qasm_order_holds(qt_operator op, int order) {
    switch ((int)op) {
    case QT_OPERATOR_EQ:
        return order == 0;
    case QT_OPERATOR_NE:
        return order != 0;
    case QT_OPERATOR_LT:
        return order < 0;
    case QT_OPERATOR_LE:
        return order <= 0;
    case QT_OPERATOR_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static int order_of(const qasm_value *a, const qasm_value *b) {
    if (a->type == TYPE_FLOAT) {
        return (a->f > b->f) - (a->f < b->f);
    }
    if (a->type == TYPE_INT) {
        int64_t x = (int64_t)a->u;
        int64_t y = (int64_t)b->u;
        return (x > y) - (x < y);
    }
    return (a->u > b->u) - (a->u < b->u);
}

/* Both values have the same type. */
static qt_code fold(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                    const char *at, qasm_value *ret) {
    if (is_comparison(op)) {
        *ret = qasm_bool_value(qasm_order_holds(op, order_of(a, b)));
        return QT_OK;
    }
    if (a->type != TYPE_FLOAT) {
        QT_TRY(fold_integers(ctx, op, a, b, at, ret));
        if (ret->type == TYPE_FLOAT) {
            return QT_OK;
        }
        uint32_t width = ret->width;
        qasm_value wide = *ret;
        wide.width = ret->type == TYPE_ANGLE ? width : 64;
        wide.u =
            ret->type == TYPE_ANGLE && width < 64 ? ret->u & ((UINT64_C(1) << width) - 1) : ret->u;
        QT_TRY(qasm_cast(ctx, &wide, ret->type, width, at, ret));
        return QT_OK;
    }
    if (!qasm_fold_binary(op, a->f, b->f, &ret->f)) {
        return qasm_syntax(ctx, at, "the value is not a finite number");
    }
    return QT_OK;
}

static qt_code logical(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                       const char *at, qasm_value *ret) {
    qasm_value x;
    qasm_value y;
    QT_TRY(qasm_cast(ctx, a, TYPE_BOOL, 1, at, &x));
    QT_TRY(qasm_cast(ctx, b, TYPE_BOOL, 1, at, &y));
    bool decides = op == QT_OPERATOR_OR;
    if (x.known || y.known) {
        const qasm_value *known = x.known ? &x : &y;
        const qasm_value *other = x.known ? &y : &x;
        *ret = (known->u != 0) == decides ? *known : *other;
        return QT_OK;
    }
    qt_expr e = {.kind = QT_EXPR_BINARY,
                 .op = (uint8_t)op,
                 .type = QT_TYPE_BOOL,
                 .width = 1,
                 .u = {x.expr, y.expr}};
    *ret = (qasm_value){.type = TYPE_BOOL, .width = 1};
    return qasm_new_expr(ctx, e, at, &ret->expr);
}

static qt_code shift(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                     const char *at, qasm_value *ret) {
    if ((!qasm_is_integral(a->type) && a->type != TYPE_ANGLE) || !qasm_is_integral(b->type) ||
        b->width > 64) {
        return no_operator(ctx, a, b, at);
    }
    if (b->known && b->type == TYPE_INT && (int64_t)b->u < 0) {
        return qasm_syntax(ctx, at, "a shift by a negative number");
    }
    if (a->width > 64) {
        return qasm_wide_shift(ctx, op, a, b, at, ret);
    }
    *ret = (qasm_value){.type = a->type, .known = a->known && b->known, .width = a->width};
    ret->literal = a->literal && b->literal;
    if (!ret->known) {
        qt_expr e = {.kind = QT_EXPR_BINARY,
                     .op = (uint8_t)op,
                     .type = (uint8_t)qasm_ir_type(a->type),
                     .width = a->width};
        qasm_value by;
        QT_TRY(qasm_cast(ctx, b, TYPE_UINT, 64, at, &by));
        QT_TRY(qasm_value_expr(ctx, a, at, &e.u.a));
        QT_TRY(qasm_value_expr(ctx, &by, at, &e.u.b));
        return qasm_new_expr(ctx, e, at, &ret->expr);
    }
    qasm_value wide = *a;
    bool out = b->u >= 64;
    bool arithmetic = a->type == TYPE_INT;
    uint64_t right =
        arithmetic ? (uint64_t)((int64_t)a->u >> (out ? 63 : b->u)) : (out ? 0 : a->u >> b->u);
    uint64_t left = out ? 0 : a->u << b->u;
    wide.u = op == QT_OPERATOR_SHL ? left : right;
    if (a->width < 64) {
        wide.u &= (UINT64_C(1) << a->width) - 1;
        bool negative = arithmetic && (wide.u >> (a->width - 1) & 1) != 0;
        wide.u |= negative ? ~((UINT64_C(1) << a->width) - 1) : 0;
    }
    ret->u = wide.u;
    return QT_OK;
}

/* angle * uint and angle / uint stay angles; angle / angle is a number. */
static qt_code angle_scale(qasm_context *ctx, qt_operator op, const qasm_value *a,
                           const qasm_value *b, const char *at, bool *ret_done, qasm_value *ret) {
    bool left = a->type == TYPE_ANGLE && qasm_is_integral(b->type);
    bool right = b->type == TYPE_ANGLE && qasm_is_integral(a->type) && op == QT_OPERATOR_MUL;
    *ret_done = (op == QT_OPERATOR_MUL || op == QT_OPERATOR_DIV) && (left || right);
    if (!*ret_done) {
        return QT_OK;
    }
    const qasm_value *angle = left ? a : b;
    qasm_value x = *a;
    qasm_value y = *b;
    x.type = y.type = TYPE_UINT;
    x.literal = y.literal = false;
    if (left) {
        QT_TRY(qasm_cast(ctx, &y, TYPE_UINT, angle->width, at, &y));
    } else {
        QT_TRY(qasm_cast(ctx, &x, TYPE_UINT, angle->width, at, &x));
    }
    uint32_t width = angle->width;
    QT_TRY(qasm_binary(ctx, op, &x, &y, at, ret));
    ret->type = TYPE_ANGLE;
    ret->width = width;
    return QT_OK;
}

static qt_code plain_binary(qasm_context *ctx, qt_operator op, const qasm_value *a,
                            const qasm_value *b, const char *at, qasm_value *ret) {
    uint8_t type = 0;
    uint32_t width = 0;
    qasm_value x;
    qasm_value y;
    QT_TRY(common_type(ctx, op, a, b, at, &type, &width));
    bool literal = a->literal && b->literal;
    bool inexact =
        op == QT_OPERATOR_DIV && literal && b->u != 0 && (int64_t)a->u % (int64_t)b->u != 0;
    type = inexact ? TYPE_FLOAT : type; /* 3 / 5 of two literals is a real number */
    QT_TRY(qasm_cast(ctx, a, type, width, at, &x));
    QT_TRY(qasm_cast(ctx, b, type, width, at, &y));
    qasm_value r = {.type = type, .known = x.known && y.known, .width = width};
    if (r.known) {
        QT_TRY(fold(ctx, op, &x, &y, at, &r));
        r.literal = literal && r.type == TYPE_INT;
        *ret = r;
        return QT_OK;
    }
    bool compares = is_comparison(op);
    r.type = compares ? TYPE_BOOL : type;
    r.width = compares ? 1 : width;
    qt_expr e = {.kind = QT_EXPR_BINARY,
                 .op = (uint8_t)op,
                 .type = (uint8_t)qasm_ir_type(r.type),
                 .width = r.width};
    QT_TRY(qasm_value_expr(ctx, &x, at, &e.u.a));
    QT_TRY(qasm_value_expr(ctx, &y, at, &e.u.b));
    QT_TRY(qasm_new_expr(ctx, e, at, &r.expr));
    *ret = r;
    return QT_OK;
}

static qt_code binary(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                      const char *at, qasm_value *ret) {
    bool odd = a->type >= TYPE_STRETCH || b->type >= TYPE_STRETCH || a->type == TYPE_VOID ||
               b->type == TYPE_VOID;
    if (odd) {
        return no_operator(ctx, a, b, at);
    }
    if (a->type == TYPE_DURATION || b->type == TYPE_DURATION) {
        return qasm_duration_binary(ctx, op, a, b, at, ret);
    }
    if (op == QT_OPERATOR_AND || op == QT_OPERATOR_OR) {
        return logical(ctx, op, a, b, at, ret);
    }
    if (a->type == TYPE_COMPLEX || b->type == TYPE_COMPLEX) {
        return qasm_complex_binary(ctx, op, a, b, at, ret);
    }
    if (is_shift(op)) {
        return shift(ctx, op, a, b, at, ret);
    }
    if (a->width > 64 || b->width > 64) {
        return qasm_wide_binary(ctx, op, a, b, at, ret);
    }
    bool done = false;
    QT_TRY(angle_scale(ctx, op, a, b, at, &done, ret));
    return done ? QT_OK : plain_binary(ctx, op, a, b, at, ret);
}

/* The result may be one of the operands. */
qt_code qasm_binary(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                    const char *at, qasm_value *ret_value) {
    qasm_value result;
    QT_TRY(binary(ctx, op, a, b, at, &result));
    *ret_value = result;
    return QT_OK;
}

static qt_code unary_expr(qasm_context *ctx, qt_operator op, const qasm_value *a, const char *at,
                          qasm_value *ret) {
    qt_expr e = {.kind = QT_EXPR_UNARY,
                 .op = (uint8_t)op,
                 .type = (uint8_t)qasm_ir_type(a->type),
                 .width = a->width,
                 .u = {a->expr, 0}};
    *ret = *a;
    return qasm_new_expr(ctx, e, at, &ret->expr);
}

static qt_code negate(qasm_context *ctx, const qasm_value *a, const char *at, qasm_value *ret) {
    if (a->type == TYPE_COMPLEX) {
        return qasm_complex_negate(ctx, a, at, ret);
    }
    if (a->type == TYPE_FLOAT || a->type == TYPE_DURATION) {
        *ret = *a;
        ret->f = -a->f;
        ret->im = -a->im;
        return a->known ? QT_OK : unary_expr(ctx, QT_OPERATOR_NEG, a, at, ret);
    }
    qasm_value v = *a;
    if (v.type == TYPE_BOOL || v.type == TYPE_BIT) {
        QT_TRY(qasm_cast(ctx, a, TYPE_INT, 64, at, &v));
    }
    if (!v.known) {
        return unary_expr(ctx, QT_OPERATOR_NEG, &v, at, ret);
    }
    qasm_value zero = v;
    zero.u = 0;
    QT_TRY(plain_binary(ctx, QT_OPERATOR_SUB, &zero, &v, at, ret));
    return QT_OK;
}

qt_code qasm_unary(qasm_context *ctx, qt_operator op, const qasm_value *a, const char *at,
                   qasm_value *ret_value) {
    bool odd =
        a->type >= TYPE_STRETCH || a->type == TYPE_VOID || (a->width > 64 && op == QT_OPERATOR_NEG);
    if (odd) {
        return qasm_syntax(ctx, at, "this operator does not take %s", qasm_type_name(a->type));
    }
    if (a->width > 64 && op == QT_OPERATOR_BIT_NOT) {
        return qasm_wide_not(ctx, a, at, ret_value);
    }
    if (op == QT_OPERATOR_NEG) {
        return negate(ctx, a, at, ret_value);
    }
    bool logic = op == QT_OPERATOR_NOT || a->type == TYPE_BOOL;
    qasm_value v = *a;
    if (logic) {
        QT_TRY(qasm_cast(ctx, a, TYPE_BOOL, 1, at, &v));
    } else if (!qasm_is_integral(a->type) && a->type != TYPE_ANGLE) {
        return qasm_syntax(ctx, at, "this operator does not take %s", qasm_type_name(a->type));
    }
    if (!v.known) {
        return unary_expr(ctx, logic ? QT_OPERATOR_NOT : QT_OPERATOR_BIT_NOT, &v, at, ret_value);
    }
    uint64_t mask = v.width >= 64 || v.type == TYPE_INT ? UINT64_MAX : (UINT64_C(1) << v.width) - 1;
    v.u = logic ? (v.u == 0 ? 1 : 0) : ~v.u & mask;
    *ret_value = v;
    return QT_OK;
}
