/* backend-svc: runs circuits on devices, as tasks from the queue. Wiring only. */
#include "services/backend-svc/app.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings_table.inc"
#include "observe/observe.h"
#include "rpc/config_macros.h"

#include <stdlib.h>

static int serve(const void *config, int argc, char **argv) {
    const qt_config *cfg = config;
    (void)argc;
    (void)argv;
    qt_process_block_signals();
    qt_err err;
    const qt_observe_options options = QT_OBSERVE_OPTIONS("backend-svc", cfg);
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = NULL;
    QT_CLEANUP(qt_backend_app_stop) qt_backend_app app = {0};
    if (qt_observe_start(&options, &observe, &err) != QT_OK ||
        qt_backend_app_start(&app, cfg, &err) != QT_OK) {
        qt_log_err(ERROR, "backend-svc cannot start", &err);
        return EXIT_FAILURE;
    }
    qt_log(INFO, "backend-svc serves", QT_KV_STR("listen_addr", cfg->listen_addr),
           QT_KV_INT("port", qt_rpc_server_port(app.server)),
           QT_KV_STR("worker_id", qt_worker_id(app.worker)));
    qt_process_wait_stop();
    qt_backend_app_drain(&app);
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
    const qt_process process = {.name = "backend-svc",
                                .settings = qt_settings,
                                .setting_count = qt_settings_count,
                                .log_level_offset = offsetof(qt_config, log_level),
                                .run = serve,
                                .probe = probe};
    return qt_process_main(&process, &cfg, argc, argv);
}
