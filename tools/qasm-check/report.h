/* What qasm-check says about one program. */
#ifndef QASM_CHECK_REPORT_H
#define QASM_CHECK_REPORT_H

#include "base/buf.h"
#include "qasm/qasm.h"

typedef struct report {
    const char *file;
    const qt_circuit *circuit; /* NULL: the program is broken */
    const qt_diagnostics *diagnostics;
    const qt_err *err; /* when there is no circuit */
    bool stats;        /* gates one by one */
} report;

/* Lines for people: the place, the line with a caret, a hint. */
qt_code report_text(const report *r, qt_buf *out, qt_err *err);
/* One JSON object and a line end. */
qt_code report_json(const report *r, qt_buf *out, qt_err *err);

#endif
