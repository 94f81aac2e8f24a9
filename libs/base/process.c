#include "base/process.h"

#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static sigset_t stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

void qt_process_block_signals(void) {
    sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void qt_process_wait_stop(void) {
    sigset_t set = stop_signals();
    int number = 0;
    sigwait(&set, &number);
    qt_log(INFO, "asked to stop", QT_KV_INT("signal", number));
}

static int run(const qt_process *process, const void *config, int argc, char **argv) {
    const char *level_name =
        *(const char *const *)((const char *)config + process->log_level_offset);
    qt_log_level level = QT_LOG_INFO;
    qt_err err;
    qt_code code = qt_log_level_parse(level_name, &level, &err);
    qt_log_init(process->name, level);
    if (code != QT_OK) {
        qt_log_err(ERROR, "LOG_LEVEL", &err);
        return 2;
    }
    return process->run(config, argc, argv);
}

int qt_process_main(const qt_process *process, void *config, int argc, char **argv) {
    qt_err err;
    switch (qt_settings_load(process->settings, process->setting_count, process->name, &argc, argv,
                             config)) {
    case QT_SETTINGS_EXIT:
        return EXIT_SUCCESS;
    case QT_SETTINGS_PROBE:
        return process->probe(config, &err) == QT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    case QT_SETTINGS_RUN:
        return run(process, config, argc, argv);
    case QT_SETTINGS_BAD:
        break;
    }
    return 2;
}
