/* Brings entries and those who wait for them together.
 *
 * One thread reads the streams on behalf of all waiters; a waiter costs a list node, no thread and
 * no connection. High comes before normal before low; every eighth turn of a type starts with a
 * lower band, so none starves. Entries that were read for a waiter that went away are given to the
 * next one.
 *
 * States of the thread: idle (nobody waits), passing (reads without waiting), blocked (in
 * store.wait() on the streams that somebody wants). A new waiter wakes it only when it is idle or
 * blocked on other streams or for too long. */
#ifndef QT_QUEUE_SVC_HUB_H
#define QT_QUEUE_SVC_HUB_H

#include "base/clock.h"
#include "services/queue-svc/store.h"

typedef struct qt_hub qt_hub;
typedef struct qt_waiter qt_waiter;

/* One call that waits. The memory is the caller's until done() is called. */
struct qt_waiter {
    qt_waiter *next;     /* the hub's */
    qt_entry_list got;   /* the hub's */
    size_t got_bytes;    /* the hub's: of payloads */
    unsigned types;      /* bit 1 << type */
    size_t max_count;    /* at least 1 */
    int64_t deadline_ms; /* by the hub's clock */
    /* Whether the caller went away. Any thread. */
    bool (*gone)(const qt_waiter *waiter);
    /* Ends the wait, once, on the hub's thread: with entries, with none when the time is over, or
     * with an error (else NULL). What is left in *entries afterwards is freed. */
    void (*done)(qt_waiter *waiter, qt_entry_list *entries, const qt_err *err);
};

typedef struct qt_hub_options {
    int64_t maintenance_ms; /* between two calls of store.maintain() and of store.reclaim() */
    int64_t buffer_ms;      /* entries that nobody took so long are left to reclaim() */
    const qt_clock *clock;  /* NULL: the system's */
} qt_hub_options;

/* Starts the thread. */
qt_code qt_hub_new(const qt_store *store, const qt_hub_options *options, qt_hub **ret_hub,
                   qt_err *err);
/* Ends all waits and the thread. NULL is allowed. */
void qt_hub_free(qt_hub *hub);

/* Milliseconds by the hub's clock. */
int64_t qt_hub_now_ms(const qt_hub *hub);
/* Adds a waiter; done() may be called before this returns. Any thread; does not block. */
void qt_hub_wait(qt_hub *hub, qt_waiter *waiter);
/* Types that are not delivered (bit 1 << type), as the hub knows it. Any thread. */
unsigned qt_hub_paused(const qt_hub *hub);
/* Tells the hub at once what store.maintain() would tell it later. Any thread. */
void qt_hub_set_paused(qt_hub *hub, int type, bool paused);
/* From now on every wait ends at once without entries: the service is about to stop. */
void qt_hub_drain(qt_hub *hub);

#endif
