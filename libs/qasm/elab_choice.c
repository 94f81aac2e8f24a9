/* Qubits whose number is known only at run time: a switch over the index, with the statement for
 * one qubit in each case. */
#include "qasm/elab.h"

static const char *at_of(const qasm_selection *s) {
    return s->operands[0]->at;
}

/* An index that is outside of the register fails when the program runs: so does bit i of a number
 * of as many bits. */
static qt_code build_check(qasm_elab *e, const qasm_wanted *w, const char *at) {
    qasm_value zeros;
    qasm_value bit;
    qasm_symbol unused = {.value = {.type = TYPE_BIT, .width = 1}};
    QT_TRY(qasm_zero_bits(e->ctx, w->count, &zeros));
    QT_TRY(qasm_value_bit(e, &zeros, &w->value, at, &bit));
    return qasm_store_var(e, &unused, &bit, at);
}

/* The same with an index that is never inside. */
qt_code qasm_fail_in_case(qasm_elab *e, const char *at) {
    qasm_wanted w = *e->in_case->of;
    qasm_value far = qasm_int_value(2 * (int64_t)w.count);
    QT_TRY(qasm_binary(e->ctx, QT_OPERATOR_ADD, &w.value, &far, at, &w.value));
    return build_check(e, &w, at);
}

static bool may_be_outside(const qasm_wanted *w) {
    bool is_unsigned = w->value.type != TYPE_INT && w->value.width < 32;
    return !is_unsigned || (UINT64_C(1) << w->value.width) > w->count;
}

/* The variable that the index is, so that it is known in each case. */
static qasm_symbol *named_variable(const qasm_wanted *w) {
    const ast_expr *x = w->index;
    qasm_symbol *symbol =
        x->kind == EXPR_NAME && x->name->meaning == MEANING_SYMBOL ? x->name->data : NULL;
    return symbol != NULL && symbol->kind == SYMBOL_VAR && !symbol->value.known ? symbol : NULL;
}

static qt_code run_case(qasm_elab *e, const qasm_selection *s, const qasm_wanted *w, int64_t i) {
    const int64_t values[2] = {i, i - (int64_t)w->count};
    qasm_choice choice = {.outer = e->choices, .index = w->index, .value = values[0], .of = w};
    qasm_symbol *symbol = named_variable(w);
    qasm_value unknown = symbol != NULL ? symbol->value : w->value;
    if (symbol != NULL) {
        symbol->value.known = true;
        symbol->value.u = (uint64_t)values[0];
    }
    /* A name stands for one value in its case. */
    size_t count = w->value.type == TYPE_INT && symbol == NULL ? 2 : 1;
    QT_TRY(qasm_count_step(e, at_of(s)));
    QASM_BUILD(e->ctx, at_of(s), qt_build_case(&e->ctx->builder, values, count, err));
    e->choices = &choice;
    qt_code code = qasm_with_qubits(e, s);
    e->choices = choice.outer;
    if (symbol != NULL && symbol->value.known) {
        symbol->value = unknown;
    }
    return code;
}

static qt_code build_choice(qasm_elab *e, const qasm_selection *s, const qasm_wanted *w) {
    qt_builder *b = &e->ctx->builder;
    QT_TRY(s->before_cases != NULL ? s->before_cases(e, s->arg) : QT_OK);
    QASM_BUILD(e->ctx, at_of(s), qt_build_switch(b, w->value.expr, err));
    e->level++;
    bool negatives = named_variable(w) != NULL && w->value.type == TYPE_INT;
    for (int64_t i = negatives ? -(int64_t)w->count : 0; i < (int64_t)w->count; i++) {
        QT_TRY(run_case(e, s, w, i));
    }
    if (may_be_outside(w)) {
        QASM_BUILD(e->ctx, at_of(s), qt_build_case(b, NULL, 0, err));
        QT_TRY(build_check(e, w, at_of(s)));
    }
    e->level--;
    QASM_BUILD(e->ctx, at_of(s), qt_build_end_block(b, err));
    return QT_OK;
}

static qt_code resolve_all(qasm_elab *e, const qasm_selection *s) {
    for (uint32_t i = 0; i < s->count; i++) {
        QT_TRY(qasm_qubits(e, s->operands[i], &s->bits[i]));
    }
    return QT_OK;
}

static qt_code run_resolved(qasm_elab *e, const qasm_selection *s, bool outside) {
    const qasm_choice *choices = e->choices;
    const qasm_choice *outer_case = e->in_case;
    bool may_choose = e->may_choose;
    e->in_case = choices;
    e->choices = NULL;
    e->may_choose = false;
    qt_code code = outside ? qasm_fail_in_case(e, at_of(s)) : s->run(e, s->bits, s->arg);
    e->choices = choices;
    e->may_choose = may_choose;
    e->in_case = outer_case;
    return code;
}

qt_code qasm_with_qubits(qasm_elab *e, const qasm_selection *s) {
    bool may_choose = e->may_choose;
    e->may_choose = true;
    e->wanted.index = NULL;
    e->outside = false;
    qt_code code = resolve_all(e, s);
    e->may_choose = may_choose;
    if (code == QT_OK || e->outside) {
        return run_resolved(e, s, code != QT_OK);
    }
    if (e->wanted.index == NULL || e->ctx->fatal) {
        return code;
    }
    qasm_wanted wanted = e->wanted;
    e->wanted.index = NULL;
    return build_choice(e, s, &wanted);
}
