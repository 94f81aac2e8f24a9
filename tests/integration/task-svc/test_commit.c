/* The committer alone, on a real database. */
#include "fixture.h"

#include "base/clock.h"

#include <stdatomic.h>

enum { OPS = 500 };

static qt_committer *committer;
static qt_task_op ops[OPS];
static atomic_size_t done_count;

static void op_done(qt_task_op *op) {
    (void)op;
    atomic_fetch_add(&done_count, 1);
}

static bool all_done(void *arg) {
    return atomic_load(&done_count) == *(size_t *)arg;
}

static void await_done(size_t count) {
    ck_assert_msg(qt_test_wait(all_done, &count, 60000), "%zu of %zu",
                  (size_t)atomic_load(&done_count), count);
}

static qt_committer_options default_options(void) {
    return (qt_committer_options){.url = database,
                                  .connect_timeout_ms = 5000,
                                  .command_timeout_ms = 30000,
                                  .lanes = 2,
                                  .batch = 1000,
                                  .batch_bytes = 1 << 20,
                                  .queue_limit = 10000,
                                  .retry_ms = 20000,
                                  .lease_ms = 15000,
                                  .max_crashes = 3,
                                  .inline_bytes = 4096,
                                  .idempotency_hours = 72};
}

static void start_committer(const qt_committer_options *options) {
    ck_assert_ok(qt_committer_new(options, &committer, &err));
}

static void start(void) {
    start_stores();
    const qt_committer_options options = default_options();
    start_committer(&options);
}

static void stop(void) {
    qt_committer_free(committer);
    stop_stores();
}

static void make_op(qt_task_op *op, qt_task_op_kind kind, const qt_uuid *id) {
    *op = (qt_task_op){.kind = kind, .id = *id, .bytes = 512, .done = op_done};
    if (kind == QT_TASK_OP_CREATE) {
        op->create.row = (qt_row){.id = *id,
                                  .project = qt_span_of("default"),
                                  .type = SIMULATE,
                                  .priority = NORMAL,
                                  .spec = qt_span_of("\x12\x01x"),
                                  .meta_data = qt_span_of("{}")};
        op->create.enqueue = true;
    }
}

static void push(qt_task_op *op) {
    ck_assert_ok(qt_committer_push(committer, op, &err));
}

static void push_creates(size_t count) {
    for (size_t i = 0; i < count; i++) {
        qt_uuid id = qt_uuid7_make(qt_clock_system());
        make_op(&ops[i], QT_TASK_OP_CREATE, &id);
        push(&ops[i]);
    }
}

static size_t count_rows(const char *table) {
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    return strtoul(must_query(sql), NULL, 10);
}

START_TEST(what_was_acknowledged_is_there) {
    push_creates(OPS);
    await_done(OPS);
    for (size_t i = 0; i < OPS; i++) {
        ck_assert_int_eq(ops[i].code, QT_OK);
    }
    ck_assert_uint_eq(count_rows("task_active"), OPS);
    ck_assert_uint_eq(count_rows("task_event"), OPS);
}
END_TEST

/* The database refuses the one; the others of its batch do not notice. */
START_TEST(one_bad_operation_fails_alone) {
    enum { BAD = 333 };
    for (size_t i = 0; i < OPS; i++) {
        qt_uuid id = qt_uuid7_make(qt_clock_system());
        make_op(&ops[i], QT_TASK_OP_CREATE, &id);
    }
    ops[BAD].create.row.project = (qt_span){"\xff\xfe", 2};
    for (size_t i = 0; i < OPS; i++) {
        push(&ops[i]);
    }
    await_done(OPS);
    for (size_t i = 0; i < OPS; i++) {
        ck_assert_int_eq(ops[i].code, i == BAD ? QT_INVALID_ARGUMENT : QT_OK);
    }
    ck_assert_int_eq(ops[BAD].err.reason, QT_REASON_UTF8_INVALID);
    ck_assert_uint_eq(count_rows("task_active"), OPS - 1);
}
END_TEST

START_TEST(operations_on_a_task_keep_their_order) {
    static const qt_task_op_kind story[] = {
        QT_TASK_OP_CREATE, QT_TASK_OP_CANCEL, QT_TASK_OP_RETRY,  QT_TASK_OP_ENQUEUE,
        QT_TASK_OP_CANCEL, QT_TASK_OP_DELETE, QT_TASK_OP_DELETE,
    };
    size_t count = 0;
    for (int task = 0; task < 50; task++) {
        qt_uuid id = qt_uuid7_make(qt_clock_system());
        for (size_t i = 0; i < QT_ARRAY_LEN(story); i++, count++) {
            make_op(&ops[count], story[i], &id);
            push(&ops[count]);
        }
    }
    await_done(count);
    for (size_t i = 0; i < count; i++) {
        bool is_last = i % QT_ARRAY_LEN(story) == QT_ARRAY_LEN(story) - 1;
        ck_assert_msg(ops[i].code == (is_last ? QT_NOT_FOUND : QT_OK), "%zu: %s", i,
                      ops[i].err.msg);
    }
    ck_assert_uint_eq(count_rows("task_active") + count_rows("task_done"), 0);
}
END_TEST

/* ---- the database makes trouble ---- */

static void terminate_writers(void) {
    must_query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
               " WHERE application_name = 'task-svc writer'");
}

/* An unknown outcome is run again: every task is there once, whether or not the commit that lost
 * its answer had happened. */
START_TEST(lost_connections_lose_and_double_nothing) {
    enum { ROUNDS = 25 };
    for (int round = 0; round < ROUNDS; round++) {
        atomic_store(&done_count, 0);
        push_creates(OPS / ROUNDS);
        terminate_writers(); /* somewhere in the middle */
        await_done(OPS / ROUNDS);
        for (size_t i = 0; i < OPS / ROUNDS; i++) {
            ck_assert_msg(ops[i].code == QT_OK, "%s", ops[i].err.msg);
        }
    }
    ck_assert_uint_eq(count_rows("task_active"), OPS);
    ck_assert_uint_eq(count_rows("task_event"), OPS);
}
END_TEST

/* Somebody holds the table: operations gather until the queue is full. */
START_TEST(a_full_queue_refuses) {
    qt_committer_options options = default_options();
    const qt_pq_options lock_options = {.url = database, .application_name = "test"};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = qt_pq_new(&lock_options);
    size_t refused = 0;
    qt_committer_free(committer);
    options.queue_limit = 100;
    options.batch = 50;
    options.lanes = 1;
    start_committer(&options);
    ck_assert_ok(qt_pq_exec(pq, "BEGIN; LOCK TABLE task_active", &err));
    for (size_t i = 0; i < OPS; i++) {
        qt_uuid id = qt_uuid7_make(qt_clock_system());
        make_op(&ops[i], QT_TASK_OP_CREATE, &id);
        if (qt_committer_push(committer, &ops[i], &err) != QT_OK) {
            ck_assert_str_eq(qt_reason_name(err.reason), "OVERLOADED");
            ck_assert_int_gt(err.retry_after_ms, 0);
            refused++;
        }
    }
    ck_assert_uint_ge(refused, OPS - 150);
    ck_assert_uint_eq(qt_committer_backlog(committer), 100);
    ck_assert_ok(qt_pq_exec(pq, "ROLLBACK", &err));
    await_done(OPS - refused);
    ck_assert_uint_eq(count_rows("task_active"), OPS - refused);
}
END_TEST

START_TEST(a_database_that_stays_away_fails_all) {
    char url[200];
    qt_committer_options options = default_options();
    qt_committer_free(committer);
    snprintf(url, sizeof url, "host=%s/nowhere user=u dbname=d", pg.dir);
    options.url = url;
    options.retry_ms = 200;
    start_committer(&options);
    push_creates(20);
    await_done(20);
    for (size_t i = 0; i < 20; i++) {
        ck_assert_int_eq(ops[i].code, QT_UNAVAILABLE);
        ck_assert_int_gt(ops[i].err.retry_after_ms, 0);
    }
    qt_committer_free(committer); /* the URL ends with this function */
    committer = NULL;
}
END_TEST

START_TEST(a_stop_finishes_what_waits) {
    push_creates(OPS);
    qt_committer_free(committer);
    committer = NULL;
    ck_assert_uint_eq(atomic_load(&done_count), OPS);
    ck_assert_uint_eq(count_rows("task_active"), OPS);
}
END_TEST

/* A memory that is short fails operations, and later ones go through. */
START_TEST(no_memory) {
    QT_EACH_FAILURE(k) {
        atomic_store(&done_count, 0);
        push_creates(3);
        await_done(3);
        for (size_t i = 0; i < 3; i++) {
            ck_assert(ops[i].code == QT_OK || ops[i].code == QT_RESOURCE_EXHAUSTED);
        }
    }
}
END_TEST

TCase *commit_cases(void) {
    TCase *tc = tcase_create("committer");
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, what_was_acknowledged_is_there);
    tcase_add_test(tc, one_bad_operation_fails_alone);
    tcase_add_test(tc, operations_on_a_task_keep_their_order);
    tcase_add_test(tc, lost_connections_lose_and_double_nothing);
    tcase_add_test(tc, a_full_queue_refuses);
    tcase_add_test(tc, a_database_that_stays_away_fails_all);
    tcase_add_test(tc, a_stop_finishes_what_waits);
    tcase_add_test(tc, no_memory);
    return tc;
}
