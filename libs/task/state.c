#include "task/state.h"

#include "base/cleanup.h"

static const struct {
    const char *name;
    qt_task_status status;
    const char *text;
} states[QT_TASK_STATE_COUNT] = {
    [QT_TASK_NONE] = {"NONE", QT_TASK_STATUS_NONE, "not stored"},
#define QT_TASK_STATE(name, number, status, text) [number] = {#name, QT_TASK_STATUS_##status, text},
#include "task/states.def"
#undef QT_TASK_STATE
};

static const qt_task_move moves[] = {
#define QT_TASK_MOVE(from, to, cause, when)                                                        \
    {QT_TASK_##from, QT_TASK_##to, QT_TASK_CAUSE_##cause, when},
#include "task/moves.def"
#undef QT_TASK_MOVE
};

static const char *const causes[] = {
#define QT_TASK_CAUSE(name) #name,
#include "task/causes.def"
#undef QT_TASK_CAUSE
};

static const char *const statuses[QT_TASK_STATUS_COUNT] = {
    "", "pending", "queued", "processing", "completed", "failed", "cancelling", "cancelled"};

const qt_task_move *qt_task_moves(size_t *ret_count) {
    *ret_count = QT_ARRAY_LEN(moves);
    return moves;
}

bool qt_task_may_move(qt_task_state from, qt_task_state to, qt_task_cause cause) {
    for (size_t i = 0; i < QT_ARRAY_LEN(moves); i++) {
        if (moves[i].from == from && moves[i].to == to && moves[i].cause == cause) {
            return true;
        }
    }
    return false;
}

qt_code qt_task_check_move(qt_task_state from, qt_task_state to, qt_task_cause cause, qt_err *err) {
    if (qt_task_may_move(from, to, cause)) {
        return QT_OK;
    }
    return qt_fail(err, ILLEGAL_STATE_CHANGE, "the task is %s and cannot become %s (%s)",
                   qt_task_status_name(qt_task_status_of(from)),
                   qt_task_status_name(qt_task_status_of(to)), qt_task_cause_name(cause));
}

static size_t state_index(qt_task_state state) {
    return (size_t)state < QT_TASK_STATE_COUNT ? (size_t)state : 0;
}

qt_task_status qt_task_status_of(qt_task_state state) {
    return states[state_index(state)].status;
}

bool qt_task_is_final(qt_task_state state) {
    return state == QT_TASK_COMPLETED || state == QT_TASK_FAILED || state == QT_TASK_CANCELLED;
}

const char *qt_task_state_name(qt_task_state state) {
    return states[state_index(state)].name;
}

const char *qt_task_state_text(qt_task_state state) {
    return states[state_index(state)].text;
}

const char *qt_task_status_name(qt_task_status status) {
    return (size_t)status < QT_TASK_STATUS_COUNT ? statuses[(size_t)status] : "";
}

const char *qt_task_cause_name(qt_task_cause cause) {
    return (size_t)cause < QT_TASK_CAUSE_COUNT_ ? causes[(size_t)cause] : "";
}

const char *qt_task_type_name(int type) {
    static const char *const names[] = {"", "simulate", "c_qir_convert", "backend_run"};
    return type > 0 && (size_t)type < QT_ARRAY_LEN(names) ? names[type] : "";
}
