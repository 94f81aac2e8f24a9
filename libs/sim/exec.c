/* The program: operations, control flow, the loop over branches. */
#include "sim/exec_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "sim/gates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WATCH_US = 3000 };

bool qt_watch_asked(void *self, double fraction) {
    qt_watch *watch = self;
    double done = watch->applied + (watch->queued - watch->applied) * fraction;
    watch->applied = fraction >= 1 ? done : watch->applied;
    int64_t now = qt_clock_mono_us(qt_clock_system());
    if (watch->cancelled || now < watch->next_us) {
        return watch->cancelled;
    }
    watch->next_us = now + WATCH_US;
    const qt_sim_options *o = watch->options;
    int percent = (int)(done * 100);
    if (o->progress != NULL && percent > watch->percent) {
        watch->percent = percent;
        o->progress(o->self, percent);
    }
    watch->cancelled = o->cancelled != NULL && o->cancelled(o->self);
    return watch->cancelled;
}

static void note_progress(qt_run *run) {
    double part = (double)run->pc / ((double)run->plan->end + 1);
    double shots = (double)run->shots_done + (double)run->shots * part;
    run->watch->queued = shots / (double)run->options->shots;
}

qt_code qt_run_check(qt_run *run, qt_err *err) {
    note_progress(run);
    /* The stabilizer engine applies gates at once. */
    double fraction = run->plan->method == QT_SIM_STABILIZER ? 1 : 0;
    if (qt_watch_asked(run->watch, fraction)) {
        return qt_fail(err, CALL_CANCELLED, "the run was cancelled");
    }
    return QT_OK;
}

static qt_code gate_params(qt_run *run, const qt_op *op, double *ret_params, qt_err *err) {
    const qt_gate_info *info = qt_gate_get_info((qt_gate)op->sub);
    for (size_t i = 0; i < info->param_count; i++) {
        qt_value v;
        QT_TRY(qt_env_eval(&run->env, run->circuit->param_exprs[op->param + i], &v, err));
        ret_params[i] = qt_value_double(&v);
        if (!isfinite(ret_params[i])) {
            return qt_fail(err, CIRCUIT_RUN_ERROR, "an angle of %s is no finite number",
                           info->name);
        }
    }
    return QT_OK;
}

qt_code qt_run_gate(qt_run *run, const qt_op *op, qt_err *err) {
    double dynamic[4] = {0};
    const uint32_t *qubits = qt_op_qubits(run->circuit, op);
    for (size_t i = 0; i < op->qubit_count; i++) {
        run->gate_qubits[i] = run->plan->engine_qubit[qubits[i]];
    }
    qt_engine_gate gate = {(qt_gate)op->sub, run->gate_qubits, op->qubit_count, op->control_count,
                           dynamic};
    if (op->kind == QT_OP_GATE_DYNAMIC) {
        QT_TRY(gate_params(run, op, dynamic, err));
    } else {
        gate.params = qt_gate_params(run->circuit, op);
    }
    return run->engine->ops->gate(run->engine->self, &gate, err);
}

static qt_code condition(qt_run *run, const qt_op *op, bool *ret_true, qt_err *err) {
    qt_value v;
    QT_TRY(qt_env_eval(&run->env, op->a, &v, err));
    *ret_true = qt_value_true(&v);
    return QT_OK;
}

static qt_code jump_unless(qt_run *run, const qt_op *op, qt_err *err) {
    bool yes = false;
    QT_TRY(condition(run, op, &yes, err));
    run->pc = yes ? run->pc + 1 : (size_t)op->b + 1;
    return QT_OK;
}

static qt_code eval_int(qt_run *run, uint32_t expr, int64_t *ret_i, qt_err *err) {
    qt_value v;
    QT_TRY(qt_env_eval(&run->env, expr, &v, err));
    *ret_i = qt_value_int64(&v);
    return QT_OK;
}

/* Gives the loop variable its value and enters the body, or leaves the loop. */
static qt_code enter_loop(qt_run *run, size_t for_pc, qt_err *err) {
    const qt_op *op = &run->circuit->ops[for_pc];
    const qt_env_loop *loop = &run->env.loops[op->c];
    bool more = loop->step > 0 ? loop->value <= loop->last : loop->value >= loop->last;
    if (!more) {
        run->pc = (size_t)op->b + 1;
        return QT_OK;
    }
    const qt_variable *variable = &run->circuit->variables[op->a];
    qt_value v = qt_value_int(QT_TYPE_INT, 64, (uint64_t)loop->value);
    QT_TRY(qt_value_cast(&v, variable->type, variable->width, &run->env.scratch, &v, err));
    qt_env_set_variable(&run->env, op->a, &v);
    run->pc = for_pc + 1;
    return QT_OK;
}

static qt_code start_loop(qt_run *run, const qt_op *op, qt_err *err) {
    const qt_loop *loop = &run->circuit->loops[op->c];
    qt_env_loop state = {.step = 1};
    QT_TRY(eval_int(run, loop->first, &state.value, err));
    QT_TRY(eval_int(run, loop->last, &state.last, err));
    if (loop->step != QT_NO_INDEX) {
        QT_TRY(eval_int(run, loop->step, &state.step, err));
    }
    if (state.step == 0) {
        return qt_fail(err, CIRCUIT_RUN_ERROR, "a for loop has step 0");
    }
    run->env.loops[op->c] = state;
    return enter_loop(run, run->pc, err);
}

static qt_code next_loop(qt_run *run, const qt_op *op, qt_err *err) {
    qt_env_loop *loop = &run->env.loops[run->circuit->ops[op->b].c];
    if (__builtin_add_overflow(loop->value, loop->step, &loop->value)) {
        run->pc++;
        return QT_OK;
    }
    return enter_loop(run, op->b, err);
}

static bool case_matches(const qt_circuit *c, const qt_op *op, const qt_value *v) {
    for (uint32_t i = 0; i < op->c; i++) {
        if (qt_value_int64(v) == c->case_values[op->a + i]) {
            return v->words == NULL || v->width <= 64;
        }
    }
    return false;
}

static qt_code enter_switch(qt_run *run, const qt_op *op, qt_err *err) {
    const qt_circuit *c = run->circuit;
    qt_value v;
    QT_TRY(qt_env_eval(&run->env, op->a, &v, err));
    size_t otherwise = 0;
    size_t at = op->b;
    for (; c->ops[at].kind == QT_OP_CASE; at = c->ops[at].b) {
        if (case_matches(c, &c->ops[at], &v)) {
            run->pc = at + 1;
            return QT_OK;
        }
        otherwise = c->ops[at].c == 0 ? at + 1 : otherwise;
    }
    run->pc = otherwise != 0 ? otherwise : at + 1;
    return QT_OK;
}

static void leave_switch(qt_run *run) {
    while (run->circuit->ops[run->pc].kind == QT_OP_CASE) {
        run->pc = run->circuit->ops[run->pc].b;
    }
    run->pc++;
}

static qt_code count_step(qt_run *run, qt_err *err) {
    run->steps++;
    if (run->plan->has_loops && run->steps > run->options->max_steps) {
        return qt_fail(err, STEP_LIMIT, "a shot took more than %llu operations",
                       (unsigned long long)run->options->max_steps);
    }
    return run->steps % 64 == 0 ? qt_run_check(run, err) : QT_OK;
}

qt_code qt_run_step(qt_run *run, qt_err *err) {
    const qt_op *op = &run->circuit->ops[run->pc];
    QT_TRY(count_step(run, err));
    switch ((qt_op_kind)op->kind) {
    case QT_OP_GATE:
    case QT_OP_GATE_DYNAMIC:
        run->pc++;
        return qt_run_gate(run, op, err);
    case QT_OP_MEASURE:
    case QT_OP_RESET:
        return qt_run_event(run, err);
    case QT_OP_ASSIGN:
        run->pc++;
        return qt_env_assign(&run->env, op, err);
    case QT_OP_IF:
    case QT_OP_WHILE:
        return jump_unless(run, op, err);
    case QT_OP_ELSE:
        run->pc = (size_t)op->b + 1;
        return QT_OK;
    case QT_OP_ENDWHILE:
    case QT_OP_CONTINUE:
        run->pc = op->b;
        return QT_OK;
    case QT_OP_FOR:
        return start_loop(run, op, err);
    case QT_OP_ENDFOR:
        return next_loop(run, op, err);
    case QT_OP_SWITCH:
        return enter_switch(run, op, err);
    case QT_OP_CASE:
        leave_switch(run);
        return QT_OK;
    case QT_OP_BREAK:
        run->pc = (size_t)op->b + 1;
        return QT_OK;
    case QT_OP_END:
        run->pc = run->plan->end;
        return QT_OK;
    case QT_OP_BARRIER:
    case QT_OP_ENDIF:
    case QT_OP_ENDSWITCH:
    case QT_OP_DELAY:
    case QT_OP_NOTE:
        run->pc++;
        return QT_OK;
    }
    return qt_fail(err, INTERNAL, "operation %zu has kind %u", run->pc, op->kind);
}

qt_code qt_run_count(qt_run *run, uint64_t shots, qt_err *err) {
    qt_key_pack(&run->layout, run->env.bits, run->key);
    return qt_tally_add(run->counts, run->key, shots, err);
}

/* Runs the current branch to its end. END inside a block ends it before the tail. */
static qt_code run_branch(qt_run *run, qt_err *err) {
    const qt_plan *plan = run->plan;
    while (run->pc < plan->tail) {
        QT_TRY(qt_run_step(run, err));
        if (run->pc == plan->end && plan->tail < plan->end) {
            return qt_run_count(run, run->shots, err);
        }
    }
    return plan->tail < plan->end ? qt_run_tail(run, err) : qt_run_count(run, run->shots, err);
}

void qt_run_done(qt_run *run) {
    qt_run_branches_done(run);
    qt_env_done(&run->env);
    qt_key_layout_done(&run->layout);
    free(run->key);
    free(run->gate_qubits);
}

qt_code qt_run_init(qt_run *run, qt_err *err) {
    qt_rng_init(&run->rng, run->options->seed);
    QT_TRY(qt_env_init(&run->env, run->circuit, err));
    QT_TRY(qt_key_layout_init(&run->layout, run->circuit, err));
    QT_TRY(qt_try_malloc(run->counts->words * sizeof *run->key, (void **)&run->key, err));
    return qt_try_malloc(QT_MAX_GATE_QUBITS * sizeof *run->gate_qubits, (void **)&run->gate_qubits,
                         err);
}

qt_code qt_exec(const qt_circuit *circuit, const qt_plan *plan, const qt_sim_options *options,
                qt_engine *engine, qt_watch *watch, qt_tally *counts, qt_err *err) {
    QT_CLEANUP(qt_run_done)
    qt_run run = {
        .circuit = circuit,
        .plan = plan,
        .options = options,
        .engine = engine,
        .watch = watch,
        .counts = counts,
        .shots = options->shots,
    };
    QT_TRY(qt_run_init(&run, err));
    QT_TRY(qt_run_check(&run, err));
    for (;;) {
        QT_TRY(run_branch(&run, err));
        run.shots_done += run.shots;
        if (run.frame_count == 0) {
            return QT_OK;
        }
        QT_TRY(qt_run_next_branch(&run, err));
    }
}
