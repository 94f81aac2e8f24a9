/* EstimateCost, GetJob and CancelJob come with real devices: they answer UNIMPLEMENTED. */
#include "services/backend-svc/handlers.h"

#include <qtaskdist/v1/backend_service.rpc.h>
#include <stdlib.h>
#include <string.h>

static size_t count_devices(const qt_registry *registry) {
    size_t count = 0;
    for (size_t i = 0; i < registry->count; i++) {
        count += registry->providers[i].ops->device_count(registry->providers[i].self);
    }
    return count;
}

static int by_name(const void *a, const void *b) {
    const Qtaskdist__V1__Device *const *x = a;
    const Qtaskdist__V1__Device *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static qt_code list_devices(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListDevicesRequest *req,
                            Qtaskdist__V1__ListDevicesResponse **ret_resp, qt_err *err) {
    const qt_registry *registry = qt_rpc_self(ctx);
    qt_arena *arena = qt_rpc_arena(ctx);
    void *list = NULL;
    Qtaskdist__V1__ListDevicesResponse *resp =
        (void *)qt_rpc_message(ctx, &qtaskdist__v1__list_devices_response__descriptor);
    if (resp == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "the reply does not fit the memory of a call");
    }
    QT_TRY(qt_arena_try_calloc(arena, count_devices(registry), sizeof *resp->devices, &list, err));
    resp->devices = list;
    for (size_t i = 0; i < registry->count; i++) {
        const qt_provider *p = &registry->providers[i];
        if (req->provider[0] != '\0' && strcmp(req->provider, p->ops->name) != 0) {
            continue;
        }
        for (size_t d = 0; d < p->ops->device_count(p->self); d++) {
            QT_TRY(p->ops->describe(p->self, d, arena, &resp->devices[resp->n_devices], err));
            resp->n_devices++;
        }
    }
    qsort(resp->devices, resp->n_devices, sizeof *resp->devices, by_name);
    *ret_resp = resp;
    return QT_OK;
}

static qt_code get_device(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetDeviceRequest *req,
                          Qtaskdist__V1__Device **ret_resp, qt_err *err) {
    const qt_provider *p = NULL;
    if (req->name[0] == '\0') {
        return qt_fail_field(err, FIELD_REQUIRED, "name", "the device's name is missing");
    }
    if (qt_registry_find(qt_rpc_self(ctx), req->name, &p, err) != QT_OK) {
        err->field[0] = '\0'; /* here it is the resource, not a field */
        return err->code;
    }
    for (size_t d = 0; d < p->ops->device_count(p->self); d++) {
        Qtaskdist__V1__Device *device = NULL;
        QT_TRY(p->ops->describe(p->self, d, qt_rpc_arena(ctx), &device, err));
        if (strcmp(device->name, req->name) == 0) {
            *ret_resp = device;
            return QT_OK;
        }
    }
    return qt_fail(err, DEVICE_NOT_FOUND, "there is no device '%.100s'", req->name);
}

void qt_backend_handlers_register(qt_rpc_server *server, const qt_registry *registry) {
    static const qt_backend_service_ops ops = {.list_devices = list_devices,
                                               .get_device = get_device};
    qt_backend_service_register(server, &ops, (void *)(uintptr_t)registry);
}
