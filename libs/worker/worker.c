/* Life of a worker: start the threads, drain, join. */
#include "worker/internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/wait.h"
#include "worker/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum {
    FLUSH_MS = 5000,      /* for the last outcomes and acknowledgements */
    LAST_FLUSH_MS = 1000, /* and once more when all runners are through */
    FIRST_MEAN_MS = 1000, /* until the first tasks show what they take: none is leased ahead */
};

int64_t qt_worker_now_ms(const qt_worker *w) {
    return qt_clock_mono_ms(w->clock);
}

void qt_worker_wait(qt_worker *w, pthread_cond_t *cond, int64_t wait_ms) {
    const struct timespec at = qt_cond_deadline(wait_ms);
    pthread_cond_timedwait(cond, &w->lock, &at);
}

static uint32_t random_number(void) {
    uint32_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
        bits = (uint32_t)qt_clock_mono_us(qt_clock_system());
    }
    return bits;
}

int64_t qt_worker_pause_ms(unsigned failures) {
    unsigned doublings = failures < 7 ? failures - 1 : 6;
    int64_t pause_ms = (int64_t)QT_WORKER_PAUSE_MIN_MS << doublings;
    pause_ms = pause_ms < QT_WORKER_PAUSE_MAX_MS ? pause_ms : QT_WORKER_PAUSE_MAX_MS;
    return pause_ms / 2 + (int64_t)(random_number() % (uint32_t)(pause_ms / 2));
}

bool qt_worker_is_passing(const qt_err *err) {
    switch (err->code) {
    case QT_UNAVAILABLE:
    case QT_DEADLINE_EXCEEDED:
    case QT_CANCELLED:
    case QT_ABORTED:
    case QT_UNIMPLEMENTED: /* a server that is older than this worker, for a while */
        return true;
    case QT_RESOURCE_EXHAUSTED:
        return err->reason != QT_REASON_MESSAGE_TOO_LARGE &&
               err->reason != QT_REASON_RESULT_TOO_LARGE;
    case QT_OK:
    case QT_INVALID_ARGUMENT:
    case QT_NOT_FOUND:
    case QT_ALREADY_EXISTS:
    case QT_PERMISSION_DENIED:
    case QT_FAILED_PRECONDITION:
    case QT_OUT_OF_RANGE:
    case QT_DATA_LOSS:
    case QT_UNAUTHENTICATED:
    case QT_INTERNAL:
    case QT_UNKNOWN:
    default:
        return false;
    }
}

const char *qt_worker_id(const qt_worker *w) {
    return w->id;
}

static void each_cond(qt_worker *w, void (*fn)(pthread_cond_t *cond)) {
    pthread_cond_t *conds[] = {&w->work, &w->room, &w->outcome, &w->task, &w->tick, &w->gone};
    for (size_t i = 0; i < QT_ARRAY_LEN(conds); i++) {
        fn(conds[i]);
    }
}

static void cond_destroy(pthread_cond_t *cond) {
    pthread_cond_destroy(cond);
}

static void cond_broadcast(pthread_cond_t *cond) {
    pthread_cond_broadcast(cond);
}

static qt_code start_thread(pthread_t *thread, void *(*main_fn)(void *), qt_worker *w,
                            qt_err *err) {
    int failed = pthread_create(thread, NULL, main_fn, w);
    return failed == 0 ? QT_OK : qt_fail(err, OUT_OF_MEMORY, "a thread: %s", strerror(failed));
}

static qt_code start(qt_worker *w, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_try_calloc(w->options.threads, sizeof(pthread_t), &memory, err));
    w->runners = memory;
    QT_TRY(qt_try_calloc(w->options.threads, sizeof(int64_t), &memory, err));
    w->run_since_ms = memory;
    QT_TRY(start_thread(&w->clerk, qt_worker_clerk_main, w, err));
    if (start_thread(&w->completer, qt_worker_completer_main, w, err) != QT_OK) {
        abort(); /* a thread that cannot be undone half-way: the process has none left */
    }
    while (w->runner_count < w->options.threads) {
        if (start_thread(&w->runners[w->runner_count], qt_worker_runner_main, w, err) != QT_OK) {
            abort();
        }
        w->runner_count++;
    }
    if (start_thread(&w->fetcher, qt_worker_fetcher_main, w, err) != QT_OK) {
        abort();
    }
    w->started = true;
    return QT_OK;
}

static void make_id(qt_worker *w) {
    char host[64] = "host";
    gethostname(host, sizeof host - 1);
    snprintf(w->id, sizeof w->id, "%.30s-%.60s-%d-%08x",
             w->options.name != NULL ? w->options.name : "worker", host, (int)getpid(),
             random_number());
}

qt_code qt_worker_new(const qt_worker_options *options, const qt_worker_runner *runner,
                      const qt_worker_port *port, qt_worker **ret_worker, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_worker), &memory, err));
    qt_worker *w = memory;
    w->options = *options;
    w->runner = *runner;
    w->port = *port;
    w->clock = qt_clock_system();
    w->mean_ms = FIRST_MEAN_MS;
    atomic_init(&w->leasing, options->threads > 0);
    pthread_mutex_init(&w->lock, NULL);
    each_cond(w, qt_cond_init);
    make_id(w);
    qt_code code = options->threads > 0 ? start(w, err) : QT_OK;
    if (code != QT_OK) {
        qt_worker_free(w);
        return code;
    }
    qt_worker_metrics_show(w);
    *ret_worker = w;
    return QT_OK;
}

/* Waits until no task is left, at most that long. */
static bool wait_for_end(qt_worker *w, int64_t wait_ms) {
    int64_t end_ms = qt_worker_now_ms(w) + wait_ms;
    pthread_mutex_lock(&w->lock);
    for (int64_t left_ms = wait_ms; w->task_count > 0 && left_ms > 0;
         left_ms = end_ms - qt_worker_now_ms(w)) {
        qt_worker_wait(w, &w->gone, left_ms);
    }
    bool is_empty = w->task_count == 0;
    pthread_mutex_unlock(&w->lock);
    return is_empty;
}

static void stop_all_tasks(qt_worker *w) {
    pthread_mutex_lock(&w->lock);
    for (qt_worker_task *t = w->all; t != NULL; t = t->next) {
        qt_worker_stop_task(t, QT_STOP_DRAIN);
    }
    pthread_mutex_unlock(&w->lock);
}

static void stop_threads(qt_worker *w) {
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    w->stop_end_ms = qt_worker_now_ms(w) + LAST_FLUSH_MS;
    each_cond(w, cond_broadcast);
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->runner_count; i++) {
        pthread_join(w->runners[i], NULL);
    }
    pthread_join(w->clerk, NULL);
    pthread_mutex_lock(&w->lock);
    w->finishing = true;
    pthread_cond_broadcast(&w->outcome);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->completer, NULL);
}

void qt_worker_drain(qt_worker *w, int64_t grace_ms) {
    if (!w->started || w->drained) {
        return;
    }
    w->drained = true;
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->leasing, false);
    pthread_cond_broadcast(&w->room);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->fetcher, NULL);
    pthread_mutex_lock(&w->lock);
    w->draining = true;
    pthread_cond_broadcast(&w->tick);
    pthread_mutex_unlock(&w->lock);
    if (!wait_for_end(w, grace_ms)) {
        stop_all_tasks(w);
        if (!wait_for_end(w, FLUSH_MS)) {
            qt_log(WARN, "tasks are left behind; their leases will end");
        }
    }
    stop_threads(w);
}

static void free_rest(qt_worker *w) {
    while (w->all != NULL) {
        qt_worker_task *task = w->all;
        qt_worker_remove_task(w, task);
        qt_worker_task_free(task);
    }
    for (size_t i = 0; i < w->acks.count; i++) {
        free(w->acks.items[i].stream);
        free(w->acks.items[i].entry_id);
    }
    free(w->acks.items);
    free(w->runners);
    free(w->run_since_ms);
}

void qt_worker_free(qt_worker *w) {
    if (w == NULL) {
        return;
    }
    qt_worker_drain(w, 0);
    qt_worker_metrics_hide(w);
    free_rest(w);
    each_cond(w, cond_destroy);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
