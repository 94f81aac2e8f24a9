/* Happy path: CREATE (ready, dispatched) - CLAIM - COMPLETE. Every change of state goes through
 * move(), which asks the table of libs/task. */
#include "services/task-svc/domain.h"

#include "base/cleanup.h"
#include "task/page_token.h"

#include <stdio.h>
#include <string.h>

int64_t qt_worker_key(qt_span name) {
    uint64_t h = qt_hash_bytes(QT_HASH_START, name.p, name.len);
    return (int64_t)(h >> 1) | 1;
}

int64_t qt_deferred_key(qt_span worker, int32_t dispatch_seq) {
    uint64_t h = qt_hash_bytes(QT_HASH_START, worker.p, worker.len);
    h = qt_hash_bytes(h, &dispatch_seq, sizeof dispatch_seq);
    return -(int64_t)(h >> 2) - 1;
}

/* ---- moves ---- */

static void touch(const qt_domain *domain, qt_entry *entry) {
    qt_row *row = &entry->row;
    row->version = domain->now_us > row->version ? domain->now_us : row->version + 1;
    row->updated_us = domain->now_us;
    entry->is_changed = true;
}

static void add_event(qt_domain *domain, const qt_row *row, qt_task_state from, qt_span reason) {
    if (domain->event_count < domain->event_cap) {
        domain->events[domain->event_count++] =
            (qt_task_event){.id = row->id,
                            .version = row->version,
                            .at_us = domain->now_us,
                            .from = qt_task_status_of(from),
                            .to = qt_task_status_of((qt_task_state)row->state),
                            .reason = reason,
                            .attempt = row->attempt,
                            .row = row,
                            .project = row->project};
    }
}

static qt_code move_why(qt_domain *domain, qt_entry *entry, qt_task_state to, qt_task_cause cause,
                        qt_span reason, qt_err *err) {
    qt_task_state from = (qt_task_state)entry->row.state;
    QT_TRY(qt_task_check_move(from, to, cause, err));
    entry->row.state = (int32_t)to;
    touch(domain, entry);
    if (qt_task_status_of(from) != qt_task_status_of(to)) {
        add_event(domain, &entry->row, from, reason);
    }
    return QT_OK;
}

static qt_code move(qt_domain *domain, qt_entry *entry, qt_task_state to, qt_task_cause cause,
                    qt_err *err) {
    return move_why(domain, entry, to, cause, qt_span_of(qt_task_cause_name(cause)), err);
}

static qt_code dispatch(qt_domain *domain, qt_entry *entry, qt_err *err) {
    QT_TRY(move(domain, entry, QT_TASK_DISPATCHED, QT_TASK_CAUSE_DISPATCH, err));
    entry->row.dispatch_seq++;
    entry->row.dispatched_us = domain->now_us;
    entry->is_dispatched = true;
    return QT_OK;
}

/* Into the line, and straight on into the window when it has room. */
static qt_code make_ready(qt_domain *domain, qt_entry *entry, qt_task_cause cause, qt_err *err) {
    QT_TRY(move(domain, entry, QT_TASK_READY, cause, err));
    entry->row.run_us = domain->now_us;
    if (domain->take_window == NULL || domain->take_window(domain->self, entry->row.type)) {
        return dispatch(domain, entry, err);
    }
    return QT_OK;
}

static qt_code finish(qt_domain *domain, qt_entry *entry, qt_task_state to, qt_task_cause cause,
                      qt_err *err) {
    QT_TRY(move(domain, entry, to, cause, err));
    entry->row.finished_us = domain->now_us;
    return QT_OK;
}

static void set_error(qt_row *row, qt_span message, qt_span reason) {
    row->error = message.len > 0 ? message : reason;
    row->error_reason = reason;
}

/* ---- what users ask for ---- */

static qt_code enqueue(qt_domain *domain, qt_entry *entry, qt_task_cause cause, qt_err *err) {
    if (entry->row.scheduled_us > domain->now_us) {
        entry->row.run_us = entry->row.scheduled_us;
        return move(domain, entry, QT_TASK_SCHEDULED, cause, err);
    }
    return make_ready(domain, entry, cause, err);
}

static qt_code apply_create(qt_domain *domain, qt_entry *entry, qt_task_op *op, qt_err *err) {
    if (entry->row.state != QT_TASK_NONE) {
        return QT_OK; /* an earlier try, or the first create with this idempotency key */
    }
    entry->row = op->create.row;
    entry->row.id = op->id;
    entry->row.state = QT_TASK_NONE;
    entry->row.created_us = domain->now_us;
    entry->row.run_us = domain->now_us;
    if (op->create.enqueue) {
        return enqueue(domain, entry, QT_TASK_CAUSE_CREATE, err);
    }
    return move(domain, entry, QT_TASK_HELD, QT_TASK_CAUSE_CREATE, err);
}

static qt_code apply_enqueue(qt_domain *domain, qt_entry *entry, const qt_task_op *op,
                             qt_err *err) {
    const qt_row *row = &entry->row;
    if (op->enqueue.type != 0 && op->enqueue.type != row->type) {
        return qt_fail(err, TYPE_MISMATCH, "the task has another type than the one given");
    }
    qt_task_state state = (qt_task_state)row->state;
    if (qt_task_status_of(state) == QT_TASK_STATUS_QUEUED || state == QT_TASK_SCHEDULED) {
        return QT_OK;
    }
    return enqueue(domain, entry, QT_TASK_CAUSE_ENQUEUE, err);
}

static qt_code cancel(qt_domain *domain, qt_entry *entry, qt_span why, qt_err *err) {
    qt_task_state state = (qt_task_state)entry->row.state;
    qt_span reason = why.len > 0 ? why : qt_span_of("CANCEL");
    if (state == QT_TASK_CANCELLING || state == QT_TASK_CANCELLED) {
        return QT_OK;
    }
    if (state == QT_TASK_RUNNING) {
        return move_why(domain, entry, QT_TASK_CANCELLING, QT_TASK_CAUSE_CANCEL, reason, err);
    }
    QT_TRY(move_why(domain, entry, QT_TASK_CANCELLED, QT_TASK_CAUSE_CANCEL, reason, err));
    entry->row.finished_us = domain->now_us;
    return QT_OK;
}

static qt_code apply_cancel(qt_domain *domain, qt_entry *entry, const qt_task_op *op, qt_err *err) {
    qt_task_state state = (qt_task_state)entry->row.state;
    if (state == QT_TASK_COMPLETED || state == QT_TASK_FAILED) {
        return qt_fail(err, TASK_FINAL, "the task is %s already",
                       qt_task_status_name(qt_task_status_of(state)));
    }
    return cancel(domain, entry, op->cancel.reason, err);
}

static qt_code apply_retry(qt_domain *domain, qt_entry *entry, const qt_task_op *op, qt_err *err) {
    qt_row *row = &entry->row;
    if (op->is_unsure && qt_task_status_of((qt_task_state)row->state) == QT_TASK_STATUS_QUEUED) {
        return QT_OK; /* the first try was committed */
    }
    QT_TRY(make_ready(domain, entry, QT_TASK_CAUSE_RETRY, err));
    row->attempt = 0;
    row->retry_count = 0;
    row->crash_count = 0;
    row->progress = 0;
    row->outcome_key = 0;
    row->started_us = 0;
    row->finished_us = 0;
    row->error = (qt_span){0};
    row->error_reason = (qt_span){0};
    row->result = (qt_span){0};
    return QT_OK;
}

static qt_code apply_delete(qt_entry *entry, qt_err *err) {
    qt_task_state state = (qt_task_state)entry->row.state;
    if (!qt_task_is_final(state) && qt_task_status_of(state) != QT_TASK_STATUS_PENDING) {
        return qt_fail(err, ILLEGAL_STATE_CHANGE, "a %s task cannot be deleted; cancel it first",
                       qt_task_status_name(qt_task_status_of(state)));
    }
    entry->row.state = QT_TASK_NONE;
    entry->is_changed = true;
    return QT_OK;
}

static qt_code check_update(const qt_row *row, uint32_t fields, qt_err *err) {
    const uint32_t while_pending = QT_UPDATE_PAYLOAD | QT_UPDATE_PRIORITY | QT_UPDATE_SCHEDULED_FOR;
    qt_task_status status = qt_task_status_of((qt_task_state)row->state);
    if (qt_task_is_final((qt_task_state)row->state) && (fields & ~(uint32_t)QT_UPDATE_STATUS)) {
        return qt_fail(err, TASK_FINAL, "the task is %s already", qt_task_status_name(status));
    }
    if (status != QT_TASK_STATUS_PENDING && (fields & while_pending) != 0) {
        return qt_fail(err, ILLEGAL_STATE_CHANGE,
                       "payload, priority and scheduled_for change while the task is pending, "
                       "and it is %s",
                       qt_task_status_name(status));
    }
    return QT_OK;
}

static void set_fields(const qt_domain *domain, qt_entry *entry, uint32_t fields,
                       const qt_row *values) {
    qt_row *row = &entry->row;
    if (fields & QT_UPDATE_PAYLOAD) {
        row->spec = values->spec;
    }
    if (fields & QT_UPDATE_META_DATA) {
        row->meta_data = values->meta_data;
    }
    if (fields & QT_UPDATE_MAX_RETRIES) {
        row->max_retries = values->max_retries;
    }
    if (fields & QT_UPDATE_PRIORITY) {
        row->priority = values->priority;
    }
    if (fields & QT_UPDATE_SCHEDULED_FOR) {
        row->scheduled_us = values->scheduled_us;
        row->run_us = values->scheduled_us != 0 ? values->scheduled_us : domain->now_us;
    }
    if (fields & ~(uint32_t)QT_UPDATE_STATUS) {
        touch(domain, entry);
    }
    entry->is_large_changed |= (fields & (QT_UPDATE_PAYLOAD | QT_UPDATE_META_DATA)) != 0;
}

static qt_code set_status(qt_domain *domain, qt_entry *entry, qt_task_status status, qt_err *err) {
    qt_task_state state = (qt_task_state)entry->row.state;
    if (qt_task_status_of(state) == status) {
        return QT_OK;
    }
    if (status == QT_TASK_STATUS_CANCELLED) {
        return cancel(domain, entry, (qt_span){0}, err);
    }
    if (status == QT_TASK_STATUS_QUEUED && state == QT_TASK_HELD) {
        return enqueue(domain, entry, QT_TASK_CAUSE_ENQUEUE, err);
    }
    if (status == QT_TASK_STATUS_QUEUED && state == QT_TASK_SCHEDULED) {
        return QT_OK;
    }
    return qt_fail_field(err, ILLEGAL_STATE_CHANGE, "status", "a %s task cannot be made %s",
                         qt_task_status_name(qt_task_status_of(state)),
                         qt_task_status_name(status));
}

static qt_code apply_update(qt_domain *domain, qt_entry *entry, const qt_task_op *op, qt_err *err) {
    uint32_t fields = op->update.fields;
    QT_TRY(check_update(&entry->row, fields, err));
    set_fields(domain, entry, fields, &op->update.values);
    if (fields & QT_UPDATE_STATUS) {
        return set_status(domain, entry, op->update.status, err);
    }
    return QT_OK;
}

/* ---- what workers ask for ---- */

static qt_code start_attempt(qt_domain *domain, qt_entry *entry, int64_t worker_key,
                             int64_t started_us, qt_err *err) {
    qt_row *row = &entry->row;
    row->attempt++;
    row->progress = 0;
    row->worker_key = worker_key;
    row->started_us = started_us;
    return move(domain, entry, QT_TASK_RUNNING, QT_TASK_CAUSE_CLAIM, err);
}

static qt_code refuse_claim(const qt_row *row, qt_err *err) {
    if (qt_task_is_final((qt_task_state)row->state)) {
        return qt_fail(err, TASK_FINAL, "the task is %s",
                       qt_task_status_name(qt_task_status_of((qt_task_state)row->state)));
    }
    return qt_fail(err, ALREADY_TAKEN, "the message is not the task's newest, or it was taken");
}

static qt_code apply_claim(qt_domain *domain, qt_entry *entry, qt_task_op *op, qt_err *err) {
    qt_row *row = &entry->row;
    qt_claim *claim = &op->claim;
    bool is_held = row->state == QT_TASK_RUNNING || row->state == QT_TASK_CANCELLING;
    bool is_repeat =
        is_held && row->worker_key == claim->worker_key && row->dispatch_seq == claim->dispatch_seq;
    if (!is_repeat) {
        if (row->state != QT_TASK_DISPATCHED || row->dispatch_seq != claim->dispatch_seq) {
            return refuse_claim(row, err);
        }
        QT_TRY(start_attempt(domain, entry, claim->worker_key, domain->now_us, err));
        row->fence = domain->next_fence++;
    }
    claim->ret_attempt = row->attempt;
    claim->ret_fence = row->fence;
    return QT_OK;
}

static qt_code succeed(qt_domain *domain, qt_entry *entry, const qt_outcome *outcome, qt_err *err) {
    qt_row *row = &entry->row;
    row->result = outcome->result;
    row->progress = 100;
    row->error = (qt_span){0};
    row->error_reason = (qt_span){0};
    return finish(domain, entry, QT_TASK_COMPLETED, QT_TASK_CAUSE_SUCCEED, err);
}

static qt_code fail_now(qt_domain *domain, qt_entry *entry, const qt_outcome *outcome,
                        qt_err *err) {
    set_error(&entry->row, outcome->message, outcome->reason);
    QT_TRY(move_why(domain, entry, QT_TASK_FAILED, QT_TASK_CAUSE_FAIL,
                    outcome->reason.len > 0 ? outcome->reason : qt_span_of("FAIL"), err));
    entry->row.finished_us = domain->now_us;
    return QT_OK;
}

static int64_t delay_us(const qt_retry_policy *policy, int n, int64_t retry_after_ms) {
    int64_t ms = qt_backoff_ms(&policy->delay, n, qt_random_u64());
    if (policy->waits_told) {
        ms += retry_after_ms;
    }
    return ms * 1000;
}

static qt_code try_later(qt_domain *domain, qt_entry *entry, const qt_outcome *outcome,
                         const qt_retry_policy *policy, qt_err *err) {
    qt_row *row = &entry->row;
    qt_task_cause cause = policy->counts ? QT_TASK_CAUSE_BACKOFF : QT_TASK_CAUSE_POSTPONE;
    if (policy->counts) {
        row->retry_count++;
    }
    set_error(row, outcome->message, outcome->reason);
    row->run_us = domain->now_us + delay_us(policy, row->retry_count, outcome->retry_after_ms);
    return move_why(domain, entry, QT_TASK_DELAYED, cause,
                    outcome->reason.len > 0 ? outcome->reason : qt_span_of("BACKOFF"), err);
}

static qt_code fail_attempt(qt_domain *domain, qt_entry *entry, const qt_outcome *outcome,
                            qt_err *err) {
    qt_row *row = &entry->row;
    const qt_retry_policy *policy = qt_retry_policy_of(outcome->failure_class);
    if (row->state == QT_TASK_CANCELLING) {
        return finish(domain, entry, QT_TASK_CANCELLED, QT_TASK_CAUSE_STOPPED, err);
    }
    if (policy->at_once || outcome->failure_class == QT_FAILURE_CANCELLED) {
        return make_ready(domain, entry, QT_TASK_CAUSE_GIVE_BACK, err);
    }
    if (!policy->again || (policy->counts && row->retry_count >= row->max_retries)) {
        return fail_now(domain, entry, outcome, err);
    }
    return try_later(domain, entry, outcome, policy, err);
}

/* A task that was not claimed is started now; a claimed one must carry its attempt and fence. */
static qt_code check_holder(qt_domain *domain, qt_entry *entry, const qt_outcome *outcome,
                            qt_err *err) {
    qt_row *row = &entry->row;
    if (outcome->attempt == 0) {
        if (row->state != QT_TASK_DISPATCHED || row->dispatch_seq != outcome->dispatch_seq) {
            return refuse_claim(row, err);
        }
        return start_attempt(domain, entry, qt_worker_key(outcome->worker),
                             domain->now_us - outcome->elapsed_us, err);
    }
    bool is_held = row->state == QT_TASK_RUNNING || row->state == QT_TASK_CANCELLING;
    if (!is_held || row->attempt != outcome->attempt || row->fence != outcome->fence) {
        return qt_fail(err, FENCED, "the worker does not hold the task");
    }
    return QT_OK;
}

static qt_code apply_complete(qt_domain *domain, qt_entry *entry, const qt_task_op *op,
                              qt_err *err) {
    const qt_outcome *outcome = &op->outcome;
    int64_t key = outcome->attempt == 0 ? qt_deferred_key(outcome->worker, outcome->dispatch_seq)
                                        : outcome->fence;
    if (entry->row.outcome_key == key) {
        return QT_OK; /* accepted before */
    }
    QT_TRY(check_holder(domain, entry, outcome, err));
    entry->row.outcome_key = key;
    return outcome->is_result ? succeed(domain, entry, outcome, err)
                              : fail_attempt(domain, entry, outcome, err);
}

/* ---- what the periodic jobs ask for ---- */

static bool holds(const qt_row *row, int64_t fence) {
    return (row->state == QT_TASK_RUNNING || row->state == QT_TASK_CANCELLING) &&
           row->fence == fence;
}

static qt_code poison(qt_domain *domain, qt_entry *entry, qt_err *err) {
    set_error(&entry->row, qt_span_of("the task was lost with its worker too often"),
              qt_span_of("POISONED"));
    QT_TRY(
        move_why(domain, entry, QT_TASK_FAILED, QT_TASK_CAUSE_POISON, qt_span_of("POISONED"), err));
    entry->row.finished_us = domain->now_us;
    return QT_OK;
}

static qt_code apply_lost(qt_domain *domain, qt_entry *entry, const qt_task_op *op, qt_err *err) {
    qt_row *row = &entry->row;
    if (!holds(row, op->guard.fence)) {
        return QT_OK;
    }
    if (row->state == QT_TASK_CANCELLING) {
        return finish(domain, entry, QT_TASK_CANCELLED, QT_TASK_CAUSE_STOPPED, err);
    }
    row->crash_count++;
    if (row->crash_count >= (op->guard.has_job ? domain->max_job_crashes : domain->max_crashes)) {
        return poison(domain, entry, err);
    }
    set_error(row, qt_span_of("the worker was not heard of in time"), qt_span_of("LEASE_EXPIRED"));
    row->run_us =
        domain->now_us + delay_us(qt_retry_policy_of(QT_FAILURE_CRASH), row->crash_count, 0);
    return move(domain, entry, QT_TASK_DELAYED, QT_TASK_CAUSE_LEASE_EXPIRED, err);
}

static qt_code apply_orphan(qt_domain *domain, qt_entry *entry, const qt_task_op *op, qt_err *err) {
    if (!holds(&entry->row, op->guard.fence)) {
        return QT_OK;
    }
    if (entry->row.state == QT_TASK_CANCELLING) {
        return finish(domain, entry, QT_TASK_CANCELLED, QT_TASK_CAUSE_STOPPED, err);
    }
    return make_ready(domain, entry, QT_TASK_CAUSE_GIVE_BACK, err);
}

static qt_code apply_due(qt_domain *domain, qt_entry *entry, qt_err *err) {
    const qt_row *row = &entry->row;
    bool waits = row->state == QT_TASK_SCHEDULED || row->state == QT_TASK_DELAYED;
    if (!waits || row->run_us > domain->now_us) {
        return QT_OK;
    }
    return make_ready(domain, entry, QT_TASK_CAUSE_DUE, err);
}

/* A task that is told to come back earlier than it meant to; a backoff is not cut short. */
static qt_code apply_wake(qt_domain *domain, qt_entry *entry, qt_err *err) {
    const qt_row *row = &entry->row;
    static const char reason[] = "JOB_PENDING";
    bool snoozes = row->state == QT_TASK_DELAYED && row->error_reason.len == sizeof reason - 1 &&
                   memcmp(row->error_reason.p, reason, sizeof reason - 1) == 0;
    return snoozes ? make_ready(domain, entry, QT_TASK_CAUSE_DUE, err) : QT_OK;
}

static qt_code apply_dispatch(qt_domain *domain, qt_entry *entry, const qt_task_op *op,
                              qt_err *err) {
    const qt_row *row = &entry->row;
    bool waits = row->state == QT_TASK_READY || row->state == QT_TASK_DISPATCHED;
    if (!waits || row->dispatch_seq != op->guard.dispatch_seq) {
        return QT_OK;
    }
    return dispatch(domain, entry, err);
}

static void apply_progress(const qt_domain *domain, qt_entry *entry, const qt_task_op *op) {
    if (holds(&entry->row, op->guard.fence) && entry->row.progress != op->guard.progress) {
        entry->row.progress = op->guard.progress;
        touch(domain, entry);
    }
}

/* ---- */

static qt_code apply(qt_domain *domain, qt_entry *entry, qt_task_op *op, qt_err *err) {
    switch (op->kind) {
    case QT_TASK_OP_CREATE:
        return apply_create(domain, entry, op, err);
    case QT_TASK_OP_UPDATE:
        return apply_update(domain, entry, op, err);
    case QT_TASK_OP_ENQUEUE:
        return apply_enqueue(domain, entry, op, err);
    case QT_TASK_OP_CANCEL:
        return apply_cancel(domain, entry, op, err);
    case QT_TASK_OP_RETRY:
        return apply_retry(domain, entry, op, err);
    case QT_TASK_OP_DELETE:
        return apply_delete(entry, err);
    case QT_TASK_OP_CLAIM:
        return apply_claim(domain, entry, op, err);
    case QT_TASK_OP_COMPLETE:
        return apply_complete(domain, entry, op, err);
    case QT_TASK_OP_DUE:
        return apply_due(domain, entry, err);
    case QT_TASK_OP_DISPATCH:
        return apply_dispatch(domain, entry, op, err);
    case QT_TASK_OP_LOST:
        return apply_lost(domain, entry, op, err);
    case QT_TASK_OP_ORPHAN:
        return apply_orphan(domain, entry, op, err);
    case QT_TASK_OP_PROGRESS:
        apply_progress(domain, entry, op);
        return QT_OK;
    case QT_TASK_OP_WAKE:
        return apply_wake(domain, entry, err);
    }
    return qt_fail(err, INTERNAL, "operation %d", (int)op->kind);
}

static bool is_background(qt_task_op_kind kind) {
    return kind >= QT_TASK_OP_DUE;
}

qt_code qt_domain_apply(qt_domain *domain, qt_entry *entry, qt_task_op *op, qt_err *err) {
    if (entry->row.state == QT_TASK_NONE && op->kind != QT_TASK_OP_CREATE) {
        if (is_background(op->kind) || (op->kind == QT_TASK_OP_DELETE && op->is_unsure)) {
            return QT_OK;
        }
        char id[QT_UUID_TEXT_BYTES];
        qt_uuid_format(&op->id, id);
        return qt_fail(err, TASK_NOT_FOUND, "no task %s", id);
    }
    qt_entry before = *entry;
    size_t event_count = domain->event_count;
    qt_code code = apply(domain, entry, op, err);
    if (code != QT_OK) {
        *entry = before;
        domain->event_count = event_count;
    }
    return code;
}
