#include "services/queue-svc/redis_store_internal.h"

#include "base/cleanup.h"

#include <string.h>

typedef struct add_state {
    char (*ids)[QT_ENTRY_ID_BYTES];
    qt_err refused; /* the first error reply */
} add_state;

static void add_reply(void *arg, size_t i, const redisReply *reply) {
    add_state *state = arg;
    if (reply->type == REDIS_REPLY_ERROR) {
        if (state->refused.code == QT_OK) {
            (void)!qt_redis_check(reply, &state->refused);
        }
        return;
    }
    qt_copy_id(reply, state->ids[i]);
}

static void add_command(qt_redis_batch *batch, const qt_new_entry *entry) {
    bool has_trace = entry->traceparent != NULL && entry->traceparent[0] != '\0';
    qt_redis_batch_command(batch, 7U + (entry->payload_len > 0 ? 2 : 0) + (has_trace ? 2 : 0));
    qt_redis_batch_str(batch, "XADD");
    qt_redis_batch_str(batch, qt_stream_name(entry->stream));
    qt_redis_batch_str(batch, "*");
    qt_redis_batch_str(batch, "task_id");
    qt_redis_batch_str(batch, entry->task_id);
    qt_redis_batch_str(batch, "seq");
    qt_redis_batch_i64(batch, entry->dispatch_seq);
    if (has_trace) {
        qt_redis_batch_str(batch, "trace");
        qt_redis_batch_str(batch, entry->traceparent);
    }
    if (entry->payload_len > 0) {
        qt_redis_batch_str(batch, "payload");
        qt_redis_batch_arg(batch, entry->payload, entry->payload_len);
    }
}

qt_code qt_redis_store_add(void *self, const qt_new_entry *entries, size_t count,
                           char (*ret_ids)[QT_ENTRY_ID_BYTES], qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    for (size_t i = 0; i < count; i++) {
        add_command(&batch, &entries[i]);
    }
    add_state state = {.ids = ret_ids};
    QT_TRY(qt_redis_pool_run(store->pool, &batch, add_reply, &state, err));
    if (state.refused.code != QT_OK) {
        *err = state.refused;
    }
    return state.refused.code;
}

typedef struct count_state {
    size_t count;
    qt_err refused;
} count_state;

static void count_reply(void *arg, size_t i, const redisReply *reply) {
    count_state *state = arg;
    (void)i;
    if (reply->type == REDIS_REPLY_INTEGER) {
        state->count += (size_t)reply->integer;
    } else if (state->refused.code == QT_OK) {
        (void)!qt_redis_check(reply, &state->refused);
    }
}

/* One XACK for the acks of one stream. */
static void ack_command(qt_redis_batch *batch, int stream, const qt_ack *acks, size_t count) {
    size_t of_stream = 0;
    for (size_t i = 0; i < count; i++) {
        of_stream += acks[i].stream == stream ? 1 : 0;
    }
    if (of_stream == 0) {
        return;
    }
    qt_redis_batch_command(batch, 3 + of_stream);
    qt_redis_batch_str(batch, "XACK");
    qt_redis_batch_str(batch, qt_stream_name(stream));
    qt_redis_batch_str(batch, QT_GROUP);
    for (size_t i = 0; i < count; i++) {
        if (acks[i].stream == stream) {
            qt_redis_batch_str(batch, acks[i].id);
        }
    }
}

qt_code qt_redis_store_ack(void *self, const qt_ack *acks, size_t count, size_t *ret_count,
                           qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    unsigned streams = 0;
    for (size_t i = 0; i < count; i++) {
        streams |= 1U << acks[i].stream;
    }
    for (int stream = 0; stream < QT_STREAMS; stream++) {
        if ((streams & 1U << stream) != 0) {
            ack_command(&batch, stream, acks, count);
        }
    }
    count_state state = {0};
    QT_TRY(qt_redis_pool_run(store->pool, &batch, count_reply, &state, err));
    if (state.refused.code != QT_OK) {
        *err = state.refused;
        return err->code;
    }
    atomic_fetch_or(&store->acked, streams);
    *ret_count = state.count;
    return QT_OK;
}

qt_code qt_redis_store_set_paused(void *self, int type, bool paused, qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    qt_redis_batch_add(&batch, paused ? "SADD" : "SREM", QT_KEY_PAUSED, qt_queue_type_name(type));
    count_state state = {0};
    QT_TRY(qt_redis_pool_run(store->pool, &batch, count_reply, &state, err));
    if (state.refused.code != QT_OK) {
        *err = state.refused;
    }
    return state.refused.code;
}

qt_code qt_redis_store_set_running(void *self, unsigned types, const int64_t counts[QT_QUEUE_TYPES],
                                   qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        if ((types & 1U << type) != 0) {
            qt_redis_batch_command(&batch, 4);
            qt_redis_batch_str(&batch, "HSET");
            qt_redis_batch_str(&batch, QT_KEY_RUNNING);
            qt_redis_batch_str(&batch, qt_queue_type_name(type));
            qt_redis_batch_i64(&batch, counts[type]);
        }
    }
    count_state state = {0};
    QT_TRY(qt_redis_pool_run(store->pool, &batch, count_reply, &state, err));
    if (state.refused.code != QT_OK) {
        *err = state.refused;
    }
    return state.refused.code;
}

/* ---- purge: everything undelivered is delivered to nobody and acknowledged ---- */

enum { PURGE_BATCH = 1000 };

static qt_code purge_read(qt_redis_store *store, qt_redis *redis, int stream,
                          redisReply **ret_reply, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    qt_redis_batch_command(&batch, 9);
    const char *const words[] = {"XREADGROUP", "GROUP", QT_GROUP, store->consumer, "COUNT"};
    for (size_t i = 0; i < QT_ARRAY_LEN(words); i++) {
        qt_redis_batch_str(&batch, words[i]);
    }
    qt_redis_batch_i64(&batch, PURGE_BATCH);
    qt_redis_batch_str(&batch, "STREAMS");
    qt_redis_batch_str(&batch, qt_stream_name(stream));
    qt_redis_batch_str(&batch, ">");
    return qt_redis_call(redis, &batch, ret_reply, err);
}

/* Acknowledges the entries in a reply of XREADGROUP. */
static qt_code purge_ack(qt_redis *redis, int stream, const redisReply *entries, size_t *ret_count,
                         qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    qt_redis_batch_command(&batch, 3 + entries->elements);
    qt_redis_batch_str(&batch, "XACK");
    qt_redis_batch_str(&batch, qt_stream_name(stream));
    qt_redis_batch_str(&batch, QT_GROUP);
    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *id = entries->element[i]->element[0];
        qt_redis_batch_arg(&batch, id->str, id->len);
    }
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    QT_TRY(qt_redis_call(redis, &batch, &reply, err));
    *ret_count += entries->elements;
    return QT_OK;
}

/* At most what the stream held at the start, so that a busy producer cannot keep it going. */
static qt_code purge_stream(qt_redis_store *store, qt_redis *redis, int stream, size_t *ret_count,
                            qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *length = NULL;
    qt_redis_batch_add(&batch, "XLEN", qt_stream_name(stream));
    QT_TRY(qt_redis_call(redis, &batch, &length, err));
    for (long long left = length->integer; left > 0; left -= PURGE_BATCH) {
        QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
        QT_TRY(purge_read(store, redis, stream, &reply, err));
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
            break;
        }
        QT_TRY(purge_ack(redis, stream, reply->element[0]->element[1], ret_count, err));
    }
    atomic_fetch_or(&store->acked, 1U << stream);
    return QT_OK;
}

qt_code qt_redis_store_purge(void *self, int type, size_t *ret_count, qt_err *err) {
    qt_redis_store *store = self;
    qt_redis *redis = qt_redis_pool_take(store->pool);
    size_t count = 0;
    qt_code code = qt_redis_store_make_groups(redis, err);
    for (int band = 0; band < QT_QUEUE_BANDS && code == QT_OK; band++) {
        code = purge_stream(store, redis, qt_stream_of(type, (qt_band)band), &count, err);
    }
    qt_redis_pool_give(store->pool, redis);
    if (code == QT_OK) {
        *ret_count = count;
    }
    return code;
}
