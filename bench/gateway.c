/* MB/s of JSON that one thread takes in and gives out again: a task as JSON to its wire bytes and
 * back. Beside it what the C++ protobuf library does with the same task in its own JSON, and one
 * search for the end of the text plus one copy of it, which is the least that any program must do.
 * The figure is the median of some rounds that take turns.
 *
 *   bench_gateway [ROUNDS [MILLISECONDS]]      default: 5 rounds of 400 ms */
#include "base/buf.h"
#include "base/cleanup.h"
#include "gateway/json_to_wire.h"
#include "gateway/wire_to_json.h"
#include "qt_descriptors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROUNDS = 100, GATES = 400, OUTCOMES = 200 };

static const char type_name[] = "qtaskdist.v1.Task";

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

/* A finished task: a circuit with line ends to escape, counts, metadata, times. */
static void write_task(qt_buf *out) {
    qt_buf_add_str(out, "{\"task_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"task_type\":"
                        "\"simulate\",\"status\":\"completed\",\"payload\":{\"circuit_type\":"
                        "\"openqasm2\",\"circuit_data\":\"OPENQASM 2.0;\\n");
    for (int i = 0; i < GATES; i++) {
        qt_buf_printf(out, "u3(%d*pi/7,0.25,-pi/%d) q[%d];\\n", i, i + 2, i % 20);
    }
    qt_buf_add_str(out, "\",\"shots\":100000,\"seed\":7},\"result\":{\"measurements\":{");
    for (int i = 0; i < OUTCOMES; i++) {
        qt_buf_add_str(out, i > 0 ? ",\"" : "\"");
        for (int bit = 19; bit >= 0; bit--) {
            qt_buf_add_char(out, (i * 7919 >> bit & 1) != 0 ? '1' : '0');
        }
        qt_buf_printf(out, "\":%d", 100 + i);
    }
    qt_buf_add_str(out, "},\"method\":\"statevector\",\"seconds\":0.125,\"num_qubits\":20},"
                        "\"max_retries\":3,\"created_at\":\"2026-01-31T23:59:58.123456Z\","
                        "\"updated_at\":\"2026-01-31T23:59:59Z\",\"meta_data\":{\"team\":\"a\","
                        "\"estimated_runtime\":0.5,\"urgent\":true},\"version\":\"12345678901\"}");
}

typedef struct task {
    const qt_schema *schema;
    const qt_message *message;
    const qt_buf *json;
    qt_buf wire;
    qt_buf back;
} task;

static void transcode(task *t) {
    qt_err err;
    const qt_json_to_wire_input input = {.schema = t->schema,
                                         .message = t->message,
                                         .json = t->json->data,
                                         .json_len = t->json->len,
                                         .max_depth = 64};
    qt_buf_clear(&t->wire);
    qt_buf_clear(&t->back);
    check(qt_json_to_wire(&input, &t->wire, &err), &err);
    qt_json_writer w = qt_json_writer_make(&t->back);
    check(qt_wire_to_json(t->schema, t->message, (const uint8_t *)t->wire.data, t->wire.len, &w,
                          &err),
          &err);
}

static double rate_of_transcode(task *t, int ms) {
    size_t bytes = 0;
    double start = cpu_seconds();
    double end = start;
    while (end - start < ms / 1000.0) {
        transcode(t);
        bytes += t->json->len + t->back.len;
        end = cpu_seconds();
    }
    return (double)bytes / 1e6 / (end - start);
}

static double rate_of_copy(const task *t, int ms) {
    QT_AUTO_FREE char *copy = malloc(t->json->len + 1);
    size_t bytes = 0;
    double start = cpu_seconds();
    double end = start;
    while (copy != NULL && end - start < ms / 1000.0) {
        for (int i = 0; i < 1000; i++) {
            size_t len = strlen(t->json->data);
            memcpy(copy, t->json->data, len);
            __asm__ volatile("" : : "r"(copy) : "memory"); /* the copy must be made */
            bytes += len;
        }
        end = cpu_seconds();
    }
    return (double)bytes / 1e6 / (end - start);
}

static void write_file(const char *path, const void *data, size_t len) {
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
        fprintf(stderr, "cannot write %s\n", path);
        exit(1);
    }
}

/* NaN when there is no peer. */
static double rate_of_peer(const char *dir, int ms) {
    char command[1024];
    double rate = (double)NAN;
    snprintf(command, sizeof command, "%s %s/set %s/wire %s %d 2>/dev/null", QT_GATEWAY_PEER, dir,
             dir, type_name, ms);
    FILE *pipe = QT_GATEWAY_PEER[0] != '\0' ? popen(command, "r") : NULL;
    if (pipe == NULL) {
        return rate;
    }
    if (fscanf(pipe, "%lf", &rate) != 1) {
        rate = (double)NAN;
    }
    return pclose(pipe) == 0 ? rate : (double)NAN;
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

static void report(double own, double peer, double copy, size_t json_len) {
    bool has_peer = isfinite(peer);
    printf("a task of %zu bytes, MB/s of one thread, in and out\n", json_len);
    printf("%-28s %10.0f\n", "qtaskdist", own);
    if (has_peer) {
        printf("%-28s %10.0f\n", "C++ protobuf's JSON", peer);
    }
    printf("%-28s %10.0f\n", "strlen and memcpy", copy);
    double value = has_peer ? peer : copy;
    printf("{\"bench\":\"gateway\",\"value\":%.0f,\"unit\":\"MB/s JSON to wire to JSON\","
           "\"peer\":\"%s\",\"peer_value\":%.0f,\"ratio\":%.3f}\n",
           own, has_peer ? "C++ protobuf JSON" : "strlen and memcpy", value, own / value);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5;
    int ms = argc > 2 ? atoi(argv[2]) : 400;
    rounds = rounds < 1 ? 1 : rounds < MAX_ROUNDS ? rounds : MAX_ROUNDS;
    ms = ms < 10 ? 10 : ms;
    qt_err err;
    char dir[] = "/tmp/qt-bench-XXXXXX";
    char path[64];
    QT_CLEANUP(qt_buf_done) qt_buf json = {0};
    qt_schema *schema = NULL;
    check(qt_schema_new(qt_descriptor_set, qt_descriptor_set_len, &schema, &err), &err);
    write_task(&json);
    task t = {.schema = schema, .message = qt_schema_message(schema, type_name), .json = &json};
    transcode(&t);
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/set", dir);
    write_file(path, qt_descriptor_set, qt_descriptor_set_len);
    snprintf(path, sizeof path, "%s/wire", dir);
    write_file(path, t.wire.data, t.wire.len);
    double own[MAX_ROUNDS];
    double peer[MAX_ROUNDS];
    double copy[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++) { /* taking turns, so all see the same machine */
        own[i] = rate_of_transcode(&t, ms);
        peer[i] = rate_of_peer(dir, ms);
        copy[i] = rate_of_copy(&t, ms);
    }
    report(median(own, rounds), median(peer, rounds), median(copy, rounds), json.len);
    unlink(path);
    snprintf(path, sizeof path, "%s/set", dir);
    unlink(path);
    rmdir(dir);
    qt_buf_done(&t.wire);
    qt_buf_done(&t.back);
    qt_schema_free(schema);
    return 0;
}
