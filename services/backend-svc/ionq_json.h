/* Reading what IonQ's API (v0.4) answers. Pure functions from JSON to our shapes; texts stay in the
 * arena of the JSON tree. Wire format: docs.ionq.com/api-reference. */
#ifndef QT_BACKEND_SVC_IONQ_JSON_H
#define QT_BACKEND_SVC_IONQ_JSON_H

#include "services/backend-svc/provider.h"
#include "json/tree.h"

/* The phase of a state; UNKNOWN for one that is new. */
qt_job_phase qt_ionq_phase(const char *status);
/* A job object; job_id is NULL when it has none. */
void qt_ionq_job(const qt_json_node *job, qt_job_report *ret_report);
bool qt_ionq_is_of_task(const qt_json_node *job, const char *task_id);
/* The jobs of a list's page, and the cursor of the next one; NULL after the last. */
const qt_json_node *qt_ionq_jobs(const qt_json_node *root);
const char *qt_ionq_next(const qt_json_node *root);
/* A backend object as a device called "ionq.<backend>", in the arena. */
qt_code qt_ionq_device(const qt_json_node *node, qt_arena *arena,
                       Qtaskdist__V1__Device **ret_device, qt_err *err);

#endif
