/* Which block of the printed program declares a variable: the innermost one around all its uses,
 * so that it is not given a value where the circuit gives it none. */
#include "circuit/printer.h"

#include <string.h>

typedef struct walk {
    qt_printer *p;
    uint32_t *parents; /* of every operation that opens a block: the block around it */
    uint32_t *seen;    /* for every expression: 1 + the operation that looked at it last */
    bool *used;
    uint32_t block; /* open now; QT_NO_INDEX: the top */
    uint32_t op;
} walk;

static uint32_t depth_of(const walk *w, uint32_t block) {
    uint32_t depth = 0;
    for (; block != QT_NO_INDEX; block = w->parents[block]) {
        depth++;
    }
    return depth;
}

static uint32_t common_block(const walk *w, uint32_t a, uint32_t b) {
    uint32_t a_depth = depth_of(w, a);
    uint32_t b_depth = depth_of(w, b);
    for (; a_depth > b_depth; a_depth--) {
        a = w->parents[a];
    }
    for (; b_depth > a_depth; b_depth--) {
        b = w->parents[b];
    }
    while (a != b) {
        a = w->parents[a];
        b = w->parents[b];
    }
    return a;
}

/* A variable that is read first, or first set in an inner block, keeps its value between turns of
 * a loop: it belongs to the top. */
static void use(walk *w, uint32_t variable, bool sets) {
    uint32_t *block = &w->p->variable_blocks[variable];
    if (!w->used[variable]) {
        w->used[variable] = true;
        *block = sets ? w->block : QT_NO_INDEX;
        w->p->first_sets[variable] = w->block;
        return;
    }
    uint32_t common = common_block(w, *block, w->block);
    *block = common == w->p->first_sets[variable] ? common : QT_NO_INDEX;
}

static void use_expr(walk *w, uint32_t index) {
    if (index == QT_NO_INDEX || w->seen[index] == w->op + 1) {
        return;
    }
    w->seen[index] = w->op + 1;
    const qt_expr *e = &w->p->c->exprs[index];
    bool two = e->kind == QT_EXPR_BINARY || e->kind == QT_EXPR_BIT_OF ||
               (e->kind == QT_EXPR_CALL && (e->op == QT_FUNC_ROTL || e->op == QT_FUNC_ROTR));
    bool one =
        two || e->kind == QT_EXPR_UNARY || e->kind == QT_EXPR_CAST || e->kind == QT_EXPR_CALL;
    if (e->kind == QT_EXPR_VAR) {
        use(w, e->u.a, false);
    }
    if (one) {
        use_expr(w, e->u.a);
    }
    if (two || e->kind == QT_EXPR_REG_AT) {
        use_expr(w, e->u.b);
    }
}

static void number_variable(qt_printer *p, uint32_t variable) {
    if (p->variable_numbers[variable] == 0 && p->c->variables[variable].type != QT_TYPE_BIT) {
        p->variable_order[p->variable_count] = variable;
        p->variable_numbers[variable] = ++p->variable_count;
    }
}

static void use_assign(walk *w, const qt_op *op) {
    use_expr(w, op->b);
    if (op->sub == QT_LVALUE_REG_AT) {
        use_expr(w, op->c);
    }
    if (op->sub == QT_LVALUE_VAR) {
        use(w, op->a, true);
        number_variable(w->p, op->a);
    }
}

static void use_for(walk *w, const qt_op *op) {
    const qt_loop *loop = &w->p->c->loops[op->c];
    use_expr(w, loop->first);
    use_expr(w, loop->step);
    use_expr(w, loop->last);
    w->p->loop_variable[op->a] = true;
    number_variable(w->p, op->a);
}

static void use_op(walk *w, const qt_op *op) {
    switch ((int)op->kind) {
    case QT_OP_GATE_DYNAMIC:
        for (unsigned i = 0; i < qt_gate_get_info(op->sub)->param_count; i++) {
            use_expr(w, w->p->c->param_exprs[op->param + i]);
        }
        break;
    case QT_OP_ASSIGN:
        use_assign(w, op);
        break;
    case QT_OP_FOR:
        use_for(w, op);
        break;
    case QT_OP_IF:
    case QT_OP_WHILE:
    case QT_OP_SWITCH:
        use_expr(w, op->a);
        break;
    default:
        break;
    }
}

/* ELSE and CASE end the block before them and open one beside it. */
static void enter_leave(walk *w, uint8_t kind) {
    const qt_op *ops = w->p->c->ops;
    bool beside = kind == QT_OP_ELSE || (kind == QT_OP_CASE && ops[w->block].kind == QT_OP_CASE);
    bool leaves = kind == QT_OP_ENDIF || kind == QT_OP_ENDWHILE || kind == QT_OP_ENDFOR ||
                  kind == QT_OP_ENDSWITCH;
    bool opens = kind == QT_OP_IF || kind == QT_OP_WHILE || kind == QT_OP_FOR ||
                 kind == QT_OP_SWITCH || kind == QT_OP_CASE || kind == QT_OP_ELSE;
    if (beside || leaves) {
        bool in_case = kind == QT_OP_ENDSWITCH && ops[w->block].kind == QT_OP_CASE;
        w->block = w->parents[w->block];
        w->block = in_case ? w->parents[w->block] : w->block;
    }
    if (opens) {
        w->parents[w->op] = w->block;
        w->block = w->op;
    }
}

/* The variables of every block as a list, in the order of their numbers. */
static void list_blocks(qt_printer *p) {
    for (size_t k = p->variable_count; k > 0; k--) {
        uint32_t i = p->variable_order[k - 1];
        size_t block = p->variable_blocks[i];
        block = block == QT_NO_INDEX ? p->c->op_count : block;
        if (!p->loop_variable[i]) {
            p->next_declared[i] = p->first_declared[block];
            p->first_declared[block] = i + 1;
        }
    }
}

qt_code qt_printer_find_scopes(qt_printer *p) {
    const qt_circuit *c = p->c;
    void *parents = NULL;
    void *seen = NULL;
    void *used = NULL;
    QT_TRY(qt_arena_try_calloc(&p->arena, c->op_count + 1, sizeof(uint32_t), &parents, p->err));
    QT_TRY(qt_arena_try_calloc(&p->arena, c->expr_count + 1, sizeof(uint32_t), &seen, p->err));
    QT_TRY(qt_arena_try_calloc(&p->arena, c->variable_count + 1, 1, &used, p->err));
    walk w = {.p = p, .parents = parents, .seen = seen, .used = used, .block = QT_NO_INDEX};
    for (w.op = 0; w.op < c->op_count; w.op++) {
        use_op(&w, &c->ops[w.op]);
        enter_leave(&w, c->ops[w.op].kind);
    }
    for (uint32_t i = 0; i < c->variable_count; i++) {
        p->variable_blocks[i] = w.used[i] ? p->variable_blocks[i] : QT_NO_INDEX;
        number_variable(p, i);
    }
    list_blocks(p);
    return QT_OK;
}
