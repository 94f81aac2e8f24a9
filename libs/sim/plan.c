#include "sim/plan.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "sim/statevector.h"
#include "sim/tableau.h"
#include "sim/tail.h"

#include <stdlib.h>
#include <string.h>

enum { AUTO_STABILIZER_FROM_QUBITS = 13 };

/* The time estimate, measured on one core of a 2.5 GHz server; see docs/simulation.md. */
static const double gate_ns_per_amplitude = 0.6;
static const double shot_ns = 60;
static const double operation_ns = 300;
static const double tableau_ns_per_word = 2;

qt_sim_options qt_sim_options_complete(const qt_sim_options *options) {
    qt_sim_options o = *options;
    o.max_memory_bytes = o.max_memory_bytes == 0 ? UINT64_C(16) << 30 : o.max_memory_bytes;
    o.max_steps = o.max_steps == 0 ? 10000000 : o.max_steps;
    o.threads = o.threads == 0 ? 1 : o.threads;
    return o;
}

void qt_plan_done(qt_plan *plan) {
    free(plan->engine_qubit);
    plan->engine_qubit = NULL;
}

static bool is_gate(const qt_op *op) {
    return op->kind == QT_OP_GATE || op->kind == QT_OP_GATE_DYNAMIC;
}

/* The end of the program: the first END outside of blocks. */
static size_t find_end(const qt_circuit *c) {
    size_t depth = 0;
    for (size_t i = 0; i < c->op_count; i++) {
        switch ((qt_op_kind)c->ops[i].kind) {
        case QT_OP_IF:
        case QT_OP_WHILE:
        case QT_OP_FOR:
        case QT_OP_SWITCH:
            depth++;
            break;
        case QT_OP_ENDIF:
        case QT_OP_ENDWHILE:
        case QT_OP_ENDFOR:
        case QT_OP_ENDSWITCH:
            depth--;
            break;
        case QT_OP_END:
            if (depth == 0) {
                return i;
            }
            break;
        case QT_OP_GATE:
        case QT_OP_GATE_DYNAMIC:
        case QT_OP_MEASURE:
        case QT_OP_RESET:
        case QT_OP_BARRIER:
        case QT_OP_ASSIGN:
        case QT_OP_ELSE:
        case QT_OP_CASE:
        case QT_OP_BREAK:
        case QT_OP_CONTINUE:
        case QT_OP_DELAY:
        case QT_OP_NOTE:
            break;
        }
    }
    return c->op_count;
}

static void number_qubits(const qt_circuit *c, qt_plan *plan) {
    memset(plan->engine_qubit, 0xFF, c->num_qubits * sizeof *plan->engine_qubit);
    for (size_t i = 0; i < plan->end; i++) {
        if (is_gate(&c->ops[i])) {
            const uint32_t *qubits = qt_op_qubits(c, &c->ops[i]);
            for (size_t k = 0; k < c->ops[i].qubit_count; k++) {
                plan->engine_qubit[qubits[k]] = 0;
            }
        }
    }
    for (uint32_t q = 0; q < c->num_qubits; q++) {
        if (plan->engine_qubit[q] == 0) {
            plan->engine_qubit[q] = plan->engine_qubits++;
        }
    }
}

/* Behind the last operation on qubits, and behind the loop around it. */
static void find_stateless(const qt_circuit *c, qt_plan *plan) {
    size_t last = 0;
    for (size_t i = 0; i < plan->end; i++) {
        const qt_op *op = &c->ops[i];
        if (is_gate(op) || op->kind == QT_OP_MEASURE || op->kind == QT_OP_RESET) {
            last = i + 1;
        }
        plan->has_loops |= op->kind == QT_OP_WHILE || op->kind == QT_OP_FOR;
    }
    plan->stateless = last;
    for (size_t i = 0; i < last; i++) {
        const qt_op *op = &c->ops[i];
        if ((op->kind == QT_OP_WHILE || op->kind == QT_OP_FOR) && op->b >= last) {
            plan->stateless = op->b + 1;
            return;
        }
    }
}

static uint64_t add_bytes(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static qt_code check_memory(const qt_plan *plan, const qt_sim_options *o, qt_err *err) {
    bool sv = plan->method == QT_SIM_STATEVECTOR;
    if (plan->memory_bytes > o->max_memory_bytes ||
        (sv && plan->engine_qubits > QT_STATEVECTOR_MAX_QUBITS)) {
        return qt_fail(err, CIRCUIT_TOO_MANY_QUBITS,
                       "%u qubits need %s%llu bytes with the %s method; %llu are allowed",
                       plan->engine_qubits, plan->memory_bytes == UINT64_MAX ? "more than " : "",
                       (unsigned long long)plan->memory_bytes, qt_sim_method_name(plan->method),
                       (unsigned long long)o->max_memory_bytes);
    }
    return QT_OK;
}

static void size_statevector(const qt_circuit *c, const qt_sim_options *o, qt_plan *plan) {
    uint32_t n = plan->engine_qubits;
    plan->state_bytes = qt_statevector_bytes(n);
    plan->memory_bytes = add_bytes(plan->state_bytes, qt_statevector_extra_bytes(n, o->threads));
    double amplitudes = (double)plan->state_bytes / 16;
    double ops = (double)plan->end;
    double runs = plan->tail == 0 ? 1 : (double)(o->shots < 256 ? o->shots : 256);
    (void)c;
    plan->seconds = 1e-9 * (runs * ops * (amplitudes * gate_ns_per_amplitude + operation_ns) +
                            o->shots * shot_ns);
}

static void size_tableau(const qt_sim_options *o, qt_plan *plan) {
    uint32_t n = plan->engine_qubits;
    plan->state_bytes = qt_tableau_bytes(n);
    plan->memory_bytes = add_bytes(plan->state_bytes, plan->state_bytes);
    double words = (double)n / 32 + 1;
    double ops = (double)plan->end;
    double runs = plan->tail == 0 ? 1 : (double)o->shots;
    double sample = (double)n * n * words + (double)o->shots * n * words / 4;
    plan->seconds = 1e-9 * (runs * ops * (words * tableau_ns_per_word * 8 + operation_ns) +
                            sample * tableau_ns_per_word);
}

static qt_code choose_auto(const qt_circuit *c, qt_plan *plan, qt_err *err) {
    plan->method = QT_SIM_STATEVECTOR;
    if (plan->engine_qubits < AUTO_STABILIZER_FROM_QUBITS) {
        return QT_OK;
    }
    qt_err why;
    qt_code code = qt_tableau_check(c, plan->end, &why);
    if (code == QT_OK) {
        plan->method = QT_SIM_STABILIZER;
    } else if (why.reason != QT_REASON_METHOD_UNSUITABLE) {
        *err = why;
        return code;
    }
    return QT_OK;
}

static qt_code choose(const qt_circuit *c, const qt_sim_options *o, qt_plan *plan, qt_err *err) {
    plan->method = o->method;
    if (o->method == QT_SIM_DENSITY_MATRIX) {
        return qt_fail(err, METHOD_UNSUITABLE, "the method density_matrix is not supported yet");
    }
    if (o->method == QT_SIM_STABILIZER) {
        QT_TRY(qt_tableau_check(c, plan->end, err));
    } else if (o->method == QT_SIM_AUTO) {
        QT_TRY(choose_auto(c, plan, err));
    }
    if (plan->method == QT_SIM_STABILIZER) {
        size_tableau(o, plan);
    } else {
        size_statevector(c, o, plan);
    }
    return check_memory(plan, o, err);
}

static void plan_free_p(qt_plan *plan) {
    qt_plan_done(plan);
}

qt_code qt_plan_make(const qt_circuit *circuit, const qt_sim_options *options, qt_plan *ret_plan,
                     qt_err *err) {
    if (options->shots == 0) {
        return qt_fail(err, SHOTS_OUT_OF_RANGE, "at least one shot is needed");
    }
    qt_sim_options o = qt_sim_options_complete(options);
    QT_CLEANUP(plan_free_p) qt_plan plan = {.end = find_end(circuit)};
    QT_TRY(qt_try_malloc(circuit->num_qubits * sizeof *plan.engine_qubit,
                         (void **)&plan.engine_qubit, err));
    number_qubits(circuit, &plan);
    QT_TRY(qt_tail_find(circuit, plan.end, &plan.tail, err));
    find_stateless(circuit, &plan);
    QT_TRY(choose(circuit, &o, &plan, err));
    plan.max_saves = (o.max_memory_bytes - plan.memory_bytes) / plan.state_bytes;
    *ret_plan = plan;
    plan.engine_qubit = NULL;
    return QT_OK;
}
