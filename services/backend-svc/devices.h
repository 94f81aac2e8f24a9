/* A provider's list of devices, kept for a while. Any thread.
 *
 * A list that is older than max_age_ms is read again by the next caller; when that fails the old
 * one is shown with its age, up to an hour. */
#ifndef QT_BACKEND_SVC_DEVICES_H
#define QT_BACKEND_SVC_DEVICES_H

#include "base/clock.h"
#include "services/backend-svc/provider.h"

qt_device_cache *qt_device_cache_new(int64_t max_age_ms, const qt_clock *clock);
/* NULL is allowed. */
void qt_device_cache_free(qt_device_cache *cache);

/* All devices of a provider, in the caller's arena. */
qt_code qt_devices_list(const qt_provider *provider, qt_arena *arena,
                        Qtaskdist__V1__Device ***ret_devices, size_t *ret_count, qt_err *err);
/* One device; DEVICE_NOT_FOUND. */
qt_code qt_devices_get(const qt_provider *provider, const char *name, qt_arena *arena,
                       Qtaskdist__V1__Device **ret_device, qt_err *err);
/* Sets the time at which what is said of the device was read. */
qt_code qt_device_refreshed(Qtaskdist__V1__Device *device, int64_t wall_us, qt_arena *arena,
                            qt_err *err);
/* What a run costs, from the device's prices. False when that is not known before the run;
 * *ret_cost is a lower bound then. */
bool qt_device_cost(const Qtaskdist__V1__Device *device, uint32_t shots, double *ret_cost);

#endif
