/* The command qasm-check as a user calls it. */
#include "base/cleanup.h"
#include "testlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *dir;

static void setup(void) {
    dir = qt_test_dir_new();
}

static void teardown(void) {
    qt_test_dir_remove(dir);
    free(dir);
}

static void write_file(const char *name, const char *text) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* Runs in the folder; the output, both streams, is in *ret_out. */
static int run(const char *arguments, char **ret_out) {
    char command[1000];
    char log[300];
    snprintf(command, sizeof command, "cd '%s' && '%s' %s </dev/null", dir, QASM_CHECK, arguments);
    snprintf(log, sizeof log, "%s/log", dir);
    unlink(log);
    const char *const argv[] = {"sh", "-c", command, NULL};
    int code = qt_test_run_command(NULL, argv, log);
    *ret_out = qt_test_read_file(log, NULL);
    return code;
}

static void expect(const char *arguments, int code, const char *text) {
    QT_AUTO_FREE char *out = NULL;
    int got = run(arguments, &out);
    ck_assert_msg(got == code, "%s: exit code %d, not %d\n%s", arguments, got, code, out);
    ck_assert_msg(strstr(out, text) != NULL, "%s: no '%s' in\n%s", arguments, text, out);
}

static const char bell[] = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg c[2];\n"
                           "h q[0];\ncx q[0],q[1];\nmeasure q -> c;\n";

START_TEST(reports_a_valid_program) {
    write_file("bell.qasm", bell);
    expect("bell.qasm", 0,
           "bell.qasm: ok: 2 qubits, 2 bits, 2 gates (1 on two or more), depth 3, Clifford\n");
    expect("--stats bell.qasm", 0, "  c-x          1\n");
    expect("--format json bell.qasm", 0, "\"valid\":true,\"num_qubits\":2,\"num_clbits\":2,");
    expect("--format json bell.qasm", 0, "\"gates\":{\"c-x\":1,\"h\":1}");
}
END_TEST

START_TEST(shows_where_and_what) {
    write_file("bad.qasm", "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit q;\nhh q;\n"
                           "x r;\n");
    expect("bad.qasm", 1, "bad.qasm:4:1: error: the gate 'hh' is not declared (did you mean");
    expect("bad.qasm", 1, "  hh q;\n  ^~\n");
    expect("bad.qasm", 1, "bad.qasm:5:3: error:");
    expect("--format json bad.qasm", 1,
           "{\"line\":4,\"column\":1,\"length\":2,\"reason\":\"CIRCUIT_SYNTAX\"");
}
END_TEST

START_TEST(prints_in_both_languages) {
    write_file("bell.qasm", bell);
    expect("--print 3 bell.qasm", 0, "qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\n");
    expect("--print 2 bell.qasm", 0, "measure q[0] -> c[0];\n");
    write_file("loop.qasm", "qubit q; bit c; while (c) { x q; c = measure q; }");
    expect("--language 3 --print 2 loop.qasm", 1, "the gate 'x' is not declared");
    write_file("loop.qasm", "include \"stdgates.inc\"; qubit q; bit c; c = measure q;"
                            " while (c) { x q; c = measure q; }");
    expect("--print 2 loop.qasm", 1, "OpenQASM 2 has no loop");
}
END_TEST

START_TEST(holds_limits) {
    write_file("bell.qasm", bell);
    expect("--max-bytes 10 bell.qasm", 1, "10 are allowed");
    expect("--max-ops 2 bell.qasm", 1, "too large: the circuit has more than 2 operations");
}
END_TEST

START_TEST(includes_only_what_is_allowed) {
    write_file("more.inc", "gate both a, b { h a; cx a, b; }\n");
    write_file("main.qasm", "OPENQASM 2.0;\ninclude \"qelib1.inc\";\ninclude \"more.inc\";\n"
                            "qreg q[2];\nboth q[0], q[1];\n");
    expect("main.qasm", 1, "including the file 'more.inc' is not allowed");
    expect("--include . main.qasm", 0, "main.qasm: ok: 2 qubits, 0 bits, 2 gates");
    write_file("main.qasm", "OPENQASM 2.0;\ninclude \"../log\";\n");
    expect("--include . main.qasm", 1, "may not leave the include folder");
}
END_TEST

START_TEST(exit_codes) {
    write_file("bell.qasm", bell);
    write_file("bad.qasm", "OPENQASM 2.0;\nqreg q[0];\n");
    expect("bell.qasm bad.qasm", 1, "bad.qasm:2:8: error: the register 'q' has no bits");
    expect("bell.qasm missing.qasm", 2, "cannot read 'missing.qasm'");
    expect("--print 4 bell.qasm", 2, "usage:");
    expect("--help", 0, "usage:");
    expect("-", 0, "<stdin>: ok: 0 qubits");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qasm_check");
    TCase *tc = tcase_create("qasm_check");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reports_a_valid_program);
    tcase_add_test(tc, shows_where_and_what);
    tcase_add_test(tc, prints_in_both_languages);
    tcase_add_test(tc, holds_limits);
    tcase_add_test(tc, includes_only_what_is_allowed);
    tcase_add_test(tc, exit_codes);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
