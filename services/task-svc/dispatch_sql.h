/* The statements of the periodic jobs, on one connection. */
#ifndef QT_TASK_SVC_DISPATCH_SQL_H
#define QT_TASK_SVC_DISPATCH_SQL_H

#include "pq/pq.h"
#include "services/task-svc/row.h"

/* A task that a job found, with what guards its operation. */
typedef struct qt_found {
    qt_uuid id;
    int64_t fence;
    int32_t dispatch_seq;
    bool has_job; /* at an outside device, or may have; of expired ones only */
} qt_found;

enum { QT_FIND_LIMIT = 1000 }; /* rows of one search */

qt_pq *qt_dispatch_sql_new(const char *url, int64_t connect_timeout_ms, int64_t command_timeout_ms);

/* Takes the lock number `key` for as long as the connection lives; false: another has it. */
qt_code qt_dispatch_sql_lock(qt_pq *pq, int64_t key, bool *ret_mine, qt_err *err);

/* Open tasks of one type. */
typedef struct qt_type_counts {
    int64_t dispatched;
    int64_t running; /* claimed by workers */
    bool has_line;   /* whether any is ready */
} qt_type_counts;

/* Fills an array of QT_TASK_TYPES; types that are not there stay as they are. */
qt_code qt_dispatch_sql_count(qt_pq *pq, qt_type_counts *ret_counts, qt_err *err);

/* How many tasks have that type and status. */
typedef struct qt_task_count {
    int32_t type;
    qt_task_status status;
    int64_t count;
} qt_task_count;
enum { QT_TASK_COUNTS = QT_TASK_TYPES * QT_TASK_STATUS_COUNT };
/* Of all that are not final; those without any are left out. Room for QT_TASK_COUNTS. */
qt_code qt_dispatch_sql_tasks(qt_pq *pq, qt_task_count *ret_counts, size_t *ret_count, qt_err *err);

/* Each fills up to QT_FIND_LIMIT entries of `found`. */
qt_code qt_dispatch_sql_due(qt_pq *pq, qt_found *found, size_t *ret_count, qt_err *err);
/* Ready tasks of one band: weighted round robin over the projects, oldest first in each. */
qt_code qt_dispatch_sql_ready(qt_pq *pq, int32_t type, int32_t priority, int64_t limit,
                              qt_found *found, size_t *ret_count, qt_err *err);
/* Tasks whose worker's lease is over. */
qt_code qt_dispatch_sql_expired(qt_pq *pq, qt_found *found, size_t *ret_count, qt_err *err);
/* Tasks of one band that were dispatched before that time. */
qt_code qt_dispatch_sql_dispatched(qt_pq *pq, int32_t type, int32_t priority, int64_t before_us,
                                   qt_found *found, size_t *ret_count, qt_err *err);

/* Identity of the Redis data that the type's dispatched rows are in; "" at first. */
qt_code qt_dispatch_sql_epoch(qt_pq *pq, int32_t type, char *ret_epoch, size_t cap, qt_err *err);
qt_code qt_dispatch_sql_set_epoch(qt_pq *pq, int32_t type, const char *epoch, qt_err *err);

/* Partitions ahead and behind, what is known of device jobs whose tasks are gone and whose costs
 * count no more, old idempotency keys, workers long gone. keep_days 0: for ever. */
qt_code qt_dispatch_sql_tidy(qt_pq *pq, int64_t keep_days, int64_t spend_days, qt_err *err);

#endif
