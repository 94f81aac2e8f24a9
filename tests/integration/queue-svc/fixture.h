/* queue-svc in this process, on a Redis of its own, with a client. */
#ifndef QT_TESTS_QUEUE_FIXTURE_H
#define QT_TESTS_QUEUE_FIXTURE_H

#include "base/cleanup.h"
#include "qtaskdist/v1/queue_service.rpc.h"
#include "redis_server.h"
#include "services/queue-svc/handlers.h"
#include "services/queue-svc/metrics.h"
#include "services/queue-svc/redis_store.h"
#include "testlib.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    SIMULATE = 1,
    C_QIR = 2,
    BACKEND = 3,
    LOW = 1,
    NORMAL = 2,
    HIGH = 3,
    CLAIM_IDLE_MS = 400,
    SCALER_POLL_MS = 50
};

/* One replica of the service. */
typedef struct replica {
    qt_redis_store *store;
    qt_hub *hub;
    qt_scaler *scaler;
    qt_queue_handlers handlers;
    qt_rpc_server *server;
    qt_rpc_channel *channel;
} replica;

extern qt_test_redis redis;
extern replica main_replica;

/* Fixtures: one Redis, one replica. */
void start_all(void);
void stop_all(void);
void start_replica(replica *r);
void stop_replica(replica *r);

/* A task id made of a number. */
const char *id_of(int number, char ret_id[37]);
int number_of(const char *id);

/* Calls on main_replica; a failure fails the test. */
void enqueue_tasks(int type, int priority, int first, int count);
qt_code try_enqueue(int type, int priority, int number, const char *circuit, qt_err *err);
/* Leases from a replica into arena. */
qt_code try_lease(replica *r, int type, int max, int wait_ms, qt_arena *arena,
                  Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err);
/* Leases one message; its task's number, or -1 when none came. Acknowledges it if asked. */
int lease_one(int type, int wait_ms, bool acknowledge);
int ack_messages(const Qtaskdist__V1__LeaseMessagesResponse *leased);
/* Statistics of one stream, by name. */
Qtaskdist__V1__StreamStats stats_of(const char *stream);
void epoch_of(char ret_epoch[QT_EPOCH_BYTES]);

/* A lease in a thread of its own. */
typedef struct background_lease {
    pthread_t thread;
    replica *from;
    int type, max, wait_ms;
    qt_arena arena;
    Qtaskdist__V1__LeaseMessagesResponse *resp;
    qt_code code;
    qt_err err;
    atomic_bool done;
} background_lease;
void lease_in_background(background_lease *lease, replica *from, int type, int max, int wait_ms);
void join_lease(background_lease *lease);
void free_lease(background_lease *lease);
/* Waits until so many calls wait in the hub. */
void wait_for_waiters(int count);

Suite *delivery_suite(void);
Suite *fault_suite(void);
Suite *port_suite(void);
Suite *token_suite(void);
Suite *scaler_suite(void);

#endif
