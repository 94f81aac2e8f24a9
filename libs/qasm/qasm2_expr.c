/* Real expressions of OpenQASM 2: + - * / ^, unary signs, functions, pi. */
#include <math.h>
#include <stdio.h>

#include "qasm/qasm2.h"

static qt_code to_node(qasm2 *p, qasm2_value v, uint32_t *ret_node) {
    if (v.node != QT_NO_INDEX) {
        *ret_node = v.node;
        return QT_OK;
    }
    return qasm_gates_add_node(p->ctx, &p->gates, (qasm_node){.kind = NODE_CONST, .v = v.v},
                               ret_node);
}

static qt_code not_finite(qasm2 *p, const char *at) {
    return qasm_syntax(p->ctx, at, "the value is not a finite number");
}

static qt_code combine(qasm2 *p, qt_operator op, qasm2_value *left, qasm2_value right,
                       const char *at) {
    if (left->node == QT_NO_INDEX && right.node == QT_NO_INDEX) {
        return qasm_fold_binary(op, left->v, right.v, &left->v) ? QT_OK : not_finite(p, at);
    }
    qasm_node node = {.kind = NODE_BINARY, .op = (uint8_t)op};
    if (op == QT_OPERATOR_DIV && right.node == QT_NO_INDEX && right.v == 0) {
        return qasm_syntax(p->ctx, at, "division by zero");
    }
    QT_TRY(to_node(p, *left, &node.a));
    QT_TRY(to_node(p, right, &node.b));
    return qasm_gates_add_node(p->ctx, &p->gates, node, &left->node);
}

static qt_code deeper(qasm2 *p) {
    if (++p->depth > p->ctx->options.max_nesting) {
        return qasm_too_large(p->ctx, p->tok.start, "the expression is nested more than %zu deep",
                              p->ctx->options.max_nesting);
    }
    return QT_OK;
}

static qt_code call(qasm2 *p, qt_func func, qasm2_value *ret_value) {
    const char *at = p->tok.start;
    qasm2_value v;
    QT_TRY(qasm2_advance(p));
    QT_TRY(qasm2_expect(p, '('));
    QT_TRY(qasm2_expr(p, &v));
    QT_TRY(qasm2_expect(p, ')'));
    if (v.node == QT_NO_INDEX) {
        if (!qasm_fold_call(func, v.v, &v.v)) {
            return not_finite(p, at);
        }
    } else {
        qasm_node node = {.kind = NODE_CALL, .op = (uint8_t)func, .a = v.node};
        QT_TRY(qasm_gates_add_node(p->ctx, &p->gates, node, &v.node));
    }
    *ret_value = v;
    return QT_OK;
}

static bool is_value(const qasm_name *name) {
    bool keyword = name->meaning == MEANING_KEYWORD && name->index >= KW2_PI;
    return keyword || (name->formal > 0 && !name->formal_qubit);
}

static qt_code no_value(qasm2 *p, const qasm_name *name) {
    const qasm_name *similar = qasm_names_similar(&p->ctx->names, name->text, name->len, is_value);
    char hint[80];
    snprintf(hint, sizeof hint, "did you mean '%s'?", similar != NULL ? similar->text : "");
    return qasm_fail(p->ctx, p->tok.start, QT_REASON_CIRCUIT_SYNTAX, similar != NULL ? hint : NULL,
                     "'%.60s' is no parameter or function", name->text);
}

static qt_code named_value(qasm2 *p, qasm2_value *ret_value) {
    static const uint8_t funcs[] = {
        [KW2_SIN] = QT_FUNC_SIN,     [KW2_COS] = QT_FUNC_COS,     [KW2_TAN] = QT_FUNC_TAN,
        [KW2_EXP] = QT_FUNC_EXP,     [KW2_LN] = QT_FUNC_LOG,      [KW2_SQRT] = QT_FUNC_SQRT,
        [KW2_ASIN] = QT_FUNC_ARCSIN, [KW2_ACOS] = QT_FUNC_ARCCOS, [KW2_ATAN] = QT_FUNC_ARCTAN,
    };
    const qasm_name *name = p->tok.value.name;
    qasm2_keyword keyword = qasm2_at_keyword(p);
    if (keyword == KW2_PI) {
        *ret_value = (qasm2_value){.v = M_PI, .node = QT_NO_INDEX};
        return qasm2_advance(p);
    }
    if (keyword >= KW2_SIN) {
        return call(p, funcs[keyword], ret_value);
    }
    if (p->in_body && name->formal > 0 && !name->formal_qubit) {
        qasm_node node = {.kind = NODE_PARAM, .a = name->formal - 1};
        QT_TRY(qasm_gates_add_node(p->ctx, &p->gates, node, &ret_value->node));
        return qasm2_advance(p);
    }
    return no_value(p, name);
}

static qt_code primary(qasm2 *p, qasm2_value *ret_value) {
    const qasm_token *t = &p->tok;
    *ret_value = (qasm2_value){.node = QT_NO_INDEX};
    switch (t->kind) {
    case TOK_INT:
        if (!t->big) {
            ret_value->v = (double)t->value.i;
        } else if (!qasm_parse_real(t->start, (size_t)(t->end - t->start), &ret_value->v)) {
            return not_finite(p, t->start);
        }
        return qasm2_advance(p);
    case TOK_REAL:
        ret_value->v = t->value.f;
        return qasm2_advance(p);
    case '(':
        QT_TRY(qasm2_advance(p));
        QT_TRY(qasm2_expr(p, ret_value));
        return qasm2_expect(p, ')');
    case TOK_ID:
        return named_value(p, ret_value);
    default:
        return qasm2_expected(p, "a number");
    }
}

static qt_code unary(qasm2 *p, qasm2_value *ret_value);

/* Binds more tightly than a sign in front of it, and to the right. */
static qt_code power(qasm2 *p, qasm2_value *ret_value) {
    QT_TRY(primary(p, ret_value));
    if (!qasm2_at(p, '^')) {
        return QT_OK;
    }
    const char *at = p->tok.start;
    qasm2_value right;
    QT_TRY(qasm2_advance(p));
    QT_TRY(unary(p, &right));
    return combine(p, QT_OPERATOR_POW, ret_value, right, at);
}

static qt_code unary(qasm2 *p, qasm2_value *ret_value) {
    QT_TRY(deeper(p));
    bool minus = qasm2_at(p, '-');
    if (minus || qasm2_at(p, '+')) {
        QT_TRY(qasm2_advance(p));
        QT_TRY(unary(p, ret_value));
        if (minus && ret_value->node == QT_NO_INDEX) {
            ret_value->v = -ret_value->v;
        } else if (minus) {
            qasm_node node = {.kind = NODE_UNARY, .op = QT_OPERATOR_NEG, .a = ret_value->node};
            QT_TRY(qasm_gates_add_node(p->ctx, &p->gates, node, &ret_value->node));
        }
    } else {
        QT_TRY(power(p, ret_value));
    }
    p->depth--;
    return QT_OK;
}

static qt_code product(qasm2 *p, qasm2_value *ret_value) {
    QT_TRY(unary(p, ret_value));
    size_t count = 0;
    while (qasm2_at(p, '*') || qasm2_at(p, '/')) {
        const char *at = p->tok.start;
        qt_operator op = qasm2_at(p, '*') ? QT_OPERATOR_MUL : QT_OPERATOR_DIV;
        qasm2_value right;
        QT_TRY(qasm2_advance(p));
        QT_TRY(unary(p, &right));
        QT_TRY(combine(p, op, ret_value, right, at));
        count += ret_value->node != QT_NO_INDEX ? 1 : 0;
        if (count > p->ctx->options.max_nesting) {
            return qasm_too_large(p->ctx, at, "the expression is too long");
        }
    }
    return QT_OK;
}

qt_code qasm2_expr(qasm2 *p, qasm2_value *ret_value) {
    QT_TRY(product(p, ret_value));
    size_t count = 0;
    while (qasm2_at(p, '+') || qasm2_at(p, '-')) {
        const char *at = p->tok.start;
        qt_operator op = qasm2_at(p, '+') ? QT_OPERATOR_ADD : QT_OPERATOR_SUB;
        qasm2_value right;
        QT_TRY(qasm2_advance(p));
        QT_TRY(product(p, &right));
        QT_TRY(combine(p, op, ret_value, right, at));
        count += ret_value->node != QT_NO_INDEX ? 1 : 0;
        if (count > p->ctx->options.max_nesting) {
            return qasm_too_large(p->ctx, at, "the expression is too long");
        }
    }
    return QT_OK;
}
