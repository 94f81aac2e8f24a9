/* Which errors of a program are told, where, and with which hint: each once, and none that only
 * follows from another. */
#include "base/cleanup.h"
#include "qasm/qasm.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

#define V2 "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n"
#define V3 "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n"

static qt_diagnostics errors_of(const char *program, const qt_qasm_options *options) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    qt_diagnostics all = {0};
    qt_err err;
    qt_code code = qt_qasm_parse(program, strlen(program), options, &circuit, &all, &err);
    ck_assert_msg(code == QT_INVALID_ARGUMENT, "accepted: %s", program);
    ck_assert_ptr_eq(err.diagnostics, &all);
    ck_assert_uint_ge(all.count, 1);
    return all;
}

/* ---- places ---- */

static const struct {
    const char *program;
    const char *places; /* line:column of all errors */
} rows[] = {
    /* every wrong statement */
    {V2 "qreg q[2];\nhh q[0];\nh q[2];\ncx q[0] q[1];\nx q[0];\nx r[0];\n", "4:1 5:5 6:9 8:3"},
    {V3 "qubit[2] q;\nhh q[0];\nh q[2];\ncx q[0] q[1];\nx q[0];\nx r[0];\n", "4:1 5:5 6:9 8:3"},
    /* a missing end of statement costs nothing but itself */
    {V2 "qreg q[2]\nh q[0]\ncx q[0],q[1]\nx q[9];", "3:10 4:7 5:13 6:5"},
    {V3 "qubit[2] q\nh q[0]\ncx q[0],q[1]\nx q[9];", "3:11 4:7 5:13 6:5"},
    {V2 "qreg q[1];\nh q[0]", "4:7"},
    {V2 "qreg q[1];\ngate g a { h a }\ng q[0];", "4:16"},
    {V3 "qubit q;\nif (true) { h q }\nx q;", "4:17"},
    /* unknown names are told once */
    {V2 "h q[0];\nh q[1];\ncx q[0],q[1];\nwarp q[0];\nwarp q[1];\n", "3:3 6:1"},
    {V3 "h q[0];\nh q[1];\nwarp q[0];\nwarp q[1];\nint i = n;\ni = n;", "3:3 5:1 7:9"},
    {"OPENQASM 2.0;\nqreg q[2];\nh q[0];\ncx q[0],q[1];\nx q[0];\n", "3:1"},
    {"OPENQASM 3.0;\nqubit[2] q;\nh q[0];\ncx q[0],q[1];\nx q[0];\n", "3:1"},
    /* and so are those whose declaration is broken */
    {V2 "qreg q[0];\nh q[0];\nh q[1];\n", "3:8"},
    {V2 "qreg q[;\nh q[0];\n", "3:8"},
    {V2 "gate g(a b) q { rx(a) q; }\nqreg r[1];\ng(1,2) r[0];\n", "3:10"},
    {V2 "gate g a { warp a; foo a; }\nqreg r[1];\ng r[0];\n", "3:12 3:20"},
    {V3 "qubit[-1] q;\nh q[0];\nh q[1];\n", "3:11"},
    {V3 "int[8 v = 1;\nv = 2;\n", "3:7"},
    {V3 "def f(qubit a -> bit { x a; return measure a; }\nqubit q; bit c;\nc = f(q);\n", "3:15"},
    {V3 "gate g(a b) q { rx(a) q; }\nqubit r;\ng(1) r;\n", "3:10"},
    /* blocks: all that is wrong inside, and on behind them */
    {V3 "qubit q;\nif (true) {\n  x q\n  y r s;\n  z q;\n}\nx q2;", "5:6 6:7 9:3"},
    {V3 "qubit q;\nif (true {\n  x q;\n} else {\n  y q;\n}\nwarp q;", "4:10 9:1"},
    {V3 "qubit q;\nfor int i in [0:1 {\n  x q;\n}\nwarp q;", "4:19 7:1"},
    {V3 "qubit q;\nfor int i in [0:1] {\n  x q q;\n  while (true { x q; }\n}\nwarp q;",
     "5:7 6:15 8:1"},
    {V3
     "qubit q; int i;\nswitch (i) {\n  case 0 { x q q; }\n  case { y q; }\n  default { z q; }\n}\n"
     "warp q;",
     "5:16 6:8 9:1"},
    {V3 "def f(qubit a) {\n  x a\n  y a a;\n}\nqubit q;\nf(q);\nwarp q;", "4:6 5:7 9:1"},
    {V2 "gate g a,b {\n  cx a b;\n  h c;\n  x a;\n}\nqreg q[2];\ng q[0],q[1];\nwarp q[0];",
     "4:8 5:5 10:1"},
    {V2 "gate g a {\n  x a;\nqreg q[2];\nh q[0];\nwarp q[0];\n", "4:7 7:1"},
    {V2 "qreg q[1];\n}\nx q[0];\nwarp q[0];\n", "4:1 6:1"},
    /* the same place is told once, also in a loop */
    {V3 "qubit q;\nfor int i in [0:9] {\n  warp q;\n}\n", "5:3"},
    /* lexical errors */
    {V2 "qreg q[1];\nx q[0]; \xC2\xA7\nx q[3];\n", "4:9 5:5"},
    {V3 "qubit q;\nx 12q;\n\"abc\nwarp q;\n", "4:3 5:1"},
    {V2 "include \"other.inc\";\nqreg q[1];\nx q[0];\n", "3:9"},
};

START_TEST(each_error_is_told_once) {
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = errors_of(rows[_i].program, NULL);
    QT_CLEANUP(qt_buf_done) qt_buf got = {0};
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    for (size_t i = 0; i < all.count; i++) {
        qt_buf_printf(&got, "%s%u:%u", i > 0 ? " " : "", all.items[i].line, all.items[i].column);
    }
    qt_diagnostics_render(&all, "program", &text);
    ck_assert_msg(strcmp(qt_buf_str(&got), rows[_i].places) == 0, "%s, not %s\n%s\n%s",
                  qt_buf_str(&got), rows[_i].places, rows[_i].program, qt_buf_str(&text));
}
END_TEST

/* ---- hints ---- */

static const struct {
    const char *program;
    const char *hint;
} hints[] = {
    {V2 "qreg q[2];\nhh q[0];", "did you mean 'h'?"},
    {V2 "qreg q[2];\ncnx q[0],q[1];", "did you mean 'cx'?"},
    {V2 "qreg q[2]; creg c[2];\nmesure q -> c;", "did you mean 'measure'?"},
    {V2 "qrge q[2];", "did you mean 'qreg'?"},
    {V2 "qreg anc[2];\nh amc[0];", "did you mean 'anc'?"},
    {V2 "qreg q[2]; creg flags[2];\nmeasure q -> flag;", "did you mean 'flags'?"},
    {V2 "qreg q[1];\nrx(sine(1)) q[0];", "did you mean 'sin'?"},
    {V2 "gate g(theta) a { rx(thata) a; }", "did you mean 'theta'?"},
    {"OPENQASM 2.0;\nqreg q[1];\nh q[0];", "include \"qelib1.inc\" is missing"},
    {"OPENQASM 3.0;\nqubit q;\nh q;", "include \"stdgates.inc\" is missing"},
    {V3 "qubit[2] q; bit[2] c;\nc = mesure q;", "did you mean 'measure'?"},
    {V3 "qubit[2] q; bit[2] c;\nmesure q -> c;", "did you mean 'measure'?"},
    {V3 "qubits[2] q;", "did you mean 'qubit'?"},
    {"OPENQASM 3.0;\ninclud \"stdgates.inc\";", "did you mean 'include'?"},
    {V3 "qubit q;\nrest q;", "did you mean 'reset'?"},
    {V3 "qubit q;\nsxx q;", "did you mean 'sx'?"},
    {V3 "int counter = 1; qubit[2] q;\nx q[countr];", "did you mean 'counter'?"},
    {V3 "qubit q;\nrx(arcsine(0.5)) q;", "did you mean 'arcsin'?"},
};

START_TEST(hints_name_what_was_meant) {
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = errors_of(hints[_i].program, NULL);
    ck_assert_msg(all.items[0].hint != NULL && strcmp(all.items[0].hint, hints[_i].hint) == 0,
                  "%s (%s)\n%s", all.items[0].message, all.items[0].hint, hints[_i].program);
    ck_assert_uint_eq(all.count, 1);
}
END_TEST

START_TEST(expected_is_a_field_of_its_own) {
    QT_CLEANUP(qt_diagnostics_done)
    qt_diagnostics all = errors_of(V2 "qreg q[2];\ncx q[0],7;\n", NULL);
    ck_assert_str_eq(all.items[0].expected, "a quantum register");
    ck_assert_str_eq(all.items[0].message, "expected a quantum register, found '7'");
    ck_assert_str_eq(all.items[0].source, "cx q[0],7;");
    ck_assert_uint_eq(all.items[0].length, 1);
}
END_TEST

START_TEST(so_many_and_no_more) {
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    qt_buf_add_str(&program, V3 "qubit[2] q;\n");
    for (int i = 0; i < 1000; i++) {
        qt_buf_printf(&program, "gate_%d q;\n", i);
    }
    const qt_qasm_options five = {.max_errors = 5};
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics few = errors_of(qt_buf_str(&program), &five);
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = errors_of(qt_buf_str(&program), NULL);
    ck_assert_uint_eq(few.count, 5);
    ck_assert(few.is_full);
    ck_assert_uint_eq(all.count, QT_MAX_DIAGNOSTICS);
}
END_TEST

/* A search among very many names takes no time to speak of. */
START_TEST(hints_are_cheap) {
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    qt_buf_add_str(&program, V2);
    for (int i = 0; i < 100000; i++) {
        qt_buf_printf(&program, "qreg register_with_a_rather_long_name_%d[1];\n", i);
    }
    for (int i = 0; i < 100; i++) {
        qt_buf_printf(&program, "x register_with_a_rather_long_nam_%d[0];\n", i);
    }
    const qt_qasm_options options = {.max_bytes = 100 << 20, .max_errors = 100};
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = errors_of(qt_buf_str(&program), &options);
    ck_assert_uint_eq(all.count, 100);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qasm diagnostics");
    TCase *tc = tcase_create("diagnostics");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, each_error_is_told_once, 0, QT_ARRAY_LEN(rows));
    tcase_add_loop_test(tc, hints_name_what_was_meant, 0, QT_ARRAY_LEN(hints));
    tcase_add_test(tc, expected_is_a_field_of_its_own);
    tcase_add_test(tc, so_many_and_no_more);
    tcase_add_test(tc, hints_are_cheap);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
