#include "pq/migrate.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

/* Key of the advisory lock; any number that nobody else uses. */
#define LOCK_SQL "SELECT pg_advisory_lock(7105930240211001)"
#define UNLOCK_SQL "SELECT pg_advisory_unlock(7105930240211001)"

static const char create_table[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    " version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now());"
    "ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS oldest_program integer";

/* In the first line of a migration. */
static const char oldest_mark[] = "-- oldest-program: ";

static uint64_t checksum(const char *sql) {
    uint64_t h = 0xCBF29CE484222325U;
    for (; *sql != '\0'; sql++) {
        h = (h ^ (unsigned char)*sql) * 0x100000001B3U;
    }
    return h;
}

/* The oldest version of a program that works on the migrated database. */
static int oldest_program(const qt_migration *m) {
    size_t len = sizeof oldest_mark - 1;
    int oldest = strncmp(m->sql, oldest_mark, len) == 0 ? atoi(m->sql + len) : 0;
    return oldest > 0 && oldest < m->version ? oldest : m->version;
}

/* Whether a database that is ahead of the program is still one for it. */
static qt_code check_newer(const PGresult *rows, int have, size_t count, qt_err *err) {
    int oldest = atoi(PQgetvalue(rows, have - 1, 2));
    if ((size_t)oldest > count) {
        return qt_fail(err, SCHEMA_MISMATCH,
                       "the database has %d migrations, for programs that know %d; this knows %zu",
                       have, oldest, count);
    }
    return QT_OK;
}

/* Compares what the database has, in order of version, with the program's. */
static qt_code compare(const PGresult *rows, const qt_migration *migrations, size_t count,
                       qt_err *err) {
    size_t have = (size_t)PQntuples(rows);
    if (have > count) {
        QT_TRY(check_newer(rows, (int)have, count, err));
    }
    for (size_t i = 0; i < have && i < count; i++) {
        char sum[24];
        snprintf(sum, sizeof sum, "%016llx", (unsigned long long)checksum(migrations[i].sql));
        if (atoi(PQgetvalue(rows, (int)i, 0)) != migrations[i].version ||
            strcmp(PQgetvalue(rows, (int)i, 1), sum) != 0) {
            return qt_fail(err, SCHEMA_MISMATCH, "migration %d (%s) of the database is another",
                           migrations[i].version, migrations[i].name);
        }
    }
    return QT_OK;
}

static qt_code load(qt_pq *pq, const qt_migration *migrations, size_t count, size_t *ret_have,
                    qt_err *err) {
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    /* by way of JSON, because a database of before has no such column */
    QT_TRY(qt_pq_query(pq,
                       "SELECT version, checksum,"
                       " coalesce((to_jsonb(m) ->> 'oldest_program')::integer, version)"
                       " FROM schema_migrations m ORDER BY version",
                       &rows, err));
    QT_TRY(compare(rows, migrations, count, err));
    *ret_have = (size_t)PQntuples(rows);
    return QT_OK;
}

static qt_code apply(qt_pq *pq, const qt_migration *m, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf sql = {0};
    qt_buf_printf(&sql,
                  "BEGIN;\n%s\n;INSERT INTO schema_migrations (version, name, checksum,"
                  " oldest_program) VALUES (%d, '%s', '%016llx', %d); COMMIT",
                  m->sql, m->version, m->name, (unsigned long long)checksum(m->sql),
                  oldest_program(m));
    QT_TRY(qt_buf_check(&sql, err));
    qt_code code = qt_pq_exec(pq, qt_buf_str(&sql), err);
    if (code != QT_OK) {
        return qt_wrap(err, m->name);
    }
    return QT_OK;
}

static qt_code migrate_locked(qt_pq *pq, const qt_migration *migrations, size_t count,
                              int *ret_applied, qt_err *err) {
    size_t have = 0;
    QT_TRY(qt_pq_exec(pq, create_table, err));
    QT_TRY(load(pq, migrations, count, &have, err));
    for (size_t i = have; i < count; i++) {
        QT_TRY(apply(pq, &migrations[i], err));
    }
    *ret_applied = have < count ? (int)(count - have) : 0;
    return QT_OK;
}

qt_code qt_pq_migrate(qt_pq *pq, const qt_migration *migrations, size_t count, int *ret_applied,
                      qt_err *err) {
    QT_TRY(qt_pq_exec(pq, LOCK_SQL, err));
    qt_code code = migrate_locked(pq, migrations, count, ret_applied, err);
    if (code != QT_OK) {
        qt_pq_drop(pq); /* rolls back and unlocks */
        return code;
    }
    return qt_pq_exec(pq, UNLOCK_SQL, err);
}

qt_code qt_pq_migrate_check(qt_pq *pq, const qt_migration *migrations, size_t count, qt_err *err) {
    size_t have = 0;
    QT_TRY(load(pq, migrations, count, &have, err));
    if (have < count) {
        return qt_fail(err, SCHEMA_MISMATCH,
                       "the database has %zu of %zu migrations; run `task-svc migrate`", have,
                       count);
    }
    return QT_OK;
}
