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
        symbol->builtin = true;
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
    if (ctx->options.braket) { /* first: its U is another */
        QT_TRY(qasm_gates_include(ctx, &e->gates, SET_BRAKET));
    }
    QT_TRY(qasm_gates_include(ctx, &e->gates, SET_BUILTIN_3));
    QT_TRY(add_gphase(e));
    QT_TRY(declare_constants(e));
    e->scope_start = e->undo_count;
    return QT_OK;
}

size_t qasm_scope_open(qasm_elab *e) {
    size_t mark = e->scope_start;
    if (e->scope_depth == 0) {
        e->top_undo = e->undo_count;
    }
    e->scope_start = e->undo_count;
    e->scope_depth++;
    return mark;
}

static void forget_from(qasm_elab *e, size_t first) {
    while (e->undo_count > first) {
        qasm_undo u = e->undo[--e->undo_count];
        u.name->meaning = u.meaning;
        u.name->data = u.data;
    }
}

void qasm_scope_close(qasm_elab *e, size_t mark) {
    forget_from(e, e->scope_start);
    e->scope_start = mark;
    e->scope_depth--;
}

void qasm_scope_close_all(qasm_elab *e, size_t scope_start) {
    if (e->scope_depth > 0) {
        forget_from(e, e->top_undo);
    }
    e->scope_start = scope_start;
    e->scope_depth = 0;
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
    bool symbol_now = name->meaning == MEANING_SYMBOL;
    bool gate = name->meaning == MEANING_GATE && !name->library;
    bool builtin = symbol_now && ((const qasm_symbol *)name->data)->builtin;
    bool here = symbol_now && declared_here(e, name);
    if (here || ((gate || builtin) && e->scope_depth == 0)) {
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
    name->hidden_gate = name->hidden_gate || name->meaning == MEANING_GATE;
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
    if (symbol->kind == SYMBOL_BAD) {
        return NULL;
    }
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

qt_code qasm_need_variable(qasm_elab *e, qasm_symbol *symbol, const char *at) {
    if (symbol->has_variable) {
        return QT_OK;
    }
    const qasm_value *v = &symbol->value;
    bool complex = v->type == TYPE_COMPLEX;
    if (v->type >= TYPE_DURATION || v->width > 64) {
        return qasm_unsupported(e->ctx, at,
                                "a variable of type %s known only at run time is not supported",
                                qasm_type_name(v->type));
    }
    qt_builder *b = &e->ctx->builder;
    qt_type type = complex ? QT_TYPE_FLOAT : qasm_ir_type(v->type);
    QASM_BUILD(e->ctx, at, qt_build_variable(b, "v", type, v->width, &symbol->variable, err));
    if (complex) {
        QASM_BUILD(e->ctx, at,
                   qt_build_variable(b, "v", type, v->width, &symbol->variable_im, err));
    }
    symbol->has_variable = true;
    return QT_OK;
}

static qt_code emit_part(qasm_elab *e, uint32_t variable, const qasm_value *value, const char *at) {
    uint32_t expr = 0;
    QT_TRY(qasm_value_expr(e->ctx, value, at, &expr));
    QASM_BUILD(e->ctx, at,
               qt_build_assign(&e->ctx->builder, QT_LVALUE_VAR, variable, expr, QT_NO_INDEX, err));
    return QT_OK;
}

/* Both parts of a complex number are computed before one of them is assigned. */
static qt_code emit_complex(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value,
                            const char *at) {
    qasm_value re = qasm_real_part(value);
    qasm_value im = qasm_imag_part(value);
    if (!re.known) {
        qasm_symbol copy = {.value = {.type = TYPE_FLOAT, .width = 64}};
        QT_TRY(qasm_need_variable(e, &copy, at));
        QT_TRY(emit_part(e, copy.variable, &re, at));
        QT_TRY(qasm_read_variable(e, &copy, at));
        re = copy.value;
    }
    QT_TRY(emit_part(e, symbol->variable_im, &im, at));
    return emit_part(e, symbol->variable, &re, at);
}

static qt_code emit(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value, const char *at) {
    QT_TRY(qasm_need_variable(e, symbol, at));
    if (symbol->value.type == TYPE_COMPLEX) {
        return emit_complex(e, symbol, value, at);
    }
    return emit_part(e, symbol->variable, value, at);
}

static qt_code read_part(qasm_elab *e, qt_type type, uint32_t width, uint32_t variable,
                         const char *at, uint32_t *ret_expr) {
    qt_expr x = {.kind = QT_EXPR_VAR, .type = (uint8_t)type, .width = width, .u = {variable, 0}};
    return qasm_new_expr(e->ctx, x, at, ret_expr);
}

qt_code qasm_read_variable(qasm_elab *e, qasm_symbol *symbol, const char *at) {
    qasm_value *v = &symbol->value;
    v->known = false;
    v->literal = false;
    if (v->type == TYPE_COMPLEX) {
        QT_TRY(read_part(e, QT_TYPE_FLOAT, v->width, symbol->variable_im, at, &v->im_expr));
        return read_part(e, QT_TYPE_FLOAT, v->width, symbol->variable, at, &v->expr);
    }
    return read_part(e, qasm_ir_type(v->type), v->width, symbol->variable, at, &v->expr);
}

qt_code qasm_store_var(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value, const char *at) {
    qasm_value cast;
    QT_TRY(qasm_cast(e->ctx, value, symbol->value.type, symbol->value.width, at, &cast));
    QT_TRY(emit(e, symbol, &cast, at));
    return qasm_read_variable(e, symbol, at);
}

qt_code qasm_assign_var(qasm_elab *e, qasm_symbol *symbol, const qasm_value *value,
                        const char *at) {
    qasm_value cast;
    QT_TRY(qasm_check_bits(e, value, symbol->value.type, symbol->value.width, at));
    QT_TRY(qasm_cast(e->ctx, value, symbol->value.type, symbol->value.width, at, &cast));
    if (cast.known && e->level == symbol->level && !e->runtime) {
        symbol->value = cast;
        return QT_OK;
    }
    return qasm_store_var(e, symbol, &cast, at);
}

qt_code qasm_spill_symbol(qasm_elab *e, qasm_symbol *symbol, const char *at) {
    if (!symbol->value.known) {
        return QT_OK;
    }
    qasm_value value = symbol->value;
    return qasm_store_var(e, symbol, &value, at);
}

static qt_code spill_array(qasm_elab *e, const qasm_array *array, const char *at) {
    QT_TRY(qasm_tick(e->ctx, at, array->count));
    for (uint32_t i = 0; i < array->count; i++) {
        QT_TRY(qasm_spill_symbol(e, array->items[i], at));
    }
    return QT_OK;
}

static qt_code spill(qasm_elab *e, const ast_expr *target) {
    const ast_expr *x = qasm_base_name(target);
    qasm_symbol *symbol = x != NULL && x->name->meaning == MEANING_SYMBOL ? x->name->data : NULL;
    bool mine = symbol != NULL && (symbol->frame == 0 || symbol->frame == e->frame);
    if (!mine || x->name->shadows > 0) {
        return QT_OK;
    }
    if (symbol->kind == SYMBOL_ARRAY && !symbol->array->readonly) {
        return spill_array(e, symbol->array, x->at);
    }
    return symbol->kind == SYMBOL_VAR ? qasm_spill_symbol(e, symbol, x->at) : QT_OK;
}

/* A call may assign to the arrays that it is given. */
typedef struct array_spill {
    qasm_elab *e;
    qt_code *code;
} array_spill;

static bool spill_arguments(const ast_expr *x, const void *arg) {
    const array_spill *a = arg;
    bool calls = x->kind == EXPR_CALL && x->name->meaning == MEANING_SYMBOL;
    for (uint32_t i = 0; calls && *a->code == QT_OK && i < x->count; i++) {
        if (qasm_names_kind(x->list[i], SYMBOL_ARRAY)) {
            *a->code = spill(a->e, x->list[i]);
        }
    }
    return *a->code != QT_OK;
}

static qt_code spill_expr(qasm_elab *e, const ast_expr *expr) {
    qt_code code = QT_OK;
    const array_spill arg = {.e = e, .code = &code};
    (void)qasm_any_expr(expr, spill_arguments, &arg);
    return code;
}

static qt_code spill_loop(qasm_elab *e, const ast_stmt *s) {
    s->name->shadows++;
    qt_code code = qasm_spill_assigned(e, &s->body);
    s->name->shadows--;
    return code;
}

static qt_code spill_statement(qasm_elab *e, const ast_stmt *s) {
    if (s->kind == STMT_FOR) {
        return spill_loop(e, s);
    }
    if (s->kind == STMT_ASSIGN || s->kind == STMT_MEASURE) {
        QT_TRY(spill(e, s->target));
    }
    QT_TRY(spill_expr(e, s->expr));
    for (uint32_t i = 0; s->kind == STMT_GATE && i < s->operand_count; i++) {
        QT_TRY(qasm_names_kind(s->operands[i], SYMBOL_ARRAY) ? spill(e, s->operands[i]) : QT_OK);
    }
    for (uint32_t i = 0; s->kind == STMT_SWITCH && i < s->operand_count; i++) {
        QT_TRY(qasm_spill_assigned(e, &s->cases[i].body));
    }
    QT_TRY(qasm_spill_assigned(e, &s->body));
    return qasm_spill_assigned(e, &s->other);
}

static bool hides(const ast_stmt *s) {
    return s->kind == STMT_DECLARE || s->kind == STMT_ALIAS;
}

/* Names that the block declares itself are others than those outside. */
qt_code qasm_spill_assigned(qasm_elab *e, const ast_block *block) {
    qt_code code = QT_OK;
    uint32_t seen = 0;
    for (; code == QT_OK && seen < block->count; seen++) {
        code = spill_statement(e, block->items[seen]);
        if (hides(block->items[seen])) {
            block->items[seen]->name->shadows++;
        }
    }
    for (uint32_t i = 0; i < seen; i++) {
        if (hides(block->items[i])) {
            block->items[i]->name->shadows--;
        }
    }
    return code;
}
