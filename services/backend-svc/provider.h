/* A provider of devices. Each is a vtable; the registry asks them in turn. Any thread. */
#ifndef QT_BACKEND_SVC_PROVIDER_H
#define QT_BACKEND_SVC_PROVIDER_H

#include "base/arena.h"
#include "base/err.h"

#include <qtaskdist/v1/backend.pb-c.h>
#include <qtaskdist/v1/task.pb-c.h>
#include <stdbool.h>
#include <stddef.h>

/* How a run is stopped. */
typedef struct qt_run_watch {
    bool (*cancelled)(void *self);
    void *self;
} qt_run_watch;

typedef struct qt_provider_ops {
    const char *name; /* "local" */
    /* Whether a device of that name is this provider's, whatever its state. */
    bool (*owns)(void *self, const char *device);
    size_t (*device_count)(void *self);
    /* The state of device i, in the arena. A device that does not answer is OFFLINE. */
    qt_code (*describe)(void *self, size_t i, qt_arena *arena, Qtaskdist__V1__Device **ret_device,
                        qt_err *err);
    /* Runs a circuit and waits for its result, in the arena. */
    qt_code (*run)(void *self, const char *task_id, const Qtaskdist__V1__TaskPayload *payload,
                   const qt_run_watch *watch, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
} qt_provider_ops;

typedef struct qt_provider {
    const qt_provider_ops *ops;
    void *self;
} qt_provider;

/* The providers there are. */
typedef struct qt_registry {
    const qt_provider *providers;
    size_t count;
} qt_registry;

/* The provider of a device: DEVICE_UNSUPPORTED for a device of a provider that is known and not
 * supported yet, DEVICE_NOT_FOUND for any other name. */
qt_code qt_registry_find(const qt_registry *registry, const char *device,
                         const qt_provider **ret_provider, qt_err *err);

#endif
