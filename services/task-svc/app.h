/* The service: its parts and how they hang together. */
#ifndef QT_TASK_SVC_APP_H
#define QT_TASK_SVC_APP_H

#include "rpc/client.h"
#include "rpc/server.h"
#include "services/task-svc/committer.h"
#include "services/task-svc/config.h"
#include "services/task-svc/dispatcher.h"
#include "services/task-svc/hub.h"
#include "services/task-svc/jobs.h"
#include "services/task-svc/reader.h"
#include "services/task-svc/sender.h"
#include "services/task-svc/watch.h"
#include "services/task-svc/window.h"

typedef struct qt_app {
    const qt_config *config;
    qt_window window;
    qt_reader *reader;
    qt_jobs *jobs;
    qt_rpc_channel *queue;
    qt_sender *sender;
    qt_committer *committer;
    qt_dispatcher *dispatcher;
    qt_hub *hub;
    qt_watch *watch;
    qt_rpc_server *server;
} qt_app;

/* Checks the schema and starts everything; the server takes calls when it returns. `config` is
 * kept. On failure nothing runs. */
qt_code qt_app_start(qt_app *app, const qt_config *config, qt_err *err);
/* Lame duck, lets running calls end, stops everything. Safe on zeroed memory. */
void qt_app_stop(qt_app *app);

/* Brings the database to this program's schema. */
qt_code qt_app_migrate(const qt_config *config, int *ret_applied, qt_err *err);

#endif
