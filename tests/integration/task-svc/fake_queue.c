#include "fake_queue.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { TYPES = 4, PRIORITIES = 4, TAKE_MS = 15000, QUIET_MS = 400 };

static int64_t now_ms(void) {
    return qt_clock_mono_ms(qt_clock_system());
}

/* ---- handlers ---- */

static qt_code check_up(const fake_queue *queue, qt_err *err) {
    return queue->is_down ? qt_fail(err, QUEUE_UNAVAILABLE, "down") : QT_OK;
}

static void add(fake_queue *queue, const Qtaskdist__V1__QueueEntry *from) {
    if (queue->count == queue->cap) {
        qt_err err;
        void *memory = queue->entries;
        queue->cap = queue->cap * 2 + 64;
        ck_assert_int_eq(qt_try_realloc(&memory, queue->cap * sizeof(fake_entry), &err), QT_OK);
        queue->entries = memory;
    }
    fake_entry *to = &queue->entries[queue->count++];
    *to = (fake_entry){.type = (int)from->task_type,
                       .priority = (int)from->priority,
                       .dispatch_seq = from->dispatch_seq,
                       .has_payload = from->payload != NULL,
                       .added_ms = now_ms()};
    snprintf(to->id, sizeof to->id, "%s", from->task_id);
}

static qt_code handle_enqueue(qt_rpc_ctx *ctx, const Qtaskdist__V1__EnqueueRequest *req,
                              Qtaskdist__V1__EnqueueResponse **ret_resp, qt_err *err) {
    fake_queue *queue = qt_rpc_self(ctx);
    pthread_mutex_lock(&queue->lock);
    qt_code code = check_up(queue, err);
    for (size_t i = 0; code == QT_OK && i < req->n_entries; i++) {
        add(queue, req->entries[i]);
    }
    pthread_mutex_unlock(&queue->lock);
    QT_TRY(code);
    *ret_resp = (void *)qt_rpc_message(ctx, &qtaskdist__v1__enqueue_response__descriptor);
    return QT_OK;
}

static bool is_live(const fake_entry *entry) {
    return !entry->is_taken && !entry->is_lost;
}

static void fill_stream(const fake_queue *queue, int type, int priority,
                        Qtaskdist__V1__StreamStats *stats) {
    stats->task_type = (Qtaskdist__V1__TaskType)type;
    stats->priority = (Qtaskdist__V1__TaskPriority)priority;
    for (size_t i = 0; i < queue->count; i++) {
        const fake_entry *entry = &queue->entries[i];
        if (entry->type != type || entry->priority != priority || !is_live(entry)) {
            continue;
        }
        if (!stats->has_live) {
            stats->oldest_age_ms = now_ms() - entry->added_ms;
        }
        stats->has_live = 1;
        stats->length++;
        stats->lag++;
    }
}

static qt_code handle_stats(qt_rpc_ctx *ctx, const Qtaskdist__V1__StatsRequest *req,
                            Qtaskdist__V1__StatsResponse **ret_resp, qt_err *err) {
    fake_queue *queue = qt_rpc_self(ctx);
    (void)req;
    Qtaskdist__V1__StatsResponse *resp =
        (void *)qt_rpc_message(ctx, &qtaskdist__v1__stats_response__descriptor);
    resp->streams = qt_arena_alloc(qt_rpc_arena(ctx), TYPES * PRIORITIES * sizeof(void *));
    pthread_mutex_lock(&queue->lock);
    qt_code code = check_up(queue, err);
    resp->epoch = qt_arena_printf(qt_rpc_arena(ctx), "epoch %d", queue->epoch);
    for (int type = 1; type < TYPES; type++) {
        for (int priority = 1; priority < PRIORITIES; priority++) {
            Qtaskdist__V1__StreamStats *stats =
                (void *)qt_rpc_message(ctx, &qtaskdist__v1__stream_stats__descriptor);
            fill_stream(queue, type, priority, stats);
            resp->streams[resp->n_streams++] = stats;
        }
    }
    pthread_mutex_unlock(&queue->lock);
    QT_TRY(code);
    *ret_resp = resp;
    return QT_OK;
}

static const qt_queue_service_ops ops = {.enqueue = handle_enqueue, .stats = handle_stats};

/* ---- life ---- */

void fake_queue_start(fake_queue *queue) {
    qt_err err;
    *queue = (fake_queue){.epoch = 1};
    pthread_mutex_init(&queue->lock, NULL);
    const qt_rpc_server_options options = {.service = "fake-queue",
                                           .listen_addr = "127.0.0.1:0",
                                           .worker_threads = 2,
                                           .queue_limit = 1000,
                                           .max_message_bytes = 16777216,
                                           .max_concurrent = 1000,
                                           .max_metadata_bytes = 16384,
                                           .default_deadline_ms = 60000,
                                           .grace_ms = 1000,
                                           .tls_cert_file = "",
                                           .tls_key_file = "",
                                           .tls_ca_file = ""};
    ck_assert_ok(qt_rpc_server_new(&options, &queue->server, &err));
    qt_queue_service_register(queue->server, &ops, queue);
    ck_assert_ok(qt_rpc_server_start(queue->server, &err));
    qt_rpc_server_set_serving(queue->server, NULL, true);
}

void fake_queue_stop(fake_queue *queue) {
    qt_rpc_server_stop(queue->server);
    qt_rpc_server_free(queue->server);
    pthread_mutex_destroy(&queue->lock);
    free(queue->entries);
}

void fake_queue_address(const fake_queue *queue, char *ret_address, size_t cap) {
    snprintf(ret_address, cap, "127.0.0.1:%d", qt_rpc_server_port(queue->server));
}

/* ---- for tests ---- */

void fake_queue_set_down(fake_queue *queue, bool is_down) {
    pthread_mutex_lock(&queue->lock);
    queue->is_down = is_down;
    pthread_mutex_unlock(&queue->lock);
}

void fake_queue_flush(fake_queue *queue, bool new_epoch) {
    pthread_mutex_lock(&queue->lock);
    queue->epoch += new_epoch;
    for (size_t i = 0; i < queue->count; i++) {
        queue->entries[i].is_lost = true;
    }
    pthread_mutex_unlock(&queue->lock);
}

size_t fake_queue_count(fake_queue *queue, const char *id) {
    size_t count = 0;
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < queue->count; i++) {
        count += id == NULL || strcmp(queue->entries[i].id, id) == 0;
    }
    pthread_mutex_unlock(&queue->lock);
    return count;
}

static bool is_first_live(const fake_queue *queue, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (is_live(&queue->entries[i]) &&
            strcmp(queue->entries[i].id, queue->entries[index].id) == 0) {
            return false;
        }
    }
    return is_live(&queue->entries[index]);
}

size_t fake_queue_live(fake_queue *queue) {
    size_t count = 0;
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < queue->count; i++) {
        count += is_first_live(queue, i);
    }
    pthread_mutex_unlock(&queue->lock);
    return count;
}

typedef struct wish {
    fake_queue *queue;
    int type;       /* 0: any */
    const char *id; /* NULL: any */
    fake_entry got;
} wish;

static bool fits(const wish *w, const fake_entry *entry, int priority) {
    return is_live(entry) && entry->priority == priority &&
           (w->type == 0 || entry->type == w->type) &&
           (w->id == NULL || strcmp(entry->id, w->id) == 0);
}

static bool take_one(void *arg) {
    wish *w = arg;
    bool found = false;
    pthread_mutex_lock(&w->queue->lock);
    for (int priority = PRIORITIES - 1; priority > 0 && !found; priority--) {
        for (size_t i = 0; i < w->queue->count && !found; i++) {
            fake_entry *entry = &w->queue->entries[i];
            if (fits(w, entry, priority)) {
                entry->is_taken = true;
                w->got = *entry;
                found = true;
            }
        }
    }
    pthread_mutex_unlock(&w->queue->lock);
    return found;
}

fake_entry fake_queue_take(fake_queue *queue, int type) {
    wish w = {.queue = queue, .type = type};
    ck_assert_msg(qt_test_wait(take_one, &w, TAKE_MS), "no entry of type %d", type);
    return w.got;
}

fake_entry fake_queue_take_task(fake_queue *queue, const char *id) {
    wish w = {.queue = queue, .id = id};
    ck_assert_msg(qt_test_wait(take_one, &w, TAKE_MS), "no entry of task %s", id);
    return w.got;
}

typedef struct growth {
    fake_queue *queue;
    size_t before;
} growth;

static bool has_grown(void *arg) {
    growth *g = arg;
    return fake_queue_count(g->queue, NULL) != g->before;
}

bool fake_queue_is_quiet(fake_queue *queue) {
    growth g = {queue, fake_queue_count(queue, NULL)};
    return !qt_test_wait(has_grown, &g, QUIET_MS);
}
