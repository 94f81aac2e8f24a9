#include "services/task-svc/dispatcher.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "qtaskdist/v1/queue_service.rpc.h"
#include "services/task-svc/dispatch_sql.h"
#include "services/task-svc/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Advisory locks: this and the type; type 0 is the lock of the jobs for all types. */
#define LOCK_BASE INT64_C(7105930240220000)

enum {
    LEASE_CHECK_MS = 1000,
    COUNT_MS = 1000,
    TASKS_MS = 15000,
    TIDY_MS = 600000,
    LOCK_RETRY_MS = 1000,
    STATS_CALL_MS = 3000,
    EPOCH_BYTES = 128,
};

struct qt_dispatcher {
    qt_dispatcher_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* woken, stopping, or an operation is done */
    bool is_woken;
    bool is_stopping;
    size_t pending; /* operations on their way */

    /* The thread's own. */
    qt_pq *pq;
    uint64_t generation; /* of the connection that holds the locks */
    bool mine[QT_TASK_TYPES];
    int64_t running[QT_TASK_TYPES];  /* as counted last */
    int64_t reported[QT_TASK_TYPES]; /* to queue-svc */
    int64_t locked_at_ms;
    int64_t counted_at_ms;
    int64_t leases_at_ms;
    int64_t queue_at_ms;
    int64_t tidied_at_ms;
    int64_t tasks_at_ms;
    bool has_more; /* a search was full: go on at once */
    bool is_warned;
    qt_found found[QT_FIND_LIMIT];
    qt_task_op ops[QT_FIND_LIMIT];
    qt_task_op *op_list[QT_FIND_LIMIT];
};

static int64_t now_ms(void) {
    return qt_clock_mono_ms(qt_clock_system());
}

/* ---- operations ---- */

static void op_done(qt_task_op *op) {
    qt_dispatcher *d = op->arg;
    pthread_mutex_lock(&d->lock);
    if (--d->pending == 0) {
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
}

/* Applies one kind of operation to all that was found, and waits for the commit. */
static void apply(qt_dispatcher *d, qt_task_op_kind kind, size_t count) {
    for (size_t i = 0; i < count; i++) {
        d->ops[i] = (qt_task_op){.kind = kind,
                                 .id = d->found[i].id,
                                 .bytes = 512,
                                 .done = op_done,
                                 .arg = d,
                                 .guard = {.fence = d->found[i].fence,
                                           .dispatch_seq = d->found[i].dispatch_seq,
                                           .has_job = d->found[i].has_job}};
        d->op_list[i] = &d->ops[i];
    }
    pthread_mutex_lock(&d->lock);
    d->pending = count;
    pthread_mutex_unlock(&d->lock);
    qt_committer_push_all(d->options.committer, d->op_list, count);
    pthread_mutex_lock(&d->lock);
    while (d->pending > 0) {
        pthread_cond_wait(&d->changed, &d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    d->has_more |= count == QT_FIND_LIMIT;
}

/* ---- jobs ---- */

static qt_code take_locks(qt_dispatcher *d, qt_err *err) {
    QT_TRY(qt_pq_ready(d->pq, err));
    if (d->generation != qt_pq_generation(d->pq)) {
        memset(d->mine, 0, sizeof d->mine);
        memset(d->reported, 0xff,
               sizeof d->reported); /* -1: what the last owner said is not known */
        d->generation = qt_pq_generation(d->pq);
        d->locked_at_ms = 0;
    }
    if (d->locked_at_ms != 0 && now_ms() - d->locked_at_ms < LOCK_RETRY_MS) {
        return QT_OK;
    }
    for (int type = 0; type < QT_TASK_TYPES; type++) {
        if (!d->mine[type]) {
            QT_TRY(qt_dispatch_sql_lock(d->pq, LOCK_BASE + type, &d->mine[type], err));
        }
    }
    d->locked_at_ms = now_ms();
    return QT_OK;
}

static qt_code count_windows(qt_dispatcher *d, qt_err *err) {
    qt_type_counts counts[QT_TASK_TYPES] = {0};
    QT_TRY(qt_dispatch_sql_count(d->pq, counts, err));
    for (int type = 1; type < QT_TASK_TYPES; type++) {
        qt_window_set(d->options.window, type, counts[type].dispatched, counts[type].has_line);
        d->running[type] = counts[type].running;
    }
    d->counted_at_ms = now_ms();
    return QT_OK;
}

/* queue-svc tells those who scale the workers. It is told of zero once; of more every time, because
 * Redis may have forgotten it. */
static void report_running(qt_dispatcher *d) {
    Qtaskdist__V1__RunningTasks items[QT_TASK_TYPES];
    Qtaskdist__V1__RunningTasks *pointers[QT_TASK_TYPES];
    Qtaskdist__V1__ReportRunningRequest req = QTASKDIST__V1__REPORT_RUNNING_REQUEST__INIT;
    Qtaskdist__V1__ReportRunningResponse *resp = NULL;
    req.running = pointers;
    for (int type = 1; type < QT_TASK_TYPES; type++) {
        if (d->mine[type] && (d->running[type] > 0 || d->reported[type] != 0)) {
            qtaskdist__v1__running_tasks__init(&items[req.n_running]);
            items[req.n_running].task_type = (Qtaskdist__V1__TaskType)type;
            items[req.n_running].count = d->running[type];
            pointers[req.n_running] = &items[req.n_running];
            req.n_running++;
        }
    }
    if (req.n_running == 0) {
        return;
    }
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    const qt_rpc_call call = {.timeout_ms = STATS_CALL_MS, .idempotent = true};
    qt_err err;
    if (qt_queue_service_report_running(d->options.queue, &call, &req, &arena, &resp, &err) !=
        QT_OK) {
        qt_log_err(DEBUG, "the queue is not told what runs", &err);
        return;
    }
    for (size_t i = 0; i < req.n_running; i++) {
        d->reported[items[i].task_type] = items[i].count;
    }
}

static const qt_task_status open_statuses[] = {QT_TASK_STATUS_PENDING, QT_TASK_STATUS_QUEUED,
                                               QT_TASK_STATUS_PROCESSING,
                                               QT_TASK_STATUS_CANCELLING};

/* What is not in the list is 0: for a replica without the jobs, all. */
static void show_tasks(const qt_task_count *counts, size_t count) {
    for (int32_t type = 1; type < QT_TASK_TYPES; type++) {
        for (size_t i = 0; i < QT_ARRAY_LEN(open_statuses); i++) {
            int64_t n = 0;
            for (size_t j = 0; j < count; j++) {
                bool fits = counts[j].type == type && counts[j].status == open_statuses[i];
                n += fits ? counts[j].count : 0;
            }
            qt_task_metrics_tasks(type, open_statuses[i], n);
        }
    }
}

static qt_code count_tasks(qt_dispatcher *d, qt_err *err) {
    qt_task_count counts[QT_TASK_COUNTS];
    size_t count = 0;
    d->tasks_at_ms = now_ms();
    if (d->mine[0]) {
        QT_TRY(qt_dispatch_sql_tasks(d->pq, counts, &count, err));
    }
    show_tasks(counts, count);
    return QT_OK;
}

static qt_code promote_due(qt_dispatcher *d, qt_err *err) {
    size_t count = 0;
    QT_TRY(qt_dispatch_sql_due(d->pq, d->found, &count, err));
    apply(d, QT_TASK_OP_DUE, count);
    return QT_OK;
}

static qt_code expire_leases(qt_dispatcher *d, qt_err *err) {
    size_t count = 0;
    QT_TRY(qt_dispatch_sql_expired(d->pq, d->found, &count, err));
    if (count > 0) {
        qt_log(WARN, "tasks of lost workers", QT_KV_INT("count", count));
    }
    apply(d, QT_TASK_OP_LOST, count);
    d->leases_at_ms = now_ms();
    return QT_OK;
}

/* High before normal before low, but an eighth of the room is for those below. */
static qt_code fill_window(qt_dispatcher *d, int32_t type, qt_err *err) {
    int64_t room = qt_window_room(d->options.window, type);
    bool is_empty = true; /* the line, after this */
    room = room < QT_FIND_LIMIT ? room : QT_FIND_LIMIT;
    for (int32_t priority = QT_TASK_PRIORITIES - 1; priority >= 1 && room > 0; priority--) {
        int64_t share = priority > 1 ? room - room / 8 : room;
        size_t count = 0;
        QT_TRY(qt_dispatch_sql_ready(d->pq, type, priority, share, d->found, &count, err));
        apply(d, QT_TASK_OP_DISPATCH, count);
        is_empty = is_empty && (int64_t)count < share;
        room -= (int64_t)count;
    }
    d->has_more |= !is_empty;
    if (is_empty) {
        qt_window_line_ends(d->options.window, type);
    }
    return QT_OK;
}

static qt_code fill_windows(qt_dispatcher *d, qt_err *err) {
    for (int32_t type = 1; type < QT_TASK_TYPES; type++) {
        bool waits = d->mine[type] && qt_window_has_line(d->options.window, type);
        if (waits && qt_window_room(d->options.window, type) > 0) {
            QT_TRY(fill_window(d, type, err));
        }
    }
    return QT_OK;
}

/* Dispatches again what was dispatched before that time. */
static qt_code send_again(qt_dispatcher *d, int32_t type, int32_t priority, int64_t before_us,
                          qt_err *err) {
    size_t total = 0;
    size_t count = 0;
    do {
        QT_TRY(qt_dispatch_sql_dispatched(d->pq, type, priority, before_us, d->found, &count, err));
        apply(d, QT_TASK_OP_DISPATCH, count);
        total += count;
    } while (count == QT_FIND_LIMIT);
    if (total > 0) {
        qt_series_add(qt_task_series(QT_TASK_METRIC_RESENT, qt_task_type_name(type)),
                      (double)total);
        qt_log(WARN, "queue entries were lost; tasks are sent again", QT_KV_INT("type", type),
               QT_KV_INT("priority", priority), QT_KV_INT("count", total));
    }
    return QT_OK;
}

/* Redis has other data than when the rows were dispatched. All that were dispatched until now are
 * sent again, not only those from before the question: Redis may have lost its data between the
 * question and the answer. Those that it has already get an entry too many, which dies at the
 * claim. */
static qt_code check_epoch(qt_dispatcher *d, int32_t type, const char *epoch, qt_err *err) {
    char known[EPOCH_BYTES];
    int64_t now_us = 0;
    QT_TRY(qt_dispatch_sql_epoch(d->pq, type, known, sizeof known, err));
    if (epoch[0] == '\0' || strncmp(known, epoch, sizeof known - 1) == 0) {
        return QT_OK;
    }
    if (known[0] != '\0') {
        QT_TRY(qt_pq_now_us(d->pq, &now_us, err));
        for (int32_t priority = 1; priority < QT_TASK_PRIORITIES; priority++) {
            QT_TRY(send_again(d, type, priority, now_us, err));
        }
    }
    return qt_dispatch_sql_set_epoch(d->pq, type, epoch, err);
}

/* Rows older than the oldest entry that is still to be claimed have no entry. */
static qt_code check_stream(qt_dispatcher *d, const Qtaskdist__V1__StreamStats *stream,
                            int64_t asked_us, qt_err *err) {
    int64_t age_ms = stream->has_live ? stream->oldest_age_ms : 0;
    int64_t before_us = asked_us - (age_ms + d->options.lost_margin_ms) * 1000;
    int32_t priority = (int32_t)stream->priority;
    if (priority == QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_UNSPECIFIED) {
        priority = QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_NORMAL;
    }
    return send_again(d, (int32_t)stream->task_type, priority, before_us, err);
}

static bool is_mine(const qt_dispatcher *d, int32_t type) {
    return type > 0 && type < QT_TASK_TYPES && d->mine[type];
}

static qt_code check_streams(qt_dispatcher *d, const Qtaskdist__V1__StatsResponse *stats,
                             int64_t asked_us, qt_err *err) {
    for (int32_t type = 1; type < QT_TASK_TYPES; type++) {
        if (d->mine[type]) {
            QT_TRY(check_epoch(d, type, stats->epoch, err));
        }
    }
    for (size_t i = 0; i < stats->n_streams; i++) {
        if (is_mine(d, (int32_t)stats->streams[i]->task_type)) {
            QT_TRY(check_stream(d, stats->streams[i], asked_us, err));
        }
    }
    return QT_OK;
}

static bool any_mine(const qt_dispatcher *d) {
    for (int32_t type = 1; type < QT_TASK_TYPES; type++) {
        if (d->mine[type]) {
            return true;
        }
    }
    return false;
}

/* queue-svc being away is no error of ours: nothing can be repaired until it is back. */
static qt_code check_queue(qt_dispatcher *d, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    const Qtaskdist__V1__StatsRequest req = QTASKDIST__V1__STATS_REQUEST__INIT;
    const qt_rpc_call call = {.timeout_ms = STATS_CALL_MS, .idempotent = true};
    Qtaskdist__V1__StatsResponse *stats = NULL;
    int64_t asked_us = 0;
    d->queue_at_ms = now_ms();
    if (!any_mine(d) || qt_sender_is_behind(d->options.sender)) {
        return QT_OK;
    }
    QT_TRY(qt_pq_now_us(d->pq, &asked_us, err));
    if (qt_queue_service_stats(d->options.queue, &call, &req, &arena, &stats, err) != QT_OK) {
        qt_log_err(DEBUG, "no statistics of the queue", err);
        return QT_OK;
    }
    return check_streams(d, stats, asked_us, err);
}

static bool is_time(int64_t last_ms, int64_t every_ms) {
    return last_ms == 0 || now_ms() - last_ms >= every_ms;
}

static qt_code run_jobs(qt_dispatcher *d, qt_err *err) {
    QT_TRY(take_locks(d, err));
    if (is_time(d->counted_at_ms, COUNT_MS)) {
        QT_TRY(count_windows(d, err));
        report_running(d);
    }
    if (d->mine[0]) {
        QT_TRY(promote_due(d, err));
        if (is_time(d->leases_at_ms, LEASE_CHECK_MS)) {
            QT_TRY(expire_leases(d, err));
        }
    }
    QT_TRY(fill_windows(d, err));
    if (is_time(d->tasks_at_ms, TASKS_MS)) {
        QT_TRY(count_tasks(d, err));
    }
    if (is_time(d->queue_at_ms, d->options.queue_check_ms)) {
        QT_TRY(check_queue(d, err));
    }
    if (d->mine[0] && is_time(d->tidied_at_ms, TIDY_MS)) {
        d->tidied_at_ms = now_ms();
        QT_TRY(qt_dispatch_sql_tidy(d->pq, d->options.retention_days, d->options.spend_days, err));
    }
    return QT_OK;
}

/* ---- the thread ---- */

/* Until the interval (with jitter) is over or somebody wakes it; false when it stops. */
static bool wait_round(qt_dispatcher *d) {
    int64_t ms = d->options.interval_ms;
    ms = ms * 3 / 4 + (int64_t)(qt_random_u64() % (uint64_t)(ms / 2 + 1));
    const struct timespec end = qt_cond_deadline(ms);
    pthread_mutex_lock(&d->lock);
    int rc = 0;
    while (!d->is_stopping && !d->is_woken && !d->has_more && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&d->changed, &d->lock, &end);
    }
    d->is_woken = false;
    d->has_more = false;
    bool go_on = !d->is_stopping;
    pthread_mutex_unlock(&d->lock);
    return go_on;
}

static void show_round(const qt_dispatcher *d, qt_code code, int64_t start_us) {
    int64_t us = qt_clock_mono_us(qt_clock_system()) - start_us;
    qt_series_observe(qt_task_series(QT_TASK_METRIC_ROUND, NULL), (double)us / 1e6);
    if (code != QT_OK) {
        qt_series_add(qt_task_series(QT_TASK_METRIC_ROUND_FAILURES, NULL), 1);
    }
    for (int type = 0; type < QT_TASK_TYPES; type++) {
        const char *name = type > 0 ? qt_task_type_name(type) : "all";
        qt_series_set(qt_task_series(QT_TASK_METRIC_LEADER, name), d->mine[type]);
    }
}

static void *dispatcher_main(void *arg) {
    qt_dispatcher *d = arg;
    do {
        qt_err err;
        int64_t start_us = qt_clock_mono_us(qt_clock_system());
        qt_code code = run_jobs(d, &err);
        show_round(d, code, start_us);
        if (code != QT_OK && !d->is_warned) {
            qt_log_err(WARN, "dispatcher", &err);
        }
        d->is_warned = code != QT_OK;
    } while (wait_round(d));
    return NULL;
}

void qt_dispatcher_wake(qt_dispatcher *dispatcher) {
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->is_woken = true;
    pthread_cond_broadcast(&dispatcher->changed);
    pthread_mutex_unlock(&dispatcher->lock);
}

qt_code qt_dispatcher_new(const qt_dispatcher_options *options, qt_dispatcher **ret_dispatcher,
                          qt_err *err) {
    qt_dispatcher *d = qt_xcalloc(1, sizeof *d);
    d->options = *options;
    pthread_mutex_init(&d->lock, NULL);
    qt_cond_init(&d->changed);
    d->pq =
        qt_dispatch_sql_new(options->url, options->connect_timeout_ms, options->command_timeout_ms);
    if (pthread_create(&d->thread, NULL, dispatcher_main, d) != 0) {
        qt_pq_free(d->pq);
        free(d);
        return qt_fail(err, OUT_OF_MEMORY, "no thread for the dispatcher");
    }
    *ret_dispatcher = d;
    return QT_OK;
}

void qt_dispatcher_free(qt_dispatcher *dispatcher) {
    if (dispatcher == NULL) {
        return;
    }
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->is_stopping = true;
    pthread_cond_broadcast(&dispatcher->changed);
    pthread_mutex_unlock(&dispatcher->lock);
    pthread_join(dispatcher->thread, NULL);
    pthread_cond_destroy(&dispatcher->changed);
    pthread_mutex_destroy(&dispatcher->lock);
    qt_pq_free(dispatcher->pq);
    free(dispatcher);
}
