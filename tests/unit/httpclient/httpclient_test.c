/* The HTTP client against a small server in a thread that answers by a script. */
#include "httpclient/client.h"

#include "base/cleanup.h"
#include "testlib.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* ---- the server: a thread for each connection ---- */

enum { MAX_CONNECTIONS = 32 };

typedef struct server server;

typedef struct connection {
    server *server;
    int fd;
    pthread_t thread;
} connection;

struct server {
    int fd;
    int port;
    pthread_t thread;
    const char *const *replies; /* one per request; NULL: close without a reply; "": be silent */
    size_t reply_count;
    atomic_size_t requests;
    atomic_size_t connections;
    atomic_bool stopping;
    connection open[MAX_CONNECTIONS]; /* all that ever were */
    char last[8192];                  /* the last request; read after the call has ended */
};

static bool wait_readable(server *s, int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (!atomic_load(&s->stopping)) {
        if (poll(&p, 1, 20) > 0) {
            return true;
        }
    }
    return false;
}

/* Reads a request with its body; false when the client closed. */
static bool read_request(server *s, int fd) {
    size_t len = 0;
    size_t need = 0;
    while (wait_readable(s, fd)) {
        ssize_t n = read(fd, s->last + len, sizeof s->last - 1 - len);
        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        s->last[len] = '\0';
        const char *end = strstr(s->last, "\r\n\r\n");
        const char *size = strstr(s->last, "Content-Length: ");
        need = size != NULL ? strtoul(size + strlen("Content-Length: "), NULL, 10) : 0;
        if (end != NULL && len >= (size_t)(end + 4 - s->last) + need) {
            return true;
        }
    }
    return false;
}

static void serve(server *s, int fd) {
    while (read_request(s, fd)) {
        size_t n = atomic_fetch_add(&s->requests, 1);
        const char *reply = n < s->reply_count ? s->replies[n] : NULL;
        if (reply == NULL) {
            return;
        }
        if (reply[0] == '\0') {
            wait_readable(s, fd); /* until the client gives up */
            return;
        }
        if (write(fd, reply, strlen(reply)) < 0 || strstr(reply, "close") != NULL) {
            return;
        }
    }
}

static void *connection_main(void *arg) {
    connection *c = arg;
    serve(c->server, c->fd);
    shutdown(c->fd, SHUT_RDWR);
    close(c->fd);
    return NULL;
}

static void *server_main(void *arg) {
    server *s = arg;
    while (wait_readable(s, s->fd)) {
        size_t n = atomic_fetch_add(&s->connections, 1);
        ck_assert_uint_lt(n, MAX_CONNECTIONS);
        s->open[n] = (connection){.server = s, .fd = accept(s->fd, NULL, NULL)};
        pthread_create(&s->open[n].thread, NULL, connection_main, &s->open[n]);
    }
    for (size_t n = 0; n < atomic_load(&s->connections); n++) {
        pthread_join(s->open[n].thread, NULL);
    }
    return NULL;
}

static void server_start(server *s, const char *const *replies, size_t count) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int one = 1;
    s->replies = replies;
    s->reply_count = count;
    s->port = qt_test_free_port();
    at.sin_port = htons((uint16_t)s->port);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(s->fd, 16), 0);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, server_main, s), 0);
}

static void server_stop(server *s) {
    atomic_store(&s->stopping, true);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* ---- one client for each test ---- */

static server srv;
static qt_http_client *client;
static qt_http_answer answer;
static char url[64];
static qt_err err;

static void start(const char *const *replies, size_t count, unsigned breaker_failures) {
    const qt_http_client_options options = {
        .user_agent = "test",
        .breaker = {.failures = breaker_failures, .base_ms = 60000, .cap_ms = 60000}};
    memset(&srv, 0, sizeof srv);
    server_start(&srv, replies, count);
    ck_assert_ok(qt_http_client_new(&options, &client, &err));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/jobs", srv.port);
}

static void stop(void) {
    qt_http_client_free(client);
    qt_http_answer_done(&answer);
    server_stop(&srv);
}

static qt_http_call get(void) {
    return (qt_http_call){.method = "GET", .url = url, .timeout_ms = 5000, .max_body_bytes = 1000};
}

static qt_http_call post(void) {
    qt_http_call call = get();
    call.method = "POST";
    call.body = "{}";
    call.body_len = 2;
    call.once = true;
    return call;
}

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

START_TEST(replies_come_back_and_connections_are_kept) {
    static const char *const replies[] = {OK_REPLY, OK_REPLY};
    static const char *const headers[] = {"X-API-KEY: k", NULL};
    start(replies, 2, 0);
    qt_http_call call = get();
    call.headers = headers;
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(qt_buf_str(&answer.body), "{}");
    ck_assert(answer.maybe_sent);
    ck_assert_ptr_nonnull(strstr(srv.last, "X-API-KEY: k\r\n"));
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_uint_eq(atomic_load(&srv.connections), 1);
    stop();
}
END_TEST

START_TEST(retry_after_is_seconds_or_a_date) {
    char dated[160];
    char date[64];
    time_t at = time(NULL) + 120;
    struct tm utc;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &utc));
    snprintf(dated, sizeof dated,
             "HTTP/1.1 429 Wait\r\nContent-Length: 0\r\nRetry-After: %s\r\n\r\n", date);
    const char *const replies[] = {
        "HTTP/1.1 429 Wait\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n", dated,
        "HTTP/1.1 429 Wait\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Wait\r\nContent-Length: 0\r\nRetry-After: soon\r\n\r\n"};
    start(replies, 4, 1); /* a 429 says nothing against the host */
    const qt_http_call call = get();
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_int_eq(answer.status, 429);
    ck_assert_int_eq(answer.retry_after_ms, 7000);
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_int_gt(answer.retry_after_ms, 60000);
    ck_assert_int_le(answer.retry_after_ms, 121000);
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_int_eq(answer.retry_after_ms, 0);
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_int_eq(answer.retry_after_ms, 0);
    stop();
}
END_TEST

/* Whatever breaks after the request left is in doubt. */
START_TEST(a_cut_reply_is_in_doubt) {
    static const char *const replies[] = {
        "HTTP/1.1 201 Created\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{\"job", NULL,
        "rubbish, then close"};
    start(replies, 3, 0);
    const qt_http_call call = post();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_UNAVAILABLE);
        ck_assert_str_eq(qt_reason_name(err.reason), "PROVIDER_UNAVAILABLE");
        ck_assert(answer.maybe_sent);
        ck_assert_uint_eq(answer.body.len, 0);
    }
    stop();
}
END_TEST

START_TEST(silence_ends_in_doubt) {
    static const char *const replies[] = {""};
    start(replies, 1, 0);
    qt_http_call call = post();
    call.timeout_ms = 100;
    ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_UNAVAILABLE);
    ck_assert(answer.maybe_sent);
    stop();
}
END_TEST

START_TEST(a_refused_connection_is_no_doubt) {
    start(NULL, 0, 0);
    qt_http_call call = post();
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", qt_test_free_port());
    ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_UNAVAILABLE);
    ck_assert(!answer.maybe_sent);
    call.url = "http://no-such-host.invalid/";
    ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_INVALID_ARGUMENT);
    ck_assert(!answer.maybe_sent);
    stop();
}
END_TEST

/* A kept connection that the server closes: libcurl would send a POST a second time by itself. */
START_TEST(a_post_is_sent_once) {
    static const char *const replies[] = {OK_REPLY, NULL, OK_REPLY};
    start(replies, 3, 0);
    const qt_http_call first = get();
    const qt_http_call call = post();
    ck_assert_ok(qt_http_client_call(client, &first, &answer, &err));
    ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_UNAVAILABLE);
    ck_assert_uint_eq(atomic_load(&srv.requests), 2);
    stop();
}
END_TEST

START_TEST(large_replies_are_cut_off) {
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n"
        "0123456789012345678901234567890123456789012345678901234567890123456789"};
    start(replies, 1, 1);
    qt_http_call call = get();
    call.max_body_bytes = 10;
    ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_UNAVAILABLE);
    ck_assert_str_eq(qt_reason_name(err.reason), "PROVIDER_REPLY_INVALID");
    stop();
}
END_TEST

static bool at_once(void *self) {
    (void)self;
    return true;
}

START_TEST(a_call_can_be_cancelled) {
    static const char *const replies[] = {""};
    start(replies, 1, 1);
    qt_http_call call = get();
    call.cancelled = at_once;
    ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_CANCELLED);
    stop();
}
END_TEST

START_TEST(the_breaker_opens) {
    static const char *const replies[] = {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
                                          "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"};
    start(replies, 2, 2);
    const qt_http_call call = post();
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_ok(qt_http_client_call(client, &call, &answer, &err));
    ck_assert_int_eq(qt_http_client_call(client, &call, &answer, &err), QT_UNAVAILABLE);
    ck_assert(!answer.maybe_sent);
    ck_assert_int_gt(err.retry_after_ms, 0);
    ck_assert_uint_eq(atomic_load(&srv.requests), 2);
    stop();
}
END_TEST

START_TEST(keys_do_not_travel_in_the_clear) {
    ck_assert_ok(qt_http_check_url("https://api.example.com/v1", false, &err));
    ck_assert_ok(qt_http_check_url("http://127.0.0.1:8001/api", false, &err));
    ck_assert_ok(qt_http_check_url("http://localhost/api", false, &err));
    ck_assert_ok(qt_http_check_url("http://[::1]:80/api", false, &err));
    ck_assert_int_ne(qt_http_check_url("http://api.example.com/v1", false, &err), QT_OK);
    ck_assert_ok(qt_http_check_url("http://api.example.com/v1", true, &err));
    static const char *const bad[] = {"",          "api.example.com", "file:///etc/passwd",
                                      "ftp://x/y", "http://",         "https://a b/"};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        ck_assert_msg(qt_http_check_url(bad[i], true, &err) != QT_OK, "%s", bad[i]);
    }
}
END_TEST

START_TEST(allocations_may_fail) {
    static const char *const replies[] = {OK_REPLY, OK_REPLY, OK_REPLY, OK_REPLY, OK_REPLY,
                                          OK_REPLY, OK_REPLY, OK_REPLY, OK_REPLY, OK_REPLY};
    start(replies, 10, 0);
    QT_EACH_FAILURE(k) {
        qt_http_client *other = NULL;
        const qt_http_client_options options = {.user_agent = "test"};
        const qt_http_call call = get();
        if (qt_http_client_new(&options, &other, &err) == QT_OK) {
            qt_code code = qt_http_client_call(other, &call, &answer, &err);
            ck_assert(code == QT_OK || code == QT_UNAVAILABLE || code == QT_RESOURCE_EXHAUSTED);
        }
        qt_http_client_free(other);
        qt_http_answer_done(&answer);
    }
    stop();
}
END_TEST

/* ---- the breaker alone ---- */

START_TEST(breaker_lets_one_try) {
    const qt_breaker_options options = {.failures = 2, .base_ms = 1000, .cap_ms = 3000};
    qt_breaker b = {0};
    int64_t wait = 0;
    ck_assert(qt_breaker_permit(&b, 0, &wait));
    qt_breaker_done(&b, &options, true, 0, 0);
    ck_assert(qt_breaker_permit(&b, 0, &wait));
    qt_breaker_done(&b, &options, true, 0, 499); /* 500 + 499 % 501 + 1 */
    ck_assert(!qt_breaker_permit(&b, 999, &wait));
    ck_assert_int_eq(wait, 1);
    ck_assert(qt_breaker_permit(&b, 1000, &wait));
    ck_assert(!qt_breaker_permit(&b, 1000, &wait)); /* another tries */
    ck_assert_int_gt(wait, 0);
    qt_breaker_done(&b, &options, true, 1000, 0); /* doubled: 1000 + 1 */
    ck_assert(!qt_breaker_permit(&b, 2000, &wait));
    ck_assert(qt_breaker_permit(&b, 2001, &wait));
    qt_breaker_done(&b, &options, false, 2001, 0);
    ck_assert(qt_breaker_permit(&b, 2001, &wait));
    ck_assert_uint_eq(b.failures, 0);
}
END_TEST

START_TEST(breaker_pauses_are_capped) {
    const qt_breaker_options options = {.failures = 1, .base_ms = 1000, .cap_ms = 3000};
    qt_breaker b = {0};
    for (int i = 0; i < 100; i++) {
        qt_breaker_done(&b, &options, true, 0, UINT64_MAX);
        ck_assert_int_le(b.until_ms, 3001);
    }
    const qt_breaker_options never = {.failures = 0, .base_ms = 1, .cap_ms = 1};
    qt_breaker other = {0};
    for (int i = 0; i < 100; i++) {
        qt_breaker_done(&other, &never, true, 0, 0);
    }
    ck_assert_int_eq(other.until_ms, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("httpclient");
    TCase *tc = tcase_create("client");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, replies_come_back_and_connections_are_kept);
    tcase_add_test(tc, retry_after_is_seconds_or_a_date);
    tcase_add_test(tc, a_cut_reply_is_in_doubt);
    tcase_add_test(tc, silence_ends_in_doubt);
    tcase_add_test(tc, a_refused_connection_is_no_doubt);
    tcase_add_test(tc, a_post_is_sent_once);
    tcase_add_test(tc, large_replies_are_cut_off);
    tcase_add_test(tc, a_call_can_be_cancelled);
    tcase_add_test(tc, the_breaker_opens);
    tcase_add_test(tc, keys_do_not_travel_in_the_clear);
    tcase_add_test(tc, allocations_may_fail);
    tcase_add_test(tc, breaker_lets_one_try);
    tcase_add_test(tc, breaker_pauses_are_capped);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
