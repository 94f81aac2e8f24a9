#include "circuit/circuit.h"

#include "base/cleanup.h"

#include <assert.h>
#include <stdlib.h>

static const qt_gate_info gate_infos[] = {
#define QT_GATE(name, text, qubits, params, flags) {text, qubits, params, flags},
#include "circuit/gates.def"
#undef QT_GATE
};
_Static_assert(QT_ARRAY_LEN(gate_infos) == QT_GATE_COUNT_, "one row per gate");

const qt_gate_info *qt_gate_get_info(qt_gate gate) {
    assert(gate < QT_GATE_COUNT_);
    return &gate_infos[gate];
}

void qt_circuit_free(qt_circuit *circuit) {
    if (circuit == NULL) {
        return;
    }
    free(circuit->ops);
    free(circuit->operands);
    free(circuit->params);
    free(circuit->param_exprs);
    free(circuit->exprs);
    free(circuit->wide_words);
    free(circuit->case_values);
    free(circuit->loops);
    free(circuit->registers);
    free(circuit->variables);
    free(circuit->notes);
    free(circuit->warnings);
    qt_arena_done(&circuit->strings);
    free(circuit);
}

void qt_circuit_free_p(qt_circuit **circuit) {
    qt_circuit_free(*circuit);
}
