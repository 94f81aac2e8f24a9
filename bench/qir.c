/* CPU seconds from OpenQASM 3 text to QIR text on one thread, the median of some rounds: a long
 * program for the speed of the writer alone and of the whole way, and a short one that qbraid-qir
 * converts in the same run, for the comparison.
 *
 *   bench_qir [GATES [PEER_GATES [ROUNDS]]]      default: 1,000,000 gates, 5,000, 5 rounds */
#include "qir/qir.h"
#include "base/cleanup.h"
#include "qasm/qasm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { QUBITS = 32, MAX_ROUNDS = 101 };

typedef struct times {
    double parse[MAX_ROUNDS], write[MAX_ROUNDS], total[MAX_ROUNDS];
    size_t text_bytes;
} times;

static void check(qt_code code, const qt_err *err) {
    if (code != QT_OK) {
        fprintf(stderr, "%s\n", err->msg);
        exit(1);
    }
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint32_t below(uint64_t *random, uint32_t limit) {
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 33) % limit;
}

static void add_gate(qt_buf *program, uint64_t *random) {
    static const char *const plain[] = {"h", "x", "s", "t"};
    uint32_t a = below(random, QUBITS);
    uint32_t b = (a + 1 + below(random, QUBITS - 1)) % QUBITS;
    switch (below(random, 4)) {
    case 0:
        qt_buf_printf(program, "%s q[%u];\n", plain[below(random, 4)], a);
        break;
    case 1:
        qt_buf_printf(program, "%s(0.%u) q[%u];\n", below(random, 2) > 0 ? "rz" : "ry",
                      below(random, 1000000), a);
        break;
    default:
        qt_buf_printf(program, "%s q[%u], q[%u];\n", below(random, 2) > 0 ? "cx" : "cz", a, b);
        break;
    }
}

static void make_program(qt_buf *program, size_t gates) {
    uint64_t random = 1;
    qt_buf_printf(program, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[%d] q;\nbit[%d] c;\n",
                  QUBITS, QUBITS);
    for (size_t i = 0; i < gates; i++) {
        add_gate(program, &random);
    }
    qt_buf_add_str(program, "c = measure q;\n");
}

static void convert(const qt_buf *program, times *t, int round) {
    qt_err err;
    qt_qasm_options options = {.max_bytes = program->len};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    double start = cpu_seconds();
    check(qt_qasm_parse(program->data, program->len, &options, &circuit, NULL, &err), &err);
    double middle = cpu_seconds();
    qt_qir_options qir = {.version = QT_QIR_2_0};
    check(qt_qir_write(circuit, &qir, &text, NULL, &err), &err);
    double end = cpu_seconds();
    t->parse[round] = middle - start;
    t->write[round] = end - middle;
    t->total[round] = end - start;
    t->text_bytes = text.len;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

/* Seconds that the peer takes for the program; 0 when it cannot be had. */
static double peer_seconds(const qt_buf *program) {
    char path[] = "/tmp/bench-qir-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, program->data, program->len) != (ssize_t)program->len) {
        perror("mkstemp");
        exit(1);
    }
    close(fd);
    char command[1024];
    snprintf(command, sizeof command, "python3 '%s' '%s' '%s'", QT_QIR_PEER, QT_QIR_PEER_ENV, path);
    double seconds = 0;
    FILE *pipe = popen(command, "r");
    if (pipe == NULL || fscanf(pipe, "%lf", &seconds) != 1) {
        seconds = 0;
    }
    if (pipe != NULL) {
        pclose(pipe);
    }
    unlink(path);
    return seconds;
}

static size_t argument(int argc, char **argv, int i, size_t otherwise) {
    return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    size_t gates = argument(argc, argv, 1, 1000000);
    size_t peer_gates = argument(argc, argv, 2, 5000);
    size_t asked = argument(argc, argv, 3, 5);
    int rounds = asked < 1 ? 1 : asked > MAX_ROUNDS ? MAX_ROUNDS : (int)asked;
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    make_program(&program, gates);
    times t = {.text_bytes = 0};
    for (int i = 0; i < rounds; i++) {
        convert(&program, &t, i);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double mb = 1e-6 * (double)t.text_bytes;
    double text_speed = mb / median(t.write, rounds);
    double memory = 1024.0 * (double)usage.ru_maxrss / (double)(program.len + t.text_bytes);
    printf(
        "%zu gates: %.1f MB in, %.1f MB out; parse %.3f s, write %.3f s (%.0f MB/s), all %.3f s; "
        "peak memory %.1f times input and output\n",
        gates, 1e-6 * (double)program.len, mb, median(t.parse, rounds), median(t.write, rounds),
        text_speed, median(t.total, rounds), memory);
    QT_CLEANUP(qt_buf_done) qt_buf small = {0};
    make_program(&small, peer_gates);
    times s = {.text_bytes = 0};
    for (int i = 0; i < rounds; i++) {
        convert(&small, &s, i);
    }
    double ours = (double)peer_gates / median(s.total, rounds);
    double seconds = peer_seconds(&small);
    double theirs = seconds > 0 ? (double)peer_gates / seconds : 0;
    printf("{\"bench\":\"qir\",\"value\":%.0f,\"unit\":\"gates/"
           "s\",\"peer\":\"%s\",\"peer_value\":%.0f,"
           "\"ratio\":%.1f,\"text_mb_per_s\":%.0f,\"memory_ratio\":%.2f}\n",
           ours, theirs > 0 ? "qbraid-qir" : "none", theirs, theirs > 0 ? ours / theirs : 0,
           text_speed, memory);
    return 0;
}
