/* Leases as many messages as there are free runners, and more when tasks are short: so many that
 * the queue here holds about LEASE_AHEAD_MS of work. */
#include "worker/internal.h"

#include "base/log.h"
#include "worker/metrics.h"

enum { LEASE_AHEAD_MS = 100, MAX_AHEAD = 512, CALL_MARGIN_MS = 5000 };

/* What a task takes, by the tasks that ended and those that run. */
static double expected_ms(const qt_worker *w) {
    double expected = w->mean_ms > 0.01 ? w->mean_ms : 0.01;
    int64_t now_ms = qt_worker_now_ms(w);
    for (size_t i = 0; i < w->options.threads; i++) {
        double age_ms = w->run_since_ms[i] != 0 ? (double)(now_ms - w->run_since_ms[i]) : 0;
        expected = age_ms > expected ? age_ms : expected;
    }
    return expected;
}

/* How many more messages are wanted. With the lock held. */
static size_t wanted(const qt_worker *w) {
    size_t threads = w->options.threads;
    double each = (double)LEASE_AHEAD_MS / expected_ms(w);
    size_t ahead = each >= MAX_AHEAD ? MAX_AHEAD : (size_t)each;
    size_t target = threads * (1 + ahead);
    target = target < MAX_AHEAD || threads > MAX_AHEAD ? target : MAX_AHEAD;
    size_t have = w->running_count + w->waiting.count;
    /* many at once, instead of one call for each task that ends */
    return have < threads || have <= target / 2 ? target - have : 0;
}

static size_t wait_for_room(qt_worker *w) {
    size_t want = 0;
    pthread_mutex_lock(&w->lock);
    while (atomic_load(&w->leasing) && (want = wanted(w)) == 0) {
        qt_worker_wait(w, &w->room, 1000);
    }
    pthread_mutex_unlock(&w->lock);
    return want < QT_WORKER_MAX_BATCH ? want : QT_WORKER_MAX_BATCH;
}

static bool stops_leasing(void *self) {
    const qt_worker *w = self;
    return !atomic_load(&w->leasing);
}

static qt_code lease(qt_worker *w, size_t count, qt_shared_arena *arena,
                     Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err) {
    Qtaskdist__V1__LeaseMessagesRequest req = QTASKDIST__V1__LEASE_MESSAGES_REQUEST__INIT;
    req.consumer = w->id;
    req.n_task_types = w->options.type_count;
    req.task_types = (Qtaskdist__V1__TaskType *)(uintptr_t)w->options.types;
    req.max_messages = (int32_t)count;
    req.wait_ms = (int32_t)w->options.lease_wait_ms;
    qt_rpc_call call = {.timeout_ms = w->options.lease_wait_ms + CALL_MARGIN_MS,
                        .cancelled = stops_leasing,
                        .self = w};
    QT_TRY(w->port.ops->lease(w->port.self, &call, &req, &arena->arena, ret_resp, err));
    return QT_OK;
}

/* A message without its payload, and one that was delivered before: if the task kills its worker
 * at once, only a claim makes that count. */
static bool must_claim_first(const Qtaskdist__V1__LeasedMessage *message) {
    return message->payload == NULL || message->delivery_count > 1 || message->dispatch_seq > 1;
}

static void claim_now(qt_worker *w, qt_worker_task *const *tasks, size_t count) {
    qt_err err;
    if (count > 0 && qt_worker_claim(w, tasks, count, &err) != QT_OK) {
        /* the clerk tries again */
        qt_log_err(WARN, "tasks cannot be claimed", &err, QT_KV_INT("tasks", count));
    }
}

static void accept_messages(qt_worker *w, const Qtaskdist__V1__LeaseMessagesResponse *resp,
                            qt_shared_arena *arena) {
    qt_worker_task *first[QT_WORKER_MAX_BATCH];
    size_t first_count = 0;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < resp->n_messages && i < QT_WORKER_MAX_BATCH; i++) {
        qt_worker_task *task = qt_worker_task_new(w, resp->messages[i], arena);
        qt_worker_add_task(w, task);
        task->claim_first = must_claim_first(resp->messages[i]);
        if (task->claim_first) {
            task->claim = QT_CLAIM_ASKED;
            first[first_count++] = task;
        } else {
            qt_task_queue_push(&w->waiting, task);
        }
    }
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    claim_now(w, first, first_count);
}

static void pause_fetching(qt_worker *w, unsigned failures) {
    pthread_mutex_lock(&w->lock);
    if (atomic_load(&w->leasing)) {
        qt_worker_wait(w, &w->room, qt_worker_pause_ms(failures));
    }
    pthread_mutex_unlock(&w->lock);
}

void *qt_worker_fetcher_main(void *worker) {
    qt_worker *w = worker;
    unsigned failures = 0;
    while (atomic_load(&w->leasing)) {
        size_t count = wait_for_room(w);
        if (count == 0) {
            continue;
        }
        qt_shared_arena *arena = qt_shared_arena_new();
        Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
        qt_err err;
        if (lease(w, count, arena, &resp, &err) == QT_OK) {
            failures = 0;
            accept_messages(w, resp, arena);
        } else if (atomic_load(&w->leasing)) {
            failures++;
            qt_worker_count(QT_WORKER_METRIC_CALL_FAILURES, "lease");
            if (failures == 1 || failures % 32 == 0) {
                qt_log_err(WARN, "messages cannot be leased", &err,
                           QT_KV_INT("failures", failures));
            }
            pause_fetching(w, failures);
        }
        qt_shared_arena_unref(arena);
    }
    return NULL;
}
