#include "gateway/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* windowBits of zlib that stand for gzip's header and trailer. */
enum { GZIP_WINDOW = 15 + 16, STEP_BYTES = 16384 };

/* ---- which encodings a client takes ---- */

/* The weight behind a coding: ";q=0.5"; 1 without one. */
static double weight_of(const char *parameters, size_t len) {
    for (size_t i = 0; i + 1 < len; i++) {
        if ((parameters[i] == 'q' || parameters[i] == 'Q') && parameters[i + 1] == '=') {
            return strtod(parameters + i + 2, NULL);
        }
    }
    return 1;
}

static bool is_coding(const char *text, size_t len, const char *name) {
    return strlen(name) == len && strncasecmp(text, name, len) == 0;
}

bool qt_gzip_accepted(const char *accept_encoding) {
    double any = 0;
    double gzip = -1;
    const char *p = accept_encoding != NULL ? accept_encoding : "";
    while (*p != '\0') {
        p += strspn(p, " \t,");
        size_t item = strcspn(p, ",");
        size_t name = strcspn(p, " \t;,");
        double weight = weight_of(p + name, item - name);
        if (is_coding(p, name, "gzip") || is_coding(p, name, "x-gzip")) {
            gzip = weight;
        } else if (is_coding(p, name, "*")) {
            any = weight;
        }
        p += item;
    }
    return gzip >= 0 ? gzip > 0 : any > 0;
}

/* ---- streams ---- */

/* zlib counts input in 32 bits; bodies are far below. */
static bool feed(z_stream *stream, const void *data, size_t len) {
    stream->next_in = (Bytef *)(uintptr_t)data; /* only read */
    stream->avail_in = (uInt)len;
    return len <= UINT32_MAX;
}

static qt_code no_memory(qt_err *err) {
    return qt_fail(err, OUT_OF_MEMORY, "no memory for gzip");
}

qt_code qt_gzip_deflate(const void *data, size_t len, int level, qt_buf *out, qt_err *err) {
    z_stream stream = {0};
    int memory_level = 8;
    if (!feed(&stream, data, len) || deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW,
                                                  memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
        return no_memory(err);
    }
    size_t room = deflateBound(&stream, (uLong)len);
    char *to = qt_buf_reserve(out, room);
    int result = Z_MEM_ERROR;
    if (to != NULL) {
        stream.next_out = (Bytef *)to;
        stream.avail_out = (uInt)room;
        result = deflate(&stream, Z_FINISH);
        out->len += stream.total_out;
        out->data[out->len] = '\0';
    }
    deflateEnd(&stream);
    return result == Z_STREAM_END ? QT_OK : no_memory(err);
}

static qt_code inflate_all(z_stream *stream, size_t limit, qt_buf *out, qt_err *err) {
    int result = Z_OK;
    while (result != Z_STREAM_END) {
        char *to = qt_buf_reserve(out, STEP_BYTES);
        if (to == NULL) {
            return qt_buf_check(out, err);
        }
        stream->next_out = (Bytef *)to;
        stream->avail_out = STEP_BYTES;
        result = inflate(stream, Z_NO_FLUSH);
        out->len += STEP_BYTES - stream->avail_out;
        out->data[out->len] = '\0';
        if (stream->total_out > limit) {
            return qt_fail(err, BODY_TOO_LARGE, "the body is larger than %zu bytes when unpacked",
                           limit);
        }
        if (result != Z_OK && result != Z_STREAM_END) {
            return qt_fail(err, MESSAGE_MALFORMED, "the body is not valid gzip");
        }
    }
    return QT_OK;
}

qt_code qt_gzip_inflate(const void *data, size_t len, size_t limit, qt_buf *out, qt_err *err) {
    z_stream stream = {0};
    if (!feed(&stream, data, len) || inflateInit2(&stream, GZIP_WINDOW) != Z_OK) {
        return no_memory(err);
    }
    qt_code code = inflate_all(&stream, limit, out, err);
    if (code == QT_OK && stream.avail_in > 0) {
        code = qt_fail(err, MESSAGE_MALFORMED, "there are bytes behind the gzip stream");
    }
    inflateEnd(&stream);
    return code;
}
