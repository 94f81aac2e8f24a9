/* All periodic jobs of the service, on one thread.
 *
 * Every replica counts how full the windows are. One replica per task type (the one that holds the
 * type's advisory lock) fills the window from the line in PostgreSQL and sends again what Redis
 * lost; one replica promotes what is due, takes tasks from workers that are gone, and tidies up.
 * The jobs only find tasks; the changes go through the committer like all others. */
#ifndef QT_TASK_SVC_DISPATCHER_H
#define QT_TASK_SVC_DISPATCHER_H

#include "rpc/client.h"
#include "services/task-svc/committer.h"
#include "services/task-svc/sender.h"
#include "services/task-svc/window.h"

typedef struct qt_dispatcher qt_dispatcher;

typedef struct qt_dispatcher_options {
    const char *url; /* kept */
    int64_t connect_timeout_ms;
    int64_t command_timeout_ms;
    int64_t interval_ms;
    int64_t queue_check_ms;
    int64_t lost_margin_ms;
    int64_t retention_days;
    int64_t spend_days;
    qt_committer *committer;
    qt_window *window;
    qt_sender *sender;
    qt_rpc_channel *queue; /* queue-svc */
} qt_dispatcher_options;

qt_code qt_dispatcher_new(const qt_dispatcher_options *options, qt_dispatcher **ret_dispatcher,
                          qt_err *err);
/* Stops the thread; the committer must still run. NULL is allowed. */
void qt_dispatcher_free(qt_dispatcher *dispatcher);
/* There may be something to do. Any thread. */
void qt_dispatcher_wake(qt_dispatcher *dispatcher);

#endif
