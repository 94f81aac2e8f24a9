#include "qir/flow.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <string.h>

qt_qir_emitter *qt_qir_flow_emitter(qt_qir_flow *flow) {
    return flow->e;
}

qt_qir_value qt_qir_flow_variable(const qt_qir_flow *flow, uint32_t variable) {
    return flow->values[variable];
}

static void put_read_result(qt_qir_flow *flow, uint32_t value, uint32_t result) {
    qt_qir_emitter *e = flow->e;
    e->uses |= QT_USES_READ_RESULT;
    qt_buf_printf(&e->text, "  %%t%u = call i1 @%s(", value,
                  e->options.gates == QT_QIR_GATES_FULL ? "__quantum__rt__read_result"
                                                        : "__quantum__qis__read_result__body");
    qt_qir_put_pointer(e, e->result, "readonly ", result);
    qt_buf_add_str(&e->text, ")\n");
}

qt_qir_value qt_qir_read_result(qt_qir_flow *flow, uint32_t result) {
    qt_qir_value v = {.class = QT_QIR_I1, .from_result = true, .ssa = flow->e->value_count++};
    put_read_result(flow, v.ssa, result);
    return v;
}

qt_qir_value qt_qir_flow_bit(qt_qir_flow *flow, uint32_t bit) {
    if (flow->bit_slot[bit] != QT_NO_INDEX) {
        return flow->values[flow->bit_slot[bit]];
    }
    return flow->measured[bit] ? qt_qir_read_result(flow, bit) : qt_qir_int(QT_QIR_I1, 0);
}

void qt_qir_put_block_name(qt_qir_flow *flow, uint32_t block) {
    if (block >= QT_QIR_FIRST_BLOCK) {
        qt_buf_printf(&flow->e->text, "b%u", block - QT_QIR_FIRST_BLOCK);
    } else {
        qt_buf_add_str(&flow->e->text, block == QT_QIR_BLOCK_BODY ? "body" : "output");
    }
}

void qt_qir_begin_block(qt_qir_flow *flow, uint32_t block) {
    qt_buf_add_char(&flow->e->text, '\n');
    qt_qir_put_block_name(flow, block);
    qt_buf_add_str(&flow->e->text, ":\n");
    flow->block = block;
    flow->dead = false;
}

uint32_t qt_qir_new_block(qt_qir_flow *flow) {
    return flow->block_count++;
}

static void put_branch(qt_qir_flow *flow, uint32_t to) {
    qt_buf_add_str(&flow->e->text, "  br label %");
    qt_qir_put_block_name(flow, to);
    qt_buf_add_char(&flow->e->text, '\n');
}

void qt_qir_branch(qt_qir_flow *flow, qt_qir_value condition, uint32_t yes, uint32_t no) {
    qt_buf_printf(&flow->e->text, "  br i1 %s, label %%", qt_qir_operand_of(condition).text);
    qt_qir_put_block_name(flow, yes);
    qt_buf_add_str(&flow->e->text, ", label %");
    qt_qir_put_block_name(flow, no);
    qt_buf_add_char(&flow->e->text, '\n');
}

void qt_qir_join_done(qt_qir_join *j) {
    for (size_t i = 0; i < j->count; i++) {
        free(j->edges[i].values);
    }
    free(j->edges);
    *j = (qt_qir_join){.block = j->block};
}

qt_code qt_qir_copy_values(const qt_qir_flow *flow, qt_qir_value **ret_values, qt_err *err) {
    void *mem = NULL;
    QT_TRY(qt_try_malloc((flow->slot_count + 1) * sizeof(qt_qir_value), &mem, err));
    if (flow->slot_count > 0) {
        memcpy(mem, flow->values, flow->slot_count * sizeof(qt_qir_value));
    }
    *ret_values = mem;
    return QT_OK;
}

/* The block being written is one of those that come to the join. */
qt_code qt_qir_join_add(qt_qir_flow *flow, qt_qir_join *j, qt_err *err) {
    if (j->count == j->cap) {
        size_t cap = j->cap > 0 ? j->cap * 2 : 2;
        void *mem = j->edges;
        QT_TRY(qt_try_realloc(&mem, cap * sizeof *j->edges, err));
        j->edges = mem;
        j->cap = cap;
    }
    QT_TRY(qt_qir_copy_values(flow, &j->edges[j->count].values, err));
    j->edges[j->count++].from = flow->block;
    return QT_OK;
}

qt_code qt_qir_jump(qt_qir_flow *flow, qt_qir_join *j, qt_err *err) {
    if (flow->dead) {
        return QT_OK;
    }
    QT_TRY(qt_qir_join_add(flow, j, err));
    put_branch(flow, j->block);
    flow->dead = true;
    return QT_OK;
}

void qt_qir_put_phi(qt_qir_flow *flow, qt_buf *text, const qt_qir_join *j, size_t slot,
                    uint32_t ssa) {
    qt_qir_class class = (qt_qir_class)flow->classes[slot];
    qt_buf_printf(text, "  %%t%u = phi %s ", ssa, qt_qir_class_name(class));
    for (size_t i = 0; i < j->count; i++) {
        uint32_t from = j->edges[i].from;
        qt_buf_printf(text, "%s[ %s, %%", i > 0 ? ", " : "",
                      qt_qir_operand_of(j->edges[i].values[slot]).text);
        if (from >= QT_QIR_FIRST_BLOCK) {
            qt_buf_printf(text, "b%u ]", from - QT_QIR_FIRST_BLOCK);
        } else {
            qt_buf_add_str(text, "body ]");
        }
    }
    qt_buf_add_char(text, '\n');
    flow->e->info.int_computations |= class == QT_QIR_I64;
    flow->e->info.float_computations |= class == QT_QIR_F64;
}

static qt_qir_value merge(qt_qir_flow *flow, const qt_qir_join *j, size_t slot) {
    qt_qir_value v = j->edges[0].values[slot];
    bool same = true;
    for (size_t i = 1; i < j->count; i++) {
        same = same && qt_qir_same_value(v, j->edges[i].values[slot]);
        v.from_result = v.from_result || j->edges[i].values[slot].from_result;
    }
    if (same) {
        return v;
    }
    qt_qir_value phi = {.class = flow->classes[slot],
                        .from_result = v.from_result || flow->result_depth > 0,
                        .ssa = flow->e->value_count++};
    qt_qir_put_phi(flow, &flow->e->text, j, slot, phi.ssa);
    return phi;
}

/* Goes on behind the join with the merged state; nothing is written when nobody comes there. */
void qt_qir_place(qt_qir_flow *flow, qt_qir_join *j) {
    if (j->count == 0) {
        flow->dead = true;
        return;
    }
    qt_qir_begin_block(flow, j->block);
    for (size_t slot = 0; slot < flow->slot_count; slot++) {
        flow->values[slot] = merge(flow, j, slot);
    }
}

qt_qir_value qt_qir_flow_choose(qt_qir_flow *flow, qt_qir_value condition, qt_qir_value f,
                                qt_qir_value otherwise) {
    if (condition.is_constant) {
        return condition.i != 0 ? f : otherwise;
    }
    uint32_t from = flow->block;
    uint32_t yes = qt_qir_new_block(flow);
    uint32_t end = qt_qir_new_block(flow);
    qt_qir_branch(flow, condition, yes, end);
    qt_qir_begin_block(flow, yes);
    put_branch(flow, end);
    qt_qir_begin_block(flow, end);
    qt_qir_value v = {.class = QT_QIR_F64,
                      .from_result = condition.from_result || f.from_result,
                      .ssa = flow->e->value_count++};
    qt_buf_printf(&flow->e->text, "  %%t%u = phi double [ %s, %%b%u ], [ %s, %%", v.ssa,
                  qt_qir_operand_of(f).text, yes - QT_QIR_FIRST_BLOCK,
                  qt_qir_operand_of(otherwise).text);
    qt_qir_put_block_name(flow, from);
    qt_buf_add_str(&flow->e->text, " ]\n");
    flow->e->info.float_computations = true;
    return v;
}

void qt_qir_set_slot(qt_qir_flow *flow, size_t slot, qt_qir_value v) {
    v.from_result = v.from_result || flow->result_depth > 0;
    flow->values[slot] = v;
}

/* Slots: variables, then assigned bits, then one counter for each for loop. */

static void flow_done(qt_qir_flow *flow) {
    free(flow->values);
    free(flow->classes);
    free(flow->bit_slot);
    free(flow->measured);
    qt_qir_join_done(&flow->output);
}

/* A register with one assigned bit is kept in slots as a whole: its records have one kind. */
static void find_slots(qt_qir_flow *flow) {
    const qt_circuit *c = flow->circuit;
    for (size_t i = 0; i < c->op_count; i++) {
        const qt_op *op = &c->ops[i];
        if (op->kind == QT_OP_MEASURE && op->b != QT_NO_INDEX) {
            flow->measured[op->b] = true;
        } else if (op->kind == QT_OP_ASSIGN && op->sub == QT_LVALUE_BIT) {
            flow->bit_slot[op->a] = 0;
        } else if (op->kind == QT_OP_ASSIGN && op->sub != QT_LVALUE_VAR) {
            const qt_register *reg = &c->registers[op->a];
            flow->bit_slot[reg->first] = reg->size > 0 ? 0 : flow->bit_slot[reg->first];
        }
    }
    for (size_t r = 0; r < c->register_count; r++) {
        const qt_register *reg = &c->registers[r];
        bool any = false;
        for (uint32_t i = 0; reg->kind == QT_REGISTER_BIT && i < reg->size; i++) {
            any = any || flow->bit_slot[reg->first + i] != QT_NO_INDEX;
        }
        for (uint32_t i = 0; any && i < reg->size; i++) {
            flow->bit_slot[reg->first + i] = 0;
        }
    }
}

static qt_code flow_init(qt_qir_flow *flow, qt_qir_emitter *e, qt_err *err) {
    const qt_circuit *c = e->circuit;
    *flow = (qt_qir_flow){.e = e,
                          .circuit = c,
                          .block_count = QT_QIR_FIRST_BLOCK,
                          .spare_result = c->num_clbits,
                          .output = {.block = QT_QIR_BLOCK_OUTPUT}};
    void *mem = NULL;
    QT_TRY(qt_try_malloc((c->num_clbits + 1) * sizeof *flow->bit_slot, &mem, err));
    flow->bit_slot = mem;
    memset(flow->bit_slot, 0xFF, (c->num_clbits + 1) * sizeof *flow->bit_slot);
    QT_TRY(qt_try_calloc(c->num_clbits + 1, sizeof *flow->measured, &mem, err));
    flow->measured = mem;
    find_slots(flow);
    flow->slot_count = c->variable_count;
    for (uint32_t i = 0; i < c->num_clbits; i++) {
        if (flow->bit_slot[i] != QT_NO_INDEX) {
            flow->bit_slot[i] = (uint32_t)flow->slot_count++;
        }
    }
    flow->slot_count += c->loop_count;
    QT_TRY(qt_try_calloc(flow->slot_count + 1, sizeof *flow->values, &mem, err));
    flow->values = mem;
    QT_TRY(qt_try_calloc(flow->slot_count + 1, sizeof *flow->classes, &mem, err));
    flow->classes = mem;
    return QT_OK;
}

static void set_initial_values(qt_qir_flow *flow) {
    const qt_circuit *c = flow->circuit;
    for (size_t slot = 0; slot < flow->slot_count; slot++) {
        qt_qir_class class = slot < flow->slot_count - c->loop_count ? QT_QIR_I1 : QT_QIR_I64;
        if (slot < c->variable_count) {
            class = qt_qir_class_of(c->variables[slot].type, c->variables[slot].width);
        }
        flow->classes[slot] = (uint8_t) class;
        flow->values[slot] = qt_qir_int(class, 0);
    }
}

static qt_code put_output(qt_qir_flow *flow, qt_err *err) {
    const qt_circuit *c = flow->circuit;
    void *mem = NULL;
    QT_TRY(qt_try_calloc(c->num_clbits + 1, sizeof(uint32_t), &mem, err));
    QT_AUTO_FREE uint32_t *results = mem;
    QT_TRY(qt_try_calloc(c->num_clbits + 1, sizeof(qt_qir_operand), &mem, err));
    QT_AUTO_FREE qt_qir_operand *operands = mem;
    QT_TRY(qt_try_calloc(c->num_clbits + 1, sizeof(char *), &mem, err));
    QT_AUTO_FREE const char **texts = mem;
    for (uint32_t i = 0; i < c->num_clbits; i++) {
        results[i] = i;
        if (flow->bit_slot[i] != QT_NO_INDEX) {
            operands[i] = qt_qir_operand_of(flow->values[flow->bit_slot[i]]);
            texts[i] = operands[i].text;
        }
    }
    qt_qir_put_records(flow->e, results, texts);
    return QT_OK;
}

qt_code qt_qir_put_adaptive(qt_qir_emitter *e, qt_err *err) {
    QT_CLEANUP(flow_done) qt_qir_flow flow;
    QT_TRY(flow_init(&flow, e, err));
    set_initial_values(&flow);
    QT_TRY(qt_qir_put_range(&flow, 0, (uint32_t)e->circuit->op_count, err));
    QT_TRY(qt_qir_jump(&flow, &flow.output, err));
    qt_qir_place(&flow, &flow.output);
    QT_TRY(qt_buf_check(&e->text, err));
    QT_TRY(put_output(&flow, err));
    e->info.num_results = e->circuit->num_clbits + flow.spare_used;
    return QT_OK;
}
