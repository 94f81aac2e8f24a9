/* How full Redis is, per task type: a bounded number of tasks is dispatched, the others wait in
 * PostgreSQL. An estimate that the dispatcher corrects every second. Any thread, never blocks. */
#ifndef QT_TASK_SVC_WINDOW_H
#define QT_TASK_SVC_WINDOW_H

#include "services/task-svc/row.h"

#include <stdatomic.h>

typedef struct qt_window {
    int64_t limit;
    struct {
        atomic_llong used;
        atomic_bool has_line; /* tasks wait in PostgreSQL: newcomers go behind them */
    } types[QT_TASK_TYPES];
} qt_window;

void qt_window_init(qt_window *window, int64_t limit);
/* Takes one place; false when it is full or others wait. */
bool qt_window_take(qt_window *window, int32_t type);
void qt_window_release(qt_window *window, int32_t type);
/* A task of the type waits in PostgreSQL. */
void qt_window_line_begins(qt_window *window, int32_t type);
/* None waits any more, as far as is known. */
void qt_window_line_ends(qt_window *window, int32_t type);
bool qt_window_has_line(qt_window *window, int32_t type);
/* A place was taken without asking. */
void qt_window_add(qt_window *window, int32_t type);
/* What the database says. */
void qt_window_set(qt_window *window, int32_t type, int64_t used, bool has_line);
/* Places left; the line does not matter. */
int64_t qt_window_room(qt_window *window, int32_t type);

#endif
