#include "services/task-svc/codec.h"

#include "base/cleanup.h"

#include <string.h>

_Static_assert((int)QT_TASK_STATUS_CANCELLED ==
                   (int)QTASKDIST__V1__TASK_STATUS__TASK_STATUS_CANCELLED,
               "statuses have the numbers of the contract");
_Static_assert((int)QT_TASK_STATUS_CANCELLING ==
                   (int)QTASKDIST__V1__TASK_STATUS__TASK_STATUS_CANCELLING,
               "statuses have the numbers of the contract");

static void *arena_alloc(void *arena, size_t size) {
    return qt_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *ptr) {
    (void)arena;
    (void)ptr;
}

qt_code qt_pb_unpack(qt_arena *arena, const ProtobufCMessageDescriptor *type, qt_span bytes,
                     void *ret_msg, qt_err *err) {
    ProtobufCAllocator allocator = {
        .alloc = arena_alloc, .free = arena_free, .allocator_data = arena};
    ProtobufCMessage *msg =
        protobuf_c_message_unpack(type, &allocator, bytes.len, (const uint8_t *)bytes.p);
    if (msg == NULL) {
        return qt_fail(err, DATA_CORRUPT, "stored %s cannot be read", type->short_name);
    }
    *(void **)ret_msg = msg;
    return QT_OK;
}

qt_code qt_pb_pack(qt_arena *arena, const ProtobufCMessage *msg, qt_span *ret_bytes, qt_err *err) {
    void *bytes = NULL;
    size_t len = protobuf_c_message_get_packed_size(msg);
    QT_TRY(qt_arena_try_alloc(arena, len + 1, &bytes, err));
    protobuf_c_message_pack(msg, bytes);
    *ret_bytes = (qt_span){bytes, len};
    return QT_OK;
}

void qt_pb_time_set(int64_t us, Google__Protobuf__Timestamp *time) {
    time->seconds = us / 1000000;
    time->nanos = (int32_t)(us % 1000000 * 1000);
}

qt_code qt_pb_time(qt_arena *arena, int64_t us, Google__Protobuf__Timestamp **ret_time,
                   qt_err *err) {
    Google__Protobuf__Timestamp *time = NULL;
    if (us != 0) {
        QT_TRY(qt_rpc_message_new(arena, &google__protobuf__timestamp__descriptor, &time, err));
        qt_pb_time_set(us, time);
    }
    *ret_time = time;
    return QT_OK;
}

int64_t qt_pb_time_us(const Google__Protobuf__Timestamp *time) {
    return time != NULL ? time->seconds * 1000000 + time->nanos / 1000 : 0;
}

static qt_code copy_text(qt_arena *arena, qt_span text, char **ret_text, qt_err *err) {
    if (text.p == NULL) {
        return QT_OK; /* stays "" */
    }
    char *copy = qt_arena_strndup(arena, text.p, text.len);
    if (copy == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no room for a text");
    }
    *ret_text = copy;
    return QT_OK;
}

static qt_code set_times(qt_arena *arena, const qt_row *row, Qtaskdist__V1__Task *task,
                         qt_err *err) {
    QT_TRY(qt_pb_time(arena, row->created_us, &task->created_at, err));
    QT_TRY(qt_pb_time(arena, row->updated_us, &task->updated_at, err));
    QT_TRY(qt_pb_time(arena, row->scheduled_us, &task->scheduled_for, err));
    QT_TRY(qt_pb_time(arena, row->started_us, &task->started_at, err));
    return qt_pb_time(arena, row->finished_us, &task->finished_at, err);
}

static qt_code set_messages(qt_arena *arena, const qt_row *row, bool omit_large,
                            Qtaskdist__V1__Task *task, qt_err *err) {
    if (row->spec.p != NULL) {
        QT_TRY(qt_pb_unpack(arena, &qtaskdist__v1__task_payload__descriptor, row->spec,
                            &task->payload, err));
        if (omit_large) {
            task->payload->circuit_data = (char *)(uintptr_t)protobuf_c_empty_string;
        }
    }
    if (row->result.p != NULL && !omit_large) {
        QT_TRY(qt_pb_unpack(arena, &qtaskdist__v1__task_result__descriptor, row->result,
                            &task->result, err));
    }
    if (row->meta_data.p != NULL) {
        QT_TRY(qt_meta_from_json(arena, row->meta_data, &task->meta_data, &task->n_meta_data, err));
    }
    return QT_OK;
}

qt_code qt_task_from_row(qt_arena *arena, const qt_row *row, bool omit_large,
                         Qtaskdist__V1__Task **ret_task, qt_err *err) {
    Qtaskdist__V1__Task *task = NULL;
    void *id = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__task__descriptor, &task, err));
    QT_TRY(qt_arena_try_alloc(arena, QT_UUID_TEXT_BYTES, &id, err));
    qt_uuid_format(&row->id, id);
    task->task_id = id;
    task->task_type = (Qtaskdist__V1__TaskType)row->type;
    task->status = (Qtaskdist__V1__TaskStatus)qt_task_status_of((qt_task_state)row->state);
    task->retry_count = row->retry_count;
    task->max_retries = row->max_retries;
    task->priority = (Qtaskdist__V1__TaskPriority)row->priority;
    task->attempt = row->attempt;
    task->progress = row->progress;
    task->version = row->version;
    QT_TRY(copy_text(arena, row->project, &task->project, err));
    QT_TRY(copy_text(arena, row->error, &task->error, err));
    QT_TRY(copy_text(arena, row->error_reason, &task->error_reason, err));
    QT_TRY(set_times(arena, row, task, err));
    QT_TRY(set_messages(arena, row, omit_large, task, err));
    *ret_task = task;
    return QT_OK;
}
