/* Inside libs/qasm: the program and the files that it includes. */
#ifndef QT_QASM_SOURCE_H
#define QT_QASM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct qasm_source {
    const char *name; /* NULL: the program itself */
    const char *text;
    size_t len;
    char *owned; /* the same memory, when it was read from a file */
    /* The last line asked for, so that asking in order is cheap. */
    size_t line_offset;
    uint32_t line;
} qasm_source;

/* The line (from 1) of an offset and where the line starts. */
uint32_t qasm_source_line(qasm_source *source, size_t offset, size_t *ret_line_start);

/* A file below dir. The name may not be absolute or go up. FIELD_INVALID, IO_ERROR, or
 * CIRCUIT_TOO_LARGE over max_bytes. *ret_text is free()d by the caller. */
qt_code qasm_source_read(const char *dir, const char *name, size_t max_bytes, char **ret_text,
                         size_t *ret_len, qt_err *err);

#endif
