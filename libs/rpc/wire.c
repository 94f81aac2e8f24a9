/* Happy path: walk over the fields once, recurse into known sub-messages, nothing is stored. The
 * path of a bad field is found only on failure, by way of the frames on the stack. */
#include "rpc/wire.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5, VARINT_BYTES = 10 };

/* One message that is being walked through. */
typedef struct frame {
    const struct frame *parent;
    const ProtobufCMessageDescriptor *type;
    const uint8_t *start;
    const uint8_t *field_start; /* tag of the field that is looked at */
    const ProtobufCFieldDescriptor *field;
    int depth;
} frame;

typedef struct span {
    const uint8_t *at;
    const uint8_t *end;
} span;

typedef struct tag {
    uint32_t number;
    unsigned wire;
} tag;

static bool read_varint(span *s, uint64_t *ret_v) {
    uint64_t v = 0;
    for (unsigned i = 0; i < VARINT_BYTES && s->at < s->end; i++) {
        uint8_t b = *s->at++;
        v |= (uint64_t)(b & 0x7FU) << (7 * i);
        if ((b & 0x80U) == 0) {
            *ret_v = v;
            return i < VARINT_BYTES - 1 || b <= 1;
        }
    }
    return false;
}

static bool read_tag(span *s, tag *ret_tag) {
    uint64_t v = 0;
    if (!read_varint(s, &v) || v > UINT32_MAX || v >> 3 == 0) {
        return false;
    }
    *ret_tag = (tag){.number = (uint32_t)(v >> 3), .wire = (unsigned)(v & 7)};
    return true;
}

/* The bytes of a field behind its tag, without the length prefix. False for groups and for what
 * ends too early. */
static bool read_body(span *s, unsigned wire, span *ret_body) {
    size_t left = (size_t)(s->end - s->at);
    uint64_t len = 0;
    const uint8_t *start = s->at;
    if (wire == WIRE_VARINT) {
        if (!read_varint(s, &len)) {
            return false;
        }
        *ret_body = (span){start, s->at};
        return true;
    }
    if (wire == WIRE_BYTES) {
        if (!read_varint(s, &len)) {
            return false;
        }
        start = s->at;
        left = (size_t)(s->end - s->at);
    } else if (wire == WIRE_64 || wire == WIRE_32) {
        len = wire == WIRE_64 ? 8 : 4;
    } else {
        return false;
    }
    if (len > left) {
        return false;
    }
    s->at = start + len;
    *ret_body = (span){start, s->at};
    return true;
}

/* ---- the path of a field, for errors ---- */

/* Which element of a repeated field the frame looks at: counts the same tag before it. */
static size_t index_of(const frame *f) {
    span s = {f->start, f->field_start};
    size_t index = 0;
    tag t = {0};
    span body = {0};
    while (s.at < s.end && read_tag(&s, &t) && read_body(&s, t.wire, &body)) {
        index += t.number == f->field->id ? 1 : 0;
    }
    return index;
}

static void write_path(const frame *f, char *path, size_t cap) {
    if (f == NULL) {
        path[0] = '\0';
        return;
    }
    write_path(f->parent, path, cap);
    if (f->field == NULL) {
        return;
    }
    size_t len = strlen(path);
    const char *dot = len > 0 ? "." : "";
    if (f->field->label == PROTOBUF_C_LABEL_REPEATED) {
        snprintf(path + len, cap - len, "%s%s[%zu]", dot, f->field->name, index_of(f));
    } else {
        snprintf(path + len, cap - len, "%s%s", dot, f->field->name);
    }
}

static qt_code fail_at(const frame *f, qt_reason reason, const char *what, qt_err *err) {
    char path[sizeof err->field];
    write_path(f, path, sizeof path);
    return qt_err_raise(err, reason, path, __FILE__, __LINE__, "%s: %s",
                        path[0] != '\0' ? path : f->type->short_name, what);
}

/* ---- the walk ---- */

static bool wire_fits_scalar(ProtobufCType type, unsigned wire) {
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return wire == WIRE_32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return wire == WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return wire == WIRE_BYTES;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return wire == WIRE_VARINT;
    }
    return false;
}

static unsigned element_bytes(ProtobufCType type) {
    if (wire_fits_scalar(type, WIRE_32)) {
        return 4;
    }
    return wire_fits_scalar(type, WIRE_64) ? 8 : 0;
}

static bool packed_is_whole(ProtobufCType type, span body) {
    unsigned fixed = element_bytes(type);
    if (fixed > 0) {
        return (size_t)(body.end - body.at) % fixed == 0;
    }
    uint64_t ignored = 0;
    while (body.at < body.end) {
        if (!read_varint(&body, &ignored)) {
            return false;
        }
    }
    return true;
}

static qt_code check_string(const frame *f, span body, qt_err *err) {
    size_t len = (size_t)(body.end - body.at);
    const char *text = (const char *)body.at;
    if (!qt_utf8_valid(text, len, NULL)) {
        return fail_at(f, QT_REASON_UTF8_INVALID, "the text is not valid UTF-8", err);
    }
    if (len > 0 && memchr(text, '\0', len) != NULL) {
        return fail_at(f, QT_REASON_UTF8_INVALID, "the text holds a NUL", err);
    }
    return QT_OK;
}

static qt_code check_message(frame *f, span s, size_t *budget, qt_err *err);

static qt_code check_submessage(const frame *f, span body, size_t *budget, qt_err *err) {
    if (f->depth + 1 >= QT_RPC_MAX_DEPTH) {
        return fail_at(f, QT_REASON_NESTING_TOO_DEEP, "messages are nested too deep", err);
    }
    frame below = {
        .parent = f, .type = f->field->descriptor, .start = body.at, .depth = f->depth + 1};
    return check_message(&below, body, budget, err);
}

static qt_code check_known(const frame *f, unsigned wire, span body, size_t *budget, qt_err *err) {
    ProtobufCType type = f->field->type;
    if (!wire_fits_scalar(type, wire)) {
        bool packed = f->field->label == PROTOBUF_C_LABEL_REPEATED && wire == WIRE_BYTES;
        if (packed && packed_is_whole(type, body)) {
            return QT_OK;
        }
        return fail_at(f, QT_REASON_MESSAGE_MALFORMED, "the field has another type", err);
    }
    if (type == PROTOBUF_C_TYPE_STRING) {
        return check_string(f, body, err);
    }
    if (type == PROTOBUF_C_TYPE_MESSAGE) {
        return check_submessage(f, body, budget, err);
    }
    return QT_OK;
}

static qt_code check_message(frame *f, span s, size_t *budget, qt_err *err) {
    while (s.at < s.end) {
        f->field_start = s.at;
        f->field = NULL;
        tag t = {0};
        span body = {0};
        if (!read_tag(&s, &t)) {
            return fail_at(f, QT_REASON_MESSAGE_MALFORMED, "a field has no valid tag", err);
        }
        f->field = protobuf_c_message_descriptor_get_field(f->type, t.number);
        if (!read_body(&s, t.wire, &body)) {
            return fail_at(f, QT_REASON_MESSAGE_MALFORMED, "a field does not end, or is a group",
                           err);
        }
        if (*budget == 0) {
            return fail_at(f, QT_REASON_MESSAGE_MALFORMED, "the message has too many fields", err);
        }
        --*budget;
        if (f->field != NULL) {
            QT_TRY(check_known(f, t.wire, body, budget, err));
        }
    }
    return QT_OK;
}

qt_code qt_rpc_check_wire(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
                          qt_err *err) {
    static const uint8_t nothing[1];
    const uint8_t *start = data != NULL ? data : nothing;
    size_t budget = QT_RPC_FIELD_BUDGET;
    frame top = {.type = type, .start = start};
    return check_message(&top, (span){start, start + len}, &budget, err);
}

/* ---- unpack ---- */

typedef struct arena_source {
    qt_arena *arena;
    bool exhausted;
} arena_source;

static void *source_alloc(void *self, size_t size) {
    arena_source *source = self;
    void *p = qt_arena_alloc(source->arena, size);
    source->exhausted = source->exhausted || p == NULL;
    return p;
}

static void source_free(void *self, void *p) {
    (void)self;
    (void)p;
}

qt_code qt_rpc_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
                      qt_arena *arena, ProtobufCMessage **ret_msg, qt_err *err) {
    QT_TRY(qt_rpc_check_wire(type, data, len, err));
    arena_source source = {.arena = arena};
    ProtobufCAllocator allocator = {
        .alloc = source_alloc, .free = source_free, .allocator_data = &source};
    ProtobufCMessage *msg = protobuf_c_message_unpack(type, &allocator, len, data);
    if (msg == NULL && source.exhausted) {
        return qt_fail(err, MEMORY_LIMIT, "%s of %zu bytes needs more than %zu bytes of memory",
                       type->short_name, len, arena->limit_bytes);
    }
    if (msg == NULL) {
        return qt_fail(err, MESSAGE_MALFORMED, "the bytes are no %s", type->short_name);
    }
    *ret_msg = msg;
    return QT_OK;
}
