/* OpenQASM to QIR in each version and encoding, and back: LLVM accepts it, the checker finds
 * nothing, and the circuit that is read means the same. Own programs, and those of a corpus beside
 * the source tree when there is one. */
#include "base/cleanup.h"
#include "qasm/qasm.h"
#include "qir/check.h"
#include "qir/llvm.h"
#include "sim/equivalence.h"
#include "sim/sim.h"
#include "testlib.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EXACT_QUBITS = 12, MAX_SAMPLED_QUBITS = 20, SHOTS = 4096 };

static qt_err err;

/* What was done with the programs of a folder, so that nothing is skipped unseen. */
static struct { unsigned programs, unread, exact, sampled, wide, loops, llvm14, llvm19; } totals;

static qt_circuit *parse(const char *path, bool keep_loops) {
    size_t len = 0;
    QT_AUTO_FREE char *text = qt_test_read_file(path, &len);
    qt_qasm_options options = {.max_bytes = 64 << 20, .keep_loops = keep_loops};
    qt_circuit *c = NULL;
    return qt_qasm_parse(text, len, &options, &c, NULL, &err) == QT_OK ? c : NULL;
}

/* False when that is too much for an exact comparison. */
static bool compare_exactly(const char *path, const qt_circuit *a, const qt_circuit *b) {
    const qt_equivalence_options options = {
        .max_qubits = MAX_EXACT_QUBITS, .max_branches = 5000, .max_ms = 20000};
    qt_equivalence result;
    qt_code code = qt_sim_compare(a, b, &options, &result, &err);
    if (code != QT_OK && err.reason == QT_REASON_VERIFY_LIMIT) {
        return false;
    }
    ck_assert_msg(code == QT_OK, "%s: %s", path, err.msg);
    ck_assert_msg(result.equivalent, "%s: %s", path, result.difference);
    return true;
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

static void compare(const char *path, const qt_circuit *c, const qt_circuit *back) {
    if (compare_exactly(path, c, back)) {
        totals.exact++;
    } else if (c->num_qubits <= MAX_SAMPLED_QUBITS) {
        compare_samples(path, c, back);
        totals.sampled++;
    } else {
        totals.wide++;
    }
}

static void check_encoding(const char *path, const qt_circuit *c, const qt_buf *data) {
    check_profile(path, data);
    qt_qir_read_options options = {.strict = true};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = NULL;
    ck_assert_msg(qt_qir_read(data->data, data->len, &options, &back, &err) == QT_OK, "%s: %s",
                  path, err.msg);
    ck_assert_ok(qt_circuit_validate(back, &err));
    ck_assert_uint_eq(back->num_qubits, c->num_qubits);
    compare(path, c, back);
}

/* Another LLVM reads and verifies it; false when it is not there. */
static bool verify_with(const char *program, const char *dir, const qt_buf *data) {
    char found[PATH_MAX];
    char input[PATH_MAX];
    char log[PATH_MAX];
    snprintf(found, sizeof found, "/usr/bin/%s", program);
    if (access(found, X_OK) != 0) {
        return false;
    }
    snprintf(input, sizeof input, "%s/module", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    FILE *file = fopen(input, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data->data, 1, data->len, file), data->len);
    fclose(file);
    const char *argv[] = {found, "-passes=verify", "-disable-output", input, NULL};
    ck_assert_msg(qt_test_run_command(NULL, argv, log) == 0, "%s: see %s", program, log);
    return true;
}

static void check_version(const char *path, const char *dir, const qt_circuit *c,
                          qt_qir_version version) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    QT_CLEANUP(qt_buf_done) qt_buf bitcode = {0};
    qt_qir_options options = {.version = version,
                              .gates =
                                  version == QT_QIR_2_0 ? QT_QIR_GATES_FULL : QT_QIR_GATES_MINIMAL};
    ck_assert_msg(qt_qir_write(c, &options, &text, NULL, &err) == QT_OK, "%s: %s", path, err.msg);
    ck_assert_ok(qt_qir_to_bitcode(text.data, text.len, version, &bitcode, &err));
    ck_assert(qt_qir_is_bitcode(bitcode.data, bitcode.len));
    const qt_buf *forms[] = {&text, &bitcode};
    for (size_t i = 0; i < QT_ARRAY_LEN(forms); i++) {
        check_encoding(path, c, forms[i]);
        if (version == QT_QIR_1_0) {
            totals.llvm14 += verify_with("opt-14", dir, forms[i]) ? 1 : 0;
        } else {
            totals.llvm19 += verify_with("opt-19", dir, forms[i]) ? 1 : 0;
        }
    }
}

static bool has_loop(const qt_circuit *c) {
    for (size_t i = 0; i < c->op_count; i++) {
        if (c->ops[i].kind == QT_OP_FOR) {
            return true;
        }
    }
    return false;
}

/* With its loops kept the program means the same, and its module claims to loop. */
static void check_kept_loops(const char *path, const qt_circuit *unrolled) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse(path, true);
    if (c == NULL || !has_loop(c)) {
        return;
    }
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    const qt_qir_options options = {.version = QT_QIR_2_0};
    qt_qir_info info;
    ck_assert_msg(qt_qir_write(c, &options, &text, &info, &err) == QT_OK, "%s: %s", path, err.msg);
    ck_assert_int_eq(info.profile, QT_QIR_ADAPTIVE);
    ck_assert_uint_ne(info.backwards_branching & 1, 0);
    check_encoding(path, unrolled, &text);
    totals.loops++;
}

static void check_program(const char *path, const char *dir) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse(path, false);
    totals.programs++;
    if (c == NULL) {
        totals.unread++; /* not every program of the corpus is one */
        printf("%s: not read: %s\n", path, err.msg);
        return;
    }
    check_version(path, dir, c, QT_QIR_1_0);
    check_version(path, dir, c, QT_QIR_2_0);
    check_kept_loops(path, c);
}

static void check_folder(const char *folder, bool required) {
    DIR *dir = opendir(folder);
    ck_assert(dir != NULL || !required);
    if (dir == NULL) {
        return;
    }
    memset(&totals, 0, sizeof totals);
    char *work = qt_test_dir_new();
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        const char *end = strrchr(entry->d_name, '.');
        if (end != NULL && strcmp(end, ".qasm") == 0) {
            char path[PATH_MAX];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            check_program(path, work);
        }
    }
    closedir(dir);
    qt_test_dir_remove(work);
    free(work);
    printf("%s: %u programs, %u not read; of 4 forms each %u compared exactly, %u by samples, "
           "%u too wide; %u kept loops; LLVM 14 verified %u, LLVM 19 %u\n",
           folder, totals.programs, totals.unread, totals.exact, totals.sampled, totals.wide,
           totals.loops, totals.llvm14, totals.llvm19);
    fflush(stdout);
}

/* QT_CORPUS_DIR, or the folder beside the source tree. */
static void check_corpus(const char *name) {
    char path[PATH_MAX];
    const char *corpus = getenv("QT_CORPUS_DIR");
    if (corpus != NULL) {
        snprintf(path, sizeof path, "%s/%s", corpus, name);
    } else {
        snprintf(path, sizeof path, "%s/../shared/corpus/%s", qt_test_source_dir(), name);
    }
    check_folder(path, false);
}

START_TEST(test_own_programs) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/tests/data/qasm", qt_test_source_dir());
    check_folder(path, true);
    ck_assert_uint_eq(totals.unread, 0);
    ck_assert_uint_gt(totals.exact, 4 * 8);
}
END_TEST

START_TEST(test_qasmbench) {
    check_corpus("qasmbench");
}
END_TEST

START_TEST(test_openqasm3_examples) {
    check_corpus("openqasm3");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("qir_roundtrip");
    TCase *c = tcase_create("roundtrip");
    tcase_set_timeout(c, 280);
    tcase_add_test(c, test_own_programs);
    tcase_add_test(c, test_qasmbench);
    tcase_add_test(c, test_openqasm3_examples);
    suite_add_tcase(suite, c);
    return qt_test_run(suite);
}
