#include "gateway/keys.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LOOK_EVERY_MS = 1000, LINE_BYTES = 512 };

typedef struct key_list {
    qt_key *keys; /* in the order of their hashes */
    size_t count;
} key_list;

struct qt_keys {
    char *path;
    pthread_mutex_t lock; /* what follows */
    key_list list;
    struct timespec changed; /* the file's time of change, */
    ino_t inode;             /* and which one it was */
    int64_t looked_ms;
};

const char *qt_scope_name(qt_scope scope) {
    static const char *const names[] = {"none", "read", "write", "admin"};
    return names[scope];
}

/* ---- the file ---- */

static bool parse_hash(const char *text, uint8_t *ret_hash) {
    if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64) {
        return false;
    }
    for (size_t i = 0; i < 32; i++) {
        const char pair[] = {text[2 * i], text[2 * i + 1], '\0'};
        ret_hash[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return true;
}

/* "read,write": the strongest of them. */
static bool parse_scopes(char *text, qt_scope *ret_scope) {
    char *rest = NULL;
    *ret_scope = QT_SCOPE_NONE;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        qt_scope scope = QT_SCOPE_READ;
        while (scope <= QT_SCOPE_ADMIN && strcmp(word, qt_scope_name(scope)) != 0) {
            scope++;
        }
        if (scope > QT_SCOPE_ADMIN) {
            return false;
        }
        *ret_scope = scope > *ret_scope ? scope : *ret_scope;
    }
    return *ret_scope != QT_SCOPE_NONE;
}

static bool parse_rate(const char *text, double *ret_rate) {
    char *end = NULL;
    *ret_rate = text != NULL ? strtod(text, &end) : 0;
    return text == NULL || (end != text && *end == '\0' && *ret_rate >= 0 && *ret_rate <= 1e6);
}

static qt_code parse_key(char *line, const char *path, int number, qt_key *ret_key, qt_err *err) {
    enum { WORDS = 4 };
    char *words[WORDS + 1] = {0};
    char *rest = NULL;
    size_t count = 0;
    for (char *w = strtok_r(line, " \t\r\n", &rest); w != NULL && count <= WORDS;
         w = strtok_r(NULL, " \t\r\n", &rest)) {
        words[count++] = w;
    }
    if (count < WORDS - 1 || count > WORDS) {
        return qt_fail(err, SETTING_INVALID, "%s:%d: a key has a name, a hash, scopes and a rate",
                       path, number);
    }
    if (strlen(words[0]) >= sizeof ret_key->name) {
        return qt_fail(err, SETTING_INVALID, "%s:%d: the name is too long", path, number);
    }
    snprintf(ret_key->name, sizeof ret_key->name, "%s", words[0]);
    if (!parse_hash(words[1], ret_key->hash)) {
        return qt_fail(err, SETTING_INVALID, "%s:%d: no SHA-256 in hexadecimal", path, number);
    }
    if (!parse_scopes(words[2], &ret_key->scope)) {
        return qt_fail(err, SETTING_INVALID, "%s:%d: scopes are read, write and admin", path,
                       number);
    }
    if (!parse_rate(words[3], &ret_key->rate)) {
        return qt_fail(err, SETTING_INVALID, "%s:%d: the rate is no number of requests per second",
                       path, number);
    }
    return QT_OK;
}

static bool is_blank(const char *line) {
    const char *p = line + strspn(line, " \t\r\n");
    return *p == '\0' || *p == '#';
}

static int compare_keys(const void *a, const void *b) {
    return memcmp(((const qt_key *)a)->hash, ((const qt_key *)b)->hash, sizeof(qt_key){0}.hash);
}

static void list_done(key_list *list) {
    free(list->keys);
    *list = (key_list){0};
}

static qt_code read_lines(FILE *file, const char *path, key_list *list, qt_err *err) {
    char line[LINE_BYTES];
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (strchr(line, '\n') == NULL && !feof(file)) {
            return qt_fail(err, SETTING_INVALID, "%s:%d: the line is too long", path, number);
        }
        if (is_blank(line)) {
            continue;
        }
        if (list->count == QT_KEYS_MAX) {
            return qt_fail(err, SETTING_INVALID, "%s:%d: more than %d keys", path, number,
                           (int)QT_KEYS_MAX);
        }
        qt_key *grown = realloc(list->keys, (list->count + 1) * sizeof *grown);
        if (grown == NULL) {
            return qt_fail(err, OUT_OF_MEMORY, "no memory for %zu API keys", list->count + 1);
        }
        list->keys = grown;
        QT_TRY(parse_key(line, path, number, &list->keys[list->count], err));
        list->count++;
    }
    return QT_OK;
}

static void close_file(FILE **file) {
    if (*file != NULL) {
        fclose(*file);
    }
}

static qt_code read_file(qt_keys *keys, qt_err *err) {
    QT_CLEANUP(close_file) FILE *file = fopen(keys->path, "re");
    QT_CLEANUP(list_done) key_list list = {0};
    struct stat st;
    if (file == NULL || fstat(fileno(file), &st) != 0) {
        return qt_fail(err, SETTING_INVALID, "API keys: %s: %s", keys->path, strerror(errno));
    }
    keys->changed = st.st_mtim;
    keys->inode = st.st_ino;
    QT_TRY(read_lines(file, keys->path, &list, err));
    if (list.count > 0) {
        qsort(list.keys, list.count, sizeof *list.keys, compare_keys);
    }
    list_done(&keys->list);
    keys->list = list;
    list = (key_list){0};
    return QT_OK;
}

/* A mounted secret is replaced by another file, so that the inode tells as well. */
static void look_again(qt_keys *keys) {
    int64_t now_ms = qt_clock_mono_us(qt_clock_system()) / 1000;
    struct stat st;
    if (now_ms - keys->looked_ms < LOOK_EVERY_MS) {
        return;
    }
    keys->looked_ms = now_ms;
    if (stat(keys->path, &st) != 0 ||
        (st.st_ino == keys->inode && st.st_mtim.tv_sec == keys->changed.tv_sec &&
         st.st_mtim.tv_nsec == keys->changed.tv_nsec)) {
        return;
    }
    qt_err err;
    if (read_file(keys, &err) != QT_OK) {
        qt_log_err(WARN, "the API keys stay as they were", &err);
    } else {
        qt_log(INFO, "API keys read again", QT_KV_INT("keys", keys->list.count));
    }
}

/* ---- use ---- */

qt_code qt_keys_open(const char *path, qt_keys **ret_keys, qt_err *err) {
    qt_keys *keys = qt_xcalloc(1, sizeof *keys);
    keys->path = qt_xstrdup(path);
    pthread_mutex_init(&keys->lock, NULL);
    keys->looked_ms = qt_clock_mono_us(qt_clock_system()) / 1000;
    qt_code code = read_file(keys, err);
    if (code != QT_OK) {
        qt_keys_close(keys);
        return code;
    }
    *ret_keys = keys;
    return QT_OK;
}

void qt_keys_close(qt_keys *keys) {
    if (keys == NULL) {
        return;
    }
    list_done(&keys->list);
    pthread_mutex_destroy(&keys->lock);
    free(keys->path);
    free(keys);
}

bool qt_keys_find(qt_keys *keys, const char *secret, qt_key *ret_key) {
    qt_key wanted = {0};
    SHA256((const unsigned char *)secret, strlen(secret), wanted.hash);
    pthread_mutex_lock(&keys->lock);
    look_again(keys);
    const qt_key *found = keys->list.count == 0
                              ? NULL
                              : bsearch(&wanted, keys->list.keys, keys->list.count,
                                        sizeof *keys->list.keys, compare_keys);
    if (found != NULL) {
        *ret_key = *found;
    }
    pthread_mutex_unlock(&keys->lock);
    return found != NULL;
}
