/* The metrics that every process has. Private to libs/observe. */
#ifndef QT_OBSERVE_PROCESS_METRICS_H
#define QT_OBSERVE_PROCESS_METRICS_H

/* Registers them; qt_metrics_write() reads /proc each time from then on. */
void qt_process_metrics_init(const char *service);

#endif
