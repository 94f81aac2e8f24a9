/* Measurement, reset, and the branches that they make. */
#include "sim/exec_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

static qt_code reserve_words(uint64_t **words, size_t *cap, size_t bits, qt_err *err) {
    size_t need = bits / 64 + 1;
    if (need <= *cap) {
        return QT_OK;
    }
    size_t new_cap = need < 2 * *cap ? 2 * *cap : need;
    QT_TRY(qt_try_realloc((void **)words, new_cap * sizeof **words, err));
    *cap = new_cap;
    return QT_OK;
}

static qt_code reserve_event(qt_event *e, qt_err *err) {
    if (e->qubit_count < e->cap && e->clbit_count < e->cap) {
        return QT_OK;
    }
    size_t cap = e->cap == 0 ? 64 : 2 * e->cap;
    QT_TRY(qt_try_realloc((void **)&e->qubits, cap * sizeof *e->qubits, err));
    QT_TRY(qt_try_realloc((void **)&e->clbits, cap * sizeof *e->clbits, err));
    QT_TRY(qt_try_realloc((void **)&e->sources, cap * sizeof *e->sources, err));
    e->cap = cap;
    return QT_OK;
}

static qt_code add_measure(qt_run *run, const qt_op *op, qt_err *err) {
    qt_event *e = &run->event;
    QT_TRY(reserve_event(e, err));
    uint32_t qubit = run->plan->engine_qubit[op->a];
    uint32_t source = QT_NO_INDEX;
    if (qubit != QT_NO_INDEX) {
        source = (uint32_t)e->qubit_count;
        e->qubits[e->qubit_count++] = qubit;
    }
    if (op->b != QT_NO_INDEX) {
        e->clbits[e->clbit_count] = op->b;
        e->sources[e->clbit_count++] = source;
    }
    return QT_OK;
}

static bool has_no_effect(const qt_op *op) {
    return op->kind == QT_OP_BARRIER || op->kind == QT_OP_DELAY || op->kind == QT_OP_NOTE;
}

/* The event at run->pc. */
static qt_code collect_event(qt_run *run, qt_err *err) {
    qt_event *e = &run->event;
    const qt_op *ops = run->circuit->ops;
    e->qubit_count = 0;
    e->clbit_count = 0;
    e->reset = ops[run->pc].kind == QT_OP_RESET;
    e->next_pc = run->pc + 1;
    if (e->reset) {
        QT_TRY(reserve_event(e, err));
        uint32_t qubit = run->plan->engine_qubit[ops[run->pc].a];
        if (qubit != QT_NO_INDEX) {
            e->qubits[e->qubit_count++] = qubit;
        }
        return QT_OK;
    }
    for (size_t i = run->pc; i < run->plan->tail; i++) {
        if (ops[i].kind == QT_OP_MEASURE) {
            QT_TRY(add_measure(run, &ops[i], err));
            e->next_pc = i + 1;
        } else if (!has_no_effect(&ops[i])) {
            break;
        }
    }
    return QT_OK;
}

static bool outcome_bit(const uint64_t *outcome, size_t i) {
    return (outcome[i / 64] >> (i % 64) & 1) != 0;
}

static qt_code record(qt_run *run, const uint64_t *outcome, size_t count, qt_err *err) {
    QT_TRY(reserve_words(&run->record, &run->record_cap, run->recorded + count, err));
    for (size_t i = 0; i < count; i++, run->recorded++) {
        uint64_t mask = UINT64_C(1) << (run->recorded % 64);
        uint64_t *word = &run->record[run->recorded / 64];
        *word = outcome_bit(outcome, i) ? *word | mask : *word & ~mask;
    }
    return QT_OK;
}

static void set_clbits(qt_run *run, const qt_event *e, const uint64_t *outcome) {
    for (size_t i = 0; i < e->clbit_count; i++) {
        bool one = e->sources[i] != QT_NO_INDEX && outcome_bit(outcome, e->sources[i]);
        qt_env_set_bit(&run->env, e->clbits[i], one);
    }
}

static qt_code flip(qt_run *run, uint32_t qubit, qt_err *err) {
    qt_engine_gate x = {QT_GATE_X, &qubit, 1, 0, NULL};
    return run->engine->ops->gate(run->engine->self, &x, err);
}

/* Goes behind the event with this outcome. `certain`: the state already is what it would be
 * collapsed to. */
static qt_code follow(qt_run *run, const uint64_t *outcome, bool certain, qt_err *err) {
    const qt_event *e = &run->event;
    bool state_matters = run->pc < run->plan->stateless && e->next_pc < run->plan->stateless;
    if (!certain && state_matters && e->qubit_count > 0) {
        QT_TRY(
            run->engine->ops->collapse(run->engine->self, e->qubits, e->qubit_count, outcome, err));
    }
    if (e->reset && e->qubit_count > 0 && outcome_bit(outcome, 0)) {
        QT_TRY(flip(run, e->qubits[0], err));
    }
    set_clbits(run, e, outcome);
    run->pc = e->next_pc;
    return QT_OK;
}

/* Every event has random numbers of its own, so that how many it takes, which can depend on the
 * last bit of a probability, does not matter to the next one. */
static qt_rng event_rng(qt_run *run) {
    qt_rng rng;
    qt_rng_init(&rng, qt_rng_next(&run->rng));
    return rng;
}

/* Divides the shots of the branch among outcomes. */
static qt_code draw(qt_run *run, qt_tally *outcomes, bool *ret_certain, qt_err *err) {
    const qt_event *e = &run->event;
    const qt_engine *engine = run->engine;
    qt_rng rng = event_rng(run);
    if (e->qubit_count > 1) {
        *ret_certain = false;
        return engine->ops->sample(engine->self, e->qubits, e->qubit_count, run->shots, &rng,
                                   outcomes, err);
    }
    double p = 0;
    QT_TRY(engine->ops->prob_one(engine->self, e->qubits[0], &p, err));
    const uint64_t values[2] = {0, 1};
    uint64_t ones = qt_rng_binomial(&rng, run->shots, p);
    *ret_certain = p == 0 || p == 1;
    if (ones < run->shots) {
        QT_TRY(qt_tally_add(outcomes, &values[0], run->shots - ones, err));
    }
    return ones > 0 ? qt_tally_add(outcomes, &values[1], ones, err) : QT_OK;
}

static qt_code save_state(qt_run *run, qt_frame *frame, qt_err *err) {
    bool needed = run->event.next_pc < run->plan->stateless;
    if (!needed || run->saves_used >= run->plan->max_saves) {
        return QT_OK;
    }
    if (run->saves_used == run->save_cap) {
        size_t cap = run->save_cap == 0 ? 16 : 2 * run->save_cap;
        QT_TRY(qt_try_realloc((void **)&run->saves, cap * sizeof(void *), err));
        memset(run->saves + run->save_cap, 0, (cap - run->save_cap) * sizeof(void *));
        run->save_cap = cap;
    }
    QT_TRY(run->engine->ops->save(run->engine->self, &run->saves[run->saves_used], err));
    frame->saved = true;
    frame->save = run->saves_used++;
    return QT_OK;
}

static void frame_done(qt_frame *frame) {
    qt_tally_done(&frame->outcomes);
    free(frame->env);
    frame->env = NULL;
}

/* Takes the outcomes over, also when it fails. */
static qt_code push_frame(qt_run *run, qt_tally *outcomes, qt_err *err) {
    if (run->frame_count == run->frame_cap) {
        size_t cap = run->frame_cap == 0 ? 16 : 2 * run->frame_cap;
        QT_TRY(qt_try_realloc((void **)&run->frames, cap * sizeof *run->frames, err));
        run->frame_cap = cap;
    }
    size_t bytes = run->env.words * sizeof(uint64_t);
    QT_AUTO_FREE uint64_t *env = NULL;
    QT_TRY(qt_try_malloc(bytes, (void **)&env, err));
    memcpy(env, run->env.memory, bytes);
    qt_frame *frame = &run->frames[run->frame_count++];
    *frame = (qt_frame){.pc = run->pc,
                        .steps = run->steps,
                        .recorded = run->recorded,
                        .outcomes = *outcomes,
                        .env = QT_TAKE(env)};
    memset(outcomes, 0, sizeof *outcomes);
    return save_state(run, frame, err);
}

/* Follows the next outcome of the innermost frame; the state and bits are those at its event. */
static qt_code take_outcome(qt_run *run, qt_err *err) {
    qt_frame *frame = &run->frames[run->frame_count - 1];
    size_t count = run->event.qubit_count;
    QT_TRY(reserve_words(&run->outcome, &run->outcome_cap, count, err));
    size_t words = frame->outcomes.words;
    memcpy(run->outcome, qt_tally_key(&frame->outcomes, frame->next), words * sizeof(uint64_t));
    run->shots = frame->outcomes.counts[frame->next];
    frame->next++;
    if (frame->next == frame->outcomes.count) {
        run->saves_used -= frame->saved;
        frame_done(frame);
        run->frame_count--;
    }
    QT_TRY(record(run, run->outcome, count, err));
    return follow(run, run->outcome, false, err);
}

static qt_code replay_event(qt_run *run, qt_err *err) {
    size_t count = run->event.qubit_count;
    QT_TRY(reserve_words(&run->outcome, &run->outcome_cap, count, err));
    for (size_t i = 0; i < count; i++) {
        uint64_t mask = UINT64_C(1) << (i % 64);
        bool one = outcome_bit(run->record, run->replay_from + i);
        uint64_t *word = &run->outcome[i / 64];
        *word = one ? *word | mask : *word & ~mask;
    }
    run->replay_from += count;
    return follow(run, run->outcome, false, err);
}

static void tally_done_p(qt_tally *tally) {
    qt_tally_done(tally);
}

qt_code qt_run_event(qt_run *run, qt_err *err) {
    static const uint64_t nothing = 0;
    QT_TRY(collect_event(run, err));
    if (run->event.qubit_count == 0) {
        return follow(run, &nothing, true, err);
    }
    if (run->replaying) {
        return replay_event(run, err);
    }
    QT_CLEANUP(tally_done_p) qt_tally outcomes;
    qt_tally_init(&outcomes, run->event.qubit_count);
    bool certain = false;
    QT_TRY(draw(run, &outcomes, &certain, err));
    if (outcomes.count > 1) {
        QT_TRY(push_frame(run, &outcomes, err));
        return take_outcome(run, err);
    }
    QT_TRY(record(run, outcomes.keys, run->event.qubit_count, err));
    return follow(run, outcomes.keys, certain, err);
}

/* Makes the bits those of the frame, and the program stand at its event. */
static void restore_env(qt_run *run, const qt_frame *frame) {
    memcpy(run->env.memory, frame->env, run->env.words * sizeof(uint64_t));
    run->pc = frame->pc;
    run->steps = frame->steps;
}

/* Runs again from the last state below that was kept, or from the start, up to the frame. */
static qt_code replay(qt_run *run, const qt_frame *to, qt_err *err) {
    const qt_frame *from = to;
    while (from > run->frames && !from->saved) {
        from--;
    }
    const qt_engine *engine = run->engine;
    if (from->saved) {
        QT_TRY(engine->ops->restore(engine->self, run->saves[from->save], false, err));
        restore_env(run, from);
        run->replay_from = from->recorded;
    } else {
        QT_TRY(engine->ops->restart(engine->self, err));
        qt_env_clear(&run->env);
        run->pc = 0;
        run->steps = 0;
        run->replay_from = 0;
    }
    run->replaying = true;
    while (run->replay_from < to->recorded || run->pc != to->pc) {
        QT_TRY(qt_run_step(run, err));
    }
    run->replaying = false;
    return QT_OK;
}

qt_code qt_run_next_branch(qt_run *run, qt_err *err) {
    const qt_frame *frame = &run->frames[run->frame_count - 1];
    const qt_engine *engine = run->engine;
    bool last = frame->next + 1 == frame->outcomes.count;
    run->pc = frame->pc;
    QT_TRY(collect_event(run, err));
    if (run->event.next_pc < run->plan->stateless) {
        if (frame->saved) {
            QT_TRY(engine->ops->restore(engine->self, run->saves[frame->save], last, err));
        } else {
            QT_TRY(replay(run, frame, err));
            QT_TRY(collect_event(run, err));
        }
    }
    restore_env(run, frame);
    run->recorded = frame->recorded;
    return take_outcome(run, err);
}

static qt_code count_samples(qt_run *run, const qt_tally *samples, qt_err *err) {
    for (size_t i = 0; i < samples->count; i++) {
        set_clbits(run, &run->event, qt_tally_key(samples, i));
        QT_TRY(qt_run_count(run, samples->counts[i], err));
    }
    return QT_OK;
}

qt_code qt_run_tail(qt_run *run, qt_err *err) {
    qt_event *e = &run->event;
    const qt_engine *engine = run->engine;
    e->qubit_count = 0;
    e->clbit_count = 0;
    for (; run->pc < run->plan->end; run->pc++) {
        const qt_op *op = &run->circuit->ops[run->pc];
        if (run->pc % 64 == 0) {
            QT_TRY(qt_run_check(run, err));
        }
        if (op->kind == QT_OP_GATE || op->kind == QT_OP_GATE_DYNAMIC) {
            QT_TRY(qt_run_gate(run, op, err));
        } else if (op->kind == QT_OP_MEASURE) {
            QT_TRY(add_measure(run, op, err));
        }
    }
    QT_TRY(engine->ops->flush(engine->self, err));
    if (e->qubit_count == 0) {
        set_clbits(run, e, NULL);
        return qt_run_count(run, run->shots, err);
    }
    QT_CLEANUP(tally_done_p) qt_tally samples;
    qt_rng rng = event_rng(run);
    qt_tally_init(&samples, e->qubit_count);
    QT_TRY(engine->ops->sample(engine->self, e->qubits, e->qubit_count, run->shots, &rng, &samples,
                               err));
    return count_samples(run, &samples, err);
}

void qt_run_branches_done(qt_run *run) {
    for (size_t i = 0; i < run->frame_count; i++) {
        frame_done(&run->frames[i]);
    }
    for (size_t i = 0; i < run->save_cap; i++) {
        run->engine->ops->free_save(run->saves[i]);
    }
    free(run->frames);
    free(run->saves);
    free(run->outcome);
    free(run->record);
    free(run->event.qubits);
    free(run->event.clbits);
    free(run->event.sources);
}
