#include "qasm/qasm2.h"

#include "qasm/fast.h"

#include <string.h>

/* The gates of qelib1.inc that are no controlled base gates. */
static const char qelib1_bodies[] =
    "gate rccx a,b,c { u2(0,pi) c; u1(pi/4) c; cx b,c; u1(-pi/4) c; cx a,c; u1(pi/4) c; cx b,c;"
    " u1(-pi/4) c; u2(0,pi) c; }\n"
    "gate rc3x a,b,c,d { u2(0,pi) d; u1(pi/4) d; cx c,d; u1(-pi/4) d; u2(0,pi) d; cx a,d;"
    " u1(pi/4) d; cx b,d; u1(-pi/4) d; cx a,d; u1(pi/4) d; cx b,d; u1(-pi/4) d; u2(0,pi) d;"
    " u1(pi/4) d; cx c,d; u1(-pi/4) d; u2(0,pi) d; }\n";

static const struct {
    const char *text;
    qasm2_keyword keyword;
} keywords[] = {
    {"OPENQASM", KW2_OPENQASM},
    {"include", KW2_INCLUDE},
    {"qreg", KW2_QREG},
    {"creg", KW2_CREG},
    {"gate", KW2_GATE},
    {"opaque", KW2_OPAQUE},
    {"measure", KW2_MEASURE},
    {"reset", KW2_RESET},
    {"barrier", KW2_BARRIER},
    {"if", KW2_IF},
    {"pi", KW2_PI},
    {"sin", KW2_SIN},
    {"cos", KW2_COS},
    {"tan", KW2_TAN},
    {"exp", KW2_EXP},
    {"ln", KW2_LN},
    {"sqrt", KW2_SQRT},
    {"asin", KW2_ASIN},
    {"acos", KW2_ACOS},
    {"atan", KW2_ATAN},
};

qt_code qasm2_advance(qasm2 *p) {
    qt_code code = qasm_lex(&p->lexer, &p->tok);
    if (code != QT_OK) {
        p->tok.kind = TOK_BAD;
    }
    return code;
}

qasm2_keyword qasm2_at_keyword(const qasm2 *p) {
    bool keyword = p->tok.kind == TOK_ID && p->tok.value.name->meaning == MEANING_KEYWORD;
    return keyword ? (qasm2_keyword)p->tok.value.name->index : KW2_NONE;
}

qt_code qasm2_expected(qasm2 *p, const char *what) {
    return qasm_lexer_expected(&p->lexer, &p->tok, what);
}

qt_code qasm2_expect(qasm2 *p, uint8_t kind) {
    if (p->tok.kind != kind) {
        return qasm2_expected(p, qasm_token_name(kind));
    }
    return qasm2_advance(p);
}

qt_code qasm2_at_end(qasm2 *p) {
    if (qasm2_at(p, ';')) {
        return QT_OK;
    }
    qt_code code = qasm2_expected(p, "';'");
    return qasm_lexer_ends_statement(&p->lexer, &p->tok, p->in_body) && !p->ctx->fatal ? QT_OK
                                                                                       : code;
}

qt_code qasm2_leave(qasm2 *p) {
    return qasm2_at(p, ';') ? qasm2_advance(p) : QT_OK;
}

qt_code qasm2_end(qasm2 *p) {
    QT_TRY(qasm2_at_end(p));
    return qasm2_leave(p);
}

static qt_code version(qasm2 *p) {
    const char *at = p->tok.start;
    if (p->started) {
        return qasm_syntax(p->ctx, at, "the version stands at the start of the program");
    }
    QT_TRY(qasm2_advance(p));
    const char *text = p->tok.start;
    size_t len = (size_t)(p->tok.end - text);
    if (!qasm2_at(p, TOK_REAL) && !qasm2_at(p, TOK_INT)) {
        return qasm2_expected(p, "a version");
    }
    bool two = (len == 3 && memcmp(text, "2.0", 3) == 0) || (len == 1 && *text == '2');
    if (!two) {
        return qasm_unsupported(p->ctx, text, "OpenQASM version %.*s is not supported here",
                                len < 20 ? (int)len : 20, text);
    }
    QT_TRY(qasm2_advance(p));
    return qasm2_end(p);
}

static qt_code include_library(qasm2 *p, const char *at) {
    if (p->library_included) {
        return qasm2_advance(p);
    }
    QT_TRY(qasm_gates_include(p->ctx, &p->gates, SET_QELIB1 | SET_LATER));
    p->library_included = true;
    p->in_library = true;
    const qasm_source source = {
        .text = {.name = "qelib1.inc", .start = qelib1_bodies, .len = sizeof qelib1_bodies - 1}};
    QT_TRY(qasm_lexer_push(&p->lexer, source, at));
    return qasm2_advance(p);
}

static qt_code include_file(qasm2 *p) {
    QT_TRY(qasm2_advance(p));
    if (!qasm2_at(p, TOK_STRING)) {
        return qasm2_expected(p, "a file name in quotes");
    }
    const char *at = p->tok.start - 1;
    const char *name = qasm_strndup(p->ctx, p->tok.start, (size_t)(p->tok.end - p->tok.start));
    if (name == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    QT_TRY(qasm2_advance(p));
    if (!qasm2_at(p, ';')) {
        return qasm2_expected(p, "';'");
    }
    if (strcmp(name, "qelib1.inc") == 0) {
        return include_library(p, at);
    }
    QT_TRY(qasm_lexer_include(&p->lexer, name, at));
    return qasm2_advance(p);
}

static qt_code include(qasm2 *p) {
    qt_code code = include_file(p);
    p->ctx->told_include = p->ctx->told_include || code != QT_OK;
    return code;
}

static qt_code integer(qasm2 *p, const char *what, uint32_t *ret_value) {
    if (!qasm2_at(p, TOK_INT)) {
        return qasm2_expected(p, what);
    }
    if (p->tok.big || p->tok.value.i > UINT32_MAX) {
        return qasm_too_large(p->ctx, p->tok.start, "the number is too large");
    }
    *ret_value = (uint32_t)p->tok.value.i;
    return qasm2_advance(p);
}

static qt_code declare_register(qasm2 *p, qt_register_kind kind) {
    QT_TRY(qasm2_advance(p));
    QT_TRY(qasm2_check_new(p, "a name of a register"));
    qasm_name *name = p->tok.value.name;
    const char *at = p->tok.start;
    p->declaring = name;
    bool hides = name->meaning == MEANING_GATE && name->later;
    if (name->meaning != MEANING_NONE && !hides) {
        return qasm_syntax(p->ctx, at, "'%.60s' is declared already", name->text);
    }
    uint32_t size = 0;
    QT_TRY(qasm2_advance(p));
    QT_TRY(qasm2_expect(p, '['));
    const char *size_at = p->tok.start;
    QT_TRY(integer(p, "a size", &size));
    if (size == 0) {
        return qasm_syntax(p->ctx, size_at, "the register '%.60s' has no bits", name->text);
    }
    QT_TRY(qasm2_expect(p, ']'));
    QASM_BUILD(p->ctx, at,
               qt_build_register(&p->ctx->builder, kind, name->text, size, &name->index, err));
    name->meaning = kind == QT_REGISTER_QUBIT ? MEANING_QREG : MEANING_CREG;
    return qasm2_end(p);
}

/* A bit or a whole register. */
typedef struct operand {
    uint32_t first;
    uint32_t size;
    bool whole;
    const char *at;
} operand;

static bool is_qreg(const qasm_name *name) {
    return name->meaning == MEANING_QREG;
}

static bool is_creg(const qasm_name *name) {
    return name->meaning == MEANING_CREG;
}

static qt_code wrong_register(qasm2 *p, qasm_meaning meaning) {
    bool quantum = meaning == MEANING_QREG;
    const char *what = quantum ? "the quantum register" : "the classical register";
    if (!qasm2_at(p, TOK_ID) || qasm2_at_keyword(p) != KW2_NONE) {
        return qasm2_expected(p, quantum ? "a quantum register" : "a classical register");
    }
    qasm_name *name = p->tok.value.name;
    if (name->meaning != MEANING_NONE) {
        return qasm_syntax(p->ctx, p->tok.start, "'%.60s' is no %s register", name->text,
                           quantum ? "quantum" : "classical");
    }
    return qasm_unknown(p->ctx, p->tok.start, what, name, quantum ? is_qreg : is_creg);
}

static qt_code parse_operand(qasm2 *p, qasm_meaning meaning, operand *ret_operand) {
    if (!qasm2_at(p, TOK_ID) || p->tok.value.name->meaning != meaning) {
        return wrong_register(p, meaning);
    }
    const qt_register *reg = &p->ctx->builder.circuit->registers[p->tok.value.name->index];
    operand o = {.first = reg->first, .size = reg->size, .whole = true, .at = p->tok.start};
    QT_TRY(qasm2_advance(p));
    if (qasm2_at(p, '[')) {
        QT_TRY(qasm2_advance(p));
        const qasm_token t = p->tok;
        if (t.kind != TOK_INT) {
            return qasm2_expected(p, "an index");
        }
        if (t.big || t.value.i >= o.size) {
            return qasm_syntax(p->ctx, t.start, "the index is out of range: '%.60s' has %u bits",
                               reg->name, o.size);
        }
        o.first += (uint32_t)t.value.i;
        o.size = 1;
        o.whole = false;
        QT_TRY(qasm2_advance(p));
        QT_TRY(qasm2_expect(p, ']'));
    }
    *ret_operand = o;
    return QT_OK;
}

static qt_code call_params(qasm2 *p, uint32_t *ret_count) {
    uint32_t count = 0;
    QT_TRY(qasm2_advance(p));
    while (!qasm2_at(p, ')') || count > 0) {
        qasm2_value v;
        if (count == QASM2_MAX_PARAMS) {
            return qasm_too_large(p->ctx, p->tok.start, "more than %d parameters",
                                  QASM2_MAX_PARAMS);
        }
        QT_TRY(qasm2_expr(p, &v));
        p->params[count++] = v.v;
        if (!qasm2_at(p, ',')) {
            break;
        }
        QT_TRY(qasm2_advance(p));
    }
    *ret_count = count;
    return qasm2_expect(p, ')');
}

enum { MAX_OPERANDS = QT_MAX_GATE_QUBITS };

static qt_code operand_list(qasm2 *p, operand *operands, size_t *ret_count) {
    size_t count = 0;
    for (;;) {
        if (count == MAX_OPERANDS) {
            return qasm_too_large(p->ctx, p->tok.start, "more than %d operands", MAX_OPERANDS);
        }
        QT_TRY(parse_operand(p, MEANING_QREG, &operands[count]));
        count++;
        if (!qasm2_at(p, ',')) {
            *ret_count = count;
            return QT_OK;
        }
        QT_TRY(qasm2_advance(p));
    }
}

/* How often a statement over registers runs: all registers have one size. */
static qt_code broadcast_size(qasm2 *p, const operand *operands, size_t count, uint32_t *ret_size,
                              bool *ret_whole) {
    uint32_t size = 1;
    bool whole = false;
    for (size_t i = 0; i < count; i++) {
        if (!operands[i].whole) {
            continue;
        }
        if (whole && operands[i].size != size) {
            return qasm_syntax(p->ctx, operands[i].at,
                               "registers of different sizes: %u and %u bits", size,
                               operands[i].size);
        }
        size = operands[i].size;
        whole = true;
    }
    *ret_size = size;
    *ret_whole = whole;
    return QT_OK;
}

static bool share_qubit(const operand *a, const operand *b) {
    if (a->whole && b->whole) {
        return a->first == b->first;
    }
    return a->first < b->first + b->size && b->first < a->first + a->size;
}

static qt_code check_distinct(qasm2 *p, const operand *operands, size_t count) {
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (share_qubit(&operands[i], &operands[j])) {
                return qasm_syntax(p->ctx, operands[i].at, "a qubit is used twice in one gate");
            }
        }
    }
    return QT_OK;
}

static qt_code call_gate(qasm2 *p, uint32_t index, const operand *operands, size_t count,
                         const char *at) {
    uint32_t size = 1;
    bool whole = false;
    QT_TRY(broadcast_size(p, operands, count, &size, &whole));
    QT_TRY(check_distinct(p, operands, count));
    uint32_t qubits[MAX_OPERANDS];
    QT_TRY(whole ? qasm_tick(p->ctx, at, size) : QT_OK);
    for (uint32_t k = 0; k < size; k++) {
        for (size_t i = 0; i < count; i++) {
            qubits[i] = operands[i].first + (operands[i].whole ? k : 0);
        }
        QT_TRY(qasm_apply_plain(p->ctx, &p->gates, index, p->params, qubits, at));
    }
    return QT_OK;
}

static qt_code gate_call(qasm2 *p) {
    const char *at = p->tok.start;
    const qasm_name *name = p->tok.value.name;
    uint32_t index = 0;
    QT_TRY(qasm2_find_gate(p, &index));
    QT_TRY(qasm2_advance(p));
    uint32_t params = 0;
    if (qasm2_at(p, '(')) {
        QT_TRY(call_params(p, &params));
    }
    operand operands[MAX_OPERANDS];
    size_t count = 0;
    QT_TRY(operand_list(p, operands, &count));
    QT_TRY(qasm2_at_end(p));
    const qasm_gate *gate = &p->gates.items[index];
    if (params != gate->param_count) {
        return qasm_syntax(p->ctx, at, "the gate '%.60s' takes %u parameters, %u are given",
                           name->text, gate->param_count, params);
    }
    if (count != gate->qubit_count) {
        return qasm_syntax(p->ctx, at, "the gate '%.60s' takes %u qubits, %zu are given",
                           name->text, gate->qubit_count, count);
    }
    QT_TRY(call_gate(p, index, operands, count, at));
    return qasm2_leave(p);
}

static qt_code gate_statement(qasm2 *p) {
    bool any = false;
    QT_TRY(qasm_fast_gates(&p->lexer, &p->gates, &p->tok, &any));
    return any ? qasm2_advance(p) : gate_call(p);
}

static qt_code measure(qasm2 *p) {
    const char *at = p->tok.start;
    operand q = {0};
    operand c = {0};
    QT_TRY(qasm2_advance(p));
    QT_TRY(parse_operand(p, MEANING_QREG, &q));
    QT_TRY(qasm2_expect(p, TOK_ARROW));
    QT_TRY(parse_operand(p, MEANING_CREG, &c));
    QT_TRY(qasm2_at_end(p));
    if (q.whole != c.whole || q.size != c.size) {
        return qasm_syntax(p->ctx, c.at, "%u qubits are measured into %u bits", q.size, c.size);
    }
    QT_TRY(q.whole ? qasm_tick(p->ctx, at, q.size) : QT_OK);
    for (uint32_t i = 0; i < q.size; i++) {
        QASM_BUILD(p->ctx, at, qt_build_measure(&p->ctx->builder, q.first + i, c.first + i, err));
    }
    return qasm2_leave(p);
}

static qt_code reset(qasm2 *p) {
    const char *at = p->tok.start;
    operand q = {0};
    QT_TRY(qasm2_advance(p));
    QT_TRY(parse_operand(p, MEANING_QREG, &q));
    QT_TRY(qasm2_at_end(p));
    QT_TRY(q.whole ? qasm_tick(p->ctx, at, q.size) : QT_OK);
    for (uint32_t i = 0; i < q.size; i++) {
        QASM_BUILD(p->ctx, at, qt_build_reset(&p->ctx->builder, q.first + i, err));
    }
    return qasm2_leave(p);
}

static qt_code push_barrier(qasm2 *p, const operand *o) {
    QT_TRY(o->whole ? qasm_tick(p->ctx, o->at, o->size) : QT_OK);
    QASM_GROW(p->ctx, p->barrier, p->barrier_cap, p->barrier_count + o->size);
    for (uint32_t i = 0; i < o->size; i++) {
        p->barrier[p->barrier_count++] = o->first + i;
    }
    return QT_OK;
}

static qt_code barrier_operands(qasm2 *p) {
    for (;;) {
        operand o;
        QT_TRY(parse_operand(p, MEANING_QREG, &o));
        QT_TRY(push_barrier(p, &o));
        if (!qasm2_at(p, ',')) {
            return QT_OK;
        }
        QT_TRY(qasm2_advance(p));
    }
}

/* Without operands, as others write it: of all qubits. */
static qt_code barrier(qasm2 *p) {
    const char *at = p->tok.start;
    p->barrier_count = 0;
    QT_TRY(qasm2_advance(p));
    if (!qasm2_at(p, ';')) {
        QT_TRY(barrier_operands(p));
    }
    QT_TRY(qasm2_at_end(p));
    QASM_BUILD(p->ctx, at, qt_build_barrier(&p->ctx->builder, p->barrier, p->barrier_count, err));
    return qasm2_leave(p);
}

/* An integer of any size as a constant expression. */
static qt_code condition_value(qasm2 *p, uint32_t *ret_expr) {
    const qasm_token t = p->tok;
    qt_builder *b = &p->ctx->builder;
    if (t.kind != TOK_INT) {
        return qasm2_expected(p, "a non-negative integer");
    }
    if (!t.big && t.value.i <= INT64_MAX) {
        qt_expr e = {
            .kind = QT_EXPR_INT, .type = QT_TYPE_UINT, .width = 64, .i = (int64_t)t.value.i};
        QASM_BUILD(p->ctx, t.start, qt_build_expr(b, e, ret_expr, err));
        return qasm2_advance(p);
    }
    uint32_t width = 0;
    uint64_t *words = NULL;
    QT_TRY(qasm_big_integer(p->ctx, t.start, (size_t)(t.end - t.start), &words, &width));
    QASM_BUILD(p->ctx, t.start, qt_build_wide(b, words, width, ret_expr, err));
    return qasm2_advance(p);
}

static qt_code condition(qasm2 *p, uint32_t *ret_expr) {
    QT_TRY(qasm2_advance(p));
    QT_TRY(qasm2_expect(p, '('));
    if (!qasm2_at(p, TOK_ID) || p->tok.value.name->meaning != MEANING_CREG) {
        return wrong_register(p, MEANING_CREG);
    }
    const char *at = p->tok.start;
    uint32_t reg = p->tok.value.name->index;
    qt_builder *b = &p->ctx->builder;
    qt_expr left = {.kind = QT_EXPR_REG,
                    .type = QT_TYPE_BIT,
                    .width = b->circuit->registers[reg].size,
                    .u = {reg, 0}};
    qt_expr equal = {
        .kind = QT_EXPR_BINARY, .op = QT_OPERATOR_EQ, .type = QT_TYPE_BOOL, .width = 1};
    QT_TRY(qasm2_advance(p));
    QT_TRY(qasm2_expect(p, TOK_EQ));
    QASM_BUILD(p->ctx, at, qt_build_expr(b, left, &equal.u.a, err));
    QT_TRY(condition_value(p, &equal.u.b));
    QASM_BUILD(p->ctx, at, qt_build_expr(b, equal, ret_expr, err));
    return qasm2_expect(p, ')');
}

static qt_code operation(qasm2 *p) {
    switch ((int)qasm2_at_keyword(p)) {
    case KW2_MEASURE:
        return measure(p);
    case KW2_RESET:
        return reset(p);
    case KW2_NONE:
        return qasm2_at(p, TOK_ID) ? gate_call(p) : qasm2_expected(p, "a gate");
    default:
        return qasm2_expected(p, "a gate, 'measure' or 'reset'");
    }
}

static qt_code conditional(qasm2 *p) {
    const char *at = p->tok.start;
    uint32_t expr = 0;
    QT_TRY(condition(p, &expr));
    QASM_BUILD(p->ctx, at, qt_build_if(&p->ctx->builder, expr, err));
    qt_code code = operation(p);
    QASM_BUILD(p->ctx, at, qt_build_end_block(&p->ctx->builder, err));
    return code;
}

static qt_code statement(qasm2 *p) {
    switch (qasm2_at_keyword(p)) {
    case KW2_NONE:
        if (qasm2_at(p, ';')) {
            return qasm2_advance(p);
        }
        return qasm2_at(p, TOK_ID) ? gate_statement(p)
                                   : qasm_lexer_no_statement(&p->lexer, &p->tok);
    case KW2_OPENQASM:
        return version(p);
    case KW2_INCLUDE:
        return include(p);
    case KW2_QREG:
        return declare_register(p, QT_REGISTER_QUBIT);
    case KW2_CREG:
        return declare_register(p, QT_REGISTER_BIT);
    case KW2_GATE:
        return qasm2_gate_definition(p);
    case KW2_OPAQUE:
        return qasm2_opaque_definition(p);
    case KW2_MEASURE:
        return measure(p);
    case KW2_RESET:
        return reset(p);
    case KW2_BARRIER:
        return barrier(p);
    case KW2_IF:
        return conditional(p);
    case KW2_PI:
    case KW2_SIN:
    case KW2_COS:
    case KW2_TAN:
    case KW2_EXP:
    case KW2_LN:
    case KW2_SQRT:
    case KW2_ASIN:
    case KW2_ACOS:
    case KW2_ATAN:
        break;
    }
    return qasm_lexer_no_statement(&p->lexer, &p->tok);
}

/* After an error in a statement that starts there: behind it. What it declares is not reported as
 * unknown. */
static void recover(qasm2 *p, const char *start) {
    p->depth = 0;
    qasm_ensure_reported(p->ctx, start);
    if (p->declaring != NULL) {
        p->declaring->reported = true;
    }
    if (!p->recovered) {
        qasm_lexer_recover(&p->lexer, &p->tok, start, false);
    }
    p->recovered = false;
}

static qt_code add_keywords(qasm_context *ctx) {
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        qasm_name *name = qasm_names_add(&ctx->names, &ctx->arena, keywords[i].text);
        if (name == NULL) {
            return qasm_no_memory(ctx);
        }
        name->meaning = MEANING_KEYWORD;
        name->index = keywords[i].keyword;
        name->head = keywords[i].keyword <= KW2_IF;
    }
    return QT_OK;
}

qt_code qasm2_parse(qasm_context *ctx) {
    qasm2 parser = {.ctx = ctx};
    qasm2 *p = &parser;
    QT_TRY(add_keywords(ctx));
    QT_TRY(qasm_gates_init(ctx, &p->gates));
    QT_TRY(qasm_gates_include(ctx, &p->gates, SET_BUILTIN_2));
    qasm_lexer_init(&p->lexer, ctx, false);
    qt_code code = qasm2_advance(p);
    while (!ctx->fatal && !(code == QT_OK && qasm2_at(p, TOK_END))) {
        const char *start = p->tok.start;
        p->declaring = NULL;
        code = code == QT_OK ? statement(p) : code;
        p->started = true;
        p->in_library = p->in_library && p->lexer.depth > 0;
        if (code != QT_OK && !ctx->fatal) {
            recover(p, start);
            code = QT_OK;
        }
    }
    return ctx->fatal ? QT_INVALID_ARGUMENT : QT_OK;
}
