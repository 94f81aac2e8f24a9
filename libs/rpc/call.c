/* The life of one call. Happy path, unary:
 *
 *   arm -> on_new (completion-queue thread: arm the next, watch for the close, interceptors, read)
 *       -> on_received -> pool -> run (unpack, handler) -> finish (one batch: initial metadata,
 *       message, status) -> on_status; on_close -> memory is released with the last reference.
 *
 * Failures: whatever fails after on_new ends in finish() with an error; a call whose client went
 * away still gets its status batch, which the core drops. */
#include "rpc/server_impl.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "rpc/status.h"
#include "rpc/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void on_new(qt_rpc_ctx *ctx, bool ok);
static void on_received(qt_rpc_ctx *ctx, bool ok);
static void on_close(qt_rpc_ctx *ctx, bool ok);
static void on_status(qt_rpc_ctx *ctx, bool ok);

/* ---- memory ---- */

static size_t arena_limit(const qt_rpc_server *server) {
    size_t limit = (size_t)server->options.max_message_bytes * QT_RPC_ARENA_FACTOR;
    return limit > QT_RPC_ARENA_FLOOR ? limit : QT_RPC_ARENA_FLOOR;
}

static qt_rpc_ctx *new_ctx(qt_rpc_server *server) {
    qt_rpc_ctx *ctx = qt_xcalloc(1, sizeof *ctx);
    ctx->server = server;
    atomic_init(&ctx->refs, 1);
    grpc_call_details_init(&ctx->details);
    grpc_metadata_array_init(&ctx->metadata);
    ctx->tag_new = (qt_rpc_tag){on_new, ctx};
    ctx->tag_recv = (qt_rpc_tag){on_received, ctx};
    ctx->tag_send = (qt_rpc_tag){qt_rpc_stream_on_sent, ctx};
    ctx->tag_close = (qt_rpc_tag){on_close, ctx};
    ctx->tag_status = (qt_rpc_tag){on_status, ctx};
    qt_arena_init(&ctx->arena_memory, arena_limit(server));
    ctx->arena = &ctx->arena_memory;
    ctx->list = QT_LIST_NONE;
    pthread_mutex_init(&ctx->lock, NULL);
    pthread_cond_init(&ctx->changed, NULL);
    return ctx;
}

/* The last thing that touches the server on this thread is the unlock. */
static void free_ctx(qt_rpc_ctx *ctx) {
    qt_rpc_server *server = ctx->server;
    if (ctx->call != NULL) {
        grpc_call_unref(ctx->call); /* slices of details and metadata belong to it */
        atomic_fetch_sub(&server->running, 1);
    }
    grpc_call_details_destroy(&ctx->details);
    grpc_metadata_array_destroy(&ctx->metadata);
    if (ctx->received != NULL) {
        grpc_byte_buffer_destroy(ctx->received);
    }
    qt_arena_done(&ctx->arena_memory);
    pthread_cond_destroy(&ctx->changed);
    pthread_mutex_destroy(&ctx->lock);
    free(ctx);

    pthread_mutex_lock(&server->lock);
    if (--server->call_count == 0) {
        pthread_cond_broadcast(&server->idle);
    }
    pthread_mutex_unlock(&server->lock);
}

void qt_rpc_call_ref(qt_rpc_ctx *ctx) {
    atomic_fetch_add(&ctx->refs, 1);
}

void qt_rpc_call_unref(qt_rpc_ctx *ctx) {
    if (atomic_fetch_sub(&ctx->refs, 1) == 1) {
        free_ctx(ctx);
    }
}

void qt_rpc_call_arm(qt_rpc_server *server) {
    qt_rpc_ctx *ctx = new_ctx(server);
    pthread_mutex_lock(&server->lock);
    server->call_count++;
    pthread_mutex_unlock(&server->lock);
    grpc_call_error error =
        grpc_server_request_call(server->server, &ctx->call, &ctx->details, &ctx->metadata,
                                 server->cq, server->cq, &ctx->tag_new);
    assert(error == GRPC_CALL_OK);
}

void qt_rpc_call_start_batch(qt_rpc_ctx *ctx, const grpc_op *ops, size_t count, qt_rpc_tag *tag) {
    qt_rpc_call_ref(ctx);
    grpc_call_error error = grpc_call_start_batch(ctx->call, ops, count, tag, NULL);
    if (error != GRPC_CALL_OK) {
        qt_log(ERROR, "a batch was refused", QT_KV_STR("error", grpc_call_error_to_string(error)));
    }
    assert(error == GRPC_CALL_OK);
}

/* ---- arrival ---- */

/* Its tag fires for every call that was accepted, whatever becomes of it. */
static void watch_close(qt_rpc_ctx *ctx) {
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &ctx->close_cancelled;
    qt_rpc_call_start_batch(ctx, &op, 1, &ctx->tag_close);
}

static void read_message(qt_rpc_ctx *ctx) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &ctx->received;
    qt_rpc_call_start_batch(ctx, &op, 1, &ctx->tag_recv);
}

static void keep_list(qt_rpc_ctx *ctx) {
    if (ctx->entry->method->stream != NULL || ctx->entry->bidi) {
        qt_rpc_list_add(ctx, QT_LIST_STREAMS);
    } else if (!ctx->has_own_deadline) {
        qt_rpc_list_add(ctx, QT_LIST_EXPIRING);
    }
}

static qt_code accept_call(qt_rpc_ctx *ctx, qt_err *err) {
    QT_TRY(qt_rpc_interceptors_before(ctx, err));
    if (ctx->entry == NULL) {
        return qt_fail(err, METHOD_UNKNOWN, "no such method");
    }
    return QT_OK;
}

static void on_new(qt_rpc_ctx *ctx, bool ok) {
    if (!ok) { /* the server shuts down; nothing of the call may be touched */
        ctx->call = NULL;
        qt_rpc_call_unref(ctx);
        return;
    }
    qt_rpc_call_arm(ctx->server);
    atomic_fetch_add(&ctx->server->running, 1);
    ctx->start_us = qt_clock_mono_us(qt_clock_system());
    ctx->entry = qt_rpc_methods_find(ctx->server, ctx->details.method);
    watch_close(ctx);
    qt_err err;
    if (accept_call(ctx, &err) != QT_OK) {
        qt_rpc_call_finish(ctx, NULL, &err);
    } else {
        keep_list(ctx);
        read_message(ctx);
    }
    qt_rpc_call_unref(ctx);
}

/* A message that is NULL is the end of the input, a cancelled call, or one over the size limit; the
 * core has answered the last two, and drops our status. */
static void on_no_message(qt_rpc_ctx *ctx) {
    qt_err err;
    if (grpc_call_failed_before_recv_message(ctx->call)) {
        (void)qt_fail(&err, CALL_CANCELLED, "the caller went away, or its request is too large");
        qt_rpc_call_finish(ctx, NULL, &err);
    } else if (ctx->entry->bidi) {
        qt_rpc_call_finish(ctx, NULL, NULL);
    } else {
        (void)qt_fail(&err, MESSAGE_MALFORMED, "the call has no request");
        qt_rpc_call_finish(ctx, NULL, &err);
    }
    qt_rpc_call_unref(ctx);
}

static void on_received(qt_rpc_ctx *ctx, bool ok) {
    (void)ok;
    if (ctx->received == NULL) {
        on_no_message(ctx);
        return;
    }
    if (ctx->entry->flags == QT_RPC_INLINE) {
        qt_rpc_call_run(ctx);
        return;
    }
    if (!qt_rpc_pool_submit(ctx->server->pool, ctx)) {
        enum { RETRY_MS = 200 };
        qt_err err;
        (void)qt_fail(&err, OVERLOADED, "%lld calls wait already",
                      (long long)ctx->server->options.queue_limit);
        err.retry_after_ms = RETRY_MS;
        qt_rpc_call_finish(ctx, NULL, &err);
        qt_rpc_call_unref(ctx);
    }
}

/* ---- the handler ---- */

static qt_code unpack_request(qt_rpc_ctx *ctx, ProtobufCMessage **ret_req, qt_err *err) {
    grpc_slice bytes = qt_core_read_buffer(ctx->received);
    qt_code code = qt_rpc_unpack(ctx->entry->method->input, GRPC_SLICE_START_PTR(bytes),
                                 GRPC_SLICE_LENGTH(bytes), ctx->arena, ret_req, err);
    grpc_slice_unref(bytes);
    grpc_byte_buffer_destroy(ctx->received);
    ctx->received = NULL;
    return code;
}

static qt_code run_handler(qt_rpc_ctx *ctx, ProtobufCMessage **ret_resp, qt_err *err) {
    ProtobufCMessage *req = NULL;
    QT_TRY(qt_rpc_check_alive(ctx, err));
    QT_TRY(unpack_request(ctx, &req, err));
    const qt_rpc_entry *entry = ctx->entry;
    if (entry->method->unary != NULL) {
        return entry->method->unary(entry->ops, ctx, req, ret_resp, err);
    }
    return entry->method->stream(entry->ops, ctx, req, err);
}

static void on_reply_sent(void *arg, bool ok) {
    qt_rpc_ctx *ctx = arg;
    if (ok) {
        read_message(ctx);
    } else {
        qt_rpc_call_finish(ctx, NULL, NULL);
    }
}

/* One message of a bidirectional stream was answered; the next is read when it was sent. */
static void continue_stream(qt_rpc_ctx *ctx, const ProtobufCMessage *resp, qt_err *err) {
    if (qt_rpc_stream_post(ctx, resp, on_reply_sent, ctx, err) != QT_OK) {
        qt_rpc_call_finish(ctx, NULL, err);
    }
    qt_arena_reset(ctx->arena);
}

void qt_rpc_call_run(void *arg) {
    qt_rpc_ctx *ctx = arg;
    ProtobufCMessage *resp = NULL;
    qt_err err;
    qt_trace_scope scope;
    qt_trace_enter(&scope, &ctx->trace, ctx->request_id);
    qt_code code = run_handler(ctx, &resp, &err);
    bool deferred = qt_rpc_call_is_deferred(ctx);
    if (code != QT_OK) {
        if (deferred) {
            qt_rpc_call_unref(ctx); /* the handler gave it to nobody */
        }
        qt_rpc_call_finish(ctx, NULL, &err);
    } else if (ctx->entry->bidi && resp != NULL) {
        continue_stream(ctx, resp, &err);
    } else if (!deferred) {
        qt_rpc_call_finish(ctx, resp, NULL);
    } else if (ctx->entry->method->stream != NULL && atomic_load(&ctx->server->stopping)) {
        qt_rpc_list_end_streams(ctx->server); /* it may have come too late to be seen there */
    }
    qt_trace_leave(&scope);
    qt_rpc_call_unref(ctx);
}

/* ---- the end ---- */

/* What goes out with the status. */
typedef struct outcome {
    grpc_byte_buffer *body; /* NULL: none */
    grpc_metadata details;
    size_t details_count;
    grpc_slice text;
} outcome;

static void describe_error(const qt_rpc_ctx *ctx, const qt_err *err, outcome *into) {
    QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
    qt_rpc_err_to_status_bytes(err, ctx->request_id, &bytes);
    if (!bytes.failed && bytes.len > 0) {
        into->details = qt_core_metadata(QT_MD_STATUS_DETAILS, bytes.data, bytes.len);
        into->details_count = 1;
    }
    into->text = grpc_slice_from_copied_string(qt_rpc_public_message(err));
}

/* Initial metadata and status in one batch and no custom initial metadata: an error is then
 * "trailers only", which is what lets a client's core try again. */
static void send_status(qt_rpc_ctx *ctx, qt_code code, outcome *out) {
    grpc_op ops[3];
    memset(ops, 0, sizeof ops);
    size_t n = 0;
    pthread_mutex_lock(&ctx->lock);
    if (!ctx->initial_sent) {
        ctx->initial_sent = true;
        ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
    }
    if (out->body != NULL) {
        ops[n].op = GRPC_OP_SEND_MESSAGE;
        ops[n++].data.send_message.send_message = out->body;
    }
    ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[n].data.send_status_from_server.status = (grpc_status_code)code;
    ops[n].data.send_status_from_server.status_details = &out->text;
    ops[n].data.send_status_from_server.trailing_metadata_count = out->details_count;
    ops[n++].data.send_status_from_server.trailing_metadata = &out->details;
    qt_rpc_call_start_batch(ctx, ops, n, &ctx->tag_status);
    pthread_mutex_unlock(&ctx->lock);

    grpc_slice_unref(out->text);
    if (out->details_count > 0) {
        grpc_slice_unref(out->details.value);
    }
    if (out->body != NULL) {
        grpc_byte_buffer_destroy(out->body);
    }
}

/* True for the one caller who decides the status. */
static bool claim_finish(qt_rpc_ctx *ctx) {
    pthread_mutex_lock(&ctx->lock);
    bool first = !ctx->finished;
    ctx->finished = true;
    ctx->cancel_fn = NULL;
    pthread_mutex_unlock(&ctx->lock);
    return first;
}

/* NULL with an error for a response that cannot be packed. A stream has sent its messages. */
static const qt_err *pack_response(qt_rpc_ctx *ctx, const ProtobufCMessage *resp, outcome *out,
                                   qt_err *err) {
    const qt_rpc_method *method = ctx->entry->method;
    if (method->stream != NULL || ctx->entry->bidi) {
        return NULL;
    }
    out->body = resp != NULL ? qt_core_pack(resp) : qt_core_copy_buffer(NULL, 0);
    if (out->body == NULL) {
        (void)qt_fail(err, INTERNAL, "%s has a repeated field with a NULL element",
                      method->output->short_name);
        return err;
    }
    return NULL;
}

/* Sends what was decided; by the one who claimed the finish. */
static void conclude(qt_rpc_ctx *ctx, const ProtobufCMessage *resp, const qt_err *err) {
    outcome out = {.text = grpc_empty_slice()};
    qt_err pack_err;
    if (err == NULL) {
        err = pack_response(ctx, resp, &out, &pack_err);
    }
    if (err != NULL) {
        describe_error(ctx, err, &out);
    }
    qt_rpc_interceptors_after(ctx, err);
    send_status(ctx, err != NULL ? err->code : QT_OK, &out);
    qt_rpc_list_remove(ctx);
}

void qt_rpc_call_finish(qt_rpc_ctx *ctx, const ProtobufCMessage *resp, const qt_err *err) {
    if (claim_finish(ctx)) {
        conclude(ctx, resp, err);
    }
}

static void on_status(qt_rpc_ctx *ctx, bool ok) {
    (void)ok; /* false: the client went away first */
    qt_rpc_call_unref(ctx);
}

/* Marks the call as cancelled and tells who asked for it, unless it is finished. */
static void mark_cancelled(qt_rpc_ctx *ctx) {
    pthread_mutex_lock(&ctx->lock);
    ctx->cancelled = true;
    void (*fn)(void *) = ctx->cancel_fn;
    void *arg = ctx->cancel_arg;
    ctx->cancel_fn = NULL;
    pthread_cond_broadcast(&ctx->changed);
    pthread_mutex_unlock(&ctx->lock);
    if (fn != NULL) {
        fn(arg);
    }
}

static void on_close(qt_rpc_ctx *ctx, bool ok) {
    (void)ok; /* always true */
    if (ctx->close_cancelled != 0) {
        mark_cancelled(ctx);
    }
    qt_rpc_call_unref(ctx);
}

/* Finished and cancelled in one step: a handler that registers for the cancel at this very moment
 * is called either here or there, never not at all. */
void qt_rpc_call_abort(qt_rpc_ctx *ctx, const qt_err *err) {
    pthread_mutex_lock(&ctx->lock);
    bool first = !ctx->finished;
    void (*fn)(void *) = first ? ctx->cancel_fn : NULL;
    void *arg = ctx->cancel_arg;
    ctx->finished = true;
    ctx->cancelled = true;
    ctx->cancel_fn = NULL;
    pthread_cond_broadcast(&ctx->changed);
    pthread_mutex_unlock(&ctx->lock);
    if (first) {
        conclude(ctx, NULL, err);
    }
    if (fn != NULL) {
        fn(arg);
    }
}
