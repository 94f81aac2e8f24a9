/* Metrics: declared once in a table, counted from any thread, written as OpenMetrics or as
 * Prometheus text.
 *
 * A module declares its families in a metrics.def; docs/metrics.md is made from it. A counter's
 * name ends in _total, a histogram's in its unit (_seconds, _bytes). Every label has a bounded set
 * of values: names of methods, types, states, codes; never an id, an address or a text of a user.
 *
 *   QT_COUNTER(QT_QUEUE_ENQUEUED, "qt_queue_enqueued_total", "Entries added.", "stream")
 *   QT_GAUGE(QT_QUEUE_WAITERS, "qt_queue_waiters", "Calls that wait for entries.")
 *   QT_HISTOGRAM(QT_QUEUE_REDIS, "qt_queue_redis_seconds", SECONDS, "Time of a command.",
 * "command")
 *
 * A header makes the enum of it, and one .c file the static table qt_metric_table:
 *   #define QT_METRICS_DEF "services/queue-svc/metrics.def"
 *   #include "base/metrics_enum.inc"      (the header: enum { QT_QUEUE_ENQUEUED, … };)
 *   #include "base/metrics_table.inc"     (the .c file; it also registers the table before main())
 * and then
 *   qt_series_add(qt_series_get(&qt_metric_table[QT_QUEUE_ENQUEUED], "simulate", NULL, NULL), 1);
 *
 * A series is one family with label values. Its pointer stays valid for the life of the process.
 * Counting and looking up a series that exists are lock-free. */
#ifndef QT_BASE_METRICS_H
#define QT_BASE_METRICS_H

#include "base/buf.h"

#include <stddef.h>

enum { QT_METRIC_LABELS = 3 };

typedef enum qt_metric_type {
    QT_METRIC_COUNTER,   /* only grows; its name ends in _total */
    QT_METRIC_GAUGE,     /* goes both ways */
    QT_METRIC_HISTOGRAM, /* counts observations in buckets */
} qt_metric_type;

/* The upper bounds of a histogram's buckets. */
typedef enum qt_metric_buckets {
    QT_BUCKETS_SECONDS, /* 100 us to 100 s; the default */
    QT_BUCKETS_COUNT,   /* 1 to 10,000 */
    QT_BUCKETS_BYTES,   /* 1 KiB to 64 GiB */
    QT_BUCKETS_QUBITS,  /* 2 to 1,000 */
} qt_metric_buckets;

typedef struct qt_metric_desc {
    qt_metric_type type;
    const char *name;
    const char *help;
    const char *labels[QT_METRIC_LABELS]; /* names; unused ones NULL or "" */
    qt_metric_buckets buckets;
} qt_metric_desc;

typedef struct qt_series qt_series;

/* Adds a table of static storage; a table that is registered already is left as it is. */
void qt_metrics_register(const qt_metric_desc *table, size_t count);
/* The series with these label values, in the order of the family's labels; unused ones NULL.
 * Made when new. Never NULL: past 1,000 series of a family all new ones share one whose label
 * values are "other". The family must be registered. */
qt_series *qt_series_get(const qt_metric_desc *desc, const char *v0, const char *v1,
                         const char *v2);
/* Counter (delta >= 0) or gauge. */
void qt_series_add(qt_series *series, double delta);
/* Gauge, or a counter whose count is kept elsewhere. */
void qt_series_set(qt_series *series, double value);
/* Histogram. */
void qt_series_observe(qt_series *series, double value);
/* Value of a counter or gauge, number of observations of a histogram. */
double qt_series_value(const qt_series *series);

/* Switched off, adding and observing do nothing. On at start; for a process that serves no
 * metrics. */
void qt_metrics_set_enabled(bool enabled);

/* `collect` runs before each qt_metrics_write(), on its thread, to set gauges whose value is known
 * elsewhere. It may block for a short while. At most 32. */
void qt_metrics_add_collector(void (*collect)(void *arg), void *arg);
/* Afterwards it does not run any more; waits for one that does. Unknown ones are ignored. */
void qt_metrics_remove_collector(void (*collect)(void *arg), void *arg);

typedef enum qt_metrics_format {
    QT_METRICS_PROMETHEUS,  /* text format 0.0.4 */
    QT_METRICS_OPENMETRICS, /* 1.0.0 */
} qt_metrics_format;

/* "text/plain; version=0.0.4; …" and the like. */
const char *qt_metrics_content_type(qt_metrics_format format);
/* Runs the collectors and appends all registered families that have series. */
void qt_metrics_write(qt_buf *out, qt_metrics_format format);

#endif
