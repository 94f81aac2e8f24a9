/* Waiters hang in a hash table by task id. The thread takes those that are to be looked at (new,
 * woken, timed out, due for a poll), reads their tasks, and answers or leaves them. They stay in
 * the table meanwhile, so that no wake-up is lost. */
#include "services/task-svc/hub.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "services/task-svc/codec.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { BUCKETS = 4096, MAX_WAITERS = 50000, READ_BATCH = 100, TICK_MS = 100 };

typedef struct waiter {
    struct waiter *next; /* in its bucket */
    qt_rpc_ctx *ctx;
    qt_uuid id;
    int64_t end_ms;
    int64_t looked_ms; /* 0: never */
    bool is_woken;
} waiter;

struct qt_hub {
    qt_reader *reader;
    int64_t poll_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    waiter *buckets[BUCKETS];
    size_t count;
    bool is_woken;
    bool is_draining;
    bool is_stopping;
};

static int64_t now_ms(void) {
    return qt_clock_mono_ms(qt_clock_system());
}

static waiter **bucket_of(qt_hub *hub, const qt_uuid *id) {
    return &hub->buckets[qt_uuid_hash(id) % BUCKETS];
}

static void put(qt_hub *hub, waiter *w) {
    waiter **bucket = bucket_of(hub, &w->id);
    w->next = *bucket;
    *bucket = w;
    hub->count++;
}

qt_code qt_hub_wait(qt_hub *hub, qt_rpc_ctx *ctx, const qt_uuid *id, int64_t timeout_ms,
                    qt_err *err) {
    waiter *w = qt_xcalloc(1, sizeof *w);
    w->ctx = ctx;
    w->id = *id;
    w->end_ms = now_ms() + timeout_ms;
    w->is_woken = true; /* it may be final already */
    pthread_mutex_lock(&hub->lock);
    bool is_full = hub->count >= MAX_WAITERS;
    if (!is_full) {
        put(hub, w);
        hub->is_woken = true;
        pthread_cond_signal(&hub->changed);
    }
    pthread_mutex_unlock(&hub->lock);
    if (is_full) {
        free(w);
        (void)qt_fail(err, OVERLOADED, "too many calls wait for tasks");
        err->retry_after_ms = 1000;
        return err->code;
    }
    return QT_OK;
}

void qt_hub_final(qt_hub *hub, const qt_uuid *id) {
    pthread_mutex_lock(&hub->lock);
    for (waiter *w = *bucket_of(hub, id); w != NULL; w = w->next) {
        if (qt_uuid_compare(&w->id, id) == 0 && !w->is_woken) {
            w->is_woken = true;
            hub->is_woken = true;
            pthread_cond_signal(&hub->changed);
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

size_t qt_hub_count(qt_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    size_t count = hub->count;
    pthread_mutex_unlock(&hub->lock);
    return count;
}

void qt_hub_drain(qt_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    hub->is_draining = true;
    hub->is_woken = true;
    pthread_cond_signal(&hub->changed);
    pthread_mutex_unlock(&hub->lock);
}

/* ---- the thread ---- */

static bool is_over(const qt_hub *hub, const waiter *w, int64_t now) {
    return hub->is_draining || now >= w->end_ms;
}

static bool wants_look(const qt_hub *hub, const waiter *w, int64_t now) {
    return w->is_woken || is_over(hub, w, now) || now - w->looked_ms >= hub->poll_ms ||
           qt_rpc_cancelled(w->ctx);
}

/* Lists up to READ_BATCH waiters that are to be looked at. */
static size_t take(qt_hub *hub, waiter *taken[READ_BATCH]) {
    size_t count = 0;
    int64_t now = now_ms();
    for (size_t b = 0; b < BUCKETS && hub->count > 0 && count < READ_BATCH; b++) {
        for (waiter *w = hub->buckets[b]; w != NULL && count < READ_BATCH; w = w->next) {
            if (wants_look(hub, w, now)) {
                w->is_woken = false;
                w->looked_ms = now;
                taken[count++] = w;
            }
        }
    }
    return count;
}

static void unlink_waiter(qt_hub *hub, const waiter *w) {
    waiter **at = bucket_of(hub, &w->id);
    while (*at != w) {
        at = &(*at)->next;
    }
    *at = w->next;
    hub->count--;
}

static void answer(waiter *w, const qt_row *row) {
    qt_err err;
    Qtaskdist__V1__Task *task = NULL;
    qt_code code = QT_OK;
    if (row->state == QT_TASK_NONE) {
        char id[QT_UUID_TEXT_BYTES];
        qt_uuid_format(&w->id, id);
        code = qt_fail(&err, TASK_NOT_FOUND, "no task %s", id);
    } else {
        code = qt_task_from_row(qt_rpc_arena(w->ctx), row, false, &task, &err);
    }
    if (code == QT_OK) {
        qt_rpc_reply(w->ctx, &task->base);
    } else {
        qt_rpc_fail(w->ctx, &err);
    }
    free(w);
}

/* Keeps those of the list that are final or over, out of the table; the others wait on. */
static size_t select_over(qt_hub *hub, waiter **taken, const bool *is_final, size_t count) {
    size_t kept = 0;
    int64_t now = now_ms();
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < count; i++) {
        waiter *w = taken[i];
        if (is_final[i] || is_over(hub, w, now) || qt_rpc_cancelled(w->ctx)) {
            unlink_waiter(hub, w);
            taken[kept++] = w;
        }
    }
    pthread_mutex_unlock(&hub->lock);
    return kept;
}

static void fail_all(waiter **taken, size_t count, const qt_err *err) {
    for (size_t i = 0; i < count; i++) {
        qt_rpc_fail(taken[i]->ctx, err);
        free(taken[i]);
    }
}

static void ids_of(waiter *const *taken, size_t count, qt_uuid *ids) {
    for (size_t i = 0; i < count; i++) {
        ids[i] = taken[i]->id;
    }
}

static void look(qt_hub *hub, waiter **taken, size_t count) {
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    bool is_final[READ_BATCH] = {false};
    qt_uuid ids[READ_BATCH];
    qt_row rows[READ_BATCH];
    qt_err err;
    ids_of(taken, count, ids);
    if (qt_reader_are_final(hub->reader, ids, count, is_final, &err) != QT_OK) {
        /* the store may come back before the call is over */
        count = select_over(hub, taken, is_final, count);
        fail_all(taken, count, &err);
        return;
    }
    count = select_over(hub, taken, is_final, count);
    if (count == 0) {
        return;
    }
    ids_of(taken, count, ids);
    if (qt_reader_get(hub->reader, ids, count, &arena, rows, &err) != QT_OK) {
        fail_all(taken, count, &err);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        answer(taken[i], &rows[i]);
    }
}

static void wait_tick(qt_hub *hub) {
    const struct timespec end = qt_cond_deadline(TICK_MS);
    int rc = 0;
    while (!hub->is_woken && !hub->is_stopping && (hub->count == 0 || rc != ETIMEDOUT)) {
        rc = hub->count == 0 ? pthread_cond_wait(&hub->changed, &hub->lock)
                             : pthread_cond_timedwait(&hub->changed, &hub->lock, &end);
    }
    hub->is_woken = false;
}

static void *hub_main(void *arg) {
    qt_hub *hub = arg;
    pthread_mutex_lock(&hub->lock);
    while (!hub->is_stopping) {
        waiter *taken[READ_BATCH];
        wait_tick(hub);
        size_t count = take(hub, taken);
        if (count == READ_BATCH) {
            hub->is_woken = true; /* there may be more */
        }
        pthread_mutex_unlock(&hub->lock);
        if (count > 0) {
            look(hub, taken, count);
        }
        pthread_mutex_lock(&hub->lock);
    }
    pthread_mutex_unlock(&hub->lock);
    return NULL;
}

qt_code qt_hub_new(qt_reader *reader, int64_t poll_ms, qt_hub **ret_hub, qt_err *err) {
    qt_hub *hub = qt_xcalloc(1, sizeof *hub);
    hub->reader = reader;
    hub->poll_ms = poll_ms;
    pthread_mutex_init(&hub->lock, NULL);
    qt_cond_init(&hub->changed);
    if (pthread_create(&hub->thread, NULL, hub_main, hub) != 0) {
        free(hub);
        return qt_fail(err, OUT_OF_MEMORY, "no thread for the hub");
    }
    *ret_hub = hub;
    return QT_OK;
}

void qt_hub_free(qt_hub *hub) {
    if (hub == NULL) {
        return;
    }
    pthread_mutex_lock(&hub->lock);
    hub->is_stopping = true;
    pthread_cond_signal(&hub->changed);
    pthread_mutex_unlock(&hub->lock);
    pthread_join(hub->thread, NULL);
    qt_err err;
    (void)qt_fail(&err, SHUTTING_DOWN, "the service stops");
    for (size_t b = 0; b < BUCKETS; b++) {
        while (hub->buckets[b] != NULL) {
            waiter *w = hub->buckets[b];
            hub->buckets[b] = w->next;
            fail_all(&w, 1, &err);
        }
    }
    pthread_cond_destroy(&hub->changed);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}
