/* Bits of classical values: reading and replacing some of them. */
#include "qasm/elab.h"

static bool is_slice(const ast_expr *item) {
    return item->kind == EXPR_RANGE || item->kind == EXPR_SET;
}

static qt_code outside(qasm_elab *e, const char *at, uint32_t width) {
    return qasm_syntax(e->ctx, at, "the index is out of range: there are %u bits", width);
}

static qt_code range_numbers(qasm_elab *e, const ast_expr *item, uint32_t width,
                             uint32_t **ret_numbers, uint32_t *ret_count) {
    qasm_range r;
    uint64_t count = 0;
    bool inside = false;
    QT_TRY(qasm_eval_slice(e, item, width, &r, &count, &inside));
    if (!inside) {
        return outside(e, item->at, width);
    }
    uint32_t *numbers = qasm_alloc(e->ctx, (size_t)(count + 1) * sizeof *numbers);
    if (numbers == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    QT_TRY(qasm_tick(e->ctx, item->at, count));
    for (uint64_t i = 0; i < count; i++) {
        numbers[i] = (uint32_t)(r.first + (int64_t)i * r.step);
    }
    *ret_numbers = numbers;
    *ret_count = (uint32_t)count;
    return QT_OK;
}

qt_code qasm_bit_numbers(qasm_elab *e, const ast_expr *item, uint32_t width, uint32_t **ret_numbers,
                         uint32_t *ret_count) {
    if (item->kind == EXPR_RANGE) {
        return range_numbers(e, item, width, ret_numbers, ret_count);
    }
    uint32_t *numbers = qasm_alloc(e->ctx, (item->count + 1) * sizeof *numbers);
    if (numbers == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < item->count; i++) {
        int64_t n = 0;
        QT_TRY(qasm_eval_index(e, item->list[i], width, &n));
        n += n < 0 ? (int64_t)width : 0;
        if (n < 0 || n >= (int64_t)width) {
            return outside(e, item->list[i]->at, width);
        }
        numbers[i] = (uint32_t)n;
    }
    *ret_numbers = numbers;
    *ret_count = item->count;
    return QT_OK;
}

/* Bit 0 of the result is the first that is named. */
static qt_code read_slice(qasm_elab *e, const qasm_value *v, const ast_expr *item, const char *at,
                          qasm_value *ret) {
    uint32_t *numbers = NULL;
    uint32_t count = 0;
    qasm_value all = {0};
    QT_TRY(qasm_bit_numbers(e, item, v->width, &numbers, &count));
    if (count == 0 || count > 64) {
        return qasm_unsupported(e->ctx, at, "a slice of %u bits as a value is not supported",
                                count);
    }
    for (uint32_t i = 0; i < count; i++) {
        qasm_value index = qasm_int_value(numbers[i]);
        qasm_value by = {.type = TYPE_UINT, .known = true, .width = 64, .u = i};
        qasm_value bit;
        QT_TRY(qasm_value_bit(e, v, &index, at, &bit));
        QT_TRY(qasm_cast(e->ctx, &bit, TYPE_UINT, count, at, &bit));
        QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_SHL, &bit, &by, at, &bit));
        if (i > 0) {
            QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_BIT_OR, &all, &bit, at, &bit));
        }
        all = bit;
    }
    return qasm_cast(e->ctx, &all, TYPE_BIT, count, at, ret);
}

static qt_code one_index(qasm_elab *e, const ast_expr *item, uint32_t width, qasm_value *ret) {
    QT_TRY(qasm_eval(e, item, ret));
    if (!qasm_is_integral(ret->type) || ret->width > 64) {
        return qasm_syntax(e->ctx, item->at, "an index is an integer");
    }
    if (ret->known) {
        int64_t i = (int64_t)ret->u;
        i += i < 0 ? (int64_t)width : 0;
        if (i < 0 || i >= (int64_t)width) {
            return outside(e, item->at, width);
        }
        *ret = qasm_int_value(i);
    }
    return QT_OK;
}

static qt_code need_bits(qasm_elab *e, const qasm_value *v, const char *at) {
    bool has =
        v->type == TYPE_BIT || v->type == TYPE_INT || v->type == TYPE_UINT || v->type == TYPE_ANGLE;
    return has ? QT_OK
               : qasm_syntax(e->ctx, at, "a value of type %s has no bits to index",
                             qasm_type_name(v->type));
}

qt_code qasm_bits_of_value(qasm_elab *e, const qasm_value *v, const ast_expr *item, const char *at,
                           qasm_value *ret_value) {
    qasm_value index;
    QT_TRY(need_bits(e, v, at));
    if (is_slice(item)) {
        return read_slice(e, v, item, at, ret_value);
    }
    QT_TRY(one_index(e, item, v->width, &index));
    return qasm_value_bit(e, v, &index, at, ret_value);
}

/* An angle is a fraction of a turn already. */
static qt_code as_unsigned(qasm_elab *e, const qasm_value *v, const char *at, qasm_value *ret) {
    if (v->type != TYPE_ANGLE) {
        return qasm_cast(e->ctx, v, TYPE_UINT, v->width, at, ret);
    }
    *ret = *v;
    ret->type = TYPE_UINT;
    return QT_OK;
}

/* old & ~(1 << i) | bit << i, as an unsigned number of the value's width. */
static qt_code with_bit(qasm_elab *e, const qasm_value *old, const qasm_value *i,
                        const qasm_value *bit, const char *at, qasm_value *ret) {
    qasm_value as_uint;
    qasm_value one = {.type = TYPE_UINT, .known = true, .width = old->width, .u = 1};
    qasm_value by;
    qasm_value set;
    qasm_value mask;
    QT_TRY(as_unsigned(e, old, at, &as_uint));
    QT_TRY(qasm_cast(e->ctx, i, TYPE_UINT, 64, at, &by));
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_SHL, &one, &by, at, &mask));
    QT_TRY(qasm_unary(e->ctx, QT_OPERATOR_BIT_NOT, &mask, at, &mask));
    QT_TRY(qasm_cast(e->ctx, bit, TYPE_BIT, 1, at, &set));
    QT_TRY(qasm_cast(e->ctx, &set, TYPE_UINT, old->width, at, &set));
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_SHL, &set, &by, at, &set));
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_BIT_AND, &as_uint, &mask, at, ret));
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_BIT_OR, ret, &set, at, ret));
    QT_TRY(qasm_cast(e->ctx, ret, TYPE_UINT, old->width, at, ret));
    if (old->type != TYPE_ANGLE) {
        return qasm_cast(e->ctx, ret, old->type, old->width, at, ret);
    }
    ret->type = TYPE_ANGLE;
    return QT_OK;
}

static qt_code with_slice(qasm_elab *e, const qasm_value *old, const ast_expr *item,
                          const qasm_value *value, const char *at, qasm_value *ret) {
    uint32_t *numbers = NULL;
    uint32_t count = 0;
    qasm_value bits;
    qasm_value all = *old;
    QT_TRY(qasm_bit_numbers(e, item, old->width, &numbers, &count));
    if (count == 0) {
        *ret = all;
        return QT_OK;
    }
    QT_TRY(qasm_cast(e->ctx, value, TYPE_BIT, count, at, &bits));
    for (uint32_t i = 0; i < count; i++) {
        qasm_value from = qasm_int_value(i);
        qasm_value to = qasm_int_value(numbers[i]);
        qasm_value bit;
        QT_TRY(qasm_value_bit(e, &bits, &from, at, &bit));
        QT_TRY(with_bit(e, &all, &to, &bit, at, &all));
    }
    *ret = all;
    return QT_OK;
}

qt_code qasm_with_bits(qasm_elab *e, const qasm_value *old, const ast_expr *item, uint8_t op,
                       const qasm_value *value, const char *at, qasm_value *ret_value) {
    qasm_value index;
    qasm_value v = *value;
    QT_TRY(need_bits(e, old, at));
    if (old->type == TYPE_BIT && old->width > 64) {
        return qasm_unsupported(e->ctx, at, "bits of this value cannot be assigned to");
    }
    if (op != NO_OP) {
        qasm_value part;
        QT_TRY(qasm_bits_of_value(e, old, item, at, &part));
        QT_TRY(qasm_binary(e->ctx, (qt_operator)op, &part, &v, at, &v));
    }
    if (is_slice(item)) {
        return with_slice(e, old, item, &v, at, ret_value);
    }
    QT_TRY(one_index(e, item, old->width, &index));
    return with_bit(e, old, &index, &v, at, ret_value);
}
