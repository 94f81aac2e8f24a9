/* Inside libs/qasm: where expanded operations go. */
#ifndef QT_QASM_EXPAND_H
#define QT_QASM_EXPAND_H

#include "qasm/gates.h"
#include "qasm/power.h"

/* The value of a body's parameter expression. */
qt_code qasm_eval_node(qasm_context *ctx, const qasm_gates *gates, uint32_t node,
                       const qasm_angle *params, const char *at, qasm_angle *ret_angle);

/* The sum, product, ... of two angles; builds an expression when one is not known. */
qt_code qasm_angle_binary(qasm_context *ctx, qt_operator op, qasm_angle a, qasm_angle b,
                          const char *at, qasm_angle *ret_angle);
qt_code qasm_angle_negate(qasm_context *ctx, qasm_angle a, const char *at, qasm_angle *ret_angle);
/* The expression of an angle, known or not. */
qt_code qasm_angle_expr(qasm_context *ctx, qasm_angle a, const char *at, uint32_t *ret_expr);

#endif
