/* Who may come in: keys, scopes, rates, other origins, compressed bodies. */
#include "rig.h"

#include "base/cleanup.h"
#include "gateway/gzip.h"
#include "gateway/keys.h"
#include "gateway/rate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SHA-256 of "reader", "writer", "boss" and "late". */
#define READER "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30"
#define WRITER "b93006774cbdd4b299389a03ac3d88c3a76b460d538795bc12718011a909fba5"
#define BOSS "a5e7c002443743c5836758c7d1cd8ddefd9fcf2061daa0efaac683fb99966057"
#define LATE "089001a35679a33ef3db0ca350db9b9a2f0136e0e327577b04b3b98127470961"

static rig r;
static char keys_path[160];
static char *keys_dir;

static void write_keys(const char *text) {
    char path[sizeof keys_path + 8];
    snprintf(path, sizeof path, "%s.new", keys_path);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(rename(path, keys_path), 0);
}

static void add_keys(qt_gateway_options *options) {
    options->api_keys_file = keys_path;
}

static void with_keys(void) {
    keys_dir = qt_test_dir_new();
    snprintf(keys_path, sizeof keys_path, "%s/keys", keys_dir);
}

static void without_keys(void) {
    qt_test_dir_remove(keys_dir);
    free(keys_dir);
}

static answer ask_as(const char *method, const char *path, const char *header) {
    return rig_ask(&r, &(ask){.method = method,
                              .path = path,
                              .body = strcmp(method, "GET") == 0 ? NULL : "{}",
                              .headers = {header}});
}

static void assert_status(const char *method, const char *path, const char *header, long status) {
    AUTO_ANSWER a = ask_as(method, path, header);
    ck_assert_msg(a.status == status, "%s %s: %ld %s", method, path, a.status, a.body);
}

/* ---- keys ---- */

START_TEST(keys_open_the_door) {
    write_keys("# who may\n\nr " READER " read\nw " WRITER "\tread,write 1000\nb " BOSS
               " admin # comment is no word\n");
    qt_keys *none = NULL;
    qt_err err;
    ck_assert_int_ne(qt_keys_open(keys_path, &none, &err), QT_OK); /* too many words */
    write_keys("# who may\n\nr " READER " read\nw " WRITER "\tread,write 1000\nb " BOSS " admin\n");
    rig_start_with(&r, add_keys);
    assert_status("GET", "/v1/tasks/x", "Authorization: Bearer reader", 200);
    assert_status("GET", "/v1/tasks/x", "authorization: bearer  reader", 200);
    assert_status("GET", "/v1/tasks/x", "X-API-Key: reader", 200);
    assert_status("POST", "/v1/tasks", "X-API-Key: writer", 200);
    assert_status("GET", "/v1/tasks/x", "X-API-Key: boss", 200);
    assert_status("GET", "/healthz", "X: y", 200); /* no key is needed here */
    assert_status("GET", "/docs", "X: y", 200);
    static const char *const bad[] = {"X: y", "X-API-Key: Reader", ("X-API-Key:  " READER),
                                      "Authorization: Basic cmVhZGVyOg=="};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        AUTO_ANSWER a = ask_as("GET", "/v1/tasks/x", bad[i]);
        ck_assert_int_eq(a.status, 401);
        assert_header(&a, "WWW-Authenticate: Bearer");
        assert_error(&a, "UNAUTHENTICATED", "UNAUTHENTICATED", NULL);
    }
    rig_done(&r);
}
END_TEST

START_TEST(scopes_limit_a_key) {
    write_keys("r " READER " read\nw " WRITER " write\nb " BOSS " admin\n");
    rig_start_with(&r, add_keys);
    AUTO_ANSWER a = ask_as("POST", "/v1/tasks", "X-API-Key: reader");
    ck_assert_int_eq(a.status, 403);
    assert_error(&a, "PERMISSION_DENIED", "PERMISSION_DENIED", NULL);
    assert_says(&a, "needs the scope write");
    AUTO_ANSWER b = ask_as("POST", "/v1/queues/simulate/pause", "X-API-Key: writer");
    ck_assert_int_eq(b.status, 403);
    assert_says(&b, "needs the scope admin");
    AUTO_ANSWER c = ask_as("POST", "/v1/queues/simulate/pause", "X-API-Key: boss");
    ck_assert_int_ne(c.status, 403);
    rig_done(&r);
}
END_TEST

static bool late_is_known(void *arg) {
    (void)arg;
    AUTO_ANSWER a = ask_as("GET", "/v1/tasks/x", "X-API-Key: late");
    return a.status == 200;
}

START_TEST(keys_change_while_it_runs) {
    write_keys("r " READER " read\n");
    rig_start_with(&r, add_keys);
    assert_status("GET", "/v1/tasks/x", "X-API-Key: late", 401);
    write_keys("late " LATE " read\n");
    ck_assert(qt_test_wait(late_is_known, NULL, 20000));
    assert_status("GET", "/v1/tasks/x", "X-API-Key: reader", 401);
    rig_done(&r);
}
END_TEST

/* A file that cannot be read is told with its place at the start, and changes nothing later. */
START_TEST(bad_files_are_refused) {
    static const char *const rows[][2] = {
        {"x " READER "\n", ":1: a key has"},
        {"ok " READER " read\nx abc read\n", ":2: no SHA-256"},
        {"x " READER " all\n", ":1: scopes are"},
        {"x " READER " ,\n", ":1: scopes are"},
        {"x " READER " read fast\n", ":1: the rate"},
        {"x " READER " read -1\n", ":1: the rate"},
        {"x " READER " read nan\n", ":1: the rate"},
        {"x " READER " read 1 2\n", ":1: a key has"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_keys *keys = NULL;
        qt_err err;
        write_keys(rows[i][0]);
        ck_assert_int_eq(qt_keys_open(keys_path, &keys, &err), QT_INVALID_ARGUMENT);
        ck_assert_msg(strstr(err.msg, rows[i][1]) != NULL, "%s: %s", rows[i][1], err.msg);
    }
    qt_keys *keys = NULL;
    qt_err err;
    ck_assert_int_ne(qt_keys_open("/does/not/exist", &keys, &err), QT_OK);
    write_keys(""); /* nobody may come in */
    ck_assert_ok(qt_keys_open(keys_path, &keys, &err));
    ck_assert(!qt_keys_find(keys, "", &(qt_key){0}));
    qt_keys_close(keys);
}
END_TEST

/* ---- rates ---- */

START_TEST(a_bucket_fills_with_time) {
    qt_rate *rate = qt_rate_new();
    int64_t now = 1000000;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(qt_rate_take(rate, "a", 2, 3, now), 0);
    }
    ck_assert_int_eq(qt_rate_take(rate, "a", 2, 3, now), 500);
    ck_assert_int_eq(qt_rate_take(rate, "b", 2, 3, now), 0); /* another caller */
    ck_assert_int_eq(qt_rate_take(rate, "a", 2, 3, now + 400000), 100);
    ck_assert_int_eq(qt_rate_take(rate, "a", 2, 3, now + 500000), 0);
    ck_assert_int_eq(qt_rate_take(rate, "a", 2, 3, now), 500); /* time does not go back */
    now += 60000000;                                           /* never more than the burst */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(qt_rate_take(rate, "a", 2, 3, now), 0);
    }
    ck_assert_int_gt(qt_rate_take(rate, "a", 2, 3, now), 0);
    qt_rate_free(rate);
}
END_TEST

/* More callers than the table holds: old ones are forgotten, new ones still limited. */
START_TEST(the_table_is_bounded) {
    qt_rate *rate = qt_rate_new();
    for (int i = 0; i < 100000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        ck_assert_int_eq(qt_rate_take(rate, name, 1, 1, 1000000 + i), 0);
        ck_assert_int_gt(qt_rate_take(rate, name, 1, 1, 1000000 + i), 0);
    }
    qt_rate_free(rate);
}
END_TEST

static void slow_callers(qt_gateway_options *options) {
    options->rate_limit = 1;
    options->rate_burst = 2;
}

static void slow_keys(qt_gateway_options *options) {
    add_keys(options);
    slow_callers(options);
}

/* Asks until it is refused, which must come soon. */
static void assert_limited(const char *header, long status_before) {
    for (int i = 0; i < 200; i++) {
        AUTO_ANSWER a = ask_as("GET", "/v1/tasks/x", header);
        if (a.status == 429) {
            assert_error(&a, "RESOURCE_EXHAUSTED", "RATE_LIMITED", NULL);
            assert_header(&a, "Retry-After: 1");
            assert_says(&a, "RetryInfo");
            return;
        }
        ck_assert_int_eq(a.status, status_before);
    }
    ck_abort_msg("200 requests got through");
}

START_TEST(callers_are_limited) {
    rig_start_with(&r, slow_callers);
    assert_limited("X: y", 200);
    assert_status("GET", "/healthz", "X: y", 200);
    rig_done(&r);
}
END_TEST

START_TEST(keys_are_limited) {
    write_keys("r " READER " read\nw " WRITER " write 100000\n");
    rig_start_with(&r, slow_keys);
    assert_limited("X-API-Key: reader", 200);
    for (int i = 0; i < 10; i++) { /* this one's own rate is higher */
        assert_status("GET", "/v1/tasks/x", "X-API-Key: writer", 200);
    }
    assert_limited("X-API-Key: guess", 401);
    rig_done(&r);
}
END_TEST

/* ---- other origins ---- */

static void add_origins(qt_gateway_options *options) {
    options->cors_origins = "https://lab.example, https://b.example";
}

START_TEST(pages_of_listed_origins_may_call) {
    rig_start_with(&r, add_origins);
    AUTO_ANSWER a = ask_as("GET", "/v1/tasks/x", "Origin: https://lab.example");
    ck_assert_int_eq(a.status, 200);
    assert_header(&a, "Access-Control-Allow-Origin: https://lab.example");
    AUTO_ANSWER b = rig_ask(&r, &(ask){.method = "OPTIONS",
                                       .path = "/v1/tasks",
                                       .headers = {"Origin: https://b.example",
                                                   "Access-Control-Request-Method: POST"}});
    ck_assert_int_eq(b.status, 204);
    assert_header(&b, "Access-Control-Allow-Methods: GET, POST, PATCH, DELETE");
    assert_header(&b, "Access-Control-Allow-Headers: Authorization");
    static const char *const others[] = {"Origin: https://lab.example.evil", "Origin: https://lab",
                                         "X: y"};
    for (size_t i = 0; i < QT_ARRAY_LEN(others); i++) {
        AUTO_ANSWER c = ask_as("GET", "/v1/tasks/x", others[i]);
        ck_assert_int_eq(c.status, 200);
        ck_assert_ptr_null(strstr(c.head, "Access-Control-Allow-Origin"));
    }
    AUTO_ANSWER d = rig_ask(&r, &(ask){.method = "OPTIONS",
                                       .path = "/v1/tasks",
                                       .headers = {"Origin: https://evil.example",
                                                   "Access-Control-Request-Method: POST"}});
    ck_assert_int_eq(d.status, 405);
    rig_done(&r);
}
END_TEST

/* ---- gzip ---- */

static void add_gzip(qt_gateway_options *options) {
    options->gzip_level = 1;
}

START_TEST(accept_encoding_is_read) {
    static const struct {
        const char *header;
        bool accepted;
    } rows[] = {{NULL, false},
                {"", false},
                {"gzip", true},
                {"GZIP", true},
                {"deflate, gzip;q=0.5", true},
                {"gzip;q=0", false},
                {"gzip; q=0.0, *", false},
                {"*", true},
                {"*;q=0", false},
                {"br", false},
                {"gzipped", false},
                {",,gzip", true}};
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        ck_assert_msg(qt_gzip_accepted(rows[i].header) == rows[i].accepted, "%s", rows[i].header);
    }
}
END_TEST

START_TEST(answers_are_compressed) {
    rig_start_with(&r, add_gzip);
    AUTO_ANSWER plain = rig_get(&r, "/openapi.json", 200);
    AUTO_ANSWER packed = ask_as("GET", "/openapi.json", "Accept-Encoding: gzip");
    ck_assert_int_eq(packed.status, 200);
    assert_header(&packed, "Content-Encoding: gzip");
    assert_header(&packed, "Vary: Accept-Encoding");
    ck_assert_uint_lt(packed.body_len, plain.body_len / 3);
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_err err;
    ck_assert_ok(qt_gzip_inflate(packed.body, packed.body_len, plain.body_len, &out, &err));
    ck_assert_str_eq(qt_buf_str(&out), plain.body);
    AUTO_ANSWER small = ask_as("GET", "/healthz", "Accept-Encoding: gzip");
    ck_assert_ptr_null(strstr(small.head, "Content-Encoding"));
    rig_done(&r);
}
END_TEST

static answer send_packed(const void *data, size_t len, const char *encoding) {
    return rig_ask(&r, &(ask){.method = "POST",
                              .path = "/v1/tasks",
                              .body = data,
                              .body_len = len,
                              .headers = {encoding}});
}

START_TEST(bodies_may_be_compressed) {
    static const char body[] = "{\"task_type\":\"simulate\",\"payload\":{\"circuit_data\":\"x\"}}";
    enum { BOMB_BYTES = 8 << 20 }; /* over the limit of 1 MiB, packed to some KiB */
    QT_CLEANUP(qt_buf_done) qt_buf packed = {0};
    QT_CLEANUP(qt_buf_done) qt_buf bomb = {0};
    qt_err err;
    rig_start(&r);
    ck_assert_ok(qt_gzip_deflate(body, sizeof body - 1, 9, &packed, &err));
    AUTO_ANSWER a = send_packed(packed.data, packed.len, "Content-Encoding: gzip");
    ck_assert_msg(a.status == 200, "%ld %s", a.status, a.body);
    assert_says(&a, "\"circuit_data\":\"x\"");
    AUTO_ANSWER cut = send_packed(packed.data, packed.len - 5, "Content-Encoding: gzip");
    ck_assert_int_eq(cut.status, 400);
    assert_error(&cut, "INVALID_ARGUMENT", "MESSAGE_MALFORMED", NULL);
    AUTO_ANSWER unknown = send_packed(body, sizeof body - 1, "Content-Encoding: br");
    ck_assert_int_eq(unknown.status, 415);
    char *zeros = calloc(1, BOMB_BYTES);
    ck_assert_ok(qt_gzip_deflate(zeros, BOMB_BYTES, 9, &bomb, &err));
    free(zeros);
    AUTO_ANSWER large = send_packed(bomb.data, bomb.len, "Content-Encoding: gzip");
    ck_assert_int_eq(large.status, 413);
    assert_error(&large, "RESOURCE_EXHAUSTED", "BODY_TOO_LARGE", NULL);
    rig_done(&r);
}
END_TEST

TCase *door_cases(void) {
    TCase *tc = tcase_create("door");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, with_keys, without_keys);
    tcase_add_test(tc, keys_open_the_door);
    tcase_add_test(tc, scopes_limit_a_key);
    tcase_add_test(tc, keys_change_while_it_runs);
    tcase_add_test(tc, bad_files_are_refused);
    tcase_add_test(tc, a_bucket_fills_with_time);
    tcase_add_test(tc, the_table_is_bounded);
    tcase_add_test(tc, callers_are_limited);
    tcase_add_test(tc, keys_are_limited);
    tcase_add_test(tc, pages_of_listed_origins_may_call);
    tcase_add_test(tc, accept_encoding_is_read);
    tcase_add_test(tc, answers_are_compressed);
    tcase_add_test(tc, bodies_may_be_compressed);
    return tc;
}
