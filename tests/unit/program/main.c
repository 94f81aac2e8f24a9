#include "base/cleanup.h"
#include "sim/equivalence.h"
#include "suites.h"
#include "testlib.h"

#include <string.h>

static qt_err err;

qt_circuit *read_program(qt_program_kind kind, const char *text) {
    qt_circuit *circuit = NULL;
    qt_code code = qt_program_read(kind, text, strlen(text), NULL, &circuit, NULL, &err);
    ck_assert_msg(code == QT_OK, "%s\n%s", err.msg, text);
    ck_assert_ok(qt_circuit_validate(circuit, &err));
    return circuit;
}

const char *refuse_program(qt_program_kind kind, const char *text, qt_reason reason) {
    qt_circuit *circuit = NULL;
    qt_code code = qt_program_read(kind, text, strlen(text), NULL, &circuit, NULL, &err);
    ck_assert_msg(code != QT_OK, "it was read: %s", text);
    ck_assert_msg(err.reason == reason, "%s: %s\n%s", qt_reason_name(err.reason), err.msg, text);
    ck_assert_ptr_null(circuit);
    ck_assert_str_eq(err.field, "");
    return err.msg;
}

void check_unwritable(qt_program_target target, const char *statements, const char *message) {
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_buf_printf(&program, "include \"stdgates.inc\"; qubit[2] q; bit[2] c; %s", statements);
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = read_program(QT_PROGRAM_OPENQASM3, qt_buf_str(&program));
    ck_assert_int_eq(qt_program_write(c, target, NULL, &text, NULL, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq((int)err.reason, QT_REASON_CIRCUIT_UNSUPPORTED);
    ck_assert_str_eq(err.msg, message);
}

void check_failures(qt_program_kind kind, qt_program_target target, const char *text) {
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
        QT_CLEANUP(qt_buf_done) qt_buf again = {0};
        qt_code code = qt_program_read(kind, text, strlen(text), NULL, &c, NULL, &err);
        if (code == QT_OK) {
            code = qt_program_write(c, target, NULL, &again, NULL, &err);
        }
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}

void check_same(const qt_circuit *a, const qt_circuit *b, const char *what) {
    const qt_equivalence_options options = {0};
    qt_equivalence result;
    ck_assert_ok(qt_sim_compare(a, b, &options, &result, &err));
    ck_assert_msg(result.equivalent, "%s: %s", result.difference, what);
}

int main(void) {
    Suite *suite = suite_create("program");
    suite_add_tcase(suite, case_braket());
    suite_add_tcase(suite, case_ionq());
    suite_add_tcase(suite, case_matrix());
    return qt_test_run(suite);
}
