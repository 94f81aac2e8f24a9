#include "fake_port.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

fake_world world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void fake_reset(void) {
    qt_log_init("test", QT_LOG_ERROR);
    qt_log_set_fd(-1);
    memset(world.tasks, 0, sizeof world.tasks);
    world.next_fence = 100;
    world.lease_ms = FAKE_LEASE_MS;
}

int fake_number(const char *id) {
    int number = (int)strtol(id, NULL, 16);
    ck_assert_int_lt(number, FAKE_TASKS);
    return number;
}

/* Whether this call fails. */
static bool fails(atomic_int *fault) {
    int left = atomic_load(fault);
    while (left > 0 && !atomic_compare_exchange_weak(fault, &left, left - 1)) {
    }
    return left != 0;
}

static qt_code down(qt_err *err) {
    return qt_fail(err, SERVICE_UNAVAILABLE, "the fake is down");
}

/* A message in the arena. */
static void *message(qt_arena *arena, const ProtobufCMessageDescriptor *type) {
    ProtobufCMessage *m = qt_arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, m);
    return m;
}

static void *array(qt_arena *arena, size_t count) {
    return qt_arena_alloc(arena, (count + 1) * sizeof(void *));
}

static Qtaskdist__V1__TaskPayload *payload_of(int number, qt_arena *arena) {
    Qtaskdist__V1__TaskPayload *p = message(arena, &qtaskdist__v1__task_payload__descriptor);
    p->shots = (uint32_t)number;
    return p;
}

static Qtaskdist__V1__LeasedMessage *deliver(int number, qt_arena *arena) {
    fake_task *task = &world.tasks[number];
    Qtaskdist__V1__LeasedMessage *m = message(arena, &qtaskdist__v1__leased_message__descriptor);
    task->waiting = false;
    m->stream = qt_arena_strdup(arena, "stream:simulate");
    m->entry_id = qt_arena_printf(arena, "%d-1", number);
    m->task_id = qt_arena_printf(arena, "%08x-0000-7000-8000-000000000000", (unsigned)number);
    m->task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE;
    m->dispatch_seq = task->dispatch_seq > 0 ? task->dispatch_seq : 1;
    m->delivery_count = ++task->deliveries;
    m->payload = task->bare ? NULL : payload_of(number, arena);
    return m;
}

static void wait_a_moment(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += 5000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&world.changed, &world.lock, &at);
}

static qt_code fake_lease(void *self, const qt_rpc_call *call,
                          const Qtaskdist__V1__LeaseMessagesRequest *req, qt_arena *arena,
                          Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err) {
    (void)self;
    if (fails(&world.faults.lease)) {
        return down(err);
    }
    Qtaskdist__V1__LeaseMessagesResponse *resp =
        message(arena, &qtaskdist__v1__lease_messages_response__descriptor);
    resp->messages = array(arena, (size_t)req->max_messages);
    pthread_mutex_lock(&world.lock);
    world.max_asked = req->max_messages > world.max_asked ? req->max_messages : world.max_asked;
    while (resp->n_messages == 0 && !call->cancelled(call->self)) {
        for (int i = 0; i < FAKE_TASKS && resp->n_messages < (size_t)req->max_messages; i++) {
            if (world.tasks[i].waiting) {
                resp->messages[resp->n_messages++] = deliver(i, arena);
            }
        }
        if (resp->n_messages == 0) {
            wait_a_moment();
        }
    }
    pthread_mutex_unlock(&world.lock);
    *ret_resp = resp;
    return QT_OK;
}

static qt_code fake_ack(void *self, const qt_rpc_call *call, const Qtaskdist__V1__AckRequest *req,
                        qt_arena *arena, Qtaskdist__V1__AckResponse **ret_resp, qt_err *err) {
    (void)self, (void)call;
    if (fails(&world.faults.ack)) {
        return down(err);
    }
    pthread_mutex_lock(&world.lock);
    for (size_t i = 0; i < req->n_items; i++) {
        fake_task *task = &world.tasks[atoi(req->items[i]->entry_id)];
        task->acks++;
        task->acked_too_early = task->acked_too_early || (task->outcomes == 0 && task->claims == 0);
    }
    pthread_mutex_unlock(&world.lock);
    *ret_resp = message(arena, &qtaskdist__v1__ack_response__descriptor);
    return QT_OK;
}

static Qtaskdist__V1__ClaimedTask *claim_one(const Qtaskdist__V1__ClaimTasksItem *item,
                                             bool omit_payload, qt_arena *arena) {
    int number = fake_number(item->task_id);
    fake_task *task = &world.tasks[number];
    Qtaskdist__V1__ClaimedTask *answer = message(arena, &qtaskdist__v1__claimed_task__descriptor);
    ck_assert_int_eq(item->dispatch_seq, task->dispatch_seq > 0 ? task->dispatch_seq : 1);
    task->claims++;
    answer->task_id = item->task_id;
    answer->claimed = !task->refuse_claim;
    if (answer->claimed) {
        task->attempt = 1;
        task->fence = task->fence != 0 ? task->fence : ++world.next_fence;
        answer->attempt = task->attempt;
        answer->fence = task->fence;
        answer->payload = omit_payload ? NULL : payload_of(number, arena);
    }
    return answer;
}

static qt_code fake_claim(void *self, const qt_rpc_call *call,
                          const Qtaskdist__V1__ClaimTasksRequest *req, qt_arena *arena,
                          Qtaskdist__V1__ClaimTasksResponse **ret_resp, qt_err *err) {
    (void)self, (void)call;
    if (fails(&world.faults.claim)) {
        return down(err);
    }
    Qtaskdist__V1__ClaimTasksResponse *resp =
        message(arena, &qtaskdist__v1__claim_tasks_response__descriptor);
    resp->tasks = array(arena, req->n_items);
    pthread_mutex_lock(&world.lock);
    for (size_t i = 0; i < req->n_items; i++) {
        bool omit = req->omit_payload || (world.short_replies && i > 0);
        resp->tasks[resp->n_tasks++] = claim_one(req->items[i], omit, arena);
    }
    resp->lease_ms = world.lease_ms;
    pthread_mutex_unlock(&world.lock);
    if (fails(&world.faults.claim_reply)) {
        return down(err); /* executed, but the worker does not know */
    }
    *ret_resp = resp;
    return QT_OK;
}

static qt_code fake_heartbeat(void *self, const qt_rpc_call *call,
                              const Qtaskdist__V1__HeartbeatRequest *req, qt_arena *arena,
                              Qtaskdist__V1__HeartbeatResponse **ret_resp, qt_err *err) {
    (void)self, (void)call;
    if (fails(&world.faults.heartbeat)) {
        return down(err);
    }
    Qtaskdist__V1__HeartbeatResponse *resp =
        message(arena, &qtaskdist__v1__heartbeat_response__descriptor);
    resp->cancel_task_ids = array(arena, req->n_tasks);
    resp->fenced_task_ids = array(arena, req->n_tasks);
    pthread_mutex_lock(&world.lock);
    world.heartbeat_calls++;
    resp->lease_ms = world.lease_ms;
    for (size_t i = 0; i < req->n_tasks; i++) {
        const Qtaskdist__V1__HeldTask *held = req->tasks[i];
        fake_task *task = &world.tasks[fake_number(held->task_id)];
        task->max_progress =
            held->progress > task->max_progress ? held->progress : task->max_progress;
        if (task->cancel) {
            resp->cancel_task_ids[resp->n_cancel_task_ids++] = held->task_id;
        }
        if (task->fenced) {
            resp->fenced_task_ids[resp->n_fenced_task_ids++] = held->task_id;
        }
    }
    pthread_mutex_unlock(&world.lock);
    *ret_resp = resp;
    return QT_OK;
}

static Qtaskdist__V1__CompleteTasksResult *store(const Qtaskdist__V1__CompleteTasksItem *item,
                                                 qt_arena *arena) {
    fake_task *task = &world.tasks[fake_number(item->task_id)];
    Qtaskdist__V1__CompleteTasksResult *result =
        message(arena, &qtaskdist__v1__complete_tasks_result__descriptor);
    result->task_id = item->task_id;
    result->accepted = item->attempt == task->attempt && item->fence == task->fence;
    if (!result->accepted) {
        result->reason = qt_arena_strdup(arena, "FENCED");
        return result;
    }
    task->outcomes++;
    task->succeeded = item->outcome_case == QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_RESULT;
    if (!task->succeeded) {
        task->failure_class = (int)item->failure->failure_class;
        snprintf(task->reason, sizeof task->reason, "%s", item->failure->reason);
        snprintf(task->message, sizeof task->message, "%s", item->failure->message);
    }
    return result;
}

static bool is_refused(const Qtaskdist__V1__CompleteTasksItem *item) {
    bool has_result = item->outcome_case == QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_RESULT;
    return has_result && world.tasks[fake_number(item->task_id)].refuse_result;
}

static qt_code fake_complete(void *self, const qt_rpc_call *call,
                             const Qtaskdist__V1__CompleteTasksRequest *req, qt_arena *arena,
                             Qtaskdist__V1__CompleteTasksResponse **ret_resp, qt_err *err) {
    (void)self, (void)call;
    if (fails(&world.faults.complete)) {
        return down(err);
    }
    for (size_t i = 0; i < req->n_items; i++) {
        if (is_refused(req->items[i])) {
            return qt_fail(err, RESULT_TOO_LARGE, "too large for the store");
        }
    }
    Qtaskdist__V1__CompleteTasksResponse *resp =
        message(arena, &qtaskdist__v1__complete_tasks_response__descriptor);
    resp->results = array(arena, req->n_items);
    pthread_mutex_lock(&world.lock);
    world.complete_calls++;
    for (size_t i = 0; i < req->n_items; i++) {
        resp->results[resp->n_results++] = store(req->items[i], arena);
    }
    pthread_mutex_unlock(&world.lock);
    *ret_resp = resp;
    return QT_OK;
}

qt_worker_port fake_port(void) {
    static const qt_worker_port_ops ops = {.lease = fake_lease,
                                           .ack = fake_ack,
                                           .claim = fake_claim,
                                           .heartbeat = fake_heartbeat,
                                           .complete = fake_complete};
    return (qt_worker_port){.ops = &ops};
}

void fake_enqueue(int first, int count, bool bare) {
    pthread_mutex_lock(&world.lock);
    for (int i = first; i < first + count; i++) {
        world.tasks[i].waiting = true;
        world.tasks[i].bare = bare;
    }
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

fake_task fake_get(int number) {
    pthread_mutex_lock(&world.lock);
    fake_task copy = world.tasks[number];
    pthread_mutex_unlock(&world.lock);
    return copy;
}

int fake_heartbeats(void) {
    pthread_mutex_lock(&world.lock);
    int count = world.heartbeat_calls;
    pthread_mutex_unlock(&world.lock);
    return count;
}

static bool is_done(void *arg) {
    fake_task task = fake_get(*(int *)arg);
    return task.outcomes > 0 && task.acks > 0;
}

void fake_wait_done(int number) {
    ck_assert_msg(qt_test_wait(is_done, &number, 20000), "task %d is not done", number);
    fake_task task = fake_get(number);
    ck_assert(!task.acked_too_early);
}

typedef struct ack_wait {
    int number;
    int acks;
} ack_wait;

static bool has_acks(void *arg) {
    const ack_wait *w = arg;
    return fake_get(w->number).acks >= w->acks;
}

void fake_wait_acks(int number, int acks) {
    ack_wait w = {number, acks};
    ck_assert_msg(qt_test_wait(has_acks, &w, 20000), "task %d is not acknowledged", number);
}
