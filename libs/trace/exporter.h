/* The queue and the thread that sends. Private to libs/trace. */
#ifndef QT_TRACE_EXPORTER_H
#define QT_TRACE_EXPORTER_H

#include "trace/otlp.h"

typedef struct qt_exporter qt_exporter;

/* Checks the endpoint and headers, starts the thread. Options' texts are kept. */
qt_code qt_exporter_new(const qt_trace_options *options, qt_exporter **ret_exporter, qt_err *err);
/* Takes the span, or drops it when the queue is full. Any thread, never blocks for long. */
void qt_exporter_push(qt_exporter *exporter, qt_trace_span *span);
/* Sends what waits, once, and ends. */
void qt_exporter_free(qt_exporter *exporter);

#endif
