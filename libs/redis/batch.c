#include "redis/batch.h"

#include <stdio.h>
#include <string.h>

void qt_redis_batch_done(qt_redis_batch *batch) {
    qt_buf_done(&batch->buf);
    batch->count = 0;
}

void qt_redis_batch_clear(qt_redis_batch *batch) {
    qt_buf_clear(&batch->buf);
    batch->count = 0;
}

static void add_header(qt_buf *buf, char type, size_t n) {
    qt_buf_add_char(buf, type);
    qt_buf_add_u64(buf, n);
    qt_buf_add(buf, "\r\n", 2);
}

void qt_redis_batch_command(qt_redis_batch *batch, size_t arg_count) {
    add_header(&batch->buf, '*', arg_count);
    batch->count++;
}

void qt_redis_batch_arg(qt_redis_batch *batch, const void *data, size_t len) {
    add_header(&batch->buf, '$', len);
    qt_buf_add(&batch->buf, data, len);
    qt_buf_add(&batch->buf, "\r\n", 2);
}

void qt_redis_batch_str(qt_redis_batch *batch, const char *s) {
    qt_redis_batch_arg(batch, s, strlen(s));
}

void qt_redis_batch_i64(qt_redis_batch *batch, int64_t value) {
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    qt_redis_batch_arg(batch, text, (size_t)len);
}

void *qt_redis_batch_reserve(qt_redis_batch *batch, size_t len) {
    add_header(&batch->buf, '$', len);
    char *place = qt_buf_reserve(&batch->buf, len + 2);
    if (place != NULL) {
        memcpy(place + len, "\r\n", 2);
        batch->buf.len += len + 2;
    }
    return place;
}

void qt_redis_batch_words(qt_redis_batch *batch, const char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    qt_redis_batch_command(batch, count);
    for (size_t i = 0; i < count; i++) {
        qt_redis_batch_str(batch, words[i]);
    }
}
