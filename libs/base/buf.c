#include "base/buf.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void qt_buf_done(qt_buf *buf) {
    free(buf->data);
    *buf = (qt_buf){.limit_bytes = buf->limit_bytes};
}

void qt_buf_clear(qt_buf *buf) {
    buf->len = 0;
    buf->failed = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

static bool grow(qt_buf *buf, size_t need) {
    size_t cap = buf->cap > 0 ? buf->cap : 64;
    while (cap < need) {
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    }
    void *data = buf->data;
    qt_err err;
    if (qt_try_realloc(&data, cap, &err) != QT_OK) {
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

char *qt_buf_reserve(qt_buf *buf, size_t len) {
    if (buf->failed) {
        return NULL;
    }
    size_t need = 0;
    bool over = __builtin_add_overflow(buf->len, len, &need) ||
                (buf->limit_bytes > 0 && need > buf->limit_bytes) || need == SIZE_MAX;
    if (over || (need + 1 > buf->cap && !grow(buf, need + 1))) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->len;
}

void qt_buf_add(qt_buf *buf, const void *data, size_t len) {
    char *to = qt_buf_reserve(buf, len);
    if (to == NULL) {
        return;
    }
    if (len > 0) {
        memcpy(to, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void qt_buf_add_str(qt_buf *buf, const char *s) {
    qt_buf_add(buf, s, strlen(s));
}

void qt_buf_add_char(qt_buf *buf, char c) {
    qt_buf_add(buf, &c, 1);
}

void qt_buf_add_u64(qt_buf *buf, uint64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    qt_buf_add(buf, digits + at, sizeof digits - at);
}

void qt_buf_add_i64(qt_buf *buf, int64_t v) {
    if (v < 0) {
        qt_buf_add_char(buf, '-');
    }
    qt_buf_add_u64(buf, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void qt_buf_printf(qt_buf *buf, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *to = len >= 0 ? qt_buf_reserve(buf, (size_t)len) : NULL;
    if (to != NULL) {
        vsnprintf(to, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

const char *qt_buf_str(const qt_buf *buf) {
    return buf->data != NULL ? buf->data : "";
}

qt_code qt_buf_check(const qt_buf *buf, qt_err *err) {
    if (buf->failed) {
        return qt_fail(err, MEMORY_LIMIT, "a text grew over its limit of %zu bytes",
                       buf->limit_bytes);
    }
    return QT_OK;
}

char *qt_buf_take(qt_buf *buf, size_t *ret_len) {
    if (buf->data == NULL) {
        buf->data = qt_xstrdup("");
    }
    char *data = buf->data;
    if (ret_len != NULL) {
        *ret_len = buf->len;
    }
    *buf = (qt_buf){.limit_bytes = buf->limit_bytes};
    return data;
}
