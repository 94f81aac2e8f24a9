/* A recursive descent along the message type. Where in the request an error is, is known from the
 * chain of places on the stack, which costs nothing while there is none. Values of one field are
 * in gateway/json_value.c. */
#include "gateway/json_to_wire.h"

#include "base/cleanup.h"
#include "gateway/json_value.h"
#include "gateway/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_WORDS = QT_MESSAGE_MAX_FIELDS / 64 };

typedef struct bits {
    uint64_t words[SEEN_WORDS];
} bits;

/* The bindings that are below the message at hand: all share the first `level` steps. */
typedef struct slice {
    const qt_binding *items;
    size_t count;
    size_t level;
} slice;

static bool bit_test(const bits *b, size_t i) {
    return (b->words[i / 64] >> (i % 64) & 1) != 0;
}

static void bit_set(bits *b, size_t i) {
    b->words[i / 64] |= UINT64_C(1) << (i % 64);
}

static qt_code put_message(qt_encoder *e, const qt_message *m, const qt_json_token *token,
                           slice bound, const qt_place *at, qt_err *err);

static slice slice_below(slice bound, const qt_field *f) {
    slice below = {.level = bound.level + 1};
    for (size_t i = 0; i < bound.count; i++) {
        const qt_binding *b = &bound.items[i];
        if (b->path.steps[bound.level] == f && b->path.count > bound.level + 1) {
            below.items = below.items != NULL ? below.items : b;
            below.count++;
        }
    }
    return below;
}

/* Tag and value of a field that is no list and no map. */
static qt_code put_single(qt_encoder *e, const qt_field *f, const qt_json_token *token, slice bound,
                          const qt_place *at, qt_err *err) {
    if (f->type != QT_FIELD_MESSAGE) {
        qt_wire_add_tag(e->out, f->number, qt_field_wire_type(f->type));
        return qt_value_put(e, f, token, at, err);
    }
    qt_wire_add_tag(e->out, f->number, QT_WIRE_BYTES);
    size_t open = qt_wire_open(e->out);
    QT_TRY(put_message(e, f->message, token, bound, at, err));
    qt_wire_close(e->out, open);
    return QT_OK;
}

/* ---- lists and maps ---- */

static qt_code put_list(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                        const qt_place *up, qt_err *err) {
    if (token->type != QT_JSON_ARRAY) {
        return qt_place_fail_type(e, up, "an array", token, err);
    }
    bool packed = f->type != QT_FIELD_MESSAGE && qt_field_wire_type(f->type) != QT_WIRE_BYTES;
    size_t tag_at = e->out->len;
    size_t open = 0;
    if (packed) {
        qt_wire_add_tag(e->out, f->number, QT_WIRE_BYTES);
        open = qt_wire_open(e->out);
    }
    for (size_t i = 0;; i++) {
        qt_json_token item;
        qt_place at = {.up = up, .in_list = true, .index = i};
        QT_TRY(qt_json_next(&e->reader, &item, err));
        if (item.type == QT_JSON_ARRAY_END) {
            break;
        }
        if (packed) {
            QT_TRY(qt_value_put(e, f, &item, &at, err));
        } else {
            QT_TRY(put_single(e, f, &item, (slice){0}, &at, err));
        }
    }
    if (packed && open == e->out->len && !e->out->failed) {
        e->out->len = tag_at; /* an empty list is not sent */
    } else if (packed) {
        qt_wire_close(e->out, open);
    }
    return QT_OK;
}

static qt_code put_entry(qt_encoder *e, const qt_field *f, const qt_json_token *key,
                         qt_key_set *keys, const qt_place *at, qt_err *err) {
    const qt_field *key_field = qt_message_field_by_number(f->message, 1);
    const qt_field *value_field = qt_message_field_by_number(f->message, 2);
    qt_json_token key_token = {.type = QT_JSON_STRING, .text = key->text, .len = key->len};
    qt_wire_add_tag(e->out, f->number, QT_WIRE_BYTES);
    size_t open = qt_wire_open(e->out);
    qt_wire_add_tag(e->out, 1, qt_field_wire_type(key_field->type));
    size_t key_at = e->out->len;
    QT_TRY(qt_value_put_key(e, key_field, &key_token, at, err));
    QT_TRY(qt_key_set_add(keys, e->out, key_at, err));
    qt_json_token value;
    QT_TRY(qt_json_next(&e->reader, &value, err));
    QT_TRY(put_single(e, value_field, &value, (slice){0}, at, err));
    qt_wire_close(e->out, open);
    return QT_OK;
}

static qt_code put_map(qt_encoder *e, const qt_field *f, const qt_json_token *token,
                       const qt_place *up, qt_err *err) {
    if (token->type != QT_JSON_OBJECT) {
        return qt_place_fail_type(e, up, "an object", token, err);
    }
    QT_CLEANUP(qt_key_set_done) qt_key_set keys = {0};
    for (;;) {
        qt_json_token key;
        QT_TRY(qt_json_next(&e->reader, &key, err));
        if (key.type == QT_JSON_OBJECT_END) {
            break;
        }
        char copy[QT_PLACE_KEY_BYTES];
        qt_place at = {.up = up, .key = copy, .key_len = key.len < sizeof copy ? key.len : 0};
        memcpy(copy, key.text, at.key_len);
        QT_TRY(put_entry(e, f, &key, &keys, &at, err));
    }
    return qt_key_set_check(&keys, up, err);
}

/* ---- bindings ---- */

static qt_code put_bound_text(qt_encoder *e, const qt_field *f, const qt_binding *b,
                              const qt_place *at, qt_err *err) {
    qt_json_token text = {.type = QT_JSON_STRING, .text = b->value, .len = b->value_len};
    if (!f->map) {
        return put_single(e, f, &text, (slice){0}, at, err);
    }
    qt_json_token key = {.type = QT_JSON_STRING, .text = b->map_key, .len = b->map_key_len};
    const qt_field *key_field = qt_message_field_by_number(f->message, 1);
    qt_wire_add_tag(e->out, f->number, QT_WIRE_BYTES);
    size_t open = qt_wire_open(e->out);
    qt_wire_add_tag(e->out, 1, qt_field_wire_type(key_field->type));
    QT_TRY(qt_value_put_key(e, key_field, &key, at, err));
    QT_TRY(put_single(e, qt_message_field_by_number(f->message, 2), &text, (slice){0}, at, err));
    qt_wire_close(e->out, open);
    return QT_OK;
}

static qt_code put_bound_value(qt_encoder *e, const qt_field *f, const qt_binding *b,
                               const qt_place *at, qt_err *err) {
    e->from_text = true;
    qt_code code = put_bound_text(e, f, b, at, err);
    e->from_text = false;
    return code;
}

static qt_code check_oneof(const qt_message *m, const qt_field *f, const bits *set,
                           const qt_place *at, qt_err *err) {
    for (size_t i = 0; f->oneof >= 0 && i < m->field_count; i++) {
        const qt_field *other = &m->fields[i];
        if (other != f && other->oneof == f->oneof && bit_test(set, i)) {
            return qt_place_fail(at, QT_REASON_FIELD_INVALID, "cannot be given together with ",
                                 other->name, err);
        }
    }
    return QT_OK;
}

/* Appends what path and query give for this message and the JSON has not taken along: `set` are
 * the fields that the JSON gave. */
static qt_code put_bindings(qt_encoder *e, const qt_message *m, slice bound, bits *set,
                            const qt_place *up, qt_err *err) {
    for (size_t i = 0; i < bound.count; i++) {
        const qt_binding *b = &bound.items[i];
        const qt_field *f = b->path.steps[bound.level];
        qt_place at = {.up = up, .key = f->name, .key_len = strlen(f->name)};
        QT_TRY(check_oneof(m, f, set, &at, err));
        if (b->path.count == bound.level + 1) {
            QT_TRY(put_bound_value(e, f, b, &at, err));
            bit_set(set, f->index);
            continue;
        }
        if (bit_test(set, f->index)) {
            continue; /* the message below took its bindings along */
        }
        slice below = slice_below(bound, f);
        bits none = {0};
        qt_wire_add_tag(e->out, f->number, QT_WIRE_BYTES);
        size_t open = qt_wire_open(e->out);
        QT_TRY(put_bindings(e, f->message, below, &none, &at, err));
        qt_wire_close(e->out, open);
        bit_set(set, f->index);
    }
    return QT_OK;
}

/* ---- messages ---- */

static qt_code unknown_field(qt_encoder *e, const qt_message *m, const qt_json_token *key,
                             const qt_place *up, qt_err *err) {
    char name[QT_PLACE_KEY_BYTES];
    qt_place at = {.up = up, .key = name, .key_len = key->len < sizeof name ? key->len : 0};
    memcpy(name, key->text, at.key_len);
    const char *near = qt_message_suggest(m, key->text, key->len);
    qt_json_token value;
    QT_TRY(qt_json_next(&e->reader, &value, err));
    QT_TRY(qt_json_skip(&e->reader, &value, err)); /* what is no JSON is reported as that */
    return qt_place_fail(&at, QT_REASON_FIELD_UNKNOWN,
                         near != NULL ? "there is no such field; did you mean "
                                      : "there is no such field",
                         near != NULL ? near : "", err);
}

static qt_code put_field(qt_encoder *e, const qt_message *m, const qt_field *f, slice bound,
                         bits *set, const qt_place *at, qt_err *err) {
    qt_json_token value;
    QT_TRY(qt_json_next(&e->reader, &value, err));
    if (value.type == QT_JSON_NULL) {
        return QT_OK;
    }
    QT_TRY(check_oneof(m, f, set, at, err));
    bit_set(set, f->index);
    if (f->map) {
        return put_map(e, f, &value, at, err);
    }
    if (f->repeated) {
        return put_list(e, f, &value, at, err);
    }
    return put_single(e, f, &value, bound.count > 0 ? slice_below(bound, f) : bound, at, err);
}

static void note_for_mask(qt_encoder *e, const qt_message *m, const qt_field *f) {
    if (e->mask != NULL && e->masked == m) {
        qt_wire_add_bytes(e->mask, 1, f->name, strlen(f->name));
    }
}

/* The fields of an object whose '{' was read. skip_key: "@type" inside an Any, else NULL. */
static qt_code put_fields(qt_encoder *e, const qt_message *m, const char *skip_key, slice bound,
                          const qt_place *up, qt_err *err) {
    bits seen = {0};
    bits set = {0};
    const qt_message *masked = e->masked;
    for (;;) {
        qt_json_token key;
        QT_TRY(qt_json_next(&e->reader, &key, err));
        if (key.type == QT_JSON_OBJECT_END) {
            break;
        }
        if (skip_key != NULL && key.len == strlen(skip_key) &&
            memcmp(key.text, skip_key, key.len) == 0) {
            QT_TRY(qt_json_next(&e->reader, &key, err));
            continue;
        }
        const qt_field *f = qt_message_field(m, key.text, key.len);
        if (f == NULL) {
            return unknown_field(e, m, &key, up, err);
        }
        qt_place at = {.up = up, .key = f->name, .key_len = strlen(f->name)};
        if (bit_test(&seen, f->index)) {
            return qt_place_fail(&at, QT_REASON_FIELD_INVALID, "is given twice", "", err);
        }
        bit_set(&seen, f->index);
        note_for_mask(e, m, f);
        e->masked = NULL; /* only the names of the outermost object count */
        QT_TRY(put_field(e, m, f, bound, &set, &at, err));
        e->masked = masked;
    }
    return bound.count > 0 ? put_bindings(e, m, bound, &set, up, err) : QT_OK;
}

/* The type's name from the "@type" of an Any, whose '{' was read; goes back there. */
static qt_code find_any_type(qt_encoder *e, qt_buf *ret_url, const qt_place *at, qt_err *err) {
    qt_json_mark start = qt_json_reader_mark(&e->reader);
    bool found = false;
    for (;;) {
        qt_json_token key;
        qt_json_token value;
        QT_TRY(qt_json_next(&e->reader, &key, err));
        if (key.type == QT_JSON_OBJECT_END) {
            break;
        }
        bool is_type = key.len == 5 && memcmp(key.text, "@type", 5) == 0;
        QT_TRY(qt_json_next(&e->reader, &value, err));
        if (is_type && (found || value.type != QT_JSON_STRING)) {
            return qt_place_fail(at, QT_REASON_FIELD_INVALID, "needs one @type, a string", "", err);
        }
        if (is_type) {
            qt_buf_add(ret_url, value.text, value.len);
            found = true;
        }
        QT_TRY(qt_json_skip(&e->reader, &value, err));
    }
    qt_json_reader_rewind(&e->reader, &start);
    return qt_buf_check(ret_url, err);
}

/* "value" of an Any whose type has a JSON form of its own. */
static qt_code put_any_value(qt_encoder *e, const qt_message *m, const qt_place *up, qt_err *err) {
    bool found = false;
    for (;;) {
        qt_json_token key;
        qt_json_token value;
        QT_TRY(qt_json_next(&e->reader, &key, err));
        if (key.type == QT_JSON_OBJECT_END) {
            break;
        }
        bool is_value = key.len == 5 && memcmp(key.text, "value", 5) == 0;
        bool is_type = key.len == 5 && memcmp(key.text, "@type", 5) == 0;
        if (is_value ? found : !is_type) {
            return unknown_field(e, m, &key, up, err);
        }
        QT_TRY(qt_json_next(&e->reader, &value, err));
        if (is_value) {
            found = true;
            QT_TRY(put_message(e, m, &value, (slice){0}, up, err));
        }
    }
    return found ? QT_OK : qt_place_fail(up, QT_REASON_FIELD_INVALID, "needs a value", "", err);
}

static qt_code put_any(qt_encoder *e, const qt_place *at, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf url = {0};
    QT_TRY(find_any_type(e, &url, at, err));
    const char *slash = strrchr(qt_buf_str(&url), '/');
    const qt_message *m = slash != NULL ? qt_schema_message(e->schema, slash + 1) : NULL;
    qt_json_token token;
    if (url.len == 0) {
        QT_TRY(qt_json_next(&e->reader, &token, err));
        return token.type == QT_JSON_OBJECT_END
                   ? QT_OK
                   : qt_place_fail(at, QT_REASON_FIELD_INVALID, "needs an @type", "", err);
    }
    if (m == NULL) {
        return qt_place_fail(at, QT_REASON_FIELD_INVALID, "has an unknown @type", "", err);
    }
    qt_wire_add_bytes(e->out, 1, url.data, url.len);
    qt_wire_add_tag(e->out, 2, QT_WIRE_BYTES);
    size_t open = qt_wire_open(e->out);
    if (m->kind == QT_MESSAGE_OBJECT) {
        QT_TRY(put_fields(e, m, "@type", (slice){0}, at, err));
    } else {
        QT_TRY(put_any_value(e, m, at, err));
    }
    qt_wire_close(e->out, open);
    return QT_OK;
}

/* The content of a message whose first token was read. */
static qt_code put_message(qt_encoder *e, const qt_message *m, const qt_json_token *token,
                           slice bound, const qt_place *at, qt_err *err) {
    if (m->kind == QT_MESSAGE_BARE) {
        const qt_field *f = qt_value_bare_field(m, token);
        return f != NULL ? put_single(e, f, token, (slice){0}, at, err)
                         : qt_place_fail_type(e, at, "a string, a number or a boolean", token, err);
    }
    if (m->kind != QT_MESSAGE_OBJECT && m->kind != QT_MESSAGE_ANY) {
        return qt_value_put_well_known(e, m, token, at, err);
    }
    if (token->type != QT_JSON_OBJECT) {
        return qt_place_fail_type(e, at, "an object", token, err);
    }
    return m->kind == QT_MESSAGE_ANY ? put_any(e, at, err) : put_fields(e, m, NULL, bound, at, err);
}

/* ---- the whole request ---- */

static bool is_bound(slice bound, const qt_field *f) {
    for (size_t i = 0; i < bound.count; i++) {
        if (bound.items[i].path.steps[0] == f) {
            return true;
        }
    }
    return false;
}

static qt_code put_body_field(qt_encoder *e, const qt_json_to_wire_input *in,
                              const qt_json_token *token, slice bound, bits *set, qt_err *err) {
    const qt_field *f = in->body_field;
    if (token->type == QT_JSON_NULL) {
        return QT_OK;
    }
    QT_CLEANUP(qt_buf_done) qt_buf mask = {0};
    bool derive = in->mask_field != NULL && !is_bound(bound, in->mask_field);
    e->mask = derive ? &mask : NULL;
    e->masked = derive ? f->message : NULL;
    bit_set(set, f->index);
    if (f->map) {
        QT_TRY(put_map(e, f, token, NULL, err));
    } else if (f->repeated) {
        QT_TRY(put_list(e, f, token, NULL, err));
    } else {
        QT_TRY(put_single(e, f, token, slice_below(bound, f), NULL, err));
    }
    e->mask = NULL;
    e->masked = NULL;
    if (derive) {
        QT_TRY(qt_buf_check(&mask, err));
        qt_wire_add_bytes(e->out, in->mask_field->number, mask.data, mask.len);
    }
    return QT_OK;
}

static qt_code put_body(qt_encoder *e, const qt_json_to_wire_input *in, slice bound, qt_err *err) {
    bits set = {0};
    qt_json_token token;
    QT_TRY(qt_json_next(&e->reader, &token, err));
    if (in->body_field == NULL) {
        QT_TRY(put_message(e, in->message, &token, bound, NULL, err));
    } else {
        QT_TRY(put_body_field(e, in, &token, bound, &set, err));
    }
    QT_TRY(qt_json_next(&e->reader, &token, err)); /* nothing may follow */
    return in->body_field != NULL ? put_bindings(e, in->message, bound, &set, NULL, err) : QT_OK;
}

qt_code qt_json_to_wire(const qt_json_to_wire_input *input, qt_buf *out, qt_err *err) {
    QT_CLEANUP(qt_encoder_done) qt_encoder e = {.schema = input->schema, .out = out};
    slice bound = {.items = input->bindings, .count = input->binding_count};
    if (input->json != NULL) {
        qt_json_reader_init(&e.reader, input->json, input->json_len, input->max_depth);
        QT_TRY(put_body(&e, input, bound, err));
    } else {
        bits set = {0};
        QT_TRY(put_bindings(&e, input->message, bound, &set, NULL, err));
    }
    return qt_buf_check(out, err);
}

static int compare_bindings(const void *a, const void *b) {
    const qt_binding *x = a;
    const qt_binding *y = b;
    for (size_t i = 0; i < x->path.count && i < y->path.count; i++) {
        size_t p = x->path.steps[i]->index;
        size_t q = y->path.steps[i]->index;
        if (p != q) {
            return p < q ? -1 : 1;
        }
    }
    return (x->order > y->order) - (x->order < y->order);
}

void qt_bindings_sort(qt_binding *bindings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bindings[i].order = i;
    }
    if (count > 1) {
        qsort(bindings, count, sizeof *bindings, compare_bindings);
    }
}
