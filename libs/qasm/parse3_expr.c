/* Expressions and types of OpenQASM 3. */
#include "qasm/parse3.h"

#include <string.h>

static qt_code new_expr(qasm3_parser *p, ast_expr_kind kind, const char *at, ast_expr **ret_expr) {
    ast_expr *e = qasm3_node(p, sizeof *e);
    if (e == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    e->kind = (uint8_t)kind;
    e->at = at;
    *ret_expr = e;
    return QT_OK;
}

qt_code qasm3_push(qasm3_parser *p, ast_list *list, void *item) {
    if (list->count == list->cap) {
        uint32_t cap = list->cap == 0 ? 4 : list->cap * 2;
        void **items = qasm3_node(p, cap * sizeof *items);
        if (items == NULL) {
            return QT_RESOURCE_EXHAUSTED;
        }
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof *items);
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = item;
    return QT_OK;
}

qt_code qasm3_expr_list(qasm3_parser *p, uint8_t close, ast_list *list) {
    while (!qasm3_at(p, close)) {
        ast_expr *e = NULL;
        QT_TRY(qasm3_expr(p, &e));
        QT_TRY(qasm3_push(p, list, e));
        if (!qasm3_at(p, ',')) {
            break;
        }
        QT_TRY(qasm3_advance(p));
    }
    return qasm3_expect(p, close);
}

static qt_code name_or_call(qasm3_parser *p, ast_expr **ret_expr) {
    ast_expr *e = NULL;
    QT_TRY(new_expr(p, EXPR_NAME, p->tok.start, &e));
    e->name = p->tok.value.name;
    QT_TRY(qasm3_advance(p));
    if (qasm3_at(p, '(')) {
        ast_list list = {0};
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_expr_list(p, ')', &list));
        e->kind = EXPR_CALL;
        e->list = (ast_expr **)list.items;
        e->count = list.count;
    }
    *ret_expr = e;
    return QT_OK;
}

static qt_code cast(qasm3_parser *p, ast_expr **ret_expr) {
    ast_expr *e = NULL;
    QT_TRY(new_expr(p, EXPR_CAST, p->tok.start, &e));
    QT_TRY(qasm3_type(p, &e->type));
    QT_TRY(qasm3_expect(p, '('));
    QT_TRY(qasm3_expr(p, &e->a));
    *ret_expr = e;
    return qasm3_expect(p, ')');
}

/* durationof({ ... }): how long gates take is not known here. */
static qt_code duration_of(qasm3_parser *p, ast_expr **ret_expr) {
    ast_block block = {0};
    QT_TRY(new_expr(p, EXPR_DURATION_OF, p->tok.start, ret_expr));
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_expect(p, '('));
    QT_TRY(qasm3_block(p, &block));
    return qasm3_expect(p, ')');
}

static qt_code keyword_value(qasm3_parser *p, ast_expr **ret_expr) {
    const char *at = p->tok.start;
    qasm3_keyword keyword = qasm3_at_keyword(p);
    if (qasm3_at_type(p)) {
        return cast(p, ret_expr);
    }
    if (keyword == KW3_DURATIONOF) {
        return duration_of(p, ret_expr);
    }
    if (keyword == KW3_POW) {
        return name_or_call(p, ret_expr);
    }
    if (keyword != KW3_TRUE && keyword != KW3_FALSE) {
        return qasm3_expected(p, "an expression");
    }
    QT_TRY(new_expr(p, EXPR_BOOL, at, ret_expr));
    (*ret_expr)->i = keyword == KW3_TRUE ? 1 : 0;
    return qasm3_advance(p);
}

static qt_code literal(qasm3_parser *p, ast_expr_kind kind, ast_expr **ret_expr) {
    const qasm_token *t = &p->tok;
    ast_expr *e = NULL;
    QT_TRY(new_expr(p, kind, t->start, &e));
    if (kind == EXPR_INT || kind == EXPR_HARDWARE) {
        e->i = t->value.i;
        e->big = t->big;
        e->text = t->start;
        if (t->big) {
            e->len = (size_t)(t->end - t->start);
        }
    } else if (kind == EXPR_BITS || kind == EXPR_TIME) {
        e->text = t->start;
        e->len = (size_t)(t->end - t->start);
        e->at -= kind == EXPR_BITS ? 1 : 0;
    } else {
        e->f = t->value.f;
    }
    *ret_expr = e;
    return qasm3_advance(p);
}

static qt_code primary(qasm3_parser *p, ast_expr **ret_expr) {
    switch (p->tok.kind) {
    case TOK_INT:
        return literal(p, EXPR_INT, ret_expr);
    case TOK_REAL:
        return literal(p, EXPR_REAL, ret_expr);
    case TOK_IMAGINARY:
        return literal(p, EXPR_IMAG, ret_expr);
    case TOK_BITS:
        return literal(p, EXPR_BITS, ret_expr);
    case TOK_TIME:
        return literal(p, EXPR_TIME, ret_expr);
    case TOK_HARDWARE:
        return literal(p, EXPR_HARDWARE, ret_expr);
    case '(':
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_expr(p, ret_expr));
        return qasm3_expect(p, ')');
    case TOK_ID:
        return qasm3_at_name(p) ? name_or_call(p, ret_expr) : keyword_value(p, ret_expr);
    default:
        return qasm3_expected(p, "an expression");
    }
}

qt_code qasm3_set(qasm3_parser *p, ast_expr **ret_expr) {
    ast_list list = {0};
    QT_TRY(new_expr(p, EXPR_SET, p->tok.start, ret_expr));
    QT_TRY(qasm3_expect(p, '{'));
    QT_TRY(qasm3_expr_list(p, '}', &list));
    (*ret_expr)->list = (ast_expr **)list.items;
    (*ret_expr)->count = list.count;
    return QT_OK;
}

static bool ends_range_part(const qasm3_parser *p) {
    return qasm3_at(p, ':') || qasm3_at(p, ']') || qasm3_at(p, ',');
}

qt_code qasm3_range_or_expr(qasm3_parser *p, ast_expr **ret_expr) {
    ast_expr *first = NULL;
    ast_expr *second = NULL;
    const char *at = p->tok.start;
    if (!qasm3_at(p, ':')) {
        QT_TRY(qasm3_expr(p, &first));
    }
    if (!qasm3_at(p, ':')) {
        *ret_expr = first;
        return QT_OK;
    }
    ast_expr *e = NULL;
    QT_TRY(new_expr(p, EXPR_RANGE, at, &e));
    e->a = first;
    QT_TRY(qasm3_advance(p));
    if (!ends_range_part(p)) {
        QT_TRY(qasm3_expr(p, &second));
    }
    e->c = second;
    if (qasm3_at(p, ':')) {
        e->b = second;
        e->c = NULL;
        if (second == NULL) {
            return qasm3_expected(p, "a step");
        }
        QT_TRY(qasm3_advance(p));
        if (!ends_range_part(p)) {
            QT_TRY(qasm3_expr(p, &e->c));
        }
    }
    *ret_expr = e;
    return QT_OK;
}

static qt_code index_list(qasm3_parser *p, ast_list *list) {
    if (qasm3_at(p, '{')) {
        ast_expr *set = NULL;
        QT_TRY(qasm3_set(p, &set));
        return qasm3_push(p, list, set);
    }
    for (;;) {
        ast_expr *item = NULL;
        QT_TRY(qasm3_range_or_expr(p, &item));
        QT_TRY(qasm3_push(p, list, item));
        if (!qasm3_at(p, ',')) {
            return QT_OK;
        }
        QT_TRY(qasm3_advance(p));
        if (qasm3_at(p, ']')) {
            return QT_OK; /* behind a trailing comma */
        }
    }
}

/* Any number of [...] behind an expression. */
static qt_code postfix(qasm3_parser *p, ast_expr **expr) {
    size_t count = 0;
    while (qasm3_at(p, '[')) {
        ast_expr *e = NULL;
        ast_list list = {0};
        if (++count > p->ctx->options.max_nesting) {
            return qasm_too_large(p->ctx, p->tok.start, "too many indices");
        }
        QT_TRY(new_expr(p, EXPR_INDEX, p->tok.start, &e));
        QT_TRY(qasm3_advance(p));
        QT_TRY(index_list(p, &list));
        QT_TRY(qasm3_expect(p, ']'));
        e->a = *expr;
        e->list = (ast_expr **)list.items;
        e->count = list.count;
        *expr = e;
    }
    return QT_OK;
}

static qt_code unary(qasm3_parser *p, ast_expr **ret_expr);

static qt_code power(qasm3_parser *p, ast_expr **ret_expr) {
    QT_TRY(primary(p, ret_expr));
    QT_TRY(postfix(p, ret_expr));
    if (!qasm3_at(p, TOK_POW)) {
        return QT_OK;
    }
    ast_expr *e = NULL;
    QT_TRY(new_expr(p, EXPR_BINARY, p->tok.start, &e));
    e->op = QT_OPERATOR_POW;
    e->a = *ret_expr;
    QT_TRY(qasm3_advance(p));
    QT_TRY(unary(p, &e->b));
    *ret_expr = e;
    return QT_OK;
}

static qt_code unary(qasm3_parser *p, ast_expr **ret_expr) {
    QT_TRY(qasm3_deeper(p));
    uint8_t kind = p->tok.kind;
    if (kind == '-' || kind == '~' || kind == '!') {
        ast_expr *e = NULL;
        QT_TRY(new_expr(p, EXPR_UNARY, p->tok.start, &e));
        e->op = kind == '-' ? QT_OPERATOR_NEG : kind == '~' ? QT_OPERATOR_BIT_NOT : QT_OPERATOR_NOT;
        QT_TRY(qasm3_advance(p));
        QT_TRY(unary(p, &e->a));
        *ret_expr = e;
    } else {
        QT_TRY(power(p, ret_expr));
    }
    p->depth--;
    return QT_OK;
}

typedef struct binary_operator {
    uint8_t token;
    uint8_t op;
    uint8_t level; /* higher binds more tightly */
} binary_operator;

enum { LEVEL_CONCAT = 20, OP_CONCAT = 254 };

static const binary_operator binary_operators[] = {
    {TOK_OR, QT_OPERATOR_OR, 1},
    {TOK_AND, QT_OPERATOR_AND, 2},
    {'|', QT_OPERATOR_BIT_OR, 3},
    {'^', QT_OPERATOR_BIT_XOR, 4},
    {'&', QT_OPERATOR_BIT_AND, 5},
    {TOK_EQ, QT_OPERATOR_EQ, 6},
    {TOK_NE, QT_OPERATOR_NE, 6},
    {'<', QT_OPERATOR_LT, 7},
    {TOK_LE, QT_OPERATOR_LE, 7},
    {'>', QT_OPERATOR_GT, 7},
    {TOK_GE, QT_OPERATOR_GE, 7},
    {TOK_SHL, QT_OPERATOR_SHL, 8},
    {TOK_SHR, QT_OPERATOR_SHR, 8},
    {'+', QT_OPERATOR_ADD, 9},
    {'-', QT_OPERATOR_SUB, 9},
    {'*', QT_OPERATOR_MUL, 10},
    {'/', QT_OPERATOR_DIV, 10},
    {'%', QT_OPERATOR_MOD, 10},
    {TOK_CONCAT, OP_CONCAT, LEVEL_CONCAT},
};

static const binary_operator *find_operator(uint8_t token) {
    for (size_t i = 0; i < sizeof binary_operators / sizeof *binary_operators; i++) {
        if (binary_operators[i].token == token) {
            return &binary_operators[i];
        }
    }
    return NULL;
}

static qt_code binary(qasm3_parser *p, unsigned level, ast_expr **ret_expr) {
    QT_TRY(unary(p, ret_expr));
    size_t chain = 0;
    for (;;) {
        const binary_operator *op = find_operator(p->tok.kind);
        if (op == NULL || op->level < level) {
            return QT_OK;
        }
        /* A chain grows the tree to the left: its depth counts too. */
        if (++chain > 2 * p->ctx->options.max_nesting) {
            return qasm_too_large(p->ctx, p->tok.start, "the expression is too long");
        }
        ast_expr *e = NULL;
        QT_TRY(new_expr(p, op->op == OP_CONCAT ? EXPR_CONCAT : EXPR_BINARY, p->tok.start, &e));
        e->op = op->op;
        e->a = *ret_expr;
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_deeper(p));
        QT_TRY(binary(p, op->level + 1U, &e->b));
        p->depth--;
        *ret_expr = e;
    }
}

qt_code qasm3_expr(qasm3_parser *p, ast_expr **ret_expr) {
    return binary(p, 1, ret_expr);
}

static qt_code array_literal(qasm3_parser *p, ast_expr **ret_expr) {
    ast_expr *e = NULL;
    ast_list list = {0};
    QT_TRY(qasm3_deeper(p));
    QT_TRY(new_expr(p, EXPR_LIST, p->tok.start, &e));
    QT_TRY(qasm3_expect(p, '{'));
    while (!qasm3_at(p, '}')) {
        ast_expr *item = NULL;
        QT_TRY(qasm3_at(p, '{') ? array_literal(p, &item) : qasm3_expr(p, &item));
        QT_TRY(qasm3_push(p, &list, item));
        if (!qasm3_at(p, ',')) {
            break;
        }
        QT_TRY(qasm3_advance(p));
    }
    e->list = (ast_expr **)list.items;
    e->count = list.count;
    *ret_expr = e;
    p->depth--;
    return qasm3_expect(p, '}');
}

qt_code qasm3_initializer(qasm3_parser *p, ast_expr **ret_expr) {
    if (qasm3_at(p, '{')) {
        return array_literal(p, ret_expr);
    }
    if (qasm3_at_keyword(p) != KW3_MEASURE) {
        bool word = p->tok.kind == TOK_ID && p->tok.value.name->meaning == MEANING_NONE;
        p->suspect = word ? p->tok.value.name : p->suspect;
        p->suspect_at = word ? p->tok.start : p->suspect_at;
        return qasm3_expr(p, ret_expr);
    }
    ast_expr *e = NULL;
    QT_TRY(new_expr(p, EXPR_MEASURE, p->tok.start, &e));
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_operand(p, &e->a));
    *ret_expr = e;
    return QT_OK;
}

qt_code qasm3_operand(qasm3_parser *p, ast_expr **ret_expr) {
    if (qasm3_at(p, TOK_HARDWARE)) {
        return literal(p, EXPR_HARDWARE, ret_expr);
    }
    if (!qasm3_at_name(p)) {
        return qasm3_expected(p, "a qubit");
    }
    QT_TRY(new_expr(p, EXPR_NAME, p->tok.start, ret_expr));
    (*ret_expr)->name = p->tok.value.name;
    QT_TRY(qasm3_advance(p));
    return postfix(p, ret_expr);
}

bool qasm3_at_type(const qasm3_parser *p) {
    qasm3_keyword keyword = qasm3_at_keyword(p);
    return keyword >= KW3_BOOL && keyword <= KW3_STRETCH && keyword != KW3_VOID;
}

static qt_code array_type(qasm3_parser *p, ast_type *t) {
    ast_list dims = {0};
    t->kind = TYPE_ARRAY;
    QT_TRY(qasm3_expect(p, '['));
    QT_TRY(qasm3_type(p, &t->base));
    QT_TRY(qasm3_expect(p, ','));
    if (qasm3_at(p, '#')) {
        QT_TRY(qasm3_advance(p));
        if (!qasm3_at_name(p) || strcmp(p->tok.value.name->text, "dim") != 0) {
            return qasm3_expected(p, "'dim'");
        }
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_expect(p, '='));
        t->any_dims = true;
        QT_TRY(qasm3_expr(p, &t->rank));
        return qasm3_expect(p, ']');
    }
    QT_TRY(qasm3_expr_list(p, ']', &dims));
    t->dims = (ast_expr **)dims.items;
    t->dim_count = dims.count;
    return QT_OK;
}

static qt_code complex_type(qasm3_parser *p, ast_type *t) {
    t->kind = TYPE_COMPLEX;
    if (!qasm3_at(p, '[')) {
        return QT_OK;
    }
    QT_TRY(qasm3_advance(p));
    if (qasm3_at_keyword(p) != KW3_FLOAT) {
        return qasm3_expected(p, "'float'");
    }
    QT_TRY(qasm3_type(p, &t->base));
    return qasm3_expect(p, ']');
}

qt_code qasm3_type(qasm3_parser *p, ast_type **ret_type) {
    static const uint8_t kinds[] = {
        [KW3_BOOL] = TYPE_BOOL,         [KW3_BIT] = TYPE_BIT,        [KW3_INT] = TYPE_INT,
        [KW3_UINT] = TYPE_UINT,         [KW3_FLOAT] = TYPE_FLOAT,    [KW3_ANGLE] = TYPE_ANGLE,
        [KW3_DURATION] = TYPE_DURATION, [KW3_STRETCH] = TYPE_STRETCH};
    if (!qasm3_at_type(p)) {
        return qasm3_expected(p, "a type");
    }
    qasm3_keyword keyword = qasm3_at_keyword(p);
    ast_type *t = qasm3_node(p, sizeof *t);
    if (t == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    t->at = p->tok.start;
    *ret_type = t;
    QT_TRY(qasm3_deeper(p));
    QT_TRY(qasm3_advance(p));
    p->depth--;
    if (keyword == KW3_ARRAY) {
        return array_type(p, t);
    }
    if (keyword == KW3_COMPLEX) {
        return complex_type(p, t);
    }
    t->kind = kinds[keyword];
    bool sized = t->kind >= TYPE_BIT && t->kind <= TYPE_ANGLE;
    if (sized && qasm3_at(p, '[')) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_expr(p, &t->size));
        return qasm3_expect(p, ']');
    }
    return QT_OK;
}
