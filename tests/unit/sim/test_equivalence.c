/* Whether circuits mean the same. */
#include "base/cleanup.h"
#include "qasm/qasm.h"
#include "sim/equivalence.h"
#include "testlib.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define HEAD "OPENQASM 3.0; include \"stdgates.inc\"; "

static qt_err err;

static qt_circuit *parse(const char *text) {
    qt_circuit *c = NULL;
    ck_assert_ok(qt_qasm_parse(text, strlen(text), NULL, &c, NULL, &err));
    return c;
}

typedef struct row {
    const char *a, *b;
    qt_equivalence_method method;
    bool equivalent;
} row;

#define BY_STATE QT_EQUIVALENCE_STATE
#define BY_DISTRIBUTION QT_EQUIVALENCE_DISTRIBUTION

static const row rows[] = {
    {"qubit[2] q; h q[0]; cx q[0], q[1];", "qubit[2] q; h q[0]; h q[1]; cz q[0], q[1]; h q[1];",
     BY_STATE, true},
    {"qubit q; rz(0.5) q;", "qubit q; p(0.5) q;", BY_STATE, true}, /* global phase */
    {"qubit q; h q; rz(0.001) q;", "qubit q; h q;", BY_STATE, false},
    {"qubit[2] q; x q[1];", "qubit[2] q; x q[0];", BY_STATE, false},
    {"qubit[3] q; x q[2];", "qubit[2] q; x q[1];", BY_STATE, false},
    {"qubit q; bit c; h q; c = measure q;", "qubit q; bit c; h q; z q; c = measure q;", BY_STATE,
     false},
    {"qubit[2] q; bit[2] c; h q[0]; c[0] = measure q[0]; h q[1]; c[1] = measure q[1];",
     "qubit[2] q; bit[2] c; h q; c = measure q;", BY_STATE, true},
    /* other measurements, the same distribution */
    {"qubit[2] q; bit[2] c; x q[0]; c = measure q;",
     "qubit[2] q; bit[2] c; x q[1]; c[0] = measure q[1]; c[1] = measure q[0];", BY_DISTRIBUTION,
     true},
    {"qubit[2] q; bit[2] c; x q[0]; c = measure q;",
     "qubit[2] q; bit[2] c; x q[0]; c[0] = measure q[1]; c[1] = measure q[0];", BY_DISTRIBUTION,
     false},
    /* measured in the middle */
    {"qubit[2] q; bit[2] c; h q[0]; c[0] = measure q[0]; if (c[0]) x q[1]; c[1] = measure q[1];",
     "qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;", BY_DISTRIBUTION, true},
    {"qubit[2] q; bit[2] c; ry(1) q[0]; c[0] = measure q[0]; if (c[0]) x q[1]; c[1] = measure "
     "q[1];",
     "qubit[2] q; bit[2] c; ry(1.00001) q[0]; cx q[0], q[1]; c = measure q;", BY_DISTRIBUTION,
     false},
    {"qubit q; bit c; h q; reset q; x q; c = measure q;", "qubit q; bit c; x q; c = measure q;",
     BY_DISTRIBUTION, true},
    /* repeated until it succeeds */
    {"qubit q; bit c; h q; c = measure q; while (!c) { h q; c = measure q; }",
     "qubit q; bit c; x q; c = measure q;", BY_DISTRIBUTION, true},
    {"qubit q; bit c; bit d; h q; c = measure q; if (c) { d = 1; }",
     "qubit q; bit c; bit d; h q; c = measure q; d = c;", BY_DISTRIBUTION, true},
    {"qubit q; bit c; h q; c = measure q; if (c) { end; } x q; c = measure q;",
     "qubit q; bit c; x q; c = measure q;", BY_DISTRIBUTION, true},
    {"qubit q; bit c; bit d; h q; c = measure q; x q; d = measure q;",
     "qubit q; bit c; h q; c = measure q;", BY_DISTRIBUTION, false}, /* a bit is missing */
};

START_TEST(tells_circuits_apart) {
    const row *r = &rows[_i];
    char text[2][512];
    snprintf(text[0], sizeof text[0], HEAD "%s", r->a);
    snprintf(text[1], sizeof text[1], HEAD "%s", r->b);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *a = parse(text[0]);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *b = parse(text[1]);
    qt_equivalence result;
    ck_assert_ok(qt_sim_compare(a, b, &(qt_equivalence_options){0}, &result, &err));
    ck_assert_msg(result.equivalent == r->equivalent, "%s / %s: %s, deviation %g", r->a, r->b,
                  result.difference, result.deviation);
    ck_assert_int_eq(result.method, r->method);
    ck_assert_int_eq(result.difference[0] == '\0', r->equivalent);
    ck_assert_ok(qt_sim_compare(b, a, &(qt_equivalence_options){0}, &result, &err));
    ck_assert_int_eq(result.equivalent, r->equivalent);
}
END_TEST

START_TEST(the_largest_difference_is_named) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *a = parse(HEAD "qubit[2] q; bit[2] c; reset q; x q[0]; reset q[1]; c = measure q;"
                               "if (c[0]) x q[1]; c[1] = measure q[1];");
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *b = parse(HEAD "qubit[2] q; bit[2] c; x q[0]; c = measure q;");
    qt_equivalence result;
    ck_assert_ok(qt_sim_compare(a, b, &(qt_equivalence_options){0}, &result, &err));
    ck_assert(!result.equivalent);
    ck_assert_double_eq_tol(result.deviation, 1, 1e-9);
    ck_assert_msg(strstr(result.difference, "11") != NULL ||
                      strstr(result.difference, "01") != NULL,
                  "%s", result.difference);
}
END_TEST

START_TEST(programs_equal_themselves) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/tests/data/qasm", qt_test_source_dir());
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    unsigned programs = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[PATH_MAX * 2];
        size_t len = 0;
        if (strstr(entry->d_name, ".qasm") == NULL) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        QT_AUTO_FREE char *text = qt_test_read_file(path, &len);
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse(text);
        qt_equivalence result;
        qt_code code = qt_sim_compare(c, c, &(qt_equivalence_options){0}, &result, &err);
        ck_assert_msg(code == QT_OK && result.equivalent, "%s: %s", path,
                      code == QT_OK ? result.difference : err.msg);
        programs++;
    }
    closedir(dir);
    ck_assert_uint_gt(programs, 5);
}
END_TEST

static void refuse(const char *text, const qt_equivalence_options *options, const char *word) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse(text);
    qt_equivalence result;
    ck_assert_int_eq(qt_sim_compare(c, c, options, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_VERIFY_LIMIT);
    ck_assert_msg(strstr(err.msg, word) != NULL, "%s", err.msg);
}

static const char coins[] = HEAD "qubit q; bit[12] c; for int i in [0:11] {"
                                 "h q; c[i] = measure q; reset q; }";

START_TEST(limits_are_named) {
    refuse(HEAD "qubit[17] q; h q;", &(qt_equivalence_options){0}, "17 qubits");
    refuse(HEAD "qubit[3] q; h q;", &(qt_equivalence_options){.max_qubits = 2}, "at most 2");
    refuse(coins, &(qt_equivalence_options){.max_branches = 100}, "100 outcomes");
    refuse(HEAD "qubit q; while (true) { x q; }", &(qt_equivalence_options){0}, "steps");
    refuse(HEAD "qubit q; bit c; c = measure q; x q;",
           &(qt_equivalence_options){.ignore_bits = true}, "middle");
}
END_TEST

static bool always(void *self) {
    (void)self;
    return true;
}

START_TEST(can_be_cancelled) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = parse(coins);
    qt_equivalence result;
    const qt_equivalence_options options = {.cancelled = always};
    ck_assert_int_eq(qt_sim_compare(c, c, &options, &result, &err), QT_CANCELLED);
}
END_TEST

START_TEST(bits_can_be_ignored) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *a = parse(HEAD "qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;");
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *b = parse(HEAD "qubit[2] q; h q[0]; cx q[0], q[1];");
    qt_equivalence result;
    const qt_equivalence_options options = {.ignore_bits = true};
    ck_assert_ok(qt_sim_compare(a, b, &options, &result, &err));
    ck_assert(result.equivalent);
    ck_assert_int_eq(result.method, QT_EQUIVALENCE_STATE);
}
END_TEST

START_TEST(survives_failed_allocations) {
    QT_CLEANUP(qt_circuit_free_p)
    qt_circuit *c = parse(HEAD "qubit[2] q; bit[2] c; h q[0]; c[0] = measure q[0];"
                               "if (c[0]) x q[1]; h q[0]; c[1] = measure q[0];");
    QT_EACH_FAILURE(k) {
        qt_equivalence result;
        qt_code code = qt_sim_compare(c, c, &(qt_equivalence_options){0}, &result, &err);
        ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim_equivalence");
    TCase *tc = tcase_create("equivalence");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, tells_circuits_apart, 0, (int)QT_ARRAY_LEN(rows));
    tcase_add_test(tc, the_largest_difference_is_named);
    tcase_add_test(tc, programs_equal_themselves);
    tcase_add_test(tc, limits_are_named);
    tcase_add_test(tc, can_be_cancelled);
    tcase_add_test(tc, bits_can_be_ignored);
    tcase_add_test(tc, survives_failed_allocations);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
