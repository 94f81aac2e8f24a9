/* Happy path of a request, all on the thread of its connection: libmicrohttpd hands over the URI
 * (new_request), the headers and the body in pieces (on_access), then the handler runs. When it has
 * not replied, the connection is suspended; reply() and continue() resume it from any thread, and
 * on_access runs again. The request is freed when the answer is sent or the connection broke
 * (on_completed). A suspended connection cannot break: nobody looks at it. */
#include "http/server.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "http/impl.h"
#include "http/listen.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_AWAY_FACTOR = 8 };

/* ---- the life of a request ---- */

void qt_http_request_free(qt_http_request *req) {
    qt_http_server *server = req->server;
    if (req->counted) {
        pthread_mutex_lock(&server->lock);
        server->active--;
        pthread_cond_broadcast(&server->idle);
        pthread_mutex_unlock(&server->lock);
    }
    qt_buf_done(&req->body);
    qt_buf_done(&req->answer);
    qt_arena_done(&req->arena);
    free(req);
}

/* Called with the raw URI before anything is decoded in place. */
static void *new_request(void *cls, const char *uri, struct MHD_Connection *connection) {
    qt_http_server *server = cls;
    qt_http_request *req = qt_xcalloc(1, sizeof *req);
    *req = (qt_http_request){.server = server, .connection = connection, .fd = -1};
    qt_arena_init(&req->arena, 0);
    req->body.limit_bytes = (size_t)server->options.max_body_bytes + 1;
    const char *copy = qt_arena_strdup(&req->arena, uri);
    const char *question = copy != NULL ? strchr(copy, '?') : NULL;
    req->uri = copy != NULL ? copy : "";
    req->query = question != NULL ? question + 1 : "";
    req->query_len = strlen(req->query);
    req->path_len = question != NULL ? (size_t)(question - copy) : strlen(req->uri);
    return req;
}

/* A streamed answer belongs to its handler as well: the last of both frees it. */
static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why) {
    qt_http_server *server = cls;
    qt_http_request *req = *state;
    (void)connection;
    (void)why;
    *state = NULL;
    if (req == NULL) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    bool is_last = !req->streaming || req->ended;
    req->completed = true;
    pthread_mutex_unlock(&server->lock);
    if (is_last) {
        qt_http_request_free(req);
    }
}

/* ---- answering ---- */

static struct MHD_Response *make_response(qt_http_request *req) {
    enum { PART_BYTES = 16384 };
    struct MHD_Response *response = NULL;
    if (req->streaming) {
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PART_BYTES,
                                                     qt_http_read_part, req, NULL);
    } else if (req->static_data != NULL) {
        /* libmicrohttpd's API is not const-correct; PERSISTENT memory is only read. */
        response = MHD_create_response_from_buffer(
            req->static_len, (void *)(uintptr_t)req->static_data, MHD_RESPMEM_PERSISTENT);
    } else {
        size_t len;
        char *data = qt_buf_take(&req->answer, &len);
        response = MHD_create_response_from_buffer_with_free_callback(len, data, free);
        if (response == NULL) {
            free(data);
        }
    }
    if (response == NULL) {
        return NULL;
    }
    if (req->content_type != NULL) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, req->content_type);
    }
    for (size_t i = 0; i < req->header_count; i++) {
        MHD_add_response_header(response, req->headers[i].name, req->headers[i].value);
    }
    if (atomic_load(&req->server->draining)) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    return response;
}

static enum MHD_Result send_answer(qt_http_request *req) {
    struct MHD_Response *response = make_response(req);
    if (response == NULL) {
        return MHD_NO; /* out of memory: the connection is closed */
    }
    enum MHD_Result result = MHD_queue_response(req->connection, (unsigned)req->status, response);
    MHD_destroy_response(response);
    return result;
}

/* libmicrohttpd cannot answer while a body is coming, so this writes the answer itself; the
 * connection is closed behind it. What has arrived already is read away, because closing a socket
 * with unread bytes resets the connection, and the answer may be lost. */
static enum MHD_Result cut_off(qt_http_request *req) {
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    size_t len = req->static_data != NULL ? req->static_len : req->answer.len;
    qt_buf_printf(&out, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
                  req->status, MHD_get_reason_phrase_for((unsigned)req->status), len);
    if (req->content_type != NULL) {
        qt_buf_printf(&out, "Content-Type: %s\r\n", req->content_type);
    }
    for (size_t i = 0; i < req->header_count; i++) {
        qt_buf_printf(&out, "%s: %s\r\n", req->headers[i].name, req->headers[i].value);
    }
    qt_buf_add_str(&out, "\r\n");
    qt_buf_add(&out, req->static_data != NULL ? req->static_data : req->answer.data, len);
    if (!out.failed && req->fd >= 0) {
        char away[65536];
        int rounds = 0;
        ssize_t sent = send(req->fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (sent >= 0 && rounds++ < 64 && recv(req->fd, away, sizeof away, MSG_DONTWAIT) > 0) {
        }
    }
    return MHD_NO;
}

/* Runs what is due and then answers or waits. */
static enum MHD_Result advance(qt_http_request *req) {
    qt_http_server *server = req->server;
    for (;;) {
        pthread_mutex_lock(&server->lock);
        void (*next)(void *arg, qt_http_request *request) = req->next;
        void *arg = req->next_arg;
        bool replied = req->replied;
        req->next = NULL;
        if (next == NULL && !replied) {
            req->suspended = true;
            MHD_suspend_connection(req->connection);
        }
        pthread_mutex_unlock(&server->lock);
        if (next != NULL) {
            next(arg, req);
        } else {
            return replied ? send_answer(req) : MHD_YES;
        }
    }
}

static enum MHD_Result refuse(qt_http_request *req, qt_http_refusal why, bool body_started) {
    qt_http_handler *h = &req->server->handler;
    req->phase = PHASE_HANDLED;
    qt_buf_done(&req->body);
    h->on_refuse(h->self, req, why);
    assert(req->replied);
    return body_started ? cut_off(req) : send_answer(req);
}

/* ---- what libmicrohttpd calls ---- */

static void count_active(qt_http_request *req) {
    pthread_mutex_lock(&req->server->lock);
    req->server->active++;
    pthread_mutex_unlock(&req->server->lock);
    req->counted = true;
}

static size_t read_away_limit(const qt_http_request *req) {
    return (size_t)req->server->options.max_body_bytes * READ_AWAY_FACTOR;
}

/* Many clients see a refusal only when they could send all of their body; so a body that is not
 * absurdly large is read and thrown away first. One that asked whether to send is told at once. */
static bool worth_reading_away(const qt_http_request *req, unsigned long long length) {
    return length <= read_away_limit(req) && qt_http_header(req, MHD_HTTP_HEADER_EXPECT) == NULL;
}

static enum MHD_Result on_headers(qt_http_request *req, const char *method) {
    const qt_http_options *o = &req->server->options;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    req->fd = info != NULL ? info->connect_fd : -1;
    req->method = qt_arena_strdup(&req->arena, method);
    count_active(req);
    if (req->method == NULL) {
        return MHD_NO;
    }
    if (req->path_len + req->query_len > (size_t)o->max_uri_bytes) {
        return refuse(req, QT_HTTP_URI_TOO_LONG, false);
    }
    const char *length = qt_http_header(req, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length != NULL && qt_http_header(req, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL) {
        return refuse(req, QT_HTTP_AMBIGUOUS_LENGTH, false);
    }
    if (length != NULL && strtoull(length, NULL, 10) > (unsigned long long)o->max_body_bytes) {
        if (!worth_reading_away(req, strtoull(length, NULL, 10))) {
            return refuse(req, QT_HTTP_BODY_TOO_LARGE, false);
        }
        req->too_large = true;
    }
    req->phase = PHASE_BODY;
    return MHD_YES;
}

static enum MHD_Result on_body_part(qt_http_request *req, const char *data, size_t *len) {
    size_t limit = (size_t)req->server->options.max_body_bytes;
    if (req->too_large || req->body.len + *len > limit) {
        req->too_large = true;
        req->read_away += *len;
        qt_buf_done(&req->body);
        if (req->read_away > read_away_limit(req)) {
            return refuse(req, QT_HTTP_BODY_TOO_LARGE, true);
        }
    } else {
        qt_buf_add(&req->body, data, *len);
    }
    *len = 0;
    return req->body.failed ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_body(qt_http_request *req, const char *data, size_t *len) {
    qt_http_server *server = req->server;
    if (*len > 0) {
        return on_body_part(req, data, len);
    }
    if (req->too_large) {
        return refuse(req, QT_HTTP_BODY_TOO_LARGE, false);
    }
    req->phase = PHASE_HANDLED;
    server->handler.on_request(server->handler.self, req);
    return advance(req);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *len, void **state) {
    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    qt_http_request *req = *state;
    switch (req->phase) {
    case PHASE_NEW:
        return on_headers(req, method);
    case PHASE_BODY:
        return on_body(req, data, len);
    case PHASE_HANDLED:
        break;
    }
    return advance(req);
}

/* Paths and arguments stay as they came. */
static size_t keep_encoded(void *cls, struct MHD_Connection *connection, char *text) {
    (void)cls;
    (void)connection;
    return strlen(text);
}

/* ---- the server ---- */

static void free_partly(qt_http_server *server) {
    if (server == NULL) {
        return;
    }
    if (server->listen_fd >= 0) {
        close(server->listen_fd);
    }
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

QT_CLEANUP_PTR(free_partly_p, qt_http_server, free_partly);

static void init_locks(qt_http_server *server) {
    pthread_mutex_init(&server->lock, NULL);
    qt_cond_init(&server->idle);
}

static struct MHD_Daemon *start_daemon(qt_http_server *server) {
    const qt_http_options *o = &server->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    return MHD_start_daemon(flags, 0, NULL, NULL, on_access, server, MHD_OPTION_LISTEN_SOCKET,
                            server->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)o->threads,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->max_connections,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->idle_timeout_s,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)o->max_header_bytes * 2,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
                            new_request, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
}

qt_code qt_http_server_new(const qt_http_options *options, const qt_http_handler *handler,
                           qt_http_server **ret_server, qt_err *err) {
    QT_CLEANUP(free_partly_p) qt_http_server *server = qt_xcalloc(1, sizeof *server);
    server->options = *options;
    server->handler = *handler;
    server->listen_fd = -1;
    init_locks(server);
    QT_TRY(qt_http_listen(options->listen_addr, &server->listen_fd, &server->port, err));
    server->daemon = start_daemon(server);
    if (server->daemon == NULL) {
        return qt_fail(err, IO_ERROR, "the HTTP server cannot start: %s", strerror(errno));
    }
    *ret_server = QT_TAKE(server);
    return QT_OK;
}

int qt_http_server_port(const qt_http_server *server) {
    return server->port;
}

/* Until no request is active; false after timeout_ms (< 0: never). */
static bool wait_idle(qt_http_server *server, int64_t timeout_ms) {
    const struct timespec until = qt_cond_deadline(timeout_ms);
    pthread_mutex_lock(&server->lock);
    int status = 0;
    while (server->active > 0 && status != ETIMEDOUT) {
        status = timeout_ms < 0 ? pthread_cond_wait(&server->idle, &server->lock)
                                : pthread_cond_timedwait(&server->idle, &server->lock, &until);
    }
    bool idle = server->active == 0;
    pthread_mutex_unlock(&server->lock);
    return idle;
}

void qt_http_server_drain(qt_http_server *server) {
    atomic_store(&server->draining, true);
}

void qt_http_server_stop(qt_http_server *server, int64_t grace_ms) {
    if (server->daemon == NULL) {
        return;
    }
    atomic_store(&server->draining, true);
    MHD_quiesce_daemon(server->daemon); /* the socket is closed by free */
    if (!wait_idle(server, grace_ms)) {
        atomic_store(&server->aborting, true);
        wait_idle(server, -1);
    }
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}

void qt_http_server_free(qt_http_server *server) {
    assert(server == NULL || server->daemon == NULL);
    free_partly(server);
}
