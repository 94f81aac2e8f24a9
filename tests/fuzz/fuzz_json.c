/* The JSON reader: no crash, and what is accepted is accepted again after it was written anew. */
#include "json/reader.h"
#include "json/writer.h"

#include "base/cleanup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void copy_token(qt_json_writer *w, const qt_json_token *t) {
    switch (t->type) {
    case QT_JSON_OBJECT:
        qt_json_open_object(w);
        break;
    case QT_JSON_OBJECT_END:
        qt_json_close_object(w);
        break;
    case QT_JSON_ARRAY:
        qt_json_open_array(w);
        break;
    case QT_JSON_ARRAY_END:
        qt_json_close_array(w);
        break;
    case QT_JSON_KEY:
        qt_json_key_n(w, t->text, t->len);
        break;
    case QT_JSON_STRING:
        qt_json_str_n(w, t->text, t->len);
        break;
    case QT_JSON_NUMBER:
        qt_json_raw(w, t->text, t->len);
        break;
    case QT_JSON_TRUE:
    case QT_JSON_FALSE:
        qt_json_bool(w, t->type == QT_JSON_TRUE);
        break;
    case QT_JSON_NULL:
        qt_json_null(w);
        break;
    case QT_JSON_END:
        break;
    }
}

static qt_code copy(const char *text, size_t len, qt_buf *out) {
    QT_CLEANUP(qt_json_reader_done) qt_json_reader r;
    qt_json_reader_init(&r, text, len, 64);
    qt_json_writer w = qt_json_writer_make(out);
    qt_json_token token;
    qt_err err;
    do {
        QT_TRY(qt_json_next(&r, &token, &err));
        copy_token(&w, &token);
    } while (token.type != QT_JSON_END);
    return QT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    QT_CLEANUP(qt_buf_done) qt_buf first = {0};
    QT_CLEANUP(qt_buf_done) qt_buf second = {0};
    if (copy((const char *)data, len, &first) != QT_OK) {
        return 0;
    }
    if (copy(qt_buf_str(&first), first.len, &second) != QT_OK || second.len != first.len) {
        abort();
    }
    return 0;
}
