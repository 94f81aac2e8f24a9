/* A user's program in a device's form. */
#include "base/cleanup.h"
#include "services/backend-svc/device_program.h"
#include "testlib.h"

#include <string.h>

static qt_arena arena;
static qt_err err;

static void start(void) {
    qt_arena_init(&arena, 0);
}

static void stop(void) {
    qt_arena_done(&arena);
}

static bool never(void *self) {
    (void)self;
    return false;
}

static qt_code make(const char *circuit, const char *const *formats, size_t count, uint32_t qubits,
                    qt_device_program *ret_program) {
    static const qt_run_watch watch = {.cancelled = never};
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    Qtaskdist__V1__Device device = QTASKDIST__V1__DEVICE__INIT;
    payload.circuit_data = (char *)(uintptr_t)circuit;
    device.formats = (char **)(uintptr_t)formats;
    device.n_formats = count;
    device.num_qubits = qubits;
    return qt_device_program_make(NULL, &payload, &device, &watch, &arena, ret_program, &err);
}

static const char two_registers[] =
    "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[3];\ncreg a[1];\n"
    "creg b[2];\nx q[1];\nmeasure q[1] -> b[1];\n"
    "measure q[0] -> a[0];\nmeasure q[2] -> b[0];\n";

START_TEST(registers_are_joined) {
    static const char *const formats[] = {"quil", "qasm3"};
    qt_device_program p;
    const char *layout = NULL;
    ck_assert_ok(make(two_registers, formats, 2, 5, &p));
    ck_assert_int_eq(p.format, QT_FORMAT_QASM3);
    ck_assert_ptr_nonnull(strstr(p.text, "bit[3] c;"));
    ck_assert_ptr_null(strstr(p.text, "bit[2] b;"));
    ck_assert_ptr_nonnull(strstr(p.text, "c[2] = measure q[1];"));
    ck_assert_uint_eq(p.num_qubits, 3);
    ck_assert_ok(qt_layout_format(&p.layout, &arena, &layout, &err));
    ck_assert_str_eq(layout, "1,2;0,2,1");
}
END_TEST

START_TEST(register_values_keep_their_registers) {
    static const char *const formats[] = {"qasm3"};
    qt_device_program p;
    ck_assert_ok(make("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg a[1];\ncreg b[1];\n"
                      "measure q[0] -> a[0];\nif (a == 1) x q[1];\nmeasure q[1] -> b[0];\n",
                      formats, 1, 5, &p));
    ck_assert_ptr_nonnull(strstr(p.text, "bit[1] a;"));
    ck_assert_uint_eq(p.layout.register_count, 2);
}
END_TEST

START_TEST(the_device_decides_the_format) {
    static const char *const qasm2[] = {"qasm2"};
    static const char *const both[] = {"qasm2", "qasm3"};
    static const char *const ionq[] = {"ionq"};
    static const char *const none[] = {"quil", "pulser"};
    qt_device_program p;
    ck_assert_ok(make(two_registers, qasm2, 1, 5, &p));
    ck_assert_int_eq(p.format, QT_FORMAT_QASM2);
    ck_assert_ptr_nonnull(strstr(p.text, "OPENQASM 2.0;"));
    ck_assert_ok(make(two_registers, both, 2, 5, &p));
    ck_assert_int_eq(p.format, QT_FORMAT_QASM3);
    ck_assert_ok(make(two_registers, ionq, 1, 5, &p));
    ck_assert_int_eq(p.format, QT_FORMAT_IONQ);
    ck_assert_ptr_nonnull(strstr(p.text, "\"circuit\""));
    ck_assert_int_ne(make(two_registers, none, 2, 5, &p), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), "CIRCUIT_UNSUPPORTED");
}
END_TEST

START_TEST(bad_programs_are_refused_with_their_place) {
    static const char *const formats[] = {"qasm3"};
    qt_device_program p;
    ck_assert_int_eq(make("OPENQASM 3.0;\nqubit q;\nfoo q;\n", formats, 1, 5, &p),
                     QT_INVALID_ARGUMENT);
    ck_assert_int_eq(strncmp(err.msg, "3:1", 3), 0);
    ck_assert_str_eq(err.field, "payload.circuit_data");
    ck_assert_int_eq(make(two_registers, formats, 1, 2, &p), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(qt_reason_name(err.reason), "CIRCUIT_TOO_MANY_QUBITS");
}
END_TEST

START_TEST(the_hash_names_the_program) {
    static const char *const qasm2[] = {"qasm2"};
    static const char *const qasm3[] = {"qasm3"};
    qt_device_program a, b, c;
    ck_assert_ok(make(two_registers, qasm3, 1, 5, &a));
    ck_assert_ok(make(two_registers, qasm3, 1, 5, &b));
    ck_assert_ok(make(two_registers, qasm2, 1, 5, &c));
    ck_assert(a.hash == b.hash);
    ck_assert(a.hash != c.hash);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("backend-program");
    TCase *tc = tcase_create("program");
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, registers_are_joined);
    tcase_add_test(tc, register_values_keep_their_registers);
    tcase_add_test(tc, the_device_decides_the_format);
    tcase_add_test(tc, bad_programs_are_refused_with_their_place);
    tcase_add_test(tc, the_hash_names_the_program);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
