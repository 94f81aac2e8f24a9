/* Expressions as OpenQASM 3. Conversions are written out, so that every operator reads back with
 * the types it has here. */
#include "circuit/printer.h"

static const char *const operator_texts[] = {
    [QT_OPERATOR_ADD] = "+",    [QT_OPERATOR_SUB] = "-",     [QT_OPERATOR_MUL] = "*",
    [QT_OPERATOR_DIV] = "/",    [QT_OPERATOR_MOD] = "%",     [QT_OPERATOR_POW] = "**",
    [QT_OPERATOR_NEG] = "-",    [QT_OPERATOR_BIT_NOT] = "~", [QT_OPERATOR_BIT_AND] = "&",
    [QT_OPERATOR_BIT_OR] = "|", [QT_OPERATOR_BIT_XOR] = "^", [QT_OPERATOR_SHL] = "<<",
    [QT_OPERATOR_SHR] = ">>",   [QT_OPERATOR_NOT] = "!",     [QT_OPERATOR_AND] = "&&",
    [QT_OPERATOR_OR] = "||",    [QT_OPERATOR_EQ] = "==",     [QT_OPERATOR_NE] = "!=",
    [QT_OPERATOR_LT] = "<",     [QT_OPERATOR_LE] = "<=",     [QT_OPERATOR_GT] = ">",
    [QT_OPERATOR_GE] = ">="};

static const char *const func_texts[] = {
    [QT_FUNC_SIN] = "sin",           [QT_FUNC_COS] = "cos",       [QT_FUNC_TAN] = "tan",
    [QT_FUNC_ARCSIN] = "arcsin",     [QT_FUNC_ARCCOS] = "arccos", [QT_FUNC_ARCTAN] = "arctan",
    [QT_FUNC_EXP] = "exp",           [QT_FUNC_LOG] = "log",       [QT_FUNC_SQRT] = "sqrt",
    [QT_FUNC_CEILING] = "ceiling",   [QT_FUNC_FLOOR] = "floor",   [QT_FUNC_ABS] = "abs",
    [QT_FUNC_POPCOUNT] = "popcount", [QT_FUNC_ROTL] = "rotl",     [QT_FUNC_ROTR] = "rotr"};

void qt_print_type(qt_buf *out, qt_type type, uint32_t width) {
    static const char *const names[] = {
        [QT_TYPE_BOOL] = "bool", [QT_TYPE_BIT] = "bit",     [QT_TYPE_INT] = "int",
        [QT_TYPE_UINT] = "uint", [QT_TYPE_FLOAT] = "float", [QT_TYPE_ANGLE] = "angle"};
    qt_buf_add_str(out, names[type]);
    if (type != QT_TYPE_BOOL && !(type == QT_TYPE_BIT && width == 1)) {
        qt_buf_printf(out, "[%u]", width);
    }
}

static void print_bits(qt_buf *out, const uint64_t *words, uint32_t width) {
    qt_buf_add_char(out, '"');
    for (uint32_t i = width; i > 0; i--) {
        uint64_t word = words[(i - 1) / 64];
        qt_buf_add_char(out, (word >> ((i - 1) % 64) & 1) != 0 ? '1' : '0');
    }
    qt_buf_add_char(out, '"');
}

static void print_int(qt_printer *p, const qt_expr *e) {
    if (e->type == QT_TYPE_BOOL) {
        qt_buf_add_str(p->out, e->i != 0 ? "true" : "false");
        return;
    }
    if (e->type == QT_TYPE_BIT) {
        uint64_t word = (uint64_t)e->i;
        print_bits(p->out, &word, e->width);
        return;
    }
    qt_print_type(p->out, (qt_type)e->type, e->width);
    qt_buf_add_char(p->out, '(');
    if (e->type == QT_TYPE_INT) {
        qt_buf_add_i64(p->out, e->i);
    } else {
        qt_buf_add_u64(p->out, (uint64_t)e->i);
    }
    qt_buf_add_char(p->out, ')');
}

uint32_t qt_compared_expr(const qt_circuit *c, uint32_t expr) {
    const qt_expr *e = &c->exprs[expr];
    bool to_int = e->type == QT_TYPE_INT;
    if (e->kind != QT_EXPR_CAST || e->width != 64 || (!to_int && e->type != QT_TYPE_UINT)) {
        return expr;
    }
    const qt_expr *from = &c->exprs[e->u.a];
    bool is_signed = from->type == QT_TYPE_INT;
    bool same = to_int ? is_signed || from->width < 64 : !is_signed;
    bool integral = from->type <= QT_TYPE_UINT && from->width <= 64;
    return integral && same && from->kind != QT_EXPR_INT ? e->u.a : expr;
}

/* Next to more than 64 bits a number is written as bits. */
static void print_compared(qt_printer *p, uint32_t expr, uint32_t other) {
    const qt_expr *e = &p->c->exprs[qt_compared_expr(p->c, expr)];
    bool number = e->type == QT_TYPE_INT || e->type == QT_TYPE_UINT;
    if (e->kind == QT_EXPR_INT && number && p->c->exprs[other].width > 64) {
        uint64_t word = (uint64_t)e->i;
        print_bits(p->out, &word, 64);
        return;
    }
    if (e->kind == QT_EXPR_INT && number && e->width == 64 && e->i >= 0) {
        qt_buf_add_i64(p->out, e->i);
        return;
    }
    qt_print_expr(p, qt_compared_expr(p->c, expr));
}

static void print_binary(qt_printer *p, const qt_expr *e) {
    bool compares = e->op >= QT_OPERATOR_EQ;
    qt_buf_add_char(p->out, '(');
    if (compares) {
        print_compared(p, e->u.a, e->u.b);
    } else {
        qt_print_expr(p, e->u.a);
    }
    qt_buf_printf(p->out, " %s ", operator_texts[e->op]);
    if (compares) {
        print_compared(p, e->u.b, e->u.a);
    } else {
        qt_print_expr(p, e->u.b);
    }
    qt_buf_add_char(p->out, ')');
}

static void print_call(qt_printer *p, const qt_expr *e) {
    qt_buf_printf(p->out, "%s(", func_texts[e->op]);
    qt_print_expr(p, e->u.a);
    if (e->op == QT_FUNC_ROTL || e->op == QT_FUNC_ROTR) {
        qt_buf_add_str(p->out, ", ");
        qt_print_expr(p, e->u.b);
    }
    qt_buf_add_char(p->out, ')');
}

/* A register of one bit is that bit: so it reads back. */
static void print_register(qt_printer *p, uint32_t reg) {
    if (p->c->registers[reg].size == 1) {
        qt_print_clbit(p, p->c->registers[reg].first);
    } else {
        qt_buf_add_str(p->out, p->registers[reg]);
    }
}

static void print_indexed(qt_printer *p, uint32_t index) {
    qt_buf_add_char(p->out, '[');
    qt_print_expr(p, index);
    qt_buf_add_char(p->out, ']');
}

uint32_t qt_named_bit(const qt_circuit *c, const qt_expr *e) {
    const qt_expr *from = &c->exprs[e->u.a];
    const qt_expr *index = &c->exprs[e->u.b];
    bool fixed = e->kind == QT_EXPR_BIT_OF && from->kind == QT_EXPR_REG &&
                 index->kind == QT_EXPR_INT && index->i >= 0 &&
                 index->i < (int64_t)c->registers[from->u.a].size;
    return fixed ? c->registers[from->u.a].first + (uint32_t)index->i : QT_NO_INDEX;
}

static void print_bit_of(qt_printer *p, const qt_expr *e) {
    uint32_t bit = qt_named_bit(p->c, e);
    if (bit != QT_NO_INDEX) {
        qt_print_clbit(p, bit);
        return;
    }
    qt_buf_add_char(p->out, '(');
    qt_print_expr(p, e->u.a);
    qt_buf_add_char(p->out, ')');
    print_indexed(p, e->u.b);
}

void qt_print_expr(qt_printer *p, uint32_t expr) {
    const qt_expr *e = &p->c->exprs[expr];
    qt_buf *out = p->out;
    if (out->failed) {
        return; /* a buffer with a limit also ends what shares very many parts */
    }
    switch ((qt_expr_kind)e->kind) {
    case QT_EXPR_INT:
        print_int(p, e);
        return;
    case QT_EXPR_WIDE:
        print_bits(out, p->c->wide_words + e->u.a, e->width);
        return;
    case QT_EXPR_FLOAT:
        qt_buf_add_char(out, '('); /* it may be a product */
        qt_print_double(out, e->f);
        qt_buf_add_char(out, ')');
        return;
    case QT_EXPR_BIT:
        qt_print_clbit(p, e->u.a);
        return;
    case QT_EXPR_REG:
        print_register(p, e->u.a);
        return;
    case QT_EXPR_REG_AT:
        qt_buf_add_str(out, p->registers[e->u.a]);
        print_indexed(p, e->u.b);
        return;
    case QT_EXPR_VAR:
        qt_buf_add_str(out, p->variables[e->u.a]);
        return;
    case QT_EXPR_UNARY:
        qt_buf_printf(out, "%s(", operator_texts[e->op]);
        qt_print_expr(p, e->u.a);
        qt_buf_add_char(out, ')');
        return;
    case QT_EXPR_BINARY:
        print_binary(p, e);
        return;
    case QT_EXPR_CALL:
        print_call(p, e);
        return;
    case QT_EXPR_CAST:
        qt_print_type(out, (qt_type)e->type, e->width);
        qt_buf_add_char(out, '(');
        qt_print_expr(p, e->u.a);
        qt_buf_add_char(out, ')');
        return;
    case QT_EXPR_BIT_OF:
        print_bit_of(p, e);
        return;
    }
}
