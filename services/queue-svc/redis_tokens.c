/* A token bucket in one hash, changed by one script: the clock is Redis', so all replicas agree.
 * `line` is the time by which all tokens that were promised to the callers in line have flowed in;
 * each adds the time of its own, so that those who come back find them one after the other. */
#include "services/queue-svc/redis_store_internal.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>

static const char script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000 + t[2] / 1000\n"
    "local n, reserve, capacity = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    "local per_ms, block = ARGV[4] / 1000, tonumber(ARGV[5])\n"
    "local h = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'blocked', 'line')\n"
    "local tokens, at = tonumber(h[1]) or capacity, tonumber(h[2]) or now\n"
    "local blocked, line = tonumber(h[3]) or 0, tonumber(h[4]) or 0\n"
    "tokens = math.min(capacity, tokens + math.max(0, now - at) * per_ms)\n"
    "if block > 0 then blocked = math.max(blocked, now + block) end\n"
    "local granted, wait = 0, 0\n"
    "if now < blocked then wait = blocked - now\n"
    "elseif tokens - n >= reserve then tokens, granted = tokens - n, 1\n"
    "else wait = (reserve + n - tokens) / per_ms end\n"
    "if granted == 0 and ARGV[6] == '1' then\n"
    "    local free = math.max(now, blocked) - (tokens - reserve) / per_ms\n"
    "    line = math.max(line, free) + n / per_ms\n"
    "    wait = math.max(wait, line - now)\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens),\n"
    "    'at', string.format('%.3f', now), 'blocked', string.format('%.3f', blocked),\n"
    "    'line', string.format('%.3f', line))\n"
    "redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(0, blocked - now, line - now)\n"
    "    + capacity / per_ms) + 60000)\n"
    "return {granted, math.ceil(wait), string.format('%.3f', tokens)}\n";

static void make_command(const qt_token_wish *wish, qt_redis_batch *batch) {
    char key[QT_BUCKET_BYTES + 16];
    char rate[48];
    snprintf(key, sizeof key, "bucket:%s", wish->bucket);
    snprintf(rate, sizeof rate, "%.9f", wish->refill_per_second);
    qt_redis_batch_command(batch, 10);
    qt_redis_batch_str(batch, "EVAL");
    qt_redis_batch_str(batch, script);
    qt_redis_batch_str(batch, "1");
    qt_redis_batch_str(batch, key);
    qt_redis_batch_i64(batch, wish->tokens);
    qt_redis_batch_i64(batch, wish->reserve);
    qt_redis_batch_i64(batch, wish->capacity);
    qt_redis_batch_str(batch, rate);
    qt_redis_batch_i64(batch, wish->block_ms);
    qt_redis_batch_str(batch, wish->in_line ? "1" : "0");
}

typedef struct reading {
    qt_token_grant grant;
    bool is_read;
    qt_err refused;
} reading;

static void read_reply(void *arg, size_t i, const redisReply *reply) {
    reading *r = arg;
    (void)i;
    if (reply->type == REDIS_REPLY_ERROR) {
        (void)!qt_redis_check(reply, &r->refused);
        return;
    }
    r->is_read = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
                 reply->element[2]->type == REDIS_REPLY_STRING;
    if (r->is_read) {
        r->grant.granted = reply->element[0]->integer == 1;
        r->grant.retry_after_ms = reply->element[1]->integer;
        r->grant.left = strtod(reply->element[2]->str, NULL);
    }
}

qt_code qt_redis_store_take_tokens(void *self, const qt_token_wish *wish, qt_token_grant *ret_grant,
                                   qt_err *err) {
    qt_redis_store *store = self;
    QT_CLEANUP(qt_redis_batch_done) qt_redis_batch batch = {0};
    reading r = {0};
    make_command(wish, &batch);
    QT_TRY(qt_redis_pool_run(store->pool, &batch, read_reply, &r, err));
    if (r.refused.code != QT_OK) {
        *err = r.refused;
        return err->code;
    }
    if (!r.is_read) {
        return qt_fail(err, QUEUE_UNAVAILABLE, "Redis answered a token script with something else");
    }
    *ret_grant = r.grant;
    return QT_OK;
}
