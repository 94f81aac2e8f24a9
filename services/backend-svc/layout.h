/* How outcomes of a device map to the classical bits of the user's program.
 *
 * Devices get programs with one classical register that holds all bits in their order, because
 * several vendors return only the first of several registers; the layout undoes that. Bits are
 * numbered over all registers. */
#ifndef QT_BACKEND_SVC_LAYOUT_H
#define QT_BACKEND_SVC_LAYOUT_H

#include "base/arena.h"
#include "circuit/circuit.h"

typedef struct qt_layout_register {
    uint32_t size;
    bool is_hidden; /* not part of the counts */
} qt_layout_register;

typedef struct qt_layout {
    const qt_layout_register *registers; /* in the order of declaration */
    size_t register_count;
    uint32_t bit_count;
    const uint32_t *qubit_of_bit; /* the qubit measured last into each bit, or QT_NO_INDEX */
} qt_layout;

/* The layout of a circuit, in the arena. */
qt_code qt_layout_of_circuit(const qt_circuit *circuit, qt_arena *arena, qt_layout *ret_layout,
                             qt_err *err);
/* "2,-1,3;0,1,2,_,4,5": sizes of the registers, those of hidden ones negative; the qubit of each
 * bit. "" for a layout without bits. */
qt_code qt_layout_format(const qt_layout *layout, qt_arena *arena, const char **ret_text,
                         qt_err *err);
/* DATA_CORRUPT when the text is none. */
qt_code qt_layout_parse(const char *text, qt_arena *arena, qt_layout *ret_layout, qt_err *err);

/* The key that users see, for an outcome written with the highest bit first ('0' and '1',
 * bit_count of them): registers separated by spaces, the last declared leftmost. */
qt_code qt_layout_key(const qt_layout *layout, const char *bits, qt_arena *arena,
                      const char **ret_key, qt_err *err);

#endif
