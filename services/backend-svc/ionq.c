#include "services/backend-svc/ionq.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "services/backend-svc/counts.h"
#include "services/backend-svc/ionq_json.h"
#include "services/backend-svc/reports.h"
#include "json/writer.h"

#include <stdio.h>
#include <string.h>

enum { MAX_PAGES = 100, MAX_SINGLES = 50, NOT_FOUND = 404 };

static const char prefix[] = "ionq.";

bool qt_ionq_owns(void *self, const char *device) {
    (void)self;
    return strncmp(device, prefix, sizeof prefix - 1) == 0 && device[sizeof prefix - 1] != '\0';
}

/* ---- devices ---- */

static qt_code list_devices(void *self, qt_arena *arena, Qtaskdist__V1__Device ***ret_devices,
                            size_t *ret_count, qt_err *err) {
    qt_ionq *q = self;
    qt_api_reply reply;
    void *memory = NULL;
    size_t count = 0;
    const qt_api_request request = {
        .route = "devices", .method = "GET", .path = "/backends", .is_repeatable = true};
    QT_TRY(qt_api_call(&q->api, &request, arena, &reply, err));
    const qt_json_node *list =
        qt_json_is(reply.root, QT_JSON_ARRAY) ? reply.root : qt_json_get(reply.root, "backends");
    for (const qt_json_node *c = list != NULL ? list->child : NULL; c != NULL; c = c->next) {
        count++;
    }
    QT_TRY(qt_arena_try_calloc(arena, count + 1, sizeof(void *), &memory, err));
    Qtaskdist__V1__Device **devices = memory;
    size_t i = 0;
    for (const qt_json_node *c = list != NULL ? list->child : NULL; c != NULL; c = c->next) {
        QT_TRY(qt_ionq_device(c, arena, &devices[i++], err));
    }
    *ret_devices = devices;
    *ret_count = count;
    return QT_OK;
}

/* ---- submit ---- */

/* {"type": "ionq.circuit.v1", "backend": ..., "input": <the converter's circuit>, ...} */
static const char *submit_body(const qt_submission *s, qt_arena *arena, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_json_writer w = qt_json_writer_make(&text);
    char name[64];
    snprintf(name, sizeof name, "qtask-%.40s", s->task_id);
    qt_json_open_object(&w);
    qt_json_pair(&w, "type", "ionq.circuit.v1");
    qt_json_pair(&w, "backend", s->device + sizeof prefix - 1);
    qt_json_key(&w, "shots");
    qt_json_u64(&w, s->shots);
    qt_json_pair(&w, "name", name);
    qt_json_key(&w, "input");
    qt_json_raw(&w, s->program, strlen(s->program));
    qt_json_key(&w, "metadata");
    qt_json_open_object(&w);
    qt_json_pair(&w, "qtask", s->task_id);
    qt_json_close_object(&w);
    qt_json_close_object(&w);
    const char *copy = qt_buf_check(&text, err) == QT_OK
                           ? qt_arena_strndup(arena, qt_buf_str(&text), text.len)
                           : NULL;
    if (copy == NULL) {
        (void)!qt_fail(err, MEMORY_LIMIT, "no memory for a request");
    }
    return copy;
}

static qt_code admit(void *self, qt_err *err) {
    qt_ionq *q = self;
    return qt_quota_take(&q->api.quota, QT_QUOTA_SUBMIT, err);
}

static qt_code submit(void *self, const qt_submission *submission, qt_arena *arena,
                      qt_submit_outcome *ret_outcome, qt_submitted *ret_submitted, qt_err *err) {
    qt_ionq *q = self;
    qt_api_reply reply = {0};
    qt_job_report job;
    *ret_outcome = QT_SUBMIT_NOT_ACCEPTED;
    const char *body = submit_body(submission, arena, err);
    if (body == NULL) {
        return err->code;
    }
    const qt_api_request request = {.route = "submit",
                                    .method = "POST",
                                    .path = "/jobs",
                                    .body = body,
                                    .traceparent = submission->traceparent,
                                    .quota = QT_QUOTA_TAKEN};
    if (qt_api_call(&q->api, &request, arena, &reply, err) != QT_OK) {
        *ret_outcome = qt_api_outcome(&reply, err);
        return err->code;
    }
    qt_ionq_job(reply.root, &job);
    if (job.job_id == NULL || job.job_id[0] == '\0') {
        *ret_outcome = QT_SUBMIT_DOUBTFUL; /* a 2xx all the same */
        return qt_fail(err, PROVIDER_REPLY_INVALID, "ionq accepted a job and did not name it");
    }
    *ret_outcome = QT_SUBMIT_ACCEPTED;
    *ret_submitted = (qt_submitted){.job_id = job.job_id, .status = job.status};
    return QT_OK;
}

/* ---- lists ---- */

/* Reads the list of jobs, newest first, until visit() returns false or the list ends; *ret_ended
 * says which. */
static qt_code read_list(qt_ionq *q, const char *route, qt_quota_kind quota, qt_arena *arena,
                         bool (*visit)(void *arg, const qt_json_node *job), void *arg,
                         size_t *requests, bool *ret_ended, qt_err *err) {
    const char *next = "";
    for (size_t page = 1; page <= MAX_PAGES; page++) {
        const char *cursor = NULL;
        qt_api_reply reply;
        bool goes_on = true;
        QT_TRY(qt_api_escape(next, arena, &cursor, err));
        const char *path = qt_arena_printf(arena, "/jobs?limit=%d%s%s", q->page_size,
                                           page > 1 ? "&next=" : "", cursor);
        const qt_api_request request = {
            .route = route, .method = "GET", .path = path, .quota = quota, .is_repeatable = true};
        if (path == NULL) {
            return qt_fail(err, MEMORY_LIMIT, "no memory for a path");
        }
        ++*requests;
        QT_TRY(qt_api_call(&q->api, &request, arena, &reply, err));
        const qt_json_node *jobs = qt_ionq_jobs(reply.root);
        if (jobs == NULL) {
            return qt_fail(err, PROVIDER_REPLY_INVALID, "ionq's list of jobs is no list");
        }
        for (const qt_json_node *j = jobs->child; j != NULL && goes_on; j = j->next) {
            goes_on = visit(arg, j);
        }
        next = qt_ionq_next(reply.root);
        *ret_ended = next == NULL;
        if (!goes_on || next == NULL) {
            return QT_OK;
        }
    }
    return QT_OK;
}

typedef struct search {
    const char *task_id;
    qt_job_report found;
} search;

static bool visit_for_tag(void *arg, const qt_json_node *job) {
    search *s = arg;
    if (qt_ionq_is_of_task(job, s->task_id)) {
        qt_ionq_job(job, &s->found);
    }
    return s->found.job_id == NULL;
}

static qt_code find(void *self, const char *task_id, qt_arena *arena, qt_submitted *ret_found,
                    qt_err *err) {
    search s = {.task_id = task_id};
    size_t requests = 0;
    bool ended = false;
    QT_TRY(
        read_list(self, "find", QT_QUOTA_WRITE, arena, visit_for_tag, &s, &requests, &ended, err));
    bool is_found = s.found.job_id != NULL;
    if (!is_found && !ended) { /* then it proves nothing */
        return qt_fail(err, PROVIDER_REPLY_INVALID, "ionq's list of jobs does not end");
    }
    *ret_found = (qt_submitted){.job_id = is_found ? s.found.job_id : "",
                                .status = is_found ? s.found.status : ""};
    return QT_OK;
}

/* ---- poll ---- */

static bool visit_for_index(void *arg, const qt_json_node *job) {
    qt_report_index *index = arg;
    qt_job_report news;
    qt_ionq_job(job, &news);
    qt_report_index_put(index, &news);
    return index->missing > 0;
}

static qt_code poll_one(qt_ionq *q, qt_report_index *index, const char *job_id, qt_arena *arena,
                        qt_err *err) {
    const char *id = NULL;
    qt_api_reply reply;
    QT_TRY(qt_api_escape(job_id, arena, &id, err));
    const char *path = qt_arena_printf(arena, "/jobs/%s", id);
    if (path == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for a path");
    }
    const qt_api_request request = {
        .route = "job", .method = "GET", .path = path, .is_repeatable = true};
    if (qt_api_call(&q->api, &request, arena, &reply, err) != QT_OK) {
        if (reply.status != NOT_FOUND) {
            return err->code;
        }
        const qt_job_report gone = {.job_id = job_id,
                                    .phase = QT_PHASE_UNKNOWN,
                                    .status = "NOT_FOUND",
                                    .message = "ionq does not know the job"};
        qt_report_index_put(index, &gone);
        return QT_OK;
    }
    visit_for_index(index, reply.root);
    return QT_OK;
}

static qt_code poll(void *self, qt_job_report *reports, size_t count, qt_arena *arena,
                    size_t *ret_requests, qt_err *err) {
    qt_report_index index;
    size_t singles = 0;
    bool ended = false;
    *ret_requests = 0;
    QT_TRY(qt_report_index_make(reports, count, arena, &index, err));
    QT_TRY(read_list(self, "list", QT_QUOTA_READ, arena, visit_for_index, &index, ret_requests,
                     &ended, err));
    for (size_t i = 0; i < count && index.missing > 0 && singles < MAX_SINGLES; i++) {
        if (!reports[i].is_found) {
            singles++;
            ++*ret_requests;
            QT_TRY(poll_one(self, &index, reports[i].job_id, arena, err));
        }
    }
    return QT_OK;
}

/* ---- result and cancel ---- */

static qt_code call_job(qt_ionq *q, const char *route, const char *method, const char *job_id,
                        const char *tail, qt_quota_kind quota, qt_arena *arena, qt_api_reply *reply,
                        qt_err *err) {
    const char *id = NULL;
    QT_TRY(qt_api_escape(job_id, arena, &id, err));
    const char *path = qt_arena_printf(arena, "/jobs/%s%s", id, tail);
    if (path == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for a path");
    }
    const qt_api_request request = {
        .route = route, .method = method, .path = path, .quota = quota, .is_repeatable = true};
    return qt_api_call(&q->api, &request, arena, reply, err);
}

/* The cost is nice to have: a result without it is still a result. */
static void read_cost(qt_ionq *q, const char *job_id, qt_arena *arena, qt_job_report *report) {
    static const char *const names[] = {"cost", "total", "amount", "value", NULL};
    qt_api_reply reply;
    qt_err ignored;
    double value = 0;
    if (call_job(q, "cost", "GET", job_id, "/cost", QT_QUOTA_READ, arena, &reply, &ignored) !=
        QT_OK) {
        return;
    }
    const qt_json_node *cost = qt_json_get_any(reply.root, names);
    const qt_json_node *inner = qt_json_get_any(cost, names);
    report->cost_known = qt_json_value(inner != NULL ? inner : cost, &value) && value >= 0;
    report->cost = report->cost_known ? value : 0;
}

static qt_code result(void *self, const char *job_id, const qt_layout *layout, uint32_t shots,
                      qt_arena *arena, Qtaskdist__V1__TaskResult *task_result,
                      qt_job_report *report, qt_err *err) {
    enum { CONFLICT = 409 };
    qt_ionq *q = self;
    qt_api_reply reply = {0};
    qt_code code = call_job(q, "result", "GET", job_id, "/results/probabilities", QT_QUOTA_RESULT,
                            arena, &reply, err);
    if (code != QT_OK && (reply.status == CONFLICT || reply.status == NOT_FOUND)) {
        return qt_fail(err, JOB_PENDING, "the job has ended; its result is not readable yet");
    }
    QT_TRY(code);
    QT_TRY(qt_counts_of_qubits(reply.root, layout, shots, arena, task_result, err));
    read_cost(q, job_id, arena, report);
    return QT_OK;
}

static qt_code cancel(void *self, const char *job_id, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    qt_api_reply reply;
    return call_job(self, "cancel", "PUT", job_id, "/status/cancel", QT_QUOTA_WRITE, &arena, &reply,
                    err);
}

qt_provider qt_ionq_provider(qt_ionq *ionq, qt_device_cache *devices) {
    static const qt_provider_ops ops = {.name = "ionq",
                                        .owns = qt_ionq_owns,
                                        .list_devices = list_devices,
                                        .phase = qt_ionq_phase,
                                        .admit = admit,
                                        .submit = submit,
                                        .find = find,
                                        .poll = poll,
                                        .result = result,
                                        .cancel = cancel};
    return (qt_provider){.ops = &ops, .self = ionq, .devices = devices};
}
