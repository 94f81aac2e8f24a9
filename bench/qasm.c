/* How fast OpenQASM is read: CPU seconds on one core, the median of some rounds, for generated
 * programs of 1 MB and of 100 MB in both languages; the peak memory of a process that reads one,
 * all of it: program, text and circuit; and the ratio to Qiskit's Rust loaders on the same files in
 * the same run: qasm2.load, and qasm3.load_experimental for OpenQASM 3. Beside them a scan of the
 * same bytes for line ends, what no parser can beat.
 *
 *   bench_qasm [MEGABYTES [ROUNDS]]      default: 100 MB, 3 rounds; 0 MB: only the file of 1 MB */
#include "qasm/qasm.h"
#include "base/buf.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { QUBITS = 24, MEGABYTE = 1000000 };

typedef struct sample {
    double seconds;
    double peak_bytes; /* of the process, the text included */
    double ops;
} sample;

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint32_t below(uint64_t *random, uint32_t limit) {
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*random >> 33) % limit;
}

static double angle(uint64_t *random) {
    return ((double)below(random, 1U << 30) / (double)(1U << 30) - 0.5) * 12.566370614359172;
}

/* The mix of QASMBench's large files: half two-qubit gates, the rest rotations with all digits. */
static void add_line(qt_buf *text, unsigned language, uint64_t *random) {
    uint32_t a = below(random, QUBITS);
    uint32_t b = (a + 1 + below(random, QUBITS - 1)) % QUBITS;
    switch (below(random, 10)) {
    case 0:
        qt_buf_printf(text, "h q[%u];\n", a);
        break;
    case 1:
        if (language == 3) { /* qasm3.load_experimental has no constants */
            qt_buf_printf(text, "rx(%.4f) q[%u];\n", angle(random), a);
        } else {
            qt_buf_printf(text, "rx(pi/%u) q[%u];\n", 1 + below(random, 16), a);
        }
        break;
    case 2:
        qt_buf_printf(text, "ry(%.16g) q[%u];\n", angle(random), a);
        break;
    case 3:
    case 4:
        qt_buf_printf(text, "rz(%.16g) q[%u];\n", angle(random), a);
        break;
    case 5:
        qt_buf_printf(text, "cz q[%u], q[%u];\n", a, b);
        break;
    default:
        qt_buf_printf(text, "cx q[%u],q[%u];\n", a, b);
        break;
    }
}

static void generate(qt_buf *text, unsigned language, size_t bytes) {
    uint64_t random = 1;
    if (language == 2) {
        qt_buf_printf(text, "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[%d];\ncreg c[%d];\n",
                      QUBITS, QUBITS);
    } else {
        qt_buf_printf(text, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[%d] q;\nbit[%d] c;\n",
                      QUBITS, QUBITS);
    }
    while (text->len < bytes && !text->failed) {
        add_line(text, language, &random);
    }
    qt_buf_add_str(text, language == 2 ? "measure q -> c;\n" : "c = measure q;\n");
    qt_err err;
    if (qt_buf_check(text, &err) != QT_OK) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
}

static void parse(const qt_buf *text, sample *ret) {
    const qt_qasm_options options = {.max_bytes = SIZE_MAX};
    qt_err err;
    qt_circuit *circuit = NULL;
    double start = cpu_seconds();
    if (qt_qasm_parse(text->data, text->len, &options, &circuit, NULL, &err) != QT_OK) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    ret->seconds = cpu_seconds() - start;
    ret->ops = (double)circuit->op_count;
    qt_circuit_free(circuit);
}

/* In a process of its own, whose peak memory tells what one parse takes. */
static sample parse_apart(unsigned language, size_t bytes) {
    int fds[2];
    sample s = {0};
    fflush(stdout);
    if (pipe(fds) != 0) {
        exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        qt_buf text = {0};
        struct rusage usage;
        /* Room for all of it at once: growing would copy, and count as memory of the parser. */
        qt_buf_reserve(&text, bytes + 256);
        generate(&text, language, bytes);
        parse(&text, &s);
        getrusage(RUSAGE_SELF, &usage);
        s.peak_bytes = (double)usage.ru_maxrss * 1024;
        _exit(write(fds[1], &s, sizeof s) == sizeof s ? 0 : 1);
    }
    close(fds[1]);
    bool ok = pid > 0 && read(fds[0], &s, sizeof s) == (ssize_t)sizeof s;
    close(fds[0]);
    waitpid(pid, NULL, 0);
    if (!ok) {
        exit(1);
    }
    return s;
}

static int by_seconds(const void *a, const void *b) {
    double x = ((const sample *)a)->seconds;
    double y = ((const sample *)b)->seconds;
    return (x > y) - (x < y);
}

enum { MAX_ROUNDS = 99 };

/* The median time, and the largest peak of memory. */
static sample median_of(unsigned language, size_t bytes, int rounds) {
    sample samples[MAX_ROUNDS];
    rounds = rounds < 1 ? 1 : rounds < MAX_ROUNDS ? rounds : MAX_ROUNDS;
    double peak = 0;
    for (int i = 0; i < rounds; i++) {
        samples[i] = parse_apart(language, bytes);
        peak = samples[i].peak_bytes > peak ? samples[i].peak_bytes : peak;
    }
    qsort(samples, (size_t)rounds, sizeof *samples, by_seconds);
    sample median = samples[rounds / 2];
    median.peak_bytes = peak;
    return median;
}

static double scan_speed(const qt_buf *text) {
    double start = cpu_seconds();
    size_t lines = 0;
    enum { ROUNDS = 20 };
    for (int i = 0; i < ROUNDS; i++) {
        const char *p = text->data;
        const char *end = p + text->len;
        while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
            lines++;
            p++;
        }
    }
    double seconds = cpu_seconds() - start;
    return lines > 0 ? (double)text->len * ROUNDS / seconds / MEGABYTE : 0;
}

/* Qiskit's CPU seconds for the file, or 0. */
static double peer_seconds(unsigned language, const qt_buf *text, int rounds) {
    char path[] = "/tmp/qt-bench-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) {
        return 0;
    }
    char command[2048];
    double seconds = 0;
    double ops = 0;
    snprintf(command, sizeof command, "python3 '%s' '%s' '%s' %u %d", QT_PEER, QT_PEER_ENVIRONMENT,
             path, language, rounds);
    size_t written = 0;
    for (ssize_t n = 1; written < text->len && n > 0; written += n > 0 ? (size_t)n : 0) {
        n = write(fd, text->data + written, text->len - written);
    }
    FILE *peer = written == text->len ? popen(command, "r") : NULL;
    bool ok = peer != NULL && fscanf(peer, "%lf %lf", &seconds, &ops) == 2 && seconds > 0;
    if (peer != NULL) {
        pclose(peer);
    }
    close(fd);
    unlink(path);
    return ok ? seconds : 0;
}

/* Written and read again for the peer after our own rounds, which measure their memory. */
static double peer_speed(unsigned language, size_t bytes) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_buf_reserve(&text, bytes + 256);
    generate(&text, language, bytes);
    double seconds = peer_seconds(language, &text, bytes > 10 * MEGABYTE ? 1 : 3);
    return seconds > 0 ? (double)text.len / seconds / MEGABYTE : 0;
}

static const char *peer_name(unsigned language) {
    return language == 2 ? "qiskit qasm2.load" : "qiskit qasm3.load_experimental";
}

/* One line for people and one for programs. */
static void measure(unsigned language, size_t bytes, int rounds, double scan) {
    sample s = median_of(language, bytes, rounds);
    double megabytes = (double)bytes / MEGABYTE;
    double speed = megabytes / s.seconds;
    double peer = peer_speed(language, bytes);
    const char *name = peer > 0 ? peer_name(language) : "scan for line ends";
    if (peer <= 0) {
        printf("Qiskit cannot be had here: the peer is the scan of the bytes\n");
        peer = scan;
    }
    printf("OpenQASM %u, %4.0f MB: %7.1f MB/s, %5.2f million gates/s, peak memory %.2f x the file; "
           "%s %.2f MB/s, ratio %.1f\n",
           language, megabytes, speed, s.ops / s.seconds / 1e6, s.peak_bytes / (double)bytes, name,
           peer, speed / peer);
    printf("{\"bench\": \"qasm\", \"language\": %u, \"file_mb\": %.0f, \"value\": %.2f, "
           "\"unit\": \"MB/s\", \"gates_per_s\": %.0f, \"peak_ratio\": %.2f, \"peer\": \"%s\", "
           "\"peer_value\": %.2f, \"ratio\": %.2f}\n",
           language, megabytes, speed, s.ops / s.seconds, s.peak_bytes / (double)bytes, name, peer,
           speed / peer);
    fflush(stdout);
}

static double scan_of_a_megabyte(void) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    generate(&text, 2, MEGABYTE);
    double scan = scan_speed(&text);
    printf("scan for line ends:   %7.0f MB/s\n", scan);
    return scan;
}

int main(int argc, char **argv) {
    enum { MORE_ROUNDS = 3 }; /* of a short run */
    size_t large = (argc > 1 ? (size_t)atol(argv[1]) : 100) * MEGABYTE;
    int rounds = argc > 2 ? atoi(argv[2]) : 3;
    double scan = scan_of_a_megabyte();
    for (unsigned language = 3; language >= 2; language--) {
        measure(language, MEGABYTE, rounds * MORE_ROUNDS, scan);
        if (large > 0) {
            measure(language, large, rounds, scan);
        }
    }
    return 0;
}
