/* The provider `local`: its one device, `local`, is sim-svc. */
#ifndef QT_BACKEND_SVC_LOCAL_H
#define QT_BACKEND_SVC_LOCAL_H

#include "rpc/client.h"
#include "services/backend-svc/provider.h"

typedef struct qt_local {
    qt_rpc_channel *sim; /* borrowed */
    int64_t run_timeout_ms;
    int64_t device_timeout_ms;
} qt_local;

qt_provider qt_local_provider(qt_local *local);

#endif
