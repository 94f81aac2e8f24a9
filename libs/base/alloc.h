/* Memory.
 *
 * qt_xmalloc and friends are for small allocations of a size that the code decides; they abort
 * when the machine has none. qt_try_malloc and friends are for sizes that a request decides: they
 * raise OUT_OF_MEMORY. All results are released by free().
 *
 * Tests make the k-th checked allocation fail with qt_alloc_fail_at(). Any thread. */
#ifndef QT_BASE_ALLOC_H
#define QT_BASE_ALLOC_H

#include "base/err.h"

#include <stddef.h>

void *qt_xmalloc(size_t size);
void *qt_xcalloc(size_t count, size_t size);
char *qt_xstrdup(const char *s);

qt_code qt_try_malloc(size_t size, void **ret_ptr, qt_err *err);
/* Zeroed; a product that overflows is OUT_OF_MEMORY. */
qt_code qt_try_calloc(size_t count, size_t size, void **ret_ptr, qt_err *err);
/* *ptr stays valid and unchanged on failure. */
qt_code qt_try_realloc(void **ptr, size_t size, qt_err *err);

/* The k-th checked allocation of the process from now on fails (k = 0: the next one), once.
 * k < 0 switches it off. For tests. */
void qt_alloc_fail_at(long k);
/* Whether the failure asked for has happened. */
int qt_alloc_failed(void);

#endif
