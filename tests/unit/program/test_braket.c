/* Braket's dialect: what its gates and pragmas mean, its JSON, what is refused, and the way back.
 */
#include "base/cleanup.h"
#include "program/braket.h"
#include "suites.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

static qt_err err;

enum { TEXT_BYTES = 4096 };

typedef struct gate_case {
    const char *braket;
    const char *openqasm; /* the same with stdgates.inc, on qubits q[0] to q[2] */
} gate_case;

#define RXX(t, a, b)                                                                               \
    "h " a "; h " b "; cx " a "," b "; rz(" t ") " b "; cx " a "," b "; h " a "; h " b "; "
static const gate_case gates[] = {
    {"i q[0]; x q[1]; y q[2];", "x q[1]; y q[2];"},
    {"s q[0]; si q[1]; t q[2];", "s q[0]; sdg q[1]; t q[2];"},
    {"ti q[0]; v q[1]; vi q[2];", "tdg q[0]; sx q[1]; inv @ sx q[2];"},
    {"cv q[0], q[1];", "ctrl @ sx q[0], q[1];"},
    {"cnot q[2], q[0]; ccnot q[0], q[2], q[1];", "cx q[2], q[0]; ccx q[0], q[2], q[1];"},
    {"phaseshift(0.3) q[0]; ctrl @ phaseshift(0.2) q[0], q[1];", "p(0.3) q[0]; cp(0.2) q[0],q[1];"},
    {"cphaseshift(0.3) q[0], q[1];", "cp(0.3) q[0], q[1];"},
    {"cphaseshift00(0.3) q[0], q[1];", "x q[0]; x q[1]; cp(0.3) q[0], q[1]; x q[0]; x q[1];"},
    {"cphaseshift01(0.3) q[0], q[1];", "x q[0]; cp(0.3) q[0], q[1]; x q[0];"},
    {"cphaseshift10(0.3) q[0], q[1];", "x q[1]; cp(0.3) q[0], q[1]; x q[1];"},
    {"xx(0.4) q[0], q[1];", RXX("0.4", "q[0]", "q[1]")},
    {"zz(0.4) q[0], q[1];", "cx q[0], q[1]; rz(0.4) q[1]; cx q[0], q[1];"},
    {"iswap q[0], q[1];", "swap q[0], q[1]; cz q[0], q[1]; s q[0]; s q[1];"},
    {"pswap(0.4) q[0], q[1];", "swap q[0], q[1]; cx q[0], q[1]; p(0.4) q[1]; cx q[0], q[1];"},
    {"xy(pi) q[0], q[1];", "swap q[0], q[1]; cz q[0], q[1]; s q[0]; s q[1];"},
    {"ecr q[0], q[1];", "s q[0]; sx q[1]; cx q[0], q[1]; x q[0];"},
    {"prx(pi/2, 0) q[0]; prx(0.3, pi/2) q[1];", "rx(pi/2) q[0]; ry(0.3) q[1];"},
    {"gpi(0) q[0]; gpi(pi/2) q[1];", "x q[0]; y q[1];"},
    {"gpi2(pi/2) q[0];", "ry(pi/2) q[0];"},
    {"ms(0, 0, 0.4) q[0], q[1];", RXX("0.4", "q[0]", "q[1]")},
    {"ms(0, 0) q[0], q[1];", RXX("pi/2", "q[0]", "q[1]")},
    {"U(0.1, 0.2, 0.3) q[0]; ctrl @ U(0.1, 0.2, 0.3) q[0], q[1];",
     "U(0.1, 0.2, 0.3) q[0]; ctrl @ gphase(-0.05) q[0]; ctrl @ U(0.1, 0.2, 0.3) q[0], q[1];"},
    {"gphase(0.3); ctrl @ gphase(0.4) q[1];", "p(0.4) q[1];"},
    {"gate xx(a) p { rx(a) p; } xx(0.3) q[0];", "rx(0.3) q[0];"},
    {"#pragma braket verbatim\nbox {\n x q[0];\n}", "x q[0];"},
    {"#pragma braket unitary([[0, 1.0], [1.0, 0]]) q[1]", "x q[1];"},
    {"#pragma braket unitary([[1.0, 0], [0, 0.70710678118654752 + 0.70710678118654752im]]) q[1]",
     "t q[1];"},
    {"#pragma braket unitary([[0, -1.0im], [1.0im, 0]]) q[2]", "y q[2];"},
    {"#pragma braket unitary([[1,0,0,0],[0,1,0,0],[0,0,0,1],[0,0,1,0]]) q[0], q[2]",
     "cx q[0], q[2];"},
    {"#pragma braket unitary([[1,0,0,0],[0,0,1,0],[0,1,0,0],[0,0,0,-1im]]) q[0], q[1]",
     "swap q[0], q[1]; cp(-pi/2) q[0], q[1];"},
    {"#pragma braket unitary([[0.5,0.5,0.5,0.5],[0.5,-0.5,0.5,-0.5],[0.5,0.5,-0.5,-0.5],"
     "[0.5,-0.5,-0.5,0.5]]) q[0], q[1]",
     "h q[0]; h q[1];"},
    {"#pragma braket unitary([[1,0,0,0,0,0,0,0],[0,1,0,0,0,0,0,0],[0,0,1,0,0,0,0,0],"
     "[0,0,0,1,0,0,0,0],[0,0,0,0,1,0,0,0],[0,0,0,0,0,0,1,0],[0,0,0,0,0,1,0,0],"
     "[0,0,0,0,0,0,0,1]]) q",
     "cswap q[0], q[1], q[2];"},
};

/* Behind gates that leave no symmetry, so that every matrix element counts. */
#define MIXED                                                                                      \
    "ry(0.3) q[0]; ry(0.5) q[1]; ry(0.7) q[2]; rz(0.2) q[0]; rz(0.4) q[1]; rz(0.9) q[2]; "         \
    "cz q[0], q[1]; cz q[1], q[2]; "

START_TEST(gates_mean_what_they_say) {
    char braket[TEXT_BYTES];
    char qasm[TEXT_BYTES];
    bool defines = strncmp(gates[_i].braket, "gate", 4) == 0;
    snprintf(braket, sizeof braket, "OPENQASM 3.0;\nqubit[3] q;\n%s\n%s\n", defines ? "" : MIXED,
             gates[_i].braket);
    snprintf(qasm, sizeof qasm,
             "OPENQASM 3.0; include \"stdgates.inc\"; qubit[3] q; bit[3] b; %s %s b = measure q;",
             defines ? "" : MIXED, gates[_i].openqasm);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *a = read_program(QT_PROGRAM_BRAKET, braket);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *b = read_program(QT_PROGRAM_OPENQASM3, qasm);
    check_same(a, b, braket);
}
END_TEST

START_TEST(measures_what_the_program_measures) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = read_program(
        QT_PROGRAM_BRAKET, "OPENQASM 3;\nqubit[2] q;\nbit[1] m;\nx q[1];\nm[0] = measure q[1];");
    ck_assert_uint_eq(c->num_clbits, 1);
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *all = read_program(QT_PROGRAM_BRAKET, "bit[1] m; qubit[2] q; x q[1];");
    ck_assert_uint_eq(all->num_clbits, 3);
    ck_assert(all->registers[0].hidden);
    ck_assert(!all->registers[2].hidden);
    ck_assert_uint_eq(all->registers[2].size, 2);
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *hardware = read_program(QT_PROGRAM_BRAKET, "h $0; cnot $0, $1;");
    ck_assert_uint_eq(hardware->num_clbits, 2);
}
END_TEST

START_TEST(keeps_result_pragmas) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = read_program(
        QT_PROGRAM_BRAKET,
        "qubit[2] q;\nh q[0];\n#pragma braket result state_vector\n#pragma braket result "
        "expectation x(q[0]) @ z(q[1])\n#pragma braket result probability all\n");
    ck_assert_uint_eq(c->warning_count, 3);
    ck_assert_uint_eq(c->note_count, 3);
    ck_assert_ptr_nonnull(strstr(c->warnings[1], "expectation"));
}
END_TEST

START_TEST(reads_its_json) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = read_program(
        QT_PROGRAM_BRAKET,
        " {\"braketSchemaHeader\":{\"name\":\"braket.ir.openqasm.program\",\"version\":\"1\"},"
        "\"source\":\"OPENQASM 3.0;\\ninput float t;\\ninput bit[2] m;\\ninput array[float, 2] a;"
        "\\nqubit[2] q;\\nif (m == 2) { rx(t) q[0]; }\\nry(a[1]) q[1];\\n\","
        "\"inputs\":{\"t\":0.5,\"m\":\"10\",\"a\":[1,-2.5]}}");
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *same = read_program(QT_PROGRAM_BRAKET, "qubit[2] q; rx(0.5) q[0]; ry(-2.5) q[1];");
    check_same(c, same, "inputs");
}
END_TEST

START_TEST(inputs_of_the_caller) {
    static const char source[] =
        "input float t;\ninput bit[2] m;\nqubit q;\nif (m == 2) { rx(t) q; }";
    static const char whole[] = "{\"source\":\"input float t;\\ninput bit[2] m;\\nqubit q;\\n"
                                "if (m == 2) { rx(t) q; }\",\"inputs\":{\"m\":\"10\"}}";
    const qt_qasm_input values[] = {{.name = "t", .value = "0.5"},
                                    {.name = "m", .value = "\"10\""}};
    qt_program_read_options options = {.inputs = values, .input_count = 2};
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *expected = read_program(QT_PROGRAM_BRAKET, "qubit q; rx(0.5) q;");
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *plain = NULL;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *wrapped = NULL;
    qt_circuit *none = NULL;
    ck_assert_ok(qt_program_read(QT_PROGRAM_BRAKET, source, sizeof source - 1, &options, &plain,
                                 NULL, &err));
    check_same(plain, expected, "all from the caller");
    options.input_count = 1;
    ck_assert_ok(qt_program_read(QT_PROGRAM_BRAKET, whole, sizeof whole - 1, &options, &wrapped,
                                 NULL, &err));
    check_same(wrapped, expected, "one from each");
    ck_assert_int_eq(qt_program_read(QT_PROGRAM_IONQ, "{}", 2, &options, &none, NULL, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.msg, "1:1: programs of type ionq have no inputs");
}
END_TEST

/* A request's inputs count before those of the JSON. */
START_TEST(inputs_of_the_caller_count_first) {
    const qt_qasm_input given[] = {{"t", "0.25"}};
    const qt_program_read_options options = {.inputs = given, .input_count = 1};
    static const char program[] =
        "{\"source\":\"input float t; input int n; qubit q; rx(t * n) q;\","
        "\"inputs\":{\"t\":0.5,\"n\":1}}";
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *same = read_program(QT_PROGRAM_BRAKET, "qubit q; rx(0.25) q;");
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
    ck_assert_ok(
        qt_program_read(QT_PROGRAM_BRAKET, program, sizeof program - 1, &options, &c, NULL, &err));
    check_same(c, same, "inputs");
}
END_TEST

/* Every kind without inputs says so. */
START_TEST(refuses_inputs_that_mean_nothing) {
    const qt_qasm_input given[] = {{"t", "0.25"}};
    const qt_program_read_options options = {.inputs = given, .input_count = 1};
    static const struct {
        qt_program_kind kind;
        const char *text;
    } programs[] = {
        {QT_PROGRAM_OPENQASM2, "OPENQASM 2.0; qreg q[1];"},
        {QT_PROGRAM_QASM, "OPENQASM 2.0; qreg q[1];"},
        {QT_PROGRAM_OPENQASM3, "qubit q;"},
        {QT_PROGRAM_BRAKET, "qubit q;"},
        {QT_PROGRAM_IONQ, "{\"qubits\":1,\"circuit\":[]}"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(programs); i++) {
        qt_circuit *c = NULL;
        ck_assert_int_eq(qt_program_read(programs[i].kind, programs[i].text,
                                         strlen(programs[i].text), &options, &c, NULL, &err),
                         QT_INVALID_ARGUMENT);
        ck_assert_int_eq((int)err.reason, QT_REASON_CIRCUIT_SYNTAX);
        ck_assert_ptr_nonnull(strstr(err.msg, "input"));
    }
}
END_TEST

typedef struct refusal {
    const char *text;
    qt_reason reason;
    const char *message;
} refusal;

#define SYNTAX QT_REASON_CIRCUIT_SYNTAX
#define UNSUPPORTED QT_REASON_CIRCUIT_UNSUPPORTED
#define Q "qubit[3] q;\n"
static const refusal refusals[] = {
    {"OPENQASM 2.0;", UNSUPPORTED, "1:10: "},
    {Q "sx q[0];", SYNTAX, "2:1: the gate 'sx' is not declared"},
    {Q "cnot q[0];", SYNTAX, "2:1: the gate 'cnot' takes 2 qubits"},
    {Q "#pragma braket noise bit_flip(0.1) q[0]", UNSUPPORTED,
     "2:16: the noise channel bit_flip: noise is not simulated"},
    {Q "#pragma braket result adjoint_gradient expectation(x(q[0])) all", UNSUPPORTED,
     "2:23: the result type adjoint_gradient"},
    {Q "#pragma braket result magic", SYNTAX, "2:23: expected a result type"},
    {Q "#pragma braket magic", SYNTAX, "2:16: expected unitary, result, noise or verbatim"},
    {Q "#pragma braket unitary([[1, 0], [0]]) q[0]", SYNTAX, "2:24: a matrix is square"},
    {Q "#pragma braket unitary([[1, 0]]) q[0]", SYNTAX, "2:24: a matrix is square"},
    {Q "#pragma braket unitary([[1, 0], [0, 2]]) q[0]", SYNTAX, "2:16: the matrix is not unitary"},
    {Q "#pragma braket unitary([[1, 0], [0, 1]]) q[0], q[1]", SYNTAX,
     "2:16: a matrix of 2 rows on 2 qubits"},
    {Q "#pragma braket unitary([[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]) q[0], q[0]", SYNTAX,
     "2:16: a qubit is used twice"},
    {Q "#pragma braket unitary([[1, 0], [0, 1]]) r[0]", SYNTAX, "2:42: "},
    {Q "#pragma braket unitary([[1, 0], [0, 1]]) q[0] q[1]", SYNTAX, "2:47: expected the end"},
    {Q "#pragma braket unitary([[1, 0], [0, 1]]) q[7]", SYNTAX, "2:"},
    {Q "#pragma braket unitary(", SYNTAX, "2:"},
    {"{\"source\":\"\"", SYNTAX, "1:13: "},
    {"{}", SYNTAX, "1:1: 'source' is missing"},
    {"{\"source\":1}", SYNTAX, "1:11: source: expected a string, found a number"},
    {"{\"source\":\"\",\"x\":1}", SYNTAX, "1:14: x: Braket's format has no such field"},
    {"{\"source\":\"\\nfoo q;\"}", SYNTAX, "2:1: "},
    {"{\"source\":\"input float t;\",\"inputs\":{\"t\":null}}", SYNTAX,
     "1:42: inputs.t: an input is a number"},
    {"{\"source\":\"input bit[1] t;\",\"inputs\":{\"t\":\"2\"}}", SYNTAX,
     "1:43: inputs.t: a string is made of the bits"},
    {"{\"instructions\":[]}", UNSUPPORTED, "1:2: instructions: JAQCD"},
    {"{\"braketSchemaHeader\":{\"name\":\"braket.ir.ahs.program\"},\"source\":\"\"}", UNSUPPORTED,
     "1:31: braketSchemaHeader.name: the schema 'braket.ir.ahs.program'"},
};

START_TEST(refuses_with_the_place) {
    const refusal *r = &refusals[_i];
    const char *message = refuse_program(QT_PROGRAM_BRAKET, r->text, r->reason);
    ck_assert_msg(strncmp(message, r->message, strlen(r->message)) == 0,
                  "\"%s\" does not start with \"%s\"", message, r->message);
}
END_TEST

START_TEST(writes_its_dialect) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = read_program(
        QT_PROGRAM_OPENQASM3,
        "include \"stdgates.inc\"; qubit[3] v; qubit w; bit[3] c; reset v; h v[0]; barrier v;"
        "cx v[0], v[1]; p(0.5) v[2]; ccx v[0], v[1], v[2]; inv @ s w; c = measure v;");
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    ck_assert_ok(qt_program_write(c, QT_PROGRAM_TO_BRAKET, NULL, &text, NULL, &err));
    ck_assert_str_eq(text.data, "OPENQASM 3.0;\n"
                                "qubit[3] v_0;\n"
                                "qubit w;\n"
                                "bit[3] c;\n"
                                "h v_0[0];\n"
                                "barrier v_0[0], v_0[1], v_0[2];\n"
                                "cnot v_0[0], v_0[1];\n"
                                "phaseshift(0.5) v_0[2];\n"
                                "ccnot v_0[0], v_0[1], v_0[2];\n"
                                "si w;\n"
                                "c[0] = measure v_0[0];\n"
                                "c[1] = measure v_0[1];\n"
                                "c[2] = measure v_0[2];\n");
}
END_TEST

START_TEST(names_what_it_cannot_write) {
    static const struct {
        const char *program;
        const char *message;
    } cases[] = {
        {"c[0] = measure q[1]; h q[1];",
         "operation 2: Braket's devices have no gate behind a measurement (qubit q[1])"},
        {"c[0] = measure q[1]; c[1] = measure q[1];",
         "operation 2: Braket's devices have no second measurement (qubit q[1])"},
        {"h q[1]; reset q[1];", "operation 2: Braket's devices have no reset (qubit q[1])"},
        {"c[0] = measure q[0]; if (c[0]) { x q[1]; }",
         "operation 2: Braket's devices have no classical control"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        check_unwritable(QT_PROGRAM_TO_BRAKET, cases[i].program, cases[i].message);
    }
}
END_TEST

START_TEST(survives_every_failed_allocation) {
    static const char json[] =
        "{\"source\":\"input float t;\\nqubit[2] q;\\nrx(t) q[0];\\nxy(0.1) q[0], q[1];\\n"
        "#pragma braket unitary([[0, 1], [1, 0]]) q[1]\\n\",\"inputs\":{\"t\":0.5}}";
    check_failures(QT_PROGRAM_BRAKET, QT_PROGRAM_TO_BRAKET, json);
}
END_TEST

TCase *case_braket(void) {
    TCase *c = tcase_create("braket");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, gates_mean_what_they_say, 0, (int)QT_ARRAY_LEN(gates));
    tcase_add_test(c, measures_what_the_program_measures);
    tcase_add_test(c, keeps_result_pragmas);
    tcase_add_test(c, reads_its_json);
    tcase_add_test(c, inputs_of_the_caller);
    tcase_add_test(c, inputs_of_the_caller_count_first);
    tcase_add_test(c, refuses_inputs_that_mean_nothing);
    tcase_add_loop_test(c, refuses_with_the_place, 0, (int)QT_ARRAY_LEN(refusals));
    tcase_add_test(c, writes_its_dialect);
    tcase_add_test(c, names_what_it_cannot_write);
    tcase_add_test(c, survives_every_failed_allocation);
    return c;
}
