/* Every format out and back: own programs and those of a corpus beside the source tree (when there
 * is one) go through each target that can be read here, and mean the same afterwards. */
#include "base/cleanup.h"
#include "program/program.h"
#include "sim/equivalence.h"
#include "suites.h"
#include "testlib.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_QUBITS = 12 };

static qt_err err;

typedef struct route {
    qt_program_target target;
    qt_program_kind kind;
    bool is_static; /* takes gates and measurements at the end only */
} route;

static const route routes[] = {
    {QT_PROGRAM_TO_OPENQASM2, QT_PROGRAM_OPENQASM2, false},
    {QT_PROGRAM_TO_OPENQASM3, QT_PROGRAM_OPENQASM3, false},
    {QT_PROGRAM_TO_IONQ, QT_PROGRAM_IONQ, true},
    {QT_PROGRAM_TO_BRAKET, QT_PROGRAM_BRAKET, true},
};

typedef struct tally {
    unsigned programs;
    unsigned written[QT_ARRAY_LEN(routes)];
} tally;

/* Whether the program is gates and measurements at the end. */
static bool is_static(const qt_circuit *c) {
    qt_circuit_stats stats;
    ck_assert_ok(qt_circuit_analyze(c, &stats, &err));
    for (size_t i = 0; i < c->op_count; i++) {
        if (c->ops[i].kind > QT_OP_BARRIER && c->ops[i].kind < QT_OP_DELAY) {
            return false;
        }
    }
    return !stats.dynamic;
}

static bool measures(const qt_circuit *c) {
    for (size_t i = 0; i < c->op_count; i++) {
        if (c->ops[i].kind == QT_OP_MEASURE) {
            return true;
        }
    }
    return false;
}

static void compare(const char *path, const route *r, const qt_circuit *a, const qt_circuit *b) {
    /* Formats that always measure: the states before it are the same. */
    const qt_equivalence_options options = {.ignore_bits = !measures(a)};
    qt_equivalence result;
    qt_code code = qt_sim_compare(a, b, &options, &result, &err);
    if (code != QT_OK && err.reason == QT_REASON_VERIFY_LIMIT) {
        return;
    }
    ck_assert_msg(code == QT_OK, "%s to %s: %s", path, qt_program_target_name(r->target), err.msg);
    ck_assert_msg(result.equivalent, "%s to %s: %s", path, qt_program_target_name(r->target),
                  result.difference);
}

static void take_route(const char *path, const qt_circuit *c, size_t index, tally *t) {
    const route *r = &routes[index];
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_code code = qt_program_write(c, r->target, NULL, &text, NULL, &err);
    if (code != QT_OK) {
        bool allowed = err.reason == QT_REASON_CIRCUIT_UNSUPPORTED &&
                       r->target != QT_PROGRAM_TO_OPENQASM3 && !is_static(c);
        ck_assert_msg(allowed, "%s to %s: %s", path, qt_program_target_name(r->target), err.msg);
        return;
    }
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = NULL;
    const qt_program_read_options options = {.max_bytes = 64 << 20};
    code = qt_program_read(r->kind, text.data, text.len, &options, &back, NULL, &err);
    ck_assert_msg(code == QT_OK, "%s to %s: %s", path, qt_program_target_name(r->target), err.msg);
    ck_assert_ok(qt_circuit_validate(back, &err));
    t->written[index]++;
    compare(path, r, c, back);
}

static void check_program(const char *path, tally *t) {
    size_t len = 0;
    QT_AUTO_FREE char *text = qt_test_read_file(path, &len);
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *c = NULL;
    const qt_program_read_options options = {.max_bytes = 64 << 20};
    if (qt_program_read(QT_PROGRAM_QASM, text, len, &options, &c, NULL, &err) != QT_OK ||
        c->num_qubits > MAX_QUBITS || c->num_qubits == 0) {
        return; /* the readers have tests of their own */
    }
    t->programs++;
    for (size_t i = 0; i < QT_ARRAY_LEN(routes); i++) {
        take_route(path, c, i, t);
    }
    for (int target = QT_PROGRAM_TO_QIR_1_0; target <= QT_PROGRAM_TO_QIR_2_0; target++) {
        QT_CLEANUP(qt_buf_done) qt_buf qir = {0};
        qt_code code = qt_program_write(c, (qt_program_target)target, NULL, &qir, NULL, &err);
        ck_assert_msg(code == QT_OK || err.reason == QT_REASON_CIRCUIT_UNSUPPORTED, "%s: %s", path,
                      err.msg);
    }
}

static tally check_folder(const char *folder, bool required) {
    char path[PATH_MAX];
    tally t = {0};
    snprintf(path, sizeof path, "%s/%s", qt_test_source_dir(), folder);
    DIR *dir = opendir(path);
    ck_assert(dir != NULL || !required);
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
         entry = readdir(dir)) {
        const char *end = strrchr(entry->d_name, '.');
        if (end != NULL && strcmp(end, ".qasm") == 0) {
            snprintf(path, sizeof path, "%s/%s/%s", qt_test_source_dir(), folder, entry->d_name);
            check_program(path, &t);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return t;
}

START_TEST(own_programs) {
    tally t = check_folder("tests/data/qasm", true);
    ck_assert_uint_gt(t.programs, 5);
    ck_assert_uint_eq(t.written[1], t.programs);
    ck_assert_uint_ge(t.written[0], 2);
    ck_assert_uint_ge(t.written[2], 2);
    ck_assert_uint_ge(t.written[3], 2);
    t = check_folder("tests/data/programs", true);
    ck_assert_uint_ge(t.written[3], 2);
}
END_TEST

START_TEST(qasmbench) {
    tally t = check_folder("../shared/corpus/qasmbench", false);
    if (t.programs > 0) { /* most of them are gates and measurements */
        ck_assert_uint_eq(t.written[0], t.programs);
        ck_assert_uint_gt(t.written[2], t.programs / 2);
        ck_assert_uint_gt(t.written[3], t.programs / 2);
    }
}
END_TEST

START_TEST(openqasm3_examples) {
    (void)check_folder("../shared/corpus/openqasm3", false);
}
END_TEST

/* Every base gate with 0 to 4 controls, behind gates that leave no symmetry. */
START_TEST(every_gate) {
    static const double params[] = {0.7, -0.4, 1.9};
    static const uint32_t operands[] = {3, 0, 4, 2, 5, 1};
    qt_gate gate = (qt_gate)_i;
    for (size_t controls = 0; controls <= 4; controls++) {
        qt_builder b;
        uint32_t reg = 0;
        ck_assert_ok(qt_builder_init(&b, &qt_circuit_default_limits, &err));
        ck_assert_ok(qt_build_register(&b, QT_REGISTER_QUBIT, "q", 6, &reg, &err));
        ck_assert_ok(qt_build_register(&b, QT_REGISTER_BIT, "c", 6, &reg, &err));
        for (uint32_t i = 0; i < 6; i++) {
            double angle = 0.3 + i;
            ck_assert_ok(qt_build_gate(&b, QT_GATE_RY, &i, 0, &angle, &err));
            ck_assert_ok(qt_build_gate(&b, QT_GATE_RZ, &i, 0, &angle, &err));
        }
        ck_assert_ok(qt_build_gate(&b, gate, operands, controls, params, &err));
        for (uint32_t i = 0; i < 6; i++) {
            ck_assert_ok(qt_build_measure(&b, i, i, &err));
        }
        QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
        ck_assert_ok(qt_builder_finish(&b, &circuit, &err));
        qt_builder_done(&b);
        tally t = {0};
        for (size_t i = 0; i < QT_ARRAY_LEN(routes); i++) {
            take_route(qt_gate_get_info(gate)->name, circuit, i, &t);
            ck_assert_uint_eq(t.written[i], 1);
        }
    }
}
END_TEST

TCase *case_matrix(void) {
    TCase *c = tcase_create("matrix");
    tcase_set_timeout(c, 240);
    tcase_add_test(c, own_programs);
    tcase_add_test(c, qasmbench);
    tcase_add_test(c, openqasm3_examples);
    tcase_add_loop_test(c, every_gate, 0, QT_GATE_COUNT_);
    return c;
}
