/* An HTTP/1.1 client on libcurl's multi interface: one event thread, any number of callers.
 *
 * TLS certificates are always verified. Plain http is allowed to loopback addresses only, unless
 * the options say otherwise, so that a key never crosses a network in the clear. Redirects are not
 * followed and bodies are not decompressed. Connections are kept and used again.
 *
 * Headers and bodies are never logged, and never part of an error's message: they hold keys.
 *
 * Errors of a call: PROVIDER_UNAVAILABLE (no connection, TLS failure, cut reply, time over, or the
 * host's circuit breaker is open: then retry_after_ms is set), PROVIDER_REPLY_INVALID (reply over
 * the limit), CALL_CANCELLED, FIELD_INVALID (the URL). An HTTP status is no error here. */
#ifndef QT_HTTPCLIENT_CLIENT_H
#define QT_HTTPCLIENT_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "httpclient/breaker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_http_client qt_http_client;

typedef struct qt_http_client_options {
    const char *ca_file;        /* PEM of trusted authorities; "" or NULL: the system's; kept */
    const char *user_agent;     /* kept */
    int64_t connect_timeout_ms; /* 0: 5,000; TLS included */
    long connections_per_host;  /* 0: 8 */
    bool allow_plain_http;      /* to hosts other than loopback too */
    qt_breaker_options breaker;
} qt_http_client_options;

typedef struct qt_http_call {
    const char *method; /* "GET" */
    const char *url;
    const char *const *headers; /* "Name: value", the last one NULL; NULL: none */
    const char *body;
    size_t body_len;
    int64_t timeout_ms;    /* of the whole call */
    size_t max_body_bytes; /* of the reply */
    /* The request goes out at most once. Otherwise libcurl sends it again by itself when a kept
     * connection turns out to be closed, whatever the method. */
    bool once;
    /* Asked every 50 ms; true ends the call with CALL_CANCELLED. NULL: never. */
    bool (*cancelled)(void *self);
    void *self;
} qt_http_call;

typedef struct qt_http_answer {
    int status;             /* 0 when the call failed */
    qt_buf body;            /* of a complete reply */
    int64_t retry_after_ms; /* from Retry-After, as seconds or as a date; 0: none */
    bool maybe_sent;        /* whether the server may have got the request; set on failure too */
} qt_http_answer;

/* Starts the event thread. */
qt_code qt_http_client_new(const qt_http_client_options *options, qt_http_client **ret_client,
                           qt_err *err);
/* No call may be running. NULL is allowed. */
void qt_http_client_free(qt_http_client *client);

/* Makes a call and waits for the reply. `answer` is a zeroed or used one; it is emptied first. A
 * 5xx status or a failed call counts against the host's circuit breaker. Any thread. */
qt_code qt_http_client_call(qt_http_client *client, const qt_http_call *call,
                            qt_http_answer *answer, qt_err *err);

/* Safe on zeroed memory and twice. */
void qt_http_answer_done(qt_http_answer *answer);

/* Whether a base URL may be used: https, or http to loopback (or anywhere when allowed). */
qt_code qt_http_check_url(const char *url, bool allow_plain_http, qt_err *err);

#endif
