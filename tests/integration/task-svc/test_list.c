/* ListTasks: filters, pages, tokens. */
#include "fixture.h"

#include "base/clock.h"

enum { TASKS = 30, PAGE = 7 };

static char ids[TASKS][QT_UUID_TEXT_BYTES]; /* in order of creation */

static Qtaskdist__V1__ListTasksRequest no_filter(void) {
    Qtaskdist__V1__ListTasksRequest req = QTASKDIST__V1__LIST_TASKS_REQUEST__INIT;
    return req;
}

static qt_code try_list(const Qtaskdist__V1__ListTasksRequest *req,
                        Qtaskdist__V1__ListTasksResponse **ret_resp) {
    return qt_task_service_list_tasks(svc.channel, &call, req, &arena, ret_resp, &err);
}

static Qtaskdist__V1__ListTasksResponse *must_list(const Qtaskdist__V1__ListTasksRequest *req) {
    Qtaskdist__V1__ListTasksResponse *resp = NULL;
    ck_assert_ok(try_list(req, &resp));
    return resp;
}

/* Every third is a conversion, every fifth is cancelled, every other one of project "b", and each
 * has a label. */
static void make_tasks(void) {
    for (int i = 0; i < TASKS; i++) {
        Qtaskdist__V1__CreateTaskRequest req =
            create_request(i % 3 == 0 ? CONVERT : SIMULATE, false);
        Qtaskdist__V1__Scalar scalar = QTASKDIST__V1__SCALAR__INIT;
        Qtaskdist__V1__CreateTaskRequest__MetaDataEntry entry =
            QTASKDIST__V1__CREATE_TASK_REQUEST__META_DATA_ENTRY__INIT;
        Qtaskdist__V1__CreateTaskRequest__MetaDataEntry *entries[] = {&entry};
        entry.key = (char *)(uintptr_t) "mod4";
        entry.value = &scalar;
        scalar.kind_case = QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE;
        scalar.number_value = i % 4;
        req.meta_data = entries;
        req.n_meta_data = 1;
        req.project = (char *)(uintptr_t)(i % 2 == 0 ? "a" : "b");
        task_msg *task = must_create_with(&req);
        snprintf(ids[i], sizeof ids[i], "%s", task->task_id);
        if (i % 5 == 0) {
            ck_assert_ok(try_cancel(ids[i], &task));
        }
    }
}

static void start(void) {
    start_world();
    make_tasks();
}

START_TEST(newest_first_and_final_ones_too) {
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    Qtaskdist__V1__ListTasksResponse *resp = must_list(&req);
    ck_assert_uint_eq(resp->n_tasks, TASKS);
    ck_assert_str_eq(resp->next_page_token, "");
    for (size_t i = 0; i < TASKS; i++) {
        ck_assert_str_eq(resp->tasks[i]->task_id, ids[TASKS - 1 - i]);
        ck_assert_str_eq(resp->tasks[i]->payload->circuit_data, bell);
    }
}
END_TEST

/* ---- filters: each is compared with the rule by which the tasks were made ---- */

static bool is_convert(int i) {
    return i % 3 == 0;
}

static bool is_cancelled(int i) {
    return i % 5 == 0;
}

static bool is_of_b(int i) {
    return i % 2 == 1;
}

static bool is_label_2(int i) {
    return i % 4 == 2;
}

static bool is_label_2_convert(int i) {
    return i % 4 == 2 && i % 3 == 0;
}

static bool is_any(int i) {
    (void)i;
    return true;
}

static bool is_none(int i) {
    (void)i;
    return false;
}

static void check_list(const Qtaskdist__V1__ListTasksRequest *req, bool (*rule)(int)) {
    Qtaskdist__V1__ListTasksResponse *resp = must_list(req);
    size_t n = 0;
    for (int i = TASKS - 1; i >= 0; i--) {
        if (rule(i)) {
            ck_assert_uint_lt(n, resp->n_tasks);
            ck_assert_str_eq(resp->tasks[n++]->task_id, ids[i]);
        }
    }
    ck_assert_uint_eq(resp->n_tasks, n);
}

START_TEST(filters) {
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    Qtaskdist__V1__TaskType types[] = {(Qtaskdist__V1__TaskType)CONVERT};
    Qtaskdist__V1__TaskStatus statuses[] = {(Qtaskdist__V1__TaskStatus)CANCELLED,
                                            (Qtaskdist__V1__TaskStatus)FAILED};
    char *labels[] = {(char *)(uintptr_t) "mod4=2"};
    req.task_type = types;
    req.n_task_type = 1;
    check_list(&req, is_convert);
    req.label = labels;
    req.n_label = 1;
    check_list(&req, is_label_2_convert);
    req.n_task_type = 0;
    check_list(&req, is_label_2);
    req.n_label = 0;
    req.status = statuses;
    req.n_status = 2;
    check_list(&req, is_cancelled);
    req.n_status = 0;
    req.project = (char *)(uintptr_t) "b";
    check_list(&req, is_of_b);
    req.project = (char *)(uintptr_t) "nobody";
    check_list(&req, is_none);
}
END_TEST

START_TEST(times) {
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    Google__Protobuf__Timestamp future = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    future.seconds = qt_clock_wall_us(qt_clock_system()) / 1000000 + 86400;
    req.created_before = &future;
    check_list(&req, is_any);
    req.created_after = &future;
    check_list(&req, is_none);
    req.created_before = NULL;
    check_list(&req, is_none);
    /* exactly from one task on */
    task_msg *task = must_get(ids[TASKS / 2]);
    req.created_after = task->created_at;
    ck_assert_uint_eq(must_list(&req)->n_tasks, TASKS - TASKS / 2);
    req.created_after = NULL;
    req.created_before = task->created_at;
    ck_assert_uint_eq(must_list(&req)->n_tasks, TASKS / 2);
}
END_TEST

START_TEST(pages_show_each_task_once) {
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    int next = TASKS - 1;
    req.page_size = PAGE;
    do {
        Qtaskdist__V1__ListTasksResponse *resp = must_list(&req);
        ck_assert_uint_le(resp->n_tasks, PAGE);
        for (size_t i = 0; i < resp->n_tasks; i++) {
            ck_assert_str_eq(resp->tasks[i]->task_id, ids[next--]);
        }
        must_create(false); /* newer ones do not shift the pages */
        req.page_token = resp->next_page_token;
    } while (req.page_token[0] != '\0');
    ck_assert_int_eq(next, -1);
}
END_TEST

START_TEST(a_token_belongs_to_its_filters) {
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    Qtaskdist__V1__ListTasksResponse *resp = NULL;
    req.page_size = PAGE;
    req.page_token = must_list(&req)->next_page_token;
    req.page_size = PAGE + 1; /* may change */
    must_list(&req);
    req.project = (char *)(uintptr_t) "b";
    ck_assert_reason(try_list(&req, &resp), PAGE_TOKEN_INVALID);
    req.project = (char *)(uintptr_t) "";
    req.page_token = (char *)(uintptr_t) "nonsense";
    ck_assert_reason(try_list(&req, &resp), PAGE_TOKEN_INVALID);
}
END_TEST

START_TEST(large_fields_may_stay_away) {
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    req.omit_large_fields = 1;
    Qtaskdist__V1__ListTasksResponse *resp = must_list(&req);
    ck_assert_uint_eq(resp->n_tasks, TASKS);
    ck_assert_str_eq(resp->tasks[0]->payload->circuit_data, "");
}
END_TEST

static void small_messages(qt_config *config) {
    config->rpc_max_message_bytes = 65536; /* a page has half of it */
}

/* A page ends early rather than growing over the limit of a message. */
START_TEST(a_page_ends_at_its_size) {
    replica small;
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    qt_buf_add_str(&program, bell);
    while (program.len < 20000) {
        qt_buf_add_str(&program, "x q[0];\n");
    }
    for (int i = 0; i < 5; i++) {
        Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, false);
        req.payload->circuit_data = program.data;
        must_create_with(&req);
    }
    start_replica(&small, small_messages);
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    size_t seen = 0;
    do {
        Qtaskdist__V1__ListTasksResponse *resp = NULL;
        ck_assert_ok(qt_task_service_list_tasks(small.channel, &call, &req, &arena, &resp, &err));
        ck_assert_uint_gt(resp->n_tasks, 0);
        seen += resp->n_tasks;
        req.page_token = resp->next_page_token;
    } while (req.page_token[0] != '\0');
    ck_assert_uint_eq(seen, TASKS + 5);
    stop_replica(&small);
}
END_TEST

START_TEST(bad_filters) {
    Qtaskdist__V1__ListTasksRequest req = no_filter();
    Qtaskdist__V1__ListTasksResponse *resp = NULL;
    Qtaskdist__V1__TaskType types[] = {(Qtaskdist__V1__TaskType)77};
    Qtaskdist__V1__TaskStatus statuses[] = {(Qtaskdist__V1__TaskStatus)77};
    char *labels[] = {(char *)(uintptr_t) "no equals sign"};
    req.page_size = 1001;
    ck_assert_reason(try_list(&req, &resp), FIELD_INVALID);
    req = no_filter();
    req.task_type = types;
    req.n_task_type = 1;
    ck_assert_reason(try_list(&req, &resp), FIELD_INVALID);
    req = no_filter();
    req.status = statuses;
    req.n_status = 1;
    ck_assert_reason(try_list(&req, &resp), FIELD_INVALID);
    req = no_filter();
    req.label = labels;
    req.n_label = 1;
    ck_assert_reason(try_list(&req, &resp), FIELD_INVALID);
    req = no_filter();
    req.project = (char *)(uintptr_t) "Not A Project";
    ck_assert_reason(try_list(&req, &resp), FIELD_INVALID);
}
END_TEST

TCase *list_cases(void) {
    TCase *tc = tcase_create("list");
    tcase_add_checked_fixture(tc, start, stop_world);
    tcase_add_test(tc, newest_first_and_final_ones_too);
    tcase_add_test(tc, filters);
    tcase_add_test(tc, times);
    tcase_add_test(tc, pages_show_each_task_once);
    tcase_add_test(tc, a_token_belongs_to_its_filters);
    tcase_add_test(tc, large_fields_may_stay_away);
    tcase_add_test(tc, a_page_ends_at_its_size);
    tcase_add_test(tc, bad_filters);
    return tc;
}
