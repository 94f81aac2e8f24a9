#include "services/queue-svc/redis_store_internal.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "services/queue-svc/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

static const qt_store_ops ops = {
    .add = qt_redis_store_add,
    .ack = qt_redis_store_ack,
    .stats = qt_redis_store_stats,
    .set_paused = qt_redis_store_set_paused,
    .set_running = qt_redis_store_set_running,
    .purge = qt_redis_store_purge,
    .take_tokens = qt_redis_store_take_tokens,
    .interrupt = qt_redis_store_interrupt,
    .read = qt_redis_store_read,
    .wait = qt_redis_store_wait,
    .reclaim = qt_redis_store_reclaim,
    .maintain = qt_redis_store_maintain,
};

static void free_store_p(qt_redis_store **store) {
    qt_redis_store_free(*store);
}

void qt_random_word(char ret_word[17]) {
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
        bits = (uint64_t)qt_clock_wall_us(qt_clock_system());
    }
    snprintf(ret_word, 17, "%016llx", (unsigned long long)bits);
}

/* "<host>-<pid>-<random>": unique per start. */
static void make_name(qt_redis_store *store) {
    char host[64] = "host";
    char word[17];
    gethostname(host, sizeof host - 1);
    qt_random_word(word);
    snprintf(store->consumer, sizeof store->consumer, "%.60s-%d-%.8s", host, (int)getpid(), word);
}

/* A collector. */
static void show_pool(void *arg) {
    const qt_redis_store *store = arg;
    qt_queue_show(QT_QUEUE_METRIC_CONNECTIONS, NULL, (double)store->options.connections);
    qt_queue_show(QT_QUEUE_METRIC_CONNECTIONS_BUSY, NULL, (double)qt_redis_pool_busy(store->pool));
}

qt_code qt_redis_store_new(const qt_redis_store_options *options, qt_redis_store **ret_store,
                           qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_redis_store), &memory, err));
    QT_CLEANUP(free_store_p) qt_redis_store *store = memory;
    store->options = *options;
    atomic_init(&store->acked, ~0U);
    make_name(store);
    snprintf(store->claim_idle, sizeof store->claim_idle, "%lld",
             (long long)options->claim_idle_ms);
    for (int i = 0; i < QT_STREAMS; i++) {
        strcpy(store->cursors[i], "0-0");
    }
    store->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->wake_fd < 0) {
        return qt_fail(err, IO_ERROR, "no eventfd");
    }
    QT_TRY(qt_redis_new(&options->redis, &store->reader, err));
    QT_TRY(qt_redis_new(&options->redis, &store->control, err));
    QT_TRY(qt_redis_pool_new(&options->redis, options->connections, &store->pool, err));
    qt_metrics_add_collector(show_pool, store);
    *ret_store = QT_TAKE(store);
    return QT_OK;
}

void qt_redis_store_free(qt_redis_store *store) {
    if (store == NULL) {
        return;
    }
    qt_metrics_remove_collector(show_pool, store);
    qt_redis_pool_free(store->pool);
    qt_redis_free(store->reader);
    qt_redis_free(store->control);
    qt_redis_batch_done(&store->batch);
    if (store->wake_fd > 0) {
        close(store->wake_fd);
    }
    free(store);
}

qt_store qt_redis_store_port(qt_redis_store *store) {
    return (qt_store){.ops = &ops, .self = store};
}

bool qt_redis_store_is_gone(const redisReply *reply) {
    return qt_redis_is_error(reply, "NOGROUP") || qt_redis_is_error(reply, "UNBLOCKED") ||
           qt_redis_is_error(reply, "ERR no such key");
}

static void check_group(void *arg, size_t i, const redisReply *reply) {
    qt_err *err = arg;
    (void)i;
    if (err->code == QT_OK && !qt_redis_is_error(reply, "BUSYGROUP")) {
        (void)!qt_redis_check(reply, err);
    }
}

qt_code qt_redis_store_make_groups(qt_redis *redis, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    for (int i = 0; i < QT_STREAMS; i++) {
        qt_redis_batch_add(&batch, "XGROUP", "CREATE", qt_stream_name(i), QT_GROUP, "0",
                           "MKSTREAM");
    }
    qt_err refused = {0};
    QT_TRY(qt_redis_run(redis, &batch, check_group, &refused, err));
    if (refused.code != QT_OK) {
        *err = refused;
    }
    return refused.code;
}

/* The value in the reply of CONFIG GET; "" when the server does not tell. */
static const char *config_value(const redisReply *reply) {
    bool told = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[1]->type == REDIS_REPLY_STRING;
    return told ? reply->element[1]->str : "";
}

typedef struct safety {
    char policy[64];
    char append_only[16];
} safety;

static void read_safety(void *arg, size_t i, const redisReply *reply) {
    safety *s = arg;
    snprintf(i == 0 ? s->policy : s->append_only, i == 0 ? sizeof s->policy : sizeof s->append_only,
             "%s", config_value(reply));
}

qt_code qt_redis_store_check(qt_redis_store *store, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    qt_redis *redis = qt_redis_pool_take(store->pool);
    qt_code code = qt_redis_store_make_groups(redis, err);
    qt_redis_pool_give(store->pool, redis);
    QT_TRY(code);
    safety s = {0};
    qt_redis_batch_add(&batch, "CONFIG", "GET", "maxmemory-policy");
    qt_redis_batch_add(&batch, "CONFIG", "GET", "appendonly");
    QT_TRY(qt_redis_pool_run(store->pool, &batch, read_safety, &s, err));
    if (s.policy[0] != '\0' && strcmp(s.policy, "noeviction") != 0) {
        return qt_fail(err, SETTING_INVALID,
                       "Redis may evict tasks: maxmemory-policy is %s, not noeviction", s.policy);
    }
    if (strcmp(s.append_only, "no") == 0) {
        return qt_fail(err, SETTING_INVALID,
                       "Redis forgets tasks when it restarts: appendonly is no");
    }
    return QT_OK;
}

/* ---- replies that several parts read ---- */

void qt_copy_id(const redisReply *reply, char ret_id[QT_ENTRY_ID_BYTES]) {
    bool fits = reply->type == REDIS_REPLY_STRING && reply->len < QT_ENTRY_ID_BYTES;
    memcpy(ret_id, fits ? reply->str : "", fits ? reply->len + 1 : 1);
}

static const redisReply *find(const redisReply *map, const char *name) {
    for (size_t i = 0; i + 1 < map->elements; i += 2) {
        if (map->element[i]->type == REDIS_REPLY_STRING &&
            strcmp(map->element[i]->str, name) == 0) {
            return map->element[i + 1];
        }
    }
    return NULL;
}

qt_group_info qt_group_info_read(const redisReply *reply) {
    qt_group_info info = {0};
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        const redisReply *group = reply->element[i];
        const redisReply *name = find(group, "name");
        const redisReply *lag = find(group, "lag");
        const redisReply *last_id = find(group, "last-delivered-id");
        if (name == NULL || last_id == NULL || strcmp(name->str, QT_GROUP) != 0) {
            continue;
        }
        info.exists = true;
        info.lag_known = lag != NULL && lag->type == REDIS_REPLY_INTEGER;
        info.lag = info.lag_known ? lag->integer : 0;
        qt_copy_id(last_id, info.last_id);
    }
    return info;
}

int64_t qt_pending_read(const redisReply *reply, char ret_oldest[QT_ENTRY_ID_BYTES]) {
    ret_oldest[0] = '\0';
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 ||
        reply->element[0]->type != REDIS_REPLY_INTEGER) {
        return 0;
    }
    qt_copy_id(reply->element[1], ret_oldest);
    return reply->element[0]->integer;
}

unsigned qt_paused_read(const redisReply *reply) {
    unsigned paused = 0;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        for (int type = 0; type < QT_QUEUE_TYPES; type++) {
            const redisReply *name = reply->element[i];
            bool same = name->type == REDIS_REPLY_STRING &&
                        strcmp(name->str, qt_queue_type_name(type)) == 0;
            paused |= same ? 1U << type : 0;
        }
    }
    return paused;
}
