#include "sim/key.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static bool is_visible(const qt_register *reg) {
    return reg->kind == QT_REGISTER_BIT && !reg->hidden && reg->size > 0;
}

qt_code qt_key_layout_init(qt_key_layout *layout, const qt_circuit *circuit, qt_err *err) {
    *layout = (qt_key_layout){0};
    size_t max = circuit->num_clbits;
    QT_TRY(qt_try_malloc(max * sizeof *layout->bits, (void **)&layout->bits, err));
    QT_TRY(qt_try_calloc(max, sizeof *layout->space_before, (void **)&layout->space_before, err));
    for (size_t r = circuit->register_count; r-- > 0;) {
        const qt_register *reg = &circuit->registers[r];
        if (!is_visible(reg)) {
            continue;
        }
        if (layout->bit_count > 0) {
            layout->space_before[layout->bit_count] = true;
            layout->text_len++;
        }
        for (uint32_t i = reg->size; i-- > 0;) {
            layout->bits[layout->bit_count++] = reg->first + i;
        }
        layout->text_len += reg->size;
    }
    return QT_OK;
}

void qt_key_layout_done(qt_key_layout *layout) {
    free(layout->bits);
    free(layout->space_before);
    layout->bits = NULL;
    layout->space_before = NULL;
}

void qt_key_pack(const qt_key_layout *layout, const uint64_t *clbits, uint64_t *ret_key) {
    ret_key[0] = 0;
    for (size_t i = 0; i < layout->bit_count; i++) {
        uint32_t bit = layout->bits[i];
        if (i % 64 == 0) {
            ret_key[i / 64] = 0;
        }
        ret_key[i / 64] |= (clbits[bit / 64] >> (bit % 64) & 1) << (i % 64);
    }
}

void qt_key_text(const qt_key_layout *layout, const uint64_t *key, char *ret_text) {
    for (size_t i = 0; i < layout->bit_count; i++) {
        if (layout->space_before[i]) {
            *ret_text++ = ' ';
        }
        *ret_text++ = (key[i / 64] >> (i % 64) & 1) != 0 ? '1' : '0';
    }
    *ret_text = '\0';
}
