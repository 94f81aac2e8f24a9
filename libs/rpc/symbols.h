/* An index of a FileDescriptorSet by file, symbol and extension, for reflection. Read-only once
 * made. Internal. */
#ifndef QT_RPC_SYMBOLS_H
#define QT_RPC_SYMBOLS_H

#include "base/arena.h"

#include <google/protobuf/descriptor.pb-c.h>
#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

typedef struct qt_rpc_symbols qt_rpc_symbols;

typedef struct qt_rpc_extension {
    const char *extendee; /* "google.protobuf.MethodOptions" */
    int32_t number;
    int file;
} qt_rpc_extension;

/* Everything lives in the arena; the bytes are not needed afterwards. */
qt_code qt_rpc_symbols_new(const uint8_t *data, size_t len, qt_arena *arena,
                           qt_rpc_symbols **ret_symbols, qt_err *err);
/* Index of a file; -1 if none. */
int qt_rpc_symbols_file(const qt_rpc_symbols *symbols, const char *name);
/* Index of the file that defines a message, enum, service, method, field or extension. */
int qt_rpc_symbols_find(const qt_rpc_symbols *symbols, const char *full_name);
/* The serialized FileDescriptorProto, without comments. */
ProtobufCBinaryData qt_rpc_symbols_bytes(const qt_rpc_symbols *symbols, int file);
size_t qt_rpc_symbols_file_count(const qt_rpc_symbols *symbols);
/* Indexes of the files that a file imports; count in *ret_count. */
const int *qt_rpc_symbols_imports(const qt_rpc_symbols *symbols, int file, size_t *ret_count);
const qt_rpc_extension *qt_rpc_symbols_extensions(const qt_rpc_symbols *symbols, size_t *ret_count);

#endif
