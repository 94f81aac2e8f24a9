#include "rpc/message.h"

qt_code qt_rpc_message_new(qt_arena *arena, const ProtobufCMessageDescriptor *type, void *ret_msg,
                           qt_err *err) {
    void *msg = NULL;
    QT_TRY(qt_arena_try_alloc(arena, type->sizeof_message, &msg, err));
    protobuf_c_message_init(type, msg);
    *(void **)ret_msg = msg;
    return QT_OK;
}
