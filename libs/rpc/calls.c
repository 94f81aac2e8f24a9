/* The server's lists of calls: those that expire by our own deadline, and the streams. */
#include "rpc/server_impl.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/wait.h"

#include <assert.h>
#include <time.h>

void qt_rpc_list_add(qt_rpc_ctx *ctx, qt_rpc_list_id list) {
    qt_rpc_server *server = ctx->server;
    qt_rpc_call_ref(ctx);
    pthread_mutex_lock(&server->lock);
    assert(ctx->list == QT_LIST_NONE);
    ctx->list = list;
    ctx->prev = server->last[list];
    ctx->next = NULL;
    *(ctx->prev != NULL ? &ctx->prev->next : &server->first[list]) = ctx;
    server->last[list] = ctx;
    pthread_mutex_unlock(&server->lock);
}

/* With server->lock held. The list's reference goes to the caller. */
static void unlink_call(qt_rpc_ctx *ctx) {
    qt_rpc_server *server = ctx->server;
    *(ctx->prev != NULL ? &ctx->prev->next : &server->first[ctx->list]) = ctx->next;
    *(ctx->next != NULL ? &ctx->next->prev : &server->last[ctx->list]) = ctx->prev;
    ctx->list = QT_LIST_NONE;
}

void qt_rpc_list_remove(qt_rpc_ctx *ctx) {
    pthread_mutex_lock(&ctx->server->lock);
    bool linked = ctx->list != QT_LIST_NONE;
    if (linked) {
        unlink_call(ctx);
    }
    pthread_mutex_unlock(&ctx->server->lock);
    if (linked) {
        qt_rpc_call_unref(ctx);
    }
}

int64_t qt_rpc_list_next_expiry_us(qt_rpc_server *server) {
    pthread_mutex_lock(&server->lock);
    const qt_rpc_ctx *first = server->first[QT_LIST_EXPIRING];
    int64_t when = first != NULL ? first->deadline_us : INT64_MAX;
    pthread_mutex_unlock(&server->lock);
    return when;
}

static qt_rpc_ctx *take_expired(qt_rpc_server *server, int64_t now_us) {
    pthread_mutex_lock(&server->lock);
    qt_rpc_ctx *ctx = server->first[QT_LIST_EXPIRING];
    if (ctx != NULL && ctx->deadline_us <= now_us) {
        unlink_call(ctx);
    } else {
        ctx = NULL;
    }
    pthread_mutex_unlock(&server->lock);
    return ctx;
}

void qt_rpc_list_expire(qt_rpc_server *server, int64_t now_us) {
    for (qt_rpc_ctx *ctx; (ctx = take_expired(server, now_us)) != NULL;) {
        qt_err err;
        (void)qt_fail(&err, DEADLINE_EXCEEDED, "the call took longer than %lld ms",
                      (long long)server->options.default_deadline_ms);
        qt_rpc_call_abort(ctx, &err);
        qt_rpc_call_unref(ctx);
    }
}

/* All streams, each with a reference for the caller, who frees the array. */
static qt_rpc_ctx **take_streams(qt_rpc_server *server, size_t *ret_count) {
    pthread_mutex_lock(&server->lock);
    size_t count = 0;
    for (qt_rpc_ctx *ctx = server->first[QT_LIST_STREAMS]; ctx != NULL; ctx = ctx->next) {
        count++;
    }
    qt_rpc_ctx **streams = qt_xcalloc(count + 1, sizeof(qt_rpc_ctx *));
    size_t n = 0;
    for (qt_rpc_ctx *ctx = server->first[QT_LIST_STREAMS]; ctx != NULL; ctx = ctx->next) {
        qt_rpc_call_ref(ctx);
        streams[n++] = ctx;
    }
    pthread_mutex_unlock(&server->lock);
    *ret_count = count;
    return streams;
}

void qt_rpc_list_end_streams(qt_rpc_server *server) {
    size_t count = 0;
    QT_AUTO_FREE qt_rpc_ctx **streams = take_streams(server, &count);
    qt_err err;
    (void)qt_fail(&err, SHUTTING_DOWN, "the service stops; open the stream again");
    for (size_t i = 0; i < count; i++) {
        if (qt_rpc_call_is_deferred(streams[i])) {
            qt_rpc_call_abort(streams[i], &err);
        }
        qt_rpc_call_unref(streams[i]);
    }
}

void qt_rpc_list_wait_empty(qt_rpc_server *server) {
    enum { REPORT_MS = 10000 };
    pthread_mutex_lock(&server->lock);
    while (server->call_count > 0) {
        const struct timespec until = qt_cond_deadline(REPORT_MS);
        if (pthread_cond_timedwait(&server->idle, &server->lock, &until) != 0 &&
            server->call_count > 0) {
            qt_log(WARN, "calls do not end", QT_KV_INT("calls", server->call_count));
        }
    }
    pthread_mutex_unlock(&server->lock);
}
