/* One connection to Redis.
 *
 * It connects when it is first used and again after it broke: at once the first time, then after
 * pauses that double up to 2 s, with jitter; in a pause every call fails at once. A connection
 * that the server closed while it was idle is noticed before anything is sent. When a call fails,
 * its commands may or may not have been executed.
 *
 * What Redis cannot do now (no connection, no answer in time, LOADING, OOM, READONLY, ...) is
 * QUEUE_UNAVAILABLE. One thread at a time. The process must ignore SIGPIPE. */
#ifndef QT_REDIS_CONN_H
#define QT_REDIS_CONN_H

#include "base/clock.h"
#include "base/err.h"
#include "redis/address.h"
#include "redis/batch.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>

typedef struct qt_redis qt_redis;

typedef struct qt_redis_options {
    qt_redis_address address;
    int64_t connect_timeout_ms;
    int64_t command_timeout_ms;
    const char *client_name; /* for CLIENT LIST, without spaces; NULL: none */
    const qt_clock *clock;   /* NULL: the system's */
} qt_redis_options;

/* Does not connect yet. The options are copied, but not what client_name and clock point to. */
qt_code qt_redis_new(const qt_redis_options *options, qt_redis **ret_redis, qt_err *err);
/* NULL is allowed. */
void qt_redis_free(qt_redis *redis);
void qt_redis_free_p(qt_redis **redis);

/* Connects if it is not connected. */
qt_code qt_redis_connect(qt_redis *redis, qt_err *err);
/* Closes; the next call connects again. */
void qt_redis_disconnect(qt_redis *redis);
/* Milliseconds until the next attempt to connect is made; 0: now. */
int64_t qt_redis_pause_ms(const qt_redis *redis);
/* CLIENT ID of the present connection. */
int64_t qt_redis_client_id(const qt_redis *redis);

/* Sends a batch and calls on_reply(arg, i, reply) for the reply of each command, in order. Error
 * replies are replies: see qt_redis_check(). Replies live during the call. */
qt_code qt_redis_run(qt_redis *redis, const qt_redis_batch *batch,
                     void (*on_reply)(void *arg, size_t i, const redisReply *reply), void *arg,
                     qt_err *err);
/* One command, one reply, which the caller frees with freeReplyObject(). An error reply fails. */
qt_code qt_redis_call(qt_redis *redis, const qt_redis_batch *batch, redisReply **ret_reply,
                      qt_err *err);

/* The halves of a call, for commands that block: send, poll the descriptor, receive each reply. */
qt_code qt_redis_send(qt_redis *redis, const qt_redis_batch *batch, qt_err *err);
int qt_redis_fd(const qt_redis *redis);
qt_code qt_redis_receive(qt_redis *redis, redisReply **ret_reply, qt_err *err);

/* Fails when the reply is an error. */
qt_code qt_redis_check(const redisReply *reply, qt_err *err);
/* Whether it is an error that starts with this word, e.g. "NOGROUP". */
bool qt_redis_is_error(const redisReply *reply, const char *word);

static inline void qt_redis_reply_free_p(redisReply **reply) {
    if (*reply != NULL) {
        freeReplyObject(*reply);
    }
}

#endif
