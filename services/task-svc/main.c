/* task-svc: stores tasks and decides what becomes of them. Wiring only.
 *
 *   task-svc            serves
 *   task-svc migrate    brings the database to this program's schema, and ends */
#include "services/task-svc/app.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/settings_table.inc"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks the signals that stop the service in all threads, so that sigwait() gets them. */
static sigset_t block_stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

static int serve(const qt_config *cfg) {
    sigset_t stop = block_stop_signals();
    qt_err err;
    QT_CLEANUP(qt_app_stop) qt_app app = {0};
    if (qt_app_start(&app, cfg, &err) != QT_OK) {
        qt_log_err(ERROR, "task-svc cannot start", &err);
        return EXIT_FAILURE;
    }
    qt_log(INFO, "task-svc serves", QT_KV_STR("listen_addr", cfg->listen_addr),
           QT_KV_INT("port", qt_rpc_server_port(app.server)));
    int signal_number = 0;
    sigwait(&stop, &signal_number);
    qt_log(INFO, "task-svc stops", QT_KV_INT("signal", signal_number));
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

static int run(const qt_config *cfg, int argc, char **argv) {
    if (argc == 1) {
        return serve(cfg);
    }
    if (argc == 2 && strcmp(argv[1], "migrate") == 0) {
        return migrate(cfg);
    }
    fprintf(stderr, "task-svc: unknown command '%s'; there is 'migrate'\n", argv[1]);
    return 2;
}

static int probe(const qt_config *cfg) {
    qt_err err;
    return qt_rpc_probe(cfg->listen_addr, 2000, &err) == QT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    qt_config cfg;
    qt_err err;
    qt_log_level level = QT_LOG_INFO;
    switch (qt_settings_load(qt_settings, qt_settings_count, "task-svc", &argc, argv, &cfg)) {
    case QT_SETTINGS_EXIT:
        return EXIT_SUCCESS;
    case QT_SETTINGS_BAD:
        return 2;
    case QT_SETTINGS_PROBE:
        return probe(&cfg);
    case QT_SETTINGS_RUN:
        break;
    }
    qt_code code = qt_log_level_parse(cfg.log_level, &level, &err);
    qt_log_init("task-svc", level);
    if (code != QT_OK) {
        qt_log_err(ERROR, "LOG_LEVEL", &err);
        return 2;
    }
    return run(&cfg, argc, argv);
}
