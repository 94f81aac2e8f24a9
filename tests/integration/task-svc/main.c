#include "fixture.h"

/* One server for all tests of a case; each has its own database. */
static void add(Suite *suite, TCase *tc) {
    tcase_add_unchecked_fixture(tc, start_server, stop_server);
    tcase_set_timeout(tc, 120);
    suite_add_tcase(suite, tc);
}

int main(void) {
    Suite *suite = suite_create("task-svc");
    add(suite, commit_cases());
    add(suite, dispatch_cases());
    suite_add_tcase(suite, fault_cases());
    add(suite, job_cases());
    add(suite, lease_cases());
    add(suite, list_cases());
    add(suite, store_cases());
    add(suite, task_cases());
    add(suite, watch_cases());
    add(suite, window_cases());
    add(suite, worker_cases());
    return qt_test_run(suite);
}
