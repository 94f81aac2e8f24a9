#include "suites.h"

int main(void) {
    Suite *suite = suite_create("base");
    add_err_tests(suite);
    add_memory_tests(suite);
    add_text_tests(suite);
    add_settings_tests(suite);
    add_metrics_tests(suite);
    add_diagnostics_tests(suite);
    return qt_test_run(suite);
}
