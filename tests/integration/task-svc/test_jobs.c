/* JobStoreService: one job for each task, whatever is asked in which order. */
#include "fixture.h"

#include "qtaskdist/v1/job_store_service.rpc.h"
#include "services/task-svc/dispatch_sql.h"

#include <pthread.h>

typedef Qtaskdist__V1__JobRecord record_t;

enum { LONG_MS = 60000 };
enum {
    INTENT = 1,
    SUBMITTING = 2,
    SUBMITTED = 3,
    JOB_COMPLETED = 4,
    JOB_CANCELLED = 6,
    REJECTED = 7,
};
enum {
    O_SUBMITTED = 1,
    O_DOUBTFUL = 2,
    O_NOT_ACCEPTED = 3,
    O_REJECTED = 4,
    O_ABSENT = 5,
    O_DETACHED = 6
};

static const char *new_task(void) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(BACKEND, true);
    return must_create_with(&req)->task_id;
}

static qt_code begin(const char *id, int doubt_ms, double cost, record_t **ret_record) {
    Qtaskdist__V1__BeginJobRequest req = QTASKDIST__V1__BEGIN_JOB_REQUEST__INIT;
    static char provider[] = "qbraid";
    static char device[] = "qbraid:qbraid:sim:x";
    static char layout[] = "2;0,1";
    req.task_id = (char *)(uintptr_t)id;
    req.provider = provider;
    req.backend_name = device;
    req.layout = layout;
    req.shots = 10;
    req.estimated_cost = cost;
    req.cost_known = cost >= 0;
    req.estimated_cost = cost >= 0 ? cost : 0;
    req.doubt_ms = doubt_ms;
    return qt_job_store_service_begin_job(svc.channel, &call, &req, &arena, ret_record, &err);
}

static record_t *must_begin(const char *id) {
    record_t *r = NULL;
    ck_assert_ok(begin(id, LONG_MS, 1, &r));
    return r;
}

static record_t *put(const char *id, int seq, int outcome, const char *job_id, int doubt_ms) {
    Qtaskdist__V1__RecordJobRequest req = QTASKDIST__V1__RECORD_JOB_REQUEST__INIT;
    record_t *r = NULL;
    req.task_id = (char *)(uintptr_t)id;
    req.submit_seq = seq;
    req.outcome = (Qtaskdist__V1__JobOutcome)outcome;
    req.job_id = (char *)(uintptr_t)job_id;
    req.doubt_ms = doubt_ms;
    ck_assert_ok(qt_job_store_service_record_job(svc.channel, &call, &req, &arena, &r, &err));
    return r;
}

static record_t *get(const char *id) {
    Qtaskdist__V1__GetJobRecordRequest req = QTASKDIST__V1__GET_JOB_RECORD_REQUEST__INIT;
    record_t *r = NULL;
    req.task_id = (char *)(uintptr_t)id;
    ck_assert_ok(qt_job_store_service_get_job_record(svc.channel, &call, &req, &arena, &r, &err));
    return r;
}

static int finish(const char *id, int state, double cost) {
    Qtaskdist__V1__JobUpdate update = QTASKDIST__V1__JOB_UPDATE__INIT;
    Qtaskdist__V1__JobUpdate *updates[] = {&update};
    Qtaskdist__V1__UpdateJobsRequest req = QTASKDIST__V1__UPDATE_JOBS_REQUEST__INIT;
    Qtaskdist__V1__UpdateJobsResponse *resp = NULL;
    static char status[] = "DONE";
    update.task_id = (char *)(uintptr_t)id;
    update.state = (Qtaskdist__V1__JobState)state;
    update.provider_status = status;
    update.cost = cost;
    update.cost_known = 1;
    req.updates = updates;
    req.n_updates = 1;
    ck_assert_ok(qt_job_store_service_update_jobs(svc.channel, &call, &req, &arena, &resp, &err));
    return resp->final_count;
}

static size_t count_listed(bool abandoned) {
    Qtaskdist__V1__ListJobRecordsRequest req = QTASKDIST__V1__LIST_JOB_RECORDS_REQUEST__INIT;
    Qtaskdist__V1__ListJobRecordsResponse *resp = NULL;
    static char provider[] = "qbraid";
    req.provider = provider;
    req.abandoned = abandoned;
    ck_assert_ok(
        qt_job_store_service_list_job_records(svc.channel, &call, &req, &arena, &resp, &err));
    return resp->n_records;
}

/* ---- once only ---- */

START_TEST(one_permit_until_it_is_settled) {
    const char *id = new_task();
    ck_assert_int_eq(get(id)->state, 0);
    record_t *r = must_begin(id);
    ck_assert(r->permit);
    ck_assert_int_eq(r->state, SUBMITTING);
    ck_assert_int_eq(r->submit_seq, 1);
    ck_assert_str_eq(r->project, "default");
    ck_assert(!must_begin(id)->permit);
    ck_assert_int_eq(put(id, 1, O_ABSENT, "", 0)->state, SUBMITTING);       /* not conclusive yet */
    ck_assert_int_eq(put(id, 7, O_NOT_ACCEPTED, "", 0)->state, SUBMITTING); /* another's */
    ck_assert_int_eq(put(id, 1, O_NOT_ACCEPTED, "", 0)->state, INTENT);
    r = must_begin(id);
    ck_assert(r->permit);
    ck_assert_int_eq(r->submit_seq, 2);
    ck_assert_int_eq(put(id, 1, O_REJECTED, "", 0)->state, SUBMITTING); /* an old submit's */
    ck_assert_int_eq(put(id, 2, O_SUBMITTED, "job-1", 0)->state, SUBMITTED);
    ck_assert(!must_begin(id)->permit);
    ck_assert_str_eq(get(id)->job_id, "job-1");
    ck_assert_str_eq(get(id)->layout, "2;0,1");
    ck_assert_str_eq(put(id, 2, O_SUBMITTED, "job-2", 0)->job_id, "job-1"); /* the first stays */
}
END_TEST

START_TEST(a_doubt_ends_with_a_look_at_its_time) {
    const char *id = new_task();
    must_begin(id);
    ck_assert_int_gt(put(id, 1, O_DOUBTFUL, "", LONG_MS)->doubt_ms, LONG_MS / 2);
    ck_assert_int_eq(put(id, 1, O_ABSENT, "", 0)->state, SUBMITTING);
    ck_assert_int_le(put(id, 1, O_DOUBTFUL, "", 0)->doubt_ms, 0);
    ck_assert_int_eq(put(id, 1, O_ABSENT, "", 0)->state, INTENT);
    ck_assert(must_begin(id)->permit);
    ck_assert_int_eq(put(id, 1, O_SUBMITTED, "late", 0)->state, SUBMITTED); /* found after all */
}
END_TEST

typedef struct racer {
    pthread_t thread;
    const char *id;
    bool permit;
} racer;

static void *race(void *arg) {
    racer *r = arg;
    qt_arena own;
    qt_err failure;
    record_t *record = NULL;
    Qtaskdist__V1__BeginJobRequest req = QTASKDIST__V1__BEGIN_JOB_REQUEST__INIT;
    static char provider[] = "qbraid";
    qt_arena_init(&own, 0);
    req.task_id = (char *)(uintptr_t)r->id;
    req.provider = provider;
    req.backend_name = provider;
    req.doubt_ms = LONG_MS;
    if (qt_job_store_service_begin_job(svc.channel, &call, &req, &own, &record, &failure) ==
        QT_OK) {
        r->permit = record->permit;
    }
    qt_arena_done(&own);
    return NULL;
}

START_TEST(racers_get_one_permit) {
    enum { RACERS = 8 };
    racer racers[RACERS];
    const char *id = new_task();
    int permits = 0;
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (racer){.id = id};
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        permits += racers[i].permit;
    }
    ck_assert_int_eq(permits, 1);
}
END_TEST

START_TEST(a_rejected_job_may_be_retried) {
    const char *id = new_task();
    must_begin(id);
    ck_assert_int_eq(put(id, 1, O_REJECTED, "", 0)->state, REJECTED);
    record_t *r = must_begin(id);
    ck_assert(r->permit);
    ck_assert_int_eq(r->submit_seq, 2);
}
END_TEST

START_TEST(final_tasks_begin_nothing) {
    const char *id = new_task();
    task_msg *task = NULL;
    record_t *r = NULL;
    ck_assert_ok(try_cancel(id, &task));
    ck_assert_reason(begin(id, LONG_MS, 1, &r), TASK_NOT_FOUND);
    ck_assert_reason(begin("01234567-89ab-7def-8123-456789abcdef", LONG_MS, 1, &r), TASK_NOT_FOUND);
    ck_assert_reason(begin("x", LONG_MS, 1, &r), ID_INVALID);
    ck_assert_reason(begin(id, 0, 1, &r), FIELD_INVALID);
}
END_TEST

/* ---- news ---- */

/* As a worker leaves it that comes back in an hour. */
static const char *sleeping_task(const char *reason) {
    char sql[200];
    const char *id = new_task();
    must_claim("w", id);
    must_begin(id);
    put(id, 1, O_SUBMITTED, id, 0);
    snprintf(sql, sizeof sql,
             "UPDATE task_active SET state = 3, error_reason = '%s',"
             " run_at = now() + interval '1 hour' WHERE id = '%s' RETURNING 1",
             reason, id);
    must_query(sql);
    return id;
}

START_TEST(the_end_of_a_job_wakes_its_task) {
    const char *id = sleeping_task("JOB_PENDING");
    ck_assert_int_eq(finish(id, JOB_COMPLETED, 2.5), 1);
    must_claim("w", id); /* it is delivered long before its time */
    ck_assert_double_eq(get(id)->cost, 2.5);
    ck_assert_int_eq(get(id)->state, JOB_COMPLETED);
    finish(id, JOB_CANCELLED, 3);
    ck_assert_int_eq(get(id)->state, JOB_COMPLETED); /* final is final */
}
END_TEST

START_TEST(a_backoff_is_not_cut_short) {
    const char *id = sleeping_task("PROVIDER_UNAVAILABLE");
    const char *other = sleeping_task("JOB_PENDING");
    char sql[100];
    finish(id, JOB_COMPLETED, 0);
    finish(other, JOB_COMPLETED, 0);
    must_claim("w", other); /* the first would have come before it */
    snprintf(sql, sizeof sql, "SELECT state FROM task_active WHERE id = '%s'", id);
    ck_assert_str_eq(must_query(sql), "3");
}
END_TEST

START_TEST(abandoned_jobs_are_listed) {
    const char *waits = new_task();
    const char *gone = new_task();
    const char *detached = new_task();
    const char *const ids[] = {waits, gone, detached};
    task_msg *task = NULL;
    for (size_t i = 0; i < 3; i++) {
        char job[16];
        snprintf(job, sizeof job, "job-%zu", i);
        must_begin(ids[i]);
        put(ids[i], 1, O_SUBMITTED, job, 0);
    }
    put(detached, 1, O_DETACHED, "", 0);
    ck_assert_ok(try_cancel(gone, &task));
    ck_assert_ok(try_cancel(detached, &task));
    ck_assert_uint_eq(count_listed(false), 3);
    ck_assert_uint_eq(count_listed(true), 1);
    ck_assert_int_eq(get(gone)->task_status, CANCELLED);
    finish(gone, JOB_CANCELLED, 0);
    ck_assert_uint_eq(count_listed(true), 0);
}
END_TEST

/* ---- lost workers ---- */

START_TEST(a_job_is_followed_however_many_workers_die) {
    const char *id = new_task();
    task_msg *task = NULL;
    for (int i = 0; i < svc.config.max_crashes + 1; i++) {
        char worker[16];
        snprintf(worker, sizeof worker, "dies-%d", i);
        must_claim(worker, id);
        if (i == 0) {
            must_begin(id);
            put(id, 1, O_SUBMITTED, "job-1", 0);
        }
        must_query("UPDATE worker SET lease_until = now() - interval '1 s' RETURNING 1");
    }
    const Qtaskdist__V1__ClaimedTask *held = must_claim("lives", id);
    ck_assert_str_eq(report_result("lives", id, held->attempt, held->fence, 0), "");
    task = await_status(id, COMPLETED);
    ck_assert_int_eq(task->attempt, (int)svc.config.max_crashes + 2);
}
END_TEST

/* ---- the end of their time ---- */

static const char old_ids[] =
    "01800000-0000-7000-8000-00000000000"; /* of 2022; a digit is missing */

/* Of a task created in 2022 or now. */
static void add_job(const char *task_id, const char *job_id, int state, const char *created) {
    char sql[400];
    snprintf(sql, sizeof sql,
             "INSERT INTO backend_job (task_id, job_id, state, created_at, doubt_until, provider,"
             " device, project, program_hash, shots) VALUES ('%s', '%s', %d, %s, now(), 'qbraid',"
             " 'd', 'default', '', 1) RETURNING 1",
             task_id, job_id, state, created);
    must_query(sql);
}

static void make_old(const char *table, const char *id, char digit) {
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE %s SET id = '%s%c' WHERE id = '%s' RETURNING 1", table,
             old_ids, digit, id);
    must_query(sql);
}

static const char *old_id(char digit) {
    static char id[QT_UUID_TEXT_BYTES];
    snprintf(id, sizeof id, "%s%c", old_ids, digit);
    return id;
}

START_TEST(jobs_leave_after_their_tasks) {
    static const char old[] = "now() - interval '3 days'";
    task_msg *task = NULL;
    const char *active = must_create(false)->task_id;
    const char *done = must_create(false)->task_id;
    ck_assert_ok(try_cancel(done, &task));
    make_old("task_active", active, '1');
    make_old("task_done", done, '2');
    add_job(old_id('1'), "of-active", JOB_COMPLETED, old);
    add_job(old_id('2'), "of-done", JOB_COMPLETED, old);
    add_job(old_id('3'), "open", SUBMITTED, old);
    add_job(old_id('4'), "counts-for-the-limit", JOB_COMPLETED, "now()");
    add_job(old_id('5'), "gone", JOB_COMPLETED, old);
    add_job(old_id('6'), "gone-too", JOB_CANCELLED, old);
    add_job(must_create(false)->task_id, "new", JOB_COMPLETED, old);
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = qt_dispatch_sql_new(database, 5000, 5000);
    ck_assert_ok(qt_pq_ready(pq, &err));
    static const char names[] = "SELECT string_agg(job_id, ' ' ORDER BY job_id) FROM backend_job";
    const char *all = must_query(names);
    ck_assert_ok(qt_dispatch_sql_tidy(pq, 0, 2, &err));
    ck_assert_str_eq(must_query(names), all); /* for ever */
    ck_assert_ok(qt_dispatch_sql_tidy(pq, 1, 2, &err));
    ck_assert_str_eq(must_query(names), "counts-for-the-limit new of-active of-done open");
}
END_TEST

START_TEST(one_replica_polls) {
    Qtaskdist__V1__LeasePollerRequest req = QTASKDIST__V1__LEASE_POLLER_REQUEST__INIT;
    Qtaskdist__V1__LeasePollerResponse *resp = NULL;
    char provider[] = "qbraid", a[] = "a", b[] = "b";
    req.provider = provider;
    const struct {
        char *holder;
        int ms;
        bool granted;
    } steps[] = {{a, LONG_MS, true}, {b, LONG_MS, false}, {a, LONG_MS, true},
                 {a, 0, true},       {b, LONG_MS, true},  {a, LONG_MS, false}};
    for (size_t i = 0; i < QT_ARRAY_LEN(steps); i++) {
        req.holder = steps[i].holder;
        req.lease_ms = steps[i].ms;
        ck_assert_ok(
            qt_job_store_service_lease_poller(svc.channel, &call, &req, &arena, &resp, &err));
        ck_assert_int_eq(resp->granted, steps[i].granted);
    }
    const char *id = new_task();
    must_begin(id);
    put(id, 1, O_SUBMITTED, "job-1", 0);
    ck_assert_ok(qt_job_store_service_lease_poller(svc.channel, &call, &req, &arena, &resp, &err));
    ck_assert_int_eq(resp->open_count, 1);
    ck_assert_int_ge(resp->youngest_ms, 0);
}
END_TEST

/* ---- spending ---- */

START_TEST(a_project_cannot_spend_more_than_its_limit) {
    record_t *r = NULL;
    must_query("INSERT INTO project_spend VALUES ('default', 'qbraid', 10) RETURNING 1");
    const char *first = new_task();
    ck_assert_ok(begin(first, LONG_MS, 6, &r));
    ck_assert_reason(begin(new_task(), LONG_MS, 4.5, &r), SPEND_LIMIT);
    ck_assert_ok(begin(new_task(), LONG_MS, 4, &r));
    ck_assert_reason(begin(new_task(), LONG_MS, -1, &r), COST_UNKNOWN);
    put(first, 1, O_SUBMITTED, "job-1", 0);
    finish(first, JOB_COMPLETED, 1); /* it cost less than was estimated */
    ck_assert_ok(begin(new_task(), LONG_MS, 4.5, &r));
}
END_TEST

TCase *job_cases(void) {
    TCase *tc = tcase_create("jobs");
    tcase_add_checked_fixture(tc, start_world, stop_world);
    tcase_add_test(tc, one_permit_until_it_is_settled);
    tcase_add_test(tc, a_doubt_ends_with_a_look_at_its_time);
    tcase_add_test(tc, racers_get_one_permit);
    tcase_add_test(tc, a_rejected_job_may_be_retried);
    tcase_add_test(tc, final_tasks_begin_nothing);
    tcase_add_test(tc, the_end_of_a_job_wakes_its_task);
    tcase_add_test(tc, a_backoff_is_not_cut_short);
    tcase_add_test(tc, abandoned_jobs_are_listed);
    tcase_add_test(tc, a_job_is_followed_however_many_workers_die);
    tcase_add_test(tc, jobs_leave_after_their_tasks);
    tcase_add_test(tc, one_replica_polls);
    tcase_add_test(tc, a_project_cannot_spend_more_than_its_limit);
    return tc;
}
