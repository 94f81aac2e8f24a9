#include "sim/fuse.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_OPS = 64,
    FIRST_TERMS = 8,
    MAX_TERMS = 1024, /* of a group: finding a mask in it is a linear search */
};

void qt_fuser_init(qt_fuser *f) {
    *f = (qt_fuser){.phase_re = 1};
}

void qt_fuser_done(qt_fuser *f) {
    for (size_t i = 0; i < f->cap; i++) {
        free(f->ops[i].terms);
    }
    free(f->ops);
    f->ops = NULL;
    f->count = 0;
    f->cap = 0;
}

void qt_fuser_clear(qt_fuser *f) {
    f->count = 0;
    f->last_group = 0;
    f->phase_re = 1;
    f->phase_im = 0;
    memset(f->last_general, 0, sizeof f->last_general);
    memset(f->last_any, 0, sizeof f->last_any);
}

/* A new operation at the end. It keeps the array of terms of the one that stood there before. */
static qt_code push(qt_fuser *f, qt_fused_kind kind, qt_fused_op **ret_op, qt_err *err) {
    if (f->count == f->cap) {
        size_t cap = f->cap == 0 ? FIRST_OPS : 2 * f->cap;
        QT_TRY(qt_try_realloc((void **)&f->ops, cap * sizeof *f->ops, err));
        memset(f->ops + f->cap, 0, (cap - f->cap) * sizeof *f->ops);
        f->cap = cap;
    }
    qt_fused_op *op = &f->ops[f->count++];
    op->kind = kind;
    op->done = false;
    op->term_count = 0;
    *ret_op = op;
    return QT_OK;
}

static void touch(qt_fuser *f, uint64_t mask, size_t number) {
    for (; mask != 0; mask &= mask - 1) {
        size_t *last = &f->last_any[__builtin_ctzll(mask)];
        *last = number > *last ? number : *last;
    }
}

/* The last operation that is not diagonal on the qubit, if it is a matrix without controls. */
static qt_fused_op *last_matrix(const qt_fuser *f, uint32_t qubit) {
    size_t number = f->last_general[qubit];
    if (number == 0 || f->ops[number - 1].controls != 0) {
        return NULL;
    }
    return &f->ops[number - 1];
}

qt_code qt_fuser_matrix(qt_fuser *f, uint32_t target, uint64_t controls, const qt_mat2 *mat,
                        qt_err *err) {
    qt_fused_op *before = last_matrix(f, target);
    if (controls == 0 && before != NULL && f->last_any[target] == f->last_general[target]) {
        before->mat = qt_mat2_mul(mat, &before->mat);
        return QT_OK;
    }
    qt_fused_op *op = NULL;
    QT_TRY(push(f, QT_FUSED_MATRIX, &op, err));
    op->target = target;
    op->controls = controls;
    op->mat = *mat;
    f->last_general[target] = f->count;
    touch(f, controls | UINT64_C(1) << target, f->count);
    return QT_OK;
}

static void scale(double *re, double *im, double fre, double fim) {
    double r = *re * fre - *im * fim;
    *im = *re * fim + *im * fre;
    *re = r;
}

static void scale_row(qt_mat2 *mat, int row, double re, double im) {
    scale(&mat->re[2 * row], &mat->im[2 * row], re, im);
    scale(&mat->re[2 * row + 1], &mat->im[2 * row + 1], re, im);
}

static qt_code add_term(qt_fused_op *op, uint64_t mask, double re, double im, qt_err *err) {
    for (size_t i = 0; i < op->term_count; i++) {
        if (op->terms[i].mask == mask) {
            scale(&op->terms[i].re, &op->terms[i].im, re, im);
            return QT_OK;
        }
    }
    if (op->term_count == op->terms_cap) {
        size_t cap = op->terms_cap == 0 ? FIRST_TERMS : 2 * op->terms_cap;
        QT_TRY(qt_try_realloc((void **)&op->terms, cap * sizeof *op->terms, err));
        op->terms_cap = cap;
    }
    op->terms[op->term_count++] = (qt_phase_term){mask, re, im};
    return QT_OK;
}

/* The group that a phase on these qubits may join, made when there is none. */
static qt_code group_for(qt_fuser *f, uint64_t mask, qt_fused_op **ret_op, qt_err *err) {
    size_t after = 0;
    for (uint64_t m = mask; m != 0; m &= m - 1) {
        size_t last = f->last_general[__builtin_ctzll(m)];
        after = last > after ? last : after;
    }
    if (f->last_group > after && f->ops[f->last_group - 1].term_count < MAX_TERMS) {
        *ret_op = &f->ops[f->last_group - 1];
        return QT_OK;
    }
    QT_TRY(push(f, QT_FUSED_PHASES, ret_op, err));
    f->last_group = f->count;
    return QT_OK;
}

qt_code qt_fuser_phase(qt_fuser *f, uint64_t mask, double re, double im, qt_err *err) {
    if (mask == 0) {
        scale(&f->phase_re, &f->phase_im, re, im);
        return QT_OK;
    }
    if ((mask & (mask - 1)) == 0) {
        qt_fused_op *before = last_matrix(f, (uint32_t)__builtin_ctzll(mask));
        if (before != NULL) {
            scale_row(&before->mat, 1, re, im);
            return QT_OK;
        }
    }
    qt_fused_op *group = NULL;
    QT_TRY(group_for(f, mask, &group, err));
    QT_TRY(add_term(group, mask, re, im, err));
    touch(f, mask, f->last_group);
    return QT_OK;
}

qt_code qt_fuser_finish(qt_fuser *f, qt_err *err) {
    double re = f->phase_re;
    double im = f->phase_im;
    if (re == 1 && im == 0) {
        return QT_OK;
    }
    f->phase_re = 1;
    f->phase_im = 0;
    for (size_t i = 0; i < f->count; i++) {
        qt_fused_op *op = &f->ops[i];
        if (op->kind == QT_FUSED_PHASES) {
            return add_term(op, 0, re, im, err);
        }
        if (op->controls == 0) {
            scale_row(&op->mat, 0, re, im);
            scale_row(&op->mat, 1, re, im);
            return QT_OK;
        }
    }
    qt_fused_op *op = NULL;
    QT_TRY(push(f, QT_FUSED_PHASES, &op, err));
    return add_term(op, 0, re, im, err);
}
