/* Inputs: values that the caller gives. Outputs: what the result is made of. */
#include "qasm/elab.h"

#include <string.h>

/* ---- inputs ---- */

static const qt_qasm_input *find_input(const qasm_elab *e, const char *name) {
    const qt_qasm_options *o = &e->ctx->options;
    for (size_t i = 0; i < o->input_count; i++) {
        if (strcmp(o->inputs[i].name, name) == 0) {
            return &o->inputs[i];
        }
    }
    return NULL;
}

/* The given text as an initializer, between two tokens of the program. */
static qt_code parse_input(qasm_elab *e, const char *text, ast_expr **ret_expr) {
    qasm3_parser *p = &e->parser;
    qasm_lexer lexer = p->lexer;
    qasm_token token = p->tok;
    size_t depth = p->depth;
    p->lexer = (qasm_lexer){
        .ctx = e->ctx, .at = text, .end = text + strlen(text), .last_end = text, .v3 = true};
    qt_code code = qasm3_advance(p);
    code = code == QT_OK ? qasm3_initializer(p, ret_expr) : code;
    bool complete = qasm3_at(p, TOK_END);
    p->lexer = lexer;
    p->tok = token;
    p->depth = depth;
    return code == QT_OK && complete ? QT_OK : QT_INVALID_ARGUMENT;
}

static bool measures(const ast_expr *x, const void *arg) {
    (void)arg;
    return x->kind == EXPR_MEASURE;
}

static qt_code declare_with(qasm_elab *e, const ast_stmt *s, const char *text) {
    ast_stmt with = *s;
    with.is_input = false;
    QT_TRY(parse_input(e, text, &with.expr));
    if (!qasm_is_constant(with.expr) || qasm_any_expr(with.expr, measures, NULL)) {
        return QT_INVALID_ARGUMENT;
    }
    return qasm_declaration(e, &with);
}

/* The value's text is no part of the program, so that errors in it are told about the input. */
qt_code qasm_input(qasm_elab *e, const ast_stmt *s) {
    const qt_qasm_input *input = find_input(e, s->name->text);
    if (input == NULL) {
        return qasm_fail(e->ctx, s->name_at, QT_REASON_CIRCUIT_SYNTAX,
                         "inputs are given with the run", "the input '%.60s' has no value",
                         s->name->text);
    }
    e->inputs_used++;
    s->name->is_input = true;
    e->ctx->quiet = true;
    qt_code code = declare_with(e, s, input->value);
    e->ctx->quiet = false;
    if (code == QT_OK) {
        if (s->type->kind == TYPE_BIT) {
            const qasm_symbol *symbol = s->name->data;
            e->ctx->builder.circuit->registers[symbol->reg].hidden = true;
        }
        return QT_OK;
    }
    return e->ctx->fatal ? code
                         : qasm_syntax(e->ctx, s->name_at,
                                       "the value '%.60s' of the input '%.60s' is no constant of "
                                       "its type",
                                       input->value, s->name->text);
}

qt_code qasm_check_inputs(qasm_elab *e) {
    const qt_qasm_options *o = &e->ctx->options;
    for (size_t i = 0; e->inputs_used < o->input_count && i < o->input_count; i++) {
        qasm_name *name = qasm_names_add(&e->ctx->names, &e->ctx->arena, o->inputs[i].name);
        if (name == NULL) {
            return qasm_no_memory(e->ctx);
        }
        if (!name->is_input) {
            return qasm_syntax(e->ctx, e->ctx->sources[0].text.start,
                               "a value is given for '%.60s', which is no input of the program",
                               o->inputs[i].name);
        }
    }
    return QT_OK;
}

/* ---- outputs ---- */

static qt_code add_output_register(qasm_elab *e, uint32_t reg) {
    QASM_GROW(e->ctx, e->outputs, e->output_cap, e->output_count + 1);
    e->outputs[e->output_count++] = reg;
    return QT_OK;
}

qt_code qasm_output_bits(qasm_elab *e, const qasm_symbol *symbol) {
    return add_output_register(e, symbol->reg);
}

static bool has_bits(uint8_t type) {
    return qasm_is_integral(type) || type == TYPE_ANGLE;
}

/* A number gets a register of its own, which takes its value when the program ends. */
qt_code qasm_output(qasm_elab *e, const ast_stmt *s) {
    const qasm_symbol *symbol = s->name->data;
    const qasm_array *array = symbol->kind == SYMBOL_ARRAY ? symbol->array : NULL;
    uint8_t type = array != NULL ? array->type : symbol->value.type;
    uint32_t width = array != NULL ? array->width : symbol->value.width;
    uint64_t bits = array != NULL ? (uint64_t)array->count * width : width;
    qasm_result *result = qasm_alloc(e->ctx, sizeof *result);
    if (result == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    if (!has_bits(type) || bits == 0) {
        return qasm_warn(e->ctx, s->name_at,
                         "the output '%.60s' holds no bits and is no part of the counts",
                         s->name->text);
    }
    if (bits > e->ctx->options.limits.max_qubits) {
        return qasm_too_large(e->ctx, s->name_at, "more than %u bits",
                              e->ctx->options.limits.max_qubits);
    }
    *result = (qasm_result){.symbol = symbol, .outer = e->results, .at = s->name_at};
    qt_builder *b = &e->ctx->builder;
    QASM_BUILD(
        e->ctx, s->name_at,
        qt_build_register(b, QT_REGISTER_BIT, s->name->text, (uint32_t)bits, &result->reg, err));
    b->circuit->registers[result->reg].scalar = bits == 1;
    e->results = result;
    return add_output_register(e, result->reg);
}

static qt_code store(qasm_elab *e, const qasm_result *r, uint32_t first, const qasm_value *v) {
    qt_builder *b = &e->ctx->builder;
    const qt_register *reg = &b->circuit->registers[r->reg];
    qasm_value bits;
    uint32_t expr = 0;
    QT_TRY(qasm_cast(e->ctx, v, TYPE_BIT, v->width, r->at, &bits));
    if (v->width == reg->size) {
        QT_TRY(qasm_value_expr(e->ctx, &bits, r->at, &expr));
        qt_lvalue target = reg->size == 1 ? QT_LVALUE_BIT : QT_LVALUE_REG;
        uint32_t what = reg->size == 1 ? reg->first : r->reg;
        QASM_BUILD(e->ctx, r->at, qt_build_assign(b, target, what, expr, QT_NO_INDEX, err));
        return QT_OK;
    }
    for (uint32_t i = 0; i < v->width; i++) {
        qasm_value index = qasm_int_value(i);
        qasm_value bit;
        QT_TRY(qasm_value_bit(e, &bits, &index, r->at, &bit));
        QT_TRY(qasm_value_expr(e->ctx, &bit, r->at, &expr));
        QASM_BUILD(e->ctx, r->at,
                   qt_build_assign(b, QT_LVALUE_BIT,
                                   b->circuit->registers[r->reg].first + first + i, expr,
                                   QT_NO_INDEX, err));
    }
    return QT_OK;
}

qt_code qasm_store_results(qasm_elab *e) {
    for (const qasm_result *r = e->results; r != NULL; r = r->outer) {
        if (r->symbol->kind != SYMBOL_ARRAY) {
            QT_TRY(store(e, r, 0, &r->symbol->value));
            continue;
        }
        const qasm_array *array = r->symbol->array;
        for (uint32_t i = 0; i < array->count; i++) {
            QT_TRY(store(e, r, i * array->width, &array->items[i]->value));
        }
    }
    return QT_OK;
}
