/* Statements, control flow and subroutines of OpenQASM 3. */
#include "qasm/elab.h"

#include <string.h>

enum { MAX_CALL_DEPTH = 64 };

/* Statements that emit something are limited by the operations; this is against loops and calls
 * that only take time. */
qt_code qasm_count_step(qasm_elab *e, const char *at) {
    enum { FREE_STEPS = 1 << 22, STEPS_PER_OP = 16 };
    uint64_t limit = FREE_STEPS + STEPS_PER_OP * (uint64_t)e->ctx->builder.circuit->op_count;
    if (++e->ctx->steps > limit || e->ctx->steps > e->ctx->options.limits.max_ops) {
        return qasm_too_large(e->ctx, at, "the program has more than %llu steps",
                              (unsigned long long)e->ctx->steps - 1);
    }
    return QT_OK;
}

/* Runs statements until one of them leaves the block. */
static qt_code run_items(qasm_elab *e, const ast_block *block) {
    for (uint32_t i = 0; i < block->count && e->flow == FLOW_NEXT; i++) {
        QT_TRY(qasm_statement(e, block->items[i]));
    }
    return QT_OK;
}

static qt_code run_block(qasm_elab *e, const ast_block *block) {
    size_t mark = qasm_scope_open(e);
    qt_code code = run_items(e, block);
    qasm_scope_close(e, mark);
    return code;
}

/* A block that runs or not as a measurement decides. */
static qt_code run_dynamic(qasm_elab *e, const ast_block *block) {
    e->level++;
    QT_TRY(run_block(e, block));
    e->level--;
    return QT_OK;
}

/* ---- if, while, switch ---- */

static qt_code if_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_value condition;
    QT_TRY(qasm_eval_condition(e, s->expr, &condition));
    if (condition.known) {
        return run_block(e, qasm_truth(&condition) ? &s->body : &s->other);
    }
    QT_TRY(qasm_spill_assigned(e, &s->body));
    QT_TRY(qasm_spill_assigned(e, &s->other));
    QASM_BUILD(e->ctx, s->at, qt_build_if(&e->ctx->builder, condition.expr, err));
    QT_TRY(run_dynamic(e, &s->body));
    if (s->has_other) {
        QASM_BUILD(e->ctx, s->at, qt_build_else(&e->ctx->builder, err));
        QT_TRY(run_dynamic(e, &s->other));
    }
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(&e->ctx->builder, err));
    return QT_OK;
}

/* Runs a loop's body with its own kind of break and continue. */
static qt_code run_loop_body(qasm_elab *e, const ast_block *body, qasm_loop_kind kind,
                             uint32_t level) {
    qasm_loop_kind outer = e->loop;
    uint32_t outer_level = e->loop_level;
    e->loop = kind;
    e->loop_level = level;
    qt_code code = kind == LOOP_KEPT ? run_dynamic(e, body) : run_block(e, body);
    e->loop = outer;
    e->loop_level = outer_level;
    return code;
}

static qt_code while_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_value condition;
    uint32_t expr = 0;
    QT_TRY(qasm_spill_assigned(e, &s->body));
    size_t before = e->ctx->builder.circuit->op_count;
    QT_TRY(qasm_eval_condition(e, s->expr, &condition));
    if (e->ctx->builder.circuit->op_count != before) {
        return qasm_unsupported(e->ctx, s->expr->at,
                                "a loop's condition that measures is not supported");
    }
    if (condition.known && !qasm_truth(&condition)) {
        return QT_OK;
    }
    QT_TRY(qasm_value_expr(e->ctx, &condition, s->at, &expr));
    QASM_BUILD(e->ctx, s->at, qt_build_while(&e->ctx->builder, expr, err));
    QT_TRY(run_loop_body(e, &s->body, LOOP_KEPT, e->level + 1));
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(&e->ctx->builder, err));
    return QT_OK;
}

static qt_code case_values(qasm_elab *e, const ast_case *c, int64_t **ret_values) {
    int64_t *values = qasm_alloc(e->ctx, (c->count + 1) * sizeof *values);
    if (values == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        QT_TRY(qasm_eval_int(e, c->values[i], "a case", &values[i]));
    }
    *ret_values = values;
    return QT_OK;
}

static qt_code known_switch(qasm_elab *e, const ast_stmt *s, int64_t value) {
    for (uint32_t i = 0; i < s->operand_count; i++) {
        int64_t *values = NULL;
        const ast_case *c = &s->cases[i];
        QT_TRY(case_values(e, c, &values));
        bool taken = c->count == 0;
        for (uint32_t k = 0; k < c->count; k++) {
            taken = taken || values[k] == value;
        }
        if (taken) {
            return run_block(e, &c->body);
        }
    }
    return QT_OK;
}

static qt_code switch_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_value v;
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (!qasm_is_integral(v.type) || v.width > 64) {
        return qasm_syntax(e->ctx, s->expr->at, "switch takes an integer");
    }
    if (v.known) {
        return known_switch(e, s, (int64_t)v.u);
    }
    for (uint32_t i = 0; i < s->operand_count; i++) {
        QT_TRY(qasm_spill_assigned(e, &s->cases[i].body));
    }
    QASM_BUILD(e->ctx, s->at, qt_build_switch(&e->ctx->builder, v.expr, err));
    for (uint32_t i = 0; i < s->operand_count; i++) {
        int64_t *values = NULL;
        const ast_case *c = &s->cases[i];
        QT_TRY(case_values(e, c, &values));
        QASM_BUILD(e->ctx, s->at, qt_build_case(&e->ctx->builder, values, c->count, err));
        QT_TRY(run_dynamic(e, &c->body));
    }
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(&e->ctx->builder, err));
    return QT_OK;
}

/* ---- for ---- */

static qt_code run_iteration(qasm_elab *e, const ast_stmt *s, const qasm_value *value,
                             uint32_t width) {
    qasm_symbol *symbol = NULL;
    QT_TRY(qasm_count_step(e, s->at));
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_CONST, &symbol));
    QT_TRY(qasm_cast(e->ctx, value, s->type->kind, width, s->name_at, &symbol->value));
    QT_TRY(run_loop_body(e, &s->body, LOOP_UNROLLED, e->level));
    if (e->flow == FLOW_CONTINUE) {
        e->flow = FLOW_NEXT;
    }
    return QT_OK;
}

static qt_code iterate(qasm_elab *e, const ast_stmt *s, const qasm_value *value, uint32_t width) {
    size_t mark = qasm_scope_open(e);
    qt_code code = run_iteration(e, s, value, width);
    qasm_scope_close(e, mark);
    return code;
}

static qt_code for_range(qasm_elab *e, const ast_stmt *s, uint32_t width) {
    qasm_range r;
    QT_TRY(qasm_eval_range(e, s->expr, 0, &r));
    uint64_t count = qasm_range_count(&r);
    for (uint64_t i = 0; i < count && e->flow == FLOW_NEXT; i++) {
        qasm_value v = qasm_int_value((int64_t)((uint64_t)r.first + i * (uint64_t)r.step));
        QT_TRY(iterate(e, s, &v, width));
    }
    return QT_OK;
}

static qt_code for_set(qasm_elab *e, const ast_stmt *s, uint32_t width) {
    for (uint32_t i = 0; i < s->expr->count && e->flow == FLOW_NEXT; i++) {
        qasm_value v;
        QT_TRY(qasm_eval(e, s->expr->list[i], &v));
        if (!v.known) {
            return qasm_unsupported(e->ctx, s->expr->list[i]->at,
                                    "a loop over values known only at run time is not supported");
        }
        QT_TRY(iterate(e, s, &v, width));
    }
    return QT_OK;
}

static qt_code for_statement(qasm_elab *e, const ast_stmt *s) {
    uint32_t width = 0;
    if (s->type->kind == TYPE_ARRAY || s->type->kind >= TYPE_COMPLEX) {
        return qasm_syntax(e->ctx, s->type->at, "a loop variable is a number");
    }
    QT_TRY(qasm_type_width(e, s->type, &width));
    qt_code code = QT_OK;
    if (s->expr->kind == EXPR_RANGE) {
        code = for_range(e, s, width);
    } else if (s->expr->kind == EXPR_SET) {
        code = for_set(e, s, width);
    } else {
        return qasm_unsupported(e->ctx, s->expr->at,
                                "a loop over the bits or items of a value is not supported");
    }
    QT_TRY(code);
    if (e->flow == FLOW_BREAK) {
        e->flow = FLOW_NEXT;
    }
    return QT_OK;
}

static qt_code leave_loop(qasm_elab *e, const ast_stmt *s) {
    bool stop = s->kind == STMT_BREAK;
    if (e->loop == LOOP_NONE) {
        return qasm_syntax(e->ctx, s->at, "'%s' stands in a loop only",
                           stop ? "break" : "continue");
    }
    if (e->loop == LOOP_UNROLLED) {
        if (e->level != e->loop_level) {
            return qasm_unsupported(e->ctx, s->at,
                                    "leaving an unrolled loop as a measurement decides is not "
                                    "supported");
        }
        e->flow = stop ? FLOW_BREAK : FLOW_CONTINUE;
        return QT_OK;
    }
    qt_builder *b = &e->ctx->builder;
    QASM_BUILD(e->ctx, s->at, stop ? qt_build_break(b, err) : qt_build_continue(b, err));
    return QT_OK;
}

/* ---- subroutines ---- */

static qt_code bind_qubits(qasm_elab *e, const ast_param *param, const qasm_bits *arg) {
    qasm_symbol *symbol = NULL;
    int64_t size = 1;
    if (param->type->size != NULL) {
        QT_TRY(qasm_eval_int(e, param->type->size, "a size", &size));
    }
    if (size != (int64_t)arg->count) {
        return qasm_syntax(e->ctx, arg->at, "'%.60s' takes %lld qubits, %u are given",
                           param->name->text, (long long)size, arg->count);
    }
    QT_TRY(qasm_declare(e, param->name, param->at, SYMBOL_QUBITS, &symbol));
    uint32_t *bits = qasm_alloc(e->ctx, arg->count * sizeof *bits);
    if (bits == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < arg->count; i++) {
        bits[i] = qasm_bit(arg, i);
    }
    symbol->bits = bits;
    symbol->count = arg->count;
    symbol->scalar = param->type->size == NULL;
    return QT_OK;
}

static qt_code bind_value(qasm_elab *e, const ast_param *param, const qasm_value *arg,
                          const char *at) {
    qasm_symbol *symbol = NULL;
    uint32_t width = 0;
    QT_TRY(qasm_type_width(e, param->type, &width));
    QT_TRY(qasm_declare(e, param->name, param->at, SYMBOL_VAR, &symbol));
    symbol->value = (qasm_value){.type = param->type->kind, .known = true, .width = width};
    return qasm_assign_var(e, symbol, arg, at);
}

/* An argument, evaluated where the call stands. */
typedef struct argument {
    qasm_bits qubits;
    qasm_value value;
} argument;

static qt_code eval_args(qasm_elab *e, const ast_expr *call, const ast_stmt *def, argument *args) {
    for (uint32_t i = 0; i < call->count; i++) {
        const ast_param *param = &def->def_params[i];
        if (param->type->kind == TYPE_ARRAY || param->type->kind == TYPE_COMPLEX) {
            return qasm_unsupported(e->ctx, param->at, "a parameter of type %s is not supported",
                                    qasm_type_name(param->type->kind));
        }
        if (param->type->kind == TYPE_QUBIT) {
            QT_TRY(qasm_qubits(e, call->list[i], &args[i].qubits));
        } else {
            QT_TRY(qasm_eval(e, call->list[i], &args[i].value));
        }
    }
    return QT_OK;
}

static qt_code run_def(qasm_elab *e, const ast_expr *call, const ast_stmt *def,
                       const argument *args) {
    for (uint32_t i = 0; i < call->count; i++) {
        const ast_param *param = &def->def_params[i];
        QT_TRY(param->type->kind == TYPE_QUBIT
                   ? bind_qubits(e, param, &args[i].qubits)
                   : bind_value(e, param, &args[i].value, call->list[i]->at));
    }
    QT_TRY(run_items(e, &def->body));
    if (def->type == NULL) {
        return QT_OK;
    }
    uint32_t width = 0;
    if (e->flow != FLOW_RETURN || e->result.type == TYPE_VOID) {
        return qasm_syntax(e->ctx, call->at, "'%.60s' ends without a value", call->name->text);
    }
    QT_TRY(qasm_type_width(e, def->type, &width));
    return qasm_cast(e->ctx, &e->result, def->type->kind, width, call->at, &e->result);
}

static qt_code check_call(qasm_elab *e, const ast_expr *call, const ast_stmt *def) {
    if (call->count != def->param_count) {
        return qasm_syntax(e->ctx, call->at, "'%.60s' takes %u arguments, %u are given",
                           call->name->text, def->param_count, call->count);
    }
    if (e->call_depth == MAX_CALL_DEPTH) {
        return qasm_too_large(e->ctx, call->at, "subroutines call each other more than %d deep",
                              MAX_CALL_DEPTH);
    }
    return qasm_count_step(e, call->at);
}

qt_code qasm_call_def(qasm_elab *e, const ast_expr *call, qasm_value *ret_value) {
    const ast_stmt *def = ((const qasm_symbol *)call->name->data)->def;
    QT_TRY(check_call(e, call, def));
    argument *args = qasm_alloc(e->ctx, (call->count + 1) * sizeof *args);
    if (args == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    QT_TRY(eval_args(e, call, def, args));
    qasm_elab outer = *e;
    e->frame = ++e->frame_count;
    e->call_depth++;
    e->def_level = e->level;
    e->loop = LOOP_NONE;
    e->flow = FLOW_NEXT;
    e->result = (qasm_value){.type = TYPE_VOID};
    size_t mark = qasm_scope_open(e);
    QT_TRY(run_def(e, call, def, args));
    qasm_scope_close(e, mark);
    *ret_value = e->result;
    e->frame = outer.frame;
    e->call_depth = outer.call_depth;
    e->def_level = outer.def_level;
    e->loop = outer.loop;
    e->flow = e->flow == FLOW_END ? FLOW_END : outer.flow;
    e->result = outer.result;
    return QT_OK;
}

static qt_code return_statement(qasm_elab *e, const ast_stmt *s) {
    if (e->frame == 0) {
        return qasm_syntax(e->ctx, s->at, "'return' stands in a subroutine only");
    }
    if (e->level != e->def_level) {
        return qasm_unsupported(e->ctx, s->at,
                                "a return as a measurement decides is not supported");
    }
    if (s->expr != NULL) {
        QT_TRY(qasm_eval(e, s->expr, &e->result));
    }
    e->flow = FLOW_RETURN;
    return QT_OK;
}

static qt_code def_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_symbol *symbol = NULL;
    if (e->scope_depth > 0) {
        return qasm_syntax(e->ctx, s->at, "a subroutine is defined outside of all blocks");
    }
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_DEF, &symbol));
    symbol->def = s;
    return QT_OK;
}

/* ---- the rest ---- */

static qt_code reset_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_bits bits;
    QT_TRY(qasm_qubits(e, s->expr, &bits));
    for (uint32_t i = 0; i < bits.count; i++) {
        QASM_BUILD(e->ctx, s->at, qt_build_reset(&e->ctx->builder, qasm_bit(&bits, i), err));
    }
    return QT_OK;
}

/* All qubits of the operands in one list. */
static qt_code gather(qasm_elab *e, const ast_stmt *s, uint32_t **ret_qubits, size_t *ret_count) {
    uint32_t *qubits = NULL;
    size_t count = 0;
    size_t cap = 0;
    for (uint32_t i = 0; i < s->operand_count; i++) {
        qasm_bits bits;
        QT_TRY(qasm_qubits(e, s->operands[i], &bits));
        QASM_GROW(e->ctx, qubits, cap, count + bits.count);
        for (uint32_t k = 0; k < bits.count; k++) {
            qubits[count++] = qasm_bit(&bits, k);
        }
    }
    *ret_qubits = qubits;
    *ret_count = count;
    return QT_OK;
}

static qt_code barrier_statement(qasm_elab *e, const ast_stmt *s) {
    uint32_t *qubits = NULL;
    size_t count = 0;
    QT_TRY(gather(e, s, &qubits, &count));
    QASM_BUILD(e->ctx, s->at, qt_build_barrier(&e->ctx->builder, qubits, count, err));
    return QT_OK;
}

static uint32_t line_of(qasm_elab *e, const char *at) {
    qt_text *text = &e->ctx->sources[0].text;
    size_t ignored = 0;
    if (at < text->start || at > text->start + text->len) {
        return 0;
    }
    return qt_text_line(text, (size_t)(at - text->start), &ignored);
}

static qt_code delay_statement(qasm_elab *e, const ast_stmt *s) {
    uint32_t *qubits = NULL;
    size_t count = 0;
    QT_TRY(gather(e, s, &qubits, &count));
    char *text = qasm_strndup(e->ctx, s->text, s->len);
    if (text == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    if (!e->warned_delay) {
        e->warned_delay = true;
        QT_TRY(qasm_warn(e->ctx, s->at, "delays have no effect on the result"));
    }
    QASM_BUILD(e->ctx, s->at,
               qt_build_delay(&e->ctx->builder, qubits, count, text, line_of(e, s->at), err));
    return QT_OK;
}

static qt_code box_statement(qasm_elab *e, const ast_stmt *s) {
    if (s->expr != NULL) {
        qasm_value duration;
        QT_TRY(qasm_eval(e, s->expr, &duration));
        QT_TRY(qasm_warn(e->ctx, s->at, "the duration of a box has no effect"));
    }
    return run_block(e, &s->body);
}

static qt_code note_statement(qasm_elab *e, const ast_stmt *s) {
    char *text = qasm_strndup(e->ctx, s->text, s->len);
    if (text == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    QASM_BUILD(e->ctx, s->at, qt_build_note(&e->ctx->builder, text, line_of(e, s->at), err));
    return QT_OK;
}

static qt_code end_statement(qasm_elab *e, const ast_stmt *s) {
    if (e->level == 0) {
        e->flow = FLOW_END;
        return QT_OK;
    }
    QASM_BUILD(e->ctx, s->at, qt_build_end(&e->ctx->builder, err));
    return QT_OK;
}

static qt_code expr_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_value v;
    if (s->expr->kind != EXPR_CALL) {
        return qasm_syntax(e->ctx, s->at, "this statement has no effect");
    }
    return qasm_eval(e, s->expr, &v);
}

static qt_code dispatch(qasm_elab *e, const ast_stmt *s) {
    switch ((ast_stmt_kind)s->kind) {
    case STMT_NOP:
        return QT_OK;
    case STMT_DECLARE:
        return qasm_declaration(e, s);
    case STMT_QUBIT:
        return qasm_qubit_declaration(e, s);
    case STMT_ALIAS:
        return qasm_alias(e, s);
    case STMT_ASSIGN:
        return qasm_assignment(e, s);
    case STMT_MEASURE:
        return qasm_measure_statement(e, s);
    case STMT_RESET:
        return reset_statement(e, s);
    case STMT_BARRIER:
        return barrier_statement(e, s);
    case STMT_DELAY:
        return delay_statement(e, s);
    case STMT_GATE:
        return qasm_gate_statement(e, s);
    case STMT_GATE_DEF:
        return qasm_gate_definition(e, s);
    case STMT_DEF:
        return def_statement(e, s);
    case STMT_EXTERN:
        return QT_OK; /* refused by the parser */
    case STMT_EXPR:
        return expr_statement(e, s);
    case STMT_IF:
        return if_statement(e, s);
    case STMT_FOR:
        return for_statement(e, s);
    case STMT_WHILE:
        return while_statement(e, s);
    case STMT_SWITCH:
        return switch_statement(e, s);
    case STMT_BREAK:
    case STMT_CONTINUE:
        return leave_loop(e, s);
    case STMT_END:
        return end_statement(e, s);
    case STMT_RETURN:
        return return_statement(e, s);
    case STMT_NOTE:
        return note_statement(e, s);
    case STMT_BOX:
        return box_statement(e, s);
    case STMT_SCOPE:
        return run_block(e, &s->body);
    }
    return qasm_syntax(e->ctx, s->at, "an unknown statement");
}

qt_code qasm_statement(qasm_elab *e, const ast_stmt *s) {
    return dispatch(e, s);
}
