/* The happy path: StreamIsActive adds a watcher and wakes the thread, which asks the store and
 * sends the answer; from then on a change is sent. When the store fails, watchers keep what they
 * were told last. */
#include "services/queue-svc/scaler.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/wait.h"
#include "externalscaler/externalscaler_service.rpc.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define METRIC_NAME "tasks"

enum { MAX_TASKS_PER_REPLICA = 1000000 };

/* What a watcher was told, or is to be told. */
typedef enum activity { UNKNOWN, IDLE, ACTIVE } activity;

/* In the arena of its call. */
typedef struct watcher {
    qt_scaler *scaler;
    qt_rpc_ctx *ctx;
    unsigned types;
    activity now;
    activity told;
    bool sending;
    bool linked;
    struct watcher *prev;
    struct watcher *next;
} watcher;

struct qt_scaler {
    qt_store store;
    int64_t poll_ms;
    pthread_t thread;
    atomic_uint idle_types; /* that somebody who watches was told to be idle */
    pthread_mutex_t lock;   /* what follows */
    pthread_cond_t changed;
    watcher *watchers;
    unsigned added; /* types */
    bool is_new;    /* a watcher came */
    bool stopping;
    bool failing; /* the thread's own: the store */
};

/* ---- metadata ---- */

static const char *metadata(const Externalscaler__ScaledObjectRef *ref, const char *key) {
    for (size_t i = 0; i < ref->n_scalermetadata; i++) {
        if (strcmp(ref->scalermetadata[i]->key, key) == 0) {
            return ref->scalermetadata[i]->value;
        }
    }
    return "";
}

/* The names that the REST API uses, by type. */
static int type_of_name(const char *name, size_t len) {
    static const char *const names[QT_QUEUE_TYPES] = {"simulate", "c_qir_convert", "backend_run"};
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        if (strlen(names[type]) == len && memcmp(names[type], name, len) == 0) {
            return type;
        }
    }
    return -1;
}

static qt_code read_types(const Externalscaler__ScaledObjectRef *ref, unsigned *ret_types,
                          qt_err *err) {
    const char *field = "scalerMetadata.taskTypes";
    const char *at = metadata(ref, "taskTypes");
    unsigned types = 0;
    if (at[0] == '\0') {
        return qt_fail_field(
            err, FIELD_REQUIRED, field,
            "taskTypes: name the task types: simulate, c_qir_convert, backend_run");
    }
    for (;;) {
        at += strspn(at, " ");
        size_t len = strcspn(at, " ,");
        int type = type_of_name(at, len);
        if (type < 0) {
            return qt_fail_field(err, FIELD_INVALID, field, "taskTypes: \"%.*s\" is no task type",
                                 len < 40 ? (int)len : 40, at);
        }
        types |= 1U << type;
        at += len;
        at += strspn(at, " ");
        if (*at == '\0') {
            break;
        }
        if (*at++ != ',') {
            return qt_fail_field(err, FIELD_INVALID, field,
                                 "taskTypes: names are separated by commas");
        }
    }
    *ret_types = types;
    return QT_OK;
}

static qt_code read_target(const Externalscaler__ScaledObjectRef *ref, int64_t *ret_target,
                           qt_err *err) {
    const char *text = metadata(ref, "tasksPerReplica");
    if (text[0] == '\0') {
        *ret_target = 1;
        return QT_OK;
    }
    size_t digits = strspn(text, "0123456789");
    long long value = digits > 0 && digits < 10 && text[digits] == '\0' ? atoll(text) : 0;
    if (value < 1 || value > MAX_TASKS_PER_REPLICA) {
        return qt_fail_field(err, FIELD_INVALID, "scalerMetadata.tasksPerReplica",
                             "tasksPerReplica: not a number from 1 to %d", MAX_TASKS_PER_REPLICA);
    }
    *ret_target = value;
    return QT_OK;
}

/* ---- work ---- */

static int64_t work_of(const qt_queue_stats *stats, unsigned types) {
    int64_t work = 0;
    for (int type = 0; type < QT_QUEUE_TYPES; type++) {
        work += (types & 1U << type) != 0 ? stats->running[type] : 0;
    }
    for (int stream = 0; stream < QT_STREAMS; stream++) {
        const qt_stream_stats *s = &stats->streams[stream];
        work += (types & 1U << qt_stream_type(stream)) != 0 ? s->lag + s->pending : 0;
    }
    return work;
}

static qt_code ask_work(const qt_scaler *scaler, unsigned types, int64_t *ret_work, qt_err *err) {
    qt_queue_stats stats;
    QT_TRY(scaler->store.ops->stats(scaler->store.self, &stats, err));
    *ret_work = work_of(&stats, types);
    return QT_OK;
}

/* ---- the calls ---- */

static qt_code no_memory(qt_err *err) {
    return qt_fail(err, MEMORY_LIMIT, "the reply does not fit the memory of a call");
}

#define NEW_MESSAGE(ctx, name)                                                                     \
    ((void *)qt_rpc_message((ctx), &externalscaler__##name##__descriptor))

static qt_code is_active(qt_rpc_ctx *ctx, const Externalscaler__ScaledObjectRef *req,
                         Externalscaler__IsActiveResponse **ret_resp, qt_err *err) {
    unsigned types = 0;
    int64_t work = 0;
    QT_TRY(read_types(req, &types, err));
    QT_TRY(ask_work(qt_rpc_self(ctx), types, &work, err));
    Externalscaler__IsActiveResponse *resp = NEW_MESSAGE(ctx, is_active_response);
    if (resp == NULL) {
        return no_memory(err);
    }
    resp->result = work > 0;
    *ret_resp = resp;
    return QT_OK;
}

static qt_code get_metric_spec(qt_rpc_ctx *ctx, const Externalscaler__ScaledObjectRef *req,
                               Externalscaler__GetMetricSpecResponse **ret_resp, qt_err *err) {
    unsigned types = 0;
    int64_t target = 0;
    void *list = NULL;
    QT_TRY(read_types(req, &types, err));
    QT_TRY(read_target(req, &target, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(void *), &list, err));
    Externalscaler__GetMetricSpecResponse *resp = NEW_MESSAGE(ctx, get_metric_spec_response);
    Externalscaler__MetricSpec *spec = NEW_MESSAGE(ctx, metric_spec);
    if (resp == NULL || spec == NULL) {
        return no_memory(err);
    }
    spec->metricname = (char *)(uintptr_t)METRIC_NAME;
    spec->targetsize = target;
    spec->targetsizefloat = (double)target;
    resp->n_metricspecs = 1;
    resp->metricspecs = list;
    resp->metricspecs[0] = spec;
    *ret_resp = resp;
    return QT_OK;
}

static qt_code get_metrics(qt_rpc_ctx *ctx, const Externalscaler__GetMetricsRequest *req,
                           Externalscaler__GetMetricsResponse **ret_resp, qt_err *err) {
    unsigned types = 0;
    int64_t work = 0;
    void *list = NULL;
    if (req->scaledobjectref == NULL) {
        return qt_fail_field(err, FIELD_REQUIRED, "scaledObjectRef", "who asks?");
    }
    QT_TRY(read_types(req->scaledobjectref, &types, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(void *), &list, err));
    QT_TRY(ask_work(qt_rpc_self(ctx), types, &work, err));
    Externalscaler__GetMetricsResponse *resp = NEW_MESSAGE(ctx, get_metrics_response);
    Externalscaler__MetricValue *value = NEW_MESSAGE(ctx, metric_value);
    if (resp == NULL || value == NULL) {
        return no_memory(err);
    }
    /* KEDA looks for the value under the name that it asked for. */
    value->metricname =
        req->metricname[0] != '\0' ? req->metricname : (char *)(uintptr_t)METRIC_NAME;
    value->metricvalue = work;
    value->metricvaluefloat = (double)work;
    resp->n_metricvalues = 1;
    resp->metricvalues = list;
    resp->metricvalues[0] = value;
    *ret_resp = resp;
    return QT_OK;
}

/* ---- StreamIsActive ---- */

/* With the lock held. */
static void note_idle_types(qt_scaler *scaler) {
    unsigned types = 0;
    for (const watcher *w = scaler->watchers; w != NULL; w = w->next) {
        types |= w->now != ACTIVE ? w->types : 0;
    }
    atomic_store(&scaler->idle_types, types);
}

static void on_sent(void *arg, bool ok);

/* Sends what is new; one message of a watcher is on its way at a time. With the lock held. */
static void tell(watcher *w) {
    if (!w->linked || w->sending || w->now == UNKNOWN || w->now == w->told) {
        return;
    }
    Externalscaler__IsActiveResponse resp = EXTERNALSCALER__IS_ACTIVE_RESPONSE__INIT;
    resp.result = w->now == ACTIVE;
    qt_err err; /* the client went away: on_gone() comes */
    if (qt_rpc_stream_post(w->ctx, &resp.base, on_sent, w, &err) == QT_OK) {
        w->sending = true;
        w->told = w->now;
    }
}

static void on_sent(void *arg, bool ok) {
    watcher *w = arg;
    pthread_mutex_lock(&w->scaler->lock);
    w->sending = false;
    if (ok) {
        tell(w);
    }
    pthread_mutex_unlock(&w->scaler->lock);
}

static void on_gone(void *arg) {
    watcher *w = arg;
    qt_scaler *scaler = w->scaler;
    pthread_mutex_lock(&scaler->lock);
    *(w->prev != NULL ? &w->prev->next : &scaler->watchers) = w->next;
    if (w->next != NULL) {
        w->next->prev = w->prev;
    }
    w->linked = false;
    note_idle_types(scaler);
    pthread_mutex_unlock(&scaler->lock);
    qt_rpc_reply(w->ctx, NULL); /* how every watch ends, so no failure for the log */
}

static qt_code stream_is_active(qt_rpc_ctx *ctx, const Externalscaler__ScaledObjectRef *req,
                                qt_err *err) {
    qt_scaler *scaler = qt_rpc_self(ctx);
    unsigned types = 0;
    void *memory = NULL;
    QT_TRY(read_types(req, &types, err));
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(watcher), &memory, err));
    watcher *w = memory;
    *w = (watcher){.scaler = scaler, .ctx = ctx, .types = types, .linked = true};
    qt_rpc_defer(ctx);
    pthread_mutex_lock(&scaler->lock);
    w->next = scaler->watchers;
    if (w->next != NULL) {
        w->next->prev = w;
    }
    scaler->watchers = w;
    scaler->is_new = true;
    note_idle_types(scaler);
    pthread_cond_signal(&scaler->changed);
    pthread_mutex_unlock(&scaler->lock);
    qt_rpc_on_cancel(ctx, on_gone, w);
    return QT_OK;
}

/* ---- the thread ---- */

void qt_scaler_added(qt_scaler *scaler, unsigned types) {
    if ((atomic_load(&scaler->idle_types) & types) == 0) {
        return;
    }
    pthread_mutex_lock(&scaler->lock);
    scaler->added |= types;
    pthread_cond_signal(&scaler->changed);
    pthread_mutex_unlock(&scaler->lock);
}

/* With the lock held. */
static void update_added(qt_scaler *scaler) {
    for (watcher *w = scaler->watchers; w != NULL; w = w->next) {
        if ((w->types & scaler->added) != 0) {
            w->now = ACTIVE;
            tell(w);
        }
    }
    scaler->added = 0;
    note_idle_types(scaler);
}

/* With the lock held. */
static void update_all(qt_scaler *scaler, const qt_queue_stats *stats) {
    for (watcher *w = scaler->watchers; w != NULL; w = w->next) {
        w->now = work_of(stats, w->types) > 0 ? ACTIVE : IDLE;
        tell(w);
    }
    note_idle_types(scaler);
}

static void look(qt_scaler *scaler) {
    qt_queue_stats stats;
    qt_err err;
    pthread_mutex_unlock(&scaler->lock);
    qt_code code = scaler->store.ops->stats(scaler->store.self, &stats, &err);
    if (code != QT_OK && !scaler->failing) {
        qt_log_err(WARN, "who scales the workers gets no news", &err);
    }
    scaler->failing = code != QT_OK;
    pthread_mutex_lock(&scaler->lock);
    if (code == QT_OK && scaler->added == 0) {
        update_all(scaler, &stats);
    }
}

static void *run(void *arg) {
    qt_scaler *scaler = arg;
    struct timespec next_look = qt_cond_deadline(0);
    pthread_mutex_lock(&scaler->lock);
    while (!scaler->stopping) {
        int rc = 0;
        if (scaler->watchers == NULL) {
            pthread_cond_wait(&scaler->changed, &scaler->lock);
        } else if (scaler->added == 0 && !scaler->is_new) {
            rc = pthread_cond_timedwait(&scaler->changed, &scaler->lock, &next_look);
        }
        if (scaler->added != 0) {
            update_added(scaler);
        }
        if (rc == ETIMEDOUT || scaler->is_new) {
            scaler->is_new = false;
            look(scaler);
            next_look = qt_cond_deadline(scaler->poll_ms);
        }
    }
    pthread_mutex_unlock(&scaler->lock);
    return NULL;
}

/* ---- */

qt_code qt_scaler_new(const qt_store *store, int64_t poll_ms, qt_scaler **ret_scaler, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_scaler), &memory, err));
    qt_scaler *scaler = memory;
    scaler->store = *store;
    scaler->poll_ms = poll_ms;
    pthread_mutex_init(&scaler->lock, NULL);
    qt_cond_init(&scaler->changed);
    if (pthread_create(&scaler->thread, NULL, run, scaler) != 0) {
        pthread_cond_destroy(&scaler->changed);
        pthread_mutex_destroy(&scaler->lock);
        free(scaler);
        return qt_fail(err, OUT_OF_MEMORY, "no thread to watch the streams");
    }
    *ret_scaler = scaler;
    return QT_OK;
}

void qt_scaler_free(qt_scaler *scaler) {
    if (scaler == NULL) {
        return;
    }
    pthread_mutex_lock(&scaler->lock);
    scaler->stopping = true;
    pthread_cond_signal(&scaler->changed);
    pthread_mutex_unlock(&scaler->lock);
    pthread_join(scaler->thread, NULL);
    pthread_cond_destroy(&scaler->changed);
    pthread_mutex_destroy(&scaler->lock);
    free(scaler);
}

void qt_scaler_register(qt_rpc_server *server, qt_scaler *scaler) {
    static const qt_external_scaler_ops ops = {
        .is_active = is_active,
        .stream_is_active = stream_is_active,
        .get_metric_spec = get_metric_spec,
        .get_metrics = get_metrics,
    };
    qt_external_scaler_register(server, &ops, scaler);
    qt_rpc_server_set_flags(server, QT_EXTERNAL_SCALER_STREAM_IS_ACTIVE_PATH, QT_RPC_INLINE);
}
