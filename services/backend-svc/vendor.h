/* What all providers behind a vendor's HTTP API do in the same way. A vendor adds how its devices,
 * jobs and lists are written: its own part of qt_provider_ops, and qt_vendor_ops. Each function of
 * the form of a qt_provider_ops member takes the qt_vendor as `self`. Any thread. */
#ifndef QT_BACKEND_SVC_VENDOR_H
#define QT_BACKEND_SVC_VENDOR_H

#include "services/backend-svc/api.h"
#include "services/backend-svc/reports.h"
#include "json/writer.h"

typedef struct qt_vendor qt_vendor;

typedef struct qt_vendor_ops {
    /* The members of a submit's body beside "name" and "shots". */
    void (*write_job)(const qt_submission *submission, qt_json_writer *w);
    /* The job in a reply that is about one; its job_id is NULL when the vendor did not name it. */
    qt_code (*read_job)(const qt_json_node *root, qt_job_report *ret_job, qt_err *err);
    /* Looks for the job with the task's tag in the vendor's list; job_id stays NULL when it is not
     * there. *ret_ended: whether the list was read to its end. */
    qt_code (*search)(qt_vendor *vendor, const char *task_id, qt_arena *arena,
                      qt_job_report *ret_found, bool *ret_ended, qt_err *err);
    /* Reads the lists of jobs into the index while any is missing; counts its requests. */
    qt_code (*poll_lists)(qt_vendor *vendor, qt_report_index *index, qt_arena *arena,
                          size_t *requests, qt_err *err);
    /* How a job is cancelled. */
    const char *cancel_method;
    const char *cancel_tail; /* after "/jobs/ID" */
    const char *cancel_body; /* NULL: none */
} qt_vendor_ops;

struct qt_vendor {
    const qt_vendor_ops *ops;
    qt_api api;
    int page_size; /* entries of a list that are asked for at once */
};

/* ---- what vendors write in several forms ---- */

/* The text of a node; "" when it is none. */
const char *qt_vendor_text(const qt_json_node *node);
/* A count, as a number or a text; 0 when it is none that fits. */
uint32_t qt_vendor_count(const qt_json_node *node);
/* A cost, as a number or a text, or none that is known: negative ones are none. */
void qt_vendor_read_cost(const qt_json_node *node, qt_job_report *report);

/* ---- the members of qt_provider_ops ---- */

qt_code qt_vendor_admit(void *self, qt_err *err);
qt_code qt_vendor_submit(void *self, const qt_submission *submission, qt_arena *arena,
                         qt_submit_outcome *ret_outcome, qt_submitted *ret_submitted, qt_err *err);
qt_code qt_vendor_find(void *self, const char *task_id, qt_arena *arena, qt_submitted *ret_found,
                       qt_err *err);
qt_code qt_vendor_poll(void *self, qt_job_report *reports, size_t count, qt_arena *arena,
                       size_t *ret_requests, qt_err *err);
qt_code qt_vendor_cancel(void *self, const char *job_id, qt_err *err);

/* ---- parts of them ---- */

/* qt_api_call() with the path "/jobs/ID" and `tail`. */
qt_code qt_vendor_call_job(qt_vendor *vendor, qt_api_request request, const char *job_id,
                           const char *tail, qt_arena *arena, qt_api_reply *reply, qt_err *err);
/* Reads the result of a job without its member `skip`; JOB_PENDING while there is none. */
qt_code qt_vendor_get_result(qt_vendor *vendor, const char *job_id, const char *tail,
                             const char *skip, qt_arena *arena, const qt_json_node **ret_root,
                             qt_err *err);
/* The JOB_PENDING of a job that has ended and whose result cannot be read yet. */
qt_code qt_vendor_not_yet(qt_err *err);

#endif
