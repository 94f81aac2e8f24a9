#include "services/backend-svc/qbraid.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "services/backend-svc/qbraid_json.h"
#include "services/backend-svc/reports.h"
#include "json/writer.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_PAGES = 500,
    FIND_PAGES = 50,
    RETURNED_PAGES = 3, /* of jobs that ended, newest first */
    MAX_SINGLES = 50,   /* jobs that are asked for one by one in a poll */
    OK = 200,
    NOT_FOUND = 404,
    CONFLICT = 409,
};

bool qt_qbraid_owns(void *self, const char *device) {
    int colons = 0;
    (void)self;
    for (const char *c = device; *c != '\0'; c++) {
        colons += *c == ':';
    }
    return colons == 3 && device[0] != ':' && device[strlen(device) - 1] != ':';
}

static const char *in_arena(qt_arena *arena, qt_buf *text, qt_err *err) {
    const char *copy = qt_buf_check(text, err) == QT_OK
                           ? qt_arena_strndup(arena, qt_buf_str(text), text->len)
                           : NULL;
    if (copy == NULL) {
        (void)!qt_fail(err, MEMORY_LIMIT, "no memory for a request");
    }
    return copy;
}

/* ---- devices ---- */

static qt_code add_devices(const qt_json_node *list, qt_arena *arena,
                           Qtaskdist__V1__Device ***devices, size_t *count, qt_err *err) {
    size_t more = 0;
    void *memory = NULL;
    for (const qt_json_node *c = list->child; c != NULL; c = c->next) {
        more++;
    }
    QT_TRY(qt_arena_try_calloc(arena, *count + more + 1, sizeof(void *), &memory, err));
    if (*count > 0) {
        memcpy(memory, *devices, *count * sizeof(void *));
    }
    *devices = memory;
    for (const qt_json_node *c = list->child; c != NULL; c = c->next) {
        if (qt_json_is(qt_json_get(c, "directAccess"), QT_JSON_FALSE)) {
            continue;
        }
        QT_TRY(qt_qbraid_device(c, arena, &(*devices)[*count], err));
        (*count)++;
    }
    return QT_OK;
}

static qt_code list_devices(void *self, qt_arena *arena, Qtaskdist__V1__Device ***ret_devices,
                            size_t *ret_count, qt_err *err) {
    qt_qbraid *q = self;
    Qtaskdist__V1__Device **devices = NULL;
    size_t count = 0;
    bool has_next = true;
    for (size_t page = 1; has_next && page <= MAX_PAGES; page++) {
        char path[64];
        qt_api_reply reply;
        const qt_json_node *data = NULL;
        snprintf(path, sizeof path, "/devices?page=%zu&limit=%d", page, q->page_size);
        const qt_api_request request = {
            .route = "devices", .method = "GET", .path = path, .is_repeatable = true};
        QT_TRY(qt_api_call(&q->api, &request, arena, &reply, err));
        QT_TRY(qt_qbraid_data(reply.root, &data, err));
        QT_TRY(add_devices(data, arena, &devices, &count, err));
        has_next =
            data->child != NULL && qt_qbraid_has_next(reply.root, page, (size_t)q->page_size);
    }
    *ret_devices = devices;
    *ret_count = count;
    return QT_OK;
}

/* ---- submit ---- */

static const char *format_name(qt_device_format format) {
    static const char *const names[QT_FORMAT_COUNT_] = {
        [QT_FORMAT_QASM3] = "qasm3",
        [QT_FORMAT_QASM2] = "qasm2",
        [QT_FORMAT_QIR_BITCODE] = "qir.bc",
        [QT_FORMAT_IONQ] = "ionq.circuit.v0",
    };
    return names[format];
}

static const char *submit_body(const qt_submission *s, qt_arena *arena, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_json_writer w = qt_json_writer_make(&text);
    char name[64];
    snprintf(name, sizeof name, "qtask-%.40s", s->task_id);
    qt_json_open_object(&w);
    qt_json_pair(&w, "deviceQrn", s->device);
    qt_json_key(&w, "shots");
    qt_json_u64(&w, s->shots);
    qt_json_pair(&w, "name", name);
    qt_json_key(&w, "program");
    qt_json_open_object(&w);
    qt_json_pair(&w, "format", format_name(s->format));
    qt_json_pair(&w, "data", s->program);
    qt_json_close_object(&w);
    qt_json_key(&w, "tags");
    qt_json_open_object(&w);
    qt_json_pair(&w, "qtask", s->task_id);
    qt_json_key(&w, "attempt");
    qt_json_i64(&w, s->submit_seq);
    qt_json_close_object(&w);
    qt_json_close_object(&w);
    return in_arena(arena, &text, err);
}

static qt_code admit(void *self, qt_err *err) {
    qt_qbraid *q = self;
    return qt_quota_take(&q->api.quota, QT_QUOTA_SUBMIT, err);
}

static qt_code submit(void *self, const qt_submission *submission, qt_arena *arena,
                      qt_submit_outcome *ret_outcome, qt_submitted *ret_submitted, qt_err *err) {
    qt_qbraid *q = self;
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
    qt_qbraid_job(qt_json_get(reply.root, "data"), &job);
    if (job.job_id == NULL || job.job_id[0] == '\0') {
        *ret_outcome = QT_SUBMIT_DOUBTFUL; /* a 2xx all the same */
        return qt_fail(err, PROVIDER_REPLY_INVALID, "qbraid accepted a job and did not name it");
    }
    *ret_outcome = QT_SUBMIT_ACCEPTED;
    *ret_submitted = (qt_submitted){.job_id = job.job_id, .status = job.status};
    return QT_OK;
}

/* ---- find ---- */

/* Calls visit(arg, job) for each job of a list's page. */
static qt_code read_page(qt_qbraid *q, const char *route, const char *path, qt_quota_kind quota,
                         qt_arena *arena, void (*visit)(void *arg, const qt_json_node *job),
                         void *arg, const qt_json_node **ret_root, qt_err *err) {
    qt_api_reply reply;
    const qt_json_node *data = NULL;
    const qt_api_request request = {
        .route = route, .method = "GET", .path = path, .quota = quota, .is_repeatable = true};
    QT_TRY(qt_api_call(&q->api, &request, arena, &reply, err));
    QT_TRY(qt_qbraid_data(reply.root, &data, err));
    if (!qt_json_is(data, QT_JSON_ARRAY)) {
        return qt_fail(err, PROVIDER_REPLY_INVALID, "qbraid's list of jobs is no list");
    }
    for (const qt_json_node *job = data->child; job != NULL; job = job->next) {
        visit(arg, job);
    }
    *ret_root = reply.root;
    return QT_OK;
}

typedef struct search {
    const char *task_id;
    qt_job_report found;
} search;

static void visit_for_tag(void *arg, const qt_json_node *job) {
    search *s = arg;
    if (qt_qbraid_is_of_task(job, s->task_id)) {
        qt_qbraid_job(job, &s->found); /* the oldest stands last */
    }
}

static qt_code find(void *self, const char *task_id, qt_arena *arena, qt_submitted *ret_found,
                    qt_err *err) {
    qt_qbraid *q = self;
    search s = {.task_id = task_id};
    bool has_next = true;
    for (size_t page = 1; has_next && page <= FIND_PAGES; page++) {
        char path[160];
        const qt_json_node *root = NULL;
        snprintf(path, sizeof path,
                 "/jobs?tags=%%7B%%22qtask%%22%%3A%%22%.40s%%22%%7D&page=%zu&limit=%d", task_id,
                 page, q->page_size);
        QT_TRY(read_page(q, "find", path, QT_QUOTA_WRITE, arena, visit_for_tag, &s, &root, err));
        has_next = s.found.job_id == NULL && qt_qbraid_has_next(root, page, (size_t)q->page_size);
    }
    bool is_found = s.found.job_id != NULL;
    if (!is_found && has_next) { /* then it proves nothing */
        return qt_fail(err, PROVIDER_REPLY_INVALID,
                       "qbraid's list of jobs with a tag does not end");
    }
    *ret_found = (qt_submitted){.job_id = is_found ? s.found.job_id : "",
                                .status = is_found ? s.found.status : ""};
    return QT_OK;
}

/* ---- poll ---- */

static void visit_for_index(void *arg, const qt_json_node *job) {
    qt_job_report news;
    qt_qbraid_job(job, &news);
    qt_report_index_put(arg, &news);
}

static qt_code poll_list(qt_qbraid *q, const char *group, size_t max_pages, qt_report_index *index,
                         qt_arena *arena, size_t *requests, qt_err *err) {
    bool has_next = true;
    for (size_t page = 1; has_next && index->missing > 0 && page <= max_pages; page++) {
        char path[96];
        const qt_json_node *root = NULL;
        snprintf(path, sizeof path, "/jobs?statusGroup=%s&page=%zu&limit=%d", group, page,
                 q->page_size);
        ++*requests;
        QT_TRY(
            read_page(q, "list", path, QT_QUOTA_READ, arena, visit_for_index, index, &root, err));
        has_next = qt_qbraid_has_next(root, page, (size_t)q->page_size);
    }
    return QT_OK;
}

static qt_code job_path(const char *job_id, const char *tail, qt_arena *arena,
                        const char **ret_path, qt_err *err) {
    const char *id = NULL;
    QT_TRY(qt_api_escape(job_id, arena, &id, err));
    *ret_path = qt_arena_printf(arena, "/jobs/%s%s", id, tail);
    return *ret_path != NULL ? QT_OK : qt_fail(err, MEMORY_LIMIT, "no memory for a path");
}

static qt_code poll_one(qt_qbraid *q, qt_report_index *index, const char *job_id, qt_arena *arena,
                        qt_err *err) {
    const char *path = NULL;
    const qt_json_node *data = NULL;
    qt_api_reply reply;
    QT_TRY(job_path(job_id, "", arena, &path, err));
    const qt_api_request request = {
        .route = "job", .method = "GET", .path = path, .is_repeatable = true};
    if (qt_api_call(&q->api, &request, arena, &reply, err) != QT_OK) {
        if (reply.status != NOT_FOUND) {
            return err->code;
        }
        const qt_job_report gone = {.job_id = job_id,
                                    .phase = QT_PHASE_UNKNOWN,
                                    .status = "NOT_FOUND",
                                    .message = "qbraid does not know the job"};
        qt_report_index_put(index, &gone);
        return QT_OK;
    }
    QT_TRY(qt_qbraid_data(reply.root, &data, err));
    visit_for_index(index, data);
    return QT_OK;
}

static qt_code poll(void *self, qt_job_report *reports, size_t count, qt_arena *arena,
                    size_t *ret_requests, qt_err *err) {
    qt_qbraid *q = self;
    qt_report_index index;
    size_t singles = 0;
    *ret_requests = 0;
    QT_TRY(qt_report_index_make(reports, count, arena, &index, err));
    QT_TRY(poll_list(q, "pending", MAX_PAGES, &index, arena, ret_requests, err));
    QT_TRY(poll_list(q, "returned", RETURNED_PAGES, &index, arena, ret_requests, err));
    for (size_t i = 0; i < count && index.missing > 0 && singles < MAX_SINGLES; i++) {
        if (!reports[i].is_found) {
            singles++;
            ++*ret_requests;
            QT_TRY(poll_one(q, &index, reports[i].job_id, arena, err));
        }
    }
    return QT_OK;
}

/* ---- result and cancel ---- */

/* What comes before a result is readable: 409, 404, or a 200 without success. */
static qt_code not_yet(qt_err *err) {
    return qt_fail(err, JOB_PENDING, "the job has ended; its result is not readable yet");
}

static qt_code result(void *self, const char *job_id, const qt_layout *layout, uint32_t shots,
                      qt_arena *arena, Qtaskdist__V1__TaskResult *task_result,
                      qt_job_report *report, qt_err *err) {
    qt_qbraid *q = self;
    const char *path = NULL;
    const qt_json_node *data = NULL;
    qt_api_reply reply;
    QT_TRY(job_path(job_id, "/result", arena, &path, err));
    const qt_api_request request = {.route = "result",
                                    .method = "GET",
                                    .path = path,
                                    .skip = "measurements",
                                    .quota = QT_QUOTA_RESULT,
                                    .is_repeatable = true};
    if (qt_api_call(&q->api, &request, arena, &reply, err) != QT_OK) {
        bool is_early = reply.status == CONFLICT || reply.status == NOT_FOUND;
        return is_early ? not_yet(err) : err->code;
    }
    if (qt_qbraid_data(reply.root, &data, err) != QT_OK) {
        return not_yet(err);
    }
    return qt_qbraid_result(data, layout, shots, arena, task_result, report, err);
}

static qt_code cancel(void *self, const char *job_id, qt_err *err) {
    qt_qbraid *q = self;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    const char *path = NULL;
    qt_api_reply reply;
    QT_TRY(job_path(job_id, "/cancel", &arena, &path, err));
    const qt_api_request request = {.route = "cancel",
                                    .method = "POST",
                                    .path = path,
                                    .body = "{}",
                                    .quota = QT_QUOTA_WRITE,
                                    .is_repeatable = true};
    return qt_api_call(&q->api, &request, &arena, &reply, err);
}

qt_provider qt_qbraid_provider(qt_qbraid *qbraid, qt_device_cache *devices) {
    static const qt_provider_ops ops = {.name = "qbraid",
                                        .owns = qt_qbraid_owns,
                                        .list_devices = list_devices,
                                        .phase = qt_qbraid_phase,
                                        .admit = admit,
                                        .submit = submit,
                                        .find = find,
                                        .poll = poll,
                                        .result = result,
                                        .cancel = cancel};
    return (qt_provider){.ops = &ops, .self = qbraid, .devices = devices};
}
