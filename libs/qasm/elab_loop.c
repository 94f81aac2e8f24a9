/* Loops of OpenQASM 3: unrolled when their turns are known, else loops of the circuit. */
#include "qasm/elab.h"

/* ---- unrolled ---- */

/* A loop that is being unrolled. */
typedef struct turns {
    const ast_stmt *s;
    qasm_region region;
    uint32_t width; /* FOR: of the variable */
    bool over;
} turns;

static qt_code declare_loop_value(qasm_elab *e, const turns *t, const qasm_value *value) {
    qasm_symbol *symbol = NULL;
    const ast_stmt *s = t->s;
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_VAR, &symbol));
    symbol->loop_value = true;
    symbol->value = (qasm_value){.type = s->type->kind, .known = true, .width = t->width};
    return qasm_assign_var(e, symbol, value, s->name_at);
}

static qt_code run_body(qasm_elab *e, turns *t, const qasm_value *value) {
    size_t mark = qasm_scope_open(e);
    QT_TRY(value != NULL ? declare_loop_value(e, t, value) : QT_OK);
    QT_TRY(qasm_run_items(e, &t->s->body));
    qasm_scope_close(e, mark);
    return QT_OK;
}

static qt_code run_turn(qasm_elab *e, turns *t, const qasm_value *value) {
    qasm_region *r = &t->region;
    r->skip.ready = false;
    r->skip.maybe = false;
    r->level = e->level;
    QT_TRY(run_body(e, t, value));
    r->skip.maybe = false;
    if (e->flow == FLOW_CONTINUE) {
        e->flow = FLOW_NEXT;
    }
    t->over = e->flow != FLOW_NEXT;
    return QT_OK;
}

/* When an earlier turn may have left the loop, this one runs only if none did. */
static qt_code next_turn(qasm_elab *e, turns *t, const qasm_value *value) {
    qasm_region *r = &t->region;
    const char *at = t->s->at;
    QT_TRY(qasm_count_step(e, at));
    if (!r->left.maybe) {
        QT_TRY(run_turn(e, t, value));
    } else {
        QT_TRY(qasm_before_dynamic(e, &t->s->body, false, at));
        QT_TRY(qasm_guard_open(e, &r->left, at));
        QT_TRY(run_turn(e, t, value));
        QT_TRY(qasm_guard_close(e, at));
        e->flow = FLOW_NEXT; /* flags tell what comes behind the loop */
    }
    if (e->flow == FLOW_BREAK) {
        e->flow = FLOW_NEXT;
    }
    return QT_OK;
}

static qt_code for_range(qasm_elab *e, turns *t) {
    qasm_range r;
    QT_TRY(qasm_eval_range(e, t->s->expr, 0, &r));
    uint64_t count = qasm_range_count(&r);
    for (uint64_t i = 0; i < count && !t->over; i++) {
        qasm_value v = qasm_int_value((int64_t)((uint64_t)r.first + i * (uint64_t)r.step));
        QT_TRY(next_turn(e, t, &v));
    }
    return QT_OK;
}

static qt_code for_set(qasm_elab *e, turns *t) {
    const ast_expr *set = t->s->expr;
    for (uint32_t i = 0; i < set->count && !t->over; i++) {
        qasm_value v;
        QT_TRY(qasm_eval(e, set->list[i], &v));
        QT_TRY(next_turn(e, t, &v));
    }
    return QT_OK;
}

static qt_code for_bits(qasm_elab *e, turns *t) {
    qasm_bits bits;
    QT_TRY(qasm_clbits(e, t->s->expr, &bits));
    if (bits.single) {
        return qasm_syntax(e->ctx, t->s->expr->at, "a single bit is nothing to loop over");
    }
    for (uint32_t i = 0; i < bits.count && !t->over; i++) {
        qasm_bits one = {.one = qasm_bit(&bits, i), .count = 1, .single = true, .at = bits.at};
        qasm_value v;
        one.reg = QT_NO_INDEX;
        QT_TRY(qasm_bits_value(e, &one, &v));
        QT_TRY(next_turn(e, t, &v));
    }
    return QT_OK;
}

static qt_code for_array(qasm_elab *e, turns *t) {
    qasm_array array;
    QT_TRY(qasm_eval_array(e, t->s->expr, &array));
    if (array.rank != 1) {
        return qasm_syntax(e->ctx, t->s->expr->at,
                           "a loop runs over an array of one dimension, this one has %u",
                           array.rank);
    }
    for (uint32_t i = 0; i < array.count && !t->over; i++) {
        QT_TRY(next_turn(e, t, &array.items[i]->value));
    }
    return QT_OK;
}

/* The bits of a value that is none of the circuit's registers. */
static qt_code for_value(qasm_elab *e, turns *t) {
    qasm_value all;
    QT_TRY(qasm_eval(e, t->s->expr, &all));
    if (all.type != TYPE_BIT) {
        return qasm_syntax(e->ctx, t->s->expr->at,
                           "a loop runs over a range, a set, bits or an array");
    }
    for (uint32_t i = 0; i < all.width && !t->over; i++) {
        qasm_value index = qasm_int_value(i);
        qasm_value v;
        QT_TRY(qasm_value_bit(e, &all, &index, t->s->expr->at, &v));
        QT_TRY(next_turn(e, t, &v));
    }
    return QT_OK;
}

static qt_code run_turns(qasm_elab *e, turns *t) {
    const ast_expr *over = t->s->expr;
    if (over->kind == EXPR_RANGE) {
        return for_range(e, t);
    }
    if (over->kind == EXPR_SET) {
        return for_set(e, t);
    }
    if (qasm_names_kind(over, SYMBOL_BITS)) {
        return for_bits(e, t);
    }
    return qasm_is_array(over) ? for_array(e, t) : for_value(e, t);
}

static qt_code for_unrolled(qasm_elab *e, const ast_stmt *s, uint32_t width) {
    turns t = {.s = s, .width = width};
    qasm_region_open(e, &t.region, REGION_TURN);
    QT_TRY(run_turns(e, &t));
    return qasm_region_close(e, &t.region, s->at);
}

/* ---- kept ---- */

/* The body of a loop of the circuit. */
static qt_code kept_body(qasm_elab *e, const ast_stmt *s) {
    qasm_region region;
    e->level++;
    qasm_region_open(e, &region, REGION_KEPT);
    QT_TRY(qasm_run_block(e, &s->body));
    e->level--;
    e->flow = FLOW_NEXT;
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(&e->ctx->builder, err));
    return qasm_region_close(e, &region, s->at);
}

static qt_code bound(qasm_elab *e, const ast_expr *expr, uint32_t *ret_expr) {
    qasm_value v;
    QT_TRY(qasm_eval(e, expr, &v));
    if (!qasm_is_integral(v.type)) {
        return qasm_syntax(e->ctx, expr->at, "the bounds and the step of a range are integers");
    }
    QT_TRY(qasm_cast(e->ctx, &v, TYPE_INT, 64, expr->at, &v));
    return qasm_value_expr(e->ctx, &v, expr->at, ret_expr);
}

static qt_code for_kept(qasm_elab *e, const ast_stmt *s, uint32_t width) {
    qasm_symbol *symbol = NULL;
    qt_loop loop = {.step = QT_NO_INDEX};
    qt_builder *b = &e->ctx->builder;
    if (!qasm_is_integral(s->type->kind)) {
        return qasm_unsupported(e->ctx, s->type->at,
                                "a loop variable of type %s over a range known only at run time "
                                "is not supported",
                                qasm_type_name(s->type->kind));
    }
    QT_TRY(bound(e, s->expr->a, &loop.first));
    QT_TRY(s->expr->b != NULL ? bound(e, s->expr->b, &loop.step) : QT_OK);
    QT_TRY(bound(e, s->expr->c, &loop.last));
    QT_TRY(qasm_before_dynamic(e, &s->body, false, s->at));
    size_t mark = qasm_scope_open(e);
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_VAR, &symbol));
    symbol->level++;
    symbol->value = (qasm_value){.type = s->type->kind, .width = width};
    QT_TRY(qasm_need_variable(e, symbol, s->name_at));
    QT_TRY(qasm_read_variable(e, symbol, s->name_at));
    QASM_BUILD(e->ctx, s->at, qt_build_for(b, symbol->variable, loop, err));
    QT_TRY(kept_body(e, s));
    qasm_scope_close(e, mark);
    return QT_OK;
}

static qt_code has_known_range(qasm_elab *e, const ast_expr *range, bool *ret_known) {
    const ast_expr *parts[3] = {range->a, range->b, range->c};
    *ret_known = true;
    for (size_t i = 0; i < 3; i++) {
        qasm_value v;
        if (parts[i] != NULL) {
            QT_TRY(qasm_eval(e, parts[i], &v));
            *ret_known = *ret_known && v.known;
        }
    }
    return QT_OK;
}

qt_code qasm_for(qasm_elab *e, const ast_stmt *s) {
    uint32_t width = 0;
    bool unroll = true;
    if (s->type->kind == TYPE_ARRAY || s->type->kind >= TYPE_DURATION) {
        return qasm_syntax(e->ctx, s->type->at, "a loop variable is a number");
    }
    QT_TRY(qasm_type_width(e, s->type, &width));
    if (s->expr->kind == EXPR_RANGE) {
        QT_TRY(has_known_range(e, s->expr, &unroll));
        bool keep =
            e->runtime || (e->ctx->options.keep_loops && !qasm_needs_value(&s->body, s->name));
        unroll = unroll && !(keep && qasm_is_integral(s->type->kind));
    }
    return unroll ? for_unrolled(e, s, width) : for_kept(e, s, width);
}

/* ---- while ---- */

/* while (true) { ...; if (!condition) break; body }: for a condition that takes statements. */
static qt_code while_with_statements(qasm_elab *e, const ast_stmt *s) {
    qasm_region region;
    qasm_value condition;
    qasm_value yes = qasm_bool_value(true);
    uint32_t expr = 0;
    qt_builder *b = &e->ctx->builder;
    QT_TRY(qasm_value_expr(e->ctx, &yes, s->at, &expr));
    QASM_BUILD(e->ctx, s->at, qt_build_while(b, expr, err));
    e->level++;
    qasm_region_open(e, &region, REGION_KEPT);
    QT_TRY(qasm_eval_condition(e, s->expr, &condition));
    QT_TRY(qasm_unary(e->ctx, QT_OPERATOR_NOT, &condition, s->expr->at, &condition));
    QT_TRY(qasm_value_expr(e->ctx, &condition, s->expr->at, &expr));
    QASM_BUILD(e->ctx, s->at, qt_build_if(b, expr, err));
    QASM_BUILD(e->ctx, s->at, qt_build_break(b, err));
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(b, err));
    QT_TRY(qasm_run_block(e, &s->body));
    e->level--;
    e->flow = FLOW_NEXT;
    QASM_BUILD(e->ctx, s->at, qt_build_end_block(b, err));
    return qasm_region_close(e, &region, s->at);
}

static qt_code while_kept(qasm_elab *e, const ast_stmt *s) {
    qasm_value condition;
    uint32_t expr = 0;
    QT_TRY(qasm_before_dynamic(e, &s->body, false, s->at));
    if (qasm_takes_statements(s->expr)) {
        return while_with_statements(e, s);
    }
    QT_TRY(qasm_eval_condition(e, s->expr, &condition));
    if (condition.known && !qasm_truth(&condition)) {
        return QT_OK;
    }
    QT_TRY(qasm_value_expr(e->ctx, &condition, s->at, &expr));
    QASM_BUILD(e->ctx, s->at, qt_build_while(&e->ctx->builder, expr, err));
    return kept_body(e, s);
}

/* Turns whose condition is known are unrolled, up to the first one whose condition is not. */
static qt_code while_turns(qasm_elab *e, const ast_stmt *s, turns *t, bool *ret_done) {
    *ret_done = false;
    while (!t->over && !t->region.left.maybe) {
        qasm_value condition;
        QT_TRY(qasm_eval_condition(e, s->expr, &condition));
        if (!condition.known) {
            return QT_OK;
        }
        if (!qasm_truth(&condition)) {
            *ret_done = true;
            return QT_OK;
        }
        QT_TRY(next_turn(e, t, NULL));
    }
    *ret_done = t->over;
    return QT_OK;
}

/* The rest of the loop as one of the circuit, unless an unrolled turn left it. */
static qt_code while_rest(qasm_elab *e, const ast_stmt *s, const qasm_region *r) {
    if (!r->left.maybe) {
        return while_kept(e, s);
    }
    QT_TRY(qasm_before_dynamic(e, &s->body, false, s->at));
    QT_TRY(qasm_guard_open(e, &r->left, s->at));
    QT_TRY(while_kept(e, s));
    return qasm_guard_close(e, s->at);
}

qt_code qasm_while(qasm_elab *e, const ast_stmt *s) {
    turns t = {.s = s};
    bool done = false;
    /* A condition that the body does not change stays true: such a loop is left by `break`. */
    bool unroll = !e->ctx->options.keep_loops && !qasm_takes_statements(s->expr) &&
                  qasm_assigns_to_names_of(&s->body, s->expr);
    if (!unroll) {
        return while_kept(e, s);
    }
    qasm_region_open(e, &t.region, REGION_TURN);
    QT_TRY(while_turns(e, s, &t, &done));
    QT_TRY(qasm_region_close(e, &t.region, s->at));
    return done ? QT_OK : while_rest(e, s, &t.region);
}
