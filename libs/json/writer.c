#include "json/writer.h"

#include "json/number.h"
#include "json/scan.h"

#include <math.h>
#include <string.h>

static void before_value(qt_json_writer *w) {
    if (w->comma) {
        qt_buf_add_char(w->out, ',');
    }
    w->comma = true;
}

static void open_level(qt_json_writer *w, char c) {
    before_value(w);
    qt_buf_add_char(w->out, c);
    w->comma = false;
}

static void close_level(qt_json_writer *w, char c) {
    qt_buf_add_char(w->out, c);
    w->comma = true;
}

void qt_json_open_object(qt_json_writer *w) {
    open_level(w, '{');
}

void qt_json_close_object(qt_json_writer *w) {
    close_level(w, '}');
}

void qt_json_open_array(qt_json_writer *w) {
    open_level(w, '[');
}

void qt_json_close_array(qt_json_writer *w) {
    close_level(w, ']');
}

static void add_escape(qt_buf *out, char c) {
    static const char hex[] = "0123456789abcdef";
    static const char short_names[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
                                       ['\t'] = 't', ['"'] = '"',  ['\\'] = '\\'};
    unsigned char u = (unsigned char)c;
    if (short_names[u] != '\0') {
        qt_buf_add(out, (char[]){'\\', short_names[u]}, 2);
    } else {
        qt_buf_add(out, (char[]){'\\', 'u', '0', '0', hex[u >> 4], hex[u & 15U]}, 6);
    }
}

static void add_quoted(qt_buf *out, const char *s, size_t len) {
    s = s != NULL ? s : ""; /* no arithmetic on NULL */
    const char *end = s + len;
    bool high = false;
    qt_buf_add_char(out, '"');
    while (s < end) {
        const char *stop = qt_json_scan(s, end, &high);
        qt_buf_add(out, s, (size_t)(stop - s));
        s = stop;
        if (s < end) {
            add_escape(out, *s++);
        }
    }
    qt_buf_add_char(out, '"');
}

void qt_json_key_n(qt_json_writer *w, const char *key, size_t len) {
    before_value(w);
    add_quoted(w->out, key, len);
    qt_buf_add_char(w->out, ':');
    w->comma = false;
}

void qt_json_key(qt_json_writer *w, const char *key) {
    qt_json_key_n(w, key, strlen(key));
}

void qt_json_str_n(qt_json_writer *w, const char *s, size_t len) {
    before_value(w);
    add_quoted(w->out, s, len);
}

void qt_json_str(qt_json_writer *w, const char *s) {
    qt_json_str_n(w, s, strlen(s));
}

void qt_json_i64(qt_json_writer *w, int64_t v) {
    before_value(w);
    qt_buf_add_i64(w->out, v);
}

void qt_json_u64(qt_json_writer *w, uint64_t v) {
    before_value(w);
    qt_buf_add_u64(w->out, v);
}

static const char *non_finite(double v) {
    if (isnan(v)) {
        return "NaN";
    }
    return v > 0 ? "Infinity" : "-Infinity";
}

void qt_json_double(qt_json_writer *w, double v) {
    char text[QT_JSON_DOUBLE_BYTES];
    if (isfinite(v)) {
        qt_json_raw(w, text, qt_json_format_double(v, text));
    } else {
        qt_json_str(w, non_finite(v));
    }
}

void qt_json_float(qt_json_writer *w, float v) {
    char text[QT_JSON_DOUBLE_BYTES];
    if (isfinite(v)) {
        qt_json_raw(w, text, qt_json_format_float(v, text));
    } else {
        qt_json_str(w, non_finite((double)v));
    }
}

void qt_json_bool(qt_json_writer *w, bool v) {
    qt_json_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void qt_json_null(qt_json_writer *w) {
    qt_json_raw(w, "null", 4);
}

void qt_json_raw(qt_json_writer *w, const char *json, size_t len) {
    before_value(w);
    qt_buf_add(w->out, json, len);
}

void qt_json_pair(qt_json_writer *w, const char *key, const char *value) {
    if (value != NULL) {
        qt_json_key(w, key);
        qt_json_str(w, value);
    }
}
