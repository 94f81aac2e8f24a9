/* Inside libs/qasm: every identifier of a program once.
 *
 * A name has one meaning at a time; scopes put the earlier one back. */
#ifndef QT_QASM_NAMES_H
#define QT_QASM_NAMES_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum qasm_meaning {
    MEANING_NONE,
    MEANING_KEYWORD, /* index: the keyword */
    MEANING_GATE,    /* index: into the gate table */
    MEANING_QREG,    /* index: register of the circuit */
    MEANING_CREG,
    MEANING_SYMBOL, /* data: what OpenQASM 3 declared */
} qasm_meaning;

typedef struct qasm_name {
    const char *text; /* NUL-terminated, in the arena */
    uint32_t len;
    uint32_t hash;
    uint8_t meaning; /* qasm_meaning */
    bool library;    /* a gate of the standard library, which a program may redefine */
    bool later;      /* one that the library's paper does not have: registers may hide it */
    bool head;       /* a keyword that statements start with */
    bool reported;   /* as unknown, or its declaration is broken: its uses are not reported */
    uint32_t index;
    uint32_t formal; /* inside a gate's body: 1 + its number as a parameter or qubit */
    bool formal_qubit;
    uint32_t shadows; /* declarations that hide it, while a block is looked through */
    bool hidden_gate; /* index is the gate's although the name means something else now */
    bool is_input;    /* declared as an input */
    void *data;
} qasm_name;

typedef struct qasm_names {
    qasm_name **slots; /* a power of two, linear probing */
    size_t slot_count;
    size_t count;
} qasm_names;

void qasm_names_done(qasm_names *names);

/* The hash that the lexer computes on its way. */
static inline uint32_t qasm_hash_step(uint32_t hash, char c) {
    return (hash ^ (uint8_t)c) * 16777619U;
}
enum { QASM_HASH_START = 0x11C9DC5 };

/* Looks a name up; NULL when there is none. */
static inline qasm_name *qasm_names_find(const qasm_names *names, const char *text, size_t len,
                                         uint32_t hash) {
    size_t mask = names->slot_count - 1;
    for (size_t i = hash & mask; names->slot_count > 0 && names->slots[i] != NULL;
         i = (i + 1) & mask) {
        qasm_name *name = names->slots[i];
        if (name->hash == hash && name->len == len && memcmp(name->text, text, len) == 0) {
            return name;
        }
    }
    return NULL;
}

/* Finds or adds; NULL without memory. */
qasm_name *qasm_names_get(qasm_names *names, qt_arena *arena, const char *text, size_t len,
                          uint32_t hash);
/* The same with the hash of the text. */
qasm_name *qasm_names_add(qasm_names *names, qt_arena *arena, const char *text);

/* The most similar name among those accepted, or NULL. Of very many names some are not looked at.
 */
const qasm_name *qasm_names_similar(const qasm_names *names, const char *text, size_t len,
                                    bool (*accept)(const qasm_name *name));

/* The same among words. */
const char *qasm_similar_word(const char *const *words, size_t count, const char *text, size_t len);

#endif
