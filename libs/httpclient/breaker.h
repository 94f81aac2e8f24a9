/* A circuit breaker per host: after some failures in a row nothing is sent for a while, then one
 * request tries. The pause doubles with each failed try, with full jitter on its upper half.
 *
 * A zeroed breaker is closed. One thread at a time. */
#ifndef QT_HTTPCLIENT_BREAKER_H
#define QT_HTTPCLIENT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct qt_breaker_options {
    unsigned failures; /* in a row that open it; 0: it never opens */
    int64_t base_ms;   /* first pause */
    int64_t cap_ms;    /* longest pause */
} qt_breaker_options;

typedef struct qt_breaker {
    unsigned failures; /* in a row */
    int64_t until_ms;  /* nothing is sent before; 0: closed */
    bool is_trying;    /* one request is under way to see whether the host is back */
} qt_breaker;

/* Whether a request may go out now; if so, and the breaker is open, it is the one that tries.
 * Otherwise *ret_wait_ms says how long to wait, at least 1. Every permitted request must be
 * followed by one call of qt_breaker_done(). */
bool qt_breaker_permit(qt_breaker *breaker, int64_t now_ms, int64_t *ret_wait_ms);
/* What became of it. `random` decides the jitter. */
void qt_breaker_done(qt_breaker *breaker, const qt_breaker_options *options, bool is_failure,
                     int64_t now_ms, uint64_t random);

#endif
