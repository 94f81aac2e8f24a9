#ifndef QT_TESTS_GATEWAY_TEST_H
#define QT_TESTS_GATEWAY_TEST_H

#include "gateway/schema.h"

#include <check.h>

/* The schema of types.proto; one per process. */
const qt_schema *test_schema(void);
const qt_message *test_message(const char *name);

TCase *path_cases(void);
TCase *json_to_wire_cases(void);
TCase *wire_to_json_cases(void);
TCase *openapi_cases(void);

#endif
