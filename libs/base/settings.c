#include "base/settings.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Values live as long as the process; settings are loaded once, before threads start. */
static qt_arena values;

enum { FLAG_BYTES = 80, MAX_SECRET_BYTES = 64 * 1024 };

typedef struct loader {
    const qt_setting *table;
    size_t count;
    const char *program;
    void *config;
    qt_settings_outcome outcome;
} loader;

void qt_setting_flag(const qt_setting *setting, char *ret_flag, size_t cap) {
    size_t i = 0;
    for (; setting->name[i] != '\0' && i + 1 < cap; i++) {
        char c = setting->name[i];
        ret_flag[i] = c == '_' ? '-' : (char)tolower((unsigned char)c);
    }
    ret_flag[i] = '\0';
}

static qt_code parse_int(const qt_setting *s, const char *text, int64_t *ret_value, qt_err *err) {
    errno = 0;
    char *end = NULL;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) {
        return qt_fail_field(err, SETTING_INVALID, s->name, "'%s' is no whole number", text);
    }
    if (v < s->min || v > s->max) {
        return qt_fail_field(err, SETTING_INVALID, s->name, "%lld is not from %lld to %lld", v,
                             (long long)s->min, (long long)s->max);
    }
    *ret_value = v;
    return QT_OK;
}

static qt_code parse_bool(const qt_setting *s, const char *text, bool *ret_value, qt_err *err) {
    static const char *const words[2][4] = {{"false", "no", "off", "0"},
                                            {"true", "yes", "on", "1"}};
    for (int value = 0; value < 2; value++) {
        for (size_t i = 0; i < QT_ARRAY_LEN(words[value]); i++) {
            if (strcmp(text, words[value][i]) == 0) {
                *ret_value = value == 1;
                return QT_OK;
            }
        }
    }
    return qt_fail_field(err, SETTING_INVALID, s->name, "'%s' is neither true nor false", text);
}

static qt_code keep(const char *text, const char **ret_value, qt_err *err) {
    const char *copy = qt_arena_strdup(&values, text);
    if (copy == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for a setting");
    }
    *ret_value = copy;
    return QT_OK;
}

qt_code qt_setting_parse(const qt_setting *s, const char *text, void *ret_config, qt_err *err) {
    void *field = (char *)ret_config + s->offset;
    switch (s->type) {
    case QT_SETTING_TYPE_INT:
        return parse_int(s, text, field, err);
    case QT_SETTING_TYPE_BOOL:
        return parse_bool(s, text, field, err);
    case QT_SETTING_TYPE_STR:
    case QT_SETTING_TYPE_SECRET:
        return keep(text, field, err);
    }
    return qt_fail(err, INTERNAL, "setting %s has no type", s->name);
}

static void set_default(const qt_setting *s, void *config) {
    void *field = (char *)config + s->offset;
    switch (s->type) {
    case QT_SETTING_TYPE_INT:
        *(int64_t *)field = s->default_int;
        break;
    case QT_SETTING_TYPE_BOOL:
        *(bool *)field = s->default_int != 0;
        break;
    case QT_SETTING_TYPE_STR:
    case QT_SETTING_TYPE_SECRET:
        *(const char **)field = s->default_str;
        break;
    }
}

/* A secret from the file that NAME_FILE names, without its last newline. */
static qt_code read_secret_file(const qt_setting *s, const char *path, void *config, qt_err *err) {
    QT_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > MAX_SECRET_BYTES) {
        return qt_fail_field(err, SETTING_INVALID, s->name, "cannot read the file %s: %s", path,
                             fd < 0 ? strerror(errno) : "larger than 64 KiB");
    }
    QT_AUTO_FREE char *text = qt_xcalloc(1, (size_t)st.st_size + 1);
    ssize_t n = read(fd, text, (size_t)st.st_size);
    if (n < 0) {
        return qt_fail_field(err, SETTING_INVALID, s->name, "cannot read the file %s: %s", path,
                             strerror(errno));
    }
    text[n] = '\0';
    if (n > 0 && text[n - 1] == '\n') {
        text[n - 1] = '\0';
    }
    return qt_setting_parse(s, text, config, err);
}

static qt_code load_env(const loader *l, qt_err *err) {
    for (size_t i = 0; i < l->count; i++) {
        const qt_setting *s = &l->table[i];
        set_default(s, l->config);
        char file_name[FLAG_BYTES];
        snprintf(file_name, sizeof file_name, "%s_FILE", s->name);
        const char *path = s->type == QT_SETTING_TYPE_SECRET ? getenv(file_name) : NULL;
        const char *value = getenv(s->name);
        if (path != NULL && path[0] != '\0') {
            QT_TRY(read_secret_file(s, path, l->config, err));
        }
        if (value != NULL && value[0] != '\0') {
            QT_TRY(qt_setting_parse(s, value, l->config, err));
        }
    }
    return QT_OK;
}

static void print_value(const qt_setting *s, const void *config) {
    const void *field = (const char *)config + s->offset;
    switch (s->type) {
    case QT_SETTING_TYPE_INT:
        printf("%s=%lld\n", s->name, (long long)*(const int64_t *)field);
        break;
    case QT_SETTING_TYPE_BOOL:
        printf("%s=%s\n", s->name, *(const bool *)field ? "true" : "false");
        break;
    case QT_SETTING_TYPE_STR: {
        /* A URL may carry a password; what stands before its @ is not printed. */
        const char *text = *(const char *const *)field;
        const char *scheme = strstr(text, "://");
        const char *at = scheme != NULL ? strrchr(scheme, '@') : NULL;
        if (at != NULL) {
            printf("%s=%.*s***%s\n", s->name, (int)(scheme + 3 - text), text, at);
        } else {
            printf("%s=%s\n", s->name, text);
        }
        break;
    }
    case QT_SETTING_TYPE_SECRET: {
        const char *text = *(const char *const *)field;
        printf("%s=%s\n", s->name, text[0] != '\0' ? "***" : "");
        break;
    }
    }
}

static void print_help(const loader *l) {
    printf("Usage: %s [COMMAND] [--SETTING VALUE ...]\n\n"
           "  --help          print this text\n"
           "  --version       print the version\n"
           "  --print-config  print all settings as they are now, without secrets\n"
           "  --probe         ask the running service for its health; exit 0 when it serves\n\n"
           "Each setting is a flag or an environment variable; flags win.\n\n",
           l->program);
    for (size_t i = 0; i < l->count; i++) {
        const qt_setting *s = &l->table[i];
        char flag[FLAG_BYTES];
        qt_setting_flag(s, flag, sizeof flag);
        printf("  --%s, %s\n      %s", flag, s->name, s->help);
        switch (s->type) {
        case QT_SETTING_TYPE_INT:
            printf(" Default: %lld (%lld to %lld).\n", (long long)s->default_int, (long long)s->min,
                   (long long)s->max);
            break;
        case QT_SETTING_TYPE_BOOL:
            printf(" Default: %s.\n", s->default_int != 0 ? "true" : "false");
            break;
        case QT_SETTING_TYPE_STR:
            printf(" Default: \"%s\".\n", s->default_str);
            break;
        case QT_SETTING_TYPE_SECRET:
            printf(" Secret; %s_FILE may name a file that holds it.\n", s->name);
            break;
        }
    }
}

static const qt_setting *find_flag(const loader *l, const char *name, size_t len) {
    for (size_t i = 0; i < l->count; i++) {
        char flag[FLAG_BYTES];
        qt_setting_flag(&l->table[i], flag, sizeof flag);
        if (strlen(flag) == len && memcmp(flag, name, len) == 0) {
            return &l->table[i];
        }
    }
    return NULL;
}

/* Whether the word is one of the flags that every program has. */
static bool common_flag(loader *l, const char *word) {
    if (strcmp(word, "help") == 0) {
        print_help(l);
        l->outcome = QT_SETTINGS_EXIT;
    } else if (strcmp(word, "version") == 0) {
        printf("%s %s\n", l->program, QT_VERSION);
        l->outcome = QT_SETTINGS_EXIT;
    } else if (strcmp(word, "print-config") == 0) {
        l->outcome = QT_SETTINGS_EXIT;
    } else if (strcmp(word, "probe") == 0) {
        l->outcome = QT_SETTINGS_PROBE;
    } else {
        return false;
    }
    return true;
}

/* Reads the flag at argv[*at] and moves *at to its last word. */
static qt_code load_flag(loader *l, int argc, char **argv, int *at, bool *ret_print, qt_err *err) {
    const char *word = argv[*at] + 2;
    if (common_flag(l, word)) {
        *ret_print = *ret_print || strcmp(word, "print-config") == 0;
        return QT_OK;
    }
    size_t len = strcspn(word, "=");
    const qt_setting *s = find_flag(l, word, len);
    if (s == NULL) {
        return qt_fail(err, SETTING_INVALID, "unknown flag --%.*s; --help lists all", (int)len,
                       word);
    }
    if (word[len] == '=') {
        return qt_setting_parse(s, word + len + 1, l->config, err);
    }
    if (s->type == QT_SETTING_TYPE_BOOL) {
        return qt_setting_parse(s, "true", l->config, err);
    }
    if (*at + 1 >= argc) {
        return qt_fail(err, SETTING_INVALID, "flag --%s needs a value", word);
    }
    (*at)++;
    return qt_setting_parse(s, argv[*at], l->config, err);
}

static qt_code load_all(loader *l, int *argc, char **argv, qt_err *err) {
    QT_TRY(load_env(l, err));
    bool print = false;
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        QT_TRY(load_flag(l, *argc, argv, &i, &print, err));
    }
    *argc = kept;
    for (size_t i = 0; print && i < l->count; i++) {
        print_value(&l->table[i], l->config);
    }
    return QT_OK;
}

qt_settings_outcome qt_settings_load(const qt_setting *table, size_t count, const char *program,
                                     int *argc, char **argv, void *ret_config) {
    loader l = {.table = table,
                .count = count,
                .program = program,
                .config = ret_config,
                .outcome = QT_SETTINGS_RUN};
    qt_err err;
    if (load_all(&l, argc, argv, &err) != QT_OK) {
        fprintf(stderr, "%s: %s%s%s\n", program, err.field, err.field[0] != '\0' ? ": " : "",
                err.msg);
        return QT_SETTINGS_BAD;
    }
    return l.outcome;
}
