#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "suites.h"

#include <stdint.h>
#include <string.h>

START_TEST(arena_keeps_alignment_and_content) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    char *all[200];
    for (size_t i = 0; i < QT_ARRAY_LEN(all); i++) {
        all[i] = qt_arena_alloc(&arena, i * 37);
        ck_assert_ptr_nonnull(all[i]);
        ck_assert_uint_eq((uintptr_t)all[i] % 16, 0);
        memset(all[i], (int)i, i * 37);
    }
    for (size_t i = 1; i < QT_ARRAY_LEN(all); i++) {
        ck_assert_int_eq((unsigned char)all[i][0], (int)i);
        ck_assert_int_eq((unsigned char)all[i][i * 37 - 1], (int)i);
    }
}
END_TEST

START_TEST(arena_limit_is_hard) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 10000);
    size_t got = 0;
    while (qt_arena_alloc(&arena, 100) != NULL) {
        got += 100;
        ck_assert_uint_le(got, 10000);
        ck_assert_uint_le(arena.used_bytes, 10000);
    }
    ck_assert_uint_gt(got, 8000);
    qt_err err;
    void *p = NULL;
    ck_assert_int_eq(qt_arena_try_alloc(&arena, 100000, &p, &err), QT_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(err.reason, QT_REASON_MEMORY_LIMIT);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(qt_arena_try_calloc(&arena, SIZE_MAX, 2, &p, &err), QT_RESOURCE_EXHAUSTED);
    ck_assert_ptr_null(qt_arena_alloc(&arena, SIZE_MAX));
    ck_assert_ptr_null(qt_arena_strndup(&arena, "", SIZE_MAX));
    qt_arena_reset(&arena);
    ck_assert_ptr_nonnull(qt_arena_alloc(&arena, 100));
}
END_TEST

START_TEST(arena_texts) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    ck_assert_str_eq(qt_arena_strdup(&arena, "bell"), "bell");
    ck_assert_str_eq(qt_arena_strndup(&arena, "bell", 2), "be");
    ck_assert_str_eq(qt_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
}
END_TEST

START_TEST(arena_survives_every_failure) {
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_arena_done) qt_arena arena;
        qt_arena_init(&arena, 0);
        int failed = 0;
        for (size_t i = 0; i < 20; i++) {
            failed += qt_arena_alloc(&arena, 3000) == NULL;
        }
        ck_assert_int_eq(failed, qt_alloc_failed());
    }
}
END_TEST

START_TEST(buf_grows_and_formats) {
    QT_CLEANUP(qt_buf_done) qt_buf buf = {0};
    ck_assert_str_eq(qt_buf_str(&buf), "");
    qt_buf_add_str(&buf, "a");
    qt_buf_add_char(&buf, 'b');
    qt_buf_add_u64(&buf, UINT64_MAX);
    qt_buf_add_i64(&buf, INT64_MIN);
    qt_buf_add_i64(&buf, 0);
    qt_buf_printf(&buf, "<%s>", "c");
    ck_assert_str_eq(qt_buf_str(&buf), "ab18446744073709551615-92233720368547758080<c>");
    for (int i = 0; i < 10000; i++) {
        qt_buf_add(&buf, "0123456789", 10);
    }
    qt_err err;
    ck_assert_ok(qt_buf_check(&buf, &err));
    ck_assert_uint_eq(buf.len, strlen(buf.data));
}
END_TEST

START_TEST(buf_limit_and_take) {
    QT_CLEANUP(qt_buf_done) qt_buf buf = {.limit_bytes = 5};
    qt_buf_add_str(&buf, "12345");
    qt_err err;
    ck_assert_ok(qt_buf_check(&buf, &err));
    qt_buf_add_char(&buf, '6');
    ck_assert_int_eq(qt_buf_check(&buf, &err), QT_RESOURCE_EXHAUSTED);
    ck_assert_str_eq(qt_buf_str(&buf), "12345");
    qt_buf_clear(&buf);
    ck_assert_ok(qt_buf_check(&buf, &err));
    qt_buf_add_str(&buf, "ok");
    size_t len = 0;
    QT_AUTO_FREE char *text = qt_buf_take(&buf, &len);
    ck_assert_str_eq(text, "ok");
    ck_assert_uint_eq(len, 2);
    QT_AUTO_FREE char *empty = qt_buf_take(&buf, NULL);
    ck_assert_str_eq(empty, "");
}
END_TEST

START_TEST(buf_survives_every_failure) {
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_buf_done) qt_buf buf = {0};
        for (int i = 0; i < 1000; i++) {
            qt_buf_add_str(&buf, "twelve bytes");
        }
        qt_err err;
        ck_assert_int_eq(qt_buf_check(&buf, &err) == QT_OK, !qt_alloc_failed());
    }
}
END_TEST

START_TEST(checked_calls_report) {
    qt_err err;
    void *p = NULL;
    ck_assert_int_eq(qt_try_malloc(SIZE_MAX / 2, &p, &err), QT_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(qt_try_calloc(SIZE_MAX / 2, 16, &p, &err), QT_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(err.reason, QT_REASON_OUT_OF_MEMORY);
    ck_assert_ptr_null(p);
    ck_assert_ok(qt_try_malloc(0, &p, &err));
    free(p);
}
END_TEST

void add_memory_tests(Suite *suite) {
    TCase *tc = tcase_create("memory");
    tcase_add_test(tc, arena_keeps_alignment_and_content);
    tcase_add_test(tc, arena_limit_is_hard);
    tcase_add_test(tc, arena_texts);
    tcase_add_test(tc, arena_survives_every_failure);
    tcase_add_test(tc, buf_grows_and_formats);
    tcase_add_test(tc, buf_limit_and_take);
    tcase_add_test(tc, buf_survives_every_failure);
    tcase_add_test(tc, checked_calls_report);
    suite_add_tcase(suite, tc);
}
