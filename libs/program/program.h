/* Programs of any kind: one place that reads them into circuits and writes circuits out.
 *
 * Reading QIR needs LLVM, which this library does not link: a program that has it hands its reader
 * over in the options. Any number of threads may read and write at the same time. */
#ifndef QT_PROGRAM_PROGRAM_H
#define QT_PROGRAM_PROGRAM_H

#include "base/buf.h"
#include "base/err.h"
#include "circuit/circuit.h"
#include "qasm/qasm.h"
#include "qir/qir.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum qt_program_kind {
#define QT_PROGRAM_KIND(name, text) QT_PROGRAM_##name,
#include "program/kinds.def"
#undef QT_PROGRAM_KIND
    QT_PROGRAM_KIND_COUNT_
} qt_program_kind;

typedef enum qt_program_target {
#define QT_PROGRAM_TARGET(name, text) QT_PROGRAM_TO_##name,
#include "program/targets.def"
#undef QT_PROGRAM_TARGET
    QT_PROGRAM_TARGET_COUNT_
} qt_program_target;

/* "openqasm3", "qir-1.0": static storage. */
const char *qt_program_kind_name(qt_program_kind kind);
const char *qt_program_target_name(qt_program_target target);
/* False when no kind or target has this name. */
bool qt_program_kind_by_name(const char *name, qt_program_kind *ret_kind);
bool qt_program_target_by_name(const char *name, qt_program_target *ret_target);

bool qt_program_target_is_qir(qt_program_target target);
/* The kind that a target's output is. */
qt_program_kind qt_program_kind_of_target(qt_program_target target);

struct qt_program_read_options;

/* Reads QIR: text, bitcode, or base64 of bitcode. Errors as qt_program_read(). */
typedef qt_code (*qt_program_qir_reader)(const char *data, size_t len,
                                         const struct qt_program_read_options *options,
                                         qt_circuit **ret_circuit, qt_err *err);

enum { QT_MAX_PROGRAM_INPUTS = 1024 }; /* that a request or Braket's JSON may give */

/* Zeroed: the defaults. */
typedef struct qt_program_read_options {
    const char *include_dir;     /* OpenQASM: see qasm/qasm.h */
    size_t max_bytes;            /* of the program; 0: 4 MiB */
    size_t max_tokens;           /* OpenQASM: see qasm/qasm.h */
    int64_t max_ms;              /* OpenQASM: see qasm/qasm.h */
    size_t max_nesting;          /* of expressions, blocks, calls, JSON values; 0: 256 */
    size_t max_errors;           /* collected before giving up; 0: 20 */
    qt_circuit_limits limits;    /* zeroed: qt_circuit_default_limits */
    bool keep_loops;             /* OpenQASM 3: see qasm/qasm.h */
    const qt_qasm_input *inputs; /* OpenQASM 3, Braket: see qasm/qasm.h; else none */
    size_t input_count;
    qt_program_qir_reader read_qir; /* NULL: QIR cannot be read */
    void *read_qir_self;            /* for the reader, who finds it in the options */
} qt_program_read_options;

/* Whether programs of this kind can be read with these options (NULL: the defaults). */
bool qt_program_can_read(qt_program_kind kind, const qt_program_read_options *options);

/* The same for the reader of OpenQASM. */
qt_qasm_options qt_program_qasm_options(qt_qasm_version version,
                                        const qt_program_read_options *options);

/* Reads len bytes (need no NUL) into a circuit that the caller releases. On failure the message
 * starts with "line:column: " of the first error and the field is unset: CIRCUIT_SYNTAX,
 * CIRCUIT_UNSUPPORTED, CIRCUIT_TOO_LARGE, CIRCUIT_TYPE_UNSUPPORTED (a kind that cannot be read),
 * OUT_OF_MEMORY. *ret_diagnostics (may be NULL) has all errors that the reader found, is released
 * by qt_diagnostics_done(), and err->diagnostics points to it. */
qt_code qt_program_read(qt_program_kind kind, const char *data, size_t len,
                        const qt_program_read_options *options, qt_circuit **ret_circuit,
                        qt_diagnostics *ret_diagnostics, qt_err *err);

/* Zeroed: the defaults. */
typedef struct qt_program_write_options {
    qt_qir_options qir; /* QIR targets; the version comes from the target */
    size_t max_bytes;   /* of the text; 0: no limit */
} qt_program_write_options;

/* Writes a circuit as text into *ret_text, which must be empty and is the caller's to release
 * (also after a failure). *ret_info (may be NULL) is filled for QIR and zeroed for other targets.
 * What the target cannot express is refused with CIRCUIT_UNSUPPORTED, which names it; MEMORY_LIMIT
 * when max_bytes or memory are exhausted. */
qt_code qt_program_write(const qt_circuit *circuit, qt_program_target target,
                         const qt_program_write_options *options, qt_buf *ret_text,
                         qt_qir_info *ret_info, qt_err *err);

#endif
