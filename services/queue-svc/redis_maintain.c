/* What the hub does once a second. Trimming: everything below the oldest entry that is pending or
 * undelivered goes. That id is read first and only grows, so a trim can never remove an entry that
 * somebody still needs, whatever happens in between. */
#include "services/queue-svc/redis_store_internal.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_COMMANDS = 2, STREAM_COMMANDS = 2, CONSUMERS_EVERY = 60 };

typedef struct maintain_state {
    unsigned paused;
    bool group_missing;
    qt_group_info groups[QT_STREAMS];
    char oldest_pending[QT_STREAMS][QT_ENTRY_ID_BYTES];
    qt_err refused;
} maintain_state;

static void read_info(void *arg, size_t i, const redisReply *reply) {
    maintain_state *state = arg;
    if (state->refused.code == QT_OK && !qt_redis_store_is_gone(reply)) {
        (void)!qt_redis_check(reply, &state->refused);
    }
    if (i < HEAD_COMMANDS) {
        state->paused = i == 1 ? qt_paused_read(reply) : state->paused;
        return;
    }
    size_t stream = (i - HEAD_COMMANDS) / STREAM_COMMANDS;
    if ((i - HEAD_COMMANDS) % STREAM_COMMANDS == 0) {
        state->groups[stream] = qt_group_info_read(reply);
        state->group_missing = state->group_missing || !state->groups[stream].exists;
    } else {
        qt_pending_read(reply, state->oldest_pending[stream]);
    }
}

static qt_code ask(qt_redis_store *store, maintain_state *state, qt_err *err) {
    qt_redis_batch *batch = &store->batch;
    char word[17];
    qt_random_word(word);
    qt_redis_batch_clear(batch);
    qt_redis_batch_add(batch, "SET", QT_KEY_EPOCH, word, "NX");
    qt_redis_batch_add(batch, "SMEMBERS", QT_KEY_PAUSED);
    for (int i = 0; i < QT_STREAMS; i++) {
        qt_redis_batch_add(batch, "XINFO", "GROUPS", qt_stream_name(i));
        qt_redis_batch_add(batch, "XPENDING", qt_stream_name(i), QT_GROUP);
    }
    QT_TRY(qt_redis_run(store->reader, batch, read_info, state, err));
    if (state->refused.code != QT_OK) {
        *err = state->refused;
    }
    return state->refused.code;
}

/* The id after the given one. */
static void next_id(const char *id, char *ret_next, size_t cap) {
    char *end = NULL;
    unsigned long long ms = strtoull(id, &end, 10);
    unsigned long long number = *end == '-' ? strtoull(end + 1, NULL, 10) : 0;
    snprintf(ret_next, cap, "%llu-%llu", ms, number + 1);
}

static void ignore(void *arg, size_t i, const redisReply *reply) {
    (void)arg;
    (void)i;
    (void)reply;
}

static qt_code trim(qt_redis_store *store, const maintain_state *state, unsigned streams,
                    qt_err *err) {
    qt_redis_batch *batch = &store->batch;
    qt_redis_batch_clear(batch);
    for (int i = 0; i < QT_STREAMS; i++) {
        if ((streams & 1U << i) == 0 || !state->groups[i].exists) {
            continue;
        }
        char keep[QT_ENTRY_ID_BYTES + 2];
        const char *pending = state->oldest_pending[i];
        if (pending[0] != '\0') {
            snprintf(keep, sizeof keep, "%s", pending);
        } else {
            next_id(state->groups[i].last_id, keep, sizeof keep);
        }
        qt_redis_batch_add(batch, "XTRIM", qt_stream_name(i), "MINID", keep);
    }
    return qt_redis_run(store->reader, batch, ignore, NULL, err);
}

/* ---- consumers of processes that are gone ---- */

typedef struct consumer {
    const char *name;
    long long pending;
    long long idle_ms;
} consumer;

static consumer read_consumer(const redisReply *map) {
    consumer c = {.name = "", .pending = 1};
    for (size_t i = 0; i + 1 < map->elements; i += 2) {
        const char *key = map->element[i]->str;
        const redisReply *value = map->element[i + 1];
        if (strcmp(key, "name") == 0) {
            c.name = value->str;
        } else if (strcmp(key, "pending") == 0) {
            c.pending = value->integer;
        } else if (strcmp(key, "idle") == 0) {
            c.idle_ms = value->integer;
        }
    }
    return c;
}

/* Only consumers without pending entries, because XGROUP DELCONSUMER forgets those. */
static qt_code forget_consumers(qt_redis_store *store, int stream, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    qt_redis_batch_add(&batch, "XINFO", "CONSUMERS", qt_stream_name(stream), QT_GROUP);
    QT_TRY(qt_redis_call(store->reader, &batch, &reply, err));
    qt_redis_batch_clear(&batch);
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        consumer c = read_consumer(reply->element[i]);
        if (c.pending == 0 && c.idle_ms > store->options.consumer_idle_ms &&
            strcmp(c.name, store->consumer) != 0) {
            qt_log(INFO, "a consumer is gone", QT_KV_STR("consumer", c.name),
                   QT_KV_STR("stream", qt_stream_name(stream)));
            qt_redis_batch_add(&batch, "XGROUP", "DELCONSUMER", qt_stream_name(stream), QT_GROUP,
                               c.name);
        }
    }
    return qt_redis_run(store->reader, &batch, ignore, NULL, err);
}

static qt_code maintain(qt_redis_store *store, unsigned acked, bool thorough, maintain_state *state,
                        qt_err *err) {
    QT_TRY(ask(store, state, err));
    if (state->group_missing) {
        QT_TRY(qt_redis_store_make_groups(store->reader, err));
    }
    QT_TRY(trim(store, state, thorough ? ~0U : acked, err));
    for (int i = 0; i < QT_STREAMS && thorough && !state->group_missing; i++) {
        QT_TRY(forget_consumers(store, i, err));
    }
    return QT_OK;
}

qt_code qt_redis_store_maintain(void *self, unsigned *ret_paused, qt_err *err) {
    qt_redis_store *store = self;
    maintain_state state = {0};
    bool thorough = store->maintenance_count++ % CONSUMERS_EVERY == 0;
    unsigned acked = atomic_exchange(&store->acked, 0);
    qt_code code = maintain(store, acked, thorough, &state, err);
    if (code != QT_OK) {
        atomic_fetch_or(&store->acked, acked);
        return code;
    }
    *ret_paused = state.paused;
    return QT_OK;
}
