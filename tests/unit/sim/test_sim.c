/* Counts of whole runs against the exact distributions of the reference. */
#include "random_circuit.h"
#include "testlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static qt_sim_result *run(const qt_circuit *c, qt_sim_options o) {
    qt_err err;
    qt_sim_result *result = NULL;
    ck_assert_ok(qt_sim_run(c, &o, &result, &err));
    return result;
}

static void check_run(const qt_circuit *c, qt_sim_options o) {
    ref_distribution expected;
    ref_run(c, &expected);
    qt_sim_result *result = run(c, o);
    check_counts(result, &expected);
    qt_sim_result_free(result);
    ref_distribution_done(&expected);
}

START_TEST(random_static) {
    random_options o = {
        .qubits = 1 + (uint32_t)_i % 6, .clbits = 2 + (uint32_t)_i % 4, .ops = 40, .measure = true};
    qt_circuit *c = random_circuit((uint64_t)_i, o);
    check_run(c, (qt_sim_options){.shots = 20000, .seed = (uint32_t)_i});
    qt_circuit_free(c);
}
END_TEST

START_TEST(random_dynamic) {
    random_options o = {.qubits = 1 + (uint32_t)_i % 5,
                        .clbits = 2 + (uint32_t)_i % 4,
                        .ops = 40,
                        .dynamic = true,
                        .measure = _i % 2 == 0};
    qt_circuit *c = random_circuit(1000 + (uint64_t)_i, o);
    check_run(c, (qt_sim_options){.shots = 20000, .seed = (uint32_t)_i});
    qt_circuit_free(c);
}
END_TEST

START_TEST(random_clifford) {
    random_options o = {.qubits = 1 + (uint32_t)_i % 6,
                        .clbits = 2 + (uint32_t)_i % 4,
                        .ops = 40,
                        .clifford = true,
                        .dynamic = _i % 3 == 0,
                        .measure = true};
    qt_circuit *c = random_circuit(2000 + (uint64_t)_i, o);
    qt_sim_options options = {.shots = 10000, .seed = (uint32_t)_i};
    options.method = QT_SIM_STABILIZER;
    check_run(c, options);
    options.method = QT_SIM_STATEVECTOR;
    check_run(c, options);
    qt_circuit_free(c);
}
END_TEST

static bool same_counts(const qt_sim_result *a, const qt_sim_result *b) {
    if (a->count_count != b->count_count) {
        return false;
    }
    for (size_t i = 0; i < a->count_count; i++) {
        if (strcmp(a->counts[i].key, b->counts[i].key) != 0 ||
            a->counts[i].count != b->counts[i].count) {
            return false;
        }
    }
    return true;
}

/* Without memory for copies of the state, branches are run again. */
START_TEST(little_memory_gives_the_same_counts) {
    random_options o = {.qubits = 4, .clbits = 4, .ops = 60, .dynamic = true, .measure = true};
    qt_circuit *c = random_circuit(3000 + (uint64_t)_i, o);
    qt_sim_options options = {.shots = 2000, .seed = 9, .method = QT_SIM_STATEVECTOR};
    qt_sim_estimate e;
    qt_err err;
    ck_assert_ok(qt_sim_plan(c, &options, &e, &err));
    qt_sim_result *all = run(c, options);
    for (uint64_t copies = 0; copies < 3; copies++) {
        options.max_memory_bytes = e.memory_bytes + copies * 256;
        qt_sim_result *result = run(c, options);
        ck_assert(same_counts(all, result));
        qt_sim_result_free(result);
    }
    qt_sim_result_free(all);
    qt_circuit_free(c);
}
END_TEST

START_TEST(threads_and_seeds) {
    random_options o = {.qubits = 17, .clbits = 8, .ops = 80, .dynamic = _i == 1, .measure = true};
    qt_circuit *c = random_circuit(77, o);
    qt_sim_options options = {.shots = 200, .seed = 4, .method = QT_SIM_STATEVECTOR};
    qt_sim_result *one = run(c, options);
    options.threads = 2;
    qt_sim_result *two = run(c, options);
    ck_assert(same_counts(one, two));
    options.seed = 5;
    qt_sim_result *other = run(c, options);
    ck_assert(!same_counts(one, other));
    ck_assert_uint_eq(other->seed, 5);
    ck_assert_uint_eq(other->shots, 200);
    ck_assert_int_eq(other->method, QT_SIM_STATEVECTOR);
    qt_sim_result_free(one);
    qt_sim_result_free(two);
    qt_sim_result_free(other);
    qt_circuit_free(c);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim");
    TCase *tc = tcase_create("sim");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, random_static, 0, 60);
    tcase_add_loop_test(tc, random_dynamic, 0, 120);
    tcase_add_loop_test(tc, random_clifford, 0, 90);
    tcase_add_loop_test(tc, little_memory_gives_the_same_counts, 0, 10);
    tcase_add_loop_test(tc, threads_and_seeds, 0, 2);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
