/* kill -9 of PostgreSQL under load. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, MAX_IDS = 20000, KILLS = 2 };

static atomic_bool is_over;
static atomic_size_t id_count;
static char ids[MAX_IDS][QT_UUID_TEXT_BYTES]; /* of acknowledged creates */

static bool is_passing_trouble(const qt_err *own) {
    return own->code == QT_UNAVAILABLE || own->code == QT_DEADLINE_EXCEEDED ||
           own->code == QT_RESOURCE_EXHAUSTED;
}

static void *create_tasks(void *arg) {
    (void)arg;
    Qtaskdist__V1__CreateTaskRequest req = QTASKDIST__V1__CREATE_TASK_REQUEST__INIT;
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    payload.circuit_data = (char *)(uintptr_t)bell;
    req.task_type = (Qtaskdist__V1__TaskType)SIMULATE;
    req.payload = &payload;
    req.enqueue = 1;
    while (!atomic_load(&is_over)) {
        qt_err own;
        QT_CLEANUP(qt_arena_done) qt_arena memory = {0};
        task_msg *task = NULL;
        qt_code code = qt_task_service_create_task(svc.channel, &call, &req, &memory, &task, &own);
        if (code != QT_OK) {
            ck_assert_msg(is_passing_trouble(&own), "%s: %s", qt_reason_name(own.reason), own.msg);
            continue;
        }
        size_t i = atomic_fetch_add(&id_count, 1);
        if (i < MAX_IDS) {
            snprintf(ids[i], sizeof ids[i], "%s", task->task_id);
        }
    }
    return NULL;
}

static bool has_ids(void *arg) {
    return atomic_load(&id_count) >= *(size_t *)arg;
}

static void await_more(size_t more) {
    size_t wanted = atomic_load(&id_count) + more;
    ck_assert(qt_test_wait(has_ids, &wanted, 60000));
}

START_TEST(what_was_acknowledged_survives) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, create_tasks, NULL);
    }
    for (int i = 0; i < KILLS; i++) {
        await_more(200);
        qt_pg_server_kill(&pg);
        qt_pg_server_restart(&pg);
    }
    await_more(200); /* it goes on by itself */
    atomic_store(&is_over, true);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    size_t count = atomic_load(&id_count);
    for (size_t i = 0; i < count && i < MAX_IDS; i++) {
        ck_assert_int_eq(must_get(ids[i])->status, QUEUED);
    }
}
END_TEST

/* A server of its own, with fsync, since it is killed. */
static void start_own(void) {
    qt_pg_server_start(&pg, true);
    start_world();
}

static void stop_own(void) {
    stop_world();
    qt_pg_server_stop(&pg);
}

TCase *fault_cases(void) {
    TCase *tc = tcase_create("faults");
    tcase_set_timeout(tc, 240);
    tcase_add_checked_fixture(tc, start_own, stop_own);
    tcase_add_test(tc, what_was_acknowledged_survives);
    return tc;
}
