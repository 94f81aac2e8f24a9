#include "fixture.h"

#include "base/log.h"

qt_test_redis redis;
replica main_replica;

void start_replica(replica *r) {
    qt_err err;
    *r = (replica){0};
    qt_redis_store_options options = {
        .redis = {.connect_timeout_ms = 1000, .command_timeout_ms = 2000, .client_name = "test"},
        .connections = 2,
        .claim_idle_ms = CLAIM_IDLE_MS,
        .consumer_idle_ms = 60000};
    ck_assert_ok(qt_redis_address_parse(redis.url, &options.redis.address, &err));
    ck_assert_ok(qt_redis_store_new(&options, &r->store, &err));
    qt_store port = qt_redis_store_port(r->store);
    qt_hub_options hub_options = {.maintenance_ms = 50, .buffer_ms = CLAIM_IDLE_MS / 2};
    ck_assert_ok(qt_hub_new(&port, &hub_options, &r->hub, &err));
    ck_assert_ok(qt_scaler_new(&port, SCALER_POLL_MS, &r->scaler, &err));
    r->handlers = (qt_queue_handlers){
        .store = port, .hub = r->hub, .scaler = r->scaler, .max_payload_bytes = 65536};
    qt_rpc_server_options server_options = {.service = "queue-svc",
                                            .listen_addr = "127.0.0.1:0",
                                            .worker_threads = 4,
                                            .queue_limit = 1000,
                                            .max_message_bytes = 16777216,
                                            .max_concurrent = 1000,
                                            .max_metadata_bytes = 16384,
                                            .default_deadline_ms = 60000,
                                            .lame_duck_ms = 0,
                                            .grace_ms = 1000,
                                            .tls_cert_file = "",
                                            .tls_key_file = "",
                                            .tls_ca_file = ""};
    ck_assert_ok(qt_rpc_server_new(&server_options, &r->server, &err));
    qt_queue_handlers_register(r->server, &r->handlers);
    qt_scaler_register(r->server, r->scaler);
    ck_assert_ok(qt_rpc_server_start(r->server, &err));
    qt_rpc_server_set_serving(r->server, NULL, true);
    char target[64];
    snprintf(target, sizeof target, "127.0.0.1:%d", qt_rpc_server_port(r->server));
    qt_rpc_channel_options channel_options = {.target = target, .no_health_check = true};
    ck_assert_ok(qt_rpc_channel_new(&channel_options, &r->channel, &err));
}

void stop_replica(replica *r) {
    qt_rpc_channel_free(r->channel);
    qt_hub_drain(r->hub);
    qt_rpc_server_stop(r->server);
    qt_rpc_server_free(r->server);
    qt_scaler_free(r->scaler);
    qt_hub_free(r->hub);
    qt_redis_store_free(r->store);
}

void start_all(void) {
    qt_log_init("test", QT_LOG_ERROR);
    qt_test_redis_start(&redis, true, NULL);
    start_replica(&main_replica);
}

void stop_all(void) {
    stop_replica(&main_replica);
    qt_test_redis_stop(&redis);
}

const char *id_of(int number, char ret_id[37]) {
    snprintf(ret_id, 37, "%08x-0000-7000-8000-000000000000", (unsigned)number);
    return ret_id;
}

int number_of(const char *id) {
    return (int)strtol(id, NULL, 16);
}

static qt_rpc_call call_of(int timeout_ms) {
    return (qt_rpc_call){.timeout_ms = timeout_ms, .wait_for_ready = true};
}

qt_code try_enqueue(int type, int priority, int number, const char *circuit, qt_err *err) {
    char id[37];
    qt_rpc_call call = call_of(5000);
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    payload.circuit_data = (char *)(uintptr_t)circuit;
    payload.shots = 7;
    Qtaskdist__V1__QueueEntry entry = QTASKDIST__V1__QUEUE_ENTRY__INIT;
    entry.task_id = (char *)(uintptr_t)id_of(number, id);
    entry.task_type = (Qtaskdist__V1__TaskType)type;
    entry.priority = (Qtaskdist__V1__TaskPriority)priority;
    entry.dispatch_seq = number;
    entry.payload = circuit != NULL ? &payload : NULL;
    Qtaskdist__V1__QueueEntry *entries[1] = {&entry};
    Qtaskdist__V1__EnqueueRequest req = QTASKDIST__V1__ENQUEUE_REQUEST__INIT;
    req.n_entries = 1;
    req.entries = entries;
    Qtaskdist__V1__EnqueueResponse *resp = NULL;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    return qt_queue_service_enqueue(main_replica.channel, &call, &req, &arena, &resp, err);
}

void enqueue_tasks(int type, int priority, int first, int count) {
    qt_err err;
    qt_rpc_call call = call_of(5000);
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__QueueEntry *all = qt_xcalloc((size_t)count, sizeof *all);
    Qtaskdist__V1__QueueEntry **entries = qt_xcalloc((size_t)count, sizeof *entries);
    char(*ids)[37] = qt_xcalloc((size_t)count, sizeof *ids);
    for (int i = 0; i < count; i++) {
        qtaskdist__v1__queue_entry__init(&all[i]);
        all[i].task_id = (char *)(uintptr_t)id_of(first + i, ids[i]);
        all[i].task_type = (Qtaskdist__V1__TaskType)type;
        all[i].priority = (Qtaskdist__V1__TaskPriority)priority;
        all[i].dispatch_seq = 1;
        entries[i] = &all[i];
    }
    Qtaskdist__V1__EnqueueRequest req = QTASKDIST__V1__ENQUEUE_REQUEST__INIT;
    req.n_entries = (size_t)count;
    req.entries = entries;
    Qtaskdist__V1__EnqueueResponse *resp = NULL;
    ck_assert_ok(qt_queue_service_enqueue(main_replica.channel, &call, &req, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_entry_ids, (size_t)count);
    free(all);
    free(entries);
    free(ids);
}

qt_code try_lease(replica *r, int type, int max, int wait_ms, qt_arena *arena,
                  Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err) {
    qt_rpc_call call = call_of(wait_ms + 5000);
    Qtaskdist__V1__TaskType types[1] = {(Qtaskdist__V1__TaskType)type};
    Qtaskdist__V1__LeaseMessagesRequest req = QTASKDIST__V1__LEASE_MESSAGES_REQUEST__INIT;
    req.consumer = (char *)(uintptr_t) "tester";
    req.n_task_types = 1;
    req.task_types = types;
    req.max_messages = max;
    req.wait_ms = wait_ms;
    return qt_queue_service_lease_messages(r->channel, &call, &req, arena, ret_resp, err);
}

int ack_messages(const Qtaskdist__V1__LeaseMessagesResponse *leased) {
    qt_err err;
    qt_rpc_call call = call_of(5000);
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    size_t count = leased->n_messages;
    Qtaskdist__V1__AckItem *all = qt_xcalloc(count + 1, sizeof *all);
    Qtaskdist__V1__AckItem **items = qt_xcalloc(count + 1, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        qtaskdist__v1__ack_item__init(&all[i]);
        all[i].stream = leased->messages[i]->stream;
        all[i].entry_id = leased->messages[i]->entry_id;
        items[i] = &all[i];
    }
    Qtaskdist__V1__AckRequest req = QTASKDIST__V1__ACK_REQUEST__INIT;
    req.n_items = count;
    req.items = items;
    Qtaskdist__V1__AckResponse *resp = NULL;
    ck_assert_ok(qt_queue_service_ack(main_replica.channel, &call, &req, &arena, &resp, &err));
    free(all);
    free(items);
    return resp->acked_count;
}

int lease_one(int type, int wait_ms, bool acknowledge) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
    ck_assert_ok(try_lease(&main_replica, type, 1, wait_ms, &arena, &resp, &err));
    if (resp->n_messages == 0) {
        return -1;
    }
    ck_assert_uint_eq(resp->n_messages, 1);
    if (acknowledge) {
        ck_assert_int_eq(ack_messages(resp), 1);
    }
    return number_of(resp->messages[0]->task_id);
}

static Qtaskdist__V1__StatsResponse *all_stats(qt_arena *arena) {
    qt_err err;
    qt_rpc_call call = call_of(5000);
    Qtaskdist__V1__StatsRequest req = QTASKDIST__V1__STATS_REQUEST__INIT;
    Qtaskdist__V1__StatsResponse *resp = NULL;
    ck_assert_ok(qt_queue_service_stats(main_replica.channel, &call, &req, arena, &resp, &err));
    ck_assert_uint_eq(resp->n_streams, QT_STREAMS);
    return resp;
}

Qtaskdist__V1__StreamStats stats_of(const char *stream) {
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__StatsResponse *resp = all_stats(&arena);
    for (size_t i = 0; i < resp->n_streams; i++) {
        if (strcmp(resp->streams[i]->stream, stream) == 0) {
            Qtaskdist__V1__StreamStats copy = *resp->streams[i];
            copy.stream = NULL;
            return copy;
        }
    }
    ck_abort_msg("no stream %s", stream);
}

void epoch_of(char ret_epoch[QT_EPOCH_BYTES]) {
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    qt_arena_init(&arena, 0);
    snprintf(ret_epoch, QT_EPOCH_BYTES, "%s", all_stats(&arena)->epoch);
}

static void *run_lease(void *arg) {
    background_lease *l = arg;
    l->code = try_lease(l->from, l->type, l->max, l->wait_ms, &l->arena, &l->resp, &l->err);
    l->done = true;
    return NULL;
}

void lease_in_background(background_lease *lease, replica *from, int type, int max, int wait_ms) {
    *lease = (background_lease){.from = from, .type = type, .max = max, .wait_ms = wait_ms};
    qt_arena_init(&lease->arena, 0);
    ck_assert_int_eq(pthread_create(&lease->thread, NULL, run_lease, lease), 0);
}

void join_lease(background_lease *lease) {
    pthread_join(lease->thread, NULL);
    qt_err err = lease->err;
    ck_assert_ok(lease->code);
}

void free_lease(background_lease *lease) {
    qt_arena_done(&lease->arena);
}

static bool has_waiters(void *arg) {
    char line[64];
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_metrics_write(&out, QT_METRICS_PROMETHEUS);
    snprintf(line, sizeof line, "\nqt_queue_waiters %d\n", *(int *)arg);
    return strstr(qt_buf_str(&out), line) != NULL;
}

void wait_for_waiters(int count) {
    ck_assert_msg(qt_test_wait(has_waiters, &count, 20000), "no %d waiters", count);
}
