/* Inside libs/qasm: the program and the files that it includes. */
#ifndef QT_QASM_SOURCE_H
#define QT_QASM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diagnostics.h"

typedef struct qasm_source {
    qt_text text;
    char *owned; /* the same memory, when it was read from a file */
} qasm_source;

/* A file below dir. The name may not be absolute or go up. FIELD_INVALID, IO_ERROR, or
 * CIRCUIT_TOO_LARGE over max_bytes. *ret_text is free()d by the caller. */
qt_code qasm_source_read(const char *dir, const char *name, size_t max_bytes, char **ret_text,
                         size_t *ret_len, qt_err *err);

#endif
