/* task-svc in this process, on a private PostgreSQL, beside a fake queue-svc, with clients. */
#ifndef QT_TESTS_TASK_FIXTURE_H
#define QT_TESTS_TASK_FIXTURE_H

#include "base/cleanup.h"
#include "fake_queue.h"
#include "pg_server.h"
#include "pq/pq.h"
#include "qtaskdist/v1/task_service.rpc.h"
#include "qtaskdist/v1/task_worker_service.rpc.h"
#include "services/task-svc/app.h"
#include "testlib.h"

#include <stdio.h>
#include <string.h>

typedef Qtaskdist__V1__Task task_msg;

enum { SIMULATE = 1, CONVERT = 2, BACKEND = 3 };
enum { LOW = 1, NORMAL = 2, HIGH = 3 };
enum {
    PENDING = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_PENDING,
    QUEUED = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_QUEUED,
    PROCESSING = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_PROCESSING,
    COMPLETED = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_COMPLETED,
    FAILED = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_FAILED,
    CANCELLING = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_CANCELLING,
    CANCELLED = QTASKDIST__V1__TASK_STATUS__TASK_STATUS_CANCELLED,
};
enum { LEASE_MS = 60000, SHORT_LEASE_MS = 1000, BELL_QUBITS = 2 };

extern const char bell[];

/* One replica of the service. */
typedef struct replica {
    qt_config config;
    qt_app app;
    qt_rpc_channel *channel;
    char queue_addr[40];
} replica;

extern qt_pg_server pg; /* one for all tests of a case */
extern char *database;  /* one per test */
extern fake_queue queue;
extern replica svc;    /* the first replica */
extern qt_arena arena; /* for all answers of a test */
extern qt_err err;     /* of the last call */
extern const qt_rpc_call call;

/* Fixtures. */
void start_server(void);
void stop_server(void);
void start_world(void);
void stop_world(void);
/* The same with SHORT_LEASE_MS. */
void start_hasty_world(void);
/* Only the database, migrated, and the queue. */
void start_stores(void);
void stop_stores(void);
/* `change` may set the config before the start; NULL: none. */
void start_replica(replica *r, void (*change)(qt_config *config));
void stop_replica(replica *r);

/* ---- calls; those named must_ fail the test when they fail ---- */

/* As messages want it, which do not change it. */
char *text(const char *s);
Qtaskdist__V1__CreateTaskRequest create_request(int type, bool enqueue);
task_msg *must_create(bool enqueue);
task_msg *must_create_with(Qtaskdist__V1__CreateTaskRequest *req);
task_msg *must_get(const char *id);
bool has_status(const char *id, int status);
/* Waits until it has; fails the test after 15 s. */
task_msg *await_status(const char *id, int status);
qt_code try_update(const char *id, task_msg *values, const char *field, task_msg **ret_task);
qt_code try_enqueue(const char *id, int type, task_msg **ret_task);
qt_code try_cancel(const char *id, task_msg **ret_task);
qt_code try_retry(const char *id, task_msg **ret_task);
qt_code try_delete(const char *id);
Qtaskdist__V1__ListTaskEventsResponse *must_list_events(const char *id);

/* ---- as a worker ---- */

Qtaskdist__V1__ClaimedTask *claim(const char *worker, const fake_entry *entry);
/* Takes the task's entry and claims it. */
Qtaskdist__V1__ClaimedTask *must_claim(const char *worker, const char *id);
/* The answer to a result ("" when accepted) or a failure. attempt 0: not claimed. */
const char *report_result(const char *worker, const char *id, int attempt, int64_t fence, int seq);
const char *report_failure(const char *worker, const char *id, int attempt, int64_t fence,
                           int failure_class, const char *reason);
Qtaskdist__V1__HeartbeatResponse *
must_heartbeat(const char *worker, const Qtaskdist__V1__ClaimedTask *held, int progress);

/* First column of the first row, as text in the arena. */
const char *must_query(const char *sql);

#define ck_assert_reason(call_, reason_)                                                           \
    do {                                                                                           \
        ck_assert_int_ne((call_), QT_OK);                                                          \
        ck_assert_str_eq(qt_reason_name(err.reason), #reason_);                                    \
    } while (0)

TCase *commit_cases(void);
TCase *dispatch_cases(void);
TCase *fault_cases(void);
TCase *job_cases(void);
TCase *lease_cases(void);
TCase *list_cases(void);
TCase *store_cases(void);
TCase *task_cases(void);
TCase *watch_cases(void);
TCase *window_cases(void);
TCase *worker_cases(void);

#endif
