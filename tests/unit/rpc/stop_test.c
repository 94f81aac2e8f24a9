/* Start, stop, and what clients see of both. */
#include "rig.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "qt_descriptors.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one server ---- */

static rig r;

static void set_up(void) {
    rig_init(&r);
}

static void tear_down(void) {
    rig_done(&r);
}

START_TEST(test_never_started) {
    qt_err err;
    ck_assert_ok(qt_rpc_server_new(&r.options, &r.server, &err));
    qt_rpc_server_stop(r.server); /* no harm */
}
END_TEST

START_TEST(test_started_and_stopped) {
    for (int i = 0; i < 5; i++) {
        rig_start_server(&r);
        qt_rpc_server_stop(r.server);
        qt_rpc_server_stop(r.server); /* no harm */
        qt_rpc_server_free(r.server);
        r.server = NULL;
    }
}
END_TEST

START_TEST(test_bad_options) {
    qt_err err;
    qt_rpc_server *server = NULL;
    qt_rpc_server_options options = r.options;
    options.worker_threads = 0;
    ck_assert_int_eq(qt_rpc_server_new(&options, &server, &err), QT_INVALID_ARGUMENT);
    options = r.options;
    options.listen_addr = "";
    ck_assert_int_eq(qt_rpc_server_new(&options, &server, &err), QT_INVALID_ARGUMENT);
    options.listen_addr = "no such host name:x";
    ck_assert_int_eq(qt_rpc_server_new(&options, &server, &err), QT_INVALID_ARGUMENT);
    ck_assert_ptr_null(server);
}
END_TEST

/* With SO_REUSEPORT, which is the core's default, the second would bind in silence. */
START_TEST(test_port_is_taken) {
    qt_err err;
    qt_rpc_server_options options = r.options;
    options.listen_addr = "127.0.0.1:0";
    ck_assert_ok(qt_rpc_server_new(&options, &r.server, &err));
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", qt_rpc_server_port(r.server));
    options.listen_addr = taken;
    qt_rpc_server *second = NULL;
    ck_assert_int_eq(qt_rpc_server_new(&options, &second, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_SETTING_INVALID);
}
END_TEST

static void *call_sleep(void *arg) {
    qt_err err;
    *(qt_code *)arg = rig_get(&r, "sleep", &rig_call, &err);
    return NULL;
}

static void *call_hold(void *arg) {
    qt_err err;
    *(qt_code *)arg = rig_get(&r, "hold", &rig_call, &err);
    return NULL;
}

START_TEST(test_running_calls_are_cancelled_after_the_grace) {
    pthread_t thread;
    qt_code code = QT_OK;
    rig_start(&r);
    ck_assert_int_eq(pthread_create(&thread, NULL, call_sleep, &code), 0);
    rig_wait_count(&r.running, 1);
    qt_rpc_server_stop(r.server);
    pthread_join(thread, NULL);
    ck_assert_int_ne(code, QT_OK);
    ck_assert_int_eq(atomic_load(&r.cancelled), 1);
}
END_TEST

static void *stop_server(void *arg) {
    qt_rpc_server_stop(((rig *)arg)->server);
    return NULL;
}

/* A deferred call keeps the server until its owner has finished it, also when it was cancelled. */
START_TEST(test_stop_waits_for_deferred_calls) {
    pthread_t caller;
    pthread_t stopper;
    qt_code code = QT_OK;
    rig_start(&r);
    ck_assert_int_eq(pthread_create(&caller, NULL, call_hold, &code), 0);
    rig_wait_count(&r.running, 1);
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_server, &r), 0);
    rig_wait_count(&r.cancelled, 1);
    ck_assert_int_eq(rig_release(&r), 1);
    pthread_join(stopper, NULL);
    pthread_join(caller, NULL);
    ck_assert_int_ne(code, QT_OK);
}
END_TEST

/* A call that ends within the grace succeeds. */
START_TEST(test_grace) {
    pthread_t caller;
    pthread_t stopper;
    qt_code code = QT_UNKNOWN;
    r.options.grace_ms = 20000;
    rig_start(&r);
    ck_assert_int_eq(pthread_create(&caller, NULL, call_hold, &code), 0);
    rig_wait_count(&r.running, 1);
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_server, &r), 0);
    qt_err err;
    const qt_rpc_call probe = {.timeout_ms = 1000};
    while (rig_get(&r, "ok", &probe, &err) == QT_OK) { /* until new calls are refused */
    }
    ck_assert_int_eq(rig_release(&r), 1);
    pthread_join(stopper, NULL);
    pthread_join(caller, NULL);
    ck_assert_int_eq(code, QT_OK);
}
END_TEST

/* ---- the client's side ---- */

START_TEST(test_no_server) {
    qt_err err;
    const qt_rpc_channel_options options = {.target = r.target};
    ck_assert_ok(qt_rpc_channel_new(&options, &r.channel, &err));
    ck_assert_int_eq(rig_get(&r, "ok", &rig_call, &err), QT_UNAVAILABLE);
    ck_assert_int_eq(err.reason, QT_REASON_SERVICE_UNAVAILABLE);
}
END_TEST

static void *start_later(void *arg) {
    rig_start_server(arg);
    return NULL;
}

START_TEST(test_wait_for_ready) {
    pthread_t thread;
    qt_err err;
    const qt_rpc_channel_options options = {.target = r.target};
    ck_assert_ok(qt_rpc_channel_new(&options, &r.channel, &err));
    ck_assert_int_eq(rig_get(&r, "ok", &rig_call, &err), QT_UNAVAILABLE);
    ck_assert_int_eq(pthread_create(&thread, NULL, start_later, &r), 0);
    const qt_rpc_call patient = {.timeout_ms = 20000, .wait_for_ready = true};
    ck_assert_ok(rig_get(&r, "ok", &patient, &err));
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(test_idempotent_calls_are_tried_again) {
    pthread_t thread;
    qt_err err;
    const qt_rpc_channel_options options = {.target = r.target};
    ck_assert_ok(qt_rpc_channel_new(&options, &r.channel, &err));
    ck_assert_int_eq(pthread_create(&thread, NULL, start_later, &r), 0);
    const qt_rpc_call call = {.timeout_ms = 20000, .idempotent = true};
    qt_code code = QT_UNAVAILABLE;
    for (int i = 0; i < 20 && code != QT_OK; i++) {
        code = rig_get(&r, "ok", &call, &err);
    }
    ck_assert_int_eq(code, QT_OK);
    pthread_join(thread, NULL);
}
END_TEST

/* ---- drain: two servers, clients that call all the time and never try again ---- */

enum { CALLERS = 4, SERVERS = 2 };

static rig pair[SERVERS];
static qt_rpc_channel *shared;
static atomic_int failed;
static atomic_int succeeded;
static atomic_bool finish;

static void *call_all_the_time(void *arg) {
    (void)arg;
    rig view = {.channel = shared};
    while (!atomic_load(&finish)) {
        qt_err err;
        if (rig_get(&view, "ok", &rig_call, &err) == QT_OK) {
            atomic_fetch_add(&succeeded, 1);
        } else {
            fprintf(stderr, "%s %s\n", qt_code_name(err.code), err.msg);
            atomic_fetch_add(&failed, 1);
        }
    }
    return NULL;
}

static void start_pair(int64_t connection_age_ms, char *target, size_t cap) {
    for (int i = 0; i < SERVERS; i++) {
        rig_init(&pair[i]);
        snprintf(pair[i].addr, sizeof pair[i].addr, "127.0.0.1:0");
        pair[i].options.lame_duck_ms = 300;
        pair[i].options.grace_ms = 10000;
        pair[i].options.connection_age_ms = connection_age_ms;
        rig_start_server(&pair[i]);
    }
    snprintf(target, cap, "ipv4:127.0.0.1:%d,127.0.0.1:%d", qt_rpc_server_port(pair[0].server),
             qt_rpc_server_port(pair[1].server));
}

static void start_callers(const char *target, pthread_t callers[CALLERS]) {
    qt_err err;
    const qt_rpc_channel_options options = {.target = target};
    ck_assert_ok(qt_rpc_channel_new(&options, &shared, &err));
    for (int i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(pthread_create(&callers[i], NULL, call_all_the_time, NULL), 0);
    }
}

static void stop_callers(pthread_t callers[CALLERS]) {
    atomic_store(&finish, true);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i], NULL);
    }
    qt_rpc_channel_free(shared);
    for (int i = 0; i < SERVERS; i++) {
        rig_done(&pair[i]);
    }
}

START_TEST(test_drain_fails_no_call) {
    char target[128];
    pthread_t callers[CALLERS];
    start_pair(0, target, sizeof target);
    start_callers(target, callers);
    rig_wait_count(&succeeded, 200);
    qt_rpc_server_stop(pair[0].server);
    int before = atomic_load(&succeeded);
    rig_wait_count(&succeeded, before + 200); /* on the other server */
    ck_assert_int_eq(atomic_load(&failed), 0);
    stop_callers(callers);
    ck_assert_int_eq(atomic_load(&failed), 0);
}
END_TEST

START_TEST(test_connection_age_fails_no_call) {
    char target[128];
    pthread_t callers[CALLERS];
    start_pair(100, target, sizeof target);
    start_callers(target, callers);
    rig_wait_count(&succeeded, 3000);
    stop_callers(callers);
    ck_assert_int_eq(atomic_load(&failed), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_stop");
    TCase *tcase = tcase_create("stop");
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_never_started);
    tcase_add_test(tcase, test_started_and_stopped);
    tcase_add_test(tcase, test_bad_options);
    tcase_add_test(tcase, test_port_is_taken);
    tcase_add_test(tcase, test_running_calls_are_cancelled_after_the_grace);
    tcase_add_test(tcase, test_stop_waits_for_deferred_calls);
    tcase_add_test(tcase, test_grace);
    tcase_add_test(tcase, test_no_server);
    tcase_add_test(tcase, test_wait_for_ready);
    tcase_add_test(tcase, test_idempotent_calls_are_tried_again);
    suite_add_tcase(suite, tcase);
    TCase *drain = tcase_create("drain");
    tcase_set_timeout(drain, 120);
    tcase_add_test(drain, test_drain_fails_no_call);
    tcase_add_test(drain, test_connection_age_fails_no_call);
    suite_add_tcase(suite, drain);
    return qt_test_run(suite);
}
