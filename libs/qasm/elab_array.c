/* Arrays of OpenQASM 3: every item is a variable of its own, known or not. */
#include "qasm/elab.h"

#include <string.h>

bool qasm_is_array(const ast_expr *expr) {
    return expr->kind == EXPR_LIST || qasm_names_kind(expr, SYMBOL_ARRAY);
}

/* ---- shapes ---- */

static bool same_shape(const qasm_array *a, const qasm_array *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

static qt_code new_items(qasm_elab *e, qasm_array *array) {
    array->items = qasm_alloc(e->ctx, ((size_t)array->count + 1) * sizeof *array->items);
    return array->items != NULL ? QT_OK : QT_RESOURCE_EXHAUSTED;
}

static qt_code count_items(qasm_elab *e, qasm_array *array, const char *at) {
    uint64_t count = 1;
    for (uint32_t i = 0; i < array->rank; i++) {
        count *= array->dims[i];
        if (count > e->ctx->options.limits.max_qubits) {
            return qasm_too_large(e->ctx, at, "an array has more than %u items",
                                  e->ctx->options.limits.max_qubits);
        }
    }
    array->count = (uint32_t)count;
    return qasm_tick(e->ctx, at, count);
}

static qt_code shape_of_type(qasm_elab *e, const ast_type *type, qasm_array *ret) {
    *ret = (qasm_array){.type = type->base->kind, .rank = type->dim_count};
    if (type->base->kind == TYPE_BIT || type->base->kind == TYPE_STRETCH) {
        return qasm_syntax(e->ctx, type->base->at, "an array has no items of type %s",
                           qasm_type_name(type->base->kind));
    }
    if (type->dim_count > QASM_MAX_DIMS || type->dim_count == 0) {
        return qasm_syntax(e->ctx, type->at, "an array has 1 to %d dimensions", QASM_MAX_DIMS);
    }
    QT_TRY(qasm_type_width(e, type->base, &ret->width));
    for (uint32_t i = 0; i < type->dim_count; i++) {
        int64_t dim = 0;
        QT_TRY(qasm_eval_constant(e, type->dims[i], "a dimension", &dim));
        if (dim < 0 || dim > e->ctx->options.limits.max_qubits) {
            return qasm_syntax(e->ctx, type->dims[i]->at, "a dimension from 0 to %u",
                               e->ctx->options.limits.max_qubits);
        }
        ret->dims[i] = (uint32_t)dim;
    }
    return count_items(e, ret, type->at);
}

static qt_code make_variables(qasm_elab *e, qasm_array *array) {
    QT_TRY(new_items(e, array));
    qasm_symbol *symbols = qasm_alloc(e->ctx, ((size_t)array->count + 1) * sizeof *symbols);
    if (symbols == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < array->count; i++) {
        symbols[i] =
            (qasm_symbol){.kind = SYMBOL_VAR,
                          .level = e->level,
                          .value = {.type = array->type, .known = true, .width = array->width}};
        array->items[i] = &symbols[i];
    }
    return QT_OK;
}

/* ---- indices ---- */

/* All indices of a chain a[i][j, k] in order. */
static uint32_t gather_indices(const ast_expr *expr, const ast_expr *items[QASM_MAX_DIMS + 1],
                               const ast_expr **ret_base) {
    uint32_t count = expr->kind == EXPR_INDEX ? gather_indices(expr->a, items, ret_base) : 0;
    if (expr->kind != EXPR_INDEX) {
        *ret_base = expr;
        return 0;
    }
    for (uint32_t i = 0; i < expr->count; i++) {
        if (count <= QASM_MAX_DIMS) {
            items[count] = expr->list[i];
        }
        count++;
    }
    return count;
}

/* One index of one dimension: a number, or a range. */
typedef struct selector {
    bool single;
    bool known;
    qasm_value value; /* when not known */
    int64_t first;
    int64_t step;
    uint32_t count;
} selector;

static qt_code outside(qasm_elab *e, const char *at, uint32_t size) {
    return qasm_syntax(e->ctx, at, "the index is out of range: there are %u items", size);
}

static qt_code select_range(qasm_elab *e, const ast_expr *item, uint32_t size, selector *ret) {
    qasm_range r;
    uint64_t count = 0;
    bool inside = false;
    QT_TRY(qasm_eval_slice(e, item, size, &r, &count, &inside));
    if (!inside) {
        return outside(e, item->at, size);
    }
    *ret = (selector){.known = true, .first = r.first, .step = r.step, .count = (uint32_t)count};
    return QT_OK;
}

static qt_code select_one(qasm_elab *e, const ast_expr *item, uint32_t size, selector *ret) {
    *ret = (selector){.single = true, .known = true, .step = 1, .count = 1};
    if (item->kind == EXPR_RANGE) {
        return select_range(e, item, size, ret);
    }
    if (item->kind == EXPR_SET) {
        return qasm_syntax(e->ctx, item->at, "an array is not indexed by a set");
    }
    qasm_value v;
    QT_TRY(qasm_eval(e, item, &v));
    if (!qasm_is_integral(v.type) || v.width > 64) {
        return qasm_syntax(e->ctx, item->at, "an index is an integer");
    }
    if (!v.known) {
        ret->known = false;
        ret->value = v;
        return QT_OK;
    }
    ret->first = (int64_t)v.u + ((int64_t)v.u < 0 ? (int64_t)size : 0);
    return ret->first >= 0 && ret->first < size ? QT_OK : outside(e, item->at, size);
}

/* Goes through the selected items, dimension by dimension. */
typedef struct picking {
    const qasm_array *from;
    const selector *selectors;
    qasm_symbol **to;
    uint32_t count;
} picking;

static void pick(picking *p, uint32_t dim, uint64_t offset) {
    if (dim == p->from->rank) {
        p->to[p->count++] = p->from->items[offset];
        return;
    }
    const selector *s = &p->selectors[dim];
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t at = (uint64_t)(s->first + (int64_t)i * s->step);
        pick(p, dim + 1, offset * p->from->dims[dim] + at);
    }
}

static qt_code select_part(qasm_elab *e, const qasm_array *from, const selector *selectors,
                           const char *at, qasm_array *ret) {
    qasm_array part = {.type = from->type, .width = from->width, .readonly = from->readonly};
    for (uint32_t i = 0; i < from->rank; i++) {
        if (!selectors[i].single) {
            part.dims[part.rank++] = selectors[i].count;
        }
    }
    QT_TRY(count_items(e, &part, at));
    QT_TRY(new_items(e, &part));
    picking p = {.from = from, .selectors = selectors, .to = part.items};
    pick(&p, 0, 0);
    *ret = part;
    return QT_OK;
}

/* An indexed array: what is selected of it, and indices that are left over (bits of an item). */
typedef struct indexed {
    qasm_symbol *symbol;
    selector selectors[QASM_MAX_DIMS];
    bool all_single;
    bool known;
    const ast_expr *bits; /* the index of bits behind those of the array, or NULL */
} indexed;

static qt_code read_indices(qasm_elab *e, const ast_expr *expr, indexed *ret) {
    const ast_expr *items[QASM_MAX_DIMS + 1];
    const ast_expr *base = NULL;
    uint32_t count = gather_indices(expr, items, &base);
    *ret = (indexed){.all_single = true, .known = true};
    ret->symbol = qasm_find(e, base->name, base->at);
    if (ret->symbol == NULL) {
        return QT_INVALID_ARGUMENT;
    }
    const qasm_array *array = ret->symbol->array;
    bool bits = count == array->rank + 1 && expr->count == 1; /* a[i][bit] */
    if (count > array->rank && !bits) {
        return qasm_syntax(e->ctx, expr->at, "'%.60s' has %u dimensions", base->name->text,
                           array->rank);
    }
    ret->bits = count > array->rank ? items[array->rank] : NULL;
    for (uint32_t i = 0; i < array->rank; i++) {
        selector *s = &ret->selectors[i];
        *s = (selector){.known = true, .step = 1, .count = array->dims[i]};
        if (i < count) {
            QT_TRY(select_one(e, items[i], array->dims[i], s));
        }
        ret->all_single = ret->all_single && s->single;
        ret->known = ret->known && s->known;
    }
    if (ret->bits != NULL && !ret->all_single) {
        return qasm_syntax(e->ctx, expr->at, "'%.60s' has %u dimensions", base->name->text,
                           array->rank);
    }
    return QT_OK;
}

static qasm_symbol *item_of(const qasm_array *array, const selector *selectors) {
    uint64_t offset = 0;
    for (uint32_t i = 0; i < array->rank; i++) {
        offset = offset * array->dims[i] + (uint64_t)selectors[i].first;
    }
    return array->items[offset];
}

/* ---- indices known only at run time ---- */

/* What is done with one item, in a case of a switch over the index. */
typedef qt_code (*item_fn)(qasm_elab *e, qasm_symbol *item, void *arg);

static qt_code for_each_case(qasm_elab *e, const qasm_array *array, selector *selectors,
                             const char *at, item_fn run, void *arg);

static qt_code run_case(qasm_elab *e, const qasm_array *array, selector *selectors, uint32_t dim,
                        uint32_t i, const char *at, item_fn run, void *arg) {
    const int64_t values[2] = {(int64_t)i, (int64_t)i - (int64_t)array->dims[dim]};
    selector unknown = selectors[dim];
    size_t count = unknown.value.type == TYPE_INT ? 2 : 1;
    QASM_BUILD(e->ctx, at, qt_build_case(&e->ctx->builder, values, count, err));
    QT_TRY(qasm_count_step(e, at));
    selectors[dim].known = true;
    selectors[dim].first = i;
    QT_TRY(for_each_case(e, array, selectors, at, run, arg));
    selectors[dim] = unknown;
    return QT_OK;
}

/* An index outside fails when the program runs: so does a bit of a number with as many bits. */
static qt_code check_inside(qasm_elab *e, uint32_t size, const qasm_value *index, const char *at) {
    qasm_value zeros;
    qasm_value bit;
    qasm_symbol unused = {.value = {.type = TYPE_BIT, .width = 1}};
    QT_TRY(qasm_zero_bits(e->ctx, size, &zeros));
    QT_TRY(qasm_value_bit(e, &zeros, index, at, &bit));
    return qasm_store_var(e, &unused, &bit, at);
}

static qt_code for_each_case(qasm_elab *e, const qasm_array *array, selector *selectors,
                             const char *at, item_fn run, void *arg) {
    uint32_t dim = 0;
    qt_builder *b = &e->ctx->builder;
    while (dim < array->rank && selectors[dim].known) {
        dim++;
    }
    if (dim == array->rank) {
        return run(e, item_of(array, selectors), arg);
    }
    QASM_BUILD(e->ctx, at, qt_build_switch(b, selectors[dim].value.expr, err));
    e->level++;
    for (uint32_t i = 0; i < array->dims[dim]; i++) {
        QT_TRY(run_case(e, array, selectors, dim, i, at, run, arg));
    }
    QASM_BUILD(e->ctx, at, qt_build_case(b, NULL, 0, err));
    QT_TRY(check_inside(e, array->dims[dim], &selectors[dim].value, at));
    e->level--;
    QASM_BUILD(e->ctx, at, qt_build_end_block(b, err));
    return QT_OK;
}

typedef struct reading {
    qasm_symbol to;
    const char *at;
} reading;

static qt_code read_item(qasm_elab *e, qasm_symbol *item, void *arg) {
    reading *r = arg;
    return qasm_store_var(e, &r->to, &item->value, r->at);
}

static qt_code read_chosen(qasm_elab *e, indexed *x, const char *at, qasm_value *ret) {
    const qasm_array *array = x->symbol->array;
    reading r = {.to = {.value = {.type = array->type, .width = array->width}}, .at = at};
    QT_TRY(for_each_case(e, array, x->selectors, at, read_item, &r));
    *ret = r.to.value;
    return QT_OK;
}

typedef struct writing {
    const qasm_value *value;
    const char *at;
} writing;

static qt_code write_item(qasm_elab *e, qasm_symbol *item, void *arg) {
    const writing *w = arg;
    return qasm_store_var(e, item, w->value, w->at);
}

/* Each item that may be meant becomes a variable of the circuit first. */
static qt_code spill_selected(qasm_elab *e, const qasm_array *array, const selector *selectors,
                              const char *at) {
    selector all[QASM_MAX_DIMS];
    qasm_array part;
    memcpy(all, selectors, sizeof all);
    for (uint32_t i = 0; i < array->rank; i++) {
        if (!all[i].known) {
            all[i] = (selector){.known = true, .step = 1, .count = array->dims[i]};
        }
    }
    QT_TRY(select_part(e, array, all, at, &part));
    for (uint32_t i = 0; i < part.count; i++) {
        QT_TRY(qasm_spill_symbol(e, part.items[i], at));
    }
    return QT_OK;
}

static qt_code write_chosen(qasm_elab *e, indexed *x, const qasm_value *value, const char *at) {
    const qasm_array *array = x->symbol->array;
    qasm_symbol copy = {.value = {.type = array->type, .width = array->width}};
    writing w = {.value = value, .at = at};
    QT_TRY(spill_selected(e, array, x->selectors, at));
    if (!value->known) {
        QT_TRY(qasm_store_var(e, &copy, value, at));
        w.value = &copy.value;
    }
    return for_each_case(e, array, x->selectors, at, write_item, &w);
}

/* ---- values ---- */

static qt_code read_selected(qasm_elab *e, indexed *x, const char *at, qasm_value *ret) {
    if (!x->known) {
        return read_chosen(e, x, at, ret);
    }
    *ret = item_of(x->symbol->array, x->selectors)->value;
    return QT_OK;
}

qt_code qasm_array_value(qasm_elab *e, const ast_expr *expr, qasm_value *ret_value) {
    indexed x;
    QT_TRY(read_indices(e, expr, &x));
    if (!x.all_single) {
        return qasm_syntax(e->ctx, expr->at, "this is an array: it has no single value");
    }
    qasm_value item;
    QT_TRY(read_selected(e, &x, expr->at, &item));
    if (x.bits != NULL) {
        return qasm_bits_of_value(e, &item, x.bits, expr->at, ret_value);
    }
    *ret_value = item;
    return QT_OK;
}

qt_code qasm_named_array(qasm_elab *e, const ast_expr *expr, qasm_array *ret_array) {
    indexed x;
    if (!qasm_names_kind(expr, SYMBOL_ARRAY) || expr->kind == EXPR_CONCAT) {
        return qasm_syntax(e->ctx, expr->at, "this is no array");
    }
    QT_TRY(read_indices(e, expr, &x));
    if (!x.known) {
        return qasm_unsupported(e->ctx, expr->at,
                                "a part of an array whose index is known only at run time is not "
                                "supported");
    }
    if (x.all_single) {
        return qasm_syntax(e->ctx, expr->at, "this is one item, not an array");
    }
    return select_part(e, x.symbol->array, x.selectors, expr->at, ret_array);
}

static qt_code concatenate(qasm_elab *e, const ast_expr *expr, qasm_array *ret) {
    qasm_array a;
    qasm_array b;
    QT_TRY(qasm_eval_array(e, expr->a, &a));
    QT_TRY(qasm_eval_array(e, expr->b, &b));
    bool fits = a.rank == b.rank && a.type == b.type && a.width == b.width &&
                memcmp(a.dims + 1, b.dims + 1, (a.rank - 1) * sizeof *a.dims) == 0;
    if (!fits) {
        return qasm_syntax(e->ctx, expr->at, "arrays of different shapes or types");
    }
    qasm_array both = a;
    both.dims[0] = a.dims[0] + b.dims[0];
    QT_TRY(count_items(e, &both, expr->at));
    QT_TRY(new_items(e, &both));
    memcpy(both.items, a.items, a.count * sizeof *a.items);
    memcpy(both.items + a.count, b.items, b.count * sizeof *b.items);
    *ret = both;
    return QT_OK;
}

qt_code qasm_eval_array(qasm_elab *e, const ast_expr *expr, qasm_array *ret_array) {
    return expr->kind == EXPR_CONCAT ? concatenate(e, expr, ret_array)
                                     : qasm_named_array(e, expr, ret_array);
}

/* ---- assignments ---- */

/* Values are read before any is written: the arrays may overlap. */
static qt_code assign_array(qasm_elab *e, const qasm_array *to, const ast_expr *expr,
                            const char *at) {
    qasm_array from;
    if (!qasm_is_array(expr)) {
        return qasm_syntax(e->ctx, expr->at, "this is no array");
    }
    QT_TRY(qasm_eval_array(e, expr, &from));
    if (!same_shape(to, &from)) {
        return qasm_syntax(e->ctx, at, "arrays of different shapes");
    }
    if (to->type != from.type) {
        return qasm_syntax(e->ctx, at, "an array of %s cannot become one of %s",
                           qasm_type_name(from.type), qasm_type_name(to->type));
    }
    qasm_value *values = qasm_alloc(e->ctx, ((size_t)from.count + 1) * sizeof *values);
    if (values == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    for (uint32_t i = 0; i < from.count; i++) {
        values[i] = from.items[i]->value;
        if (!values[i].known) {
            qasm_symbol copy = {.value = {.type = from.type, .width = from.width}};
            QT_TRY(qasm_store_var(e, &copy, &values[i], at));
            values[i] = copy.value;
        }
    }
    for (uint32_t i = 0; i < from.count; i++) {
        QT_TRY(qasm_assign_var(e, to->items[i], &values[i], at));
    }
    return QT_OK;
}

/* An array in place of a list of its items. */
static qt_code assign_part(qasm_elab *e, const qasm_array *to, const ast_expr *expr, uint32_t dim,
                           uint64_t offset) {
    qasm_array part = *to;
    part.rank = to->rank - dim;
    memmove(part.dims, to->dims + dim, part.rank * sizeof *part.dims);
    part.count = 1;
    for (uint32_t i = 0; i < part.rank; i++) {
        part.count *= part.dims[i];
    }
    part.items = to->items + offset * part.count;
    return assign_array(e, &part, expr, expr->at);
}

/* {{1, 2}, {3, 4}} into the items from `offset` on. */
static qt_code assign_list(qasm_elab *e, const qasm_array *to, const ast_expr *list, uint32_t dim,
                           uint64_t offset) {
    if (dim == to->rank) {
        qasm_value v;
        QT_TRY(qasm_eval(e, list, &v));
        return qasm_assign_var(e, to->items[offset], &v, list->at);
    }
    if (list->kind != EXPR_LIST && qasm_is_array(list)) {
        return assign_part(e, to, list, dim, offset);
    }
    if (list->kind != EXPR_LIST) {
        return qasm_syntax(e->ctx, list->at, "expected a list of %u values", to->dims[dim]);
    }
    if (list->count != to->dims[dim]) {
        return qasm_syntax(e->ctx, list->at, "%u values for a dimension of %u", list->count,
                           to->dims[dim]);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        QT_TRY(assign_list(e, to, list->list[i], dim + 1, offset * to->dims[dim] + i));
    }
    return QT_OK;
}

static qt_code assign_item(qasm_elab *e, indexed *x, const ast_stmt *s) {
    qasm_value v;
    qasm_value old;
    QT_TRY(qasm_eval(e, s->expr, &v));
    if (x->bits != NULL || s->op != NO_OP) {
        QT_TRY(read_selected(e, x, s->at, &old));
    }
    if (x->bits != NULL) {
        QT_TRY(qasm_with_bits(e, &old, x->bits, s->op, &v, s->at, &v));
    } else if (s->op != NO_OP) {
        QT_TRY(qasm_binary(e->ctx, (qt_operator)s->op, &old, &v, s->at, &v));
    }
    return x->known ? qasm_assign_var(e, item_of(x->symbol->array, x->selectors), &v, s->at)
                    : write_chosen(e, x, &v, s->at);
}

qt_code qasm_assign_to_array(qasm_elab *e, const ast_stmt *s) {
    indexed x;
    qasm_array part;
    QT_TRY(read_indices(e, s->target, &x));
    if (x.symbol->array->readonly) {
        return qasm_syntax(e->ctx, s->target->at, "the array is readonly");
    }
    if (x.all_single) {
        return assign_item(e, &x, s);
    }
    if (s->op != NO_OP) {
        return qasm_syntax(e->ctx, s->at, "this operator does not take arrays");
    }
    QT_TRY(qasm_named_array(e, s->target, &part));
    return assign_array(e, &part, s->expr, s->at);
}

qt_code qasm_array_declaration(qasm_elab *e, const ast_stmt *s) {
    qasm_symbol *symbol = NULL;
    qasm_array array;
    if (e->scope_depth > 0 || e->frame != 0) {
        return qasm_syntax(e->ctx, s->at, "arrays are declared outside of all blocks");
    }
    QT_TRY(shape_of_type(e, s->type, &array));
    QT_TRY(make_variables(e, &array));
    if (s->expr != NULL) {
        QT_TRY(s->expr->kind == EXPR_LIST ? assign_list(e, &array, s->expr, 0, 0)
                                          : assign_array(e, &array, s->expr, s->at));
    }
    QT_TRY(qasm_declare(e, s->name, s->name_at, SYMBOL_ARRAY, &symbol));
    symbol->array = qasm_alloc(e->ctx, sizeof array);
    if (symbol->array == NULL) {
        return QT_RESOURCE_EXHAUSTED;
    }
    *symbol->array = array;
    return QT_OK;
}
