#include "base/cleanup.h"
#include "base/diagnostics.h"
#include "suites.h"

#include <string.h>

static qt_text text_of(const char *s) {
    return (qt_text){.start = s, .len = strlen(s)};
}

static qt_code add(qt_diagnostics *list, qt_text *text, size_t offset, const char *hint,
                   qt_err *err) {
    const qt_finding finding = {.reason = QT_REASON_CIRCUIT_SYNTAX,
                                .offset = offset,
                                .expected = "';'",
                                .hint = hint,
                                .message = "it is wrong"};
    return qt_diagnostics_add(list, text, &finding, err);
}

START_TEST(places) {
    static const struct {
        const char *text;
        size_t offset;
        uint32_t line, column, length;
        const char *source;
        uint32_t source_column;
    } rows[] = {
        {"abc", 0, 1, 1, 3, "abc", 1},
        {"a bc;\nd", 2, 1, 3, 2, "a bc;", 3},
        {"a bc;\nd", 4, 1, 5, 1, "a bc;", 5},
        {"a bc;\nd", 5, 1, 6, 0, "a bc;", 6},
        {"a\r\nbcd e\r\n", 7, 2, 5, 1, "bcd e", 5},
        {"a\r\nbcd e\r\n", 8, 2, 6, 0, "bcd e", 6},
        {"a\n", 2, 2, 1, 0, "", 1},
        {"a\n", 99, 2, 1, 0, "", 1},
        {"", 0, 1, 1, 0, "", 1},
        {"x 1.5e3;", 2, 1, 3, 5, "x 1.5e3;", 3},
        {"x 'ab c' d", 2, 1, 3, 6, "x 'ab c' d", 3},
        {"\t\xCF\x80\xCF\x84 \xE2\x84\x87x+", 6, 1, 5, 2, "\t\xCF\x80\xCF\x84 \xE2\x84\x87x+", 5},
        {"a\001\xFF b", 4, 1, 5, 1, "a ? b", 5},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = {0};
        qt_err err;
        qt_text text = text_of(rows[i].text);
        ck_assert_ok(add(&list, &text, rows[i].offset, NULL, &err));
        const qt_diagnostic *d = &list.items[0];
        ck_assert_msg(d->line == rows[i].line && d->column == rows[i].column &&
                          d->length == rows[i].length && d->source_column == rows[i].source_column,
                      "row %zu: %u:%u length %u, %u in its line", i, d->line, d->column, d->length,
                      d->source_column);
        ck_assert_str_eq(d->source, rows[i].source);
        ck_assert_str_eq(d->expected, "';'");
    }
}
END_TEST

START_TEST(long_lines_are_cut_around_the_place) {
    char line[1001];
    memset(line, 'x', 1000);
    line[500] = ' ';
    line[501] = '?';
    line[1000] = '\0';
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = {0};
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_err err;
    qt_text text = text_of(line);
    ck_assert_ok(add(&list, &text, 501, NULL, &err));
    const qt_diagnostic *d = &list.items[0];
    ck_assert_uint_eq(d->column, 502);
    ck_assert_uint_lt(strlen(d->source), 170);
    ck_assert_int_eq(d->source[d->source_column - 1], '?');
    ck_assert(strncmp(d->source, "...x", 4) == 0);
    ck_assert_str_eq(d->source + strlen(d->source) - 4, "x...");
    qt_diagnostics_render(&list, "f", &out);
    const char *caret = strchr(strstr(qt_buf_str(&out), d->source), '\n') + 1;
    ck_assert_uint_eq((size_t)(strchr(caret, '^') - caret), 2 + d->source_column - 1);
}
END_TEST

START_TEST(a_character_is_never_cut) {
    char line[601];
    for (size_t i = 0; i < 600; i += 2) {
        memcpy(line + i, "\xCF\x80", 2);
    }
    line[600] = '\0';
    for (size_t offset = 280; offset < 290; offset += 2) {
        QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = {0};
        qt_err err;
        qt_text text = text_of(line);
        ck_assert_ok(add(&list, &text, offset, NULL, &err));
        ck_assert_ptr_null(strchr(list.items[0].source, '?'));
    }
}
END_TEST

START_TEST(renders_with_a_caret) {
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = {0};
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_err err;
    qt_text text = text_of("\t\xCF\x80 word;\nlast");
    ck_assert_ok(add(&list, &text, 4, "did you mean 'ward'?", &err));
    ck_assert_ok(add(&list, &text, 14, NULL, &err));
    qt_diagnostics_render(&list, "a.qasm", &out);
    ck_assert_str_eq(qt_buf_str(&out), "a.qasm:1:4: error: it is wrong (did you mean 'ward'?)\n"
                                       "  \t\xCF\x80 word;\n"
                                       "  \t  ^~~~\n"
                                       "a.qasm:2:5: error: it is wrong\n"
                                       "  last\n"
                                       "      ^\n");
}
END_TEST

START_TEST(the_list_is_bounded) {
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list;
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_err err;
    qt_text text = text_of("a b c d e");
    qt_diagnostics_init(&list, 3);
    for (size_t i = 0; i < 9; i += 2) {
        ck_assert_ok(add(&list, &text, i, NULL, &err));
        ck_assert_ok(add(&list, &text, i, NULL, &err)); /* the same place */
    }
    ck_assert_uint_eq(list.count, 3);
    ck_assert(list.is_full);
    ck_assert(qt_diagnostics_is_full(&list));
    qt_diagnostics_sentences(&list, 1000, &out);
    ck_assert_str_eq(qt_buf_str(&out), "1:1: it is wrong\n1:3: it is wrong\n1:5: it is wrong");
    qt_buf_clear(&out);
    qt_diagnostics_sentences(&list, 20, &out);
    ck_assert_str_eq(qt_buf_str(&out), "1:1: it is wrong\nand 2 more");
    qt_buf_clear(&out);
    qt_diagnostics_render(&list, "f", &out);
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&out), "f: stopped after 3 errors\n"));
}
END_TEST

START_TEST(included_files_are_named) {
    QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = {0};
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_err err;
    qt_text text = text_of("a b");
    qt_text included = {.name = "f.inc", .start = "a b", .len = 3};
    ck_assert_ok(add(&list, &included, 2, "a hint", &err));
    ck_assert_ok(add(&list, &text, 2, NULL, &err)); /* another place */
    ck_assert_uint_eq(list.count, 2);
    ck_assert_int_eq(qt_diagnostics_raise(&list, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.msg, "1:3: in the included file 'f.inc': it is wrong (a hint)");
    ck_assert_ptr_eq(err.diagnostics, &list);
    qt_diagnostic_sentence(&list.items[0], &out);
    ck_assert_str_eq(qt_buf_str(&out), err.msg);
}
END_TEST

START_TEST(kept_lists_live_in_an_arena) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    QT_CLEANUP(qt_arena_done) qt_arena small;
    qt_err err;
    qt_text text = text_of("a b");
    qt_diagnostics list = {0};
    qt_arena_init(&arena, 0);
    qt_arena_init(&small, 100);
    ck_assert_ok(add(&list, &text, 2, "hint", &err));
    ck_assert_int_eq(qt_diagnostics_raise(&list, &err), QT_INVALID_ARGUMENT);
    qt_err other = err;
    qt_diagnostics_keep(&arena, &err);
    qt_diagnostics_keep(&small, &other);
    qt_diagnostics_done(&list);
    ck_assert_uint_eq(err.diagnostics->count, 1);
    ck_assert_str_eq(err.diagnostics->items[0].message, "it is wrong");
    ck_assert_str_eq(err.diagnostics->items[0].hint, "hint");
    ck_assert_ptr_null(other.diagnostics);
    qt_diagnostics_keep(NULL, &err);
    ck_assert_ptr_null(err.diagnostics);
}
END_TEST

START_TEST(every_failure_is_survived) {
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_diagnostics_done) qt_diagnostics list = {0};
        qt_err err;
        qt_text text = text_of("a b");
        qt_code code = add(&list, &text, 2, "hint", &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
        ck_assert_uint_eq(list.count, code == QT_OK ? 1 : 0);
    }
}
END_TEST

void add_diagnostics_tests(Suite *suite) {
    TCase *tc = tcase_create("diagnostics");
    tcase_add_test(tc, places);
    tcase_add_test(tc, long_lines_are_cut_around_the_place);
    tcase_add_test(tc, a_character_is_never_cut);
    tcase_add_test(tc, renders_with_a_caret);
    tcase_add_test(tc, the_list_is_bounded);
    tcase_add_test(tc, included_files_are_named);
    tcase_add_test(tc, kept_lists_live_in_an_arena);
    tcase_add_test(tc, every_failure_is_survived);
    suite_add_tcase(suite, tc);
}
