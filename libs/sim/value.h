/* Classical values at run time, with OpenQASM 3's types and arithmetic. Integers of up to 64 bits
 * stand in one word; wider bit strings are words in an arena. Any thread. */
#ifndef QT_SIM_VALUE_H
#define QT_SIM_VALUE_H

#include "circuit/circuit.h"

typedef struct qt_value {
    qt_type type;
    uint32_t width; /* bits */
    union {
        uint64_t u; /* BOOL, BIT, UINT: zero-extended; INT: sign-extended */
        double f;   /* FLOAT, ANGLE */
    };
    /* Of a BIT or UINT of more than 64 bits: (width + 63) / 64 words, lowest first, unused bits 0;
     * otherwise NULL. */
    const uint64_t *words;
} qt_value;

static inline size_t qt_words_of(uint32_t bits) {
    return ((size_t)bits + 63) / 64;
}

qt_value qt_value_int(qt_type type, uint32_t width, uint64_t u);
qt_value qt_value_float(qt_type type, double f); /* ANGLE: taken modulo 2 pi */

bool qt_value_true(const qt_value *v);
double qt_value_double(const qt_value *v);
/* Truncates a FLOAT towards 0, at the ends of the type; lowest 64 bits of a wide value. */
int64_t qt_value_int64(const qt_value *v);
/* Bit i of an integer or bit string; bits above the width read as 0 (INT: as the sign). */
bool qt_value_bit(const qt_value *v, uint64_t i);

/* Conversion, as a cast or an assignment does it. Memory for wide values comes from the arena. */
qt_code qt_value_cast(const qt_value *v, qt_type type, uint32_t width, qt_arena *arena,
                      qt_value *ret_value, qt_err *err);
/* The result has this type and width. CIRCUIT_RUN_ERROR for a division by 0. */
qt_code qt_value_unary(qt_operator op, const qt_value *a, qt_type type, uint32_t width,
                       qt_arena *arena, qt_value *ret_value, qt_err *err);
qt_code qt_value_binary(qt_operator op, const qt_value *a, const qt_value *b, qt_type type,
                        uint32_t width, qt_arena *arena, qt_value *ret_value, qt_err *err);
/* b is looked at by functions of two arguments alone. */
qt_code qt_value_call(qt_func func, const qt_value *a, const qt_value *b, qt_type type,
                      uint32_t width, qt_arena *arena, qt_value *ret_value, qt_err *err);

#endif
