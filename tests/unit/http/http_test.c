/* The HTTP server over plain sockets: what a client sends byte by byte, and answers that come
 * later, from other threads, or in steps. */
#include "http/server.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "testlib.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { MAX_BODY = 1000, MAX_URI = 200, READ_AWAY = 8 };

static qt_http_server *server;
static atomic_int steps; /* continuations that ran */
static pthread_t helper;
static bool has_helper;

/* ---- the handler: the path says what happens ---- */

static void echo(qt_http_request *req) {
    size_t path_len;
    size_t query_len;
    size_t body_len;
    const char *path = qt_http_path(req, &path_len);
    const char *query = qt_http_query(req, &query_len);
    const char *body = qt_http_body(req, &body_len);
    const char *word = qt_http_header(req, "x-word");
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_buf_printf(&out, "%s|%.*s|%.*s|%s|%.*s", qt_http_method(req), (int)path_len, path,
                  (int)query_len, query, word != NULL ? word : "", (int)body_len, body);
    qt_http_add_header(req, "X-Echo", "yes");
    qt_http_reply(req, 200, "text/plain", &out);
}

static void *reply_later(void *arg) {
    qt_http_reply_static(arg, 202, "text/plain", "later", 5);
    return NULL;
}

static void step(void *arg, qt_http_request *req) {
    atomic_fetch_add(&steps, 1);
    if (arg == NULL) {
        qt_http_reply_static(req, 200, "text/plain", "done", 4);
    } else {
        qt_http_continue(req, step, NULL);
    }
}

static void *continue_later(void *arg) {
    qt_http_continue(arg, step, &steps);
    return NULL;
}

static void in_thread(void *(*fn)(void *), qt_http_request *req) {
    ck_assert_int_eq(pthread_create(&helper, NULL, fn, req), 0);
    has_helper = true;
}

static void on_request(void *self, qt_http_request *req) {
    (void)self;
    size_t len;
    const char *path = qt_http_path(req, &len);
    if (strncmp(path, "/later", 6) == 0) {
        in_thread(reply_later, req);
    } else if (strncmp(path, "/steps", 6) == 0) {
        in_thread(continue_later, req);
    } else if (strncmp(path, "/inline", 7) == 0) {
        qt_http_continue(req, step, &steps);
    } else if (strncmp(path, "/empty", 6) == 0) {
        qt_http_reply(req, 204, NULL, NULL);
    } else {
        echo(req);
    }
}

static void on_refuse(void *self, qt_http_request *req, qt_http_refusal why) {
    (void)self;
    static const struct {
        int status;
        const char *text;
    } rows[] = {[QT_HTTP_BODY_TOO_LARGE] = {413, "large"},
                [QT_HTTP_URI_TOO_LONG] = {414, "long"},
                [QT_HTTP_AMBIGUOUS_LENGTH] = {400, "ambiguous"}};
    qt_http_add_header(req, "X-Refused", "yes");
    qt_http_reply_static(req, rows[why].status, "text/plain", rows[why].text,
                         strlen(rows[why].text));
}

static void setup(void) {
    qt_err err;
    const qt_http_options options = {.listen_addr = "127.0.0.1:0",
                                     .threads = 2,
                                     .max_body_bytes = MAX_BODY,
                                     .max_header_bytes = 4096,
                                     .max_uri_bytes = MAX_URI,
                                     .max_connections = 50,
                                     .idle_timeout_s = 1};
    const qt_http_handler handler = {.on_request = on_request, .on_refuse = on_refuse};
    has_helper = false;
    ck_assert_ok(qt_http_server_new(&options, &handler, &server, &err));
}

static void teardown(void) {
    if (has_helper) {
        pthread_join(helper, NULL);
    }
    qt_http_server_stop(server, 5000);
    qt_http_server_free(server);
}

/* ---- the client ---- */

static int open_client(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 20};
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)qt_http_server_port(server)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

static void put(int fd, const char *text, size_t len) {
    ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Reads until the text is there, or with NULL to the end. */
static void get_until(int fd, const char *text, qt_buf *out) {
    char part[4096];
    while (text == NULL || strstr(qt_buf_str(out), text) == NULL) {
        ssize_t n = recv(fd, part, sizeof part, 0);
        if (n <= 0) {
            break;
        }
        qt_buf_add(out, part, (size_t)n);
    }
}

/* One request on its own connection, and all that comes back. */
static void talk(const char *request, size_t len, qt_buf *out) {
    QT_AUTO_CLOSE int fd = open_client();
    put(fd, request, len);
    get_until(fd, NULL, out);
}

static const struct {
    const char *request;
    const char *status;
    const char *says;
} rows[] = {
    {"GET /a%2Fb?x=%20+y HTTP/1.1\r\nHost: h\r\nX-Word: w\r\nConnection: close\r\n\r\n", "200",
     "GET|/a%2Fb|x=%20+y|w|"},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", "GET|/|||"},
    {"POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "200",
     "POST|/p|||hello"},
    {"POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
     "200", "POST|/p|||hello"},
    {"GET /later HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "202", "later"},
    {"GET /steps HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", "done"},
    {"GET /inline HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200", "done"},
    {"GET /empty HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "204", "\r\n\r\n"},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     "400", "ambiguous"},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n", "413", "large"},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n", "413",
     "large"},
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "400", ""},
    {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400", ""},
    {"nonsense\r\n\r\n", "", ""},
};

START_TEST(test_row) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    char status[32];
    talk(rows[_i].request, strlen(rows[_i].request), &out);
    snprintf(status, sizeof status, "HTTP/1.1 %s", rows[_i].status);
    ck_assert_msg(strncmp(qt_buf_str(&out), status, strlen(status)) == 0 || rows[_i].status[0] == 0,
                  "%s: %s", rows[_i].request, qt_buf_str(&out));
    ck_assert_msg(strstr(qt_buf_str(&out), rows[_i].says) != NULL, "%s: %s", rows[_i].request,
                  qt_buf_str(&out));
}
END_TEST

START_TEST(test_steps_run_in_order) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    static const char request[] = "GET /steps HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    int before = atomic_load(&steps);
    talk(request, sizeof request - 1, &out);
    ck_assert_int_eq(atomic_load(&steps), before + 2);
}
END_TEST

START_TEST(test_keep_alive) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    QT_AUTO_CLOSE int fd = open_client();
    for (int i = 0; i < 3; i++) {
        char request[128];
        char answer[64];
        int len = snprintf(request, sizeof request, "GET /n?%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
        put(fd, request, (size_t)len);
        snprintf(answer, sizeof answer, "GET|/n|%d||", i);
        get_until(fd, answer, &out);
        ck_assert_ptr_nonnull(strstr(qt_buf_str(&out), answer));
    }
}
END_TEST

/* A body that is a little too large is read away; the connection goes on. */
START_TEST(test_large_body_is_read_away) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    QT_CLEANUP(qt_buf_done) qt_buf request = {0};
    QT_AUTO_CLOSE int fd = open_client();
    qt_buf_add_str(&request, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n");
    for (int i = 0; i < 2000; i++) {
        qt_buf_add_char(&request, 'a');
    }
    put(fd, request.data, request.len);
    get_until(fd, "large", &out);
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&out), "413"));
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&out), "X-Refused: yes"));
}
END_TEST

/* One without an end is cut off: the answer comes while the client still sends. */
START_TEST(test_endless_body_is_cut_off) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    QT_AUTO_CLOSE int fd = open_client();
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char chunk[] = "8\r\n01234567\r\n";
    put(fd, head, sizeof head - 1);
    size_t sent = 0;
    while (sent < (size_t)MAX_BODY * READ_AWAY * 100 &&
           send(fd, chunk, sizeof chunk - 1, MSG_NOSIGNAL) > 0) {
        sent += 8;
        char byte;
        if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
            break;
        }
    }
    get_until(fd, "large", &out);
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&out), "HTTP/1.1 413"));
    ck_assert_uint_lt(sent, (size_t)MAX_BODY * READ_AWAY * 100);
}
END_TEST

START_TEST(test_long_uri) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    QT_CLEANUP(qt_buf_done) qt_buf request = {0};
    qt_buf_add_str(&request, "GET /?");
    for (int i = 0; i < MAX_URI; i++) {
        qt_buf_add_char(&request, 'a');
    }
    qt_buf_add_str(&request, " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    talk(request.data, request.len, &out);
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&out), "HTTP/1.1 414"));
}
END_TEST

START_TEST(test_long_headers) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    QT_CLEANUP(qt_buf_done) qt_buf request = {0};
    qt_buf_add_str(&request, "GET / HTTP/1.1\r\nHost: h\r\nX-Long: ");
    for (int i = 0; i < 20000; i++) {
        qt_buf_add_char(&request, 'a');
    }
    qt_buf_add_str(&request, "\r\n\r\n");
    talk(request.data, request.len, &out);
    ck_assert_ptr_nonnull(strstr(qt_buf_str(&out), "HTTP/1.1 4"));
}
END_TEST

/* Slow and silent clients do not stay. */
START_TEST(test_idle_is_closed) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    static const char part[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab";
    talk(part, sizeof part - 1, &out);
    ck_assert_ptr_null(strstr(qt_buf_str(&out), "200"));
}
END_TEST

START_TEST(test_bad_addresses) {
    static const char *const bad[] = {"",   "nonsense",      "127.0.0.1:", "256.0.0.1:1",
                                      ":x", "192.0.2.1:8080"};
    const qt_http_handler handler = {.on_request = on_request, .on_refuse = on_refuse};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        qt_err err;
        qt_http_server *none = NULL;
        const qt_http_options options = {.listen_addr = bad[i], .threads = 2};
        ck_assert_msg(qt_http_server_new(&options, &handler, &none, &err) != QT_OK, "%s", bad[i]);
        ck_assert_ptr_null(none);
    }
    char taken[32];
    qt_err err;
    qt_http_server *none = NULL;
    snprintf(taken, sizeof taken, "127.0.0.1:%d", qt_http_server_port(server));
    const qt_http_options options = {.listen_addr = taken, .threads = 2};
    ck_assert_int_eq(qt_http_server_new(&options, &handler, &none, &err), QT_UNAVAILABLE);
}
END_TEST

START_TEST(test_stop_twice) {
    qt_http_server_stop(server, 1000);
    qt_http_server_stop(server, 1000);
    qt_http_server_free(NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("http");
    TCase *tc = tcase_create("server");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_row, 0, QT_ARRAY_LEN(rows));
    tcase_add_test(tc, test_steps_run_in_order);
    tcase_add_test(tc, test_keep_alive);
    tcase_add_test(tc, test_large_body_is_read_away);
    tcase_add_test(tc, test_endless_body_is_cut_off);
    tcase_add_test(tc, test_long_uri);
    tcase_add_test(tc, test_long_headers);
    tcase_add_test(tc, test_idle_is_closed);
    tcase_add_test(tc, test_bad_addresses);
    tcase_add_test(tc, test_stop_twice);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
