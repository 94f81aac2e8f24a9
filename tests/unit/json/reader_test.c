/* The reader is judged by tables of texts that RFC 8259 allows and forbids. */
#include "json/reader.h"

#include "base/cleanup.h"
#include "json_test.h"
#include "testlib.h"
#include "json/writer.h"

#include <stdlib.h>
#include <string.h>

typedef struct text {
    const char *s;
    size_t len;
} text;

#define T(s)                                                                                       \
    { s, sizeof(s) - 1 }

/* Reads everything from an exact copy, so that a read behind the end is seen by the sanitizer. */
static qt_code read_all(const char *s, size_t len, size_t max_depth, qt_err *err) {
    QT_AUTO_FREE char *exact = malloc(len > 0 ? len : 1);
    memcpy(exact, s, len);
    QT_CLEANUP(qt_json_reader_done) qt_json_reader r;
    qt_json_reader_init(&r, exact, len, max_depth);
    qt_json_token token;
    do {
        QT_TRY(qt_json_next(&r, &token, err));
    } while (token.type != QT_JSON_END);
    return QT_OK;
}

/* The text written again from its tokens. */
static qt_code rewrite(const char *s, size_t len, qt_buf *out, qt_err *err) {
    QT_CLEANUP(qt_json_reader_done) qt_json_reader r;
    qt_json_reader_init(&r, s, len, 64);
    qt_json_writer w = qt_json_writer_make(out);
    for (;;) {
        qt_json_token t;
        QT_TRY(qt_json_next(&r, &t, err));
        switch (t.type) {
        case QT_JSON_END:
            return qt_buf_check(out, err);
        case QT_JSON_OBJECT:
            qt_json_open_object(&w);
            break;
        case QT_JSON_OBJECT_END:
            qt_json_close_object(&w);
            break;
        case QT_JSON_ARRAY:
            qt_json_open_array(&w);
            break;
        case QT_JSON_ARRAY_END:
            qt_json_close_array(&w);
            break;
        case QT_JSON_KEY:
            qt_json_key_n(&w, t.text, t.len);
            break;
        case QT_JSON_STRING:
            qt_json_str_n(&w, t.text, t.len);
            break;
        case QT_JSON_NUMBER:
            qt_json_raw(&w, t.text, t.len);
            break;
        case QT_JSON_TRUE:
        case QT_JSON_FALSE:
            qt_json_bool(&w, t.type == QT_JSON_TRUE);
            break;
        case QT_JSON_NULL:
            qt_json_null(&w);
            break;
        }
    }
}

static const text accepted[] = {
    T("[]"),
    T("{}"),
    T(" [] "),
    T("\t\r\n{}\n"),
    T("null"),
    T("true"),
    T("false"),
    T("0"),
    T("-0"),
    T("-1"),
    T("1.5"),
    T("-0.0"),
    T("0e1"),
    T("0e+1"),
    T("1E22"),
    T("1E-2"),
    T("1E+2"),
    T("123.456e78"),
    T("-0.000000000000000000000000000000000000000000000000000000000000000000001"),
    T("100000000000000000000000000000000000000000"),
    T("1e99999"),
    T("\"\""),
    T("\"a\""),
    T("[null, 1, \"1\", {}]"),
    T("[1,null,null,2]"),
    T("[[]   ]"),
    T("[[[[[]]]]]"),
    T("{\"a\":[]}"),
    T("{\"a\":\"b\",\"a\":\"c\"}"),
    T("{\"\":0}"),
    T("{\"a\" : 1 , \"b\" : 2}"),
    T("{\"\\u0000\":1}"),
    T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    T("\"\\u0060\\u012a\\u12AB\""),
    T("\"\\uD801\\udc37\""),
    T("\"\\ud83d\\ude39\\ud83d\\udc8d\""),
    T("\"\\uDBFF\\uDFFF\""),
    T("\"\\uFFFF\""),
    T("\"\\u0000\""),
    T("\"\\\\u0000\""),
    T("\"a/*b*/c/*d//e\""),
    T("\"\x7F\""),
    T("\"\xC2\xA0\""),
    T("\"\xE2\x80\xA8\""),
    T("\"\xF4\x8F\xBF\xBF\""),
    T("\"\xEF\xBF\xBF\""),
    T("{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\"}"),
    T("\"12345678\""),
    T("\"1234567\\u00e9890123456789\""),
};

START_TEST(test_accepted) {
    qt_err err = {0};
    const text *t = &accepted[_i];
    ck_assert_msg(read_all(t->s, t->len, 64, &err) == QT_OK, "%s: %s", t->s, err.msg);
}
END_TEST

static const text rejected[] = {
    T(""),
    T(" "),
    T("\xEF\xBB\xBF{}"),
    T("["),
    T("]"),
    T("{"),
    T("}"),
    T("[1"),
    T("[1,"),
    T("[1,]"),
    T("[,1]"),
    T("[1,,2]"),
    T("[1 2]"),
    T("[1:2]"),
    T("[\"a\":1]"),
    T("[]]"),
    T("[}"),
    T("{]"),
    T("[1}"),
    T("{}}"),
    T("{\"a\"}"),
    T("{\"a\":}"),
    T("{\"a\" 1}"),
    T("{\"a\",1}"),
    T("{\"a\":1,}"),
    T("{,}"),
    T("{1:1}"),
    T("{a:1}"),
    T("{'a':1}"),
    T("{null:null}"),
    T("{\"a\":1 \"b\":2}"),
    T("{\"a\":1,,\"b\":2}"),
    T("{\"a\":1}}"),
    T("{\"a\":1}#"),
    T("{\"a\":/*x*/1}"),
    T("[1]//x"),
    T("1 2"),
    T("nul"),
    T("nulll"),
    T("True"),
    T("tru"),
    T("fals"),
    T("truefalse"),
    T("NaN"),
    T("Infinity"),
    T("-Infinity"),
    T("-"),
    T("+1"),
    T("- 1"),
    T("--1"),
    T("01"),
    T("-01"),
    T("00"),
    T("1."),
    T("-2."),
    T(".5"),
    T("-.5"),
    T("1.e1"),
    T("1e"),
    T("1e+"),
    T("1e-"),
    T("1E"),
    T("1eE2"),
    T("0x1"),
    T("0x42"),
    T("1_000"),
    T("1,5"),
    T("1a"),
    T("1 000.0"),
    T("2.e-3"),
    T("\xEF\xBC\x91"),
    T("\""),
    T("\"a"),
    T("\"\\"),
    T("\"\\\""),
    T("\"\\x00\""),
    T("\"\\a\""),
    T("\"\\'\""),
    T("\"\\u\""),
    T("\"\\u12\""),
    T("\"\\u123"),
    T("\"\\u00G0\""),
    T("\"\\U0041\""),
    T("\"\\\xC3\xA9\""),
    T("\"\\\n\""),
    T("\"\\\0\""),
    T("\"a\nb\""),
    T("\"a\tb\""),
    T("\"a\0b\""),
    T("\"\x1F\""),
    T("'a'"),
    T("a"),
    T("[\"a\0\"]"),
    T("\"\\uD800\""),
    T("\"\\uDC00\""),
    T("\"\\uD800a\""),
    T("\"\\uD800\\n\""),
    T("\"\\uD800\\u0041\""),
    T("\"\\uD800\\uD800\""),
    T("\"\\uD800\\\""),
    T("\"\\uDADA\\u\""),
    T("\f1"),
    T("\v[]"),
    T("[]\0"),
    T("\xC2\xA0[]"),
    T("\xE2\x81\xA0[]"),
    T("<null>"),
    T("&"),
    T("[\\u0020\"a\"]"),
    T("[*]"),
    T("\"a\"x"),
};

START_TEST(test_rejected) {
    qt_err err = {0};
    const text *t = &rejected[_i];
    ck_assert_msg(read_all(t->s, t->len, 64, &err) == QT_INVALID_ARGUMENT, "accepted: %s", t->s);
    ck_assert_str_eq(qt_reason_name(err.reason), "JSON_SYNTAX");
}
END_TEST

static const text bad_utf8[] = {
    T("\"\x80\""),
    T("\"\xBF\""),
    T("\"\xC0\x80\""),
    T("\"\xC0\xAF\""),
    T("\"\xC1\xBF\""),
    T("\"\xC3\""),
    T("\"\xC3\x28\""),
    T("\"\xE0\x80\x80\""),
    T("\"\xE0\x9F\xBF\""),
    T("\"\xE2\x82\""),
    T("\"\xED\xA0\x80\""),
    T("\"\xED\xBF\xBF\""),
    T("\"\xF0\x80\x80\x80\""),
    T("\"\xF4\x90\x80\x80\""),
    T("\"\xF5\x80\x80\x80\""),
    T("\"\xF8\x88\x80\x80\x80\""),
    T("\"\xFE\""),
    T("\"\xFF\""),
    T("{\"\xE9\":1}"),
    T("\"latin\xE9 and a long tail that follows\""),
};

START_TEST(test_bad_utf8) {
    qt_err err = {0};
    const text *t = &bad_utf8[_i];
    ck_assert_int_eq(read_all(t->s, t->len, 64, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(qt_reason_name(err.reason), "UTF8_INVALID");
}
END_TEST

/* A prefix of a valid text is never valid when the text is an array. */
START_TEST(test_every_prefix) {
    static const char whole[] =
        "[{\"a\\u00e9\":-1.5e+3,\"b\":[true,false,null,\"\\ud83d\\ude39\"]}]";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        qt_err err;
        ck_assert_int_eq(read_all(whole, len, 64, &err), QT_INVALID_ARGUMENT);
        ck_assert_str_eq(qt_reason_name(err.reason), "JSON_SYNTAX");
    }
}
END_TEST

START_TEST(test_rewrite) {
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {" { \"a\" : [ 1 , 2.50 , -0 ] , \"b\":{ } } ", "{\"a\":[1,2.50,-0],\"b\":{}}"},
        {"\"\\u0041\\/\\u00e9\\ud83d\\ude39\"", "\"A/\xC3\xA9\xF0\x9F\x98\xB9\""},
        {"\"\\u0000\\u001f\\n\\\"\"", "\"\\u0000\\u001f\\n\\\"\""},
        {"[true,false,null,[[]],\"\"]", "[true,false,null,[[]],\"\"]"},
        {"{\"k\":1,\"k\":2}", "{\"k\":1,\"k\":2}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf out = {0};
        ck_assert_ok(rewrite(rows[i].in, strlen(rows[i].in), &out, &err));
        ck_assert_str_eq(qt_buf_str(&out), rows[i].out);
    }
}
END_TEST

START_TEST(test_error_position) {
    static const struct {
        const char *in;
        const char *msg;
    } rows[] = {
        {"{\n  \"a\": 1,\n  \"b\" 2\n}", "3:7: expected ':' (byte 18)"},
        {"[1,2", "1:5: the text ends too early (byte 4)"},
        {"[\"\xC3\xA9\", x]", "1:7: expected a value (byte 7)"},
        {"", "1:1: the text ends too early (byte 0)"},
        {"[1]\n\n]", "3:1: nothing may follow the value (byte 5)"},
        {"[\"ab\\q\"]", "1:5: unknown escape (byte 4)"},
        {"{\"a\":1 ]", "1:8: expected ',' or '}' (byte 7)"},
        {"[\"ok\", \"a\xFF\"]", "1:10: not valid UTF-8 (byte 9)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        qt_err err;
        ck_assert_int_eq(read_all(rows[i].in, strlen(rows[i].in), 64, &err), QT_INVALID_ARGUMENT);
        ck_assert_str_eq(err.msg, rows[i].msg);
    }
}
END_TEST

START_TEST(test_depth) {
    enum { BOMB = 100000 };
    QT_AUTO_FREE char *bomb = malloc(BOMB);
    qt_err err;
    memset(bomb, '[', BOMB);
    ck_assert_int_eq(read_all(bomb, BOMB, 64, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(qt_reason_name(err.reason), "NESTING_TOO_DEEP");
    ck_assert_str_eq(err.msg, "1:65: nested too deep (byte 64)");
    ck_assert_int_eq(read_all(bomb, BOMB, BOMB, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(qt_reason_name(err.reason), "NESTING_TOO_DEEP");
    memset(bomb + 64, ']', 64);
    ck_assert_ok(read_all(bomb, 128, 64, &err));
}
END_TEST

START_TEST(test_skip_and_rewind) {
    static const char s[] = "{\"x\":[1,{\"y\":[]}],\"z\":\"\\u0041\"}";
    qt_err err;
    QT_CLEANUP(qt_json_reader_done) qt_json_reader r;
    qt_json_reader_init(&r, s, sizeof s - 1, 8);
    qt_json_token t;
    ck_assert_ok(qt_json_next(&r, &t, &err));
    qt_json_mark mark = qt_json_reader_mark(&r);
    for (int turn = 0; turn < 2; turn++) {
        ck_assert_ok(qt_json_next(&r, &t, &err));
        ck_assert_int_eq(t.type, QT_JSON_KEY);
        ck_assert_ok(qt_json_next(&r, &t, &err));
        ck_assert_int_eq(t.type, QT_JSON_ARRAY);
        ck_assert_uint_eq(t.offset, 5);
        ck_assert_ok(qt_json_skip(&r, &t, &err));
        ck_assert_ok(qt_json_next(&r, &t, &err));
        ck_assert_int_eq(t.type, QT_JSON_KEY);
        ck_assert_mem_eq(t.text, "z", 1);
        ck_assert_ok(qt_json_next(&r, &t, &err));
        ck_assert_int_eq(t.type, QT_JSON_STRING);
        ck_assert_mem_eq(t.text, "A", 1);
        ck_assert_ok(qt_json_skip(&r, &t, &err));
        if (turn == 0) {
            qt_json_reader_rewind(&r, &mark);
        }
    }
    ck_assert_ok(qt_json_next(&r, &t, &err));
    ck_assert_int_eq(t.type, QT_JSON_OBJECT_END);
    ck_assert_ok(qt_json_next(&r, &t, &err));
    ck_assert_int_eq(t.type, QT_JSON_END);
    ck_assert_ok(qt_json_next(&r, &t, &err));
    ck_assert_int_eq(t.type, QT_JSON_END);
}
END_TEST

START_TEST(test_each_failure) {
    static const char s[] = "{\"a\\n\":\"\\u0041 a text that is longer than the first buffer was "
                            "made for, so that it has to grow once more \\n\"}";
    QT_EACH_FAILURE(k) {
        qt_err err;
        QT_CLEANUP(qt_buf_done) qt_buf out = {0};
        qt_code code = rewrite(s, sizeof s - 1, &out, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

TCase *reader_cases(void) {
    TCase *tc = tcase_create("reader");
    tcase_add_loop_test(tc, test_accepted, 0, sizeof accepted / sizeof *accepted);
    tcase_add_loop_test(tc, test_rejected, 0, sizeof rejected / sizeof *rejected);
    tcase_add_loop_test(tc, test_bad_utf8, 0, sizeof bad_utf8 / sizeof *bad_utf8);
    tcase_add_test(tc, test_every_prefix);
    tcase_add_test(tc, test_rewrite);
    tcase_add_test(tc, test_error_position);
    tcase_add_test(tc, test_depth);
    tcase_add_test(tc, test_skip_and_rewind);
    tcase_add_test(tc, test_each_failure);
    return tc;
}
