#include "services/backend-svc/api.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "services/backend-svc/metrics.h"
#include "task/retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MAX_DEPTH = 64,
    WORDS_BYTES = 200,
    TREE_FACTOR = 8, /* memory of a reply's tree against its bytes */
    TREE_MIN_BYTES = 1048576,
    THROTTLED_MS = 1000, /* after a 429 that does not say how long */
    THROTTLED_CAP_MS = 120000,
};

/* ---- set-up ---- */

static bool is_header_text(const char *s) {
    for (; *s != '\0'; s++) {
        if (*s <= ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

static char *without_slash(const char *url) {
    char *copy = qt_xstrdup(url);
    size_t len = strlen(copy);
    while (len > 0 && copy[len - 1] == '/') {
        copy[--len] = '\0';
    }
    return copy;
}

qt_code qt_api_init(qt_api *api, const qt_api_options *options, qt_err *err) {
    if (!is_header_text(options->key)) {
        return qt_fail(err, SETTING_INVALID, "the key of %s has a space or a control character",
                       options->provider);
    }
    if (qt_http_check_url(options->base_url, options->allow_plain_http, err) != QT_OK) {
        return qt_fail(err, SETTING_INVALID, "the base URL of %s is not https", options->provider);
    }
    size_t len = strlen(options->header) + strlen(options->prefix) + strlen(options->key) + 8;
    *api = (qt_api){.provider = options->provider,
                    .base_url = without_slash(options->base_url),
                    .key_header = qt_xmalloc(len),
                    .http = options->http,
                    .quota = options->quota,
                    .timeout_ms = options->timeout_ms,
                    .max_reply_bytes = options->max_reply_bytes,
                    .tries = options->tries};
    snprintf(api->key_header, len, "%s: %s%s", options->header, options->prefix, options->key);
    return QT_OK;
}

void qt_api_done(qt_api *api) {
    if (api->key_header != NULL) {
        explicit_bzero(api->key_header, strlen(api->key_header));
    }
    free(api->key_header);
    free(api->base_url);
    *api = (qt_api){0};
}

/* ---- texts ---- */

qt_code qt_api_escape(const char *text, qt_arena *arena, const char **ret_text, qt_err *err) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:";
    void *memory = NULL;
    QT_TRY(qt_arena_try_alloc(arena, strlen(text) * 3 + 1, &memory, err));
    char *to = memory;
    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            *to++ = *text;
        } else {
            to += sprintf(to, "%%%02X", (unsigned char)*text);
        }
    }
    *to = '\0';
    *ret_text = memory;
    return QT_OK;
}

static void copy_words(const char *text, char *ret_text, size_t cap) {
    size_t len = strlen(text) < cap - 1 ? strlen(text) : cap - 1;
    while (len > 0 && (text[len] & 0xC0) == 0x80) {
        len--; /* not inside a character */
    }
    for (size_t i = 0; i < len; i++) {
        ret_text[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
    }
    ret_text[len] = '\0';
}

/* FastAPI's list: [{"loc": ["body", "shots"], "msg": "..."}]. */
static bool words_of_list(const qt_json_node *list, char *ret_text, size_t cap) {
    const qt_json_node *first = qt_json_is(list, QT_JSON_ARRAY) ? list->child : NULL;
    const char *msg = qt_json_text(qt_json_get(first, "msg"));
    const qt_json_node *place = qt_json_get(first, "loc");
    const char *field = NULL;
    for (place = place != NULL ? place->child : NULL; place != NULL; place = place->next) {
        field = qt_json_text(place) != NULL ? qt_json_text(place) : field;
    }
    if (msg == NULL) {
        return false;
    }
    char text[WORDS_BYTES * 2];
    snprintf(text, sizeof text, "%s%s%s", field != NULL ? field : "", field != NULL ? ": " : "",
             msg);
    copy_words(text, ret_text, cap);
    return true;
}

static const char *first_text(const qt_json_node *const *nodes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *text = qt_json_text(nodes[i]);
        if (text != NULL && text[0] != '\0') {
            return text;
        }
    }
    return NULL;
}

void qt_api_words(const qt_json_node *root, char *ret_text, size_t cap) {
    const qt_json_node *detail = qt_json_get(root, "detail");
    const qt_json_node *error = qt_json_get(root, "error");
    const qt_json_node *const candidates[] = {detail,
                                              qt_json_get(root, "message"),
                                              error,
                                              qt_json_get(error, "message"),
                                              qt_json_get(qt_json_get(root, "data"), "message"),
                                              qt_json_get(root, "statusMsg")};
    ret_text[0] = '\0';
    if (words_of_list(detail, ret_text, cap)) {
        return;
    }
    const char *text = first_text(candidates, QT_ARRAY_LEN(candidates));
    copy_words(text != NULL ? text : "", ret_text, cap);
}

/* ---- one request ---- */

static qt_code send_request(const qt_api *api, const qt_api_request *request,
                            qt_http_answer *answer, qt_err *err) {
    char url[2048];
    char trace[128];
    snprintf(trace, sizeof trace, "traceparent: %s",
             request->traceparent != NULL ? request->traceparent : "");
    bool is_traced = request->traceparent != NULL && request->traceparent[0] != '\0' &&
                     is_header_text(request->traceparent);
    const char *headers[] = {api->key_header, "Accept: application/json",
                             "Content-Type: application/json", is_traced ? trace : NULL, NULL};
    if ((size_t)snprintf(url, sizeof url, "%s%s", api->base_url, request->path) >= sizeof url) {
        return qt_fail(err, FIELD_INVALID, "the request's path is too long");
    }
    const qt_http_call call = {.method = request->method,
                               .url = url,
                               .headers = headers,
                               .body = request->body,
                               .body_len = request->body != NULL ? strlen(request->body) : 0,
                               .timeout_ms = api->timeout_ms,
                               .max_body_bytes = api->max_reply_bytes,
                               .once = !request->is_repeatable};
    return qt_http_client_call(api->http, &call, answer, err);
}

static qt_code refuse(const qt_api *api, const char *words, qt_api_reply *reply, qt_err *err) {
    enum { UNAUTHORIZED = 401, TIMED_OUT = 408, BAD_REQUEST = 400 };
    if (reply->status == UNAUTHORIZED) {
        return qt_fail(err, PROVIDER_KEY_INVALID, "%s does not accept the API key%s%s",
                       api->provider, words[0] != '\0' ? ": " : "", words);
    }
    if (reply->status == TIMED_OUT || reply->status < BAD_REQUEST) {
        reply->is_doubtful = true;
        return qt_fail(err, PROVIDER_UNAVAILABLE, "%s answered %d", api->provider, reply->status);
    }
    return qt_fail(err, PROVIDER_REFUSED, "%s answered %d%s%s", api->provider, reply->status,
                   words[0] != '\0' ? ": " : "", words);
}

/* A 429: all replicas wait. Without a Retry-After the pause doubles with each 429 in a row. */
static qt_code throttle(qt_api *api, const qt_http_answer *answer, qt_err *err) {
    static const qt_backoff backoff = {.base_ms = THROTTLED_MS, .cap_ms = THROTTLED_CAP_MS};
    int in_a_row = (int)atomic_fetch_add(&api->throttles, 1) + 1;
    int64_t wait_ms = answer->retry_after_ms > 0
                          ? answer->retry_after_ms
                          : THROTTLED_MS / 2 + qt_backoff_ms(&backoff, in_a_row, qt_random_u64());
    qt_quota_block(&api->quota, wait_ms);
    (void)!qt_fail(err, QUOTA_EXHAUSTED, "%s asks to wait %lld ms", api->provider,
                   (long long)wait_ms);
    err->retry_after_ms = wait_ms;
    return err->code;
}

/* What a complete HTTP reply means. */
static qt_code judge(qt_api *api, const qt_http_answer *answer, qt_api_reply *reply, qt_err *err) {
    enum { OK = 200, MULTIPLE = 300, TOO_MANY = 429, SERVER_ERROR = 500 };
    char words[WORDS_BYTES];
    qt_api_words(reply->root, words, sizeof words);
    if (reply->status != TOO_MANY) {
        atomic_store(&api->throttles, 0);
    }
    if (reply->status >= OK && reply->status < MULTIPLE) {
        if (reply->root != NULL) {
            return QT_OK;
        }
        reply->is_doubtful = true;
        return qt_fail(err, PROVIDER_REPLY_INVALID, "%s answered %d with something that is no JSON",
                       api->provider, reply->status);
    }
    if (reply->status == TOO_MANY) {
        return throttle(api, answer, err);
    }
    if (reply->status < SERVER_ERROR) {
        return refuse(api, words, reply, err);
    }
    reply->is_doubtful = true;
    (void)!qt_fail(err, PROVIDER_UNAVAILABLE, "%s answered %d%s%s", api->provider, reply->status,
                   words[0] != '\0' ? ": " : "", words);
    err->retry_after_ms = answer->retry_after_ms;
    return err->code;
}

/* The tree keeps its texts in the arena, whose limit does not hold for a reply: a reply has a limit
 * of its own. NULL when the body is no JSON. */
static const qt_json_node *parse(const qt_http_answer *answer, const char *skip, qt_arena *arena) {
    const qt_json_node *root = NULL;
    qt_err ignored;
    size_t limit = arena->limit_bytes;
    arena->limit_bytes = arena->used_bytes + answer->body.len * TREE_FACTOR + TREE_MIN_BYTES;
    if (qt_json_tree_parse(qt_buf_str(&answer->body), answer->body.len, MAX_DEPTH, skip, arena,
                           &root, &ignored) != QT_OK) {
        root = NULL;
    }
    arena->limit_bytes = limit;
    return root;
}

static qt_code call_once(qt_api *api, const qt_api_request *request, qt_arena *arena,
                         qt_api_reply *reply, qt_err *err) {
    QT_CLEANUP(qt_http_answer_done) qt_http_answer answer = {0};
    *reply = (qt_api_reply){0};
    QT_TRY(qt_quota_take(&api->quota, request->quota, err));
    qt_code code = send_request(api, request, &answer, err);
    reply->status = answer.status;
    reply->is_doubtful = code != QT_OK && answer.maybe_sent;
    qt_backend_count_request(api->provider, request->route, answer.status);
    QT_TRY(code);
    reply->root = parse(&answer, request->skip, arena);
    return judge(api, &answer, reply, err);
}

/* ---- retries ---- */

static bool may_repeat(const qt_err *err) {
    enum { LONGEST_WAIT_MS = 1000 };
    bool is_passing = err->reason == QT_REASON_PROVIDER_UNAVAILABLE ||
                      err->reason == QT_REASON_PROVIDER_REPLY_INVALID;
    return is_passing && err->retry_after_ms < LONGEST_WAIT_MS;
}

static void pause_before(int try, int64_t at_least_ms) {
    static const qt_backoff backoff = {.base_ms = 100, .cap_ms = 2000};
    int64_t ms = qt_backoff_ms(&backoff, try, qt_random_u64());
    ms = ms > at_least_ms ? ms : at_least_ms;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

qt_code qt_api_call(qt_api *api, const qt_api_request *request, qt_arena *arena,
                    qt_api_reply *reply, qt_err *err) {
    qt_code code = call_once(api, request, arena, reply, err);
    for (unsigned try = 1;
         code != QT_OK && request->is_repeatable && try < api->tries && may_repeat(err); try++) {
        pause_before((int)try, err->retry_after_ms);
        code = call_once(api, request, arena, reply, err);
    }
    return code;
}

qt_submit_outcome qt_api_outcome(const qt_api_reply *reply, const qt_err *err) {
    if (reply->is_doubtful) {
        return QT_SUBMIT_DOUBTFUL;
    }
    bool is_refused =
        err->reason == QT_REASON_PROVIDER_REFUSED || err->reason == QT_REASON_PROVIDER_KEY_INVALID;
    return is_refused ? QT_SUBMIT_REJECTED : QT_SUBMIT_NOT_ACCEPTED;
}
