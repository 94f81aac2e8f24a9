#include "gateway/rate.h"

#include "base/alloc.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

/* A caller may be in any bucket of its row. */
enum { ROWS = 2048, ROW_BUCKETS = 8 };

typedef struct bucket {
    uint64_t caller; /* hash; 0: unused */
    double tokens;
    int64_t at_us; /* when it had them */
} bucket;

struct qt_rate {
    pthread_mutex_t lock;
    uint64_t seed; /* so that nobody can choose whom to share a row with */
    bucket rows[ROWS][ROW_BUCKETS];
};

qt_rate *qt_rate_new(void) {
    qt_rate *rate = qt_xcalloc(1, sizeof *rate);
    ssize_t got = getrandom(&rate->seed, sizeof rate->seed, 0);
    (void)got; /* cannot be short below 256 bytes */
    pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

void qt_rate_free(qt_rate *rate) {
    if (rate != NULL) {
        pthread_mutex_destroy(&rate->lock);
        free(rate);
    }
}

/* FNV-1a from a secret start, then the mixing steps of MurmurHash3's finalizer. */
static uint64_t hash_of(uint64_t seed, const char *text) {
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (const char *p = text; *p != '\0'; p++) {
        h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    }
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    h ^= h >> 33;
    return h != 0 ? h : 1;
}

static bucket *find_bucket(bucket *row, uint64_t caller, double burst, int64_t now_us) {
    bucket *oldest = row;
    for (size_t i = 0; i < ROW_BUCKETS; i++) {
        if (row[i].caller == caller) {
            return &row[i];
        }
        oldest = row[i].at_us < oldest->at_us ? &row[i] : oldest;
    }
    *oldest = (bucket){.caller = caller, .tokens = burst, .at_us = now_us};
    return oldest;
}

int64_t qt_rate_take(qt_rate *rate, const char *caller, double per_second, double burst,
                     int64_t now_us) {
    uint64_t hash = hash_of(rate->seed, caller);
    int64_t wait_ms = 0;
    pthread_mutex_lock(&rate->lock);
    bucket *b = find_bucket(rate->rows[hash % ROWS], hash, burst, now_us);
    if (now_us > b->at_us) {
        b->tokens = fmin(burst, b->tokens + (double)(now_us - b->at_us) / 1e6 * per_second);
        b->at_us = now_us;
    }
    if (b->tokens >= 1) {
        b->tokens -= 1;
    } else {
        wait_ms = (int64_t)ceil((1 - b->tokens) / per_second * 1000);
    }
    pthread_mutex_unlock(&rate->lock);
    return wait_ms;
}
