/* The Base profile: what the text looks like, what is deferred, dropped and refused. */
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
    fn(&b);
    qt_circuit *circuit = NULL;
    ck_assert_ok(qt_builder_finish(&b, &circuit, &err));
    qt_builder_done(&b);
    return circuit;
}

static void registers(qt_builder *b, uint32_t qubits, uint32_t bits) {
    uint32_t reg = 0;
    ck_assert_ok(qt_build_register(b, QT_REGISTER_QUBIT, "q", qubits, &reg, &err));
    ck_assert_ok(qt_build_register(b, QT_REGISTER_BIT, "c", bits, &reg, &err));
}

static void gate1(qt_builder *b, qt_gate gate, uint32_t qubit) {
    ck_assert_ok(qt_build_gate(b, gate, &qubit, 0, NULL, &err));
}

static void cx(qt_builder *b, uint32_t control, uint32_t target) {
    ck_assert_ok(qt_build_gate(b, QT_GATE_X, (uint32_t[]){control, target}, 1, NULL, &err));
}

static void measure(qt_builder *b, uint32_t qubit, uint32_t bit) {
    ck_assert_ok(qt_build_measure(b, qubit, bit, &err));
}

static void bell(qt_builder *b) {
    registers(b, 2, 2);
    gate1(b, QT_GATE_H, 0);
    cx(b, 0, 1);
    measure(b, 0, 0);
    measure(b, 1, 1);
}

static const char bell_1_0[] =
    "%Qubit = type opaque\n"
    "%Result = type opaque\n"
    "\n"
    "@0 = internal constant [2 x i8] c\"c\\00\"\n"
    "@1 = internal constant [5 x i8] c\"c[0]\\00\"\n"
    "@2 = internal constant [5 x i8] c\"c[1]\\00\"\n"
    "\n"
    "define i64 @main() #0 {\n"
    "entry:\n"
    "  call void @__quantum__rt__initialize(i8* null)\n"
    "  br label %body\n"
    "\n"
    "body:\n"
    "  call void @__quantum__qis__h__body(%Qubit* null)\n"
    "  call void @__quantum__qis__cnot__body(%Qubit* null, %Qubit* inttoptr (i64 1 to %Qubit*))\n"
    "  br label %measurements\n"
    "\n"
    "measurements:\n"
    "  call void @__quantum__qis__mz__body(%Qubit* null, %Result* writeonly null)\n"
    "  call void @__quantum__qis__mz__body(%Qubit* inttoptr (i64 1 to %Qubit*), "
    "%Result* writeonly inttoptr (i64 1 to %Result*))\n"
    "  br label %output\n"
    "\n"
    "output:\n"
    "  call void @__quantum__rt__array_record_output(i64 2, i8* getelementptr inbounds "
    "([2 x i8], [2 x i8]* @0, i64 0, i64 0))\n"
    "  call void @__quantum__rt__result_record_output(%Result* null, i8* getelementptr inbounds "
    "([5 x i8], [5 x i8]* @1, i64 0, i64 0))\n"
    "  call void @__quantum__rt__result_record_output(%Result* inttoptr (i64 1 to %Result*), "
    "i8* getelementptr inbounds ([5 x i8], [5 x i8]* @2, i64 0, i64 0))\n"
    "  ret i64 0\n"
    "}\n"
    "\n"
    "declare void @__quantum__qis__h__body(%Qubit*)\n"
    "declare void @__quantum__qis__cnot__body(%Qubit*, %Qubit*)\n"
    "declare void @__quantum__qis__mz__body(%Qubit*, %Result* writeonly) #1\n"
    "declare void @__quantum__rt__initialize(i8*)\n"
    "declare void @__quantum__rt__array_record_output(i64, i8*)\n"
    "declare void @__quantum__rt__result_record_output(%Result*, i8*)\n"
    "\n"
    "attributes #0 = { \"entry_point\" \"qir_profiles\"=\"base_profile\" "
    "\"output_labeling_schema\"=\"qtaskdist\" \"required_num_qubits\"=\"2\" "
    "\"required_num_results\"=\"2\" }\n"
    "attributes #1 = { \"irreversible\" }\n"
    "\n"
    "!llvm.module.flags = !{!0, !1, !2, !3}\n"
    "\n"
    "!0 = !{i32 1, !\"qir_major_version\", i32 1}\n"
    "!1 = !{i32 7, !\"qir_minor_version\", i32 0}\n"
    "!2 = !{i32 1, !\"dynamic_qubit_management\", i1 false}\n"
    "!3 = !{i32 1, !\"dynamic_result_management\", i1 false}\n";

START_TEST(test_bell_typed) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(bell);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_qir_info info;
    ck_assert_ok(qt_qir_write(circuit, &(qt_qir_options){0}, &text, &info, &err));
    ck_assert_str_eq(text.data, bell_1_0);
    ck_assert_int_eq(info.profile, QT_QIR_BASE);
    ck_assert_uint_eq(info.num_qubits, 2);
    ck_assert_uint_eq(info.num_results, 2);
    ck_assert_uint_eq(info.gate_calls, 2);
    ck_assert_uint_eq(info.measure_calls, 2);
    ck_assert_uint_eq(info.deferred_measures, 0);
}
END_TEST

START_TEST(test_bell_opaque) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(bell);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_qir_options options = {.version = QT_QIR_2_0, .entry_point = "my \"entry\""};
    ck_assert_ok(qt_qir_write(circuit, &options, &text, NULL, &err));
    ck_assert_ptr_null(strchr(text.data, '*'));
    ck_assert_ptr_nonnull(strstr(text.data, "define i64 @\"my \\22entry\\22\"() #0 {"));
    ck_assert_ptr_nonnull(strstr(text.data, "(ptr inttoptr (i64 1 to ptr), ptr @2)"));
    ck_assert_ptr_nonnull(strstr(text.data, "\"qir_major_version\", i32 2}"));
}
END_TEST

static void interleaved(qt_builder *b) {
    registers(b, 3, 3);
    ck_assert_ok(qt_build_reset(b, 0, &err));
    gate1(b, QT_GATE_H, 0);
    measure(b, 0, 0);
    measure(b, 0, 2); /* the same outcome again */
    gate1(b, QT_GATE_X, 1);
    measure(b, 1, 1);
    ck_assert_ok(qt_build_reset(b, 1, &err));
    gate1(b, QT_GATE_H, 2);
    measure(b, 2, 1); /* overwrites bit 1 */
}

START_TEST(test_deferral) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(interleaved);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_qir_info info;
    qt_qir_options options = {.version = QT_QIR_2_0, .profile = QT_QIR_BASE};
    ck_assert_ok(qt_qir_write(circuit, &options, &text, &info, &err));
    ck_assert_uint_eq(info.deferred_measures, 2);
    ck_assert_uint_eq(info.dropped_resets, 2);
    ck_assert_uint_eq(info.measure_calls, 3);
    ck_assert_uint_eq(info.num_results, 4);
    const char *last_gate = strstr(text.data, "__h__body(ptr inttoptr (i64 2 to ptr))");
    ck_assert_ptr_nonnull(last_gate);
    ck_assert(strstr(text.data, "call void @__quantum__qis__mz__body") > last_gate);
    /* Bit 1 is the last measurement's, bit 2 shares the result of bit 0. */
    ck_assert_ptr_nonnull(
        strstr(text.data, "result_record_output(ptr inttoptr (i64 3 to ptr), ptr @2)"));
    ck_assert_ptr_nonnull(strstr(text.data, "result_record_output(ptr null, ptr @3)"));
}
END_TEST

static void gate_after_measure(qt_builder *b) {
    registers(b, 1, 1);
    measure(b, 0, 0);
    gate1(b, QT_GATE_X, 0);
}

static void gate_after_reset(qt_builder *b) {
    registers(b, 1, 1);
    gate1(b, QT_GATE_H, 0);
    ck_assert_ok(qt_build_reset(b, 0, &err));
    gate1(b, QT_GATE_X, 0);
}

static void measure_after_reset(qt_builder *b) {
    registers(b, 1, 1);
    gate1(b, QT_GATE_H, 0);
    ck_assert_ok(qt_build_reset(b, 0, &err));
    measure(b, 0, 0);
}

static const struct {
    build_fn *build;
    const char *why;
} not_base[] = {
    {gate_after_measure, "qubit 0 is used after its measurement"},
    {gate_after_reset, "qubit 0 is used after its reset"},
    {measure_after_reset, "qubit 0 is measured after its reset"},
};

START_TEST(test_not_base) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(not_base[_i].build);
    qt_buf text = {0};
    qt_qir_options options = {.profile = QT_QIR_BASE};
    ck_assert_int_eq(qt_qir_write(circuit, &options, &text, NULL, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.msg, not_base[_i].why));
    ck_assert_ptr_null(text.data);
    options.profile = QT_QIR_AUTO;
    qt_qir_info info;
    ck_assert_ok(qt_qir_write(circuit, &options, &text, &info, &err));
    ck_assert_int_eq(info.profile, QT_QIR_ADAPTIVE);
    ck_assert_str_eq(info.why_not_base, not_base[_i].why);
    qt_buf_done(&text);
}
END_TEST

START_TEST(test_options) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(bell);
    qt_buf text = {0};
    const char *bad[] = {"__quantum__rt__x", "llvm.x", "\xff"};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        qt_qir_options options = {.entry_point = bad[i]};
        ck_assert_int_eq(qt_qir_write(circuit, &options, &text, NULL, &err), QT_INVALID_ARGUMENT);
        ck_assert_str_eq(err.field, "entry_point");
    }
    qt_qir_options small = {.max_bytes = 1000};
    ck_assert_int_eq(qt_qir_write(circuit, &small, &text, NULL, &err), QT_RESOURCE_EXHAUSTED);
    qt_qir_options bare = {.no_initialize = true};
    ck_assert_ok(qt_qir_write(circuit, &bare, &text, NULL, &err));
    ck_assert_ptr_null(strstr(text.data, "initialize"));
    qt_buf_done(&text);
}
END_TEST

static void with_barrier(qt_builder *b) {
    registers(b, 2, 2);
    gate1(b, QT_GATE_H, 0);
    ck_assert_ok(qt_build_barrier(b, NULL, 0, &err));
    gate1(b, QT_GATE_H, 1);
}

START_TEST(test_barrier) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(with_barrier);
    for (int on = 0; on < 2; on++) {
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        qt_qir_options options = {.barriers = on != 0};
        ck_assert_ok(qt_qir_write(circuit, &options, &text, NULL, &err));
        ck_assert_int_eq(strstr(text.data, "call void @__quantum__qis__barrier__body()") != NULL,
                         on);
    }
}
END_TEST

START_TEST(test_failures) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = build(interleaved);
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        qt_code code = qt_qir_write(circuit, &(qt_qir_options){0}, &text, NULL, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

TCase *case_base(void) {
    TCase *c = tcase_create("base");
    tcase_add_test(c, test_bell_typed);
    tcase_add_test(c, test_bell_opaque);
    tcase_add_test(c, test_deferral);
    tcase_add_loop_test(c, test_not_base, 0, (int)QT_ARRAY_LEN(not_base));
    tcase_add_test(c, test_options);
    tcase_add_test(c, test_barrier);
    tcase_add_test(c, test_failures);
    return c;
}
