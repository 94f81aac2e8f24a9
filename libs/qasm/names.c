#include "qasm/names.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* A search for a similar name looks at so many. */
enum { FIRST_SLOTS = 256, MAX_SIMILAR_BYTES = 48, MAX_CANDIDATES = 20000 };

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
    qasm_name *name = qasm_names_find(names, text, len, hash);
    return name != NULL ? name : add(names, arena, text, len, hash);
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

/* A search for the word that is most like another one: the fewest edits, then the longest common
 * start, the shortest, the first in the alphabet. */
typedef struct similar {
    const char *text;
    size_t len;
    size_t distance; /* of the best so far; less than this counts as similar */
    size_t common;
    const char *best;
    size_t best_len;
} similar;

static similar similar_to(const char *text, size_t len) {
    bool searchable = len > 0 && len <= MAX_SIMILAR_BYTES;
    return (similar){.text = text, .len = searchable ? len : 0, .distance = len <= 2 ? 2 : 3};
}

static size_t common_start(const char *a, const char *b) {
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* Whether the word is the best one now. */
static bool consider(similar *s, const char *word, size_t len) {
    if (s->len == 0 || len > MAX_SIMILAR_BYTES || len + 2 < s->len || s->len + 2 < len) {
        return false;
    }
    size_t d = distance(s->text, s->len, word, len);
    size_t common = common_start(s->text, word);
    bool tie = s->best != NULL && d == s->distance;
    bool same = tie && common == s->common;
    bool better = d < s->distance || (tie && common > s->common) || (same && len < s->best_len) ||
                  (same && len == s->best_len && strcmp(word, s->best) < 0);
    if (d == 0 || (d >= len && common == 0) || !better) {
        return false;
    }
    s->best = word;
    s->best_len = len;
    s->distance = d;
    s->common = common;
    return true;
}

const qasm_name *qasm_names_similar(const qasm_names *names, const char *text, size_t len,
                                    bool (*accept)(const qasm_name *name)) {
    similar s = similar_to(text, len);
    const qasm_name *best = NULL;
    size_t left = MAX_CANDIDATES;
    for (size_t i = 0; i < names->slot_count && left > 0; i++) {
        const qasm_name *name = names->slots[i];
        if (name != NULL && accept(name)) {
            best = consider(&s, name->text, name->len) ? name : best;
            left--;
        }
    }
    return best;
}

const char *qasm_similar_word(const char *const *words, size_t count, const char *text,
                              size_t len) {
    similar s = similar_to(text, len);
    for (size_t i = 0; i < count; i++) {
        (void)consider(&s, words[i], strlen(words[i]));
    }
    return s.best;
}
