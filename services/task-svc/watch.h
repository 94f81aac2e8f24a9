/* WatchTasks: streams of what happens to tasks, without a thread each.
 *
 * The events are in PostgreSQL, in the order (xact, task id, version), where xact is the
 * transaction that wrote them. Those below the oldest running transaction are complete, so a
 * watcher that goes on behind the last one it saw misses nothing, whichever replica wrote it and
 * however slow the watcher is. One thread reads new events into a ring, for all watchers; one that
 * is behind the ring reads from PostgreSQL. */
#ifndef QT_TASK_SVC_WATCH_H
#define QT_TASK_SVC_WATCH_H

#include "rpc/server.h"
#include "services/task-svc/reader.h"

typedef struct qt_watch qt_watch;

typedef struct qt_watch_options {
    qt_reader *reader;
    int64_t poll_ms;      /* after which events of other replicas are seen */
    int64_t max_watchers; /* more are refused */
} qt_watch_options;

/* What a watcher wants to see. */
typedef struct qt_watch_filter {
    const qt_uuid *ids; /* empty: all; in the call's arena */
    size_t id_count;
    qt_span project;       /* NULL: all */
    int64_t after_version; /* 0: from now */
} qt_watch_filter;

qt_code qt_watch_new(const qt_watch_options *options, qt_watch **ret_watch, qt_err *err);
/* Ends all streams with SHUTTING_DOWN, stops the thread; after the server has stopped. NULL is
 * allowed. */
void qt_watch_free(qt_watch *watch);
/* Takes over a deferred WatchTasks call; it ends when the client goes away. OVERLOADED when too
 * many watch; then the call is still the caller's. */
qt_code qt_watch_add(qt_watch *watch, qt_rpc_ctx *ctx, const qt_watch_filter *filter, qt_err *err);
/* This replica has committed something. Any thread, never blocks for long. */
void qt_watch_wake(qt_watch *watch);
/* Ends all streams; for a service that stops. */
void qt_watch_drain(qt_watch *watch);

#endif
