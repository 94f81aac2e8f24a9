/* Values of expressions. */
#include "qasm/elab.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_INT_BITS = 64, DEFAULT_ANGLE_BITS = 52 };

/* ---- types ---- */

qt_code qasm_type_width(qasm_elab *e, const ast_type *type, uint32_t *ret_width) {
    int64_t width = type->kind == TYPE_INT || type->kind == TYPE_UINT ? DEFAULT_INT_BITS
                    : type->kind == TYPE_FLOAT                        ? 64
                    : type->kind == TYPE_ANGLE                        ? DEFAULT_ANGLE_BITS
                                                                      : 1;
    if (type->size != NULL) {
        QT_TRY(qasm_eval_int(e, type->size, "a size", &width));
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

/* ---- functions ---- */

static const struct {
    const char *name;
    qt_func func;
    double (*compute)(double);
} functions[] = {
    {"sin", QT_FUNC_SIN, sin},        {"cos", QT_FUNC_COS, cos},
    {"tan", QT_FUNC_TAN, tan},        {"arcsin", QT_FUNC_ARCSIN, asin},
    {"arccos", QT_FUNC_ARCCOS, acos}, {"arctan", QT_FUNC_ARCTAN, atan},
    {"exp", QT_FUNC_EXP, exp},        {"log", QT_FUNC_LOG, log},
    {"sqrt", QT_FUNC_SQRT, sqrt},     {"ceiling", QT_FUNC_CEILING, ceil},
    {"floor", QT_FUNC_FLOOR, floor},
};

bool qasm_float_function(const char *name, qt_func *ret_func) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            *ret_func = functions[i].func;
            return true;
        }
    }
    return false;
}

static qt_code call_float(qasm_elab *e, size_t which, const qasm_value *arg, const char *at,
                          qasm_value *ret) {
    qasm_value x;
    QT_TRY(qasm_cast(e->ctx, arg, TYPE_FLOAT, 64, at, &x));
    if (x.known) {
        double y = functions[which].compute(x.f);
        if (!isfinite(y)) {
            return qasm_syntax(e->ctx, at, "%s of this value is no number", functions[which].name);
        }
        *ret = qasm_float_value(y);
        return QT_OK;
    }
    qt_expr node = {.kind = QT_EXPR_CALL,
                    .op = (uint8_t)functions[which].func,
                    .type = QT_TYPE_FLOAT,
                    .width = 64,
                    .u = {x.expr, QT_NO_INDEX}};
    *ret = (qasm_value){.type = TYPE_FLOAT, .width = 64};
    return qasm_new_expr(e->ctx, node, at, &ret->expr);
}

static uint64_t low_bits(uint32_t width) {
    return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

static qt_code popcount(qasm_elab *e, const qasm_value *arg, const char *at, qasm_value *ret) {
    if (!qasm_is_integral(arg->type) || arg->width > 64) {
        return qasm_syntax(e->ctx, at, "popcount takes bits");
    }
    if (arg->known) {
        *ret = qasm_int_value(__builtin_popcountll(arg->u & low_bits(arg->width)));
        ret->type = TYPE_UINT;
        return QT_OK;
    }
    qt_expr node = {.kind = QT_EXPR_CALL,
                    .op = QT_FUNC_POPCOUNT,
                    .type = QT_TYPE_UINT,
                    .width = 64,
                    .u = {arg->expr, QT_NO_INDEX}};
    *ret = (qasm_value){.type = TYPE_UINT, .width = 64};
    return qasm_new_expr(e->ctx, node, at, &ret->expr);
}

static qt_code rotate(qasm_elab *e, bool left, const qasm_value *args, const char *at,
                      qasm_value *ret) {
    const qasm_value *bits = &args[0];
    bool fits = (bits->type == TYPE_BIT || bits->type == TYPE_UINT) && bits->width <= 64;
    if (!fits || !qasm_is_integral(args[1].type)) {
        return qasm_syntax(e->ctx, at, "rotl and rotr take bits and a number");
    }
    *ret = (qasm_value){.type = bits->type, .width = bits->width, .known = true};
    if (bits->known && args[1].known) {
        int64_t width = bits->width;
        int64_t by = ((int64_t)args[1].u % width * (left ? 1 : -1) + width) % width;
        uint64_t u = bits->u & low_bits(bits->width);
        ret->u = by == 0 ? u : ((u << by) | (u >> (width - by))) & low_bits(bits->width);
        return QT_OK;
    }
    qt_expr node = {.kind = QT_EXPR_CALL,
                    .op = (uint8_t)(left ? QT_FUNC_ROTL : QT_FUNC_ROTR),
                    .type = (uint8_t)qasm_ir_type(bits->type),
                    .width = bits->width};
    ret->known = false;
    QT_TRY(qasm_value_expr(e->ctx, bits, at, &node.u.a));
    QT_TRY(qasm_value_expr(e->ctx, &args[1], at, &node.u.b));
    return qasm_new_expr(e->ctx, node, at, &ret->expr);
}

static qt_code two_args(qasm_elab *e, const ast_expr *call, qasm_value args[2]) {
    if (call->count != 2) {
        return qasm_syntax(e->ctx, call->at, "'%.60s' takes 2 arguments, %u are given",
                           call->name->text, call->count);
    }
    QT_TRY(qasm_eval(e, call->list[0], &args[0]));
    return qasm_eval(e, call->list[1], &args[1]);
}

static qt_code builtin_call(qasm_elab *e, const ast_expr *call, qasm_value *ret) {
    const char *name = call->name->text;
    qasm_value args[2];
    bool rotl = strcmp(name, "rotl") == 0;
    if (rotl || strcmp(name, "rotr") == 0) {
        QT_TRY(two_args(e, call, args));
        return rotate(e, rotl, args, call->at, ret);
    }
    if (strcmp(name, "mod") == 0 || strcmp(name, "pow") == 0) {
        QT_TRY(two_args(e, call, args));
        return qasm_binary(e->ctx, *name == 'm' ? QT_OPERATOR_MOD : QT_OPERATOR_POW, &args[0],
                           &args[1], call->at, ret);
    }
    bool pops = strcmp(name, "popcount") == 0;
    size_t which = 0;
    while (which < sizeof functions / sizeof *functions &&
           strcmp(functions[which].name, name) != 0) {
        which++;
    }
    if (!pops && which == sizeof functions / sizeof *functions) {
        bool odd =
            strcmp(name, "real") == 0 || strcmp(name, "imag") == 0 || strcmp(name, "sizeof") == 0;
        return odd ? qasm_unsupported(e->ctx, call->at, "%s() is not supported", name)
                   : qasm_syntax(e->ctx, call->at, "there is no function '%.60s'", name);
    }
    if (call->count != 1) {
        return qasm_syntax(e->ctx, call->at, "'%.60s' takes 1 argument, %u are given", name,
                           call->count);
    }
    QT_TRY(qasm_eval(e, call->list[0], &args[0]));
    return pops ? popcount(e, &args[0], call->at, ret)
                : call_float(e, which, &args[0], call->at, ret);
}

static qt_code call(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    const qasm_symbol *symbol = expr->name->meaning == MEANING_SYMBOL ? expr->name->data : NULL;
    if (symbol != NULL && symbol->kind == SYMBOL_DEF) {
        return qasm_call_def(e, expr, ret);
    }
    return builtin_call(e, expr, ret);
}

/* ---- literals ---- */

static qt_code big_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    size_t count = 0;
    *ret = (qasm_value){.type = TYPE_BIT, .known = true};
    QT_TRY(qasm_big_integer(e->ctx, expr->text, expr->len, &ret->words, &count));
    ret->width = (uint32_t)count * 64;
    return QT_OK;
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
        return qasm_unsupported(e->ctx, expr->at,
                                "an index known only at run time, of something that is no whole "
                                "register, is not supported");
    }
    qt_expr node = {.kind = QT_EXPR_REG_AT, .type = QT_TYPE_BIT, .width = 1};
    node.u.a = bits.reg;
    *ret = (qasm_value){.type = TYPE_BIT, .width = 1};
    QT_TRY(qasm_value_expr(e->ctx, index, expr->at, &node.u.b));
    return qasm_new_expr(e->ctx, node, expr->at, &ret->expr);
}

static qt_code index_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    bool plain =
        expr->count == 1 && expr->list[0]->kind != EXPR_RANGE && expr->list[0]->kind != EXPR_SET;
    qasm_value index = {.known = true};
    if (plain) {
        QT_TRY(qasm_eval(e, expr->list[0], &index));
    }
    if (qasm_names_kind(expr, SYMBOL_BITS)) {
        qasm_bits bits;
        if (!index.known) {
            return register_bit(e, expr, &index, ret);
        }
        QT_TRY(qasm_clbits(e, expr, &bits));
        return qasm_bits_value(e, &bits, ret);
    }
    qasm_value v;
    QT_TRY(qasm_eval(e, expr->a, &v));
    if (!plain || !(qasm_is_integral(v.type) || v.type == TYPE_ANGLE)) {
        return qasm_unsupported(e->ctx, expr->at, "this index is not supported");
    }
    return qasm_value_bit(e, &v, &index, expr->at, ret);
}

/* ---- */

static qt_code cast_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    qasm_value v;
    uint32_t width = 0;
    if (expr->type->kind == TYPE_ARRAY || expr->type->kind == TYPE_COMPLEX) {
        return qasm_unsupported(e->ctx, expr->at, "a cast to %s is not supported",
                                qasm_type_name(expr->type->kind));
    }
    QT_TRY(qasm_eval(e, expr->a, &v));
    QT_TRY(qasm_type_width(e, expr->type, &width));
    if (expr->type->kind == TYPE_BIT && expr->type->size == NULL) {
        width = v.width;
    }
    return qasm_cast(e->ctx, &v, expr->type->kind, width, expr->at, ret);
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
    size_t before = e->ctx->builder.circuit->op_count;
    QT_TRY(qasm_eval(e, expr->b, &b));
    if (!a.known && e->ctx->builder.circuit->op_count != before) {
        return qasm_unsupported(e->ctx, expr->b->at,
                                "a right side of && or || that does more than compute a value is "
                                "not supported");
    }
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
    case EXPR_IMAG:
        return qasm_unsupported(e->ctx, expr->at, "complex numbers are not supported");
    case EXPR_LIST:
        return qasm_unsupported(e->ctx, expr->at, "arrays are not supported");
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
    case EXPR_TIME:
        *ret = (qasm_value){.type = TYPE_DURATION, .known = true, .width = 64};
        return QT_OK;
    case EXPR_NAME:
        return name_value(e, expr, ret);
    case EXPR_UNARY:
        return unary_value(e, expr, ret);
    case EXPR_BINARY:
        return binary_value(e, expr, ret);
    case EXPR_INDEX:
        return index_value(e, expr, ret);
    case EXPR_CALL:
        return call(e, expr, ret);
    case EXPR_CAST:
        return cast_value(e, expr, ret);
    case EXPR_MEASURE:
        return qasm_measure_value(e, expr->a, ret);
    default:
        return no_value(e, expr);
    }
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
