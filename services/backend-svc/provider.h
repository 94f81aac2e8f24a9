/* A provider of devices. Each is a vtable; the registry asks them in turn. Any thread.
 *
 * There are two kinds. A provider with `run` does the work at once (local). The others accept jobs:
 * submit, find, poll, result and cancel are single requests to the provider, and everything that
 * makes a task out of them (once-only submission, polling, watchdogs) is the same for all: see
 * run.h and poller.h. */
#ifndef QT_BACKEND_SVC_PROVIDER_H
#define QT_BACKEND_SVC_PROVIDER_H

#include "base/arena.h"
#include "base/err.h"
#include "services/backend-svc/layout.h"

#include <qtaskdist/v1/backend.pb-c.h>
#include <qtaskdist/v1/task.pb-c.h>
#include <stdbool.h>
#include <stddef.h>

/* How a run is stopped. */
typedef struct qt_run_watch {
    bool (*cancelled)(void *self);
    void *self;
} qt_run_watch;

/* What programs are submitted as. */
typedef enum qt_device_format {
    QT_FORMAT_QASM3,
    QT_FORMAT_QASM2,
    QT_FORMAT_QIR_BITCODE, /* QIR 1.0, base64 of LLVM bitcode */
    QT_FORMAT_IONQ,        /* IonQ's JSON circuit */
    QT_FORMAT_COUNT_
} qt_device_format;

/* Where a job is, in our words. */
typedef enum qt_job_phase {
    QT_PHASE_UNKNOWN, /* a state that says nothing, or that we do not know */
    QT_PHASE_QUEUED,
    QT_PHASE_RUNNING,
    QT_PHASE_CANCELLING,
    QT_PHASE_HELD, /* ran, and its result is withheld */
    QT_PHASE_COMPLETED,
    QT_PHASE_FAILED,
    QT_PHASE_CANCELLED,
    QT_PHASE_COUNT_
} qt_job_phase;

/* Texts of what follows live in the arena of the call. */

typedef struct qt_submission {
    const char *task_id; /* the tag */
    int submit_seq;
    const char *device;
    qt_device_format format;
    const char *program;
    uint32_t shots;
    uint32_t num_qubits;
    const char *traceparent; /* NULL: none */
} qt_submission;

typedef enum qt_submit_outcome {
    QT_SUBMIT_ACCEPTED,
    QT_SUBMIT_DOUBTFUL,     /* the provider may have the job */
    QT_SUBMIT_NOT_ACCEPTED, /* it has not, and may accept it later */
    QT_SUBMIT_REJECTED,     /* it has not, and never will accept it */
} qt_submit_outcome;

typedef struct qt_submitted {
    const char *job_id;
    const char *status; /* in the provider's words; "" when it said none */
} qt_submitted;

/* News of a job; the caller gives the id. */
typedef struct qt_job_report {
    const char *job_id;
    bool is_found;
    qt_job_phase phase;
    const char *status; /* in the provider's words */
    uint32_t queue_position;
    double cost;
    bool cost_known;
    const char *message; /* of a failure; "" */
} qt_job_report;

typedef struct qt_provider_ops {
    const char *name; /* "local" */
    /* Whether a device of that name is this provider's, whatever its state. */
    bool (*owns)(void *self, const char *device);
    /* All devices, in the arena. */
    qt_code (*list_devices)(void *self, qt_arena *arena, Qtaskdist__V1__Device ***ret_devices,
                            size_t *ret_count, qt_err *err);
    /* Runs a circuit and waits for its result, in the arena. NULL: the provider takes jobs. */
    qt_code (*run)(void *self, const char *task_id, const Qtaskdist__V1__TaskPayload *payload,
                   const qt_run_watch *watch, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err);

    /* ---- providers that take jobs ---- */

    /* The phase of a state in the provider's words. */
    qt_job_phase (*phase)(const char *status);
    /* Takes the request of a submit out of the quota. QUOTA_EXHAUSTED with retry_after_ms. */
    qt_code (*admit)(void *self, qt_err *err);
    /* One POST, sent at most once, after admit(). *ret_outcome is set on failure too. */
    qt_code (*submit)(void *self, const qt_submission *submission, qt_arena *arena,
                      qt_submit_outcome *ret_outcome, qt_submitted *ret_submitted, qt_err *err);
    /* Looks for the job with the task's tag; job_id is "" when the provider lists none. */
    qt_code (*find)(void *self, const char *task_id, qt_arena *arena, qt_submitted *ret_found,
                    qt_err *err);
    /* Asks for many jobs with as few requests as it takes. Jobs that the provider did not speak of
     * stay unfound. On failure some may have been filled. *ret_requests, set on failure too: how
     * many requests it took. */
    qt_code (*poll)(void *self, qt_job_report *reports, size_t count, qt_arena *arena,
                    size_t *ret_requests, qt_err *err);
    /* The result of a completed job: fills measurements, and cost when it is told. JOB_PENDING when
     * it cannot be read yet. */
    qt_code (*result)(void *self, const char *job_id, const qt_layout *layout, uint32_t shots,
                      qt_arena *arena, Qtaskdist__V1__TaskResult *result, qt_job_report *report,
                      qt_err *err);
    /* Asks for the end of a job. PROVIDER_REFUSED when the provider will not cancel it. */
    qt_code (*cancel)(void *self, const char *job_id, qt_err *err);
} qt_provider_ops;

typedef struct qt_device_cache qt_device_cache;

typedef struct qt_provider {
    const qt_provider_ops *ops;
    void *self;
    qt_device_cache *devices; /* see devices.h */
} qt_provider;

/* The providers there are. */
typedef struct qt_registry {
    const qt_provider *providers;
    size_t count;
} qt_registry;

/* The provider of a device: PROVIDER_KEY_INVALID for a device of a provider without a key,
 * DEVICE_NOT_FOUND for any other name. */
qt_code qt_registry_find(const qt_registry *registry, const char *device,
                         const qt_provider **ret_provider, qt_err *err);

#endif
