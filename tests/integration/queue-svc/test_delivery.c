#include "fixture.h"

static const char circuit[] = "OPENQASM 2.0;\nqreg q[1];\n";

START_TEST(keeps_order_and_payload) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    ck_assert_ok(try_enqueue(SIMULATE, 0, 1, circuit, &err));
    ck_assert_ok(try_enqueue(SIMULATE, NORMAL, 2, NULL, &err));
    ck_assert_ok(try_enqueue(C_QIR, NORMAL, 3, circuit, &err));
    Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
    ck_assert_ok(try_lease(&main_replica, SIMULATE, 10, 1000, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_messages, 2);
    const Qtaskdist__V1__LeasedMessage *m = resp->messages[0];
    ck_assert_int_eq(number_of(m->task_id), 1);
    ck_assert_str_eq(m->stream, "stream:simulate");
    ck_assert_int_eq((int)m->task_type, SIMULATE);
    ck_assert_int_eq(m->dispatch_seq, 1);
    ck_assert_int_eq(m->delivery_count, 1);
    ck_assert_ptr_nonnull(m->payload);
    ck_assert_str_eq(m->payload->circuit_data, circuit);
    ck_assert_uint_eq(m->payload->shots, 7);
    ck_assert_int_eq(number_of(resp->messages[1]->task_id), 2);
    ck_assert_ptr_null(resp->messages[1]->payload);
    ck_assert_int_eq(ack_messages(resp), 2);
    ck_assert_int_eq(ack_messages(resp), 0); /* once only */
    ck_assert_int_eq(lease_one(C_QIR, 0, true), 3);
}
END_TEST

/* A reply stays below the size that a caller accepts, however large the payloads are. */
START_TEST(large_payloads_come_in_parts) {
    enum { TASKS = 100, BYTES = 60000 };
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    char *text = qt_xcalloc(1, BYTES + 1);
    memset(text, 'x', BYTES);
    for (int i = 0; i < TASKS; i++) {
        ck_assert_ok(try_enqueue(SIMULATE, 0, i, text, &err));
    }
    int next = 0;
    while (next < TASKS) {
        Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
        ck_assert_ok(try_lease(&main_replica, SIMULATE, 1000, 20000, &arena, &resp, &err));
        ck_assert_uint_gt(resp->n_messages, 0);
        ck_assert_uint_le(resp->n_messages, 4194304 / BYTES + 1);
        for (size_t i = 0; i < resp->n_messages; i++) {
            ck_assert_int_eq(number_of(resp->messages[i]->task_id), next++);
        }
    }
    free(text);
}
END_TEST

START_TEST(bands_in_order) {
    enqueue_tasks(SIMULATE, LOW, 300, 2);
    enqueue_tasks(SIMULATE, NORMAL, 200, 2);
    enqueue_tasks(SIMULATE, HIGH, 100, 2);
    static const int want[] = {100, 101, 200, 201, 300, 301};
    for (size_t i = 0; i < QT_ARRAY_LEN(want); i++) {
        ck_assert_int_eq(lease_one(SIMULATE, 20000, true), want[i]);
    }
}
END_TEST

START_TEST(low_bands_do_not_starve) {
    enqueue_tasks(SIMULATE, HIGH, 1000, 100);
    enqueue_tasks(SIMULATE, NORMAL, 2000, 100);
    enqueue_tasks(SIMULATE, LOW, 3000, 100);
    int counts[4] = {0};
    for (int i = 0; i < 64; i++) {
        counts[lease_one(SIMULATE, 20000, true) / 1000]++;
    }
    ck_assert_int_eq(counts[1], 56);
    ck_assert_int_eq(counts[2], 4);
    ck_assert_int_eq(counts[3], 4);
}
END_TEST

START_TEST(long_poll_ends_with_the_first_entry) {
    background_lease lease;
    lease_in_background(&lease, &main_replica, BACKEND, 4, 20000);
    wait_for_waiters(1);
    enqueue_tasks(BACKEND, NORMAL, 5, 1);
    join_lease(&lease);
    ck_assert_uint_eq(lease.resp->n_messages, 1);
    ck_assert_int_eq(number_of(lease.resp->messages[0]->task_id), 5);
    free_lease(&lease);
}
END_TEST

START_TEST(empty_wait_ends_in_time) {
    const qt_clock *clock = qt_clock_system();
    int64_t start_ms = qt_clock_mono_ms(clock);
    ck_assert_int_eq(lease_one(SIMULATE, 0, false), -1);
    ck_assert_int_eq(lease_one(SIMULATE, 150, false), -1);
    ck_assert_int_ge(qt_clock_mono_ms(clock) - start_ms, 150);
}
END_TEST

/* A poll without waiting must not wait for the wait of another. */
START_TEST(short_poll_beside_a_long_one) {
    background_lease lease;
    lease_in_background(&lease, &main_replica, SIMULATE, 1, 20000);
    wait_for_waiters(1);
    ck_assert_int_eq(lease_one(C_QIR, 0, false), -1);
    ck_assert_int_eq(lease_one(SIMULATE, 0, false), -1);
    ck_assert(!lease.done);
    enqueue_tasks(SIMULATE, NORMAL, 1, 1);
    join_lease(&lease);
    ck_assert_uint_eq(lease.resp->n_messages, 1);
    free_lease(&lease);
}
END_TEST

START_TEST(many_waiters_share_a_burst) {
    enum { WAITERS = 40 };
    background_lease leases[WAITERS];
    bool seen[WAITERS] = {false};
    for (int i = 0; i < WAITERS; i++) {
        lease_in_background(&leases[i], &main_replica, SIMULATE, 1, 20000);
    }
    wait_for_waiters(WAITERS);
    enqueue_tasks(SIMULATE, NORMAL, 0, WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        join_lease(&leases[i]);
        ck_assert_uint_eq(leases[i].resp->n_messages, 1);
        seen[number_of(leases[i].resp->messages[0]->task_id)] = true;
        free_lease(&leases[i]);
    }
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_msg(seen[i], "task %d was not delivered", i);
    }
}
END_TEST

START_TEST(two_replicas_share) {
    enum { TASKS = 200 };
    replica other;
    start_replica(&other);
    enqueue_tasks(SIMULATE, NORMAL, 0, TASKS);
    int seen[TASKS] = {0};
    int total = 0;
    for (int turn = 0; total < TASKS; turn++) {
        qt_err err;
        QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
        qt_arena_init(&arena, 0);
        Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
        replica *from = turn % 2 == 0 ? &main_replica : &other;
        ck_assert_ok(try_lease(from, SIMULATE, 7, 1000, &arena, &resp, &err));
        ck_assert_uint_gt(resp->n_messages, 0);
        for (size_t i = 0; i < resp->n_messages; i++) {
            seen[number_of(resp->messages[i]->task_id)]++;
        }
        total += ack_messages(resp);
    }
    for (int i = 0; i < TASKS; i++) {
        ck_assert_int_eq(seen[i], 1);
    }
    stop_replica(&other);
}
END_TEST

START_TEST(stats_count) {
    enqueue_tasks(SIMULATE, HIGH, 1, 3);
    Qtaskdist__V1__StreamStats s = stats_of("stream:simulate:high");
    ck_assert_int_eq(s.length, 3);
    ck_assert_int_eq(s.lag, 3);
    ck_assert_int_eq(s.pending, 0);
    ck_assert(s.has_live);
    ck_assert_int_eq((int)s.task_type, SIMULATE);
    ck_assert_int_eq((int)s.priority, HIGH);
    ck_assert_int_eq(lease_one(SIMULATE, 1000, false), 1);
    s = stats_of("stream:simulate:high");
    ck_assert_int_eq(s.lag, 2);
    ck_assert_int_eq(s.pending, 1);
    s = stats_of("stream:backend");
    ck_assert_int_eq(s.length, 0);
    ck_assert(!s.has_live);
    ck_assert_int_eq(s.oldest_age_ms, 0);
}
END_TEST

static bool oldest_is_100_ms_old(void *arg) {
    (void)arg;
    return stats_of("stream:c_qir").oldest_age_ms >= 100;
}

START_TEST(stats_age_grows) {
    enqueue_tasks(C_QIR, NORMAL, 1, 1);
    ck_assert(qt_test_wait(oldest_is_100_ms_old, NULL, 5000));
}
END_TEST

static bool is_trimmed(void *arg) {
    long long *left = arg;
    return qt_test_redis_number(&redis, "XLEN stream:simulate") == *left;
}

/* Acknowledged entries go; what is pending or undelivered stays, also behind them. */
START_TEST(trim_removes_only_what_is_done) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    enqueue_tasks(SIMULATE, NORMAL, 0, 500);
    Qtaskdist__V1__LeaseMessagesResponse *first = NULL;
    Qtaskdist__V1__LeaseMessagesResponse *second = NULL;
    ck_assert_ok(try_lease(&main_replica, SIMULATE, 200, 1000, &arena, &first, &err));
    ck_assert_ok(try_lease(&main_replica, SIMULATE, 200, 1000, &arena, &second, &err));
    ck_assert_int_eq(ack_messages(second), 200);
    long long left = 500; /* the first 200 are pending in front of them */
    ck_assert(qt_test_wait(is_trimmed, &left, 5000));
    ck_assert_int_eq(ack_messages(first), 200);
    left = 100;
    ck_assert(qt_test_wait(is_trimmed, &left, 5000));
    ck_assert_int_eq(stats_of("stream:simulate").lag, 100);
    for (int i = 400; i < 500; i++) {
        ck_assert_int_eq(lease_one(SIMULATE, 20000, true), i);
    }
    left = 0;
    ck_assert(qt_test_wait(is_trimmed, &left, 5000));
    ck_assert_int_eq(stats_of("stream:simulate").lag, 0);
}
END_TEST

static void set_paused(bool paused) {
    qt_err err;
    qt_rpc_call call = {.timeout_ms = 5000};
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__PauseQueueRequest pause = QTASKDIST__V1__PAUSE_QUEUE_REQUEST__INIT;
    Qtaskdist__V1__ResumeQueueRequest resume = QTASKDIST__V1__RESUME_QUEUE_REQUEST__INIT;
    Qtaskdist__V1__PauseQueueResponse *paused_resp = NULL;
    Qtaskdist__V1__ResumeQueueResponse *resumed_resp = NULL;
    pause.task_type = resume.task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE;
    qt_rpc_channel *channel = main_replica.channel;
    if (paused) {
        ck_assert_ok(
            qt_queue_service_pause_queue(channel, &call, &pause, &arena, &paused_resp, &err));
    } else {
        ck_assert_ok(
            qt_queue_service_resume_queue(channel, &call, &resume, &arena, &resumed_resp, &err));
    }
}

START_TEST(pause_and_resume) {
    background_lease lease;
    lease_in_background(&lease, &main_replica, SIMULATE, 1, 20000);
    wait_for_waiters(1);
    set_paused(true);
    ck_assert(stats_of("stream:simulate:low").paused);
    ck_assert(!stats_of("stream:c_qir").paused);
    enqueue_tasks(SIMULATE, NORMAL, 1, 1);
    enqueue_tasks(C_QIR, NORMAL, 2, 1);
    ck_assert_int_eq(lease_one(C_QIR, 20000, true), 2);
    ck_assert_int_eq(lease_one(SIMULATE, 100, true), -1);
    ck_assert(!lease.done);
    set_paused(false);
    join_lease(&lease);
    ck_assert_uint_eq(lease.resp->n_messages, 1);
    free_lease(&lease);
}
END_TEST

static int64_t purge_simulate(void) {
    qt_err err;
    qt_rpc_call call = {.timeout_ms = 5000};
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__PurgeRequest req = QTASKDIST__V1__PURGE_REQUEST__INIT;
    Qtaskdist__V1__PurgeResponse *resp = NULL;
    req.task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE;
    ck_assert_ok(qt_queue_service_purge(main_replica.channel, &call, &req, &arena, &resp, &err));
    return resp->purged_count;
}

START_TEST(purge_removes_the_undelivered) {
    enqueue_tasks(SIMULATE, NORMAL, 0, 1500);
    enqueue_tasks(SIMULATE, LOW, 2000, 10);
    enqueue_tasks(C_QIR, LOW, 3000, 1);
    ck_assert_int_eq(lease_one(SIMULATE, 1000, false), 0);
    ck_assert_int_eq(purge_simulate(), 1509);
    Qtaskdist__V1__StreamStats s = stats_of("stream:simulate");
    ck_assert_int_eq(s.lag, 0);
    ck_assert_int_eq(s.pending, 1);
    ck_assert_int_eq(stats_of("stream:c_qir:low").lag, 1);
}
END_TEST

START_TEST(bad_requests) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__LeaseMessagesResponse *leased = NULL;
    ck_assert_int_eq(try_enqueue(0, 0, 1, NULL, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "entries[0].task_type");
    ck_assert_int_eq(try_enqueue(99, 0, 1, NULL, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(try_enqueue(1, 9, 1, NULL, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "entries[0].priority");
    ck_assert_int_eq(try_enqueue(1, 0, -1, NULL, &err), QT_INVALID_ARGUMENT);
    char *large = qt_xcalloc(1, 70001);
    memset(large, 'x', 70000);
    ck_assert_int_eq(try_enqueue(1, 0, 1, large, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "entries[0].payload");
    free(large);
    ck_assert_int_eq(try_lease(&main_replica, 0, 1, 0, &arena, &leased, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(try_lease(&main_replica, SIMULATE, 1001, 0, &arena, &leased, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "max_messages");
    ck_assert_int_eq(try_lease(&main_replica, SIMULATE, 1, 30001, &arena, &leased, &err),
                     QT_INVALID_ARGUMENT);
    Qtaskdist__V1__AckItem item = QTASKDIST__V1__ACK_ITEM__INIT;
    Qtaskdist__V1__AckItem *items[1] = {&item};
    Qtaskdist__V1__AckRequest req = QTASKDIST__V1__ACK_REQUEST__INIT;
    Qtaskdist__V1__AckResponse *resp = NULL;
    qt_rpc_call call = {.timeout_ms = 5000};
    req.n_items = 1;
    req.items = items;
    static const char *const bad[][2] = {
        {"stream:none", "1-1"}, {"stream:simulate", "x"}, {"stream:simulate", "1-"}};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        item.stream = (char *)(uintptr_t)bad[i][0];
        item.entry_id = (char *)(uintptr_t)bad[i][1];
        ck_assert_int_eq(
            qt_queue_service_ack(main_replica.channel, &call, &req, &arena, &resp, &err),
            QT_INVALID_ARGUMENT);
    }
}
END_TEST

Suite *delivery_suite(void) {
    Suite *suite = suite_create("delivery");
    TCase *tc = tcase_create("delivery");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start_all, stop_all);
    tcase_add_test(tc, keeps_order_and_payload);
    tcase_add_test(tc, large_payloads_come_in_parts);
    tcase_add_test(tc, bands_in_order);
    tcase_add_test(tc, low_bands_do_not_starve);
    tcase_add_test(tc, long_poll_ends_with_the_first_entry);
    tcase_add_test(tc, empty_wait_ends_in_time);
    tcase_add_test(tc, short_poll_beside_a_long_one);
    tcase_add_test(tc, many_waiters_share_a_burst);
    tcase_add_test(tc, two_replicas_share);
    tcase_add_test(tc, stats_count);
    tcase_add_test(tc, stats_age_grows);
    tcase_add_test(tc, trim_removes_only_what_is_done);
    tcase_add_test(tc, pause_and_resume);
    tcase_add_test(tc, purge_removes_the_undelivered);
    tcase_add_test(tc, bad_requests);
    suite_add_tcase(suite, tc);
    return suite;
}
