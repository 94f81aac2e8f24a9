/* Gate definitions of OpenQASM 2. */
#include "qasm/qasm2.h"

enum { MAX_FORMALS = 65535 };

static bool is_gate(const qasm_name *name) {
    return name->meaning == MEANING_GATE;
}

/* What a statement may start with. */
static bool is_gate_or_head(const qasm_name *name) {
    return is_gate(name) || name->head;
}

qt_code qasm2_find_gate(qasm2 *p, uint32_t *ret_gate) {
    qasm_name *name = p->tok.value.name;
    if (name->meaning == MEANING_GATE) {
        *ret_gate = name->index;
        return QT_OK;
    }
    if (name->meaning == MEANING_QREG || name->meaning == MEANING_CREG) {
        return qasm_syntax(p->ctx, p->tok.start, "'%.60s' is a register, not a gate", name->text);
    }
    if (!p->library_included && qasm_library_has(SET_QELIB1 | SET_LATER, name->text, name->len)) {
        return qasm_no_include(p->ctx, p->tok.start, name->text, "qelib1.inc");
    }
    return qasm_unknown(p->ctx, p->tok.start, "the gate", name, is_gate_or_head);
}

qt_code qasm2_check_new(qasm2 *p, const char *what) {
    const qasm_name *name = p->tok.value.name;
    if (!qasm2_at(p, TOK_ID) || name->meaning == MEANING_KEYWORD) {
        return qasm2_expected(p, what);
    }
    if (name->text[0] < 'a' || name->text[0] > 'z') {
        return qasm_syntax(p->ctx, p->tok.start,
                           "the name '%.60s' does not start with a lower-case letter", name->text);
    }
    return QT_OK;
}

static qt_code add_formal(qasm2 *p, bool qubit, uint32_t *count) {
    QT_TRY(qasm2_check_new(p, qubit ? "a name of a qubit" : "a name of a parameter"));
    qasm_name *name = p->tok.value.name;
    if (name->formal > 0) {
        return qasm_syntax(p->ctx, p->tok.start, "'%.60s' is used twice", name->text);
    }
    if (*count >= MAX_FORMALS) {
        return qasm_too_large(p->ctx, p->tok.start, "the gate has too many parameters or qubits");
    }
    QASM_GROW(p->ctx, p->formals, p->formal_cap, p->formal_count + 1);
    p->formals[p->formal_count++] = name;
    name->formal = ++*count;
    name->formal_qubit = qubit;
    return qasm2_advance(p);
}

static qt_code formal_list(qasm2 *p, bool qubits, uint32_t *ret_count) {
    uint32_t count = 0;
    QT_TRY(add_formal(p, qubits, &count));
    while (qasm2_at(p, ',')) {
        QT_TRY(qasm2_advance(p));
        QT_TRY(add_formal(p, qubits, &count));
    }
    *ret_count = count;
    return QT_OK;
}

static void forget_formals(qasm2 *p) {
    for (size_t i = 0; i < p->formal_count; i++) {
        p->formals[i]->formal = 0;
    }
    p->formal_count = 0;
}

/* The name, parameters and qubits of a definition. */
static qt_code header(qasm2 *p, qasm_gate *gate, qasm_name **ret_name, const char **ret_at) {
    QT_TRY(qasm2_advance(p));
    QT_TRY(qasm2_check_new(p, "a name of a gate"));
    qasm_name *name = p->tok.value.name;
    *ret_at = p->tok.start;
    bool taken = name->meaning != MEANING_NONE && !(is_gate(name) && name->library);
    if (taken) {
        return qasm_syntax(p->ctx, p->tok.start, "'%.60s' is declared already", name->text);
    }
    gate->name = name->text;
    p->declaring = name;
    QT_TRY(qasm2_advance(p));
    if (qasm2_at(p, '(')) {
        QT_TRY(qasm2_advance(p));
        if (!qasm2_at(p, ')')) {
            QT_TRY(formal_list(p, false, &gate->param_count));
        }
        QT_TRY(qasm2_expect(p, ')'));
    }
    QT_TRY(formal_list(p, true, &gate->qubit_count));
    gate->frame = gate->param_count + gate->qubit_count;
    *ret_name = name;
    return QT_OK;
}

/* Told once for a body: it may be all that follows a missing '}'. */
static qt_code foreign_qubit(qasm2 *p, const qasm_name *name) {
    if (p->told_foreign) {
        return QT_INVALID_ARGUMENT;
    }
    p->told_foreign = true;
    return qasm_syntax(p->ctx, p->tok.start, "'%.60s' is no qubit of the gate", name->text);
}

static qt_code body_qubit(qasm2 *p, const qasm_call *call) {
    const qasm_name *name = qasm2_at(p, TOK_ID) ? p->tok.value.name : NULL;
    if (name == NULL) {
        return qasm2_expected(p, "a qubit of the gate");
    }
    if (name->formal == 0 || !name->formal_qubit) {
        return foreign_qubit(p, name);
    }
    qasm_gates *g = &p->gates;
    if (p->used_in == NULL) {
        return qasm_no_memory(p->ctx);
    }
    if (p->used_in[name->formal - 1] == p->calls) {
        return qasm_syntax(p->ctx, p->tok.start, "the qubit '%.60s' is used twice", name->text);
    }
    p->used_in[name->formal - 1] = p->calls;
    QASM_GROW(p->ctx, g->formals, g->formal_cap, call->first_qubit + call->qubit_count + 1);
    g->formals[call->first_qubit + call->qubit_count] = name->formal - 1;
    QT_TRY(qasm2_advance(p));
    if (qasm2_at(p, '[')) {
        return qasm_syntax(p->ctx, p->tok.start, "a gate's own qubits have no index");
    }
    return QT_OK;
}

static qt_code body_qubits(qasm2 *p, qasm_call *call) {
    call->first_qubit = (uint32_t)p->gates.formal_count;
    p->calls++;
    for (;;) {
        QT_TRY(body_qubit(p, call));
        call->qubit_count++;
        if (!qasm2_at(p, ',')) {
            p->gates.formal_count += call->qubit_count;
            return QT_OK;
        }
        QT_TRY(qasm2_advance(p));
    }
}

/* Of a barrier without operands. */
static qt_code all_qubits(qasm2 *p, const qasm_gate *gate, qasm_call *call) {
    qasm_gates *g = &p->gates;
    QASM_GROW(p->ctx, g->formals, g->formal_cap, g->formal_count + gate->qubit_count);
    call->first_qubit = (uint32_t)g->formal_count;
    call->qubit_count = gate->qubit_count;
    for (uint32_t i = 0; i < gate->qubit_count; i++) {
        g->formals[g->formal_count++] = i;
    }
    return QT_OK;
}

static qt_code body_params(qasm2 *p, qasm_call *call, uint32_t *ret_count) {
    qasm_gates *g = &p->gates;
    uint32_t count = 0;
    call->first_param = (uint32_t)g->param_node_count;
    QT_TRY(qasm2_advance(p));
    while (!qasm2_at(p, ')') || count > 0) {
        qasm2_value v;
        QT_TRY(qasm2_expr(p, &v));
        if (v.node == QT_NO_INDEX) {
            qasm_node node = {.kind = NODE_CONST, .v = v.v};
            QT_TRY(qasm_gates_add_node(p->ctx, g, node, &v.node));
        }
        QASM_GROW(p->ctx, g->param_nodes, g->param_node_cap, g->param_node_count + 1);
        g->param_nodes[g->param_node_count++] = v.node;
        count++;
        if (!qasm2_at(p, ',')) {
            break;
        }
        QT_TRY(qasm2_advance(p));
    }
    *ret_count = count;
    return qasm2_expect(p, ')');
}

static qt_code body_gate(qasm2 *p, qasm_gate *gate) {
    const char *at = p->tok.start;
    const qasm_name *name = p->tok.value.name;
    qasm_call call = {0};
    QT_TRY(qasm2_find_gate(p, &call.gate));
    QT_TRY(qasm2_advance(p));
    uint32_t params = 0;
    if (qasm2_at(p, '(')) {
        QT_TRY(body_params(p, &call, &params));
    }
    QT_TRY(body_qubits(p, &call));
    QT_TRY(qasm2_at_end(p));
    const qasm_gate *callee = &p->gates.items[call.gate];
    if (params != callee->param_count) {
        return qasm_syntax(p->ctx, at, "the gate '%.60s' takes %u parameters, %u are given",
                           name->text, callee->param_count, params);
    }
    if (call.qubit_count != callee->qubit_count) {
        return qasm_syntax(p->ctx, at, "the gate '%.60s' takes %u qubits, %u are given", name->text,
                           callee->qubit_count, call.qubit_count);
    }
    QT_TRY(qasm_gates_add_call(p->ctx, &p->gates, gate, &call, at));
    return qasm2_leave(p);
}

static qt_code body_statement(qasm2 *p, qasm_gate *gate) {
    qasm2_keyword keyword = qasm2_at_keyword(p);
    if (keyword == KW2_BARRIER) {
        const char *at = p->tok.start;
        qasm_call call = {.gate = p->gates.barrier};
        QT_TRY(qasm2_advance(p));
        QT_TRY(qasm2_at(p, ';') ? all_qubits(p, gate, &call) : body_qubits(p, &call));
        QT_TRY(qasm2_end(p));
        return qasm_gates_add_call(p->ctx, &p->gates, gate, &call, at);
    }
    if (qasm2_at(p, TOK_ID) && keyword == KW2_NONE) {
        return body_gate(p, gate);
    }
    if (p->told_foreign) {
        return QT_INVALID_ARGUMENT;
    }
    p->told_foreign = true;
    return qasm2_expected(p, "a gate or '}'");
}

/* What is never meant to be in a body: the '}' is missing. */
static bool ends_body(const qasm2 *p) {
    qasm2_keyword keyword = qasm2_at_keyword(p);
    return keyword >= KW2_OPENQASM && keyword <= KW2_OPAQUE &&
           qasm_lexer_on_new_line(&p->lexer, &p->tok);
}

/* The statements of a body up to its '}'; all that are wrong are reported. */
static qt_code body_statements(qasm2 *p, qasm_gate *gate) {
    qt_code code = QT_OK;
    while (!qasm2_at(p, '}') && !qasm2_at(p, TOK_END)) {
        if (ends_body(p)) {
            return qasm2_expected(p, "'}'");
        }
        const char *start = p->tok.start;
        if (body_statement(p, gate) == QT_OK) {
            continue;
        }
        code = QT_INVALID_ARGUMENT;
        if (p->ctx->fatal) {
            break;
        }
        p->depth = 0;
        qasm_lexer_recover(&p->lexer, &p->tok, start, true);
    }
    return code;
}

static qt_code body(qasm2 *p, qasm_gate *gate) {
    bool open = qasm2_at(p, '{');
    qt_code code = open ? qasm2_advance(p) : qasm2_expected(p, "'{'");
    if (code != QT_OK && (p->ctx->fatal || !qasm_lexer_on_new_line(&p->lexer, &p->tok))) {
        return code; /* else only the '{' is missing */
    }
    gate->form = FORM_BODY;
    gate->first_call = (uint32_t)p->gates.call_count;
    p->told_foreign = false;
    p->used_in = qasm_alloc(p->ctx, gate->qubit_count * sizeof *p->used_in);
    if (p->used_in == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < gate->qubit_count; i++) {
        p->used_in[i] = 0;
    }
    QT_TRY(body_statements(p, gate));
    return code;
}

static qt_code define(qasm2 *p, const qasm_gate *gate, qasm_name *name) {
    QT_TRY(qasm_gates_add(p->ctx, &p->gates, *gate, &name->index));
    name->meaning = MEANING_GATE;
    name->library = p->in_library;
    name->later = p->in_library;
    return QT_OK;
}

/* After an error the name still becomes known, so that its uses are not reported too. */
static qt_code finish(qasm2 *p, qt_code code, const qasm_gate *gate, qasm_name *name) {
    forget_formals(p);
    p->in_body = false;
    if (name != NULL && !p->ctx->fatal) {
        qt_code defined = define(p, gate, name);
        code = code == QT_OK ? defined : code;
    }
    return code;
}

qt_code qasm2_gate_definition(qasm2 *p) {
    qasm_gate gate = {.form = FORM_BODY};
    qasm_name *name = NULL;
    const char *at = NULL;
    const char *start = p->tok.start;
    p->in_body = true;
    qt_code code = header(p, &gate, &name, &at);
    if (code == QT_OK) {
        code = body(p, &gate);
    }
    if (code == QT_OK) {
        qasm_gate_take_base(&gate, 2, start, p->tok.end);
    }
    bool at_end = qasm2_at(p, '}');
    code = finish(p, code, &gate, name);
    if (code != QT_OK && !at_end) {
        return code;
    }
    p->recovered = code != QT_OK;
    QT_TRY(qasm2_expect(p, '}'));
    return code;
}

qt_code qasm2_opaque_definition(qasm2 *p) {
    qasm_gate gate = {.form = FORM_OPAQUE};
    qasm_name *name = NULL;
    const char *at = NULL;
    qt_code code = header(p, &gate, &name, &at);
    QT_TRY(finish(p, code, &gate, name));
    return qasm2_end(p);
}
