/* Complex numbers and durations of OpenQASM 3. */
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "qasm/lex.h"
#include "qasm/value.h"

/* ---- complex numbers ---- */

qasm_value qasm_real_part(const qasm_value *v) {
    return (qasm_value){
        .type = TYPE_FLOAT, .known = v->known, .width = 64, .expr = v->expr, .f = v->f};
}

qasm_value qasm_imag_part(const qasm_value *v) {
    return (qasm_value){
        .type = TYPE_FLOAT, .known = v->known, .width = 64, .expr = v->im_expr, .f = v->im};
}

qt_code qasm_make_complex(qasm_context *ctx, const qasm_value *re, const qasm_value *im,
                          const char *at, qasm_value *ret) {
    qasm_value z = {.type = TYPE_COMPLEX, .known = re->known && im->known, .width = 64};
    if (z.known) {
        z.f = re->f;
        z.im = im->f;
        if (!isfinite(z.f) || !isfinite(z.im)) {
            return qasm_syntax(ctx, at, "the value is not a finite number");
        }
    } else {
        QT_TRY(qasm_value_expr(ctx, re, at, &z.expr));
        QT_TRY(qasm_value_expr(ctx, im, at, &z.im_expr));
    }
    *ret = z;
    return QT_OK;
}

static qt_code known_complex(qasm_context *ctx, double complex z, const char *at, qasm_value *ret) {
    qasm_value re = qasm_float_value(creal(z));
    qasm_value im = qasm_float_value(cimag(z));
    return qasm_make_complex(ctx, &re, &im, at, ret);
}

static double complex value_of(const qasm_value *v) {
    return v->f + v->im * I;
}

static qt_code fold(qasm_context *ctx, qt_operator op, const qasm_value *x, const qasm_value *y,
                    const char *at, qasm_value *ret) {
    double complex p = value_of(x);
    double complex q = value_of(y);
    switch ((int)op) {
    case QT_OPERATOR_ADD:
        return known_complex(ctx, p + q, at, ret);
    case QT_OPERATOR_SUB:
        return known_complex(ctx, p - q, at, ret);
    case QT_OPERATOR_MUL:
        return known_complex(ctx, p * q, at, ret);
    case QT_OPERATOR_DIV:
        return known_complex(ctx, p / q, at, ret);
    default:
        return known_complex(ctx, q == 0 ? 1 : cpow(p, q), at, ret);
    }
}

/* a op b op2 c op d, in this order: (a op b) op2 (c op d). */
static qt_code combine(qasm_context *ctx, qt_operator op, qt_operator op2, const qasm_value *parts,
                       const char *at, qasm_value *ret) {
    qasm_value left;
    qasm_value right;
    QT_TRY(qasm_binary(ctx, op, &parts[0], &parts[1], at, &left));
    QT_TRY(qasm_binary(ctx, op, &parts[2], &parts[3], at, &right));
    return qasm_binary(ctx, op2, &left, &right, at, ret);
}

static qt_code multiply(qasm_context *ctx, const qasm_value *x, const qasm_value *y, const char *at,
                        qasm_value *ret) {
    const qasm_value a = qasm_real_part(x);
    const qasm_value b = qasm_imag_part(x);
    const qasm_value c = qasm_real_part(y);
    const qasm_value d = qasm_imag_part(y);
    qasm_value re;
    qasm_value im;
    QT_TRY(combine(ctx, QT_OPERATOR_MUL, QT_OPERATOR_SUB, (qasm_value[]){a, c, b, d}, at, &re));
    QT_TRY(combine(ctx, QT_OPERATOR_MUL, QT_OPERATOR_ADD, (qasm_value[]){a, d, b, c}, at, &im));
    return qasm_make_complex(ctx, &re, &im, at, ret);
}

/* x times the conjugate of y, over |y|^2. */
static qt_code divide(qasm_context *ctx, const qasm_value *x, const qasm_value *y, const char *at,
                      qasm_value *ret) {
    const qasm_value c = qasm_real_part(y);
    const qasm_value d = qasm_imag_part(y);
    qasm_value norm;
    qasm_value minus_d;
    qasm_value conjugate;
    qasm_value product;
    QT_TRY(combine(ctx, QT_OPERATOR_MUL, QT_OPERATOR_ADD, (qasm_value[]){c, c, d, d}, at, &norm));
    QT_TRY(qasm_unary(ctx, QT_OPERATOR_NEG, &d, at, &minus_d));
    QT_TRY(qasm_make_complex(ctx, &c, &minus_d, at, &conjugate));
    QT_TRY(multiply(ctx, x, &conjugate, at, &product));
    qasm_value re = qasm_real_part(&product);
    qasm_value im = qasm_imag_part(&product);
    QT_TRY(qasm_binary(ctx, QT_OPERATOR_DIV, &re, &norm, at, &re));
    QT_TRY(qasm_binary(ctx, QT_OPERATOR_DIV, &im, &norm, at, &im));
    return qasm_make_complex(ctx, &re, &im, at, ret);
}

static qt_code by_parts(qasm_context *ctx, qt_operator op, const qasm_value *x, const qasm_value *y,
                        const char *at, qasm_value *ret) {
    const qasm_value a = qasm_real_part(x);
    const qasm_value b = qasm_imag_part(x);
    const qasm_value c = qasm_real_part(y);
    const qasm_value d = qasm_imag_part(y);
    qasm_value re;
    qasm_value im;
    QT_TRY(qasm_binary(ctx, op, &a, &c, at, &re));
    QT_TRY(qasm_binary(ctx, op, &b, &d, at, &im));
    if (op == QT_OPERATOR_EQ || op == QT_OPERATOR_NE) {
        return qasm_binary(ctx, op == QT_OPERATOR_EQ ? QT_OPERATOR_AND : QT_OPERATOR_OR, &re, &im,
                           at, ret);
    }
    return qasm_make_complex(ctx, &re, &im, at, ret);
}

qt_code qasm_complex_binary(qasm_context *ctx, qt_operator op, const qasm_value *a,
                            const qasm_value *b, const char *at, qasm_value *ret) {
    qasm_value x;
    qasm_value y;
    bool equality = op == QT_OPERATOR_EQ || op == QT_OPERATOR_NE;
    if ((op > QT_OPERATOR_POW && !equality) || op == QT_OPERATOR_MOD) {
        return qasm_syntax(ctx, at, "this operator does not take %s and %s",
                           qasm_type_name(a->type), qasm_type_name(b->type));
    }
    QT_TRY(qasm_cast(ctx, a, TYPE_COMPLEX, 64, at, &x));
    QT_TRY(qasm_cast(ctx, b, TYPE_COMPLEX, 64, at, &y));
    if (x.known && y.known && !equality) {
        return fold(ctx, op, &x, &y, at, ret);
    }
    if (op == QT_OPERATOR_POW) {
        return qasm_unsupported(ctx, at,
                                "a power of complex numbers known only at run time is not "
                                "supported");
    }
    return op == QT_OPERATOR_MUL   ? multiply(ctx, &x, &y, at, ret)
           : op == QT_OPERATOR_DIV ? divide(ctx, &x, &y, at, ret)
                                   : by_parts(ctx, op, &x, &y, at, ret);
}

qt_code qasm_complex_negate(qasm_context *ctx, const qasm_value *a, const char *at,
                            qasm_value *ret) {
    qasm_value re = qasm_real_part(a);
    qasm_value im = qasm_imag_part(a);
    QT_TRY(qasm_unary(ctx, QT_OPERATOR_NEG, &re, at, &re));
    QT_TRY(qasm_unary(ctx, QT_OPERATOR_NEG, &im, at, &im));
    return qasm_make_complex(ctx, &re, &im, at, ret);
}

qt_code qasm_complex_call(qasm_context *ctx, const char *name, const qasm_value *a, const char *at,
                          qasm_value *ret) {
    bool is_exp = strcmp(name, "exp") == 0;
    if (!is_exp && strcmp(name, "sqrt") != 0) {
        return qasm_syntax(ctx, at, "%s does not take a complex number", name);
    }
    if (!a->known) {
        return qasm_unsupported(
            ctx, at, "%s of a complex number known only at run time is not supported", name);
    }
    return known_complex(ctx, is_exp ? cexp(value_of(a)) : csqrt(value_of(a)), at, ret);
}

/* ---- durations: nanoseconds in f, and the device's own unit dt in im ---- */

qt_code qasm_duration_of(qasm_context *ctx, const char *text, size_t len, const char *at,
                         qasm_value *ret) {
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"dt", 0},          {"ns", 1},   {"us", 1e3}, {"\xC2\xB5s", 1e3},
                 {"\xCE\xBCs", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    double number = 0;
    size_t digits = len;
    while (digits > 0 && text[digits - 1] != '.' &&
           !(text[digits - 1] >= '0' && text[digits - 1] <= '9')) {
        digits--;
    }
    size_t unit = digits;
    while (unit < len && (text[unit] == ' ' || text[unit] == '\t')) {
        unit++;
    }
    if (!qasm_parse_real(text, digits, &number)) {
        return qasm_syntax(ctx, at, "the duration is no number");
    }
    *ret = (qasm_value){.type = TYPE_DURATION, .known = true, .width = 64};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].unit) == len - unit &&
            memcmp(units[i].unit, text + unit, len - unit) == 0) {
            ret->f = number * units[i].ns;
            ret->im = units[i].ns == 0 ? number : 0;
            return QT_OK;
        }
    }
    return qasm_syntax(ctx, at, "the duration has no unit");
}

void qasm_duration_text(const qasm_value *v, char text[QASM_DURATION_BYTES]) {
    char ns[32];
    char dt[32];
    snprintf(ns, sizeof ns, "%.15gns", v->f);
    snprintf(dt, sizeof dt, "%.15gdt", v->im);
    bool both = v->f != 0 && v->im != 0;
    snprintf(text, QASM_DURATION_BYTES, "%s%s%s", v->im == 0 || both ? ns : "", both ? " + " : "",
             v->im != 0 ? dt : "");
}

static qt_code scale(qasm_context *ctx, qt_operator op, const qasm_value *a, const qasm_value *b,
                     const char *at, qasm_value *ret) {
    const qasm_value *duration = a->type == TYPE_DURATION ? a : b;
    qasm_value by;
    QT_TRY(qasm_cast(ctx, a->type == TYPE_DURATION ? b : a, TYPE_FLOAT, 64, at, &by));
    if (!by.known) {
        return qasm_unsupported(ctx, at, "durations known only at run time are not supported");
    }
    if (op == QT_OPERATOR_DIV && by.f == 0) {
        return qasm_syntax(ctx, at, "division by zero");
    }
    double factor = op == QT_OPERATOR_DIV ? 1 / by.f : by.f;
    *ret = *duration;
    ret->f = op == QT_OPERATOR_DIV ? duration->f / by.f : duration->f * factor;
    ret->im = op == QT_OPERATOR_DIV ? duration->im / by.f : duration->im * factor;
    return QT_OK;
}

static qt_code ratio_or_order(qasm_context *ctx, qt_operator op, const qasm_value *a,
                              const qasm_value *b, const char *at, qasm_value *ret) {
    bool ns = a->im == 0 && b->im == 0;
    bool dt = a->f == 0 && b->f == 0;
    if (!ns && !dt) {
        return qasm_unsupported(ctx, at,
                                "a comparison of durations in seconds and in dt is not supported");
    }
    qasm_value x = qasm_float_value(ns ? a->f : a->im);
    qasm_value y = qasm_float_value(ns ? b->f : b->im);
    return qasm_binary(ctx, op, &x, &y, at, ret);
}

qt_code qasm_duration_binary(qasm_context *ctx, qt_operator op, const qasm_value *a,
                             const qasm_value *b, const char *at, qasm_value *ret) {
    bool both = a->type == b->type;
    bool adds = op == QT_OPERATOR_ADD || op == QT_OPERATOR_SUB;
    if (both && adds) {
        double sign = op == QT_OPERATOR_ADD ? 1 : -1;
        *ret = *a;
        ret->f += sign * b->f;
        ret->im += sign * b->im;
        return QT_OK;
    }
    if (both && (op == QT_OPERATOR_DIV || op >= QT_OPERATOR_EQ)) {
        return ratio_or_order(ctx, op, a, b, at, ret);
    }
    if (!both && (op == QT_OPERATOR_MUL || (op == QT_OPERATOR_DIV && a->type == TYPE_DURATION))) {
        return scale(ctx, op, a, b, at, ret);
    }
    return qasm_syntax(ctx, at, "this operator does not take %s and %s", qasm_type_name(a->type),
                       qasm_type_name(b->type));
}
