/* QIR text: any bytes are a circuit or an error, and can be checked against both profiles. */
#include "qir/check.h"
#include "qir/llvm.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const char *data, size_t len, qt_qir_profile profile) {
    const qt_qir_check_options options = {.profile = profile, .max_violations = 10};
    qt_err err;
    qt_qir_report report = {.count = 0};
    if (qt_qir_check(data, len, &options, &report, &err) == QT_OK) {
        qt_qir_report_done(&report);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    const qt_qir_read_options options = {
        .max_bytes = 1 << 16,
        .max_steps = 20000,
        .limits = {.max_ops = 10000, .max_qubits = 1000, .max_bytes = 16 << 20}};
    const char *text = (const char *)data;
    qt_err err;
    qt_circuit *circuit = NULL;
    if (qt_qir_is_bitcode(text, len)) {
        return 0; /* LLVM's own bitcode reader is not made for hostile bytes */
    }
    if (qt_qir_read(text, len, &options, &circuit, &err) == QT_OK &&
        qt_circuit_validate(circuit, &err) != QT_OK) {
        abort();
    }
    qt_circuit_free(circuit);
    check(text, len, QT_QIR_BASE);
    check(text, len, QT_QIR_ADAPTIVE);
    return 0;
}
