/* Server streams over HTTP: the three forms, going on, errors before and behind the first message,
 * clients that read slowly or go away. */
#include "rig.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static rig r;

static void setup(void) {
    rig_start(&r);
}

static void teardown(void) {
    rig_done(&r);
}

static answer watch(const char *query, const char *accept, const char *other) {
    char path[128];
    snprintf(path, sizeof path, "/v1/tasks:watch?%s", query);
    return rig_ask(&r, &(ask){.method = "GET", .path = path, .headers = {accept, other}});
}

#define CHANGE(version)                                                                            \
    "{\"event\":{\"task_id\":\"watched\",\"version\":\"0\",\"time\":null,"                         \
    "\"from\":\"unspecified\",\"to\":\"queued\",\"reason\":\"\",\"attempt\":0},"                   \
    "\"resync\":false,\"version\":\"" #version "\"}"

START_TEST(three_forms) {
    static const struct {
        const char *accept;
        const char *type;
        const char *body;
    } rows[] = {
        {"Accept: text/event-stream", "Content-Type: text/event-stream",
         "id: 1\ndata: " CHANGE(1) "\n\nid: 2\ndata: " CHANGE(2) "\n\n"},
        {"Accept: application/x-ndjson", "Content-Type: application/x-ndjson",
         CHANGE(1) "\n" CHANGE(2) "\n"},
        {"Accept: */*", "Content-Type: application/json", "[" CHANGE(1) ",\n" CHANGE(2) "]"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        AUTO_ANSWER a = watch("project=n2", rows[i].accept, NULL);
        ck_assert_int_eq(a.status, 200);
        assert_header(&a, rows[i].type);
        assert_header(&a, "X-Request-Id: ");
        ck_assert_str_eq(a.body, rows[i].body);
    }
}
END_TEST

START_TEST(empty_streams) {
    AUTO_ANSWER list = watch("project=n0", "Accept: application/json", NULL);
    ck_assert_int_eq(list.status, 200);
    ck_assert_str_eq(list.body, "[]");
    AUTO_ANSWER events = watch("project=n0", "Accept: text/event-stream", NULL);
    ck_assert_int_eq(events.status, 200);
    ck_assert_str_eq(events.body, "");
}
END_TEST

START_TEST(a_browser_goes_on) {
    AUTO_ANSWER a =
        watch("project=n1&after_version=3", "Accept: text/event-stream", "Last-Event-ID: 41");
    ck_assert_str_eq(a.body, "id: 42\ndata: " CHANGE(42) "\n\n");
    AUTO_ANSWER b = watch("project=n1&after_version=3", "Accept: text/event-stream", NULL);
    ck_assert_str_eq(b.body, "id: 4\ndata: " CHANGE(4) "\n\n");
    static const char *const bad[] = {"Last-Event-ID: x", "Last-Event-ID: -1",
                                      "Last-Event-ID: 99999999999999999999"};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        AUTO_ANSWER c = watch("project=n1", "Accept: text/event-stream", bad[i]);
        ck_assert_int_eq(c.status, 400);
        assert_error(&c, "INVALID_ARGUMENT", "FIELD_INVALID", "Last-Event-ID");
    }
}
END_TEST

/* Before the first message an error is an answer like others, whatever form is asked for. */
START_TEST(errors_before_the_first) {
    AUTO_ANSWER a = watch("project=missing", "Accept: text/event-stream", NULL);
    ck_assert_int_eq(a.status, 404);
    assert_error(&a, "NOT_FOUND", "TASK_NOT_FOUND", NULL);
    AUTO_ANSWER b = watch("projects=x", "Accept: text/event-stream", NULL);
    ck_assert_int_eq(b.status, 400);
    assert_error(&b, "INVALID_ARGUMENT", "FIELD_UNKNOWN", "projects");
}
END_TEST

START_TEST(errors_behind_the_first) {
    AUTO_ANSWER events = watch("project=late1", "Accept: text/event-stream", NULL);
    ck_assert_int_eq(events.status, 200);
    assert_says(&events,
                "id: 1\ndata: " CHANGE(1) "\n\nevent: error\ndata: {\"error\":{\"code\":8,");
    assert_says(&events, "\"reason\":\"OVERLOADED\"");
    ck_assert_str_eq(events.body + events.body_len - 3, "}\n\n");
    AUTO_ANSWER lines = watch("project=late1", "Accept: application/x-ndjson", NULL);
    assert_says(&lines, CHANGE(1) "\n{\"error\":{");
    AUTO_ANSWER list = watch("project=late1", "Accept: application/json", NULL);
    assert_says(&list, "[" CHANGE(1) ",\n{\"error\":{");
    ck_assert_str_eq(list.body + list.body_len - 3, "}}]");
}
END_TEST

/* Far more than any buffer holds. */
START_TEST(long_streams) {
    enum { COUNT = 20000 };
    AUTO_ANSWER a = watch("project=n20000", "Accept: application/x-ndjson", NULL);
    ck_assert_int_eq(a.status, 200);
    size_t lines = 0;
    for (const char *p = a.body; *p != '\0'; p++) {
        lines += *p == '\n';
    }
    ck_assert_uint_eq(lines, COUNT);
    ck_assert_ptr_nonnull(strstr(a.body, CHANGE(20000) "\n"));
}
END_TEST

/* A connection that has asked for an endless stream and reads nothing. */
static int open_endless(void) {
    static const char request[] = "GET /v1/tasks:watch?project=endless HTTP/1.1\r\nHost: x\r\n"
                                  "Accept: text/event-stream\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)qt_http_server_port(r.http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    return fd;
}

static void await_head(int fd) {
    char head[16];
    ck_assert_int_eq(recv(fd, head, sizeof head, MSG_WAITALL), sizeof head);
    ck_assert_int_eq(strncmp(head, "HTTP/1.1 200 OK", 15), 0);
}

static bool one_is_cancelled(void *arg) {
    (void)arg;
    return atomic_load(&r.fake.cancelled) == 1;
}

/* The service is held up while the client does not read, and told when it goes away. */
START_TEST(clients_that_go_away) {
    int fd = open_endless();
    await_head(fd);
    ck_assert_int_eq(atomic_load(&r.fake.cancelled), 0);
    close(fd);
    ck_assert(qt_test_wait(one_is_cancelled, NULL, 20000));
    AUTO_ANSWER a = rig_get(&r, "/v1/tasks/x", 200); /* all is well */
}
END_TEST

/* Streams do not hold up the stop of the gateway. */
START_TEST(a_stop_ends_streams) {
    int fd = open_endless();
    await_head(fd);
    qt_http_server_stop(r.http, 60000);
    ck_assert(qt_test_wait(one_is_cancelled, NULL, 20000));
    qt_http_server_free(r.http);
    r.http = NULL;
    close(fd);
}
END_TEST

TCase *stream_cases(void) {
    TCase *tc = tcase_create("stream");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, three_forms);
    tcase_add_test(tc, empty_streams);
    tcase_add_test(tc, a_browser_goes_on);
    tcase_add_test(tc, errors_before_the_first);
    tcase_add_test(tc, errors_behind_the_first);
    tcase_add_test(tc, long_streams);
    tcase_add_test(tc, clients_that_go_away);
    tcase_add_test(tc, a_stop_ends_streams);
    return tc;
}
