/* GET /healthz of a gateway, for container health checks. */
#ifndef QT_GATEWAY_PROBE_H
#define QT_GATEWAY_PROBE_H

#include "base/err.h"

#include <stdint.h>

/* listen_addr as in the settings; a wildcard address stands for this machine. QT_OK when the
 * answer is 200. */
qt_code qt_gateway_probe(const char *listen_addr, int64_t timeout_ms, qt_err *err);

#endif
