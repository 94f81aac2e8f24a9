/* What users may send. Errors name the field's path. */
#ifndef QT_TASK_SVC_VALIDATE_H
#define QT_TASK_SVC_VALIDATE_H

#include "qtaskdist/v1/task_requests.pb-c.h"
#include "services/task-svc/config.h"
#include "services/task-svc/op.h"

enum {
    QT_DEFAULT_MAX_RETRIES = 3,
    QT_DEFAULT_SHOTS = 1024,
};

/* A payload for a type: which fields hold for which type, limits, languages. */
qt_code qt_validate_payload(const qt_config *config, Qtaskdist__V1__TaskType type,
                            const Qtaskdist__V1__TaskPayload *payload, qt_err *err);
/* Everything of a create but the circuit itself. */
qt_code qt_validate_create(const qt_config *config, const Qtaskdist__V1__CreateTaskRequest *req,
                           qt_err *err);

qt_code qt_validate_meta(Qtaskdist__V1__Task__MetaDataEntry *const *entries, size_t count,
                         qt_err *err);
qt_code qt_validate_project(const char *project, qt_err *err);
qt_code qt_validate_max_retries(int32_t max_retries, qt_err *err);
qt_code qt_validate_priority(Qtaskdist__V1__TaskPriority priority, qt_err *err);
qt_code qt_validate_time(const Google__Protobuf__Timestamp *time, const char *field, qt_err *err);
/* Parses a task id; `field` is its path. */
qt_code qt_validate_id(const char *text, const char *field, qt_uuid *ret_id, qt_err *err);
/* 1 to 128 bytes. */
qt_code qt_validate_worker(const char *worker_id, qt_err *err);

#endif
