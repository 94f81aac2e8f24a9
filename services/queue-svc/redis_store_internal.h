/* What the parts of the Redis store share. */
#ifndef QT_QUEUE_SVC_REDIS_STORE_INTERNAL_H
#define QT_QUEUE_SVC_REDIS_STORE_INTERNAL_H

#include "redis/pool.h"
#include "services/queue-svc/redis_store.h"

#include <stdatomic.h>

#define QT_GROUP "workers"
#define QT_KEY_EPOCH "queue:epoch"
#define QT_KEY_PAUSED "queue:paused"
#define QT_KEY_RUNNING "queue:running"

struct qt_redis_store {
    qt_redis_store_options options;
    qt_redis_pool *pool;
    atomic_uint acked; /* streams (bit 1 << stream) with acknowledgements since the last trim */
    /* of the hub's thread */
    qt_redis *reader;
    qt_redis *control; /* ends a read that blocks on `reader` */
    qt_redis_batch batch;
    int wake_fd; /* an eventfd: interrupt() */
    char consumer[128];
    char claim_idle[24];                         /* milliseconds as text */
    char cursors[QT_STREAMS][QT_ENTRY_ID_BYTES]; /* of XAUTOCLAIM */
    unsigned maintenance_count;
};

/* The port's functions, by file. */
/* redis_write.c */
qt_code qt_redis_store_add(void *self, const qt_new_entry *entries, size_t count,
                           char (*ret_ids)[QT_ENTRY_ID_BYTES], qt_err *err);
qt_code qt_redis_store_ack(void *self, const qt_ack *acks, size_t count, size_t *ret_count,
                           qt_err *err);
qt_code qt_redis_store_set_paused(void *self, int type, bool paused, qt_err *err);
qt_code qt_redis_store_set_running(void *self, unsigned types, const int64_t counts[QT_QUEUE_TYPES],
                                   qt_err *err);
qt_code qt_redis_store_purge(void *self, int type, size_t *ret_count, qt_err *err);
/* redis_read.c */
qt_code qt_redis_store_read(void *self, int stream, size_t count, qt_entry_list *list, qt_err *err);
qt_code qt_redis_store_wait(void *self, unsigned streams, size_t count, int64_t wait_ms,
                            qt_entry_list *list, qt_err *err);
qt_code qt_redis_store_reclaim(void *self, int stream, size_t count, qt_entry_list *list,
                               qt_err *err);
void qt_redis_store_interrupt(void *self);
/* redis_tokens.c */
qt_code qt_redis_store_take_tokens(void *self, const qt_token_wish *wish, qt_token_grant *ret_grant,
                                   qt_err *err);
/* redis_stats.c */
qt_code qt_redis_store_stats(void *self, qt_queue_stats *ret_stats, qt_err *err);
/* redis_maintain.c */
qt_code qt_redis_store_maintain(void *self, unsigned *ret_paused, qt_err *err);

/* Creates the groups that are missing, at 0. */
qt_code qt_redis_store_make_groups(qt_redis *redis, qt_err *err);
/* Whether the reply says that a stream or its group is gone. */
bool qt_redis_store_is_gone(const redisReply *reply);

/* A stream's group as Redis reports it. */
typedef struct qt_group_info {
    bool exists;
    bool lag_known;
    int64_t lag;
    char last_id[QT_ENTRY_ID_BYTES]; /* delivered */
} qt_group_info;

/* Reads the reply of XINFO GROUPS. */
qt_group_info qt_group_info_read(const redisReply *reply);
/* Reads the reply of the short XPENDING: count, and the oldest id ("" without one). */
int64_t qt_pending_read(const redisReply *reply, char ret_oldest[QT_ENTRY_ID_BYTES]);
/* Copies an id; "" when the reply is none. */
void qt_copy_id(const redisReply *reply, char ret_id[QT_ENTRY_ID_BYTES]);
/* Bit 1 << type for each type in the reply of SMEMBERS. */
unsigned qt_paused_read(const redisReply *reply);
/* A random word for the epoch key. */
void qt_random_word(char ret_word[17]);

#endif
