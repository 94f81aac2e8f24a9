/* The few things that client and server share on gRPC core. What may change between gRPC versions
 * (logging, TLS options, where headers live) is in core.c and core_tls.c alone. Internal. */
#ifndef QT_RPC_CORE_H
#define QT_RPC_CORE_H

#include "base/err.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

/* Keepalive of both sides comes from one place: a client that pings more often than the server
 * allows gets ENHANCE_YOUR_CALM and loses its connection. */
enum {
    QT_KEEPALIVE_TIME_MS = 30000,
    QT_KEEPALIVE_TIMEOUT_MS = 10000,
    QT_KEEPALIVE_MIN_ALLOWED_MS = 10000,
};

#define QT_MD_REQUEST_ID "x-request-id"
#define QT_MD_TRACEPARENT "traceparent"
#define QT_MD_STATUS_DETAILS "grpc-status-details-bin"

/* gRPC is set up with the first reference and cleaned up with the last. A process must not fork()
 * without exec() between the two. */
void qt_core_ref(void);
void qt_core_unref(void);

/* Microseconds until a deadline of any clock; INT64_MAX when it is infinite, never negative.
 * gpr aborts when times of different clocks are compared, so nobody else looks at them. */
int64_t qt_core_remaining_us(gpr_timespec deadline);
gpr_timespec qt_core_deadline_in_us(int64_t us);
gpr_timespec qt_core_no_deadline(void);

/* All bytes of a message; the caller unrefs the slice. Copies only when they lie in pieces. */
grpc_slice qt_core_read_buffer(grpc_byte_buffer *buffer);
/* The packed message; NULL when a repeated field holds NULL, which protobuf-c would follow. The
 * caller destroys it, also after it was sent. */
grpc_byte_buffer *qt_core_pack(const ProtobufCMessage *msg);
/* A copy of the bytes as a buffer to send. */
grpc_byte_buffer *qt_core_copy_buffer(const uint8_t *data, size_t len);

/* Whether gRPC accepts the text as the value of a metadata entry. */
bool qt_core_metadata_is_legal(const char *value);
/* An entry whose value is copied; key is static. Unref the value when the batch was started. */
grpc_metadata qt_core_metadata(const char *key, const void *value, size_t len);
/* The first entry of that key; NULL if none. */
const grpc_slice *qt_core_find_metadata(const grpc_metadata_array *metadata, const char *key);

typedef struct qt_core_tls_files {
    const char *cert_file; /* "" or NULL: none */
    const char *key_file;
    const char *ca_file;
} qt_core_tls_files;

/* Credentials from files, which are read again when they change. Without cert_file the server is
 * insecure; with ca_file clients must show a certificate of it. */
qt_code qt_core_server_creds(const qt_core_tls_files *files, grpc_server_credentials **ret_creds,
                             qt_err *err);
/* Without ca_file the channel is insecure. */
qt_code qt_core_channel_creds(const qt_core_tls_files *files, grpc_channel_credentials **ret_creds,
                              qt_err *err);

#endif
