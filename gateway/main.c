/* The gateway: REST and JSON for the gRPC services. Wiring only. */
#include "gateway/config.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings_table.inc"
#include "gateway/gateway.h"
#include "gateway/probe.h"
#include "http/server.h"
#include "observe/observe.h"
#include "qt_descriptors.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const char *const task_services[] = {"qtaskdist.v1.TaskService", NULL};
static const char *const queue_services[] = {"qtaskdist.v1.QueueService", NULL};
static const char *const sim_services[] = {"qtaskdist.v1.SimService", NULL};
static const char *const backend_services[] = {"qtaskdist.v1.BackendService", NULL};

static qt_rpc_channel_options channel_options(const qt_config *cfg, const char *addr) {
    return (qt_rpc_channel_options){.target = addr,
                                    .max_message_bytes = cfg->rpc_max_message_bytes,
                                    .tls_ca_file = cfg->tls_ca_file,
                                    .tls_cert_file = cfg->tls_cert_file,
                                    .tls_key_file = cfg->tls_key_file};
}

static qt_code new_gateway(const qt_config *cfg, qt_gateway **ret_gateway, qt_err *err) {
    const qt_rpc_channel_options channels[] = {
        channel_options(cfg, cfg->task_addr), channel_options(cfg, cfg->queue_addr),
        channel_options(cfg, cfg->sim_addr), channel_options(cfg, cfg->backend_addr)};
    const qt_upstream_options upstreams[] = {
        {"task-svc", task_services, &channels[0]},
        {"queue-svc", queue_services, &channels[1]},
        {"sim-svc", sim_services, &channels[2]},
        {"backend-svc", backend_services, &channels[3]},
    };
    const qt_gateway_options options = {.descriptor_set = qt_descriptor_set,
                                        .descriptor_set_len = qt_descriptor_set_len,
                                        .upstreams = upstreams,
                                        .upstream_count = QT_ARRAY_LEN(upstreams),
                                        .call_timeout_ms = cfg->call_timeout_ms,
                                        .max_call_timeout_ms = cfg->max_call_timeout_ms,
                                        .max_body_bytes = cfg->max_body_bytes,
                                        .api_keys_file = cfg->api_keys_file,
                                        .cors_origins = cfg->cors_origins,
                                        .rate_limit = cfg->rate_limit,
                                        .rate_burst = cfg->rate_burst,
                                        .gzip_level = cfg->gzip_level,
                                        .ready_services = cfg->ready_services};
    return qt_gateway_new(&options, ret_gateway, err);
}

static qt_code start_http(const qt_config *cfg, qt_gateway *gateway, qt_http_server **ret_server,
                          qt_err *err) {
    qt_http_handler handler = qt_gateway_handler(gateway);
    qt_http_options options = {.listen_addr = cfg->listen_addr,
                               .threads = cfg->http_threads,
                               .max_body_bytes = cfg->max_body_bytes,
                               .max_header_bytes = cfg->max_header_bytes,
                               .max_uri_bytes = cfg->max_uri_bytes,
                               .max_connections = cfg->http_max_connections,
                               .idle_timeout_s = cfg->http_idle_timeout_s};
    return qt_http_server_new(&options, &handler, ret_server, err);
}

static void pause_ms(int64_t ms) {
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static int serve(const void *config, int argc, char **argv) {
    const qt_config *cfg = config;
    (void)argc;
    (void)argv;
    qt_process_block_signals();
    qt_err err;
    const qt_observe_options options = QT_OBSERVE_OPTIONS("gateway", cfg);
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = NULL;
    QT_CLEANUP(qt_gateway_free_p) qt_gateway *gateway = NULL;
    qt_http_server *http = NULL;
    if (qt_observe_start(&options, &observe, &err) != QT_OK ||
        new_gateway(cfg, &gateway, &err) != QT_OK ||
        start_http(cfg, gateway, &http, &err) != QT_OK) {
        qt_log_err(ERROR, "the gateway cannot start", &err);
        return EXIT_FAILURE;
    }
    qt_log(INFO, "gateway serves", QT_KV_STR("listen_addr", cfg->listen_addr),
           QT_KV_INT("port", qt_http_server_port(http)));
    qt_process_wait_stop();
    qt_gateway_drain(gateway);
    qt_http_server_drain(http);
    pause_ms(cfg->lame_duck_ms);
    qt_http_server_stop(http, cfg->grace_ms);
    qt_http_server_free(http);
    return EXIT_SUCCESS;
}

static qt_code probe(const void *config, qt_err *err) {
    enum { PROBE_MS = 2000 };
    return qt_gateway_probe(((const qt_config *)config)->listen_addr, PROBE_MS, err);
}

int main(int argc, char **argv) {
    qt_config cfg;
    const qt_process process = {.name = "gateway",
                                .settings = qt_settings,
                                .setting_count = qt_settings_count,
                                .log_level_offset = offsetof(qt_config, log_level),
                                .run = serve,
                                .probe = probe};
    return qt_process_main(&process, &cfg, argc, argv);
}
