#include "sim/gates.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define MAT2(a, ai, b, bi, c, ci, d, di)                                                           \
    (qt_mat2) {                                                                                    \
        {a, b, c, d}, {                                                                            \
            ai, bi, ci, di                                                                         \
        }                                                                                          \
    }

static qt_mat2 diagonal(double re, double im) {
    return MAT2(1, 0, 0, 0, 0, 0, re, im);
}

static qt_mat2 u_matrix(const double *p) {
    double c = cos(p[0] / 2);
    double s = sin(p[0] / 2);
    return MAT2(c, 0, -cos(p[2]) * s, -sin(p[2]) * s, cos(p[1]) * s, sin(p[1]) * s,
                cos(p[1] + p[2]) * c, sin(p[1] + p[2]) * c);
}

bool qt_gate_mat2(qt_gate gate, const double *p, qt_mat2 *ret_mat) {
    double c = p != NULL ? cos(p[0] / 2) : 0;
    double s = p != NULL ? sin(p[0] / 2) : 0;
    switch (gate) {
    case QT_GATE_ID:
        *ret_mat = diagonal(1, 0);
        return true;
    case QT_GATE_X:
        *ret_mat = MAT2(0, 0, 1, 0, 1, 0, 0, 0);
        return true;
    case QT_GATE_Y:
        *ret_mat = MAT2(0, 0, 0, -1, 0, 1, 0, 0);
        return true;
    case QT_GATE_Z:
        *ret_mat = diagonal(-1, 0);
        return true;
    case QT_GATE_H:
        *ret_mat = MAT2(M_SQRT1_2, 0, M_SQRT1_2, 0, M_SQRT1_2, 0, -M_SQRT1_2, 0);
        return true;
    case QT_GATE_S:
        *ret_mat = diagonal(0, 1);
        return true;
    case QT_GATE_SDG:
        *ret_mat = diagonal(0, -1);
        return true;
    case QT_GATE_T:
        *ret_mat = diagonal(M_SQRT1_2, M_SQRT1_2);
        return true;
    case QT_GATE_TDG:
        *ret_mat = diagonal(M_SQRT1_2, -M_SQRT1_2);
        return true;
    case QT_GATE_SX:
        *ret_mat = MAT2(0.5, 0.5, 0.5, -0.5, 0.5, -0.5, 0.5, 0.5);
        return true;
    case QT_GATE_SXDG:
        *ret_mat = MAT2(0.5, -0.5, 0.5, 0.5, 0.5, 0.5, 0.5, -0.5);
        return true;
    case QT_GATE_P:
        *ret_mat = diagonal(cos(p[0]), sin(p[0]));
        return true;
    case QT_GATE_RX:
        *ret_mat = MAT2(c, 0, 0, -s, 0, -s, c, 0);
        return true;
    case QT_GATE_RY:
        *ret_mat = MAT2(c, 0, -s, 0, s, 0, c, 0);
        return true;
    case QT_GATE_RZ:
        *ret_mat = MAT2(c, -s, 0, 0, 0, 0, c, s);
        return true;
    case QT_GATE_U:
        *ret_mat = u_matrix(p);
        return true;
    case QT_GATE_GPHASE:
    case QT_GATE_SWAP:
    case QT_GATE_ISWAP:
    case QT_GATE_RXX:
    case QT_GATE_RYY:
    case QT_GATE_RZZ:
    case QT_GATE_COUNT_:
        break;
    }
    return false;
}

qt_mat2 qt_mat2_mul(const qt_mat2 *a, const qt_mat2 *b) {
    qt_mat2 m;
    for (int r = 0; r < 2; r++) {
        for (int c = 0; c < 2; c++) {
            int i = 2 * r;
            int j = i + 1;
            m.re[i + c] = a->re[i] * b->re[c] - a->im[i] * b->im[c] + a->re[j] * b->re[2 + c] -
                          a->im[j] * b->im[2 + c];
            m.im[i + c] = a->re[i] * b->im[c] + a->im[i] * b->re[c] + a->re[j] * b->im[2 + c] +
                          a->im[j] * b->re[2 + c];
        }
    }
    return m;
}

static qt_code phase(const qt_gate_sink *sink, uint64_t mask, double angle, qt_err *err) {
    return sink->phase(sink->self, mask, cos(angle), sin(angle), err);
}

static qt_code matrix(const qt_gate_sink *sink, uint32_t target, uint64_t controls, qt_gate gate,
                      const double *params, qt_err *err) {
    qt_mat2 mat;
    bool one_qubit = qt_gate_mat2(gate, params, &mat);
    assert(one_qubit);
    if ((qt_gate_get_info(gate)->flags & QT_GATE_DIAGONAL) == 0) {
        return sink->matrix(sink->self, target, controls, &mat, err);
    }
    uint64_t bit = UINT64_C(1) << target;
    if (gate == QT_GATE_ID) {
        return QT_OK;
    }
    if (gate == QT_GATE_RZ) {
        QT_TRY(phase(sink, controls, -params[0] / 2, err));
        return phase(sink, controls | bit, params[0], err);
    }
    return sink->phase(sink->self, controls | bit, mat.re[3], mat.im[3], err);
}

/* exp(-i t ZZ/2): e^{-it/2} where the two qubits agree, e^{it/2} where they do not. */
static qt_code rzz(const qt_gate_sink *sink, uint32_t a, uint32_t b, uint64_t controls, double t,
                   qt_err *err) {
    uint64_t abit = UINT64_C(1) << a;
    uint64_t bbit = UINT64_C(1) << b;
    QT_TRY(phase(sink, controls, -t / 2, err));
    QT_TRY(phase(sink, controls | abit, t, err));
    QT_TRY(phase(sink, controls | bbit, t, err));
    return phase(sink, controls | abit | bbit, -2 * t, err);
}

/* Turns both qubits' X (or Y) axis onto Z, and back; the controls need not control these. */
static qt_code rotated_rzz(const qt_gate_sink *sink, const uint32_t q[2], uint64_t controls,
                           double t, qt_gate turn, double angle, qt_err *err) {
    double back = -angle;
    for (int i = 0; i < 2; i++) {
        QT_TRY(matrix(sink, q[i], 0, turn, &angle, err));
    }
    QT_TRY(rzz(sink, q[0], q[1], controls, t, err));
    for (int i = 0; i < 2; i++) {
        QT_TRY(matrix(sink, q[i], 0, turn, &back, err));
    }
    return QT_OK;
}

static qt_code swap(const qt_gate_sink *sink, uint32_t a, uint32_t b, uint64_t controls,
                    qt_err *err) {
    if (controls == 0) {
        return sink->swap(sink->self, a, b, err);
    }
    uint64_t abit = UINT64_C(1) << a;
    uint64_t bbit = UINT64_C(1) << b;
    QT_TRY(matrix(sink, a, bbit, QT_GATE_X, NULL, err));
    QT_TRY(matrix(sink, b, controls | abit, QT_GATE_X, NULL, err));
    return matrix(sink, a, bbit, QT_GATE_X, NULL, err);
}

/* A swap, and a factor i where the two qubits differ. */
static qt_code iswap(const qt_gate_sink *sink, uint32_t a, uint32_t b, uint64_t controls,
                     qt_err *err) {
    uint64_t abit = UINT64_C(1) << a;
    uint64_t bbit = UINT64_C(1) << b;
    QT_TRY(swap(sink, a, b, controls, err));
    QT_TRY(sink->phase(sink->self, controls | abit, 0, 1, err));
    QT_TRY(sink->phase(sink->self, controls | bbit, 0, 1, err));
    return sink->phase(sink->self, controls | abit | bbit, -1, 0, err);
}

qt_code qt_gate_lower(const qt_gate_sink *sink, qt_gate gate, const uint32_t *qubits,
                      size_t qubit_count, size_t control_count, const double *params, qt_err *err) {
    uint64_t controls = 0;
    for (size_t i = 0; i < control_count; i++) {
        controls |= UINT64_C(1) << qubits[i];
    }
    const uint32_t *own = qubits + control_count;
    size_t own_count = qubit_count - control_count;
    if (own_count == 1) {
        return matrix(sink, own[0], controls, gate, params, err);
    }
    if (gate == QT_GATE_GPHASE) {
        return phase(sink, controls, params[0], err);
    }
    assert(own_count == 2);
    if (gate == QT_GATE_SWAP) {
        return swap(sink, own[0], own[1], controls, err);
    }
    if (gate == QT_GATE_ISWAP) {
        return iswap(sink, own[0], own[1], controls, err);
    }
    if (gate == QT_GATE_RXX) {
        return rotated_rzz(sink, own, controls, params[0], QT_GATE_RY, -M_PI_2, err);
    }
    if (gate == QT_GATE_RYY) {
        return rotated_rzz(sink, own, controls, params[0], QT_GATE_RX, M_PI_2, err);
    }
    assert(gate == QT_GATE_RZZ);
    return rzz(sink, own[0], own[1], controls, params[0], err);
}
