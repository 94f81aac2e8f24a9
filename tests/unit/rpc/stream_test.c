/* Server streams end to end. */
#include "rig.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static rig r;

static void set_up(void) {
    rig_init(&r);
    rig_start(&r);
}

static void tear_down(void) {
    rig_done(&r);
}

static qt_rpc_reader *open_stream(int64_t count, const char *project, const qt_rpc_call *call) {
    qt_err err;
    Qtaskdist__V1__WatchTasksRequest req = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    char name[16];
    snprintf(name, sizeof name, "%s", project);
    req.after_version = count;
    req.project = name;
    qt_rpc_reader *reader = NULL;
    ck_assert_ok(qt_task_service_watch_tasks(r.channel, call, &req, &reader, &err));
    return reader;
}

/* The version of the next message; -1 at the end. */
static qt_code read_version(qt_rpc_reader *reader, int64_t *ret_version, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    ProtobufCMessage *msg = NULL;
    QT_TRY(qt_rpc_stream_read(reader, &qtaskdist__v1__watch_tasks_response__descriptor, &arena,
                              &msg, err));
    const Qtaskdist__V1__WatchTasksResponse *resp = (const Qtaskdist__V1__WatchTasksResponse *)msg;
    *ret_version = resp != NULL ? resp->event->version : -1;
    return QT_OK;
}

START_TEST(test_all_messages_in_order) {
    qt_err err;
    enum { COUNT = 300 };
    qt_rpc_reader *reader = open_stream(COUNT, "", &rig_call);
    int64_t version = 0;
    for (int64_t i = 0; i < COUNT; i++) {
        ck_assert_ok(read_version(reader, &version, &err));
        ck_assert_int_eq(version, i);
    }
    ck_assert_ok(read_version(reader, &version, &err));
    ck_assert_int_eq(version, -1);
    ck_assert_ok(read_version(reader, &version, &err)); /* stays at the end */
    ck_assert_int_eq(version, -1);
    qt_rpc_stream_close(reader);
}
END_TEST

START_TEST(test_empty_stream) {
    qt_err err;
    int64_t version = 0;
    qt_rpc_reader *reader = open_stream(0, "", &rig_call);
    ck_assert_ok(read_version(reader, &version, &err));
    ck_assert_int_eq(version, -1);
    qt_rpc_stream_close(reader);
}
END_TEST

START_TEST(test_error_after_messages) {
    qt_err err;
    int64_t version = 0;
    qt_rpc_reader *reader = open_stream(2, "fail", &rig_call);
    ck_assert_ok(read_version(reader, &version, &err));
    ck_assert_ok(read_version(reader, &version, &err));
    ck_assert_int_eq(read_version(reader, &version, &err), QT_FAILED_PRECONDITION);
    ck_assert_int_eq(err.reason, QT_REASON_TASK_FINAL);
    qt_rpc_stream_close(reader);
}
END_TEST

/* True when the count was the same for 300 ms. */
static bool stands_still(void *arg) {
    static int last = -1;
    static int64_t since_ms;
    int now = atomic_load((atomic_int *)arg);
    int64_t now_ms = qt_clock_mono_ms(qt_clock_system());
    if (now != last) {
        last = now;
        since_ms = now_ms;
    }
    return now > 0 && now_ms - since_ms >= 300;
}

/* A client that does not read holds the sender up; one that goes away ends it. */
START_TEST(test_flow_control_and_cancel) {
    enum { SANE = 2048 }; /* 32 MiB of messages */
    qt_err err;
    int64_t version = 0;
    const qt_rpc_call call = {.timeout_ms = 60000};
    qt_rpc_reader *reader = open_stream(-1, "", &call);
    ck_assert_ok(read_version(reader, &version, &err));
    ck_assert(qt_test_wait(stands_still, &r.sent, 30000));
    ck_assert_int_lt(atomic_load(&r.sent), SANE);
    int before = atomic_load(&r.sent);
    for (int i = 0; i < before; i++) {
        ck_assert_ok(read_version(reader, &version, &err));
    }
    rig_wait_count(&r.sent, before + 1); /* it goes on */
    qt_rpc_stream_close(reader);
    rig_wait_count(&r.cancelled, 1);
}
END_TEST

START_TEST(test_close_at_once) {
    for (int i = 0; i < 20; i++) {
        qt_rpc_stream_close(open_stream(-1, "", &rig_call));
    }
}
END_TEST

START_TEST(test_deadline) {
    qt_err err;
    int64_t version = 0;
    const qt_rpc_call call = {.timeout_ms = 200};
    qt_rpc_reader *reader = open_stream(-1, "", &call);
    qt_code code = QT_OK;
    while (code == QT_OK) {
        code = read_version(reader, &version, &err);
    }
    ck_assert_int_eq(code, QT_DEADLINE_EXCEEDED);
    qt_rpc_stream_close(reader);
    rig_wait_count(&r.cancelled, 1);
}
END_TEST

static bool enough_sent(void *arg) {
    return atomic_load(&((rig *)arg)->sent) > 10;
}

START_TEST(test_caller_cancels) {
    qt_err err;
    int64_t version = 0;
    const qt_rpc_call call = {.timeout_ms = 20000, .cancelled = enough_sent, .self = &r};
    qt_rpc_reader *reader = open_stream(-1, "", &call);
    qt_code code = QT_OK;
    rig_wait_count(&r.sent, 11);
    while (code == QT_OK) {
        code = read_version(reader, &version, &err);
    }
    ck_assert_int_eq(code, QT_CANCELLED);
    qt_rpc_stream_close(reader);
    rig_wait_count(&r.cancelled, 1);
}
END_TEST

START_TEST(test_no_server) {
    qt_err err;
    int64_t version = 0;
    qt_rpc_server_stop(r.server);
    qt_rpc_reader *reader = open_stream(1, "", &rig_call);
    ck_assert_int_eq(read_version(reader, &version, &err), QT_UNAVAILABLE);
    qt_rpc_stream_close(reader);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_stream");
    TCase *tcase = tcase_create("stream");
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_all_messages_in_order);
    tcase_add_test(tcase, test_empty_stream);
    tcase_add_test(tcase, test_error_after_messages);
    tcase_add_test(tcase, test_flow_control_and_cancel);
    tcase_add_test(tcase, test_close_at_once);
    tcase_add_test(tcase, test_deadline);
    tcase_add_test(tcase, test_caller_cancels);
    tcase_add_test(tcase, test_no_server);
    suite_add_tcase(suite, tcase);
    return qt_test_run(suite);
}
