/* Inside libs/qir: a hash table from pointers to indices. One thread. */
#ifndef QT_QIR_PTRMAP_H
#define QT_QIR_PTRMAP_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct qt_ptrmap_entry {
    const void *key; /* NULL: free */
    uint32_t value;
} qt_ptrmap_entry;

/* Zeroed: empty. */
typedef struct qt_ptrmap {
    qt_ptrmap_entry *entries;
    size_t cap; /* a power of two, or 0 */
    size_t count;
} qt_ptrmap;

#define QT_PTRMAP_NONE 0xFFFFFFFFU

void qt_ptrmap_done(qt_ptrmap *map);
/* key is not NULL. An old value is replaced. */
qt_code qt_ptrmap_set(qt_ptrmap *map, const void *key, uint32_t value, qt_err *err);
/* The value, or QT_PTRMAP_NONE. */
uint32_t qt_ptrmap_get(const qt_ptrmap *map, const void *key);

#endif
