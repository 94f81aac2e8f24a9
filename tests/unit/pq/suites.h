/* The test cases of libs/pq, on one private server. */
#ifndef QT_TESTS_PQ_SUITES_H
#define QT_TESTS_PQ_SUITES_H

#include "base/cleanup.h"
#include "pg_server.h"
#include "pq/pq.h"
#include "testlib.h"

extern qt_pg_server pg;

/* A connection object for a new, empty database; it lives until the test ends. */
qt_pq *new_connection(const char *const *statements, size_t count);

TCase *migrate_cases(void);
TCase *params_cases(void);
TCase *pq_cases(void);

#endif
