#include "runs.h"

#include "base/clock.h"

START_TEST(claim_refused) {
    fake_enqueue(LONG, 1, false);
    world.tasks[LONG].refuse_claim = true;
    qt_worker *worker = start_worker(1);
    fake_wait_acks(LONG, 1);
    wait_running(0);
    fake_enqueue(1, 1, false); /* the runner is free again */
    fake_wait_done(1);
    ck_assert_int_eq(fake_get(LONG).outcomes, 0);
    qt_worker_free(worker);
}
END_TEST

START_TEST(fenced_task_reports_nothing) {
    fake_enqueue(LONG, 1, false);
    world.tasks[LONG].fenced = true;
    qt_worker *worker = start_worker(1);
    fake_wait_acks(LONG, 1);
    wait_running(0);
    fake_enqueue(1, 1, false);
    fake_wait_done(1);
    ck_assert_int_eq(fake_get(LONG).outcomes, 0);
    qt_worker_free(worker);
}
END_TEST

/* No heartbeat gets through: the task stops before its lease ends. */
START_TEST(lease_runs_out) {
    world.lease_ms = 300;
    world.faults.heartbeat = -1;
    fake_enqueue(LONG, 1, false);
    qt_worker *worker = start_worker(1);
    fake_wait_acks(LONG, 1);
    int64_t claimed_ms = qt_clock_mono_ms(qt_clock_system());
    wait_running(0);
    ck_assert_int_lt(qt_clock_mono_ms(qt_clock_system()) - claimed_ms, 5000);
    fake_enqueue(1, 1, false);
    fake_wait_done(1);
    ck_assert_int_eq(fake_get(LONG).outcomes, 0);
    qt_worker_free(worker);
}
END_TEST

static bool beats_three_times(void *arg) {
    (void)arg;
    return fake_heartbeats() >= 3;
}

static bool is_claimed(void *arg) {
    return fake_get(*(int *)arg).claims > 0;
}

static bool is_delivered(void *arg) {
    return fake_get(*(int *)arg).deliveries > 0;
}

/* Heartbeats that get through now and then keep the lease. */
START_TEST(lease_is_kept) {
    world.lease_ms = 2000;
    world.faults.heartbeat = 2;
    fake_enqueue(LONG, 1, false);
    qt_worker *worker = start_worker(1);
    fake_wait_acks(LONG, 1);
    ck_assert(qt_test_wait(beats_three_times, NULL, 20000));
    ck_assert_int_eq(atomic_load(&running), 1);
    release = true;
    fake_wait_done(LONG);
    ck_assert(fake_get(LONG).succeeded);
    qt_worker_free(worker);
}
END_TEST

START_TEST(services_come_back) {
    world.faults.lease = 3;
    world.faults.complete = 3;
    world.faults.ack = 3;
    fake_enqueue(0, 20, false);
    qt_worker *worker = start_worker(2);
    for (int i = 0; i < 20; i++) {
        fake_wait_done(i);
        ck_assert_int_eq(fake_get(i).outcomes, 1);
        ck_assert_int_eq(fake_get(i).acks, 1);
    }
    qt_worker_free(worker);
}
END_TEST

/* The claim was executed and its answer lost: it is made again before the outcome is sent. */
START_TEST(claim_answer_lost) {
    world.faults.claim_reply = 2;
    fake_enqueue(LONG, 1, false);
    qt_worker *worker = start_worker(1);
    int number = LONG;
    ck_assert(qt_test_wait(is_claimed, &number, 20000));
    release = true;
    fake_wait_done(LONG);
    fake_task task = fake_get(LONG);
    ck_assert_int_ge(task.claims, 3);
    ck_assert_int_eq(task.outcomes, 1);
    ck_assert(task.succeeded);
    qt_worker_free(worker);
}
END_TEST

START_TEST(bare_claim_fails_first) {
    world.faults.claim = 2;
    fake_enqueue(3, 1, true);
    qt_worker *worker = start_worker(1);
    fake_wait_done(3);
    ck_assert(fake_get(3).succeeded);
    qt_worker_free(worker);
}
END_TEST

/* One result that task-svc does not take fails alone; its neighbours get through. */
START_TEST(refused_result) {
    fake_enqueue(0, 50, false);
    world.tasks[20].refuse_result = true;
    qt_worker *worker = start_worker(2);
    for (int i = 0; i < 50; i++) {
        fake_wait_done(i);
        fake_task task = fake_get(i);
        ck_assert_int_eq(task.outcomes, 1);
        ck_assert_int_eq(task.acks, 1);
    }
    ck_assert_int_eq(fake_get(20).failure_class,
                     QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT);
    ck_assert_str_eq(fake_get(20).reason, "RESULT_TOO_LARGE");
    qt_worker_free(worker);
}
END_TEST

/* Stopping ends although nobody takes the outcomes. */
START_TEST(stops_without_services) {
    fake_enqueue(0, 5, false);
    world.faults.complete = -1;
    qt_worker *worker = start_worker(1);
    int number = 4;
    ck_assert(qt_test_wait(is_delivered, &number, 20000));
    world.faults.lease = -1;
    qt_worker_free(worker);
    ck_assert_int_eq(fake_get(0).outcomes, 0);
    ck_assert_int_eq(fake_get(0).acks, 0);
}
END_TEST

static void reset(void) {
    release = false;
    fake_reset();
}

TCase *fault_case(void) {
    TCase *tc = tcase_create("faults");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, reset, NULL);
    tcase_add_test(tc, claim_refused);
    tcase_add_test(tc, fenced_task_reports_nothing);
    tcase_add_test(tc, lease_runs_out);
    tcase_add_test(tc, lease_is_kept);
    tcase_add_test(tc, services_come_back);
    tcase_add_test(tc, claim_answer_lost);
    tcase_add_test(tc, bare_claim_fails_first);
    tcase_add_test(tc, refused_result);
    tcase_add_test(tc, stops_without_services);
    return tc;
}
