#include "circuit/decompose.h"

#include <math.h>

#define PI 3.14159265358979323846264338327950288

static bool has(const qt_gate_sink *e, qt_gate gate, size_t controls) {
    return qt_gate_set_has(e->set, gate, controls);
}

static void put1(const qt_gate_sink *e, qt_gate gate, uint32_t q) {
    e->put(e->self, gate, &q, 0, NULL);
}

static void cnot(const qt_gate_sink *e, uint32_t c, uint32_t t) {
    e->put(e->self, QT_GATE_X, (uint32_t[]){c, t}, 1, NULL);
}

/* Up to seven controls: more are in no set. */
static void put_controlled(const qt_gate_sink *e, qt_gate gate, const uint32_t *c, size_t n,
                           uint32_t t) {
    enum { MAX_CONTROLS = 7 };
    uint32_t qubits[MAX_CONTROLS + 1] = {0};
    for (size_t i = 0; i < n; i++) {
        qubits[i] = c[i];
    }
    qubits[n] = t;
    e->put(e->self, gate, qubits, n, NULL);
}

static void rotate(const qt_gate_sink *e, qt_gate gate, qt_angle angle, uint32_t q) {
    e->put(e->self, gate, &q, 0, &angle);
}

static bool is_constant(qt_angle angle, double value) {
    return angle.value == QT_NO_INDEX && angle.constant == value;
}

static qt_angle scale(const qt_gate_sink *e, qt_angle angle, double factor) {
    return angle.value == QT_NO_INDEX ? qt_angle_constant(angle.constant * factor)
                                      : e->scale(e->self, angle, factor);
}

static qt_angle add(const qt_gate_sink *e, qt_angle a, qt_angle b) {
    return a.value == QT_NO_INDEX && b.value == QT_NO_INDEX
               ? qt_angle_constant(a.constant + b.constant)
               : e->add(e->self, a, b);
}

/* Where a gate is right only up to e^{i angle}, and that is asked for. */
static void put_global(const qt_gate_sink *e, qt_angle angle) {
    if (has(e, QT_GATE_GPHASE, 0) && !is_constant(angle, 0)) {
        e->put(e->self, QT_GATE_GPHASE, NULL, 0, &angle);
    }
}

static void put_half_global(const qt_gate_sink *e, qt_angle angle) {
    if (has(e, QT_GATE_GPHASE, 0)) {
        put_global(e, scale(e, angle, 0.5));
    }
}

/* diag(1, e^{i angle}). */
static void phase(const qt_gate_sink *e, qt_angle angle, uint32_t q) {
    static const struct {
        double angle;
        qt_gate gate;
    } named[] = {{PI, QT_GATE_Z},        {-PI, QT_GATE_Z},    {PI / 2, QT_GATE_S},
                 {-PI / 2, QT_GATE_SDG}, {PI / 4, QT_GATE_T}, {-PI / 4, QT_GATE_TDG}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (is_constant(angle, named[i].angle)) {
            put1(e, named[i].gate, q);
            return;
        }
    }
    if (is_constant(angle, 0)) {
        return;
    }
    if (has(e, QT_GATE_P, 0)) {
        rotate(e, QT_GATE_P, angle, q);
        return;
    }
    rotate(e, QT_GATE_RZ, angle, q);
    put_half_global(e, angle);
}

static void controlled_phase(const qt_gate_sink *e, qt_angle angle, uint32_t c, uint32_t t) {
    if (is_constant(angle, PI) || is_constant(angle, -PI)) {
        e->put(e->self, QT_GATE_Z, (uint32_t[]){c, t}, 1, NULL);
        return;
    }
    if (has(e, QT_GATE_P, 1)) {
        e->put(e->self, QT_GATE_P, (uint32_t[]){c, t}, 1, &angle);
        return;
    }
    qt_angle half = scale(e, angle, 0.5);
    phase(e, half, c);
    phase(e, half, t);
    cnot(e, c, t);
    phase(e, scale(e, half, -1), t);
    cnot(e, c, t);
}

static void ccx(const qt_gate_sink *e, uint32_t a, uint32_t b, uint32_t t) {
    e->put(e->self, QT_GATE_X, (uint32_t[]){a, b, t}, 2, NULL);
}

/* The inner part of the ladder: everything but the ccx on the target. */
static void ladder_rungs(const qt_gate_sink *e, const uint32_t *c, size_t n,
                         const uint32_t *spare) {
    for (size_t i = n - 3; i >= 1; i--) {
        ccx(e, c[i + 1], spare[i - 1], spare[i]);
    }
    ccx(e, c[0], c[1], spare[0]);
    for (size_t i = 1; i <= n - 3; i++) {
        ccx(e, c[i + 1], spare[i - 1], spare[i]);
    }
}

/* X with n controls and n - 2 borrowed qubits, which come back as they were (Barenco et al. 1995,
 * lemma 7.2). */
static void ladder_x(const qt_gate_sink *e, const uint32_t *c, size_t n, uint32_t t,
                     const uint32_t *spare) {
    if (n == 1) {
        cnot(e, c[0], t);
    } else if (n == 2) {
        ccx(e, c[0], c[1], t);
    } else {
        for (int round = 0; round < 2; round++) {
            ccx(e, c[n - 1], spare[n - 3], t);
            ladder_rungs(e, c, n, spare);
        }
    }
}

/* X with n controls and one borrowed qubit (lemma 7.3): t ^= d * high; d ^= low; twice. */
static void borrowing_x(const qt_gate_sink *e, const uint32_t *c, size_t n, uint32_t t,
                        uint32_t borrowed) {
    if (n <= 2) {
        ladder_x(e, c, n, t, NULL);
        return;
    }
    size_t low = (n + 1) / 2;
    size_t high = n - low;
    uint32_t high_controls[QT_MAX_GATE_QUBITS + 1];
    uint32_t high_and_target[QT_MAX_GATE_QUBITS + 1];
    for (size_t i = 0; i < high; i++) {
        high_controls[i] = c[low + i];
        high_and_target[i] = c[low + i];
    }
    high_controls[high] = borrowed;
    high_and_target[high] = t;
    for (int round = 0; round < 2; round++) {
        ladder_x(e, high_controls, high + 1, t, c);
        ladder_x(e, c, low, borrowed, high_and_target);
    }
}

/* diag(1, ..., 1, e^{i angle}) on n controls and t: halves the angle once for each control. */
static void multi_phase(const qt_gate_sink *e, qt_angle angle, const uint32_t *c, size_t n,
                        uint32_t t) {
    bool is_z = is_constant(angle, PI) || is_constant(angle, -PI);
    if (n >= 2 && is_z && has(e, QT_GATE_Z, n)) {
        put_controlled(e, QT_GATE_Z, c, n, t);
        return;
    }
    if (n == 2 && is_z) {
        put1(e, QT_GATE_H, t);
        ccx(e, c[0], c[1], t);
        put1(e, QT_GATE_H, t);
        return;
    }
    for (; n >= 2; n--) {
        angle = scale(e, angle, 0.5);
        uint32_t last = c[n - 1];
        controlled_phase(e, angle, last, t);
        borrowing_x(e, c, n - 1, last, t);
        controlled_phase(e, scale(e, angle, -1), last, t);
        borrowing_x(e, c, n - 1, last, t);
    }
    if (n == 1) {
        controlled_phase(e, angle, c[0], t);
    } else {
        phase(e, angle, t);
    }
}

static void multi_x(const qt_gate_sink *e, const uint32_t *c, size_t n, uint32_t t) {
    if (n == 0) {
        put1(e, QT_GATE_X, t);
    } else if (n > 2 && has(e, QT_GATE_X, n)) {
        put_controlled(e, QT_GATE_X, c, n, t);
    } else if (n <= 2) {
        ladder_x(e, c, n, t, NULL);
    } else {
        put1(e, QT_GATE_H, t);
        multi_phase(e, qt_angle_constant(PI), c, n, t);
        put1(e, QT_GATE_H, t);
    }
}

/* RZ or RY with controls: X turns the second half back. */
static void multi_rotate(const qt_gate_sink *e, qt_gate gate, qt_angle angle, const uint32_t *c,
                         size_t n, uint32_t t) {
    if (n == 0) {
        rotate(e, gate, angle, t);
        return;
    }
    qt_angle half = scale(e, angle, 0.5);
    rotate(e, gate, half, t);
    multi_x(e, c, n, t);
    rotate(e, gate, scale(e, half, -1), t);
    multi_x(e, c, n, t);
}

static void multi_rx(const qt_gate_sink *e, qt_angle angle, const uint32_t *c, size_t n,
                     uint32_t t) {
    if (n == 0) {
        rotate(e, QT_GATE_RX, angle, t);
        return;
    }
    put1(e, QT_GATE_H, t);
    multi_rotate(e, QT_GATE_RZ, angle, c, n, t);
    put1(e, QT_GATE_H, t);
}

static void multi_y(const qt_gate_sink *e, const uint32_t *c, size_t n, uint32_t t) {
    put1(e, QT_GATE_SDG, t);
    multi_x(e, c, n, t);
    put1(e, QT_GATE_S, t);
}

/* H = RY(pi/4) Z RY(-pi/4). */
static void multi_h(const qt_gate_sink *e, const uint32_t *c, size_t n, uint32_t t) {
    rotate(e, QT_GATE_RY, qt_angle_constant(-PI / 4), t);
    multi_phase(e, qt_angle_constant(PI), c, n, t);
    rotate(e, QT_GATE_RY, qt_angle_constant(PI / 4), t);
}

/* SX = H S H, with sign -1 its inverse. */
static void multi_sx(const qt_gate_sink *e, double sign, const uint32_t *c, size_t n, uint32_t t) {
    if (n == 0) {
        rotate(e, QT_GATE_RX, qt_angle_constant(sign * PI / 2), t);
        put_global(e, qt_angle_constant(sign * PI / 4));
    } else {
        put1(e, QT_GATE_H, t);
        multi_phase(e, qt_angle_constant(sign * PI / 2), c, n, t);
        put1(e, QT_GATE_H, t);
    }
}

static void rotate_unless_zero(const qt_gate_sink *e, qt_gate gate, qt_angle angle, uint32_t q) {
    if (!is_constant(angle, 0)) {
        rotate(e, gate, angle, q);
    }
}

/* U(t, p, l) = e^{i(p+l)/2} RZ(p) RY(t) RZ(l), with controls by the usual A X B X C. */
static void multi_u(const qt_gate_sink *e, const qt_angle *a, const uint32_t *c, size_t n,
                    uint32_t t) {
    if (n == 0) {
        rotate_unless_zero(e, QT_GATE_RZ, a[2], t);
        rotate_unless_zero(e, QT_GATE_RY, a[0], t);
        rotate_unless_zero(e, QT_GATE_RZ, a[1], t);
        if (has(e, QT_GATE_GPHASE, 0)) {
            put_half_global(e, add(e, a[1], a[2]));
        }
        return;
    }
    qt_angle half = scale(e, a[0], 0.5);
    qt_angle sum = scale(e, add(e, a[1], a[2]), 0.5);
    qt_angle difference = scale(e, add(e, a[2], scale(e, a[1], -1)), 0.5);
    multi_phase(e, sum, c, n - 1, c[n - 1]);
    rotate_unless_zero(e, QT_GATE_RZ, difference, t);
    multi_x(e, c, n, t);
    rotate_unless_zero(e, QT_GATE_RZ, scale(e, sum, -1), t);
    rotate_unless_zero(e, QT_GATE_RY, scale(e, half, -1), t);
    multi_x(e, c, n, t);
    rotate_unless_zero(e, QT_GATE_RY, half, t);
    rotate_unless_zero(e, QT_GATE_RZ, a[1], t);
}

/* t holds both qubits: the controls and the first one control an X on the second. */
static void multi_swap(const qt_gate_sink *e, const uint32_t *c, size_t n, const uint32_t *t) {
    if (n == 0) {
        e->put(e->self, QT_GATE_SWAP, t, 0, NULL);
        return;
    }
    cnot(e, t[1], t[0]);
    multi_x(e, c, n + 1, t[1]); /* c[n] is t[0]: controls and targets stand in one array */
    cnot(e, t[1], t[0]);
}

/* ISWAP = SWAP CZ (S x S). */
static void multi_iswap(const qt_gate_sink *e, const uint32_t *c, size_t n, const uint32_t *t) {
    multi_phase(e, qt_angle_constant(PI / 2), c, n, t[0]);
    multi_phase(e, qt_angle_constant(PI / 2), c, n, t[1]);
    multi_phase(e, qt_angle_constant(PI), c, n + 1, t[1]);
    multi_swap(e, c, n, t);
}

static void on_both(const qt_gate_sink *e, const uint32_t *t, double rx, bool h) {
    for (int i = 0; i < 2; i++) {
        if (h) {
            put1(e, QT_GATE_H, t[i]);
        } else {
            rotate(e, QT_GATE_RX, qt_angle_constant(rx), t[i]);
        }
    }
}

/* RZZ by an RZ between two cnot; RXX and RYY by a change of basis, which needs no controls. */
static void multi_ising(const qt_gate_sink *e, qt_gate gate, qt_angle angle, const uint32_t *c,
                        size_t n, const uint32_t *t) {
    if (gate != QT_GATE_RZZ) {
        on_both(e, t, PI / 2, gate == QT_GATE_RXX);
    }
    cnot(e, t[0], t[1]);
    multi_rotate(e, QT_GATE_RZ, angle, c, n, t[1]);
    cnot(e, t[0], t[1]);
    if (gate != QT_GATE_RZZ) {
        on_both(e, t, -PI / 2, gate == QT_GATE_RXX);
    }
}

static void global_phase(const qt_gate_sink *e, qt_angle angle, const uint32_t *c, size_t n) {
    if (n > 0) {
        multi_phase(e, angle, c, n - 1, c[n - 1]);
    } else {
        put_global(e, angle);
    }
}

/* What the set lacks. */
static void decompose(const qt_gate_sink *e, qt_gate gate, const uint32_t *c, size_t n,
                      const qt_angle *a) {
    const uint32_t *t = c + n;
    switch (gate) {
    case QT_GATE_GPHASE:
        global_phase(e, a[0], c, n);
        break;
    case QT_GATE_ID:
        break;
    case QT_GATE_X:
        multi_x(e, c, n, t[0]);
        break;
    case QT_GATE_Y:
        multi_y(e, c, n, t[0]);
        break;
    case QT_GATE_Z:
        multi_phase(e, qt_angle_constant(PI), c, n, t[0]);
        break;
    case QT_GATE_H:
        multi_h(e, c, n, t[0]);
        break;
    case QT_GATE_S:
        multi_phase(e, qt_angle_constant(PI / 2), c, n, t[0]);
        break;
    case QT_GATE_SDG:
        multi_phase(e, qt_angle_constant(-PI / 2), c, n, t[0]);
        break;
    case QT_GATE_T:
        multi_phase(e, qt_angle_constant(PI / 4), c, n, t[0]);
        break;
    case QT_GATE_TDG:
        multi_phase(e, qt_angle_constant(-PI / 4), c, n, t[0]);
        break;
    case QT_GATE_SX:
        multi_sx(e, 1, c, n, t[0]);
        break;
    case QT_GATE_SXDG:
        multi_sx(e, -1, c, n, t[0]);
        break;
    case QT_GATE_P:
        multi_phase(e, a[0], c, n, t[0]);
        break;
    case QT_GATE_RX:
        multi_rx(e, a[0], c, n, t[0]);
        break;
    case QT_GATE_RY:
        multi_rotate(e, QT_GATE_RY, a[0], c, n, t[0]);
        break;
    case QT_GATE_RZ:
        multi_rotate(e, QT_GATE_RZ, a[0], c, n, t[0]);
        break;
    case QT_GATE_U:
        multi_u(e, a, c, n, t[0]);
        break;
    case QT_GATE_SWAP:
        multi_swap(e, c, n, t);
        break;
    case QT_GATE_ISWAP:
        multi_iswap(e, c, n, t);
        break;
    case QT_GATE_RXX:
    case QT_GATE_RYY:
    case QT_GATE_RZZ:
        multi_ising(e, gate, a[0], c, n, t);
        break;
    case QT_GATE_COUNT_:
        break;
    }
}

void qt_gate_decompose(const qt_gate_sink *sink, qt_gate gate, const uint32_t *qubits,
                       size_t control_count, const qt_angle *angles) {
    if (qt_gate_set_has(sink->set, gate, control_count)) {
        sink->put(sink->self, gate, qubits, control_count, angles);
    } else {
        decompose(sink, gate, qubits, control_count, angles);
    }
}

void qt_op_decompose(const qt_gate_sink *sink, const qt_circuit *circuit, const qt_op *op) {
    enum { MAX_PARAMS = 3 };
    qt_angle angles[MAX_PARAMS];
    unsigned count = qt_gate_get_info((qt_gate)op->sub)->param_count;
    for (unsigned i = 0; i < count && i < MAX_PARAMS; i++) {
        angles[i] = qt_angle_constant(circuit->params[op->param + i]);
    }
    qt_gate_decompose(sink, (qt_gate)op->sub, qt_op_qubits(circuit, op), op->control_count, angles);
}
