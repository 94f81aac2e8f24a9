/* Inside libs/qir: bitcode that may be hostile.
 *
 * LLVM's bitcode reader trusts its input: changed bytes make it leak, loop or crash. So bitcode
 * is read in a child process with limits on its time and memory, which sends the module back as
 * text; the parent parses only text. */
#ifndef QT_QIR_ISOLATE_H
#define QT_QIR_ISOLATE_H

#include "base/buf.h"
#include "base/err.h"

/* Bitcode to text. CIRCUIT_SYNTAX when the child could not read it, for whatever reason. */
qt_code qt_llvm_isolated_text(const char *data, size_t len, qt_buf *ret_text, qt_err *err);

#endif
