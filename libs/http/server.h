/* An HTTP/1.1 server: a thin layer over libmicrohttpd's thread pool.
 *
 * The handler gets a complete request on one of the server's threads, must not block, and answers
 * at once or later, from any thread, with exactly one qt_http_reply(). While it does not answer,
 * no thread waits for it. Every request must be answered some day: the server's stop waits for it.
 *
 * Limits: a body that is longer than allowed is never kept; the handler gets on_refuse instead of
 * on_request. Up to 8 times the limit is read and thrown away first, so that clients which send all
 * before they look see the answer; a longer body, or one whose client asked with "Expect", is
 * refused as soon as its length is known.
 * Headers that are too long are answered by libmicrohttpd itself (431, 414). TLS and HTTP/2 are
 * the ingress's business. */
#ifndef QT_HTTP_SERVER_H
#define QT_HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QT_HTTP_PEER_BYTES = 64 };

typedef struct qt_http_server qt_http_server;
typedef struct qt_http_request qt_http_request;

typedef struct qt_http_options {
    const char *listen_addr;  /* "0.0.0.0:8080", "[::]:8080", "127.0.0.1:0" */
    int64_t threads;          /* below 2 many connections starve each other */
    int64_t max_body_bytes;   /* of a request */
    int64_t max_header_bytes; /* of request line and headers, roughly */
    int64_t max_uri_bytes;    /* of path and query */
    int64_t max_connections;
    int64_t idle_timeout_s; /* connections that neither send nor receive are closed */
} qt_http_options;

typedef enum qt_http_refusal {
    QT_HTTP_BODY_TOO_LARGE,
    QT_HTTP_URI_TOO_LONG,
    QT_HTTP_AMBIGUOUS_LENGTH, /* both Content-Length and Transfer-Encoding */
} qt_http_refusal;

typedef struct qt_http_handler {
    void (*on_request)(void *self, qt_http_request *request);
    /* Must reply before it returns. There is no body. */
    void (*on_refuse)(void *self, qt_http_request *request, qt_http_refusal why);
    void *self;
} qt_http_handler;

/* Binds and takes requests. IO_ERROR, SETTING_INVALID. */
qt_code qt_http_server_new(const qt_http_options *options, const qt_http_handler *handler,
                           qt_http_server **ret_server, qt_err *err);
/* The port it listens on. */
int qt_http_server_port(const qt_http_server *server);
/* From now on clients are told to close their connections after the next answer; new ones are still
 * taken. */
void qt_http_server_drain(qt_http_server *server);
/* Takes no new connections, tells clients to close theirs, waits until all requests are answered.
 * After grace_ms qt_http_gone() is true for the rest, which should end them. Blocks. */
void qt_http_server_stop(qt_http_server *server, int64_t grace_ms);
/* Of a server that was stopped. NULL is allowed. */
void qt_http_server_free(qt_http_server *server);

/* ---- a request; valid until it is answered ---- */

const char *qt_http_method(const qt_http_request *request);
/* Path and query as they came, not decoded, without the '?'. Not NUL-terminated: see *ret_len. */
const char *qt_http_path(const qt_http_request *request, size_t *ret_len);
const char *qt_http_query(const qt_http_request *request, size_t *ret_len);
/* Any case; NULL if none. Only on the server's threads (in the handler and in continuations). */
const char *qt_http_header(const qt_http_request *request, const char *name);
/* The address that the connection comes from, "127.0.0.1" or "::1"; "" when it is not known. */
void qt_http_peer(const qt_http_request *request, char *ret_text, size_t cap);
const char *qt_http_body(const qt_http_request *request, size_t *ret_len);
/* For whatever must live as long as the request. One thread at a time. */
qt_arena *qt_http_arena(qt_http_request *request);
/* Whether nobody waits for the answer any more. Any thread; still answer it. */
bool qt_http_gone(const qt_http_request *request);

/* Runs fn(arg, request) soon on one of the server's threads; fn replies or goes on waiting. For
 * work that does not belong on the thread that has the news. At most one at a time. Any thread. */
void qt_http_continue(qt_http_request *request, void (*fn)(void *arg, qt_http_request *request),
                      void *arg);

/* Adds a header to the answer; copies. Before qt_http_reply(). */
void qt_http_add_header(qt_http_request *request, const char *name, const char *value);
/* Answers; takes the body's memory and empties it (body may be NULL). The request is invalid
 * afterwards. Any thread. */
void qt_http_reply(qt_http_request *request, int status, const char *content_type, qt_buf *body);
/* The same with bytes in static storage. */
void qt_http_reply_static(qt_http_request *request, int status, const char *content_type,
                          const void *data, size_t len);

/* ---- an answer that is written in parts; any thread, one at a time ---- */

/* Sends the head, in place of qt_http_reply(). The request stays valid until
 * qt_http_stream_end(), also when the client goes away, which qt_http_gone() tells; it does so
 * too when the server stops. drained(arg) runs on a server's thread whenever all that was written
 * has been sent; it must not block. */
void qt_http_stream_begin(qt_http_request *request, int status, const char *content_type,
                          void (*drained)(void *arg), void *arg);
/* Copies the bytes and sends them soon. Returns how many bytes wait to be sent; they are not
 * limited, so whoever writes waits for drained() when they become many. */
size_t qt_http_stream_write(qt_http_request *request, const void *data, size_t len);
/* The same number. */
size_t qt_http_stream_pending(qt_http_request *request);
/* The answer is complete. The request is invalid afterwards. */
void qt_http_stream_end(qt_http_request *request);

#endif
