/* One change of one task, on its way through the committer. */
#ifndef QT_TASK_SVC_OP_H
#define QT_TASK_SVC_OP_H

#include "services/task-svc/row.h"
#include "task/retry.h"

typedef enum qt_task_op_kind {
    QT_TASK_OP_CREATE,
    QT_TASK_OP_UPDATE,
    QT_TASK_OP_ENQUEUE,
    QT_TASK_OP_CANCEL,
    QT_TASK_OP_RETRY,
    QT_TASK_OP_DELETE,
    QT_TASK_OP_CLAIM,
    QT_TASK_OP_COMPLETE,
    /* From the periodic jobs: they do nothing when the task has moved on meanwhile. */
    QT_TASK_OP_DUE,      /* its time has come */
    QT_TASK_OP_DISPATCH, /* goes into the window, or again into Redis */
    QT_TASK_OP_LOST,     /* its worker's lease is over */
    QT_TASK_OP_ORPHAN,   /* its worker does not mention it */
    QT_TASK_OP_PROGRESS,
    QT_TASK_OP_WAKE, /* what it snoozes for has happened */
} qt_task_op_kind;

/* What an update changes. */
enum {
    QT_UPDATE_PAYLOAD = 1,
    QT_UPDATE_MAX_RETRIES = 2,
    QT_UPDATE_SCHEDULED_FOR = 4,
    QT_UPDATE_META_DATA = 8,
    QT_UPDATE_PRIORITY = 16,
    QT_UPDATE_STATUS = 32,
};

/* What is read of a task besides its small columns: its spec if it has no more bytes than this. */
enum {
    QT_WANT_SMALL = 0,
    QT_WANT_SPEC = INT32_MAX - 1,
    QT_WANT_ALL = INT32_MAX, /* spec, meta_data and result */
};

typedef struct qt_claim {
    int64_t worker_key;
    qt_span worker;
    int32_t dispatch_seq;
    int32_t ret_attempt;
    int64_t ret_fence;
} qt_claim;

typedef struct qt_outcome {
    qt_span worker;
    int32_t attempt; /* 0: not claimed */
    int64_t fence;
    int32_t dispatch_seq;
    bool is_result;
    qt_span result;     /* a packed TaskResult */
    int64_t elapsed_us; /* of work, for a task that was not claimed */
    qt_failure_class failure_class;
    qt_span reason;
    qt_span message;
    int64_t retry_after_ms;
} qt_outcome;

typedef struct qt_task_op qt_task_op;
struct qt_task_op {
    qt_task_op *next;
    qt_task_op_kind kind;
    qt_uuid id;
    int64_t pushed_us;            /* the committer's: wall clock, 0 without traces */
    size_t bytes;                 /* weight for the limits of a batch */
    int32_t want;                 /* what `row` needs: QT_WANT_... */
    void (*done)(qt_task_op *op); /* once, on a committer thread; must not block */
    void *arg;

    /* The outcome, for done(). */
    qt_code code;
    qt_err err;
    const qt_row *row; /* the task after the batch; NULL on failure or when it is gone */
    bool is_replay;    /* the create had happened before */
    bool is_unsure;    /* an earlier try may have been committed; the committer's */

    union {
        struct {
            qt_row row;
            bool enqueue;
            qt_span idem_key; /* NULL: none */
            int64_t request_hash;
        } create;
        struct {
            uint32_t fields; /* QT_UPDATE_... */
            qt_row values;
            qt_task_status status;
        } update;
        struct {
            int32_t type; /* 0: any */
        } enqueue;
        struct {
            qt_span reason;
        } cancel;
        qt_claim claim;
        qt_outcome outcome;
        struct {
            int64_t fence;
            int32_t dispatch_seq;
            int32_t progress;
            bool has_job; /* of LOST: it has a job at an outside device, or may have */
        } guard;
    };
};

#endif
