/* Adaptive profile: branches, switches and loops. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "qir/flow.h"

#include <string.h>

enum { MAX_NESTING = 1000 };

/* A branch body: its own block, then on to the join. */
static qt_code put_branch_body(qt_qir_flow *flow, uint32_t block, uint32_t begin, uint32_t end,
                               qt_qir_join *after, qt_err *err) {
    qt_qir_begin_block(flow, block);
    QT_TRY(qt_qir_put_range(flow, begin, end, err));
    return qt_qir_jump(flow, after, err);
}

static qt_code put_if(qt_qir_flow *flow, uint32_t index, uint32_t *ret_end, qt_err *err) {
    const qt_op *ops = flow->circuit->ops;
    bool has_else = ops[ops[index].b].kind == QT_OP_ELSE;
    uint32_t middle = ops[index].b;
    uint32_t end = has_else ? ops[middle].b : middle;
    qt_qir_value condition = {0};
    QT_TRY(qt_qir_eval_truth(flow, ops[index].a, &condition, err));
    QT_CLEANUP(qt_qir_join_done) qt_qir_join after = {.block = qt_qir_new_block(flow)};
    uint32_t yes = qt_qir_new_block(flow);
    uint32_t no = has_else ? qt_qir_new_block(flow) : after.block;
    qt_qir_branch(flow, condition, yes, no);
    QT_AUTO_FREE qt_qir_value *before = NULL;
    QT_TRY(qt_qir_copy_values(flow, &before, err));
    if (!has_else) {
        QT_TRY(qt_qir_join_add(flow, &after, err));
    }
    flow->result_depth += condition.from_result;
    QT_TRY(put_branch_body(flow, yes, index + 1, middle, &after, err));
    if (has_else) {
        memcpy(flow->values, before, flow->slot_count * sizeof *before);
        QT_TRY(put_branch_body(flow, no, middle + 1, end, &after, err));
    }
    qt_qir_place(flow, &after);
    flow->result_depth -= condition.from_result;
    *ret_end = end;
    return QT_OK;
}

/* The table of a switch; the blocks of its cases are numbered from `first` on. */
static void put_switch_table(qt_qir_flow *flow, uint32_t index, qt_qir_value v, uint32_t first,
                             uint32_t otherwise) {
    const qt_circuit *c = flow->circuit;
    qt_buf *text = &flow->e->text;
    qt_buf_printf(text, "  switch i64 %s, label %%", qt_qir_operand_of(v).text);
    qt_qir_put_block_name(flow, otherwise);
    qt_buf_add_str(text, " [\n");
    uint32_t block = first;
    for (uint32_t i = c->ops[index].b; c->ops[i].kind == QT_OP_CASE; i = c->ops[i].b, block++) {
        for (uint32_t k = 0; k < c->ops[i].c; k++) {
            qt_buf_printf(text, "    i64 %lld, label %%b%u\n",
                          (long long)c->case_values[c->ops[i].a + k], block - QT_QIR_FIRST_BLOCK);
        }
    }
    qt_buf_add_str(text, "  ]\n");
}

/* Blocks for all cases; *ret_default is the index of the default case's block, or QT_NO_INDEX. */
static uint32_t reserve_case_blocks(qt_qir_flow *flow, uint32_t index, uint32_t *ret_default) {
    const qt_op *ops = flow->circuit->ops;
    uint32_t first = flow->block_count;
    *ret_default = QT_NO_INDEX;
    for (uint32_t i = ops[index].b; ops[i].kind == QT_OP_CASE; i = ops[i].b) {
        uint32_t block = qt_qir_new_block(flow);
        *ret_default = ops[i].c == 0 ? block : *ret_default;
    }
    return first;
}

static qt_code put_cases(qt_qir_flow *flow, uint32_t index, uint32_t first, qt_qir_join *after,
                         uint32_t *ret_end, qt_err *err) {
    const qt_op *ops = flow->circuit->ops;
    QT_AUTO_FREE qt_qir_value *before = NULL;
    QT_TRY(qt_qir_copy_values(flow, &before, err));
    uint32_t i = ops[index].b;
    for (; ops[i].kind == QT_OP_CASE; i = ops[i].b) {
        memcpy(flow->values, before, flow->slot_count * sizeof *before);
        QT_TRY(put_branch_body(flow, first++, i + 1, ops[i].b, after, err));
    }
    *ret_end = i;
    return QT_OK;
}

static qt_code put_switch(qt_qir_flow *flow, uint32_t index, uint32_t *ret_end, qt_err *err) {
    uint32_t expr = flow->circuit->ops[index].a;
    const qt_expr *x = &flow->circuit->exprs[expr];
    qt_qir_value v = {0};
    QT_TRY(qt_qir_eval(flow, expr, &v, err));
    QT_TRY(qt_qir_convert(flow, v, (qt_type)x->type, x->width, QT_TYPE_INT, 64, &v, err));
    QT_CLEANUP(qt_qir_join_done) qt_qir_join after = {.block = qt_qir_new_block(flow)};
    uint32_t otherwise = 0;
    uint32_t first = reserve_case_blocks(flow, index, &otherwise);
    if (otherwise == QT_NO_INDEX) {
        otherwise = after.block;
        QT_TRY(qt_qir_join_add(flow, &after, err));
    }
    put_switch_table(flow, index, v, first, otherwise);
    flow->e->info.multiple_target_branching = true;
    flow->e->info.int_computations = true;
    flow->result_depth += v.from_result;
    QT_TRY(put_cases(flow, index, first, &after, ret_end, err));
    qt_qir_place(flow, &after);
    flow->result_depth -= v.from_result;
    return QT_OK;
}

/* Marks the slots that the operations of a loop's body may change. */
static void find_assigned(const qt_qir_flow *flow, uint32_t begin, uint32_t end, bool *assigned) {
    const qt_circuit *c = flow->circuit;
    for (uint32_t i = begin; i < end; i++) {
        const qt_op *op = &c->ops[i];
        uint32_t first = op->a;
        uint32_t count = 0;
        if (op->kind == QT_OP_MEASURE && op->b != QT_NO_INDEX) {
            first = op->b;
            count = flow->bit_slot[op->b] != QT_NO_INDEX;
        } else if (op->kind == QT_OP_ASSIGN && op->sub == QT_LVALUE_BIT) {
            count = 1;
        } else if (op->kind == QT_OP_ASSIGN && op->sub != QT_LVALUE_VAR) {
            first = c->registers[op->a].first;
            count = c->registers[op->a].size;
        } else if (op->kind == QT_OP_ASSIGN) {
            assigned[op->a] = true;
        } else if (op->kind == QT_OP_FOR) {
            assigned[op->a] = true;
            assigned[flow->slot_count - c->loop_count + op->c] = true;
        }
        for (uint32_t k = 0; k < count; k++) {
            assigned[flow->bit_slot[first + k]] = true;
        }
    }
}

/* The head of a loop: a block whose phi nodes come later. */
typedef struct head {
    qt_qir_join again;
    size_t position; /* in the text, where the phi nodes go */
    bool *assigned;
    uint32_t first_phi; /* SSA number of the first; one for each assigned slot */
} head;

static void head_done(head *h) {
    qt_qir_join_done(&h->again);
    free(h->assigned);
}

static qt_code begin_head(qt_qir_flow *flow, head *h, uint32_t begin, uint32_t end, qt_err *err) {
    void *mem = NULL;
    QT_TRY(qt_try_calloc(flow->slot_count + 1, sizeof *h->assigned, &mem, err));
    h->assigned = mem;
    h->again.block = qt_qir_new_block(flow);
    find_assigned(flow, begin, end, h->assigned);
    QT_TRY(qt_qir_jump(flow, &h->again, err));
    qt_qir_begin_block(flow, h->again.block);
    h->position = flow->e->text.len;
    h->first_phi = flow->e->value_count;
    size_t counters = flow->slot_count - flow->circuit->loop_count;
    for (size_t slot = 0; slot < flow->slot_count; slot++) {
        if (h->assigned[slot]) {
            flow->values[slot] = (qt_qir_value){.class = flow->classes[slot],
                                                .from_result = slot < counters,
                                                .ssa = flow->e->value_count++};
        }
    }
    return QT_OK;
}

static void insert_text(qt_buf *text, size_t position, const qt_buf *what) {
    if (what->failed || qt_buf_reserve(text, what->len + 1) == NULL) {
        text->failed = true;
        return;
    }
    memmove(text->data + position + what->len, text->data + position, text->len - position + 1);
    memcpy(text->data + position, what->data, what->len);
    text->len += what->len;
}

static void end_head(qt_qir_flow *flow, head *h) {
    QT_CLEANUP(qt_buf_done) qt_buf phis = {0};
    uint32_t ssa = h->first_phi;
    for (size_t slot = 0; slot < flow->slot_count; slot++) {
        if (h->assigned[slot]) {
            qt_qir_put_phi(flow, &phis, &h->again, slot, ssa++);
        }
    }
    if (phis.len > 0 || phis.failed) {
        insert_text(&flow->e->text, h->position, &phis);
    }
}

static void note_loop(qt_qir_flow *flow, bool conditional) {
    flow->e->info.backwards_branching |= conditional ? 2 : 1;
}

static qt_code put_loop_body(qt_qir_flow *flow, uint32_t begin, uint32_t end, qt_qir_join *leave,
                             qt_qir_join *again, bool *ret_conditional, qt_err *err) {
    qt_qir_loop here = {.outer = flow->loops,
                        .end = end,
                        .leave = leave,
                        .again = again,
                        .result_depth = flow->result_depth};
    flow->loops = &here;
    qt_code code = qt_qir_put_range(flow, begin, end, err);
    flow->loops = here.outer;
    QT_TRY(code);
    *ret_conditional = here.conditional;
    return qt_qir_jump(flow, again, err);
}

static qt_code put_while(qt_qir_flow *flow, uint32_t index, uint32_t *ret_end, qt_err *err) {
    uint32_t end = flow->circuit->ops[index].b;
    QT_CLEANUP(head_done) head h = {.assigned = NULL};
    QT_CLEANUP(qt_qir_join_done) qt_qir_join leave = {.block = qt_qir_new_block(flow)};
    QT_TRY(begin_head(flow, &h, index + 1, end, err));
    qt_qir_value condition = {0};
    QT_TRY(qt_qir_eval_truth(flow, flow->circuit->ops[index].a, &condition, err));
    uint32_t body = qt_qir_new_block(flow);
    qt_qir_branch(flow, condition, body, leave.block);
    QT_TRY(qt_qir_join_add(flow, &leave, err));
    flow->result_depth += condition.from_result;
    qt_qir_begin_block(flow, body);
    bool conditional = false;
    QT_TRY(put_loop_body(flow, index + 1, end, &leave, &h.again, &conditional, err));
    end_head(flow, &h);
    qt_qir_place(flow, &leave);
    flow->result_depth -= condition.from_result;
    note_loop(flow, condition.from_result || conditional);
    *ret_end = end;
    return QT_OK;
}

typedef struct bounds {
    qt_qir_value first, step, last;
} bounds;

static qt_code eval_int(qt_qir_flow *flow, uint32_t expr, qt_qir_value *ret_value, qt_err *err) {
    if (expr == QT_NO_INDEX) {
        *ret_value = qt_qir_int(QT_QIR_I64, 1);
        return QT_OK;
    }
    const qt_expr *x = &flow->circuit->exprs[expr];
    QT_TRY(qt_qir_eval(flow, expr, ret_value, err));
    return qt_qir_convert(flow, *ret_value, (qt_type)x->type, x->width, QT_TYPE_INT, 64, ret_value,
                          err);
}

static qt_code eval_bounds(qt_qir_flow *flow, const qt_loop *l, bounds *b, qt_err *err) {
    QT_TRY(eval_int(flow, l->first, &b->first, err));
    QT_TRY(eval_int(flow, l->step, &b->step, err));
    return eval_int(flow, l->last, &b->last, err);
}

/* Whether the counter is not past `last`, in the direction of the step. */
static qt_qir_value in_bounds(qt_qir_flow *flow, qt_qir_value counter, const bounds *b) {
    qt_qir_emitter *e = flow->e;
    if (b->step.is_constant) {
        const char *op = b->step.i >= 0 ? "icmp sle" : "icmp sge";
        return qt_qir_binary(e, QT_QIR_I1, op, counter, b->last);
    }
    qt_qir_value up = qt_qir_binary(e, QT_QIR_I1, "icmp sle", counter, b->last);
    qt_qir_value down = qt_qir_binary(e, QT_QIR_I1, "icmp sge", counter, b->last);
    qt_qir_value rising =
        qt_qir_binary(e, QT_QIR_I1, "icmp sge", b->step, qt_qir_int(QT_QIR_I64, 0));
    return qt_qir_select(e, rising, up, down);
}

/* The body of a for loop: the variable gets the counter, then the counter goes on. */
static qt_code put_for_body(qt_qir_flow *flow, uint32_t index, head *h, qt_qir_join *leave,
                            const bounds *b, size_t counter, bool *ret_conditional, qt_err *err) {
    const qt_op *op = &flow->circuit->ops[index];
    const qt_variable *variable = &flow->circuit->variables[op->a];
    qt_qir_value v = flow->values[counter];
    QT_TRY(qt_qir_convert(flow, v, QT_TYPE_INT, 64, variable->type, variable->width, &v, err));
    flow->values[op->a] = v;
    QT_CLEANUP(qt_qir_join_done) qt_qir_join next = {.block = qt_qir_new_block(flow)};
    QT_TRY(put_loop_body(flow, index + 1, op->b, leave, &next, ret_conditional, err));
    qt_qir_place(flow, &next);
    if (!flow->dead) {
        flow->values[counter] =
            qt_qir_binary(flow->e, QT_QIR_I64, "add", flow->values[counter], b->step);
    }
    return qt_qir_jump(flow, &h->again, err);
}

static qt_code put_for(qt_qir_flow *flow, uint32_t index, uint32_t *ret_end, qt_err *err) {
    const qt_op *op = &flow->circuit->ops[index];
    size_t counter = flow->slot_count - flow->circuit->loop_count + op->c;
    bounds b = {0};
    QT_TRY(eval_bounds(flow, &flow->circuit->loops[op->c], &b, err));
    flow->values[counter] = b.first;
    QT_CLEANUP(head_done) head h = {.assigned = NULL};
    QT_CLEANUP(qt_qir_join_done) qt_qir_join leave = {.block = qt_qir_new_block(flow)};
    QT_TRY(begin_head(flow, &h, index, op->b, err));
    qt_qir_value go_on = in_bounds(flow, flow->values[counter], &b);
    bool on_result = b.first.from_result || b.step.from_result || b.last.from_result;
    uint32_t body = qt_qir_new_block(flow);
    qt_qir_branch(flow, go_on, body, leave.block);
    QT_TRY(qt_qir_join_add(flow, &leave, err));
    qt_qir_begin_block(flow, body);
    bool conditional = false;
    flow->result_depth += on_result;
    QT_TRY(put_for_body(flow, index, &h, &leave, &b, counter, &conditional, err));
    end_head(flow, &h);
    qt_qir_place(flow, &leave);
    flow->result_depth -= on_result;
    note_loop(flow, on_result || conditional);
    *ret_end = op->b;
    return QT_OK;
}

static qt_code put_jump(qt_qir_flow *flow, const qt_op *op, qt_err *err) {
    for (qt_qir_loop *l = flow->loops; l != NULL; l = l->outer) {
        bool leaves = op->kind == QT_OP_END || (op->kind == QT_OP_BREAK && l->end == op->b);
        l->conditional = l->conditional || (leaves && flow->result_depth > l->result_depth);
        if (op->kind != QT_OP_END && l->end == op->b) {
            return qt_qir_jump(flow, op->kind == QT_OP_BREAK ? l->leave : l->again, err);
        }
    }
    return qt_qir_jump(flow, &flow->output, err);
}

/* Writes one operation; *index goes to the last operation that belongs to it. */
static qt_code put_op(qt_qir_flow *flow, uint32_t *index, qt_err *err) {
    const qt_op *op = &flow->circuit->ops[*index];
    switch ((qt_op_kind)op->kind) {
    case QT_OP_GATE:
    case QT_OP_BARRIER:
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        qt_qir_put_static_op(flow->e, op);
        return QT_OK;
    case QT_OP_GATE_DYNAMIC:
        return qt_qir_put_dynamic_gate(flow, op, err);
    case QT_OP_MEASURE:
        qt_qir_put_measure(flow, op);
        return QT_OK;
    case QT_OP_RESET:
        qt_qir_call(flow->e, QT_QIS_RESET, NULL, &op->a);
        flow->e->info.gate_calls--;
        return QT_OK;
    case QT_OP_ASSIGN:
        return qt_qir_put_assign(flow, op, err);
    case QT_OP_IF:
        return put_if(flow, *index, index, err);
    case QT_OP_WHILE:
        return put_while(flow, *index, index, err);
    case QT_OP_FOR:
        return put_for(flow, *index, index, err);
    case QT_OP_SWITCH:
        return put_switch(flow, *index, index, err);
    case QT_OP_BREAK:
    case QT_OP_CONTINUE:
    case QT_OP_END:
        return put_jump(flow, op, err);
    case QT_OP_ELSE:
    case QT_OP_ENDIF:
    case QT_OP_ENDWHILE:
    case QT_OP_ENDFOR:
    case QT_OP_CASE:
    case QT_OP_ENDSWITCH:
        break;
    }
    return qt_fail(err, INTERNAL, "operation %u is out of place", *index);
}

/* Operations begin up to end - 1; what stands behind a jump is not reached and not written. */
qt_code qt_qir_put_range(qt_qir_flow *flow, uint32_t begin, uint32_t end, qt_err *err) {
    if (++flow->nesting > MAX_NESTING) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "blocks are nested deeper than %d", MAX_NESTING);
    }
    for (uint32_t i = begin; i < end && !flow->dead; i++) {
        QT_TRY(put_op(flow, &i, err));
    }
    flow->nesting--;
    return QT_OK;
}
