/* program_tool KIND TARGET: reads a program from standard input, writes it to standard output in
 * another format. For tests with other people's tools. */
#include "base/cleanup.h"
#include "program/program.h"

#include <stdio.h>
#include <stdlib.h>

static void read_all(qt_buf *buf) {
    enum { STEP = 65536 };
    size_t got = 1;
    while (got > 0) {
        char *to = qt_buf_reserve(buf, STEP);
        got = to != NULL ? fread(to, 1, STEP, stdin) : 0;
        buf->len += got;
    }
}

int main(int argc, char **argv) {
    QT_CLEANUP(qt_buf_done) qt_buf in = {0};
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    qt_program_kind kind = QT_PROGRAM_QASM;
    qt_program_target target = QT_PROGRAM_TO_OPENQASM3;
    qt_err err;
    if (argc != 3 || !qt_program_kind_by_name(argv[1], &kind) ||
        !qt_program_target_by_name(argv[2], &target)) {
        fprintf(stderr, "usage: program_tool KIND TARGET\n");
        return EXIT_FAILURE;
    }
    read_all(&in);
    qt_code code = qt_program_read(kind, qt_buf_str(&in), in.len, NULL, &circuit, NULL, &err);
    if (code == QT_OK) {
        code = qt_program_write(circuit, target, NULL, &out, NULL, &err);
    }
    if (code != QT_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return EXIT_FAILURE;
    }
    fwrite(qt_buf_str(&out), 1, out.len, stdout);
    return EXIT_SUCCESS;
}
