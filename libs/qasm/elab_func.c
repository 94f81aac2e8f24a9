/* The built-in functions of OpenQASM 3. */
#include "qasm/elab.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
    if (arg->type == TYPE_COMPLEX) {
        return qasm_complex_call(e->ctx, functions[which].name, arg, at, ret);
    }
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
    if (!qasm_is_integral(arg->type)) {
        return qasm_syntax(e->ctx, at, "popcount takes bits");
    }
    if (arg->known) {
        int count = 0;
        for (uint32_t i = 0; arg->width > 64 && i < (arg->width + 63) / 64; i++) {
            count += __builtin_popcountll(arg->words[i]);
        }
        count += arg->width > 64 ? 0 : __builtin_popcountll(arg->u & low_bits(arg->width));
        *ret = qasm_int_value(count);
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
    bool fits = bits->type == TYPE_BIT || bits->type == TYPE_UINT || bits->type == TYPE_ANGLE;
    if (!fits || !qasm_is_integral(args[1].type) || args[1].width > 64) {
        return qasm_syntax(e->ctx, at, "rotl and rotr take bits and a number");
    }
    if (bits->width > 64) {
        return qasm_wide_rotate(e->ctx, left, bits, &args[1], at, ret);
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

/* ---- of complex numbers and arrays ---- */

static qt_code part(qasm_elab *e, bool is_real, const qasm_value *arg, const char *at,
                    qasm_value *ret) {
    qasm_value z;
    QT_TRY(qasm_cast(e->ctx, arg, TYPE_COMPLEX, 64, at, &z));
    *ret = is_real ? qasm_real_part(&z) : qasm_imag_part(&z);
    return QT_OK;
}

/* Of a register: how many bits or qubits it has. */
static qt_code register_size(qasm_elab *e, const ast_expr *expr, qasm_array *ret) {
    qasm_bits bits;
    QT_TRY(qasm_names_kind(expr, SYMBOL_BITS) ? qasm_clbits(e, expr, &bits)
                                              : qasm_qubits(e, expr, &bits));
    if (bits.single) {
        return qasm_syntax(e->ctx, expr->at, "a single bit has no size");
    }
    *ret = (qasm_array){.rank = 1, .dims = {bits.count}};
    return QT_OK;
}

/* sizeof(array, dimension) */
static qt_code size_of(qasm_elab *e, const ast_expr *call, qasm_value *ret) {
    qasm_array array;
    int64_t dim = 0;
    if (call->count < 1 || call->count > 2) {
        return qasm_syntax(e->ctx, call->at, "'sizeof' takes 1 or 2 arguments, %u are given",
                           call->count);
    }
    const ast_expr *of = call->list[0];
    bool reg = qasm_names_kind(of, SYMBOL_BITS) || qasm_names_kind(of, SYMBOL_QUBITS);
    if (!reg && !qasm_names_kind(of, SYMBOL_ARRAY)) {
        return qasm_syntax(e->ctx, of->at, "sizeof takes an array or a register");
    }
    QT_TRY(reg ? register_size(e, of, &array) : qasm_named_array(e, of, &array));
    if (call->count == 2) {
        QT_TRY(qasm_eval_int(e, call->list[1], "a dimension", &dim));
    }
    if (dim < 0 || dim >= (int64_t)array.rank) {
        return qasm_syntax(e->ctx, call->at, "there are %u dimensions, from 0 on", array.rank);
    }
    *ret = qasm_int_value(array.dims[dim]);
    ret->type = TYPE_UINT;
    return QT_OK;
}

/* ---- calls ---- */

static qt_code call_with_two(qasm_elab *e, const ast_expr *call, qasm_value *ret) {
    const char *name = call->name->text;
    qasm_value args[2];
    QT_TRY(two_args(e, call, args));
    if (name[0] == 'r') {
        return rotate(e, strcmp(name, "rotl") == 0, args, call->at, ret);
    }
    return qasm_binary(e->ctx, *name == 'm' ? QT_OPERATOR_MOD : QT_OPERATOR_POW, &args[0], &args[1],
                       call->at, ret);
}

static bool is_one_of(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static qt_code no_function(qasm_elab *e, const ast_expr *call) {
    static const char *const words[] = {
        "arccos",   "arcsin", "arctan", "ceiling", "cos",  "exp", "floor",  "imag", "log", "mod",
        "popcount", "pow",    "real",   "rotl",    "rotr", "sin", "sizeof", "sqrt", "tan"};
    const char *text = call->name->text;
    const char *similar =
        qasm_similar_word(words, sizeof words / sizeof *words, text, call->name->len);
    if (call->name->reported) {
        return QT_INVALID_ARGUMENT;
    }
    char hint[40];
    snprintf(hint, sizeof hint, "did you mean '%s'?", similar != NULL ? similar : "");
    return qasm_fail(e->ctx, call->at, QT_REASON_CIRCUIT_SYNTAX, similar != NULL ? hint : NULL,
                     "there is no function '%.60s'", text);
}

static qt_code call_with_one(qasm_elab *e, const ast_expr *call, qasm_value *ret) {
    static const char *const others[] = {"popcount", "real", "imag"};
    const char *name = call->name->text;
    qasm_value arg;
    size_t which = 0;
    while (which < sizeof functions / sizeof *functions &&
           strcmp(functions[which].name, name) != 0) {
        which++;
    }
    bool other = is_one_of(name, others, sizeof others / sizeof *others);
    if (!other && which == sizeof functions / sizeof *functions) {
        return no_function(e, call);
    }
    if (call->count != 1) {
        return qasm_syntax(e->ctx, call->at, "'%.60s' takes 1 argument, %u are given", name,
                           call->count);
    }
    QT_TRY(qasm_eval(e, call->list[0], &arg));
    if (!other) {
        return call_float(e, which, &arg, call->at, ret);
    }
    return *name == 'p' ? popcount(e, &arg, call->at, ret)
                        : part(e, *name == 'r', &arg, call->at, ret);
}

qt_code qasm_eval_call(qasm_elab *e, const ast_expr *expr, qasm_value *ret) {
    static const char *const twos[] = {"rotl", "rotr", "mod", "pow"};
    const qasm_symbol *symbol = expr->name->meaning == MEANING_SYMBOL ? expr->name->data : NULL;
    if (symbol != NULL && symbol->kind == SYMBOL_DEF) {
        return qasm_call_def(e, expr, ret);
    }
    if (symbol != NULL) {
        return symbol->kind == SYMBOL_BAD
                   ? QT_INVALID_ARGUMENT
                   : qasm_syntax(e->ctx, expr->at, "'%.60s' is no subroutine", expr->name->text);
    }
    if (strcmp(expr->name->text, "sizeof") == 0) {
        return size_of(e, expr, ret);
    }
    return is_one_of(expr->name->text, twos, sizeof twos / sizeof *twos)
               ? call_with_two(e, expr, ret)
               : call_with_one(e, expr, ret);
}
