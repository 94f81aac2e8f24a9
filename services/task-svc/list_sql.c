/* Each table gives its newest `limit + 1` rows that fit; the newest of both are the page. The page
 * ends early when its payloads and results are too large together. Sizes are known without reading
 * the values. */
#include "services/task-svc/list_sql.h"

#include "base/cleanup.h"

#include <string.h>

void qt_list_sql_done(qt_list_sql *list) {
    qt_buf_done(&list->sql);
    qt_pq_params_done(&list->params);
    qt_pq_column_done(&list->states);
    qt_pq_column_done(&list->types);
}

void qt_list_sql_columns(qt_buf *sql, bool is_active, bool omit_result) {
    for (size_t i = 0; i < QT_DONE_COLUMNS; i++) {
        const qt_column *column = &qt_columns[i];
        bool is_missing = column->use == QT_COLUMN_DONE && is_active;
        bool is_omitted = omit_result && strcmp(column->name, "result") == 0;
        if (is_missing || is_omitted) {
            qt_buf_printf(sql, ", NULL::%s AS %s", qt_column_sql_type(column), column->name);
        } else if (column->kind == QT_COLUMN_JSONB) {
            qt_buf_printf(sql, ", a.%s::text AS %s", column->name, column->name);
        } else {
            qt_buf_printf(sql, ", a.%s", column->name);
        }
    }
}

/* Parameters are made once and used by both halves. */
typedef struct numbers {
    size_t states;
    size_t types;
    size_t project;
    size_t labels[QT_MAX_LABELS][2];
    size_t after;
    size_t after_id;
    size_t before;
    size_t before_id;
    size_t cursor;
    size_t limit;
    size_t bytes;
} numbers;

static size_t next(qt_list_sql *list) {
    return ++list->param_count;
}

static void add_arrays(qt_list_sql *list, const qt_list_query *query, numbers *n) {
    if (query->state_count > 0) {
        list->states.type = QT_PQ_INT2;
        for (size_t i = 0; i < query->state_count; i++) {
            qt_pq_column_int2(&list->states, query->states[i]);
        }
        qt_pq_param_column(&list->params, &list->states);
        n->states = next(list);
    }
    if (query->type_count > 0) {
        list->types.type = QT_PQ_INT2;
        for (size_t i = 0; i < query->type_count; i++) {
            qt_pq_column_int2(&list->types, query->types[i]);
        }
        qt_pq_param_column(&list->params, &list->types);
        n->types = next(list);
    }
}

/* The id holds the time of the service that made it, which may be off by some minutes. */
#define CLOCK_SLACK_US (3600 * INT64_C(1000000))

static void add_times(qt_list_sql *list, const qt_list_query *query, numbers *n) {
    if (query->created_after_us != 0) {
        qt_uuid id = qt_uuid7_lowest(query->created_after_us - CLOCK_SLACK_US);
        qt_pq_param_time(&list->params, query->created_after_us);
        n->after = next(list);
        qt_pq_param_uuid(&list->params, id.bytes);
        n->after_id = next(list);
    }
    if (query->created_before_us != 0) {
        qt_uuid id = qt_uuid7_lowest(query->created_before_us + CLOCK_SLACK_US);
        qt_pq_param_time(&list->params, query->created_before_us);
        n->before = next(list);
        qt_pq_param_uuid(&list->params, id.bytes);
        n->before_id = next(list);
    }
}

static void add_params(qt_list_sql *list, const qt_list_query *query, numbers *n) {
    add_arrays(list, query, n);
    if (query->project.p != NULL) {
        qt_pq_param_span(&list->params, query->project);
        n->project = next(list);
    }
    for (size_t i = 0; i < query->label_count; i++) {
        qt_pq_param_span(&list->params, query->label_keys[i]);
        n->labels[i][0] = next(list);
        qt_pq_param_span(&list->params, query->label_values[i]);
        n->labels[i][1] = next(list);
    }
    add_times(list, query, n);
    if (query->before != NULL) {
        qt_pq_param_uuid(&list->params, query->before->bytes);
        n->cursor = next(list);
    }
    qt_pq_param_int8(&list->params, (int64_t)query->limit + 1);
    n->limit = next(list);
    qt_pq_param_int8(&list->params, query->max_bytes);
    n->bytes = next(list);
}

static void add_condition(qt_buf *sql, size_t number, const char *before, const char *after) {
    if (number != 0) {
        qt_buf_printf(sql, " AND %s$%zu%s", before, number, after);
    }
}

static void add_half(qt_list_sql *list, const qt_list_query *query, const numbers *n,
                     const char *table, bool is_active) {
    qt_buf *sql = &list->sql;
    qt_buf_add_str(sql, "(SELECT octet_length(a.spec)");
    qt_buf_add_str(sql, is_active || query->omit_large
                            ? " AS size"
                            : " + coalesce(octet_length(a.result), 0) AS size");
    qt_list_sql_columns(sql, is_active, query->omit_large);
    qt_buf_printf(sql, " FROM %s a WHERE true", table);
    add_condition(sql, n->states, "a.state = ANY (", "::smallint[])");
    add_condition(sql, n->types, "a.type = ANY (", "::smallint[])");
    add_condition(sql, n->project, "a.project = ", "::text");
    for (size_t i = 0; i < query->label_count; i++) {
        qt_buf_printf(sql, " AND a.meta_data ->> $%zu::text = $%zu::text", n->labels[i][0],
                      n->labels[i][1]);
    }
    add_condition(sql, n->after, "a.created_at >= ", "::timestamptz");
    add_condition(sql, n->after_id, "a.id >= ", "::uuid");
    add_condition(sql, n->before, "a.created_at < ", "::timestamptz");
    add_condition(sql, n->before_id, "a.id < ", "::uuid");
    add_condition(sql, n->cursor, "a.id < ", "::uuid");
    qt_buf_printf(sql, " ORDER BY a.id DESC LIMIT $%zu::bigint)", n->limit);
}

/* Names of the page's columns, without the helpers. */
static void add_result_columns(qt_buf *sql) {
    for (size_t i = 0; i < QT_DONE_COLUMNS; i++) {
        qt_buf_printf(sql, ", %s", qt_columns[i].name);
    }
}

qt_code qt_list_sql_make(qt_list_sql *list, const qt_list_query *query, qt_err *err) {
    numbers n = {0};
    qt_buf *sql = &list->sql;
    if (query->label_count > QT_MAX_LABELS) {
        return qt_fail_field(err, FIELD_INVALID, "label", "at most %d labels", (int)QT_MAX_LABELS);
    }
    add_params(list, query, &n);
    qt_buf_add_str(sql, "SELECT found");
    add_result_columns(sql);
    qt_buf_add_str(sql, " FROM (SELECT *, count(*) OVER () AS found,"
                        " sum(size) OVER (ORDER BY id DESC) AS total FROM (SELECT * FROM (");
    add_half(list, query, &n, "task_active", true);
    qt_buf_add_str(sql, " UNION ALL ");
    add_half(list, query, &n, "task_done", false);
    qt_buf_printf(sql,
                  ") b ORDER BY id DESC LIMIT $%zu::bigint) c) d"
                  " WHERE total - size < $%zu::bigint ORDER BY id DESC",
                  n.limit, n.bytes);
    return qt_buf_check(sql, err);
}
