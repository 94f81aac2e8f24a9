#include "gateway/wire.h"

#include <string.h>

enum { MAX_VARINT_BYTES = 10 };

static bool read_varint(qt_wire_reader *r, uint64_t *ret_value) {
    uint64_t v = 0;
    for (unsigned i = 0; i < MAX_VARINT_BYTES && r->pos < r->end; i++) {
        uint8_t byte = *r->pos++;
        v |= (uint64_t)(byte & 0x7FU) << (7 * i);
        if (byte < 0x80) {
            *ret_value = v;
            return true;
        }
    }
    return false;
}

static bool read_fixed(qt_wire_reader *r, size_t size, uint64_t *ret_value) {
    if ((size_t)(r->end - r->pos) < size) {
        return false;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++) {
        v |= (uint64_t)r->pos[i] << (8 * i);
    }
    r->pos += size;
    *ret_value = v;
    return true;
}

static bool read_bytes(qt_wire_reader *r, qt_wire_field *field) {
    uint64_t len = 0;
    if (!read_varint(r, &len) || len > (uint64_t)(r->end - r->pos)) {
        return false;
    }
    field->data = r->pos;
    field->len = (size_t)len;
    r->pos += len;
    return true;
}

static bool read_value(qt_wire_reader *r, qt_wire_field *field) {
    switch (field->type) {
    case QT_WIRE_VARINT:
        return read_varint(r, &field->value);
    case QT_WIRE_FIXED64:
        return read_fixed(r, 8, &field->value);
    case QT_WIRE_BYTES:
        return read_bytes(r, field);
    case QT_WIRE_FIXED32:
        return read_fixed(r, 4, &field->value);
    }
    return false;
}

qt_wire_step qt_wire_next(qt_wire_reader *reader, qt_wire_field *ret_field) {
    enum { MAX_NUMBER = (1 << 29) - 1 };
    if (reader->pos == reader->end) {
        return QT_WIRE_DONE;
    }
    uint64_t tag = 0;
    if (!read_varint(reader, &tag) || tag >> 3 == 0 || tag >> 3 > MAX_NUMBER) {
        return QT_WIRE_BAD;
    }
    qt_wire_field field = {.number = (uint32_t)(tag >> 3), .type = (qt_wire_type)(tag & 7)};
    if (!read_value(reader, &field)) {
        return QT_WIRE_BAD;
    }
    *ret_field = field;
    return QT_WIRE_FIELD;
}

qt_wire_step qt_wire_next_packed(qt_wire_reader *reader, qt_wire_type type,
                                 qt_wire_field *ret_field) {
    if (reader->pos == reader->end) {
        return QT_WIRE_DONE;
    }
    ret_field->type = type;
    return read_value(reader, ret_field) ? QT_WIRE_FIELD : QT_WIRE_BAD;
}

static size_t put_varint(uint8_t *to, uint64_t v) {
    size_t len = 0;
    while (v >= 0x80) {
        to[len++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    to[len++] = (uint8_t)v;
    return len;
}

void qt_wire_add_varint(qt_buf *out, uint64_t v) {
    uint8_t bytes[MAX_VARINT_BYTES];
    qt_buf_add(out, bytes, put_varint(bytes, v));
}

static void add_fixed(qt_buf *out, uint64_t v, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(v >> (8 * i));
    }
    qt_buf_add(out, bytes, size);
}

void qt_wire_add_fixed32(qt_buf *out, uint32_t v) {
    add_fixed(out, v, 4);
}

void qt_wire_add_fixed64(qt_buf *out, uint64_t v) {
    add_fixed(out, v, 8);
}

void qt_wire_add_tag(qt_buf *out, uint32_t number, qt_wire_type type) {
    qt_wire_add_varint(out, (uint64_t)number << 3 | (uint64_t)type);
}

void qt_wire_add_bytes(qt_buf *out, uint32_t number, const void *data, size_t len) {
    qt_wire_add_tag(out, number, QT_WIRE_BYTES);
    qt_wire_add_varint(out, len);
    qt_buf_add(out, data, len);
}

/* One byte is reserved for the length; longer parts are moved once when they are closed. */
size_t qt_wire_open(qt_buf *out) {
    qt_buf_add_char(out, '\0');
    return out->len;
}

void qt_wire_close(qt_buf *out, size_t at) {
    if (out->failed) {
        return;
    }
    uint8_t bytes[MAX_VARINT_BYTES];
    size_t part = out->len - at;
    size_t prefix = put_varint(bytes, part);
    if (prefix > 1 && qt_buf_reserve(out, prefix - 1) == NULL) {
        return;
    }
    memmove(out->data + at + prefix - 1, out->data + at, part);
    memcpy(out->data + at - 1, bytes, prefix);
    out->len += prefix - 1;
    out->data[out->len] = '\0';
}
