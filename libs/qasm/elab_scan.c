/* Looking at syntax trees before they are elaborated. */
#include "qasm/elab.h"

bool qasm_any_expr(const ast_expr *x, qasm_expr_test test, const void *arg) {
    if (x == NULL) {
        return false;
    }
    if (test(x, arg)) {
        return true;
    }
    bool lists = x->kind == EXPR_INDEX || x->kind == EXPR_SET || x->kind == EXPR_LIST ||
                 x->kind == EXPR_CALL;
    for (uint32_t i = 0; lists && i < x->count; i++) {
        if (qasm_any_expr(x->list[i], test, arg)) {
            return true;
        }
    }
    bool third = x->kind == EXPR_RANGE && qasm_any_expr(x->c, test, arg);
    return third || qasm_any_expr(x->a, test, arg) || qasm_any_expr(x->b, test, arg);
}

static bool any_block(const ast_block *block, qasm_stmt_test test, const void *arg) {
    for (uint32_t i = 0; i < block->count; i++) {
        if (qasm_any_stmt(block->items[i], test, arg)) {
            return true;
        }
    }
    return false;
}

bool qasm_any_stmt(const ast_stmt *s, qasm_stmt_test test, const void *arg) {
    if (test(s, arg)) {
        return true;
    }
    for (uint32_t i = 0; s->kind == STMT_SWITCH && i < s->operand_count; i++) {
        if (any_block(&s->cases[i].body, test, arg)) {
            return true;
        }
    }
    return any_block(&s->body, test, arg) || any_block(&s->other, test, arg);
}

const ast_expr *qasm_base_name(const ast_expr *x) {
    while (x != NULL && (x->kind == EXPR_INDEX || x->kind == EXPR_CONCAT)) {
        x = x->a;
    }
    return x != NULL && x->kind == EXPR_NAME ? x : NULL;
}

static bool is_name(const ast_expr *x, const void *name) {
    return x->kind == EXPR_NAME && x->name == name;
}

/* ---- expressions that take statements ---- */

static bool takes_statement(const ast_expr *x, const void *arg) {
    (void)arg;
    if (x->kind == EXPR_MEASURE) {
        return true;
    }
    if (x->kind == EXPR_CALL && x->name->meaning == MEANING_SYMBOL) {
        return true;
    }
    return x->kind == EXPR_INDEX && qasm_names_kind(x, SYMBOL_ARRAY);
}

bool qasm_takes_statements(const ast_expr *expr) {
    return qasm_any_expr(expr, takes_statement, NULL);
}

/* ---- assignments ---- */

static bool assigns_to(const ast_stmt *s, const void *name) {
    bool assigns = s->kind == STMT_ASSIGN || s->kind == STMT_MEASURE;
    const ast_expr *base = assigns ? qasm_base_name(s->target) : NULL;
    return base != NULL && base->name == name;
}

static bool is_assigned_name(const ast_expr *x, const void *block) {
    return x->kind == EXPR_NAME && any_block(block, assigns_to, x->name);
}

bool qasm_assigns_to_names_of(const ast_block *block, const ast_expr *expr) {
    return qasm_any_expr(expr, is_assigned_name, block);
}

/* ---- where a loop's variable must be a known number ---- */

static bool indexes_with(const ast_expr *x, const void *name) {
    if (x->kind == EXPR_CAST) {
        return qasm_any_expr(x->type->size, is_name, name);
    }
    bool calls = x->kind == EXPR_CALL && x->name->meaning == MEANING_SYMBOL;
    for (uint32_t i = 0; (x->kind == EXPR_INDEX || calls) && i < x->count; i++) {
        if (qasm_any_expr(x->list[i], is_name, name)) {
            return true;
        }
    }
    return false;
}

static bool statement_needs_value(const ast_stmt *s, const void *name) {
    bool operands = s->kind == STMT_GATE || s->kind == STMT_BARRIER || s->kind == STMT_DELAY;
    for (uint32_t i = 0; operands && i < s->operand_count; i++) {
        if (qasm_any_expr(s->operands[i], indexes_with, name)) {
            return true;
        }
    }
    for (uint32_t i = 0; s->kind == STMT_GATE && i < s->modifier_count; i++) {
        if (qasm_any_expr(s->modifiers[i].arg, is_name, name)) {
            return true;
        }
    }
    for (uint32_t i = 0; s->kind == STMT_GATE && i < s->param_count; i++) {
        if (qasm_any_expr(s->params[i], indexes_with, name)) {
            return true;
        }
    }
    bool timed = s->kind == STMT_DELAY || s->kind == STMT_BOX;
    return qasm_any_expr(s->expr, timed ? is_name : indexes_with, name) ||
           qasm_any_expr(s->target, indexes_with, name) ||
           (s->type != NULL && qasm_any_expr(s->type->size, is_name, name));
}

bool qasm_needs_value(const ast_block *block, const qasm_name *name) {
    return any_block(block, statement_needs_value, name);
}

/* ---- constants ---- */

static bool is_variable(const ast_expr *x, const void *arg) {
    (void)arg;
    if (x->kind == EXPR_CALL) {
        return x->name->meaning == MEANING_SYMBOL;
    }
    if (x->kind != EXPR_NAME || x->name->meaning != MEANING_SYMBOL) {
        return false;
    }
    const qasm_symbol *symbol = x->name->data;
    return (symbol->kind == SYMBOL_VAR && !symbol->loop_value) || symbol->kind == SYMBOL_BITS;
}

bool qasm_is_constant(const ast_expr *expr) {
    return !qasm_any_expr(expr, is_variable, NULL);
}
