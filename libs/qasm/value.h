/* Inside libs/qasm: classical values of OpenQASM 3 while a program is elaborated: known now, or an
 * expression of the circuit. */
#ifndef QT_QASM_VALUE_H
#define QT_QASM_VALUE_H

#include "qasm/ast.h"

typedef struct qasm_value {
    uint8_t type; /* ast_type_kind */
    bool known;
    bool literal;     /* made of integer literals alone: takes the type of what it meets */
    uint32_t width;   /* bits; FLOAT: 64 */
    uint32_t expr;    /* when not known */
    uint32_t im_expr; /* the same, COMPLEX: imaginary part */
    union {
        uint64_t u;      /* BOOL, BIT, UINT, ANGLE (fraction of a turn), INT (sign-extended) */
        double f;        /* FLOAT, DURATION (nanoseconds), COMPLEX (real part) */
        uint64_t *words; /* BIT wider than 64 */
    };
    double im; /* COMPLEX; DURATION: in the device's unit dt */
} qasm_value;

static inline qasm_value qasm_int_value(int64_t i) {
    return (qasm_value){.type = TYPE_INT, .known = true, .width = 64, .u = (uint64_t)i};
}
static inline qasm_value qasm_bool_value(bool b) {
    return (qasm_value){.type = TYPE_BOOL, .known = true, .width = 1, .u = b ? 1 : 0};
}
static inline qasm_value qasm_float_value(double f) {
    return (qasm_value){.type = TYPE_FLOAT, .known = true, .width = 64, .f = f};
}

const char *qasm_type_name(uint8_t type);
bool qasm_is_integral(uint8_t type); /* BOOL, BIT, INT, UINT */
qt_type qasm_ir_type(uint8_t type);

/* The expression of a value, known or not. */
qt_code qasm_value_expr(qasm_context *ctx, const qasm_value *v, const char *at, uint32_t *ret_expr);
qt_code qasm_new_expr(qasm_context *ctx, qt_expr expr, const char *at, uint32_t *ret_expr);

/* Conversions: as a cast would do. */
qt_code qasm_cast(qasm_context *ctx, const qasm_value *v, uint8_t type, uint32_t width,
                  const char *at, qasm_value *ret_value);
qt_code qasm_unary(qasm_context *ctx, qt_operator op, const qasm_value *a, const char *at,
                   qasm_value *ret_value);
qt_code qasm_binary(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                    const char *at, qasm_value *ret_value);

/* ---- complex.c ---- */
/* Of a COMPLEX: a FLOAT. */
qasm_value qasm_real_part(const qasm_value *v);
qasm_value qasm_imag_part(const qasm_value *v);
qt_code qasm_make_complex(qasm_context *ctx, const qasm_value *re, const qasm_value *im,
                          const char *at, qasm_value *ret_value);
qt_code qasm_complex_binary(qasm_context *ctx, qt_operator op, const qasm_value *a,
                            const qasm_value *b, const char *at, qasm_value *ret_value);
qt_code qasm_complex_negate(qasm_context *ctx, const qasm_value *a, const char *at,
                            qasm_value *ret_value);
/* A function of one complex number. */
qt_code qasm_complex_call(qasm_context *ctx, const char *name, const qasm_value *a, const char *at,
                          qasm_value *ret_value);
/* "10.5us" */
qt_code qasm_duration_of(qasm_context *ctx, const char *text, size_t len, const char *at,
                         qasm_value *ret_value);
qt_code qasm_duration_binary(qasm_context *ctx, qt_operator op, const qasm_value *a,
                             const qasm_value *b, const char *at, qasm_value *ret_value);
enum { QASM_DURATION_BYTES = 80 };
/* An expression for a known duration. */
void qasm_duration_text(const qasm_value *v, char text[QASM_DURATION_BYTES]);

/* ---- wide.c: bits wider than 64 ---- */
/* A BIT of any width with nothing set. */
qt_code qasm_zero_bits(qasm_context *ctx, uint32_t width, qasm_value *ret_value);
/* Whether an operator takes wide bits and this does it: comparisons, bitwise operators. */
qt_code qasm_wide_binary(qasm_context *ctx, qt_operator op, const qasm_value *a,
                         const qasm_value *b, const char *at, qasm_value *ret_value);
qt_code qasm_wide_shift(qasm_context *ctx, qt_operator op, const qasm_value *a,
                        const qasm_value *by, const char *at, qasm_value *ret_value);
qt_code qasm_wide_not(qasm_context *ctx, const qasm_value *a, const char *at,
                      qasm_value *ret_value);
qt_code qasm_wide_rotate(qasm_context *ctx, bool left, const qasm_value *a, const qasm_value *by,
                         const char *at, qasm_value *ret_value);

/* Whether a comparison holds of two values whose order is -1, 0 or 1. */
bool qasm_order_holds(qt_operator op, int order);

/* Truth of a known value. */
bool qasm_truth(const qasm_value *v);

#endif
