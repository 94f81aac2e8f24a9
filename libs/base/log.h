/* Logs: one JSON object per line on standard output.
 *
 *   qt_log(INFO, "task completed", QT_KV_STR("task_id", id), QT_KV_INT("attempt", attempt));
 *   -> {"ts":"…Z","level":"info","service":"task-svc","msg":"task completed","task_id":"…",…}
 *
 * Any thread; a line is written in one write() and never mixes with another. Lines longer than
 * 8 KiB are cut. Secrets never go into a log: log the name of a setting, never its value. */
#ifndef QT_BASE_LOG_H
#define QT_BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum qt_log_level {
    QT_LOG_DEBUG,
    QT_LOG_INFO,
    QT_LOG_WARN,
    QT_LOG_ERROR,
} qt_log_level;

typedef enum qt_kv_type { QT_KV_TYPE_STR, QT_KV_TYPE_INT, QT_KV_TYPE_NUM } qt_kv_type;

typedef struct qt_kv {
    const char *key;
    qt_kv_type type;
    const char *s; /* NULL leaves the pair out */
    int64_t i;
    double d;
} qt_kv;

#define QT_KV_STR(k, v) ((qt_kv){.key = (k), .type = QT_KV_TYPE_STR, .s = (v)})
#define QT_KV_INT(k, v) ((qt_kv){.key = (k), .type = QT_KV_TYPE_INT, .i = (int64_t)(v)})
#define QT_KV_NUM(k, v) ((qt_kv){.key = (k), .type = QT_KV_TYPE_NUM, .d = (v)})

/* Once, at start. `service` is kept, not copied. */
void qt_log_init(const char *service, qt_log_level min_level);
/* Where lines go; 1 (standard output) unless set. For tests. */
void qt_log_set_fd(int fd);
bool qt_log_enabled(qt_log_level level);
/* "debug", "info", "warn", "error". */
qt_code qt_log_level_parse(const char *name, qt_log_level *ret_level, qt_err *err);

#define qt_log(level, msg, ...)                                                                    \
    do {                                                                                           \
        if (qt_log_enabled(QT_LOG_##level)) {                                                      \
            const qt_kv qt_kv_[] = {{0}, ##__VA_ARGS__};                                           \
            qt_log_write(QT_LOG_##level, (msg), qt_kv_ + 1, sizeof qt_kv_ / sizeof *qt_kv_ - 1);   \
        }                                                                                          \
    } while (0)

/* Pairs that all lines of this thread carry, until they are set anew; NULL leaves one out. The
 * texts are kept, not copied. libs/trace sets them. */
typedef struct qt_log_context {
    const char *trace_id;
    const char *span_id;
    const char *request_id;
} qt_log_context;
void qt_log_set_context(const qt_log_context *context);

/* The same with code, reason, message and place of an error in front of the pairs. */
#define qt_log_err(level, what, err, ...)                                                          \
    qt_log(level, what, QT_KV_STR("code", qt_code_name((err)->code)),                              \
           QT_KV_STR("reason", qt_reason_name((err)->reason)), QT_KV_STR("error", (err)->msg),     \
           QT_KV_STR("file", (err)->file), QT_KV_INT("line", (err)->line), ##__VA_ARGS__)

/* Lines of that level that were written. */
uint64_t qt_log_lines(qt_log_level level);

void qt_log_write(qt_log_level level, const char *msg, const qt_kv *kvs, size_t count);

#endif
