/* WatchTasks: nothing is missed, whoever wrote it and wherever the watcher goes on. */
#include "fixture.h"

static const qt_rpc_call endless = {.timeout_ms = 60000, .wait_for_ready = true};

static qt_rpc_reader *try_watch(replica *r, Qtaskdist__V1__WatchTasksRequest *req) {
    qt_rpc_reader *reader = NULL;
    ck_assert_ok(qt_task_service_watch_tasks(r->channel, &endless, req, &reader, &err));
    return reader;
}

static qt_code read_one(qt_rpc_reader *reader, Qtaskdist__V1__WatchTasksResponse **ret_resp) {
    return qt_rpc_stream_read(reader, &qtaskdist__v1__watch_tasks_response__descriptor, &arena,
                              (ProtobufCMessage **)ret_resp, &err);
}

static Qtaskdist__V1__WatchTasksResponse *next(qt_rpc_reader *reader) {
    Qtaskdist__V1__WatchTasksResponse *resp = NULL;
    ck_assert_ok(read_one(reader, &resp));
    ck_assert_ptr_nonnull(resp);
    return resp;
}

/* The first response has come: what happens from now on is seen. */
static qt_rpc_reader *must_watch(replica *r, Qtaskdist__V1__WatchTasksRequest *req) {
    qt_rpc_reader *reader = try_watch(r, req);
    const Qtaskdist__V1__WatchTasksResponse *resp = next(reader);
    ck_assert_ptr_null(resp->event);
    ck_assert(!resp->resync);
    ck_assert(req->after_version == 0 || resp->version == req->after_version);
    ck_assert_int_gt(resp->version, 0);
    return reader;
}

static qt_rpc_reader *watch_after(replica *r, int64_t version) {
    Qtaskdist__V1__WatchTasksRequest req = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    req.after_version = version;
    return must_watch(r, &req);
}

/* Reads until the task has reached the status; every response must be of it. */
static int64_t read_until(qt_rpc_reader *reader, const char *id, int status) {
    int64_t version = 0;
    for (;;) {
        const Qtaskdist__V1__WatchTasksResponse *resp = next(reader);
        ck_assert(!resp->resync);
        ck_assert_str_eq(resp->event->task_id, id);
        ck_assert_int_gt(resp->event->version, version);
        ck_assert_int_gt(resp->event->time->seconds, 0);
        version = resp->event->version;
        if ((int)resp->event->to == status) {
            return resp->version;
        }
    }
}

static void finish(const char *id) {
    const Qtaskdist__V1__ClaimedTask *t = must_claim("w", id);
    ck_assert_str_eq(report_result("w", id, t->attempt, t->fence, 0), "");
}

/* Makes a change and reads it, and nothing else. Returns where to go on. */
static int64_t settle(qt_rpc_reader *reader) {
    const char *id = must_create(false)->task_id;
    return read_until(reader, id, PENDING);
}

START_TEST(changes_come_in_order) {
    qt_rpc_reader *reader = watch_after(&svc, 0);
    const char *id = must_create(true)->task_id;
    finish(id);
    ck_assert_int_eq(next(reader)->event->to, QUEUED);
    const Qtaskdist__V1__TaskEvent *claimed = next(reader)->event;
    ck_assert_int_eq(claimed->from, QUEUED);
    ck_assert_int_eq(claimed->to, PROCESSING);
    ck_assert_int_eq(claimed->attempt, 1);
    ck_assert_str_eq(claimed->reason, "CLAIM");
    ck_assert_int_eq(next(reader)->event->to, COMPLETED);
    qt_rpc_stream_close(reader);
}
END_TEST

START_TEST(filters_are_kept) {
    const char *id = must_create(false)->task_id;
    char *ids[] = {(char *)(uintptr_t)id};
    Qtaskdist__V1__WatchTasksRequest of_one = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    of_one.task_ids = ids;
    of_one.n_task_ids = 1;
    Qtaskdist__V1__WatchTasksRequest of_project = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    of_project.project = (char *)(uintptr_t) "lab";
    qt_rpc_reader *one = must_watch(&svc, &of_one);
    qt_rpc_reader *project = must_watch(&svc, &of_project);
    must_create(false); /* neither sees it */
    task_msg *ret = NULL;
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, false);
    req.project = (char *)(uintptr_t) "lab";
    const char *in_lab = must_create_with(&req)->task_id;
    ck_assert_ok(try_cancel(in_lab, &ret));
    ck_assert_ok(try_cancel(id, &ret));
    read_until(project, in_lab, CANCELLED);
    read_until(one, id, CANCELLED);
    qt_rpc_stream_close(one);
    qt_rpc_stream_close(project);
}
END_TEST

/* Goes on where it was, with the ring (another watcher keeps it) and without. */
START_TEST(a_watcher_goes_on) {
    for (int keep = 0; keep < 2; keep++) {
        qt_rpc_reader *keeper = keep ? watch_after(&svc, 0) : NULL;
        qt_rpc_reader *reader = watch_after(&svc, 0);
        int64_t version = settle(reader);
        qt_rpc_stream_close(reader);
        const char *ids[5];
        for (size_t i = 0; i < QT_ARRAY_LEN(ids); i++) {
            ids[i] = must_create(true)->task_id;
            finish(ids[i]);
        }
        reader = watch_after(&svc, version);
        for (size_t i = 0; i < QT_ARRAY_LEN(ids); i++) {
            version = read_until(reader, ids[i], COMPLETED);
        }
        qt_rpc_stream_close(reader);
        reader = watch_after(&svc, version);
        settle(reader); /* nothing comes twice */
        qt_rpc_stream_close(reader);
        qt_rpc_stream_close(keeper);
    }
}
END_TEST

START_TEST(another_replica_writes) {
    replica other;
    start_replica(&other, NULL);
    qt_rpc_reader *reader = watch_after(&other, 0);
    const char *id = must_create(true)->task_id; /* by the first */
    finish(id);
    read_until(reader, id, COMPLETED);
    qt_rpc_stream_close(reader);
    stop_replica(&other);
}
END_TEST

enum { MANY = 1500, MIDDLE = 700 };

static void create_many(void) {
    Qtaskdist__V1__BatchCreateTasksRequest batch = QTASKDIST__V1__BATCH_CREATE_TASKS_REQUEST__INIT;
    Qtaskdist__V1__BatchCreateTasksResponse *made = NULL;
    Qtaskdist__V1__CreateTaskRequest one = create_request(SIMULATE, false);
    Qtaskdist__V1__CreateTaskRequest *list[MANY];
    for (int i = 0; i < MANY; i++) {
        list[i] = &one;
    }
    batch.tasks = list;
    batch.n_tasks = MANY;
    ck_assert_ok(
        qt_task_service_batch_create_tasks(svc.channel, &call, &batch, &arena, &made, &err));
}

static bool is_among(const char *id, char *const *ids, size_t count) {
    size_t i = 0;
    while (i < count && strcmp(ids[i], id) != 0) {
        i++;
    }
    return i < count;
}

/* More than pages and flow control hold, read when all is there: each comes once. One that goes on
 * in the middle, even of a transaction, gets the rest. */
START_TEST(slow_watchers_miss_nothing) {
    char *ids[MANY];
    char *rest[MANY];
    int64_t middle = 0;
    qt_rpc_reader *reader = watch_after(&svc, 0);
    create_many();
    for (size_t i = 0; i < MANY; i++) {
        const Qtaskdist__V1__WatchTasksResponse *resp = next(reader);
        ck_assert_int_eq(resp->event->to, PENDING);
        ck_assert(!is_among(resp->event->task_id, ids, i));
        ids[i] = resp->event->task_id;
        middle = i == MIDDLE ? resp->version : middle;
    }
    const char *end = must_create(false)->task_id;
    read_until(reader, end, PENDING);
    qt_rpc_stream_close(reader);
    reader = watch_after(&svc, middle);
    size_t count = 0;
    char *id = NULL;
    while (strcmp(id = next(reader)->event->task_id, end) != 0) {
        ck_assert_uint_lt(count, MANY);
        rest[count++] = id;
    }
    for (size_t i = MIDDLE + 1; i < MANY; i++) {
        ck_assert(is_among(ids[i], rest, count));
    }
    qt_rpc_stream_close(reader);
}
END_TEST

START_TEST(a_restored_store_is_told) {
    Qtaskdist__V1__WatchTasksRequest req = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    req.after_version = INT64_MAX / 2;
    qt_rpc_reader *reader = try_watch(&svc, &req);
    const Qtaskdist__V1__WatchTasksResponse *resp = next(reader);
    ck_assert(resp->resync);
    ck_assert_int_lt(resp->version, INT64_MAX / 2);
    settle(reader);
    qt_rpc_stream_close(reader);
}
END_TEST

static void assert_refused(Qtaskdist__V1__WatchTasksRequest *req, const char *reason,
                           const char *field) {
    Qtaskdist__V1__WatchTasksResponse *resp = NULL;
    qt_rpc_reader *reader = try_watch(&svc, req);
    ck_assert_int_ne(read_one(reader, &resp), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), reason);
    ck_assert_str_eq(err.field, field);
    qt_rpc_stream_close(reader);
}

START_TEST(bad_watchers_are_refused) {
    char *ids[] = {(char *)(uintptr_t) "x"};
    Qtaskdist__V1__WatchTasksRequest req = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    req.task_ids = ids;
    req.n_task_ids = 1;
    assert_refused(&req, "ID_INVALID", "task_ids[0]");
    req.n_task_ids = 0;
    req.after_version = -1;
    assert_refused(&req, "FIELD_INVALID", "after_version");
    req.after_version = 0;
    req.project = (char *)(uintptr_t) "A B";
    assert_refused(&req, "FIELD_INVALID", "project");
}
END_TEST

static void one_watcher(qt_config *config) {
    config->max_watchers = 1;
}

START_TEST(watchers_are_counted_and_ended) {
    replica small;
    start_replica(&small, one_watcher);
    qt_rpc_reader *reader = watch_after(&small, 0);
    settle(reader);
    Qtaskdist__V1__WatchTasksRequest req = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    qt_rpc_reader *second = try_watch(&small, &req);
    Qtaskdist__V1__WatchTasksResponse *resp = NULL;
    ck_assert_int_ne(read_one(second, &resp), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), "OVERLOADED");
    qt_rpc_stream_close(second);
    qt_app_stop(&small.app); /* ends the stream; stop_replica() may do it again */
    ck_assert_int_eq(read_one(reader, &resp), QT_UNAVAILABLE);
    qt_rpc_stream_close(reader);
    stop_replica(&small);
}
END_TEST

TCase *watch_cases(void) {
    TCase *tc = tcase_create("watch");
    tcase_add_checked_fixture(tc, start_world, stop_world);
    tcase_add_test(tc, changes_come_in_order);
    tcase_add_test(tc, filters_are_kept);
    tcase_add_test(tc, a_watcher_goes_on);
    tcase_add_test(tc, another_replica_writes);
    tcase_add_test(tc, slow_watchers_miss_nothing);
    tcase_add_test(tc, a_restored_store_is_told);
    tcase_add_test(tc, bad_watchers_are_refused);
    tcase_add_test(tc, watchers_are_counted_and_ended);
    return tc;
}
