#include "rig.h"

int main(void) {
    Suite *suite = suite_create("gateway integration");
    suite_add_tcase(suite, calls_cases());
    suite_add_tcase(suite, door_cases());
    suite_add_tcase(suite, errors_cases());
    suite_add_tcase(suite, server_cases());
    suite_add_tcase(suite, stream_cases());
    return qt_test_run(suite);
}
