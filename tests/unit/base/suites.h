#ifndef QT_TESTS_UNIT_BASE_SUITES_H
#define QT_TESTS_UNIT_BASE_SUITES_H

#include "testlib.h"

void add_err_tests(Suite *suite);
void add_memory_tests(Suite *suite);
void add_text_tests(Suite *suite);
void add_settings_tests(Suite *suite);
void add_metrics_tests(Suite *suite);
void add_diagnostics_tests(Suite *suite);

#endif
