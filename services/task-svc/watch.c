/* The thread's round: read what is new into the ring, if anybody watches; then give each watcher
 * that is not sending its next event. A watcher lives in its call's arena and is unlinked, and its
 * call ended, by the thread only. */
#include "services/task-svc/watch.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "qtaskdist/v1/task_requests.pb-c.h"
#include "services/task-svc/codec.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { RING_EVENTS = 32768, PAGE_EVENTS = 500, IDLE_MS = 1000 };

typedef struct watcher {
    struct watcher *next;
    struct qt_watch *watch;
    qt_rpc_ctx *ctx;
    qt_watch_filter filter;
    int64_t project_key;
    bool has_begun;     /* `seen` is set, the first response was sent */
    qt_change_key seen; /* the last event that it was given or that is not for it */
    atomic_bool is_sending;
    atomic_bool is_gone;
} watcher;

struct qt_watch {
    qt_watch_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    watcher *watchers;
    size_t count;
    bool is_woken;    /* something was committed here */
    bool has_news;    /* a watcher came, may go on or is gone */
    bool is_draining; /* all streams end */
    bool is_stopping;

    /* The thread's. */
    bool is_reading;    /* the ring follows the store */
    bool is_read_due;   /* there may be something new in the store */
    int64_t read_ms;    /* when it was read last */
    qt_change_key read; /* the last event that was read */
    qt_change *ring[RING_EVENTS];
    size_t first, events; /* events in the ring, from ring[first % RING_EVENTS] */
    qt_change_key base;   /* all events behind it are in the ring */
};

static int64_t now_ms(void) {
    return qt_clock_mono_ms(qt_clock_system());
}

static int compare_keys(const qt_change_key *a, const qt_change_key *b) {
    if (a->xact != b->xact) {
        return a->xact < b->xact ? -1 : 1;
    }
    int order = qt_uuid_compare(&a->id, &b->id);
    if (order != 0) {
        return order;
    }
    return (a->version > b->version) - (a->version < b->version);
}

static qt_change_key key_before(int64_t xact) {
    return (qt_change_key){.xact = xact};
}

/* ---- calls from outside ---- */

static void tell(qt_watch *watch) {
    pthread_mutex_lock(&watch->lock);
    watch->has_news = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

static void on_cancel(void *arg) {
    watcher *w = arg;
    qt_watch *watch = w->watch;
    atomic_store(&w->is_gone, true);
    tell(watch);
}

static void on_sent(void *arg, bool ok) {
    watcher *w = arg;
    qt_watch *watch = w->watch;
    if (!ok) {
        atomic_store(&w->is_gone, true);
    }
    atomic_store(&w->is_sending, false);
    tell(watch);
}

qt_code qt_watch_add(qt_watch *watch, qt_rpc_ctx *ctx, const qt_watch_filter *filter, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(watcher), &memory, err));
    watcher *w = memory;
    w->watch = watch;
    w->ctx = ctx;
    w->filter = *filter;
    pthread_mutex_lock(&watch->lock);
    bool is_full = watch->count >= (size_t)watch->options.max_watchers || watch->is_draining;
    if (!is_full) {
        w->next = watch->watchers;
        watch->watchers = w;
        watch->count++;
    }
    pthread_mutex_unlock(&watch->lock);
    if (is_full) {
        (void)qt_fail(err, OVERLOADED, "too many calls watch tasks");
        err->retry_after_ms = 1000;
        return err->code;
    }
    qt_rpc_on_cancel(ctx, on_cancel, w);
    tell(watch);
    return QT_OK;
}

void qt_watch_wake(qt_watch *watch) {
    pthread_mutex_lock(&watch->lock);
    if (watch->count > 0) {
        watch->is_woken = true;
        pthread_cond_signal(&watch->changed);
    }
    pthread_mutex_unlock(&watch->lock);
}

void qt_watch_drain(qt_watch *watch) {
    pthread_mutex_lock(&watch->lock);
    watch->is_draining = true;
    pthread_mutex_unlock(&watch->lock);
    tell(watch);
}

/* ---- the ring ---- */

static void clear_ring(qt_watch *watch) {
    for (size_t i = 0; i < watch->events; i++) {
        free(watch->ring[(watch->first + i) % RING_EVENTS]);
    }
    watch->first = 0;
    watch->events = 0;
}

static void add_to_ring(qt_watch *watch, qt_change *change) {
    if (watch->events == RING_EVENTS) {
        qt_change *oldest = watch->ring[watch->first];
        watch->base = oldest->key;
        free(oldest);
        watch->first = (watch->first + 1) % RING_EVENTS;
        watch->events--;
    }
    watch->ring[(watch->first + watch->events++) % RING_EVENTS] = change;
}

static qt_change *ring_at(const qt_watch *watch, size_t i) {
    return watch->ring[(watch->first + i) % RING_EVENTS];
}

/* Index of the first event behind the key; watch->events when there is none. */
static size_t find_behind(const qt_watch *watch, const qt_change_key *key) {
    size_t low = 0;
    size_t high = watch->events;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(&ring_at(watch, middle)->key, key) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Reads what was committed behind watch->read. */
static qt_code read_news(qt_watch *watch, qt_err *err) {
    size_t count = PAGE_EVENTS;
    while (count == PAGE_EVENTS) {
        qt_change *page[PAGE_EVENTS];
        QT_TRY(
            qt_reader_changes(watch->options.reader, &watch->read, page, PAGE_EVENTS, &count, err));
        for (size_t i = 0; i < count; i++) {
            watch->read = page[i]->key;
            add_to_ring(watch, page[i]);
        }
    }
    return QT_OK;
}

/* The ring begins now. */
static qt_code begin_reading(qt_watch *watch, qt_err *err) {
    int64_t horizon = 0;
    QT_TRY(qt_reader_horizon(watch->options.reader, &horizon, err));
    clear_ring(watch);
    watch->read = key_before(horizon);
    watch->base = watch->read;
    watch->is_reading = true;
    return QT_OK;
}

static qt_code follow_store(qt_watch *watch, qt_err *err) {
    if (!watch->is_reading) {
        QT_TRY(begin_reading(watch, err));
    } else if (!watch->is_read_due) {
        return QT_OK;
    }
    watch->read_ms = now_ms();
    watch->is_read_due = false;
    return read_news(watch, err);
}

/* ---- a watcher's turn ---- */

static bool wants(const watcher *w, const qt_change *change) {
    if (w->filter.project.p != NULL && w->project_key != change->project_key) {
        return false;
    }
    for (size_t i = 0; i < w->filter.id_count; i++) {
        if (qt_uuid_compare(&w->filter.ids[i], &change->key.id) == 0) {
            return true;
        }
    }
    return w->filter.id_count == 0;
}

static void post(watcher *w, const Qtaskdist__V1__WatchTasksResponse *resp) {
    qt_err err;
    atomic_store(&w->is_sending, true);
    if (qt_rpc_stream_post(w->ctx, &resp->base, on_sent, w, &err) != QT_OK) {
        atomic_store(&w->is_sending, false);
        atomic_store(&w->is_gone, true);
    }
}

/* `is_last`: no other event of this transaction follows. Only then may the client go on behind it;
 * before, it would miss the rest. */
static void send_change(watcher *w, const qt_change *change, bool is_last) {
    Qtaskdist__V1__WatchTasksResponse resp = QTASKDIST__V1__WATCH_TASKS_RESPONSE__INIT;
    Qtaskdist__V1__TaskEvent event = QTASKDIST__V1__TASK_EVENT__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    char id[QT_UUID_TEXT_BYTES];
    qt_uuid_format(&change->key.id, id);
    qt_pb_time_set(change->at_us, &time);
    event.task_id = id;
    event.version = change->key.version;
    event.time = &time;
    event.from = (Qtaskdist__V1__TaskStatus)change->from;
    event.to = (Qtaskdist__V1__TaskStatus)change->to;
    event.reason = (char *)(uintptr_t)change->reason;
    event.attempt = change->attempt;
    resp.event = &event;
    resp.version = is_last ? change->key.xact : change->key.xact - 1;
    post(w, &resp);
}

/* The first response: from where on the stream tells everything. */
static void send_begin(watcher *w, int64_t version, bool resync) {
    Qtaskdist__V1__WatchTasksResponse resp = QTASKDIST__V1__WATCH_TASKS_RESPONSE__INIT;
    resp.resync = resync;
    resp.version = version;
    post(w, &resp);
}

/* The next event for the watcher in the list; `is_end`: no other event is known behind it. Returns
 * whether one was sent. */
static bool give_next(watcher *w, qt_change *const *list, size_t count, bool is_end) {
    for (size_t i = 0; i < count; i++) {
        const qt_change *change = list[i];
        w->seen = change->key;
        if (wants(w, change)) {
            bool is_last = i + 1 < count ? list[i + 1]->key.xact != change->key.xact : is_end;
            send_change(w, change, is_last);
            return true;
        }
    }
    return false;
}

static void give_from_ring(const qt_watch *watch, watcher *w) {
    bool is_sent = false;
    for (size_t at = find_behind(watch, &w->seen); !is_sent && at < watch->events;) {
        qt_change *page[PAGE_EVENTS];
        size_t count = 0;
        while (count < PAGE_EVENTS && at < watch->events) {
            page[count++] = ring_at(watch, at++);
        }
        is_sent = give_next(w, page, count, at == watch->events);
    }
}

static void free_page(qt_change **page, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(page[i]);
    }
}

/* For one that is behind the ring. */
static qt_code give_from_store(qt_watch *watch, watcher *w, qt_err *err) {
    qt_change *page[PAGE_EVENTS];
    size_t count = 0;
    QT_TRY(qt_reader_changes(watch->options.reader, &w->seen, page, PAGE_EVENTS, &count, err));
    bool is_sent = give_next(w, page, count, count < PAGE_EVENTS);
    if (!is_sent && count < PAGE_EVENTS) {
        w->seen = watch->base; /* nothing is left between here and the ring */
    }
    free_page(page, count);
    return QT_OK;
}

/* One that asks for what has not happened yet had seen a store that was restored since. */
static qt_code is_ahead(qt_watch *watch, int64_t version, bool *ret_is_ahead, qt_err *err) {
    int64_t horizon = 0;
    *ret_is_ahead = false;
    if (version <= watch->read.xact) {
        return QT_OK;
    }
    QT_TRY(qt_reader_horizon(watch->options.reader, &horizon, err));
    *ret_is_ahead = version >= horizon;
    return QT_OK;
}

static qt_code begin(qt_watch *watch, watcher *w, qt_err *err) {
    int64_t after = w->filter.after_version;
    bool resync = false;
    if (w->filter.project.p != NULL) {
        QT_TRY(
            qt_reader_project_key(watch->options.reader, w->filter.project, &w->project_key, err));
    }
    QT_TRY(is_ahead(watch, after, &resync, err));
    if (after == 0 || resync) {
        bool is_event = watch->read.version > 0;
        after = is_event ? watch->read.xact : watch->read.xact - 1;
    }
    w->seen = key_before(after + 1);
    w->has_begun = true;
    send_begin(w, after, resync);
    return QT_OK;
}

static qt_code serve(qt_watch *watch, watcher *w, qt_err *err) {
    if (!w->has_begun) {
        return begin(watch, w, err);
    }
    if (compare_keys(&w->seen, &watch->base) >= 0) {
        give_from_ring(watch, w);
        return QT_OK;
    }
    return give_from_store(watch, w, err);
}

/* ---- the thread ---- */

/* Ends the streams that are over, or all when draining. With the lock held. */
static void end_gone(qt_watch *watch, bool all) {
    qt_err err;
    (void)qt_fail(&err, SHUTTING_DOWN, "the service stops; watch again");
    for (watcher **at = &watch->watchers; *at != NULL;) {
        watcher *w = *at;
        bool is_over = all || atomic_load(&w->is_gone);
        if (!is_over || atomic_load(&w->is_sending)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        watch->count--;
        qt_rpc_fail(w->ctx, &err);
    }
}

/* Only this thread takes watchers off the list, so it may walk it without the lock. */
static void serve_all(qt_watch *watch, watcher *first) {
    qt_err err;
    if (first != NULL && follow_store(watch, &err) != QT_OK) {
        qt_log_err(WARN, "changes cannot be read", &err);
        return; /* the next round tries again */
    }
    for (watcher *w = first; w != NULL; w = w->next) {
        if (atomic_load(&w->is_sending) || atomic_load(&w->is_gone)) {
            continue;
        }
        if (serve(watch, w, &err) != QT_OK) {
            qt_log_err(WARN, "changes cannot be read", &err);
            return;
        }
    }
}

static bool is_due(const qt_watch *watch) {
    return watch->is_woken || watch->has_news || watch->is_stopping;
}

/* Waits for news, or until other replicas may have written something. With the lock held. */
static void wait_round(qt_watch *watch) {
    const struct timespec end =
        qt_cond_deadline(watch->count > 0 ? watch->options.poll_ms : IDLE_MS);
    int rc = 0;
    while (!is_due(watch) && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&watch->changed, &watch->lock, &end);
    }
    watch->is_read_due |= watch->is_woken || now_ms() - watch->read_ms >= watch->options.poll_ms;
    watch->is_woken = false;
    watch->has_news = false;
}

static void *watch_main(void *arg) {
    qt_watch *watch = arg;
    pthread_mutex_lock(&watch->lock);
    while (!watch->is_stopping) {
        wait_round(watch);
        end_gone(watch, watch->is_draining);
        watcher *first = watch->watchers;
        watch->is_reading = watch->is_reading && first != NULL;
        pthread_mutex_unlock(&watch->lock);
        serve_all(watch, first);
        pthread_mutex_lock(&watch->lock);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

qt_code qt_watch_new(const qt_watch_options *options, qt_watch **ret_watch, qt_err *err) {
    qt_watch *watch = qt_xcalloc(1, sizeof *watch);
    watch->options = *options;
    pthread_mutex_init(&watch->lock, NULL);
    qt_cond_init(&watch->changed);
    if (pthread_create(&watch->thread, NULL, watch_main, watch) != 0) {
        free(watch);
        return qt_fail(err, OUT_OF_MEMORY, "no thread for watchers");
    }
    *ret_watch = watch;
    return QT_OK;
}

void qt_watch_free(qt_watch *watch) {
    if (watch == NULL) {
        return;
    }
    pthread_mutex_lock(&watch->lock);
    watch->is_stopping = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    clear_ring(watch);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}
