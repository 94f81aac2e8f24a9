/* Which qubits or classical bits an expression names. */
#include "qasm/elab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool qasm_names_kind(const ast_expr *expr, qasm_symbol_kind kind) {
    while (expr->kind == EXPR_INDEX || expr->kind == EXPR_CONCAT) {
        expr = expr->a;
    }
    if (expr->kind != EXPR_NAME || expr->name->meaning != MEANING_SYMBOL) {
        return false;
    }
    return ((const qasm_symbol *)expr->name->data)->kind == kind;
}

/* A hardware qubit is a register of its own, made when it is first named. */
static qt_code hardware(qasm_elab *e, const ast_expr *expr, qasm_bits *ret) {
    char text[32];
    if (e->virtual_qubits) {
        return qasm_syntax(e->ctx, expr->at,
                           "hardware qubits cannot be mixed with declared qubits");
    }
    snprintf(text, sizeof text, "$%llu", (unsigned long long)expr->i);
    qasm_name *name = qasm_names_add(&e->ctx->names, &e->ctx->arena, text);
    if (name == NULL) {
        return qasm_no_memory(e->ctx);
    }
    if (name->meaning != MEANING_QREG) {
        qt_builder *b = &e->ctx->builder;
        QASM_BUILD(e->ctx, expr->at,
                   qt_build_register(b, QT_REGISTER_QUBIT, name->text, 1, &name->index, err));
        b->circuit->registers[name->index].scalar = true;
        name->meaning = MEANING_QREG;
        e->hardware_qubits = true;
    }
    ret->one = e->ctx->builder.circuit->registers[name->index].first;
    ret->count = 1;
    ret->single = true;
    return QT_OK;
}

static qt_code name_bits(qasm_elab *e, const ast_expr *expr, qasm_symbol_kind kind,
                         qasm_bits *ret) {
    const qasm_symbol *symbol = qasm_find(e, expr->name, expr->at);
    if (symbol == NULL) {
        return QT_INVALID_ARGUMENT;
    }
    if (symbol->kind != kind) {
        return qasm_syntax(e->ctx, expr->at, "'%.60s' is no %s", expr->name->text,
                           kind == SYMBOL_QUBITS ? "qubit" : "register of bits");
    }
    ret->items = symbol->bits;
    ret->count = symbol->count;
    ret->single = symbol->scalar;
    ret->reg = symbol->reg;
    return QT_OK;
}

/* In a case of a run-time index that cannot be reached this is no error. */
static qt_code out_of_range(qasm_elab *e, const char *at, uint32_t count) {
    if (e->choices != NULL) {
        e->outside = true;
        return QT_INVALID_ARGUMENT;
    }
    return qasm_syntax(e->ctx, at, "the index is out of range: there are %u bits", count);
}

static qt_code pick_one(qasm_elab *e, const qasm_bits *from, const ast_expr *index,
                        uint32_t *ret_bit) {
    int64_t i = 0;
    QT_TRY(qasm_eval_index(e, index, from->count, &i));
    i += i < 0 ? (int64_t)from->count : 0;
    if (i < 0 || i >= (int64_t)from->count) {
        return out_of_range(e, index->at, from->count);
    }
    *ret_bit = qasm_bit(from, (uint32_t)i);
    return QT_OK;
}

/* NULL after a diagnostic. */
static uint32_t *new_bits(qasm_elab *e, uint64_t count, const char *at) {
    if (qasm_tick(e->ctx, at, count) != QT_OK) {
        return NULL;
    }
    return qasm_alloc(e->ctx, (size_t)(count + 1) * sizeof(uint32_t));
}

static qt_code pick_range(qasm_elab *e, const qasm_bits *from, const ast_expr *range,
                          qasm_bits *ret) {
    qasm_range r;
    uint64_t count = 0;
    bool inside = false;
    QT_TRY(qasm_eval_slice(e, range, from->count, &r, &count, &inside));
    if (!inside) {
        return out_of_range(e, range->at, from->count);
    }
    uint32_t *bits = new_bits(e, count, range->at);
    if (bits == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint64_t i = 0; i < count; i++) {
        bits[i] = qasm_bit(from, (uint32_t)(r.first + (int64_t)i * r.step));
    }
    ret->items = bits;
    ret->count = (uint32_t)count;
    return QT_OK;
}

static qt_code pick_set(qasm_elab *e, const qasm_bits *from, const ast_expr *set, qasm_bits *ret) {
    uint32_t *bits = new_bits(e, set->count, set->at);
    if (bits == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        QT_TRY(pick_one(e, from, set->list[i], &bits[i]));
    }
    ret->items = bits;
    ret->count = set->count;
    return QT_OK;
}

static qt_code resolve(qasm_elab *e, const ast_expr *expr, qasm_symbol_kind kind, qasm_bits *ret);

static qt_code index_bits(qasm_elab *e, const ast_expr *expr, qasm_symbol_kind kind,
                          qasm_bits *ret) {
    qasm_bits from;
    QT_TRY(resolve(e, expr->a, kind, &from));
    ret->at = from.at;
    if (from.single || expr->count != 1) {
        return qasm_syntax(e->ctx, expr->at, "a single bit has no index");
    }
    const ast_expr *item = expr->list[0];
    if (item->kind == EXPR_RANGE) {
        return pick_range(e, &from, item, ret);
    }
    if (item->kind == EXPR_SET) {
        return pick_set(e, &from, item, ret);
    }
    QT_TRY(pick_one(e, &from, item, &ret->one));
    ret->count = 1;
    ret->single = true;
    return QT_OK;
}

static qt_code concat_bits(qasm_elab *e, const ast_expr *expr, qasm_symbol_kind kind,
                           qasm_bits *ret) {
    qasm_bits a;
    qasm_bits b;
    QT_TRY(resolve(e, expr->a, kind, &a));
    QT_TRY(resolve(e, expr->b, kind, &b));
    uint32_t *bits = new_bits(e, (uint64_t)a.count + b.count, expr->at);
    if (bits == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < a.count; i++) {
        bits[i] = qasm_bit(&a, i);
    }
    for (uint32_t i = 0; i < b.count; i++) {
        bits[a.count + i] = qasm_bit(&b, i);
    }
    ret->items = bits;
    ret->count = a.count + b.count;
    return QT_OK;
}

static qt_code resolve(qasm_elab *e, const ast_expr *expr, qasm_symbol_kind kind, qasm_bits *ret) {
    *ret = (qasm_bits){.at = expr->at, .reg = QT_NO_INDEX};
    switch ((int)expr->kind) {
    case EXPR_NAME:
        return name_bits(e, expr, kind, ret);
    case EXPR_INDEX:
        return index_bits(e, expr, kind, ret);
    case EXPR_CONCAT:
        return concat_bits(e, expr, kind, ret);
    case EXPR_HARDWARE:
        if (kind == SYMBOL_QUBITS) {
            return hardware(e, expr, ret);
        }
        break;
    default:
        break;
    }
    return qasm_syntax(e->ctx, expr->at, "this is no %s",
                       kind == SYMBOL_QUBITS ? "qubit" : "classical bit");
}

qt_code qasm_qubits(qasm_elab *e, const ast_expr *expr, qasm_bits *ret_bits) {
    return resolve(e, expr, SYMBOL_QUBITS, ret_bits);
}

qt_code qasm_clbits(qasm_elab *e, const ast_expr *expr, qasm_bits *ret_bits) {
    return resolve(e, expr, SYMBOL_BITS, ret_bits);
}

static int compare_bits(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

qt_code qasm_check_distinct(qasm_elab *e, const uint32_t *qubits, size_t count, const char *at,
                            const char *what) {
    if (count < 2) {
        return QT_OK;
    }
    uint32_t *sorted = qasm_alloc(e->ctx, count * sizeof *sorted);
    if (sorted == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    memcpy(sorted, qubits, count * sizeof *sorted);
    QT_TRY(qasm_tick(e->ctx, at, count * 20));
    qsort(sorted, count, sizeof *sorted, compare_bits);
    for (size_t i = 1; i < count; i++) {
        if (sorted[i] == sorted[i - 1]) {
            return e->in_case != NULL
                       ? qasm_fail_in_case(e, at)
                       : qasm_syntax(e->ctx, at, "a qubit is used twice in %s", what);
        }
    }
    return QT_OK;
}

qt_code qasm_check_bits(qasm_elab *e, const qasm_value *v, uint8_t type, uint32_t width,
                        const char *at) {
    if (v->type != TYPE_BIT || (type != TYPE_BIT && type != TYPE_ANGLE)) {
        return QT_OK;
    }
    if (v->literal ? v->width > width : v->width != width) {
        return qasm_syntax(e->ctx, at, "%u bits cannot become %s of %u bits", v->width,
                           type == TYPE_BIT ? "a register" : "an angle", width);
    }
    return QT_OK;
}

static qt_code bit_value(qasm_elab *e, uint32_t bit, const char *at, qasm_value *ret) {
    qt_expr node = {.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1, .u = {bit, 0}};
    *ret = (qasm_value){.type = TYPE_BIT, .width = 1};
    return qasm_new_expr(e->ctx, node, at, &ret->expr);
}

/* bit 0 | bit 1 << 1 | ... */
static qt_code slice_value(qasm_elab *e, const qasm_bits *bits, qasm_value *ret) {
    if (bits->count == 0 || bits->count > 64) {
        return qasm_unsupported(e->ctx, bits->at, "a slice of %u bits as a value is not supported",
                                bits->count);
    }
    for (uint32_t i = 0; i < bits->count; i++) {
        qasm_value bit;
        qasm_value wide;
        qasm_value by = qasm_int_value(i);
        by.type = TYPE_UINT;
        QT_TRY(bit_value(e, qasm_bit(bits, i), bits->at, &bit));
        QT_TRY(qasm_cast(e->ctx, &bit, TYPE_UINT, bits->count, bits->at, &wide));
        QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_SHL, &wide, &by, bits->at, &wide));
        if (i == 0) {
            *ret = wide;
        } else {
            QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_BIT_OR, ret, &wide, bits->at, ret));
        }
    }
    return qasm_cast(e->ctx, ret, TYPE_BIT, bits->count, bits->at, ret);
}

qt_code qasm_bits_value(qasm_elab *e, const qasm_bits *bits, qasm_value *ret_value) {
    if (bits->count == 1) {
        return bit_value(e, qasm_bit(bits, 0), bits->at, ret_value);
    }
    if (bits->reg == QT_NO_INDEX) {
        return slice_value(e, bits, ret_value);
    }
    qt_expr node = {.kind = QT_EXPR_REG, .type = QT_TYPE_BIT, .width = bits->count};
    node.u.a = bits->reg;
    *ret_value = (qasm_value){.type = TYPE_BIT, .width = bits->count};
    return qasm_new_expr(e->ctx, node, bits->at, &ret_value->expr);
}

qt_code qasm_alias(qasm_elab *e, const ast_stmt *s) {
    qasm_bits bits;
    qasm_symbol *symbol = NULL;
    bool quantum = !qasm_names_kind(s->expr, SYMBOL_BITS);
    QT_TRY(resolve(e, s->expr, quantum ? SYMBOL_QUBITS : SYMBOL_BITS, &bits));
    uint32_t *items = new_bits(e, bits.count, s->at);
    if (items == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < bits.count; i++) {
        items[i] = qasm_bit(&bits, i);
    }
    QT_TRY(qasm_declare(e, s->name, s->name_at, quantum ? SYMBOL_QUBITS : SYMBOL_BITS, &symbol));
    symbol->bits = items;
    symbol->count = bits.count;
    symbol->scalar = bits.single;
    symbol->reg = bits.reg;
    return QT_OK;
}
