/* A server stream that one thread reads. Three batches: the request, the status (which comes at
 * the end), and one per message. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "rpc/client_impl.h"
#include "rpc/wire.h"

#include <stdlib.h>

struct qt_rpc_reader {
    qt_rpc_call call; /* cancelled() only */
    grpc_completion_queue *cq;
    qt_rpc_attempt attempt;
    qt_trace_span *span; /* until close */
    bool opened;         /* the request's tag has come back */
    bool status_known;
    bool cancelled;
    char tag_open; /* only their addresses count */
    char tag_read;
    char tag_status;
};

static void ask_for_status(qt_rpc_reader *reader) {
    const grpc_op op = qt_rpc_attempt_status_op(&reader->attempt);
    qt_rpc_attempt_start(&reader->attempt, &op, 1, &reader->tag_status);
}

static void ask_for_message(qt_rpc_reader *reader) {
    const grpc_op op = qt_rpc_attempt_message_op(&reader->attempt);
    qt_rpc_attempt_start(&reader->attempt, &op, 1, &reader->tag_read);
}

static void send_request(qt_rpc_reader *reader, const qt_rpc_call *call) {
    grpc_op ops[4];
    size_t count = qt_rpc_attempt_open_ops(&reader->attempt, call, ops);
    qt_rpc_attempt_start(&reader->attempt, ops, count, &reader->tag_open);
}

static void poll_cancelled(qt_rpc_reader *reader) {
    bool polls = reader->call.cancelled != NULL && !reader->cancelled;
    if (polls && reader->call.cancelled(reader->call.self)) {
        reader->cancelled = true;
        grpc_call_cancel(reader->attempt.call, NULL);
    }
}

/* Waits for one tag; calls cancelled() before and meanwhile. */
static void wait_for(qt_rpc_reader *reader, void *tag) {
    for (;;) {
        poll_cancelled(reader);
        bool polls = reader->call.cancelled != NULL && !reader->cancelled;
        gpr_timespec until =
            polls ? qt_core_deadline_in_us(QT_CLIENT_CANCEL_POLL_MS * 1000) : qt_core_no_deadline();
        grpc_event event = grpc_completion_queue_pluck(reader->cq, tag, until, NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            return;
        }
    }
}

qt_code qt_rpc_stream_open(qt_rpc_channel *channel, const char *path, const qt_rpc_call *call,
                           const ProtobufCMessage *req, qt_rpc_reader **ret_reader, qt_err *err) {
    QT_TRY(qt_rpc_call_check(call, err));
    if (!protobuf_c_message_check(req)) {
        return qt_fail(err, INTERNAL, "%s has a repeated field with a NULL element",
                       req->descriptor->short_name);
    }
    qt_rpc_reader *reader = qt_xcalloc(1, sizeof *reader);
    reader->call = (qt_rpc_call){.cancelled = call->cancelled, .self = call->self};
    reader->cq = grpc_completion_queue_create_for_pluck(NULL);
    grpc_slice body = grpc_slice_malloc(protobuf_c_message_get_packed_size(req));
    protobuf_c_message_pack(req, GRPC_SLICE_START_PTR(body));
    qt_rpc_call traced = *call;
    const qt_trace_ctx ctx = qt_rpc_call_begin_span(call, path, &reader->span);
    traced.trace = &ctx;
    qt_rpc_attempt_init(&reader->attempt, channel, path, &traced, body,
                        qt_core_deadline_in_us(qt_rpc_call_left_us(qt_rpc_call_deadline_us(call))),
                        reader->cq);
    grpc_slice_unref(body);
    send_request(reader, call);
    ask_for_status(reader);
    *ret_reader = reader;
    return QT_OK;
}

static void wait_for_status(qt_rpc_reader *reader) {
    if (!reader->status_known) {
        wait_for(reader, &reader->tag_status);
        reader->status_known = true;
    }
}

static qt_code end_of_stream(qt_rpc_reader *reader, ProtobufCMessage **ret_msg, qt_err *err) {
    wait_for_status(reader);
    if (reader->attempt.status == GRPC_STATUS_OK) {
        *ret_msg = NULL;
        return QT_OK;
    }
    if (reader->cancelled) {
        return qt_fail(err, CALL_CANCELLED, "the caller cancelled");
    }
    return qt_rpc_attempt_error(&reader->attempt, err);
}

qt_code qt_rpc_stream_read(qt_rpc_reader *reader, const ProtobufCMessageDescriptor *type,
                           qt_arena *arena, ProtobufCMessage **ret_msg, qt_err *err) {
    if (!reader->opened) {
        wait_for(reader, &reader->tag_open);
        reader->opened = true;
    }
    if (reader->status_known) {
        return end_of_stream(reader, ret_msg, err);
    }
    ask_for_message(reader);
    wait_for(reader, &reader->tag_read);
    if (reader->attempt.response == NULL) {
        return end_of_stream(reader, ret_msg, err);
    }
    grpc_slice bytes = qt_core_read_buffer(reader->attempt.response);
    qt_code code = qt_rpc_unpack(type, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes), arena,
                                 ret_msg, err);
    grpc_slice_unref(bytes);
    grpc_byte_buffer_destroy(reader->attempt.response);
    reader->attempt.response = NULL;
    return code;
}

static void end_span(qt_rpc_reader *reader) {
    qt_err err;
    bool failed = reader->attempt.status != GRPC_STATUS_OK;
    if (failed) {
        (void)qt_rpc_attempt_error(&reader->attempt, &err);
    }
    qt_rpc_call_end_span(reader->span, 1, failed ? &err : NULL);
}

void qt_rpc_stream_close(qt_rpc_reader *reader) {
    if (reader == NULL) {
        return;
    }
    reader->call.cancelled = NULL;
    if (!reader->status_known) {
        grpc_call_cancel(reader->attempt.call, NULL);
    }
    if (!reader->opened) {
        wait_for(reader, &reader->tag_open);
    }
    wait_for_status(reader);
    end_span(reader);
    qt_rpc_attempt_done(&reader->attempt);
    grpc_completion_queue_shutdown(reader->cq);
    while (grpc_completion_queue_pluck(reader->cq, NULL, qt_core_no_deadline(), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(reader->cq);
    free(reader);
}
