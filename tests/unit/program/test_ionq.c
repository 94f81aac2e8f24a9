/* IonQ's JSON: what each gate means, what is refused and where, and the way back. */
#include "base/cleanup.h"
#include "circuit/builder.h"
#include "program/ionq.h"
#include "suites.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

static qt_err err;

enum { TEXT_BYTES = 4096 };

/* ---- gates ---- */

typedef struct gate_case {
    const char *gateset;
    const char *gates;    /* of IonQ's JSON */
    const char *openqasm; /* the same, on qubits q[0] to q[3] */
} gate_case;

static const gate_case gates[] = {
    {"qis", "{'gate':'x','target':2}", "x q[2];"},
    {"qis", "{'gate':'not','targets':[1]}", "x q[1];"},
    {"qis", "{'gate':'y','target':0},{'gate':'z','target':1}", "y q[0]; z q[1];"},
    {"qis", "{'gate':'s','target':0},{'gate':'si','target':1}", "s q[0]; sdg q[1];"},
    {"qis", "{'gate':'t','target':0},{'gate':'ti','target':1}", "t q[0]; tdg q[1];"},
    {"qis", "{'gate':'v','target':0},{'gate':'vi','target':1}", "sx q[0]; inv @ sx q[1];"},
    {"qis",
     "{'gate':'rx','target':0,'rotation':0.3},{'gate':'ry','rotation':-1e-1,'target':1},"
     "{'gate':'rz','targets':[2],'rotation':2}",
     "rx(0.3) q[0]; ry(-0.1) q[1]; rz(2) q[2];"},
    {"qis", "{'gate':'cnot','control':3,'target':1}", "cx q[3], q[1];"},
    {"qis", "{'gate':'cnot','controls':[0,1,3],'targets':[2]}", "ctrl(3) @ x q[0],q[1],q[3],q[2];"},
    {"qis", "{'gate':'v','control':0,'target':1}", "ctrl @ sx q[0], q[1];"},
    {"qis", "{'gate':'z','targets':[1],'controls':[0],'rotation':0.4}", "cp(0.4) q[0], q[1];"},
    {"qis", "{'gate':'rz','target':1,'control':0,'rotation':0.4}", "crz(0.4) q[0], q[1];"},
    {"qis", "{'gate':'swap','targets':[1,2]}", "swap q[1], q[2];"},
    {"qis", "{'gate':'swap','targets':[1,2],'control':0}", "cswap q[0], q[1], q[2];"},
    {"qis", "{'gate':'xx','targets':[0,1],'rotation':0.7}",
     "h q[0]; h q[1]; cx q[0],q[1]; rz(0.7) q[1]; cx q[0],q[1]; h q[0]; h q[1];"},
    {"qis", "{'gate':'yy','targets':[0,1],'rotation':0.7}",
     "rx(pi/2) q[0]; rx(pi/2) q[1]; cx q[0],q[1]; rz(0.7) q[1]; cx q[0],q[1]; rx(-pi/2) q[0];"
     " rx(-pi/2) q[1];"},
    {"qis", "{'gate':'zz','targets':[0,1],'rotation':0.7}",
     "cx q[0],q[1]; rz(0.7) q[1]; cx q[0],q[1];"},
    {"qis", "{'gate':'pauliexp','targets':[0,2],'terms':['ZX'],'coefficients':[0.5],'time':0.8}",
     "h q[0]; cx q[0],q[2]; rz(0.8) q[2]; cx q[0],q[2]; h q[0];"},
    {"qis", "{'gate':'pauliexp','targets':[1],'terms':['I','Y'],'coefficients':[3,1],'time':0.25}",
     "ry(0.5) q[1];"},
    {"native", "{'gate':'gpi','target':0,'phase':0.1}", "x q[0]; rz(0.2*tau) q[0];"},
    {"native", "{'gate':'gpi2','target':0,'phase':0.25}", "ry(pi/2) q[0];"},
    {"native", "{'gate':'gpi2','target':0,'phase':0}", "rx(pi/2) q[0];"},
    {"native", "{'gate':'ms','targets':[0,1],'phases':[0,0]}",
     "h q[0]; h q[1]; cx q[0],q[1]; rz(pi/2) q[1]; cx q[0],q[1]; h q[0]; h q[1];"},
    {"native", "{'gate':'ms','targets':[0,1],'phases':[0.25,0],'angle':0.1}",
     "rz(-pi/2) q[0]; h q[0]; h q[1]; cx q[0],q[1]; rz(0.1*tau) q[1]; cx q[0],q[1]; h q[0];"
     " h q[1]; rz(pi/2) q[0];"},
    {"native", "{'gate':'zz','targets':[0,1],'angle':0.1}",
     "cx q[0],q[1]; rz(0.1*tau) q[1]; cx q[0],q[1];"},
};

/* JSON with double quotes. */
static void quote(const char *text, char *ret) {
    for (; *text != '\0'; text++) {
        *ret++ = *text == '\'' ? '"' : *text;
    }
    *ret = '\0';
}

static qt_circuit *read_quoted(const char *text) {
    char json[TEXT_BYTES];
    quote(text, json);
    return read_program(QT_PROGRAM_IONQ, json);
}

/* Behind gates that leave no symmetry, so that every matrix element counts. */
START_TEST(gates_mean_what_they_say) {
    const gate_case *g = &gates[_i];
    bool native = strcmp(g->gateset, "native") == 0;
    char json[TEXT_BYTES];
    char qasm[TEXT_BYTES];
    int at = snprintf(json, sizeof json, "{'qubits':4,'gateset':'%s','circuit':[", g->gateset);
    int qasm_at = snprintf(qasm, sizeof qasm,
                           "include 'stdgates.inc'; qubit[4] q; bit[4] c; "
                           "gate p2(a) x0 { rz(-a) x0; rx(pi/2) x0; rz(a) x0; } ");
    for (int i = 0; i < 4; i++) {
        at += snprintf(json + at, sizeof json - (size_t)at,
                       native ? "{'gate':'gpi2','target':%d,'phase':0.%d7},"
                              : "{'gate':'ry','target':%d,'rotation':0.%d7},",
                       i, i + 1);
        qasm_at += snprintf(qasm + qasm_at, sizeof qasm - (size_t)qasm_at,
                            native ? "p2(0.%d7*tau) q[%d]; " : "ry(0.%d7) q[%d]; ", i + 1, i);
    }
    snprintf(json + at, sizeof json - (size_t)at, "%s]}", g->gates);
    snprintf(qasm + qasm_at, sizeof qasm - (size_t)qasm_at, "%s c = measure q;", g->openqasm);
    char quoted[TEXT_BYTES];
    quote(qasm, quoted);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *a = read_quoted(json);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *b = read_program(QT_PROGRAM_OPENQASM3, quoted);
    check_same(a, b, g->gates);
}
END_TEST

/* ---- bodies ---- */

START_TEST(reads_bodies) {
    static const char *const bodies[] = {
        "{'qubits':2,'circuit':[{'gate':'h','target':0},{'gate':'cnot','control':0,'target':1}]}",
        "{'format':'ionq.circuit.v0','circuit':[{'gate':'h','target':0},{'gate':'cnot','control':0,"
        "'target':1}],'gateset':'qis','qubits':2}",
        "{'type':'ionq.circuit.v1','backend':'simulator','shots':100,'name':'bell','metadata':"
        "{'a':'b'},'input':{'gateset':'qis','qubits':2,'circuit':[{'gate':'h','target':0},"
        "{'gate':'cnot','control':0,'target':1}]},'settings':{'error_mitigation':{'debiasing':"
        "true}},'noise':{'model':'aria-1','seed':1},'dry_run':false}",
        "{'target':'simulator','lang':'json','registers':{},'input':{'qubits':2,'circuit':[{'gate':"
        "'h','target':0},{'gate':'cnot','control':0,'target':1}]}}",
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(bodies); i++) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = read_quoted(bodies[i]);
        QT_CLEANUP(qt_circuit_free_p)
        qt_circuit *bell = read_program(
            QT_PROGRAM_OPENQASM2, "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; creg c[2];"
                                  "h q[0]; cx q[0],q[1]; measure q -> c;");
        check_same(c, bell, bodies[i]);
        ck_assert_uint_eq(c->warning_count, i == 2 ? 2 : 0);
    }
}
END_TEST

START_TEST(registers_say_what_is_measured) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c =
        read_quoted("{'registers':{'a b':[2,null],'3':[0]},'input':{'qubits':3,'circuit':["
                    "{'gate':'x','target':2}]}}");
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *expected = read_program(
        QT_PROGRAM_OPENQASM2, "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[3]; creg a_b[2];"
                              "creg c[1]; x q[2]; measure q[2] -> a_b[0]; measure q[0] -> c[0];");
    check_same(c, expected, "registers");
    ck_assert_str_eq(c->registers[1].name, "a_b");
    ck_assert_str_eq(c->registers[2].name, "_");
}
END_TEST

/* ---- what is refused ---- */

typedef struct refusal {
    const char *text;
    qt_reason reason;
    const char *message;
} refusal;

#define SYNTAX QT_REASON_CIRCUIT_SYNTAX
#define UNSUPPORTED QT_REASON_CIRCUIT_UNSUPPORTED
static const refusal refusals[] = {
    {"", SYNTAX, "1:1: "},
    {"[]", SYNTAX, "1:1: expected an object, found an array"},
    {"{'qubits':1,'circuit':[]", SYNTAX, "1:25: "},
    {"{'qubits':1,'circuit':[]} x", SYNTAX, "1:27: "},
    {"{'circuit':[]}", SYNTAX, "1:1: 'qubits' is missing"},
    {"{'qubits':1}", SYNTAX, "1:1: 'circuit' is missing"},
    {"{'input':{'qubits':1}}", SYNTAX, "1:1: input: 'circuit' is missing"},
    {"{'qubits':0,'circuit':[]}", SYNTAX, "1:11: qubits: a circuit has at least one qubit"},
    {"{'qubits':1.5,'circuit':[]}", SYNTAX, "1:11: qubits: 1.5 is no integer"},
    {"{'qubits':1,'qubits':1,'circuit':[]}", SYNTAX, "1:13: qubits: given twice"},
    {"{'qubits':1,'circuit':[],'extra':1}", SYNTAX,
     "1:26: extra: IonQ's format has no such field here"},
    {"{'qubits':1,'gateset':'quil','circuit':[]}", SYNTAX, "1:23: gateset: a gateset is qis or"},
    {"{'qubits':1,'format':'ionq.circuit.v9','circuit':[]}", UNSUPPORTED,
     "1:22: format: the format 'ionq.circuit.v9'"},
    {"{'type':'ionq.qasm3.v1','input':{'qubits':1,'data':'x'}}", UNSUPPORTED, "1:9: type: "},
    {"{'input':{'qubits':1,'circuits':[]}}", UNSUPPORTED, "1:33: input.circuits: several circuits"},
    {"{'qubits':2,'circuit':[\n {'gate':'h','target':2}]}", SYNTAX,
     "2:23: circuit[0].target: 2 is no integer from 0 to 1"},
    {"{'input':{'qubits':2,'circuit':[{'gate':'h','target':0},\n {'gate':'hh','target':0}]}}",
     SYNTAX, "2:10: input.circuit[1].gate: there is no gate 'hh'"},
    {"{'qubits':2,'circuit':[{'gate':'gpi','target':0,'phase':0}]}", SYNTAX,
     "1:32: circuit[0].gate: the gate 'gpi' is not in the gateset qis"},
    {"{'qubits':2,'circuit':[{'target':0}]}", SYNTAX, "1:24: circuit[0]: 'gate' is missing"},
    {"{'qubits':2,'circuit':[{'gate':'h'}]}", SYNTAX,
     "1:24: circuit[0]: the gate 'h' takes 1 target, 0 are given"},
    {"{'qubits':2,'circuit':[{'gate':'swap','target':0}]}", SYNTAX,
     "1:24: circuit[0]: the gate 'swap' takes 2 targets, 1 are given"},
    {"{'qubits':2,'circuit':[{'gate':'h','target':0,'targets':[0]}]}", SYNTAX,
     "1:24: circuit[0]: 'target' and 'targets' together"},
    {"{'qubits':2,'circuit':[{'gate':'h','target':0,'target':0}]}", SYNTAX,
     "1:47: circuit[0].target: given twice"},
    {"{'qubits':2,'circuit':[{'gate':'h','target':0,'duration':0}]}", SYNTAX,
     "1:47: circuit[0].duration: a gate has no such field"},
    {"{'qubits':2,'circuit':[{'gate':'h','target':0,'rotation':0}]}", SYNTAX,
     "1:24: circuit[0]: the gate 'h' takes no 'rotation'"},
    {"{'qubits':2,'circuit':[{'gate':'rx','target':0}]}", SYNTAX,
     "1:24: circuit[0]: the gate 'rx' needs 'rotation'"},
    {"{'qubits':2,'circuit':[{'gate':'rx','target':0,'rotation':1e999}]}", SYNTAX,
     "1:59: circuit[0].rotation: the number is out of range"},
    {"{'qubits':2,'circuit':[{'gate':'cnot','target':0}]}", SYNTAX,
     "1:24: circuit[0]: the gate 'cnot' needs 'control' or 'controls'"},
    {"{'qubits':2,'circuit':[{'gate':'cnot','target':0,'control':0}]}", SYNTAX,
     "1:24: circuit[0]: qubit 0 is used twice in one gate"},
    {"{'qubits':2,'circuit':[{'gate':'x','targets':[0,'1']}]}", SYNTAX,
     "1:49: circuit[0].targets[1]: expected a number, found a string"},
    {"{'qubits':2,'gateset':'native','circuit':[{'gate':'ms','targets':[0,1],'phases':[0]}]}",
     SYNTAX, "1:43: circuit[0]: 'phases' has two numbers"},
    {"{'qubits':2,'gateset':'native','circuit':[{'gate':'zz','targets':[0,1]}]}", SYNTAX,
     "1:43: circuit[0]: the gate 'zz' needs 'angle'"},
    {"{'qubits':2,'circuit':[{'gate':'pauliexp','targets':[0,1],'terms':['XX','ZI'],"
     "'coefficients':[1,1],'time':1}]}",
     UNSUPPORTED, "1:24: circuit[0]: pauliexp of terms that do not commute"},
    {"{'qubits':2,'circuit':[{'gate':'pauliexp','targets':[0,1],'terms':['X'],"
     "'coefficients':[1],'time':1}]}",
     SYNTAX, "1:24: circuit[0]: a term has one letter for each target"},
    {"{'qubits':2,'circuit':[],'registers':{'c':[2]}}", SYNTAX,
     "1:44: registers.c[0]: 2 is no integer from 0 to 1"},
    {"{'qubits':4000000000,'circuit':[]}", QT_REASON_CIRCUIT_TOO_LARGE, ""},
};

START_TEST(refuses_with_the_place) {
    char json[TEXT_BYTES];
    quote(refusals[_i].text, json);
    const char *message = refuse_program(QT_PROGRAM_IONQ, json, refusals[_i].reason);
    ck_assert_msg(strncmp(message, refusals[_i].message, strlen(refusals[_i].message)) == 0,
                  "\"%s\" does not start with \"%s\"", message, refusals[_i].message);
}
END_TEST

/* ---- writing ---- */

START_TEST(writes_the_input_object) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = read_program(
        QT_PROGRAM_OPENQASM3,
        "include \"stdgates.inc\"; qubit[3] q; bit[3] c; reset q; h q[0]; barrier q; cx q[0], q[1];"
        "rz(pi/4) q[2]; ctrl(2) @ x q[0], q[1], q[2]; c = measure q;");
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    ck_assert_ok(qt_program_write(c, QT_PROGRAM_TO_IONQ, NULL, &text, NULL, &err));
    ck_assert_str_eq(text.data, "{\"qubits\":3,\"gateset\":\"qis\",\"circuit\":["
                                "{\"gate\":\"h\",\"target\":0},"
                                "{\"gate\":\"cnot\",\"control\":0,\"target\":1},"
                                "{\"gate\":\"rz\",\"target\":2,\"rotation\":0.7853981633974483},"
                                "{\"gate\":\"cnot\",\"controls\":[0,1],\"target\":2}]}");
}
END_TEST

/* Two qubit registers share the numbers; bits that are not those of the qubits make a body. */
START_TEST(writes_registers) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = read_program(
        QT_PROGRAM_OPENQASM3,
        "include \"stdgates.inc\"; qubit[2] a; qubit[2] b; bit[2] c; bit d; bit e; x b[0];"
        "c[1] = measure b[0]; h a[0]; d = measure a[1];");
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    ck_assert_ok(qt_program_write(c, QT_PROGRAM_TO_IONQ, NULL, &text, NULL, &err));
    ck_assert_str_eq(text.data,
                     "{\"type\":\"ionq.circuit.v1\",\"input\":{\"qubits\":4,\"gateset\":\"qis\","
                     "\"circuit\":[{\"gate\":\"x\",\"target\":2},{\"gate\":\"h\",\"target\":0}]},"
                     "\"metadata\":{\"registers\":"
                     "\"{\\\"c\\\":[null,2],\\\"d\\\":[1],\\\"e\\\":[null]}\"}}");
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = read_program(QT_PROGRAM_IONQ, text.data);
    check_same(c, back, text.data);
}
END_TEST

START_TEST(names_what_it_cannot_write) {
    static const struct {
        const char *program;
        const char *message;
    } cases[] = {
        {"c[0] = measure q[1]; h q[1];",
         "operation 2: IonQ's format has no gate behind a measurement (qubit q[1])"},
        {"h q[1]; reset q[1];", "operation 2: IonQ's format has no reset (qubit q[1])"},
        {"c[0] = measure q[0]; if (c[0]) { x q[1]; }",
         "operation 2: IonQ's format has no classical control"},
        {"c[0] = measure q[0]; float f = 0.5; if (c[0]) { f = 1.0; } rx(f) q[1];",
         "operation 2: IonQ's format has no classical assignment"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        check_unwritable(QT_PROGRAM_TO_IONQ, cases[i].program, cases[i].message);
    }
}
END_TEST

START_TEST(survives_every_failed_allocation) {
    static const char json[] =
        "{\"registers\":{\"a\":[2,null],\"b\":[0]},\"shots\":5,\"input\":{\"qubits\":3,\"circuit\":"
        "[{\"gate\":\"h\",\"targets\":[2]},{\"gate\":\"c\\u006eot\",\"control\":2,\"target\":0},"
        "{\"gate\":\"rx\",\"target\":1,\"rotation\":0.1}]},"
        "\"metadata\":{\"registers\":\"{\\\"z\\\":[0]}\"}}";
    check_failures(QT_PROGRAM_IONQ, QT_PROGRAM_TO_IONQ, json);
}
END_TEST

TCase *case_ionq(void) {
    TCase *c = tcase_create("ionq");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, gates_mean_what_they_say, 0, (int)QT_ARRAY_LEN(gates));
    tcase_add_test(c, reads_bodies);
    tcase_add_test(c, registers_say_what_is_measured);
    tcase_add_loop_test(c, refuses_with_the_place, 0, (int)QT_ARRAY_LEN(refusals));
    tcase_add_test(c, writes_the_input_object);
    tcase_add_test(c, writes_registers);
    tcase_add_test(c, names_what_it_cannot_write);
    tcase_add_test(c, survives_every_failed_allocation);
    return c;
}
