/* queue-svc and task-svc in memory, with faults on demand. */
#ifndef QT_TESTS_WORKER_FAKE_PORT_H
#define QT_TESTS_WORKER_FAKE_PORT_H

#include "testlib.h"
#include "worker/worker.h"

#include <pthread.h>
#include <stdatomic.h>

enum { FAKE_TASKS = 2000, FAKE_LEASE_MS = 15000 };

/* What the fakes know of one task. Its id is made of its number. */
typedef struct fake_task {
    bool waiting; /* in the queue */
    bool bare;    /* its message has no payload */
    int deliveries;
    int32_t dispatch_seq; /* 0: 1 */
    int claims;           /* that were executed */
    int32_t attempt;
    int64_t fence; /* 0: not claimed */
    int outcomes;
    bool succeeded;
    int failure_class;
    char reason[64];
    char message[300];
    int acks;
    bool acked_too_early; /* before a claim or an outcome */
    bool cancel;          /* what heartbeats answer */
    bool fenced;
    bool refuse_claim;
    bool refuse_result;
    int max_progress;
} fake_task;

/* How many of the next calls fail; a negative number: all. */
typedef struct fake_faults {
    atomic_int lease, ack, claim, claim_reply, heartbeat, complete;
} fake_faults;

typedef struct fake_world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    fake_task tasks[FAKE_TASKS];
    int64_t next_fence;
    int64_t lease_ms;
    int complete_calls;
    int heartbeat_calls;
    int max_asked;      /* messages in one lease */
    bool short_replies; /* a claim's reply has only the first payload */
    fake_faults faults;
} fake_world;

extern fake_world world;

/* Clears the world; logs go nowhere. */
void fake_reset(void);
qt_worker_port fake_port(void);
/* Puts tasks first..first+count-1 into the queue; the payload's shots are the number. */
void fake_enqueue(int first, int count, bool bare);
/* A copy. */
fake_task fake_get(int number);
int fake_number(const char *id);
/* Heartbeats that got through. */
int fake_heartbeats(void);
/* Waits until the task has an outcome and is acknowledged. */
void fake_wait_done(int number);
/* Waits until it was acknowledged so often. */
void fake_wait_acks(int number, int acks);

#endif
