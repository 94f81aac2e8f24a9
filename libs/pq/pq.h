/* A thin layer over libpq: one connection with timeouts, prepared statements, pipelines.
 *
 * The statements are prepared on every connect, so they are called by number. Nothing blocks
 * longer than the command timeout: the connection is non-blocking and reads while it writes, as
 * libpq's pipeline mode wants. A connection that broke is opened again by the next qt_pq_ready();
 * between failed tries lies a backoff with jitter, in which it fails at once.
 *
 * Errors: STORE_UNAVAILABLE for a lost or refused connection, a server that starts or stops, a
 * standby; DEADLINE_EXCEEDED for a statement over its timeout; OVERLOADED for a full disk or
 * memory; SCHEMA_MISMATCH for missing tables or columns; UTF8_INVALID for text that the database
 * refuses; INTERNAL for the rest. The URL and its password never appear in a message.
 *
 * One thread at a time per connection. */
#ifndef QT_PQ_PQ_H
#define QT_PQ_PQ_H

#include "base/err.h"
#include "pq/params.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_pq qt_pq;

typedef struct qt_pq_options {
    const char *url;               /* connection string or URI; kept */
    const char *application_name;  /* kept */
    const char *server_options;    /* "-c name=value ..."; NULL: none; kept */
    int64_t connect_timeout_ms;    /* 0: 5,000 */
    int64_t command_timeout_ms;    /* 0: 30,000; of one call of this interface */
    const char *const *statements; /* SQL texts, prepared as number 0, 1, ...; kept */
    size_t statement_count;
} qt_pq_options;

/* Makes a connection object; nothing is connected yet. `options` is copied, its strings are kept.
 */
qt_pq *qt_pq_new(const qt_pq_options *options);
/* NULL is allowed. */
void qt_pq_free(qt_pq *pq);
void qt_pq_free_p(qt_pq **pq);

/* Connects when it is not connected. */
qt_code qt_pq_ready(qt_pq *pq, qt_err *err);
/* Drops the connection; the next qt_pq_ready() opens another. */
void qt_pq_drop(qt_pq *pq);
bool qt_pq_is_connected(const qt_pq *pq);
/* Grows with every connect; what was measured on one connection may not hold on the next. */
uint64_t qt_pq_generation(const qt_pq *pq);
/* SQLSTATE of the last error, "" when the connection was lost. Valid until the next call. */
const char *qt_pq_sqlstate(const qt_pq *pq);
/* Whether the last error was a deadlock or a serialization failure: the transaction may be run
 * again as it is. */
bool qt_pq_should_rerun(const qt_pq *pq);

/* Runs SQL without parameters and without interest in rows; several statements are allowed. */
qt_code qt_pq_exec(qt_pq *pq, const char *sql, qt_err *err);
/* The same and returns the rows of the last statement, in text format; PQclear() it. */
qt_code qt_pq_query(qt_pq *pq, const char *sql, PGresult **ret_rows, qt_err *err);
/* Runs a prepared statement; rows come in binary format. `params` may be NULL. PQclear() it. */
qt_code qt_pq_run(qt_pq *pq, size_t statement, const qt_pq_params *params, PGresult **ret_rows,
                  qt_err *err);
/* Runs SQL that is not prepared, with parameters; rows come in binary format. PQclear() it. */
qt_code qt_pq_run_sql(qt_pq *pq, const char *sql, const qt_pq_params *params, PGresult **ret_rows,
                      qt_err *err);
/* The database's clock in microseconds since 1970. */
qt_code qt_pq_now_us(qt_pq *pq, int64_t *ret_us, qt_err *err);

/* A pipeline: begin, send one or more, finish. Without an explicit BEGIN all of it is one
 * transaction. */
qt_code qt_pq_pipe_begin(qt_pq *pq, qt_err *err);
/* Queues a prepared statement; `params` may be NULL and is not used after the return. */
qt_code qt_pq_pipe_send(qt_pq *pq, size_t statement, const qt_pq_params *params, qt_err *err);
/* Waits for all that was queued. results[i] belongs to the i-th statement; `count` must be how many
 * were queued. On failure the first error is returned, and no results. */
qt_code qt_pq_pipe_finish(qt_pq *pq, PGresult **results, size_t count, qt_err *err);

void qt_pq_clear_p(PGresult **result);

#endif
