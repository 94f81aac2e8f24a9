#include "services/backend-svc/app.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "qt_descriptors.h"
#include "rpc/config_macros.h"
#include "services/backend-svc/devices.h"
#include "services/backend-svc/handlers.h"
#include "services/backend-svc/ionq.h"
#include "services/backend-svc/metrics.h"
#include "services/backend-svc/qbraid.h"
#include "worker/config_macros.h"

#include <stdlib.h>

static const Qtaskdist__V1__TaskType task_types[] = {
    QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN,
};

/* ---- providers ---- */

static qt_code open_http(qt_backend_app *app, qt_err *err) {
    const qt_config *cfg = app->config;
    const qt_http_client_options options = {.ca_file = cfg->provider_ca_file,
                                            .user_agent = "qtaskdist/" QT_VERSION,
                                            .connect_timeout_ms = cfg->provider_connect_timeout_ms,
                                            .allow_plain_http = cfg->provider_allow_http,
                                            .breaker = {.failures = (unsigned)cfg->breaker_failures,
                                                        .base_ms = cfg->breaker_base_ms,
                                                        .cap_ms = cfg->breaker_cap_ms}};
    return qt_http_client_new(&options, &app->http, err);
}

/* What differs between the vendors' settings. */
typedef struct vendor_settings {
    const char *name;
    qt_provider (*provider)(qt_vendor *vendor, qt_device_cache *devices);
    const char *url;
    const char *header;
    const char *prefix;
    const char *key;
    int64_t quota_requests;
    int64_t quota_window_ms;
} vendor_settings;

/* Without a key it is off. */
static qt_code open_vendor(qt_backend_app *app, const vendor_settings *of, qt_err *err) {
    const qt_config *cfg = app->config;
    if (of->key[0] == '\0') {
        return QT_OK;
    }
    const qt_api_options options = {
        .provider = of->name,
        .base_url = of->url,
        .header = of->header,
        .prefix = of->prefix,
        .key = of->key,
        .allow_plain_http = cfg->provider_allow_http,
        .http = app->http,
        .quota = qt_quota_make(app->grpc.queue, of->name, of->quota_requests, of->quota_window_ms,
                               cfg->quota_burst_percent, cfg->quota_reserve_percent),
        .timeout_ms = cfg->provider_timeout_ms,
        .max_reply_bytes = (size_t)cfg->provider_max_reply_bytes,
        .tries = (unsigned)cfg->provider_tries};
    qt_vendor *vendor = &app->vendors[app->vendor_count++];
    QT_TRY(qt_api_init(&vendor->api, &options, err));
    vendor->page_size = (int)cfg->poll_page;
    app->providers[app->registry.count++] =
        of->provider(vendor, qt_device_cache_new(cfg->device_cache_ms, NULL));
    return QT_OK;
}

static qt_code open_vendors(qt_backend_app *app, qt_err *err) {
    const qt_config *cfg = app->config;
    const vendor_settings all[QT_MAX_VENDORS] = {
        {"qbraid", qt_qbraid_provider, cfg->qbraid_url, "X-API-KEY", "", cfg->qbraid_api_key,
         cfg->qbraid_quota_requests, cfg->qbraid_quota_window_ms},
        {"ionq", qt_ionq_provider, cfg->ionq_url, "Authorization", "apiKey ", cfg->ionq_api_key,
         cfg->ionq_quota_requests, cfg->ionq_quota_window_ms},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(all); i++) {
        QT_TRY(open_vendor(app, &all[i], err));
    }
    return QT_OK;
}

static qt_code open_providers(qt_backend_app *app, qt_err *err) {
    const qt_config *cfg = app->config;
    app->local = (qt_local){.sim = app->sim,
                            .run_timeout_ms = cfg->sim_timeout_ms,
                            .device_timeout_ms = cfg->device_timeout_ms};
    app->registry.providers = app->providers;
    app->providers[app->registry.count++] = qt_local_provider(&app->local);
    return open_vendors(app, err);
}

/* ---- the parts ---- */

static qt_code open_channels(qt_backend_app *app, qt_err *err) {
    const qt_config *cfg = app->config;
    qt_rpc_channel_options sim = QT_RPC_CHANNEL_OPTIONS(cfg->sim_addr, cfg);
    qt_rpc_channel_options queue = QT_RPC_CHANNEL_OPTIONS(cfg->queue_addr, cfg);
    qt_rpc_channel_options task = QT_RPC_CHANNEL_OPTIONS(cfg->task_addr, cfg);
    QT_TRY(qt_rpc_channel_new(&sim, &app->sim, err));
    return qt_worker_grpc_open(&queue, &task, &app->grpc, err);
}

static void fill_backend(qt_backend_app *app) {
    const qt_config *cfg = app->config;
    app->backend = (qt_backend){
        .registry = &app->registry,
        .sim = app->sim,
        .task = app->grpc.task,
        .limits = {.submit_ms = cfg->provider_timeout_ms,
                   .listing_delay_ms = cfg->listing_delay_ms,
                   .snooze_min_ms = cfg->snooze_min_ms,
                   .snooze_max_ms = cfg->snooze_max_ms,
                   .give_up_ms = cfg->give_up_s * 1000,
                   .result_wait_ms = cfg->watchdog_result_s * 1000,
                   .watchdog_ms = {[QT_PHASE_UNKNOWN] = cfg->watchdog_unknown_s * 1000,
                                   [QT_PHASE_QUEUED] = cfg->watchdog_queued_s * 1000,
                                   [QT_PHASE_RUNNING] = cfg->watchdog_running_s * 1000,
                                   [QT_PHASE_CANCELLING] = cfg->watchdog_cancelling_s * 1000,
                                   [QT_PHASE_HELD] = cfg->watchdog_held_s * 1000}}};
}

static qt_code start_worker(qt_backend_app *app, qt_err *err) {
    const qt_config *cfg = app->config;
    qt_worker_options options = QT_WORKER_OPTIONS(cfg);
    options.name = "backend-svc";
    options.types = task_types;
    options.type_count = QT_ARRAY_LEN(task_types);
    options.max_result_bytes = (size_t)cfg->rpc_max_message_bytes / 2;
    qt_worker_runner runner = qt_backend_task_runner(&app->backend);
    qt_worker_port port = qt_worker_grpc_port(&app->grpc);
    return qt_worker_new(&options, &runner, &port, &app->worker, err);
}

static qt_code start_pollers(qt_backend_app *app, qt_err *err) {
    const qt_config *cfg = app->config;
    for (size_t i = 0; i < app->registry.count; i++) {
        const qt_provider *p = &app->providers[i];
        if (p->ops->run != NULL) {
            continue;
        }
        const qt_vendor *vendor = p->self;
        const qt_poller_options options = {.backend = &app->backend,
                                           .provider = p,
                                           .holder = qt_worker_id(app->worker),
                                           .min_ms = cfg->poll_min_ms,
                                           .max_ms = cfg->poll_max_ms,
                                           .sweep_ms = cfg->sweep_ms,
                                           .flow_per_second = vendor->api.quota.refill_per_second *
                                                              (double)cfg->poll_share_percent /
                                                              100};
        QT_TRY(qt_poller_new(&options, &app->pollers[i], err));
    }
    return QT_OK;
}

static qt_code start_server(qt_backend_app *app, qt_err *err) {
    qt_rpc_server_options options = QT_RPC_SERVER_OPTIONS("backend-svc", app->config);
    QT_TRY(qt_rpc_server_new(&options, &app->server, err));
    qt_backend_handlers_register(app->server, &app->backend);
    qt_rpc_server_set_descriptors(app->server, qt_descriptor_set, qt_descriptor_set_len);
    QT_TRY(start_worker(app, err));
    QT_TRY(start_pollers(app, err));
    QT_TRY(qt_rpc_server_start(app->server, err));
    qt_rpc_server_set_serving(app->server, NULL, true);
    return QT_OK;
}

qt_code qt_backend_app_start(qt_backend_app *app, const qt_config *config, qt_err *err) {
    app->config = config;
    QT_TRY(open_channels(app, err));
    QT_TRY(open_http(app, err));
    QT_TRY(open_providers(app, err));
    fill_backend(app);
    return start_server(app, err);
}

void qt_backend_app_drain(qt_backend_app *app) {
    qt_rpc_server_set_serving(app->server, NULL, false);
    qt_worker_drain(app->worker, app->config->drain_ms);
    qt_rpc_server_stop(app->server);
}

void qt_backend_app_stop(qt_backend_app *app) {
    for (size_t i = 0; i < QT_MAX_PROVIDERS; i++) {
        qt_poller_free(app->pollers[i]);
    }
    qt_rpc_server_free(app->server);
    qt_worker_free(app->worker);
    for (size_t i = 0; i < app->registry.count; i++) {
        qt_device_cache_free(app->providers[i].devices);
    }
    for (size_t i = 0; i < app->vendor_count; i++) {
        qt_api_done(&app->vendors[i].api);
    }
    qt_http_client_free(app->http);
    qt_worker_grpc_close(&app->grpc);
    qt_rpc_channel_free(app->sim);
}
