/* Runs a planned sweep, block by block. */
#include "sim/sweep_internal.h"

#include <string.h>

/* The amplitudes of a block and the memory that belongs to them. */
typedef struct block {
    double *re, *im; /* where the operations work: the buffer, or the state itself */
    size_t size;
    uint64_t base;                               /* index of its first amplitude */
    double *low_re, *low_im, *high_re, *high_im; /* for qt_phase_tables */
} block;

typedef struct complex_number {
    double re, im;
} complex_number;

static complex_number times(complex_number a, double re, double im) {
    return (complex_number){a.re * re - a.im * im, a.re * im + a.im * re};
}

static bool is_one(complex_number a) {
    return a.re == 1 && a.im == 0;
}

/* re/im[i] = start times the product of factors[b] over the bits b of i; 2^bits of them. */
static void product_table(double *re, double *im, unsigned bits, complex_number start,
                          const complex_number *factors) {
    re[0] = start.re;
    im[0] = start.im;
    for (unsigned b = 0; b < bits; b++) {
        size_t half = (size_t)1 << b;
        for (size_t i = 0; i < half; i++) {
            complex_number v = times(factors[b], re[i], im[i]);
            re[half + i] = v.re;
            im[half + i] = v.im;
        }
    }
}

/* One factor per qubit of the block, and one for all. */
static void apply_product(const qt_sweeper *s, const block *b, complex_number all,
                          const complex_number *factors, uint64_t used) {
    if (used == 0) {
        if (!is_one(all)) {
            s->kernels->phase(b->re, b->im, b->size, 0, all.re, all.im);
        }
        return;
    }
    if ((used & (used - 1)) == 0 && is_one(all)) {
        complex_number f = factors[__builtin_ctzll(used)];
        s->kernels->phase(b->re, b->im, b->size, (size_t)used, f.re, f.im);
        return;
    }
    unsigned low =
        s->local_bits < QT_SWEEP_TABLE_LOW_BITS ? s->local_bits : QT_SWEEP_TABLE_LOW_BITS;
    product_table(b->low_re, b->low_im, low, (complex_number){1, 0}, factors);
    product_table(b->high_re, b->high_im, s->local_bits - low, all, factors + low);
    qt_phase_tables tables = {b->low_re, b->low_im, b->high_re, b->high_im, low};
    s->kernels->multiply_tables(b->re, b->im, &tables, b->size);
}

static void apply_residuals(const qt_sweeper *s, const qt_sweep_op *op, const block *b) {
    complex_number all = {1, 0};
    complex_number factors[QT_SWEEP_BITS];
    uint64_t used = 0;
    for (unsigned i = 0; i < QT_SWEEP_BITS; i++) {
        factors[i] = (complex_number){1, 0};
    }
    for (size_t i = 0; i < op->residual_count; i++) {
        const qt_residual_term *t = &s->residual_terms[op->first_residual + i];
        if ((b->base & t->outer_mask) != t->outer_mask) {
            continue;
        }
        if (t->local_mask == 0) {
            all = times(all, t->re, t->im);
        } else if ((t->local_mask & (t->local_mask - 1)) == 0) {
            complex_number *f = &factors[__builtin_ctzll(t->local_mask)];
            *f = times(*f, t->re, t->im);
            used |= t->local_mask;
        } else {
            s->kernels->phase(b->re, b->im, b->size, t->local_mask, t->re, t->im);
        }
    }
    apply_product(s, b, all, factors, used);
}

static void apply_phases(const qt_sweeper *s, const qt_sweep_op *op, const block *b) {
    if (op->table != NULL) {
        s->kernels->multiply(b->re, b->im, op->table, op->table + b->size, b->size);
    } else {
        for (size_t i = 0; i < op->local_count; i++) {
            const qt_phase_term *t = &s->local_terms[op->first_local + i];
            s->kernels->phase(b->re, b->im, b->size, (size_t)t->mask, t->re, t->im);
        }
    }
    if (op->residual_count > 0) {
        apply_residuals(s, op, b);
    }
}

static void apply(const qt_sweeper *s, const block *b) {
    const qt_kernels *k = s->kernels;
    for (size_t i = 0; i < s->op_count; i++) {
        const qt_sweep_op *op = &s->ops[i];
        if (op->kind == QT_SWEEP_PHASES) {
            apply_phases(s, op, b);
        } else if ((b->base & op->outer_mask) != op->outer_mask) {
            continue;
        } else if (op->kind == QT_SWEEP_FLIP) {
            k->flip(b->re, b->im, b->size, op->tbit, op->cmask);
        } else if (op->kind == QT_SWEEP_REAL) {
            k->real(b->re, b->im, b->size, op->tbit, op->cmask, op->m);
        } else {
            k->matrix(b->re, b->im, b->size, op->tbit, op->cmask, op->m);
        }
    }
}

static void gather(const qt_sweeper *s, const block *b) {
    size_t run = (size_t)1 << s->run_bits;
    for (size_t i = 0; i * run < b->size; i++) {
        size_t from = (size_t)b->base + s->chunks[i];
        memcpy(b->re + i * run, s->re + from, run * sizeof *s->re);
        memcpy(b->im + i * run, s->im + from, run * sizeof *s->im);
    }
}

static void scatter(const qt_sweeper *s, const block *b) {
    size_t run = (size_t)1 << s->run_bits;
    for (size_t i = 0; i * run < b->size; i++) {
        size_t to = (size_t)b->base + s->chunks[i];
        memcpy(s->re + to, b->re + i * run, run * sizeof *s->re);
        memcpy(s->im + to, b->im + i * run, run * sizeof *s->im);
    }
}

/* The index of the first amplitude of block number n. */
static uint64_t block_base(const qt_sweeper *s, size_t n) {
    uint64_t base = 0;
    for (unsigned q = 0; q < s->qubits && n != 0; q++) {
        if ((s->local_mask >> q & 1) == 0) {
            base |= (uint64_t)(n & 1) << q;
            n >>= 1;
        }
    }
    return base;
}

/* Of the queue, when the calling thread has done block n. */
static double fraction(const qt_sweeper *s, size_t n, size_t end) {
    double part = (double)(n + 1) / (double)end;
    return s->fraction_before + (s->fraction_after - s->fraction_before) * part;
}

static void run_range(void *arg, unsigned worker, size_t begin, size_t end) {
    qt_sweeper *s = arg;
    size_t size = (size_t)1 << s->local_bits;
    size_t low = (size_t)1 << QT_SWEEP_TABLE_LOW_BITS;
    double *buffer = s->memory + worker * s->buffer_doubles;
    bool in_place = s->run_bits == s->local_bits;
    block b = {.re = buffer, .im = buffer + size, .size = size, .base = block_base(s, begin)};
    b.low_re = buffer + 2 * size;
    b.low_im = b.low_re + low;
    b.high_re = b.low_im + low;
    b.high_im =
        b.high_re + (size >> (s->local_bits < QT_SWEEP_TABLE_LOW_BITS ? s->local_bits
                                                                      : QT_SWEEP_TABLE_LOW_BITS));
    for (size_t n = begin; n < end && !atomic_load_explicit(&s->stopped, memory_order_relaxed);
         n++) {
        if (in_place) {
            b.re = s->re + b.base;
            b.im = s->im + b.base;
            apply(s, &b);
        } else {
            gather(s, &b);
            apply(s, &b);
            scatter(s, &b);
        }
        b.base = ((b.base | s->local_mask) + 1) & ~s->local_mask;
        if (worker == 0 && s->stop != NULL && s->stop(s->stop_self, fraction(s, n, end))) {
            atomic_store(&s->stopped, true);
        }
    }
}

void qt_sweep_blocks(qt_sweeper *s) {
    atomic_store(&s->stopped, false);
    size_t blocks = (size_t)1 << (s->qubits - s->local_bits);
    qt_pool_run(s->pool, run_range, s, blocks);
}
