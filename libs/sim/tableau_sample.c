/* Samples a stabilizer state. Its outcomes are all equally likely and form an affine space: one
 * solution, to which any of the stabilizers' x parts can be added. Both come from one Gaussian
 * elimination; after that a shot is one coin per dimension. */
#include "sim/tableau_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <string.h>

enum {
    SPLIT_DIMENSIONS = 12, /* up to here shots are divided, not drawn one by one */
    GROUP = 8,             /* vectors of one table of sums */
    TABLES_FROM_SHOTS = 512,
};

/* The stabilizers as rows: i^phase X^x Z^z. */
typedef struct rows {
    size_t count, words;
    uint64_t *x, *z;
    uint8_t *phase;
} rows;

/* The outcomes of the qubits that are read: base, plus any sum of the vectors. */
typedef struct outcomes {
    size_t words;
    uint64_t *base;
    uint64_t *vectors;
    size_t count;
} outcomes;

static bool bit(const uint64_t *v, size_t i) {
    return (v[i / 64] >> (i % 64) & 1) != 0;
}

static void add(uint64_t *to, const uint64_t *v, size_t words) {
    for (size_t w = 0; w < words; w++) {
        to[w] ^= v[w];
    }
}

static void swap_words(uint64_t *a, uint64_t *b, size_t words) {
    for (size_t w = 0; a != b && w < words; w++) {
        uint64_t v = a[w];
        a[w] = b[w];
        b[w] = v;
    }
}

static void read_rows(const qt_tableau *t, rows *r) {
    for (uint32_t q = 0; q < t->qubits; q++) {
        const uint64_t *x = qt_tableau_x(t, q) + t->half;
        const uint64_t *z = qt_tableau_z(t, q) + t->half;
        for (size_t i = 0; i < r->count; i++) {
            bool xi = bit(x, i);
            bool zi = bit(z, i);
            r->x[i * r->words + q / 64] |= (uint64_t)xi << (q % 64);
            r->z[i * r->words + q / 64] |= (uint64_t)zi << (q % 64);
            r->phase[i] = (uint8_t)(r->phase[i] + (xi && zi));
        }
    }
    for (size_t i = 0; i < r->count; i++) {
        r->phase[i] = (uint8_t)(r->phase[i] + 2 * bit(t->sign + t->half, i));
    }
}

/* Row `to` becomes row `from` times row `to`. */
static void multiply_rows(rows *r, size_t to, size_t from) {
    const uint64_t *z = r->z + from * r->words;
    const uint64_t *x = r->x + to * r->words;
    unsigned moved = 0;
    for (size_t w = 0; w < r->words; w++) {
        moved += (unsigned)__builtin_popcountll(z[w] & x[w]);
    }
    r->phase[to] = (uint8_t)(r->phase[to] + r->phase[from] + 2 * moved);
    add(r->x + to * r->words, r->x + from * r->words, r->words);
    add(r->z + to * r->words, r->z + from * r->words, r->words);
}

static void swap_rows(rows *r, size_t a, size_t b) {
    swap_words(r->x + a * r->words, r->x + b * r->words, r->words);
    swap_words(r->z + a * r->words, r->z + b * r->words, r->words);
    uint8_t phase = r->phase[a];
    r->phase[a] = r->phase[b];
    r->phase[b] = phase;
}

/* Eliminates on one part, from row `first` on: afterwards the rows first .. result-1 have a pivot
 * each, alone in its column below `first`, and the rows after them nothing in that part. pivots
 * (may be NULL) gets the columns. */
static size_t eliminate(rows *r, uint64_t *part, size_t first, size_t columns, size_t *pivots) {
    size_t next = first;
    for (size_t c = 0; c < columns && next < r->count; c++) {
        size_t at = next;
        while (at < r->count && !bit(part + at * r->words, c)) {
            at++;
        }
        if (at == r->count) {
            continue;
        }
        swap_rows(r, at, next);
        for (size_t i = first; i < r->count; i++) {
            if (i != next && bit(part + i * r->words, c)) {
                multiply_rows(r, i, next);
            }
        }
        if (pivots != NULL) {
            pivots[next] = c;
        }
        next++;
    }
    return next;
}

/* Keeps independent vectors only. */
static void reduce(outcomes *o, size_t bits) {
    size_t next = 0;
    for (size_t c = 0; c < bits && next < o->count; c++) {
        size_t at = next;
        while (at < o->count && !bit(o->vectors + at * o->words, c)) {
            at++;
        }
        if (at == o->count) {
            continue;
        }
        uint64_t *pivot = o->vectors + next * o->words;
        swap_words(o->vectors + at * o->words, pivot, o->words);
        for (size_t i = next + 1; i < o->count; i++) {
            if (bit(o->vectors + i * o->words, c)) {
                add(o->vectors + i * o->words, pivot, o->words);
            }
        }
        next++;
    }
    o->count = next;
}

static void pick(const uint64_t *row, const uint32_t *qubits, size_t count, uint64_t *to) {
    for (size_t i = 0; i < count; i++) {
        to[i / 64] |= (uint64_t)bit(row, qubits[i]) << (i % 64);
    }
}

/* o->base and o->vectors are zeroed; room for r->count vectors. */
static qt_code solve(const qt_tableau *t, rows *r, const uint32_t *qubits, size_t count,
                     outcomes *o, qt_err *err) {
    QT_AUTO_FREE uint64_t *solution = NULL;
    QT_AUTO_FREE size_t *pivots = NULL;
    QT_TRY(qt_try_calloc(r->words, sizeof *solution, (void **)&solution, err));
    QT_TRY(qt_try_malloc(r->count * sizeof *pivots, (void **)&pivots, err));
    read_rows(t, r);
    size_t free_rows = eliminate(r, r->x, 0, t->qubits, NULL);
    size_t end = eliminate(r, r->z, free_rows, t->qubits, pivots);
    for (size_t i = free_rows; i < end; i++) {
        if ((r->phase[i] & 2) != 0) {
            solution[pivots[i] / 64] |= UINT64_C(1) << (pivots[i] % 64);
        }
    }
    pick(solution, qubits, count, o->base);
    for (size_t i = 0; i < free_rows; i++) {
        pick(r->x + i * r->words, qubits, count, o->vectors + i * o->words);
    }
    o->count = free_rows;
    reduce(o, count);
    return QT_OK;
}

/* Divides the shots at each vector; key is changed and put back. */
static qt_code divide(const outcomes *o, size_t vector, uint64_t shots, uint64_t *key, qt_rng *rng,
                      qt_tally *tally, qt_err *err) {
    if (shots == 0) {
        return QT_OK;
    }
    if (vector == o->count) {
        return qt_tally_add(tally, key, shots, err);
    }
    uint64_t with = qt_rng_binomial(rng, shots, 0.5);
    QT_TRY(divide(o, vector + 1, shots - with, key, rng, tally, err));
    const uint64_t *v = o->vectors + vector * o->words;
    add(key, v, o->words);
    QT_TRY(divide(o, vector + 1, with, key, rng, tally, err));
    add(key, v, o->words);
    return QT_OK;
}

static qt_code draw_singly(const outcomes *o, uint64_t shots, uint64_t *key, qt_rng *rng,
                           qt_tally *tally, qt_err *err) {
    for (uint64_t s = 0; s < shots; s++) {
        memcpy(key, o->base, o->words * sizeof *key);
        uint64_t coins = 0;
        for (size_t i = 0; i < o->count; i++) {
            coins = i % 64 == 0 ? qt_rng_next(rng) : coins >> 1;
            if ((coins & 1) != 0) {
                add(key, o->vectors + i * o->words, o->words);
            }
        }
        QT_TRY(qt_tally_add(tally, key, 1, err));
    }
    return QT_OK;
}

/* All 2^GROUP sums of each GROUP vectors: a shot adds one of each table, with the same coins as
 * draw_singly. */
static qt_code draw_with_tables(const outcomes *o, uint64_t shots, uint64_t *key, qt_rng *rng,
                                qt_tally *tally, qt_err *err) {
    QT_AUTO_FREE uint64_t *tables = NULL;
    size_t groups = (o->count + GROUP - 1) / GROUP;
    size_t sums = (size_t)1 << GROUP;
    QT_TRY(qt_try_calloc(groups * sums * o->words, sizeof *tables, (void **)&tables, err));
    for (size_t i = 0; i < o->count; i++) {
        uint64_t *table = tables + i / GROUP * sums * o->words;
        size_t have = (size_t)1 << (i % GROUP);
        for (size_t k = 0; k < have; k++) {
            memcpy(table + (have + k) * o->words, table + k * o->words, o->words * sizeof *table);
            add(table + (have + k) * o->words, o->vectors + i * o->words, o->words);
        }
    }
    for (uint64_t s = 0; s < shots; s++) {
        memcpy(key, o->base, o->words * sizeof *key);
        uint64_t coins = 0;
        for (size_t g = 0; g < groups; g++) {
            coins = g % (64 / GROUP) == 0 ? qt_rng_next(rng) : coins >> GROUP;
            size_t left = o->count - g * GROUP;
            size_t mask = left < GROUP ? ((size_t)1 << left) - 1 : sums - 1;
            add(key, tables + (g * sums + (coins & mask)) * o->words, o->words);
        }
        QT_TRY(qt_tally_add(tally, key, 1, err));
    }
    return QT_OK;
}

static qt_code rows_new(size_t count, size_t words, rows *r, void **ret_memory, qt_err *err) {
    size_t part = count * words;
    void *memory = NULL;
    QT_TRY(qt_try_calloc(2 * part + count / 8 + 1, sizeof(uint64_t), &memory, err));
    r->count = count;
    r->words = words;
    r->x = memory;
    r->z = r->x + part;
    r->phase = (uint8_t *)(r->z + part);
    *ret_memory = memory;
    return QT_OK;
}

qt_code qt_tableau_sample(void *self, const uint32_t *qubits, size_t count, uint64_t shots,
                          qt_rng *rng, qt_tally *tally, qt_err *err) {
    qt_tableau *t = self;
    QT_AUTO_FREE void *row_memory = NULL;
    QT_AUTO_FREE uint64_t *memory = NULL;
    rows r;
    outcomes o = {.words = tally->words};
    QT_TRY(rows_new(t->qubits, t->half, &r, &row_memory, err));
    QT_TRY(qt_try_calloc(((size_t)t->qubits + 2) * o.words, sizeof *memory, (void **)&memory, err));
    uint64_t *key = memory;
    o.base = key + o.words;
    o.vectors = o.base + o.words;
    QT_TRY(solve(t, &r, qubits, count, &o, err));
    if (o.count <= SPLIT_DIMENSIONS) {
        memcpy(key, o.base, o.words * sizeof *key);
        return divide(&o, 0, shots, key, rng, tally, err);
    }
    if (shots < TABLES_FROM_SHOTS) {
        return draw_singly(&o, shots, key, rng, tally, err);
    }
    return draw_with_tables(&o, shots, key, rng, tally, err);
}
