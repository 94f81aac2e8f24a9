/* Sends outcomes to task-svc and acknowledges messages. While one call waits for the database the
 * next batch fills by itself. Outcomes whose call failed go back to the head of the queue. */
#include "worker/internal.h"

#include "base/log.h"
#include "worker/failure.h"
#include "worker/metrics.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ACKS_KEPT = 20000 };

typedef struct completer {
    qt_worker *w;
    unsigned failures; /* of calls, in a row */
    unsigned ack_failures;
    size_t one_by_one; /* so many outcomes are sent alone, to find the one that is refused */
    qt_worker_task *batch[QT_WORKER_MAX_BATCH];
    Qtaskdist__V1__CompleteTasksItem items[QT_WORKER_MAX_BATCH];
    Qtaskdist__V1__CompleteTasksItem *pointers[QT_WORKER_MAX_BATCH];
    size_t count;
} completer;

/* ---- outcomes ---- */

static void fill_item(const qt_worker_task *task, Qtaskdist__V1__CompleteTasksItem *item) {
    qtaskdist__v1__complete_tasks_item__init(item);
    item->task_id = task->message->task_id;
    item->dispatch_seq = task->message->dispatch_seq;
    item->attempt = task->attempt;
    item->fence = task->fence;
    if (task->result != NULL) {
        item->outcome_case = QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_RESULT;
        item->result = task->result;
    } else {
        item->outcome_case = QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_FAILURE;
        item->failure = (Qtaskdist__V1__TaskFailure *)(uintptr_t)&task->failure;
    }
}

/* An outcome that could not be sent for long belongs to a task that another worker has by now. */
static bool is_too_old(const qt_worker *w, const qt_worker_task *task) {
    return qt_worker_now_ms(w) - task->done_ms > QT_WORKER_GIVE_UP_MS;
}

/* Takes outcomes off the queue, up to the limits of one call. With the lock held. */
static void take_batch(completer *c) {
    qt_worker *w = c->w;
    size_t max = c->one_by_one > 0 ? 1 : (size_t)QT_WORKER_MAX_BATCH;
    size_t bytes = 0;
    c->count = 0;
    while (c->count < max && bytes < QT_WORKER_MAX_BATCH_BYTES) {
        qt_worker_task *task = qt_task_queue_pop(&w->outcomes);
        if (task == NULL) {
            break;
        }
        c->batch[c->count] = task;
        fill_item(task, &c->items[c->count]);
        c->pointers[c->count] = &c->items[c->count];
        bytes += protobuf_c_message_get_packed_size(&c->items[c->count].base);
        c->count++;
    }
    c->one_by_one -= c->one_by_one > 0 ? 1 : 0;
}

/* In front of the others, or behind them when others might succeed where these did not. */
static void put_back(completer *c, bool behind) {
    qt_worker *w = c->w;
    pthread_mutex_lock(&w->lock);
    qt_task_queue others = w->outcomes;
    qt_task_queue again = behind ? others : (qt_task_queue){0};
    for (size_t i = 0; i < c->count; i++) {
        qt_task_queue_push(&again, c->batch[i]);
    }
    qt_worker_task *task;
    while (!behind && (task = qt_task_queue_pop(&others)) != NULL) {
        qt_task_queue_push(&again, task);
    }
    w->outcomes = again;
    pthread_mutex_unlock(&w->lock);
    c->count = 0;
}

/* The batch is through: the messages can be acknowledged (unless they were given up). */
static void forget(completer *c, bool acknowledge) {
    qt_worker *w = c->w;
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < c->count; i++) {
        if (acknowledge) {
            qt_worker_ack_later(w, c->batch[i]);
        }
        qt_worker_remove_task(w, c->batch[i]);
    }
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < c->count; i++) {
        qt_worker_task_free(c->batch[i]);
    }
    c->count = 0;
}

static const char *known_reason(const char *reason) {
    qt_reason known = qt_reason_from_name(reason);
    return known != QT_REASON_NONE ? qt_reason_name(known) : "other";
}

static void log_refused(const completer *c, const Qtaskdist__V1__CompleteTasksResponse *resp) {
    for (size_t i = 0; i < resp->n_results && i < c->count; i++) {
        if (!resp->results[i]->accepted) {
            qt_worker_count(QT_WORKER_METRIC_REFUSED, known_reason(resp->results[i]->reason));
            qt_log(WARN, "an outcome was refused", QT_KV_STR("task_id", resp->results[i]->task_id),
                   QT_KV_STR("reason", resp->results[i]->reason));
        }
    }
}

static qt_code send_outcomes(completer *c, qt_err *err) {
    qt_worker *w = c->w;
    Qtaskdist__V1__CompleteTasksRequest req = QTASKDIST__V1__COMPLETE_TASKS_REQUEST__INIT;
    Qtaskdist__V1__CompleteTasksResponse *resp = NULL;
    req.worker_id = w->id;
    req.n_items = c->count;
    req.items = c->pointers;
    qt_rpc_call call = {.timeout_ms = QT_WORKER_CALL_MS, .idempotent = true};
    qt_arena arena;
    qt_arena_init(&arena, 0);
    int64_t start_us = qt_clock_wall_us(w->clock);
    qt_code code = w->port.ops->complete(w->port.self, &call, &req, &arena, &resp, err);
    for (size_t i = 0; i < c->count; i++) {
        qt_worker_trace(c->batch[i], "complete", start_us, code != QT_OK ? err : NULL);
    }
    if (code == QT_OK) {
        log_refused(c, resp);
    } else {
        qt_worker_count(QT_WORKER_METRIC_CALL_FAILURES, "complete");
    }
    qt_arena_done(&arena);
    return code;
}

/* One outcome that task-svc does not take: a result becomes a failure that says why. */
static void refuse(completer *c, const qt_err *why) {
    qt_worker_task *task = c->batch[0];
    char text[400];
    qt_log_err(ERROR, "an outcome is not accepted", why,
               QT_KV_STR("task_id", task->message->task_id));
    if (task->result == NULL) {
        forget(c, true);
        return;
    }
    qt_failure_text(why, text, sizeof text);
    char *message = qt_arena_strdup(&task->arena, text);
    task->result = NULL;
    qtaskdist__v1__task_failure__init(&task->failure);
    task->failure.failure_class = QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT;
    task->failure.reason = (char *)(uintptr_t)qt_reason_name(why->reason);
    task->failure.message =
        message != NULL ? message : (char *)(uintptr_t)qt_reason_text(why->reason);
    put_back(c, false);
}

static void pause_sending(qt_worker *w, unsigned failures) {
    pthread_mutex_lock(&w->lock);
    int64_t pause_ms = qt_worker_pause_ms(failures);
    /* new outcomes signal the condition and must not end the pause */
    for (int64_t end_ms = qt_worker_now_ms(w) + pause_ms; qt_worker_now_ms(w) < end_ms;) {
        qt_worker_wait(w, &w->outcome, end_ms - qt_worker_now_ms(w));
    }
    pthread_mutex_unlock(&w->lock);
}

/* Gives up the old ones of the batch. */
static void drop_old(completer *c) {
    completer old = {.w = c->w};
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (is_too_old(c->w, c->batch[i])) {
            qt_log(WARN, "an outcome is given up: task-svc did not answer for too long",
                   QT_KV_STR("task_id", c->batch[i]->message->task_id));
            old.batch[old.count++] = c->batch[i];
        } else {
            c->batch[kept++] = c->batch[i];
        }
    }
    c->count = kept;
    forget(&old, false);
}

static void complete_batch(completer *c) {
    qt_err err;
    if (c->count == 0) {
        return;
    }
    if (send_outcomes(c, &err) == QT_OK) {
        c->failures = 0;
        forget(c, true);
        return;
    }
    if (!qt_worker_is_passing(&err) && c->count > 1) {
        c->one_by_one = c->count;
        put_back(c, false);
        return;
    }
    bool is_their_bug = err.code == QT_INTERNAL || err.code == QT_UNKNOWN;
    if (!qt_worker_is_passing(&err) && !is_their_bug) {
        refuse(c, &err);
        return;
    }
    if (c->failures++ % 16 == 0) {
        qt_log_err(WARN, "outcomes cannot be sent", &err, QT_KV_INT("tasks", c->count));
    }
    drop_old(c);
    put_back(c, is_their_bug);
    pause_sending(c->w, c->failures);
}

/* ---- acknowledgements ---- */

static void free_acks(qt_ack_list *acks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(acks->items[i].stream);
        free(acks->items[i].entry_id);
    }
    acks->count -= count;
    if (acks->count > 0) {
        memmove(acks->items, acks->items + count, acks->count * sizeof *acks->items);
    }
}

static qt_code send_acks(completer *c, qt_ack_list *acks, size_t count, qt_err *err) {
    qt_worker *w = c->w;
    Qtaskdist__V1__AckItem *pointers[QT_WORKER_MAX_BATCH];
    Qtaskdist__V1__AckRequest req = QTASKDIST__V1__ACK_REQUEST__INIT;
    Qtaskdist__V1__AckResponse *resp = NULL;
    for (size_t i = 0; i < count; i++) {
        pointers[i] = &acks->items[i];
    }
    req.n_items = count;
    req.items = pointers;
    qt_rpc_call call = {.timeout_ms = QT_WORKER_CALL_MS, .idempotent = true};
    qt_arena arena;
    qt_arena_init(&arena, 0);
    qt_code code = w->port.ops->ack(w->port.self, &call, &req, &arena, &resp, err);
    if (code != QT_OK) {
        qt_worker_count(QT_WORKER_METRIC_CALL_FAILURES, "ack");
    }
    qt_arena_done(&arena);
    return code;
}

/* Puts what could not be sent in front of what came meanwhile; too many are left to the claim,
 * which refuses tasks that are done. */
static void keep_acks(qt_worker *w, qt_ack_list *acks) {
    pthread_mutex_lock(&w->lock);
    qt_ack_list newer = w->acks;
    if (newer.count == 0) {
        free(newer.items);
        w->acks = *acks;
    } else if (acks->count + newer.count <= MAX_ACKS_KEPT) {
        size_t cap = acks->count + newer.count;
        Qtaskdist__V1__AckItem *items = realloc(acks->items, cap * sizeof *items);
        if (items != NULL) {
            memcpy(items + acks->count, newer.items, newer.count * sizeof *items);
            free(newer.items);
            w->acks = (qt_ack_list){.items = items, .count = cap, .cap = cap};
        }
    } else {
        free_acks(acks, acks->count);
        free(acks->items);
    }
    pthread_mutex_unlock(&w->lock);
}

static void flush_acks(completer *c, qt_ack_list *acks) {
    qt_err err;
    while (acks->count > 0) {
        size_t count = acks->count < QT_WORKER_MAX_BATCH ? acks->count : QT_WORKER_MAX_BATCH;
        if (send_acks(c, acks, count, &err) == QT_OK) {
            c->ack_failures = 0;
        } else if (qt_worker_is_passing(&err)) {
            break;
        } else {
            qt_log_err(ERROR, "messages cannot be acknowledged", &err);
        }
        free_acks(acks, count);
    }
    if (acks->count == 0) {
        free(acks->items);
        return;
    }
    if (c->ack_failures++ % 16 == 0) {
        qt_log_err(WARN, "messages cannot be acknowledged", &err, QT_KV_INT("count", acks->count));
    }
    keep_acks(c->w, acks);
    pause_sending(c->w, c->ack_failures);
}

/* ---- the thread ---- */

/* Takes work; false when the worker stops and there is none left, or its time is over. */
static bool take_work(completer *c, qt_ack_list *ret_acks) {
    qt_worker *w = c->w;
    pthread_mutex_lock(&w->lock);
    while (w->outcomes.count == 0 && w->acks.count == 0 && !w->finishing) {
        pthread_cond_wait(&w->outcome, &w->lock);
    }
    bool is_over = w->finishing && qt_worker_now_ms(w) >= w->stop_end_ms;
    bool go_on = !is_over && (w->outcomes.count > 0 || w->acks.count > 0);
    if (go_on) {
        take_batch(c);
        *ret_acks = w->acks;
        w->acks = (qt_ack_list){0};
    }
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

void *qt_worker_completer_main(void *worker) {
    completer *c = calloc(1, sizeof *c);
    qt_ack_list acks = {0};
    if (c == NULL) {
        abort();
    }
    c->w = worker;
    while (take_work(c, &acks)) {
        complete_batch(c);
        flush_acks(c, &acks);
        acks = (qt_ack_list){0};
    }
    free(c);
    return NULL;
}
