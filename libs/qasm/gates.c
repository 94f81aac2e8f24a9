#include "qasm/gates.h"

#include "circuit/print.h"

#include <string.h>

enum { MAX_FRAME = 1 << 20 };

typedef struct library_gate {
    const char *name;
    uint8_t form;
    uint8_t base;
    uint8_t controls;
    uint8_t sets;
} library_gate;

static const library_gate library[] = {
#define QASM_LIBRARY_GATE(name, form, base, controls, sets)                                        \
    {name, form, QT_GATE_##base, controls, sets},
#include "qasm/library.def"
#undef QASM_LIBRARY_GATE
};
enum { LIBRARY_COUNT = sizeof library / sizeof *library };

static uint32_t form_params(qasm_form form, qt_gate base) {
    switch (form) {
    case FORM_ID1:
        return 1;
    case FORM_U2:
    case FORM_U2_V3:
        return 2;
    case FORM_U_V3:
    case FORM_U3_V3:
        return 3;
    case FORM_CU:
        return 4;
    case FORM_BASE:
    case FORM_BODY:
    case FORM_OPAQUE:
    case FORM_BARRIER:
        break;
    }
    return qt_gate_get_info(base)->param_count;
}

qt_code qasm_gates_add(qasm_context *ctx, qasm_gates *gates, qasm_gate gate, uint32_t *ret_index) {
    QASM_GROW(ctx, gates->items, gates->cap, gates->count + 1);
    gates->items[gates->count] = gate;
    *ret_index = (uint32_t)gates->count++;
    return QT_OK;
}

qt_code qasm_gates_init(qasm_context *ctx, qasm_gates *gates) {
    *gates = (qasm_gates){0};
    qasm_gate barrier = {.name = "barrier", .form = FORM_BARRIER, .ops = 1};
    return qasm_gates_add(ctx, gates, barrier, &gates->barrier);
}

static qt_code include_one(qasm_context *ctx, qasm_gates *gates, const library_gate *row) {
    qasm_name *name = qasm_names_add(&ctx->names, &ctx->arena, row->name);
    if (name == NULL) {
        return qasm_no_memory(ctx);
    }
    if (name->meaning != MEANING_NONE) {
        return QT_OK;
    }
    uint32_t params = form_params(row->form, row->base);
    uint32_t qubits = qt_gate_get_info(row->base)->qubit_count + row->controls;
    qasm_gate gate = {.name = name->text,
                      .form = row->form,
                      .base = row->base,
                      .controls = row->controls,
                      .param_count = params,
                      .qubit_count = qubits,
                      .ops = 1,
                      .frame = params + qubits};
    QT_TRY(qasm_gates_add(ctx, gates, gate, &name->index));
    name->meaning = MEANING_GATE;
    name->library = (row->sets & (SET_BUILTIN_2 | SET_BUILTIN_3)) == 0;
    name->later = (row->sets & SET_LATER) != 0;
    return QT_OK;
}

qt_code qasm_gates_include(qasm_context *ctx, qasm_gates *gates, unsigned sets) {
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        if ((library[i].sets & sets) != 0) {
            QT_TRY(include_one(ctx, gates, &library[i]));
        }
    }
    return QT_OK;
}

bool qasm_library_has(unsigned sets, const char *name, size_t len) {
    for (size_t i = 0; i < LIBRARY_COUNT; i++) {
        const char *text = library[i].name;
        if ((library[i].sets & sets) != 0 && strlen(text) == len && memcmp(text, name, len) == 0) {
            return true;
        }
    }
    return false;
}

qt_code qasm_gates_add_node(qasm_context *ctx, qasm_gates *gates, qasm_node node,
                            uint32_t *ret_node) {
    QASM_GROW(ctx, gates->nodes, gates->node_cap, gates->node_count + 1);
    gates->nodes[gates->node_count] = node;
    *ret_node = (uint32_t)gates->node_count++;
    return QT_OK;
}

/* How often the body runs at least, as far as constant exponents tell. */
static uint64_t repetitions(const qasm_gates *gates, const qasm_call *call) {
    double times = 1;
    for (uint32_t i = 0; i < call->modifier_count; i++) {
        const qasm_modifier *m = &gates->modifiers[call->first_modifier + i];
        const qasm_node *node = m->kind == MODIFIER_POW ? &gates->nodes[m->node] : NULL;
        if (node == NULL || node->kind != NODE_CONST) {
            continue;
        }
        double e = node->v < 0 ? -node->v : node->v;
        times *= e == 0 || e >= 1 ? e : 1;
    }
    return times < 1e18 ? (uint64_t)times : (uint64_t)1e18;
}

qt_code qasm_gates_add_call(qasm_context *ctx, qasm_gates *gates, qasm_gate *gate,
                            const qasm_call *call, const char *at) {
    const qasm_gate *child = &gates->items[call->gate];
    QASM_GROW(ctx, gates->calls, gates->call_cap, gates->call_count + 1);
    gates->calls[gates->call_count++] = *call;
    gate->call_count++;
    uint64_t ops = 0;
    if (__builtin_mul_overflow(child->ops, repetitions(gates, call), &ops) ||
        __builtin_add_overflow(gate->ops, ops, &gate->ops)) {
        gate->ops = UINT64_MAX;
    }
    gate->depth = child->depth + 1 > gate->depth ? child->depth + 1 : gate->depth;
    size_t below = child->frame + call->qubit_count;
    size_t own = gate->param_count + gate->qubit_count;
    gate->frame = own + below > gate->frame ? own + below : gate->frame;
    if (gate->depth > ctx->options.max_nesting) {
        return qasm_too_large(ctx, at, "gates are nested more than %zu deep",
                              ctx->options.max_nesting);
    }
    if (gate->frame > MAX_FRAME) {
        return qasm_too_large(ctx, at, "nested gates have too many parameters and qubits");
    }
    return QT_OK;
}

void qasm_gate_take_base(qasm_gate *gate, unsigned language, const char *text, const char *end) {
    qt_gate base = qt_gate_of_definition(language, text, (size_t)(end - text));
    if (base != QT_GATE_COUNT_) {
        gate->form = FORM_BASE;
        gate->base = (uint8_t)base;
        gate->ops = 1;
    }
}
