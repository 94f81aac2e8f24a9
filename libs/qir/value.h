/* Inside libs/qir: classical values of run time as LLVM instructions.
 *
 * Three classes are enough: i1 for truth values and single bits, i64 for all other integers, kept
 * sign- or zero-extended from their width, and double. Only instructions that the Adaptive
 * profile allows are written; what they cannot compute (trigonometry, float to integer) is
 * refused. Constants are folded where that is cheap. */
#ifndef QT_QIR_VALUE_H
#define QT_QIR_VALUE_H

#include "qir/emit.h"

typedef enum qt_qir_class { QT_QIR_I1, QT_QIR_I64, QT_QIR_F64 } qt_qir_class;

typedef struct qt_qir_value {
    uint8_t class;    /* qt_qir_class */
    bool is_constant; /* then i (I1, I64) or f */
    bool from_result; /* depends on a measurement */
    uint32_t ssa;     /* else the number of %tN */
    union {
        int64_t i;
        double f;
    };
} qt_qir_value;

typedef struct qt_qir_flow qt_qir_flow;

qt_qir_class qt_qir_class_of(qt_type type, uint32_t width);
qt_qir_value qt_qir_int(qt_qir_class class, int64_t i);
qt_qir_value qt_qir_float(double f);
bool qt_qir_same_value(qt_qir_value a, qt_qir_value b);
/* "i1", "i64", "double". */
const char *qt_qir_class_name(qt_qir_class class);

typedef struct qt_qir_operand {
    char text[40];
} qt_qir_operand;

/* "%t7", "true", "-3", "0x3FF0000000000000". */
qt_qir_operand qt_qir_operand_of(qt_qir_value v);

/* "  %tN = OP CLASS A, B" with the class of a; the result has class `class`. */
qt_qir_value qt_qir_binary(qt_qir_emitter *e, qt_qir_class class, const char *op, qt_qir_value a,
                           qt_qir_value b);
/* select i1 condition, a, b; a and b are integers of one class. */
qt_qir_value qt_qir_select(qt_qir_emitter *e, qt_qir_value condition, qt_qir_value a,
                           qt_qir_value b);
qt_qir_value qt_qir_not(qt_qir_emitter *e, qt_qir_value a);
/* Any class to i1: whether it is not zero. */
qt_qir_value qt_qir_truth(qt_qir_emitter *e, qt_qir_value a);
/* i1 or i64 to i64. */
qt_qir_value qt_qir_widen(qt_qir_emitter *e, qt_qir_value a);
/* Bit `index` of an i64 as i1. */
qt_qir_value qt_qir_bit_of(qt_qir_emitter *e, qt_qir_value a, unsigned index);
/* An i64 cut to `width` bits and extended again. */
qt_qir_value qt_qir_wrap(qt_qir_emitter *e, qt_qir_value a, bool is_signed, uint32_t width);

/* expr.c: the value of expressions[expr], in the class of its type. */
qt_code qt_qir_eval(qt_qir_flow *flow, uint32_t expr, qt_qir_value *ret_value, qt_err *err);
/* The same as i1. */
qt_code qt_qir_eval_truth(qt_qir_flow *flow, uint32_t expr, qt_qir_value *ret_value, qt_err *err);
/* Bit `index` of a BIT, INT or UINT expression of any width. */
qt_code qt_qir_eval_bit(qt_qir_flow *flow, uint32_t expr, uint32_t index, qt_qir_value *ret_value,
                        qt_err *err);
/* A value of one type as another. */
qt_code qt_qir_convert(qt_qir_flow *flow, qt_qir_value v, qt_type from, uint32_t from_width,
                       qt_type to, uint32_t to_width, qt_qir_value *ret_value, qt_err *err);

/* flow.c: what expressions ask of it. */
qt_qir_emitter *qt_qir_flow_emitter(qt_qir_flow *flow);
qt_qir_value qt_qir_flow_variable(const qt_qir_flow *flow, uint32_t variable);
/* The bit's value now: a constant, a tracked value or a new read_result call. */
qt_qir_value qt_qir_flow_bit(qt_qir_flow *flow, uint32_t bit);
/* condition ? f : 0.0 by a branch and a phi, because select is for integers only. */
qt_qir_value qt_qir_flow_choose(qt_qir_flow *flow, qt_qir_value condition, qt_qir_value f,
                                qt_qir_value otherwise);

#endif
