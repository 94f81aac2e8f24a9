#include "base/arena.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK_BYTES = 4096, MAX_BLOCK_BYTES = 1 << 20, ALIGN = 16 };

struct qt_arena_block {
    qt_arena_block *older;
    size_t size; /* of the whole block, header included */
};

enum { HEADER_BYTES = (sizeof(qt_arena_block) + ALIGN - 1) / ALIGN * ALIGN };

void qt_arena_init(qt_arena *arena, size_t limit_bytes) {
    *arena = (qt_arena){.limit_bytes = limit_bytes, .block_bytes = FIRST_BLOCK_BYTES};
}

static void free_blocks(qt_arena_block *block) {
    while (block != NULL) {
        qt_arena_block *older = block->older;
        free(block);
        block = older;
    }
}

void qt_arena_done(qt_arena *arena) {
    free_blocks(arena->blocks);
    qt_arena_init(arena, arena->limit_bytes);
}

void qt_arena_reset(qt_arena *arena) {
    qt_arena_block *keep = arena->blocks;
    if (keep == NULL) {
        return;
    }
    free_blocks(keep->older);
    keep->older = NULL;
    arena->used_bytes = keep->size;
    arena->next = (char *)keep + HEADER_BYTES;
    arena->end = (char *)keep + keep->size;
}

static int add_block(qt_arena *arena, size_t payload) {
    size_t size = arena->block_bytes > 0 ? arena->block_bytes : FIRST_BLOCK_BYTES;
    if (payload > SIZE_MAX - HEADER_BYTES) {
        return -1;
    }
    if (size < payload + HEADER_BYTES) {
        size = payload + HEADER_BYTES;
    }
    if (arena->limit_bytes > 0) {
        size_t left = arena->limit_bytes - arena->used_bytes;
        if (payload + HEADER_BYTES > left) {
            return -1;
        }
        size = size < left ? size : left;
    }
    void *mem = NULL;
    qt_err err;
    if (qt_try_malloc(size, &mem, &err) != QT_OK) {
        return -1;
    }
    qt_arena_block *block = mem;
    *block = (qt_arena_block){.older = arena->blocks, .size = size};
    arena->blocks = block;
    arena->used_bytes += size;
    arena->next = (char *)block + HEADER_BYTES;
    arena->end = (char *)block + size;
    if (arena->block_bytes < MAX_BLOCK_BYTES) {
        arena->block_bytes = (arena->block_bytes > 0 ? arena->block_bytes : FIRST_BLOCK_BYTES) * 2;
    }
    return 0;
}

void *qt_arena_alloc(qt_arena *arena, size_t size) {
    if (size > SIZE_MAX - ALIGN) {
        return NULL;
    }
    size_t rounded = size > 0 ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (arena->next == NULL || rounded > (size_t)(arena->end - arena->next)) {
        if (add_block(arena, rounded) != 0) {
            return NULL;
        }
    }
    void *p = arena->next;
    arena->next += rounded;
    return p;
}

qt_code qt_arena_try_alloc(qt_arena *arena, size_t size, void **ret_ptr, qt_err *err) {
    void *p = qt_arena_alloc(arena, size);
    if (p == NULL) {
        return qt_fail(err, MEMORY_LIMIT, "no room for %zu bytes (limit %zu bytes)", size,
                       arena->limit_bytes);
    }
    *ret_ptr = p;
    return QT_OK;
}

qt_code qt_arena_try_calloc(qt_arena *arena, size_t count, size_t size, void **ret_ptr,
                            qt_err *err) {
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        return qt_fail(err, MEMORY_LIMIT, "no room for %zu items of %zu bytes", count, size);
    }
    QT_TRY(qt_arena_try_alloc(arena, total, ret_ptr, err));
    memset(*ret_ptr, 0, total);
    return QT_OK;
}

char *qt_arena_strndup(qt_arena *arena, const char *s, size_t len) {
    if (len == SIZE_MAX) {
        return NULL;
    }
    char *copy = qt_arena_alloc(arena, len + 1);
    if (copy != NULL) {
        if (len > 0) {
            memcpy(copy, s, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

char *qt_arena_strdup(qt_arena *arena, const char *s) {
    return qt_arena_strndup(arena, s, strlen(s));
}

char *qt_arena_printf(qt_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *s = len >= 0 ? qt_arena_alloc(arena, (size_t)len + 1) : NULL;
    if (s != NULL) {
        vsnprintf(s, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    return s;
}
