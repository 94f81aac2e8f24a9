/* A gRPC server on gRPC core, for protobuf-c messages.
 *
 * Threads: one completion-queue thread reads, checks and dispatches calls and never blocks.
 * Handlers run on a bounded pool of worker threads, or, when marked INLINE, on the
 * completion-queue thread itself. A full pool answers RESOURCE_EXHAUSTED (OVERLOADED).
 *
 * A handler is `qt_code (*)(qt_rpc_ctx *ctx, const Request *req, Response **ret_resp, qt_err *err)`
 * in the ops struct that protoc-gen-qtrpc writes for a service (see docs/rpc.md). The request and
 * everything from qt_rpc_arena(ctx) live until the call is finished. On success the handler sets
 * *ret_resp to a response in the arena (or in any memory that outlives the handler's return; it is
 * packed before the call ends); on failure it fills *err, which reaches the client as status with
 * google.rpc.Status details (ErrorInfo, BadRequest when err->field is set, RetryInfo when
 * err->retry_after_ms is set). INTERNAL and UNKNOWN reach the client with a fixed text; the log
 * has the real one.
 *
 * A handler that cannot answer yet calls qt_rpc_defer(ctx) and returns QT_OK; any thread finishes
 * the call later, exactly once, with qt_rpc_reply() or qt_rpc_fail(). No thread is parked. */
#ifndef QT_RPC_SERVER_H
#define QT_RPC_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "trace/trace.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_rpc_server qt_rpc_server;
typedef struct qt_rpc_ctx qt_rpc_ctx;

typedef struct qt_rpc_server_options {
    const char *service;       /* "task-svc"; for logs; kept */
    const char *listen_addr;   /* "0.0.0.0:9101", "unix:/path", "127.0.0.1:0" */
    int64_t worker_threads;    /* pool size */
    int64_t queue_limit;       /* calls that may wait for the pool */
    int64_t max_message_bytes; /* receive limit; the arena of a call may hold 8 times as much */
    int64_t max_concurrent;    /* streams per connection */
    int64_t max_metadata_bytes;
    int64_t default_deadline_ms; /* for calls that come without one */
    int64_t lame_duck_ms;        /* between NOT_SERVING and refusing new calls */
    int64_t grace_ms;            /* for running calls after that; then they are cancelled */
    int64_t connection_age_ms;   /* 0: unlimited */
    const char *tls_cert_file;   /* PEM chain; "": no TLS */
    const char *tls_key_file;
    const char *tls_ca_file; /* PEM; with it clients must show a certificate (mTLS) */
} qt_rpc_server_options;

/* How a method is run. */
typedef enum qt_rpc_flags {
    QT_RPC_POOL = 0,   /* may block */
    QT_RPC_INLINE = 1, /* must not block; may defer */
} qt_rpc_flags;

/* One method of a service; the tables are written by protoc-gen-qtrpc. Exactly one of `unary` and
 * `stream` (server streaming) is set: it calls the typed handler in the ops struct. *ret_resp is a
 * message in the call's arena or in longer-lived memory; NULL after success is an empty message. */
typedef struct qt_rpc_method {
    const char *path; /* "/qtaskdist.v1.TaskService/GetTask" */
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    qt_code (*unary)(const void *ops, qt_rpc_ctx *ctx, const ProtobufCMessage *req,
                     ProtobufCMessage **ret_resp, qt_err *err);
    qt_code (*stream)(const void *ops, qt_rpc_ctx *ctx, const ProtobufCMessage *req, qt_err *err);
} qt_rpc_method;

typedef struct qt_rpc_service {
    const char *name; /* "qtaskdist.v1.TaskService" */
    const qt_rpc_method *methods;
    size_t method_count;
} qt_rpc_service;

/* Sets up gRPC (reference counted), checks the options and binds the address. */
qt_code qt_rpc_server_new(const qt_rpc_server_options *options, qt_rpc_server **ret_server,
                          qt_err *err);
/* Adds a service before start; `ops` and `self` must outlive the server. Called by the generated
 * qt_<service>_register(). Health and reflection (v1, v1alpha) are always there. */
void qt_rpc_server_add_service(qt_rpc_server *server, const qt_rpc_service *service,
                               const void *ops, void *self);
/* Before start: how a method runs; all others run on the pool. */
void qt_rpc_server_set_flags(qt_rpc_server *server, const char *path, qt_rpc_flags flags);
/* The serialized FileDescriptorSet that reflection serves; static storage. */
void qt_rpc_server_set_descriptors(qt_rpc_server *server, const uint8_t *data, size_t len);
/* Starts threads and takes calls; health is NOT_SERVING until qt_rpc_server_set_serving(). */
qt_code qt_rpc_server_start(qt_rpc_server *server, qt_err *err);
/* The port it listens on (for "…:0"); 0 for unix sockets. */
int qt_rpc_server_port(const qt_rpc_server *server);
/* Health of a service, or of the whole server with NULL. Any thread. */
void qt_rpc_server_set_serving(qt_rpc_server *server, const char *service, bool serving);
/* Lame duck, grace, cancel, join; blocks until all calls are gone. Then free it. */
void qt_rpc_server_stop(qt_rpc_server *server);
/* Frees a server that was stopped or never started. NULL is allowed. */
void qt_rpc_server_free(qt_rpc_server *server);

/* ---- inside a handler ---- */

void *qt_rpc_self(const qt_rpc_ctx *ctx);
qt_arena *qt_rpc_arena(qt_rpc_ctx *ctx);
/* A zeroed and initialized message in the arena; NULL when the limit is reached. */
ProtobufCMessage *qt_rpc_message(qt_rpc_ctx *ctx, const ProtobufCMessageDescriptor *type);
/* Milliseconds until the deadline; never negative. */
int64_t qt_rpc_remaining_ms(const qt_rpc_ctx *ctx);
/* Whether the client went away or the deadline passed. */
bool qt_rpc_cancelled(const qt_rpc_ctx *ctx);
/* DEADLINE_EXCEEDED or CALL_CANCELLED when nobody waits for the answer any more. */
qt_code qt_rpc_check_alive(const qt_rpc_ctx *ctx, qt_err *err);
/* Whether the server stops: a stream handler on the pool should end soon. */
bool qt_rpc_stopping(const qt_rpc_ctx *ctx);
/* Calls fn(arg) once when the call is cancelled (or its time is over); at once when it is already.
 * Runs on the completion-queue thread, or in qt_rpc_server_stop(), and must not block. Not started
 * after the call is finished, but it may still be running when another thread finishes the call;
 * so arg lives in the call's arena, which stays until fn has returned, or longer. A call that was
 * deferred must be finished after a cancel too. */
void qt_rpc_on_cancel(qt_rpc_ctx *ctx, void (*fn)(void *arg), void *arg);
/* Request id (from `x-request-id`, else made), and the context of the call's span, which is none
 * when the caller sent none and this process does not trace. */
const char *qt_rpc_request_id(const qt_rpc_ctx *ctx);
const qt_trace_ctx *qt_rpc_trace(const qt_rpc_ctx *ctx);
/* Identity from the client's certificate (SPIFFE id, DNS SAN or CN), "" without mTLS. */
const char *qt_rpc_peer_identity(const qt_rpc_ctx *ctx);
/* Value of an incoming metadata entry, NULL if none; valid until the call is finished. */
const char *qt_rpc_metadata(const qt_rpc_ctx *ctx, const char *key);

/* The error of a method without a handler. */
qt_code qt_rpc_unimplemented(const qt_rpc_ctx *ctx, qt_err *err);

/* The call is answered later. A handler that deferred may still return an error when it has given
 * ctx to nobody. */
void qt_rpc_defer(qt_rpc_ctx *ctx);
/* Finish a deferred call; ctx is invalid afterwards. Any thread. */
void qt_rpc_reply(qt_rpc_ctx *ctx, const ProtobufCMessage *resp);
void qt_rpc_fail(qt_rpc_ctx *ctx, const qt_err *err);

/* Server streaming: sends one message and waits for flow control; CALL_CANCELLED when the client
 * went away, DEADLINE_EXCEEDED when the call's time is over. Pool threads only. */
qt_code qt_rpc_stream_send(qt_rpc_ctx *ctx, const ProtobufCMessage *msg, qt_err *err);
/* The same without waiting, for a stream whose handler deferred, so that no thread is parked:
 * starts to send (the message is packed at once) and on success calls sent(arg, ok) exactly once,
 * on the completion-queue thread, when the next one may be sent; ok is false when the client went
 * away. One message at a time. Any thread; arg as in qt_rpc_on_cancel(). A deferred stream is ended
 * with qt_rpc_reply(ctx, NULL) or qt_rpc_fail(); the server ends those that are open when it stops
 * with UNAVAILABLE, which on_cancel tells. */
qt_code qt_rpc_stream_post(qt_rpc_ctx *ctx, const ProtobufCMessage *msg,
                           void (*sent)(void *arg, bool ok), void *arg, qt_err *err);

#endif
