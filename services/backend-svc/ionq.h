/* The provider `ionq`: IonQ's API, version 0.4. Its devices are called "ionq.simulator",
 * "ionq.qpu.aria-1". */
#ifndef QT_BACKEND_SVC_IONQ_H
#define QT_BACKEND_SVC_IONQ_H

#include "services/backend-svc/api.h"

typedef struct qt_ionq {
    qt_api api;
    int page_size;
} qt_ionq;

/* `ionq` must outlive the provider. */
qt_provider qt_ionq_provider(qt_ionq *ionq, qt_device_cache *devices);
bool qt_ionq_owns(void *self, const char *device);

#endif
