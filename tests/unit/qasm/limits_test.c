/* Small programs that would become large, or take long, stop at a limit; and plain gates mean the
 * same on both ways through the parsers. */
#include "base/cleanup.h"
#include "circuit/hash.h"
#include "qasm/qasm.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

#define V2 "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n"
#define V3 "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n"

static void expect_too_large(const char *program, const qt_qasm_options *options) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    qt_err err;
    qt_code code = qt_qasm_parse(program, strlen(program), options, &circuit, NULL, &err);
    ck_assert_msg(code == QT_INVALID_ARGUMENT && err.reason == QT_REASON_CIRCUIT_TOO_LARGE,
                  "%d %s: %s\n%.300s", (int)code, qt_reason_name(err.reason), err.msg, program);
}

static const qt_qasm_options small = {
    .max_ms = 20000, .limits = {.max_ops = 100000, .max_qubits = 10000, .max_bytes = 16 << 20}};

/* Each gate calls the one before ten times. */
static void add_nested_gates(qt_buf *program, const char *first, int depth) {
    qt_buf_add_str(program, first);
    for (int i = 1; i <= depth; i++) {
        qt_buf_printf(program, "gate g%d a {", i);
        for (int k = 0; k < 10; k++) {
            qt_buf_printf(program, " g%d a;", i - 1);
        }
        qt_buf_add_str(program, " }\n");
    }
}

START_TEST(nested_gates) {
    QT_CLEANUP(qt_buf_done) qt_buf two = {0};
    QT_CLEANUP(qt_buf_done) qt_buf three = {0};
    add_nested_gates(&two, V2 "qreg q[1];\ngate g0 a { x a; }\n", 60);
    add_nested_gates(&three, V3 "qubit[1] q;\ngate g0 a { x a; }\n", 60);
    qt_buf_add_str(&two, "g60 q[0];\n");
    qt_buf_add_str(&three, "g60 q[0];\n");
    expect_too_large(qt_buf_str(&two), &small);
    expect_too_large(qt_buf_str(&three), &small);
}
END_TEST

/* Nothing is emitted, so that only time grows. */
START_TEST(nested_empty_gates) {
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    qt_err err;
    add_nested_gates(&program, V2 "qreg q[1];\ngate g0 a { }\n", 60);
    qt_buf_add_str(&program, "g60 q[0];\n");
    ck_assert_ok(qt_qasm_parse(program.data, program.len, &small, &circuit, NULL, &err));
    ck_assert_uint_eq(circuit->op_count, 0);
}
END_TEST

static const char *const bombs[] = {
    /* loops */
    V3 "qubit q; for int i in [0:1000000000] { x q; }",
    V3 "int n = 0; for int i in [0:1000000000000] { n = n + i; }",
    V3 "for int i in [0:99999] { for int j in [0:99999] { for int k in [0:99999] { } } }",
    V3 "int n = 0; while (n < 1000000000) { n += 1; }",
    V3 "qubit q; pow(1e9) @ inv @ rx(1) q; gate g a { x a; y a; } pow(1000000000) @ g q;",
    /* registers */
    V2 "qreg q[4000000000];",
    V2 "qreg a[9999]; qreg b[9999];",
    V3 "qubit[4000000000] q;",
    V3 "bit[4000000000] q;",
    V3 "qubit[9999] a; qubit[9999] b;",
    V3 "array[int[8], 100000, 100000] a;",
    /* broadcasting */
    V3 "qubit[9999] q; for int i in [0:99] { x q; }",
    V2 "qreg q[9999]; x q; x q; x q; x q; x q; x q; x q; x q; x q; x q; x q;",
    /* subroutines */
    V3 "def f(qubit a) { f(a); } qubit q; f(q);",
    V3 "def a() { } def b() { a(); a(); a(); a(); a(); a(); a(); a(); }"
       "def c() { b(); b(); b(); b(); b(); b(); b(); b(); }"
       "def d() { c(); c(); c(); c(); c(); c(); c(); c(); }"
       "def e() { d(); d(); d(); d(); d(); d(); d(); d(); }"
       "def f() { e(); e(); e(); e(); e(); e(); e(); e(); } f(); f(); f(); f(); f(); f();",
    /* literals */
    V3 "qubit[2] q; ctrl(4000000000) @ x q[0], q[1];",
};

START_TEST(expansion) {
    static const qt_qasm_options tight = {
        .max_ms = 20000, .limits = {.max_ops = 20000, .max_qubits = 10000, .max_bytes = 16 << 20}};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    qt_err err;
    const char *program = bombs[_i];
    qt_code code = qt_qasm_parse(program, strlen(program), &tight, &circuit, NULL, &err);
    ck_assert_msg(code == QT_INVALID_ARGUMENT, "accepted: %s", program);
}
END_TEST

/* `count` times `unit`, between two texts. */
static void repeat(qt_buf *program, const char *start, const char *unit, size_t count,
                   const char *end) {
    qt_buf_add_str(program, start);
    for (size_t i = 0; i < count; i++) {
        qt_buf_add_str(program, unit);
    }
    qt_buf_add_str(program, end);
}

START_TEST(deep_nesting) {
    static const struct {
        const char *start;
        const char *unit;
    } deep[] = {
        {V2 "qreg q[1]; rx(", "("},
        {V2 "qreg q[1]; rx(", "-"},
        {V2 "qreg q[1]; rx(", "sin("},
        {V2 "qreg q[1]; rx(2", "^2"},
        {V3 "float x = ", "("},
        {V3 "float x = ", "-"},
        {V3 "float x = 2", "**2"},
        {V3 "float x = ", "sin("},
        {V3 "int x = 1", "+1"},
        {V3 "", "{"},
        {V3 "", "if (true) "},
        {V3 "qubit q; ", "if (true) { "},
        {V3 "qubit q; ", "inv @ "},
        {V3 "bit[4] b; int x = b", "[0:3]"},
        {V3 "array[int[8], 2] a = ", "{"},
        {V3 "qubit[2] q; let r = q", " ++ q"},
        {V3 "int x = ", "int("},
        {V3 "qubit q; ", "while (true) "},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(deep); i++) {
        QT_CLEANUP(qt_buf_done) qt_buf program = {0};
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        qt_err err;
        repeat(&program, deep[i].start, deep[i].unit, 60000, "");
        ck_assert_int_ne(qt_qasm_parse(program.data, program.len, &small, &circuit, NULL, &err),
                         QT_OK);
    }
}
END_TEST

START_TEST(giant_literals) {
    static const struct {
        const char *start;
        const char *unit;
        const char *end;
    } giant[] = {
        {V2 "qreg q[1]; creg c[1]; if (c == ", "9", ") x q[0];"},
        {V2 "qreg q[1]; rx(0.", "1234567890", ") q[0];"},
        {V2 "qreg q[1]; rx(1e", "9", ") q[0];"},
        {V2 "qreg q", "q", "[1]; h r[0];"},
        {V2 "include \"", "a", "\";"},
        {V3 "int x = ", "9", ";"},
        {V3 "int x = 0x", "f", ";"},
        {V3 "float x = 1.", "0123456789", "e400;"},
        {V3 "int ", "x", " = y;"},
        {V3 "/*", "*", ""},
        {V3 "qubit q; x $", "9", ";"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(giant); i++) {
        QT_CLEANUP(qt_buf_done) qt_buf program = {0};
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        qt_err err;
        repeat(&program, giant[i].start, giant[i].unit, 100000, giant[i].end);
        ck_assert_msg(qt_qasm_parse(program.data, program.len, &small, &circuit, NULL, &err) !=
                          QT_OK,
                      "accepted: %s%s...", giant[i].start, giant[i].unit);
        ck_assert_uint_lt(strlen(err.msg), sizeof err.msg);
    }
}
END_TEST

START_TEST(includes_that_include_themselves) {
    char *dir = qt_test_dir_new();
    char path[300];
    snprintf(path, sizeof path, "%s/again.inc", dir);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    fputs("include \"again.inc\";\ninclude \"again.inc\";\n", f);
    fclose(f);
    qt_qasm_options options = small;
    options.include_dir = dir;
    expect_too_large("OPENQASM 2.0;\ninclude \"again.inc\";\n", &options);
    expect_too_large("OPENQASM 3.0;\ninclude \"again.inc\";\n", &options);
    qt_test_dir_remove(dir);
    free(dir);
}
END_TEST

START_TEST(settings) {
    static const char two[] = V2 "qreg q[2];\nh q[0];\ncx q[0],q[1];\nrx(pi/2) q[0];\n";
    static const char three[] = V3 "qubit[2] q;\nh q[0];\ncx q[0],q[1];\nrx(pi/2) q[0];\n";
    static const char *const programs[] = {two, three};
    for (size_t i = 0; i < 2; i++) {
        const qt_qasm_options options[] = {
            {.max_bytes = 30},
            {.max_tokens = 30},
            {.limits = {.max_ops = 2}},
            {.limits = {.max_qubits = 1}},
        };
        for (size_t k = 0; k < QT_ARRAY_LEN(options); k++) {
            expect_too_large(programs[i], &options[k]);
        }
        /* As many tokens as there are. */
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        const qt_qasm_options enough = {.max_tokens = 60};
        qt_err err;
        ck_assert_ok(
            qt_qasm_parse(programs[i], strlen(programs[i]), &enough, &circuit, NULL, &err));
    }
    QT_CLEANUP(qt_buf_done) qt_buf many = {0};
    repeat(&many, V2 "qreg q[10000]; ", "x q; ", 70, "");
    expect_too_large(qt_buf_str(&many), &(qt_qasm_options){.limits = {.max_bytes = 1 << 20}});
    expect_too_large(V3 "for int i in [0:100000000] { int[32] x = i; x = x * 2; }",
                     &(qt_qasm_options){.max_ms = 1, .limits = {.max_ops = 50000000}});
}
END_TEST

/* ---- both ways ---- */

static const struct {
    const char *language; /* its first lines */
    const char *statement;
} plain[] = {
    {V2, "h q[0];"},
    {V2, "cx q[0] , q [ 1 ];"},
    {V2, "ccx q[0],q[1],r[0];"},
    {V2, "rx(pi/4) q[3];"},
    {V2, "rz(-3*pi/4) q[3];"},
    {V2, "u3(0.1,-2.5e-3,.5) q[3];"},
    {V2, "u2(1/3,2) q[3];"},
    {V2, "rz(-(pi-1.5)*2/(3+0.25)) q[3];"},
    {V2, "rz(0.1234567890123456789) q[3];"},
    {V2, "rz(1234567.8901234567e-10) q[3];"},
    {V2, "rz(7) q[3];"},
    {V2, "cu1(pi/1024) q[0],q[3];"},
    {V2, "rzz(0.3) q[0],q[3];"},
    {V2, "cswap q[0],q[1],q[2];"},
    {V2, "own(0.5) q[0],q[1];"},
    {V2, "U(0.1,0.2,0.3) q[0];"},
    {V3, "h q[0];"},
    {V3, "x s;"},
    {V3, "cx q[0] , q [ 1 ];"},
    {V3, "rx(pi/4) q[3];"},
    {V3, "rz(-3*pi/4) q[3];"},
    {V3, "rz(3/2*pi) q[3];"},
    {V3, "rz(tau/4+half) q[3];"},
    {V3, "rz(-(pi-1.5)*2/(3+0.25)) q[3];"},
    {V3, "u3(0.1,-2.5e-3,.5) q[3];"},
    {V3, "u2(1,2) q[3];"},
    {V3, "U(0.1,0.2,0.3) q[0];"},
    {V3, "cu(0.1,0.2,0.3,0.4) q[0],q[1];"},
    {V3, "rz(2**3) q[3];"},
    {V3, "rz(7) q[3];"},
    {V3, "own(0.5) q[0],q[1];"},
    {V3, "cx alias[0], q[0];"},
};

static void circuit_hash(const char *language, const char *statement, bool spoiled,
                         qt_circuit_hash *ret_hash) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    qt_err err;
    bool v3 = language[9] == '3';
    qt_buf_add_str(&program, language);
    qt_buf_add_str(&program, v3 ? "qubit[4] q; qubit[2] r; qubit s; const float half = 0.5;"
                                  " let alias = q[2:3];\n"
                                : "qreg q[4]; qreg r[2];\n");
    qt_buf_add_str(&program, "gate own(t) a, b { rx(t) a; cx a, b; rz(-t) b; }\n");
    for (int i = 0; i < 3; i++) {
        const char *end = strchr(statement, ';');
        qt_buf_add(&program, statement, (size_t)(end - statement));
        qt_buf_add_str(&program, spoiled ? "/* not plain */;\n" : "; // plain\n");
    }
    ck_assert_ok(qt_qasm_parse(program.data, program.len, NULL, &circuit, NULL, &err));
    ck_assert_ok(qt_circuit_get_hash(circuit, ret_hash, &err));
}

START_TEST(plain_gates_mean_the_same) {
    qt_circuit_hash quick;
    qt_circuit_hash slow;
    circuit_hash(plain[_i].language, plain[_i].statement, false, &quick);
    circuit_hash(plain[_i].language, plain[_i].statement, true, &slow);
    ck_assert_msg(quick.high == slow.high && quick.low == slow.low, "%s", plain[_i].statement);
}
END_TEST

/* What is nearly plain is refused as on the ordinary way. */
START_TEST(nearly_plain) {
    static const struct {
        const char *language;
        const char *statement;
        const char *message;
    } near[] = {
        {V2, "cx q[0],q[0];", "4:9: a qubit is used twice in one gate"},
        {V2, "h q[4];", "4:5: the index is out of range: 'q' has 4 bits"},
        {V2, "h q[99999999999];", "4:5: the index is out of range: 'q' has 4 bits"},
        {V2, "rx q[0];", "4:1: the gate 'rx' takes 1 parameters, 0 are given"},
        {V2, "rx(1,2) q[0];", "4:1: the gate 'rx' takes 1 parameters, 2 are given"},
        {V2, "rx(1/0) q[0];", "4:5: the value is not a finite number"},
        {V2, "cx q[0];", "4:1: the gate 'cx' takes 2 qubits, 1 are given"},
        {V2, "rx(01) q[0];", "4:4: an integer may not start with 0"},
        {V2, "rx(1x) q[0];", "4:4: a number runs into a name"},
        {V2, "h c[0];", "4:3: 'c' is no quantum register"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(near); i++) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        QT_CLEANUP(qt_buf_done) qt_buf program = {0};
        qt_err err;
        qt_buf_printf(&program, "%sqreg q[4]; creg c[4]; h q[0];\n%s", near[i].language,
                      near[i].statement);
        ck_assert_int_ne(qt_qasm_parse(program.data, program.len, NULL, &circuit, NULL, &err),
                         QT_OK);
        ck_assert_str_eq(err.msg, near[i].message);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qasm limits");
    TCase *tc = tcase_create("limits");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, nested_gates);
    tcase_add_test(tc, nested_empty_gates);
    tcase_add_loop_test(tc, expansion, 0, QT_ARRAY_LEN(bombs));
    tcase_add_test(tc, deep_nesting);
    tcase_add_test(tc, giant_literals);
    tcase_add_test(tc, includes_that_include_themselves);
    tcase_add_test(tc, settings);
    tcase_add_loop_test(tc, plain_gates_mean_the_same, 0, QT_ARRAY_LEN(plain));
    tcase_add_test(tc, nearly_plain);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
