/* A queue-svc that keeps its entries in memory, and loses them on demand. */
#ifndef QT_TESTS_TASK_FAKE_QUEUE_H
#define QT_TESTS_TASK_FAKE_QUEUE_H

#include "qtaskdist/v1/queue_service.rpc.h"
#include "task/uuid.h"
#include "testlib.h"

#include <pthread.h>

typedef struct fake_entry {
    char id[QT_UUID_TEXT_BYTES];
    int type;
    int priority;
    int dispatch_seq;
    bool has_payload;
    bool is_taken; /* claimed and acknowledged: no live entry any more */
    bool is_lost;
    int64_t added_ms;
} fake_entry;

typedef struct fake_queue {
    qt_rpc_server *server;
    pthread_mutex_t lock;
    fake_entry *entries; /* all that ever came, in order */
    size_t count;
    size_t cap;
    int epoch;
    bool is_down; /* answers UNAVAILABLE */
} fake_queue;

void fake_queue_start(fake_queue *queue);
void fake_queue_stop(fake_queue *queue);
/* "127.0.0.1:port" */
void fake_queue_address(const fake_queue *queue, char *ret_address, size_t cap);
void fake_queue_set_down(fake_queue *queue, bool is_down);
/* Forgets all entries; with a new epoch it also says so. */
void fake_queue_flush(fake_queue *queue, bool new_epoch);
/* How many entries came for a task (NULL: for all). */
size_t fake_queue_count(fake_queue *queue, const char *id);
/* How many tasks have a live entry; one that was sent again in doubt has two. */
size_t fake_queue_live(fake_queue *queue);
/* Waits for a live entry of the type, high band first, and takes it. Fails the test after 15 s. */
fake_entry fake_queue_take(fake_queue *queue, int type);
/* The same for one task. */
fake_entry fake_queue_take_task(fake_queue *queue, const char *id);
/* Whether none comes within some rounds of the dispatcher. */
bool fake_queue_is_quiet(fake_queue *queue);

#endif
