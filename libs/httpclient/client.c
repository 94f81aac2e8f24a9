/* A call lives on its caller's stack: the caller hands it to the event thread and waits until the
 * event thread lets go of it. Only the event thread touches libcurl's multi handle. */
#include "httpclient/client.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "task/retry.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLL_MS = 1000,
    CANCEL_CHECK_MS = 50,
    MAX_HOST_BYTES = 280,
    MAX_HOSTS = 64,
    MAX_RETRY_AFTER_S = 86400,
    DEFAULT_CONNECT_MS = 5000,
    DEFAULT_CONNECTIONS = 8,
};

typedef struct host {
    struct host *next;
    char name[MAX_HOST_BYTES]; /* "https://api.example.com:443" */
    qt_breaker breaker;
} host;

typedef struct transfer {
    struct transfer *next; /* in `queued` or `active` */
    const qt_http_call *call;
    qt_http_answer *answer;
    CURL *easy;
    struct curl_slist *headers;
    bool too_large;
    bool is_cancelled; /* guarded by the lock */
    bool is_done;      /* guarded by the lock */
    CURLcode code;
    pthread_cond_t done;
} transfer;

struct qt_http_client {
    qt_http_client_options options;
    const qt_clock *clock;
    CURLM *multi;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    transfer *queued;
    bool stopping;
    host *hosts;
    size_t host_count;
    transfer *active; /* of the event thread */
};

/* ---- the event thread ---- */

static void unlink_transfer(transfer **list, const transfer *t) {
    for (transfer **p = list; *p != NULL; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            return;
        }
    }
}

static void let_go(qt_http_client *client, transfer *t, CURLcode code) {
    pthread_mutex_lock(&client->lock);
    t->code = code;
    t->is_done = true;
    pthread_cond_signal(&t->done);
    pthread_mutex_unlock(&client->lock);
}

static void end_transfer(qt_http_client *client, transfer *t, CURLcode code) {
    curl_multi_remove_handle(client->multi, t->easy);
    unlink_transfer(&client->active, t);
    let_go(client, t, code);
}

static void start_queued(qt_http_client *client) {
    pthread_mutex_lock(&client->lock);
    transfer *t = QT_TAKE(client->queued);
    pthread_mutex_unlock(&client->lock);
    while (t != NULL) {
        transfer *next = t->next;
        if (curl_multi_add_handle(client->multi, t->easy) != CURLM_OK) {
            let_go(client, t, CURLE_OUT_OF_MEMORY);
        } else {
            t->next = client->active;
            client->active = t;
        }
        t = next;
    }
}

static bool must_end(qt_http_client *client, const transfer *t) {
    pthread_mutex_lock(&client->lock);
    bool yes = t->is_cancelled;
    pthread_mutex_unlock(&client->lock);
    return yes;
}

static void end_cancelled(qt_http_client *client) {
    transfer *next = NULL;
    for (transfer *t = client->active; t != NULL; t = next) {
        next = t->next;
        if (must_end(client, t)) {
            end_transfer(client, t, CURLE_ABORTED_BY_CALLBACK);
        }
    }
}

static void end_finished(qt_http_client *client) {
    int left = 0;
    const CURLMsg *msg;
    while ((msg = curl_multi_info_read(client->multi, &left)) != NULL) {
        void *self = NULL;
        if (msg->msg == CURLMSG_DONE) {
            CURLcode code = msg->data.result;
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&self);
            end_transfer(client, self, code);
        }
    }
}

static bool goes_on(qt_http_client *client) {
    pthread_mutex_lock(&client->lock);
    bool yes = !client->stopping;
    pthread_mutex_unlock(&client->lock);
    return yes;
}

static void *event_main(void *arg) {
    qt_http_client *client = arg;
    int running = 0;
    while (goes_on(client)) {
        start_queued(client);
        curl_multi_perform(client->multi, &running);
        end_finished(client);
        end_cancelled(client);
        curl_multi_poll(client->multi, NULL, 0, POLL_MS, NULL);
    }
    return NULL;
}

/* ---- new and free ---- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void set_defaults(qt_http_client_options *options) {
    if (options->connect_timeout_ms == 0) {
        options->connect_timeout_ms = DEFAULT_CONNECT_MS;
    }
    if (options->connections_per_host == 0) {
        options->connections_per_host = DEFAULT_CONNECTIONS;
    }
}

QT_CLEANUP_PTR(client_free_p, qt_http_client, qt_http_client_free);

qt_code qt_http_client_new(const qt_http_client_options *options, qt_http_client **ret_client,
                           qt_err *err) {
    void *memory = NULL;
    pthread_once(&curl_once, init_curl);
    QT_TRY(qt_try_calloc(1, sizeof(qt_http_client), &memory, err));
    QT_CLEANUP(client_free_p) qt_http_client *client = memory;
    pthread_mutex_init(&client->lock, NULL);
    client->options = *options;
    set_defaults(&client->options);
    client->clock = qt_clock_system();
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for an HTTP client");
    }
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      client->options.connections_per_host);
    if (pthread_create(&client->thread, NULL, event_main, client) != 0) {
        return qt_fail(err, IO_ERROR, "no thread for an HTTP client");
    }
    client->started = true;
    *ret_client = QT_TAKE(client);
    return QT_OK;
}

void qt_http_client_free(qt_http_client *client) {
    if (client == NULL) {
        return;
    }
    if (client->started) {
        pthread_mutex_lock(&client->lock);
        client->stopping = true;
        pthread_mutex_unlock(&client->lock);
        curl_multi_wakeup(client->multi);
        pthread_join(client->thread, NULL);
    }
    curl_multi_cleanup(client->multi);
    while (client->hosts != NULL) {
        host *h = client->hosts;
        client->hosts = h->next;
        free(h);
    }
    pthread_mutex_destroy(&client->lock);
    free(client);
}

void qt_http_answer_done(qt_http_answer *answer) {
    qt_buf_done(&answer->body);
}

/* ---- URLs ---- */

static void free_curl_text(char **text) {
    curl_free(*text);
}

static void free_curl_url(CURLU **url) {
    curl_url_cleanup(*url);
}

static bool is_loopback(const char *name) {
    return strcmp(name, "localhost") == 0 || strncmp(name, "127.", 4) == 0 ||
           strcmp(name, "[::1]") == 0;
}

static qt_code split_url(const char *text, bool allow_plain_http, char *ret_host, size_t cap,
                         qt_err *err) {
    QT_CLEANUP(free_curl_url) CURLU *url = curl_url();
    QT_CLEANUP(free_curl_text) char *scheme = NULL;
    QT_CLEANUP(free_curl_text) char *name = NULL;
    QT_CLEANUP(free_curl_text) char *port = NULL;
    if (url == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for a URL");
    }
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        return qt_fail(err, FIELD_INVALID, "'%.100s' is no http URL", text);
    }
    bool is_https = strcmp(scheme, "https") == 0;
    if (!is_https && strcmp(scheme, "http") != 0) {
        return qt_fail(err, FIELD_INVALID, "'%.100s' is neither https nor http", text);
    }
    if (!is_https && !allow_plain_http && !is_loopback(name)) {
        return qt_fail(err, FIELD_INVALID, "plain http to '%.100s' would show the key on the way",
                       name);
    }
    if ((size_t)snprintf(ret_host, cap, "%s://%s:%s", scheme, name, port) >= cap) {
        return qt_fail(err, FIELD_INVALID, "the host's name is too long");
    }
    return QT_OK;
}

qt_code qt_http_check_url(const char *url, bool allow_plain_http, qt_err *err) {
    char name[MAX_HOST_BYTES];
    pthread_once(&curl_once, init_curl);
    return split_url(url, allow_plain_http, name, sizeof name, err);
}

/* ---- the breaker of a host ---- */

/* NULL when there are too many hosts. With the lock held. */
static host *find_host(qt_http_client *client, const char *name) {
    for (host *h = client->hosts; h != NULL; h = h->next) {
        if (strcmp(h->name, name) == 0) {
            return h;
        }
    }
    if (client->host_count == MAX_HOSTS) {
        return NULL;
    }
    host *h = qt_xcalloc(1, sizeof *h);
    memcpy(h->name, name, strlen(name) + 1);
    h->next = client->hosts;
    client->hosts = h;
    client->host_count++;
    return h;
}

static qt_code permit(qt_http_client *client, const char *name, host **ret_host, qt_err *err) {
    int64_t wait_ms = 0;
    pthread_mutex_lock(&client->lock);
    host *h = find_host(client, name);
    bool may =
        h == NULL || qt_breaker_permit(&h->breaker, qt_clock_mono_ms(client->clock), &wait_ms);
    pthread_mutex_unlock(&client->lock);
    if (!may) {
        (void)!qt_fail(err, PROVIDER_UNAVAILABLE, "%s failed too often and gets a pause of %lld ms",
                       name, (long long)wait_ms);
        err->retry_after_ms = wait_ms;
        return err->code;
    }
    *ret_host = h;
    return QT_OK;
}

static void tell_breaker(qt_http_client *client, host *h, bool is_failure) {
    if (h != NULL) {
        pthread_mutex_lock(&client->lock);
        qt_breaker_done(&h->breaker, &client->options.breaker, is_failure,
                        qt_clock_mono_ms(client->clock), qt_random_u64());
        pthread_mutex_unlock(&client->lock);
    }
}

/* ---- one transfer ---- */

static size_t on_body(char *data, size_t size, size_t count, void *self) {
    transfer *t = self;
    size_t len = size * count;
    if (len > t->call->max_body_bytes - t->answer->body.len) {
        t->too_large = true;
        return 0;
    }
    qt_buf_add(&t->answer->body, data, len);
    return t->answer->body.failed ? 0 : len;
}

static bool add_headers(transfer *t) {
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; list != NULL && t->call->headers != NULL && t->call->headers[i] != NULL;
         i++) {
        struct curl_slist *longer = curl_slist_append(list, t->call->headers[i]);
        if (longer == NULL) {
            curl_slist_free_all(list);
        }
        list = longer;
    }
    t->headers = list;
    return list != NULL;
}

static void set_connection(const qt_http_client *client, const transfer *t) {
    const qt_http_client_options *options = &client->options;
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (options->ca_file != NULL && options->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    }
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)t->call->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, t->call->once ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
}

static void set_request(transfer *t) {
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_URL, t->call->url);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->call->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    if (t->call->body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, t->call->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->call->body_len);
    }
}

static qt_code prepare(const qt_http_client *client, transfer *t, qt_err *err) {
    t->easy = curl_easy_init();
    if (t->easy == NULL || !add_headers(t)) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for an HTTP call");
    }
    set_connection(client, t);
    set_request(t);
    return QT_OK;
}

static void transfer_done(transfer *t) {
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    pthread_cond_destroy(&t->done);
}

/* Waits until the event thread lets go. */
static void run(qt_http_client *client, transfer *t) {
    pthread_mutex_lock(&client->lock);
    t->next = client->queued;
    client->queued = t;
    curl_multi_wakeup(client->multi);
    while (!t->is_done) {
        const struct timespec until = qt_cond_deadline(CANCEL_CHECK_MS);
        if (t->call->cancelled == NULL || t->is_cancelled) {
            pthread_cond_wait(&t->done, &client->lock);
        } else if (pthread_cond_timedwait(&t->done, &client->lock, &until) != 0 &&
                   t->call->cancelled(t->call->self)) {
            t->is_cancelled = true;
            curl_multi_wakeup(client->multi);
        }
    }
    pthread_mutex_unlock(&client->lock);
}

/* Whether the request cannot have reached the server's program. */
static bool was_never_sent(const transfer *t) {
    curl_off_t ready_us = 0;
    switch ((int)t->code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return true;
    default: /* pretransfer: just before the first byte of the request */
        return curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us) == CURLE_OK &&
               ready_us == 0;
    }
}

static void read_status(transfer *t) {
    long status = 0;
    curl_off_t after_s = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after_s);
    after_s = after_s < MAX_RETRY_AFTER_S ? after_s : MAX_RETRY_AFTER_S;
    t->answer->status = (int)status;
    t->answer->retry_after_ms = after_s > 0 ? (int64_t)after_s * 1000 : 0;
}

static qt_code judge(transfer *t, const char *host_name, qt_err *err) {
    qt_http_answer *answer = t->answer;
    answer->maybe_sent = t->code == CURLE_OK || !was_never_sent(t);
    if (t->code == CURLE_OK) {
        read_status(t);
        return QT_OK;
    }
    qt_buf_clear(&answer->body);
    if (t->too_large) {
        return qt_fail(err, PROVIDER_REPLY_INVALID, "the reply of %s is over %zu bytes", host_name,
                       t->call->max_body_bytes);
    }
    if (t->is_cancelled) {
        return qt_fail(err, CALL_CANCELLED, "the call of %s was cancelled", host_name);
    }
    return qt_fail(err, PROVIDER_UNAVAILABLE, "%s: %s", host_name, curl_easy_strerror(t->code));
}

/* Cancelled calls and our own limits say nothing of the host. */
static bool speaks_against_host(const transfer *t) {
    enum { SERVER_ERRORS = 500 };
    if (t->code == CURLE_OK) {
        return t->answer->status >= SERVER_ERRORS;
    }
    return !t->too_large && !t->is_cancelled && t->code != CURLE_OUT_OF_MEMORY;
}

qt_code qt_http_client_call(qt_http_client *client, const qt_http_call *call,
                            qt_http_answer *answer, qt_err *err) {
    char name[MAX_HOST_BYTES];
    host *h = NULL;
    qt_buf_clear(&answer->body);
    answer->status = 0;
    answer->retry_after_ms = 0;
    answer->maybe_sent = false;
    if (call->timeout_ms <= 0) {
        return qt_fail(err, DEADLINE_EXCEEDED, "no time is left for the call");
    }
    QT_TRY(split_url(call->url, client->options.allow_plain_http, name, sizeof name, err));
    QT_CLEANUP(transfer_done) transfer t = {.call = call, .answer = answer};
    qt_cond_init(&t.done);
    QT_TRY(prepare(client, &t, err));
    QT_TRY(permit(client, name, &h, err));
    run(client, &t);
    qt_code code = judge(&t, name, err);
    tell_breaker(client, h, speaks_against_host(&t));
    return code;
}
