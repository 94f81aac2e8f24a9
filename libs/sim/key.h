/* The keys of counts: which classical bits they show, in which order. */
#ifndef QT_SIM_KEY_H
#define QT_SIM_KEY_H

#include "circuit/circuit.h"

typedef struct qt_key_layout {
    uint32_t *bits; /* by position in the packed key and, left to right, in the text */
    size_t bit_count;
    bool *space_before; /* by position: a register begins here, and not the first */
    size_t text_len;    /* with spaces */
} qt_key_layout;

qt_code qt_key_layout_init(qt_key_layout *layout, const qt_circuit *circuit, qt_err *err);
/* Safe on zeroed memory and twice. */
void qt_key_layout_done(qt_key_layout *layout);
/* Packs the visible ones of all classical bits: position i is bit i of the key. */
void qt_key_pack(const qt_key_layout *layout, const uint64_t *clbits, uint64_t *ret_key);
/* Writes text_len characters and a NUL. */
void qt_key_text(const qt_key_layout *layout, const uint64_t *key, char *ret_text);

#endif
