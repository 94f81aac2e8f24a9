#include "services/backend-svc/qbraid.h"

#include "base/cleanup.h"
#include "services/backend-svc/qbraid_json.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_PAGES = 500,
    FIND_PAGES = 50,
    RETURNED_PAGES = 3, /* of jobs that ended, newest first */
};

bool qt_qbraid_owns(void *self, const char *device) {
    int colons = 0;
    (void)self;
    for (const char *c = device; *c != '\0'; c++) {
        colons += *c == ':';
    }
    return colons == 3 && device[0] != ':' && device[strlen(device) - 1] != ':';
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
    qt_vendor *q = self;
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

static void write_job(const qt_submission *s, qt_json_writer *w) {
    qt_json_pair(w, "deviceQrn", s->device);
    qt_json_key(w, "program");
    qt_json_open_object(w);
    qt_json_pair(w, "format", format_name(s->format));
    qt_json_pair(w, "data", s->program);
    qt_json_close_object(w);
    qt_json_key(w, "tags");
    qt_json_open_object(w);
    qt_json_pair(w, "qtask", s->task_id);
    qt_json_key(w, "attempt");
    qt_json_i64(w, s->submit_seq);
    qt_json_close_object(w);
}

static qt_code read_job(const qt_json_node *root, qt_job_report *ret_job, qt_err *err) {
    const qt_json_node *data = NULL;
    QT_TRY(qt_qbraid_data(root, &data, err));
    qt_qbraid_job(data, ret_job);
    return QT_OK;
}

/* ---- find ---- */

/* Calls visit(arg, job) for each job of a list's page. */
static qt_code read_page(qt_vendor *q, const char *route, const char *path, qt_quota_kind quota,
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

typedef struct wanted {
    const char *task_id;
    qt_job_report *found;
} wanted;

static void visit_for_tag(void *arg, const qt_json_node *job) {
    const wanted *w = arg;
    if (qt_qbraid_is_of_task(job, w->task_id)) {
        qt_qbraid_job(job, w->found); /* the oldest stands last */
    }
}

static qt_code search(qt_vendor *q, const char *task_id, qt_arena *arena, qt_job_report *ret_found,
                      bool *ret_ended, qt_err *err) {
    wanted w = {.task_id = task_id, .found = ret_found};
    bool has_next = true;
    for (size_t page = 1; has_next && ret_found->job_id == NULL && page <= FIND_PAGES; page++) {
        char path[160];
        const qt_json_node *root = NULL;
        snprintf(path, sizeof path,
                 "/jobs?tags=%%7B%%22qtask%%22%%3A%%22%.40s%%22%%7D&page=%zu&limit=%d", task_id,
                 page, q->page_size);
        QT_TRY(read_page(q, "find", path, QT_QUOTA_WRITE, arena, visit_for_tag, &w, &root, err));
        has_next = qt_qbraid_has_next(root, page, (size_t)q->page_size);
    }
    *ret_ended = !has_next;
    return QT_OK;
}

/* ---- poll ---- */

static void visit_for_index(void *arg, const qt_json_node *job) {
    qt_job_report news;
    qt_qbraid_job(job, &news);
    qt_report_index_put(arg, &news);
}

static qt_code poll_list(qt_vendor *q, const char *group, size_t max_pages, qt_report_index *index,
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

static qt_code poll_lists(qt_vendor *q, qt_report_index *index, qt_arena *arena, size_t *requests,
                          qt_err *err) {
    QT_TRY(poll_list(q, "pending", MAX_PAGES, index, arena, requests, err));
    return poll_list(q, "returned", RETURNED_PAGES, index, arena, requests, err);
}

/* ---- result ---- */

static qt_code result(void *self, const char *job_id, const qt_layout *layout, uint32_t shots,
                      qt_arena *arena, Qtaskdist__V1__TaskResult *task_result,
                      qt_job_report *report, qt_err *err) {
    const qt_json_node *root = NULL;
    const qt_json_node *data = NULL;
    QT_TRY(qt_vendor_get_result(self, job_id, "/result", "measurements", arena, &root, err));
    if (qt_qbraid_data(root, &data, err) != QT_OK) {
        return qt_vendor_not_yet(err);
    }
    return qt_qbraid_result(data, layout, shots, arena, task_result, report, err);
}

qt_provider qt_qbraid_provider(qt_vendor *qbraid, qt_device_cache *devices) {
    static const qt_vendor_ops vendor_ops = {.write_job = write_job,
                                             .read_job = read_job,
                                             .search = search,
                                             .poll_lists = poll_lists,
                                             .cancel_method = "POST",
                                             .cancel_tail = "/cancel",
                                             .cancel_body = "{}"};
    static const qt_provider_ops ops = {.name = "qbraid",
                                        .owns = qt_qbraid_owns,
                                        .list_devices = list_devices,
                                        .phase = qt_qbraid_phase,
                                        .admit = qt_vendor_admit,
                                        .submit = qt_vendor_submit,
                                        .find = qt_vendor_find,
                                        .poll = qt_vendor_poll,
                                        .result = result,
                                        .cancel = qt_vendor_cancel};
    qbraid->ops = &vendor_ops;
    return (qt_provider){.ops = &ops, .self = qbraid, .devices = devices};
}
