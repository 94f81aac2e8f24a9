/* The Adaptive profile: blocks, phi nodes, flags; what cannot be expressed is named. */
#include "base/cleanup.h"
#include "circuit/builder.h"
#include "qir/qir.h"
#include "suites.h"

#include <string.h>

typedef void build_fn(qt_builder *b);

static qt_err err;

static qt_circuit *build(build_fn *fn) {
    qt_builder b;
    ck_assert_ok(qt_builder_init(&b, &qt_circuit_default_limits, &err));
    uint32_t reg = 0;
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, "q", 2, &reg, &err));
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_BIT, "c", 2, &reg, &err));
    fn(&b);
    qt_circuit *circuit = NULL;
    ck_assert_ok(qt_builder_finish(&b, &circuit, &err));
    qt_builder_done(&b);
    return circuit;
}

static uint32_t expr(qt_builder *b, qt_expr e) {
    uint32_t index = 0;
    ck_assert_ok(qt_build_expr(b, e, &index, &err));
    return index;
}

static uint32_t int_expr(qt_builder *b, qt_type type, uint32_t width, int64_t i) {
    return expr(b, (qt_expr){.kind = QT_EXPR_INT, .type = (uint8_t)type, .width = width, .i = i});
}

static uint32_t bit_expr(qt_builder *b, uint32_t bit) {
    return expr(b, (qt_expr){.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1, .u = {bit, 0}});
}

static uint32_t var_expr(qt_builder *b, uint32_t variable, qt_type type, uint32_t width) {
    return expr(
        b,
        (qt_expr){.kind = QT_EXPR_VAR, .type = (uint8_t)type, .width = width, .u = {variable, 0}});
}

static uint32_t binary(qt_builder *b, qt_operator op, qt_type type, uint32_t width, uint32_t left,
                       uint32_t right) {
    return expr(b, (qt_expr){.kind = QT_EXPR_BINARY,
                             .op = (uint8_t)op,
                             .type = (uint8_t)type,
                             .width = width,
                             .u = {left, right}});
}

static void gate1(qt_builder *b, qt_gate gate, uint32_t qubit) {
    ck_assert_ok(qt_build_gate(b, gate, &qubit, 0, NULL, &err));
}

static qt_buf written(build_fn *fn, qt_qir_info *ret_info) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(fn);
    qt_buf text = {0};
    ck_assert_ok(
        qt_qir_write(circuit, &(qt_qir_options){.version = QT_QIR_2_0}, &text, ret_info, &err));
    ck_assert_int_eq(ret_info->profile, QT_QIR_ADAPTIVE);
    return text;
}

static void if_equal(qt_builder *b) {
    ck_assert_ok(qt_build_measure(b, 0, 0, &err));
    ck_assert_ok(qt_build_measure(b, 1, 1, &err));
    uint32_t reg =
        expr(b, (qt_expr){.kind = QT_EXPR_REG, .type = QT_TYPE_BIT, .width = 2, .u = {1, 0}});
    uint32_t two = int_expr(b, QT_TYPE_UINT, 64, 2);
    ck_assert_ok(qt_build_if(b, binary(b, QT_OPERATOR_EQ, QT_TYPE_BOOL, 1, reg, two), &err));
    gate1(b, QT_GATE_X, 0);
    ck_assert_ok(qt_build_end_block(b, &err));
}

START_TEST(test_if_needs_no_integers) {
    qt_qir_info info;
    QT_CLEANUP(qt_buf_done) qt_buf text = written(if_equal, &info);
    ck_assert(!info.int_computations);
    ck_assert_uint_eq(info.backwards_branching, 0);
    ck_assert_ptr_nonnull(
        strstr(text.data, "  %t0 = call i1 @__quantum__qis__read_result__body(ptr readonly null)\n"
                          "  %t1 = xor i1 %t0, true\n"
                          "  %t2 = call i1 @__quantum__qis__read_result__body("
                          "ptr readonly inttoptr (i64 1 to ptr))\n"
                          "  %t3 = and i1 %t1, %t2\n"
                          "  br i1 %t3, label %b1, label %b0\n"));
}
END_TEST

static void repeat_until_zero(qt_builder *b) {
    uint32_t tries = 0;
    ck_assert_ok(qt_build_variable(b, "tries", QT_TYPE_INT, 32, &tries, &err));
    ck_assert_ok(
        qt_build_assign(b, QT_LVALUE_BIT, 0, int_expr(b, QT_TYPE_BOOL, 1, 1), QT_NO_INDEX, &err));
    ck_assert_ok(qt_build_while(b, bit_expr(b, 0), &err));
    gate1(b, QT_GATE_H, 0);
    ck_assert_ok(qt_build_measure(b, 0, 0, &err));
    uint32_t old = var_expr(b, tries, QT_TYPE_INT, 32);
    uint32_t next =
        binary(b, QT_OPERATOR_ADD, QT_TYPE_INT, 32, old, int_expr(b, QT_TYPE_INT, 32, 1));
    ck_assert_ok(qt_build_assign(b, QT_LVALUE_VAR, tries, next, QT_NO_INDEX, &err));
    uint32_t many = binary(b, QT_OPERATOR_GT, QT_TYPE_BOOL, 1, var_expr(b, tries, QT_TYPE_INT, 32),
                           int_expr(b, QT_TYPE_INT, 32, 9));
    ck_assert_ok(qt_build_if(b, many, &err));
    ck_assert_ok(qt_build_break(b, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
}

START_TEST(test_while) {
    qt_qir_info info;
    QT_CLEANUP(qt_buf_done) qt_buf text = written(repeat_until_zero, &info);
    ck_assert(info.int_computations);
    ck_assert_uint_eq(info.backwards_branching, 2);
    ck_assert_ptr_nonnull(strstr(text.data, "= phi i1 [ true, %body ], [ %t"));
    ck_assert_ptr_nonnull(strstr(text.data, "= phi i64 [ 0, %body ], [ %t"));
    ck_assert_ptr_nonnull(strstr(text.data, "bool_record_output(i1 %t"));
    ck_assert_ptr_nonnull(strstr(text.data, "!{i32 1, !\"backwards_branching\", i2 -2}"));
    ck_assert_ptr_nonnull(strstr(text.data, "!{i32 5, !\"int_computations\", !6}"));
    ck_assert_ptr_nonnull(strstr(text.data, "!6 = !{!\"i64\"}"));
}
END_TEST

static void for_and_switch(qt_builder *b) {
    uint32_t i = 0;
    ck_assert_ok(qt_build_variable(b, "i", QT_TYPE_INT, 32, &i, &err));
    qt_loop loop = {.first = int_expr(b, QT_TYPE_INT, 32, 3),
                    .step = int_expr(b, QT_TYPE_INT, 32, -1),
                    .last = int_expr(b, QT_TYPE_INT, 32, 0)};
    ck_assert_ok(qt_build_for(b, i, loop, &err));
    ck_assert_ok(qt_build_switch(b, var_expr(b, i, QT_TYPE_INT, 32), &err));
    ck_assert_ok(qt_build_case(b, (int64_t[]){0, 2}, 2, &err));
    gate1(b, QT_GATE_X, 0);
    ck_assert_ok(qt_build_case(b, NULL, 0, &err));
    ck_assert_ok(qt_build_continue(b, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
    ck_assert_ok(qt_build_measure(b, 0, QT_NO_INDEX, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
}

START_TEST(test_for_and_switch) {
    qt_qir_info info;
    QT_CLEANUP(qt_buf_done) qt_buf text = written(for_and_switch, &info);
    ck_assert_uint_eq(info.backwards_branching, 1);
    ck_assert(info.multiple_target_branching);
    ck_assert_uint_eq(info.num_results, 3);
    ck_assert_ptr_nonnull(strstr(text.data, "icmp sge i64 %t"));
    ck_assert_ptr_nonnull(strstr(text.data, "    i64 2, label %b"));
}
END_TEST

static void rotate_by_bits(qt_builder *b) {
    ck_assert_ok(qt_build_measure(b, 0, 0, &err));
    uint32_t angle = expr(
        b, (qt_expr){
               .kind = QT_EXPR_CAST, .type = QT_TYPE_FLOAT, .width = 64, .u = {bit_expr(b, 0), 0}});
    ck_assert_ok(qt_build_gate_dynamic(b, QT_GATE_P, (uint32_t[]){0, 1}, 1, &angle, &err));
}

START_TEST(test_float) {
    qt_qir_info info;
    QT_CLEANUP(qt_buf_done) qt_buf text = written(rotate_by_bits, &info);
    ck_assert(info.float_computations);
    ck_assert(!info.int_computations);
    ck_assert_ptr_nonnull(strstr(text.data, "= phi double [ 0x3FF0000000000000, %b0 ]"));
    ck_assert_ptr_nonnull(strstr(text.data, "rz__body(double %t"));
    ck_assert_ptr_null(strstr(text.data, "uitofp"));
}
END_TEST

static void sine(qt_builder *b) {
    uint32_t x = 0;
    ck_assert_ok(qt_build_variable(b, "x", QT_TYPE_FLOAT, 64, &x, &err));
    uint32_t call = expr(b, (qt_expr){.kind = QT_EXPR_CALL,
                                      .op = QT_FUNC_SIN,
                                      .type = QT_TYPE_FLOAT,
                                      .width = 64,
                                      .u = {var_expr(b, x, QT_TYPE_FLOAT, 64), 0}});
    ck_assert_ok(qt_build_gate_dynamic(b, QT_GATE_RX, (uint32_t[]){0}, 0, &call, &err));
}

static void float_to_int(qt_builder *b) {
    uint32_t x = 0;
    uint32_t n = 0;
    ck_assert_ok(qt_build_variable(b, "x", QT_TYPE_FLOAT, 64, &x, &err));
    ck_assert_ok(qt_build_variable(b, "n", QT_TYPE_INT, 32, &n, &err));
    uint32_t cast = expr(b, (qt_expr){.kind = QT_EXPR_CAST,
                                      .type = QT_TYPE_INT,
                                      .width = 32,
                                      .u = {var_expr(b, x, QT_TYPE_FLOAT, 64), 0}});
    ck_assert_ok(qt_build_assign(b, QT_LVALUE_VAR, n, cast, QT_NO_INDEX, &err));
}

static const struct {
    build_fn *build;
    const char *what;
} refused[] = {{sine, "the function sin"}, {float_to_int, "an integer from a float"}};

START_TEST(test_refused) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(refused[_i].build);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    ck_assert_int_eq(qt_qir_write(circuit, &(qt_qir_options){0}, &text, NULL, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_UNSUPPORTED);
    ck_assert_msg(strstr(err.msg, refused[_i].what) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_failures) {
    build_fn *const programs[] = {if_equal, repeat_until_zero, for_and_switch, rotate_by_bits};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(programs[_i]);
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        qt_code code = qt_qir_write(circuit, &(qt_qir_options){0}, &text, NULL, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

TCase *case_adaptive(void) {
    TCase *c = tcase_create("adaptive");
    tcase_add_test(c, test_if_needs_no_integers);
    tcase_add_test(c, test_while);
    tcase_add_test(c, test_for_and_switch);
    tcase_add_test(c, test_float);
    tcase_add_loop_test(c, test_refused, 0, (int)QT_ARRAY_LEN(refused));
    tcase_add_loop_test(c, test_failures, 0, 4);
    return c;
}
