#include "qir/reader.h"

#include <string.h>

/* A tree that is higher goes into a variable, so that shared parts are not computed again. */
enum { MAX_TREE_DEPTH = 12 };

qt_sym qt_sym_int(unsigned width, uint64_t i) {
    uint64_t mask = width >= 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    return (qt_sym){.kind = QT_SYM_INT, .width = (uint8_t)width, .i = i & mask};
}

qt_sym qt_sym_float(double f) {
    return (qt_sym){.kind = QT_SYM_FLOAT, .width = 64, .f = f};
}

bool qt_sym_is_symbolic(qt_sym v) {
    return v.kind == QT_SYM_EXPR || v.kind == QT_SYM_FEXPR;
}

bool qt_sym_is_number(qt_sym v) {
    return v.kind == QT_SYM_INT || v.kind == QT_SYM_FLOAT || qt_sym_is_symbolic(v);
}

bool qt_sym_is_float(qt_sym v) {
    return v.kind == QT_SYM_FLOAT || v.kind == QT_SYM_FEXPR;
}

bool qt_sym_same(qt_sym a, qt_sym b) {
    if (a.kind != b.kind) {
        return false;
    }
    if (qt_sym_is_symbolic(a)) {
        return a.index == b.index;
    }
    return a.index == b.index && a.i == b.i; /* doubles by their bits */
}

static qt_code add(qt_reader *r, qt_expr x, uint32_t *ret_expr, qt_err *err) {
    if (!r->building) {
        *ret_expr = (uint32_t)r->dry_exprs++;
        return QT_OK;
    }
    return qt_build_expr(&r->builder, x, ret_expr, err);
}

qt_code qt_sym_expr(qt_reader *r, qt_sym v, uint32_t *ret_expr, qt_err *err) {
    if (qt_sym_is_symbolic(v)) {
        *ret_expr = v.index;
        return QT_OK;
    }
    if (v.kind == QT_SYM_FLOAT) {
        qt_expr x = {.kind = QT_EXPR_FLOAT, .type = QT_TYPE_FLOAT, .width = 64, .f = v.f};
        return add(r, x, ret_expr, err);
    }
    if (v.kind != QT_SYM_INT) {
        return qt_reader_refuse(r, err, "a pointer is used as a number");
    }
    qt_type type = v.width == 1 ? QT_TYPE_BOOL : QT_TYPE_UINT;
    qt_expr x = {.kind = QT_EXPR_INT, .type = (uint8_t)type, .width = v.width, .i = (int64_t)v.i};
    return add(r, x, ret_expr, err);
}

qt_code qt_sym_binary(qt_reader *r, qt_operator op, qt_type type, unsigned width, uint32_t a,
                      uint32_t b, uint32_t *ret_expr, qt_err *err) {
    qt_expr x = {.kind = QT_EXPR_BINARY,
                 .op = (uint8_t)op,
                 .type = (uint8_t)type,
                 .width = width,
                 .u = {a, b}};
    return add(r, x, ret_expr, err);
}

qt_code qt_sym_unary(qt_reader *r, qt_operator op, qt_type type, unsigned width, uint32_t a,
                     uint32_t *ret_expr, qt_err *err) {
    qt_expr x = {.kind = QT_EXPR_UNARY,
                 .op = (uint8_t)op,
                 .type = (uint8_t)type,
                 .width = width,
                 .u = {a, 0}};
    return add(r, x, ret_expr, err);
}

qt_code qt_sym_cast(qt_reader *r, qt_type type, unsigned width, uint32_t a, uint32_t *ret_expr,
                    qt_err *err) {
    qt_expr x = {.kind = QT_EXPR_CAST, .type = (uint8_t)type, .width = width, .u = {a, 0}};
    return add(r, x, ret_expr, err);
}

static qt_sym symbolic(unsigned width, bool is_float, unsigned depth, uint32_t expr) {
    return (qt_sym){.kind = is_float ? QT_SYM_FEXPR : QT_SYM_EXPR,
                    .width = (uint8_t)width,
                    .depth = (uint16_t)depth,
                    .index = expr};
}

qt_code qt_sym_from_expr(qt_reader *r, uint32_t expr, unsigned width, bool is_float, unsigned depth,
                         qt_sym *ret_sym, qt_err *err) {
    qt_sym v = symbolic(width, is_float, depth, expr);
    if (depth <= MAX_TREE_DEPTH) {
        *ret_sym = v;
        return QT_OK;
    }
    return qt_sym_copy(r, v, ret_sym, err);
}

qt_code qt_sym_new_variable(qt_reader *r, qt_sym like, uint32_t *ret_variable, qt_err *err) {
    if (!r->building) {
        *ret_variable = 0;
        return QT_OK;
    }
    qt_type type = qt_sym_is_float(like) ? QT_TYPE_FLOAT
                   : like.width == 1     ? QT_TYPE_BOOL
                                         : QT_TYPE_UINT;
    char name[24] = "v";
    size_t number = r->builder.circuit->variable_count;
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++) {
        name[1 + i] = digits[count - 1 - i];
    }
    return qt_build_variable(&r->builder, name, type, like.width, ret_variable, err);
}

qt_code qt_sym_of_variable(qt_reader *r, qt_sym like, uint32_t variable, qt_sym *ret_sym,
                           qt_err *err) {
    bool is_float = qt_sym_is_float(like);
    qt_type type = is_float ? QT_TYPE_FLOAT : like.width == 1 ? QT_TYPE_BOOL : QT_TYPE_UINT;
    qt_expr x = {
        .kind = QT_EXPR_VAR, .type = (uint8_t)type, .width = like.width, .u = {variable, 0}};
    uint32_t expr = 0;
    QT_TRY(add(r, x, &expr, err));
    *ret_sym = symbolic(like.width, is_float, 1, expr);
    return QT_OK;
}

qt_code qt_sym_assign(qt_reader *r, uint32_t variable, qt_sym v, qt_err *err) {
    uint32_t expr = 0;
    QT_TRY(qt_sym_expr(r, v, &expr, err));
    if (!r->building) {
        return QT_OK;
    }
    return qt_build_assign(&r->builder, QT_LVALUE_VAR, variable, expr, QT_NO_INDEX, err);
}

qt_code qt_sym_copy(qt_reader *r, qt_sym v, qt_sym *ret_sym, qt_err *err) {
    uint32_t variable = 0;
    QT_TRY(qt_sym_new_variable(r, v, &variable, err));
    QT_TRY(qt_sym_assign(r, variable, v, err));
    return qt_sym_of_variable(r, v, variable, ret_sym, err);
}

/* c ? a : b by an IF, because expressions have no such operator. */
static qt_code select_by_if(qt_reader *r, uint32_t condition, qt_sym a, qt_sym b, qt_sym *ret_sym,
                            qt_err *err) {
    uint32_t variable = 0;
    QT_TRY(qt_sym_new_variable(r, a, &variable, err));
    if (r->building) {
        QT_TRY(qt_build_if(&r->builder, condition, err));
    }
    QT_TRY(qt_sym_assign(r, variable, a, err));
    if (r->building) {
        QT_TRY(qt_build_else(&r->builder, err));
    }
    QT_TRY(qt_sym_assign(r, variable, b, err));
    if (r->building) {
        QT_TRY(qt_build_end_block(&r->builder, err));
    }
    return qt_sym_of_variable(r, a, variable, ret_sym, err);
}

/* (c && a) || (!c && b). */
static qt_code select_bool(qt_reader *r, uint32_t condition, qt_sym a, qt_sym b, unsigned depth,
                           qt_sym *ret_sym, qt_err *err) {
    uint32_t yes = 0;
    uint32_t no = 0;
    uint32_t both = 0;
    QT_TRY(qt_sym_expr(r, a, &yes, err));
    QT_TRY(qt_sym_expr(r, b, &no, err));
    uint32_t not_condition = 0;
    QT_TRY(qt_sym_unary(r, QT_OPERATOR_NOT, QT_TYPE_BOOL, 1, condition, &not_condition, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_AND, QT_TYPE_BOOL, 1, condition, yes, &yes, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_AND, QT_TYPE_BOOL, 1, not_condition, no, &no, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_OR, QT_TYPE_BOOL, 1, yes, no, &both, err));
    return qt_sym_from_expr(r, both, 1, false, depth + 3, ret_sym, err);
}

qt_code qt_sym_select(qt_reader *r, qt_sym condition, qt_sym a, qt_sym b, qt_sym *ret_sym,
                      qt_err *err) {
    if (condition.kind == QT_SYM_INT) {
        *ret_sym = condition.i != 0 ? a : b;
        return QT_OK;
    }
    if (qt_sym_same(a, b)) {
        *ret_sym = a;
        return QT_OK;
    }
    if (condition.kind != QT_SYM_EXPR || !qt_sym_is_number(a) || !qt_sym_is_number(b)) {
        return qt_reader_refuse(r, err, "a pointer depends on a measurement");
    }
    if (a.width == 1 && !qt_sym_is_float(a)) {
        unsigned depth = condition.depth > a.depth ? condition.depth : a.depth;
        depth = depth > b.depth ? depth : b.depth;
        return select_bool(r, condition.index, a, b, depth, ret_sym, err);
    }
    return select_by_if(r, condition.index, a, b, ret_sym, err);
}
