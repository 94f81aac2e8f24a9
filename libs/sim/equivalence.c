#include "sim/equivalence.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "sim/exact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_QUBITS = 16, DEFAULT_BRANCHES = 65536, DEFAULT_MS = 30000, MAX_STEPS = 1000000 };

#define DEFAULT_MEMORY_BYTES ((uint64_t)1 << 30)

static const double tolerance = 1e-9;

const char *qt_equivalence_method_name(qt_equivalence_method method) {
    return method == QT_EQUIVALENCE_STATE ? "state" : "distribution";
}

typedef struct comparison {
    qt_equivalence_options options;
    qt_sim_options run; /* of both circuits */
    int64_t end_us;
    bool late;
    qt_tally tally;
    qt_exact a;
    qt_exact b;
} comparison;

static void comparison_done(comparison *c) {
    qt_exact_done(&c->a);
    qt_exact_done(&c->b);
    qt_tally_done(&c->tally);
}

static bool must_stop(void *self) {
    comparison *c = self;
    c->late = qt_clock_mono_us(qt_clock_system()) > c->end_us;
    return c->late || (c->options.cancelled != NULL && c->options.cancelled(c->options.self));
}

static qt_equivalence_options complete(const qt_equivalence_options *options) {
    qt_equivalence_options o = *options;
    o.max_qubits = o.max_qubits > 0 ? o.max_qubits : DEFAULT_QUBITS;
    o.max_branches = o.max_branches > 0 ? o.max_branches : DEFAULT_BRANCHES;
    o.max_memory_bytes = o.max_memory_bytes > 0 ? o.max_memory_bytes : DEFAULT_MEMORY_BYTES;
    o.max_ms = o.max_ms > 0 ? o.max_ms : DEFAULT_MS;
    return o;
}

/* ---- by state ---- */

static bool touches(const qt_exact *x, uint32_t qubit) {
    return qubit < x->run.circuit->num_qubits && x->plan.engine_qubit[qubit] != QT_NO_INDEX;
}

/* The qubits that either circuit touches, in ret_qubits[64]. */
static uint32_t list_qubits(const comparison *c, uint32_t *ret_qubits) {
    uint32_t last = c->a.run.circuit->num_qubits;
    last = c->b.run.circuit->num_qubits > last ? c->b.run.circuit->num_qubits : last;
    uint32_t count = 0;
    for (uint32_t q = 0; q < last && count < 64; q++) {
        if (touches(&c->a, q) || touches(&c->b, q)) {
            ret_qubits[count++] = q;
        }
    }
    return count;
}

/* The amplitude of the state in which qubits[i] is bit i of index; qubits that the circuit does
 * not touch are 0. */
static void amplitude(const qt_exact *x, const uint32_t *qubits, uint32_t count, uint64_t index,
                      double *ret_re, double *ret_im) {
    uint64_t own = 0;
    *ret_re = 0;
    *ret_im = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool one = (index >> i & 1) != 0;
        if (one && !touches(x, qubits[i])) {
            return;
        }
        own |= one ? UINT64_C(1) << x->plan.engine_qubit[qubits[i]] : 0;
    }
    qt_statevector_amplitude(x->engine.self, own, ret_re, ret_im);
}

/* |<a|b>| */
static double overlap(const comparison *c, const uint32_t *qubits, uint32_t count) {
    double sum_re = 0;
    double sum_im = 0;
    for (uint64_t i = 0; i < UINT64_C(1) << count; i++) {
        double ar, ai, br, bi;
        amplitude(&c->a, qubits, count, i, &ar, &ai);
        amplitude(&c->b, qubits, count, i, &br, &bi);
        sum_re += ar * br + ai * bi;
        sum_im += ar * bi - ai * br;
    }
    return hypot(sum_re, sum_im);
}

/* By position in the key: the qubit of the circuit that the bit has at the end, or QT_NO_INDEX. */
static uint32_t qubit_of(const qt_exact *x, size_t position) {
    uint32_t bit = x->run.layout.bits[position];
    if (!x->in_tail[bit] || x->tail_bits[bit] == QT_NO_INDEX) {
        return QT_NO_INDEX; /* stays 0 */
    }
    for (uint32_t q = 0; q < x->run.circuit->num_qubits; q++) {
        if (x->plan.engine_qubit[q] == x->tail_bits[bit]) {
            return q;
        }
    }
    return QT_NO_INDEX;
}

static bool same_measurements(const comparison *c) {
    for (size_t i = 0; i < c->a.run.layout.bit_count; i++) {
        if (qubit_of(&c->a, i) != qubit_of(&c->b, i)) {
            return false;
        }
    }
    return true;
}

static qt_code compare_states(comparison *c, qt_equivalence *ret, bool *ret_decided, qt_err *err) {
    uint32_t qubits[64];
    uint32_t count = list_qubits(c, qubits);
    *ret_decided = false;
    if (count > c->options.max_qubits) {
        return qt_fail(err, VERIFY_LIMIT, "the circuits use %u qubits, at most %u are compared",
                       count, c->options.max_qubits);
    }
    QT_TRY(qt_exact_run_tail_gates(&c->a, err));
    QT_TRY(qt_exact_run_tail_gates(&c->b, err));
    if (!c->options.ignore_bits && !same_measurements(c)) {
        return QT_OK;
    }
    double deviation = fabs(1 - overlap(c, qubits, count));
    *ret = (qt_equivalence){.equivalent = deviation <= tolerance,
                            .method = QT_EQUIVALENCE_STATE,
                            .branches = 2,
                            .deviation = deviation};
    *ret_decided = true;
    if (!ret->equivalent) {
        snprintf(ret->difference, sizeof ret->difference, "the states overlap by %.12g",
                 1 - deviation);
    }
    return QT_OK;
}

/* ---- by distribution ---- */

static qt_code restart(qt_exact *x, qt_err *err) {
    x->run.pc = 0;
    qt_env_clear(&x->run.env);
    return x->engine.ops->restart(x->engine.self, err);
}

/* The key with the largest difference; what is left in the tally is a's probability less b's. */
static void find_largest(const comparison *c, qt_equivalence *ret) {
    size_t at = 0;
    for (size_t i = 0; i < c->tally.count; i++) {
        double difference = fabs((double)(int64_t)c->tally.counts[i] / QT_EXACT_UNIT);
        if (difference > ret->deviation) {
            ret->deviation = difference;
            at = i;
        }
    }
    ret->equivalent = ret->deviation <= tolerance + c->a.left_out + c->b.left_out;
    if (ret->equivalent) {
        return;
    }
    const qt_key_layout *layout = &c->a.run.layout;
    char *text = malloc(layout->text_len + 1);
    if (text != NULL) {
        qt_key_text(layout, qt_tally_key(&c->tally, at), text);
    }
    snprintf(ret->difference, sizeof ret->difference, "the probability of %.64s differs by %.3g",
             text != NULL ? text : "an outcome", ret->deviation);
    free(text);
}

static qt_code compare_distributions(comparison *c, qt_equivalence *ret, qt_err *err) {
    qt_tally_clear(&c->tally);
    QT_TRY(restart(&c->a, err));
    QT_TRY(restart(&c->b, err));
    c->a.max_branches = c->options.max_branches;
    QT_TRY(qt_exact_run(&c->a, err));
    c->b.max_branches = c->options.max_branches - c->a.branches;
    c->b.sign = -1;
    QT_TRY(qt_exact_run(&c->b, err));
    *ret = (qt_equivalence){.method = QT_EQUIVALENCE_DISTRIBUTION,
                            .branches = c->a.branches + c->b.branches};
    find_largest(c, ret);
    return QT_OK;
}

static qt_code check_size(const comparison *c, const qt_circuit *circuit, qt_err *err) {
    qt_sim_options o = c->run;
    o.max_memory_bytes = UINT64_MAX;
    QT_CLEANUP(qt_plan_done) qt_plan plan = {0};
    QT_TRY(qt_plan_make(circuit, &o, &plan, err));
    if (plan.engine_qubits > c->options.max_qubits) {
        return qt_fail(err, VERIFY_LIMIT, "the circuit uses %u qubits, at most %u are compared",
                       plan.engine_qubits, c->options.max_qubits);
    }
    return QT_OK;
}

static qt_code compare(comparison *c, const qt_circuit *a, const qt_circuit *b, qt_equivalence *ret,
                       qt_err *err) {
    QT_TRY(check_size(c, a, err));
    QT_TRY(check_size(c, b, err));
    QT_TRY(qt_exact_init(&c->a, a, &c->run, &c->tally, err));
    QT_TRY(qt_exact_init(&c->b, b, &c->run, &c->tally, err));
    bool same_bits = c->a.run.layout.bit_count == c->b.run.layout.bit_count;
    bool gates_only = c->a.plan.tail == 0 && c->b.plan.tail == 0;
    if (!same_bits && !c->options.ignore_bits) {
        *ret = (qt_equivalence){.method = QT_EQUIVALENCE_DISTRIBUTION, .deviation = 1};
        snprintf(ret->difference, sizeof ret->difference, "%zu visible bits became %zu",
                 c->a.run.layout.bit_count, c->b.run.layout.bit_count);
        return QT_OK;
    }
    bool decided = false;
    if (gates_only) {
        QT_TRY(compare_states(c, ret, &decided, err));
    }
    if (!decided && c->options.ignore_bits) {
        return qt_fail(err, VERIFY_LIMIT,
                       "circuits that measure in the middle are not compared by state");
    }
    return decided ? QT_OK : compare_distributions(c, ret, err);
}

/* qt_tally_init() and the keys need the number of visible bits before the runs. */
static qt_code visible_bits(const qt_circuit *circuit, size_t *ret_bits, qt_err *err) {
    QT_CLEANUP(qt_key_layout_done) qt_key_layout layout = {0};
    QT_TRY(qt_key_layout_init(&layout, circuit, err));
    *ret_bits = layout.bit_count;
    return QT_OK;
}

qt_code qt_sim_compare(const qt_circuit *a, const qt_circuit *b,
                       const qt_equivalence_options *options, qt_equivalence *ret_result,
                       qt_err *err) {
    QT_CLEANUP(comparison_done) comparison c = {.options = complete(options)};
    size_t bits_a = 0;
    size_t bits_b = 0;
    QT_TRY(visible_bits(a, &bits_a, err));
    QT_TRY(visible_bits(b, &bits_b, err));
    qt_tally_init(&c.tally, bits_a > bits_b ? bits_a : bits_b);
    c.end_us = qt_clock_mono_us(qt_clock_system()) + c.options.max_ms * 1000;
    c.run = (qt_sim_options){.shots = 1,
                             .method = QT_SIM_STATEVECTOR,
                             .max_memory_bytes = c.options.max_memory_bytes / 2,
                             .max_steps = MAX_STEPS,
                             .threads = 1,
                             .cancelled = must_stop,
                             .self = &c};
    qt_equivalence result = {0};
    qt_code code = compare(&c, a, b, &result, err);
    if (code == QT_CANCELLED && c.late) {
        return qt_fail(err, VERIFY_LIMIT, "the comparison takes longer than %lld ms",
                       (long long)c.options.max_ms);
    }
    if (code == QT_INVALID_ARGUMENT && err->reason == QT_REASON_STEP_LIMIT) {
        return qt_fail(err, VERIFY_LIMIT, "a loop runs longer than %d steps", (int)MAX_STEPS);
    }
    QT_TRY(code);
    *ret_result = result;
    return QT_OK;
}
