/* Counts per outcome: a hash table from bit strings of any length to numbers. One thread. */
#ifndef QT_SIM_TALLY_H
#define QT_SIM_TALLY_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct qt_tally {
    size_t words;     /* 64-bit words of a key */
    size_t count;     /* distinct keys, in the order in which they came */
    size_t cap;       /* room for keys */
    uint64_t *keys;   /* count keys of `words` words */
    uint64_t *counts; /* how often each came */
    uint32_t *slots;  /* 1 + number of the key, or 0; 2 * cap of them, a power of two */
} qt_tally;

/* For keys of `bits` bits; unused high bits of a key must be 0. */
void qt_tally_init(qt_tally *tally, size_t bits);
/* Releases; safe on zeroed memory and twice. */
void qt_tally_done(qt_tally *tally);
void qt_tally_clear(qt_tally *tally);
qt_code qt_tally_add(qt_tally *tally, const uint64_t *key, uint64_t count, qt_err *err);

static inline const uint64_t *qt_tally_key(const qt_tally *tally, size_t i) {
    return tally->keys + i * tally->words;
}

#endif
