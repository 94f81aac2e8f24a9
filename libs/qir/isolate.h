/* Inside libs/qir: bitcode that may be hostile.
 *
 * LLVM's bitcode reader trusts its input: changed bytes make it leak, loop or crash. So bitcode
 * is read in a child process with limits on its time and memory, which sends the module back as
 * text; the parent parses only text. */
#ifndef QT_QIR_ISOLATE_H
#define QT_QIR_ISOLATE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Bitcode to text. CIRCUIT_SYNTAX when the child could not read it, for whatever reason. */
qt_code qt_llvm_isolated_text(const char *data, size_t len, qt_buf *ret_text, qt_err *err);

/* Says that this process is thrown away after the module (qir/helper.h): bitcode is read in place
 * from now on. */
void qt_llvm_set_isolated(void);
bool qt_llvm_is_isolated(void);
/* For a child that reads a module: processor time, memory (not under sanitizers), no core file,
 * nothing on stdout and stderr, and signals end it. */
void qt_llvm_limit_process(uint64_t seconds, uint64_t memory_bytes);

#endif
