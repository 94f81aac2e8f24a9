/* A message is scanned once, to note where each field is, and then written field by field in the
 * order of the .proto file, whatever the order on the wire is. */
#include "gateway/wire_to_json.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "gateway/wellknown.h"
#include "gateway/wire.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 100 };

/* Where a field is in its message. */
typedef struct slot {
    const uint8_t *begin; /* first occurrence, at its tag */
    const uint8_t *end;   /* behind the last occurrence */
    qt_wire_field last;
    size_t count;
} slot;

typedef struct decoder {
    const qt_schema *schema;
    qt_json_writer *w;
    slot *slots; /* a stack: each open message has one slot per field */
    size_t slot_count;
    size_t slot_cap;
    size_t depth;
} decoder;

typedef struct span {
    const uint8_t *data;
    size_t len;
} span;

static void decoder_done(decoder *d) {
    free(d->slots);
}

static qt_code write_message(decoder *d, const qt_message *m, span bytes, qt_err *err);

static qt_code malformed(const qt_message *m, qt_err *err) {
    return qt_fail(err, INTERNAL, "the bytes are not a %s", m->full_name);
}

/* Whether an occurrence on the wire is this field: repeated numbers may be packed or not. */
static bool is_occurrence(const qt_field *f, const qt_wire_field *on_wire) {
    return on_wire->type == qt_field_wire_type(f->type) ||
           (f->repeated && on_wire->type == QT_WIRE_BYTES);
}

/* ---- scanning ---- */

static qt_code push_slots(decoder *d, size_t count, size_t *ret_base, qt_err *err) {
    if (d->slot_count + count > d->slot_cap) {
        size_t cap = (d->slot_cap + count) * 2;
        void *slots = d->slots;
        QT_TRY(qt_try_realloc(&slots, cap * sizeof *d->slots, err));
        d->slots = slots;
        d->slot_cap = cap;
    }
    *ret_base = d->slot_count;
    if (count > 0) {
        memset(d->slots + d->slot_count, 0, count * sizeof *d->slots);
    }
    d->slot_count += count;
    return QT_OK;
}

static qt_code scan(decoder *d, const qt_message *m, span bytes, size_t base, qt_err *err) {
    qt_wire_reader r = qt_wire_reader_make(bytes.data, bytes.len);
    for (;;) {
        const uint8_t *begin = r.pos;
        qt_wire_field on_wire;
        qt_wire_step step = qt_wire_next(&r, &on_wire);
        if (step == QT_WIRE_DONE) {
            return QT_OK;
        }
        if (step == QT_WIRE_BAD) {
            return malformed(m, err);
        }
        const qt_field *f = qt_message_field_by_number(m, on_wire.number);
        if (f == NULL || !is_occurrence(f, &on_wire)) {
            continue;
        }
        slot *s = &d->slots[base + f->index];
        s->begin = s->count == 0 ? begin : s->begin;
        s->end = r.pos;
        s->last = on_wire;
        s->count++;
    }
}

/* ---- single values ---- */

static qt_code write_string(decoder *d, const qt_field *f, const qt_wire_field *v, qt_err *err) {
    if (!qt_utf8_valid((const char *)v->data, v->len, NULL)) {
        return qt_fail(err, INTERNAL, "field %s holds bytes that are not UTF-8", f->name);
    }
    qt_json_str_n(d->w, (const char *)v->data, v->len);
    return QT_OK;
}

static qt_code write_bytes(decoder *d, const qt_wire_field *v, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_base64_encode(v->data, v->len, &text);
    QT_TRY(qt_buf_check(&text, err));
    qt_json_str_n(d->w, qt_buf_str(&text), text.len);
    return QT_OK;
}

static void write_enum(decoder *d, const qt_field *f, int32_t number) {
    const qt_enum_value *v = qt_enum_by_number(f->enumeration, number);
    if (v != NULL) {
        qt_json_str(d->w, v->short_name);
    } else {
        qt_json_i64(d->w, number);
    }
}

static void write_i64_text(decoder *d, int64_t v) {
    char text[24];
    char *end = text + sizeof text;
    char *p = end;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (v < 0) {
        *--p = '-';
    }
    qt_json_str_n(d->w, p, (size_t)(end - p));
}

static void write_u64_text(decoder *d, uint64_t v) {
    char text[24];
    char *end = text + sizeof text;
    char *p = end;
    do {
        *--p = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    qt_json_str_n(d->w, p, (size_t)(end - p));
}

static void write_double(decoder *d, uint64_t raw) {
    double v;
    memcpy(&v, &raw, sizeof v);
    qt_json_double(d->w, v);
}

static void write_float(decoder *d, uint64_t raw) {
    uint32_t narrow = (uint32_t)raw;
    float v;
    memcpy(&v, &narrow, sizeof v);
    qt_json_float(d->w, v);
}

/* A zeroed `v` gives the default. */
static qt_code write_value(decoder *d, const qt_field *f, const qt_wire_field *v, qt_err *err) {
    switch (f->type) {
    case QT_FIELD_DOUBLE:
        write_double(d, v->value);
        return QT_OK;
    case QT_FIELD_FLOAT:
        write_float(d, v->value);
        return QT_OK;
    case QT_FIELD_INT64:
    case QT_FIELD_SFIXED64:
        write_i64_text(d, (int64_t)v->value);
        return QT_OK;
    case QT_FIELD_SINT64:
        write_i64_text(d, qt_wire_unzigzag(v->value));
        return QT_OK;
    case QT_FIELD_UINT64:
    case QT_FIELD_FIXED64:
        write_u64_text(d, v->value);
        return QT_OK;
    case QT_FIELD_INT32:
    case QT_FIELD_SFIXED32:
        qt_json_i64(d->w, (int32_t)(uint32_t)v->value);
        return QT_OK;
    case QT_FIELD_SINT32:
        qt_json_i64(d->w, (int32_t)qt_wire_unzigzag((uint32_t)v->value));
        return QT_OK;
    case QT_FIELD_UINT32:
    case QT_FIELD_FIXED32:
        qt_json_u64(d->w, (uint32_t)v->value);
        return QT_OK;
    case QT_FIELD_BOOL:
        qt_json_bool(d->w, v->value != 0);
        return QT_OK;
    case QT_FIELD_ENUM:
        write_enum(d, f, (int32_t)(uint32_t)v->value);
        return QT_OK;
    case QT_FIELD_STRING:
        return write_string(d, f, v, err);
    case QT_FIELD_BYTES:
        return write_bytes(d, v, err);
    case QT_FIELD_MESSAGE:
        return write_message(d, f->message, (span){.data = v->data, .len = v->len}, err);
    case QT_FIELD_GROUP:
        break;
    }
    return qt_fail(err, INTERNAL, "field %s has a type that JSON cannot carry", f->name);
}

/* ---- lists and maps ---- */

/* Calls write_one for each occurrence of a repeated field. */
static qt_code each_item(decoder *d, const qt_field *f, const slot *s,
                         qt_code (*write_one)(decoder *d, const qt_field *f, const qt_wire_field *v,
                                              qt_err *err),
                         qt_err *err) {
    qt_wire_reader r = {.pos = s->begin, .end = s->end};
    qt_wire_type own = qt_field_wire_type(f->type);
    qt_wire_field v;
    while (qt_wire_next(&r, &v) == QT_WIRE_FIELD) {
        if (v.number != f->number || !is_occurrence(f, &v)) {
            continue;
        }
        if (v.type == own) {
            QT_TRY(write_one(d, f, &v, err));
            continue;
        }
        qt_wire_reader packed = qt_wire_reader_make(v.data, v.len);
        qt_wire_step step;
        while ((step = qt_wire_next_packed(&packed, own, &v)) == QT_WIRE_FIELD) {
            QT_TRY(write_one(d, f, &v, err));
        }
        if (step == QT_WIRE_BAD) {
            return qt_fail(err, INTERNAL, "field %s is cut off", f->name);
        }
    }
    return QT_OK;
}

static qt_code write_key(decoder *d, const qt_field *f, const qt_wire_field *v, qt_err *err) {
    if (f->type == QT_FIELD_STRING) {
        if (!qt_utf8_valid((const char *)v->data, v->len, NULL)) {
            return qt_fail(err, INTERNAL, "a key holds bytes that are not UTF-8");
        }
        qt_json_key_n(d->w, (const char *)v->data, v->len);
        return QT_OK;
    }
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_json_writer number = qt_json_writer_make(&text);
    decoder key = {.schema = d->schema, .w = &number};
    QT_TRY(write_value(&key, f, v, err));
    QT_TRY(qt_buf_check(&text, err));
    const char *s = qt_buf_str(&text);
    bool quoted = s[0] == '"'; /* 64-bit integers */
    qt_json_key_n(d->w, s + quoted, text.len - (quoted ? 2 : 0));
    return QT_OK;
}

static qt_code write_entry(decoder *d, const qt_field *f, const qt_wire_field *v, qt_err *err) {
    size_t base;
    const qt_field *key = qt_message_field_by_number(f->message, 1);
    const qt_field *value = qt_message_field_by_number(f->message, 2);
    QT_TRY(push_slots(d, f->message->field_count, &base, err));
    QT_TRY(scan(d, f->message, (span){.data = v->data, .len = v->len}, base, err));
    qt_wire_field key_on_wire = d->slots[base + key->index].last;
    qt_wire_field value_on_wire = d->slots[base + value->index].last;
    QT_TRY(write_key(d, key, &key_on_wire, err));
    QT_TRY(write_value(d, value, &value_on_wire, err));
    d->slot_count = base;
    return QT_OK;
}

static qt_code write_repeated(decoder *d, const qt_field *f, const slot *s, qt_err *err) {
    if (f->map) {
        qt_json_open_object(d->w);
        QT_TRY(each_item(d, f, s, write_entry, err));
        qt_json_close_object(d->w);
    } else {
        qt_json_open_array(d->w);
        QT_TRY(each_item(d, f, s, write_value, err));
        qt_json_close_array(d->w);
    }
    return QT_OK;
}

/* ---- messages ---- */

/* A message that comes more than once is merged, which on the wire is: one behind the other. */
static qt_code write_merged(decoder *d, const qt_field *f, const slot *s, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf parts = {0};
    qt_wire_reader r = {.pos = s->begin, .end = s->end};
    qt_wire_field v;
    while (qt_wire_next(&r, &v) == QT_WIRE_FIELD) {
        if (v.number == f->number && v.type == QT_WIRE_BYTES) {
            qt_buf_add(&parts, v.data, v.len);
        }
    }
    QT_TRY(qt_buf_check(&parts, err));
    span all = {.data = (const uint8_t *)qt_buf_str(&parts), .len = parts.len};
    return write_message(d, f->message, all, err);
}

static qt_code write_field_value(decoder *d, const qt_field *f, size_t at, qt_err *err) {
    slot s = d->slots[at]; /* a copy: the stack may move */
    if (f->repeated) {
        return write_repeated(d, f, &s, err);
    }
    if (f->type == QT_FIELD_MESSAGE && s.count == 0) {
        qt_json_null(d->w);
        return QT_OK;
    }
    if (f->type == QT_FIELD_MESSAGE && s.count > 1) {
        return write_merged(d, f, &s, err);
    }
    return write_value(d, f, &s.last, err);
}

/* Of the members of a oneof the last one on the wire counts. */
static bool is_left_out(const decoder *d, const qt_message *m, const qt_field *f, size_t base) {
    if (f->oneof < 0) {
        return false;
    }
    const slot *own = &d->slots[base + f->index];
    for (size_t i = 0; own->count > 0 && i < m->field_count; i++) {
        const slot *other = &d->slots[base + i];
        if (m->fields[i].oneof == f->oneof && other->count > 0 && other->end > own->end) {
            return true;
        }
    }
    return own->count == 0;
}

static qt_code write_fields(decoder *d, const qt_message *m, span bytes, qt_err *err) {
    size_t base;
    QT_TRY(push_slots(d, m->field_count, &base, err));
    QT_TRY(scan(d, m, bytes, base, err));
    for (size_t i = 0; i < m->field_count; i++) {
        const qt_field *f = &m->fields[i];
        if (!is_left_out(d, m, f, base)) {
            qt_json_key(d->w, f->name);
            QT_TRY(write_field_value(d, f, base + i, err));
        }
    }
    d->slot_count = base;
    return QT_OK;
}

/* Seconds and nanoseconds of a Timestamp or Duration. */
static qt_code write_time(decoder *d, const qt_message *m, span bytes, qt_err *err) {
    size_t base;
    char text[QT_WELLKNOWN_BYTES];
    QT_TRY(push_slots(d, m->field_count, &base, err));
    QT_TRY(scan(d, m, bytes, base, err));
    const qt_field *seconds_field = qt_message_field_by_number(m, 1);
    const qt_field *nanos_field = qt_message_field_by_number(m, 2);
    if (seconds_field == NULL || nanos_field == NULL) {
        return malformed(m, err);
    }
    int64_t seconds = (int64_t)d->slots[base + seconds_field->index].last.value;
    int32_t nanos = (int32_t)(uint32_t)d->slots[base + nanos_field->index].last.value;
    d->slot_count = base;
    bool ok = m->kind == QT_MESSAGE_TIMESTAMP ? qt_timestamp_format(seconds, nanos, text)
                                              : qt_duration_format(seconds, nanos, text);
    if (!ok) {
        return qt_fail(err, INTERNAL, "a %s is out of range", m->full_name);
    }
    qt_json_str(d->w, text);
    return QT_OK;
}

static qt_code write_mask(decoder *d, const qt_message *m, span bytes, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_wire_reader r = qt_wire_reader_make(bytes.data, bytes.len);
    qt_wire_field v;
    qt_wire_step step;
    while ((step = qt_wire_next(&r, &v)) == QT_WIRE_FIELD) {
        if (v.number != 1 || v.type != QT_WIRE_BYTES) {
            continue;
        }
        if (text.len > 0) {
            qt_buf_add_char(&text, ',');
        }
        if (!qt_mask_path_format((const char *)v.data, v.len, &text)) {
            return qt_fail(err, INTERNAL, "a field mask has a path that JSON cannot carry");
        }
    }
    if (step == QT_WIRE_BAD) {
        return malformed(m, err);
    }
    QT_TRY(qt_buf_check(&text, err));
    qt_json_str_n(d->w, qt_buf_str(&text), text.len);
    return QT_OK;
}

/* The only field, or the member of the oneof that is set; null when none is. */
static qt_code write_bare(decoder *d, const qt_message *m, span bytes, qt_err *err) {
    size_t base;
    QT_TRY(push_slots(d, m->field_count, &base, err));
    QT_TRY(scan(d, m, bytes, base, err));
    const qt_field *found = m->field_count == 1 ? &m->fields[0] : NULL;
    for (size_t i = 0; found == NULL && i < m->field_count; i++) {
        if (!is_left_out(d, m, &m->fields[i], base)) {
            found = &m->fields[i];
        }
    }
    if (found == NULL) {
        qt_json_null(d->w);
    } else {
        qt_wire_field v = d->slots[base + found->index].last;
        QT_TRY(write_value(d, found, &v, err));
    }
    d->slot_count = base;
    return QT_OK;
}

static qt_code write_any_content(decoder *d, const qt_message *known, span bytes, qt_err *err) {
    if (known != NULL && known->kind == QT_MESSAGE_OBJECT) {
        return write_fields(d, known, bytes, err);
    }
    qt_json_key(d->w, "value");
    if (known != NULL) {
        return write_message(d, known, bytes, err);
    }
    qt_wire_field v = {.data = bytes.data, .len = bytes.len};
    return write_bytes(d, &v, err);
}

static qt_code write_any(decoder *d, const qt_message *m, span bytes, qt_err *err) {
    qt_wire_field url = {0};
    qt_wire_field value = {0};
    qt_wire_reader r = qt_wire_reader_make(bytes.data, bytes.len);
    qt_wire_field v;
    qt_wire_step step;
    while ((step = qt_wire_next(&r, &v)) == QT_WIRE_FIELD) {
        if (v.type == QT_WIRE_BYTES && v.number == 1) {
            url = v;
        } else if (v.type == QT_WIRE_BYTES && v.number == 2) {
            value = v;
        }
    }
    if (step == QT_WIRE_BAD || !qt_utf8_valid((const char *)url.data, url.len, NULL)) {
        return malformed(m, err);
    }
    qt_json_open_object(d->w);
    if (url.len > 0) {
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        qt_buf_add(&text, url.data, url.len);
        QT_TRY(qt_buf_check(&text, err));
        const char *slash = strrchr(qt_buf_str(&text), '/');
        qt_json_key(d->w, "@type");
        qt_json_str_n(d->w, qt_buf_str(&text), text.len);
        QT_TRY(write_any_content(d, slash != NULL ? qt_schema_message(d->schema, slash + 1) : NULL,
                                 (span){.data = value.data, .len = value.len}, err));
    }
    qt_json_close_object(d->w);
    return QT_OK;
}

static qt_code write_kind(decoder *d, const qt_message *m, span bytes, qt_err *err) {
    switch (m->kind) {
    case QT_MESSAGE_TIMESTAMP:
    case QT_MESSAGE_DURATION:
        return write_time(d, m, bytes, err);
    case QT_MESSAGE_FIELD_MASK:
        return write_mask(d, m, bytes, err);
    case QT_MESSAGE_ANY:
        return write_any(d, m, bytes, err);
    case QT_MESSAGE_BARE:
        return write_bare(d, m, bytes, err);
    case QT_MESSAGE_OBJECT:
        break;
    }
    qt_json_open_object(d->w);
    QT_TRY(write_fields(d, m, bytes, err));
    qt_json_close_object(d->w);
    return QT_OK;
}

static qt_code write_message(decoder *d, const qt_message *m, span bytes, qt_err *err) {
    if (d->depth == MAX_DEPTH) {
        return qt_fail(err, INTERNAL, "a message is nested too deep");
    }
    d->depth++;
    QT_TRY(write_kind(d, m, bytes, err));
    d->depth--;
    return QT_OK;
}

qt_code qt_wire_to_json(const qt_schema *schema, const qt_message *message, const uint8_t *data,
                        size_t len, qt_json_writer *writer, qt_err *err) {
    QT_CLEANUP(decoder_done) decoder d = {.schema = schema, .w = writer};
    QT_TRY(write_message(&d, message, (span){.data = data, .len = len}, err));
    return qt_buf_check(writer->out, err);
}

qt_code qt_wire_field_to_json(const qt_schema *schema, const qt_message *message,
                              const qt_field *field, const uint8_t *data, size_t len,
                              qt_json_writer *writer, qt_err *err) {
    QT_CLEANUP(decoder_done) decoder d = {.schema = schema, .w = writer};
    size_t base;
    QT_TRY(push_slots(&d, message->field_count, &base, err));
    QT_TRY(scan(&d, message, (span){.data = data, .len = len}, base, err));
    QT_TRY(write_field_value(&d, field, base + field->index, err));
    return qt_buf_check(writer->out, err);
}
