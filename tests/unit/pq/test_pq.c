#include "suites.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const statements[] = {
    "SELECT $1::bigint + 1",
    "SELECT 1 / $1::bigint",
    "SELECT repeat('x', $1::integer)",
    "SELECT pg_backend_pid()",
};

enum { ADD, DIVIDE, REPEAT, PID, COUNT };

static qt_pq_params param(int64_t v) {
    qt_pq_params params = {0};
    qt_pq_param_int8(&params, v);
    return params;
}

static qt_code run_int(qt_pq *pq, size_t statement, int64_t v, int64_t *ret_value, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = param(v);
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    QT_TRY(qt_pq_run(pq, statement, statement == PID ? NULL : &params, &rows, err));
    *ret_value = qt_pq_get_int(rows, 0, 0);
    return QT_OK;
}

START_TEST(a_statement_runs) {
    qt_err err;
    int64_t value = 0;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(statements, COUNT);
    ck_assert(!qt_pq_is_connected(pq));
    ck_assert_ok(run_int(pq, ADD, 41, &value, &err));
    ck_assert_int_eq(value, 42);
    ck_assert(qt_pq_is_connected(pq));
    ck_assert_uint_eq(qt_pq_generation(pq), 1);
}
END_TEST

START_TEST(the_clock_is_the_databases) {
    qt_err err;
    int64_t us = 0;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    int64_t before = qt_clock_wall_us(qt_clock_system());
    ck_assert_ok(qt_pq_now_us(pq, &us, &err));
    ck_assert_int_ge(us, before - 1000);
    ck_assert_int_le(us, qt_clock_wall_us(qt_clock_system()) + 1000);
}
END_TEST

/* ---- errors ---- */

static const struct {
    const char *sql;
    qt_reason reason;
} failures[] = {
    {"SELECT * FROM no_such_table", QT_REASON_SCHEMA_MISMATCH},
    {"SELECT no_such_column FROM pg_class", QT_REASON_SCHEMA_MISMATCH},
    {"SELECT no_such_function()", QT_REASON_SCHEMA_MISMATCH},
    {"SELECT 1 / 0", QT_REASON_INTERNAL},
    {"SELECT convert_from('\\xff', 'UTF8')", QT_REASON_UTF8_INVALID},
    {"SET statement_timeout = 20; SELECT pg_sleep(30)", QT_REASON_DEADLINE_EXCEEDED},
    {"DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$", QT_REASON_OVERLOADED},
    {"DO $$ BEGIN RAISE EXCEPTION 'dead' USING ERRCODE = '40P01'; END $$",
     QT_REASON_STORE_UNAVAILABLE},
    {"BEGIN READ ONLY; CREATE TABLE t (a integer)", QT_REASON_STORE_UNAVAILABLE},
    {"SELECT pg_terminate_backend(pg_backend_pid())", QT_REASON_STORE_UNAVAILABLE},
};

START_TEST(errors_have_their_reason) {
    qt_err err;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    ck_assert_int_ne(qt_pq_exec(pq, failures[_i].sql, &err), QT_OK);
    ck_assert_msg(err.reason == failures[_i].reason, "%s: %s %s", failures[_i].sql,
                  qt_reason_name(err.reason), err.msg);
    ck_assert(qt_pq_should_rerun(pq) == (strstr(failures[_i].sql, "40P01") != NULL));
    ck_assert_ok(qt_pq_exec(pq, "ROLLBACK; SELECT 1", &err)); /* goes on, or connects again */
}
END_TEST

START_TEST(the_url_is_kept_secret) {
    qt_err err;
    char url[200];
    snprintf(url, sizeof url, "host=%s/nowhere user=u password=hunter2 dbname=d", pg.dir);
    const qt_pq_options options = {.url = url, .application_name = "test"};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = qt_pq_new(&options);
    ck_assert_int_eq(qt_pq_ready(pq, &err), QT_UNAVAILABLE);
    ck_assert_ptr_null(strstr(err.msg, "hunter2"));
    ck_assert_int_gt(err.retry_after_ms, 0);
}
END_TEST

START_TEST(a_refused_connect_backs_off) {
    qt_err err;
    char url[200];
    snprintf(url, sizeof url, "host=%s/nowhere user=u dbname=d", pg.dir);
    const qt_pq_options options = {.url = url, .application_name = "test"};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = qt_pq_new(&options);
    for (int i = 0; i < 1000; i++) { /* most fail at once, without a try */
        ck_assert_int_eq(qt_pq_ready(pq, &err), QT_UNAVAILABLE);
        ck_assert_int_le(err.retry_after_ms, 1000);
    }
}
END_TEST

/* A port that takes connections and never answers. */
START_TEST(a_silent_server_is_given_up) {
    qt_err err;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    QT_AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    char url[200];
    snprintf(url, sizeof url, "host=127.0.0.1 port=%d user=u dbname=d", ntohs(addr.sin_port));
    const qt_pq_options options = {
        .url = url, .application_name = "test", .connect_timeout_ms = 200};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = qt_pq_new(&options);
    ck_assert_int_eq(qt_pq_ready(pq, &err), QT_UNAVAILABLE);
    ck_assert(!qt_pq_is_connected(pq));
}
END_TEST

START_TEST(a_slow_answer_is_given_up) {
    qt_err err;
    const qt_pq_options options = {
        .url = pg.url, .application_name = "test", .command_timeout_ms = 100};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = qt_pq_new(&options);
    ck_assert_int_eq(qt_pq_exec(pq, "SELECT pg_sleep(60)", &err), QT_UNAVAILABLE);
    ck_assert(!qt_pq_is_connected(pq));
    ck_assert_ok(qt_pq_exec(pq, "SELECT 1", &err));
}
END_TEST

START_TEST(a_killed_connection_is_opened_again) {
    qt_err err;
    char sql[80];
    int64_t pid = 0;
    int64_t value = 0;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(statements, COUNT);
    QT_CLEANUP(qt_pq_free_p) qt_pq *other = new_connection(NULL, 0);
    ck_assert_ok(run_int(pq, PID, 0, &pid, &err));
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld, 5000)", (long long)pid);
    ck_assert_ok(qt_pq_exec(other, sql, &err));
    ck_assert_int_eq(run_int(pq, ADD, 1, &value, &err), QT_UNAVAILABLE);
    ck_assert_str_eq(qt_reason_name(err.reason), "STORE_UNAVAILABLE");
    ck_assert_ok(run_int(pq, ADD, 1, &value, &err));
    ck_assert_uint_eq(qt_pq_generation(pq), 2);
}
END_TEST

/* ---- pipelines ---- */

START_TEST(a_pipeline_keeps_its_order) {
    enum { SENT = 200 };
    qt_err err;
    PGresult *results[SENT];
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(statements, COUNT);
    ck_assert_ok(qt_pq_pipe_begin(pq, &err));
    for (int i = 0; i < SENT; i++) {
        QT_CLEANUP(qt_pq_params_done) qt_pq_params params = param(i);
        ck_assert_ok(qt_pq_pipe_send(pq, ADD, &params, &err));
    }
    ck_assert_ok(qt_pq_pipe_finish(pq, results, SENT, &err));
    for (int i = 0; i < SENT; i++) {
        ck_assert_int_eq(qt_pq_get_int(results[i], 0, 0), i + 1);
        PQclear(results[i]);
    }
}
END_TEST

/* More than all socket buffers hold, in both directions at once. */
START_TEST(a_pipeline_reads_while_it_writes) {
    enum { SENT = 40, BYTES = 1 << 20 };
    static const char *const copy[] = {"SELECT $1::bytea"};
    qt_err err;
    PGresult *results[SENT];
    QT_AUTO_FREE char *blob = qt_xcalloc(1, BYTES);
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(copy, 1);
    ck_assert_ok(qt_pq_pipe_begin(pq, &err));
    for (int i = 0; i < SENT; i++) {
        QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
        qt_pq_param_span(&params, (qt_span){blob, BYTES});
        ck_assert_ok(qt_pq_pipe_send(pq, 0, &params, &err));
    }
    ck_assert_ok(qt_pq_pipe_finish(pq, results, SENT, &err));
    for (int i = 0; i < SENT; i++) {
        ck_assert_uint_eq(qt_pq_get_span(results[i], 0, 0).len, BYTES);
        PQclear(results[i]);
    }
}
END_TEST

START_TEST(an_error_ends_a_pipeline_and_not_the_connection) {
    qt_err err;
    int64_t value = 0;
    PGresult *results[3];
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(statements, COUNT);
    ck_assert_ok(qt_pq_pipe_begin(pq, &err));
    for (int i = 0; i < 3; i++) {
        QT_CLEANUP(qt_pq_params_done) qt_pq_params params = param(1 - i); /* 1, 0, -1 */
        ck_assert_ok(qt_pq_pipe_send(pq, DIVIDE, &params, &err));
    }
    ck_assert_int_eq(qt_pq_pipe_finish(pq, results, 3, &err), QT_INTERNAL);
    ck_assert_str_eq(qt_pq_sqlstate(pq), "22012");
    ck_assert_ptr_null(results[0]);
    ck_assert(qt_pq_is_connected(pq));
    ck_assert_ok(run_int(pq, ADD, 1, &value, &err));
    ck_assert_uint_eq(qt_pq_generation(pq), 1);
}
END_TEST

START_TEST(a_pipeline_dies_with_its_connection) {
    static const char *const sql[] = {"SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"};
    qt_err err;
    PGresult *results[2];
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(sql, 2);
    ck_assert_ok(qt_pq_pipe_begin(pq, &err));
    ck_assert_ok(qt_pq_pipe_send(pq, 0, NULL, &err));
    ck_assert_ok(qt_pq_pipe_send(pq, 1, NULL, &err));
    ck_assert_int_eq(qt_pq_pipe_finish(pq, results, 2, &err), QT_UNAVAILABLE);
    ck_assert(!qt_pq_is_connected(pq));
    ck_assert_int_eq(qt_pq_pipe_send(pq, 1, NULL, &err), QT_UNAVAILABLE);
    ck_assert_ok(qt_pq_exec(pq, "SELECT 1", &err));
}
END_TEST

START_TEST(sql_with_parameters_needs_no_preparation) {
    qt_err err;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = param(5);
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    ck_assert_ok(qt_pq_run_sql(pq, "SELECT $1::bigint * 2", &params, &rows, &err));
    ck_assert_int_eq(qt_pq_get_int(rows, 0, 0), 10);
}
END_TEST

TCase *pq_cases(void) {
    TCase *tc = tcase_create("connection");
    tcase_add_test(tc, a_statement_runs);
    tcase_add_test(tc, the_clock_is_the_databases);
    tcase_add_loop_test(tc, errors_have_their_reason, 0, (int)QT_ARRAY_LEN(failures));
    tcase_add_test(tc, the_url_is_kept_secret);
    tcase_add_test(tc, a_refused_connect_backs_off);
    tcase_add_test(tc, a_silent_server_is_given_up);
    tcase_add_test(tc, a_slow_answer_is_given_up);
    tcase_add_test(tc, a_killed_connection_is_opened_again);
    tcase_add_test(tc, a_pipeline_keeps_its_order);
    tcase_add_test(tc, a_pipeline_reads_while_it_writes);
    tcase_add_test(tc, an_error_ends_a_pipeline_and_not_the_connection);
    tcase_add_test(tc, a_pipeline_dies_with_its_connection);
    tcase_add_test(tc, sql_with_parameters_needs_no_preparation);
    return tc;
}
