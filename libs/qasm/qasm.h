/* OpenQASM 2 and 3: text in, circuit out.
 *
 * One call parses one program. Standard includes (qelib1.inc, stdgates.inc) are built in; no file
 * is ever read unless `include_dir` allows it. Nothing is silently ignored: what has no effect
 * gives a warning in the circuit, what is not supported gives an error with line:column and the
 * feature's name. Any number of threads may parse at the same time. */
#ifndef QT_QASM_QASM_H
#define QT_QASM_QASM_H

#include "base/diagnostics.h"
#include "circuit/builder.h"
#include "circuit/circuit.h"

typedef enum qt_qasm_version {
    QT_QASM_DETECT, /* from the header; without one: OpenQASM 3, unless it declares qreg/creg or
                     * includes qelib1.inc */
    QT_QASM_2,
    QT_QASM_3,
} qt_qasm_version;

/* A value for an `input` of the program. */
typedef struct qt_qasm_input {
    const char *name;
    const char *value; /* an OpenQASM 3 constant: "0.5", "pi / 4", "\"0110\"", "{1, 2}" */
} qt_qasm_input;

typedef struct qt_qasm_options {
    qt_qasm_version version;
    const char *name;        /* of the program, for messages; NULL: none */
    const char *include_dir; /* other includes come from here; NULL: refused */
    size_t max_bytes;        /* of the program and its includes; 0: 4 MiB */
    size_t max_tokens;       /* of all sources, also in bodies; 0: 1,000,000,000 */
    /* Processor time of the thread, beyond one millisecond for 5,000 bytes (reading takes a
     * fiftieth of that): for loops, calls and broadcasts. 0: 700. */
    int64_t max_ms;
    size_t max_nesting;          /* of expressions, blocks and calls; 0: 256 */
    size_t max_errors;           /* collected before giving up; 0: QT_MAX_DIAGNOSTICS */
    qt_circuit_limits limits;    /* zeroed: qt_circuit_default_limits */
    const qt_qasm_input *inputs; /* one for each input, in any order; others are an error */
    size_t input_count;
    /* Loops over ranges and `while` stay loops of the circuit where nothing in them, like the
     * number of a qubit, needs a known value. Otherwise loops whose turns are known are unrolled.
     */
    bool keep_loops;
    /* OpenQASM 3 in Amazon Braket's dialect: its gates are there without an include, U has no
     * factor e^{i theta/2}, pragmas of Braket have their meaning, and a program that measures
     * nothing measures all its qubits at the end, into a register b. */
    bool braket;
} qt_qasm_options;

/* Parses len bytes of text (needs no NUL). `options` NULL: defaults. On failure *err has the first
 * error, its message starting with "line:column: ", its field unset, and *ret_diagnostics (zeroed
 * by the caller, or NULL) has all of them; err->diagnostics points to it. */
qt_code qt_qasm_parse(const char *text, size_t len, const qt_qasm_options *options,
                      qt_circuit **ret_circuit, qt_diagnostics *ret_diagnostics, qt_err *err);

#endif
