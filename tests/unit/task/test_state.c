#include "suites.h"
#include "task/state.h"

#include <stdio.h>
#include <string.h>

/* The table, written a second time: whoever changes it must say so here as well. */
static const char *const legal[] = {
    "NONE HELD CREATE",
    "NONE SCHEDULED CREATE",
    "NONE READY CREATE",
    "HELD READY ENQUEUE",
    "HELD SCHEDULED ENQUEUE",
    "SCHEDULED READY DUE",
    "DELAYED READY DUE",
    "READY DISPATCHED DISPATCH",
    "DISPATCHED DISPATCHED DISPATCH",
    "DISPATCHED RUNNING CLAIM",
    "RUNNING COMPLETED SUCCEED",
    "CANCELLING COMPLETED SUCCEED",
    "RUNNING FAILED FAIL",
    "RUNNING DELAYED BACKOFF",
    "RUNNING DELAYED POSTPONE",
    "RUNNING READY GIVE_BACK",
    "RUNNING DELAYED LEASE_EXPIRED",
    "RUNNING FAILED POISON",
    "HELD CANCELLED CANCEL",
    "SCHEDULED CANCELLED CANCEL",
    "DELAYED CANCELLED CANCEL",
    "READY CANCELLED CANCEL",
    "DISPATCHED CANCELLED CANCEL",
    "RUNNING CANCELLING CANCEL",
    "CANCELLING CANCELLED STOPPED",
    "FAILED READY RETRY",
    "CANCELLED READY RETRY",
};

static bool is_legal(const char *move) {
    for (size_t i = 0; i < sizeof legal / sizeof *legal; i++) {
        if (strcmp(legal[i], move) == 0) {
            return true;
        }
    }
    return false;
}

static void check_move(qt_task_state from, qt_task_state to, qt_task_cause cause) {
    char move[64];
    qt_err err;
    snprintf(move, sizeof move, "%s %s %s", qt_task_state_name(from), qt_task_state_name(to),
             qt_task_cause_name(cause));
    ck_assert_msg(qt_task_may_move(from, to, cause) == is_legal(move), "%s", move);
    if (!is_legal(move)) {
        ck_assert_int_eq(qt_task_check_move(from, to, cause, &err), QT_FAILED_PRECONDITION);
        ck_assert_int_eq(err.reason, QT_REASON_ILLEGAL_STATE_CHANGE);
    } else {
        ck_assert_ok(qt_task_check_move(from, to, cause, &err));
    }
}

START_TEST(every_move_is_legal_or_refused) {
    size_t count = 0;
    (void)qt_task_moves(&count);
    ck_assert_uint_eq(count, sizeof legal / sizeof *legal);
    for (int from = 0; from < QT_TASK_STATE_COUNT; from++) {
        for (int to = 0; to < QT_TASK_STATE_COUNT; to++) {
            for (int cause = 0; cause < QT_TASK_CAUSE_COUNT_; cause++) {
                check_move((qt_task_state)from, (qt_task_state)to, (qt_task_cause)cause);
            }
        }
    }
}
END_TEST

START_TEST(every_state_is_reached_and_can_end) {
    size_t count = 0;
    const qt_task_move *moves = qt_task_moves(&count);
    for (int s = 1; s < QT_TASK_STATE_COUNT; s++) {
        bool is_reached = false;
        bool is_left = false;
        for (size_t i = 0; i < count; i++) {
            is_reached |= moves[i].to == (qt_task_state)s;
            is_left |= moves[i].from == (qt_task_state)s;
        }
        ck_assert_msg(is_reached, "%s", qt_task_state_name((qt_task_state)s));
        ck_assert(is_left || qt_task_is_final((qt_task_state)s));
    }
}
END_TEST

START_TEST(states_have_a_status) {
    ck_assert_int_eq(qt_task_status_of(QT_TASK_NONE), QT_TASK_STATUS_NONE);
    ck_assert_int_eq(qt_task_status_of(QT_TASK_SCHEDULED), QT_TASK_STATUS_PENDING);
    ck_assert_int_eq(qt_task_status_of(QT_TASK_DELAYED), QT_TASK_STATUS_QUEUED);
    ck_assert_int_eq(qt_task_status_of(QT_TASK_RUNNING), QT_TASK_STATUS_PROCESSING);
    ck_assert_str_eq(qt_task_status_name(QT_TASK_STATUS_CANCELLING), "cancelling");
    ck_assert_str_eq(qt_task_state_name((qt_task_state)99), "NONE");
    ck_assert_str_eq(qt_task_status_name((qt_task_status)99), "");
    ck_assert_str_eq(qt_task_cause_name((qt_task_cause)99), "");
    ck_assert(qt_task_is_final(QT_TASK_CANCELLED));
    ck_assert(!qt_task_is_final(QT_TASK_CANCELLING));
}
END_TEST

TCase *state_cases(void) {
    TCase *tc = tcase_create("states");
    tcase_add_test(tc, every_move_is_legal_or_refused);
    tcase_add_test(tc, every_state_is_reached_and_can_end);
    tcase_add_test(tc, states_have_a_status);
    return tc;
}
