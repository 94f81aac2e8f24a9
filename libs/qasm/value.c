/* Conversions between classical types, of known values and of expressions. */
#include "qasm/value.h"

#include <math.h>
#include <string.h>

static const double two_pi = 6.283185307179586476925286766559;

const char *qasm_type_name(uint8_t type) {
    static const char *const names[] = {
        [TYPE_VOID] = "void",       [TYPE_BOOL] = "bool",       [TYPE_BIT] = "bit",
        [TYPE_INT] = "int",         [TYPE_UINT] = "uint",       [TYPE_FLOAT] = "float",
        [TYPE_ANGLE] = "angle",     [TYPE_COMPLEX] = "complex", [TYPE_DURATION] = "duration",
        [TYPE_STRETCH] = "stretch", [TYPE_QUBIT] = "qubit",     [TYPE_ARRAY] = "array"};
    return names[type];
}

bool qasm_is_integral(uint8_t type) {
    return type >= TYPE_BOOL && type <= TYPE_UINT;
}

qt_type qasm_ir_type(uint8_t type) {
    switch (type) {
    case TYPE_BOOL:
        return QT_TYPE_BOOL;
    case TYPE_BIT:
        return QT_TYPE_BIT;
    case TYPE_INT:
        return QT_TYPE_INT;
    case TYPE_FLOAT:
        return QT_TYPE_FLOAT;
    default:
        return QT_TYPE_UINT; /* angles too: a fraction of a turn */
    }
}

qt_code qasm_new_expr(qasm_context *ctx, qt_expr expr, const char *at, uint32_t *ret_expr) {
    QASM_BUILD(ctx, at, qt_build_expr(&ctx->builder, expr, ret_expr, err));
    return QT_OK;
}

qt_code qasm_value_expr(qasm_context *ctx, const qasm_value *v, const char *at,
                        uint32_t *ret_expr) {
    if (!v->known) {
        *ret_expr = v->expr;
        return QT_OK;
    }
    if (v->type == TYPE_COMPLEX || v->type >= TYPE_DURATION || v->type == TYPE_VOID) {
        return qasm_unsupported(ctx, at,
                                "a value of type %s known only at run time is not supported",
                                qasm_type_name(v->type));
    }
    qt_expr e = {.type = (uint8_t)qasm_ir_type(v->type), .width = v->width};
    if (v->type == TYPE_FLOAT) {
        e.kind = QT_EXPR_FLOAT;
        e.f = v->f;
        return qasm_new_expr(ctx, e, at, ret_expr);
    }
    if (v->type == TYPE_BIT && v->width > 64) {
        QASM_BUILD(ctx, at, qt_build_wide(&ctx->builder, v->words, v->width, ret_expr, err));
        return QT_OK;
    }
    e.kind = QT_EXPR_INT;
    e.i = (int64_t)v->u;
    return qasm_new_expr(ctx, e, at, ret_expr);
}

static uint64_t mask_of(uint32_t width) {
    return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

/* Cuts to a width: unsigned, or sign-extended for int. */
static uint64_t fit(uint64_t u, uint8_t type, uint32_t width) {
    u &= mask_of(width);
    bool negative = type == TYPE_INT && width < 64 && (u >> (width - 1) & 1) != 0;
    return negative ? u | ~mask_of(width) : u;
}

static double turn_fraction(uint64_t u, uint32_t width) {
    return ldexp((double)u, -(int)width);
}

/* The nearest fraction of a turn in width bits. */
static uint64_t angle_bits(double radians, uint32_t width) {
    long double turns = (long double)radians / 6.283185307179586476925286766559005768L;
    turns -= floorl(turns);
    long double scaled = roundl(ldexpl(turns, (int)width));
    return scaled >= 0x1p64L ? 0 : (uint64_t)scaled & mask_of(width);
}

static double to_double(const qasm_value *v) {
    switch (v->type) {
    case TYPE_FLOAT:
    case TYPE_COMPLEX:
    case TYPE_DURATION:
        return v->f;
    case TYPE_ANGLE:
        return turn_fraction(v->u, v->width) * two_pi;
    case TYPE_INT:
        return (double)(int64_t)v->u;
    default:
        return (double)v->u;
    }
}

bool qasm_truth(const qasm_value *v) {
    if (v->type == TYPE_FLOAT || v->type == TYPE_COMPLEX) {
        return v->f != 0 || (v->type == TYPE_COMPLEX && v->im != 0);
    }
    if (v->type == TYPE_BIT && v->width > 64) {
        for (uint32_t i = 0; i < (v->width + 63) / 64; i++) {
            if (v->words[i] != 0) {
                return true;
            }
        }
        return false;
    }
    return v->u != 0;
}

static qt_code no_cast(qasm_context *ctx, const qasm_value *v, uint8_t type, const char *at) {
    return qasm_syntax(ctx, at, "a value of type %s cannot become %s", qasm_type_name(v->type),
                       qasm_type_name(type));
}

static qt_code float_to_int(qasm_context *ctx, double f, uint8_t type, uint32_t width,
                            const char *at, qasm_value *ret) {
    if (!(fabs(f) < 0x1p63)) {
        return qasm_syntax(ctx, at, "the number is too large for an integer");
    }
    ret->u = fit((uint64_t)(int64_t)f, type, width);
    return QT_OK;
}

static qt_code cast_wide(qasm_context *ctx, const qasm_value *v, uint32_t width, const char *at,
                         qasm_value *ret) {
    size_t count = (width + 63) / 64;
    bool wide = v->type == TYPE_BIT && v->width > 64;
    if (!qasm_is_integral(v->type) && !(v->type == TYPE_ANGLE)) {
        return no_cast(ctx, v, TYPE_BIT, at);
    }
    uint64_t *words = qasm_alloc(ctx, count * sizeof *words);
    if (words == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    size_t have = wide ? (v->width + 63) / 64 : 1;
    const uint64_t *from = wide ? v->words : &v->u;
    memset(words, 0, count * sizeof *words);
    memcpy(words, from, (have < count ? have : count) * sizeof *words);
    if (width % 64 != 0) {
        words[count - 1] &= mask_of(width % 64);
    }
    ret->words = words;
    return QT_OK;
}

static qt_code cast_known(qasm_context *ctx, const qasm_value *v, uint8_t type, uint32_t width,
                          const char *at, qasm_value *ret) {
    bool wide_in = v->type == TYPE_BIT && v->width > 64;
    switch (type) {
    case TYPE_BOOL:
        ret->u = qasm_truth(v) ? 1 : 0;
        return QT_OK;
    case TYPE_FLOAT:
    case TYPE_COMPLEX:
        ret->f = to_double(v);
        ret->im = v->type == TYPE_COMPLEX ? v->im : 0;
        return v->type == TYPE_COMPLEX && type == TYPE_FLOAT ? no_cast(ctx, v, type, at) : QT_OK;
    case TYPE_ANGLE:
        if (v->type == TYPE_ANGLE) {
            ret->u = width >= v->width ? v->u << (width - v->width) : v->u >> (v->width - width);
        } else if (v->type == TYPE_BIT) {
            ret->u = fit(v->u, type, width);
        } else {
            ret->u = angle_bits(to_double(v), width);
        }
        return QT_OK;
    case TYPE_BIT:
        if (width > 64) {
            return cast_wide(ctx, v, width, at, ret);
        }
        if (v->type == TYPE_FLOAT) {
            return no_cast(ctx, v, type, at);
        }
        ret->u = fit(wide_in ? v->words[0] : v->u, type, width);
        return QT_OK;
    default:
        if (v->type == TYPE_FLOAT) {
            return float_to_int(ctx, v->f, type, width, at, ret);
        }
        ret->u = fit(wide_in ? v->words[0] : v->u, type, width);
        return v->type == TYPE_ANGLE ? no_cast(ctx, v, type, at) : QT_OK;
    }
}

static qt_code node(qasm_context *ctx, qt_expr_kind kind, unsigned op, qt_type type, uint32_t width,
                    uint32_t a, uint32_t b, const char *at, uint32_t *ret_expr) {
    qt_expr e = {.kind = (uint8_t)kind,
                 .op = (uint8_t)op,
                 .type = (uint8_t)type,
                 .width = width,
                 .u = {a, b}};
    return qasm_new_expr(ctx, e, at, ret_expr);
}

static qt_code float_const(qasm_context *ctx, double f, const char *at, uint32_t *ret_expr) {
    qt_expr e = {.kind = QT_EXPR_FLOAT, .type = QT_TYPE_FLOAT, .width = 64, .f = f};
    return qasm_new_expr(ctx, e, at, ret_expr);
}

static qt_code scale(qasm_context *ctx, uint32_t a, double factor, const char *at,
                     uint32_t *ret_expr) {
    uint32_t f = 0;
    QT_TRY(float_const(ctx, factor, at, &f));
    return node(ctx, QT_EXPR_BINARY, QT_OPERATOR_MUL, QT_TYPE_FLOAT, 64, a, f, at, ret_expr);
}

/* Radians to the nearest fraction of a turn: floor(frac(x / 2pi) * 2^width + 1/2). */
static qt_code radians_to_angle(qasm_context *ctx, uint32_t a, uint32_t width, const char *at,
                                uint32_t *ret_expr) {
    uint32_t turns = 0;
    uint32_t half = 0;
    QT_TRY(scale(ctx, a, ldexp(1 / two_pi, (int)width), at, &turns));
    QT_TRY(float_const(ctx, 0.5, at, &half));
    QT_TRY(node(ctx, QT_EXPR_BINARY, QT_OPERATOR_ADD, QT_TYPE_FLOAT, 64, turns, half, at, &turns));
    QT_TRY(node(ctx, QT_EXPR_CALL, QT_FUNC_FLOOR, QT_TYPE_FLOAT, 64, turns, 0, at, &turns));
    QT_TRY(node(ctx, QT_EXPR_CAST, 0, QT_TYPE_INT, 64, turns, 0, at, &turns));
    return node(ctx, QT_EXPR_CAST, 0, QT_TYPE_UINT, width, turns, 0, at, ret_expr);
}

static qt_code resize_angle(qasm_context *ctx, const qasm_value *v, uint32_t width, const char *at,
                            uint32_t *ret_expr) {
    if (width == v->width) {
        *ret_expr = v->expr;
        return QT_OK;
    }
    bool grow = width > v->width;
    qt_expr count = {.kind = QT_EXPR_INT, .type = QT_TYPE_UINT, .width = 64};
    count.i = grow ? width - v->width : v->width - width;
    uint32_t by = 0;
    uint32_t a = v->expr;
    QT_TRY(qasm_new_expr(ctx, count, at, &by));
    uint32_t wide = grow ? width : v->width;
    QT_TRY(node(ctx, QT_EXPR_CAST, 0, QT_TYPE_UINT, wide, a, 0, at, &a));
    QT_TRY(node(ctx, QT_EXPR_BINARY, grow ? QT_OPERATOR_SHL : QT_OPERATOR_SHR, QT_TYPE_UINT, wide,
                a, by, at, &a));
    return node(ctx, QT_EXPR_CAST, 0, QT_TYPE_UINT, width, a, 0, at, ret_expr);
}

static qt_code cast_expr(qasm_context *ctx, const qasm_value *v, uint8_t type, uint32_t width,
                         const char *at, uint32_t *ret_expr) {
    uint32_t a = v->expr;
    if (type >= TYPE_DURATION) {
        return qasm_unsupported(ctx, at,
                                "a value of type %s known only at run time is not supported",
                                qasm_type_name(type));
    }
    if (type == TYPE_ANGLE && v->type == TYPE_ANGLE) {
        return resize_angle(ctx, v, width, at, ret_expr);
    }
    if (type == TYPE_ANGLE && v->type != TYPE_BIT) {
        QT_TRY(node(ctx, QT_EXPR_CAST, 0, QT_TYPE_FLOAT, 64, a, 0, at, &a));
        return radians_to_angle(ctx, a, width, at, ret_expr);
    }
    if (type == TYPE_FLOAT && v->type == TYPE_ANGLE) {
        QT_TRY(node(ctx, QT_EXPR_CAST, 0, QT_TYPE_FLOAT, 64, a, 0, at, &a));
        return scale(ctx, a, ldexp(two_pi, -(int)v->width), at, ret_expr);
    }
    bool bad = (type == TYPE_BIT && v->type == TYPE_FLOAT) ||
               (v->type == TYPE_ANGLE && (type == TYPE_INT || type == TYPE_UINT));
    if (bad) {
        return no_cast(ctx, v, type, at);
    }
    return node(ctx, QT_EXPR_CAST, 0, qasm_ir_type(type), width, a, 0, at, ret_expr);
}

/* Of numbers known only at run time. */
static qt_code cast_complex(qasm_context *ctx, const qasm_value *v, uint8_t type, const char *at,
                            qasm_value *ret_value) {
    qasm_value re;
    qasm_value im = qasm_float_value(0);
    if (type == TYPE_BOOL) {
        qasm_value zero = {.type = TYPE_COMPLEX, .known = true, .width = 64};
        return qasm_complex_binary(ctx, QT_OPERATOR_NE, v, &zero, at, ret_value);
    }
    if (v->type == TYPE_COMPLEX) {
        *ret_value = *v;
        return QT_OK;
    }
    QT_TRY(qasm_cast(ctx, v, TYPE_FLOAT, 64, at, &re));
    return qasm_make_complex(ctx, &re, &im, at, ret_value);
}

qt_code qasm_cast(qasm_context *ctx, const qasm_value *v, uint8_t type, uint32_t width,
                  const char *at, qasm_value *ret_value) {
    if (v->type == type && v->width == width) {
        qasm_value same = *v;
        same.literal = false;
        *ret_value = same;
        return QT_OK;
    }
    bool odd = v->type >= TYPE_DURATION || v->type == TYPE_VOID || type >= TYPE_DURATION;
    if (odd) {
        return no_cast(ctx, v, type, at);
    }
    if (v->type == TYPE_COMPLEX && type != TYPE_COMPLEX && type != TYPE_BOOL) {
        return no_cast(ctx, v, type, at);
    }
    if (!v->known && (type == TYPE_COMPLEX || v->type == TYPE_COMPLEX)) {
        return cast_complex(ctx, v, type, at, ret_value);
    }
    qasm_value cast = {.type = type, .known = v->known, .width = width, .expr = QT_NO_INDEX};
    if (v->known) {
        QT_TRY(cast_known(ctx, v, type, width, at, &cast));
    } else {
        QT_TRY(cast_expr(ctx, v, type, width, at, &cast.expr));
    }
    *ret_value = cast;
    return QT_OK;
}
