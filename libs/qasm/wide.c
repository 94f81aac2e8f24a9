/* Bits wider than 64: comparisons, bitwise operators, shifts and rotations. */
#include <string.h>

#include "qasm/value.h"

static size_t words_of(uint32_t width) {
    return ((size_t)width + 63) / 64;
}

static bool known_bit(const uint64_t *words, uint32_t i) {
    return (words[i / 64] >> (i % 64) & 1) != 0;
}

static void trim(uint64_t *words, uint32_t width) {
    if (width % 64 != 0) {
        words[width / 64] &= (UINT64_C(1) << (width % 64)) - 1;
    }
}

qt_code qasm_zero_bits(qasm_context *ctx, uint32_t width, qasm_value *ret) {
    qasm_value v = {.type = TYPE_BIT, .known = true, .width = width};
    if (width > 64) {
        v.words = qasm_alloc(ctx, words_of(width) * sizeof *v.words);
        if (v.words == NULL) {
            return QT_RESOURCE_EXHAUSTED;
        }
        memset(v.words, 0, words_of(width) * sizeof *v.words);
    }
    *ret = v;
    return QT_OK;
}

static qt_code build(qasm_context *ctx, qt_expr_kind kind, unsigned op, qt_type type,
                     uint32_t width, const qasm_value *a, const qasm_value *b, const char *at,
                     qasm_value *ret) {
    qt_expr e = {.kind = (uint8_t)kind, .op = (uint8_t)op, .type = (uint8_t)type, .width = width};
    QT_TRY(qasm_value_expr(ctx, a, at, &e.u.a));
    QT_TRY(b != NULL ? qasm_value_expr(ctx, b, at, &e.u.b) : QT_OK);
    *ret = (qasm_value){.type = type == QT_TYPE_BOOL ? TYPE_BOOL : TYPE_BIT, .width = width};
    return qasm_new_expr(ctx, e, at, &ret->expr);
}

static int order_of(const qasm_value *a, const qasm_value *b) {
    for (size_t i = words_of(a->width); i > 0; i--) {
        if (a->words[i - 1] != b->words[i - 1]) {
            return a->words[i - 1] < b->words[i - 1] ? -1 : 1;
        }
    }
    return 0;
}

static qt_code compare(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                       uint32_t width, const char *at, qasm_value *ret) {
    qasm_value x;
    qasm_value y;
    QT_TRY(qasm_cast(ctx, a, TYPE_BIT, a->width, at, &x));
    QT_TRY(qasm_cast(ctx, b, TYPE_BIT, b->width, at, &y));
    if (!x.known || !y.known) {
        return build(ctx, QT_EXPR_BINARY, op, QT_TYPE_BOOL, 1, &x, &y, at, ret);
    }
    QT_TRY(qasm_cast(ctx, &x, TYPE_BIT, width, at, &x));
    QT_TRY(qasm_cast(ctx, &y, TYPE_BIT, width, at, &y));
    *ret = qasm_bool_value(qasm_order_holds(op, order_of(&x, &y)));
    return QT_OK;
}

static qt_code combine(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                       qasm_value *ret) {
    qasm_value v;
    QT_TRY(qasm_zero_bits(ctx, a->width, &v));
    for (size_t i = 0; i < words_of(a->width); i++) {
        uint64_t x = a->words[i];
        uint64_t y = b->words[i];
        v.words[i] = op == QT_OPERATOR_BIT_AND ? (x & y) : op == QT_OPERATOR_BIT_OR ? x | y : x ^ y;
    }
    *ret = v;
    return QT_OK;
}

qt_code qasm_wide_binary(qasm_context *ctx, qt_operator op, const qasm_value *a,
                         const qasm_value *b, const char *at, qasm_value *ret) {
    bool integers = qasm_is_integral(a->type) && qasm_is_integral(b->type);
    uint32_t width = a->width > b->width ? a->width : b->width;
    if (integers && op >= QT_OPERATOR_EQ) {
        return compare(ctx, op, a, b, width, at, ret);
    }
    bool bitwise = op >= QT_OPERATOR_BIT_AND && op <= QT_OPERATOR_BIT_XOR;
    if (!integers || !bitwise) {
        return qasm_unsupported(ctx, at, "this operator on more than 64 bits is not supported");
    }
    qasm_value x;
    qasm_value y;
    QT_TRY(qasm_cast(ctx, a, TYPE_BIT, width, at, &x));
    QT_TRY(qasm_cast(ctx, b, TYPE_BIT, width, at, &y));
    if (x.known && y.known) {
        return combine(ctx, op, &x, &y, ret);
    }
    return build(ctx, QT_EXPR_BINARY, op, QT_TYPE_BIT, width, &x, &y, at, ret);
}

qt_code qasm_wide_shift(qasm_context *ctx, qt_operator op, const qasm_value *a,
                        const qasm_value *by, const char *at, qasm_value *ret) {
    qasm_value k;
    QT_TRY(qasm_cast(ctx, by, TYPE_UINT, 64, at, &k));
    if (!a->known || !k.known) {
        return build(ctx, QT_EXPR_BINARY, op, QT_TYPE_BIT, a->width, a, &k, at, ret);
    }
    qasm_value v;
    uint32_t width = a->width;
    bool left = op == QT_OPERATOR_SHL;
    QT_TRY(qasm_zero_bits(ctx, width, &v));
    for (uint32_t i = 0; k.u < width && i < width - (uint32_t)k.u; i++) {
        uint32_t low = i;
        uint32_t high = i + (uint32_t)k.u;
        uint32_t to = left ? high : low;
        v.words[to / 64] |= (uint64_t)known_bit(a->words, left ? low : high) << (to % 64);
    }
    *ret = v;
    return QT_OK;
}

qt_code qasm_wide_not(qasm_context *ctx, const qasm_value *a, const char *at, qasm_value *ret) {
    if (!a->known) {
        return build(ctx, QT_EXPR_UNARY, QT_OPERATOR_BIT_NOT, QT_TYPE_BIT, a->width, a, NULL, at,
                     ret);
    }
    qasm_value v;
    QT_TRY(qasm_zero_bits(ctx, a->width, &v));
    for (size_t i = 0; i < words_of(a->width); i++) {
        v.words[i] = ~a->words[i];
    }
    trim(v.words, a->width);
    *ret = v;
    return QT_OK;
}

qt_code qasm_wide_rotate(qasm_context *ctx, bool left, const qasm_value *a, const qasm_value *by,
                         const char *at, qasm_value *ret) {
    if (!a->known || !by->known) {
        return build(ctx, QT_EXPR_CALL, left ? QT_FUNC_ROTL : QT_FUNC_ROTR, QT_TYPE_BIT, a->width,
                     a, by, at, ret);
    }
    qasm_value v;
    int64_t width = a->width;
    int64_t k = ((int64_t)by->u % width * (left ? 1 : -1) + width) % width;
    QT_TRY(qasm_zero_bits(ctx, a->width, &v));
    for (uint32_t i = 0; i < a->width; i++) {
        uint32_t to = (uint32_t)((i + (uint64_t)k) % (uint64_t)width);
        v.words[to / 64] |= (uint64_t)known_bit(a->words, i) << (to % 64);
    }
    *ret = v;
    return QT_OK;
}
