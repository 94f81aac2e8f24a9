/* Classical values: types, widths, operators, functions. */
#include "sim/value.h"
#include "testlib.h"

#include <math.h>

static qt_arena arena;

static void open_arena(void) {
    qt_arena_init(&arena, 0);
}

static void close_arena(void) {
    qt_arena_done(&arena);
}

static qt_value binary(qt_operator op, qt_value a, qt_value b, qt_type type, uint32_t width) {
    qt_err err;
    qt_value r;
    ck_assert_ok(qt_value_binary(op, &a, &b, type, width, &arena, &r, &err));
    return r;
}

static qt_value unary(qt_operator op, qt_value a, qt_type type, uint32_t width) {
    qt_err err;
    qt_value r;
    ck_assert_ok(qt_value_unary(op, &a, type, width, &arena, &r, &err));
    return r;
}

static qt_value cast(qt_value a, qt_type type, uint32_t width) {
    qt_err err;
    qt_value r;
    ck_assert_ok(qt_value_cast(&a, type, width, &arena, &r, &err));
    return r;
}

static qt_value call(qt_func func, qt_value a, qt_value b, qt_type type, uint32_t width) {
    qt_err err;
    qt_value r;
    ck_assert_ok(qt_value_call(func, &a, &b, type, width, &arena, &r, &err));
    return r;
}

static qt_value i8(int64_t i) {
    return qt_value_int(QT_TYPE_INT, 8, (uint64_t)i);
}

static qt_value u8(uint64_t u) {
    return qt_value_int(QT_TYPE_UINT, 8, u);
}

static qt_value real(double f) {
    return qt_value_float(QT_TYPE_FLOAT, f);
}

static qt_value wide(uint64_t low, uint64_t high) {
    uint64_t *words = qt_arena_alloc(&arena, 2 * sizeof *words);
    words[0] = low;
    words[1] = high;
    return (qt_value){.type = QT_TYPE_BIT, .width = 100, .words = words};
}

static void check_wide(qt_value v, uint64_t low, uint64_t high) {
    ck_assert_ptr_nonnull(v.words);
    ck_assert_uint_eq(v.words[0], low);
    ck_assert_uint_eq(v.words[1], high);
}

START_TEST(integers_wrap) {
    ck_assert_int_eq(qt_value_int64(&(qt_value){.type = QT_TYPE_INT, .width = 8, .u = 5}), 5);
    qt_value v = binary(QT_OPERATOR_ADD, i8(127), i8(1), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), -128);
    v = binary(QT_OPERATOR_ADD, u8(255), u8(1), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 0);
    v = binary(QT_OPERATOR_SUB, u8(0), u8(1), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 255);
    v = unary(QT_OPERATOR_NEG, i8(5), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), -5);
    v = unary(QT_OPERATOR_BIT_NOT, u8(0x0F), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 0xF0);
}
END_TEST

START_TEST(division) {
    qt_err err;
    qt_value r;
    qt_value zero = i8(0);
    qt_value one = i8(1);
    qt_value v = binary(QT_OPERATOR_DIV, i8(-7), i8(2), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), -3);
    v = binary(QT_OPERATOR_MOD, i8(-7), i8(2), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), -1);
    v = binary(QT_OPERATOR_DIV, qt_value_int(QT_TYPE_INT, 64, UINT64_C(1) << 63), i8(-1),
               QT_TYPE_INT, 64);
    ck_assert_int_eq(qt_value_int64(&v), INT64_MIN);
    ck_assert_int_eq(
        qt_value_binary(QT_OPERATOR_DIV, &one, &zero, QT_TYPE_INT, 8, &arena, &r, &err),
        QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_RUN_ERROR);
    v = binary(QT_OPERATOR_POW, i8(3), i8(4), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 81);
    v = binary(QT_OPERATOR_POW, i8(-1), i8(-3), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), -1);
}
END_TEST

START_TEST(shifts) {
    qt_value v = binary(QT_OPERATOR_SHL, u8(0x81), u8(1), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 2);
    v = binary(QT_OPERATOR_SHR, i8(-8), u8(1), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), -4);
    v = binary(QT_OPERATOR_SHR, u8(0x80), u8(200), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 0);
    v = call(QT_FUNC_ROTL, u8(0x81), u8(1), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 3);
    v = call(QT_FUNC_ROTR, u8(0x81), u8(9), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 0xC0);
    v = call(QT_FUNC_POPCOUNT, i8(-1), u8(0), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 8);
    v = call(QT_FUNC_ABS, i8(-9), u8(0), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 9);
}
END_TEST

static bool holds(qt_operator op, qt_value a, qt_value b) {
    qt_value r = binary(op, a, b, QT_TYPE_BOOL, 1);
    return qt_value_true(&r);
}

START_TEST(comparisons) {
    ck_assert(holds(QT_OPERATOR_LT, i8(-1), u8(0)));
    ck_assert(holds(QT_OPERATOR_LT, i8(-2), i8(-1)));
    ck_assert(holds(QT_OPERATOR_GE, u8(255), i8(-1)));
    ck_assert(holds(QT_OPERATOR_EQ, u8(3), real(3)));
    ck_assert(holds(QT_OPERATOR_NE, real(NAN), real(NAN)));
    ck_assert(!holds(QT_OPERATOR_LE, real(NAN), real(1)));
    ck_assert(holds(QT_OPERATOR_GT, wide(0, 1), u8(255)));
    ck_assert(holds(QT_OPERATOR_EQ, wide(7, 0), u8(7)));
    ck_assert(holds(QT_OPERATOR_LT, i8(-1), wide(0, 0)));
    ck_assert(holds(QT_OPERATOR_AND, u8(2), i8(-1)));
    ck_assert(!holds(QT_OPERATOR_OR, u8(0), real(0)));
}
END_TEST

START_TEST(wide_bits) {
    const uint64_t all = ~UINT64_C(0);
    const uint64_t top = (UINT64_C(1) << 36) - 1; /* 100 bits */
    check_wide(unary(QT_OPERATOR_BIT_NOT, wide(0, 0), QT_TYPE_BIT, 100), all, top);
    check_wide(binary(QT_OPERATOR_ADD, wide(all, 0), u8(1), QT_TYPE_BIT, 100), 0, 1);
    check_wide(binary(QT_OPERATOR_SUB, wide(0, 1), u8(1), QT_TYPE_BIT, 100), all, 0);
    check_wide(binary(QT_OPERATOR_SHL, wide(3, 0), u8(63), QT_TYPE_BIT, 100), UINT64_C(1) << 63, 1);
    check_wide(binary(QT_OPERATOR_SHR, wide(0, 3), u8(1), QT_TYPE_BIT, 100), UINT64_C(1) << 63, 1);
    check_wide(binary(QT_OPERATOR_SHL, wide(3, 0), u8(100), QT_TYPE_BIT, 100), 0, 0);
    check_wide(binary(QT_OPERATOR_BIT_XOR, wide(5, 1), wide(1, 1), QT_TYPE_BIT, 100), 4, 0);
    check_wide(binary(QT_OPERATOR_BIT_AND, wide(5, 1), u8(4), QT_TYPE_BIT, 100), 4, 0);
    check_wide(binary(QT_OPERATOR_BIT_OR, wide(5, 1), u8(2), QT_TYPE_BIT, 100), 7, 1);
    check_wide(call(QT_FUNC_ROTL, wide(0, UINT64_C(1) << 35), u8(1), QT_TYPE_BIT, 100), 1, 0);
    check_wide(call(QT_FUNC_ROTR, wide(1, 0), u8(1), QT_TYPE_BIT, 100), 0, UINT64_C(1) << 35);
    qt_value v = call(QT_FUNC_POPCOUNT, wide(7, 1), u8(0), QT_TYPE_UINT, 32);
    ck_assert_int_eq(qt_value_int64(&v), 4);
    v = wide(0, 1);
    ck_assert(qt_value_bit(&v, 64));
    ck_assert(!qt_value_bit(&v, 65));
    ck_assert(!qt_value_bit(&v, 1000));
    ck_assert_double_eq(qt_value_double(&v), 0x1p64);
    qt_err err;
    qt_value two = u8(2);
    qt_code code = qt_value_binary(QT_OPERATOR_MUL, &v, &two, QT_TYPE_BIT, 100, &arena, &v, &err);
    ck_assert_int_eq(code, QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_UNSUPPORTED);
}
END_TEST

START_TEST(casts) {
    qt_value v = cast(real(-3.9), QT_TYPE_INT, 8);
    ck_assert_int_eq(qt_value_int64(&v), -3);
    v = cast(real(1e30), QT_TYPE_INT, 64);
    ck_assert_int_eq(qt_value_int64(&v), INT64_MAX);
    v = cast(real(NAN), QT_TYPE_INT, 64);
    ck_assert_int_eq(qt_value_int64(&v), 0);
    v = cast(i8(-1), QT_TYPE_UINT, 4);
    ck_assert_int_eq(qt_value_int64(&v), 15);
    v = cast(u8(200), QT_TYPE_BOOL, 1);
    ck_assert_int_eq(qt_value_int64(&v), 1);
    v = cast(qt_value_int(QT_TYPE_BIT, 3, 7), QT_TYPE_INT, 3);
    ck_assert_int_eq(qt_value_int64(&v), -1);
    v = cast(wide(9, 1), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 9);
    check_wide(cast(i8(-1), QT_TYPE_BIT, 100), ~UINT64_C(0), (UINT64_C(1) << 36) - 1);
    v = cast(i8(-2), QT_TYPE_FLOAT, 64);
    ck_assert_double_eq(v.f, -2);
}
END_TEST

START_TEST(angles) {
    qt_value a = qt_value_float(QT_TYPE_ANGLE, 3 * M_PI);
    ck_assert_double_eq_tol(a.f, M_PI, 1e-12);
    a = qt_value_float(QT_TYPE_ANGLE, -M_PI_2);
    ck_assert_double_eq_tol(a.f, 3 * M_PI_2, 1e-12);
    qt_value v = binary(QT_OPERATOR_ADD, a, qt_value_float(QT_TYPE_ANGLE, M_PI), QT_TYPE_ANGLE, 8);
    ck_assert_double_eq_tol(v.f, M_PI_2, 1e-12);
    v = binary(QT_OPERATOR_DIV, a, qt_value_float(QT_TYPE_ANGLE, M_PI_2), QT_TYPE_UINT, 8);
    ck_assert_int_eq(qt_value_int64(&v), 3);
    v = cast(qt_value_int(QT_TYPE_BIT, 4, 4), QT_TYPE_ANGLE, 4); /* 4/16 of a turn */
    ck_assert_double_eq_tol(v.f, M_PI_2, 1e-12);
    v = cast(v, QT_TYPE_BIT, 4);
    ck_assert_int_eq(qt_value_int64(&v), 4);
    v = cast(qt_value_int(QT_TYPE_BIT, 4, 4), QT_TYPE_ANGLE, 4);
    v = binary(QT_OPERATOR_SHL, v, u8(1), QT_TYPE_ANGLE, 4);
    ck_assert_double_eq_tol(v.f, M_PI, 1e-12);
    v = unary(QT_OPERATOR_NEG, v, QT_TYPE_ANGLE, 4);
    ck_assert_double_eq_tol(v.f, M_PI, 1e-12);
}
END_TEST

START_TEST(functions) {
    const struct {
        qt_func func;
        double (*expected)(double);
    } cases[] = {{QT_FUNC_SIN, sin},      {QT_FUNC_COS, cos},     {QT_FUNC_TAN, tan},
                 {QT_FUNC_ARCSIN, asin},  {QT_FUNC_ARCCOS, acos}, {QT_FUNC_ARCTAN, atan},
                 {QT_FUNC_EXP, exp},      {QT_FUNC_LOG, log},     {QT_FUNC_SQRT, sqrt},
                 {QT_FUNC_CEILING, ceil}, {QT_FUNC_FLOOR, floor}, {QT_FUNC_ABS, fabs}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        qt_value v = call(cases[i].func, real(0.7), real(0), QT_TYPE_FLOAT, 64);
        ck_assert_double_eq(v.f, cases[i].expected(0.7));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("value");
    TCase *tc = tcase_create("value");
    tcase_add_checked_fixture(tc, open_arena, close_arena);
    tcase_add_test(tc, integers_wrap);
    tcase_add_test(tc, division);
    tcase_add_test(tc, shifts);
    tcase_add_test(tc, comparisons);
    tcase_add_test(tc, wide_bits);
    tcase_add_test(tc, casts);
    tcase_add_test(tc, angles);
    tcase_add_test(tc, functions);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
