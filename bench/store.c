/* Durable creates per second through task-svc's committer, with 1, 50 and 1,000 callers at a time,
 * the median of some rounds. Beside them, in the same run, on the same private PostgreSQL (fsync
 * and synchronous_commit on), what a program does that has no committer: each caller has its own
 * connection and commits one prepared INSERT of the same bytes into a table with nothing but a
 * primary key. Then the whole life of short tasks, create and result, at 1,000 at a time.
 *
 *   bench_store [ROUNDS [MILLISECONDS]]      default: 5 rounds of 1,000 ms per figure */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "services/task-svc/app.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROUNDS = 51, MAX_CALLERS = 1000, LOADS = 3, PEER_LOADS = 2, SPEC_BYTES = 130 };

static const size_t loads[LOADS] = {1, 50, 1000};

static char spec[SPEC_BYTES];

static int64_t now_us(void) {
    return qt_clock_mono_us(qt_clock_system());
}

static void check(qt_code code, const qt_err *err) {
    if (code != QT_OK) {
        fprintf(stderr, "bench_store: %s\n", err->msg);
        exit(1);
    }
}

/* ---- a private PostgreSQL ---- */

#define PG_BIN "/usr/lib/postgresql/15/bin"

/* Runs a command as the user that PostgreSQL accepts; `dir` is its last word but `rest`. */
static void run_pg(const char *command, const char *dir, const char *rest) {
    char line[600];
    const char *user =
        geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups " : "";
    snprintf(line, sizeof line, "cd / && %s" PG_BIN "/%s %s/data %s >/dev/null", user, command, dir,
             rest);
    if (system(line) != 0) {
        fprintf(stderr, "bench_store: failed: %s\n", line);
        exit(1);
    }
}

static void start_pg(char *dir) {
    char line[200];
    char options[200];
    if (mkdtemp(dir) == NULL) {
        exit(1);
    }
    snprintf(line, sizeof line, "[ $(id -u) != 0 ] || chown postgres %s", dir);
    if (system(line) != 0) {
        exit(1);
    }
    run_pg("initdb -U postgres --auth=trust --locale=C --encoding=UTF8 -D", dir, "");
    snprintf(options, sizeof options, "-w -l %s/log -o '-k %s -c listen_addresses='", dir, dir);
    run_pg("pg_ctl start -D", dir, options);
}

static void stop_pg(const char *dir) {
    char line[200];
    run_pg("pg_ctl stop -m immediate -D", dir, "");
    snprintf(line, sizeof line, "rm -rf %s", dir);
    if (system(line) != 0) {
        exit(1);
    }
}

/* ---- the committer: each caller sends its next operation when its last is committed ---- */

typedef struct load {
    qt_committer *committer;
    bool whole_life;
    atomic_bool is_over;
    atomic_size_t tasks;
    atomic_size_t busy;
} load;

static void next_op(qt_task_op *op);

static void op_done(qt_task_op *op) {
    load *l = op->arg;
    check(op->code, &op->err);
    if (!l->whole_life || op->kind == QT_TASK_OP_COMPLETE) {
        atomic_fetch_add(&l->tasks, 1);
    }
    if (atomic_load(&l->is_over)) {
        atomic_fetch_sub(&l->busy, 1);
        return;
    }
    next_op(op);
}

static void make_create(qt_task_op *op) {
    op->kind = QT_TASK_OP_CREATE;
    op->id = qt_uuid7_make(qt_clock_system());
    op->create.row = (qt_row){.id = op->id,
                              .project = qt_span_of("default"),
                              .type = 1,
                              .priority = 2,
                              .max_retries = 3,
                              .spec = {spec, SPEC_BYTES},
                              .meta_data = qt_span_of("{\"num_qubits\":2,\"depth\":3}")};
    op->create.enqueue = true;
    op->create.idem_key = (qt_span){0};
}

static void next_op(qt_task_op *op) {
    const load *l = op->arg;
    qt_err err;
    op->bytes = 512;
    op->is_unsure = false;
    if (l->whole_life && op->kind == QT_TASK_OP_CREATE && op->id.bytes[0] != 0) {
        op->kind = QT_TASK_OP_COMPLETE;
        op->outcome = (qt_outcome){.worker = qt_span_of("bench"),
                                   .dispatch_seq = 1,
                                   .is_result = true,
                                   .result = {spec, SPEC_BYTES}};
    } else {
        make_create(op);
    }
    check(qt_committer_push(l->committer, op, &err), &err);
}

static void nap_us(int64_t us) {
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&ts, NULL);
}

/* Tasks per second. */
static double run_committer(qt_committer *committer, size_t callers, bool whole_life, int ms) {
    static qt_task_op ops[MAX_CALLERS];
    load l = {.committer = committer, .whole_life = whole_life};
    atomic_init(&l.busy, callers);
    int64_t start = now_us();
    for (size_t i = 0; i < callers; i++) {
        ops[i] = (qt_task_op){.done = op_done, .arg = &l};
        next_op(&ops[i]);
    }
    nap_us((int64_t)ms * 1000);
    size_t tasks = atomic_load(&l.tasks);
    int64_t end = now_us();
    atomic_store(&l.is_over, true);
    while (atomic_load(&l.busy) > 0) {
        nap_us(1000);
    }
    return (double)tasks * 1e6 / (double)(end - start);
}

static qt_committer *new_committer(const char *url) {
    qt_committer *committer = NULL;
    qt_err err;
    const qt_committer_options options = {.url = url,
                                          .connect_timeout_ms = 5000,
                                          .command_timeout_ms = 30000,
                                          .lanes = 2,
                                          .batch = 1000,
                                          .batch_bytes = 1 << 20,
                                          .queue_limit = 50000,
                                          .lease_ms = 15000,
                                          .max_crashes = 3,
                                          .inline_bytes = 4096,
                                          .idempotency_hours = 72};
    check(qt_committer_new(&options, &committer, &err), &err);
    return committer;
}

/* ---- the peer: a connection and a commit per caller ---- */

typedef struct peer {
    pthread_t thread;
    PGconn *conn;
    int64_t end_us;
    size_t rows;
} peer;

static void must(PGconn *conn, PGresult *result) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fprintf(stderr, "bench_store: %s", PQerrorMessage(conn));
        exit(1);
    }
    PQclear(result);
}

static PGconn *peer_connect(const char *url) {
    PGconn *conn = PQconnectdb(url);
    must(conn, PQexec(conn, "SET client_min_messages = error"));
    must(conn, PQexec(conn, "CREATE TABLE IF NOT EXISTS plain (id uuid PRIMARY KEY, spec bytea,"
                            " meta_data jsonb, created_at timestamptz DEFAULT now())"));
    must(conn, PQprepare(conn, "put", "INSERT INTO plain VALUES ($1::uuid, $2::bytea, $3::jsonb)",
                         0, NULL));
    return conn;
}

static void *peer_main(void *arg) {
    peer *p = arg;
    while (now_us() < p->end_us) {
        qt_uuid id = qt_uuid7_make(qt_clock_system());
        char text[QT_UUID_TEXT_BYTES];
        const char *const values[] = {text, spec, "{\"num_qubits\":2,\"depth\":3}"};
        const int lengths[] = {0, SPEC_BYTES, 0};
        const int formats[] = {0, 1, 0};
        qt_uuid_format(&id, text);
        must(p->conn, PQexecPrepared(p->conn, "put", 3, values, lengths, formats, 0));
        p->rows++;
    }
    return NULL;
}

static double run_peer(peer *peers, size_t callers, int ms) {
    int64_t start = now_us();
    size_t rows = 0;
    for (size_t i = 0; i < callers; i++) {
        peers[i].rows = 0;
        peers[i].end_us = start + (int64_t)ms * 1000;
        if (pthread_create(&peers[i].thread, NULL, peer_main, &peers[i]) != 0) {
            exit(1);
        }
    }
    for (size_t i = 0; i < callers; i++) {
        pthread_join(peers[i].thread, NULL);
        rows += peers[i].rows;
    }
    return (double)rows * 1e6 / (double)(now_us() - start);
}

/* ---- */

typedef struct figures {
    double creates[LOADS][MAX_ROUNDS];
    double peers[PEER_LOADS][MAX_ROUNDS];
    double lives[MAX_ROUNDS];
} figures;

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static void report(figures *f, int rounds) {
    double creates[LOADS];
    double peers[PEER_LOADS];
    for (int i = 0; i < LOADS; i++) {
        creates[i] = median(f->creates[i], rounds);
    }
    for (int i = 0; i < PEER_LOADS; i++) {
        peers[i] = median(f->peers[i], rounds);
    }
    printf("%-28s %10s %10s %10s\n", "per second, callers:", "1", "50", "1000");
    printf("%-28s %10.0f %10.0f %10.0f\n", "creates, committer", creates[0], creates[1],
           creates[2]);
    printf("%-28s %10.0f %10.0f\n", "single-row commits, libpq", peers[0], peers[1]);
    printf("%-28s %10s %10s %10.0f\n", "create and result, committer", "", "",
           median(f->lives, rounds));
    printf("{\"bench\":\"store\",\"value\":%.0f,\"unit\":\"creates/s (50 callers)\","
           "\"peer\":\"libpq, one INSERT per commit, 50 connections\",\"peer_value\":%.0f,"
           "\"ratio\":%.3f}\n",
           creates[1], peers[1], creates[1] / peers[1]);
}

static void run_all(const char *url, int rounds, int ms) {
    static figures f;
    static peer peers[50];
    qt_committer *committer = new_committer(url);
    for (size_t i = 0; i < loads[1]; i++) {
        peers[i].conn = peer_connect(url);
    }
    for (int round = 0; round < rounds; round++) { /* interleaved, so all see the same machine */
        for (int i = 0; i < LOADS; i++) {
            f.creates[i][round] = run_committer(committer, loads[i], false, ms);
            if (i < PEER_LOADS) {
                f.peers[i][round] = run_peer(peers, loads[i], ms);
            }
        }
        f.lives[round] = run_committer(committer, MAX_CALLERS, true, ms);
    }
    qt_committer_free(committer);
    for (size_t i = 0; i < loads[1]; i++) {
        PQfinish(peers[i].conn);
    }
    report(&f, rounds);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    int ms = argc > 2 ? atoi(argv[2]) : 1000;
    rounds = rounds < 1 ? 1 : rounds < MAX_ROUNDS ? rounds : MAX_ROUNDS;
    ms = ms < 10 ? 10 : ms;
    char dir[] = "/tmp/qt-bench-XXXXXX";
    char url[100];
    qt_err err;
    int applied = 0;
    qt_log_init("bench", QT_LOG_ERROR);
    memset(spec, 'q', sizeof spec);
    start_pg(dir);
    snprintf(url, sizeof url, "host=%s user=postgres dbname=postgres", dir);
    const qt_config config = {.database_url = url, .db_connect_timeout_ms = 5000};
    check(qt_app_migrate(&config, &applied, &err), &err);
    run_all(url, rounds, ms);
    stop_pg(dir);
    return 0;
}
