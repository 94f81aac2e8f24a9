/* A growing byte buffer with an optional limit.
 *
 * Appending cannot fail half-way: when memory or the limit is exhausted the buffer turns `failed`,
 * ignores what comes after, and qt_buf_check() reports it once at the end. One thread at a time. */
#ifndef QT_BASE_BUF_H
#define QT_BASE_BUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_buf {
    char *data; /* len bytes and a NUL behind them; NULL while empty */
    size_t len;
    size_t cap;
    size_t limit_bytes; /* 0: none */
    bool failed;
} qt_buf;

/* A zeroed qt_buf is an empty one without limit. Releases; safe on zeroed memory and twice. */
void qt_buf_done(qt_buf *buf);
/* Empties, keeps the memory, clears `failed`. */
void qt_buf_clear(qt_buf *buf);
/* Makes room for len more bytes and returns where they go, or NULL when failed; the caller writes
 * them and adds what it wrote to buf->len. */
char *qt_buf_reserve(qt_buf *buf, size_t len);
void qt_buf_add(qt_buf *buf, const void *data, size_t len);
void qt_buf_add_str(qt_buf *buf, const char *s);
void qt_buf_add_char(qt_buf *buf, char c);
void qt_buf_add_u64(qt_buf *buf, uint64_t v);
void qt_buf_add_i64(qt_buf *buf, int64_t v);
void qt_buf_printf(qt_buf *buf, const char *fmt, ...) QT_PRINTF(2, 3);
/* "" while empty. Valid until the next append. */
const char *qt_buf_str(const qt_buf *buf);
/* MEMORY_LIMIT when an append was refused. */
qt_code qt_buf_check(const qt_buf *buf, qt_err *err);
/* Hands the bytes to the caller (free()), and empties the buffer; "" when it is empty. */
char *qt_buf_take(qt_buf *buf, size_t *ret_len);

#endif
