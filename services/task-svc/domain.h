/* What an operation does to a task. No database, no clock, no threads: rows in, rows out, so that
 * every rule can be tested alone. */
#ifndef QT_TASK_SVC_DOMAIN_H
#define QT_TASK_SVC_DOMAIN_H

#include "services/task-svc/op.h"

/* A change of status, for the event log. */
typedef struct qt_task_event {
    qt_uuid id;
    int64_t version;
    int64_t at_us;
    qt_task_status from;
    qt_task_status to;
    qt_span reason;
    int32_t attempt;
    const qt_row *row; /* the task after all moves of the batch; NULL: not known */
    qt_span project;   /* for watchers; not set when read */
} qt_task_event;

/* A task while a batch works on it. */
typedef struct qt_entry {
    qt_row row;            /* row.state QT_TASK_NONE: not there */
    qt_task_state stored;  /* state in the database */
    bool is_changed;       /* differs from the database */
    bool is_large_changed; /* spec or meta_data differ */
    bool is_wanted;        /* the batch's: to be loaded, */
    int32_t want;          /* with this (QT_WANT_...) */
    int uses;              /* by how many operations */
    bool is_dispatched;    /* must be sent to queue-svc after the commit */
} qt_entry;

typedef struct qt_domain {
    int64_t now_us; /* by the database's clock */
    int32_t max_crashes;
    int32_t max_job_crashes; /* of tasks that have a job at an outside device */
    /* Takes a place in the type's window; false when it is full. NULL: there is always room. */
    bool (*take_window)(void *self, int32_t type);
    void *self;
    int64_t next_fence;    /* the fences from here on are the batch's own */
    qt_task_event *events; /* room for event_cap; see QT_EVENTS_PER_OP */
    size_t event_count;
    size_t event_cap;
} qt_domain;

enum { QT_EVENTS_PER_OP = 4 }; /* at most; moves of one operation */

/* Applies one operation; on failure entry and events are unchanged. */
qt_code qt_domain_apply(qt_domain *domain, qt_entry *entry, qt_task_op *op, qt_err *err);

/* Identity of a worker's name in the tables; never 0. */
int64_t qt_worker_key(qt_span name);
/* outcome_key of a task that finished without a claim; below 0. */
int64_t qt_deferred_key(qt_span worker, int32_t dispatch_seq);

static inline qt_span qt_span_of(const char *text) {
    return (qt_span){text, text != NULL ? __builtin_strlen(text) : 0};
}

#endif
