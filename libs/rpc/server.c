/* Start and stop of the server. The order of stop is what keeps calls from failing and the process
 * from aborting; see qt_rpc_server_stop(). */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "rpc/server_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { ARMED_CALLS = 64 };

/* ---- new ---- */

static qt_code check_options(const qt_rpc_server_options *o, qt_err *err) {
    bool sane = o->worker_threads > 0 && o->queue_limit > 0 && o->max_concurrent > 0 &&
                o->max_message_bytes > 0 && o->max_message_bytes <= INT_MAX &&
                o->max_metadata_bytes > 0 && o->max_metadata_bytes <= INT_MAX &&
                o->default_deadline_ms > 0 && o->lame_duck_ms >= 0 && o->grace_ms >= 0 &&
                o->connection_age_ms >= 0 && o->connection_age_ms <= INT_MAX &&
                o->max_concurrent <= INT_MAX;
    if (!sane) {
        return qt_fail(err, SETTING_INVALID, "a limit of the RPC server is out of range");
    }
    if (o->listen_addr == NULL || o->listen_addr[0] == '\0') {
        return qt_fail(err, SETTING_INVALID, "the RPC server has no address");
    }
    return QT_OK;
}

static grpc_arg int_arg(const char *key, int64_t value) {
    grpc_arg arg;
    memset(&arg, 0, sizeof arg);
    arg.type = GRPC_ARG_INTEGER;
    union {
        const char *in;
        char *out;
    } name = {.in = key}; /* the core does not write to keys */
    arg.key = name.out;
    arg.value.integer = (int)value;
    return arg;
}

static grpc_server *create_core_server(const qt_rpc_server_options *o) {
    grpc_arg args[] = {
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, o->max_message_bytes),
        int_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, o->max_concurrent),
        int_arg(GRPC_ARG_MAX_METADATA_SIZE, o->max_metadata_bytes),
        /* With SO_REUSEPORT two servers would share a port in silence. */
        int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0),
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, QT_KEEPALIVE_TIME_MS),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, QT_KEEPALIVE_TIMEOUT_MS),
        int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, QT_KEEPALIVE_MIN_ALLOWED_MS),
        int_arg(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                o->connection_age_ms > 0 ? o->connection_age_ms : INT_MAX),
    };
    const grpc_channel_args list = {.num_args = QT_ARRAY_LEN(args), .args = args};
    return grpc_server_create(&list, NULL);
}

static grpc_completion_queue *create_shutdown_queue(void) {
    grpc_completion_queue_attributes attributes = {.version = GRPC_CQ_CURRENT_VERSION,
                                                   .cq_completion_type = GRPC_CQ_NEXT,
                                                   .cq_polling_type = GRPC_CQ_NON_POLLING};
    return grpc_completion_queue_create(grpc_completion_queue_factory_lookup(&attributes),
                                        &attributes, NULL);
}

static qt_code bind_address(qt_rpc_server *server, qt_err *err) {
    const qt_rpc_server_options *o = &server->options;
    const qt_core_tls_files files = {o->tls_cert_file, o->tls_key_file, o->tls_ca_file};
    grpc_server_credentials *creds = NULL;
    QT_TRY(qt_core_server_creds(&files, &creds, err));
    int port = grpc_server_add_http2_port(server->server, o->listen_addr, creds);
    grpc_server_credentials_release(creds);
    if (port <= 0) {
        return qt_fail(err, SETTING_INVALID, "cannot listen on %s", o->listen_addr);
    }
    bool is_unix = strncmp(o->listen_addr, "unix:", 5) == 0;
    server->port = is_unix ? 0 : port;
    return QT_OK;
}

static void make_id_prefix(qt_rpc_server *server) {
    uint64_t random = 0;
    ssize_t n = getrandom(&random, sizeof random, 0);
    assert(n == (ssize_t)sizeof random);
    snprintf(server->id_prefix, sizeof server->id_prefix, "%016" PRIx64, random);
}

static void set_up_metrics(qt_rpc_server *server) {
    server->unknown.in_flight = qt_rpc_series(QT_RPC_SERVER_IN_FLIGHT, "/unknown", NULL);
}

static qt_rpc_server *new_server(const qt_rpc_server_options *options) {
    qt_rpc_server *server = qt_xcalloc(1, sizeof *server);
    server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    qt_cond_init(&server->idle);
    make_id_prefix(server);
    set_up_metrics(server);
    qt_core_ref();
    server->server = create_core_server(options);
    server->cq = grpc_completion_queue_create_for_next(NULL);
    server->shutdown_cq = create_shutdown_queue();
    grpc_server_register_completion_queue(server->server, server->cq, NULL);
    grpc_server_register_completion_queue(server->server, server->shutdown_cq, NULL);
    server->health = qt_rpc_health_new();
    server->reflection = qt_rpc_reflection_new();
    qt_rpc_health_register(server);
    qt_rpc_reflection_register(server);
    return server;
}

QT_CLEANUP_PTR(server_free_p, qt_rpc_server, qt_rpc_server_free);

qt_code qt_rpc_server_new(const qt_rpc_server_options *options, qt_rpc_server **ret_server,
                          qt_err *err) {
    QT_TRY(check_options(options, err));
    QT_CLEANUP(server_free_p) qt_rpc_server *server = new_server(options);
    QT_TRY(bind_address(server, err));
    *ret_server = QT_TAKE(server);
    return QT_OK;
}

void qt_rpc_server_add_service(qt_rpc_server *server, const qt_rpc_service *service,
                               const void *ops, void *self) {
    qt_rpc_methods_add(server, service, ops, self, false);
}

void qt_rpc_server_set_flags(qt_rpc_server *server, const char *path, qt_rpc_flags flags) {
    qt_rpc_entry *entry = qt_rpc_methods_by_path(server, path);
    assert(entry != NULL && !server->started);
    entry->flags = flags;
}

void qt_rpc_server_set_descriptors(qt_rpc_server *server, const uint8_t *data, size_t len) {
    bool loaded = qt_rpc_reflection_load(server->reflection, data, len);
    assert(loaded);
}

int qt_rpc_server_port(const qt_rpc_server *server) {
    return server->port;
}

/* ---- the completion-queue thread ---- */

static gpr_timespec wake_up_time(qt_rpc_server *server) {
    int64_t when_us = qt_rpc_list_next_expiry_us(server);
    if (when_us == INT64_MAX) {
        return qt_core_no_deadline();
    }
    int64_t left_us = when_us - qt_clock_mono_us(qt_clock_system());
    return qt_core_deadline_in_us(left_us > 0 ? left_us : 0);
}

/* Never blocks elsewhere: this thread also answers the keepalive pings of all connections. */
static void *serve(void *arg) {
    qt_rpc_server *server = arg;
    pthread_setname_np(pthread_self(), "rpc-server");
    for (;;) {
        grpc_event event = grpc_completion_queue_next(server->cq, wake_up_time(server), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        if (event.type == GRPC_OP_COMPLETE) {
            const qt_rpc_tag *tag = event.tag;
            tag->fn(tag->ctx, event.success != 0);
        }
        qt_rpc_list_expire(server, qt_clock_mono_us(qt_clock_system()));
    }
}

/* A collector. */
static void show_pool(void *arg) {
    const qt_rpc_server *server = arg;
    qt_rpc_pool_load load = qt_rpc_pool_get_load(server->pool);
    qt_series_set(qt_rpc_series(QT_RPC_POOL_THREADS, NULL, NULL), (double)load.threads);
    qt_series_set(qt_rpc_series(QT_RPC_POOL_BUSY, NULL, NULL), (double)load.busy);
    qt_series_set(qt_rpc_series(QT_RPC_POOL_QUEUE, NULL, NULL), (double)load.queued);
}

qt_code qt_rpc_server_start(qt_rpc_server *server, qt_err *err) {
    assert(!server->started);
    QT_TRY(qt_rpc_pool_new((size_t)server->options.worker_threads,
                           (size_t)server->options.queue_limit, qt_rpc_call_run, &server->pool,
                           err));
    qt_rpc_methods_freeze(server);
    if (pthread_create(&server->thread, NULL, serve, server) != 0) {
        return qt_fail(err, IO_ERROR, "no thread for the RPC server");
    }
    server->started = true;
    qt_metrics_add_collector(show_pool, server);
    grpc_server_start(server->server);
    for (int i = 0; i < ARMED_CALLS; i++) {
        qt_rpc_call_arm(server);
    }
    qt_log(INFO, "listening", QT_KV_STR("addr", server->options.listen_addr),
           QT_KV_INT("port", server->port));
    return QT_OK;
}

void qt_rpc_server_set_serving(qt_rpc_server *server, const char *service, bool serving) {
    qt_rpc_health_set(server->health, service, serving);
}

/* ---- stop ---- */

static void sleep_ms(int64_t ms) {
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};
    while (nanosleep(&left, &left) != 0) {
    }
}

/* Waits for the end of grpc_server_shutdown_and_notify; false when the time was over first. */
static bool wait_shutdown(qt_rpc_server *server, gpr_timespec deadline) {
    grpc_event event = grpc_completion_queue_next(server->shutdown_cq, deadline, NULL);
    return event.type == GRPC_OP_COMPLETE;
}

static void shut_down_core(qt_rpc_server *server) {
    grpc_server_shutdown_and_notify(server->server, server->shutdown_cq, server);
    if (wait_shutdown(server, qt_core_deadline_in_us(server->options.grace_ms * 1000))) {
        return;
    }
    qt_log(WARN, "cancelling the calls that are left",
           QT_KV_INT("calls", atomic_load(&server->running)));
    grpc_server_cancel_all_calls(server->server);
    bool down = wait_shutdown(server, qt_core_no_deadline());
    assert(down);
}

/* 1. NOT_SERVING goes out to health watchers, so clients turn to other servers; calls still work.
 * 2. Lame duck: clients and load balancers notice. Without it, calls that race with the shutdown
 *    fail with CANCELLED, which clients do not try again.
 * 3. Deferred streams end with UNAVAILABLE: they would only use up the grace.
 * 4. The core takes no new calls; running ones have the grace, then they are cancelled.
 * 5. Handlers and deferred calls that are still there are waited for: a batch on a queue that was
 *    shut down would abort the process.
 * 6. Only then the threads end. */
void qt_rpc_server_stop(qt_rpc_server *server) {
    if (server->stopped || !server->started) {
        return;
    }
    qt_log(INFO, "stopping");
    qt_rpc_health_set(server->health, NULL, false);
    sleep_ms(server->options.lame_duck_ms);
    qt_rpc_health_settle(server->health);
    atomic_store(&server->stopping, true);
    qt_rpc_list_end_streams(server);
    shut_down_core(server);
    qt_rpc_list_wait_empty(server);
    qt_metrics_remove_collector(show_pool, server);
    qt_rpc_pool_free(QT_TAKE(server->pool));
    grpc_completion_queue_shutdown(server->cq);
    pthread_join(server->thread, NULL);
    server->stopped = true;
    qt_log(INFO, "stopped");
}

static void destroy_queue(grpc_completion_queue *cq) {
    grpc_completion_queue_shutdown(cq);
    while (grpc_completion_queue_next(cq, qt_core_no_deadline(), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(cq);
}

/* A server that was bound and never started must be shut down too. */
static void destroy_core_server(qt_rpc_server *server) {
    if (!server->stopped) {
        grpc_server_start(server->server);
        grpc_server_shutdown_and_notify(server->server, server->cq, server);
        grpc_event event = grpc_completion_queue_next(server->cq, qt_core_no_deadline(), NULL);
        assert(event.type == GRPC_OP_COMPLETE);
    }
    grpc_server_destroy(server->server);
    destroy_queue(server->cq);
    destroy_queue(server->shutdown_cq);
}

void qt_rpc_server_free(qt_rpc_server *server) {
    if (server == NULL) {
        return;
    }
    assert(server->stopped || !server->started);
    destroy_core_server(server);
    qt_rpc_pool_free(server->pool);
    qt_rpc_health_free(server->health);
    qt_rpc_reflection_free(server->reflection);
    qt_rpc_methods_free(server);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
    qt_core_unref();
}
