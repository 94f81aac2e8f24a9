/* JobStoreService: between its messages and the table. */
#include "base/log.h"
#include "services/task-svc/handlers_impl.h"
#include "services/task-svc/validate.h"

#include <math.h>
#include <string.h>

enum {
    MAX_UPDATES = 1000,
    MAX_RECORDS = 1000,
    MAX_NAME_BYTES = 256,
    MAX_JOB_ID_BYTES = 512,
    MAX_LAYOUT_BYTES = 1048576,
    MICROS = 1000000,
    MAX_LEASE_MS = 600000,
};

_Static_assert((int)QT_JOB_REJECTED == (int)QTASKDIST__V1__JOB_STATE__JOB_STATE_REJECTED,
               "states have the numbers of the contract");
_Static_assert((int)QT_JOB_OUTCOME_RESULT == (int)QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_RESULT,
               "outcomes have the numbers of the contract");

static char *text_of(const char *s) {
    return (char *)(uintptr_t)s; /* protobuf-c does not write to it */
}

static qt_code check_text(const char *text, size_t max, bool is_required, const char *field,
                          qt_err *err) {
    if (is_required && text[0] == '\0') {
        return qt_fail_field(err, FIELD_REQUIRED, field, "it is missing");
    }
    if (strlen(text) > max) {
        return qt_fail_field(err, FIELD_INVALID, field, "longer than %zu bytes", max);
    }
    return QT_OK;
}

/* An amount that fits millionths in 64 bits. */
static qt_code check_amount(double amount, const char *field, int64_t *ret_micros, qt_err *err) {
    const double max = 1e12;
    if (!(amount >= 0 && amount <= max)) {
        return qt_fail_field(err, FIELD_INVALID, field, "not from 0 to %g", max);
    }
    *ret_micros = llround(amount * MICROS);
    return QT_OK;
}

static qt_code to_message(qt_arena *arena, const qt_job_row *row, Qtaskdist__V1__JobRecord **ret,
                          qt_err *err) {
    Qtaskdist__V1__JobRecord *r = NULL;
    void *id = NULL;
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__job_record__descriptor, &r, err));
    QT_TRY(qt_arena_try_alloc(arena, QT_UUID_TEXT_BYTES, &id, err));
    qt_uuid_format(&row->task_id, id);
    r->task_id = id;
    r->provider = text_of(row->provider);
    r->backend_name = text_of(row->device);
    r->project = text_of(row->project);
    r->program_hash.data = (uint8_t *)(uintptr_t)row->program_hash.p;
    r->program_hash.len = row->program_hash.len;
    r->shots = (uint32_t)row->shots;
    r->state = (Qtaskdist__V1__JobState)row->state;
    r->submit_seq = row->submit_seq;
    r->doubt_ms = row->doubt_ms;
    r->job_id = text_of(row->job_id);
    r->provider_status = text_of(row->provider_status);
    r->queue_position = (uint32_t)row->queue_position;
    r->cost = (double)row->cost_micros / MICROS;
    r->cost_known = row->cost_known;
    r->estimated_cost = (double)row->estimated_micros / MICROS;
    r->detached = row->detached;
    r->cancel_count = row->cancel_count;
    r->state_age_ms = row->state_age_ms;
    r->update_age_ms = row->update_age_ms;
    r->message = text_of(row->message);
    r->layout = text_of(row->layout);
    r->task_status = (Qtaskdist__V1__TaskStatus)qt_task_status_of((qt_task_state)row->task_state);
    *ret = r;
    if (row->result.p == NULL) {
        return QT_OK;
    }
    return qt_pb_unpack(arena, &qtaskdist__v1__task_result__descriptor, row->result, &r->result,
                        err);
}

/* ---- BeginJob ---- */

static qt_code check_begin(const Qtaskdist__V1__BeginJobRequest *req, qt_job_intent *intent,
                           qt_err *err) {
    enum { MAX_DOUBT_MS = 3600000, MAX_HASH_BYTES = 64 };
    QT_TRY(qt_validate_id(req->task_id, "task_id", &intent->task_id, err));
    QT_TRY(check_text(req->provider, MAX_NAME_BYTES, true, "provider", err));
    QT_TRY(check_text(req->backend_name, MAX_NAME_BYTES, true, "backend_name", err));
    QT_TRY(check_text(req->layout, MAX_LAYOUT_BYTES, false, "layout", err));
    QT_TRY(check_amount(req->estimated_cost, "estimated_cost", &intent->estimated_micros, err));
    if (req->program_hash.len > MAX_HASH_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, "program_hash", "longer than %d bytes",
                             MAX_HASH_BYTES);
    }
    if (req->doubt_ms <= 0 || req->doubt_ms > MAX_DOUBT_MS) {
        return qt_fail_field(err, FIELD_INVALID, "doubt_ms", "not from 1 to %d", MAX_DOUBT_MS);
    }
    intent->provider = req->provider;
    intent->device = req->backend_name;
    intent->program_hash = (qt_span){(const char *)req->program_hash.data, req->program_hash.len};
    intent->shots = req->shots;
    intent->cost_known = req->cost_known;
    intent->layout = req->layout;
    intent->doubt_ms = req->doubt_ms;
    return QT_OK;
}

static qt_code begin_job(qt_rpc_ctx *ctx, const Qtaskdist__V1__BeginJobRequest *req,
                         Qtaskdist__V1__JobRecord **ret_resp, qt_err *err) {
    qt_job_intent intent = {0};
    qt_job_row row;
    bool permit = false;
    QT_TRY(check_begin(req, &intent, err));
    QT_TRY(
        qt_jobs_begin(qt_handlers_app(ctx)->jobs, &intent, qt_rpc_arena(ctx), &row, &permit, err));
    QT_TRY(to_message(qt_rpc_arena(ctx), &row, ret_resp, err));
    (*ret_resp)->permit = permit;
    return QT_OK;
}

/* ---- RecordJob ---- */

static qt_code check_record(qt_rpc_ctx *ctx, const Qtaskdist__V1__RecordJobRequest *req,
                            qt_job_record *record, qt_err *err) {
    bool is_submitted = req->outcome == QTASKDIST__V1__JOB_OUTCOME__JOB_OUTCOME_SUBMITTED;
    QT_TRY(qt_validate_id(req->task_id, "task_id", &record->task_id, err));
    if ((int)req->outcome < (int)QT_JOB_OUTCOME_SUBMITTED ||
        (int)req->outcome > (int)QT_JOB_OUTCOME_RESULT) {
        return qt_fail_field(err, FIELD_INVALID, "outcome", "%d is no outcome", (int)req->outcome);
    }
    QT_TRY(check_text(req->job_id, MAX_JOB_ID_BYTES, is_submitted, "job_id", err));
    QT_TRY(check_text(req->provider_status, MAX_NAME_BYTES, false, "provider_status", err));
    QT_TRY(check_text(req->message, MAX_LAYOUT_BYTES, false, "message", err));
    if (req->result != NULL) {
        QT_TRY(qt_pb_pack(qt_rpc_arena(ctx), &req->result->base, &record->result, err));
    }
    record->submit_seq = req->submit_seq;
    record->outcome = (int32_t)req->outcome;
    record->job_id = req->job_id;
    record->provider_status = req->provider_status;
    record->doubt_ms = req->doubt_ms;
    record->message = req->message;
    return QT_OK;
}

static qt_code record_job(qt_rpc_ctx *ctx, const Qtaskdist__V1__RecordJobRequest *req,
                          Qtaskdist__V1__JobRecord **ret_resp, qt_err *err) {
    qt_job_record record = {0};
    qt_job_row row;
    QT_TRY(check_record(ctx, req, &record, err));
    QT_TRY(qt_jobs_record(qt_handlers_app(ctx)->jobs, &record, qt_rpc_arena(ctx), &row, err));
    return to_message(qt_rpc_arena(ctx), &row, ret_resp, err);
}

/* ---- UpdateJobs ---- */

static qt_code check_update(const Qtaskdist__V1__JobUpdate *update, qt_job_news *news,
                            qt_err *err) {
    QT_TRY(qt_validate_id(update->task_id, "updates.task_id", &news->task_id, err));
    QT_TRY(
        check_text(update->provider_status, MAX_NAME_BYTES, false, "updates.provider_status", err));
    QT_TRY(check_text(update->message, MAX_LAYOUT_BYTES, false, "updates.message", err));
    if ((int)update->state < 0 || (int)update->state > (int)QT_JOB_REJECTED) {
        return qt_fail_field(err, FIELD_INVALID, "updates.state", "%d is no state",
                             (int)update->state);
    }
    if (update->cost_known) {
        QT_TRY(check_amount(update->cost, "updates.cost", &news->cost_micros, err));
    }
    news->state = (int32_t)update->state;
    news->provider_status = update->provider_status;
    news->queue_position = update->queue_position;
    news->cost_known = update->cost_known;
    news->message = update->message;
    news->cancel_sent = update->cancel_sent;
    return QT_OK;
}

static qt_code update_jobs(qt_rpc_ctx *ctx, const Qtaskdist__V1__UpdateJobsRequest *req,
                           Qtaskdist__V1__UpdateJobsResponse **ret_resp, qt_err *err) {
    qt_app *app = qt_handlers_app(ctx);
    qt_arena *arena = qt_rpc_arena(ctx);
    void *news = NULL;
    qt_uuid *final = NULL;
    size_t final_count = 0;
    Qtaskdist__V1__UpdateJobsResponse *resp = NULL;
    if (req->n_updates > MAX_UPDATES) {
        return qt_fail_field(err, FIELD_INVALID, "updates", "%zu, at most %d", req->n_updates,
                             MAX_UPDATES);
    }
    QT_TRY(qt_arena_try_calloc(arena, req->n_updates + 1, sizeof(qt_job_news), &news, err));
    for (size_t i = 0; i < req->n_updates; i++) {
        QT_TRY(check_update(req->updates[i], (qt_job_news *)news + i, err));
    }
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__update_jobs_response__descriptor, &resp, err));
    QT_TRY(qt_jobs_update(app->jobs, news, req->n_updates, arena, &final, &final_count, err));
    for (size_t i = 0; i < final_count; i++) {
        qt_handlers_push_background(app, QT_TASK_OP_WAKE, &final[i], 0, 0);
    }
    resp->final_count = (int32_t)final_count;
    *ret_resp = resp;
    return QT_OK;
}

/* ---- reading ---- */

static qt_code get_job_record(qt_rpc_ctx *ctx, const Qtaskdist__V1__GetJobRecordRequest *req,
                              Qtaskdist__V1__JobRecord **ret_resp, qt_err *err) {
    qt_uuid id = {0};
    qt_job_row row;
    QT_TRY(check_text(req->job_id, MAX_JOB_ID_BYTES, false, "job_id", err));
    if (req->job_id[0] == '\0') {
        QT_TRY(qt_validate_id(req->task_id, "task_id", &id, err));
    }
    QT_TRY(qt_jobs_get(qt_handlers_app(ctx)->jobs, &id, req->job_id, qt_rpc_arena(ctx), &row, err));
    if (row.state != QT_JOB_NONE) {
        return to_message(qt_rpc_arena(ctx), &row, ret_resp, err);
    }
    if (req->job_id[0] != '\0') {
        return qt_fail(err, JOB_NOT_FOUND, "there is no such job");
    }
    return qt_rpc_message_new(qt_rpc_arena(ctx), &qtaskdist__v1__job_record__descriptor, ret_resp,
                              err); /* most tasks have none at first: no error */
}

static qt_code list_job_records(qt_rpc_ctx *ctx, const Qtaskdist__V1__ListJobRecordsRequest *req,
                                Qtaskdist__V1__ListJobRecordsResponse **ret_resp, qt_err *err) {
    qt_arena *arena = qt_rpc_arena(ctx);
    qt_uuid after = {0};
    qt_job_row *rows = NULL;
    size_t count = 0;
    void *list = NULL;
    Qtaskdist__V1__ListJobRecordsResponse *resp = NULL;
    QT_TRY(check_text(req->provider, MAX_NAME_BYTES, true, "provider", err));
    if (req->after_task_id[0] != '\0') {
        QT_TRY(qt_validate_id(req->after_task_id, "after_task_id", &after, err));
    }
    if (req->limit < 0 || req->limit > MAX_RECORDS) {
        return qt_fail_field(err, FIELD_INVALID, "limit", "not from 0 to %d", MAX_RECORDS);
    }
    size_t limit = req->limit > 0 ? (size_t)req->limit : MAX_RECORDS;
    QT_TRY(qt_jobs_list(qt_handlers_app(ctx)->jobs, req->provider, &after, req->abandoned, limit,
                        arena, &rows, &count, err));
    QT_TRY(qt_rpc_message_new(arena, &qtaskdist__v1__list_job_records_response__descriptor, &resp,
                              err));
    QT_TRY(qt_arena_try_calloc(arena, count + 1, sizeof *resp->records, &list, err));
    resp->records = list;
    for (size_t i = 0; i < count; i++) {
        QT_TRY(to_message(arena, &rows[i], &resp->records[i], err));
        resp->n_records++;
    }
    *ret_resp = resp;
    return QT_OK;
}

static qt_code lease_poller(qt_rpc_ctx *ctx, const Qtaskdist__V1__LeasePollerRequest *req,
                            Qtaskdist__V1__LeasePollerResponse **ret_resp, qt_err *err) {
    qt_poller_lease lease;
    Qtaskdist__V1__LeasePollerResponse *resp = NULL;
    QT_TRY(check_text(req->provider, MAX_NAME_BYTES, true, "provider", err));
    QT_TRY(check_text(req->holder, MAX_NAME_BYTES, true, "holder", err));
    if (req->lease_ms < 0 || req->lease_ms > MAX_LEASE_MS) {
        return qt_fail_field(err, FIELD_INVALID, "lease_ms", "not from 0 to %d", MAX_LEASE_MS);
    }
    QT_TRY(qt_rpc_message_new(qt_rpc_arena(ctx), &qtaskdist__v1__lease_poller_response__descriptor,
                              &resp, err));
    QT_TRY(qt_jobs_lease(qt_handlers_app(ctx)->jobs, req->provider, req->holder, req->lease_ms,
                         &lease, err));
    resp->granted = lease.granted;
    resp->left_ms = lease.left_ms;
    resp->open_count = lease.open_count;
    resp->youngest_ms = lease.youngest_ms;
    *ret_resp = resp;
    return QT_OK;
}

const qt_job_store_service_ops qt_job_store_ops = {
    .begin_job = begin_job,
    .record_job = record_job,
    .update_jobs = update_jobs,
    .get_job_record = get_job_record,
    .list_job_records = list_job_records,
    .lease_poller = lease_poller,
};
