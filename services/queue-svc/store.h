/* The port to the streams: what queue-svc needs of Redis, replaceable in tests. */
#ifndef QT_QUEUE_SVC_STORE_H
#define QT_QUEUE_SVC_STORE_H

#include "services/queue-svc/entry.h"
#include "services/queue-svc/streams.h"

#include <stdbool.h>

enum { QT_EPOCH_BYTES = 64 };

/* An entry to add; the pointers are the caller's. */
typedef struct qt_new_entry {
    int stream;
    const char *task_id;
    int32_t dispatch_seq;
    const uint8_t *payload;
    size_t payload_len;      /* 0: none */
    const char *traceparent; /* "" or NULL: none */
} qt_new_entry;

/* A delivered entry that is done with. */
typedef struct qt_ack {
    int stream;
    const char *id;
} qt_ack;

typedef struct qt_stream_stats {
    int64_t length;
    int64_t lag; /* undelivered entries */
    int64_t pending;
    int64_t oldest_age_ms; /* of the oldest pending or undelivered entry; 0 without one */
    bool has_live;
} qt_stream_stats;

typedef struct qt_queue_stats {
    qt_stream_stats streams[QT_STREAMS];
    int64_t running[QT_QUEUE_TYPES]; /* as told to set_running(); 0 when Redis lost it */
    unsigned paused;                 /* bit 1 << type */
    char epoch[QT_EPOCH_BYTES]; /* changes when Redis lost or replaced its data, or restarted */
} qt_queue_stats;

enum { QT_BUCKET_BYTES = 65 };

/* A wish for tokens of a bucket; see qtaskdist.v1.TakeTokensRequest. */
typedef struct qt_token_wish {
    const char *bucket; /* shorter than QT_BUCKET_BYTES */
    int64_t tokens;
    int64_t reserve;
    int64_t capacity;         /* at least 1 */
    double refill_per_second; /* above 0 */
    int64_t block_ms;
    bool in_line;
} qt_token_wish;

typedef struct qt_token_grant {
    bool granted;
    int64_t retry_after_ms;
    double left;
} qt_token_grant;

typedef struct qt_store_ops {
    /* Any thread. */
    /* Adds in this order; ret_ids has room for `count` ids. On failure some may have been added. */
    qt_code (*add)(void *self, const qt_new_entry *entries, size_t count,
                   char (*ret_ids)[QT_ENTRY_ID_BYTES], qt_err *err);
    /* *ret_count: how many were pending. */
    qt_code (*ack)(void *self, const qt_ack *acks, size_t count, size_t *ret_count, qt_err *err);
    qt_code (*stats)(void *self, qt_queue_stats *ret_stats, qt_err *err);
    qt_code (*set_paused)(void *self, int type, bool paused, qt_err *err);
    /* Keeps for all replicas how many tasks of the types in the mask (bit 1 << type) run. */
    qt_code (*set_running)(void *self, unsigned types, const int64_t counts[QT_QUEUE_TYPES],
                           qt_err *err);
    /* Removes what is undelivered in the streams of a type. */
    qt_code (*purge)(void *self, int type, size_t *ret_count, qt_err *err);
    /* Takes all tokens or none, in one step. */
    qt_code (*take_tokens)(void *self, const qt_token_wish *wish, qt_token_grant *ret_grant,
                           qt_err *err);
    /* Ends a running or the next wait() early. */
    void (*interrupt)(void *self);

    /* The hub's thread only. They put entries at the end of *list, also when they fail after some
     * were read. */
    /* Up to `count` new entries of one stream, at once. */
    qt_code (*read)(void *self, int stream, size_t count, qt_entry_list *list, qt_err *err);
    /* New entries of any stream in the mask (bit 1 << stream), up to `count` of each; waits up to
     * wait_ms for the first. */
    qt_code (*wait)(void *self, unsigned streams, size_t count, int64_t wait_ms,
                    qt_entry_list *list, qt_err *err);
    /* Up to `count` entries that were delivered long ago and never acknowledged. */
    qt_code (*reclaim)(void *self, int stream, size_t count, qt_entry_list *list, qt_err *err);
    /* What is due from time to time: removes acknowledged entries, makes what is missing, forgets
     * consumers that are gone. *ret_paused: bit 1 << type. */
    qt_code (*maintain)(void *self, unsigned *ret_paused, qt_err *err);
} qt_store_ops;

typedef struct qt_store {
    const qt_store_ops *ops;
    void *self;
} qt_store;

#endif
