/* Statements, branches and blocks of OpenQASM 3. */
#include "qasm/elab.h"

#include <string.h>

/* Statements that emit something are limited by the operations; this is against loops and calls
 * that only take time. */
qt_code qasm_count_step(qasm_elab *e, const char *at) {
    enum { FREE_STEPS = 1 << 22, STEPS_PER_OP = 16 };
    uint64_t limit = FREE_STEPS + STEPS_PER_OP * (uint64_t)e->ctx->builder.circuit->op_count;
    if (++e->ctx->steps > limit || e->ctx->steps > e->ctx->options.limits.max_ops) {
        return qasm_too_large(e->ctx, at, "the program has more than %llu steps",
                              (unsigned long long)e->ctx->steps - 1);
    }
    return qasm_tick(e->ctx, at, 1);
}

/* Runs statements until one of them leaves the block. Behind one that may have left its region, the
 * rest stands in a block of its own. */
qt_code qasm_run_items(qasm_elab *e, const ast_block *block) {
    for (uint32_t i = 0; i < block->count && e->flow == FLOW_NEXT; i++) {
        if (qasm_may_skip(e)) {
            return qasm_run_guarded(e, block, i);
        }
        QT_TRY(qasm_statement(e, block->items[i]));
    }
    return QT_OK;
}

qt_code qasm_run_block(qasm_elab *e, const ast_block *block) {
    size_t mark = qasm_scope_open(e);
    QT_TRY(qasm_run_items(e, block));
    qasm_scope_close(e, mark);
    return QT_OK;
}

/* ---- if, switch ---- */

/* The blocks of a statement of which one runs, as something decides at run time. */
typedef struct branches {
    bool any, may_skip, skips;
    qasm_flow flow;
} branches;

static qt_code run_branch(qasm_elab *e, const ast_block *block, branches *b) {
    qasm_region *r = e->region;
    b->may_skip = r != NULL && r->skip.maybe;
    e->level++;
    QT_TRY(qasm_run_block(e, block));
    e->level--;
    if (r != NULL) {
        b->skips = b->skips || r->skip.maybe;
        r->skip.maybe = b->may_skip; /* for the next branch */
    }
    b->flow = b->any ? qasm_join_flow(b->flow, e->flow) : e->flow;
    b->any = true;
    e->flow = FLOW_NEXT;
    return QT_OK;
}

/* complete: one of the branches runs for certain. */
static void join_branches(qasm_elab *e, const branches *b, bool complete) {
    if (e->region != NULL) {
        e->region->skip.maybe = e->region->skip.maybe || b->skips;
    }
    e->flow = complete ? b->flow : FLOW_NEXT;
}

static qt_code if_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_value condition;
    branches b = {0};
    QT_TRY(qasm_eval_condition(e, s->expr, &condition));
    if (condition.known) {
        return qasm_run_block(e, qasm_truth(&condition) ? &s->body : &s->other);
    }
    QT_TRY(qasm_before_dynamic(e, &s->body, true, s->at));
    QT_TRY(qasm_before_dynamic(e, &s->other, true, s->at));
    QASM_BUILD(e->ctx, s->at, qt_build_if(&e->ctx->builder, condition.expr, err));
    QT_TRY(run_branch(e, &s->body, &b));
    if (s->has_other) {
        QASM_BUILD(e->ctx, s->at, qt_build_else(&e->ctx->builder, err));
        QT_TRY(run_branch(e, &s->other, &b));
    }
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(&e->ctx->builder, err));
    join_branches(e, &b, s->has_other);
    return QT_OK;
}

/* The values of all cases, in order; none may stand twice. */
static qt_code case_values(qasm_elab *e, const ast_stmt *s, int64_t **ret_values) {
    size_t count = 0;
    for (uint32_t i = 0; i < s->operand_count; i++) {
        count += s->cases[i].count;
    }
    int64_t *values = qasm_alloc(e->ctx, (count + 1) * sizeof *values);
    if (values == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    count = 0;
    for (uint32_t i = 0; i < s->operand_count; i++) {
        const ast_case *c = &s->cases[i];
        for (uint32_t k = 0; k < c->count; k++) {
            QT_TRY(qasm_eval_constant(e, c->values[k], "a case", &values[count]));
            QT_TRY(qasm_tick(e->ctx, s->at, count));
            for (size_t j = 0; j < count; j++) {
                if (values[j] == values[count]) {
                    return qasm_syntax(e->ctx, c->values[k]->at, "the case %lld stands twice",
                                       (long long)values[j]);
                }
            }
            count++;
        }
    }
    *ret_values = values;
    return QT_OK;
}

static qt_code known_switch(qasm_elab *e, const ast_stmt *s, const int64_t *values, int64_t value) {
    for (uint32_t i = 0; i < s->operand_count; i++) {
        const ast_case *c = &s->cases[i];
        bool taken = c->count == 0;
        for (uint32_t k = 0; k < c->count; k++) {
            taken = taken || *values == value;
            values++;
        }
        if (taken) {
            return qasm_run_block(e, &c->body);
        }
    }
    return QT_OK;
}

static qt_code switch_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_value v;
    int64_t *values = NULL;
    branches b = {0};
    bool complete = false;
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (!qasm_is_integral(v.type) || v.width > 64) {
        return qasm_syntax(e->ctx, s->expr->at, "switch takes an integer");
    }
    QT_TRY(case_values(e, s, &values));
    if (v.known) {
        return known_switch(e, s, values, (int64_t)v.u);
    }
    for (uint32_t i = 0; i < s->operand_count; i++) {
        QT_TRY(qasm_before_dynamic(e, &s->cases[i].body, true, s->at));
    }
    QASM_BUILD(e->ctx, s->at, qt_build_switch(&e->ctx->builder, v.expr, err));
    for (uint32_t i = 0; i < s->operand_count; i++) {
        const ast_case *c = &s->cases[i];
        complete = complete || c->count == 0;
        QASM_BUILD(e->ctx, s->at, qt_build_case(&e->ctx->builder, values, c->count, err));
        QT_TRY(run_branch(e, &c->body, &b));
        values += c->count;
    }
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(&e->ctx->builder, err));
    join_branches(e, &b, complete);
    return QT_OK;
}

/* ---- */

static qt_code dispatch(qasm_elab *e, const ast_stmt *s) {
    switch ((ast_stmt_kind)s->kind) {
    case STMT_NOP:
        return qasm_nop(e, s);
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
        return qasm_reset(e, s);
    case STMT_BARRIER:
        return qasm_barrier(e, s);
    case STMT_DELAY:
        return qasm_delay(e, s);
    case STMT_GATE:
        return qasm_gate_statement(e, s);
    case STMT_GATE_DEF:
        return qasm_gate_definition(e, s);
    case STMT_DEF:
        return qasm_def(e, s);
    case STMT_EXTERN:
        return QT_OK; /* refused by the parser */
    case STMT_EXPR:
        return qasm_expr_statement(e, s);
    case STMT_IF:
        return if_statement(e, s);
    case STMT_FOR:
        return qasm_for(e, s);
    case STMT_WHILE:
        return qasm_while(e, s);
    case STMT_SWITCH:
        return switch_statement(e, s);
    case STMT_BREAK:
    case STMT_CONTINUE:
        return qasm_leave_loop(e, s);
    case STMT_END:
        return qasm_end(e, s);
    case STMT_RETURN:
        return qasm_return(e, s);
    case STMT_NOTE:
        return qasm_note(e, s);
    case STMT_BOX:
        return qasm_box(e, s);
    case STMT_SCOPE:
        return qasm_run_block(e, &s->body);
    }
    return qasm_syntax(e->ctx, s->at, "an unknown statement");
}

qt_code qasm_statement(qasm_elab *e, const ast_stmt *s) {
    return dispatch(e, s);
}
