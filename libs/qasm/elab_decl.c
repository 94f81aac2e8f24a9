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
    QT_TRY(qasm_tick(e->ctx, at, size));
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
    QT_TRY(qasm_tick(e->ctx, at, qubits->count));
    for (uint32_t i = 0; i < qubits->count; i++) {
        uint32_t bit = bits != NULL ? qasm_bit(bits, i) : QT_NO_INDEX;
        QASM_BUILD(e->ctx, at, qt_build_measure(&e->ctx->builder, qasm_bit(qubits, i), bit, err));
    }
    return QT_OK;
}

/* What is measured once its qubits are known. */
typedef struct measuring {
    const qasm_bits *bits; /* NULL: thrown away, or made first */
    qasm_symbol made;
    bool makes;
    const char *at;
} measuring;

static qt_code measure_these(qasm_elab *e, const qasm_bits *qubits, void *arg) {
    measuring *m = arg;
    qasm_bits bits;
    if (m->makes && m->made.bits == NULL) {
        QT_TRY(
            new_register(e, QT_REGISTER_BIT, "m", qubits->count, qubits->single, m->at, &m->made));
        e->ctx->builder.circuit->registers[m->made.reg].hidden = true;
    }
    if (m->makes) {
        bits = bits_of(&m->made, m->at);
        m->bits = &bits;
    }
    return qasm_measure(e, qubits, m->bits, m->at);
}

static qt_code measure_operand(qasm_elab *e, const ast_expr *operand, measuring *m) {
    ast_expr *operands[1] = {(ast_expr *)(uintptr_t)operand};
    qasm_bits qubits[1];
    const qasm_selection s = {
        .operands = operands, .count = 1, .bits = qubits, .run = measure_these, .arg = m};
    return qasm_with_qubits(e, &s);
}

static qt_code measure_into(qasm_elab *e, const ast_expr *operand, const qasm_bits *bits,
                            const char *at) {
    measuring m = {.bits = bits, .at = at};
    return measure_operand(e, operand, &m);
}

qt_code qasm_measure_value(qasm_elab *e, const ast_expr *operand, qasm_value *ret_value) {
    measuring m = {.makes = true, .at = operand->at};
    QT_TRY(measure_operand(e, operand, &m));
    qasm_bits bits = bits_of(&m.made, operand->at);
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
        QT_TRY(qasm_count_step(e, at));
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
        return measure_into(e, s->expr->a, bits, s->at);
    }
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (s->kind == STMT_ASSIGN && s->op != NO_OP) {
        qasm_value old;
        QT_TRY(qasm_bits_value(e, bits, &old));
        QT_TRY(qasm_binary(e->ctx, (qt_operator)s->op, &old, &v, s->at, &v));
    }
    QT_TRY(qasm_check_bits(e, &v, TYPE_BIT, bits->count, s->at));
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
        QT_TRY(qasm_output_bits(e, symbol));
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
    if (!qasm_is_constant(s->expr)) {
        return qasm_syntax(e->ctx, s->expr->at, "the value of a constant is a constant");
    }
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (!v.known) {
        return qasm_syntax(e->ctx, s->expr->at,
                           "the value of a constant is known only at run time");
    }
    QT_TRY(qasm_type_width(e, s->type, &width));
    uint8_t type = s->type->kind == TYPE_STRETCH ? TYPE_DURATION : s->type->kind;
    QT_TRY(qasm_check_bits(e, &v, type, width, s->expr->at));
    QT_TRY(qasm_cast(e->ctx, &v, type, width, s->expr->at, &v));
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
    uint8_t type = s->type->kind == TYPE_STRETCH ? TYPE_DURATION : s->type->kind;
    symbol->value = (qasm_value){.type = type, .known = true, .width = width};
    if (s->type->kind == TYPE_STRETCH) {
        QT_TRY(qasm_warn(e->ctx, s->at,
                         "the stretch '%.60s' is taken as 0, which has no effect on "
                         "the result",
                         s->name->text));
    }
    if (e->runtime && type != TYPE_DURATION) {
        QT_TRY(qasm_need_variable(e, symbol, s->name_at));
        QT_TRY(qasm_read_variable(e, symbol, s->name_at));
    }
    return s->expr != NULL ? qasm_assign_var(e, symbol, &v, s->expr->at) : QT_OK;
}

qt_code qasm_declaration(qasm_elab *e, const ast_stmt *s) {
    uint8_t kind = s->type->kind;
    if (s->is_input || s->is_output) {
        if (e->scope_depth > 0 || e->frame != 0) {
            return qasm_syntax(e->ctx, s->at,
                               "inputs and outputs are declared outside of all "
                               "blocks");
        }
    }
    if (s->is_input) {
        return qasm_input(e, s);
    }
    if (kind == TYPE_ARRAY) {
        QT_TRY(qasm_array_declaration(e, s));
    } else if (s->is_const) {
        return declare_const(e, s);
    } else if (kind == TYPE_BIT) {
        return declare_bits(e, s);
    } else {
        QT_TRY(declare_var(e, s));
    }
    return s->is_output ? qasm_output(e, s) : QT_OK;
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
        QT_TRY(qasm_eval_constant(e, s->type->size, "a size", &size));
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
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (bits.reg == QT_NO_INDEX) {
        qasm_value old;
        QT_TRY(qasm_bits_value(e, &bits, &old));
        QT_TRY(qasm_with_bits(e, &old, s->target->list[0], s->op, &v, s->at, &v));
        return store_bits(e, &bits, &v, s->at);
    }
    if (s->op != NO_OP) {
        qasm_value old;
        QT_TRY(qasm_eval(e, s->target, &old));
        QT_TRY(qasm_binary(e->ctx, (qt_operator)s->op, &old, &v, s->at, &v));
    }
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

/* Some bits of a number or an angle. */
static qt_code assign_part(qasm_elab *e, const ast_stmt *s, qasm_symbol *symbol) {
    const ast_expr *target = s->target;
    qasm_value v;
    if (target->count != 1 || target->a->kind != EXPR_NAME) {
        return qasm_syntax(e->ctx, target->at, "this cannot be assigned to");
    }
    QT_TRY(qasm_eval(e, s->expr, &v));
    QT_TRY(qasm_with_bits(e, &symbol->value, target->list[0], s->op, &v, s->at, &v));
    return qasm_assign_var(e, symbol, &v, s->at);
}

qt_code qasm_assignment(qasm_elab *e, const ast_stmt *s) {
    const ast_expr *base = qasm_base_name(s->target);
    qasm_value v;
    if (base == NULL) {
        return qasm_syntax(e->ctx, s->target->at, "this cannot be assigned to");
    }
    if (s->expr->kind == EXPR_LIST) {
        return qasm_syntax(e->ctx, s->expr->at, "a list of values stands in a declaration only");
    }
    qasm_symbol *symbol = qasm_find(e, base->name, base->at);
    if (symbol == NULL) {
        return QT_INVALID_ARGUMENT;
    }
    if (symbol->kind == SYMBOL_BITS) {
        return assign_to_bits(e, s);
    }
    if (symbol->kind == SYMBOL_ARRAY) {
        return qasm_assign_to_array(e, s);
    }
    if (symbol->kind != SYMBOL_VAR) {
        return qasm_syntax(e->ctx, base->at, "'%.60s' cannot be assigned to", base->name->text);
    }
    if (s->target->kind == EXPR_INDEX) {
        return assign_part(e, s, symbol);
    }
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (s->op != NO_OP) {
        QT_TRY(qasm_binary(e->ctx, (qt_operator)s->op, &symbol->value, &v, s->at, &v));
    }
    return qasm_assign_var(e, symbol, &v, s->at);
}

qt_code qasm_measure_statement(qasm_elab *e, const ast_stmt *s) {
    if (s->target == NULL) {
        return measure_into(e, s->expr, NULL, s->at);
    }
    ast_expr measure = {.kind = EXPR_MEASURE, .at = s->at, .a = s->expr};
    ast_stmt assign = *s;
    assign.kind = STMT_ASSIGN;
    assign.op = NO_OP;
    assign.expr = &measure;
    return qasm_assignment(e, &assign);
}
