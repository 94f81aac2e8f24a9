#include "runs.h"

#include "base/cleanup.h"
#include "base/diagnostics.h"
#include "worker/failure.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

atomic_bool release;
atomic_int running;

static qt_code run_long(qt_worker_task *task, qt_err *err) {
    atomic_fetch_add(&running, 1);
    while (!atomic_load(&release) && !qt_worker_task_cancelled(task)) {
        qt_worker_task_progress(task, 40);
        usleep(1000);
    }
    atomic_fetch_sub(&running, 1);
    return qt_worker_task_cancelled(task) ? qt_fail(err, CALL_CANCELLED, "stopped") : QT_OK;
}

static qt_code run(void *self, qt_worker_task *task, Qtaskdist__V1__TaskType type,
                   const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                   Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    (void)self;
    int number = fake_number(qt_worker_task_id(task));
    ck_assert_int_eq((int)type, QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE);
    ck_assert_uint_eq(payload->shots, (unsigned)number);
    if (number == FAILING) {
        return qt_fail_field(err, FIELD_INVALID, "payload.shots", "no shots");
    }
    if (number == FAILING_UNAVAILABLE) {
        return qt_fail(err, SERVICE_UNAVAILABLE, "sim-svc is away");
    }
    if (number >= LONG) {
        QT_TRY(run_long(task, err));
    }
    Qtaskdist__V1__TaskResult *result = qt_arena_alloc(arena, sizeof *result);
    qtaskdist__v1__task_result__init(result);
    if (number == LARGE) {
        result->text = qt_arena_alloc(arena, 100001);
        memset(result->text, 'x', 100000);
        result->text[100000] = '\0';
    }
    *ret_result = result;
    return QT_OK;
}

qt_worker *start_worker(size_t threads) {
    static const Qtaskdist__V1__TaskType types[] = {QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE};
    qt_err err;
    qt_worker *worker = NULL;
    qt_worker_options options = {.name = "test",
                                 .types = types,
                                 .type_count = 1,
                                 .threads = threads,
                                 .lease_wait_ms = 1000,
                                 .claim_after_ms = CLAIM_AFTER_MS,
                                 .heartbeat_ms = HEARTBEAT_MS,
                                 .max_result_bytes = 50000};
    qt_worker_runner runner = {.run = run};
    qt_worker_port port = fake_port();
    ck_assert_ok(qt_worker_new(&options, &runner, &port, &worker, &err));
    return worker;
}

static bool runs_so_many(void *arg) {
    return atomic_load(&running) == *(int *)arg;
}

void wait_running(int count) {
    ck_assert_msg(qt_test_wait(runs_so_many, &count, 20000), "no %d tasks run", count);
}

/* Short tasks send only their outcome, many in one call, and are acknowledged after it. */
START_TEST(short_tasks) {
    enum { COUNT = 500 };
    fake_enqueue(0, COUNT, false);
    qt_worker *worker = start_worker(2);
    for (int i = 0; i < COUNT; i++) {
        fake_wait_done(i);
        fake_task task = fake_get(i);
        ck_assert_int_eq(task.outcomes, 1);
        ck_assert(task.succeeded);
        ck_assert_int_eq(task.acks, 1);
    }
    ck_assert_int_lt(world.complete_calls, COUNT);
    ck_assert_int_gt(world.max_asked, 2); /* leases ahead when tasks are short */
    qt_worker_free(worker);
}
END_TEST

static bool has_progress(void *arg) {
    return fake_get(*(int *)arg).max_progress == 40;
}

/* A long task is claimed, and only then acknowledged; its outcome carries attempt and fence. */
START_TEST(long_task) {
    int number = LONG;
    fake_enqueue(number, 1, false);
    qt_worker *worker = start_worker(1);
    fake_wait_acks(number, 1);
    ck_assert_int_eq(fake_get(number).claims, 1);
    ck_assert_int_eq(fake_get(number).outcomes, 0);
    ck_assert(qt_test_wait(has_progress, &number, 5000));
    release = true;
    fake_wait_done(number);
    ck_assert(fake_get(number).succeeded);
    qt_worker_free(worker);
    ck_assert_int_eq(fake_get(number).acks, 1);
}
END_TEST

/* Nothing is leased while the only runner is busy. */
START_TEST(busy_worker_leases_nothing) {
    fake_enqueue(LONG, 1, false);
    qt_worker *worker = start_worker(1);
    wait_running(1);
    fake_enqueue(LONG + 1, 1, false);
    fake_wait_acks(LONG, 1);
    ck_assert_int_eq(fake_get(LONG + 1).deliveries, 0);
    release = true;
    fake_wait_done(LONG);
    fake_wait_done(LONG + 1);
    qt_worker_free(worker);
}
END_TEST

/* A message without payload is claimed before the task runs. */
START_TEST(bare_message) {
    fake_enqueue(5, 3, true);
    qt_worker *worker = start_worker(1);
    for (int i = 5; i < 8; i++) {
        fake_wait_done(i);
        ck_assert_int_eq(fake_get(i).claims, 1);
        ck_assert(fake_get(i).succeeded);
    }
    qt_worker_free(worker);
}
END_TEST

/* Payloads that did not fit into the reply are asked for again, with nothing else changed. */
START_TEST(large_payloads_come_one_by_one) {
    world.short_replies = true;
    fake_enqueue(5, 12, true);
    qt_worker *worker = start_worker(2);
    for (int i = 5; i < 17; i++) {
        fake_wait_done(i);
        ck_assert(fake_get(i).succeeded);
        ck_assert_int_eq(fake_get(i).outcomes, 1);
        ck_assert_int_eq(fake_get(i).acks, 1);
    }
    qt_worker_free(worker);
}
END_TEST

/* What was delivered or dispatched before may have killed a worker: it is claimed before it runs,
 * so that its crashes are counted. */
START_TEST(second_delivery_is_claimed_first) {
    world.tasks[0].deliveries = 1;
    world.tasks[1].dispatch_seq = 2;
    fake_enqueue(0, 3, false);
    qt_worker *worker = start_worker(1);
    for (int i = 0; i < 3; i++) {
        fake_wait_done(i);
        ck_assert(fake_get(i).succeeded);
        ck_assert_int_eq(fake_get(i).claims, i < 2 ? 1 : 0);
    }
    qt_worker_free(worker);
}
END_TEST

START_TEST(failures_are_classified) {
    fake_enqueue(FAILING, 3, false);
    qt_worker *worker = start_worker(1);
    fake_wait_done(FAILING);
    fake_wait_done(FAILING_UNAVAILABLE);
    fake_wait_done(LARGE);
    fake_task task = fake_get(FAILING);
    ck_assert_int_eq(task.failure_class, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT);
    ck_assert_str_eq(task.reason, "FIELD_INVALID");
    ck_assert_str_eq(task.message, "payload.shots: no shots");
    task = fake_get(FAILING_UNAVAILABLE);
    ck_assert_int_eq(task.failure_class, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_RETRYABLE);
    task = fake_get(LARGE);
    ck_assert_int_eq(task.failure_class, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT);
    ck_assert_str_eq(task.reason, "RESULT_TOO_LARGE");
    qt_worker_free(worker);
}
END_TEST

START_TEST(a_failure_tells_all_errors) {
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = {0};
    qt_text text = {.start = "a b c", .len = 5};
    qt_err err;
    char shown[70];
    for (size_t i = 0; i < 5; i += 2) {
        const qt_finding finding = {
            .reason = QT_REASON_CIRCUIT_SYNTAX, .offset = i, .message = "it is wrong"};
        ck_assert_ok(qt_diagnostics_add(&list, &text, &finding, &err));
    }
    ck_assert_int_eq(qt_diagnostics_raise(&list, &err), QT_INVALID_ARGUMENT);
    snprintf(err.field, sizeof err.field, "payload.circuit_data");
    qt_failure_text(&err, shown, sizeof shown);
    ck_assert_str_eq(shown, "1:1: it is wrong\n1:3: it is wrong\nand 1 more");
}
END_TEST

START_TEST(cancel_stops_a_task) {
    fake_enqueue(LONG, 1, false);
    world.tasks[LONG].cancel = true;
    qt_worker *worker = start_worker(1);
    fake_wait_done(LONG);
    fake_task task = fake_get(LONG);
    ck_assert_int_eq(task.failure_class, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_CANCELLED);
    ck_assert_str_eq(task.reason, "CANCELLED_BY_USER");
    qt_worker_free(worker);
}
END_TEST

/* The service stops: what runs gets its grace, and is given back when that is over. */
START_TEST(drain_gives_back) {
    fake_enqueue(LONG, 2, false);
    qt_worker *worker = start_worker(2);
    wait_running(2);
    qt_worker_drain(worker, 50);
    for (int i = LONG; i < LONG + 2; i++) {
        fake_wait_done(i);
        fake_task task = fake_get(i);
        ck_assert_int_eq(task.failure_class, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_DRAINED);
        ck_assert_str_eq(task.reason, "WORKER_DRAINED");
    }
    qt_worker_free(worker);
}
END_TEST

static void *release_it(void *arg) {
    (void)arg;
    atomic_store(&release, true);
    return NULL;
}

START_TEST(drain_lets_tasks_end) {
    fake_enqueue(LONG, 1, false);
    qt_worker *worker = start_worker(1);
    wait_running(1);
    pthread_t thread;
    pthread_create(&thread, NULL, release_it, NULL);
    qt_worker_drain(worker, 20000);
    pthread_join(thread, NULL);
    ck_assert(fake_get(LONG).succeeded);
    ck_assert_int_eq(fake_get(LONG).acks, 1);
    qt_worker_free(worker);
}
END_TEST

START_TEST(no_threads_no_tasks) {
    fake_enqueue(0, 1, false);
    qt_worker *worker = start_worker(0);
    ck_assert_ptr_nonnull(strstr(qt_worker_id(worker), "test-"));
    qt_worker_free(worker);
    ck_assert_int_eq(fake_get(0).deliveries, 0);
}
END_TEST

START_TEST(failure_classes) {
    qt_err err;
    static const struct {
        qt_reason reason;
        int64_t retry_after_ms;
        Qtaskdist__V1__FailureClass want;
    } cases[] = {
        {QT_REASON_CIRCUIT_SYNTAX, 0, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT},
        {QT_REASON_METHOD_UNIMPLEMENTED, 0, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT},
        {QT_REASON_RESULT_TOO_LARGE, 0, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT},
        {QT_REASON_OUT_OF_MEMORY, 0, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_RETRYABLE},
        {QT_REASON_OVERLOADED, 0, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_RETRYABLE},
        {QT_REASON_OVERLOADED, 500, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_THROTTLED},
        {QT_REASON_SERVICE_UNAVAILABLE, 0, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_RETRYABLE},
        {QT_REASON_INTERNAL, 0, QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_RETRYABLE},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        (void)!qt_err_raise(&err, cases[i].reason, NULL, __FILE__, __LINE__, "x");
        err.retry_after_ms = cases[i].retry_after_ms;
        ck_assert_msg(qt_failure_class(&err) == cases[i].want, "%s",
                      qt_reason_name(cases[i].reason));
    }
    char text[300];
    (void)!qt_fail(&err, INTERNAL, "secret");
    qt_failure_text(&err, text, sizeof text);
    ck_assert_ptr_null(strstr(text, "secret"));
    (void)!qt_fail_field(&err, CIRCUIT_SYNTAX, "payload.circuit_data", "3:1: oh");
    qt_failure_text(&err, text, sizeof text);
    ck_assert_str_eq(text, "3:1: oh");
}
END_TEST

START_TEST(each_failure) {
    world.faults.lease = -1; /* the fakes must not meet the failure */
    QT_EACH_FAILURE(k) {
        static const Qtaskdist__V1__TaskType types[] = {
            QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE};
        qt_err err;
        qt_worker *worker = NULL;
        qt_worker_options options = {.types = types,
                                     .type_count = 1,
                                     .threads = 1,
                                     .lease_wait_ms = 100,
                                     .claim_after_ms = 100,
                                     .heartbeat_ms = 100};
        qt_worker_runner runner = {.run = run};
        qt_worker_port port = fake_port();
        if (qt_worker_new(&options, &runner, &port, &worker, &err) != QT_OK) {
            ck_assert_int_eq(err.code, QT_RESOURCE_EXHAUSTED);
        }
        qt_worker_free(worker);
    }
}
END_TEST

static void reset(void) {
    release = false;
    fake_reset();
}

int main(void) {
    Suite *suite = suite_create("worker");
    TCase *tc = tcase_create("worker");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, reset, NULL);
    tcase_add_test(tc, short_tasks);
    tcase_add_test(tc, long_task);
    tcase_add_test(tc, busy_worker_leases_nothing);
    tcase_add_test(tc, bare_message);
    tcase_add_test(tc, large_payloads_come_one_by_one);
    tcase_add_test(tc, second_delivery_is_claimed_first);
    tcase_add_test(tc, failures_are_classified);
    tcase_add_test(tc, a_failure_tells_all_errors);
    tcase_add_test(tc, cancel_stops_a_task);
    tcase_add_test(tc, drain_gives_back);
    tcase_add_test(tc, drain_lets_tasks_end);
    tcase_add_test(tc, no_threads_no_tasks);
    tcase_add_test(tc, failure_classes);
    tcase_add_test(tc, each_failure);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, fault_case());
    return qt_test_run(suite);
}
