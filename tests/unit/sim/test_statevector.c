/* Amplitudes of the statevector engine against the reference, gate by gate and for random
 * circuits; both versions of the kernels; any number of threads. */
#include "circuit/builder.h"
#include "random_circuit.h"
#include "reference_sim.h"
#include "sim/gates.h"
#include "sim/kernels.h"
#include "sim/statevector.h"
#include "testlib.h"

#include <math.h>
#include <stdlib.h>

static const double tolerance = 1e-11;

static qt_engine new_engine(uint32_t qubits, unsigned threads) {
    qt_err err;
    qt_engine engine = {0};
    qt_engine_stop never = {NULL, NULL};
    ck_assert_ok(qt_statevector_new(qubits, threads, never, &engine, &err));
    return engine;
}

static void run_gates(qt_engine *engine, const qt_circuit *c) {
    qt_err err;
    for (size_t i = 0; i < c->op_count; i++) {
        const qt_op *op = &c->ops[i];
        qt_engine_gate gate = {(qt_gate)op->sub, qt_op_qubits(c, op), op->qubit_count,
                               op->control_count, qt_gate_params(c, op)};
        ck_assert_ok(engine->ops->gate(engine->self, &gate, &err));
    }
    ck_assert_ok(engine->ops->flush(engine->self, &err));
}

static void check_state(const qt_engine *engine, uint32_t qubits, const double complex *expected) {
    for (size_t i = 0; i < (size_t)1 << qubits; i++) {
        double re = 0;
        double im = 0;
        qt_statevector_amplitude(engine->self, i, &re, &im);
        ck_assert_msg(cabs(re + im * I - expected[i]) < tolerance,
                      "amplitude %zu is %.15g %+.15gi instead of %.15g %+.15gi", i, re, im,
                      creal(expected[i]), cimag(expected[i]));
    }
}

/* A random state in both. */
static double complex *random_state(qt_rng *rng, uint32_t qubits, const qt_engine *engine) {
    size_t size = (size_t)1 << qubits;
    size_t stored = size < QT_LANES ? QT_LANES : size;
    double complex *state = qt_xcalloc(size, sizeof *state);
    double *re = qt_xcalloc(stored, sizeof *re);
    double *im = qt_xcalloc(stored, sizeof *im);
    double norm = 0;
    for (size_t i = 0; i < size; i++) {
        re[i] = qt_rng_uniform(rng) - 0.5;
        im[i] = qt_rng_uniform(rng) - 0.5;
        norm += re[i] * re[i] + im[i] * im[i];
    }
    for (size_t i = 0; i < size; i++) {
        re[i] /= sqrt(norm);
        im[i] /= sqrt(norm);
        state[i] = re[i] + im[i] * I;
    }
    qt_statevector_set(engine->self, re, im);
    free(re);
    free(im);
    return state;
}

static void check_gate(qt_rng *rng, qt_gate gate, size_t controls, uint32_t qubits) {
    qt_err err;
    const qt_gate_info *info = qt_gate_get_info(gate);
    size_t count = controls + info->qubit_count;
    uint32_t operands[8];
    double params[3];
    for (size_t i = 0; i < 3; i++) {
        params[i] = qt_rng_uniform(rng) * 13 - 6.5;
    }
    uint32_t shift = (uint32_t)(qt_rng_next(rng) % qubits);
    uint32_t step = (uint32_t)(qt_rng_next(rng) & 1) != 0 ? 1 : qubits - 1;
    for (size_t i = 0; i < count; i++) {
        operands[i] = (shift + (uint32_t)i * step) % qubits;
    }
    qt_engine engine = new_engine(qubits, 1);
    double complex *state = random_state(rng, qubits, &engine);
    qt_engine_gate g = {gate, operands, count, controls, params};
    ck_assert_ok(engine.ops->gate(engine.self, &g, &err));
    ck_assert_ok(engine.ops->flush(engine.self, &err));
    ref_apply(state, qubits, gate, operands, count, controls, params);
    check_state(&engine, qubits, state);
    free(state);
    engine.ops->free(engine.self);
}

START_TEST(every_gate_with_up_to_three_controls) {
    qt_rng rng;
    qt_rng_init(&rng, (uint64_t)_i);
    qt_gate gate = (qt_gate)_i;
    uint32_t own = qt_gate_get_info(gate)->qubit_count;
    for (uint32_t controls = 0; controls <= 3; controls++) {
        for (uint32_t qubits = controls + own; qubits <= 7; qubits++) {
            for (int turn = 0; turn < (int)qubits && qubits > 0; turn++) {
                check_gate(&rng, gate, controls, qubits);
            }
        }
    }
}
END_TEST

/* More qubits than a block of a sweep has, so that blocks are gathered. */
START_TEST(random_circuits) {
    random_options o = {.qubits = 1 + (uint32_t)_i % 14, .ops = 150};
    qt_circuit *c = random_circuit((uint64_t)_i, o);
    qt_engine engine = new_engine(o.qubits, 1);
    double complex *expected = ref_state(c);
    run_gates(&engine, c);
    check_state(&engine, o.qubits, expected);
    free(expected);
    engine.ops->free(engine.self);
    qt_circuit_free(c);
}
END_TEST

START_TEST(threads_give_the_same_amplitudes) {
    random_options o = {.qubits = 17, .ops = 120};
    qt_circuit *c = random_circuit(5, o);
    qt_engine one = new_engine(o.qubits, 1);
    qt_engine three = new_engine(o.qubits, 3);
    run_gates(&one, c);
    run_gates(&three, c);
    for (size_t i = 0; i < (size_t)1 << o.qubits; i++) {
        double a[2];
        double b[2];
        qt_statevector_amplitude(one.self, i, &a[0], &a[1]);
        qt_statevector_amplitude(three.self, i, &b[0], &b[1]);
        ck_assert(a[0] == b[0] && a[1] == b[1]);
    }
    one.ops->free(one.self);
    three.ops->free(three.self);
    qt_circuit_free(c);
}
END_TEST

enum { KERNEL_SIZE = 64 };

static void fill(qt_rng *rng, double *v, size_t count) {
    for (size_t i = 0; i < count; i++) {
        v[i] = qt_rng_uniform(rng) - 0.5;
    }
}

typedef struct kernel_data {
    _Alignas(64) double re[KERNEL_SIZE];
    _Alignas(64) double im[KERNEL_SIZE];
} kernel_data;

static void run_kernels(const qt_kernels *k, kernel_data *d, const kernel_data *by, size_t target,
                        size_t mask) {
    const double m[8] = {0.3, -0.2, 0.7, 0.9, 0.1, 0.4, -0.6, 0.2};
    size_t size = KERNEL_SIZE;
    k->matrix(d->re, d->im, size, target, mask, m);
    k->real(d->re, d->im, size, target, mask, m);
    k->flip(d->re, d->im, size, target, mask);
    k->phase(d->re, d->im, size, mask, 0.8, 0.6);
    k->multiply(d->re, d->im, by->re, by->im, size);
    qt_phase_tables tables = {by->re, by->im, by->im, by->re, 3};
    k->multiply_tables(d->re, d->im, &tables, size);
}

/* To the last bit. */
START_TEST(kernels_agree) {
    const qt_kernels *fast = qt_kernels_get();
    qt_rng rng;
    qt_rng_init(&rng, 3);
    kernel_data a;
    kernel_data by;
    fill(&rng, a.re, KERNEL_SIZE);
    fill(&rng, a.im, KERNEL_SIZE);
    fill(&rng, by.re, KERNEL_SIZE);
    fill(&rng, by.im, KERNEL_SIZE);
    kernel_data b = a;
    for (size_t target = 1; target < KERNEL_SIZE; target *= 2) {
        for (size_t mask = 0; mask < KERNEL_SIZE; mask++) {
            run_kernels(&qt_kernels_generic, &a, &by, target, mask & ~target);
            run_kernels(fast, &b, &by, target, mask & ~target);
            ck_assert(memcmp(&a, &b, sizeof a) == 0);
            double x = qt_kernels_generic.sum(a.re, a.im, KERNEL_SIZE, 64, mask, target & mask);
            double y = fast->sum(b.re, b.im, KERNEL_SIZE, 64, mask, target & mask);
            ck_assert(x == y);
        }
    }
}
END_TEST

START_TEST(save_restore_collapse) {
    qt_err err;
    random_options o = {.qubits = 5, .ops = 60};
    qt_circuit *c = random_circuit(8, o);
    qt_engine engine = new_engine(o.qubits, 1);
    double complex *expected = ref_state(c);
    run_gates(&engine, c);
    qt_engine_save *save = NULL;
    ck_assert_ok(engine.ops->save(engine.self, &save, &err));
    double p = 0;
    ck_assert_ok(engine.ops->prob_one(engine.self, 2, &p, &err));
    double want = 0;
    for (size_t i = 0; i < 32; i++) {
        want += (i >> 2 & 1) != 0 ? creal(expected[i] * conj(expected[i])) : 0;
    }
    ck_assert_double_eq_tol(p, want, tolerance);
    const uint32_t qubits[] = {2, 0, 2};
    const uint64_t outcome = 5; /* qubit 2: 1, qubit 0: 0 */
    ck_assert_ok(engine.ops->collapse(engine.self, qubits, 3, &outcome, &err));
    ck_assert_ok(engine.ops->prob_one(engine.self, 2, &p, &err));
    ck_assert_double_eq_tol(p, 1, tolerance);
    ck_assert_ok(engine.ops->prob_one(engine.self, 0, &p, &err));
    ck_assert_double_eq_tol(p, 0, tolerance);
    ck_assert_ok(engine.ops->restore(engine.self, save, false, &err));
    check_state(&engine, o.qubits, expected);
    ck_assert_ok(engine.ops->restart(engine.self, &err));
    ck_assert_ok(engine.ops->restore(engine.self, save, true, &err));
    check_state(&engine, o.qubits, expected);
    engine.ops->free_save(save);
    free(expected);
    engine.ops->free(engine.self);
    qt_circuit_free(c);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("statevector");
    TCase *tc = tcase_create("statevector");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, every_gate_with_up_to_three_controls, 0, QT_GATE_COUNT_);
    tcase_add_loop_test(tc, random_circuits, 0, 42);
    tcase_add_test(tc, threads_give_the_same_amplitudes);
    tcase_add_test(tc, kernels_agree);
    tcase_add_test(tc, save_restore_collapse);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
