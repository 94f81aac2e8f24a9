/* Idempotency keys; entries of the tasks that the operations name; load and lock; apply in
 * order; save and commit. */
#include "services/task-svc/batch.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- leases ---- */

enum { LEASE_SLOTS = 1024, RENEW_AFTER_MS = 2000 };

struct qt_lease_cache {
    pthread_mutex_t lock;
    struct {
        int64_t key;
        int64_t renewed_ms;
    } slots[LEASE_SLOTS];
};

qt_lease_cache *qt_lease_cache_new(void) {
    qt_lease_cache *cache = qt_xcalloc(1, sizeof *cache);
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void qt_lease_cache_free(qt_lease_cache *cache) {
    if (cache != NULL) {
        pthread_mutex_destroy(&cache->lock);
        free(cache);
    }
}

static bool lease_is_fresh(qt_lease_cache *cache, int64_t key) {
    size_t slot = (size_t)key % LEASE_SLOTS;
    int64_t now_ms = qt_clock_mono_ms(qt_clock_system());
    pthread_mutex_lock(&cache->lock);
    bool is_fresh =
        cache->slots[slot].key == key && now_ms - cache->slots[slot].renewed_ms < RENEW_AFTER_MS;
    pthread_mutex_unlock(&cache->lock);
    return is_fresh;
}

static void lease_renewed(qt_lease_cache *cache, int64_t key, int64_t at_ms) {
    size_t slot = (size_t)key % LEASE_SLOTS;
    pthread_mutex_lock(&cache->lock);
    cache->slots[slot].key = key;
    cache->slots[slot].renewed_ms = at_ms;
    pthread_mutex_unlock(&cache->lock);
}

/* Whether the next step opens the transaction: the first one does. */
static bool opens_now(qt_batch *batch) {
    bool opens = !batch->is_open;
    batch->is_open = true;
    return opens;
}

/* ---- idempotency keys ---- */

static bool has_key(const qt_task_op *op) {
    return op->kind == QT_TASK_OP_CREATE && op->create.idem_key.p != NULL;
}

static int compare_spans(qt_span a, qt_span b) {
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_keys(const void *a, const void *b) {
    const qt_task_op *x = *(qt_task_op *const *)a;
    const qt_task_op *y = *(qt_task_op *const *)b;
    int order = compare_spans(x->create.row.project, y->create.row.project);
    return order != 0 ? order : compare_spans(x->create.idem_key, y->create.idem_key);
}

/* An operation whose key belongs to another task becomes a replay of that, or fails. */
static void take_first(qt_task_op *op, const qt_idem *first) {
    if (qt_uuid_compare(&op->id, &first->id) == 0) {
        return;
    }
    if (op->create.request_hash != first->request_hash) {
        op->code = qt_fail_field(&op->err, IDEMPOTENCY_MISMATCH, "idempotency_key",
                                 "the key was used for another request");
        return;
    }
    op->id = first->id;
    op->is_replay = true;
}

static qt_code resolve_keys(qt_batch *batch, qt_err *err) {
    void *memory = NULL;
    void *item_memory = NULL;
    size_t count = 0;
    QT_TRY(qt_arena_try_alloc(batch->arena, batch->op_count * sizeof(qt_task_op *), &memory, err));
    qt_task_op **keyed = memory;
    for (size_t i = 0; i < batch->op_count; i++) {
        if (has_key(batch->ops[i])) {
            keyed[count++] = batch->ops[i];
        }
    }
    if (count == 0) {
        return QT_OK;
    }
    qsort(keyed, count, sizeof *keyed, compare_keys);
    QT_TRY(qt_arena_try_calloc(batch->arena, count, sizeof(qt_idem), &item_memory, err));
    qt_idem *items = item_memory;
    for (size_t i = 0; i < count; i++) {
        items[i] = (qt_idem){.project = keyed[i]->create.row.project,
                             .key = keyed[i]->create.idem_key,
                             .id = keyed[i]->id,
                             .request_hash = keyed[i]->create.request_hash};
    }
    QT_TRY(qt_store_idem(batch->pq, opens_now(batch), items, count,
                         batch->options->idempotency_hours, err));
    for (size_t i = 0; i < count; i++) {
        take_first(keyed[i], &items[i]);
    }
    return QT_OK;
}

/* ---- entries ---- */

static size_t table_size(size_t count) {
    size_t size = 16;
    while (size < count * 2) {
        size *= 2;
    }
    return size;
}

/* Gives each operation its entry; two that name one task share it. */
static qt_code make_entries(qt_batch *batch, qt_err *err) {
    size_t size = table_size(batch->op_count);
    void *table_memory = NULL;
    void *entry_memory = NULL;
    void *list_memory = NULL;
    void *of_memory = NULL;
    QT_TRY(qt_arena_try_calloc(batch->arena, size, sizeof(qt_entry *), &table_memory, err));
    QT_TRY(
        qt_arena_try_calloc(batch->arena, batch->op_count, sizeof(qt_entry), &entry_memory, err));
    QT_TRY(qt_arena_try_calloc(batch->arena, batch->op_count, sizeof(void *), &list_memory, err));
    QT_TRY(qt_arena_try_calloc(batch->arena, batch->op_count, sizeof(void *), &of_memory, err));
    qt_entry **table = table_memory;
    qt_entry *entries = entry_memory;
    batch->entries = list_memory;
    batch->entry_of = of_memory;
    batch->entry_count = 0;
    for (size_t i = 0; i < batch->op_count; i++) {
        size_t at = (size_t)qt_uuid_hash(&batch->ops[i]->id) & (size - 1);
        while (table[at] != NULL && qt_uuid_compare(&table[at]->row.id, &batch->ops[i]->id) != 0) {
            at = (at + 1) & (size - 1);
        }
        if (table[at] == NULL) {
            table[at] = &entries[batch->entry_count];
            table[at]->row.id = batch->ops[i]->id;
            batch->entries[batch->entry_count++] = table[at];
        }
        table[at]->uses++;
        batch->entry_of[i] = table[at];
    }
    return QT_OK;
}

static int compare_entries(const void *a, const void *b) {
    return qt_uuid_compare(&(*(qt_entry *const *)a)->row.id, &(*(qt_entry *const *)b)->row.id);
}

/* A new task with a new id need not be looked for. */
static bool needs_load(const qt_task_op *op) {
    return op->kind != QT_TASK_OP_CREATE || op->is_replay || op->is_unsure;
}

/* The periodic jobs may send the task, with its spec if that is small enough to travel. */
static int32_t want_of(const qt_batch *batch, const qt_task_op *op) {
    if (op->kind == QT_TASK_OP_CREATE) {
        return QT_WANT_ALL;
    }
    return op->kind >= QT_TASK_OP_DUE ? (int32_t)batch->options->inline_bytes : op->want;
}

static void mark_wanted(const qt_batch *batch, bool *ret_any_claim) {
    *ret_any_claim = false;
    for (size_t i = 0; i < batch->op_count; i++) {
        qt_task_op *op = batch->ops[i];
        if (op->code != QT_OK || !needs_load(op)) {
            continue;
        }
        qt_entry *entry = batch->entry_of[i];
        int32_t want = want_of(batch, op);
        entry->is_wanted = true;
        entry->want = want > entry->want ? want : entry->want;
        *ret_any_claim |= op->kind == QT_TASK_OP_CLAIM;
    }
}

static qt_code load_entries(qt_batch *batch, int64_t *ret_fence, qt_err *err) {
    bool any_claim = false;
    void *list_memory = NULL;
    size_t count = 0;
    mark_wanted(batch, &any_claim);
    QT_TRY(
        qt_arena_try_calloc(batch->arena, batch->entry_count, sizeof(void *), &list_memory, err));
    qt_entry **list = list_memory;
    for (size_t i = 0; i < batch->entry_count; i++) {
        if (batch->entries[i]->is_wanted) {
            list[count++] = batch->entries[i];
        }
    }
    if (count == 0) {
        return QT_OK;
    }
    return qt_store_load(batch->pq, opens_now(batch), list, count, batch->arena,
                         any_claim ? ret_fence : NULL, err);
}

/* ---- apply and save ---- */

static qt_code apply_all(qt_batch *batch, int64_t first_fence, qt_domain *domain, qt_err *err) {
    void *events = NULL;
    size_t cap = batch->op_count * QT_EVENTS_PER_OP;
    QT_TRY(qt_arena_try_alloc(batch->arena, cap * sizeof(qt_task_event), &events, err));
    *domain = (qt_domain){.now_us = batch->now_us,
                          .max_crashes = (int32_t)batch->options->max_crashes,
                          .max_job_crashes = (int32_t)batch->options->max_job_crashes,
                          .take_window = batch->options->take_window,
                          .self = batch->options->self,
                          .next_fence = first_fence,
                          .events = events,
                          .event_cap = cap};
    for (size_t i = 0; i < batch->op_count; i++) {
        qt_task_op *op = batch->ops[i];
        if (op->code == QT_OK) {
            op->code = qt_domain_apply(domain, batch->entry_of[i], op, &op->err);
        }
    }
    for (size_t i = 0; i < batch->entry_count; i++) {
        if (batch->entries[i]->uses > 1) { /* texts of one operation must outlive it */
            QT_TRY(qt_row_keep(batch->arena, &batch->entries[i]->row, err));
        }
    }
    return QT_OK;
}

static int compare_leases(const void *a, const void *b) {
    const qt_lease *x = a;
    const qt_lease *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* The workers of this batch's claims whose lease is not fresh, each once. */
static qt_code find_leases(qt_batch *batch, qt_lease **ret_leases, size_t *ret_count, qt_err *err) {
    void *memory = NULL;
    size_t found = 0;
    size_t count = 0;
    QT_TRY(qt_arena_try_calloc(batch->arena, batch->op_count, sizeof(qt_lease), &memory, err));
    qt_lease *leases = memory;
    for (size_t i = 0; i < batch->op_count; i++) {
        const qt_task_op *op = batch->ops[i];
        if (op->kind == QT_TASK_OP_CLAIM && op->code == QT_OK &&
            !lease_is_fresh(batch->leases, op->claim.worker_key)) {
            leases[found++] = (qt_lease){op->claim.worker_key, op->claim.worker};
        }
    }
    qsort(leases, found, sizeof *leases, compare_leases);
    for (size_t i = 0; i < found; i++) {
        if (count == 0 || leases[count - 1].key != leases[i].key) {
            leases[count++] = leases[i];
        }
    }
    *ret_leases = leases;
    *ret_count = count;
    return QT_OK;
}

static bool any_changed(const qt_batch *batch) {
    for (size_t i = 0; i < batch->entry_count; i++) {
        if (batch->entries[i]->is_changed) {
            return true;
        }
    }
    return false;
}

static qt_code save(qt_batch *batch, const qt_domain *domain, qt_err *err) {
    qt_lease *leases = NULL;
    size_t lease_count = 0;
    int64_t now_ms = qt_clock_mono_ms(qt_clock_system());
    QT_TRY(find_leases(batch, &leases, &lease_count, err));
    if (!any_changed(batch) && lease_count == 0) {
        if (batch->is_open) {
            qt_store_rollback(batch->pq); /* only locks to let go */
        }
        return QT_OK;
    }
    const qt_save what = {.entries = (const qt_entry *const *)batch->entries,
                          .entry_count = batch->entry_count,
                          .events = domain->events,
                          .event_count = domain->event_count,
                          .leases = leases,
                          .lease_count = lease_count,
                          .lease_ms = batch->options->lease_ms};
    QT_TRY(qt_store_save(batch->pq, opens_now(batch), &what, err));
    for (size_t i = 0; i < lease_count; i++) {
        lease_renewed(batch->leases, leases[i].key, now_ms);
    }
    return QT_OK;
}

static void reset_ops(const qt_batch *batch) {
    for (size_t i = 0; i < batch->op_count; i++) {
        qt_task_op *op = batch->ops[i];
        op->code = QT_OK;
        op->row = NULL;
        op->is_replay = false;
        if (op->kind == QT_TASK_OP_CREATE) {
            op->id = op->create.row.id; /* an earlier run may have made it a replay */
        }
    }
}

static void show_rows(const qt_batch *batch) {
    for (size_t i = 0; i < batch->op_count; i++) {
        const qt_row *row = &batch->entry_of[i]->row;
        batch->ops[i]->row =
            batch->ops[i]->code == QT_OK && row->state != QT_TASK_NONE ? row : NULL;
    }
}

qt_code qt_batch_run(qt_batch *batch, qt_err *err) {
    qt_domain domain;
    int64_t fence = 0;
    reset_ops(batch);
    batch->is_open = false;
    QT_TRY(resolve_keys(batch, err));
    QT_TRY(make_entries(batch, err));
    qsort(batch->entries, batch->entry_count, sizeof *batch->entries, compare_entries);
    QT_TRY(load_entries(batch, &fence, err));
    QT_TRY(apply_all(batch, fence, &domain, err));
    QT_TRY(save(batch, &domain, err));
    batch->events = domain.events;
    batch->event_count = domain.event_count;
    show_rows(batch);
    return QT_OK;
}
