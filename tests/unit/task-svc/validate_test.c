/* What users may send: each rule's reason and field. */
#include "base/cleanup.h"
#include "base/diagnostics.h"
#include "services/task-svc/circuit_check.h"
#include "services/task-svc/validate.h"
#include "testlib.h"

#include <math.h>
#include <string.h>

static const qt_config config = {
    .max_circuit_bytes = 1000, .max_shots = 5000, .check_circuits = true};

static char bell[] = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; creg c[2]; h q[0]; "
                     "cx q[0],q[1]; measure q -> c;";

static Qtaskdist__V1__TaskPayload payload;
static Qtaskdist__V1__CreateTaskRequest request;

static void reset(void) {
    qtaskdist__v1__task_payload__init(&payload);
    qtaskdist__v1__create_task_request__init(&request);
    payload.circuit_data = bell;
    request.payload = &payload;
    request.task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE;
}

static void expect(qt_reason reason, const char *field) {
    qt_err err = {0};
    qt_code code = qt_validate_create(&config, &request, &err);
    if (reason == QT_REASON_NONE) {
        ck_assert_msg(code == QT_OK, "%s: %s", err.field, err.msg);
        return;
    }
    ck_assert_int_eq(code, QT_INVALID_ARGUMENT);
    ck_assert_str_eq(qt_reason_name(err.reason), qt_reason_name(reason));
    ck_assert_str_eq(err.field, field);
}

START_TEST(payloads) {
    static char empty[] = "";
    static char big[1002];
    static char odd[] = "warp";
    reset();
    expect(QT_REASON_NONE, "");
    request.payload = NULL;
    expect(QT_REASON_FIELD_REQUIRED, "payload");
    reset();
    payload.circuit_data = empty;
    expect(QT_REASON_FIELD_REQUIRED, "payload.circuit_data");
    memset(big, 'x', sizeof big - 1);
    payload.circuit_data = big;
    expect(QT_REASON_CIRCUIT_TOO_LARGE, "payload.circuit_data");
    reset();
    payload.shots = 5001;
    expect(QT_REASON_SHOTS_OUT_OF_RANGE, "payload.shots");
    reset();
    payload.simulator_id = odd;
    expect(QT_REASON_FIELD_INVALID, "payload.simulator_id");
    reset();
    payload.backend_name = odd;
    expect(QT_REASON_FIELD_NOT_ALLOWED, "payload.backend_name");
    reset();
    payload.circuit_type = QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_QISKIT;
    expect(QT_REASON_CIRCUIT_TYPE_UNSUPPORTED, "payload.circuit_type");
    payload.circuit_type = (Qtaskdist__V1__CircuitType)77;
    expect(QT_REASON_FIELD_INVALID, "payload.circuit_type");
}
END_TEST

START_TEST(types) {
    static char odd[] = "not a name";
    reset();
    request.task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_UNSPECIFIED;
    expect(QT_REASON_FIELD_REQUIRED, "task_type");
    request.task_type = (Qtaskdist__V1__TaskType)9;
    expect(QT_REASON_FIELD_INVALID, "task_type");
    request.task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_BACKEND_RUN;
    expect(QT_REASON_FIELD_REQUIRED, "payload.backend_name");
    request.task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT;
    expect(QT_REASON_NONE, "");
    payload.entry_point = odd;
    expect(QT_REASON_FIELD_INVALID, "payload.entry_point");
    reset();
    request.task_type = QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT;
    payload.shots = 1;
    expect(QT_REASON_FIELD_NOT_ALLOWED, "payload.shots");
}
END_TEST

START_TEST(the_rest) {
    static char upper[] = "Lab";
    static char key[300];
    reset();
    request.project = upper;
    expect(QT_REASON_FIELD_INVALID, "project");
    reset();
    request.max_retries_oneof_case =
        QTASKDIST__V1__CREATE_TASK_REQUEST__MAX_RETRIES_ONEOF_MAX_RETRIES;
    request.max_retries = 101;
    expect(QT_REASON_FIELD_INVALID, "max_retries");
    reset();
    memset(key, 'k', sizeof key - 1);
    request.idempotency_key = key;
    expect(QT_REASON_FIELD_INVALID, "idempotency_key");
    reset();
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    time.nanos = -1;
    request.scheduled_for = &time;
    expect(QT_REASON_FIELD_INVALID, "scheduled_for");
}
END_TEST

START_TEST(meta_data) {
    Qtaskdist__V1__Scalar value = QTASKDIST__V1__SCALAR__INIT;
    Qtaskdist__V1__Task__MetaDataEntry entry = QTASKDIST__V1__TASK__META_DATA_ENTRY__INIT;
    Qtaskdist__V1__Task__MetaDataEntry *entries[] = {&entry};
    static char key[] = "k";
    qt_err err;
    entry.key = key;
    entry.value = &value;
    ck_assert_int_eq(qt_validate_meta(entries, 1, &err), QT_INVALID_ARGUMENT);
    value.kind_case = QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE;
    value.number_value = INFINITY;
    ck_assert_int_eq(qt_validate_meta(entries, 1, &err), QT_INVALID_ARGUMENT);
    value.number_value = 2;
    ck_assert_ok(qt_validate_meta(entries, 1, &err));
    ck_assert_int_eq(qt_validate_meta(entries, 65, &err), QT_INVALID_ARGUMENT);
}
END_TEST

START_TEST(circuits_are_measured_and_refused) {
    static char broken[] = "OPENQASM 2.0;\nqreg q[1];\nwarp q[0];\nU(0,0,0) q[1];\n";
    qt_circuit_facts facts;
    qt_err err;
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    reset();
    ck_assert_ok(qt_circuit_check(&config, request.task_type, &payload, 0, &arena, &facts, &err));
    ck_assert(facts.is_known);
    ck_assert_uint_eq(facts.num_qubits, 2);
    ck_assert_uint_eq(facts.gate_count, 2);
    ck_assert(facts.estimated_runtime > 0);
    payload.circuit_data = broken;
    ck_assert_int_eq(
        qt_circuit_check(&config, request.task_type, &payload, 0, &arena, &facts, &err),
        QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "payload.circuit_data");
    ck_assert_int_eq(strncmp(err.msg, "3:1: ", 5), 0);
    ck_assert_uint_eq(err.diagnostics->count, 2);
    ck_assert_uint_eq(err.diagnostics->items[1].line, 4);
    qt_config off = config;
    off.check_circuits = false;
    ck_assert_ok(qt_circuit_check(&off, request.task_type, &payload, 0, &arena, &facts, &err));
    ck_assert(!facts.is_known);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("task-svc validate");
    TCase *tc = tcase_create("validate");
    tcase_add_test(tc, payloads);
    tcase_add_test(tc, types);
    tcase_add_test(tc, the_rest);
    tcase_add_test(tc, meta_data);
    tcase_add_test(tc, circuits_are_measured_and_refused);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
