/* Metrics: declared once in a table, counted from any thread, written as Prometheus text.
 *
 * A module declares its families in an X-macro file and registers the table at start; a series is
 * one family with label values. A series pointer stays valid for the life of the process, so hot
 * paths look it up once. Counting is lock-free.
 *
 *   static const qt_metric_desc descs[] = {
 *       [CALLS] = {QT_METRIC_COUNTER, "qt_rpc_calls_total", "Finished calls.", {"method", "code"}},
 *   };
 *   qt_metrics_register(descs, QT_ARRAY_LEN(descs));
 *   qt_series_add(qt_series_get(&descs[CALLS], "GetTask", "OK"), 1);
 */
#ifndef QT_BASE_METRICS_H
#define QT_BASE_METRICS_H

#include "base/buf.h"

#include <stddef.h>

enum { QT_METRIC_LABELS = 3 };

typedef enum qt_metric_type {
    QT_METRIC_COUNTER,   /* only grows; its name ends in _total */
    QT_METRIC_GAUGE,     /* goes both ways */
    QT_METRIC_HISTOGRAM, /* of seconds, in buckets from 100 us to 100 s */
} qt_metric_type;

typedef struct qt_metric_desc {
    qt_metric_type type;
    const char *name;
    const char *help;
    const char *labels[QT_METRIC_LABELS]; /* names; unused ones NULL */
} qt_metric_desc;

typedef struct qt_series qt_series;

/* Adds a table of static storage; a table that is registered already is left as it is. */
void qt_metrics_register(const qt_metric_desc *table, size_t count);
/* The series with these label values, in the order of the family's labels; unused ones NULL.
 * Made when new. Never NULL: past 10,000 series of a family all new ones share one whose label
 * values are "other". The family must be registered. */
qt_series *qt_series_get(const qt_metric_desc *desc, const char *v0, const char *v1,
                         const char *v2);
/* Counter (delta >= 0) or gauge. */
void qt_series_add(qt_series *series, double delta);
/* Gauge. */
void qt_series_set(qt_series *series, double value);
/* Histogram. */
void qt_series_observe(qt_series *series, double seconds);
/* Value of a counter or gauge, number of observations of a histogram. */
double qt_series_value(const qt_series *series);
/* Appends all registered families in Prometheus text format 0.0.4. */
void qt_metrics_write(qt_buf *out);

#endif
