/* Depth first over all outcomes: outcome 0 goes on at once, the state and the bits before it are
 * kept for outcome 1. In the tail all outcomes are read off the amplitudes. */
#include "sim/exact.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

static const double negligible = 1e-12;

qt_code qt_exact_init(qt_exact *x, const qt_circuit *circuit, const qt_sim_options *options,
                      qt_tally *counts, qt_err *err) {
    *x = (qt_exact){.options = *options, .sign = 1};
    x->watch = (qt_watch){.options = &x->options, .percent = -1};
    QT_TRY(qt_plan_make(circuit, &x->options, &x->plan, err));
    x->run = (qt_run){.circuit = circuit,
                      .plan = &x->plan,
                      .options = &x->options,
                      .engine = &x->engine,
                      .watch = &x->watch,
                      .counts = counts,
                      .shots = 1};
    QT_TRY(qt_run_init(&x->run, err));
    QT_TRY(qt_try_malloc(circuit->num_clbits * sizeof *x->tail_bits, (void **)&x->tail_bits, err));
    QT_TRY(qt_try_calloc(circuit->num_clbits, 1, (void **)&x->in_tail, err));
    const qt_engine_stop stop = {qt_watch_asked, &x->watch};
    return qt_statevector_new(x->plan.engine_qubits, 1, stop, &x->engine, err);
}

void qt_exact_done(qt_exact *x) {
    for (size_t i = 0; i < x->split_count; i++) {
        free(x->splits[i].env);
    }
    for (size_t i = 0; i < x->split_cap; i++) {
        x->engine.ops->free_save(x->saves[i]);
    }
    free(x->splits);
    free(x->saves);
    free(x->tail_bits);
    free(x->in_tail);
    qt_run_done(&x->run);
    if (x->engine.ops != NULL) {
        x->engine.ops->free(x->engine.self);
    }
    qt_plan_done(&x->plan);
}

static qt_code count_branch(qt_exact *x, qt_err *err) {
    if (++x->branches > x->max_branches) {
        return qt_fail(err, VERIFY_LIMIT, "the measurements have more than %llu outcomes",
                       (unsigned long long)x->max_branches);
    }
    return QT_OK;
}

static qt_code add_outcome(qt_exact *x, double p, qt_err *err) {
    qt_key_pack(&x->run.layout, x->run.env.bits, x->run.key);
    uint64_t units = (uint64_t)(p * QT_EXACT_UNIT);
    return qt_tally_add(x->run.counts, x->run.key, x->sign < 0 ? -units : units, err);
}

/* ---- the tail ---- */

qt_code qt_exact_run_tail_gates(qt_exact *x, qt_err *err) {
    qt_run *run = &x->run;
    memset(x->in_tail, 0, run->circuit->num_clbits);
    for (; run->pc < x->plan.end; run->pc++) {
        const qt_op *op = &run->circuit->ops[run->pc];
        if (run->pc % 64 == 0) {
            QT_TRY(qt_run_check(run, err));
        }
        if (op->kind == QT_OP_GATE || op->kind == QT_OP_GATE_DYNAMIC) {
            QT_TRY(qt_run_gate(run, op, err));
        } else if (op->kind == QT_OP_MEASURE && op->b != QT_NO_INDEX) {
            x->in_tail[op->b] = 1;
            x->tail_bits[op->b] = x->plan.engine_qubit[op->a];
        }
    }
    return x->engine.ops->flush(x->engine.self, err);
}

static void set_tail_bits(qt_exact *x, uint64_t index) {
    for (uint32_t bit = 0; bit < x->run.circuit->num_clbits; bit++) {
        uint32_t qubit = x->tail_bits[bit];
        if (x->in_tail[bit]) {
            qt_env_set_bit(&x->run.env, bit, qubit != QT_NO_INDEX && (index >> qubit & 1) != 0);
        }
    }
}

static qt_code run_tail(qt_exact *x, double p, qt_err *err) {
    QT_TRY(qt_exact_run_tail_gates(x, err));
    for (uint64_t i = 0; i < UINT64_C(1) << x->plan.engine_qubits; i++) {
        double re = 0;
        double im = 0;
        qt_statevector_amplitude(x->engine.self, i, &re, &im);
        double here = p * (re * re + im * im);
        if (here > 0) {
            set_tail_bits(x, i);
            QT_TRY(add_outcome(x, here, err));
        }
    }
    return QT_OK;
}

/* ---- splits ---- */

static qt_code flip(qt_exact *x, uint32_t qubit, qt_err *err) {
    const qt_engine_gate gate = {QT_GATE_X, &qubit, 1, 0, NULL};
    return x->engine.ops->gate(x->engine.self, &gate, err);
}

/* Goes behind the measurement or reset at pc with this outcome. */
static qt_code follow(qt_exact *x, bool one, qt_err *err) {
    qt_run *run = &x->run;
    const qt_op *op = &run->circuit->ops[run->pc];
    const uint32_t qubit = x->plan.engine_qubit[op->a];
    const uint64_t outcome = one;
    if (qubit != QT_NO_INDEX) {
        QT_TRY(x->engine.ops->collapse(x->engine.self, &qubit, 1, &outcome, err));
        if (op->kind == QT_OP_RESET && one) {
            QT_TRY(flip(x, qubit, err));
        }
    }
    if (op->kind == QT_OP_MEASURE && op->b != QT_NO_INDEX) {
        qt_env_set_bit(&run->env, op->b, one);
    }
    run->pc++;
    return QT_OK;
}

static qt_code reserve_split(qt_exact *x, qt_err *err) {
    if (x->split_count == x->plan.max_saves) {
        return qt_fail(err, VERIFY_LIMIT,
                       "copies of the state at %zu measurements do not fit the "
                       "memory",
                       x->split_count);
    }
    if (x->split_count < x->split_cap) {
        return QT_OK;
    }
    size_t cap = x->split_cap == 0 ? 16 : 2 * x->split_cap;
    QT_TRY(qt_try_realloc((void **)&x->splits, cap * sizeof *x->splits, err));
    QT_TRY(qt_try_realloc((void **)&x->saves, cap * sizeof *x->saves, err));
    memset(x->saves + x->split_cap, 0, (cap - x->split_cap) * sizeof *x->saves);
    x->split_cap = cap;
    return QT_OK;
}

/* Keeps the other outcome for later. */
static qt_code push_split(qt_exact *x, double p, qt_err *err) {
    qt_run *run = &x->run;
    QT_AUTO_FREE uint64_t *env = NULL;
    QT_TRY(reserve_split(x, err));
    QT_TRY(qt_try_malloc(run->env.words * sizeof *env, (void **)&env, err));
    memcpy(env, run->env.memory, run->env.words * sizeof *env);
    QT_TRY(x->engine.ops->save(x->engine.self, &x->saves[x->split_count], err));
    x->splits[x->split_count++] =
        (qt_exact_split){.pc = run->pc, .steps = run->steps, .p = p, .env = QT_TAKE(env)};
    return QT_OK;
}

/* *p becomes 0 when the branch is not worth following. */
static qt_code measure(qt_exact *x, double *p, qt_err *err) {
    qt_run *run = &x->run;
    const uint32_t qubit = x->plan.engine_qubit[run->circuit->ops[run->pc].a];
    double one = 0;
    if (qubit != QT_NO_INDEX) {
        QT_TRY(x->engine.ops->flush(x->engine.self, err));
        QT_TRY(x->engine.ops->prob_one(x->engine.self, qubit, &one, err));
    }
    bool drop_one = *p * one < negligible;
    bool drop_zero = *p * (1 - one) < negligible;
    if (drop_one && drop_zero) {
        x->left_out += *p;
        *p = 0;
        return QT_OK;
    }
    if (drop_one || drop_zero) {
        bool follow_one = one > 0.5;
        x->left_out += *p * (follow_one ? 1 - one : one);
        return follow(x, follow_one, err);
    }
    QT_TRY(push_split(x, *p * one, err));
    *p *= 1 - one;
    return follow(x, false, err);
}

static qt_code pop_split(qt_exact *x, double *ret_p, qt_err *err) {
    qt_run *run = &x->run;
    qt_exact_split *split = &x->splits[--x->split_count];
    QT_AUTO_FREE uint64_t *env = QT_TAKE(split->env);
    QT_TRY(x->engine.ops->restore(x->engine.self, x->saves[x->split_count], true, err));
    memcpy(run->env.memory, env, run->env.words * sizeof *env);
    run->pc = split->pc;
    run->steps = split->steps;
    *ret_p = split->p;
    return follow(x, true, err);
}

static qt_code run_branch(qt_exact *x, double p, qt_err *err) {
    qt_run *run = &x->run;
    const qt_plan *plan = &x->plan;
    while (run->pc < plan->tail) {
        uint8_t kind = run->circuit->ops[run->pc].kind;
        if (kind == QT_OP_MEASURE || kind == QT_OP_RESET) {
            QT_TRY(qt_run_check(run, err));
            QT_TRY(measure(x, &p, err));
            if (p == 0) {
                return QT_OK;
            }
        } else {
            QT_TRY(qt_run_step(run, err));
        }
        if (run->pc == plan->end && plan->tail < plan->end) {
            return add_outcome(x, p, err); /* END inside of a block */
        }
    }
    return plan->tail < plan->end ? run_tail(x, p, err) : add_outcome(x, p, err);
}

qt_code qt_exact_run(qt_exact *x, qt_err *err) {
    double p = 1;
    for (;;) {
        QT_TRY(count_branch(x, err));
        QT_TRY(run_branch(x, p, err));
        if (x->split_count == 0) {
            return QT_OK;
        }
        QT_TRY(pop_split(x, &p, err));
    }
}
