/* meta_data is stored as JSONB, so that psql and label filters can look into it. */
#include "base/cleanup.h"
#include "services/task-svc/codec.h"
#include "json/reader.h"
#include "json/writer.h"

#include <stdlib.h>
#include <string.h>

static void write_scalar(qt_json_writer *w, const Qtaskdist__V1__Scalar *value) {
    switch (value != NULL ? (int)value->kind_case : QTASKDIST__V1__SCALAR__KIND__NOT_SET) {
    case QTASKDIST__V1__SCALAR__KIND_STRING_VALUE:
        qt_json_str(w, value->string_value);
        return;
    case QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE:
        qt_json_double(w, value->number_value);
        return;
    case QTASKDIST__V1__SCALAR__KIND_BOOL_VALUE:
        qt_json_bool(w, value->bool_value != 0);
        return;
    default:
        qt_json_null(w);
        return;
    }
}

qt_code qt_meta_to_json(qt_arena *arena, Qtaskdist__V1__Task__MetaDataEntry *const *entries,
                        size_t count, qt_span *ret_json, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_json_writer w = qt_json_writer_make(&text);
    qt_json_open_object(&w);
    for (size_t i = 0; i < count; i++) {
        qt_json_key(&w, entries[i]->key);
        write_scalar(&w, entries[i]->value);
    }
    qt_json_close_object(&w);
    QT_TRY(qt_buf_check(&text, err));
    char *copy = qt_arena_strndup(arena, text.data, text.len);
    if (copy == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no room for meta_data");
    }
    *ret_json = (qt_span){copy, text.len};
    return QT_OK;
}

static qt_code copy_token(qt_arena *arena, const qt_json_token *token, char **ret_text,
                          qt_err *err) {
    *ret_text = qt_arena_strndup(arena, token->text, token->len);
    return *ret_text != NULL ? QT_OK : qt_fail(err, MEMORY_LIMIT, "no room for meta_data");
}

static qt_code read_scalar(qt_arena *arena, const qt_json_token *token,
                           Qtaskdist__V1__Scalar *scalar, qt_err *err) {
    char *text = NULL;
    if (token->type == QT_JSON_STRING) {
        scalar->kind_case = QTASKDIST__V1__SCALAR__KIND_STRING_VALUE;
        return copy_token(arena, token, &scalar->string_value, err);
    }
    if (token->type == QT_JSON_NUMBER) {
        QT_TRY(copy_token(arena, token, &text, err));
        scalar->kind_case = QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE;
        scalar->number_value = strtod(text, NULL);
    } else if (token->type == QT_JSON_TRUE || token->type == QT_JSON_FALSE) {
        scalar->kind_case = QTASKDIST__V1__SCALAR__KIND_BOOL_VALUE;
        scalar->bool_value = token->type == QT_JSON_TRUE;
    }
    return QT_OK;
}

static qt_code read_entry(qt_arena *arena, qt_json_reader *reader, const qt_json_token *key,
                          Qtaskdist__V1__Task__MetaDataEntry **ret_entry, qt_err *err) {
    Qtaskdist__V1__Task__MetaDataEntry *entry = NULL;
    qt_json_token value;
    QT_TRY(
        qt_rpc_message_new(arena, &qtaskdist__v1__task__meta_data_entry__descriptor, &entry, err));
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__scalar__descriptor, &entry->value, err));
    QT_TRY(copy_token(arena, key, &entry->key, err));
    QT_TRY(qt_json_next(reader, &value, err));
    QT_TRY(read_scalar(arena, &value, entry->value, err));
    if (value.type == QT_JSON_OBJECT || value.type == QT_JSON_ARRAY) {
        QT_TRY(qt_json_skip(reader, &value, err));
    }
    *ret_entry = entry;
    return QT_OK;
}

static qt_code read_object(qt_arena *arena, qt_json_reader *reader,
                           Qtaskdist__V1__Task__MetaDataEntry **entries, size_t cap,
                           size_t *ret_count, qt_err *err) {
    qt_json_token token;
    size_t count = 0;
    QT_TRY(qt_json_next(reader, &token, err));
    for (;;) {
        QT_TRY(qt_json_next(reader, &token, err));
        if (token.type != QT_JSON_KEY || count == cap) {
            break;
        }
        Qtaskdist__V1__Task__MetaDataEntry *entry = NULL;
        QT_TRY(read_entry(arena, reader, &token, &entry, err));
        if (entry->value->kind_case != QTASKDIST__V1__SCALAR__KIND__NOT_SET) {
            entries[count++] = entry;
        }
    }
    *ret_count = count;
    return QT_OK;
}

qt_code qt_meta_from_json(qt_arena *arena, qt_span json,
                          Qtaskdist__V1__Task__MetaDataEntry ***ret_entries, size_t *ret_count,
                          qt_err *err) {
    size_t cap = 0; /* no more entries than colons */
    for (size_t i = 0; i < json.len; i++) {
        cap += json.p[i] == ':';
    }
    void *entries = NULL;
    size_t count = 0;
    QT_CLEANUP(qt_json_reader_done) qt_json_reader reader = {0};
    if (cap == 0) {
        return QT_OK;
    }
    QT_TRY(qt_arena_try_calloc(arena, cap, sizeof(void *), &entries, err));
    qt_json_reader_init(&reader, json.p, json.len, 16);
    QT_TRY(read_object(arena, &reader, entries, cap, &count, err));
    *ret_entries = entries;
    *ret_count = count;
    return QT_OK;
}
