/* BackendService and the tasks; the backend must outlive server and worker. */
#ifndef QT_BACKEND_SVC_HANDLERS_H
#define QT_BACKEND_SVC_HANDLERS_H

#include "rpc/server.h"
#include "services/backend-svc/service.h"
#include "worker/worker.h"

/* handlers.c */
void qt_backend_handlers_register(qt_rpc_server *server, const qt_backend *backend);
/* tasks.c: what the worker runs. */
qt_worker_runner qt_backend_task_runner(const qt_backend *backend);

#endif
