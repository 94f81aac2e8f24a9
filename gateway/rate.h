/* Token buckets that limit how many requests a caller sends: one bucket per caller, in a table of
 * fixed size. Where more callers come than it has room for, the one that was quiet for longest is
 * forgotten, which only gives it a full bucket. Thread-safe. */
#ifndef QT_GATEWAY_RATE_H
#define QT_GATEWAY_RATE_H

#include <stdint.h>

typedef struct qt_rate qt_rate;

/* Never NULL. */
qt_rate *qt_rate_new(void);
/* NULL is allowed. */
void qt_rate_free(qt_rate *rate);
/* Takes one token of the caller's bucket, which holds `burst` and gets `per_second` (above 0) at
 * the time now_us. Returns 0, or the milliseconds after which there is one. */
int64_t qt_rate_take(qt_rate *rate, const char *caller, double per_second, double burst,
                     int64_t now_us);

#endif
