/* CPU seconds of the gates of some circuits in the statevector engine on one thread, the fastest
 * of some rounds. Beside them the time that one read and write of the whole state per gate takes
 * (what an engine without fusion cannot beat), and Qulacs, with and without its optimizer, on the
 * same gates in the same run.
 *
 *   bench_sim [QUBITS [ROUNDS]]      default: 20 qubits, 3 rounds */
#include "sim/sim.h"
#include "circuit/builder.h"
#include "sim/gates.h"
#include "sim/statevector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct maker {
    qt_builder builder;
    FILE *peer; /* the same gates as lines of text */
    uint32_t qubits;
    uint64_t random;
} maker;

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

static uint32_t below(maker *m, uint32_t limit) {
    m->random = m->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(m->random >> 33) % limit;
}

static void add(maker *m, const char *name, qt_gate gate, const uint32_t *qubits, size_t controls,
                const double *params) {
    qt_err err;
    const qt_gate_info *info = qt_gate_get_info(gate);
    check(qt_build_gate(&m->builder, gate, qubits, controls, params, &err), &err);
    fprintf(m->peer, "%s", name);
    for (size_t i = 0; i < controls + info->qubit_count; i++) {
        fprintf(m->peer, " %u", qubits[i]);
    }
    for (size_t i = 0; i < info->param_count; i++) {
        fprintf(m->peer, " %.17f", params[i]);
    }
    fputc('\n', m->peer);
}

static void one(maker *m, const char *name, qt_gate gate, uint32_t qubit, double angle) {
    add(m, name, gate, &qubit, 0, &angle);
}

static void two(maker *m, const char *name, qt_gate gate, uint32_t a, uint32_t b, double angle) {
    uint32_t qubits[2] = {a, b};
    add(m, name, gate, qubits, gate == QT_GATE_SWAP ? 0 : 1, &angle);
}

static void make_qft(maker *m) {
    uint32_t n = m->qubits;
    for (uint32_t q = 0; q < n; q++) {
        if (below(m, 2) == 1) {
            one(m, "x", QT_GATE_X, q, 0);
        }
    }
    for (uint32_t i = n; i-- > 0;) {
        one(m, "h", QT_GATE_H, i, 0);
        for (uint32_t k = i; k-- > 0;) {
            two(m, "cp", QT_GATE_P, k, i, M_PI / (double)(UINT64_C(1) << (i - k)));
        }
    }
    for (uint32_t i = 0; i < n / 2; i++) {
        two(m, "swap", QT_GATE_SWAP, i, n - 1 - i, 0);
    }
}

/* 20 cycles of random turns by pi/2, then CZ in one of four patterns on a 2-D grid. */
static void make_rqc(maker *m) {
    uint32_t width = (uint32_t)ceil(sqrt(m->qubits));
    for (uint32_t cycle = 0; cycle < 20; cycle++) {
        for (uint32_t q = 0; q < m->qubits; q++) {
            uint32_t which = below(m, 3);
            double w[3] = {M_PI_2, -M_PI_4, M_PI_4};
            if (which == 0) {
                one(m, "rx", QT_GATE_RX, q, M_PI_2);
            } else if (which == 1) {
                one(m, "ry", QT_GATE_RY, q, M_PI_2);
            } else {
                add(m, "u", QT_GATE_U, &q, 0, w);
            }
        }
        uint32_t step = cycle % 2 == 0 ? 1 : width;
        for (uint32_t q = 0; q + step < m->qubits; q++) {
            uint32_t along = step == 1 ? q % width : q / width;
            bool inside = step != 1 || q % width + 1 < width;
            if (inside && along % 2 == cycle / 2 % 2) {
                two(m, "cz", QT_GATE_Z, q, q + step, 0);
            }
        }
    }
}

/* 10 layers of ry, rz and a ladder of CX. */
static void make_hea(maker *m) {
    for (uint32_t layer = 0; layer < 10; layer++) {
        for (uint32_t q = 0; q < m->qubits; q++) {
            one(m, "ry", QT_GATE_RY, q, 0.001 * below(m, 6283) + 0.0001);
            one(m, "rz", QT_GATE_RZ, q, 0.001 * below(m, 6283) + 0.0001);
        }
        for (uint32_t q = 0; q + 1 < m->qubits; q++) {
            two(m, "cx", QT_GATE_X, q, q + 1, 0);
        }
    }
}

static void add_u(maker *m, uint32_t qubit) {
    double p[3];
    for (int i = 0; i < 3; i++) {
        p[i] = 0.001 * below(m, 6283) + 0.0001;
    }
    add(m, "u", QT_GATE_U, &qubit, 0, p);
}

/* 10 layers of blocks of 8 u and 3 CX on random pairs. */
static void make_qv(maker *m) {
    uint32_t order[64];
    for (uint32_t layer = 0; layer < 10; layer++) {
        for (uint32_t q = 0; q < m->qubits; q++) {
            uint32_t at = below(m, q + 1);
            order[q] = order[at];
            order[at] = q;
        }
        for (uint32_t i = 0; i + 1 < m->qubits; i += 2) {
            for (uint32_t k = 0; k < 4; k++) {
                add_u(m, order[i]);
                add_u(m, order[i + 1]);
                if (k < 3) {
                    two(m, "cx", QT_GATE_X, order[i + k % 2], order[i + 1 - k % 2], 0);
                }
            }
        }
    }
}

static void make_ghz(maker *m) {
    one(m, "h", QT_GATE_H, 0, 0);
    for (uint32_t q = 0; q + 1 < m->qubits; q++) {
        two(m, "cx", QT_GATE_X, q, q + 1, 0);
    }
}

static double time_gates(const qt_circuit *c, int rounds) {
    qt_err err;
    qt_engine engine = {0};
    qt_engine_stop never = {NULL, NULL};
    double best = INFINITY;
    check(qt_statevector_new(c->num_qubits, 1, never, &engine, &err), &err);
    for (int round = 0; round < rounds; round++) {
        check(engine.ops->restart(engine.self, &err), &err);
        double start = cpu_seconds();
        for (size_t i = 0; i < c->op_count; i++) {
            const qt_op *op = &c->ops[i];
            qt_engine_gate gate = {(qt_gate)op->sub, qt_op_qubits(c, op), op->qubit_count,
                                   op->control_count, qt_gate_params(c, op)};
            check(engine.ops->gate(engine.self, &gate, &err), &err);
        }
        check(engine.ops->flush(engine.self, &err), &err);
        best = fmin(best, cpu_seconds() - start);
    }
    engine.ops->free(engine.self);
    return best;
}

/* One read and write of a state of this size, the fastest of some. */
static double sweep_seconds(uint32_t qubits) {
    size_t count = (size_t)2 << qubits;
    double *state = aligned_alloc(64, count * sizeof *state);
    double best = INFINITY;
    if (state == NULL) {
        return 0;
    }
    memset(state, 0, count * sizeof *state);
    for (int round = 0; round < 7; round++) {
        double start = cpu_seconds();
        for (size_t i = 0; i < count; i++) {
            state[i] += 1;
        }
        best = fmin(best, cpu_seconds() - start);
        __asm__ volatile("" : : "r"(state) : "memory");
    }
    free(state);
    return best;
}

/* Plain and optimized; false when Qulacs cannot be had. */
static bool peer_seconds(const char *gates, double *ret_plain, double *ret_optimized) {
    char command[1024];
    snprintf(command, sizeof command, "exec python3 '%s' '%s' '%s'", QT_SIM_PEER, QT_SIM_PEER_ENV,
             gates);
    FILE *out = popen(command, "r");
    if (out == NULL) {
        return false;
    }
    bool ok = fscanf(out, "%lf %lf", ret_plain, ret_optimized) == 2;
    return pclose(out) == 0 && ok;
}

static double sample_seconds(const qt_circuit *c, uint32_t shots) {
    qt_err err;
    qt_engine engine = {0};
    qt_engine_stop never = {NULL, NULL};
    qt_rng rng;
    qt_tally tally;
    uint32_t qubits[64];
    check(qt_statevector_new(c->num_qubits, 1, never, &engine, &err), &err);
    for (uint32_t q = 0; q < c->num_qubits; q++) {
        qubits[q] = q;
        qt_engine_gate h = {QT_GATE_H, &qubits[q], 1, 0, NULL};
        check(engine.ops->gate(engine.self, &h, &err), &err);
    }
    check(engine.ops->flush(engine.self, &err), &err);
    qt_rng_init(&rng, 1);
    qt_tally_init(&tally, c->num_qubits);
    double start = cpu_seconds();
    check(engine.ops->sample(engine.self, qubits, c->num_qubits, shots, &rng, &tally, &err), &err);
    double seconds = cpu_seconds() - start;
    qt_tally_done(&tally);
    engine.ops->free(engine.self);
    return seconds;
}

typedef struct figures {
    double ours, peer;
    bool has_peer;
} figures;

static qt_circuit *make(const char *path, uint32_t qubits, void (*fill)(maker *)) {
    qt_err err;
    maker m = {.qubits = qubits, .random = 12345, .peer = fopen(path, "w")};
    uint32_t reg = 0;
    qt_circuit *c = NULL;
    if (m.peer == NULL) {
        perror(path);
        exit(1);
    }
    fprintf(m.peer, "qubits %u\n", qubits);
    check(qt_builder_init(&m.builder, &qt_circuit_default_limits, &err), &err);
    check(qt_build_register(&m.builder, QT_REGISTER_QUBIT, "q", qubits, &reg, &err), &err);
    fill(&m);
    check(qt_builder_finish(&m.builder, &c, &err), &err);
    qt_builder_done(&m.builder);
    fclose(m.peer);
    return c;
}

static figures run(const char *name, uint32_t qubits, int rounds, double sweep,
                   void (*fill)(maker *)) {
    char path[] = "/tmp/bench_sim_XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    close(fd);
    qt_circuit *c = make(path, qubits, fill);
    double plain = 0;
    double optimized = 0;
    figures f = {.ours = time_gates(c, rounds)};
    f.has_peer = peer_seconds(path, &plain, &optimized);
    f.peer = fmin(plain, optimized);
    printf("%-4s %6zu gates  ours %8.4f s  sweep per gate %8.4f s", name, c->op_count, f.ours,
           sweep * (double)c->op_count);
    if (f.has_peer) {
        printf("  qulacs %8.4f s, optimized %8.4f s  (%.1f x)", plain, optimized, f.peer / f.ours);
    }
    printf("\n");
    fflush(stdout);
    qt_circuit_free(c);
    unlink(path);
    return f;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*fill)(maker *);
    } circuits[] = {{"qft", make_qft},
                    {"rqc", make_rqc},
                    {"qv", make_qv},
                    {"hea", make_hea},
                    {"ghz", make_ghz}};
    uint32_t qubits = argc > 1 ? (uint32_t)atoi(argv[1]) : 20;
    int rounds = argc > 2 ? atoi(argv[2]) : 3;
    double sweep = sweep_seconds(qubits);
    double ours = 0;
    double peer = 0;
    bool has_peer = true;
    printf("%u qubits, one thread, CPU seconds; one sweep over the state %.5f s\n", qubits, sweep);
    for (size_t i = 0; i < sizeof circuits / sizeof *circuits; i++) {
        figures f = run(circuits[i].name, qubits, rounds, sweep, circuits[i].fill);
        ours += f.ours;
        peer += f.peer;
        has_peer = has_peer && f.has_peer;
    }
    qt_circuit size = {.num_qubits = qubits};
    printf("1000000 samples of a uniform state: %.4f s\n", sample_seconds(&size, 1000000));
    printf("{\"bench\":\"sim\",\"value\":%.4f,\"unit\":\"s\",", ours);
    if (has_peer) {
        printf("\"peer\":\"qulacs\",\"peer_value\":%.4f,\"ratio\":%.2f}\n", peer, peer / ours);
    } else {
        printf("\"peer\":\"qulacs (skipped: not available)\",\"peer_value\":null,"
               "\"ratio\":null}\n");
    }
    return 0;
}
