/* Programs of libs/program from any bytes: a circuit that is valid, or an error; what is written
 * again reads back to as many qubits. */
#ifndef QT_TESTS_FUZZ_PROGRAM_H
#define QT_TESTS_FUZZ_PROGRAM_H

#include "base/cleanup.h"
#include "program/program.h"

#include <stdint.h>
#include <stdlib.h>

static inline qt_circuit *read_circuit(qt_program_kind kind, const char *text, size_t len,
                                       size_t max_ops) {
    const qt_program_read_options options = {
        .max_bytes = 8 << 20,
        .limits = {.max_ops = max_ops, .max_qubits = 4000, .max_bytes = 64 << 20}};
    qt_err err;
    qt_circuit *circuit = NULL;
    (void)!qt_program_read(kind, text, len, &options, &circuit, NULL, &err);
    return circuit;
}

/* QT_REASON_NONE: not read, or written. Otherwise why it was not written. */
static inline qt_reason round_trip(qt_program_kind kind, qt_program_target target,
                                   const uint8_t *data, size_t len) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *circuit = read_circuit(kind, (const char *)data, len, 10000);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    const qt_program_write_options options = {.max_bytes = 4 << 20};
    qt_err err;
    if (circuit == NULL) {
        return QT_REASON_NONE;
    }
    if (qt_circuit_validate(circuit, &err) != QT_OK) {
        abort();
    }
    if (qt_program_write(circuit, target, &options, &text, NULL, &err) != QT_OK) {
        return err.reason;
    }
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *again = read_circuit(kind, text.data, text.len, 1000000);
    if (again == NULL || again->num_qubits != circuit->num_qubits) {
        abort();
    }
    return QT_REASON_NONE;
}

#endif
