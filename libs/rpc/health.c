/* grpc.health.v1: Check, and Watch without a thread per watcher. A watcher is told the newest state
 * only; one message per watcher is on its way at a time. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/wait.h"
#include "rpc/server_impl.h"

#include <assert.h>
#include <grpc/health/v1/health.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef Grpc__Health__V1__HealthCheckRequest check_request;
typedef Grpc__Health__V1__HealthCheckResponse check_response;

enum {
    SERVING = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING,
    NOT_SERVING = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING,
    SERVICE_UNKNOWN = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN,
    NOTHING_SENT = -1,
    MAX_SERVICES = 64,
};

/* In the arena of its call. */
typedef struct watcher {
    qt_rpc_health *health;
    qt_rpc_ctx *ctx;
    size_t service; /* index; MAX_SERVICES for one that is not known */
    int last_sent;
    bool sending;
    bool linked;
    struct watcher *prev;
    struct watcher *next;
} watcher;

struct qt_rpc_health {
    const char *names[MAX_SERVICES]; /* "" is the whole server; fixed after start */
    size_t count;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t told;  /* a watcher read its message, or left */
    int status[MAX_SERVICES];
    watcher *watchers;
};

qt_rpc_health *qt_rpc_health_new(void) {
    qt_rpc_health *health = qt_xcalloc(1, sizeof *health);
    pthread_mutex_init(&health->lock, NULL);
    qt_cond_init(&health->told);
    qt_rpc_health_add_service(health, "");
    return health;
}

void qt_rpc_health_free(qt_rpc_health *health) {
    assert(health->watchers == NULL);
    pthread_cond_destroy(&health->told);
    pthread_mutex_destroy(&health->lock);
    free(health);
}

void qt_rpc_health_add_service(qt_rpc_health *health, const char *name) {
    assert(health->count < MAX_SERVICES);
    health->names[health->count] = name;
    health->status[health->count++] = NOT_SERVING;
}

static size_t find_service(const qt_rpc_health *health, const char *name) {
    for (size_t i = 0; i < health->count; i++) {
        if (strcmp(health->names[i], name) == 0) {
            return i;
        }
    }
    return MAX_SERVICES;
}

/* With the lock held. */
static int status_of(const qt_rpc_health *health, size_t service) {
    return service < MAX_SERVICES ? health->status[service] : SERVICE_UNKNOWN;
}

/* ---- Check ---- */

static qt_code check(const void *ops, qt_rpc_ctx *ctx, const ProtobufCMessage *msg,
                     ProtobufCMessage **ret_resp, qt_err *err) {
    (void)ops;
    const check_request *req = (const check_request *)msg;
    qt_rpc_health *health = qt_rpc_self(ctx);
    size_t service = find_service(health, req->service);
    if (service == MAX_SERVICES) {
        return qt_fail(err, SERVICE_UNKNOWN, "no service %s", req->service);
    }
    check_response *resp =
        (check_response *)qt_rpc_message(ctx, &grpc__health__v1__health_check_response__descriptor);
    if (resp == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no memory for the response");
    }
    pthread_mutex_lock(&health->lock);
    resp->status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)health->status[service];
    pthread_mutex_unlock(&health->lock);
    *ret_resp = &resp->base;
    return QT_OK;
}

/* ---- Watch ---- */

static void on_sent(void *arg, bool ok);

/* With the lock held. */
static void tell(watcher *w) {
    int status = status_of(w->health, w->service);
    if (!w->linked || w->sending || status == w->last_sent) {
        return;
    }
    check_response resp = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    resp.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    qt_err err; /* the client went away: on_gone() comes */
    if (qt_rpc_stream_post(w->ctx, &resp.base, on_sent, w, &err) == QT_OK) {
        w->sending = true;
        w->last_sent = status;
    }
}

static void on_sent(void *arg, bool ok) {
    watcher *w = arg;
    pthread_mutex_lock(&w->health->lock);
    w->sending = false;
    if (ok) {
        tell(w);
    }
    pthread_cond_broadcast(&w->health->told);
    pthread_mutex_unlock(&w->health->lock);
}

static void on_gone(void *arg) {
    watcher *w = arg;
    pthread_mutex_lock(&w->health->lock);
    *(w->prev != NULL ? &w->prev->next : &w->health->watchers) = w->next;
    if (w->next != NULL) {
        w->next->prev = w->prev;
    }
    w->linked = false;
    pthread_cond_broadcast(&w->health->told);
    pthread_mutex_unlock(&w->health->lock);
    qt_rpc_reply(w->ctx, NULL); /* how every watch ends, so no failure for the log */
}

static qt_code watch(const void *ops, qt_rpc_ctx *ctx, const ProtobufCMessage *msg, qt_err *err) {
    (void)ops;
    const check_request *req = (const check_request *)msg;
    qt_rpc_health *health = qt_rpc_self(ctx);
    void *mem = NULL;
    QT_TRY(qt_arena_try_calloc(qt_rpc_arena(ctx), 1, sizeof(watcher), &mem, err));
    watcher *w = mem;
    *w = (watcher){.health = health,
                   .ctx = ctx,
                   .service = find_service(health, req->service),
                   .last_sent = NOTHING_SENT,
                   .linked = true};
    qt_rpc_defer(ctx);
    pthread_mutex_lock(&health->lock);
    w->next = health->watchers;
    if (w->next != NULL) {
        w->next->prev = w;
    }
    health->watchers = w;
    tell(w);
    pthread_mutex_unlock(&health->lock);
    qt_rpc_on_cancel(ctx, on_gone, w);
    return QT_OK;
}

/* ---- */

void qt_rpc_health_set(qt_rpc_health *health, const char *service, bool serving) {
    int status = serving ? SERVING : NOT_SERVING;
    pthread_mutex_lock(&health->lock);
    for (size_t i = 0; i < health->count; i++) {
        if (service == NULL || strcmp(service, health->names[i]) == 0) {
            health->status[i] = status;
        }
    }
    for (watcher *w = health->watchers; w != NULL; w = w->next) {
        tell(w);
    }
    pthread_mutex_unlock(&health->lock);
}

static bool all_told(const qt_rpc_health *health) {
    for (const watcher *w = health->watchers; w != NULL; w = w->next) {
        if (w->sending || w->last_sent != status_of(health, w->service)) {
            return false;
        }
    }
    return true;
}

void qt_rpc_health_settle(qt_rpc_health *health) {
    enum { SETTLE_MS = 500 };
    const struct timespec until = qt_cond_deadline(SETTLE_MS);
    pthread_mutex_lock(&health->lock);
    while (!all_told(health) && pthread_cond_timedwait(&health->told, &health->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&health->lock);
}

void qt_rpc_health_register(qt_rpc_server *server) {
    static const qt_rpc_method methods[] = {
        {.path = "/grpc.health.v1.Health/Check",
         .input = &grpc__health__v1__health_check_request__descriptor,
         .output = &grpc__health__v1__health_check_response__descriptor,
         .unary = check},
        {.path = "/grpc.health.v1.Health/Watch",
         .input = &grpc__health__v1__health_check_request__descriptor,
         .output = &grpc__health__v1__health_check_response__descriptor,
         .stream = watch},
    };
    static const qt_rpc_service service = {
        .name = "grpc.health.v1.Health", .methods = methods, .method_count = QT_ARRAY_LEN(methods)};
    qt_rpc_methods_add(server, &service, NULL, server->health, false);
    for (size_t i = 0; i < QT_ARRAY_LEN(methods); i++) {
        qt_rpc_server_set_flags(server, methods[i].path, QT_RPC_INLINE);
    }
}
