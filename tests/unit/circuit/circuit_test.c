/* The builder, the validator, statistics and the hash. */
#include "base/cleanup.h"
#include "circuit/builder.h"
#include "circuit/hash.h"
#include "testlib.h"

#include <math.h>
#include <string.h>

static qt_err err;

/* Two qubits and two bits. */
static void start(qt_builder *b) {
    uint32_t reg = 0;
    ck_assert_ok(qt_builder_init(b, &qt_circuit_default_limits, &err));
    ck_assert_ok(qt_build_register(b, QT_REGISTER_QUBIT, "q", 2, &reg, &err));
    ck_assert_ok(qt_build_register(b, QT_REGISTER_BIT, "c", 2, &reg, &err));
}

static qt_circuit *finish(qt_builder *b) {
    qt_circuit *circuit = NULL;
    ck_assert_ok(qt_builder_finish(b, &circuit, &err));
    qt_builder_done(b);
    return circuit;
}

static void gate(qt_builder *b, qt_gate g, uint32_t q0, uint32_t q1, size_t controls, double p) {
    const uint32_t qubits[2] = {q0, q1};
    const double params[3] = {p, p, p};
    ck_assert_ok(qt_build_gate(b, g, qubits, controls, params, &err));
}

static uint32_t bit_expr(qt_builder *b, uint32_t bit) {
    uint32_t index = 0;
    qt_expr e = {.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1, .u = {bit, 0}};
    ck_assert_ok(qt_build_expr(b, e, &index, &err));
    return index;
}

static qt_circuit_stats analyze(const qt_circuit *circuit) {
    qt_circuit_stats stats;
    ck_assert_ok(qt_circuit_validate(circuit, &err));
    ck_assert_ok(qt_circuit_analyze(circuit, &stats, &err));
    return stats;
}

START_TEST(counts_gates_and_depth) {
    qt_builder b;
    start(&b);
    gate(&b, QT_GATE_H, 0, 0, 0, 0);
    gate(&b, QT_GATE_X, 0, 1, 1, 0);
    gate(&b, QT_GATE_H, 0, 0, 0, 0);
    ck_assert_ok(qt_build_barrier(&b, NULL, 0, &err));
    gate(&b, QT_GATE_S, 1, 0, 0, 0);
    ck_assert_ok(qt_build_measure(&b, 0, 0, &err));
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = finish(&b);
    qt_circuit_stats s = analyze(c);
    ck_assert_uint_eq(s.gate_count, 4);
    ck_assert_uint_eq(s.gates[QT_GATE_H][0], 2);
    ck_assert_uint_eq(s.gates[QT_GATE_X][1], 1);
    ck_assert_uint_eq(s.two_qubit_count, 1);
    ck_assert_uint_eq(s.depth, 4); /* h, cx, h, then S and the measurement behind the barrier */
    ck_assert(s.clifford && s.has_measure && !s.dynamic);
}
END_TEST

typedef struct clifford_row {
    qt_gate gate;
    size_t controls;
    double param;
    bool clifford;
} clifford_row;

static const clifford_row clifford_rows[] = {
    {QT_GATE_T, 0, 0, false},          {QT_GATE_SX, 0, 0, true},
    {QT_GATE_RZ, 0, M_PI_2, true},     {QT_GATE_RZ, 0, M_PI_4, false},
    {QT_GATE_U, 0, M_PI_2, true},      {QT_GATE_U, 0, 0.1, false},
    {QT_GATE_H, 1, 0, false},          {QT_GATE_Y, 1, 0, true},
    {QT_GATE_P, 1, M_PI, true},        {QT_GATE_P, 1, M_PI_2, false},
    {QT_GATE_RZ, 1, M_PI, true},       {QT_GATE_GPHASE, 0, 0.3, true},
    {QT_GATE_GPHASE, 1, M_PI_2, true}, {QT_GATE_GPHASE, 1, 0.3, false},
    {QT_GATE_P, 0, -3 * M_PI_2, true}, {QT_GATE_RX, 0, 1e-13, true},
    {QT_GATE_ID, 1, 0, true},          {QT_GATE_S, 1, 0, false},
};

START_TEST(knows_clifford_gates) {
    const clifford_row *row = &clifford_rows[_i];
    qt_builder b;
    start(&b);
    gate(&b, row->gate, 0, 1, row->controls, row->param);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = finish(&b);
    ck_assert_msg(analyze(c).clifford == row->clifford, "%s with %zu controls and %g",
                  qt_gate_get_info(row->gate)->name, row->controls, row->param);
}
END_TEST

START_TEST(sees_what_is_dynamic) {
    for (int k = 0; k < 4; k++) {
        qt_builder b;
        start(&b);
        ck_assert_ok(qt_build_reset(&b, 1, &err)); /* of a fresh qubit: nothing */
        gate(&b, QT_GATE_H, 0, 0, 0, 0);
        ck_assert_ok(qt_build_measure(&b, 0, 0, &err));
        if (k == 1) {
            gate(&b, QT_GATE_X, 0, 0, 0, 0);
        } else if (k == 2) {
            ck_assert_ok(qt_build_reset(&b, 0, &err));
        } else if (k == 3) {
            ck_assert_ok(qt_build_if(&b, bit_expr(&b, 0), &err));
            gate(&b, QT_GATE_X, 1, 0, 0, 0);
            ck_assert_ok(qt_build_end_block(&b, &err));
        }
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = finish(&b);
        ck_assert_int_eq(analyze(c).dynamic, k > 0);
    }
}
END_TEST

/* What stands under a condition waits for the bit. */
START_TEST(conditions_are_dependencies) {
    qt_builder b;
    start(&b);
    ck_assert_ok(qt_build_measure(&b, 0, 0, &err));
    ck_assert_ok(qt_build_if(&b, bit_expr(&b, 0), &err));
    gate(&b, QT_GATE_X, 1, 0, 0, 0);
    ck_assert_ok(qt_build_end_block(&b, &err));
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = finish(&b);
    ck_assert_uint_eq(analyze(c).depth, 2);
}
END_TEST

static void build_all_blocks(qt_builder *b) {
    uint32_t variable = 0;
    const int64_t values[2] = {1, 2};
    ck_assert_ok(qt_build_variable(b, "i", QT_TYPE_INT, 8, &variable, &err));
    ck_assert_ok(qt_build_while(b, bit_expr(b, 0), &err));
    ck_assert_ok(qt_build_if(b, bit_expr(b, 1), &err));
    ck_assert_ok(qt_build_break(b, &err));
    ck_assert_ok(qt_build_else(b, &err));
    qt_loop loop = {.first = bit_expr(b, 0), .step = QT_NO_INDEX, .last = bit_expr(b, 1)};
    ck_assert_ok(qt_build_for(b, variable, loop, &err));
    ck_assert_ok(qt_build_continue(b, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
    ck_assert_ok(qt_build_switch(b, bit_expr(b, 0), &err));
    ck_assert_ok(qt_build_case(b, values, 2, &err));
    gate(b, QT_GATE_X, 0, 0, 0, 0);
    ck_assert_ok(qt_build_case(b, NULL, 0, &err));
    ck_assert_ok(qt_build_end(b, &err));
    ck_assert_ok(qt_build_end_block(b, &err));
}

START_TEST(links_blocks) {
    qt_builder b;
    start(&b);
    build_all_blocks(&b);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = finish(&b);
    ck_assert_ok(qt_circuit_validate(c, &err));
    /* 0 while, 1 if, 2 break, 3 else, 4 for, 5 continue, 6 endfor, 7 endif, 8 endwhile,
     * 9 switch, 10 case, 11 x, 12 default, 13 end, 14 endswitch */
    const uint32_t targets[15] = {8, 3, 8, 7, 6, 6, 4, 0, 0, 10, 12, 0, 14, 0, 0};
    ck_assert_uint_eq(c->op_count, 15);
    for (size_t i = 0; i < 15; i++) {
        ck_assert_msg(c->ops[i].kind == QT_OP_GATE || c->ops[i].b == targets[i],
                      "operation %zu leads to %u", i, c->ops[i].b);
    }
}
END_TEST

START_TEST(refuses_open_blocks) {
    qt_builder b;
    qt_circuit *c = NULL;
    start(&b);
    ck_assert_ok(qt_build_if(&b, bit_expr(&b, 0), &err));
    ck_assert_int_eq(qt_builder_finish(&b, &c, &err), QT_INTERNAL);
    qt_builder_done(&b);
    ck_assert_ptr_null(c);
}
END_TEST

/* Every single wrong number in operations and expressions is found, or does no harm. */
START_TEST(validates_damaged_circuits) {
    qt_builder b;
    start(&b);
    build_all_blocks(&b);
    gate(&b, QT_GATE_RX, 0, 1, 1, 0.5);
    ck_assert_ok(qt_build_measure(&b, 0, 1, &err));
    ck_assert_ok(qt_build_barrier(&b, (const uint32_t[]){0, 1}, 2, &err));
    ck_assert_ok(qt_build_assign(&b, QT_LVALUE_BIT, 1, bit_expr(&b, 0), QT_NO_INDEX, &err));
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = finish(&b);
    ck_assert_ok(qt_circuit_validate(c, &err));
    size_t refused = 0;
    for (size_t i = 0; i < c->op_count * sizeof(qt_op); i++) {
        uint8_t *bytes = (uint8_t *)c->ops;
        uint8_t old = bytes[i];
        bytes[i] = 0x7F;
        qt_circuit_stats stats;
        if (qt_circuit_validate(c, &err) == QT_OK) {
            ck_assert_ok(qt_circuit_analyze(c, &stats, &err));
        } else {
            ck_assert_int_eq(err.reason, QT_REASON_DATA_CORRUPT);
            refused++;
        }
        bytes[i] = old;
    }
    ck_assert_uint_gt(refused, c->op_count * 4);
    c->params[0] = NAN;
    ck_assert_int_eq(qt_circuit_validate(c, &err), QT_DATA_LOSS);
}
END_TEST

START_TEST(limits_hold) {
    const qt_circuit_limits limits = {.max_ops = 3, .max_qubits = 5, .max_bytes = 1 << 20};
    qt_builder b;
    uint32_t reg = 0;
    const uint32_t qubit = 0;
    ck_assert_ok(qt_builder_init(&b, &limits, &err));
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, "q", 5, &reg, &err));
    ck_assert_int_eq(qt_build_register(&b, QT_REGISTER_QUBIT, "r", 1, &reg, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_LARGE);
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(qt_build_gate(&b, QT_GATE_X, &qubit, 0, NULL, &err));
    }
    ck_assert_int_eq(qt_build_gate(&b, QT_GATE_X, &qubit, 0, NULL, &err), QT_INVALID_ARGUMENT);
    qt_builder_done(&b);
}
END_TEST

START_TEST(byte_limit_holds) {
    const qt_circuit_limits limits = {.max_ops = 1000000, .max_qubits = 5, .max_bytes = 100000};
    qt_builder b;
    uint32_t reg = 0;
    const uint32_t qubit = 0;
    ck_assert_ok(qt_builder_init(&b, &limits, &err));
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, "q", 1, &reg, &err));
    size_t count = 0;
    while (qt_build_gate(&b, QT_GATE_X, &qubit, 0, NULL, &err) == QT_OK) {
        count++;
    }
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_LARGE);
    ck_assert_uint_gt(count, 100000 / sizeof(qt_op) / 2);
    ck_assert_uint_le(count, 100000 / sizeof(qt_op));
    qt_builder_done(&b);
}
END_TEST

static qt_circuit_hash hash_of(const char *name, uint32_t target, double angle) {
    qt_builder b;
    uint32_t reg = 0;
    qt_circuit_hash hash;
    ck_assert_ok(qt_builder_init(&b, &qt_circuit_default_limits, &err));
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, name, 2, &reg, &err));
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_BIT, "c", 1, &reg, &err));
    gate(&b, QT_GATE_RX, target, 0, 0, angle);
    ck_assert_ok(qt_build_note(&b, name, 1, &err));
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = finish(&b);
    ck_assert_ok(qt_circuit_get_hash(c, &hash, &err));
    return hash;
}

static bool same_hash(qt_circuit_hash a, qt_circuit_hash b) {
    return a.low == b.low && a.high == b.high;
}

START_TEST(hash_tells_circuits_apart) {
    qt_circuit_hash h = hash_of("q", 0, 0.5);
    ck_assert(same_hash(h, hash_of("other", 0, 0.5)));
    ck_assert(!same_hash(h, hash_of("q", 1, 0.5)));
    ck_assert(!same_hash(h, hash_of("q", 0, 0.25)));
    ck_assert(same_hash(hash_of("q", 0, 0.0), hash_of("q", 0, -0.0)));
}
END_TEST

static qt_code build_with_failures(qt_circuit **ret_circuit) {
    qt_builder b;
    uint32_t reg = 0;
    const uint32_t qubits[3] = {0, 1, 2};
    QT_TRY(qt_builder_init(&b, &qt_circuit_default_limits, &err));
    qt_code code = qt_build_register(&b, QT_REGISTER_QUBIT, "q", 3, &reg, &err);
    code = code == QT_OK ? qt_build_gate(&b, QT_GATE_X, qubits, 2, NULL, &err) : code;
    code = code == QT_OK ? qt_build_barrier(&b, qubits, 3, &err) : code;
    code = code == QT_OK ? qt_build_delay(&b, qubits, 1, "10ns", 1, &err) : code;
    code = code == QT_OK ? qt_builder_finish(&b, ret_circuit, &err) : code;
    qt_builder_done(&b);
    return code;
}

START_TEST(survives_failed_allocations) {
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
        qt_circuit_stats stats;
        qt_circuit_hash hash;
        qt_code code = build_with_failures(&c);
        code = code == QT_OK ? qt_circuit_validate(c, &err) : code;
        code = code == QT_OK ? qt_circuit_analyze(c, &stats, &err) : code;
        code = code == QT_OK ? qt_circuit_get_hash(c, &hash, &err) : code;
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("circuit");
    TCase *tc = tcase_create("circuit");
    tcase_add_test(tc, counts_gates_and_depth);
    tcase_add_loop_test(tc, knows_clifford_gates, 0, QT_ARRAY_LEN(clifford_rows));
    tcase_add_test(tc, sees_what_is_dynamic);
    tcase_add_test(tc, conditions_are_dependencies);
    tcase_add_test(tc, links_blocks);
    tcase_add_test(tc, refuses_open_blocks);
    tcase_add_test(tc, validates_damaged_circuits);
    tcase_add_test(tc, limits_hold);
    tcase_add_test(tc, byte_limit_holds);
    tcase_add_test(tc, hash_tells_circuits_apart);
    tcase_add_test(tc, survives_failed_allocations);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
