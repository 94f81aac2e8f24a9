#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static qt_arena arena;

static void set_up(void) {
    qt_arena_init(&arena, 0);
    start_all();
}

static void tear_down(void) {
    stop_all();
    qt_arena_done(&arena);
}

START_TEST(bell_pair) {
    qt_err err;
    Qtaskdist__V1__TaskPayload payload = payload_of(bell);
    payload.shots = 4096;
    payload.seed_oneof_case = QTASKDIST__V1__TASK_PAYLOAD__SEED_ONEOF_SEED;
    payload.seed = 11;
    Qtaskdist__V1__TaskResult *first = NULL;
    Qtaskdist__V1__TaskResult *second = NULL;
    ck_assert_ok(simulate(&payload, &arena, &first, &err));
    ck_assert_ok(simulate(&payload, &arena, &second, &err));
    ck_assert_uint_eq(first->n_measurements, 2);
    uint32_t zeros = count_of(first, "00");
    ck_assert_uint_eq(zeros + count_of(first, "11"), 4096);
    ck_assert_int_lt(abs((int)zeros - 2048), 5 * 32); /* 5 sigma */
    ck_assert_uint_eq(zeros, count_of(second, "00"));
    ck_assert_str_eq(first->status, "completed");
    ck_assert_str_eq(first->backend_name, "sim-svc");
    ck_assert_str_eq(first->method, "statevector");
    ck_assert_uint_eq(first->seed, 11);
    ck_assert_uint_eq(first->shots, 4096);
    ck_assert_uint_eq(first->num_qubits, 2);
    ck_assert_uint_eq(first->num_clbits, 2);
    ck_assert(first->seconds > 0);
    ck_assert_str_ne(first->job_id, "");
}
END_TEST

START_TEST(defaults_and_warnings) {
    qt_err err;
    Qtaskdist__V1__TaskResult *result = NULL;
    Qtaskdist__V1__TaskPayload payload =
        payload_of("OPENQASM 3.0;\nqubit q;\nbit a;\nbit[2] b;\ndelay[10ns] q;\na = measure q;\n");
    ck_assert_ok(simulate(&payload, &arena, &result, &err));
    ck_assert_uint_eq(result->shots, QT_DEFAULT_SHOTS);
    ck_assert_uint_eq(count_of(result, "00 0"), QT_DEFAULT_SHOTS);
    ck_assert_uint_eq(result->n_warnings, 1);
}
END_TEST

START_TEST(method_by_name) {
    qt_err err;
    Qtaskdist__V1__TaskResult *result = NULL;
    Qtaskdist__V1__TaskPayload payload = payload_of(bell);
    payload.simulator_id = (char *)(uintptr_t) "stabilizer";
    ck_assert_ok(simulate(&payload, &arena, &result, &err));
    ck_assert_str_eq(result->method, "stabilizer");
    payload.method = QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STATEVECTOR;
    ck_assert_int_eq(simulate(&payload, &arena, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "payload.method");
    payload.simulator_id = (char *)(uintptr_t) "qasm_simulator";
    ck_assert_ok(simulate(&payload, &arena, &result, &err));
    ck_assert_str_eq(result->method, "statevector");
}
END_TEST

static void assert_refused(const Qtaskdist__V1__TaskPayload *payload, qt_reason reason,
                           const char *field) {
    qt_err err;
    Qtaskdist__V1__TaskResult *result = NULL;
    ck_assert_int_ne(simulate(payload, &arena, &result, &err), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), qt_reason_name(reason));
    ck_assert_str_eq(err.field, field);
}

START_TEST(bad_payloads) {
    static const char text[] = "payload.circuit_data";
    Qtaskdist__V1__TaskPayload p = payload_of("");
    assert_refused(&p, QT_REASON_FIELD_REQUIRED, text);
    p = payload_of("OPENQASM 2.0;\nqreg q[2];\nfoo q;\n");
    assert_refused(&p, QT_REASON_CIRCUIT_SYNTAX, text);
    p = payload_of("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[40];\nt q;\nh q;\n");
    assert_refused(&p, QT_REASON_CIRCUIT_TOO_MANY_QUBITS, text);
    p = payload_of(bell);
    p.shots = MAX_SHOTS + 1;
    assert_refused(&p, QT_REASON_SHOTS_OUT_OF_RANGE, "payload.shots");
    p = payload_of(bell);
    p.simulator_id = (char *)(uintptr_t) "aer";
    assert_refused(&p, QT_REASON_FIELD_INVALID, "payload.simulator_id");
    p = payload_of("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[1];\nt q;\n");
    p.method = QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STABILIZER;
    assert_refused(&p, QT_REASON_METHOD_UNSUITABLE, text);
    char *large = qt_xmalloc(MAX_CIRCUIT_BYTES + 2);
    memset(large, ' ', MAX_CIRCUIT_BYTES + 1);
    large[MAX_CIRCUIT_BYTES + 1] = '\0';
    p = payload_of(large);
    assert_refused(&p, QT_REASON_CIRCUIT_TOO_LARGE, text);
    free(large);
}
END_TEST

START_TEST(circuit_types) {
    static const int refused[] = {QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_QISKIT,
                                  QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_CIRQ};
    qt_err err;
    Qtaskdist__V1__TaskResult *result = NULL;
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    for (size_t i = 0; i < QT_ARRAY_LEN(refused); i++) {
        p.circuit_type = (Qtaskdist__V1__CircuitType)refused[i];
        assert_refused(&p, QT_REASON_CIRCUIT_TYPE_UNSUPPORTED, "payload.circuit_type");
    }
    /* this core has no LLVM */
    p.circuit_type = QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_QIR;
    assert_refused(&p, QT_REASON_METHOD_UNIMPLEMENTED, "payload.circuit_type");
    p.circuit_type = (Qtaskdist__V1__CircuitType)99;
    assert_refused(&p, QT_REASON_FIELD_INVALID, "payload.circuit_type");
    p.circuit_type = QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_OPENQASM3;
    assert_refused(&p, QT_REASON_CIRCUIT_UNSUPPORTED, "payload.circuit_data"); /* it says 2.0 */
    p.circuit_type = QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_OPENQASM2;
    ck_assert_ok(simulate(&p, &arena, &result, &err));
}
END_TEST

/* IonQ's JSON and Braket's dialect run like OpenQASM; their errors have the place, too. */
START_TEST(other_circuit_types) {
    static const struct {
        int type;
        const char *good;
        const char *bad;
        const char *message;
    } cases[] = {
        {QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_IONQ,
         "{\"qubits\":2,\"circuit\":[{\"gate\":\"x\",\"target\":1}]}",
         "{\"qubits\":2,\"circuit\":[\n{\"gate\":\"x\",\"target\":2}]}",
         "2:22: circuit[0].target: 2 is no integer from 0 to 1"},
        {QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_BRAKET, "qubit[2] q;\nx q[1];",
         "qubit[2] q;\nsx q[1];", "2:1: the gate 'sx' is not declared"},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(cases); i++) {
        qt_err err;
        Qtaskdist__V1__TaskResult *result = NULL;
        Qtaskdist__V1__TaskPayload p = payload_of(cases[i].good);
        p.circuit_type = (Qtaskdist__V1__CircuitType)cases[i].type;
        ck_assert_ok(simulate(&p, &arena, &result, &err));
        ck_assert_uint_eq(result->n_measurements, 1);
        ck_assert_str_eq(result->measurements[0]->key, "10");
        p.circuit_data = (char *)(uintptr_t)cases[i].bad;
        ck_assert_int_eq(simulate(&p, &arena, &result, &err), QT_INVALID_ARGUMENT);
        ck_assert_str_eq(err.field, "payload.circuit_data");
        ck_assert_msg(strncmp(err.msg, cases[i].message, strlen(cases[i].message)) == 0, "%s",
                      err.msg);
    }
}
END_TEST

/* 2,000 different outcomes of 30 bits are more than 20,000 bytes. */
START_TEST(result_too_large) {
    Qtaskdist__V1__TaskPayload p =
        payload_of("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[30];\ncreg c[30];\nh q;\n"
                   "measure q -> c;\n");
    p.shots = 2000;
    assert_refused(&p, QT_REASON_RESULT_TOO_LARGE, "");
}
END_TEST

START_TEST(no_payload) {
    qt_err err;
    Qtaskdist__V1__TaskResult *result = NULL;
    ck_assert_int_eq(simulate(NULL, &arena, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "payload");
}
END_TEST

static bool memory_is_taken(void *arg) {
    (void)arg;
    pthread_mutex_lock(&core.jobs.memory.lock);
    bool taken = core.jobs.memory.free_bytes < core.jobs.memory.limit_bytes;
    pthread_mutex_unlock(&core.jobs.memory.lock);
    return taken;
}

static bool memory_is_free(void *arg) {
    return !memory_is_taken(arg);
}

static bool must_stop(void *self) {
    return atomic_load((atomic_bool *)self);
}

static void *run_endless(void *arg) {
    qt_err err;
    qt_arena mine;
    qt_arena_init(&mine, 0);
    qt_rpc_call call = {.timeout_ms = 60000, .cancelled = must_stop, .self = arg};
    Qtaskdist__V1__TaskPayload payload = payload_of(endless);
    Qtaskdist__V1__SimulateRequest req = QTASKDIST__V1__SIMULATE_REQUEST__INIT;
    Qtaskdist__V1__SimulateResponse *resp = NULL;
    payload.shots = MAX_SHOTS;
    req.payload = &payload;
    ck_assert_int_eq(qt_sim_service_simulate(channel, &call, &req, &mine, &resp, &err),
                     QT_CANCELLED);
    qt_arena_done(&mine);
    return NULL;
}

/* A client that goes away stops the work. */
START_TEST(cancel_stops_the_run) {
    atomic_bool stop = false;
    pthread_t thread;
    pthread_create(&thread, NULL, run_endless, &stop);
    ck_assert(qt_test_wait(memory_is_taken, NULL, 20000));
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ck_assert(qt_test_wait(memory_is_free, NULL, 20000));
}
END_TEST

START_TEST(deadline_stops_the_run) {
    qt_err err;
    qt_rpc_call call = {.timeout_ms = 300};
    Qtaskdist__V1__TaskPayload payload = payload_of(endless);
    Qtaskdist__V1__SimulateRequest req = QTASKDIST__V1__SIMULATE_REQUEST__INIT;
    Qtaskdist__V1__SimulateResponse *resp = NULL;
    payload.shots = MAX_SHOTS;
    req.payload = &payload;
    ck_assert_int_eq(qt_sim_service_simulate(channel, &call, &req, &arena, &resp, &err),
                     QT_DEADLINE_EXCEEDED);
    ck_assert(qt_test_wait(memory_is_free, NULL, 20000));
}
END_TEST

START_TEST(convert_to_qir) {
    qt_err err;
    Qtaskdist__V1__TaskResult *result = NULL;
    Qtaskdist__V1__TaskPayload payload = payload_of(bell);
    payload.entry_point = (char *)(uintptr_t) "bell";
    ck_assert_ok(convert(&payload, &arena, &result, &err));
    ck_assert_ptr_nonnull(strstr(result->text, "@bell("));
    ck_assert_ptr_nonnull(strstr(result->text, "%Qubit*"));
    ck_assert_int_eq((int)result->target, QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_QIR_1_0);
    ck_assert_int_eq((int)result->profile, QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_BASE);
    payload.target = QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_QIR_2_0;
    payload.profile = QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_ADAPTIVE;
    ck_assert_ok(convert(&payload, &arena, &result, &err));
    ck_assert_ptr_null(strstr(result->text, "%Qubit*"));
    ck_assert_int_eq((int)result->profile, QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_ADAPTIVE);
}
END_TEST

static void assert_not_converted(const Qtaskdist__V1__TaskPayload *payload, qt_reason reason,
                                 const char *field) {
    qt_err err;
    Qtaskdist__V1__TaskResult *result = NULL;
    ck_assert_int_ne(convert(payload, &arena, &result, &err), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), qt_reason_name(reason));
    ck_assert_str_eq(err.field, field);
}

START_TEST(convert_refusals) {
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    p.encoding = QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_BITCODE;
    assert_not_converted(&p, QT_REASON_METHOD_UNIMPLEMENTED, "payload.encoding");
    p = payload_of(bell);
    p.verify = true;
    assert_not_converted(&p, QT_REASON_METHOD_UNIMPLEMENTED, "payload.verify");
    p = payload_of(bell);
    p.target = (Qtaskdist__V1__ConvertTarget)99;
    assert_not_converted(&p, QT_REASON_FIELD_INVALID, "payload.target");
    p = payload_of(bell);
    p.entry_point = (char *)(uintptr_t) "llvm.x";
    assert_not_converted(&p, QT_REASON_FIELD_INVALID, "payload.entry_point");
    p = payload_of("OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit q;\nbit c;\nh q;\n"
                   "c = measure q;\nif (c) { x q; }\n");
    p.profile = QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_BASE;
    assert_not_converted(&p, QT_REASON_CIRCUIT_UNSUPPORTED, "payload.circuit_data");
    p.profile = 0;
    p.target = QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_IONQ;
    assert_not_converted(&p, QT_REASON_CIRCUIT_UNSUPPORTED, "payload.circuit_data");
}
END_TEST

static Qtaskdist__V1__AnalyzeResponse *analyze(const char *circuit) {
    qt_err err;
    qt_rpc_call call = {.timeout_ms = 20000, .wait_for_ready = true};
    Qtaskdist__V1__AnalyzeRequest req = QTASKDIST__V1__ANALYZE_REQUEST__INIT;
    Qtaskdist__V1__AnalyzeResponse *resp = NULL;
    req.circuit_data = (char *)(uintptr_t)circuit;
    ck_assert_ok(qt_sim_service_analyze(channel, &call, &req, &arena, &resp, &err));
    return resp;
}

START_TEST(analyze_describes) {
    Qtaskdist__V1__AnalyzeResponse *a = analyze(bell);
    ck_assert_uint_eq(a->num_qubits, 2);
    ck_assert_uint_eq(a->gate_count, 2);
    ck_assert_uint_eq(a->measurement_count, 2);
    ck_assert(a->clifford);
    ck_assert(!a->dynamic);
    ck_assert_uint_eq(a->n_gate_counts, 2);
    a = analyze(
        "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[3] q;\nbit c;\nccx q[0],q[1],q[2];\n"
        "t q[0];\nc = measure q[0];\nif (c) { x q[0]; }\n");
    ck_assert(!a->clifford);
    ck_assert(a->dynamic);
    bool found = false;
    for (size_t i = 0; i < a->n_gate_counts; i++) {
        found = found || strcmp(a->gate_counts[i]->key, "ccx") == 0;
    }
    ck_assert(found);
    /* too large to run, and described all the same */
    a = analyze("OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[40];\nt q;\nh q;\n");
    ck_assert_uint_eq(a->num_qubits, 40);
    ck_assert_uint_ge(a->memory_bytes, UINT64_C(16) << 40);
}
END_TEST

START_TEST(limits) {
    qt_err err;
    qt_rpc_call call = {.timeout_ms = 20000, .wait_for_ready = true};
    Qtaskdist__V1__GetLimitsRequest req = QTASKDIST__V1__GET_LIMITS_REQUEST__INIT;
    Qtaskdist__V1__GetLimitsResponse *resp = NULL;
    ck_assert_ok(qt_sim_service_get_limits(channel, &call, &req, &arena, &resp, &err));
    ck_assert_uint_eq(resp->max_shots, MAX_SHOTS);
    ck_assert_uint_eq(resp->max_memory_bytes, (uint64_t)MEMORY_MB << 20);
    ck_assert_uint_eq(resp->max_qubits_statevector, 24);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sim-svc");
    TCase *tc = tcase_create("calls");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, bell_pair);
    tcase_add_test(tc, defaults_and_warnings);
    tcase_add_test(tc, method_by_name);
    tcase_add_test(tc, bad_payloads);
    tcase_add_test(tc, circuit_types);
    tcase_add_test(tc, other_circuit_types);
    tcase_add_test(tc, result_too_large);
    tcase_add_test(tc, no_payload);
    tcase_add_test(tc, cancel_stops_the_run);
    tcase_add_test(tc, deadline_stops_the_run);
    tcase_add_test(tc, convert_to_qir);
    tcase_add_test(tc, convert_refusals);
    tcase_add_test(tc, analyze_describes);
    tcase_add_test(tc, limits);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, core_case());
    TCase *qir = qir_case();
    if (qir != NULL) {
        suite_add_tcase(suite, qir);
    }
    return qt_test_run(suite);
}
