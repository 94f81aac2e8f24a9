/* The provider `qbraid`: qBraid's Runtime API, version 2. Its devices have names of four parts,
 * "aws:iqm:qpu:garnet". */
#ifndef QT_BACKEND_SVC_QBRAID_H
#define QT_BACKEND_SVC_QBRAID_H

#include "services/backend-svc/vendor.h"

/* Sets the ops of `qbraid`, which must outlive the provider. */
qt_provider qt_qbraid_provider(qt_vendor *qbraid, qt_device_cache *devices);
bool qt_qbraid_owns(void *self, const char *device);

#endif
