/* Control flow of OpenQASM 3. */
#include "qasm/parse3.h"

/* A block or a single statement. */
static qt_code body(qasm3_parser *p, ast_block *ret_block) {
    if (qasm3_at(p, '{')) {
        return qasm3_block(p, ret_block);
    }
    ast_list list = {0};
    ast_stmt *s = NULL;
    do { /* annotations belong to the statement behind them */
        QT_TRY(qasm3_statement(p, &s));
        QT_TRY(qasm3_push(p, &list, s));
    } while (s->kind == STMT_NOTE && s->text[0] == '@');
    ret_block->items = (ast_stmt **)list.items;
    ret_block->count = list.count;
    return QT_OK;
}

static qt_code condition(qasm3_parser *p, ast_expr **ret_expr) {
    QT_TRY(qasm3_expect(p, '('));
    QT_TRY(qasm3_expr(p, ret_expr));
    return qasm3_expect(p, ')');
}

qt_code qasm3_if(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_IF, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(condition(p, &s->expr));
    QT_TRY(body(p, &s->body));
    if (qasm3_at_keyword(p) == KW3_ELSE) {
        s->has_other = true;
        QT_TRY(qasm3_advance(p));
        return body(p, &s->other);
    }
    return QT_OK;
}

qt_code qasm3_while(qasm3_parser *p, ast_stmt **ret_stmt) {
    QT_TRY(qasm3_new_stmt(p, STMT_WHILE, ret_stmt));
    QT_TRY(qasm3_advance(p));
    QT_TRY(condition(p, &(*ret_stmt)->expr));
    return body(p, &(*ret_stmt)->body);
}

static qt_code for_domain(qasm3_parser *p, ast_stmt *s) {
    if (qasm3_at(p, '{')) {
        return qasm3_set(p, &s->expr);
    }
    if (!qasm3_at(p, '[')) {
        return qasm3_expr(p, &s->expr);
    }
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_range_or_expr(p, &s->expr));
    if (s->expr->kind != EXPR_RANGE || s->expr->a == NULL || s->expr->c == NULL) {
        return qasm_syntax(p->ctx, s->expr->at, "a loop needs a range with a start and an end");
    }
    return qasm3_expect(p, ']');
}

qt_code qasm3_for(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_FOR, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_type(p, &s->type));
    if (!qasm3_at_name(p)) {
        return qasm3_expected(p, "a name");
    }
    s->name = p->tok.value.name;
    s->name_at = p->tok.start;
    QT_TRY(qasm3_advance(p));
    if (qasm3_at_keyword(p) != KW3_IN) {
        return qasm3_expected(p, "'in'");
    }
    QT_TRY(qasm3_advance(p));
    QT_TRY(for_domain(p, s));
    return body(p, &s->body);
}

static qt_code switch_case(qasm3_parser *p, ast_case *c) {
    ast_list list = {0};
    if (qasm3_at_keyword(p) == KW3_DEFAULT) {
        QT_TRY(qasm3_advance(p));
        return qasm3_block(p, &c->body);
    }
    if (qasm3_at_keyword(p) != KW3_CASE) {
        return qasm3_expected(p, "'case', 'default' or '}'");
    }
    QT_TRY(qasm3_advance(p));
    for (;;) {
        ast_expr *e = NULL;
        QT_TRY(qasm3_expr(p, &e));
        QT_TRY(qasm3_push(p, &list, e));
        if (!qasm3_at(p, ',')) {
            break;
        }
        QT_TRY(qasm3_advance(p));
        if (qasm3_at(p, '{')) {
            break; /* behind a trailing comma */
        }
    }
    c->values = (ast_expr **)list.items;
    c->count = list.count;
    return qasm3_block(p, &c->body);
}

/* After an error in a case: to the next one, or when the braces are in doubt to a '}'. */
static qt_code skip_case(qasm3_parser *p) {
    bool behind = p->recovered;
    p->recovered = false;
    while (!behind && !qasm3_at(p, '}') && !qasm3_at(p, TOK_END) && !p->ctx->fatal) {
        qasm3_recover(p, p->tok.start, true);
        behind = qasm3_at_keyword(p) == KW3_CASE || qasm3_at_keyword(p) == KW3_DEFAULT;
    }
    return qasm3_at(p, TOK_END) || p->ctx->fatal ? QT_INVALID_ARGUMENT : QT_OK;
}

qt_code qasm3_switch(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    ast_list list = {0};
    QT_TRY(qasm3_new_stmt(p, STMT_SWITCH, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(condition(p, &s->expr));
    QT_TRY(qasm3_expect(p, '{'));
    bool has_default = false;
    bool failed = false;
    while (!qasm3_at(p, '}')) {
        ast_case *c = qasm3_node(p, sizeof *c);
        if (c == NULL) {
            return QT_RESOURCE_EXHAUSTED;
        }
        if (has_default) {
            return qasm_syntax(p->ctx, p->tok.start, "'default' is the last case");
        }
        if (switch_case(p, c) != QT_OK) {
            QT_TRY(skip_case(p));
            failed = true;
            continue;
        }
        has_default = c->count == 0;
        QT_TRY(qasm3_push(p, &list, c));
    }
    if (failed) {
        QT_TRY(qasm3_advance(p));
        p->recovered = true;
        return QT_INVALID_ARGUMENT;
    }
    if (list.count == 0 || (has_default && list.count == 1)) {
        return qasm_syntax(p->ctx, (*ret_stmt)->at, "a switch has at least one 'case'");
    }
    s->cases = qasm3_node(p, list.count * sizeof *s->cases);
    if (s->cases == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        s->cases[i] = *(ast_case *)list.items[i];
    }
    s->operand_count = list.count;
    return qasm3_expect(p, '}');
}
