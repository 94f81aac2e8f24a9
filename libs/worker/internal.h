/* What the threads of a worker share. */
#ifndef QT_WORKER_INTERNAL_H
#define QT_WORKER_INTERNAL_H

#include "base/clock.h"
#include "trace/trace.h"
#include "worker/worker.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    QT_WORKER_MAX_BATCH = 1000,          /* items of a call */
    QT_WORKER_MAX_BATCH_BYTES = 4194304, /* of the outcomes in a call */
    QT_WORKER_CALL_MS = 3000,            /* for every call but the lease */
    QT_WORKER_PAUSE_MIN_MS = 50,         /* after a failed call; doubles */
    QT_WORKER_PAUSE_MAX_MS = 2000,
    QT_WORKER_UNCLAIMED_MS = 10000, /* then an unclaimed message is delivered to somebody else */
    QT_WORKER_GIVE_UP_MS = 15000,   /* an outcome that could not be sent for so long is dropped */
    QT_WORKER_HAND_BACK_MS = 2000,  /* a task that waited so long here is left to others */
};

/* An arena that several tasks use. */
typedef struct qt_shared_arena {
    atomic_uint refs;
    qt_arena arena;
} qt_shared_arena;

qt_shared_arena *qt_shared_arena_new(void);
qt_shared_arena *qt_shared_arena_ref(qt_shared_arena *shared);
/* NULL is allowed. */
void qt_shared_arena_unref(qt_shared_arena *shared);

typedef enum qt_phase {
    QT_PHASE_WAITING, /* for a runner */
    QT_PHASE_RUNNING,
    QT_PHASE_DONE, /* has an outcome, or is to be forgotten */
} qt_phase;

typedef enum qt_claim_state {
    QT_CLAIM_NONE,
    QT_CLAIM_ASKED,   /* the call is under way: the outcome has to wait for its answer */
    QT_CLAIM_UNKNOWN, /* the call failed, and may have been executed: it has to be made again */
    QT_CLAIM_HELD,
    QT_CLAIM_LOST, /* somebody else has it, or the lease is over: nothing is reported */
} qt_claim_state;

/* Why a task is to stop, strongest last. */
typedef enum qt_stop {
    QT_STOP_NO,
    QT_STOP_DRAIN,
    QT_STOP_CANCEL,
    QT_STOP_LOST,
} qt_stop;

struct qt_worker_task {
    qt_worker *worker;
    qt_worker_task *prev, *next; /* among all tasks of the worker; guarded by its lock */
    qt_worker_task *queue_next;  /* in `waiting` or `outcomes`; guarded by the lock */
    const Qtaskdist__V1__LeasedMessage *message;
    const Qtaskdist__V1__TaskPayload *payload;
    qt_shared_arena *message_arena;
    qt_shared_arena *claim_arena; /* NULL, or holds the payload */
    qt_arena arena;               /* of the run and its outcome */
    qt_trace_ctx trace;           /* that the task's spans belong to; may be none */
    int64_t leased_ms;
    int64_t done_ms;
    bool claim_first;     /* may not run before it is claimed */
    qt_phase phase;       /* guarded by the lock */
    qt_claim_state claim; /* guarded by the lock */
    bool acked;           /* the message is on its way out; guarded by the lock */
    int32_t attempt;
    int64_t fence;
    atomic_int stop; /* qt_stop */
    atomic_int percent;
    Qtaskdist__V1__TaskResult *result; /* the outcome: a result, or else the failure */
    Qtaskdist__V1__TaskFailure failure;
};

typedef struct qt_task_queue {
    qt_worker_task *first, *last;
    size_t count;
} qt_task_queue;

typedef struct qt_ack_list {
    Qtaskdist__V1__AckItem *items; /* their strings are the list's */
    size_t count, cap;
} qt_ack_list;

struct qt_worker {
    qt_worker_options options;
    qt_worker_runner runner;
    qt_worker_port port;
    const qt_clock *clock;
    char id[129];
    pthread_t fetcher, clerk, completer;
    pthread_t *runners;
    size_t runner_count;
    int64_t *run_since_ms; /* per runner: start of its task, 0 when it has none; under the lock */
    bool started, drained;
    atomic_bool leasing; /* false: no more leases */

    pthread_mutex_t lock;
    pthread_cond_t work;    /* runners: `waiting` grew, or stop */
    pthread_cond_t room;    /* fetcher: a runner got free, or stop */
    pthread_cond_t outcome; /* completer: `outcomes` or `acks` grew, or stop */
    pthread_cond_t task;    /* clerk: there are tasks again, or stop */
    pthread_cond_t tick;    /* clerk: drain or stop */
    pthread_cond_t gone;    /* drain: a task is gone */
    qt_worker_task *all;    /* every task of the worker */
    size_t task_count;
    size_t running_count;
    size_t numbered_runners;
    qt_task_queue waiting;
    qt_task_queue outcomes;
    qt_ack_list acks;
    bool draining;        /* waiting tasks are given back */
    bool stopping;        /* runners and the clerk end when they have nothing to do */
    bool finishing;       /* the completer too */
    int64_t stop_end_ms;  /* or at this time */
    double mean_ms;       /* of a task, for how many to lease ahead */
    int64_t lease_end_ms; /* of the claimed tasks */
    int64_t lease_ms;     /* its length */
};

/* ---- task.c: all with the lock held, unless said otherwise ---- */

/* A new task in phase WAITING, not yet in a queue. Takes a reference on the arena. Without the
 * lock. */
qt_worker_task *qt_worker_task_new(qt_worker *w, const Qtaskdist__V1__LeasedMessage *message,
                                   qt_shared_arena *message_arena);
/* Frees a task that is in no list. Without the lock. */
void qt_worker_task_free(qt_worker_task *task);
void qt_worker_add_task(qt_worker *w, qt_worker_task *task);
/* Takes it off the worker; the caller frees it. */
void qt_worker_remove_task(qt_worker *w, qt_worker_task *task);
void qt_task_queue_push(qt_task_queue *queue, qt_worker_task *task);
qt_worker_task *qt_task_queue_pop(qt_task_queue *queue);
void qt_task_queue_remove(qt_task_queue *queue, qt_worker_task *task);
/* Remembers to acknowledge the task's message, once. */
void qt_worker_ack_later(qt_worker *w, qt_worker_task *task);
/* Raises the reason to stop; a weaker one does not replace a stronger one. Any thread, no lock. */
void qt_worker_stop_task(qt_worker_task *task, qt_stop why);
/* Gives a waiting task back without having run it; it goes to the completer. */
void qt_worker_hand_back(qt_worker *w, qt_worker_task *task);
/* A done task whose claim is settled goes to the completer, or is forgotten when it is lost:
 * returns it then, for the caller to free without the lock. */
qt_worker_task *qt_worker_settle(qt_worker *w, qt_worker_task *task);

/* ---- the threads ---- */
void *qt_worker_fetcher_main(void *worker);
void *qt_worker_runner_main(void *worker);
void *qt_worker_clerk_main(void *worker);
void *qt_worker_completer_main(void *worker);

/* Claims up to 1,000 tasks that are marked ASKED; each becomes HELD or LOST, or UNKNOWN when the
 * call fails. Those that came without a payload get it, and can run. Without the lock. */
qt_code qt_worker_claim(qt_worker *w, qt_worker_task *const *tasks, size_t count, qt_err *err);

/* A span of what was done with a task from then (wall clock) until now. err NULL: it succeeded. */
void qt_worker_trace(const qt_worker_task *task, const char *name, int64_t start_us,
                     const qt_err *err);

int64_t qt_worker_now_ms(const qt_worker *w);
/* Waits on a condition of the worker, at most that long. With the lock held. */
void qt_worker_wait(qt_worker *w, pthread_cond_t *cond, int64_t wait_ms);
/* The pause after the n-th failure in a row, from 1: doubles, with jitter. */
int64_t qt_worker_pause_ms(unsigned failures);
/* Whether a failed call may succeed when it is made again. */
bool qt_worker_is_passing(const qt_err *err);

#endif
