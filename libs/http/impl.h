/* A server and a request, inside. Private to libs/http. */
#ifndef QT_HTTP_IMPL_H
#define QT_HTTP_IMPL_H

#include "http/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

enum { QT_HTTP_MAX_HEADERS = 16 };

struct qt_http_server {
    qt_http_options options;
    qt_http_handler handler;
    struct MHD_Daemon *daemon;
    int listen_fd;
    int port;
    atomic_bool draining; /* clients are told to close */
    atomic_bool aborting; /* the grace period is over */
    pthread_mutex_t lock; /* what follows, and the same part of all requests */
    pthread_cond_t idle;
    size_t active; /* requests that are not answered and sent */
};

typedef enum qt_http_phase {
    PHASE_NEW,     /* only the URI is known */
    PHASE_BODY,    /* the body is coming */
    PHASE_HANDLED, /* the handler has it, or has had it */
} qt_http_phase;

typedef struct qt_http_header_line {
    const char *name;
    const char *value;
} qt_http_header_line;

struct qt_http_request {
    qt_http_server *server;
    struct MHD_Connection *connection;
    int fd;
    qt_http_phase phase;
    bool counted;
    bool too_large;   /* the body; it is read away */
    size_t read_away; /* bytes of it */
    const char *method;
    const char *uri;
    size_t path_len;
    const char *query;
    size_t query_len;
    qt_arena arena;
    qt_buf body;
    /* The answer; complete when `replied`. */
    qt_http_header_line headers[QT_HTTP_MAX_HEADERS];
    size_t header_count;
    int status;
    const char *content_type;
    qt_buf answer;
    const void *static_data;
    size_t static_len;
    /* An answer in parts: `answer` holds what was not sent yet, from `sent` on. */
    bool streaming;
    void (*drained)(void *arg);
    void *drained_arg;
    /* Under the server's lock, as is the answer while it is streaming. */
    size_t sent;
    bool ended;     /* by the handler */
    bool completed; /* libmicrohttpd has let go of the connection */
    bool replied;
    bool suspended;
    void (*next)(void *arg, qt_http_request *request);
    void *next_arg;
};

/* When libmicrohttpd and, if the answer comes in parts, the handler have let go of it. */
void qt_http_request_free(qt_http_request *req);
/* A MHD_ContentReaderCallback: the next part of the answer. */
ssize_t qt_http_read_part(void *cls, uint64_t position, char *to, size_t max);

#endif
