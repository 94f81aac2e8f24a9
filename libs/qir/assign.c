/* Adaptive profile: measurements, assignments and gates with computed parameters. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "qir/flow.h"

void qt_qir_put_measure(qt_qir_flow *flow, const qt_op *op) {
    uint32_t result = op->b;
    if (result == QT_NO_INDEX) {
        result = flow->spare_result;
        flow->spare_used = true;
    }
    qt_qir_call_mz(flow->e, op->a, result);
    if (op->b != QT_NO_INDEX && flow->bit_slot[op->b] != QT_NO_INDEX) {
        qt_qir_set_slot(flow, flow->bit_slot[op->b], qt_qir_read_result(flow, result));
    }
}

static qt_code assign_variable(qt_qir_flow *flow, const qt_op *op, qt_err *err) {
    const qt_variable *variable = &flow->circuit->variables[op->a];
    const qt_expr *x = &flow->circuit->exprs[op->b];
    qt_qir_value v = {0};
    QT_TRY(qt_qir_eval(flow, op->b, &v, err));
    QT_TRY(qt_qir_convert(flow, v, (qt_type)x->type, x->width, variable->type, variable->width, &v,
                          err));
    qt_qir_set_slot(flow, op->a, v);
    return QT_OK;
}

static qt_code assign_bit(qt_qir_flow *flow, const qt_op *op, qt_err *err) {
    qt_qir_value v = {0};
    QT_TRY(qt_qir_eval_bit(flow, op->b, 0, &v, err));
    qt_qir_set_slot(flow, flow->bit_slot[op->a], v);
    return QT_OK;
}

/* All bits are computed before the first is stored, because the expression may read them. */
static qt_code assign_register(qt_qir_flow *flow, const qt_op *op, qt_err *err) {
    const qt_register *reg = &flow->circuit->registers[op->a];
    void *mem = NULL;
    QT_TRY(qt_try_calloc(reg->size + 1, sizeof(qt_qir_value), &mem, err));
    QT_AUTO_FREE qt_qir_value *bits = mem;
    for (uint32_t i = 0; i < reg->size; i++) {
        QT_TRY(qt_qir_eval_bit(flow, op->b, i, &bits[i], err));
    }
    for (uint32_t i = 0; i < reg->size; i++) {
        qt_qir_set_slot(flow, flow->bit_slot[reg->first + i], bits[i]);
    }
    return QT_OK;
}

static qt_code assign_register_at(qt_qir_flow *flow, const qt_op *op, qt_err *err) {
    const qt_register *reg = &flow->circuit->registers[op->a];
    const qt_expr *x = &flow->circuit->exprs[op->c];
    qt_qir_value v = {0};
    qt_qir_value index = {0};
    QT_TRY(qt_qir_eval_bit(flow, op->b, 0, &v, err));
    QT_TRY(qt_qir_eval(flow, op->c, &index, err));
    QT_TRY(qt_qir_convert(flow, index, (qt_type)x->type, x->width, QT_TYPE_INT, 64, &index, err));
    for (uint32_t i = 0; i < reg->size; i++) {
        uint32_t slot = flow->bit_slot[reg->first + i];
        if (index.is_constant && index.i != i) {
            continue;
        }
        qt_qir_value here = index.is_constant ? qt_qir_int(QT_QIR_I1, 1)
                                              : qt_qir_binary(flow->e, QT_QIR_I1, "icmp eq", index,
                                                              qt_qir_int(QT_QIR_I64, i));
        qt_qir_set_slot(flow, slot, qt_qir_select(flow->e, here, v, flow->values[slot]));
    }
    return QT_OK;
}

qt_code qt_qir_put_assign(qt_qir_flow *flow, const qt_op *op, qt_err *err) {
    switch ((qt_lvalue)op->sub) {
    case QT_LVALUE_VAR:
        return assign_variable(flow, op, err);
    case QT_LVALUE_BIT:
        return assign_bit(flow, op, err);
    case QT_LVALUE_REG:
        return assign_register(flow, op, err);
    case QT_LVALUE_REG_AT:
        return assign_register_at(flow, op, err);
    }
    return qt_fail(err, INTERNAL, "unknown kind of assignment");
}

qt_code qt_qir_put_dynamic_gate(qt_qir_flow *flow, const qt_op *op, qt_err *err) {
    const qt_gate_info *gate = qt_gate_get_info((qt_gate)op->sub);
    qt_angle angles[3];
    for (unsigned i = 0; i < gate->param_count && i < QT_ARRAY_LEN(angles); i++) {
        uint32_t expr = flow->circuit->param_exprs[op->param + i];
        const qt_expr *x = &flow->circuit->exprs[expr];
        qt_qir_value v = {0};
        QT_TRY(qt_qir_eval(flow, expr, &v, err));
        qt_type to = x->type == QT_TYPE_ANGLE ? QT_TYPE_ANGLE : QT_TYPE_FLOAT;
        QT_TRY(qt_qir_convert(flow, v, (qt_type)x->type, x->width, to, 64, &v, err));
        angles[i] = v.is_constant ? qt_angle_constant(v.f) : (qt_angle){.value = v.ssa};
    }
    qt_gate_sink sink = qt_qir_sink(flow->e);
    qt_gate_decompose(&sink, (qt_gate)op->sub, qt_op_qubits(flow->circuit, op), op->control_count,
                      angles);
    return QT_OK;
}
