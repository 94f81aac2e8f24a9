/* A gate as gates of a chosen set: one place for all formats that lack some.
 *
 * A gate of the set is handed on as it is. Another gate without controls becomes one to six of
 * the set; a controlled gate becomes a multi-controlled phase or X between single-qubit gates, and
 * those are built from ccx without ancillas: the target of an inner X serves as a borrowed qubit,
 * so k controls take O(k^2) gates and touch no other qubit. All identities hold exactly, up to one
 * global phase; with GPHASE in the set they hold exactly. Nothing is allocated. */
#ifndef QT_CIRCUIT_DECOMPOSE_H
#define QT_CIRCUIT_DECOMPOSE_H

#include "circuit/circuit.h"

/* A parameter: a constant, or a value that only the receiver knows, by number. */
typedef struct qt_angle {
    double constant;
    uint32_t value; /* QT_NO_INDEX for a constant */
} qt_angle;

static inline qt_angle qt_angle_constant(double value) {
    return (qt_angle){.constant = value, .value = QT_NO_INDEX};
}

/* Bit n of with[gate]: the set has the gate with n controls, n up to 7. A set must have, without
 * controls, X Y Z H S SDG T TDG RX RY RZ SWAP, and X with 1 and 2 and Z with 1 controls. */
typedef struct qt_gate_set {
    uint8_t with[QT_GATE_COUNT_];
} qt_gate_set;

static inline bool qt_gate_set_has(const qt_gate_set *set, qt_gate gate, size_t control_count) {
    return control_count < 8 && ((unsigned)set->with[gate] >> control_count & 1U) != 0;
}

/* Who takes the gates. put gets controls first, then the gate's own qubits, and as many angles as
 * the gate has parameters. scale and add compute with values (see qt_angle) and may be NULL when
 * all angles are constants. */
typedef struct qt_gate_sink {
    const qt_gate_set *set;
    void *self;
    void (*put)(void *self, qt_gate gate, const uint32_t *qubits, size_t control_count,
                const qt_angle *angles);
    qt_angle (*scale)(void *self, qt_angle angle, double factor);
    qt_angle (*add)(void *self, qt_angle a, qt_angle b);
} qt_gate_sink;

/* qubits: control_count controls, then the gate's own. */
void qt_gate_decompose(const qt_gate_sink *sink, qt_gate gate, const uint32_t *qubits,
                       size_t control_count, const qt_angle *angles);
/* The same for an operation with constant parameters (QT_OP_GATE). */
void qt_op_decompose(const qt_gate_sink *sink, const qt_circuit *circuit, const qt_op *op);

#endif
