/* Health and reflection, as a client sees them. */
#include "rig.h"

#include "base/cleanup.h"
#include "rpc/client_impl.h"
#include "rpc/wire.h"

#include <grpc/health/v1/health.pb-c.h>
#include <grpc/reflection/v1/reflection.pb-c.h>
#include <stdio.h>
#include <string.h>

typedef Grpc__Health__V1__HealthCheckResponse health_response;
typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

static rig r;

static void set_up(void) {
    rig_init(&r);
    rig_start(&r);
}

static void tear_down(void) {
    rig_done(&r);
}

/* ---- health ---- */

static void name_service(Grpc__Health__V1__HealthCheckRequest *req, const char *name,
                         char text[64]) {
    grpc__health__v1__health_check_request__init(req);
    snprintf(text, 64, "%s", name);
    req->service = text;
}

static qt_code check(const char *service, int *ret_status, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Grpc__Health__V1__HealthCheckRequest req;
    char text[64];
    name_service(&req, service, text);
    ProtobufCMessage *msg = NULL;
    QT_TRY(qt_rpc_unary(r.channel, "/grpc.health.v1.Health/Check", &rig_call, &req.base,
                        &grpc__health__v1__health_check_response__descriptor, &arena, &msg, err));
    *ret_status = (int)((const health_response *)msg)->status;
    return QT_OK;
}

START_TEST(test_check) {
    qt_err err;
    int status = 0;
    ck_assert_ok(check("", &status, &err));
    ck_assert_int_eq(status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    qt_rpc_server_set_serving(r.server, "qtaskdist.v1.TaskService", false);
    ck_assert_ok(check("qtaskdist.v1.TaskService", &status, &err));
    ck_assert_int_eq(status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
    ck_assert_ok(check("", &status, &err));
    ck_assert_int_eq(status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    ck_assert_int_eq(check("no.Such", &status, &err), QT_NOT_FOUND);
}
END_TEST

START_TEST(test_probe) {
    qt_err err;
    ck_assert_ok(qt_rpc_probe(r.target, 5000, &err));
    qt_rpc_server_set_serving(r.server, NULL, false);
    ck_assert_int_eq(qt_rpc_probe(r.target, 5000, &err), QT_UNAVAILABLE);
    ck_assert_int_ne(qt_rpc_probe("unix:/nowhere/at/all", 200, &err), QT_OK);
}
END_TEST

static qt_rpc_reader *watch(const char *service) {
    qt_err err;
    Grpc__Health__V1__HealthCheckRequest req;
    char text[64];
    name_service(&req, service, text);
    qt_rpc_reader *reader = NULL;
    ck_assert_ok(qt_rpc_stream_open(r.channel, "/grpc.health.v1.Health/Watch", &rig_call, &req.base,
                                    &reader, &err));
    return reader;
}

static qt_code next_status(qt_rpc_reader *reader, int *ret_status, qt_err *err) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    ProtobufCMessage *msg = NULL;
    QT_TRY(qt_rpc_stream_read(reader, &grpc__health__v1__health_check_response__descriptor, &arena,
                              &msg, err));
    ck_assert_ptr_nonnull(msg);
    *ret_status = (int)((const health_response *)msg)->status;
    return QT_OK;
}

START_TEST(test_watch) {
    qt_err err;
    int status = 0;
    qt_rpc_reader *reader = watch("qtaskdist.v1.TaskService");
    ck_assert_ok(next_status(reader, &status, &err));
    ck_assert_int_eq(status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    qt_rpc_server_set_serving(r.server, "qtaskdist.v1.TaskService", false);
    ck_assert_ok(next_status(reader, &status, &err));
    ck_assert_int_eq(status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
    qt_rpc_server_set_serving(r.server, "qtaskdist.v1.TaskService", true);
    ck_assert_ok(next_status(reader, &status, &err));
    ck_assert_int_eq(status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    qt_rpc_stream_close(reader);
    reader = watch("no.Such");
    ck_assert_ok(next_status(reader, &status, &err));
    ck_assert_int_eq(status,
                     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN);
    qt_rpc_stream_close(reader);
}
END_TEST

/* The watchers of a server that stops read NOT_SERVING, and then an end that says "elsewhere". */
START_TEST(test_watch_ends_with_the_server) {
    qt_err err;
    int status = 0;
    qt_rpc_reader *reader = watch("");
    ck_assert_ok(next_status(reader, &status, &err));
    qt_rpc_server_stop(r.server);
    ck_assert_ok(next_status(reader, &status, &err));
    ck_assert_int_eq(status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
    ck_assert_int_eq(next_status(reader, &status, &err), QT_UNAVAILABLE);
    ck_assert_int_eq(err.reason, QT_REASON_SHUTTING_DOWN);
    qt_rpc_stream_close(reader);
}
END_TEST

START_TEST(test_client_leaves_a_server_that_is_not_serving) {
    qt_err err;
    qt_rpc_server_set_serving(r.server, NULL, false);
    ck_assert_int_eq(rig_get(&r, "ok", &rig_call, &err), QT_UNAVAILABLE);
    qt_rpc_server_set_serving(r.server, NULL, true);
    const qt_rpc_call patient = {.timeout_ms = 10000, .wait_for_ready = true};
    ck_assert_ok(rig_get(&r, "ok", &patient, &err));
}
END_TEST

/* ---- reflection: a bidirectional stream on the bare core ---- */

typedef struct bidi {
    grpc_completion_queue *cq;
    grpc_call *call;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_status_code status;
    grpc_slice text;
    bool answered; /* once */
} bidi;

static void run_batch(bidi *b, const grpc_op *ops, size_t count) {
    ck_assert_int_eq(grpc_call_start_batch(b->call, ops, count, b, NULL), GRPC_CALL_OK);
    grpc_event event =
        grpc_completion_queue_pluck(b->cq, b, qt_core_deadline_in_us(10000000), NULL);
    ck_assert_int_eq(event.type, GRPC_OP_COMPLETE);
}

static void bidi_open(bidi *b, const char *path) {
    memset(b, 0, sizeof *b);
    b->cq = grpc_completion_queue_create_for_pluck(NULL);
    b->call = grpc_channel_create_call(r.channel->channel, NULL, 0, b->cq,
                                       grpc_slice_from_static_string(path), NULL,
                                       qt_core_deadline_in_us(10000000), NULL);
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    run_batch(b, &op, 1);
}

static reflection_response *bidi_ask(bidi *b, const reflection_request *req, qt_arena *arena) {
    grpc_byte_buffer *answer = NULL;
    grpc_byte_buffer *body = qt_core_pack(&req->base);
    grpc_op ops[3];
    memset(ops, 0, sizeof ops);
    ops[0].op = GRPC_OP_SEND_MESSAGE;
    ops[0].data.send_message.send_message = body;
    ops[1].op = GRPC_OP_RECV_MESSAGE;
    ops[1].data.recv_message.recv_message = &answer;
    ops[2].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[2].data.recv_initial_metadata.recv_initial_metadata = &b->initial;
    run_batch(b, ops, b->answered ? 2 : 3);
    b->answered = true;
    grpc_byte_buffer_destroy(body);
    ck_assert_ptr_nonnull(answer);
    grpc_slice bytes = qt_core_read_buffer(answer);
    ProtobufCMessage *msg = NULL;
    qt_err err;
    ck_assert_ok(qt_rpc_unpack(&grpc__reflection__v1__server_reflection_response__descriptor,
                               GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes), arena, &msg,
                               &err));
    grpc_slice_unref(bytes);
    grpc_byte_buffer_destroy(answer);
    return (reflection_response *)msg;
}

static void bidi_close(bidi *b) {
    grpc_op ops[2];
    memset(ops, 0, sizeof ops);
    ops[0].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[1].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    ops[1].data.recv_status_on_client.trailing_metadata = &b->trailing;
    ops[1].data.recv_status_on_client.status = &b->status;
    ops[1].data.recv_status_on_client.status_details = &b->text;
    run_batch(b, ops, 2);
    ck_assert_int_eq(b->status, GRPC_STATUS_OK);
    grpc_slice_unref(b->text);
    grpc_metadata_array_destroy(&b->initial);
    grpc_metadata_array_destroy(&b->trailing);
    grpc_call_unref(b->call);
    grpc_completion_queue_shutdown(b->cq);
    ck_assert_int_eq(grpc_completion_queue_pluck(b->cq, NULL, qt_core_no_deadline(), NULL).type,
                     GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(b->cq);
}

static void check_services(const reflection_response *resp) {
    bool found = false;
    ck_assert_ptr_nonnull(resp->list_services_response);
    for (size_t i = 0; i < resp->list_services_response->n_service; i++) {
        found = found || strcmp(resp->list_services_response->service[i]->name,
                                "qtaskdist.v1.TaskService") == 0;
    }
    ck_assert(found);
}

static void check_reflection(const char *path) {
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    bidi b;
    bidi_open(&b, path);
    reflection_request req = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    char empty[] = "";
    req.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    req.list_services = empty;
    check_services(bidi_ask(&b, &req, &arena));

    char symbol[] = "qtaskdist.v1.TaskService.GetTask";
    req.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    req.file_containing_symbol = symbol;
    const reflection_response *resp = bidi_ask(&b, &req, &arena);
    ck_assert_uint_gt(resp->file_descriptor_response->n_file_descriptor_proto, 3);

    char missing[] = "no.Such";
    req.file_containing_symbol = missing;
    resp = bidi_ask(&b, &req, &arena);
    ck_assert_int_eq(resp->error_response->error_code, QT_NOT_FOUND);

    char file[] = "google/api/http.proto";
    req.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    req.file_by_filename = file;
    resp = bidi_ask(&b, &req, &arena);
    ck_assert_uint_eq(resp->file_descriptor_response->n_file_descriptor_proto, 1);

    char options[] = "google.protobuf.MethodOptions";
    req.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE;
    req.all_extension_numbers_of_type = options;
    resp = bidi_ask(&b, &req, &arena);
    ck_assert_uint_eq(resp->all_extension_numbers_response->n_extension_number, 1);
    ck_assert_int_eq(resp->all_extension_numbers_response->extension_number[0], 72295728);
    bidi_close(&b);
}

START_TEST(test_reflection) {
    check_reflection("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    check_reflection("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rpc_services");
    TCase *tcase = tcase_create("services");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_check);
    tcase_add_test(tcase, test_probe);
    tcase_add_test(tcase, test_watch);
    tcase_add_test(tcase, test_watch_ends_with_the_server);
    tcase_add_test(tcase, test_client_leaves_a_server_that_is_not_serving);
    tcase_add_test(tcase, test_reflection);
    suite_add_tcase(suite, tcase);
    return qt_test_run(suite);
}
