/* Applies gates: bodies are walked forward or, for inverses, backward; powers are taken where the
 * base gate has a closed form, or repeated; controls are collected on the way down. */
#include "qasm/expand.h"

#include <math.h>
#include <string.h>

enum { MAX_EXPONENTS = 24 };

typedef struct control {
    uint32_t qubit;
    bool negative;
} control;

typedef struct expansion {
    qasm_context *ctx;
    const qasm_gates *gates;
    const char *at;
    control controls[QT_MAX_GATE_QUBITS + 1];
    size_t control_count;
    qasm_matrix *matrix; /* collects one-qubit gates instead of emitting them */
} expansion;

/* One gate on its way down: exponents from the innermost to the outermost. */
typedef struct step {
    const qasm_gate *gate;
    qasm_angle *params;
    uint32_t *qubits;
    double exponents[MAX_EXPONENTS];
    size_t exponent_count;
} step;

static qt_code apply_step(expansion *x, const step *s);

static qt_code count_step(expansion *x, const step *s) {
    enum { STEPS_PER_OP = 4, FREE_STEPS = 1 << 20 };
    if (++x->ctx->steps > x->ctx->options.limits.max_ops * STEPS_PER_OP + FREE_STEPS) {
        return qasm_too_large(x->ctx, x->at, "the program takes too long to expand");
    }
    return qasm_tick(x->ctx, x->at, 1 + s->gate->call_count);
}

/* (U^a)^b is U^(ab) when b is an integer or a turns no phase past pi. */
static qt_code push_exponent(expansion *x, step *s, double b) {
    double *last = s->exponent_count > 0 ? &s->exponents[s->exponent_count - 1] : NULL;
    if (last != NULL && (qasm_is_integer(b) || (*last > -1 && *last <= 1))) {
        *last *= b;
    } else if (s->exponent_count < MAX_EXPONENTS) {
        s->exponents[s->exponent_count++] = b;
    } else {
        return qasm_unsupported(x->ctx, x->at, "so many nested powers are not supported");
    }
    if (s->exponents[s->exponent_count - 1] == 1) {
        s->exponent_count--;
    }
    return QT_OK;
}

static qt_code push_control(expansion *x, uint32_t qubit, bool negative) {
    if (x->control_count >= QT_MAX_GATE_QUBITS) {
        return qasm_too_large(x->ctx, x->at, "a gate has more than %d qubits", QT_MAX_GATE_QUBITS);
    }
    x->controls[x->control_count++] = (control){qubit, negative};
    return QT_OK;
}

static qt_code flip_negatives(expansion *x) {
    for (size_t i = 0; i < x->control_count; i++) {
        if (x->controls[i].negative) {
            QASM_BUILD(
                x->ctx, x->at,
                qt_build_gate(&x->ctx->builder, QT_GATE_X, &x->controls[i].qubit, 0, NULL, err));
        }
    }
    return QT_OK;
}

static qt_code build_gate(expansion *x, qt_gate gate, const uint32_t *qubits, size_t controls,
                          const qasm_angle *params) {
    size_t count = qt_gate_get_info(gate)->param_count;
    double values[3] = {0};
    uint32_t exprs[3] = {0};
    bool dynamic = false;
    for (size_t i = 0; i < count; i++) {
        values[i] = params[i].v;
        dynamic = dynamic || params[i].expr != QT_NO_INDEX;
    }
    if (!dynamic) {
        QASM_BUILD(x->ctx, x->at,
                   qt_build_gate(&x->ctx->builder, gate, qubits, controls, values, err));
        return QT_OK;
    }
    for (size_t i = 0; i < count; i++) {
        QT_TRY(qasm_angle_expr(x->ctx, params[i], x->at, &exprs[i]));
    }
    QASM_BUILD(x->ctx, x->at,
               qt_build_gate_dynamic(&x->ctx->builder, gate, qubits, controls, exprs, err));
    return QT_OK;
}

/* A base gate with the controls collected so far. A controlled global phase is a phase gate on
 * the last control. */
static qt_code emit(expansion *x, qt_gate gate, const qasm_angle *params, const uint32_t *targets) {
    uint32_t qubits[QT_MAX_GATE_QUBITS];
    size_t controls = gate == QT_GATE_ID ? 0 : x->control_count;
    size_t own = qt_gate_get_info(gate)->qubit_count;
    if (controls + own > QT_MAX_GATE_QUBITS) {
        return qasm_too_large(x->ctx, x->at, "a gate has more than %d qubits", QT_MAX_GATE_QUBITS);
    }
    for (size_t i = 0; i < controls; i++) {
        qubits[i] = x->controls[i].qubit;
    }
    for (size_t i = 0; i < own; i++) {
        qubits[controls + i] = targets[i];
    }
    if (gate == QT_GATE_GPHASE && params[0].expr == QT_NO_INDEX && params[0].v == 0) {
        return QT_OK;
    }
    if (gate == QT_GATE_GPHASE && controls > 0) {
        gate = QT_GATE_P;
        controls--;
    }
    if (controls + own > 0 || gate == QT_GATE_P) {
        QT_TRY(flip_negatives(x));
        QT_TRY(build_gate(x, gate, qubits, controls, params));
        return flip_negatives(x);
    }
    return build_gate(x, gate, qubits, 0, params);
}

static qt_code collect(expansion *x, const qasm_prim *prim) {
    qasm_prim p = *prim;
    if (x->control_count == 1 && p.gate == QT_GATE_GPHASE) {
        p.gate = QT_GATE_P;
        qasm_prim flip = {.gate = QT_GATE_X};
        qasm_matrix m = qasm_matrix_of(&p);
        qasm_matrix xm = qasm_matrix_of(&flip);
        if (x->controls[0].negative) {
            m = qasm_matrix_mul(&xm, &m);
            m = qasm_matrix_mul(&m, &xm);
        }
        *x->matrix = qasm_matrix_mul(&m, x->matrix);
        return QT_OK;
    }
    if (x->control_count > 0 || qt_gate_get_info(p.gate)->qubit_count > 1) {
        return qasm_unsupported(x->ctx, x->at,
                                "a real power of a gate on several qubits is not supported");
    }
    qasm_matrix m = qasm_matrix_of(&p);
    *x->matrix = qasm_matrix_mul(&m, x->matrix);
    return QT_OK;
}

static qt_code emit_known(expansion *x, const qasm_prim *prim, const uint32_t *targets) {
    if (x->matrix != NULL) {
        return collect(x, prim);
    }
    qasm_angle params[3];
    for (size_t i = 0; i < 3; i++) {
        params[i] = qasm_known_angle(prim->p[i]);
    }
    return emit(x, prim->gate, params, targets);
}

static qt_code emit_powers(expansion *x, const qasm_prim *prim, const uint32_t *targets,
                           const double *exponents, size_t count) {
    if (count == 0) {
        return emit_known(x, prim, targets);
    }
    qasm_prim prims[QASM_MAX_POWER_PRIMS];
    size_t n = qasm_power(prim, exponents[0], prims);
    for (size_t i = 0; i < n; i++) {
        QT_TRY(emit_powers(x, &prims[i], targets, exponents + 1, count - 1));
    }
    return QT_OK;
}

static qt_code no_power(expansion *x) {
    return qasm_unsupported(
        x->ctx, x->at,
        "this power of a gate with an angle known only at run time is not supported");
}

/* Powers of gates with angles that are not known yet: those that scale the angle. */
static qt_code emit_dynamic(expansion *x, qt_gate gate, qasm_angle *params, const uint32_t *targets,
                            const step *s) {
    if (x->matrix != NULL || s->exponent_count > 1) {
        return no_power(x);
    }
    double e = s->exponent_count == 1 ? s->exponents[0] : 1;
    if (e == 1) {
        return emit(x, gate, params, targets);
    }
    if (gate == QT_GATE_U && e == -1) {
        qasm_angle p[3] = {params[0], params[2], params[1]};
        for (size_t i = 0; i < 3; i++) {
            QT_TRY(qasm_angle_negate(x->ctx, p[i], x->at, &p[i]));
        }
        return emit(x, gate, p, targets);
    }
    if (gate == QT_GATE_U || !qasm_is_integer(e)) {
        return no_power(x);
    }
    qasm_angle scaled;
    QT_TRY(
        qasm_angle_binary(x->ctx, QT_OPERATOR_MUL, params[0], qasm_known_angle(e), x->at, &scaled));
    return emit(x, gate, &scaled, targets);
}

static qt_code emit_base(expansion *x, const step *s, qt_gate gate, qasm_angle *params,
                         const uint32_t *targets) {
    size_t count = qt_gate_get_info(gate)->param_count;
    qasm_prim prim = {.gate = gate};
    for (size_t i = 0; i < count; i++) {
        if (params[i].expr != QT_NO_INDEX) {
            return emit_dynamic(x, gate, params, targets, s);
        }
        prim.p[i] = params[i].v;
    }
    return emit_powers(x, &prim, targets, s->exponents, s->exponent_count);
}

static qt_code half_of(expansion *x, qasm_angle a, double factor, qasm_angle *ret_angle) {
    return qasm_angle_binary(x->ctx, QT_OPERATOR_MUL, a, qasm_known_angle(factor), x->at,
                             ret_angle);
}

/* The library's U gates as e^{ig} U(p). */
static qt_code u_params(expansion *x, const step *s, qasm_angle *ret_g, qasm_angle ret_p[3]) {
    const qasm_angle *in = s->params;
    qasm_angle sum;
    bool two = s->gate->form == FORM_U2 || s->gate->form == FORM_U2_V3;
    ret_p[0] = two ? qasm_known_angle(M_PI_2) : in[0];
    ret_p[1] = two ? in[0] : in[1];
    ret_p[2] = two ? in[1] : in[2];
    *ret_g = qasm_known_angle(0);
    switch ((int)s->gate->form) {
    case FORM_U_V3:
        return half_of(x, in[0], 0.5, ret_g);
    case FORM_U2_V3:
    case FORM_U3_V3:
        QT_TRY(qasm_angle_binary(x->ctx, QT_OPERATOR_ADD, ret_p[1], ret_p[2], x->at, &sum));
        return half_of(x, sum, -0.5, ret_g);
    case FORM_CU:
        *ret_g = in[3];
        return QT_OK;
    default:
        return QT_OK;
    }
}

static qt_code matrix_power(expansion *x, qasm_matrix m, const double *exponents, size_t count,
                            const uint32_t *targets) {
    for (size_t i = 0; i < count; i++) {
        m = qasm_matrix_power(&m, exponents[i]);
    }
    qasm_prim phase = {.gate = QT_GATE_GPHASE};
    qasm_prim u = {.gate = QT_GATE_U};
    qasm_matrix_angles(&m, &phase.p[0], u.p);
    QT_TRY(emit_known(x, &phase, targets));
    return emit_known(x, &u, targets);
}

static qt_code emit_u(expansion *x, const step *s, const uint32_t *targets) {
    qasm_angle g;
    qasm_angle p[3];
    QT_TRY(u_params(x, s, &g, p));
    bool dynamic = g.expr != QT_NO_INDEX;
    qasm_prim u = {.gate = QT_GATE_U};
    for (size_t i = 0; i < 3; i++) {
        dynamic = dynamic || p[i].expr != QT_NO_INDEX;
        u.p[i] = p[i].v;
    }
    bool plain = s->exponent_count == 0 || (s->exponent_count == 1 && s->exponents[0] == -1);
    if (dynamic || plain) {
        QT_TRY(emit_base(x, s, QT_GATE_GPHASE, &g, targets));
        return emit_base(x, s, QT_GATE_U, p, targets);
    }
    qasm_prim phase = {.gate = QT_GATE_GPHASE, .p = {g.v}};
    qasm_matrix a = qasm_matrix_of(&phase);
    qasm_matrix b = qasm_matrix_of(&u);
    return matrix_power(x, qasm_matrix_mul(&a, &b), s->exponents, s->exponent_count, targets);
}

static qt_code emit_barrier(expansion *x, const step *s, size_t count) {
    if (x->matrix != NULL) {
        return QT_OK;
    }
    QASM_BUILD(x->ctx, x->at, qt_build_barrier(&x->ctx->builder, s->qubits, count, err));
    return QT_OK;
}

static qt_code emit_library(expansion *x, const step *s) {
    size_t before = x->control_count;
    for (size_t i = 0; i < s->gate->controls; i++) {
        QT_TRY(push_control(x, s->qubits[i], false));
    }
    const uint32_t *targets = s->qubits + s->gate->controls;
    qt_code code = QT_OK;
    if (s->gate->form == FORM_BASE || s->gate->form == FORM_ID1) {
        code = emit_base(x, s, s->gate->base, s->params, targets);
    } else {
        code = emit_u(x, s, targets);
    }
    x->control_count = before;
    return code;
}

/* A value that a body uses several times becomes a variable, so that expressions stay small. */
static qt_code materialize(expansion *x, qasm_angle *params, size_t count) {
    qt_builder *b = &x->ctx->builder;
    for (size_t i = 0; i < count; i++) {
        if (params[i].expr == QT_NO_INDEX ||
            b->circuit->exprs[params[i].expr].kind <= QT_EXPR_VAR) {
            continue;
        }
        uint32_t variable = 0;
        QASM_BUILD(x->ctx, x->at, qt_build_variable(b, "angle", QT_TYPE_FLOAT, 64, &variable, err));
        QASM_BUILD(x->ctx, x->at,
                   qt_build_assign(b, QT_LVALUE_VAR, variable, params[i].expr, QT_NO_INDEX, err));
        qt_expr e = {.kind = QT_EXPR_VAR, .type = QT_TYPE_FLOAT, .width = 64, .u = {variable, 0}};
        QASM_BUILD(x->ctx, x->at, qt_build_expr(b, e, &params[i].expr, err));
    }
    return QT_OK;
}

static qt_code push_modifiers(expansion *x, const qasm_call *call, const step *parent, step *s) {
    if (call->modifier_count == 0) {
        return QT_OK;
    }
    const qasm_modifier *m = x->gates->modifiers + call->first_modifier;
    for (uint32_t i = 0; i < call->modifier_count; i++) {
        if (m[i].kind == MODIFIER_POW) {
            qasm_angle e;
            QT_TRY(qasm_eval_node(x->ctx, x->gates, m[i].node, parent->params, x->at, &e));
            if (e.expr != QT_NO_INDEX) {
                return qasm_unsupported(x->ctx, x->at,
                                        "an exponent known only at run time is not "
                                        "supported");
            }
            QT_TRY(push_exponent(x, s, e.v));
        }
    }
    for (uint32_t i = call->modifier_count; i > 0; i--) {
        bool power = m[i - 1].kind == MODIFIER_POW;
        for (uint32_t k = 0; !power && k < m[i - 1].count; k++) {
            QT_TRY(push_control(x, *s->qubits++, m[i - 1].kind == MODIFIER_NEGCTRL));
        }
    }
    return QT_OK;
}

/* One statement of a body; `outer` are powers that the body as a whole passes on. */
static qt_code apply_call(expansion *x, const step *parent, const qasm_call *call,
                          const double *outer, size_t outer_count) {
    const qasm_gate *gate = &x->gates->items[call->gate];
    step s = {.gate = gate,
              .params = parent->params + parent->gate->param_count,
              .qubits = parent->qubits + parent->gate->qubit_count};
    for (uint32_t i = 0; i < gate->param_count; i++) {
        uint32_t node = x->gates->param_nodes[call->first_param + i];
        QT_TRY(qasm_eval_node(x->ctx, x->gates, node, parent->params, x->at, &s.params[i]));
    }
    for (uint32_t i = 0; i < call->qubit_count; i++) {
        s.qubits[i] = parent->qubits[x->gates->formals[call->first_qubit + i]];
    }
    if (gate->form == FORM_BARRIER) {
        return emit_barrier(x, &s, call->qubit_count);
    }
    if (gate->form == FORM_BODY) {
        QT_TRY(materialize(x, s.params, gate->param_count));
    }
    size_t controls = x->control_count;
    QT_TRY(push_modifiers(x, call, parent, &s));
    for (size_t i = 0; i < outer_count; i++) {
        QT_TRY(push_exponent(x, &s, outer[i]));
    }
    QT_TRY(apply_step(x, &s));
    x->control_count = controls;
    return QT_OK;
}

static qt_code apply_body(expansion *x, const step *s, bool inverse) {
    static const double minus_one = -1;
    const qasm_gate *gate = s->gate;
    for (uint32_t i = 0; i < gate->call_count; i++) {
        uint32_t k = inverse ? gate->call_count - 1 - i : i;
        const qasm_call *call = &x->gates->calls[gate->first_call + k];
        QT_TRY(apply_call(x, s, call, &minus_one, inverse ? 1 : 0));
    }
    return QT_OK;
}

static qt_code repeat(expansion *x, const step *s, double e) {
    step inner = *s;
    inner.exponent_count--;
    if (e < 0) {
        QT_TRY(push_exponent(x, &inner, -1));
    }
    for (double i = 0; i < fabs(e); i++) {
        QT_TRY(apply_step(x, &inner));
    }
    return QT_OK;
}

/* A gate on one qubit to a real power, through its matrix. */
static qt_code apply_matrix_power(expansion *x, const step *s) {
    qasm_matrix m = {{{1, 0}, {0, 1}}};
    expansion inner = {.ctx = x->ctx, .gates = x->gates, .at = x->at, .matrix = &m};
    step base = *s;
    base.exponent_count = 0;
    QT_TRY(apply_body(&inner, &base, false));
    return matrix_power(x, m, s->exponents, s->exponent_count, s->qubits);
}

/* ---- V W V^-1 to the power e is V W^e V^-1 ---- */

static bool is_inverse(uint8_t a, uint8_t b) {
    static const uint8_t pairs[][2] = {
        {QT_GATE_S, QT_GATE_SDG}, {QT_GATE_T, QT_GATE_TDG}, {QT_GATE_SX, QT_GATE_SXDG}};
    bool own = a == QT_GATE_ID || a == QT_GATE_X || a == QT_GATE_Y || a == QT_GATE_Z ||
               a == QT_GATE_H || a == QT_GATE_SWAP;
    if (own) {
        return a == b;
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if ((a == pairs[i][0] && b == pairs[i][1]) || (a == pairs[i][1] && b == pairs[i][0])) {
            return true;
        }
    }
    return false;
}

/* Whether one call of a body undoes another: fixed gates of the library on the same qubits. */
static bool undoes(const qasm_gates *g, const qasm_call *a, const qasm_call *b) {
    const qasm_gate *x = &g->items[a->gate];
    const qasm_gate *y = &g->items[b->gate];
    bool plain = x->form == FORM_BASE && y->form == FORM_BASE && x->controls == y->controls &&
                 a->modifier_count == 0 && b->modifier_count == 0;
    size_t bytes = a->qubit_count * sizeof *g->formals;
    return plain && is_inverse(x->base, y->base) && a->qubit_count == b->qubit_count &&
           memcmp(g->formals + a->first_qubit, g->formals + b->first_qubit, bytes) == 0;
}

/* How many calls at the start of a body its end undoes. */
static uint32_t count_mirrored(const expansion *x, const qasm_gate *gate) {
    const qasm_call *calls = x->gates->calls + gate->first_call;
    uint32_t n = gate->call_count;
    uint32_t k = 0;
    while (k < n / 2 && undoes(x->gates, &calls[k], &calls[n - 1 - k])) {
        k++;
    }
    return k;
}

static qt_code apply_mirrored(expansion *x, const step *s, uint32_t around) {
    const qasm_gate *gate = s->gate;
    for (uint32_t i = 0; i < gate->call_count; i++) {
        const qasm_call *call = &x->gates->calls[gate->first_call + i];
        bool inner = i >= around && i < gate->call_count - around;
        QT_TRY(apply_call(x, s, call, s->exponents, inner ? s->exponent_count : 0));
    }
    return QT_OK;
}

static qt_code apply_powers(expansion *x, const step *s) {
    double e = s->exponents[s->exponent_count - 1];
    if (s->exponent_count == 1 && e == -1) {
        return apply_body(x, s, true);
    }
    if (qasm_is_integer(e)) {
        return repeat(x, s, e);
    }
    if (s->gate->call_count == 1) {
        return apply_call(x, s, &x->gates->calls[s->gate->first_call], s->exponents,
                          s->exponent_count);
    }
    if (s->gate->qubit_count == 1) {
        return apply_matrix_power(x, s);
    }
    uint32_t around = count_mirrored(x, s->gate);
    if (s->gate->call_count - 2 * around <= 1) {
        return apply_mirrored(x, s, around);
    }
    return qasm_unsupported(x->ctx, x->at,
                            "a real power of '%s', which has several steps on several qubits, is "
                            "not supported",
                            s->gate->name);
}

static qt_code apply_step(expansion *x, const step *s) {
    if (s->gate->form == FORM_OPAQUE) {
        return qasm_unsupported(x->ctx, x->at, "the opaque gate '%s' has no definition to run",
                                s->gate->name);
    }
    if (s->gate->form != FORM_BODY) {
        return emit_library(x, s);
    }
    QT_TRY(count_step(x, s));
    if (s->gate->ops == 0) {
        return QT_OK;
    }
    return s->exponent_count == 0 ? apply_body(x, s, false) : apply_powers(x, s);
}

/* Before a body that runs `times` times is expanded. */
static qt_code check_size(qasm_context *ctx, const qasm_gate *gate, double times, const char *at) {
    size_t left = ctx->options.limits.max_ops - ctx->builder.circuit->op_count;
    times = gate->form == FORM_BODY && times > 1 ? times : 1;
    if ((double)gate->ops * times > (double)left) {
        return qasm_too_large(ctx, at, "the circuit has more than %zu operations",
                              ctx->options.limits.max_ops);
    }
    return QT_OK;
}

static qt_code reserve(qasm_context *ctx, qasm_gates *gates, size_t frame) {
    if (frame > gates->frame_cap) {
        size_t cap = gates->frame_cap;
        QASM_GROW(ctx, gates->frame_params, cap, frame);
        cap = gates->frame_cap;
        QASM_GROW(ctx, gates->frame_qubits, cap, frame);
        gates->frame_cap = cap;
    }
    return QT_OK;
}

qt_code qasm_apply(qasm_context *ctx, qasm_gates *gates, const qasm_application *app) {
    const qasm_gate *gate = &gates->items[app->gate];
    double times = 1;
    for (size_t i = 0; i < app->modifier_count; i++) {
        bool power = app->modifiers[i].kind == MODIFIER_POW;
        times *= power ? fabs(app->exponents[app->modifiers[i].node]) : 1;
    }
    QT_TRY(check_size(ctx, gate, times, app->at));
    QT_TRY(reserve(ctx, gates, gate->frame + app->qubit_count));
    expansion x = {.ctx = ctx, .gates = gates, .at = app->at};
    step s = {.gate = gate, .params = gates->frame_params, .qubits = gates->frame_qubits};
    if (gate->param_count > 0) {
        memcpy(s.params, app->params, gate->param_count * sizeof *s.params);
    }
    if (app->qubit_count > 0) {
        memcpy(s.qubits, app->qubits, app->qubit_count * sizeof *s.qubits);
    }
    for (size_t i = 0; i < app->modifier_count; i++) {
        if (app->modifiers[i].kind == MODIFIER_POW) {
            QT_TRY(push_exponent(&x, &s, app->exponents[app->modifiers[i].node]));
        }
    }
    for (size_t i = app->modifier_count; i > 0; i--) {
        const qasm_modifier *m = &app->modifiers[i - 1];
        for (uint32_t k = 0; m->kind != MODIFIER_POW && k < m->count; k++) {
            QT_TRY(push_control(&x, *s.qubits++, m->kind == MODIFIER_NEGCTRL));
        }
    }
    if (gate->form == FORM_BODY) {
        QT_TRY(materialize(&x, s.params, gate->param_count));
    }
    return apply_step(&x, &s);
}

qt_code qasm_apply_plain(qasm_context *ctx, qasm_gates *gates, uint32_t index, const double *params,
                         const uint32_t *qubits, const char *at) {
    const qasm_gate *gate = &gates->items[index];
    if (gate->form == FORM_BASE) {
        QASM_BUILD(ctx, at,
                   qt_build_gate(&ctx->builder, gate->base, qubits, gate->controls, params, err));
        return QT_OK;
    }
    QT_TRY(check_size(ctx, gate, 1, at));
    QT_TRY(reserve(ctx, gates, gate->frame));
    expansion x = {.ctx = ctx, .gates = gates, .at = at};
    step s = {.gate = gate, .params = gates->frame_params, .qubits = gates->frame_qubits};
    for (uint32_t i = 0; i < gate->param_count; i++) {
        s.params[i] = qasm_known_angle(params[i]);
    }
    memcpy(s.qubits, qubits, gate->qubit_count * sizeof *qubits);
    return apply_step(&x, &s);
}
