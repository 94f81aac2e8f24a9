#include "rpc/status.h"

#include "base/cleanup.h"
#include "base/diagnostics.h"
#include "rpc/wire.h"

#include <google/protobuf/duration.pb-c.h>
#include <google/rpc/error_details.pb-c.h>
#include <grpc/status.h>
#include <stdio.h>
#include <string.h>

#define SAME_CODE(name)                                                                            \
    _Static_assert((int)QT_##name == (int)GRPC_STATUS_##name, "qt_code is gRPC's status code")
SAME_CODE(OK);
SAME_CODE(CANCELLED);
SAME_CODE(UNKNOWN);
SAME_CODE(INVALID_ARGUMENT);
SAME_CODE(DEADLINE_EXCEEDED);
SAME_CODE(NOT_FOUND);
SAME_CODE(ALREADY_EXISTS);
SAME_CODE(PERMISSION_DENIED);
SAME_CODE(RESOURCE_EXHAUSTED);
SAME_CODE(FAILED_PRECONDITION);
SAME_CODE(ABORTED);
SAME_CODE(OUT_OF_RANGE);
SAME_CODE(UNIMPLEMENTED);
SAME_CODE(INTERNAL);
SAME_CODE(UNAVAILABLE);
SAME_CODE(DATA_LOSS);
SAME_CODE(UNAUTHENTICATED);

enum { MAX_DETAILS = 3, STATUS_ARENA_BYTES = 64 * 1024 };

/* Peers refuse trailers of more than 8 KiB, which the details are a part of, as base64. */
enum { MAX_VIOLATION_BYTES = 4096 };

#define TYPE_URL_PREFIX "type.googleapis.com/"

const char *qt_rpc_public_message(const qt_err *err) {
    if (err->code == QT_INTERNAL || err->code == QT_UNKNOWN) {
        return "internal error; the service's log has more under the request id";
    }
    return err->msg;
}

/* ---- to the wire ---- */

static void *arena_message(qt_arena *arena, const ProtobufCMessageDescriptor *type) {
    ProtobufCMessage *msg = qt_arena_alloc(arena, type->sizeof_message);
    if (msg != NULL) {
        protobuf_c_message_init(type, msg);
    }
    return msg;
}

static Google__Protobuf__Any *any_of(const ProtobufCMessage *msg, qt_arena *arena) {
    Google__Protobuf__Any *any = arena_message(arena, &google__protobuf__any__descriptor);
    size_t size = protobuf_c_message_get_packed_size(msg);
    uint8_t *bytes = qt_arena_alloc(arena, size);
    char *url = qt_arena_printf(arena, TYPE_URL_PREFIX "%s", msg->descriptor->name);
    if (any == NULL || bytes == NULL || url == NULL) {
        return NULL;
    }
    any->type_url = url;
    any->value = (ProtobufCBinaryData){.len = protobuf_c_message_pack(msg, bytes), .data = bytes};
    return any;
}

static Google__Protobuf__Any *error_info(const qt_err *err, const char *request_id,
                                         qt_arena *arena) {
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Rpc__ErrorInfo__MetadataEntry entry = GOOGLE__RPC__ERROR_INFO__METADATA_ENTRY__INIT;
    Google__Rpc__ErrorInfo__MetadataEntry *entries[] = {&entry};
    char key[] = "request_id";
    char domain[] = QT_RPC_ERROR_DOMAIN;
    info.reason = qt_arena_strdup(arena, qt_reason_name(err->reason));
    info.domain = domain;
    if (request_id != NULL && request_id[0] != '\0') {
        entry.key = key;
        entry.value = qt_arena_strdup(arena, request_id);
        info.metadata = entries;
        info.n_metadata = 1;
    }
    return any_of(&info.base, arena);
}

typedef Google__Rpc__BadRequest__FieldViolation field_violation;

/* NULL when the arena is exhausted. */
static field_violation *violation(const qt_err *err, qt_reason reason, const char *description,
                                  qt_arena *arena) {
    field_violation *v =
        arena_message(arena, &google__rpc__bad_request__field_violation__descriptor);
    if (v == NULL) {
        return NULL;
    }
    v->field = qt_arena_strdup(arena, err->field);
    v->description = qt_arena_strdup(arena, description);
    v->reason = (char *)(uintptr_t)qt_reason_name(reason); /* static storage */
    return v->field != NULL && v->description != NULL ? v : NULL;
}

/* One violation for each error in the text that the field holds, as many as fit. */
static void add_violations(const qt_err *err, qt_arena *arena, Google__Rpc__BadRequest *bad) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < err->diagnostics->count; i++) {
        const qt_diagnostic *d = &err->diagnostics->items[i];
        qt_buf_clear(&text);
        qt_diagnostic_sentence(d, &text);
        field_violation *v = violation(err, d->reason, qt_buf_str(&text), arena);
        bytes += v != NULL ? protobuf_c_message_get_packed_size(&v->base) : 0;
        if (v == NULL || text.failed || (i > 0 && bytes > MAX_VIOLATION_BYTES)) {
            return;
        }
        bad->field_violations[bad->n_field_violations++] = v;
    }
}

static Google__Protobuf__Any *bad_request(const qt_err *err, qt_arena *arena) {
    Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
    size_t count = err->diagnostics != NULL ? err->diagnostics->count : 0;
    bad.field_violations = qt_arena_alloc(arena, (count + 1) * sizeof *bad.field_violations);
    if (bad.field_violations == NULL) {
        return NULL;
    }
    if (count > 0) {
        add_violations(err, arena, &bad);
    }
    if (bad.n_field_violations == 0) {
        field_violation *v = violation(err, err->reason, qt_rpc_public_message(err), arena);
        if (v == NULL) {
            return NULL;
        }
        bad.field_violations[bad.n_field_violations++] = v;
    }
    return any_of(&bad.base, arena);
}

static Google__Protobuf__Any *retry_info(const qt_err *err, qt_arena *arena) {
    Google__Rpc__RetryInfo info = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    delay.seconds = err->retry_after_ms / 1000;
    delay.nanos = (int32_t)(err->retry_after_ms % 1000 * 1000000);
    info.retry_delay = &delay;
    return any_of(&info.base, arena);
}

Google__Rpc__Status *qt_rpc_err_to_status(const qt_err *err, const char *request_id,
                                          qt_arena *arena) {
    Google__Rpc__Status *status = arena_message(arena, &google__rpc__status__descriptor);
    Google__Protobuf__Any **details = qt_arena_alloc(arena, MAX_DETAILS * sizeof *details);
    if (status == NULL || details == NULL) {
        return NULL;
    }
    status->code = (int32_t)err->code;
    status->message = qt_arena_strdup(arena, qt_rpc_public_message(err));
    status->details = details;
    details[status->n_details++] = error_info(err, request_id, arena);
    if (err->field[0] != '\0') {
        details[status->n_details++] = bad_request(err, arena);
    }
    if (err->retry_after_ms > 0) {
        details[status->n_details++] = retry_info(err, arena);
    }
    bool complete = status->message != NULL;
    for (size_t i = 0; i < status->n_details; i++) {
        complete = complete && details[i] != NULL;
    }
    return complete ? status : NULL;
}

void qt_rpc_err_to_status_bytes(const qt_err *err, const char *request_id, qt_buf *out) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, STATUS_ARENA_BYTES);
    Google__Rpc__Status *status = qt_rpc_err_to_status(err, request_id, &arena);
    if (status == NULL) {
        return; /* no memory: the code and the text still reach the client */
    }
    char *to = qt_buf_reserve(out, google__rpc__status__get_packed_size(status));
    if (to != NULL) {
        out->len += google__rpc__status__pack(status, (uint8_t *)to);
    }
}

/* ---- from the wire ---- */

static bool any_is(const Google__Protobuf__Any *any, const ProtobufCMessageDescriptor *type) {
    const char *name = strrchr(any->type_url, '/');
    return name != NULL && strcmp(name + 1, type->name) == 0;
}

/* NULL when the detail is of another type or cannot be read. */
static void *read_detail(const Google__Protobuf__Any *any, const ProtobufCMessageDescriptor *type,
                         qt_arena *arena) {
    ProtobufCMessage *msg = NULL;
    qt_err ignored;
    if (!any_is(any, type) ||
        qt_rpc_unpack(type, any->value.data, any->value.len, arena, &msg, &ignored) != QT_OK) {
        return NULL;
    }
    return msg;
}

typedef struct remote_details {
    const char *reason;
    const char *field;
    int64_t retry_after_ms;
} remote_details;

static int64_t delay_ms(const Google__Protobuf__Duration *delay) {
    enum { MAX_DELAY_S = 86400 };
    if (delay == NULL || delay->seconds < 0 || delay->nanos < 0) {
        return 0;
    }
    int64_t seconds = delay->seconds < MAX_DELAY_S ? delay->seconds : MAX_DELAY_S;
    return seconds * 1000 + delay->nanos / 1000000;
}

static void read_any(const Google__Protobuf__Any *any, qt_arena *arena, remote_details *into) {
    const Google__Rpc__ErrorInfo *info =
        read_detail(any, &google__rpc__error_info__descriptor, arena);
    const Google__Rpc__BadRequest *bad =
        read_detail(any, &google__rpc__bad_request__descriptor, arena);
    const Google__Rpc__RetryInfo *retry =
        read_detail(any, &google__rpc__retry_info__descriptor, arena);
    if (info != NULL) {
        into->reason = info->reason;
    }
    if (bad != NULL && bad->n_field_violations > 0) {
        into->field = bad->field_violations[0]->field;
    }
    if (retry != NULL) {
        into->retry_after_ms = delay_ms(retry->retry_delay);
    }
}

static remote_details read_details(const uint8_t *details, size_t len, qt_arena *arena) {
    remote_details into = {.reason = "", .field = ""};
    ProtobufCMessage *msg = NULL;
    qt_err ignored;
    if (len == 0 || qt_rpc_unpack(&google__rpc__status__descriptor, details, len, arena, &msg,
                                  &ignored) != QT_OK) {
        return into;
    }
    const Google__Rpc__Status *status = (const Google__Rpc__Status *)msg;
    for (size_t i = 0; i < status->n_details; i++) {
        read_any(status->details[i], arena, &into);
    }
    return into;
}

/* The reason of an error that gRPC itself made, without details. */
static qt_reason reason_of_code(qt_code code) {
    static const qt_reason reasons[] = {
        [QT_CANCELLED] = QT_REASON_CALL_CANCELLED,
        [QT_DEADLINE_EXCEEDED] = QT_REASON_DEADLINE_EXCEEDED,
        [QT_RESOURCE_EXHAUSTED] = QT_REASON_MESSAGE_TOO_LARGE,
        [QT_UNIMPLEMENTED] = QT_REASON_METHOD_UNKNOWN,
        [QT_UNAVAILABLE] = QT_REASON_SERVICE_UNAVAILABLE,
        [QT_UNAUTHENTICATED] = QT_REASON_UNAUTHENTICATED,
    };
    size_t i = (size_t)code;
    qt_reason reason = i < QT_ARRAY_LEN(reasons) ? reasons[i] : QT_REASON_NONE;
    return reason != QT_REASON_NONE ? reason : QT_REASON_REMOTE_ERROR;
}

qt_code qt_rpc_err_from_status(qt_code code, const char *msg, const uint8_t *details,
                               size_t details_len, qt_err *ret_err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, STATUS_ARENA_BYTES);
    remote_details got = read_details(details, details_len, &arena);
    const char *reason = got.reason[0] != '\0' ? got.reason : qt_reason_name(reason_of_code(code));
    qt_code ret = qt_err_raise_remote(ret_err, code, reason, msg);
    ret_err->retry_after_ms = got.retry_after_ms;
    snprintf(ret_err->field, sizeof ret_err->field, "%s", got.field);
    return ret;
}
