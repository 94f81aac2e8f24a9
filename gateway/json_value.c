#include "gateway/json_value.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "gateway/wellknown.h"
#include "json/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void qt_encoder_done(qt_encoder *e) {
    qt_json_reader_done(&e->reader);
}

/* ---- places ---- */

static bool plain_key(const qt_place *at) {
    for (size_t i = 0; i < at->key_len; i++) {
        char c = at->key[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '@' || c == '-';
        if (!plain) {
            return false;
        }
    }
    return at->key_len > 0;
}

static void add_place(const qt_place *at, qt_buf *out) {
    if (at->up != NULL) {
        add_place(at->up, out);
    }
    if (at->in_list) {
        qt_buf_printf(out, "[%zu]", at->index);
    } else if (plain_key(at)) {
        qt_buf_printf(out, "%s%.*s", out->len > 0 ? "." : "", (int)at->key_len, at->key);
    } else {
        qt_buf_printf(out, "[\"%.*s\"]", (int)at->key_len, at->key);
    }
}

qt_code qt_place_fail(const qt_place *at, qt_reason reason, const char *what, const char *name,
                      qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf path = {0};
    if (at == NULL) {
        return qt_err_raise(err, reason, NULL, __FILE__, __LINE__, "the body: %s%s", what, name);
    }
    add_place(at, &path);
    return qt_err_raise(err, reason, qt_buf_str(&path), __FILE__, __LINE__, "%s: %s%s",
                        qt_buf_str(&path), what, name);
}

qt_code qt_place_fail_type(qt_encoder *e, const qt_place *at, const char *expected,
                           const qt_json_token *token, qt_err *err) {
    char text[96];
    snprintf(text, sizeof text, "expected %s, got ", expected);
    if (!e->from_text) {
        QT_TRY(qt_json_skip(&e->reader, token, err));
    }
    return qt_place_fail(at, QT_REASON_FIELD_INVALID, text, qt_json_type_name(token->type), err);
}

static qt_code bad_value(const qt_place *at, const char *expected, qt_err *err) {
    return qt_place_fail(at, QT_REASON_FIELD_INVALID, "the value is not ", expected, err);
}

/* ---- numbers ---- */

/* Whether the token can hold a number: a number, or its text in a string. */
static bool is_number_token(const qt_json_token *token) {
    return token->type == QT_JSON_NUMBER || token->type == QT_JSON_STRING;
}

static qt_code get_i64(qt_encoder *e, const qt_json_token *token, int64_t min, int64_t max,
                       const char *expected, int64_t *ret_value, const qt_place *at, qt_err *err) {
    int64_t v = 0;
    if (!is_number_token(token)) {
        return qt_place_fail_type(e, at, expected, token, err);
    }
    if (!qt_json_parse_i64(token->text, token->len, &v) || v < min || v > max) {
        return bad_value(at, expected, err);
    }
    *ret_value = v;
    return QT_OK;
}

static qt_code get_u64(qt_encoder *e, const qt_json_token *token, uint64_t max,
                       const char *expected, uint64_t *ret_value, const qt_place *at, qt_err *err) {
    uint64_t v = 0;
    if (!is_number_token(token)) {
        return qt_place_fail_type(e, at, expected, token, err);
    }
    if (!qt_json_parse_u64(token->text, token->len, &v) || v > max) {
        return bad_value(at, expected, err);
    }
    *ret_value = v;
    return QT_OK;
}

static bool token_is(const qt_json_token *token, const char *text) {
    return token->len == strlen(text) && memcmp(token->text, text, token->len) == 0;
}

static bool named_double(const qt_json_token *token, double *ret_value) {
    if (token->type != QT_JSON_STRING) {
        return false;
    }
    if (token_is(token, "NaN")) {
        *ret_value = (double)NAN;
    } else if (token_is(token, "Infinity")) {
        *ret_value = (double)INFINITY;
    } else if (token_is(token, "-Infinity")) {
        *ret_value = -(double)INFINITY;
    } else {
        return false;
    }
    return true;
}

static qt_code get_double(qt_encoder *e, const qt_json_token *token, double *ret_value,
                          const qt_place *at, qt_err *err) {
    if (!is_number_token(token)) {
        return qt_place_fail_type(e, at, "a number", token, err);
    }
    if (named_double(token, ret_value) ||
        qt_json_parse_double(token->text, token->len, ret_value)) {
        return QT_OK;
    }
    return bad_value(at, "a number that fits", err);
}

static qt_code put_double(qt_encoder *e, const qt_json_token *token, const qt_place *at,
                          qt_err *err) {
    double v = 0;
    uint64_t raw;
    QT_TRY(get_double(e, token, &v, at, err));
    memcpy(&raw, &v, sizeof raw);
    qt_wire_add_fixed64(e->out, raw);
    return QT_OK;
}

static qt_code put_float(qt_encoder *e, const qt_json_token *token, const qt_place *at,
                         qt_err *err) {
    double v = 0;
    QT_TRY(get_double(e, token, &v, at, err));
    if (isfinite(v) && fabs(v) > (double)FLT_MAX) {
        return bad_value(at, "a number that fits", err);
    }
    float narrow = (float)v;
    uint32_t raw;
    memcpy(&raw, &narrow, sizeof raw);
    qt_wire_add_fixed32(e->out, raw);
    return QT_OK;
}

static qt_code put_int32(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                         const qt_place *at, qt_err *err) {
    int64_t v = 0;
    QT_TRY(get_i64(e, token, INT32_MIN, INT32_MAX, "an integer of 32 bits", &v, at, err));
    if (f->type == QT_FIELD_SFIXED32) {
        qt_wire_add_fixed32(e->out, (uint32_t)(int32_t)v);
    } else if (f->type == QT_FIELD_SINT32) {
        qt_wire_add_varint(e->out, qt_wire_zigzag(v));
    } else {
        qt_wire_add_varint(e->out, (uint64_t)v);
    }
    return QT_OK;
}

static qt_code put_int64(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                         const qt_place *at, qt_err *err) {
    int64_t v = 0;
    QT_TRY(get_i64(e, token, INT64_MIN, INT64_MAX, "an integer of 64 bits", &v, at, err));
    if (f->type == QT_FIELD_SFIXED64) {
        qt_wire_add_fixed64(e->out, (uint64_t)v);
    } else {
        qt_wire_add_varint(e->out, f->type == QT_FIELD_SINT64 ? qt_wire_zigzag(v) : (uint64_t)v);
    }
    return QT_OK;
}

static qt_code put_unsigned(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                            const qt_place *at, qt_err *err) {
    bool wide = f->type == QT_FIELD_UINT64 || f->type == QT_FIELD_FIXED64;
    uint64_t v = 0;
    QT_TRY(
        get_u64(e, token, wide ? UINT64_MAX : UINT32_MAX,
                wide ? "an integer of 64 bits, not below 0" : "an integer of 32 bits, not below 0",
                &v, at, err));
    if (f->type == QT_FIELD_FIXED64) {
        qt_wire_add_fixed64(e->out, v);
    } else if (f->type == QT_FIELD_FIXED32) {
        qt_wire_add_fixed32(e->out, (uint32_t)v);
    } else {
        qt_wire_add_varint(e->out, v);
    }
    return QT_OK;
}

/* ---- other scalars ---- */

static qt_code put_bool(qt_encoder *e, const qt_json_token *token, const qt_place *at,
                        qt_err *err) {
    bool v = token->type == QT_JSON_TRUE;
    if (e->from_text) {
        v = token_is(token, "true");
        if (!v && !token_is(token, "false")) {
            return bad_value(at, "true or false", err);
        }
    } else if (!v && token->type != QT_JSON_FALSE) {
        return qt_place_fail_type(e, at, "true or false", token, err);
    }
    qt_wire_add_varint(e->out, v);
    return QT_OK;
}

static qt_code unknown_enum(const qt_field *f, const qt_place *at, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf names = {0};
    for (size_t i = 0; i < f->enumeration->value_count; i++) {
        const qt_enum_value *v = &f->enumeration->values[i];
        if (v->number != 0) {
            qt_buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", v->short_name);
        }
    }
    return qt_place_fail(at, QT_REASON_FIELD_INVALID, "the value is none of: ", qt_buf_str(&names),
                         err);
}

static qt_code put_enum(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                        const qt_place *at, qt_err *err) {
    int64_t number = 0;
    const qt_enum_value *v = NULL;
    if (token->type == QT_JSON_STRING) {
        v = qt_enum_by_name(f->enumeration, token->text, token->len);
        if (v == NULL && !(e->from_text && qt_json_is_number(token->text, token->len))) {
            return unknown_enum(f, at, err);
        }
    }
    if (v != NULL) {
        number = v->number;
    } else {
        QT_TRY(get_i64(e, token, INT32_MIN, INT32_MAX, "the name or number of an enum value",
                       &number, at, err));
    }
    qt_wire_add_varint(e->out, (uint64_t)number);
    return QT_OK;
}

static qt_code put_string(qt_encoder *e, const qt_json_token *token, const qt_place *at,
                          qt_err *err) {
    if (token->type != QT_JSON_STRING) {
        return qt_place_fail_type(e, at, "a string", token, err);
    }
    if (memchr(token->text, '\0', token->len) != NULL) {
        return qt_place_fail(at, QT_REASON_UTF8_INVALID, "the text holds a NUL", "", err);
    }
    /* What comes from JSON was checked by the reader. */
    if (e->from_text && !qt_utf8_valid(token->text, token->len, NULL)) {
        return qt_place_fail(at, QT_REASON_UTF8_INVALID, "the text is not valid UTF-8", "", err);
    }
    qt_wire_add_varint(e->out, token->len);
    qt_buf_add(e->out, token->text, token->len);
    return QT_OK;
}

static qt_code put_bytes(qt_encoder *e, const qt_json_token *token, const qt_place *at,
                         qt_err *err) {
    if (token->type != QT_JSON_STRING) {
        return qt_place_fail_type(e, at, "base64 in a string", token, err);
    }
    size_t open = qt_wire_open(e->out);
    if (!qt_base64_decode(token->text, token->len, e->out)) {
        return bad_value(at, "base64", err);
    }
    qt_wire_close(e->out, open);
    return QT_OK;
}

qt_code qt_value_put(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                     const qt_place *at, qt_err *err) {
    switch (f->type) {
    case QT_FIELD_DOUBLE:
        return put_double(e, token, at, err);
    case QT_FIELD_FLOAT:
        return put_float(e, token, at, err);
    case QT_FIELD_INT64:
    case QT_FIELD_SINT64:
    case QT_FIELD_SFIXED64:
        return put_int64(e, f, token, at, err);
    case QT_FIELD_UINT64:
    case QT_FIELD_UINT32:
    case QT_FIELD_FIXED64:
    case QT_FIELD_FIXED32:
        return put_unsigned(e, f, token, at, err);
    case QT_FIELD_INT32:
    case QT_FIELD_SINT32:
    case QT_FIELD_SFIXED32:
        return put_int32(e, f, token, at, err);
    case QT_FIELD_BOOL:
        return put_bool(e, token, at, err);
    case QT_FIELD_STRING:
        return put_string(e, token, at, err);
    case QT_FIELD_BYTES:
        return put_bytes(e, token, at, err);
    case QT_FIELD_ENUM:
        return put_enum(e, f, token, at, err);
    case QT_FIELD_MESSAGE:
    case QT_FIELD_GROUP:
        break;
    }
    return qt_fail(err, INTERNAL, "field %s has a type that JSON cannot carry", f->name);
}

qt_code qt_value_put_key(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                         const qt_place *at, qt_err *err) {
    bool before = e->from_text;
    e->from_text = true;
    qt_code code = qt_value_put(e, f, token, at, err);
    e->from_text = before;
    return code;
}

/* ---- messages with a JSON form of their own ---- */

static void put_seconds_nanos(qt_encoder *e, int64_t seconds, int32_t nanos) {
    if (seconds != 0) {
        qt_wire_add_tag(e->out, 1, QT_WIRE_VARINT);
        qt_wire_add_varint(e->out, (uint64_t)seconds);
    }
    if (nanos != 0) {
        qt_wire_add_tag(e->out, 2, QT_WIRE_VARINT);
        qt_wire_add_varint(e->out, (uint64_t)(int64_t)nanos);
    }
}

static qt_code put_mask(qt_encoder *e, const qt_json_token *token, const qt_place *at,
                        qt_err *err) {
    const char *p = token->text;
    const char *end = p + token->len;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma != NULL ? comma : end;
        qt_wire_add_tag(e->out, 1, QT_WIRE_BYTES);
        size_t open = qt_wire_open(e->out);
        if (!qt_mask_path_parse(p, (size_t)(stop - p), e->out) ||
            (comma != NULL && stop + 1 == end)) {
            return bad_value(at, "a list of field names with commas", err);
        }
        qt_wire_close(e->out, open);
        p = comma != NULL ? comma + 1 : end;
    }
    return QT_OK;
}

qt_code qt_value_put_well_known(qt_encoder *e, const qt_message *m, const qt_json_token *token,
                                const qt_place *at, qt_err *err) {
    bool is_time = m->kind == QT_MESSAGE_TIMESTAMP;
    const char *expected = is_time ? "a time like 2026-01-31T23:59:59Z" : "a duration like 1.5s";
    int64_t seconds = 0;
    int32_t nanos = 0;
    if (token->type != QT_JSON_STRING) {
        return qt_place_fail_type(
            e, at, m->kind == QT_MESSAGE_FIELD_MASK ? "field names in a string" : expected, token,
            err);
    }
    if (m->kind == QT_MESSAGE_FIELD_MASK) {
        return put_mask(e, token, at, err);
    }
    bool ok = is_time ? qt_timestamp_parse(token->text, token->len, &seconds, &nanos)
                      : qt_duration_parse(token->text, token->len, &seconds, &nanos);
    if (!ok) {
        return bad_value(at, expected, err);
    }
    put_seconds_nanos(e, seconds, nanos);
    return QT_OK;
}

const qt_field *qt_value_bare_field(const qt_message *m, const qt_json_token *token) {
    for (size_t i = 0; i < m->field_count; i++) {
        const qt_field *f = &m->fields[i];
        bool is_bool = token->type == QT_JSON_TRUE || token->type == QT_JSON_FALSE;
        if (m->field_count == 1 || (token->type == QT_JSON_STRING && f->type == QT_FIELD_STRING) ||
            (token->type == QT_JSON_NUMBER && f->type == QT_FIELD_DOUBLE) ||
            (is_bool && f->type == QT_FIELD_BOOL)) {
            return f;
        }
    }
    return NULL;
}

/* ---- keys of a map ---- */

void qt_key_set_done(qt_key_set *keys) {
    qt_buf_done(&keys->bytes);
    qt_buf_done(&keys->lengths);
}

qt_code qt_key_set_add(qt_key_set *keys, const qt_buf *wire, size_t at, qt_err *err) {
    QT_TRY(qt_buf_check(wire, err));
    size_t len = wire->len - at;
    qt_buf_add(&keys->bytes, wire->data + at, len);
    qt_buf_add(&keys->lengths, &len, sizeof len);
    QT_TRY(qt_buf_check(&keys->bytes, err));
    return qt_buf_check(&keys->lengths, err);
}

typedef struct key {
    const char *data;
    size_t len;
} key;

static int compare_keys(const void *a, const void *b) {
    const key *x = a;
    const key *y = b;
    if (x->len != y->len) {
        return x->len < y->len ? -1 : 1;
    }
    return memcmp(x->data, y->data, x->len);
}

qt_code qt_key_set_check(const qt_key_set *keys, const qt_place *at, qt_err *err) {
    size_t count = keys->lengths.len / sizeof(size_t);
    if (count < 2) {
        return QT_OK;
    }
    QT_AUTO_FREE void *memory = NULL;
    QT_TRY(qt_try_calloc(count, sizeof(key), &memory, err));
    key *sorted = memory;
    size_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len;
        memcpy(&len, keys->lengths.data + i * sizeof len, sizeof len);
        sorted[i] = (key){.data = keys->bytes.data + offset, .len = len};
        offset += len;
    }
    qsort(sorted, count, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&sorted[i - 1], &sorted[i]) == 0) {
            return qt_place_fail(at, QT_REASON_FIELD_INVALID, "a key is given twice", "", err);
        }
    }
    return QT_OK;
}
