/* The service: its parts and how they hang together. */
#ifndef QT_BACKEND_SVC_APP_H
#define QT_BACKEND_SVC_APP_H

#include "rpc/server.h"
#include "services/backend-svc/config.h"
#include "services/backend-svc/local.h"
#include "services/backend-svc/poller.h"
#include "services/backend-svc/service.h"
#include "services/backend-svc/vendor.h"
#include "worker/worker.h"

enum { QT_MAX_VENDORS = 2, QT_MAX_PROVIDERS = QT_MAX_VENDORS + 1 };

typedef struct qt_backend_app {
    const qt_config *config;
    qt_rpc_channel *sim;
    qt_worker_grpc grpc;
    qt_http_client *http;
    qt_local local;
    qt_vendor vendors[QT_MAX_VENDORS];
    size_t vendor_count;
    qt_provider providers[QT_MAX_PROVIDERS];
    qt_registry registry;
    qt_backend backend;
    qt_worker *worker;
    qt_poller *pollers[QT_MAX_PROVIDERS];
    qt_rpc_server *server;
} qt_backend_app;

/* Starts everything; the server takes calls when it returns. `config` is kept. On failure call
 * qt_backend_app_stop() all the same. */
qt_code qt_backend_app_start(qt_backend_app *app, const qt_config *config, qt_err *err);
/* Lame duck: running tasks end or are given back, then calls. */
void qt_backend_app_drain(qt_backend_app *app);
/* Safe on zeroed memory. */
void qt_backend_app_stop(qt_backend_app *app);

#endif
