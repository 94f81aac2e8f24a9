/* Programs of a corpus beside the source tree, up to 12 qubits: counts against the reference where
 * it knows the program. Passes without the corpus. */
#include "qasm/qasm.h"
#include "random_circuit.h"
#include "testlib.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_QUBITS = 12, MAX_MEASURES = 10 };

static qt_circuit *parse(const char *path) {
    qt_err err;
    size_t len = 0;
    char *text = qt_test_read_file(path, &len);
    qt_circuit *c = NULL;
    qt_code code = qt_qasm_parse(text, len, NULL, &c, NULL, &err);
    free(text);
    return code == QT_OK ? c : NULL;
}

/* The reference knows gates, measurements, resets and if; it follows each measurement twice. */
static bool reference_can(const qt_circuit *c) {
    unsigned splits = 0;
    for (size_t i = 0; i < c->op_count; i++) {
        switch ((qt_op_kind)c->ops[i].kind) {
        case QT_OP_MEASURE:
        case QT_OP_RESET:
            splits++;
            break;
        case QT_OP_GATE:
        case QT_OP_BARRIER:
            break;
        case QT_OP_GATE_DYNAMIC:
        case QT_OP_ASSIGN:
        case QT_OP_IF:
        case QT_OP_ELSE:
        case QT_OP_ENDIF:
        case QT_OP_WHILE:
        case QT_OP_ENDWHILE:
        case QT_OP_FOR:
        case QT_OP_ENDFOR:
        case QT_OP_SWITCH:
        case QT_OP_CASE:
        case QT_OP_ENDSWITCH:
        case QT_OP_BREAK:
        case QT_OP_CONTINUE:
        case QT_OP_END:
        case QT_OP_DELAY:
        case QT_OP_NOTE:
            return false;
        }
    }
    return splits <= MAX_MEASURES;
}

static void check_program(const char *path) {
    qt_err err;
    qt_circuit *c = parse(path);
    if (c == NULL || c->num_qubits > MAX_QUBITS) {
        qt_circuit_free(c);
        return;
    }
    qt_sim_options o = {.shots = 4096, .seed = 21};
    qt_sim_result *result = NULL;
    ck_assert_msg(qt_sim_run(c, &o, &result, &err) == QT_OK, "%s: %s", path, err.msg);
    if (reference_can(c)) {
        ref_distribution expected;
        ref_run(c, &expected);
        check_counts(result, &expected);
        ref_distribution_done(&expected);
    }
    qt_sim_result_free(result);
    qt_circuit_free(c);
}

static void check_folder(const char *name) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/../shared/corpus/%s", qt_test_source_dir(), name);
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        size_t len = strlen(entry->d_name);
        if (len > 5 && strcmp(entry->d_name + len - 5, ".qasm") == 0) {
            char path[PATH_MAX + 300];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            check_program(path);
        }
    }
    closedir(dir);
}

START_TEST(qasmbench) {
    check_folder("qasmbench");
}
END_TEST

START_TEST(openqasm3) {
    check_folder("openqasm3");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim corpus");
    TCase *tc = tcase_create("corpus");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, qasmbench);
    tcase_add_test(tc, openqasm3);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
