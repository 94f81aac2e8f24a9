/* queue-svc: delivers tasks to workers over Redis Streams. Wiring only. */
#include "services/queue-svc/config.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings_table.inc"
#include "observe/observe.h"
#include "qt_descriptors.h"
#include "rpc/config_macros.h"
#include "services/queue-svc/handlers.h"
#include "services/queue-svc/metrics.h"
#include "services/queue-svc/redis_store.h"

#include <stdlib.h>

typedef struct app {
    qt_redis_store *store;
    qt_hub *hub;
    qt_scaler *scaler;
    qt_queue_handlers handlers;
    qt_rpc_server *server;
} app;

static void app_done(app *a) {
    qt_queue_metrics_hide_store(&a->handlers.store);
    qt_rpc_server_free(a->server);
    qt_scaler_free(a->scaler);
    qt_hub_free(a->hub);
    qt_redis_store_free(a->store);
}

static qt_code redis_address(const qt_config *cfg, qt_redis_address *ret_address, qt_err *err) {
    if (cfg->redis_url[0] != '\0') {
        return qt_redis_address_parse(cfg->redis_url, ret_address, err);
    }
    return qt_redis_address_make(cfg->redis_host, cfg->redis_port, cfg->redis_db, cfg->redis_user,
                                 cfg->redis_password, ret_address, err);
}

static qt_code open_store(const qt_config *cfg, qt_redis_store **ret_store, qt_err *err) {
    qt_redis_store_options options = {
        .redis = {.connect_timeout_ms = cfg->redis_connect_timeout_ms,
                  .command_timeout_ms = cfg->redis_command_timeout_ms,
                  .client_name = "queue-svc"},
        .connections = (size_t)cfg->redis_connections,
        .claim_idle_ms = cfg->claim_idle_ms,
        .consumer_idle_ms = cfg->consumer_idle_ms,
    };
    QT_TRY(redis_address(cfg, &options.redis.address, err));
    return qt_redis_store_new(&options, ret_store, err);
}

/* A Redis that does not answer yet is no reason not to start; one that loses tasks may be. */
static qt_code check_store(const qt_config *cfg, qt_redis_store *store, qt_err *err) {
    qt_err found;
    qt_code code = qt_redis_store_check(store, &found);
    if (code == QT_OK) {
        return QT_OK;
    }
    if (cfg->require_safe_redis && found.reason == QT_REASON_SETTING_INVALID) {
        *err = found;
        return code;
    }
    qt_log_err(WARN, "Redis is not as it should be", &found);
    return QT_OK;
}

static qt_code app_start(const qt_config *cfg, app *a, qt_err *err) {
    QT_TRY(open_store(cfg, &a->store, err));
    QT_TRY(check_store(cfg, a->store, err));
    qt_store store = qt_redis_store_port(a->store);
    qt_hub_options hub_options = {.maintenance_ms = cfg->maintenance_ms,
                                  .buffer_ms = cfg->claim_idle_ms / 2};
    QT_TRY(qt_hub_new(&store, &hub_options, &a->hub, err));
    QT_TRY(qt_scaler_new(&store, cfg->scaler_poll_ms, &a->scaler, err));
    a->handlers = (qt_queue_handlers){.store = store,
                                      .hub = a->hub,
                                      .scaler = a->scaler,
                                      .max_payload_bytes = (size_t)cfg->max_payload_bytes};
    qt_rpc_server_options server_options = QT_RPC_SERVER_OPTIONS("queue-svc", cfg);
    qt_queue_metrics_show_store(&a->handlers.store);
    QT_TRY(qt_rpc_server_new(&server_options, &a->server, err));
    qt_queue_handlers_register(a->server, &a->handlers);
    qt_scaler_register(a->server, a->scaler);
    qt_rpc_server_set_descriptors(a->server, qt_descriptor_set, qt_descriptor_set_len);
    QT_TRY(qt_rpc_server_start(a->server, err));
    qt_rpc_server_set_serving(a->server, NULL, true);
    qt_log(INFO, "queue-svc serves", QT_KV_STR("listen_addr", cfg->listen_addr),
           QT_KV_INT("port", qt_rpc_server_port(a->server)));
    return QT_OK;
}

static int serve(const void *config, int argc, char **argv) {
    const qt_config *cfg = config;
    (void)argc;
    (void)argv;
    qt_process_block_signals();
    qt_err err;
    const qt_observe_options options = QT_OBSERVE_OPTIONS("queue-svc", cfg);
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = NULL;
    QT_CLEANUP(app_done) app a = {0};
    if (qt_observe_start(&options, &observe, &err) != QT_OK || app_start(cfg, &a, &err) != QT_OK) {
        qt_log_err(ERROR, "queue-svc cannot start", &err);
        return EXIT_FAILURE;
    }
    qt_process_wait_stop();
    qt_hub_drain(a.hub);
    qt_rpc_server_stop(a.server);
    return EXIT_SUCCESS;
}

static qt_code probe(const void *config, qt_err *err) {
    enum { PROBE_MS = 2000 };
    const qt_config *cfg = config;
    const qt_rpc_channel_options options = QT_RPC_CHANNEL_OPTIONS(cfg->listen_addr, cfg);
    return qt_rpc_probe_options(&options, PROBE_MS, err);
}

int main(int argc, char **argv) {
    qt_config cfg;
    const qt_process process = {.name = "queue-svc",
                                .settings = qt_settings,
                                .setting_count = qt_settings_count,
                                .log_level_offset = offsetof(qt_config, log_level),
                                .run = serve,
                                .probe = probe};
    return qt_process_main(&process, &cfg, argc, argv);
}
