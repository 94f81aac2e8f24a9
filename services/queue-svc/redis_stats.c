#include "services/queue-svc/redis_store_internal.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_COMMANDS = 6, STREAM_COMMANDS = 3 };

typedef struct stats_state {
    qt_queue_stats stats;
    int64_t now_ms;
    char epoch[40];
    char run_id[16];
    qt_group_info groups[QT_STREAMS];
    char oldest[QT_STREAMS][QT_ENTRY_ID_BYTES]; /* pending or undelivered; "" without one */
    int asked[QT_STREAMS];                      /* streams of the second round, in order */
    qt_err refused;
} stats_state;

/* Milliseconds of an entry id. */
static int64_t id_ms(const char *id) {
    return strtoll(id, NULL, 10);
}

/* "run_id:<40 hexadecimal digits>" of INFO server: changes when Redis restarts or another server
 * takes over, after which the last second of writes may be missing. */
static void read_run_id(const redisReply *reply, char *ret_run_id, size_t cap) {
    const char *at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "run_id:") : NULL;
    snprintf(ret_run_id, cap, "%.12s", at != NULL ? at + strlen("run_id:") : "");
}

/* The reply of HMGET for all types. */
static void read_running(const redisReply *reply, int64_t running[QT_QUEUE_TYPES]) {
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < QT_QUEUE_TYPES; i++) {
        const redisReply *count = reply->element[i];
        running[i] = count->type == REDIS_REPLY_STRING ? strtoll(count->str, NULL, 10) : 0;
    }
}

static void read_head(stats_state *state, size_t i, const redisReply *reply) {
    switch (i) {
    case 0: /* TIME */
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
            state->now_ms = strtoll(reply->element[0]->str, NULL, 10) * 1000 +
                            strtoll(reply->element[1]->str, NULL, 10) / 1000;
        }
        break;
    case 2: /* GET, after SET NX */
        snprintf(state->epoch, sizeof state->epoch, "%.32s",
                 reply->type == REDIS_REPLY_STRING ? reply->str : "");
        break;
    case 3:
        state->stats.paused = qt_paused_read(reply);
        break;
    case 4:
        read_run_id(reply, state->run_id, sizeof state->run_id);
        break;
    case 5:
        read_running(reply, state->stats.running);
        break;
    default:
        break;
    }
}

static void read_stream(stats_state *state, int stream, size_t command, const redisReply *reply) {
    qt_stream_stats *s = &state->stats.streams[stream];
    switch (command) {
    case 0:
        s->length = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
        break;
    case 1:
        state->groups[stream] = qt_group_info_read(reply);
        break;
    default:
        s->pending = qt_pending_read(reply, state->oldest[stream]);
        break;
    }
}

static void read_first(void *arg, size_t i, const redisReply *reply) {
    stats_state *state = arg;
    if (state->refused.code == QT_OK && !qt_redis_store_is_gone(reply)) {
        (void)!qt_redis_check(reply, &state->refused);
    }
    if (i < HEAD_COMMANDS) {
        read_head(state, i, reply);
        return;
    }
    i -= HEAD_COMMANDS;
    read_stream(state, (int)(i / STREAM_COMMANDS), i % STREAM_COMMANDS, reply);
}

static qt_code ask_first(qt_redis *redis, stats_state *state, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    char word[17];
    qt_random_word(word);
    qt_redis_batch_add(&batch, "TIME");
    qt_redis_batch_add(&batch, "SET", QT_KEY_EPOCH, word, "NX");
    qt_redis_batch_add(&batch, "GET", QT_KEY_EPOCH);
    qt_redis_batch_add(&batch, "SMEMBERS", QT_KEY_PAUSED);
    qt_redis_batch_add(&batch, "INFO", "server");
    qt_redis_batch_command(&batch, 2 + QT_QUEUE_TYPES);
    qt_redis_batch_str(&batch, "HMGET");
    qt_redis_batch_str(&batch, QT_KEY_RUNNING);
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        qt_redis_batch_str(&batch, qt_queue_type_name(type));
    }
    for (int i = 0; i < QT_STREAMS; i++) {
        qt_redis_batch_add(&batch, "XLEN", qt_stream_name(i));
        qt_redis_batch_add(&batch, "XINFO", "GROUPS", qt_stream_name(i));
        qt_redis_batch_add(&batch, "XPENDING", qt_stream_name(i), QT_GROUP);
    }
    QT_TRY(qt_redis_run(redis, &batch, read_first, state, err));
    if (state->refused.code != QT_OK) {
        *err = state->refused;
    }
    return state->refused.code;
}

/* The first undelivered entry of a stream, when it is older than the oldest pending one. */
static void read_second(void *arg, size_t i, const redisReply *reply) {
    stats_state *state = arg;
    int stream = state->asked[i];
    bool found = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
                 reply->element[0]->elements == 2;
    qt_stream_stats *s = &state->stats.streams[stream];
    s->lag = found ? s->lag : 0;
    if (found && state->oldest[stream][0] == '\0') {
        qt_copy_id(reply->element[0]->element[0], state->oldest[stream]);
    }
}

/* Redis does not know the lag of a group after some histories; then all that is not pending
 * counts, which is never too little. */
static qt_code ask_second(qt_redis *redis, stats_state *state, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    size_t asked = 0;
    for (int i = 0; i < QT_STREAMS; i++) {
        const qt_group_info *group = &state->groups[i];
        qt_stream_stats *s = &state->stats.streams[i];
        s->lag = group->lag_known ? group->lag : s->length - s->pending;
        if (s->lag <= 0) {
            s->lag = 0;
            continue;
        }
        char start[QT_ENTRY_ID_BYTES + 1];
        snprintf(start, sizeof start, "(%s", group->exists ? group->last_id : "0-0");
        qt_redis_batch_add(&batch, "XRANGE", qt_stream_name(i), start, "+", "COUNT", "1");
        state->asked[asked++] = i;
    }
    return qt_redis_run(redis, &batch, read_second, state, err);
}

static void finish(stats_state *state) {
    for (int i = 0; i < QT_STREAMS; i++) {
        qt_stream_stats *s = &state->stats.streams[i];
        s->has_live = s->pending > 0 || s->lag > 0;
        if (s->has_live && state->oldest[i][0] != '\0') {
            int64_t age_ms = state->now_ms - id_ms(state->oldest[i]);
            s->oldest_age_ms = age_ms > 0 ? age_ms : 0;
        }
    }
    snprintf(state->stats.epoch, sizeof state->stats.epoch, "%s-%s", state->epoch, state->run_id);
}

qt_code qt_redis_store_stats(void *self, qt_queue_stats *ret_stats, qt_err *err) {
    qt_redis_store *store = self;
    stats_state state = {0};
    qt_redis *redis = qt_redis_pool_take(store->pool);
    qt_code code = ask_first(redis, &state, err);
    code = code == QT_OK ? ask_second(redis, &state, err) : code;
    qt_redis_pool_give(store->pool, redis);
    QT_TRY(code);
    finish(&state);
    *ret_stats = state.stats;
    return QT_OK;
}
