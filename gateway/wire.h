/* Protobuf's wire format: reading field by field, and appending to a qt_buf.
 *
 * The reader works on borrowed bytes and allocates nothing. Groups are refused. Any thread. */
#ifndef QT_GATEWAY_WIRE_H
#define QT_GATEWAY_WIRE_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

typedef enum qt_wire_type {
    QT_WIRE_VARINT = 0,
    QT_WIRE_FIXED64 = 1,
    QT_WIRE_BYTES = 2,
    QT_WIRE_FIXED32 = 5,
} qt_wire_type;

typedef struct qt_wire_reader {
    const uint8_t *pos;
    const uint8_t *end;
} qt_wire_reader;

typedef struct qt_wire_field {
    uint32_t number;
    qt_wire_type type;
    uint64_t value;      /* VARINT, FIXED32, FIXED64 */
    const uint8_t *data; /* BYTES */
    size_t len;
} qt_wire_field;

typedef enum qt_wire_step {
    QT_WIRE_FIELD, /* *ret_field is filled */
    QT_WIRE_DONE,  /* no more */
    QT_WIRE_BAD,   /* not the wire format */
} qt_wire_step;

static inline qt_wire_reader qt_wire_reader_make(const void *data, size_t len) {
    const uint8_t *bytes = (const uint8_t *)data;
    return (qt_wire_reader){.pos = bytes, .end = len > 0 ? bytes + len : bytes};
}

qt_wire_step qt_wire_next(qt_wire_reader *reader, qt_wire_field *ret_field);
/* One element of packed bytes; `type` is not BYTES. Only number, type and value are filled. */
qt_wire_step qt_wire_next_packed(qt_wire_reader *reader, qt_wire_type type,
                                 qt_wire_field *ret_field);

static inline int64_t qt_wire_unzigzag(uint64_t v) {
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static inline uint64_t qt_wire_zigzag(int64_t v) {
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

void qt_wire_add_varint(qt_buf *out, uint64_t v);
void qt_wire_add_fixed32(qt_buf *out, uint32_t v);
void qt_wire_add_fixed64(qt_buf *out, uint64_t v);
void qt_wire_add_tag(qt_buf *out, uint32_t number, qt_wire_type type);
void qt_wire_add_bytes(qt_buf *out, uint32_t number, const void *data, size_t len);

/* Starts a length-prefixed part whose length is not known yet; qt_wire_close() with the returned
 * place puts the length in front of what was appended since. Parts nest. */
size_t qt_wire_open(qt_buf *out);
void qt_wire_close(qt_buf *out, size_t at);

#endif
