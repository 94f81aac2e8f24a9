#include "reference_sim.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double complex number;

/* The matrix u[row * size + column] of the gate's own qubits; the first is the low bit. */
static void gate_matrix(qt_gate gate, const double *p, number u[16]) {
    double t = p != NULL ? p[0] / 2 : 0;
    number i = I;
    memset(u, 0, 16 * sizeof *u);
    switch (gate) {
    case QT_GATE_GPHASE:
        u[0] = cexp(i * p[0]);
        break;
    case QT_GATE_ID:
        u[0] = u[3] = 1;
        break;
    case QT_GATE_X:
        u[1] = u[2] = 1;
        break;
    case QT_GATE_Y:
        u[1] = -i;
        u[2] = i;
        break;
    case QT_GATE_Z:
        u[0] = 1;
        u[3] = -1;
        break;
    case QT_GATE_H:
        u[0] = u[1] = u[2] = sqrt(0.5);
        u[3] = -sqrt(0.5);
        break;
    case QT_GATE_S:
        u[0] = 1;
        u[3] = i;
        break;
    case QT_GATE_SDG:
        u[0] = 1;
        u[3] = -i;
        break;
    case QT_GATE_T:
        u[0] = 1;
        u[3] = cexp(i * M_PI / 4);
        break;
    case QT_GATE_TDG:
        u[0] = 1;
        u[3] = cexp(-i * M_PI / 4);
        break;
    case QT_GATE_SX:
        u[0] = u[3] = (1 + i) / 2;
        u[1] = u[2] = (1 - i) / 2;
        break;
    case QT_GATE_SXDG:
        u[0] = u[3] = (1 - i) / 2;
        u[1] = u[2] = (1 + i) / 2;
        break;
    case QT_GATE_P:
        u[0] = 1;
        u[3] = cexp(i * p[0]);
        break;
    case QT_GATE_RX:
        u[0] = u[3] = cos(t);
        u[1] = u[2] = -i * sin(t);
        break;
    case QT_GATE_RY:
        u[0] = u[3] = cos(t);
        u[1] = -sin(t);
        u[2] = sin(t);
        break;
    case QT_GATE_RZ:
        u[0] = cexp(-i * t);
        u[3] = cexp(i * t);
        break;
    case QT_GATE_U:
        u[0] = cos(t);
        u[1] = -cexp(i * p[2]) * sin(t);
        u[2] = cexp(i * p[1]) * sin(t);
        u[3] = cexp(i * (p[1] + p[2])) * cos(t);
        break;
    case QT_GATE_SWAP:
        u[0] = u[6] = u[9] = u[15] = 1;
        break;
    case QT_GATE_ISWAP:
        u[0] = u[15] = 1;
        u[6] = u[9] = i;
        break;
    case QT_GATE_RXX:
        u[0] = u[5] = u[10] = u[15] = cos(t);
        u[3] = u[6] = u[9] = u[12] = -i * sin(t);
        break;
    case QT_GATE_RYY:
        u[0] = u[5] = u[10] = u[15] = cos(t);
        u[6] = u[9] = -i * sin(t);
        u[3] = u[12] = i * sin(t);
        break;
    case QT_GATE_RZZ:
        u[0] = u[15] = cexp(-i * t);
        u[5] = u[10] = cexp(i * t);
        break;
    case QT_GATE_COUNT_:
        abort();
    }
}

void ref_apply(number *state, uint32_t num_qubits, qt_gate gate, const uint32_t *qubits,
               size_t qubit_count, size_t control_count, const double *params) {
    number u[16];
    size_t own = qubit_count - control_count;
    size_t size = (size_t)1 << own;
    gate_matrix(gate, params, u);
    for (size_t i = 0; i < (size_t)1 << num_qubits; i++) {
        size_t index[4] = {0};
        number in[4] = {0};
        bool mine = true;
        for (size_t k = 0; k < control_count; k++) {
            mine = mine && (i >> qubits[k] & 1) == 1;
        }
        for (size_t k = control_count; k < qubit_count; k++) {
            mine = mine && (i >> qubits[k] & 1) == 0;
        }
        if (!mine) {
            continue;
        }
        for (size_t row = 0; row < size; row++) {
            index[row] = i;
            for (size_t k = 0; k < own; k++) {
                index[row] |= (row >> k & 1) << qubits[control_count + k];
            }
            in[row] = state[index[row]];
        }
        for (size_t row = 0; row < size; row++) {
            state[index[row]] = 0;
            for (size_t column = 0; column < size; column++) {
                state[index[row]] += u[row * size + column] * in[column];
            }
        }
    }
}

static void apply_op(const qt_circuit *c, const qt_op *op, number *state) {
    ref_apply(state, c->num_qubits, (qt_gate)op->sub, qt_op_qubits(c, op), op->qubit_count,
              op->control_count, c->params != NULL ? c->params + op->param : NULL);
}

static number *new_state(const qt_circuit *c) {
    number *state = qt_xcalloc((size_t)1 << c->num_qubits, sizeof *state);
    state[0] = 1;
    return state;
}

number *ref_state(const qt_circuit *c) {
    number *state = new_state(c);
    for (size_t i = 0; i < c->op_count; i++) {
        if (c->ops[i].kind == QT_OP_GATE) {
            apply_op(c, &c->ops[i], state);
        }
    }
    return state;
}

static int64_t value(const qt_circuit *c, uint32_t at, const bool *bits) {
    const qt_expr *e = &c->exprs[at];
    if (e->kind == QT_EXPR_INT) {
        return e->i;
    }
    if (e->kind == QT_EXPR_BIT) {
        return bits[e->u.a];
    }
    if (e->kind == QT_EXPR_REG) {
        const qt_register *reg = &c->registers[e->u.a];
        int64_t v = 0;
        for (uint32_t i = 0; i < reg->size; i++) {
            v |= (int64_t)bits[reg->first + i] << i;
        }
        return v;
    }
    if (e->kind == QT_EXPR_UNARY && e->op == QT_OPERATOR_NOT) {
        return !value(c, e->u.a, bits);
    }
    if (e->kind != QT_EXPR_BINARY) {
        abort();
    }
    int64_t a = value(c, e->u.a, bits);
    int64_t b = value(c, e->u.b, bits);
    switch (e->op) {
    case QT_OPERATOR_EQ:
        return a == b;
    case QT_OPERATOR_BIT_XOR:
        return a ^ b;
    case QT_OPERATOR_BIT_AND:
        return a & b;
    default:
        abort();
    }
}

static char *key_of(const qt_circuit *c, const bool *bits) {
    char *key = qt_xcalloc(c->num_clbits + c->register_count + 1, 1);
    size_t n = 0;
    for (size_t r = c->register_count; r-- > 0;) {
        const qt_register *reg = &c->registers[r];
        if (reg->kind != QT_REGISTER_BIT || reg->hidden) {
            continue;
        }
        if (n > 0) {
            key[n++] = ' ';
        }
        for (uint32_t i = reg->size; i-- > 0;) {
            key[n++] = bits[reg->first + i] ? '1' : '0';
        }
    }
    return key;
}

static void add_outcome(ref_distribution *d, char *key, double p) {
    for (size_t i = 0; i < d->count; i++) {
        if (strcmp(d->outcomes[i].key, key) == 0) {
            d->outcomes[i].p += p;
            free(key);
            return;
        }
    }
    if (d->count == d->cap) {
        d->cap = 2 * d->cap + 16;
        d->outcomes = realloc(d->outcomes, d->cap * sizeof *d->outcomes);
    }
    d->outcomes[d->count++] = (ref_outcome){key, p};
}

static void walk(const qt_circuit *c, size_t pc, number *state, bool *bits, double p,
                 ref_distribution *d);

/* Goes on with the part of the state in which the qubit is `one`. */
static void follow(const qt_circuit *c, size_t pc, const number *state, const bool *bits, double p,
                   bool one, ref_distribution *d) {
    const qt_op *op = &c->ops[pc];
    size_t size = (size_t)1 << c->num_qubits;
    number *part = qt_xcalloc(size, sizeof *part);
    bool *part_bits = qt_xcalloc(c->num_clbits + 1, 1);
    double norm = 0;
    memcpy(part_bits, bits, c->num_clbits);
    for (size_t i = 0; i < size; i++) {
        if ((i >> op->a & 1) == one) {
            size_t to = op->kind == QT_OP_RESET ? i & ~((size_t)1 << op->a) : i;
            part[to] = state[i];
            norm += creal(state[i] * conj(state[i]));
        }
    }
    for (size_t i = 0; i < size; i++) {
        part[i] /= sqrt(norm > 0 ? norm : 1);
    }
    if (op->kind == QT_OP_MEASURE && op->b != QT_NO_INDEX) {
        part_bits[op->b] = one;
    }
    if (p * norm > 1e-12) {
        walk(c, pc + 1, part, part_bits, p * norm, d);
    }
    free(part);
    free(part_bits);
}

static void walk(const qt_circuit *c, size_t pc, number *state, bool *bits, double p,
                 ref_distribution *d) {
    while (pc < c->op_count) {
        const qt_op *op = &c->ops[pc];
        switch (op->kind) {
        case QT_OP_GATE:
            apply_op(c, op, state);
            pc++;
            break;
        case QT_OP_MEASURE:
        case QT_OP_RESET:
            follow(c, pc, state, bits, p, false, d);
            follow(c, pc, state, bits, p, true, d);
            return;
        case QT_OP_ASSIGN:
            if (op->sub != QT_LVALUE_BIT) {
                abort();
            }
            bits[op->a] = value(c, op->b, bits) != 0;
            pc++;
            break;
        case QT_OP_IF:
            pc = value(c, op->a, bits) != 0 ? pc + 1 : (size_t)op->b + 1;
            break;
        case QT_OP_ELSE:
            pc = (size_t)op->b + 1;
            break;
        case QT_OP_ENDIF:
        case QT_OP_BARRIER:
            pc++;
            break;
        default:
            fprintf(stderr, "the reference does not know operation kind %u\n", op->kind);
            abort();
        }
    }
    add_outcome(d, key_of(c, bits), p);
}

void ref_run(const qt_circuit *c, ref_distribution *ret_distribution) {
    number *state = new_state(c);
    bool *bits = qt_xcalloc(c->num_clbits + 1, 1);
    *ret_distribution = (ref_distribution){0};
    walk(c, 0, state, bits, 1, ret_distribution);
    free(state);
    free(bits);
}

void ref_distribution_done(ref_distribution *d) {
    for (size_t i = 0; i < d->count; i++) {
        free(d->outcomes[i].key);
    }
    free(d->outcomes);
}

double ref_probability(const ref_distribution *d, const char *key) {
    for (size_t i = 0; i < d->count; i++) {
        if (strcmp(d->outcomes[i].key, key) == 0) {
            return d->outcomes[i].p;
        }
    }
    return 0;
}
