/* Circuits as bytes: they come back the same, and no bytes do harm. */
#include "base/cleanup.h"
#include "circuit/hash.h"
#include "circuit/pack.h"
#include "qasm/qasm.h"
#include "testlib.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static qt_err err;

static qt_circuit *parse(const char *name) {
    char path[PATH_MAX];
    size_t len = 0;
    snprintf(path, sizeof path, "%s/tests/data/programs/%s", qt_test_source_dir(), name);
    QT_AUTO_FREE char *text = qt_test_read_file(path, &len);
    qt_circuit *c = NULL;
    ck_assert_ok(qt_qasm_parse(text, len, NULL, &c, NULL, &err));
    return c;
}

static void compare(const qt_circuit *a, const qt_circuit *b) {
    qt_circuit_hash x;
    qt_circuit_hash y;
    ck_assert_ok(qt_circuit_get_hash(a, &x, &err));
    ck_assert_ok(qt_circuit_get_hash(b, &y, &err));
    ck_assert_uint_eq(x.low, y.low);
    ck_assert_uint_eq(x.high, y.high);
    ck_assert_uint_eq(a->register_count, b->register_count);
    for (size_t i = 0; i < a->register_count; i++) {
        ck_assert_str_eq(a->registers[i].name, b->registers[i].name);
        ck_assert_int_eq(a->registers[i].kind, b->registers[i].kind);
        ck_assert_int_eq(a->registers[i].hidden, b->registers[i].hidden);
        ck_assert_int_eq(a->registers[i].scalar, b->registers[i].scalar);
    }
    for (size_t i = 0; i < a->variable_count; i++) {
        ck_assert_str_eq(a->variables[i].name, b->variables[i].name);
        ck_assert_int_eq(a->variables[i].type, b->variables[i].type);
    }
    ck_assert_uint_eq(a->note_count, b->note_count);
    for (size_t i = 0; i < a->note_count; i++) {
        ck_assert_str_eq(a->notes[i].text, b->notes[i].text);
    }
    ck_assert_uint_eq(a->warning_count, b->warning_count);
}

START_TEST(comes_back_the_same) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/tests/data/programs", qt_test_source_dir());
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    unsigned programs = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".qasm") == NULL) {
            continue;
        }
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse(entry->d_name);
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = NULL;
        QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
        qt_circuit_pack(c, &bytes);
        ck_assert_ok(qt_circuit_unpack(bytes.data, bytes.len, &back, &err));
        compare(c, back);
        programs++;
    }
    closedir(dir);
    ck_assert_uint_gt(programs, 5);
}
END_TEST

/* Cut off anywhere it is refused; with any byte changed it is refused or valid. */
START_TEST(damaged_bytes_do_no_harm) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse("adaptive.qasm");
    QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
    qt_circuit_pack(c, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        qt_circuit *back = NULL;
        ck_assert_int_eq(qt_circuit_unpack(bytes.data, len, &back, &err), QT_DATA_LOSS);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        char was = bytes.data[i];
        for (unsigned flip = 1; flip < 256; flip *= 4) {
            bytes.data[i] = (char)((unsigned char)was ^ flip);
            QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = NULL;
            if (qt_circuit_unpack(bytes.data, bytes.len, &back, &err) == QT_OK) {
                ck_assert_ok(qt_circuit_validate(back, &err));
            }
        }
        bytes.data[i] = was;
    }
}
END_TEST

START_TEST(survives_failed_allocations) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse("adaptive.qasm");
    QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
    qt_circuit_pack(c, &bytes);
    QT_EACH_FAILURE(k) {
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = NULL;
        qt_code code = qt_circuit_unpack(bytes.data, bytes.len, &back, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("circuit_pack");
    TCase *tc = tcase_create("pack");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, comes_back_the_same);
    tcase_add_test(tc, damaged_bytes_do_no_harm);
    tcase_add_test(tc, survives_failed_allocations);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
