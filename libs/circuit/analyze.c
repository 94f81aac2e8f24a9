#include "circuit/circuit.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "circuit/clifford.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_EXPR_STEPS = 4096 };

typedef enum qubit_state { FRESH, USED, MEASURED } qubit_state;

/* Levels are depths reached so far; `floor` is the least depth of what stands in the open blocks,
 * which wait for their conditions. */
typedef struct analysis {
    const qt_circuit *c;
    qt_circuit_stats *stats;
    uint32_t *qubits;
    uint32_t qubit_floor; /* the least level of all qubits */
    uint32_t *clbits;     /* levels only grow */
    uint32_t *reg_of;     /* the register of every classical bit */
    uint32_t *reg_max;    /* of every register: the largest level of a bit */
    uint32_t *reg_floors; /* of every register: the least level of all bits */
    uint32_t *variables;
    uint8_t *states;
    uint32_t *floors; /* of the open blocks */
    size_t floor_count;
    uint32_t floor;
} analysis;

static uint32_t max_u32(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint32_t qubit_level(const analysis *a, uint32_t qubit) {
    return max_u32(a->qubits[qubit], a->qubit_floor);
}

static uint32_t clbit_level(const analysis *a, uint32_t bit) {
    return max_u32(a->clbits[bit], a->reg_floors[a->reg_of[bit]]);
}

static void raise_clbit(analysis *a, uint32_t bit, uint32_t level) {
    uint32_t *reg_max = &a->reg_max[a->reg_of[bit]];
    a->clbits[bit] = max_u32(a->clbits[bit], level);
    *reg_max = max_u32(*reg_max, level);
}

static void raise_register(analysis *a, uint32_t reg, uint32_t level) {
    a->reg_floors[reg] = max_u32(a->reg_floors[reg], level);
    a->reg_max[reg] = max_u32(a->reg_max[reg], level);
}

/* The depth at which the value is known. Very large expressions wait for everything. */
static uint32_t expr_level(const analysis *a, uint32_t index, unsigned *steps) {
    if (index == QT_NO_INDEX) {
        return 0;
    }
    if (++*steps > MAX_EXPR_STEPS) {
        return a->stats->depth;
    }
    const qt_expr *e = &a->c->exprs[index];
    switch ((qt_expr_kind)e->kind) {
    case QT_EXPR_BIT:
        return clbit_level(a, e->u.a);
    case QT_EXPR_REG:
        return a->reg_max[e->u.a];
    case QT_EXPR_REG_AT:
        return max_u32(a->reg_max[e->u.a], expr_level(a, e->u.b, steps));
    case QT_EXPR_VAR:
        return a->variables[e->u.a];
    case QT_EXPR_UNARY:
    case QT_EXPR_CAST:
        return expr_level(a, e->u.a, steps);
    case QT_EXPR_CALL:
        if (e->op != QT_FUNC_ROTL && e->op != QT_FUNC_ROTR) {
            return expr_level(a, e->u.a, steps);
        }
        return max_u32(expr_level(a, e->u.a, steps), expr_level(a, e->u.b, steps));
    case QT_EXPR_BINARY:
    case QT_EXPR_BIT_OF:
        return max_u32(expr_level(a, e->u.a, steps), expr_level(a, e->u.b, steps));
    case QT_EXPR_INT:
    case QT_EXPR_WIDE:
    case QT_EXPR_FLOAT:
        break;
    }
    return 0;
}

static uint32_t value_level(const analysis *a, uint32_t expr) {
    unsigned steps = 0;
    return expr_level(a, expr, &steps);
}

/* Puts a layer behind everything that it touches. */
static void use_qubits(analysis *a, const uint32_t *qubits, size_t count, uint32_t level) {
    level = max_u32(level, a->floor);
    for (size_t i = 0; i < count; i++) {
        level = max_u32(level, qubit_level(a, qubits[i]));
    }
    level += count > 0 ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t q = qubits[i];
        a->qubits[q] = level;
        a->stats->dynamic |= a->states[q] == MEASURED;
        a->states[q] = USED;
    }
    a->stats->depth = max_u32(a->stats->depth, level);
}

static void count_gate(analysis *a, const qt_op *op) {
    qt_circuit_stats *s = a->stats;
    unsigned controls = op->control_count < 2 ? op->control_count : 2;
    s->gate_count++;
    s->gates[op->sub][controls]++;
    s->two_qubit_count += op->qubit_count >= 2;
}

static void on_gate(analysis *a, const qt_op *op) {
    count_gate(a, op);
    uint32_t level = 0;
    unsigned param_count = qt_gate_get_info(op->sub)->param_count;
    if (op->kind == QT_OP_GATE_DYNAMIC) {
        for (unsigned i = 0; i < param_count; i++) {
            level = max_u32(level, value_level(a, a->c->param_exprs[op->param + i]));
        }
        a->stats->dynamic = true;
        a->stats->clifford =
            a->stats->clifford && op->sub == QT_GATE_GPHASE && op->qubit_count == 0;
    } else {
        const double *params = a->c->params != NULL ? a->c->params + op->param : NULL;
        a->stats->clifford =
            a->stats->clifford && qt_gate_is_clifford(op->sub, op->control_count, params);
    }
    use_qubits(a, qt_op_qubits(a->c, op), op->qubit_count, level);
}

static void on_measure(analysis *a, const qt_op *op) {
    uint32_t level = op->b == QT_NO_INDEX ? 0 : clbit_level(a, op->b);
    use_qubits(a, &op->a, 1, level);
    a->states[op->a] = MEASURED;
    if (op->b != QT_NO_INDEX) {
        raise_clbit(a, op->b, a->qubits[op->a]);
    }
    a->stats->measure_count++;
    a->stats->has_measure = true;
}

static void on_reset(analysis *a, const qt_op *op) {
    a->stats->dynamic |= a->states[op->a] != FRESH;
    qubit_state after = a->states[op->a] == FRESH ? FRESH : USED;
    use_qubits(a, &op->a, 1, 0);
    a->states[op->a] = (uint8_t)after;
    a->stats->reset_count++;
}

/* Without operands it is for all qubits: nothing of them stands deeper than the circuit so far. */
static void on_barrier(analysis *a, const qt_op *op) {
    uint32_t level = 0;
    if (op->b == 0) {
        a->qubit_floor = a->stats->depth;
        return;
    }
    const uint32_t *qubits = a->c->operands + op->a;
    for (size_t i = 0; i < op->b; i++) {
        level = max_u32(level, qubit_level(a, qubits[i]));
    }
    for (size_t i = 0; i < op->b; i++) {
        a->qubits[qubits[i]] = level;
    }
}

static void on_assign(analysis *a, const qt_op *op) {
    a->stats->dynamic = true;
    uint32_t level = max_u32(value_level(a, op->b), a->floor);
    switch ((qt_lvalue)op->sub) {
    case QT_LVALUE_VAR:
        a->variables[op->a] = max_u32(a->variables[op->a], level);
        return;
    case QT_LVALUE_BIT:
        raise_clbit(a, op->a, level);
        return;
    case QT_LVALUE_REG:
    case QT_LVALUE_REG_AT:
        break;
    }
    level = op->sub == QT_LVALUE_REG_AT ? max_u32(level, value_level(a, op->c)) : level;
    raise_register(a, op->a, level);
}

static void open_block(analysis *a, uint32_t level) {
    a->stats->dynamic = true;
    a->floors[a->floor_count++] = a->floor;
    a->floor = max_u32(a->floor, level);
}

static void close_block(analysis *a) {
    a->floor = a->floors[--a->floor_count];
}

static void on_for(analysis *a, const qt_op *op) {
    const qt_loop *loop = &a->c->loops[op->c];
    uint32_t level = max_u32(value_level(a, loop->first), value_level(a, loop->last));
    level = max_u32(level, value_level(a, loop->step));
    a->variables[op->a] = max_u32(a->variables[op->a], level);
    open_block(a, level);
}

static void on_op(analysis *a, const qt_op *op) {
    switch ((qt_op_kind)op->kind) {
    case QT_OP_GATE:
    case QT_OP_GATE_DYNAMIC:
        on_gate(a, op);
        break;
    case QT_OP_MEASURE:
        on_measure(a, op);
        break;
    case QT_OP_RESET:
        on_reset(a, op);
        break;
    case QT_OP_BARRIER:
        on_barrier(a, op);
        break;
    case QT_OP_ASSIGN:
        on_assign(a, op);
        break;
    case QT_OP_IF:
    case QT_OP_WHILE:
    case QT_OP_SWITCH:
        open_block(a, value_level(a, op->a));
        break;
    case QT_OP_FOR:
        on_for(a, op);
        break;
    case QT_OP_ENDIF:
    case QT_OP_ENDWHILE:
    case QT_OP_ENDFOR:
    case QT_OP_ENDSWITCH:
        close_block(a);
        break;
    case QT_OP_ELSE:
    case QT_OP_CASE:
    case QT_OP_BREAK:
    case QT_OP_CONTINUE:
    case QT_OP_END:
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        break;
    }
}

static size_t deepest_block(const qt_circuit *c) {
    size_t depth = 0;
    size_t deepest = 0;
    for (size_t i = 0; i < c->op_count; i++) {
        uint8_t kind = c->ops[i].kind;
        bool opens =
            kind == QT_OP_IF || kind == QT_OP_WHILE || kind == QT_OP_FOR || kind == QT_OP_SWITCH;
        bool closes = kind == QT_OP_ENDIF || kind == QT_OP_ENDWHILE || kind == QT_OP_ENDFOR ||
                      kind == QT_OP_ENDSWITCH;
        depth += opens ? 1 : 0;
        depth -= closes ? 1 : 0;
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static void find_registers(analysis *a) {
    for (uint32_t r = 0; r < a->c->register_count; r++) {
        const qt_register *reg = &a->c->registers[r];
        for (uint32_t i = 0; reg->kind == QT_REGISTER_BIT && i < reg->size; i++) {
            a->reg_of[reg->first + i] = r;
        }
    }
}

qt_code qt_circuit_analyze(const qt_circuit *circuit, qt_circuit_stats *ret_stats, qt_err *err) {
    size_t qubits = circuit->num_qubits;
    size_t words = qubits + 2 * (size_t)circuit->num_clbits + 2 * circuit->register_count +
                   circuit->variable_count + deepest_block(circuit);
    QT_AUTO_FREE void *levels = NULL;
    QT_AUTO_FREE void *states = NULL;
    QT_TRY(qt_try_calloc(words, sizeof(uint32_t), &levels, err));
    QT_TRY(qt_try_calloc(qubits, 1, &states, err));
    qt_circuit_stats stats = {.clifford = true};
    analysis a = {.c = circuit, .stats = &stats, .qubits = levels, .states = states};
    a.clbits = a.qubits + qubits;
    a.reg_of = a.clbits + circuit->num_clbits;
    a.reg_max = a.reg_of + circuit->num_clbits;
    a.reg_floors = a.reg_max + circuit->register_count;
    a.variables = a.reg_floors + circuit->register_count;
    a.floors = a.variables + circuit->variable_count;
    find_registers(&a);
    for (size_t i = 0; i < circuit->op_count; i++) {
        on_op(&a, &circuit->ops[i]);
    }
    *ret_stats = stats;
    return QT_OK;
}
