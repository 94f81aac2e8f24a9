#include "suites.h"

#include "pq/migrate.h"

#include <pthread.h>
#include <stdlib.h>

/* Each would fail if it ran twice. */
static const qt_migration migrations[] = {
    {1, "0001_one", "CREATE TABLE one (a integer)"},
    {2, "0002_two", "CREATE TABLE two (a integer); INSERT INTO one VALUES (1)"},
    {3, "0003_three", "ALTER TABLE one ADD COLUMN b text"},
};

START_TEST(migrations_run_once) {
    qt_err err;
    int applied = 0;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    ck_assert_int_ne(qt_pq_migrate_check(pq, migrations, 3, &err), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), "SCHEMA_MISMATCH");
    ck_assert_ok(qt_pq_migrate(pq, migrations, 2, &applied, &err));
    ck_assert_int_eq(applied, 2);
    ck_assert_int_ne(qt_pq_migrate_check(pq, migrations, 3, &err), QT_OK);
    ck_assert_ok(qt_pq_migrate(pq, migrations, 3, &applied, &err));
    ck_assert_int_eq(applied, 1);
    ck_assert_ok(qt_pq_migrate(pq, migrations, 3, &applied, &err));
    ck_assert_int_eq(applied, 0);
    ck_assert_ok(qt_pq_migrate_check(pq, migrations, 3, &err));
    ck_assert_int_ne(qt_pq_migrate_check(pq, migrations, 2, &err), QT_OK); /* older program */
}
END_TEST

/* The second allows programs that know the first only; the third those that know two. */
static const qt_migration compatible[] = {
    {1, "0001_one", "CREATE TABLE one (a integer)"},
    {2, "0002_two", "-- oldest-program: 1\nALTER TABLE one ADD COLUMN b integer"},
    {3, "0003_three", "-- oldest-program: 2\nALTER TABLE one DROP COLUMN a"},
};

START_TEST(older_programs_run_as_far_as_allowed) {
    qt_err err;
    int applied = 0;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    ck_assert_ok(qt_pq_migrate(pq, compatible, 2, &applied, &err));
    ck_assert_ok(qt_pq_migrate_check(pq, compatible, 1, &err));
    ck_assert_ok(qt_pq_migrate(pq, compatible, 1, &applied, &err)); /* rolled back */
    ck_assert_int_eq(applied, 0);
    ck_assert_ok(qt_pq_migrate(pq, compatible, 3, &applied, &err));
    ck_assert_int_eq(applied, 1);
    ck_assert_ok(qt_pq_migrate_check(pq, compatible, 2, &err));
    ck_assert_int_ne(qt_pq_migrate_check(pq, compatible, 1, &err), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), "SCHEMA_MISMATCH");
    ck_assert_int_ne(qt_pq_migrate(pq, compatible, 1, &applied, &err), QT_OK);
}
END_TEST

/* Databases of before have no column that says which programs they are for. */
START_TEST(a_table_of_before_is_brought_up_to_date) {
    qt_err err;
    int applied = 0;
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    ck_assert_ok(qt_pq_migrate(pq, compatible, 1, &applied, &err));
    ck_assert_ok(qt_pq_exec(pq, "ALTER TABLE schema_migrations DROP COLUMN oldest_program", &err));
    ck_assert_ok(qt_pq_migrate_check(pq, compatible, 1, &err));
    ck_assert_ok(qt_pq_migrate(pq, compatible, 2, &applied, &err));
    ck_assert_int_eq(applied, 1);
    ck_assert_ok(qt_pq_migrate_check(pq, compatible, 1, &err));
}
END_TEST

START_TEST(a_changed_migration_is_refused) {
    qt_err err;
    int applied = 0;
    const qt_migration changed[] = {{1, "0001_one", "CREATE TABLE one (a bigint)"}};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    ck_assert_ok(qt_pq_migrate(pq, migrations, 1, &applied, &err));
    ck_assert_int_ne(qt_pq_migrate(pq, changed, 1, &applied, &err), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), "SCHEMA_MISMATCH");
    ck_assert_int_ne(qt_pq_migrate_check(pq, changed, 1, &err), QT_OK);
}
END_TEST

START_TEST(a_failing_migration_leaves_nothing) {
    qt_err err;
    int applied = 0;
    const qt_migration bad[] = {{1, "0001_one", "CREATE TABLE one (a integer); SELECT 1 / 0"}};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = new_connection(NULL, 0);
    ck_assert_int_ne(qt_pq_migrate(pq, bad, 1, &applied, &err), QT_OK);
    ck_assert_ok(qt_pq_migrate(pq, migrations, 1, &applied, &err)); /* the lock is free again */
    ck_assert_int_eq(applied, 1);
}
END_TEST

typedef struct racer {
    pthread_t thread;
    qt_pq *pq;
    int applied;
    qt_code code;
    qt_err err;
} racer;

static void *race(void *arg) {
    racer *r = arg;
    r->code = qt_pq_migrate(r->pq, migrations, 3, &r->applied, &r->err);
    return NULL;
}

START_TEST(many_migrate_at_once) {
    enum { RACERS = 6 };
    racer racers[RACERS] = {0};
    int applied = 0;
    QT_AUTO_FREE char *url = qt_pg_server_new_database(&pg);
    const qt_pq_options options = {.url = url, .application_name = "test"};
    for (int i = 0; i < RACERS; i++) {
        racers[i].pq = qt_pq_new(&options);
        ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        ck_assert_msg(racers[i].code == QT_OK, "%s", racers[i].err.msg);
        applied += racers[i].applied;
        qt_pq_free(racers[i].pq);
    }
    ck_assert_int_eq(applied, 3);
}
END_TEST

TCase *migrate_cases(void) {
    TCase *tc = tcase_create("migrations");
    tcase_add_test(tc, migrations_run_once);
    tcase_add_test(tc, a_changed_migration_is_refused);
    tcase_add_test(tc, a_failing_migration_leaves_nothing);
    tcase_add_test(tc, older_programs_run_as_far_as_allowed);
    tcase_add_test(tc, a_table_of_before_is_brought_up_to_date);
    tcase_add_test(tc, many_migrate_at_once);
    return tc;
}
