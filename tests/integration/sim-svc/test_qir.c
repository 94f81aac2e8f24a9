/* QIR in calls, with the real helper process. */
#include "fixture.h"

#include "base/base64.h"

#ifndef QT_SIM_SVC_PROGRAM

TCase *qir_case(void) {
    return NULL;
}

#else

#include <pthread.h>

enum { THREADS = 6, ROUNDS = 16 };

#define QIR_1_0 QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_QIR_1_0
#define QIR_2_0 QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_QIR_2_0
#define OPENQASM2 QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_OPENQASM2
#define OPENQASM3 QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_OPENQASM3
#define TEXT QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_TEXT
#define BITCODE QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_BITCODE
#define QIR QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_QIR

static const char dynamic[] = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[2] q;\nbit[2] c;\n"
                              "h q[0];\nc[0] = measure q[0];\nif (c[0]) { x q[1]; }\n"
                              "c[1] = measure q[1];\n";

static qt_arena arena;
static qt_err err;

static void setup(void) {
    start_all();
    const qt_qir_helper_options options = {.program = QT_SIM_SVC_PROGRAM, .time_ms = 10000};
    ck_assert_ok(qt_qir_helper_new(&options, &core.jobs.qir, &err));
    qt_arena_init(&arena, 0);
}

static void teardown(void) {
    qt_arena_done(&arena);
    stop_all();
    qt_qir_helper_free(core.jobs.qir);
}

static char *text_of_bitcode(const Qtaskdist__V1__TaskResult *result) {
    qt_buf text = {0};
    qt_base64_encode(result->bitcode.data, result->bitcode.len, &text);
    return qt_buf_take(&text, &(size_t){0});
}

static const Qtaskdist__V1__TaskResult *must_convert(const Qtaskdist__V1__TaskPayload *payload) {
    Qtaskdist__V1__TaskResult *result = NULL;
    ck_assert_ok(convert(payload, &arena, &result, &err));
    return result;
}

static void check_converted(const Qtaskdist__V1__TaskResult *r, bool bitcode, const char *method) {
    ck_assert_int_eq(r->bitcode.len > 0, bitcode);
    ck_assert_int_eq(r->text[0] != '\0', !bitcode);
    ck_assert_int_eq((int)r->encoding, (int)(bitcode ? BITCODE : TEXT));
    ck_assert_ptr_nonnull(r->conversion);
    ck_assert_uint_eq(r->conversion->output_bytes, bitcode ? r->bitcode.len : strlen(r->text));
    ck_assert_uint_eq(r->conversion->num_qubits, 2);
    ck_assert_uint_eq(r->conversion->measure_calls, 2);
    ck_assert_ptr_nonnull(r->conversion->check);
    ck_assert(r->conversion->check->conforms);
    ck_assert_uint_eq(r->conversion->check->found, 0);
    ck_assert_int_eq((int)r->conversion->check->profile, (int)r->profile);
    ck_assert_ptr_nonnull(r->conversion->verification);
    ck_assert(r->conversion->verification->equivalent);
    ck_assert_str_eq(r->conversion->verification->method, method);
}

static uint32_t ones(const char *circuit, Qtaskdist__V1__CircuitType type) {
    Qtaskdist__V1__TaskPayload p = payload_of(circuit);
    Qtaskdist__V1__TaskResult *result = NULL;
    p.circuit_type = type;
    p.shots = 1000;
    p.seed_oneof_case = QTASKDIST__V1__TASK_PAYLOAD__SEED_ONEOF_SEED;
    p.seed = 7;
    ck_assert_ok(simulate(&p, &arena, &result, &err));
    ck_assert_uint_eq(count_of(result, "00") + count_of(result, "11"), 1000);
    return count_of(result, "11");
}

/* Both programs in all four forms, verified, and each runs like its source. */
START_TEST(converts_and_runs_all_forms) {
    const char *const programs[] = {bell, dynamic};
    const char *const methods[] = {"state", "distribution"};
    for (int i = 0; i < 8; i++) {
        const char *program = programs[i / 4];
        Qtaskdist__V1__TaskPayload p = payload_of(program);
        bool bitcode = i % 2 == 1;
        p.target = i / 2 % 2 == 0 ? QIR_1_0 : QIR_2_0;
        p.encoding = bitcode ? BITCODE : TEXT;
        p.verify = true;
        const Qtaskdist__V1__TaskResult *r = must_convert(&p);
        check_converted(r, bitcode, methods[i / 4]);
        QT_AUTO_FREE char *base64 = text_of_bitcode(r);
        ck_assert_uint_eq(ones(bitcode ? base64 : r->text, QIR),
                          ones(program, QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_QASM));
    }
}
END_TEST

START_TEST(options_change_the_output) {
    Qtaskdist__V1__TaskPayload p =
        payload_of("OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[2] q;\nsx q[0];\nbarrier q;\n"
                   "gphase(0.5);\ncy q[0], q[1];\n");
    const Qtaskdist__V1__TaskResult *r = must_convert(&p);
    const char *const words[] = {"__sx__", "__cy__", "__barrier__", "__gphase__"};
    for (size_t i = 0; i < QT_ARRAY_LEN(words); i++) {
        ck_assert_ptr_null(strstr(r->text, words[i]));
    }
    ck_assert_ptr_nonnull(strstr(r->text, "__quantum__rt__initialize"));
    p.gate_set = QTASKDIST__V1__QIR_GATE_SET__QIR_GATE_SET_FULL;
    p.barrier_calls = true;
    p.global_phase_calls = true;
    p.initialize_call_oneof_case =
        QTASKDIST__V1__TASK_PAYLOAD__INITIALIZE_CALL_ONEOF_INITIALIZE_CALL;
    p.initialize_call = false;
    r = must_convert(&p);
    for (size_t i = 0; i < QT_ARRAY_LEN(words); i++) {
        ck_assert_msg(strstr(r->text, words[i]) != NULL, "%s", words[i]);
    }
    ck_assert_ptr_null(strstr(r->text, "__quantum__rt__initialize"));
}
END_TEST

START_TEST(loops_can_be_kept) {
    Qtaskdist__V1__TaskPayload p =
        payload_of("OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[2] q;\nbit[2] c;\n"
                   "for int i in [0:9] { ry(0.1) q[0]; cx q[0], q[1]; }\nc = measure q;\n");
    p.verify = true;
    ck_assert_int_eq((int)must_convert(&p)->profile,
                     (int)QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_BASE);
    p.keep_loops = true;
    const Qtaskdist__V1__TaskResult *r = must_convert(&p);
    ck_assert_int_eq((int)r->profile, (int)QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_ADAPTIVE);
    bool looping = false;
    for (size_t i = 0; i < r->conversion->n_capabilities; i++) {
        looping = looping || strcmp(r->conversion->capabilities[i], "backwards_branching") == 0;
    }
    ck_assert(looping);
    ck_assert(r->conversion->check->conforms);
    ck_assert_uint_eq(r->conversion->gate_calls, 2);
}
END_TEST

START_TEST(reads_qir_into_other_formats) {
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    const Qtaskdist__V1__TaskResult *qir = must_convert(&p);
    p = payload_of(qir->text);
    p.circuit_type = QIR;
    p.verify = true;
    p.target = OPENQASM3;
    const Qtaskdist__V1__TaskResult *r = must_convert(&p);
    ck_assert_ptr_nonnull(strstr(r->text, "OPENQASM 3"));
    ck_assert_str_eq(r->conversion->verification->method, "state");
    ck_assert_ptr_null(r->conversion->check);
    p.target = OPENQASM2;
    r = must_convert(&p);
    ck_assert_ptr_nonnull(strstr(r->text, "OPENQASM 2"));
    p.target = QIR_2_0;
    check_converted(must_convert(&p), false, "state");
}
END_TEST

/* From and to the formats of the vendors, by way of QIR. */
START_TEST(converts_vendors_formats) {
    const Qtaskdist__V1__ConvertTarget targets[] = {
        QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_IONQ,
        QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_BRAKET};
    const Qtaskdist__V1__CircuitType types[] = {QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_IONQ,
                                                QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_BRAKET};
    for (size_t i = 0; i < QT_ARRAY_LEN(targets); i++) {
        Qtaskdist__V1__TaskPayload p = payload_of(bell);
        p.verify = true;
        p.target = targets[i];
        const Qtaskdist__V1__TaskResult *r = must_convert(&p);
        ck_assert_str_eq(r->conversion->verification->method, "state");
        p = payload_of(r->text);
        p.circuit_type = types[i];
        p.verify = true;
        r = must_convert(&p);
        ck_assert_ptr_nonnull(strstr(r->text, "__quantum__qis__cnot__body"));
        ck_assert(r->conversion->check->conforms);
    }
}
END_TEST

START_TEST(analyzes_qir) {
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    qt_rpc_call call = {.timeout_ms = 20000, .wait_for_ready = true};
    Qtaskdist__V1__AnalyzeRequest req = QTASKDIST__V1__ANALYZE_REQUEST__INIT;
    Qtaskdist__V1__AnalyzeResponse *resp = NULL;
    req.circuit_type = QIR;
    req.circuit_data = must_convert(&p)->text;
    ck_assert_ok(qt_sim_service_analyze(channel, &call, &req, &arena, &resp, &err));
    ck_assert_uint_eq(resp->num_qubits, 2);
    ck_assert_uint_eq(resp->gate_count, 2);
    Qtaskdist__V1__GetLimitsRequest limits = QTASKDIST__V1__GET_LIMITS_REQUEST__INIT;
    Qtaskdist__V1__GetLimitsResponse *answer = NULL;
    ck_assert_ok(qt_sim_service_get_limits(channel, &call, &limits, &arena, &answer, &err));
    ck_assert(answer->qir);
    ck_assert_uint_eq(answer->max_qubits_verify, 16);
}
END_TEST

/* A module that does not say how many qubits it needs, which its profile asks for. */
START_TEST(strict_reading_is_a_setting) {
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    char *text = must_convert(&p)->text;
    char *name = strstr(text, "required_num_qubits");
    ck_assert_ptr_nonnull(name);
    name[0] = 'R';
    p = payload_of(text);
    p.circuit_type = QIR;
    p.target = OPENQASM3;
    must_convert(&p);
    core.jobs.limits.qir_strict = true;
    Qtaskdist__V1__TaskResult *result = NULL;
    ck_assert_int_eq(convert(&p, &arena, &result, &err), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_UNSUPPORTED);
    name[0] = 'r';
    must_convert(&p);
}
END_TEST

/* An option asks for output that strict readers refuse. */
START_TEST(verification_is_never_strict) {
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    p.verify = true;
    p.initialize_call_oneof_case =
        QTASKDIST__V1__TASK_PAYLOAD__INITIALIZE_CALL_ONEOF_INITIALIZE_CALL;
    core.jobs.limits.qir_strict = true;
    const Qtaskdist__V1__TaskResult *r = must_convert(&p);
    ck_assert(!r->conversion->check->conforms);
    ck_assert(r->conversion->verification->equivalent);
}
END_TEST

static qt_code check(const char *text, Qtaskdist__V1__QirProfile profile, uint32_t max,
                     const Qtaskdist__V1__QirReport **ret_report) {
    qt_rpc_call call = {.timeout_ms = 20000, .wait_for_ready = true};
    Qtaskdist__V1__CheckQirRequest req = QTASKDIST__V1__CHECK_QIR_REQUEST__INIT;
    Qtaskdist__V1__CheckQirResponse *resp = NULL;
    req.circuit_data = (char *)(uintptr_t)text;
    req.profile = profile;
    req.max_violations = max;
    QT_TRY(qt_sim_service_check_qir(channel, &call, &req, &arena, &resp, &err));
    *ret_report = resp->report;
    return QT_OK;
}

START_TEST(lists_violations) {
    static const char bad[] = "define void @main() #0 {\n"
                              "start:\n"
                              "  call void @__quantum__qis__h__body(ptr null)\n"
                              "  ret void\n"
                              "}\n"
                              "declare void @__quantum__qis__h__body(ptr)\n"
                              "attributes #0 = { \"entry_point\" }\n";
    const Qtaskdist__V1__QirReport *r = NULL;
    const Qtaskdist__V1__QirProfile base = QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_BASE;
    ck_assert_ok(check(bad, 0, 0, &r));
    ck_assert_int_eq((int)r->profile, (int)base);
    ck_assert(!r->conforms);
    ck_assert_uint_eq(r->found, r->n_violations);
    bool seen = false;
    for (size_t i = 0; i < r->n_violations; i++) {
        const Qtaskdist__V1__QirViolation *v = r->violations[i];
        seen = seen || strcmp(v->rule, "entry-return-type") == 0;
        ck_assert_str_ne(v->section, "");
        ck_assert_str_ne(v->hint, "");
        ck_assert_str_ne(v->text, "");
    }
    ck_assert(seen);
    ck_assert_ok(check(bad, QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_ADAPTIVE, 2, &r));
    ck_assert_int_eq((int)r->profile, (int)QTASKDIST__V1__QIR_PROFILE__QIR_PROFILE_ADAPTIVE);
    ck_assert_uint_eq(r->n_violations, 2);
    ck_assert_uint_gt(r->found, 2);
}
END_TEST

START_TEST(refuses_bad_checks) {
    const Qtaskdist__V1__QirReport *r = NULL;
    ck_assert_int_eq(check("", 0, 0, &r), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "circuit_data");
    ck_assert_int_eq(check("OPENQASM 3;", 0, 0, &r), QT_INVALID_ARGUMENT);
    ck_assert_int_eq(err.reason, QT_REASON_CIRCUIT_SYNTAX);
    ck_assert_str_eq(err.field, "circuit_data");
    ck_assert_int_eq(check("define i64 @main(\n", 0, 0, &r), QT_INVALID_ARGUMENT);
    ck_assert_msg(strncmp(err.msg, "2:1: ", 5) == 0 || strstr(err.msg, "2:1: ") != NULL, "%s",
                  err.msg);
    ck_assert_int_eq(check("define", (Qtaskdist__V1__QirProfile)9, 0, &r), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "profile");
    ck_assert_int_eq(check("define", 0, 1001, &r), QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "max_violations");
}
END_TEST

static void assert_refused(const Qtaskdist__V1__TaskPayload *payload, qt_reason reason,
                           const char *field) {
    Qtaskdist__V1__TaskResult *result = NULL;
    ck_assert_int_ne(convert(payload, &arena, &result, &err), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), qt_reason_name(reason));
    ck_assert_str_eq(err.field, field);
}

START_TEST(refuses_bad_conversions) {
    Qtaskdist__V1__TaskPayload p =
        payload_of("OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[17] q;\nh q;\n");
    p.verify = true;
    assert_refused(&p, QT_REASON_VERIFY_LIMIT, "payload.verify");
    p = payload_of(bell);
    p.target = OPENQASM3;
    p.encoding = BITCODE;
    assert_refused(&p, QT_REASON_FIELD_NOT_ALLOWED, "payload.encoding");
    p = payload_of(bell);
    p.gate_set = (Qtaskdist__V1__QirGateSet)7;
    assert_refused(&p, QT_REASON_FIELD_INVALID, "payload.gate_set");
    p = payload_of("QkPA3g==");
    p.circuit_type = QIR;
    assert_refused(&p, QT_REASON_CIRCUIT_SYNTAX, "payload.circuit_data");
    p = payload_of("define i64 @main() #0 {\n  call void @f()\n  ret i64 0\n}\n"
                   "declare void @f()\nattributes #0 = { \"entry_point\" }\n");
    p.circuit_type = QIR;
    assert_refused(&p, QT_REASON_CIRCUIT_UNSUPPORTED, "payload.circuit_data");
    ck_assert_ptr_nonnull(strstr(err.msg, "main"));
}
END_TEST

typedef struct attack {
    const char *base64;
    unsigned seed, good;
} attack;

/* Changed bitcode and the good one by turns, through gRPC. */
static void *run_attack(void *arg) {
    attack *a = arg;
    qt_err mine;
    for (unsigned i = 0; i < ROUNDS; i++) {
        QT_AUTO_FREE char *text = strdup(a->base64);
        if (i % 2 == 1) {
            a->seed = a->seed * 1103515245 + 12345;
            text[290 + (a->seed >> 16) % 10] = "ABCxyz+/"[(a->seed >> 8) % 8];
        }
        Qtaskdist__V1__TaskPayload p = payload_of(text);
        Qtaskdist__V1__TaskResult *result = NULL;
        qt_arena own;
        qt_arena_init(&own, 0);
        p.circuit_type = QIR;
        qt_code code = simulate(&p, &own, &result, &mine);
        ck_assert_msg(code == QT_OK || code == QT_INVALID_ARGUMENT, "%s", mine.msg);
        a->good += i % 2 == 0 && code == QT_OK ? 1 : 0;
        qt_arena_done(&own);
    }
    return NULL;
}

START_TEST(hostile_bitcode_under_load) {
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    p.encoding = BITCODE;
    QT_AUTO_FREE char *base64 = text_of_bitcode(must_convert(&p));
    attack attacks[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        attacks[i] = (attack){.base64 = base64, .seed = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_attack, &attacks[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(attacks[i].good, ROUNDS / 2);
    }
}
END_TEST

START_TEST(each_failure) {
    Qtaskdist__V1__TaskPayload p = payload_of(bell);
    p.encoding = BITCODE;
    p.verify = true;
    must_convert(&p); /* the helper runs */
    QT_EACH_FAILURE(k) {
        Qtaskdist__V1__TaskResult *result = NULL;
        qt_arena own;
        qt_arena_init(&own, 0);
        qt_code code = qt_sim_core_convert(&core, &p, "job", &(qt_cancel){0}, &own, &result, &err);
        ck_assert_msg(code == QT_OK || code == QT_RESOURCE_EXHAUSTED, "%s: %s",
                      qt_reason_name(err.reason), err.msg);
        qt_arena_done(&own);
    }
}
END_TEST

TCase *qir_case(void) {
    TCase *tc = tcase_create("qir");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, converts_and_runs_all_forms);
    tcase_add_test(tc, options_change_the_output);
    tcase_add_test(tc, loops_can_be_kept);
    tcase_add_test(tc, reads_qir_into_other_formats);
    tcase_add_test(tc, converts_vendors_formats);
    tcase_add_test(tc, analyzes_qir);
    tcase_add_test(tc, strict_reading_is_a_setting);
    tcase_add_test(tc, verification_is_never_strict);
    tcase_add_test(tc, lists_violations);
    tcase_add_test(tc, refuses_bad_checks);
    tcase_add_test(tc, refuses_bad_conversions);
    tcase_add_test(tc, hostile_bitcode_under_load);
    tcase_add_test(tc, each_failure);
    return tc;
}

#endif
