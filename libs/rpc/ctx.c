/* What a handler sees of its call. */
#include "rpc/server_impl.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void *qt_rpc_self(const qt_rpc_ctx *ctx) {
    return ctx->entry->self;
}

qt_arena *qt_rpc_arena(qt_rpc_ctx *ctx) {
    return ctx->arena;
}

ProtobufCMessage *qt_rpc_message(qt_rpc_ctx *ctx, const ProtobufCMessageDescriptor *type) {
    ProtobufCMessage *msg = qt_arena_alloc(ctx->arena, type->sizeof_message);
    if (msg != NULL) {
        protobuf_c_message_init(type, msg);
    }
    return msg;
}

int64_t qt_rpc_remaining_ms(const qt_rpc_ctx *ctx) {
    if (ctx->deadline_us == INT64_MAX) {
        return INT64_MAX / 1000;
    }
    int64_t left_us = ctx->deadline_us - qt_clock_mono_us(qt_clock_system());
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

/* pthread functions take no const lock; the call itself is not changed. */
static pthread_mutex_t *lock_of(const qt_rpc_ctx *ctx) {
    return &ctx->tag_new.ctx->lock;
}

bool qt_rpc_cancelled(const qt_rpc_ctx *ctx) {
    pthread_mutex_lock(lock_of(ctx));
    bool cancelled = ctx->cancelled;
    pthread_mutex_unlock(lock_of(ctx));
    return cancelled || qt_rpc_remaining_ms(ctx) == 0;
}

qt_code qt_rpc_check_alive(const qt_rpc_ctx *ctx, qt_err *err) {
    if (qt_rpc_remaining_ms(ctx) == 0) {
        return qt_fail(err, DEADLINE_EXCEEDED, "the call's time is over");
    }
    if (qt_rpc_cancelled(ctx)) {
        return qt_fail(err, CALL_CANCELLED, "the caller went away");
    }
    return QT_OK;
}

bool qt_rpc_stopping(const qt_rpc_ctx *ctx) {
    return atomic_load(&ctx->server->stopping);
}

void qt_rpc_on_cancel(qt_rpc_ctx *ctx, void (*fn)(void *arg), void *arg) {
    pthread_mutex_lock(&ctx->lock);
    bool now = ctx->cancelled;
    ctx->cancel_fn = now ? NULL : fn;
    ctx->cancel_arg = arg;
    pthread_mutex_unlock(&ctx->lock);
    if (now) {
        fn(arg);
    }
}

const char *qt_rpc_request_id(const qt_rpc_ctx *ctx) {
    return ctx->request_id;
}

const qt_trace_ctx *qt_rpc_trace(const qt_rpc_ctx *ctx) {
    return &ctx->trace;
}

const char *qt_rpc_peer_identity(const qt_rpc_ctx *ctx) {
    return ctx->identity;
}

const char *qt_rpc_metadata(const qt_rpc_ctx *ctx, const char *key) {
    const grpc_slice *value = qt_core_find_metadata(&ctx->metadata, key);
    if (value == NULL) {
        return NULL;
    }
    return qt_arena_strndup(ctx->arena, (const char *)GRPC_SLICE_START_PTR(*value),
                            GRPC_SLICE_LENGTH(*value));
}

qt_code qt_rpc_unimplemented(const qt_rpc_ctx *ctx, qt_err *err) {
    return qt_fail(err, METHOD_UNIMPLEMENTED, "%s is not implemented", ctx->entry->method->path);
}

bool qt_rpc_call_is_deferred(qt_rpc_ctx *ctx) {
    pthread_mutex_lock(&ctx->lock);
    bool deferred = ctx->deferred;
    pthread_mutex_unlock(&ctx->lock);
    return deferred;
}

void qt_rpc_defer(qt_rpc_ctx *ctx) {
    qt_rpc_call_ref(ctx);
    pthread_mutex_lock(&ctx->lock);
    assert(!ctx->deferred);
    ctx->deferred = true;
    pthread_mutex_unlock(&ctx->lock);
}

void qt_rpc_reply(qt_rpc_ctx *ctx, const ProtobufCMessage *resp) {
    qt_rpc_call_finish(ctx, resp, NULL);
    qt_rpc_call_unref(ctx);
}

void qt_rpc_fail(qt_rpc_ctx *ctx, const qt_err *err) {
    qt_rpc_call_finish(ctx, NULL, err);
    qt_rpc_call_unref(ctx);
}
