#include "fixture.h"

START_TEST(unacknowledged_comes_again) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    enqueue_tasks(SIMULATE, NORMAL, 1, 2);
    ck_assert_int_eq(lease_one(SIMULATE, 1000, false), 1);
    ck_assert_int_eq(lease_one(SIMULATE, 20000, true), 2);
    Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
    ck_assert_ok(try_lease(&main_replica, SIMULATE, 5, 10000, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_messages, 1);
    ck_assert_int_eq(number_of(resp->messages[0]->task_id), 1);
    ck_assert_int_eq(resp->messages[0]->delivery_count, 2);
    ck_assert_int_eq(ack_messages(resp), 1);
}
END_TEST

/* What a replica read before it died comes from another one. */
START_TEST(replica_dies_with_pending_entries) {
    replica other;
    start_replica(&other);
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
    enqueue_tasks(SIMULATE, NORMAL, 7, 1);
    ck_assert_ok(try_lease(&other, SIMULATE, 1, 1000, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_messages, 1);
    stop_replica(&other);
    ck_assert_int_eq(lease_one(SIMULATE, 10000, true), 7);
}
END_TEST

static bool gave_up(void *self) {
    return atomic_load((atomic_bool *)self);
}

typedef struct abandoned_lease {
    pthread_t thread;
    atomic_bool give_up;
    qt_code code;
} abandoned_lease;

static void *run_abandoned(void *arg) {
    abandoned_lease *l = arg;
    qt_err err;
    qt_arena arena;
    qt_arena_init(&arena, 0);
    qt_rpc_call call = {.timeout_ms = 30000, .cancelled = gave_up, .self = &l->give_up};
    Qtaskdist__V1__TaskType types[1] = {QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE};
    Qtaskdist__V1__LeaseMessagesRequest req = QTASKDIST__V1__LEASE_MESSAGES_REQUEST__INIT;
    req.n_task_types = 1;
    req.task_types = types;
    req.max_messages = 10;
    req.wait_ms = 30000;
    Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
    l->code =
        qt_queue_service_lease_messages(main_replica.channel, &call, &req, &arena, &resp, &err);
    qt_arena_done(&arena);
    return NULL;
}

/* A client that went away while it waited gets nothing; the next one gets it at once. */
START_TEST(client_goes_away) {
    abandoned_lease lease = {.give_up = false};
    pthread_create(&lease.thread, NULL, run_abandoned, &lease);
    wait_for_waiters(1);
    lease.give_up = true;
    pthread_join(lease.thread, NULL);
    ck_assert_int_eq(lease.code, QT_CANCELLED);
    enqueue_tasks(SIMULATE, NORMAL, 1, 3);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(lease_one(SIMULATE, 10000, true), i);
    }
}
END_TEST

static bool enqueues(void *arg) {
    qt_err err;
    return try_enqueue(SIMULATE, NORMAL, *(int *)arg, NULL, &err) == QT_OK;
}

/* Redis dies and comes back: what it had acknowledged is there, waiters go on waiting. */
START_TEST(redis_restarts) {
    enqueue_tasks(SIMULATE, NORMAL, 1, 5);
    ck_assert_int_eq(lease_one(SIMULATE, 20000, true), 1);
    char before[QT_EPOCH_BYTES], after[QT_EPOCH_BYTES];
    epoch_of(before);
    background_lease lease;
    lease_in_background(&lease, &main_replica, C_QIR, 1, 20000);
    wait_for_waiters(1);
    qt_test_redis_kill(&redis);
    qt_err err;
    ck_assert_int_eq(try_enqueue(SIMULATE, NORMAL, 9, NULL, &err), QT_UNAVAILABLE);
    ck_assert_int_eq(err.reason, QT_REASON_QUEUE_UNAVAILABLE);
    qt_test_redis_restart(&redis);
    int number = 6;
    ck_assert(qt_test_wait(enqueues, &number, 10000));
    for (int i = 2; i <= 6; i++) {
        ck_assert_int_eq(lease_one(SIMULATE, 20000, true), i);
    }
    enqueue_tasks(C_QIR, NORMAL, 77, 1);
    join_lease(&lease);
    ck_assert_uint_eq(lease.resp->n_messages, 1);
    free_lease(&lease);
    epoch_of(after);
    ck_assert_str_ne(before, after); /* the last second before a crash may be lost */
}
END_TEST

/* FLUSHALL under a waiter: the groups are made again, the epoch tells, new entries arrive. */
START_TEST(redis_is_flushed) {
    char before[QT_EPOCH_BYTES], after[QT_EPOCH_BYTES];
    enqueue_tasks(SIMULATE, NORMAL, 1, 10);
    ck_assert_int_eq(lease_one(SIMULATE, 1000, false), 1);
    epoch_of(before);
    background_lease lease;
    lease_in_background(&lease, &main_replica, C_QIR, 1, 20000);
    wait_for_waiters(1);
    free(qt_test_redis_command(&redis, "FLUSHALL"));
    epoch_of(after);
    ck_assert_str_ne(before, after);
    ck_assert_int_eq(stats_of("stream:simulate").length, 0);
    enqueue_tasks(C_QIR, NORMAL, 3, 1);
    enqueue_tasks(SIMULATE, NORMAL, 20, 1);
    join_lease(&lease);
    ck_assert_uint_eq(lease.resp->n_messages, 1);
    free_lease(&lease);
    ck_assert_int_eq(lease_one(SIMULATE, 20000, true), 20);
    ck_assert_int_eq(lease_one(SIMULATE, 0, true), -1);
}
END_TEST

/* Entries that somebody else put there do not stop the others. */
START_TEST(foreign_entries_are_dropped) {
    free(qt_test_redis_command(&redis, "XADD stream:simulate * a b"));
    free(qt_test_redis_command(&redis, "XADD stream:simulate * task_id x seq -1"));
    enqueue_tasks(SIMULATE, NORMAL, 4, 1);
    ck_assert_int_eq(lease_one(SIMULATE, 20000, true), 4);
    ck_assert_int_eq(stats_of("stream:simulate").pending, 0);
}
END_TEST

START_TEST(memory_full) {
    qt_err err;
    free(qt_test_redis_command(&redis, "CONFIG SET maxmemory 1"));
    ck_assert_int_eq(try_enqueue(SIMULATE, NORMAL, 1, NULL, &err), QT_UNAVAILABLE);
    free(qt_test_redis_command(&redis, "CONFIG SET maxmemory 0"));
    ck_assert_ok(try_enqueue(SIMULATE, NORMAL, 1, NULL, &err));
    ck_assert_int_eq(lease_one(SIMULATE, 20000, true), 1);
}
END_TEST

START_TEST(check_says_what_is_unsafe) {
    qt_err err;
    ck_assert_ok(qt_redis_store_check(main_replica.store, &err));
    free(qt_test_redis_command(&redis, "CONFIG SET maxmemory-policy allkeys-lru"));
    ck_assert_int_eq(qt_redis_store_check(main_replica.store, &err), QT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.msg, "allkeys-lru"));
    free(qt_test_redis_command(&redis, "CONFIG SET maxmemory-policy noeviction"));
    free(qt_test_redis_command(&redis, "CONFIG SET appendonly no"));
    ck_assert_int_eq(qt_redis_store_check(main_replica.store, &err), QT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(err.msg, "appendonly"));
}
END_TEST

START_TEST(drain_ends_waits) {
    background_lease lease;
    lease_in_background(&lease, &main_replica, SIMULATE, 1, 20000);
    wait_for_waiters(1);
    qt_hub_drain(main_replica.hub);
    join_lease(&lease);
    ck_assert_uint_eq(lease.resp->n_messages, 0);
    free_lease(&lease);
    ck_assert_int_eq(lease_one(SIMULATE, 20000, false), -1);
}
END_TEST

Suite *fault_suite(void) {
    Suite *suite = suite_create("faults");
    TCase *tc = tcase_create("faults");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start_all, stop_all);
    tcase_add_test(tc, unacknowledged_comes_again);
    tcase_add_test(tc, replica_dies_with_pending_entries);
    tcase_add_test(tc, client_goes_away);
    tcase_add_test(tc, redis_restarts);
    tcase_add_test(tc, redis_is_flushed);
    tcase_add_test(tc, foreign_entries_are_dropped);
    tcase_add_test(tc, memory_full);
    tcase_add_test(tc, check_says_what_is_unsafe);
    tcase_add_test(tc, drain_ends_waits);
    suite_add_tcase(suite, tc);
    return suite;
}
