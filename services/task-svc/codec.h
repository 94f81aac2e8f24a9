/* Between stored rows and protobuf-c messages. Messages live in an arena. */
#ifndef QT_TASK_SVC_CODEC_H
#define QT_TASK_SVC_CODEC_H

#include "qtaskdist/v1/task.pb-c.h"
#include "qtaskdist/v1/task_requests.pb-c.h"
#include "rpc/message.h"
#include "services/task-svc/row.h"

/* Reads stored bytes; DATA_CORRUPT when they are not the message. */
qt_code qt_pb_unpack(qt_arena *arena, const ProtobufCMessageDescriptor *type, qt_span bytes,
                     void *ret_msg, qt_err *err);
qt_code qt_pb_pack(qt_arena *arena, const ProtobufCMessage *msg, qt_span *ret_bytes, qt_err *err);
void qt_pb_time_set(int64_t us, Google__Protobuf__Timestamp *time);
/* NULL for 0. */
qt_code qt_pb_time(qt_arena *arena, int64_t us, Google__Protobuf__Timestamp **ret_time,
                   qt_err *err);
/* 0 for NULL. */
int64_t qt_pb_time_us(const Google__Protobuf__Timestamp *time);

/* The task that users see. With omit_large, circuit_data and the result are left out. Texts are
 * copied, so the row may go. */
qt_code qt_task_from_row(qt_arena *arena, const qt_row *row, bool omit_large,
                         Qtaskdist__V1__Task **ret_task, qt_err *err);

/* meta_data as a JSON object; CreateTaskRequest has entries of the same layout. */
qt_code qt_meta_to_json(qt_arena *arena, Qtaskdist__V1__Task__MetaDataEntry *const *entries,
                        size_t count, qt_span *ret_json, qt_err *err);
/* The reverse. What is no scalar is left out. */
qt_code qt_meta_from_json(qt_arena *arena, qt_span json,
                          Qtaskdist__V1__Task__MetaDataEntry ***ret_entries, size_t *ret_count,
                          qt_err *err);

#endif
