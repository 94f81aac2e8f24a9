/* The protocol of a submit, with what a crash leaves behind at each step:
 *
 *   BeginJob      nothing, or a record in SUBMITTING: in doubt until its time is over
 *   POST          the same; the provider may have the job, tagged with the task id
 *   RecordJob     the same, until SUBMITTED is stored
 *
 * A record in SUBMITTING whose submitter is not heard of is resolved by the tag: found, it becomes
 * SUBMITTED; absent from the list at a time when it had to be there, it becomes INTENT, and only
 * then may anybody submit again. */
#include "services/backend-svc/run.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "rpc/message.h"
#include "services/backend-svc/device_program.h"
#include "services/backend-svc/devices.h"
#include "services/backend-svc/jobstore.h"
#include "services/backend-svc/metrics.h"
#include "trace/trace.h"

#include <stdio.h>
#include <string.h>

enum {
    DEFAULT_SHOTS = 1024,
    PERMIT_MS = 5000,     /* a permit that was not used by then is given back */
    FIRST_LOOK_MS = 1000, /* after a doubtful answer */
    LOOK_AGAIN_MS = 5000, /* while it is in doubt */
    RESULT_MIN_MS = 2000, /* between two looks for a result */
    RESULT_MAX_MS = 30000,
    MAX_STEPS = 4,
};

typedef Qtaskdist__V1__JobRecord record_t;

static char *text_of(const char *s) {
    return (char *)(uintptr_t)s; /* protobuf-c does not write to it */
}

static bool is_cancelled(const qt_run *run) {
    return run->watch->cancelled(run->watch->self);
}

static uint32_t shots_of(const qt_run *run) {
    return run->payload->shots > 0 ? run->payload->shots : DEFAULT_SHOTS;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : v > high ? high : v;
}

/* JOB_PENDING or JOB_IN_DOUBT: come back after that long. */
static qt_code come_back(qt_err *err, int64_t ms) {
    err->retry_after_ms = ms > 0 ? ms : 1;
    return err->code;
}

static qt_code record(const qt_run *run, const record_t *of, Qtaskdist__V1__JobOutcome outcome,
                      Qtaskdist__V1__RecordJobRequest *values, record_t **ret_record, qt_err *err) {
    values->task_id = text_of(run->task_id);
    values->submit_seq = of->submit_seq;
    values->outcome = outcome;
    return qt_jobstore_record(run->backend->task, values, run->arena, ret_record, err);
}

static qt_code record_plain(const qt_run *run, const record_t *of,
                            Qtaskdist__V1__JobOutcome outcome, record_t **ret_record, qt_err *err) {
    Qtaskdist__V1__RecordJobRequest values = QTASKDIST__V1__RECORD_JOB_REQUEST__INIT;
    return record(run, of, outcome, &values, ret_record, err);
}

static qt_code record_submitted(const qt_run *run, const record_t *of, const qt_submitted *job,
                                record_t **ret_record, qt_err *err) {
    Qtaskdist__V1__RecordJobRequest values = QTASKDIST__V1__RECORD_JOB_REQUEST__INIT;
    values.job_id = text_of(job->job_id);
    values.provider_status = text_of(job->status);
    return record(run, of, QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_SUBMITTED, &values, ret_record,
                  err);
}

/* ---- submit ---- */

/* What a failed submit leaves: its error stays *err, unless it is in doubt or cannot be stored. */
static qt_code settle_failure(const qt_run *run, const record_t *of, qt_submit_outcome outcome,
                              qt_err *err) {
    Qtaskdist__V1__RecordJobRequest values = QTASKDIST__V1__RECORD_JOB_REQUEST__INIT;
    record_t *stored = NULL;
    qt_err lost;
    const char *told = err->msg;
    if (outcome == QT_SUBMIT_DOUBTFUL) {
        values.doubt_ms = run->backend->limits.listing_delay_ms + 1;
        qt_log_err(WARN, "a submit is in doubt", err, QT_KV_STR("task_id", run->task_id));
        if (record(run, of, QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_DOUBTFUL, &values, &stored,
                   &lost) != QT_OK) {
            qt_log_err(WARN, "a doubt could not be stored", &lost);
        }
        (void)!qt_fail(err, JOB_IN_DOUBT, "whether the provider has the job is being looked up");
        return come_back(err, FIRST_LOOK_MS);
    }
    values.message = text_of(told);
    Qtaskdist__V1__JobOutcome what = outcome == QT_SUBMIT_REJECTED
                                         ? QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_REJECTED
                                         : QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_NOT_ACCEPTED;
    if (record(run, of, what, &values, &stored, &lost) != QT_OK) {
        *err = lost;
    }
    return err->code;
}

static void count_submit(const qt_run *run, qt_submit_outcome outcome) {
    static const char *const names[] = {"accepted", "doubtful", "not_accepted", "rejected"};
    qt_backend_count(QT_BACKEND_SUBMITS, run->provider->ops->name, names[outcome], 1);
}

/* The provider gets its context, if it cares; none outside of a trace. */
static qt_trace_ctx begin_submit(const qt_run *run, qt_trace_span **ret_span) {
    const qt_trace_ctx *parent = qt_trace_current();
    *ret_span = NULL;
    if (!qt_trace_is_set(parent)) {
        return *parent;
    }
    qt_trace_ctx ctx = qt_trace_begin("submit", QT_TRACE_CLIENT, parent, ret_span);
    qt_trace_str(*ret_span, "qt.task_id", run->task_id);
    qt_trace_str(*ret_span, "qt.provider", run->provider->ops->name);
    return ctx;
}

static qt_code post(const qt_run *run, const qt_device_program *program, const record_t *permit,
                    int64_t asked_ms, record_t **ret_record, qt_err *err) {
    qt_trace_span *span = NULL;
    char traceparent[QT_TRACEPARENT_BYTES];
    const qt_trace_ctx trace = begin_submit(run, &span);
    qt_trace_format(&trace, traceparent);
    const qt_submission submission = {.task_id = run->task_id,
                                      .submit_seq = permit->submit_seq,
                                      .device = run->payload->backend_name,
                                      .format = program->format,
                                      .program = program->text,
                                      .shots = shots_of(run),
                                      .num_qubits = program->num_qubits,
                                      .traceparent = traceparent};
    qt_submit_outcome outcome = QT_SUBMIT_NOT_ACCEPTED;
    qt_submitted job;
    bool is_late = qt_clock_mono_ms(qt_clock_system()) - asked_ms > PERMIT_MS;
    if (is_late || is_cancelled(run)) {
        qt_trace_end(span, NULL);
        (void)!qt_fail(err, JOB_PENDING, "the permit to submit was not used");
        err->retry_after_ms = 1;
        return settle_failure(run, permit, QT_SUBMIT_NOT_ACCEPTED, err);
    }
    qt_failpoint("before_post");
    qt_code code = run->provider->ops->submit(run->provider->self, &submission, run->arena,
                                              &outcome, &job, err);
    qt_failpoint("after_post");
    count_submit(run, outcome);
    qt_trace_end(span, code != QT_OK ? err : NULL);
    if (code != QT_OK) {
        return settle_failure(run, permit, outcome, err);
    }
    QT_TRY(record_submitted(run, permit, &job, ret_record, err));
    qt_failpoint("after_store");
    return QT_OK;
}

static qt_code fill_begin(const qt_run *run, const Qtaskdist__V1__Device *device,
                          qt_device_program *program, Qtaskdist__V1__BeginJobRequest *req,
                          qt_err *err) {
    const qt_backend_limits *limits = &run->backend->limits;
    const char *layout = NULL;
    QT_TRY(qt_layout_format(&program->layout, run->arena, &layout, err));
    req->task_id = text_of(run->task_id);
    req->provider = text_of(run->provider->ops->name);
    req->backend_name = run->payload->backend_name;
    req->program_hash.data = (uint8_t *)&program->hash;
    req->program_hash.len = sizeof program->hash;
    req->shots = shots_of(run);
    req->cost_known = qt_device_cost(device, req->shots, &req->estimated_cost);
    req->layout = text_of(layout);
    req->doubt_ms = PERMIT_MS + limits->submit_ms + limits->listing_delay_ms;
    return QT_OK;
}

static qt_code check_device(const Qtaskdist__V1__Device *device, qt_err *err) {
    if (device->status == QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_RETIRED) {
        return qt_fail_field(err, DEVICE_RETIRED, "payload.backend_name",
                             "'%.100s' takes no jobs any more", device->name);
    }
    return QT_OK;
}

/* From no job to a job, or to a record of somebody else's submit. */
static qt_code start(const qt_run *run, record_t **ret_record, qt_err *err) {
    Qtaskdist__V1__BeginJobRequest req = QTASKDIST__V1__BEGIN_JOB_REQUEST__INIT;
    Qtaskdist__V1__Device *device = NULL;
    qt_device_program program;
    record_t *begun = NULL;
    QT_TRY(run->provider->ops->admit(run->provider->self, err));
    QT_TRY(qt_devices_get(run->provider, run->payload->backend_name, run->arena, &device, err));
    QT_TRY(check_device(device, err));
    QT_TRY(qt_device_program_make(run->backend->sim, run->payload, device, run->watch, run->arena,
                                  &program, err));
    QT_TRY(fill_begin(run, device, &program, &req, err));
    if (is_cancelled(run)) {
        return qt_fail(err, CALL_CANCELLED, "cancelled before the submit");
    }
    qt_failpoint("before_intent");
    int64_t asked_ms = qt_clock_mono_ms(qt_clock_system());
    QT_TRY(qt_jobstore_begin(run->backend->task, &req, run->arena, &begun, err));
    qt_failpoint("after_intent");
    if (!begun->permit) {
        *ret_record = begun;
        return QT_OK;
    }
    return post(run, &program, begun, asked_ms, ret_record, err);
}

/* ---- doubt ---- */

static qt_code look_up(const qt_run *run, qt_submitted *ret_found, qt_err *err) {
    const char *name = run->provider->ops->name;
    qt_code code =
        run->provider->ops->find(run->provider->self, run->task_id, run->arena, ret_found, err);
    if (code != QT_OK) {
        qt_backend_count(QT_BACKEND_LOOKUPS, name, "failed", 1);
        return code;
    }
    qt_backend_count(QT_BACKEND_LOOKUPS, name, ret_found->job_id[0] != '\0' ? "found" : "absent",
                     1);
    return QT_OK;
}

/* The record was read before the look, so its time had come before the look began. */
static qt_code resolve(const qt_run *run, const record_t *doubtful, record_t **ret_record,
                       qt_err *err) {
    qt_submitted found;
    qt_failpoint("before_lookup");
    QT_TRY(look_up(run, &found, err));
    qt_failpoint("after_lookup");
    if (found.job_id[0] != '\0') {
        QT_TRY(record_submitted(run, doubtful, &found, ret_record, err));
        return QT_OK;
    }
    if (doubtful->doubt_ms <= 0) {
        return record_plain(run, doubtful, QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_ABSENT,
                            ret_record, err);
    }
    (void)!qt_fail(err, JOB_IN_DOUBT, "whether the provider has the job is being looked up");
    return come_back(err, clamp(doubtful->doubt_ms + 1, 1, LOOK_AGAIN_MS));
}

/* ---- waiting ---- */

static qt_code new_result(const record_t *of, const char *status, qt_arena *arena,
                          Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    Qtaskdist__V1__TaskResult *result = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__task_result__descriptor, &result, err));
    result->job_id = of->job_id;
    result->status = text_of(status);
    result->shots = of->shots;
    result->backend_name = of->backend_name;
    *ret_result = result;
    return QT_OK;
}

static qt_code detach(const qt_run *run, const record_t *of, Qtaskdist__V1__TaskResult **ret_result,
                      qt_err *err) {
    record_t *stored = NULL;
    QT_TRY(record_plain(run, of, QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_DETACHED, &stored, err));
    return new_result(stored, "submitted", run->arena, ret_result, err);
}

static bool is_detached(const qt_run *run) {
    return run->payload->wait_for_completion_oneof_case ==
               QTASKDIST__V1__TASK_PAYLOAD__WAIT_FOR_COMPLETION_ONEOF_WAIT_FOR_COMPLETION &&
           !run->payload->wait_for_completion;
}

static qt_code pend(const qt_run *run, const record_t *of, qt_err *err) {
    const qt_backend_limits *limits = &run->backend->limits;
    qt_job_phase phase = run->provider->ops->phase(of->provider_status);
    int64_t limit_ms = limits->watchdog_ms[phase];
    if (limit_ms > 0 && of->state_age_ms > limit_ms) {
        if (phase == QT_PHASE_HELD) {
            return qt_fail(err, JOB_HELD, "the provider withholds the result of job %.120s",
                           of->job_id);
        }
        return qt_fail(err, JOB_STUCK, "job %.120s is %.40s for %lld s", of->job_id,
                       of->provider_status, (long long)(of->state_age_ms / 1000));
    }
    (void)!qt_fail(err, JOB_PENDING, "job %.120s is %.40s (place in the queue: %u)", of->job_id,
                   of->provider_status[0] != '\0' ? of->provider_status : "submitted",
                   of->queue_position);
    return come_back(err,
                     clamp(of->state_age_ms / 2, limits->snooze_min_ms, limits->snooze_max_ms));
}

/* ---- results ---- */

static void store_cost(const qt_backend *backend, const record_t *of, const qt_job_report *report) {
    Qtaskdist__V1__JobUpdate update = QTASKDIST__V1__JOB_UPDATE__INIT;
    Qtaskdist__V1__JobUpdate *updates[] = {&update};
    qt_err err;
    if (!report->cost_known || of->cost_known) {
        return;
    }
    update.task_id = of->task_id;
    update.cost = report->cost;
    update.cost_known = 1;
    if (qt_jobstore_update(backend->task, updates, 1, &err) != QT_OK) {
        qt_log_err(WARN, "a job's cost could not be stored", &err,
                   QT_KV_STR("task_id", of->task_id));
    }
}

static qt_code warn_of_shots(Qtaskdist__V1__TaskResult *result, qt_arena *arena, qt_err *err) {
    uint64_t sum = 0;
    void *list = NULL;
    for (size_t i = 0; i < result->n_measurements; i++) {
        sum += result->measurements[i]->value;
    }
    if (sum == result->shots) {
        return QT_OK;
    }
    QT_TRY(qt_arena_try_alloc(arena, sizeof(char *), &list, err));
    result->warnings = list;
    result->warnings[0] =
        qt_arena_printf(arena, "the device returned %llu shots, %u were asked for",
                        (unsigned long long)sum, result->shots);
    result->n_warnings = result->warnings[0] != NULL ? 1 : 0;
    return QT_OK;
}

qt_code qt_run_fetch_result(const qt_backend *backend, const qt_provider *provider,
                            const Qtaskdist__V1__JobRecord *of, qt_arena *arena,
                            Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    Qtaskdist__V1__TaskResult *result = NULL;
    qt_job_report report = {0};
    qt_layout layout;
    QT_TRY(qt_layout_parse(of->layout, arena, &layout, err));
    QT_TRY(new_result(of, "completed", arena, &result, err));
    result->num_clbits = layout.bit_count;
    QT_TRY(provider->ops->result(provider->self, of->job_id, &layout, of->shots, arena, result,
                                 &report, err));
    QT_TRY(warn_of_shots(result, arena, err));
    store_cost(backend, of, &report);
    *ret_result = result;
    return QT_OK;
}

static qt_code finish(const qt_run *run, const record_t *of, Qtaskdist__V1__TaskResult **ret_result,
                      qt_err *err) {
    if (of->result != NULL) {
        *ret_result = of->result;
        return QT_OK;
    }
    qt_code code =
        qt_run_fetch_result(run->backend, run->provider, of, run->arena, ret_result, err);
    qt_failpoint("after_result");
    if (code == QT_OK || err->reason != QT_REASON_JOB_PENDING) {
        return code;
    }
    if (of->state_age_ms > run->backend->limits.result_wait_ms) {
        return qt_fail(err, JOB_STUCK, "job %.120s is completed, and has no result after %lld s",
                       of->job_id, (long long)(of->state_age_ms / 1000));
    }
    return come_back(err, clamp(of->state_age_ms, RESULT_MIN_MS, RESULT_MAX_MS));
}

static qt_code fail_job(const record_t *of, qt_err *err) {
    const char *words = of->message[0] != '\0' ? of->message : "no reason was given";
    return qt_fail(err, JOB_FAILED, "job %.100s failed at the device: %.120s", of->job_id, words);
}

/* ---- one step ---- */

static bool has_no_job(const record_t *of) {
    return of->state == QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED ||
           of->state == QTASKDIST__V1__JOB_STATE__JOB_STATE_INTENT ||
           ((of->state == QTASKDIST__V1__JOB_STATE__JOB_STATE_CANCELLED ||
             of->state == QTASKDIST__V1__JOB_STATE__JOB_STATE_REJECTED) &&
            of->job_id[0] == '\0');
}

/* A job whose state is known, or at an end. */
static qt_code follow(const qt_run *run, const record_t *of, Qtaskdist__V1__TaskResult **ret_result,
                      qt_err *err) {
    switch (of->state) {
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTED:
        return is_detached(run) ? detach(run, of, ret_result, err) : pend(run, of, err);
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_COMPLETED:
        return is_detached(run) ? detach(run, of, ret_result, err)
                                : finish(run, of, ret_result, err);
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_FAILED:
        return fail_job(of, err);
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_CANCELLED:
        return qt_fail(err, JOB_CANCELLED, "job %.120s was cancelled at the device", of->job_id);
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_UNSPECIFIED:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_INTENT:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTING:
    case QTASKDIST__V1__JOB_STATE__JOB_STATE_REJECTED:
    case _QTASKDIST__V1__JOB_STATE_IS_INT_SIZE:
    default:
        (void)!qt_fail(err, JOB_PENDING, "the job's state changes");
        return come_back(err, LOOK_AGAIN_MS);
    }
}

qt_code qt_run_step(const qt_run *run, Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    record_t *of = NULL;
    QT_TRY(qt_jobstore_get(run->backend->task, run->task_id, NULL, run->arena, &of, err));
    for (int i = 0; i < MAX_STEPS; i++) {
        if (has_no_job(of)) {
            QT_TRY(start(run, &of, err));
        } else if (of->state == QTASKDIST__V1__JOB_STATE__JOB_STATE_SUBMITTING) {
            QT_TRY(resolve(run, of, &of, err));
        } else {
            break;
        }
    }
    return follow(run, of, ret_result, err);
}
