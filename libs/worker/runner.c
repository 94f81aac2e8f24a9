#include "worker/internal.h"

#include "base/log.h"
#include "task/state.h"
#include "worker/failure.h"
#include "worker/metrics.h"

#include <google/protobuf/duration.pb-c.h>
#include <string.h>

enum { DEFAULT_MAX_RESULT_BYTES = 4194304 };

/* The next task, or NULL when the worker stops. */
static qt_worker_task *next_task(qt_worker *w, size_t self) {
    qt_worker_task *task = NULL;
    pthread_mutex_lock(&w->lock);
    while ((task = qt_task_queue_pop(&w->waiting)) == NULL && !w->stopping) {
        pthread_cond_wait(&w->work, &w->lock);
    }
    if (task != NULL) {
        task->phase = QT_PHASE_RUNNING;
        w->running_count++;
        w->run_since_ms[self] = qt_worker_now_ms(w);
        pthread_cond_signal(&w->room);
    }
    pthread_mutex_unlock(&w->lock);
    return task;
}

static void set_retry_after(qt_worker_task *task, int64_t retry_after_ms) {
    if (retry_after_ms <= 0) {
        return;
    }
    Google__Protobuf__Duration *d = qt_arena_alloc(&task->arena, sizeof *d);
    if (d != NULL) {
        google__protobuf__duration__init(d);
        d->seconds = retry_after_ms / 1000;
        d->nanos = (int32_t)(retry_after_ms % 1000) * 1000000;
        task->failure.retry_after = d;
    }
}

/* A reason to stop explains a failure better than the failure does. */
static void set_failure(qt_worker_task *task, const qt_err *err) {
    char text[4096];
    Qtaskdist__V1__TaskFailure *f = &task->failure;
    qtaskdist__v1__task_failure__init(f);
    qt_reason reason = err->reason;
    f->failure_class = qt_failure_class(err);
    qt_failure_text(err, text, sizeof text);
    switch ((qt_stop)atomic_load(&task->stop)) {
    case QT_STOP_CANCEL:
        f->failure_class = QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_CANCELLED;
        reason = QT_REASON_CANCELLED_BY_USER;
        break;
    case QT_STOP_DRAIN:
        f->failure_class = QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_DRAINED;
        reason = QT_REASON_WORKER_DRAINED;
        break;
    case QT_STOP_LOST:
    case QT_STOP_NO:
        break;
    }
    const char *shown = reason == err->reason ? text : qt_reason_text(reason);
    char *message = qt_arena_strdup(&task->arena, shown);
    f->reason = (char *)(uintptr_t)qt_reason_name(reason);
    f->message = message != NULL ? message : (char *)(uintptr_t)qt_reason_text(reason);
    set_retry_after(task, err->retry_after_ms);
}

static qt_code check_size(const qt_worker *w, const Qtaskdist__V1__TaskResult *result,
                          qt_err *err) {
    size_t max = w->options.max_result_bytes > 0 ? w->options.max_result_bytes
                                                 : (size_t)DEFAULT_MAX_RESULT_BYTES;
    size_t size = protobuf_c_message_get_packed_size(&result->base);
    if (size > max) {
        return qt_fail(err, RESULT_TOO_LARGE,
                       "the result has %zu bytes, at most %zu are allowed; ask for fewer shots",
                       size, max);
    }
    return QT_OK;
}

static qt_code run(qt_worker *w, qt_worker_task *task, Qtaskdist__V1__TaskResult **ret_result,
                   qt_err *err) {
    static const Qtaskdist__V1__TaskPayload empty = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    Qtaskdist__V1__TaskResult *result = NULL;
    QT_TRY(w->runner.run(w->runner.self, task, task->message->task_type,
                         task->payload != NULL ? task->payload : &empty, &task->arena, &result,
                         err));
    QT_TRY(check_size(w, result, err));
    *ret_result = result;
    return QT_OK;
}

/* A long task counts at once, many short ones are needed to forget it. */
static void learn(qt_worker *w, double ms) {
    w->mean_ms = ms > w->mean_ms ? ms : 0.9 * w->mean_ms + 0.1 * ms;
}

static void finish(qt_worker *w, size_t self, qt_worker_task *task, double ms) {
    pthread_mutex_lock(&w->lock);
    task->phase = QT_PHASE_DONE;
    task->done_ms = qt_worker_now_ms(w);
    w->running_count--;
    w->run_since_ms[self] = 0;
    learn(w, ms);
    qt_worker_task *lost = qt_worker_settle(w, task);
    pthread_cond_signal(&w->room);
    pthread_mutex_unlock(&w->lock);
    qt_worker_task_free(lost);
}

static void log_failure(const qt_worker_task *task, const qt_err *err) {
    Qtaskdist__V1__FailureClass class = qt_failure_class(err);
    if (class == QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_SNOOZE ||
        class == QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_THROTTLED) {
        qt_log_err(DEBUG, "a task comes back later", err,
                   QT_KV_STR("task_id", task->message->task_id));
    } else if (atomic_load(&task->stop) == QT_STOP_NO) {
        qt_log_err(INFO, "a task failed", err, QT_KV_STR("task_id", task->message->task_id),
                   QT_KV_STR("field", err->field));
    }
}

/* Each runner takes the next free number. */
static size_t number_of_this(qt_worker *w) {
    pthread_mutex_lock(&w->lock);
    size_t number = w->numbered_runners++;
    pthread_mutex_unlock(&w->lock);
    return number;
}

/* Calls that the runner makes, and what it logs, belong to the span of the run. */
static void run_traced(qt_worker *w, qt_worker_task *task, qt_err *err) {
    qt_trace_scope scope;
    qt_trace_span *span = NULL;
    qt_trace_ctx ctx = task->trace;
    if (qt_trace_is_set(&ctx)) {
        ctx = qt_trace_begin("run", QT_TRACE_CONSUMER, &task->trace, &span);
        qt_trace_str(span, "qt.task_id", task->message->task_id);
        qt_trace_str(span, "qt.task_type", qt_task_type_name((int)task->message->task_type));
        qt_trace_str(span, "qt.worker_id", w->id);
    }
    qt_trace_enter(&scope, &ctx, NULL);
    Qtaskdist__V1__TaskResult *result = NULL;
    qt_code code = run(w, task, &result, err);
    if (code == QT_OK) {
        task->result = result;
    } else {
        log_failure(task, err);
        set_failure(task, err);
    }
    qt_trace_leave(&scope);
    qt_trace_end(span, code != QT_OK ? err : NULL);
}

void *qt_worker_runner_main(void *worker) {
    qt_worker *w = worker;
    size_t self = number_of_this(w);
    qt_worker_task *task;
    while ((task = next_task(w, self)) != NULL) {
        qt_err err = {0};
        int64_t start_us = qt_clock_mono_us(w->clock);
        run_traced(w, task, &err);
        int64_t end_us = qt_clock_mono_us(w->clock);
        qt_worker_metrics_run(task, start_us, end_us);
        finish(w, self, task, (double)(end_us - start_us) / 1000.0);
    }
    return NULL;
}
