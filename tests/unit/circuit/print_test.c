/* Printed programs: printing what they parse to gives the same text, and they run alike. */
#include "base/cleanup.h"
#include "circuit/hash.h"
#include "circuit/print.h"
#include "qasm/qasm.h"
#include "sim/sim.h"
#include "testlib.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define V2 "OPENQASM 2.0;\ninclude \"qelib1.inc\";\n"
#define V3 "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n"

static qt_err err;

static qt_circuit *parse(const char *text) {
    qt_circuit *circuit = NULL;
    const qt_qasm_options options = {.max_bytes = 64 << 20};
    qt_code code = qt_qasm_parse(text, strlen(text), &options, &circuit, NULL, &err);
    ck_assert_msg(code == QT_OK, "%s\n%.2000s", err.msg, text);
    ck_assert_ok(qt_circuit_validate(circuit, &err));
    return circuit;
}

static void run(const qt_circuit *circuit, qt_sim_result **ret_result) {
    const qt_sim_options options = {.shots = 200, .seed = 7};
    ck_assert_ok(qt_sim_run(circuit, &options, ret_result, &err));
}

/* The same seed on the same operations gives the same counts, keys included. */
static void check_same_counts(const qt_circuit *a, const qt_circuit *b, const char *text) {
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *x = NULL;
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *y = NULL;
    run(a, &x);
    run(b, &y);
    ck_assert_msg(x->count_count == y->count_count, "%zu and %zu outcomes\n%s", x->count_count,
                  y->count_count, text);
    for (size_t i = 0; i < x->count_count; i++) {
        ck_assert_str_eq(x->counts[i].key, y->counts[i].key);
        ck_assert_uint_eq(x->counts[i].count, y->counts[i].count);
    }
}

typedef qt_code (*print_fn)(const qt_circuit *circuit, qt_buf *out, qt_err *err);

enum { MAX_RUN_QUBITS = 12 };

/* The text without the comments that say what was left out. */
static void drop_comments(qt_buf *text) {
    char *line = strstr(text->data, "// left out");
    while (line != NULL) {
        char *end = strchr(line, '\n') + 1;
        memmove(line, end, strlen(end) + 1);
        line = strstr(text->data, "// left out");
    }
}

/* False when the language cannot say it. */
static bool check_fixed_point(const qt_circuit *circuit, print_fn print) {
    QT_CLEANUP(qt_buf_done) qt_buf first = {0};
    QT_CLEANUP(qt_buf_done) qt_buf second = {0};
    qt_code code = print(circuit, &first, &err);
    if (code != QT_OK) {
        ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_UNSUPPORTED);
        return false;
    }
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *again = parse(first.data);
    ck_assert_ok(print(again, &second, &err));
    drop_comments(&first);
    ck_assert_str_eq(first.data, second.data);
    if (circuit->num_qubits <= MAX_RUN_QUBITS) {
        check_same_counts(circuit, again, first.data);
    }
    return true;
}

/* Programs and whether OpenQASM 2 can say them. */
typedef struct listed_program {
    const char *text;
    bool in_qasm2;
} listed_program;

static const listed_program programs[] = {
    {V2 "qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; barrier q; measure q -> c;", true},
    {V2 "qreg q[3]; creg c[3]; u3(0.1,0.2,0.3) q[0]; u2(pi/3,-pi) q[1]; cu3(1,2,3) q[0],q[1];"
        " rccx q[0],q[1],q[2]; cu(1,2,3,4) q[0],q[2]; rzz(0.5) q[0],q[1]; rxx(1e-7) q[1],q[2];"
        " measure q->c;",
     true},
    {V2 "qreg q[2]; creg c[2]; ryy(0.3) q[0],q[1]; iswap q[0],q[1]; sxdg q[0]; measure q->c;",
     true},
    {V2 "qreg q[5]; creg c[5]; h q; c3x q[0],q[1],q[2],q[3]; c4x q[0],q[1],q[2],q[3],q[4];"
        " c3sqrtx q[0],q[1],q[2],q[4]; measure q->c;",
     true},
    {V2 "qreg x_1[1]; creg input[2]; creg d[1]; h x_1; measure x_1[0] -> input[0];"
        " if(input==1) x x_1; reset x_1[0]; if(d==0) h x_1; measure x_1->d;",
     true},
    {V2 "qreg q[1]; creg c[70]; if(c==590295810358705651712) x q[0]; if(c==0) h q[0];"
        " measure q[0]->c[69];",
     true},
    {V3 "qubit[2] q; bit[2] c; U(0.1, 0.2, 0.3) q[0]; ctrl @ U(1, 2, 3) q[0], q[1];"
        " u2(1, 2) q[0]; u3(1, 2, 3) q[1]; c = measure q;",
     true},
    {V3 "gate iswap a, b { s a; s b; h a; cx a, b; cx b, a; h b; } gate sxdg a { inv @ sx a; }"
        " qubit[4] q; bit[4] c; h q; ctrl(2) @ s q[0], q[1], q[2]; negctrl @ pow(0.3) @ x q[0],"
        " q[1]; ctrl(3) @ rx(0.2) q[0], q[1], q[2], q[3]; ctrl @ gphase(0.4) q[2]; ctrl @ iswap"
        " q[0], q[1], q[2]; ctrl(2) @ sxdg q[0], q[1], q[2]; c = measure q;",
     true},
    {V3 "gphase(0.3); qubit q; bit c; h q; c = measure q;", true},
    {V3 "bit c; h $0; cx $0, $3; c = measure $3;", true},
    {V3 "qubit[2] q; bit[2] c; h q[0]; c[0] = measure q[0]; if (c[0]) { x q[1]; } else { h q[1]; }"
        " c[1] = measure q[1];",
     false},
    {V3 "qubit q; bit c; int n = 0; while (n < 3) { h q; c = measure q; if (c) { n += 1; }"
        " else { n += 2; continue; } if (n == 1) { break; } }",
     false},
    {V3 "qubit[2] q; bit[2] c; h q; c = measure q; switch (c) { case 1, 2 { x q[0]; }"
        " default { reset q[1]; } } c = measure q;",
     false},
    {V3 "qubit q; angle[10] a; bit b; h q; measure q -> a[0]; a <<= 3; rx(a) q; b = measure q;",
     false},
    {V3 "def f(qubit q) -> bit { bit b; h q; b = measure q; return b; } qubit q; bit c;"
        " c = f(q); if (f(q) == c) { x q; }",
     false},
    {V3 "#pragma vendor one\nqubit q; output bit c; bit d; @note two\nh q; d = measure q;"
        " c = d; delay[10ns] q;",
     false},
    {V3 "qubit q; h q; measure q; uint[5] n; bit[3] c; n[1] = c[0]; float[64] f = 1.5;"
        " if (bool(c[1])) { f = 2.5; } rz(sin(f) / 2) q; if (n >= 3) end; c[2] = measure q;",
     false},
};

START_TEST(prints_programs) {
    const listed_program *p = &programs[_i];
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = parse(p->text);
    ck_assert(check_fixed_point(circuit, qt_circuit_print_qasm3));
    ck_assert_int_eq(check_fixed_point(circuit, qt_circuit_print_qasm2), p->in_qasm2);
}
END_TEST

/* The text reads back to the same circuit, base gates and all. */
START_TEST(reads_back_the_same_circuit) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *circuit = parse(V2 "qreg q[2]; creg c[2]; u3(1,2,3) q[0]; cu3(1,2,3) q[0],q[1];"
                                   " ryy(0.3) q[0],q[1]; rzz(0.3) q[0],q[1]; rxx(pi/8) q[0],q[1];"
                                   " iswap q[1],q[0]; sxdg q[0]; p(0.1) q[1]; measure q->c;");
    static const print_fn prints[] = {qt_circuit_print_qasm2, qt_circuit_print_qasm3};
    qt_circuit_hash hash;
    ck_assert_ok(qt_circuit_get_hash(circuit, &hash, &err));
    for (size_t i = 0; i < 2; i++) {
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        qt_circuit_hash other;
        ck_assert_ok(prints[i](circuit, &text, &err));
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *again = parse(text.data);
        ck_assert_uint_eq(again->op_count, circuit->op_count);
        ck_assert_ok(qt_circuit_get_hash(again, &other, &err));
        ck_assert(hash.low == other.low && hash.high == other.high);
    }
}
END_TEST

typedef struct defined {
    qt_gate gate;
    const char *call;
    const char *operands;
} defined;

static const defined defined_gates[] = {
    {QT_GATE_SXDG, "sxdg", "q[1]"},          {QT_GATE_U, "u(0.3, 0.5, 0.7)", "q[1]"},
    {QT_GATE_ISWAP, "iswap", "q[1], q[2]"},  {QT_GATE_RXX, "rxx(0.7)", "q[1], q[2]"},
    {QT_GATE_RYY, "ryy(0.7)", "q[1], q[2]"}, {QT_GATE_RZZ, "rzz(0.7)", "q[1], q[2]"},
};

/* A definition means its base gate, phase included: one behind a control undoes the other. The
 * name gets an underscore, so that the parser expands the body. */
START_TEST(definitions_are_the_gates) {
    const defined *d = &defined_gates[_i];
    const char *text = qt_gate_definition(3, d->gate);
    char program[1000];
    snprintf(program, sizeof program,
             V3 "%s\ngate my_%s\nqubit[3] q; bit[3] c; h q; t q; ctrl @ %s q[0], %s;"
                " inv @ ctrl @ my_%s q[0], %s; tdg q; h q; c = measure q;",
             text, text + strlen("gate "), d->call, d->operands, d->call, d->operands);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = parse(program);
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *result = NULL;
    ck_assert_uint_eq(circuit->ops[6].sub, d->gate); /* behind three h and three t */
    ck_assert_uint_eq(circuit->ops[6].control_count, 1);
    run(circuit, &result);
    ck_assert_uint_eq(result->count_count, 1);
    ck_assert_str_eq(result->counts[0].key, "000");
}
END_TEST

START_TEST(says_what_it_leaves_out) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *circuit = parse(V3 "qubit q; gphase(0.3); delay[5ns] q; x q;");
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    ck_assert_ok(qt_circuit_print_qasm2(circuit, &text, &err));
    ck_assert_ptr_nonnull(strstr(text.data, "// left out: the global phase"));
    ck_assert_ptr_nonnull(strstr(text.data, "// left out: delays"));
}
END_TEST

START_TEST(numbers_read_back_exactly) {
    static const double values[] = {0.1,  1e-300, 1.0 / 3, M_PI / 7,      2 * M_PI,  -M_PI / 3,
                                    5e22, -0.0,   1e15,    123456789.125, 0x1p-1074, M_PI * 3 / 16};
    for (size_t i = 0; i < QT_ARRAY_LEN(values); i++) {
        char program[200];
        snprintf(program, sizeof program, V2 "qreg q[1]; rx(%.17g) q[0];", values[i]);
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = parse(program);
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        ck_assert_ok(qt_circuit_print_qasm2(circuit, &text, &err));
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *again = parse(text.data);
        ck_assert(memcmp(again->params, &circuit->params[0], sizeof(double)) == 0);
    }
}
END_TEST

START_TEST(wide_conditions_in_decimal) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *circuit = parse(V2 "qreg q[1]; creg c[301];"
                                   "if(c==123456789012345678901234567890123456789012345) x q[0];");
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    ck_assert_ok(qt_circuit_print_qasm2(circuit, &text, &err));
    ck_assert_ptr_nonnull(
        strstr(text.data, "if (c == 123456789012345678901234567890123456789012345) x q[0];"));
}
END_TEST

START_TEST(a_full_buffer_is_an_error) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = parse(programs[1].text);
    QT_CLEANUP(qt_buf_done) qt_buf text = {.limit_bytes = 100};
    ck_assert_int_eq(qt_circuit_print_qasm3(circuit, &text, &err), QT_RESOURCE_EXHAUSTED);
}
END_TEST

START_TEST(survives_failed_allocations) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = parse(programs[11].text);
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        qt_code code = qt_circuit_print_qasm3(circuit, &text, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

/* Every program of a folder that parses. */
static size_t check_folder(const char *path) {
    DIR *dir = opendir(path);
    size_t count = 0;
    for (struct dirent *e = NULL; dir != NULL && (e = readdir(dir)) != NULL;) {
        char name[2048];
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        size_t len = strlen(e->d_name);
        if (len < 6 || strcmp(e->d_name + len - 5, ".qasm") != 0) {
            continue;
        }
        QT_AUTO_FREE char *text = qt_test_read_file(name, NULL);
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        const qt_qasm_options options = {.max_bytes = 64 << 20};
        if (qt_qasm_parse(text, strlen(text), &options, &circuit, NULL, &err) == QT_OK) {
            check_fixed_point(circuit, qt_circuit_print_qasm2);
            ck_assert(check_fixed_point(circuit, qt_circuit_print_qasm3));
            count++;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}

START_TEST(prints_files) {
    static const char *const folders[] = {
        "tests/data/programs",       "tests/data/qasm",         "examples",
        "tests/fuzz/corpus/qasm2",   "tests/fuzz/corpus/qasm3", "../shared/corpus/qasmbench",
        "../shared/corpus/openqasm3"};
    for (size_t i = 0; i < QT_ARRAY_LEN(folders); i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", qt_test_source_dir(), folders[i]);
        size_t count = check_folder(path);
        ck_assert_msg(i != 0 || count >= 12, "%zu programs in %s", count, path);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("circuit_print");
    TCase *tc = tcase_create("print");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, prints_programs, 0, QT_ARRAY_LEN(programs));
    tcase_add_test(tc, reads_back_the_same_circuit);
    tcase_add_loop_test(tc, definitions_are_the_gates, 0, QT_ARRAY_LEN(defined_gates));
    tcase_add_test(tc, says_what_it_leaves_out);
    tcase_add_test(tc, numbers_read_back_exactly);
    tcase_add_test(tc, wide_conditions_in_decimal);
    tcase_add_test(tc, a_full_buffer_is_an_error);
    tcase_add_test(tc, survives_failed_allocations);
    tcase_add_test(tc, prints_files);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
