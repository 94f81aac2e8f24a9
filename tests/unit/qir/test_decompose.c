/* Every gate with 0 to 5 controls, in both gate sets, means what it says. */
#include "base/cleanup.h"
#include "circuit/builder.h"
#include "dense.h"
#include "qir/qir.h"
#include "suites.h"

#include <math.h>

typedef struct sample {
    qt_gate gate;
    double params[3];
} sample;

static const sample samples[] = {
    {QT_GATE_GPHASE, {0.3}}, {QT_GATE_ID, {0}},      {QT_GATE_X, {0}},
    {QT_GATE_Y, {0}},        {QT_GATE_Z, {0}},       {QT_GATE_H, {0}},
    {QT_GATE_S, {0}},        {QT_GATE_SDG, {0}},     {QT_GATE_T, {0}},
    {QT_GATE_TDG, {0}},      {QT_GATE_SX, {0}},      {QT_GATE_SXDG, {0}},
    {QT_GATE_P, {0.7}},      {QT_GATE_P, {M_PI}},    {QT_GATE_P, {-M_PI_2}},
    {QT_GATE_P, {0}},        {QT_GATE_RX, {1.1}},    {QT_GATE_RY, {-0.4}},
    {QT_GATE_RZ, {2.3}},     {QT_GATE_RZ, {7.5}},    {QT_GATE_U, {0.5, 1.2, -0.9}},
    {QT_GATE_U, {0, 0, 1}},  {QT_GATE_U, {2, 0, 0}}, {QT_GATE_SWAP, {0}},
    {QT_GATE_ISWAP, {0}},    {QT_GATE_RXX, {0.6}},   {QT_GATE_RYY, {1.7}},
    {QT_GATE_RZZ, {-2.1}},
};

/* Operands in an order that is not the natural one. */
static const uint32_t operands[] = {3, 0, 4, 2, 6, 1, 5};

static void check_sample(const sample *s, unsigned controls, qt_qir_gates gates, bool phase) {
    qt_err err;
    qt_builder b;
    ck_assert_ok(qt_builder_init(&b, &qt_circuit_default_limits, &err));
    uint32_t reg = 0;
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, "q", 7, &reg, &err));
    ck_assert_ok(qt_build_gate(&b, s->gate, operands, controls, s->params, &err));
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    ck_assert_ok(qt_builder_finish(&b, &circuit, &err));
    qt_builder_done(&b);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_qir_options options = {.gates = gates, .global_phase = phase};
    ck_assert_ok(qt_qir_write(circuit, &options, &text, NULL, &err));
    dense expected;
    dense actual;
    dense_init(&expected, 7);
    dense_init(&actual, 7);
    dense_circuit(&expected, circuit);
    dense_qir(&actual, text.data);
    double overlap = dense_overlap(&expected, &actual, phase);
    ck_assert_msg(fabs(overlap - 1) < 1e-12, "%s with %u controls: overlap %.17g\n%s",
                  qt_gate_get_info(s->gate)->name, controls, overlap, text.data);
}

START_TEST(test_gates) {
    const sample *s = &samples[_i];
    unsigned most = 7U - qt_gate_get_info(s->gate)->qubit_count;
    for (unsigned controls = 0; controls <= most; controls++) {
        for (int gates = QT_QIR_GATES_MINIMAL; gates <= QT_QIR_GATES_FULL; gates++) {
            check_sample(s, controls, (qt_qir_gates)gates, false);
            check_sample(s, controls, (qt_qir_gates)gates, true);
        }
    }
}
END_TEST

START_TEST(test_many_controls) {
    qt_err err;
    qt_builder b;
    ck_assert_ok(qt_builder_init(&b, &qt_circuit_default_limits, &err));
    uint32_t reg = 0;
    ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, "q", 255, &reg, &err));
    uint32_t qubits[255];
    for (uint32_t i = 0; i < 255; i++) {
        qubits[i] = i;
    }
    ck_assert_ok(qt_build_gate(&b, QT_GATE_X, qubits, 254, NULL, &err));
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    ck_assert_ok(qt_builder_finish(&b, &circuit, &err));
    qt_builder_done(&b);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_qir_info info;
    qt_qir_options options = {.version = QT_QIR_2_0};
    ck_assert_ok(qt_qir_write(circuit, &options, &text, &info, &err));
    ck_assert_uint_lt(info.gate_calls, 16 * 255 * 255); /* grows with the square */
}
END_TEST

TCase *case_decompose(void) {
    TCase *c = tcase_create("decompose");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, test_gates, 0, (int)(sizeof samples / sizeof samples[0]));
    tcase_add_test(c, test_many_controls);
    return c;
}
