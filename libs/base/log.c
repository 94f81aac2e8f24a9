#include "base/log.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 8192, TAIL_BYTES = 8 };

static const char *log_service = "qtaskdist";
static atomic_int log_min_level = QT_LOG_INFO;
static atomic_int log_fd = STDOUT_FILENO;
static _Thread_local qt_log_context log_context;
static atomic_uint_fast64_t log_lines[QT_LOG_ERROR + 1];

static const char *const level_names[] = {"debug", "info", "warn", "error"};

typedef struct line {
    size_t len;
    char text[LINE_BYTES];
} line;

void qt_log_init(const char *service, qt_log_level min_level) {
    log_service = service;
    atomic_store(&log_min_level, (int)min_level);
}

void qt_log_set_fd(int fd) {
    atomic_store(&log_fd, fd);
}

uint64_t qt_log_lines(qt_log_level level) {
    return atomic_load(&log_lines[level]);
}

void qt_log_set_context(const qt_log_context *context) {
    log_context = *context;
}

bool qt_log_enabled(qt_log_level level) {
    return (int)level >= atomic_load_explicit(&log_min_level, memory_order_relaxed);
}

qt_code qt_log_level_parse(const char *name, qt_log_level *ret_level, qt_err *err) {
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret_level = (qt_log_level)i;
            return QT_OK;
        }
    }
    return qt_fail(err, SETTING_INVALID, "'%s' is no log level: debug, info, warn or error", name);
}

static bool put(line *l, const char *s, size_t len) {
    if (len > LINE_BYTES - TAIL_BYTES - l->len) {
        return false;
    }
    memcpy(l->text + l->len, s, len);
    l->len += len;
    return true;
}

/* Bytes of the escaped form of the UTF-8 sequence or byte at s, written to out; *ret_used source
 * bytes are consumed. Bytes that are no UTF-8 become U+FFFD. */
static size_t escape_one(const char *s, size_t left, char out[8], size_t *ret_used) {
    unsigned char c = (unsigned char)s[0];
    *ret_used = 1;
    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    if (c < 0x20 || c == 0x7F) {
        return (size_t)snprintf(out, 8, "\\u%04x", c);
    }
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    for (size_t n = 2; n <= 4 && n <= left; n++) {
        if (qt_utf8_valid(s, n, NULL)) {
            memcpy(out, s, n);
            *ret_used = n;
            return n;
        }
    }
    memcpy(out, "\xEF\xBF\xBD", 3);
    return 3;
}

static bool put_quoted(line *l, const char *s) {
    bool ok = put(l, "\"", 1);
    size_t left = strlen(s);
    while (ok && left > 0) {
        char out[8];
        size_t used = 0;
        size_t n = escape_one(s, left, out, &used);
        /* Room stays for the quote, the brace and the newline, so a cut line is still JSON. */
        if (l->len + n > LINE_BYTES - 2 * TAIL_BYTES) {
            break;
        }
        ok = put(l, out, n);
        s += used;
        left -= used;
    }
    return ok && put(l, "\"", 1);
}

static bool put_key(line *l, const char *key) {
    return put(l, l->len > 1 ? "," : "", l->len > 1 ? 1 : 0) && put_quoted(l, key) &&
           put(l, ":", 1);
}

static bool put_pair(line *l, const qt_kv *kv) {
    char number[40];
    int n = 0;
    switch (kv->type) {
    case QT_KV_TYPE_STR:
        return kv->s == NULL || (put_key(l, kv->key) && put_quoted(l, kv->s));
    case QT_KV_TYPE_INT:
        n = snprintf(number, sizeof number, "%lld", (long long)kv->i);
        break;
    case QT_KV_TYPE_NUM:
        n = isfinite(kv->d) ? snprintf(number, sizeof number, "%.9g", kv->d)
                            : snprintf(number, sizeof number, "null");
        break;
    }
    return put_key(l, kv->key) && put(l, number, (size_t)n);
}

static void write_all(const char *text, size_t len) {
    int fd = atomic_load(&log_fd);
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno != EINTR) {
            return; /* nowhere to say so */
        }
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

void qt_log_write(qt_log_level level, const char *msg, const qt_kv *kvs, size_t count) {
    char ts[QT_RFC3339_BYTES];
    qt_format_rfc3339(qt_clock_wall_us(qt_clock_system()), ts);
    const qt_kv head[] = {QT_KV_STR("ts", ts),
                          QT_KV_STR("level", level_names[level]),
                          QT_KV_STR("service", log_service),
                          QT_KV_STR("msg", msg),
                          QT_KV_STR("trace_id", log_context.trace_id),
                          QT_KV_STR("span_id", log_context.span_id),
                          QT_KV_STR("request_id", log_context.request_id)};
    line l = {0};
    put(&l, "{", 1);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        put_pair(&l, &head[i]);
    }
    for (size_t i = 0; i < count; i++) {
        size_t before = l.len;
        if (!put_pair(&l, &kvs[i])) {
            l.len = before;
            break;
        }
    }
    memcpy(l.text + l.len, "}\n", 2);
    atomic_fetch_add_explicit(&log_lines[level], 1, memory_order_relaxed);
    write_all(l.text, l.len + 2);
}
