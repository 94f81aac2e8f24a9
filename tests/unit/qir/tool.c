/* For interop.py: `qir_tool convert FILE 1|2` prints an OpenQASM program as QIR, `qir_tool bitcode
 * FILE 1|2` its bitcode, `qir_tool run FILE SHOTS` prints the counts of an OpenQASM (.qasm) or QIR
 * program, one "KEY COUNT" a line. */
#include "base/cleanup.h"
#include "qasm/qasm.h"
#include "qir/llvm.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(qt_code code, const qt_err *err) {
    if (code != QT_OK) {
        fprintf(stderr, "%s\n", err->msg);
        exit(1);
    }
}

static qt_circuit *load(const char *path) {
    QT_CLEANUP(qt_buf_done) qt_buf data = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    char part[4096];
    for (size_t n = 0; (n = fread(part, 1, sizeof part, file)) > 0;) {
        qt_buf_add(&data, part, n);
    }
    fclose(file);
    qt_err err;
    qt_circuit *circuit = NULL;
    const char *end = strrchr(path, '.');
    bool qasm = end != NULL && strcmp(end, ".qasm") == 0;
    check(qasm ? qt_qasm_parse(qt_buf_str(&data), data.len, NULL, &circuit, NULL, &err)
               : qt_qir_read(qt_buf_str(&data), data.len, NULL, &circuit, &err),
          &err);
    return circuit;
}

static void convert(const qt_circuit *circuit, const char *version, bool to_bitcode) {
    qt_err err;
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_qir_options options = {.version = version[0] == '1' ? QT_QIR_1_0 : QT_QIR_2_0};
    check(qt_qir_write(circuit, &options, &text, NULL, &err), &err);
    if (to_bitcode) {
        QT_CLEANUP(qt_buf_done) qt_buf bitcode = {0};
        check(qt_qir_to_bitcode(text.data, text.len, options.version, &bitcode, &err), &err);
        fwrite(bitcode.data, 1, bitcode.len, stdout);
    } else {
        fwrite(text.data, 1, text.len, stdout);
    }
}

static void run(const qt_circuit *circuit, const char *shots) {
    qt_err err;
    qt_sim_options options = {.shots = (uint32_t)strtoul(shots, NULL, 10), .seed = 1};
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *result = NULL;
    check(qt_sim_run(circuit, &options, &result, &err), &err);
    for (size_t i = 0; i < result->count_count; i++) {
        printf("%s\t%u\n", result->counts[i].key, result->counts[i].count);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        return 2;
    }
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = load(argv[2]);
    bool to_bitcode = strcmp(argv[1], "bitcode") == 0;
    if (to_bitcode || strcmp(argv[1], "convert") == 0) {
        convert(circuit, argv[3], to_bitcode);
    } else {
        run(circuit, argv[3]);
    }
    return 0;
}
