/* Inside libs/qasm: OpenQASM 3 text to syntax trees. */
#ifndef QT_QASM_PARSE3_H
#define QT_QASM_PARSE3_H

#include "qasm/ast.h"

typedef enum qasm3_keyword {
    KW3_NONE,
    KW3_OPENQASM,
    KW3_INCLUDE,
    KW3_DEFCALGRAMMAR,
    KW3_DEF,
    KW3_CAL,
    KW3_DEFCAL,
    KW3_GATE,
    KW3_EXTERN,
    KW3_BOX,
    KW3_LET,
    KW3_BREAK,
    KW3_CONTINUE,
    KW3_IF,
    KW3_ELSE,
    KW3_END,
    KW3_RETURN,
    KW3_FOR,
    KW3_WHILE,
    KW3_IN,
    KW3_SWITCH,
    KW3_CASE,
    KW3_DEFAULT,
    KW3_PRAGMA,
    KW3_INPUT,
    KW3_OUTPUT,
    KW3_CONST,
    KW3_READONLY,
    KW3_MUTABLE,
    KW3_QREG,
    KW3_QUBIT,
    KW3_CREG,
    KW3_BOOL, /* types: BOOL to STRETCH */
    KW3_BIT,
    KW3_INT,
    KW3_UINT,
    KW3_FLOAT,
    KW3_ANGLE,
    KW3_COMPLEX,
    KW3_ARRAY,
    KW3_VOID,
    KW3_DURATION,
    KW3_STRETCH,
    KW3_GPHASE,
    KW3_INV,
    KW3_POW,
    KW3_CTRL,
    KW3_NEGCTRL,
    KW3_DURATIONOF,
    KW3_DELAY,
    KW3_RESET,
    KW3_MEASURE,
    KW3_BARRIER,
    KW3_NOP,
    KW3_TRUE,
    KW3_FALSE,
} qasm3_keyword;

typedef struct qasm3_parser {
    qasm_context *ctx;
    qasm_lexer lexer;
    qasm_token tok;
    qt_arena scratch; /* nodes of the statement being parsed */
    qt_arena *arena;  /* where nodes go now */
    size_t depth;     /* of expressions and statements */
    size_t blocks;    /* that are open */
    bool started;
    bool recovered; /* a statement failed, and the next token is behind it */
    qasm_name
        *suspect; /* an unknown word that the statement starts with, perhaps a misspelt keyword */
    const char *suspect_at;
    unsigned minor; /* of the version: 3.minor */
} qasm3_parser;

qt_code qasm3_parser_init(qasm3_parser *p, qasm_context *ctx);
void qasm3_parser_done(qasm3_parser *p);

/* For the parser's files. */
qt_code qasm3_advance(qasm3_parser *p);
qt_code qasm3_expect(qasm3_parser *p, uint8_t kind);
qt_code qasm3_expected(qasm3_parser *p, const char *what);
qasm3_keyword qasm3_at_keyword(const qasm3_parser *p);
static inline bool qasm3_at(const qasm3_parser *p, uint8_t kind) {
    return p->tok.kind == kind;
}
bool qasm3_at_name(const qasm3_parser *p);
void *qasm3_node(qasm3_parser *p, size_t size); /* zeroed; NULL: fatal */
qt_code qasm3_deeper(qasm3_parser *p);

/* A list of pointers that grows while it is parsed. */
typedef struct ast_list {
    void **items;
    uint32_t count;
    uint32_t cap;
} ast_list;
qt_code qasm3_push(qasm3_parser *p, ast_list *list, void *item);

qt_code qasm3_expr(qasm3_parser *p, ast_expr **ret_expr);
/* `a : s : b` or a plain expression. */
qt_code qasm3_range_or_expr(qasm3_parser *p, ast_expr **ret_expr);
qt_code qasm3_set(qasm3_parser *p, ast_expr **ret_expr);
qt_code qasm3_expr_list(qasm3_parser *p, uint8_t close, ast_list *list);
/* `measure q`, an array literal or an expression. */
qt_code qasm3_initializer(qasm3_parser *p, ast_expr **ret_expr);
/* A name with brackets, or a hardware qubit. */
qt_code qasm3_operand(qasm3_parser *p, ast_expr **ret_expr);
qt_code qasm3_type(qasm3_parser *p, ast_type **ret_type);
/* Whether a type starts here. */
bool qasm3_at_type(const qasm3_parser *p);

/* Declarations: const, input, output, types, qubit, qreg, creg, let, gate, def, extern. */
qt_code qasm3_declaration(qasm3_parser *p, qasm3_keyword keyword, ast_stmt **ret_stmt);
/* Control flow, from its first keyword on. */
qt_code qasm3_if(qasm3_parser *p, ast_stmt **ret_stmt);
qt_code qasm3_while(qasm3_parser *p, ast_stmt **ret_stmt);
qt_code qasm3_for(qasm3_parser *p, ast_stmt **ret_stmt);
qt_code qasm3_switch(qasm3_parser *p, ast_stmt **ret_stmt);
/* A block in braces. */
qt_code qasm3_block(qasm3_parser *p, ast_block *ret_block);
qt_code qasm3_new_stmt(qasm3_parser *p, ast_stmt_kind kind, ast_stmt **ret_stmt);
/* One statement. */
qt_code qasm3_statement(qasm3_parser *p, ast_stmt **ret_stmt);
/* After an error in a statement that starts there: behind it. Inside a block its '}' is left. */
void qasm3_recover(qasm3_parser *p, const char *start, bool inside);

#endif
