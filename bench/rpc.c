/* Calls per second of the RPC server with 1, 8 and 64 calls at a time, each an echo of a small task
 * over a unix socket, the median of some rounds: on the pool (which is how methods that may block
 * run) and inline. Beside them, in the same run and with the same client, an echo server on grpcio
 * (Python over the same core), and the round trips of two processes over a bare socket, which no
 * RPC can beat at one call at a time.
 *
 *   bench_rpc [ROUNDS [MILLISECONDS]]      default: 5 rounds of 400 ms per figure */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "qtaskdist/v1/task_service.rpc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ROUNDS = 51, MAX_BODY = 1024, SERVER_COUNT = 3, LOAD_COUNT = 3 };

static const int loads[LOAD_COUNT] = {1, 8, 64};

typedef struct server_entry {
    const char *name;
    char target[64];
    pid_t pid;
    qt_rpc_channel *channel;
    double rates[LOAD_COUNT][MAX_ROUNDS];
} server_entry;

static void check(qt_code code, const qt_err *err) {
    if (code != QT_OK) {
        fprintf(stderr, "bench_rpc: %s\n", err->msg);
        exit(1);
    }
}

/* ---- servers, each in a process of its own ---- */

static qt_code echo(qt_rpc_ctx *ctx, const Qtaskdist__V1__CreateTaskRequest *req,
                    Qtaskdist__V1__Task **ret_resp, qt_err *err) {
    (void)err;
    Qtaskdist__V1__Task *task =
        (Qtaskdist__V1__Task *)qt_rpc_message(ctx, &qtaskdist__v1__task__descriptor);
    task->payload = req->payload;
    task->project = req->project;
    *ret_resp = task;
    return QT_OK;
}

static void serve(const char *addr, qt_rpc_flags flags) {
    static const qt_task_service_ops ops = {.create_task = echo};
    qt_rpc_server *server = NULL;
    qt_err err;
    const qt_rpc_server_options options = {.service = "bench",
                                           .listen_addr = addr,
                                           .worker_threads = 4,
                                           .queue_limit = 1024,
                                           .max_message_bytes = 1 << 20,
                                           .max_concurrent = 1000,
                                           .max_metadata_bytes = 16384,
                                           .default_deadline_ms = 60000};
    qt_log_init("bench", QT_LOG_ERROR);
    check(qt_rpc_server_new(&options, &server, &err), &err);
    qt_task_service_register(server, &ops, NULL);
    qt_rpc_server_set_flags(server, QT_TASK_SERVICE_CREATE_TASK_PATH, flags);
    check(qt_rpc_server_start(server, &err), &err);
    qt_rpc_server_set_serving(server, NULL, true);
    for (;;) {
        pause();
    }
}

/* In a child before this process uses gRPC, which does not survive a fork. */
static pid_t spawn(const char *target, int which) {
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (which == 2) {
        execl("/usr/bin/python3", "python3", QT_RPC_PEER, target, (char *)NULL);
        _exit(1);
    }
    serve(target, which == 0 ? QT_RPC_POOL : QT_RPC_INLINE);
    _exit(0);
}

/* ---- load ---- */

typedef struct load {
    qt_rpc_channel *channel;
    const uint8_t *body;
    size_t body_len;
    int64_t end_us;
    atomic_long done;
    atomic_long failed;
    atomic_int active;
} load;

static const qt_rpc_call call_options = {.timeout_ms = 20000, .wait_for_ready = true};

static int64_t now_us(void) {
    return qt_clock_mono_us(qt_clock_system());
}

static void on_reply(void *arg, const qt_rpc_raw_reply *reply);

static void send_one(load *l) {
    qt_rpc_raw_async(l->channel, QT_TASK_SERVICE_CREATE_TASK_PATH, &call_options, l->body,
                     l->body_len, on_reply, l);
}

static void on_reply(void *arg, const qt_rpc_raw_reply *reply) {
    load *l = arg;
    atomic_fetch_add(reply->code == QT_OK ? &l->done : &l->failed, 1);
    if (reply->code == QT_OK && now_us() < l->end_us) {
        send_one(l);
    } else {
        atomic_fetch_sub(&l->active, 1);
    }
}

static size_t make_body(uint8_t body[MAX_BODY]) {
    char circuit[201];
    char project[] = "bench";
    memset(circuit, 'q', sizeof circuit - 1);
    circuit[sizeof circuit - 1] = '\0';
    Qtaskdist__V1__CreateTaskRequest req = QTASKDIST__V1__CREATE_TASK_REQUEST__INIT;
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    payload.circuit_data = circuit;
    payload.shots = 1024;
    req.payload = &payload;
    req.project = project;
    return qtaskdist__v1__create_task_request__pack(&req, body);
}

/* Calls per second. */
static double run_load(qt_rpc_channel *channel, int concurrency, int64_t ms) {
    uint8_t body[MAX_BODY];
    load l = {.channel = channel, .body = body, .body_len = make_body(body)};
    int64_t start_us = now_us();
    l.end_us = start_us + ms * 1000;
    atomic_init(&l.active, concurrency);
    for (int i = 0; i < concurrency; i++) {
        send_one(&l);
    }
    while (atomic_load(&l.active) > 0) {
        usleep(1000);
    }
    if (atomic_load(&l.failed) > 0) {
        fprintf(stderr, "bench_rpc: %ld calls failed\n", atomic_load(&l.failed));
        exit(1);
    }
    return (double)atomic_load(&l.done) * 1e6 / (double)(now_us() - start_us);
}

/* ---- the bare socket ---- */

static void pong(int fd) {
    char bytes[MAX_BODY];
    for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0;) {
        if (write(fd, bytes, (size_t)n) != n) {
            break;
        }
    }
}

static pid_t spawn_pong(int *ret_fd) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
        exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[0]);
        pong(fds[1]);
        _exit(0);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

static double run_ping(int fd, int64_t ms) {
    uint8_t body[MAX_BODY];
    size_t len = make_body(body);
    int64_t start_us = now_us();
    long trips = 0;
    for (; now_us() - start_us < ms * 1000; trips++) {
        uint8_t back[MAX_BODY];
        if (write(fd, body, len) != (ssize_t)len || read(fd, back, sizeof back) <= 0) {
            exit(1);
        }
    }
    return (double)trips * 1e6 / (double)(now_us() - start_us);
}

/* ---- report ---- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

static void connect_to(server_entry *s) {
    qt_err err;
    const qt_rpc_channel_options options = {.target = s->target, .no_health_check = true};
    check(qt_rpc_channel_new(&options, &s->channel, &err), &err);
    (void)run_load(s->channel, 1, 50); /* waits until it listens, and warms up */
}

/* Without grpcio the bare socket is the peer. */
static void report(server_entry servers[], int count, double ping, int rounds) {
    double medians[SERVER_COUNT][LOAD_COUNT] = {{0}};
    printf("%-18s %12s %12s %12s\n", "calls/s", "1", "8", "64");
    for (int s = 0; s < count; s++) {
        for (int i = 0; i < LOAD_COUNT; i++) {
            medians[s][i] = median(servers[s].rates[i], rounds);
        }
        printf("%-18s %12.0f %12.0f %12.0f\n", servers[s].name, medians[s][0], medians[s][1],
               medians[s][2]);
    }
    printf("%-18s %12.0f\n", "bare socket", ping);
    bool has_peer = count == SERVER_COUNT;
    double value = has_peer ? medians[1][2] : medians[1][0];
    double peer = has_peer ? medians[2][2] : ping;
    printf("{\"bench\":\"rpc\",\"value\":%.0f,\"unit\":\"calls/s (inline, %d at a time)\","
           "\"peer\":\"%s\",\"peer_value\":%.0f,\"ratio\":%.3f}\n",
           value, has_peer ? 64 : 1,
           has_peer ? "grpcio server, same client" : "bare socket round trips", peer, value / peer);
}

static bool has_grpcio(void) {
    return system("/usr/bin/python3 -c 'import grpc' >/dev/null 2>&1") == 0;
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    int ms = argc > 2 ? atoi(argv[2]) : 400;
    rounds = rounds < 1 ? 1 : rounds < MAX_ROUNDS ? rounds : MAX_ROUNDS;
    ms = ms < 10 ? 10 : ms;
    static server_entry servers[SERVER_COUNT] = {
        {.name = "qtaskdist, pool"}, {.name = "qtaskdist, inline"}, {.name = "grpcio"}};
    int count = has_grpcio() ? SERVER_COUNT : SERVER_COUNT - 1;
    int fd = -1;
    pid_t pong_pid = spawn_pong(&fd);
    for (int s = 0; s < count; s++) {
        snprintf(servers[s].target, sizeof servers[s].target, "unix:/tmp/qt-bench-%d-%d",
                 (int)getpid(), s);
        servers[s].pid = spawn(servers[s].target, s);
    }
    qt_log_init("bench", QT_LOG_ERROR);
    for (int s = 0; s < count; s++) {
        connect_to(&servers[s]);
    }
    double pings[MAX_ROUNDS];
    for (int round = 0; round < rounds; round++) { /* interleaved, so all see the same machine */
        for (int i = 0; i < LOAD_COUNT; i++) {
            for (int s = 0; s < count; s++) {
                servers[s].rates[i][round] = run_load(servers[s].channel, loads[i], ms);
            }
        }
        pings[round] = run_ping(fd, ms);
    }
    report(servers, count, median(pings, rounds), rounds);
    for (int s = 0; s < count; s++) {
        qt_rpc_channel_free(servers[s].channel);
        kill(servers[s].pid, SIGKILL);
        waitpid(servers[s].pid, NULL, 0);
        unlink(servers[s].target + strlen("unix:"));
    }
    close(fd);
    waitpid(pong_pid, NULL, 0);
    return 0;
}
