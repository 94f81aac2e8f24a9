/* What servers and clients count; see metrics.def. Internal. */
#ifndef QT_RPC_METRICS_H
#define QT_RPC_METRICS_H

#include "base/metrics.h"

#define QT_METRICS_DEF "rpc/metrics.def"
#include "base/metrics_enum.inc"
#undef QT_METRICS_DEF

/* A series of that family (QT_RPC_…). `path` has its slash. */
qt_series *qt_rpc_series(int id, const char *path, const char *code);
/* A unary call of a client ended. */
void qt_rpc_metrics_client(const char *path, qt_code code, int64_t start_us, int tries);

#endif
