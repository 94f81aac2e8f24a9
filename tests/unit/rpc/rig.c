#include "rig.h"

#include "base/cleanup.h"
#include "qt_descriptors.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const qt_rpc_call rig_call = {.timeout_ms = 10000};

typedef Qtaskdist__V1__Task task_message;

/* ---- handlers ---- */

static task_message *new_task(qt_rpc_ctx *ctx, const char *id) {
    task_message *task = (task_message *)qt_rpc_message(ctx, &qtaskdist__v1__task__descriptor);
    if (task != NULL) {
        task->task_id = qt_arena_strdup(qt_rpc_arena(ctx), id);
    }
    return task;
}

static void count_cancel(void *arg) {
    atomic_fetch_add(&((rig *)arg)->cancelled, 1);
}

static qt_code sleep_until_cancelled(qt_rpc_ctx *ctx, rig *r, qt_err *err) {
    atomic_fetch_add(&r->running, 1);
    while (qt_rpc_check_alive(ctx, err) == QT_OK) {
        struct timespec step = {.tv_nsec = 1000000};
        nanosleep(&step, NULL);
    }
    atomic_fetch_sub(&r->running, 1);
    atomic_fetch_add(&r->cancelled, 1);
    return err->code;
}

static void *answer_later(void *arg) {
    qt_rpc_ctx *ctx = arg;
    task_message task = QTASKDIST__V1__TASK__INIT;
    char id[] = "defer";
    task.task_id = id;
    qt_rpc_reply(ctx, &task.base);
    return NULL;
}

static void defer_to_thread(qt_rpc_ctx *ctx) {
    pthread_t thread;
    qt_rpc_defer(ctx);
    ck_assert_int_eq(pthread_create(&thread, NULL, answer_later, ctx), 0);
    pthread_detach(thread);
}

static void hold(qt_rpc_ctx *ctx, rig *r) {
    rig_held *held = qt_arena_alloc(qt_rpc_arena(ctx), sizeof *held);
    ck_assert_ptr_nonnull(held);
    qt_rpc_defer(ctx);
    qt_rpc_on_cancel(ctx, count_cancel, r);
    pthread_mutex_lock(&r->lock);
    *held = (rig_held){.ctx = ctx, .next = r->held};
    r->held = held;
    pthread_mutex_unlock(&r->lock);
    atomic_fetch_add(&r->running, 1);
}

int rig_release(rig *r) {
    int count = 0;
    pthread_mutex_lock(&r->lock);
    rig_held *held = r->held;
    r->held = NULL;
    pthread_mutex_unlock(&r->lock);
    while (held != NULL) {
        rig_held *next = held->next; /* it lives in the call's arena */
        qt_rpc_reply(held->ctx, NULL);
        held = next;
        count++;
    }
    return count;
}

static void fill_big(qt_rpc_ctx *ctx, task_message *task) {
    enum { BYTES = 1 << 20 };
    char *text = qt_arena_alloc(qt_rpc_arena(ctx), BYTES + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    task->error = text;
}

static void fill_identity(qt_rpc_ctx *ctx, task_message *task) {
    const char *custom = qt_rpc_metadata(ctx, "x-request-id");
    char trace[QT_TRACEPARENT_BYTES];
    qt_trace_format(qt_rpc_trace(ctx), trace);
    task->project = qt_arena_printf(qt_rpc_arena(ctx), "%s|%s|%s|%s", qt_rpc_request_id(ctx), trace,
                                    qt_rpc_peer_identity(ctx), custom != NULL ? custom : "none");
}

static qt_code get_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetTaskRequest *req,
                        Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    rig *r = qt_rpc_self(ctx);
    const char *id = req->task_id;
    if (strcmp(id, "not-found") == 0) {
        return qt_fail(err, TASK_NOT_FOUND, "no task %s", id);
    }
    if (strcmp(id, "field") == 0) {
        (void)qt_fail_field(err, FIELD_INVALID, "payload.shots", "shots are bad");
        err->retry_after_ms = 1500;
        return err->code;
    }
    if (strcmp(id, "internal") == 0) {
        return qt_fail(err, INTERNAL, "secret text");
    }
    if (strcmp(id, "sleep") == 0) {
        return sleep_until_cancelled(ctx, r, err);
    }
    if (strcmp(id, "defer") == 0) {
        defer_to_thread(ctx);
        return QT_OK;
    }
    if (strcmp(id, "hold") == 0) {
        hold(ctx, r);
        return QT_OK;
    }
    if (strcmp(id, "defer-fail") == 0) {
        qt_rpc_defer(ctx);
        return qt_fail(err, OVERLOADED, "deferred and refused");
    }
    task_message *task = new_task(ctx, id);
    if (task == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for the task");
    }
    if (strcmp(id, "big") == 0) {
        fill_big(ctx, task);
    }
    if (strcmp(id, "id") == 0) {
        fill_identity(ctx, task);
    }
    *ret_resp = task;
    return QT_OK;
}

static qt_code create_task(qt_rpc_ctx *ctx, const Qtaskdist__V1__CreateTaskRequest *req,
                           Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    task_message *task = new_task(ctx, "created");
    if (task == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for the task");
    }
    task->payload = req->payload;
    *ret_resp = task;
    return QT_OK;
}

/* A stream of after_version messages, each with 16 KiB of text; endless when it is negative. */
static qt_code watch_tasks(qt_rpc_ctx *ctx, const Qtaskdist__V1__WatchTasksRequest *req,
                           qt_err *err) {
    rig *r = qt_rpc_self(ctx);
    enum { TEXT_BYTES = 16384 };
    static char text[TEXT_BYTES + 1];
    memset(text, 'y', TEXT_BYTES);
    for (int64_t i = 0; req->after_version < 0 || i < req->after_version; i++) {
        Qtaskdist__V1__TaskEvent event = QTASKDIST__V1__TASK_EVENT__INIT;
        Qtaskdist__V1__WatchTasksResponse resp = QTASKDIST__V1__WATCH_TASKS_RESPONSE__INIT;
        event.version = i;
        event.reason = text;
        resp.event = &event;
        qt_code code = qt_rpc_stream_send(ctx, &resp.base, err);
        if (code != QT_OK) {
            atomic_fetch_add(&r->cancelled, 1);
            return code;
        }
        atomic_fetch_add(&r->sent, 1);
    }
    if (strcmp(req->project, "fail") == 0) {
        return qt_fail(err, TASK_FINAL, "the end");
    }
    return QT_OK;
}

static const qt_task_service_ops ops = {
    .get_task = get_task, .create_task = create_task, .watch_tasks = watch_tasks};

/* ---- set-up ---- */

void rig_init(rig *r) {
    memset(r, 0, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    r->dir = qt_test_dir_new();
    snprintf(r->addr, sizeof r->addr, "unix:%s/s", r->dir);
    snprintf(r->target, sizeof r->target, "%s", r->addr);
    r->options = (qt_rpc_server_options){.service = "test",
                                         .listen_addr = r->addr,
                                         .worker_threads = 4,
                                         .queue_limit = 64,
                                         .max_message_bytes = 4 << 20,
                                         .max_concurrent = 1000,
                                         .max_metadata_bytes = 16384,
                                         .default_deadline_ms = 60000,
                                         .lame_duck_ms = 0,
                                         .grace_ms = 100};
}

void rig_start_server(rig *r) {
    qt_err err;
    ck_assert_ok(qt_rpc_server_new(&r->options, &r->server, &err));
    qt_task_service_register(r->server, &ops, r);
    qt_rpc_server_set_flags(r->server, QT_TASK_SERVICE_CREATE_TASK_PATH, QT_RPC_INLINE);
    qt_rpc_server_set_descriptors(r->server, qt_descriptor_set, qt_descriptor_set_len);
    ck_assert_ok(qt_rpc_server_start(r->server, &err));
    qt_rpc_server_set_serving(r->server, NULL, true);
}

void rig_start(rig *r) {
    qt_err err;
    rig_start_server(r);
    const qt_rpc_channel_options options = {.target = r->target};
    ck_assert_ok(qt_rpc_channel_new(&options, &r->channel, &err));
}

void rig_done(rig *r) {
    qt_rpc_channel_free(r->channel);
    if (r->server != NULL) {
        qt_rpc_server_stop(r->server);
        qt_rpc_server_free(r->server);
    }
    qt_test_dir_remove(r->dir);
    free(r->dir);
    pthread_mutex_destroy(&r->lock);
}

/* ---- calls ---- */

qt_code rig_get_text(rig *r, const char *task_id, const qt_rpc_call *call, char *ret_text,
                     size_t cap, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__GetTaskRequest req = QTASKDIST__V1__GET_TASK_REQUEST__INIT;
    char id[64];
    snprintf(id, sizeof id, "%s", task_id);
    req.task_id = id;
    Qtaskdist__V1__Task *task = NULL;
    QT_TRY(qt_task_service_get_task(r->channel, call, &req, &arena, &task, err));
    if (ret_text != NULL) {
        snprintf(ret_text, cap, "%s", task->project);
    }
    return QT_OK;
}

qt_code rig_get(rig *r, const char *task_id, const qt_rpc_call *call, qt_err *err) {
    return rig_get_text(r, task_id, call, NULL, 0, err);
}

typedef struct count_goal {
    atomic_int *value;
    int at_least;
} count_goal;

static bool reached(void *arg) {
    const count_goal *goal = arg;
    return atomic_load(goal->value) >= goal->at_least;
}

void rig_wait_count(atomic_int *value, int at_least) {
    count_goal goal = {value, at_least};
    ck_assert(qt_test_wait(reached, &goal, 20000));
}
