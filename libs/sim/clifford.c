/* A gate's matrix is made by sending the basis states through its primitives; then U P U^-1 is
 * compared with every Pauli operator. */
#include "sim/clifford.h"

#include "sim/gates.h"

#include <complex.h>
#include <math.h>
#include <string.h>

static const double tolerance = 1e-10;

typedef double complex number;

/* One column of the matrix. */
typedef struct column {
    number v[4];
    size_t size;
} column;

static qt_code column_matrix(void *self, uint32_t target, uint64_t controls, const qt_mat2 *mat,
                             qt_err *err) {
    (void)err;
    column *c = self;
    size_t bit = (size_t)1 << target;
    number m[4];
    for (int i = 0; i < 4; i++) {
        m[i] = mat->re[i] + mat->im[i] * I;
    }
    for (size_t i = 0; i < c->size; i++) {
        if ((i & bit) == 0 && (i & controls) == controls) {
            number a = c->v[i];
            number b = c->v[i | bit];
            c->v[i] = m[0] * a + m[1] * b;
            c->v[i | bit] = m[2] * a + m[3] * b;
        }
    }
    return QT_OK;
}

static qt_code column_phase(void *self, uint64_t mask, double re, double im, qt_err *err) {
    (void)err;
    column *c = self;
    for (size_t i = 0; i < c->size; i++) {
        if ((i & mask) == mask) {
            c->v[i] *= re + im * I;
        }
    }
    return QT_OK;
}

static qt_code column_swap(void *self, uint32_t a, uint32_t b, qt_err *err) {
    (void)err;
    column *c = self;
    size_t i = (size_t)1 << a;
    size_t j = (size_t)1 << b;
    number v = c->v[i];
    c->v[i] = c->v[j];
    c->v[j] = v;
    return QT_OK;
}

/* u[row][column] of a gate on at most two qubits. */
static void gate_matrix(qt_gate gate, size_t control_count, const double *params, size_t qubits,
                        number u[4][4]) {
    static const uint32_t numbers[2] = {0, 1};
    qt_err err;
    for (size_t k = 0; k < (size_t)1 << qubits; k++) {
        column c = {.size = (size_t)1 << qubits};
        c.v[k] = 1;
        qt_gate_sink sink = {column_matrix, column_phase, column_swap, &c};
        qt_code code = qt_gate_lower(&sink, gate, numbers, qubits, control_count, params, &err);
        (void)code; /* the sink cannot fail */
        for (size_t i = 0; i < c.size; i++) {
            u[i][k] = c.v[i];
        }
    }
}

/* The entry of a Pauli operator in a row: it stands in column row ^ x. */
static number pauli_entry(unsigned pauli, size_t qubits, size_t row) {
    number v = 1;
    for (size_t q = 0; q < qubits; q++) {
        unsigned p = pauli >> (2 * q) & 3;
        bool one = (row >> q & 1) != 0;
        if (p == 2) {
            v *= one ? -1 : 1;
        } else if (p == 3) {
            v *= one ? I : -I;
        }
    }
    return v;
}

static size_t pauli_x(unsigned pauli) {
    return (pauli & 1) | (pauli >> 2 & 1) << 1;
}

/* m = u P u^-1 */
static void conjugate(number u[4][4], unsigned pauli, size_t qubits, number m[4][4]) {
    size_t size = (size_t)1 << qubits;
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < size; j++) {
            m[i][j] = 0;
            for (size_t k = 0; k < size; k++) {
                m[i][j] += u[i][k] * pauli_entry(pauli, qubits, k) * conj(u[j][k ^ pauli_x(pauli)]);
            }
        }
    }
}

static bool is_pauli(number m[4][4], unsigned pauli, size_t qubits, double sign) {
    size_t size = (size_t)1 << qubits;
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < size; j++) {
            number want = j == (i ^ pauli_x(pauli)) ? sign * pauli_entry(pauli, qubits, i) : 0;
            if (cabs(m[i][j] - want) > tolerance) {
                return false;
            }
        }
    }
    return true;
}

static bool find_images(number u[4][4], size_t qubits, qt_clifford *c) {
    unsigned paulis = 1U << (2 * qubits);
    c->qubit_count = (uint8_t)qubits;
    for (unsigned p = 0; p < paulis; p++) {
        number m[4][4];
        conjugate(u, p, qubits, m);
        unsigned to = 0;
        while (to < paulis && !is_pauli(m, to, qubits, 1) && !is_pauli(m, to, qubits, -1)) {
            to++;
        }
        if (to == paulis) {
            return false;
        }
        c->image[p] = (uint8_t)to;
        if (!is_pauli(m, to, qubits, 1)) {
            c->negative |= (uint16_t)(1U << p);
        }
    }
    return true;
}

/* A multiple of the identity acts on the controls alone, as a phase. */
static bool is_scalar(number u[4][4], size_t qubits, double *ret_angle) {
    for (size_t i = 0; i < (size_t)1 << qubits; i++) {
        for (size_t j = 0; j < (size_t)1 << qubits; j++) {
            if (cabs(u[i][j] - (i == j ? u[0][0] : 0)) > tolerance) {
                return false;
            }
        }
    }
    *ret_angle = carg(u[0][0]);
    return true;
}

bool qt_clifford_make(qt_gate gate, size_t control_count, const double *params,
                      qt_clifford *ret_clifford) {
    qt_clifford c = {.operands = {0, 1}};
    number u[4][4];
    size_t own = qt_gate_get_info(gate)->qubit_count;
    double angle = 0;
    gate_matrix(gate, 0, params, own, u);
    bool scalar = is_scalar(u, own, &angle);
    bool trivial = scalar && (control_count == 0 || fabs(angle) < tolerance);
    bool ok = trivial;
    if (!trivial && scalar && control_count <= 2) {
        gate_matrix(QT_GATE_P, control_count - 1, &angle, control_count, u);
        ok = find_images(u, control_count, &c);
    } else if (!trivial && own + control_count <= 2) {
        gate_matrix(gate, control_count, params, own + control_count, u);
        ok = find_images(u, own + control_count, &c);
    }
    if (ok) {
        *ret_clifford = c;
    }
    return ok;
}

const qt_clifford *qt_clifford_get(qt_clifford_cache *cache, qt_gate gate, size_t control_count,
                                   const double *params) {
    size_t count = qt_gate_get_info(gate)->param_count;
    double p[3] = {0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        p[i] = params[i];
    }
    uint64_t hash = (uint64_t)gate * 31 + control_count;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &p[i], sizeof bits);
        hash = (hash ^ bits) * 0x9E3779B97F4A7C15U;
        hash ^= hash >> 29;
    }
    size_t at = (size_t)(hash % QT_CLIFFORD_CACHE);
    if (!cache->items[at].used || cache->items[at].gate != gate ||
        cache->items[at].control_count != control_count ||
        memcmp(cache->items[at].params, p, sizeof p) != 0) {
        cache->items[at].used = true;
        cache->items[at].gate = (uint8_t)gate;
        cache->items[at].control_count = control_count;
        memcpy(cache->items[at].params, p, sizeof p);
        cache->items[at].is_clifford =
            qt_clifford_make(gate, control_count, p, &cache->items[at].clifford);
    }
    return cache->items[at].is_clifford ? &cache->items[at].clifford : NULL;
}
