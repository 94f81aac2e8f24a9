/* The happy path: qt_hub_wait() adds a waiter while the thread is blocked in store.wait(); an
 * entry comes, pass() reads what else is there, answer() ends the waits that got something.
 *
 * `lock` guards what other threads touch, see the struct; everything else belongs to the thread. No
 * callback and no call of the store happens under the lock. */
#include "services/queue-svc/hub.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/wait.h"
#include "services/queue-svc/metrics.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    STARVATION_TURNS = 8,
    MAX_WAITER_BYTES = 4 << 20, /* of payloads; the last one may go over it */
    MAX_READ = 1000,            /* entries of one read */
    MAX_BLOCK_MS = 1000,        /* so that a lost wake-up costs no more */
    ERROR_PAUSE_MS = 100,       /* after a failure of the store */
    ERROR_LOG_EVERY_MS = 10000,
};

typedef struct waiter_list {
    qt_waiter *first;
    qt_waiter *last;
} waiter_list;

struct qt_hub {
    qt_store store;
    qt_hub_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;

    /* under the lock */
    waiter_list incoming;
    bool dirty;             /* something changed since the round began */
    bool idle;              /* the thread waits for `changed` */
    unsigned blocked_types; /* the thread is in store.wait() for these; 0: it is not */
    int64_t blocked_until_ms;
    unsigned paused;
    unsigned pause_version; /* counts qt_hub_set_paused() */
    bool draining;
    bool stopping;

    /* of the thread */
    waiter_list waiting;
    qt_entry_list buffers[QT_QUEUE_TYPES]; /* read, and not handed out yet */
    unsigned turns[QT_QUEUE_TYPES];
    unsigned passes; /* so that each type comes first now and then */
    int64_t next_maintenance_ms;
    int64_t next_error_log_ms;
    bool failing;
    qt_err failure; /* of the store, while failing */
};

/* What one round of the thread works with. */
typedef struct round_view {
    unsigned paused;
    bool draining;
    bool stopping;
} round_view;

static void add_waiter(waiter_list *list, qt_waiter *waiter) {
    waiter->next = NULL;
    if (list->last != NULL) {
        list->last->next = waiter;
    } else {
        list->first = waiter;
    }
    list->last = waiter;
}

int64_t qt_hub_now_ms(const qt_hub *hub) {
    return qt_clock_mono_ms(hub->options.clock);
}

/* Wakes the thread when it would not see the change in time by itself. Under the lock. */
static void wake(qt_hub *hub, bool interrupt) {
    hub->dirty = true;
    if (hub->idle) {
        pthread_cond_signal(&hub->changed);
    } else if (hub->blocked_types != 0 && interrupt) {
        hub->blocked_types = 0; /* once is enough */
        hub->store.ops->interrupt(hub->store.self);
    }
}

void qt_hub_wait(qt_hub *hub, qt_waiter *waiter) {
    waiter->got = (qt_entry_list){0};
    waiter->got_bytes = 0;
    qt_queue_count(QT_QUEUE_METRIC_WAITERS, NULL, 1);
    pthread_mutex_lock(&hub->lock);
    bool other_types = (waiter->types & ~hub->blocked_types) != 0;
    bool too_long = waiter->deadline_ms < hub->blocked_until_ms;
    add_waiter(&hub->incoming, waiter);
    wake(hub, other_types || too_long);
    pthread_mutex_unlock(&hub->lock);
}

unsigned qt_hub_paused(const qt_hub *hub) {
    qt_hub *h = (qt_hub *)(uintptr_t)hub;
    pthread_mutex_lock(&h->lock);
    unsigned paused = h->paused;
    pthread_mutex_unlock(&h->lock);
    return paused;
}

void qt_hub_set_paused(qt_hub *hub, int type, bool paused) {
    pthread_mutex_lock(&hub->lock);
    hub->paused = paused ? hub->paused | 1U << type : hub->paused & ~(1U << type);
    hub->pause_version++;
    wake(hub, true);
    pthread_mutex_unlock(&hub->lock);
}

void qt_hub_drain(qt_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    hub->draining = true;
    wake(hub, true);
    pthread_mutex_unlock(&hub->lock);
}

/* ---- the thread ---- */

static round_view begin_round(qt_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    waiter_list incoming = hub->incoming;
    hub->incoming = (waiter_list){0};
    hub->dirty = false;
    round_view view = {hub->paused, hub->draining, hub->stopping};
    pthread_mutex_unlock(&hub->lock);
    while (incoming.first != NULL) {
        qt_waiter *waiter = incoming.first;
        incoming.first = waiter->next;
        add_waiter(&hub->waiting, waiter);
    }
    return view;
}

static void store_failed(qt_hub *hub, const qt_err *err) {
    int64_t now_ms = qt_hub_now_ms(hub);
    qt_queue_count(QT_QUEUE_METRIC_STORE_ERRORS, NULL, 1);
    if (!hub->failing || now_ms >= hub->next_error_log_ms) {
        qt_log_err(ERROR, "the streams cannot be read", err);
        hub->next_error_log_ms = now_ms + ERROR_LOG_EVERY_MS;
    }
    hub->failing = true;
    hub->failure = *err;
}

static void store_succeeded(qt_hub *hub) {
    if (hub->failing) {
        hub->failing = false;
        qt_log(INFO, "the streams can be read again");
    }
}

/* Moves what was read to the buffers. */
static void buffer(qt_hub *hub, qt_entry_list *list) {
    int64_t now_ms = qt_hub_now_ms(hub);
    qt_entry *entry;
    while ((entry = qt_entry_list_pop(list)) != NULL) {
        entry->read_ms = now_ms;
        qt_entry_list_push(&hub->buffers[qt_stream_type(entry->stream)], entry);
    }
}

static size_t room_of(const qt_waiter *waiter, int type) {
    bool wants = (waiter->types & 1U << type) != 0 && waiter->got_bytes < MAX_WAITER_BYTES;
    return wants ? waiter->max_count - waiter->got.count : 0;
}

/* How many entries of a type could be handed out. */
static size_t demand_of(const qt_hub *hub, int type) {
    size_t demand = 0;
    for (const qt_waiter *w = hub->waiting.first; w != NULL && demand < MAX_READ; w = w->next) {
        demand += room_of(w, type);
    }
    return demand < MAX_READ ? demand : MAX_READ;
}

/* Hands the buffer of a type to the waiters, first come, first served. */
static void hand_out(qt_hub *hub, int type) {
    qt_entry_list *ready = &hub->buffers[type];
    for (qt_waiter *w = hub->waiting.first; w != NULL && ready->count > 0; w = w->next) {
        bool gone = w->gone(w);
        while (!gone && ready->count > 0 && room_of(w, type) > 0) {
            w->got_bytes += ready->first->payload_len;
            qt_entry_list_push(&w->got, qt_entry_list_pop(ready));
        }
    }
}

/* Bands in the order of this turn: high first, but now and then another one. */
static const qt_band *band_order(unsigned turn) {
    static const qt_band orders[3][QT_QUEUE_BANDS] = {
        {QT_BAND_HIGH, QT_BAND_NORMAL, QT_BAND_LOW},
        {QT_BAND_LOW, QT_BAND_NORMAL, QT_BAND_HIGH},
        {QT_BAND_NORMAL, QT_BAND_LOW, QT_BAND_HIGH},
    };
    if (turn % STARVATION_TURNS != STARVATION_TURNS - 1) {
        return orders[0];
    }
    return orders[1 + turn / STARVATION_TURNS % 2];
}

/* Reads a type band by band until the demand is met. */
static qt_code read_type(qt_hub *hub, int type, qt_err *err) {
    const qt_band *order = band_order(hub->turns[type]);
    size_t before = hub->buffers[type].count;
    for (int i = 0; i < QT_QUEUE_BANDS; i++) {
        size_t demand = demand_of(hub, type);
        if (demand <= hub->buffers[type].count) {
            break;
        }
        qt_entry_list list = {0};
        qt_code code = hub->store.ops->read(hub->store.self, qt_stream_of(type, order[i]),
                                            demand - hub->buffers[type].count, &list, err);
        buffer(hub, &list);
        QT_TRY(code);
    }
    hub->turns[type] += hub->buffers[type].count > before ? 1 : 0;
    return QT_OK;
}

/* Reads and hands out, type by type. */
static qt_code pass(qt_hub *hub, unsigned types, qt_err *err) {
    unsigned first = hub->passes++;
    for (unsigned i = 0; i < QT_QUEUE_TYPES; i++) {
        int type = (int)((first + i) % QT_QUEUE_TYPES);
        if ((types & 1U << type) == 0 || demand_of(hub, type) == 0) {
            continue;
        }
        qt_code code = read_type(hub, type, err);
        hand_out(hub, type);
        QT_TRY(code);
    }
    return QT_OK;
}

static void count_delivered(const qt_entry_list *list) {
    unsigned counts[QT_STREAMS] = {0};
    for (const qt_entry *e = list->first; e != NULL; e = e->next) {
        counts[e->stream]++;
    }
    for (int stream = 0; stream < QT_STREAMS && list->count > 0; stream++) {
        qt_queue_count(QT_QUEUE_METRIC_DELIVERED, qt_stream_name(stream), counts[stream]);
    }
}

static void finish(qt_waiter *waiter, const qt_err *err) {
    qt_entry_list got = waiter->got;
    waiter->got = (qt_entry_list){0};
    count_delivered(&got);
    qt_queue_count(QT_QUEUE_METRIC_WAITERS, NULL, -1);
    waiter->done(waiter, &got, err);
    qt_entry_list_done(&got);
}

/* The caller is gone: what was read for it goes to the next one. */
static void give_back(qt_hub *hub, qt_waiter *waiter) {
    for (int type = QT_QUEUE_TYPES - 1; type >= 0 && waiter->got.count > 0; type--) {
        qt_entry_list mine = {0};
        qt_entry_list rest = {0};
        qt_entry *entry;
        while ((entry = qt_entry_list_pop(&waiter->got)) != NULL) {
            qt_entry_list_push(qt_stream_type(entry->stream) == type ? &mine : &rest, entry);
        }
        qt_entry_list_prepend(&hub->buffers[type], &mine);
        waiter->got = rest;
    }
}

/* Ends the waits that got something, whose time is over, or whose caller is gone. Returns whether
 * entries came back that another waiter may want. */
static bool answer(qt_hub *hub, bool all) {
    int64_t now_ms = qt_hub_now_ms(hub);
    waiter_list keep = {0};
    bool came_back = false;
    qt_waiter *next;
    for (qt_waiter *w = hub->waiting.first; w != NULL; w = next) {
        next = w->next;
        bool late = all || now_ms >= w->deadline_ms;
        if (w->gone(w)) {
            came_back = came_back || w->got.count > 0;
            give_back(hub, w);
            finish(w, NULL);
        } else if (w->got.count > 0) {
            finish(w, NULL);
        } else if (late) {
            finish(w, hub->failing ? &hub->failure : NULL);
        } else {
            add_waiter(&keep, w);
        }
    }
    hub->waiting = keep;
    return came_back;
}

/* Entries that nobody came for are dropped before reclaim() may give them to somebody else. */
static void drop_old(qt_hub *hub) {
    int64_t limit_ms = qt_hub_now_ms(hub) - hub->options.buffer_ms;
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        qt_entry_list fresh = {0};
        qt_entry *entry;
        while ((entry = qt_entry_list_pop(&hub->buffers[type])) != NULL) {
            if (entry->read_ms < limit_ms) {
                free(entry);
            } else {
                qt_entry_list_push(&fresh, entry);
            }
        }
        hub->buffers[type] = fresh;
    }
}

static unsigned wanted_types(const qt_hub *hub, unsigned paused) {
    unsigned types = 0;
    for (const qt_waiter *w = hub->waiting.first; w != NULL; w = w->next) {
        types |= w->types;
    }
    return types & ~paused;
}

static qt_code reclaim(qt_hub *hub, unsigned types, qt_err *err) {
    for (int stream = 0; stream < QT_STREAMS; stream++) {
        size_t demand = demand_of(hub, qt_stream_type(stream));
        if ((types & 1U << qt_stream_type(stream)) == 0 || demand == 0) {
            continue;
        }
        qt_entry_list list = {0};
        qt_code code = hub->store.ops->reclaim(hub->store.self, stream, demand, &list, err);
        if (list.count > 0) {
            qt_queue_count(QT_QUEUE_METRIC_RECLAIMED, qt_stream_name(stream), (double)list.count);
            qt_log(WARN, "entries were never acknowledged and are delivered again",
                   QT_KV_STR("stream", qt_stream_name(stream)), QT_KV_INT("count", list.count));
        }
        buffer(hub, &list);
        QT_TRY(code);
    }
    return QT_OK;
}

static qt_code maintain(qt_hub *hub, round_view *view, qt_err *err) {
    if (qt_hub_now_ms(hub) < hub->next_maintenance_ms) {
        return QT_OK;
    }
    hub->next_maintenance_ms = qt_hub_now_ms(hub) + hub->options.maintenance_ms;
    drop_old(hub);
    pthread_mutex_lock(&hub->lock);
    unsigned version = hub->pause_version;
    pthread_mutex_unlock(&hub->lock);
    unsigned paused = 0;
    QT_TRY(hub->store.ops->maintain(hub->store.self, &paused, err));
    pthread_mutex_lock(&hub->lock);
    /* a change that was made meanwhile is newer than what the store said */
    paused = hub->paused = version == hub->pause_version ? paused : hub->paused;
    pthread_mutex_unlock(&hub->lock);
    view->paused = paused;
    return reclaim(hub, wanted_types(hub, paused), err);
}

/* When something is due at the latest. */
static int64_t next_event_ms(const qt_hub *hub) {
    int64_t event_ms = hub->next_maintenance_ms;
    for (const qt_waiter *w = hub->waiting.first; w != NULL; w = w->next) {
        event_ms = w->deadline_ms < event_ms ? w->deadline_ms : event_ms;
    }
    return event_ms;
}

/* Sleeps until the time, or until something changes. */
static void idle(qt_hub *hub, int64_t until_ms) {
    const struct timespec at = qt_cond_deadline(until_ms - qt_hub_now_ms(hub));
    pthread_mutex_lock(&hub->lock);
    hub->idle = true;
    while (!hub->dirty) {
        if (pthread_cond_timedwait(&hub->changed, &hub->lock, &at) != 0) {
            break;
        }
    }
    hub->idle = false;
    pthread_mutex_unlock(&hub->lock);
}

static unsigned streams_of(unsigned types) {
    unsigned streams = 0;
    for (int stream = 0; stream < QT_STREAMS; stream++) {
        streams |= (types & 1U << qt_stream_type(stream)) != 0 ? 1U << stream : 0;
    }
    return streams;
}

/* Never more than any of the wanted types can take. */
static size_t block_count(const qt_hub *hub, unsigned types) {
    size_t count = MAX_READ;
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        size_t demand = (types & 1U << type) != 0 ? demand_of(hub, type) : count;
        count = demand < count ? demand : count;
    }
    return count;
}

/* Whether blocking is right: nothing has changed since the round began. */
static bool begin_block(qt_hub *hub, unsigned types, int64_t until_ms) {
    pthread_mutex_lock(&hub->lock);
    bool ok = !hub->dirty;
    if (ok) {
        hub->blocked_types = types;
        hub->blocked_until_ms = until_ms;
    }
    pthread_mutex_unlock(&hub->lock);
    return ok;
}

static void end_block(qt_hub *hub) {
    pthread_mutex_lock(&hub->lock);
    hub->blocked_types = 0;
    pthread_mutex_unlock(&hub->lock);
}

/* Waits for entries of the types; *ret_types: of which some came. */
static qt_code block(qt_hub *hub, unsigned types, unsigned *ret_types, qt_err *err) {
    int64_t now_ms = qt_hub_now_ms(hub);
    int64_t until_ms = next_event_ms(hub);
    until_ms = until_ms < now_ms + MAX_BLOCK_MS ? until_ms : now_ms + MAX_BLOCK_MS;
    if (until_ms <= now_ms || !begin_block(hub, types, until_ms)) {
        return QT_OK;
    }
    qt_entry_list list = {0};
    qt_code code = hub->store.ops->wait(hub->store.self, streams_of(types), block_count(hub, types),
                                        until_ms - now_ms, &list, err);
    end_block(hub);
    for (const qt_entry *e = list.first; e != NULL; e = e->next) {
        *ret_types |= 1U << qt_stream_type(e->stream);
    }
    buffer(hub, &list);
    return code;
}

/* A pass over the types, then a wait when that found nothing. */
static qt_code deliver(qt_hub *hub, const round_view *view, unsigned types, qt_err *err) {
    qt_code code = pass(hub, types, err);
    bool came_back = answer(hub, false);
    QT_TRY(code);
    types &= wanted_types(hub, view->paused);
    if (came_back || types == 0) {
        return QT_OK;
    }
    unsigned found = 0;
    QT_TRY(block(hub, types, &found, err));
    /* the wait returns with the first entry of a burst: take the rest along */
    code = pass(hub, found, err);
    answer(hub, false);
    return code;
}

static qt_code run_round(qt_hub *hub, round_view *view, qt_err *err) {
    QT_TRY(maintain(hub, view, err));
    unsigned types = wanted_types(hub, view->paused);
    if (view->draining) {
        answer(hub, true);
    }
    if (types == 0 || view->draining) {
        answer(hub, false);
        idle(hub, next_event_ms(hub));
        return QT_OK;
    }
    QT_TRY(deliver(hub, view, types, err));
    store_succeeded(hub);
    return QT_OK;
}

static void *run(void *arg) {
    qt_hub *hub = arg;
    for (;;) {
        qt_err err;
        round_view view = begin_round(hub);
        if (view.stopping) {
            break;
        }
        if (run_round(hub, &view, &err) != QT_OK) {
            store_failed(hub, &err);
            answer(hub, false);
            idle(hub, qt_hub_now_ms(hub) + ERROR_PAUSE_MS);
        }
    }
    answer(hub, true);
    return NULL;
}

qt_code qt_hub_new(const qt_store *store, const qt_hub_options *options, qt_hub **ret_hub,
                   qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_hub), &memory, err));
    qt_hub *hub = memory;
    hub->store = *store;
    hub->options = *options;
    hub->options.clock = options->clock != NULL ? options->clock : qt_clock_system();
    pthread_mutex_init(&hub->lock, NULL);
    qt_cond_init(&hub->changed);
    if (pthread_create(&hub->thread, NULL, run, hub) != 0) {
        pthread_cond_destroy(&hub->changed);
        pthread_mutex_destroy(&hub->lock);
        free(hub);
        return qt_fail(err, OUT_OF_MEMORY, "no thread to read the streams");
    }
    *ret_hub = hub;
    return QT_OK;
}

void qt_hub_free(qt_hub *hub) {
    if (hub == NULL) {
        return;
    }
    pthread_mutex_lock(&hub->lock);
    hub->stopping = true;
    wake(hub, true);
    pthread_mutex_unlock(&hub->lock);
    pthread_join(hub->thread, NULL);
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        qt_entry_list_done(&hub->buffers[type]);
    }
    pthread_cond_destroy(&hub->changed);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}
