#include "services/backend-svc/poller.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/wait.h"
#include "services/backend-svc/jobstore.h"
#include "services/backend-svc/metrics.h"
#include "task/retry.h"

#include <pthread.h>
#include <qtaskdist/v1/job_store_service.rpc.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 500,
    LEASE_MS = 20000,
    CALL_MS = 10000,
    PAGE = 1000,
    MAX_CANCELS = 20,
    CANCEL_BASE_MS = 2000,
    CANCEL_CAP_MS = 300000,
    FAILURE_BASE_MS = 1000,
    FAILURE_CAP_MS = 60000,
};

typedef Qtaskdist__V1__JobRecord record_t;

struct qt_poller {
    qt_poller_options options;
    const qt_clock *clock;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool stopping; /* guarded by the lock */

    int64_t next_poll_ms;
    int64_t earliest_poll_ms; /* by the quota's flow, or after a failure */
    int64_t next_sweep_ms;
    int failures; /* of polls, in a row */
    bool is_holder;
};

/* Open records of one page after another, and what is to be stored of them. */
typedef struct batch {
    qt_arena arena;
    record_t **records; /* SUBMITTED ones */
    size_t count;
    int64_t youngest_ms; /* since a state changed */
    qt_job_report *reports;
    size_t requests;
} batch;

/* ---- records ---- */

static qt_code list_page(const qt_poller *p, const char *after, bool abandoned, qt_arena *arena,
                         Qtaskdist__V1__ListJobRecordsResponse **ret_resp, qt_err *err) {
    Qtaskdist__V1__ListJobRecordsRequest req = QTASKDIST__V1__LIST_JOB_RECORDS_REQUEST__INIT;
    const qt_rpc_call call = {.timeout_ms = CALL_MS, .idempotent = true};
    req.provider = (char *)(uintptr_t)p->options.provider->ops->name;
    req.after_task_id = (char *)(uintptr_t)after;
    req.limit = PAGE;
    req.abandoned = abandoned;
    return qt_job_store_service_list_job_records(p->options.backend->task, &call, &req, arena,
                                                 ret_resp, err);
}

static qt_code add_page(batch *b, const Qtaskdist__V1__ListJobRecordsResponse *page, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(&b->arena, b->count + page->n_records + 1, sizeof(record_t *),
                               &memory, err));
    if (b->count > 0) {
        memcpy(memory, b->records, b->count * sizeof(record_t *));
    }
    b->records = memory;
    for (size_t i = 0; i < page->n_records; i++) {
        record_t *r = page->records[i];
        if (r->state == QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTED) {
            b->records[b->count++] = r;
            b->youngest_ms = r->state_age_ms < b->youngest_ms ? r->state_age_ms : b->youngest_ms;
        }
    }
    return QT_OK;
}

static qt_code list_open(const qt_poller *p, batch *b, qt_err *err) {
    const char *after = "";
    size_t found = PAGE;
    b->youngest_ms = INT64_MAX;
    while (found == PAGE) {
        Qtaskdist__V1__ListJobRecordsResponse *page = NULL;
        QT_TRY(list_page(p, after, false, &b->arena, &page, err));
        QT_TRY(add_page(b, page, err));
        found = page->n_records;
        after = found > 0 ? page->records[found - 1]->task_id : after;
    }
    return QT_OK;
}

/* ---- polling ---- */

static const char *phase_name(qt_job_phase phase) {
    static const char *const names[QT_PHASE_COUNT_] = {
        [QT_PHASE_UNKNOWN] = "unknown", [QT_PHASE_QUEUED] = "queued",
        [QT_PHASE_RUNNING] = "running", [QT_PHASE_CANCELLING] = "cancelling",
        [QT_PHASE_HELD] = "held",       [QT_PHASE_COMPLETED] = "completed",
        [QT_PHASE_FAILED] = "failed",   [QT_PHASE_CANCELLED] = "cancelled",
    };
    return names[phase];
}

static Qtaskdist__V1__JobState state_of(qt_job_phase phase) {
    switch (phase) {
    case QT_PHASE_COMPLETED:
        return QTASKDIST__V1__JOB_STATE__JOB_STATE_COMPLETED;
    case QT_PHASE_FAILED:
        return QTASKDIST__V1__JOB_STATE__JOB_STATE_FAILED;
    case QT_PHASE_CANCELLED:
        return QTASKDIST__V1__JOB_STATE__JOB_STATE_CANCELLED;
    case QT_PHASE_UNKNOWN:
    case QT_PHASE_QUEUED:
    case QT_PHASE_RUNNING:
    case QT_PHASE_CANCELLING:
    case QT_PHASE_HELD:
    case QT_PHASE_COUNT_:
    default:
        return QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED;
    }
}

static bool is_news(const record_t *r, const qt_job_report *report) {
    return report->is_found &&
           (state_of(report->phase) != QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED ||
            strcmp(r->provider_status, report->status) != 0 ||
            r->queue_position != report->queue_position);
}

static void count_end(const qt_poller *p, const qt_job_report *report) {
    const char *name = p->options.provider->ops->name;
    qt_backend_count(QT_BACKEND_JOBS_ENDED, name, phase_name(report->phase), 1);
    if (report->cost_known) {
        qt_backend_count(QT_BACKEND_SPEND, name, NULL, report->cost);
    }
}

static void fill_update(const record_t *r, const qt_job_report *report,
                        Qtaskdist__V1__JobUpdate *update) {
    qtaskdist__v1__job_update__init(update);
    update->task_id = r->task_id;
    update->state = state_of(report->phase);
    update->provider_status = (char *)(uintptr_t)report->status;
    update->queue_position = report->queue_position;
    bool is_final = update->state != QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED;
    update->cost_known = is_final && report->cost_known; /* before the end it may be an estimate */
    update->cost = update->cost_known ? report->cost : 0;
    update->message = (char *)(uintptr_t)report->message;
}

static qt_code store_news(const qt_poller *p, batch *b, qt_err *err) {
    void *memory = NULL;
    void *list = NULL;
    size_t count = 0;
    QT_TRY(qt_arena_try_calloc(&b->arena, b->count + 1, sizeof(Qtaskdist__V1__JobUpdate), &memory,
                               err));
    QT_TRY(qt_arena_try_calloc(&b->arena, b->count + 1, sizeof(void *), &list, err));
    Qtaskdist__V1__JobUpdate *updates = memory;
    Qtaskdist__V1__JobUpdate **pointers = list;
    for (size_t i = 0; i < b->count; i++) {
        if (is_news(b->records[i], &b->reports[i])) {
            fill_update(b->records[i], &b->reports[i], &updates[count]);
            pointers[count] = &updates[count];
            count++;
        }
    }
    qt_failpoint("before_update");
    QT_TRY(qt_jobstore_update(p->options.backend->task, pointers, count, err));
    for (size_t i = 0; i < b->count; i++) {
        if (is_news(b->records[i], &b->reports[i]) &&
            state_of(b->reports[i].phase) != QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED) {
            count_end(p, &b->reports[i]);
        }
    }
    return QT_OK;
}

static void show_phases(const qt_poller *p, const batch *b) {
    double counts[QT_PHASE_COUNT_] = {0};
    for (size_t i = 0; i < b->count; i++) {
        const qt_job_report *report = &b->reports[i];
        counts[report->is_found
                   ? report->phase
                   : p->options.provider->ops->phase(b->records[i]->provider_status)]++;
    }
    for (int i = 0; i < QT_PHASE_COMPLETED; i++) {
        qt_backend_show(QT_BACKEND_JOBS, p->options.provider->ops->name,
                        phase_name((qt_job_phase)i), counts[i]);
    }
}

/* What was read before a failure counts too. */
static qt_code ask_provider(const qt_poller *p, batch *b, qt_err *err) {
    const qt_provider *provider = p->options.provider;
    void *memory = NULL;
    QT_TRY(qt_arena_try_calloc(&b->arena, b->count + 1, sizeof(qt_job_report), &memory, err));
    b->reports = memory;
    for (size_t i = 0; i < b->count; i++) {
        b->reports[i].job_id = b->records[i]->job_id;
    }
    qt_code code =
        provider->ops->poll(provider->self, b->reports, b->count, &b->arena, &b->requests, err);
    qt_err lost;
    if (store_news(p, b, code == QT_OK ? err : &lost) != QT_OK && code == QT_OK) {
        return err->code;
    }
    show_phases(p, b);
    return code;
}

int64_t qt_poller_interval_ms(const qt_poller_options *options, int64_t youngest_ms,
                              size_t requests) {
    int64_t ms = youngest_ms / 4;
    ms = ms > options->min_ms ? ms : options->min_ms;
    ms = ms < options->max_ms ? ms : options->max_ms;
    if (options->flow_per_second > 0) {
        double floor_ms = (double)requests / options->flow_per_second * 1000;
        ms = (double)ms > floor_ms ? ms : (int64_t)floor_ms;
    }
    return ms;
}

static int64_t after_failure_ms(qt_poller *p, const qt_err *err) {
    static const qt_backoff backoff = {.base_ms = FAILURE_BASE_MS, .cap_ms = FAILURE_CAP_MS};
    int64_t ms = qt_backoff_ms(&backoff, ++p->failures, qt_random_u64());
    qt_log_err(WARN, "a provider's jobs cannot be polled", err,
               QT_KV_STR("provider", p->options.provider->ops->name));
    return (ms > err->retry_after_ms ? ms : err->retry_after_ms) + 1;
}

static void poll_due(qt_poller *p, int64_t now_ms) {
    batch b = {0};
    qt_err err;
    qt_arena_init(&b.arena, 0);
    qt_code code = list_open(p, &b, &err);
    if (code == QT_OK && b.count > 0) {
        code = ask_provider(p, &b, &err);
    } else if (code == QT_OK) {
        show_phases(p, &b);
    }
    if (code == QT_OK) {
        p->failures = 0;
        p->earliest_poll_ms = now_ms + qt_poller_interval_ms(&p->options, 0, b.requests);
        p->next_poll_ms = now_ms + qt_poller_interval_ms(&p->options, b.youngest_ms, b.requests);
    } else {
        p->next_poll_ms = now_ms + after_failure_ms(p, &err);
        p->earliest_poll_ms = p->next_poll_ms;
    }
    qt_arena_done(&b.arena);
}

/* ---- jobs that nobody waits for ---- */

static void tell_store(const qt_poller *p, Qtaskdist__V1__JobUpdate *update) {
    Qtaskdist__V1__JobUpdate *updates[] = {update};
    qt_err err;
    if (qt_jobstore_update(p->options.backend->task, updates, 1, &err) != QT_OK) {
        qt_log_err(WARN, "a cancel could not be stored", &err,
                   QT_KV_STR("task_id", update->task_id));
    }
}

static bool cancel_is_due(const record_t *r) {
    static const qt_backoff backoff = {.base_ms = CANCEL_BASE_MS, .cap_ms = CANCEL_CAP_MS};
    if (r->cancel_count == 0) {
        return true;
    }
    return r->cancel_count < MAX_CANCELS &&
           r->update_age_ms > qt_backoff_ms(&backoff, r->cancel_count, UINT64_MAX);
}

static void cancel_job(const qt_poller *p, const record_t *r) {
    const qt_provider *provider = p->options.provider;
    Qtaskdist__V1__JobUpdate update = QTASKDIST__V1__JOB_UPDATE__INIT;
    qt_err err;
    if (!cancel_is_due(r) || provider->ops->phase(r->provider_status) == QT_PHASE_HELD) {
        return;
    }
    qt_failpoint("before_cancel");
    qt_code code = provider->ops->cancel(provider->self, r->job_id, &err);
    qt_failpoint("after_cancel");
    bool is_refused = code != QT_OK && err.reason == QT_REASON_PROVIDER_REFUSED;
    qt_backend_count(QT_BACKEND_CANCELS, provider->ops->name,
                     code == QT_OK ? "accepted"
                     : is_refused  ? "refused"
                                   : "failed",
                     1);
    if (code != QT_OK) {
        qt_log_err(INFO, "a job could not be cancelled", &err, QT_KV_STR("task_id", r->task_id),
                   QT_KV_STR("job_id", r->job_id));
    }
    if (code == QT_OK || is_refused) {
        update.task_id = r->task_id;
        update.queue_position = r->queue_position;
        update.cancel_sent = 1;
        tell_store(p, &update);
    }
}

static void forget_intent(const qt_poller *p, const record_t *r) {
    Qtaskdist__V1__JobUpdate update = QTASKDIST__V1__JOB_UPDATE__INIT;
    update.task_id = r->task_id;
    update.state = QTASKDIST__V1__JOB_STATE__JOB_STATE_CANCELLED;
    tell_store(p, &update);
}

/* The task is gone, and its job may be at the provider. */
static void resolve_doubt(const qt_poller *p, const record_t *r, qt_arena *arena) {
    const qt_provider *provider = p->options.provider;
    Qtaskdist__V1__RecordJobRequest req = QTASKDIST__V1__RECORD_JOB_REQUEST__INIT;
    qt_submitted found;
    record_t *stored = NULL;
    qt_err err;
    if (r->doubt_ms > 0) {
        return;
    }
    qt_code code = provider->ops->find(provider->self, r->task_id, arena, &found, &err);
    if (code == QT_OK) {
        bool is_found = found.job_id[0] != '\0';
        req.task_id = r->task_id;
        req.submit_seq = r->submit_seq;
        req.outcome = is_found ? QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_SUBMITTED
                               : QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_ABSENT;
        req.job_id = (char *)(uintptr_t)found.job_id;
        req.provider_status = (char *)(uintptr_t)found.status;
        code = qt_jobstore_record(p->options.backend->task, &req, arena, &stored, &err);
    }
    if (code != QT_OK) {
        qt_log_err(WARN, "a doubt could not be resolved", &err, QT_KV_STR("task_id", r->task_id));
    }
}

static void clean_up(const qt_poller *p, const record_t *r, qt_arena *arena) {
    switch (r->state) {
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_INTENT:
        forget_intent(p, r);
        break;
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTING:
        resolve_doubt(p, r, arena);
        break;
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTED:
        cancel_job(p, r);
        break;
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_COMPLETED:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_FAILED:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_CANCELLED:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_REJECTED:
    case _QTASKDIST__V1__JOB_STATE_IS_INT_SIZE:
    default:
        break;
    }
}

static bool is_stopping(qt_poller *p) {
    pthread_mutex_lock(&p->lock);
    bool yes = p->stopping;
    pthread_mutex_unlock(&p->lock);
    return yes;
}

static void sweep_due(qt_poller *p, int64_t now_ms) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__ListJobRecordsResponse *page = NULL;
    qt_err err;
    p->next_sweep_ms = now_ms + p->options.sweep_ms;
    if (list_page(p, "", true, &arena, &page, &err) != QT_OK) {
        qt_log_err(WARN, "the jobs without a task cannot be listed", &err);
        return;
    }
    for (size_t i = 0; i < page->n_records && !is_stopping(p); i++) {
        clean_up(p, page->records[i], &arena);
    }
}

/* ---- the thread ---- */

/* A job changed lately, here or by another replica. */
static void advance(qt_poller *p, int64_t at_ms) {
    at_ms = at_ms > p->earliest_poll_ms ? at_ms : p->earliest_poll_ms;
    p->next_poll_ms = at_ms < p->next_poll_ms ? at_ms : p->next_poll_ms;
}

/* Takes or keeps the lease. */
static bool lease(qt_poller *p, int64_t lease_ms) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__LeasePollerRequest req = QTASKDIST__V1__LEASE_POLLER_REQUEST__INIT;
    Qtaskdist__V1__LeasePollerResponse *resp = NULL;
    const qt_rpc_call call = {.timeout_ms = CALL_MS, .idempotent = true};
    qt_err err;
    req.provider = (char *)(uintptr_t)p->options.provider->ops->name;
    req.holder = (char *)(uintptr_t)p->options.holder;
    req.lease_ms = lease_ms;
    if (qt_job_store_service_lease_poller(p->options.backend->task, &call, &req, &arena, &resp,
                                          &err) != QT_OK) {
        return false;
    }
    if (resp->granted && resp->open_count > 0) {
        int64_t now_ms = qt_clock_mono_ms(p->clock);
        advance(p, now_ms + qt_poller_interval_ms(&p->options, resp->youngest_ms, 0));
    }
    return resp->granted;
}

/* Waits a tick; false when it is to end. */
static bool wait_tick(qt_poller *p) {
    const struct timespec until = qt_cond_deadline(TICK_MS);
    pthread_mutex_lock(&p->lock);
    while (!p->stopping && pthread_cond_timedwait(&p->cond, &p->lock, &until) == 0) {
    }
    bool goes_on = !p->stopping;
    pthread_mutex_unlock(&p->lock);
    return goes_on;
}

static void *poller_main(void *arg) {
    qt_poller *p = arg;
    do {
        p->is_holder = lease(p, LEASE_MS);
        int64_t now_ms = qt_clock_mono_ms(p->clock);
        if (p->is_holder && now_ms >= p->next_sweep_ms) {
            sweep_due(p, now_ms);
        }
        if (p->is_holder && now_ms >= p->next_poll_ms) {
            poll_due(p, now_ms);
        }
    } while (wait_tick(p));
    if (p->is_holder) {
        lease(p, 0);
    }
    return NULL;
}

qt_code qt_poller_new(const qt_poller_options *options, qt_poller **ret_poller, qt_err *err) {
    qt_poller *p = qt_xcalloc(1, sizeof *p);
    p->options = *options;
    p->clock = qt_clock_system();
    pthread_mutex_init(&p->lock, NULL);
    qt_cond_init(&p->cond);
    if (pthread_create(&p->thread, NULL, poller_main, p) != 0) {
        pthread_cond_destroy(&p->cond);
        pthread_mutex_destroy(&p->lock);
        free(p);
        return qt_fail(err, IO_ERROR, "no thread to poll a provider");
    }
    *ret_poller = p;
    return QT_OK;
}

void qt_poller_free(qt_poller *p) {
    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_signal(&p->cond);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->cond);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
