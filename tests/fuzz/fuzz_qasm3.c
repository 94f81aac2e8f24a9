/* OpenQASM 3: any bytes are a circuit or an error. */
#include "qasm/qasm.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    const qt_qasm_options options = {
        .version = QT_QASM_3,
        .limits = {.max_ops = 10000, .max_qubits = 10000, .max_bytes = 16 << 20}};
    qt_err err;
    qt_circuit *circuit = NULL;
    if (qt_qasm_parse((const char *)data, len, &options, &circuit, NULL, &err) == QT_OK &&
        qt_circuit_validate(circuit, &err) != QT_OK) {
        abort();
    }
    qt_circuit_free(circuit);
    return 0;
}
