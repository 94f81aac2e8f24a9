/* The provider `ionq`: IonQ's API, version 0.4. Its devices are called "ionq.simulator",
 * "ionq.qpu.aria-1". */
#ifndef QT_BACKEND_SVC_IONQ_H
#define QT_BACKEND_SVC_IONQ_H

#include "services/backend-svc/vendor.h"

/* Sets the ops of `ionq`, which must outlive the provider. */
qt_provider qt_ionq_provider(qt_vendor *ionq, qt_device_cache *devices);
bool qt_ionq_owns(void *self, const char *device);

#endif
