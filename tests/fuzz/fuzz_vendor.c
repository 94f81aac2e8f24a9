/* Answers of device providers: whatever they send is read or refused. The first byte picks how wide
 * the program's register is. */
#include "base/cleanup.h"
#include "services/backend-svc/api.h"
#include "services/backend-svc/counts.h"
#include "services/backend-svc/ionq_json.h"
#include "services/backend-svc/qbraid_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { SHOTS = 100, MAX_BITS = 80, MEMORY = 64 << 20 };

static void check_counts(const Qtaskdist__V1__TaskResult *result) {
    for (size_t i = 0; i < result->n_measurements; i++) {
        const char *key = result->measurements[i]->key;
        if (strspn(key, "01 ") != strlen(key)) {
            abort();
        }
    }
}

static void read_jobs(const qt_json_node *root, qt_arena *arena, qt_err *err) {
    qt_job_report report;
    char words[64];
    Qtaskdist__V1__Device *device = NULL;
    qt_qbraid_job(root, &report);
    qt_qbraid_job(qt_json_get(root, "data"), &report);
    qt_ionq_job(root, &report);
    qt_api_words(root, words, sizeof words);
    qt_qbraid_is_of_task(root, "t");
    qt_ionq_is_of_task(root, "t");
    qt_qbraid_has_next(root, 1, 10);
    (void)!qt_qbraid_device(root, arena, &device, err);
    (void)!qt_ionq_device(root, arena, &device, err);
}

static void read_results(const qt_json_node *root, const qt_layout *layout, qt_arena *arena,
                         qt_err *err) {
    Qtaskdist__V1__TaskResult result = QTASKDIST__V1__TASK_RESULT__INIT;
    qt_job_report report = {0};
    if (qt_qbraid_result(root, layout, SHOTS, arena, &result, &report, err) == QT_OK) {
        check_counts(&result);
    }
    if (qt_counts_of_qubits(root, layout, SHOTS, arena, &result, err) == QT_OK) {
        check_counts(&result);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_err err;
    const qt_json_node *root = NULL;
    uint32_t qubits[MAX_BITS];
    qt_layout layout;
    if (len == 0) {
        return 0;
    }
    uint32_t width = data[0] % MAX_BITS;
    const qt_layout_register registers[] = {{.size = width / 2}, {.size = width - width / 2}};
    for (uint32_t i = 0; i < width; i++) {
        qubits[i] = width - 1 - i;
    }
    layout = (qt_layout){
        .registers = registers, .register_count = 2, .bit_count = width, .qubit_of_bit = qubits};
    qt_arena_init(&arena, MEMORY);
    if (qt_json_tree_parse((const char *)data + 1, len - 1, 64, "measurements", &arena, &root,
                           &err) == QT_OK) {
        read_jobs(root, &arena, &err);
        read_results(root, &layout, &arena, &err);
    }
    char *text = qt_arena_strndup(&arena, (const char *)data, len);
    if (text != NULL) {
        (void)!qt_layout_parse(text, &arena, &layout, &err);
    }
    return 0;
}
