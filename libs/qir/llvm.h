/* QIR in, and everything that needs LLVM: bitcode, verification, reading, the profile checker.
 *
 * Built as qt_qir_llvm on LLVM 16, which reads typed and opaque pointers, text and bitcode, from
 * older and newer LLVM alike. Nothing is executed: a module is walked. Every call makes its own
 * LLVM context, so any number of threads may call at once. `data` is LLVM assembly text or
 * bitcode, told apart by its first bytes; it needs no NUL. LLVM's reader of bitcode is not safe
 * with hostile bytes, so it runs in a child process (fork) with limits of time and memory. */
#ifndef QT_QIR_LLVM_H
#define QT_QIR_LLVM_H

#include "circuit/builder.h"
#include "qir/qir.h"
#include "qir/source.h"

/* Text to bitcode, after LLVM's verifier accepted it. The version says which kind of pointers the
 * text has; 1.0 gives bitcode that LLVM 14 reads. CIRCUIT_SYNTAX with line:column. */
qt_code qt_qir_to_bitcode(const char *text, size_t len, qt_qir_version version, qt_buf *ret_bitcode,
                          qt_err *err);
/* Text or bitcode to text, with opaque pointers. */
qt_code qt_qir_to_text(const char *data, size_t len, qt_buf *ret_text, qt_err *err);
/* Parses and runs LLVM's verifier: well-formed LLVM IR, whatever it means. */
qt_code qt_qir_verify(const char *data, size_t len, qt_err *err);

typedef struct qt_qir_read_options {
    bool strict;              /* refuse what breaks the profile that the module claims */
    const char *entry_point;  /* which one; NULL: the only one */
    size_t max_bytes;         /* of data; 0: 64 MiB */
    size_t max_steps;         /* instructions walked, loops unrolled; 0: 20,000,000 */
    qt_circuit_limits limits; /* zeroed: qt_circuit_default_limits */
} qt_qir_read_options;

/* Walks the entry point and builds the circuit that it stands for. Loops that depend on no
 * measurement are unrolled, those that do become while loops; branches on measurements become if;
 * calls of functions with a body are inlined. The recorded output decides the bit registers: one
 * for each recorded array or tuple of results, named by its label; results that are measured but
 * not recorded are hidden; a program that records nothing shows all its results as "c". `options`
 * may be NULL. Fails with CIRCUIT_SYNTAX (not LLVM IR), CIRCUIT_UNSUPPORTED (with the name of what
 * it cannot follow and its place), CIRCUIT_TOO_LARGE, STEP_LIMIT. */
qt_code qt_qir_read(const char *data, size_t len, const qt_qir_read_options *options,
                    qt_circuit **ret_circuit, qt_err *err);

#endif
