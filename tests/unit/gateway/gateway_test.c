#include "gateway_test.h"

#include "testlib.h"

#include <stdio.h>
#include <stdlib.h>

const qt_schema *test_schema(void) {
    static qt_schema *schema;
    if (schema == NULL) {
        qt_err err;
        size_t len;
        char *set = qt_test_read_file(QT_TYPES_SET, &len);
        ck_assert_ok(qt_schema_new((const uint8_t *)set, len, &schema, &err));
        free(set);
    }
    return schema;
}

const qt_message *test_message(const char *name) {
    char full_name[128];
    snprintf(full_name, sizeof full_name, "test.v1.%s", name);
    const qt_message *m = qt_schema_message(test_schema(), full_name);
    ck_assert_ptr_nonnull(m);
    return m;
}

int main(void) {
    Suite *suite = suite_create("gateway");
    suite_add_tcase(suite, path_cases());
    suite_add_tcase(suite, json_to_wire_cases());
    suite_add_tcase(suite, wire_to_json_cases());
    suite_add_tcase(suite, openapi_cases());
    return qt_test_run(suite);
}
