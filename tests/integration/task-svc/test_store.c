/* The schema: migrations, and what people with psql see. */
#include "fixture.h"

#include "services/task-svc/codec.h"
#include "services/task-svc/migrations.h"

#include <ctype.h>
#include <pthread.h>

START_TEST(an_empty_database_is_refused) {
    replica r = {.config = {.db_connect_timeout_ms = 5000}};
    QT_AUTO_FREE char *url = qt_pg_server_new_database(&pg);
    r.config.database_url = url;
    ck_assert_reason(qt_app_start(&r.app, &r.config, &err), SCHEMA_MISMATCH);
    ck_assert_ptr_nonnull(strstr(err.msg, "schema_migrations"));
    qt_app_stop(&r.app);
}
END_TEST

static void *migrate(void *arg) {
    qt_err own;
    int applied = 0;
    const qt_config config = {.database_url = arg, .db_connect_timeout_ms = 5000};
    return qt_app_migrate(&config, &applied, &own) == QT_OK ? (void *)(intptr_t)(applied + 1) : 0;
}

START_TEST(two_migrate_at_once) {
    QT_AUTO_FREE char *url = qt_pg_server_new_database(&pg);
    pthread_t threads[4];
    intptr_t applied = 0;
    for (size_t i = 0; i < QT_ARRAY_LEN(threads); i++) {
        pthread_create(&threads[i], NULL, migrate, url);
    }
    for (size_t i = 0; i < QT_ARRAY_LEN(threads); i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        ck_assert_ptr_nonnull(result);
        applied += (intptr_t)result - 1;
    }
    ck_assert_int_eq(applied, (intptr_t)qt_task_migration_count);
}
END_TEST

START_TEST(names_in_sql_are_those_of_the_tables) {
    for (int s = 1; s < QT_TASK_STATE_COUNT; s++) {
        char sql[80];
        snprintf(sql, sizeof sql, "SELECT task_status_name(%d::smallint)", s);
        ck_assert_str_eq(must_query(sql), qt_task_status_name(qt_task_status_of((qt_task_state)s)));
    }
}
END_TEST

/* "TASK_TYPE_SIMULATE" of TaskType becomes "simulate". */
static bool is_short_name(const ProtobufCEnumDescriptor *type, const char *full, const char *name) {
    size_t full_len = strlen(full);
    size_t len = strlen(name);
    (void)type;
    if (full_len < len) {
        return false;
    }
    const char *tail = full + full_len - len;
    for (size_t i = 0; i < len; i++) {
        if (tolower((unsigned char)tail[i]) != name[i]) {
            return false;
        }
    }
    return tail == full || tail[-1] == '_';
}

static void check_enum(const ProtobufCFieldDescriptor *field, const char *message) {
    const ProtobufCEnumDescriptor *type = field->descriptor;
    for (unsigned i = 0; i < type->n_values; i++) {
        char sql[200];
        snprintf(sql, sizeof sql,
                 "SELECT names[%d] FROM pb_field WHERE message = '%s' AND number = %u",
                 type->values[i].value + 1, message, field->id);
        ck_assert(is_short_name(type, type->values[i].name, must_query(sql)));
    }
}

/* names[1] is the nested message. */
static void check_nested(const ProtobufCFieldDescriptor *field, const char *message) {
    const ProtobufCMessageDescriptor *type = field->descriptor;
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT names[1] FROM pb_field WHERE message = '%s' AND number = %u",
             message, field->id);
    ck_assert_str_eq(must_query(sql), type->short_name);
}

/* A map is repeated messages of a key and a value. */
static const char *kind_of_message(const ProtobufCFieldDescriptor *field) {
    const ProtobufCMessageDescriptor *type = field->descriptor;
    if (strstr(type->short_name, "Entry") != NULL) {
        const ProtobufCFieldDescriptor *value = &type->fields[1];
        return value->type == PROTOBUF_C_TYPE_MESSAGE ? "map_scalar" : "map_uint32";
    }
    return field->label == PROTOBUF_C_LABEL_REPEATED ? "messages" : "message";
}

static const char *kind_of(const ProtobufCFieldDescriptor *field) {
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return field->label == PROTOBUF_C_LABEL_REPEATED ? "strings" : "string";
    case PROTOBUF_C_TYPE_BYTES:
        return "bytes";
    case PROTOBUF_C_TYPE_UINT32:
        return "uint32";
    case PROTOBUF_C_TYPE_UINT64:
        return "uint64";
    case PROTOBUF_C_TYPE_BOOL:
        return "bool";
    case PROTOBUF_C_TYPE_DOUBLE:
        return "double";
    case PROTOBUF_C_TYPE_ENUM:
        return "enum";
    case PROTOBUF_C_TYPE_MESSAGE:
        return kind_of_message(field);
    default:
        return "?";
    }
}

/* pb_field says of each field what the contract says. */
static void check_message(const ProtobufCMessageDescriptor *type) {
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        char sql[200];
        char expected[80];
        snprintf(sql, sizeof sql,
                 "SELECT coalesce((SELECT name || ' ' || kind FROM pb_field"
                 " WHERE message = '%s' AND number = %u), '')",
                 type->short_name, field->id);
        snprintf(expected, sizeof expected, "%s %s", field->name, kind_of(field));
        ck_assert_str_eq(must_query(sql), expected);
        if (field->type == PROTOBUF_C_TYPE_ENUM) {
            check_enum(field, type->short_name);
        }
        if (strstr(expected, " message") != NULL) {
            check_nested(field, type->short_name);
        }
    }
}

START_TEST(the_view_knows_the_contract) {
    check_message(&qtaskdist__v1__task_payload__descriptor);
    check_message(&qtaskdist__v1__task_result__descriptor);
    check_message(&qtaskdist__v1__conversion__descriptor);
    check_message(&qtaskdist__v1__qir_report__descriptor);
    check_message(&qtaskdist__v1__qir_violation__descriptor);
    check_message(&qtaskdist__v1__verification__descriptor);
}
END_TEST

START_TEST(the_view_shows_tasks) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
    req.payload->shots = 100;
    req.payload->seed_oneof_case = QTASKDIST__V1__TASK_PAYLOAD__SEED_ONEOF_SEED;
    req.payload->seed = 4000000000;
    req.payload->method = QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STATEVECTOR;
    const char *id = must_create_with(&req)->task_id;
    ck_assert_str_eq(must_query("SELECT payload - 'circuit_data' FROM tasks"),
                     "{\"seed\": 4000000000, \"shots\": 100, \"method\": \"statevector\"}");
    ck_assert_str_eq(must_query("SELECT payload ->> 'circuit_data' FROM tasks"), bell);
    ck_assert_str_eq(must_query("SELECT task_type || ' ' || status || ' ' || priority"
                                " || coalesce(result::text, '') FROM tasks"),
                     "simulate queued normal");
    ck_assert_str_eq(must_query("SELECT meta_data ->> 'num_qubits' FROM tasks"), "2");
    fake_entry entry = fake_queue_take_task(&queue, id);
    ck_assert_str_eq(report_result("w", id, 0, 0, entry.dispatch_seq), "");
    ck_assert_str_eq(must_query("SELECT status FROM tasks"), "completed");
    ck_assert_str_eq(must_query("SELECT result -> 'measurements' FROM tasks"), "{\"00\": 1024}");
    ck_assert_str_eq(must_query("SELECT result ->> 'seconds' FROM tasks"), "0.001");
    ck_assert_str_eq(must_query("SELECT (task_id = '00000000-0000-0000-0000-000000000000')::text"
                                " FROM tasks"),
                     "false");
}
END_TEST

START_TEST(the_view_shows_inputs_bare) {
    enum { COUNT = 6 };
    static const char program[] = "OPENQASM 3.0; include \"stdgates.inc\"; input bit[2] bits;"
                                  " input float half; input float phase; input int none;"
                                  " input bool on; input bool off; qubit q; rx(phase) q;";
    static const char *const names[COUNT] = {"bits", "half", "phase", "none", "on", "off"};
    Qtaskdist__V1__Scalar values[COUNT];
    Qtaskdist__V1__TaskPayload__InputsEntry entries[COUNT];
    Qtaskdist__V1__TaskPayload__InputsEntry *list[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (Qtaskdist__V1__Scalar)QTASKDIST__V1__SCALAR__INIT;
        values[i].kind_case = QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE;
        entries[i] = (Qtaskdist__V1__TaskPayload__InputsEntry)
            QTASKDIST__V1__TASK_PAYLOAD__INPUTS_ENTRY__INIT;
        entries[i].key = text(names[i]);
        entries[i].value = &values[i];
        list[i] = &entries[i];
    }
    values[0].kind_case = values[2].kind_case = QTASKDIST__V1__SCALAR__KIND_STRING_VALUE;
    values[0].string_value = text("\"01\"");
    values[1].number_value = -0.5;
    values[2].string_value = text("pi / 4");
    values[4].kind_case = values[5].kind_case = QTASKDIST__V1__SCALAR__KIND_BOOL_VALUE;
    values[4].bool_value = true;
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, false);
    req.payload->circuit_data = text(program);
    req.payload->inputs = list;
    req.payload->n_inputs = COUNT;
    must_create_with(&req);
    ck_assert_str_eq(must_query("SELECT payload - 'circuit_data' FROM tasks"),
                     "{\"inputs\": {\"on\": true, \"off\": false, \"bits\": \"\\\"01\\\"\","
                     " \"half\": -0.5, \"none\": 0, \"phase\": \"pi / 4\"}}");
}
END_TEST

START_TEST(final_tasks_lie_in_their_days_partition) {
    task_msg *task = NULL;
    const char *id = must_create(false)->task_id;
    ck_assert_ok(try_cancel(id, &task));
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_done_default"), "0");
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_event_default"), "0");
    ck_assert_str_eq(must_query("SELECT task_make_partitions(9)"), "4"); /* two days, two tables */
    ck_assert_str_eq(must_query("SELECT task_make_partitions(9)"), "0");
    ck_assert_str_eq(must_query("SELECT task_drop_partitions(0)"), "2"); /* yesterday's */
    ck_assert_int_eq(must_get(id)->status, CANCELLED);
}
END_TEST

TCase *store_cases(void) {
    TCase *tc = tcase_create("store");
    tcase_add_checked_fixture(tc, start_world, stop_world);
    tcase_add_test(tc, an_empty_database_is_refused);
    tcase_add_test(tc, two_migrate_at_once);
    tcase_add_test(tc, names_in_sql_are_those_of_the_tables);
    tcase_add_test(tc, the_view_knows_the_contract);
    tcase_add_test(tc, the_view_shows_tasks);
    tcase_add_test(tc, the_view_shows_inputs_bare);
    tcase_add_test(tc, final_tasks_lie_in_their_days_partition);
    return tc;
}
