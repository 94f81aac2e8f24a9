#include "worker/internal.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

qt_shared_arena *qt_shared_arena_new(void) {
    qt_shared_arena *shared = qt_xcalloc(1, sizeof *shared);
    qt_arena_init(&shared->arena, 0);
    atomic_init(&shared->refs, 1);
    return shared;
}

qt_shared_arena *qt_shared_arena_ref(qt_shared_arena *shared) {
    atomic_fetch_add(&shared->refs, 1);
    return shared;
}

void qt_shared_arena_unref(qt_shared_arena *shared) {
    if (shared != NULL && atomic_fetch_sub(&shared->refs, 1) == 1) {
        qt_arena_done(&shared->arena);
        free(shared);
    }
}

qt_worker_task *qt_worker_task_new(qt_worker *w, const Qtaskdist__V1__LeasedMessage *message,
                                   qt_shared_arena *message_arena) {
    qt_worker_task *task = qt_xcalloc(1, sizeof *task);
    task->worker = w;
    task->message = message;
    task->payload = message->payload;
    (void)qt_trace_parse(message->traceparent, &task->trace);
    task->message_arena = qt_shared_arena_ref(message_arena);
    task->leased_ms = qt_worker_now_ms(w);
    qt_arena_init(&task->arena, 0);
    return task;
}

void qt_worker_task_free(qt_worker_task *task) {
    if (task != NULL) {
        qt_arena_done(&task->arena);
        qt_shared_arena_unref(task->message_arena);
        qt_shared_arena_unref(task->claim_arena);
        free(task);
    }
}

void qt_worker_trace(const qt_worker_task *task, const char *name, int64_t start_us,
                     const qt_err *err) {
    qt_trace_span *span = NULL;
    if (!qt_trace_is_sampled(&task->trace)) {
        return;
    }
    qt_trace_begin(name, QT_TRACE_INTERNAL, &task->trace, &span);
    qt_trace_began_at(span, start_us);
    qt_trace_str(span, "qt.task_id", task->message->task_id);
    qt_trace_end(span, err);
}

void qt_worker_add_task(qt_worker *w, qt_worker_task *task) {
    task->next = w->all;
    if (w->all != NULL) {
        w->all->prev = task;
    }
    w->all = task;
    if (w->task_count++ == 0) {
        pthread_cond_signal(&w->task);
    }
}

void qt_worker_remove_task(qt_worker *w, qt_worker_task *task) {
    if (task->prev != NULL) {
        task->prev->next = task->next;
    } else {
        w->all = task->next;
    }
    if (task->next != NULL) {
        task->next->prev = task->prev;
    }
    w->task_count--;
    pthread_cond_broadcast(&w->gone);
}

void qt_task_queue_push(qt_task_queue *queue, qt_worker_task *task) {
    task->queue_next = NULL;
    if (queue->last != NULL) {
        queue->last->queue_next = task;
    } else {
        queue->first = task;
    }
    queue->last = task;
    queue->count++;
}

qt_worker_task *qt_task_queue_pop(qt_task_queue *queue) {
    qt_worker_task *task = queue->first;
    if (task != NULL) {
        queue->first = task->queue_next;
        queue->last = queue->first != NULL ? queue->last : NULL;
        queue->count--;
    }
    return task;
}

void qt_task_queue_remove(qt_task_queue *queue, qt_worker_task *task) {
    qt_task_queue rest = {0};
    qt_worker_task *t;
    while ((t = qt_task_queue_pop(queue)) != NULL) {
        if (t != task) {
            qt_task_queue_push(&rest, t);
        }
    }
    *queue = rest;
}

void qt_worker_ack_later(qt_worker *w, qt_worker_task *task) {
    if (task->acked) {
        return;
    }
    task->acked = true;
    qt_ack_list *acks = &w->acks;
    if (acks->count == acks->cap) {
        size_t cap = acks->cap > 0 ? acks->cap * 2 : 64;
        Qtaskdist__V1__AckItem *items = qt_xcalloc(cap, sizeof *items);
        if (acks->count > 0) {
            memcpy(items, acks->items, acks->count * sizeof *items);
        }
        free(acks->items);
        acks->items = items;
        acks->cap = cap;
    }
    Qtaskdist__V1__AckItem *item = &acks->items[acks->count++];
    qtaskdist__v1__ack_item__init(item);
    item->stream = qt_xstrdup(task->message->stream);
    item->entry_id = qt_xstrdup(task->message->entry_id);
    pthread_cond_signal(&w->outcome);
}

void qt_worker_stop_task(qt_worker_task *task, qt_stop why) {
    int seen = atomic_load(&task->stop);
    while (seen < (int)why && !atomic_compare_exchange_weak(&task->stop, &seen, (int)why)) {
    }
}

static void set_drained(qt_worker_task *task) {
    qtaskdist__v1__task_failure__init(&task->failure);
    task->failure.failure_class = QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_DRAINED;
    task->failure.reason = (char *)(uintptr_t)qt_reason_name(QT_REASON_WORKER_DRAINED);
    task->failure.message = (char *)(uintptr_t)qt_reason_text(QT_REASON_WORKER_DRAINED);
}

void qt_worker_hand_back(qt_worker *w, qt_worker_task *task) {
    qt_task_queue_remove(&w->waiting, task);
    task->phase = QT_PHASE_DONE;
    task->done_ms = qt_worker_now_ms(w);
    set_drained(task);
    qt_worker_settle(w, task);
}

qt_worker_task *qt_worker_settle(qt_worker *w, qt_worker_task *task) {
    switch (task->claim) {
    case QT_CLAIM_NONE:
    case QT_CLAIM_HELD:
        qt_task_queue_push(&w->outcomes, task);
        pthread_cond_signal(&w->outcome);
        return NULL;
    case QT_CLAIM_LOST:
        qt_worker_remove_task(w, task);
        return task;
    case QT_CLAIM_ASKED:
    case QT_CLAIM_UNKNOWN:
        break;
    }
    return NULL;
}

bool qt_worker_task_cancelled(const qt_worker_task *task) {
    return atomic_load_explicit(&task->stop, memory_order_relaxed) != QT_STOP_NO;
}

void qt_worker_task_progress(qt_worker_task *task, int percent) {
    int clamped = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    atomic_store_explicit(&task->percent, clamped, memory_order_relaxed);
}

const char *qt_worker_task_id(const qt_worker_task *task) {
    return task->message->task_id;
}
