/* KEDA's externalscaler.ExternalScaler: how much work there is for the workers of a ScaledObject.
 *
 * Work of a type is what is undelivered and what is pending in its streams, and what task-svc says
 * is running (a claimed task is acknowledged, so Redis does not know it). Work in PostgreSQL beyond
 * the window does not count: the window is far larger than any number of replicas.
 *
 * Metadata of the trigger: `taskTypes` (required; simulate, c_qir_convert, backend_run, separated
 * by commas) and `tasksPerReplica` (1 to 1,000,000, default 1).
 *
 * One thread looks at the streams while somebody watches; a watcher costs a list node, no thread.
 * Without watchers it sleeps. */
#ifndef QT_QUEUE_SVC_SCALER_H
#define QT_QUEUE_SVC_SCALER_H

#include "rpc/server.h"
#include "services/queue-svc/store.h"

typedef struct qt_scaler qt_scaler;

/* Starts the thread. */
qt_code qt_scaler_new(const qt_store *store, int64_t poll_ms, qt_scaler **ret_scaler, qt_err *err);
/* After the server is freed. NULL is allowed. */
void qt_scaler_free(qt_scaler *scaler);
/* Adds the service. */
void qt_scaler_register(qt_rpc_server *server, qt_scaler *scaler);
/* Entries of these types (bit 1 << type) were added: who watches an idle one of them is told at
 * once. Any thread; does not block. */
void qt_scaler_added(qt_scaler *scaler, unsigned types);

#endif
