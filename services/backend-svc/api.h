/* Requests to a provider's REST API: quota, key, retries of reads, errors in the provider's words.
 * Any thread. */
#ifndef QT_BACKEND_SVC_API_H
#define QT_BACKEND_SVC_API_H

#include "httpclient/client.h"
#include "services/backend-svc/provider.h"
#include "services/backend-svc/quota.h"
#include "json/tree.h"

#include <stdatomic.h>

typedef struct qt_api {
    const char *provider; /* for errors and metrics */
    char *base_url;       /* without a slash at its end; its own */
    char *key_header;     /* "X-API-KEY: ..."; its own; never logged */
    qt_http_client *http; /* borrowed */
    qt_quota quota;
    int64_t timeout_ms;
    size_t max_reply_bytes;
    unsigned tries;        /* of a request that reads */
    atomic_uint throttles; /* 429s in a row */
} qt_api;

typedef struct qt_api_options {
    const char *provider;
    const char *base_url;
    const char *header; /* name of the key's header */
    const char *prefix; /* in front of the key, e.g. "apiKey " */
    const char *key;
    bool allow_plain_http;
    qt_http_client *http;
    qt_quota quota;
    int64_t timeout_ms;
    size_t max_reply_bytes;
    unsigned tries;
} qt_api_options;

/* SETTING_INVALID for a key with characters that no header may have, or a base URL that is no
 * https. */
qt_code qt_api_init(qt_api *api, const qt_api_options *options, qt_err *err);
/* Safe on zeroed memory. */
void qt_api_done(qt_api *api);

typedef struct qt_api_request {
    const char *route;       /* for metrics: "submit" */
    const char *method;      /* "GET" */
    const char *path;        /* "/jobs?limit=100" */
    const char *body;        /* JSON; NULL: none */
    const char *skip;        /* member of the reply that is not read; NULL: none */
    const char *traceparent; /* NULL: none */
    qt_quota_kind quota;
    bool is_repeatable; /* made again when it failed */
} qt_api_request;

typedef struct qt_api_reply {
    int status;               /* HTTP; 0: no reply */
    const qt_json_node *root; /* NULL when the body is no JSON */
    bool is_doubtful;         /* of a failure: whether the provider may have done it */
} qt_api_reply;

/* Makes the request. Success is a 2xx status with a JSON body. `*reply` is filled on failure too.
 * Errors: QUOTA_EXHAUSTED (ours, or a 429) with retry_after_ms, PROVIDER_KEY_INVALID (401),
 * PROVIDER_REFUSED (another 4xx) with the provider's words, PROVIDER_UNAVAILABLE,
 * PROVIDER_REPLY_INVALID. */
qt_code qt_api_call(qt_api *api, const qt_api_request *request, qt_arena *arena,
                    qt_api_reply *reply, qt_err *err);

/* What a failed submit means. */
qt_submit_outcome qt_api_outcome(const qt_api_reply *reply, const qt_err *err);

/* Percent-encodes what is neither unreserved nor ':'; in the arena. */
qt_code qt_api_escape(const char *text, qt_arena *arena, const char **ret_text, qt_err *err);
/* What a reply says of an error, "" when it says nothing; at most cap - 1 bytes, no control
 * characters. */
void qt_api_words(const qt_json_node *root, char *ret_text, size_t cap);

#endif
