/* Inside libs/qir: what the reader's integer and floating-point instructions share. */
#ifndef QT_QIR_ARITH_H
#define QT_QIR_ARITH_H

#include "qir/reader.h"

typedef struct qt_arith_operands {
    qt_sym a, b;
    unsigned width;
    unsigned depth;
} qt_arith_operands;

/* The two operands of an instruction, which must be numbers. */
qt_code qt_arith_operands_of(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_arith_operands *o,
                             qt_err *err);
/* Height of a tree made of a and b. */
unsigned qt_arith_deeper(qt_sym a, qt_sym b);
/* A known integer with its sign. */
int64_t qt_arith_signed(qt_sym v);
/* A number as an expression of type INT. */
qt_code qt_arith_signed_expr(qt_reader *r, qt_sym v, uint32_t *ret_expr, qt_err *err);

/* arith_float.c: casts and floating-point instructions. */
qt_code qt_arith_int_width(qt_reader *r, LLVMValueRef v, unsigned *ret_width, qt_err *err);
qt_code qt_arith_resize(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err);
qt_code qt_arith_to_float(qt_reader *r, qt_frame *f, LLVMValueRef v, bool is_signed, qt_err *err);
qt_code qt_arith_from_float(qt_reader *r, qt_frame *f, LLVMValueRef v, bool is_signed, qt_err *err);
qt_code qt_arith_float(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err);
qt_code qt_arith_negate(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err);
qt_code qt_arith_compare_floats(qt_reader *r, qt_frame *f, LLVMValueRef v, qt_err *err);

#endif
