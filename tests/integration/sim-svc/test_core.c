/* The memory that runs share, and the k-th failure. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static bool never(void *self) {
    (void)self;
    return false;
}

static bool always(void *self) {
    (void)self;
    return true;
}

typedef struct taker {
    pthread_t thread;
    qt_budget *budget;
    atomic_bool has_it;
} taker;

static void *take(void *arg) {
    taker *t = arg;
    qt_err err;
    uint64_t bytes = 0;
    qt_cancel cancel = {.cancelled = never};
    ck_assert_ok(qt_budget_take(t->budget, 80, 80, &cancel, &bytes, &err));
    atomic_store(&t->has_it, true);
    qt_budget_give(t->budget, bytes);
    return NULL;
}

START_TEST(runs_follow_each_other) {
    qt_err err;
    qt_budget budget;
    qt_budget_init(&budget, 100);
    uint64_t bytes = 0;
    qt_cancel cancel = {.cancelled = never};
    ck_assert_ok(qt_budget_take(&budget, 30, 500, &cancel, &bytes, &err));
    ck_assert_uint_eq(bytes, 100); /* as much as there is */
    taker next = {.budget = &budget};
    pthread_create(&next.thread, NULL, take, &next);
    ck_assert(!atomic_load(&next.has_it));
    qt_budget_give(&budget, bytes);
    pthread_join(next.thread, NULL);
    ck_assert(atomic_load(&next.has_it));
    ck_assert_uint_eq(budget.free_bytes, 100);
    qt_budget_done(&budget);
}
END_TEST

START_TEST(wait_for_memory_is_cancelled) {
    qt_err err;
    qt_budget budget;
    qt_budget_init(&budget, 100);
    uint64_t bytes = 0, none = 0;
    qt_cancel cancel = {.cancelled = always};
    ck_assert_ok(qt_budget_take(&budget, 60, 60, &cancel, &bytes, &err));
    ck_assert_int_eq(qt_budget_take(&budget, 60, 60, &cancel, &none, &err), QT_CANCELLED);
    ck_assert_uint_eq(budget.free_bytes, 40);
    qt_budget_done(&budget);
}
END_TEST

START_TEST(each_failure_simulate) {
    start_core();
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
        qt_arena_init(&arena, 0);
        qt_job_watch watch = {.cancel = {.cancelled = never}};
        Qtaskdist__V1__TaskPayload payload = payload_of(bell);
        Qtaskdist__V1__TaskResult *result = NULL;
        qt_code code = qt_sim_core_simulate(&core, &payload, "job", &watch, &arena, &result, &err);
        ck_assert_msg(code == QT_OK || code == QT_RESOURCE_EXHAUSTED, "%s", err.msg);
    }
    stop_core();
}
END_TEST

START_TEST(each_failure_convert) {
    start_core();
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
        qt_arena_init(&arena, 0);
        Qtaskdist__V1__TaskPayload payload = payload_of(bell);
        Qtaskdist__V1__TaskResult *result = NULL;
        qt_code code =
            qt_sim_core_convert(&core, &payload, "job", &(qt_cancel){0}, &arena, &result, &err);
        ck_assert_msg(code == QT_OK || code == QT_RESOURCE_EXHAUSTED, "%s", err.msg);
    }
    stop_core();
}
END_TEST

TCase *core_case(void) {
    TCase *tc = tcase_create("core");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, runs_follow_each_other);
    tcase_add_test(tc, wait_for_memory_is_cancelled);
    tcase_add_test(tc, each_failure_simulate);
    tcase_add_test(tc, each_failure_convert);
    return tc;
}
