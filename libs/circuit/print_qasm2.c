/* A circuit as OpenQASM 2, as far as that language goes. */
#include "base/cleanup.h"
#include "circuit/decompose.h"
#include "circuit/printer.h"

#include <string.h>

/* What the language can say is: gates of qelib1.inc, and operations under one condition, a
 * register equal to a number. */
typedef struct condition {
    uint32_t reg; /* QT_NO_INDEX: none */
    uint32_t value;
} condition;

static qt_code cannot(qt_printer *p, const char *what) {
    return qt_fail(p->err, CIRCUIT_UNSUPPORTED, "OpenQASM 2 has no %s", what);
}

static const qt_gate_names gate_names[QT_GATE_COUNT_] = {
    [QT_GATE_ID] = {"id"},
    [QT_GATE_X] = {"x", "cx", "ccx", "c3x", "c4x"},
    [QT_GATE_Y] = {"y", "cy"},
    [QT_GATE_Z] = {"z", "cz"},
    [QT_GATE_H] = {"h", "ch"},
    [QT_GATE_S] = {"s"},
    [QT_GATE_SDG] = {"sdg"},
    [QT_GATE_T] = {"t"},
    [QT_GATE_TDG] = {"tdg"},
    [QT_GATE_SX] = {"sx", "csx", NULL, "c3sqrtx"},
    [QT_GATE_SXDG] = {"sxdg"},
    [QT_GATE_P] = {"u1", "cu1"},
    [QT_GATE_RX] = {"rx", "crx"},
    [QT_GATE_RY] = {"ry", "cry"},
    [QT_GATE_RZ] = {"rz", "crz"},
    [QT_GATE_U] = {"u3", "cu3"},
    [QT_GATE_SWAP] = {"swap", "cswap"},
    [QT_GATE_ISWAP] = {"iswap"},
    [QT_GATE_RXX] = {"rxx"},
    [QT_GATE_RYY] = {"ryy"},
    [QT_GATE_RZZ] = {"rzz"},
};

/* Where the gates of one operation go: all under its condition. */
typedef struct gate_printer {
    qt_printer *p;
    const condition *c;
} gate_printer;

static void print_condition(qt_printer *p, const condition *c);

static void put_gate(void *self, qt_gate gate, const uint32_t *qubits, size_t control_count,
                     const qt_angle *angles) {
    const gate_printer *g = self;
    qt_printer *p = g->p;
    const qt_gate_info *info = qt_gate_get_info(gate);
    print_condition(p, g->c);
    qt_buf_add_str(p->out, gate_names[gate][control_count]);
    for (unsigned i = 0; i < info->param_count; i++) {
        qt_buf_add_str(p->out, i == 0 ? "(" : ", ");
        qt_print_double(p->out, angles[i].constant);
    }
    qt_buf_add_str(p->out, info->param_count > 0 ? ")" : "");
    qt_print_qubits(p, qubits, control_count + info->qubit_count);
    qt_buf_add_str(p->out, ";\n");
}

static void print_gate(qt_printer *p, const qt_op *op, const condition *c) {
    qt_gate_set set = qt_named_gates(gate_names);
    gate_printer printer = {.p = p, .c = c};
    const qt_gate_sink sink = {.set = &set, .self = &printer, .put = put_gate};
    qt_op_decompose(&sink, p->c, op);
}

/* An integer of 64-bit words in decimal, by repeated division. */
static void print_wide(qt_printer *p, const uint64_t *words, size_t count) {
    uint64_t *rest = qt_arena_alloc(&p->arena, count * sizeof *rest);
    char *digits = qt_arena_alloc(&p->arena, count * 20 + 1);
    if (rest == NULL || digits == NULL) {
        p->out->failed = true;
        return;
    }
    memcpy(rest, words, count * sizeof *rest);
    size_t at = count * 20;
    digits[at] = '\0';
    while (count > 0) {
        uint64_t remainder = 0;
        for (size_t i = count; i > 0; i--) {
            /* 32 bits at a time, so that the remainder and half a word fit. */
            uint64_t high = remainder << 32 | rest[i - 1] >> 32;
            uint64_t low = (high % 10) << 32 | (rest[i - 1] & UINT32_MAX);
            rest[i - 1] = (high / 10) << 32 | low / 10;
            remainder = low % 10;
        }
        digits[--at] = (char)('0' + remainder);
        count -= rest[count - 1] == 0 ? 1 : 0;
    }
    const char *text = digits + at;
    text += strspn(text, "0");
    qt_buf_add_str(p->out, *text == '\0' ? "0" : text);
}

static void print_value(qt_printer *p, uint32_t expr) {
    const qt_expr *e = &p->c->exprs[expr];
    if (e->kind == QT_EXPR_WIDE) {
        print_wide(p, p->c->wide_words + e->u.a, e->u.b);
    } else {
        qt_buf_add_u64(p->out, (uint64_t)e->i);
    }
}

/* Through conversions that leave the comparison with `value` as it is: to more bits, or to a signed
 * number when the value fits in it. */
static const qt_expr *without_casts(const qt_circuit *c, const qt_expr *e, const qt_expr *value) {
    while (e->kind == QT_EXPR_CAST) {
        const qt_expr *from = &c->exprs[e->u.a];
        bool is_signed = e->type == QT_TYPE_INT;
        bool fits = value->kind == QT_EXPR_INT && value->i >= 0 &&
                    (value->i >> (e->width < 64 ? e->width - 1 : 63)) == 0;
        bool keeps = from->type <= QT_TYPE_UINT && e->type <= QT_TYPE_UINT &&
                     (e->width > from->width || (e->width == from->width && (!is_signed || fits)));
        if (!keeps || (from->type == QT_TYPE_INT && !is_signed)) {
            break;
        }
        e = from;
    }
    return e;
}

/* The register that a value is, whole; QT_NO_INDEX when it is none. */
static uint32_t whole_register(const qt_printer *p, const qt_expr *e) {
    if (e->kind == QT_EXPR_REG) {
        return e->u.a;
    }
    if (e->kind == QT_EXPR_BIT && p->c->registers[p->clbit_regs[e->u.a]].size == 1) {
        return p->clbit_regs[e->u.a];
    }
    return QT_NO_INDEX;
}

static qt_code read_condition(qt_printer *p, uint32_t expr, condition *ret) {
    const qt_expr *e = &p->c->exprs[expr];
    if (e->kind != QT_EXPR_BINARY || e->op != QT_OPERATOR_EQ) {
        return cannot(p, "condition but a register equal to a number");
    }
    const qt_expr *b = &p->c->exprs[e->u.b];
    uint32_t reg = whole_register(p, without_casts(p->c, &p->c->exprs[e->u.a], b));
    bool number = b->kind == QT_EXPR_WIDE ||
                  (b->kind == QT_EXPR_INT && (b->i >= 0 || b->type == QT_TYPE_UINT));
    if (reg == QT_NO_INDEX || !number) {
        return cannot(p, "condition but a register equal to a number");
    }
    *ret = (condition){.reg = reg, .value = e->u.b};
    return QT_OK;
}

static void print_condition(qt_printer *p, const condition *c) {
    if (c->reg != QT_NO_INDEX) {
        qt_buf_printf(p->out, "if (%s == ", p->registers[c->reg]);
        print_value(p, c->value);
        qt_buf_add_str(p->out, ") ");
    }
}

static qt_code print_measure(qt_printer *p, const qt_op *op) {
    if (op->b == QT_NO_INDEX) {
        return cannot(p, "measurement whose result is thrown away");
    }
    qt_buf_add_str(p->out, "measure ");
    qt_print_qubit(p, op->a);
    qt_buf_add_str(p->out, " -> ");
    qt_print_clbit(p, op->b);
    qt_buf_add_str(p->out, ";\n");
    return QT_OK;
}

/* The language has no barrier over everything, so all qubits are listed. */
static qt_code print_barrier(qt_printer *p, const qt_op *op) {
    uint32_t count = op->b > 0 ? op->b : p->c->num_qubits;
    for (uint32_t i = 0; i < count; i++) {
        qt_buf_add_str(p->out, i == 0 ? "barrier " : ", ");
        qt_print_qubit(p, op->b > 0 ? p->c->operands[op->a + i] : i);
    }
    qt_buf_add_str(p->out, count > 0 ? ";\n" : "");
    return QT_OK;
}

static qt_code print_op(qt_printer *p, const qt_op *op, const condition *c) {
    switch ((int)op->kind) {
    case QT_OP_GATE:
        print_gate(p, op, c);
        return QT_OK;
    case QT_OP_MEASURE:
        print_condition(p, c);
        return print_measure(p, op);
    case QT_OP_RESET:
        print_condition(p, c);
        qt_buf_add_str(p->out, "reset ");
        qt_print_qubit(p, op->a);
        qt_buf_add_str(p->out, ";\n");
        return QT_OK;
    case QT_OP_BARRIER:
        return print_barrier(p, op);
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        return QT_OK;
    case QT_OP_GATE_DYNAMIC:
        return cannot(p, "angle that is known only at run time");
    case QT_OP_ASSIGN:
        return cannot(p, "assignment");
    case QT_OP_IF:
        return cannot(p, "nested condition");
    default:
        return cannot(p, "loop, 'else', 'switch' or 'end'");
    }
}

static bool writes_register(const qt_printer *p, const qt_op *op, uint32_t reg) {
    return op->kind == QT_OP_MEASURE && op->b != QT_NO_INDEX && p->clbit_regs[op->b] == reg;
}

/* Every operation gets the condition, so none but the last may change it. */
static qt_code print_if(qt_printer *p, size_t start, size_t end) {
    condition c;
    QT_TRY(read_condition(p, p->c->ops[start].a, &c));
    for (size_t i = start + 1; i < end; i++) {
        const qt_op *op = &p->c->ops[i];
        if (op->kind == QT_OP_ELSE) {
            return cannot(p, "'else'");
        }
        if (i + 1 < end && writes_register(p, op, c.reg)) {
            return cannot(p, "condition over several operations that change its register");
        }
        QT_TRY(print_op(p, op, &c));
    }
    return QT_OK;
}

static qt_code print_ops(qt_printer *p) {
    static const condition none = {.reg = QT_NO_INDEX};
    for (size_t i = 0; i < p->c->op_count && !p->out->failed; i++) {
        const qt_op *op = &p->c->ops[i];
        if (op->kind == QT_OP_IF) {
            QT_TRY(print_if(p, i, op->b));
            i = op->b;
        } else {
            QT_TRY(print_op(p, op, &none));
        }
    }
    return QT_OK;
}

/* What is left out is said: it has no effect on any result. */
static void print_left_out(qt_printer *p) {
    bool phase = false;
    bool timing = false;
    for (size_t i = 0; i < p->c->op_count; i++) {
        const qt_op *op = &p->c->ops[i];
        bool gate = op->kind == QT_OP_GATE || op->kind == QT_OP_GATE_DYNAMIC;
        phase = phase || (gate && op->sub == QT_GATE_GPHASE && op->control_count == 0);
        timing = timing || op->kind == QT_OP_DELAY || op->kind == QT_OP_NOTE;
    }
    qt_buf_add_str(p->out,
                   phase ? "// left out: the global phase, which cannot be observed\n" : "");
    qt_buf_add_str(p->out, timing ? "// left out: delays, boxes, pragmas and annotations\n" : "");
}

qt_code qt_circuit_print_qasm2(const qt_circuit *circuit, qt_buf *out, qt_err *err) {
    QT_CLEANUP(qt_printer_done) qt_printer p = {0};
    QT_TRY(qt_printer_init(&p, 2, circuit, out, err));
    qt_buf_add_str(out, "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n");
    print_left_out(&p);
    qt_print_definitions(&p);
    for (size_t i = 0; i < circuit->register_count; i++) {
        const qt_register *r = &circuit->registers[i];
        if (r->hidden) {
            return cannot(&p, "register that is no part of the counts");
        }
        qt_buf_printf(out, "%s %s[%u];\n", r->kind == QT_REGISTER_QUBIT ? "qreg" : "creg",
                      p.registers[i], r->size);
    }
    QT_TRY(print_ops(&p));
    return qt_buf_check(out, err);
}
