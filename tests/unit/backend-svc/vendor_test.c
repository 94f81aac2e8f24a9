/* What vendors answer, with all the forms in which they write the same. */
#include "base/cleanup.h"
#include "services/backend-svc/api.h"
#include "services/backend-svc/counts.h"
#include "services/backend-svc/devices.h"
#include "services/backend-svc/ionq_json.h"
#include "services/backend-svc/poller.h"
#include "services/backend-svc/qbraid_json.h"
#include "services/backend-svc/reports.h"
#include "testlib.h"

#include <string.h>

static qt_arena arena;
static qt_err err;

static void start(void) {
    qt_arena_init(&arena, 0);
}

static void stop(void) {
    qt_arena_done(&arena);
}

static const qt_json_node *parse(const char *text) {
    const qt_json_node *root = NULL;
    ck_assert_ok(qt_json_tree_parse(text, strlen(text), 32, "measurements", &arena, &root, &err));
    return root;
}

/* Two registers of one and two bits; bit 1 is measured from qubit 4. */
static qt_layout layout(void) {
    static const qt_layout_register registers[] = {{.size = 1}, {.size = 2}};
    static const uint32_t qubits[] = {0, 4, 2};
    return (qt_layout){
        .registers = registers, .register_count = 2, .bit_count = 3, .qubit_of_bit = qubits};
}

static uint32_t count_of(const Qtaskdist__V1__TaskResult *result, const char *key) {
    for (size_t i = 0; i < result->n_measurements; i++) {
        if (strcmp(result->measurements[i]->key, key) == 0) {
            return result->measurements[i]->value;
        }
    }
    return 0;
}

/* ---- counts ---- */

START_TEST(keys_come_in_many_forms) {
    static const char *const forms[] = {
        "{\"011\": 5, \"100\": 7}",   "{\"01 1\": 5.0, \"10 0\": 7}",
        "{\"0x3\": 5, \"0X4\": 7}",   "{\"11\": \"5\", \"100\": \"7.0\"}",
        "{\"00011\": 5, \"100\": 7}", "{\"0 1 1\": 2, \"11\": 3, \"100\": 7, \"111\": 0}",
    };
    const qt_layout l = layout();
    for (size_t i = 0; i < QT_ARRAY_LEN(forms); i++) {
        Qtaskdist__V1__TaskResult r = QTASKDIST__V1__TASK_RESULT__INIT;
        ck_assert_ok(qt_counts_of_bits(parse(forms[i]), &l, &arena, &r, &err));
        ck_assert_uint_eq(r.n_measurements, 2);
        ck_assert_uint_eq(count_of(&r, "01 1"), 5);
        ck_assert_uint_eq(count_of(&r, "10 0"), 7);
    }
}
END_TEST

START_TEST(counts_are_never_guessed) {
    static const char *const bad[] = {
        "{\"egr\": 5}",    "{\"1000\": 5}", "{\"011\": 5.5}", "{\"011\": -1}",    "{\"011\": null}",
        "{\"0xg\": 1}",    "{\"0x\": 1}",   "{\"0x8\": 1}",   "{\"011\": \"x\"}", "[]",
        "{\"011\": 1e10}", "{\"011\": {}}",
    };
    const qt_layout l = layout();
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        Qtaskdist__V1__TaskResult r = QTASKDIST__V1__TASK_RESULT__INIT;
        ck_assert_msg(qt_counts_of_bits(parse(bad[i]), &l, &arena, &r, &err) != QT_OK, "%s",
                      bad[i]);
        ck_assert_str_eq(qt_reason_name(err.reason), "PROVIDER_REPLY_INVALID");
    }
}
END_TEST

START_TEST(hidden_registers_are_summed_up) {
    const qt_layout_register registers[] = {{.size = 1}, {.size = 1, .is_hidden = true}};
    const uint32_t qubits[] = {0, 1};
    const qt_layout l = {
        .registers = registers, .register_count = 2, .bit_count = 2, .qubit_of_bit = qubits};
    Qtaskdist__V1__TaskResult r = QTASKDIST__V1__TASK_RESULT__INIT;
    ck_assert_ok(
        qt_counts_of_bits(parse("{\"01\": 3, \"11\": 4, \"10\": 1}"), &l, &arena, &r, &err));
    ck_assert_uint_eq(r.n_measurements, 2);
    ck_assert_uint_eq(count_of(&r, "1"), 7);
    ck_assert_uint_eq(count_of(&r, "0"), 1);
}
END_TEST

START_TEST(shots_are_dealt_out_whole) {
    const qt_layout l = layout();
    Qtaskdist__V1__TaskResult r = QTASKDIST__V1__TASK_RESULT__INIT;
    const char *thirds = "{\"000\": 0.333333, \"001\": 0.333333, \"010\": \"0.333334\"}";
    ck_assert_ok(qt_counts_of_probabilities(parse(thirds), &l, 100, &arena, &r, &err));
    ck_assert_uint_eq(count_of(&r, "00 0") + count_of(&r, "00 1") + count_of(&r, "01 0"), 100);
    ck_assert_uint_eq(count_of(&r, "01 0"), 34);
    ck_assert_int_ne(qt_counts_of_probabilities(parse("{\"0\": 0}"), &l, 100, &arena, &r, &err),
                     QT_OK);
    ck_assert_int_ne(qt_counts_of_probabilities(parse("{\"0\": 1.5}"), &l, 100, &arena, &r, &err),
                     QT_OK);
}
END_TEST

/* IonQ counts over qubits: 16 is qubit 4, which bit 1 was measured from. */
START_TEST(qubits_map_to_bits) {
    const qt_layout l = layout();
    Qtaskdist__V1__TaskResult r = QTASKDIST__V1__TASK_RESULT__INIT;
    const char *text = "{\"16\": 0.5, \"5\": 0.25, \"2\": 0.25}";
    ck_assert_ok(qt_counts_of_qubits(parse(text), &l, 8, &arena, &r, &err));
    ck_assert_uint_eq(count_of(&r, "01 0"), 4);
    ck_assert_uint_eq(count_of(&r, "10 1"), 2);
    ck_assert_uint_eq(count_of(&r, "00 0"), 2); /* qubit 1 is measured into nothing */
    const char *wide = "{\"340282366920938463463374607431768211457\": 1}"; /* 2^128 + 1 */
    ck_assert_ok(qt_counts_of_qubits(parse(wide), &l, 8, &arena, &r, &err));
    ck_assert_uint_eq(count_of(&r, "00 1"), 8);
    ck_assert_int_ne(qt_counts_of_qubits(parse("{\"0x1\": 1}"), &l, 8, &arena, &r, &err), QT_OK);
}
END_TEST

START_TEST(layouts_are_stored) {
    const qt_layout l = layout();
    qt_layout read;
    const char *text = NULL;
    const char *again = NULL;
    ck_assert_ok(qt_layout_format(&l, &arena, &text, &err));
    ck_assert_str_eq(text, "1,2;0,4,2");
    ck_assert_ok(qt_layout_parse(text, &arena, &read, &err));
    ck_assert_ok(qt_layout_format(&read, &arena, &again, &err));
    ck_assert_str_eq(again, text);
    ck_assert_ok(qt_layout_parse("2,-1;_,7,_", &arena, &read, &err));
    ck_assert(read.registers[1].is_hidden);
    ck_assert_uint_eq(read.qubit_of_bit[0], QT_NO_INDEX);
    ck_assert_ok(qt_layout_parse("", &arena, &read, &err));
    static const char *const bad[] = {
        "x", "1", "1;", "1;0,1", "1,;0", "--1;0", "1;-1", "99999999999;0", "1000000,1000000;0"};
    for (size_t i = 0; i < QT_ARRAY_LEN(bad); i++) {
        ck_assert_msg(qt_layout_parse(bad[i], &arena, &read, &err) != QT_OK, "%s", bad[i]);
    }
}
END_TEST

/* ---- qBraid ---- */

START_TEST(qbraid_jobs) {
    qt_job_report r;
    qt_qbraid_job(
        parse("{\"jobQrn\":\"a:b:sim:c-1-qjob-2\",\"status\":\"QUEUED\",\"cost\":\"0.375\","
              "\"queuePosition\":4,\"timeStamps\":null,\"vendor\":{\"provider\":\"AWS\"},"
              "\"tags\":{\"qtask\":\"T-1\"}}"),
        &r);
    ck_assert_str_eq(r.job_id, "a:b:sim:c-1-qjob-2");
    ck_assert_int_eq(r.phase, QT_PHASE_QUEUED);
    ck_assert(r.cost_known);
    ck_assert_double_eq(r.cost, 0.375);
    ck_assert_uint_eq(r.queue_position, 4);
    ck_assert_str_eq(r.message, "");
    qt_qbraid_job(
        parse("{\"jobQrn\":7,\"status\":null,\"cost\":null,\"statusMsg\":{\"message\":\"m\"}}"),
        &r);
    ck_assert_ptr_null(r.job_id);
    ck_assert_int_eq(r.phase, QT_PHASE_UNKNOWN);
    ck_assert(!r.cost_known);
    ck_assert_str_eq(r.message, "m");
    qt_qbraid_job(parse("[]"), &r);
    ck_assert_ptr_null(r.job_id);
    ck_assert(qt_qbraid_is_of_task(parse("{\"tags\":{\"qtask\":\"T-1\"}}"), "t-1"));
    ck_assert(!qt_qbraid_is_of_task(parse("{\"tags\":{\"qtask\":\"t-2\"}}"), "t-1"));
    ck_assert(!qt_qbraid_is_of_task(parse("{\"tags\":null}"), "t-1"));
}
END_TEST

START_TEST(every_state_has_a_phase) {
    static const struct {
        const char *status;
        qt_job_phase qbraid;
        qt_job_phase ionq;
    } rows[] = {
        {"INITIALIZING", QT_PHASE_QUEUED, QT_PHASE_UNKNOWN},
        {"VALIDATING", QT_PHASE_QUEUED, QT_PHASE_UNKNOWN},
        {"running", QT_PHASE_RUNNING, QT_PHASE_RUNNING},
        {"COMPLETED", QT_PHASE_COMPLETED, QT_PHASE_COMPLETED},
        {"FAILED", QT_PHASE_FAILED, QT_PHASE_FAILED},
        {"CANCELLING", QT_PHASE_CANCELLING, QT_PHASE_UNKNOWN},
        {"CANCELLED", QT_PHASE_CANCELLED, QT_PHASE_CANCELLED},
        {"canceled", QT_PHASE_CANCELLED, QT_PHASE_CANCELLED},
        {"HOLD", QT_PHASE_HELD, QT_PHASE_UNKNOWN},
        {"ready", QT_PHASE_UNKNOWN, QT_PHASE_QUEUED},
        {"started", QT_PHASE_UNKNOWN, QT_PHASE_RUNNING},
        {"UNKNOWN", QT_PHASE_UNKNOWN, QT_PHASE_UNKNOWN},
        {"TRANSPILING", QT_PHASE_UNKNOWN, QT_PHASE_UNKNOWN},
        {"", QT_PHASE_UNKNOWN, QT_PHASE_UNKNOWN},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(qt_qbraid_phase(rows[i].status), rows[i].qbraid);
        ck_assert_int_eq(qt_ionq_phase(rows[i].status), rows[i].ionq);
    }
}
END_TEST

START_TEST(qbraid_pages) {
    ck_assert(qt_qbraid_has_next(parse("{\"pagination\":{\"hasNext\":true}}"), 1, 10));
    ck_assert(
        !qt_qbraid_has_next(parse("{\"pagination\":{\"hasNext\":false,\"total\":99}}"), 1, 10));
    ck_assert(qt_qbraid_has_next(parse("{\"pagination\":{\"total\":11}}"), 1, 10));
    ck_assert(!qt_qbraid_has_next(parse("{\"pagination\":{\"total\":20}}"), 2, 10));
    ck_assert(qt_qbraid_has_next(parse("{\"pagination\":{\"total\":60,\"limit\":50}}"), 1, 100));
    ck_assert(qt_qbraid_has_next(parse("{\"data\":[1,2]}"), 1, 2));
    ck_assert(!qt_qbraid_has_next(parse("{\"data\":[1]}"), 1, 2));
}
END_TEST

START_TEST(qbraid_devices_and_costs) {
    Qtaskdist__V1__Device *d = NULL;
    double cost = 0;
    ck_assert_ok(qt_qbraid_device(
        parse("{\"qrn\":\"aws:iqm:qpu:garnet\",\"status\":\"ONLINE\",\"numberQubits\":20,"
              "\"runInputTypes\":[\"qasm3\",7,\"quil\"],\"queueDepth\":null,"
              "\"pricing\":{\"perTask\":\"30\",\"perShot\":0.145,\"perMinute\":0}}"),
        &arena, &d, &err));
    ck_assert_uint_eq(d->n_formats, 2);
    ck_assert_uint_eq(d->num_qubits, 20);
    ck_assert(!d->simulator);
    ck_assert(qt_device_cost(d, 1000, &cost));
    ck_assert_double_eq_tol(cost, 175, 1e-9);
    ck_assert_ok(
        qt_qbraid_device(parse("{\"qrn\":\"a:b:sim:c\",\"status\":\"SLEEPING\",\"pricing\":"
                               "{\"perTask\":0,\"perMinute\":7.5}}"),
                         &arena, &d, &err));
    ck_assert(d->simulator);
    ck_assert_int_eq(d->status, QTASKDIST__V1__DEVICE_STATUS__DEVICE_STATUS_OFFLINE);
    ck_assert(!qt_device_cost(d, 1000, &cost)); /* minutes are not known before */
    ck_assert_ok(
        qt_qbraid_device(parse("{\"qrn\":\"a:b:qpu:c\",\"pricing\":null}"), &arena, &d, &err));
    ck_assert(!qt_device_cost(d, 1, &cost));
    ck_assert_int_ne(qt_qbraid_device(parse("{}"), &arena, &d, &err), QT_OK);
}
END_TEST

START_TEST(qbraid_results) {
    const qt_layout l = layout();
    Qtaskdist__V1__TaskResult r = QTASKDIST__V1__TASK_RESULT__INIT;
    qt_job_report report = {0};
    const qt_json_node *data = NULL;
    ck_assert_ok(qt_qbraid_data(
        parse("{\"success\":true,\"data\":{\"cost\":\"1.5\",\"resultData\":{\"measurements\":[[0]],"
              "\"measurementCounts\":{\"111\":9}}}}"),
        &data, &err));
    ck_assert_ok(qt_qbraid_result(data, &l, 9, &arena, &r, &report, &err));
    ck_assert_uint_eq(count_of(&r, "11 1"), 9);
    ck_assert_double_eq(report.cost, 1.5);
    ck_assert_int_ne(
        qt_qbraid_result(parse("{\"resultData\":{}}"), &l, 9, &arena, &r, &report, &err), QT_OK);
    ck_assert_int_ne(qt_qbraid_data(parse("{\"success\":false,\"data\":{}}"), &data, &err), QT_OK);
    ck_assert_int_ne(qt_qbraid_data(parse("{\"success\":true,\"data\":null}"), &data, &err), QT_OK);
}
END_TEST

START_TEST(errors_in_the_providers_words) {
    static const struct {
        const char *reply;
        const char *words;
    } rows[] = {
        {"{\"detail\":\"no such job\"}", "no such job"},
        {"{\"detail\":[{\"loc\":[\"body\",\"shots\"],\"msg\":\"too few\"}]}", "shots: too few"},
        {"{\"message\":\"m\"}", "m"},
        {"{\"error\":\"e\"}", "e"},
        {"{\"error\":{\"message\":\"em\"}}", "em"},
        {"{\"success\":false,\"data\":{\"message\":\"dm\"}}", "dm"},
        {"{\"detail\":\"two\\nlines\"}", "two lines"},
        {"{\"detail\":7}", ""},
        {"[]", ""},
    };
    char words[40];
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        qt_api_words(parse(rows[i].reply), words, sizeof words);
        ck_assert_str_eq(words, rows[i].words);
    }
}
END_TEST

START_TEST(a_failed_submit_is_judged) {
    qt_api_reply reply = {.status = 500, .is_doubtful = true};
    (void)!qt_fail(&err, PROVIDER_UNAVAILABLE, "x");
    ck_assert_int_eq(qt_api_outcome(&reply, &err), QT_SUBMIT_DOUBTFUL);
    reply.is_doubtful = false;
    ck_assert_int_eq(qt_api_outcome(&reply, &err), QT_SUBMIT_NOT_ACCEPTED);
    (void)!qt_fail(&err, QUOTA_EXHAUSTED, "x");
    ck_assert_int_eq(qt_api_outcome(&reply, &err), QT_SUBMIT_NOT_ACCEPTED);
    (void)!qt_fail(&err, PROVIDER_REFUSED, "x");
    ck_assert_int_eq(qt_api_outcome(&reply, &err), QT_SUBMIT_REJECTED);
}
END_TEST

/* ---- polling ---- */

START_TEST(reports_are_found_once) {
    qt_job_report reports[] = {{.job_id = "b"}, {.job_id = "a"}, {.job_id = "c"}};
    const qt_job_report news[] = {{.job_id = "c", .phase = QT_PHASE_RUNNING},
                                  {.job_id = "x"},
                                  {.job_id = NULL},
                                  {.job_id = "c", .phase = QT_PHASE_QUEUED},
                                  {.job_id = "a"}};
    qt_report_index index;
    ck_assert_ok(qt_report_index_make(reports, 3, &arena, &index, &err));
    for (size_t i = 0; i < QT_ARRAY_LEN(news); i++) {
        qt_report_index_put(&index, &news[i]);
    }
    ck_assert_uint_eq(index.missing, 1);
    ck_assert(!reports[0].is_found);
    ck_assert_int_eq(reports[2].phase, QT_PHASE_RUNNING);
}
END_TEST

START_TEST(polls_keep_to_their_share) {
    const qt_poller_options o = {.min_ms = 1000, .max_ms = 30000, .flow_per_second = 0.5};
    ck_assert_int_eq(qt_poller_interval_ms(&o, 0, 0), 1000);
    ck_assert_int_eq(qt_poller_interval_ms(&o, 40000, 1), 10000);
    ck_assert_int_eq(qt_poller_interval_ms(&o, 99999999, 1), 30000);
    ck_assert_int_eq(qt_poller_interval_ms(&o, 0, 1), 2000);
    ck_assert_int_eq(qt_poller_interval_ms(&o, 0, 50), 100000); /* 5,000 jobs in pages of 100 */
}
END_TEST

/* No window may see more than the quota: what is there at once, and what flows in meanwhile. */
START_TEST(quotas_fit_their_window) {
    qt_rpc_channel *some = (qt_rpc_channel *)(uintptr_t)16;
    for (int64_t requests = 2; requests <= 1000; requests += 7) {
        const qt_quota q = qt_quota_make(some, "p", requests, 900000, 10, 20);
        ck_assert_double_le(q.capacity + q.refill_per_second * 900, (double)requests + 1e-6);
        ck_assert_int_lt(q.reserve, q.capacity);
    }
    ck_assert_ptr_null(qt_quota_make(some, "p", 0, 900000, 10, 20).queue);
}
END_TEST

START_TEST(allocations_may_fail) {
    const qt_layout l = layout();
    static const char text[] = "{\"resultData\":{\"measurementCounts\":{\"01 1\":5,\"100\":7}}}";
    QT_EACH_FAILURE(k) {
        qt_arena own;
        Qtaskdist__V1__TaskResult r = QTASKDIST__V1__TASK_RESULT__INIT;
        qt_job_report report = {0};
        const qt_json_node *root = NULL;
        qt_arena_init(&own, 0);
        if (qt_json_tree_parse(text, sizeof text - 1, 32, NULL, &own, &root, &err) == QT_OK) {
            qt_code code = qt_qbraid_result(root, &l, 12, &own, &r, &report, &err);
            ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
        } else {
            ck_assert_int_eq(err.code, QT_RESOURCE_EXHAUSTED);
        }
        qt_arena_done(&own);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("backend-vendor");
    TCase *tc = tcase_create("vendor");
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, keys_come_in_many_forms);
    tcase_add_test(tc, counts_are_never_guessed);
    tcase_add_test(tc, hidden_registers_are_summed_up);
    tcase_add_test(tc, shots_are_dealt_out_whole);
    tcase_add_test(tc, qubits_map_to_bits);
    tcase_add_test(tc, layouts_are_stored);
    tcase_add_test(tc, qbraid_jobs);
    tcase_add_test(tc, every_state_has_a_phase);
    tcase_add_test(tc, qbraid_pages);
    tcase_add_test(tc, qbraid_devices_and_costs);
    tcase_add_test(tc, qbraid_results);
    tcase_add_test(tc, errors_in_the_providers_words);
    tcase_add_test(tc, a_failed_submit_is_judged);
    tcase_add_test(tc, reports_are_found_once);
    tcase_add_test(tc, polls_keep_to_their_share);
    tcase_add_test(tc, quotas_fit_their_window);
    tcase_add_test(tc, allocations_may_fail);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
