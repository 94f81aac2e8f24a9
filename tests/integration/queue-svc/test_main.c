#include "fixture.h"

int main(void) {
    SRunner *runner = srunner_create(delivery_suite());
    srunner_add_suite(runner, fault_suite());
    srunner_add_suite(runner, port_suite());
    srunner_add_suite(runner, scaler_suite());
    srunner_add_suite(runner, token_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
