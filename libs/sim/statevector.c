/* The engine: the state's memory, its queue of gates, measurement and copies. Qubits are stored at
 * `place`s of the index, so that a swap only exchanges two places. */
#include "sim/statevector_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    MAX_QUEUE = 2048, /* fused operations: planning looks at all of them in each sweep */
    THREADS_FROM_QUBITS = 17,
    HUGE_PAGE = 2 << 20,
};

static unsigned stored_qubits(uint32_t qubits) {
    return qubits < QT_LANE_BITS ? QT_LANE_BITS : qubits;
}

uint64_t qt_statevector_bytes(uint32_t qubits) {
    unsigned n = stored_qubits(qubits);
    return n >= 60 ? UINT64_MAX : UINT64_C(16) << n;
}

uint64_t qt_statevector_extra_bytes(uint32_t qubits, unsigned threads) {
    unsigned n = stored_qubits(qubits);
    uint64_t sums = n > 10 && n < 60 ? (UINT64_C(1) << (n - 10)) * sizeof(double) : sizeof(double);
    return sums + qt_sweeper_bytes(n, n < THREADS_FROM_QUBITS ? 1 : threads);
}

/* Large states get their own pages, huge ones where the machine has them. */
static qt_code amplitudes_new(unsigned qubits, qt_amplitudes *ret_amplitudes, qt_err *err) {
    size_t size = (size_t)1 << qubits;
    size_t bytes = 2 * size * sizeof(double);
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
    void *allocation = NULL;
    QT_TRY(qt_try_malloc(bytes + align, &allocation, err));
    uintptr_t start = ((uintptr_t)allocation + align - 1) & ~(uintptr_t)(align - 1);
    if (align == HUGE_PAGE) {
        (void)madvise((void *)start, bytes, MADV_HUGEPAGE); /* advice: it may be refused */
    }
    ret_amplitudes->allocation = allocation;
    ret_amplitudes->re = (double *)start;
    ret_amplitudes->im = ret_amplitudes->re + size;
    return QT_OK;
}

static void set_zero_state(qt_statevector *sv) {
    size_t size = (size_t)1 << sv->qubits;
    memset(sv->state.re, 0, size * sizeof(double));
    memset(sv->state.im, 0, size * sizeof(double));
    sv->state.re[0] = 1;
    for (uint8_t q = 0; q < 64; q++) {
        sv->place[q] = q;
    }
}

static void sv_free(void *self) {
    qt_statevector *sv = self;
    if (sv == NULL) {
        return;
    }
    qt_fuser_done(&sv->fuser);
    qt_sweeper_done(&sv->sweeper);
    qt_pool_free(sv->pool);
    free(sv->state.allocation);
    free(sv->sums);
    free(sv);
}

static void sv_free_p(qt_statevector **sv) {
    sv_free(*sv);
}

static void attach(qt_statevector *sv) {
    sv->sweeper.re = sv->state.re;
    sv->sweeper.im = sv->state.im;
}

static qt_code sv_restart(void *self, qt_err *err) {
    (void)err;
    qt_statevector *sv = self;
    qt_fuser_clear(&sv->fuser);
    set_zero_state(sv);
    return QT_OK;
}

static uint64_t places(const qt_statevector *sv, uint64_t mask) {
    uint64_t to = 0;
    for (; mask != 0; mask &= mask - 1) {
        to |= UINT64_C(1) << sv->place[__builtin_ctzll(mask)];
    }
    return to;
}

static qt_code queue_matrix(void *self, uint32_t target, uint64_t controls, const qt_mat2 *mat,
                            qt_err *err) {
    qt_statevector *sv = self;
    return qt_fuser_matrix(&sv->fuser, sv->place[target], places(sv, controls), mat, err);
}

static qt_code queue_phase(void *self, uint64_t mask, double re, double im, qt_err *err) {
    qt_statevector *sv = self;
    return qt_fuser_phase(&sv->fuser, places(sv, mask), re, im, err);
}

static qt_code exchange_places(void *self, uint32_t a, uint32_t b, qt_err *err) {
    (void)err;
    qt_statevector *sv = self;
    uint8_t place = sv->place[a];
    sv->place[a] = sv->place[b];
    sv->place[b] = place;
    return QT_OK;
}

static qt_code sv_flush(void *self, qt_err *err) {
    qt_statevector *sv = self;
    QT_TRY(qt_sweeper_run(&sv->sweeper, &sv->fuser, err));
    qt_fuser_clear(&sv->fuser);
    return QT_OK;
}

static qt_code sv_gate(void *self, const qt_engine_gate *gate, qt_err *err) {
    qt_statevector *sv = self;
    qt_gate_sink sink = {queue_matrix, queue_phase, exchange_places, sv};
    QT_TRY(qt_gate_lower(&sink, gate->gate, gate->qubits, gate->qubit_count, gate->control_count,
                         gate->params, err));
    return sv->fuser.count >= MAX_QUEUE ? sv_flush(sv, err) : QT_OK;
}

/* A reading of some qubits, as a mask and value of the index. */
static void outcome_mask(const qt_statevector *sv, const uint32_t *qubits, size_t count,
                         const uint64_t *outcome, uint64_t *ret_mask, uint64_t *ret_value) {
    *ret_mask = 0;
    *ret_value = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << sv->place[qubits[i]];
        *ret_mask |= bit;
        *ret_value |= (outcome[i / 64] >> (i % 64) & 1) != 0 ? bit : 0;
    }
}

static qt_code sv_prob_one(void *self, uint32_t qubit, double *ret_p, qt_err *err) {
    qt_statevector *sv = self;
    QT_TRY(sv_flush(sv, err));
    uint64_t bit = UINT64_C(1) << sv->place[qubit];
    double one = qt_statevector_sum(sv, bit, bit);
    double zero = qt_statevector_sum(sv, bit, 0);
    *ret_p = one / (one + zero);
    return QT_OK;
}

typedef struct projection {
    qt_statevector *sv;
    uint64_t mask, value;
    double factor;
} projection;

static void project_range(void *arg, unsigned worker, size_t begin, size_t end) {
    (void)worker;
    const projection *p = arg;
    double *re = p->sv->state.re;
    double *im = p->sv->state.im;
    size_t block = qt_statevector_sum_block(p->sv);
    for (size_t i = begin * block; i < end * block; i++) {
        double factor = (i & p->mask) == p->value ? p->factor : 0;
        re[i] *= factor;
        im[i] *= factor;
    }
}

static qt_code sv_collapse(void *self, const uint32_t *qubits, size_t count,
                           const uint64_t *outcome, qt_err *err) {
    qt_statevector *sv = self;
    QT_TRY(sv_flush(sv, err));
    projection p = {.sv = sv};
    outcome_mask(sv, qubits, count, outcome, &p.mask, &p.value);
    double norm = qt_statevector_sum(sv, p.mask, p.value);
    if (!(norm > 0)) {
        return qt_fail(err, INTERNAL, "a measurement gave an outcome of probability 0");
    }
    p.factor = 1 / sqrt(norm);
    qt_pool_run(sv->pool, project_range, &p, qt_statevector_sum_count(sv));
    return QT_OK;
}

struct qt_engine_save {
    qt_amplitudes state;
    uint8_t place[64];
};

static void sv_free_save(qt_engine_save *save) {
    if (save != NULL) {
        free(save->state.allocation);
        free(save);
    }
}

static void save_free_p(qt_engine_save **save) {
    sv_free_save(*save);
}

static void copy_range(void *arg, unsigned worker, size_t begin, size_t end) {
    (void)worker;
    const qt_amplitudes *pair = arg; /* to, from */
    memcpy(pair[0].re + begin, pair[1].re + begin, (end - begin) * sizeof(double));
    memcpy(pair[0].im + begin, pair[1].im + begin, (end - begin) * sizeof(double));
}

static void copy_amplitudes(qt_statevector *sv, const qt_amplitudes *to,
                            const qt_amplitudes *from) {
    qt_amplitudes pair[2] = {*to, *from};
    qt_pool_run(sv->pool, copy_range, pair, (size_t)1 << sv->qubits);
}

static qt_code sv_save(void *self, qt_engine_save **save, qt_err *err) {
    qt_statevector *sv = self;
    QT_TRY(sv_flush(sv, err));
    if (*save == NULL) {
        QT_CLEANUP(save_free_p) qt_engine_save *new_save = NULL;
        QT_TRY(qt_try_calloc(1, sizeof *new_save, (void **)&new_save, err));
        QT_TRY(amplitudes_new(sv->qubits, &new_save->state, err));
        *save = QT_TAKE(new_save);
    }
    copy_amplitudes(sv, &(*save)->state, &sv->state);
    memcpy((*save)->place, sv->place, sizeof sv->place);
    return QT_OK;
}

static qt_code sv_restore(void *self, qt_engine_save *save, bool last, qt_err *err) {
    (void)err;
    qt_statevector *sv = self;
    qt_fuser_clear(&sv->fuser);
    memcpy(sv->place, save->place, sizeof sv->place);
    if (last) {
        qt_amplitudes state = sv->state;
        sv->state = save->state;
        save->state = state;
        attach(sv);
    } else {
        copy_amplitudes(sv, &sv->state, &save->state);
    }
    return QT_OK;
}

static const qt_engine_ops statevector_ops = {
    .free = sv_free,
    .restart = sv_restart,
    .gate = sv_gate,
    .flush = sv_flush,
    .prob_one = sv_prob_one,
    .collapse = sv_collapse,
    .sample = qt_statevector_sample,
    .save = sv_save,
    .restore = sv_restore,
    .free_save = sv_free_save,
};

qt_code qt_statevector_new(uint32_t qubits, unsigned threads, qt_engine_stop stop,
                           qt_engine *ret_engine, qt_err *err) {
    assert(qubits <= QT_STATEVECTOR_MAX_QUBITS);
    QT_CLEANUP(sv_free_p) qt_statevector *sv = NULL;
    QT_TRY(qt_try_calloc(1, sizeof *sv, (void **)&sv, err));
    sv->qubits = stored_qubits(qubits);
    qt_fuser_init(&sv->fuser);
    QT_TRY(amplitudes_new(sv->qubits, &sv->state, err));
    QT_TRY(qt_try_malloc(qt_statevector_sum_count(sv) * sizeof *sv->sums, (void **)&sv->sums, err));
    sv->pool = sv->qubits < THREADS_FROM_QUBITS ? NULL : qt_pool_new(threads);
    sv->kernels = qt_kernels_get();
    sv->stop = stop;
    sv->sweeper.kernels = sv->kernels;
    sv->sweeper.pool = sv->pool;
    sv->sweeper.qubits = sv->qubits;
    sv->sweeper.stop = stop.asked;
    sv->sweeper.stop_self = stop.self;
    QT_TRY(qt_sweeper_init(&sv->sweeper, err));
    attach(sv);
    set_zero_state(sv);
    ret_engine->ops = &statevector_ops;
    ret_engine->state_bytes = qt_statevector_bytes(qubits);
    ret_engine->self = QT_TAKE(sv);
    return QT_OK;
}

void qt_statevector_amplitude(const qt_statevector *sv, uint64_t index, double *ret_re,
                              double *ret_im) {
    size_t at = (size_t)places(sv, index);
    *ret_re = sv->state.re[at];
    *ret_im = sv->state.im[at];
}

void qt_statevector_set(qt_statevector *sv, const double *re, const double *im) {
    size_t size = (size_t)1 << sv->qubits;
    qt_fuser_clear(&sv->fuser);
    for (size_t i = 0; i < size; i++) {
        size_t at = (size_t)places(sv, i);
        sv->state.re[at] = re[i];
        sv->state.im[at] = im[i];
    }
}
