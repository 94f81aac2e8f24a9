/* Method selection, memory limits, keys of many bits, large Clifford circuits. */
#include "circuit/builder.h"
#include "sim/sim.h"
#include "testlib.h"

#include <stdlib.h>
#include <string.h>

static void begin(qt_builder *b, uint32_t qubits) {
    qt_err err;
    uint32_t reg = 0;
    ck_assert_ok(qt_builder_init(b, &qt_circuit_default_limits, &err));
    ck_assert_ok(qt_build_register(b, QT_REGISTER_QUBIT, "q", qubits, &reg, &err));
}

static uint32_t add_bits(qt_builder *b, const char *name, uint32_t size) {
    qt_err err;
    uint32_t reg = 0;
    ck_assert_ok(qt_build_register(b, QT_REGISTER_BIT, name, size, &reg, &err));
    return reg;
}

static qt_circuit *end(qt_builder *b) {
    qt_err err;
    qt_circuit *circuit = NULL;
    ck_assert_ok(qt_builder_finish(b, &circuit, &err));
    qt_builder_done(b);
    return circuit;
}

static void gate(qt_builder *b, qt_gate g, uint32_t target) {
    qt_err err;
    ck_assert_ok(qt_build_gate(b, g, &target, 0, NULL, &err));
}

static void cx(qt_builder *b, uint32_t control, uint32_t target) {
    qt_err err;
    const uint32_t qubits[2] = {control, target};
    ck_assert_ok(qt_build_gate(b, QT_GATE_X, qubits, 1, NULL, &err));
}

static void measure_all(qt_builder *b, uint32_t count) {
    qt_err err;
    for (uint32_t q = 0; q < count; q++) {
        ck_assert_ok(qt_build_measure(b, q, q, &err));
    }
}

static qt_circuit *ghz(uint32_t qubits) {
    qt_builder b;
    begin(&b, qubits);
    add_bits(&b, "c", qubits);
    gate(&b, QT_GATE_H, 0);
    for (uint32_t q = 0; q + 1 < qubits; q++) {
        cx(&b, q, q + 1);
    }
    measure_all(&b, qubits);
    return end(&b);
}

static qt_sim_result *run(const qt_circuit *c, qt_sim_options o) {
    qt_err err;
    qt_sim_result *result = NULL;
    ck_assert_ok(qt_sim_run(c, &o, &result, &err));
    return result;
}

START_TEST(ghz_of_1000_qubits) {
    qt_circuit *c = ghz(1000);
    qt_sim_result *r = run(c, (qt_sim_options){.shots = 1024, .seed = 7});
    ck_assert_int_eq(r->method, QT_SIM_STABILIZER);
    ck_assert_uint_eq(r->count_count, 2);
    ck_assert_uint_eq(strlen(r->counts[0].key), 1000);
    ck_assert_uint_eq(strspn(r->counts[0].key, "0"), 1000);
    ck_assert_uint_eq(strspn(r->counts[1].key, "1"), 1000);
    ck_assert_uint_eq(r->counts[0].count + r->counts[1].count, 1024);
    ck_assert_uint_gt(r->counts[0].count, 432); /* 5 sigma */
    ck_assert_uint_lt(r->counts[0].count, 592);
    qt_sim_result_free(r);
    qt_circuit_free(c);
}
END_TEST

/* 100 fair coins: all different, each bit 1 in about half of the shots. */
START_TEST(many_random_bits) {
    qt_builder b;
    begin(&b, 100);
    add_bits(&b, "c", 100);
    for (uint32_t q = 0; q < 100; q++) {
        gate(&b, QT_GATE_H, q);
    }
    measure_all(&b, 100);
    qt_circuit *c = end(&b);
    for (uint32_t shots = 400; shots <= 1600; shots *= 4) { /* drawn singly, and with tables */
        qt_sim_result *r = run(c, (qt_sim_options){.shots = shots, .seed = 3});
        ck_assert_uint_eq(r->count_count, shots);
        for (size_t i = 0; i < 100; i++) {
            double ones = 0;
            for (size_t k = 0; k < r->count_count; k++) {
                ones += r->counts[k].key[i] == '1';
            }
            double off = (ones - shots / 2.0) * (ones - shots / 2.0);
            ck_assert_double_lt(off, 25 * shots / 4.0);
        }
        qt_sim_result_free(r);
    }
    qt_circuit_free(c);
}
END_TEST

START_TEST(auto_picks_a_method) {
    qt_err err;
    qt_sim_options o = {.shots = 1};
    qt_sim_estimate e;
    qt_circuit *small = ghz(12);
    qt_circuit *large = ghz(13);
    ck_assert_ok(qt_sim_plan(small, &o, &e, &err));
    ck_assert_int_eq(e.method, QT_SIM_STATEVECTOR);
    ck_assert_uint_ge(e.memory_bytes, 4096 * 16);
    ck_assert_ok(qt_sim_plan(large, &o, &e, &err));
    ck_assert_int_eq(e.method, QT_SIM_STABILIZER);
    ck_assert_double_gt(e.seconds, 0);
    qt_circuit_free(small);
    qt_circuit_free(large);
}
END_TEST

static qt_circuit *t_on_all(uint32_t qubits) {
    qt_builder b;
    begin(&b, qubits);
    for (uint32_t q = 0; q < qubits; q++) {
        gate(&b, QT_GATE_T, q);
    }
    return end(&b);
}

START_TEST(too_many_qubits) {
    qt_err err;
    qt_sim_result *result = NULL;
    qt_sim_estimate e;
    qt_sim_options o = {.shots = 1};
    qt_circuit *c = t_on_all(40);
    ck_assert_int_eq(qt_sim_run(c, &o, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_MANY_QUBITS);
    ck_assert_ptr_nonnull(strstr(err.msg, "1760")); /* 16 * 2^40 and sums */
    ck_assert_int_eq(qt_sim_plan(c, &o, &e, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_MANY_QUBITS);
    qt_circuit_free(c);
    c = t_on_all(200);
    ck_assert_int_eq(qt_sim_run(c, &o, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_MANY_QUBITS);
    qt_circuit_free(c);
}
END_TEST

START_TEST(memory_limit) {
    qt_err err;
    qt_sim_result *result = NULL;
    qt_sim_options o = {.shots = 1, .max_memory_bytes = 100000};
    qt_circuit *c = t_on_all(13);
    ck_assert_int_eq(qt_sim_run(c, &o, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_MANY_QUBITS);
    o.max_memory_bytes = 1000000;
    ck_assert_ok(qt_sim_run(c, &o, &result, &err));
    ck_assert_uint_eq(result->count_count, 1);
    ck_assert_str_eq(result->counts[0].key, "");
    qt_sim_result_free(result);
    qt_circuit_free(c);
}
END_TEST

START_TEST(unsuitable_methods) {
    qt_err err;
    qt_sim_result *result = NULL;
    qt_circuit *c = t_on_all(2);
    qt_sim_options o = {.shots = 1, .method = QT_SIM_STABILIZER};
    ck_assert_int_eq(qt_sim_run(c, &o, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_METHOD_UNSUITABLE);
    ck_assert_ptr_nonnull(strstr(err.msg, "operation 0, t "));
    o.method = QT_SIM_DENSITY_MATRIX;
    ck_assert_int_eq(qt_sim_run(c, &o, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_METHOD_UNSUITABLE);
    o = (qt_sim_options){.shots = 0};
    ck_assert_int_eq(qt_sim_run(c, &o, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_SHOTS_OUT_OF_RANGE);
    qt_circuit_free(c);
}
END_TEST

/* Qubits that no gate touches take no memory and read as 0. */
START_TEST(idle_qubits_cost_nothing) {
    qt_err err;
    qt_builder b;
    begin(&b, 100);
    add_bits(&b, "c", 3);
    gate(&b, QT_GATE_X, 70);
    gate(&b, QT_GATE_T, 70);
    ck_assert_ok(qt_build_measure(&b, 70, 1, &err));
    ck_assert_ok(qt_build_measure(&b, 71, 0, &err));
    ck_assert_ok(qt_build_measure(&b, 70, 2, &err));
    ck_assert_ok(qt_build_reset(&b, 3, &err));
    qt_circuit *c = end(&b);
    qt_sim_result *r = run(c, (qt_sim_options){.shots = 5});
    ck_assert_uint_eq(r->num_qubits, 100);
    ck_assert_uint_lt(r->memory_bytes, 100000);
    ck_assert_uint_eq(r->count_count, 1);
    ck_assert_str_eq(r->counts[0].key, "110");
    qt_sim_result_free(r);
    qt_circuit_free(c);
}
END_TEST

/* A register of 70 bits, one that is hidden, one of a single bit; unmeasured bits are 0. */
START_TEST(key_format) {
    qt_err err;
    qt_builder b;
    begin(&b, 3);
    add_bits(&b, "a", 70);
    uint32_t hidden = add_bits(&b, "h", 2);
    add_bits(&b, "z", 1);
    b.circuit->registers[hidden].hidden = true;
    gate(&b, QT_GATE_X, 0);
    ck_assert_ok(qt_build_measure(&b, 0, 69, &err));
    ck_assert_ok(qt_build_measure(&b, 0, 70, &err));
    ck_assert_ok(qt_build_measure(&b, 0, 72, &err));
    ck_assert_ok(qt_build_measure(&b, 0, 1, &err));
    ck_assert_ok(qt_build_measure(&b, 1, 0, &err));
    qt_circuit *c = end(&b);
    qt_sim_result *r = run(c, (qt_sim_options){.shots = 5});
    char expected[80];
    memset(expected, '0', sizeof expected);
    memcpy(expected, "1 1", 3);
    strcpy(expected + 2 + 68, "10");
    ck_assert_str_eq(r->counts[0].key, expected);
    ck_assert_uint_eq(r->num_clbits, 71);
    ck_assert_uint_eq(r->count_count, 1);
    qt_sim_result_free(r);
    qt_circuit_free(c);
}
END_TEST

/* Hidden bits that differ do not split a key. */
START_TEST(hidden_bits_are_left_out) {
    qt_err err;
    qt_builder b;
    begin(&b, 1);
    uint32_t hidden = add_bits(&b, "h", 1);
    add_bits(&b, "c", 2);
    b.circuit->registers[hidden].hidden = true;
    gate(&b, QT_GATE_H, 0);
    ck_assert_ok(qt_build_measure(&b, 0, 0, &err));
    qt_circuit *c = end(&b);
    qt_sim_result *r = run(c, (qt_sim_options){.shots = 50});
    ck_assert_uint_eq(r->count_count, 1);
    ck_assert_str_eq(r->counts[0].key, "00");
    ck_assert_uint_eq(r->counts[0].count, 50);
    qt_sim_result_free(r);
    qt_circuit_free(c);
}
END_TEST

/* A condition on 70 bits at once. */
START_TEST(wide_condition) {
    qt_err err;
    qt_builder b;
    begin(&b, 1);
    uint32_t reg = add_bits(&b, "c", 70);
    gate(&b, QT_GATE_X, 0);
    ck_assert_ok(qt_build_measure(&b, 0, 69, &err));
    uint32_t wide = 0;
    uint32_t whole = 0;
    uint32_t equal = 0;
    const uint64_t words[2] = {0, UINT64_C(1) << 5};
    ck_assert_ok(qt_build_wide(&b, words, 70, &wide, &err));
    qt_expr e = {.kind = QT_EXPR_REG, .type = QT_TYPE_BIT, .width = 70, .u = {reg, 0}};
    ck_assert_ok(qt_build_expr(&b, e, &whole, &err));
    e = (qt_expr){.kind = QT_EXPR_BINARY,
                  .op = QT_OPERATOR_EQ,
                  .type = QT_TYPE_BOOL,
                  .width = 1,
                  .u = {whole, wide}};
    ck_assert_ok(qt_build_expr(&b, e, &equal, &err));
    ck_assert_ok(qt_build_if(&b, equal, &err));
    ck_assert_ok(qt_build_measure(&b, 0, 3, &err));
    ck_assert_ok(qt_build_end_block(&b, &err));
    qt_circuit *c = end(&b);
    qt_sim_result *r = run(c, (qt_sim_options){.shots = 5});
    ck_assert_int_eq(r->counts[0].key[66], '1');
    ck_assert_int_eq(r->counts[0].key[0], '1');
    qt_sim_result_free(r);
    qt_circuit_free(c);
}
END_TEST

/* A mid-circuit measurement of many qubits at once, each outcome followed by itself. */
START_TEST(teleport_many) {
    qt_err err;
    qt_builder b;
    begin(&b, 8);
    add_bits(&b, "c", 8);
    for (uint32_t q = 0; q < 4; q++) {
        gate(&b, QT_GATE_H, q);
        cx(&b, q, q + 4);
    }
    for (uint32_t q = 0; q < 4; q++) {
        ck_assert_ok(qt_build_measure(&b, q, q, &err));
    }
    for (uint32_t q = 0; q < 4; q++) {
        uint32_t bit = 0;
        qt_expr e = {.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1, .u = {q, 0}};
        ck_assert_ok(qt_build_expr(&b, e, &bit, &err));
        ck_assert_ok(qt_build_if(&b, bit, &err));
        gate(&b, QT_GATE_X, q + 4);
        ck_assert_ok(qt_build_end_block(&b, &err));
        ck_assert_ok(qt_build_measure(&b, q + 4, q + 4, &err));
    }
    qt_circuit *c = end(&b);
    for (qt_sim_method m = QT_SIM_STATEVECTOR; m <= QT_SIM_STABILIZER; m++) {
        qt_sim_result *r = run(c, (qt_sim_options){.shots = 1600, .seed = 2, .method = m});
        ck_assert_uint_eq(r->count_count, 16);
        for (size_t i = 0; i < 16; i++) {
            ck_assert_int_eq(strncmp(r->counts[i].key, "0000", 4), 0);
            ck_assert_uint_gt(r->counts[i].count, 51);
            ck_assert_uint_lt(r->counts[i].count, 149);
        }
        qt_sim_result_free(r);
    }
    qt_circuit_free(c);
}
END_TEST

START_TEST(stabilizer_allocation_failures) {
    qt_circuit *c = ghz(20);
    qt_sim_options o = {.shots = 50, .seed = 1};
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_sim_result *result = NULL;
        qt_code code = qt_sim_run(c, &o, &result, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
        qt_sim_result_free(result);
    }
    qt_circuit_free(c);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim limits");
    TCase *tc = tcase_create("limits");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, ghz_of_1000_qubits);
    tcase_add_test(tc, many_random_bits);
    tcase_add_test(tc, auto_picks_a_method);
    tcase_add_test(tc, too_many_qubits);
    tcase_add_test(tc, memory_limit);
    tcase_add_test(tc, unsuitable_methods);
    tcase_add_test(tc, idle_qubits_cost_nothing);
    tcase_add_test(tc, key_format);
    tcase_add_test(tc, hidden_bits_are_left_out);
    tcase_add_test(tc, wide_condition);
    tcase_add_test(tc, teleport_many);
    tcase_add_test(tc, stabilizer_allocation_failures);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
