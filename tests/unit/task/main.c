#include "suites.h"

int main(void) {
    Suite *suite = suite_create("task");
    suite_add_tcase(suite, id_cases());
    suite_add_tcase(suite, retry_cases());
    suite_add_tcase(suite, state_cases());
    return qt_test_run(suite);
}
