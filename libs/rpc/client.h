/* A gRPC client on gRPC core, for protobuf-c messages.
 *
 * One channel per target and process; it may be used by any number of threads. Calls have a
 * mandatory deadline. The channel balances round-robin over all addresses of the target, drops
 * servers whose health is NOT_SERVING, and tries idempotent methods again on UNAVAILABLE.
 *
 * Typed stubs are written by protoc-gen-qtrpc (see docs/rpc.md):
 *   qt_code qt_task_service_get_task(qt_rpc_channel *, const qt_rpc_call *, const GetTaskRequest *,
 *                                    qt_arena *arena, Task **ret_resp, qt_err *err); */
#ifndef QT_RPC_CLIENT_H
#define QT_RPC_CLIENT_H

#include "base/arena.h"
#include "base/err.h"
#include "trace/trace.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_rpc_channel qt_rpc_channel;

typedef struct qt_rpc_channel_options {
    const char *target;        /* "127.0.0.1:9101", "dns:///task-svc:9101", "unix:/path",
                                * "ipv4:127.0.0.1:9101,127.0.0.1:9102" */
    int64_t max_message_bytes; /* 0: 16 MiB */
    const char *tls_ca_file;   /* PEM; "" or NULL: no TLS */
    const char *tls_cert_file; /* client certificate for mTLS; "" or NULL: none */
    const char *tls_key_file;
    const char *tls_server_name; /* name to check instead of the target's; "" or NULL: none */
    bool no_health_check;        /* for servers without grpc.health.v1 */
} qt_rpc_channel_options;

/* Per call. */
typedef struct qt_rpc_call {
    int64_t timeout_ms;        /* required; 0 or less is DEADLINE_EXCEEDED */
    bool wait_for_ready;       /* wait for a connection instead of failing at once */
    bool idempotent;           /* may be sent again after UNAVAILABLE */
    const char *request_id;    /* NULL: none */
    const qt_trace_ctx *trace; /* parent of the call; NULL: the thread's (qt_trace_current) */
    /* Polled every 50 ms while waiting; true cancels the call with CALL_CANCELLED. NULL: never. */
    bool (*cancelled)(void *self);
    void *self;
} qt_rpc_call;

qt_code qt_rpc_channel_new(const qt_rpc_channel_options *options, qt_rpc_channel **ret_channel,
                           qt_err *err);
/* All calls must have ended. NULL is allowed. */
void qt_rpc_channel_free(qt_rpc_channel *channel);
void qt_rpc_channel_free_p(qt_rpc_channel **channel);

/* A blocking unary call. The response is unpacked into `arena`. The error has the server's code,
 * and its reason, field and retry delay from the status details. */
qt_code qt_rpc_unary(qt_rpc_channel *channel, const char *path, const qt_rpc_call *call,
                     const ProtobufCMessage *req, const ProtobufCMessageDescriptor *resp_type,
                     qt_arena *arena, ProtobufCMessage **ret_resp, qt_err *err);

/* What came back from an asynchronous raw call. `status_details` is a serialized google.rpc.Status
 * or empty. All pointers are valid during the callback only. */
typedef struct qt_rpc_raw_reply {
    qt_code code;
    const char *message; /* status message */
    const uint8_t *status_details;
    size_t status_details_len;
    const uint8_t *body; /* the serialized response */
    size_t body_len;
    int64_t retry_after_ms;
} qt_rpc_raw_reply;

/* Sends serialized bytes and returns at once; done(arg, reply) runs later on the channel's
 * completion-queue thread, exactly once, and must not block. The body is copied. */
void qt_rpc_raw_async(qt_rpc_channel *channel, const char *path, const qt_rpc_call *call,
                      const uint8_t *body, size_t len,
                      void (*done)(void *arg, const qt_rpc_raw_reply *reply), void *arg);

/* A server stream of serialized messages, which come to callbacks on the channel's thread. */
typedef struct qt_rpc_raw_stream qt_rpc_raw_stream;

typedef struct qt_rpc_raw_stream_ops {
    /* Must not block. The next one comes after qt_rpc_raw_stream_next(), which may be called here.
     */
    void (*message)(void *arg, const uint8_t *bytes, size_t len);
    /* Exactly once, after the last message; reply->body is empty. The stream is invalid when it
     * returns. */
    void (*end)(void *arg, const qt_rpc_raw_reply *reply);
} qt_rpc_raw_stream_ops;

/* Sends the request, which is copied, and asks for the first message. cancelled() of the call is
 * not used. *ret_stream is set before the first callback runs. */
void qt_rpc_raw_stream_open(qt_rpc_channel *channel, const char *path, const qt_rpc_call *call,
                            const uint8_t *body, size_t len, const qt_rpc_raw_stream_ops *ops,
                            void *arg, qt_rpc_raw_stream **ret_stream);
/* Asks for the next message; once for each. Any thread, until end() has returned. */
void qt_rpc_raw_stream_next(qt_rpc_raw_stream *stream);
/* Ends the stream soon: no message comes any more, end() does. Any thread, until end() has
 * returned. */
void qt_rpc_raw_stream_cancel(qt_rpc_raw_stream *stream);

/* A server stream, read by one thread. */
typedef struct qt_rpc_reader qt_rpc_reader;
qt_code qt_rpc_stream_open(qt_rpc_channel *channel, const char *path, const qt_rpc_call *call,
                           const ProtobufCMessage *req, qt_rpc_reader **ret_reader, qt_err *err);
/* *ret_msg is NULL at the end of the stream. The message lives in `arena`. */
qt_code qt_rpc_stream_read(qt_rpc_reader *reader, const ProtobufCMessageDescriptor *type,
                           qt_arena *arena, ProtobufCMessage **ret_msg, qt_err *err);
/* Cancels what is left. NULL is allowed. */
void qt_rpc_stream_close(qt_rpc_reader *reader);

/* grpc.health.v1 Check of one server: QT_OK when SERVING. For --probe. */
qt_code qt_rpc_probe(const char *target, int64_t timeout_ms, qt_err *err);
/* The same with TLS; the certificate must be for `localhost` when options name no other. */
qt_code qt_rpc_probe_options(const qt_rpc_channel_options *options, int64_t timeout_ms,
                             qt_err *err);

#endif
