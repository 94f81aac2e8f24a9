#include "base/cleanup.h"
#include "services/backend-svc/provider.h"

#include <string.h>

/* Device names of these providers start with their name and a colon. */
static const char *const planned[] = {"qbraid", "aws",     "azure", "ibm",    "ionq",
                                      "iqm",    "rigetti", "quera", "equal1", "pasqal"};

static bool is_planned(const char *device) {
    size_t len = strcspn(device, ":");
    for (size_t i = 0; device[len] == ':' && i < QT_ARRAY_LEN(planned); i++) {
        if (strlen(planned[i]) == len && memcmp(planned[i], device, len) == 0) {
            return true;
        }
    }
    return false;
}

qt_code qt_registry_find(const qt_registry *registry, const char *device,
                         const qt_provider **ret_provider, qt_err *err) {
    for (size_t i = 0; i < registry->count; i++) {
        const qt_provider *p = &registry->providers[i];
        if (p->ops->owns(p->self, device)) {
            *ret_provider = p;
            return QT_OK;
        }
    }
    if (is_planned(device)) {
        return qt_fail_field(err, DEVICE_UNSUPPORTED, "payload.backend_name",
                             "device '%.100s' cannot be used yet; only 'local' (the simulator) can",
                             device);
    }
    return qt_fail_field(err, DEVICE_NOT_FOUND, "payload.backend_name",
                         "there is no device '%.100s'; there is 'local' (the simulator)", device);
}
