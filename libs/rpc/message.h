/* Making protobuf-c messages. Any thread; an arena belongs to one at a time. */
#ifndef QT_RPC_MESSAGE_H
#define QT_RPC_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>

/* A new message in the arena, initialized, with MEMORY_LIMIT when there is no room. `ret_msg` is
 * the address of a pointer to the message's type:
 *   QT_TRY(qt_rpc_message_new(arena, &x__descriptor, &msg, err)); */
qt_code qt_rpc_message_new(qt_arena *arena, const ProtobufCMessageDescriptor *type, void *ret_msg,
                           qt_err *err);

#endif
