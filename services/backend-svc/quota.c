#include "services/backend-svc/quota.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "services/backend-svc/metrics.h"

#include <qtaskdist/v1/queue_service.rpc.h>

enum { CALL_MS = 3000 };

qt_quota qt_quota_make(qt_rpc_channel *queue, const char *provider, int64_t requests,
                       int64_t window_ms, int64_t burst_percent, int64_t reserve_percent) {
    if (requests == 0) {
        return (qt_quota){.provider = provider};
    }
    int64_t burst = requests * burst_percent / 100;
    burst = burst > 0 ? burst : 1;
    int64_t flow = requests > burst ? requests - burst : 1;
    int64_t reserve = burst * reserve_percent / 100;
    return (qt_quota){.queue = queue,
                      .provider = provider,
                      .capacity = (int32_t)burst,
                      .reserve = (int32_t)(reserve < burst ? reserve : burst - 1),
                      .refill_per_second = (double)flow * 1000 / (double)window_ms};
}

static qt_code call(const qt_quota *quota, int32_t tokens, qt_quota_kind kind, int64_t block_ms,
                    qt_arena *arena, Qtaskdist__V1__TakeTokensResponse **ret_resp, qt_err *err) {
    Qtaskdist__V1__TakeTokensRequest req = QTASKDIST__V1__TAKE_TOKENS_REQUEST__INIT;
    req.bucket = (char *)(uintptr_t)quota->provider;
    req.tokens = tokens;
    req.reserve = kind == QT_QUOTA_READ || kind == QT_QUOTA_RESULT ? quota->reserve : 0;
    req.in_line = kind == QT_QUOTA_RESULT || kind == QT_QUOTA_SUBMIT;
    req.capacity = quota->capacity;
    req.refill_per_second = quota->refill_per_second;
    req.block_ms = block_ms;
    const qt_rpc_call options = {.timeout_ms = CALL_MS};
    QT_TRY(qt_queue_service_take_tokens(quota->queue, &options, &req, arena, ret_resp, err));
    qt_backend_show(QT_BACKEND_QUOTA_LEFT, quota->provider, NULL, (*ret_resp)->left);
    return QT_OK;
}

qt_code qt_quota_take(const qt_quota *quota, qt_quota_kind kind, qt_err *err) {
    if (quota->queue == NULL || kind == QT_QUOTA_TAKEN) {
        return QT_OK;
    }
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__TakeTokensResponse *resp = NULL;
    QT_TRY(call(quota, 1, kind, 0, &arena, &resp, err));
    if (!resp->granted) {
        qt_backend_count(QT_BACKEND_QUOTA_WAITS, quota->provider, NULL, 1);
        (void)!qt_fail(err, QUOTA_EXHAUSTED,
                       "the request quota of %s is used up; the next is free in %lld ms",
                       quota->provider, (long long)resp->retry_after_ms);
        err->retry_after_ms = resp->retry_after_ms > 0 ? resp->retry_after_ms : 1;
        return err->code;
    }
    return QT_OK;
}

void qt_quota_block(const qt_quota *quota, int64_t ms) {
    if (quota->queue == NULL) {
        return;
    }
    QT_CLEANUP(qt_arena_done) qt_arena arena;
    qt_arena_init(&arena, 0);
    Qtaskdist__V1__TakeTokensResponse *resp = NULL;
    qt_err err;
    if (call(quota, 0, QT_QUOTA_WRITE, ms, &arena, &resp, &err) != QT_OK) {
        qt_log_err(WARN, "a provider's pause could not be shared", &err,
                   QT_KV_STR("provider", quota->provider));
    }
}
