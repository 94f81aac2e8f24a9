/* QueueService: checks requests, and turns protobuf messages into the store's and hub's terms. */
#ifndef QT_QUEUE_SVC_HANDLERS_H
#define QT_QUEUE_SVC_HANDLERS_H

#include "rpc/server.h"
#include "services/queue-svc/hub.h"
#include "services/queue-svc/scaler.h"
#include "services/queue-svc/store.h"

typedef struct qt_queue_handlers {
    qt_store store;
    qt_hub *hub;
    qt_scaler *scaler;        /* learns of new entries; may be NULL */
    size_t max_payload_bytes; /* of one entry */
} qt_queue_handlers;

/* Adds the service; `handlers` must outlive the server. */
void qt_queue_handlers_register(qt_rpc_server *server, qt_queue_handlers *handlers);

#endif
