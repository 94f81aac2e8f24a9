/* QIR in requests: text or base64 of bitcode. */
#include "base/base64.h"
#include "base/cleanup.h"
#include "qir/source.h"
#include "testlib.h"

#include <string.h>

static qt_err err;

static const char module[] = "define i64 @main() {\n  ret i64 0\n}\n";
static const unsigned char bitcode[] = {'B', 'C', 0xC0, 0xDE, 0x35, 0x14, 0, 0, 5, 0};

static qt_code look(const char *text, size_t max_bytes, qt_buf *storage, const char **ret_data,
                    size_t *ret_len) {
    return qt_qir_source_open(text, strlen(text), max_bytes, storage, ret_data, ret_len, &err);
}

START_TEST(takes_text_as_it_is) {
    QT_CLEANUP(qt_buf_done) qt_buf storage = {0};
    const char *data = NULL;
    size_t len = 0;
    ck_assert_ok(look(module, 0, &storage, &data, &len));
    ck_assert_ptr_eq(data, module);
    ck_assert_uint_eq(len, strlen(module));
    ck_assert_uint_eq(storage.len, 0);
}
END_TEST

START_TEST(decodes_base64) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    QT_CLEANUP(qt_buf_done) qt_buf storage = {0};
    const char *data = NULL;
    size_t len = 0;
    qt_buf_add_str(&text, " \n");
    qt_base64_encode(bitcode, sizeof bitcode, &text);
    memmove(text.data + 8, text.data + 7, text.len - 6); /* with a line break in it */
    text.data[7] = '\n';
    ck_assert_ok(look(text.data, 0, &storage, &data, &len));
    ck_assert_uint_eq(len, sizeof bitcode);
    ck_assert_mem_eq(data, bitcode, sizeof bitcode);
    QT_CLEANUP(qt_buf_done) qt_buf second = {0};
    ck_assert_int_eq(look(text.data, 4, &second, &data, &len), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_TOO_LARGE);
}
END_TEST

static const char *const bad[] = {
    "",       "OPENQASM 3.0; qubit q;", "undefined i64 @main()",
    "define", "QkPA3jUU*AAFAA==",       "QkPA3",
    "3sAXC",  "QkPA3jUUAAAFA",          "AAAA",
};

START_TEST(refuses_what_is_no_qir) {
    QT_CLEANUP(qt_buf_done) qt_buf storage = {0};
    const char *data = NULL;
    size_t len = 0;
    ck_assert_int_eq(look(bad[_i], 0, &storage, &data, &len), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_SYNTAX);
    ck_assert_int_eq(strncmp(err.msg, "1:1: ", 5), 0);
    ck_assert_uint_eq(storage.len, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qir_source");
    TCase *tc = tcase_create("source");
    tcase_add_test(tc, takes_text_as_it_is);
    tcase_add_test(tc, decodes_base64);
    tcase_add_loop_test(tc, refuses_what_is_no_qir, 0, (int)QT_ARRAY_LEN(bad));
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
