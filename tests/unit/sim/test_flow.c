/* Control flow, assignments and limits, on circuits with a known outcome. */
#include "circuit/builder.h"
#include "sim/sim.h"
#include "testlib.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A circuit under construction: registers q (qubits) and c (8 bits), a variable v. */
typedef struct fixture {
    qt_builder b;
    uint32_t q, c, v;
} fixture;

enum { C_BITS = 8 };

static void begin(fixture *f, uint32_t qubits) {
    qt_err err;
    ck_assert_ok(qt_builder_init(&f->b, &qt_circuit_default_limits, &err));
    ck_assert_ok(qt_build_register(&f->b, QT_REGISTER_QUBIT, "q", qubits, &f->q, &err));
    ck_assert_ok(qt_build_register(&f->b, QT_REGISTER_BIT, "c", C_BITS, &f->c, &err));
    ck_assert_ok(qt_build_variable(&f->b, "v", QT_TYPE_INT, 32, &f->v, &err));
}

static qt_circuit *end(fixture *f) {
    qt_err err;
    qt_circuit *circuit = NULL;
    ck_assert_ok(qt_builder_finish(&f->b, &circuit, &err));
    qt_builder_done(&f->b);
    ck_assert_ok(qt_circuit_validate(circuit, &err));
    return circuit;
}

static uint32_t expr(fixture *f, qt_expr e) {
    qt_err err;
    uint32_t at = 0;
    ck_assert_ok(qt_build_expr(&f->b, e, &at, &err));
    return at;
}

static uint32_t number(fixture *f, int64_t i) {
    return expr(f, (qt_expr){.kind = QT_EXPR_INT, .type = QT_TYPE_INT, .width = 32, .i = i});
}

static uint32_t real(fixture *f, double d) {
    return expr(f, (qt_expr){.kind = QT_EXPR_FLOAT, .type = QT_TYPE_FLOAT, .width = 64, .f = d});
}

static uint32_t variable(fixture *f) {
    return expr(f,
                (qt_expr){.kind = QT_EXPR_VAR, .type = QT_TYPE_INT, .width = 32, .u = {f->v, 0}});
}

static uint32_t bit(fixture *f, uint32_t clbit) {
    return expr(f,
                (qt_expr){.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1, .u = {clbit, 0}});
}

static uint32_t binary(fixture *f, qt_operator op, uint32_t a, uint32_t b) {
    qt_type type = op >= QT_OPERATOR_NOT ? QT_TYPE_BOOL : QT_TYPE_INT;
    return expr(f, (qt_expr){.kind = QT_EXPR_BINARY,
                             .op = (uint8_t)op,
                             .type = (uint8_t)type,
                             .width = 32,
                             .u = {a, b}});
}

static void set_variable(fixture *f, uint32_t value) {
    qt_err err;
    ck_assert_ok(qt_build_assign(&f->b, QT_LVALUE_VAR, f->v, value, QT_NO_INDEX, &err));
}

/* v = v + n */
static void add(fixture *f, int64_t n) {
    set_variable(f, binary(f, QT_OPERATOR_ADD, variable(f), number(f, n)));
}

/* c = v */
static void show(fixture *f) {
    qt_err err;
    ck_assert_ok(qt_build_assign(&f->b, QT_LVALUE_REG, f->c, variable(f), QT_NO_INDEX, &err));
}

static void gate(fixture *f, qt_gate g, uint32_t qubit) {
    qt_err err;
    ck_assert_ok(qt_build_gate(&f->b, g, &qubit, 0, NULL, &err));
}

static void measure(fixture *f, uint32_t qubit, uint32_t clbit) {
    qt_err err;
    ck_assert_ok(qt_build_measure(&f->b, qubit, clbit, &err));
}

static qt_sim_result *run(const qt_circuit *c, uint32_t shots) {
    qt_err err;
    qt_sim_options o = {.shots = shots, .seed = 11};
    qt_sim_result *result = NULL;
    ck_assert_ok(qt_sim_run(c, &o, &result, &err));
    return result;
}

/* The one outcome of a circuit. */
static void check_certain(fixture *f, const char *key) {
    qt_circuit *c = end(f);
    qt_sim_result *result = run(c, 10);
    ck_assert_uint_eq(result->count_count, 1);
    ck_assert_str_eq(result->counts[0].key, key);
    ck_assert_uint_eq(result->counts[0].count, 10);
    qt_sim_result_free(result);
    qt_circuit_free(c);
}

static qt_code run_fails(fixture *f, qt_sim_options o, qt_err *ret_err) {
    qt_circuit *c = end(f);
    qt_sim_result *result = NULL;
    qt_code code = qt_sim_run(c, &o, &result, ret_err);
    ck_assert_int_ne(code, QT_OK);
    ck_assert_ptr_null(result);
    qt_circuit_free(c);
    return code;
}

START_TEST(for_with_step) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    uint32_t i = 0;
    ck_assert_ok(qt_build_variable(&f.b, "i", QT_TYPE_INT, 32, &i, &err));
    qt_loop loop = {number(&f, 10), number(&f, -3), number(&f, 1)}; /* 10 7 4 1 */
    ck_assert_ok(qt_build_for(&f.b, i, loop, &err));
    uint32_t at =
        expr(&f, (qt_expr){.kind = QT_EXPR_VAR, .type = QT_TYPE_INT, .width = 32, .u = {i, 0}});
    set_variable(&f, binary(&f, QT_OPERATOR_ADD, variable(&f), at));
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    show(&f);
    check_certain(&f, "00010110"); /* 22 */
}
END_TEST

START_TEST(for_that_never_runs) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    uint32_t i = 0;
    ck_assert_ok(qt_build_variable(&f.b, "i", QT_TYPE_UINT, 8, &i, &err));
    qt_loop loop = {number(&f, 3), QT_NO_INDEX, number(&f, 2)};
    ck_assert_ok(qt_build_for(&f.b, i, loop, &err));
    add(&f, 1);
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    show(&f);
    check_certain(&f, "00000000");
}
END_TEST

/* v counts to 5, skipping the addition of 16 when it is 3, and leaves at 5. */
START_TEST(while_break_continue) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    uint32_t yes =
        expr(&f, (qt_expr){.kind = QT_EXPR_INT, .type = QT_TYPE_BOOL, .width = 1, .i = 1});
    uint32_t i = 0;
    ck_assert_ok(qt_build_variable(&f.b, "i", QT_TYPE_INT, 32, &i, &err));
    ck_assert_ok(qt_build_while(&f.b, yes, &err));
    uint32_t at =
        expr(&f, (qt_expr){.kind = QT_EXPR_VAR, .type = QT_TYPE_INT, .width = 32, .u = {i, 0}});
    uint32_t next = binary(&f, QT_OPERATOR_ADD, at, number(&f, 1));
    ck_assert_ok(qt_build_assign(&f.b, QT_LVALUE_VAR, i, next, QT_NO_INDEX, &err));
    ck_assert_ok(qt_build_if(&f.b, binary(&f, QT_OPERATOR_EQ, at, number(&f, 5)), &err));
    ck_assert_ok(qt_build_break(&f.b, &err));
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    ck_assert_ok(qt_build_if(&f.b, binary(&f, QT_OPERATOR_EQ, at, number(&f, 3)), &err));
    ck_assert_ok(qt_build_continue(&f.b, &err));
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    add(&f, 16);
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    show(&f);
    check_certain(&f, "00110000"); /* 3 * 16: for 1, 2 and 4 */
}
END_TEST

static void add_case(fixture *f, const int64_t *values, size_t count, int64_t n) {
    qt_err err;
    ck_assert_ok(qt_build_case(&f->b, values, count, &err));
    add(f, n);
}

static void check_switch(int64_t value, const char *key) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    ck_assert_ok(qt_build_switch(&f.b, number(&f, value), &err));
    add_case(&f, (const int64_t[]){1, 7}, 2, 1);
    add_case(&f, (const int64_t[]){-2}, 1, 2);
    add_case(&f, NULL, 0, 4);
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    show(&f);
    check_certain(&f, key);
}

START_TEST(switch_cases) {
    check_switch(1, "00000001");
    check_switch(7, "00000001");
    check_switch(-2, "00000010");
    check_switch(3, "00000100");
}
END_TEST

START_TEST(if_else_end) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    ck_assert_ok(qt_build_if(&f.b, binary(&f, QT_OPERATOR_LT, number(&f, 1), number(&f, 0)), &err));
    add(&f, 1);
    ck_assert_ok(qt_build_else(&f.b, &err));
    add(&f, 2);
    show(&f);
    ck_assert_ok(qt_build_end(&f.b, &err));
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    add(&f, 4);
    show(&f);
    check_certain(&f, "00000010");
}
END_TEST

/* END in a block, with a tail of measurements behind it that must not run. */
START_TEST(end_before_the_tail) {
    qt_err err;
    fixture f;
    begin(&f, 2);
    gate(&f, QT_GATE_X, 0);
    measure(&f, 0, 0);
    ck_assert_ok(qt_build_if(&f.b, bit(&f, 0), &err));
    ck_assert_ok(qt_build_end(&f.b, &err));
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    gate(&f, QT_GATE_X, 1);
    measure(&f, 1, 1);
    check_certain(&f, "00000001");
}
END_TEST

/* Repeat until success: ends after about two turns, each outcome of the second bit as likely. */
START_TEST(while_over_measurements) {
    qt_err err;
    fixture f;
    begin(&f, 2);
    gate(&f, QT_GATE_H, 0);
    measure(&f, 0, 0);
    ck_assert_ok(qt_build_while(&f.b, bit(&f, 0), &err));
    add(&f, 1);
    ck_assert_ok(qt_build_reset(&f.b, 0, &err));
    gate(&f, QT_GATE_H, 0);
    measure(&f, 0, 0);
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    show(&f);
    qt_circuit *c = end(&f);
    qt_sim_result *result = run(c, 40000);
    double expected = 20000;
    ck_assert_str_eq(result->counts[0].key, "00000000");
    for (size_t i = 0; i < 6; i++, expected /= 2) {
        ck_assert_double_le(fabs(result->counts[i].count - expected), 5 * sqrt(expected));
    }
    qt_sim_result_free(result);
    qt_circuit_free(c);
}
END_TEST

/* The angle is pi * (bit + 1): the qubit turns back when the bit is 1. */
START_TEST(angle_from_a_bit) {
    qt_err err;
    for (uint32_t one = 0; one < 2; one++) {
        fixture f;
        begin(&f, 2);
        if (one == 1) {
            gate(&f, QT_GATE_X, 0);
        }
        measure(&f, 0, 0);
        uint32_t sum = expr(&f, (qt_expr){.kind = QT_EXPR_BINARY,
                                          .op = QT_OPERATOR_ADD,
                                          .type = QT_TYPE_FLOAT,
                                          .width = 64,
                                          .u = {bit(&f, 0), real(&f, 1)}});
        uint32_t angle = expr(&f, (qt_expr){.kind = QT_EXPR_BINARY,
                                            .op = QT_OPERATOR_MUL,
                                            .type = QT_TYPE_FLOAT,
                                            .width = 64,
                                            .u = {sum, real(&f, M_PI)}});
        uint32_t q = 1;
        ck_assert_ok(qt_build_gate_dynamic(&f.b, QT_GATE_RX, &q, 0, &angle, &err));
        measure(&f, 1, 1);
        check_certain(&f, one == 1 ? "00000001" : "00000010");
    }
}
END_TEST

START_TEST(assign_bits) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    set_variable(&f, number(&f, 5));
    ck_assert_ok(qt_build_assign(&f.b, QT_LVALUE_REG_AT, f.c, number(&f, 1), variable(&f), &err));
    ck_assert_ok(qt_build_assign(&f.b, QT_LVALUE_BIT, 0, number(&f, 1), QT_NO_INDEX, &err));
    uint32_t fifth = expr(
        &f, (qt_expr){
                .kind = QT_EXPR_REG_AT, .type = QT_TYPE_BIT, .width = 1, .u = {f.c, variable(&f)}});
    ck_assert_ok(qt_build_assign(&f.b, QT_LVALUE_BIT, 7, fifth, QT_NO_INDEX, &err));
    check_certain(&f, "10100001");
}
END_TEST

START_TEST(index_out_of_range) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    ck_assert_ok(qt_build_assign(&f.b, QT_LVALUE_REG_AT, f.c, number(&f, 1), number(&f, 8), &err));
    run_fails(&f, (qt_sim_options){.shots = 1}, &err);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_RUN_ERROR);
}
END_TEST

START_TEST(step_limit) {
    qt_err err;
    fixture f;
    begin(&f, 1);
    ck_assert_ok(
        qt_build_while(&f.b, binary(&f, QT_OPERATOR_LT, number(&f, 0), number(&f, 1)), &err));
    add(&f, 1);
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    run_fails(&f, (qt_sim_options){.shots = 1, .max_steps = 1000}, &err);
    ck_assert_int_eq(err.reason, QT_REASON_STEP_LIMIT);
}
END_TEST

typedef struct watcher {
    int calls, last_percent;
    bool backwards;
} watcher;

static bool cancel_third(void *self) {
    return ++((watcher *)self)->calls == 3;
}

static void see_progress(void *self, int percent) {
    watcher *w = self;
    w->backwards |= percent < w->last_percent;
    w->last_percent = percent;
}

START_TEST(cancel) {
    qt_err err;
    watcher w = {0};
    fixture f;
    begin(&f, 1);
    ck_assert_ok(
        qt_build_while(&f.b, binary(&f, QT_OPERATOR_LT, number(&f, 0), number(&f, 1)), &err));
    add(&f, 1);
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    qt_sim_options o = {.shots = 1, .max_steps = UINT64_MAX, .cancelled = cancel_third, .self = &w};
    qt_code code = run_fails(&f, o, &err);
    ck_assert_int_eq(code, QT_CANCELLED);
    ck_assert_int_eq(err.reason, QT_REASON_CALL_CANCELLED);
    ck_assert_int_eq(w.calls, 3);
}
END_TEST

START_TEST(progress) {
    qt_err err;
    watcher w = {0};
    fixture f;
    begin(&f, 12);
    for (uint32_t i = 0; i < 12; i++) {
        gate(&f, QT_GATE_H, i);
    }
    for (uint32_t i = 0; i < 8; i++) {
        measure(&f, i, i);
        gate(&f, QT_GATE_H, i);
    }
    measure(&f, 0, 0);
    qt_circuit *c = end(&f);
    qt_sim_options o = {.shots = 2000, .progress = see_progress, .self = &w};
    qt_sim_result *result = NULL;
    ck_assert_ok(qt_sim_run(c, &o, &result, &err));
    ck_assert_int_eq(w.last_percent, 100);
    ck_assert(!w.backwards);
    qt_sim_result_free(result);
    qt_circuit_free(c);
}
END_TEST

static qt_circuit *everything(void) {
    qt_err err;
    fixture f;
    begin(&f, 3);
    gate(&f, QT_GATE_H, 0);
    gate(&f, QT_GATE_T, 1);
    measure(&f, 0, 0);
    ck_assert_ok(qt_build_if(&f.b, bit(&f, 0), &err));
    add(&f, 1);
    gate(&f, QT_GATE_H, 1);
    ck_assert_ok(qt_build_end_block(&f.b, &err));
    measure(&f, 0, 1);
    measure(&f, 1, 2);
    gate(&f, QT_GATE_H, 1);
    ck_assert_ok(qt_build_reset(&f.b, 1, &err));
    gate(&f, QT_GATE_H, 2);
    measure(&f, 2, 3);
    return end(&f);
}

START_TEST(allocation_failures) {
    qt_circuit *c = everything();
    qt_sim_options o = {.shots = 50, .seed = 1};
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_sim_result *result = NULL;
        qt_code code = qt_sim_run(c, &o, &result, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
        ck_assert((code == QT_OK) == (result != NULL));
        qt_sim_result_free(result);
    }
    qt_circuit_free(c);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim flow");
    TCase *tc = tcase_create("flow");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, for_with_step);
    tcase_add_test(tc, for_that_never_runs);
    tcase_add_test(tc, while_break_continue);
    tcase_add_test(tc, switch_cases);
    tcase_add_test(tc, if_else_end);
    tcase_add_test(tc, end_before_the_tail);
    tcase_add_test(tc, while_over_measurements);
    tcase_add_test(tc, angle_from_a_bit);
    tcase_add_test(tc, assign_bits);
    tcase_add_test(tc, index_out_of_range);
    tcase_add_test(tc, step_limit);
    tcase_add_test(tc, cancel);
    tcase_add_test(tc, progress);
    tcase_add_test(tc, allocation_failures);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
