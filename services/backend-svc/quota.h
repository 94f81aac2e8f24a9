/* The request quota of a provider: a token bucket in Redis that all replicas share, through
 * queue-svc. Burst and flow are chosen so that no window of the provider sees more than its limit.
 * Any thread. */
#ifndef QT_BACKEND_SVC_QUOTA_H
#define QT_BACKEND_SVC_QUOTA_H

#include "rpc/client.h"

typedef struct qt_quota {
    qt_rpc_channel *queue; /* borrowed; NULL: no limit */
    const char *provider;  /* names the bucket */
    int32_t capacity;
    int32_t reserve;
    double refill_per_second;
} qt_quota;

typedef enum qt_quota_kind {
    QT_QUOTA_READ,   /* polls, devices: leave the reserve */
    QT_QUOTA_RESULT, /* leaves the reserve; waits in line, as many do */
    QT_QUOTA_SUBMIT, /* may use the reserve; waits in line */
    QT_QUOTA_WRITE,  /* looks for a tag, cancels: may use the reserve */
    QT_QUOTA_TAKEN,  /* taken before */
} qt_quota_kind;

/* `requests` in any window of window_ms; 0: no limit. */
qt_quota qt_quota_make(qt_rpc_channel *queue, const char *provider, int64_t requests,
                       int64_t window_ms, int64_t burst_percent, int64_t reserve_percent);

/* Takes one request. QUOTA_EXHAUSTED with retry_after_ms when there is none now; another error when
 * queue-svc or Redis does not answer: then no request may be made either. */
qt_code qt_quota_take(const qt_quota *quota, qt_quota_kind kind, qt_err *err);
/* The provider asked all of us to wait. Best effort. */
void qt_quota_block(const qt_quota *quota, int64_t ms);

#endif
