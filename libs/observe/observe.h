/* What a program shows of itself: /metrics on a port of its own, with the metrics of the process,
 * and traces.
 *
 *   const qt_observe_options options = QT_OBSERVE_OPTIONS("task-svc", cfg);
 *   QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = NULL;
 *   QT_TRY(qt_observe_start(&options, &observe, err));
 *
 * Start it before the parts that count, and stop it after them. One per process. */
#ifndef QT_OBSERVE_OBSERVE_H
#define QT_OBSERVE_OBSERVE_H

#include "base/err.h"
#include "trace/trace.h"

typedef struct qt_observe qt_observe;

typedef struct qt_observe_options {
    const char *service;      /* "task-svc"; kept */
    const char *metrics_addr; /* "0.0.0.0:9111"; "off" or "": no port, and nothing is counted */
    qt_trace_options trace;
} qt_observe_options;

/* IO_ERROR when the address is taken, SETTING_INVALID when it is none. */
qt_code qt_observe_start(const qt_observe_options *options, qt_observe **ret_observe, qt_err *err);
/* The port of /metrics; 0 when it is off. */
int qt_observe_port(const qt_observe *observe);
/* NULL is allowed. */
void qt_observe_stop(qt_observe *observe);
void qt_observe_stop_p(qt_observe **observe);

/* Fills the options from a qt_config that includes observe/config.def. */
#define QT_OBSERVE_OPTIONS(name, cfg)                                                              \
    ((qt_observe_options){.service = (name),                                                       \
                          .metrics_addr = (cfg)->metrics_addr,                                     \
                          .trace = {.service = (cfg)->otel_service_name[0] != '\0'                 \
                                                   ? (cfg)->otel_service_name                      \
                                                   : (name),                                       \
                                    .endpoint = (cfg)->otel_endpoint,                              \
                                    .traces_endpoint = (cfg)->otel_traces_endpoint,                \
                                    .protocol = (cfg)->otel_protocol,                              \
                                    .headers = (cfg)->otel_headers,                                \
                                    .resource = (cfg)->otel_resource,                              \
                                    .sampler = (cfg)->otel_sampler,                                \
                                    .sampler_arg = (cfg)->otel_sampler_arg,                        \
                                    .max_queue = (cfg)->otel_max_queue,                            \
                                    .max_batch = (cfg)->otel_max_batch,                            \
                                    .delay_ms = (cfg)->otel_delay_ms,                              \
                                    .timeout_ms = (cfg)->otel_timeout_ms}})

#endif
