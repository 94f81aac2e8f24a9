/* Values of expressions. */
#include "qasm/elab.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_INT_BITS = 64, DEFAULT_ANGLE_BITS = 52 };

/* ---- types ---- */

qt_code qasm_type_width(qasm_elab *e, const ast_type *type, uint32_t *ret_width) {
    int64_t width =
        type->kind == TYPE_INT || type->kind == TYPE_UINT ? DEFAULT_INT_BITS
        : type->kind == TYPE_FLOAT || type->kind == TYPE_COMPLEX || type->kind >= TYPE_DURATION ? 64
        : type->kind == TYPE_ANGLE ? DEFAULT_ANGLE_BITS
                                   : 1;
    if (type->size != NULL) {
        QT_TRY(qasm_eval_constant(e, type->size, "a size", &width));
    }
    if (type->kind == TYPE_COMPLEX && type->base != NULL) {
        return qasm_type_width(e, type->base, ret_width);
    }
    int64_t max = type->kind == TYPE_BIT     ? e->ctx->options.limits.max_qubits
                  : type->kind == TYPE_ANGLE ? DEFAULT_ANGLE_BITS
                                             : 64;
    if (width < 1) {
        return qasm_syntax(e->ctx, type->at, "a type has at least one bit");
    }
    if (width > max) {
        return type->kind == TYPE_BIT
                   ? qasm_too_large(e->ctx, type->at, "more than %lld bits", (long long)max)
                   : qasm_unsupported(e->ctx, type->at,
                                      "%s of %lld bits (at most %lld) is not "
                                      "supported",
                                      qasm_type_name(type->kind), (long long)width, (long long)max);
    }
    *ret_width = type->kind == TYPE_FLOAT ? 64 : (uint32_t)width;
    return QT_OK;
}

/* ---- literals ---- */

static qt_code big_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    *ret = (qasm_value){.type = TYPE_BIT, .known = true, .literal = true};
    return qasm_big_integer(e->ctx, expr->text, expr->len, &ret->words, &ret->width);
}

/* "0110": the first character is the highest bit. */
static qt_code bits_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    uint32_t width = 0;
    for (size_t i = 0; i < expr->len; i++) {
        width += expr->text[i] != '_';
    }
    size_t words = ((size_t)width + 63) / 64;
    uint64_t *bits = qasm_alloc(e->ctx, (words + 1) * sizeof *bits);
    if (bits == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    memset(bits, 0, (words + 1) * sizeof *bits);
    uint32_t at = width;
    for (size_t i = 0; i < expr->len; i++) {
        if (expr->text[i] != '_') {
            at--;
            bits[at / 64] |= (uint64_t)(expr->text[i] == '1') << (at % 64);
        }
    }
    *ret = (qasm_value){.type = TYPE_BIT, .known = true, .width = width};
    if (width > 64) {
        ret->words = bits;
    } else {
        ret->u = bits[0];
    }
    return width > 0 ? QT_OK : qasm_syntax(e->ctx, expr->at, "the literal has no bits");
}

static qt_code int_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    if (expr->big) {
        return big_value(e, expr, ret);
    }
    *ret = qasm_int_value((int64_t)expr->i);
    ret->literal = true;
    if (expr->i > INT64_MAX) {
        ret->type = TYPE_UINT;
        ret->literal = false;
    }
    return QT_OK;
}

/* ---- names and indices ---- */

static qt_code name_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    const qasm_symbol *symbol = qasm_find(e, expr->name, expr->at);
    if (symbol == NULL) {
        return QT_INVALID_ARGUMENT;
    }
    if (symbol->kind == SYMBOL_BITS) {
        qasm_bits bits;
        QT_TRY(qasm_clbits(e, expr, &bits));
        return qasm_bits_value(e, &bits, ret);
    }
    if (symbol->kind == SYMBOL_ARRAY) {
        return qasm_syntax(e->ctx, expr->at, "'%.60s' is an array: it has no single value",
                           expr->name->text);
    }
    if (symbol->kind != SYMBOL_CONST && symbol->kind != SYMBOL_VAR) {
        return qasm_syntax(e->ctx, expr->at, "'%.60s' is no classical value", expr->name->text);
    }
    *ret = symbol->value;
    return QT_OK;
}

qt_code qasm_value_bit(qasm_elab *e, const qasm_value *v, const qasm_value *index, const char *at,
                       qasm_value *ret) {
    *ret = (qasm_value){.type = TYPE_BIT, .width = 1, .known = true};
    if (index->known) {
        int64_t i = (int64_t)index->u;
        i += i < 0 ? (int64_t)v->width : 0;
        if (i < 0 || i >= (int64_t)v->width) {
            return qasm_syntax(e->ctx, at, "the index is out of range: there are %u bits",
                               v->width);
        }
        if (v->known) {
            uint64_t word = v->type == TYPE_BIT && v->width > 64 ? v->words[i / 64] : v->u;
            ret->u = (word >> (i % 64)) & 1;
            return QT_OK;
        }
    }
    qt_expr node = {.kind = QT_EXPR_BIT_OF, .type = QT_TYPE_BIT, .width = 1};
    ret->known = false;
    QT_TRY(qasm_value_expr(e->ctx, v, at, &node.u.a));
    QT_TRY(qasm_value_expr(e->ctx, index, at, &node.u.b));
    return qasm_new_expr(e->ctx, node, at, &ret->expr);
}

/* A register's bit whose number is known only at run time. */
static qt_code register_bit(qasm_elab *e, const ast_expr *expr, const qasm_value *index,
                            qasm_value *ret) {
    qasm_bits bits;
    QT_TRY(qasm_clbits(e, expr->a, &bits));
    if (bits.reg == QT_NO_INDEX) {
        qasm_value all;
        QT_TRY(qasm_bits_value(e, &bits, &all));
        return qasm_value_bit(e, &all, index, expr->at, ret);
    }
    qt_expr node = {.kind = QT_EXPR_REG_AT, .type = QT_TYPE_BIT, .width = 1};
    node.u.a = bits.reg;
    *ret = (qasm_value){.type = TYPE_BIT, .width = 1};
    QT_TRY(qasm_value_expr(e->ctx, index, expr->at, &node.u.b));
    return qasm_new_expr(e->ctx, node, expr->at, &ret->expr);
}

static bool is_slice(const ast_expr *item) {
    return item->kind == EXPR_RANGE || item->kind == EXPR_SET;
}

static qt_code index_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    if (qasm_names_kind(expr, SYMBOL_ARRAY)) {
        return qasm_array_value(e, expr, ret);
    }
    const ast_expr *item = expr->list[0];
    if (expr->count != 1) {
        return qasm_syntax(e->ctx, expr->at, "this value has one index, %u are given", expr->count);
    }
    if (qasm_names_kind(expr, SYMBOL_BITS)) {
        qasm_value index = {.known = true};
        qasm_bits bits;
        QT_TRY(is_slice(item) ? QT_OK : qasm_eval(e, item, &index));
        if (!index.known) {
            return register_bit(e, expr, &index, ret);
        }
        QT_TRY(qasm_clbits(e, expr, &bits));
        return qasm_bits_value(e, &bits, ret);
    }
    qasm_value v;
    QT_TRY(qasm_eval(e, expr->a, &v));
    return qasm_bits_of_value(e, &v, item, expr->at, ret);
}

/* ---- */

static qt_code cast_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    qasm_value v;
    uint32_t width = 0;
    if (expr->type->kind == TYPE_ARRAY || expr->type->kind >= TYPE_DURATION) {
        return qasm_syntax(e->ctx, expr->at, "nothing can be cast to %s",
                           qasm_type_name(expr->type->kind));
    }
    QT_TRY(qasm_eval(e, expr->a, &v));
    QT_TRY(qasm_type_width(e, expr->type, &width));
    if (expr->type->kind == TYPE_BIT && expr->type->size == NULL) {
        width = v.width;
    }
    QT_TRY(qasm_check_bits(e, &v, expr->type->kind, width, expr->at));
    return qasm_cast(e->ctx, &v, expr->type->kind, width, expr->at, ret);
}

/* t = a; if (t) { t = b; }: for a right side that takes statements. */
static qt_code logical_statements(qasm_elab *e, const ast_expr *expr, const qasm_value *a,
                                  qasm_value *ret) {
    qt_builder *b = &e->ctx->builder;
    qasm_symbol symbol = {.value = {.type = TYPE_BOOL, .width = 1}};
    qasm_value condition;
    qasm_value right;
    QT_TRY(qasm_store_var(e, &symbol, a, expr->at));
    condition = symbol.value;
    if (expr->op == QT_OPERATOR_OR) {
        QT_TRY(qasm_unary(e->ctx, QT_OPERATOR_NOT, &condition, expr->at, &condition));
    }
    const ast_stmt s = {.kind = STMT_EXPR, .at = expr->at, .expr = expr->b};
    ast_stmt *items[1] = {(ast_stmt *)(uintptr_t)&s};
    const ast_block block = {.items = items, .count = 1};
    QT_TRY(qasm_before_dynamic(e, &block, true, expr->at));
    QASM_BUILD(e->ctx, expr->at, qt_build_if(b, condition.expr, err));
    e->level++;
    QT_TRY(qasm_eval_condition(e, expr->b, &right));
    QT_TRY(qasm_store_var(e, &symbol, &right, expr->at));
    e->level--;
    QASM_BUILD(e->ctx, expr->at, qt_build_end_block(b, err));
    *ret = symbol.value;
    return QT_OK;
}

/* && and || evaluate their right side only when the left one does not decide. */
static qt_code logical_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    qasm_value a;
    qasm_value b;
    QT_TRY(qasm_eval_condition(e, expr->a, &a));
    if (a.known && qasm_truth(&a) == (expr->op == QT_OPERATOR_OR)) {
        *ret = a;
        return QT_OK;
    }
    if (!a.known && qasm_takes_statements(expr->b)) {
        return logical_statements(e, expr, &a, ret);
    }
    QT_TRY(qasm_eval(e, expr->b, &b));
    return qasm_binary(e->ctx, (qt_operator)expr->op, &a, &b, expr->at, ret);
}

static qt_code binary_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    qasm_value a;
    qasm_value b;
    if (expr->op == QT_OPERATOR_AND || expr->op == QT_OPERATOR_OR) {
        return logical_value(e, expr, ret);
    }
    QT_TRY(qasm_eval(e, expr->a, &a));
    QT_TRY(qasm_eval(e, expr->b, &b));
    return qasm_binary(e->ctx, (qt_operator)expr->op, &a, &b, expr->at, ret);
}

static qt_code unary_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    qasm_value a;
    QT_TRY(qasm_eval(e, expr->a, &a));
    return qasm_unary(e->ctx, (qt_operator)expr->op, &a, expr->at, ret);
}

static qt_code no_value(qasm_elab *e, const ast_expr *expr) {
    switch ((int)expr->kind) {
    case EXPR_DURATION_OF:
        return qasm_unsupported(e->ctx, expr->at,
                                "durationof is not supported: how long gates take is not known");
    case EXPR_LIST:
        return qasm_syntax(e->ctx, expr->at, "a list of values stands in a declaration only");
    case EXPR_HARDWARE:
        return qasm_syntax(e->ctx, expr->at, "a qubit is no classical value");
    default:
        return qasm_syntax(e->ctx, expr->at, "this is no classical value");
    }
}

qt_code qasm_eval(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    switch ((int)expr->kind) {
    case EXPR_INT:
        return int_value(e, expr, ret);
    case EXPR_REAL:
        *ret = qasm_float_value(expr->f);
        return QT_OK;
    case EXPR_BOOL:
        *ret = qasm_bool_value(expr->i != 0);
        return QT_OK;
    case EXPR_BITS:
        return bits_value(e, expr, ret);
    case EXPR_IMAG:
        *ret = (qasm_value){.type = TYPE_COMPLEX, .known = true, .width = 64, .im = expr->f};
        return QT_OK;
    case EXPR_TIME:
        return qasm_duration_of(e->ctx, expr->text, expr->len, expr->at, ret);
    case EXPR_NAME:
        return name_value(e, expr, ret);
    case EXPR_UNARY:
        return unary_value(e, expr, ret);
    case EXPR_BINARY:
        return binary_value(e, expr, ret);
    case EXPR_INDEX:
        return index_value(e, expr, ret);
    case EXPR_CALL:
        return qasm_eval_call(e, expr, ret);
    case EXPR_CAST:
        return cast_value(e, expr, ret);
    case EXPR_MEASURE:
        return qasm_measure_value(e, expr->a, ret);
    default:
        return no_value(e, expr);
    }
}

/* An index that stands for one of its values. */
static bool chosen(const qasm_elab *e, const ast_expr *expr, int64_t *ret_value) {
    for (const qasm_choice *c = e->choices; c != NULL; c = c->outer) {
        if (c->index == expr) {
            *ret_value = c->value;
            return true;
        }
    }
    return false;
}

qt_code qasm_eval_index(qasm_elab *e, const ast_expr *expr, uint32_t count, int64_t *ret_value) {
    qasm_value v;
    if (e->choices != NULL && chosen(e, expr, ret_value)) {
        return QT_OK;
    }
    QT_TRY(qasm_eval(e, expr, &v));
    if (!qasm_is_integral(v.type) || v.width > 64) {
        return qasm_syntax(e->ctx, expr->at, "an index is an integer");
    }
    if (!v.known && e->may_choose) {
        e->wanted = (qasm_wanted){.index = expr, .value = v, .count = count};
        return QT_INVALID_ARGUMENT; /* no error: qasm_with_qubits goes on */
    }
    if (!v.known) {
        return qasm_unsupported(e->ctx, expr->at,
                                "an index known only at run time is not supported here");
    }
    *ret_value = (int64_t)v.u;
    return QT_OK;
}

qt_code qasm_eval_constant(qasm_elab *e, const ast_expr *expr, const char *what,
                           int64_t *ret_value) {
    if (!qasm_is_constant(expr)) {
        return qasm_syntax(e->ctx, expr->at, "%s is a constant", what);
    }
    return qasm_eval_int(e, expr, what, ret_value);
}

qt_code qasm_eval_int(qasm_elab *e, const ast_expr *expr, const char *what, int64_t *ret_value) {
    qasm_value v;
    QT_TRY(qasm_eval(e, expr, &v));
    if (!v.known) {
        return qasm_unsupported(e->ctx, expr->at, "%s known only at run time is not supported",
                                what);
    }
    if (!qasm_is_integral(v.type) || v.width > 64) {
        return qasm_syntax(e->ctx, expr->at, "%s is an integer", what);
    }
    *ret_value = (int64_t)v.u;
    return QT_OK;
}

qt_code qasm_eval_angle(qasm_elab *e, const ast_expr *expr, qasm_angle *ret_angle) {
    qasm_value v;
    qasm_value f;
    QT_TRY(qasm_eval(e, expr, &v));
    QT_TRY(qasm_cast(e->ctx, &v, TYPE_FLOAT, 64, expr->at, &f));
    *ret_angle = f.known ? qasm_known_angle(f.f) : (qasm_angle){.expr = f.expr};
    return QT_OK;
}

qt_code qasm_eval_condition(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value) {
    qasm_value v;
    QT_TRY(qasm_eval(e, expr, &v));
    return qasm_cast(e->ctx, &v, TYPE_BOOL, 1, expr->at, ret_value);
}

/* ---- ranges ---- */

qt_code qasm_eval_range(qasm_elab *e, const ast_expr *range, int64_t size, qasm_range *ret_range) {
    qasm_range r = {.step = 1};
    if (range->b != NULL) {
        QT_TRY(qasm_eval_int(e, range->b, "the step of a range", &r.step));
    }
    if (r.step == 0) {
        return qasm_syntax(e->ctx, range->at, "the step of a range is not 0");
    }
    r.first = r.step > 0 ? 0 : size - 1;
    r.last = r.step > 0 ? size - 1 : 0;
    if (range->a != NULL) {
        QT_TRY(qasm_eval_int(e, range->a, "the start of a range", &r.first));
    }
    if (range->c != NULL) {
        QT_TRY(qasm_eval_int(e, range->c, "the end of a range", &r.last));
    }
    *ret_range = r;
    return QT_OK;
}

uint64_t qasm_range_count(const qasm_range *r) {
    bool up = r->step > 0;
    if (up ? r->first > r->last : r->first < r->last) {
        return 0;
    }
    uint64_t span =
        up ? (uint64_t)r->last - (uint64_t)r->first : (uint64_t)r->first - (uint64_t)r->last;
    uint64_t step = up ? (uint64_t)r->step : 0 - (uint64_t)r->step;
    return span / step + 1;
}

qt_code qasm_eval_slice(qasm_elab *e, const ast_expr *range, uint32_t size, qasm_range *ret_range,
                        uint64_t *ret_count, bool *ret_inside) {
    qasm_range r;
    QT_TRY(qasm_eval_range(e, range, size, &r));
    r.first += r.first < 0 ? size : 0;
    r.last += r.last < 0 ? size : 0;
    *ret_count = qasm_range_count(&r);
    *ret_inside =
        *ret_count == 0 || (r.first >= 0 && r.first < size && r.last >= 0 && r.last < size);
    *ret_range = r;
    return QT_OK;
}
