/* The API keys of the gateway, from a file that may change while it runs.
 *
 * A line is one key: its name, the SHA-256 of the key in hexadecimal, its scopes, and optionally
 * how many requests per second it may send (0 or nothing: the setting RATE_LIMIT):
 *
 *   ci     5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8   read,write   50
 *
 * "#" begins a comment. Scopes: read (GET), write (the other methods, and read), admin (changes of
 * queues, and write). The file holds hashes only, so who reads it has no key; a key must be random,
 * because nothing slows down guessing a short one. Thread-safe. */
#ifndef QT_GATEWAY_KEYS_H
#define QT_GATEWAY_KEYS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { QT_KEY_NAME_BYTES = 64, QT_KEYS_MAX = 10000 };

typedef enum qt_scope {
    QT_SCOPE_NONE,
    QT_SCOPE_READ,
    QT_SCOPE_WRITE,
    QT_SCOPE_ADMIN, /* each includes those before it */
} qt_scope;

typedef struct qt_key {
    char name[QT_KEY_NAME_BYTES];
    uint8_t hash[32];
    qt_scope scope;
    double rate; /* requests per second; 0: the default */
} qt_key;

typedef struct qt_keys qt_keys;

/* Reads the file. SETTING_INVALID with file:line. */
qt_code qt_keys_open(const char *path, qt_keys **ret_keys, qt_err *err);
/* NULL is allowed. */
void qt_keys_close(qt_keys *keys);
/* Finds the key that `secret` is. Looks at most once a second whether the file has changed; a new
 * one that cannot be read is logged, and the old keys stay. */
bool qt_keys_find(qt_keys *keys, const char *secret, qt_key *ret_key);

/* "read", ...; for messages. */
const char *qt_scope_name(qt_scope scope);

#endif
