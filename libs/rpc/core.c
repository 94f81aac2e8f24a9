#include "rpc/core.h"

#include "base/log.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <string.h>

/* ---- library ---- */

static void log_core(gpr_log_func_args *args) {
    qt_log(WARN, "grpc", QT_KV_STR("text", args->message), QT_KV_STR("file", args->file),
           QT_KV_INT("line", args->line));
}

/* gpr_log is gone after gRPC 1.65. */
static void set_up_logging(void) {
    gpr_set_log_function(log_core);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

void qt_core_ref(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_logging);
    grpc_init();
}

void qt_core_unref(void) {
    grpc_shutdown();
}

/* ---- time ---- */

int64_t qt_core_remaining_us(gpr_timespec deadline) {
    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
        return INT64_MAX;
    }
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    int64_t us = left.tv_sec * 1000000 + left.tv_nsec / 1000;
    return us > 0 ? us : 0;
}

gpr_timespec qt_core_deadline_in_us(int64_t us) {
    if (us == INT64_MAX) {
        return qt_core_no_deadline();
    }
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(us, GPR_TIMESPAN));
}

gpr_timespec qt_core_no_deadline(void) {
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
}

/* ---- bytes ---- */

grpc_slice qt_core_read_buffer(grpc_byte_buffer *buffer) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
        return grpc_empty_slice();
    }
    grpc_slice first = grpc_empty_slice();
    grpc_slice second;
    bool has_first = grpc_byte_buffer_reader_next(&reader, &first) != 0;
    bool has_second = has_first && grpc_byte_buffer_reader_next(&reader, &second) != 0;
    grpc_byte_buffer_reader_destroy(&reader);
    if (!has_second) {
        return first;
    }
    grpc_slice_unref(first);
    grpc_slice_unref(second);
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
        return grpc_empty_slice();
    }
    grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return whole;
}

static grpc_byte_buffer *buffer_of(grpc_slice slice) {
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

grpc_byte_buffer *qt_core_pack(const ProtobufCMessage *msg) {
    if (!protobuf_c_message_check(msg)) {
        return NULL;
    }
    size_t size = protobuf_c_message_get_packed_size(msg);
    grpc_slice slice = grpc_slice_malloc(size);
    size_t written = protobuf_c_message_pack(msg, GRPC_SLICE_START_PTR(slice));
    assert(written == size);
    return buffer_of(slice);
}

grpc_byte_buffer *qt_core_copy_buffer(const uint8_t *data, size_t len) {
    return buffer_of(len > 0 ? grpc_slice_from_copied_buffer((const char *)data, len)
                             : grpc_empty_slice());
}

/* ---- metadata ---- */

bool qt_core_metadata_is_legal(const char *value) {
    return grpc_header_nonbin_value_is_legal(grpc_slice_from_static_string(value)) != 0;
}

grpc_metadata qt_core_metadata(const char *key, const void *value, size_t len) {
    grpc_metadata md;
    memset(&md, 0, sizeof md);
    md.key = grpc_slice_from_static_string(key);
    md.value = grpc_slice_from_copied_buffer(value, len);
    return md;
}

const grpc_slice *qt_core_find_metadata(const grpc_metadata_array *metadata, const char *key) {
    for (size_t i = 0; i < metadata->count; i++) {
        if (grpc_slice_str_cmp(metadata->metadata[i].key, key) == 0) {
            return &metadata->metadata[i].value;
        }
    }
    return NULL;
}
