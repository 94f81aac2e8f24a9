#include "services/queue-svc/handlers.h"

#include "base/log.h"
#include "qtaskdist/v1/queue_service.rpc.h"
#include "services/queue-svc/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 10000, MAX_LEASED = 1000, MAX_WAIT_MS = 30000, MAX_CONSUMER_BYTES = 128 };

typedef Qtaskdist__V1__TaskType task_type;

/* ---- checks ---- */

static qt_code check_type(task_type type, const char *field, int *ret_type, qt_err *err) {
    if (type == QTASKDIST__V1__TASK_TYPE__TASK_TYPE_UNSPECIFIED) {
        return qt_fail_field(err, FIELD_REQUIRED, field, "a task type is required");
    }
    if ((int)type < 0 || (int)type > QT_QUEUE_TYPES) {
        return qt_fail_field(err, FIELD_INVALID, field, "%d is no task type", (int)type);
    }
    *ret_type = (int)type - 1;
    return QT_OK;
}

static qt_code check_band(Qtaskdist__V1__TaskPriority priority, qt_band *ret_band, qt_err *err) {
    switch (priority) {
    case QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_HIGH:
        *ret_band = QT_BAND_HIGH;
        return QT_OK;
    case QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_UNSPECIFIED:
    case QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_NORMAL:
        *ret_band = QT_BAND_NORMAL;
        return QT_OK;
    case QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_LOW:
        *ret_band = QT_BAND_LOW;
        return QT_OK;
    case _QTASKDIST__V1__TASK_PRIORITY_IS_INT_SIZE:
    default:
        return qt_fail_field(err, FIELD_INVALID, "priority", "%d is no priority", (int)priority);
    }
}

/* 8-4-4-4-12 hexadecimal digits. */
static bool is_uuid(const char *s) {
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool digit = (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f') ||
                     (s[i] >= 'A' && s[i] <= 'F');
        if (dash ? s[i] != '-' : !digit) {
            return false;
        }
    }
    return s[36] == '\0';
}

/* "<digits>-<digits>" as Redis makes them. */
static bool is_entry_id(const char *s) {
    size_t ms = strspn(s, "0123456789");
    size_t number = s[ms] == '-' ? strspn(s + ms + 1, "0123456789") : 0;
    return ms > 0 && ms <= 20 && number > 0 && number <= 20 && s[ms + 1 + number] == '\0';
}

static qt_code check_count(size_t count, size_t max, const char *field, qt_err *err) {
    return count <= max
               ? QT_OK
               : qt_fail_field(err, FIELD_INVALID, field, "%zu items, at most %zu", count, max);
}

/* Puts "name[i]." in front of the field of an error about item i. */
static qt_code in_item(qt_code code, const char *name, size_t i, qt_err *err) {
    if (code != QT_OK) {
        char prefix[40];
        snprintf(prefix, sizeof prefix, "%s[%zu].", name, i);
        qt_err_prefix_field(err, prefix);
    }
    return code;
}

/* ---- Enqueue ---- */

static qt_code pack_payload(qt_arena *arena, const Qtaskdist__V1__TaskPayload *payload, size_t max,
                            qt_new_entry *entry, qt_err *err) {
    if (payload == NULL) {
        return QT_OK;
    }
    size_t len = protobuf_c_message_get_packed_size(&payload->base);
    if (len > max) {
        return qt_fail_field(err, FIELD_INVALID, "payload", "%zu bytes, at most %zu travel along",
                             len, max);
    }
    void *bytes = NULL;
    QT_TRY(qt_arena_try_alloc(arena, len > 0 ? len : 1, &bytes, err));
    entry->payload = bytes;
    entry->payload_len = protobuf_c_message_pack(&payload->base, bytes);
    return QT_OK;
}

static qt_code make_entry(const qt_queue_handlers *h, qt_arena *arena,
                          const Qtaskdist__V1__QueueEntry *from, qt_new_entry *entry, qt_err *err) {
    int type = 0;
    qt_band band = QT_BAND_NORMAL;
    if (!is_uuid(from->task_id)) {
        return qt_fail_field(err, ID_INVALID, "task_id", "not a UUID");
    }
    QT_TRY(check_type(from->task_type, "task_type", &type, err));
    QT_TRY(check_band(from->priority, &band, err));
    if (from->dispatch_seq < 0) {
        return qt_fail_field(err, FIELD_INVALID, "dispatch_seq", "negative");
    }
    entry->stream = qt_stream_of(type, band);
    entry->task_id = from->task_id;
    entry->dispatch_seq = from->dispatch_seq;
    qt_trace_ctx trace;
    entry->traceparent = qt_trace_parse(from->traceparent, &trace) ? from->traceparent : NULL;
    return pack_payload(arena, from->payload, h->max_payload_bytes, entry, err);
}

static void count_enqueued(const qt_queue_handlers *h, const qt_new_entry *entries, size_t count) {
    unsigned counts[QT_STREAMS] = {0};
    unsigned types = 0;
    for (size_t i = 0; i < count; i++) {
        counts[entries[i].stream]++;
    }
    for (int i = 0; i < QT_STREAMS; i++) {
        if (counts[i] > 0) {
            qt_queue_count(QT_QUEUE_METRIC_ENQUEUED, qt_stream_name(i), counts[i]);
            types |= 1U << qt_stream_type(i);
        }
    }
    if (h->scaler != NULL) {
        qt_scaler_added(h->scaler, types);
    }
}

static qt_code no_memory(qt_err *err) {
    return qt_fail(err, MEMORY_LIMIT, "the reply does not fit the memory of a call");
}

#define NEW_MESSAGE(ctx, name) ((void *)qt_rpc_message((ctx), &qtaskdist__v1__##name##__descriptor))

static qt_code enqueue(qt_rpc_ctx *ctx, const Qtaskdist__V1__EnqueueRequest *req,
                       Qtaskdist__V1__EnqueueResponse **ret_resp, qt_err *err) {
    const qt_queue_handlers *h = qt_rpc_self(ctx);
    qt_arena *arena = qt_rpc_arena(ctx);
    void *entries = NULL, *ids = NULL, *texts = NULL;
    QT_TRY(check_count(req->n_entries, MAX_ENTRIES, "entries", err));
    QT_TRY(qt_arena_try_calloc(arena, req->n_entries, sizeof(qt_new_entry), &entries, err));
    QT_TRY(qt_arena_try_calloc(arena, req->n_entries, QT_ENTRY_ID_BYTES, &ids, err));
    QT_TRY(qt_arena_try_calloc(arena, req->n_entries, sizeof(char *), &texts, err));
    for (size_t i = 0; i < req->n_entries; i++) {
        qt_new_entry *entry = (qt_new_entry *)entries + i;
        QT_TRY(in_item(make_entry(h, arena, req->entries[i], entry, err), "entries", i, err));
        ((char **)texts)[i] = (char *)ids + i * QT_ENTRY_ID_BYTES;
    }
    Qtaskdist__V1__EnqueueResponse *resp = NEW_MESSAGE(ctx, enqueue_response);
    if (resp == NULL) {
        return no_memory(err);
    }
    QT_TRY(h->store.ops->add(h->store.self, entries, req->n_entries, ids, err));
    count_enqueued(h, entries, req->n_entries);
    resp->n_entry_ids = req->n_entries;
    resp->entry_ids = texts;
    *ret_resp = resp;
    return QT_OK;
}

/* ---- LeaseMessages: the call is deferred, and the hub's thread ends it ---- */

typedef struct lease_call {
    qt_waiter waiter; /* first: the hub knows this part */
    qt_rpc_ctx *ctx;
} lease_call;

static bool lease_gone(const qt_waiter *waiter) {
    return qt_rpc_cancelled(((const lease_call *)waiter)->ctx);
}

/* The payload stands in the entry as the bytes that the reply needs, so it goes out as a field
 * that protobuf-c copies verbatim: number 6, its length, its bytes. */
static qt_code add_payload(qt_arena *arena, const qt_entry *entry, ProtobufCMessage *message,
                           qt_err *err) {
    enum { PAYLOAD_FIELD = 6, MAX_VARINT = 10 };
    void *memory = NULL;
    QT_TRY(qt_arena_try_alloc(
        arena, sizeof(ProtobufCMessageUnknownField) + MAX_VARINT + entry->payload_len, &memory,
        err));
    ProtobufCMessageUnknownField *field = memory;
    uint8_t *data = (uint8_t *)(field + 1);
    size_t n = 0;
    for (size_t rest = entry->payload_len; n == 0 || rest > 0; rest >>= 7) {
        data[n++] = (uint8_t)(rest > 127 ? (rest & 127) | 128 : rest);
    }
    memcpy(data + n, entry->payload, entry->payload_len);
    *field = (ProtobufCMessageUnknownField){.tag = PAYLOAD_FIELD,
                                            .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                            .len = n + entry->payload_len,
                                            .data = data};
    message->n_unknown_fields = 1;
    message->unknown_fields = field;
    return QT_OK;
}

/* From Redis' time of the entry to now. What the worker does is a child of it. */
static qt_code trace_wait(qt_arena *arena, const qt_entry *entry, Qtaskdist__V1__LeasedMessage *m,
                          qt_err *err) {
    qt_trace_span *span = NULL;
    void *text = NULL;
    if (!qt_trace_is_set(&entry->trace)) {
        return QT_OK;
    }
    QT_TRY(qt_arena_try_alloc(arena, QT_TRACEPARENT_BYTES, &text, err));
    qt_trace_ctx ctx = qt_trace_begin("queue wait", QT_TRACE_INTERNAL, &entry->trace, &span);
    qt_trace_began_at(span, strtoll(entry->id, NULL, 10) * 1000);
    qt_trace_str(span, "qt.stream", qt_stream_name(entry->stream));
    qt_trace_str(span, "qt.task_id", entry->task_id);
    qt_trace_int(span, "qt.delivery_count", entry->delivery_count);
    qt_trace_end(span, NULL);
    qt_trace_format(&ctx, text);
    m->traceparent = text;
    return QT_OK;
}

static qt_code make_message(qt_rpc_ctx *ctx, qt_entry *entry,
                            Qtaskdist__V1__LeasedMessage **ret_message, qt_err *err) {
    Qtaskdist__V1__LeasedMessage *m = NEW_MESSAGE(ctx, leased_message);
    if (m == NULL) {
        return no_memory(err);
    }
    m->stream = (char *)(uintptr_t)qt_stream_name(entry->stream);
    m->entry_id = entry->id;
    m->task_id = entry->task_id;
    m->task_type = (task_type)(qt_stream_type(entry->stream) + 1);
    m->dispatch_seq = entry->dispatch_seq;
    m->delivery_count = entry->delivery_count;
    QT_TRY(trace_wait(qt_rpc_arena(ctx), entry, m, err));
    if (entry->payload_len > 0) {
        QT_TRY(add_payload(qt_rpc_arena(ctx), entry, &m->base, err));
    }
    *ret_message = m;
    return QT_OK;
}

static qt_code make_reply(qt_rpc_ctx *ctx, const qt_entry_list *entries,
                          Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err) {
    void *messages = NULL;
    Qtaskdist__V1__LeaseMessagesResponse *resp = NEW_MESSAGE(ctx, lease_messages_response);
    if (resp == NULL) {
        return no_memory(err);
    }
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), entries->count, sizeof(void *), &messages, err));
    resp->messages = messages;
    for (qt_entry *e = entries->first; e != NULL; e = e->next) {
        QT_TRY(make_message(ctx, e, &resp->messages[resp->n_messages], err));
        resp->n_messages++;
    }
    *ret_resp = resp;
    return QT_OK;
}

static void lease_done(qt_waiter *waiter, qt_entry_list *entries, const qt_err *failure) {
    qt_rpc_ctx *ctx = ((lease_call *)waiter)->ctx;
    Qtaskdist__V1__LeaseMessagesResponse *resp = NULL;
    qt_err err;
    if (failure == NULL && make_reply(ctx, entries, &resp, &err) != QT_OK) {
        failure = &err;
    }
    if (failure != NULL) {
        qt_rpc_fail(ctx, failure);
    } else {
        qt_rpc_reply(ctx, &resp->base);
    }
}

static qt_code check_lease(const Qtaskdist__V1__LeaseMessagesRequest *req, unsigned *ret_types,
                           qt_err *err) {
    unsigned types = 0;
    if (strlen(req->consumer) > MAX_CONSUMER_BYTES) {
        return qt_fail_field(err, FIELD_INVALID, "consumer", "longer than %d bytes",
                             MAX_CONSUMER_BYTES);
    }
    if (req->n_task_types == 0) {
        return qt_fail_field(err, FIELD_REQUIRED, "task_types", "name at least one type");
    }
    for (size_t i = 0; i < req->n_task_types; i++) {
        int type = 0;
        QT_TRY(check_type(req->task_types[i], "task_types", &type, err));
        types |= 1U << type;
    }
    if (req->max_messages < 0 || req->max_messages > MAX_LEASED) {
        return qt_fail_field(err, FIELD_INVALID, "max_messages", "not from 0 to %d", MAX_LEASED);
    }
    if (req->wait_ms < 0 || req->wait_ms > MAX_WAIT_MS) {
        return qt_fail_field(err, FIELD_INVALID, "wait_ms", "not from 0 to %d", MAX_WAIT_MS);
    }
    *ret_types = types;
    return QT_OK;
}

/* The wait ends a little before the caller's own deadline, so that entries are not sent to a
 * caller that has just given up. */
static int64_t wait_time_ms(const qt_rpc_ctx *ctx, int64_t asked_ms) {
    enum { MARGIN_MS = 50 };
    int64_t left_ms = qt_rpc_remaining_ms(ctx) - MARGIN_MS;
    left_ms = left_ms > 0 ? left_ms : 0;
    return asked_ms < left_ms ? asked_ms : left_ms;
}

static qt_code lease_messages(qt_rpc_ctx *ctx, const Qtaskdist__V1__LeaseMessagesRequest *req,
                              Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err) {
    const qt_queue_handlers *h = qt_rpc_self(ctx);
    unsigned types = 0;
    void *memory = NULL;
    (void)ret_resp;
    QT_TRY(check_lease(req, &types, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(lease_call), &memory, err));
    lease_call *call = memory;
    call->ctx = ctx;
    call->waiter = (qt_waiter){
        .types = types,
        .max_count = req->max_messages > 0 ? (size_t)req->max_messages : 1,
        .deadline_ms = qt_hub_now_ms(h->hub) + wait_time_ms(ctx, req->wait_ms),
        .gone = lease_gone,
        .done = lease_done,
    };
    qt_rpc_defer(ctx);
    qt_hub_wait(h->hub, &call->waiter);
    return QT_OK;
}

/* ---- Ack ---- */

static qt_code ack(qt_rpc_ctx *ctx, const Qtaskdist__V1__AckRequest *req,
                   Qtaskdist__V1__AckResponse **ret_resp, qt_err *err) {
    const qt_queue_handlers *h = qt_rpc_self(ctx);
    void *memory = NULL;
    QT_TRY(check_count(req->n_items, MAX_ENTRIES, "items", err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), req->n_items, sizeof(qt_ack), &memory, err));
    qt_ack *acks = memory;
    for (size_t i = 0; i < req->n_items; i++) {
        acks[i].stream = qt_stream_from_name(req->items[i]->stream);
        acks[i].id = req->items[i]->entry_id;
        qt_code code = QT_OK;
        if (acks[i].stream < 0) {
            code = qt_fail_field(err, FIELD_INVALID, "stream", "no such stream");
        } else if (!is_entry_id(acks[i].id)) {
            code = qt_fail_field(err, FIELD_INVALID, "entry_id", "not an entry id");
        }
        QT_TRY(in_item(code, "items", i, err));
    }
    Qtaskdist__V1__AckResponse *resp = NEW_MESSAGE(ctx, ack_response);
    if (resp == NULL) {
        return no_memory(err);
    }
    size_t count = 0;
    QT_TRY(h->store.ops->ack(h->store.self, acks, req->n_items, &count, err));
    qt_queue_count(QT_QUEUE_METRIC_ACKED, NULL, (double)count);
    resp->acked_count = (int32_t)count;
    *ret_resp = resp;
    return QT_OK;
}

/* ---- Stats, ReportRunning, PauseQueue, ResumeQueue, Purge ---- */

static Qtaskdist__V1__TaskPriority priority_of(qt_band band) {
    static const Qtaskdist__V1__TaskPriority priorities[QT_QUEUE_BANDS] = {
        [QT_BAND_HIGH] = QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_HIGH,
        [QT_BAND_NORMAL] = QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_NORMAL,
        [QT_BAND_LOW] = QTASKDIST__V1__TASK_PRIORITY__TASK_PRIORITY_LOW,
    };
    return priorities[band];
}

static void fill_stats(int stream, const qt_queue_stats *stats, Qtaskdist__V1__StreamStats *to) {
    const qt_stream_stats *from = &stats->streams[stream];
    to->stream = (char *)(uintptr_t)qt_stream_name(stream);
    to->task_type = (task_type)(qt_stream_type(stream) + 1);
    to->priority = priority_of(qt_stream_band(stream));
    to->length = from->length;
    to->lag = from->lag;
    to->pending = from->pending;
    to->oldest_age_ms = from->oldest_age_ms;
    to->has_live = from->has_live;
    to->paused = (stats->paused & 1U << qt_stream_type(stream)) != 0;
}

static qt_code asked_types(const Qtaskdist__V1__StatsRequest *req, unsigned *ret_types,
                           qt_err *err) {
    unsigned types = req->n_task_types == 0 ? ~0U : 0;
    for (size_t i = 0; i < req->n_task_types; i++) {
        int type = 0;
        QT_TRY(check_type(req->task_types[i], "task_types", &type, err));
        types |= 1U << type;
    }
    *ret_types = types;
    return QT_OK;
}

static qt_code add_running(qt_rpc_ctx *ctx, unsigned types, const int64_t counts[QT_QUEUE_TYPES],
                           Qtaskdist__V1__StatsResponse *resp, qt_err *err) {
    void *list = NULL;
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), QT_QUEUE_TYPES, sizeof(void *), &list, err));
    resp->running = list;
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        if ((types & 1U << type) == 0) {
            continue;
        }
        Qtaskdist__V1__RunningTasks *r = NEW_MESSAGE(ctx, running_tasks);
        if (r == NULL) {
            return no_memory(err);
        }
        r->task_type = (task_type)(type + 1);
        r->count = counts[type];
        resp->running[resp->n_running++] = r;
    }
    return QT_OK;
}

static qt_code stats(qt_rpc_ctx *ctx, const Qtaskdist__V1__StatsRequest *req,
                     Qtaskdist__V1__StatsResponse **ret_resp, qt_err *err) {
    const qt_queue_handlers *h = qt_rpc_self(ctx);
    unsigned types = 0;
    void *list = NULL;
    qt_queue_stats all;
    QT_TRY(asked_types(req, &types, err));
    QT_TRY(h->store.ops->stats(h->store.self, &all, err));
    Qtaskdist__V1__StatsResponse *resp = NEW_MESSAGE(ctx, stats_response);
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), QT_STREAMS, sizeof(void *), &list, err));
    if (resp == NULL) {
        return no_memory(err);
    }
    resp->streams = list;
    for (int i = 0; i < QT_STREAMS; i++) {
        if ((types & 1U << qt_stream_type(i)) == 0) {
            continue;
        }
        Qtaskdist__V1__StreamStats *s = NEW_MESSAGE(ctx, stream_stats);
        if (s == NULL) {
            return no_memory(err);
        }
        fill_stats(i, &all, s);
        resp->streams[resp->n_streams++] = s;
    }
    QT_TRY(add_running(ctx, types, all.running, resp, err));
    resp->epoch = qt_arena_strdup(qt_rpc_arena(ctx), all.epoch);
    *ret_resp = resp;
    return resp->epoch != NULL ? QT_OK : no_memory(err);
}

static qt_code report_running(qt_rpc_ctx *ctx, const Qtaskdist__V1__ReportRunningRequest *req,
                              Qtaskdist__V1__ReportRunningResponse **ret_resp, qt_err *err) {
    const qt_queue_handlers *h = qt_rpc_self(ctx);
    int64_t counts[QT_QUEUE_TYPES] = {0};
    unsigned types = 0;
    for (size_t i = 0; i < req->n_running; i++) {
        const Qtaskdist__V1__RunningTasks *r = req->running[i];
        int type = 0;
        QT_TRY(in_item(check_type(r->task_type, "task_type", &type, err), "running", i, err));
        if (r->count < 0) {
            return in_item(qt_fail_field(err, FIELD_INVALID, "count", "negative"), "running", i,
                           err);
        }
        counts[type] = r->count;
        types |= 1U << type;
    }
    if (types != 0) {
        QT_TRY(h->store.ops->set_running(h->store.self, types, counts, err));
    }
    *ret_resp = NEW_MESSAGE(ctx, report_running_response);
    return *ret_resp != NULL ? QT_OK : no_memory(err);
}

static qt_code set_paused(const qt_queue_handlers *h, task_type wire_type, bool paused,
                          qt_err *err) {
    int type = 0;
    QT_TRY(check_type(wire_type, "task_type", &type, err));
    QT_TRY(h->store.ops->set_paused(h->store.self, type, paused, err));
    qt_hub_set_paused(h->hub, type, paused);
    qt_log(INFO, paused ? "a queue is paused" : "a queue is resumed",
           QT_KV_STR("type", qt_queue_type_name(type)));
    return QT_OK;
}

static qt_code pause_queue(qt_rpc_ctx *ctx, const Qtaskdist__V1__PauseQueueRequest *req,
                           Qtaskdist__V1__PauseQueueResponse **ret_resp, qt_err *err) {
    QT_TRY(set_paused(qt_rpc_self(ctx), req->task_type, true, err));
    *ret_resp = NEW_MESSAGE(ctx, pause_queue_response);
    return *ret_resp != NULL ? QT_OK : no_memory(err);
}

static qt_code resume_queue(qt_rpc_ctx *ctx, const Qtaskdist__V1__ResumeQueueRequest *req,
                            Qtaskdist__V1__ResumeQueueResponse **ret_resp, qt_err *err) {
    QT_TRY(set_paused(qt_rpc_self(ctx), req->task_type, false, err));
    *ret_resp = NEW_MESSAGE(ctx, resume_queue_response);
    return *ret_resp != NULL ? QT_OK : no_memory(err);
}

static qt_code purge(qt_rpc_ctx *ctx, const Qtaskdist__V1__PurgeRequest *req,
                     Qtaskdist__V1__PurgeResponse **ret_resp, qt_err *err) {
    const qt_queue_handlers *h = qt_rpc_self(ctx);
    int type = 0;
    size_t count = 0;
    QT_TRY(check_type(req->task_type, "task_type", &type, err));
    QT_TRY(h->store.ops->purge(h->store.self, type, &count, err));
    qt_log(WARN, "a queue is purged", QT_KV_STR("type", qt_queue_type_name(type)),
           QT_KV_INT("count", count));
    Qtaskdist__V1__PurgeResponse *resp = NEW_MESSAGE(ctx, purge_response);
    if (resp == NULL) {
        return no_memory(err);
    }
    resp->purged_count = (int64_t)count;
    *ret_resp = resp;
    return QT_OK;
}

/* ---- TakeTokens ---- */

static bool is_bucket_name(const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
    return len > 0 && len < QT_BUCKET_BYTES && name[len] == '\0';
}

static qt_code check_tokens(const Qtaskdist__V1__TakeTokensRequest *req, qt_err *err) {
    enum { MAX_TOKENS = 10000, MAX_CAPACITY = 1000000, MAX_BLOCK_MS = 86400000 };
    const double max_rate = 1e6;
    if (!is_bucket_name(req->bucket)) {
        return qt_fail_field(err, FIELD_INVALID, "bucket", "not 1 to 64 of [a-z0-9_.-]");
    }
    if (req->tokens < 0 || req->tokens > MAX_TOKENS) {
        return qt_fail_field(err, FIELD_INVALID, "tokens", "not from 0 to %d", MAX_TOKENS);
    }
    if (req->capacity < 1 || req->capacity > MAX_CAPACITY) {
        return qt_fail_field(err, FIELD_INVALID, "capacity", "not from 1 to %d", MAX_CAPACITY);
    }
    if (req->reserve < 0 || req->reserve > req->capacity - req->tokens) {
        return qt_fail_field(err, FIELD_INVALID, "reserve", "negative, or too much to ever grant");
    }
    if (!(req->refill_per_second >= 1e-6 && req->refill_per_second <= max_rate)) {
        return qt_fail_field(err, FIELD_INVALID, "refill_per_second", "not from 1e-6 to %g",
                             max_rate);
    }
    if (req->block_ms < 0 || req->block_ms > MAX_BLOCK_MS) {
        return qt_fail_field(err, FIELD_INVALID, "block_ms", "not from 0 to %d", MAX_BLOCK_MS);
    }
    return QT_OK;
}

static qt_code take_tokens(qt_rpc_ctx *ctx, const Qtaskdist__V1__TakeTokensRequest *req,
                           Qtaskdist__V1__TakeTokensResponse **ret_resp, qt_err *err) {
    const qt_queue_handlers *h = qt_rpc_self(ctx);
    qt_token_grant grant;
    QT_TRY(check_tokens(req, err));
    const qt_token_wish wish = {.bucket = req->bucket,
                                .tokens = req->tokens,
                                .reserve = req->reserve,
                                .capacity = req->capacity,
                                .refill_per_second = req->refill_per_second,
                                .block_ms = req->block_ms,
                                .in_line = req->in_line};
    Qtaskdist__V1__TakeTokensResponse *resp = NEW_MESSAGE(ctx, take_tokens_response);
    if (resp == NULL) {
        return no_memory(err);
    }
    QT_TRY(h->store.ops->take_tokens(h->store.self, &wish, &grant, err));
    resp->granted = grant.granted;
    resp->retry_after_ms = grant.retry_after_ms;
    resp->left = grant.left;
    *ret_resp = resp;
    return QT_OK;
}

static const qt_queue_service_ops ops = {
    .enqueue = enqueue,
    .lease_messages = lease_messages,
    .ack = ack,
    .stats = stats,
    .report_running = report_running,
    .pause_queue = pause_queue,
    .resume_queue = resume_queue,
    .purge = purge,
    .take_tokens = take_tokens,
};

void qt_queue_handlers_register(qt_rpc_server *server, qt_queue_handlers *handlers) {
    qt_queue_service_register(server, &ops, handlers);
    qt_rpc_server_set_flags(server, QT_QUEUE_SERVICE_LEASE_MESSAGES_PATH, QT_RPC_INLINE);
}
