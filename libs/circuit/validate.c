#include "circuit/circuit.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <math.h>
#include <stdlib.h>

typedef struct validation {
    const qt_circuit *c;
    uint32_t *blocks; /* indices of open IF, ELSE, WHILE, FOR, SWITCH and CASE */
    size_t block_count;
    size_t index; /* of the operation looked at */
    qt_err *err;
} validation;

static qt_code wrong(const validation *v, const char *what) {
    return qt_fail(v->err, DATA_CORRUPT, "operation %zu of the circuit: %s", v->index, what);
}

static bool is_bit_register(const qt_circuit *c, uint32_t index) {
    return index < c->register_count && c->registers[index].kind == QT_REGISTER_BIT;
}

/* Nodes name only nodes before them, so there is no cycle. */
static const char *check_expr(const qt_circuit *c, size_t i) {
    const qt_expr *e = &c->exprs[i];
    bool a_before = e->u.a < i;
    bool b_before = e->u.b < i;
    bool ok = false;
    switch ((qt_expr_kind)e->kind) {
    case QT_EXPR_INT:
    case QT_EXPR_FLOAT:
        ok = true;
        break;
    case QT_EXPR_WIDE:
        ok = e->width > 0 && e->u.b == (e->width - 1) / 64 + 1 &&
             (uint64_t)e->u.a + e->u.b <= c->wide_word_count;
        break;
    case QT_EXPR_BIT:
        ok = e->u.a < c->num_clbits;
        break;
    case QT_EXPR_REG:
        ok = is_bit_register(c, e->u.a);
        break;
    case QT_EXPR_REG_AT:
        ok = is_bit_register(c, e->u.a) && b_before;
        break;
    case QT_EXPR_VAR:
        ok = e->u.a < c->variable_count;
        break;
    case QT_EXPR_UNARY:
        ok = a_before &&
             (e->op == QT_OPERATOR_NEG || e->op == QT_OPERATOR_BIT_NOT || e->op == QT_OPERATOR_NOT);
        break;
    case QT_EXPR_BINARY:
        ok = a_before && b_before && e->op <= QT_OPERATOR_GE && e->op != QT_OPERATOR_NEG &&
             e->op != QT_OPERATOR_BIT_NOT && e->op != QT_OPERATOR_NOT;
        break;
    case QT_EXPR_CALL:
        ok = a_before && e->op <= QT_FUNC_ROTR && (e->op < QT_FUNC_ROTL || b_before);
        break;
    case QT_EXPR_CAST:
        ok = a_before;
        break;
    case QT_EXPR_BIT_OF:
        ok = a_before && b_before;
        break;
    }
    if (!ok) {
        return "a wrong index or operator";
    }
    return e->type <= QT_TYPE_ANGLE ? NULL : "a wrong type";
}

static qt_code check_exprs(const qt_circuit *c, qt_err *err) {
    for (size_t i = 0; i < c->expr_count; i++) {
        const char *what = check_expr(c, i);
        if (what != NULL) {
            return qt_fail(err, DATA_CORRUPT, "expression %zu of the circuit: %s", i, what);
        }
    }
    return QT_OK;
}

static qt_code check_registers(const qt_circuit *c, qt_err *err) {
    uint64_t totals[2] = {0, 0};
    for (size_t i = 0; i < c->register_count; i++) {
        const qt_register *r = &c->registers[i];
        if (r->kind > QT_REGISTER_BIT || r->name == NULL || r->first != totals[r->kind]) {
            return qt_fail(err, DATA_CORRUPT, "register %zu of the circuit is wrong", i);
        }
        totals[r->kind] += r->size;
    }
    if (totals[QT_REGISTER_QUBIT] != c->num_qubits || totals[QT_REGISTER_BIT] != c->num_clbits) {
        return qt_fail(err, DATA_CORRUPT, "the registers do not add up to the circuit's size");
    }
    return QT_OK;
}

static qt_code check_qubits(const validation *v, const uint32_t *qubits, size_t count,
                            bool distinct) {
    for (size_t i = 0; i < count; i++) {
        if (qubits[i] >= v->c->num_qubits) {
            return wrong(v, "a qubit that does not exist");
        }
        for (size_t j = 0; distinct && j < i; j++) {
            if (qubits[i] == qubits[j]) {
                return wrong(v, "a qubit is used twice");
            }
        }
    }
    return QT_OK;
}

static qt_code check_operands(const validation *v, uint32_t first, uint64_t count) {
    if (first + count > v->c->operand_count) {
        return wrong(v, "operands out of range");
    }
    if (count == 0) {
        return QT_OK;
    }
    return check_qubits(v, v->c->operands + first, (size_t)count, false);
}

static qt_code check_value(const validation *v, uint32_t expr) {
    return expr < v->c->expr_count ? QT_OK : wrong(v, "an expression that does not exist");
}

static qt_code check_params(const validation *v, const qt_op *op) {
    const qt_circuit *c = v->c;
    uint64_t end = (uint64_t)op->param + qt_gate_get_info(op->sub)->param_count;
    bool dynamic = op->kind == QT_OP_GATE_DYNAMIC;
    if (end > (dynamic ? c->param_expr_count : c->param_count)) {
        return wrong(v, "parameters out of range");
    }
    for (uint64_t i = op->param; i < end; i++) {
        if (dynamic) {
            QT_TRY(check_value(v, c->param_exprs[i]));
        } else if (!isfinite(c->params[i])) {
            return wrong(v, "a parameter that is no finite number");
        }
    }
    return QT_OK;
}

static qt_code check_gate(const validation *v, const qt_op *op) {
    if (op->sub >= QT_GATE_COUNT_) {
        return wrong(v, "a gate that does not exist");
    }
    if (op->qubit_count != op->control_count + qt_gate_get_info(op->sub)->qubit_count) {
        return wrong(v, "a wrong number of qubits");
    }
    if (op->qubit_count > 2 && (uint64_t)op->a + op->qubit_count > v->c->operand_count) {
        return wrong(v, "operands out of range");
    }
    QT_TRY(check_qubits(v, qt_op_qubits(v->c, op), op->qubit_count, true));
    return check_params(v, op);
}

static qt_code check_assign(const validation *v, const qt_op *op) {
    const qt_circuit *c = v->c;
    bool ok = false;
    switch (op->sub) {
    case QT_LVALUE_VAR:
        ok = op->a < c->variable_count;
        break;
    case QT_LVALUE_BIT:
        ok = op->a < c->num_clbits;
        break;
    case QT_LVALUE_REG:
        ok = is_bit_register(c, op->a);
        break;
    case QT_LVALUE_REG_AT:
        ok = is_bit_register(c, op->a) && op->c < c->expr_count;
        break;
    default:
        break;
    }
    return ok ? check_value(v, op->b) : wrong(v, "a wrong target");
}

static qt_code check_for(const validation *v, const qt_op *op) {
    if (op->a >= v->c->variable_count || op->c >= v->c->loop_count) {
        return wrong(v, "a wrong loop");
    }
    const qt_loop *loop = &v->c->loops[op->c];
    QT_TRY(check_value(v, loop->first));
    QT_TRY(check_value(v, loop->last));
    return loop->step == QT_NO_INDEX ? QT_OK : check_value(v, loop->step);
}

static qt_code open_block(validation *v) {
    v->blocks[v->block_count++] = (uint32_t)v->index;
    return QT_OK;
}

/* The innermost block must be of one of two kinds and lead here. */
static qt_code expect_block(const validation *v, qt_op_kind kind, qt_op_kind other) {
    if (v->block_count == 0) {
        return wrong(v, "closes a block that is not open");
    }
    const qt_op *op = &v->c->ops[v->blocks[v->block_count - 1]];
    if ((op->kind != kind && op->kind != other) || op->b != v->index) {
        return wrong(v, "does not fit the block that is open");
    }
    return QT_OK;
}

static qt_code close_block(validation *v, qt_op_kind kind, qt_op_kind other) {
    QT_TRY(expect_block(v, kind, other));
    v->block_count--;
    return QT_OK;
}

static qt_code close_loop(validation *v, const qt_op *op, qt_op_kind kind) {
    QT_TRY(expect_block(v, kind, kind));
    if (op->b != v->blocks[v->block_count - 1]) {
        return wrong(v, "does not go back to its loop");
    }
    v->block_count--;
    return QT_OK;
}

static qt_code check_case(validation *v, const qt_op *op) {
    QT_TRY(close_block(v, QT_OP_SWITCH, QT_OP_CASE));
    if ((uint64_t)op->a + op->c > v->c->case_value_count) {
        return wrong(v, "case values out of range");
    }
    return open_block(v);
}

static qt_code check_jump(const validation *v, const qt_op *op) {
    for (size_t i = v->block_count; i > 0; i--) {
        const qt_op *block = &v->c->ops[v->blocks[i - 1]];
        if (block->kind == QT_OP_WHILE || block->kind == QT_OP_FOR) {
            return op->b == block->b ? QT_OK : wrong(v, "leaves another loop than its own");
        }
    }
    return wrong(v, "stands outside of a loop");
}

static qt_code check_flow(validation *v, const qt_op *op) {
    switch ((qt_op_kind)op->kind) {
    case QT_OP_IF:
    case QT_OP_WHILE:
    case QT_OP_SWITCH:
        QT_TRY(check_value(v, op->a));
        return open_block(v);
    case QT_OP_FOR:
        QT_TRY(check_for(v, op));
        return open_block(v);
    case QT_OP_ELSE:
        QT_TRY(close_block(v, QT_OP_IF, QT_OP_IF));
        return open_block(v);
    case QT_OP_ENDIF:
        return close_block(v, QT_OP_IF, QT_OP_ELSE);
    case QT_OP_ENDWHILE:
        return close_loop(v, op, QT_OP_WHILE);
    case QT_OP_ENDFOR:
        return close_loop(v, op, QT_OP_FOR);
    case QT_OP_CASE:
        return check_case(v, op);
    case QT_OP_ENDSWITCH:
        return close_block(v, QT_OP_SWITCH, QT_OP_CASE);
    case QT_OP_BREAK:
    case QT_OP_CONTINUE:
        return check_jump(v, op);
    case QT_OP_END:
    case QT_OP_GATE:
    case QT_OP_GATE_DYNAMIC:
    case QT_OP_MEASURE:
    case QT_OP_RESET:
    case QT_OP_BARRIER:
    case QT_OP_ASSIGN:
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        return QT_OK;
    }
    return wrong(v, "is of no known kind");
}

static qt_code check_delay(const validation *v, const qt_op *op) {
    QT_TRY(check_operands(v, op->a, op->b));
    return op->c < v->c->note_count ? QT_OK : wrong(v, "a note that does not exist");
}

static qt_code check_measure(const validation *v, const qt_op *op) {
    if (op->b != QT_NO_INDEX && op->b >= v->c->num_clbits) {
        return wrong(v, "a classical bit that does not exist");
    }
    return check_qubits(v, &op->a, 1, false);
}

static qt_code check_op(validation *v, const qt_op *op) {
    switch (op->kind) {
    case QT_OP_GATE:
    case QT_OP_GATE_DYNAMIC:
        return check_gate(v, op);
    case QT_OP_MEASURE:
        return check_measure(v, op);
    case QT_OP_RESET:
        return check_qubits(v, &op->a, 1, false);
    case QT_OP_BARRIER:
        return check_operands(v, op->a, op->b);
    case QT_OP_ASSIGN:
        return check_assign(v, op);
    case QT_OP_DELAY:
        return check_delay(v, op);
    case QT_OP_NOTE:
        return op->a < v->c->note_count ? QT_OK : wrong(v, "a note that does not exist");
    default:
        return check_flow(v, op);
    }
}

static size_t count_openings(const qt_circuit *c) {
    size_t count = 0;
    for (size_t i = 0; i < c->op_count; i++) {
        uint8_t kind = c->ops[i].kind;
        count += kind == QT_OP_IF || kind == QT_OP_WHILE || kind == QT_OP_FOR ||
                 kind == QT_OP_SWITCH || kind == QT_OP_ELSE || kind == QT_OP_CASE;
    }
    return count;
}

qt_code qt_circuit_validate(const qt_circuit *circuit, qt_err *err) {
    QT_TRY(check_registers(circuit, err));
    QT_TRY(check_exprs(circuit, err));
    QT_AUTO_FREE void *blocks = NULL;
    QT_TRY(qt_try_calloc(count_openings(circuit), sizeof(uint32_t), &blocks, err));
    validation v = {.c = circuit, .blocks = blocks, .err = err};
    for (v.index = 0; v.index < circuit->op_count; v.index++) {
        QT_TRY(check_op(&v, &circuit->ops[v.index]));
    }
    return v.block_count == 0 ? QT_OK : wrong(&v, "a block is open at the end");
}
