/* Inside the server. Internal.
 *
 * A call object (qt_rpc_ctx) is counted from the moment it is armed until its memory is gone.
 * Starting a batch after the completion queue was shut down aborts the process, and the end of
 * grpc_server_shutdown_and_notify does not mean that our own calls are over; so the queue is shut
 * down only when that count is zero.
 *
 * References of a call: one of the stage that it is in (armed, reading, queued, running), one per
 * batch that was started, one of a deferral, one of the list that it is in. Locks: server->lock and
 * ctx->lock are never held together; no user function is called with either. */
#ifndef QT_RPC_SERVER_IMPL_H
#define QT_RPC_SERVER_IMPL_H

#include "rpc/core.h"
#include "rpc/metrics.h"
#include "rpc/pool.h"
#include "rpc/server.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct qt_rpc_health qt_rpc_health;
typedef struct qt_rpc_reflection qt_rpc_reflection;

enum { QT_CODE_COUNT = QT_UNAUTHENTICATED + 1 };

/* One served method. */
typedef struct qt_rpc_entry {
    const qt_rpc_method *method;
    const void *ops;
    void *self;
    qt_rpc_flags flags;
    bool bidi; /* reflection only: `unary` is called for each message of the stream */
    qt_series *in_flight;
    _Atomic(qt_series *) seconds[QT_CODE_COUNT]; /* NULL until the first call with that code */
} qt_rpc_entry;

/* Which list of the server a call is in. */
typedef enum qt_rpc_list_id {
    QT_LIST_NONE = -1,
    QT_LIST_EXPIRING = 0, /* unary calls with the default deadline, so in the order of expiry */
    QT_LIST_STREAMS = 1,
    QT_LIST_COUNT = 2,
} qt_rpc_list_id;

typedef struct qt_rpc_tag {
    void (*fn)(qt_rpc_ctx *ctx, bool ok);
    qt_rpc_ctx *ctx;
} qt_rpc_tag;

struct qt_rpc_ctx {
    qt_rpc_server *server;
    atomic_int refs;
    grpc_call *call; /* NULL while armed */
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *received;
    int close_cancelled; /* written by the core until tag_close fires */
    qt_rpc_tag tag_new;
    qt_rpc_tag tag_recv;
    qt_rpc_tag tag_send;
    qt_rpc_tag tag_close;
    qt_rpc_tag tag_status;

    qt_rpc_entry *entry; /* NULL: no such method */
    qt_arena *arena;     /* &arena_memory; a const ctx still hands out memory */
    qt_arena arena_memory;
    int64_t start_us; /* monotonic */
    int64_t deadline_us;
    bool has_own_deadline;
    size_t interceptors_run;
    char request_id[65];
    qt_trace_ctx trace;
    qt_trace_span *span; /* NULL: not sampled */
    char identity[256];

    qt_rpc_list_id list; /* with prev and next under server->lock */
    qt_rpc_ctx *prev;
    qt_rpc_ctx *next;

    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    bool cancelled;
    bool finished; /* the status was decided */
    bool deferred;
    bool initial_sent;
    bool sending;
    bool send_ok;
    void (*sent_fn)(void *arg, bool ok); /* NULL: a thread waits */
    void *sent_arg;
    void (*cancel_fn)(void *arg);
    void *cancel_arg;
};

struct qt_rpc_server {
    qt_rpc_server_options options;
    grpc_server *server;
    grpc_completion_queue *cq;
    grpc_completion_queue *shutdown_cq;
    pthread_t thread;
    bool started;
    bool stopped;
    int port;
    qt_rpc_pool *pool;
    atomic_bool stopping;
    atomic_size_t running; /* calls between arrival and the end of their memory */
    char id_prefix[17];
    atomic_uint_fast64_t id_count;

    qt_rpc_entry *entries; /* fixed after start */
    size_t entry_count;
    qt_rpc_entry **hash; /* hash_size places, a power of two */
    size_t hash_size;
    const qt_rpc_service **services;
    size_t service_count;
    qt_rpc_entry unknown; /* metrics of calls to methods that do not exist */
    qt_rpc_health *health;
    qt_rpc_reflection *reflection;

    pthread_mutex_t lock; /* what follows */
    pthread_cond_t idle;
    size_t call_count; /* call objects, armed ones too */
    qt_rpc_ctx *first[QT_LIST_COUNT];
    qt_rpc_ctx *last[QT_LIST_COUNT];
};

/* ---- methods.c ---- */
void qt_rpc_methods_add(qt_rpc_server *server, const qt_rpc_service *service, const void *ops,
                        void *self, bool bidi);
qt_rpc_entry *qt_rpc_methods_by_path(qt_rpc_server *server, const char *path);
void qt_rpc_methods_freeze(qt_rpc_server *server);
void qt_rpc_methods_free(qt_rpc_server *server);
/* After freeze; NULL when there is none. */
qt_rpc_entry *qt_rpc_methods_find(const qt_rpc_server *server, grpc_slice path);

/* ---- call.c ---- */
/* The handler said that it answers later. */
bool qt_rpc_call_is_deferred(qt_rpc_ctx *ctx);
/* Gives the core one more call object to fill. */
void qt_rpc_call_arm(qt_rpc_server *server);
/* The pool's function. */
void qt_rpc_call_run(void *ctx);
void qt_rpc_call_ref(qt_rpc_ctx *ctx);
void qt_rpc_call_unref(qt_rpc_ctx *ctx);
/* Decides the call's status, once; later calls do nothing. err NULL is success with resp, which
 * may be NULL for streams. Any thread that holds a reference. */
void qt_rpc_call_finish(qt_rpc_ctx *ctx, const ProtobufCMessage *resp, const qt_err *err);
/* Finishes a call from outside its handler, and tells the handler as if it were cancelled. */
void qt_rpc_call_abort(qt_rpc_ctx *ctx, const qt_err *err);
/* Starts a batch of an accepted call; the tag holds a reference. With ctx->lock held when it
 * sends. */
void qt_rpc_call_start_batch(qt_rpc_ctx *ctx, const grpc_op *ops, size_t count, qt_rpc_tag *tag);

/* ---- calls.c: the lists ---- */
void qt_rpc_list_add(qt_rpc_ctx *ctx, qt_rpc_list_id list);
void qt_rpc_list_remove(qt_rpc_ctx *ctx);
/* Monotonic time of the next expiry; INT64_MAX when there is none. */
int64_t qt_rpc_list_next_expiry_us(qt_rpc_server *server);
void qt_rpc_list_expire(qt_rpc_server *server, int64_t now_us);
/* Ends deferred streams with UNAVAILABLE. */
void qt_rpc_list_end_streams(qt_rpc_server *server);
/* Waits until no call object is left. */
void qt_rpc_list_wait_empty(qt_rpc_server *server);

/* ---- stream.c ---- */
void qt_rpc_stream_on_sent(qt_rpc_ctx *ctx, bool ok);

/* ---- interceptors.c ---- */
/* Runs them in order until one refuses the call. */
qt_code qt_rpc_interceptors_before(qt_rpc_ctx *ctx, qt_err *err);
/* Runs those that ran before in reverse order. err is NULL after success. */
void qt_rpc_interceptors_after(qt_rpc_ctx *ctx, const qt_err *err);

/* ---- health.c, reflection.c ---- */
qt_rpc_health *qt_rpc_health_new(void);
void qt_rpc_health_add_service(qt_rpc_health *health, const char *name);
void qt_rpc_health_register(qt_rpc_server *server);
void qt_rpc_health_set(qt_rpc_health *health, const char *service, bool serving);
/* Waits until all watchers were told the newest state, or for half a second. */
void qt_rpc_health_settle(qt_rpc_health *health);
void qt_rpc_health_free(qt_rpc_health *health);

qt_rpc_reflection *qt_rpc_reflection_new(void);
void qt_rpc_reflection_register(qt_rpc_server *server);
/* False when the bytes are no FileDescriptorSet. */
bool qt_rpc_reflection_load(qt_rpc_reflection *reflection, const uint8_t *data, size_t len);
void qt_rpc_reflection_free(qt_rpc_reflection *reflection);

#endif
