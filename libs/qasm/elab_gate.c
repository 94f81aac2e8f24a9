/* Gate calls and gate definitions of OpenQASM 3. */
#include "qasm/elab.h"

#include <string.h>

enum { MAX_OPERANDS = QT_MAX_GATE_QUBITS, MAX_PARAMS = 1024, MAX_MODIFIERS = 64 };

static bool is_gate(const qasm_name *name) {
    return name->meaning == MEANING_GATE;
}

/* What a statement may start with. */
static bool is_gate_or_head(const qasm_name *name) {
    return is_gate(name) || name->head;
}

static qt_code find_gate(qasm_elab *e, const ast_stmt *s, uint32_t *ret_gate) {
    qasm_name *name = s->name;
    if (name->meaning == MEANING_KEYWORD) {
        *ret_gate = e->gphase; /* the only keyword that the parser lets through */
        return QT_OK;
    }
    if (name->meaning == MEANING_GATE) {
        bool short_ms = e->ctx->options.braket && name->library && s->param_count == 2 &&
                        strcmp(name->text, "ms") == 0;
        *ret_gate = short_ms ? e->braket_ms : name->index;
        return QT_OK;
    }
    if (name->meaning == MEANING_SYMBOL) {
        const qasm_symbol *symbol = name->data;
        if (name->hidden_gate && symbol->kind != SYMBOL_DEF && symbol->kind != SYMBOL_BAD) {
            *ret_gate = name->index; /* a variable of the same name does not hide the gate */
            return QT_OK;
        }
        return symbol->kind == SYMBOL_BAD
                   ? QT_INVALID_ARGUMENT
                   : qasm_syntax(e->ctx, s->name_at, "'%.60s' is no gate", name->text);
    }
    if (!e->stdgates && qasm_library_has(SET_STDGATES, name->text, name->len)) {
        return qasm_no_include(e->ctx, s->name_at, name->text, "stdgates.inc");
    }
    return qasm_unknown(e->ctx, s->name_at, "the gate", name, is_gate_or_head);
}

static qt_code check_params(qasm_elab *e, const ast_stmt *s, const qasm_gate *gate) {
    if (s->param_count != gate->param_count) {
        return qasm_syntax(e->ctx, s->name_at, "the gate '%.60s' takes %u parameters, %u are given",
                           gate->name, gate->param_count, s->param_count);
    }
    if (s->param_count > MAX_PARAMS) {
        return qasm_too_large(e->ctx, s->name_at, "more than %d parameters", MAX_PARAMS);
    }
    return QT_OK;
}

static qt_code check_qubits(qasm_elab *e, const ast_stmt *s, const qasm_gate *gate,
                            uint64_t controls) {
    uint64_t wanted = controls + gate->qubit_count;
    if (s->operand_count != wanted) {
        return qasm_syntax(e->ctx, s->name_at, "the gate '%.60s' takes %llu qubits, %u are given",
                           gate->name, (unsigned long long)wanted, s->operand_count);
    }
    if (s->operand_count > MAX_OPERANDS) {
        return qasm_too_large(e->ctx, s->name_at, "more than %d operands", MAX_OPERANDS);
    }
    return QT_OK;
}

static qt_code control_count(qasm_elab *e, const ast_modifier *m, uint32_t *ret_count) {
    int64_t count = 1;
    if (m->arg != NULL) {
        QT_TRY(qasm_eval_int(e, m->arg, "a number of controls", &count));
    }
    if (count < 1 || count > MAX_OPERANDS) {
        return qasm_syntax(e->ctx, m->at, "a gate has 1 to %d controls", MAX_OPERANDS);
    }
    *ret_count = (uint32_t)count;
    return QT_OK;
}

/* ---- calls ---- */

/* The call, with room for what the application points to. */
typedef struct gate_call {
    const ast_stmt *s;
    qasm_application app;
    qasm_modifier modifiers[MAX_MODIFIERS];
    double exponents[MAX_MODIFIERS];
    qasm_bits operands[MAX_OPERANDS];
    uint32_t qubits[MAX_OPERANDS];
} gate_call;

static qt_code exponent(qasm_elab *e, const ast_modifier *m, double *ret_exponent) {
    qasm_angle x = qasm_known_angle(-1); /* inv */
    if (m->arg != NULL) {
        QT_TRY(qasm_eval_angle(e, m->arg, &x));
    }
    if (x.expr != QT_NO_INDEX) {
        return qasm_unsupported(e->ctx, m->at,
                                "an exponent known only at run time is not supported");
    }
    *ret_exponent = x.v;
    return QT_OK;
}

/* The source has the outermost first, the application the innermost. */
static qt_code call_modifiers(qasm_elab *e, const ast_stmt *s, gate_call *c,
                              uint64_t *ret_controls) {
    uint64_t controls = 0;
    if (s->modifier_count > MAX_MODIFIERS) {
        return qasm_too_large(e->ctx, s->at, "more than %d modifiers", MAX_MODIFIERS);
    }
    for (uint32_t i = 0; i < s->modifier_count; i++) {
        const ast_modifier *m = &s->modifiers[s->modifier_count - 1 - i];
        c->modifiers[i] = (qasm_modifier){.kind = m->kind, .node = i};
        if (m->kind == MODIFIER_POW) {
            QT_TRY(exponent(e, m, &c->exponents[i]));
        } else {
            QT_TRY(control_count(e, m, &c->modifiers[i].count));
            controls += c->modifiers[i].count;
        }
    }
    c->app.modifiers = c->modifiers;
    c->app.modifier_count = s->modifier_count;
    c->app.exponents = c->exponents;
    *ret_controls = controls;
    return QT_OK;
}

static qt_code common_size(qasm_elab *e, const ast_stmt *s, const gate_call *c,
                           uint32_t *ret_size) {
    uint32_t size = 1;
    bool whole = false;
    for (uint32_t i = 0; i < s->operand_count; i++) {
        const qasm_bits *o = &c->operands[i];
        if (!o->single && whole && o->count != size) {
            return qasm_syntax(e->ctx, o->at, "registers of different sizes: %u and %u qubits",
                               size, o->count);
        }
        size = o->single ? size : o->count;
        whole = whole || !o->single;
    }
    *ret_size = size;
    return QT_OK;
}

/* The operand that names a qubit again, or 0. */
static uint32_t find_twin(const gate_call *c, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (c->qubits[i] == c->qubits[j]) {
                return i;
            }
        }
    }
    return 0;
}

/* The operands' qubits are known. */
static qt_code apply(qasm_elab *e, const qasm_bits *operands, void *arg) {
    gate_call *c = arg;
    const ast_stmt *s = c->s;
    uint32_t size = 1;
    (void)operands;
    QT_TRY(common_size(e, s, c, &size));
    QT_TRY(size > 1 ? qasm_tick(e->ctx, s->at, size) : QT_OK);
    for (uint32_t k = 0; k < size; k++) {
        for (uint32_t i = 0; i < s->operand_count; i++) {
            const qasm_bits *o = &c->operands[i];
            c->qubits[i] = qasm_bit(o, o->single ? 0 : k);
        }
        uint32_t twin = find_twin(c, s->operand_count);
        if (twin > 0) {
            return e->in_case != NULL ? qasm_fail_in_case(e, c->operands[twin].at)
                                      : qasm_syntax(e->ctx, c->operands[twin].at,
                                                    "a qubit is used twice in one gate");
        }
        QT_TRY(qasm_apply(e->ctx, &e->gates, &c->app));
    }
    return QT_OK;
}

static qt_code call_params(qasm_elab *e, const ast_stmt *s, const qasm_angle **ret_params) {
    qasm_angle *params =
        s->param_count > 0 ? qasm3_node(&e->parser, s->param_count * sizeof *params) : NULL;
    if (params == NULL && s->param_count > 0) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < s->param_count; i++) {
        QT_TRY(qasm_eval_angle(e, s->params[i], &params[i]));
    }
    *ret_params = params;
    return QT_OK;
}

/* The specification's older examples call subroutines as if they were gates: the parameters first,
 * then the qubits. */
static qt_code def_call(qasm_elab *e, const ast_stmt *s) {
    qasm_value ignored;
    ast_expr call = {.kind = EXPR_CALL, .at = s->name_at, .name = s->name};
    call.count = s->param_count + s->operand_count;
    call.list = qasm_alloc(e->ctx, (call.count + 1) * sizeof *call.list);
    if (call.list == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < s->param_count; i++) {
        call.list[i] = s->params[i];
    }
    for (uint32_t i = 0; i < s->operand_count; i++) {
        call.list[s->param_count + i] = s->operands[i];
    }
    return qasm_call_def(e, &call, &ignored);
}

static bool names_def(const ast_stmt *s) {
    return s->name->meaning == MEANING_SYMBOL && s->modifier_count == 0 &&
           ((const qasm_symbol *)s->name->data)->kind == SYMBOL_DEF;
}

qt_code qasm_gate_statement(qasm_elab *e, const ast_stmt *s) {
    gate_call c;
    uint64_t controls = 0;
    if (names_def(s)) {
        return def_call(e, s);
    }
    c.app = (qasm_application){.at = s->name_at, .qubits = c.qubits};
    QT_TRY(qasm_count_step(e, s->at));
    QT_TRY(find_gate(e, s, &c.app.gate));
    if (s->expr != NULL) {
        QT_TRY(qasm_ignore_duration(e, s->expr, "a gate"));
    }
    QT_TRY(check_params(e, s, &e->gates.items[c.app.gate]));
    QT_TRY(call_modifiers(e, s, &c, &controls));
    QT_TRY(check_qubits(e, s, &e->gates.items[c.app.gate], controls));
    QT_TRY(call_params(e, s, &c.app.params));
    c.s = s;
    c.app.qubit_count = s->operand_count;
    const qasm_selection selection = {.operands = s->operands,
                                      .count = s->operand_count,
                                      .bits = c.operands,
                                      .run = apply,
                                      .arg = &c};
    return qasm_with_qubits(e, &selection);
}

/* ---- definitions ---- */

static bool is_formal(const ast_expr *x, const void *arg) {
    (void)arg;
    return x->kind == EXPR_NAME && x->name->formal > 0;
}

static bool uses_formal(const ast_expr *x) {
    return qasm_any_expr(x, is_formal, NULL);
}

static qt_code add_node(qasm_elab *e, qasm_node node, uint32_t *ret_node) {
    return qasm_gates_add_node(e->ctx, &e->gates, node, ret_node);
}

static qt_code node_of(qasm_elab *e, const ast_expr *x, uint32_t *ret_node);

static qt_code call_node(qasm_elab *e, const ast_expr *x, uint32_t *ret_node) {
    qt_func func;
    qasm_node node = {.kind = NODE_CALL};
    bool power = strcmp(x->name->text, "pow") == 0;
    if ((power || strcmp(x->name->text, "mod") == 0) && x->count == 2) {
        node = (qasm_node){.kind = NODE_BINARY, .op = power ? QT_OPERATOR_POW : QT_OPERATOR_MOD};
        QT_TRY(node_of(e, x->list[0], &node.a));
        QT_TRY(node_of(e, x->list[1], &node.b));
        return add_node(e, node, ret_node);
    }
    if (x->count != 1 || !qasm_float_function(x->name->text, &func)) {
        return qasm_unsupported(e->ctx, x->at,
                                "the function '%.60s' of a gate's parameter is not supported",
                                x->name->text);
    }
    node.op = (uint8_t)func;
    QT_TRY(node_of(e, x->list[0], &node.a));
    return add_node(e, node, ret_node);
}

static qt_code binary_node(qasm_elab *e, const ast_expr *x, uint32_t *ret_node) {
    qasm_node node = {.kind = NODE_BINARY, .op = x->op};
    if (x->op > QT_OPERATOR_POW) {
        return qasm_unsupported(e->ctx, x->at,
                                "this operator on a gate's parameter is not supported");
    }
    QT_TRY(node_of(e, x->a, &node.a));
    QT_TRY(node_of(e, x->b, &node.b));
    return add_node(e, node, ret_node);
}

static qt_code known_node(qasm_elab *e, const ast_expr *x, uint32_t *ret_node) {
    qasm_angle angle;
    if (!qasm_is_constant(x)) {
        return qasm_syntax(e->ctx, x->at, "a gate's body uses constants and its parameters only");
    }
    QT_TRY(qasm_eval_angle(e, x, &angle));
    if (angle.expr != QT_NO_INDEX) {
        return qasm_syntax(e->ctx, x->at, "a gate's body uses constants and its parameters only");
    }
    return add_node(e, (qasm_node){.kind = NODE_CONST, .v = angle.v}, ret_node);
}

static qt_code node_of(qasm_elab *e, const ast_expr *x, uint32_t *ret_node) {
    if (!uses_formal(x)) {
        return known_node(e, x, ret_node);
    }
    switch ((int)x->kind) {
    case EXPR_NAME:
        if (x->name->formal_qubit) {
            return qasm_syntax(e->ctx, x->at, "'%.60s' is a qubit, not a value", x->name->text);
        }
        return add_node(e, (qasm_node){.kind = NODE_PARAM, .a = x->name->formal - 1}, ret_node);
    case EXPR_CAST:
        return node_of(e, x->a, ret_node);
    case EXPR_UNARY: {
        qasm_node node = {.kind = NODE_UNARY, .op = x->op};
        if (x->op != QT_OPERATOR_NEG) {
            return qasm_unsupported(e->ctx, x->at,
                                    "this operator on a gate's parameter is not supported");
        }
        QT_TRY(node_of(e, x->a, &node.a));
        return add_node(e, node, ret_node);
    }
    case EXPR_CALL:
        return call_node(e, x, ret_node);
    case EXPR_BINARY:
        return binary_node(e, x, ret_node);
    default:
        return qasm_unsupported(e->ctx, x->at,
                                "this expression of a gate's parameter is not supported");
    }
}

static qt_code body_qubits(qasm_elab *e, const ast_stmt *s, qasm_call *call) {
    qasm_gates *g = &e->gates;
    QASM_GROW(e->ctx, g->formals, g->formal_cap, g->formal_count + s->operand_count);
    call->first_qubit = (uint32_t)g->formal_count;
    call->qubit_count = s->operand_count;
    for (uint32_t i = 0; i < s->operand_count; i++) {
        const ast_expr *x = s->operands[i];
        bool own = x->kind == EXPR_NAME && x->name->formal > 0 && x->name->formal_qubit;
        if (!own) {
            return qasm_syntax(e->ctx, x->at, "a gate's body acts on the gate's own qubits only");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (g->formals[call->first_qubit + j] == x->name->formal - 1) {
                return qasm_syntax(e->ctx, x->at, "the qubit '%.60s' is used twice", x->name->text);
            }
        }
        g->formals[g->formal_count++] = x->name->formal - 1;
    }
    return QT_OK;
}

static qt_code body_modifiers(qasm_elab *e, const ast_stmt *s, qasm_call *call,
                              uint64_t *ret_controls) {
    qasm_gates *g = &e->gates;
    uint64_t controls = 0;
    QASM_GROW(e->ctx, g->modifiers, g->modifier_cap, g->modifier_count + s->modifier_count);
    call->first_modifier = (uint32_t)g->modifier_count;
    call->modifier_count = s->modifier_count;
    for (uint32_t i = s->modifier_count; i > 0; i--) {
        const ast_modifier *m = &s->modifiers[i - 1];
        qasm_modifier to = {.kind = m->kind};
        if (m->kind != MODIFIER_POW) {
            QT_TRY(control_count(e, m, &to.count));
            controls += to.count;
        } else if (m->arg != NULL) {
            QT_TRY(node_of(e, m->arg, &to.node));
        } else {
            QT_TRY(add_node(e, (qasm_node){.kind = NODE_CONST, .v = -1}, &to.node));
        }
        g->modifiers[g->modifier_count++] = to;
    }
    *ret_controls = controls;
    return QT_OK;
}

static qt_code body_params(qasm_elab *e, const ast_stmt *s, qasm_call *call) {
    qasm_gates *g = &e->gates;
    QASM_GROW(e->ctx, g->param_nodes, g->param_node_cap, g->param_node_count + s->param_count);
    call->first_param = (uint32_t)g->param_node_count;
    for (uint32_t i = 0; i < s->param_count; i++) {
        uint32_t node = 0;
        QT_TRY(node_of(e, s->params[i], &node));
        g->param_nodes[g->param_node_count++] = node;
    }
    return QT_OK;
}

static qt_code body_call(qasm_elab *e, const ast_stmt *s, qasm_gate *gate) {
    qasm_call call = {0};
    uint64_t controls = 0;
    QT_TRY(find_gate(e, s, &call.gate));
    QT_TRY(check_params(e, s, &e->gates.items[call.gate]));
    QT_TRY(body_modifiers(e, s, &call, &controls));
    QT_TRY(check_qubits(e, s, &e->gates.items[call.gate], controls));
    QT_TRY(body_params(e, s, &call));
    QT_TRY(body_qubits(e, s, &call));
    return qasm_gates_add_call(e->ctx, &e->gates, gate, &call, s->name_at);
}

static qt_code body_barrier(qasm_elab *e, const ast_stmt *s, qasm_gate *gate) {
    qasm_call call = {.gate = e->gates.barrier};
    QT_TRY(body_qubits(e, s, &call));
    return qasm_gates_add_call(e->ctx, &e->gates, gate, &call, s->at);
}

static qt_code body_block(qasm_elab *e, const ast_block *block, qasm_gate *gate);

/* One turn of a loop, with its number as a constant. */
static qt_code body_turn(qasm_elab *e, const ast_stmt *s, const qasm_value *value,
                         qasm_gate *gate) {
    qasm_symbol *symbol = NULL;
    uint32_t width = 0;
    QT_TRY(qasm_count_step(e, s->at));
    QT_TRY(qasm_type_width(e, s->type, &width));
    size_t mark = qasm_scope_open(e);
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_CONST, &symbol));
    QT_TRY(qasm_cast(e->ctx, value, s->type->kind, width, s->name_at, &symbol->value));
    QT_TRY(body_block(e, &s->body, gate));
    qasm_scope_close(e, mark);
    return QT_OK;
}

static qt_code body_loop(qasm_elab *e, const ast_stmt *s, qasm_gate *gate) {
    qasm_range r;
    if (s->name->formal > 0 || (s->expr->kind != EXPR_RANGE && s->expr->kind != EXPR_SET)) {
        return qasm_syntax(e->ctx, s->at,
                           "a loop in a gate's body has a range or a set, and a name of its own");
    }
    if (!qasm_is_constant(s->expr)) {
        return qasm_syntax(e->ctx, s->expr->at, "a loop in a gate's body runs over constants");
    }
    for (uint32_t i = 0; s->expr->kind == EXPR_SET && i < s->expr->count; i++) {
        qasm_value v;
        QT_TRY(qasm_eval(e, s->expr->list[i], &v));
        QT_TRY(body_turn(e, s, &v, gate));
    }
    if (s->expr->kind == EXPR_SET) {
        return QT_OK;
    }
    QT_TRY(qasm_eval_range(e, s->expr, 0, &r));
    for (uint64_t i = 0; i < qasm_range_count(&r); i++) {
        qasm_value v = qasm_int_value((int64_t)((uint64_t)r.first + i * (uint64_t)r.step));
        QT_TRY(body_turn(e, s, &v, gate));
    }
    return QT_OK;
}

static qt_code body_statement(qasm_elab *e, const ast_stmt *s, qasm_gate *gate) {
    switch ((int)s->kind) {
    case STMT_GATE:
        return body_call(e, s, gate);
    case STMT_BARRIER:
        return body_barrier(e, s, gate);
    case STMT_NOP:
    case STMT_NOTE:
        return QT_OK;
    case STMT_SCOPE:
        return body_block(e, &s->body, gate);
    case STMT_FOR:
        return body_loop(e, s, gate);
    default:
        return qasm_syntax(e->ctx, s->at, "a gate's body has gates and loops over them only");
    }
}

static qt_code body_block(qasm_elab *e, const ast_block *block, qasm_gate *gate) {
    for (uint32_t i = 0; i < block->count; i++) {
        QT_TRY(body_statement(e, block->items[i], gate));
    }
    return QT_OK;
}

static qt_code set_formals(qasm_elab *e, qasm_name *const *names, uint32_t count, bool qubits,
                           const char *at) {
    for (uint32_t i = 0; i < count; i++) {
        if (names[i]->formal > 0) {
            return qasm_syntax(e->ctx, at, "'%.60s' is used twice", names[i]->text);
        }
        names[i]->formal = i + 1;
        names[i]->formal_qubit = qubits;
    }
    return QT_OK;
}

static void forget_formals(const ast_stmt *s) {
    for (uint32_t i = 0; i < s->param_count; i++) {
        s->gate_params[i]->formal = 0;
    }
    for (uint32_t i = 0; i < s->operand_count; i++) {
        s->gate_qubits[i]->formal = 0;
    }
}

static qt_code define_body(qasm_elab *e, const ast_stmt *s, qasm_gate *gate) {
    QT_TRY(set_formals(e, s->gate_params, s->param_count, false, s->name_at));
    QT_TRY(set_formals(e, s->gate_qubits, s->operand_count, true, s->name_at));
    return body_block(e, &s->body, gate);
}

qt_code qasm_gate_definition(qasm_elab *e, const ast_stmt *s) {
    qasm_name *name = s->name;
    qasm_gate gate = {.name = name->text,
                      .form = FORM_BODY,
                      .param_count = s->param_count,
                      .qubit_count = s->operand_count,
                      .first_call = (uint32_t)e->gates.call_count,
                      .frame = (size_t)s->param_count + s->operand_count};
    bool taken = name->meaning != MEANING_NONE && !(is_gate(name) && name->library);
    if (e->scope_depth > 0) {
        return qasm_syntax(e->ctx, s->at, "a gate is defined outside of all blocks");
    }
    if (taken) {
        return qasm_syntax(e->ctx, s->name_at, "'%.60s' is declared already", name->text);
    }
    qt_code code = define_body(e, s, &gate);
    forget_formals(s);
    if (e->ctx->fatal) {
        return code;
    }
    qasm_gate_take_base(&gate, 3, s->at, s->end);
    /* Also after an error, so that its uses are not reported too. */
    qt_code added = qasm_gates_add(e->ctx, &e->gates, gate, &name->index);
    name->meaning = MEANING_GATE;
    name->library = e->in_prelude;
    return code == QT_OK ? added : code;
}
