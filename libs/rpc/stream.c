/* Sending on a server stream: one message is on its way at a time, and the next may go when the
 * core has taken it, which is when HTTP/2 flow control allows. */
#include "rpc/server_impl.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static qt_code fail_gone(const qt_rpc_ctx *ctx, qt_err *err) {
    if (qt_rpc_remaining_ms(ctx) == 0) {
        return qt_fail(err, DEADLINE_EXCEEDED, "the stream's time is over");
    }
    return qt_fail(err, CALL_CANCELLED, "the caller closed the stream");
}

/* With ctx->lock held. */
static void start_send(qt_rpc_ctx *ctx, grpc_byte_buffer *body) {
    grpc_op ops[2];
    memset(ops, 0, sizeof ops);
    size_t n = 0;
    if (!ctx->initial_sent) {
        ctx->initial_sent = true;
        ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
    }
    ops[n].op = GRPC_OP_SEND_MESSAGE;
    ops[n++].data.send_message.send_message = body;
    ctx->sending = true;
    qt_rpc_call_start_batch(ctx, ops, n, &ctx->tag_send);
}

/* Starts to send unless the call is over. */
static qt_code try_start(qt_rpc_ctx *ctx, const ProtobufCMessage *msg,
                         void (*sent)(void *arg, bool ok), void *arg, qt_err *err) {
    grpc_byte_buffer *body = qt_core_pack(msg);
    if (body == NULL) {
        return qt_fail(err, INTERNAL, "%s has a repeated field with a NULL element",
                       msg->descriptor->short_name);
    }
    pthread_mutex_lock(&ctx->lock);
    bool open = !ctx->cancelled && !ctx->finished;
    if (open) {
        assert(!ctx->sending);
        ctx->sent_fn = sent;
        ctx->sent_arg = arg;
        start_send(ctx, body);
    }
    pthread_mutex_unlock(&ctx->lock);
    grpc_byte_buffer_destroy(body);
    return open ? QT_OK : fail_gone(ctx, err);
}

void qt_rpc_stream_on_sent(qt_rpc_ctx *ctx, bool ok) {
    pthread_mutex_lock(&ctx->lock);
    ctx->sending = false;
    ctx->send_ok = ok;
    void (*fn)(void *, bool) = ctx->sent_fn;
    void *arg = ctx->sent_arg;
    ctx->sent_fn = NULL;
    pthread_cond_broadcast(&ctx->changed);
    pthread_mutex_unlock(&ctx->lock);
    if (fn != NULL) {
        fn(arg, ok);
    }
    qt_rpc_call_unref(ctx);
}

/* A cancelled call's tag comes back soon, so only the deadline is watched: a call without one from
 * the client is not ended by the core. */
static void wait_sent(qt_rpc_ctx *ctx) {
    pthread_mutex_lock(&ctx->lock);
    struct timespec until = {.tv_sec = (time_t)(ctx->deadline_us / 1000000),
                             .tv_nsec = (long)(ctx->deadline_us % 1000000 * 1000)};
    bool bounded = ctx->deadline_us != INT64_MAX;
    while (ctx->sending) {
        if (!bounded) {
            pthread_cond_wait(&ctx->changed, &ctx->lock);
        } else if (pthread_cond_clockwait(&ctx->changed, &ctx->lock, CLOCK_MONOTONIC, &until) !=
                   0) {
            bounded = false;
            grpc_call_cancel_with_status(ctx->call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                         "the stream's time is over", NULL);
        }
    }
    pthread_mutex_unlock(&ctx->lock);
}

qt_code qt_rpc_stream_send(qt_rpc_ctx *ctx, const ProtobufCMessage *msg, qt_err *err) {
    QT_TRY(try_start(ctx, msg, NULL, NULL, err));
    wait_sent(ctx);
    return ctx->send_ok ? QT_OK : fail_gone(ctx, err);
}

qt_code qt_rpc_stream_post(qt_rpc_ctx *ctx, const ProtobufCMessage *msg,
                           void (*sent)(void *arg, bool ok), void *arg, qt_err *err) {
    return try_start(ctx, msg, sent, arg, err);
}
