/* Programs of Amazon Braket: its dialect of OpenQASM 3 (see the option `braket` of qasm/qasm.h),
 * alone or in the JSON that Braket's services take:
 *   {"braketSchemaHeader": {"name": "braket.ir.openqasm.program", "version": "1"},
 *    "source": "OPENQASM 3.0; ...", "inputs": {"theta": 0.5}} */
#ifndef QT_PROGRAM_BRAKET_H
#define QT_PROGRAM_BRAKET_H

#include "program/program.h"

/* Reads one program. Places of errors are those in the source itself, also when it came in JSON;
 * errors of the JSON around it are "line:column: path: what". JAQCD (braket.ir.jaqcd.program) is
 * refused by name. */
qt_code qt_braket_read(const char *data, size_t len, const qt_program_read_options *options,
                       qt_circuit **ret_circuit, qt_diagnostics *ret_diagnostics, qt_err *err);

#endif
