#include "circuit/hash.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "circuit/printer.h"

#include <string.h>

typedef struct hasher {
    const qt_circuit *c;
    qt_circuit_hash h;
    qt_circuit_hash *exprs; /* of every expression */
} hasher;

static uint64_t mix(uint64_t h, uint64_t v, uint64_t factor) {
    h = (h ^ v) * factor;
    return h ^ (h >> 32);
}

static void add(qt_circuit_hash *h, uint64_t v) {
    h->low = mix(h->low, v, UINT64_C(0x9E3779B97F4A7C15));
    h->high = mix(h->high + 1, v, UINT64_C(0xC2B2AE3D27D4EB4F));
}

static void add_hash(qt_circuit_hash *h, const qt_circuit_hash *other) {
    add(h, other->low);
    add(h, other->high);
}

static void add_double(qt_circuit_hash *h, double f) {
    uint64_t bits = 0;
    f = f == 0 ? 0 : f; /* -0 is 0 */
    memcpy(&bits, &f, sizeof bits);
    add(h, bits);
}

static void add_register(hasher *x, qt_circuit_hash *h, uint32_t index) {
    add(h, x->c->registers[index].first);
    add(h, x->c->registers[index].size);
}

/* A side of a comparison: a number counts, whatever its type. */
static void add_compared(hasher *x, qt_circuit_hash *h, uint32_t expr) {
    uint32_t index = qt_compared_expr(x->c, expr);
    const qt_expr *e = &x->c->exprs[index];
    if (e->kind == QT_EXPR_INT && e->i >= 0) {
        add(h, (uint64_t)e->i);
    } else {
        add_hash(h, &x->exprs[index]);
    }
}

/* The registers of an expression by their bits, its children by their hashes. */
static void hash_expr(hasher *x, size_t i) {
    const qt_expr *e = &x->c->exprs[i];
    uint32_t bit = e->kind == QT_EXPR_BIT_OF ? qt_named_bit(x->c, e) : QT_NO_INDEX;
    qt_expr named = {.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1, .u = {bit, 0}};
    e = bit != QT_NO_INDEX ? &named : e;
    bool one = e->kind == QT_EXPR_REG && x->c->registers[e->u.a].size == 1;
    qt_circuit_hash h = {one ? QT_EXPR_BIT : e->kind, e->type};
    add(&h, (uint64_t)e->op << 32 | e->width);
    switch ((qt_expr_kind)e->kind) {
    case QT_EXPR_INT:
        add(&h, (uint64_t)e->i);
        break;
    case QT_EXPR_FLOAT:
        add_double(&h, e->f);
        break;
    case QT_EXPR_WIDE:
        for (uint32_t w = 0; w < e->u.b; w++) {
            add(&h, x->c->wide_words[e->u.a + w]);
        }
        break;
    case QT_EXPR_BIT:
    case QT_EXPR_VAR:
        add(&h, e->u.a);
        break;
    case QT_EXPR_REG:
        if (one) {
            add(&h, x->c->registers[e->u.a].first);
        } else {
            add_register(x, &h, e->u.a);
        }
        break;
    case QT_EXPR_REG_AT:
        add_register(x, &h, e->u.a);
        add_hash(&h, &x->exprs[e->u.b]);
        break;
    case QT_EXPR_BINARY:
        if (e->op >= QT_OPERATOR_EQ) {
            add_compared(x, &h, e->u.a);
            add_compared(x, &h, e->u.b);
            break;
        }
        add_hash(&h, &x->exprs[e->u.a]);
        add_hash(&h, &x->exprs[e->u.b]);
        break;
    case QT_EXPR_BIT_OF:
        add_hash(&h, &x->exprs[e->u.a]);
        add_hash(&h, &x->exprs[e->u.b]);
        break;
    case QT_EXPR_CALL:
        add_hash(&h, &x->exprs[e->u.a]);
        if (e->op == QT_FUNC_ROTL || e->op == QT_FUNC_ROTR) {
            add_hash(&h, &x->exprs[e->u.b]);
        }
        break;
    case QT_EXPR_UNARY:
    case QT_EXPR_CAST:
        add_hash(&h, &x->exprs[e->u.a]);
        break;
    }
    x->exprs[i] = h;
}

static void add_operands(hasher *x, const uint32_t *qubits, size_t count) {
    add(&x->h, count);
    for (size_t i = 0; i < count; i++) {
        add(&x->h, qubits[i]);
    }
}

static void add_expr(hasher *x, uint32_t expr) {
    if (expr == QT_NO_INDEX) {
        add(&x->h, expr);
    } else {
        add_hash(&x->h, &x->exprs[expr]);
    }
}

static void add_gate(hasher *x, const qt_op *op) {
    add(&x->h, op->control_count);
    add_operands(x, qt_op_qubits(x->c, op), op->qubit_count);
    for (unsigned i = 0; i < qt_gate_get_info(op->sub)->param_count; i++) {
        if (op->kind == QT_OP_GATE) {
            add_double(&x->h, x->c->params[op->param + i]);
        } else {
            add_expr(x, x->c->param_exprs[op->param + i]);
        }
    }
}

static void add_assign(hasher *x, const qt_op *op) {
    bool reg = op->sub == QT_LVALUE_REG || op->sub == QT_LVALUE_REG_AT;
    if (reg) {
        add_register(x, &x->h, op->a);
    } else {
        add(&x->h, op->a);
    }
    add_expr(x, op->b);
    add_expr(x, op->sub == QT_LVALUE_REG_AT ? op->c : QT_NO_INDEX);
}

static void add_loop(hasher *x, const qt_op *op) {
    const qt_loop *loop = &x->c->loops[op->c];
    add(&x->h, op->a);
    add_expr(x, loop->first);
    add_expr(x, loop->step);
    add_expr(x, loop->last);
}

static void add_case(hasher *x, const qt_op *op) {
    add(&x->h, op->c);
    for (uint32_t i = 0; i < op->c; i++) {
        add(&x->h, (uint64_t)x->c->case_values[op->a + i]);
    }
}

static void hash_op(hasher *x, const qt_op *op) {
    if (op->kind == QT_OP_NOTE || op->kind == QT_OP_DELAY) {
        return;
    }
    add(&x->h, (uint64_t)op->kind << 8 | op->sub);
    switch ((int)op->kind) {
    case QT_OP_GATE:
    case QT_OP_GATE_DYNAMIC:
        add_gate(x, op);
        break;
    case QT_OP_MEASURE:
        add(&x->h, (uint64_t)op->a << 32 | op->b);
        break;
    case QT_OP_RESET:
        add(&x->h, op->a);
        break;
    case QT_OP_BARRIER:
        add_operands(x, op->b > 0 ? x->c->operands + op->a : NULL, op->b);
        break;
    case QT_OP_ASSIGN:
        add_assign(x, op);
        break;
    case QT_OP_IF:
    case QT_OP_WHILE:
    case QT_OP_SWITCH:
        add_expr(x, op->a);
        break;
    case QT_OP_FOR:
        add_loop(x, op);
        break;
    case QT_OP_CASE:
        add_case(x, op);
        break;
    default:
        break; /* the kind says it all */
    }
}

qt_code qt_circuit_get_hash(const qt_circuit *circuit, qt_circuit_hash *ret_hash, qt_err *err) {
    QT_AUTO_FREE void *exprs = NULL;
    QT_TRY(qt_try_calloc(circuit->expr_count, sizeof(qt_circuit_hash), &exprs, err));
    hasher x = {.c = circuit, .h = {circuit->num_qubits, circuit->num_clbits}, .exprs = exprs};
    for (size_t i = 0; i < circuit->register_count; i++) {
        const qt_register *r = &circuit->registers[i];
        if (r->kind == QT_REGISTER_BIT) {
            add(&x.h, (uint64_t)r->size << 1 | (r->hidden ? 1 : 0));
        }
    }
    for (size_t i = 0; i < circuit->variable_count; i++) {
        add(&x.h, (uint64_t)circuit->variables[i].type << 32 | circuit->variables[i].width);
    }
    for (size_t i = 0; i < circuit->expr_count; i++) {
        hash_expr(&x, i);
    }
    for (size_t i = 0; i < circuit->op_count; i++) {
        hash_op(&x, &circuit->ops[i]);
    }
    *ret_hash = x.h;
    return QT_OK;
}
