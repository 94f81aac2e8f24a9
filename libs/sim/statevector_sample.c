/* Sums of probabilities, and samples: one pass for the sums of blocks, then one walk through the
 * blocks that are hit. The random points come sorted, as the running sums of exponential spacings,
 * so that nothing is sorted and every block is looked at once. */
#include "sim/statevector_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <math.h>
#include <string.h>

typedef struct sum_job {
    qt_statevector *sv;
    uint64_t mask, value;
} sum_job;

static void sum_range(void *arg, unsigned worker, size_t begin, size_t end) {
    (void)worker;
    const sum_job *job = arg;
    qt_statevector *sv = job->sv;
    size_t block = qt_statevector_sum_block(sv);
    size_t high = (size_t)job->mask & ~(block - 1);
    for (size_t i = begin; i < end; i++) {
        size_t first = i * block;
        sv->sums[i] = ((first ^ (size_t)job->value) & high) != 0
                          ? 0
                          : sv->kernels->sum(sv->state.re + first, sv->state.im + first, block,
                                             first, (size_t)job->mask, (size_t)job->value);
    }
}

double qt_statevector_sum(qt_statevector *sv, uint64_t mask, uint64_t value) {
    sum_job job = {sv, mask, value};
    size_t count = qt_statevector_sum_count(sv);
    qt_pool_run(sv->pool, sum_range, &job, count);
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        total += sv->sums[i];
    }
    return total;
}

/* Sorted random points in [0, total). */
typedef struct points {
    qt_rng rng;
    double scale;
    double at; /* the next one */
    uint64_t left;
} points;

static void points_next(points *p) {
    p->left--;
    p->at += qt_rng_exponential(&p->rng) * p->scale;
}

/* shots points divide [0, total) like the running sums of shots + 1 exponentials divide their
 * sum: these are drawn twice, first to know the sum. */
static void points_init(points *p, qt_rng *rng, uint64_t shots, double total) {
    p->rng = *rng;
    double sum = 0;
    for (uint64_t i = 0; i <= shots; i++) {
        sum += qt_rng_exponential(rng);
    }
    p->scale = total / sum;
    p->at = 0;
    p->left = shots + 1;
    points_next(p);
}

typedef struct sampler {
    const qt_statevector *sv;
    const uint32_t *qubits;
    size_t count;
    uint64_t *key;
    qt_tally *tally;
} sampler;

static qt_code emit(const sampler *s, size_t index, uint64_t shots, qt_err *err) {
    memset(s->key, 0, s->tally->words * sizeof *s->key);
    for (size_t i = 0; i < s->count; i++) {
        uint64_t bit = index >> s->sv->place[s->qubits[i]] & 1;
        s->key[i / 64] |= bit << (i % 64);
    }
    return qt_tally_add(s->tally, s->key, shots, err);
}

/* Gives the points before `end` to the amplitudes of the block that starts at probability `start`.
 * What rounding leaves over belongs to the last amplitude that is not 0. */
static qt_code sample_block(const sampler *s, size_t first, double start, double end, points *p,
                            qt_err *err) {
    size_t block = qt_statevector_sum_block(s->sv);
    size_t last = first;
    double upto = start;
    for (size_t i = first; i < first + block; i++) {
        double re = s->sv->state.re[i];
        double im = s->sv->state.im[i];
        double weight = re * re + im * im;
        uint64_t hits = 0;
        upto += weight;
        for (; p->left > 0 && p->at < upto && p->at < end; points_next(p)) {
            hits++;
        }
        if (hits > 0) {
            QT_TRY(emit(s, i, hits, err));
        }
        last = weight > 0 ? i : last;
        if (p->left == 0 || p->at >= end) {
            return QT_OK;
        }
    }
    uint64_t rest = 0;
    for (; p->left > 0 && p->at < end; points_next(p)) {
        rest++;
    }
    return rest > 0 ? emit(s, last, rest, err) : QT_OK;
}

static size_t last_block(const qt_statevector *sv) {
    size_t i = qt_statevector_sum_count(sv) - 1;
    while (i > 0 && !(sv->sums[i] > 0)) {
        i--;
    }
    return i;
}

qt_code qt_statevector_sample(void *self, const uint32_t *qubits, size_t count, uint64_t shots,
                              qt_rng *rng, qt_tally *tally, qt_err *err) {
    qt_statevector *sv = self;
    QT_TRY(qt_sweeper_run(&sv->sweeper, &sv->fuser, err));
    qt_fuser_clear(&sv->fuser);
    QT_AUTO_FREE uint64_t *key = NULL;
    QT_TRY(qt_try_malloc(tally->words * sizeof *key, (void **)&key, err));
    sampler s = {sv, qubits, count, key, tally};
    points p;
    points_init(&p, rng, shots, qt_statevector_sum(sv, 0, 0));
    double start = 0;
    size_t last = last_block(sv);
    for (size_t i = 0; i <= last && p.left > 0; i++) {
        double end = start + sv->sums[i];
        if (p.at < end || i == last) {
            double limit = i == last ? (double)INFINITY : end;
            QT_TRY(sample_block(&s, i * qt_statevector_sum_block(sv), start, limit, &p, err));
        }
        start = end;
    }
    return QT_OK;
}
