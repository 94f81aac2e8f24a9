/* Inside the client: one try of one call. Internal. */
#ifndef QT_RPC_CLIENT_IMPL_H
#define QT_RPC_CLIENT_IMPL_H

#include "rpc/client.h"
#include "rpc/core.h"
#include "rpc/metrics.h"

typedef struct qt_rpc_async qt_rpc_async;

struct qt_rpc_channel {
    grpc_channel *channel;
    int64_t max_message_bytes;
    qt_rpc_async *async; /* its own thread, made with the channel */
};

enum {
    QT_CLIENT_OPS = 6,
    QT_CLIENT_MAX_TRIES = 5,
    QT_CLIENT_CANCEL_POLL_MS = 50,
};

/* One try. The core writes into it until the batch's tag has come back. */
typedef struct qt_rpc_attempt {
    grpc_call *call;
    grpc_metadata sent_metadata[2];
    size_t sent_metadata_count;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice text;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response;
} qt_rpc_attempt;

/* Makes the core's call. Strings of `call` are copied; its `trace` is what the server gets. */
void qt_rpc_attempt_init(qt_rpc_attempt *attempt, const qt_rpc_channel *channel, const char *path,
                         const qt_rpc_call *call, grpc_slice body, gpr_timespec deadline,
                         grpc_completion_queue *cq);
/* All operations of a unary call, for one batch. */
void qt_rpc_attempt_unary_ops(qt_rpc_attempt *attempt, const qt_rpc_call *call,
                              grpc_op ret_ops[QT_CLIENT_OPS]);
/* The operations that send the request and its end; the rest of a stream is read later. */
size_t qt_rpc_attempt_send_ops(qt_rpc_attempt *attempt, const qt_rpc_call *call, grpc_op *ret_ops);
/* For the start of a stream: those, and the server's metadata. Returns how many; at most 4. */
size_t qt_rpc_attempt_open_ops(qt_rpc_attempt *attempt, const qt_rpc_call *call, grpc_op *ret_ops);
/* The status, which comes at the end. */
grpc_op qt_rpc_attempt_status_op(qt_rpc_attempt *attempt);
/* The next message, into attempt->response; NULL: there is none. */
grpc_op qt_rpc_attempt_message_op(qt_rpc_attempt *attempt);
void qt_rpc_attempt_start(qt_rpc_attempt *attempt, const grpc_op *ops, size_t count, void *tag);
/* After the last tag. */
void qt_rpc_attempt_done(qt_rpc_attempt *attempt);

/* The serialized google.rpc.Status of a failed try; empty if none. Valid until done. */
ProtobufCBinaryData qt_rpc_attempt_details(const qt_rpc_attempt *attempt);
/* Fills *err from a try that failed. */
qt_code qt_rpc_attempt_error(const qt_rpc_attempt *attempt, qt_err *err);
/* Whether another try makes sense: the server did not take the call, and it may be sent twice. */
bool qt_rpc_attempt_may_retry(const qt_rpc_call *call, qt_code code, int tries);
/* Milliseconds before try number `tries` + 1: full jitter, at least what the server asks for. */
int64_t qt_rpc_attempt_backoff_ms(int tries, int64_t retry_after_ms);

/* The span of a call: a child of call->trace, or of the thread's context; none without both.
 * Returns what the server gets. */
qt_trace_ctx qt_rpc_call_begin_span(const qt_rpc_call *call, const char *path,
                                    qt_trace_span **ret_span);
/* err NULL: success. */
void qt_rpc_call_end_span(qt_trace_span *span, int tries, const qt_err *err);

/* A call without time fails at once. */
qt_code qt_rpc_call_check(const qt_rpc_call *call, qt_err *err);
/* Monotonic time of the deadline of a call that starts now; INT64_MAX for one of over a year. */
int64_t qt_rpc_call_deadline_us(const qt_rpc_call *call);
/* Microseconds until such a deadline, never negative; INT64_MAX for INT64_MAX. */
int64_t qt_rpc_call_left_us(int64_t deadline_us);

/* ---- client_async.c ---- */
qt_code qt_rpc_async_new(qt_rpc_channel *channel, qt_rpc_async **ret_async, qt_err *err);
/* Waits for the calls that are under way. NULL is allowed. */
void qt_rpc_async_free(qt_rpc_async *async);

/* What a batch on the thread's queue has as its tag. */
typedef struct qt_rpc_tag {
    void (*fn)(void *arg); /* on the thread; must not block */
    void *arg;
} qt_rpc_tag;

/* The thread's queue, for a call that the thread must outlive: release it after its last tag. */
grpc_completion_queue *qt_rpc_async_hold(qt_rpc_async *async);
void qt_rpc_async_release(qt_rpc_async *async);

#endif
