/* One pass over the bytes, without tokens or trees. A statement has an effect only when all of it
 * was read and found right; whatever is unusual, also an error, goes the ordinary way. */
#include "qasm/fast.h"

#include "qasm/elab.h"
#include "qasm/qasm2.h"

enum { MAX_FAST_QUBITS = 8, MAX_FAST_PARAMS = 4, MAX_FAST_DEPTH = 8, MAX_INT_DIGITS = 15 };

typedef struct scan {
    qasm_context *ctx;
    qasm_gates *gates;
    const char *p;
    const char *end;
    bool v3;
    uint64_t tokens; /* of what was read */
    unsigned depth;  /* of parentheses and signs in the parameter being read */
    uint32_t qubits[MAX_FAST_QUBITS];
    double params[MAX_FAST_PARAMS];
} scan;

/* A value of a parameter. Integers of OpenQASM 3 have an arithmetic of their own. */
typedef struct value {
    double v;
    bool is_int;
} value;

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}

static inline bool is_letter(char c) {
    return (unsigned char)((c | 0x20) - 'a') < 26 || c == '_';
}

static inline bool is_space(char c) {
    return c == ' ' || (unsigned char)(c - '\t') < 5;
}

static inline char peek(const scan *s) {
    return s->p < s->end ? *s->p : '\0';
}

static inline char skip_spaces(scan *s) {
    while (s->p < s->end && is_space(*s->p)) {
        s->p++;
    }
    return peek(s);
}

static inline bool take(scan *s, char c) {
    bool found = skip_spaces(s) == c;
    s->p += found ? 1 : 0;
    s->tokens += found ? 1 : 0;
    return found;
}

/* A name that is known, or NULL. */
static inline const qasm_name *take_name(scan *s) {
    const char *start = s->p;
    const char *p = start;
    uint32_t hash = QASM_HASH_START;
    while (p < s->end && (is_letter(*p) || is_digit(*p))) {
        hash = qasm_hash_step(hash, *p);
        p++;
    }
    if (p == start || is_digit(*start) || (p < s->end && (unsigned char)*p >= 0x80)) {
        return NULL;
    }
    s->p = p;
    s->tokens++;
    return qasm_names_find(&s->ctx->names, start, (size_t)(p - start), hash);
}

/* ---- parameters ---- */

static bool number(scan *s, value *ret) {
    const char *start = s->p;
    bool is_int = true;
    size_t len = qasm_scan_real(start, s->end, &is_int, &ret->v);
    ret->is_int = is_int;
    s->p += len;
    s->tokens++;
    bool odd = is_int && (len > MAX_INT_DIGITS || (*start == '0' && len > 1));
    char next = peek(s);
    return len > 0 && !odd && !is_letter(next) && next != '.' && (unsigned char)next < 0x80;
}

/* pi, or another known number of OpenQASM 3. */
static bool constant(scan *s, value *ret) {
    const qasm_name *name = take_name(s);
    *ret = (value){.v = 3.14159265358979323846};
    if (name == NULL) {
        return false;
    }
    if (!s->v3) {
        return name->meaning == MEANING_KEYWORD && name->index == KW2_PI;
    }
    const qasm_symbol *symbol = name->meaning == MEANING_SYMBOL ? name->data : NULL;
    if (symbol == NULL || symbol->kind != SYMBOL_CONST || symbol->value.type != TYPE_FLOAT ||
        symbol->value.width != 64 || !symbol->value.known) {
        return false;
    }
    ret->v = symbol->value.f;
    return skip_spaces(s) != '('; /* no call */
}

static bool sum(scan *s, value *ret);

static bool factor(scan *s, value *ret) {
    char c = skip_spaces(s);
    if (is_digit(c) || c == '.') {
        return number(s, ret);
    }
    if (c != '(' && c != '-') {
        return constant(s, ret);
    }
    s->p++;
    s->tokens++;
    if (++s->depth > MAX_FAST_DEPTH) {
        return false;
    }
    bool ok = c == '(' ? sum(s, ret) && take(s, ')') : factor(s, ret);
    s->depth--;
    ret->v = c == '-' ? -ret->v : ret->v;
    return ok;
}

/* Not for two integers of OpenQASM 3, and not what is no number. */
static bool combine(const scan *s, char op, value *a, value b) {
    bool ok = !(s->v3 && a->is_int && b.is_int);
    double v = op == '*'   ? a->v * b.v
               : op == '/' ? a->v / b.v
               : op == '+' ? a->v + b.v
                           : a->v - b.v;
    *a = (value){.v = v};
    return ok && v - v == 0;
}

static bool product(scan *s, value *ret) {
    if (!factor(s, ret)) {
        return false;
    }
    for (char op = skip_spaces(s); op == '*' || op == '/'; op = skip_spaces(s)) {
        value right;
        s->p++;
        s->tokens++;
        if (!factor(s, &right) || !combine(s, op, ret, right)) {
            return false; /* also ** */
        }
    }
    return true;
}

static bool sum(scan *s, value *ret) {
    if (!product(s, ret)) {
        return false;
    }
    for (char op = skip_spaces(s); op == '+' || op == '-'; op = skip_spaces(s)) {
        value right;
        s->p++;
        s->tokens++;
        if (!product(s, &right) || !combine(s, op, ret, right)) {
            return false;
        }
    }
    return true;
}

static bool params(scan *s, uint32_t count) {
    s->depth = 0;
    for (uint32_t i = 0; i < count; i++) {
        value v;
        if (!take(s, i == 0 ? '(' : ',') || !sum(s, &v)) {
            return false;
        }
        s->params[i] = v.v;
    }
    return count == 0 || take(s, ')');
}

/* ---- qubits ---- */

static inline bool index_of(scan *s, uint32_t size, uint32_t *ret_index) {
    uint32_t i = 0;
    if (!take(s, '[') || !is_digit(skip_spaces(s))) {
        return false;
    }
    const char *start = s->p;
    s->tokens++;
    while (is_digit(peek(s)) && i < size) {
        i = i * 10 + (uint32_t)(*s->p++ - '0'); /* size is below 2^28 here */
    }
    *ret_index = i;
    bool odd = *start == '0' && s->p - start > 1;
    return i < size && !odd && take(s, ']');
}

enum { MAX_FAST_SIZE = 1 << 28 };

static inline bool qubit(scan *s, uint32_t *ret_qubit) {
    uint32_t i = 0;
    skip_spaces(s);
    const qasm_name *name = take_name(s);
    if (name == NULL) {
        return false;
    }
    if (!s->v3) {
        if (name->meaning != MEANING_QREG) {
            return false;
        }
        const qt_register *r = &s->ctx->builder.circuit->registers[name->index];
        bool ok = r->size < MAX_FAST_SIZE && index_of(s, r->size, &i);
        *ret_qubit = r->first + i;
        return ok;
    }
    const qasm_symbol *symbol = name->meaning == MEANING_SYMBOL ? name->data : NULL;
    if (symbol == NULL || symbol->kind != SYMBOL_QUBITS || symbol->count >= MAX_FAST_SIZE ||
        (!symbol->scalar && !index_of(s, symbol->count, &i)) || skip_spaces(s) == '[') {
        return false;
    }
    *ret_qubit = symbol->bits[i];
    return true;
}

static bool qubits(scan *s, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if ((i > 0 && !take(s, ',')) || !qubit(s, &s->qubits[i])) {
            return false;
        }
        for (uint32_t j = 0; j < i; j++) {
            if (s->qubits[i] == s->qubits[j]) {
                return false;
            }
        }
    }
    return take(s, ';');
}

/* ---- statements ---- */

/* One statement; *ret_gate is what it calls. */
static bool statement(scan *s, uint32_t *ret_gate) {
    const qasm_name *name = take_name(s);
    if (name == NULL || name->meaning != MEANING_GATE) {
        return false;
    }
    const qasm_gate *gate = &s->gates->items[name->index];
    *ret_gate = name->index;
    return gate->param_count <= MAX_FAST_PARAMS && gate->qubit_count <= MAX_FAST_QUBITS &&
           gate->qubit_count > 0 && params(s, gate->param_count) && qubits(s, gate->qubit_count);
}

/* After each statement. */
static qt_code count(scan *s, uint64_t *statements) {
    s->ctx->tokens += s->tokens;
    s->tokens = 0;
    if (++*statements % QASM_TICK == 0) {
        QT_TRY(qasm_check_time(s->ctx, s->p));
    }
    return qasm_check_tokens(s->ctx, s->p);
}

/* Spaces and comments to the end of a line. */
static void skip_blank(scan *s) {
    while (skip_spaces(s) == '/' && s->end - s->p > 1 && s->p[1] == '/') {
        const char *newline = memchr(s->p, '\n', (size_t)(s->end - s->p));
        s->p = newline != NULL ? newline + 1 : s->end;
    }
}

qt_code qasm_fast_gates(qasm_lexer *lexer, qasm_gates *gates, const qasm_token *token,
                        bool *ret_any) {
    scan s = {
        .ctx = lexer->ctx, .gates = gates, .p = token->start, .end = lexer->end, .v3 = lexer->v3};
    const char *done = token->start;
    qt_code code = QT_OK;
    uint32_t gate = 0;
    uint64_t statements = 0;
    for (const char *at = s.p; code == QT_OK && statement(&s, &gate); at = s.p) {
        done = s.p;
        code = qasm_apply_plain(s.ctx, gates, gate, s.params, s.qubits, at);
        code = code == QT_OK ? count(&s, &statements) : code;
        skip_blank(&s);
    }
    *ret_any = done != token->start;
    if (*ret_any) {
        lexer->at = done;
    }
    return code;
}
