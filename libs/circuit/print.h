/* A circuit as OpenQASM text that parses back to the same circuit.
 *
 * Registers keep their names unless the language reserves them or they are not unique; then they
 * get a suffix. Printing the parsed text again gives the same text. Gates that the standard
 * includes lack are defined in front, by the texts of qt_gate_definition(). */
#ifndef QT_CIRCUIT_PRINT_H
#define QT_CIRCUIT_PRINT_H

#include "base/buf.h"
#include "circuit/circuit.h"

/* In OpenQASM 3, in front of variables of the circuit: the front end that reads it takes every
 * variable of the program as one of the circuit, and keeps loops. */
#define QT_PRINT_RUNTIME_PRAGMA "pragma qtaskdist.runtime"

/* OpenQASM 3. MEMORY_LIMIT when `out` is full or memory is exhausted; *out then holds a part. */
qt_code qt_circuit_print_qasm3(const qt_circuit *circuit, qt_buf *out, qt_err *err);

/* OpenQASM 2 with qelib1.inc as Qiskit has it. Gates that it lacks are decomposed, see
 * circuit/decompose.h. A global phase without controls, delays and notes are left out, which a
 * comment says: they have no effect on any result. CIRCUIT_UNSUPPORTED names the first operation
 * that it cannot say. */
qt_code qt_circuit_print_qasm2(const qt_circuit *circuit, qt_buf *out, qt_err *err);

/* OpenQASM 3 in Amazon Braket's dialect: its gates without an include, as its devices take it.
 * Gates that it lacks are decomposed, see circuit/decompose.h. CIRCUIT_UNSUPPORTED names what
 * devices do not take: reset, classical control, a qubit used behind its measurement. Notes are
 * left out. */
qt_code qt_circuit_print_braket(const qt_circuit *circuit, qt_buf *out, qt_err *err);

/* The definition of a base gate that the standard include of a language (2 or 3) lacks; NULL for
 * the others. Front ends that meet exactly this text take the base gate. Static storage. */
const char *qt_gate_definition(unsigned language, qt_gate gate);
/* The base gate of a definition's text (without spaces around it), or QT_GATE_COUNT_. */
qt_gate qt_gate_of_definition(unsigned language, const char *text, size_t len);

#endif
