/* The table backend_job: what is known of the job of each task at an outside device, so that a
 * task has one job at most. The rules are those of qtaskdist.v1.JobStoreService.
 *
 * Rows and their texts live in the caller's arena. Any thread. */
#ifndef QT_TASK_SVC_JOBS_H
#define QT_TASK_SVC_JOBS_H

#include "base/arena.h"
#include "pq/params.h"
#include "task/uuid.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct qt_jobs qt_jobs;

typedef struct qt_jobs_options {
    const char *url; /* kept */
    int64_t connect_timeout_ms;
    int64_t command_timeout_ms;
    int64_t spend_limit; /* of a project at a provider, in its unit; 0: none */
    int64_t spend_days;  /* over which it counts */
} qt_jobs_options;

qt_jobs *qt_jobs_new(const qt_jobs_options *options);
/* No call may run. NULL is allowed. */
void qt_jobs_free(qt_jobs *jobs);

/* Numbers of qtaskdist.v1.JobState. */
typedef enum qt_job_state {
    QT_JOB_NONE = 0,
    QT_JOB_INTENT = 1,
    QT_JOB_SUBMITTING = 2,
    QT_JOB_SUBMITTED = 3,
    QT_JOB_COMPLETED = 4,
    QT_JOB_FAILED = 5,
    QT_JOB_CANCELLED = 6,
    QT_JOB_REJECTED = 7,
} qt_job_state;

typedef struct qt_job_row {
    qt_uuid task_id;
    const char *provider;
    const char *device;
    const char *project;
    qt_span program_hash;
    int64_t shots;
    int32_t state; /* qt_job_state; NONE: not found */
    int32_t submit_seq;
    int64_t doubt_ms;   /* from now on until a look for the tag is conclusive; may be negative */
    const char *job_id; /* "" until it is known */
    const char *provider_status;
    int64_t queue_position;
    int64_t cost_micros; /* when known */
    bool cost_known;
    int64_t estimated_micros;
    bool detached;
    int32_t cancel_count;
    const char *message;
    const char *layout;
    qt_span result; /* a packed TaskResult; NULL: none */
    int64_t state_age_ms;
    int64_t update_age_ms;
    int32_t task_state; /* qt_task_state; NONE: the task is gone */
} qt_job_row;

/* A wish to submit. */
typedef struct qt_job_intent {
    qt_uuid task_id;
    const char *provider;
    const char *device;
    qt_span program_hash;
    int64_t shots;
    int64_t estimated_micros;
    bool cost_known;
    const char *layout;
    int64_t doubt_ms;
} qt_job_intent;

/* Stores the intent and permits one submit, unless there is a job or may be one; *ret_permit says
 * which. TASK_NOT_FOUND when the task is final or gone, SPEND_LIMIT, COST_UNKNOWN. */
qt_code qt_jobs_begin(qt_jobs *jobs, const qt_job_intent *intent, qt_arena *arena,
                      qt_job_row *ret_row, bool *ret_permit, qt_err *err);

/* Numbers of qtaskdist.v1.JobOutcome. */
typedef enum qt_job_outcome {
    QT_JOB_OUTCOME_SUBMITTED = 1,
    QT_JOB_OUTCOME_DOUBTFUL = 2,
    QT_JOB_OUTCOME_NOT_ACCEPTED = 3,
    QT_JOB_OUTCOME_REJECTED = 4,
    QT_JOB_OUTCOME_ABSENT = 5,
    QT_JOB_OUTCOME_DETACHED = 6,
    QT_JOB_OUTCOME_RESULT = 7,
} qt_job_outcome;

typedef struct qt_job_record {
    qt_uuid task_id;
    int32_t submit_seq;
    int32_t outcome; /* qt_job_outcome */
    const char *job_id;
    const char *provider_status;
    int64_t doubt_ms;
    const char *message;
    qt_span result;
} qt_job_record;

/* Stores an outcome; one that does not fit the row's state or submit_seq changes nothing. */
qt_code qt_jobs_record(qt_jobs *jobs, const qt_job_record *record, qt_arena *arena,
                       qt_job_row *ret_row, qt_err *err);

typedef struct qt_job_news {
    qt_uuid task_id;
    int32_t state; /* NONE: unchanged */
    const char *provider_status;
    int64_t queue_position;
    int64_t cost_micros;
    bool cost_known;
    const char *message;
    bool cancel_sent;
} qt_job_news;

/* *ret_final: the tasks whose rows are final now, in the arena. */
qt_code qt_jobs_update(qt_jobs *jobs, const qt_job_news *news, size_t count, qt_arena *arena,
                       qt_uuid **ret_final, size_t *ret_final_count, qt_err *err);

/* By task, or by the provider's job id when it is given. ret_row->state is NONE when there is no
 * such row. */
qt_code qt_jobs_get(qt_jobs *jobs, const qt_uuid *task_id, const char *job_id, qt_arena *arena,
                    qt_job_row *ret_row, qt_err *err);
/* Rows that are not final, in the order of their task ids, without results. */
qt_code qt_jobs_list(qt_jobs *jobs, const char *provider, const qt_uuid *after, bool abandoned,
                     size_t limit, qt_arena *arena, qt_job_row **ret_rows, size_t *ret_count,
                     qt_err *err);
typedef struct qt_poller_lease {
    bool granted;
    int64_t left_ms;
    int64_t open_count;  /* jobs that are SUBMITTED */
    int64_t youngest_ms; /* since the state of one of them changed last */
} qt_poller_lease;

/* Makes `holder` the poller for lease_ms if nobody else is; 0 ends it. */
qt_code qt_jobs_lease(qt_jobs *jobs, const char *provider, const char *holder, int64_t lease_ms,
                      qt_poller_lease *ret_lease, qt_err *err);

#endif
