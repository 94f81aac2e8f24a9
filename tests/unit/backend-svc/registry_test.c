/* Which provider a device belongs to, and what is said of a device that nobody has. */
#include "services/backend-svc/local.h"
#include "testlib.h"

static qt_local local;

static qt_code find(const char *device, const qt_provider **ret_provider, qt_err *err) {
    static qt_provider providers[1];
    providers[0] = qt_local_provider(&local);
    const qt_registry registry = {.providers = providers, .count = 1};
    return qt_registry_find(&registry, device, ret_provider, err);
}

START_TEST(local_is_there) {
    qt_err err;
    const qt_provider *p = NULL;
    ck_assert_ok(find("local", &p, &err));
    ck_assert_str_eq(p->ops->name, "local");
}
END_TEST

START_TEST(others_are_refused_with_the_reason) {
    static const struct {
        const char *device;
        qt_reason reason;
    } rows[] = {
        {"qbraid:qbraid:sim:qir-sv", QT_REASON_PROVIDER_KEY_INVALID},
        {"aws:iqm:qpu:garnet", QT_REASON_PROVIDER_KEY_INVALID},
        {"ionq.simulator", QT_REASON_PROVIDER_KEY_INVALID},
        {"qbraid", QT_REASON_DEVICE_NOT_FOUND},
        {"local2", QT_REASON_DEVICE_NOT_FOUND},
        {"", QT_REASON_DEVICE_NOT_FOUND},
        {":", QT_REASON_DEVICE_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qt_err err;
        const qt_provider *p = NULL;
        ck_assert_int_ne(find(rows[i].device, &p, &err), QT_OK);
        ck_assert_str_eq(qt_reason_name(err.reason), qt_reason_name(rows[i].reason));
        ck_assert_str_eq(err.field, "payload.backend_name");
        ck_assert_ptr_null(p);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("backend-svc");
    TCase *tc = tcase_create("registry");
    tcase_add_test(tc, local_is_there);
    tcase_add_test(tc, others_are_refused_with_the_reason);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
