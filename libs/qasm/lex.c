#include "qasm/lex.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPACE = 1, LETTER = 2, DIGIT = 4, WIDE = 8, WORD = LETTER | DIGIT | WIDE };

/* Classes of bytes; those from 128 on are parts of UTF-8 characters. */
/* clang-format off */
enum { SP = SPACE, LE = LETTER, DI = DIGIT, WI = WIDE };
static const uint8_t classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, SP, SP, SP, SP, SP, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    SP, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    DI, DI, DI, DI, DI, DI, DI, DI, DI, DI, 0, 0, 0, 0, 0, 0,
    0, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE,
    LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, 0, 0, 0, 0, LE,
    0, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE,
    LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, LE, 0, 0, 0, 0, 0,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
    WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI, WI,
};
/* clang-format on */

static bool is(char c, unsigned mask) {
    return (classes[(uint8_t)c] & mask) != 0;
}

void qasm_lexer_init(qasm_lexer *lexer, qasm_context *ctx, bool v3) {
    const qt_text *text = &ctx->sources[0].text;
    *lexer = (qasm_lexer){.ctx = ctx, .at = text->start, .end = text->start + text->len, .v3 = v3};
    lexer->last_end = lexer->at;
    if (text->len >= 3 && memcmp(text->start, "\xEF\xBB\xBF", 3) == 0) {
        lexer->at += 3; /* byte order mark */
    }
}

qt_code qasm_lexer_push(qasm_lexer *lexer, qasm_source source, const char *at) {
    qasm_context *ctx = lexer->ctx;
    if (ctx->source_count == MAX_SOURCES) {
        free(source.owned);
        return qasm_too_large(ctx, at, "more than %d files are included", MAX_SOURCES - 1);
    }
    ctx->sources[ctx->source_count++] = source;
    lexer->outer[lexer->depth].at = lexer->at;
    lexer->outer[lexer->depth++].end = lexer->end;
    lexer->builtin = source.owned == NULL;
    lexer->at = source.text.start;
    lexer->end = source.text.start + source.text.len;
    return QT_OK;
}

qt_code qasm_lexer_include(qasm_lexer *lexer, const char *name, const char *at) {
    qasm_context *ctx = lexer->ctx;
    if (ctx->options.include_dir == NULL) {
        return qasm_unsupported(ctx, at, "including the file '%.60s' is not allowed", name);
    }
    qasm_source source = {.text = {.name = name}};
    qt_err err;
    qt_code code =
        qasm_source_read(ctx->options.include_dir, name, ctx->options.max_bytes - ctx->bytes,
                         &source.owned, &source.text.len, &err);
    if (code == QT_RESOURCE_EXHAUSTED) {
        return qasm_built(ctx, at, code, &err);
    }
    if (code != QT_OK) {
        return qasm_fail(ctx, at,
                         err.reason == QT_REASON_CIRCUIT_TOO_LARGE ? QT_REASON_CIRCUIT_TOO_LARGE
                                                                   : QT_REASON_CIRCUIT_SYNTAX,
                         NULL, "%s", err.msg);
    }
    ctx->bytes += source.text.len;
    source.text.start = source.owned;
    return qasm_lexer_push(lexer, source, at);
}

static qt_code skip_block_comment(qasm_lexer *lexer, const char *p) {
    for (const char *c = p + 2; c + 1 < lexer->end; c++) {
        c = memchr(c, '*', (size_t)(lexer->end - c));
        if (c == NULL || c + 1 >= lexer->end) {
            break;
        }
        if (c[1] == '/') {
            lexer->at = c + 2;
            return QT_OK;
        }
    }
    lexer->at = lexer->end;
    return qasm_syntax(lexer->ctx, p, "the comment has no end");
}

/* Spaces and comments. */
static qt_code skip_blank(qasm_lexer *lexer) {
    for (;;) {
        const char *p = lexer->at;
        const char *end = lexer->end;
        while (p < end && is(*p, SPACE)) {
            p++;
        }
        lexer->at = p;
        if (end - p < 2 || p[0] != '/' || (p[1] != '/' && p[1] != '*')) {
            return QT_OK;
        }
        if (p[1] == '*') {
            QT_TRY(skip_block_comment(lexer, p));
            continue;
        }
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        lexer->at = newline != NULL ? newline + 1 : end;
    }
}

static qt_code lex_word(qasm_lexer *lexer, qasm_token *t) {
    const char *p = t->start;
    const char *end = lexer->end;
    uint32_t hash = QASM_HASH_START;
    unsigned seen = 0;
    while (p < end && is(*p, WORD)) {
        hash = qasm_hash_step(hash, *p);
        seen |= classes[(uint8_t)*p];
        p++;
    }
    lexer->at = p;
    size_t len = (size_t)(p - t->start);
    if ((seen & WIDE) != 0 && (!lexer->v3 || !qt_utf8_valid(t->start, len, NULL))) {
        return qasm_syntax(lexer->ctx, t->start, "a character is not allowed in a name");
    }
    t->kind = TOK_ID;
    t->end = p;
    t->value.name = qasm_names_get(&lexer->ctx->names, &lexer->ctx->arena, t->start, len, hash);
    return t->value.name != NULL ? QT_OK : qasm_no_memory(lexer->ctx);
}

unsigned qasm_digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    return c >= 'a' ? (unsigned)(c - 'a') + 10U : (unsigned)(c - 'A') + 10U;
}

/* Digits of a base, in OpenQASM 3 with single underscores between them. */
static const char *take_int(const qasm_lexer *lexer, const char *p, unsigned base, qasm_token *t) {
    t->value.i = 0;
    for (; p < lexer->end; p++) {
        if (*p == '_' && lexer->v3 && p + 1 < lexer->end && p[-1] != '_' &&
            is(p[1], DIGIT | LETTER) && qasm_digit_value(p[1]) < base) {
            continue;
        }
        unsigned d = is(*p, DIGIT | LETTER) && *p != '_' ? qasm_digit_value(*p) : base;
        if (d >= base) {
            break;
        }
        t->big |= __builtin_mul_overflow(t->value.i, base, &t->value.i);
        t->big |= __builtin_add_overflow(t->value.i, d, &t->value.i);
    }
    return p;
}

static const char *skip_digits(const qasm_lexer *lexer, const char *p) {
    while (p < lexer->end && (is(*p, DIGIT) || (*p == '_' && lexer->v3))) {
        p++;
    }
    return p;
}

static const char *skip_exponent(const qasm_lexer *lexer, const char *p) {
    if (p >= lexer->end || (*p != 'e' && *p != 'E')) {
        return p;
    }
    const char *digits = p + 1;
    digits += digits < lexer->end && (*digits == '+' || *digits == '-') ? 1 : 0;
    return digits < lexer->end && is(*digits, DIGIT) ? skip_digits(lexer, digits) : p;
}

static bool starts_with(const char *p, const char *end, const char *word) {
    size_t len = strlen(word);
    return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 &&
           ((size_t)(end - p) == len || !is(p[len], WORD));
}

/* A unit of time or `im` behind a number of OpenQASM 3. */
static const char *take_suffix(const qasm_lexer *lexer, const char *p, qasm_token *t) {
    static const char *const units[] = {"dt", "ns", "us", "\xC2\xB5s", "\xCE\xBCs", "ms", "s"};
    const char *word = p;
    while (word < lexer->end && (*word == ' ' || *word == '\t')) {
        word++;
    }
    if (starts_with(word, lexer->end, "im")) {
        t->kind = TOK_IMAGINARY;
        return word + 2;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (starts_with(p, lexer->end, units[i])) {
            t->kind = TOK_TIME;
            return p + strlen(units[i]);
        }
    }
    return p;
}

static bool real_value(const char *start, const char *end, double *ret_value) {
    if (memchr(start, '_', (size_t)(end - start)) == NULL) {
        return qasm_parse_real(start, (size_t)(end - start), ret_value);
    }
    char copy[256];
    size_t len = 0;
    for (const char *p = start; p < end && len < sizeof copy; p++) {
        copy[len] = *p;
        len += *p != '_' ? 1 : 0;
    }
    return len < sizeof copy && qasm_parse_real(copy, len, ret_value);
}

static qt_code finish_number(qasm_lexer *lexer, qasm_token *t, const char *p) {
    const char *number_end = p;
    if (lexer->v3 && p < lexer->end && is(*p, LETTER | WIDE | SPACE)) {
        p = take_suffix(lexer, p, t);
    }
    lexer->at = p;
    t->end = p;
    if (p < lexer->end && is(*p, WORD)) {
        return qasm_syntax(lexer->ctx, t->start, "a number runs into a name");
    }
    if (t->kind != TOK_INT && !real_value(t->start, number_end, &t->value.f)) {
        return qasm_syntax(lexer->ctx, t->start, "the number is too large");
    }
    return QT_OK;
}

static qt_code lex_number(qasm_lexer *lexer, qasm_token *t) {
    const char *p = t->start;
    t->kind = TOK_INT;
    if (lexer->v3 && *p == '0' && p + 2 < lexer->end && is(p[1], LETTER) &&
        is(p[2], DIGIT | LETTER)) {
        char c = (char)(p[1] | 0x20);
        unsigned base = c == 'x' ? 16 : c == 'b' ? 2 : c == 'o' ? 8 : 0;
        if (base != 0) {
            return finish_number(lexer, t, take_int(lexer, p + 2, base, t));
        }
    }
    p = take_int(lexer, p, 10, t);
    if (p < lexer->end && (*p == '.' || *p == 'e' || *p == 'E')) {
        const char *int_end = p;
        p = *p == '.' ? skip_digits(lexer, p + 1) : p;
        p = skip_exponent(lexer, p);
        t->kind = p > int_end ? TOK_REAL : TOK_INT;
    } else if (!lexer->v3 && *t->start == '0' && p - t->start > 1) {
        lexer->at = p;
        return qasm_syntax(lexer->ctx, t->start, "an integer may not start with 0");
    }
    return finish_number(lexer, t, p);
}

static qt_code lex_string(qasm_lexer *lexer, qasm_token *t) {
    char quote = *t->start;
    const char *p = t->start + 1;
    bool bits = lexer->v3;
    while (p < lexer->end && *p != quote && *p != '\n') {
        bits = bits && (*p == '0' || *p == '1' || *p == '_');
        p++;
    }
    if (p >= lexer->end || *p != quote) {
        lexer->at = p;
        return qasm_syntax(lexer->ctx, t->start, "the string has no end");
    }
    lexer->at = p + 1;
    t->start++;
    t->end = p;
    t->kind = bits && p > t->start ? TOK_BITS : TOK_STRING;
    return QT_OK;
}

static qt_code lex_hardware(qasm_lexer *lexer, qasm_token *t) {
    t->kind = TOK_HARDWARE;
    const char *p = take_int(lexer, t->start + 1, 10, t);
    lexer->at = p;
    t->end = p;
    if (p == t->start + 1 || t->big || (p < lexer->end && is(*p, WORD))) {
        return qasm_syntax(lexer->ctx, t->start, "a hardware qubit is '$' and a number");
    }
    return QT_OK;
}

bool qasm_lexer_on_new_line(const qasm_lexer *lexer, const qasm_token *t) {
    const char *from = lexer->last_end;
    bool same_source = t->start > from && t->start <= lexer->end;
    return same_source && memchr(from, '\n', (size_t)(t->start - from)) != NULL;
}

void qasm_lex_line(qasm_lexer *lexer, qasm_token *token) {
    const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
    const char *p = newline != NULL ? newline : lexer->end;
    lexer->at = p;
    while (p > token->start && is(p[-1], SPACE)) {
        p--;
    }
    token->end = p;
    token->kind = TOK_LINE;
}

typedef struct operator_text {
    char text[4];
    uint8_t kind;
    bool v2; /* also in OpenQASM 2 */
} operator_text;

/* Longer ones first. */
static const operator_text operators[] = {
    {"**=", TOK_ASSIGN_POW, false}, {"<<=", TOK_ASSIGN_SHL, false}, {">>=", TOK_ASSIGN_SHR, false},
    {"->", TOK_ARROW, true},        {"==", TOK_EQ, true},           {"!=", TOK_NE, false},
    {"<=", TOK_LE, false},          {">=", TOK_GE, false},          {"<<", TOK_SHL, false},
    {">>", TOK_SHR, false},         {"**", TOK_POW, false},         {"++", TOK_CONCAT, false},
    {"&&", TOK_AND, false},         {"||", TOK_OR, false},          {"+=", TOK_ASSIGN_ADD, false},
    {"-=", TOK_ASSIGN_SUB, false},  {"*=", TOK_ASSIGN_MUL, false},  {"/=", TOK_ASSIGN_DIV, false},
    {"&=", TOK_ASSIGN_AND, false},  {"|=", TOK_ASSIGN_OR, false},   {"~=", TOK_ASSIGN_NOT, false},
    {"^=", TOK_ASSIGN_XOR, false},  {"%=", TOK_ASSIGN_MOD, false},
};

static qt_code lex_operator(qasm_lexer *lexer, qasm_token *t) {
    size_t left = (size_t)(lexer->end - t->start);
    bool longer = left > 1 && strchr("=>*<+&|", t->start[1]) != NULL;
    for (size_t i = 0; longer && i < sizeof operators / sizeof *operators; i++) {
        size_t len = strlen(operators[i].text);
        if (len <= left && memcmp(t->start, operators[i].text, len) == 0 &&
            (lexer->v3 || operators[i].v2)) {
            t->kind = operators[i].kind;
            lexer->at = t->end = t->start + len;
            return QT_OK;
        }
    }
    const char *allowed = lexer->v3 ? "()[]{};,=+-*/%&|^~!<>:.@" : "()[]{};,=+-*/^";
    if (*t->start == '\0' || strchr(allowed, *t->start) == NULL) {
        lexer->at = t->start + 1;
        return qasm_syntax(lexer->ctx, t->start, "a character is not allowed here");
    }
    t->kind = (uint8_t)*t->start;
    lexer->at = t->end = t->start + 1;
    return QT_OK;
}

static qt_code lex_other(qasm_lexer *lexer, qasm_token *t) {
    char c = *t->start;
    bool digit_next = t->start + 1 < lexer->end && is(t->start[1], DIGIT);
    if (c == '"' || (c == '\'' && lexer->v3)) {
        return lex_string(lexer, t);
    }
    if (c == '.' && digit_next) {
        t->kind = TOK_REAL;
        return finish_number(lexer, t, skip_exponent(lexer, skip_digits(lexer, t->start + 1)));
    }
    if (c == '$' && lexer->v3) {
        return lex_hardware(lexer, t);
    }
    if (c == '#' && lexer->v3) {
        t->kind = '#';
        lexer->at = t->end = t->start + 1;
        return QT_OK;
    }
    return lex_operator(lexer, t);
}

/* A bound on the work, before each token. */
static qt_code count_token(qasm_lexer *lexer) {
    qasm_context *ctx = lexer->ctx;
    ctx->tokens += lexer->builtin ? 0 : 1;
    if (ctx->tokens % QASM_TICK == 0) {
        QT_TRY(qasm_check_time(ctx, lexer->at));
    }
    return qasm_check_tokens(ctx, lexer->at);
}

qt_code qasm_lex(qasm_lexer *lexer, qasm_token *ret_token) {
    lexer->last_end = lexer->at;
    QT_TRY(skip_blank(lexer));
    while (lexer->at >= lexer->end && lexer->depth > 0) {
        lexer->depth--;
        lexer->builtin = false;
        lexer->at = lexer->outer[lexer->depth].at;
        lexer->end = lexer->outer[lexer->depth].end;
        QT_TRY(skip_blank(lexer));
    }
    *ret_token = (qasm_token){.start = lexer->at, .end = lexer->at};
    if (lexer->at >= lexer->end) {
        return QT_OK;
    }
    QT_TRY(count_token(lexer));
    char c = *lexer->at;
    if (is(c, LETTER | WIDE)) {
        return lex_word(lexer, ret_token);
    }
    if (is(c, DIGIT)) {
        return lex_number(lexer, ret_token);
    }
    /* The punctuation that programs are full of. */
    if (c == '[' || c == ']' || c == ',' || c == ';' || c == '(' || c == ')') {
        ret_token->kind = (uint8_t)c;
        lexer->at = ret_token->end = lexer->at + 1;
        return QT_OK;
    }
    return lex_other(lexer, ret_token);
}

static const char *const token_names[] = {"a name",
                                          "an integer",
                                          "a number",
                                          "a string",
                                          "a bit string",
                                          "a duration",
                                          "an imaginary number",
                                          "a hardware qubit",
                                          "a pragma",
                                          "'->'",
                                          "'=='",
                                          "'!='",
                                          "'<='",
                                          "'>='",
                                          "'<<'",
                                          "'>>'",
                                          "'**'",
                                          "'++'",
                                          "'&&'",
                                          "'||'",
                                          "'+='",
                                          "'-='",
                                          "'*='",
                                          "'/='",
                                          "'&='",
                                          "'|='",
                                          "'~='",
                                          "'^='",
                                          "'<<='",
                                          "'>>='",
                                          "'%='",
                                          "'**='"};

const char *qasm_token_name(uint8_t kind) {
    static const char singles[] = "()[]{};,=+-*/%&|^~!<>:.@#";
    static const char *const names[] = {
        "'('", "')'", "'['", "']'", "'{'", "'}'", "';'", "','", "'='", "'+'", "'-'", "'*'", "'/'",
        "'%'", "'&'", "'|'", "'^'", "'~'", "'!'", "'<'", "'>'", "':'", "'.'", "'@'", "'#'"};
    if (kind == TOK_END) {
        return "the end of the program";
    }
    if (kind >= TOK_ID) {
        return token_names[kind - TOK_ID];
    }
    const char *found = strchr(singles, (char)kind);
    return found != NULL ? names[found - singles] : "a character";
}

qt_code qasm_lexer_expected(qasm_lexer *lexer, const qasm_token *t, const char *what) {
    enum { MAX_SHOWN = 40 };
    if (t->kind == TOK_BAD) {
        return QT_INVALID_ARGUMENT;
    }
    bool behind = what[0] == '\'' && qasm_lexer_on_new_line(lexer, t);
    const char *at = behind ? lexer->last_end : t->start;
    bool shown = t->kind == TOK_ID || t->kind == TOK_INT || t->kind == TOK_REAL;
    char found[MAX_SHOWN + 3];
    int len = t->end - t->start < MAX_SHOWN ? (int)(t->end - t->start) : MAX_SHOWN;
    snprintf(found, sizeof found, "'%.*s'", len, t->start);
    return qasm_expected(lexer->ctx, at, what, shown ? found : qasm_token_name(t->kind));
}

/* ---- after an error ---- */

/* A gate or keyword, which no other part of a statement than its start can be. */
static bool is_start(const qasm_token *t) {
    return t->kind == TOK_ID && (t->value.name->head || t->value.name->meaning == MEANING_GATE);
}

bool qasm_lexer_ends_statement(const qasm_lexer *lexer, const qasm_token *t, bool inside) {
    return t->kind == TOK_END || (t->kind == '}' && inside) ||
           (is_start(t) && qasm_lexer_on_new_line(lexer, t));
}

qt_code qasm_lexer_no_statement(qasm_lexer *lexer, const qasm_token *t) {
    return lexer->ctx->diagnostics.count > 0 ? QT_INVALID_ARGUMENT
                                             : qasm_lexer_expected(lexer, t, "a statement");
}

static bool is_else(const qasm_lexer *lexer, const qasm_token *t) {
    return lexer->v3 && t->kind == TOK_ID && t->value.name->meaning == MEANING_KEYWORD &&
           strcmp(t->value.name->text, "else") == 0;
}

/* Goes to the next token; an error in it is a part of what is skipped. */
static void skip_token(qasm_lexer *lexer, qasm_token *t) {
    if (t->kind == TOK_ID && t->value.name->meaning == MEANING_NONE) {
        t->value.name->reported = true;
    }
    if (qasm_lex(lexer, t) != QT_OK) {
        t->kind = TOK_BAD;
    }
}

void qasm_lexer_recover(qasm_lexer *lexer, qasm_token *t, const char *start, bool inside) {
    size_t depth = 0;
    bool done = false;
    lexer->ctx->quiet = true;
    while (!done && t->kind != TOK_END && !lexer->ctx->fatal) {
        bool leave = depth == 0 && inside && t->kind == '}';
        bool next = depth == 0 && t->start != start && is_start(t) && !is_else(lexer, t) &&
                    qasm_lexer_on_new_line(lexer, t);
        if (leave || next) {
            break;
        }
        uint8_t kind = t->kind;
        depth += kind == '{' ? 1 : 0;
        depth -= kind == '}' && depth > 0 ? 1 : 0;
        bool last = depth == 0 && (kind == ';' || kind == '}');
        lexer->ctx->quiet = !last; /* what is wrong with the next token is not skipped */
        skip_token(lexer, t);
        lexer->ctx->quiet = true;
        done = last && !is_else(lexer, t);
    }
    lexer->ctx->quiet = false;
}
