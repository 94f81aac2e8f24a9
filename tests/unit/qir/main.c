#include "suites.h"

int main(void) {
    Suite *suite = suite_create("qir");
    suite_add_tcase(suite, case_decompose());
    suite_add_tcase(suite, case_base());
    suite_add_tcase(suite, case_adaptive());
    return qt_test_run(suite);
}
