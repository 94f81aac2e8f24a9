#ifndef QT_TESTS_QIR_SUITES_H
#define QT_TESTS_QIR_SUITES_H

#include "testlib.h"

TCase *case_decompose(void);
TCase *case_base(void);
TCase *case_adaptive(void);

#endif
