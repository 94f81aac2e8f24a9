#include "qasm/qasm.h"

#include "base/cleanup.h"
#include "qasm/elab.h"
#include "qasm/lex.h"
#include "qasm/qasm2.h"

#include <stdio.h>
#include <string.h>

static bool is_word(const qasm_token *t, const char *word) {
    size_t len = strlen(word);
    return t->kind == TOK_ID && (size_t)(t->end - t->start) == len &&
           memcmp(t->start, word, len) == 0;
}

static bool is_include(const qasm_token *t, const char *file) {
    size_t len = strlen(file);
    return t->kind == TOK_STRING && (size_t)(t->end - t->start) == len &&
           memcmp(t->start, file, len) == 0;
}

/* Words that start a statement of OpenQASM 3 alone. */
static bool is_new_word(const qasm_token *t) {
    static const char *const words[] = {"qubit", "bit",   "int",   "uint",  "float",  "angle",
                                        "bool",  "const", "let",   "def",   "array",  "input",
                                        "box",   "for",   "while", "input", "output", "complex"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_word(t, words[i])) {
            return true;
        }
    }
    return false;
}

/* The header decides; without one the first word that only one of the languages has. */
static qt_qasm_version detect(qasm_context *ctx) {
    qasm_lexer lexer;
    qasm_token t = {0};
    qasm_lexer_init(&lexer, ctx, true);
    ctx->quiet = true;
    qt_qasm_version version = QT_QASM_DETECT;
    bool first = true;
    while (version == QT_QASM_DETECT && lexer.at < lexer.end && !ctx->fatal) {
        if (qasm_lex(&lexer, &t) != QT_OK) {
            continue;
        }
        if (first && is_word(&t, "OPENQASM")) {
            bool number =
                qasm_lex(&lexer, &t) == QT_OK && (t.kind == TOK_INT || t.kind == TOK_REAL);
            version = number && *t.start == '2' ? QT_QASM_2 : QT_QASM_3;
        } else if (is_word(&t, "qreg") || is_word(&t, "creg") || is_include(&t, "qelib1.inc")) {
            version = QT_QASM_2;
        } else if (is_new_word(&t) || is_include(&t, "stdgates.inc")) {
            version = QT_QASM_3;
        }
        first = false;
    }
    ctx->quiet = false;
    return version == QT_QASM_DETECT ? QT_QASM_3 : version;
}

static qt_code parse(qasm_context *ctx) {
    qt_qasm_version version = ctx->options.version;
    version = version == QT_QASM_DETECT ? detect(ctx) : version;
    if (version != QT_QASM_2) {
        return qasm3_parse(ctx);
    }
    if (ctx->options.input_count > 0) {
        return qasm_syntax(ctx, ctx->sources[0].text.start, "OpenQASM 2 has no inputs");
    }
    return qasm2_parse(ctx);
}

static qt_code finish(qasm_context *ctx, qt_code code, qt_circuit **ret_circuit, qt_err *err) {
    if (ctx->diagnostics.count > 0) {
        return qt_diagnostics_raise(&ctx->diagnostics, err);
    }
    if (ctx->fatal) {
        return err->code; /* no memory, which is nobody's line */
    }
    QT_TRY(code);
    return qt_builder_finish(&ctx->builder, ret_circuit, err);
}

qt_code qt_qasm_parse(const char *text, size_t len, const qt_qasm_options *options,
                      qt_circuit **ret_circuit, qt_diagnostics *ret_diagnostics, qt_err *err) {
    QT_CLEANUP(qasm_context_done) qasm_context ctx = {0};
    QT_TRY(qasm_context_init(&ctx, text, len, options, err));
    qt_code code = finish(&ctx, parse(&ctx), ret_circuit, err);
    if (ret_diagnostics != NULL) {
        *ret_diagnostics = ctx.diagnostics;
        ctx.diagnostics = (qt_diagnostics){0};
    }
    if (code != QT_OK) {
        err->diagnostics = ret_diagnostics;
    }
    return code;
}
