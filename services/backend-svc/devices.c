#include "services/backend-svc/devices.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "rpc/message.h"

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

static int by_name(const void *a, const void *b) {
    const Qtaskdist__V1__Device *const *x = a;
    const Qtaskdist__V1__Device *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* With the lock held. */
static qt_code refresh(qt_device_cache *cache, const qt_provider *provider, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__ListDevicesResponse list = QTASKDIST__V1__LIST_DEVICES_RESPONSE__INIT;
    void *packed = NULL;
    QT_TRY(
        provider->ops->list_devices(provider->self, &arena, &list.devices, &list.n_devices, err));
    if (list.n_devices > 0) {
        qsort(list.devices, list.n_devices, sizeof *list.devices, by_name);
    }
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

static void *arena_alloc(void *arena, size_t size) {
    return qt_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *ptr) {
    (void)arena;
    (void)ptr;
}

static qt_code set_age(const qt_device_cache *cache, Qtaskdist__V1__Device *device, qt_arena *arena,
                       qt_err *err) {
    device->age_seconds = (double)(qt_clock_mono_ms(cache->clock) - cache->read_ms) / 1000;
    QT_TRY(qt_rpc_message_new(arena, &google__protobuf__timestamp__descriptor,
                              &device->refreshed_at, err));
    device->refreshed_at->seconds = cache->read_wall_us / 1000000;
    device->refreshed_at->nanos = (int32_t)(cache->read_wall_us % 1000000 * 1000);
    return QT_OK;
}

static qt_code unpack(const qt_device_cache *cache, qt_arena *arena,
                      Qtaskdist__V1__Device ***ret_devices, size_t *ret_count, qt_err *err) {
    ProtobufCAllocator allocator = {
        .alloc = arena_alloc, .free = arena_free, .allocator_data = arena};
    Qtaskdist__V1__ListDevicesResponse *list =
        qtaskdist__v1__list_devices_response__unpack(&allocator, cache->len, cache->packed);
    if (list == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "the devices do not fit the memory of a call");
    }
    for (size_t i = 0; i < list->n_devices; i++) {
        QT_TRY(set_age(cache, list->devices[i], arena, err));
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
