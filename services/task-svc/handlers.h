/* The RPC handlers. They check the request, make operations for the committer, and answer when
 * those are committed; reads go to the reader. */
#ifndef QT_TASK_SVC_HANDLERS_H
#define QT_TASK_SVC_HANDLERS_H

#include "services/task-svc/app.h"

/* TaskService, TaskWorkerService and JobStoreService; `app` is what qt_rpc_self() returns. */
void qt_handlers_register(qt_rpc_server *server, qt_app *app);

#endif
