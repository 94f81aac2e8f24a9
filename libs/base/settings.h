/* Settings: declared once per program in its config.def, read from the environment and from flags.
 *
 * A config.def has one line per setting (FIELD is a C name, NAME the environment variable; the
 * flag is the name in lower case with dashes, so LISTEN_ADDR is also --listen-addr):
 *
 *   QT_SETTING_STR(listen_addr, LISTEN_ADDR, "0.0.0.0:9101", "Address that gRPC listens on.")
 *   QT_SETTING_INT(max_shots, MAX_SHOTS, 1000000, 1, 100000000, "Shots of one run.")
 *   QT_SETTING_BOOL(tls, TLS, false, "Whether gRPC uses TLS.")
 *   QT_SETTING_SECRET(qbraid_api_key, QBRAID_API_KEY, "", "Key of the qBraid API.")
 *
 * config.h of the program (struct qt_config with those fields):
 *   #define QT_CONFIG_DEF "services/task-svc/config.def"
 *   #include "base/settings_struct.inc"
 * one .c file of it (static table qt_settings of qt_settings_count rows):
 *   #include "base/settings_table.inc"
 * main():
 *   qt_config cfg;
 *   switch (qt_settings_load(qt_settings, qt_settings_count, "task-svc", argc, argv, &cfg)) ...
 *
 * Flags win over the environment, the environment over defaults; an empty variable counts as
 * unset. A secret may also come from the file that NAME_FILE names (without its last newline). */
#ifndef QT_BASE_SETTINGS_H
#define QT_BASE_SETTINGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum qt_setting_type {
    QT_SETTING_TYPE_STR,    /* const char * */
    QT_SETTING_TYPE_INT,    /* int64_t */
    QT_SETTING_TYPE_BOOL,   /* bool; true false yes no on off 1 0 */
    QT_SETTING_TYPE_SECRET, /* const char *; never printed */
} qt_setting_type;

typedef struct qt_setting {
    const char *name;
    qt_setting_type type;
    size_t offset; /* of the field in the program's struct */
    const char *default_str;
    int64_t default_int;
    int64_t min;
    int64_t max;
    const char *help;
} qt_setting;

typedef enum qt_settings_outcome {
    QT_SETTINGS_RUN,   /* *ret_config is filled */
    QT_SETTINGS_EXIT,  /* --help, --version or --print-config was answered: exit 0 */
    QT_SETTINGS_PROBE, /* --probe was given; *ret_config is filled */
    QT_SETTINGS_BAD,   /* the reason is on standard error: exit 2 */
} qt_settings_outcome;

/* Reads settings. Words that are no flags (e.g. "migrate") stay in argv[1..*argc-1]. Strings are
 * valid for the life of the process. Call once, before threads start. */
qt_settings_outcome qt_settings_load(const qt_setting *table, size_t count, const char *program,
                                     int *argc, char **argv, void *ret_config);

/* The pieces, for tests. */
qt_code qt_setting_parse(const qt_setting *setting, const char *text, void *ret_config,
                         qt_err *err);
/* "listen-addr" of LISTEN_ADDR. */
void qt_setting_flag(const qt_setting *setting, char *ret_flag, size_t cap);

#endif
