/* What handlers ask a request, and how they answer it. */
#include "http/impl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

const char *qt_http_method(const qt_http_request *request) {
    return request->method;
}

const char *qt_http_path(const qt_http_request *request, size_t *ret_len) {
    *ret_len = request->path_len;
    return request->uri;
}

const char *qt_http_query(const qt_http_request *request, size_t *ret_len) {
    *ret_len = request->query_len;
    return request->query;
}

const char *qt_http_header(const qt_http_request *request, const char *name) {
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

void qt_http_peer(const qt_http_request *request, char *ret_text, size_t cap) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
    ret_text[0] = '\0';
    if (address != NULL && address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, ret_text, (socklen_t)cap);
    } else if (address != NULL && address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;
        inet_ntop(AF_INET6, &v6->sin6_addr, ret_text, (socklen_t)cap);
    }
}

const char *qt_http_body(const qt_http_request *request, size_t *ret_len) {
    *ret_len = request->body.len;
    return qt_buf_str(&request->body);
}

qt_arena *qt_http_arena(qt_http_request *request) {
    return &request->arena;
}

/* An end of the stream means that the client closed: half-closed connections count as gone, as
 * with other proxies. */
bool qt_http_gone(const qt_http_request *request) {
    qt_http_server *server = request->server;
    bool is_stopping = request->streaming && atomic_load(&server->draining);
    if (is_stopping || atomic_load(&server->aborting)) {
        return true;
    }
    char byte;
    pthread_mutex_lock(&server->lock); /* the descriptor is another's once it is completed */
    ssize_t n = request->completed ? 0 : recv(request->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    pthread_mutex_unlock(&server->lock);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static void resume(qt_http_request *request) {
    if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->connection);
    }
}

void qt_http_continue(qt_http_request *request, void (*fn)(void *arg, qt_http_request *request),
                      void *arg) {
    qt_http_server *server = request->server;
    pthread_mutex_lock(&server->lock);
    assert(request->next == NULL && !request->replied);
    request->next = fn;
    request->next_arg = arg;
    resume(request);
    pthread_mutex_unlock(&server->lock);
}

void qt_http_add_header(qt_http_request *request, const char *name, const char *value) {
    assert(request->header_count < QT_HTTP_MAX_HEADERS);
    const char *name_copy = qt_arena_strdup(&request->arena, name);
    const char *value_copy = qt_arena_strdup(&request->arena, value);
    if (name_copy != NULL && value_copy != NULL) {
        request->headers[request->header_count++] =
            (qt_http_header_line){.name = name_copy, .value = value_copy};
    }
}

static void finish(qt_http_request *request, int status, const char *content_type) {
    qt_http_server *server = request->server;
    request->status = status;
    request->content_type =
        content_type != NULL ? qt_arena_strdup(&request->arena, content_type) : NULL;
    pthread_mutex_lock(&server->lock);
    assert(!request->replied);
    request->replied = true;
    resume(request);
    pthread_mutex_unlock(&server->lock);
}

void qt_http_reply(qt_http_request *request, int status, const char *content_type, qt_buf *body) {
    if (body != NULL) {
        request->answer = *body;
        *body = (qt_buf){.limit_bytes = body->limit_bytes};
    }
    finish(request, status, content_type);
}

void qt_http_reply_static(qt_http_request *request, int status, const char *content_type,
                          const void *data, size_t len) {
    request->static_data = data;
    request->static_len = len;
    finish(request, status, content_type);
}

/* ---- answers in parts ---- */

/* libmicrohttpd asks for the next part of a streamed answer. */
ssize_t qt_http_read_part(void *cls, uint64_t position, char *to, size_t max) {
    qt_http_request *req = cls;
    qt_http_server *server = req->server;
    (void)position;
    pthread_mutex_lock(&server->lock);
    size_t left = req->answer.len - req->sent;
    size_t count = left < max ? left : max;
    bool drained = count > 0 && count == left;
    ssize_t result = (ssize_t)count;
    if (count > 0) {
        memcpy(to, req->answer.data + req->sent, count);
        req->sent += count;
    } else if (req->ended) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        req->suspended = true;
        MHD_suspend_connection(req->connection);
    }
    if (drained) {
        req->sent = 0;
        qt_buf_clear(&req->answer);
    }
    bool tell = drained && !req->ended;
    pthread_mutex_unlock(&server->lock);
    if (tell) {
        req->drained(req->drained_arg);
    }
    return result;
}

/* Forgets what was sent once it is most of the buffer, so that an answer which is never sent to
 * its end does not grow. With the lock held. */
static void forget_sent(qt_http_request *request) {
    qt_buf *answer = &request->answer;
    if (request->sent > answer->len / 2) {
        answer->len -= request->sent;
        memmove(answer->data, answer->data + request->sent, answer->len);
        request->sent = 0;
    }
}

void qt_http_stream_begin(qt_http_request *request, int status, const char *content_type,
                          void (*drained)(void *arg), void *arg) {
    request->streaming = true;
    request->drained = drained;
    request->drained_arg = arg;
    finish(request, status, content_type);
}

size_t qt_http_stream_write(qt_http_request *request, const void *data, size_t len) {
    qt_http_server *server = request->server;
    pthread_mutex_lock(&server->lock);
    forget_sent(request);
    qt_buf_add(&request->answer, data, len);
    size_t pending = request->answer.len - request->sent;
    resume(request);
    pthread_mutex_unlock(&server->lock);
    return pending;
}

size_t qt_http_stream_pending(qt_http_request *request) {
    qt_http_server *server = request->server;
    pthread_mutex_lock(&server->lock);
    size_t pending = request->answer.len - request->sent;
    pthread_mutex_unlock(&server->lock);
    return pending;
}

void qt_http_stream_end(qt_http_request *request) {
    qt_http_server *server = request->server;
    pthread_mutex_lock(&server->lock);
    bool is_last = request->completed;
    request->ended = true;
    resume(request);
    pthread_mutex_unlock(&server->lock);
    if (is_last) {
        qt_http_request_free(request);
    }
}
