/* TakeTokens: a bucket that all replicas share. */
#include "fixture.h"

static qt_err err;

static Qtaskdist__V1__TakeTokensResponse take(int tokens, int reserve, bool in_line, int block_ms) {
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    Qtaskdist__V1__TakeTokensRequest req = QTASKDIST__V1__TAKE_TOKENS_REQUEST__INIT;
    Qtaskdist__V1__TakeTokensResponse *resp = NULL;
    const qt_rpc_call call = {.timeout_ms = 10000};
    static char bucket[] = "test";
    qt_arena_init(&arena, 0);
    req.bucket = bucket;
    req.tokens = tokens;
    req.reserve = reserve;
    req.in_line = in_line;
    req.block_ms = block_ms;
    req.capacity = 10;
    req.refill_per_second = 0.001; /* nothing flows in during a test */
    ck_assert_ok(
        qt_queue_service_take_tokens(main_replica.channel, &call, &req, &arena, &resp, &err));
    return *resp;
}

START_TEST(all_or_none_and_the_reserve_stays) {
    ck_assert(take(6, 2, false, 0).granted);
    ck_assert(!take(3, 2, false, 0).granted);
    ck_assert(take(2, 2, false, 0).granted);
    ck_assert(!take(1, 2, false, 0).granted);
    ck_assert(take(2, 0, false, 0).granted); /* who may use the reserve */
    Qtaskdist__V1__TakeTokensResponse r = take(1, 0, false, 0);
    ck_assert(!r.granted);
    ck_assert_int_gt(r.retry_after_ms, 900000);
    ck_assert_int_le(r.retry_after_ms, 1000000);
}
END_TEST

/* Those who are refused come back one after the other, at the pace of the refill. */
START_TEST(a_line_keeps_its_order) {
    ck_assert(take(10, 0, false, 0).granted);
    int64_t last = 0;
    for (int i = 0; i < 5; i++) {
        Qtaskdist__V1__TakeTokensResponse r = take(1, 0, true, 0);
        ck_assert(!r.granted);
        ck_assert_int_gt(r.retry_after_ms, last + 900000);
        last = r.retry_after_ms;
    }
    ck_assert_int_le(take(1, 0, false, 0).retry_after_ms, 1000000); /* not in line */
}
END_TEST

START_TEST(a_block_holds_for_all) {
    take(0, 0, false, 60000);
    Qtaskdist__V1__TakeTokensResponse r = take(1, 0, false, 0);
    ck_assert(!r.granted);
    ck_assert_int_gt(r.retry_after_ms, 50000);
    ck_assert_int_le(r.retry_after_ms, 60000);
    for (int i = 0; i < 10; i++) { /* there are tokens for them when it ends */
        ck_assert_int_le(take(1, 0, true, 0).retry_after_ms, 60000);
    }
    ck_assert_int_gt(take(1, 0, true, 0).retry_after_ms, 900000);
}
END_TEST

START_TEST(wrong_wishes_are_refused) {
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    Qtaskdist__V1__TakeTokensRequest req = QTASKDIST__V1__TAKE_TOKENS_REQUEST__INIT;
    Qtaskdist__V1__TakeTokensResponse *resp = NULL;
    const qt_rpc_call call = {.timeout_ms = 10000};
    static char bucket[] = "b", wrong[] = "a b";
    qt_arena_init(&arena, 0);
    for (int i = 0; i < 5; i++) {
        req.bucket = i == 0 ? wrong : bucket;
        req.capacity = i == 1 ? 0 : 10;
        req.tokens = i == 2 ? 11 : 1;
        req.reserve = i == 3 ? 10 : 0;
        req.refill_per_second = i == 4 ? 0 : 1;
        ck_assert_int_eq(
            qt_queue_service_take_tokens(main_replica.channel, &call, &req, &arena, &resp, &err),
            QT_INVALID_ARGUMENT);
    }
}
END_TEST

Suite *token_suite(void) {
    Suite *suite = suite_create("queue-svc tokens");
    TCase *tc = tcase_create("tokens");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start_all, stop_all);
    tcase_add_test(tc, all_or_none_and_the_reserve_stays);
    tcase_add_test(tc, a_line_keeps_its_order);
    tcase_add_test(tc, a_block_holds_for_all);
    tcase_add_test(tc, wrong_wishes_are_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
