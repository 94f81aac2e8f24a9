/* Fills the options of libs/worker from a qt_config that includes worker/config.def. */
#ifndef QT_WORKER_CONFIG_MACROS_H
#define QT_WORKER_CONFIG_MACROS_H

#include "worker/worker.h"

#define QT_WORKER_OPTIONS(cfg)                                                                     \
    ((qt_worker_options){.threads = (size_t)(cfg)->worker_tasks,                                   \
                         .lease_wait_ms = (cfg)->lease_wait_ms,                                    \
                         .claim_after_ms = (cfg)->claim_after_ms,                                  \
                         .heartbeat_ms = (cfg)->heartbeat_ms})

#endif
