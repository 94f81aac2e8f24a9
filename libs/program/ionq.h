/* IonQ's JSON circuits: text in, circuit out, and back.
 *
 * The format is the `input` of a job of IonQ's API v0.3 and v0.4 (types ionq.circuit.v0 and v1):
 *   {"qubits": 2, "gateset": "qis", "circuit": [{"gate": "h", "target": 0},
 *                                               {"gate": "cnot", "control": 0, "target": 1}]}
 * alone or as member `input` of a job's body. It has no measurements: all qubits are measured at
 * the end. Rotations are in radians, phases and angles of native gates in turns. */
#ifndef QT_PROGRAM_IONQ_H
#define QT_PROGRAM_IONQ_H

#include "program/program.h"

/* Reads one circuit. The circuit measures as the body's `registers` (or the text of that name in
 * `metadata`) say: {"name": [qubit or null for each bit]}; without them all qubits into the
 * register "c", bit i from qubit i. Errors as qt_program_read(): "line:column: path: what". Fields
 * that the format does not have are refused; those of a job that have no effect on a simulation
 * give warnings. */
qt_code qt_ionq_read(const char *data, size_t len, const qt_program_read_options *options,
                     qt_circuit **ret_circuit, qt_err *err);

/* Appends the `input` object. `registers` (may be NULL) gets the JSON object that says which qubit
 * each visible bit comes from, or nothing when that is bit i from qubit i of one register (or there
 * are no measurements). CIRCUIT_UNSUPPORTED names what the format lacks and where: a qubit used
 * after its measurement, reset, classical control. */
qt_code qt_ionq_write(const qt_circuit *circuit, qt_buf *out, qt_buf *registers, qt_err *err);

/* The same as one text: the `input` object alone, or when registers are needed a body of a v0.4
 * job with `type`, `input` and `metadata.registers`. */
qt_code qt_ionq_write_text(const qt_circuit *circuit, qt_buf *out, qt_err *err);

#endif
