/* Writes JSON into a qt_buf, without spaces. Commas are put by the writer; that keys and values
 * alternate and levels are closed is the caller's business. An append that the buffer refuses
 * shows in qt_buf_check(). One thread at a time. */
#ifndef QT_JSON_WRITER_H
#define QT_JSON_WRITER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_json_writer {
    qt_buf *out;
    bool comma; /* the next key or value needs one in front */
} qt_json_writer;

static inline qt_json_writer qt_json_writer_make(qt_buf *out) {
    return (qt_json_writer){.out = out};
}

void qt_json_open_object(qt_json_writer *w);
void qt_json_close_object(qt_json_writer *w);
void qt_json_open_array(qt_json_writer *w);
void qt_json_close_array(qt_json_writer *w);

void qt_json_key(qt_json_writer *w, const char *key);
void qt_json_key_n(qt_json_writer *w, const char *key, size_t len);

/* Bytes must be UTF-8. Control characters, quotes and backslashes are escaped, and '<', '>' and
 * '&' are not: the result is no HTML. */
void qt_json_str(qt_json_writer *w, const char *s);
void qt_json_str_n(qt_json_writer *w, const char *s, size_t len);
void qt_json_i64(qt_json_writer *w, int64_t v);
void qt_json_u64(qt_json_writer *w, uint64_t v);
/* NaN and infinities become the strings "NaN", "Infinity" and "-Infinity", as in proto3 JSON. */
void qt_json_double(qt_json_writer *w, double v);
void qt_json_float(qt_json_writer *w, float v);
void qt_json_bool(qt_json_writer *w, bool v);
void qt_json_null(qt_json_writer *w);
/* A value that is JSON already. */
void qt_json_raw(qt_json_writer *w, const char *json, size_t len);

/* Key and string in one. A NULL value is left out. */
void qt_json_pair(qt_json_writer *w, const char *key, const char *value);

#endif
