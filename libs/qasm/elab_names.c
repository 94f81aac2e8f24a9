/* Scopes and classical variables of OpenQASM 3. */
#include "qasm/elab.h"

static const struct {
    const char *name;
    double value;
} constants[] = {
    {"pi", 3.14159265358979323846},    {"\xCF\x80", 3.14159265358979323846},
    {"tau", 6.28318530717958647692},   {"\xCF\x84", 6.28318530717958647692},
    {"euler", 2.71828182845904523536}, {"\xE2\x84\x87", 2.71828182845904523536},
};

static qt_code declare_constants(qasm_elab *e) {
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        qasm_symbol *symbol = NULL;
        qasm_name *name = qasm_names_add(&e->ctx->names, &e->ctx->arena, constants[i].name);
        if (name == NULL) {
            return qasm_no_memory(e->ctx);
        }
        QT_TRY(qasm_declare(e, name, e->ctx->sources[0].text.start, SYMBOL_CONST, &symbol));
        symbol->value = qasm_float_value(constants[i].value);
    }
    return QT_OK;
}

/* The word is a keyword of the grammar, so it is found by index and not by name. */
static qt_code add_gphase(qasm_elab *e) {
    const qasm_gate gate = {.name = "gphase",
                            .form = FORM_BASE,
                            .base = QT_GATE_GPHASE,
                            .param_count = 1,
                            .ops = 1,
                            .frame = 1};
    return qasm_gates_add(e->ctx, &e->gates, gate, &e->gphase);
}

qt_code qasm_elab_init(qasm_elab *e, qasm_context *ctx) {
    *e = (qasm_elab){.ctx = ctx};
    QT_TRY(qasm3_parser_init(&e->parser, ctx));
    QT_TRY(qasm_gates_init(ctx, &e->gates));
    QT_TRY(qasm_gates_include(ctx, &e->gates, SET_BUILTIN_3));
    QT_TRY(add_gphase(e));
    QT_TRY(declare_constants(e));
    e->scope_start = e->undo_count; /* a program may hide them */
    return QT_OK;
}

size_t qasm_scope_open(qasm_elab *e) {
    size_t mark = e->scope_start;
    e->scope_start = e->undo_count;
    e->scope_depth++;
    return mark;
}

void qasm_scope_close(qasm_elab *e, size_t mark) {
    while (e->undo_count > e->scope_start) {
        qasm_undo u = e->undo[--e->undo_count];
        u.name->meaning = u.meaning;
        u.name->data = u.data;
    }
    e->scope_start = mark;
    e->scope_depth--;
}

static bool declared_here(const qasm_elab *e, const qasm_name *name) {
    for (size_t i = e->scope_start; i < e->undo_count; i++) {
        if (e->undo[i].name == name) {
            return true;
        }
    }
    return false;
}

qt_code qasm_declare(qasm_elab *e, qasm_name *name, const char *at, qasm_symbol_kind kind,
                     qasm_symbol **ret_symbol) {
    bool gate = name->meaning == MEANING_GATE && e->scope_depth == 0 && !name->library;
    if (gate || (name->meaning == MEANING_SYMBOL && declared_here(e, name))) {
        return qasm_syntax(e->ctx, at, "'%.60s' is declared already", name->text);
    }
    qasm_symbol *symbol = qasm_alloc(e->ctx, sizeof *symbol);
    if (symbol == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    *symbol = (qasm_symbol){
        .kind = (uint8_t)kind, .frame = e->frame, .level = e->level, .reg = QT_NO_INDEX};
    QASM_GROW(e->ctx, e->undo, e->undo_cap, e->undo_count + 1);
    e->undo[e->undo_count++] =
        (qasm_undo){.name = name, .meaning = name->meaning, .data = name->data};
    name->meaning = MEANING_SYMBOL;
    name->data = symbol;
    *ret_symbol = symbol;
    return QT_OK;
}

static bool is_symbol(const qasm_name *name) {
    return name->meaning == MEANING_SYMBOL;
}

qasm_symbol *qasm_find(qasm_elab *e, qasm_name *name, const char *at) {
    if (name->meaning != MEANING_SYMBOL) {
        if (name->meaning == MEANING_GATE) {
            (void)qasm_syntax(e->ctx, at, "'%.60s' is a gate, not a value", name->text);
        } else {
            (void)qasm_unknown(e->ctx, at, "the name", name, is_symbol);
        }
        return NULL;
    }
    qasm_symbol *symbol = name->data;
    bool foreign = symbol->frame != 0 && symbol->frame != e->frame;
    bool outer = symbol->frame == 0 && e->frame != 0 && symbol->kind != SYMBOL_CONST &&
                 symbol->kind != SYMBOL_DEF;
    if (foreign || outer) {
        (void)qasm_syntax(e->ctx, at, "'%.60s' is no constant and not declared in this subroutine",
                          name->text);
        return NULL;
    }
    return symbol;
}

/* ---- variables ---- */

static qt_code need_variable(qasm_elab *e, qasm_symbol *symbol, const char *at) {
    if (symbol->has_variable) {
        return QT_OK;
    }
    const qasm_value *v = &symbol->value;
    bool bad = v->type == TYPE_COMPLEX || v->type >= TYPE_DURATION || v->width > 64;
    if (bad) {
        return qasm_unsupported(e->ctx, at,
                                "a variable of type %s known only at run time is not supported",
                                qasm_type_name(v->type));
    }
    QASM_BUILD(e->ctx, at,
               qt_build_variable(&e->ctx->builder, "v", qasm_ir_type(v->type), v->width,
                                 &symbol->variable, err));
    symbol->has_variable = true;
    return QT_OK;
}

static qt_code emit(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value, const char *at) {
    uint32_t expr = 0;
    QT_TRY(need_variable(e, symbol, at));
    QT_TRY(qasm_value_expr(e->ctx, value, at, &expr));
    QASM_BUILD(
        e->ctx, at,
        qt_build_assign(&e->ctx->builder, QT_LVALUE_VAR, symbol->variable, expr, QT_NO_INDEX, err));
    return QT_OK;
}

static qt_code read_variable(qasm_elab *e, qasm_symbol *symbol, const char *at) {
    qasm_value *v = &symbol->value;
    qt_expr x = {.kind = QT_EXPR_VAR,
                 .type = (uint8_t)qasm_ir_type(v->type),
                 .width = v->width,
                 .u = {symbol->variable, 0}};
    v->known = false;
    v->literal = false;
    return qasm_new_expr(e->ctx, x, at, &v->expr);
}

qt_code qasm_assign_var(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value,
                        const char *at) {
    qasm_value cast;
    QT_TRY(qasm_cast(e->ctx, value, symbol->value.type, symbol->value.width, at, &cast));
    if (cast.known && e->level == symbol->level) {
        symbol->value = cast;
        return QT_OK;
    }
    QT_TRY(emit(e, symbol, &cast, at));
    return read_variable(e, symbol, at);
}

static qt_code spill(qasm_elab *e, const qasm_name *name, const char *at) {
    qasm_symbol *symbol = name->meaning == MEANING_SYMBOL ? name->data : NULL;
    bool mine = symbol != NULL && (symbol->frame == 0 || symbol->frame == e->frame);
    if (!mine || symbol->kind != SYMBOL_VAR || !symbol->value.known) {
        return QT_OK;
    }
    qasm_value value = symbol->value;
    QT_TRY(emit(e, symbol, &value, at));
    return read_variable(e, symbol, at);
}

static qt_code spill_statement(qasm_elab *e, const ast_stmt *s) {
    if (s->kind == STMT_ASSIGN || s->kind == STMT_MEASURE) {
        const ast_expr *target = s->target;
        while (target != NULL && target->kind == EXPR_INDEX) {
            target = target->a;
        }
        if (target != NULL && target->kind == EXPR_NAME) {
            QT_TRY(spill(e, target->name, target->at));
        }
    }
    for (uint32_t i = 0; s->kind == STMT_SWITCH && i < s->operand_count; i++) {
        QT_TRY(qasm_spill_assigned(e, &s->cases[i].body));
    }
    QT_TRY(qasm_spill_assigned(e, &s->body));
    return qasm_spill_assigned(e, &s->other);
}

qt_code qasm_spill_assigned(qasm_elab *e, const ast_block *block) {
    for (uint32_t i = 0; i < block->count; i++) {
        QT_TRY(spill_statement(e, block->items[i]));
    }
    return QT_OK;
}
