/* The check of protobuf messages: what it lets pass must unpack, be whole for protobuf-c, and come
 * back the same when it is packed and unpacked again. The first byte picks the type. */
#include "rpc/wire.h"

#include <google/protobuf/descriptor.pb-c.h>
#include <google/rpc/status.pb-c.h>
#include <grpc/reflection/v1/reflection.pb-c.h>
#include <qtaskdist/v1/task_requests.pb-c.h>
#include <qtaskdist/v1/task_worker.pb-c.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const ProtobufCMessageDescriptor *const types[] = {
    &qtaskdist__v1__batch_create_tasks_request__descriptor,
    &qtaskdist__v1__create_task_request__descriptor,
    &qtaskdist__v1__list_tasks_request__descriptor,
    &qtaskdist__v1__complete_tasks_request__descriptor,
    &qtaskdist__v1__task__descriptor,
    &google__rpc__status__descriptor,
    &grpc__reflection__v1__server_reflection_request__descriptor,
    &google__protobuf__descriptor_proto__descriptor,
};

enum { ARENA_BYTES = 16 << 20 };

static void must(int condition) {
    if (!condition) {
        abort();
    }
}

static void check_again(const ProtobufCMessage *msg) {
    must(protobuf_c_message_check(msg));
    size_t size = protobuf_c_message_get_packed_size(msg);
    uint8_t *packed = malloc(size > 0 ? size : 1);
    must(packed != NULL);
    must(protobuf_c_message_pack(msg, packed) == size);
    qt_arena arena;
    qt_arena_init(&arena, 0);
    ProtobufCMessage *again = NULL;
    qt_err err;
    must(qt_rpc_unpack(msg->descriptor, packed, size, &arena, &again, &err) == QT_OK);
    must(protobuf_c_message_get_packed_size(again) == size);
    qt_arena_done(&arena);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0) {
        return 0;
    }
    const ProtobufCMessageDescriptor *type = types[data[0] % (sizeof types / sizeof *types)];
    qt_arena arena;
    qt_arena_init(&arena, ARENA_BYTES);
    ProtobufCMessage *msg = NULL;
    qt_err err;
    qt_code code = qt_rpc_unpack(type, data + 1, len - 1, &arena, &msg, &err);
    if (code == QT_OK) {
        check_again(msg);
    } else {
        must(code == QT_INVALID_ARGUMENT || code == QT_RESOURCE_EXHAUSTED);
    }
    qt_arena_done(&arena);
    return 0;
}
