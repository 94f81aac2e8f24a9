#include "services/backend-svc/layout.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_REGISTERS = 100000, MAX_BITS = 1000000 };

static uint32_t *new_qubits(qt_arena *arena, uint32_t count, qt_err *err) {
    void *memory = NULL;
    if (qt_arena_try_alloc(arena, (count + 1) * sizeof(uint32_t), &memory, err) != QT_OK) {
        return NULL;
    }
    memset(memory, 0xFF, (count + 1) * sizeof(uint32_t)); /* QT_NO_INDEX */
    return memory;
}

qt_code qt_layout_of_circuit(const qt_circuit *circuit, qt_arena *arena, qt_layout *ret_layout,
                             qt_err *err) {
    void *memory = NULL;
    qt_layout layout = {.bit_count = circuit->num_clbits};
    QT_TRY(qt_arena_try_calloc(arena, circuit->register_count + 1, sizeof(qt_layout_register),
                               &memory, err));
    qt_layout_register *registers = memory;
    for (size_t i = 0; i < circuit->register_count; i++) {
        const qt_register *r = &circuit->registers[i];
        if (r->kind == QT_REGISTER_BIT) {
            registers[layout.register_count++] =
                (qt_layout_register){.size = r->size, .is_hidden = r->hidden};
        }
    }
    uint32_t *qubits = new_qubits(arena, layout.bit_count, err);
    if (qubits == NULL) {
        return err->code;
    }
    for (size_t i = 0; i < circuit->op_count; i++) {
        const qt_op *op = &circuit->ops[i];
        if (op->kind == QT_OP_MEASURE && op->b < layout.bit_count) {
            qubits[op->b] = op->a;
        }
    }
    layout.registers = registers;
    layout.qubit_of_bit = qubits;
    *ret_layout = layout;
    return QT_OK;
}

qt_code qt_layout_format(const qt_layout *layout, qt_arena *arena, const char **ret_text,
                         qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    for (size_t i = 0; i < layout->register_count; i++) {
        const qt_layout_register *r = &layout->registers[i];
        qt_buf_printf(&text, "%s%s%u", i > 0 ? "," : "", r->is_hidden ? "-" : "", r->size);
    }
    qt_buf_add_str(&text, layout->bit_count > 0 ? ";" : "");
    for (uint32_t i = 0; i < layout->bit_count; i++) {
        qt_buf_add_str(&text, i > 0 ? "," : "");
        if (layout->qubit_of_bit[i] == QT_NO_INDEX) {
            qt_buf_add_char(&text, '_');
        } else {
            qt_buf_add_u64(&text, layout->qubit_of_bit[i]);
        }
    }
    QT_TRY(qt_buf_check(&text, err));
    *ret_text = qt_arena_strdup(arena, qt_buf_str(&text));
    return *ret_text != NULL ? QT_OK : qt_fail(err, MEMORY_LIMIT, "no memory for a layout");
}

/* ---- parsing ---- */

static qt_code corrupt(qt_err *err) {
    return qt_fail(err, DATA_CORRUPT, "the stored layout of a job cannot be read");
}

static bool read_number(const char **at, uint32_t max, uint32_t *ret_value) {
    char *end = NULL;
    if (**at < '0' || **at > '9') {
        return false;
    }
    unsigned long value = strtoul(*at, &end, 10);
    *at = end;
    *ret_value = (uint32_t)value;
    return value <= max;
}

static size_t count_items(const char *text) {
    size_t count = 1;
    for (; *text != '\0' && *text != ';'; text++) {
        count += *text == ',';
    }
    return count;
}

static qt_code parse_registers(const char **at, qt_arena *arena, qt_layout *layout, qt_err *err) {
    void *memory = NULL;
    size_t max = count_items(*at);
    if (max > MAX_REGISTERS) {
        return corrupt(err);
    }
    QT_TRY(qt_arena_try_calloc(arena, max, sizeof(qt_layout_register), &memory, err));
    qt_layout_register *registers = memory;
    do {
        qt_layout_register *r = &registers[layout->register_count++];
        r->is_hidden = **at == '-';
        *at += r->is_hidden;
        if (!read_number(at, MAX_BITS, &r->size) || r->size > MAX_BITS - layout->bit_count) {
            return corrupt(err);
        }
        layout->bit_count += r->size;
    } while (**at == ',' && (*at)++);
    layout->registers = registers;
    return QT_OK;
}

static qt_code parse_qubits(const char *at, qt_arena *arena, qt_layout *layout, qt_err *err) {
    uint32_t *qubits = new_qubits(arena, layout->bit_count, err);
    if (qubits == NULL) {
        return err->code;
    }
    for (uint32_t i = 0; i < layout->bit_count; i++) {
        if (i > 0 && *at++ != ',') {
            return corrupt(err);
        }
        if (*at == '_') {
            at++;
        } else if (!read_number(&at, QT_NO_INDEX - 1, &qubits[i])) {
            return corrupt(err);
        }
    }
    layout->qubit_of_bit = qubits;
    return *at == '\0' ? QT_OK : corrupt(err);
}

qt_code qt_layout_parse(const char *text, qt_arena *arena, qt_layout *ret_layout, qt_err *err) {
    qt_layout layout = {0};
    if (text[0] != '\0') {
        QT_TRY(parse_registers(&text, arena, &layout, err));
    }
    if (*text == ';') {
        QT_TRY(parse_qubits(text + 1, arena, &layout, err));
    } else if (*text != '\0' || layout.bit_count > 0) {
        return corrupt(err);
    }
    *ret_layout = layout;
    return QT_OK;
}

/* ---- keys ---- */

qt_code qt_layout_key(const qt_layout *layout, const char *bits, qt_arena *arena,
                      const char **ret_key, qt_err *err) {
    void *memory = NULL;
    QT_TRY(qt_arena_try_alloc(arena, layout->bit_count + layout->register_count + 1, &memory, err));
    char *key = memory;
    char *to = key;
    for (size_t i = layout->register_count; i-- > 0;) {
        const qt_layout_register *r = &layout->registers[i];
        if (!r->is_hidden && r->size > 0) {
            *to = ' ';
            to += to > key;
            memcpy(to, bits, r->size);
            to += r->size;
        }
        bits += r->size;
    }
    *to = '\0';
    *ret_key = key;
    return QT_OK;
}
