/* Arithmetic of gate parameters: constant where it can be, expressions of the circuit where not. */
#include <math.h>

#include "qasm/expand.h"

static bool keep(double value, double *ret_value) {
    if (!isfinite(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool qasm_fold_unary(qt_operator op, double a, double *ret_value) {
    return op == QT_OPERATOR_NEG && keep(-a, ret_value);
}

bool qasm_fold_binary(qt_operator op, double a, double b, double *ret_value) {
    switch ((int)op) {
    case QT_OPERATOR_ADD:
        return keep(a + b, ret_value);
    case QT_OPERATOR_SUB:
        return keep(a - b, ret_value);
    case QT_OPERATOR_MUL:
        return keep(a * b, ret_value);
    case QT_OPERATOR_DIV:
        return b != 0 && keep(a / b, ret_value);
    case QT_OPERATOR_MOD:
        return b != 0 && keep(fmod(a, b), ret_value);
    case QT_OPERATOR_POW:
        return keep(pow(a, b), ret_value);
    default:
        return false;
    }
}

bool qasm_fold_call(qt_func func, double a, double *ret_value) {
    switch ((int)func) {
    case QT_FUNC_SIN:
        return keep(sin(a), ret_value);
    case QT_FUNC_COS:
        return keep(cos(a), ret_value);
    case QT_FUNC_TAN:
        return keep(tan(a), ret_value);
    case QT_FUNC_ARCSIN:
        return keep(asin(a), ret_value);
    case QT_FUNC_ARCCOS:
        return keep(acos(a), ret_value);
    case QT_FUNC_ARCTAN:
        return keep(atan(a), ret_value);
    case QT_FUNC_EXP:
        return keep(exp(a), ret_value);
    case QT_FUNC_LOG:
        return keep(log(a), ret_value);
    case QT_FUNC_SQRT:
        return keep(sqrt(a), ret_value);
    case QT_FUNC_CEILING:
        return keep(ceil(a), ret_value);
    case QT_FUNC_FLOOR:
        return keep(floor(a), ret_value);
    case QT_FUNC_ABS:
        return keep(fabs(a), ret_value);
    default:
        return false;
    }
}

static qt_code not_finite(qasm_context *ctx, const char *at) {
    return qasm_syntax(ctx, at, "a parameter is not a finite number");
}

qt_code qasm_angle_expr(qasm_context *ctx, qasm_angle a, const char *at, uint32_t *ret_expr) {
    if (a.expr != QT_NO_INDEX) {
        *ret_expr = a.expr;
        return QT_OK;
    }
    qt_expr e = {.kind = QT_EXPR_FLOAT, .type = QT_TYPE_FLOAT, .width = 64, .f = a.v};
    QASM_BUILD(ctx, at, qt_build_expr(&ctx->builder, e, ret_expr, err));
    return QT_OK;
}

static qt_code build(qasm_context *ctx, qt_expr e, const char *at, qasm_angle *ret_angle) {
    e.type = QT_TYPE_FLOAT;
    e.width = 64;
    uint32_t index = 0;
    QASM_BUILD(ctx, at, qt_build_expr(&ctx->builder, e, &index, err));
    *ret_angle = (qasm_angle){.expr = index};
    return QT_OK;
}

qt_code qasm_angle_binary(qasm_context *ctx, qt_operator op, qasm_angle a, qasm_angle b,
                          const char *at, qasm_angle *ret_angle) {
    if (a.expr == QT_NO_INDEX && b.expr == QT_NO_INDEX) {
        qasm_angle c = {.expr = QT_NO_INDEX};
        if (!qasm_fold_binary(op, a.v, b.v, &c.v)) {
            return not_finite(ctx, at);
        }
        *ret_angle = c;
        return QT_OK;
    }
    qt_expr e = {.kind = QT_EXPR_BINARY, .op = (uint8_t)op};
    QT_TRY(qasm_angle_expr(ctx, a, at, &e.u.a));
    QT_TRY(qasm_angle_expr(ctx, b, at, &e.u.b));
    return build(ctx, e, at, ret_angle);
}

qt_code qasm_angle_negate(qasm_context *ctx, qasm_angle a, const char *at, qasm_angle *ret_angle) {
    if (a.expr == QT_NO_INDEX) {
        *ret_angle = qasm_known_angle(-a.v);
        return QT_OK;
    }
    qt_expr e = {.kind = QT_EXPR_UNARY, .op = QT_OPERATOR_NEG, .u = {a.expr, 0}};
    return build(ctx, e, at, ret_angle);
}

static qt_code call(qasm_context *ctx, qt_func func, qasm_angle a, const char *at,
                    qasm_angle *ret_angle) {
    if (a.expr == QT_NO_INDEX) {
        qasm_angle c = {.expr = QT_NO_INDEX};
        if (!qasm_fold_call(func, a.v, &c.v)) {
            return not_finite(ctx, at);
        }
        *ret_angle = c;
        return QT_OK;
    }
    qt_expr e = {.kind = QT_EXPR_CALL, .op = (uint8_t)func, .u = {a.expr, 0}};
    return build(ctx, e, at, ret_angle);
}

qt_code qasm_eval_node(qasm_context *ctx, const qasm_gates *gates, uint32_t node,
                       const qasm_angle *params, const char *at, qasm_angle *ret_angle) {
    const qasm_node *n = &gates->nodes[node];
    qasm_angle a;
    qasm_angle b;
    switch ((qasm_node_kind)n->kind) {
    case NODE_CONST:
        *ret_angle = qasm_known_angle(n->v);
        return QT_OK;
    case NODE_PARAM:
        *ret_angle = params[n->a];
        return QT_OK;
    case NODE_UNARY:
        QT_TRY(qasm_eval_node(ctx, gates, n->a, params, at, &a));
        return qasm_angle_negate(ctx, a, at, ret_angle);
    case NODE_BINARY:
        QT_TRY(qasm_eval_node(ctx, gates, n->a, params, at, &a));
        QT_TRY(qasm_eval_node(ctx, gates, n->b, params, at, &b));
        return qasm_angle_binary(ctx, n->op, a, b, at, ret_angle);
    case NODE_CALL:
        QT_TRY(qasm_eval_node(ctx, gates, n->a, params, at, &a));
        return call(ctx, n->op, a, at, ret_angle);
    }
    return not_finite(ctx, at);
}
