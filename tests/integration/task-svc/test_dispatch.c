/* The row as outbox: windows, bands, projects, and what Redis lost. */
#include "fixture.h"

enum { WINDOW = 5, SLACK = 2 }; /* the window is an estimate */

static void small_window(qt_config *config) {
    config->window_size = WINDOW;
    config->lost_margin_ms = 60000; /* nothing is lost here, and a slow disk is no loss */
}

static void start_small(void) {
    start_stores();
    start_replica(&svc, small_window);
}

static task_msg *create_in(const char *project, int priority) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
    req.project = (char *)(uintptr_t)project;
    req.priority = (Qtaskdist__V1__TaskPriority)priority;
    return must_create_with(&req);
}

static void finish(const fake_entry *entry) {
    ck_assert_str_eq(report_result("w", entry->id, 0, 0, entry->dispatch_seq), "");
}

START_TEST(the_window_bounds_redis) {
    enum { TASKS = 40 };
    for (int i = 0; i < TASKS; i++) {
        must_create(true);
    }
    ck_assert(fake_queue_is_quiet(&queue));
    ck_assert_uint_ge(fake_queue_live(&queue), WINDOW);
    ck_assert_uint_le(fake_queue_live(&queue), WINDOW + SLACK);
    for (int i = 0; i < TASKS; i++) {
        fake_entry entry = fake_queue_take(&queue, SIMULATE);
        ck_assert_uint_le(fake_queue_live(&queue), WINDOW + SLACK);
        finish(&entry);
    }
    ck_assert_uint_eq(fake_queue_count(&queue, NULL), TASKS);
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_done"), "40");
}
END_TEST

START_TEST(high_goes_first) {
    enum { TASKS = 12 };
    for (int i = 0; i < WINDOW; i++) {
        create_in("a", NORMAL);
    }
    for (int i = 0; i < TASKS; i++) {
        create_in("a", LOW);
    }
    for (int i = 0; i < TASKS; i++) {
        create_in("a", HIGH);
    }
    ck_assert(fake_queue_is_quiet(&queue));
    int high = 0;
    int low = 0; /* that were in the window before there was a high one */
    while (high < TASKS) {
        fake_entry entry = fake_queue_take(&queue, SIMULATE);
        low += entry.priority == LOW;
        ck_assert_int_le(low, SLACK);
        high += entry.priority == HIGH;
        finish(&entry);
    }
}
END_TEST

static bool all_live(void *arg) {
    return fake_queue_live(&queue) == *(size_t *)arg;
}

static bool some_live(void *arg) {
    (void)arg;
    return fake_queue_live(&queue) > 0;
}

static int count_taken(const char *project, int count) {
    char sql[160];
    for (int i = 0; i < count; i++) {
        fake_entry entry = fake_queue_take(&queue, SIMULATE);
        finish(&entry);
    }
    snprintf(sql, sizeof sql, "SELECT count(*) FROM task_done WHERE project = '%s'", project);
    return atoi(must_query(sql));
}

/* One project has much more work than the other, and comes first in every order; both get their
 * share, also when the window has room for one task at a time. */
START_TEST(projects_take_turns) {
    enum { MANY = 100, FEW = 10 };
    for (int i = 0; i < MANY; i++) {
        create_in("a-many", NORMAL);
    }
    for (int i = 0; i < FEW; i++) {
        create_in("few", NORMAL);
    }
    /* Fair would be all after 20; that fewer than 5 of 45 are of `few` happens once in 1e8. */
    ck_assert_int_ge(count_taken("few", WINDOW + 45), 5);
}
END_TEST

START_TEST(weights_count) {
    must_query("INSERT INTO project_cfg VALUES ('heavy', 8) RETURNING 1");
    for (int i = 0; i < 60; i++) {
        create_in("light", NORMAL);
        create_in("heavy", NORMAL);
    }
    ck_assert_int_ge(count_taken("heavy", 60), 35); /* 8 of 9 would be 53 */
}
END_TEST

/* ---- what Redis lost ---- */

static void enqueue_many(int count) {
    for (int i = 0; i < count; i++) {
        must_create(true);
    }
}

/* An entry that was sent a second time is refused; each task is finished once. */
static void finish_all(size_t count) {
    for (size_t accepted = 0; accepted < count;) {
        fake_entry entry = fake_queue_take(&queue, SIMULATE);
        accepted += report_result("w", entry.id, 0, 0, entry.dispatch_seq)[0] == '\0';
    }
}

START_TEST(a_flushed_queue_is_filled_again) {
    size_t count = 20;
    enqueue_many((int)count);
    ck_assert(qt_test_wait(all_live, &count, 10000));
    fake_queue_flush(&queue, true);
    ck_assert(qt_test_wait(all_live, &count, 10000));
    finish_all(count);
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_done WHERE state = 8"), "20");
    ck_assert_str_eq(must_query("SELECT min(dispatch_seq) >= 2 FROM task_done"), "t");
}
END_TEST

/* Entries are gone and nobody says so. What is older than the oldest live entry is sent again; the
 * rest follows as the live ones are done. */
START_TEST(lost_entries_are_missed) {
    size_t count = 20;
    enqueue_many((int)count);
    ck_assert(qt_test_wait(all_live, &count, 10000));
    fake_queue_flush(&queue, false);
    finish_all(count);
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_done WHERE state = 8"), "20");
}
END_TEST

START_TEST(a_stale_entry_dies_at_the_claim) {
    size_t count = 1;
    const char *id = must_create(true)->task_id;
    ck_assert(qt_test_wait(all_live, &count, 10000));
    fake_entry old = fake_queue_take_task(&queue, id); /* delivered, and then nothing */
    fake_entry new = fake_queue_take_task(&queue, id);
    ck_assert_int_eq(new.dispatch_seq, old.dispatch_seq + 1);
    ck_assert_str_eq(claim("w", &old)->reason, "ALREADY_TAKEN");
    ck_assert(claim("w", &new)->claimed);
}
END_TEST

START_TEST(a_live_entry_is_left_alone) {
    size_t count = 10;
    enqueue_many((int)count);
    ck_assert(qt_test_wait(all_live, &count, 10000));
    for (int i = 0; i < 5; i++) {
        ck_assert(fake_queue_is_quiet(&queue)); /* longer than the margin */
    }
    ck_assert_uint_eq(fake_queue_count(&queue, NULL), count);
}
END_TEST

START_TEST(a_queue_that_is_away_fails_no_create) {
    size_t count = 30;
    fake_queue_set_down(&queue, true);
    enqueue_many((int)count);
    ck_assert_uint_eq(fake_queue_count(&queue, NULL), 0);
    fake_queue_set_down(&queue, false);
    ck_assert(qt_test_wait(all_live, &count, 15000));
    finish_all(count);
}
END_TEST

/* The service dies between the commit and the send; another finds the row. */
START_TEST(a_row_without_entry_is_found) {
    size_t count = 5;
    fake_queue_set_down(&queue, true);
    enqueue_many((int)count);
    stop_replica(&svc);
    fake_queue_set_down(&queue, false);
    start_replica(&svc, NULL);
    finish_all(count); /* those within the margin of others follow when these are done */
}
END_TEST

START_TEST(two_replicas_do_not_send_twice) {
    replica second;
    size_t count = 40;
    start_replica(&second, small_window);
    for (size_t i = 0; i < count; i++) {
        Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
        task_msg *task = NULL;
        qt_rpc_channel *channel = i % 2 == 0 ? svc.channel : second.channel;
        ck_assert_ok(qt_task_service_create_task(channel, &call, &req, &arena, &task, &err));
    }
    finish_all(count);
    ck_assert(fake_queue_is_quiet(&queue));
    ck_assert_uint_eq(fake_queue_count(&queue, NULL), count);
    stop_replica(&second);
}
END_TEST

START_TEST(another_takes_over) {
    replica second;
    size_t count = 5;
    start_replica(&second, NULL);
    fake_queue_set_down(&queue, true);
    enqueue_many((int)count); /* their sender goes with the first */
    stop_replica(&svc);
    fake_queue_set_down(&queue, false);
    ck_assert(qt_test_wait(some_live, NULL, 15000)); /* found by the second */
    start_replica(&svc, NULL);
    finish_all(count); /* those within the margin of others follow when these are done */
    stop_replica(&second);
}
END_TEST

static TCase *cases(const char *name, void (*start)(void)) {
    TCase *tc = tcase_create(name);
    tcase_add_checked_fixture(tc, start, stop_world);
    return tc;
}

TCase *dispatch_cases(void) {
    TCase *tc = cases("dispatch", start_world);
    tcase_add_test(tc, a_flushed_queue_is_filled_again);
    tcase_add_test(tc, lost_entries_are_missed);
    tcase_add_test(tc, a_stale_entry_dies_at_the_claim);
    tcase_add_test(tc, a_live_entry_is_left_alone);
    tcase_add_test(tc, a_queue_that_is_away_fails_no_create);
    tcase_add_test(tc, a_row_without_entry_is_found);
    tcase_add_test(tc, another_takes_over);
    return tc;
}

TCase *window_cases(void) {
    TCase *tc = cases("window", start_small);
    tcase_add_test(tc, the_window_bounds_redis);
    tcase_add_test(tc, high_goes_first);
    tcase_add_test(tc, projects_take_turns);
    tcase_add_test(tc, weights_count);
    tcase_add_test(tc, two_replicas_do_not_send_twice);
    return tc;
}
