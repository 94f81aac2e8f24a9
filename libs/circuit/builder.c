#include "circuit/builder.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "circuit/grow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const qt_circuit_limits qt_circuit_default_limits = {
    .max_ops = 50000000, .max_qubits = 1000000, .max_bytes = (size_t)4 << 30};

qt_circuit_limits qt_circuit_limits_or_defaults(const qt_circuit_limits *limits) {
    qt_circuit_limits l = *limits;
    const qt_circuit_limits *d = &qt_circuit_default_limits;
    l.max_ops = l.max_ops > 0 ? l.max_ops : d->max_ops;
    l.max_qubits = l.max_qubits > 0 ? l.max_qubits : d->max_qubits;
    l.max_bytes = l.max_bytes > 0 ? l.max_bytes : d->max_bytes;
    return l;
}

qt_code qt_builder_init(qt_builder *b, const qt_circuit_limits *limits, qt_err *err) {
    void *circuit = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_circuit), &circuit, err));
    *b = (qt_builder){.circuit = circuit, .limits = *limits};
    qt_arena_init(&b->circuit->strings, 0);
    return QT_OK;
}

void qt_builder_done(qt_builder *b) {
    qt_circuit_free(b->circuit);
    free(b->blocks);
    *b = (qt_builder){0};
}

qt_code qt_builder_finish(qt_builder *b, qt_circuit **ret_circuit, qt_err *err) {
    if (b->block_count > 0) {
        return qt_fail(err, INTERNAL, "%zu blocks of the circuit are open", b->block_count);
    }
    *ret_circuit = QT_TAKE(b->circuit);
    return QT_OK;
}

static qt_code too_many_bytes(const qt_builder *b, qt_err *err) {
    return qt_fail(err, CIRCUIT_TOO_LARGE, "the circuit takes more than %zu bytes",
                   b->limits.max_bytes);
}

qt_code qt_builder_grow(qt_builder *b, void **array, size_t *cap, size_t need, size_t item_bytes,
                        qt_err *err) {
    enum { FIRST = 64 };
    size_t left = b->limits.max_bytes - (b->bytes < b->limits.max_bytes ? b->bytes : 0);
    if (need > UINT32_MAX || (need - *cap) * item_bytes > left) {
        return too_many_bytes(b, err);
    }
    size_t next = *cap < FIRST / 2 ? FIRST : *cap * 2;
    next = next > need ? next : need;
    if ((next - *cap) * item_bytes > left) {
        next = need;
    }
    QT_TRY(qt_try_realloc(array, next * item_bytes, err));
    b->bytes += (next - *cap) * item_bytes;
    *cap = next;
    return QT_OK;
}

static qt_code too_many_ops(const qt_builder *b, qt_err *err) {
    return qt_fail(err, CIRCUIT_TOO_LARGE, "the circuit has more than %zu operations",
                   b->limits.max_ops);
}

qt_code qt_builder_push(qt_builder *b, qt_op op, qt_err *err) {
    qt_circuit *c = b->circuit;
    if (c->op_count >= b->limits.max_ops) {
        return too_many_ops(b, err);
    }
    QT_GROW(b, c->ops, b->ops_cap, c->op_count + 1, err);
    c->ops[c->op_count++] = op;
    return QT_OK;
}

static qt_code copy_text(qt_builder *b, const char *text, const char **ret_copy, qt_err *err) {
    size_t len = strlen(text);
    if (b->limits.max_bytes - (b->bytes < b->limits.max_bytes ? b->bytes : 0) < len + 1) {
        return too_many_bytes(b, err);
    }
    const char *copy = qt_arena_strndup(&b->circuit->strings, text, len);
    if (copy == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for a name");
    }
    b->bytes += len + 1;
    *ret_copy = copy;
    return QT_OK;
}

qt_code qt_build_register(qt_builder *b, qt_register_kind kind, const char *name, uint32_t size,
                          uint32_t *ret_register, qt_err *err) {
    qt_circuit *c = b->circuit;
    uint32_t *total = kind == QT_REGISTER_QUBIT ? &c->num_qubits : &c->num_clbits;
    if (size > b->limits.max_qubits || *total > b->limits.max_qubits - size) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "the circuit has more than %u %s",
                       b->limits.max_qubits,
                       kind == QT_REGISTER_QUBIT ? "qubits" : "classical bits");
    }
    QT_GROW(b, c->registers, b->registers_cap, c->register_count + 1, err);
    const char *copy = NULL;
    QT_TRY(copy_text(b, name, &copy, err));
    c->registers[c->register_count] =
        (qt_register){.name = copy, .kind = kind, .first = *total, .size = size};
    *total += size;
    *ret_register = (uint32_t)c->register_count++;
    return QT_OK;
}

qt_code qt_build_variable(qt_builder *b, const char *name, qt_type type, uint32_t width,
                          uint32_t *ret_variable, qt_err *err) {
    qt_circuit *c = b->circuit;
    QT_GROW(b, c->variables, b->variables_cap, c->variable_count + 1, err);
    const char *copy = NULL;
    QT_TRY(copy_text(b, name, &copy, err));
    c->variables[c->variable_count] = (qt_variable){.name = copy, .type = type, .width = width};
    *ret_variable = (uint32_t)c->variable_count++;
    return QT_OK;
}

static qt_code add_operands(qt_builder *b, const uint32_t *qubits, size_t count,
                            uint32_t *ret_first, qt_err *err) {
    qt_circuit *c = b->circuit;
    QT_GROW(b, c->operands, b->operands_cap, c->operand_count + count, err);
    if (count > 0) {
        memcpy(c->operands + c->operand_count, qubits, count * sizeof *qubits);
    }
    *ret_first = (uint32_t)c->operand_count;
    c->operand_count += count;
    return QT_OK;
}

/* The operands of a gate: two in the operation, more in the pool. */
static qt_code set_qubits(qt_builder *b, qt_op *op, const uint32_t *qubits, size_t count,
                          qt_err *err) {
    op->qubit_count = (uint8_t)count;
    if (count > 2) {
        return add_operands(b, qubits, count, &op->a, err);
    }
    op->a = count > 0 ? qubits[0] : 0;
    op->b = count > 1 ? qubits[1] : 0;
    return QT_OK;
}

static qt_code check_gate(qt_gate gate, size_t control_count, size_t *ret_count, qt_err *err) {
    size_t count = control_count + qt_gate_get_info(gate)->qubit_count;
    if (count > QT_MAX_GATE_QUBITS) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "a gate has more than %d qubits",
                       QT_MAX_GATE_QUBITS);
    }
    *ret_count = count;
    return QT_OK;
}

qt_code qt_build_gate(qt_builder *b, qt_gate gate, const uint32_t *qubits, size_t control_count,
                      const double *params, qt_err *err) {
    qt_circuit *c = b->circuit;
    size_t count = 0;
    QT_TRY(check_gate(gate, control_count, &count, err));
    qt_op op = {.kind = QT_OP_GATE, .sub = (uint8_t)gate, .control_count = (uint8_t)control_count};
    QT_TRY(set_qubits(b, &op, qubits, count, err));
    size_t param_count = qt_gate_get_info(gate)->param_count;
    QT_GROW(b, c->params, b->params_cap, c->param_count + param_count, err);
    op.param = (uint32_t)c->param_count;
    for (size_t i = 0; i < param_count; i++) {
        c->params[c->param_count + i] = params[i];
    }
    c->param_count += param_count;
    return qt_builder_push(b, op, err);
}

qt_code qt_build_gate_dynamic(qt_builder *b, qt_gate gate, const uint32_t *qubits,
                              size_t control_count, const uint32_t *param_exprs, qt_err *err) {
    qt_circuit *c = b->circuit;
    size_t count = 0;
    QT_TRY(check_gate(gate, control_count, &count, err));
    qt_op op = {
        .kind = QT_OP_GATE_DYNAMIC, .sub = (uint8_t)gate, .control_count = (uint8_t)control_count};
    QT_TRY(set_qubits(b, &op, qubits, count, err));
    size_t param_count = qt_gate_get_info(gate)->param_count;
    QT_GROW(b, c->param_exprs, b->param_exprs_cap, c->param_expr_count + param_count, err);
    op.param = (uint32_t)c->param_expr_count;
    for (size_t i = 0; i < param_count; i++) {
        c->param_exprs[c->param_expr_count + i] = param_exprs[i];
    }
    c->param_expr_count += param_count;
    return qt_builder_push(b, op, err);
}

qt_code qt_build_measure(qt_builder *b, uint32_t qubit, uint32_t clbit, qt_err *err) {
    return qt_builder_push(b, (qt_op){.kind = QT_OP_MEASURE, .a = qubit, .b = clbit}, err);
}

qt_code qt_build_reset(qt_builder *b, uint32_t qubit, qt_err *err) {
    return qt_builder_push(b, (qt_op){.kind = QT_OP_RESET, .a = qubit}, err);
}

qt_code qt_build_barrier(qt_builder *b, const uint32_t *qubits, size_t count, qt_err *err) {
    qt_op op = {.kind = QT_OP_BARRIER, .b = (uint32_t)count};
    QT_TRY(add_operands(b, qubits, count, &op.a, err));
    return qt_builder_push(b, op, err);
}

static qt_code add_note(qt_builder *b, const char *text, uint32_t line, uint32_t *ret_note,
                        qt_err *err) {
    qt_circuit *c = b->circuit;
    QT_GROW(b, c->notes, b->notes_cap, c->note_count + 1, err);
    const char *copy = NULL;
    QT_TRY(copy_text(b, text, &copy, err));
    c->notes[c->note_count] = (qt_note){.text = copy, .line = line};
    *ret_note = (uint32_t)c->note_count++;
    return QT_OK;
}

qt_code qt_build_delay(qt_builder *b, const uint32_t *qubits, size_t count, const char *duration,
                       uint32_t line, qt_err *err) {
    qt_op op = {.kind = QT_OP_DELAY, .b = (uint32_t)count};
    QT_TRY(add_operands(b, qubits, count, &op.a, err));
    QT_TRY(add_note(b, duration, line, &op.c, err));
    return qt_builder_push(b, op, err);
}

qt_code qt_build_note(qt_builder *b, const char *text, uint32_t line, qt_err *err) {
    qt_op op = {.kind = QT_OP_NOTE};
    QT_TRY(add_note(b, text, line, &op.a, err));
    return qt_builder_push(b, op, err);
}

qt_code qt_build_warning(qt_builder *b, const char *text, qt_err *err) {
    qt_circuit *c = b->circuit;
    QT_GROW(b, c->warnings, b->warnings_cap, c->warning_count + 1, err);
    const char *copy = NULL;
    QT_TRY(copy_text(b, text, &copy, err));
    c->warnings[c->warning_count++] = (char *)(uintptr_t)copy;
    return QT_OK;
}

qt_code qt_build_expr(qt_builder *b, qt_expr expr, uint32_t *ret_expr, qt_err *err) {
    qt_circuit *c = b->circuit;
    QT_GROW(b, c->exprs, b->exprs_cap, c->expr_count + 1, err);
    c->exprs[c->expr_count] = expr;
    *ret_expr = (uint32_t)c->expr_count++;
    return QT_OK;
}

qt_code qt_build_wide(qt_builder *b, const uint64_t *words, uint32_t width, uint32_t *ret_expr,
                      qt_err *err) {
    qt_circuit *c = b->circuit;
    size_t count = ((size_t)width + 63) / 64;
    assert(count > 0);
    QT_GROW(b, c->wide_words, b->wide_words_cap, c->wide_word_count + count, err);
    memcpy(c->wide_words + c->wide_word_count, words, count * sizeof *words);
    qt_expr expr = {.kind = QT_EXPR_WIDE,
                    .type = QT_TYPE_BIT,
                    .width = width,
                    .u = {(uint32_t)c->wide_word_count, (uint32_t)count}};
    c->wide_word_count += count;
    return qt_build_expr(b, expr, ret_expr, err);
}
