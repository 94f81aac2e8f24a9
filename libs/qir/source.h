/* QIR as it stands in a request: LLVM assembly text, or base64 of LLVM bitcode. No LLVM needed. */
#ifndef QT_QIR_SOURCE_H
#define QT_QIR_SOURCE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* Whether the bytes start like bitcode. */
bool qt_qir_is_bitcode(const char *data, size_t len);

/* Text is borrowed and must hold a `define`, base64 (either alphabet, spaces and line breaks
 * allowed) is decoded into *storage, which must be empty and is the caller's to release; bare
 * bitcode is borrowed too. A light look that finds what is no QIR at all: CIRCUIT_SYNTAX with
 * line:column, CIRCUIT_TOO_LARGE for more than max_bytes of bitcode (0: no limit), MEMORY_LIMIT. */
qt_code qt_qir_source_open(const char *text, size_t len, size_t max_bytes, qt_buf *storage,
                           const char **ret_data, size_t *ret_len, qt_err *err);

#endif
