/* Inside libs/circuit: the growing arrays of a builder. */
#ifndef QT_CIRCUIT_GROW_H
#define QT_CIRCUIT_GROW_H

#include "circuit/builder.h"

/* Makes room for `need` items; CIRCUIT_TOO_LARGE over the limit of bytes, OUT_OF_MEMORY. */
qt_code qt_builder_grow(qt_builder *b, void **array, size_t *cap, size_t need, size_t item_bytes,
                        qt_err *err);

/* Returns from the caller on failure. */
#define QT_GROW(b, array, cap, need, err)                                                          \
    do {                                                                                           \
        if ((need) > (cap)) {                                                                      \
            void *grown_ = (array);                                                                \
            QT_TRY(qt_builder_grow((b), &grown_, &(cap), (need), sizeof *(array), (err)));         \
            (array) = grown_;                                                                      \
        }                                                                                          \
    } while (0)

/* Appends one operation; the limit of operations is checked here. */
qt_code qt_builder_push(qt_builder *b, qt_op op, qt_err *err);

#endif
