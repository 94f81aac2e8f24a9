/* A gateway in this process in front of fake services on a unix socket, and an HTTP client.
 *
 * TaskService is scripted (see fake.c), SimService and QueueService answer a little, BackendService
 * has an address where nobody listens. */
#ifndef QT_TESTS_GATEWAY_RIG_H
#define QT_TESTS_GATEWAY_RIG_H

#include "gateway/gateway.h"
#include "http/server.h"
#include "rpc/server.h"
#include "testlib.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct fake_services {
    atomic_int waiting;   /* WaitTask calls that were deferred so far */
    atomic_int cancelled; /* of those, the ones whose caller went away */
    pthread_mutex_t lock; /* what follows */
    qt_rpc_ctx *held[64]; /* NULL: finished */
    size_t held_count;
} fake_services;

typedef struct rig {
    char *dir;
    char target[160];
    fake_services fake;
    qt_rpc_server *server;
    qt_gateway *gateway;
    qt_http_server *http;
    char base[64];                               /* "http://127.0.0.1:<port>" */
    void (*change)(qt_gateway_options *options); /* before the start; NULL: nothing */
} rig;

void rig_start(rig *r);
/* With other options of the gateway. */
void rig_start_with(rig *r, void (*change)(qt_gateway_options *options));
/* Stops what runs. */
void rig_done(rig *r);

/* fake.c */
void fake_register(qt_rpc_server *server, fake_services *fake);
/* Answers all deferred WaitTask calls. */
void fake_release(fake_services *fake);

/* One request. All parts are optional but method and path. */
typedef struct ask {
    const char *method;
    const char *path;
    const char *body; /* sent as application/json, unless a header says otherwise */
    size_t body_len;  /* 0: strlen(body) */
    const char *headers[4];
    long timeout_ms; /* 0: 20 s; the client gives up then */
} ask;

typedef struct answer {
    long status; /* 0: no answer */
    char *head;  /* all header lines */
    char *body;
    size_t body_len;
} answer;

answer rig_ask(const rig *r, const ask *a);
void answer_done(answer *a);
#define AUTO_ANSWER QT_CLEANUP(answer_done) __attribute__((unused)) answer

/* Shorthands; the test fails when the status is another one. */
answer rig_get(const rig *r, const char *path, long status);
answer rig_send(const rig *r, const char *method, const char *path, const char *body, long status);
/* The body contains the text. */
void assert_says(const answer *a, const char *text);
/* A header line "Name: value" is there. */
void assert_header(const answer *a, const char *line);
/* An error with this reason, code name and, unless NULL, violated field. */
void assert_error(const answer *a, const char *code, const char *reason, const char *field);

TCase *calls_cases(void);
TCase *door_cases(void);
TCase *errors_cases(void);
TCase *server_cases(void);
TCase *stream_cases(void);

#endif
