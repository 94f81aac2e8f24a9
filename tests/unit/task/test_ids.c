#include "base/clock.h"
#include "suites.h"
#include "task/page_token.h"
#include "task/uuid.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

START_TEST(ids_carry_their_time) {
    qt_fake_clock clock;
    char text[QT_UUID_TEXT_BYTES];
    const int64_t now_us = INT64_C(1800000000123456);
    qt_fake_clock_init(&clock, now_us);
    qt_uuid id = qt_uuid7_make(&clock.clock);
    ck_assert_int_eq(qt_uuid7_time_us(&id), now_us - now_us % 1000);
    qt_uuid_format(&id, text);
    ck_assert_int_eq(text[14], '7');                 /* version */
    ck_assert_ptr_nonnull(strchr("89ab", text[19])); /* variant */
    qt_uuid lowest = qt_uuid7_lowest(now_us);
    ck_assert_int_lt(qt_uuid_compare(&lowest, &id), 0);
    qt_uuid next = qt_uuid7_lowest(now_us + 1000);
    ck_assert_int_gt(qt_uuid_compare(&next, &id), 0);
}
END_TEST

START_TEST(ids_grow_though_the_clock_stands) {
    qt_fake_clock clock;
    qt_fake_clock_init(&clock, INT64_C(1700000000000000));
    qt_uuid last = qt_uuid7_make(&clock.clock);
    for (int i = 0; i < 10000; i++) {
        if (i % 100 == 0) {
            clock.now_us -= 50; /* even backwards */
        }
        qt_uuid id = qt_uuid7_make(&clock.clock);
        ck_assert_int_lt(qt_uuid_compare(&last, &id), 0);
        last = id;
    }
}
END_TEST

enum { THREADS = 4, PER_THREAD = 5000 };

static void *make_ids(void *arg) {
    qt_uuid *ids = arg;
    for (int i = 0; i < PER_THREAD; i++) {
        ids[i] = qt_uuid7_make(qt_clock_system());
    }
    return NULL;
}

static int compare_ids(const void *a, const void *b) {
    return qt_uuid_compare(a, b);
}

START_TEST(ids_of_threads_differ) {
    static qt_uuid ids[THREADS * PER_THREAD];
    pthread_t threads[THREADS];
    for (size_t t = 0; t < THREADS; t++) {
        ck_assert_int_eq(pthread_create(&threads[t], NULL, make_ids, ids + t * PER_THREAD), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
    qsort(ids, THREADS * PER_THREAD, sizeof *ids, compare_ids);
    for (size_t i = 1; i < THREADS * PER_THREAD; i++) {
        ck_assert_int_ne(memcmp(&ids[i - 1], &ids[i], 8), 0); /* the stamp alone is unique */
    }
}
END_TEST

START_TEST(ids_are_parsed_and_printed) {
    qt_uuid id;
    qt_err err;
    char text[QT_UUID_TEXT_BYTES];
    ck_assert_ok(qt_uuid_parse("0190B3C4-D5E6-7F80-9123-456789ABCDEF", &id, &err));
    qt_uuid_format(&id, text);
    ck_assert_str_eq(text, "0190b3c4-d5e6-7f80-9123-456789abcdef");
}
END_TEST

static const char *const bad_ids[] = {
    "",
    "0190b3c4-d5e6-7f80-9123-456789abcde",
    "0190b3c4-d5e6-7f80-9123-456789abcdef0",
    "0190b3c4-d5e6-7f80-9123-456789abcdeg",
    "0190b3c4d5e67f809123456789abcdef",
    "{190b3c4-d5e6-7f80-9123-456789abcde}",
    "0190b3c4-d5e6-7f80 9123-456789abcdef",
};

START_TEST(bad_ids_are_refused) {
    qt_uuid id;
    qt_err err;
    memset(&id, 0x55, sizeof id);
    ck_assert_int_eq(qt_uuid_parse(bad_ids[_i], &id, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_ID_INVALID);
    ck_assert_int_eq(id.bytes[0], 0x55); /* untouched */
    ck_assert_int_eq(qt_uuid_parse(NULL, &id, &err), QT_INVALID_ARGUMENT);
}
END_TEST

START_TEST(page_tokens_come_back) {
    qt_uuid id = qt_uuid7_make(qt_clock_system());
    qt_uuid back;
    qt_err err;
    char token[QT_PAGE_TOKEN_BYTES];
    uint64_t hash = qt_hash_bytes(QT_HASH_START, "filters", 7);
    qt_page_token_make(&id, hash, token);
    ck_assert_ok(qt_page_token_parse(token, hash, &back, &err));
    ck_assert_int_eq(qt_uuid_compare(&id, &back), 0);
    ck_assert_int_eq(qt_page_token_parse(token, hash + 1, &back, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_PAGE_TOKEN_INVALID);
    ck_assert_str_eq(err.field, "page_token");
}
END_TEST

START_TEST(changed_page_tokens_are_refused) {
    qt_uuid id = qt_uuid7_make(qt_clock_system());
    qt_uuid back;
    qt_err err;
    char token[QT_PAGE_TOKEN_BYTES];
    qt_page_token_make(&id, 7, token);
    for (size_t i = 0; token[i] != '\0'; i++) {
        char changed[QT_PAGE_TOKEN_BYTES];
        memcpy(changed, token, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ck_assert_int_eq(qt_page_token_parse(changed, 7, &back, &err), QT_INVALID_ARGUMENT);
        changed[i] = '*';
        ck_assert_int_eq(qt_page_token_parse(changed, 7, &back, &err), QT_INVALID_ARGUMENT);
        changed[i] = '\0';
        ck_assert_int_eq(qt_page_token_parse(changed, 7, &back, &err), QT_INVALID_ARGUMENT);
    }
}
END_TEST

TCase *id_cases(void) {
    TCase *tc = tcase_create("ids");
    tcase_add_test(tc, ids_carry_their_time);
    tcase_add_test(tc, ids_grow_though_the_clock_stands);
    tcase_add_test(tc, ids_of_threads_differ);
    tcase_add_test(tc, ids_are_parsed_and_printed);
    tcase_add_loop_test(tc, bad_ids_are_refused, 0, (int)(sizeof bad_ids / sizeof *bad_ids));
    tcase_add_test(tc, page_tokens_come_back);
    tcase_add_test(tc, changed_page_tokens_are_refused);
    return tc;
}
