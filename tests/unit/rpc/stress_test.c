/* Calls of all kinds that end in all ways at random, then a stop: nothing may abort, leak or hang.
 * The seed is fixed; the interleaving is not. */
#include "rig.h"

#include "base/cleanup.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 6, CALLS = 120 };

static rig r;
static atomic_int raw_done;
static atomic_int raw_started;
static atomic_bool finish;

static void count_raw(void *arg, const qt_rpc_raw_reply *reply) {
    (void)arg;
    (void)reply;
    atomic_fetch_add(&raw_done, 1);
}

static bool cancel_sometimes(void *arg) {
    unsigned *seed = arg;
    return rand_r(seed) % 3 == 0;
}

static void unary(unsigned *seed) {
    static const char *const ids[] = {"ok",   "big",   "defer", "hold",      "sleep",
                                      "hold", "sleep", "field", "defer-fail"};
    qt_err err;
    qt_rpc_call call = {.timeout_ms = 1 + rand_r(seed) % 60};
    if (rand_r(seed) % 3 == 0) {
        call.cancelled = cancel_sometimes;
        call.self = seed;
    }
    call.idempotent = rand_r(seed) % 4 == 0;
    qt_code code = rig_get(&r, ids[(size_t)rand_r(seed) % QT_ARRAY_LEN(ids)], &call, &err);
    (void)code;
}

static void stream(unsigned *seed) {
    qt_err err;
    Qtaskdist__V1__WatchTasksRequest req = QTASKDIST__V1__WATCH_TASKS_REQUEST__INIT;
    req.after_version = rand_r(seed) % 40 - 10;
    const qt_rpc_call call = {.timeout_ms = 1 + rand_r(seed) % 60};
    qt_rpc_reader *reader = NULL;
    ck_assert_ok(qt_task_service_watch_tasks(r.channel, &call, &req, &reader, &err));
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    ProtobufCMessage *msg = NULL;
    for (int n = rand_r(seed) % 30; n > 0; n--) {
        if (qt_rpc_stream_read(reader, &qtaskdist__v1__watch_tasks_response__descriptor, &arena,
                               &msg, &err) != QT_OK ||
            msg == NULL) {
            break;
        }
    }
    qt_rpc_stream_close(reader);
}

static void raw(unsigned *seed) {
    static const uint8_t sleep_request[] = "\x0a\x05sleep";
    static const uint8_t ok_request[] = "\x0a\x02ok";
    bool sleeps = rand_r(seed) % 2 == 0;
    const qt_rpc_call call = {.timeout_ms = 1 + rand_r(seed) % 60, .idempotent = sleeps};
    atomic_fetch_add(&raw_started, 1);
    qt_rpc_raw_async(r.channel, QT_TASK_SERVICE_GET_TASK_PATH, &call,
                     sleeps ? sleep_request : ok_request, sleeps ? 7 : 4, count_raw, NULL);
}

static void *caller(void *arg) {
    unsigned seed = *(unsigned *)arg;
    for (int i = 0; i < CALLS; i++) {
        switch (rand_r(&seed) % 4) {
        case 0:
            stream(&seed);
            break;
        case 1:
            raw(&seed);
            break;
        default:
            unary(&seed);
            break;
        }
    }
    return NULL;
}

/* The owner of deferred calls, which answers them whenever. */
static void *releaser(void *arg) {
    (void)arg;
    while (!atomic_load(&finish)) {
        struct timespec pause = {.tv_nsec = 5000000};
        nanosleep(&pause, NULL);
        rig_release(&r);
    }
    return NULL;
}

static void stress(bool stop_in_the_middle) {
    pthread_t threads[THREADS];
    pthread_t owner;
    unsigned seeds[THREADS];
    rig_init(&r);
    r.options.queue_limit = 4;
    rig_start(&r);
    ck_assert_int_eq(pthread_create(&owner, NULL, releaser, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = 1000 + i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, caller, &seeds[i]), 0);
    }
    if (stop_in_the_middle) {
        rig_wait_count(&r.cancelled, 20);
        qt_rpc_server_stop(r.server);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    qt_rpc_channel_free(r.channel); /* waits for the raw calls */
    r.channel = NULL;
    ck_assert_int_eq(atomic_load(&raw_done), atomic_load(&raw_started));
    qt_rpc_server_stop(r.server);
    atomic_store(&finish, true);
    pthread_join(owner, NULL);
    rig_done(&r);
}

START_TEST(test_stress) {
    stress(false);
}
END_TEST

START_TEST(test_stress_and_stop) {
    stress(true);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_stress");
    TCase *tcase = tcase_create("stress");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_stress);
    tcase_add_test(tcase, test_stress_and_stop);
    suite_add_tcase(suite, tcase);
    return qt_test_run(suite);
}
