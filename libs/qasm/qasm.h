/* OpenQASM 2 and 3: text in, circuit out.
 *
 * One call parses one program. Standard includes (qelib1.inc, stdgates.inc) are built in; no file
 * is ever read unless `include_dir` allows it. Nothing is silently ignored: what has no effect
 * gives a warning in the circuit, what is not supported gives an error with line:column and the
 * feature's name. Any number of threads may parse at the same time. */
#ifndef QT_QASM_QASM_H
#define QT_QASM_QASM_H

#include "circuit/builder.h"
#include "circuit/circuit.h"

typedef enum qt_qasm_version {
    QT_QASM_DETECT, /* from the header; without one: OpenQASM 3, unless it declares qreg/creg or
                     * includes qelib1.inc */
    QT_QASM_2,
    QT_QASM_3,
} qt_qasm_version;

typedef struct qt_qasm_options {
    qt_qasm_version version;
    const char *name;         /* of the program, for messages; NULL: none */
    const char *include_dir;  /* other includes come from here; NULL: refused */
    size_t max_bytes;         /* of the program and its includes; 0: 4 MiB */
    size_t max_nesting;       /* of expressions, blocks and calls; 0: 256 */
    size_t max_errors;        /* collected before giving up; 0: 20 */
    qt_circuit_limits limits; /* zeroed: qt_circuit_default_limits */
} qt_qasm_options;

/* One error in a program. */
typedef struct qt_diagnostic {
    uint32_t line;    /* from 1 */
    uint32_t column;  /* from 1, in bytes */
    qt_reason reason; /* CIRCUIT_SYNTAX, CIRCUIT_UNSUPPORTED, CIRCUIT_TOO_LARGE */
    char *message;    /* one sentence, without place */
    char *hint;       /* "did you mean 'cx'?", or NULL */
    char *source;     /* the line's text, cut to 160 bytes, or NULL */
} qt_diagnostic;

typedef struct qt_diagnostics {
    qt_diagnostic *items;
    size_t count;
} qt_diagnostics;

/* Releases; safe on zeroed memory. */
void qt_diagnostics_done(qt_diagnostics *diagnostics);

/* Parses len bytes of text (needs no NUL). `options` NULL: defaults. On failure *err has the first
 * error, its message starting with "line:column: ", its field unset, and *ret_diagnostics (may be
 * NULL) has all of them. */
qt_code qt_qasm_parse(const char *text, size_t len, const qt_qasm_options *options,
                      qt_circuit **ret_circuit, qt_diagnostics *ret_diagnostics, qt_err *err);

#endif
