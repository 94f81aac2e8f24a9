#include "services/backend-svc/ionq.h"

#include "base/cleanup.h"
#include "services/backend-svc/counts.h"
#include "services/backend-svc/ionq_json.h"

#include <string.h>

enum { MAX_PAGES = 100 };

static const char prefix[] = "ionq.";

bool qt_ionq_owns(void *self, const char *device) {
    (void)self;
    return strncmp(device, prefix, sizeof prefix - 1) == 0 && device[sizeof prefix - 1] != '\0';
}

/* ---- devices ---- */

static qt_code list_devices(void *self, qt_arena *arena, Qtaskdist__V1__Device ***ret_devices,
                            size_t *ret_count, qt_err *err) {
    qt_vendor *q = self;
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
static void write_job(const qt_submission *s, qt_json_writer *w) {
    qt_json_pair(w, "type", "ionq.circuit.v1");
    qt_json_pair(w, "backend", s->device + sizeof prefix - 1);
    qt_json_key(w, "input");
    qt_json_raw(w, s->program, strlen(s->program));
    qt_json_key(w, "metadata");
    qt_json_open_object(w);
    qt_json_pair(w, "qtask", s->task_id);
    qt_json_close_object(w);
}

static qt_code read_job(const qt_json_node *root, qt_job_report *ret_job, qt_err *err) {
    (void)err;
    qt_ionq_job(root, ret_job);
    return QT_OK;
}

/* ---- lists ---- */

/* Reads the list of jobs, newest first, until visit() returns false or the list ends; *ret_ended
 * says which. */
static qt_code read_list(qt_vendor *q, const char *route, qt_quota_kind quota, qt_arena *arena,
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

typedef struct wanted {
    const char *task_id;
    qt_job_report *found;
} wanted;

static bool visit_for_tag(void *arg, const qt_json_node *job) {
    const wanted *w = arg;
    if (qt_ionq_is_of_task(job, w->task_id)) {
        qt_ionq_job(job, w->found);
    }
    return w->found->job_id == NULL;
}

static qt_code search(qt_vendor *q, const char *task_id, qt_arena *arena, qt_job_report *ret_found,
                      bool *ret_ended, qt_err *err) {
    wanted w = {.task_id = task_id, .found = ret_found};
    size_t requests = 0;
    return read_list(q, "find", QT_QUOTA_WRITE, arena, visit_for_tag, &w, &requests, ret_ended,
                     err);
}

/* ---- poll ---- */

static bool visit_for_index(void *arg, const qt_json_node *job) {
    qt_report_index *index = arg;
    qt_job_report news;
    qt_ionq_job(job, &news);
    qt_report_index_put(index, &news);
    return index->missing > 0;
}

static qt_code poll_lists(qt_vendor *q, qt_report_index *index, qt_arena *arena, size_t *requests,
                          qt_err *err) {
    bool ended = false;
    return read_list(q, "list", QT_QUOTA_READ, arena, visit_for_index, index, requests, &ended,
                     err);
}

/* ---- result ---- */

/* The cost is nice to have: a result without it is still a result. */
static void read_cost(qt_vendor *q, const char *job_id, qt_arena *arena, qt_job_report *report) {
    static const char *const names[] = {"cost", "total", "amount", "value", NULL};
    qt_api_reply reply;
    qt_err ignored;
    const qt_api_request request = {.route = "cost", .method = "GET", .is_repeatable = true};
    if (qt_vendor_call_job(q, request, job_id, "/cost", arena, &reply, &ignored) != QT_OK) {
        return;
    }
    const qt_json_node *cost = qt_json_get_any(reply.root, names);
    const qt_json_node *inner = qt_json_get_any(cost, names);
    qt_vendor_read_cost(inner != NULL ? inner : cost, report);
}

static qt_code result(void *self, const char *job_id, const qt_layout *layout, uint32_t shots,
                      qt_arena *arena, Qtaskdist__V1__TaskResult *task_result,
                      qt_job_report *report, qt_err *err) {
    const qt_json_node *root = NULL;
    QT_TRY(qt_vendor_get_result(self, job_id, "/results/probabilities", NULL, arena, &root, err));
    QT_TRY(qt_counts_of_qubits(root, layout, shots, arena, task_result, err));
    read_cost(self, job_id, arena, report);
    return QT_OK;
}

qt_provider qt_ionq_provider(qt_vendor *ionq, qt_device_cache *devices) {
    static const qt_vendor_ops vendor_ops = {.write_job = write_job,
                                             .read_job = read_job,
                                             .search = search,
                                             .poll_lists = poll_lists,
                                             .cancel_method = "PUT",
                                             .cancel_tail = "/status/cancel"};
    static const qt_provider_ops ops = {.name = "ionq",
                                        .owns = qt_ionq_owns,
                                        .list_devices = list_devices,
                                        .phase = qt_ionq_phase,
                                        .admit = qt_vendor_admit,
                                        .submit = qt_vendor_submit,
                                        .find = qt_vendor_find,
                                        .poll = qt_vendor_poll,
                                        .result = result,
                                        .cancel = qt_vendor_cancel};
    ionq->ops = &vendor_ops;
    return (qt_provider){.ops = &ops, .self = ionq, .devices = devices};
}
