/* Walks backwards from the end and remembers what later operations do to each qubit and read of
 * each bit. A measurement may wait when no later operation changes its qubit in the computational
 * basis (controls and diagonal gates do not) and none reads its bit. */
#include "sim/tail.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <string.h>

enum { GENERAL = 1, USED = 2, READ = 4 };

typedef struct tail_walk {
    const qt_circuit *c;
    uint8_t *qubits;    /* GENERAL, USED by later operations */
    uint8_t *bits;      /* READ by later operations */
    uint8_t *seen;      /* expressions that were looked at */
    size_t *first_gate; /* by qubit: the first gate that touches it */
} tail_walk;

static void read_register(tail_walk *w, uint32_t index) {
    const qt_register *reg = &w->c->registers[index];
    memset(w->bits + reg->first, READ, reg->size);
}

/* Marks what an expression reads; nodes name only nodes before them. */
static void read_expr(tail_walk *w, uint32_t index) {
    const qt_expr *e = &w->c->exprs[index];
    bool two = false;
    if (w->seen[index]) {
        return;
    }
    w->seen[index] = 1;
    switch ((qt_expr_kind)e->kind) {
    case QT_EXPR_INT:
    case QT_EXPR_WIDE:
    case QT_EXPR_FLOAT:
    case QT_EXPR_VAR:
        return;
    case QT_EXPR_BIT:
        w->bits[e->u.a] = READ;
        return;
    case QT_EXPR_REG:
        read_register(w, e->u.a);
        return;
    case QT_EXPR_REG_AT:
        read_register(w, e->u.a);
        read_expr(w, e->u.b);
        return;
    case QT_EXPR_UNARY:
    case QT_EXPR_CAST:
        break;
    case QT_EXPR_BINARY:
    case QT_EXPR_BIT_OF:
        two = true;
        break;
    case QT_EXPR_CALL:
        two = e->op == QT_FUNC_ROTL || e->op == QT_FUNC_ROTR;
        break;
    }
    read_expr(w, e->u.a);
    if (two) {
        read_expr(w, e->u.b);
    }
}

static void use_gate(tail_walk *w, const qt_op *op) {
    const qt_gate_info *info = qt_gate_get_info((qt_gate)op->sub);
    const uint32_t *qubits = qt_op_qubits(w->c, op);
    bool diagonal = (info->flags & QT_GATE_DIAGONAL) != 0;
    for (size_t i = 0; i < op->qubit_count; i++) {
        bool general = i >= op->control_count && !diagonal;
        w->qubits[qubits[i]] |= general ? GENERAL | USED : USED;
    }
    if (op->kind == QT_OP_GATE_DYNAMIC) {
        for (size_t i = 0; i < info->param_count; i++) {
            read_expr(w, w->c->param_exprs[op->param + i]);
        }
    }
}

/* Whether the operation can be part of the tail; notes what it uses. */
static bool joins_tail(tail_walk *w, size_t at) {
    const qt_op *op = &w->c->ops[at];
    switch ((qt_op_kind)op->kind) {
    case QT_OP_GATE:
    case QT_OP_GATE_DYNAMIC:
        use_gate(w, op);
        return true;
    case QT_OP_MEASURE:
        if ((w->qubits[op->a] & GENERAL) != 0 || (op->b != QT_NO_INDEX && w->bits[op->b] != 0)) {
            return false;
        }
        w->qubits[op->a] |= USED;
        return true;
    case QT_OP_RESET:
        return (w->qubits[op->a] & USED) == 0 || at < w->first_gate[op->a];
    case QT_OP_BARRIER:
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        return true;
    case QT_OP_ASSIGN:
    case QT_OP_IF:
    case QT_OP_ELSE:
    case QT_OP_ENDIF:
    case QT_OP_WHILE:
    case QT_OP_ENDWHILE:
    case QT_OP_FOR:
    case QT_OP_ENDFOR:
    case QT_OP_SWITCH:
    case QT_OP_CASE:
    case QT_OP_ENDSWITCH:
    case QT_OP_BREAK:
    case QT_OP_CONTINUE:
    case QT_OP_END:
        break;
    }
    return false;
}

static void find_first_gates(tail_walk *w, size_t end) {
    for (size_t i = end; i-- > 0;) {
        const qt_op *op = &w->c->ops[i];
        if (op->kind == QT_OP_GATE || op->kind == QT_OP_GATE_DYNAMIC) {
            const uint32_t *qubits = qt_op_qubits(w->c, op);
            for (size_t k = 0; k < op->qubit_count; k++) {
                w->first_gate[qubits[k]] = i;
            }
        }
    }
}

qt_code qt_tail_find(const qt_circuit *circuit, size_t end, size_t *ret_tail, qt_err *err) {
    QT_AUTO_FREE uint8_t *qubits = NULL;
    QT_AUTO_FREE uint8_t *bits = NULL;
    QT_AUTO_FREE uint8_t *seen = NULL;
    QT_AUTO_FREE size_t *first_gate = NULL;
    QT_TRY(qt_try_calloc(circuit->num_qubits, 1, (void **)&qubits, err));
    QT_TRY(qt_try_calloc(circuit->num_clbits, 1, (void **)&bits, err));
    QT_TRY(qt_try_calloc(circuit->expr_count, 1, (void **)&seen, err));
    QT_TRY(qt_try_malloc(circuit->num_qubits * sizeof *first_gate, (void **)&first_gate, err));
    memset(first_gate, 0xFF, circuit->num_qubits * sizeof *first_gate);
    tail_walk w = {circuit, qubits, bits, seen, first_gate};
    find_first_gates(&w, end);
    size_t tail = end;
    while (tail > 0 && joins_tail(&w, tail - 1)) {
        tail--;
    }
    *ret_tail = tail;
    return QT_OK;
}
