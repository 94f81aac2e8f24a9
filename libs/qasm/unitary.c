#include "qasm/unitary.h"

#include "qasm/power.h"

#include <math.h>

#define TINY 1e-14

/* One rotation: new row i = a* row i + b* row j, new row j = -b row i + a row j, with
 * |a|^2 + |b|^2 = 1. */
typedef struct rotation {
    uint16_t i;
    uint16_t j;
    double complex a;
    double complex b;
} rotation;

typedef struct synthesis {
    qt_builder *b;
    const uint32_t *qubits;
    size_t count;
    qt_err *err;
} synthesis;

double qasm_unitary_error(const double complex *m, size_t dim) {
    double worst = 0;
    for (size_t i = 0; i < dim; i++) {
        for (size_t j = 0; j <= i; j++) {
            double complex sum = i == j ? -1 : 0;
            for (size_t k = 0; k < dim; k++) {
                sum += m[i * dim + k] * conj(m[j * dim + k]);
            }
            worst = fmax(worst, cabs(sum));
        }
    }
    return worst;
}

/* ---- gates on basis states ---- */

/* The qubit of bit number `bit` of an index. */
static uint32_t qubit_of(const synthesis *s, size_t bit) {
    return s->qubits[s->count - 1 - bit];
}

static qt_code flip_zeros(const synthesis *s, size_t state, size_t target) {
    for (size_t bit = 0; bit < s->count; bit++) {
        if (bit != target && (state >> bit & 1) == 0) {
            uint32_t q = qubit_of(s, bit);
            QT_TRY(qt_build_gate(s->b, QT_GATE_X, &q, 0, NULL, s->err));
        }
    }
    return QT_OK;
}

/* The 2x2 matrix on the target, when the other bits are those of `state`. */
static qt_code controlled(const synthesis *s, const qasm_matrix *v, size_t state, size_t target) {
    uint32_t qubits[QASM_MAX_UNITARY_QUBITS];
    size_t n = 0;
    double g = 0;
    double p[3];
    qasm_matrix_angles(v, &g, p);
    for (size_t bit = 0; bit < s->count; bit++) {
        if (bit != target) {
            qubits[n++] = qubit_of(s, bit);
        }
    }
    qubits[n] = qubit_of(s, target);
    QT_TRY(flip_zeros(s, state, target));
    if (fabs(g) > TINY) {
        QT_TRY(qt_build_gate(s->b, QT_GATE_GPHASE, qubits, n, &g, s->err));
    }
    QT_TRY(qt_build_gate(s->b, QT_GATE_U, qubits, n, p, s->err));
    return flip_zeros(s, state, target);
}

/* cnot from the target to every other bit in which the two states differ. */
static qt_code bring_together(const synthesis *s, size_t differ, size_t target) {
    for (size_t bit = 0; bit < s->count; bit++) {
        if (bit != target && (differ >> bit & 1) != 0) {
            const uint32_t pair[] = {qubit_of(s, target), qubit_of(s, bit)};
            QT_TRY(qt_build_gate(s->b, QT_GATE_X, pair, 1, NULL, s->err));
        }
    }
    return QT_OK;
}

/* The inverse of a rotation: on the states i and j the matrix [[a, -b*], [b, a*]]. */
static qt_code undo_rotation(const synthesis *s, const rotation *r) {
    size_t differ = (size_t)(r->i ^ r->j);
    size_t target = (size_t)__builtin_ctzl(differ);
    bool i_is_zero = (r->i >> target & 1U) == 0;
    qasm_matrix v = {{{r->a, -conj(r->b)}, {r->b, conj(r->a)}}};
    if (!i_is_zero) {
        v = (qasm_matrix){{{conj(r->a), r->b}, {-conj(r->b), r->a}}};
    }
    QT_TRY(bring_together(s, differ, target));
    QT_TRY(controlled(s, &v, i_is_zero ? r->i : r->j, target));
    return bring_together(s, differ, target);
}

/* ---- the reduction ---- */

static void rotate_rows(double complex *m, size_t dim, const rotation *r) {
    double complex *x = m + (size_t)r->i * dim;
    double complex *y = m + (size_t)r->j * dim;
    for (size_t k = 0; k < dim; k++) {
        double complex old = x[k];
        x[k] = conj(r->a) * old + conj(r->b) * y[k];
        y[k] = -r->b * old + r->a * y[k];
    }
}

/* Makes the matrix diag(1, ..., 1, e^{ig}); returns the number of rotations. */
static size_t reduce(double complex *m, size_t dim, rotation *ret_rotations) {
    size_t count = 0;
    for (size_t c = 0; c + 1 < dim; c++) {
        for (size_t row = c + 1; row < dim; row++) {
            double complex a = m[c * dim + c];
            double complex b = m[row * dim + c];
            bool last = row + 1 == dim && fabs(carg(a)) > TINY; /* its phase has to go too */
            if (cabs(b) <= TINY && !last) {
                continue;
            }
            double norm = hypot(cabs(a), cabs(b));
            rotation r = {.i = (uint16_t)c, .j = (uint16_t)row, .a = a / norm, .b = b / norm};
            rotate_rows(m, dim, &r);
            ret_rotations[count++] = r;
        }
    }
    return count;
}

qt_code qasm_build_unitary(qt_builder *b, double complex *m, const uint32_t *qubits, size_t count,
                           qt_err *err) {
    const synthesis s = {.b = b, .qubits = qubits, .count = count, .err = err};
    rotation rotations[QASM_MAX_UNITARY_DIM * (QASM_MAX_UNITARY_DIM - 1) / 2];
    size_t dim = (size_t)1 << count;
    size_t used = reduce(m, dim, rotations);
    double g = carg(m[dim * dim - 1]);
    /* On all ones: the first applied. */
    if (fabs(g) > TINY) {
        QT_TRY(qt_build_gate(b, QT_GATE_P, qubits, count - 1, &g, err));
    }
    for (size_t i = used; i > 0; i--) {
        QT_TRY(undo_rotation(&s, &rotations[i - 1]));
    }
    return QT_OK;
}
