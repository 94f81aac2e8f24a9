/* OpenQASM 2 and 3: programs with one possible outcome are run and must give it; broken ones must
 * be refused at the right place. */
#include "base/cleanup.h"
#include "qasm/qasm.h"
#include "sim/sim.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

#define V2 "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n"
#define V3 "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n"

typedef struct outcome {
    const char *program;
    const char *key;
} outcome;

static void run(const char *program, const char *key) {
    qt_err err;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *result = NULL;
    const qt_sim_options options = {.shots = 50, .seed = 1};
    qt_code code = qt_qasm_parse(program, strlen(program), NULL, &circuit, NULL, &err);
    ck_assert_msg(code == QT_OK, "%s\n%s", err.msg, program);
    ck_assert_ok(qt_circuit_validate(circuit, &err));
    ck_assert_ok(qt_sim_run(circuit, &options, &result, &err));
    ck_assert_msg(result->count_count == 1 && strcmp(result->counts[0].key, key) == 0,
                  "%zu outcomes, first %s, not %s\n%s", result->count_count, result->counts[0].key,
                  key, program);
}

static const outcome outcomes[] = {
    /* OpenQASM 2 */
    {V2 "qreg q[2]; creg c[2]; x q[0]; measure q -> c;", "01"},
    {V2 "qreg q[2]; creg c[2]; x q; measure q -> c;", "11"},
    {V2 "qreg q[2]; creg a[1]; creg b[1]; x q[1]; measure q[0]->a[0]; measure q[1]->b[0];", "1 0"},
    {V2 "gate g(t) a,b { rx(t) a; cx a,b; } qreg q[2]; creg c[2]; g(pi) q[0],q[1]; measure q->c;",
     "11"},
    {V2 "qreg q[2]; creg c[2]; x q[0]; measure q->c; if(c==1) x q[1]; measure q->c;", "11"},
    {V2 "qreg q[1]; creg c[70]; x q[0]; measure q[0]->c[69]; if(c==590295810358705651712) x q[0];"
        " measure q[0]->c[0];",
     "1000000000000000000000000000000000000000000000000000000000000000000000"},
    {V2 "qreg q[3]; creg c[3]; x q[0]; swap q[0],q[2]; measure q->c;", "100"},
    /* gates and modifiers of OpenQASM 3 */
    {V3 "qubit[2] q; bit[2] c; x q[0]; c = measure q;", "01"},
    {V3 "qubit q; bit c; x q; c = measure q;", "1"},
    {V3 "qubit[2] q; bit[2] c; x q[0]; ctrl @ x q[0], q[1]; measure q -> c;", "11"},
    {V3 "qubit[2] q; bit[2] c; negctrl @ x q[0], q[1]; c = measure q;", "10"},
    {V3 "qubit[3] q; bit[3] c; x q[0:1]; ctrl(2) @ x q[0], q[1], q[2]; c = measure q;", "111"},
    {V3 "qubit q; bit c; pow(2) @ sx q; c = measure q;", "1"},
    {V3 "qubit q; bit c; pow(1/2) @ x q; pow(0.5) @ x q; c = measure q;", "1"},
    {V3 "qubit q; bit c; inv @ pow(2) @ sx q; c = measure q;", "1"},
    {V3 "gate g(t) a, b { ry(t) a; ctrl @ x a, b; } qubit[2] q; bit[2] c; g(pi) q[0], q[1];"
        " c = measure q;",
     "11"},
    {V3 "gate g a { h a; s a; } qubit q; bit c; g q; inv @ g q; c = measure q;", "0"},
    /* U has the phase e^{i t/2} that a control makes visible: two controlled U(pi,0,pi) = Z */
    {V3 "qubit[2] q; bit[2] c; h q[0]; ctrl @ gphase(pi) q[0]; h q[0]; c = measure q;", "01"},
    {V3 "qubit[2] q; bit[2] c; h q[0]; ctrl @ U(2*pi, 0, 0) q[0], q[1]; h q[0]; c = measure q;",
     "00"},
    {V3 "qubit[2] q; bit[2] c; h q[0]; ctrl @ rx(2*pi) q[0], q[1]; h q[0]; c = measure q;", "01"},
    /* classical values */
    {V3 "const int n = 3; qubit[n] q; bit[n] c; for int i in [0:n-1] { if (i % 2 == 0) x q[i]; }"
        " c = measure q;",
     "101"},
    {V3 "qubit[4] q; bit[4] c; for uint i in {0, 3} x q[i]; c = measure q;", "1001"},
    {V3 "qubit[4] q; bit[4] c; for int i in [3:-2:0] x q[i]; c = measure q;", "1010"},
    {V3 "qubit[4] q; bit[4] c; let a = q[0] ++ q[2:3]; x a[1]; x a[-1]; c = measure q;", "1100"},
    {V3 "bit[4] c = \"0110\"; qubit q; bit d; d = measure q;", "0 0110"},
    {V3 "bit[4] c; c[1] = 1; c[3] = c[1]; c = c << 0; qubit q;", "1010"},
    {V3 "int n = 5; n += 2; n *= 2; bit[4] c; c[0:3] = bit[4](n); qubit q;", "1110"},
    {V3 "uint[4] n; n[1] = 1; n <<= 1; bit[4] c = bit[4](n); qubit q;", "0100"},
    {V3 "qubit q; bit c; rx(float(2) * pi / 2.0) q; c = measure q;", "1"},
    /* what measurements decide */
    {V3 "qubit[2] q; bit[2] c; x q[0]; c[0] = measure q[0]; if (c[0]) x q[1]; else h q[1];"
        " c[1] = measure q[1];",
     "11"},
    {V3 "qubit q; bit c; int n = 0; x q; c = measure q; if (c == 1) { n = 3; } else { n = 4; }"
        " bit[3] d = bit[3](n);",
     "011 1"},
    {V3 "qubit q; bit c; int n = 0; while (n < 5) { n += 1; x q; } c = measure q;", "1"},
    {V3 "qubit q; bit c; bit[3] k; int n = 0; while (true) { n += 1; if (n == 4) break;"
        " if (n == 2) continue; x q; } c = measure q; k = bit[3](n);",
     "100 0"},
    {V3 "qubit q; bit[2] c; bit d; x q; c[1] = measure q; switch (c) { case 0, 1 { x q; }"
        " case 2 { reset q; } default { h q; } } d = measure q;",
     "0 10"},
    {V3 "qubit q; bit c; angle t = pi; x q; c = measure q; if (c) { t = pi / 2; } reset q; rx(t) q;"
        " rx(t) q; c = measure q;",
     "1"},
    {V3 "def flip(qubit a, int n) -> bit { for int i in [1:n] { x a; } return measure a; }"
        " qubit q; bit c; c = flip(q, 3);",
     "1"},
    {V3 "def twice(int n) -> int { return 2 * n; } bit[4] c = bit[4](twice(3)); qubit q;", "0110"},
    /* a slice takes the value that its source had before */
    {V3 "bit[2] c = \"01\"; c[{1, 0}] = c; qubit q;", "10"},
    {V3 "bit[4] c = \"0001\"; c[1:3] = c[0:2]; qubit q;", "0011"},
    {V3 "int n = 3; int s = 0; while (n > 0) { int t = n; n -= 1; s += t; }"
        " bit[4] d = bit[4](s); qubit q;",
     "0110"},
    {V3 "def f(qubit a, bit b) -> int { int n = 4; if (b) { n = 6; } return n; } qubit q;"
        " bit c = 1; bit[4] d = bit[4](f(q, c) + f(q, 0));",
     "1010 1"},
    {V3 "int n = 0; for int i in [-9223372036854775807:4611686018427387904:9223372036854775807]"
        " { n += 1; } bit[3] d = bit[3](n); uint[4] r = rotr(uint[4](1), 1 << 63);"
        " bit[4] k = bit[4](r); qubit q;",
     "0001 100"},
    {V3 "def f(qubit a) -> bit { x a; return measure a; } qubit q; bit c;"
        " if (false && f(q)) { c = 1; } if (true || f(q)) { c = measure q; }",
     "0"},
    {V3 "qubit[2] q; bit[2] c; x q[0]; c[{1, 0}] = measure q;", "10"},
    {V3 "qubit q; bit a; output bit b; x q; a = measure q; b = measure q;", "1"},
    {V3 "bit c; x $0; c = measure $0;", "1"},
    {V3 "qubit q; bit c; x q; delay[10ns] q; box { x q; } c = measure q; end; x q;", "0"},
};

START_TEST(runs_give_the_outcome) {
    run(outcomes[_i].program, outcomes[_i].key);
}
END_TEST

/* The standard gates with the phases that the specification gives them, which a control makes
 * visible: controlled, then undone by the controlled definition, they leave every state alone. */
static const struct {
    const char *gate;
    const char *definition; /* on a, b and c */
    unsigned qubits;
} standard[] = {
    {"x", "U(pi, 0, pi) a; gphase(-pi / 2);", 1},
    {"y", "U(pi, pi / 2, pi / 2) a; gphase(-pi / 2);", 1},
    {"z", "ctrl @ gphase(pi) a;", 1},
    {"h", "U(pi / 2, 0, pi) a; gphase(-pi / 4);", 1},
    {"s", "ctrl @ gphase(pi / 2) a;", 1},
    {"sdg", "ctrl @ gphase(-pi / 2) a;", 1},
    {"t", "ctrl @ gphase(pi / 4) a;", 1},
    {"tdg", "ctrl @ gphase(-pi / 4) a;", 1},
    {"sx", "pow(0.5) @ x a;", 1},
    {"id", "U(0, 0, 0) a;", 1},
    {"p(0.3)", "ctrl @ gphase(0.3) a;", 1},
    {"phase(0.3)", "U(0, 0, 0.3) a;", 1},
    {"rx(0.3)", "U(0.3, -pi / 2, pi / 2) a; gphase(-0.15);", 1},
    {"ry(0.3)", "U(0.3, 0, 0) a; gphase(-0.15);", 1},
    {"rz(0.3)", "gphase(-0.15); U(0, 0, 0.3) a;", 1},
    {"u1(0.3)", "U(0, 0, 0.3) a;", 1},
    {"u2(0.3, 0.7)", "gphase(-(1.0 + pi / 2) / 2); U(pi / 2, 0.3, 0.7) a;", 1},
    {"u3(0.3, 0.7, 1.1)", "gphase(-2.1 / 2); U(0.3, 0.7, 1.1) a;", 1},
    {"cx", "ctrl @ x a, b;", 2},
    {"CX", "ctrl @ x a, b;", 2},
    {"cy", "ctrl @ y a, b;", 2},
    {"cz", "ctrl @ z a, b;", 2},
    {"ch", "ctrl @ h a, b;", 2},
    {"cp(0.3)", "ctrl @ p(0.3) a, b;", 2},
    {"cphase(0.3)", "ctrl @ p(0.3) a, b;", 2},
    {"crx(0.3)", "ctrl @ rx(0.3) a, b;", 2},
    {"cry(0.3)", "ctrl @ ry(0.3) a, b;", 2},
    {"crz(0.3)", "ctrl @ rz(0.3) a, b;", 2},
    {"cu(0.3, 0.7, 1.1, 1.5)", "p(1.5 - 0.15) a; ctrl @ U(0.3, 0.7, 1.1) a, b;", 2},
    {"swap", "cx a, b; cx b, a; cx a, b;", 2},
    {"ccx", "ctrl(2) @ x a, b, c;", 3},
    {"cswap", "ctrl @ swap a, b, c;", 3},
};

START_TEST(standard_gates_are_as_specified) {
    static const char *const names[] = {"a", "a, b", "a, b, c"};
    static const char *const operands[] = {"q[0], q[1]", "q[0], q[1], q[2]",
                                           "q[0], q[1], q[2], q[3]"};
    unsigned n = standard[_i].qubits;
    char program[1024];
    snprintf(program, sizeof program,
             V3 "gate g %s { %s }\ngate prepare a, b, c, d { ry(0.7) a; rz(0.2) a; ry(1.0) b; "
                "rz(0.7) b; ry(1.3) c; rz(1.2) c; ry(1.6) d; rz(1.7) d; }\n"
                "qubit[4] q; bit[4] c; prepare q[0], q[1], q[2], q[3];\n"
                "ctrl @ %s %s; inv @ ctrl @ g %s;\n"
                "inv @ prepare q[0], q[1], q[2], q[3]; c = measure q;",
             names[n - 1], standard[_i].definition, standard[_i].gate, operands[n - 1],
             operands[n - 1]);
    run(program, "0000");
}
END_TEST

/* Accepted without effect, which has to be said. */
static const outcome warned[] = {
    {V3 "qubit q;\ndelay[10ns] q;", "4:1: "},
    {V3 "qubit q;\nbox[10ns] { x q; }", "4:1: "},
    {V3 "output float f;\nqubit q; f = 3;", "3:14: "},
    {V3 "qubit q;\nstretch s;", "4:1: the stretch"},
};

START_TEST(what_has_no_effect_is_said) {
    qt_err err;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    const char *program = warned[_i].program;
    ck_assert_ok(qt_qasm_parse(program, strlen(program), NULL, &circuit, NULL, &err));
    ck_assert_uint_eq(circuit->warning_count, 1);
    ck_assert_msg(strncmp(circuit->warnings[0], warned[_i].key, strlen(warned[_i].key)) == 0,
                  "%s\n%s", circuit->warnings[0], program);
}
END_TEST

typedef struct refusal {
    const char *program;
    qt_reason reason;
    const char *start; /* of the message */
} refusal;

#define SYNTAX QT_REASON_CIRCUIT_SYNTAX
#define UNSUPPORTED QT_REASON_CIRCUIT_UNSUPPORTED
#define LARGE QT_REASON_CIRCUIT_TOO_LARGE

static const refusal refusals[] = {
    {V2 "qreg q[2];\nwarp q[0];", SYNTAX, "4:1: "},
    {V2 "qreg q[2];\ncx q[0],q[0];", SYNTAX, "4:9: "},
    {V2 "qreg q[2];\nx q[2];", SYNTAX, "4:5: "},
    {V2 "qreg q[2]\nx q[0];", SYNTAX, "3:10: "},
    {V2 "qreg q[0];", SYNTAX, "3:8: "},
    {V2 "include \"other.inc\";", UNSUPPORTED, "3:9: "},
    {V3 "qubit[2] q;\nwarp q[0];", SYNTAX, "4:1: "},
    {V3 "qubit[2] q;\ncx q[0], q[0];", SYNTAX, "4:10: "},
    {V3 "qubit[2] q;\nx q[2];", SYNTAX, "4:5: "},
    {V3 "qubit[2] q;\nx(1) q[0];", SYNTAX, "4:1: "},
    {V3 "qubit[2] q;\nqubit q;", SYNTAX, "4:7: "},
    {V3 "qubit q;\nbit c\nc = measure q;", SYNTAX, "4:6: "},
    {V3 "int n = 1;\nn = undefined_name;", SYNTAX, "4:5: "},
    {V3 "const int n = 1;\nn = 2;", SYNTAX, "4:1: "},
    {V3 "qubit[3] q; bit[2] c;\nc = measure q;", SYNTAX, "4:1: "},
    {V3 "bit[4] b = \"10101\";", SYNTAX, "3:1: 5 bits cannot become a register of 4 bits"},
    {V3 "bit[4] b = \"00000\";", SYNTAX, "3:1: 5 bits cannot become a register of 4 bits"},
    {V3 "bit[4] b;\nb = \"000\";", SYNTAX, "4:1: 3 bits cannot become a register of 4 bits"},
    {V3 "bit b = \"00\";", SYNTAX, "3:1: 2 bits cannot become a register of 1 bits"},
    {V3 "bit[66] b = 147573952589676412928;", SYNTAX, "3:1: 68 bits cannot become a register"},
    {V3 "break;", SYNTAX, "3:1: "},
    {V3 "gate g a {\n  measure a;\n}", SYNTAX, "4:3: "},
    {V3 "if (true) { qubit q; }", SYNTAX, "3:13: "},
    {V3 "extern f(int) -> int;", UNSUPPORTED, "3:1: extern"},
    {V3 "defcal x $0 { }", UNSUPPORTED, "3:1: defcal"},
    {V3 "input float t;", SYNTAX, "3:13: the input 't' has no value"},
    {V3 "cal { }", UNSUPPORTED, "3:1: cal"},
    {V3 "defcalgrammar \"openpulse\";", UNSUPPORTED, "3:1: defcalgrammar"},
    {V3 "qubit q;\ndelay[durationof({x q;})] q;", UNSUPPORTED, "4:7: durationof"},
    {V3 "qubit q;\nx $0;", SYNTAX, "4:3: hardware qubits"},
    {V3 "gate g a, b { h a; cx a, b; } qubit[2] q;\npow(0.5) @ g q[0], q[1];", UNSUPPORTED,
     "4:12: a real power"},
    {V3 "int a = 1 / 0;", SYNTAX, "3:11: division by zero"},
    {"OPENQASM 4.0;\nqubit q;", UNSUPPORTED, "1:10: "},
    {"OPENQASM 3.0;\nqubit q;\nh q;", SYNTAX, "3:1: "},
    {V3 "qubit q; for int i in [0:1000000000] { x q; }", LARGE, "3:"},
    {V3 "def f(qubit a) { f(a); } qubit q; f(q);", LARGE, "3:18: "},
    {V3 "qubit[4000000000] q;", LARGE, "3:19: "},
};

START_TEST(broken_programs_are_refused) {
    const refusal *r = &refusals[_i];
    qt_err err;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = {0};
    const qt_qasm_options options = {.limits = {.max_ops = 100000, .max_qubits = 100000}};
    qt_code code = qt_qasm_parse(r->program, strlen(r->program), &options, &circuit, &all, &err);
    ck_assert_msg(code == QT_INVALID_ARGUMENT, "accepted: %s", r->program);
    ck_assert_ptr_null(circuit);
    ck_assert_msg(err.reason == r->reason && strncmp(err.msg, r->start, strlen(r->start)) == 0,
                  "%s: %s\n%s", qt_reason_name(err.reason), err.msg, r->program);
    ck_assert_uint_ge(all.count, 1);
}
END_TEST

START_TEST(all_errors_are_collected) {
    static const char program[] = V3 "qubit q;\nwarp q;\nx q;\nfoo q;\nh q[1];\nx q;\n";
    qt_err err;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = {0};
    ck_assert_int_eq(qt_qasm_parse(program, strlen(program), NULL, &circuit, &all, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_uint_eq(all.count, 3);
    ck_assert_uint_eq(all.items[0].line, 4);
    ck_assert_uint_eq(all.items[1].line, 6);
    ck_assert_uint_eq(all.items[2].line, 7);
}
END_TEST

START_TEST(deep_nesting_is_an_error) {
    static char program[60000];
    strcpy(program, V3 "float x = ");
    size_t at = strlen(program);
    memset(program + at, '(', sizeof program - at - 1);
    qt_err err;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    ck_assert_int_eq(qt_qasm_parse(program, strlen(program), NULL, &circuit, NULL, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_str_eq(qt_reason_name(err.reason), "CIRCUIT_TOO_LARGE");
}
END_TEST

START_TEST(every_failure_is_survived) {
    static const char *const programs[] = {
        V2 "gate g(t) a { rx(t) a; } qreg q[3]; creg c[3]; g(1) q; measure q -> c;",
        V3
        "def f(qubit a) -> bit { return measure a; } gate g(t) a { rx(t) a; } qubit[3] q; bit[3] "
        "c; for int i in [0:2] { g(i) q[i]; c[i] = f(q[i]); if (c[i]) { x q; } }",
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(programs); i++) {
        QT_EACH_FAILURE(k) {
            qt_err err;
            QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
            QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = {0};
            qt_code code =
                qt_qasm_parse(programs[i], strlen(programs[i]), NULL, &circuit, &all, &err);
            ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
            ck_assert(code != QT_OK || circuit != NULL);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qasm");
    TCase *tc = tcase_create("qasm");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, runs_give_the_outcome, 0, QT_ARRAY_LEN(outcomes));
    tcase_add_loop_test(tc, standard_gates_are_as_specified, 0, QT_ARRAY_LEN(standard));
    tcase_add_loop_test(tc, what_has_no_effect_is_said, 0, QT_ARRAY_LEN(warned));
    tcase_add_loop_test(tc, broken_programs_are_refused, 0, QT_ARRAY_LEN(refusals));
    tcase_add_test(tc, all_errors_are_collected);
    tcase_add_test(tc, deep_nesting_is_an_error);
    tcase_add_test(tc, every_failure_is_survived);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
