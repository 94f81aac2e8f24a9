#include "json_test.h"

#include "testlib.h"

int main(void) {
    Suite *suite = suite_create("json");
    suite_add_tcase(suite, reader_cases());
    suite_add_tcase(suite, number_cases());
    suite_add_tcase(suite, writer_cases());
    return qt_test_run(suite);
}
