/* Statements without control flow: reset, barrier, delay, box, notes, end. */
#include "qasm/elab.h"

#include "circuit/print.h"

#include <stdio.h>
#include <string.h>

typedef struct statement {
    const ast_stmt *s;
    uint32_t count; /* of operands */
} statement;

/* Runs on the qubits of operands. */
static qt_code with_operands(qasm_elab *e, const ast_stmt *s, ast_expr *const *operands,
                             uint32_t count, qasm_qubits_fn run) {
    statement with = {.s = s, .count = count};
    qasm_selection selection = {.operands = operands, .count = count, .run = run, .arg = &with};
    selection.bits = qasm_alloc(e->ctx, (count + 1) * sizeof *selection.bits);
    if (selection.bits == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    return qasm_with_qubits(e, &selection);
}

static qt_code reset_these(qasm_elab *e, const qasm_bits *bits, void *arg) {
    const statement *with = arg;
    QT_TRY(qasm_tick(e->ctx, with->s->at, bits->count));
    for (uint32_t i = 0; i < bits->count; i++) {
        QASM_BUILD(e->ctx, with->s->at, qt_build_reset(&e->ctx->builder, qasm_bit(bits, i), err));
    }
    return QT_OK;
}

qt_code qasm_reset(qasm_elab *e, const ast_stmt *s) {
    ast_expr *operands[1] = {s->expr};
    return with_operands(e, s, operands, 1, reset_these);
}

/* All qubits of the operands in one list. */
static qt_code gather(qasm_elab *e, const qasm_bits *bits, const statement *with,
                      uint32_t **ret_qubits, size_t *ret_count) {
    uint32_t *qubits = NULL;
    size_t count = 0;
    size_t cap = 0;
    for (uint32_t i = 0; i < with->count; i++) {
        QT_TRY(qasm_tick(e->ctx, with->s->at, bits[i].count));
        QASM_GROW(e->ctx, qubits, cap, count + bits[i].count);
        for (uint32_t k = 0; k < bits[i].count; k++) {
            qubits[count++] = qasm_bit(&bits[i], k);
        }
    }
    *ret_qubits = qubits;
    *ret_count = count;
    return QT_OK;
}

static qt_code barrier_these(qasm_elab *e, const qasm_bits *bits, void *arg) {
    const statement *with = arg;
    uint32_t *qubits = NULL;
    size_t count = 0;
    QT_TRY(gather(e, bits, with, &qubits, &count));
    QASM_BUILD(e->ctx, with->s->at, qt_build_barrier(&e->ctx->builder, qubits, count, err));
    return QT_OK;
}

qt_code qasm_barrier(qasm_elab *e, const ast_stmt *s) {
    return with_operands(e, s, s->operands, s->operand_count, barrier_these);
}

static qt_code ignore(qasm_elab *e, const qasm_bits *bits, void *arg) {
    (void)e;
    (void)bits;
    (void)arg;
    return QT_OK;
}

qt_code qasm_nop(qasm_elab *e, const ast_stmt *s) {
    return with_operands(e, s, s->operands, s->operand_count, ignore);
}

/* ---- timing ---- */

static uint32_t line_of(qasm_elab *e, const char *at) {
    qt_text *text = &e->ctx->sources[0].text;
    size_t ignored = 0;
    if (at < text->start || at > text->start + text->len) {
        return 0;
    }
    return qt_text_line(text, (size_t)(at - text->start), &ignored);
}

static qt_code duration(qasm_elab *e, const ast_expr *expr, char text[QASM_DURATION_BYTES]) {
    qasm_value v;
    QT_TRY(qasm_eval(e, expr, &v));
    if (v.type != TYPE_DURATION) {
        return qasm_syntax(e->ctx, expr->at, "a duration is expected here, not a value of type %s",
                           qasm_type_name(v.type));
    }
    if (v.f < 0 || v.im < 0) {
        return qasm_syntax(e->ctx, expr->at, "the duration is negative");
    }
    qasm_duration_text(&v, text);
    return QT_OK;
}

qt_code qasm_ignore_duration(qasm_elab *e, const ast_expr *expr, const char *of) {
    char text[QASM_DURATION_BYTES];
    QT_TRY(duration(e, expr, text));
    return qasm_warn(e->ctx, expr->at, "the duration of %s has no effect", of);
}

static qt_code delay_these(qasm_elab *e, const qasm_bits *bits, void *arg) {
    const statement *with = arg;
    const ast_stmt *s = with->s;
    uint32_t *qubits = NULL;
    size_t count = 0;
    char text[QASM_DURATION_BYTES];
    QT_TRY(gather(e, bits, with, &qubits, &count));
    QT_TRY(qasm_check_distinct(e, qubits, count, s->at, "a delay"));
    QT_TRY(duration(e, s->expr, text));
    QASM_BUILD(e->ctx, s->at,
               qt_build_delay(&e->ctx->builder, qubits, count, text, line_of(e, s->at), err));
    return QT_OK;
}

qt_code qasm_delay(qasm_elab *e, const ast_stmt *s) {
    if (!e->warned_delay) {
        e->warned_delay = true;
        QT_TRY(qasm_warn(e->ctx, s->at, "delays have no effect on the result"));
    }
    return with_operands(e, s, s->operands, s->operand_count, delay_these);
}

static qt_code build_note(qasm_elab *e, const char *text, const char *at) {
    QASM_BUILD(e->ctx, at, qt_build_note(&e->ctx->builder, text, line_of(e, at), err));
    return QT_OK;
}

/* The borders of a box are notes, so that it can be printed again. */
qt_code qasm_box(qasm_elab *e, const ast_stmt *s) {
    char text[QASM_DURATION_BYTES];
    char head[QASM_DURATION_BYTES + sizeof "box[] {"] = "box {";
    if (s->expr != NULL) {
        QT_TRY(duration(e, s->expr, text));
        snprintf(head, sizeof head, "box[%s] {", text);
        QT_TRY(qasm_warn(e->ctx, s->at, "the duration of a box has no effect"));
    }
    QT_TRY(build_note(e, head, s->at));
    QT_TRY(qasm_run_block(e, &s->body));
    return build_note(e, "}", s->at);
}

/* ---- the rest ---- */

/* Printed circuits say that their variables are those of the circuit. */
static bool is_runtime_pragma(const ast_stmt *s) {
    static const char pragma[] = QT_PRINT_RUNTIME_PRAGMA;
    return s->len == sizeof pragma - 1 && memcmp(s->text, pragma, s->len) == 0;
}

qt_code qasm_note(qasm_elab *e, const ast_stmt *s) {
    if (is_runtime_pragma(s)) {
        e->runtime = true;
        return QT_OK;
    }
    if (e->ctx->options.braket) {
        bool done = false;
        QT_TRY(qasm_braket_pragma(e, s, &done));
        if (done) {
            return QT_OK;
        }
    }
    char *text = qasm_strndup(e->ctx, s->text, s->len);
    return text != NULL ? build_note(e, text, s->at) : QT_RESOURCE_EXHAUSTED;
}

qt_code qasm_end(qasm_elab *e, const ast_stmt *s) {
    if (e->level > 0) {
        QT_TRY(qasm_store_results(e));
        QASM_BUILD(e->ctx, s->at, qt_build_end(&e->ctx->builder, err));
    }
    e->flow = FLOW_END;
    return QT_OK;
}

qt_code qasm_expr_statement(qasm_elab *e, const ast_stmt *s) {
    qasm_value v;
    return qasm_eval(e, s->expr, &v);
}
