#ifndef QT_TESTS_JSON_TEST_H
#define QT_TESTS_JSON_TEST_H

#include <check.h>

TCase *reader_cases(void);
TCase *number_cases(void);
TCase *writer_cases(void);

#endif
