/* Every rule of a task's life, without a database: rows in, rows out. */
#include "base/cleanup.h"
#include "services/task-svc/domain.h"
#include "testlib.h"

#include <string.h>

enum { EVENTS = 64, NOW_US = 1000000 };

/* A task and the world around it. */
typedef struct world {
    qt_domain domain;
    qt_task_event events[EVENTS];
    qt_entry entry;
    bool window_is_full;
    qt_err err;
} world;

static bool take_window(void *self, int32_t type) {
    (void)type;
    return !((world *)self)->window_is_full;
}

static void world_init(world *w) {
    *w = (world){0};
    w->domain = (qt_domain){.now_us = NOW_US,
                            .max_crashes = 3,
                            .max_job_crashes = 5,
                            .take_window = take_window,
                            .self = w,
                            .next_fence = 100,
                            .events = w->events,
                            .event_cap = EVENTS};
}

static qt_code apply(world *w, qt_task_op op) {
    return qt_domain_apply(&w->domain, &w->entry, &op, &w->err);
}

static void must(world *w, qt_task_op op) {
    qt_code code = apply(w, op);
    ck_assert_msg(code == QT_OK, "%s: %s", qt_reason_name(w->err.reason), w->err.msg);
}

static void must_not(world *w, qt_task_op op, qt_reason reason) {
    qt_entry before = w->entry;
    size_t events = w->domain.event_count;
    ck_assert_int_ne(apply(w, op), QT_OK);
    ck_assert_str_eq(qt_reason_name(w->err.reason), qt_reason_name(reason));
    ck_assert_mem_eq(&before, &w->entry, sizeof before); /* a refusal changes nothing */
    ck_assert_uint_eq(w->domain.event_count, events);
}

static void create(world *w, bool enqueue, int64_t scheduled_us) {
    world_init(w);
    qt_task_op op = {.kind = QT_TASK_OP_CREATE};
    op.create.enqueue = enqueue;
    op.create.row = (qt_row){.type = 1, .priority = 2, .max_retries = 2};
    op.create.row.scheduled_us = scheduled_us;
    must(w, op);
}

static qt_task_op claim_op(const world *w, const char *worker) {
    qt_task_op op = {.kind = QT_TASK_OP_CLAIM};
    op.claim.worker = qt_span_of(worker);
    op.claim.worker_key = qt_worker_key(op.claim.worker);
    op.claim.dispatch_seq = w->entry.row.dispatch_seq;
    return op;
}

static qt_task_op outcome_op(const world *w, qt_failure_class failure) {
    qt_task_op op = {.kind = QT_TASK_OP_COMPLETE};
    op.outcome.worker = qt_span_of("w1");
    op.outcome.attempt = w->entry.row.attempt;
    op.outcome.fence = w->entry.row.fence;
    op.outcome.is_result = failure == QT_FAILURE_UNSPECIFIED;
    op.outcome.result = qt_span_of("R");
    op.outcome.failure_class = failure;
    op.outcome.reason = qt_span_of("WHY");
    op.outcome.message = qt_span_of("why");
    return op;
}

static qt_task_op deferred_op(const world *w, qt_failure_class failure) {
    qt_task_op op = outcome_op(w, failure);
    op.outcome.attempt = 0;
    op.outcome.fence = 0;
    op.outcome.dispatch_seq = w->entry.row.dispatch_seq;
    return op;
}

static void running(world *w) {
    create(w, true, 0);
    must(w, claim_op(w, "w1"));
}

#define ck_assert_state(w, expected)                                                               \
    ck_assert_str_eq(qt_task_state_name((qt_task_state)(w)->entry.row.state),                      \
                     qt_task_state_name(expected))

START_TEST(create_waits_or_goes_out) {
    world w;
    create(&w, false, 0);
    ck_assert_state(&w, QT_TASK_HELD);
    create(&w, true, 0);
    ck_assert_state(&w, QT_TASK_DISPATCHED);
    ck_assert(w.entry.is_dispatched);
    ck_assert_int_eq(w.entry.row.dispatch_seq, 1);
    create(&w, true, NOW_US + 5);
    ck_assert_state(&w, QT_TASK_SCHEDULED);
    create(&w, true, NOW_US - 5);
    ck_assert_state(&w, QT_TASK_DISPATCHED);
}
END_TEST

START_TEST(a_full_window_makes_it_wait) {
    world w;
    create(&w, false, 0);
    w.window_is_full = true;
    must(&w, (qt_task_op){.kind = QT_TASK_OP_ENQUEUE});
    ck_assert_state(&w, QT_TASK_READY);
    qt_task_op dispatch = {.kind = QT_TASK_OP_DISPATCH};
    must(&w, dispatch);
    ck_assert_state(&w, QT_TASK_DISPATCHED);
    must(&w, dispatch); /* it names dispatch 0; the task is at 1 */
    ck_assert_int_eq(w.entry.row.dispatch_seq, 1);
    dispatch.guard.dispatch_seq = 1;
    must(&w, dispatch); /* lost in Redis: out again */
    ck_assert_int_eq(w.entry.row.dispatch_seq, 2);
}
END_TEST

START_TEST(enqueue_checks_the_type_and_may_repeat) {
    world w;
    create(&w, false, 0);
    must_not(&w, (qt_task_op){.kind = QT_TASK_OP_ENQUEUE, .enqueue = {.type = 2}},
             QT_REASON_TYPE_MISMATCH);
    must(&w, (qt_task_op){.kind = QT_TASK_OP_ENQUEUE, .enqueue = {.type = 1}});
    int64_t version = w.entry.row.version;
    must(&w, (qt_task_op){.kind = QT_TASK_OP_ENQUEUE});
    ck_assert_int_eq(w.entry.row.version, version);
    must(&w, claim_op(&w, "w1"));
    must_not(&w, (qt_task_op){.kind = QT_TASK_OP_ENQUEUE}, QT_REASON_ILLEGAL_STATE_CHANGE);
}
END_TEST

START_TEST(one_claim_wins) {
    world w;
    create(&w, true, 0);
    qt_task_op stale = claim_op(&w, "w0");
    stale.claim.dispatch_seq = 7;
    must_not(&w, stale, QT_REASON_ALREADY_TAKEN);
    must(&w, claim_op(&w, "w1"));
    ck_assert_state(&w, QT_TASK_RUNNING);
    ck_assert_int_eq(w.entry.row.attempt, 1);
    ck_assert_int_eq(w.entry.row.fence, 100);
    must_not(&w, claim_op(&w, "w2"), QT_REASON_ALREADY_TAKEN);
    must(&w, claim_op(&w, "w1")); /* the same worker asks again: the same claim */
    ck_assert_int_eq(w.entry.row.attempt, 1);
    ck_assert_int_eq(w.entry.row.fence, 100);
}
END_TEST

START_TEST(one_result_is_accepted) {
    world w;
    running(&w);
    qt_task_op result = outcome_op(&w, QT_FAILURE_UNSPECIFIED);
    qt_task_op late = result;
    late.outcome.fence++;
    must_not(&w, late, QT_REASON_FENCED);
    must(&w, result);
    ck_assert_state(&w, QT_TASK_COMPLETED);
    ck_assert_int_eq(w.entry.row.finished_us, NOW_US);
    int64_t version = w.entry.row.version;
    must(&w, result); /* the reply was lost */
    ck_assert_int_eq(w.entry.row.version, version);
    must_not(&w, late, QT_REASON_FENCED);
    must_not(&w, claim_op(&w, "w2"), QT_REASON_TASK_FINAL);
}
END_TEST

START_TEST(a_fast_task_needs_no_claim) {
    world w;
    create(&w, true, 0);
    qt_task_op result = deferred_op(&w, QT_FAILURE_UNSPECIFIED);
    must(&w, result);
    ck_assert_state(&w, QT_TASK_COMPLETED);
    ck_assert_int_eq(w.entry.row.attempt, 1);
    must(&w, result);
    qt_task_op other = result;
    other.outcome.worker = qt_span_of("w2");
    must_not(&w, other, QT_REASON_TASK_FINAL);
    create(&w, true, 0);
    must(&w, claim_op(&w, "w2"));
    must_not(&w, deferred_op(&w, QT_FAILURE_UNSPECIFIED), QT_REASON_ALREADY_TAKEN);
}
END_TEST

START_TEST(retries_run_out) {
    world w;
    running(&w);
    for (int retry = 1; retry <= 2; retry++) {
        must(&w, outcome_op(&w, QT_FAILURE_RETRYABLE));
        ck_assert_state(&w, QT_TASK_DELAYED);
        ck_assert_int_eq(w.entry.row.retry_count, retry);
        ck_assert_int_le(w.entry.row.run_us, w.domain.now_us + 2000000);
        w.domain.now_us = w.entry.row.run_us;
        must(&w, (qt_task_op){.kind = QT_TASK_OP_DUE});
        ck_assert_state(&w, QT_TASK_DISPATCHED);
        must(&w, claim_op(&w, "w1"));
    }
    must(&w, outcome_op(&w, QT_FAILURE_RETRYABLE));
    ck_assert_state(&w, QT_TASK_FAILED);
    ck_assert_mem_eq(w.entry.row.error_reason.p, "WHY", 3);
}
END_TEST

START_TEST(failure_classes) {
    static const struct {
        qt_failure_class failure;
        qt_task_state state;
        int retries;
    } rows[] = {
        {QT_FAILURE_PERMANENT, QT_TASK_FAILED, 0},   {QT_FAILURE_RETRYABLE, QT_TASK_DELAYED, 1},
        {QT_FAILURE_THROTTLED, QT_TASK_DELAYED, 0},  {QT_FAILURE_SNOOZE, QT_TASK_DELAYED, 0},
        {QT_FAILURE_DRAINED, QT_TASK_DISPATCHED, 0}, {QT_FAILURE_CANCELLED, QT_TASK_DISPATCHED, 0},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        for (int deferred = 0; deferred < 2; deferred++) {
            world w;
            create(&w, true, 0);
            if (deferred) {
                must(&w, deferred_op(&w, rows[i].failure));
            } else {
                must(&w, claim_op(&w, "w1"));
                must(&w, outcome_op(&w, rows[i].failure));
            }
            ck_assert_state(&w, rows[i].state);
            ck_assert_int_eq(w.entry.row.retry_count, rows[i].retries);
        }
    }
}
END_TEST

START_TEST(throttled_waits_as_told) {
    world w;
    running(&w);
    qt_task_op op = outcome_op(&w, QT_FAILURE_THROTTLED);
    op.outcome.retry_after_ms = 60000;
    must(&w, op);
    ck_assert_int_ge(w.entry.row.run_us, NOW_US + 60000000);
    must(&w, (qt_task_op){.kind = QT_TASK_OP_DUE}); /* too early: nothing happens */
    ck_assert_state(&w, QT_TASK_DELAYED);
}
END_TEST

static void lose_until_poisoned(bool has_job, int limit) {
    world w;
    running(&w);
    for (int crash = 1; crash <= limit; crash++) {
        qt_task_op lost = {.kind = QT_TASK_OP_LOST, .guard = {.has_job = has_job}};
        lost.guard.fence = w.entry.row.fence + 1;
        must(&w, lost); /* another attempt's: nothing happens */
        ck_assert_state(&w, QT_TASK_RUNNING);
        lost.guard.fence = w.entry.row.fence;
        must(&w, lost);
        if (crash < limit) {
            ck_assert_state(&w, QT_TASK_DELAYED);
            ck_assert_int_eq(w.entry.row.retry_count, 0);
            w.domain.now_us = w.entry.row.run_us;
            must(&w, (qt_task_op){.kind = QT_TASK_OP_DUE});
            must(&w, claim_op(&w, "w1"));
        }
    }
    ck_assert_state(&w, QT_TASK_FAILED);
    ck_assert_mem_eq(w.entry.row.error_reason.p, "POISONED", 8);
}

START_TEST(a_lost_worker_is_forgiven_twice) {
    lose_until_poisoned(false, 3);
}
END_TEST

START_TEST(a_paid_job_is_followed_longer) {
    lose_until_poisoned(true, 5);
}
END_TEST

START_TEST(cancel) {
    world w;
    create(&w, false, 0);
    must(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL});
    ck_assert_state(&w, QT_TASK_CANCELLED);
    must(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL});

    create(&w, true, 0);
    must(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL});
    ck_assert_state(&w, QT_TASK_CANCELLED);
    must_not(&w, claim_op(&w, "w1"), QT_REASON_TASK_FINAL);

    running(&w);
    must(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL});
    ck_assert_state(&w, QT_TASK_CANCELLING);
    must(&w, outcome_op(&w, QT_FAILURE_CANCELLED));
    ck_assert_state(&w, QT_TASK_CANCELLED);

    running(&w); /* the result was faster */
    must(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL});
    must(&w, outcome_op(&w, QT_FAILURE_UNSPECIFIED));
    ck_assert_state(&w, QT_TASK_COMPLETED);
    must_not(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL}, QT_REASON_TASK_FINAL);

    running(&w); /* the worker died instead of stopping */
    must(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL});
    must(&w, (qt_task_op){.kind = QT_TASK_OP_LOST, .guard = {.fence = w.entry.row.fence}});
    ck_assert_state(&w, QT_TASK_CANCELLED);
}
END_TEST

START_TEST(retry_and_delete) {
    world w;
    running(&w);
    must_not(&w, (qt_task_op){.kind = QT_TASK_OP_RETRY}, QT_REASON_ILLEGAL_STATE_CHANGE);
    must_not(&w, (qt_task_op){.kind = QT_TASK_OP_DELETE}, QT_REASON_ILLEGAL_STATE_CHANGE);
    must(&w, outcome_op(&w, QT_FAILURE_PERMANENT));
    must(&w, (qt_task_op){.kind = QT_TASK_OP_RETRY});
    ck_assert_state(&w, QT_TASK_DISPATCHED);
    ck_assert_int_eq(w.entry.row.attempt, 0);
    ck_assert_ptr_null(w.entry.row.error.p);
    must(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL});
    must(&w, (qt_task_op){.kind = QT_TASK_OP_DELETE});
    ck_assert_int_eq(w.entry.row.state, QT_TASK_NONE);
    must_not(&w, (qt_task_op){.kind = QT_TASK_OP_CANCEL}, QT_REASON_TASK_NOT_FOUND);
}
END_TEST

START_TEST(update) {
    world w;
    create(&w, false, 0);
    qt_task_op op = {.kind = QT_TASK_OP_UPDATE};
    op.update.fields = QT_UPDATE_MAX_RETRIES | QT_UPDATE_PRIORITY;
    op.update.values = (qt_row){.max_retries = 9, .priority = 3};
    must(&w, op);
    ck_assert_int_eq(w.entry.row.max_retries, 9);
    ck_assert_int_eq(w.entry.row.priority, 3);
    op.update.fields = QT_UPDATE_STATUS;
    op.update.status = QT_TASK_STATUS_COMPLETED;
    must_not(&w, op, QT_REASON_ILLEGAL_STATE_CHANGE);
    op.update.status = QT_TASK_STATUS_QUEUED;
    must(&w, op);
    ck_assert_state(&w, QT_TASK_DISPATCHED);
    op.update.status = QT_TASK_STATUS_PENDING;
    must_not(&w, op, QT_REASON_ILLEGAL_STATE_CHANGE);
    op.update.fields = QT_UPDATE_PAYLOAD;
    must_not(&w, op, QT_REASON_ILLEGAL_STATE_CHANGE);
    op.update.fields = QT_UPDATE_STATUS;
    op.update.status = QT_TASK_STATUS_CANCELLED;
    must(&w, op);
    ck_assert_state(&w, QT_TASK_CANCELLED);
    op.update.fields = QT_UPDATE_MAX_RETRIES;
    must_not(&w, op, QT_REASON_TASK_FINAL);
}
END_TEST

START_TEST(events_tell_the_story) {
    world w;
    running(&w);
    must(&w, outcome_op(&w, QT_FAILURE_UNSPECIFIED));
    static const qt_task_status story[] = {QT_TASK_STATUS_QUEUED, QT_TASK_STATUS_PROCESSING,
                                           QT_TASK_STATUS_COMPLETED};
    ck_assert_uint_eq(w.domain.event_count, QT_ARRAY_LEN(story));
    for (size_t i = 0; i < QT_ARRAY_LEN(story); i++) {
        ck_assert_int_eq(w.events[i].to, story[i]);
        ck_assert_int_eq(w.events[i].from, i > 0 ? story[i - 1] : QT_TASK_STATUS_NONE);
        ck_assert(i == 0 || w.events[i].version > w.events[i - 1].version);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("task-svc domain");
    TCase *tc = tcase_create("domain");
    tcase_add_test(tc, create_waits_or_goes_out);
    tcase_add_test(tc, a_full_window_makes_it_wait);
    tcase_add_test(tc, enqueue_checks_the_type_and_may_repeat);
    tcase_add_test(tc, one_claim_wins);
    tcase_add_test(tc, one_result_is_accepted);
    tcase_add_test(tc, a_fast_task_needs_no_claim);
    tcase_add_test(tc, retries_run_out);
    tcase_add_test(tc, failure_classes);
    tcase_add_test(tc, throttled_waits_as_told);
    tcase_add_test(tc, a_lost_worker_is_forgiven_twice);
    tcase_add_test(tc, a_paid_job_is_followed_longer);
    tcase_add_test(tc, cancel);
    tcase_add_test(tc, retry_and_delete);
    tcase_add_test(tc, update);
    tcase_add_test(tc, events_tell_the_story);
    suite_add_tcase(suite, tc);
    return qt_test_run(suite);
}
