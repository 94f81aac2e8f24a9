/* TaskService, one call after the other. */
#include "fixture.h"

#include "base/clock.h"

#include <pthread.h>

START_TEST(a_task_is_created_and_read) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, false);
    req.project = (char *)(uintptr_t) "lab-1";
    req.priority = (Qtaskdist__V1__TaskPriority)HIGH;
    task_msg *made = must_create_with(&req);
    task_msg *task = must_get(made->task_id);
    ck_assert_str_eq(task->task_id, made->task_id);
    ck_assert_int_eq(task->task_type, SIMULATE);
    ck_assert_int_eq(task->status, PENDING);
    ck_assert_int_eq(task->priority, HIGH);
    ck_assert_str_eq(task->project, "lab-1");
    ck_assert_str_eq(task->payload->circuit_data, bell);
    ck_assert_int_eq(task->max_retries, 3);
    ck_assert_ptr_nonnull(task->created_at);
    ck_assert_ptr_null(task->scheduled_for);
    ck_assert_ptr_null(task->result);
    ck_assert_int_gt(task->version, 0);
    ck_assert(fake_queue_is_quiet(&queue));
}
END_TEST

static double fact(const task_msg *task, const char *key) {
    for (size_t i = 0; i < task->n_meta_data; i++) {
        if (strcmp(task->meta_data[i]->key, key) == 0) {
            return task->meta_data[i]->value->number_value;
        }
    }
    ck_abort_msg("no %s", key);
}

START_TEST(the_circuit_is_measured) {
    task_msg *task = must_get(must_create(false)->task_id);
    ck_assert_double_eq(fact(task, "num_qubits"), BELL_QUBITS);
    ck_assert_double_eq(fact(task, "gate_count"), 2);
    ck_assert_double_ge(fact(task, "depth"), 2);
    ck_assert_double_gt(fact(task, "estimated_runtime"), 0);
}
END_TEST

START_TEST(a_broken_circuit_is_refused) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
    task_msg *task = NULL;
    req.payload->circuit_data = (char *)(uintptr_t) "OPENQASM 2.0;\nqreg q[2];\nh r[0];\n";
    ck_assert_int_eq(qt_task_service_create_task(svc.channel, &call, &req, &arena, &task, &err),
                     QT_INVALID_ARGUMENT);
    ck_assert_str_eq(err.field, "payload.circuit_data");
    ck_assert_msg(strncmp(err.msg, "3:", 2) == 0, "%s", err.msg);
}
END_TEST

START_TEST(an_enqueued_task_reaches_the_queue) {
    task_msg *task = must_create(true);
    ck_assert_int_eq(task->status, QUEUED);
    fake_entry entry = fake_queue_take_task(&queue, task->task_id);
    ck_assert_int_eq(entry.type, SIMULATE);
    ck_assert_int_eq(entry.priority, NORMAL);
    ck_assert_int_eq(entry.dispatch_seq, 1);
    ck_assert(entry.has_payload);
}
END_TEST

START_TEST(a_large_payload_stays_at_home) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
    QT_CLEANUP(qt_buf_done) qt_buf program = {0};
    qt_buf_add_str(&program, bell);
    for (int i = 0; i < 2000; i++) {
        qt_buf_add_str(&program, "x q[0];\n");
    }
    req.payload->circuit_data = program.data;
    task_msg *task = must_create_with(&req);
    fake_entry entry = fake_queue_take_task(&queue, task->task_id);
    ck_assert(!entry.has_payload);
    Qtaskdist__V1__ClaimedTask *claimed = claim("w", &entry);
    ck_assert_str_eq(claimed->payload->circuit_data, program.data);
}
END_TEST

/* ---- batches ---- */

static Qtaskdist__V1__BatchCreateTasksResponse *must_batch(Qtaskdist__V1__CreateTaskRequest **tasks,
                                                           size_t count) {
    Qtaskdist__V1__BatchCreateTasksRequest req = QTASKDIST__V1__BATCH_CREATE_TASKS_REQUEST__INIT;
    Qtaskdist__V1__BatchCreateTasksResponse *resp = NULL;
    req.tasks = tasks;
    req.n_tasks = count;
    ck_assert_ok(qt_task_service_batch_create_tasks(svc.channel, &call, &req, &arena, &resp, &err));
    ck_assert_uint_eq(resp->n_results, count);
    return resp;
}

START_TEST(a_batch_fails_item_by_item) {
    enum { COUNT = 50, BAD = 17 };
    Qtaskdist__V1__CreateTaskRequest requests[COUNT];
    Qtaskdist__V1__CreateTaskRequest *tasks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        requests[i] = create_request(SIMULATE, true);
        tasks[i] = &requests[i];
    }
    requests[BAD].payload->circuit_data = (char *)(uintptr_t) "";
    Qtaskdist__V1__BatchCreateTasksResponse *resp = must_batch(tasks, COUNT);
    ck_assert_int_eq(resp->created_count, COUNT - 1);
    for (int i = 0; i < COUNT; i++) {
        ck_assert((resp->results[i]->error != NULL) == (i == BAD));
        ck_assert((resp->results[i]->task_id[0] == '\0') == (i == BAD));
        if (i != BAD) {
            ck_assert_int_ne(must_get(resp->results[i]->task_id)->status, PENDING);
        }
    }
    ck_assert_int_eq(resp->results[BAD]->error->code, QT_INVALID_ARGUMENT);
    ck_assert_uint_eq(resp->results[BAD]->error->n_details, 2); /* ErrorInfo and BadRequest */
}
END_TEST

START_TEST(an_empty_batch_is_refused) {
    Qtaskdist__V1__BatchCreateTasksRequest req = QTASKDIST__V1__BATCH_CREATE_TASKS_REQUEST__INIT;
    Qtaskdist__V1__BatchCreateTasksResponse *resp = NULL;
    ck_assert_reason(
        qt_task_service_batch_create_tasks(svc.channel, &call, &req, &arena, &resp, &err),
        FIELD_REQUIRED);
}
END_TEST

/* ---- idempotency ---- */

START_TEST(a_key_names_one_task) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, false);
    task_msg *task = NULL;
    req.idempotency_key = (char *)(uintptr_t) "once";
    task_msg *first = must_create_with(&req);
    ck_assert_str_eq(must_create_with(&req)->task_id, first->task_id);
    req.project = (char *)(uintptr_t) "other";
    ck_assert_str_ne(must_create_with(&req)->task_id, first->task_id);
    req.project = (char *)(uintptr_t) "";
    req.priority = (Qtaskdist__V1__TaskPriority)LOW;
    ck_assert_reason(qt_task_service_create_task(svc.channel, &call, &req, &arena, &task, &err),
                     IDEMPOTENCY_MISMATCH);
    ck_assert_str_eq(err.field, "idempotency_key");
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_active"), "2");
}
END_TEST

START_TEST(a_key_counts_within_a_batch_too) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
    Qtaskdist__V1__CreateTaskRequest *tasks[20];
    req.idempotency_key = (char *)(uintptr_t) "same";
    for (size_t i = 0; i < QT_ARRAY_LEN(tasks); i++) {
        tasks[i] = &req;
    }
    Qtaskdist__V1__BatchCreateTasksResponse *resp = must_batch(tasks, QT_ARRAY_LEN(tasks));
    for (size_t i = 1; i < resp->n_results; i++) {
        ck_assert_str_eq(resp->results[i]->task_id, resp->results[0]->task_id);
    }
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_active"), "1");
}
END_TEST

typedef struct creator {
    pthread_t thread;
    qt_arena arena;
    task_msg *task;
    qt_code code;
} creator;

static void *create_with_key(void *arg) {
    creator *c = arg;
    qt_err own;
    Qtaskdist__V1__CreateTaskRequest req = QTASKDIST__V1__CREATE_TASK_REQUEST__INIT;
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    payload.circuit_data = (char *)(uintptr_t)bell;
    req.task_type = (Qtaskdist__V1__TaskType)SIMULATE;
    req.payload = &payload;
    req.idempotency_key = (char *)(uintptr_t) "race";
    c->code = qt_task_service_create_task(svc.channel, &call, &req, &c->arena, &c->task, &own);
    return NULL;
}

START_TEST(many_with_one_key_make_one_task) {
    creator creators[24] = {0};
    for (size_t i = 0; i < QT_ARRAY_LEN(creators); i++) {
        pthread_create(&creators[i].thread, NULL, create_with_key, &creators[i]);
    }
    for (size_t i = 0; i < QT_ARRAY_LEN(creators); i++) {
        pthread_join(creators[i].thread, NULL);
        ck_assert_int_eq(creators[i].code, QT_OK);
        ck_assert_str_eq(creators[i].task->task_id, creators[0].task->task_id);
    }
    for (size_t i = 0; i < QT_ARRAY_LEN(creators); i++) {
        qt_arena_done(&creators[i].arena);
    }
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_active"), "1");
}
END_TEST

/* ---- changes ---- */

static task_msg changes(void) {
    task_msg values = QTASKDIST__V1__TASK__INIT;
    return values;
}

START_TEST(fields_are_updated) {
    const char *id = must_create(false)->task_id;
    task_msg *task = NULL;
    task_msg values = changes();
    values.max_retries = 7;
    ck_assert_ok(try_update(id, &values, "max_retries", &task));
    ck_assert_int_eq(task->max_retries, 7);
    values.priority = (Qtaskdist__V1__TaskPriority)LOW;
    ck_assert_ok(try_update(id, &values, "priority", &task));
    ck_assert_int_eq(task->priority, LOW);
    Google__Protobuf__Timestamp later = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    later.seconds = 4000000000;
    values.scheduled_for = &later;
    ck_assert_ok(try_update(id, &values, "scheduled_for", &task));
    ck_assert_int_eq(task->scheduled_for->seconds, 4000000000);
    values.scheduled_for = NULL;
    ck_assert_ok(try_update(id, &values, "scheduled_for", &task));
    ck_assert_ptr_null(task->scheduled_for);
    ck_assert_int_eq(must_get(id)->max_retries, 7);
}
END_TEST

START_TEST(a_new_payload_is_checked_and_measured) {
    const char *id = must_create(false)->task_id;
    task_msg *task = NULL;
    task_msg values = changes();
    Qtaskdist__V1__TaskPayload payload = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    payload.circuit_data =
        (char *)(uintptr_t) "OPENQASM 3.0; include \"stdgates.inc\"; qubit[5] q; h q;";
    values.payload = &payload;
    ck_assert_ok(try_update(id, &values, "payload", &task));
    ck_assert_double_eq(fact(task, "num_qubits"), 5);
    ck_assert_str_eq(must_get(id)->payload->circuit_data, payload.circuit_data);
    payload.circuit_data = (char *)(uintptr_t) "OPENQASM 3.0; qubit[5] q; U(0, 0, 0) q";
    ck_assert_reason(try_update(id, &values, "payload", &task), CIRCUIT_SYNTAX);
    payload.circuit_data = (char *)(uintptr_t)bell;
    payload.backend_name = (char *)(uintptr_t) "local";
    ck_assert_reason(try_update(id, &values, "payload", &task), FIELD_NOT_ALLOWED);
}
END_TEST

START_TEST(meta_data_is_replaced_and_the_facts_stay) {
    const char *id = must_create(false)->task_id;
    task_msg *task = NULL;
    task_msg values = changes();
    Qtaskdist__V1__Scalar scalar = QTASKDIST__V1__SCALAR__INIT;
    Qtaskdist__V1__Task__MetaDataEntry entry = QTASKDIST__V1__TASK__META_DATA_ENTRY__INIT;
    Qtaskdist__V1__Task__MetaDataEntry *entries[] = {&entry};
    entry.key = (char *)(uintptr_t) "run";
    entry.value = &scalar;
    scalar.kind_case = QTASKDIST__V1__SCALAR__KIND_NUMBER_VALUE;
    scalar.number_value = 12.5;
    values.meta_data = entries;
    values.n_meta_data = 1;
    ck_assert_ok(try_update(id, &values, "meta_data", &task));
    ck_assert_double_eq(fact(task, "run"), 12.5);
    ck_assert_double_eq(fact(task, "num_qubits"), BELL_QUBITS);
    ck_assert_uint_eq(task->n_meta_data, 5);
}
END_TEST

START_TEST(what_is_not_the_users_is_refused) {
    const char *id = must_create(false)->task_id;
    task_msg *task = NULL;
    task_msg values = changes();
    static const char *const read_only[] = {"task_id", "task_type", "result",     "error",
                                            "attempt", "version",   "created_at", "progress"};
    for (size_t i = 0; i < QT_ARRAY_LEN(read_only); i++) {
        ck_assert_reason(try_update(id, &values, read_only[i], &task), FIELD_READ_ONLY);
        ck_assert_str_eq(err.field, read_only[i]);
    }
    ck_assert_reason(try_update(id, &values, "colour", &task), FIELD_UNKNOWN);
    ck_assert_reason(try_update(id, &values, NULL, &task), FIELD_REQUIRED);
    ck_assert_reason(try_update(id, NULL, "priority", &task), FIELD_REQUIRED);
    values.max_retries = 101;
    ck_assert_reason(try_update(id, &values, "max_retries", &task), FIELD_INVALID);
}
END_TEST

START_TEST(the_status_is_set_by_hand) {
    const char *id = must_create(false)->task_id;
    task_msg *task = NULL;
    task_msg values = changes();
    values.status = (Qtaskdist__V1__TaskStatus)QUEUED;
    ck_assert_ok(try_update(id, &values, "status", &task));
    ck_assert_int_eq(task->status, QUEUED);
    fake_queue_take_task(&queue, id);
    static const int wrong[] = {PENDING, PROCESSING, COMPLETED, FAILED, CANCELLING};
    for (size_t i = 0; i < QT_ARRAY_LEN(wrong); i++) {
        values.status = (Qtaskdist__V1__TaskStatus)wrong[i];
        ck_assert_reason(try_update(id, &values, "status", &task), ILLEGAL_STATE_CHANGE);
    }
    values.status = (Qtaskdist__V1__TaskStatus)CANCELLED;
    ck_assert_ok(try_update(id, &values, "status", &task));
    ck_assert_int_eq(task->status, CANCELLED);
    values.status = (Qtaskdist__V1__TaskStatus)QUEUED;
    ck_assert_reason(try_update(id, &values, "status", &task), ILLEGAL_STATE_CHANGE);
}
END_TEST

START_TEST(enqueue_happens_once) {
    const char *id = must_create(false)->task_id;
    task_msg *task = NULL;
    ck_assert_reason(try_enqueue(id, CONVERT, &task), TYPE_MISMATCH);
    ck_assert_ok(try_enqueue(id, SIMULATE, &task));
    ck_assert_int_eq(task->status, QUEUED);
    int64_t version = task->version;
    ck_assert_ok(try_enqueue(id, 0, &task));
    ck_assert_int_eq(task->version, version); /* no change */
    fake_queue_take_task(&queue, id);
    ck_assert_uint_eq(fake_queue_count(&queue, id), 1);
}
END_TEST

START_TEST(a_waiting_task_is_cancelled_at_once) {
    const char *id = must_create(true)->task_id;
    task_msg *task = NULL;
    ck_assert_ok(try_cancel(id, &task));
    ck_assert_int_eq(task->status, CANCELLED);
    ck_assert_ptr_nonnull(task->finished_at);
    ck_assert_ok(try_cancel(id, &task)); /* again: as it is */
    fake_entry entry = fake_queue_take_task(&queue, id);
    Qtaskdist__V1__ClaimedTask *claimed = claim("w", &entry);
    ck_assert(!claimed->claimed);
    ck_assert_str_eq(claimed->reason, "TASK_FINAL");
}
END_TEST

START_TEST(a_final_task_is_retried_or_deleted) {
    const char *id = must_create(true)->task_id;
    task_msg *task = NULL;
    ck_assert_reason(try_retry(id, &task), ILLEGAL_STATE_CHANGE);
    ck_assert_reason(try_delete(id), ILLEGAL_STATE_CHANGE);
    ck_assert_ok(try_cancel(id, &task));
    ck_assert_ok(try_retry(id, &task));
    ck_assert_int_eq(task->status, QUEUED);
    Qtaskdist__V1__ClaimedTask *claimed = NULL;
    for (int i = 0; i < 2 && (claimed == NULL || !claimed->claimed); i++) {
        fake_entry entry = fake_queue_take_task(&queue, id); /* the first is stale */
        claimed = claim("w", &entry);
    }
    ck_assert(claimed->claimed);
    ck_assert_str_eq(report_result("w", id, claimed->attempt, claimed->fence, 0), "");
    ck_assert_reason(try_cancel(id, &task), TASK_FINAL);
    ck_assert_reason(try_retry(id, &task), ILLEGAL_STATE_CHANGE);
    ck_assert_ok(try_delete(id));
    ck_assert_reason(try_delete(id), TASK_NOT_FOUND);
    ck_assert_str_eq(must_query("SELECT count(*) FROM task_event"), "0");
}
END_TEST

START_TEST(unknown_and_bad_ids) {
    static const char id[] = "0190b3c4-d5e6-7f80-9123-456789abcdef";
    task_msg *task = NULL;
    task_msg values = changes();
    ck_assert_reason(try_cancel(id, &task), TASK_NOT_FOUND);
    ck_assert_reason(try_enqueue(id, 0, &task), TASK_NOT_FOUND);
    ck_assert_reason(try_retry(id, &task), TASK_NOT_FOUND);
    ck_assert_reason(try_delete(id), TASK_NOT_FOUND);
    ck_assert_reason(try_update(id, &values, "priority", &task), TASK_NOT_FOUND);
    ck_assert_reason(try_cancel("nonsense", &task), ID_INVALID);
    ck_assert_str_eq(err.field, "task_id");
    ck_assert_reason(try_cancel("", &task), FIELD_REQUIRED);
}
END_TEST

/* ---- events and times ---- */

START_TEST(events_tell_what_happened) {
    const char *id = must_create(false)->task_id;
    task_msg *task = NULL;
    static const int story[][2] = {
        {0, PENDING}, {PENDING, QUEUED}, {QUEUED, PROCESSING}, {PROCESSING, COMPLETED}};
    ck_assert_ok(try_enqueue(id, 0, &task));
    Qtaskdist__V1__ClaimedTask *claimed = must_claim("w", id);
    ck_assert_str_eq(report_result("w", id, claimed->attempt, claimed->fence, 0), "");
    Qtaskdist__V1__ListTaskEventsResponse *resp = must_list_events(id);
    ck_assert_uint_eq(resp->n_events, QT_ARRAY_LEN(story));
    for (size_t i = 0; i < resp->n_events; i++) {
        ck_assert_int_eq(resp->events[i]->from, story[i][0]);
        ck_assert_int_eq(resp->events[i]->to, story[i][1]);
        ck_assert(i == 0 || resp->events[i]->version > resp->events[i - 1]->version);
    }
    ck_assert_int_eq(resp->events[3]->version, must_get(id)->version);
    ck_assert_int_eq(resp->events[3]->attempt, 1);
}
END_TEST

START_TEST(a_scheduled_task_waits_for_its_time) {
    Qtaskdist__V1__CreateTaskRequest req = create_request(SIMULATE, true);
    Google__Protobuf__Timestamp soon = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    int64_t due_us = qt_clock_wall_us(qt_clock_system()) + 700000;
    soon.seconds = due_us / 1000000;
    soon.nanos = (int32_t)(due_us % 1000000 * 1000);
    req.scheduled_for = &soon;
    task_msg *task = must_create_with(&req);
    ck_assert_int_eq(task->status, PENDING);
    fake_queue_take_task(&queue, task->task_id);
    ck_assert_int_ge(qt_clock_wall_us(qt_clock_system()), due_us);
    ck_assert_int_eq(must_get(task->task_id)->status, QUEUED);
}
END_TEST

/* ---- wait ---- */

typedef struct waiter {
    pthread_t thread;
    qt_rpc_channel *channel;
    char id[QT_UUID_TEXT_BYTES];
    int seconds;
    qt_arena arena;
    task_msg *task;
    qt_code code;
    int64_t done_ms;
} waiter;

static void *wait_for_task(void *arg) {
    waiter *w = arg;
    qt_err own;
    Qtaskdist__V1__WaitTaskRequest req = QTASKDIST__V1__WAIT_TASK_REQUEST__INIT;
    req.task_id = w->id;
    req.timeout_seconds = w->seconds;
    w->code = qt_task_service_wait_task(w->channel, &call, &req, &w->arena, &w->task, &own);
    w->done_ms = qt_clock_mono_ms(qt_clock_system());
    return NULL;
}

static void start_wait(waiter *w, qt_rpc_channel *channel, const char *id, int seconds) {
    *w = (waiter){.channel = channel, .seconds = seconds};
    snprintf(w->id, sizeof w->id, "%s", id);
    pthread_create(&w->thread, NULL, wait_for_task, w);
}

static void end_wait(waiter *w, int status) {
    pthread_join(w->thread, NULL);
    ck_assert_int_eq(w->code, QT_OK);
    ck_assert_int_eq(w->task->status, status);
    qt_arena_done(&w->arena);
}

START_TEST(waiting_calls_wake_up) {
    waiter waiters[3];
    replica second;
    const char *id = must_create(true)->task_id;
    start_replica(&second, NULL);
    start_wait(&waiters[0], svc.channel, id, 15);
    start_wait(&waiters[1], second.channel, id, 15); /* learns of it by its poll */
    Qtaskdist__V1__ClaimedTask *claimed = must_claim("w", id);
    ck_assert_str_eq(report_result("w", id, claimed->attempt, claimed->fence, 0), "");
    int64_t done_ms = qt_clock_mono_ms(qt_clock_system());
    end_wait(&waiters[0], COMPLETED);
    end_wait(&waiters[1], COMPLETED);
    start_wait(&waiters[2], svc.channel, id, 15); /* final already */
    end_wait(&waiters[2], COMPLETED);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_lt(waiters[i].done_ms - done_ms, 5000);
    }
    stop_replica(&second);
}
END_TEST

START_TEST(waiting_ends_with_the_time) {
    waiter w;
    const char *id = must_create(false)->task_id;
    start_wait(&w, svc.channel, id, 1);
    end_wait(&w, PENDING);
}
END_TEST

START_TEST(a_deleted_task_ends_the_wait) {
    waiter w;
    const char *id = must_create(false)->task_id;
    start_wait(&w, svc.channel, id, 15);
    ck_assert_ok(try_delete(id));
    pthread_join(w.thread, NULL);
    ck_assert_int_eq(w.code, QT_NOT_FOUND);
    qt_arena_done(&w.arena);
}
END_TEST

TCase *task_cases(void) {
    TCase *tc = tcase_create("tasks");
    tcase_add_checked_fixture(tc, start_world, stop_world);
    tcase_add_test(tc, a_task_is_created_and_read);
    tcase_add_test(tc, the_circuit_is_measured);
    tcase_add_test(tc, a_broken_circuit_is_refused);
    tcase_add_test(tc, an_enqueued_task_reaches_the_queue);
    tcase_add_test(tc, a_large_payload_stays_at_home);
    tcase_add_test(tc, a_batch_fails_item_by_item);
    tcase_add_test(tc, an_empty_batch_is_refused);
    tcase_add_test(tc, a_key_names_one_task);
    tcase_add_test(tc, a_key_counts_within_a_batch_too);
    tcase_add_test(tc, many_with_one_key_make_one_task);
    tcase_add_test(tc, fields_are_updated);
    tcase_add_test(tc, a_new_payload_is_checked_and_measured);
    tcase_add_test(tc, meta_data_is_replaced_and_the_facts_stay);
    tcase_add_test(tc, what_is_not_the_users_is_refused);
    tcase_add_test(tc, the_status_is_set_by_hand);
    tcase_add_test(tc, enqueue_happens_once);
    tcase_add_test(tc, a_waiting_task_is_cancelled_at_once);
    tcase_add_test(tc, a_final_task_is_retried_or_deleted);
    tcase_add_test(tc, unknown_and_bad_ids);
    tcase_add_test(tc, events_tell_what_happened);
    tcase_add_test(tc, a_scheduled_task_waits_for_its_time);
    tcase_add_test(tc, waiting_calls_wake_up);
    tcase_add_test(tc, waiting_ends_with_the_time);
    tcase_add_test(tc, a_deleted_task_ends_the_wait);
    return tc;
}
