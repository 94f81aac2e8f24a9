/* Declarations, assignments and measurements of OpenQASM 3. */
#include "qasm/elab.h"

/* ---- bits ---- */

static qt_code new_register(qasm_elab *e, qt_register_kind kind, const char *name, uint32_t size,
                            bool scalar, const char *at, qasm_symbol *symbol) {
    qt_builder *b = &e->ctx->builder;
    uint32_t reg = 0;
    QASM_BUILD(e->ctx, at, qt_build_register(b, kind, name, size, &reg, err));
    qt_register *r = &b->circuit->registers[reg];
    r->scalar = scalar;
    r->hidden = kind == QT_REGISTER_BIT && (e->scope_depth > 0 || e->frame != 0);
    uint32_t *bits = qasm_alloc(e->ctx, size * sizeof *bits);
    if (bits == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < size; i++) {
        bits[i] = r->first + i;
    }
    symbol->bits = bits;
    symbol->count = size;
    symbol->scalar = scalar;
    symbol->reg = reg;
    return QT_OK;
}

static qasm_bits bits_of(const qasm_symbol *symbol, const char *at) {
    return (qasm_bits){.items = symbol->bits,
                       .count = symbol->count,
                       .single = symbol->scalar,
                       .reg = symbol->reg,
                       .at = at};
}

qt_code qasm_measure(qasm_elab *e, const qasm_bits *qubits, const qasm_bits *bits, const char *at) {
    if (bits != NULL && bits->count != qubits->count) {
        return qasm_syntax(e->ctx, at, "%u qubits are measured into %u bits", qubits->count,
                           bits->count);
    }
    for (uint32_t i = 0; i < qubits->count; i++) {
        uint32_t bit = bits != NULL ? qasm_bit(bits, i) : QT_NO_INDEX;
        QASM_BUILD(e->ctx, at, qt_build_measure(&e->ctx->builder, qasm_bit(qubits, i), bit, err));
    }
    return QT_OK;
}

qt_code qasm_measure_value(qasm_elab *e, const ast_expr *operand, qasm_value *ret_value) {
    qasm_bits qubits;
    qasm_symbol made = {0};
    QT_TRY(qasm_qubits(e, operand, &qubits));
    QT_TRY(new_register(e, QT_REGISTER_BIT, "m", qubits.count, qubits.single, operand->at, &made));
    e->ctx->builder.circuit->registers[made.reg].hidden = true;
    qasm_bits bits = bits_of(&made, operand->at);
    QT_TRY(qasm_measure(e, &qubits, &bits, operand->at));
    return qasm_bits_value(e, &bits, ret_value);
}

static qt_code store_bit(qasm_elab *e, uint32_t bit, const qasm_value *v, const char *at) {
    qasm_value one;
    uint32_t expr = 0;
    QT_TRY(qasm_cast(e->ctx, v, TYPE_BIT, 1, at, &one));
    QT_TRY(qasm_value_expr(e->ctx, &one, at, &expr));
    QASM_BUILD(e->ctx, at,
               qt_build_assign(&e->ctx->builder, QT_LVALUE_BIT, bit, expr, QT_NO_INDEX, err));
    return QT_OK;
}

static qt_code store_register(qasm_elab *e, uint32_t reg, const qasm_value *v, const char *at) {
    uint32_t expr = 0;
    QT_TRY(qasm_value_expr(e->ctx, v, at, &expr));
    QASM_BUILD(e->ctx, at,
               qt_build_assign(&e->ctx->builder, QT_LVALUE_REG, reg, expr, QT_NO_INDEX, err));
    return QT_OK;
}

/* The value in a hidden register, so that it stays while what it was made of changes. */
static qt_code copy_bits(qasm_elab *e, const qasm_value *v, const char *at, qasm_value *ret_copy) {
    qasm_symbol made = {0};
    QT_TRY(new_register(e, QT_REGISTER_BIT, "copy", v->width, false, at, &made));
    e->ctx->builder.circuit->registers[made.reg].hidden = true;
    QT_TRY(store_register(e, made.reg, v, at));
    qasm_bits bits = bits_of(&made, at);
    return qasm_bits_value(e, &bits, ret_copy);
}

static qt_code store_bits(qasm_elab *e, const qasm_bits *bits, const qasm_value *v,
                          const char *at) {
    qasm_value cast;
    if (bits->count == 1) {
        return store_bit(e, qasm_bit(bits, 0), v, at);
    }
    QT_TRY(qasm_cast(e->ctx, v, TYPE_BIT, bits->count, at, &cast));
    if (bits->reg != QT_NO_INDEX) {
        return store_register(e, bits->reg, &cast, at);
    }
    if (!cast.known) {
        QT_TRY(copy_bits(e, &cast, at, &cast));
    }
    for (uint32_t i = 0; i < bits->count; i++) {
        qasm_value index = qasm_int_value(i);
        qasm_value bit;
        QT_TRY(qasm_value_bit(e, &cast, &index, at, &bit));
        QT_TRY(store_bit(e, qasm_bit(bits, i), &bit, at));
    }
    return QT_OK;
}

static qt_code assign_bits(qasm_elab *e, const qasm_bits *bits, const ast_stmt *s) {
    qasm_value v;
    if (s->expr->kind == EXPR_MEASURE) {
        qasm_bits qubits;
        QT_TRY(qasm_qubits(e, s->expr->a, &qubits));
        return qasm_measure(e, &qubits, bits, s->at);
    }
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (s->kind == STMT_ASSIGN && s->op != NO_OP) {
        qasm_value old;
        QT_TRY(qasm_bits_value(e, bits, &old));
        QT_TRY(qasm_binary(e->ctx, (qt_operator)s->op, &old, &v, s->at, &v));
    }
    /* New bits are 0 already. */
    bool is_zero = s->kind == STMT_DECLARE && e->level == 0 && v.known && v.width <= 64 &&
                   qasm_is_integral(v.type) && v.u == 0;
    return is_zero ? QT_OK : store_bits(e, bits, &v, s->at);
}

/* ---- declarations ---- */

static qt_code declare_bits(qasm_elab *e, const ast_stmt *s) {
    qasm_symbol *symbol = NULL;
    uint32_t size = 0;
    QT_TRY(qasm_type_width(e, s->type, &size));
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_BITS, &symbol));
    QT_TRY(new_register(e, QT_REGISTER_BIT, s->name->text, size, s->type->size == NULL, s->name_at,
                        symbol));
    if (s->is_output) {
        QASM_GROW(e->ctx, e->outputs, e->output_cap, e->output_count + 1);
        e->outputs[e->output_count++] = symbol->reg;
    }
    if (s->expr == NULL) {
        return QT_OK;
    }
    qasm_bits bits = bits_of(symbol, s->name_at);
    return assign_bits(e, &bits, s);
}

static qt_code declare_const(qasm_elab *e, const ast_stmt *s) {
    qasm_symbol *symbol = NULL;
    qasm_value v;
    uint32_t width = 0;
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (!v.known) {
        return qasm_syntax(e->ctx, s->expr->at,
                           "the value of a constant is known only at run "
                           "time");
    }
    QT_TRY(qasm_type_width(e, s->type, &width));
    if (v.type != TYPE_DURATION || s->type->kind != TYPE_DURATION) {
        QT_TRY(qasm_cast(e->ctx, &v, s->type->kind, width, s->expr->at, &v));
    }
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_CONST, &symbol));
    symbol->value = v;
    return QT_OK;
}

static qt_code declare_var(qasm_elab *e, const ast_stmt *s) {
    qasm_symbol *symbol = NULL;
    qasm_value v = {.known = true};
    uint32_t width = 0;
    QT_TRY(qasm_type_width(e, s->type, &width));
    if (s->expr != NULL) {
        QT_TRY(qasm_eval(e, s->expr, &v));
    }
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_VAR, &symbol));
    symbol->value = (qasm_value){.type = s->type->kind, .known = true, .width = width};
    if (s->is_output) {
        QT_TRY(qasm_warn(e->ctx, s->name_at,
                         "the output '%.60s' holds no bits and is no part of the counts",
                         s->name->text));
    }
    return s->expr != NULL ? qasm_assign_var(e, symbol, &v, s->expr->at) : QT_OK;
}

qt_code qasm_declaration(qasm_elab *e, const ast_stmt *s) {
    uint8_t kind = s->type->kind;
    if (s->is_input) {
        return qasm_unsupported(e->ctx, s->at,
                                "input '%.60s' (a value given with the run) is not "
                                "supported",
                                s->name->text);
    }
    if (kind == TYPE_ARRAY || kind == TYPE_COMPLEX || kind == TYPE_STRETCH) {
        return qasm_unsupported(e->ctx, s->at, "the type %s is not supported",
                                qasm_type_name(kind));
    }
    if (s->is_const || kind == TYPE_DURATION) {
        return s->expr != NULL ? declare_const(e, s)
                               : qasm_unsupported(e->ctx, s->at,
                                                  "a duration without a value is "
                                                  "not supported");
    }
    if (kind == TYPE_BIT) {
        return declare_bits(e, s);
    }
    return declare_var(e, s);
}

qt_code qasm_qubit_declaration(qasm_elab *e, const ast_stmt *s) {
    qasm_symbol *symbol = NULL;
    int64_t size = 1;
    if (e->scope_depth > 0 || e->frame != 0) {
        return qasm_syntax(e->ctx, s->at, "qubits are declared outside of all blocks");
    }
    if (e->hardware_qubits) {
        return qasm_syntax(e->ctx, s->at, "declared qubits cannot be mixed with hardware qubits");
    }
    if (s->type->size != NULL) {
        QT_TRY(qasm_eval_int(e, s->type->size, "a size", &size));
    }
    if (size < 1) {
        return qasm_syntax(e->ctx, s->name_at, "the register '%.60s' has no qubits", s->name->text);
    }
    if (size > e->ctx->options.limits.max_qubits) {
        return qasm_too_large(e->ctx, s->name_at, "more than %u qubits",
                              e->ctx->options.limits.max_qubits);
    }
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_QUBITS, &symbol));
    e->virtual_qubits = true;
    return new_register(e, QT_REGISTER_QUBIT, s->name->text, (uint32_t)size, s->type->size == NULL,
                        s->name_at, symbol);
}

/* ---- assignments ---- */

/* c[i] = ..., i known only at run time. */
static qt_code assign_register_bit(qasm_elab *e, const ast_stmt *s, const qasm_value *index) {
    qasm_bits bits;
    qasm_value v;
    qasm_value one;
    uint32_t expr = 0;
    uint32_t at = 0;
    QT_TRY(qasm_clbits(e, s->target->a, &bits));
    if (bits.reg == QT_NO_INDEX || s->op != NO_OP || s->expr->kind == EXPR_MEASURE) {
        return qasm_unsupported(e->ctx, s->at,
                                "this assignment to a bit whose number is known only at run time "
                                "is not supported");
    }
    QT_TRY(qasm_eval(e, s->expr, &v));
    QT_TRY(qasm_cast(e->ctx, &v, TYPE_BIT, 1, s->at, &one));
    QT_TRY(qasm_value_expr(e->ctx, &one, s->at, &expr));
    QT_TRY(qasm_value_expr(e->ctx, index, s->at, &at));
    QASM_BUILD(e->ctx, s->at,
               qt_build_assign(&e->ctx->builder, QT_LVALUE_REG_AT, bits.reg, expr, at, err));
    return QT_OK;
}

static qt_code assign_to_bits(qasm_elab *e, const ast_stmt *s) {
    const ast_expr *target = s->target;
    qasm_bits bits;
    bool plain = target->kind == EXPR_INDEX && target->count == 1 &&
                 target->list[0]->kind != EXPR_RANGE && target->list[0]->kind != EXPR_SET;
    if (plain) {
        qasm_value index;
        QT_TRY(qasm_eval(e, target->list[0], &index));
        if (!index.known) {
            return assign_register_bit(e, s, &index);
        }
    }
    QT_TRY(qasm_clbits(e, target, &bits));
    return assign_bits(e, &bits, s);
}

/* old & ~(1 << i) | bit << i, as an unsigned number of the variable's width. */
static qt_code with_bit(qasm_elab *e, const qasm_value *old, int64_t i, const qasm_value *bit,
                        const char *at, qasm_value *ret) {
    qasm_value as_uint = *old;
    qasm_value one;
    qasm_value by = qasm_int_value(i);
    qasm_value mask = {.type = TYPE_UINT, .known = true, .width = old->width};
    uint64_t all = old->width >= 64 ? UINT64_MAX : (UINT64_C(1) << old->width) - 1;
    mask.u = all & ~(UINT64_C(1) << i);
    as_uint.type = TYPE_UINT;
    as_uint.literal = false;
    by.type = TYPE_UINT;
    QT_TRY(qasm_cast(e->ctx, bit, TYPE_BIT, 1, at, &one));
    QT_TRY(qasm_cast(e->ctx, &one, TYPE_UINT, old->width, at, &one));
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_SHL, &one, &by, at, &one));
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_BIT_AND, &as_uint, &mask, at, ret));
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_BIT_OR, ret, &one, at, ret));
    QT_TRY(qasm_cast(e->ctx, ret, TYPE_UINT, old->width, at, ret));
    ret->type = old->type;
    return QT_OK;
}

static qt_code bit_number(qasm_elab *e, const ast_expr *target, uint32_t width, int64_t *ret_i) {
    int64_t i = 0;
    QT_TRY(qasm_eval_int(e, target->list[0], "the number of a bit", &i));
    i += i < 0 ? (int64_t)width : 0;
    if (i < 0 || i >= (int64_t)width) {
        return qasm_syntax(e->ctx, target->at, "the index is out of range: there are %u bits",
                           width);
    }
    *ret_i = i;
    return QT_OK;
}

/* One bit of a number or an angle. */
static qt_code assign_part(qasm_elab *e, const ast_expr *target, const ast_expr *expr,
                           const char *at) {
    qasm_value bit;
    qasm_value whole;
    int64_t i = 0;
    bool plain = target->kind == EXPR_INDEX && target->count == 1 && target->a->kind == EXPR_NAME;
    if (!plain) {
        return qasm_syntax(e->ctx, target->at, "this cannot be assigned to");
    }
    qasm_symbol *symbol = qasm_find(e, target->a->name, target->at);
    if (symbol == NULL) {
        return QT_INVALID_ARGUMENT;
    }
    uint8_t type = symbol->value.type;
    bool has_bits = type == TYPE_INT || type == TYPE_UINT || type == TYPE_ANGLE;
    if (symbol->kind != SYMBOL_VAR || !has_bits) {
        return qasm_syntax(e->ctx, target->at, "'%.60s' has no bits to assign to",
                           target->a->name->text);
    }
    QT_TRY(bit_number(e, target, symbol->value.width, &i));
    QT_TRY(qasm_eval(e, expr, &bit));
    QT_TRY(with_bit(e, &symbol->value, i, &bit, at, &whole));
    return qasm_assign_var(e, symbol, &whole, at);
}

qt_code qasm_assignment(qasm_elab *e, const ast_stmt *s) {
    const ast_expr *target = s->target;
    qasm_value v;
    if (qasm_names_kind(target, SYMBOL_BITS)) {
        return assign_to_bits(e, s);
    }
    if (target->kind != EXPR_NAME) {
        return s->op == NO_OP ? assign_part(e, target, s->expr, s->at)
                              : qasm_unsupported(e->ctx, target->at,
                                                 "this assignment to a part of a variable is not "
                                                 "supported");
    }
    qasm_symbol *symbol = qasm_find(e, target->name, target->at);
    if (symbol == NULL) {
        return QT_INVALID_ARGUMENT;
    }
    if (symbol->kind != SYMBOL_VAR) {
        return qasm_syntax(e->ctx, target->at, "'%.60s' cannot be assigned to", target->name->text);
    }
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (s->op != NO_OP) {
        QT_TRY(qasm_binary(e->ctx, (qt_operator)s->op, &symbol->value, &v, s->at, &v));
    }
    return qasm_assign_var(e, symbol, &v, s->at);
}

qt_code qasm_measure_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_bits qubits;
    qasm_bits bits;
    QT_TRY(qasm_qubits(e, s->expr, &qubits));
    if (s->target == NULL) {
        return qasm_measure(e, &qubits, NULL, s->at);
    }
    if (!qasm_names_kind(s->target, SYMBOL_BITS)) {
        const ast_expr measure = {.kind = EXPR_MEASURE, .at = s->at, .a = s->expr};
        return assign_part(e, s->target, &measure, s->at);
    }
    QT_TRY(qasm_clbits(e, s->target, &bits));
    return qasm_measure(e, &qubits, &bits, s->at);
}
