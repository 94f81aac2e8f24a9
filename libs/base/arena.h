/* An arena: many small allocations, released together, with a hard limit.
 *
 * Memory is aligned to 16 bytes and not zeroed. What was got from an arena is valid until the
 * arena is reset or done. One thread at a time. */
#ifndef QT_BASE_ARENA_H
#define QT_BASE_ARENA_H

#include "base/err.h"

#include <stddef.h>

typedef struct qt_arena_block qt_arena_block;

typedef struct qt_arena {
    qt_arena_block *blocks; /* newest first */
    char *next;             /* free part of the newest block */
    char *end;
    size_t used_bytes;  /* got from the system */
    size_t limit_bytes; /* 0: none */
    size_t block_bytes; /* size of the next block */
} qt_arena;

/* Prepares the caller's memory; limit_bytes 0 is no limit. */
void qt_arena_init(qt_arena *arena, size_t limit_bytes);
/* Releases everything. Safe on zeroed memory and twice. */
void qt_arena_done(qt_arena *arena);
/* Releases everything but keeps one block for the next use. */
void qt_arena_reset(qt_arena *arena);

/* NULL when the limit or the machine is exhausted. */
void *qt_arena_alloc(qt_arena *arena, size_t size);
/* The same with an error MEMORY_LIMIT. */
qt_code qt_arena_try_alloc(qt_arena *arena, size_t size, void **ret_ptr, qt_err *err);
/* Zeroed. */
qt_code qt_arena_try_calloc(qt_arena *arena, size_t count, size_t size, void **ret_ptr,
                            qt_err *err);
/* A NUL-terminated copy of len bytes; NULL when exhausted. */
char *qt_arena_strndup(qt_arena *arena, const char *s, size_t len);
char *qt_arena_strdup(qt_arena *arena, const char *s);
/* printf into the arena; NULL when exhausted. */
char *qt_arena_printf(qt_arena *arena, const char *fmt, ...) QT_PRINTF(2, 3);

#endif
