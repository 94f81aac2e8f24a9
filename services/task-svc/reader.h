/* What RPC handlers read: a pool of connections, one per running call.
 *
 * Rows and their texts live in the caller's arena. Any thread. */
#ifndef QT_TASK_SVC_READER_H
#define QT_TASK_SVC_READER_H

#include "pq/pq.h"
#include "services/task-svc/domain.h"

typedef struct qt_reader qt_reader;

typedef struct qt_reader_options {
    const char *url; /* kept */
    int64_t connect_timeout_ms;
    int64_t read_timeout_ms; /* of a statement */
} qt_reader_options;

qt_reader *qt_reader_new(const qt_reader_options *options);
/* No call may run. NULL is allowed. */
void qt_reader_free(qt_reader *reader);

/* Connections, and those of them in use. Any thread. */
void qt_reader_connections(qt_reader *reader, size_t *ret_count, size_t *ret_busy);

/* Whether the database answers. */
qt_code qt_reader_ping(qt_reader *reader, qt_err *err);

/* Reads tasks; rows[i].state is QT_TASK_NONE for an id that does not exist. */
qt_code qt_reader_get(qt_reader *reader, const qt_uuid *ids, size_t count, qt_arena *arena,
                      qt_row *rows, qt_err *err);
/* Which of them are final or gone. */
qt_code qt_reader_are_final(qt_reader *reader, const qt_uuid *ids, size_t count, bool *ret_final,
                            qt_err *err);

typedef struct qt_list_query {
    const int32_t *states; /* empty: all */
    size_t state_count;
    const int32_t *types; /* empty: all */
    size_t type_count;
    qt_span project; /* NULL: all */
    const qt_span *label_keys;
    const qt_span *label_values;
    size_t label_count;
    int64_t created_after_us;  /* 0: none */
    int64_t created_before_us; /* 0: none */
    const qt_uuid *before;     /* tasks with lower ids only; NULL: all */
    size_t limit;
    bool omit_large;
    int64_t max_bytes; /* of payloads and results of one page */
} qt_list_query;

enum { QT_MAX_LABELS = 8 };

/* Newest first. *ret_more: there are more than those returned. */
qt_code qt_reader_list(qt_reader *reader, const qt_list_query *query, qt_arena *arena,
                       qt_row **ret_rows, size_t *ret_count, bool *ret_more, qt_err *err);

/* Oldest first. */
qt_code qt_reader_events(qt_reader *reader, const qt_uuid *id, qt_arena *arena,
                         qt_task_event **ret_events, size_t *ret_count, qt_err *err);

/* Where an event is in the order of all events. */
typedef struct qt_change_key {
    int64_t xact; /* the transaction that wrote it */
    qt_uuid id;
    int64_t version;
} qt_change_key;

/* An event of any task. */
typedef struct qt_change {
    qt_change_key key;
    int64_t project_key; /* see qt_reader_project_key() */
    int64_t at_us;
    qt_task_status from;
    qt_task_status to;
    int32_t attempt;
    char reason[];
} qt_change;

/* The events behind a key, in their order, up to `limit`; only those of which no transaction can
 * still write one before. The caller frees each. */
qt_code qt_reader_changes(qt_reader *reader, const qt_change_key *behind, qt_change **ret_changes,
                          size_t limit, size_t *ret_count, qt_err *err);
/* The oldest transaction that may still write: all events below are there. */
qt_code qt_reader_horizon(qt_reader *reader, int64_t *ret_xact, qt_err *err);
/* A hash of the project's name, as in qt_change. */
qt_code qt_reader_project_key(qt_reader *reader, qt_span project, int64_t *ret_key, qt_err *err);

/* A task that a worker says it holds, and what the database says. */
typedef struct qt_held {
    qt_uuid id;
    int32_t attempt; /* in */
    int64_t fence;   /* in */
    bool is_held;    /* out: it is RUNNING or CANCELLING with that attempt and fence */
    bool is_cancelling;
    int32_t progress; /* out: as stored */
} qt_held;

/* A task that a worker should hold and does not mention. */
typedef struct qt_orphan {
    qt_uuid id;
    int64_t fence;
} qt_orphan;

typedef struct qt_heartbeat {
    int64_t key;
    qt_span name;
    int64_t lease_ms;
    int64_t orphan_ms;
    qt_held *held;
    size_t held_count;
    qt_orphan *orphans; /* out; in the arena */
    size_t orphan_count;
} qt_heartbeat;

/* Renews the lease and compares. */
qt_code qt_reader_heartbeat(qt_reader *reader, qt_heartbeat *heartbeat, qt_arena *arena,
                            qt_err *err);

#endif
