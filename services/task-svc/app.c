#include "services/task-svc/app.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "qt_descriptors.h"
#include "rpc/config_macros.h"
#include "services/task-svc/handlers.h"
#include "services/task-svc/metrics.h"
#include "services/task-svc/migrations.h"

#include <stdlib.h>

static qt_pq *plain_connection(const qt_config *config) {
    const qt_pq_options options = {.url = config->database_url,
                                   .application_name = "task-svc",
                                   .connect_timeout_ms = config->db_connect_timeout_ms,
                                   .command_timeout_ms = 600000}; /* a migration may take long */
    return qt_pq_new(&options);
}

/* Events of a database that was restored into another server carry numbers of transactions that
 * have not happened there yet; watchers would take them for new ones. */
static qt_code forget_old_transactions(qt_pq *pq, qt_err *err) {
    return qt_pq_exec(pq,
                      "UPDATE task_event SET xact = 0"
                      " WHERE xact >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
                      err);
}

qt_code qt_app_migrate(const qt_config *config, int *ret_applied, qt_err *err) {
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = plain_connection(config);
    QT_TRY(qt_pq_migrate(pq, qt_task_migrations, qt_task_migration_count, ret_applied, err));
    return forget_old_transactions(pq, err);
}

static qt_code check_schema(const qt_config *config, qt_err *err) {
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = plain_connection(config);
    return qt_pq_migrate_check(pq, qt_task_migrations, qt_task_migration_count, err);
}

/* ---- what happens after a commit ---- */

static bool take_window(void *self, int32_t type) {
    qt_app *app = self;
    return qt_window_take(&app->window, type);
}

static void follow_window(qt_app *app, const qt_entry *entry) {
    const qt_row *row = &entry->row;
    if (entry->stored == QT_TASK_DISPATCHED && row->state != QT_TASK_DISPATCHED) {
        qt_window_release(&app->window, row->type);
    }
    if (entry->stored == QT_TASK_READY && row->state == QT_TASK_DISPATCHED) {
        qt_window_add(&app->window, row->type);
    }
    if (entry->is_changed && row->state == QT_TASK_READY) {
        qt_window_line_begins(&app->window, row->type);
    }
}

static void committed(void *self, const qt_entry *const *entries, size_t count) {
    qt_app *app = self;
    qt_watch_wake(app->watch);
    for (size_t i = 0; i < count; i++) {
        const qt_entry *entry = entries[i];
        follow_window(app, entry);
        if (entry->is_dispatched && entry->row.state == QT_TASK_DISPATCHED) {
            qt_sender_push(app->sender, &entry->row);
        }
        bool is_gone = entry->row.state == QT_TASK_NONE && entry->stored != QT_TASK_NONE;
        if (entry->is_changed && (is_gone || qt_task_is_final((qt_task_state)entry->row.state))) {
            qt_hub_final(app->hub, &entry->row.id);
        }
    }
}

/* ---- start ---- */

static qt_code start_queue(qt_app *app, qt_err *err) {
    const qt_config *config = app->config;
    const qt_rpc_channel_options options = QT_RPC_CHANNEL_OPTIONS(config->queue_addr, config);
    QT_TRY(qt_rpc_channel_new(&options, &app->queue, err));
    size_t max_waiting = (size_t)config->window_size * (QT_TASK_TYPES - 1);
    return qt_sender_new(app->queue, max_waiting, (size_t)config->inline_payload_bytes,
                         &app->sender, err);
}

static qt_code start_committer(qt_app *app, qt_err *err) {
    const qt_config *config = app->config;
    const qt_committer_options options = {.url = config->database_url,
                                          .connect_timeout_ms = config->db_connect_timeout_ms,
                                          .command_timeout_ms = config->db_command_timeout_ms,
                                          .lanes = config->commit_lanes,
                                          .batch = config->commit_batch,
                                          .batch_bytes = config->commit_batch_bytes,
                                          .queue_limit = config->commit_queue_limit,
                                          .retry_ms = config->commit_retry_ms,
                                          .lease_ms = config->lease_ms,
                                          .max_crashes = config->max_crashes,
                                          .max_job_crashes = config->max_job_crashes,
                                          .inline_bytes = config->inline_payload_bytes,
                                          .idempotency_hours = config->idempotency_hours,
                                          .take_window = take_window,
                                          .committed = committed,
                                          .self = app};
    return qt_committer_new(&options, &app->committer, err);
}

static qt_code start_dispatcher(qt_app *app, qt_err *err) {
    const qt_config *config = app->config;
    const qt_dispatcher_options options = {.url = config->database_url,
                                           .connect_timeout_ms = config->db_connect_timeout_ms,
                                           .command_timeout_ms = config->db_command_timeout_ms,
                                           .interval_ms = config->dispatch_interval_ms,
                                           .queue_check_ms = config->queue_check_ms,
                                           .lost_margin_ms = config->lost_margin_ms,
                                           .retention_days = config->retention_days,
                                           .spend_days = config->spend_days,
                                           .committer = app->committer,
                                           .window = &app->window,
                                           .sender = app->sender,
                                           .queue = app->queue};
    return qt_dispatcher_new(&options, &app->dispatcher, err);
}

static qt_code start_server(qt_app *app, qt_err *err) {
    const qt_rpc_server_options options = QT_RPC_SERVER_OPTIONS("task-svc", app->config);
    QT_TRY(qt_rpc_server_new(&options, &app->server, err));
    qt_rpc_server_set_descriptors(app->server, qt_descriptor_set, qt_descriptor_set_len);
    qt_handlers_register(app->server, app);
    QT_TRY(qt_rpc_server_start(app->server, err));
    qt_rpc_server_set_serving(app->server, NULL, true);
    return QT_OK;
}

static qt_code start_all(qt_app *app, qt_err *err) {
    const qt_config *config = app->config;
    const qt_reader_options reader = {.url = config->database_url,
                                      .connect_timeout_ms = config->db_connect_timeout_ms,
                                      .read_timeout_ms = config->db_read_timeout_ms};
    qt_window_init(&app->window, config->window_size);
    app->reader = qt_reader_new(&reader);
    const qt_jobs_options jobs = {.url = config->database_url,
                                  .connect_timeout_ms = config->db_connect_timeout_ms,
                                  .command_timeout_ms = config->db_read_timeout_ms,
                                  .spend_limit = config->spend_limit,
                                  .spend_days = config->spend_days};
    app->jobs = qt_jobs_new(&jobs);
    QT_TRY(start_queue(app, err));
    const qt_watch_options watch = {.reader = app->reader,
                                    .poll_ms = config->watch_poll_ms,
                                    .max_watchers = config->max_watchers};
    QT_TRY(qt_hub_new(app->reader, config->wait_poll_ms, &app->hub, err));
    QT_TRY(qt_watch_new(&watch, &app->watch, err));
    QT_TRY(start_committer(app, err));
    QT_TRY(start_dispatcher(app, err));
    return start_server(app, err);
}

/* A collector. */
static void show_app(void *arg) {
    qt_app *app = arg;
    size_t connections = 0, busy = 0;
    qt_reader_connections(app->reader, &connections, &busy);
    const struct {
        int metric;
        double value;
    } rows[] = {
        {QT_TASK_METRIC_WINDOW_LIMIT, (double)app->window.limit},
        {QT_TASK_METRIC_COMMIT_QUEUE, (double)qt_committer_backlog(app->committer)},
        {QT_TASK_METRIC_COMMIT_LANES, (double)app->config->commit_lanes},
        {QT_TASK_METRIC_SENDER_WAITING, (double)qt_sender_count(app->sender)},
        {QT_TASK_METRIC_WAITING_CALLS, (double)qt_hub_count(app->hub)},
        {QT_TASK_METRIC_READERS, (double)connections},
        {QT_TASK_METRIC_READERS_BUSY, (double)busy},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_series_set(qt_task_series(rows[i].metric, NULL), rows[i].value);
    }
    for (int32_t type = 1; type < QT_TASK_TYPES; type++) {
        const char *name = qt_task_type_name(type);
        int64_t used = app->window.limit - qt_window_room(&app->window, type);
        qt_series_set(qt_task_series(QT_TASK_METRIC_WINDOW_USED, name), (double)used);
        qt_series_set(qt_task_series(QT_TASK_METRIC_WINDOW_LINE, name),
                      qt_window_has_line(&app->window, type));
    }
}

qt_code qt_app_start(qt_app *app, const qt_config *config, qt_err *err) {
    *app = (qt_app){.config = config};
    QT_TRY(check_schema(config, err));
    qt_code code = start_all(app, err);
    if (code != QT_OK) {
        qt_app_stop(app);
        return code;
    }
    qt_metrics_add_collector(show_app, app);
    return QT_OK;
}

void qt_app_stop(qt_app *app) {
    qt_metrics_remove_collector(show_app, app);
    if (app->hub != NULL) {
        qt_hub_drain(app->hub);
    }
    if (app->watch != NULL) {
        qt_watch_drain(app->watch);
    }
    if (app->server != NULL) {
        qt_rpc_server_stop(app->server);
        qt_rpc_server_free(app->server);
    }
    qt_dispatcher_free(app->dispatcher);
    qt_committer_free(app->committer);
    qt_hub_free(app->hub);
    qt_watch_free(app->watch);
    qt_sender_free(app->sender);
    qt_rpc_channel_free(app->queue);
    qt_jobs_free(app->jobs);
    qt_reader_free(app->reader);
    *app = (qt_app){0};
}
