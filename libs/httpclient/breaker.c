#include "httpclient/breaker.h"

enum { TRY_AGAIN_MS = 1000 }; /* while another request tries */

bool qt_breaker_permit(qt_breaker *breaker, int64_t now_ms, int64_t *ret_wait_ms) {
    if (breaker->until_ms == 0) {
        return true;
    }
    if (now_ms < breaker->until_ms) {
        *ret_wait_ms = breaker->until_ms - now_ms;
        return false;
    }
    if (breaker->is_trying) {
        *ret_wait_ms = TRY_AGAIN_MS;
        return false;
    }
    breaker->is_trying = true;
    return true;
}

static int64_t pause_ms(const qt_breaker_options *options, unsigned openings, uint64_t random) {
    int64_t ms = options->base_ms;
    for (unsigned i = 1; i < openings && ms < options->cap_ms; i++) {
        ms *= 2;
    }
    ms = ms < options->cap_ms ? ms : options->cap_ms;
    return ms / 2 + (int64_t)(random % (uint64_t)(ms / 2 + 1)) + 1;
}

void qt_breaker_done(qt_breaker *breaker, const qt_breaker_options *options, bool is_failure,
                     int64_t now_ms, uint64_t random) {
    breaker->is_trying = false;
    if (!is_failure) {
        *breaker = (qt_breaker){0};
        return;
    }
    breaker->failures++;
    if (options->failures > 0 && breaker->failures >= options->failures) {
        unsigned openings = breaker->failures - options->failures + 1;
        breaker->until_ms = now_ms + pause_ms(options, openings, random);
    }
}
