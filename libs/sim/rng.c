#include "sim/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t v, int k) {
    return (v << k) | (v >> (64 - k));
}

void qt_rng_init(qt_rng *rng, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        rng->s[i] = splitmix64(&seed);
    }
}

uint64_t qt_rng_next(qt_rng *rng) {
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double qt_rng_uniform(qt_rng *rng) {
    return (double)((qt_rng_next(rng) >> 11) + 1) * 0x1p-53;
}

double qt_rng_exponential(qt_rng *rng) {
    return -log(qt_rng_uniform(rng));
}

/* Bit k of each word is one trial. A trial is decided at the first binary digit in which its
 * random fraction differs from p; it succeeds when its digit is the smaller one. */
static uint64_t trials(qt_rng *rng, uint64_t active, double p) {
    uint64_t success = 0;
    for (double rest = p; active != 0 && rest > 0;) {
        uint64_t digits = qt_rng_next(rng);
        rest *= 2;
        if (rest >= 1) {
            rest -= 1;
            success |= active & ~digits;
            active &= digits;
        } else {
            active &= ~digits;
        }
    }
    return success;
}

uint64_t qt_rng_binomial(qt_rng *rng, uint64_t count, double p) {
    if (!(p > 0)) {
        return 0;
    }
    if (p >= 1) {
        return count;
    }
    uint64_t sum = 0;
    for (; count >= 64; count -= 64) {
        sum += (uint64_t)__builtin_popcountll(trials(rng, ~UINT64_C(0), p));
    }
    if (count > 0) {
        sum += (uint64_t)__builtin_popcountll(trials(rng, (UINT64_C(1) << count) - 1, p));
    }
    return sum;
}
