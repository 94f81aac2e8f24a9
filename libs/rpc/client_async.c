/* Calls that end on the channel's own thread. Happy path: start() from any thread, the completion
 * queue thread gets the tag, calls done() and frees the call. A call that may be tried again waits
 * in `delayed`; one that may be cancelled is polled from `watched`. Both lists belong to the
 * thread, so they need no lock: what another thread started reaches them by way of the queue. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "rpc/client_impl.h"
#include "rpc/status.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct async_call async_call;

struct async_call {
    qt_rpc_async *async;
    qt_rpc_call options; /* strings are copies */
    char *path;
    char *request_id;
    qt_trace_ctx trace;
    qt_trace_span *span; /* until the call is delivered */
    grpc_slice body;
    void (*done)(void *arg, const qt_rpc_raw_reply *reply);
    void *arg;
    int64_t start_us; /* monotonic */
    int64_t deadline_us;
    int64_t due_us; /* while delayed */
    int tries;
    int pending; /* tags that have not come back; of the thread after the start */
    bool cancelled;
    bool watched;
    qt_rpc_attempt attempt;
    qt_rpc_tag tag_done;
    qt_rpc_tag tag_watch;
    async_call *prev; /* in `watched` */
    async_call *next;
    async_call *next_delayed;
};

struct qt_rpc_async {
    qt_rpc_channel *channel;
    grpc_completion_queue *cq;
    pthread_t thread;
    async_call *watched;
    async_call *delayed;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t idle;
    size_t calls; /* under way */
};

static int64_t now_us(void) {
    return qt_clock_mono_us(qt_clock_system());
}

/* ---- one call ---- */

grpc_completion_queue *qt_rpc_async_hold(qt_rpc_async *async) {
    pthread_mutex_lock(&async->lock);
    async->calls++;
    pthread_mutex_unlock(&async->lock);
    return async->cq;
}

void qt_rpc_async_release(qt_rpc_async *async) {
    pthread_mutex_lock(&async->lock);
    if (--async->calls == 0) {
        pthread_cond_broadcast(&async->idle);
    }
    pthread_mutex_unlock(&async->lock);
}

static void free_call(async_call *call) {
    qt_rpc_async *async = call->async;
    grpc_slice_unref(call->body);
    free(call->path);
    free(call->request_id);
    free(call);
    qt_rpc_async_release(async);
}

/* An empty batch puts its tag into the queue at once, which wakes the thread. */
static void start_watching(async_call *call) {
    qt_rpc_attempt_start(&call->attempt, NULL, 0, &call->tag_watch);
}

static void start_try(async_call *call) {
    qt_rpc_async *async = call->async;
    bool watch = call->options.cancelled != NULL;
    call->tries++;
    call->pending = watch ? 2 : 1;
    qt_rpc_attempt_init(&call->attempt, async->channel, call->path, &call->options, call->body,
                        qt_core_deadline_in_us(qt_rpc_call_left_us(call->deadline_us)), async->cq);
    grpc_op ops[QT_CLIENT_OPS];
    qt_rpc_attempt_unary_ops(&call->attempt, &call->options, ops);
    if (call->options.timeout_ms <= 0) { /* the core's timer might come too late */
        grpc_call_cancel_with_status(call->attempt.call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                     "no time is left for the call", NULL);
    }
    if (watch) { /* first: when the real batch has ended, the call may be gone */
        start_watching(call);
    }
    qt_rpc_attempt_start(&call->attempt, ops, QT_ARRAY_LEN(ops), &call->tag_done);
}

/* ---- the end of a try ---- */

static void unwatch(async_call *call) {
    if (!call->watched) {
        return;
    }
    *(call->prev != NULL ? &call->prev->next : &call->async->watched) = call->next;
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
    call->watched = false;
}

static void deliver(async_call *call, const qt_err *err) {
    ProtobufCBinaryData details = qt_rpc_attempt_details(&call->attempt);
    qt_rpc_raw_reply reply = {.code = err != NULL ? err->code : QT_OK,
                              .message = err != NULL ? err->msg : "",
                              .retry_after_ms = err != NULL ? err->retry_after_ms : 0};
    grpc_slice body = grpc_empty_slice();
    if (err == NULL) {
        body = qt_core_read_buffer(call->attempt.response);
        reply.body = GRPC_SLICE_START_PTR(body);
        reply.body_len = GRPC_SLICE_LENGTH(body);
    } else if (!call->cancelled) {
        reply.status_details = details.data;
        reply.status_details_len = details.len;
    }
    qt_rpc_call_end_span(call->span, call->tries, err);
    qt_rpc_metrics_client(call->path, reply.code, call->start_us, call->tries);
    call->done(call->arg, &reply);
    grpc_slice_unref(body);
}

/* Puts the call into `delayed` unless no other try makes sense. */
static bool delay_retry(async_call *call, const qt_err *err) {
    if (call->cancelled || !qt_rpc_attempt_may_retry(&call->options, err->code, call->tries)) {
        return false;
    }
    int64_t due_us = now_us() + qt_rpc_attempt_backoff_ms(call->tries, err->retry_after_ms) * 1000;
    if (due_us >= call->deadline_us) {
        return false;
    }
    call->due_us = due_us;
    call->next_delayed = call->async->delayed;
    call->async->delayed = call;
    return true;
}

static void end_try(async_call *call) {
    qt_err err;
    bool failed = call->attempt.status != GRPC_STATUS_OK || call->attempt.response == NULL;
    unwatch(call);
    if (failed && call->cancelled) {
        (void)qt_fail(&err, CALL_CANCELLED, "the caller cancelled");
    } else if (failed) {
        (void)qt_rpc_attempt_error(&call->attempt, &err);
    }
    bool again = failed && delay_retry(call, &err);
    if (!again) {
        deliver(call, failed ? &err : NULL);
    }
    qt_rpc_attempt_done(&call->attempt);
    if (!again) {
        free_call(call);
    }
}

static void on_done(void *arg) {
    async_call *call = arg;
    if (--call->pending == 0) {
        end_try(call);
    }
}

static void on_watch(void *arg) {
    async_call *call = arg;
    if (--call->pending == 0) {
        end_try(call);
        return;
    }
    call->watched = true;
    call->prev = NULL;
    call->next = call->async->watched;
    if (call->next != NULL) {
        call->next->prev = call;
    }
    call->async->watched = call;
}

/* ---- the thread ---- */

static void poll_cancelled(qt_rpc_async *async) {
    for (async_call *call = async->watched; call != NULL; call = call->next) {
        if (!call->cancelled && call->options.cancelled(call->options.self)) {
            call->cancelled = true;
            grpc_call_cancel(call->attempt.call, NULL);
        }
    }
}

static void start_due(qt_rpc_async *async) {
    int64_t now = now_us();
    async_call **at = &async->delayed;
    while (*at != NULL) {
        async_call *call = *at;
        if (call->due_us > now) {
            at = &call->next_delayed;
            continue;
        }
        *at = call->next_delayed;
        start_try(call);
    }
}

static int64_t wait_us(const qt_rpc_async *async) {
    int64_t wait = async->watched != NULL ? QT_CLIENT_CANCEL_POLL_MS * 1000 : INT64_MAX;
    int64_t now = now_us();
    for (const async_call *call = async->delayed; call != NULL; call = call->next_delayed) {
        int64_t left = call->due_us > now ? call->due_us - now : 0;
        wait = left < wait ? left : wait;
    }
    return wait;
}

static void *run(void *arg) {
    qt_rpc_async *async = arg;
    pthread_setname_np(pthread_self(), "rpc-client");
    int64_t polled_us = now_us();
    for (;;) {
        gpr_timespec until = qt_core_deadline_in_us(wait_us(async));
        grpc_event event = grpc_completion_queue_next(async->cq, until, NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        if (event.type == GRPC_OP_COMPLETE) {
            const qt_rpc_tag *tag = event.tag;
            tag->fn(tag->arg);
        }
        start_due(async);
        if (now_us() - polled_us >= QT_CLIENT_CANCEL_POLL_MS * 1000) {
            poll_cancelled(async);
            polled_us = now_us();
        }
    }
}

qt_code qt_rpc_async_new(qt_rpc_channel *channel, qt_rpc_async **ret_async, qt_err *err) {
    qt_rpc_async *async = qt_xcalloc(1, sizeof *async);
    async->channel = channel;
    async->cq = grpc_completion_queue_create_for_next(NULL);
    pthread_mutex_init(&async->lock, NULL);
    pthread_cond_init(&async->idle, NULL);
    if (pthread_create(&async->thread, NULL, run, async) != 0) {
        grpc_completion_queue_shutdown(async->cq);
        grpc_completion_queue_destroy(async->cq);
        free(async);
        return qt_fail(err, IO_ERROR, "no thread for the RPC client");
    }
    *ret_async = async;
    return QT_OK;
}

void qt_rpc_async_free(qt_rpc_async *async) {
    if (async == NULL) {
        return;
    }
    pthread_mutex_lock(&async->lock);
    while (async->calls > 0) { /* a batch on a queue that was shut down would abort */
        pthread_cond_wait(&async->idle, &async->lock);
    }
    pthread_mutex_unlock(&async->lock);
    grpc_completion_queue_shutdown(async->cq);
    pthread_join(async->thread, NULL);
    grpc_completion_queue_destroy(async->cq);
    pthread_cond_destroy(&async->idle);
    pthread_mutex_destroy(&async->lock);
    free(async);
}

/* ---- the door ---- */

static char *copy_or_null(const char *s) {
    return s != NULL ? qt_xstrdup(s) : NULL;
}

static async_call *new_call(qt_rpc_async *async, const char *path, const qt_rpc_call *options) {
    async_call *call = qt_xcalloc(1, sizeof *call);
    call->async = async;
    call->path = qt_xstrdup(path);
    call->request_id = copy_or_null(options->request_id);
    call->options = *options;
    call->options.request_id = call->request_id;
    call->trace = qt_rpc_call_begin_span(options, call->path, &call->span);
    call->options.trace = &call->trace;
    call->start_us = now_us();
    call->deadline_us = qt_rpc_call_deadline_us(options);
    call->tag_done = (qt_rpc_tag){on_done, call};
    call->tag_watch = (qt_rpc_tag){on_watch, call};
    qt_rpc_async_hold(async);
    return call;
}

void qt_rpc_raw_async(qt_rpc_channel *channel, const char *path, const qt_rpc_call *options,
                      const uint8_t *body, size_t len,
                      void (*done)(void *arg, const qt_rpc_raw_reply *reply), void *arg) {
    async_call *call = new_call(channel->async, path, options);
    call->body = grpc_slice_malloc(len);
    if (len > 0) {
        memcpy(GRPC_SLICE_START_PTR(call->body), body, len);
    }
    call->done = done;
    call->arg = arg;
    start_try(call);
}
