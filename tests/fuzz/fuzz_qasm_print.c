/* OpenQASM of both languages: what parses can be printed, and what was printed parses to a valid
 * circuit of as many qubits. */
#include "base/cleanup.h"
#include "circuit/hash.h"
#include "circuit/print.h"
#include "qasm/qasm.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static qt_circuit *parse(const char *text, size_t len, size_t max_ops) {
    const qt_qasm_options options = {
        .limits = {.max_ops = max_ops, .max_qubits = 4000, .max_bytes = 32 << 20}};
    qt_err err;
    qt_circuit *circuit = NULL;
    (void)!qt_qasm_parse(text, len, &options, &circuit, NULL, &err);
    return circuit;
}

static void check(const qt_circuit *circuit,
                  qt_code (*print)(const qt_circuit *circuit, qt_buf *out, qt_err *err)) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {.limit_bytes = 2 << 20};
    qt_err err;
    if (print(circuit, &text, &err) != QT_OK) {
        return; /* too long, or more than the language has */
    }
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *again = parse(qt_buf_str(&text), text.len, 1000000);
    if (again == NULL || qt_circuit_validate(again, &err) != QT_OK ||
        again->num_qubits != circuit->num_qubits) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = parse((const char *)data, len, 2000);
    qt_err err;
    qt_circuit_stats stats;
    qt_circuit_hash hash;
    if (circuit == NULL) {
        return 0;
    }
    if (qt_circuit_validate(circuit, &err) != QT_OK ||
        qt_circuit_analyze(circuit, &stats, &err) != QT_OK ||
        qt_circuit_get_hash(circuit, &hash, &err) != QT_OK) {
        abort();
    }
    check(circuit, qt_circuit_print_qasm2);
    check(circuit, qt_circuit_print_qasm3);
    return 0;
}
