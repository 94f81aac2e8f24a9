#include "services/task-svc/sender.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/wait.h"
#include "qtaskdist/v1/queue_service.rpc.h"
#include "services/task-svc/codec.h"
#include "services/task-svc/metrics.h"
#include "task/retry.h"
#include "trace/trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ENTRIES = 1000, MAX_BYTES = 2 << 20, CALL_MS = 5000 };

static const qt_backoff send_backoff = {.base_ms = 100, .cap_ms = 2000};

typedef struct waiting {
    struct waiting *next;
    qt_uuid id;
    int32_t type;
    int32_t priority;
    int32_t dispatch_seq;
    char traceparent[QT_TRACEPARENT_BYTES]; /* "": none */
    qt_trace_span *span;
    bool has_spec;
    size_t spec_len;
    char spec[];
} waiting;

struct qt_sender {
    qt_rpc_channel *channel;
    size_t max_waiting;
    size_t inline_bytes;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    waiting *first;
    waiting **last;
    size_t count; /* waiting or on their way */
    size_t dropped;
    bool is_stopping;
};

/* The span lasts until queue-svc has the entry. */
static void begin_span(const qt_row *row, waiting *w) {
    qt_trace_ctx parent;
    char id[QT_UUID_TEXT_BYTES];
    if (!qt_trace_unpack(row->trace.p, row->trace.len, &parent)) {
        return;
    }
    qt_trace_ctx ctx = qt_trace_begin("dispatch", QT_TRACE_PRODUCER, &parent, &w->span);
    qt_trace_format(&ctx, w->traceparent);
    if (w->span != NULL) {
        qt_uuid_format(&row->id, id);
        qt_trace_str(w->span, "qt.task_id", id);
        qt_trace_int(w->span, "qt.dispatch_seq", row->dispatch_seq);
    }
}

void qt_sender_push(qt_sender *sender, const qt_row *row) {
    bool has_spec = row->spec.p != NULL && row->spec.len <= sender->inline_bytes;
    waiting *w = qt_xcalloc(1, sizeof *w + (has_spec ? row->spec.len : 0));
    w->id = row->id;
    w->type = row->type;
    w->priority = row->priority;
    w->dispatch_seq = row->dispatch_seq;
    w->has_spec = has_spec;
    if (has_spec) {
        w->spec_len = row->spec.len;
        memcpy(w->spec, row->spec.p, row->spec.len);
    }
    begin_span(row, w);
    pthread_mutex_lock(&sender->lock);
    bool is_full = sender->count >= sender->max_waiting;
    if (is_full) {
        sender->dropped++;
    } else {
        *sender->last = w;
        sender->last = &w->next;
        sender->count++;
        pthread_cond_signal(&sender->filled);
    }
    pthread_mutex_unlock(&sender->lock);
    if (is_full) {
        qt_trace_end(w->span, &(qt_err){.reason = QT_REASON_OVERLOADED});
        free(w);
    }
}

size_t qt_sender_count(qt_sender *sender) {
    pthread_mutex_lock(&sender->lock);
    size_t count = sender->count;
    pthread_mutex_unlock(&sender->lock);
    return count;
}

bool qt_sender_is_behind(qt_sender *sender) {
    return qt_sender_count(sender) > 0;
}

/* ---- one call ---- */

static qt_code make_entry(qt_arena *arena, const waiting *w, Qtaskdist__V1__QueueEntry **ret_entry,
                          qt_err *err) {
    Qtaskdist__V1__QueueEntry *entry = NULL;
    void *id = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__queue_entry__descriptor, &entry, err));
    QT_TRY(qt_arena_try_alloc(arena, QT_UUID_TEXT_BYTES, &id, err));
    qt_uuid_format(&w->id, id);
    entry->task_id = id;
    entry->task_type = (Qtaskdist__V1__TaskType)w->type;
    entry->priority = (Qtaskdist__V1__TaskPriority)w->priority;
    entry->dispatch_seq = w->dispatch_seq;
    entry->traceparent = (char *)(uintptr_t)w->traceparent;
    if (w->has_spec) {
        QT_TRY(qt_pb_unpack(arena, &qtaskdist__v1__task_payload__descriptor,
                            (qt_span){w->spec, w->spec_len}, &entry->payload, err));
    }
    *ret_entry = entry;
    return QT_OK;
}

static qt_code send_batch(const qt_sender *sender, const waiting *first, size_t count,
                          qt_arena *arena, qt_err *err) {
    Qtaskdist__V1__EnqueueRequest req = QTASKDIST__V1__ENQUEUE_REQUEST__INIT;
    Qtaskdist__V1__EnqueueResponse *resp = NULL;
    void *entries = NULL;
    const qt_rpc_call call = {.timeout_ms = CALL_MS};
    QT_TRY(qt_arena_try_calloc(arena, count, sizeof(void *), &entries, err));
    req.entries = entries;
    for (const waiting *w = first; w != NULL && req.n_entries < count; w = w->next) {
        QT_TRY(make_entry(arena, w, &req.entries[req.n_entries], err));
        req.n_entries++;
    }
    return qt_queue_service_enqueue(sender->channel, &call, &req, arena, &resp, err);
}

/* ---- the thread ---- */

/* err NULL: they were sent. */
static void free_list(waiting *w, const qt_err *err) {
    while (w != NULL) {
        waiting *next = w->next;
        qt_trace_end(w->span, err);
        free(w);
        w = next;
    }
}

/* Waits for entries and takes a list of them; NULL when the sender stops and nothing is left. */
static waiting *take(qt_sender *sender, size_t *ret_count) {
    size_t bytes = 0;
    size_t count = 0;
    pthread_mutex_lock(&sender->lock);
    while (sender->first == NULL && !sender->is_stopping) {
        pthread_cond_wait(&sender->filled, &sender->lock);
    }
    waiting *first = sender->first;
    waiting **end = &sender->first;
    while (*end != NULL && count < MAX_ENTRIES && bytes < MAX_BYTES) {
        bytes += (*end)->spec_len;
        count++;
        end = &(*end)->next;
    }
    waiting *rest = *end;
    *end = NULL;
    sender->first = rest;
    if (rest == NULL) {
        sender->last = &sender->first;
    }
    pthread_mutex_unlock(&sender->lock);
    *ret_count = count;
    return count > 0 ? first : NULL;
}

static void sent(qt_sender *sender, size_t count) {
    pthread_mutex_lock(&sender->lock);
    sender->count -= count;
    size_t dropped = sender->dropped;
    sender->dropped = 0;
    pthread_mutex_unlock(&sender->lock);
    if (dropped > 0) {
        qt_series_add(qt_task_series(QT_TASK_METRIC_SENDER_DROPPED, NULL), (double)dropped);
        qt_log(WARN, "queue entries dropped; the dispatcher sends them again",
               QT_KV_INT("count", dropped));
    }
}

/* Waits between two tries; true when the sender stops. */
static bool pause_ms(qt_sender *sender, int64_t ms) {
    const struct timespec end = qt_cond_deadline(ms);
    pthread_mutex_lock(&sender->lock);
    int rc = 0;
    while (!sender->is_stopping && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&sender->filled, &sender->lock, &end);
    }
    bool stopping = sender->is_stopping;
    pthread_mutex_unlock(&sender->lock);
    return stopping;
}

/* Until it is sent, refused for good, or the sender stops. */
static qt_code send_list(qt_sender *sender, waiting *first, size_t count, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    for (int tries = 1;; tries++) {
        qt_code code = send_batch(sender, first, count, &arena, err);
        if (code == QT_OK) {
            return QT_OK;
        }
        if (tries == 1) {
            qt_log_err(WARN, "queue-svc does not take entries", err, QT_KV_INT("count", count));
        }
        bool try_again =
            code == QT_UNAVAILABLE || code == QT_DEADLINE_EXCEEDED || code == QT_RESOURCE_EXHAUSTED;
        if (!try_again || pause_ms(sender, qt_backoff_ms(&send_backoff, tries, qt_random_u64()))) {
            return code;
        }
        qt_arena_reset(&arena);
    }
}

static void *sender_main(void *arg) {
    qt_sender *sender = arg;
    size_t count = 0;
    waiting *first = NULL;
    while ((first = take(sender, &count)) != NULL) {
        qt_err err;
        qt_code code = send_list(sender, first, count, &err);
        free_list(first, code != QT_OK ? &err : NULL);
        sent(sender, count);
    }
    return NULL;
}

qt_code qt_sender_new(qt_rpc_channel *channel, size_t max_waiting, size_t inline_bytes,
                      qt_sender **ret_sender, qt_err *err) {
    qt_sender *sender = qt_xcalloc(1, sizeof *sender);
    sender->channel = channel;
    sender->max_waiting = max_waiting;
    sender->inline_bytes = inline_bytes;
    sender->last = &sender->first;
    pthread_mutex_init(&sender->lock, NULL);
    qt_cond_init(&sender->filled);
    if (pthread_create(&sender->thread, NULL, sender_main, sender) != 0) {
        free(sender);
        return qt_fail(err, OUT_OF_MEMORY, "no thread for the sender");
    }
    *ret_sender = sender;
    return QT_OK;
}

void qt_sender_free(qt_sender *sender) {
    if (sender == NULL) {
        return;
    }
    pthread_mutex_lock(&sender->lock);
    sender->is_stopping = true;
    pthread_cond_signal(&sender->filled);
    pthread_mutex_unlock(&sender->lock);
    pthread_join(sender->thread, NULL);
    free_list(sender->first, NULL);
    pthread_cond_destroy(&sender->filled);
    pthread_mutex_destroy(&sender->lock);
    free(sender);
}
