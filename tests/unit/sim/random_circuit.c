#include "random_circuit.h"

#include "circuit/builder.h"
#include "testlib.h"

#include <math.h>

static uint32_t below(qt_rng *rng, uint32_t limit) {
    return (uint32_t)(qt_rng_next(rng) % limit);
}

/* Distinct qubits. */
static void pick_qubits(qt_rng *rng, uint32_t num_qubits, size_t count, uint32_t *ret_qubits) {
    for (size_t i = 0; i < count;) {
        ret_qubits[i] = below(rng, num_qubits);
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again |= ret_qubits[k] == ret_qubits[i];
        }
        i += !again;
    }
}

static void add_gate(qt_builder *b, qt_rng *rng, const random_options *o) {
    qt_err err;
    uint32_t qubits[8];
    double params[3];
    qt_gate gate = (qt_gate)below(rng, QT_GATE_COUNT_);
    while (qt_gate_get_info(gate)->qubit_count > o->qubits) {
        gate = (qt_gate)below(rng, QT_GATE_COUNT_);
    }
    const qt_gate_info *info = qt_gate_get_info(gate);
    size_t controls = below(rng, o->clifford ? 2 : 4);
    if (o->clifford && controls == 1 && gate > QT_GATE_Z) {
        controls = 0;
    }
    if (o->clifford && (gate == QT_GATE_T || gate == QT_GATE_TDG)) {
        gate = QT_GATE_S;
    }
    while (controls + info->qubit_count > o->qubits) {
        controls--;
    }
    for (size_t i = 0; i < info->param_count; i++) {
        params[i] = o->clifford ? below(rng, 4) * M_PI_2 : qt_rng_uniform(rng) * 7 - 3.5;
    }
    pick_qubits(rng, o->qubits, controls + info->qubit_count, qubits);
    ck_assert_ok(qt_build_gate(b, gate, qubits, controls, params, &err));
}

static uint32_t expr(qt_builder *b, qt_expr e) {
    qt_err err;
    uint32_t at = 0;
    ck_assert_ok(qt_build_expr(b, e, &at, &err));
    return at;
}

static uint32_t condition(qt_builder *b, qt_rng *rng, const random_options *o) {
    uint32_t bit = expr(b, (qt_expr){.kind = QT_EXPR_BIT,
                                     .type = QT_TYPE_BIT,
                                     .width = 1,
                                     .u = {below(rng, o->clbits), 0}});
    if (below(rng, 2) == 0) {
        return bit;
    }
    uint32_t reg = expr(
        b,
        (qt_expr){.kind = QT_EXPR_REG, .type = QT_TYPE_BIT, .width = o->clbits - 1, .u = {1, 0}});
    uint32_t number = expr(
        b, (qt_expr){.kind = QT_EXPR_INT, .type = QT_TYPE_UINT, .width = 64, .i = below(rng, 4)});
    return expr(b, (qt_expr){.kind = QT_EXPR_BINARY,
                             .op = QT_OPERATOR_EQ,
                             .type = QT_TYPE_BOOL,
                             .width = 1,
                             .u = {reg, number}});
}

static void add_condition(qt_builder *b, qt_rng *rng, const random_options *o) {
    qt_err err;
    ck_assert_ok(qt_build_if(b, condition(b, rng, o), &err));
    add_gate(b, rng, o);
    if (below(rng, 2) == 0) {
        ck_assert_ok(qt_build_else(b, &err));
        add_gate(b, rng, o);
    }
    ck_assert_ok(qt_build_end_block(b, &err));
}

static void add_assign(qt_builder *b, qt_rng *rng, const random_options *o) {
    qt_err err;
    qt_expr bit = {.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1};
    bit.u.a = below(rng, o->clbits);
    uint32_t x = expr(b, bit);
    bit.u.a = below(rng, o->clbits);
    uint32_t y = expr(b, bit);
    uint32_t sum = expr(b, (qt_expr){.kind = QT_EXPR_BINARY,
                                     .op = QT_OPERATOR_BIT_XOR,
                                     .type = QT_TYPE_BIT,
                                     .width = 1,
                                     .u = {x, y}});
    ck_assert_ok(qt_build_assign(b, QT_LVALUE_BIT, below(rng, o->clbits), sum, QT_NO_INDEX, &err));
}

static void add_dynamic(qt_builder *b, qt_rng *rng, const random_options *o) {
    qt_err err;
    switch (below(rng, 5)) {
    case 0:
    case 1:
        ck_assert_ok(qt_build_measure(b, below(rng, o->qubits), below(rng, o->clbits), &err));
        break;
    case 2:
        ck_assert_ok(qt_build_reset(b, below(rng, o->qubits), &err));
        break;
    case 3:
        add_condition(b, rng, o);
        break;
    default:
        add_assign(b, rng, o);
        break;
    }
}

qt_circuit *random_circuit(uint64_t seed, random_options o) {
    qt_err err;
    qt_rng rng;
    qt_builder b;
    qt_circuit *circuit = NULL;
    uint32_t reg = 0;
    qt_rng_init(&rng, seed);
    ck_assert_ok(qt_builder_init(&b, &qt_circuit_default_limits, &err));
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, "q", o.qubits, &reg, &err));
    if (o.clbits > 0) {
        ck_assert_ok(qt_build_register(&b, QT_REGISTER_BIT, "c", o.clbits - 1, &reg, &err));
        ck_assert_ok(qt_build_register(&b, QT_REGISTER_BIT, "d", 1, &reg, &err));
    }
    for (unsigned i = 0; i < o.ops; i++) {
        if (o.dynamic && below(&rng, 5) == 0) {
            add_dynamic(&b, &rng, &o);
        } else {
            add_gate(&b, &rng, &o);
        }
    }
    for (uint32_t q = 0; o.measure && q < o.qubits && q < o.clbits; q++) {
        ck_assert_ok(qt_build_measure(&b, q, q, &err));
    }
    ck_assert_ok(qt_builder_finish(&b, &circuit, &err));
    qt_builder_done(&b);
    return circuit;
}

void check_counts(const qt_sim_result *result, const ref_distribution *expected) {
    uint64_t sum = 0;
    for (size_t i = 0; i < result->count_count; i++) {
        const qt_count *c = &result->counts[i];
        double p = ref_probability(expected, c->key);
        ck_assert_msg(p > 0, "%s came %u times and cannot happen", c->key, c->count);
        sum += c->count;
    }
    ck_assert_uint_eq(sum, result->shots);
    for (size_t i = 0; i < expected->count; i++) {
        const ref_outcome *o = &expected->outcomes[i];
        double mean = o->p * result->shots;
        double sigma = sqrt(mean * (1 - o->p > 0 ? 1 - o->p : 0));
        double got = 0;
        for (size_t k = 0; k < result->count_count; k++) {
            got += strcmp(result->counts[k].key, o->key) == 0 ? result->counts[k].count : 0;
        }
        ck_assert_msg(fabs(got - mean) <= 5 * sigma + 2, "%s came %g times, expected %g +- %g",
                      o->key, got, mean, sigma);
    }
}
