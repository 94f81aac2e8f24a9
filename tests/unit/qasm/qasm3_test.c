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
    {V3 "def f(mutable array[uint[4], 2] a) { a[0] = a[0] + 1; } array[uint[4], 3, 2] a ="
        " {{1, 2}, {3, 4}, {5, 6}}; f(a[1]); f(a[{1}[0]]); output uint[4] r; r = a[1, 0]; qubit q;",
     NULL},
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
    {V3
     "complex a = 3.0 + 4.0im; output bool r; r = sqrt(a) == 2.0 + 1.0im; output bool s;"
     " s = a / a == 1; output bool t; t = (a != conj) || true; const complex conj = 1im; qubit q;",
     NULL},
    {V3 "complex a = 3.0 + 4.0im; output bool r; r = a / (1.0 + 0im) == a - 0.0; output bool s;"
        " s = real(exp(pi * 1im)) < -0.99; a += 1; a *= 2im; output int[8] t; t = int[8](real(a));"
        " qubit q;",
     "11111000 1 1"},
    {RUN "complex a = 1.0 + 2.0im; if (one) { a = a * (3.0 - 1.0im); a += 1im; a /= 2.0; }"
         " output bool r; r = a == 2.5 + 3.0im; output bool s; s = real(-a) == -2.5;",
     "1 1"},
    {V3 "float f = real((1.0 + 1.0im) ** 2); output bool r; r = abs(f) < 1e-9; qubit q;", NULL},

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
    {V3 "bit[70] a; a[69] = 1; a[0] = 1; bit[70] b = a >> 1; b = b | a; b = ~b; output bool r;"
        " r = b[69] == 0 && b[68] == 0 && b[0] == 0 && b[1] == 1; output uint[8] s;"
        " s = popcount(b); output bool t; t = rotl(a, 1)[0] == 1 && a > b; qubit q;",
     "1 01000011 1"},
    {V3 "const bit[4] c = \"1001\"; output bit[4] r; r = rotr(c, 1); output uint[4] s;"
        " s = popcount(c); qubit q;",
     NULL},

    /* built-in functions */
    {V3 "const float x = 0.5; output bool r; r = arccos(cos(x)) - x < 1e-9 && arcsin(sin(x)) - x <"
        " 1e-9 && arctan(tan(x)) - x < 1e-9 && log(exp(x)) - x < 1e-9 && sqrt(x * x) == x;"
        " output int[4] s; s = int[4](ceiling(x) + floor(x) + mod(7, 4) + pow(2, 1)); qubit q;",
     "0110 1"},
    {RUN "float x = 0.5; if (zero) { x = 1.5; } output bool r; r = abs_(x); "
         "def abs_(float y) -> bool { return y < 0.6; }",
     NULL},
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
    {V3
     "output float[64] r; float s = 0; for float f in {0.5, 1.5, 2.0} { s += f; } qubit q; bit c;"
     " rx(s * pi / 4) q; c = measure q;",
     NULL},
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
    {RUN "def f(bit b) { if (b) { return; } x q0; } output bit r;", NULL},
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
    {V3 "gate g a, b { cx a, b; rz(0.4) b; cx a, b; } qubit[3] q; bit[3] c; h q; pow(0.5) @ g q[0],"
        " q[1]; rzz(-0.2) q[0], q[1]; h q; c = measure q;"
        " gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; }",
     NULL},

    /* timing, notes, scopes */
    {V3
     "qubit[2] q; bit c; duration a = 100ns; const duration b = 2 * a; stretch s; delay[a + s] q;"
     " delay[2.5us] q[0]; delay[b / 2]; box[a] { x q[0]; delay[s] q[1]; } box { c ="
     " measure q[0]; } delay[12dt] q[0]; delay[durationof({x $0;})] q;",
     NULL},
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
    if (outcomes[_i].key != NULL) {
        check_program(outcomes[_i].program, outcomes[_i].key, false);
    }
}
END_TEST

START_TEST(kept_loops_give_the_outcome) {
    if (outcomes[_i].key != NULL) {
        check_program(outcomes[_i].program, outcomes[_i].key, true);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qasm3");
    TCase *tc = tcase_create("qasm3");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, runs_give_the_outcome, 0, QT_ARRAY_LEN(outcomes));
    tcase_add_loop_test(tc, kept_loops_give_the_outcome, 0, QT_ARRAY_LEN(outcomes));
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
