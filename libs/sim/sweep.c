/* Plans sweeps: which qubits are local, which operations run now, and in what form. */
#include "sim/sweep.h"

#include "base/alloc.h"
#include "sim/sweep_internal.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN_BYTES = 64 };

/* The work of phases one by one that a table is worth, in passes over the block. */
static const double table_passes = 1.2;

static unsigned block_bits(unsigned qubits) {
    return qubits < QT_SWEEP_BITS ? qubits : QT_SWEEP_BITS;
}

/* Buffer of amplitudes, and two tables of phases for qt_phase_tables. */
static size_t buffer_doubles(unsigned bits) {
    size_t high = bits > QT_SWEEP_TABLE_LOW_BITS ? bits - QT_SWEEP_TABLE_LOW_BITS : 0;
    size_t tables = ((size_t)1 << QT_SWEEP_TABLE_LOW_BITS) + ((size_t)1 << high);
    size_t doubles = 2 * ((size_t)1 << bits) + 2 * tables;
    return (doubles + 7) & ~(size_t)7;
}

static size_t memory_doubles(unsigned qubits, unsigned threads) {
    unsigned bits = block_bits(qubits);
    return threads * buffer_doubles(bits) + 2 * QT_SWEEP_MAX_TABLES * ((size_t)1 << bits);
}

size_t qt_sweeper_bytes(unsigned qubits, unsigned threads) {
    return memory_doubles(qubits, threads) * sizeof(double);
}

qt_code qt_sweeper_init(qt_sweeper *s, qt_err *err) {
    unsigned bits = block_bits(s->qubits);
    size_t chunks = (size_t)1 << (bits - (bits < QT_SWEEP_LOW_BITS ? bits : QT_SWEEP_LOW_BITS));
    s->buffer_doubles = buffer_doubles(bits);
    size_t bytes = qt_sweeper_bytes(s->qubits, qt_pool_threads(s->pool));
    QT_TRY(qt_try_malloc(chunks * sizeof *s->chunks, (void **)&s->chunks, err));
    QT_TRY(qt_try_malloc(bytes + ALIGN_BYTES, &s->allocation, err));
    uintptr_t start = ((uintptr_t)s->allocation + ALIGN_BYTES - 1) & ~(uintptr_t)(ALIGN_BYTES - 1);
    s->memory = (double *)start;
    return QT_OK;
}

void qt_sweeper_done(qt_sweeper *s) {
    free(s->allocation);
    free(s->chunks);
    free(s->ops);
    free(s->local_terms);
    free(s->residual_terms);
    s->allocation = NULL;
    s->memory = NULL;
    s->chunks = NULL;
    s->ops = NULL;
    s->local_terms = NULL;
    s->residual_terms = NULL;
    s->ops_cap = s->local_cap = s->residual_cap = 0;
}

static qt_code grow(void **array, size_t *cap, size_t count, size_t item, qt_err *err) {
    if (count < *cap) {
        return QT_OK;
    }
    size_t new_cap = *cap == 0 ? 32 : 2 * *cap;
    QT_TRY(qt_try_realloc(array, new_cap * item, err));
    *cap = new_cap;
    return QT_OK;
}

/* What stands against operations that come later in the queue. */
typedef struct blockade {
    uint64_t general; /* qubits on which a skipped operation is not diagonal */
    uint64_t any;     /* qubits that a skipped operation touches */
} blockade;

/* Makes the qubit local when there is room. */
static bool make_local(qt_sweeper *s, uint32_t qubit, unsigned bits) {
    uint64_t bit = UINT64_C(1) << qubit;
    if ((s->local_mask & bit) == 0) {
        if (s->local_bits == bits) {
            return false;
        }
        s->local_mask |= bit;
        s->local_bits++;
    }
    return true;
}

/* Whether the matrix can run in this sweep; makes its target local then. */
static bool matrix_may_run(qt_sweeper *s, const qt_fused_op *op, const blockade *against,
                           unsigned bits) {
    uint64_t bit = UINT64_C(1) << op->target;
    return (against->any & bit) == 0 && (against->general & op->controls) == 0 &&
           make_local(s, op->target, bits);
}

static qt_code add_matrix(qt_sweeper *s, const qt_fused_op *op, qt_err *err) {
    QT_TRY(grow((void **)&s->ops, &s->ops_cap, s->op_count, sizeof *s->ops, err));
    qt_sweep_op *to = &s->ops[s->op_count++];
    *to = (qt_sweep_op){.tbit = op->target, .outer_mask = op->controls};
    const double *re = op->mat.re;
    const double *im = op->mat.im;
    memcpy(to->m, re, sizeof op->mat.re);
    memcpy(to->m + 4, im, sizeof op->mat.im);
    bool is_real = im[0] == 0 && im[1] == 0 && im[2] == 0 && im[3] == 0;
    bool is_flip = is_real && re[0] == 0 && re[1] == 1 && re[2] == 1 && re[3] == 0;
    to->kind = is_flip ? QT_SWEEP_FLIP : is_real ? QT_SWEEP_REAL : QT_SWEEP_MATRIX;
    return QT_OK;
}

/* Takes the terms that may run now out of the group; masks are translated later. */
static qt_code add_phases(qt_sweeper *s, qt_fused_op *group, uint64_t blocked, qt_err *err) {
    QT_TRY(grow((void **)&s->ops, &s->ops_cap, s->op_count, sizeof *s->ops, err));
    qt_sweep_op to = {.kind = QT_SWEEP_PHASES, .first_local = s->local_count};
    size_t kept = 0;
    for (size_t i = 0; i < group->term_count; i++) {
        if ((group->terms[i].mask & blocked) != 0) {
            group->terms[kept++] = group->terms[i];
            continue;
        }
        QT_TRY(grow((void **)&s->local_terms, &s->local_cap, s->local_count, sizeof *s->local_terms,
                    err));
        s->local_terms[s->local_count++] = group->terms[i];
        to.local_count++;
    }
    group->term_count = kept;
    if (to.local_count > 0) {
        s->ops[s->op_count++] = to;
    }
    return QT_OK;
}

/* Fills s->ops with what this sweep runs; *first is the first operation that is not done. */
static qt_code collect(qt_sweeper *s, qt_fuser *fuser, size_t first, qt_err *err) {
    unsigned bits = block_bits(s->qubits);
    uint64_t all = (UINT64_C(1) << s->qubits) - 1;
    unsigned low = bits < QT_SWEEP_LOW_BITS ? bits : QT_SWEEP_LOW_BITS;
    s->local_bits = s->qubits == bits ? bits : low;
    s->local_mask = (UINT64_C(1) << s->local_bits) - 1;
    s->op_count = s->local_count = s->residual_count = s->table_count = 0;
    blockade against = {0, 0};
    for (size_t i = first; i < fuser->count && against.general != all; i++) {
        qt_fused_op *op = &fuser->ops[i];
        if (op->done) {
            continue;
        }
        if (op->kind == QT_FUSED_PHASES) {
            QT_TRY(add_phases(s, op, against.general, err));
            op->done = op->term_count == 0;
            for (size_t k = 0; k < op->term_count; k++) {
                against.any |= op->terms[k].mask;
            }
        } else if (matrix_may_run(s, op, &against, bits)) {
            QT_TRY(add_matrix(s, op, err));
            op->done = true;
        } else {
            against.general |= UINT64_C(1) << op->target;
            against.any |= op->controls | UINT64_C(1) << op->target;
        }
    }
    return QT_OK;
}

static size_t to_positions(const qt_sweeper *s, uint64_t mask) {
    size_t positions = 0;
    for (mask &= s->local_mask; mask != 0; mask &= mask - 1) {
        positions |= (size_t)1 << s->position[__builtin_ctzll(mask)];
    }
    return positions;
}

/* Tops the local qubits up, and numbers them. */
static void place_qubits(qt_sweeper *s) {
    unsigned bits = block_bits(s->qubits);
    for (uint32_t q = 0; s->local_bits < bits; q++) {
        make_local(s, q, bits);
    }
    int8_t next = 0;
    s->run_bits = (unsigned)__builtin_ctzll(~s->local_mask);
    for (unsigned q = 0; q < s->qubits; q++) {
        s->position[q] = (s->local_mask >> q & 1) != 0 ? next++ : -1;
    }
    size_t chunk_count = (size_t)1 << (bits - s->run_bits);
    uint64_t high = s->local_mask & ~((UINT64_C(1) << s->run_bits) - 1);
    size_t at = 0;
    for (size_t i = 0; i < chunk_count; i++) {
        s->chunks[i] = at;
        at = ((at | ~high) + 1) & high;
    }
}

static void make_table(qt_sweeper *s, qt_sweep_op *op) {
    size_t size = (size_t)1 << s->local_bits;
    double *re =
        s->memory + qt_pool_threads(s->pool) * s->buffer_doubles + 2 * size * s->table_count++;
    double *im = re + size;
    for (size_t i = 0; i < size; i++) {
        re[i] = 1;
        im[i] = 0;
    }
    for (size_t i = op->first_local; i < op->first_local + op->local_count; i++) {
        const qt_phase_term *t = &s->local_terms[i];
        s->kernels->phase(re, im, size, t->mask, t->re, t->im);
    }
    op->table = re;
}

static bool table_is_worth_it(const qt_sweeper *s, const qt_sweep_op *op) {
    if (s->table_count == QT_SWEEP_MAX_TABLES || s->qubits < s->local_bits + 2) {
        return false;
    }
    double passes = 0;
    for (size_t i = op->first_local; i < op->first_local + op->local_count; i++) {
        uint64_t high = s->local_terms[i].mask & ~(uint64_t)(QT_LANES - 1);
        passes += 1.0 / (double)(UINT64_C(1) << __builtin_popcountll(high));
    }
    return passes > table_passes;
}

/* Splits the terms of the group into those inside the block and the others. */
static qt_code place_phases(qt_sweeper *s, qt_sweep_op *op, qt_err *err) {
    size_t kept = op->first_local;
    op->first_residual = s->residual_count;
    for (size_t i = op->first_local; i < op->first_local + op->local_count; i++) {
        qt_phase_term t = s->local_terms[i];
        uint64_t outer = t.mask & ~s->local_mask;
        if (outer == 0) {
            t.mask = to_positions(s, t.mask);
            s->local_terms[kept++] = t;
            continue;
        }
        QT_TRY(grow((void **)&s->residual_terms, &s->residual_cap, s->residual_count,
                    sizeof *s->residual_terms, err));
        s->residual_terms[s->residual_count++] =
            (qt_residual_term){to_positions(s, t.mask), outer, t.re, t.im};
    }
    op->local_count = kept - op->first_local;
    op->residual_count = s->residual_count - op->first_residual;
    if (table_is_worth_it(s, op)) {
        make_table(s, op);
    }
    return QT_OK;
}

/* Translates qubits into positions of the block. */
static qt_code place_ops(qt_sweeper *s, qt_err *err) {
    for (size_t i = 0; i < s->op_count; i++) {
        qt_sweep_op *op = &s->ops[i];
        if (op->kind == QT_SWEEP_PHASES) {
            QT_TRY(place_phases(s, op, err));
            continue;
        }
        uint64_t controls = op->outer_mask;
        op->tbit = (size_t)1 << s->position[op->tbit];
        op->cmask = to_positions(s, controls);
        op->outer_mask = controls & ~s->local_mask;
    }
    return QT_OK;
}

static double done_fraction(const qt_fuser *fuser) {
    size_t done = 0;
    for (size_t i = 0; i < fuser->count; i++) {
        done += fuser->ops[i].done;
    }
    return (double)done / (double)fuser->count;
}

qt_code qt_sweeper_run(qt_sweeper *s, qt_fuser *fuser, qt_err *err) {
    QT_TRY(qt_fuser_finish(fuser, err));
    for (size_t i = 0; i < fuser->count; i++) {
        fuser->ops[i].done = fuser->ops[i].kind == QT_FUSED_PHASES && fuser->ops[i].term_count == 0;
    }
    for (size_t first = 0;;) {
        while (first < fuser->count && fuser->ops[first].done) {
            first++;
        }
        if (first == fuser->count) {
            return QT_OK;
        }
        s->fraction_before = done_fraction(fuser);
        QT_TRY(collect(s, fuser, first, err));
        s->fraction_after = done_fraction(fuser);
        place_qubits(s);
        QT_TRY(place_ops(s, err));
        qt_sweep_blocks(s);
        if (atomic_load(&s->stopped)) {
            return qt_fail(err, CALL_CANCELLED, "the run was cancelled");
        }
    }
}
