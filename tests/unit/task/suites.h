/* The test cases of libs/task. */
#ifndef QT_TESTS_TASK_SUITES_H
#define QT_TESTS_TASK_SUITES_H

#include "testlib.h"

TCase *id_cases(void);
TCase *retry_cases(void);
TCase *state_cases(void);

#endif
