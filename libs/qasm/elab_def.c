/* Subroutines of OpenQASM 3: inlined at each call. */
#include "qasm/elab.h"

#include <string.h>

enum { MAX_CALL_DEPTH = 64 };

/* An argument, evaluated where the call stands. */
typedef struct argument {
    qasm_bits qubits;
    qasm_value value;
    qasm_array array;
} argument;

/* One call. */
typedef struct call {
    const ast_expr *expr;
    const ast_stmt *def;
    argument *args;
    ast_expr **operands; /* those arguments that are qubits */
    qasm_bits *qubits;
    uint32_t operand_count;
    qasm_value value;    /* what it returned */
    qasm_symbol *result; /* where that goes when several cases of the call run */
} call;

/* ---- parameters ---- */

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

static qt_code check_dims(qasm_elab *e, const ast_param *param, const qasm_array *arg,
                          const char *at) {
    const ast_type *type = param->type;
    int64_t rank = type->dim_count;
    if (type->any_dims) {
        QT_TRY(qasm_eval_constant(e, type->rank, "a number of dimensions", &rank));
    }
    if (rank != (int64_t)arg->rank) {
        return qasm_syntax(e->ctx, at, "'%.60s' takes an array of %lld dimensions, this one has %u",
                           param->name->text, (long long)rank, arg->rank);
    }
    for (uint32_t i = 0; !type->any_dims && i < type->dim_count; i++) {
        int64_t dim = 0;
        QT_TRY(qasm_eval_constant(e, type->dims[i], "a dimension", &dim));
        if (dim != (int64_t)arg->dims[i]) {
            return qasm_syntax(e->ctx, at, "dimension %u of '%.60s' is %lld, not %u", i,
                               param->name->text, (long long)dim, arg->dims[i]);
        }
    }
    return QT_OK;
}

/* The parameter shares the items. */
static qt_code bind_array(qasm_elab *e, const ast_param *param, const qasm_array *arg,
                          const char *at) {
    qasm_symbol *symbol = NULL;
    uint32_t width = 0;
    QT_TRY(qasm_type_width(e, param->type->base, &width));
    if (param->type->base->kind != arg->type || width != arg->width) {
        return qasm_syntax(e->ctx, at, "'%.60s' takes an array of %s[%u], not of %s[%u]",
                           param->name->text, qasm_type_name(param->type->base->kind), width,
                           qasm_type_name(arg->type), arg->width);
    }
    QT_TRY(check_dims(e, param, arg, at));
    if (param->is_mutable && arg->readonly) {
        return qasm_syntax(e->ctx, at, "this array is readonly, '%.60s' is mutable",
                           param->name->text);
    }
    QT_TRY(qasm_declare(e, param->name, param->at, SYMBOL_ARRAY, &symbol));
    symbol->array = qasm_alloc(e->ctx, sizeof *symbol->array);
    if (symbol->array == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    *symbol->array = *arg;
    symbol->array->readonly = param->readonly;
    return QT_OK;
}

static qt_code bind(qasm_elab *e, const call *c, uint32_t i) {
    const ast_param *param = &c->def->def_params[i];
    const char *at = c->expr->list[i]->at;
    switch (param->type->kind) {
    case TYPE_QUBIT:
        return bind_qubits(e, param, &c->args[i].qubits);
    case TYPE_ARRAY:
        return bind_array(e, param, &c->args[i].array, at);
    default:
        return bind_value(e, param, &c->args[i].value, at);
    }
}

static qt_code eval_arg(qasm_elab *e, call *c, uint32_t i) {
    const ast_param *param = &c->def->def_params[i];
    ast_expr *arg = c->expr->list[i];
    if (param->type->kind == TYPE_QUBIT) {
        c->operands[c->operand_count++] = arg;
        return QT_OK;
    }
    if (param->type->kind == TYPE_ARRAY) {
        return qasm_named_array(e, arg, &c->args[i].array);
    }
    return qasm_eval(e, arg, &c->args[i].value);
}

/* ---- calls ---- */

static qt_code take_result(qasm_elab *e, const call *c, const qasm_region *region,
                           qasm_value *ret_value) {
    uint32_t width = 0;
    const ast_type *type = c->def->type;
    const qasm_value *v = region->result != NULL ? &region->result->value : &e->result;
    if (type == NULL) {
        *ret_value = (qasm_value){.type = TYPE_VOID};
        return QT_OK;
    }
    bool ended = e->flow == FLOW_END;
    if (!ended && (e->flow != FLOW_RETURN || v->type == TYPE_VOID)) {
        return qasm_syntax(e->ctx, c->expr->at, "'%.60s' ends without a value",
                           c->expr->name->text);
    }
    QT_TRY(qasm_type_width(e, type, &width));
    if (ended) {
        *ret_value = (qasm_value){.type = type->kind, .known = true, .width = width};
        return type->kind == TYPE_BIT && width > 64 ? qasm_zero_bits(e->ctx, width, ret_value)
                                                    : QT_OK;
    }
    QT_TRY(qasm_check_bits(e, v, type->kind, width, c->expr->at));
    return qasm_cast(e->ctx, v, type->kind, width, c->expr->at, ret_value);
}

static qt_code run_body(qasm_elab *e, call *c) {
    qasm_region region;
    qasm_region_open(e, &region, REGION_DEF);
    region.def = c->def;
    e->flow = FLOW_NEXT;
    e->result = (qasm_value){.type = TYPE_VOID};
    for (uint32_t i = 0; i < c->expr->count; i++) {
        QT_TRY(bind(e, c, i));
    }
    QT_TRY(qasm_run_items(e, &c->def->body));
    QT_TRY(take_result(e, c, &region, &c->value));
    return qasm_region_close(e, &region, c->expr->at);
}

/* A value that is looked at when the call stands for one of several cases. */
static qt_code store_result(qasm_elab *e, call *c) {
    if (c->result == NULL || c->value.type == TYPE_VOID) {
        return QT_OK;
    }
    QT_TRY(qasm_store_var(e, c->result, &c->value, c->expr->at));
    c->value = c->result->value;
    return QT_OK;
}

/* No qubit is passed twice. */
static qt_code check_qubits(qasm_elab *e, const call *c, const qasm_bits *qubits) {
    size_t count = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < c->operand_count; i++) {
        count += qubits[i].count;
    }
    uint32_t *all = qasm_alloc(e->ctx, (count + 1) * sizeof *all);
    if (all == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < c->operand_count; i++) {
        for (uint32_t k = 0; k < qubits[i].count; k++) {
            all[at++] = qasm_bit(&qubits[i], k);
        }
    }
    return qasm_check_distinct(e, all, count, c->expr->at, "one call");
}

/* The qubits are known. */
static qt_code run_call(qasm_elab *e, const qasm_bits *qubits, void *arg) {
    call *c = arg;
    uint32_t next = 0;
    QT_TRY(check_qubits(e, c, qubits));
    for (uint32_t i = 0; i < c->expr->count; i++) {
        if (c->def->def_params[i].type->kind == TYPE_QUBIT) {
            c->args[i].qubits = qubits[next++];
        }
    }
    uint32_t frame = e->frame;
    qasm_flow flow = e->flow;
    qasm_value result = e->result;
    e->frame = ++e->frame_count;
    e->call_depth++;
    size_t mark = qasm_scope_open(e);
    QT_TRY(run_body(e, c));
    qasm_scope_close(e, mark);
    e->frame = frame;
    e->call_depth--;
    e->flow = e->flow == FLOW_END ? FLOW_END : flow;
    e->result = result;
    return store_result(e, c);
}

/* Cases of a switch run the call: what they assign to is in variables before. */
static qt_code prepare_cases(qasm_elab *e, void *arg) {
    call *c = arg;
    const ast_stmt s = {.kind = STMT_EXPR, .expr = (ast_expr *)(uintptr_t)c->expr};
    ast_stmt *items[1] = {(ast_stmt *)(uintptr_t)&s};
    const ast_block block = {.items = items, .count = 1};
    uint32_t width = 0;
    QT_TRY(qasm_spill_assigned(e, &block));
    if (c->def->type == NULL || c->result != NULL) {
        return QT_OK;
    }
    QT_TRY(qasm_type_width(e, c->def->type, &width));
    c->result = qasm_alloc(e->ctx, sizeof *c->result);
    if (c->result == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    *c->result =
        (qasm_symbol){.kind = SYMBOL_VAR, .value = {.type = c->def->type->kind, .width = width}};
    return QT_OK;
}

static qt_code check_call(qasm_elab *e, const ast_expr *expr, const ast_stmt *def) {
    if (expr->count != def->param_count) {
        return qasm_syntax(e->ctx, expr->at, "'%.60s' takes %u arguments, %u are given",
                           expr->name->text, def->param_count, expr->count);
    }
    if (e->call_depth == MAX_CALL_DEPTH) {
        return qasm_too_large(e->ctx, expr->at, "subroutines call each other more than %d deep",
                              MAX_CALL_DEPTH);
    }
    return qasm_count_step(e, expr->at);
}

qt_code qasm_call_def(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value) {
    call c = {.expr = expr, .def = ((const qasm_symbol *)expr->name->data)->def};
    QT_TRY(check_call(e, expr, c.def));
    c.args = qasm_alloc(e->ctx, (expr->count + 1) *
                                    (sizeof *c.args + sizeof *c.operands + sizeof *c.qubits));
    if (c.args == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    c.qubits = (qasm_bits *)(c.args + expr->count + 1);
    c.operands = (ast_expr **)(c.qubits + expr->count + 1);
    for (uint32_t i = 0; i < expr->count; i++) {
        QT_TRY(eval_arg(e, &c, i));
    }
    const qasm_selection selection = {.operands = c.operands,
                                      .count = c.operand_count,
                                      .bits = c.qubits,
                                      .run = run_call,
                                      .before_cases = prepare_cases,
                                      .arg = &c};
    QT_TRY(qasm_with_qubits(e, &selection));
    *ret_value = c.value;
    return QT_OK;
}

qt_code qasm_def(qasm_elab *e, const ast_stmt *s) {
    qasm_symbol *symbol = NULL;
    if (e->scope_depth > 0) {
        return qasm_syntax(e->ctx, s->at, "a subroutine is defined outside of all blocks");
    }
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_DEF, &symbol));
    symbol->def = s;
    return QT_OK;
}
