/* TaskWorkerService: claims, fences, outcomes, heartbeats, leases. */
#include "fixture.h"

enum { RETRYABLE = 1, PERMANENT = 2, THROTTLED = 3, DRAINED = 4, SNOOZE = 5, STOPPED = 6 };

static const Qtaskdist__V1__ClaimedTask *running(const char *worker) {
    return must_claim(worker, must_create(true)->task_id);
}

START_TEST(a_claimed_task_completes) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    ck_assert_str_eq(t->payload->circuit_data, bell);
    ck_assert_int_eq(t->task_type, SIMULATE);
    ck_assert_int_eq(t->attempt, 1);
    task_msg *task = must_get(t->task_id);
    ck_assert_int_eq(task->status, PROCESSING);
    ck_assert_ptr_nonnull(task->started_at);
    ck_assert_str_eq(report_result("w", t->task_id, t->attempt, t->fence, 0), "");
    task = must_get(t->task_id);
    ck_assert_int_eq(task->status, COMPLETED);
    ck_assert_int_eq(task->progress, 100);
    ck_assert_str_eq(task->result->measurements[0]->key, "00");
    ck_assert_uint_eq(task->result->measurements[0]->value, 1024);
    /* the answer was lost: the same again */
    ck_assert_str_eq(report_result("w", t->task_id, t->attempt, t->fence, 0), "");
    ck_assert_int_eq(must_get(t->task_id)->version, task->version);
}
END_TEST

START_TEST(one_worker_gets_it) {
    const char *id = must_create(true)->task_id;
    fake_entry entry = fake_queue_take_task(&queue, id);
    Qtaskdist__V1__ClaimedTask *first = claim("one", &entry);
    Qtaskdist__V1__ClaimedTask *again = claim("one", &entry);
    Qtaskdist__V1__ClaimedTask *other = claim("two", &entry);
    ck_assert(first->claimed);
    ck_assert(again->claimed);
    ck_assert_int_eq(again->fence, first->fence);
    ck_assert(!other->claimed);
    ck_assert_str_eq(other->reason, "ALREADY_TAKEN");
    entry.dispatch_seq++;
    ck_assert(!claim("one", &entry)->claimed);
}
END_TEST

START_TEST(a_wrong_fence_is_refused) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    const char *id = t->task_id;
    ck_assert_str_eq(report_result("w", id, t->attempt, t->fence + 1, 0), "FENCED");
    ck_assert_str_eq(report_result("w", id, t->attempt + 1, t->fence, 0), "FENCED");
    ck_assert_str_eq(report_result("w", id, 0, 0, 1), "ALREADY_TAKEN");
    ck_assert_int_eq(must_get(id)->status, PROCESSING);
    ck_assert_str_eq(report_result("w", id, t->attempt, t->fence, 0), "");
    ck_assert_str_eq(report_result("w", id, t->attempt, t->fence + 1, 0), "FENCED");
}
END_TEST

START_TEST(a_short_task_needs_no_claim) {
    const char *id = must_create(true)->task_id;
    fake_entry entry = fake_queue_take_task(&queue, id);
    ck_assert_str_eq(report_result("w", id, 0, 0, entry.dispatch_seq), "");
    ck_assert_str_eq(report_result("w", id, 0, 0, entry.dispatch_seq), ""); /* repeat */
    ck_assert_str_eq(report_result("v", id, 0, 0, entry.dispatch_seq), "TASK_FINAL");
    task_msg *task = must_get(id);
    ck_assert_int_eq(task->status, COMPLETED);
    ck_assert_int_eq(task->attempt, 1);
    ck_assert_uint_eq(must_list_events(id)->n_events, 3);
}
END_TEST

START_TEST(retries_run_out) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
    req.max_retries_oneof_case = QTASKDIST__V1__CREATE_TASK_REQUEST__MAX_RETRIES_ONEOF_MAX_RETRIES;
    req.max_retries = 1;
    const char *id = must_create_with(&req)->task_id;
    Qtaskdist__V1__ClaimedTask *t = must_claim("w", id);
    ck_assert_str_eq(report_failure("w", id, 1, t->fence, RETRYABLE, "IO_ERROR"), "");
    task_msg *task = must_get(id);
    ck_assert_int_eq(task->status, QUEUED);
    ck_assert_int_eq(task->retry_count, 1);
    ck_assert_str_eq(task->error_reason, "IO_ERROR");
    ck_assert_str_eq(task->error, "it did not work");
    int64_t old_fence = t->fence;
    t = must_claim("w", id);
    ck_assert_int_eq(t->attempt, 2);
    ck_assert_int_gt(t->fence, old_fence);
    ck_assert_str_eq(report_failure("w", id, 2, t->fence, RETRYABLE, "IO_ERROR"), "");
    ck_assert_int_eq(must_get(id)->status, FAILED);
}
END_TEST

START_TEST(a_permanent_failure_ends_it) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    ck_assert_str_eq(report_failure("w", t->task_id, 1, t->fence, PERMANENT, "STEP_LIMIT"), "");
    task_msg *task = must_get(t->task_id);
    ck_assert_int_eq(task->status, FAILED);
    ck_assert_str_eq(task->error_reason, "STEP_LIMIT");
    ck_assert_ptr_nonnull(task->finished_at);
    ck_assert_int_eq(task->retry_count, 0);
}
END_TEST

static const int classes_that_do_not_count[] = {THROTTLED, DRAINED, SNOOZE};

START_TEST(some_failures_do_not_count) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    int failure_class = classes_that_do_not_count[_i];
    ck_assert_str_eq(report_failure("w", t->task_id, 1, t->fence, failure_class, ""), "");
    ck_assert_int_eq(must_get(t->task_id)->status, QUEUED);
    ck_assert_int_eq(must_get(t->task_id)->retry_count, 0);
    t = must_claim("v", t->task_id);
    ck_assert_str_eq(report_result("v", t->task_id, t->attempt, t->fence, 0), "");
}
END_TEST

START_TEST(a_heartbeat_tells_of_a_cancel) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    task_msg *task = NULL;
    ck_assert_uint_eq(must_heartbeat("w", t, 0)->n_cancel_task_ids, 0);
    ck_assert_ok(try_cancel(t->task_id, &task));
    ck_assert_int_eq(task->status, CANCELLING);
    Qtaskdist__V1__HeartbeatResponse *resp = must_heartbeat("w", t, 0);
    ck_assert_uint_eq(resp->n_cancel_task_ids, 1);
    ck_assert_str_eq(resp->cancel_task_ids[0], t->task_id);
    ck_assert_uint_eq(resp->n_fenced_task_ids, 0);
    ck_assert_str_eq(report_failure("w", t->task_id, 1, t->fence, STOPPED, "CANCELLED_BY_USER"),
                     "");
    ck_assert_int_eq(must_get(t->task_id)->status, CANCELLED);
}
END_TEST

START_TEST(a_result_may_be_faster_than_a_cancel) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    task_msg *task = NULL;
    ck_assert_ok(try_cancel(t->task_id, &task));
    ck_assert_str_eq(report_result("w", t->task_id, t->attempt, t->fence, 0), "");
    ck_assert_int_eq(must_get(t->task_id)->status, COMPLETED);
}
END_TEST

static bool has_progress(void *arg) {
    return must_get(arg)->progress == 40;
}

START_TEST(a_heartbeat_carries_progress) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    must_heartbeat("w", t, 40);
    ck_assert(qt_test_wait(has_progress, t->task_id, 10000));
}
END_TEST

START_TEST(a_heartbeat_tells_of_lost_tasks) {
    Qtaskdist__V1__ClaimedTask t = *running("w");
    t.fence++;
    Qtaskdist__V1__HeartbeatResponse *resp = must_heartbeat("w", &t, 0);
    ck_assert_uint_eq(resp->n_fenced_task_ids, 1);
    ck_assert_str_eq(resp->fenced_task_ids[0], t.task_id);
}
END_TEST

START_TEST(a_silent_worker_loses_its_task) {
    const Qtaskdist__V1__ClaimedTask *lost = running("silent");
    const Qtaskdist__V1__ClaimedTask *t = must_claim("other", lost->task_id);
    ck_assert_int_eq(t->attempt, 2);
    ck_assert_int_gt(t->fence, lost->fence);
    ck_assert_str_eq(report_result("silent", t->task_id, lost->attempt, lost->fence, 0), "FENCED");
    ck_assert_str_eq(report_result("other", t->task_id, t->attempt, t->fence, 0), "");
    Qtaskdist__V1__ListTaskEventsResponse *events = must_list_events(t->task_id);
    ck_assert_str_eq(events->events[2]->reason, "LEASE_EXPIRED");
    ck_assert_int_eq(must_get(t->task_id)->retry_count, 0);
}
END_TEST

static bool beat(void *arg) {
    must_heartbeat("w", arg, 0);
    return false;
}

START_TEST(a_heartbeat_keeps_the_task) {
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    (void)qt_test_wait(beat, (void *)(uintptr_t)t, SHORT_LEASE_MS * 3);
    ck_assert_int_eq(must_get(t->task_id)->attempt, 1);
    ck_assert_str_eq(report_result("w", t->task_id, t->attempt, t->fence, 0), "");
}
END_TEST

START_TEST(a_task_that_kills_is_given_up) {
    const char *id = must_create(true)->task_id;
    for (int i = 0; i < 3; i++) {
        must_claim("dies", id);
    }
    task_msg *task = await_status(id, FAILED);
    ck_assert_str_eq(task->error_reason, "POISONED");
    ck_assert_int_eq(task->attempt, 3);
}
END_TEST

static void orphans_soon(qt_config *config) {
    config->orphan_ms = 1000;
}

/* The answer to the claim never came: the worker does not know that it holds the task. */
START_TEST(a_task_nobody_knows_of_is_given_away) {
    replica impatient;
    start_replica(&impatient, orphans_soon);
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    Qtaskdist__V1__HeartbeatRequest req = QTASKDIST__V1__HEARTBEAT_REQUEST__INIT;
    Qtaskdist__V1__HeartbeatResponse *resp = NULL;
    req.worker_id = (char *)(uintptr_t) "w";
    while (has_status(t->task_id, PROCESSING)) { /* its lease goes on */
        ck_assert_ok(
            qt_task_worker_service_heartbeat(impatient.channel, &call, &req, &arena, &resp, &err));
    }
    ck_assert_int_eq(must_claim("v", t->task_id)->attempt, 2);
    ck_assert_str_eq(must_list_events(t->task_id)->events[2]->reason, "GIVE_BACK");
    stop_replica(&impatient);
}
END_TEST

static void small_messages(qt_config *config) {
    config->rpc_max_message_bytes = 65536;
}

/* A Bell pair behind a comment that makes the program `bytes` long. */
static char *long_program(size_t bytes) {
    char *text = qt_arena_alloc(&arena, bytes + strlen(bell) + sizeof "\n//\n");
    const char *rest = strchr(bell, ';') + 1;
    int head = (int)(rest - bell);
    sprintf(text, "%.*s\n//", head, bell);
    size_t at = strlen(text);
    memset(text + at, '-', bytes);
    sprintf(text + at + bytes, "\n%s", rest);
    return text;
}

/* Many large payloads do not fit into one reply: the first comes, the others by further claims. */
START_TEST(large_payloads_are_claimed_in_turn) {
    enum { COUNT = 5, BYTES = 20000 };
    replica small;
    start_replica(&small, small_messages);
    Qtaskdist__V1__ClaimTasksRequest req = QTASKDIST__V1__CLAIM_TASKS_REQUEST__INIT;
    Qtaskdist__V1__ClaimTasksItem list[COUNT];
    Qtaskdist__V1__ClaimTasksItem *items[COUNT];
    int64_t fences[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        Qtaskdist__V1__CreateTaskRequest create = create_request(SIMULATE, true);
        create.payload->circuit_data = long_program(BYTES);
        const fake_entry entry = fake_queue_take_task(&queue, must_create_with(&create)->task_id);
        qtaskdist__v1__claim_tasks_item__init(&list[i]);
        list[i].task_id = qt_arena_strdup(&arena, entry.id);
        list[i].dispatch_seq = entry.dispatch_seq;
        items[i] = &list[i];
    }
    req.worker_id = (char *)(uintptr_t) "w";
    for (size_t left = COUNT; left > 0; left--) {
        Qtaskdist__V1__ClaimTasksResponse *resp = NULL;
        req.items = items + COUNT - left;
        req.n_items = left;
        ck_assert_ok(
            qt_task_worker_service_claim_tasks(small.channel, &call, &req, &arena, &resp, &err));
        for (size_t i = 0; i < left; i++) {
            int64_t *fence = &fences[COUNT - left + i];
            ck_assert(resp->tasks[i]->claimed);
            ck_assert(*fence == 0 || *fence == resp->tasks[i]->fence);
            *fence = resp->tasks[i]->fence;
            ck_assert((resp->tasks[i]->payload != NULL) == (i == 0));
        }
        ck_assert_uint_gt(strlen(resp->tasks[0]->payload->circuit_data), BYTES);
    }
    stop_replica(&small);
}
END_TEST

START_TEST(bad_calls_are_refused) {
    Qtaskdist__V1__ClaimTasksRequest req = QTASKDIST__V1__CLAIM_TASKS_REQUEST__INIT;
    Qtaskdist__V1__ClaimTasksResponse *resp = NULL;
    ck_assert_reason(
        qt_task_worker_service_claim_tasks(svc.channel, &call, &req, &arena, &resp, &err),
        FIELD_REQUIRED);
    ck_assert_str_eq(err.field, "worker_id");
    Qtaskdist__V1__ClaimTasksItem item = QTASKDIST__V1__CLAIM_TASKS_ITEM__INIT;
    Qtaskdist__V1__ClaimTasksItem *items[] = {&item};
    item.task_id = (char *)(uintptr_t) "x";
    req.worker_id = (char *)(uintptr_t) "w";
    req.items = items;
    req.n_items = 1;
    ck_assert_reason(
        qt_task_worker_service_claim_tasks(svc.channel, &call, &req, &arena, &resp, &err),
        ID_INVALID);
    ck_assert_str_eq(err.field, "items[0].task_id");
    req.n_items = 0;
    ck_assert_ok(qt_task_worker_service_claim_tasks(svc.channel, &call, &req, &arena, &resp, &err));
}
END_TEST

static void small_results(qt_config *config) {
    config->max_result_bytes = 1024;
}

/* A result that is one text, through any replica. */
static const char *complete_text(qt_rpc_channel *channel, const char *worker,
                                 const Qtaskdist__V1__ClaimedTask *t, char *text) {
    Qtaskdist__V1__CompleteTasksRequest req = QTASKDIST__V1__COMPLETE_TASKS_REQUEST__INIT;
    Qtaskdist__V1__CompleteTasksItem item = QTASKDIST__V1__COMPLETE_TASKS_ITEM__INIT;
    Qtaskdist__V1__CompleteTasksItem *items[] = {&item};
    Qtaskdist__V1__TaskResult result = QTASKDIST__V1__TASK_RESULT__INIT;
    Qtaskdist__V1__CompleteTasksResponse *resp = NULL;
    result.text = text;
    item.task_id = t->task_id;
    item.attempt = t->attempt;
    item.fence = t->fence;
    item.outcome_case = QTASKDIST__V1__COMPLETE_TASKS_ITEM__OUTCOME_RESULT;
    item.result = &result;
    req.worker_id = (char *)(uintptr_t)worker;
    req.items = items;
    req.n_items = 1;
    ck_assert_ok(qt_task_worker_service_complete_tasks(channel, &call, &req, &arena, &resp, &err));
    return resp->results[0]->reason;
}

START_TEST(a_result_over_the_limit_fails_the_task) {
    replica strict;
    start_replica(&strict, small_results);
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_str_eq(complete_text(strict.channel, "w", t, text), "");
    task_msg *task = must_get(t->task_id);
    ck_assert_int_eq(task->status, FAILED);
    ck_assert_str_eq(task->error_reason, "RESULT_TOO_LARGE");
    stop_replica(&strict);
}
END_TEST

/* All chunks of a result, put together. */
static qt_code read_result(const char *id, qt_buf *ret_bytes, int *ret_chunks) {
    Qtaskdist__V1__GetTaskResultRequest req = QTASKDIST__V1__GET_TASK_RESULT_REQUEST__INIT;
    qt_rpc_reader *reader = NULL;
    ProtobufCMessage *msg = NULL;
    qt_code code = QT_OK;
    req.task_id = (char *)(uintptr_t)id;
    ck_assert_ok(qt_task_service_get_task_result(svc.channel, &call, &req, &reader, &err));
    do {
        code = qt_rpc_stream_read(reader, &qtaskdist__v1__get_task_result_response__descriptor,
                                  &arena, &msg, &err);
        if (code == QT_OK && msg != NULL) {
            const Qtaskdist__V1__GetTaskResultResponse *part = (void *)msg;
            qt_buf_add(ret_bytes, part->chunk.data, part->chunk.len);
            (*ret_chunks)++;
        }
    } while (code == QT_OK && msg != NULL);
    qt_rpc_stream_close(reader);
    return code;
}

START_TEST(a_large_result_comes_in_chunks) {
    enum { BYTES = 1000000 };
    QT_CLEANUP(qt_buf_done) qt_buf bytes = {0};
    QT_AUTO_FREE char *text = qt_xmalloc(BYTES + 1);
    int chunks = 0;
    memset(text, 'q', BYTES);
    text[BYTES] = '\0';
    const Qtaskdist__V1__ClaimedTask *t = running("w");
    ck_assert_int_ne(read_result(t->task_id, &bytes, &chunks), QT_OK);
    ck_assert_str_eq(qt_reason_name(err.reason), "ILLEGAL_STATE_CHANGE");
    ck_assert_str_eq(complete_text(svc.channel, "w", t, text), "");
    ck_assert_ok(read_result(t->task_id, &bytes, &chunks));
    ck_assert_int_ge(chunks, 4);
    Qtaskdist__V1__TaskResult *result =
        qtaskdist__v1__task_result__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
    ck_assert_ptr_nonnull(result);
    ck_assert_str_eq(result->text, text);
    qtaskdist__v1__task_result__free_unpacked(result, NULL);
}
END_TEST

TCase *worker_cases(void) {
    TCase *tc = tcase_create("worker");
    tcase_add_checked_fixture(tc, start_world, stop_world);
    tcase_add_test(tc, a_claimed_task_completes);
    tcase_add_test(tc, one_worker_gets_it);
    tcase_add_test(tc, a_wrong_fence_is_refused);
    tcase_add_test(tc, a_short_task_needs_no_claim);
    tcase_add_test(tc, retries_run_out);
    tcase_add_test(tc, a_permanent_failure_ends_it);
    tcase_add_loop_test(tc, some_failures_do_not_count, 0,
                        (int)QT_ARRAY_LEN(classes_that_do_not_count));
    tcase_add_test(tc, a_heartbeat_tells_of_a_cancel);
    tcase_add_test(tc, a_result_may_be_faster_than_a_cancel);
    tcase_add_test(tc, a_heartbeat_carries_progress);
    tcase_add_test(tc, a_heartbeat_tells_of_lost_tasks);
    tcase_add_test(tc, a_task_nobody_knows_of_is_given_away);
    tcase_add_test(tc, a_large_result_comes_in_chunks);
    tcase_add_test(tc, large_payloads_are_claimed_in_turn);
    tcase_add_test(tc, bad_calls_are_refused);
    tcase_add_test(tc, a_result_over_the_limit_fails_the_task);
    return tc;
}

TCase *lease_cases(void) {
    TCase *tc = tcase_create("leases");
    tcase_add_checked_fixture(tc, start_hasty_world, stop_world);
    tcase_add_test(tc, a_silent_worker_loses_its_task);
    tcase_add_test(tc, a_heartbeat_keeps_the_task);
    tcase_add_test(tc, a_task_that_kills_is_given_up);
    return tc;
}
