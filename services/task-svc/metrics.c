#include "services/task-svc/metrics.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

#define QT_METRICS_DEF "services/task-svc/metrics.def"
#include "base/metrics_table.inc"

qt_series *qt_task_series(int metric, const char *label) {
    return qt_series_get(&qt_metric_table[metric], label, NULL, NULL);
}

/* Workers and users give reasons; only the words that we know become labels. */
static const char *known_reason(qt_span reason) {
    char text[64];
    if (reason.len == 0 || reason.len >= sizeof text) {
        return "other";
    }
    snprintf(text, sizeof text, "%.*s", (int)reason.len, reason.p);
    for (int i = 0; i < QT_TASK_CAUSE_COUNT_; i++) {
        if (strcmp(text, qt_task_cause_name((qt_task_cause)i)) == 0) {
            return qt_task_cause_name((qt_task_cause)i);
        }
    }
    qt_reason known = qt_reason_from_name(text);
    return known != QT_REASON_NONE ? qt_reason_name(known) : "other";
}

static void observe_us(int metric, const char *type, const char *status, int64_t from_us,
                       int64_t to_us) {
    if (from_us > 0 && to_us >= from_us) {
        qt_series_observe(qt_series_get(&qt_metric_table[metric], type, status, NULL),
                          (double)(to_us - from_us) / 1e6);
    }
}

static void count_end(const qt_task_event *event, const char *type) {
    const qt_row *row = event->row;
    const char *status = qt_task_status_name(event->to);
    observe_us(QT_TASK_METRIC_TOTAL, type, status, row->created_us, row->finished_us);
    if (row->started_us > 0) {
        observe_us(QT_TASK_METRIC_RUN, type, status, row->started_us, row->finished_us);
    }
    if (event->to == QT_TASK_STATUS_FAILED) {
        qt_series_add(qt_series_get(&qt_metric_table[QT_TASK_METRIC_FAILURES], type,
                                    known_reason(event->reason), NULL),
                      1);
    }
}

static void count_retry(const qt_task_event *event, const char *type) {
    const char *reason = known_reason(event->reason);
    qt_series_add(qt_series_get(&qt_metric_table[QT_TASK_METRIC_RETRIES], type, reason, NULL), 1);
    if (strcmp(reason, qt_task_cause_name(QT_TASK_CAUSE_LEASE_EXPIRED)) == 0) {
        qt_series_add(qt_task_series(QT_TASK_METRIC_LEASE_LOSSES, type), 1);
    }
}

static void count_event(const qt_task_event *event) {
    const qt_row *row = event->row;
    const char *type = qt_task_type_name(row->type);
    qt_series_add(qt_series_get(&qt_metric_table[QT_TASK_METRIC_MOVES], type,
                                qt_task_status_name(event->from), qt_task_status_name(event->to)),
                  1);
    if (event->to == QT_TASK_STATUS_PROCESSING) {
        observe_us(QT_TASK_METRIC_QUEUE_WAIT, type, NULL, row->run_us, row->started_us);
    } else if (event->from == QT_TASK_STATUS_PROCESSING && event->to == QT_TASK_STATUS_QUEUED) {
        count_retry(event, type);
    } else if (event->to == QT_TASK_STATUS_COMPLETED || event->to == QT_TASK_STATUS_FAILED ||
               event->to == QT_TASK_STATUS_CANCELLED) {
        count_end(event, type);
    }
}

void qt_task_metrics_events(const qt_task_event *events, size_t count) {
    for (size_t i = 0; i < count; i++) {
        count_event(&events[i]);
    }
}

void qt_task_metrics_tasks(int32_t type, qt_task_status status, int64_t count) {
    qt_series_set(qt_series_get(&qt_metric_table[QT_TASK_METRIC_TASKS], qt_task_type_name(type),
                                qt_task_status_name(status), NULL),
                  (double)count);
}
