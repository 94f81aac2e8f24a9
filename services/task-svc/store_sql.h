/* Texts of the writer's statements, made from the list of columns. */
#ifndef QT_TASK_SVC_STORE_SQL_H
#define QT_TASK_SVC_STORE_SQL_H

#include "services/task-svc/row.h"

#include <stdbool.h>

enum {
    QT_SQL_BEGIN,
    QT_SQL_COMMIT,
    QT_SQL_IDEM_EXPIRE,
    QT_SQL_IDEM_PUT,
    QT_SQL_IDEM_GET,
    QT_SQL_FENCES,
    QT_SQL_LEASES,
    QT_SQL_EVENTS,
    QT_SQL_DELETE_EVENTS,
    QT_SQL_LOAD_ACTIVE,
    QT_SQL_LOAD_DONE,
    QT_SQL_INSERT,
    QT_SQL_UPDATE,
    QT_SQL_UPDATE_LARGE,
    QT_SQL_TO_DONE,
    QT_SQL_TO_ACTIVE,
    QT_SQL_DELETE_ACTIVE,
    QT_SQL_DELETE_DONE,
    QT_SQL_COUNT_,
};

/* Whether a statement has an array parameter for the column; parameters come in the order of the
 * columns, the id first. */
bool qt_sql_has_column(int statement, const qt_column *column);
/* QT_SQL_COUNT_ texts, made once. Any thread. */
const char *const *qt_sql_texts(void);

#endif
