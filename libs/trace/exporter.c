/* Happy path: push() appends; the thread wakes when a batch is full or the delay is over, takes the
 * list, encodes it and posts it. A collector that is away or asks to wait is tried again a few
 * times while the queue fills and then drops; after that the batch is lost, and counted. */
#include "trace/exporter.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QT_METRICS_DEF "trace/metrics.def"
#include "base/metrics_enum.inc"
#include "base/metrics_table.inc"

enum {
    MAX_TRIES = 4,
    FIRST_PAUSE_MS = 250,
    MAX_PAUSE_MS = 5000,
    LOG_EVERY_MS = 60000,
    HTTP_TOO_MANY = 429,
    HTTP_BAD_GATEWAY = 502,
    HTTP_UNAVAILABLE = 503,
    HTTP_GATEWAY_TIMEOUT = 504,
};

struct qt_exporter {
    qt_trace_options options;
    qt_otlp_resource resource;
    char *url;
    struct curl_slist *headers;
    CURL *curl; /* the thread's */
    int64_t logged_ms;
    pthread_t thread;
    pthread_mutex_t lock; /* what follows */
    pthread_cond_t changed;
    qt_trace_span *first;
    qt_trace_span **last;
    size_t count;
    bool stopping;
};

static void count_spans(const char *outcome, size_t n) {
    qt_series_add(qt_series_get(&qt_metric_table[QT_TRACE_METRIC_SPANS], outcome, NULL, NULL),
                  (double)n);
}

static void count_request(const char *outcome) {
    qt_series_add(qt_series_get(&qt_metric_table[QT_TRACE_METRIC_REQUESTS], outcome, NULL, NULL),
                  1);
}

/* A collector (of metrics). */
static void show_queue(void *arg) {
    qt_exporter *e = arg;
    pthread_mutex_lock(&e->lock);
    size_t count = e->count;
    pthread_mutex_unlock(&e->lock);
    qt_series_set(qt_series_get(&qt_metric_table[QT_TRACE_METRIC_QUEUE], NULL, NULL, NULL),
                  (double)count);
}

/* ---- queue ---- */

void qt_exporter_push(qt_exporter *e, qt_trace_span *span) {
    span->next = NULL;
    pthread_mutex_lock(&e->lock);
    bool fits = e->count < (size_t)e->options.max_queue;
    if (fits) {
        *e->last = span;
        e->last = &span->next;
        e->count++;
        if (e->count == (size_t)e->options.max_batch) {
            pthread_cond_signal(&e->changed);
        }
    }
    pthread_mutex_unlock(&e->lock);
    if (!fits) {
        free(span);
        count_spans("dropped", 1);
    }
}

/* Until there is a batch, or the delay is over, or the exporter stops. With the lock held. */
static void wait_for_batch(qt_exporter *e) {
    struct timespec until = qt_cond_deadline(e->options.delay_ms);
    int rc = 0;
    while (e->count < (size_t)e->options.max_batch && !e->stopping && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&e->changed, &e->lock, &until);
    }
}

/* Takes up to one batch; *ret_stopping: no more will come. */
static qt_trace_span *take(qt_exporter *e, size_t *ret_count, bool *ret_stopping) {
    pthread_mutex_lock(&e->lock);
    wait_for_batch(e);
    qt_trace_span *first = e->first;
    qt_trace_span **end = &e->first;
    size_t count = 0;
    while (*end != NULL && count < (size_t)e->options.max_batch) {
        end = &(*end)->next;
        count++;
    }
    qt_trace_span *rest = *end;
    *end = NULL;
    e->first = rest;
    e->last = rest != NULL ? e->last : &e->first;
    e->count -= count;
    *ret_stopping = e->stopping;
    pthread_mutex_unlock(&e->lock);
    *ret_count = count;
    return count > 0 ? first : NULL;
}

/* Waits between two tries; true when the exporter stops. */
static bool pause_ms(qt_exporter *e, int64_t ms) {
    struct timespec until = qt_cond_deadline(ms);
    int rc = 0;
    pthread_mutex_lock(&e->lock);
    while (!e->stopping && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&e->changed, &e->lock, &until);
    }
    bool stopping = e->stopping;
    pthread_mutex_unlock(&e->lock);
    return stopping;
}

/* ---- sending ---- */

static size_t read_away(char *data, size_t size, size_t count, void *arg) {
    (void)data;
    (void)arg;
    return size * count;
}

typedef struct answer {
    CURLcode code;
    long status;
    curl_off_t retry_after_s;
} answer;

static answer post(qt_exporter *e, const qt_buf *body) {
    answer a = {0};
    curl_easy_setopt(e->curl, CURLOPT_POSTFIELDS, body->data);
    curl_easy_setopt(e->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    a.code = curl_easy_perform(e->curl);
    curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &a.status);
    curl_easy_getinfo(e->curl, CURLINFO_RETRY_AFTER, &a.retry_after_s);
    return a;
}

static bool is_accepted(const answer *a) {
    return a->code == CURLE_OK && a->status >= 200 && a->status < 300;
}

static bool may_try_again(const answer *a) {
    return a->code != CURLE_OK || a->status == HTTP_TOO_MANY || a->status == HTTP_BAD_GATEWAY ||
           a->status == HTTP_UNAVAILABLE || a->status == HTTP_GATEWAY_TIMEOUT;
}

static int64_t pause_of(const answer *a, int tries) {
    int64_t ms = (int64_t)FIRST_PAUSE_MS << (tries - 1);
    int64_t asked_ms = a->retry_after_s * 1000;
    ms = asked_ms > ms ? asked_ms : ms;
    return ms < MAX_PAUSE_MS ? ms : MAX_PAUSE_MS;
}

static void log_loss(qt_exporter *e, const answer *a, size_t count) {
    int64_t now_ms = qt_clock_mono_ms(qt_clock_system());
    if (e->logged_ms == 0 || now_ms - e->logged_ms >= LOG_EVERY_MS) {
        e->logged_ms = now_ms;
        qt_log(WARN, "the collector does not take traces", QT_KV_INT("spans", count),
               QT_KV_STR("error", a->code != CURLE_OK ? curl_easy_strerror(a->code) : NULL),
               QT_KV_INT("status", a->status));
    }
}

static bool send_spans(qt_exporter *e, const qt_trace_span *first, size_t count) {
    QT_CLEANUP(qt_buf_done) qt_buf body = {0};
    qt_otlp_encode(&e->resource, first, &body);
    if (body.failed) {
        count_spans("lost", count);
        return false;
    }
    for (int tries = 1;; tries++) {
        answer a = post(e, &body);
        count_request(is_accepted(&a) ? "accepted" : "failed");
        if (is_accepted(&a)) {
            count_spans("exported", count);
            return true;
        }
        if (!may_try_again(&a) || tries >= MAX_TRIES || pause_ms(e, pause_of(&a, tries))) {
            count_spans("lost", count);
            log_loss(e, &a, count);
            return false;
        }
    }
}

static void free_spans(qt_trace_span *span) {
    while (span != NULL) {
        qt_trace_span *next = span->next;
        free(span);
        span = next;
    }
}

static void *run(void *arg) {
    qt_exporter *e = arg;
    bool stopping = false;
    bool failed = false; /* the last batch */
    pthread_setname_np(pthread_self(), "trace-export");
    for (;;) {
        size_t count = 0;
        qt_trace_span *first = take(e, &count, &stopping);
        if (first == NULL && stopping) {
            return NULL;
        }
        if (stopping && failed) {
            count_spans("lost", count); /* not one timeout for each batch that waits */
        } else if (first != NULL) {
            failed = !send_spans(e, first, count);
        }
        free_spans(first);
    }
}

/* ---- life ---- */

static qt_code make_url(qt_exporter *e, qt_err *err) {
    const qt_trace_options *o = &e->options;
    bool whole = o->traces_endpoint[0] != '\0';
    const char *given = whole ? o->traces_endpoint : o->endpoint;
    size_t len = strlen(given);
    if (strncmp(given, "http://", 7) != 0 && strncmp(given, "https://", 8) != 0) {
        return qt_fail(err, SETTING_INVALID, "%s: '%.80s' is no http:// or https:// address",
                       whole ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT",
                       given);
    }
    if (strcmp(o->protocol, "http/protobuf") != 0) {
        return qt_fail(err, SETTING_INVALID,
                       "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is known");
    }
    QT_CLEANUP(qt_buf_done) qt_buf url = {0};
    while (!whole && len > 0 && given[len - 1] == '/') {
        len--;
    }
    qt_buf_add(&url, given, len);
    qt_buf_add_str(&url, whole ? "" : "/v1/traces");
    QT_TRY(qt_buf_check(&url, err));
    e->url = qt_buf_take(&url, NULL);
    return QT_OK;
}

static void add_header(void *arg, const char *key, const char *value) {
    qt_exporter *e = arg;
    char line[400];
    if (strpbrk(key, "\r\n:") == NULL && strpbrk(value, "\r\n") == NULL) {
        snprintf(line, sizeof line, "%s: %s", key, value);
        e->headers = curl_slist_append(e->headers, line);
    }
}

static void set_up_curl(qt_exporter *e) {
    e->headers = curl_slist_append(e->headers, "Content-Type: application/x-protobuf");
    e->headers = curl_slist_append(e->headers, "Expect:");
    qt_otlp_each_pair(e->options.headers, add_header, e);
    curl_easy_setopt(e->curl, CURLOPT_URL, e->url);
    curl_easy_setopt(e->curl, CURLOPT_HTTPHEADER, e->headers);
    curl_easy_setopt(e->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e->curl, CURLOPT_TIMEOUT_MS, (long)e->options.timeout_ms);
    curl_easy_setopt(e->curl, CURLOPT_WRITEFUNCTION, read_away);
    curl_easy_setopt(e->curl, CURLOPT_USERAGENT, "qtaskdist/" QT_VERSION);
}

static void free_exporter(qt_exporter *e) {
    if (e == NULL) {
        return;
    }
    free_spans(e->first);
    curl_easy_cleanup(e->curl);
    curl_slist_free_all(e->headers);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    free(e->url);
    free(e);
}

QT_CLEANUP_PTR(free_exporter_p, qt_exporter, free_exporter);

static qt_exporter *new_exporter(const qt_trace_options *options) {
    qt_exporter *e = qt_xcalloc(1, sizeof *e);
    char host[40] = "host";
    e->options = *options;
    e->last = &e->first;
    pthread_mutex_init(&e->lock, NULL);
    qt_cond_init(&e->changed);
    gethostname(host, sizeof host - 1);
    e->resource = (qt_otlp_resource){
        .service = options->service, .attributes = options->resource, .version = QT_VERSION};
    snprintf(e->resource.instance, sizeof e->resource.instance, "%s-%d", host, (int)getpid());
    return e;
}

qt_code qt_exporter_new(const qt_trace_options *options, qt_exporter **ret_exporter, qt_err *err) {
    QT_CLEANUP(free_exporter_p) qt_exporter *e = new_exporter(options);
    QT_TRY(make_url(e, err));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    e->curl = curl_easy_init();
    if (e->curl == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no HTTP client for the traces");
    }
    set_up_curl(e);
    if (pthread_create(&e->thread, NULL, run, e) != 0) {
        return qt_fail(err, OUT_OF_MEMORY, "no thread for the traces");
    }
    qt_metrics_add_collector(show_queue, e);
    *ret_exporter = QT_TAKE(e);
    return QT_OK;
}

void qt_exporter_free(qt_exporter *e) {
    qt_metrics_remove_collector(show_queue, e);
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    free_exporter(e);
}
