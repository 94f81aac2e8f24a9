#include "services/task-svc/handlers_impl.h"

#include "base/cleanup.h"

#include <pthread.h>
#include <stdatomic.h>

/* WatchTasks is missing: it answers UNIMPLEMENTED. */
static const qt_task_service_ops task_ops = {
    .create_task = qt_handle_create,
    .batch_create_tasks = qt_handle_batch_create,
    .get_task = qt_handle_get,
    .list_tasks = qt_handle_list,
    .update_task = qt_handle_update,
    .enqueue_task = qt_handle_enqueue,
    .cancel_task = qt_handle_cancel,
    .retry_task = qt_handle_retry,
    .delete_task = qt_handle_delete,
    .wait_task = qt_handle_wait,
    .list_task_events = qt_handle_events,
    .get_task_result = qt_handle_result,
    .watch_tasks = qt_handle_watch,
};

static const qt_task_worker_service_ops worker_ops = {
    .claim_tasks = qt_handle_claim,
    .heartbeat = qt_handle_heartbeat,
    .complete_tasks = qt_handle_complete,
};

/* These only check and hand over; parsing circuits and reading the database block. */
static const char *const inline_paths[] = {
    QT_TASK_SERVICE_ENQUEUE_TASK_PATH,
    QT_TASK_SERVICE_CANCEL_TASK_PATH,
    QT_TASK_SERVICE_RETRY_TASK_PATH,
    QT_TASK_SERVICE_DELETE_TASK_PATH,
    QT_TASK_SERVICE_WAIT_TASK_PATH,
    QT_TASK_WORKER_SERVICE_CLAIM_TASKS_PATH,
    QT_TASK_WORKER_SERVICE_COMPLETE_TASKS_PATH,
};

void qt_handlers_register(qt_rpc_server *server, qt_app *app) {
    qt_task_service_register(server, &task_ops, app);
    qt_task_worker_service_register(server, &worker_ops, app);
    qt_job_store_service_register(server, &qt_job_store_ops, app);
    for (size_t i = 0; i < QT_ARRAY_LEN(inline_paths); i++) {
        qt_rpc_server_set_flags(server, inline_paths[i], QT_RPC_INLINE);
    }
}

/* ---- one operation ---- */

static void one_done(qt_task_op *op) {
    qt_rpc_ctx *ctx = op->arg;
    qt_err err = op->err;
    qt_code code = op->code;
    Qtaskdist__V1__Task *task = NULL;
    if (code == QT_OK && op->row != NULL) {
        code = qt_task_from_row(qt_rpc_arena(ctx), op->row, false, &task, &err);
    } else if (code == QT_OK) {
        code = qt_fail(&err, TASK_NOT_FOUND, "the task is gone");
    }
    if (code != QT_OK) {
        qt_rpc_fail(ctx, &err);
    } else {
        qt_rpc_reply(ctx, &task->base);
    }
}

qt_code qt_handlers_commit_one(qt_rpc_ctx *ctx, qt_task_op *op, qt_err *err) {
    op->arg = ctx;
    op->want = QT_WANT_ALL;
    if (op->done == NULL) {
        op->done = one_done;
    }
    qt_rpc_defer(ctx);
    return qt_committer_push(qt_handlers_app(ctx)->committer, op, err);
}

/* ---- many operations ---- */

typedef struct group_state {
    qt_op_group group; /* first: the group is the state */
    pthread_mutex_t lock;
    atomic_size_t left;
} group_state;

static void release_one(group_state *state) {
    if (atomic_fetch_sub(&state->left, 1) == 1) {
        pthread_mutex_destroy(&state->lock);
        state->group.answer(&state->group);
    }
}

static void group_op_done(qt_task_op *op) {
    group_state *state = op->arg;
    qt_op_group *group = &state->group;
    if (group->convert != NULL) {
        pthread_mutex_lock(&state->lock); /* the arena is for one thread at a time */
        group->convert(group, (size_t)(op - group->ops));
        pthread_mutex_unlock(&state->lock);
    }
    release_one(state);
}

qt_code qt_handlers_group_new(qt_rpc_ctx *ctx, size_t count, qt_op_group **ret_group, qt_err *err) {
    void *memory = NULL;
    void *ops = NULL;
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(group_state), &memory, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), count, sizeof(qt_task_op), &ops, err));
    group_state *state = memory;
    state->group = (qt_op_group){.ctx = ctx, .ops = ops, .count = count};
    *ret_group = &state->group;
    return QT_OK;
}

void qt_handlers_group_commit(qt_op_group *group) {
    group_state *state = (group_state *)group;
    qt_committer *committer = qt_handlers_app(group->ctx)->committer;
    pthread_mutex_init(&state->lock, NULL);
    atomic_init(&state->left, group->count + 1);
    qt_rpc_defer(group->ctx);
    for (size_t i = 0; i < group->count; i++) {
        qt_task_op *op = &group->ops[i];
        op->arg = state;
        op->done = group_op_done;
        if (op->code != QT_OK) {
            release_one(state);
        } else {
            qt_committer_push_all(committer, &op, 1);
        }
    }
    release_one(state);
}

/* Whether a repeat of the whole call can help. */
static bool is_passing(qt_code code) {
    return code == QT_UNAVAILABLE || code == QT_RESOURCE_EXHAUSTED || code == QT_INTERNAL ||
           code == QT_UNKNOWN || code == QT_DEADLINE_EXCEEDED;
}

bool qt_handlers_group_failed(qt_op_group *group) {
    for (size_t i = 0; i < group->count; i++) {
        if (is_passing(group->ops[i].code)) {
            qt_rpc_fail(group->ctx, &group->ops[i].err);
            return true;
        }
    }
    return false;
}
