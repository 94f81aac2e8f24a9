#include "services/task-svc/committer.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "services/task-svc/batch.h"
#include "services/task-svc/metrics.h"
#include "trace/trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    CLOCK_MEASURE_MS = 30000,
    MAX_RERUNS = 20,         /* of a batch that met a deadlock */
    ARENA_BYTES = 256 << 20, /* of one batch */
    OVERLOAD_RETRY_MS = 1000,
    SHUTDOWN_RETRY_MS = 1000, /* when the service stops and PostgreSQL is away */
};

typedef struct lane {
    qt_committer *committer;
    pthread_t thread;
    bool is_started;

    pthread_mutex_t lock;
    pthread_cond_t filled;
    qt_task_op *first;
    qt_task_op **last;
    size_t count;
    bool is_stopping;

    /* The lane thread's own. */
    qt_pq *pq;
    uint64_t generation; /* of the connection that the clock was measured on */
    int64_t clock_us;    /* the database's clock minus the monotonic one */
    int64_t measured_ms;
    qt_arena arena;
    qt_task_op **ops;
} lane;

struct qt_committer {
    qt_committer_options options;
    qt_lease_cache *leases;
    lane *lanes;
    size_t lane_count;
};

static int64_t now_ms(void) {
    return qt_clock_mono_ms(qt_clock_system());
}

/* ---- queue ---- */

static lane *lane_of(qt_committer *committer, const qt_uuid *id) {
    return &committer->lanes[(qt_uuid_hash(id) >> 7) % committer->lane_count];
}

/* What is under way already goes before what is new. */
static size_t limit_for(const qt_committer *committer, qt_task_op_kind kind) {
    size_t limit = (size_t)committer->options.queue_limit;
    return kind >= QT_TASK_OP_CLAIM ? limit * 2 : limit;
}

qt_code qt_committer_push(qt_committer *committer, qt_task_op *op, qt_err *err) {
    lane *l = lane_of(committer, &op->id);
    op->next = NULL;
    op->pushed_us = qt_trace_enabled() ? qt_clock_wall_us(qt_clock_system()) : 0;
    pthread_mutex_lock(&l->lock);
    bool is_full = l->count >= limit_for(committer, op->kind);
    bool is_stopping = l->is_stopping;
    if (!is_full && !is_stopping) {
        *l->last = op;
        l->last = &op->next;
        if (l->count++ == 0) {
            pthread_cond_signal(&l->filled);
        }
    }
    pthread_mutex_unlock(&l->lock);
    if (is_stopping) {
        return qt_fail(err, SHUTTING_DOWN, "the service stops");
    }
    if (is_full) {
        (void)qt_fail(err, OVERLOADED, "too many operations wait for the database");
        err->retry_after_ms = OVERLOAD_RETRY_MS;
        return err->code;
    }
    return QT_OK;
}

void qt_committer_push_all(qt_committer *committer, qt_task_op *const *ops, size_t count) {
    for (size_t i = 0; i < count; i++) {
        qt_err err;
        qt_code code = qt_committer_push(committer, ops[i], &err);
        if (code != QT_OK) {
            ops[i]->code = code;
            ops[i]->err = err;
            ops[i]->row = NULL;
            ops[i]->done(ops[i]);
        }
    }
}

size_t qt_committer_backlog(qt_committer *committer) {
    size_t count = 0;
    for (size_t i = 0; i < committer->lane_count; i++) {
        lane *l = &committer->lanes[i];
        pthread_mutex_lock(&l->lock);
        count += l->count;
        pthread_mutex_unlock(&l->lock);
    }
    return count;
}

/* Waits for operations; 0 when the lane stops and nothing is left. */
static size_t take(lane *l) {
    const qt_committer_options *options = &l->committer->options;
    size_t count = 0;
    size_t bytes = 0;
    pthread_mutex_lock(&l->lock);
    while (l->first == NULL && !l->is_stopping) {
        pthread_cond_wait(&l->filled, &l->lock);
    }
    while (l->first != NULL && count < (size_t)options->batch &&
           (count == 0 || bytes + l->first->bytes <= (size_t)options->batch_bytes)) {
        qt_task_op *op = l->first;
        l->first = op->next;
        bytes += op->bytes;
        l->ops[count++] = op;
    }
    if (l->first == NULL) {
        l->last = &l->first;
    }
    l->count -= count;
    pthread_mutex_unlock(&l->lock);
    return count;
}

/* ---- running ---- */

static qt_code database_now(lane *l, int64_t *ret_us, qt_err *err) {
    const qt_clock *clock = qt_clock_system();
    QT_TRY(qt_pq_ready(l->pq, err));
    if (l->generation != qt_pq_generation(l->pq) || now_ms() - l->measured_ms > CLOCK_MEASURE_MS) {
        int64_t us = 0;
        QT_TRY(qt_pq_now_us(l->pq, &us, err));
        l->clock_us = us - qt_clock_mono_us(clock);
        l->generation = qt_pq_generation(l->pq);
        l->measured_ms = now_ms();
    }
    *ret_us = l->clock_us + qt_clock_mono_us(clock);
    return QT_OK;
}

static qt_code run_once(lane *l, qt_batch *batch, qt_err *err) {
    qt_arena_reset(&l->arena);
    QT_TRY(database_now(l, &batch->now_us, err));
    qt_code code = qt_batch_run(batch, err);
    if (code != QT_OK) {
        qt_store_rollback(l->pq);
    }
    return code;
}

static void fail_all(const qt_batch *batch, const qt_err *err) {
    qt_series_add(qt_task_series(QT_TASK_METRIC_COMMIT_FAILURES, qt_reason_name(err->reason)),
                  (double)batch->op_count);
    for (size_t i = 0; i < batch->op_count; i++) {
        qt_task_op *op = batch->ops[i];
        op->code = err->code;
        op->err = *err;
        op->row = NULL;
        op->done(op);
    }
}

static const char *span_name(qt_task_op_kind kind) {
    static const char *const names[] = {
        [QT_TASK_OP_CREATE] = "commit create",     [QT_TASK_OP_UPDATE] = "commit update",
        [QT_TASK_OP_ENQUEUE] = "commit enqueue",   [QT_TASK_OP_CANCEL] = "commit cancel",
        [QT_TASK_OP_RETRY] = "commit retry",       [QT_TASK_OP_DELETE] = "commit delete",
        [QT_TASK_OP_CLAIM] = "commit claim",       [QT_TASK_OP_COMPLETE] = "commit complete",
        [QT_TASK_OP_DUE] = "commit due",           [QT_TASK_OP_DISPATCH] = "commit dispatch",
        [QT_TASK_OP_LOST] = "commit lost",         [QT_TASK_OP_ORPHAN] = "commit orphan",
        [QT_TASK_OP_PROGRESS] = "commit progress",
    };
    return names[kind];
}

/* From the queue to after the commit, in the trace that the task was created in. */
static void trace_op(const qt_batch *batch, const qt_task_op *op) {
    qt_trace_ctx parent;
    qt_trace_span *span = NULL;
    char id[QT_UUID_TEXT_BYTES];
    if (op->pushed_us == 0 || op->row == NULL ||
        !qt_trace_unpack(op->row->trace.p, op->row->trace.len, &parent) ||
        !qt_trace_is_sampled(&parent)) {
        return;
    }
    qt_trace_begin(span_name(op->kind), QT_TRACE_INTERNAL, &parent, &span);
    qt_trace_began_at(span, op->pushed_us);
    qt_uuid_format(&op->id, id);
    qt_trace_str(span, "qt.task_id", id);
    qt_trace_int(span, "qt.batch", (int64_t)batch->op_count);
    qt_trace_end(span, op->code != QT_OK ? &op->err : NULL);
}

static void finish_all(const qt_batch *batch) {
    const qt_committer_options *options = batch->options;
    qt_task_metrics_events(batch->events, batch->event_count);
    if (options->committed != NULL) {
        options->committed(options->self, (const qt_entry *const *)batch->entries,
                           batch->entry_count);
    }
    for (size_t i = 0; i < batch->op_count; i++) {
        trace_op(batch, batch->ops[i]);
        batch->ops[i]->done(batch->ops[i]);
    }
}

static bool is_stopping(lane *l) {
    pthread_mutex_lock(&l->lock);
    bool stopping = l->is_stopping;
    pthread_mutex_unlock(&l->lock);
    return stopping;
}

static void nap_ms(int64_t ms) {
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&ts, NULL);
}

/* Runs until it is committed, or fails for good, or PostgreSQL was away for too long. */
static qt_code run_until(lane *l, qt_batch *batch, qt_err *err) {
    int64_t start_ms = now_ms();
    for (int reruns = 0;;) {
        qt_code code = run_once(l, batch, err);
        if (code == QT_OK) {
            return QT_OK;
        }
        if (qt_pq_should_rerun(l->pq) && ++reruns < MAX_RERUNS) {
            continue;
        }
        if (err->reason != QT_REASON_STORE_UNAVAILABLE) {
            return code;
        }
        int64_t limit_ms = is_stopping(l) ? SHUTDOWN_RETRY_MS : batch->options->retry_ms;
        if (now_ms() - start_ms >= limit_ms) {
            return code;
        }
        for (size_t i = 0; i < batch->op_count; i++) {
            batch->ops[i]->is_unsure = true; /* it may have been committed all the same */
        }
        nap_ms(err->retry_after_ms > 0 && err->retry_after_ms < 200 ? err->retry_after_ms : 50);
    }
}

static void count_commit(size_t count, int64_t start_us) {
    int64_t us = qt_clock_mono_us(qt_clock_system()) - start_us;
    qt_series_observe(qt_task_series(QT_TASK_METRIC_COMMIT_OPS, NULL), (double)count);
    qt_series_observe(qt_task_series(QT_TASK_METRIC_COMMIT_SECONDS, NULL), (double)us / 1e6);
}

static void run(lane *l, qt_task_op **ops, size_t count) {
    qt_err err;
    qt_batch batch = {.options = &l->committer->options,
                      .leases = l->committer->leases,
                      .pq = l->pq,
                      .arena = &l->arena,
                      .ops = ops,
                      .op_count = count};
    int64_t start_us = qt_clock_mono_us(qt_clock_system());
    qt_code code = run_until(l, &batch, &err);
    count_commit(count, start_us);
    if (code == QT_OK) {
        finish_all(&batch);
        return;
    }
    if (count == 1 || err.reason == QT_REASON_STORE_UNAVAILABLE) {
        qt_log_err(WARN, "operations failed", &err, QT_KV_INT("count", count));
        if (err.retry_after_ms == 0) {
            err.retry_after_ms = OVERLOAD_RETRY_MS;
        }
        fail_all(&batch, &err);
        return;
    }
    run(l, ops, count / 2); /* the one that is wrong fails alone */
    run(l, ops + count / 2, count - count / 2);
}

static void *lane_main(void *arg) {
    lane *l = arg;
    size_t count = 0;
    while ((count = take(l)) > 0) {
        run(l, l->ops, count);
    }
    return NULL;
}

/* ---- life ---- */

static qt_code start_lane(qt_committer *committer, lane *l, qt_err *err) {
    const qt_committer_options *options = &committer->options;
    l->committer = committer;
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->filled, NULL);
    qt_arena_init(&l->arena, ARENA_BYTES);
    l->ops = qt_xcalloc((size_t)options->batch, sizeof(qt_task_op *));
    l->pq =
        qt_store_writer_new(options->url, options->connect_timeout_ms, options->command_timeout_ms);
    if (pthread_create(&l->thread, NULL, lane_main, l) != 0) {
        return qt_fail(err, OUT_OF_MEMORY, "no thread for the committer");
    }
    l->is_started = true;
    return QT_OK;
}

static void stop_lane(lane *l) {
    pthread_mutex_lock(&l->lock);
    l->is_stopping = true;
    pthread_cond_signal(&l->filled);
    pthread_mutex_unlock(&l->lock);
    if (l->is_started) {
        pthread_join(l->thread, NULL);
    }
    pthread_cond_destroy(&l->filled);
    pthread_mutex_destroy(&l->lock);
    qt_arena_done(&l->arena);
    qt_pq_free(l->pq);
    free(l->ops);
}

qt_code qt_committer_new(const qt_committer_options *options, qt_committer **ret_committer,
                         qt_err *err) {
    qt_committer *committer = qt_xcalloc(1, sizeof *committer);
    committer->options = *options;
    committer->leases = qt_lease_cache_new();
    committer->lanes = qt_xcalloc((size_t)options->lanes, sizeof *committer->lanes);
    for (size_t i = 0; i < (size_t)options->lanes; i++) {
        committer->lane_count++;
        qt_code code = start_lane(committer, &committer->lanes[i], err);
        if (code != QT_OK) {
            qt_committer_free(committer);
            return code;
        }
    }
    *ret_committer = committer;
    return QT_OK;
}

void qt_committer_free(qt_committer *committer) {
    if (committer == NULL) {
        return;
    }
    for (size_t i = 0; i < committer->lane_count; i++) {
        stop_lane(&committer->lanes[i]);
    }
    qt_lease_cache_free(committer->leases);
    free(committer->lanes);
    free(committer);
}
