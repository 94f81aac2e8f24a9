#include "sim/tableau_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "sim/gates.h"

#include <stdlib.h>
#include <string.h>

static size_t half_words(uint32_t qubits) {
    return qubits == 0 ? 1 : ((size_t)qubits + 63) / 64;
}

static size_t state_words(uint32_t qubits) {
    return (2 * (size_t)qubits + 1) * 2 * half_words(qubits);
}

uint64_t qt_tableau_bytes(uint32_t qubits) {
    return state_words(qubits) * sizeof(uint64_t);
}

qt_code qt_tableau_check(const qt_circuit *circuit, size_t end, qt_err *err) {
    QT_AUTO_FREE qt_clifford_cache *cache = NULL;
    QT_TRY(qt_try_calloc(1, sizeof *cache, (void **)&cache, err));
    for (size_t i = 0; i < end; i++) {
        const qt_op *op = &circuit->ops[i];
        bool dynamic = op->kind == QT_OP_GATE_DYNAMIC;
        if (op->kind != QT_OP_GATE && !dynamic) {
            continue;
        }
        qt_gate gate = (qt_gate)op->sub;
        if (dynamic ||
            qt_clifford_get(cache, gate, op->control_count, qt_gate_params(circuit, op)) == NULL) {
            return qt_fail(err, METHOD_UNSUITABLE,
                           "operation %zu, %s with %u controls%s, is not Clifford: the stabilizer "
                           "method cannot run it",
                           i, qt_gate_get_info(gate)->name, op->control_count,
                           dynamic ? " and an angle computed at run time" : "");
        }
    }
    return QT_OK;
}

static void tableau_free(void *self) {
    qt_tableau *t = self;
    if (t != NULL) {
        free(t->memory);
        free(t->scratch);
        free(t);
    }
}

static void tableau_free_p(qt_tableau **t) {
    tableau_free(*t);
}

/* |0...0>: stabilizers Z, destabilizers X. */
static qt_code tableau_restart(void *self, qt_err *err) {
    (void)err;
    qt_tableau *t = self;
    memset(t->memory, 0, t->words * sizeof *t->memory);
    for (uint32_t q = 0; q < t->qubits; q++) {
        qt_tableau_x(t, q)[q / 64] |= UINT64_C(1) << (q % 64);
        qt_tableau_z(t, q)[t->half + q / 64] |= UINT64_C(1) << (q % 64);
    }
    return QT_OK;
}

static void apply_clifford(qt_tableau *t, const qt_clifford *c, const uint32_t *qubits) {
    uint64_t *planes[4];
    unsigned count = 2U * c->qubit_count;
    for (unsigned i = 0; i < c->qubit_count; i++) {
        planes[2 * i] = qt_tableau_x(t, qubits[c->operands[i]]);
        planes[2 * i + 1] = qt_tableau_z(t, qubits[c->operands[i]]);
    }
    for (size_t w = 0; w < 2 * t->half; w++) {
        uint64_t in[4] = {0, 0, 0, 0};
        uint64_t out[4] = {0, 0, 0, 0};
        for (unsigned i = 0; i < count; i++) {
            in[i] = planes[i][w];
            for (unsigned k = 0; k < count; k++) {
                out[k] ^= (c->image[1U << i] >> k & 1) != 0 ? in[i] : 0;
            }
        }
        for (unsigned left = c->negative; left != 0; left &= left - 1) {
            unsigned pauli = (unsigned)__builtin_ctz(left);
            uint64_t match = ~UINT64_C(0);
            for (unsigned i = 0; i < count; i++) {
                match &= (pauli >> i & 1) != 0 ? in[i] : ~in[i];
            }
            t->sign[w] ^= match;
        }
        for (unsigned i = 0; i < count; i++) {
            planes[i][w] = out[i];
        }
    }
}

static qt_code tableau_gate(void *self, const qt_engine_gate *gate, qt_err *err) {
    qt_tableau *t = self;
    const qt_clifford *c =
        qt_clifford_get(&t->cache, gate->gate, gate->control_count, gate->params);
    if (c == NULL) {
        return qt_fail(err, METHOD_UNSUITABLE, "%s with these angles is not Clifford",
                       qt_gate_get_info(gate->gate)->name);
    }
    if (c->qubit_count > 0) {
        apply_clifford(t, c, gate->qubits);
    }
    return QT_OK;
}

static qt_code tableau_flush(void *self, qt_err *err) {
    (void)self;
    (void)err;
    return QT_OK;
}

/* A stabilizer that does not commute with Z on the qubit, or QT_NO_INDEX. */
static uint32_t anticommuting(const qt_tableau *t, uint32_t qubit) {
    const uint64_t *x = qt_tableau_x(t, qubit) + t->half;
    for (size_t w = 0; w < t->half; w++) {
        if (x[w] != 0) {
            return (uint32_t)(w * 64 + (size_t)__builtin_ctzll(x[w]));
        }
    }
    return QT_NO_INDEX;
}

/* Inclusive prefix parity of the bits. */
static uint64_t prefix_parity(uint64_t v) {
    for (unsigned k = 1; k < 64; k *= 2) {
        v ^= v << k;
    }
    return v;
}

static unsigned parity(uint64_t v) {
    return (unsigned)__builtin_popcountll(v) & 1;
}

/* Z on the qubit is, up to its sign, the product of the stabilizers whose partners do not commute
 * with it. Written as i^phase X^x Z^z, the product of operators adds their phases, and 2 for each
 * z that moves past an x of a later one. */
static bool certain_outcome(const qt_tableau *t, uint32_t qubit) {
    const uint64_t *chosen = qt_tableau_x(t, qubit);
    unsigned phase = 0;
    for (size_t w = 0; w < t->half; w++) {
        phase += 2 * parity(chosen[w] & t->sign[t->half + w]);
    }
    for (uint32_t q = 0; q < t->qubits; q++) {
        const uint64_t *x = qt_tableau_x(t, q) + t->half;
        const uint64_t *z = qt_tableau_z(t, q) + t->half;
        uint64_t before = 0; /* all ones: an odd number of z so far */
        for (size_t w = 0; w < t->half; w++) {
            uint64_t xs = x[w] & chosen[w];
            uint64_t zs = z[w] & chosen[w];
            uint64_t earlier = (prefix_parity(zs) ^ zs) ^ before;
            phase += (unsigned)__builtin_popcountll(xs & zs) + 2 * parity(xs & earlier);
            before ^= parity(zs) != 0 ? ~UINT64_C(0) : 0;
        }
    }
    return (phase & 2) != 0;
}

static qt_code tableau_prob_one(void *self, uint32_t qubit, double *ret_p, qt_err *err) {
    (void)err;
    qt_tableau *t = self;
    if (anticommuting(t, qubit) != QT_NO_INDEX) {
        *ret_p = 0.5;
    } else {
        *ret_p = certain_outcome(t, qubit) ? 1 : 0;
    }
    return QT_OK;
}

/* Multiplies stabilizer `pivot` into all operators of the plane `chosen`. ones and twos count the
 * power of i that each gathers, modulo 4. */
static void multiply_into(qt_tableau *t, uint32_t pivot, const uint64_t *chosen) {
    size_t word = t->half + pivot / 64;
    unsigned shift = pivot % 64;
    size_t words = 2 * t->half;
    uint64_t *ones = t->scratch + words;
    uint64_t *twos = t->scratch + 2 * words;
    memset(ones, 0, 2 * words * sizeof *ones);
    for (uint32_t q = 0; q < t->qubits; q++) {
        uint64_t *x = qt_tableau_x(t, q);
        uint64_t *z = qt_tableau_z(t, q);
        uint64_t px = (x[word] >> shift & 1) != 0 ? ~UINT64_C(0) : 0;
        uint64_t pz = (z[word] >> shift & 1) != 0 ? ~UINT64_C(0) : 0;
        if ((px | pz) == 0) {
            continue;
        }
        for (size_t w = 0; w < words; w++) {
            uint64_t xw = x[w];
            uint64_t zw = z[w];
            uint64_t differ = chosen[w] & ((px & zw) ^ (pz & xw)); /* XY, YZ, ZX: i; else -i */
            uint64_t minus = differ & ((px & ~pz & ~xw) | (pz & ~px & zw) | (px & pz & xw));
            uint64_t plus = differ & ~minus;
            twos[w] ^= ones[w] & plus;
            ones[w] ^= plus | minus;
            twos[w] ^= ones[w] & minus;
            x[w] = xw ^ (px & chosen[w]);
            z[w] = zw ^ (pz & chosen[w]);
        }
    }
    uint64_t negative = (t->sign[word] >> shift & 1) != 0 ? ~UINT64_C(0) : 0;
    for (size_t w = 0; w < words; w++) {
        t->sign[w] ^= chosen[w] & (twos[w] ^ negative);
    }
}

static void put_bit(uint64_t *plane, size_t word, unsigned shift, bool value) {
    uint64_t mask = UINT64_C(1) << shift;
    plane[word] = value ? plane[word] | mask : plane[word] & ~mask;
}

/* The stabilizer becomes the destabilizer, and +Z or -Z on the qubit takes its place. */
static void replace(qt_tableau *t, uint32_t pivot, uint32_t qubit, bool outcome) {
    size_t word = pivot / 64;
    unsigned shift = pivot % 64;
    for (uint32_t q = 0; q < t->qubits; q++) {
        uint64_t *x = qt_tableau_x(t, q);
        uint64_t *z = qt_tableau_z(t, q);
        put_bit(x, word, shift, (x[t->half + word] >> shift & 1) != 0);
        put_bit(z, word, shift, (z[t->half + word] >> shift & 1) != 0);
        put_bit(x, t->half + word, shift, false);
        put_bit(z, t->half + word, shift, q == qubit);
    }
    put_bit(t->sign, word, shift, (t->sign[t->half + word] >> shift & 1) != 0);
    put_bit(t->sign, t->half + word, shift, outcome);
}

static void project(qt_tableau *t, uint32_t qubit, uint32_t pivot, bool outcome) {
    uint64_t *chosen = t->scratch;
    memcpy(chosen, qt_tableau_x(t, qubit), 2 * t->half * sizeof *chosen);
    put_bit(chosen, t->half + pivot / 64, pivot % 64, false);
    put_bit(chosen, pivot / 64, pivot % 64, false); /* its partner is overwritten anyway */
    multiply_into(t, pivot, chosen);
    replace(t, pivot, qubit, outcome);
}

static qt_code tableau_collapse(void *self, const uint32_t *qubits, size_t count,
                                const uint64_t *outcome, qt_err *err) {
    qt_tableau *t = self;
    for (size_t i = 0; i < count; i++) {
        bool one = (outcome[i / 64] >> (i % 64) & 1) != 0;
        uint32_t pivot = anticommuting(t, qubits[i]);
        if (pivot != QT_NO_INDEX) {
            project(t, qubits[i], pivot, one);
        } else if (certain_outcome(t, qubits[i]) != one) {
            return qt_fail(err, INTERNAL, "a measurement gave an outcome of probability 0");
        }
    }
    return QT_OK;
}

struct qt_engine_save {
    uint64_t *memory;
};

static void tableau_free_save(qt_engine_save *save) {
    if (save != NULL) {
        free(save->memory);
        free(save);
    }
}

static void save_free_p(qt_engine_save **save) {
    tableau_free_save(*save);
}

static qt_code tableau_save(void *self, qt_engine_save **save, qt_err *err) {
    qt_tableau *t = self;
    size_t bytes = t->words * sizeof *t->memory;
    if (*save == NULL) {
        QT_CLEANUP(save_free_p) qt_engine_save *new_save = NULL;
        QT_TRY(qt_try_calloc(1, sizeof *new_save, (void **)&new_save, err));
        QT_TRY(qt_try_malloc(bytes, (void **)&new_save->memory, err));
        *save = QT_TAKE(new_save);
    }
    memcpy((*save)->memory, t->memory, bytes);
    return QT_OK;
}

static qt_code tableau_restore(void *self, qt_engine_save *save, bool last, qt_err *err) {
    (void)last;
    (void)err;
    qt_tableau *t = self;
    memcpy(t->memory, save->memory, t->words * sizeof *t->memory);
    return QT_OK;
}

static const qt_engine_ops tableau_ops = {
    .free = tableau_free,
    .restart = tableau_restart,
    .gate = tableau_gate,
    .flush = tableau_flush,
    .prob_one = tableau_prob_one,
    .collapse = tableau_collapse,
    .sample = qt_tableau_sample,
    .save = tableau_save,
    .restore = tableau_restore,
    .free_save = tableau_free_save,
};

qt_code qt_tableau_new(uint32_t qubits, qt_engine *ret_engine, qt_err *err) {
    QT_CLEANUP(tableau_free_p) qt_tableau *t = NULL;
    QT_TRY(qt_try_calloc(1, sizeof *t, (void **)&t, err));
    t->qubits = qubits;
    t->half = half_words(qubits);
    t->words = state_words(qubits);
    QT_TRY(qt_try_malloc(t->words * sizeof *t->memory, (void **)&t->memory, err));
    QT_TRY(qt_try_malloc(3 * 2 * t->half * sizeof *t->scratch, (void **)&t->scratch, err));
    t->x = t->memory;
    t->z = t->x + (size_t)qubits * 2 * t->half;
    t->sign = t->z + (size_t)qubits * 2 * t->half;
    QT_TRY(tableau_restart(t, err));
    ret_engine->ops = &tableau_ops;
    ret_engine->state_bytes = qt_tableau_bytes(qubits);
    ret_engine->self = QT_TAKE(t);
    return QT_OK;
}
