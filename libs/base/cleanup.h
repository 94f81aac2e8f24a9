/* Ownership of locals: `QT_CLEANUP(qt_buf_done) qt_buf b = {0};` is released on every way out;
 * `*ret_x = QT_TAKE(x);` as the last statement hands it to the caller. */
#ifndef QT_BASE_CLEANUP_H
#define QT_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define QT_CLEANUP(fn) __attribute__((cleanup(fn)))

/* The value of a pointer or descriptor variable, which becomes NULL. */
#define QT_TAKE(ptr)                                                                               \
    __extension__({                                                                                \
        __typeof__(ptr) qt_taken_ = (ptr);                                                         \
        (ptr) = NULL;                                                                              \
        qt_taken_;                                                                                 \
    })

/* Defines `name_p(type **)` for QT_CLEANUP from `fn(type *)`, which must accept NULL. */
#define QT_CLEANUP_PTR(name, type, fn)                                                             \
    static inline void name(type **p) {                                                            \
        fn(*p);                                                                                    \
    }                                                                                              \
    _Static_assert(sizeof(type *) > 0, "")

static inline void qt_free_p(void *p) {
    free(*(void **)p);
}

static inline void qt_close_p(const int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

/* A heap pointer released by free(). */
#define QT_AUTO_FREE QT_CLEANUP(qt_free_p)
/* A file descriptor released by close(); start it at -1. */
#define QT_AUTO_CLOSE QT_CLEANUP(qt_close_p)

#define QT_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
