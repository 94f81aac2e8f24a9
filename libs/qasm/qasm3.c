/* The OpenQASM 3 program: version, includes, and one statement after the other. */
#include "qasm/elab.h"
#include "qasm/fast.h"

#include <string.h>

static qt_code version(qasm_elab *e) {
    qasm3_parser *p = &e->parser;
    const char *at = p->tok.start;
    if (p->started) {
        return qasm_syntax(e->ctx, at, "the version stands at the start of the program");
    }
    QT_TRY(qasm3_advance(p));
    const char *text = p->tok.start;
    size_t len = (size_t)(p->tok.end - text);
    if (!qasm3_at(p, TOK_REAL) && !qasm3_at(p, TOK_INT)) {
        return qasm3_expected(p, "a version");
    }
    bool three = text[0] == '3' &&
                 (len == 1 || (len == 3 && text[1] == '.' && (text[2] == '0' || text[2] == '1')));
    if (!three) {
        return qasm_unsupported(e->ctx, text, "OpenQASM version %.*s is not supported here",
                                len < 20 ? (int)len : 20, text);
    }
    p->minor = len == 3 ? (unsigned)(text[2] - '0') : 0;
    QT_TRY(qasm3_advance(p));
    return qasm3_expect(p, ';');
}

static qt_code include_file(qasm_elab *e) {
    qasm3_parser *p = &e->parser;
    QT_TRY(qasm3_advance(p));
    if (!qasm3_at(p, TOK_STRING)) {
        return qasm3_expected(p, "a file name in quotes");
    }
    const char *at = p->tok.start - 1;
    const char *name = qasm_strndup(e->ctx, p->tok.start, (size_t)(p->tok.end - p->tok.start));
    if (name == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    QT_TRY(qasm3_advance(p));
    if (!qasm3_at(p, ';')) {
        return qasm3_expected(p, "';'");
    }
    bool std = strcmp(name, "stdgates.inc") == 0;
    if (std || strcmp(name, "qelib1.inc") == 0) {
        e->stdgates = e->stdgates || std;
        QT_TRY(qasm_gates_include(e->ctx, &e->gates, std ? SET_STDGATES : SET_QELIB1 | SET_LATER));
        return qasm3_advance(p);
    }
    QT_TRY(qasm_lexer_include(&p->lexer, name, at));
    return qasm3_advance(p);
}

static qt_code include(qasm_elab *e) {
    qt_code code = include_file(e);
    e->ctx->told_include = e->ctx->told_include || code != QT_OK;
    return code;
}

static qt_code elaborate(qasm_elab *e, const ast_stmt *s) {
    if (e->ended) {
        return QT_OK; /* behind `end`: it must be well-formed, and never runs */
    }
    qt_code code = qasm_statement(e, s);
    e->ended = e->flow == FLOW_END;
    e->flow = FLOW_NEXT;
    return code;
}

/* After an error inside blocks or subroutines: at the top again. */
static void back_to_top(qasm_elab *e, size_t scope_start) {
    qasm_scope_close_all(e, scope_start);
    e->frame = 0;
    e->level = 0;
    e->call_depth = 0;
    e->region = NULL;
    e->choices = NULL;
    e->in_case = NULL;
    e->may_choose = false;
    e->flow = FLOW_NEXT;
}

/* A name whose declaration was refused: its uses are not reported too. */
static void declare_bad(qasm_elab *e, const ast_stmt *s) {
    bool declares =
        s != NULL && (s->kind == STMT_DECLARE || s->kind == STMT_QUBIT || s->kind == STMT_ALIAS ||
                      s->kind == STMT_DEF || s->kind == STMT_EXTERN);
    qasm_symbol *symbol = NULL;
    if (declares && s->name != NULL && s->name->meaning == MEANING_NONE && !e->ctx->fatal) {
        (void)qasm_declare(e, s->name, s->name_at, SYMBOL_BAD, &symbol);
    } else if (s != NULL && s->kind == STMT_GATE_DEF && s->name != NULL) {
        s->name->reported = true;
    }
}

static qt_code one(qasm_elab *e) {
    qasm3_parser *p = &e->parser;
    ast_stmt *s = NULL;
    size_t scope_start = e->scope_start;
    qasm3_keyword keyword = qasm3_at_keyword(p);
    if (keyword == KW3_OPENQASM) {
        return version(e);
    }
    if (keyword == KW3_INCLUDE) {
        return include(e);
    }
    qt_code code = qasm3_statement(p, &s);
    p->arena = &p->scratch;
    bool parsed = code == QT_OK;
    if (parsed && elaborate(e, s) != QT_OK) {
        code = QT_INVALID_ARGUMENT;
        back_to_top(e, scope_start); /* it was reported; the parser stands behind it */
    }
    if (code != QT_OK) {
        qasm_ensure_reported(e->ctx, s != NULL ? s->at : p->tok.start);
        declare_bad(e, s);
    }
    qt_arena_reset(&p->scratch);
    return parsed ? QT_OK : code;
}

/* Plain gates on the quick way, or else one statement. */
static qt_code next(qasm_elab *e) {
    qasm3_parser *p = &e->parser;
    bool any = false;
    if (qasm3_at_name(p) && p->tok.value.name->meaning == MEANING_GATE && !e->ended) {
        QT_TRY(qasm_fast_gates(&p->lexer, &e->gates, &p->tok, &any));
    }
    return any ? qasm3_advance(p) : one(e);
}

/* When a program says what its outputs are, the other registers are no part of the counts. */
static void hide_registers(qasm_elab *e) {
    qt_circuit *c = e->ctx->builder.circuit;
    for (size_t i = 0; e->output_count > 0 && i < c->register_count; i++) {
        bool output = false;
        for (size_t k = 0; k < e->output_count; k++) {
            output = output || e->outputs[k] == i;
        }
        c->registers[i].hidden |= c->registers[i].kind == QT_REGISTER_BIT && !output;
    }
}

static qt_code run(qasm_elab *e) {
    qasm3_parser *p = &e->parser;
    qt_code code = e->ctx->options.braket ? qasm_braket_start(e) : qasm3_advance(p);
    while (!e->ctx->fatal && !(code == QT_OK && qasm3_at(p, TOK_END))) {
        const char *start = p->tok.start;
        code = code == QT_OK ? next(e) : code;
        p->started = true;
        if (code != QT_OK && !e->ctx->fatal) {
            p->depth = 0;
            p->blocks = 0;
            qasm3_recover(p, start, false);
            code = QT_OK;
        }
    }
    if (!e->ctx->fatal && e->ctx->diagnostics.count == 0) {
        QT_TRY(qasm_check_inputs(e));
        QT_TRY(qasm_store_results(e));
        QT_TRY(e->ctx->options.braket ? qasm_braket_finish(e) : QT_OK);
    }
    hide_registers(e);
    return e->ctx->fatal ? QT_INVALID_ARGUMENT : QT_OK;
}

qt_code qasm3_parse(qasm_context *ctx) {
    qasm_elab *e = qasm_alloc(ctx, sizeof *e);
    if (e == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    qt_code code = qasm_elab_init(e, ctx);
    code = code == QT_OK ? run(e) : code;
    qasm3_parser_done(&e->parser);
    return code;
}
