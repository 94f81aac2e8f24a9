#include "program/ionq_gate.h"

#include <math.h>
#include <string.h>

#define TAU 6.28318530717958647692528676655900577

/* Forms that are no base gate. */
enum { FORM_PAULIEXP = QT_GATE_COUNT_, FORM_GPI, FORM_GPI2, FORM_MS };
#define QT_GATE_PAULIEXP FORM_PAULIEXP
#define QT_GATE_GPI FORM_GPI
#define QT_GATE_GPI2 FORM_GPI2
#define QT_GATE_MS FORM_MS

typedef enum param_kind {
    PARAM_NONE,
    PARAM_ROTATION,
    PARAM_OPTIONAL_ROTATION,
    PARAM_PHASE,
    PARAM_PHASES, /* and an angle, 0.25 without one */
    PARAM_ANGLE,
    PARAM_PAULIS, /* terms, coefficients, time */
} param_kind;

typedef struct gate_row {
    const char *name;
    uint8_t form; /* qt_gate or FORM_ */
    uint8_t targets;
    uint8_t param;
    bool native;
} gate_row;

static const gate_row rows[] = {
#define IONQ_GATE(name, gate, targets, param, native)                                              \
    {name, QT_GATE_##gate, targets, PARAM_##param, native},
#include "program/ionq_gates.def"
#undef IONQ_GATE
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

/* Fields of the object. */
enum {
    HAS_GATE = 1 << 0,
    HAS_TARGET = 1 << 1,
    HAS_TARGETS = 1 << 2,
    HAS_CONTROL = 1 << 3,
    HAS_CONTROLS = 1 << 4,
    HAS_ROTATION = 1 << 5,
    HAS_PHASE = 1 << 6,
    HAS_PHASES = 1 << 7,
    HAS_ANGLE = 1 << 8,
    HAS_TERMS = 1 << 9,
    HAS_COEFFICIENTS = 1 << 10,
    HAS_TIME = 1 << 11,
};

static const char *const field_names[] = {"gate",     "target",   "targets",      "control",
                                          "controls", "rotation", "phase",        "phases",
                                          "angle",    "terms",    "coefficients", "time"};
enum { FIELD_COUNT = sizeof field_names / sizeof *field_names };

enum { MAX_NAME = 31, MAX_TERMS = 64, MAX_PAULIS = QT_MAX_GATE_QUBITS };

typedef struct gate_object {
    unsigned has; /* HAS_ */
    size_t offset;
    size_t gate_offset;
    char name[MAX_NAME + 1];
    uint32_t targets[QT_MAX_GATE_QUBITS];
    size_t target_count;
    uint32_t controls[QT_MAX_GATE_QUBITS];
    size_t control_count;
    double rotation, phase, angle, time;
    double phases[2];
    size_t phase_count;
    char terms[MAX_TERMS][MAX_PAULIS + 1];
    size_t term_count;
    double coefficients[MAX_TERMS];
    size_t coefficient_count;
} gate_object;

static qt_code wrong(qt_json_cursor *c, size_t offset, const char *what) {
    return qt_json_cursor_fail(c, offset, QT_REASON_CIRCUIT_SYNTAX, "%s", what);
}

/* ---- fields ---- */

static qt_code read_qubit(qt_json_cursor *c, const qt_json_token *t, uint32_t num_qubits,
                          uint32_t *ret) {
    return qt_json_cursor_index(c, t, num_qubits - 1, ret);
}

static qt_code read_qubits(qt_json_cursor *c, const qt_json_token *first, uint32_t num_qubits,
                           uint32_t *ret, size_t *ret_count) {
    if (first->type == QT_JSON_NUMBER) { /* one alone is taken too */
        *ret_count = 1;
        return read_qubit(c, first, num_qubits, ret);
    }
    QT_TRY(qt_json_cursor_expect(c, first, QT_JSON_ARRAY));
    qt_json_token t;
    for (size_t i = 0;; i++) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_ARRAY_END) {
            *ret_count = i;
            return QT_OK;
        }
        size_t mark = qt_json_cursor_enter_item(c, i);
        if (i == QT_MAX_GATE_QUBITS) {
            return qt_json_cursor_fail(c, t.offset, QT_REASON_CIRCUIT_TOO_LARGE,
                                       "more than %d qubits", (int)QT_MAX_GATE_QUBITS);
        }
        QT_TRY(read_qubit(c, &t, num_qubits, &ret[i]));
        qt_json_cursor_leave(c, mark);
    }
}

static qt_code read_numbers(qt_json_cursor *c, const qt_json_token *first, double *ret, size_t max,
                            size_t *ret_count) {
    QT_TRY(qt_json_cursor_expect(c, first, QT_JSON_ARRAY));
    qt_json_token t;
    for (size_t i = 0;; i++) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_ARRAY_END) {
            *ret_count = i;
            return QT_OK;
        }
        size_t mark = qt_json_cursor_enter_item(c, i);
        if (i == max) {
            return qt_json_cursor_fail(c, t.offset, QT_REASON_CIRCUIT_TOO_LARGE,
                                       "more than %zu numbers", max);
        }
        QT_TRY(qt_json_cursor_double(c, &t, &ret[i]));
        qt_json_cursor_leave(c, mark);
    }
}

static qt_code read_terms(qt_json_cursor *c, const qt_json_token *first, gate_object *g) {
    QT_TRY(qt_json_cursor_expect(c, first, QT_JSON_ARRAY));
    qt_json_token t;
    for (size_t i = 0;; i++) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_ARRAY_END) {
            g->term_count = i;
            return QT_OK;
        }
        size_t mark = qt_json_cursor_enter_item(c, i);
        QT_TRY(qt_json_cursor_expect(c, &t, QT_JSON_STRING));
        if (i == MAX_TERMS || t.len > MAX_PAULIS) {
            return qt_json_cursor_fail(c, t.offset, QT_REASON_CIRCUIT_TOO_LARGE,
                                       "more than %d terms or %d qubits", (int)MAX_TERMS,
                                       (int)MAX_PAULIS);
        }
        memcpy(g->terms[i], t.text, t.len);
        g->terms[i][t.len] = '\0';
        if (strspn(g->terms[i], "IXYZ") != t.len) {
            return wrong(c, t.offset, "a term is made of I, X, Y and Z");
        }
        qt_json_cursor_leave(c, mark);
    }
}

static qt_code read_name(qt_json_cursor *c, const qt_json_token *t, gate_object *g) {
    QT_TRY(qt_json_cursor_expect(c, t, QT_JSON_STRING));
    size_t len = t->len < MAX_NAME ? t->len : MAX_NAME;
    memcpy(g->name, t->text, len);
    g->name[len] = '\0';
    g->gate_offset = t->offset;
    return QT_OK;
}

static qt_code read_field(qt_json_cursor *c, unsigned field, uint32_t num_qubits, gate_object *g) {
    qt_json_token t;
    QT_TRY(qt_json_cursor_next(c, &t));
    switch (field) {
    case HAS_GATE:
        return read_name(c, &t, g);
    case HAS_TARGET:
        g->target_count = 1;
        return read_qubit(c, &t, num_qubits, g->targets);
    case HAS_TARGETS:
        return read_qubits(c, &t, num_qubits, g->targets, &g->target_count);
    case HAS_CONTROL:
        g->control_count = 1;
        return read_qubit(c, &t, num_qubits, g->controls);
    case HAS_CONTROLS:
        return read_qubits(c, &t, num_qubits, g->controls, &g->control_count);
    case HAS_ROTATION:
        return qt_json_cursor_double(c, &t, &g->rotation);
    case HAS_PHASE:
        return qt_json_cursor_double(c, &t, &g->phase);
    case HAS_PHASES:
        return read_numbers(c, &t, g->phases, 2, &g->phase_count);
    case HAS_ANGLE:
        return qt_json_cursor_double(c, &t, &g->angle);
    case HAS_TERMS:
        return read_terms(c, &t, g);
    case HAS_COEFFICIENTS:
        return read_numbers(c, &t, g->coefficients, MAX_TERMS, &g->coefficient_count);
    default:
        return qt_json_cursor_double(c, &t, &g->time);
    }
}

static unsigned find_field(const qt_json_token *key) {
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (qt_json_token_is(key, field_names[i])) {
            return 1U << i;
        }
    }
    return 0;
}

static qt_code read_object(qt_json_cursor *c, const qt_json_token *first, uint32_t num_qubits,
                           gate_object *g) {
    QT_TRY(qt_json_cursor_expect(c, first, QT_JSON_OBJECT));
    g->offset = first->offset;
    qt_json_token key;
    for (;;) {
        QT_TRY(qt_json_cursor_next(c, &key));
        if (key.type == QT_JSON_OBJECT_END) {
            return QT_OK;
        }
        unsigned field = find_field(&key);
        size_t mark = qt_json_cursor_enter(c, key.text, key.len);
        if (field == 0 || (g->has & field) != 0) {
            return wrong(c, key.offset, field == 0 ? "a gate has no such field" : "given twice");
        }
        QT_TRY(read_field(c, field, num_qubits, g));
        g->has |= field;
        qt_json_cursor_leave(c, mark);
    }
}

/* ---- checks ---- */

static qt_code find_gate(qt_json_cursor *c, const gate_object *g, bool native,
                         const gate_row **ret_row) {
    bool other = false;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool same = strcmp(rows[i].name, g->name) == 0;
        if (same && rows[i].native == native) {
            *ret_row = &rows[i];
            return QT_OK;
        }
        other = other || same;
    }
    size_t mark = qt_json_cursor_enter(c, "gate", 4);
    qt_code code = other ? qt_json_cursor_fail(c, g->gate_offset, QT_REASON_CIRCUIT_SYNTAX,
                                               "the gate '%s' is not in the gateset %s", g->name,
                                               native ? "native" : "qis")
                         : qt_json_cursor_fail(c, g->gate_offset, QT_REASON_CIRCUIT_SYNTAX,
                                               "there is no gate '%s'", g->name);
    qt_json_cursor_leave(c, mark);
    return code;
}

/* Which fields a parameter consists of. */
static unsigned param_fields(param_kind param, unsigned *ret_required) {
    static const unsigned all[] = {
        [PARAM_NONE] = 0,
        [PARAM_ROTATION] = HAS_ROTATION,
        [PARAM_OPTIONAL_ROTATION] = HAS_ROTATION,
        [PARAM_PHASE] = HAS_PHASE,
        [PARAM_PHASES] = HAS_PHASES | HAS_ANGLE,
        [PARAM_ANGLE] = HAS_ANGLE | HAS_PHASE,
        [PARAM_PAULIS] = HAS_TERMS | HAS_COEFFICIENTS | HAS_TIME,
    };
    static const unsigned required[] = {
        [PARAM_NONE] = 0,
        [PARAM_ROTATION] = HAS_ROTATION,
        [PARAM_OPTIONAL_ROTATION] = 0,
        [PARAM_PHASE] = HAS_PHASE,
        [PARAM_PHASES] = HAS_PHASES,
        [PARAM_ANGLE] = 0, /* the one or the other */
        [PARAM_PAULIS] = HAS_TERMS | HAS_COEFFICIENTS | HAS_TIME,
    };
    *ret_required = required[param];
    return all[param];
}

static qt_code check_fields(qt_json_cursor *c, const gate_object *g, const gate_row *row) {
    unsigned required = 0;
    unsigned allowed = param_fields((param_kind)row->param, &required);
    allowed |= HAS_GATE | HAS_TARGET | HAS_TARGETS;
    allowed |= row->native || row->param == PARAM_PAULIS ? 0 : HAS_CONTROL | HAS_CONTROLS;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        unsigned field = 1U << i;
        bool extra = (g->has & field) != 0 && (allowed & field) == 0;
        bool missing = (g->has & field) == 0 && (required & field) != 0;
        if (extra || missing) {
            return qt_json_cursor_fail(c, g->offset, QT_REASON_CIRCUIT_SYNTAX,
                                       extra ? "the gate '%s' takes no '%s'"
                                             : "the gate '%s' needs '%s'",
                                       row->name, field_names[i]);
        }
    }
    if (row->param == PARAM_ANGLE && ((g->has & HAS_ANGLE) != 0) == ((g->has & HAS_PHASE) != 0)) {
        return wrong(c, g->offset, "the gate 'zz' needs 'angle'");
    }
    if ((g->has & HAS_PHASES) != 0 && g->phase_count != 2) {
        return wrong(c, g->offset, "'phases' has two numbers");
    }
    return QT_OK;
}

static qt_code check_distinct(qt_json_cursor *c, const gate_object *g, const uint32_t *qubits,
                              size_t count) {
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (qubits[i] == qubits[j]) {
                return qt_json_cursor_fail(c, g->offset, QT_REASON_CIRCUIT_SYNTAX,
                                           "qubit %u is used twice in one gate", qubits[i]);
            }
        }
    }
    return QT_OK;
}

static qt_code check_qubits(qt_json_cursor *c, const gate_object *g, const gate_row *row) {
    bool both = (g->has & HAS_TARGET) != 0 && (g->has & HAS_TARGETS) != 0;
    bool both_controls = (g->has & HAS_CONTROL) != 0 && (g->has & HAS_CONTROLS) != 0;
    if (both || both_controls) {
        return wrong(c, g->offset,
                     both ? "'target' and 'targets' together"
                          : "'control' and 'controls' together");
    }
    if (g->target_count == 0 || (row->targets != 0 && g->target_count != row->targets)) {
        return qt_json_cursor_fail(c, g->offset, QT_REASON_CIRCUIT_SYNTAX,
                                   "the gate '%s' takes %u target%s, %zu are given", row->name,
                                   row->targets, row->targets == 1 ? "" : "s", g->target_count);
    }
    if (strcmp(row->name, "cnot") == 0 && g->control_count == 0) {
        return wrong(c, g->offset, "the gate 'cnot' needs 'control' or 'controls'");
    }
    if (g->control_count + g->target_count > QT_MAX_GATE_QUBITS) {
        return qt_json_cursor_fail(c, g->offset, QT_REASON_CIRCUIT_TOO_LARGE,
                                   "more than %d qubits in one gate", (int)QT_MAX_GATE_QUBITS);
    }
    return QT_OK;
}

/* ---- operations ---- */

/* A limit of the builder is reached here, at this gate. */
static qt_code built(qt_json_cursor *c, const gate_object *g, qt_code code, const qt_err *found) {
    if (code != QT_OK && found->reason == QT_REASON_CIRCUIT_TOO_LARGE) {
        return qt_json_cursor_fail(c, g->offset, found->reason, "%s", found->msg);
    }
    if (code != QT_OK) {
        *c->err = *found;
    }
    return code;
}

static qt_code one(qt_builder *b, qt_gate gate, uint32_t q, double angle, qt_err *err) {
    return qt_build_gate(b, gate, &q, 0, &angle, err);
}

static qt_code build_plain(qt_builder *b, const gate_object *g, const gate_row *row,
                           const uint32_t *qubits, qt_err *err) {
    bool phase_gate = row->param == PARAM_OPTIONAL_ROTATION && (g->has & HAS_ROTATION) != 0;
    qt_gate gate = phase_gate ? QT_GATE_P : (qt_gate)row->form;
    double turns = (g->has & HAS_ANGLE) != 0 ? g->angle : g->phase;
    double angle = row->param == PARAM_ANGLE ? turns * TAU : g->rotation;
    return qt_build_gate(b, gate, qubits, g->control_count, &angle, err);
}

/* GPI(p) = RZ(2p) X; GPI2(p) = RZ(p) RX(pi/2) RZ(-p), in radians. */
static qt_code build_gpi(qt_builder *b, uint32_t q, double phase, bool half, qt_err *err) {
    if (!half) {
        QT_TRY(one(b, QT_GATE_X, q, 0, err));
        return one(b, QT_GATE_RZ, q, 2 * phase, err);
    }
    QT_TRY(one(b, QT_GATE_RZ, q, -phase, err));
    QT_TRY(one(b, QT_GATE_RX, q, TAU / 4, err));
    return one(b, QT_GATE_RZ, q, phase, err);
}

/* MS(p0, p1, t): RXX(t) between turns of both qubits about Z. */
static qt_code build_ms(qt_builder *b, const gate_object *g, qt_err *err) {
    const double quarter = 0.25;
    double angle = ((g->has & HAS_ANGLE) != 0 ? g->angle : quarter) * TAU;
    for (size_t i = 0; i < 2; i++) {
        QT_TRY(one(b, QT_GATE_RZ, g->targets[i], -g->phases[i] * TAU, err));
    }
    QT_TRY(qt_build_gate(b, QT_GATE_RXX, g->targets, 0, &angle, err));
    for (size_t i = 0; i < 2; i++) {
        QT_TRY(one(b, QT_GATE_RZ, g->targets[i], g->phases[i] * TAU, err));
    }
    return QT_OK;
}

/* From the basis of a Pauli operator to that of Z, or back. */
static qt_code turn_basis(qt_builder *b, char pauli, uint32_t q, bool back, qt_err *err) {
    if (pauli == 'X') {
        return one(b, QT_GATE_H, q, 0, err);
    }
    return pauli == 'Y' ? one(b, QT_GATE_RX, q, back ? -TAU / 4 : TAU / 4, err) : QT_OK;
}

static qt_code build_chain(qt_builder *b, const uint32_t *qubits, size_t count, bool back,
                           qt_err *err) {
    for (size_t i = 0; i + 1 < count; i++) {
        size_t k = back ? count - 2 - i : i;
        QT_TRY(qt_build_gate(b, QT_GATE_X, (uint32_t[]){qubits[k], qubits[k + 1]}, 1, NULL, err));
    }
    return QT_OK;
}

/* exp(-i angle P / 2). The last letter of a term is the first target's. */
static qt_code build_term(qt_builder *b, const gate_object *g, const char *term, double angle,
                          qt_err *err) {
    uint32_t qubits[MAX_PAULIS];
    char paulis[MAX_PAULIS];
    size_t count = 0;
    for (size_t i = 0; i < g->target_count; i++) {
        char pauli = term[g->target_count - 1 - i];
        if (pauli != 'I') {
            qubits[count] = g->targets[i];
            paulis[count++] = pauli;
        }
    }
    if (count == 0) {
        double phase = -angle / 2;
        return qt_build_gate(b, QT_GATE_GPHASE, NULL, 0, &phase, err);
    }
    for (size_t i = 0; i < count; i++) {
        QT_TRY(turn_basis(b, paulis[i], qubits[i], false, err));
    }
    QT_TRY(build_chain(b, qubits, count, false, err));
    QT_TRY(one(b, QT_GATE_RZ, qubits[count - 1], angle, err));
    QT_TRY(build_chain(b, qubits, count, true, err));
    for (size_t i = 0; i < count; i++) {
        QT_TRY(turn_basis(b, paulis[i], qubits[i], true, err));
    }
    return QT_OK;
}

static bool commute(const char *a, const char *b) {
    unsigned differ = 0;
    for (size_t i = 0; a[i] != '\0'; i++) {
        differ += a[i] != 'I' && b[i] != 'I' && a[i] != b[i];
    }
    return differ % 2 == 0;
}

static qt_code check_terms(qt_json_cursor *c, const gate_object *g) {
    if (g->term_count != g->coefficient_count) {
        return wrong(c, g->offset, "'terms' and 'coefficients' differ in length");
    }
    for (size_t i = 0; i < g->term_count; i++) {
        if (strlen(g->terms[i]) != g->target_count) {
            return wrong(c, g->offset, "a term has one letter for each target");
        }
        for (size_t j = 0; j < i; j++) {
            if (!commute(g->terms[i], g->terms[j])) {
                return qt_json_cursor_fail(c, g->offset, QT_REASON_CIRCUIT_UNSUPPORTED,
                                           "pauliexp of terms that do not commute");
            }
        }
    }
    return QT_OK;
}

/* exp(-i time sum_k c_k P_k). */
static qt_code build_pauliexp(qt_builder *b, const gate_object *g, qt_err *err) {
    for (size_t i = 0; i < g->term_count; i++) {
        QT_TRY(build_term(b, g, g->terms[i], 2 * g->time * g->coefficients[i], err));
    }
    return QT_OK;
}

static qt_code build(qt_builder *b, const gate_object *g, const gate_row *row,
                     const uint32_t *qubits, qt_err *err) {
    switch (row->form) {
    case FORM_PAULIEXP:
        return build_pauliexp(b, g, err);
    case FORM_GPI:
    case FORM_GPI2:
        return build_gpi(b, g->targets[0], g->phase * TAU, row->form == FORM_GPI2, err);
    case FORM_MS:
        return build_ms(b, g, err);
    default:
        return build_plain(b, g, row, qubits, err);
    }
}

qt_code qt_ionq_read_gate(qt_json_cursor *c, const qt_json_token *first, bool native,
                          uint32_t num_qubits, qt_builder *b) {
    gate_object g;
    /* All but the large arrays, which the counts guard. */
    memset(&g, 0, offsetof(gate_object, targets));
    g.target_count = g.control_count = g.phase_count = g.term_count = g.coefficient_count = 0;
    g.rotation = g.phase = g.angle = g.time = 0;
    QT_TRY(read_object(c, first, num_qubits, &g));
    if ((g.has & HAS_GATE) == 0) {
        return wrong(c, g.offset, "'gate' is missing");
    }
    const gate_row *row = NULL;
    QT_TRY(find_gate(c, &g, native, &row));
    QT_TRY(check_qubits(c, &g, row));
    QT_TRY(check_fields(c, &g, row));
    uint32_t qubits[QT_MAX_GATE_QUBITS];
    memcpy(qubits, g.controls, g.control_count * sizeof *qubits);
    memcpy(qubits + g.control_count, g.targets, g.target_count * sizeof *qubits);
    QT_TRY(check_distinct(c, &g, qubits, g.control_count + g.target_count));
    if (row->param == PARAM_PAULIS) {
        QT_TRY(check_terms(c, &g));
    }
    qt_err found;
    return built(c, &g, build(b, &g, row, qubits, &found), &found);
}
