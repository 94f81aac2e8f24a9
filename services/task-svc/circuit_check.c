#include "services/task-svc/circuit_check.h"

#include "base/cleanup.h"
#include "circuit/circuit.h"
#include "program/config_macros.h"
#include "program/wire.h"
#include "qir/source.h"
#include "services/task-svc/validate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DENSE_QUBITS = 40, CLIFFORD_QUBITS = 20 };

static double estimate(const qt_circuit_stats *stats, uint32_t qubits, uint32_t shots) {
    double gates = (double)stats->gate_count;
    bool by_tableau = stats->clifford && qubits > CLIFFORD_QUBITS;
    int dense = qubits < MAX_DENSE_QUBITS ? (int)qubits : MAX_DENSE_QUBITS;
    double per_gate = by_tableau ? (double)qubits : ldexp(1.0, dense);
    return 1e-3 + gates * per_gate * 1e-9 + (double)shots * (double)qubits * 20e-9;
}

static qt_code measure(const qt_circuit *circuit, uint32_t shots, qt_circuit_facts *ret_facts,
                       qt_err *err) {
    qt_circuit_stats stats;
    QT_TRY(qt_circuit_analyze(circuit, &stats, err));
    *ret_facts =
        (qt_circuit_facts){.is_known = true,
                           .num_qubits = circuit->num_qubits,
                           .depth = stats.depth,
                           .gate_count = stats.gate_count,
                           .estimated_runtime = estimate(&stats, circuit->num_qubits, shots)};
    return QT_OK;
}

/* A light look, without LLVM: text that holds a definition, or base64 of bitcode. */
static qt_code check_qir(const qt_config *config, const char *text, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf storage = {0};
    const char *data = NULL;
    size_t len = 0;
    qt_code code = qt_qir_source_open(text, strlen(text), (size_t)config->max_circuit_bytes,
                                      &storage, &data, &len, err);
    if (code == QT_INVALID_ARGUMENT) {
        snprintf(err->field, sizeof err->field, "payload.circuit_data");
    }
    return code;
}

qt_code qt_circuit_check(const qt_config *config, Qtaskdist__V1__TaskType type,
                         const Qtaskdist__V1__TaskPayload *payload, size_t max_errors,
                         qt_arena *arena, qt_circuit_facts *ret_facts, qt_err *err) {
    qt_program_read_options options = QT_PROGRAM_READ_OPTIONS(config);
    bool fewer = max_errors > 0 && (options.max_errors == 0 || max_errors < options.max_errors);
    options.max_errors = fewer ? max_errors : options.max_errors;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics all = {0};
    qt_program_kind kind = QT_PROGRAM_QASM;
    *ret_facts = (qt_circuit_facts){0};
    QT_TRY(qt_program_kind_decode(payload->circuit_type, "payload.circuit_type", &kind, err));
    QT_TRY(qt_program_inputs_decode(payload, arena, &options.inputs, &options.input_count, err));
    if (config->check_circuits && kind == QT_PROGRAM_QIR) {
        return check_qir(config, payload->circuit_data, err);
    }
    if (!config->check_circuits || !qt_program_can_read(kind, &options)) {
        return QT_OK;
    }
    qt_code code = qt_program_read(kind, payload->circuit_data, strlen(payload->circuit_data),
                                   &options, &circuit, &all, err);
    if (code != QT_OK) {
        qt_diagnostics_keep(arena, err);
    } else {
        uint32_t shots = payload->shots != 0 ? payload->shots : QT_DEFAULT_SHOTS;
        return measure(circuit, shots, ret_facts, err);
    }
    if (err->reason == QT_REASON_CIRCUIT_UNSUPPORTED &&
        type == QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN) {
        return QT_OK;
    }
    snprintf(err->field, sizeof err->field, "payload.circuit_data");
    return code;
}
