/* A server in this process with a scripted TaskService, and a channel to it.
 *
 * What GetTask does is in the task id: "ok", "not-found", "field", "internal", "sleep" (until the
 * call is cancelled), "defer" (answered by another thread), "hold" (deferred until rig_release),
 * "big" (a reply of 1 MiB), "id" (answers request id, traceparent and peer identity). */
#ifndef QT_TESTS_RPC_RIG_H
#define QT_TESTS_RPC_RIG_H

#include "qtaskdist/v1/task_service.rpc.h"
#include "testlib.h"

#include <stdatomic.h>

typedef struct rig_held {
    qt_rpc_ctx *ctx;
    struct rig_held *next;
} rig_held;

typedef struct rig {
    char *dir;
    char addr[160]; /* as the server listens */
    char target[160];
    qt_rpc_server_options options;
    qt_rpc_server *server;
    qt_rpc_channel *channel;
    atomic_int running;   /* "sleep" handlers inside */
    atomic_int cancelled; /* calls that saw their cancel */
    atomic_int sent;      /* messages that WatchTasks has sent */
    pthread_mutex_t lock;
    rig_held *held; /* of "hold"; also those that were cancelled */
} rig;

/* Options that fit tests: unix socket in a private folder, short lame duck and grace. */
void rig_init(rig *r);
/* Starts the server as r->options say, serving, and opens the channel. */
void rig_start(rig *r);
/* Starts the server only. */
void rig_start_server(rig *r);
void rig_done(rig *r);

/* Answers all held calls; how many. */
int rig_release(rig *r);

/* One GetTask with that id; the arena is thrown away. */
qt_code rig_get(rig *r, const char *task_id, const qt_rpc_call *call, qt_err *err);
/* The same; copies the project field of the answer, which "id" fills, and the error field. */
qt_code rig_get_text(rig *r, const char *task_id, const qt_rpc_call *call, char *ret_text,
                     size_t cap, qt_err *err);
/* A call of 10 s. */
extern const qt_rpc_call rig_call;

/* Waits until the value is at least `at_least`; fails the test after 20 s. */
void rig_wait_count(atomic_int *value, int at_least);

#endif
