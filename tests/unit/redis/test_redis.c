#include "redis/address.h"
#include "redis/pool.h"

#include "base/cleanup.h"
#include "redis_server.h"
#include "testlib.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static qt_redis_address address_of(const char *url) {
    qt_err err;
    qt_redis_address a;
    ck_assert_ok(qt_redis_address_parse(url, &a, &err));
    return a;
}

START_TEST(url_parts) {
    qt_redis_address a = address_of("redis://:p%40s%3as@cache.example:6380/7");
    ck_assert_str_eq(a.host, "cache.example");
    ck_assert_int_eq(a.port, 6380);
    ck_assert_int_eq(a.db, 7);
    ck_assert_str_eq(a.user, "");
    ck_assert_str_eq(a.password, "p@s:s");
    ck_assert_str_eq(a.path, "");

    a = address_of("redis://worker:a@b@[::1]");
    ck_assert_str_eq(a.host, "::1");
    ck_assert_int_eq(a.port, 6379);
    ck_assert_str_eq(a.user, "worker");
    ck_assert_str_eq(a.password, "a@b");

    a = address_of("redis://[fe80::1]:7000/");
    ck_assert_str_eq(a.host, "fe80::1");
    ck_assert_int_eq(a.port, 7000);
    ck_assert_int_eq(a.db, 0);

    a = address_of("unix:///run/redis%20x.sock?db=3");
    ck_assert_str_eq(a.path, "/run/redis x.sock");
    ck_assert_int_eq(a.db, 3);
    ck_assert_str_eq(a.host, "");
}
END_TEST

START_TEST(url_refused) {
    static const char *const urls[] = {"",
                                       "localhost:6379",
                                       "rediss://localhost",
                                       "redis://",
                                       "redis://:6379",
                                       "redis://h:0",
                                       "redis://h:65536",
                                       "redis://h:12x",
                                       "redis://h:",
                                       "redis://h/x",
                                       "redis://h/65536",
                                       "redis://h/99999999999999999999",
                                       "redis://user@h",
                                       "redis://:%4@h",
                                       "redis://:%zz@h",
                                       "redis://:%00@h",
                                       "redis://[::1",
                                       "redis://[::1]x",
                                       "redis://h?protocol=3",
                                       "unix://run/x",
                                       "unix:///",
                                       "unix://",
                                       "unix:///x?db="};
    for (size_t i = 0; i < QT_ARRAY_LEN(urls); i++) {
        qt_err err;
        qt_redis_address a;
        ck_assert_msg(qt_redis_address_parse(urls[i], &a, &err) == QT_INVALID_ARGUMENT, "%s",
                      urls[i]);
        ck_assert_int_eq(err.reason, QT_REASON_SETTING_INVALID);
    }
}
END_TEST

START_TEST(url_error_hides_password) {
    qt_err err;
    qt_redis_address a;
    ck_assert_int_ne(qt_redis_address_parse("redis://:geheim@h:99999", &a, &err), QT_OK);
    ck_assert_ptr_null(strstr(err.msg, "geheim"));
}
END_TEST

START_TEST(address_from_settings) {
    qt_err err;
    qt_redis_address a;
    ck_assert_ok(qt_redis_address_make("db", 6380, 2, "", "secret", &a, &err));
    ck_assert_str_eq(a.host, "db");
    ck_assert_str_eq(a.password, "secret");
    ck_assert_ok(qt_redis_address_make("/run/r.sock", 1, 0, NULL, NULL, &a, &err));
    ck_assert_str_eq(a.path, "/run/r.sock");
    ck_assert_int_ne(qt_redis_address_make("", 1, 0, "", "", &a, &err), QT_OK);
    ck_assert_int_ne(qt_redis_address_make("h", 0, 0, "", "", &a, &err), QT_OK);
}
END_TEST

START_TEST(batch_encodes) {
    qt_err err;
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch b = {0};
    qt_redis_batch_add(&b, "SET", "k");
    qt_redis_batch_command(&b, 3);
    qt_redis_batch_i64(&b, -5);
    qt_redis_batch_arg(&b, "a\0b", 3);
    memcpy(qt_redis_batch_reserve(&b, 2), "xy", 2);
    static const char want[] = "*2\r\n$3\r\nSET\r\n$1\r\nk\r\n*3\r\n$2\r\n-5\r\n$3\r\na\0b\r\n"
                               "$2\r\nxy\r\n";
    ck_assert_ok(qt_buf_check(&b.buf, &err));
    ck_assert_uint_eq(b.count, 2);
    ck_assert_uint_eq(b.buf.len, sizeof want - 1);
    ck_assert_mem_eq(b.buf.data, want, sizeof want - 1);
}
END_TEST

static qt_test_redis server;

static void start_server(void) {
    qt_test_redis_start(&server, true, NULL);
}

static void stop_server(void) {
    qt_test_redis_stop(&server);
}

static qt_redis_options options_of(const char *url) {
    return (qt_redis_options){.address = address_of(url),
                              .connect_timeout_ms = 1000,
                              .command_timeout_ms = 2000,
                              .client_name = "test"};
}

static qt_redis *connect_to(const char *url) {
    qt_err err;
    qt_redis_options options = options_of(url);
    qt_redis *redis = NULL;
    ck_assert_ok(qt_redis_new(&options, &redis, &err));
    return redis;
}

static void sum_replies(void *arg, size_t i, const redisReply *reply) {
    ck_assert_int_eq(reply->type, REDIS_REPLY_INTEGER);
    ck_assert_int_eq(reply->integer, (long long)i + 1);
    *(size_t *)arg += 1;
}

START_TEST(pipeline) {
    qt_err err;
    QT_CLEANUP(qt_redis_free_p) qt_redis *redis = connect_to(server.tcp_url);
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch b = {0};
    for (int i = 0; i < 5000; i++) {
        qt_redis_batch_add(&b, "INCR", "n");
    }
    size_t replies = 0;
    ck_assert_ok(qt_redis_run(redis, &b, sum_replies, &replies, &err));
    ck_assert_uint_eq(replies, 5000);
    ck_assert_int_gt(qt_redis_client_id(redis), 0);
}
END_TEST

static qt_code ping(qt_redis *redis, qt_err *err) {
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch b = {0};
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    qt_redis_batch_add(&b, "PING");
    return qt_redis_call(redis, &b, &reply, err);
}

static bool pings(void *arg) {
    qt_err err;
    return ping(arg, &err) == QT_OK;
}

START_TEST(survives_restart) {
    qt_err err;
    QT_CLEANUP(qt_redis_free_p) qt_redis *redis = connect_to(server.url);
    ck_assert_ok(ping(redis, &err));
    qt_test_redis_restart(&server);
    ck_assert_ok(ping(redis, &err)); /* the dead socket is noticed before the send */
    qt_test_redis_kill(&server);
    ck_assert_int_eq(ping(redis, &err), QT_UNAVAILABLE);
    ck_assert_int_eq(err.reason, QT_REASON_QUEUE_UNAVAILABLE);
    ck_assert_int_gt(qt_redis_pause_ms(redis), 0);
    ck_assert_int_eq(ping(redis, &err), QT_UNAVAILABLE);
    qt_test_redis_restart(&server);
    ck_assert(qt_test_wait(pings, redis, 5000));
}
END_TEST

START_TEST(error_replies) {
    qt_err err;
    QT_CLEANUP(qt_redis_free_p) qt_redis *redis = connect_to(server.url);
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch b = {0};
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    qt_redis_batch_add(&b, "NOSUCH");
    ck_assert_int_eq(qt_redis_call(redis, &b, &reply, &err), QT_INTERNAL);
    ck_assert_ok(ping(redis, &err)); /* the connection is still in step */
    static const struct {
        const char *text;
        qt_code code;
    } cases[] = {{"OOM command not allowed", QT_UNAVAILABLE},
                 {"LOADING Redis is loading", QT_UNAVAILABLE},
                 {"READONLY You can't write", QT_UNAVAILABLE},
                 {"NOGROUP No such key", QT_INTERNAL},
                 {"WRONGTYPE", QT_INTERNAL}};
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        redisReply r = {.type = REDIS_REPLY_ERROR, .str = qt_xstrdup(cases[i].text)};
        ck_assert_int_eq(qt_redis_check(&r, &err), cases[i].code);
        free(r.str);
    }
}
END_TEST

START_TEST(silent_server_times_out) {
    qt_err err;
    QT_CLEANUP(qt_redis_free_p) qt_redis *redis = NULL;
    qt_redis_options options = options_of(server.tcp_url);
    options.command_timeout_ms = 100;
    ck_assert_ok(qt_redis_new(&options, &redis, &err));
    ck_assert_ok(ping(redis, &err));
    kill(server.pid, SIGSTOP);
    ck_assert_int_eq(ping(redis, &err), QT_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.msg, "no answer in time"));
    kill(server.pid, SIGCONT);
    ck_assert(qt_test_wait(pings, redis, 5000));
}
END_TEST

START_TEST(password_and_database) {
    qt_err err;
    qt_test_redis locked;
    qt_test_redis_start(&locked, false, "pa:ss");
    char url[300];
    snprintf(url, sizeof url, "redis://:pa%%3Ass@127.0.0.1:%d/3", locked.port);
    QT_CLEANUP(qt_redis_free_p) qt_redis *redis = connect_to(url);
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch b = {0};
    QT_CLEANUP(qt_redis_reply_free_p) redisReply *reply = NULL;
    qt_redis_batch_add(&b, "SET", "k", "v");
    ck_assert_ok(qt_redis_call(redis, &b, &reply, &err));
    char *found = qt_test_redis_command(&locked, "GET k");
    ck_assert_str_eq(found, "(nil)"); /* it is in database 3, not 0 */
    free(found);
    QT_CLEANUP(qt_redis_free_p) qt_redis *stranger = connect_to(locked.tcp_url);
    ck_assert_int_eq(ping(stranger, &err), QT_UNAVAILABLE);
    qt_test_redis_stop(&locked);
}
END_TEST

START_TEST(each_failure) {
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_redis_options options = options_of(server.url);
        qt_redis_pool *pool = NULL;
        qt_code code = qt_redis_pool_new(&options, 3, &pool, &err);
        if (code == QT_OK) {
            size_t replies = 0;
            QT_CLEANUP(qt_redis_batch_done) qt_redis_batch one = {0};
            qt_redis_batch_add(&one, "INCR", "one");
            code = qt_redis_pool_run(pool, &one, sum_replies, &replies, &err);
            ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
            free(qt_test_redis_command(&server, "DEL one"));
        }
        qt_redis_pool_free(pool);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("redis");
    TCase *offline = tcase_create("offline");
    tcase_add_test(offline, url_parts);
    tcase_add_test(offline, url_refused);
    tcase_add_test(offline, url_error_hides_password);
    tcase_add_test(offline, address_from_settings);
    tcase_add_test(offline, batch_encodes);
    suite_add_tcase(suite, offline);
    TCase *online = tcase_create("online");
    tcase_set_timeout(online, 60);
    tcase_add_checked_fixture(online, start_server, stop_server);
    tcase_add_test(online, pipeline);
    tcase_add_test(online, survives_restart);
    tcase_add_test(online, error_replies);
    tcase_add_test(online, silent_server_times_out);
    tcase_add_test(online, password_and_database);
    tcase_add_test(online, each_failure);
    suite_add_tcase(suite, online);
    return qt_test_run(suite);
}
