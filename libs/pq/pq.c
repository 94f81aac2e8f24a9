/* All calls follow one path: qt_pq_ready() connected, something is sent, wait_flushed() writes
 * while it reads, wait_readable() waits for results, and a lost connection is dropped on the spot.
 */
#include "pq/pq.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BACKOFF_BASE_MS = 100, BACKOFF_CAP_MS = 1000, STATEMENT_NAME_BYTES = 24 };

struct qt_pq {
    qt_pq_options options;
    PGconn *conn;
    uint64_t generation;
    int failed_connects;
    int64_t retry_at_ms; /* no connect before this, on the monotonic clock */
    char sqlstate[6];
};

void qt_pq_clear_p(PGresult **result) {
    PQclear(*result);
}

qt_pq *qt_pq_new(const qt_pq_options *options) {
    qt_pq *pq = qt_xcalloc(1, sizeof *pq);
    pq->options = *options;
    if (pq->options.connect_timeout_ms == 0) {
        pq->options.connect_timeout_ms = 5000;
    }
    if (pq->options.command_timeout_ms == 0) {
        pq->options.command_timeout_ms = 30000;
    }
    return pq;
}

void qt_pq_drop(qt_pq *pq) {
    PQfinish(pq->conn);
    pq->conn = NULL;
}

void qt_pq_free(qt_pq *pq) {
    if (pq != NULL) {
        qt_pq_drop(pq);
        free(pq);
    }
}

void qt_pq_free_p(qt_pq **pq) {
    qt_pq_free(*pq);
}

bool qt_pq_is_connected(const qt_pq *pq) {
    return pq->conn != NULL;
}

uint64_t qt_pq_generation(const qt_pq *pq) {
    return pq->generation;
}

const char *qt_pq_sqlstate(const qt_pq *pq) {
    return pq->sqlstate;
}

bool qt_pq_should_rerun(const qt_pq *pq) {
    return strcmp(pq->sqlstate, "40P01") == 0 || strcmp(pq->sqlstate, "40001") == 0;
}

static int64_t now_ms(void) {
    return qt_clock_mono_ms(qt_clock_system());
}

/* ---- errors ---- */

static void set_sqlstate(qt_pq *pq, const char *state) {
    snprintf(pq->sqlstate, sizeof pq->sqlstate, "%s", state != NULL ? state : "");
}

static qt_code lost(qt_pq *pq, const char *what, qt_err *err) {
    set_sqlstate(pq, "");
    qt_pq_drop(pq);
    return qt_fail(err, STORE_UNAVAILABLE, "PostgreSQL: %s", what);
}

/* The server's message without its end of line. */
static void one_line(const char *message, char *out, size_t cap) {
    snprintf(out, cap, "%s", message != NULL ? message : "");
    out[strcspn(out, "\n")] = '\0';
}

static bool is_class(const char *state, const char *class) {
    return strncmp(state, class, strlen(class)) == 0;
}

static qt_code server_error(qt_pq *pq, const PGresult *result, qt_err *err) {
    char msg[200];
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    set_sqlstate(pq, state);
    one_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), msg, sizeof msg);
    state = pq->sqlstate;
    if (state[0] == '\0') {
        return lost(pq, "the connection was lost", err);
    }
    if (is_class(state, "08") || is_class(state, "57P") || is_class(state, "53300") ||
        is_class(state, "25006")) {
        qt_pq_drop(pq); /* stopping, starting, too many clients, or a standby: look for another */
        return qt_fail(err, STORE_UNAVAILABLE, "PostgreSQL: %s", msg);
    }
    if (is_class(state, "57014")) {
        return qt_fail(err, DEADLINE_EXCEEDED, "PostgreSQL: %s", msg);
    }
    if (is_class(state, "53")) {
        return qt_fail(err, OVERLOADED, "PostgreSQL: %s", msg);
    }
    if (is_class(state, "42P01") || is_class(state, "42703") || is_class(state, "42883") ||
        is_class(state, "3F000")) {
        return qt_fail(err, SCHEMA_MISMATCH, "PostgreSQL: %s", msg);
    }
    if (is_class(state, "22021") || is_class(state, "22P05")) {
        return qt_fail(err, UTF8_INVALID, "PostgreSQL: %s", msg);
    }
    if (qt_pq_should_rerun(pq)) {
        return qt_fail(err, STORE_UNAVAILABLE, "PostgreSQL: %s", msg);
    }
    return qt_fail(err, INTERNAL, "PostgreSQL: %s (%s)", msg, state);
}

/* ---- waiting ---- */

static int wait_for(qt_pq *pq, short events, int64_t end_ms) {
    struct pollfd p = {.fd = PQsocket(pq->conn), .events = events};
    for (;;) {
        int64_t left = end_ms - now_ms();
        int n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n >= 0 || errno != EINTR) {
            return n;
        }
    }
}

static int64_t command_end_ms(const qt_pq *pq) {
    return now_ms() + pq->options.command_timeout_ms;
}

/* Writes everything; reads meanwhile, or both sides could wait for each other for ever. */
static qt_code wait_flushed(qt_pq *pq, int64_t end_ms, qt_err *err) {
    int rc = 0;
    while ((rc = PQflush(pq->conn)) == 1) {
        if (wait_for(pq, POLLIN | POLLOUT, end_ms) <= 0) {
            return lost(pq, "no answer in time", err);
        }
        if (PQconsumeInput(pq->conn) != 1) {
            return lost(pq, "the connection was lost", err);
        }
    }
    return rc == 0 ? QT_OK : lost(pq, "the connection was lost", err);
}

static qt_code next_result(qt_pq *pq, int64_t end_ms, PGresult **ret_result, qt_err *err) {
    while (PQisBusy(pq->conn)) {
        if (wait_for(pq, POLLIN, end_ms) <= 0) {
            return lost(pq, "no answer in time", err);
        }
        if (PQconsumeInput(pq->conn) != 1) {
            return lost(pq, "the connection was lost", err);
        }
    }
    *ret_result = PQgetResult(pq->conn);
    return QT_OK;
}

static bool is_good(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
}

/* Reads the results of one query, without pipeline: the last one counts, the first error wins. */
static qt_code collect(qt_pq *pq, PGresult **ret_rows, qt_err *err) {
    int64_t end_ms = command_end_ms(pq);
    QT_CLEANUP(qt_pq_clear_p) PGresult *last = NULL;
    qt_code code = QT_OK;
    QT_TRY(wait_flushed(pq, end_ms, err));
    for (;;) {
        PGresult *result = NULL;
        QT_TRY(next_result(pq, end_ms, &result, err));
        if (result == NULL) {
            break;
        }
        if (!is_good(result) && code == QT_OK) {
            code = server_error(pq, result, err);
        }
        PQclear(last);
        last = result;
        if (pq->conn == NULL) {
            break;
        }
    }
    if (code == QT_OK && ret_rows != NULL) {
        *ret_rows = QT_TAKE(last);
    }
    return code;
}

/* ---- connecting ---- */

static qt_code refuse_connect(qt_pq *pq, qt_err *err) {
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) {
        random = (uint64_t)now_ms();
    }
    int64_t ceiling = BACKOFF_BASE_MS;
    for (int i = 0; i < pq->failed_connects && ceiling < BACKOFF_CAP_MS; i++) {
        ceiling *= 2;
    }
    ceiling = ceiling < BACKOFF_CAP_MS ? ceiling : BACKOFF_CAP_MS;
    pq->failed_connects++;
    pq->retry_at_ms = now_ms() + 1 + (int64_t)(random % (uint64_t)ceiling);
    (void)lost(pq, "cannot connect", err); /* libpq's own message may hold parts of the URL */
    err->retry_after_ms = ceiling;
    return err->code;
}

static PGconn *start_connect(const qt_pq *pq) {
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld",
             (long long)((pq->options.connect_timeout_ms + 999) / 1000));
    const char *const keys[] = {"dbname",
                                "application_name",
                                "options",
                                "connect_timeout",
                                "client_encoding",
                                "keepalives_idle",
                                "keepalives_interval",
                                "keepalives_count",
                                "tcp_user_timeout",
                                NULL};
    const char *const values[] = {pq->options.url,
                                  pq->options.application_name,
                                  pq->options.server_options,
                                  seconds,
                                  "UTF8",
                                  "5",
                                  "5",
                                  "2",
                                  "15000",
                                  NULL};
    return PQconnectStartParams(keys, values, 1); /* the URL may override */
}

static bool finish_connect(qt_pq *pq, int64_t end_ms) {
    if (pq->conn == NULL || PQstatus(pq->conn) == CONNECTION_BAD) {
        return false;
    }
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    while (want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED) {
        short events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (wait_for(pq, events, end_ms) <= 0) {
            return false;
        }
        want = PQconnectPoll(pq->conn);
    }
    return want == PGRES_POLLING_OK && PQsetnonblocking(pq->conn, 1) == 0;
}

static qt_code prepare_all(qt_pq *pq, qt_err *err) {
    for (size_t i = 0; i < pq->options.statement_count; i++) {
        char name[STATEMENT_NAME_BYTES];
        snprintf(name, sizeof name, "s%zu", i);
        if (PQsendPrepare(pq->conn, name, pq->options.statements[i], 0, NULL) != 1) {
            return lost(pq, "the connection was lost", err);
        }
        qt_code code = collect(pq, NULL, err);
        if (code != QT_OK) {
            qt_pq_drop(pq);
            return code;
        }
    }
    return QT_OK;
}

/* Notices say nothing that the error does not. */
static void drop_notice(void *arg, const PGresult *result) {
    (void)arg;
    (void)result;
}

qt_code qt_pq_ready(qt_pq *pq, qt_err *err) {
    if (pq->conn != NULL) {
        return QT_OK;
    }
    int64_t wait_ms = pq->retry_at_ms - now_ms();
    if (pq->failed_connects > 0 && wait_ms > 0) {
        set_sqlstate(pq, "");
        (void)qt_fail(err, STORE_UNAVAILABLE, "PostgreSQL: cannot connect");
        err->retry_after_ms = wait_ms;
        return err->code;
    }
    pq->conn = start_connect(pq);
    PQsetNoticeReceiver(pq->conn, drop_notice, NULL);
    if (!finish_connect(pq, now_ms() + pq->options.connect_timeout_ms)) {
        return refuse_connect(pq, err);
    }
    QT_TRY(prepare_all(pq, err));
    pq->failed_connects = 0;
    pq->generation++;
    return QT_OK;
}

/* ---- single statements ---- */

qt_code qt_pq_query(qt_pq *pq, const char *sql, PGresult **ret_rows, qt_err *err) {
    QT_TRY(qt_pq_ready(pq, err));
    if (PQsendQuery(pq->conn, sql) != 1) {
        return lost(pq, "the connection was lost", err);
    }
    return collect(pq, ret_rows, err);
}

qt_code qt_pq_exec(qt_pq *pq, const char *sql, qt_err *err) {
    return qt_pq_query(pq, sql, NULL, err);
}

/* Values and formats as libpq wants them. */
static qt_code spread(const qt_pq_params *params, const char *values[QT_PQ_MAX_PARAMS],
                      int formats[QT_PQ_MAX_PARAMS], qt_err *err) {
    if (params == NULL) {
        return QT_OK;
    }
    QT_TRY(qt_pq_params_check(params, err));
    for (size_t i = 0; i < params->count; i++) {
        bool is_copy = params->values[i] == NULL && params->lengths[i] >= 0;
        values[i] = is_copy ? params->buf.data + params->offsets[i] : params->values[i];
        formats[i] = 1;
    }
    return QT_OK;
}

static qt_code send_statement(qt_pq *pq, size_t statement, const qt_pq_params *params,
                              qt_err *err) {
    char name[STATEMENT_NAME_BYTES];
    const char *values[QT_PQ_MAX_PARAMS];
    int formats[QT_PQ_MAX_PARAMS];
    QT_TRY(spread(params, values, formats, err));
    snprintf(name, sizeof name, "s%zu", statement);
    if (PQsendQueryPrepared(pq->conn, name, params != NULL ? (int)params->count : 0, values,
                            params != NULL ? params->lengths : NULL, formats, 1) != 1) {
        return lost(pq, "the connection was lost", err);
    }
    return QT_OK;
}

qt_code qt_pq_run_sql(qt_pq *pq, const char *sql, const qt_pq_params *params, PGresult **ret_rows,
                      qt_err *err) {
    const char *values[QT_PQ_MAX_PARAMS];
    int formats[QT_PQ_MAX_PARAMS];
    QT_TRY(qt_pq_ready(pq, err));
    QT_TRY(spread(params, values, formats, err));
    if (PQsendQueryParams(pq->conn, sql, params != NULL ? (int)params->count : 0, NULL, values,
                          params != NULL ? params->lengths : NULL, formats, 1) != 1) {
        return lost(pq, "the connection was lost", err);
    }
    return collect(pq, ret_rows, err);
}

qt_code qt_pq_run(qt_pq *pq, size_t statement, const qt_pq_params *params, PGresult **ret_rows,
                  qt_err *err) {
    QT_TRY(qt_pq_ready(pq, err));
    QT_TRY(send_statement(pq, statement, params, err));
    return collect(pq, ret_rows, err);
}

qt_code qt_pq_now_us(qt_pq *pq, int64_t *ret_us, qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    QT_TRY(qt_pq_query(pq, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
                       &rows, err));
    *ret_us = strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    return QT_OK;
}

/* ---- pipelines ---- */

qt_code qt_pq_pipe_begin(qt_pq *pq, qt_err *err) {
    QT_TRY(qt_pq_ready(pq, err));
    if (PQenterPipelineMode(pq->conn) != 1) {
        return lost(pq, "no pipeline", err);
    }
    return QT_OK;
}

qt_code qt_pq_pipe_send(qt_pq *pq, size_t statement, const qt_pq_params *params, qt_err *err) {
    if (pq->conn == NULL) {
        return lost(pq, "the connection was lost", err);
    }
    return send_statement(pq, statement, params, err);
}

/* Puts one result where it belongs; remembers the first error. */
static void file_result(qt_pq *pq, PGresult *result, PGresult **results, size_t count,
                        size_t *index, qt_code *code, qt_err *err) {
    bool is_aborted = PQresultStatus(result) == PGRES_PIPELINE_ABORTED;
    if (!is_good(result) && !is_aborted && *code == QT_OK) {
        *code = server_error(pq, result, err);
    }
    if (*index < count && results[*index] == NULL) {
        results[*index] = result;
    } else {
        PQclear(result);
    }
}

static qt_code read_pipeline(qt_pq *pq, PGresult **results, size_t count, qt_err *err) {
    int64_t end_ms = command_end_ms(pq);
    qt_code code = QT_OK;
    size_t index = 0;
    QT_TRY(wait_flushed(pq, end_ms, err));
    for (;;) {
        PGresult *result = NULL;
        QT_TRY(next_result(pq, end_ms, &result, err));
        if (result == NULL) {
            if (++index > count + 1) {
                return lost(pq, "the pipeline is out of step", err);
            }
            continue; /* between two statements */
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return code;
        }
        file_result(pq, result, results, count, &index, &code, err);
        if (pq->conn == NULL) {
            return code;
        }
    }
}

static void clear_results(PGresult **results, size_t count) {
    for (size_t i = 0; i < count; i++) {
        PQclear(results[i]);
        results[i] = NULL;
    }
}

qt_code qt_pq_pipe_finish(qt_pq *pq, PGresult **results, size_t count, qt_err *err) {
    for (size_t i = 0; i < count; i++) {
        results[i] = NULL;
    }
    if (pq->conn == NULL || PQpipelineSync(pq->conn) != 1) {
        return lost(pq, "the connection was lost", err);
    }
    qt_code code = read_pipeline(pq, results, count, err);
    if (code != QT_OK) {
        clear_results(results, count);
    }
    if (pq->conn != NULL && PQexitPipelineMode(pq->conn) != 1) {
        clear_results(results, count);
        return lost(pq, "the pipeline did not end", err);
    }
    return code;
}
