/* A circuit as OpenQASM 3 for Amazon Braket: gates, then measurements. */
#include "base/cleanup.h"
#include "circuit/decompose.h"
#include "circuit/printer.h"

#include <string.h>

static const qt_gate_names gate_names[QT_GATE_COUNT_] = {
    [QT_GATE_ID] = {"i"},        [QT_GATE_X] = {"x", "cnot", "ccnot"},
    [QT_GATE_Y] = {"y", "cy"},   [QT_GATE_Z] = {"z", "cz"},
    [QT_GATE_H] = {"h"},         [QT_GATE_S] = {"s"},
    [QT_GATE_SDG] = {"si"},      [QT_GATE_T] = {"t"},
    [QT_GATE_TDG] = {"ti"},      [QT_GATE_SX] = {"v", "cv"},
    [QT_GATE_SXDG] = {"vi"},     [QT_GATE_P] = {"phaseshift", "cphaseshift"},
    [QT_GATE_RX] = {"rx"},       [QT_GATE_RY] = {"ry"},
    [QT_GATE_RZ] = {"rz"},       [QT_GATE_SWAP] = {"swap", "cswap"},
    [QT_GATE_ISWAP] = {"iswap"}, [QT_GATE_RXX] = {"xx"},
    [QT_GATE_RYY] = {"yy"},      [QT_GATE_RZZ] = {"zz"},
};

static void put_gate(void *self, qt_gate gate, const uint32_t *qubits, size_t control_count,
                     const qt_angle *angles) {
    qt_printer *p = self;
    const qt_gate_info *info = qt_gate_get_info(gate);
    qt_buf_add_str(p->out, gate_names[gate][control_count]);
    if (info->param_count > 0) {
        qt_buf_add_char(p->out, '(');
        qt_print_double(p->out, angles[0].constant);
        qt_buf_add_char(p->out, ')');
    }
    qt_print_qubits(p, qubits, control_count + info->qubit_count);
    qt_buf_add_str(p->out, ";\n");
}

static qt_code cannot(const qt_printer *p, size_t op, const char *what) {
    return qt_fail(p->err, CIRCUIT_UNSUPPORTED, "operation %zu: Braket's devices have no %s",
                   op + 1, what);
}

static qt_code cannot_on(const qt_printer *p, size_t op, uint32_t qubit, const char *what) {
    uint32_t reg = p->qubit_regs[qubit];
    return qt_fail(p->err, CIRCUIT_UNSUPPORTED,
                   "operation %zu: Braket's devices have no %s (qubit %.40s[%u])", op + 1, what,
                   p->registers[reg], qubit - p->c->registers[reg].first);
}

/* What happened to a qubit so far. */
enum { FRESH, USED, MEASURED };

static qt_code print_gate(qt_printer *p, const qt_gate_sink *sink, size_t index, uint8_t *states) {
    const qt_op *op = &p->c->ops[index];
    const uint32_t *qubits = qt_op_qubits(p->c, op);
    for (unsigned i = 0; i < op->qubit_count; i++) {
        if (states[qubits[i]] == MEASURED) {
            return cannot_on(p, index, qubits[i], "gate behind a measurement");
        }
        states[qubits[i]] = USED;
    }
    qt_op_decompose(sink, p->c, op);
    return QT_OK;
}

static qt_code print_measure(qt_printer *p, size_t index, uint8_t *states) {
    const qt_op *op = &p->c->ops[index];
    if (states[op->a] == MEASURED) {
        return cannot_on(p, index, op->a, "second measurement");
    }
    states[op->a] = MEASURED;
    qt_print_measure(p, op);
    return QT_OK;
}

static qt_code print_op(qt_printer *p, const qt_gate_sink *sink, size_t index, uint8_t *states) {
    const qt_op *op = &p->c->ops[index];
    switch ((int)op->kind) {
    case QT_OP_GATE:
        return print_gate(p, sink, index, states);
    case QT_OP_MEASURE:
        return print_measure(p, index, states);
    case QT_OP_RESET: /* of a fresh qubit it does nothing */
        return states[op->a] == FRESH ? QT_OK : cannot_on(p, index, op->a, "reset");
    case QT_OP_BARRIER:
        qt_buf_add_str(p->out, "barrier");
        qt_print_operand_list(p, op);
        return QT_OK;
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        return QT_OK;
    case QT_OP_GATE_DYNAMIC:
        return cannot(p, index, "angle that is known only at run time");
    case QT_OP_ASSIGN:
        return cannot(p, index, "classical assignment");
    case QT_OP_END:
        return index + 1 == p->c->op_count ? QT_OK : cannot(p, index, "'end'");
    default:
        return cannot(p, index, "classical control");
    }
}

static qt_code print_registers(qt_printer *p) {
    for (size_t i = 0; i < p->c->register_count; i++) {
        const qt_register *r = &p->c->registers[i];
        bool bits = r->kind == QT_REGISTER_BIT;
        if (bits && r->hidden) {
            return qt_fail(p->err, CIRCUIT_UNSUPPORTED,
                           "Braket's dialect has no register that is no part of the counts");
        }
        if (r->name[0] != '$') {
            qt_buf_add_str(p->out, bits ? "bit" : "qubit");
            if (!r->scalar) {
                qt_buf_printf(p->out, "[%u]", r->size);
            }
            qt_buf_printf(p->out, " %s;\n", p->registers[i]);
        }
    }
    return QT_OK;
}

qt_code qt_circuit_print_braket(const qt_circuit *circuit, qt_buf *out, qt_err *err) {
    QT_CLEANUP(qt_printer_done) qt_printer p = {0};
    void *states = NULL;
    QT_TRY(qt_printer_init(&p, QT_PRINT_BRAKET, circuit, out, err));
    QT_TRY(qt_arena_try_calloc(&p.arena, circuit->num_qubits + 1, 1, &states, err));
    qt_buf_add_str(out, "OPENQASM 3.0;\n");
    QT_TRY(print_registers(&p));
    const qt_gate_set set = qt_named_gates(gate_names);
    const qt_gate_sink sink = {.set = &set, .self = &p, .put = put_gate};
    for (size_t i = 0; i < circuit->op_count && !out->failed; i++) {
        QT_TRY(print_op(&p, &sink, i, states));
    }
    return qt_buf_check(out, err);
}
