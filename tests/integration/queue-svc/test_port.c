/* The hub with a store that fails and remembers, and the k-th failure. */
#include "fixture.h"

#include "base/log.h"

#include <stdatomic.h>

typedef struct fake_store {
    pthread_mutex_t lock;
    pthread_cond_t interrupted;
    atomic_int failing;
    atomic_int next_number; /* of the next entry; none below 0 */
    atomic_int last_number;
} fake_store;

static qt_code fake_read(void *self, int stream, size_t count, qt_entry_list *list, qt_err *err) {
    fake_store *s = self;
    if (atomic_load(&s->failing) != 0) {
        return qt_fail(err, QUEUE_UNAVAILABLE, "the store is down");
    }
    for (; count > 0 && stream == 1 && s->next_number < s->last_number; count--) {
        qt_entry *entry = qt_xcalloc(1, sizeof *entry);
        entry->stream = stream;
        id_of(atomic_fetch_add(&s->next_number, 1), entry->task_id);
        qt_entry_list_push(list, entry);
    }
    return QT_OK;
}

static qt_code fake_wait(void *self, unsigned streams, size_t count, int64_t wait_ms,
                         qt_entry_list *list, qt_err *err) {
    fake_store *s = self;
    (void)streams;
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    int64_t ns = at.tv_nsec + wait_ms * 1000000;
    at.tv_sec += ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&s->lock);
    pthread_cond_timedwait(&s->interrupted, &s->lock, &at);
    pthread_mutex_unlock(&s->lock);
    return fake_read(self, 1, count, list, err);
}

static void fake_interrupt(void *self) {
    fake_store *s = self;
    pthread_mutex_lock(&s->lock);
    pthread_cond_signal(&s->interrupted);
    pthread_mutex_unlock(&s->lock);
}

static qt_code fake_reclaim(void *self, int stream, size_t count, qt_entry_list *list,
                            qt_err *err) {
    (void)self, (void)stream, (void)count, (void)list, (void)err;
    return QT_OK;
}

static qt_code fake_maintain(void *self, unsigned *ret_paused, qt_err *err) {
    (void)self, (void)err;
    *ret_paused = 0;
    return QT_OK;
}

static const qt_store_ops fake_ops = {.read = fake_read,
                                      .wait = fake_wait,
                                      .interrupt = fake_interrupt,
                                      .reclaim = fake_reclaim,
                                      .maintain = fake_maintain};

typedef struct test_waiter {
    qt_waiter waiter;
    atomic_bool is_gone, is_done;
    size_t count;
    int first;
    qt_code code;
} test_waiter;

static bool test_gone(const qt_waiter *waiter) {
    return atomic_load(&((const test_waiter *)waiter)->is_gone);
}

static void test_done(qt_waiter *waiter, qt_entry_list *entries, const qt_err *err) {
    test_waiter *w = (test_waiter *)waiter;
    w->count = entries->count;
    w->first = entries->first != NULL ? number_of(entries->first->task_id) : -1;
    w->code = err != NULL ? err->code : QT_OK;
    atomic_store(&w->is_done, true);
}

static void wait_in_hub(qt_hub *hub, test_waiter *w, size_t max, int64_t wait_ms) {
    w->waiter = (qt_waiter){.types = 1,
                            .max_count = max,
                            .deadline_ms = qt_hub_now_ms(hub) + wait_ms,
                            .gone = test_gone,
                            .done = test_done};
    qt_hub_wait(hub, &w->waiter);
}

static bool waiter_done(void *arg) {
    return atomic_load(&((test_waiter *)arg)->is_done);
}

static fake_store fake = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .interrupted = PTHREAD_COND_INITIALIZER};

static qt_hub *start_hub(void) {
    qt_err err;
    qt_hub *hub = NULL;
    qt_store store = {.ops = &fake_ops, .self = &fake};
    qt_hub_options options = {.maintenance_ms = 20, .buffer_ms = 60000};
    qt_log_init("test", QT_LOG_ERROR);
    qt_log_set_fd(-1);
    ck_assert_ok(qt_hub_new(&store, &options, &hub, &err));
    return hub;
}

START_TEST(gone_waiter_gets_nothing) {
    qt_hub *hub = start_hub();
    test_waiter gone = {.is_gone = true}, next = {.is_gone = false};
    wait_in_hub(hub, &gone, 5, 20000);
    fake.last_number = 3;
    wait_in_hub(hub, &next, 5, 20000);
    ck_assert(qt_test_wait(waiter_done, &next, 5000));
    ck_assert(qt_test_wait(waiter_done, &gone, 5000));
    ck_assert_uint_eq(gone.count, 0);
    ck_assert_uint_eq(next.count, 3);
    ck_assert_int_eq(next.first, 0);
    qt_hub_free(hub);
}
END_TEST

START_TEST(store_down_fails_late_waits_only) {
    qt_hub *hub = start_hub();
    test_waiter late = {.first = 0}, patient = {.first = 0};
    fake.failing = 1;
    wait_in_hub(hub, &late, 1, 50);
    wait_in_hub(hub, &patient, 1, 20000);
    ck_assert(qt_test_wait(waiter_done, &late, 5000));
    ck_assert_int_eq(late.code, QT_UNAVAILABLE);
    fake.last_number = 1;
    fake.failing = 0;
    ck_assert(qt_test_wait(waiter_done, &patient, 5000));
    ck_assert_int_eq(patient.code, QT_OK);
    ck_assert_uint_eq(patient.count, 1);
    qt_hub_free(hub);
}
END_TEST

START_TEST(stop_ends_all_waits) {
    qt_hub *hub = start_hub();
    test_waiter waiters[3] = {{.first = 0}};
    for (size_t i = 0; i < QT_ARRAY_LEN(waiters); i++) {
        wait_in_hub(hub, &waiters[i], 1, 20000);
    }
    qt_hub_free(hub);
    for (size_t i = 0; i < QT_ARRAY_LEN(waiters); i++) {
        ck_assert(waiters[i].is_done);
        ck_assert_uint_eq(waiters[i].count, 0);
    }
}
END_TEST

START_TEST(each_failure_of_the_store) {
    qt_test_redis_start(&redis, false, NULL);
    qt_log_set_fd(-1);
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_redis_store_options options = {
            .redis = {.connect_timeout_ms = 1000, .command_timeout_ms = 1000},
            .connections = 2,
            .claim_idle_ms = 0,
            .consumer_idle_ms = 60000};
        ck_assert_ok(qt_redis_address_parse(redis.url, &options.redis.address, &err));
        qt_redis_store *store = NULL;
        if (qt_redis_store_new(&options, &store, &err) != QT_OK) {
            ck_assert_int_eq(err.code, QT_RESOURCE_EXHAUSTED);
            continue;
        }
        char id[37], ids[1][QT_ENTRY_ID_BYTES];
        qt_store port = qt_redis_store_port(store);
        qt_new_entry entry = {.stream = 1,
                              .task_id = id_of(1, id),
                              .payload = (const uint8_t *)"x",
                              .payload_len = 1};
        qt_entry_list list = {0};
        size_t count = 0;
        qt_code code = qt_redis_store_check(store, &err);
        code = code == QT_OK || code == QT_INVALID_ARGUMENT
                   ? port.ops->add(port.self, &entry, 1, ids, &err)
                   : code;
        code = code == QT_OK ? port.ops->read(port.self, 1, 1, &list, &err) : code;
        code = code == QT_OK ? port.ops->reclaim(port.self, 1, 1, &list, &err) : code;
        code = code == QT_OK ? port.ops->purge(port.self, 0, &count, &err) : code;
        ck_assert_msg(code == QT_OK || code == QT_RESOURCE_EXHAUSTED, "%s", err.msg);
        qt_entry_list_done(&list);
        qt_redis_store_free(store);
    }
    qt_test_redis_stop(&redis);
}
END_TEST

Suite *port_suite(void) {
    Suite *suite = suite_create("port");
    TCase *tc = tcase_create("port");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, gone_waiter_gets_nothing);
    tcase_add_test(tc, store_down_fails_late_waits_only);
    tcase_add_test(tc, stop_ends_all_waits);
    tcase_add_test(tc, each_failure_of_the_store);
    suite_add_tcase(suite, tc);
    return suite;
}
