#include "qir/base.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdio.h>

typedef enum qubit_state {
    FRESH = 0, /* |0>, never used */
    USED,
    MEASURED,
    DISCARDED, /* reset after use */
} qubit_state;

typedef struct planner {
    const qt_circuit *circuit;
    qt_qir_base_plan *plan;
    uint8_t *states;         /* qubit_state of each qubit */
    uint32_t *qubit_result;  /* of each measured qubit */
    bool *taken;             /* results with the number of a bit: used by one already */
    size_t undeferred_count; /* measurements that no gate followed yet */
} planner;

static void planner_done(planner *p) {
    free(p->states);
    free(p->qubit_result);
    free(p->taken);
}

void qt_qir_base_plan_done(qt_qir_base_plan *plan) {
    free(plan->measures);
    free(plan->bit_result);
    *plan = (qt_qir_base_plan){0};
}

static size_t count_measures(const qt_circuit *circuit) {
    size_t count = 0;
    for (size_t i = 0; i < circuit->op_count; i++) {
        count += circuit->ops[i].kind == QT_OP_MEASURE;
    }
    return count;
}

static qt_code planner_init(planner *p, const qt_circuit *circuit, qt_qir_base_plan *plan,
                            qt_err *err) {
    *p = (planner){.circuit = circuit, .plan = plan};
    void *mem = NULL;
    QT_TRY(qt_try_calloc(circuit->num_qubits + 1, sizeof *p->states, &mem, err));
    p->states = mem;
    QT_TRY(qt_try_calloc(circuit->num_qubits + 1, sizeof *p->qubit_result, &mem, err));
    p->qubit_result = mem;
    QT_TRY(qt_try_calloc(circuit->num_clbits + 1, sizeof *p->taken, &mem, err));
    p->taken = mem;
    QT_TRY(qt_try_calloc(circuit->num_clbits + 1, sizeof *plan->bit_result, &mem, err));
    plan->bit_result = mem;
    QT_TRY(qt_try_calloc(count_measures(circuit) + 1, sizeof *plan->measures, &mem, err));
    plan->measures = mem;
    for (uint32_t i = 0; i < circuit->num_clbits; i++) {
        plan->bit_result[i] = i;
    }
    plan->num_results = circuit->num_clbits;
    return QT_OK;
}

static void plan_gate(planner *p, const qt_op *op) {
    if (op->sub == QT_GATE_ID || op->qubit_count == 0) {
        return;
    }
    const uint32_t *qubits = qt_op_qubits(p->circuit, op);
    for (unsigned i = 0; i < op->qubit_count; i++) {
        uint8_t state = p->states[qubits[i]];
        if (state == MEASURED || state == DISCARDED) {
            snprintf(p->plan->why_not, sizeof p->plan->why_not, "qubit %u is used after its %s",
                     qubits[i], state == MEASURED ? "measurement" : "reset");
            return;
        }
        p->states[qubits[i]] = USED;
    }
    p->plan->deferred_measures += p->undeferred_count;
    p->undeferred_count = 0;
}

static void plan_measure(planner *p, const qt_op *op) {
    qt_qir_base_plan *plan = p->plan;
    if (p->states[op->a] == DISCARDED) {
        snprintf(plan->why_not, sizeof plan->why_not, "qubit %u is measured after its reset",
                 op->a);
        return;
    }
    if (p->states[op->a] != MEASURED) {
        bool own = op->b != QT_NO_INDEX && !p->taken[op->b];
        uint32_t result = own ? op->b : plan->num_results++;
        if (own) {
            p->taken[op->b] = true;
        }
        p->states[op->a] = MEASURED;
        p->qubit_result[op->a] = result;
        plan->measures[plan->measure_count++] = (qt_qir_measure){op->a, result};
        p->undeferred_count++;
    }
    if (op->b != QT_NO_INDEX) {
        plan->bit_result[op->b] = p->qubit_result[op->a];
    }
}

static void plan_reset(planner *p, const qt_op *op) {
    p->plan->dropped_resets++;
    if (p->states[op->a] != FRESH) {
        p->states[op->a] = DISCARDED;
    }
}

static void plan_op(planner *p, const qt_op *op) {
    switch ((qt_op_kind)op->kind) {
    case QT_OP_GATE:
        plan_gate(p, op);
        break;
    case QT_OP_MEASURE:
        plan_measure(p, op);
        break;
    case QT_OP_RESET:
        plan_reset(p, op);
        break;
    case QT_OP_BARRIER:
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        break;
    case QT_OP_GATE_DYNAMIC:
        snprintf(p->plan->why_not, sizeof p->plan->why_not,
                 "a gate's parameter is computed at run time");
        break;
    case QT_OP_ASSIGN:
        snprintf(p->plan->why_not, sizeof p->plan->why_not, "it has a classical assignment");
        break;
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
        snprintf(p->plan->why_not, sizeof p->plan->why_not, "it has control flow");
        break;
    }
}

qt_code qt_qir_plan_base(const qt_circuit *circuit, qt_qir_base_plan *ret_plan, qt_err *err) {
    QT_CLEANUP(qt_qir_base_plan_done) qt_qir_base_plan plan = {0};
    QT_CLEANUP(planner_done) planner p;
    QT_TRY(planner_init(&p, circuit, &plan, err));
    for (size_t i = 0; i < circuit->op_count && plan.why_not[0] == '\0'; i++) {
        plan_op(&p, &circuit->ops[i]);
    }
    *ret_plan = plan;
    plan = (qt_qir_base_plan){0};
    return QT_OK;
}
