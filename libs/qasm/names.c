#include "qasm/names.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256, MAX_SIMILAR_BYTES = 48 };

void qasm_names_done(qasm_names *names) {
    free(names->slots);
    *names = (qasm_names){0};
}

static void put(qasm_names *names, qasm_name *name) {
    size_t i = name->hash & (names->slot_count - 1);
    while (names->slots[i] != NULL) {
        i = (i + 1) & (names->slot_count - 1);
    }
    names->slots[i] = name;
}

static bool grow(qasm_names *names) {
    qasm_names bigger = {.slot_count = names->slot_count == 0 ? FIRST_SLOTS : names->slot_count * 4,
                         .count = names->count};
    void *slots = NULL;
    qt_err err;
    if (qt_try_calloc(bigger.slot_count, sizeof *bigger.slots, &slots, &err) != QT_OK) {
        return false;
    }
    bigger.slots = slots;
    for (size_t i = 0; i < names->slot_count; i++) {
        if (names->slots[i] != NULL) {
            put(&bigger, names->slots[i]);
        }
    }
    free(names->slots);
    *names = bigger;
    return true;
}

static qasm_name *add(qasm_names *names, qt_arena *arena, const char *text, size_t len,
                      uint32_t hash) {
    if (names->count * 2 >= names->slot_count && !grow(names)) {
        return NULL;
    }
    qasm_name *name = qt_arena_alloc(arena, sizeof *name);
    char *copy = name != NULL ? qt_arena_strndup(arena, text, len) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    *name = (qasm_name){.text = copy, .len = (uint32_t)len, .hash = hash};
    put(names, name);
    names->count++;
    return name;
}

qasm_name *qasm_names_get(qasm_names *names, qt_arena *arena, const char *text, size_t len,
                          uint32_t hash) {
    size_t mask = names->slot_count - 1;
    for (size_t i = hash & mask; names->slot_count > 0 && names->slots[i] != NULL;
         i = (i + 1) & mask) {
        qasm_name *name = names->slots[i];
        if (name->hash == hash && name->len == len && memcmp(name->text, text, len) == 0) {
            return name;
        }
    }
    return add(names, arena, text, len, hash);
}

qasm_name *qasm_names_add(qasm_names *names, qt_arena *arena, const char *text) {
    uint32_t hash = QASM_HASH_START;
    for (const char *c = text; *c != '\0'; c++) {
        hash = qasm_hash_step(hash, *c);
    }
    return qasm_names_get(names, arena, text, strlen(text), hash);
}

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Insertions, deletions, replacements and swaps of neighbours between two short words. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len) {
    uint8_t rows[3][MAX_SIMILAR_BYTES + 1];
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = (uint8_t)j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        uint8_t *now = rows[i % 3];
        const uint8_t *last = rows[(i - 1) % 3];
        now[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t d =
                min3(now[j - 1] + 1U, last[j] + 1U, last[j - 1] + (a[i - 1] != b[j - 1] ? 1U : 0U));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                size_t swapped = rows[(i - 2) % 3][j - 2] + 1U;
                d = d < swapped ? d : swapped;
            }
            now[j] = (uint8_t)d;
        }
    }
    return rows[a_len % 3][b_len];
}

const qasm_name *qasm_names_similar(const qasm_names *names, const char *text, size_t len,
                                    bool (*accept)(const qasm_name *name)) {
    const qasm_name *best = NULL;
    size_t best_distance = len <= 2 ? 2 : 3; /* less than this is similar */
    if (len == 0 || len > MAX_SIMILAR_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < names->slot_count; i++) {
        const qasm_name *name = names->slots[i];
        if (name == NULL || name->len > MAX_SIMILAR_BYTES || name->len + 2 < len ||
            len + 2 < name->len || !accept(name)) {
            continue;
        }
        size_t d = distance(text, len, name->text, name->len);
        bool better = d < best_distance ||
                      (best != NULL && d == best_distance && strcmp(name->text, best->text) < 0);
        if (d > 0 && better && d < name->len) {
            best = name;
            best_distance = d;
        }
    }
    return best;
}
