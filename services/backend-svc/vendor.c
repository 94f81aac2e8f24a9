#include "services/backend-svc/vendor.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <stdio.h>

enum {
    MAX_SINGLES = 50, /* jobs that are asked for one by one in a poll */
    NOT_FOUND = 404,
    CONFLICT = 409,
};

/* ---- forms ---- */

const char *qt_vendor_text(const qt_json_node *node) {
    const char *text = qt_json_text(node);
    return text != NULL ? text : "";
}

uint32_t qt_vendor_count(const qt_json_node *node) {
    double value = 0;
    return qt_json_value(node, &value) && value >= 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

void qt_vendor_read_cost(const qt_json_node *node, qt_job_report *report) {
    double value = 0;
    report->cost_known = qt_json_value(node, &value) && value >= 0;
    report->cost = report->cost_known ? value : 0;
}

/* ---- submit ---- */

static const char *submit_body(const qt_vendor *v, const qt_submission *s, qt_arena *arena,
                               qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_json_writer w = qt_json_writer_make(&text);
    char name[64];
    snprintf(name, sizeof name, "qtask-%.40s", s->task_id);
    qt_json_open_object(&w);
    qt_json_pair(&w, "name", name);
    qt_json_key(&w, "shots");
    qt_json_u64(&w, s->shots);
    v->ops->write_job(s, &w);
    qt_json_close_object(&w);
    const char *copy = qt_buf_check(&text, err) == QT_OK
                           ? qt_arena_strndup(arena, qt_buf_str(&text), text.len)
                           : NULL;
    if (copy == NULL) {
        (void)!qt_fail(err, MEMORY_LIMIT, "no memory for a request");
    }
    return copy;
}

qt_code qt_vendor_admit(void *self, qt_err *err) {
    qt_vendor *v = self;
    return qt_quota_take(&v->api.quota, QT_QUOTA_SUBMIT, err);
}

/* Of a 2xx: whatever is wrong with it, the vendor may have the job. */
static qt_code read_accepted(const qt_vendor *v, const qt_json_node *root, qt_job_report *ret_job,
                             qt_err *err) {
    QT_TRY(v->ops->read_job(root, ret_job, err));
    if (ret_job->job_id == NULL || ret_job->job_id[0] == '\0') {
        return qt_fail(err, PROVIDER_REPLY_INVALID, "%s accepted a job and did not name it",
                       v->api.provider);
    }
    return QT_OK;
}

qt_code qt_vendor_submit(void *self, const qt_submission *submission, qt_arena *arena,
                         qt_submit_outcome *ret_outcome, qt_submitted *ret_submitted, qt_err *err) {
    qt_vendor *v = self;
    qt_api_reply reply = {0};
    qt_job_report job;
    *ret_outcome = QT_SUBMIT_NOT_ACCEPTED;
    const char *body = submit_body(v, submission, arena, err);
    if (body == NULL) {
        return err->code;
    }
    const qt_api_request request = {.route = "submit",
                                    .method = "POST",
                                    .path = "/jobs",
                                    .body = body,
                                    .traceparent = submission->traceparent,
                                    .quota = QT_QUOTA_TAKEN};
    if (qt_api_call(&v->api, &request, arena, &reply, err) != QT_OK) {
        *ret_outcome = qt_api_outcome(&reply, err);
        return err->code;
    }
    *ret_outcome = QT_SUBMIT_DOUBTFUL;
    QT_TRY(read_accepted(v, reply.root, &job, err));
    *ret_outcome = QT_SUBMIT_ACCEPTED;
    *ret_submitted = (qt_submitted){.job_id = job.job_id, .status = job.status};
    return QT_OK;
}

qt_code qt_vendor_find(void *self, const char *task_id, qt_arena *arena, qt_submitted *ret_found,
                       qt_err *err) {
    qt_vendor *v = self;
    qt_job_report found = {0};
    bool ended = false;
    QT_TRY(v->ops->search(v, task_id, arena, &found, &ended, err));
    bool is_found = found.job_id != NULL;
    if (!is_found && !ended) { /* then it proves nothing */
        return qt_fail(err, PROVIDER_REPLY_INVALID, "%s's list of jobs does not end",
                       v->api.provider);
    }
    *ret_found = (qt_submitted){.job_id = is_found ? found.job_id : "",
                                .status = is_found ? found.status : ""};
    return QT_OK;
}

/* ---- one job ---- */

qt_code qt_vendor_call_job(qt_vendor *vendor, qt_api_request request, const char *job_id,
                           const char *tail, qt_arena *arena, qt_api_reply *reply, qt_err *err) {
    const char *id = NULL;
    QT_TRY(qt_api_escape(job_id, arena, &id, err));
    request.path = qt_arena_printf(arena, "/jobs/%s%s", id, tail);
    if (request.path == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for a path");
    }
    return qt_api_call(&vendor->api, &request, arena, reply, err);
}

qt_code qt_vendor_not_yet(qt_err *err) {
    return qt_fail(err, JOB_PENDING, "the job has ended; its result is not readable yet");
}

qt_code qt_vendor_get_result(qt_vendor *vendor, const char *job_id, const char *tail,
                             const char *skip, qt_arena *arena, const qt_json_node **ret_root,
                             qt_err *err) {
    qt_api_reply reply = {0};
    const qt_api_request request = {.route = "result",
                                    .method = "GET",
                                    .skip = skip,
                                    .quota = QT_QUOTA_RESULT,
                                    .is_repeatable = true};
    if (qt_vendor_call_job(vendor, request, job_id, tail, arena, &reply, err) != QT_OK) {
        bool is_early = reply.status == CONFLICT || reply.status == NOT_FOUND;
        return is_early ? qt_vendor_not_yet(err) : err->code;
    }
    *ret_root = reply.root;
    return QT_OK;
}

qt_code qt_vendor_cancel(void *self, const char *job_id, qt_err *err) {
    qt_vendor *v = self;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    qt_api_reply reply;
    const qt_api_request request = {.route = "cancel",
                                    .method = v->ops->cancel_method,
                                    .body = v->ops->cancel_body,
                                    .quota = QT_QUOTA_WRITE,
                                    .is_repeatable = true};
    return qt_vendor_call_job(v, request, job_id, v->ops->cancel_tail, &arena, &reply, err);
}

/* ---- poll ---- */

static qt_code poll_one(qt_vendor *v, qt_report_index *index, const char *job_id, qt_arena *arena,
                        qt_err *err) {
    qt_api_reply reply = {0};
    qt_job_report news = {.job_id = job_id,
                          .phase = QT_PHASE_UNKNOWN,
                          .status = "NOT_FOUND",
                          .message = "the provider does not know the job"};
    const qt_api_request request = {.route = "job", .method = "GET", .is_repeatable = true};
    if (qt_vendor_call_job(v, request, job_id, "", arena, &reply, err) == QT_OK) {
        QT_TRY(v->ops->read_job(reply.root, &news, err));
    } else if (reply.status != NOT_FOUND) {
        return err->code;
    }
    qt_report_index_put(index, &news);
    return QT_OK;
}

qt_code qt_vendor_poll(void *self, qt_job_report *reports, size_t count, qt_arena *arena,
                       size_t *ret_requests, qt_err *err) {
    qt_vendor *v = self;
    qt_report_index index;
    size_t singles = 0;
    *ret_requests = 0;
    QT_TRY(qt_report_index_make(reports, count, arena, &index, err));
    QT_TRY(v->ops->poll_lists(v, &index, arena, ret_requests, err));
    for (size_t i = 0; i < count && index.missing > 0 && singles < MAX_SINGLES; i++) {
        if (!reports[i].is_found) {
            singles++;
            ++*ret_requests;
            QT_TRY(poll_one(v, &index, reports[i].job_id, arena, err));
        }
    }
    return QT_OK;
}
