/* Messages per second through queue-svc, from Enqueue over LeaseMessages to Ack, one producer and
 * one consumer at the same time, 1,000 messages a call. The peer in the same run is what Redis
 * gives without a service in between: the same commands, pipelined over two connections of hiredis.
 * Both use one private Redis (appendonly, everysec). Medians of some rounds, taken in turn. Then
 * the time from Enqueue until a waiting consumer has the message, one at a time.
 *
 *   bench_queue [ROUNDS [MESSAGES]]      default: 5 rounds of 50,000 messages */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "qtaskdist/v1/queue_service.rpc.h"
#include "redis/conn.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ROUNDS = 51, BATCH = 1000, PAYLOAD_BYTES = 200, LATENCY_COUNT = 500, READY_MS = 20000 };

static const char raw_stream[] = "bench:raw";
static char dir[] = "/tmp/qt-bench-XXXXXX";
static char redis_socket[64];
static char queue_target[64];
static char circuit[PAYLOAD_BYTES + 1];

static void check(qt_code code, const qt_err *err) {
    if (code != QT_OK) {
        fprintf(stderr, "bench_queue: %s\n", err->msg);
        exit(1);
    }
}

static int64_t now_us(void) {
    return qt_clock_mono_us(qt_clock_system());
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, int count, double q) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[(int)(q * (count - 1) + 0.5)];
}

/* ---- processes ---- */

static pid_t spawn(const char *const argv[]) {
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (freopen("/dev/null", "w", stdout) != NULL) {
            execvp(argv[0], (char *const *)(uintptr_t)argv);
        }
        _exit(127);
    }
    return pid;
}

static pid_t spawn_redis(void) {
    const char *argv[] = {"redis-server",
                          "--port",
                          "0",
                          "--unixsocket",
                          redis_socket,
                          "--dir",
                          dir,
                          "--save",
                          "",
                          "--appendonly",
                          "yes",
                          "--appendfsync",
                          "everysec",
                          NULL};
    return spawn(argv);
}

static pid_t spawn_service(void) {
    char url[128];
    snprintf(url, sizeof url, "unix://%s", redis_socket);
    setenv("REDIS_URL", url, 1);
    const char *argv[] = {QT_QUEUE_SVC,  "--listen-addr", queue_target,
                          "--log-level", "error",         NULL};
    return spawn(argv);
}

static void stop(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- Redis without a service ---- */

static qt_redis *connect_redis(void) {
    qt_err err;
    qt_redis *redis = NULL;
    qt_redis_options options = {.connect_timeout_ms = 2000, .command_timeout_ms = 10000};
    check(qt_redis_address_make(redis_socket, 1, 0, "", "", &options.address, &err), &err);
    check(qt_redis_new(&options, &redis, &err), &err);
    for (int64_t end_us = now_us() + READY_MS * 1000; qt_redis_connect(redis, &err) != QT_OK;) {
        if (now_us() > end_us) {
            check(err.code, &err);
        }
        usleep(10000);
    }
    return redis;
}

static redisReply *call_redis(qt_redis *redis, qt_redis_batch *batch) {
    qt_err err;
    redisReply *reply = NULL;
    check(qt_redis_call(redis, batch, &reply, &err), &err);
    qt_redis_batch_clear(batch);
    return reply;
}

static void ignore(void *arg, size_t i, const redisReply *reply) {
    (void)arg;
    (void)i;
    (void)reply;
}

static void raw_id(int number, char ret_id[37]) {
    snprintf(ret_id, 37, "%08x-0000-7000-8000-000000000000", (unsigned)number);
}

static void *raw_produce(void *arg) {
    qt_err err;
    int count = *(int *)arg;
    qt_redis *redis = connect_redis();
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    for (int done = 0; done < count; done += BATCH) {
        for (int i = 0; i < BATCH && done + i < count; i++) {
            char id[37];
            raw_id(done + i, id);
            qt_redis_batch_add(&batch, "XADD", raw_stream, "*", "task_id", id, "seq", "1",
                               "payload", circuit);
        }
        check(qt_redis_run(redis, &batch, ignore, NULL, &err), &err);
        qt_redis_batch_clear(&batch);
    }
    qt_redis_free(redis);
    return NULL;
}

static size_t raw_read(qt_redis *redis, qt_redis_batch *batch) {
    char count[16];
    snprintf(count, sizeof count, "%d", BATCH);
    qt_redis_batch_add(batch, "XREADGROUP", "GROUP", "g", "c", "COUNT", count, "BLOCK", "1000",
                       "STREAMS", raw_stream, ">");
    redisReply *reply = call_redis(redis, batch);
    size_t n = 0;
    if (reply->type == REDIS_REPLY_ARRAY) {
        const redisReply *entries = reply->element[0]->element[1];
        n = entries->elements;
        qt_redis_batch_command(batch, 3 + n);
        qt_redis_batch_str(batch, "XACK");
        qt_redis_batch_str(batch, raw_stream);
        qt_redis_batch_str(batch, "g");
        for (size_t i = 0; i < n; i++) {
            qt_redis_batch_str(batch, entries->element[i]->element[0]->str);
        }
        freeReplyObject(call_redis(redis, batch));
    }
    freeReplyObject(reply);
    return n;
}

static double run_raw(int count) {
    pthread_t producer;
    qt_redis *redis = connect_redis();
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    qt_redis_batch_add(&batch, "DEL", raw_stream);
    freeReplyObject(call_redis(redis, &batch));
    qt_redis_batch_add(&batch, "XGROUP", "CREATE", raw_stream, "g", "0", "MKSTREAM");
    freeReplyObject(call_redis(redis, &batch));
    int64_t start_us = now_us();
    pthread_create(&producer, NULL, raw_produce, &count);
    for (size_t done = 0; done < (size_t)count;) {
        done += raw_read(redis, &batch);
    }
    double seconds = (double)(now_us() - start_us) / 1e6;
    pthread_join(producer, NULL);
    qt_redis_free(redis);
    return count / seconds;
}

/* ---- through queue-svc ---- */

static const qt_rpc_call call_options = {.timeout_ms = 30000, .wait_for_ready = true};

static void enqueue(qt_rpc_channel *channel, int first, int count) {
    static _Thread_local Qtaskdist__V1__QueueEntry entries[BATCH];
    static _Thread_local Qtaskdist__V1__QueueEntry *pointers[BATCH];
    static _Thread_local char ids[BATCH][37];
    qt_err err;
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    payload.circuit_data = circuit;
    for (int i = 0; i < count; i++) {
        qtaskdist__v1__queue_entry__init(&entries[i]);
        raw_id(first + i, ids[i]);
        entries[i].task_id = ids[i];
        entries[i].task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE;
        entries[i].dispatch_seq = 1;
        entries[i].payload = &payload;
        pointers[i] = &entries[i];
    }
    Qtaskdist__V1__EnqueueRequest req = QTASKDIST__V1__ENQUEUE_REQUEST__INIT;
    req.n_entries = (size_t)count;
    req.entries = pointers;
    Qtaskdist__V1__EnqueueResponse *resp = NULL;
    qt_arena arena;
    qt_arena_init(&arena, 0);
    check(qt_queue_service_enqueue(channel, &call_options, &req, &arena, &resp, &err), &err);
    qt_arena_done(&arena);
}

typedef struct producer_args {
    qt_rpc_channel *channel;
    int count;
} producer_args;

static void *produce(void *arg) {
    const producer_args *args = arg;
    for (int done = 0; done < args->count; done += BATCH) {
        enqueue(args->channel, done, args->count - done < BATCH ? args->count - done : BATCH);
    }
    return NULL;
}

static void acknowledge(qt_rpc_channel *channel, qt_arena *arena,
                        const Qtaskdist__V1__LeaseMessagesResponse *leased) {
    static Qtaskdist__V1__AckItem items[BATCH];
    static Qtaskdist__V1__AckItem *pointers[BATCH];
    qt_err err;
    Qtaskdist__V1__AckRequest req = QTASKDIST__V1__ACK_REQUEST__INIT;
    Qtaskdist__V1__AckResponse *resp = NULL;
    for (size_t i = 0; i < leased->n_messages; i++) {
        qtaskdist__v1__ack_item__init(&items[i]);
        items[i].stream = leased->messages[i]->stream;
        items[i].entry_id = leased->messages[i]->entry_id;
        pointers[i] = &items[i];
    }
    req.n_items = leased->n_messages;
    req.items = pointers;
    check(qt_queue_service_ack(channel, &call_options, &req, arena, &resp, &err), &err);
}

/* Leases and acknowledges; how many. *ret_got_us: when the messages were there. */
static size_t consume(qt_rpc_channel *channel, int64_t *ret_got_us) {
    qt_err err;
    Qtaskdist__V1__TaskType types[1] = {QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE};
    Qtaskdist__V1__LeaseMessagesRequest req = QTASKDIST__V1__LEASE_MESSAGES_REQUEST__INIT;
    req.consumer = (char *)(uintptr_t) "bench";
    req.n_task_types = 1;
    req.task_types = types;
    req.max_messages = BATCH;
    req.wait_ms = 10000;
    Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
    qt_arena arena;
    qt_arena_init(&arena, 0);
    check(qt_queue_service_lease_messages(channel, &call_options, &req, &arena, &resp, &err), &err);
    *ret_got_us = now_us();
    size_t n = resp->n_messages;
    acknowledge(channel, &arena, resp);
    qt_arena_done(&arena);
    return n;
}

static double run_service(qt_rpc_channel *producer, qt_rpc_channel *consumer, int count) {
    pthread_t thread;
    producer_args args = {producer, count};
    int64_t got_us = 0;
    int64_t start_us = now_us();
    pthread_create(&thread, NULL, produce, &args);
    for (size_t done = 0; done < (size_t)count;) {
        done += consume(consumer, &got_us);
    }
    double seconds = (double)(now_us() - start_us) / 1e6;
    pthread_join(thread, NULL);
    return count / seconds;
}

typedef struct latency_state {
    qt_rpc_channel *channel;
    double us[LATENCY_COUNT];
    int64_t sent_us;
    pthread_barrier_t turn;
} latency_state;

static void *consume_one_by_one(void *arg) {
    latency_state *s = arg;
    for (int i = 0; i < LATENCY_COUNT; i++) {
        int64_t got_us = 0;
        pthread_barrier_wait(&s->turn);
        while (consume(s->channel, &got_us) == 0) {
        }
        s->us[i] = (double)(got_us - s->sent_us);
        pthread_barrier_wait(&s->turn);
    }
    return NULL;
}

static void report_latency(qt_rpc_channel *producer, qt_rpc_channel *consumer) {
    static latency_state s;
    pthread_t thread;
    s.channel = consumer;
    pthread_barrier_init(&s.turn, NULL, 2);
    pthread_create(&thread, NULL, consume_one_by_one, &s);
    for (int i = 0; i < LATENCY_COUNT; i++) {
        pthread_barrier_wait(&s.turn);
        usleep(2000); /* the consumer is waiting by then */
        s.sent_us = now_us();
        enqueue(producer, i, 1);
        pthread_barrier_wait(&s.turn);
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&s.turn);
    printf("Enqueue until a waiting LeaseMessages returns: p50 %.2f ms, p99 %.2f ms\n",
           quantile(s.us, LATENCY_COUNT, 0.5) / 1000, quantile(s.us, LATENCY_COUNT, 0.99) / 1000);
}

static qt_rpc_channel *open_channel(void) {
    qt_err err;
    qt_rpc_channel *channel = NULL;
    const qt_rpc_channel_options options = {.target = queue_target};
    check(qt_rpc_channel_new(&options, &channel, &err), &err);
    return channel;
}

static void report(double *service, double *raw, int rounds) {
    double value = quantile(service, rounds, 0.5);
    double peer = quantile(raw, rounds, 0.5);
    printf("queue-svc      %10.0f messages/s\n", value);
    printf("bare Redis     %10.0f messages/s\n", peer);
    printf("{\"bench\":\"queue\",\"value\":%.0f,\"unit\":\"messages/s (enqueue, lease, ack)\","
           "\"peer\":\"bare Redis Streams, pipelined\",\"peer_value\":%.0f,\"ratio\":%.3f}\n",
           value, peer, value / peer);
}

static void remove_dir(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0) {
        fprintf(stderr, "bench_queue: %s is left\n", dir);
    }
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    int count = argc > 2 ? atoi(argv[2]) : 50000;
    rounds = rounds < 1 ? 1 : rounds < MAX_ROUNDS ? rounds : MAX_ROUNDS;
    count = count < BATCH ? BATCH : count;
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    memset(circuit, 'x', PAYLOAD_BYTES);
    snprintf(redis_socket, sizeof redis_socket, "%s/redis.sock", dir);
    snprintf(queue_target, sizeof queue_target, "unix:%s/queue.sock", dir);
    pid_t redis = spawn_redis();
    qt_redis_free(connect_redis()); /* waits until it is there */
    pid_t service = spawn_service();
    qt_log_init("bench", QT_LOG_ERROR);
    qt_rpc_channel *producer = open_channel();
    qt_rpc_channel *consumer = open_channel();
    double values[MAX_ROUNDS], raws[MAX_ROUNDS];
    run_service(producer, consumer, BATCH); /* connects */
    for (int round = 0; round < rounds; round++) {
        values[round] = run_service(producer, consumer, count);
        raws[round] = run_raw(count);
    }
    report_latency(producer, consumer);
    report(values, raws, rounds);
    qt_rpc_channel_free(producer);
    qt_rpc_channel_free(consumer);
    stop(service);
    stop(redis);
    remove_dir();
    return 0;
}
