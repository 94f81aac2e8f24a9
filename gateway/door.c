/* Who may come in: API keys with scopes, a rate for each caller, and browsers from other origins
 * (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). */
#include "base/cleanup.h"
#include "base/clock.h"
#include "gateway/gateway_impl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BEARER "Bearer "

/* ---- keys and rates ---- */

/* "Authorization: Bearer KEY" or "X-API-Key: KEY". */
static const char *given_key(const qt_exchange *x) {
    const char *header = qt_http_header(x->http, "Authorization");
    if (header != NULL && strncasecmp(header, BEARER, strlen(BEARER)) == 0) {
        header += strlen(BEARER);
        return header + strspn(header, " ");
    }
    return qt_http_header(x->http, "X-API-Key");
}

static qt_code take_token(qt_exchange *x, const char *caller, double per_second, qt_err *err) {
    const qt_gateway *g = x->gateway;
    if (per_second <= 0) {
        return QT_OK;
    }
    int64_t wait_ms =
        qt_rate_take(g->rate, caller, per_second, (double)g->options.rate_burst, x->start_us);
    if (wait_ms == 0) {
        return QT_OK;
    }
    qt_code code = qt_fail(err, RATE_LIMITED, "more than %g requests per second", per_second);
    err->retry_after_ms = wait_ms;
    return code;
}

/* Without a key the caller is the address that the connection comes from. */
static qt_code limit_address(qt_exchange *x, qt_err *err) {
    char address[QT_HTTP_PEER_BYTES];
    qt_http_peer(x->http, address, sizeof address);
    return take_token(x, address, (double)x->gateway->options.rate_limit, err);
}

static qt_code refuse_caller(qt_exchange *x, const char *why, qt_err *err) {
    QT_TRY(limit_address(x, err)); /* guesses too */
    qt_http_add_header(x->http, "WWW-Authenticate", "Bearer realm=\"qtaskdist\"");
    return qt_fail(err, UNAUTHENTICATED, "%s", why);
}

qt_code qt_door_enter(qt_exchange *x, qt_err *err) {
    const qt_gateway *g = x->gateway;
    const char *secret = given_key(x);
    qt_key key;
    if (g->keys == NULL) {
        x->scope = QT_SCOPE_ADMIN;
        return limit_address(x, err);
    }
    if (secret == NULL) {
        return refuse_caller(x, "an API key is needed: send \"Authorization: Bearer KEY\"", err);
    }
    if (!qt_keys_find(g->keys, secret, &key)) {
        return refuse_caller(x, "the API key is not known", err);
    }
    x->scope = key.scope;
    snprintf(x->caller, sizeof x->caller, "%s", key.name);
    return take_token(x, key.name, key.rate > 0 ? key.rate : (double)g->options.rate_limit, err);
}

static qt_scope needed_scope(const qt_exchange *x) {
    if (strcmp(x->route->rule->http_method, "GET") == 0) {
        return QT_SCOPE_READ;
    }
    bool queue = strcmp(x->route->method->service, "qtaskdist.v1.QueueService") == 0;
    return queue ? QT_SCOPE_ADMIN : QT_SCOPE_WRITE;
}

qt_code qt_door_check_scope(const qt_exchange *x, qt_err *err) {
    qt_scope needed = needed_scope(x);
    if (x->scope >= needed) {
        return QT_OK;
    }
    return qt_fail(err, PERMISSION_DENIED, "%s needs the scope %s, the key \"%s\" has %s",
                   x->method, qt_scope_name(needed), x->caller, qt_scope_name(x->scope));
}

/* ---- CORS ---- */

/* Whether `origin` is in the comma-separated list. */
static bool is_listed(const char *list, const char *origin) {
    size_t len = strlen(origin);
    for (const char *p = list; *p != '\0';) {
        p += strspn(p, " ,");
        size_t item = strcspn(p, " ,");
        if ((item == len && memcmp(p, origin, len) == 0) || (item == 1 && *p == '*')) {
            return true;
        }
        p += item;
    }
    return false;
}

/* The request's origin if it may read our answers; else NULL. */
static const char *allowed_origin(const qt_exchange *x) {
    const char *origin = qt_http_header(x->http, "Origin");
    const char *list = x->gateway->options.cors_origins;
    return origin != NULL && list != NULL && is_listed(list, origin) ? origin : NULL;
}

void qt_door_add_headers(qt_exchange *x) {
    const char *origin = allowed_origin(x);
    if (origin == NULL) {
        return;
    }
    qt_http_add_header(x->http, "Access-Control-Allow-Origin", origin);
    qt_http_add_header(x->http, "Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
}

bool qt_door_preflight(qt_exchange *x) {
    bool asks = strcmp(qt_http_method(x->http), "OPTIONS") == 0 &&
                qt_http_header(x->http, "Access-Control-Request-Method") != NULL;
    if (!asks || allowed_origin(x) == NULL) {
        return false;
    }
    x->method = "preflight";
    qt_http_add_header(x->http, "Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE");
    qt_http_add_header(x->http, "Access-Control-Allow-Headers",
                       "Authorization, Content-Type, X-API-Key, X-Request-Id, X-Timeout-Ms, "
                       "traceparent");
    qt_http_add_header(x->http, "Access-Control-Max-Age", "600");
    qt_answer_nothing(x);
    return true;
}
