#include "sim/value.h"

#include "sim/wide.h"

#include <math.h>
#include <string.h>

static const double two_pi = 2 * M_PI;

static bool is_integer(qt_type type) {
    return type != QT_TYPE_FLOAT && type != QT_TYPE_ANGLE;
}

static uint64_t fit(qt_type type, uint32_t width, uint64_t u) {
    if (width == 0 || width >= 64) {
        return u;
    }
    u &= (UINT64_C(1) << width) - 1;
    bool negative = type == QT_TYPE_INT && (u >> (width - 1) & 1) != 0;
    return negative ? u | ~UINT64_C(0) << width : u;
}

qt_value qt_value_int(qt_type type, uint32_t width, uint64_t u) {
    return (qt_value){.type = type, .width = width, .u = fit(type, width, u)};
}

qt_value qt_value_float(qt_type type, double f) {
    if (type == QT_TYPE_ANGLE) {
        f = fmod(f, two_pi);
        f = f < 0 ? f + two_pi : f;
        f = f >= two_pi ? 0 : f;
    }
    return (qt_value){.type = type, .width = 64, .f = f};
}

bool qt_value_true(const qt_value *v) {
    if (v->words != NULL) {
        return qt_wide_popcount(v->words, qt_words_of(v->width)) != 0;
    }
    return is_integer(v->type) ? v->u != 0 : v->f != 0;
}

double qt_value_double(const qt_value *v) {
    if (v->words != NULL) {
        double sum = 0;
        for (size_t i = qt_words_of(v->width); i-- > 0;) {
            sum = sum * 0x1p64 + (double)v->words[i];
        }
        return sum;
    }
    if (!is_integer(v->type)) {
        return v->f;
    }
    return v->type == QT_TYPE_INT ? (double)(int64_t)v->u : (double)v->u;
}

int64_t qt_value_int64(const qt_value *v) {
    if (v->words != NULL) {
        return (int64_t)v->words[0];
    }
    if (is_integer(v->type)) {
        return (int64_t)v->u;
    }
    if (isnan(v->f)) {
        return 0;
    }
    return v->f >= 0x1p63 ? INT64_MAX : v->f < -0x1p63 ? INT64_MIN : (int64_t)v->f;
}

bool qt_value_bit(const qt_value *v, uint64_t i) {
    if (v->words != NULL) {
        return i < v->width && (v->words[i / 64] >> (i % 64) & 1) != 0;
    }
    if (i >= 64) {
        return v->type == QT_TYPE_INT && (int64_t)v->u < 0;
    }
    return (v->u >> i & 1) != 0;
}

/* An angle as a fraction of 2 pi in `width` bits, and back. */
static uint64_t angle_bits(double angle, uint32_t width) {
    uint32_t bits = width == 0 || width > 52 ? 52 : width;
    uint64_t u = (uint64_t)llround(angle / two_pi * (double)(UINT64_C(1) << bits));
    return (u & ((UINT64_C(1) << bits) - 1)) << (width > bits ? width - bits : 0);
}

static double angle_of_bits(uint64_t u, uint32_t width) {
    return ldexp((double)u, -(int)(width == 0 ? 64 : width)) * two_pi;
}

static qt_code new_words(qt_arena *arena, uint32_t bits, uint64_t **ret_words, qt_err *err) {
    return qt_arena_try_calloc(arena, qt_words_of(bits), sizeof **ret_words, (void **)ret_words,
                               err);
}

/* The integer's words, sign-extended or cut to the width. */
static qt_code widen(const qt_value *v, uint32_t width, qt_arena *arena, uint64_t **ret_words,
                     qt_err *err) {
    uint64_t *words = NULL;
    QT_TRY(new_words(arena, width, &words, err));
    size_t count = qt_words_of(width);
    if (v->words != NULL) {
        size_t have = qt_words_of(v->width);
        memcpy(words, v->words, (have < count ? have : count) * sizeof *words);
    } else {
        bool negative = v->type == QT_TYPE_INT && (int64_t)v->u < 0;
        memset(words, negative ? 0xFF : 0, count * sizeof *words);
        words[0] = is_integer(v->type) ? v->u : (uint64_t)qt_value_int64(v);
    }
    qt_wide_trim(words, width);
    *ret_words = words;
    return QT_OK;
}

static qt_value wide_value(qt_type type, uint32_t width, const uint64_t *words) {
    qt_value v = {.type = type, .width = width};
    if (width > 64) {
        v.words = words;
    } else {
        v.u = fit(type, width, words[0]);
    }
    return v;
}

static qt_code cast_to_integer(const qt_value *v, qt_type type, uint32_t width, qt_arena *arena,
                               qt_value *ret_value, qt_err *err) {
    if (type == QT_TYPE_BOOL) {
        *ret_value = qt_value_int(QT_TYPE_BOOL, 1, qt_value_true(v));
        return QT_OK;
    }
    if (width > 64) {
        uint64_t *words = NULL;
        QT_TRY(widen(v, width, arena, &words, err));
        *ret_value = wide_value(type, width, words);
        return QT_OK;
    }
    uint64_t u = v->words != NULL ? v->words[0] : v->u;
    if (v->type == QT_TYPE_ANGLE) {
        u = angle_bits(v->f, width);
    } else if (v->type == QT_TYPE_FLOAT) {
        bool large = type == QT_TYPE_UINT && v->f >= 0x1p63 && v->f < 0x1p64;
        u = large ? (uint64_t)v->f : (uint64_t)qt_value_int64(v);
    }
    *ret_value = qt_value_int(type, width, u);
    return QT_OK;
}

qt_code qt_value_cast(const qt_value *v, qt_type type, uint32_t width, qt_arena *arena,
                      qt_value *ret_value, qt_err *err) {
    if (is_integer(type)) {
        return cast_to_integer(v, type, width, arena, ret_value, err);
    }
    bool fraction = type == QT_TYPE_ANGLE && v->type == QT_TYPE_BIT && v->words == NULL;
    *ret_value =
        qt_value_float(type, fraction ? angle_of_bits(v->u, v->width) : qt_value_double(v));
    ret_value->width = width;
    return QT_OK;
}

static qt_code unsupported(const char *what, qt_type type, uint32_t width, qt_err *err) {
    static const char *const names[] = {"bool", "bit", "int", "uint", "float", "angle"};
    return qt_fail(err, CIRCUIT_UNSUPPORTED, "%s is not supported for %s[%u]", what, names[type],
                   width);
}

static const char *operator_name(qt_operator op) {
    static const char *const names[] = {
        [QT_OPERATOR_ADD] = "+",    [QT_OPERATOR_SUB] = "-",     [QT_OPERATOR_MUL] = "*",
        [QT_OPERATOR_DIV] = "/",    [QT_OPERATOR_MOD] = "%",     [QT_OPERATOR_POW] = "**",
        [QT_OPERATOR_NEG] = "-",    [QT_OPERATOR_BIT_NOT] = "~", [QT_OPERATOR_BIT_AND] = "&",
        [QT_OPERATOR_BIT_OR] = "|", [QT_OPERATOR_BIT_XOR] = "^", [QT_OPERATOR_SHL] = "<<",
        [QT_OPERATOR_SHR] = ">>",   [QT_OPERATOR_NOT] = "!",     [QT_OPERATOR_AND] = "&&",
        [QT_OPERATOR_OR] = "||",    [QT_OPERATOR_EQ] = "==",     [QT_OPERATOR_NE] = "!=",
        [QT_OPERATOR_LT] = "<",     [QT_OPERATOR_LE] = "<=",     [QT_OPERATOR_GT] = ">",
        [QT_OPERATOR_GE] = ">=",
    };
    return names[op];
}

qt_code qt_value_unary(qt_operator op, const qt_value *a, qt_type type, uint32_t width,
                       qt_arena *arena, qt_value *ret_value, qt_err *err) {
    if (op == QT_OPERATOR_NOT) {
        *ret_value = qt_value_int(QT_TYPE_BOOL, 1, !qt_value_true(a));
        return QT_OK;
    }
    if (op == QT_OPERATOR_NEG && !is_integer(type)) {
        *ret_value = qt_value_float(type, -qt_value_double(a));
        ret_value->width = width;
        return QT_OK;
    }
    if (op != QT_OPERATOR_NEG && op != QT_OPERATOR_BIT_NOT) {
        return unsupported(operator_name(op), type, width, err);
    }
    /* -x = 0 - x, ~x = -1 - x */
    qt_value left = qt_value_int(QT_TYPE_INT, 64, op == QT_OPERATOR_NEG ? 0 : ~UINT64_C(0));
    if (type == QT_TYPE_ANGLE) {
        left = qt_value_int(QT_TYPE_BIT, width, ~UINT64_C(0));
        return qt_value_binary(QT_OPERATOR_BIT_XOR, a, &left, type, width, arena, ret_value, err);
    }
    return qt_value_binary(QT_OPERATOR_SUB, &left, a, type, width, arena, ret_value, err);
}

/* -1, 0, 1; 2 when one is not a number. */
static qt_code compare(const qt_value *a, const qt_value *b, qt_arena *arena, int *ret_order,
                       qt_err *err) {
    if (!is_integer(a->type) || !is_integer(b->type)) {
        double x = qt_value_double(a);
        double y = qt_value_double(b);
        *ret_order = x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
        return QT_OK;
    }
    bool a_negative = a->type == QT_TYPE_INT && (int64_t)a->u < 0;
    bool b_negative = b->type == QT_TYPE_INT && (int64_t)b->u < 0;
    if (a_negative != b_negative) {
        *ret_order = a_negative ? -1 : 1;
        return QT_OK;
    }
    if (a->words != NULL || b->words != NULL) {
        uint32_t width = a->width > b->width ? a->width : b->width;
        uint64_t *x = NULL;
        uint64_t *y = NULL;
        width = width < 64 ? 64 : width;
        QT_TRY(widen(a, width, arena, &x, err));
        QT_TRY(widen(b, width, arena, &y, err));
        *ret_order = qt_wide_compare(x, y, qt_words_of(width));
        return QT_OK;
    }
    *ret_order = a->u < b->u ? -1 : a->u > b->u; /* both of one sign: the order of the words */
    return QT_OK;
}

static bool order_fits(qt_operator op, int order) {
    if (op == QT_OPERATOR_NE) {
        return order != 0;
    }
    if (order == 2) {
        return false;
    }
    return op == QT_OPERATOR_EQ   ? order == 0
           : op == QT_OPERATOR_LT ? order < 0
           : op == QT_OPERATOR_LE ? order <= 0
           : op == QT_OPERATOR_GT ? order > 0
                                  : order >= 0;
}

static qt_code binary_double(qt_operator op, const qt_value *a, const qt_value *b, qt_type type,
                             uint32_t width, qt_value *ret_value, qt_err *err) {
    double x = qt_value_double(a);
    double y = qt_value_double(b);
    double r;
    if (op == QT_OPERATOR_ADD) {
        r = x + y;
    } else if (op == QT_OPERATOR_SUB) {
        r = x - y;
    } else if (op == QT_OPERATOR_MUL) {
        r = x * y;
    } else if (op == QT_OPERATOR_DIV) {
        r = x / y;
    } else if (op == QT_OPERATOR_MOD) {
        r = fmod(x, y);
    } else if (op == QT_OPERATOR_POW) {
        r = pow(x, y);
    } else {
        return unsupported(operator_name(op), type, width, err);
    }
    *ret_value = qt_value_float(type, r);
    ret_value->width = width;
    return QT_OK;
}

static qt_code divide(qt_operator op, uint64_t x, uint64_t y, bool is_signed, uint64_t *ret_u,
                      qt_err *err) {
    bool modulo = op == QT_OPERATOR_MOD;
    if (y == 0) {
        return qt_fail(err, CIRCUIT_RUN_ERROR, "%s by zero", modulo ? "modulo" : "division");
    }
    if (!is_signed) {
        *ret_u = modulo ? x % y : x / y;
    } else if ((int64_t)y == -1) {
        *ret_u = modulo ? 0 : -x;
    } else {
        *ret_u = (uint64_t)(modulo ? (int64_t)x % (int64_t)y : (int64_t)x / (int64_t)y);
    }
    return QT_OK;
}

static uint64_t power(uint64_t base, uint64_t exponent, bool is_signed) {
    if (is_signed && (int64_t)exponent < 0) {
        bool odd = (exponent & 1) != 0;
        return base == 1 ? 1 : base == ~UINT64_C(0) ? (odd ? base : 1) : 0;
    }
    uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1) {
        result *= (exponent & 1) != 0 ? base : 1;
        base *= base;
    }
    return result;
}

static uint64_t shift(qt_operator op, const qt_value *a, const qt_value *by) {
    uint64_t k = by->words != NULL ? 64 : (uint64_t)qt_value_int64(by);
    bool negative = a->type == QT_TYPE_INT && (int64_t)a->u < 0;
    if (op == QT_OPERATOR_SHL) {
        return k >= 64 ? 0 : a->u << k;
    }
    if (k >= 64) {
        return negative ? ~UINT64_C(0) : 0;
    }
    return negative ? (uint64_t)((int64_t)a->u >> k) : a->u >> k;
}

static qt_code binary_word(qt_operator op, const qt_value *a, const qt_value *b, qt_type type,
                           uint32_t width, qt_value *ret_value, qt_err *err) {
    uint64_t x = is_integer(a->type) ? a->u : (uint64_t)qt_value_int64(a);
    uint64_t y = is_integer(b->type) ? b->u : (uint64_t)qt_value_int64(b);
    bool is_signed = type == QT_TYPE_INT;
    uint64_t r = 0;
    if (op == QT_OPERATOR_ADD) {
        r = x + y;
    } else if (op == QT_OPERATOR_SUB) {
        r = x - y;
    } else if (op == QT_OPERATOR_MUL) {
        r = x * y;
    } else if (op == QT_OPERATOR_DIV || op == QT_OPERATOR_MOD) {
        QT_TRY(divide(op, x, y, is_signed, &r, err));
    } else if (op == QT_OPERATOR_POW) {
        r = power(x, y, b->type == QT_TYPE_INT);
    } else if (op == QT_OPERATOR_BIT_AND) {
        r = x & y;
    } else if (op == QT_OPERATOR_BIT_OR) {
        r = x | y;
    } else if (op == QT_OPERATOR_BIT_XOR) {
        r = x ^ y;
    } else if (op == QT_OPERATOR_SHL || op == QT_OPERATOR_SHR) {
        r = shift(op, a, b);
    } else {
        return unsupported(operator_name(op), type, width, err);
    }
    *ret_value = qt_value_int(type, width, r);
    return QT_OK;
}

static qt_code binary_wide(qt_operator op, const qt_value *a, const qt_value *b, qt_type type,
                           uint32_t width, qt_arena *arena, qt_value *ret_value, qt_err *err) {
    uint32_t bits = width;
    bits = a->width > bits ? a->width : bits;
    bits = b->width > bits ? b->width : bits;
    uint64_t *x = NULL;
    uint64_t *y = NULL;
    uint64_t *to = NULL;
    bool is_shift = op == QT_OPERATOR_SHL || op == QT_OPERATOR_SHR;
    QT_TRY(widen(a, bits, arena, &x, err));
    QT_TRY(widen(b, bits, arena, &y, err));
    QT_TRY(new_words(arena, bits, &to, err));
    uint64_t by = !is_shift || b->words != NULL ? bits : (uint64_t)qt_value_int64(b);
    if (op == QT_OPERATOR_ADD) {
        qt_wide_add(to, x, y, bits);
    } else if (op == QT_OPERATOR_SUB) {
        qt_wide_sub(to, x, y, bits);
    } else if (op == QT_OPERATOR_SHL) {
        qt_wide_shl(to, x, by, bits);
    } else if (op == QT_OPERATOR_SHR) {
        qt_wide_shr(to, x, by, bits);
    } else if (op == QT_OPERATOR_BIT_AND || op == QT_OPERATOR_BIT_OR || op == QT_OPERATOR_BIT_XOR) {
        for (size_t i = 0; i < qt_words_of(bits); i++) {
            to[i] = op == QT_OPERATOR_BIT_AND  ? x[i] & y[i]
                    : op == QT_OPERATOR_BIT_OR ? x[i] | y[i]
                                               : x[i] ^ y[i];
        }
    } else {
        return unsupported(operator_name(op), type, bits, err);
    }
    qt_wide_trim(to, width);
    *ret_value = wide_value(type, width, to);
    return QT_OK;
}

/* Angles: +, -, and * and / by numbers are those of real numbers modulo 2 pi; what works on bits
 * uses the fraction. */
static qt_code binary_angle(qt_operator op, const qt_value *a, const qt_value *b, uint32_t width,
                            qt_value *ret_value, qt_err *err) {
    bool arithmetic = op == QT_OPERATOR_ADD || op == QT_OPERATOR_SUB || op == QT_OPERATOR_MUL ||
                      op == QT_OPERATOR_DIV || op == QT_OPERATOR_MOD || op == QT_OPERATOR_POW;
    if (arithmetic) {
        return binary_double(op, a, b, QT_TYPE_ANGLE, width, ret_value, err);
    }
    qt_value x = *a;
    qt_value y = *b;
    if (x.type == QT_TYPE_ANGLE) {
        x = qt_value_int(QT_TYPE_BIT, width, angle_bits(x.f, width));
    }
    if (y.type == QT_TYPE_ANGLE) {
        y = qt_value_int(QT_TYPE_BIT, width, angle_bits(y.f, width));
    }
    qt_value bits;
    QT_TRY(binary_word(op, &x, &y, QT_TYPE_BIT, width, &bits, err));
    *ret_value = qt_value_float(QT_TYPE_ANGLE, angle_of_bits(bits.u, width));
    ret_value->width = width;
    return QT_OK;
}

qt_code qt_value_binary(qt_operator op, const qt_value *a, const qt_value *b, qt_type type,
                        uint32_t width, qt_arena *arena, qt_value *ret_value, qt_err *err) {
    if (op == QT_OPERATOR_AND || op == QT_OPERATOR_OR) {
        bool x = qt_value_true(a);
        bool y = qt_value_true(b);
        *ret_value = qt_value_int(QT_TYPE_BOOL, 1, op == QT_OPERATOR_AND ? x && y : x || y);
        return QT_OK;
    }
    if (op >= QT_OPERATOR_EQ) {
        int order = 0;
        QT_TRY(compare(a, b, arena, &order, err));
        *ret_value = qt_value_int(QT_TYPE_BOOL, 1, order_fits(op, order));
        return QT_OK;
    }
    if (type == QT_TYPE_FLOAT) {
        return binary_double(op, a, b, type, width, ret_value, err);
    }
    if (type == QT_TYPE_ANGLE) {
        return binary_angle(op, a, b, width, ret_value, err);
    }
    if (a->type == QT_TYPE_ANGLE && b->type == QT_TYPE_ANGLE && op == QT_OPERATOR_DIV) {
        if (b->f == 0) {
            return qt_fail(err, CIRCUIT_RUN_ERROR, "division by zero");
        }
        *ret_value = qt_value_int(type, width, (uint64_t)floor(a->f / b->f));
        return QT_OK;
    }
    if (a->words != NULL || b->words != NULL || width > 64) {
        return binary_wide(op, a, b, type, width, arena, ret_value, err);
    }
    return binary_word(op, a, b, type, width, ret_value, err);
}

static qt_code rotate(const qt_value *a, const qt_value *by, bool left, qt_arena *arena,
                      qt_value *ret_value, qt_err *err) {
    qt_value bits = *a;
    if (a->type == QT_TYPE_ANGLE) {
        bits = qt_value_int(QT_TYPE_BIT, a->width, angle_bits(a->f, a->width));
    }
    uint32_t width = bits.width == 0 ? 1 : bits.width;
    int64_t k = qt_value_int64(by) % (int64_t)width;
    k = left ? k : -k;
    k = k < 0 ? k + (int64_t)width : k;
    uint64_t *from = NULL;
    uint64_t *to = NULL;
    QT_TRY(widen(&bits, width, arena, &from, err));
    QT_TRY(new_words(arena, width, &to, err));
    qt_wide_rotl(to, from, (uint64_t)k, width);
    *ret_value = wide_value(bits.type, width, to);
    if (a->type == QT_TYPE_ANGLE) {
        *ret_value = qt_value_float(QT_TYPE_ANGLE, angle_of_bits(to[0], width));
    }
    return QT_OK;
}

static double call_double(qt_func func, double x) {
    static double (*const functions[])(double) = {
        [QT_FUNC_SIN] = sin,      [QT_FUNC_COS] = cos,     [QT_FUNC_TAN] = tan,
        [QT_FUNC_ARCSIN] = asin,  [QT_FUNC_ARCCOS] = acos, [QT_FUNC_ARCTAN] = atan,
        [QT_FUNC_EXP] = exp,      [QT_FUNC_LOG] = log,     [QT_FUNC_SQRT] = sqrt,
        [QT_FUNC_CEILING] = ceil, [QT_FUNC_FLOOR] = floor, [QT_FUNC_ABS] = fabs,
    };
    return functions[func](x);
}

qt_code qt_value_call(qt_func func, const qt_value *a, const qt_value *b, qt_type type,
                      uint32_t width, qt_arena *arena, qt_value *ret_value, qt_err *err) {
    if (func == QT_FUNC_POPCOUNT) {
        uint64_t bits =
            a->type == QT_TYPE_INT && a->width < 64 ? a->u & ((UINT64_C(1) << a->width) - 1) : a->u;
        uint64_t count = a->words != NULL ? qt_wide_popcount(a->words, qt_words_of(a->width))
                                          : (uint64_t)__builtin_popcountll(bits);
        *ret_value = qt_value_int(type, width, count);
        return QT_OK;
    }
    if (func == QT_FUNC_ROTL || func == QT_FUNC_ROTR) {
        return rotate(a, b, func == QT_FUNC_ROTL, arena, ret_value, err);
    }
    if (func == QT_FUNC_ABS && is_integer(a->type) && is_integer(type)) {
        bool negative = a->type == QT_TYPE_INT && (int64_t)a->u < 0;
        *ret_value = qt_value_int(type, width, negative ? -a->u : a->u);
        return QT_OK;
    }
    qt_value result = qt_value_float(QT_TYPE_FLOAT, call_double(func, qt_value_double(a)));
    return qt_value_cast(&result, type, width, arena, ret_value, err);
}
