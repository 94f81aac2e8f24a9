/* Reading what qBraid's API (v2) answers. Pure functions from JSON to our shapes; texts stay in the
 * arena of the JSON tree. Wire format: docs.qbraid.com/v2/api-reference. */
#ifndef QT_BACKEND_SVC_QBRAID_JSON_H
#define QT_BACKEND_SVC_QBRAID_JSON_H

#include "services/backend-svc/provider.h"
#include "json/tree.h"

/* The phase of a state, in any case of letters; UNKNOWN for one that is new. */
qt_job_phase qt_qbraid_phase(const char *status);

/* The payload of the envelope {"success": true, "data": ...}; PROVIDER_REPLY_INVALID otherwise. */
qt_code qt_qbraid_data(const qt_json_node *root, const qt_json_node **ret_data, qt_err *err);

/* A job object; job_id is NULL when it has none. */
void qt_qbraid_job(const qt_json_node *job, qt_job_report *ret_report);
/* Whether the job's tags have this task. */
bool qt_qbraid_is_of_task(const qt_json_node *job, const char *task_id);
/* Whether a page of a list is followed by another, given how many entries were asked for. */
bool qt_qbraid_has_next(const qt_json_node *root, size_t page, size_t limit);

/* A device object, in the arena; PROVIDER_REPLY_INVALID without a name. */
qt_code qt_qbraid_device(const qt_json_node *node, qt_arena *arena,
                         Qtaskdist__V1__Device **ret_device, qt_err *err);
/* The data of a result. */
qt_code qt_qbraid_result(const qt_json_node *data, const qt_layout *layout, uint32_t shots,
                         qt_arena *arena, Qtaskdist__V1__TaskResult *result, qt_job_report *report,
                         qt_err *err);

#endif
