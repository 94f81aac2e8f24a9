#include "qir/ptrmap.h"

#include "base/alloc.h"

#include <stdlib.h>

void qt_ptrmap_done(qt_ptrmap *map) {
    free(map->entries);
    *map = (qt_ptrmap){0};
}

/* The entry of the key, or the free one where it belongs. */
static qt_ptrmap_entry *find(const qt_ptrmap *map, const void *key) {
    uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9E3779B97F4A7C15);
    size_t i = (size_t)(hash >> 32) & (map->cap - 1);
    while (map->entries[i].key != NULL && map->entries[i].key != key) {
        i = (i + 1) & (map->cap - 1);
    }
    return &map->entries[i];
}

static qt_code grow(qt_ptrmap *map, qt_err *err) {
    qt_ptrmap larger = {.cap = map->cap > 0 ? map->cap * 2 : 64, .count = map->count};
    void *mem = NULL;
    QT_TRY(qt_try_calloc(larger.cap, sizeof *larger.entries, &mem, err));
    larger.entries = mem;
    for (size_t i = 0; i < map->cap; i++) {
        if (map->entries[i].key != NULL) {
            *find(&larger, map->entries[i].key) = map->entries[i];
        }
    }
    free(map->entries);
    *map = larger;
    return QT_OK;
}

qt_code qt_ptrmap_set(qt_ptrmap *map, const void *key, uint32_t value, qt_err *err) {
    if (map->count * 4 >= map->cap * 3) {
        QT_TRY(grow(map, err));
    }
    qt_ptrmap_entry *entry = find(map, key);
    map->count += entry->key == NULL;
    *entry = (qt_ptrmap_entry){.key = key, .value = value};
    return QT_OK;
}

uint32_t qt_ptrmap_get(const qt_ptrmap *map, const void *key) {
    if (map->cap == 0) {
        return QT_PTRMAP_NONE;
    }
    const qt_ptrmap_entry *entry = find(map, key);
    return entry->key != NULL ? entry->value : QT_PTRMAP_NONE;
}
