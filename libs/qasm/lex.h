/* Inside libs/qasm: text to tokens, one at a time, without allocation. */
#ifndef QT_QASM_LEX_H
#define QT_QASM_LEX_H

#include "qasm/context.h"

/* A single character is its own kind. */
typedef enum qasm_token_kind {
    TOK_END = 0,
    TOK_BAD = 127, /* for parsers: what stands here could not be lexed */
    TOK_ID = 128,
    TOK_INT,       /* value.i; `big` when it has more than 64 bits */
    TOK_REAL,      /* value.f */
    TOK_STRING,    /* start and end are inside the quotes */
    TOK_BITS,      /* the same, of 0, 1 and _ */
    TOK_TIME,      /* value.f with a unit behind it; start..end has both */
    TOK_IMAGINARY, /* value.f */
    TOK_HARDWARE,  /* $n: value.i */
    TOK_LINE,      /* pragma or annotation: start..end is the whole line */
    TOK_ARROW,
    TOK_EQ,
    TOK_NE,
    TOK_LE,
    TOK_GE,
    TOK_SHL,
    TOK_SHR,
    TOK_POW,    /* ** */
    TOK_CONCAT, /* ++ */
    TOK_AND,
    TOK_OR,
    TOK_ASSIGN_ADD, /* += and so on: the operator is the one named */
    TOK_ASSIGN_SUB,
    TOK_ASSIGN_MUL,
    TOK_ASSIGN_DIV,
    TOK_ASSIGN_AND,
    TOK_ASSIGN_OR,
    TOK_ASSIGN_NOT, /* ~= */
    TOK_ASSIGN_XOR,
    TOK_ASSIGN_SHL,
    TOK_ASSIGN_SHR,
    TOK_ASSIGN_MOD,
    TOK_ASSIGN_POW,
} qasm_token_kind;

typedef struct qasm_token {
    uint8_t kind; /* qasm_token_kind, or a character */
    bool big;
    const char *start;
    const char *end;
    union {
        uint64_t i;
        double f;
        qasm_name *name; /* ID */
    } value;
} qasm_token;

typedef struct qasm_lexer {
    qasm_context *ctx;
    const char *at;
    const char *end;
    const char *last_end; /* of the token before */
    bool v3;
    bool builtin; /* in the text of a standard library, which counts for no limit */
    /* The sources that include this one. */
    struct {
        const char *at;
        const char *end;
    } outer[MAX_SOURCES];
    size_t depth;
} qasm_lexer;

void qasm_lexer_init(qasm_lexer *lexer, qasm_context *ctx, bool v3);
/* The next token; at the end of an included file the one behind the include. */
qt_code qasm_lex(qasm_lexer *lexer, qasm_token *ret_token);
/* Whether the token is the first one of its line (or of the program's end); it must be the last one
 * lexed. */
bool qasm_lexer_on_new_line(const qasm_lexer *lexer, const qasm_token *token);
/* Whether what stands before the token can be a whole statement without its ';': a new line with a
 * gate or keyword, the end of the program, or inside a block a '}' follows. */
bool qasm_lexer_ends_statement(const qasm_lexer *lexer, const qasm_token *token, bool inside);
/* Fails with "expected a statement"; behind another error nothing is added. */
qt_code qasm_lexer_no_statement(qasm_lexer *lexer, const qasm_token *token);
/* After an error in a statement that starts at `start`: goes on to the token behind the statement
 * and the blocks it has. Inside a block its '}' is left. Names that are skipped are not reported as
 * unknown later. */
void qasm_lexer_recover(qasm_lexer *lexer, qasm_token *token, const char *start, bool inside);
/* Makes the token the rest of its line: `@name ...`, `#pragma ...`. It must be the last one lexed.
 */
void qasm_lex_line(qasm_lexer *lexer, qasm_token *token);
/* Goes on in a source; takes what it owns. The next token is its first. */
qt_code qasm_lexer_push(qasm_lexer *lexer, qasm_source source, const char *at);
/* The same with a file of the directory that the options allow; `at` is the place of the include.
 */
qt_code qasm_lexer_include(qasm_lexer *lexer, const char *name, const char *at);
/* Fails with "expected X, found the token". A missing end of a statement is reported behind what
 * stands before it. Nothing is added for a token that could not be lexed, which was reported. */
qt_code qasm_lexer_expected(qasm_lexer *lexer, const qasm_token *token, const char *what);
/* "'->'", "an identifier", ... for messages. Static storage. */
const char *qasm_token_name(uint8_t kind);

/* Of a digit or a letter: a and A are 10. */
unsigned qasm_digit_value(char c);

/* An integer literal of any base and length, not 0, as 64-bit words in the arena, lowest first, and
 * how many bits it needs. */
qt_code qasm_big_integer(qasm_context *ctx, const char *digits, size_t len, uint64_t **ret_words,
                         uint32_t *ret_width);

/* The decimal number without underscores that the text starts with, exactly rounded: how many bytes
 * it has, 0 when there is none, or it needs the other function. An integer is only looked at for
 * its first 19 digits. */
size_t qasm_scan_real(const char *text, const char *end, bool *ret_is_int, double *ret_value);

/* A decimal number of len bytes, exactly rounded; without underscores. False when it has more
 * than 1,000 bytes or overflows. */
bool qasm_parse_real(const char *text, size_t len, double *ret_value);

#endif
