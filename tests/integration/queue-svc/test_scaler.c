/* externalscaler.ExternalScaler as KEDA calls it. */
#include "fixture.h"

#include "base/log.h"
#include "externalscaler/externalscaler_service.rpc.h"

enum { CALL_MS = 5000 };

typedef Externalscaler__ScaledObjectRef object_ref;
typedef Externalscaler__ScaledObjectRef__ScalerMetadataEntry entry;

/* A reference with up to two pairs of metadata. */
typedef struct ref_of {
    object_ref ref;
    entry entries[2];
    entry *list[2];
} ref_of;

static object_ref *make_ref(ref_of *r, const char *types, const char *target) {
    const char *const pairs[2][2] = {{"taskTypes", types}, {"tasksPerReplica", target}};
    externalscaler__scaled_object_ref__init(&r->ref);
    r->ref.scalermetadata = r->list;
    for (size_t i = 0; i < 2; i++) {
        if (pairs[i][1] != NULL) {
            entry *e = &r->entries[r->ref.n_scalermetadata];
            externalscaler__scaled_object_ref__scaler_metadata_entry__init(e);
            e->key = (char *)(uintptr_t)pairs[i][0];
            e->value = (char *)(uintptr_t)pairs[i][1];
            r->list[r->ref.n_scalermetadata++] = e;
        }
    }
    return &r->ref;
}

static int64_t work_of(const char *types) {
    qt_err err;
    ref_of r;
    qt_rpc_call call = {.timeout_ms = CALL_MS, .wait_for_ready = true};
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    Externalscaler__GetMetricsRequest req = EXTERNALSCALER__GET_METRICS_REQUEST__INIT;
    Externalscaler__GetMetricsResponse *resp = NULL;
    req.scaledobjectref = make_ref(&r, types, NULL);
    req.metricname = (char *)(uintptr_t) "s0-tasks";
    ck_assert_ok(
        qt_external_scaler_get_metrics(main_replica.channel, &call, &req, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_metricvalues, 1);
    const Externalscaler__MetricValue *value = resp->metricvalues[0];
    ck_assert_str_eq(value->metricname, "s0-tasks");
    ck_assert_double_eq(value->metricvaluefloat, (double)value->metricvalue);
    return value->metricvalue;
}

static bool is_active(const char *types) {
    qt_err err;
    ref_of r;
    qt_rpc_call call = {.timeout_ms = CALL_MS, .wait_for_ready = true};
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    Externalscaler__IsActiveResponse *resp = NULL;
    ck_assert_ok(qt_external_scaler_is_active(main_replica.channel, &call,
                                              make_ref(&r, types, NULL), &arena, &resp, &err));
    return resp->result;
}

static void report(int type, int64_t count) {
    qt_err err;
    qt_rpc_call call = {.timeout_ms = CALL_MS, .wait_for_ready = true};
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    Qtaskdist__V1__RunningTasks item = QTASKDIST__V1__RUNNING_TASKS__INIT;
    Qtaskdist__V1__RunningTasks *list[1] = {&item};
    Qtaskdist__V1__ReportRunningRequest req = QTASKDIST__V1__REPORT_RUNNING_REQUEST__INIT;
    Qtaskdist__V1__ReportRunningResponse *resp = NULL;
    item.task_type = (Qtaskdist__V1__TaskType)type;
    item.count = count;
    req.n_running = 1;
    req.running = list;
    ck_assert_ok(
        qt_queue_service_report_running(main_replica.channel, &call, &req, &arena, &resp, &err));
}

START_TEST(counts_waiting_pending_and_running) {
    ck_assert(!is_active("simulate"));
    enqueue_tasks(SIMULATE, NORMAL, 1, 3);
    enqueue_tasks(SIMULATE, HIGH, 10, 1);
    enqueue_tasks(C_QIR, LOW, 20, 1);
    ck_assert_int_eq(work_of("simulate"), 4);
    ck_assert_int_eq(work_of("simulate,c_qir_convert"), 5);
    ck_assert_int_eq(work_of("backend_run"), 0);
    ck_assert(is_active("simulate"));
    ck_assert(!is_active("backend_run"));
    /* delivered and pending is work still; acknowledged is not */
    ck_assert_int_eq(lease_one(SIMULATE, 1000, false), 10);
    ck_assert_int_eq(work_of("simulate"), 4);
    ck_assert_int_eq(lease_one(SIMULATE, 20000, true), 1);
    ck_assert_int_eq(work_of("simulate"), 3);
    report(SIMULATE, 7);
    report(BACKEND, 2);
    ck_assert_int_eq(work_of("simulate"), 10);
    ck_assert(is_active("backend_run"));
    report(BACKEND, 0);
    ck_assert(!is_active(" backend_run "));
}
END_TEST

START_TEST(spec_names_the_target) {
    qt_err err;
    qt_rpc_call call = {.timeout_ms = CALL_MS, .wait_for_ready = true};
    static const struct {
        const char *text;
        int64_t target;
    } cases[] = {{NULL, 1}, {"1", 1}, {"8", 8}, {"1000000", 1000000}};
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        ref_of r;
        QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
        Externalscaler__GetMetricSpecResponse *resp = NULL;
        ck_assert_ok(qt_external_scaler_get_metric_spec(main_replica.channel, &call,
                                                        make_ref(&r, "simulate", cases[i].text),
                                                        &arena, &resp, &err));
        ck_assert_uint_eq(resp->n_metricspecs, 1);
        ck_assert_str_eq(resp->metricspecs[0]->metricname, "tasks");
        ck_assert_int_eq(resp->metricspecs[0]->targetsize, cases[i].target);
        ck_assert_double_eq(resp->metricspecs[0]->targetsizefloat, (double)cases[i].target);
    }
}
END_TEST

START_TEST(wrong_metadata_is_refused) {
    static const struct {
        const char *types, *target, *field;
    } cases[] = {
        {NULL, NULL, "scalerMetadata.taskTypes"},
        {"", NULL, "scalerMetadata.taskTypes"},
        {"simulates", NULL, "scalerMetadata.taskTypes"},
        {"simulate,", NULL, "scalerMetadata.taskTypes"},
        {"simulate backend_run", NULL, "scalerMetadata.taskTypes"},
        {",", NULL, "scalerMetadata.taskTypes"},
        {"simulate", "0", "scalerMetadata.tasksPerReplica"},
        {"simulate", "-1", "scalerMetadata.tasksPerReplica"},
        {"simulate", "1.5", "scalerMetadata.tasksPerReplica"},
        {"simulate", "1000001", "scalerMetadata.tasksPerReplica"},
        {"simulate", "99999999999999999999", "scalerMetadata.tasksPerReplica"},
    };
    qt_rpc_call call = {.timeout_ms = CALL_MS, .wait_for_ready = true};
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        qt_err err = {0};
        ref_of r;
        QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
        Externalscaler__GetMetricSpecResponse *resp = NULL;
        qt_code code = qt_external_scaler_get_metric_spec(
            main_replica.channel, &call, make_ref(&r, cases[i].types, cases[i].target), &arena,
            &resp, &err);
        ck_assert_msg(code == QT_INVALID_ARGUMENT, "case %zu: code %d", i, (int)code);
        ck_assert_str_eq(err.field, cases[i].field);
    }
}
END_TEST

static qt_rpc_reader *watch(replica *r, const char *types) {
    qt_err err;
    ref_of ref;
    qt_rpc_reader *reader = NULL;
    qt_rpc_call call = {.timeout_ms = 60000, .wait_for_ready = true};
    ck_assert_ok(qt_external_scaler_stream_is_active(r->channel, &call, make_ref(&ref, types, NULL),
                                                     &reader, &err));
    return reader;
}

static bool next_state(qt_rpc_reader *reader) {
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    ProtobufCMessage *message = NULL;
    ck_assert_ok(qt_rpc_stream_read(reader, &externalscaler__is_active_response__descriptor, &arena,
                                    &message, &err));
    ck_assert_ptr_nonnull(message);
    return ((Externalscaler__IsActiveResponse *)message)->result;
}

START_TEST(stream_tells_every_change) {
    qt_rpc_reader *simulate = watch(&main_replica, "simulate");
    qt_rpc_reader *backend = watch(&main_replica, "backend_run");
    ck_assert(!next_state(simulate));
    ck_assert(!next_state(backend));
    for (int i = 0; i < 3; i++) {
        enqueue_tasks(SIMULATE, NORMAL, i, 1);
        ck_assert(next_state(simulate));
        ck_assert_int_eq(lease_one(SIMULATE, 20000, true), i);
        ck_assert(!next_state(simulate));
    }
    report(BACKEND, 1);
    ck_assert(next_state(backend));
    qt_rpc_stream_close(simulate);
    qt_rpc_stream_close(backend);
}
END_TEST

/* Work that came through another replica is seen by the next look at the streams. */
START_TEST(stream_sees_other_replicas) {
    replica other;
    start_replica(&other);
    qt_rpc_reader *reader = watch(&other, "simulate");
    ck_assert(!next_state(reader));
    enqueue_tasks(SIMULATE, NORMAL, 1, 1);
    ck_assert(next_state(reader));
    qt_rpc_stream_close(reader);
    stop_replica(&other);
}
END_TEST

START_TEST(stream_survives_redis) {
    qt_log_set_fd(-1);
    qt_rpc_reader *reader = watch(&main_replica, "simulate");
    ck_assert(!next_state(reader));
    qt_test_redis_kill(&redis);
    qt_rpc_reader *late = watch(&main_replica, "simulate"); /* is told nothing yet */
    qt_test_redis_restart(&redis);
    ck_assert(!next_state(late));
    enqueue_tasks(SIMULATE, NORMAL, 1, 1);
    ck_assert(next_state(reader));
    ck_assert(next_state(late));
    qt_rpc_stream_close(late);
    qt_rpc_stream_close(reader);
}
END_TEST

START_TEST(stop_ends_streams) {
    replica other;
    start_replica(&other);
    qt_rpc_reader *reader = watch(&other, "simulate,backend_run");
    ck_assert(!next_state(reader));
    qt_rpc_server_stop(other.server);
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena = {0};
    ProtobufCMessage *message = NULL;
    qt_code code = qt_rpc_stream_read(reader, &externalscaler__is_active_response__descriptor,
                                      &arena, &message, &err);
    ck_assert(code == QT_UNAVAILABLE || (code == QT_OK && message == NULL));
    qt_rpc_stream_close(reader);
    qt_rpc_channel_free(other.channel);
    qt_rpc_server_free(other.server);
    qt_scaler_free(other.scaler);
    qt_hub_free(other.hub);
    qt_redis_store_free(other.store);
}
END_TEST

START_TEST(each_failure) {
    qt_test_redis_start(&redis, false, NULL);
    qt_log_init("test", QT_LOG_ERROR);
    qt_log_set_fd(-1);
    QT_EACH_FAILURE(k) {
        qt_err err;
        qt_redis_store_options options = {
            .redis = {.connect_timeout_ms = 1000, .command_timeout_ms = 1000}, .connections = 1};
        ck_assert_ok(qt_redis_address_parse(redis.url, &options.redis.address, &err));
        qt_redis_store *store = NULL;
        if (qt_redis_store_new(&options, &store, &err) != QT_OK) {
            continue;
        }
        qt_store port = qt_redis_store_port(store);
        qt_scaler *scaler = NULL;
        const int64_t counts[QT_QUEUE_TYPES] = {1, 2, 3};
        qt_queue_stats stats;
        qt_code code = qt_scaler_new(&port, 50, &scaler, &err);
        code = code == QT_OK ? port.ops->set_running(port.self, 7, counts, &err) : code;
        code = code == QT_OK ? port.ops->stats(port.self, &stats, &err) : code;
        ck_assert_msg(code == QT_OK || code == QT_RESOURCE_EXHAUSTED, "%s", err.msg);
        if (code == QT_OK) {
            ck_assert_int_eq(stats.running[0], 1);
            ck_assert_int_eq(stats.running[2], 3);
        }
        qt_scaler_free(scaler);
        qt_redis_store_free(store);
    }
    qt_test_redis_stop(&redis);
}
END_TEST

Suite *scaler_suite(void) {
    Suite *suite = suite_create("scaler");
    TCase *served = tcase_create("served");
    tcase_set_timeout(served, 60);
    tcase_add_checked_fixture(served, start_all, stop_all);
    tcase_add_test(served, counts_waiting_pending_and_running);
    tcase_add_test(served, spec_names_the_target);
    tcase_add_test(served, wrong_metadata_is_refused);
    tcase_add_test(served, stream_tells_every_change);
    tcase_add_test(served, stream_sees_other_replicas);
    tcase_add_test(served, stream_survives_redis);
    tcase_add_test(served, stop_ends_streams);
    suite_add_tcase(suite, served);
    TCase *alone = tcase_create("alone");
    tcase_set_timeout(alone, 60);
    tcase_add_test(alone, each_failure);
    suite_add_tcase(suite, alone);
    return suite;
}
