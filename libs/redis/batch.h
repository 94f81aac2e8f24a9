/* Commands for Redis, encoded as they are written to the socket, to be sent in one pipeline.
 *
 *   qt_redis_batch_command(&b, 3);
 *   qt_redis_batch_str(&b, "SET");
 *   qt_redis_batch_str(&b, "key");
 *   qt_redis_batch_arg(&b, data, len);
 *
 * A zeroed batch is an empty one. Memory that runs out is reported when the batch is sent. One
 * thread. */
#ifndef QT_REDIS_BATCH_H
#define QT_REDIS_BATCH_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

typedef struct qt_redis_batch {
    qt_buf buf;
    size_t count; /* commands, and so replies */
} qt_redis_batch;

/* Releases; safe on zeroed memory and twice. */
void qt_redis_batch_done(qt_redis_batch *batch);
/* Empties, keeps the memory. */
void qt_redis_batch_clear(qt_redis_batch *batch);

/* Starts a command; exactly arg_count arguments follow, its name included. */
void qt_redis_batch_command(qt_redis_batch *batch, size_t arg_count);
void qt_redis_batch_arg(qt_redis_batch *batch, const void *data, size_t len);
void qt_redis_batch_str(qt_redis_batch *batch, const char *s);
void qt_redis_batch_i64(qt_redis_batch *batch, int64_t value);
/* An argument of len bytes that the caller writes at the returned place; NULL when memory ran
 * out. */
void *qt_redis_batch_reserve(qt_redis_batch *batch, size_t len);
/* A whole command of strings; the list ends with NULL. */
void qt_redis_batch_words(qt_redis_batch *batch, const char *const *words);

/* qt_redis_batch_add(&b, "XACK", stream, group, id); */
#define qt_redis_batch_add(batch, ...)                                                             \
    qt_redis_batch_words((batch), (const char *const[]){__VA_ARGS__, NULL})

#endif
