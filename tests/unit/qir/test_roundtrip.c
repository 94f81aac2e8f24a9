/* OpenQASM to QIR in each version and encoding, and back: LLVM accepts it, the checker finds
 * nothing, and the circuit that is read means the same. Own programs, and those of a corpus beside
 * the source tree when there is one. */
#include "base/cleanup.h"
#include "qasm/qasm.h"
#include "qir/check.h"
#include "qir/llvm.h"
#include "reference_sim.h"
#include "sim/sim.h"
#include "testlib.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EXACT_QUBITS = 7, MAX_EXACT_MEASURES = 8, MAX_SAMPLED_QUBITS = 10, SHOTS = 4096 };

static qt_err err;

static qt_circuit *parse(const char *path) {
    size_t len = 0;
    QT_AUTO_FREE char *text = qt_test_read_file(path, &len);
    qt_qasm_options options = {.max_bytes = 64 << 20};
    qt_circuit *c = NULL;
    return qt_qasm_parse(text, len, &options, &c, NULL, &err) == QT_OK ? c : NULL;
}

/* The reference knows gates, measurements, resets and if. */
static bool reference_can(const qt_circuit *c) {
    unsigned splits = 0;
    for (size_t i = 0; i < c->op_count; i++) {
        uint8_t kind = c->ops[i].kind;
        splits += kind == QT_OP_MEASURE || kind == QT_OP_RESET;
        if (kind != QT_OP_GATE && kind != QT_OP_MEASURE && kind != QT_OP_RESET &&
            kind != QT_OP_BARRIER) {
            return false;
        }
    }
    return splits <= MAX_EXACT_MEASURES && c->num_qubits <= MAX_EXACT_QUBITS;
}

static void compare_exactly(const char *path, const qt_circuit *a, const qt_circuit *b) {
    ref_distribution before;
    ref_distribution after;
    ref_run(a, &before);
    ref_run(b, &after);
    for (size_t i = 0; i < before.count; i++) {
        double p = ref_probability(&after, before.outcomes[i].key);
        ck_assert_msg(fabs(p - before.outcomes[i].p) < 1e-9, "%s: %s has probability %g, not %g",
                      path, before.outcomes[i].key, p, before.outcomes[i].p);
    }
    ref_distribution_done(&before);
    ref_distribution_done(&after);
}

static qt_sim_result *sample(const char *path, const qt_circuit *c) {
    qt_sim_options options = {.shots = SHOTS, .seed = 5};
    qt_sim_result *result = NULL;
    ck_assert_msg(qt_sim_run(c, &options, &result, &err) == QT_OK, "%s: %s", path, err.msg);
    return result;
}

static uint32_t count_of(const qt_sim_result *result, const char *key) {
    for (size_t i = 0; i < result->count_count; i++) {
        if (strcmp(result->counts[i].key, key) == 0) {
            return result->counts[i].count;
        }
    }
    return 0;
}

/* Each outcome within 6 standard deviations of the difference of two counts. */
static void compare_samples(const char *path, const qt_circuit *a, const qt_circuit *b) {
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *before = sample(path, a);
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *after = sample(path, b);
    for (size_t i = 0; i < before->count_count; i++) {
        double x = before->counts[i].count;
        double y = count_of(after, before->counts[i].key);
        ck_assert_msg(fabs(x - y) <= 6 * sqrt(x + y + 1), "%s: %s came %g times, not %g", path,
                      before->counts[i].key, y, x);
    }
}

static void check_profile(const char *path, const qt_buf *data) {
    QT_CLEANUP(qt_qir_report_done) qt_qir_report report = {.count = 0};
    ck_assert_ok(qt_qir_check(data->data, data->len, NULL, &report, &err));
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_qir_report_print(&report, &text);
    ck_assert_msg(report.found == 0, "%s: %s", path, qt_buf_str(&text));
}

static void check_encoding(const char *path, const qt_circuit *c, const qt_buf *data) {
    check_profile(path, data);
    qt_qir_read_options options = {.strict = true};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = NULL;
    ck_assert_msg(qt_qir_read(data->data, data->len, &options, &back, &err) == QT_OK, "%s: %s",
                  path, err.msg);
    ck_assert_ok(qt_circuit_validate(back, &err));
    ck_assert_uint_eq(back->num_qubits, c->num_qubits);
    if (reference_can(c) && reference_can(back)) {
        compare_exactly(path, c, back);
    } else if (c->num_qubits <= MAX_SAMPLED_QUBITS) {
        compare_samples(path, c, back);
    }
}

/* 0: not to be had, 1: text assembled. */
static int assemble(const char *program, const char *dir, const qt_buf *text) {
    char found[PATH_MAX];
    snprintf(found, sizeof found, "/usr/bin/%s", program);
    if (access(found, X_OK) != 0) {
        return 0;
    }
    char input[PATH_MAX];
    char output[PATH_MAX];
    char log[PATH_MAX];
    snprintf(input, sizeof input, "%s/in.ll", dir);
    snprintf(output, sizeof output, "%s/out.bc", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    FILE *file = fopen(input, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text->data, 1, text->len, file), text->len);
    fclose(file);
    const char *argv[] = {found, input, "-o", output, NULL};
    ck_assert_int_eq(qt_test_run_command(NULL, argv, log), 0);
    return 1;
}

static void check_program(const char *path, const char *dir) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse(path);
    if (c == NULL) {
        return; /* not every program of the corpus is supported by the front end */
    }
    for (int version = QT_QIR_1_0; version <= QT_QIR_2_0; version++) {
        QT_CLEANUP(qt_buf_done) qt_buf text = {0};
        QT_CLEANUP(qt_buf_done) qt_buf bitcode = {0};
        qt_qir_options options = {.version = (qt_qir_version)version,
                                  .gates = version == QT_QIR_2_0 ? QT_QIR_GATES_FULL
                                                                 : QT_QIR_GATES_MINIMAL};
        ck_assert_msg(qt_qir_write(c, &options, &text, NULL, &err) == QT_OK, "%s: %s", path,
                      err.msg);
        ck_assert_ok(qt_qir_to_bitcode(text.data, text.len, options.version, &bitcode, &err));
        ck_assert(qt_qir_is_bitcode(bitcode.data, bitcode.len));
        check_encoding(path, c, &text);
        check_encoding(path, c, &bitcode);
        assemble(version == QT_QIR_1_0 ? "llvm-as-14" : "llvm-as-19", dir, &text);
    }
}

static void check_folder(const char *folder, bool required) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", qt_test_source_dir(), folder);
    DIR *dir = opendir(path);
    ck_assert(dir != NULL || !required);
    if (dir == NULL) {
        return;
    }
    char *work = qt_test_dir_new();
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        const char *end = strrchr(entry->d_name, '.');
        if (end != NULL && strcmp(end, ".qasm") == 0) {
            snprintf(path, sizeof path, "%s/%s/%s", qt_test_source_dir(), folder, entry->d_name);
            check_program(path, work);
        }
    }
    closedir(dir);
    qt_test_dir_remove(work);
    free(work);
}

START_TEST(test_own_programs) {
    check_folder("tests/data/qasm", true);
}
END_TEST

START_TEST(test_qasmbench) {
    check_folder("../shared/corpus/qasmbench", false);
}
END_TEST

START_TEST(test_openqasm3_examples) {
    check_folder("../shared/corpus/openqasm3", false);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qir_roundtrip");
    TCase *c = tcase_create("roundtrip");
    tcase_set_timeout(c, 240);
    tcase_add_test(c, test_own_programs);
    tcase_add_test(c, test_qasmbench);
    tcase_add_test(c, test_openqasm3_examples);
    suite_add_tcase(suite, c);
    return qt_test_run(suite);
}
