/* The life of a task: its states, and the one table of legal moves between them.
 *
 * A state is finer than the status that users see: `queued` is DELAYED, READY or DISPATCHED. The
 * numbers of states are stored; they never change their meaning. Any thread. */
#ifndef QT_TASK_STATE_H
#define QT_TASK_STATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* The numbers of qtaskdist.v1.TaskStatus; task-svc asserts that they are equal. */
typedef enum qt_task_status {
    QT_TASK_STATUS_NONE = 0,
    QT_TASK_STATUS_PENDING = 1,
    QT_TASK_STATUS_QUEUED = 2,
    QT_TASK_STATUS_PROCESSING = 3,
    QT_TASK_STATUS_COMPLETED = 4,
    QT_TASK_STATUS_FAILED = 5,
    QT_TASK_STATUS_CANCELLING = 6,
    QT_TASK_STATUS_CANCELLED = 7,
} qt_task_status;

enum { QT_TASK_STATUS_COUNT = 8 };

typedef enum qt_task_state {
    QT_TASK_NONE = 0, /* not stored */
#define QT_TASK_STATE(name, number, status, text) QT_TASK_##name = (number),
#include "task/states.def"
#undef QT_TASK_STATE
} qt_task_state;

enum { QT_TASK_STATE_COUNT = 11 };

typedef enum qt_task_cause {
#define QT_TASK_CAUSE(name) QT_TASK_CAUSE_##name,
#include "task/causes.def"
#undef QT_TASK_CAUSE
    QT_TASK_CAUSE_COUNT_
} qt_task_cause;

typedef struct qt_task_move {
    qt_task_state from;
    qt_task_state to;
    qt_task_cause cause;
    const char *when; /* for the documentation */
} qt_task_move;

/* The table. Static storage. */
const qt_task_move *qt_task_moves(size_t *ret_count);

bool qt_task_may_move(qt_task_state from, qt_task_state to, qt_task_cause cause);
/* ILLEGAL_STATE_CHANGE names both statuses. */
qt_code qt_task_check_move(qt_task_state from, qt_task_state to, qt_task_cause cause, qt_err *err);

qt_task_status qt_task_status_of(qt_task_state state);
/* COMPLETED, FAILED or CANCELLED. */
bool qt_task_is_final(qt_task_state state);

/* "READY"; "NONE" for a number that is no state. Static storage. */
const char *qt_task_state_name(qt_task_state state);
/* What the state means, in a sentence. Static storage. */
const char *qt_task_state_text(qt_task_state state);
/* "queued"; "" for NONE. Static storage. */
const char *qt_task_status_name(qt_task_status status);
/* "simulate" of a number of qtaskdist.v1.TaskType; "" for none. Static storage. */
const char *qt_task_type_name(int type);
/* "LEASE_EXPIRED". Static storage. */
const char *qt_task_cause_name(qt_task_cause cause);

#endif
