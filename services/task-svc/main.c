/* task-svc: stores tasks and decides what becomes of them. Wiring only.
 *
 *   task-svc            serves
 *   task-svc migrate    brings the database to this program's schema, and ends */
#include "services/task-svc/app.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings_table.inc"
#include "observe/observe.h"
#include "rpc/config_macros.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int serve(const qt_config *cfg) {
    qt_process_block_signals();
    qt_err err;
    const qt_observe_options options = QT_OBSERVE_OPTIONS("task-svc", cfg);
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = NULL;
    QT_CLEANUP(qt_app_stop) qt_app app = {0};
    if (qt_observe_start(&options, &observe, &err) != QT_OK ||
        qt_app_start(&app, cfg, &err) != QT_OK) {
        qt_log_err(ERROR, "task-svc cannot start", &err);
        return EXIT_FAILURE;
    }
    qt_log(INFO, "task-svc serves", QT_KV_STR("listen_addr", cfg->listen_addr),
           QT_KV_INT("port", qt_rpc_server_port(app.server)));
    qt_process_wait_stop();
    return EXIT_SUCCESS;
}

static int migrate(const qt_config *cfg) {
    qt_err err;
    int applied = 0;
    if (qt_app_migrate(cfg, &applied, &err) != QT_OK) {
        qt_log_err(ERROR, "the database could not be migrated", &err);
        return EXIT_FAILURE;
    }
    qt_log(INFO, "the database is up to date", QT_KV_INT("applied", applied));
    return EXIT_SUCCESS;
}

static int run(const void *config, int argc, char **argv) {
    const qt_config *cfg = config;
    if (argc == 1) {
        return serve(cfg);
    }
    if (argc == 2 && strcmp(argv[1], "migrate") == 0) {
        return migrate(cfg);
    }
    fprintf(stderr, "task-svc: unknown command '%s'; there is 'migrate'\n", argv[1]);
    return 2;
}

static qt_code probe(const void *config, qt_err *err) {
    enum { PROBE_MS = 2000 };
    const qt_config *cfg = config;
    const qt_rpc_channel_options options = QT_RPC_CHANNEL_OPTIONS(cfg->listen_addr, cfg);
    return qt_rpc_probe_options(&options, PROBE_MS, err);
}

int main(int argc, char **argv) {
    qt_config cfg;
    const qt_process process = {.name = "task-svc",
                                .settings = qt_settings,
                                .setting_count = qt_settings_count,
                                .log_level_offset = offsetof(qt_config, log_level),
                                .run = run,
                                .probe = probe};
    return qt_process_main(&process, &cfg, argc, argv);
}
