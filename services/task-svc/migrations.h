/* The database schema: migrations/NNNN_name.sql, embedded. */
#ifndef QT_TASK_SVC_MIGRATIONS_H
#define QT_TASK_SVC_MIGRATIONS_H

#include "pq/migrate.h"

extern const qt_migration qt_task_migrations[];
extern const size_t qt_task_migration_count;

#endif
