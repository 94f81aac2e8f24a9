/* Reads protobuf messages from outside into an arena.
 *
 * protobuf-c itself has no recursion limit, takes invalid UTF-8 and cuts strings at a NUL, so the
 * bytes are checked against the descriptor first, without memory. Any thread. */
#ifndef QT_RPC_WIRE_H
#define QT_RPC_WIRE_H

#include "base/arena.h"
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QT_RPC_MAX_DEPTH = 64,           /* messages inside messages */
    QT_RPC_FIELD_BUDGET = 4 << 20,   /* fields of a message and all below it */
    QT_RPC_ARENA_FACTOR = 8,         /* an arena may hold that many times the message limit */
    QT_RPC_ARENA_FLOOR = 256 * 1024, /* bytes that the arena of any call may hold */
};

/* Checks depth, field count, wire types, lengths, UTF-8 and NUL. INVALID_ARGUMENT
 * (MESSAGE_MALFORMED, NESTING_TOO_DEEP, UTF8_INVALID) with the path of the field, e.g.
 * "tasks[3].payload.entry_point". data may be NULL when len is 0. */
qt_code qt_rpc_check_wire(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
                          qt_err *err);

/* Checks and unpacks. The message and all below it live in the arena; protobuf_c_message_free
 * must not be called. MEMORY_LIMIT when the arena is full. */
qt_code qt_rpc_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len,
                      qt_arena *arena, ProtobufCMessage **ret_msg, qt_err *err);

#endif
