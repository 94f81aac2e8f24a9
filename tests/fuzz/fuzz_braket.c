/* Braket's dialect and its JSON: any bytes are a circuit or an error; what can be written again
 * reads back to as many qubits. */
#include "base/cleanup.h"
#include "program/program.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static qt_circuit *read_circuit(const char *text, size_t len, size_t max_ops) {
    const qt_program_read_options options = {
        .max_bytes = 8 << 20,
        .limits = {.max_ops = max_ops, .max_qubits = 4000, .max_bytes = 64 << 20}};
    qt_err err;
    qt_circuit *circuit = NULL;
    (void)!qt_program_read(QT_PROGRAM_BRAKET, text, len, &options, &circuit, NULL, &err);
    return circuit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *circuit = read_circuit((const char *)data, len, 10000);
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    const qt_program_write_options options = {.max_bytes = 4 << 20};
    qt_err err;
    if (circuit == NULL) {
        return 0;
    }
    if (qt_circuit_validate(circuit, &err) != QT_OK) {
        abort();
    }
    if (qt_program_write(circuit, QT_PROGRAM_TO_BRAKET, &options, &text, NULL, &err) != QT_OK) {
        return 0; /* too long, or more than devices take */
    }
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *again = read_circuit(text.data, text.len, 1000000);
    if (again == NULL || again->num_qubits != circuit->num_qubits) {
        abort();
    }
    return 0;
}
