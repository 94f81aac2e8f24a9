#include "services/backend-svc/devices.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "rpc/message.h"
#include "rpc/wire.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { STALE_MS = 3600000 };

struct qt_device_cache {
    int64_t max_age_ms;
    const qt_clock *clock;
    pthread_mutex_t lock; /* also of a refresh: the others wait for it */
    uint8_t *packed;      /* a ListDevicesResponse */
    size_t len;
    int64_t read_ms; /* monotonic */
    int64_t read_wall_us;
};

qt_device_cache *qt_device_cache_new(int64_t max_age_ms, const qt_clock *clock) {
    qt_device_cache *cache = qt_xcalloc(1, sizeof *cache);
    cache->max_age_ms = max_age_ms;
    cache->clock = clock != NULL ? clock : qt_clock_system();
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void qt_device_cache_free(qt_device_cache *cache) {
    if (cache != NULL) {
        pthread_mutex_destroy(&cache->lock);
        free(cache->packed);
        free(cache);
    }
}

/* With the lock held. */
static qt_code refresh(qt_device_cache *cache, const qt_provider *provider, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__ListDevicesResponse list = QTASKDIST__V1__LIST_DEVICES_RESPONSE__INIT;
    void *packed = NULL;
    QT_TRY(
        provider->ops->list_devices(provider->self, &arena, &list.devices, &list.n_devices, err));
    size_t len = qtaskdist__v1__list_devices_response__get_packed_size(&list);
    QT_TRY(qt_try_malloc(len + 1, &packed, err));
    qtaskdist__v1__list_devices_response__pack(&list, packed);
    free(cache->packed);
    cache->packed = packed;
    cache->len = len;
    cache->read_ms = qt_clock_mono_ms(cache->clock);
    cache->read_wall_us = qt_clock_wall_us(cache->clock);
    return QT_OK;
}

/* With the lock held. An old list is better than none. */
static qt_code make_fresh(qt_device_cache *cache, const qt_provider *provider, qt_err *err) {
    int64_t age_ms = qt_clock_mono_ms(cache->clock) - cache->read_ms;
    if (cache->packed != NULL && age_ms < cache->max_age_ms) {
        return QT_OK;
    }
    qt_code code = refresh(cache, provider, err);
    if (code != QT_OK && cache->packed != NULL && age_ms < STALE_MS) {
        qt_log_err(WARN, "a provider's devices cannot be read; the old list is shown", err,
                   QT_KV_STR("provider", provider->ops->name));
        return QT_OK;
    }
    return code;
}

qt_code qt_device_refreshed(Qtaskdist__V1__Device *device, int64_t wall_us, qt_arena *arena,
                            qt_err *err) {
    QT_TRY(qt_rpc_message_new(arena, &google__protobuf__timestamp__descriptor,
                              &device->refreshed_at, err));
    device->refreshed_at->seconds = wall_us / 1000000;
    device->refreshed_at->nanos = (int32_t)(wall_us % 1000000 * 1000);
    return QT_OK;
}

static qt_code unpack(const qt_device_cache *cache, qt_arena *arena,
                      Qtaskdist__V1__Device ***ret_devices, size_t *ret_count, qt_err *err) {
    ProtobufCMessage *message = NULL;
    QT_TRY(qt_rpc_unpack(&qtaskdist__v1__list_devices_response__descriptor, cache->packed,
                         cache->len, arena, &message, err));
    Qtaskdist__V1__ListDevicesResponse *list = (Qtaskdist__V1__ListDevicesResponse *)message;
    double age_seconds = (double)(qt_clock_mono_ms(cache->clock) - cache->read_ms) / 1000;
    for (size_t i = 0; i < list->n_devices; i++) {
        list->devices[i]->age_seconds = age_seconds;
        QT_TRY(qt_device_refreshed(list->devices[i], cache->read_wall_us, arena, err));
    }
    *ret_devices = list->devices;
    *ret_count = list->n_devices;
    return QT_OK;
}

qt_code qt_devices_list(const qt_provider *provider, qt_arena *arena,
                        Qtaskdist__V1__Device ***ret_devices, size_t *ret_count, qt_err *err) {
    qt_device_cache *cache = provider->devices;
    if (cache == NULL) {
        return provider->ops->list_devices(provider->self, arena, ret_devices, ret_count, err);
    }
    pthread_mutex_lock(&cache->lock);
    qt_code code = make_fresh(cache, provider, err);
    if (code == QT_OK) {
        code = unpack(cache, arena, ret_devices, ret_count, err);
    }
    pthread_mutex_unlock(&cache->lock);
    return code;
}

qt_code qt_devices_get(const qt_provider *provider, const char *name, qt_arena *arena,
                       Qtaskdist__V1__Device **ret_device, qt_err *err) {
    Qtaskdist__V1__Device **devices = NULL;
    size_t count = 0;
    QT_TRY(qt_devices_list(provider, arena, &devices, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(devices[i]->name, name) == 0) {
            *ret_device = devices[i];
            return QT_OK;
        }
    }
    return qt_fail(err, DEVICE_NOT_FOUND, "%s has no device '%.100s'", provider->ops->name, name);
}

bool qt_device_cost(const Qtaskdist__V1__Device *device, uint32_t shots, double *ret_cost) {
    *ret_cost = device->price_per_job + device->price_per_shot * shots;
    return device->price_known && device->price_per_minute <= 0;
}
