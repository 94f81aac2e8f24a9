/* Numbered SQL files that bring a database to the schema a program needs. */
#ifndef QT_PQ_MIGRATE_H
#define QT_PQ_MIGRATE_H

#include "pq/pq.h"

typedef struct qt_migration {
    int version; /* 1, 2, 3 ... without gaps */
    const char *name;
    const char *sql;
} qt_migration;

/* Runs those that the table schema_migrations does not have, each in one transaction. Safe to run
 * twice and by several programs at once: an advisory lock lets one after the other in. A stored
 * migration that differs from the program's is SCHEMA_MISMATCH.
 *
 * While an upgrade rolls, and after one is rolled back, programs run on a database that is ahead of
 * them. A migration that starts with the line `-- oldest-program: N` says that programs which know
 * N migrations still work on it; without, only those that know it do. */
qt_code qt_pq_migrate(qt_pq *pq, const qt_migration *migrations, size_t count, int *ret_applied,
                      qt_err *err);
/* SCHEMA_MISMATCH unless the database has these, and of newer ones only such that allow it. */
qt_code qt_pq_migrate_check(qt_pq *pq, const qt_migration *migrations, size_t count, qt_err *err);

#endif
