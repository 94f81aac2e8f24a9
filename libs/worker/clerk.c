/* Keeps task-svc informed: claims what takes long, sends heartbeats for what is claimed, and tells
 * tasks to stop. The answer to a claim counts from before the call was sent, so the lease here
 * never ends after the one in the database. */
#include "worker/internal.h"

#include "base/log.h"
#include "worker/metrics.h"

#include <string.h>

enum { TICK_MS = 20, MAX_TASKS = QT_WORKER_MAX_BATCH };

typedef struct clerk {
    qt_worker *w;
    int64_t next_claim_ms; /* later than now after a failure */
    int64_t next_heartbeat_ms;
    unsigned claim_failures;
    unsigned heartbeat_failures;
} clerk;

/* ---- claims ---- */

static void extend_lease(qt_worker *w, int64_t sent_ms, int64_t lease_ms) {
    if (lease_ms > 0) {
        w->lease_ms = lease_ms;
        w->lease_end_ms = sent_ms + lease_ms;
    }
}

/* Forgets a task that somebody else has, at once or when its runner is through. Returns it when it
 * is to be freed. With the lock held. */
static qt_worker_task *lose(qt_worker *w, qt_worker_task *task) {
    task->claim = QT_CLAIM_LOST;
    qt_worker_count(QT_WORKER_METRIC_LOST, NULL);
    qt_worker_stop_task(task, QT_STOP_LOST);
    if (task->phase == QT_PHASE_RUNNING) {
        return NULL;
    }
    qt_task_queue_remove(&w->waiting, task);
    task->phase = QT_PHASE_DONE;
    return qt_worker_settle(w, task);
}

/* One task's answer. Returns the task when it is to be freed. With the lock held. */
static qt_worker_task *settle_claim(qt_worker *w, qt_worker_task *task,
                                    const Qtaskdist__V1__ClaimedTask *answer,
                                    qt_shared_arena *arena) {
    qt_worker_ack_later(w, task);
    if (answer == NULL || !answer->claimed) {
        return lose(w, task);
    }
    task->claim = QT_CLAIM_HELD;
    task->attempt = answer->attempt;
    task->fence = answer->fence;
    if (task->payload == NULL && answer->payload != NULL) {
        task->payload = answer->payload;
        task->claim_arena = qt_shared_arena_ref(arena);
    }
    if (task->claim_first && task->phase == QT_PHASE_WAITING && task->payload != NULL) {
        qt_task_queue_push(&w->waiting, task);
        pthread_cond_signal(&w->work);
    }
    return task->phase == QT_PHASE_DONE ? qt_worker_settle(w, task) : NULL;
}

static qt_code call_claim(qt_worker *w, qt_worker_task *const *tasks, size_t count,
                          qt_shared_arena *arena, Qtaskdist__V1__ClaimTasksResponse **ret_resp,
                          qt_err *err) {
    Qtaskdist__V1__ClaimTasksItem *items = qt_arena_alloc(&arena->arena, count * sizeof *items);
    Qtaskdist__V1__ClaimTasksItem *pointers[MAX_TASKS];
    Qtaskdist__V1__ClaimTasksRequest req = QTASKDIST__V1__CLAIM_TASKS_REQUEST__INIT;
    if (items == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory to claim %zu tasks", count);
    }
    req.omit_payload = true;
    for (size_t i = 0; i < count; i++) {
        qtaskdist__v1__claim_tasks_item__init(&items[i]);
        items[i].task_id = tasks[i]->message->task_id;
        items[i].dispatch_seq = tasks[i]->message->dispatch_seq;
        pointers[i] = &items[i];
        req.omit_payload = req.omit_payload && tasks[i]->payload != NULL;
    }
    req.worker_id = w->id;
    req.n_items = count;
    req.items = pointers;
    qt_rpc_call call = {.timeout_ms = QT_WORKER_CALL_MS, .idempotent = true};
    return w->port.ops->claim(w->port.self, &call, &req, &arena->arena, ret_resp, err);
}

static void answer_unknown(qt_worker *w, qt_worker_task *const *tasks, size_t count) {
    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < count; i++) {
        tasks[i]->claim = QT_CLAIM_UNKNOWN;
    }
    pthread_mutex_unlock(&w->lock);
}

qt_code qt_worker_claim(qt_worker *w, qt_worker_task *const *tasks, size_t count, qt_err *err) {
    qt_shared_arena *arena = qt_shared_arena_new();
    Qtaskdist__V1__ClaimTasksResponse *resp = NULL;
    int64_t sent_ms = qt_worker_now_ms(w);
    int64_t start_us = qt_clock_wall_us(w->clock);
    qt_code code = call_claim(w, tasks, count, arena, &resp, err);
    for (size_t i = 0; i < count; i++) {
        qt_worker_trace(tasks[i], "claim", start_us, code != QT_OK ? err : NULL);
    }
    if (code != QT_OK) {
        qt_worker_count(QT_WORKER_METRIC_CALL_FAILURES, "claim");
        answer_unknown(w, tasks, count);
        qt_shared_arena_unref(arena);
        return code;
    }
    qt_worker_task *lost[MAX_TASKS];
    pthread_mutex_lock(&w->lock);
    extend_lease(w, sent_ms, resp->lease_ms);
    for (size_t i = 0; i < count; i++) {
        lost[i] = settle_claim(w, tasks[i], i < resp->n_tasks ? resp->tasks[i] : NULL, arena);
    }
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < count; i++) {
        qt_worker_task_free(lost[i]);
    }
    qt_shared_arena_unref(arena);
    return QT_OK;
}

/* A task that is held, but whose payload did not fit into the reply, asks for it when a runner may
 * soon be free: not more large ones are in memory than the runners need. `room` counts them. */
static bool needs_payload(const qt_worker_task *task, size_t *room) {
    bool needs = task->claim == QT_CLAIM_HELD && task->payload == NULL &&
                 task->phase == QT_PHASE_WAITING && *room > 0;
    *room -= needs ? 1 : 0;
    return needs;
}

static bool claim_is_due(const qt_worker *w, const qt_worker_task *task, int64_t now_ms) {
    bool is_old = now_ms - task->leased_ms >= w->options.claim_after_ms;
    bool is_open = task->claim == QT_CLAIM_NONE && task->phase != QT_PHASE_DONE && is_old;
    return is_open || task->claim == QT_CLAIM_UNKNOWN;
}

static void claim_due(clerk *c, int64_t now_ms) {
    qt_worker *w = c->w;
    qt_worker_task *tasks[MAX_TASKS];
    size_t count = 0;
    if (now_ms < c->next_claim_ms) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    size_t ready = w->waiting.count;
    size_t room = ready < w->options.threads ? w->options.threads - ready : 0;
    for (qt_worker_task *t = w->all; t != NULL && count < MAX_TASKS; t = t->next) {
        if (claim_is_due(w, t, now_ms) || needs_payload(t, &room)) {
            t->claim = QT_CLAIM_ASKED;
            tasks[count++] = t;
        }
    }
    pthread_mutex_unlock(&w->lock);
    qt_err err;
    if (count == 0 || qt_worker_claim(w, tasks, count, &err) == QT_OK) {
        c->claim_failures = 0;
        return;
    }
    c->next_claim_ms = qt_worker_now_ms(w) + qt_worker_pause_ms(++c->claim_failures);
    qt_log_err(WARN, "tasks cannot be claimed", &err, QT_KV_INT("tasks", count));
}

/* ---- heartbeats ---- */

static size_t collect_held(qt_worker *w, Qtaskdist__V1__HeldTask *items,
                           Qtaskdist__V1__HeldTask **pointers, qt_arena *arena) {
    size_t count = 0;
    pthread_mutex_lock(&w->lock);
    for (qt_worker_task *t = w->all; t != NULL && count < MAX_TASKS; t = t->next) {
        char *id = t->claim == QT_CLAIM_HELD ? qt_arena_strdup(arena, t->message->task_id) : NULL;
        if (id == NULL) {
            continue;
        }
        qtaskdist__v1__held_task__init(&items[count]);
        items[count].task_id = id;
        items[count].attempt = t->attempt;
        items[count].fence = t->fence;
        items[count].progress = atomic_load(&t->percent);
        pointers[count] = &items[count];
        count++;
    }
    pthread_mutex_unlock(&w->lock);
    return count;
}

/* The task that this item of the heartbeat spoke of; it may have been leased again since. */
static qt_worker_task *find_held(qt_worker *w, const Qtaskdist__V1__HeldTask *item) {
    for (qt_worker_task *t = w->all; t != NULL; t = t->next) {
        if (t->claim == QT_CLAIM_HELD && t->fence == item->fence && t->phase != QT_PHASE_DONE &&
            strcmp(t->message->task_id, item->task_id) == 0) {
            return t;
        }
    }
    return NULL;
}

static bool names(char *const *ids, size_t count, const char *id) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* What the answer says of one task. Returns the task when it is to be freed. */
static qt_worker_task *apply_heartbeat(qt_worker *w, const Qtaskdist__V1__HeldTask *item,
                                       const Qtaskdist__V1__HeartbeatResponse *resp) {
    bool fenced = names(resp->fenced_task_ids, resp->n_fenced_task_ids, item->task_id);
    bool cancelled = names(resp->cancel_task_ids, resp->n_cancel_task_ids, item->task_id);
    if (!fenced && !cancelled) {
        return NULL;
    }
    qt_worker_task *lost = NULL;
    pthread_mutex_lock(&w->lock);
    qt_worker_task *task = find_held(w, item);
    if (task != NULL && fenced) {
        lost = lose(w, task);
    } else if (task != NULL) {
        qt_worker_stop_task(task, QT_STOP_CANCEL);
    }
    pthread_mutex_unlock(&w->lock);
    return lost;
}

static qt_code beat(qt_worker *w, Qtaskdist__V1__HeldTask **items, size_t count, qt_arena *arena,
                    qt_err *err) {
    Qtaskdist__V1__HeartbeatRequest req = QTASKDIST__V1__HEARTBEAT_REQUEST__INIT;
    Qtaskdist__V1__HeartbeatResponse *resp = NULL;
    req.worker_id = w->id;
    req.n_tasks = count;
    req.tasks = items;
    qt_rpc_call call = {.timeout_ms = QT_WORKER_CALL_MS, .idempotent = true};
    int64_t sent_ms = qt_worker_now_ms(w);
    QT_TRY(w->port.ops->heartbeat(w->port.self, &call, &req, arena, &resp, err));
    pthread_mutex_lock(&w->lock);
    extend_lease(w, sent_ms, resp->lease_ms);
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < count; i++) {
        qt_worker_task_free(apply_heartbeat(w, items[i], resp));
    }
    return QT_OK;
}

static void heartbeat_due(clerk *c, int64_t now_ms) {
    qt_worker *w = c->w;
    Qtaskdist__V1__HeldTask items[MAX_TASKS];
    Qtaskdist__V1__HeldTask *pointers[MAX_TASKS];
    if (now_ms < c->next_heartbeat_ms) {
        return;
    }
    qt_arena arena;
    qt_err err;
    qt_arena_init(&arena, 0);
    size_t count = collect_held(w, items, pointers, &arena);
    int64_t pause_ms = w->options.heartbeat_ms;
    if (count > 0 && beat(w, pointers, count, &arena, &err) != QT_OK) {
        pause_ms = qt_worker_pause_ms(++c->heartbeat_failures);
        qt_worker_count(QT_WORKER_METRIC_CALL_FAILURES, "heartbeat");
        qt_log_err(WARN, "the heartbeat does not get through", &err, QT_KV_INT("tasks", count));
    } else {
        c->heartbeat_failures = 0;
    }
    c->next_heartbeat_ms = qt_worker_now_ms(w) + pause_ms;
    qt_arena_done(&arena);
}

/* ---- tasks that are to be left ---- */

/* The worker stops before the database gives its tasks to another. */
static bool lease_is_over(const qt_worker *w, int64_t now_ms) {
    int64_t margin_ms = w->lease_ms / 5 < 3000 ? w->lease_ms / 5 : 3000;
    return w->lease_ms > 0 && now_ms >= w->lease_end_ms - margin_ms;
}

/* Whether nobody waits for the task any more. */
static bool is_lost(const qt_worker *w, const qt_worker_task *task, int64_t now_ms) {
    if (task->claim == QT_CLAIM_HELD) {
        return task->phase != QT_PHASE_DONE && lease_is_over(w, now_ms);
    }
    int64_t age_ms = now_ms - (task->phase == QT_PHASE_DONE ? task->done_ms : task->leased_ms);
    int64_t limit_ms = task->phase == QT_PHASE_DONE ? QT_WORKER_GIVE_UP_MS : QT_WORKER_UNCLAIMED_MS;
    return task->claim == QT_CLAIM_UNKNOWN && task->phase != QT_PHASE_RUNNING && age_ms > limit_ms;
}

static bool must_hand_back(const qt_worker *w, const qt_worker_task *task, int64_t now_ms) {
    bool is_settled = task->claim == QT_CLAIM_HELD || task->claim == QT_CLAIM_NONE;
    bool is_late = now_ms - task->leased_ms > QT_WORKER_HAND_BACK_MS;
    return task->phase == QT_PHASE_WAITING && is_settled && (w->draining || is_late);
}

static void leave_tasks(qt_worker *w, int64_t now_ms) {
    qt_worker_task *lost = NULL; /* chained by queue_next */
    pthread_mutex_lock(&w->lock);
    qt_worker_task *next;
    for (qt_worker_task *t = w->all; t != NULL; t = next) {
        next = t->next;
        if (is_lost(w, t, now_ms)) {
            qt_log(WARN, "a task is given up: its lease is over",
                   QT_KV_STR("task_id", t->message->task_id));
            qt_worker_task *gone = lose(w, t);
            if (gone != NULL) {
                gone->queue_next = lost;
                lost = gone;
            }
        } else if (must_hand_back(w, t, now_ms)) {
            qt_worker_hand_back(w, t);
        }
    }
    pthread_mutex_unlock(&w->lock);
    while (lost != NULL) {
        qt_worker_task *gone = lost;
        lost = gone->queue_next;
        qt_worker_task_free(gone);
    }
}

/* Whether there is or will be something to do. */
static bool wait_for_tasks(qt_worker *w) {
    pthread_mutex_lock(&w->lock);
    if (w->task_count > 0 && !w->stopping) {
        qt_worker_wait(w, &w->tick, TICK_MS);
    }
    while (w->task_count == 0 && !w->stopping) {
        pthread_cond_wait(&w->task, &w->lock);
    }
    bool go_on = !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

void *qt_worker_clerk_main(void *worker) {
    clerk c = {.w = worker};
    while (wait_for_tasks(c.w)) {
        leave_tasks(c.w, qt_worker_now_ms(c.w));
        claim_due(&c, qt_worker_now_ms(c.w));
        heartbeat_due(&c, qt_worker_now_ms(c.w));
    }
    return NULL;
}
