#include "base/cleanup.h"
#include "base/clock.h"
#include "rpc/client_impl.h"
#include "rpc/status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

qt_code qt_rpc_call_check(const qt_rpc_call *call, qt_err *err) {
    if (call->timeout_ms <= 0) {
        return qt_fail(err, DEADLINE_EXCEEDED, "no time is left for the call");
    }
    return QT_OK;
}

qt_trace_ctx qt_rpc_call_begin_span(const qt_rpc_call *call, const char *path,
                                    qt_trace_span **ret_span) {
    const qt_trace_ctx *parent = call->trace != NULL ? call->trace : qt_trace_current();
    *ret_span = NULL;
    if (!qt_trace_is_set(parent)) {
        return qt_trace_unsampled();
    }
    qt_trace_ctx ctx = qt_trace_begin(path + 1, QT_TRACE_CLIENT, parent, ret_span);
    qt_trace_str(*ret_span, "rpc.system", "grpc");
    return ctx;
}

void qt_rpc_call_end_span(qt_trace_span *span, int tries, const qt_err *err) {
    qt_trace_int(span, "rpc.grpc.status_code", err != NULL ? (int)err->code : 0);
    if (tries > 1) {
        qt_trace_int(span, "qt.tries", tries);
    }
    qt_trace_end(span, err);
}

int64_t qt_rpc_call_deadline_us(const qt_rpc_call *call) {
    const int64_t year_ms = INT64_C(365) * 86400 * 1000;
    if (call->timeout_ms > year_ms) {
        return INT64_MAX;
    }
    return qt_clock_mono_us(qt_clock_system()) + call->timeout_ms * 1000;
}

int64_t qt_rpc_call_left_us(int64_t deadline_us) {
    if (deadline_us == INT64_MAX) {
        return INT64_MAX;
    }
    int64_t left = deadline_us - qt_clock_mono_us(qt_clock_system());
    return left > 0 ? left : 0;
}

static void add_metadata(qt_rpc_attempt *attempt, const char *key, const char *value) {
    if (value != NULL && value[0] != '\0' && qt_core_metadata_is_legal(value)) {
        attempt->sent_metadata[attempt->sent_metadata_count++] =
            qt_core_metadata(key, value, strlen(value));
    }
}

void qt_rpc_attempt_init(qt_rpc_attempt *attempt, const qt_rpc_channel *channel, const char *path,
                         const qt_rpc_call *call, grpc_slice body, gpr_timespec deadline,
                         grpc_completion_queue *cq) {
    memset(attempt, 0, sizeof *attempt);
    grpc_metadata_array_init(&attempt->initial);
    grpc_metadata_array_init(&attempt->trailing);
    attempt->text = grpc_empty_slice();
    add_metadata(attempt, QT_MD_REQUEST_ID, call->request_id);
    char traceparent[QT_TRACEPARENT_BYTES];
    qt_trace_format(call->trace, traceparent);
    add_metadata(attempt, QT_MD_TRACEPARENT, traceparent);
    attempt->request = grpc_raw_byte_buffer_create(&body, 1);
    grpc_slice method = grpc_slice_from_copied_string(path);
    attempt->call = grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS, cq,
                                             method, NULL, deadline, NULL);
    grpc_slice_unref(method);
}

size_t qt_rpc_attempt_send_ops(qt_rpc_attempt *attempt, const qt_rpc_call *call, grpc_op *ret_ops) {
    memset(ret_ops, 0, 3 * sizeof *ret_ops);
    ret_ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ret_ops[0].data.send_initial_metadata.count = attempt->sent_metadata_count;
    ret_ops[0].data.send_initial_metadata.metadata = attempt->sent_metadata;
    if (call->wait_for_ready) {
        ret_ops[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                           GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
    }
    ret_ops[1].op = GRPC_OP_SEND_MESSAGE;
    ret_ops[1].data.send_message.send_message = attempt->request;
    ret_ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    return 3;
}

size_t qt_rpc_attempt_open_ops(qt_rpc_attempt *attempt, const qt_rpc_call *call, grpc_op *ret_ops) {
    size_t n = qt_rpc_attempt_send_ops(attempt, call, ret_ops);
    memset(&ret_ops[n], 0, sizeof ret_ops[n]);
    ret_ops[n].op = GRPC_OP_RECV_INITIAL_METADATA;
    ret_ops[n].data.recv_initial_metadata.recv_initial_metadata = &attempt->initial;
    return n + 1;
}

grpc_op qt_rpc_attempt_status_op(qt_rpc_attempt *attempt) {
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op.data.recv_status_on_client.trailing_metadata = &attempt->trailing;
    op.data.recv_status_on_client.status = &attempt->status;
    op.data.recv_status_on_client.status_details = &attempt->text;
    return op;
}

grpc_op qt_rpc_attempt_message_op(qt_rpc_attempt *attempt) {
    grpc_op op;
    memset(&op, 0, sizeof op);
    op.op = GRPC_OP_RECV_MESSAGE;
    op.data.recv_message.recv_message = &attempt->response;
    return op;
}

void qt_rpc_attempt_unary_ops(qt_rpc_attempt *attempt, const qt_rpc_call *call,
                              grpc_op ret_ops[QT_CLIENT_OPS]) {
    size_t n = qt_rpc_attempt_open_ops(attempt, call, ret_ops);
    ret_ops[n++] = qt_rpc_attempt_message_op(attempt);
    ret_ops[n] = qt_rpc_attempt_status_op(attempt);
}

void qt_rpc_attempt_start(qt_rpc_attempt *attempt, const grpc_op *ops, size_t count, void *tag) {
    grpc_call_error error = grpc_call_start_batch(attempt->call, ops, count, tag, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
}

/* Slices in the metadata arrays belong to the call; the arrays, the status text and both buffers
 * are ours, the sent one too. */
void qt_rpc_attempt_done(qt_rpc_attempt *attempt) {
    for (size_t i = 0; i < attempt->sent_metadata_count; i++) {
        grpc_slice_unref(attempt->sent_metadata[i].value);
    }
    grpc_metadata_array_destroy(&attempt->initial);
    grpc_metadata_array_destroy(&attempt->trailing);
    grpc_slice_unref(attempt->text);
    grpc_byte_buffer_destroy(attempt->request);
    if (attempt->response != NULL) {
        grpc_byte_buffer_destroy(attempt->response);
    }
    grpc_call_unref(attempt->call);
    memset(attempt, 0, sizeof *attempt);
}

ProtobufCBinaryData qt_rpc_attempt_details(const qt_rpc_attempt *attempt) {
    union {
        const grpc_slice *in;
        grpc_slice *out;
    } details = {.in = qt_core_find_metadata(&attempt->trailing, QT_MD_STATUS_DETAILS)};
    if (details.in == NULL) {
        return (ProtobufCBinaryData){0};
    }
    return (ProtobufCBinaryData){.len = GRPC_SLICE_LENGTH(*details.out),
                                 .data = GRPC_SLICE_START_PTR(*details.out)};
}

qt_code qt_rpc_attempt_error(const qt_rpc_attempt *attempt, qt_err *err) {
    char text[sizeof err->msg];
    size_t len = GRPC_SLICE_LENGTH(attempt->text);
    len = len < sizeof text ? len : sizeof text - 1;
    memcpy(text, GRPC_SLICE_START_PTR(attempt->text), len);
    text[len] = '\0';
    if (attempt->status == GRPC_STATUS_OK) {
        return qt_err_raise_remote(err, QT_INTERNAL, NULL, "the server answered without a message");
    }
    ProtobufCBinaryData details = qt_rpc_attempt_details(attempt);
    return qt_rpc_err_from_status((qt_code)attempt->status, text, details.data, details.len, err);
}

/* CANCELLED that we did not ask for is a server that shut down around the call. */
bool qt_rpc_attempt_may_retry(const qt_rpc_call *call, qt_code code, int tries) {
    bool not_taken = code == QT_UNAVAILABLE || code == QT_CANCELLED;
    return call->idempotent && not_taken && tries < QT_CLIENT_MAX_TRIES;
}

int64_t qt_rpc_attempt_backoff_ms(int tries, int64_t retry_after_ms) {
    enum { FIRST_MS = 50, MAX_MS = 1000 };
    int64_t cap = FIRST_MS;
    for (int i = 1; i < tries && cap < MAX_MS; i++) {
        cap *= 2;
    }
    cap = cap < MAX_MS ? cap : MAX_MS;
    uint32_t random = 0;
    ssize_t got = getrandom(&random, sizeof random, 0);
    int64_t jittered = got == (ssize_t)sizeof random ? 1 + random % cap : cap;
    return jittered > retry_after_ms ? jittered : retry_after_ms;
}
