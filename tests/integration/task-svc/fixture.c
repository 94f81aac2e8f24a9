#include "fixture.h"

#include "base/log.h"
#include "base/settings_table.inc"

const char bell[] = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg c[2];\n"
                    "h q[0];\ncx q[0],q[1];\nmeasure q -> c;\n";

qt_pg_server pg;
char *database;
fake_queue queue;
replica svc;
qt_arena arena;
qt_err err;
const qt_rpc_call call = {.timeout_ms = 20000, .wait_for_ready = true};

/* ---- life ---- */

void start_server(void) {
    qt_pg_server_start(&pg, false);
}

void stop_server(void) {
    qt_pg_server_stop(&pg);
}

static void default_config(qt_config *config) {
    for (size_t i = 0; i < qt_settings_count; i++) {
        const qt_setting *s = &qt_settings[i];
        char text[32];
        if (s->type == QT_SETTING_TYPE_INT || s->type == QT_SETTING_TYPE_BOOL) {
            snprintf(text, sizeof text, "%lld", (long long)s->default_int);
        }
        bool is_text = s->type == QT_SETTING_TYPE_STR || s->type == QT_SETTING_TYPE_SECRET;
        ck_assert_ok(qt_setting_parse(s, is_text ? s->default_str : text, config, &err));
    }
}

void start_replica(replica *r, void (*change)(qt_config *config)) {
    char target[40];
    *r = (replica){0};
    default_config(&r->config);
    fake_queue_address(&queue, r->queue_addr, sizeof r->queue_addr);
    r->config.database_url = database;
    r->config.queue_addr = r->queue_addr;
    r->config.listen_addr = "127.0.0.1:0";
    r->config.rpc_worker_threads = 8;
    r->config.rpc_lame_duck_ms = 0;
    r->config.rpc_grace_ms = 2000;
    r->config.dispatch_interval_ms = 20;
    r->config.queue_check_ms = 100;
    r->config.lost_margin_ms = 1000;
    r->config.lease_ms = LEASE_MS;
    r->config.wait_poll_ms = 50;
    if (change != NULL) {
        change(&r->config);
    }
    ck_assert_ok(qt_app_start(&r->app, &r->config, &err));
    snprintf(target, sizeof target, "127.0.0.1:%d", qt_rpc_server_port(r->app.server));
    const qt_rpc_channel_options options = {.target = target};
    ck_assert_ok(qt_rpc_channel_new(&options, &r->channel, &err));
}

void stop_replica(replica *r) {
    qt_rpc_channel_free(r->channel);
    qt_app_stop(&r->app);
}

void start_stores(void) {
    int applied = 0;
    qt_config config = {0};
    qt_log_init("test", QT_LOG_ERROR);
    qt_arena_init(&arena, 0);
    database = qt_pg_server_new_database(&pg);
    default_config(&config);
    config.database_url = database;
    ck_assert_ok(qt_app_migrate(&config, &applied, &err));
    fake_queue_start(&queue);
}

void stop_stores(void) {
    fake_queue_stop(&queue);
    qt_arena_done(&arena);
    free(database);
}

void start_world(void) {
    start_stores();
    start_replica(&svc, NULL);
}

static void shorten_lease(qt_config *config) {
    config->lease_ms = SHORT_LEASE_MS;
}

void start_hasty_world(void) {
    start_stores();
    start_replica(&svc, shorten_lease);
}

void stop_world(void) {
    stop_replica(&svc);
    stop_stores();
}

/* ---- calls ---- */

static void *message(const ProtobufCMessageDescriptor *type) {
    ProtobufCMessage *msg = qt_arena_alloc(&arena, type->sizeof_message);
    protobuf_c_message_init(type, msg);
    return msg;
}

char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

Qtaskdist__V1__CreateTaskRequest create_request(int type, bool enqueue) {
    Qtaskdist__V1__CreateTaskRequest req = QTASKDIST__V1__CREATE_TASK_REQUEST__INIT;
    req.task_type = (Qtaskdist__V1__TaskType)type;
    req.payload = message(&qtaskdist__v1__task_payload__descriptor);
    req.payload->circuit_data = text(bell);
    req.enqueue = enqueue;
    if (type == BACKEND) {
        req.payload->backend_name = text("local");
    }
    return req;
}

task_msg *must_create_with(Qtaskdist__V1__CreateTaskRequest *req) {
    task_msg *task = NULL;
    ck_assert_ok(qt_task_service_create_task(svc.channel, &call, req, &arena, &task, &err));
    return task;
}

task_msg *must_create(bool enqueue) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, enqueue);
    return must_create_with(&req);
}

task_msg *must_get(const char *id) {
    Qtaskdist__V1__GetTaskRequest req = QTASKDIST__V1__GET_TASK_REQUEST__INIT;
    task_msg *task = NULL;
    req.task_id = text(id);
    ck_assert_ok(qt_task_service_get_task(svc.channel, &call, &req, &arena, &task, &err));
    return task;
}

bool has_status(const char *id, int status) {
    return (int)must_get(id)->status == status;
}

typedef struct status_wish {
    const char *id;
    int status;
} status_wish;

static bool status_is(void *arg) {
    const status_wish *wish = arg;
    return has_status(wish->id, wish->status);
}

task_msg *await_status(const char *id, int status) {
    status_wish wish = {id, status};
    ck_assert_msg(qt_test_wait(status_is, &wish, 15000), "status %d did not come, it is %d", status,
                  (int)must_get(id)->status);
    return must_get(id);
}

qt_code try_update(const char *id, task_msg *values, const char *field, task_msg **ret_task) {
    Qtaskdist__V1__UpdateTaskRequest req = QTASKDIST__V1__UPDATE_TASK_REQUEST__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    char *paths[] = {text(field)};
    mask.paths = paths;
    mask.n_paths = field != NULL;
    req.task_id = text(id);
    req.task = values;
    req.update_mask = &mask;
    return qt_task_service_update_task(svc.channel, &call, &req, &arena, ret_task, &err);
}

qt_code try_enqueue(const char *id, int type, task_msg **ret_task) {
    Qtaskdist__V1__EnqueueTaskRequest req = QTASKDIST__V1__ENQUEUE_TASK_REQUEST__INIT;
    req.task_id = text(id);
    req.task_type = (Qtaskdist__V1__TaskType)type;
    return qt_task_service_enqueue_task(svc.channel, &call, &req, &arena, ret_task, &err);
}

qt_code try_cancel(const char *id, task_msg **ret_task) {
    Qtaskdist__V1__CancelTaskRequest req = QTASKDIST__V1__CANCEL_TASK_REQUEST__INIT;
    req.task_id = text(id);
    return qt_task_service_cancel_task(svc.channel, &call, &req, &arena, ret_task, &err);
}

qt_code try_retry(const char *id, task_msg **ret_task) {
    Qtaskdist__V1__RetryTaskRequest req = QTASKDIST__V1__RETRY_TASK_REQUEST__INIT;
    req.task_id = text(id);
    return qt_task_service_retry_task(svc.channel, &call, &req, &arena, ret_task, &err);
}

qt_code try_delete(const char *id) {
    Qtaskdist__V1__DeleteTaskRequest req = QTASKDIST__V1__DELETE_TASK_REQUEST__INIT;
    Qtaskdist__V1__DeleteTaskResponse *resp = NULL;
    req.task_id = text(id);
    return qt_task_service_delete_task(svc.channel, &call, &req, &arena, &resp, &err);
}

Qtaskdist__V1__ListTaskEventsResponse *must_list_events(const char *id) {
    Qtaskdist__V1__ListTaskEventsRequest req = QTASKDIST__V1__LIST_TASK_EVENTS_REQUEST__INIT;
    Qtaskdist__V1__ListTaskEventsResponse *resp = NULL;
    req.task_id = text(id);
    ck_assert_ok(qt_task_service_list_task_events(svc.channel, &call, &req, &arena, &resp, &err));
    return resp;
}

/* ---- as a worker ---- */

Qtaskdist__V1__ClaimedTask *claim(const char *worker, const fake_entry *entry) {
    Qtaskdist__V1__ClaimTasksRequest req = QTASKDIST__V1__CLAIM_TASKS_REQUEST__INIT;
    Qtaskdist__V1__ClaimTasksItem item = QTASKDIST__V1__CLAIM_TASKS_ITEM__INIT;
    Qtaskdist__V1__ClaimTasksItem *items[] = {&item};
    Qtaskdist__V1__ClaimTasksResponse *resp = NULL;
    item.task_id = text(entry->id);
    item.dispatch_seq = entry->dispatch_seq;
    req.worker_id = text(worker);
    req.items = items;
    req.n_items = 1;
    ck_assert_ok(qt_task_worker_service_claim_tasks(svc.channel, &call, &req, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_tasks, 1);
    ck_assert_int_eq(resp->lease_ms, svc.config.lease_ms);
    return resp->tasks[0];
}

Qtaskdist__V1__ClaimedTask *must_claim(const char *worker, const char *id) {
    fake_entry entry = fake_queue_take_task(&queue, id);
    Qtaskdist__V1__ClaimedTask *claimed = claim(worker, &entry);
    ck_assert_msg(claimed->claimed, "%s", claimed->reason);
    return claimed;
}

static const char *report(const char *worker, Qtaskdist__V1__CompleteTasksItem *item) {
    Qtaskdist__V1__CompleteTasksRequest req = QTASKDIST__V1__COMPLETE_TASKS_REQUEST__INIT;
    Qtaskdist__V1__CompleteTasksItem *items[] = {item};
    Qtaskdist__V1__CompleteTasksResponse *resp = NULL;
    req.worker_id = text(worker);
    req.items = items;
    req.n_items = 1;
    ck_assert_ok(
        qt_task_worker_service_complete_tasks(svc.channel, &call, &req, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_results, 1);
    ck_assert(resp->results[0]->accepted == (resp->results[0]->reason[0] == '\0'));
    return resp->results[0]->reason;
}

const char *report_result(const char *worker, const char *id, int attempt, int64_t fence, int seq) {
    Qtaskdist__V1__CompleteTasksItem item = QTASKDIST__V1__COMPLETE_TASKS_ITEM__INIT;
    Qtaskdist__V1__TaskResult result = QTASKDIST__V1__TASK_RESULT__INIT;
    Qtaskdist__V1__TaskResult__MeasurementsEntry count =
        QTASKDIST__V1__TASK_RESULT__MEASUREMENTS_ENTRY__INIT;
    Qtaskdist__V1__TaskResult__MeasurementsEntry *counts[] = {&count};
    count.key = text("00");
    count.value = 1024;
    result.job_id = text(id);
    result.status = text("completed");
    result.shots = 1024;
    result.seconds = 0.001;
    result.measurements = counts;
    result.n_measurements = 1;
    item.task_id = text(id);
    item.attempt = attempt;
    item.fence = fence;
    item.dispatch_seq = seq;
    item.outcome_case = QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_RESULT;
    item.result = &result;
    return report(worker, &item);
}

const char *report_failure(const char *worker, const char *id, int attempt, int64_t fence,
                           int failure_class, const char *reason) {
    Qtaskdist__V1__CompleteTasksItem item = QTASKDIST__V1__COMPLETE_TASKS_ITEM__INIT;
    Qtaskdist__V1__TaskFailure failure = QTASKDIST__V1__TASK_FAILURE__INIT;
    failure.failure_class = (Qtaskdist__V1__FailureClass)failure_class;
    failure.reason = text(reason);
    failure.message = text("it did not work");
    item.task_id = text(id);
    item.attempt = attempt;
    item.fence = fence;
    item.outcome_case = QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_FAILURE;
    item.failure = &failure;
    return report(worker, &item);
}

Qtaskdist__V1__HeartbeatResponse *
must_heartbeat(const char *worker, const Qtaskdist__V1__ClaimedTask *held, int progress) {
    Qtaskdist__V1__HeartbeatRequest req = QTASKDIST__V1__HEARTBEAT_REQUEST__INIT;
    Qtaskdist__V1__HeldTask task = QTASKDIST__V1__HELD_TASK__INIT;
    Qtaskdist__V1__HeldTask *tasks[] = {&task};
    Qtaskdist__V1__HeartbeatResponse *resp = NULL;
    req.worker_id = text(worker);
    if (held != NULL) {
        task.task_id = held->task_id;
        task.attempt = held->attempt;
        task.fence = held->fence;
        task.progress = progress;
        req.tasks = tasks;
        req.n_tasks = 1;
    }
    ck_assert_ok(qt_task_worker_service_heartbeat(svc.channel, &call, &req, &arena, &resp, &err));
    ck_assert_int_eq(resp->lease_ms, svc.config.lease_ms);
    return resp;
}

const char *must_query(const char *sql) {
    const qt_pq_options options = {.url = database, .application_name = "test"};
    QT_CLEANUP(qt_pq_free_p) qt_pq *pq = qt_pq_new(&options);
    QT_CLEANUP(qt_pq_clear_p) PGresult *rows = NULL;
    ck_assert_ok(qt_pq_query(pq, sql, &rows, &err));
    ck_assert_int_ge(PQntuples(rows), 1);
    return qt_arena_strdup(&arena, PQgetvalue(rows, 0, 0));
}
