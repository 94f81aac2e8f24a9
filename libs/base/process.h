/* What every program of ours does the same way: read settings, answer --help and --probe, set up
 * the log, run until a signal asks it to stop.
 *
 *   int main(int argc, char **argv) {
 *       qt_config cfg;
 *       const qt_process process = {"task-svc", qt_settings, qt_settings_count,
 *                                   offsetof(qt_config, log_level), run, probe};
 *       return qt_process_main(&process, &cfg, argc, argv);
 *   } */
#ifndef QT_BASE_PROCESS_H
#define QT_BASE_PROCESS_H

#include "base/settings.h"

typedef struct qt_process {
    const char *name; /* for messages and logs; kept */
    const qt_setting *settings;
    size_t setting_count;
    size_t log_level_offset; /* of the text in the configuration */
    /* Serves, or runs a command: argv has the words that are no flags. Its exit code. */
    int (*run)(const void *config, int argc, char **argv);
    /* Asks the running program for its health, within 2 seconds or so. */
    qt_code (*probe)(const void *config, qt_err *err);
} qt_process;

/* Fills *config (the program's struct) and runs. The exit code: 2 for wrong settings. Call it
 * before threads start. */
int qt_process_main(const qt_process *process, void *config, int argc, char **argv);

/* Blocks SIGTERM and SIGINT in this thread and those that it starts, and ignores SIGPIPE. */
void qt_process_block_signals(void);
/* Waits for SIGTERM or SIGINT, and logs which it was. */
void qt_process_wait_stop(void);

#endif
