#include "base/alloc.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the failing call; negative: off. */
static atomic_long fail_countdown = -1;
static atomic_int fail_happened;

void qt_alloc_fail_at(long k) {
    atomic_store(&fail_happened, 0);
    atomic_store(&fail_countdown, k < 0 ? -1 : k);
}

int qt_alloc_failed(void) {
    return atomic_load(&fail_happened);
}

static int must_fail(void) {
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) < 0) {
        return 0;
    }
    if (atomic_fetch_sub(&fail_countdown, 1) != 0) {
        return 0;
    }
    atomic_store(&fail_happened, 1);
    return 1;
}

static void *or_die(void *p, size_t size) {
    if (p == NULL && size > 0) {
        fprintf(stderr, "out of memory: %zu bytes\n", size);
        abort();
    }
    return p;
}

void *qt_xmalloc(size_t size) {
    return or_die(malloc(size), size);
}

void *qt_xcalloc(size_t count, size_t size) {
    return or_die(calloc(count, size), count > 0 ? size : 0);
}

char *qt_xstrdup(const char *s) {
    return or_die(strdup(s), 1);
}

qt_code qt_try_malloc(size_t size, void **ret_ptr, qt_err *err) {
    void *p = must_fail() ? NULL : malloc(size > 0 ? size : 1);
    if (p == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for %zu bytes", size);
    }
    *ret_ptr = p;
    return QT_OK;
}

qt_code qt_try_calloc(size_t count, size_t size, void **ret_ptr, qt_err *err) {
    void *p = must_fail() ? NULL : calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (p == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for %zu items of %zu bytes", count, size);
    }
    *ret_ptr = p;
    return QT_OK;
}

qt_code qt_try_realloc(void **ptr, size_t size, qt_err *err) {
    void *p = must_fail() ? NULL : realloc(*ptr, size > 0 ? size : 1);
    if (p == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for %zu bytes", size);
    }
    *ptr = p;
    return QT_OK;
}
