/* Leaving loops and subroutines early.
 *
 * What is left for certain simply ends there: e->flow says how. What is left or not as something
 * decides that is known only at run time sets flags; the statements behind it, and the further
 * turns of an unrolled loop, stand in blocks that look at the flags. A kept loop has break and
 * continue of the circuit instead.
 *
 * A flag is set to false in front of the outermost run-time block that may set it, so that it has a
 * value wherever it is read. */
#include "qasm/elab.h"

enum { EXIT_BREAK = 1, EXIT_CONTINUE = 2, EXIT_RETURN = 4 };

/* ---- what a block may leave ---- */

static unsigned exits_of_block(const ast_block *block, bool own_loop);

/* own_loop: break and continue in here are for the loop that is being looked at. */
static unsigned exits_of(const ast_stmt *s, bool own_loop) {
    unsigned exits = 0;
    switch ((int)s->kind) {
    case STMT_BREAK:
        return own_loop ? EXIT_BREAK : 0;
    case STMT_CONTINUE:
        return own_loop ? EXIT_CONTINUE : 0;
    case STMT_RETURN:
        return EXIT_RETURN;
    case STMT_FOR:
    case STMT_WHILE:
        return exits_of_block(&s->body, false);
    case STMT_SWITCH:
        for (uint32_t i = 0; i < s->operand_count; i++) {
            exits |= exits_of_block(&s->cases[i].body, own_loop);
        }
        return exits;
    case STMT_IF:
    case STMT_SCOPE:
    case STMT_BOX:
        return exits_of_block(&s->body, own_loop) | exits_of_block(&s->other, own_loop);
    default:
        return 0;
    }
}

static unsigned exits_of_block(const ast_block *block, bool own_loop) {
    unsigned exits = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        exits |= exits_of(block->items[i], own_loop);
    }
    return exits;
}

/* ---- flags ---- */

static qt_code set_flag(qasm_elab *e, qasm_flag *flag, bool value, const char *at) {
    uint32_t expr = 0;
    qasm_value v = qasm_bool_value(value);
    QT_TRY(qasm_value_expr(e->ctx, &v, at, &expr));
    QASM_BUILD(
        e->ctx, at,
        qt_build_assign(&e->ctx->builder, QT_LVALUE_VAR, flag->variable, expr, QT_NO_INDEX, err));
    flag->maybe = flag->maybe || value;
    return QT_OK;
}

static qt_code make_ready(qasm_elab *e, qasm_flag *flag, const char *at) {
    if (flag->ready) {
        return QT_OK;
    }
    if (flag->variable == QT_NO_INDEX) {
        QASM_BUILD(
            e->ctx, at,
            qt_build_variable(&e->ctx->builder, "left", QT_TYPE_BOOL, 1, &flag->variable, err));
    }
    flag->ready = true;
    return set_flag(e, flag, false, at);
}

static qt_code not_set(qasm_elab *e, const qasm_flag *flag, const char *at, uint32_t *ret_expr) {
    qt_expr read = {
        .kind = QT_EXPR_VAR, .type = QT_TYPE_BOOL, .width = 1, .u = {flag->variable, 0}};
    qt_expr not_ = {.kind = QT_EXPR_UNARY, .op = QT_OPERATOR_NOT, .type = QT_TYPE_BOOL, .width = 1};
    QT_TRY(qasm_new_expr(e->ctx, read, at, &not_.u.a));
    return qasm_new_expr(e->ctx, not_, at, ret_expr);
}

static qt_code make_region_ready(qasm_elab *e, qasm_region *r, unsigned exits, const char *at) {
    if (r->kind == REGION_TURN && exits != 0) {
        QT_TRY(make_ready(e, &r->skip, at));
        return (exits & ~(unsigned)EXIT_CONTINUE) != 0 ? make_ready(e, &r->left, at) : QT_OK;
    }
    return r->kind == REGION_DEF && exits != 0 ? make_ready(e, &r->skip, at) : QT_OK;
}

static qt_code make_exits_ready(qasm_elab *e, unsigned exits, const char *at) {
    qasm_region *r = e->region;
    if (r != NULL) {
        QT_TRY(make_region_ready(e, r, r->kind == REGION_DEF ? exits & EXIT_RETURN : exits, at));
    }
    while ((exits & EXIT_RETURN) != 0 && r != NULL && r->kind != REGION_DEF) {
        r = r->outer;
        if (r != NULL) {
            QT_TRY(make_region_ready(e, r, EXIT_RETURN, at));
        }
    }
    return QT_OK;
}

qt_code qasm_before_dynamic(qasm_elab *e, const ast_block *block, bool own_loop, const char *at) {
    QT_TRY(qasm_spill_assigned(e, block));
    return make_exits_ready(e, exits_of_block(block, own_loop), at);
}

/* ---- leaving ---- */

void qasm_region_open(qasm_elab *e, qasm_region *r, qasm_region_kind kind) {
    const qasm_flag none = {.variable = QT_NO_INDEX};
    *r = (qasm_region){
        .kind = (uint8_t)kind, .outer = e->region, .level = e->level, .skip = none, .left = none};
    e->region = r;
}

static qasm_region *def_of(const qasm_elab *e) {
    qasm_region *r = e->region;
    while (r != NULL && r->kind != REGION_DEF) {
        r = r->outer;
    }
    return r;
}

/* A return in a loop that has ended goes on through the loop around it. */
qt_code qasm_region_close(qasm_elab *e, qasm_region *r, const char *at) {
    qasm_region *outer = r->outer;
    e->region = outer;
    if (r->kind == REGION_DEF || !r->returned || outer == NULL || outer->kind != REGION_KEPT) {
        return QT_OK;
    }
    const qasm_region *def = def_of(e);
    qt_builder *b = &e->ctx->builder;
    qt_expr read = {
        .kind = QT_EXPR_VAR, .type = QT_TYPE_BOOL, .width = 1, .u = {def->skip.variable, 0}};
    uint32_t expr = 0;
    QT_TRY(qasm_new_expr(e->ctx, read, at, &expr));
    QASM_BUILD(e->ctx, at, qt_build_if(b, expr, err));
    QASM_BUILD(e->ctx, at, qt_build_break(b, err));
    QASM_BUILD(e->ctx, at, qt_build_end_block(b, err));
    return QT_OK;
}

qt_code qasm_leave_loop(qasm_elab *e, const ast_stmt *s) {
    bool stop = s->kind == STMT_BREAK;
    qasm_region *r = e->region;
    qt_builder *b = &e->ctx->builder;
    if (r == NULL || r->kind == REGION_DEF) {
        return qasm_syntax(e->ctx, s->at, "'%s' stands in a loop only",
                           stop ? "break" : "continue");
    }
    if (r->kind == REGION_KEPT) {
        QASM_BUILD(e->ctx, s->at, stop ? qt_build_break(b, err) : qt_build_continue(b, err));
    } else if (e->level != r->level) {
        QT_TRY(set_flag(e, &r->skip, true, s->at));
        QT_TRY(stop ? set_flag(e, &r->left, true, s->at) : QT_OK);
    }
    e->flow = stop ? FLOW_BREAK : FLOW_CONTINUE;
    return QT_OK;
}

/* The value goes to a variable when the return is one of several that may run. */
static qt_code keep_result(qasm_elab *e, qasm_region *def, const char *at) {
    const ast_type *type = def->def->type;
    uint32_t width = 0;
    if (type == NULL) {
        return QT_OK;
    }
    if (e->result.type == TYPE_VOID) {
        return qasm_syntax(e->ctx, at, "'return' needs a value here");
    }
    if (def->result == NULL) {
        QT_TRY(qasm_type_width(e, type, &width));
        def->result = qasm_alloc(e->ctx, sizeof *def->result);
        if (def->result == NULL) {
            return QT_RESOURCE_EXHAUSTED;
        }
        *def->result = (qasm_symbol){
            .kind = SYMBOL_VAR, .level = def->level, .value = {.type = type->kind, .width = width}};
    }
    QT_TRY(qasm_check_bits(e, &e->result, def->result->value.type, def->result->value.width, at));
    return qasm_store_var(e, def->result, &e->result, at);
}

static qt_code leave_def(qasm_elab *e, qasm_region *def, const char *at) {
    for (qasm_region *r = e->region; r != def; r = r->outer) {
        r->returned = true;
        if (r->kind == REGION_TURN) {
            QT_TRY(set_flag(e, &r->skip, true, at));
            QT_TRY(set_flag(e, &r->left, true, at));
        }
    }
    def->returned = true;
    QT_TRY(set_flag(e, &def->skip, true, at));
    if (e->region->kind == REGION_KEPT) {
        QASM_BUILD(e->ctx, at, qt_build_break(&e->ctx->builder, err));
    }
    return QT_OK;
}

qt_code qasm_return(qasm_elab *e, const ast_stmt *s) {
    qasm_region *def = def_of(e);
    if (def == NULL) {
        return qasm_syntax(e->ctx, s->at, "'return' stands in a subroutine only");
    }
    if (s->expr != NULL && def->def->type == NULL) {
        return qasm_syntax(e->ctx, s->expr->at, "this subroutine returns no value");
    }
    e->result = (qasm_value){.type = TYPE_VOID};
    if (s->expr != NULL) {
        QT_TRY(qasm_eval(e, s->expr, &e->result));
    }
    if (e->level != def->level) {
        QT_TRY(keep_result(e, def, s->at));
        QT_TRY(leave_def(e, def, s->at));
    }
    e->flow = FLOW_RETURN;
    return QT_OK;
}

/* ---- what comes behind ---- */

bool qasm_may_skip(const qasm_elab *e) {
    return e->region != NULL && e->region->skip.maybe;
}

qt_code qasm_guard_open(qasm_elab *e, const qasm_flag *flag, const char *at) {
    uint32_t condition = 0;
    QT_TRY(not_set(e, flag, at, &condition));
    QASM_BUILD(e->ctx, at, qt_build_if(&e->ctx->builder, condition, err));
    e->level++;
    return QT_OK;
}

qt_code qasm_guard_close(qasm_elab *e, const char *at) {
    e->level--;
    QASM_BUILD(e->ctx, at, qt_build_end_block(&e->ctx->builder, err));
    return QT_OK;
}

/* The rest of a block, in case that its region was not left. Nothing but a return leaves a
 * subroutine, so that a return at the end of the rest makes it certain. */
qt_code qasm_run_guarded(qasm_elab *e, const ast_block *block, uint32_t first) {
    ast_block rest = {.items = block->items + first, .count = block->count - first};
    qasm_region *r = e->region;
    const char *at = rest.items[0]->at;
    QT_TRY(qasm_before_dynamic(e, &rest, true, at));
    r->skip.maybe = false;
    QT_TRY(qasm_guard_open(e, &r->skip, at));
    QT_TRY(qasm_run_items(e, &rest));
    QT_TRY(qasm_guard_close(e, at));
    r->skip.maybe = true;
    if (e->flow != FLOW_NEXT) {
        e->flow = r->kind == REGION_TURN ? FLOW_CONTINUE : FLOW_RETURN;
    }
    return QT_OK;
}

/* How a statement ended that has several blocks of which one runs. */
qasm_flow qasm_join_flow(qasm_flow a, qasm_flow b) {
    if (a == b || b == FLOW_END) {
        return a;
    }
    if (a == FLOW_END) {
        return b;
    }
    return a == FLOW_NEXT || b == FLOW_NEXT ? FLOW_NEXT : FLOW_CONTINUE;
}
