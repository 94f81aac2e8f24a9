#include "services/task-svc/jobs.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "services/task-svc/pq_pool.h"

#include <stdlib.h>
#include <string.h>

/* In the order of read_row(). */
#define COLUMNS                                                                                    \
    "j.task_id, j.provider, j.device, j.project, j.program_hash, j.shots, j.state, j.submit_seq,"  \
    " (extract(epoch FROM j.doubt_until - clock_timestamp()) * 1000)::bigint, j.job_id,"           \
    " j.provider_status, j.queue_position, j.cost, j.estimated_cost, j.detached, j.cancel_count,"  \
    " j.message, j.layout,"                                                                        \
    " (extract(epoch FROM clock_timestamp() - j.status_at) * 1000)::bigint,"                       \
    " (extract(epoch FROM clock_timestamp() - j.updated_at) * 1000)::bigint,"                      \
    " coalesce(a.state, d.state, 0::smallint)"
#define TABLES                                                                                     \
    " FROM backend_job j LEFT JOIN task_active a ON a.id = j.task_id"                              \
    " LEFT JOIN task_done d ON d.id = j.task_id"
#define DOUBT(n) "doubt_until = clock_timestamp() + $" #n "::bigint * interval '1 ms'"
#define TOUCH ", updated_at = clock_timestamp()"
#define OF_SUBMIT " WHERE task_id = $1::uuid AND state = 2 AND submit_seq = $2::integer"

/* The outcomes come first, by their numbers. */
enum {
    TASK = QT_JOB_OUTCOME_RESULT + 1,
    LOCK_TASK,
    LOCK_PROJECT,
    SPENT,
    INSERT,
    AGAIN,
    GET,
    BY_JOB,
    LIST,
    ABANDONED,
    UPDATE,
    LEASE,
    LEASE_LEFT,
    STATEMENTS
};

static const char *const statements[STATEMENTS] = {
    [0] = "SELECT 1",
    [QT_JOB_OUTCOME_SUBMITTED] =
        "UPDATE backend_job SET state = 3, job_id = $2::text, provider_status = $3::text,"
        " status_at = clock_timestamp()" TOUCH " WHERE task_id = $1::uuid AND state IN (1, 2)",
    [QT_JOB_OUTCOME_DOUBTFUL] = "UPDATE backend_job SET " DOUBT(3) TOUCH OF_SUBMIT,
    [QT_JOB_OUTCOME_NOT_ACCEPTED] = "UPDATE backend_job SET state = 1" TOUCH OF_SUBMIT,
    [QT_JOB_OUTCOME_REJECTED] =
        "UPDATE backend_job SET state = 7, message = $3::text" TOUCH OF_SUBMIT,
    [QT_JOB_OUTCOME_ABSENT] =
        "UPDATE backend_job SET state = 1" TOUCH OF_SUBMIT " AND doubt_until <= clock_timestamp()",
    [QT_JOB_OUTCOME_DETACHED] =
        "UPDATE backend_job SET detached = true" TOUCH " WHERE task_id = $1::uuid",
    [QT_JOB_OUTCOME_RESULT] = "UPDATE backend_job SET result = $2::bytea WHERE task_id = $1::uuid",
    [TASK] = "SELECT t.project, (p.max_amount * 1000000)::bigint FROM task_active t"
             " LEFT JOIN project_spend p ON p.project = t.project AND p.provider = $2::text"
             " WHERE t.id = $1::uuid",
    [LOCK_TASK] = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 7101))::text",
    [LOCK_PROJECT] = "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7102))::text",
    [SPENT] = "SELECT coalesce(sum(coalesce(cost, estimated_cost)), 0)::bigint FROM backend_job"
              " WHERE project = $1::text AND provider = $2::text AND task_id <> $3::uuid"
              " AND (state BETWEEN 2 AND 5 OR job_id IS NOT NULL)"
              " AND created_at > now() - $4::bigint * interval '1 day'",
    [INSERT] = "INSERT INTO backend_job (state, doubt_until, task_id, provider, device, project,"
               " program_hash, shots, estimated_cost, layout)"
               " VALUES (2, clock_timestamp() + $1::bigint * interval '1 ms', $2::uuid, $3::text,"
               " $4::text, $5::text, $6::bytea, $7::bigint, $8::bigint, $9::text)",
    [AGAIN] = "UPDATE backend_job SET state = 2, submit_seq = submit_seq + 1, " DOUBT(1) TOUCH
    ", provider = $3::text, device = $4::text, project = $5::text,"
    " program_hash = $6::bytea, shots = $7::bigint, estimated_cost = $8::bigint,"
    " layout = $9::text, message = '', cancel_count = 0"
    " WHERE task_id = $2::uuid AND job_id IS NULL AND state IN (1, 6, 7)",
    [GET] = "SELECT " COLUMNS ", j.result" TABLES " WHERE j.task_id = $1::uuid",
    [BY_JOB] = "SELECT " COLUMNS ", j.result" TABLES " WHERE j.job_id = $1::text",
    [LIST] = "SELECT " COLUMNS TABLES " WHERE j.provider = $1::text AND j.state IN (1, 2, 3)"
             " AND j.task_id > $2::uuid ORDER BY j.task_id LIMIT $3::bigint",
    [ABANDONED] = "SELECT " COLUMNS TABLES " WHERE j.provider = $1::text AND j.state IN (1, 2, 3)"
                  " AND j.task_id > $2::uuid AND a.id IS NULL AND NOT j.detached"
                  " ORDER BY j.task_id LIMIT $3::bigint",
    [UPDATE] =
        "UPDATE backend_job j SET state = CASE WHEN u.state = 0 THEN j.state ELSE u.state END,"
        " provider_status = coalesce(u.status, j.provider_status),"
        " status_at = CASE WHEN coalesce(u.status, j.provider_status) = j.provider_status"
        " THEN j.status_at ELSE clock_timestamp() END,"
        " queue_position = u.position, cost = coalesce(u.cost, j.cost),"
        " message = coalesce(u.message, j.message),"
        " cancel_count = j.cancel_count + u.cancels" TOUCH
        " FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[],"
        " $6::text[], $7::integer[]) u(id, state, status, position, cost, message, cancels)"
        " WHERE j.task_id = u.id AND (j.state IN (1, 2, 3) OR (u.state = 0 AND u.cost IS NOT NULL))"
        " RETURNING j.task_id, j.state",
    [LEASE] = "INSERT INTO backend_poller AS p (provider, holder, until)"
              " VALUES ($1::text, $2::text, clock_timestamp() + $3::bigint * interval '1 ms')"
              " ON CONFLICT (provider) DO UPDATE SET holder = excluded.holder,"
              " until = excluded.until WHERE p.until < clock_timestamp()"
              " OR p.holder = excluded.holder RETURNING 1",
    [LEASE_LEFT] =
        "SELECT (extract(epoch FROM until - clock_timestamp()) * 1000)::bigint"
        ", (SELECT count(*) FROM backend_job WHERE provider = $1::text AND state = 3),"
        " (SELECT (extract(epoch FROM clock_timestamp() - max(status_at)) * 1000)::bigint"
        " FROM backend_job WHERE provider = $1::text AND state = 3)"
        " FROM backend_poller WHERE provider = $1::text",
};

enum { MICROS = 1000000 };

struct qt_jobs {
    qt_jobs_options options;
    qt_pq_pool pool;
};

qt_jobs *qt_jobs_new(const qt_jobs_options *options) {
    qt_jobs *jobs = qt_xcalloc(1, sizeof *jobs);
    jobs->options = *options;
    const qt_pq_options pool = {.url = options->url,
                                .application_name = "task-svc jobs",
                                .server_options = "-c jit=off -c enable_seqscan=off",
                                .connect_timeout_ms = options->connect_timeout_ms,
                                .command_timeout_ms = options->command_timeout_ms,
                                .statements = statements,
                                .statement_count = STATEMENTS};
    qt_pq_pool_init(&jobs->pool, &pool);
    return jobs;
}

void qt_jobs_free(qt_jobs *jobs) {
    if (jobs != NULL) {
        qt_pq_pool_done(&jobs->pool);
        free(jobs);
    }
}

/* ---- rows ---- */

static qt_code keep_text(qt_arena *arena, const PGresult *rows, int row, int column,
                         const char **ret_text, qt_err *err) {
    qt_span span = qt_pq_get_span(rows, row, column);
    char *text = qt_arena_strndup(arena, span.p != NULL ? span.p : "", span.len);
    if (text == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for a job's texts");
    }
    *ret_text = text;
    return QT_OK;
}

static qt_code keep_bytes(qt_arena *arena, const PGresult *rows, int row, int column,
                          qt_span *ret_bytes, qt_err *err) {
    void *copy = NULL;
    qt_span span = qt_pq_get_span(rows, row, column);
    if (span.p != NULL) {
        QT_TRY(qt_arena_try_alloc(arena, span.len + 1, &copy, err));
        memcpy(copy, span.p, span.len);
    }
    *ret_bytes = (qt_span){copy, span.len};
    return QT_OK;
}

static qt_code read_texts(const PGresult *rows, int r, qt_arena *arena, qt_job_row *to,
                          qt_err *err) {
    QT_TRY(keep_text(arena, rows, r, 1, &to->provider, err));
    QT_TRY(keep_text(arena, rows, r, 2, &to->device, err));
    QT_TRY(keep_text(arena, rows, r, 3, &to->project, err));
    QT_TRY(keep_bytes(arena, rows, r, 4, &to->program_hash, err));
    QT_TRY(keep_text(arena, rows, r, 9, &to->job_id, err));
    QT_TRY(keep_text(arena, rows, r, 10, &to->provider_status, err));
    QT_TRY(keep_text(arena, rows, r, 16, &to->message, err));
    QT_TRY(keep_text(arena, rows, r, 17, &to->layout, err));
    enum { RESULT = 21 };
    return PQnfields(rows) > RESULT ? keep_bytes(arena, rows, r, RESULT, &to->result, err) : QT_OK;
}

static qt_code read_row(const PGresult *rows, int r, qt_arena *arena, qt_job_row *to, qt_err *err) {
    *to = (qt_job_row){.shots = qt_pq_get_int(rows, r, 5),
                       .state = (int32_t)qt_pq_get_int(rows, r, 6),
                       .submit_seq = (int32_t)qt_pq_get_int(rows, r, 7),
                       .doubt_ms = qt_pq_get_int(rows, r, 8),
                       .queue_position = qt_pq_get_int(rows, r, 11),
                       .cost_known = !PQgetisnull(rows, r, 12),
                       .cost_micros = qt_pq_get_int(rows, r, 12),
                       .estimated_micros = qt_pq_get_int(rows, r, 13),
                       .detached = qt_pq_get_bool(rows, r, 14),
                       .cancel_count = (int32_t)qt_pq_get_int(rows, r, 15),
                       .state_age_ms = qt_pq_get_int(rows, r, 18),
                       .update_age_ms = qt_pq_get_int(rows, r, 19),
                       .task_state = (int32_t)qt_pq_get_int(rows, r, 20)};
    qt_pq_get_uuid(rows, r, 0, to->task_id.bytes);
    return read_texts(rows, r, arena, to, err);
}

static qt_span text_span(const char *text) {
    return (qt_span){text != NULL ? text : "", text != NULL ? strlen(text) : 0};
}

qt_code qt_jobs_get(qt_jobs *jobs, const qt_uuid *task_id, const char *job_id, qt_arena *arena,
                    qt_job_row *ret_row, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    bool by_job = job_id != NULL && job_id[0] != '\0';
    if (by_job) {
        qt_pq_param_span(&params, text_span(job_id));
    } else {
        qt_pq_param_uuid(&params, task_id->bytes);
    }
    QT_TRY(qt_pq_pool_run(&jobs->pool, by_job ? BY_JOB : GET, &params, &rows, err));
    if (PQntuples(rows) == 0) {
        *ret_row = (qt_job_row){.state = QT_JOB_NONE};
        return QT_OK;
    }
    return read_row(rows, 0, arena, ret_row, err);
}

qt_code qt_jobs_list(qt_jobs *jobs, const char *provider, const qt_uuid *after, bool abandoned,
                     size_t limit, qt_arena *arena, qt_job_row **ret_rows, size_t *ret_count,
                     qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    void *list = NULL;
    qt_pq_param_span(&params, text_span(provider));
    qt_pq_param_uuid(&params, after->bytes);
    qt_pq_param_int8(&params, (int64_t)limit);
    QT_TRY(qt_pq_pool_run(&jobs->pool, abandoned ? ABANDONED : LIST, &params, &rows, err));
    int count = PQntuples(rows);
    QT_TRY(qt_arena_try_calloc(arena, (size_t)count + 1, sizeof(qt_job_row), &list, err));
    for (int i = 0; i < count; i++) {
        QT_TRY(read_row(rows, i, arena, (qt_job_row *)list + i, err));
    }
    *ret_rows = list;
    *ret_count = (size_t)count;
    return QT_OK;
}

/* ---- begin ---- */

/* One BeginJob inside its transaction. */
typedef struct begin {
    qt_jobs *jobs;
    qt_pq *pq;
    const qt_job_intent *intent;
    qt_arena *arena;
    const char *project;
    int64_t limit_micros; /* 0: none */
} begin;

static qt_code run_discarding(qt_pq *pq, size_t statement, const qt_pq_params *params,
                              int *ret_changed, qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    QT_TRY(qt_pq_run(pq, statement, params, &rows, err));
    *ret_changed = atoi(PQcmdTuples(rows));
    return QT_OK;
}

static qt_code read_task(begin *b, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_pq_param_uuid(&params, b->intent->task_id.bytes);
    qt_pq_param_span(&params, text_span(b->intent->provider));
    QT_TRY(qt_pq_run(b->pq, TASK, &params, &rows, err));
    if (PQntuples(rows) == 0) {
        return qt_fail(err, TASK_NOT_FOUND, "the task is final or gone");
    }
    b->limit_micros =
        PQgetisnull(rows, 0, 1) ? b->jobs->options.spend_limit * MICROS : qt_pq_get_int(rows, 0, 1);
    return keep_text(b->arena, rows, 0, 0, &b->project, err);
}

static qt_code lock(begin *b, size_t statement, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    int changed = 0;
    if (statement == LOCK_TASK) {
        qt_pq_param_uuid(&params, b->intent->task_id.bytes);
    } else {
        qt_pq_param_span(&params, text_span(b->project));
    }
    return run_discarding(b->pq, statement, &params, &changed, err);
}

static qt_code read_spent(const begin *b, int64_t *ret_micros, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_pq_param_span(&params, text_span(b->project));
    qt_pq_param_span(&params, text_span(b->intent->provider));
    qt_pq_param_uuid(&params, b->intent->task_id.bytes);
    qt_pq_param_int8(&params, b->jobs->options.spend_days);
    QT_TRY(qt_pq_run(b->pq, SPENT, &params, &rows, err));
    *ret_micros = qt_pq_get_int(rows, 0, 0);
    return QT_OK;
}

static qt_code check_spend(begin *b, qt_err *err) {
    int64_t spent = 0;
    if (b->limit_micros == 0) {
        return QT_OK;
    }
    if (!b->intent->cost_known) {
        return qt_fail(err, COST_UNKNOWN,
                       "project '%.63s' has a spend limit, and '%.100s' has no price that is known "
                       "before the run",
                       b->project, b->intent->device);
    }
    QT_TRY(lock(b, LOCK_PROJECT, err));
    QT_TRY(read_spent(b, &spent, err));
    if (spent + b->intent->estimated_micros > b->limit_micros) {
        return qt_fail(err, SPEND_LIMIT,
                       "project '%.63s' has used %.6g of %.6g at %s, and the run costs about %.6g",
                       b->project, (double)spent / MICROS, (double)b->limit_micros / MICROS,
                       b->intent->provider, (double)b->intent->estimated_micros / MICROS);
    }
    return QT_OK;
}

static qt_code read_own(const begin *b, qt_job_row *ret_row, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_pq_param_uuid(&params, b->intent->task_id.bytes);
    QT_TRY(qt_pq_run(b->pq, GET, &params, &rows, err));
    *ret_row = (qt_job_row){.state = QT_JOB_NONE};
    return PQntuples(rows) > 0 ? read_row(rows, 0, b->arena, ret_row, err) : QT_OK;
}

static qt_code write_intent(const begin *b, bool is_new, int *ret_changed, qt_err *err) {
    const qt_job_intent *intent = b->intent;
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    qt_pq_param_int8(&params, intent->doubt_ms);
    qt_pq_param_uuid(&params, intent->task_id.bytes);
    qt_pq_param_span(&params, text_span(intent->provider));
    qt_pq_param_span(&params, text_span(intent->device));
    qt_pq_param_span(&params, text_span(b->project));
    qt_pq_param_span(&params,
                     intent->program_hash.p != NULL ? intent->program_hash : text_span(NULL));
    qt_pq_param_int8(&params, intent->shots);
    qt_pq_param_int8(&params, intent->estimated_micros);
    qt_pq_param_span(&params, text_span(intent->layout));
    return run_discarding(b->pq, is_new ? INSERT : AGAIN, &params, ret_changed, err);
}

/* No job, and none possible. */
static bool is_free(const qt_job_row *row) {
    return row->state == QT_JOB_NONE || row->state == QT_JOB_INTENT ||
           ((row->state == QT_JOB_CANCELLED || row->state == QT_JOB_REJECTED) &&
            row->job_id[0] == '\0');
}

static qt_code begin_locked(begin *b, qt_job_row *ret_row, bool *ret_permit, qt_err *err) {
    int changed = 0;
    QT_TRY(lock(b, LOCK_TASK, err));
    QT_TRY(read_task(b, err));
    QT_TRY(read_own(b, ret_row, err));
    if (!is_free(ret_row)) {
        return QT_OK;
    }
    QT_TRY(check_spend(b, err));
    QT_TRY(write_intent(b, ret_row->state == QT_JOB_NONE, &changed, err));
    QT_TRY(read_own(b, ret_row, err));
    *ret_permit = changed == 1;
    return QT_OK;
}

static qt_code in_transaction(begin *b, qt_job_row *row, bool *permit, qt_err *err) {
    QT_TRY(qt_pq_exec(b->pq, "BEGIN", err));
    qt_code code = begin_locked(b, row, permit, err);
    qt_err ignored;
    if (code == QT_OK) {
        code = qt_pq_exec(b->pq, "COMMIT", err);
    } else if (qt_pq_is_connected(b->pq) && qt_pq_exec(b->pq, "ROLLBACK", &ignored) != QT_OK) {
        qt_pq_drop(b->pq);
    }
    return code;
}

qt_code qt_jobs_begin(qt_jobs *jobs, const qt_job_intent *intent, qt_arena *arena,
                      qt_job_row *ret_row, bool *ret_permit, qt_err *err) {
    qt_job_row row = {0};
    bool permit = false;
    qt_pq_spare *spare = qt_pq_pool_take(&jobs->pool);
    begin b = {.jobs = jobs, .pq = spare->pq, .intent = intent, .arena = arena};
    qt_code code = in_transaction(&b, &row, &permit, err);
    qt_pq_pool_give(&jobs->pool, spare);
    QT_TRY(code);
    *ret_row = row;
    *ret_permit = permit;
    return QT_OK;
}

/* ---- record ---- */

static void add_record_params(const qt_job_record *record, qt_pq_params *params) {
    qt_pq_param_uuid(params, record->task_id.bytes);
    switch (record->outcome) {
    case QT_JOB_OUTCOME_SUBMITTED:
        qt_pq_param_span(params, text_span(record->job_id));
        qt_pq_param_span(params, text_span(record->provider_status));
        break;
    case QT_JOB_OUTCOME_DOUBTFUL:
        qt_pq_param_int4(params, record->submit_seq);
        qt_pq_param_int8(params, record->doubt_ms);
        break;
    case QT_JOB_OUTCOME_REJECTED:
        qt_pq_param_int4(params, record->submit_seq);
        qt_pq_param_span(params, text_span(record->message));
        break;
    case QT_JOB_OUTCOME_RESULT:
        qt_pq_param_span(params, record->result);
        break;
    case QT_JOB_OUTCOME_DETACHED:
        break;
    default: /* NOT_ACCEPTED, ABSENT */
        qt_pq_param_int4(params, record->submit_seq);
        break;
    }
}

/* Two jobs of one task would be a bug of ours or a person's doing at the provider. */
static void warn_of_second(const qt_job_record *record, const qt_job_row *row) {
    if (record->outcome == QT_JOB_OUTCOME_SUBMITTED && strcmp(row->job_id, record->job_id) != 0) {
        char id[QT_UUID_TEXT_BYTES];
        qt_uuid_format(&record->task_id, id);
        qt_log(ERROR, "a task has two jobs at a provider", QT_KV_STR("task_id", id),
               QT_KV_STR("job_id", row->job_id), QT_KV_STR("other_job_id", record->job_id));
    }
}

qt_code qt_jobs_record(qt_jobs *jobs, const qt_job_record *record, qt_arena *arena,
                       qt_job_row *ret_row, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    qt_job_row row;
    add_record_params(record, &params);
    QT_TRY(qt_pq_pool_run(&jobs->pool, (size_t)record->outcome, &params, &rows, err));
    QT_TRY(qt_jobs_get(jobs, &record->task_id, NULL, arena, &row, err));
    if (row.state == QT_JOB_NONE) {
        return qt_fail(err, JOB_NOT_FOUND, "no job was begun for the task");
    }
    warn_of_second(record, &row);
    *ret_row = row;
    return QT_OK;
}

/* ---- update ---- */

enum { UPDATE_COLUMNS = 7 };

static void columns_done(qt_pq_column (*columns)[UPDATE_COLUMNS]) {
    for (size_t i = 0; i < UPDATE_COLUMNS; i++) {
        qt_pq_column_done(&(*columns)[i]);
    }
}

/* "" is SQL's NULL: unchanged. */
static void add_text(qt_pq_column *column, const char *text) {
    bool is_set = text != NULL && text[0] != '\0';
    qt_pq_column_span(column, is_set ? text_span(text) : (qt_span){0});
}

static void add_news(const qt_job_news *news, qt_pq_column *columns) {
    qt_pq_column_uuid(&columns[0], news->task_id.bytes);
    qt_pq_column_int2(&columns[1], news->state);
    add_text(&columns[2], news->provider_status);
    qt_pq_column_int8(&columns[3], news->queue_position);
    if (news->cost_known) {
        qt_pq_column_int8(&columns[4], news->cost_micros);
    } else {
        qt_pq_column_null(&columns[4]);
    }
    add_text(&columns[5], news->message);
    qt_pq_column_int4(&columns[6], news->cancel_sent ? 1 : 0);
}

static qt_code collect_final(const PGresult *rows, qt_arena *arena, qt_uuid **ret_final,
                             size_t *ret_count, qt_err *err) {
    void *memory = NULL;
    size_t count = 0;
    QT_TRY(qt_arena_try_calloc(arena, (size_t)PQntuples(rows) + 1, sizeof(qt_uuid), &memory, err));
    qt_uuid *final = memory;
    for (int r = 0; r < PQntuples(rows); r++) {
        if (qt_pq_get_int(rows, r, 1) >= QT_JOB_COMPLETED) {
            qt_pq_get_uuid(rows, r, 0, final[count++].bytes);
        }
    }
    *ret_final = final;
    *ret_count = count;
    return QT_OK;
}

qt_code qt_jobs_update(qt_jobs *jobs, const qt_job_news *news, size_t count, qt_arena *arena,
                       qt_uuid **ret_final, size_t *ret_final_count, qt_err *err) {
    static const Oid types[UPDATE_COLUMNS] = {QT_PQ_UUID, QT_PQ_INT2, QT_PQ_TEXT, QT_PQ_INT8,
                                              QT_PQ_INT8, QT_PQ_TEXT, QT_PQ_INT4};
    QT_CLEANUP(columns_done) qt_pq_column columns[UPDATE_COLUMNS] = {0};
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    for (size_t i = 0; i < UPDATE_COLUMNS; i++) {
        columns[i].type = types[i];
    }
    for (size_t i = 0; i < count; i++) {
        add_news(&news[i], columns);
    }
    for (size_t i = 0; i < UPDATE_COLUMNS; i++) {
        qt_pq_param_column(&params, &columns[i]);
    }
    QT_TRY(qt_pq_pool_run(&jobs->pool, UPDATE, &params, &rows, err));
    return collect_final(rows, arena, ret_final, ret_final_count, err);
}

/* ---- the poller ---- */

qt_code qt_jobs_lease(qt_jobs *jobs, const char *provider, const char *holder, int64_t lease_ms,
                      qt_poller_lease *ret_lease, qt_err *err) {
    QT_CLEANUP(qt_pq_params_done) qt_pq_params params = {0};
    QT_CLEANUP(qt_pq_params_done) qt_pq_params left_params = {0};
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    QT_CLEANUP(qt_pq_clear_p) PGresult *left = NULL;
    qt_pq_param_span(&params, text_span(provider));
    qt_pq_param_span(&params, text_span(holder));
    qt_pq_param_int8(&params, lease_ms);
    QT_TRY(qt_pq_pool_run(&jobs->pool, LEASE, &params, &rows, err));
    qt_pq_param_span(&left_params, text_span(provider));
    QT_TRY(qt_pq_pool_run(&jobs->pool, LEASE_LEFT, &left_params, &left, err));
    bool is_known = PQntuples(left) == 1;
    *ret_lease = (qt_poller_lease){.granted = PQntuples(rows) == 1,
                                   .left_ms = is_known ? qt_pq_get_int(left, 0, 0) : 0,
                                   .open_count = is_known ? qt_pq_get_int(left, 0, 1) : 0,
                                   .youngest_ms = is_known ? qt_pq_get_int(left, 0, 2) : 0};
    return QT_OK;
}
