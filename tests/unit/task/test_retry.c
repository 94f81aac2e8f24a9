#include "suites.h"
#include "task/retry.h"

START_TEST(backoff_grows_to_its_cap) {
    const qt_backoff backoff = {.base_ms = 1000, .cap_ms = 600000};
    static const int64_t ceilings[] = {1000,  2000,   4000,   8000,   16000,  32000,
                                       64000, 128000, 256000, 512000, 600000, 600000};
    for (int n = 1; n <= (int)(sizeof ceilings / sizeof *ceilings); n++) {
        int64_t ceiling = ceilings[n - 1];
        ck_assert_int_eq(qt_backoff_ms(&backoff, n, 0), 0);
        ck_assert_int_eq(qt_backoff_ms(&backoff, n, (uint64_t)ceiling), ceiling);
        ck_assert_int_eq(qt_backoff_ms(&backoff, n, (uint64_t)ceiling + 1), 0);
    }
    ck_assert_int_le(qt_backoff_ms(&backoff, 1000000, UINT64_MAX), 600000);
    ck_assert_int_le(qt_backoff_ms(&backoff, 0, UINT64_MAX), 1000);
}
END_TEST

START_TEST(jitter_fills_the_range) {
    const qt_backoff backoff = {.base_ms = 1000, .cap_ms = 1000};
    int low = 0;
    enum { DRAWS = 4000 };
    for (int i = 0; i < DRAWS; i++) {
        low += qt_backoff_ms(&backoff, 1, qt_random_u64()) < 500;
    }
    ck_assert_int_gt(low, DRAWS * 2 / 5); /* 12 sigma */
    ck_assert_int_lt(low, DRAWS * 3 / 5);
}
END_TEST

START_TEST(classes_have_their_policies) {
    ck_assert(qt_retry_policy_of(QT_FAILURE_RETRYABLE)->again);
    ck_assert(qt_retry_policy_of(QT_FAILURE_RETRYABLE)->counts);
    ck_assert(!qt_retry_policy_of(QT_FAILURE_PERMANENT)->again);
    ck_assert(!qt_retry_policy_of(QT_FAILURE_UNSPECIFIED)->again);
    ck_assert(qt_retry_policy_of(QT_FAILURE_THROTTLED)->waits_told);
    ck_assert(!qt_retry_policy_of(QT_FAILURE_THROTTLED)->counts);
    ck_assert(qt_retry_policy_of(QT_FAILURE_SNOOZE)->waits_told);
    ck_assert(qt_retry_policy_of(QT_FAILURE_DRAINED)->at_once);
    ck_assert(!qt_retry_policy_of(QT_FAILURE_DRAINED)->counts);
    ck_assert(!qt_retry_policy_of(QT_FAILURE_CRASH)->counts);
    ck_assert(!qt_retry_policy_of((qt_failure_class)99)->again);
}
END_TEST

TCase *retry_cases(void) {
    TCase *tc = tcase_create("retry");
    tcase_add_test(tc, backoff_grows_to_its_cap);
    tcase_add_test(tc, jitter_fills_the_range);
    tcase_add_test(tc, classes_have_their_policies);
    return tc;
}
