#include "qasm/power.h"

#include <math.h>

bool qasm_is_integer(double e) {
    return fabs(e) < 0x1p53 && e == nearbyint(e);
}

static double wrap(double phase) {
    double w = remainder(phase, 2 * M_PI);
    return w <= -M_PI + 1e-15 ? w + 2 * M_PI : w;
}

static qasm_prim prim1(qt_gate gate, double p) {
    return (qasm_prim){.gate = gate, .p = {p, 0, 0}};
}

/* X^e or Z^e by name where it has one; e^{i pi e} has period 2. */
static size_t named_power(const qt_gate names[5], double e, qasm_prim *ret) {
    static const double exponents[5] = {1, 0.5, -0.5, 0.25, -0.25};
    for (unsigned i = 0; i < 5; i++) {
        if (e == exponents[i] && names[i] != QT_GATE_ID) {
            ret[0] = (qasm_prim){.gate = names[i]};
            return 1;
        }
    }
    return 0;
}

static double mod2(double e) {
    double m = remainder(e, 2);
    return m == -1 ? 1 : m;
}

static size_t x_power(double e, qasm_prim *ret) {
    static const qt_gate names[5] = {QT_GATE_X, QT_GATE_SX, QT_GATE_SXDG, QT_GATE_ID, QT_GATE_ID};
    e = mod2(e);
    size_t count = e == 0 ? 0 : named_power(names, e, ret);
    if (e == 0 || count > 0) {
        return count;
    }
    ret[0] = prim1(QT_GATE_GPHASE, M_PI_2 * e);
    ret[1] = prim1(QT_GATE_RX, M_PI * e);
    return 2;
}

static size_t y_power(double e, qasm_prim *ret) {
    e = mod2(e);
    if (e == 0) {
        return 0;
    }
    if (e == 1) {
        ret[0] = (qasm_prim){.gate = QT_GATE_Y};
        return 1;
    }
    ret[0] = prim1(QT_GATE_GPHASE, M_PI_2 * e);
    ret[1] = prim1(QT_GATE_RY, M_PI * e);
    return 2;
}

static size_t z_power(double e, qasm_prim *ret) {
    static const qt_gate names[5] = {QT_GATE_Z, QT_GATE_S, QT_GATE_SDG, QT_GATE_T, QT_GATE_TDG};
    e = mod2(e);
    size_t count = e == 0 ? 0 : named_power(names, e, ret);
    if (e == 0 || count > 0) {
        return count;
    }
    ret[0] = prim1(QT_GATE_P, M_PI * e);
    return 1;
}

/* exp(-i t G/2) with G's eigenvalues 1 and -1. */
static size_t rotation_power(const qasm_prim *prim, double e, qasm_prim *ret) {
    double t = prim->p[0];
    if (qasm_is_integer(e)) {
        ret[0] = prim1(prim->gate, t * e);
        return 1;
    }
    double low = wrap(-t / 2);
    double high = wrap(t / 2);
    ret[0] = prim1(prim->gate, e * (high - low));
    ret[1] = prim1(QT_GATE_GPHASE, e * (high + low) / 2);
    return ret[1].p[0] == 0 ? 1 : 2;
}

static size_t phase_power(const qasm_prim *prim, double e, qasm_prim *ret) {
    double t = qasm_is_integer(e) ? prim->p[0] : wrap(prim->p[0]);
    ret[0] = prim1(prim->gate, t * e);
    return 1;
}

static size_t swap_power(double e, qasm_prim *ret) {
    e = mod2(e);
    if (e == 0 || e == 1) {
        ret[0] = (qasm_prim){.gate = QT_GATE_SWAP};
        return e == 0 ? 0 : 1;
    }
    ret[0] = prim1(QT_GATE_GPHASE, M_PI_4 * e);
    ret[1] = prim1(QT_GATE_RXX, M_PI_2 * e);
    ret[2] = prim1(QT_GATE_RYY, M_PI_2 * e);
    ret[3] = prim1(QT_GATE_RZZ, M_PI_2 * e);
    return 4;
}

static size_t iswap_power(double e, qasm_prim *ret) {
    if (e == 1) {
        ret[0] = (qasm_prim){.gate = QT_GATE_ISWAP};
        return 1;
    }
    ret[0] = prim1(QT_GATE_RXX, -M_PI_2 * e);
    ret[1] = prim1(QT_GATE_RYY, -M_PI_2 * e);
    return 2;
}

static size_t matrix_power(const qasm_prim *prim, double e, qasm_prim *ret) {
    if (prim->gate == QT_GATE_H && qasm_is_integer(e)) {
        ret[0] = *prim;
        return fmod(e, 2) != 0 ? 1 : 0;
    }
    if (prim->gate == QT_GATE_U && e == -1) {
        ret[0] = (qasm_prim){.gate = QT_GATE_U, .p = {-prim->p[0], -prim->p[2], -prim->p[1]}};
        return 1;
    }
    qasm_matrix m = qasm_matrix_of(prim);
    qasm_matrix powered = qasm_matrix_power(&m, e);
    ret[0] = prim1(QT_GATE_GPHASE, 0);
    ret[1] = (qasm_prim){.gate = QT_GATE_U};
    qasm_matrix_angles(&powered, &ret[0].p[0], ret[1].p);
    return 2;
}

size_t qasm_power(const qasm_prim *prim, double e, qasm_prim ret_prims[QASM_MAX_POWER_PRIMS]) {
    switch (prim->gate) {
    case QT_GATE_ID:
        ret_prims[0] = *prim;
        return 1;
    case QT_GATE_X:
        return x_power(e, ret_prims);
    case QT_GATE_SX:
        return x_power(e / 2, ret_prims);
    case QT_GATE_SXDG:
        return x_power(-e / 2, ret_prims);
    case QT_GATE_Y:
        return y_power(e, ret_prims);
    case QT_GATE_Z:
        return z_power(e, ret_prims);
    case QT_GATE_S:
        return z_power(e / 2, ret_prims);
    case QT_GATE_SDG:
        return z_power(-e / 2, ret_prims);
    case QT_GATE_T:
        return z_power(e / 4, ret_prims);
    case QT_GATE_TDG:
        return z_power(-e / 4, ret_prims);
    case QT_GATE_GPHASE:
    case QT_GATE_P:
        return phase_power(prim, e, ret_prims);
    case QT_GATE_RX:
    case QT_GATE_RY:
    case QT_GATE_RZ:
    case QT_GATE_RXX:
    case QT_GATE_RYY:
    case QT_GATE_RZZ:
        return rotation_power(prim, e, ret_prims);
    case QT_GATE_SWAP:
        return swap_power(e, ret_prims);
    case QT_GATE_ISWAP:
        return iswap_power(e, ret_prims);
    case QT_GATE_H:
    case QT_GATE_U:
    case QT_GATE_COUNT_:
        break;
    }
    return matrix_power(prim, e, ret_prims);
}

static qasm_matrix diagonal(double complex a, double complex d) {
    return (qasm_matrix){{{a, 0}, {0, d}}};
}

static qasm_matrix u_matrix(const double p[3]) {
    double c = cos(p[0] / 2);
    double s = sin(p[0] / 2);
    return (qasm_matrix){
        {{c, -cexp(I * p[2]) * s}, {cexp(I * p[1]) * s, cexp(I * (p[1] + p[2])) * c}}};
}

static qasm_matrix fixed_matrix(qt_gate gate) {
    const double r = M_SQRT1_2;
    const double complex plus = (1 + I) / 2;
    const double complex minus = (1 - I) / 2;
    switch ((int)gate) {
    case QT_GATE_X:
        return (qasm_matrix){{{0, 1}, {1, 0}}};
    case QT_GATE_Y:
        return (qasm_matrix){{{0, -I}, {I, 0}}};
    case QT_GATE_Z:
        return diagonal(1, -1);
    case QT_GATE_H:
        return (qasm_matrix){{{r, r}, {r, -r}}};
    case QT_GATE_S:
        return diagonal(1, I);
    case QT_GATE_SDG:
        return diagonal(1, -I);
    case QT_GATE_T:
        return diagonal(1, r + r * I);
    case QT_GATE_TDG:
        return diagonal(1, r - r * I);
    case QT_GATE_SX:
        return (qasm_matrix){{{plus, minus}, {minus, plus}}};
    case QT_GATE_SXDG:
        return (qasm_matrix){{{minus, plus}, {plus, minus}}};
    default:
        return diagonal(1, 1);
    }
}

qasm_matrix qasm_matrix_of(const qasm_prim *prim) {
    double t = prim->p[0];
    switch ((int)prim->gate) {
    case QT_GATE_GPHASE:
        return diagonal(cexp(I * t), cexp(I * t));
    case QT_GATE_P:
        return diagonal(1, cexp(I * t));
    case QT_GATE_RX:
        return u_matrix((double[]){t, -M_PI_2, M_PI_2});
    case QT_GATE_RY:
        return u_matrix((double[]){t, 0, 0});
    case QT_GATE_RZ:
        return diagonal(cexp(-I * t / 2), cexp(I * t / 2));
    case QT_GATE_U:
        return u_matrix(prim->p);
    default:
        return fixed_matrix(prim->gate);
    }
}

qasm_matrix qasm_matrix_mul(const qasm_matrix *a, const qasm_matrix *b) {
    qasm_matrix c;
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            c.m[i][j] = a->m[i][0] * b->m[0][j] + a->m[i][1] * b->m[1][j];
        }
    }
    return c;
}

/* M = e^{ia} (cos w - i sin w N) with N^2 = 1: the eigenvalues are e^{i(a-w)} and e^{i(a+w)}. */
qasm_matrix qasm_matrix_power(const qasm_matrix *m, double e) {
    double complex det = m->m[0][0] * m->m[1][1] - m->m[0][1] * m->m[1][0];
    double a = carg(det) / 2;
    double complex unit = cexp(-I * a);
    qasm_matrix s = {
        {{m->m[0][0] * unit, m->m[0][1] * unit}, {m->m[1][0] * unit, m->m[1][1] * unit}}};
    double c = creal(s.m[0][0] + s.m[1][1]) / 2;
    double x = -cimag(s.m[0][1]);
    double y = -creal(s.m[0][1]);
    double z = -cimag(s.m[0][0] - s.m[1][1]) / 2;
    double sine = sqrt(x * x + y * y + z * z);
    if (sine < 1e-15) {
        double complex scalar = cexp(I * e * wrap(a + (c < 0 ? M_PI : 0)));
        return diagonal(scalar, scalar);
    }
    double w = atan2(sine, c);
    double complex low = cexp(I * e * wrap(a - w));
    double complex high = cexp(I * e * wrap(a + w));
    double complex mean = (low + high) / 2;
    double complex half = (low - high) / (2 * sine);
    return (qasm_matrix){
        {{mean + half * z, half * (x - I * y)}, {half * (x + I * y), mean - half * z}}};
}

void qasm_matrix_angles(const qasm_matrix *m, double *ret_g, double ret_p[3]) {
    double c = cabs(m->m[0][0]);
    double s = cabs(m->m[1][0]);
    double g = c > 1e-12 ? carg(m->m[0][0]) : 0;
    ret_p[0] = 2 * atan2(s, c);
    ret_p[1] = s > 1e-12 ? carg(m->m[1][0]) - g : 0;
    ret_p[2] = c > 1e-12 ? carg(m->m[1][1]) - g - ret_p[1] : carg(-m->m[0][1]) - g;
    *ret_g = g;
}
