/* The happy path is qt_redis_run(): connected already, one write, as many reads as replies.
 * Whatever goes wrong on the socket ends in broke(), which closes it: a connection is never used
 * again when it is unknown which reply comes next. */
#include "redis/conn.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 2000 };

struct qt_redis {
    qt_redis_options options;
    const qt_clock *clock;
    redisContext *c; /* NULL: not connected */
    int64_t client_id;
    unsigned failures; /* attempts to connect that failed in a row */
    int64_t next_attempt_ms;
    uint64_t random;
    char last_error[128];
};

qt_code qt_redis_new(const qt_redis_options *options, qt_redis **ret_redis, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_redis), &memory, err));
    qt_redis *redis = memory;
    redis->options = *options;
    redis->clock = options->clock != NULL ? options->clock : qt_clock_system();
    if (getrandom(&redis->random, sizeof redis->random, 0) < 0) {
        redis->random = (uint64_t)qt_clock_mono_us(redis->clock);
    }
    *ret_redis = redis;
    return QT_OK;
}

void qt_redis_free(qt_redis *redis) {
    if (redis != NULL) {
        qt_redis_disconnect(redis);
        explicit_bzero(&redis->options, sizeof redis->options);
        free(redis);
    }
}

void qt_redis_free_p(qt_redis **redis) {
    qt_redis_free(*redis);
}

void qt_redis_disconnect(qt_redis *redis) {
    if (redis->c != NULL) {
        redisFree(redis->c);
        redis->c = NULL;
    }
}

int64_t qt_redis_client_id(const qt_redis *redis) {
    return redis->client_id;
}

int qt_redis_fd(const qt_redis *redis) {
    return redis->c != NULL ? redis->c->fd : -1;
}

int64_t qt_redis_pause_ms(const qt_redis *redis) {
    if (redis->c != NULL || redis->failures == 0) {
        return 0;
    }
    int64_t left_ms = redis->next_attempt_ms - qt_clock_mono_ms(redis->clock);
    return left_ms > 0 ? left_ms : 0;
}

static uint64_t next_random(qt_redis *redis) {
    uint64_t z = redis->random += 0x9E3779B97F4A7C15U; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/* Half of the pause is fixed and half is random, so that replicas do not come back together. */
static void start_pause(qt_redis *redis) {
    unsigned doublings = redis->failures < 6 ? redis->failures : 6;
    int64_t pause_ms = (int64_t)PAUSE_FIRST_MS << doublings;
    pause_ms = pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
    pause_ms = pause_ms / 2 + (int64_t)(next_random(redis) % (uint64_t)(pause_ms / 2));
    redis->failures++;
    redis->next_attempt_ms = qt_clock_mono_ms(redis->clock) + pause_ms;
}

static const char *context_error(const redisContext *c) {
    if (c == NULL) {
        return "out of memory";
    }
    if (c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return "no answer in time";
    }
    return c->errstr[0] != '\0' ? c->errstr : "the connection broke";
}

static qt_code broke(qt_redis *redis, qt_err *err) {
    qt_code code = qt_fail(err, QUEUE_UNAVAILABLE, "Redis: %s", context_error(redis->c));
    qt_redis_disconnect(redis);
    return code;
}

static struct timeval timeval_of_ms(int64_t ms) {
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

/* Half-open connections are noticed within 10 s, idle or not. */
static void set_tcp_options(int fd, int64_t command_timeout_ms) {
    const int on = 1, idle_s = 4, interval_s = 2, probes = 3;
    const unsigned user_timeout_ms =
        (unsigned)(command_timeout_ms < 10000 ? command_timeout_ms : 10000);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static qt_code open_socket(qt_redis *redis, qt_err *err) {
    const qt_redis_address *a = &redis->options.address;
    struct timeval timeout = timeval_of_ms(redis->options.connect_timeout_ms);
    bool local = a->path[0] != '\0';
    redis->c = local ? redisConnectUnixWithTimeout(a->path, timeout)
                     : redisConnectWithTimeout(a->host, a->port, timeout);
    if (redis->c == NULL || redis->c->err != 0) {
        return broke(redis, err);
    }
    if (redisSetTimeout(redis->c, timeval_of_ms(redis->options.command_timeout_ms)) != REDIS_OK) {
        return broke(redis, err);
    }
    if (!local) {
        set_tcp_options(redis->c->fd, redis->options.command_timeout_ms);
    }
    return QT_OK;
}

static void add_login(const qt_redis_options *options, qt_redis_batch *batch) {
    const qt_redis_address *a = &options->address;
    if (a->user[0] != '\0') {
        qt_redis_batch_add(batch, "AUTH", a->user, a->password);
    } else if (a->password[0] != '\0') {
        qt_redis_batch_add(batch, "AUTH", a->password);
    }
    if (a->db != 0) {
        qt_redis_batch_command(batch, 2);
        qt_redis_batch_str(batch, "SELECT");
        qt_redis_batch_i64(batch, a->db);
    }
    if (options->client_name != NULL) {
        qt_redis_batch_add(batch, "CLIENT", "SETNAME", options->client_name);
    }
    qt_redis_batch_add(batch, "CLIENT", "ID");
}

static qt_code write_all(qt_redis *redis, const qt_redis_batch *batch, qt_err *err) {
    if (redisAppendFormattedCommand(redis->c, batch->buf.data, batch->buf.len) != REDIS_OK) {
        return broke(redis, err);
    }
    int done = 0;
    while (done == 0) {
        if (redisBufferWrite(redis->c, &done) != REDIS_OK) {
            return broke(redis, err);
        }
    }
    return QT_OK;
}

qt_code qt_redis_check(const redisReply *reply, qt_err *err) {
    /* what passes when the server is well again */
    static const char *const passing[] = {"LOADING",     "OOM",        "READONLY",  "MASTERDOWN",
                                          "CLUSTERDOWN", "BUSY",       "MISCONF",   "TRYAGAIN",
                                          "NOREPLICAS",  "NOAUTH",     "WRONGPASS", "NOPERM",
                                          "UNBLOCKED",   "UNKILLABLE", "ERR max"};
    if (reply->type != REDIS_REPLY_ERROR) {
        return QT_OK;
    }
    for (size_t i = 0; i < QT_ARRAY_LEN(passing); i++) {
        if (qt_redis_is_error(reply, passing[i])) {
            return qt_fail(err, QUEUE_UNAVAILABLE, "Redis: %s", reply->str);
        }
    }
    return qt_fail(err, INTERNAL, "Redis: %s", reply->str);
}

bool qt_redis_is_error(const redisReply *reply, const char *word) {
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, word, strlen(word)) == 0;
}

static qt_code read_reply(qt_redis *redis, redisReply **ret_reply, qt_err *err) {
    void *reply = NULL;
    errno = 0;
    if (redisGetReply(redis->c, &reply) != REDIS_OK) {
        return broke(redis, err);
    }
    *ret_reply = reply;
    return QT_OK;
}

/* A server that refuses the login is as good as none. */
static qt_code log_in(qt_redis *redis, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    add_login(&redis->options, &batch);
    QT_TRY(qt_buf_check(&batch.buf, err));
    QT_TRY(write_all(redis, &batch, err));
    for (size_t i = 0; i < batch.count; i++) {
        QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
        QT_TRY(read_reply(redis, &reply, err));
        if (reply->type == REDIS_REPLY_ERROR) {
            qt_redis_disconnect(redis);
            return qt_fail(err, QUEUE_UNAVAILABLE, "Redis refuses the login: %s", reply->str);
        }
        redis->client_id = reply->integer; /* the last reply is the one of CLIENT ID */
    }
    return QT_OK;
}

/* Whether the server closed the connection, or said something that nobody asked for. */
static bool is_stale(const qt_redis *redis) {
    char byte;
    ssize_t n = recv(redis->c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

qt_code qt_redis_connect(qt_redis *redis, qt_err *err) {
    if (redis->c != NULL && !is_stale(redis)) {
        return QT_OK;
    }
    qt_redis_disconnect(redis);
    if (qt_redis_pause_ms(redis) > 0) {
        return qt_fail(err, QUEUE_UNAVAILABLE, "Redis: %s", redis->last_error);
    }
    qt_code code = open_socket(redis, err);
    code = code == QT_OK ? log_in(redis, err) : code;
    if (code != QT_OK) {
        qt_redis_disconnect(redis);
        start_pause(redis);
        snprintf(redis->last_error, sizeof redis->last_error, "not connected (%.100s)", err->msg);
        return code;
    }
    redis->failures = 0;
    return QT_OK;
}

qt_code qt_redis_send(qt_redis *redis, const qt_redis_batch *batch, qt_err *err) {
    QT_TRY(qt_buf_check(&batch->buf, err));
    QT_TRY(qt_redis_connect(redis, err));
    return write_all(redis, batch, err);
}

qt_code qt_redis_receive(qt_redis *redis, redisReply **ret_reply, qt_err *err) {
    if (redis->c == NULL) {
        return qt_fail(err, QUEUE_UNAVAILABLE, "Redis: not connected");
    }
    return read_reply(redis, ret_reply, err);
}

qt_code qt_redis_run(qt_redis *redis, const qt_redis_batch *batch,
                     void (*on_reply)(void *arg, size_t i, const redisReply *reply), void *arg,
                     qt_err *err) {
    if (batch->count == 0) {
        return QT_OK;
    }
    QT_TRY(qt_redis_send(redis, batch, err));
    for (size_t i = 0; i < batch->count; i++) {
        QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
        QT_TRY(read_reply(redis, &reply, err));
        on_reply(arg, i, reply);
    }
    return QT_OK;
}

qt_code qt_redis_call(qt_redis *redis, const qt_redis_batch *batch, redisReply **ret_reply,
                      qt_err *err) {
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    QT_TRY(qt_redis_send(redis, batch, err));
    QT_TRY(read_reply(redis, &reply, err));
    QT_TRY(qt_redis_check(reply, err));
    *ret_reply = QT_TAKE(reply);
    return QT_OK;
}
