/* A server stream that is read on the channel's thread. Three batches at a time: the request, the
 * status, which comes at the end, and a message that was asked for. The stream is over when there
 * is no more message and all three have come back. */
#include "base/alloc.h"
#include "base/clock.h"
#include "rpc/client_impl.h"

#include <pthread.h>
#include <stdlib.h>

struct qt_rpc_raw_stream {
    qt_rpc_async *async;
    qt_rpc_raw_stream_ops ops;
    void *arg;
    char *path;
    int64_t start_us;
    qt_rpc_attempt attempt;
    qt_trace_span *span; /* until the end is delivered */
    qt_rpc_tag tag_open;
    qt_rpc_tag tag_status;
    qt_rpc_tag tag_read;
    bool opened; /* the thread's, as is the next */
    bool status_known;
    pthread_mutex_t lock; /* what follows, and starting to read */
    bool reading;
    bool read_all; /* there is no more message */
    bool cancelled;
};

static void ask_for_status(qt_rpc_raw_stream *stream) {
    const grpc_op op = qt_rpc_attempt_status_op(&stream->attempt);
    qt_rpc_attempt_start(&stream->attempt, &op, 1, &stream->tag_status);
}

/* With the lock held. */
static void ask_for_message(qt_rpc_raw_stream *stream) {
    if (stream->reading || stream->read_all) {
        return;
    }
    stream->reading = true;
    const grpc_op op = qt_rpc_attempt_message_op(&stream->attempt);
    qt_rpc_attempt_start(&stream->attempt, &op, 1, &stream->tag_read);
}

static void send_request(qt_rpc_raw_stream *stream, const qt_rpc_call *call) {
    grpc_op ops[4];
    size_t count = qt_rpc_attempt_open_ops(&stream->attempt, call, ops);
    qt_rpc_attempt_start(&stream->attempt, ops, count, &stream->tag_open);
}

static void deliver_end(qt_rpc_raw_stream *stream) {
    const qt_rpc_attempt *attempt = &stream->attempt;
    qt_rpc_raw_reply reply = {.message = ""};
    qt_err err;
    if (stream->cancelled) {
        reply.code = qt_fail(&err, CALL_CANCELLED, "the caller cancelled");
        reply.message = err.msg;
    } else if (attempt->status != GRPC_STATUS_OK) {
        ProtobufCBinaryData details = qt_rpc_attempt_details(attempt);
        reply.code = qt_rpc_attempt_error(attempt, &err);
        reply.message = err.msg;
        reply.retry_after_ms = err.retry_after_ms;
        reply.status_details = details.data;
        reply.status_details_len = details.len;
    }
    qt_rpc_call_end_span(stream->span, 1, reply.code != QT_OK ? &err : NULL);
    qt_rpc_metrics_client(stream->path, reply.code, stream->start_us, 1);
    stream->ops.end(stream->arg, &reply);
}

static void end_if_over(qt_rpc_raw_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    bool is_over = stream->opened && stream->status_known && stream->read_all;
    pthread_mutex_unlock(&stream->lock);
    if (!is_over) {
        return;
    }
    qt_rpc_async *async = stream->async;
    deliver_end(stream);
    qt_rpc_attempt_done(&stream->attempt);
    pthread_mutex_destroy(&stream->lock);
    free(stream->path);
    free(stream);
    qt_rpc_async_release(async);
}

static void on_open(void *arg) {
    qt_rpc_raw_stream *stream = arg;
    stream->opened = true;
    end_if_over(stream);
}

static void on_status(void *arg) {
    qt_rpc_raw_stream *stream = arg;
    stream->status_known = true;
    end_if_over(stream);
}

static void on_read(void *arg) {
    qt_rpc_raw_stream *stream = arg;
    grpc_byte_buffer *message = stream->attempt.response;
    stream->attempt.response = NULL;
    pthread_mutex_lock(&stream->lock);
    stream->reading = false;
    stream->read_all = message == NULL;
    bool wanted = message != NULL && !stream->cancelled;
    if (stream->cancelled) {
        ask_for_message(stream); /* until there is none */
    }
    pthread_mutex_unlock(&stream->lock);
    if (wanted) {
        grpc_slice bytes = qt_core_read_buffer(message);
        stream->ops.message(stream->arg, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes));
        grpc_slice_unref(bytes);
    }
    if (message != NULL) {
        grpc_byte_buffer_destroy(message);
    } else {
        end_if_over(stream);
    }
}

void qt_rpc_raw_stream_open(qt_rpc_channel *channel, const char *path, const qt_rpc_call *call,
                            const uint8_t *body, size_t len, const qt_rpc_raw_stream_ops *ops,
                            void *arg, qt_rpc_raw_stream **ret_stream) {
    qt_rpc_raw_stream *stream = qt_xcalloc(1, sizeof *stream);
    grpc_slice bytes = grpc_slice_from_copied_buffer((const char *)body, len);
    stream->async = channel->async;
    stream->ops = *ops;
    stream->arg = arg;
    stream->path = qt_xstrdup(path);
    stream->start_us = qt_clock_mono_us(qt_clock_system());
    stream->tag_open = (qt_rpc_tag){on_open, stream};
    stream->tag_status = (qt_rpc_tag){on_status, stream};
    stream->tag_read = (qt_rpc_tag){on_read, stream};
    pthread_mutex_init(&stream->lock, NULL);
    qt_rpc_call traced = *call;
    const qt_trace_ctx trace = qt_rpc_call_begin_span(call, path, &stream->span);
    traced.trace = &trace;
    qt_rpc_attempt_init(&stream->attempt, channel, path, &traced, bytes,
                        qt_core_deadline_in_us(qt_rpc_call_left_us(qt_rpc_call_deadline_us(call))),
                        qt_rpc_async_hold(channel->async));
    grpc_slice_unref(bytes);
    *ret_stream = stream;
    send_request(stream, call);
    ask_for_status(stream);
    qt_rpc_raw_stream_next(stream); /* before it, the stream cannot be over */
}

void qt_rpc_raw_stream_next(qt_rpc_raw_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    ask_for_message(stream);
    pthread_mutex_unlock(&stream->lock);
}

void qt_rpc_raw_stream_cancel(qt_rpc_raw_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    if (!stream->cancelled) {
        stream->cancelled = true;
        grpc_call_cancel(stream->attempt.call, NULL);
        ask_for_message(stream);
    }
    pthread_mutex_unlock(&stream->lock);
}
