/* Gates as calls of the chosen gate set.
 *
 * A gate without controls becomes one to six calls. A controlled gate becomes a multi-controlled
 * phase or X between single-qubit gates; those are built from ccx without ancillas: the target of
 * an inner X serves as a borrowed qubit, so k controls take O(k^2) calls and touch no other
 * qubit. All identities hold exactly, up to one global phase. */
#include "qir/emit.h"

#include <math.h>

#define PI 3.14159265358979323846264338327950288

static void call1(qt_qir_emitter *e, qt_qis qis, uint32_t q) {
    qt_qir_call(e, qis, NULL, &q);
}

static void call2(qt_qir_emitter *e, qt_qis qis, uint32_t a, uint32_t b) {
    qt_qir_call(e, qis, NULL, (uint32_t[]){a, b});
}

static void rotate(qt_qir_emitter *e, qt_qis qis, qt_qir_angle angle, uint32_t q) {
    qt_qir_call(e, qis, &angle, &q);
}

static bool is_constant(qt_qir_angle angle, double value) {
    return angle.value == QT_NO_INDEX && angle.constant == value;
}

/* Where a call is right only up to e^{i angle}, and that is asked for. */
static void put_global(qt_qir_emitter *e, qt_qir_angle angle) {
    if (e->options.global_phase && !is_constant(angle, 0)) {
        qt_qir_call(e, QT_QIS_GPHASE, &angle, NULL);
    }
}

static void put_half_global(qt_qir_emitter *e, qt_qir_angle angle) {
    if (e->options.global_phase) {
        put_global(e, qt_qir_scale(e, angle, 0.5));
    }
}

/* diag(1, e^{i angle}). */
static void phase(qt_qir_emitter *e, qt_qir_angle angle, uint32_t q) {
    static const struct {
        double angle;
        qt_qis qis;
    } named[] = {{PI, QT_QIS_Z},        {-PI, QT_QIS_Z},    {PI / 2, QT_QIS_S},
                 {-PI / 2, QT_QIS_SDG}, {PI / 4, QT_QIS_T}, {-PI / 4, QT_QIS_TDG}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (is_constant(angle, named[i].angle)) {
            call1(e, named[i].qis, q);
            return;
        }
    }
    if (!is_constant(angle, 0)) {
        rotate(e, QT_QIS_RZ, angle, q);
        put_half_global(e, angle);
    }
}

static void controlled_phase(qt_qir_emitter *e, qt_qir_angle angle, uint32_t c, uint32_t t) {
    if (is_constant(angle, PI) || is_constant(angle, -PI)) {
        call2(e, QT_QIS_CZ, c, t);
        return;
    }
    qt_qir_angle half = qt_qir_scale(e, angle, 0.5);
    phase(e, half, c);
    phase(e, half, t);
    call2(e, QT_QIS_CNOT, c, t);
    phase(e, qt_qir_scale(e, half, -1), t);
    call2(e, QT_QIS_CNOT, c, t);
}

static void ccx(qt_qir_emitter *e, uint32_t a, uint32_t b, uint32_t t) {
    qt_qir_call(e, QT_QIS_CCX, NULL, (uint32_t[]){a, b, t});
}

/* The inner part of the ladder: everything but the ccx on the target. */
static void ladder_rungs(qt_qir_emitter *e, const uint32_t *c, size_t n, const uint32_t *spare) {
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
static void ladder_x(qt_qir_emitter *e, const uint32_t *c, size_t n, uint32_t t,
                     const uint32_t *spare) {
    if (n == 1) {
        call2(e, QT_QIS_CNOT, c[0], t);
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
static void borrowing_x(qt_qir_emitter *e, const uint32_t *c, size_t n, uint32_t t,
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
static void multi_phase(qt_qir_emitter *e, qt_qir_angle angle, const uint32_t *c, size_t n,
                        uint32_t t) {
    bool is_z = is_constant(angle, PI) || is_constant(angle, -PI);
    if (n == 2 && is_z) {
        call1(e, QT_QIS_H, t);
        ccx(e, c[0], c[1], t);
        call1(e, QT_QIS_H, t);
        return;
    }
    for (; n >= 2; n--) {
        angle = qt_qir_scale(e, angle, 0.5);
        uint32_t last = c[n - 1];
        controlled_phase(e, angle, last, t);
        borrowing_x(e, c, n - 1, last, t);
        controlled_phase(e, qt_qir_scale(e, angle, -1), last, t);
        borrowing_x(e, c, n - 1, last, t);
    }
    if (n == 1) {
        controlled_phase(e, angle, c[0], t);
    } else {
        phase(e, angle, t);
    }
}

static void multi_x(qt_qir_emitter *e, const uint32_t *c, size_t n, uint32_t t) {
    if (n == 0) {
        call1(e, QT_QIS_X, t);
    } else if (n <= 2) {
        ladder_x(e, c, n, t, NULL);
    } else {
        call1(e, QT_QIS_H, t);
        multi_phase(e, qt_qir_constant(PI), c, n, t);
        call1(e, QT_QIS_H, t);
    }
}

/* RZ or RY with controls: X turns the second half back. */
static void multi_rotate(qt_qir_emitter *e, qt_qis qis, qt_qir_angle angle, const uint32_t *c,
                         size_t n, uint32_t t) {
    if (n == 0) {
        rotate(e, qis, angle, t);
        return;
    }
    qt_qir_angle half = qt_qir_scale(e, angle, 0.5);
    rotate(e, qis, half, t);
    multi_x(e, c, n, t);
    rotate(e, qis, qt_qir_scale(e, half, -1), t);
    multi_x(e, c, n, t);
}

static void multi_rx(qt_qir_emitter *e, qt_qir_angle angle, const uint32_t *c, size_t n,
                     uint32_t t) {
    if (n == 0) {
        rotate(e, QT_QIS_RX, angle, t);
        return;
    }
    call1(e, QT_QIS_H, t);
    multi_rotate(e, QT_QIS_RZ, angle, c, n, t);
    call1(e, QT_QIS_H, t);
}

static void multi_y(qt_qir_emitter *e, const uint32_t *c, size_t n, uint32_t t) {
    if (n == 1 && e->options.gates == QT_QIR_GATES_FULL) {
        call2(e, QT_QIS_CY, c[0], t);
        return;
    }
    call1(e, QT_QIS_SDG, t);
    multi_x(e, c, n, t);
    call1(e, QT_QIS_S, t);
}

/* H = RY(pi/4) Z RY(-pi/4). */
static void multi_h(qt_qir_emitter *e, const uint32_t *c, size_t n, uint32_t t) {
    rotate(e, QT_QIS_RY, qt_qir_constant(-PI / 4), t);
    multi_phase(e, qt_qir_constant(PI), c, n, t);
    rotate(e, QT_QIS_RY, qt_qir_constant(PI / 4), t);
}

/* SX = H S H, with sign -1 its inverse. */
static void multi_sx(qt_qir_emitter *e, double sign, const uint32_t *c, size_t n, uint32_t t) {
    if (n == 0 && sign > 0 && e->options.gates == QT_QIR_GATES_FULL) {
        call1(e, QT_QIS_SX, t);
    } else if (n == 0) {
        rotate(e, QT_QIS_RX, qt_qir_constant(sign * PI / 2), t);
        put_global(e, qt_qir_constant(sign * PI / 4));
    } else {
        call1(e, QT_QIS_H, t);
        multi_phase(e, qt_qir_constant(sign * PI / 2), c, n, t);
        call1(e, QT_QIS_H, t);
    }
}

static void rotate_unless_zero(qt_qir_emitter *e, qt_qis qis, qt_qir_angle angle, uint32_t q) {
    if (!is_constant(angle, 0)) {
        rotate(e, qis, angle, q);
    }
}

/* U(t, p, l) = e^{i(p+l)/2} RZ(p) RY(t) RZ(l), with controls by the usual A X B X C. */
static void multi_u(qt_qir_emitter *e, const qt_qir_angle *a, const uint32_t *c, size_t n,
                    uint32_t t) {
    if (n == 0) {
        rotate_unless_zero(e, QT_QIS_RZ, a[2], t);
        rotate_unless_zero(e, QT_QIS_RY, a[0], t);
        rotate_unless_zero(e, QT_QIS_RZ, a[1], t);
        if (e->options.global_phase) {
            put_half_global(e, qt_qir_add(e, a[1], a[2]));
        }
        return;
    }
    qt_qir_angle half = qt_qir_scale(e, a[0], 0.5);
    qt_qir_angle sum = qt_qir_scale(e, qt_qir_add(e, a[1], a[2]), 0.5);
    qt_qir_angle difference = qt_qir_scale(e, qt_qir_add(e, a[2], qt_qir_scale(e, a[1], -1)), 0.5);
    multi_phase(e, sum, c, n - 1, c[n - 1]);
    rotate_unless_zero(e, QT_QIS_RZ, difference, t);
    multi_x(e, c, n, t);
    rotate_unless_zero(e, QT_QIS_RZ, qt_qir_scale(e, sum, -1), t);
    rotate_unless_zero(e, QT_QIS_RY, qt_qir_scale(e, half, -1), t);
    multi_x(e, c, n, t);
    rotate_unless_zero(e, QT_QIS_RY, half, t);
    rotate_unless_zero(e, QT_QIS_RZ, a[1], t);
}

/* t holds both qubits: the controls and the first one control an X on the second. */
static void multi_swap(qt_qir_emitter *e, const uint32_t *c, size_t n, const uint32_t *t) {
    if (n == 0) {
        call2(e, QT_QIS_SWAP, t[0], t[1]);
        return;
    }
    call2(e, QT_QIS_CNOT, t[1], t[0]);
    multi_x(e, c, n + 1, t[1]); /* c[n] is t[0]: controls and targets stand in one array */
    call2(e, QT_QIS_CNOT, t[1], t[0]);
}

/* ISWAP = SWAP CZ (S x S). */
static void multi_iswap(qt_qir_emitter *e, const uint32_t *c, size_t n, const uint32_t *t) {
    multi_phase(e, qt_qir_constant(PI / 2), c, n, t[0]);
    multi_phase(e, qt_qir_constant(PI / 2), c, n, t[1]);
    multi_phase(e, qt_qir_constant(PI), c, n + 1, t[1]);
    multi_swap(e, c, n, t);
}

static void on_both(qt_qir_emitter *e, const uint32_t *t, double rx, bool h) {
    for (int i = 0; i < 2; i++) {
        if (h) {
            call1(e, QT_QIS_H, t[i]);
        } else {
            rotate(e, QT_QIS_RX, qt_qir_constant(rx), t[i]);
        }
    }
}

/* RZZ by an RZ between two cnot; RXX and RYY by a change of basis, which needs no controls. */
static void multi_ising(qt_qir_emitter *e, qt_gate gate, qt_qir_angle angle, const uint32_t *c,
                        size_t n, const uint32_t *t) {
    if (n == 0 && e->options.gates == QT_QIR_GATES_FULL) {
        qt_qis qis = gate == QT_GATE_RXX   ? QT_QIS_RXX
                     : gate == QT_GATE_RYY ? QT_QIS_RYY
                                           : QT_QIS_RZZ;
        qt_qir_call(e, qis, &angle, t);
        return;
    }
    if (gate != QT_GATE_RZZ) {
        on_both(e, t, PI / 2, gate == QT_GATE_RXX);
    }
    call2(e, QT_QIS_CNOT, t[0], t[1]);
    multi_rotate(e, QT_QIS_RZ, angle, c, n, t[1]);
    call2(e, QT_QIS_CNOT, t[0], t[1]);
    if (gate != QT_GATE_RZZ) {
        on_both(e, t, -PI / 2, gate == QT_GATE_RXX);
    }
}

static void global_phase(qt_qir_emitter *e, qt_qir_angle angle, const uint32_t *c, size_t n) {
    if (n > 0) {
        multi_phase(e, angle, c, n - 1, c[n - 1]);
    } else {
        put_global(e, angle);
    }
}

void qt_qir_gate(qt_qir_emitter *e, qt_gate gate, const uint32_t *c, size_t n,
                 const qt_qir_angle *a) {
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
        n == 0 ? call1(e, QT_QIS_Y, t[0]) : multi_y(e, c, n, t[0]);
        break;
    case QT_GATE_Z:
        multi_phase(e, qt_qir_constant(PI), c, n, t[0]);
        break;
    case QT_GATE_H:
        n == 0 ? call1(e, QT_QIS_H, t[0]) : multi_h(e, c, n, t[0]);
        break;
    case QT_GATE_S:
        multi_phase(e, qt_qir_constant(PI / 2), c, n, t[0]);
        break;
    case QT_GATE_SDG:
        multi_phase(e, qt_qir_constant(-PI / 2), c, n, t[0]);
        break;
    case QT_GATE_T:
        multi_phase(e, qt_qir_constant(PI / 4), c, n, t[0]);
        break;
    case QT_GATE_TDG:
        multi_phase(e, qt_qir_constant(-PI / 4), c, n, t[0]);
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
        multi_rotate(e, QT_QIS_RY, a[0], c, n, t[0]);
        break;
    case QT_GATE_RZ:
        multi_rotate(e, QT_QIS_RZ, a[0], c, n, t[0]);
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
