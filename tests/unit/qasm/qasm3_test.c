/* OpenQASM 3, feature by feature: programs with one possible outcome are run and must give it;
 * printed and read again they must give it too. */
#include "base/cleanup.h"
#include "circuit/print.h"
#include "qasm/qasm.h"
#include "sim/sim.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

#define V3 "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n"

static qt_err err;

static qt_circuit *parse(const char *program, const qt_qasm_options *options) {
    qt_circuit *circuit = NULL;
    qt_code code = qt_qasm_parse(program, strlen(program), options, &circuit, NULL, &err);
    ck_assert_msg(code == QT_OK, "%s\n%s", err.msg, program);
    ck_assert_ok(qt_circuit_validate(circuit, &err));
    return circuit;
}

static void check_outcome(const qt_circuit *circuit, const char *key, const char *program) {
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *result = NULL;
    const qt_sim_options options = {.shots = 50, .seed = 1};
    qt_code code = qt_sim_run(circuit, &options, &result, &err);
    ck_assert_msg(code == QT_OK, "%s\n%s", err.msg, program);
    ck_assert_msg(result->count_count == 1 && strcmp(result->counts[0].key, key) == 0,
                  "%zu outcomes, first %s, not %s\n%s", result->count_count, result->counts[0].key,
                  key, program);
}

/* As it stands, and printed: the text is a fixed point and gives the same outcome. */
static void check_program(const char *program, const char *key, bool keep_loops) {
    const qt_qasm_options options = {.keep_loops = keep_loops};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = parse(program, &options);
    QT_CLEANUP(qt_buf_done) qt_buf first = {0};
    QT_CLEANUP(qt_buf_done) qt_buf second = {0};
    check_outcome(circuit, key, program);
    ck_assert_ok(qt_circuit_print_qasm3(circuit, &first, &err));
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *again = parse(first.data, &options);
    check_outcome(again, key, first.data);
    ck_assert_ok(qt_circuit_print_qasm3(again, &second, &err));
    ck_assert_msg(strcmp(first.data, second.data) == 0, "%.1500s\nbecame\n%.1500s", first.data,
                  second.data);
}

typedef struct outcome {
    const char *program;
    const char *key;
} outcome;

/* Outputs are what is looked at; `one` is a bit that only a run knows to be 1, `zero` one of 0. */
#define RUN V3 "qubit[6] q; bit one; bit zero; x q[5]; one = measure q[5]; zero = measure q[4];\n"

static const outcome outcomes[] = {
    /* arrays */
    {V3 "array[int[8], 3] a = {5, 6, 7}; output int[8] r; r = a[0] + a[-1]; qubit q;", "00001100"},
    {V3 "array[uint[4], 2, 3] a = {{1, 2, 3}, {4, 5, 6}}; output uint[4] r; output uint[4] s;"
        " r = a[1, 2]; s = a[0][1]; qubit q;",
     "0010 0110"},
    {V3 "array[uint[4], 3] a; a[0] = 1; a[1] += 3; a[2] = a[0] + a[1]; output array[uint[4], 3] b;"
        " b = a; qubit q;",
     "010000110001"},
    {V3 "array[uint[4], 2, 2] a = {{1, 2}, {3, 4}}; array[uint[4], 2] r; r = a[1]; a[0] = r;"
        " output uint[4] s; s = a[0, 0] * a[0, 1]; qubit q;",
     "1100"},
    {V3
     "array[uint[4], 5] a = {0, 1, 2, 3, 4}; output array[uint[4], 3] b; b = a[4:-2:0]; qubit q;",
     "000000100100"},
    {V3 "array[uint[4], 2] a = {1, 2}; array[uint[4], 3] b = {3, 4, 5};"
        " output array[uint[4], 4] c; c = a ++ b[1:2]; qubit q;",
     "0101010000100001"},
    {V3 "array[uint[4], 4] a = {1, 2, 3, 4}; a[1:3] = a[0:2]; output array[uint[4], 4] b; b = a;"
        " qubit q;",
     "0011001000010001"},
    {V3 "array[int[8], 4, 5] a; output uint[4] r; output uint[4] s; r = sizeof(a);"
        " s = sizeof(a, 1); qubit q;",
     "0101 0100"},
    {V3 "array[uint[4], 2] a = {9, 0}; a[0][1] = 1; a[1][0:1] = \"11\"; output uint[4] r;"
        " output uint[4] s; output bit t; r = a[0]; s = a[1]; t = a[0][3]; qubit q;",
     "1 0011 1011"},
    {V3 "array[uint[4], 3] a = {1, 2, 3}; uint[4] s = 0; for uint[4] x in a { s += x; }"
        " output uint[4] r; r = s; qubit q;",
     "0110"},
    {V3 "array[float[64], 2] a = {1.5, 0.25}; array[angle[8], 1] b = {pi}; qubit q; bit c;"
        " rx(b[0] * 1) q; rx((a[0] + a[1] - 1.75) * pi) q; c = measure q;",
     "1"},
    {V3 "array[bool, 2] a = {true, false}; output bool r; r = a[0] && !a[1]; qubit q;", "1"},
    {V3 "array[complex[float[64]], 2] a = {1.0 + 2.0im, 3im}; output int[8] r;"
        " r = int[8](imag(a[0] * a[1])); qubit q;",
     "00000011"},
    {V3 "def f(readonly array[uint[4], 3] a, uint[4] i) -> uint[4] { return a[i] + sizeof(a); }"
        " array[uint[4], 3] a = {1, 2, 3}; output uint[4] r; r = f(a, 2); qubit q;",
     "0110"},
    {V3 "def f(mutable array[uint[4], #dim=2] a) { a[0, 1] = 7; for int i in [0:1] { a[1, i] ="
        " a[0, i]; } } array[uint[4], 2, 2] a = {{1, 2}, {3, 4}}; f(a);"
        " output array[uint[4], 2, 2] b; b = a; qubit q;",
     "0111000101110001"},
    {RUN "array[uint[4], 3] a = {1, 2, 3}; if (one) { a[1] = 7; } output uint[4] r; r = a[1];"
         " output uint[4] s; s = a[0];",
     "0001 0111"},
    {RUN "array[uint[4], 4] a = {1, 2, 3, 4}; uint[2] n = 0; n[1] = one; output uint[4] r;"
         " r = a[n]; a[n] = 9; output uint[4] s; s = a[2]; output uint[4] t; t = a[3];",
     "0100 1001 0011"},
    {RUN "array[uint[4], 2, 2] a = {{1, 2}, {3, 4}}; int n = -1; if (zero) { n = 0; }"
         " output uint[4] r; r = a[n, one]; a[n][one] += 1; output uint[4] s; s = a[1, 1];",
     "0101 0100"},
    {RUN "def f(mutable array[uint[4], 2] a, bit b) { if (b) { a[0] = 5; return; } a[1] = 6; }"
         " array[uint[4], 2] a = {1, 2}; f(a, one); output array[uint[4], 2] r; r = a;",
     "00100101"},
    {V3 "array[int[8], 0] a; output uint[4] r; r = sizeof(a) + 1; qubit q;", "0001"},

    /* complex numbers */
    {V3 "complex[float[64]] a = 10.0 + 5.0im; complex b = -2.0 - 7.0im; output int[8] r;"
        " output int[8] s; r = int[8](real(a * b)); s = int[8](imag(a * b)); qubit q;",
     "10110000 00001111"},
    {V3 "complex a = 3.0 + 4.0im; output bool r; r = a / (1.0 + 0im) == a - 0.0; output bool s;"
        " s = real(exp(pi * 1im)) < -0.99; a += 1; a *= 2im; output int[8] t; t = int[8](real(a));"
        " qubit q;",
     "11111000 1 1"},
    {RUN "complex a = 1.0 + 2.0im; if (one) { a = a * (3.0 - 1.0im); a += 1im; a /= 2.0; }"
         " output bool r; r = a == 2.5 + 3.0im; output bool s; s = real(-a) == -2.5;",
     "1 1"},

    /* inner values: slices, wide bits */
    {V3 "int[32] n = 15; bit[1] last = n[0]; bit[16] even = n[0:2:31]; n[4:7] = \"1010\";"
        " output int[32] r; r = n; output bit[16] e; e = even; qubit q;",
     "0000000000000011 00000000000000000000000010101111"},
    {V3 "uint[8] n = 1; n[{1, 7}] = \"11\"; n[0] ^= 1; output uint[8] r; r = n; output bit[2] s;"
        " s = n[{7, 0}]; qubit q;",
     "01 10000010"},
    {RUN "uint[8] n = 1; uint[3] i = 0; i[1] = one; n[i] = 1; n[0:1] = \"10\"; output uint[8] r;"
         " r = n; output bit s; s = n[i];",
     "1 00000110"},
    {RUN "bit[4] c = \"0011\"; bit[2] d; int i = 1; i -= one; c[i + 2] = one; c[i] ^= one;"
         " d[i] |= c[i + 1]; let a = c[1:3]; a[i] = zero; output bit[4] r; r = c; output bit[2] s;"
         " s = d;",
     "01 0100"},
    {V3 "output bit[70] a; a = 0x2a_aaaa_aaaa_aaaa_aaab; output bool b;"
        " b = a == 0o125252525252525252525253; output bool c; c = a == 787061080478274202283;"
        " output bool d; d = a == "
        "0b1_010101010101010101010101010101010101010101010101010101010101010101011;",
     "1 1 1 1010101010101010101010101010101010101010101010101010101010101010101011"},
    {V3 "bit[70] a; a[69] = 1; a[0] = 1; bit[70] b = a >> 1; b = b | a; b = ~b; output bool r;"
        " r = b[69] == 0 && b[68] == 0 && b[0] == 0 && b[1] == 1; output uint[8] s;"
        " s = popcount(b); output bool t; t = rotl(a, 1)[0] == 1 && a > b; qubit q;",
     "1 01000011 1"},

    /* built-in functions */
    {V3 "const float x = 0.5; output bool r; r = arccos(cos(x)) - x < 1e-9 && arcsin(sin(x)) - x <"
        " 1e-9 && arctan(tan(x)) - x < 1e-9 && log(exp(x)) - x < 1e-9 && sqrt(x * x) == x;"
        " output int[4] s; s = int[4](ceiling(x) + floor(x) + mod(7, 4) + pow(2, 1)); qubit q;",
     "0110 1"},
    {RUN "float x = 2.5; if (zero) { x = 1.5; } int n = 7; n += zero; output int[4] r;"
         " r = int[4](ceiling(x) + floor(x)); output int[4] s; s = int[4](mod(n, 4) + n ** 1);"
         " output uint[4] t; t = popcount(uint[4](n)); output uint[4] u; u = rotl(uint[4](n), 1);"
         " output bool v; v = sqrt(x * x) == x && sin(x) ** 2 + cos(x) ** 2 > 0.99;",
     "1 1110 0011 1010 0101"},

    /* loops */
    {V3
     "bit[4] c = \"1010\"; output uint[4] r; uint[4] n = 0; for bit b in c { n <<= 1; n[0] = b; }"
     " r = n; qubit q;",
     "0101"},
    {V3 "bit[4] c = \"0111\"; let a = c[1:3]; output uint[4] r; uint[4] n; for bit b in a {"
        " n += uint[4](b); } r = n; qubit q;",
     "0010"},
    {V3 "output uint[4] r; uint[4] n; for bit b in bit[4](uint[4](11)) { n += uint[4](b); } r = n;"
        " qubit q;",
     "0011"},
    {RUN "int n = 3; n -= zero; int s = 0; for int i in [1:n] { s += i; } output int[4] r; r = s;",
     "0110"},
    {RUN "int n = 3; n += one; for int i in [n:-1:n - 2] { x q[i - 1]; } output bit[4] r;"
         " r = measure q[0:3];",
     "1110"},
    {RUN "int s = 0; int n = 2; n += zero; for int i in [0:n] { for int j in [0:i] { if (j == 2)"
         " { continue; } s += 1; } } output int[4] r; r = s;",
     "0101"},
    {V3 "output int[4] r; int s = 0; for int i in [0:5] { int k = i; i = 3; s += k; if (k == 4) {"
        " break; } } r = s; qubit q;",
     "1010"},
    {V3 "int n = 0; bit c; qubit q; while (n < 5) { n += 1; x q; if (n == 3) { continue; } if (n =="
        " 4) { break; } } c = measure q; output bit d; d = c; output int[4] m; m = n;",
     "0100 0"},
    /* left as a measurement decides */
    {RUN "int n = 0; for int i in [0:3] { n += 1; if (one) { break; } n += 4; } n += 8;"
         " output int[5] r; r = n;",
     "01001"},
    {RUN "int n = 0; for int i in [0:3] { n += 1; if (zero) { break; } if (one) { continue; }"
         " n += 4; } output int[5] r; r = n;",
     "00100"},
    {RUN
     "int n = 0; for int i in [0:2] { for int j in [0:2] { n += 1; if (one && j == 1) { break; }"
     " } n += 4; } output int[5] r; r = n;",
     "10010"},
    {RUN "int n = 0; for int i in {1, 2} { switch (int[2](one)) { case 1 { n += i; break; } default"
         " { n += 8; } } n += 4; } output int[5] r; r = n;",
     "00001"},
    {RUN "def f(bit b, int k) -> int { for int i in [0:3] { if (i == 2) { if (b) { return i; } } }"
         " return k; } output int[4] r; r = f(one, 9); output int[4] s; s = f(zero, 5);",
     "0101 0010"},
    {RUN "def f(bit a, bit b) -> bit { if (a) { if (b) { return 1; } return 0; } else { return 1; }"
         " } output bit r; r = f(one, zero); output bit s; s = f(zero, zero);",
     "1 0"},
    {RUN "def f(qubit a) -> int { int n = 0; while (true) { n += 1; reset a; x a; bit b ="
         " measure a; if (b) { while (true) { if (b) { return n; } } } n += 4; } return 15; }"
         " output int[4] r; r = f(q[0]);",
     "0001"},
    {RUN "def f(bit b) -> int { int n = 1; while (n < 8) { n *= 2; for int i in [0:1] { if (b)"
         " { return n + i; } } } return 9; } output int[4] r; r = f(one); output int[4] s;"
         " s = f(zero);",
     "1001 0010"},
    {RUN "int n = 0; def f(bit b) -> int { switch (int[2](b)) { case 0 { return 3; } case 1 {"
         " return 4; } default { return 5; } } } n = f(zero) + f(one); output int[4] r; r = n;",
     "0111"},
    {RUN "output int[4] r; r = 3; if (one) { r = 5; end; } r = 6; x q[0];", "0101"},
    {RUN "output int[4] r; r = 3; for int i in [0:3] { if (one && i == 1) { end; } r += 1; }",
     "0100"},
    {RUN "int n = 0; while (n < 3) { n += 1; if (one) { if (n == 2) { break; } } }"
         " output int[4] r; r = n;",
     "0010"},
    {RUN "def more(qubit a) -> bit { bit b = measure a; x a; return b; } int n = 0;"
         " while (more(q[5])) { n += 1; } output int[4] r; r = n;",
     "0001"},
    {RUN "def yes(qubit a) -> bit { return measure a; } output bit r; output bit s; output bit t;"
         " r = one && yes(q[5]); s = zero && yes(q[5]); t = zero || yes(q[4]);",
     "0 0 1"},

    /* qubits whose number is known only at run time */
    {RUN "int i = 1; i += one; x q[i]; output bit[3] r; r = measure q[0:2];", "100"},
    {RUN "int i = 1; i += one; x q[i]; cx q[i], q[i - 1]; cx q[-4], q[0]; output bit[4] r;"
         " r = measure q[0:3];",
     "0111"},
    {RUN "uint[1] i = 0; i[0] = one; x q[i]; output bit r; r = measure q[i]; output bit s;"
         " s = measure q[0];",
     "0 1"},
    {RUN "int i = 0; i += one; bit[3] c; x q[1]; c[i + 1] = measure q[i]; reset q[i];"
         " c[0] = measure q[i]; barrier q[i]; delay[5ns] q[i]; output bit[3] r; r = c;",
     "100"},
    {RUN "def f(qubit a, int n) -> bit { for int k in [1:n] { x a; } return measure a; }"
         " int i = 3; i -= one; output bit r; r = f(q[i], 3); output bit s; s = f(q[i], 2);",
     "1 1"},
    {RUN "def g(qubit[3] a, int n) { x a[n]; } int i = 0; i += one; g(q[0:2], i); g(q[1:3], i);"
         " output bit[4] r; r = measure q[0:3];",
     "0110"},
    {RUN
     "def g(qubit a, mutable array[uint[4], 2] b) { b[1] = 6; x a; } array[uint[4], 2] b ="
     " {1, 2}; int i = 0; i += one; g(q[i], b); output array[uint[4], 2] r; r = b; output bit s;"
     " s = measure q[1];",
     "1 01100001"},

    /* gates */
    {V3 "gate g(n) a { for int i in [0:2] { rx(n / 3) a; } } qubit q; bit c; g(pi) q;"
        " c = measure q;",
     "1"},
    {V3
     "const int n = 3; gate ladder(t) a, b { for int i in [1:n] { for int j in {1, 2} { crx(t * i"
     " * j / 18) a, b; } } } qubit[2] q; bit[2] c; x q[0]; ladder(pi) q[0], q[1]; c = measure q;",
     "11"},
    {V3 "qubit[3] q; bit[3] c; x q[0:1]; pow(0.5) @ ccx q[0], q[1], q[2]; pow(1 / 2) @ ctrl(2) @ x"
        " q[0], q[1], q[2]; c = measure q;",
     "111"},
    {V3 "gate g(t) a { h a; rz(t) a; h a; } qubit q; bit c; pow(0.25) @ g(4 * pi / 4) q;"
        " pow(0.75) @ g(pi) q; c = measure q;",
     "1"},
    {V3 "qubit[2] q; bit[2] c; x q[0]; pow(1/3) @ swap q[0], q[1]; inv @ pow(-2/3) @ swap q[0],"
        " q[1]; c = measure q;",
     "10"},
    {V3 "qubit[3] q; bit[3] c; x q[1]; negctrl @ ctrl @ inv @ pow(-1) @ x q[0], q[1], q[2];"
        " c = measure q;",
     "110"},

    {V3 "gate g(t) a, b { s b; cx a, b; rz(t) b; cx a, b; sdg b; } qubit[2] q; bit[2] c; h q;"
        " pow(0.5) @ g(0.4) q[0], q[1]; pow(-1/4) @ g(0.8) q[0], q[1]; h q; c = measure q;",
     "00"},

    /* timing, notes, scopes */
    {V3 "qubit[2] q; bit c; duration a = 100ns; const duration b = 200ns; stretch s;"
        " delay[a + s] q; delay[2.5us] q[0]; delay[b / 2]; box[a] { x q[0]; delay[s] q[1]; } box {"
        " c = measure q[0]; } delay[12dt] q[0]; delay[a + 3dt] q;",
     "1"},
    {V3 "qubit q; bit c; @one two\nx q; #pragma a b\npragma c d\n{ @inner\nx q; } { int n = 1;"
        " { n = 2; if (n == 2) x q; } } c = measure q;",
     "1"},
    {V3
     "qubit[2] q; bit c; int n = 1; { int n = 2; { int n = 3; } if (n == 2) x q[0]; } if (n == 1)"
     " x q[0]; nop q[0], q[1]; nop; c = measure q[0];",
     "0"},
    {"OPENQASM 3.1;\ninclude \"stdgates.inc\";\nqreg q[2]; creg c[2]; x q[1]; measure q -> c;",
     "10"},
    {"OPENQASM 3;\nbit[2] c; U(\xCF\x80, 0, \xCF\x80) $3; c[1] = measure $3; c[0] = measure $0;",
     "10"},
    {V3 "qubit \xC3\xA9t\xC3\xA9; bit \xCE\xB1; x \xC3\xA9t\xC3\xA9; \xCE\xB1 = measure"
        " \xC3\xA9t\xC3\xA9;",
     "1"},
    {V3 "def f(qubit a, int n,) -> int { return n; } qubit[3] q; array[int[8], 2,] a = {1, 2,};"
        " output int[4] r; r = f(q[0], 3,) + a[1,]; ccx q[0], q[1], q[2],; rx(pi,) q[{0, 1,}];"
        " gate g(t,) b, { rx(t) b; } g(1) q[0];",
     "0101"},

    /* outputs */
    {V3 "output bit[2] b; output uint[3] n; output bool t; output angle[4] a; bit hidden = 1;"
        " b = \"10\"; n = 5; t = true; a = pi; qubit q;",
     "1000 1 101 10"},
    {V3 "output int[3] n; qubit q; n = -2;", "110"},
};

START_TEST(runs_give_the_outcome) {
    check_program(outcomes[_i].program, outcomes[_i].key, false);
}
END_TEST

START_TEST(kept_loops_give_the_outcome) {
    check_program(outcomes[_i].program, outcomes[_i].key, true);
}
END_TEST

/* Work without end is stopped by the clock, whatever it is made of. */
static const char *const endless[] = {
    V3 "for int i in [0:1000000000] { }",
    V3 "int n = 0; while (n < 1000000000) { n += 1; }",
    V3
    "def f(int n) -> int { if (n == 0) { return 1; } return f(n - 1) + f(n - 1); } int x = f(60);",
    V3 "gate g a { for int i in [0:1000000000] { x a; } } qubit q; g q;",
    V3 "qubit q; bit b; for int i in [0:1000000000] { b = measure q; if (b) break; }",
    V3 "qubit[1000000] q; for int i in [0:49] { h q; reset q; barrier q; }",
    V3 "array[int, 1000000] a; array[int, 1000000] b; for int i in [0:1000] { a = b; }",
    V3 "qubit[100000] q; bit b; b = measure q[0]; int i = b; for int k in [0:1000] { x q[i]; }",
};

START_TEST(endless_work_is_stopped) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    const qt_qasm_options options = {.max_ms = 5};
    const char *program = endless[_i];
    ck_assert_int_eq(qt_qasm_parse(program, strlen(program), &options, &circuit, NULL, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_str_eq(qt_reason_name(err.reason), "CIRCUIT_TOO_LARGE");
}
END_TEST

/* ---- inputs ---- */

typedef struct given {
    const char *program;
    const char *values[3][2];
    const char *key; /* or the start of the error */
} given;

static const given inputs[] = {
    {V3 "input float t; input int[4] n; output int[4] r; r = n + 1; qubit q; bit c; rx(t) q;"
        " output bit d; d = measure q;",
     {{"t", "pi"}, {"n", "2"}},
     "1 0011"},
    {V3 "input bit[4] b; input bool t; input angle[8] a; output bit[4] r; output bool s; r = b;"
        " s = t && a == pi;",
     {{"b", "\"0110\""}, {"t", "true"}, {"a", "pi"}},
     "1 0110"},
    {V3 "input array[uint[4], 2] a; output uint[4] r; r = a[0] + a[1];", {{"a", "{3, 4}"}}, "0111"},
    {V3 "input float t;", {{NULL}}, "3:13: the input 't' has no value"},
    {V3 "input float t;", {{"t", "1"}, {"u", "2"}}, "1:1: a value is given for 'u'"},
    {V3 "input float t;", {{"t", "hello"}}, "3:13: the value 'hello' of the input 't' is no"},
    {V3 "input float t;", {{"t", "1 1"}}, "3:13: the value '1 1' of the input 't' is no"},
    {V3 "input float t;", {{"t", "1;"}}, "3:13: the value"},
    {V3 "input float t;", {{"t", ""}}, "3:13: the value"},
    {V3 "input bit[4] b;", {{"b", "\"11\""}}, "3:14: the value"},
    {V3 "input array[uint[4], 2] a;", {{"a", "{3}"}}, "3:25: the value"},
    {V3 "if (true) { input float t; }", {{"t", "1"}}, "3:13: inputs and outputs"},
    {"OPENQASM 2.0; qreg q[1];", {{"t", "1"}}, "1:1: OpenQASM 2 has no inputs"},
};

START_TEST(inputs_are_given_by_the_caller) {
    const given *g = &inputs[_i];
    qt_qasm_input values[3];
    qt_qasm_options options = {.inputs = values};
    while (options.input_count < 3 && g->values[options.input_count][0] != NULL) {
        const char *const *v = g->values[options.input_count];
        values[options.input_count++] = (qt_qasm_input){.name = v[0], .value = v[1]};
    }
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    qt_code code = qt_qasm_parse(g->program, strlen(g->program), &options, &circuit, NULL, &err);
    if (strchr(g->key, ':') == NULL) {
        ck_assert_msg(code == QT_OK, "%s\n%s", err.msg, g->program);
        check_outcome(circuit, g->key, g->program);
        return;
    }
    ck_assert_int_eq(code, QT_INVALID_ARGUMENT);
    ck_assert_msg(strncmp(err.msg, g->key, strlen(g->key)) == 0, "%s\n%s", err.msg, g->program);
}
END_TEST

/* ---- what is refused ---- */

static const struct {
    const char *program;
    const char *start; /* of the message */
} refusals[] = {
    {V3 "qubit[2] q;\nint n = 1;\nqubit[n] r;", "5:7: a size is a constant"},
    {V3 "int n = 1;\nconst int m = n;", "4:15: the value of a constant"},
    {V3 "bit[4] c = \"101\";", "3:1: 3 bits cannot become a register of 4"},
    {V3 "bit[4] c = \"10101\";", "3:1: 5 bits cannot become a register of 4"},
    {V3 "bit[70] c = 0x7fffffffffffffffff;", "3:1: 71 bits cannot become a register of 70"},
    {V3 "angle[4] a = \"101\";", "3:14: 3 bits cannot become an angle of 4"},
    {V3 "duration d = duration(200ns);", "3:14: nothing can be cast to duration"},
    {V3 "def f(qubit a, qubit b) { } qubit q;\nf(q, q);", "4:1: a qubit is used twice"},
    {V3 "qubit[2] q;\ndelay[-5ns] q;", "4:7: the duration is negative"},
    {V3 "qubit[2] q;\ndelay[5ns] q, q[0];", "4:1: a qubit is used twice"},
    {V3 "qubit pi;", "3:7: 'pi' is declared already"},
    {V3 "array[bit, 3] a;", "3:7: an array has no items of type bit"},
    {V3 "array[int, 1, 1, 1, 1, 1, 1, 1, 1] a;", "3:1: an array has 1 to 7 dimensions"},
    {V3 "array[int, 2] a = {1, 2, 3};", "3:19: 3 values for a dimension of 2"},
    {V3 "array[int, 2] a;\na[2] = 1;", "4:3: the index is out of range"},
    {V3 "array[int, 2] a;\na[0, 0] = 1;", "4:2: 'a' has 1 dimensions"},
    {V3 "array[int, 2] a; array[int, 3] b;\na = b;", "4:1: arrays of different shapes"},
    {V3 "array[int, 2] a;\na = {1, 2};", "4:5: a list of values"},
    {V3 "array[int, 2] a;\nint n = a;", "4:9: 'a' is an array"},
    {V3 "if (true) { array[int, 2] a; }", "3:13: arrays are declared outside"},
    {V3 "def f(readonly array[int, 2] a) { a[0] = 1; } array[int, 2] b;\nf(b);",
     "3:36: the array is readonly"},
    {V3 "def f(mutable array[int, 2] a) { } array[int, 3] b;\nf(b);", "4:3: dimension 0"},
    {V3 "def f(mutable array[int[8], 2] a) { } array[int, 2] b;\nf(b);", "4:3: 'a' takes"},
    {V3 "array[int, 2] a;\nint n = sizeof(a, 1);", "4:9: there are 1 dimensions"},
    {V3 "int n = 1;\nswitch (n) { case 1 { } case 2, 1 { } }", "4:33: the case 1 stands twice"},
    {V3 "int n = 1;\nswitch (n) { default { } }", "4:1: a switch has at least one 'case'"},
    {V3 "int n = 1;\nswitch (n) { case n { } }", "4:19: a case is a constant"},
    {V3 "complex c = 1im;\nfloat f = c;", "4:11: a value of type complex"},
    {V3 "def f(bit b) -> bit {\nif (b) { return b; } }\nbit c; c = f(c);", "5:12: 'f' ends"},
    {V3 "def f() { return 1; }\nf();", "3:18: this subroutine returns no value"},
    {V3 "return;", "3:1: 'return' stands in a subroutine"},
    {V3 "def f() { break; }\nf();", "3:11: 'break' stands in a loop"},
    {V3 "if (true);", "3:10: "},
    {V3 ";", "3:1: "},
    {V3 "gate g a { while (true) { } }", "3:12: a gate's body"},
    {V3 "int n = 2;\ngate g a { rx(n) a; }", "4:15: a gate's body uses constants"},
    {V3 "qubit[3] q;\nlet a = q[3];", "4:11: the index is out of range"},
    {V3 "bit b; qubit[3] q; b = measure q[0];\nlet a = q[int(b)];", "4:11: an index known only"},
    {V3 "int n = 1;\nn = foo(2);", "4:5: there is no function"},
    {V3 "int n;\nn(2);", "4:1: 'n' is no subroutine"},
    {V3 "bit b;\nb[0] = 1;", "4:2: a single bit has no index"},
    {V3 "uint n = 1;\nbool b = n[70];", "4:12: the index is out of range"},
};

START_TEST(what_is_forbidden_is_refused) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    const char *program = refusals[_i].program;
    qt_code code = qt_qasm_parse(program, strlen(program), NULL, &circuit, NULL, &err);
    ck_assert_msg(code == QT_INVALID_ARGUMENT, "accepted: %s", program);
    ck_assert_msg(strncmp(err.msg, refusals[_i].start, strlen(refusals[_i].start)) == 0, "%s\n%s",
                  err.msg, program);
}
END_TEST

/* After an error inside a subroutine, and of a declaration, later uses are no errors. */
START_TEST(one_error_is_reported_once) {
    static const char *const programs[] = {
        V3 "qubit q; int n = 2; def f(qubit a) { if (true) { x b; } } f(q); n = n + 1; x q;",
        V3 "int n = undefined; n = n + 1; int m = n;",
        V3 "qubit[0] q; x q; measure q; let a = q;",
        V3 "extern f(int) -> int; int n = f(2); n = f(n);",
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(programs); i++) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = {0};
        ck_assert_int_eq(
            qt_qasm_parse(programs[i], strlen(programs[i]), NULL, &circuit, &all, &err),
            QT_INVALID_ARGUMENT);
        ck_assert_msg(all.count == 1, "%zu errors: %s", all.count, programs[i]);
    }
}
END_TEST

START_TEST(every_failure_is_survived) {
    const char *program = outcomes[_i * 5].program;
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = {0};
        qt_code code = qt_qasm_parse(program, strlen(program), NULL, &circuit, &all, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

/* What a block declares itself is another variable than the one outside, which stays known. */
START_TEST(hidden_names_stay_known) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *circuit =
        parse(V3 "qubit q; bit b; int n = 3; b = measure q; if (b) { int n = 0; n += 1; x q; }"
                 " for int n in [0:1] { n = 5; } rx(n) q;",
              NULL);
    ck_assert_uint_eq(circuit->variable_count, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qasm3");
    TCase *tc = tcase_create("qasm3");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, runs_give_the_outcome, 0, QT_ARRAY_LEN(outcomes));
    tcase_add_loop_test(tc, kept_loops_give_the_outcome, 0, QT_ARRAY_LEN(outcomes));
    tcase_add_loop_test(tc, endless_work_is_stopped, 0, QT_ARRAY_LEN(endless));
    tcase_add_loop_test(tc, inputs_are_given_by_the_caller, 0, QT_ARRAY_LEN(inputs));
    tcase_add_loop_test(tc, what_is_forbidden_is_refused, 0, QT_ARRAY_LEN(refusals));
    tcase_add_test(tc, one_error_is_reported_once);
    tcase_add_test(tc, hidden_names_stay_known);
    tcase_add_loop_test(tc, every_failure_is_survived, 0, QT_ARRAY_LEN(outcomes) / 5);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
