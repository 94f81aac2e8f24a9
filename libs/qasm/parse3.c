/* Statements of OpenQASM 3. */
#include "qasm/parse3.h"

#include <string.h>

static const char *const keyword_texts[] = {
    [KW3_OPENQASM] = "OPENQASM",
    [KW3_INCLUDE] = "include",
    [KW3_DEFCALGRAMMAR] = "defcalgrammar",
    [KW3_DEF] = "def",
    [KW3_CAL] = "cal",
    [KW3_DEFCAL] = "defcal",
    [KW3_GATE] = "gate",
    [KW3_EXTERN] = "extern",
    [KW3_BOX] = "box",
    [KW3_LET] = "let",
    [KW3_BREAK] = "break",
    [KW3_CONTINUE] = "continue",
    [KW3_IF] = "if",
    [KW3_ELSE] = "else",
    [KW3_END] = "end",
    [KW3_RETURN] = "return",
    [KW3_FOR] = "for",
    [KW3_WHILE] = "while",
    [KW3_IN] = "in",
    [KW3_SWITCH] = "switch",
    [KW3_CASE] = "case",
    [KW3_DEFAULT] = "default",
    [KW3_PRAGMA] = "pragma",
    [KW3_INPUT] = "input",
    [KW3_OUTPUT] = "output",
    [KW3_CONST] = "const",
    [KW3_READONLY] = "readonly",
    [KW3_MUTABLE] = "mutable",
    [KW3_QREG] = "qreg",
    [KW3_QUBIT] = "qubit",
    [KW3_CREG] = "creg",
    [KW3_BOOL] = "bool",
    [KW3_BIT] = "bit",
    [KW3_INT] = "int",
    [KW3_UINT] = "uint",
    [KW3_FLOAT] = "float",
    [KW3_ANGLE] = "angle",
    [KW3_COMPLEX] = "complex",
    [KW3_ARRAY] = "array",
    [KW3_VOID] = "void",
    [KW3_DURATION] = "duration",
    [KW3_STRETCH] = "stretch",
    [KW3_GPHASE] = "gphase",
    [KW3_INV] = "inv",
    [KW3_POW] = "pow",
    [KW3_CTRL] = "ctrl",
    [KW3_NEGCTRL] = "negctrl",
    [KW3_DURATIONOF] = "durationof",
    [KW3_DELAY] = "delay",
    [KW3_RESET] = "reset",
    [KW3_MEASURE] = "measure",
    [KW3_BARRIER] = "barrier",
    [KW3_NOP] = "nop",
    [KW3_TRUE] = "true",
    [KW3_FALSE] = "false",
};

/* Statements start with these. */
static bool is_head_keyword(qasm3_keyword keyword) {
    switch ((int)keyword) {
    case KW3_IN:
    case KW3_CASE:
    case KW3_DEFAULT:
    case KW3_READONLY:
    case KW3_MUTABLE:
    case KW3_VOID:
    case KW3_POW: /* also a function */
    case KW3_DURATIONOF:
    case KW3_TRUE:
    case KW3_FALSE:
        return false;
    default:
        return true;
    }
}

static qt_code add_keywords(qasm_context *ctx) {
    for (size_t i = KW3_OPENQASM; i < sizeof keyword_texts / sizeof *keyword_texts; i++) {
        qasm_name *name = qasm_names_add(&ctx->names, &ctx->arena, keyword_texts[i]);
        if (name == NULL) {
            return qasm_no_memory(ctx);
        }
        name->meaning = MEANING_KEYWORD;
        name->index = (uint32_t)i;
        name->head = is_head_keyword((qasm3_keyword)i);
    }
    return QT_OK;
}

qt_code qasm3_parser_init(qasm3_parser *p, qasm_context *ctx) {
    *p = (qasm3_parser){.ctx = ctx, .minor = 1};
    qt_arena_init(&p->scratch, ctx->options.limits.max_bytes);
    p->arena = &p->scratch;
    qasm_lexer_init(&p->lexer, ctx, true);
    return add_keywords(ctx);
}

void qasm3_parser_done(qasm3_parser *p) {
    qt_arena_done(&p->scratch);
}

void *qasm3_node(qasm3_parser *p, size_t size) {
    void *node = qt_arena_alloc(p->arena, size);
    if (node == NULL) {
        (void)qasm_no_memory(p->ctx);
        return NULL;
    }
    return memset(node, 0, size);
}

qt_code qasm3_advance(qasm3_parser *p) {
    qt_code code = qasm_lex(&p->lexer, &p->tok);
    if (code != QT_OK) {
        p->tok.kind = TOK_BAD;
    }
    return code;
}

qasm3_keyword qasm3_at_keyword(const qasm3_parser *p) {
    bool keyword = p->tok.kind == TOK_ID && p->tok.value.name->meaning == MEANING_KEYWORD;
    return keyword ? (qasm3_keyword)p->tok.value.name->index : KW3_NONE;
}

bool qasm3_at_name(const qasm3_parser *p) {
    return p->tok.kind == TOK_ID && p->tok.value.name->meaning != MEANING_KEYWORD;
}

static bool is_head(const qasm_name *name) {
    return name->head;
}

qt_code qasm3_expected(qasm3_parser *p, const char *what) {
    qasm_name *word = p->suspect;
    p->suspect = NULL;
    if (word != NULL && p->tok.kind != TOK_BAD &&
        qasm_names_similar(&p->ctx->names, word->text, word->len, is_head) != NULL) {
        return qasm_unknown(p->ctx, p->suspect_at, "the word", word, is_head);
    }
    return qasm_lexer_expected(&p->lexer, &p->tok, what);
}

qt_code qasm3_expect(qasm3_parser *p, uint8_t kind) {
    if (p->tok.kind == kind) {
        return qasm3_advance(p);
    }
    qt_code code = qasm3_expected(p, qasm_token_name(kind));
    bool whole = kind == ';' && qasm_lexer_ends_statement(&p->lexer, &p->tok, p->blocks > 0) &&
                 !p->ctx->fatal;
    return whole ? QT_OK : code; /* reported; the statement counts */
}

qt_code qasm3_deeper(qasm3_parser *p) {
    if (++p->depth > p->ctx->options.max_nesting) {
        return qasm_too_large(p->ctx, p->tok.start, "the program is nested more than %zu deep",
                              p->ctx->options.max_nesting);
    }
    return QT_OK;
}

qt_code qasm3_new_stmt(qasm3_parser *p, ast_stmt_kind kind, ast_stmt **ret_stmt) {
    ast_stmt *s = qasm3_node(p, sizeof *s);
    if (s == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    s->kind = (uint8_t)kind;
    s->op = NO_OP;
    s->at = p->tok.start;
    *ret_stmt = s;
    return QT_OK;
}

/* One statement of a block; after an error in it the parser stands behind it, and *failed. */
static qt_code block_statement(qasm3_parser *p, ast_list *list, bool *failed) {
    ast_stmt *s = NULL;
    const char *start = p->tok.start;
    size_t depth = p->depth;
    size_t blocks = p->blocks;
    qt_code code = qasm3_statement(p, &s);
    if (code == QT_OK) {
        return qasm3_push(p, list, s);
    }
    *failed = true;
    p->depth = depth;
    p->blocks = blocks;
    if (!p->ctx->fatal) {
        qasm3_recover(p, start, true);
    }
    return p->ctx->fatal ? code : QT_OK;
}

qt_code qasm3_block(qasm3_parser *p, ast_block *ret_block) {
    ast_list list = {0};
    qt_code open = qasm3_expect(p, '{');
    bool failed = open != QT_OK;
    if (failed && (p->ctx->fatal || !qasm_lexer_on_new_line(&p->lexer, &p->tok))) {
        return open; /* else only the '{' is missing */
    }
    p->blocks++;
    while (!qasm3_at(p, '}')) {
        if (qasm3_at(p, TOK_END)) {
            return failed ? QT_INVALID_ARGUMENT : qasm3_expected(p, "'}'");
        }
        QT_TRY(block_statement(p, &list, &failed));
    }
    ret_block->items = (ast_stmt **)list.items;
    ret_block->count = list.count;
    p->blocks--;
    QT_TRY(qasm3_advance(p));
    p->recovered = failed;
    return failed ? QT_INVALID_ARGUMENT : QT_OK;
}

static qt_code operand_list(qasm3_parser *p, ast_stmt *s) {
    ast_list list = {0};
    for (;;) {
        ast_expr *e = NULL;
        QT_TRY(qasm3_operand(p, &e));
        QT_TRY(qasm3_push(p, &list, e));
        if (!qasm3_at(p, ',')) {
            break;
        }
        QT_TRY(qasm3_advance(p));
        if (qasm3_at(p, ';')) {
            break; /* behind a trailing comma */
        }
    }
    s->operands = (ast_expr **)list.items;
    s->operand_count = list.count;
    return QT_OK;
}

static qt_code modifier(qasm3_parser *p, qasm3_keyword keyword, ast_modifier **ret_modifier) {
    ast_modifier *m = qasm3_node(p, sizeof *m);
    if (m == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    *ret_modifier = m;
    m->at = p->tok.start;
    m->kind = keyword == KW3_CTRL      ? MODIFIER_CTRL
              : keyword == KW3_NEGCTRL ? MODIFIER_NEGCTRL
                                       : MODIFIER_POW;
    QT_TRY(qasm3_advance(p));
    if (keyword != KW3_INV && qasm3_at(p, '(')) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_expr(p, &m->arg));
        QT_TRY(qasm3_expect(p, ')'));
    } else if (keyword == KW3_POW) {
        return qasm3_expected(p, "'('");
    }
    return qasm3_expect(p, '@');
}

static qt_code modifiers(qasm3_parser *p, ast_stmt *s) {
    ast_list list = {0};
    for (;;) {
        qasm3_keyword keyword = qasm3_at_keyword(p);
        ast_modifier *m = NULL;
        if (keyword < KW3_INV || keyword > KW3_NEGCTRL) {
            break;
        }
        QT_TRY(modifier(p, keyword, &m));
        QT_TRY(qasm3_push(p, &list, m));
    }
    s->modifiers = qasm3_node(p, (list.count + 1) * sizeof *s->modifiers);
    if (s->modifiers == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        s->modifiers[i] = *(ast_modifier *)list.items[i];
    }
    s->modifier_count = list.count;
    return QT_OK;
}

/* Behind the name and the parameters. */
static qt_code gate_call(qasm3_parser *p, ast_stmt *s) {
    if (qasm3_at(p, '[')) {
        QT_TRY(qasm3_advance(p)); /* how long it takes */
        QT_TRY(qasm3_expr(p, &s->expr));
        QT_TRY(qasm3_expect(p, ']'));
    }
    if (!qasm3_at(p, ';')) {
        QT_TRY(operand_list(p, s));
    }
    return qasm3_expect(p, ';');
}

static qt_code params(qasm3_parser *p, ast_stmt *s) {
    ast_list list = {0};
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_expr_list(p, ')', &list));
    s->params = (ast_expr **)list.items;
    s->param_count = list.count;
    return QT_OK;
}

static qt_code modified_gate(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_GATE, &s));
    *ret_stmt = s;
    QT_TRY(modifiers(p, s));
    bool gphase = qasm3_at_keyword(p) == KW3_GPHASE;
    if (!qasm3_at_name(p) && !gphase) {
        return qasm3_expected(p, "a gate");
    }
    s->name = p->tok.value.name;
    s->name_at = p->tok.start;
    QT_TRY(qasm3_advance(p));
    if (qasm3_at(p, '(')) {
        QT_TRY(params(p, s));
    }
    return gate_call(p, s);
}

static uint8_t assign_operator(uint8_t token) {
    static const uint8_t ops[] = {
        [TOK_ASSIGN_ADD - TOK_ASSIGN_ADD] = QT_OPERATOR_ADD,
        [TOK_ASSIGN_SUB - TOK_ASSIGN_ADD] = QT_OPERATOR_SUB,
        [TOK_ASSIGN_MUL - TOK_ASSIGN_ADD] = QT_OPERATOR_MUL,
        [TOK_ASSIGN_DIV - TOK_ASSIGN_ADD] = QT_OPERATOR_DIV,
        [TOK_ASSIGN_AND - TOK_ASSIGN_ADD] = QT_OPERATOR_BIT_AND,
        [TOK_ASSIGN_OR - TOK_ASSIGN_ADD] = QT_OPERATOR_BIT_OR,
        [TOK_ASSIGN_NOT - TOK_ASSIGN_ADD] = QT_OPERATOR_BIT_NOT,
        [TOK_ASSIGN_XOR - TOK_ASSIGN_ADD] = QT_OPERATOR_BIT_XOR,
        [TOK_ASSIGN_SHL - TOK_ASSIGN_ADD] = QT_OPERATOR_SHL,
        [TOK_ASSIGN_SHR - TOK_ASSIGN_ADD] = QT_OPERATOR_SHR,
        [TOK_ASSIGN_MOD - TOK_ASSIGN_ADD] = QT_OPERATOR_MOD,
        [TOK_ASSIGN_POW - TOK_ASSIGN_ADD] = QT_OPERATOR_POW,
    };
    return token >= TOK_ASSIGN_ADD && token <= TOK_ASSIGN_POW ? ops[token - TOK_ASSIGN_ADD] : NO_OP;
}

/* The start is a target when an assignment follows, else an expression. */
static qt_code assignment_or_expr(qasm3_parser *p, ast_stmt *s) {
    uint8_t op = assign_operator(p->tok.kind);
    if (op == NO_OP && !qasm3_at(p, '=')) {
        s->kind = STMT_EXPR;
        s->expr = s->target;
        return qasm3_expect(p, ';');
    }
    s->kind = STMT_ASSIGN;
    s->op = op;
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_initializer(p, &s->expr));
    return qasm3_expect(p, ';');
}

/* A statement that starts with a name: a gate, an assignment or a call. */
static qt_code name_statement(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_GATE, &s));
    *ret_stmt = s;
    s->name = p->tok.value.name;
    s->name_at = p->tok.start;
    p->suspect = s->name->meaning == MEANING_NONE ? s->name : NULL;
    p->suspect_at = s->name_at;
    QT_TRY(qasm3_expr(p, &s->target));
    const ast_expr *callee = s->target;
    if (callee->kind == EXPR_INDEX && callee->count == 1) { /* g[100ns] q; */
        s->expr = callee->list[0];
        callee = callee->a;
    }
    bool bare = callee->kind == EXPR_NAME;
    bool call = callee->kind == EXPR_CALL;
    if ((bare || call) && (qasm3_at(p, TOK_ID) || qasm3_at(p, TOK_HARDWARE))) {
        s->params = call ? callee->list : NULL;
        s->param_count = call ? callee->count : 0;
        s->target = NULL;
        return gate_call(p, s);
    }
    s->expr = NULL;
    return assignment_or_expr(p, s);
}

static qt_code measure(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_MEASURE, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_operand(p, &s->expr));
    if (qasm3_at(p, TOK_ARROW)) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_operand(p, &s->target));
    }
    return qasm3_expect(p, ';');
}

static qt_code delay(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_DELAY, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    QT_TRY(qasm3_expect(p, '['));
    s->text = p->tok.start;
    QT_TRY(qasm3_expr(p, &s->expr));
    s->len = (size_t)(p->lexer.last_end - s->text);
    QT_TRY(qasm3_expect(p, ']'));
    if (!qasm3_at(p, ';')) {
        QT_TRY(operand_list(p, s));
    }
    return qasm3_expect(p, ';');
}

static qt_code box(qasm3_parser *p, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, STMT_BOX, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    if (qasm3_at(p, '[')) {
        QT_TRY(qasm3_advance(p));
        QT_TRY(qasm3_expr(p, &s->expr));
        QT_TRY(qasm3_expect(p, ']'));
    }
    return qasm3_block(p, &s->body);
}

static qt_code note(qasm3_parser *p, ast_stmt **ret_stmt) {
    QT_TRY(qasm3_new_stmt(p, STMT_NOTE, ret_stmt));
    qasm_lex_line(&p->lexer, &p->tok);
    (*ret_stmt)->text = p->tok.start;
    (*ret_stmt)->len = (size_t)(p->tok.end - p->tok.start);
    return qasm3_advance(p);
}

static qt_code hash_line(qasm3_parser *p, ast_stmt **ret_stmt) {
    const char *word = p->tok.end;
    if (p->lexer.end - word < 6 || memcmp(word, "pragma", 6) != 0) {
        return qasm_lexer_no_statement(&p->lexer, &p->tok);
    }
    return note(p, ret_stmt);
}

/* A keyword with optional operands. */
static qt_code simple(qasm3_parser *p, ast_stmt_kind kind, ast_stmt **ret_stmt) {
    ast_stmt *s = NULL;
    QT_TRY(qasm3_new_stmt(p, kind, &s));
    *ret_stmt = s;
    QT_TRY(qasm3_advance(p));
    if (kind == STMT_RESET) {
        QT_TRY(qasm3_operand(p, &s->expr));
    } else if (kind == STMT_RETURN && !qasm3_at(p, ';')) {
        QT_TRY(qasm3_initializer(p, &s->expr));
    } else if ((kind == STMT_BARRIER || kind == STMT_NOP) && !qasm3_at(p, ';')) {
        QT_TRY(operand_list(p, s));
    }
    return qasm3_expect(p, ';');
}

static qt_code scope(qasm3_parser *p, ast_stmt **ret_stmt) {
    QT_TRY(qasm3_new_stmt(p, STMT_SCOPE, ret_stmt));
    return qasm3_block(p, &(*ret_stmt)->body);
}

static qt_code no_keyword(qasm3_parser *p, ast_stmt **ret_stmt) {
    switch (p->tok.kind) {
    case TOK_ID:
        return name_statement(p, ret_stmt);
    case ';':
        return qasm_syntax(p->ctx, p->tok.start, "OpenQASM 3 has no empty statement");
    case TOK_INT:
    case TOK_REAL:
    case TOK_IMAGINARY:
    case TOK_BITS:
    case TOK_TIME:
    case '(':
    case '-':
    case '~':
    case '!':
        QT_TRY(qasm3_new_stmt(p, STMT_EXPR, ret_stmt));
        QT_TRY(qasm3_expr(p, &(*ret_stmt)->expr));
        return qasm3_expect(p, ';');
    case '{':
        return scope(p, ret_stmt);
    case '@':
        return note(p, ret_stmt);
    case '#':
        return hash_line(p, ret_stmt);
    default:
        return qasm_lexer_no_statement(&p->lexer, &p->tok);
    }
}

static qt_code pulse_level(qasm3_parser *p, const char *what) {
    return qasm_unsupported(p->ctx, p->tok.start, "%s: the pulse level is not supported", what);
}

static qt_code keyword_statement(qasm3_parser *p, qasm3_keyword keyword, ast_stmt **ret_stmt) {
    switch ((int)keyword) {
    case KW3_NONE:
        return no_keyword(p, ret_stmt);
    case KW3_IF:
        return qasm3_if(p, ret_stmt);
    case KW3_FOR:
        return qasm3_for(p, ret_stmt);
    case KW3_WHILE:
        return qasm3_while(p, ret_stmt);
    case KW3_SWITCH:
        return qasm3_switch(p, ret_stmt);
    case KW3_BREAK:
        return simple(p, STMT_BREAK, ret_stmt);
    case KW3_CONTINUE:
        return simple(p, STMT_CONTINUE, ret_stmt);
    case KW3_END:
        return simple(p, STMT_END, ret_stmt);
    case KW3_RETURN:
        return simple(p, STMT_RETURN, ret_stmt);
    case KW3_RESET:
        return simple(p, STMT_RESET, ret_stmt);
    case KW3_BARRIER:
        return simple(p, STMT_BARRIER, ret_stmt);
    case KW3_NOP:
        return simple(p, STMT_NOP, ret_stmt);
    case KW3_MEASURE:
        return measure(p, ret_stmt);
    case KW3_DELAY:
        return delay(p, ret_stmt);
    case KW3_BOX:
        return box(p, ret_stmt);
    case KW3_PRAGMA:
        return note(p, ret_stmt);
    case KW3_GPHASE:
    case KW3_INV:
    case KW3_POW:
    case KW3_CTRL:
    case KW3_NEGCTRL:
        return modified_gate(p, ret_stmt);
    case KW3_CAL:
        return pulse_level(p, "cal");
    case KW3_DEFCAL:
        return pulse_level(p, "defcal");
    case KW3_DEFCALGRAMMAR:
        return pulse_level(p, "defcalgrammar");
    case KW3_CONST:
    case KW3_INPUT:
    case KW3_OUTPUT:
    case KW3_QUBIT:
    case KW3_QREG:
    case KW3_CREG:
    case KW3_LET:
    case KW3_GATE:
    case KW3_DEF:
    case KW3_EXTERN:
        return qasm3_declaration(p, keyword, ret_stmt);
    default:
        return qasm3_at_type(p) ? qasm3_declaration(p, keyword, ret_stmt)
                                : qasm_lexer_no_statement(&p->lexer, &p->tok);
    }
}

qt_code qasm3_statement(qasm3_parser *p, ast_stmt **ret_stmt) {
    QT_TRY(qasm3_deeper(p));
    p->suspect = NULL;
    QT_TRY(keyword_statement(p, qasm3_at_keyword(p), ret_stmt));
    p->suspect = NULL;
    p->depth--;
    return QT_OK;
}

void qasm3_recover(qasm3_parser *p, const char *start, bool inside) {
    if (!p->recovered || qasm3_at_keyword(p) == KW3_ELSE) {
        qasm_lexer_recover(&p->lexer, &p->tok, start, inside);
    }
    p->recovered = false;
    p->suspect = NULL;
}
