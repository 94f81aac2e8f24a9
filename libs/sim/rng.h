/* Random numbers: xoshiro256**, seeded through splitmix64. The same seed gives the same numbers on
 * every machine. A copy of the struct continues independently from the same place. One thread. */
#ifndef QT_SIM_RNG_H
#define QT_SIM_RNG_H

#include <stdint.h>

typedef struct qt_rng {
    uint64_t s[4];
} qt_rng;

void qt_rng_init(qt_rng *rng, uint64_t seed);
uint64_t qt_rng_next(qt_rng *rng);
/* In (0, 1]. */
double qt_rng_uniform(qt_rng *rng);
/* Exponential with mean 1. */
double qt_rng_exponential(qt_rng *rng);
/* How many of `count` trials with probability p succeed; exact in distribution: every trial
 * compares a random binary fraction with p, 64 trials at a time. */
uint64_t qt_rng_binomial(qt_rng *rng, uint64_t count, double p);

#endif
