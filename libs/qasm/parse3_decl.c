/* Declarations and definitions of OpenQASM 3. */
#include "qasm/parse3.h"

static qt_code new_name(qasm3_parser *p, ast_stmt *s) {
    if (!qasm3_at_name(p)) {
        return qasm3_expected(p, "a name");
    }
    s->name = p->tok.value.name;
    s->name_at = p->tok.start;
    return qasm3_advance(p);
}

static qt_code size_type(qasm3_parser *p, ast_type_kind kind, ast_type **ret_type) {
    ast_type *t = qasm3_node(p, sizeof *t);
    if (t == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    t->kind = (uint8_t)kind;
    t->at = p->tok.start;
    *ret_type = t;
    if (!qasm3_at(p, '[')) {
        return QT_OK;
    }
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_expr(p, &t->size));
    return qasm3_expect(p, ']');
}

static qt_code initializer(qasm3_parser *p, ast_stmt *s) {
    if (qasm3_at(p, '=')) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_initializer(p, &s->expr));
    }
    return qasm3_expect(p, ';');
}

/* `int[8](x);`: the type is parsed. */
static qt_code cast_statement(qasm3_parser *p, ast_stmt *s) {
    ast_expr *x = qasm3_node(p, sizeof *x);
    if (x == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    x->kind = EXPR_CAST;
    x->at = s->at;
    x->type = s->type;
    s->kind = STMT_EXPR;
    s->type = NULL;
    s->expr = x;
    QT_TRY(qasm3_expect(p, '('));
    QT_TRY(qasm3_expr(p, &x->a));
    QT_TRY(qasm3_expect(p, ')'));
    return qasm3_expect(p, ';');
}

static qt_code classical(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_DECLARE, &s));
    *ret_stmt = s;
    qasm3_keyword keyword = qasm3_at_keyword(p);
    s->is_const = keyword == KW3_CONST;
    s->is_input = keyword == KW3_INPUT;
    s->is_output = keyword == KW3_OUTPUT;
    if (s->is_const || s->is_input || s->is_output) {
        QT_TRY(qasm3_advance(p));
    }
    QT_TRY(qasm3_type(p, &s->type));
    if (qasm3_at(p, '(') && !s->is_const && !s->is_input && !s->is_output) {
        return cast_statement(p, s);
    }
    QT_TRY(new_name(p, s));
    if (s->is_const && !qasm3_at(p, '=')) {
        return qasm3_expected(p, "'='");
    }
    if ((s->is_input || s->is_output) && !qasm3_at(p, ';')) {
        return qasm3_expected(p, "';'");
    }
    return initializer(p, s);
}

static qt_code quantum(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_QUBIT, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(size_type(p, TYPE_QUBIT, &s->type));
    QT_TRY(new_name(p, s));
    return qasm3_expect(p, ';');
}

/* `qreg q[2];` and `creg c[2];` */
static qt_code old_style(qasm3_parser *p, bool is_quantum, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, is_quantum ? STMT_QUBIT : STMT_DECLARE, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(new_name(p, s));
    QT_TRY(size_type(p, is_quantum ? TYPE_QUBIT : TYPE_BIT, &s->type));
    return qasm3_expect(p, ';');
}

static qt_code alias(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_ALIAS, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(new_name(p, s));
    QT_TRY(qasm3_expect(p, '='));
    QT_TRY(qasm3_expr(p, &s->expr));
    return qasm3_expect(p, ';');
}

static qt_code name_list(qasm3_parser *p, uint8_t close, ast_list *list) {
    while (!qasm3_at(p, close)) {
        if (!qasm3_at_name(p)) {
            return qasm3_expected(p, "a name");
        }
        QT_TRY(qasm3_push(p, list, p->tok.value.name));
        QT_TRY(qasm3_advance(p));
        if (!qasm3_at(p, ',')) {
            break;
        }
        QT_TRY(qasm3_advance(p));
    }
    return QT_OK;
}

static qt_code gate_definition(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    ast_list params = {0};
    ast_list qubits = {0};
    QT_TRY(qasm3_new_stmt(p, STMT_GATE_DEF, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(new_name(p, s));
    if (qasm3_at(p, '(')) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(name_list(p, ')', &params));
        QT_TRY(qasm3_expect(p, ')'));
    }
    QT_TRY(name_list(p, '{', &qubits));
    if (qubits.count == 0) {
        return qasm3_expected(p, "a name of a qubit");
    }
    s->gate_params = (qasm_name **)params.items;
    s->param_count = params.count;
    s->gate_qubits = (qasm_name **)qubits.items;
    s->operand_count = qubits.count;
    QT_TRY(qasm3_block(p, &s->body));
    s->end = p->lexer.last_end;
    return QT_OK;
}

static qt_code def_param(qasm3_parser *p, ast_param *param) {
    param->at = p->tok.start;
    qasm3_keyword keyword = qasm3_at_keyword(p);
    bool old = keyword == KW3_QREG || keyword == KW3_CREG;
    if (keyword == KW3_READONLY || keyword == KW3_MUTABLE) {
        param->readonly = keyword == KW3_READONLY;
        param->is_mutable = keyword == KW3_MUTABLE;
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_type(p, &param->type));
        if (param->type->kind != TYPE_ARRAY) {
            return qasm_syntax(p->ctx, param->at, "only arrays are readonly or mutable");
        }
    } else if (keyword == KW3_QUBIT) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(size_type(p, TYPE_QUBIT, &param->type));
    } else if (old) {
        QT_TRY(qasm3_advance(p));
    } else {
        QT_TRY(qasm3_type(p, &param->type));
        if (param->type->kind == TYPE_ARRAY) {
            return qasm_syntax(p->ctx, param->at,
                               "an array parameter is either readonly or mutable");
        }
    }
    if (!qasm3_at_name(p)) {
        return qasm3_expected(p, "a name of a parameter");
    }
    param->name = p->tok.value.name;
    QT_TRY(qasm3_advance(p));
    return old ? size_type(p, keyword == KW3_QREG ? TYPE_QUBIT : TYPE_BIT, &param->type) : QT_OK;
}

enum { MAX_DEF_PARAMS = 1024 };

static qt_code def_params(qasm3_parser *p, ast_stmt *s) {
    ast_list list = {0};
    while (!qasm3_at(p, ')')) {
        ast_param *param = qasm3_node(p, sizeof *param);
        if (param == NULL) {
            return QT_RESOURCE_EXHAUSTED;
        }
        QT_TRY(def_param(p, param));
        QT_TRY(qasm3_push(p, &list, param));
        if (!qasm3_at(p, ',')) {
            break;
        }
        QT_TRY(qasm3_advance(p));
    }
    if (list.count > MAX_DEF_PARAMS) {
        return qasm_too_large(p->ctx, s->at, "more than %d parameters", MAX_DEF_PARAMS);
    }
    s->def_params = qasm3_node(p, (list.count + 1) * sizeof *s->def_params);
    if (s->def_params == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        s->def_params[i] = *(ast_param *)list.items[i];
    }
    s->param_count = list.count;
    return qasm3_expect(p, ')');
}

/* Its nodes stay until the end: a subroutine is elaborated at each call. */
static qt_code subroutine(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    p->arena = &p->ctx->arena;
    QT_TRY(qasm3_new_stmt(p, STMT_DEF, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(new_name(p, s));
    QT_TRY(qasm3_expect(p, '('));
    QT_TRY(def_params(p, s));
    if (qasm3_at(p, TOK_ARROW)) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_type(p, &s->type));
        if (s->type->kind == TYPE_ARRAY) {
            return qasm_syntax(p->ctx, s->type->at, "a subroutine cannot return an array");
        }
    }
    return qasm3_block(p, &s->body);
}

/* Kept so that calls can name it: using it is what is refused. */
static qt_code external(qasm3_parser *p, ast_stmt **ret_stmt) {
    QT_TRY(qasm3_new_stmt(p, STMT_EXTERN, ret_stmt));
    const char *at = p->tok.start;
    QT_TRY(qasm3_advance(p));
    QT_TRY(new_name(p, *ret_stmt));
    return qasm_unsupported(p->ctx, at, "extern functions ('%.60s') are not supported",
                            (*ret_stmt)->name->text);
}

qt_code qasm3_declaration(qasm3_parser *p, qasm3_keyword keyword, ast_stmt **ret_stmt) {
    switch ((int)keyword) {
    case KW3_QUBIT:
        return quantum(p, ret_stmt);
    case KW3_QREG:
    case KW3_CREG:
        return old_style(p, keyword == KW3_QREG, ret_stmt);
    case KW3_LET:
        return alias(p, ret_stmt);
    case KW3_GATE:
        return gate_definition(p, ret_stmt);
    case KW3_DEF:
        return subroutine(p, ret_stmt);
    case KW3_EXTERN:
        return external(p, ret_stmt);
    default:
        return classical(p, ret_stmt);
    }
}
