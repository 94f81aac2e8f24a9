#include "services/queue-svc/redis_store_internal.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "services/queue-svc/streams.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A foreign or damaged entry would come back for ever: it is acknowledged and logged. */
static qt_code drop_entry(qt_redis_store *store, int stream, const redisReply *reply,
                          const qt_err *why, qt_err *err) {
    qt_log_err(ERROR, "an entry of a stream is dropped", why,
               QT_KV_STR("stream", qt_stream_name(stream)));
    bool has_id = reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
                  reply->element[0]->type == REDIS_REPLY_STRING;
    if (!has_id) {
        return QT_OK;
    }
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *answer = NULL;
    qt_redis_batch_add(&batch, "XACK", qt_stream_name(stream), QT_GROUP, reply->element[0]->str);
    return qt_redis_call(store->reader, &batch, &answer, err);
}

/* Puts [[id, fields], ...] at the end of the list. */
static qt_code take_entries(qt_redis_store *store, int stream, const redisReply *entries,
                            qt_entry_list *list, qt_err *err) {
    for (size_t i = 0; entries->type == REDIS_REPLY_ARRAY && i < entries->elements; i++) {
        qt_entry *entry = NULL;
        qt_err why = {0};
        qt_code code = qt_entry_decode(entries->element[i], stream, &entry, &why);
        if (code == QT_OK) {
            qt_entry_list_push(list, entry);
        } else if (code == QT_DATA_LOSS) {
            QT_TRY(drop_entry(store, stream, entries->element[i], &why, err));
        } else {
            *err = why;
            return code;
        }
    }
    return QT_OK;
}

/* Reads [[stream, [[id, fields], ...]], ...], nothing, or an error. */
static qt_code take_streams(qt_redis_store *store, const redisReply *reply, qt_entry_list *list,
                            qt_err *err) {
    if (qt_redis_store_is_gone(reply)) {
        qt_log(WARN, "the consumer groups are gone and are made again");
        return qt_redis_store_make_groups(store->reader, err);
    }
    QT_TRY(qt_redis_check(reply, err));
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        const redisReply *pair = reply->element[i];
        int stream = pair->elements == 2 ? qt_stream_from_name(pair->element[0]->str) : -1;
        if (stream >= 0) {
            QT_TRY(take_entries(store, stream, pair->element[1], list, err));
        }
    }
    return QT_OK;
}

static void read_command(qt_redis_store *store, unsigned streams, size_t count, int64_t wait_ms) {
    size_t stream_count = (size_t)__builtin_popcount(streams);
    qt_redis_batch *batch = &store->batch;
    qt_redis_batch_clear(batch);
    qt_redis_batch_command(batch, (wait_ms > 0 ? 9 : 7) + 2 * stream_count);
    qt_redis_batch_str(batch, "XREADGROUP");
    qt_redis_batch_str(batch, "GROUP");
    qt_redis_batch_str(batch, QT_GROUP);
    qt_redis_batch_str(batch, store->consumer);
    qt_redis_batch_str(batch, "COUNT");
    qt_redis_batch_i64(batch, (int64_t)count);
    if (wait_ms > 0) {
        qt_redis_batch_str(batch, "BLOCK");
        qt_redis_batch_i64(batch, wait_ms);
    }
    qt_redis_batch_str(batch, "STREAMS");
    for (int i = 0; i < QT_STREAMS; i++) {
        if ((streams & 1U << i) != 0) {
            qt_redis_batch_str(batch, qt_stream_name(i));
        }
    }
    for (size_t i = 0; i < stream_count; i++) {
        qt_redis_batch_str(batch, ">");
    }
}

qt_code qt_redis_store_read(void *self, int stream, size_t count, qt_entry_list *list,
                            qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    read_command(store, 1U << stream, count, 0);
    QT_TRY(qt_redis_send(store->reader, &store->batch, err));
    QT_TRY(qt_redis_receive(store->reader, &reply, err));
    return take_streams(store, reply, list, err);
}

void qt_redis_store_interrupt(void *self) {
    const qt_redis_store *store = self;
    const uint64_t one = 1;
    (void)!write(store->wake_fd, &one, sizeof one);
}

/* Asks Redis to end the read that blocks. When that fails, the read ends by itself. */
static void unblock(qt_redis_store *store) {
    uint64_t count;
    qt_err ignored;
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    (void)!read(store->wake_fd, &count, sizeof count);
    qt_redis_batch_command(&batch, 3);
    qt_redis_batch_str(&batch, "CLIENT");
    qt_redis_batch_str(&batch, "UNBLOCK");
    qt_redis_batch_i64(&batch, qt_redis_client_id(store->reader));
    (void)!qt_redis_call(store->control, &batch, &reply, &ignored);
}

/* Until the reply is there; interrupt() makes it come. */
static qt_code wait_for_reply(qt_redis_store *store, int64_t wait_ms, qt_err *err) {
    int64_t left_ms = wait_ms + store->options.redis.command_timeout_ms;
    int64_t end_ms = qt_clock_mono_ms(qt_clock_system()) + left_ms;
    for (; left_ms > 0; left_ms = end_ms - qt_clock_mono_ms(qt_clock_system())) {
        struct pollfd fds[2] = {{.fd = qt_redis_fd(store->reader), .events = POLLIN},
                                {.fd = store->wake_fd, .events = POLLIN}};
        int n = poll(fds, 2, (int)left_ms);
        if (n < 0 && errno != EINTR) {
            return qt_fail(err, IO_ERROR, "poll: %s", strerror(errno));
        }
        if (n > 0 && fds[0].revents != 0) {
            return QT_OK;
        }
        if (n > 0 && fds[1].revents != 0) {
            unblock(store);
        }
    }
    qt_redis_disconnect(store->reader);
    return qt_fail(err, QUEUE_UNAVAILABLE, "Redis: a blocking read did not end in time");
}

qt_code qt_redis_store_wait(void *self, unsigned streams, size_t count, int64_t wait_ms,
                            qt_entry_list *list, qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    read_command(store, streams, count, wait_ms > 0 ? wait_ms : 1);
    QT_TRY(qt_redis_send(store->reader, &store->batch, err));
    QT_TRY(wait_for_reply(store, wait_ms, err));
    QT_TRY(qt_redis_receive(store->reader, &reply, err));
    return take_streams(store, reply, list, err);
}

/* ---- entries that were delivered and never acknowledged ---- */

static void set_delivery_count(void *arg, size_t i, const redisReply *reply) {
    qt_entry **next = arg;
    (void)i;
    bool found = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
                 reply->element[0]->elements == 4 &&
                 reply->element[0]->element[3]->type == REDIS_REPLY_INTEGER;
    if (found) {
        (*next)->delivery_count = (int32_t)reply->element[0]->element[3]->integer;
    }
    *next = (*next)->next;
}

/* XAUTOCLAIM does not tell how often an entry was delivered; XPENDING does. */
static qt_code ask_delivery_counts(qt_redis_store *store, int stream, qt_entry_list *claimed,
                                   qt_err *err) {
    qt_redis_batch *batch = &store->batch;
    qt_redis_batch_clear(batch);
    for (const qt_entry *e = claimed->first; e != NULL; e = e->next) {
        qt_redis_batch_add(batch, "XPENDING", qt_stream_name(stream), QT_GROUP, e->id, e->id, "1");
    }
    qt_entry *next = claimed->first;
    return qt_redis_run(store->reader, batch, set_delivery_count, &next, err);
}

static void claim_command(qt_redis_store *store, int stream, size_t count) {
    qt_redis_batch *batch = &store->batch;
    qt_redis_batch_clear(batch);
    qt_redis_batch_command(batch, 8);
    qt_redis_batch_str(batch, "XAUTOCLAIM");
    qt_redis_batch_str(batch, qt_stream_name(stream));
    qt_redis_batch_str(batch, QT_GROUP);
    qt_redis_batch_str(batch, store->consumer);
    qt_redis_batch_str(batch, store->claim_idle);
    qt_redis_batch_str(batch, store->cursors[stream]);
    qt_redis_batch_str(batch, "COUNT");
    qt_redis_batch_i64(batch, (int64_t)count);
}

qt_code qt_redis_store_reclaim(void *self, int stream, size_t count, qt_entry_list *list,
                               qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    claim_command(store, stream, count);
    QT_TRY(qt_redis_send(store->reader, &store->batch, err));
    QT_TRY(qt_redis_receive(store->reader, &reply, err));
    if (qt_redis_store_is_gone(reply)) {
        return qt_redis_store_make_groups(store->reader, err);
    }
    QT_TRY(qt_redis_check(reply, err));
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2) {
        return qt_fail(err, INTERNAL, "an unexpected reply of XAUTOCLAIM");
    }
    qt_copy_id(reply->element[0], store->cursors[stream]);
    qt_entry_list claimed = {0};
    qt_code code = take_entries(store, stream, reply->element[1], &claimed, err);
    code = code == QT_OK ? ask_delivery_counts(store, stream, &claimed, err) : code;
    qt_entry_list_append(list, &claimed);
    return code;
}
