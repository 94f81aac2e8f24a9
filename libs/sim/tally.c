#include "sim/tally.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 16 };

void qt_tally_init(qt_tally *tally, size_t bits) {
    *tally = (qt_tally){.words = bits == 0 ? 1 : (bits + 63) / 64};
}

void qt_tally_done(qt_tally *tally) {
    free(tally->keys);
    free(tally->counts);
    free(tally->slots);
    tally->keys = NULL;
    tally->counts = NULL;
    tally->slots = NULL;
    tally->count = 0;
    tally->cap = 0;
}

void qt_tally_clear(qt_tally *tally) {
    tally->count = 0;
    if (tally->slots != NULL) {
        memset(tally->slots, 0, 2 * tally->cap * sizeof *tally->slots);
    }
}

static size_t hash(const uint64_t *key, size_t words) {
    uint64_t h = 0;
    for (size_t i = 0; i < words; i++) {
        h = (h ^ key[i]) * 0x9E3779B97F4A7C15U;
        h ^= h >> 32;
    }
    return (size_t)h;
}

/* The slot of the key, or the empty one where it belongs. */
static size_t find(const qt_tally *t, const uint64_t *key) {
    size_t mask = 2 * t->cap - 1;
    size_t at = hash(key, t->words) & mask;
    while (t->slots[at] != 0 &&
           memcmp(qt_tally_key(t, t->slots[at] - 1), key, t->words * sizeof *key) != 0) {
        at = (at + 1) & mask;
    }
    return at;
}

static qt_code grow(qt_tally *t, qt_err *err) {
    size_t cap = t->cap == 0 ? FIRST_CAP : 2 * t->cap;
    if (cap > UINT32_MAX) {
        return qt_fail(err, MEMORY_LIMIT, "more than %u distinct outcomes", UINT32_MAX / 2);
    }
    uint32_t *slots = NULL;
    QT_TRY(qt_try_realloc((void **)&t->keys, cap * t->words * sizeof *t->keys, err));
    QT_TRY(qt_try_realloc((void **)&t->counts, cap * sizeof *t->counts, err));
    QT_TRY(qt_try_calloc(2 * cap, sizeof *slots, (void **)&slots, err));
    free(t->slots);
    t->slots = slots;
    t->cap = cap;
    for (size_t i = 0; i < t->count; i++) {
        t->slots[find(t, qt_tally_key(t, i))] = (uint32_t)(i + 1);
    }
    return QT_OK;
}

qt_code qt_tally_add(qt_tally *t, const uint64_t *key, uint64_t count, qt_err *err) {
    if (t->count == t->cap) {
        QT_TRY(grow(t, err));
    }
    size_t at = find(t, key);
    if (t->slots[at] == 0) {
        memcpy(t->keys + t->count * t->words, key, t->words * sizeof *key);
        t->counts[t->count] = 0;
        t->slots[at] = (uint32_t)++t->count;
    }
    t->counts[t->slots[at] - 1] += count;
    return QT_OK;
}
