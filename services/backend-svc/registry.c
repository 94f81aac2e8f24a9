#include "base/cleanup.h"
#include "services/backend-svc/provider.h"

#include <string.h>

/* Device names of these start with their name and a colon; qBraid offers them all. */
static const char *const vendors[] = {"qbraid", "aws",     "azure", "ibm",    "ionq",
                                      "iqm",    "rigetti", "quera", "equal1", "pasqal"};

static bool is_of_vendor(const char *device) {
    size_t len = strcspn(device, ":");
    for (size_t i = 0; device[len] == ':' && i < QT_ARRAY_LEN(vendors); i++) {
        if (strlen(vendors[i]) == len && memcmp(vendors[i], device, len) == 0) {
            return true;
        }
    }
    return false;
}

qt_code qt_registry_find(const qt_registry *registry, const char *device,
                         const qt_provider **ret_provider, qt_err *err) {
    static const char field[] = "payload.backend_name";
    for (size_t i = 0; i < registry->count; i++) {
        const qt_provider *p = &registry->providers[i];
        if (p->ops->owns(p->self, device)) {
            *ret_provider = p;
            return QT_OK;
        }
    }
    if (is_of_vendor(device)) {
        return qt_fail_field(err, PROVIDER_KEY_INVALID, field,
                             "device '%.100s' needs a key: set QBRAID_API_KEY", device);
    }
    if (strncmp(device, "ionq.", strlen("ionq.")) == 0) {
        return qt_fail_field(err, PROVIDER_KEY_INVALID, field,
                             "device '%.100s' needs a key: set IONQ_API_KEY", device);
    }
    return qt_fail_field(err, DEVICE_NOT_FOUND, field,
                         "there is no device '%.100s'; there is 'local' (the simulator)", device);
}
