/* The statement of one list: only the conditions that the query has. */
#ifndef QT_TASK_SVC_LIST_SQL_H
#define QT_TASK_SVC_LIST_SQL_H

#include "services/task-svc/reader.h"

typedef struct qt_list_sql {
    qt_buf sql;
    qt_pq_params params;
    qt_pq_column states;
    qt_pq_column types;
    size_t param_count;
} qt_list_sql;

/* Its rows: how many tasks were found (up to limit + 1), then the columns of task_done. The texts
 * of the query must stay until it was sent. */
qt_code qt_list_sql_make(qt_list_sql *list, const qt_list_query *query, qt_err *err);
void qt_list_sql_done(qt_list_sql *list);

/* Appends ", a.column ..." for all columns of task_done, with NULLs where task_active has none. */
void qt_list_sql_columns(qt_buf *sql, bool is_active, bool omit_result);

#endif
