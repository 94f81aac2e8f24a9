/* Channels, and blocking calls: each has a short-lived completion queue of its own, on which the
 * calling thread does the work of the connection itself. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "rpc/client_impl.h"
#include "rpc/wire.h"

#include <grpc/health/v1/health.pb-c.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DEFAULT_MESSAGE_BYTES = 16 << 20,
    MIN_RECONNECT_MS = 100,
    MAX_RECONNECT_MS = 2000,
    MIN_RESOLVE_MS =
        1000, /* so that new replicas are found when an old one goes; the core's is 30 s */
};

/* No retryPolicy: retries are ours (qt_rpc_attempt_may_retry), for idempotent calls only. A service
 * config that the core cannot parse makes every call fail, so these are constants with a test. */
#define CONFIG_HEALTH                                                                              \
    "{\"loadBalancingConfig\":[{\"round_robin\":{}}],\"healthCheckConfig\":{\"serviceName\":\"\"}" \
    "}"
#define CONFIG_PLAIN "{\"loadBalancingConfig\":[{\"round_robin\":{}}]}"

/* ---- channel ---- */

/* The core does not write to keys and strings of arguments. */
static char *unconst(const char *s) {
    union {
        const char *in;
        char *out;
    } u = {.in = s};
    return u.out;
}

static grpc_arg int_arg(const char *key, int64_t value) {
    grpc_arg arg;
    memset(&arg, 0, sizeof arg);
    arg.type = GRPC_ARG_INTEGER;
    arg.key = unconst(key);
    arg.value.integer = (int)value;
    return arg;
}

static grpc_arg str_arg(const char *key, const char *value) {
    grpc_arg arg;
    memset(&arg, 0, sizeof arg);
    arg.type = GRPC_ARG_STRING;
    arg.key = unconst(key);
    arg.value.string = unconst(value);
    return arg;
}

static grpc_channel *create_core_channel(const qt_rpc_channel_options *o, int64_t max_bytes,
                                         grpc_channel_credentials *creds) {
    const char *name = o->tls_server_name != NULL ? o->tls_server_name : "";
    grpc_arg args[] = {
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, max_bytes),
        int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, QT_KEEPALIVE_TIME_MS),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, QT_KEEPALIVE_TIMEOUT_MS),
        int_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, MIN_RECONNECT_MS),
        int_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, MIN_RECONNECT_MS),
        int_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, MAX_RECONNECT_MS),
        int_arg(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, MIN_RESOLVE_MS),
        int_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        str_arg(GRPC_ARG_SERVICE_CONFIG, o->no_health_check ? CONFIG_PLAIN : CONFIG_HEALTH),
        str_arg(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, name), /* last, may be left out */
    };
    size_t count = QT_ARRAY_LEN(args) - (name[0] == '\0' ? 1 : 0);
    const grpc_channel_args list = {.num_args = count, .args = args};
    return grpc_channel_create(o->target, creds, &list);
}

static qt_code check_options(const qt_rpc_channel_options *o, qt_err *err) {
    if (o->target == NULL || o->target[0] == '\0') {
        return qt_fail(err, SETTING_INVALID, "the RPC client has no target");
    }
    if (o->max_message_bytes < 0 || o->max_message_bytes > INT_MAX) {
        return qt_fail(err, SETTING_INVALID, "the message limit of the RPC client is out of range");
    }
    return QT_OK;
}

qt_code qt_rpc_channel_new(const qt_rpc_channel_options *options, qt_rpc_channel **ret_channel,
                           qt_err *err) {
    QT_TRY(check_options(options, err));
    const qt_core_tls_files files = {options->tls_cert_file, options->tls_key_file,
                                     options->tls_ca_file};
    QT_CLEANUP(qt_rpc_channel_free_p) qt_rpc_channel *channel = qt_xcalloc(1, sizeof *channel);
    qt_core_ref();
    channel->max_message_bytes =
        options->max_message_bytes > 0 ? options->max_message_bytes : DEFAULT_MESSAGE_BYTES;
    grpc_channel_credentials *creds = NULL;
    QT_TRY(qt_core_channel_creds(&files, &creds, err));
    channel->channel = create_core_channel(options, channel->max_message_bytes, creds);
    grpc_channel_credentials_release(creds);
    QT_TRY(qt_rpc_async_new(channel, &channel->async, err));
    *ret_channel = QT_TAKE(channel);
    return QT_OK;
}

void qt_rpc_channel_free(qt_rpc_channel *channel) {
    if (channel == NULL) {
        return;
    }
    qt_rpc_async_free(channel->async);
    if (channel->channel != NULL) {
        grpc_channel_destroy(channel->channel);
    }
    free(channel);
    qt_core_unref();
}

void qt_rpc_channel_free_p(qt_rpc_channel **channel) {
    qt_rpc_channel_free(*channel);
}

/* ---- unary ---- */

static bool is_cancelled(const qt_rpc_call *call) {
    return call->cancelled != NULL && call->cancelled(call->self);
}

/* Waits for the only tag; true when the caller's cancelled() ended the call. */
static bool pluck(grpc_completion_queue *cq, qt_rpc_attempt *attempt, const qt_rpc_call *call) {
    bool cancelled = false;
    for (;;) {
        bool polls = call->cancelled != NULL && !cancelled;
        gpr_timespec until =
            polls ? qt_core_deadline_in_us(QT_CLIENT_CANCEL_POLL_MS * 1000) : qt_core_no_deadline();
        grpc_event event = grpc_completion_queue_pluck(cq, attempt, until, NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            return cancelled;
        }
        if (is_cancelled(call)) {
            cancelled = true;
            grpc_call_cancel(attempt->call, NULL);
        }
    }
}

static void drain(grpc_completion_queue *cq) {
    grpc_completion_queue_shutdown(cq);
    while (grpc_completion_queue_pluck(cq, NULL, qt_core_no_deadline(), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(cq);
}

static qt_code read_response(qt_rpc_attempt *attempt, const ProtobufCMessageDescriptor *type,
                             qt_arena *arena, ProtobufCMessage **ret_resp, qt_err *err) {
    if (attempt->status != GRPC_STATUS_OK || attempt->response == NULL) {
        return qt_rpc_attempt_error(attempt, err);
    }
    grpc_slice bytes = qt_core_read_buffer(attempt->response);
    qt_code code = qt_rpc_unpack(type, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes), arena,
                                 ret_resp, err);
    grpc_slice_unref(bytes);
    return code;
}

/* What a unary call needs for each of its tries. */
typedef struct unary_job {
    qt_rpc_channel *channel;
    const char *path;
    const qt_rpc_call *call;
    grpc_slice body;
    const ProtobufCMessageDescriptor *type;
    qt_arena *arena;
    int64_t deadline_us; /* monotonic */
} unary_job;

/* *ret_final is true when no other try makes sense. */
static qt_code try_once(const unary_job *job, bool *ret_final, ProtobufCMessage **ret_resp,
                        qt_err *err) {
    grpc_completion_queue *cq = grpc_completion_queue_create_for_pluck(NULL);
    qt_rpc_attempt attempt;
    qt_rpc_attempt_init(&attempt, job->channel, job->path, job->call, job->body,
                        qt_core_deadline_in_us(qt_rpc_call_left_us(job->deadline_us)), cq);
    grpc_op ops[QT_CLIENT_OPS];
    qt_rpc_attempt_unary_ops(&attempt, job->call, ops);
    qt_rpc_attempt_start(&attempt, ops, QT_ARRAY_LEN(ops), &attempt);
    bool cancelled = pluck(cq, &attempt, job->call);
    qt_code code = QT_OK;
    if (cancelled && attempt.status != GRPC_STATUS_OK) {
        code = qt_fail(err, CALL_CANCELLED, "the caller cancelled");
    } else {
        code = read_response(&attempt, job->type, job->arena, ret_resp, err);
    }
    *ret_final = cancelled || attempt.status == GRPC_STATUS_OK;
    qt_rpc_attempt_done(&attempt);
    drain(cq);
    return code;
}

/* False when the deadline comes first or the caller cancels. */
static bool wait_to_retry(const unary_job *job, int tries, const qt_err *err) {
    int64_t wait_us = qt_rpc_attempt_backoff_ms(tries, err->retry_after_ms) * 1000;
    if (wait_us >= qt_rpc_call_left_us(job->deadline_us)) {
        return false;
    }
    int64_t until_us = qt_clock_mono_us(qt_clock_system()) + wait_us;
    for (int64_t now; (now = qt_clock_mono_us(qt_clock_system())) < until_us;) {
        if (is_cancelled(job->call)) {
            return false;
        }
        int64_t step_us = until_us - now;
        step_us =
            step_us < QT_CLIENT_CANCEL_POLL_MS * 1000 ? step_us : QT_CLIENT_CANCEL_POLL_MS * 1000;
        struct timespec step = {.tv_nsec = (long)step_us * 1000};
        nanosleep(&step, NULL);
    }
    return true;
}

static qt_code run_job(const unary_job *job, int *ret_tries, ProtobufCMessage **ret_resp,
                       qt_err *err) {
    for (int tries = 1;; tries++) {
        bool final = false;
        qt_code code = try_once(job, &final, ret_resp, err);
        *ret_tries = tries;
        if (code == QT_OK || final || !qt_rpc_attempt_may_retry(job->call, code, tries) ||
            !wait_to_retry(job, tries, err)) {
            return code;
        }
    }
}

static qt_code pack_body(const ProtobufCMessage *req, grpc_slice *ret_body, qt_err *err) {
    if (!protobuf_c_message_check(req)) {
        return qt_fail(err, INTERNAL, "%s has a repeated field with a NULL element",
                       req->descriptor->short_name);
    }
    grpc_slice body = grpc_slice_malloc(protobuf_c_message_get_packed_size(req));
    protobuf_c_message_pack(req, GRPC_SLICE_START_PTR(body));
    *ret_body = body;
    return QT_OK;
}

qt_code qt_rpc_unary(qt_rpc_channel *channel, const char *path, const qt_rpc_call *call,
                     const ProtobufCMessage *req, const ProtobufCMessageDescriptor *resp_type,
                     qt_arena *arena, ProtobufCMessage **ret_resp, qt_err *err) {
    QT_TRY(qt_rpc_call_check(call, err));
    qt_rpc_call traced = *call;
    unary_job job = {.channel = channel,
                     .path = path,
                     .call = &traced,
                     .type = resp_type,
                     .arena = arena,
                     .deadline_us = qt_rpc_call_deadline_us(call)};
    int64_t start_us = qt_clock_mono_us(qt_clock_system());
    int tries = 0;
    QT_TRY(pack_body(req, &job.body, err));
    qt_trace_span *span = NULL;
    const qt_trace_ctx ctx = qt_rpc_call_begin_span(call, path, &span);
    traced.trace = &ctx;
    qt_code code = run_job(&job, &tries, ret_resp, err);
    qt_rpc_call_end_span(span, tries, code != QT_OK ? err : NULL);
    grpc_slice_unref(job.body);
    qt_rpc_metrics_client(path, code, start_us, tries);
    return code;
}

/* ---- probe ---- */

static qt_code check_health(qt_rpc_channel *channel, int64_t timeout_ms, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Grpc__Health__V1__HealthCheckRequest req = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    ProtobufCMessage *msg = NULL;
    const qt_rpc_call call = {.timeout_ms = timeout_ms, .wait_for_ready = true};
    QT_TRY(qt_rpc_unary(channel, "/grpc.health.v1.Health/Check", &call, &req.base,
                        &grpc__health__v1__health_check_response__descriptor, &arena, &msg, err));
    const Grpc__Health__V1__HealthCheckResponse *resp =
        (const Grpc__Health__V1__HealthCheckResponse *)msg;
    if (resp->status != GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING) {
        return qt_fail(err, SERVICE_UNAVAILABLE, "the service answers that it is not serving");
    }
    return QT_OK;
}

qt_code qt_rpc_probe_options(const qt_rpc_channel_options *options, int64_t timeout_ms,
                             qt_err *err) {
    QT_TRY(check_options(options, err));
    qt_rpc_channel_options o = *options;
    o.no_health_check = true; /* the answer is wanted, not a channel that hides the server */
    char target[256];
    if (strncmp(o.target, "0.0.0.0:", 8) == 0) {
        snprintf(target, sizeof target, "127.0.0.1:%s", o.target + 8);
        o.target = target;
    }
    bool has_name = o.tls_server_name != NULL && o.tls_server_name[0] != '\0';
    o.tls_server_name = has_name ? o.tls_server_name : "localhost";
    QT_CLEANUP(qt_rpc_channel_free_p) qt_rpc_channel *channel = NULL;
    QT_TRY(qt_rpc_channel_new(&o, &channel, err));
    return check_health(channel, timeout_ms, err);
}

qt_code qt_rpc_probe(const char *target, int64_t timeout_ms, qt_err *err) {
    const qt_rpc_channel_options options = {.target = target};
    return qt_rpc_probe_options(&options, timeout_ms, err);
}
